/* Calls a second of INVITE, 180, 200, ACK, BYE, 200 between two user agents of ours, a core each,
 * beside SIPp against SIPp on the same cores in the same run: the highest rate each keeps for the
 * whole of a measurement with no call lost. Then what one message costs while few and many calls
 * are in the air, and allocations a message. */
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
#define RATE_MAX        60000

/* ---- ours ---- */

struct outcome {
    bool held;
    uint64_t ended, retransmitted;
    double rate;
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
        sip_side_stop(a);
        sip_side_stop(b);
        o.ended = a->ended;
        o.rate = (double)answered / spent;
        o.retransmitted = a->stats.retransmitted + b->stats.retransmitted;
        o.held = a->ended == a->started && !a->failed && !b->failed && !a->not_made &&
                 (double)started >= 0.98 * rate * spent && o.rate >= 0.97 * rate;
        bench_note("sip: peal %u calls/s: %.0f answered/s, failed %llu, repeated %llu, behind %llu",
                   rate, o.rate, (unsigned long long)(a->failed + b->failed + a->not_made),
                   (unsigned long long)o.retransmitted, (unsigned long long)a->behind_max);
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
    double good = 0, bad = -1, cps = 0;

    snprintf(to, sizeof to, "127.0.0.1:%u", port);
    snprintf(to_port, sizeof to_port, "%u", port);
    snprintf(from_port, sizeof from_port, "%u", bench_free_port());
    snprintf(rates, sizeof rates, "%u", rate);
    snprintf(calls, sizeof calls, "%u", (uint32_t)(rate * seconds));
    const char *const uas_argv[] = {
        sipp,    "-sn",      "uas",        "-i",      "127.0.0.1",      "-p",
        to_port, "-nostdin", "-buff_size", "8388608", "-deadcall_wait", "0",
        NULL};
    const char *const uac_argv[] = {
        sipp,       "-sn", "uac", "-i", "127.0.0.1",      "-p",  from_port, "-nostdin",   "-r",
        rates,      "-m",  calls, "-l", "100000",         "-rp", "1000",    "-buff_size", "8388608",
        "-timeout", "30s", "-d",  "0",  "-deadcall_wait", "0",   to,        NULL};
    if (!bench_child_start(&uas, uas_argv, "/tmp", 1))
        return o;
    wait_us(300000);
    if (bench_child_start(&uac, uac_argv, "/tmp", 0)) {
        bench_child_wait(&uac, seconds * 4 + 10, &r);
        if (r.output && screen_value(r.output, "Successful call", &good) &&
            screen_value(r.output, "Failed call", &bad))
            screen_value(r.output, "Call Rate", &cps);
        o.rate = cps;
        o.held = r.ended && r.exit_code == 0 && bad == 0 && good >= rate * seconds * 0.99 &&
                 cps >= 0.95 * rate;
        bench_note("sip: SIPp %u calls/s: %.0f calls/s, successful %.0f, failed %.0f", rate, cps,
                   good, bad);
        bench_result_free(&r);
    }
    bench_child_stop(&uas, &s);
    bench_result_free(&s);
    return o;
}

/* ---- the highest rate ---- */

static uint32_t highest(const char *sipp, double seconds)
{
    uint32_t held = 0, rate = RATE_FIRST;
    double step = 1.5;

    for (int tries = 0; tries < 24 && rate <= RATE_MAX; tries++) {
        struct outcome o = sipp ? run_sipp(sipp, rate, seconds) : run_ours(rate, seconds);
        if (!o.held) /* once more: another program may have had the core */
            o = sipp ? run_sipp(sipp, rate, seconds) : run_ours(rate, seconds);
        if (o.held) {
            held = rate;
            rate = (uint32_t)(rate * step);
        } else if (step > 1.2) {
            step = 1.15;
            rate = held ? (uint32_t)(held * step) : rate / 2;
        } else {
            break;
        }
    }
    return held;
}

