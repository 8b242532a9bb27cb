/* The worker's thread. It waits with a large count until the next slot's deadline: with
 * DEFER_TASKRUN the kernel then hands over a slot's packets of bridged streams at once instead of
 * waking us for each (a command waits for at most a slot). Without active streams it sleeps until
 * woken. */
#include "media/worker.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/pages.h"
#include "media/impair.h"
#include "media/stream.h"

#define RING_ENTRIES    4096
#define BUFFERS_MIN     256
#define BUFFERS_MAX     8192
#define WAIT_COUNT      512
#define QUIT_LIMIT_US   3000000
#define NICENESS        (-10) /* late audio is lost audio; where it is permitted */
#define NAME_BYTES      32    /* of a source address in a received buffer */
#define TIMES_BYTES     CMSG_SPACE(sizeof(struct timespec))
#define CLOCK_READINGS  3
#define READ_GOES_MAX   8
#define COMMANDS_A_TURN 4096
#define FETCH_FAR       6 /* streams ahead */
#define FETCH_NEAR      3

/* Once the kernel has taken everything, it has read the packets too. */
static void settle(struct worker *w)
{
    if (io_uring_sq_ready(&w->loop.ring))
        return;
    w->arena_used = 0;
    while (w->held_count)
        bufring_put(&w->buffers, w->held[--w->held_count]);
}

static void submit(struct worker *w)
{
    for (int tries = 0; io_uring_sq_ready(&w->loop.ring) && tries < 1000; tries++)
        io_uring_submit(&w->loop.ring);
    settle(w);
}

static uint64_t real_time_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* How the clock of the time stamps stands to ours: the reading that nothing came between. */
static void compare_clocks(struct worker *w)
{
    uint64_t narrowest_us = UINT64_MAX;

    for (int i = 0; i < CLOCK_READINGS; i++) {
        uint64_t before_us = clock_us(w->loop.clock), real_us = real_time_us();
        uint64_t took_us = clock_us(w->loop.clock) - before_us;

        if (took_us >= narrowest_us)
            continue;
        narrowest_us = took_us;
        w->real_ahead_us = real_us - before_us - took_us / 2;
    }
}

void worker_read(struct worker *w)
{
    w->loop.now_us = clock_us(w->loop.clock);
    /* A socket with much in it is read in several goes. */
    for (int i = 0; i == 0 || (i < READ_GOES_MAX && io_uring_sq_ready(&w->loop.ring)); i++) {
        loop_submit_and_reap(&w->loop);
        settle(w);
    }
}

void *worker_arena(struct worker *w, uint32_t bytes)
{
    bytes = (bytes + 15) & ~15u;
    assert(bytes <= WORKER_ARENA_BYTES);
    if (w->arena_used + bytes > WORKER_ARENA_BYTES)
        submit(w);
    if (w->arena_used + bytes > WORKER_ARENA_BYTES)
        w->arena_used = 0; /* the kernel refuses work: rather a wrong packet than none at all */
    void *p = w->arena + w->arena_used;

    w->arena_used += bytes;
    return p;
}

void worker_hold(struct worker *w, uint16_t buffer)
{
    w->held[w->held_count++] = buffer;
    if (w->held_count == WORKER_HELD_MAX || w->held_count > w->buffers.count / 4)
        submit(w);
    if (w->held_count == WORKER_HELD_MAX)
        bufring_put(&w->buffers, w->held[--w->held_count]);
}

/* Sends are not counted as in flight, as most post nothing; the loop has counted this one down. */
static void send_failed(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct worker *w = container_of(op, struct worker, send_op);

    (void)cqe_flags;
    w->loop.inflight++;
    if (res < 0)
        w->count.send_failed++;
}

void worker_tell(struct worker *w, const struct message *m, bool owed)
{
    uint32_t waiting = atomic_load_explicit(&w->messages.tail, memory_order_relaxed) -
                       atomic_load_explicit(&w->messages.head, memory_order_acquire);

    if (!owed && waiting >= w->messages_spare) {
        w->count.events_dropped++;
        return;
    }
    if (ring_spsc_push(&w->messages, m))
        w->told = true;
    else
        w->count.events_dropped++;
}

