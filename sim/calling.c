/* Callers at a rate. */
#include "sim/calling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/sim.h"

#define BURST_MAX 64 /* calls started in one go when behind the plan */

struct caller {
    struct calling *calling;
    char to[CALLING_URI_MAX], from[CALLING_FROM_MAX];
    uint64_t number, planned_us, late_us, wall_ms;
};

/* ---- one call ---- */

static void measure(struct calling *s, const struct caller *k, struct call *c)
{
    uint32_t first = call_mark_at(c, MARK_FIRST_1XX), answered = call_mark_at(c, MARK_ANSWERED);

    if (first != CALL_TIME_NONE)
        hist_add(&s->first_us, k->late_us + (uint64_t)first * 1000);
    if (answered != CALL_TIME_NONE)
        hist_add(&s->answer_us, k->late_us + (uint64_t)answered * 1000);
}

static void finish_if_done(struct calling *s)
{
    bool all = s->finished + s->not_started == s->planned;

    if (s->over || (!all && !(s->stopping && s->finished == s->started)))
        return;
    s->over = true;
    s->on_over(s->arg, s);
}

static const struct flow_field *row_of(const struct calling *s, uint64_t n)
{
    return s->rows ? rows_at(s->rows, n - 1) : NULL;
}

static void collect(struct calling *s, const struct caller *k, struct call *c,
                    const struct flow_report *r, bool succeeded)
{
    struct outcome_source from = {
        .group = s->group,
        .leg = s->first_leg + k->number,
        .n = k->number,
        .number = k->to,
        .caller = k->from,
        .attempt = 1,
        .row = row_of(s, k->number),
        .row_count = s->rows ? rows_columns(s->rows) : 0,
        .intended_us = k->planned_us,
        .started_us = k->planned_us + k->late_us,
        .wall_ms = k->wall_ms,
        .succeeded = succeeded,
    };

    outcome_add(s->outcome, &from, call_record_of(c), r);
}

static void on_flow_end(void *arg, struct call *c, const struct flow_report *r)
{
    struct caller *k = arg;
    struct calling *s = k->calling;
    struct truth_call who = {k->to, k->from, 1, k->wall_ms};
    bool answered = r->answered_ms != CALL_TIME_NONE;
    /* A refused call whose script ran to its end and checked something is what it expected. */
    bool expected = r->outcome == FLOW_DONE && r->checks_passed;
    bool succeeded = (answered || expected) &&
                     (r->outcome == FLOW_DONE || r->outcome == FLOW_HANGUP) && !r->checks_failed;

    measure(s, k, c);
    s->finished++;
    if (succeeded) {
        s->succeeded++;
    } else {
        s->failed++;
        if (answered)
            s->by_outcome[r->outcome]++;
        else
            s->codes[r->code < CALLING_CODES_MAX ? r->code : 0]++;
    }
    truth_write(&s->host->truth, &who, call_record_of(c), r);
    if (s->outcome)
        collect(s, k, c, r, succeeded);
    call_release(c);
    pool_put(&s->pool, k);
    finish_if_done(s);
}

static void on_early(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    (void)c;
    (void)e;
}

/* A text with {n} replaced by the call's number and {field} by its row's. */
static bool fill_in(const struct calling *s, const char *text, uint64_t n, char *out, size_t cap)
{
    struct buf b = buf_on(out, cap - 1);
    const struct flow_field *row = row_of(s, n);

    for (const char *p = text; *p; p++) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (!close) {
            buf_putc(&b, *p);
            continue;
        }
        struct slice name = slice_of(p + 1, (size_t)(close - p - 1));
        bool known = slice_eq(name, SLICE("n"));
        if (known)
            buf_u64(&b, n);
        for (uint32_t i = 0; row && !known && i < rows_columns(s->rows); i++)
            if (slice_eq(name, slice_cstr(row[i].name))) {
                buf_puts(&b, row[i].value);
                known = true;
            }
        if (!known)
            return false;
        p = close;
    }
    out[b.len] = '\0';
    return buf_end(&b) == OK;
}

bool calling_uri(const struct calling *s, uint64_t n, char *out)
{
    return fill_in(s, s->to, n, out, CALLING_URI_MAX);
}

