/* Requests and their answers. A request is a slot of a pool from its call to its answer; one that
 * repeats by itself (a completion) keeps its bytes, goes back to `unsent` when the connection is
 * lost, and leaves again, in order, when it is back. */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/log.h"
#include "queue/internal.h"

static void replied(void *arg, const struct redisReply *reply);

void queue_send_unsent(struct queue *q)
{
    struct list_node *n;

    while (redis_up(q->redis) && (n = list_first(&q->unsent))) {
        struct request *r = container_of(n, struct request, node);

        if (redis_send(q->redis, slice_of(r->resp, r->resp_len), replied, r))
            return;
        list_remove(&r->node);
        list_push_back(&q->sent, &r->node);
    }
}

struct request *queue_request(struct queue *q, enum request_kind kind, queue_any_fn *done,
                              void *arg)
{
    struct request *r = pool_get(&q->requests);

    if (!r)
        return NULL;
    list_node_init(&r->node);
    r->queue = q;
    r->kind = kind;
    r->done = done;
    r->arg = arg;
    return r;
}

void queue_request_free(struct request *r)
{
    list_remove(&r->node);
    free(r->resp);
    pool_put(&r->queue->requests, r);
}

uint32_t queue_call_words(struct queue *q, struct slice *argv, const char *function)
{
    argv[0] = SLICE("FCALL");
    argv[1] = slice_cstr(function);
    argv[2] = SLICE("1");
    argv[3] = slice_cstr(q->key);
    return 4;
}

struct slice queue_decimal(char text[NUMBER_CAP], uint64_t n)
{
    struct buf b = buf_on(text, NUMBER_CAP);

    buf_u64(&b, n);
    return buf_slice(&b);
}

/* A real clock leaves the time to Redis, so that all engines share one. */
struct slice queue_now(const struct queue *q, char text[NUMBER_CAP])
{
    return queue_decimal(text, q->loop->clock->is_virtual ? clock_wall_ms(q->loop->clock) : 0);
}

/* Sends r's command now or not at all. */
enum err queue_send_now(struct request *r, uint32_t argc, const struct slice *argv)
{
    enum err e = redis_command(r->queue->redis, replied, r, argc, argv);

    if (e)
        queue_request_free(r);
    else
        list_push_back(&r->queue->sent, &r->node);
    return e;
}

/* Keeps r's command and sends it now or when it is possible. */
enum err queue_send_surely(struct request *r, uint32_t argc, const struct slice *argv)
{
    struct queue *q = r->queue;
    size_t n = redis_format(NULL, 0, argc, argv);

    r->resp = malloc(n);
    if (!r->resp) {
        queue_request_free(r);
        return ERR_NOMEM;
    }
    r->resp_len = (uint32_t)n;
    r->repeats = true;
    redis_format(r->resp, n, argc, argv);
    list_push_back(&q->unsent, &r->node);
    queue_send_unsent(q);
    return OK;
}

static struct request *request_of(struct queue *q, queue_answered_fn *answered,
                                  queue_any_fn *done, void *arg)
{
    struct request *r = queue_request(q, REQUEST_OTHER, done, arg);

    if (r)
        r->answered = answered;
    return r;
}

enum err queue_ask(struct queue *q, queue_answered_fn *answered, queue_any_fn *done, void *arg,
                   uint32_t argc, const struct slice *argv)
{
    struct request *r = request_of(q, answered, done, arg);

    return r ? queue_send_now(r, argc, argv) : ERR_FULL;
}