void worker_slot_in(struct worker *w, struct stream *s)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < WORKER_SLOTS; i++)
        if (w->slot[i].count < w->slot[best].count)
            best = i;
    /* After a move it keeps its place in the round, so that its packets go on evenly. */
    if (s->adopted && s->slot_was < WORKER_SLOTS &&
        w->slot[s->slot_was].count <= w->slot[best].count + 1)
        best = s->slot_was;
    struct slot *slot = &w->slot[best];

    if (w->active++ == 0)
        w->next_slot = w->loop.now_us / WORKER_SLOT_US + 1;
    s->slot = (uint8_t)best;
    s->slot_at = slot->count;
    slot->stream[slot->count++] = s;
}

void worker_slot_out(struct worker *w, struct stream *s)
{
    if (s->slot == WORKER_SLOTS)
        return;
    struct slot *slot = &w->slot[s->slot];
    struct stream *last = slot->stream[--slot->count];

    slot->stream[s->slot_at] = last;
    last->slot_at = s->slot_at;
    s->slot_was = s->slot;
    s->slot = WORKER_SLOTS;
    w->active--;
}

static void detect(struct worker *w)
{
    size_t n = dsp_process(w->block, w->blocks, w->heard);

    w->blocks = 0;
    for (size_t i = 0; i < n; i++)
        stream_heard(w->block_of[w->heard[i].leg], &w->heard[i]);
}

/* A slot's streams were last touched 20 ms ago and have left the caches since: what the next ones
 * need is fetched while the present one is worked on. */
static void fetch_for_sending(const struct slot *slot, uint32_t i)
{
    for (uint32_t k = 0; i == 0 && k < FETCH_FAR && k < slot->count; k++)
        stream_fetch(slot->stream[k]);
    if (i + FETCH_FAR < slot->count)
        stream_fetch(slot->stream[i + FETCH_FAR]);
    if (i + FETCH_NEAR < slot->count)
        stream_fetch_player(slot->stream[i + FETCH_NEAR]);
}

static void fetch_for_hearing(const struct slot *slot, uint32_t i)
{
    for (uint32_t k = 0; i == 0 && k < FETCH_FAR && k < slot->count; k++)
        stream_fetch_jitter(slot->stream[k]);
    for (uint32_t k = 0; i == 0 && k < FETCH_NEAR && k < slot->count; k++)
        stream_fetch_audio(slot->stream[k]);
    if (i + FETCH_FAR < slot->count)
        stream_fetch_jitter(slot->stream[i + FETCH_FAR]);
    if (i + FETCH_NEAR < slot->count)
        stream_fetch_audio(slot->stream[i + FETCH_NEAR]);
}

/* A stream that came from another worker missed its slots on the way: what it had to send and to
 * hear in them is sent and heard now. */
static void catch_up(struct worker *w, struct stream *s)
{
    uint64_t slot_us = w->slot_us;

    s->adopted = false;
    for (uint32_t left = stream_rounds_missed(s); left; left--) {
        w->slot_us = slot_us - left * (uint64_t)WORKER_SLOTS * WORKER_SLOT_US;
        stream_send_slot(s);
        worker_read(w);
        stream_hear_slot(s);
        if (w->blocks)
            detect(w);
    }
    w->slot_us = slot_us;
}

static void run_slot(struct worker *w)
{
    struct slot *slot = &w->slot[w->next_slot % WORKER_SLOTS];
    uint64_t begin_us = clock_us(w->loop.clock);

    w->slot_us = w->next_slot * WORKER_SLOT_US;
    if (!list_empty(&w->timed)) {
        worker_send_timed(w);
        submit(w);
    }
    if (slot->count == 0)
        return;
    w->loop.now_us = begin_us;
    w->count.ticks++;
    hist_add(&w->count.late_us, begin_us > w->slot_us ? begin_us - w->slot_us : 0);
    for (uint32_t i = 0; i < slot->count; i++) {
        fetch_for_sending(slot, i);
        if (slot->stream[i]->adopted)
            catch_up(w, slot->stream[i]);
        stream_send_slot(slot->stream[i]);
    }
    shared_flush(w);
    worker_read(w);
    for (uint32_t i = 0; i < slot->count; i++) {
        fetch_for_hearing(slot, i);
        stream_hear_slot(slot->stream[i]);
        if (w->blocks == WORKER_BATCH)
            detect(w);
    }
    if (w->blocks)
        detect(w);
    hist_add(&w->count.work_us, clock_us(w->loop.clock) - begin_us);
}

