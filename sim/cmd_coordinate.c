/* peal-sim coordinate: several `peal-sim run` processes play one suite (crowd.h). This one plays
 * nothing: it opens the meeting, lets all begin together, hands on how the run is steered, notices
 * who is gone, and judges what all have made in sum (coordinate_end.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/coordinate.h"
#include "sim/options.h"

#define LOOK_MS 20
#define END_MS  60000 /* for those who are told to stop */

struct arguments {
    const char *suite, *redis, *meeting, *control, *addresses, *report;
    uint64_t processes, seed, limit;
    bool keys, quiet;
};

static void fail(struct coordinate *c)
{
    fprintf(stderr, COORDINATE_PROGRAM ": %s\n", c->error);
    c->wrong = true;
    loop_stop(&c->loop);
}

/* ---- while they play ---- */

static void add(struct coordinate *c, const struct crowd_result *r)
{
    c->results++;
    c->sum.answered_calls += r->answered_calls;
    c->failed |= r->code == SIM_FAILED;
    c->late |= r->code == SIM_INVALID;
    c->wrong |= r->code == SIM_CONFIG;
    c->sum.groups = r->groups > c->sum.groups ? r->groups : c->sum.groups;
    for (uint32_t i = 0; i < r->groups; i++) {
        struct crowd_group *g = &c->sum.group[i];
        g->planned += r->group[i].planned;
        g->started += r->group[i].started;
        g->succeeded += r->group[i].succeeded;
        g->failed += r->group[i].failed;
        g->not_started += r->group[i].not_started;
    }
    if (!c->quiet)
        printf("process %u of %u has ended with %d\n", r->part + 1, c->parts, r->code);
}

static void stop_all(struct coordinate *c);

/* It is killed, or its machine is. Nobody waits for it; what it was to do is missing. */
static void lose(struct coordinate *c, uint32_t part)
{
    c->gone[part] = true;
    c->gone_count++;
    fprintf(stderr, COORDINATE_PROGRAM ": process %u of %u is gone without a result%s\n", part + 1,
            c->parts,
            !c->begun ? ", before the beginning: there is no run"
            : part == 0 && c->suite->answers
                ? ": it answered, so the others are told to stop"
                : ": the others go on, its part of the plan is missing");
    if (crowd_go_on(c->crowd, c->begun, c->error) != OK)
        fail(c);
    else if (!c->begun)
        loop_stop(&c->loop);
    else if (part == 0 && c->suite->answers)
        stop_all(c);
}

static void on_look(struct timer *t)
{
    struct coordinate *c = container_of(t, struct coordinate, look);
    struct crowd_result r;
    enum err e = OK;
    uint32_t part;

    if (!c->begun) {
        uint32_t before = c->ready;
        e = crowd_gather(c->crowd, &c->ready, &c->begun, c->error);
        if (e == OK && c->ready != before && !c->quiet)
            printf("%u of %u processes are ready\n", c->ready, c->parts);
    }
    while (e == OK && c->results < c->parts && (e = crowd_take(c->crowd, &r, c->error)) == OK)
        add(c, &r);
    if (e == ERR_NOT_FOUND && (e = crowd_lost(c->crowd, &part, c->error)) == OK)
        lose(c, part);
    fflush(stdout);
    if (e != OK && e != ERR_NOT_FOUND)
        fail(c);
    else if (c->results + c->gone_count >= c->parts)
        loop_stop(&c->loop);
    else
        loop_timer(&c->loop, t, LOOK_MS, on_look);
}

static void on_limit(struct timer *t)
{
    struct coordinate *c = container_of(t, struct coordinate, limit);

    snprintf(c->error, sizeof c->error, "%u of %u processes ended in time", c->results, c->parts);
    fail(c);
}

static void steer(struct coordinate *c, double x, bool paused, bool stop)
{
    if (crowd_steer(c->crowd, x, paused, stop, c->error) != OK)
        fail(c);
}

static void on_tempo(void *arg, double x, bool paused)
{
    steer(arg, x, paused, false);
}

static void stop_all(struct coordinate *c)
{
    steer(c, 1, false, true);
    loop_timer(&c->loop, &c->limit, END_MS, on_limit);
}

static void on_stop(void *arg)
{
    stop_all(arg);
}

static void put_status(void *arg, struct json *j)
{
    const struct coordinate *c = arg;

    json_cstr(j, "suite", c->suite->name);
    json_u64(j, "processes", c->parts);
    json_u64(j, "ready", c->ready);
    json_u64(j, "ended", c->results);
    json_u64(j, "gone", c->gone_count);
}

static const struct steer_handler steer_handler = {on_tempo, on_stop, put_status};

static void on_signal(void *arg, uint32_t count)
{
    struct coordinate *c = arg;

    if (count > 1 || !c->begun)
        loop_stop(&c->loop);
    else
        on_stop(c);
}

/* ---- start ---- */

