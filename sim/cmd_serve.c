/* peal-sim serve: the carrier and everyone behind it. An INVITE's number chooses a scenario; names
 * that begin with the agents' prefix are agents. Runs until SIGINT or SIGTERM (or --for). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pool.h"
#include "sim/attempts.h"
#include "sim/host.h"
#include "sim/options.h"
#include "sim/sim.h"

#define PROGRAM      "peal-sim serve"
#define DRAIN_MS     3000 /* for calls to end after the first signal */
#define NUMBER_MAX   64
#define CODE_REFUSED 503

struct leg {
    struct serve *serve;
    struct flow *flow;
    char number[NUMBER_MAX], caller[NUMBER_MAX];
    uint32_t attempt;
    uint64_t started_wall_ms;
};

struct serve {
    struct host host;
    struct mix *mix;
    struct flow_script *script[MIX_SCENARIOS_MAX], *agent;
    struct attempts attempts;
    struct pool legs;
    struct timer drain, duration;
    bool stopping, quiet;
    uint64_t seed, refused;
};

struct arguments {
    const char *listen, *scenarios, *mix, *truth, *summary, *audio, *record, *ports;
    uint64_t seed, workers, late_limit, max_calls, seconds;
    bool quiet;
};

/* ---- calls ---- */

static void on_flow_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct leg *leg = arg;
    struct serve *s = leg->serve;
    struct truth_call who = {leg->number, leg->caller, leg->attempt, leg->started_wall_ms};

    truth_write(&s->host.truth, &who, call_record_of(c), report);
    call_release(c);
    pool_put(&s->legs, leg);
}

static void on_refused(void *arg, struct call *c, const struct call_event *e)
{
    (void)arg;
    if (e->kind == CALL_EV_ENDED)
        call_release(c);
}

static void refuse(struct serve *s, struct call *c)
{
    s->refused++;
    call_set_handler(c, on_refused, s);
    call_reject(c, CODE_REFUSED, NULL, 42); /* switching equipment congestion */
}

/* The same leg number for the same call of the same number in every run. */
static uint64_t leg_number(struct slice number, uint32_t attempt)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a, 64 bits */

    for (uint32_t i = 0; i < number.len; i++)
        h = (h ^ (unsigned char)number.p[i]) * UINT64_C(1099511628211);
    return (h ^ attempt) * UINT64_C(1099511628211) >> 1; /* a Lua integer that is not negative */
}

static const struct flow_script *choose(struct serve *s, struct slice number, uint32_t attempt)
{
    if (slice_starts(number, slice_cstr(mix_agent_prefix(s->mix))))
        return s->agent;
    return s->script[mix_draw(s->mix, s->seed, number, attempt)];
}

static void on_incoming(void *arg, struct call *c)
{
    struct serve *s = arg;
    struct leg *leg = s->stopping ? NULL : pool_get(&s->legs);
    char digits[NUMBER_MAX];

    if (!leg) {
        refuse(s, c);
        return;
    }
    struct slice number = call_called_number(c);
    struct slice who = mix_normalize(number, digits, sizeof digits);
    leg->serve = s;
    slice_copy(number, leg->number, sizeof leg->number);
    slice_copy(call_caller_number(c), leg->caller, sizeof leg->caller);
    leg->started_wall_ms = clock_wall_ms(s->host.loop.clock);
    leg->attempt = attempts_next(&s->attempts, who);
    struct flow_start start = {
        .script = choose(s, number, leg->attempt),
        .call = c,
        .leg = leg_number(who, leg->attempt),
        .attempt = leg->attempt,
        .on_end = on_flow_end,
        .arg = leg,
    };
    if (flow_start(s->host.rt, &start, &leg->flow) == OK)
        return;
    pool_put(&s->legs, leg);
    refuse(s, c);
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
    if (s->stopping)
        return;
    s->stopping = true;
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

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every script of DIR/callees with equal weight. */
static int mix_of_folder(struct serve *s, const char *dir)
{
    char *names[MIX_SCENARIOS_MAX], path[512];
    uint32_t n = 0;
    struct dirent *d;

    snprintf(path, sizeof path, "%s/callees", dir);
    DIR *folder = opendir(path);
    while (folder && n < MIX_SCENARIOS_MAX && (d = readdir(folder))) {
        size_t len = strlen(d->d_name);
        if (len > 4 && strcmp(d->d_name + len - 4, ".lua") == 0)
            names[n++] = strndup(d->d_name, len - 4);
    }
    if (folder)
        closedir(folder);
    qsort(names, n, sizeof *names, by_name);
    enum err e = n ? mix_equal(&s->mix, (const char *const *)names, n) : ERR_NOT_FOUND;
    for (uint32_t i = 0; i < n; i++)
        free(names[i]);
    if (e == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": --scenarios %s: there are no scripts in its folder callees/\n", dir);
    return SIM_CONFIG;
}

static int load_mix(struct serve *s, const struct arguments *a)
{
    char error[MIX_ERROR_MAX];

    if (!a->mix)
        return mix_of_folder(s, a->scenarios);
    if (mix_load(&s->mix, a->mix, error) == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": %s\n", error);
    return SIM_CONFIG;
}

/* "busy" is DIR/callees/busy.lua, "agents/agent" is DIR/agents/agent.lua. */
static bool load_script(struct serve *s, const char *dir, const char *name,
                        struct flow_script **out)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s%s.lua", dir, strchr(name, '/') ? "" : "callees/", name);
    return host_script(&s->host, path, out);
}

