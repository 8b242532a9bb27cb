/* Looking at tasks inside Redis; part of the library in functions.c. */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char queue_functions_look[] =
    /* {task as it is given out, fresh|waits|leased|done, due or lease end, engine, status} */
    "local function stands(c, id, payload)\n"
    "  local s = redis.call('HMGET', state(c, id), 'st', 'eng', 'status')\n"
    "  local how, at = s[1], nil\n"
    "  if how == 'leased' then at = redis.call('ZSCORE', c .. ':leased', id)\n"
    "  elseif how ~= 'done' then\n"
    "    at = redis.call('ZSCORE', c .. ':due', id)\n"
    "    how = at and 'waits' or 'fresh'\n"
    "  end\n"
    "  return {entry(c, id, '0', payload), how, at and math.floor(tonumber(at)) or 0,\n"
    "          s[2] or '', s[3] or ''}\n"
    "end\n"

    /* id → ahead, task; nothing when there is none */
    "redis.register_function{function_name = 'peal" V "_look', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local c, id = keys[1], args[1]\n"
    "  local payload = redis.call('HGET', c .. ':tasks', id)\n"
    "  if not payload then return {} end\n"
    "  local _, list = in_line(c, id)\n"
    "  return {list and redis.call('ZRANK', line_of(c, list), id) or 0, stands(c, id, payload),\n"
    "          list or ''}\n"
    "end}\n"

    /* cursor, count, text that the payload begins with or has after a comma ('': all) → next
     * cursor, task, … */
    "redis.register_function{function_name = 'peal" V "_scan', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local c, number = keys[1], args[3]\n"
    "  local found = redis.call('HSCAN', c .. ':tasks', args[1], 'COUNT', args[2])\n"
    "  local out = {found[1]}\n"
    "  for i = 1, #found[2], 2 do\n"
    "    local id, payload = found[2][i], found[2][i + 1]\n"
    "    if number == '' or string.find(payload, number, 1, true) then\n"
    "      out[#out + 1] = stands(c, id, payload)\n"
    "    end\n"
    "  end\n"
    "  return out\n"
    "end}\n"

    /* id → number, text, … of its latest attempts */
    "redis.register_function{function_name = 'peal" V "_tried', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local c, id, out = keys[1], args[1], {}\n"
    "  local tries = tonumber(redis.call('HGET', state(c, id), 'tries') or 0)\n"
    "  for n = math.max(1, tries - 999), tries do\n"
    "    local text = redis.call('HGET', c .. ':attempts', string.format('%s/%.0f', id, n))\n"
    "    if text then\n"
    "      out[#out + 1] = n\n"
    "      out[#out + 1] = text\n"
    "    end\n"
    "  end\n"
    "  return out\n"
    "end}\n"

    /* cursor, count → next cursor, result, count, … of the attempts on record; an open one is
     * "open", one without a record "-" */
    "redis.register_function{function_name = 'peal" V "_results', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local found = redis.call('HSCAN', keys[1] .. ':attempts', args[1], 'COUNT', args[2])\n"
    "  local sum, out = {}, {found[1]}\n"
    "  for i = 2, #found[2], 2 do\n"
    "    local text = found[2][i]\n"
    "    local r = string.sub(text, 1, 5) == 'open\31' and 'open'\n"
    "      or string.match(text, '\"result\":\"([%w_]+)\"') or '-'\n"
    "    sum[r] = (sum[r] or 0) + 1\n"
    "  end\n"
    "  for r, n in pairs(sum) do\n"
    "    out[#out + 1] = r\n"
    "    out[#out + 1] = n\n"
    "  end\n"
    "  return out\n"
    "end}\n";
