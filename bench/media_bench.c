/* peal-bench media: legs that are received, jitter-buffered, listened to by the detectors and
 * answered with audio, 50 packets/s each way, on one core; beside it a bare io_uring echo of the
 * same packets on the same core in the same run. The generator is a second media room on the other
 * core, which therefore is measured too. What a core can carry is told in two ways: CPU time of a
 * packet (one received and one sent) at a load it bears easily, and the most legs that kept time
 * without loss.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/media_churn.h"
#include "bench/media_echo.h"
#include "bench/media_kit.h"
#include "bench/media_relay.h"
#include "io/limits.h"
#include "media/leg.h"

#define LEGS_MAX       ECHO_LEGS_MAX
#define LATE_LIMIT_US  5000
#define STEP           250 /* legs, in the search for the most */
#define WARM_UP_S      1.5
#define LEGS_DEFAULT   1000
#define ROUNDS_DEFAULT 3
#define ROUNDS_MAX     50

/* One measured run. */
struct scene {
    struct loop loop;
    struct media *engine, *generator;
    struct media_leg *ours[LEGS_MAX], *theirs[LEGS_MAX];
    enum dsp_phase phase;
    bool srtp;
    enum srtp_suite suite;
    uint64_t ours_forged, ours_received, ours_late, ours_lost, theirs_sent, theirs_received, closed;
};

struct figures {
    double pps;        /* packets received by the core a second (as many are sent) */
    double cpu_share;  /* of the core under test */
    double pps_of_cpu; /* packets for a second of CPU time */
    double cpu_us;     /* CPU time of a packet received and one sent */
    double late_p50_us, late_p99_us, generator_p99_us;
    uint64_t forged;
    uint64_t lost, late; /* of the whole run; late: came after their turn to be played */
    uint64_t concealed, starved, send_failed, skipped;
    uint64_t generator_skipped;
    uint64_t mallocs; /* of the whole process while it was measured */
};

static void on_ours(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct scene *s = arg;

    (void)leg;
    if (e->kind != MEDIA_EV_CLOSED)
        return;
    s->ours_received += e->stats->received;
    s->ours_lost += e->stats->lost + e->stats->discarded;
    s->ours_late += e->stats->late;
    s->ours_forged += e->stats->forged + e->stats->replayed + e->stats->unsealed;
    s->closed++;
}

static void on_theirs(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct scene *s = arg;

    (void)leg;
    if (e->kind != MEDIA_EV_CLOSED)
        return;
    s->theirs_sent += e->stats->sent;
    s->theirs_received += e->stats->received;
    s->closed++;
}

static bool open_theirs(struct scene *s, uint32_t i)
{
    const struct media_leg_params p = {.rtcp_mux = true};

    return media_leg_open(s->generator, &p, on_theirs, s, &s->theirs[i]) == OK;
}

static bool open_ours(struct scene *s, uint32_t i)
{
    const struct media_leg_params p = {.detect = true, .rtcp_mux = true};

    if (media_leg_open(s->engine, &p, on_ours, s, &s->ours[i]) != OK ||
        !media_kit_connect(s->ours[i], media_leg_local(s->theirs[i])))
        return false;
    media_leg_phase(s->ours[i], s->phase);
    return true;
}

/* Keys of one leg and its far end, each its own. */
static bool secure(struct scene *s, uint32_t i)
{
    struct srtp_key ours = {.suite = s->suite}, theirs = {.suite = s->suite};

    memcpy(ours.key, &i, sizeof(i));
    memcpy(theirs.key + 4, &i, sizeof(i));
    return !s->srtp || (media_leg_set_keys(s->ours[i], &ours, &theirs) == OK &&
                        media_leg_set_keys(s->theirs[i], &theirs, &ours) == OK);
}

static bool open_echo(struct scene *s, struct echo *e, uint32_t i)
{
    struct addr local;

    return echo_add(e, media_leg_local(s->theirs[i]), &local) &&
           media_kit_connect(s->theirs[i], &local);
}

/* The generator falls silent first, and what is on its way arrives: a leg that is closed reads no
 * more. */
