/* Truth lines and totals. */
#include "sim/truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_WAIT_TURNS 500          /* × 10 ms */
#define PIECE            (128 * 1024) /* bytes offered to the file at once */

enum err truth_open(struct truth *t, struct loop *l, const char *path)
{
    memset(t, 0, sizeof *t);
    return path ? file_open(&t->file, l, path) : OK;
}

/* Milliseconds, or null where it did not happen. */
static void put_ms(struct json *j, const char *name, uint32_t ms)
{
    if (ms == CALL_TIME_NONE)
        json_put_null(j, name);
    else
        json_u64(j, name, ms);
}

/* The simulator's own side and the far one; the call layer speaks of "callee" for the far side. */
static const char *ender(enum call_ender by)
{
    switch (by) {
    case ENDED_BY_US:
        return "simulator";
    case ENDED_BY_CALLEE:
        return "far_side";
    case ENDED_BY_NETWORK:
        return "network";
    case ENDED_BY_NOBODY:
        break;
    }
    return "nobody";
}

static uint32_t mark_at(const struct flow_report *r, const char *name)
{
    for (uint32_t i = 0; i < r->marks_count; i++)
        if (strcmp(r->marks[i].name, name) == 0)
            return r->marks[i].at_ms;
    return CALL_TIME_NONE;
}

static void put_lists(struct json *j, const struct flow_report *r)
{
    json_begin_array(j, "marks");
    for (uint32_t i = 0; i < r->marks_count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "name", r->marks[i].name);
        json_u64(j, "at_ms", r->marks[i].at_ms);
        json_end(j);
    }
    json_end(j);
    json_begin_array(j, "heard");
    for (uint32_t i = 0; i < r->heard_count; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "kind", dsp_kind_name((enum dsp_kind)r->heard[i].kind));
        json_u64(j, "start_ms", r->heard[i].start_ms);
        json_u64(j, "end_ms", r->heard[i].end_ms);
        json_end(j);
    }
    json_end(j);
    json_begin_object(j, "checks");
    json_u64(j, "passed", r->checks_passed);
    json_u64(j, "failed", r->checks_failed);
    json_begin_array(j, "texts");
    for (uint32_t i = 0; i < r->checks_failed && i < FLOW_CHECKS_MAX; i++)
        json_cstr(j, NULL, r->failed[i]);
    json_end(j);
    json_end(j);
}

static void put_rtp(struct json *j, const struct call_media_stats *m)
{
    json_begin_object(j, "rtp");
    json_u64(j, "received", m->rtp_received);
    json_u64(j, "sent", m->rtp_sent);
    json_u64(j, "lost", m->rtp_lost);
    json_u64(j, "late", m->rtp_late);
    json_u64(j, "jitter_us", m->jitter_us);
    if (m->shared)
        json_bool(j, "shared", true);
    if (m->made_lost || m->made_duplicate || m->made_reordered) { /* by a bad network of ours */
        json_begin_object(j, "made");
        json_u64(j, "lost", m->made_lost);
        json_u64(j, "duplicated", m->made_duplicate);
        json_u64(j, "reordered", m->made_reordered);
        json_end(j);
    }
    json_end(j);
}

const char *truth_seen(const struct flow_report *r)
{
    enum result truth = RESULT_NONE;

    if (!r->truth[0])
        return NULL;
    /* What the network says before any answer (busy, vacant…) stays true when it is cut short. */
    if (result_parse(slice_cstr(r->truth), &truth) == OK && truth >= RESULT_HUMAN &&
        r->answered_ms == CALL_TIME_NONE && r->code == 487 && r->by != ENDED_BY_US)
        return "no_answer";
    return r->truth;
}

static void put_line(struct json *j, const struct truth_call *who, const struct call_record *record,
                     const struct flow_report *r)
{
    json_begin_object(j, NULL);
    json_cstr(j, "kind", flow_kind_name(flow_script_kind(r->script)));
    json_cstr(j, "call_id", record->call_id);
    json_cstr(j, "number", who->number);
    json_cstr(j, "caller", who->caller);
    json_u64(j, "attempt", who->attempt);
    json_cstr(j, "scenario", flow_script_name(r->script));
    json_cstr(j, "truth", truth_seen(r));
    json_u64(j, "started", who->started_wall_ms);
    put_ms(j, "answered_ms", r->answered_ms);
    put_ms(j, "ended_ms", r->ended_ms);
    json_cstr(j, "ended_by", ender(r->by));
    json_u64(j, "code", r->code);
    json_u64(j, "q850", r->q850);
    json_cstr(j, "outcome", flow_outcome_name(r->outcome));
    put_ms(j, "beep_end_ms", mark_at(r, "beep"));
    put_lists(j, r);
    json_cstr(j, "error", r->error[0] ? r->error : NULL);
    put_rtp(j, &record->media);
    json_end(j);
}

static void count_scenario(struct truth *t, const struct flow_report *r)
{
    const char *name = flow_script_name(r->script);

    for (uint32_t i = 0; i < t->counts; i++)
        if (strcmp(t->count[i].scenario, name) == 0 && strcmp(t->count[i].label, r->truth) == 0) {
            t->count[i].calls++;
            return;
        }
    if (t->counts == TRUTH_SCENARIOS_MAX)
        return;
    struct truth_count *n = &t->count[t->counts++];
    snprintf(n->scenario, sizeof n->scenario, "%s", name);
    snprintf(n->label, sizeof n->label, "%s", r->truth);
    n->calls = 1;
}

