/* peal-bench media: legs that are received, jitter-buffered, listened to by the detectors and
 * answered with audio, 50 packets/s each way, on one core; beside it a bare io_uring echo of the
 * same packets on the same core in the same run. The generator is a second media room on the other
 * core, which therefore is measured too. What a core can carry is told in two ways: packets for a
 * second of its CPU time at a load it bears easily, and the most legs that kept time without loss.
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "io/bufring.h"
#include "io/limits.h"
#include "media/leg.h"

#define LEGS_MAX        6000
#define LATE_LIMIT_US   5000
#define ENGINE_CORE     0
#define GENERATOR_CORE  1
#define ENGINE_PORTS    20000 /* two ports a leg, up to 32000 */
#define GENERATOR_PORTS 34000
#define ECHO_BUFFERS    4096
#define ECHO_BYTES      256
#define STEP            250 /* legs, in the search for the most */
#define WARM_UP_S       1.5

/* The bare echo. */
struct echo_leg {
    struct loop_op op;
    struct echo *echo;
    int fd;
};

struct echo {
    struct loop loop;
    struct bufring buffers;
    struct loop_op send_op;
    struct echo_leg leg[LEGS_MAX];
    uint16_t held[ECHO_BUFFERS];
    uint32_t held_count, legs;
    bool batched; /* waits for a millisecond's packets, as the engine does, instead of for one */
    pthread_t thread;
    _Atomic uint32_t stop;
    _Atomic uint64_t echoed, cpu_us;
};