static void close_legs(struct scene *s, uint32_t legs, bool with_ours)
{
    uint64_t limit_us = bench_now_us() + 20000000;

    for (uint32_t i = 0; i < legs; i++) {
        media_leg_mute(s->theirs[i], true);
        if (i % 200 == 0)
            media_kit_run(&s->loop, 0.005);
    }
    media_kit_run(&s->loop, 0.2);
    for (uint32_t i = 0; i < legs; i++) {
        media_leg_close(s->theirs[i]);
        if (with_ours)
            media_leg_close(s->ours[i]);
        if (i % 200 == 0)
            media_kit_run(&s->loop, 0.005);
    }
    while (s->closed < legs * (with_ours ? 2u : 1u) && bench_now_us() < limit_us)
        media_kit_run(&s->loop, 0.01);
}

static void fill_generator(struct scene *s, struct figures *f)
{
    static struct media_metrics m;

    media_metrics(s->generator, &m);
    f->generator_p99_us = (double)hist_quantile(&m.tick_late_us, 0.99);
    f->generator_skipped = m.ticks_skipped;
}

/* The engine under `legs` legs. suite NULL: plain RTP. */
static bool run_secure(uint32_t legs, enum dsp_phase phase, const enum srtp_suite *suite,
                       double seconds, struct figures *f)
{
    static struct media_metrics before, after;
    struct scene *s = calloc(1, sizeof(*s));
    bool ok = false;

    memset(f, 0, sizeof(*f));
    if (!s || loop_init(&s->loop, NULL) != OK)
        return false;
    s->phase = phase;
    s->srtp = suite != NULL;
    s->suite = suite ? *suite : 0;
    s->engine = media_kit_open(&s->loop, ENGINE_CORE, 1, ENGINE_PORTS, legs);
    s->generator = media_kit_open(&s->loop, GENERATOR_CORE, 1, GENERATOR_PORTS, legs);
    const struct sound *hello = s->engine ? media_kit_speech(s->engine) : NULL;
    const struct sound *theirs = s->generator ? media_kit_speech(s->generator) : NULL;

    for (uint32_t i = 0; hello && theirs && i < legs; i++) {
        ok = open_theirs(s, i) && open_ours(s, i) && secure(s, i) &&
             media_leg_play(s->ours[i], hello, true, 0) == OK &&
             media_leg_play(s->theirs[i], theirs, true, 0) == OK;
        if (!ok)
            break;
        if (i % 50 == 0)
            media_kit_run(&s->loop, 0.004);
    }
    /* The generator begins when our side listens: what comes earlier is dropped by design. */
    media_kit_run(&s->loop, 0.05);
    for (uint32_t i = 0; ok && i < legs; i++) {
        ok = media_kit_connect(s->theirs[i], media_leg_local(s->ours[i]));
        if (i % 50 == 0)
            media_kit_run(&s->loop, 0.004);
    }
    if (ok) {
        media_kit_run(&s->loop, WARM_UP_S);
        media_metrics_restart(s->engine);
        media_metrics_restart(s->generator);
        media_kit_run(&s->loop, 0.6);
        media_metrics(s->engine, &before);
        bench_mallocs_start(false);
        media_kit_run(&s->loop, seconds);
        f->mallocs = bench_mallocs_stop().calls;
        media_metrics(s->engine, &after);
        fill_generator(s, f);
        double wall_us = (double)(after.at_us - before.at_us);
        double cpu_us = (double)(after.cpu_us - before.cpu_us);
        double packets = (double)(after.rtp_received - before.rtp_received);

        f->pps = packets * 1e6 / wall_us;
        f->cpu_share = cpu_us / wall_us;
        f->pps_of_cpu = packets * 1e6 / cpu_us;
        f->cpu_us = cpu_us / packets;
        f->late_p50_us = (double)hist_quantile(&after.tick_late_us, 0.5);
        f->late_p99_us = (double)hist_quantile(&after.tick_late_us, 0.99);
        f->concealed = after.concealed - before.concealed;
        f->starved = after.receive_starved;
        f->send_failed = after.send_failed - before.send_failed;
        f->skipped = after.ticks_skipped;
        close_legs(s, legs, true);
        f->late = s->ours_late;
        f->forged = s->ours_forged;
        f->lost = s->ours_lost +
                  (s->theirs_sent > s->ours_received ? s->theirs_sent - s->ours_received : 0);
    }
    if (hello)
        sound_unref(hello);
    if (theirs)
        sound_unref(theirs);
    media_close(s->engine);
    media_close(s->generator);
    loop_fini(&s->loop);
    free(s);
    return ok;
}

