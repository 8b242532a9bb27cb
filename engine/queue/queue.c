/* Requests and their answers. A request is a slot of a pool from its call to its answer; one that
 * repeats by itself (a completion) keeps its bytes, goes back to `unsent` when the connection is
 * lost, and leaves again, in order, when it is back. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"
#include "queue/internal.h"

#define LEASE_DEFAULT_MS 60000
#define ATTEMPT_AGAIN_AT 17 /* FCALL, function, 1, key, and 13 before the lease */
#define CAPS_WORDS       5

void queue_say(struct queue *q, const char *what, const char *detail)
{
    snprintf(q->error, sizeof(q->error), "%s%s%.180s", what, detail[0] ? ": " : "", detail);
}

/* --- connection ------------------------------------------------------------------------------- */

static void replied(void *arg, const struct redisReply *reply);

static void send_unsent(struct queue *q)
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

static void on_state(void *arg, bool up, const char *why)
{
    struct queue *q = arg;

    if (up) {
        q->error[0] = 0;
        if (q->was_up) {
            keep_say_again(q);
            q->no_claims_until_ms = clock_ms(&q->keep.clock) + q->config.settle_ms;
        }
        q->was_up = true;
        send_unsent(q);
        add_pump(q);
    } else {
        queue_say(q, why, "");
    }
    if (q->config.on_state) {
        q->inside++;
        q->config.on_state(q->config.arg, up, why);
        q->inside--;
    }
}

static void before_connect(void *arg)
{
    struct queue *q = arg;

    if (q->config.server)
        redis_server_revive(q->config.server);
}

static void again_fire(struct timer *t)
{
    struct queue *q = container_of(t, struct queue, again);

    send_unsent(q);
    add_pump(q);
}

void queue_again_soon(struct queue *q)
{
    if (!timer_running(&q->again))
        loop_timer(q->loop, &q->again, AGAIN_MS, again_fire);
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

/* FUNCTION LOAD REPLACE and the library, as RESP. */
static enum err make_prepare(struct queue *q, struct slice *out)
{
    size_t size = 0;

    for (const char *const *piece = queue_functions; *piece; piece++)
        size += strlen(*piece);
    char *library = malloc(size + 1), *at = library;

    if (!library)
        return ERR_NOMEM;
    for (const char *const *piece = queue_functions; *piece; piece++)
        at = stpcpy(at, *piece);
    const struct slice argv[] = {SLICE("FUNCTION"), SLICE("LOAD"), SLICE("REPLACE"),
                                 slice_of(library, size)};
    size_t n = redis_format(NULL, 0, 4, argv);

    q->prepare = malloc(n);
    if (q->prepare)
        redis_format(q->prepare, n, 4, argv);
    free(library);
    *out = slice_of(q->prepare, n);
    return q->prepare ? OK : ERR_NOMEM;
}

/* "{campaign}"; braces and control characters, which would break the hash tag, become %XX. */
static enum err make_key(struct queue *q, struct slice campaign)
{
    struct buf b = buf_on(q->key, sizeof(q->key) - 1);

    buf_putc(&b, '{');
    for (uint32_t i = 0; i < campaign.len; i++) {
        char c = campaign.p[i];

        if (c == '{' || c == '}' || c == '%' || (unsigned char)c < 0x21)
            buf_printf(&b, "%%%02x", (unsigned char)c);
        else
            buf_putc(&b, c);
    }
    buf_putc(&b, '}');
    q->key[b.len] = 0;
    return campaign.len ? buf_end(&b) : ERR_INVALID;
}

static enum err make_names(struct queue *q)
{
    struct slice engine = slice_cstr(q->config.engine);
    uint32_t run;

    if (make_key(q, slice_cstr(q->config.campaign)) || engine.len == 0 ||
        engine.len > QUEUE_ENGINE_MAX) {
        log_error("queue", "campaign and engine need names (engine: 63 bytes at most)",
                  "campaign=%s engine=%s", q->config.campaign, q->config.engine);
        return ERR_INVALID;
    }
    rng_system(&run, sizeof(run));
    snprintf(q->self, sizeof(q->self), "%s#%08x", q->config.engine, run);
    return OK;
}

static void dispose(struct queue *q)
{
    keep_fini(q);
    add_fini(q);
    pool_fini(&q->requests);
    free(q->tasks);
    free(q->prepare);
    free(q);
}

enum err queue_open(struct queue **out, const struct queue_config *config)
{
    struct queue *q = calloc(1, sizeof(*q));
    struct slice prepare;
    enum err e;

    if (!q)
        return ERR_NOMEM;
    q->config = *config;
    q->loop = config->loop;
    q->config.lease_ms = config->lease_ms ? config->lease_ms : LEASE_DEFAULT_MS;
    list_init(&q->sent);
    list_init(&q->unsent);
    keep_init(q);
    timer_init(&q->again);
    timer_init(&q->finish);
    q->tasks = calloc(QUEUE_CLAIM_MAX, sizeof(*q->tasks));
    if ((e = q->tasks ? OK : ERR_NOMEM) || (e = make_names(q)) || (e = make_prepare(q, &prepare)) ||
        (e = pool_init(&q->requests, sizeof(struct request), QUEUE_IN_FLIGHT_MAX)) ||
        (e = add_init(q)))
        goto fail;
    const struct redis_config redis = {.loop = q->loop,
                                       .url = config->url,
                                       .prepare = prepare,
                                       .on_state = on_state,
                                       .before_connect = before_connect,
                                       .arg = q};

    if ((e = redis_open(&q->redis, &redis)))
        goto fail;
    *out = q;
    return OK;
fail:
    dispose(q);
    return e;
}

bool queue_up(const struct queue *q)
{
    return redis_up(q->redis);
}
bool queue_idle(const struct queue *q)
{
    return q->requests.used == 0 && add_idle(q) && redis_in_flight(q->redis) == 0;
}
const char *queue_task_number(const struct queue_task *t)
{
    return t->number_at < t->number_count ? t->numbers[t->number_at].number : "";
}
const char *queue_error(const struct queue *q)
{
    return q->error;
}

/* --- requests --------------------------------------------------------------------------------- */

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
    send_unsent(q);
    return OK;
}