static enum err dial(struct calling *s, struct caller *k)
{
    struct call *c;
    struct call_dial dial = {
        .to_uri = k->to, .from_user = k->from, .detect = true, .codecs = s->codecs};
    char id[CALL_ID_MAX];

    if (s->wrongs && s->wrongs->rules) {
        call_new_id(s->host->env, id, sizeof id);
        wrongs_before(s->wrongs, s->host->env, id);
        dial.call_id = id;
    }
    enum err e = call_dial(s->host->env, &dial, on_early, k, &c);
    if (e != OK)
        return e;
    if (s->wrongs)
        wrongs_on_leg(s->wrongs, s->host->rt, s->first_leg + k->number, c);
    struct flow_start start = {
        .script = s->script,
        .call = c,
        .leg = s->first_leg + k->number,
        .attempt = 1,
        .row = row_of(s, k->number),
        .row_count = s->rows ? rows_columns(s->rows) : 0,
        .on_end = on_flow_end,
        .arg = k,
    };
    e = flow_start(s->host->rt, &start, NULL);
    if (e != OK)
        call_release(c);
    return e;
}

static void start_one(struct calling *s, uint64_t now_us, uint64_t planned_us)
{
    struct caller *k = pool_get(&s->pool);
    enum err e = k ? OK : ERR_FULL;

    hist_add(&s->start_late_us, now_us - planned_us);
    lateness_plan(&s->host->lateness, now_us - planned_us);
    s->started++;
    if (e == OK) {
        *k = (struct caller){.calling = s, .number = s->next_n, .planned_us = planned_us};
        k->late_us = now_us - planned_us;
        k->wall_ms = clock_wall_ms(s->host->loop.clock);
        bool known = fill_in(s, s->to, s->next_n, k->to, sizeof k->to) &&
                     fill_in(s, s->from, s->next_n, k->from, sizeof k->from);
        e = known ? dial(s, k) : ERR_INVALID;
    }
    if (e == OK)
        return;
    if (k)
        pool_put(&s->pool, k);
    s->started--;
    s->not_started++;
    log_warn("sim", "a call could not be started", "to=%s n=%llu error=%s", s->to,
             (unsigned long long)s->next_n, err_name(e));
}

/* ---- the plan ---- */

bool calling_is_ours(const struct calling *s, uint64_t n)
{
    return s->parts < 2 || (n - 1) % s->parts == s->part;
}

/* To the next call that is ours. */
static void advance(struct calling *s)
{
    do {
        s->next_us = law_next(&s->law);
        s->next_n++;
    } while (s->next_us != UINT64_MAX && !calling_is_ours(s, s->next_n));
}

static void on_next(struct loop_alarm *a)
{
    struct calling *s = container_of(a, struct calling, next);
    uint64_t now, due;

    for (int i = 0; i < BURST_MAX && s->next_us != UINT64_MAX && !s->stopping; i++) {
        now = clock_us(s->host->loop.clock);
        due = tempo_due(s->tempo, s->offset_us + s->next_us);
        if (due > now)
            break;
        start_one(s, now, due);
        advance(s);
    }
    if (s->next_us == UINT64_MAX || s->stopping) {
        finish_if_done(s);
        return;
    }
    due = tempo_due(s->tempo, s->offset_us + s->next_us);
    if (due == UINT64_MAX)
        return; /* held: calling_retime goes on */
    loop_alarm_set(&s->host->loop, a, due, on_next);
}

void calling_begin(struct calling *s, const struct tempo *tempo, uint64_t offset_us)
{
    s->tempo = tempo;
    s->offset_us = offset_us;
    advance(s);
    calling_retime(s);
}

void calling_retime(struct calling *s)
{
    if (!s->over && !s->stopping)
        loop_alarm_set(&s->host->loop, &s->next, 0, on_next);
}

void calling_stop(struct calling *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    loop_alarm_stop(&s->next);
    finish_if_done(s);
}

/* ---- the report ---- */

static void put_hist(struct json *j, const char *name, const struct hist *h)
{
    json_begin_object(j, name);
    json_u64(j, "count", h->count);
    json_num(j, "p50", (double)hist_quantile(h, 0.5) / 1000);
    json_num(j, "p99", (double)hist_quantile(h, 0.99) / 1000);
    json_num(j, "max", (double)h->max / 1000);
    json_end(j);
}

