/* peal-sim call: callers at a rate (calling.c), with a report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/calling.h"
#include "sim/host_options.h"
#include "sim/report.h"
#include "sim/sim.h"

#define PROGRAM   "peal-sim call"
#define DRAIN_MS  3000  /* for calls to end after a signal */
#define BEGIN_US  10000 /* from open to the plan's zero */
#define CALLS_MAX 100000000

struct calls {
    struct host host;
    struct calling calling;
    struct tempo tempo;
    struct timer drain;
    struct report_place place; /* of --report */
    struct outcome outcome;    /* for it and --junit */
};

struct arguments {
    struct host_config host;
    const char *to, *scenario, *rate, *law, *report, *junit, *data, *from;
    uint64_t calls, min_success;
    bool quiet;
};

static void on_over(void *arg, struct calling *k)
{
    (void)k;
    loop_stop(&((struct calls *)arg)->host.loop);
}

static void on_drain_limit(struct timer *t)
{
    loop_stop(&container_of(t, struct calls, drain)->host.loop);
}

static void on_signal(void *arg, uint32_t count)
{
    struct calls *s = arg;

    if (count > 1) {
        loop_stop(&s->host.loop);
        return;
    }
    flow_stop_all(s->host.rt);
    loop_timer(&s->host.loop, &s->drain, DRAIN_MS, on_drain_limit);
    calling_stop(&s->calling);
}

static void add_calls(void *arg, struct json *j)
{
    calling_json(arg, j);
}

/* ---- start ---- */

/* Whether a law says by itself how many calls there are. */
static bool has_end(const char *law)
{
    return law && (strstr(law, "steps:") || strstr(law, "hours:"));
}

/* The calls as one group of a report. */
static void begin_outcome(struct calls *s, const struct arguments *a)
{
    struct outcome *o = &s->outcome;

    o->suite = o->program = PROGRAM;
    o->path = a->scenario;
    o->seed = a->host.seed;
    o->rt = s->host.rt;
    o->group[o->groups++] = (struct outcome_group){
        .name = "callers",
        .file = a->scenario,
        .line = 1,
        .script = a->scenario,
        .min_success = (double)a->min_success,
        .passed = true,
    };
}

