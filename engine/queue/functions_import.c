/* Operations of imports inside Redis beyond adding, part of the library in functions.c (which says
 * how numbers and keys are written). */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char queue_functions_import[] =
    /* As add; a lead that is there already gets the new payload and priority. Its attempts, its
     * state and its turn among those of its priority stay. One without a usable number is finished
     * unless an engine has it; one that was finished for want of a number, and never dialled, is
     * fresh again when it has one. A call-back's time that is told moves the lead there.
     * → {added, updated, unchanged} */
    "local function put_back_fresh(c, id, priority, how, list)\n"
    "  local order = hash_add(c .. ':meta', 'order', 1)\n"
    "  enter_line(c, id, list, line_score(id, priority, order, how))\n"
    "end\n"
    /* Its turn in the line of its list stays with another priority; another list is another line.
     */
    "local function place_anew(c, id, was, score, priority, how, list)\n"
    "  if list == was then return -priority * 4294967296 + tonumber(score) % 4294967296 end\n"
    "  return line_score(id, priority, hash_add(c .. ':meta', 'order', 1), how)\n"
    "end\n"
    "local function revise(c, id, priority, how, list, status)\n"
    "  local score, was = in_line(c, id)\n"
    "  local due = not score and redis.call('ZSCORE', c .. ':due', id)\n"
    "  if (score or due) and status ~= '' then\n"
    "    redis.call('ZREM', score and line_of(c, was) or c .. ':due', id)\n"
    "    finish(c, id, status)\n"
    "  elseif score then\n"
    "    if string.sub(was, 1, 1) ~= '+' then\n"
    "      redis.call('ZREM', line_of(c, was), id)\n"
    "      enter_line(c, id, list, place_anew(c, id, was, score, priority, how, list))\n"
    "    end\n"
    "  elseif due then\n"
    "    redis.call('ZADD', c .. ':due', due_score(math.floor(tonumber(due)), priority), id)\n"
    "    local place = redis.call('HGET', state(c, id), 'in')\n"
    "    if place then\n"
    "      was, score = string.match(place, '^(%S*) (%S+)$')\n"
    "      score = place_anew(c, id, was, score, priority, how, list)\n"
    "      redis.call('HSET', state(c, id), 'in', in_text(list, score))\n"
    "    end\n"
    "  elseif status == '' then\n"
    "    local s = redis.call('HMGET', state(c, id), 'st', 'tries', 'last', 'status')\n"
    "    if s[1] == 'done' and not s[2] and not s[3] then\n"   /* by an import */
    "      redis.call('HDEL', state(c, id), 'st', 'status')\n" /* marks stay */
    "      hash_add(c .. ':finished', s[4], -1)\n"
    "      put_back_fresh(c, id, priority, how, list)\n"
    "    end\n"
    "  end\n"
    "end\n"
    /* True: it is called back then. Lists come again and again with times that are long over, so
     * one that is past moves only a lead that still waits for the call-back told before. A lead
     * that an engine has is left to its call. One that is finished is opened again, with all of its
     * attempts before it. */
    "local function call_back(c, id, at, priority)\n"
    "  local key, now = state(c, id), clock('0')\n"
    "  local s = redis.call('HMGET', key, 'st', 'cb', 'status')\n"
    "  local due = redis.call('ZSCORE', c .. ':due', id)\n"
    "  local was = due and math.floor(tonumber(due))\n"
    "  if was == at then return false end\n"
    "  if at <= now and (not was or was ~= tonumber(s[2])) then return false end\n"
    "  if s[1] == 'leased' then return false end\n"
    "  if s[1] == 'done' then\n"
    "    redis.call('HDEL', key, 'status', 'charged')\n"
    "    hash_add(c .. ':finished', s[3], -1)\n"
    "  end\n"
    "  leave_line(c, id)\n"
    "  redis.call('HDEL', key, 'in')\n"
    "  redis.call('ZADD', c .. ':due', due_score(at, priority), id)\n"
    "  redis.call('HSET', key, 'st', 'due', 'cb', string.format('%.0f', at))\n"
    "  return true\n"
    "end\n"
    "local function update(keys, args)\n"
    "  local c, n = keys[1], #args / 3\n"
    "  local ids, new = {}, {}\n"
    "  for i = 1, n do ids[i] = args[3 * i - 2] end\n"
    "  local was = redis.call('HMGET', c .. ':tasks', unpack(ids))\n"
    "  local updated, unchanged = 0, 0\n"
    "  for i = 1, n do\n"
    "    local id, payload = ids[i], args[3 * i]\n"
    "    if not was[i] then\n"
    "      for k = 3 * i - 2, 3 * i do new[#new + 1] = args[k] end\n"
    "    else\n"
    "      local priority, at, how, list, status = head_of(args[3 * i - 1])\n"
    "      local other = was[i] ~= payload\n"
    "      if other then\n"
    "        redis.call('HSET', c .. ':tasks', id, payload)\n"
    "        revise(c, id, priority, how, list, status)\n"
    "      end\n"
    "      if at ~= '0' and status == '' then\n"
    "        other = call_back(c, id, tonumber(at), priority) or other\n"
    "      end\n"
    "      if other then updated = updated + 1 else unchanged = unchanged + 1 end\n"
    "    end\n"
    "  end\n"
    "  local added = #new > 0 and add(keys, new) or {0, 0}\n"
    "  return {added[1], updated, unchanged + added[2]}\n"
    "end\n"
    "redis.register_function('peal" V "_update', update)\n"

    /* cursor → next cursor, then id, numbers (as in the payload), … of some tasks */
    "local function numbers(keys, args)\n"
    "  local page = redis.call('HSCAN', keys[1] .. ':tasks', args[1], 'COUNT', 1000)\n"
    "  local out = {page[1]}\n"
    "  for i = 1, #page[2], 2 do\n"
    "    out[#out + 1] = page[2][i]\n"
    "    out[#out + 1] = string.match(page[2][i + 1], '^[^\\31]*')\n"
    "  end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_numbers', callback = numbers,\n"
    "                        flags = {'no-writes'}}\n";
