/* After the call: the record goes to the journal, and only when it is safe there is the task
 * completed in Redis, in one step with the ledger's entry of a live answer; then the attempt is
 * given back. So whatever crashes, either the journal has the record or Redis still shows the
 * attempt open. */
#include "dialer/internal.h"

#include "base/log.h"

#define TRY_AGAIN_MS 100

static void complete(struct attempt *a);
static void put_record(struct attempt *a);

static void on_try_record(struct timer *t)
{
    put_record(container_of(t, struct attempt, timer));
}

static void on_try_complete(struct timer *t)
{
    complete(container_of(t, struct attempt, timer));
}

static void let_go(struct attempt *a)
{
    struct dialer *d = a->dialer;

    loop_timer_stop(d->loop, &a->timer);
    list_remove(&a->node);
    list_remove(&a->waiting_node);
    pool_put(&d->attempts, a);
    d->settled++;
}

static void on_completed(void *arg, enum err e)
{
    struct attempt *a = arg;

    if (e == ERR_CANCELLED)
        return; /* the queue is being closed; the next start reconciles */
    if (e == ERR_REFUSED)
        log_warn("dialer", "another engine has settled this task; its record stays in the journal",
                 "lead=%s attempt=%u", a->record.lead, a->record.attempt);
    else if (e != OK)
        log_error("dialer", "a task could not be completed; its lease will run out",
                  "lead=%s attempt=%u error=%s", a->record.lead, a->record.attempt, err_name(e));
    let_go(a);
}

void settle_completion(struct dialer *d, const struct queue_task *task, const struct call_record *r,
                       uint32_t avoid_trunk, struct rules_decision *decision,
                       struct queue_completion *out)
{
    struct place place;
    struct rules_input in = {
        .result = r->result,
        .delivery = r->delivery,
        .attempt = task->charged + (result_is_charged(r->result) ? 1 : 0),
        .tries = r->attempt,
        .now_wall_ms = clock_wall_ms(d->loop->clock),
        .expires_wall_ms = task->expires_wall_ms,
        .place = &place,
    };

    feed_place(d, task, &place);
    rules_decide(d->campaign, &in, decision);
    *out = (struct queue_completion){
        .outcome = decision->finish ? QUEUE_FINISH : QUEUE_RETRY,
        .attempt = r->attempt,
        .status = slice_cstr(decision->status),
        .retry_wall_ms = decision->retry_wall_ms,
        .charged = decision->charged,
        .avoid_trunk = decision->other_trunk ? avoid_trunk : QUEUE_NO_TRUNK,
    };
    if (r->result == RESULT_CANCELLED) { /* taken back by a stop: due again at the next start */
        out->outcome = QUEUE_RETRY;
        out->retry_wall_ms = in.now_wall_ms;
        out->charged = false;
    }
}

static void complete(struct attempt *a)
{
    static char line[RECORDS_LINE_MAX]; /* control thread only */
    struct dialer *d = a->dialer;
    struct rules_decision decision;
    struct queue_completion c;
    struct ledger_line line_of_ledger;
    size_t len = 0;

    gate_settled(a);
    settle_completion(d, &a->task, &a->record, a->trunk, &decision, &c);
    if (ledger_line(d, &a->record, &line_of_ledger))
        c.ledger = &line_of_ledger.entry;
    /* A simulation's Redis lives no longer than it, and nobody asks it for records. */
    if (!d->config.model && records_format(&a->record, line, sizeof(line), &len) == OK)
        c.record = slice_of(line, len);
    enum err e = queue_complete(d->queue, &a->task, &c, on_completed, a);
    if (e != OK)
        loop_timer(d->loop, &a->timer, TRY_AGAIN_MS, on_try_complete);
    else if (c.ledger && !a->entered)
        ledger_given(d, c.ledger);
    a->entered = a->entered || e == OK;
}

static void put_record(struct attempt *a)
{
    struct dialer *d = a->dialer;

    if (records_put(d->records, &a->record) != OK) {
        loop_timer(d->loop, &a->timer, TRY_AGAIN_MS, on_try_record);
        return;
    }
    a->record_number = ++d->records_given;
    list_remove(&a->node);
    list_push_back(&d->settling, &a->node);
}

void settle(struct attempt *a)
{
    struct dialer *d = a->dialer;

    a->phase = ATTEMPT_SETTLING;
    if (a->record.at_ms[MARK_ANSWERED] != CALL_TIME_NONE)
        abandonment_add(&d->abandonment, &a->record,
                        a->record.invite_wall_ms + a->record.at_ms[MARK_ANSWERED]);
    d->look.results[a->record.result]++;
    d->run->rtp_received += a->record.media.rtp_received;
    d->run->rtp_lost += a->record.media.rtp_lost;
    put_record(a);
}

void settle_safe_records(struct dialer *d)
{
    struct records_stats s;

    if (list_empty(&d->settling))
        return;
    records_look(d->records, &s);
    /* One writer, in order: the first `written + duplicates` records given are safe. */
    while (!list_empty(&d->settling)) {
        struct attempt *a = container_of(list_first(&d->settling), struct attempt, node);

        if (a->record_number > s.written + s.duplicates)
            break;
        list_remove(&a->node);
        list_push_back(&d->live, &a->node);
        complete(a);
    }
}
