/* The questions of erasing. */
#include "queue/forget.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "queue/gate_internal.h"

enum err queue_forget_campaigns(struct queue *q, struct slice cursor, queue_dnc_texts_fn *done,
                                void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("forget_campaigns"), DNC_BOOK, &cursor, 1, NULL, 0, done, arg);
}

enum err queue_forget_find(struct queue *q, const char *key, struct slice cursor,
                           struct slice number, queue_dnc_texts_fn *done, void *arg)
{
    const struct slice words[] = {cursor, number};

    return dnc_ask(q, QUEUE_FUNCTION("forget_find"), key, words, 2, NULL, 0, done, arg);
}

enum err queue_forget_task(struct queue *q, const char *key, struct slice id, struct slice digits,
                           struct slice other, queue_dnc_texts_fn *done, void *arg)
{
    const struct slice words[] = {id, digits, other};

    return dnc_ask(q, QUEUE_FUNCTION("forget_task"), key, words, 3, NULL, 0, done, arg);
}

enum err queue_forget_buckets(struct queue *q, const char *key, queue_dnc_texts_fn *done, void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("forget_buckets"), key, NULL, 0, NULL, 0, done, arg);
}

enum err queue_forget_ledger(struct queue *q, const char *key, struct slice bucket,
                             struct slice cursor, struct slice digits, struct slice other,
                             queue_dnc_texts_fn *done, void *arg)
{
    const struct slice words[] = {bucket, cursor, digits, other};

    return dnc_ask(q, QUEUE_FUNCTION("forget_ledger"), key, words, 4, NULL, 0, done, arg);
}

enum err queue_forget_log(struct queue *q, struct slice from, struct slice number,
                          struct slice hash, queue_dnc_texts_fn *done, void *arg)
{
    const struct slice words[] = {number, hash, from};

    return dnc_ask(q, QUEUE_FUNCTION("forget_log"), DNC_BOOK, words, 3, NULL, 0, done, arg);
}

enum err queue_forget_streams(struct queue *q, const char *key, queue_dnc_texts_fn *done, void *arg)
{
    return dnc_ask(q, QUEUE_FUNCTION("forget_streams"), key, NULL, 0, NULL, 0, done, arg);
}

enum err queue_forget_stream(struct queue *q, const char *key, struct slice stream,
                             struct slice from, struct slice digits, queue_dnc_texts_fn *done,
                             void *arg)
{
    const struct slice words[] = {stream, from, digits};

    return dnc_ask(q, QUEUE_FUNCTION("forget_stream"), key, words, 3, NULL, 0, done, arg);
}

/* "Background append only file rewriting started"; without such a file, or with one being written,
 * an error that is none of ours. */
static void on_rewritten(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    (void)q, (void)e;
    ((queue_done_fn *)r->done)(r->arg, reply ? OK : ERR_CLOSED);
}

enum err queue_forget_rewrite(struct queue *q, queue_done_fn *done, void *arg)
{
    const struct slice argv[] = {SLICE("BGREWRITEAOF")};
    return queue_ask(q, on_rewritten, (queue_any_fn *)done, arg, 1, argv);
}

static void on_persistence(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    bool busy = false;

    if (!e && reply->type != REDIS_REPLY_STRING)
        e = answer_unexpected(q);
    if (!e)
        busy = strstr(reply->str, "aof_rewrite_in_progress:1") ||
               strstr(reply->str, "aof_rewrite_scheduled:1");
    ((queue_dnc_fn *)r->done)(r->arg, e, busy);
}

enum err queue_forget_rewriting(struct queue *q, queue_dnc_fn *done, void *arg)
{
    const struct slice argv[] = {SLICE("INFO"), SLICE("persistence")};
    return queue_ask(q, on_persistence, (queue_any_fn *)done, arg, 2, argv);
}
