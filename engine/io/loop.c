/* The turn of the loop.
 *
 * With DEFER_TASKRUN the kernel delivers at most 20 completions a call, so a turn goes on asking
 * until a call brings few; else a loop that also has timers falls behind its sockets. Waits end at
 * an absolute deadline (the wheel's), computed anew each turn, so nothing drifts. Completions come
 * before timers: an answer that arrived together with its timeout still counts. */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

#define ENTRIES_DEFAULT  1024
#define CQ_PER_SQ        8
#define DRAIN_FEW        16  /* fewer new completions than this: the kernel had no more */
#define DRAIN_ROUNDS_MAX 256 /* then timers get their turn */
#define SUBMIT_TRIES_MAX 1000
#define AHEAD_FAR        8 /* completions before its own that an op is shown, see loop_set_ahead */
#define AHEAD_NEAR       4
#define FINI_WAIT_US     UINT64_C(2000000)
#define GROUP_FIRST      0x8000

static void wake_arm(struct loop *l)
{
    io_uring_prep_read(loop_sqe(l, &l->wake_op), l->wake_fd, &l->wake_value, sizeof(l->wake_value),
                       0);
}

static void wake_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct loop *l = container_of(op, struct loop, wake_op);

    (void)cqe_flags;
    if (res == -ECANCELED)
        return;
    wake_arm(l);
    /* Cleared before the callback: a wake during it must bring another one. */
    atomic_store(&l->wake_pending, 0);
    if (l->on_wake)
        l->on_wake(l->on_wake_arg);
}

static int ring_open(struct loop *l, const struct loop_config *c)
{
    const unsigned common = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    const unsigned tries[] = {
        common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
            IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        common,
    };
    uint32_t entries = c->entries ? c->entries : ENTRIES_DEFAULT;
    int rc = -EINVAL;

    for (size_t i = c->taskrun_any_thread ? 1 : 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct io_uring_params params = {.flags = tries[i], .cq_entries = entries * CQ_PER_SQ};

        rc = io_uring_queue_init_params(entries, &l->ring, &params);
        if (rc != -EINVAL)
            break;
    }
    if (rc == 0 && !c->taskrun_any_thread)
        io_uring_register_ring_fd(&l->ring); /* saves a descriptor look-up a call; may fail */
    return rc;
}

enum err loop_init(struct loop *l, const struct loop_config *config)
{
    static const struct loop_config defaults;
    const struct loop_config *c = config ? config : &defaults;

    memset(l, 0, sizeof(*l));
    l->next_group = GROUP_FIRST;
    list_init(&l->turn_hooks);
    list_init(&l->alarms);
    clock_init_real(&l->own_clock);
    l->clock = c->clock ? c->clock : &l->own_clock;
    l->now_us = clock_us(l->clock);
    wheel_init(&l->wheel, l->now_us / 1000);

    int rc = ring_open(l, c);

    if (rc) {
        log_error("io", "cannot make an io_uring; check kernel.io_uring_disabled, seccomp, ulimits",
                  "errno=%d error=\"%s\"", -rc, strerror(-rc));
        return rc == -ENOSYS || rc == -EPERM || rc == -EINVAL ? ERR_UNSUPPORTED : ERR_NOMEM;
    }
    l->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (l->wake_fd < 0) {
        log_error("io", "cannot make an eventfd", "errno=%d error=\"%s\"", errno, strerror(errno));
        io_uring_queue_exit(&l->ring);
        return ERR_NOMEM;
    }
    l->wake_op.done = wake_done;
    wake_arm(l);
    return OK;
}

void loop_fini(struct loop *l)
{
    uint64_t deadline_us;
    struct clock real;

    clock_init_real(&real);
    deadline_us = clock_us(&real) + FINI_WAIT_US;
    loop_cancel(l, &l->wake_op);
    while (l->inflight && clock_us(&real) < deadline_us)
        loop_turn(l, 10000);
    if (l->inflight)
        log_warn("io", "loop ended with operations still in flight", "count=%u", l->inflight);
    io_uring_queue_exit(&l->ring);
    close(l->wake_fd);
}

struct io_uring_sqe *loop_sqe(struct loop *l, struct loop_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

    for (int tries = 0; !sqe && tries < SUBMIT_TRIES_MAX; tries++) {
        l->sq_full += tries == 0;
        io_uring_submit(&l->ring);
        sqe = io_uring_get_sqe(&l->ring);
    }
    if (!sqe) {
        log_error("io", "the kernel takes no more operations; the loop cannot go on", "%s", "");
        abort();
    }
    io_uring_sqe_set_data(sqe, op);
    if (op) {
        assert(op->done);
        l->inflight++;
    }
    return sqe;
}

void loop_cancel(struct loop *l, struct loop_op *op)
{
    io_uring_prep_cancel64(loop_sqe(l, NULL), (uintptr_t)op, 0);
}