static int load_scripts(struct serve *s, const struct arguments *a)
{
    for (uint32_t i = 0; i < mix_scenario_count(s->mix); i++)
        if (!load_script(s, a->scenarios, mix_scenario(s->mix, i), &s->script[i]))
            return SIM_CONFIG;
    return load_script(s, a->scenarios, mix_agent_scenario(s->mix), &s->agent) ? SIM_PASS
                                                                               : SIM_CONFIG;
}

static int open_serve(struct serve *s, const struct arguments *a)
{
    struct host_config config = {
        .program = PROGRAM,
        .listen = a->listen,
        .media_ports = a->ports,
        .workers = a->workers,
        .max_calls = a->max_calls,
        .seed = a->seed,
        .late_limit_ms = a->late_limit,
        .audio = a->audio,
        .record = a->record,
        .truth = a->truth,
        .mix = s->mix,
        .incoming = on_incoming,
        .on_signal = on_signal,
        .arg = s,
    };

    s->seed = a->seed;
    s->quiet = a->quiet;
    timer_init(&s->drain);
    timer_init(&s->duration);
    int rc = host_open(&s->host, &config);
    if (rc == SIM_PASS)
        rc = load_scripts(s, a);
    if (rc == SIM_PASS && (attempts_init(&s->attempts) != OK ||
                           pool_init(&s->legs, sizeof(struct leg), (uint32_t)a->max_calls) != OK)) {
        fprintf(stderr, PROGRAM ": there is no memory for %llu calls\n",
                (unsigned long long)a->max_calls);
        rc = SIM_CONFIG;
    }
    return rc;
}

static void add_serve(void *arg, struct json *j)
{
    const struct serve *s = arg;

    json_cstr(j, "listen", s->host.listen);
    json_u64(j, "seed", s->seed);
    json_u64(j, "refused", s->refused);
}

static int run(struct serve *s, const struct arguments *a)
{
    if (!s->quiet)
        printf("peal-sim serve: listening on %s, %u scenarios, %u sound files, seed %llu\n",
               s->host.listen, mix_scenario_count(s->mix), flow_sounds_count(s->host.rt),
               (unsigned long long)s->seed);
    fflush(stdout);
    if (a->seconds)
        loop_timer(&s->host.loop, &s->duration, a->seconds * 1000, on_duration);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    int rc = host_finish(&s->host, a->summary, add_serve, s);
    if (!s->quiet)
        printf("peal-sim serve: %llu calls and %llu agent legs, %llu answered, peak %u at once, "
               "%llu RTP packets lost\n",
               (unsigned long long)s->host.truth.calls, (unsigned long long)s->host.truth.agents,
               (unsigned long long)s->host.truth.answered, call_env_peak(s->host.env),
               (unsigned long long)s->host.truth.rtp_lost);
    return rc;
}

int sim_serve(int argc, char **argv)
{
    struct arguments a = {.seed = 1, .late_limit = 20, .max_calls = 4096, .ports = "10000-19999"};
    const struct option_row rows[] = {
        {"listen",
         "ADDR:PORT",
         "where SIP is answered (UDP and TCP); port 0: any",
         OPTION_TEXT,
         {.text = &a.listen},
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
         "what really happened, a line a call",
         OPTION_TEXT,
         {.text = &a.truth},
         0,
         true},
        {"summary", "FILE.json", "totals of the run", OPTION_TEXT, {.text = &a.summary}, 0, false},
        {"seed",
         "N",
         "of every draw; the same seed, the same plan (1)",
         OPTION_NUMBER,
         {.number = &a.seed},
         INT64_MAX,
         false},
        {"audio",
         "DIR",
         "sound files (out/audio, made by tools/make-audio)",
         OPTION_TEXT,
         {.text = &a.audio},
         0,
         false},
        {"record",
         "DIR",
         "where call:record writes; without it nothing is kept",
         OPTION_TEXT,
         {.text = &a.record},
         0,
         false},
        {"media-ports",
         "A-B",
         "RTP ports (10000-19999, apart from the engine's)",
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
        {"late-limit",
         "MS",
         "own lateness (p99) above which the run is invalid (20)",
         OPTION_NUMBER,
         {.number = &a.late_limit},
         60000,
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
        "      --mix scenarios/mixes/demo.yaml --seed 7 --truth t.jsonl --summary s.json\n",
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
    struct serve *s = calloc(1, sizeof *s);
    if (!s)
        return SIM_CONFIG;
    if (a.quiet)
        log_set_level(LOG_WARN);
    int rc = load_mix(s, &a);
    if (rc == SIM_PASS) {
        rc = open_serve(s, &a);
        if (rc == SIM_PASS) {
            rc = run(s, &a);
            loop_timer_stop(&s->host.loop, &s->drain);
            loop_timer_stop(&s->host.loop, &s->duration);
        }
        host_close(&s->host);
    }
    if (s->legs.mem) {
        pool_fini(&s->legs);
        attempts_fini(&s->attempts);
    }
    mix_free(s->mix);
    free(s);
    return rc;
}
