/* Notes inside Redis, part of the library in functions.c. A priority changes once an attempt: by
 * the number of the attempt that last did. */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char queue_functions_note[] =
    /* id, attempt, comment, mark, caller id, change of the priority → OK */
    "local function note(keys, args)\n"
    "  local c, id, attempt = keys[1], args[1], args[2]\n"
    "  local key = state(c, id)\n"
    "  if args[3] ~= '' then\n"
    "    redis.call('HSETNX', c .. ':comments', id .. '/' .. attempt, args[3])\n"
    "  end\n"
    "  if args[4] ~= '' then redis.call('HSET', key, 'mark', args[4]) end\n"
    "  if args[5] ~= '' then\n"
    "    redis.call('HSET', key, 'cid', args[5])\n"
    "  else\n"
    "    redis.call('HDEL', key, 'cid')\n"
    "  end\n"
    "  if args[6] ~= '0' and redis.call('HGET', key, 'prioby') ~= attempt then\n"
    "    hash_add(key, 'prio', args[6])\n"
    "    redis.call('HSET', key, 'prioby', attempt)\n"
    "  end\n"
    "  return redis.status_reply('OK')\n"
    "end\n"
    "redis.register_function('peal" V "_note', note)\n"
    /* id → lines of attempts 0… as far as there are tries */
    "local function comments(keys, args)\n"
    "  local c, id, out = keys[1], args[1], {}\n"
    "  local tries = tonumber(redis.call('HGET', state(c, id), 'tries') or 0)\n"
    "  for i = 0, math.min(tries, 2000) do\n"
    "    local line = redis.call('HGET', c .. ':comments', id .. '/' .. i)\n"
    "    if line then out[#out + 1] = line end\n"
    "  end\n"
    "  return out\n"
    "end\n"
    "redis.register_function{function_name = 'peal" V "_comments', callback = comments,\n"
    "                        flags = {'no-writes'}}\n";
