/* Calls a second of INVITE, 180, 200, ACK, BYE, 200 between two user agents of ours, a core each,
 * beside SIPp against SIPp on the same cores in the same run: the highest rate each keeps for the
 * whole of a measurement with no call lost, and what CPU time a call takes at that rate. The two
 * searches go on by turns with as many tries each, so that a busy spell of the machine meets both.
 * Then what one message costs while few and many calls are in the air, and allocations a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/sip_side.h"

int bench_sip_parse(struct bench *b);

#define MESSAGES_A_CALL 6 /* each sent by one side and received by the other */
#define SESSIONS_MAX    65536
#define RATE_FIRST      2000
#define RATE_LEAST      100
#define RATE_MAX        400000
#define TRIES           3  /* at a rate: another program may have had the core */
#define STEPS_MAX       32 /* rates of a search */

/* ---- ours ---- */

struct outcome {
    bool held;
    double rate, cpu_us; /* calls a second; of both sides, a call */
    double datagrams;    /* ours: sent by one call to the kernel */
};

static void wait_us(uint64_t us)
{
    usleep((useconds_t)us);
}

/* Until all that was started has ended, or limit_us have passed. */
static void settle(struct sip_side *a, uint64_t limit_us)
{
    uint64_t end = bench_now_us() + limit_us;

    sip_side_plan(a, 0, 0);
    while (bench_now_us() < end && atomic_load(&a->ended) < atomic_load(&a->started))
        wait_us(5000);
}

static uint64_t cpu_of(struct sip_side *a, struct sip_side *b)
{
    return bench_thread_cpu_us_of(a->thread) + bench_thread_cpu_us_of(b->thread);
}

static struct outcome run_ours(uint32_t rate, double seconds)
{
    struct sip_side *b = sip_side_open(false, 1, NULL, SESSIONS_MAX);
    struct sip_side *a = b ? sip_side_open(true, 0, &b->local, SESSIONS_MAX) : NULL;
    struct outcome o = {0};

    if (a) {
        uint64_t from = bench_now_us();
        sip_side_plan(a, rate, 0);
        while ((double)(bench_now_us() - from) < seconds * 1e6)
            wait_us(5000);
        uint64_t started = atomic_load(&a->started), answered = atomic_load(&a->answered);
        double spent = (double)(bench_now_us() - from) / 1e6;
        settle(a, 3000000);
        double cpu_us = (double)cpu_of(a, b);
        sip_side_stop(a);
        sip_side_stop(b);
        uint64_t repeated = a->stats.retransmitted + b->stats.retransmitted;
        o.rate = (double)answered / spent;
        o.cpu_us = a->ended ? cpu_us / (double)a->ended : 0;
        o.datagrams = a->stats.datagram_calls
                          ? (double)(a->stats.sent + b->stats.sent) /
                                (double)(a->stats.datagram_calls + b->stats.datagram_calls)
                          : 0;
        o.held = a->ended == a->started && !a->failed && !b->failed && !a->not_made &&
                 (double)started >= 0.98 * rate * spent && o.rate >= 0.97 * rate;
        bench_note(
            "sip: peal %u calls/s: %.0f answered/s, failed %llu, repeated %llu, behind %llu, "
            "%.1f us of CPU a call",
            rate, o.rate, (unsigned long long)(a->failed + b->failed + a->not_made),
            (unsigned long long)repeated, (unsigned long long)a->behind_max, o.cpu_us);
    }
    sip_side_close(a);
    sip_side_close(b);
    return o;
}

/* ---- SIPp ---- */

/* The last column of a line of SIPp's final screen: "Successful call | 0 | 1000". */
static bool screen_value(const char *screen, const char *name, double *out)
{
    const char *at = NULL;

    for (const char *p = screen; (p = strstr(p, name)); p += strlen(name))
        at = p;
    if (!at)
        return false;
    const char *bar = strchr(at, '|');
    bar = bar ? strchr(bar + 1, '|') : NULL;
    return bar && sscanf(bar + 1, "%lf", out) == 1;
}

static struct outcome run_sipp(const char *sipp, uint32_t rate, double seconds)
{
    char to[32], to_port[16], from_port[16], rates[16], calls[16];
    uint16_t port = bench_free_port();
    struct bench_child uas, uac;
    struct bench_result r, s;
    struct outcome o = {0};
    double good = 0, bad = -1, cps = 0, cpu_s = 0;

