/* Stopping leads, and hearing of those that were stopped. */
#include "queue/stop.h"

#include <hiredis/hiredis.h>

#include "queue/internal.h"

static void on_stopped(struct queue *q, struct request *r, const struct redisReply *reply,
                       enum err e)
{
    static const char *const words[] = {"unknown", "done", "finished", "in_the_air"};
    uint32_t what = 0;

    while (!e && what < 4 &&
           !(answer_is_text(reply) && slice_eq(answer_text(reply), slice_cstr(words[what]))))
        what++;
    if (!e && what == 4)
        e = answer_unexpected(q);
    ((queue_stopped_fn *)r->done)(r->arg, e, (enum queue_stopped)(what & 3));
}

enum err queue_stop(struct queue *q, struct slice id, struct slice why, queue_stopped_fn *done,
                    void *arg)
{
    struct slice argv[CALL_WORDS];

    if (id.len > QUEUE_ID_MAX || why.len > STOP_WHY_MAX)
        return ERR_TOO_LONG;
    if (id.len == 0)
        return ERR_INVALID;
    uint32_t words = queue_call_words(q, argv, QUEUE_FUNCTION("stop"));

    argv[words++] = id;
    argv[words++] = why;
    return queue_ask_surely(q, on_stopped, (queue_any_fn *)done, arg, words, argv);
}

static void on_stops(struct queue *q, struct request *r, const struct redisReply *reply, enum err e)
{
    static struct slice ids[STOP_NEWS_MAX]; /* loop thread only */
    uint64_t seen = 0;
    uint32_t n = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
               reply->element[0]->type != REDIS_REPLY_INTEGER))
        e = answer_unexpected(q);
    if (!e)
        seen = (uint64_t)reply->element[0]->integer;
    for (size_t i = 1; !e && i < reply->elements && n < STOP_NEWS_MAX; i++) {
        if (answer_is_text(reply->element[i]))
            ids[n++] = answer_text(reply->element[i]);
        else
            e = answer_unexpected(q);
    }
    ((queue_stops_fn *)r->done)(r->arg, e, seen, ids, e ? 0 : n);
}

enum err queue_stops(struct queue *q, uint64_t seen, queue_stops_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char number[NUMBER_CAP];
    uint32_t words = queue_call_words(q, argv, QUEUE_FUNCTION("stops"));

    argv[words++] = seen == STOP_NONE_SEEN ? SLICE("") : queue_decimal(number, seen);
    return queue_ask(q, on_stops, (queue_any_fn *)done, arg, words, argv);
}
