#include "queue/forward.h"

#include "queue/internal.h"

const char queue_functions_forward[] =
    /* id, due until now, due from now on → 1 when it was moved */
    "redis.register_function('peal" QUEUE_VERSION "_forward', function(keys, args)\n"
    "  local c, id, was, to = keys[1], args[1], tonumber(args[2]), "
    "tonumber(args[3])\n"
    "  local due = tonumber(redis.call('ZSCORE', c .. ':due', id) or 0)\n"
    "  if math.floor(due) ~= was then return 0 end\n"
    "  to = math.max(to, tonumber(redis.call('HGET', state(c, id), 'cb') or "
    "0))\n"
    "  if to >= was then return 0 end\n"
    "  redis.call('ZADD', c .. ':due', to + due - was, id)\n"
    "  return 1\n"
    "end)\n";

static void told(struct queue *q, struct request *r, const struct redisReply *reply, enum err e)
{
    if (!e && !answer_is_number(reply))
        e = answer_unexpected(q);
    ((queue_forward_fn *)r->done)(r->arg, e, !e && answer_number(reply));
}

enum err queue_bring_forward(struct queue *q, struct slice id, uint64_t was_wall_ms,
                             uint64_t to_wall_ms, queue_forward_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char was[NUMBER_CAP], to[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("forward"));

    argv[n++] = id;
    argv[n++] = queue_decimal(was, was_wall_ms);
    argv[n++] = queue_decimal(to, to_wall_ms);
    return queue_ask(q, told, (queue_any_fn *)done, arg, n, argv);
}
