/* Rounds of the same packets through each relay in turn; rows are the medians of the rounds'
 * figures and each is compared with the bare relay of its own round. */
#include "bench/media_relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/media_echo.h"
#include "bench/media_kit.h"
#include "bench/media_rtpengine.h"

#define WARM_UP_S  1.5
#define ROUNDS_MAX 50
#define LEGS_MAX   ECHO_LEGS_MAX
#define PATH_BYTES 192

/* The bare relay is the better of two: woken for each packet, or for a millisecond's. */
enum {
    RELAY_BARE,
    RELAY_DETECT,
    RELAY_SEALED,
    RELAY_OWN,
    RELAY_SHARED,
    RELAY_RTPENGINE,
    RELAYS,
    RELAY_BATCHED = RELAYS
};

struct relay_scene {
    struct loop loop;
    struct media *engine, *generator;
    struct media_leg *ours[LEGS_MAX], *theirs[LEGS_MAX];
    struct addr far[LEGS_MAX]; /* where each of the generator's legs sends */
    struct echo *bare;
    struct rtpengine rtpengine;
    char folder[PATH_BYTES]; /* of recordings; "" when there are none */
    uint64_t sent, received, recorded, record_failures, closed;
    uint32_t recordings;
};

struct relay_figures {
    double us, share, late_p99_us, pps; /* CPU of a packet, of its core; packets a second */
    double lost_share;
    uint64_t record_failures;
};

static const char *const names[RELAYS] = {"relay bare",          "echo/relay detect",
                                          "relay srtp+record",   "relay own sockets",
                                          "relay shared socket", "rtpengine"};

static void on_ours(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct relay_scene *s = arg;

    (void)leg;
    if (e->kind == MEDIA_EV_RECORDED) {
        s->recorded++;
        s->record_failures += e->err != OK;
    }
    s->closed += e->kind == MEDIA_EV_CLOSED;
}

static void on_theirs(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct relay_scene *s = arg;

    (void)leg;
    if (e->kind != MEDIA_EV_CLOSED)
        return;
    s->sent += e->stats->sent;
    s->received += e->stats->received;
    s->closed++;
}

/* ---- the relays ---- */

static bool open_bare(struct relay_scene *s, uint32_t legs, enum echo_way way)
{
    s->bare = echo_new(way, ENGINE_CORE);
    for (uint32_t i = 0; s->bare && i < legs; i++)
        if (!echo_add(s->bare, media_leg_local(s->theirs[i]), &s->far[i]))
            return false;
    if (!s->bare)
        return false;
    echo_relay(s->bare);
    return echo_start(s->bare);
}

static bool seal(struct relay_scene *s, uint32_t i, enum srtp_suite suite)
{
    struct srtp_key ours = {.suite = suite}, theirs = {.suite = suite};

    memcpy(ours.key, &i, sizeof(i));
    memcpy(theirs.key + 4, &i, sizeof(i));
    return media_leg_set_keys(s->ours[i], &ours, &theirs) == OK &&
           media_leg_set_keys(s->theirs[i], &theirs, &ours) == OK;
}

static bool record(struct relay_scene *s, uint32_t i, bool opus)
{
    char path[PATH_BYTES + 32];

    snprintf(path, sizeof(path), "%s/%u.%s", s->folder, i, opus ? "ogg" : "wav");
    const struct media_record how = {
        .path = path, .stereo = true, .format = opus ? RECORD_OPUS : RECORD_WAV};

    s->recordings++;
    return media_leg_record(s->ours[i], &how) == OK;
}

static bool make_folder(struct relay_scene *s)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(s->folder, sizeof(s->folder), "%.150s/peal-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (mkdtemp(s->folder))
        return true;
    bench_note("media: no folder for recordings in %s: %s", tmp ? tmp : "/tmp", strerror(errno));
    s->folder[0] = '\0';
    return false;
}

/* The generator has the same kind of sockets. */
static bool point_ours(struct relay_scene *s, int which, uint32_t i)
{
    return which == RELAY_SHARED ? media_kit_connect_shared(s->ours[i], s->theirs[i])
                                 : media_kit_connect(s->ours[i], media_leg_local(s->theirs[i]));
}

