/* An attempt that is open in Redis while its engine is gone was dialled, or was about to be: nobody
 * knows more than the journal does. Its number is never used again. With a record in the journal
 * the task goes on from that result; without one a record `unknown` is made, and the campaign's
 * rules decide what follows. */
#include "dialer/reconcile.h"

#include <stdio.h>

#include "base/log.h"
#include "dialer/internal.h"
#include "report/lookup.h"

#define REDIS_WAIT_MS 15000
#define TURN_US       5000

static void on_settled(void *arg, enum err e)
{
    struct dialer *d = arg;

    d->reconciling--;
    if (e != OK && e != ERR_CANCELLED)
        log_warn("dialer", "an attempt left open could not be settled now", "error=%s",
                 err_name(e));
}

static void make_unknown(struct dialer *d, const struct queue_task *task, struct call_record *r)
{
    slice_copy(slice_cstr(d->campaign->name), r->campaign, sizeof(r->campaign));
    slice_copy(slice_cstr(task->id), r->lead, sizeof(r->lead));
    slice_copy(slice_cstr(task->number), r->number, sizeof(r->number));
    slice_copy(slice_cstr(task->open_call_id), r->call_id, sizeof(r->call_id));
    snprintf(r->sip_reason, sizeof(r->sip_reason), "the engine was lost during the call");
    r->attempt = task->open_attempt;
    r->invite_wall_ms = r->claimed_wall_ms = task->open_wall_ms;
    r->result = RESULT_UNKNOWN;
}

static void reconcile_one(struct dialer *d, const struct queue_task *task)
{
    struct rules_decision decision;
    struct queue_completion c;
    struct call_record r;

    call_record_init(&r);
    r.attempt = task->open_attempt;
    if (!records_has(d->records, d->campaign->name, task->id, task->open_attempt) ||
        lookup_result(d->config.data_dir, d->campaign->name, task->id, task->open_attempt,
                      &r.result, &r.delivery) != OK) {
        make_unknown(d, task, &r);
        if (records_put(d->records, &r) != OK)
            return; /* the lease runs out again and we are asked again */
        d->records_given++;
        d->look.results[r.result]++;
    }
    d->run->reconciled++;
    settle_completion(d, task, &r, QUEUE_NO_TRUNK, &decision, &c);
    if (queue_complete(d->queue, task, &c, on_settled, d) == OK)
        d->reconciling++;
}

void reconcile_tasks(struct dialer *d, const struct queue_task *tasks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        reconcile_one(d, &tasks[i]);
}

static void on_own(void *arg, enum err e, const struct queue_task *tasks, uint32_t n,
                   uint32_t put_back)
{
    struct dialer *d = arg;

    (void)put_back;
    d->reclaim_err = e;
    d->reclaim_more = e == OK && n == QUEUE_CLAIM_MAX;
    d->reclaim_answered = true;
    if (e == OK)
        reconcile_tasks(d, tasks, n);
}

static enum err wait_for_redis(struct dialer *d, char *error)
{
    uint64_t until = clock_ms(d->loop->clock) + REDIS_WAIT_MS;

    while (!queue_up(d->queue)) {
        loop_turn(d->loop, TURN_US);
        if (atomic_load(&d->stop_asked))
            return ERR_CANCELLED;
        if (clock_ms(d->loop->clock) > until) {
            snprintf(error, DIALER_ERROR_MAX, "Redis cannot be used: %s", queue_error(d->queue));
            return ERR_TIMEOUT;
        }
    }
    return OK;
}

enum err reconcile(struct dialer *d, char *error)
{
    enum err e = wait_for_redis(d, error);

    do {
        d->reclaim_answered = false;
        if (e == OK)
            e = queue_reclaim(d->queue, true, on_own, d);
        while (e == OK && (!d->reclaim_answered || d->reconciling)) {
            loop_turn(d->loop, TURN_US);
            if (atomic_load(&d->stop_asked))
                e = ERR_CANCELLED;
        }
        if (e == OK)
            e = d->reclaim_err;
    } while (e == OK && d->reclaim_more);
    if (e != OK && !error[0])
        snprintf(error, DIALER_ERROR_MAX,
                 "what an earlier run left open cannot be settled (%s): %s", err_name(e),
                 queue_error(d->queue));
    if (e == OK && d->run->reconciled && !d->config.quiet)
        fprintf(stderr, "settled %llu attempts that an earlier run left open\n",
                (unsigned long long)d->run->reconciled);
    return e;
}
