/* The limits of a campaign and of its trunks over all engines, kept where attempts are recorded;
 * part of the library in functions.c, needed before `attempt`.
 *
 * {campaign}:open (hash id → trunk of its open attempt), :ontrunk (hash trunk → open attempts),
 * :rate:NAME (list of the latest instants at which a call was let through). */
#include "queue/internal.h"

const char queue_functions_caps[] =
    /* At most n = the limit's whole part (1 at least) in n/limit seconds, wherever they begin. An
     * instant from the future is of a clock that was set back since. */
    "local function rate_full(c, name, limit, now)\n"
    "  local n = math.max(1, math.floor(limit))\n"
    "  local nth = redis.call('LINDEX', c .. ':rate:' .. name, n - 1)\n"
    "  local span = 1000 * n / limit\n"
    "  return nth and tonumber(nth) > now - span and tonumber(nth) <= now + span\n"
    "end\n"
    "local function rate_take(c, name, limit, now)\n"
    "  local key = c .. ':rate:' .. name\n"
    "  redis.call('LPUSH', key, string.format('%.0f', now))\n"
    "  redis.call('LTRIM', key, 0, math.max(1, math.floor(limit)) - 1)\n"
    "  redis.call('PEXPIRE', key, 3600000)\n"
    "end\n"

    /* concurrent, calls a second, trunk, its calls, its calls a second (0: no limit) → why one more
     * is too many; nil: it is counted now */
    "local function over_caps(c, id, now, most, rate, trunk, trunk_most, trunk_rate)\n"
    "  most, rate = tonumber(most), tonumber(rate)\n"
    "  trunk_most, trunk_rate = tonumber(trunk_most), tonumber(trunk_rate)\n"
    "  local there = redis.call('HEXISTS', c .. ':open', id) == 1 and 1 or 0\n"
    "  if most > 0 and redis.call('HLEN', c .. ':open') - there >= most then\n"
    "    return 'the campaign has its calls'\n"
    "  end\n"
    "  if trunk_most > 0 and\n"
    "     tonumber(redis.call('HGET', c .. ':ontrunk', trunk) or 0) >= trunk_most then\n"
    "    return 'the trunk has its calls'\n"
    "  end\n"
    "  if rate > 0 and rate_full(c, 'campaign', rate, now) then\n"
    "    return 'the campaign has its calls of this second'\n"
    "  end\n"
    "  if trunk_rate > 0 and rate_full(c, 'trunk:' .. trunk, trunk_rate, now) then\n"
    "    return 'the trunk has its calls of this second'\n"
    "  end\n"
    "  if rate > 0 then rate_take(c, 'campaign', rate, now) end\n"
    "  if trunk_rate > 0 then rate_take(c, 'trunk:' .. trunk, trunk_rate, now) end\n"
    "end\n"
    "local function open_up(c, id, trunk)\n"
    "  redis.call('HSET', c .. ':open', id, trunk)\n"
    "  hash_add(c .. ':ontrunk', trunk, 1)\n"
    "end\n"
    "local function close_up(c, id)\n"
    "  local trunk = redis.call('HGET', c .. ':open', id)\n"
    "  if not trunk then return end\n"
    "  redis.call('HDEL', c .. ':open', id)\n"
    "  hash_add(c .. ':ontrunk', trunk, -1)\n"
    "end\n";