/* ---- cost of a message ---- */

struct cost {
    double cpu_us, mallocs;
    bool good;
};

static uint64_t cpu_of(struct sip_side *a, struct sip_side *b)
{
    return bench_thread_cpu_us_of(a->thread) + bench_thread_cpu_us_of(b->thread);
}

static struct cost cost_at(uint32_t in_air, uint32_t rate, double seconds)
{
    struct sip_side *b = sip_side_open(false, 1, NULL, SESSIONS_MAX);
    struct sip_side *a = b ? sip_side_open(true, 0, &b->local, SESSIONS_MAX) : NULL;
    struct cost c = {0};

    if (a) {
        uint64_t limit = bench_now_us() + 60000000;
        sip_side_plan(a, rate, in_air);
        while (atomic_load(&a->in_air) < in_air && bench_now_us() < limit)
            wait_us(2000);
        wait_us(500000);
        uint64_t from = bench_now_us(), cpu = cpu_of(a, b), calls = atomic_load(&a->ended);
        bench_mallocs_start(false);
        while ((double)(bench_now_us() - from) < seconds * 1e6)
            wait_us(5000);
        struct bench_mallocs m = bench_mallocs_stop();
        cpu = cpu_of(a, b) - cpu;
        calls = atomic_load(&a->ended) - calls;
        c.good = calls > 0 && !atomic_load(&a->failed) && atomic_load(&a->in_air) >= in_air;
        /* Both sides' time: each message is written and sent once, received and read once. */
        c.cpu_us = calls ? (double)cpu / (double)(calls * MESSAGES_A_CALL) : 0;
        c.mallocs = calls ? (double)m.calls / (double)(calls * MESSAGES_A_CALL) : 0;
        settle(a, 20000000);
    }
    sip_side_close(a);
    sip_side_close(b);
    return c;
}

static void costs(struct bench *b)
{
    static const uint32_t airs[] = {100, 1000, 10000, 30000};
    double least = 1e9, most = 0, mallocs = 0;
    char name[BENCH_TEXT_MAX];

    for (size_t i = 0; i < sizeof airs / sizeof airs[0]; i++) {
        struct cost c = cost_at(airs[i], 4000, b->seconds);
        if (!c.good)
            bench_fail(b, "sip: calls failed while %u were to be in the air", airs[i]);
        snprintf(name, sizeof name, "message, both sides and the kernel, %u calls in the air",
                 airs[i]);
        bench_add(b, "sip", name, c.cpu_us, "us", BENCH_LOWER);
        least = c.cpu_us < least ? c.cpu_us : least;
        most = c.cpu_us > most ? c.cpu_us : most;
        mallocs = c.mallocs > mallocs ? c.mallocs : mallocs;
    }
    bench_add(b, "sip", "dearest message / cheapest, 100 to 30,000 calls", most / least, "ratio",
              BENCH_LOWER);
    if (bench_mallocs_counted())
        bench_add(b, "sip", "allocations a message", mallocs, "calls", BENCH_LOWER);
    else
        bench_note("sip: allocations are not counted in this build");
}

int bench_sip(struct bench *b)
{
    double seconds = b->seconds;
    char sipp[256];
    uint32_t ours = highest(NULL, seconds);

    if (!ours)
        bench_fail(b, "sip: not even %u calls/s were kept up", RATE_FIRST);
    if (bench_find("sipp", sipp, sizeof sipp)) {
        uint32_t theirs = highest(sipp, seconds);
        bench_add_peer(b, "sip", "calls, no call lost, one core each side", ours, "calls/s",
                       BENCH_HIGHER, "SIPp 3.6", theirs);
    } else {
        bench_add_missing(b, "sip", "calls, no call lost, one core each side", ours, "calls/s",
                          BENCH_HIGHER, "SIPp (apt-get install sip-tester)");
    }
    costs(b);
    return bench_sip_parse(b);
}
