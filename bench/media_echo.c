/* See media_echo.h. The ring, its flags and the buffers are those of the engine's workers. */
#include "bench/media_echo.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "io/bufring.h"

#define BUFFERS      4096
#define BUFFER_BYTES 256
#define SLOTS        20
#define SLOT_US      1000

struct echo_leg {
    struct loop_op op;
    struct echo *echo;
    int fd;
};

struct echo {
    struct loop loop;
    struct bufring buffers;
    struct loop_op send_op;
    struct echo_leg leg[ECHO_LEGS_MAX];
    uint16_t held[BUFFERS];
    uint32_t held_count, legs, core;
    enum echo_way way;
    bool relays;
    uint64_t next_slot;
    pthread_t thread;
    bool started;
    _Atomic uint32_t stop;
    _Atomic uint64_t echoed, cpu_us;
};

const char *echo_way_name(enum echo_way way)
{
    static const char *const names[ECHO_WAYS] = {"bare echo", "bare echo, batched",
                                                 "bare echo, by the clock"};

    return names[way];
}

static void arm(struct echo_leg *l)
{
    struct echo *e = l->echo;
    struct io_uring_sqe *sqe = loop_sqe(&e->loop, &l->op);

    /* With MSG_DONTWAIT it takes what there is and ends. */
    io_uring_prep_recv_multishot(sqe, l->fd, NULL, 0, e->way == ECHO_BY_CLOCK ? MSG_DONTWAIT : 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = e->buffers.group;
}

/* Once the kernel has taken everything, it has read the packets too. */
static void settle(struct echo *e)
{
    while (e->held_count)
        bufring_put(&e->buffers, e->held[--e->held_count]);
}

static void received(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct echo_leg *l = container_of(op, struct echo_leg, op);
    struct echo *e = l->echo;

    if (res > 0 && cqe_flags & IORING_CQE_F_BUFFER) {
        uint16_t id = bufring_id(cqe_flags);
        struct io_uring_sqe *sqe = loop_sqe(&e->loop, &e->send_op);

        e->loop.inflight--;
        io_uring_prep_send(sqe, e->relays ? e->leg[(l - e->leg) ^ 1].fd : l->fd,
                           bufring_at(&e->buffers, id), (size_t)res, MSG_DONTWAIT);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        e->held[e->held_count++] = id;
        atomic_fetch_add_explicit(&e->echoed, 1, memory_order_relaxed);
        if (e->held_count > BUFFERS / 2) {
            io_uring_submit(&e->loop.ring);
            settle(e);
        }
    }
    if (!(cqe_flags & IORING_CQE_F_MORE) && !atomic_load(&e->stop) && res != -ECANCELED &&
        e->way != ECHO_BY_CLOCK)
        arm(l);
}

static void send_failed(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct echo *e = container_of(op, struct echo, send_op);

    (void)res;
    (void)cqe_flags;
    e->loop.inflight++;
}

static void wait_for_packets(struct echo *e)
{
    struct __kernel_timespec ts = {.tv_nsec = SLOT_US * 1000};
    struct io_uring_cqe *cqe;

    io_uring_submit_and_wait_timeout(&e->loop.ring, &cqe, e->way == ECHO_BATCHED ? 512 : 1, &ts,
                                     NULL);
    settle(e);
    loop_turn(&e->loop, 0);
}

/* The legs of one millisecond: read, answered, and the answers sent with the next one's reads. */
static void read_slot(struct echo *e)
{
    uint64_t due_us = e->next_slot * SLOT_US, now_us = bench_now_us();

    if (now_us < due_us) {
        struct __kernel_timespec ts = {.tv_nsec = (long long)(due_us - now_us) * 1000};
        struct io_uring_cqe *cqe;

        io_uring_submit_and_wait_timeout(&e->loop.ring, &cqe, 512, &ts, NULL);
        settle(e);
    }
    for (uint32_t i = (uint32_t)(e->next_slot % SLOTS); i < e->legs; i += SLOTS)
        arm(&e->leg[i]);
    e->next_slot++;
    loop_turn(&e->loop, 0);
}

static void *run(void *arg)
{
    struct echo *e = arg;
    const struct loop_config config = {.entries = 4096};
    const struct sched_param priority = {.sched_priority = 1};

    bench_pin(e->core);
    sched_setscheduler(0, SCHED_RR, &priority); /* as the engine's worker: where permitted */
    if (loop_init(&e->loop, &config) != OK ||
        bufring_init(&e->buffers, &e->loop, loop_buffer_group(&e->loop), BUFFERS, BUFFER_BYTES) !=
            OK)
        abort();
    for (uint32_t i = 0; i < e->legs && e->way != ECHO_BY_CLOCK; i++)
        arm(&e->leg[i]);
    e->next_slot = bench_now_us() / SLOT_US + 1;
    while (!atomic_load(&e->stop)) {
        if (e->way == ECHO_BY_CLOCK)
            read_slot(e);
        else
            wait_for_packets(e);
        atomic_store(&e->cpu_us, bench_thread_cpu_us());
    }
    for (uint32_t i = 0; i < e->legs; i++)
        loop_cancel(&e->loop, &e->leg[i].op);
    loop_fini(&e->loop);
    return NULL;
}

struct echo *echo_new(enum echo_way way, uint32_t core)
{
    struct echo *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->way = way;
    e->core = core;
    e->send_op.done = send_failed;
    return e;
}

bool echo_add(struct echo *e, const struct addr *to, struct addr *local)
{
    struct echo_leg *l = &e->leg[e->legs];
    socklen_t len = sizeof(*local);

    if (e->legs == ECHO_LEGS_MAX)
        return false;
    l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return false;
    l->echo = e;
    l->op.done = received;
    e->legs++;
    addr_from_host(slice_cstr("127.0.0.1"), 0, local);
    return bind(l->fd, &local->sa, addr_len(local)) == 0 &&
           connect(l->fd, &to->sa, addr_len(to)) == 0 && getsockname(l->fd, &local->sa, &len) == 0;
}

void echo_relay(struct echo *e)
{
    e->relays = true;
}

bool echo_start(struct echo *e)
{
    e->started = pthread_create(&e->thread, NULL, run, e) == 0;
    return e->started;
}

uint64_t echo_packets(const struct echo *e)
{
    return atomic_load(&e->echoed);
}

uint64_t echo_cpu_us(const struct echo *e)
{
    return atomic_load(&e->cpu_us);
}

void echo_free(struct echo *e)
{
    if (!e)
        return;
    atomic_store(&e->stop, 1);
    if (e->started)
        pthread_join(e->thread, NULL);
    for (uint32_t i = 0; i < e->legs; i++)
        close(e->leg[i].fd);
    free(e);
}
