/* The queue's operations inside Redis: one atomic function each (Redis 7, FUNCTION LOAD). Loaded at
 * every connection.
 *
 * All keys start with KEYS[1] = "{campaign}", so they share a slot of a Redis Cluster. State of a
 * task once touched, hash :s:ID: st (due, leased, done), tok (fencing token), eng, tries, charged,
 * trunk, at (place of the number to be dialled), open (number of the open attempt), last
 * ("attempt:token" of the last completion), status, cb (the call-back's time an import gave last),
 * in (its place in a line, until the first attempt).
 *
 * Scores: :fresh and the lines of lists (functions_lines.c) −priority·2³² + place; :due time in ms
 * plus a fraction that puts higher priority first; :leased end of the lease in ms. Numbers go to
 * redis.call as numbers (written with 17 digits there), never through tostring, which keeps
 * only 14. */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char *const queue_functions[] = {
    "#!lua name=peal" V "\n"
    "local function clock(given)\n" /* '0': Redis' own clock */
    "  if given ~= '0' then return tonumber(given) end\n"
    "  local t = redis.call('TIME')\n"
    "  return t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "end\n"
    "local function due_score(at, priority)\n"
    "  local p = math.max(-2047, math.min(2047, tonumber(priority)))\n"
    "  return at + 0.5 - p / 4096\n"
    "end\n"
    "local function before(t) return '(' .. string.format('%.0f', t + 1) end\n"
    "local function state(c, id) return c .. ':s:' .. id end\n"
    /* Counters are written as what they become, never as what is added: Redis 7.0 may load a
     * half-written transaction of a torn file when it is loaded the second time, after the same
     * was said again. */
    "local function sum(was, n)\n"
    "  local now = tonumber(was or 0) + tonumber(n)\n"
    "  return now, string.format('%.0f', now)\n"
    "end\n"
    "local function hash_add(key, field, n)\n"
    "  local now, text = sum(redis.call('HGET', key, field), n)\n"
    "  redis.call('HSET', key, field, text)\n"
    "  return now\n"
    "end\n"
    "local function key_add(key, n)\n"
    "  local now, text = sum(redis.call('GET', key), n)\n"
    "  redis.call('SET', key, text)\n"
    "  return now\n"
    "end\n"
    "local function finish(c, id, status)\n"
    "  redis.call('HSET', state(c, id), 'st', 'done', 'status', status)\n"
    "  hash_add(c .. ':finished', status, 1)\n"
    "end\n"
    /* nil when the lease is the caller's, else the refusal */
    "local function refusal(s, token)\n"
    "  if not s[1] then return redis.error_reply('NOTASK no such task or never claimed') end\n"
    "  if s[1] ~= 'leased' or s[2] ~= token then\n"
    "    return redis.error_reply('STALE the lease is not yours any more')\n"
    "  end\n"
    "end\n",

    queue_functions_lines,
    queue_functions_lines_out,

    /* id, head, payload, and so on → {added, there already}. A head is '' or 'priority due how list
     * status': list '-' for none, how of its order (functions_lines.c). */
    "local function head_of(head)\n"
    "  if head == '' then return 0, '0', 'a', '', '' end\n"
    "  local p, at, how, list, status = string.match(head, '^(%-?%d+) (%d+) (%l) (%S+) (.*)$')\n"
    "  return tonumber(p), at, how, list == '-' and '' or list, status\n"
    "end\n"
    "local function add(keys, args)\n"
    "  local c, n = keys[1], #args / 3\n"
    "  local ids = {}\n"
    "  for i = 1, n do ids[i] = args[3 * i - 2] end\n"
    "  local there = redis.call('HMGET', c .. ':tasks', unpack(ids))\n"
    "  local order = hash_add(c .. ':meta', 'order', n) - n\n"
    "  local seen, tasks, due, lines, added = {}, {}, {}, {}, 0\n"
    "  for i = 1, n do\n"
    "    local id, head = ids[i], args[3 * i - 1]\n"
    "    if not there[i] and not seen[id] then\n"
    "      seen[id] = true\n"
    "      added = added + 1\n"
    "      tasks[#tasks + 1] = id\n"
    "      tasks[#tasks + 1] = args[3 * i]\n"
    "      local priority, at, how, list, status = head_of(head)\n"
    "      if status ~= '' then\n"
    "        finish(c, id, status)\n"
    "      elseif at ~= '0' then\n"
    "        due[#due + 1] = due_score(tonumber(at), priority)\n"
    "        due[#due + 1] = id\n"
    "        redis.call('HSET', state(c, id), 'cb', at)\n"
    "      else\n"
    "        local line = lines[list]\n"
    "        if not line then\n"
    "          line = {}\n"
    "          lines[list] = line\n"
    "          if list ~= '' then redis.call('HSETNX', c .. ':lists', list, '0') end\n"
    "        end\n"
    "        line[#line + 1] = line_score(id, priority, order + i, how)\n"
    "        line[#line + 1] = id\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  if #tasks > 0 then redis.call('HSET', c .. ':tasks', unpack(tasks)) end\n"
    "  for list, line in pairs(lines) do redis.call('ZADD', line_of(c, list), unpack(line)) end\n"
    "  if #due > 0 then redis.call('ZADD', c .. ':due', unpack(due)) end\n"
    "  return {added, n - added}\n"
    "end\n"
    "redis.register_function('peal" V "_add', add)\n",

    /* One task as it is given out: id, token, tries, charged, trunk, payload, open attempt and its
     * note, place of the number. */
    "local function entry(c, id, token, payload)\n"
    "  local s = redis.call('HMGET', state(c, id), 'tries', 'charged', 'trunk', 'open',\n"
    "                       'at', 'prio', 'cid')\n"
    "  local open = s[4] and redis.call('HGET', c .. ':attempts', id .. '/' .. s[4]) or ''\n"
    "  return {id, token, tonumber(s[1] or 0), tonumber(s[2] or 0), tonumber(s[3] or -1),\n"
    "          payload or '', tonumber(s[4] or 0), open or '', tonumber(s[5] or 0),\n"
    "          tonumber(s[6] or 0), s[7] or ''}\n"
    "end\n"
    /* places: of those from a line, else false; may be nil */
    "local function lease(c, ids, engine, ends, places)\n"
    /* Rises also when Redis has forgotten the last ones: no token is given twice. */
    "  local token = math.max(tonumber(redis.call('HGET', c .. ':meta', 'token') or 0), ends * "
    "1000)\n"
    "  redis.call('HSET', c .. ':meta', 'token', string.format('%.0f', token + #ids))\n"
    "  local payloads = redis.call('HMGET', c .. ':tasks', unpack(ids))\n"
    "  local out, leases = {}, {}\n"
    "  for i, id in ipairs(ids) do\n"
    "    local tok = string.format('%.0f', token + i)\n"
    "    local place = places and places[i]\n"
    "    if place then\n"
    "      redis.call('HSET', state(c, id), 'st', 'leased', 'tok', tok, 'eng', engine, 'in', "
    "place)\n"
    "    else\n"
    "      redis.call('HSET', state(c, id), 'st', 'leased', 'tok', tok, 'eng', engine)\n"
    "    end\n"
    "    leases[#leases + 1] = ends\n"
    "    leases[#leases + 1] = id\n"
    "    out[i] = entry(c, id, tok, payloads[i])\n"
    "  end\n"
    "  redis.call('ZADD', c .. ':leased', unpack(leases))\n"
    "  return out\n"
    "end\n"
    /* engine, nonce, max, lease_ms, now, then list, its share (−1: it is held), … → entries. The
     * same nonce again: the same tasks again. */
    "local function claim(keys, args)\n"
    "  local c, engine, nonce, max = keys[1], args[1], args[2], tonumber(args[3])\n"
    "  local now = clock(args[5])\n"
    "  local name = string.match(engine, '^(.*)#')\n"
    "  nonce = engine .. ' ' .. nonce\n"
    "  local last = redis.call('HGET', c .. ':claims', name)\n"
    "  if last then last = cmsgpack.unpack(last) end\n"
    "  if last and last[1] == nonce then\n"
    "    local out = {}\n"
    "    for i = 2, #last, 2 do\n"
    "      local id, tok = last[i], last[i + 1]\n"
    "      local s = redis.call('HMGET', state(c, id), 'st', 'tok')\n"
    "      if s[1] == 'leased' and s[2] == tok then\n"
    "        out[#out + 1] = entry(c, id, tok, redis.call('HGET', c .. ':tasks', id))\n"
    "      end\n"
    "    end\n"
    "    return out\n"
    "  end\n"
    "  local shares = {}\n"
    "  for i = 6, #args - 1, 2 do shares[args[i]] = tonumber(args[i + 1]) end\n"
    "  local ids, places = {}, {}\n"
    "  local function take(some, where)\n"
    "    for i, id in ipairs(some) do\n"
    "      ids[#ids + 1] = id\n"
    "      places[#ids] = where and where[i] or false\n"
    "    end\n"
    "  end\n"
    "  take(from_held(c, max, shares))\n"
    "  take(from_due(c, max - #ids, before(now), shares))\n"
    "  if #ids < max then take(from_lines(c, max - #ids, shares)) end\n"
    "  if #ids == 0 then return {} end\n"
    "  local out = lease(c, ids, engine, now + tonumber(args[4]), places)\n"
    "  local note = {nonce}\n"
    "  for _, e in ipairs(out) do\n"
    "    note[#note + 1] = e[1]\n"
    "    note[#note + 1] = e[2]\n"
    "  end\n"
    "  redis.call('HSET', c .. ':claims', name, cmsgpack.pack(note))\n"
    "  return out\n"
    "end\n"
    "redis.register_function('peal" V "_claim', claim)\n",

    queue_functions_held,
    queue_functions_caps,
    queue_functions_recover,

    /* id, token, number, call, engine, now, place of the number dialled, the number → OK; HELD
     * while the campaign does not run. Then what all engines may do: calls at once, calls a second,
     * trunk, its calls at once, its calls a second (0: no limit); HELD when it is over one. And
     * lease_ms (the limits may be empty then): it is said again, for it may have been lost. */
    "local function attempt(keys, args)\n"
    "  local c, id, token, number = keys[1], args[1], args[2], args[3]\n"
    "  local s = redis.call('HMGET', state(c, id), 'st', 'tok', 'open', 'tries')\n"
    "  local no = refusal(s, token)\n"
    "  local again = args[14]\n"
    "  if no and again and leased_again(c, id, token, args[5], number, s,\n"
    "                                   clock(args[6]) + tonumber(again)) then no = nil end\n"
    "  if no then return no end\n"
    "  if s[3] == number then return redis.status_reply('OK') end\n"
    "  if s[3] then return redis.error_reply('STATE attempt ' .. s[3] .. ' is open') end\n"
    "  local why = not again and not_running(c)\n"
    "  if why then return redis.error_reply('HELD the campaign is ' .. why) end\n"
    "  if tonumber(number) ~= tonumber(s[4] or 0) + 1 and not (again and lost(c, id, number, "
    "s[4])) then\n"
    "    return redis.error_reply('STATE attempt ' .. number .. ' after ' .. (s[4] or 0))\n"
    "  end\n"
    "  local now = clock(args[6])\n"
    "  why = args[9] and not again and over_caps(c, id, now, args[9], args[10], args[11], "
    "args[12], args[13])\n"
    "  if why then return redis.error_reply('HELD ' .. why) end\n"
    "  if args[11] and args[11] ~= '' then open_up(c, id, args[11]) end\n"
    "  redis.call('HSET', state(c, id), 'open', number, 'tries', number, 'at', args[7])\n"
    "  redis.call('HDEL', state(c, id), 'in')\n"
    "  key_add(c .. ':attempts_total', tonumber(number) - tonumber(s[4] or 0))\n"
    "  local at = string.format('%.0f', now)\n"
    "  redis.call('HSET', c .. ':attempts', id .. '/' .. number,\n"
    "             'open\\31' .. args[5] .. '\\31' .. args[4] .. '\\31' .. at .. '\\31' .. "
    "args[8])\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_attempt', attempt)\n",

    queue_functions_put,

    /* id, token, number (0: none), finish|retry|release, status, retry at, priority, charged 0/1,
     * trunk, record, now, next number (1…, 0: the same), and a ledger's entry: engine, id, bucket,
     * day, counts, ppm, at, text → OK. The entry is made whoever's the lease is: what happened to a
     * person happened. */
    "local function complete(keys, args)\n"
    "  local c, id, token, number, outcome = keys[1], args[1], args[2], args[3], args[4]\n"
    "  if args[13] then\n"
    "    put(c, args[14], args[15], args[16], args[17], args[18], args[19], name_of(args[13]),\n"
    "        args[20])\n"
    "  end\n"
    "  local key, mark = state(c, id), args[3] .. ':' .. args[2]\n"
    "  local s = redis.call('HMGET', key, 'st', 'tok', 'open', 'last', 'tries', 'in')\n"
    "  if s[4] == mark then return redis.status_reply('OK') end\n"
    "  local no = refusal(s, token)\n"
    "  if not no and (s[3] or '0') ~= number then\n"
    "    no = redis.error_reply('STATE attempt ' .. (s[3] or 'none') .. ' is open, not ' .. "
    "number)\n"
    "  end\n"
    "  if no and not closed_again(c, id, number, s[5]) then return no end\n"
    "  redis.call('ZREM', c .. ':leased', id)\n"
    "  redis.call('HDEL', key, 'open', 'eng', 'tok')\n"
    "  redis.call('HSET', key, 'last', mark, 'trunk', args[9])\n"
    "  if args[12] ~= '0' then redis.call('HSET', key, 'at', tonumber(args[12]) - 1) end\n"
    "  if number ~= '0' then\n"
    "    close_up(c, id)\n"
    "    redis.call('HSET', c .. ':attempts', id .. '/' .. number, args[10])\n"
    "    if args[8] == '1' then hash_add(key, 'charged', 1) end\n"
    "  end\n"
    "  if s[1] == 'done' then return redis.status_reply('OK') end\n"
    "  if outcome == 'finish' then\n"
    "    finish(c, id, args[5])\n"
    "  elseif redis.call('HEXISTS', key, 'stop') == 1 then\n"
    "    finish(c, id, 'cancelled')\n"
    "  elseif outcome == 'release' and number == '0' and s[6] and not s[5] then\n"
    "    redis.call('HSET', key, 'st', 'due')\n"
    "    line_again(c, id, s[6])\n"
    "  else\n"
    "    local at = outcome == 'retry' and tonumber(args[6]) or clock(args[11])\n"
    "    redis.call('HSET', key, 'st', 'due')\n"
    "    redis.call('ZADD', c .. ':due', due_score(at, args[7]), id)\n"
    "  end\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_complete', complete)\n",

    /* lease_ms, now, then id, token, … → places (from 1) of the leases that are lost */
    "local function renew(keys, args)\n"
    "  local c, lost, leases = keys[1], {}, {}\n"
    "  local ends = clock(args[2]) + tonumber(args[1])\n"
    "  for i = 3, #args, 2 do\n"
    "    local s = redis.call('HMGET', state(c, args[i]), 'st', 'tok')\n"
    "    if s[1] == 'leased' and s[2] == args[i + 1] then\n"
    "      leases[#leases + 1] = ends\n"
    "      leases[#leases + 1] = args[i]\n"
    "    else\n"
    "      lost[#lost + 1] = (i - 1) / 2\n"
    "    end\n"
    "  end\n"
    "  if #leases > 0 then redis.call('ZADD', c .. ':leased', 'XX', unpack(leases)) end\n"
    "  return lost\n"
    "end\n"
    "redis.register_function('peal" V "_renew', renew)\n",

    /* engine, own 0/1, max, lease_ms, now → {tasks put back, entries with an open attempt} */
    "local function reclaim(keys, args)\n"
    "  local c, engine, max, now = keys[1], args[1], tonumber(args[3]), clock(args[5])\n"
    "  local name = string.match(engine, '^(.*#)')\n"
    "  local mine, back = {}, 0\n"
    "  local ids = args[2] == '1' and redis.call('ZRANGE', c .. ':leased', 0, -1)\n"
    "    or redis.call('ZRANGEBYSCORE', c .. ':leased', '-inf', before(now), 'LIMIT', 0, 4 * max)\n"
    "  for _, id in ipairs(ids) do\n"
    "    local s = redis.call('HMGET', state(c, id), 'eng', 'open', 'st', 'in', 'tries')\n"
    "    local eng = s[1] or ''\n"
    "    local old = args[2] ~= '1' or (eng ~= engine and string.sub(eng, 1, #name) == name)\n"
    "      or tonumber(redis.call('ZSCORE', c .. ':leased', id)) <= now\n"
    /* Redis 7.0 may load a half-written transaction of a torn file when it is loaded the second
     * time: then what is done may be in the line of the leased. */
    "    if s[3] ~= 'leased' then\n"
    "      redis.call('ZREM', c .. ':leased', id)\n"
    "    elseif old and s[2] then\n"
    "      if #mine < max then mine[#mine + 1] = id end\n"
    "    elseif old then\n"
    "      redis.call('ZREM', c .. ':leased', id)\n"
    "      redis.call('HDEL', state(c, id), 'eng', 'tok')\n"
    "      redis.call('HSET', state(c, id), 'st', 'due')\n"
    "      if s[4] and not s[5] then line_again(c, id, s[4])\n"
    "      else redis.call('ZADD', c .. ':due', due_score(now, 0), id) end\n"
    "      back = back + 1\n"
    "    end\n"
    "  end\n"
    "  if #mine == 0 then return {back, {}} end\n"
    "  return {back, lease(c, mine, engine, now + tonumber(args[4]))}\n"
    "end\n"
    "redis.register_function('peal" V "_reclaim', reclaim)\n",

    /* now → total, fresh, due now, waiting, leased, attempts, next due, status, count, … */
    "local function count(keys, args)\n"
    "  local c, now = keys[1], clock(args[1])\n"
    "  local due = redis.call('ZCOUNT', c .. ':due', '-inf', before(now))\n"
    "  local next = redis.call('ZRANGEBYSCORE', c .. ':due', string.format('%.0f', now + 1), "
    "'+inf',\n"
    "                          'WITHSCORES', 'LIMIT', 0, 1)\n"
    "  local out = {redis.call('HLEN', c .. ':tasks'), waiting_in_lines(c), due,\n"
    "               redis.call('ZCARD', c .. ':due') - due, redis.call('ZCARD', c .. ':leased'),\n"
    "               tonumber(redis.call('GET', c .. ':attempts_total') or 0),\n"
    "               next[2] and math.floor(tonumber(next[2])) or 0}\n"
    "  local finished = redis.call('HGETALL', c .. ':finished')\n"
    "  for i = 1, #finished, 2 do\n"
    "    out[#out + 1] = finished[i]\n"
    "    out[#out + 1] = tonumber(finished[i + 1])\n"
    "  end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_count', callback = count,\n"
    "                        flags = {'no-writes'}}\n"
    "local function forget(keys)\n"
    "  local c = keys[1]\n"
    "  for _, id in ipairs(redis.call('HKEYS', c .. ':tasks')) do\n"
    "    redis.call('DEL', state(c, id))\n"
    "  end\n"
    "  for _, l in ipairs(lists_of(c)) do redis.call('UNLINK', line_of(c, l)) end\n"
    "  redis.call('UNLINK', c .. ':lists', c .. ':tasks', c .. ':fresh', c .. ':due', c .. "
    "':leased',\n"
    "             c .. ':attempts', c .. ':comments', c .. ':attempts_total', c .. ':finished', c "
    ".. ':meta',\n"
    "             c .. ':claims', c .. ':open', c .. ':ontrunk')\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_forget', forget)\n",
    queue_functions_ledger,
    queue_functions_share,
    queue_functions_note,
    queue_functions_import,
    queue_functions_places,
    queue_functions_gate,
    queue_functions_gate_more,
    queue_functions_dnc,
    queue_functions_dnc_look,
    queue_functions_dnc_book,
    queue_functions_dnc_ask,
    queue_functions_forget,
    queue_functions_forget_log,
    queue_functions_control,
    queue_functions_engines,
    queue_functions_look,
    queue_functions_stream,
    queue_functions_forward,
    queue_functions_stop,
    NULL,
};
