/* peal-sim replay: the calls of an import again, with the start times of the capture or at a rate.
 * Given --to it plays the callers, given --listen the callees, given both the two sides of what
 * lies between. SSRCs, sequence numbers, timestamps, Call-IDs and tags are new ones. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/options.h"
#include "sim/replay_run.h"

#define SETTLE_MS 50

static int load_scripts(struct replay *s, const char *folder, struct replay_scripts *into)
{
    char path[512];

    for (uint32_t i = 0; i < s->list.count; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s/%s.lua", s->a->dir, folder,
                             s->list.call[i].name) >= sizeof path ||
            !host_script(&s->host, path, &into->script[i]))
            return SIM_CONFIG;
    }
    return SIM_PASS;
}

/* So that no call waits for a disk. */
static int load_media(struct replay *s)
{
    char path[512], message[256];
    struct dirent *d;

    snprintf(path, sizeof path, "%s/media", s->a->dir);
    DIR *folder = opendir(path);

    while (folder && (d = readdir(folder))) {
        size_t len = strlen(d->d_name);

        if (len < 9 || strcmp(d->d_name + len - 8, ".rtpdump") != 0)
            continue;
        snprintf(path, sizeof path, "media/%.200s", d->d_name);
        if (flow_packets_load(s->host.rt, path, message) != OK) {
            fprintf(stderr, REPLAY_PROGRAM ": %s/%s: %s\n", s->a->dir, path, message);
            closedir(folder);
            return SIM_CONFIG;
        }
    }
    if (folder)
        closedir(folder);
    return SIM_PASS;
}

static int open_replay(struct replay *s)
{
    const struct replay_arguments *a = s->a;
    char error[REPLAY_ERROR_MAX];
    struct host_config config = {
        .program = REPLAY_PROGRAM,
        .listen = a->listen ? a->listen : "127.0.0.1:0",
        .media_ports = a->ports,
        .workers = a->workers,
        .max_calls = a->max_calls,
        .seed = a->seed,
        .late_limit_ms = a->late_limit,
        .audio = a->dir,
        .audio_kept = a->report ? s->place.audio : NULL,
        .truth = a->report ? s->place.lines : NULL,
        .incoming = replay_on_incoming,
        .on_signal = replay_on_signal,
        .arg = s,
    };

    if (replay_list_load(&s->list, a->dir, error) != OK) {
        fprintf(stderr, REPLAY_PROGRAM ": %s\n", error);
        return SIM_CONFIG;
    }
    int rc = replay_plan(s);

    if (rc == SIM_PASS)
        rc = host_open(&s->host, &config);
    if (rc == SIM_PASS && a->to)
        rc = load_scripts(s, "callers", &s->caller);
    if (rc == SIM_PASS && a->listen)
        rc = load_scripts(s, "callees", &s->callee);
    if (rc == SIM_PASS)
        rc = load_media(s);
    if (rc == SIM_PASS &&
        pool_init(&s->legs, sizeof(struct replay_leg), (uint32_t)a->max_calls) != OK)
        rc = SIM_CONFIG;
    return rc;
}

static int run(struct replay *s)
{
    if (s->a->listen) {
        printf("peal-sim replay: listening on %s, %u captured calls\n", s->host.listen,
               s->list.count);
        fflush(stdout);
    }
    s->start_us = clock_us(s->host.loop.clock) + SETTLE_MS * 1000;
    replay_report_begin(s);
    if (s->a->to)
        loop_alarm_set(&s->host.loop, &s->next, s->start_us, replay_on_next);
    if (s->a->seconds)
        loop_timer(&s->host.loop, &s->duration, s->a->seconds * 1000, replay_on_duration);
    loop_run(&s->host.loop);
    s->host.loop.stopping = false;
    struct lateness_result late;
    int rc = host_finish(&s->host, s->a->report ? s->place.summary : NULL, replay_json, s, &late);

    return replay_report_finish(s, &late, replay_verdict(s, rc));
}