static int open_calls(struct calls *s, const struct arguments *a)
{
    char error[LAW_ERROR_MAX];
    struct host_config host = a->host;

    host.program = PROGRAM;
    host.audio_kept = s->place.audio;
    host.truth = s->place.lines;
    host.on_signal = on_signal;
    host.arg = s;
    struct calling_config calling = {
        .to = a->to,
        .from = a->from,
        .scenario = a->scenario,
        .data = a->data,
        .seed = host.seed,
        .max_calls = host.max_calls,
        .outcome = &s->outcome,
        .on_over = on_over,
        .arg = s,
    };

    const struct law_spec law = {.rate = a->rate,
                                 .law = a->law,
                                 .calls = a->calls || has_end(a->law) ? a->calls : 1,
                                 .seed = host.seed};

    if (law_parse(&calling.law, &law, error) != OK) {
        fprintf(stderr, PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    calling.planned = law_count(&calling.law, UINT64_MAX, CALLS_MAX);
    timer_init(&s->drain);
    int rc = host_open(&s->host, &host);
    begin_outcome(s, a);
    return rc == SIM_PASS ? calling_open(&s->calling, &s->host, &calling, "") : rc;
}

/* Too few calls succeeded: said, and in the report. */
static int judge(struct calls *s, const struct arguments *a)
{
    const struct calling *k = &s->calling;
    struct outcome_group *g = s->outcome.group;

    g->planned = k->planned;
    g->not_started = k->not_started;
    if (k->succeeded * 100 >= a->min_success * k->planned)
        return SIM_PASS;
    g->passed = false;
    outcome_error(&s->outcome, "%llu of %llu calls succeeded, below --min-success %llu %%",
                  (unsigned long long)k->succeeded, (unsigned long long)k->planned,
                  (unsigned long long)a->min_success);
    fprintf(stderr, PROGRAM ": %s\n", s->outcome.error[s->outcome.errors - 1]);
    return SIM_FAILED;
}

static int run(struct calls *s, const struct arguments *a)
{
    struct calling *k = &s->calling;
    struct outcome *o = &s->outcome;
    const struct report_files files = {a->report, a->junit};

    o->began_us = clock_us(s->host.loop.clock) + BEGIN_US;
    o->started_wall_ms = clock_wall_ms(s->host.loop.clock);
    tempo_init(&s->tempo, o->began_us);
    calling_begin(k, &s->tempo, 0);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    uint64_t ended_us = clock_us(s->host.loop.clock);
    int rc = host_finish(&s->host, s->place.summary, add_calls, k, &o->lateness);
    if (!a->quiet) {
        fputs(PROGRAM ": ", stdout);
        calling_say(k);
    }
    int judged = judge(s, a);
    return report_finish(o, &files, ended_us, rc == SIM_PASS ? judged : rc);
}

static int with_arguments(const struct arguments *a)
{
    struct calls *s = calloc(1, sizeof *s);

    if (!s)
        return SIM_CONFIG;
    if (a->quiet)
        log_set_level(LOG_WARN);
    outcome_init(&s->outcome);
    int rc = report_place(&s->place, PROGRAM, a->report, "truth.jsonl");
    if (rc == SIM_PASS)
        rc = open_calls(s, a);
    if (rc == SIM_PASS)
        rc = run(s, a);
    host_close(&s->host);
    calling_close(&s->calling);
    outcome_fini(&s->outcome);
    free(s);
    return rc;
}

int sim_call(int argc, char **argv)
{
    struct arguments a = {.host = HOST_DEFAULTS(HOST_CALL_PORTS),
                          .min_success = 100,
                          .rate = "1/s",
                          .from = "+12025550100"};
    a.host.listen = "127.0.0.1:0";
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
         "gets report.html, report.json, calls.csv, summary.json, truth.jsonl",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         true},
        {"junit", "FILE.xml", "for a CI server", OPTION_TEXT, {.text = &a.junit}, 0, false},
        {"rate",
         "N/s",
         "new calls a second or a minute (1/s)",
         OPTION_TEXT,
         {.text = &a.rate},
         0,
         false},
        {"calls",
         "N",
         "how many in all (1, or as many as steps and hours have)",
         OPTION_NUMBER,
         {.number = &a.calls},
         CALLS_MAX,
         false},
        {"law",
         "LAW",
         "constant, poisson, ramp:FROM-TO, steps:RATExSECONDS,…, hours:FILE.csv",
         OPTION_TEXT,
         {.text = &a.law},
         0,
         false},
        {"data",
         "FILE.csv",
         "rows for call.row, one a call",
         OPTION_TEXT,
         {.text = &a.data},
         0,
         false},
        {"from",
         "NUMBER",
         "the callers' number, {column} of --data too (+12025550100)",
         OPTION_TEXT,
         {.text = &a.from},
         0,
         false},
        {"listen",
         "ADDR:PORT",
         "own SIP address (127.0.0.1, any port)",
         OPTION_TEXT,
         {.text = &a.host.listen},
         0,
         false},
        HOST_ROWS(a.host, HOST_CALL_PORTS),
        {"min-success",
         "PERCENT",
         "fewer successful calls than this: exit code 1 (100)",
         OPTION_NUMBER,
         {.number = &a.min_success},
         100,
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
        "      --scenario scenarios/callers/short.lua --calls 500 --report out/run\n"
        "  peal-sim call --to sip:+12025550101@127.0.0.1:5070 --report out/run \\\n"
        "      --scenario scenarios/callers/short.lua --law poisson:steps:5x60,50x30,5x60\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;
    int code = options_parse(&options, argc, argv, &rest);

    if (code != OPTIONS_GO_ON)
        return code;
    return with_arguments(&a);
}