static bool run_engine(uint32_t legs, enum dsp_phase phase, double seconds, struct figures *f)
{
    return run_secure(legs, phase, NULL, seconds, f);
}

/* The bare echo under the same packets. */
static bool run_echo(uint32_t legs, double seconds, enum echo_way way, struct figures *f)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct echo *e = echo_new(way, ENGINE_CORE);
    bool ok = false;

    memset(f, 0, sizeof(*f));
    if (!s || !e || loop_init(&s->loop, NULL) != OK)
        return false;
    s->generator = media_kit_open(&s->loop, GENERATOR_CORE, 1, GENERATOR_PORTS, legs);
    const struct sound *theirs = s->generator ? media_kit_speech(s->generator) : NULL;

    for (uint32_t i = 0; theirs && i < legs; i++) {
        ok = open_theirs(s, i) && open_echo(s, e, i) &&
             media_leg_play(s->theirs[i], theirs, true, 0) == OK;
        if (!ok)
            break;
        if (i % 50 == 0)
            media_kit_run(&s->loop, 0.004);
    }
    if (ok && echo_start(e)) {
        media_kit_run(&s->loop, WARM_UP_S);
        media_metrics_restart(s->generator);
        media_kit_run(&s->loop, 0.6);
        uint64_t t0 = bench_now_us(), n0 = echo_packets(e), c0 = echo_cpu_us(e);

        media_kit_run(&s->loop, seconds);
        double wall_us = (double)(bench_now_us() - t0);
        double packets = (double)(echo_packets(e) - n0);
        double cpu_us = (double)(echo_cpu_us(e) - c0);

        fill_generator(s, f);
        f->pps = packets * 1e6 / wall_us;
        f->cpu_share = cpu_us / wall_us;
        f->pps_of_cpu = packets * 1e6 / cpu_us;
        f->cpu_us = cpu_us / packets;
        close_legs(s, legs, false);
        f->lost = s->theirs_sent > s->theirs_received ? s->theirs_sent - s->theirs_received : 0;
    }
    echo_free(e);
    if (theirs)
        sound_unref(theirs);
    media_close(s->generator);
    loop_fini(&s->loop);
    free(s);
    return ok;
}

static void note(const char *who, uint32_t legs, const struct figures *f)
{
    bench_note(
        "media: %s, %u legs: %.0f packets/s, %.0f %% of the core, %.2f CPU us a packet, late "
        "p50 %.0f p99 %.0f us, generator p99 %.0f us, lost %llu, late %llu, concealed %llu, "
        "skipped "
        "%llu, send failed %llu",
        who, legs, f->pps, f->cpu_share * 100.0, f->cpu_us, f->late_p50_us, f->late_p99_us,
        f->generator_p99_us, (unsigned long long)f->lost, (unsigned long long)f->late,
        (unsigned long long)f->concealed, (unsigned long long)f->skipped,
        (unsigned long long)f->send_failed);
}

enum { ALL_DETECTORS, OF_TALK, NO_DETECTORS, PHASES };
static const struct {
    enum dsp_phase phase;
    const char *name, *option;
} cases[PHASES] = {{DSP_ANSWERED, "all detectors", "all"},
                   {DSP_TALK, "detectors of talk", "talk"},
                   {DSP_OFF, "no detectors", "none"}};

/* What the rounds of a comparison gave. */
struct rounds {
    uint32_t count;
    double engine_us[PHASES][ROUNDS_MAX], echo_us[ECHO_WAYS][ROUNDS_MAX]; /* CPU of a packet */
    double late_p99_us[ROUNDS_MAX], generator_p99_us[ROUNDS_MAX];
    uint64_t lost, mallocs;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(const double *of, uint32_t n)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, of, n * sizeof(*of));
    qsort(sorted, n, sizeof(*sorted), by_size);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* The peer is the better of the echoes that answer at once. */