static bool open_engine(struct relay_scene *s, int which, const struct relay_options *o)
{
    bool sealed = which == RELAY_SEALED, passes_only = which == RELAY_OWN || which == RELAY_SHARED;
    bool detect = o->detect && !passes_only;
    const struct media_leg_params p = {.detect = detect, .rtcp_mux = true};

    if (sealed && !make_folder(s))
        return false;
    s->engine = which == RELAY_SHARED
                    ? media_kit_open_shared(&s->loop, ENGINE_CORE, ENGINE_PORTS, o->legs)
                    : media_kit_open(&s->loop, ENGINE_CORE, o->workers, ENGINE_PORTS, o->legs);
    for (uint32_t i = 0; i < o->legs; i++) {
        if (!s->engine || media_leg_open(s->engine, &p, on_ours, s, &s->ours[i]) != OK ||
            (sealed && !seal(s, i, o->suite)) || !point_ours(s, which, i))
            return false;
        s->far[i] = *media_leg_local(s->ours[i]);
        if (i % 2 &&
            (media_bridge(s->ours[i - 1], s->ours[i]) != OK || (sealed && !record(s, i, o->opus))))
            return false;
        if (detect)
            media_leg_phase(s->ours[i], DSP_TALK);
        if (i % 50 == 0)
            media_kit_run(&s->loop, 0.004);
    }
    return true;
}

static bool open_rtpengine(struct relay_scene *s, uint32_t legs)
{
    if (!rtpengine_start(&s->rtpengine, ENGINE_CORE))
        return false;
    for (uint32_t i = 0; i + 1 < legs; i += 2)
        if (!rtpengine_pair(&s->rtpengine, i, media_leg_local(s->theirs[i]),
                            media_leg_local(s->theirs[i + 1]), &s->far[i], &s->far[i + 1]))
            return false;
    return true;
}

static bool open_generator(struct relay_scene *s, int which, uint32_t legs)
{
    const struct media_leg_params p = {.rtcp_mux = true};

    s->generator = which == RELAY_SHARED
                       ? media_kit_open_shared(&s->loop, GENERATOR_CORE, GENERATOR_PORTS, legs)
                       : media_kit_open(&s->loop, GENERATOR_CORE, 1, GENERATOR_PORTS, legs);
    for (uint32_t i = 0; i < legs; i++)
        if (!s->generator || media_leg_open(s->generator, &p, on_theirs, s, &s->theirs[i]) != OK)
            return false;
    return true;
}

static bool open_relay(struct relay_scene *s, int which, const struct relay_options *o)
{
    switch (which) {
    case RELAY_BARE:
        return open_bare(s, o->legs, ECHO_AT_ONCE);
    case RELAY_BATCHED:
        return open_bare(s, o->legs, ECHO_BATCHED);
    case RELAY_RTPENGINE:
        return open_rtpengine(s, o->legs);
    default:
        return open_engine(s, which, o);
    }
}

static bool begin(struct relay_scene *s, int which, uint32_t legs)
{
    const struct sound *speech = media_kit_speech(s->generator);
    bool ok = speech != NULL;

    for (uint32_t i = 0; ok && i < legs; i++) {
        ok = (which == RELAY_SHARED ? media_kit_connect_shared(s->theirs[i], s->ours[i])
                                    : media_kit_connect(s->theirs[i], &s->far[i])) &&
             media_leg_play(s->theirs[i], speech, true, 0) == OK;
        if (i % 50 == 0)
            media_kit_run(&s->loop, 0.004);
    }
    if (speech)
        sound_unref(speech);
    return ok;
}

/* ---- measuring ---- */

/* What the relay has done so far: packets in, CPU time. */
static void look(struct relay_scene *s, uint64_t *packets, uint64_t *cpu_us, uint64_t *at_us)
{
    static struct media_metrics m;

    *at_us = bench_now_us();
    if (s->bare) {
        *packets = echo_packets(s->bare);
        *cpu_us = echo_cpu_us(s->bare);
    } else if (s->engine) {
        media_metrics(s->engine, &m);
        *packets = m.rtp_received;
        *cpu_us = m.cpu_us;
        *at_us = m.at_us;
    } else { /* the generator's word: what came out of it */
        media_metrics(s->generator, &m);
        *packets = m.rtp_received;
        *cpu_us = rtpengine_cpu_us(&s->rtpengine);
    }
}

