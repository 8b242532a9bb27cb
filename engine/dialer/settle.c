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
        .label = slice_cstr(r->known_id),
        .outcome = slice_cstr(r->outcome),
        .tries = r->attempt,
        .now_wall_ms = clock_wall_ms(d->loop->clock),
        .expires_wall_ms = task->expires_wall_ms,
        .place = &place,
        .number_at = task->number_at,
        .number_count = task->number_count,
    };

    feed_place(d, task, &place);
    in.attempt = task->charged + rules_charged(d->campaign, in.result, in.label, in.outcome);
    rules_decide(d->campaign, &in, decision);
    *out = (struct queue_completion){
        .outcome = decision->finish ? QUEUE_FINISH : QUEUE_RETRY,
        .attempt = r->attempt,
        .status = slice_cstr(decision->status),
        .retry_wall_ms = decision->retry_wall_ms,
        .charged = decision->charged,
        .avoid_trunk = decision->other_trunk ? avoid_trunk : QUEUE_NO_TRUNK,
        .priority = decision->priority,
        .next_number = decision->next_number + 1,
    };
    if (r->result == RESULT_CANCELLED) { /* taken back by a stop: due again at the next start */
        out->outcome = QUEUE_RETRY;
        out->retry_wall_ms = in.now_wall_ms;
        out->charged = false;
    }
}

/* Told before the completion, on the same connection: who claims the task next has it. */
enum err settle_note(struct dialer *d, const struct queue_task *task, const struct call_record *r,
                     const struct rules_decision *decision)
{
    const char *comment = r->comment[0] ? r->comment : decision->comment;
    const struct queue_note note = {
        .attempt = r->attempt,
        .comment = slice_cstr(comment),
        .mark = slice_cstr(decision->mark),
        .caller_id = slice_cstr(decision->other_caller_id ? r->caller_id : ""),
        .priority = decision->priority,
    };

    if (!comment[0] && !decision->mark[0] && !note.caller_id.len && !note.priority &&
        !task->avoid_caller_id[0])
        return OK;
    return queue_note(d->queue, slice_cstr(task->id), &note, NULL, NULL);
}

static void complete(struct attempt *a)
{
    static char line[RECORDS_LINE_MAX]; /* control thread only */
    struct dialer *d = a->dialer;
    struct rules_decision decision;
    struct queue_completion c;
    struct ledger_line line_of_ledger;
    size_t len = 0;

    if (!gate_settled(a)) {
        loop_timer(d->loop, &a->timer, TRY_AGAIN_MS, on_try_complete);
        return;
    }
    settle_completion(d, &a->task, &a->record, a->trunk, &decision, &c);
    if (ledger_line(d, &a->record, &line_of_ledger))
        c.ledger = &line_of_ledger.entry;
    /* A simulation's Redis lives no longer than it, and nobody asks it for records. */
    if (!d->config.model && records_format(&a->record, line, sizeof(line), &len) == OK)
        c.record = slice_of(line, len);
    enum err e = settle_note(d, &a->task, &a->record, &decision);
    if (e == OK)
        e = queue_complete(d->queue, &a->task, &c, on_completed, a);
    if (e != OK)
        loop_timer(d->loop, &a->timer, TRY_AGAIN_MS, on_try_complete);
    else if (c.ledger && !a->entered)
        ledger_given(d, c.ledger);
    a->entered = a->entered || e == OK;
    a->completing = e == OK;
}

/* The record says what the rules leave with the lead, so it stands in the journal, too. */
static void write_rules_words(struct attempt *a)
{
    struct rules_decision decision;
    struct queue_completion unused;

    settle_completion(a->dialer, &a->task, &a->record, a->trunk, &decision, &unused);
    slice_copy(slice_cstr(decision.mark), a->record.mark, sizeof(a->record.mark));
    slice_copy(slice_cstr(decision.comment), a->record.comment, sizeof(a->record.comment));
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
    hearing_take(a);
    write_rules_words(a);
    put_record(a);
}

void settle_safe_records(struct dialer *d)
{
    struct records_stats s;

    if (list_empty(&d->settling))
        return;
    records_look(d->records, &s);
    while (!list_empty(&d->settling)) {
        struct attempt *a = container_of(list_first(&d->settling), struct attempt, node);

        if (!records_safe(&s, a->record_number))
            break;
        list_remove(&a->node);
        list_push_back(&d->live, &a->node);
        complete(a);
    }
}