static void add_totals(struct truth *t, const struct call_record *record,
                       const struct flow_report *r)
{
    const struct call_media_stats *m = &record->media;

    if (flow_script_kind(r->script) == FLOW_KIND_AGENT)
        t->agents++;
    else
        t->calls++;
    t->answered += r->answered_ms != CALL_TIME_NONE;
    t->outcomes[r->outcome]++;
    t->checks_passed += r->checks_passed;
    t->checks_failed += r->checks_failed;
    t->script_errors += r->outcome == FLOW_ERROR;
    t->rtp_received += m->rtp_received;
    t->rtp_sent += m->rtp_sent;
    t->rtp_lost += m->rtp_lost;
    t->rtp_late += m->rtp_late;
    if (!t->first_failed[0] && (r->checks_failed || r->error[0]))
        snprintf(t->first_failed, sizeof t->first_failed, "%.310s",
                 r->checks_failed ? r->failed[0] : r->error);
    count_scenario(t, r);
}

/* Gives the file as much of the backlog as it takes. */
static void flush(struct truth *t)
{
    while (t->backlog_from < t->backlog_len) {
        size_t n = t->backlog_len - t->backlog_from;
        if (n > PIECE)
            n = PIECE;
        if (file_write(t->file, t->backlog + t->backlog_from, n) != OK)
            return;
        t->backlog_from += n;
    }
    t->backlog_from = t->backlog_len = 0;
}

static bool keep(struct truth *t, const char *line, size_t len)
{
    if (t->backlog_len + len > t->backlog_cap) {
        size_t cap = t->backlog_cap ? t->backlog_cap * 2 : 1024 * 1024;
        char *more = cap <= TRUTH_BACKLOG_MAX ? realloc(t->backlog, cap) : NULL;
        if (!more)
            return false;
        t->backlog = more;
        t->backlog_cap = cap;
    }
    memcpy(t->backlog + t->backlog_len, line, len);
    t->backlog_len += len;
    return true;
}

static void put_out(struct truth *t, const char *line, size_t len)
{
    flush(t);
    if (t->backlog_len == 0 && file_write(t->file, line, len) == OK)
        return;
    if (!keep(t, line, len))
        t->lines_lost++;
}

void truth_write(struct truth *t, const struct truth_call *who, const struct call_record *record,
                 const struct flow_report *r)
{
    char line[TRUTH_LINE_MAX];
    struct buf b = buf_on(line, sizeof line);
    struct json j;

    add_totals(t, record, r);
    if (!t->file)
        return;
    json_init(&j, &b);
    put_line(&j, who, record, r);
    buf_putc(&b, '\n');
    if (buf_end(&b) == OK)
        put_out(t, line, b.len);
    else
        t->lines_lost++;
}

static void on_closed(void *arg, const struct file_result *result)
{
    struct truth *t = arg;

    t->closed = true;
    t->closed_result = *result;
}

bool truth_close(struct truth *t, struct loop *l)
{
    if (!t->file)
        return true;
    for (int i = 0; i < CLOSE_WAIT_TURNS && t->backlog_len > 0; i++) {
        flush(t);
        loop_turn(l, 10000);
    }
    bool whole = t->backlog_len == 0;
    file_close(t->file, on_closed, t);
    t->file = NULL;
    free(t->backlog);
    t->backlog = NULL;
    for (int i = 0; i < CLOSE_WAIT_TURNS && !t->closed; i++)
        loop_turn(l, 10000);
    if (whole && t->closed && t->closed_result.err == OK && t->lines_lost == 0)
        return true;
    fprintf(stderr, "peal-sim: the truth file is incomplete: %llu lines lost%s, %s%s%s\n",
            (unsigned long long)t->lines_lost, whole ? "" : ", and those of the last calls",
            t->closed ? err_name(t->closed_result.err) : "it could not be closed",
            t->closed_result.sys_errno ? ": " : "",
            t->closed_result.sys_errno ? strerror(t->closed_result.sys_errno) : "");
    return false;
}

void truth_json(const struct truth *t, struct json *j)
{
    json_u64(j, "calls", t->calls);
    json_u64(j, "agents", t->agents);
    json_u64(j, "answered", t->answered);
    json_begin_object(j, "outcomes");
    for (int i = 0; i <= FLOW_STOPPED; i++)
        json_u64(j, flow_outcome_name((enum flow_outcome)i), t->outcomes[i]);
    json_end(j);
    json_begin_array(j, "scenarios");
    for (uint32_t i = 0; i < t->counts; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "scenario", t->count[i].scenario);
        json_cstr(j, "truth", t->count[i].label[0] ? t->count[i].label : NULL);
        json_u64(j, "calls", t->count[i].calls);
        json_end(j);
    }
    json_end(j);
    json_begin_object(j, "checks");
    json_u64(j, "passed", t->checks_passed);
    json_u64(j, "failed", t->checks_failed);
    json_end(j);
    json_u64(j, "script_errors", t->script_errors);
    json_cstr(j, "first_failure", t->first_failed[0] ? t->first_failed : NULL);
    json_u64(j, "rtp_sent", t->rtp_sent);
    json_u64(j, "rtp_received", t->rtp_received);
    json_u64(j, "rtp_lost", t->rtp_lost);
    json_u64(j, "rtp_late", t->rtp_late);
    json_u64(j, "truth_lines_lost", t->lines_lost);
}
