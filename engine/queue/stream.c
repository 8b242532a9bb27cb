/* Records into a stream: one call of a function a batch. */
#include "queue/stream.h"

#include <hiredis/hiredis.h>

#include "queue/internal.h"

static void told(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    if (!e && !answer_is_text(reply))
        e = answer_unexpected(q);
    ((queue_streamed_fn *)r->done)(r->arg, e, e ? SLICE_NONE : answer_text(reply));
}

enum err queue_stream_mark(struct queue *q, struct slice stream, queue_streamed_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("stream_mark"));

    argv[n++] = slice_cstr(q->config.engine);
    argv[n++] = stream;
    return queue_ask(q, told, (queue_any_fn *)done, arg, n, argv);
}

enum err queue_stream_add(struct queue *q, const struct queue_stream_batch *b,
                          queue_streamed_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS + 2 * QUEUE_STREAM_BATCH];
    char keep[NUMBER_CAP];
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("stream_add"));

    if (b->count > QUEUE_STREAM_BATCH || b->stream.len > QUEUE_STREAM_NAME_MAX ||
        b->to.len > QUEUE_STREAM_MARK_MAX || b->to.len == 0)
        return ERR_INVALID;
    argv[n++] = slice_cstr(q->config.engine);
    argv[n++] = b->stream;
    argv[n++] = queue_decimal(keep, b->keep);
    argv[n++] = b->from;
    argv[n++] = b->to;
    for (uint32_t i = 0; i < b->count; i++) {
        argv[n++] = b->entries[i].id;
        argv[n++] = b->entries[i].record;
    }
    return queue_ask(q, told, (queue_any_fn *)done, arg, n, argv);
}