enum err queue_ask_surely(struct queue *q, queue_answered_fn *answered, queue_any_fn *done,
                          void *arg, uint32_t argc, const struct slice *argv)
{
    struct request *r = request_of(q, answered, done, arg);

    return r ? queue_send_surely(r, argc, argv) : ERR_FULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

void queue_on_status(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    if (!e && reply->type != REDIS_REPLY_STATUS)
        e = answer_unexpected(q);
    if (r->done)
        ((queue_done_fn *)r->done)(r->arg, e);
}

static void claimed(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    uint32_t n = 0;

    q->claiming = false;
    if (!e)
        e = answer_tasks(q, reply, &n);
    if (!e)
        q->claim_nonce++;
    ((queue_tasks_fn *)r->done)(r->arg, e, q->tasks, n);
}

static void reclaimed(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    uint32_t n = 0, put_back = 0;

    if (!e && (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
               !answer_is_number(reply->element[0])))
        e = answer_unexpected(q);
    if (!e) {
        put_back = (uint32_t)answer_number(reply->element[0]);
        e = answer_tasks(q, reply->element[1], &n);
    }
    ((queue_reclaimed_fn *)r->done)(r->arg, e, q->tasks, n, put_back);
}

static void renewed(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_lease *leases = (struct queue_lease *)(void *)r->resp;
    uint32_t lost = 0;

    if (!e && reply->type != REDIS_REPLY_ARRAY)
        e = answer_unexpected(q);
    for (size_t i = 0; !e && i < reply->elements; i++) {
        const redisReply *place = reply->element[i];

        if (!answer_is_number(place) || place->integer < 1 || place->integer > r->leases ||
            place->integer <= (int64_t)lost)
            e = answer_unexpected(q);
        else /* places come in rising order, so this never overwrites one still to be read */
            leases[lost++] = leases[place->integer - 1];
    }
    ((queue_renewed_fn *)r->done)(r->arg, e, leases, e ? 0 : lost);
}

static void counted(struct queue *q, struct request *r, const redisReply *reply, enum err e)
{
    struct queue_counts counts = {0};

    if (!e)
        e = answer_counts(q, reply, &counts);
    ((queue_counts_fn *)r->done)(r->arg, e, &counts);
}

/* A replica has the attempt, or none could be waited for: now its call may be made. */
static void confirmed(void *arg, const struct redisReply *reply)
{
    struct request *r = arg;
    struct queue *q = r->queue;
    enum err e = reply ? OK : q->closing ? ERR_CANCELLED : ERR_CLOSED;

    keep_answered(q, r, e);
    q->inside++;
    ((queue_done_fn *)r->done)(r->arg, e);
    q->inside--;
    queue_request_free(r);
    if (!q->closing)
        queue_send_unsent(q);
}

/* ERR_STATE: it will come to confirmed(). */
static enum err confirm(struct queue *q, struct request *r)
{
    enum err e = redis_confirm(q->redis, slice_cstr(q->key), confirmed, r);

    if (e == OK)
        return ERR_STATE;
    return e == ERR_CLOSED ? ERR_CLOSED : OK; /* others: there is nothing to wait for */
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool queue_try_later(struct queue *q, const struct redisReply *reply)
{
    static const char *const passing[] = {"LOADING",     "MISCONF",    "READONLY",
                                          "OOM",         "BUSY",       "TRYAGAIN",
                                          "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS"};

    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    if (strstr(reply->str,
               "Function not found")) { /* somebody flushed them: a new connection loads */
        redis_reconnect(q->redis, "the queue's functions are gone");
        return true;
    }
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (starts(reply->str, passing[i])) {
            queue_say(q, "Redis cannot do it now", reply->str);
            log_warn("queue", q->error, "%s", "retry_ms=1000");
            return true;
        }
    return false;
}

static void replied(void *arg, const struct redisReply *reply)
{
    struct request *r = arg;
    struct queue *q = r->queue;

    if (r->repeats && !q->closing && (!reply || queue_try_later(q, reply))) {
        list_remove(&r->node);
        list_push_back(&q->unsent, &r->node);
        if (reply)
            queue_again_soon(q);
        return;
    }
    enum err e = answer_error(q, reply);

    if (r->kind == REQUEST_ATTEMPT || r->kind == REQUEST_COMPLETE || r->kind == REQUEST_FORGET)
        if (!e && reply->type != REDIS_REPLY_STATUS)
            e = answer_unexpected(q);
    if (!e && r->kind == REQUEST_ATTEMPT && r->done) {
        e = confirm(q, r);
        if (e == ERR_STATE)
            return;
    }
    keep_answered(q, r, e);
    q->inside++;
    switch (r->kind) {
    case REQUEST_CLAIM:
        claimed(q, r, reply, e);
        break;
    case REQUEST_RECLAIM:
        reclaimed(q, r, reply, e);
        break;
    case REQUEST_RENEW:
        renewed(q, r, reply, e);
        break;
    case REQUEST_COUNT:
        counted(q, r, reply, e);
        break;
    case REQUEST_ATTEMPT:
    case REQUEST_COMPLETE:
    case REQUEST_FORGET:
        if (r->done)
            ((queue_done_fn *)r->done)(r->arg, e);
        break;
    case REQUEST_OTHER:
        r->answered(q, r, reply, e);
        break;
    }
    q->inside--;
    queue_request_free(r);
    if (!q->closing)
        queue_send_unsent(q);
}