/* The generator falls silent first, and what is on its way arrives. */
static void end(struct relay_scene *s, uint32_t legs)
{
    uint64_t limit_us = bench_now_us() + 20000000, wanted = legs * (s->engine ? 2u : 1u);

    for (uint32_t i = 0; i < legs; i++) {
        media_leg_mute(s->theirs[i], true);
        if (i % 200 == 0)
            media_kit_run(&s->loop, 0.005);
    }
    media_kit_run(&s->loop, 0.3);
    for (uint32_t i = 0; i < legs; i++) {
        media_leg_close(s->theirs[i]);
        if (s->engine)
            media_leg_close(s->ours[i]);
        if (i % 200 == 0)
            media_kit_run(&s->loop, 0.005);
    }
    while (s->closed < wanted && bench_now_us() < limit_us)
        media_kit_run(&s->loop, 0.01);
}

static void remove_folder(const struct relay_scene *s, uint32_t legs)
{
    char path[PATH_BYTES + 32];

    if (!s->folder[0])
        return;
    for (uint32_t i = 0; i < legs; i++) {
        snprintf(path, sizeof(path), "%s/%u.wav", s->folder, i);
        unlink(path);
    }
    rmdir(s->folder);
}

static void measure(struct relay_scene *s, double seconds, struct relay_figures *f)
{
    static struct media_metrics m;
    uint64_t packets[2], cpu_us[2], at_us[2];

    media_kit_run(&s->loop, WARM_UP_S);
    if (s->engine)
        media_metrics_restart(s->engine);
    media_kit_run(&s->loop, 0.6);
    look(s, &packets[0], &cpu_us[0], &at_us[0]);
    media_kit_run(&s->loop, seconds);
    look(s, &packets[1], &cpu_us[1], &at_us[1]);

    double n = (double)(packets[1] - packets[0]), wall = (double)(at_us[1] - at_us[0]);

    f->us = (double)(cpu_us[1] - cpu_us[0]) / n;
    f->share = (double)(cpu_us[1] - cpu_us[0]) / wall;
    f->pps = n * 1e6 / wall;
    if (s->engine) {
        media_metrics(s->engine, &m);
        f->late_p99_us = (double)hist_quantile(&m.tick_late_us, 0.99);
    }
}

static bool run_relay(int which, const struct relay_options *o, double seconds,
                      struct relay_figures *f)
{
    struct relay_scene *s = calloc(1, sizeof(*s));

    memset(f, 0, sizeof(*f));
    if (!s || loop_init(&s->loop, NULL) != OK) {
        free(s);
        return false;
    }
    s->rtpengine.control = -1;
    bool ok =
        open_generator(s, which, o->legs) && open_relay(s, which, o) && begin(s, which, o->legs);

    if (ok) {
        measure(s, seconds, f);
        end(s, o->legs);
        f->record_failures = s->record_failures + (s->recordings - s->recorded);
        f->lost_share =
            s->sent > s->received ? (double)(s->sent - s->received) / (double)s->sent : 0;
    }
    rtpengine_stop(&s->rtpengine);
    echo_free(s->bare);
    media_close(s->generator);
    media_close(s->engine);
    remove_folder(s, o->legs);
    loop_fini(&s->loop);
    free(s);
    return ok;
}

/* ---- rows ---- */

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

struct relay_rounds {
    double us[RELAYS][ROUNDS_MAX], late_us[RELAYS][ROUNDS_MAX], lost[RELAYS][ROUNDS_MAX];
    uint64_t record_failures;
};

