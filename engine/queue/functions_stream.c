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
    "redis.register_function('peal" V "_stream_add', stream_add)\n";
