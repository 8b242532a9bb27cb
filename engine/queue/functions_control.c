/* A campaign's state and the orders that change it, inside Redis; part of the library in
 * functions.c. */
#include "queue/internal.h"

#define V QUEUE_VERSION

/* not_running(): why no attempt may be made now; nil when the campaign runs. Needed before
 * `attempt`. */
const char queue_functions_held[] = "local function not_running(c)\n"
                                    "  local state = redis.call('HGET', c .. ':control', 'state')\n"
                                    "  if state and state ~= 'running' then return state end\n"
                                    "end\n";

const char queue_functions_control[] =
    "local function control_of(c)\n"
    "  local s = redis.call('HMGET', c .. ':control', 'state', 'since', 'who', 'why', 'now',\n"
    "                       'version', 'reloads', 'file')\n"
    "  local none = {'running', '0', '', '', '0', '0', '0', ''}\n"
    "  for i = 1, 8 do s[i] = s[i] or none[i] end\n"
    "  return s\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_controlled', flags = {'no-writes'},\n"
    "  callback = function(keys) return control_of(keys[1]) end}\n"

    /* what happened, by whom → a line of the audit, the oldest dropped */
    "local function control_note(c, at, who, order, why)\n"
    "  redis.call('RPUSH', c .. ':audit', at .. '\\31' .. order .. '\\31' .. who .. '\\31' .. "
    "why)\n"
    "  redis.call('LTRIM', c .. ':audit', -10000, -1)\n"
    "end\n"
    "local function control_become(c, at, who, order, why, state)\n"
    "  redis.call('HSET', c .. ':control', 'state', state, 'since', at, 'who', who, 'why', why,\n"
    "             'now', order == 'stop now' and '1' or '0')\n"
    "end\n"

    /* order, who, why, now → changed, already or refused, then the state as it is now */
    "local function order(keys, args)\n"
    "  local c, what, who, why = keys[1], args[1], args[2], args[3]\n"
    "  local at = string.format('%.0f', clock(args[4]))\n"
    "  local to = ({pause = 'paused', resume = 'running', drain = 'draining', stop = 'stopped',\n"
    "               ['stop now'] = 'stopped'})[what]\n"
    "  local was = control_of(c)\n"
    "  local ends = was[1] == 'draining' or was[1] == 'stopped'\n"
    "  local answer = 'changed'\n"
    "  if ends and (what == 'pause' or what == 'reload') or was[1] == 'stopped' and what == "
    "'drain'\n"
    "  then answer = 'refused'\n"
    "  elseif to == was[1] and not (what == 'stop now' and was[5] == '0') then answer = 'already'\n"
    "  else\n"
    "    hash_add(c .. ':control', 'version', 1)\n"
    "    if to then control_become(c, at, who, what, why, to)\n"
    "    else hash_add(c .. ':control', 'reloads', 1) end\n"
    "    control_note(c, at, who, what, why)\n"
    "  end\n"
    "  local out = control_of(c)\n"
    "  table.insert(out, 1, answer)\n"
    "  return out\n"
    "end\n"
    "redis.register_function('peal" V "_order', order)\n"

    /* engine, version, 0/1, sentence → OK */
    "local function told(keys, args)\n"
    "  redis.call('HSET', keys[1] .. ':told', name_of(args[1]),\n"
    "             args[2] .. '\\31' .. args[3] .. '\\31' .. args[4])\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_told', told)\n"
    "redis.register_function('peal" V "_file', function(keys, args)\n"
    "  redis.call('HSET', keys[1] .. ':control', 'file', args[1])\n"
    "  return redis.status_reply('OK')\n"
    "end)\n";

const char queue_functions_engines[] =
    /* engine, trouble ('' for none) → OK */
    "redis.register_function('peal" V "_trouble', function(keys, args)\n"
    "  if args[2] == '' then redis.call('HDEL', keys[1] .. ':trouble', name_of(args[1]))\n"
    "  else redis.call('HSET', keys[1] .. ':trouble', name_of(args[1]), args[2]) end\n"
    "  return redis.status_reply('OK')\n"
    "end)\n"

    /* now → now, then name, agents, calls, lease end, told ('' for nothing), trouble of each
     * engine */
    "redis.register_function{function_name = 'peal" V "_engines', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local all = redis.call('HGETALL', keys[1] .. ':engines')\n"
    "  local out = {clock(args[1])}\n"
    "  for i = 1, #all, 2 do\n"
    "    local ends, _, agents, calls = string.match(all[i + 1],\n"
    "      '^(%d+)\\31(.*)\\31(%d+)\\31(%d+)\\31')\n"
    "    if ends then\n"
    "      local t = redis.call('HGET', keys[1] .. ':told', all[i]) or ''\n"
    "      local bad = redis.call('HGET', keys[1] .. ':trouble', all[i]) or ''\n"
    "      for _, v in ipairs({all[i], tonumber(agents), tonumber(calls), tonumber(ends), t, bad}) "
    "do\n"
    "        out[#out + 1] = v\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  return out\n"
    "end}\n"

    /* An engine leaves in order. The last one of a draining campaign has drained it. */
    "redis.register_function('peal" V "_leave', function(keys, args)\n"
    "  local c, now = keys[1], clock(args[2])\n"
    "  redis.call('HDEL', c .. ':engines', name_of(args[1]))\n"
    "  redis.call('HDEL', c .. ':told', name_of(args[1]))\n"
    "  redis.call('HDEL', c .. ':trouble', name_of(args[1]))\n"
    "  if not_running(c) == 'draining' then\n"
    "    local all, others = redis.call('HVALS', c .. ':engines'), 0\n"
    "    for _, e in ipairs(all) do\n"
    "      if tonumber(string.match(e, '^%d+') or 0) >= now then others = others + 1 end\n"
    "    end\n"
    "    if others == 0 then\n"
    "      local at = string.format('%.0f', now)\n"
    "      hash_add(c .. ':control', 'version', 1)\n"
    "      control_become(c, at, 'peal', 'stop', 'the last engine has drained', 'stopped')\n"
    "      control_note(c, at, 'peal', 'stop', 'the last engine has drained')\n"
    "    end\n"
    "  end\n"
    "  return redis.status_reply('OK')\n"
    "end)\n"

    /* most → lines, oldest first */
    "redis.register_function{function_name = 'peal" V "_audit', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  return redis.call('LRANGE', keys[1] .. ':audit', -tonumber(args[1]), -1)\n"
    "end}\n";