static void add_rows(struct bench *b, const struct relay_options *o, const struct relay_rounds *r,
                     bool rtpengine)
{
    char name[BENCH_TEXT_MAX];
    double bare = median(r->us[RELAY_BARE], o->rounds), ratio[ROUNDS_MAX];

    for (int k = 0; k < RELAYS; k++) {
        double us = median(r->us[k], o->rounds);

        if (k == RELAY_RTPENGINE && !rtpengine) {
            bench_add_missing(b, "media", "rtpengine (not installed: tools/setup bench)", 0,
                              "packets/s", BENCH_HIGHER, "rtpengine-daemon");
            continue;
        }
        bench_add_peer(b, "media", names[k], 1e6 / us, "packets/CPU s", BENCH_HIGHER,
                       names[RELAY_BARE], 1e6 / bare);
        for (uint32_t i = 0; i < o->rounds; i++)
            ratio[i] = r->us[RELAY_BARE][i] / r->us[k][i];
        snprintf(name, sizeof(name), "%s, median of the rounds' ratios", names[k]);
        if (k != RELAY_BARE)
            bench_add(b, "media", name, median(ratio, o->rounds), "", BENCH_HIGHER);
        snprintf(name, sizeof(name), "%s, %u legs, lost", names[k], o->legs);
        bench_add(b, "media", name, 100 * median(r->lost[k], o->rounds), "%", BENCH_LOWER);
        snprintf(name, sizeof(name), "%s, %u legs, tick lateness p99", names[k], o->legs);
        if (k == RELAY_DETECT || k == RELAY_SEALED)
            bench_add(b, "media", name, median(r->late_us[k], o->rounds), "us", BENCH_LOWER);
        snprintf(name, sizeof(name), "%s, CPU of a packet", names[k]);
        if (k == RELAY_SHARED)
            bench_add_peer(b, "media", name, us, "us", BENCH_LOWER, names[RELAY_OWN],
                           median(r->us[RELAY_OWN], o->rounds));
        if (rtpengine && (k == RELAY_DETECT || k == RELAY_SEALED))
            bench_add_peer(b, "media", name, us, "us", BENCH_LOWER, "rtpengine",
                           median(r->us[RELAY_RTPENGINE], o->rounds));
    }
}

void bench_media_relay(struct bench *b, const struct relay_options *options)
{
    static struct relay_rounds r;
    struct relay_options o = *options;
    struct relay_figures f, batched;
    bool rtpengine = rtpengine_installed();

    o.legs += o.legs % 2;
    memset(&r, 0, sizeof(r));
    for (uint32_t i = 0; i < o.rounds; i++)
        for (int k = 0; k < RELAYS; k++) {
            if (k == RELAY_RTPENGINE && !rtpengine)
                continue;
            if (!run_relay(k, &o, b->seconds, &f)) {
                bench_fail(b, "media: %s of %u legs could not be opened", names[k], o.legs);
                return;
            }
            if (k == RELAY_BARE && run_relay(RELAY_BATCHED, &o, b->seconds, &batched) &&
                batched.us < f.us)
                f = batched;
            bench_note("media: %s, %u legs: %.0f packets/s, %.0f %% of the core, %.2f CPU us a "
                       "packet, late p99 %.0f us, lost %.2f %%",
                       names[k], o.legs, f.pps, f.share * 100, f.us, f.late_p99_us,
                       f.lost_share * 100);
            r.us[k][i] = f.us;
            r.late_us[k][i] = f.late_p99_us;
            r.lost[k][i] = f.lost_share;
            r.record_failures += f.record_failures;
        }
    add_rows(b, &o, &r, rtpengine);
    if (r.record_failures)
        bench_fail(b, "media: %llu recordings failed", (unsigned long long)r.record_failures);
}

/* ---- options ---- */

bool relay_options_read(struct bench *b, struct relay_options *out)
{
    const char *record = bench_option(b, "record"), *detect = bench_option(b, "detect"),
               *workers = bench_option(b, "workers");
    long n = workers ? strtol(workers, NULL, 10) : 1;

    *out = (struct relay_options){.workers = (uint32_t)n,
                                  .detect = !detect || strcmp(detect, "off") != 0,
                                  .alone = record || detect || workers,
                                  .suite = SRTP_AES_CM_128_HMAC_SHA1_80};
    if (n < 1 || n > MEDIA_WORKERS_MAX) {
        bench_fail(b, "media: --workers takes 1 to %d, not \"%s\"", MEDIA_WORKERS_MAX, workers);
        return false;
    }
    if (detect && strcmp(detect, "on") != 0 && strcmp(detect, "off") != 0) {
        bench_fail(b, "media: --detect takes on or off, not \"%s\"", detect);
        return false;
    }
    out->opus = record && strcmp(record, "opus") == 0;
    if (record && !out->opus && strcmp(record, "wav") != 0) {
        bench_fail(b, "media: --record takes wav or opus, not \"%s\"", record);
        return false;
    }
    return true;
}
