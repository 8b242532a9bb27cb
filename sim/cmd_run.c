/* peal-sim run: a suite, both sides of the wire in one process. It begins when everything is open,
 * plays every group of callers by its plan while callees answer, lets calls end, and judges. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "sim/answering.h"
#include "sim/calling.h"
#include "sim/options.h"
#include "sim/prometheus.h"
#include "sim/report.h"
#include "sim/sim.h"
#include "sim/suite.h"

#define PROGRAM      "peal-sim run"
#define STOP_MS      3000  /* for calls to end once they are told to */
#define BEGIN_US     10000 /* from open to the plan's zero */
#define LOOK_MS      10
#define CALLEES_NAME "callees"

struct run {
    struct host host;
    struct suite *suite;
    struct mix *mix;
    struct answering answering;
    struct calling *calling; /* a group each */
    char *to[SUITE_CALLERS_MAX];
    uint32_t opened, over;
    struct timer end, look, drain;
    bool ending, told;
    struct outcome outcome;
    char audio_kept[400]; /* folder of the report */
    struct prometheus *metrics;
};

struct arguments {
    const char *suite, *report, *junit, *addresses, *audio, *record, *prometheus;
    uint64_t seed, workers;
    bool quiet;
};

/* ---- the end: callers are over → calls may end by themselves → they are told to → stop ---- */

static void on_stop_limit(struct timer *t)
{
    loop_stop(&container_of(t, struct run, drain)->host.loop);
}

static void tell_to_end(struct run *r)
{
    if (r->told)
        return;
    r->told = true;
    answering_stop(&r->answering);
    flow_stop_all(r->host.rt);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_stop(&r->calling[i]);
    loop_timer(&r->host.loop, &r->drain, STOP_MS, on_stop_limit);
}

static void on_drain_limit(struct timer *t)
{
    tell_to_end(container_of(t, struct run, drain));
}

/* Nothing is under way any more: the run is over. */
static void on_look(struct timer *t)
{
    struct run *r = container_of(t, struct run, look);

    if (call_env_count(r->host.env) == 0)
        loop_stop(&r->host.loop);
    else
        loop_timer(&r->host.loop, t, LOOK_MS, on_look);
}

static void begin_end(struct run *r)
{
    if (r->ending)
        return;
    r->ending = true;
    loop_timer(&r->host.loop, &r->drain, r->suite->drain_ms, on_drain_limit);
    loop_timer(&r->host.loop, &r->look, LOOK_MS, on_look);
}

static void on_over(void *arg, struct calling *k)
{
    struct run *r = arg;

    (void)k;
    if (++r->over == r->suite->caller_groups)
        begin_end(r);
}

static void on_duration(struct timer *t)
{
    struct run *r = container_of(t, struct run, end);

    if (!r->suite->caller_groups) {
        begin_end(r);
        return;
    }
    for (uint32_t i = 0; i < r->opened; i++)
        calling_stop(&r->calling[i]); /* the plan ends before; this is for one that is behind */
}

static void on_signal(void *arg, uint32_t count)
{
    struct run *r = arg;

    if (count > 1) {
        loop_stop(&r->host.loop);
        return;
    }
    begin_end(r);
    tell_to_end(r);
    outcome_error(&r->outcome, "the run was stopped by a signal before its end");
}

static void on_incoming(void *arg, struct call *c)
{
    answering_incoming(&((struct run *)arg)->answering, c);
}

/* ---- start ---- */

static int open_host(struct run *r, const struct arguments *a, const char *truth)
{
    const struct suite *s = r->suite;
    struct flow_field settings[MIX_SETTINGS_MAX + FLOW_SETTINGS_MAX];
    struct host_config config = {
        .program = PROGRAM,
        .listen = s->listen,
        .media_ports = s->media_ports,
        .workers = a->workers ? a->workers : s->workers,
        .max_calls = s->max_calls,
        .seed = s->seed,
        .late_limit_ms = s->late_limit_ms,
        .audio = a->audio,
        .record = a->record,
        .audio_kept = a->report ? r->audio_kept : NULL,
        .truth = truth,
        .settings = settings,
        .incoming = s->answers ? on_incoming : NULL,
        .on_signal = on_signal,
        .arg = r,
    };

    /* The suite's settings come first: of two with one name, the first is what scripts read. */
    memcpy(settings, s->setting, s->settings * sizeof *settings);
    config.settings_count = s->settings;
    struct flow_field own[MIX_SETTINGS_MAX];
    uint32_t n = r->mix ? mix_settings(r->mix, own) : 0;
    for (uint32_t i = 0; i < n; i++) {
        bool given = false;
        for (uint32_t k = 0; k < s->settings && !given; k++)
            given = strcmp(own[i].name, s->setting[k].name) == 0;
        if (!given)
            settings[config.settings_count++] = own[i];
    }
    if (config.settings_count > FLOW_SETTINGS_MAX) {
        fprintf(stderr, PROGRAM ": %s: more than %d settings with those of the mix\n", s->path,
                FLOW_SETTINGS_MAX);
        return SIM_CONFIG;
    }
    return host_open(&r->host, &config);
}

