/* The gate of numbers on a private redis-server: what a million listed numbers and calls take of
 * its memory, and what asking adds to launching. The peer of asking is the work that a launch had
 * before: claim, attempt and completion of the same number of tasks, as many under way, in the same
 * run; rounds with and without the gate take turns, so that a busy machine slows both.
 * With --seconds below 1 only 50,000 numbers and calls, for a quick look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/own_queue.h"
#include "queue/dnc.h"

#define FULL          1000000
#define QUICK         50000
#define AT_ONCE       200
#define CALLS_AT_ONCE 2000 /* while calls are only counted */
#define LEADS         40000
#define TURN_US       5000
#define LISTED        2020000000ull /* numbers above it, by seed */

struct gate_run {
    struct bench *bench;
    uint32_t count;
    struct own_queue own;
    bool done, failed;
    uint32_t answers, wanted, passed;
    struct queue_task *tasks;
    uint32_t task_count;
    uint64_t calls; /* of call ids given out */
    struct rng rng;
};

static bool until_done(struct gate_run *run)
{
    return own_queue_until(&run->own, &run->done) && !run->failed;
}

static void answered(struct gate_run *run, enum err e)
{
    run->failed |= e != OK;
    run->done = ++run->answers == run->wanted;
}

static void expect(struct gate_run *run, uint32_t wanted)
{
    run->answers = 0;
    run->wanted = wanted;
    run->done = wanted == 0;
}

static void on_done(void *arg, enum err e)
{
    answered(arg, e);
}

/* A number of `INFO memory` or `INFO cpu`, such as "used_memory:". */
static double info(const struct gate_run *run, const char *section, const char *name)
{
    char command[200], line[200];
    double value = -1;

    snprintf(command, sizeof(command), "redis-cli -s %s INFO %s",
             redis_server_url(run->own.server) + strlen("unix:"), section);
    FILE *f = popen(command, "r");

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtod(line + strlen(name), NULL);
    if (f)
        pclose(f);
    return value;
}

/* ---- memory ---- */