static int play(struct coordinate *c, const struct arguments *a)
{
    const struct steer_config steering = {a->control, a->keys, &steer_handler, c};
    char error[160];

    if (steer_open(&c->steer, &c->loop, &steering, error) != OK) {
        fprintf(stderr, COORDINATE_PROGRAM ": --control %s\n", error);
        return SIM_CONFIG;
    }
    if (!c->quiet) {
        printf(COORDINATE_PROGRAM ": %s, seed %llu, waiting for %u processes\n", c->suite->name,
               (unsigned long long)c->suite->seed, c->parts);
        if (steer_listen(c->steer))
            printf("control: http://%s/status\n", steer_listen(c->steer));
        fflush(stdout);
    }
    loop_timer(&c->loop, &c->look, 0, on_look);
    loop_timer(&c->loop, &c->limit, a->limit * 1000, on_limit);
    loop_run(&c->loop);
    c->loop.stopping = false;
    steer_close(c->steer);
    loop_timer_stop(&c->loop, &c->look);
    loop_timer_stop(&c->loop, &c->limit);
    int rc = coordinate_end(c, a->report);
    if (crowd_end(c->crowd, c->error) != OK)
        fprintf(stderr, COORDINATE_PROGRAM ": %s\n", c->error);
    return rc;
}

static int with_loop(struct coordinate *c, const struct arguments *a)
{
    const struct crowd_config config = {a->redis, a->meeting, c->suite->seed,
                                        c->suite->fingerprint};

    if (loop_init(&c->loop, NULL) != OK) {
        fprintf(stderr, COORDINATE_PROGRAM ": io_uring: the kernel gave no ring\n");
        return SIM_CONFIG;
    }
    timer_init(&c->look);
    timer_init(&c->limit);
    int rc = SIM_CONFIG;
    if (stop_init(&c->stop, &c->loop, on_signal, c) == OK) {
        if (crowd_open(&c->crowd, &config, c->parts, c->error) == OK)
            rc = play(c, a);
        else
            fprintf(stderr, COORDINATE_PROGRAM ": %s\n", c->error);
        crowd_close(c->crowd);
        stop_fini(&c->stop);
    }
    loop_fini(&c->loop);
    return rc;
}

static int with_arguments(const struct arguments *a, bool seeded)
{
    struct suite_options options = {seeded ? &a->seed : NULL, a->addresses};
    char error[SUITE_ERROR_MAX];
    struct coordinate *c = calloc(1, sizeof *c);

    if (!c)
        return SIM_CONFIG;
    c->parts = (uint32_t)a->processes;
    c->quiet = a->quiet;
    if (a->quiet)
        log_set_level(LOG_WARN);
    int rc = SIM_CONFIG;
    if (a->processes < 1)
        fprintf(stderr, COORDINATE_PROGRAM ": --processes: 1 to %d\n", CROWD_PARTS_MAX);
    else if (suite_load(&c->suite, a->suite, &options, error) == OK)
        rc = with_loop(c, a);
    else
        fprintf(stderr, COORDINATE_PROGRAM ": %s\n", error);
    suite_free(c->suite);
    free(c);
    return rc;
}

int sim_coordinate(int argc, char **argv)
{
    struct arguments a = {.seed = UINT64_MAX, .limit = 86400, .meeting = "default"};
    const struct option_row rows[] = {
        {"redis",
         "URL",
         "redis://HOST[:PORT][/DB] or unix:/PATH",
         OPTION_TEXT,
         {.text = &a.redis},
         0,
         true},
        {"processes",
         "N",
         "of `peal-sim run` that take part",
         OPTION_NUMBER,
         {.number = &a.processes},
         CROWD_PARTS_MAX,
         true},
        {"run", "NAME", "of this run (default)", OPTION_TEXT, {.text = &a.meeting}, 0, false},
        {"seed",
         "N",
         "of every draw (the suite's, or 1), the same for all",
         OPTION_NUMBER,
         {.number = &a.seed},
         INT64_MAX,
         false},
        {"address",
         "NAME=ADDR:PORT,…",
         "as given to the processes",
         OPTION_TEXT,
         {.text = &a.addresses},
         0,
         false},
        {"report", "DIR", "gets summary.json, of all", OPTION_TEXT, {.text = &a.report}, 0, false},
        {"control",
         "ADDR:PORT",
         "steer all over HTTP: /status, /pause, /resume, /rate?x=2, /stop; loopback only",
         OPTION_TEXT,
         {.text = &a.control},
         0,
         false},
        {"keys",
         NULL,
         "steer all by keys: space holds, + - = the rate, s tells, q ends",
         OPTION_FLAG,
         {.flag = &a.keys},
         0,
         false},
        {"limit",
         "SECONDS",
         "for all to have ended (86400)",
         OPTION_NUMBER,
         {.number = &a.limit},
         604800,
         false},
        {"quiet", NULL, "say nothing but errors", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        COORDINATE_PROGRAM,
        "several processes play one suite; call n is made by process n modulo N",
        "SUITE.yaml",
        "  peal-sim coordinate suite.yaml --redis redis://127.0.0.1:6379 --processes 2 &\n"
        "  peal-sim run suite.yaml --redis redis://127.0.0.1:6379 --report out/1 &\n"
        "  peal-sim run suite.yaml --redis redis://127.0.0.1:6379 --report out/2\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int count;
    int code = options_parse(&options, argc, argv, &count);

    if (code != OPTIONS_GO_ON)
        return code;
    if (count != 1) {
        fprintf(stderr, COORDINATE_PROGRAM ": which suite? " COORDINATE_PROGRAM
                                           " SUITE.yaml --redis URL\n");
        return SIM_CONFIG;
    }
    a.suite = argv[1];
    return with_arguments(&a, a.seed != UINT64_MAX);
}