/* --- answers ---------------------------------------------------------------------------------- */

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
        send_unsent(q);
}

/* ERR_STATE: it will come to confirmed(). */
static enum err confirm(struct queue *q, struct request *r)
{
    enum err e = redis_confirm(q->redis, slice_cstr(q->key), confirmed, r);

    if (e == OK)
        return ERR_STATE;
    return e == ERR_CLOSED ? ERR_CLOSED : OK; /* others: there is nothing to wait for */
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
        send_unsent(q);
}

void queue_close(struct queue *q)
{
    struct list_node *n;

    if (!q)
        return;
    assert(q->inside == 0);
    q->closing = true;
    loop_timer_stop(q->loop, &q->again);
    loop_timer_stop(q->loop, &q->finish);
    redis_close(q->redis);
    while ((n = list_pop_front(&q->unsent))) {
        struct request *r = container_of(n, struct request, node);

        if (r->kind == REQUEST_OTHER)
            r->answered(q, r, NULL, ERR_CANCELLED);
        else if (r->done)
            ((queue_done_fn *)r->done)(r->arg, ERR_CANCELLED);
        queue_request_free(r);
    }
    if (q->finishing && q->added)
        q->added(q->added_arg, ERR_CANCELLED);
    dispose(q);
}

/* --- what engines ask ------------------------------------------------------------------------- */