static int with_arguments(const struct replay_arguments *a)
{
    struct replay *s = calloc(1, sizeof *s);
    int rc = s ? SIM_PASS : SIM_CONFIG;

    if (!s)
        return rc;
    s->a = a;
    outcome_init(&s->outcome);
    loop_alarm_init(&s->next);
    timer_init(&s->drain);
    timer_init(&s->duration);
    if (a->quiet)
        log_set_level(LOG_WARN);
    rc = replay_report_folder(s);
    if (rc == SIM_PASS && a->report)
        rc = replay_open_table(s);
    if (rc == SIM_PASS)
        rc = open_replay(s);
    if (rc == SIM_PASS)
        rc = run(s);
    host_close(&s->host);
    if (s->table && fclose(s->table) != 0 && rc == SIM_PASS)
        rc = SIM_FAILED;
    if (s->legs.mem)
        pool_fini(&s->legs);
    outcome_fini(&s->outcome);
    replay_list_free(&s->list);
    free(s);
    return rc;
}

/* "HOST:PORT", or a SIP URI of one. */
static bool target_is_good(struct replay_arguments *a)
{
    struct addr addr;

    if (strncmp(a->to, "sip:", 4) == 0)
        a->to += 4;
    return !strchr(a->to, '@') && addr_parse(slice_cstr(a->to), 5060, &addr) == OK;
}

int sim_replay(int argc, char **argv)
{
    struct replay_arguments a = {
        .seed = 1, .late_limit = 20, .max_calls = 4096, .speed = 100, .ports = "30000-39999"};
    const struct option_row rows[] = {
        {"to",
         "HOST:PORT",
         "plays the callers: calls each captured number there",
         OPTION_TEXT,
         {.text = &a.to},
         0,
         false},
        {"listen",
         "ADDR:PORT",
         "plays the callees: answers there, each number as captured",
         OPTION_TEXT,
         {.text = &a.listen},
         0,
         false},
        {"rate",
         "R/s",
         "starts calls at a rate instead of their captured times: 20/s, 90/m",
         OPTION_TEXT,
         {.text = &a.rate},
         0,
         false},
        {"speed",
         "PERCENT",
         "of the captured times between starts: 200 is twice as fast (100)",
         OPTION_NUMBER,
         {.number = &a.speed},
         100000,
         false},
        {"tolerance",
         "MS",
         "fails when a response, answer or end is further off than this",
         OPTION_NUMBER,
         {.number = &a.tolerance},
         3600000,
         false},
        {"report",
         "DIR",
         "replay.csv (a row a call and side), truth.jsonl, summary.json; and as `peal-sim run` "
         "does: report.html, report.json, calls.csv",
         OPTION_TEXT,
         {.text = &a.report},
         0,
         false},
        {"junit",
         "FILE.xml",
         "JUnit XML for CI servers: a test a call and side",
         OPTION_TEXT,
         {.text = &a.junit},
         0,
         false},
        {"for",
         "SECONDS",
         "end by itself after so long",
         OPTION_NUMBER,
         {.number = &a.seconds},
         604800,
         false},
        {"media-ports",
         "A-B",
         "RTP ports (30000-39999)",
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
         "legs at once (4096)",
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
        {"seed",
         "N",
         "of what edited scripts draw (1)",
         OPTION_NUMBER,
         {.number = &a.seed},
         INT64_MAX,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        REPLAY_PROGRAM,
        "the calls of an import again, callers, callees or both",
        "DIR",
        "  peal-sim replay out/calls --to 127.0.0.1:5060                 # callers, captured "
        "times\n"
        "  peal-sim replay out/calls --to 127.0.0.1:5060 --rate 20/s --tolerance 20\n"
        "  peal-sim replay out/calls --listen 127.0.0.1:5070             # callees, for an engine\n"
        "  peal-sim replay out/calls --to 127.0.0.1:5060 --listen 127.0.0.1:5070   # both sides\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;
    int code = options_parse(&options, argc, argv, &rest);

    if (code != OPTIONS_GO_ON)
        return code;
    if (rest != 1 || (!a.to && !a.listen) || (a.to && !target_is_good(&a)) || a.speed == 0 ||
        a.max_calls == 0) {
        fprintf(stderr, REPLAY_PROGRAM
                ": give the folder of one import, and --to HOST:PORT (callers), --listen "
                "ADDR:PORT (callees) or both; hosts are numeric addresses\n");
        return SIM_CONFIG;
    }
    a.dir = argv[1];
    return with_arguments(&a);
}