static int open_mix(struct run *r)
{
    const struct suite *s = r->suite;
    char error[MIX_ERROR_MAX];

    if (!s->answers)
        return SIM_PASS;
    if (!s->mix)
        return answering_mix_of_folder(&r->mix, PROGRAM, s->scenarios);
    if (mix_load(&r->mix, s->mix, error) == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": %s:%u: mix: %s\n", s->path, s->answers_line, error);
    return SIM_CONFIG;
}

static int open_callees(struct run *r)
{
    const struct suite *s = r->suite;
    struct outcome *o = &r->outcome;
    struct answering_config config = {
        .mix = r->mix,
        .scenarios = s->scenarios,
        .seed = s->seed,
        .max_calls = s->max_calls,
        .wrongs = s->wrongs_given ? &s->wrongs : NULL,
        .outcome = o,
        .group = o->groups,
    };

    if (!s->answers)
        return SIM_PASS;
    o->group[o->groups++] = (struct outcome_group){
        .name = CALLEES_NAME,
        .file = s->path,
        .line = s->answers_line,
        .answering = true,
        .passed = true,
    };
    return answering_open(&r->answering, &r->host, &config);
}

/* `to` with {callees} replaced by our own address; NULL: no memory. */
static char *with_own_address(const struct run *r, const char *to)
{
    const char *at = strstr(to, "{callees}");
    char *out = NULL;

    if (!at)
        return strdup(to);
    if (asprintf(&out, "%.*s%s%s", (int)(at - to), to, r->host.listen, at + strlen("{callees}")) <
        0)
        return NULL;
    return out;
}

static int open_group(struct run *r, uint32_t i)
{
    const struct suite_callers *k = &r->suite->callers[i];
    struct outcome *o = &r->outcome;
    char where[300];

    r->to[i] = with_own_address(r, k->to);
    if (!r->to[i])
        return SIM_CONFIG;
    snprintf(where, sizeof where, "%s:%u: callers %s: ", r->suite->path, k->line, k->name);
    o->group[o->groups] = (struct outcome_group){
        .name = k->name,
        .file = r->suite->path,
        .line = k->line,
        .script = k->scenario,
        .planned = k->planned,
        .min_success = k->min_success,
        .passed = true,
    };
    struct calling_config config = {
        .to = r->to[i],
        .from = k->from,
        .wrongs = &k->wrongs,
        .scenario = k->scenario,
        .data = k->data,
        .law = k->law,
        .planned = k->planned,
        .seed = r->suite->seed,
        .max_calls = r->suite->max_calls,
        .first_leg = (uint64_t)(i + 1) * SUITE_CALLS_MAX,
        .outcome = o,
        .group = o->groups++,
        .on_over = on_over,
        .arg = r,
    };
    r->opened = i + 1;
    return calling_open(&r->calling[i], &r->host, &config, where);
}

static int open_run(struct run *r, const struct arguments *a, const char *truth)
{
    timer_init(&r->end);
    timer_init(&r->look);
    timer_init(&r->drain);
    r->calling = calloc(SUITE_CALLERS_MAX, sizeof *r->calling);
    int rc = r->calling ? open_mix(r) : SIM_CONFIG;
    if (rc == SIM_PASS)
        rc = open_host(r, a, truth);
    if (rc == SIM_PASS)
        rc = open_callees(r);
    for (uint32_t i = 0; rc == SIM_PASS && i < r->suite->caller_groups; i++)
        rc = open_group(r, i);
    return rc;
}