static double peer_us(const struct rounds *r, uint32_t round)
{
    double a = r->echo_us[ECHO_AT_ONCE][round], b = r->echo_us[ECHO_BATCHED][round];

    return a < b ? a : b;
}

static bool run_round(struct bench *b, uint32_t legs, struct rounds *r)
{
    uint32_t i = r->count++;
    struct figures f;

    for (int p = 0; p < PHASES; p++) {
        if (!run_engine(legs, cases[p].phase, b->seconds, &f)) {
            bench_fail(b, "media: %u legs could not be opened; raise ulimit -n", legs);
            return false;
        }
        note(cases[p].name, legs, &f);
        r->engine_us[p][i] = f.cpu_us;
        r->lost += f.lost;
        r->mallocs += f.mallocs;
        if (p == ALL_DETECTORS) {
            r->late_p99_us[i] = f.late_p99_us;
            r->generator_p99_us[i] = f.generator_p99_us;
        }
    }
    for (enum echo_way way = 0; way < ECHO_WAYS; way++) {
        if (!run_echo(legs, b->seconds, way, &f)) {
            bench_fail(b, "media: the echo of %u legs could not be opened; raise ulimit -n", legs);
            return false;
        }
        note(echo_way_name(way), legs, &f);
        r->echo_us[way][i] = f.cpu_us;
    }
    return true;
}

static void add_rows(struct bench *b, uint32_t legs, const struct rounds *r)
{
    static const char peer[] = "bare io_uring echo";
    double ratio[ROUNDS_MAX], echo[ROUNDS_MAX],
        by_clock = median(r->echo_us[ECHO_BY_CLOCK], r->count);
    char name[BENCH_TEXT_MAX];

    for (uint32_t i = 0; i < r->count; i++)
        echo[i] = peer_us(r, i);
    double echo_us = median(echo, r->count);

    for (int p = 0; p < PHASES; p++) {
        double us = median(r->engine_us[p], r->count);

        for (uint32_t i = 0; i < r->count; i++)
            ratio[i] = echo[i] / r->engine_us[p][i];
        snprintf(name, sizeof(name), "%u legs, %s, a CPU second", legs, cases[p].name);
        bench_add_peer(b, "media", name, 1e6 / us, "packets/s", BENCH_HIGHER, peer, 1e6 / echo_us);
        snprintf(name, sizeof(name), "%u legs, %s, CPU of a packet", legs, cases[p].name);
        bench_add_peer(b, "media", name, us, "us", BENCH_LOWER, peer, echo_us);
        snprintf(name, sizeof(name), "%u legs, %s, median of the rounds' ratios", legs,
                 cases[p].name);
        bench_add(b, "media", name, median(ratio, r->count), "", BENCH_HIGHER);
    }
    snprintf(name, sizeof(name), "%u legs, %s, CPU of a packet", legs, cases[0].name);
    bench_add_peer(b, "media", name, median(r->engine_us[0], r->count), "us", BENCH_LOWER,
                   "bare echo by the clock", by_clock);
    snprintf(name, sizeof(name), "%u legs, tick lateness p99", legs);
    bench_add(b, "media", name, median(r->late_p99_us, r->count), "us", BENCH_LOWER);
    snprintf(name, sizeof(name), "%u legs, generator lateness p99", legs);
    bench_add(b, "media", name, median(r->generator_p99_us, r->count), "us", BENCH_LOWER);
    snprintf(name, sizeof(name), "%u legs, packets lost in the engine", legs);
    bench_add(b, "media", name, (double)r->lost, "packets", BENCH_LOWER);
    if (bench_mallocs_counted())
        bench_add(b, "media", "allocations while packets flow", (double)r->mallocs, "calls",
                  BENCH_LOWER);
}

/* Engine and echo in turn, so that a slow moment of the machine meets both; the medians of all
 * rounds. */
