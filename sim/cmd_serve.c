/* peal-sim serve: the carrier and everyone behind it (answering.c), with a report. Runs until
 * SIGINT or SIGTERM (or --for). */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sim/answering.h"
#include "sim/host_options.h"
#include "sim/report.h"
#include "sim/sim.h"

#define PROGRAM  "peal-sim serve"
#define DRAIN_MS 3000 /* for calls to end after the first signal */

struct serve {
    struct host host;
    struct mix *mix;
    struct answering answering;
    struct timer drain, duration;
    bool quiet;
    uint64_t seed;
    struct report_place place; /* of --report */
    struct outcome outcome;    /* for it and --junit */
};

struct arguments {
    struct host_config host;
    const char *scenarios, *mix, *truth, *summary, *report, *junit;
    uint64_t seconds;
    bool quiet;
};

static void on_incoming(void *arg, struct call *c)
{
    answering_incoming(&((struct serve *)arg)->answering, c);
}

/* ---- the end ---- */

static void on_drained(struct timer *t)
{
    struct serve *s = container_of(t, struct serve, drain);

    if (call_env_count(s->host.env) == 0 || s->host.stop.count > 1) {
        loop_stop(&s->host.loop);
        return;
    }
    loop_timer(&s->host.loop, t, 10, on_drained);
}

static void on_drain_limit(struct timer *t)
{
    struct serve *s = container_of(t, struct serve, duration);

    loop_stop(&s->host.loop);
}

static void end(struct serve *s)
{
    if (s->answering.stopping)
        return;
    answering_stop(&s->answering);
    flow_stop_all(s->host.rt);
    loop_timer(&s->host.loop, &s->duration, DRAIN_MS, on_drain_limit);
    loop_timer(&s->host.loop, &s->drain, 10, on_drained);
}

static void on_signal(void *arg, uint32_t count)
{
    struct serve *s = arg;

    end(s);
    if (count > 1)
        loop_stop(&s->host.loop);
}

static void on_duration(struct timer *t)
{
    end(container_of(t, struct serve, duration));
}

/* ---- start ---- */

static int load_mix(struct serve *s, const struct arguments *a)
{
    char error[MIX_ERROR_MAX];

    if (!a->mix)
        return answering_mix_of_folder(&s->mix, PROGRAM, a->scenarios);
    if (mix_load(&s->mix, a->mix, error) == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": %s\n", error);
    return SIM_CONFIG;
}

/* Those who answer as one group of a report. False: none is wanted, and nothing is collected. */
static bool begin_outcome(struct serve *s, const struct arguments *a)
{
    struct outcome *o = &s->outcome;

    o->suite = o->program = PROGRAM;
    o->path = a->mix ? a->mix : a->scenarios;
    o->seed = a->host.seed;
    o->rt = s->host.rt;
    o->began_us = clock_us(s->host.loop.clock);
    o->started_wall_ms = clock_wall_ms(s->host.loop.clock);
    o->group[o->groups++] = (struct outcome_group){
        .name = "callees",
        .file = o->path,
        .line = 1,
        .answering = true,
        .passed = true,
    };
    return a->report || a->junit;
}

static int open_serve(struct serve *s, const struct arguments *a)
{
    struct flow_field settings[MIX_SETTINGS_MAX];
    struct host_config config = a->host;

    config.program = PROGRAM;
    config.audio_kept = a->report ? s->place.audio : NULL;
    config.truth = a->truth ? a->truth : a->report ? s->place.lines : NULL;
    config.settings = settings;
    config.settings_count = mix_settings(s->mix, settings);
    config.incoming = on_incoming;
    config.on_signal = on_signal;
    config.arg = s;
    struct answering_config answering = {
        .mix = s->mix,
        .scenarios = a->scenarios,
        .seed = config.seed,
        .max_calls = config.max_calls,
    };

    s->seed = a->host.seed;
    s->quiet = a->quiet;
    timer_init(&s->drain);
    timer_init(&s->duration);
    int rc = host_open(&s->host, &config);
    if (rc != SIM_PASS)
        return rc;
    if (begin_outcome(s, a))
        answering.outcome = &s->outcome;
    return answering_open(&s->answering, &s->host, &answering);
}

static void add_serve(void *arg, struct json *j)
{
    const struct serve *s = arg;

    json_cstr(j, "listen", s->host.listen);
    json_u64(j, "seed", s->seed);
    json_u64(j, "refused", s->answering.refused);
}