static struct loop_op *op_at(const struct loop *l, unsigned position)
{
    return io_uring_cqe_get_data(&l->ring.cq.cqes[position & *l->ring.cq.kring_mask]);
}

/* Ops of the completions that wait, shown once at each distance. */
struct ahead {
    unsigned far, near; /* positions not shown yet */
};

static void look_ahead(struct loop *l, struct ahead *a)
{
    unsigned head = *l->ring.cq.khead, ready = io_uring_cq_ready(&l->ring);

    for (; a->far - head < (ready < AHEAD_FAR ? ready : AHEAD_FAR); a->far++)
        if (op_at(l, a->far))
            l->on_ahead(op_at(l, a->far), LOOP_AHEAD_FAR);
    for (; a->near - head < (ready < AHEAD_NEAR ? ready : AHEAD_NEAR); a->near++)
        if (op_at(l, a->near))
            l->on_ahead(op_at(l, a->near), LOOP_AHEAD_NEAR);
}

/* Everything in the completion ring, including what callbacks add meanwhile, up to one ring full.
 */
static uint32_t reap(struct loop *l)
{
    uint32_t seen = 0, limit = *l->ring.cq.kring_entries;
    struct io_uring_cqe *cqe;
    struct ahead shown = {*l->ring.cq.khead, *l->ring.cq.khead};

    while (seen < limit && io_uring_cq_ready(&l->ring)) {
        unsigned head = *l->ring.cq.khead;

        if (l->on_ahead)
            look_ahead(l, &shown);
        cqe = &l->ring.cq.cqes[head & *l->ring.cq.kring_mask];
        struct loop_op *op = io_uring_cqe_get_data(cqe);
        int32_t res = cqe->res;
        uint32_t flags = cqe->flags;

        io_uring_cq_advance(&l->ring, 1);
        seen++;
        if (!op)
            continue;
        if (!(flags & IORING_CQE_F_MORE))
            l->inflight--;
        op->done(op, res, flags);
    }
    l->completions += seen;
    return seen;
}

