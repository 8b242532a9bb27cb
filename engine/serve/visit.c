/* One call that came in: its number's line, room for it, its flow, its record. */
#include "serve/internal.h"

#include <stdio.h>

#include "base/log.h"

#define Q850_UNALLOCATED 1
#define Q850_BUSY        17
#define Q850_CONGESTION  42
#define RETRY_AFTER_S    ADMISSION_GOOD_S

/* ---- the end ---- */

void visit_put_record(struct serve *s, struct call *call, const struct call_record *own)
{
    struct call_record r = *call_record_of(call);

    memcpy(r.campaign, own->campaign, sizeof r.campaign);
    memcpy(r.lead, own->lead, sizeof r.lead);
    memcpy(r.number, own->number, sizeof r.number);
    memcpy(r.caller_id, own->caller_id, sizeof r.caller_id);
    memcpy(r.agent, own->agent, sizeof r.agent);
    memcpy(r.group, own->group, sizeof r.group);
    memcpy(r.outcome, own->outcome, sizeof r.outcome);
    memcpy(r.comment, own->comment, sizeof r.comment);
    r.attempt = own->attempt;
    r.result = own->result;
    r.delivery = own->delivery;
    if (records_put(s->records, &r) == OK)
        return;
    s->counts.records_lost++;
    log_error("serve", "a call's record is lost: the writer does not keep up",
              "call=%s number=%s caller=%s", r.lead, r.number, r.caller_id);
}

static void over(struct visit *v)
{
    struct serve *s = v->serve;
    struct book *b = v->book;

    visit_put_record(s, v->call, &v->record);
    call_release(v->call);
    if (v->line)
        v->line->live--;
    list_remove(&v->node);
    list_remove(&v->waiting_node);
    pool_put(&s->visits, v);
    b->calls--;
    s->look_at_books = true;
}

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct visit *v = arg;

    (void)c;
    bool answered = report->answered_ms != CALL_TIME_NONE;

    v->record.result = answered ? RESULT_HUMAN : result_decide(call_record_of(v->call));
    if (v->record.delivery == DELIVERY_NONE && answered)
        v->record.delivery = DELIVERY_FLOW;
    slice_copy(slice_cstr(flow_outcome_name(report->outcome)), v->record.outcome,
               sizeof v->record.outcome);
    if (report->error[0])
        snprintf(v->record.comment, sizeof v->record.comment, "%.120s", report->error);
    over(v);
}

/* ---- refusals ---- */

static void on_refused(void *arg, struct call *c, const struct call_event *e)
{
    (void)c;
    if (e->kind == CALL_EV_ENDED)
        over(arg);
}

/* A refused call has its record, too: somebody called. */
static void refuse(struct visit *v, uint16_t code, uint16_t q850, enum result result,
                   const char *why, uint64_t *counter)
{
    (*counter)++;
    v->record.result = result;
    snprintf(v->record.outcome, sizeof v->record.outcome, "%s", why);
    call_set_handler(v->call, on_refused, v);
    call_reject(v->call, code, NULL, q850);
}

/* The machine has as many calls as it can bear in time. */
static void refuse_late(struct visit *v)
{
    struct serve *s = v->serve;

    s->counts.refused_late++;
    health_admission(s->health)->refused++;
    v->record.result = RESULT_CONGESTION;
    snprintf(v->record.outcome, sizeof v->record.outcome, "audio_late");
    call_set_handler(v->call, on_refused, v);
    call_reject_for_now(v->call, RETRY_AFTER_S, Q850_CONGESTION);
}

/* ---- the flow ---- */

static const struct flow_script *script_of(const struct book *b, const struct numbers_line *line)
{
    return line == &b->numbers->unknown ? b->unknown : b->script[line - b->numbers->line];
}

/* The parameters of the number, as call.row; `number` (as the file writes it) and `language` among
 * them. */
static uint32_t row_of(const struct numbers_line *line, struct flow_field row[])
{
    uint32_t n = 0;

    if (line->number[0])
        row[n++] = (struct flow_field){"number", line->number};
    if (line->language[0])
        row[n++] = (struct flow_field){"language", line->language};
    for (uint32_t i = 0; i < line->with_count; i++)
        row[n++] = (struct flow_field){line->with[i].name, line->with[i].value};
    return n;
}