void calling_json(const struct calling *s, struct json *j)
{
    char name[16];

    json_u64(j, "planned", s->planned);
    json_u64(j, "started", s->started);
    json_u64(j, "not_started", s->not_started);
    json_u64(j, "succeeded", s->succeeded);
    json_u64(j, "failed", s->failed);
    put_hist(j, "start_late_ms", &s->start_late_us);
    put_hist(j, "first_response_ms", &s->first_us);
    put_hist(j, "answer_ms", &s->answer_us);
    json_begin_object(j, "failures");
    for (int i = 0; i < CALLING_CODES_MAX; i++)
        if (s->codes[i]) {
            snprintf(name, sizeof name, "%d", i);
            json_u64(j, name, s->codes[i]);
        }
    for (int i = 0; i <= FLOW_STOPPED; i++)
        if (s->by_outcome[i])
            json_u64(j, flow_outcome_name((enum flow_outcome)i), s->by_outcome[i]);
    json_end(j);
}

void calling_say(const struct calling *s)
{
    printf("%llu planned, %llu succeeded, %llu failed, %llu not started\n",
           (unsigned long long)s->planned, (unsigned long long)s->succeeded,
           (unsigned long long)s->failed, (unsigned long long)s->not_started);
    printf("  first response p50 %.1f ms, p99 %.1f ms; answer p50 %.1f ms, p99 %.1f ms, from the "
           "planned instant\n",
           (double)hist_quantile(&s->first_us, 0.5) / 1000,
           (double)hist_quantile(&s->first_us, 0.99) / 1000,
           (double)hist_quantile(&s->answer_us, 0.5) / 1000,
           (double)hist_quantile(&s->answer_us, 0.99) / 1000);
    for (int i = 0; i < CALLING_CODES_MAX; i++)
        if (s->codes[i])
            printf("  not answered, SIP %d: %llu\n", i, (unsigned long long)s->codes[i]);
    for (int i = 0; i <= FLOW_STOPPED; i++)
        if (s->by_outcome[i])
            printf("  answered, then %s: %llu\n", flow_outcome_name((enum flow_outcome)i),
                   (unsigned long long)s->by_outcome[i]);
}

/* ---- start ---- */

int calling_open(struct calling *s, struct host *host, const struct calling_config *config,
                 const char *where)
{
    const char *program = host->program;
    char uri[CALLING_URI_MAX], error[ROWS_ERROR_MAX];

    *s = (struct calling){.host = host,
                          .law = config->law,
                          .to = config->to,
                          .from = config->from,
                          .wrongs = config->wrongs,
                          .codecs = config->codecs,
                          .planned = config->planned,
                          .first_leg = config->first_leg,
                          .part = config->part,
                          .parts = config->parts,
                          .outcome = config->outcome,
                          .group = config->group,
                          .on_over = config->on_over,
                          .arg = config->arg};
    loop_alarm_init(&s->next);
    if (config->data && rows_load(&s->rows, config->data, error) != OK) {
        fprintf(stderr, "%s: %s%s\n", program, where, error);
        return SIM_CONFIG;
    }
    if (strncmp(s->to, "sip:", 4) != 0 || !calling_uri(s, 1, uri)) {
        fprintf(stderr,
                "%s: %s--to %s: write sip:NUMBER@HOST:PORT; {n} stands for the call's number, "
                "{column} for a column of --data\n",
                program, where, s->to);
        return SIM_CONFIG;
    }
    if (!host_script(host, config->scenario, &s->script))
        return SIM_CONFIG;
    enum flow_kind kind = flow_script_kind(s->script);
    if (kind != FLOW_KIND_CALLER && kind != FLOW_KIND_AGENT) {
        fprintf(stderr, "%s: %s%s declares a %s; calls are made by a caller\n", program, where,
                config->scenario, flow_kind_name(kind));
        return SIM_CONFIG;
    }
    if (pool_init(&s->pool, sizeof(struct caller), (uint32_t)config->max_calls) == OK)
        return SIM_PASS;
    fprintf(stderr, "%s: there is no memory for %llu calls\n", program,
            (unsigned long long)config->max_calls);
    return SIM_CONFIG;
}

void calling_close(struct calling *s)
{
    if (s->pool.mem)
        pool_fini(&s->pool);
    rows_free(s->rows);
    s->rows = NULL;
}
