/* The lines in which leads wait before their first call, part of the library in functions.c, needed
 * before `add`.
 *
 * A lead of no list waits in :fresh, one of a list in :fresh:LIST; within a line the score, place
 * of the priority and then of the list's order, decides. :lists (hash LIST → its pass, '' for leads
 * of none, '*' the pass of the last one taken) makes the lines take turns by their shares, as
 * stride scheduling does: who is taken moves its pass on by 1/share, and the lowest pass is next. A
 * line that was empty joins where the others are, so it does not make up for what it missed.
 *
 * A lead that is claimed keeps its place until its first attempt (field `in` of its state: list,
 * blank, score). Given back without a call it stands there again, at once or when its window opens:
 * a night before the campaign's first hour costs nobody their turn. A claim moves 2,000 of
 * them at most, so that nobody waits for Redis: of many more that open at one instant, the first
 * claims choose among those moved by then.
 *
 * A list whose people have nobody to go to now (share −1) is held: its leads are not given out, and
 * those of its leads whose time has come wait in a line of their own, +LIST, so that they are in
 * nobody's way. They are the first when the list is not held any more. */
#include "queue/internal.h"

const char queue_functions_lines[] =
    "local function line_of(c, list)\n"
    "  return list == '' and c .. ':fresh' or c .. ':fresh:' .. list\n"
    "end\n"
    /* all lists that ever had a lead, in the order of their appearance */
    "local function lists_of(c)\n"
    "  local all, out = redis.call('HKEYS', c .. ':lists'), {}\n"
    "  for _, l in ipairs(all) do if l ~= '' and l ~= '*' then out[#out + 1] = l end end\n"
    "  return out\n"
    "end\n"
    /* how: a as added, n newest first, r at random (the same in every run) */
    "local function line_score(id, priority, order, how)\n"
    "  local place = order % 4294967296\n"
    "  if how == 'n' then place = 4294967295 - place\n"
    "  elseif how == 'r' then place = tonumber(string.sub(redis.sha1hex(id), 1, 8), 16) end\n"
    "  return -tonumber(priority) * 4294967296 + place\n"
    "end\n"
    /* → its score and list, when it stood in one */
    "local function in_line(c, id)\n"
    "  local score = redis.call('ZSCORE', c .. ':fresh', id)\n"
    "  if score then return score, '' end\n"
    "  for _, l in ipairs(lists_of(c)) do\n"
    "    score = redis.call('ZSCORE', line_of(c, l), id)\n"
    "    if score then return score, l end\n"
    "  end\n"
    "end\n"
    "local function leave_line(c, id)\n"
    "  if redis.call('ZREM', c .. ':fresh', id) == 1 then return end\n"
    "  for _, l in ipairs(lists_of(c)) do\n"
    "    if redis.call('ZREM', line_of(c, l), id) == 1 then return end\n"
    "  end\n"
    "end\n"
    "local function enter_line(c, id, list, score)\n"
    "  if list ~= '' then redis.call('HSETNX', c .. ':lists', list, '0') end\n"
    "  redis.call('ZADD', line_of(c, list), score, id)\n"
    "end\n"
    "local function in_text(list, score) return list .. ' ' .. string.format('%.0f', score) end\n"
    "local function line_again(c, id, text)\n"
    "  local list, score = string.match(text, '^(%S*) (%S+)$')\n"
    "  enter_line(c, id, list, tonumber(score))\n"
    "end\n"
    "local function waiting_in_lines(c)\n"
    "  local n = redis.call('ZCARD', c .. ':fresh')\n"
    "  for _, l in ipairs(lists_of(c)) do n = n + redis.call('ZCARD', line_of(c, l)) end\n"
    "  return n\n"
    "end\n";