/* Far behind, whole rounds are left out, so that every stream misses the same. */
static void skip_rounds(struct worker *w, uint64_t now_us)
{
    uint64_t due_us = w->next_slot * WORKER_SLOT_US;

    if (now_us < due_us + WORKER_BEHIND_MAX_MS * UINT64_C(1000))
        return;
    uint64_t rounds = (now_us - due_us) / (WORKER_SLOTS * WORKER_SLOT_US);

    w->next_slot += rounds * WORKER_SLOTS;
    w->count.ticks_skipped += rounds * WORKER_SLOTS;
}

static void flush_impaired(struct worker *w, uint64_t now_us)
{
    list_each(n, next, &w->impaired) impair_flush(container_of(n, struct impair, node), now_us);
}

static void run_due_slots(struct worker *w)
{
    uint64_t now_us = clock_us(w->loop.clock);

    skip_rounds(w, now_us);
    /* At most one round before packets are looked at again. */
    for (uint32_t i = 0; i < WORKER_SLOTS && w->next_slot * WORKER_SLOT_US <= now_us; i++) {
        run_slot(w);
        if (!list_empty(&w->impaired))
            flush_impaired(w, now_us);
        w->next_slot++;
        now_us = clock_us(w->loop.clock);
    }
}

static void run_commands(struct worker *w)
{
    struct command c;

    for (uint32_t i = 0; i < COMMANDS_A_TURN && ring_spsc_pop(&w->commands, &c); i++) {
        if (c.kind == COMMAND_QUIT)
            w->quitting = true;
        else
            stream_command(w, &c);
    }
}

static uint64_t thread_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Lets the control thread have the counters of now. */
static void publish(struct worker *w)
{
    uint64_t now_us = w->loop.now_us;

    uint32_t restarts = atomic_load_explicit(&w->shared.restarts, memory_order_acquire);

    if (restarts != w->count.restarts) {
        hist_reset(&w->count.late_us);
        hist_reset(&w->count.work_us);
        w->count.restarts = restarts;
        w->published_us = 0;
    }
    if (now_us - w->published_us < WORKER_PUBLISH_US || !worker_shared_take(&w->shared, false))
        return;
    compare_clocks(w);
    w->published_us = w->count.at_us = now_us;
    w->count.cpu_us = thread_cpu_us();
    w->shared.counters = w->count;
    worker_shared_give(&w->shared, SHARED_FULL);
}

static void wake_control(struct worker *w)
{
    if (w->told)
        loop_wake(w->control);
    w->told = false;
}

static void wait_for_slot(struct worker *w)
{
    struct io_uring_cqe *cqe;
    uint64_t due_us = w->next_slot * WORKER_SLOT_US, now_us = clock_us(w->loop.clock);
    struct __kernel_timespec ts = {0};

    if (due_us > now_us && !io_uring_cq_ready(&w->loop.ring)) {
        ts.tv_nsec = (long long)(due_us - now_us) * 1000;
        io_uring_submit_and_wait_timeout(&w->loop.ring, &cqe, WAIT_COUNT, &ts, NULL);
        settle(w);
    }
    loop_turn(&w->loop, 0);
    settle(w);
}

static void work(struct worker *w)
{
    while (!w->quitting) {
        if (w->active)
            wait_for_slot(w);
        else
            loop_turn(&w->loop, w->told ? 0 : WORKER_PUBLISH_US);
        settle(w);
        run_commands(w);
        if (w->active)
            run_due_slots(w);
        shared_flush(w); /* what commands have sent does not wait for a slot */
        publish(w);
        wake_control(w);
    }
}

/* Ends every stream; nobody hears of it any more. */
static void end_streams(struct worker *w)
{
    uint64_t limit_us = clock_us(w->loop.clock) + QUIT_LIMIT_US;

    list_each(n, next, &w->streams)
    {
        struct command c = {.kind = COMMAND_CLOSE, .stream = container_of(n, struct stream, node)};

        if (c.stream->end == STREAM_STAYS)
            stream_command(w, &c);
    }
    while (!list_empty(&w->streams) && clock_us(w->loop.clock) < limit_us) {
        loop_turn(&w->loop, 1000);
        settle(w);
    }
    if (!list_empty(&w->streams))
        log_error("media", "a worker ends with legs the kernel still holds", "worker=%u", w->index);
}

static void place_thread(const struct worker *w)
{
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    if (getpriority(PRIO_PROCESS, 0) > NICENESS) /* who started us may have said more already */
        setpriority(PRIO_PROCESS, 0, NICENESS);  /* fails without the right: then as others */
    if (w->realtime) {
        const struct sched_param priority = {.sched_priority = 1};

        if (sched_setscheduler(0, SCHED_RR, &priority) != 0)
            log_info("media", "real-time priority is not permitted; needs CAP_SYS_NICE or rtprio",
                     "worker=%u", w->index);
    }
    if (w->core) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(w->core - 1, &set);
        if (sched_setaffinity(0, sizeof(set), &set) != 0)
            log_warn("media", "cannot pin a worker to its core", "worker=%u core=%u", w->index,
                     w->core - 1);
    }
}