static void compare(struct bench *b, uint32_t legs, uint32_t rounds)
{
    static struct rounds r;

    r.count = 0;
    while (r.count < rounds)
        if (!run_round(b, legs, &r))
            return;
    add_rows(b, legs, &r);
    if (r.mallocs)
        bench_fail(b, "media: %llu allocations on the packet path", (unsigned long long)r.mallocs);
    if (legs <= 1000 && r.lost)
        bench_fail(b, "media: %llu packets lost at %u legs", (unsigned long long)r.lost, legs);
}

/* All detectors with SRTP and without it, and the bare echo of plain RTP, in turn. */
static void compare_srtp(struct bench *b, enum srtp_suite suite, uint32_t legs, uint32_t rounds)
{
    double sealed[ROUNDS_MAX], plain[ROUNDS_MAX], echo[ROUNDS_MAX], late[ROUNDS_MAX];
    const char *suite_name = srtp_suite_info[suite].name;
    uint64_t lost = 0, forged = 0, mallocs = 0;
    char name[BENCH_TEXT_MAX];
    struct figures f;

    for (uint32_t i = 0; i < rounds; i++) {
        if (!run_secure(legs, DSP_ANSWERED, &suite, b->seconds, &f)) {
            bench_fail(b, "media: %u legs could not be opened; raise ulimit -n", legs);
            return;
        }
        note(suite_name, legs, &f);
        sealed[i] = f.cpu_us;
        late[i] = f.late_p99_us;
        lost += f.lost;
        forged += f.forged;
        mallocs += f.mallocs;
        if (!run_engine(legs, DSP_ANSWERED, b->seconds, &f))
            return;
        note("plain", legs, &f);
        plain[i] = f.cpu_us;
        if (!run_echo(legs, b->seconds, ECHO_AT_ONCE, &f))
            return;
        note(echo_way_name(ECHO_AT_ONCE), legs, &f);
        echo[i] = f.cpu_us;
    }
    double us = median(sealed, rounds);

    snprintf(name, sizeof(name), "%u legs, %s, all detectors, CPU of a packet", legs, suite_name);
    bench_add_peer(b, "media", name, us, "us", BENCH_LOWER, "the same in clear",
                   median(plain, rounds));
    bench_add_peer(b, "media", name, us, "us", BENCH_LOWER, "bare io_uring echo",
                   median(echo, rounds));
    snprintf(name, sizeof(name), "%u legs, %s, tick lateness p99", legs, suite_name);
    bench_add(b, "media", name, median(late, rounds), "us", BENCH_LOWER);
    snprintf(name, sizeof(name), "%u legs, %s, packets lost in the engine", legs, suite_name);
    bench_add(b, "media", name, (double)lost, "packets", BENCH_LOWER);
    if (forged)
        bench_fail(b, "media: %llu packets did not open or could not be sealed",
                   (unsigned long long)forged);
    if (mallocs)
        bench_fail(b, "media: %llu allocations on the packet path", (unsigned long long)mallocs);
}

/* One case over and over, for a profiler. */
static void repeat(struct bench *b, const char *name, uint32_t legs, uint32_t rounds)
{
    struct figures f;

    for (uint32_t i = 0; i < rounds; i++) {
        bool known = false;

        for (int p = 0; p < PHASES; p++)
            if (strcmp(name, cases[p].option) == 0) {
                known = run_engine(legs, cases[p].phase, b->seconds, &f);
                note(cases[p].name, legs, &f);
            }
        if (strcmp(name, "echo") == 0) {
            known = run_echo(legs, b->seconds, ECHO_AT_ONCE, &f);
            note(echo_way_name(ECHO_AT_ONCE), legs, &f);
        }
        if (!known) {
            bench_fail(b, "media: --case takes all, talk, none, echo or churn");
            return;
        }
    }
}

/* Did the generator keep its own plan? If not, the other side was not judged. */
static bool generator_kept_time(const struct figures *f)
{
    return f->generator_skipped == 0 && f->generator_p99_us < LATE_LIMIT_US;
}

