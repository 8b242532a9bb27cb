/* An attempt that is open in Redis while its engine is gone was dialled, or was about to be: nobody
 * knows more than the journal does. Its number is never used again. With a record in the journal
 * the task goes on from that result; without one a record `unknown` is made, and the campaign's
 * rules decide what follows. As after a call (settle.c), a new record is safe in the journal before
 * the attempt is closed in Redis: an engine that dies while it settles leaves the rest to the
 * next. */
#include "dialer/reconcile.h"

#include <stdio.h>

#include "base/log.h"
#include "dialer/internal.h"
#include "report/lookup.h"

#define REDIS_WAIT_MS 15000
#define TURN_US       5000

struct left_open {
    struct list_node node; /* in reconcile.unsafe until its record is safe */
    struct dialer *dialer;
    struct queue_task task;
    struct call_record record;
    uint64_t record_number; /* of records given, 1… */
};

enum err reconcile_init(struct dialer *d)
{
    list_init(&d->reconcile.unsafe);
    return pool_init(&d->reconcile.open, sizeof(struct left_open), QUEUE_CLAIM_MAX);
}

void reconcile_fini(struct dialer *d)
{
    pool_fini(&d->reconcile.open);
}

bool reconcile_idle(const struct dialer *d)
{
    return d->reconcile.open.used == 0;
}

static void let_go(struct left_open *o)
{
    list_remove(&o->node);
    pool_put(&o->dialer->reconcile.open, o);
}

static void on_completed(void *arg, enum err e)
{
    if (e != OK && e != ERR_CANCELLED)
        log_warn("dialer", "an attempt left open could not be settled now", "error=%s",
                 err_name(e));
    let_go(arg);
}

/* Refused now: the lease runs out, and the next question finds the record in the journal. */
static void complete(struct left_open *o)
{
    struct rules_decision decision;
    struct queue_completion c;

    settle_completion(o->dialer, &o->task, &o->record, QUEUE_NO_TRUNK, &decision, &c);
    if (settle_note(o->dialer, &o->task, &o->record, &decision) != OK ||
        queue_complete(o->dialer->queue, &o->task, &c, on_completed, o) != OK)
        let_go(o);
    else
        o->dialer->run->reconciled++;
}

static void make_unknown(struct dialer *d, const struct queue_task *task, struct call_record *r)
{
    slice_copy(slice_cstr(d->campaign->name), r->campaign, sizeof(r->campaign));
    slice_copy(slice_cstr(task->id), r->lead, sizeof(r->lead));
    feed_describe_number(task, r);
    if (task->open_number[0]) /* an update may have changed the task's numbers since */
        slice_copy(slice_cstr(task->open_number), r->number, sizeof(r->number));
    slice_copy(slice_cstr(task->open_call_id), r->call_id, sizeof(r->call_id));
    snprintf(r->sip_reason, sizeof(r->sip_reason), "the engine was lost during the call");
    r->invite_wall_ms = r->claimed_wall_ms = task->open_wall_ms;
    r->result = RESULT_UNKNOWN;
}

static void settle_open(struct dialer *d, const struct queue_task *task)
{
    struct left_open *o = pool_get(&d->reconcile.open);

    if (!o)
        return; /* not asked for while others are being settled */
    o->dialer = d;
    o->task = *task;
    list_node_init(&o->node);
    call_record_init(&o->record);
    o->record.attempt = task->open_attempt;
    if (records_has(d->records, d->campaign->name, task->id, task->open_attempt) &&
        lookup_result(d->config.data_dir, d->campaign->name, task->id, task->open_attempt,
                      &o->record.result, &o->record.delivery) == OK) {
        complete(o);
        return;
    }
    make_unknown(d, task, &o->record);
    if (records_put(d->records, &o->record) != OK) {
        let_go(o); /* the lease runs out again and we are asked again */
        return;
    }
    o->record_number = ++d->records_given;
    d->look.results[o->record.result]++;
    list_push_back(&d->reconcile.unsafe, &o->node);
}

bool reconcile_known(struct dialer *d, const struct queue_task *task)
{
    uint32_t number = task->tries + 1;
    struct left_open *o;

    if (!records_has(d->records, d->campaign->name, task->id, number))
        return false;
    o = pool_get(&d->reconcile.open);
    if (!o)
        return true; /* its lease runs out, and it comes again */
    o->dialer = d;
    o->task = *task;
    list_node_init(&o->node);
    call_record_init(&o->record);
    o->record.attempt = number;
    if (lookup_result(d->config.data_dir, d->campaign->name, task->id, number, &o->record.result,
                      &o->record.delivery) != OK) {
        let_go(o);
        return true;
    }
    log_warn("dialer", "Redis had lost an attempt; it is closed by its record",
             "lead=%s attempt=%u", task->id, number);
    complete(o);
    return true;
}

void reconcile_safe_records(struct dialer *d)
{
    struct records_stats s;

    if (list_empty(&d->reconcile.unsafe))
        return;
    records_look(d->records, &s);
    list_each(n, next, &d->reconcile.unsafe)
    {
        struct left_open *o = container_of(n, struct left_open, node);

        if (!records_safe(&s, o->record_number))
            break;
        list_remove(&o->node);
        complete(o);
    }
}

static void on_reclaimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n,
                         uint32_t put_back)
{
    struct dialer *d = arg;

    (void)put_back;
    d->reconcile.err = e;
    d->reconcile.more = e == OK && n == QUEUE_CLAIM_MAX;
    d->reconcile.answered = true;
    for (uint32_t i = 0; e == OK && i < n; i++)
        settle_open(d, &tasks[i]);
}

void reconcile_ask(struct dialer *d)
{
    if (reconcile_idle(d))
        queue_reclaim(d->queue, false, on_reclaimed, d);
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
        d->reconcile.answered = false;
        if (e == OK)
            e = queue_reclaim(d->queue, true, on_reclaimed, d);
        while (e == OK && (!d->reconcile.answered || !reconcile_idle(d))) {
            loop_turn(d->loop, TURN_US);
            reconcile_safe_records(d);
            if (atomic_load(&d->stop_asked))
                e = ERR_CANCELLED;
        }
        if (e == OK)
            e = d->reconcile.err;
    } while (e == OK && d->reconcile.more);
    if (e != OK && !error[0])
        snprintf(error, DIALER_ERROR_MAX,
                 "what an earlier run left open cannot be settled (%s): %s", err_name(e),
                 queue_error(d->queue));
    if (e == OK && d->run->reconciled && !d->config.quiet)
        fprintf(stderr, "settled %llu attempts that an earlier run left open\n",
                (unsigned long long)d->run->reconciled);
    return e;
}