/* Completions that it can only deliver when it is entered. */
static bool kernel_has_more(const struct loop *l)
{
    return __atomic_load_n(l->ring.sq.kflags, __ATOMIC_RELAXED) &
           (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

void loop_submit_and_reap(struct loop *l)
{
    for (int tries = 0; io_uring_sq_ready(&l->ring) && tries < SUBMIT_TRIES_MAX; tries++)
        io_uring_submit(&l->ring);
    reap(l);
}

static void drain(struct loop *l)
{
    for (uint32_t round = 0; round < DRAIN_ROUNDS_MAX; round++) {
        uint32_t seen = reap(l);

        if (seen < DRAIN_FEW && !kernel_has_more(l))
            return;
        io_uring_get_events(&l->ring);
    }
}

static void submit_and_wait(struct loop *l, uint64_t wait_us)
{
    struct io_uring_cqe *cqe;
    int rc;

    if (io_uring_cq_ready(&l->ring))
        wait_us = 0;
    if (wait_us == 0 && !io_uring_sq_ready(&l->ring) && !kernel_has_more(l)) {
        rc = 0;
    } else if (wait_us == 0) {
        rc = io_uring_submit_and_get_events(&l->ring);
    } else if (wait_us == UINT64_MAX) {
        rc = io_uring_submit_and_wait(&l->ring, 1);
    } else {
        struct __kernel_timespec ts = {(int64_t)(wait_us / 1000000),
                                       (long long)(wait_us % 1000000) * 1000};

        rc = io_uring_submit_and_wait_timeout(&l->ring, &cqe, 1, &ts, NULL);
    }
    if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
        log_error("io", "io_uring_enter failed", "errno=%d error=\"%s\"", -rc, strerror(-rc));
}

/* How long wheel and alarms let us wait, from a fresh reading of the clock. */
static uint64_t until_timer_us(const struct loop *l)
{
    uint64_t next_ms = wheel_next_ms(&l->wheel), deadline_us = UINT64_MAX;

    if (next_ms == 0)
        return 0;
    if (l->clock->is_virtual)
        return UINT64_MAX;
    if (next_ms != UINT64_MAX)
        deadline_us = (l->wheel.now_ms + next_ms) * 1000;
    for (const struct list_node *n = l->alarms.head.next; n != &l->alarms.head; n = n->next) {
        uint64_t at_us = container_of(n, const struct loop_alarm, node)->at_us;

        if (at_us < deadline_us)
            deadline_us = at_us;
    }
    if (deadline_us == UINT64_MAX)
        return UINT64_MAX;
    uint64_t now_us = clock_us(l->clock);

    return deadline_us > now_us ? deadline_us - now_us : 0;
}

/* One that is set again by ring() goes to the list's end with a time of its own, and is looked at
 * no more in this turn. */
static void ring_alarms(struct loop *l)
{
    struct list due;
    struct list_node *n;

    if (list_empty(&l->alarms))
        return;
    list_init(&due);
    list_each(a, next, &l->alarms)
    {
        if (container_of(a, struct loop_alarm, node)->at_us <= l->now_us) {
            list_remove(a);
            list_push_back(&due, a);
        }
    }
    while ((n = list_pop_front(&due))) {
        struct loop_alarm *a = container_of(n, struct loop_alarm, node);

        a->ring(a);
    }
}

static void run_hooks(struct loop *l)
{
    list_each(n, next, &l->turn_hooks)
    {
        struct loop_hook *h = container_of(n, struct loop_hook, node);

        h->run(h);
    }
}

void loop_turn(struct loop *l, uint64_t wait_us)
{
    run_hooks(l);
    uint64_t timer_us = until_timer_us(l);

    submit_and_wait(l, timer_us < wait_us ? timer_us : wait_us);
    l->turns++;
    l->now_us = clock_us(l->clock);
    l->in_turn = true;
    wheel_collect(&l->wheel, l->now_us / 1000);
    drain(l);
    wheel_fire(&l->wheel);
    ring_alarms(l);
    l->in_turn = false;
}

void loop_set_virtual(struct loop *l, bool (*settled)(void *arg), void *arg)
{
    assert(l->clock->is_virtual || !settled);
    l->settled = settled;
    l->settled_arg = arg;
}

/* Completions while something is under way, else the next instant's timers; never both, so that
 * their order is the same in every run. */
static void virtual_turn(struct loop *l)
{
    run_hooks(l);
    bool settled = l->settled(l->settled_arg);

    submit_and_wait(l, settled ? 0 : UINT64_MAX);
    l->turns++;
    l->now_us = clock_us(l->clock);
    l->in_turn = true;
    drain(l);
    if (settled && !l->stopping && l->settled(l->settled_arg)) {
        uint64_t next_ms = wheel_next_ms(&l->wheel);

        if (next_ms == UINT64_MAX) {
            l->stopping = true;
        } else {
            l->clock->now_us = (l->wheel.now_ms + next_ms) * 1000;
            l->now_us = l->clock->now_us;
            wheel_collect(&l->wheel, l->now_us / 1000);
            wheel_fire(&l->wheel);
        }
    }
    l->in_turn = false;
}

void loop_run(struct loop *l)
{
    l->stopping = false;
    while (!l->stopping && l->settled)
        virtual_turn(l);
    while (!l->stopping)
        loop_turn(l, UINT64_MAX);
    run_hooks(l);
    io_uring_submit(&l->ring);
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

void loop_timer(struct loop *l, struct timer *t, uint64_t delay_ms, timer_fn *fire)
{
    uint64_t now_ms = l->in_turn ? l->wheel.now_ms : clock_us(l->clock) / 1000;

    if (now_ms > l->wheel.now_ms) /* the wheel stands where the last turn left it */
        delay_ms += now_ms - l->wheel.now_ms;
    timer_start(&l->wheel, t, delay_ms, fire);
}

void loop_timer_stop(struct loop *l, struct timer *t)
{
    timer_stop(&l->wheel, t);
}

void loop_alarm_init(struct loop_alarm *a)
{
    list_node_init(&a->node);
}

void loop_alarm_set(struct loop *l, struct loop_alarm *a, uint64_t at_us,
                    void (*ring)(struct loop_alarm *a))
{
    assert(!l->clock->is_virtual);
    list_remove(&a->node);
    a->at_us = at_us;
    a->ring = ring;
    list_push_back(&l->alarms, &a->node);
}

void loop_alarm_stop(struct loop_alarm *a)
{
    list_remove(&a->node);
}

void loop_set_wake(struct loop *l, void (*on_wake)(void *arg), void *arg)
{
    l->on_wake = on_wake;
    l->on_wake_arg = arg;
}

void loop_wake(struct loop *l)
{
    const uint64_t one = 1;

    if (atomic_exchange(&l->wake_pending, 1) == 0)
        while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
}

void loop_set_ahead(struct loop *l, void (*ahead)(struct loop_op *op, enum loop_ahead ahead))
{
    l->on_ahead = ahead;
}

uint16_t loop_buffer_group(struct loop *l)
{
    uint16_t group = l->next_group;

    l->next_group = group == UINT16_MAX ? GROUP_FIRST : (uint16_t)(group + 1);
    return group;
}

void loop_hook_add(struct loop *l, struct loop_hook *h)
{
    list_push_back(&l->turn_hooks, &h->node);
}

void loop_hook_remove(struct loop_hook *h)
{
    list_remove(&h->node);
}