static int by_place(const void *a, const void *b)
{
    const struct gate_place *x = a, *y = b;

    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void on_filled(void *arg, enum err e, uint32_t changed, uint32_t unchanged)
{
    struct gate_run *run = arg;

    run->passed += changed;
    (void)unchanged;
    answered(run, e);
}

static bool fill(struct gate_run *run, const struct gate_place *at, uint32_t n)
{
    uint32_t from = 0;

    run->passed = 0;
    while (from < n) {
        uint32_t to = from + 1;

        while (to < n && to - from < DNC_FILL_MAX && at[to].tag == at[from].tag)
            to++;
        expect(run, 1);
        if (queue_dnc_fill(run->own.queue, SLICE(GATE_LIST_GLOBAL), 1, 0, at + from, to - from,
                           on_filled, run) != OK ||
            !until_done(run))
            return false;
        from = to;
    }
    return run->passed == n;
}

static void measure_lists(struct gate_run *run)
{
    struct gate_place *at = malloc(run->count * sizeof(*at));
    double before = info(run, "memory", "used_memory:");
    uint32_t n = 0;

    for (uint32_t i = 0; at && i < run->count; i++)
        at[i] = gate_place_at(10000000000 + LISTED + rng_below(&run->rng, 4000000000u));
    if (at)
        qsort(at, run->count, sizeof(*at), by_place);
    for (uint32_t i = 0; at && i < run->count; i++)
        if (i == 0 || at[i].number != at[i - 1].number)
            at[n++] = at[i];
    uint64_t start_us = bench_now_us();

    if (!at || !fill(run, at, n))
        bench_fail(run->bench, "gate: the lists could not be filled: %s",
                   queue_error(run->own.queue));
    double s = (double)(bench_now_us() - start_us) / 1e6;
    double after = info(run, "memory", "used_memory:");
    char name[BENCH_TEXT_MAX];

    snprintf(name, sizeof(name), "memory of a listed number, of %u", n);
    bench_add(run->bench, "gate", name, (after - before) / n, "bytes", BENCH_LOWER);
    bench_add(run->bench, "gate", "filling lists, one call under way", n / s, "numbers/s",
              BENCH_HIGHER);
    free(at);
}

/* ---- asking ---- */

static void on_gate(void *arg, enum err e, const struct queue_gate_answer *a)
{
    struct gate_run *run = arg;

    run->passed += a->verdict == GATE_PASS;
    answered(run, e);
}

static enum err ask(struct gate_run *run, bool peek)
{
    uint64_t now_ms = clock_wall_ms(run->own.loop.clock);
    const struct queue_gate_limit limits[] = {{now_ms - 86400000, 3, 0},
                                              {now_ms - 604800000, 7, 0}};
    char number[24], call[48];
    const struct queue_gate_ask q = {
        .number = slice_of(number, (size_t)snprintf(number, sizeof(number), "+1%llu",
                                                    LISTED + rng_below(&run->rng, 4000000000u))),
        .campaign = SLICE("bench"),
        .call_id = slice_of(call, (size_t)snprintf(call, sizeof(call), "%llx@127.0.0.1",
                                                   (unsigned long long)run->calls++)),
        .limits = limits,
        .limit_count = 2,
        .peek = peek};

    return queue_gate(run->own.queue, &q, on_gate, run);
}

static bool ask_many(struct gate_run *run, uint32_t n, bool peek)
{
    expect(run, n);
    for (uint32_t i = 0; i < n; i++)
        if (ask(run, peek) != OK)
            return false;
    return until_done(run);
}

static void measure_calls(struct gate_run *run)
{
    double before = info(run, "memory", "used_memory:");
    char name[BENCH_TEXT_MAX];

    run->passed = 0;
    for (uint32_t i = 0; i < run->count / CALLS_AT_ONCE; i++)
        if (!ask_many(run, CALLS_AT_ONCE, false)) {
            bench_fail(run->bench, "gate: a question failed: %s", queue_error(run->own.queue));
            return;
        }
    snprintf(name, sizeof(name), "memory of a call of the last 35 days, of %u", run->passed);
    bench_add(run->bench, "gate", name,
              (info(run, "memory", "used_memory:") - before) / run->passed, "bytes", BENCH_LOWER);
}

/* ---- beside the work of a launch ---- */

static void on_tasks(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    struct gate_run *run = arg;

    memcpy(run->tasks, tasks, n * sizeof(*tasks));
    run->task_count = n;
    answered(run, e);
}

static bool add_leads(struct gate_run *run)
{
    for (uint32_t i = 0; i < LEADS; i++) {
        char id[16];
        const struct queue_lead lead = {.id =
                                            slice_of(id, (size_t)snprintf(id, sizeof(id), "%u", i)),
                                        .numbers = {{SLICE("+12025550123"), SLICE_NONE}},
                                        .fields = SLICE("{}")};
        enum err e;

        while ((e = queue_add(run->own.queue, &lead)) == ERR_AGAIN)
            loop_turn(&run->own.loop, TURN_US);
        if (e)
            return false;
    }
    expect(run, 1);
    return queue_add_finish(run->own.queue, on_done, run) == OK && until_done(run);
}

static bool launch_some(struct gate_run *run, bool gated)
{
    const struct queue_completion c = {.outcome = QUEUE_FINISH,
                                       .attempt = 1,
                                       .status = SLICE("reached"),
                                       .charged = true,
                                       .avoid_trunk = QUEUE_NO_TRUNK,
                                       .record = SLICE("{\"result\":\"human\"}")};

    expect(run, 1);
    if (queue_claim(run->own.queue, AT_ONCE, on_tasks, run) != OK || !until_done(run) ||
        run->task_count != AT_ONCE || (gated && !ask_many(run, AT_ONCE, false)))
        return false;
    expect(run, AT_ONCE);
    for (uint32_t i = 0; i < AT_ONCE; i++)
        queue_attempt(run->own.queue, &run->tasks[i], 1, SLICE("x@127.0.0.1"), on_done, run);
    if (!until_done(run))
        return false;
    expect(run, AT_ONCE);
    for (uint32_t i = 0; i < AT_ONCE; i++)
        queue_complete(run->own.queue, &run->tasks[i], &c, on_done, run);
    return until_done(run);
}

static double server_cpu(const struct gate_run *run)
{
    return info(run, "cpu", "used_cpu_user:") + info(run, "cpu", "used_cpu_sys:");
}

static void measure_launches(struct gate_run *run)
{
    double wall_s[2] = {0}, cpu_s[2] = {0};
    uint32_t rounds = LEADS / AT_ONCE / 2, some = 10;

    if (!add_leads(run)) {
        bench_fail(run->bench, "gate: leads could not be added: %s", queue_error(run->own.queue));
        return;
    }
    for (uint32_t i = 0; i < 2 * rounds; i += some) {
        bool gated = i / some % 2;
        double cpu = server_cpu(run);
        uint64_t start_us = bench_now_us();

        for (uint32_t k = 0; k < some; k++)
            if (!launch_some(run, gated)) {
                bench_fail(run->bench, "gate: a launch failed: %s", queue_error(run->own.queue));
                return;
            }
        wall_s[gated] += (double)(bench_now_us() - start_us) / 1e6;
        cpu_s[gated] += server_cpu(run) - cpu;
    }
    double n = (double)rounds * AT_ONCE;

    bench_add_peer(run->bench, "gate", "launches with the gate, 200 under way", n / wall_s[1],
                   "launches/s", BENCH_HIGHER, "claim, attempt, completion alone", n / wall_s[0]);
    bench_add_peer(run->bench, "gate", "CPU of redis-server, a launch with the gate",
                   cpu_s[1] / n * 1e6, "us", BENCH_LOWER, "claim, attempt, completion alone",
                   cpu_s[0] / n * 1e6);
}

static void measure_asking(struct gate_run *run, const char *name, bool peek)
{
    uint64_t start_us = bench_now_us(), n = 0;
    double wanted_s = run->bench->seconds < 5 ? run->bench->seconds : 5;

    while ((double)(bench_now_us() - start_us) < wanted_s * 1e6) {
        if (!ask_many(run, AT_ONCE, peek)) {
            bench_fail(run->bench, "gate: a question failed: %s", queue_error(run->own.queue));
            return;
        }
        n += AT_ONCE;
    }
    bench_add(run->bench, "gate", name, (double)n * 1e6 / (double)(bench_now_us() - start_us),
              "questions/s", BENCH_HIGHER);
}

int bench_gate(struct bench *b)
{
    static struct gate_run run;

    run = (struct gate_run){.bench = b, .count = b->seconds < 1 ? QUICK : FULL};
    rng_seed(&run.rng, 1);
    if (!own_queue_begin(&run.own, b, "gate"))
        return 1;
    run.tasks = calloc(QUEUE_CLAIM_MAX, sizeof(*run.tasks));
    if (!run.tasks)
        abort();
    if (own_queue_open(&run.own, "queue")) {
        measure_lists(&run);
        measure_calls(&run);
        measure_launches(&run);
        measure_asking(&run, "asking, nothing recorded, 200 under way", true);
    }
    own_queue_close(&run.own);
    own_queue_end(&run.own);
    free(run.tasks);
    return 0;
}
