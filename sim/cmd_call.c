/* peal-sim call: callers at a rate. The plan (when each call is to start) is made by the arrival
 * law and the seed alone; delays are measured from the planned instant, so a caller that was held
 * up counts against the figures instead of hiding them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hist.h"
#include "base/log.h"
#include "base/pool.h"
#include "sim/host.h"
#include "sim/law.h"
#include "sim/options.h"
#include "sim/rows.h"
#include "sim/sim.h"

#define PROGRAM   "peal-sim call"
#define URI_MAX   256
#define CODES_MAX 700
#define BURST_MAX 64   /* calls started in one go when behind the plan */
#define DRAIN_MS  3000 /* for calls to end after a signal */

struct caller {
    struct calls *calls;
    char to[URI_MAX];
    uint64_t number, planned_us, late_us, wall_ms;
};

struct calls {
    struct host host;
    struct law law;
    struct rows *rows;
    struct flow_script *script;
    struct pool pool;
    struct timer next, drain;
    uint64_t start_us, next_us, started, finished, succeeded, failed, not_started, planned;
    uint64_t codes[CODES_MAX];             /* final SIP codes of calls that were not answered */
    uint64_t by_outcome[FLOW_STOPPED + 1]; /* of answered calls that failed */
    struct hist first_us, answer_us, start_late_us;
    bool stopping;
    const char *to, *from;
};

struct arguments {
    const char *to, *scenario, *rate, *law, *report, *listen, *data, *audio, *ports, *from;
    uint64_t calls, seed, workers, late_limit, max_calls, min_success;
    bool quiet;
};

/* ---- one call ---- */

static void measure(struct calls *s, const struct caller *k, struct call *c)
{
    uint32_t first = call_mark_at(c, MARK_FIRST_1XX), answered = call_mark_at(c, MARK_ANSWERED);

    if (first != CALL_TIME_NONE)
        hist_add(&s->first_us, k->late_us + (uint64_t)first * 1000);
    if (answered != CALL_TIME_NONE)
        hist_add(&s->answer_us, k->late_us + (uint64_t)answered * 1000);
}

static void finish_if_done(struct calls *s)
{
    if (s->finished + s->not_started == s->planned || (s->stopping && s->finished == s->started))
        loop_stop(&s->host.loop);
}