static void close_run(struct run *r)
{
    if (r->host.loop_open) {
        loop_timer_stop(&r->host.loop, &r->end);
        loop_timer_stop(&r->host.loop, &r->look);
        loop_timer_stop(&r->host.loop, &r->drain);
    }
    prometheus_close(r->metrics);
    host_close(&r->host);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_close(&r->calling[i]);
    for (uint32_t i = 0; i < SUITE_CALLERS_MAX; i++)
        free(r->to[i]);
    answering_close(&r->answering);
    mix_free(r->mix);
    free(r->calling);
}

/* ---- judging ---- */

static void judge_groups(struct run *r)
{
    struct outcome *o = &r->outcome;

    for (uint32_t i = 0, k = 0; i < o->groups; i++) {
        struct outcome_group *g = &o->group[i];
        if (g->answering) {
            if (g->calls < r->suite->at_least) {
                g->passed = false;
                outcome_error(o, "%s:%u: %llu calls came to the callees, at_least asks for %llu",
                              g->file, g->line, (unsigned long long)g->calls,
                              (unsigned long long)r->suite->at_least);
            }
            continue;
        }
        g->not_started = r->calling[k++].not_started;
        if ((double)g->succeeded * 100 < g->min_success * (double)g->planned) {
            g->passed = false;
            outcome_error(
                o, "%s:%u: callers %s: %llu of %llu calls succeeded, below min_success %g %%",
                g->file, g->line, g->name, (unsigned long long)g->succeeded,
                (unsigned long long)g->planned, g->min_success);
        }
    }
}

static void add_run(void *arg, struct json *j)
{
    const struct run *r = arg;

    json_cstr(j, "suite", r->suite->name);
    json_u64(j, "seed", r->suite->seed);
    json_cstr(j, "listen", r->host.listen);
    json_u64(j, "refused", r->answering.refused);
    json_begin_array(j, "groups");
    for (uint32_t i = 0; i < r->opened; i++) {
        json_begin_object(j, NULL);
        json_cstr(j, "name", r->suite->callers[i].name);
        calling_json(&r->calling[i], j);
        json_end(j);
    }
    json_end(j);
}

static void say(const struct run *r)
{
    const struct outcome *o = &r->outcome;

    for (uint32_t i = 0; i < r->opened; i++) {
        printf("%s: ", r->suite->callers[i].name);
        calling_say(&r->calling[i]);
    }
    if (r->suite->answers)
        printf(CALLEES_NAME ": %llu calls came, %llu refused\n",
               (unsigned long long)o->group[0].calls, (unsigned long long)r->answering.refused);
    printf(PROGRAM ": %s: %s, seed %llu, %.1f s\n", r->suite->name,
           o->verdict == SIM_PASS      ? "passed"
           : o->verdict == SIM_INVALID ? "RUN INVALID"
                                       : "FAILED",
           (unsigned long long)r->suite->seed, o->seconds);
}

static int finish(struct run *r, const struct arguments *a, const char *summary)
{
    struct outcome *o = &r->outcome;
    struct report_files files = {a->report, a->junit};

    o->seconds = (double)(clock_us(r->host.loop.clock) - o->began_us) / 1e6;
    judge_groups(r);
    int rc = host_finish(&r->host, summary, add_run, r, &o->lateness);
    if (rc == SIM_PASS && o->errors)
        rc = SIM_FAILED;
    o->verdict = (enum sim_exit)rc;
    worst_sort(&o->worst);
    for (uint32_t i = 0; i < o->errors; i++)
        fprintf(stderr, PROGRAM ": %s\n", o->error[i]);
    int written = report_write(o, &files);
    if (!a->quiet)
        say(r);
    return written == SIM_PASS ? rc : written;
}

/* ---- while it runs ---- */

static void put_groups(const struct run *r, struct buf *b, const char *name, const char *kind,
                       const char *help, size_t field)
{
    char label[160];

    prometheus_metric(b, name, kind, help);
    for (uint32_t i = 0; i < r->opened; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&r->calling[i] + field, sizeof value);
        /* Names have letters, digits, - and _ only: nothing is to be escaped. */
        snprintf(label, sizeof label, "group=\"%.100s\"", r->suite->callers[i].name);
        prometheus_value(b, name, label, (double)value);
    }
}