    snprintf(to, sizeof to, "127.0.0.1:%u", port);
    snprintf(to_port, sizeof to_port, "%u", port);
    snprintf(from_port, sizeof from_port, "%u", bench_free_port());
    snprintf(rates, sizeof rates, "%u", rate);
    snprintf(calls, sizeof calls, "%u", (uint32_t)(rate * seconds));
    /* Its best: large socket buffers, and all that is due or has come in one round. */
    const char *const uas_argv[] = {sipp,
                                    "-sn",
                                    "uas",
                                    "-i",
                                    "127.0.0.1",
                                    "-p",
                                    to_port,
                                    "-nostdin",
                                    "-buff_size",
                                    "8388608",
                                    "-deadcall_wait",
                                    "0",
                                    "-max_recv_loops",
                                    "10000",
                                    "-max_sched_loops",
                                    "10000",
                                    NULL};
    const char *const uac_argv[] = {sipp,
                                    "-sn",
                                    "uac",
                                    "-i",
                                    "127.0.0.1",
                                    "-p",
                                    from_port,
                                    "-nostdin",
                                    "-r",
                                    rates,
                                    "-m",
                                    calls,
                                    "-l",
                                    "100000",
                                    "-rp",
                                    "1000",
                                    "-buff_size",
                                    "8388608",
                                    "-timeout",
                                    "30s",
                                    "-d",
                                    "0",
                                    "-deadcall_wait",
                                    "0",
                                    "-max_recv_loops",
                                    "10000",
                                    "-max_sched_loops",
                                    "10000",
                                    to,
                                    NULL};
    if (!bench_child_start(&uas, uas_argv, "/tmp", 1))
        return o;
    wait_us(300000);
    if (bench_child_start(&uac, uac_argv, "/tmp", 0)) {
        bench_child_wait(&uac, seconds * 4 + 10, &r);
        cpu_s = r.cpu_s;
        if (r.output && screen_value(r.output, "Successful call", &good) &&
            screen_value(r.output, "Failed call", &bad))
            screen_value(r.output, "Call Rate", &cps);
        o.rate = cps;
        o.held = r.ended && r.exit_code == 0 && bad == 0 && good >= rate * seconds * 0.99 &&
                 cps >= 0.95 * rate;
        bench_result_free(&r);
    }
    bench_child_stop(&uas, &s);
    o.cpu_us = good > 0 ? (cpu_s + s.cpu_s) * 1e6 / good : 0;
    bench_note("sip: SIPp %u calls/s: %.0f calls/s, successful %.0f, failed %.0f, %.1f us of CPU a "
               "call",
               rate, cps, good, bad, o.cpu_us);
    bench_result_free(&s);
    return o;
}

/* ---- the highest rate ---- */

struct search {
    const char *sipp; /* NULL: ours */
    uint32_t rate, steps, held;
    double growth;
    bool done;
    struct outcome best; /* at `held` */
};

/* One rate: held when it was in one of the tries. Upwards in large steps to the first that is not
 * held, then in small ones from the last that was. */
static void search_step(struct search *s, double seconds)
{
    struct outcome o = {0};

    if (s->done)
        return;
    for (int tries = 0; tries < TRIES && !o.held; tries++)
        o = s->sipp ? run_sipp(s->sipp, s->rate, seconds) : run_ours(s->rate, seconds);
    if (o.held) {
        s->held = s->rate;
        s->best = o;
        s->rate = (uint32_t)(s->rate * s->growth);
    } else if (!s->held) {
        s->rate /= 2;
    } else if (s->growth > 1.2) {
        s->growth = 1.1;
        s->rate = (uint32_t)(s->held * s->growth);
    } else {
        s->done = true;
    }
    s->done |= ++s->steps == STEPS_MAX || s->rate > RATE_MAX || s->rate < RATE_LEAST;
}

static void rates(struct bench *b)
{
    static const char *const calls = "calls, no call lost, one core each side";
    static const char *const cpu = "CPU of a call at that rate, both sides";
    char sipp[256];
    bool there = bench_find("sipp", sipp, sizeof sipp);
    struct search ours = {.rate = RATE_FIRST, .growth = 1.5};
    struct search theirs = {.sipp = sipp, .rate = RATE_FIRST, .growth = 1.5, .done = !there};

    while (!ours.done || !theirs.done) {
        search_step(&ours, b->seconds);
        search_step(&theirs, b->seconds);
    }
    if (!ours.held)
        bench_fail(b, "sip: not even %u calls/s were kept up", RATE_LEAST);
    if (there) {
        bench_add_peer(b, "sip", calls, ours.held, "calls/s", BENCH_HIGHER, "SIPp 3.6",
                       theirs.held);
        bench_add_peer(b, "sip", cpu, ours.best.cpu_us, "us", BENCH_LOWER, "SIPp 3.6",
                       theirs.best.cpu_us);
    } else {
        static const char *const missing = "SIPp (apt-get install sip-tester)";
        bench_add_missing(b, "sip", calls, ours.held, "calls/s", BENCH_HIGHER, missing);
        bench_add_missing(b, "sip", cpu, ours.best.cpu_us, "us", BENCH_LOWER, missing);
    }
    bench_add(b, "sip", "datagrams sent by one call to the kernel, at that rate",
              ours.best.datagrams, "datagrams", BENCH_HIGHER);
}