static uint32_t buffers_for(uint32_t legs)
{
    uint32_t n = BUFFERS_MIN;

    while (n < legs / 2 && n < BUFFERS_MAX)
        n *= 2;
    return n;
}

static enum err set_up(struct worker *w)
{
    const struct loop_config config = {.entries = RING_ENTRIES};
    enum err err = loop_init(&w->loop, &config);

    if (err)
        return err;
    compare_clocks(w);
    loop_set_ahead(&w->loop, stream_ahead);
    w->direct = stream_direct_possible(&w->loop.ring) &&
                io_uring_register_files_sparse(&w->loop.ring, 2 * w->max_legs) == 0;
    w->fixed_files = w->direct || io_uring_register_files_sparse(&w->loop.ring, w->max_legs) == 0;
    err = bufring_init(&w->buffers, &w->loop, loop_buffer_group(&w->loop), buffers_for(w->max_legs),
                       WORKER_RECEIVE_BYTES);
    if (!err && addr_is_set(&w->socket_local) && (err = shared_open(w))) {
        shared_close(w);
        bufring_fini(&w->buffers);
    }
    if (err)
        loop_fini(&w->loop);
    return err;
}

static void *run(void *arg)
{
    struct worker *w = arg;

    pthread_setname_np(pthread_self(), "peal-media");
    place_thread(w);
    w->started = set_up(w);
    enum err started = w->started;

    sem_post(&w->ready);
    if (started)
        return NULL;
    work(w);
    end_streams(w);
    while (sem_wait(&w->may_end) != 0 && errno == EINTR)
        ;
    shared_close(w);
    bufring_fini(&w->buffers);
    loop_fini(&w->loop);
    return NULL;
}

static bool allocate(struct worker *w)
{
    for (uint32_t i = 0; i < WORKER_SLOTS; i++) {
        w->slot[i].stream = pages_get(w->max_legs * sizeof(struct stream *));
        if (!w->slot[i].stream)
            return false;
    }
    w->arena = pages_get(WORKER_ARENA_BYTES);
    w->messages_spare = MESSAGES_SPARE;
    return w->arena && pool_init(&w->mixes, sizeof(struct mix), w->max_legs / 2 + 1) == OK &&
           ring_spsc_init(&w->commands, sizeof(struct command),
                          COMMANDS_PER_LEG * w->max_legs + 1024) == OK &&
           ring_spsc_init(&w->messages, sizeof(struct message),
                          MESSAGES_OWED_MAX * w->max_legs + MESSAGES_SPARE) == OK;
}

static void release(struct worker *w)
{
    ring_spsc_fini(&w->commands);
    ring_spsc_fini(&w->messages);
    pool_fini(&w->mixes);
    pages_put(w->arena, WORKER_ARENA_BYTES);
    for (uint32_t i = 0; i < WORKER_SLOTS; i++)
        pages_put(w->slot[i].stream, w->max_legs * sizeof(struct stream *));
    sem_destroy(&w->ready);
    sem_destroy(&w->may_end);
}

enum err worker_start(struct worker *w)
{
    uint64_t seed;

    rng_system(&seed, sizeof(seed));
    rng_seed(&w->rng, seed);
    list_init(&w->streams);
    list_init(&w->impaired);
    list_init(&w->timed);
    w->send_op.done = send_failed;
    w->receive_shape = (struct msghdr){.msg_namelen = NAME_BYTES, .msg_controllen = TIMES_BYTES};
    hist_reset(&w->count.late_us);
    hist_reset(&w->count.work_us);
    sem_init(&w->ready, 0, 0);
    sem_init(&w->may_end, 0, 0);
    if (!allocate(w)) {
        release(w);
        return ERR_NOMEM;
    }
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        release(w);
        return ERR_IO;
    }
    while (sem_wait(&w->ready) != 0 && errno == EINTR)
        ;
    if (w->started) {
        pthread_join(w->thread, NULL);
        release(w);
    }
    return w->started;
}

void worker_join(struct worker *w)
{
    sem_post(&w->may_end);
    pthread_join(w->thread, NULL);
    release(w);
}
