/* The ledger's and the engines' operations inside Redis, part of the library in functions.c (which
 * says how numbers and keys are written). */
#include "queue/internal.h"

#define V QUEUE_VERSION

/* Keys of the ledger: meta, days, open, bucket; put() adds one entry: true when it is new, false
 * when it was there, nil when its bucket is dropped. */
const char queue_functions_put[] =
    "local function put(c, id, bucket, day, counts, ppm, at, engine, text)\n"
    "  local meta = c .. ':ledger'\n"
    "  local m = redis.call('HMGET', meta, 'cut', 'first', 'last', 'at ' .. engine)\n"
    "  local there = meta .. ':' .. bucket\n"
    "  if m[1] and tonumber(bucket) < tonumber(m[1]) then return nil end\n"
    "  if redis.call('HEXISTS', there, id) == 1 then return false end\n"
    "  local place = string.format('%.0f', hash_add(meta, 'entries', 1))\n"
    "  redis.call('HSET', there, id, place .. '\\31' .. text)\n"
    "  redis.call('ZADD', meta .. ':open', bucket, bucket)\n"
    "  for letter in string.gmatch(counts, '%a') do\n"
    "    hash_add(meta .. ':days', day .. ' ' .. letter, 1)\n"
    "  end\n"
    "  if ppm ~= '0' then hash_add(meta .. ':days', day .. ' p', ppm) end\n"
    "  if not m[2] or tonumber(day) < tonumber(m[2]) then\n"
    "    redis.call('HSET', meta, 'first', day)\n"
    "  end\n"
    "  if not m[3] or tonumber(day) > tonumber(m[3]) then\n"
    "    redis.call('HSET', meta, 'last', day)\n"
    "  end\n"
    "  if not m[4] or tonumber(at) > tonumber(m[4]) then\n"
    "    redis.call('HSET', meta, 'at ' .. engine, at)\n"
    "  end\n"
    "  return true\n"
    "end\n"
    /* the engine's name of "engine#run" */
    "local function name_of(engine) return string.match(engine, '^(.*)#') end\n";

const char queue_functions_ledger[] =
    /* engine, then id, bucket, day, counts, ppm, at, text, … → {new, refused} */
    "local function enter(keys, args)\n"
    "  local new, refused = 0, 0\n"
    "  for i = 2, #args, 7 do\n"
    "    local done = put(keys[1], args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4],\n"
    "                     args[i + 5], name_of(args[1]), args[i + 6])\n"
    "    if done then new = new + 1 elseif done == nil then refused = refused + 1 end\n"
    "  end\n"
    "  return {new, refused}\n"
    "end\n"
    "redis.register_function('peal" V "_enter', enter)\n"

    /* engine, first day, days → entries, cut ('' for none), first, last, at, then day, l, a, m, t,
     * e, p of each day with any */
    "local function sums(keys, args)\n"
    "  local meta = keys[1] .. ':ledger'\n"
    "  local m = redis.call('HMGET', meta, 'entries', 'cut', 'first', 'last',\n"
    "                       'at ' .. name_of(args[1]))\n"
    "  local out = {}\n"
    "  for i = 1, 5 do out[i] = m[i] or '' end\n"
    "  local from, to = tonumber(args[2]), tonumber(args[2]) + tonumber(args[3]) - 1\n"
    "  if not m[3] then return out end\n"
    "  for day = math.max(from, tonumber(m[3])), math.min(to, tonumber(m[4])) do\n"
    "    local d = string.format('%.0f ', day)\n"
    "    local s = redis.call('HMGET', meta .. ':days', d .. 'l', d .. 'a', d .. 'm', d .. 't',\n"
    "                         d .. 'e', d .. 'p')\n"
    "    if s[1] or s[5] then\n"
    "      out[#out + 1] = day\n"
    "      for i = 1, 6 do out[#out + 1] = tonumber(s[i] or 0) end\n"
    "    end\n"
    "  end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_sums', callback = sums,\n"
    "                        flags = {'no-writes'}}\n"

    "local function buckets(keys)\n"
    "  local out = redis.call('ZRANGE', keys[1] .. ':ledger:open', 0, -1)\n"
    "  for i = 1, #out do out[i] = tonumber(out[i]) end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_buckets', callback = buckets,\n"
    "                        flags = {'no-writes'}}\n"

    /* bucket, cursor → next cursor, text, … */
    "local function entries(keys, args)\n"
    "  local found = redis.call('HSCAN', keys[1] .. ':ledger:' .. args[1], args[2],\n"
    "                           'COUNT', 1000)\n"
    "  local out = {found[1]}\n"
    "  for i = 2, #found[2], 2 do out[#out + 1] = found[2][i] end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_entries', callback = entries,\n"
    "                        flags = {'no-writes'}}\n"

    /* first bucket that stays → OK */
    "local function cut(keys, args)\n"
    "  local meta = keys[1] .. ':ledger'\n"
    "  local was = redis.call('HGET', meta, 'cut')\n"
    "  if was and tonumber(was) >= tonumber(args[1]) then return redis.status_reply('OK') end\n"
    "  local old = redis.call('ZRANGEBYSCORE', meta .. ':open', '-inf', '(' .. args[1])\n"
    "  for _, bucket in ipairs(old) do redis.call('UNLINK', meta .. ':' .. bucket) end\n"
    "  redis.call('ZREMRANGEBYSCORE', meta .. ':open', '-inf', '(' .. args[1])\n"
    "  redis.call('HSET', meta, 'cut', args[1])\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_cut', cut)\n";

const char queue_functions_share[] =
    /* engine, lease_ms, now, agents, calls, moved, ceiling, start → number, then name, agents,
     * calls, gone 0/1 of each engine. An engine's line: lease end, engine#run, agents, calls,
     * moved. Gone ones are told for an hour. */
    "local function share(keys, args)\n"
    "  local c, engine, now = keys[1], args[1], clock(args[3])\n"
    "  local key, me, before = c .. ':engines', name_of(args[1]), 0\n"
    "  local all, out = redis.call('HGETALL', key), {'', me, tonumber(args[4]), tonumber(args[5]), "
    "0}\n"
    "  for i = 1, #all, 2 do\n"
    "    local ends, run, agents, calls, moved = string.match(all[i + 1],\n"
    "      '^(%d+)\\31(.*)\\31(%d+)\\31(%d+)\\31(.*)$')\n"
    "    if not ends or tonumber(ends) + 3600000 < now then\n"
    "      redis.call('HDEL', key, all[i])\n"
    "    elseif all[i] == me then\n"
    "      if run == engine then before = tonumber(moved) or 0 end\n"
    "    else\n"
    "      local gone = tonumber(ends) < now and 1 or 0\n"
    "      for _, v in ipairs({all[i], tonumber(agents), tonumber(calls), gone}) do\n"
    "        out[#out + 1] = v\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  redis.call('HSET', key, me, string.format('%.0f\\31', now + tonumber(args[2])) .. engine\n"
    "             .. '\\31' .. args[4] .. '\\31' .. args[5] .. '\\31' .. args[6])\n"
    "  local number = tonumber(redis.call('GET', c .. ':budget') or '')\n"
    "  if number then number = number + tonumber(args[6]) - before\n"
    "  else number = tonumber(args[8]) end\n"
    "  number = math.min(number, tonumber(args[7]))\n"
    "  out[1] = string.format('%.17g', number)\n"
    "  redis.call('SET', c .. ':budget', out[1])\n"
    "  return out\n"
    "end\n"
    "redis.register_function('peal" V "_share', share)\n";
