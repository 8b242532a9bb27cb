/* What engines ask while they work: claim, attempt, complete, renew, reclaim, count. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/internal.h"

#define ATTEMPT_AGAIN_AT 17 /* FCALL, function, 1, key, and 13 before the lease */

static bool settles(const struct queue *q)
{
    return clock_ms(&q->keep.clock) < q->settles_until_ms;
}

void queue_set_shares(struct queue *q, const struct queue_share *shares, uint32_t n)
{
    assert(n <= QUEUE_LISTS_MAX);
    for (uint32_t i = 0; i < n; i++)
        q->shares[i] = shares[i];
    q->share_count = n;
}

enum err queue_claim(struct queue *q, uint32_t max, queue_tasks_fn *done, void *arg)
{
    struct slice argv[CALL_WORDS];
    char nonce[NUMBER_CAP], count[NUMBER_CAP], lease[NUMBER_CAP], now[NUMBER_CAP];
    char share[QUEUE_LISTS_MAX][NUMBER_CAP];

    if (max == 0 || max > QUEUE_CLAIM_MAX)
        return ERR_INVALID;
    if (q->claiming)
        return ERR_STATE;
    if (settles(q))
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
    for (uint32_t i = 0; i < q->share_count; i++) {
        argv[n++] = slice_cstr(q->shares[i].list);
        argv[n++] = q->shares[i].share == QUEUE_HELD ? SLICE("-1")
                                                     : queue_decimal(share[i], q->shares[i].share);
    }
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

    if (!own && settles(q))
        return ERR_AGAIN;
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