static void put_one(struct buf *b, const char *name, const char *kind, const char *help,
                    double value)
{
    prometheus_metric(b, name, kind, help);
    prometheus_value(b, name, NULL, value);
}

static void put_page(void *arg, struct buf *b)
{
    static struct hist late, answered; /* the control thread's; too large for its stack */
    const struct run *r = arg;
    const struct media_metrics *m = &r->host.lateness.media;

    put_groups(r, b, "peal_sim_calls_planned", "gauge", "Calls of the plan.",
               offsetof(struct calling, planned));
    put_groups(r, b, "peal_sim_calls_started_total", "counter", "INVITEs sent.",
               offsetof(struct calling, started));
    put_groups(r, b, "peal_sim_calls_succeeded_total", "counter", "Calls that went as expected.",
               offsetof(struct calling, succeeded));
    put_groups(r, b, "peal_sim_calls_failed_total", "counter", "Calls that did not.",
               offsetof(struct calling, failed));
    put_one(b, "peal_sim_calls_answered_here_total", "counter", "Calls that came to the callees.",
            r->suite->answers ? (double)r->outcome.group[0].calls : 0);
    put_one(b, "peal_sim_calls_active", "gauge", "Calls up now, of both sides.",
            call_env_count(r->host.env));
    put_one(b, "peal_sim_checks_passed_total", "counter", "Checks of scripts that passed.",
            (double)r->host.truth.checks_passed);
    put_one(b, "peal_sim_checks_failed_total", "counter", "Checks of scripts that failed.",
            (double)r->host.truth.checks_failed);
    put_one(b, "peal_sim_rtp_sent_total", "counter", "RTP packets sent.", (double)m->rtp_sent);
    put_one(b, "peal_sim_rtp_received_total", "counter", "RTP packets received.",
            (double)m->rtp_received);
    hist_reset(&late);
    hist_reset(&answered);
    for (uint32_t i = 0; i < r->opened; i++) {
        hist_merge(&late, &r->calling[i].start_late_us);
        hist_merge(&answered, &r->calling[i].answer_us);
    }
    prometheus_summary(b, "peal_sim_start_late_seconds",
                       "INVITE after the instant the plan intended.", &late);
    prometheus_summary(b, "peal_sim_answer_seconds", "Answer after the intended instant.",
                       &answered);
    prometheus_summary(b, "peal_sim_control_late_seconds",
                       "How late the simulator's signalling is.", &r->host.lateness.control_us);
    prometheus_summary(b, "peal_sim_media_late_seconds", "How late the simulator's audio is.",
                       &m->tick_late_us);
}

static int open_metrics(struct run *r, const struct arguments *a)
{
    char error[160];

    if (!a->prometheus ||
        prometheus_open(&r->metrics, &r->host.loop, a->prometheus, put_page, r, error) == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": --prometheus %s\n", error);
    return SIM_CONFIG;
}

static int play(struct run *r, const struct arguments *a, const char *summary)
{
    struct outcome *o = &r->outcome;
    uint64_t zero = clock_us(r->host.loop.clock) + BEGIN_US;

    o->suite = r->suite->name;
    o->path = r->suite->path;
    o->program = PROGRAM;
    o->seed = r->suite->seed;
    o->began_us = zero;
    o->started_wall_ms = clock_wall_ms(r->host.loop.clock) + BEGIN_US / 1000;
    if (!a->quiet) {
        printf(PROGRAM ": %s, listening on %s, seed %llu\n", r->suite->name, r->host.listen,
               (unsigned long long)r->suite->seed);
        if (r->metrics)
            printf("metrics: http://%s/metrics\n", prometheus_listen(r->metrics));
        fflush(stdout);
    }
    for (uint32_t i = 0; i < r->opened; i++)
        calling_begin(&r->calling[i], zero + r->suite->callers[i].start_us);
    if (r->suite->duration_us)
        loop_timer(&r->host.loop, &r->end, (BEGIN_US + r->suite->duration_us) / 1000, on_duration);
    loop_run(&r->host.loop);
    r->host.loop.stopping = false;
    return finish(r, a, summary);
}

/* ---- the command ---- */

static int make_folder(const char *dir)
{
    if (mkdir(dir, 0777) == 0 || errno == EEXIST)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": --report %s: %s\n", dir, strerror(errno));
    return SIM_CONFIG;
}