/* ---- cost of a message ---- */

#define COST_RATE   4000
#define COST_ROUNDS 3 /* good ones; the cheapest of them counts, the least disturbed by others */
#define ROUNDS_MAX  6
#define AIRS        4
#define WARM_CALLS  12000

static const uint32_t airs[AIRS] = {100, 1000, 10000, 30000};

struct cost {
    double cpu_us, mallocs;
    uint32_t rounds; /* good ones */
};

/* Both sides' time: each message is written and sent once, received and read once. */
static void cost_at(struct sip_side *a, struct sip_side *b, uint32_t in_air, double seconds,
                    struct cost *c)
{
    uint64_t limit = bench_now_us() + 60000000;

    sip_side_plan(a, COST_RATE, in_air);
    while (atomic_load(&a->in_air) < in_air && bench_now_us() < limit)
        wait_us(2000);
    wait_us(300000);
    uint64_t from = bench_now_us(), cpu = cpu_of(a, b), calls = atomic_load(&a->ended);

    bench_mallocs_start(false);
    while ((double)(bench_now_us() - from) < seconds * 1e6)
        wait_us(5000);
    struct bench_mallocs m = bench_mallocs_stop();

    cpu = cpu_of(a, b) - cpu;
    calls = atomic_load(&a->ended) - calls;
    double messages = (double)(calls * MESSAGES_A_CALL);

    double due = COST_RATE * (double)(bench_now_us() - from) / 1e6;

    /* Only a steady state counts: as many calls ended as were due, so that none were said again for
     * want of the core, and as many began. */
    if ((double)calls < 0.9 * due || (double)calls > 1.1 * due || atomic_load(&a->failed) ||
        atomic_load(&a->in_air) < in_air)
        return;
    c->rounds++;
    if (c->cpu_us <= 0 || (double)cpu / messages < c->cpu_us)
        c->cpu_us = (double)cpu / messages;
    if ((double)m.calls / messages > c->mallocs)
        c->mallocs = (double)m.calls / messages;
}

static bool all_measured(const struct cost cost[AIRS])
{
    for (int i = 0; i < AIRS; i++)
        if (cost[i].rounds < COST_ROUNDS)
            return false;
    return true;
}

/* Until tables and pools are as large as they will be. */
static void warm_up(struct sip_side *caller)
{
    uint64_t limit = bench_now_us() + 20000000;

    sip_side_plan(caller, COST_RATE, airs[0]);
    while (atomic_load(&caller->ended) < WARM_CALLS && bench_now_us() < limit)
        wait_us(5000);
}

static void costs(struct bench *b)
{
    struct cost cost[AIRS] = {{0}};
    double least = 1e9, most = 0, mallocs = 0;
    char name[BENCH_TEXT_MAX];

    for (int round = 0; round < ROUNDS_MAX && !all_measured(cost); round++) {
        struct sip_side *callee = sip_side_open(false, 1, NULL, SESSIONS_MAX);
        struct sip_side *caller =
            callee ? sip_side_open(true, 0, &callee->local, SESSIONS_MAX) : NULL;

        if (caller)
            warm_up(caller);
        for (int i = 0; caller && i < AIRS; i++)
            cost_at(caller, callee, airs[i], b->seconds / 2, &cost[i]);
        if (caller)
            settle(caller, 20000000);
        sip_side_close(caller);
        sip_side_close(callee);
    }
    for (int i = 0; i < AIRS; i++) {
        if (!cost[i].rounds) {
            bench_fail(b, "sip: %d calls/s with %u in the air were kept up in none of %d rounds",
                       COST_RATE, airs[i], ROUNDS_MAX);
            continue;
        }
        snprintf(name, sizeof name, "message, both sides and the kernel, %u calls in the air",
                 airs[i]);
        bench_add(b, "sip", name, cost[i].cpu_us, "us", BENCH_LOWER);
        least = cost[i].cpu_us < least ? cost[i].cpu_us : least;
        most = cost[i].cpu_us > most ? cost[i].cpu_us : most;
        mallocs = cost[i].mallocs > mallocs ? cost[i].mallocs : mallocs;
    }
    if (most > 0)
        bench_add(b, "sip", "dearest message / cheapest, 100 to 30,000 calls", most / least,
                  "ratio", BENCH_LOWER);
    if (bench_mallocs_counted())
        bench_add(b, "sip", "allocations a message", mallocs, "calls", BENCH_LOWER);
    else
        bench_note("sip: allocations are not counted in this build");
}

int bench_sip(struct bench *b)
{
    rates(b);
    costs(b);
    return bench_sip_parse(b);
}