static void echo_arm(struct echo_leg *l)
{
    struct io_uring_sqe *sqe = loop_sqe(&l->echo->loop, &l->op);

    io_uring_prep_recv_multishot(sqe, l->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = l->echo->buffers.group;
}

static void echo_received(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct echo_leg *l = container_of(op, struct echo_leg, op);
    struct echo *e = l->echo;

    if (res > 0 && cqe_flags & IORING_CQE_F_BUFFER) {
        uint16_t id = bufring_id(cqe_flags);
        struct io_uring_sqe *sqe = loop_sqe(&e->loop, &e->send_op);

        e->loop.inflight--;
        io_uring_prep_send(sqe, l->fd, bufring_at(&e->buffers, id), (size_t)res, MSG_DONTWAIT);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        e->held[e->held_count++] = id;
        atomic_fetch_add_explicit(&e->echoed, 1, memory_order_relaxed);
        if (e->held_count > ECHO_BUFFERS / 2) {
            io_uring_submit(&e->loop.ring);
            while (e->held_count)
                bufring_put(&e->buffers, e->held[--e->held_count]);
        }
    }
    if (!(cqe_flags & IORING_CQE_F_MORE) && !atomic_load(&e->stop) && res != -ECANCELED)
        echo_arm(l);
}

static void echo_send_failed(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct echo *e = container_of(op, struct echo, send_op);

    (void)res;
    (void)cqe_flags;
    e->loop.inflight++;
}

static void echo_wait(struct echo *e)
{
    struct __kernel_timespec ts = {.tv_nsec = 1000000};
    struct io_uring_cqe *cqe;

    io_uring_submit_and_wait_timeout(&e->loop.ring, &cqe, e->batched ? 512 : 1, &ts, NULL);
    while (e->held_count)
        bufring_put(&e->buffers, e->held[--e->held_count]);
}

static void *echo_run(void *arg)
{
    struct echo *e = arg;
    const struct loop_config config = {.entries = 4096};

    const struct sched_param priority = {.sched_priority = 1};

    bench_pin(ENGINE_CORE);
    sched_setscheduler(0, SCHED_RR, &priority); /* as the engine's worker: where permitted */
    if (loop_init(&e->loop, &config) != OK ||
        bufring_init(&e->buffers, &e->loop, loop_buffer_group(&e->loop), ECHO_BUFFERS,
                     ECHO_BYTES) != OK)
        abort();
    for (uint32_t i = 0; i < e->legs; i++) {
        e->leg[i].echo = e;
        e->leg[i].op.done = echo_received;
        echo_arm(&e->leg[i]);
    }
    while (!atomic_load(&e->stop)) {
        echo_wait(e);
        loop_turn(&e->loop, 0);
        atomic_store(&e->cpu_us, bench_thread_cpu_us());
    }
    for (uint32_t i = 0; i < e->legs; i++)
        loop_cancel(&e->loop, &e->leg[i].op);
    loop_fini(&e->loop);
    return NULL;
}

/* One measured run. */
struct scene {
    struct loop loop;
    struct media *engine, *generator;
    struct media_leg *ours[LEGS_MAX], *theirs[LEGS_MAX];
    enum dsp_phase phase;
    uint64_t ours_received, ours_late, ours_lost, theirs_sent, theirs_received, closed;
};

struct figures {
    double pps;        /* packets received by the core a second (as many are sent) */
    double cpu_share;  /* of the core under test */
    double pps_of_cpu; /* packets for a second of CPU time */
    double late_p50_us, late_p99_us, generator_p99_us;
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

static void run_for(struct scene *s, double seconds)
{
    uint64_t end_us = bench_now_us() + (uint64_t)(seconds * 1e6);

    while (bench_now_us() < end_us)
        loop_turn(&s->loop, 20000);
}

static struct media *open_media(struct scene *s, uint32_t core, uint16_t ports, uint32_t legs)
{
    struct media_config config = {.loop = &s->loop,
                                  .workers = 1,
                                  .pin_from = core + 1,
                                  .realtime = true,
                                  .port_min = ports,
                                  .port_max = (uint16_t)(ports + 2 * LEGS_MAX),
                                  .max_legs = legs};
    struct media *m;

    return media_open(&m, &config) == OK ? m : NULL;
}

static bool connect_leg(struct media_leg *l, const struct addr *to)
{
    struct media_remote r = {
        .rtp = *to, .codec = MEDIA_PCMU, .event_pt = 101, .direction = MEDIA_SENDRECV};

    return media_leg_set_remote(l, &r) == OK;
}

/* Speech-like: a tone that comes and goes, with noise. */
static const struct sound *speech(struct media *m)
{
    static int16_t pcm[5 * 8000];
    const struct sound *s = NULL;
    uint32_t noise = 1;

    for (uint32_t i = 0; i < 40000; i++) {
        noise = noise * 1664525 + 1013904223;
        double loud = (i / 3000) % 3 ? 6000.0 : 30.0;

        pcm[i] = (int16_t)(loud * sin(i * 0.13 + 2.0 * sin(i * 0.002)) + (noise >> 24));
    }
    return sound_from_pcm(media_sounds(m), pcm, 40000, &s) == OK ? s : NULL;
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
        !connect_leg(s->ours[i], media_leg_local(s->theirs[i])))
        return false;
    media_leg_phase(s->ours[i], s->phase);
    return true;
}

static bool open_echo(struct scene *s, struct echo *e, uint32_t i)
{
    struct addr local;
    socklen_t len = sizeof(local);

    addr_from_host(slice_cstr("127.0.0.1"), 0, &local);
    e->leg[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct addr *to = media_leg_local(s->theirs[i]);

    if (e->leg[i].fd < 0 || bind(e->leg[i].fd, &local.sa, addr_len(&local)) != 0 ||
        connect(e->leg[i].fd, &to->sa, addr_len(to)) != 0 ||
        getsockname(e->leg[i].fd, &local.sa, &len) != 0)
        return false;
    return connect_leg(s->theirs[i], &local);
}

static void close_legs(struct scene *s, uint32_t legs, bool with_ours)
{
    uint64_t limit_us = bench_now_us() + 20000000;

    /* The senders first, then what is on its way arrives. */
    for (uint32_t i = 0; i < legs; i++) {
        media_leg_close(s->theirs[i]);
        if (i % 200 == 0)
            run_for(s, 0.005);
    }
    while (s->closed < legs && bench_now_us() < limit_us)
        run_for(s, 0.01);
    run_for(s, 0.1);
    for (uint32_t i = 0; with_ours && i < legs; i++) {
        media_leg_close(s->ours[i]);
        if (i % 200 == 0)
            run_for(s, 0.005);
    }
    while (s->closed < legs * (with_ours ? 2u : 1u) && bench_now_us() < limit_us)
        run_for(s, 0.01);
}

static void fill_generator(struct scene *s, struct figures *f)
{
    static struct media_metrics m;

    media_metrics(s->generator, &m);
    f->generator_p99_us = (double)hist_quantile(&m.tick_late_us, 0.99);
    f->generator_skipped = m.ticks_skipped;
}

/* The engine under `legs` legs. */
static bool run_engine(uint32_t legs, enum dsp_phase phase, double seconds, struct figures *f)
{
    static struct media_metrics before, after;
    struct scene *s = calloc(1, sizeof(*s));
    bool ok = false;

    memset(f, 0, sizeof(*f));
    if (!s || loop_init(&s->loop, NULL) != OK)
        return false;
    s->phase = phase;
    s->engine = open_media(s, ENGINE_CORE, ENGINE_PORTS, legs);
    s->generator = open_media(s, GENERATOR_CORE, GENERATOR_PORTS, legs);
    const struct sound *hello = s->engine ? speech(s->engine) : NULL;
    const struct sound *theirs = s->generator ? speech(s->generator) : NULL;

    for (uint32_t i = 0; hello && theirs && i < legs; i++) {
        ok = open_theirs(s, i) && open_ours(s, i) &&
             media_leg_play(s->ours[i], hello, true, 0) == OK &&
             media_leg_play(s->theirs[i], theirs, true, 0) == OK;
        if (!ok)
            break;
        if (i % 50 == 0)
            run_for(s, 0.004);
    }
    /* The generator begins when our side listens: what comes earlier is dropped by design. */
    run_for(s, 0.05);
    for (uint32_t i = 0; ok && i < legs; i++) {
        ok = connect_leg(s->theirs[i], media_leg_local(s->ours[i]));
        if (i % 50 == 0)
            run_for(s, 0.004);
    }
    if (ok) {
        run_for(s, WARM_UP_S);
        media_metrics_restart(s->engine);
        media_metrics_restart(s->generator);
        run_for(s, 0.6);
        media_metrics(s->engine, &before);
        bench_mallocs_start(false);
        run_for(s, seconds);
        f->mallocs = bench_mallocs_stop().calls;
        media_metrics(s->engine, &after);
        fill_generator(s, f);
        double wall_us = (double)(after.at_us - before.at_us);
        double cpu_us = (double)(after.cpu_us - before.cpu_us);
        double packets = (double)(after.rtp_received - before.rtp_received);

        f->pps = packets * 1e6 / wall_us;
        f->cpu_share = cpu_us / wall_us;
        f->pps_of_cpu = packets * 1e6 / cpu_us;
        f->late_p50_us = (double)hist_quantile(&after.tick_late_us, 0.5);
        f->late_p99_us = (double)hist_quantile(&after.tick_late_us, 0.99);
        f->concealed = after.concealed - before.concealed;
        f->starved = after.receive_starved;
        f->send_failed = after.send_failed - before.send_failed;
        f->skipped = after.ticks_skipped;
        close_legs(s, legs, true);
        f->late = s->ours_late;
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

/* The bare echo under the same packets. */
static bool run_echo(uint32_t legs, double seconds, bool batched, struct figures *f)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct echo *e = calloc(1, sizeof(*e));
    bool ok = false;

    memset(f, 0, sizeof(*f));
    if (!s || !e || loop_init(&s->loop, NULL) != OK)
        return false;
    e->legs = legs;
    e->batched = batched;
    e->send_op.done = echo_send_failed;
    s->generator = open_media(s, GENERATOR_CORE, GENERATOR_PORTS, legs);
    const struct sound *theirs = s->generator ? speech(s->generator) : NULL;

    for (uint32_t i = 0; theirs && i < legs; i++) {
        ok = open_theirs(s, i) && open_echo(s, e, i) &&
             media_leg_play(s->theirs[i], theirs, true, 0) == OK;
        if (!ok)
            break;
        if (i % 50 == 0)
            run_for(s, 0.004);
    }
    if (ok && pthread_create(&e->thread, NULL, echo_run, e) == 0) {
        run_for(s, WARM_UP_S);
        media_metrics_restart(s->generator);
        run_for(s, 0.6);
        uint64_t t0 = bench_now_us(), n0 = atomic_load(&e->echoed), c0 = atomic_load(&e->cpu_us);

        run_for(s, seconds);
        double wall_us = (double)(bench_now_us() - t0);
        double packets = (double)(atomic_load(&e->echoed) - n0);
        double cpu_us = (double)(atomic_load(&e->cpu_us) - c0);

        fill_generator(s, f);
        f->pps = packets * 1e6 / wall_us;
        f->cpu_share = cpu_us / wall_us;
        f->pps_of_cpu = packets * 1e6 / cpu_us;
        close_legs(s, legs, false);
        f->lost = s->theirs_sent > s->theirs_received ? s->theirs_sent - s->theirs_received : 0;
        atomic_store(&e->stop, 1);
        pthread_join(e->thread, NULL);
    }
    for (uint32_t i = 0; i < legs; i++)
        if (e->leg[i].fd > 0)
            close(e->leg[i].fd);
    if (theirs)
        sound_unref(theirs);
    media_close(s->generator);
    loop_fini(&s->loop);
    free(e);
    free(s);
    return ok;
}

static void note(const char *who, uint32_t legs, const struct figures *f)
{
    bench_note("media: %s, %u legs: %.0f packets/s, %.0f %% of the core, %.0f packets/CPU s, late "
               "p50 %.0f p99 %.0f us, generator p99 %.0f us, lost %llu, late %llu, concealed %llu, "
               "skipped "
               "%llu, send failed %llu",
               who, legs, f->pps, f->cpu_share * 100.0, f->pps_of_cpu, f->late_p50_us,
               f->late_p99_us, f->generator_p99_us, (unsigned long long)f->lost,
               (unsigned long long)f->late, (unsigned long long)f->concealed,
               (unsigned long long)f->skipped, (unsigned long long)f->send_failed);
}

/* Engine and echo in turn, so that a slow moment of the machine meets both; the best of each. */
static void compare(struct bench *b, uint32_t legs, uint32_t rounds)
{
    static const struct {
        enum dsp_phase phase;
        const char *name;
    } phases[] = {{DSP_ANSWERED, "all detectors"},
                  {DSP_TALK, "detectors of talk"},
                  {DSP_OFF, "no detectors"}};
    enum { PHASES = sizeof(phases) / sizeof(phases[0]) };
    struct figures engine[PHASES] = {0}, echo = {0}, f;
    uint64_t lost = 0, mallocs = 0;
    char name[BENCH_TEXT_MAX];

    for (uint32_t i = 0; i < rounds; i++) {
        for (size_t p = 0; p < PHASES; p++) {
            if (!run_engine(legs, phases[p].phase, b->seconds, &f)) {
                bench_fail(b, "media: %u legs could not be opened; raise ulimit -n", legs);
                return;
            }
            note(phases[p].name, legs, &f);
            lost += f.lost;
            mallocs += f.mallocs;
            if (f.pps_of_cpu > engine[p].pps_of_cpu)
                engine[p] = f;
        }
        for (int batched = 0; batched < 2; batched++) {
            run_echo(legs, b->seconds, batched, &f);
            note(batched ? "bare echo, batched" : "bare echo", legs, &f);
            if (f.pps_of_cpu > echo.pps_of_cpu)
                echo = f;
        }
    }
    for (size_t p = 0; p < PHASES; p++) {
        snprintf(name, sizeof(name), "%u legs, %s, a CPU second", legs, phases[p].name);
        bench_add_peer(b, "media", name, engine[p].pps_of_cpu, "packets/s", BENCH_HIGHER,
                       "bare io_uring echo", echo.pps_of_cpu);
    }
    snprintf(name, sizeof(name), "%u legs, tick lateness p99", legs);
    bench_add(b, "media", name, engine[0].late_p99_us, "us", BENCH_LOWER);
    snprintf(name, sizeof(name), "%u legs, generator lateness p99", legs);
    bench_add(b, "media", name, engine[0].generator_p99_us, "us", BENCH_LOWER);
    snprintf(name, sizeof(name), "%u legs, packets lost in the engine", legs);
    bench_add(b, "media", name, (double)lost, "packets", BENCH_LOWER);
    if (bench_mallocs_counted())
        bench_add(b, "media", "allocations while packets flow", (double)mallocs, "calls",
                  BENCH_LOWER);
    if (mallocs)
        bench_fail(b, "media: %llu allocations on the packet path", (unsigned long long)mallocs);
    if (legs <= 1000 && lost)
        bench_fail(b, "media: %llu packets lost at %u legs", (unsigned long long)lost, legs);
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
    for (uint32_t legs = best > 1000 ? best : 1000; legs <= LEGS_MAX; legs += STEP) {
        bool ok = run_echo(legs, b->seconds, false, &f);

        note("bare echo", legs, &f);
        if (!ok || f.lost || !generator_kept_time(&f))
            break;
        best_echo = legs;
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
    uint64_t files;

    bench_add(b, "media", "idle leg", (double)media_leg_bytes_idle(), "bytes", BENCH_LOWER);
    bench_add(b, "media", "active leg, no recording", (double)media_leg_bytes_active(), "bytes",
              BENCH_LOWER);
    if (limits_raise_files(4 * LEGS_MAX, &files) != OK)
        bench_note("media: %llu open files permitted", (unsigned long long)files);
    if (bench_cores() < 2)
        bench_note("media: one core for engine and generator: figures are of both together");
    compare(b, 1000, 2);
    if (!getenv("PEAL_BENCH_BRIEF"))
        most_legs(b);
    return 0;
}