static int report_paths(struct run *r, const char *dir, char *truth, char *summary, size_t cap)
{
    if (make_folder(dir) != SIM_PASS)
        return SIM_CONFIG;
    if ((size_t)snprintf(r->audio_kept, sizeof r->audio_kept, "%s/audio", dir) >=
            sizeof r->audio_kept ||
        (size_t)snprintf(truth, cap, "%s/truth.jsonl", dir) >= cap ||
        (size_t)snprintf(summary, cap, "%s/summary.json", dir) >= cap) {
        fprintf(stderr, PROGRAM ": --report: the path is too long\n");
        return SIM_CONFIG;
    }
    return make_folder(r->audio_kept);
}

static int with_suite(struct run *r, const struct arguments *a)
{
    char truth[400], summary[400];
    int rc = a->report ? report_paths(r, a->report, truth, summary, sizeof truth) : SIM_PASS;

    if (rc == SIM_PASS)
        rc = open_run(r, a, a->report ? truth : NULL);
    if (rc == SIM_PASS)
        rc = open_metrics(r, a);
    if (rc == SIM_PASS)
        rc = play(r, a, a->report ? summary : NULL);
    close_run(r);
    return rc;
}

static int with_arguments(const struct arguments *a, bool seeded)
{
    struct suite_options options = {seeded ? &a->seed : NULL, a->addresses};
    char error[SUITE_ERROR_MAX];
    struct run *r = calloc(1, sizeof *r);

    if (!r)
        return SIM_CONFIG;
    if (a->quiet)
        log_set_level(LOG_WARN);
    outcome_init(&r->outcome);
    int rc = SIM_CONFIG;
    if (suite_load(&r->suite, a->suite, &options, error) == OK)
        rc = with_suite(r, a);
    else
        fprintf(stderr, PROGRAM ": %s\n", error);
    outcome_fini(&r->outcome);
    suite_free(r->suite);
    free(r);
    return rc;
}

int sim_run(int argc, char **argv)
{
    struct arguments a = {.seed = UINT64_MAX};
    const struct option_row rows[] = {
        {"report",
         "DIR",
         "gets report.html, report.json, calls.csv, summary.json, truth.jsonl",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         false},
        {"junit", "FILE.xml", "for a CI server", OPTION_TEXT, {.text = &a.junit}, 0, false},
        {"prometheus",
         "ADDR:PORT",
         "metrics over HTTP while it runs, on loopback only",
         OPTION_TEXT,
         {.text = &a.prometheus},
         0,
         false},
        {"seed",
         "N",
         "of every draw (the suite's, or 1)",
         OPTION_NUMBER,
         {.number = &a.seed},
         INT64_MAX,
         false},
        {"address",
         "NAME=ADDR:PORT,…",
         "of programs under test, instead of the suite's",
         OPTION_TEXT,
         {.text = &a.addresses},
         0,
         false},
        {"audio", "DIR", "sound files (out/audio)", OPTION_TEXT, {.text = &a.audio}, 0, false},
        {"record",
         "DIR",
         "where call:record writes; without it nothing is kept",
         OPTION_TEXT,
         {.text = &a.record},
         0,
         false},
        {"workers",
         "N",
         "audio threads (cores - 1)",
         OPTION_NUMBER,
         {.number = &a.workers},
         64,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        PROGRAM,
        "a suite: callees and callers against a program, judged by their checks",
        "SUITE.yaml",
        "  peal-sim run scenarios/suites/self.yaml --report out/run --junit out/run.xml\n"
        "  peal-sim run suite.yaml --address engine=127.0.0.1:5070 --seed 7\n"
        "  peal-sim run suite.yaml --report out/run --prometheus 127.0.0.1:9464\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int count;

    switch (options_parse(&options, argc, argv, &count)) {
    case OPTIONS_HELP:
        return SIM_PASS;
    case OPTIONS_WRONG:
        return SIM_CONFIG;
    case OPTIONS_RUN:
        break;
    }
    if (count != 1) {
        fprintf(stderr, PROGRAM ": which suite? " PROGRAM " SUITE.yaml\n");
        return SIM_CONFIG;
    }
    a.suite = argv[1];
    return with_arguments(&a, a.seed != UINT64_MAX);
}