static void start_flow(struct visit *v, const struct numbers_line *line)
{
    struct serve *s = v->serve;
    struct flow_field row[NUMBERS_WITH_MAX + 2];
    struct flow_start start = {
        .script = script_of(v->book, line),
        .call = v->call,
        .leg = s->visit_number,
        .attempt = 1,
        .row = row,
        .row_count = row_of(line, row),
        .on_end = on_flow_end,
        .arg = v,
    };

    v->line->live++;
    if (v->line->live > v->line->peak)
        v->line->peak = v->line->live;
    enum err e = flow_start(v->book->runtime, &start, &v->flow);
    if (e == OK) {
        v->line->calls++;
        s->counts.answered++;
        return;
    }
    v->line->live--;
    v->line = NULL;
    log_warn("serve", "a flow could not be started", "flow=%s error=%s", line->flow, err_name(e));
    refuse(v, 503, Q850_CONGESTION, RESULT_CONGESTION, "no_room", &s->counts.failed);
}

static struct visit *visit_new(struct serve *s, struct call *c)
{
    struct visit *v = pool_get(&s->visits);
    struct call_record *r = v ? &v->record : NULL;

    if (!v)
        return NULL;
    v->serve = s;
    v->book = s->book;
    v->book->calls++;
    list_node_init(&v->waiting_node);
    list_push_back(&s->live, &v->node);
    v->call = c;
    s->visit_number++;
    call_record_init(r);
    /* Unique across restarts: the clock, and the number of the call in this run. */
    snprintf(r->lead, sizeof r->lead, "%llu-%llu",
             (unsigned long long)call_record_of(c)->invite_wall_ms,
             (unsigned long long)s->visit_number);
    snprintf(r->campaign, sizeof r->campaign, "%s", v->book->numbers->name);
    slice_copy(call_called_number(c), r->number, sizeof r->number);
    slice_copy(call_caller_number(c), r->caller_id, sizeof r->caller_id);
    r->attempt = 1;
    return v;
}

void visit_give_up(struct serve *s)
{
    list_each(n, next, &s->live)
    {
        struct visit *v = container_of(n, struct visit, node);

        if (v->record.result == RESULT_NONE)
            v->record.result = result_decide(call_record_of(v->call));
        visit_put_record(s, v->call, &v->record);
    }
}

static void on_nobody(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    if (e->kind == CALL_EV_ENDED)
        call_release(c);
}

/* Who calls under an agent's name, and no number is called so. */
static bool is_supervisor(const struct serve *s, const struct call *c)
{
    struct slice called = call_called_number(c);

    return s->supervision.pin[0] && !numbers_find(s->book->numbers, called) &&
           desk_find(s->desk, called);
}

void visit_incoming(void *arg, struct call *c)
{
    struct serve *s = arg;

    if (is_supervisor(s, c)) {
        supervise_take(&s->supervision, c, !s->draining);
        return;
    }
    struct visit *v = visit_new(s, c);

    s->counts.incoming++;
    if (!v) {
        s->counts.refused_full++;
        call_set_handler(c, on_nobody, s);
        call_reject(c, 503, NULL, Q850_CONGESTION);
        return;
    }
    const struct numbers *n = v->book->numbers;
    const struct numbers_line *line = numbers_find(n, call_called_number(c));
    struct serve_line *counters = line ? v->book->line[line - n->line] : &s->unknown_line;

    if (!line && n->has_unknown)
        line = &n->unknown;
    if (s->draining) {
        refuse(v, 503, Q850_CONGESTION, RESULT_CONGESTION, "draining", &s->counts.refused_draining);
    } else if (!health_admits(s->health)) {
        refuse_late(v);
    } else if (!line) {
        refuse(v, 404, Q850_UNALLOCATED, RESULT_VACANT, "unknown_number",
               &s->counts.refused_unknown);
    } else if (line->calls && counters->live >= line->calls) {
        counters->full++;
        bool busy = line->full == 486;
        refuse(v, line->full, busy ? Q850_BUSY : Q850_CONGESTION,
               busy ? RESULT_BUSY : RESULT_CONGESTION, "number_full", &s->counts.refused_full);
    } else {
        v->line = counters;
        start_flow(v, line);
    }
}
