/* Records into a stream inside Redis (queue/stream.h); part of the library in functions.c. */
#include "queue/internal.h"

#define V QUEUE_VERSION

const char queue_functions_stream[] =
    /* engine, stream → mark */
    "redis.register_function{function_name = 'peal" V "_stream_mark', flags = {'no-writes'},\n"
    "  callback = function(keys, args)\n"
    "  return redis.call('HGET', keys[1] .. ':streamed', args[1] .. ' ' .. args[2]) or ''\n"
    "end}\n"

    /* engine, stream, keep, mark before, mark after, then id, record, … → the mark now */
    "local function stream_add(keys, args)\n"
    "  local marks, name = keys[1] .. ':streamed', args[1] .. ' ' .. args[2]\n"
    "  local at = redis.call('HGET', marks, name) or ''\n"
    "  if at ~= args[4] then return at end\n"
    "  local stream = keys[1] .. ':stream:' .. args[2]\n"
    "  for i = 6, #args, 2 do\n"
    "    redis.call('XADD', stream, 'MAXLEN', '=', args[3], '*', 'id', args[i], 'engine',\n"
    "               args[1], 'record', args[i + 1])\n"
    "  end\n"
    "  redis.call('HSET', marks, name, args[5])\n"
    "  return args[5]\n"
    "end\n"
    "redis.register_function('peal" V "_stream_add', stream_add)\n"

    /* (forget.h) → names of the campaign's streams */
    "read_only('forget_streams', function(keys)\n"
    "  local out, seen = {}, {}\n"
    "  for _, field in ipairs(redis.call('HKEYS', keys[1] .. ':streamed')) do\n"
    "    local name = string.match(field, '^%S+ (.*)$')\n"
    "    if name and not seen[name] then out[#out + 1] = name end\n"
    "    seen[name or ''] = true\n"
    "  end\n"
    "  return out\n"
    "end)\n"
    /* stream, after which entry, digits → the last looked at ('' at the end), how many were deleted
     */
    "redis.register_function('peal" V "_forget_stream', function(keys, args)\n"
    "  local key, digits, n, last = keys[1] .. ':stream:' .. args[1], args[3], 0, ''\n"
    "  local some = redis.call('XRANGE', key, args[2], '+', 'COUNT', 1000)\n"
    "  for _, entry in ipairs(some) do\n"
    "    local hers = false\n"
    "    last = entry[1]\n"
    "    for i = 2, #entry[2], 2 do\n"
    "      hers = hers or blank(entry[2][i], digits, '') ~= entry[2][i]\n"
    "    end\n"
    "    if hers then n = n + redis.call('XDEL', key, last) end\n"
    "  end\n"
    "  return {#some == 1000 and last or '', string.format('%d', n)}\n"
    "end)\n";