/* The most legs, in steps, that kept time without loss; then the lateness at 70 % of them. */
static void most_legs(struct bench *b)
{
    uint32_t best = 0, best_echo = 0;
    struct figures f;

    for (uint32_t legs = 1000; legs <= LEGS_MAX; legs += STEP) {
        bool ok = run_engine(legs, DSP_ANSWERED, b->seconds, &f);

        note("engine", legs, &f);
        if (!ok || f.late_p99_us >= LATE_LIMIT_US || f.lost || !generator_kept_time(&f))
            break;
        best = legs;
    }
    /* Up from there, or down to what it can do. */
    for (uint32_t legs = best > 1000 ? best : 1000; legs >= STEP && legs <= LEGS_MAX;) {
        bool ok =
            run_echo(legs, b->seconds, ECHO_AT_ONCE, &f) && !f.lost && generator_kept_time(&f);

        note("bare echo", legs, &f);
        if (ok) {
            bool came_down = best_echo == 0 && legs < best;

            best_echo = legs;
            if (came_down)
                break;
        } else if (best_echo) {
            break;
        }
        legs = ok ? legs + STEP : legs - STEP;
    }
    bench_add_peer(b, "media", "most legs in time without loss", best, "legs", BENCH_HIGHER,
                   "bare io_uring echo", best_echo);
    if (best && run_engine(best * 7 / 10, DSP_ANSWERED, b->seconds, &f)) {
        note("engine at 70 %", best * 7 / 10, &f);
        bench_add(b, "media", "tick lateness p99 at 70 % of the most legs", f.late_p99_us, "us",
                  BENCH_LOWER);
        if (f.late_p99_us >= LATE_LIMIT_US)
            bench_fail(b, "media: ticks are %.0f us late at 70 %% of the maximum", f.late_p99_us);
    }
}

int bench_media(struct bench *b)
{
    const char *text = bench_option(b, "rounds"), *only = bench_option(b, "case");
    long rounds = text ? strtol(text, NULL, 10) : ROUNDS_DEFAULT;
    const char *legs_text = bench_option(b, "legs");
    long legs = legs_text ? strtol(legs_text, NULL, 10) : LEGS_DEFAULT;
    uint64_t files;

    if (legs < 1 || legs > LEGS_MAX) {
        bench_fail(b, "media: --legs takes 1 to %d, not \"%s\"", LEGS_MAX, legs_text);
        return 1;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        bench_fail(b, "media: --rounds takes 1 to %d, not \"%s\"", ROUNDS_MAX, text);
        return 1;
    }

    bench_add(b, "media", "idle leg", (double)media_leg_bytes_idle(), "bytes", BENCH_LOWER);
    bench_add(b, "media", "active leg, no recording", (double)media_leg_bytes_active(), "bytes",
              BENCH_LOWER);
    if (limits_raise_files(4 * LEGS_MAX, &files) != OK)
        bench_note("media: %llu open files permitted", (unsigned long long)files);
    if (bench_cores() < 2)
        bench_note("media: one core for engine and generator: figures are of both together");
    const char *suite_name = bench_option(b, "srtp");
    enum srtp_suite suite;

    if (suite_name && !srtp_suite_find(slice_cstr(suite_name), &suite)) {
        bench_fail(b,
                   "media: --srtp takes AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, "
                   "AEAD_AES_128_GCM or AEAD_AES_256_GCM, not \"%s\"",
                   suite_name);
        return 1;
    }
    struct relay_options relay;

    if (!relay_options_read(b, &relay))
        return 1;
    relay.legs = (uint32_t)legs;
    relay.rounds = (uint32_t)rounds;
    if (suite_name)
        relay.suite = suite;
    if (!only)
        bench_media_relay(b, &relay);
    if (relay.alone)
        return 0;
    if (suite_name) {
        compare_srtp(b, suite, (uint32_t)legs, (uint32_t)rounds);
        return 0;
    }
    if (only && strcmp(only, "churn") == 0) {
        bench_media_churn(b);
        return 0;
    }
    if (only) {
        repeat(b, only, (uint32_t)legs, (uint32_t)rounds);
        return 0;
    }
    compare(b, (uint32_t)legs, (uint32_t)rounds);
    if (!getenv("PEAL_BENCH_BRIEF"))
        most_legs(b);
    return 0;
}
