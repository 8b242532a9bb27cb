/* A lead that an outside event has made needless, inside Redis; part of the library in functions.c.
 *
 * A lead that waits, or that an engine has claimed without an attempt on record, is finished at
 * once: whoever has it is refused the attempt, so no INVITE can leave after the answer. One with an
 * attempt on record keeps its lease for the engine to close, which hears of it within a second;
 * however that goes, the lead is not dialled again (`complete` finishes it). */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char queue_functions_stop[] =
    /* id, why → unknown, done (it was finished already), finished, or in_the_air */
    "redis.register_function('peal" V "_stop', function(keys, args)\n"
    "  local c, id = keys[1], args[1]\n"
    "  if redis.call('HEXISTS', c .. ':tasks', id) == 0 then return 'unknown' end\n"
    "  local key = state(c, id)\n"
    "  local s = redis.call('HMGET', key, 'st', 'open', 'stop')\n"
    "  if s[1] == 'done' then return 'done' end\n"
    "  if s[3] then return 'in_the_air' end\n"
    "  redis.call('HSET', key, 'stop', args[2])\n"
    "  redis.call('RPUSH', c .. ':stops', id)\n"
    "  if hash_add(c .. ':meta', 'stops', 1) % 1000 == 0 then\n"
    "    redis.call('LTRIM', c .. ':stops', -10000, -1)\n"
    "  end\n"
    "  if s[1] == 'leased' and s[2] then return 'in_the_air' end\n"
    "  leave_line(c, id)\n"
    "  redis.call('ZREM', c .. ':due', id)\n"
    "  redis.call('ZREM', c .. ':leased', id)\n"
    "  redis.call('HDEL', key, 'eng', 'tok')\n"
    "  finish(c, id, 'cancelled')\n"
    "  return 'finished'\n"
    "end)\n"

    /* how many are known ('': none asked for) → how many are known now, and the ids since, the
     * oldest 1000 of them: those after them are asked for next. Ids that have left the list are
     * skipped. */
    "redis.register_function{function_name = 'peal" V "_stops', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  local c = keys[1]\n"
    "  local total = tonumber(redis.call('HGET', c .. ':meta', 'stops') or 0)\n"
    "  local out = {total}\n"
    "  if args[1] == '' or tonumber(args[1]) >= total then return out end\n"
    "  local kept = redis.call('LLEN', c .. ':stops')\n"
    "  local new = math.min(total - tonumber(args[1]), kept)\n"
    "  local from = kept - new\n"
    "  for _, id in ipairs(redis.call('LRANGE', c .. ':stops', from, from + 999)) do\n"
    "    out[#out + 1] = id\n"
    "  end\n"
    "  out[1] = total - new + #out - 1\n"
    "  return out\n"
    "end}\n";