static void on_flow_end(void *arg, struct call *c, const struct flow_report *r)
{
    struct caller *k = arg;
    struct calls *s = k->calls;
    struct truth_call who = {k->to, s->from, 1, k->wall_ms};
    bool answered = r->answered_ms != CALL_TIME_NONE;

    measure(s, k, c);
    s->finished++;
    if (answered && (r->outcome == FLOW_DONE || r->outcome == FLOW_HANGUP) && !r->checks_failed) {
        s->succeeded++;
    } else {
        s->failed++;
        if (answered)
            s->by_outcome[r->outcome]++;
        else
            s->codes[r->code < CODES_MAX ? r->code : 0]++;
    }
    truth_write(&s->host.truth, &who, call_record_of(c), r);
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

/* to with {n} replaced by the call's number and {field} by its row's. */
static bool write_uri(const struct calls *s, uint64_t n, char *out)
{
    struct buf b = buf_on(out, URI_MAX - 1);
    const struct flow_field *row = s->rows ? rows_at(s->rows, n - 1) : NULL;

    for (const char *p = s->to; *p; p++) {
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

static void start_one(struct calls *s, uint64_t now_us)
{
    struct caller *k = pool_get(&s->pool);
    struct call *c = NULL;
    enum err e = k ? OK : ERR_FULL;

    s->started++;
    hist_add(&s->start_late_us, now_us - (s->start_us + s->next_us));
    if (e == OK) {
        *k = (struct caller){.calls = s, .number = s->started};
        k->planned_us = s->start_us + s->next_us;
        k->late_us = now_us - k->planned_us;
        k->wall_ms = clock_wall_ms(s->host.loop.clock);
        write_uri(s, k->number, k->to);
        struct call_dial dial = {.to_uri = k->to, .from_user = s->from, .detect = true};
        e = call_dial(s->host.env, &dial, on_early, k, &c);
    }
    if (e == OK) {
        struct flow_start start = {
            .script = s->script,
            .call = c,
            .leg = k->number,
            .attempt = 1,
            .row = s->rows ? rows_at(s->rows, k->number - 1) : NULL,
            .row_count = s->rows ? rows_columns(s->rows) : 0,
            .on_end = on_flow_end,
            .arg = k,
        };
        e = flow_start(s->host.rt, &start, NULL);
        if (e != OK)
            call_release(c);
    }
    if (e == OK)
        return;
    if (k)
        pool_put(&s->pool, k);
    s->started--;
    s->not_started++;
    log_warn("sim", "a call could not be started", "to=%s error=%s", s->to, err_name(e));
}

/* ---- the plan ---- */

static void on_next(struct timer *t)
{
    struct calls *s = container_of(t, struct calls, next);
    uint64_t now;

    for (int i = 0; i < BURST_MAX && s->next_us != UINT64_MAX && !s->stopping; i++) {
        now = clock_us(s->host.loop.clock);
        if (s->start_us + s->next_us > now)
            break;
        start_one(s, now);
        s->next_us = law_next(&s->law);
    }
    if (s->next_us == UINT64_MAX || s->stopping) {
        finish_if_done(s);
        return;
    }
    now = clock_us(s->host.loop.clock);
    uint64_t due = s->start_us + s->next_us;
    loop_timer(&s->host.loop, t, due > now ? (due - now) / 1000 : 0, on_next);
}

static void on_drain_limit(struct timer *t)
{
    loop_stop(&container_of(t, struct calls, drain)->host.loop);
}

static void on_signal(void *arg, uint32_t count)
{
    struct calls *s = arg;

    s->stopping = true;
    if (count > 1) {
        loop_stop(&s->host.loop);
        return;
    }
    flow_stop_all(s->host.rt);
    loop_timer(&s->host.loop, &s->drain, DRAIN_MS, on_drain_limit);
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

static void add_calls(void *arg, struct json *j)
{
    const struct calls *s = arg;
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
    for (int i = 0; i < CODES_MAX; i++)
        if (s->codes[i]) {
            snprintf(name, sizeof name, "%d", i);
            json_u64(j, name, s->codes[i]);
        }
    for (int i = 0; i <= FLOW_STOPPED; i++)
        if (s->by_outcome[i])
            json_u64(j, flow_outcome_name((enum flow_outcome)i), s->by_outcome[i]);
    json_end(j);
}

static void say(const struct calls *s)
{
    printf("peal-sim call: %llu planned, %llu succeeded, %llu failed, %llu not started\n",
           (unsigned long long)s->planned, (unsigned long long)s->succeeded,
           (unsigned long long)s->failed, (unsigned long long)s->not_started);
    printf("  first response p50 %.1f ms, p99 %.1f ms; answer p50 %.1f ms, p99 %.1f ms, from the "
           "planned instant\n",
           (double)hist_quantile(&s->first_us, 0.5) / 1000,
           (double)hist_quantile(&s->first_us, 0.99) / 1000,
           (double)hist_quantile(&s->answer_us, 0.5) / 1000,
           (double)hist_quantile(&s->answer_us, 0.99) / 1000);
    for (int i = 0; i < CODES_MAX; i++)
        if (s->codes[i])
            printf("  not answered, SIP %d: %llu\n", i, (unsigned long long)s->codes[i]);
    for (int i = 0; i <= FLOW_STOPPED; i++)
        if (s->by_outcome[i])
            printf("  answered, then %s: %llu\n", flow_outcome_name((enum flow_outcome)i),
                   (unsigned long long)s->by_outcome[i]);
}

/* ---- start ---- */

static int open_calls(struct calls *s, const struct arguments *a, const char *truth)
{
    char uri[URI_MAX], error[ROWS_ERROR_MAX];
    struct host_config config = {
        .program = PROGRAM,
        .listen = a->listen,
        .media_ports = a->ports,
        .workers = a->workers,
        .max_calls = a->max_calls,
        .seed = a->seed,
        .late_limit_ms = a->late_limit,
        .audio = a->audio,
        .truth = truth,
        .on_signal = on_signal,
        .arg = s,
    };

    if (law_parse(&s->law, a->rate, a->law, a->calls, a->seed, error) != OK ||
        (a->data && rows_load(&s->rows, a->data, error) != OK)) {
        fprintf(stderr, PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    s->to = a->to;
    s->from = a->from;
    s->planned = a->calls;
    if (strncmp(a->to, "sip:", 4) != 0 || !write_uri(s, 1, uri)) {
        fprintf(stderr,
                PROGRAM ": --to %s: write sip:NUMBER@HOST:PORT; {n} stands for the call's number, "
                        "{column} for a column of --data\n",
                a->to);
        return SIM_CONFIG;
    }
    timer_init(&s->next);
    timer_init(&s->drain);
    int rc = host_open(&s->host, &config);
    if (rc == SIM_PASS && !host_script(&s->host, a->scenario, &s->script))
        rc = SIM_CONFIG;
    if (rc == SIM_PASS && flow_script_kind(s->script) != FLOW_KIND_CALLER) {
        fprintf(stderr, PROGRAM ": %s declares a %s; calls are made by a caller\n", a->scenario,
                flow_kind_name(flow_script_kind(s->script)));
        rc = SIM_CONFIG;
    }
    if (rc == SIM_PASS && pool_init(&s->pool, sizeof(struct caller), (uint32_t)a->max_calls) != OK)
        rc = SIM_CONFIG;
    return rc;
}

static int run(struct calls *s, const struct arguments *a, const char *summary)
{
    s->start_us = clock_us(s->host.loop.clock) + 10000;
    s->next_us = law_next(&s->law);
    loop_timer(&s->host.loop, &s->next, 10, on_next);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    int rc = host_finish(&s->host, summary, add_calls, s);
    if (!a->quiet)
        say(s);
    if (rc == SIM_PASS && s->succeeded * 100 < a->min_success * s->planned) {
        fprintf(stderr, PROGRAM ": %llu of %llu calls succeeded, below --min-success %llu %%\n",
                (unsigned long long)s->succeeded, (unsigned long long)s->planned,
                (unsigned long long)a->min_success);
        rc = SIM_FAILED;
    }
    return rc;
}

static int report_paths(const char *dir, char *truth, char *summary, size_t cap)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, PROGRAM ": --report %s: %s\n", dir, strerror(errno));
        return SIM_CONFIG;
    }
    if ((size_t)snprintf(truth, cap, "%s/truth.jsonl", dir) >= cap ||
        (size_t)snprintf(summary, cap, "%s/summary.json", dir) >= cap) {
        fprintf(stderr, PROGRAM ": --report: the path is too long\n");
        return SIM_CONFIG;
    }
    return SIM_PASS;
}

static int with_arguments(const struct arguments *a)
{
    char truth[400], summary[400];
    int rc = report_paths(a->report, truth, summary, sizeof truth);

    if (rc != SIM_PASS)
        return rc;
    struct calls *s = calloc(1, sizeof *s);
    if (!s)
        return SIM_CONFIG;
    if (a->quiet)
        log_set_level(LOG_WARN);
    rc = open_calls(s, a, truth);
    if (rc == SIM_PASS)
        rc = run(s, a, summary);
    host_close(&s->host);
    if (s->pool.mem)
        pool_fini(&s->pool);
    rows_free(s->rows);
    free(s);
    return rc;
}

int sim_call(int argc, char **argv)
{
    struct arguments a = {.seed = 1,
                          .calls = 1,
                          .late_limit = 20,
                          .max_calls = 4096,
                          .min_success = 100,
                          .listen = "127.0.0.1:0",
                          .ports = "40000-59999",
                          .rate = "1/s",
                          .from = "+12025550100"};
    const struct option_row rows[] = {
        {"to",
         "URI",
         "sip:NUMBER@HOST:PORT; {n}: the call's number, {column}: of --data",
         OPTION_TEXT,
         {.text = &a.to},
         0,
         true},
        {"scenario",
         "FILE.lua",
         "script of the callers",
         OPTION_TEXT,
         {.text = &a.scenario},
         0,
         true},
        {"report",
         "DIR",
         "gets summary.json and truth.jsonl",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         true},
        {"rate",
         "N/s",
         "new calls a second or a minute (1/s)",
         OPTION_TEXT,
         {.text = &a.rate},
         0,
         false},
        {"calls",
         "N",
         "how many in all (1)",
         OPTION_NUMBER,
         {.number = &a.calls},
         100000000,
         false},
        {"law",
         "LAW",
         "constant, poisson or ramp:FROM-TO (constant)",
         OPTION_TEXT,
         {.text = &a.law},
         0,
         false},
        {"seed", "N", "of every draw (1)", OPTION_NUMBER, {.number = &a.seed}, INT64_MAX, false},
        {"data",
         "FILE.csv",
         "rows for call.row, one a call",
         OPTION_TEXT,
         {.text = &a.data},
         0,
         false},
        {"from",
         "NUMBER",
         "the callers' number (+12025550100)",
         OPTION_TEXT,
         {.text = &a.from},
         0,
         false},
        {"listen",
         "ADDR:PORT",
         "own SIP address (127.0.0.1, any port)",
         OPTION_TEXT,
         {.text = &a.listen},
         0,
         false},
        {"audio", "DIR", "sound files (out/audio)", OPTION_TEXT, {.text = &a.audio}, 0, false},
        {"media-ports",
         "A-B",
         "RTP ports (40000-59999, apart from the engine's)",
         OPTION_TEXT,
         {.text = &a.ports},
         0,
         false},
        {"workers",
         "N",
         "audio threads (cores - 1)",
         OPTION_NUMBER,
         {.number = &a.workers},
         64,
         false},
        {"max-calls",
         "N",
         "calls at once (4096)",
         OPTION_NUMBER,
         {.number = &a.max_calls},
         100000,
         false},
        {"min-success",
         "PERCENT",
         "fewer successful calls than this: exit code 1 (100)",
         OPTION_NUMBER,
         {.number = &a.min_success},
         100,
         false},
        {"late-limit",
         "MS",
         "own lateness (p99) above which the run is invalid (20)",
         OPTION_NUMBER,
         {.number = &a.late_limit},
         60000,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        PROGRAM,
        "callers at a rate, with a report",
        NULL,
        "  peal-sim call --to sip:+12025550101@127.0.0.1:5070 \\\n"
        "      --scenario scenarios/callers/normal.lua --rate 50/s --calls 1000 --report out/run\n"
        "  peal-sim call --to 'sip:{number}@127.0.0.1:5070' --data people.csv --law ramp:1-20 \\\n"
        "      --scenario scenarios/callers/short.lua --calls 500 --report out/run\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;

    switch (options_parse(&options, argc, argv, &rest)) {
    case OPTIONS_HELP:
        return SIM_PASS;
    case OPTIONS_WRONG:
        return SIM_CONFIG;
    case OPTIONS_RUN:
        break;
    }
    return with_arguments(&a);
}