static int run(struct serve *s, const struct arguments *a)
{
    if (!s->quiet)
        printf("peal-sim serve: listening on %s%s%s%s, %u scenarios, %u sound files, seed %llu\n",
               s->host.listen, s->host.also, s->host.tls_listen[0] ? ", TLS on " : "",
               s->host.tls_listen, mix_scenario_count(s->mix), flow_sounds_count(s->host.rt),
               (unsigned long long)s->seed);
    fflush(stdout);
    if (a->seconds)
        loop_timer(&s->host.loop, &s->duration, a->seconds * 1000, on_duration);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    const struct report_files files = {a->report, a->junit};
    uint64_t ended_us = clock_us(s->host.loop.clock);
    const char *summary = a->summary ? a->summary : a->report ? s->place.summary : NULL;
    int rc = host_finish(&s->host, summary, add_serve, s, &s->outcome.lateness);
    if (!s->quiet)
        printf("peal-sim serve: %llu calls and %llu agent legs, %llu answered, peak %u at once, "
               "%llu RTP packets lost\n",
               (unsigned long long)s->host.truth.calls, (unsigned long long)s->host.truth.agents,
               (unsigned long long)s->host.truth.answered, call_env_peak(s->host.env),
               (unsigned long long)s->host.truth.rtp_lost);
    return report_finish(&s->outcome, &files, ended_us, rc);
}

static int with_arguments(const struct arguments *a)
{
    struct serve *s = calloc(1, sizeof *s);

    if (!s)
        return SIM_CONFIG;
    if (a->quiet)
        log_set_level(LOG_WARN);
    outcome_init(&s->outcome);
    int rc = load_mix(s, a);
    if (rc == SIM_PASS && a->report)
        rc = report_place(&s->place, PROGRAM, a->report, "truth.jsonl");
    if (rc == SIM_PASS) {
        rc = open_serve(s, a);
        if (rc == SIM_PASS) {
            rc = run(s, a);
            loop_timer_stop(&s->host.loop, &s->drain);
            loop_timer_stop(&s->host.loop, &s->duration);
        }
        host_close(&s->host);
    }
    answering_close(&s->answering);
    outcome_fini(&s->outcome);
    mix_free(s->mix);
    free(s);
    return rc;
}

int sim_serve(int argc, char **argv)
{
    struct arguments a = {.host = HOST_DEFAULTS(HOST_SERVE_PORTS)};
    const struct option_row rows[] = {
        {"listen",
         "ADDR:PORT",
         "where SIP is answered (UDP and TCP); port 0: any; several: with commas between",
         OPTION_TEXT,
         {.text = &a.host.listen},
         0,
         true},
        {"scenarios",
         "DIR",
         "folder with callees/, agents/",
         OPTION_TEXT,
         {.text = &a.scenarios},
         0,
         true},
        {"mix",
         "FILE.yaml",
         "weights and fixed numbers; without it, all callees equally",
         OPTION_TEXT,
         {.text = &a.mix},
         0,
         false},
        {"truth",
         "FILE.jsonl",
         "what really happened, a line a call (truth.jsonl of --report)",
         OPTION_TEXT,
         {.text = &a.truth},
         0,
         false},
        {"summary",
         "FILE.json",
         "totals of the run (summary.json of --report)",
         OPTION_TEXT,
         {.text = &a.summary},
         0,
         false},
        {"report",
         "DIR",
         "gets report.html, report.json, calls.csv, summary.json, truth.jsonl",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         false},
        {"junit", "FILE.xml", "for a CI server", OPTION_TEXT, {.text = &a.junit}, 0, false},
        HOST_ROWS(a.host, HOST_SERVE_PORTS),
        {"record",
         "DIR",
         "where call:record writes; without it nothing is kept",
         OPTION_TEXT,
         {.text = &a.host.record},
         0,
         false},
        {"for",
         "SECONDS",
         "end by itself after so long",
         OPTION_NUMBER,
         {.number = &a.seconds},
         604800,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        PROGRAM,
        "a carrier, its callees and agents, answering over real SIP and RTP",
        NULL,
        "  peal-sim serve --listen 127.0.0.1:5070 --scenarios scenarios --truth truth.jsonl\n"
        "  peal-sim serve --listen 127.0.0.1:5070 --scenarios scenarios \\\n"
        "      --mix scenarios/mixes/demo.yaml --seed 7 --truth t.jsonl --summary s.json\n"
        "  peal-sim serve --listen 127.0.0.1:5070 --scenarios scenarios --for 600 \\\n"
        "      --report out/callees --junit out/callees.xml\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;
    int code = options_parse(&options, argc, argv, &rest);

    if (code != OPTIONS_GO_ON)
        return code;
    if (!a.truth && !a.report) {
        fprintf(stderr, PROGRAM ": give --truth FILE.jsonl, --report DIR or both: what happened "
                                "has to be written somewhere\n");
        return SIM_CONFIG;
    }
    return with_arguments(&a);
}