const char queue_functions_lines_out[] =
    "local function is_held(shares, list)\n" /* a list that is not told is as leads of none */
    "  return (shares[list] or shares[''] or 1) < 0\n"
    "end\n"
    /* the list of a lead, by the payload */
    "local function list_in(payload)\n"
    "  return payload and string.match(payload, '[{,]%s*\"list\"%s*:%s*\"([%w_.-]*)\"') or ''\n"
    "end\n"
    /* Due leads that were held, n at most → ids, and where each stood. */
    "local function from_held(c, n, shares)\n"
    "  local ids, places = {}, {}\n"
    "  for _, l in ipairs(lists_of(c)) do\n"
    "    if #ids < n and string.sub(l, 1, 1) == '+' and not is_held(shares, string.sub(l, 2)) "
    "then\n"
    "      local got = redis.call('ZPOPMIN', line_of(c, l), n - #ids)\n"
    "      for i = 1, #got, 2 do\n"
    "        ids[#ids + 1] = got[i]\n"
    "        places[#places + 1] = in_text(l, tonumber(got[i + 1]))\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  return ids, places\n"
    "end\n"

    /* The next n by the shares (list → number; 1 where none is told, 0: not now) → ids, and where
     * each stood. */
    "local function from_lines(c, n, shares)\n"
    "  local known = redis.call('HGETALL', c .. ':lists')\n"
    "  local ids, places, lines, pass = {}, {}, {}, {['*'] = '0', [''] = '0'}\n"
    "  local names = {''}\n"
    "  for i = 1, #known, 2 do\n"
    "    pass[known[i]] = known[i + 1]\n"
    "    if string.find(known[i], '^[^*+]') then names[#names + 1] = known[i] end\n"
    "  end\n"
    "  local last = tonumber(pass['*'])\n"
    "  for _, name in ipairs(names) do\n"
    "    local left, share = redis.call('ZCARD', line_of(c, name)), shares[name] or 1\n"
    "    if left > 0 and share > 0 and not is_held(shares, name) then\n"
    "      lines[#lines + 1] = {name = name, left = left, step = 1 / share, n = 0,\n"
    "                           pass = math.max(tonumber(pass[name]), last)}\n"
    "    end\n"
    "  end\n"
    "  local turns = {}\n"
    "  for i = 1, #lines > 0 and n or 0 do\n"
    "    local next\n"
    "    for _, l in ipairs(lines) do\n"
    "      if l.left > 0 and (not next or l.pass < next.pass) then next = l end\n"
    "    end\n"
    "    if not next then break end\n"
    "    last, next.pass = next.pass, next.pass + next.step\n"
    "    next.left, next.n, turns[i] = next.left - 1, next.n + 1, next\n"
    "  end\n"
    "  for _, l in ipairs(lines) do\n"
    "    l.got = l.n > 0 and redis.call('ZPOPMIN', line_of(c, l.name), l.n) or {}\n"
    "    if l.n > 0 and #names > 1 then\n"
    "      redis.call('HSET', c .. ':lists', l.name, string.format('%.17g', l.pass))\n"
    "    end\n"
    "    l.n = 0\n"
    "  end\n"
    "  if #turns > 0 and #names > 1 then\n"
    "    redis.call('HSET', c .. ':lists', '*', string.format('%.17g', last))\n"
    "  end\n"
    "  for i, l in ipairs(turns) do\n"
    "    ids[i], places[i] = l.got[l.n + 1], in_text(l.name, tonumber(l.got[l.n + 2]))\n"
    "    l.n = l.n + 2\n"
    "  end\n"
    "  return ids, places\n"
    "end\n"

    /* Those whose time has come, n at most, out of :due. Who waited for a window alone, and was
     * never called, goes back to its line instead; who is of a held list, to that list's. */
    "local function from_due(c, n, till, shares)\n"
    "  local ids, looked, some_held = {}, 0, false\n"
    "  for _, share in pairs(shares) do some_held = some_held or share < 0 end\n"
    "  while #ids < n and looked < 2000 do\n"
    "    local some = redis.call('ZRANGEBYSCORE', c .. ':due', '-inf', till, 'LIMIT', #ids, n)\n"
    "    if #some == 0 then break end\n"
    "    looked = looked + #some\n"
    "    for _, id in ipairs(some) do\n"
    "      local s = redis.call('HMGET', state(c, id), 'in', 'tries')\n"
    "      if s[1] and not s[2] then\n"
    "        redis.call('ZREM', c .. ':due', id)\n"
    "        line_again(c, id, s[1])\n"
    "      else\n"
    "        local payload = some_held and redis.call('HGET', c .. ':tasks', id)\n"
    "        local list = list_in(payload)\n"
    "        if some_held and is_held(shares, list) then\n"
    "          local score = redis.call('ZSCORE', c .. ':due', id)\n"
    "          redis.call('ZREM', c .. ':due', id)\n"
    "          enter_line(c, id, '+' .. list, score)\n"
    "        elseif #ids < n then\n"
    "          ids[#ids + 1] = id\n"
    "        end\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  if #ids > 0 then redis.call('ZREM', c .. ':due', unpack(ids)) end\n"
    "  return ids\n"
    "end\n";