enum err queue_claim(struct queue *q, uint32_t max, queue_tasks_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char nonce[NUMBER_CAP], count[NUMBER_CAP], lease[NUMBER_CAP], now[NUMBER_CAP];

    if (max == 0 || max > QUEUE_CLAIM_MAX)
        return ERR_INVALID;
    if (q->claiming)
        return ERR_STATE;
    if (clock_ms(&q->keep.clock) < q->no_claims_until_ms)
        return ERR_AGAIN;
    struct request *r = queue_request(q, REQUEST_CLAIM, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("claim"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = queue_decimal(nonce, q->claim_nonce);
    argv[n++] = queue_decimal(count, max);
    argv[n++] = queue_decimal(lease, q->config.lease_ms);
    argv[n++] = queue_now(q, now);
    enum err e = queue_send_now(r, n, argv);

    q->claiming = e == OK;
    return e;
}

static struct slice decimal_of(char text[NUMBER_CAP], double x)
{
    int n = snprintf(text, NUMBER_CAP, "%.9g", x);

    return slice_of(text, (size_t)n);
}

enum err queue_attempt(struct queue *q, const struct queue_task *task, uint32_t attempt,
                       struct slice call_id, queue_done_fn *done, void *arg)
{
    return queue_attempt_capped(q, task, attempt, call_id, NULL, done, arg);
}

/* How it is said again: with the lease that it is to bring back. argv has room for it. */
static void keep_words(struct request *r, const struct queue_task *task, uint32_t n,
                       struct slice *argv)
{
    char lease[NUMBER_CAP];

    while (n < ATTEMPT_AGAIN_AT)
        argv[n++] = SLICE("");
    argv[n++] = queue_decimal(lease, r->queue->config.lease_ms);
    slice_copy(slice_cstr(task->id), r->task, sizeof(r->task));
    r->resp_len = (uint32_t)redis_format(NULL, 0, n, argv);
    r->resp = malloc(r->resp_len);
    if (r->resp)
        redis_format(r->resp, r->resp_len, n, argv);
}

enum err queue_attempt_capped(struct queue *q, const struct queue_task *task, uint32_t attempt,
                              struct slice call_id, const struct queue_caps *caps,
                              queue_done_fn *done, void *arg)
{
    struct slice argv[ATTEMPT_AGAIN_AT + 1];
    char cap[4][NUMBER_CAP];
    char token[NUMBER_CAP], number[NUMBER_CAP], now[NUMBER_CAP], at[NUMBER_CAP];

    if (attempt == 0 || (call_id.len && memchr(call_id.p, TASK_SEPARATOR, call_id.len)))
        return ERR_INVALID;
    if (call_id.len > QUEUE_CALL_ID_MAX)
        return ERR_TOO_LONG;
    struct request *r = queue_request(q, REQUEST_ATTEMPT, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("attempt"));

    argv[n++] = slice_cstr(task->id);
    argv[n++] = queue_decimal(token, task->token);
    argv[n++] = queue_decimal(number, attempt);
    argv[n++] = call_id;
    argv[n++] = slice_cstr(q->self);
    argv[n++] = queue_now(q, now);
    argv[n++] = queue_decimal(at, task->number_at);
    argv[n++] = slice_cstr(queue_task_number(task));
    if (caps) {
        argv[n++] = queue_decimal(cap[0], caps->concurrent);
        argv[n++] = decimal_of(cap[1], caps->calls_per_second);
        argv[n++] = caps->trunk;
        argv[n++] = queue_decimal(cap[2], caps->trunk_calls);
        argv[n++] = decimal_of(cap[3], caps->trunk_calls_per_second);
    }
    keep_words(r, task, n, argv);
    return queue_send_now(r, n, argv);
}

enum err queue_complete(struct queue *q, const struct queue_task *task,
                        const struct queue_completion *c, queue_done_fn *done, void *arg)
{
    static const char *const outcomes[] = {"finish", "retry", "release"};
    struct slice argv[CALL_WORDS + 2 + LEDGER_WORDS];
    char token[NUMBER_CAP], number[NUMBER_CAP], retry[NUMBER_CAP], now[NUMBER_CAP],
        next[NUMBER_CAP], priority[16], trunk[16], entry[4][NUMBER_CAP];

    if (c->status.len > QUEUE_STATUS_MAX || c->record.len > QUEUE_RECORD_MAX)
        return ERR_TOO_LONG;
    if ((c->outcome == QUEUE_FINISH && c->status.len == 0) || c->next_number > task->number_count)
        return ERR_INVALID;
    struct request *r = queue_request(q, REQUEST_COMPLETE, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    slice_copy(slice_cstr(task->id), r->task, sizeof(r->task));
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("complete"));

    snprintf(priority, sizeof(priority), "%d", task->priority + c->priority);
    snprintf(trunk, sizeof(trunk), "%d", c->avoid_trunk > INT32_MAX ? -1 : (int)c->avoid_trunk);
    argv[n++] = slice_cstr(task->id);
    argv[n++] = queue_decimal(token, task->token);
    argv[n++] = queue_decimal(number, c->attempt);
    argv[n++] = slice_cstr(outcomes[c->outcome]);
    argv[n++] = c->status;
    argv[n++] = queue_decimal(retry, c->retry_wall_ms);
    argv[n++] = slice_cstr(priority);
    argv[n++] = c->charged ? SLICE("1") : SLICE("0");
    argv[n++] = slice_cstr(trunk);
    argv[n++] = c->record;
    argv[n++] = queue_now(q, now);
    argv[n++] = queue_decimal(next, c->next_number);
    if (c->ledger) {
        argv[n++] = slice_cstr(q->self);
        if (!ledger_words(c->ledger, argv + n, entry)) {
            queue_request_free(r);
            return ERR_TOO_LONG;
        }
        n += LEDGER_WORDS;
    }
    return queue_send_surely(r, n, argv);
}

enum err queue_renew(struct queue *q, const struct queue_lease *leases, uint32_t count,
                     queue_renewed_fn *done, void *arg)
{
    char lease[NUMBER_CAP], now[NUMBER_CAP];

    if (count == 0 || count > QUEUE_RENEW_MAX)
        return ERR_INVALID;
    if (!queue_up(q))
        return ERR_CLOSED;
    struct request *r = queue_request(q, REQUEST_RENEW, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    struct slice *argv = malloc((6 + 2 * (size_t)count) * sizeof(*argv));
    char(*tokens)[NUMBER_CAP] = malloc((size_t)count * NUMBER_CAP);
    enum err e = ERR_NOMEM;

    r->resp = malloc(count * sizeof(*leases));
    r->leases = count;
    if (!argv || !tokens || !r->resp) {
        queue_request_free(r);
        goto out;
    }
    memcpy(r->resp, leases, count * sizeof(*leases));
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("renew"));

    argv[n++] = queue_decimal(lease, q->config.lease_ms);
    argv[n++] = queue_now(q, now);
    for (uint32_t i = 0; i < count; i++) {
        argv[n++] = slice_cstr(leases[i].id);
        argv[n++] = queue_decimal(tokens[i], leases[i].token);
    }
    e = queue_send_now(r, n, argv);
out:
    free(argv);
    free(tokens);
    return e;
}

enum err queue_reclaim(struct queue *q, bool own, queue_reclaimed_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char count[NUMBER_CAP], lease[NUMBER_CAP], now[NUMBER_CAP];
    struct request *r = queue_request(q, REQUEST_RECLAIM, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("reclaim"));

    argv[n++] = slice_cstr(q->self);
    argv[n++] = own ? SLICE("1") : SLICE("0");
    argv[n++] = queue_decimal(count, QUEUE_CLAIM_MAX);
    argv[n++] = queue_decimal(lease, q->config.lease_ms);
    argv[n++] = queue_now(q, now);
    return queue_send_now(r, n, argv);
}

enum err queue_count(struct queue *q, queue_counts_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char now[NUMBER_CAP];
    struct request *r = queue_request(q, REQUEST_COUNT, (queue_any_fn *)done, arg);

    if (!r)
        return ERR_FULL;
    uint32_t n = queue_call_words(q, argv, QUEUE_FUNCTION("count"));

    argv[n++] = queue_now(q, now);
    return queue_send_now(r, n, argv);
}

enum err queue_forget(struct queue *q, queue_done_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    struct request *r = queue_request(q, REQUEST_FORGET, (queue_any_fn *)done, arg);

    return r ? queue_send_now(r, queue_call_words(q, argv, QUEUE_FUNCTION("forget")), argv)
             : ERR_FULL;
}
