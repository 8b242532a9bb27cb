/* peal-sim run: a suite, both sides of the wire in one process. It begins when everything is open,
 * plays every group of callers by its plan while callees answer, lets calls end, and judges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/options.h"
#include "sim/run.h"

#define BEGIN_US 10000 /* from open to the plan's zero */

/* The plan's zero: soon, or when all the others are there, too. */
static int begin_at(struct run *r, uint64_t *zero_us)
{
    char error[CROWD_ERROR_MAX];
    uint64_t begin_ms;

    *zero_us = clock_us(r->host.loop.clock) + BEGIN_US;
    if (!r->crowd)
        return SIM_PASS;
    if (crowd_ready(r->crowd, &begin_ms, error) != OK)
        return run_crowd_failed(error);
    uint64_t wall_ms = clock_wall_ms(r->host.loop.clock);
    *zero_us =
        clock_us(r->host.loop.clock) + (begin_ms > wall_ms ? (begin_ms - wall_ms) * 1000 : 0);
    return SIM_PASS;
}

static int play(struct run *r, const struct run_arguments *a)
{
    struct outcome *o = &r->outcome;
    uint64_t zero;

    o->suite = r->suite->name;
    o->path = r->suite->path;
    o->program = RUN_PROGRAM;
    o->seed = r->suite->seed;
    int rc = a->report ? run_write_plan(r, a->report) : SIM_PASS;
    if (rc == SIM_PASS)
        rc = begin_at(r, &zero);
    if (rc != SIM_PASS)
        return rc;
    /* Whatever was waited for before the beginning is not the plan's lateness; all after it is. */
    lateness_stop(&r->host.lateness);
    lateness_start(&r->host.lateness, &r->host.loop, r->host.env);
    o->began_us = zero;
    o->started_wall_ms = clock_wall_ms(r->host.loop.clock);
    if (!a->quiet) {
        printf(RUN_PROGRAM ": %s, listening on %s%s, seed %llu\n", r->suite->name, r->host.listen,
               r->host.also, (unsigned long long)r->suite->seed);
        if (r->metrics)
            printf("metrics: http://%s/metrics\n", prometheus_listen(r->metrics));
        if (steer_listen(r->steer))
            printf("control: http://%s/status\n", steer_listen(r->steer));
        fflush(stdout);
    }
    tempo_init(&r->tempo, zero);
    for (uint32_t i = 0; i < r->opened; i++)
        calling_begin(&r->calling[i], &r->tempo, r->suite->callers[i].start_us);
    if (r->crowd)
        loop_timer(&r->host.loop, &r->crowd_look, RUN_CROWD_LOOK_MS, run_on_crowd_look);
    /* The plan of callers ends by itself, and later when it is held. */
    if (!r->suite->caller_groups)
        loop_timer(&r->host.loop, &r->end, (BEGIN_US + r->suite->duration_us) / 1000,
                   run_on_duration);
    loop_run(&r->host.loop);
    r->host.loop.stopping = false;
    return run_finish(r, a);
}

/* ---- the command ---- */

static int with_suite(struct run *r, const struct run_arguments *a)
{
    int rc = a->report ? report_place(&r->place, RUN_PROGRAM, a->report, "calls.jsonl") : SIM_PASS;

    if (rc == SIM_PASS)
        rc = run_open(r, a);
    if (rc == SIM_PASS)
        rc = run_open_metrics(r, a);
    if (rc == SIM_PASS)
        rc = run_open_steer(r, a);
    if (rc == SIM_PASS)
        rc = play(r, a);
    if (r->crowd && !r->left)
        run_leave(r, rc); /* the others need not wait for us */
    run_close(r);
    return rc;
}

static int with_arguments(const struct run_arguments *a, bool seeded)
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
        fprintf(stderr, RUN_PROGRAM ": %s\n", error);
    outcome_fini(&r->outcome);
    suite_free(r->suite);
    free(r);
    return rc;
}

int sim_run(int argc, char **argv)
{
    struct run_arguments a = {.seed = UINT64_MAX, .meeting = "default"};
    const struct option_row rows[] = {
        {"report",
         "DIR",
         "gets report.html, report.json, calls.csv, summary.json, calls, plan, truth.jsonl",
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
        {"control",
         "ADDR:PORT",
         "steer it over HTTP: /status, /pause, /resume, /rate?x=2, /stop; loopback only",
         OPTION_TEXT,
         {.text = &a.control},
         0,
         false},
        {"keys",
         NULL,
         "steer it by keys: space holds, + - = the rate, s tells, q ends",
         OPTION_FLAG,
         {.flag = &a.keys},
         0,
         false},
        {"redis",
         "URL",
         "be one of several processes: peal-sim coordinate --help",
         OPTION_TEXT,
         {.text = &a.redis},
         0,
         false},
        {"run",
         "NAME",
         "of the coordinator's run (default)",
         OPTION_TEXT,
         {.text = &a.meeting},
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
        RUN_PROGRAM,
        "a suite: callees and callers against a program, judged by their checks",
        "SUITE.yaml",
        "  peal-sim run scenarios/suites/self.yaml --report out/run --junit out/run.xml\n"
        "  peal-sim run suite.yaml --address engine=127.0.0.1:5070 --seed 7\n"
        "  peal-sim run suite.yaml --control 127.0.0.1:8070 --keys\n"
        "      curl -X POST 'http://127.0.0.1:8070/rate?x=1.5'\n"
        "  peal-sim run suite.yaml --report out/run --prometheus 127.0.0.1:9464\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int count;
    int code = options_parse(&options, argc, argv, &count);

    if (code != OPTIONS_GO_ON)
        return code;
    if (count != 1) {
        fprintf(stderr, RUN_PROGRAM ": which suite? " RUN_PROGRAM " SUITE.yaml\n");
        return SIM_CONFIG;
    }
    a.suite = argv[1];
    return with_arguments(&a, a.seed != UINT64_MAX);
}
