#include "io/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop loop;
static uint64_t fired_at_us;

static void setup(void)
{
    cr_assert_eq(loop_init(&loop, NULL), OK);
}
static void teardown(void)
{
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0, "operations left in flight");
}

static void stop_on_fire(struct timer *t)
{
    (void)t;
    fired_at_us = clock_us(loop.clock);
    loop_stop(&loop);
}

Test(loop, timers_are_on_time, .init = setup, .fini = teardown)
{
    struct timer t;
    uint64_t start;

    timer_init(&t);
    usleep(20000); /* the wheel has not moved since loop_init; the timer must not care */
    start = clock_us(loop.clock);
    loop_timer(&loop, &t, 50, stop_on_fire);
    loop_run(&loop);
    cr_assert_geq(fired_at_us - start, 49000);
    cr_assert_leq(fired_at_us - start, 500000, "%lu us late", fired_at_us - start - 50000);
}

/* An alarm is a moment between two milliseconds: it neither comes early nor makes the loop spin. */
static struct loop_alarm alarms[3];
static uint64_t rang_us[3];
static int rings;

static void on_ring(struct loop_alarm *a)
{
    int i = (int)(a - alarms);

    rang_us[i] = clock_us(loop.clock);
    rings++;
    if (i == 0 && rings < 3)
        loop_alarm_set(&loop, a, a->at_us + 1700, on_ring);
    else if (i == 2)
        loop_stop(&loop);
}

Test(loop, alarms_ring_at_their_microsecond_without_spinning, .init = setup, .fini = teardown)
{
    uint64_t start = clock_us(loop.clock);

    for (int i = 0; i < 3; i++)
        loop_alarm_init(&alarms[i]);
    loop_alarm_set(&loop, &alarms[2], start + 60300, on_ring);
    loop_alarm_set(&loop, &alarms[1], start + 900300, on_ring);
    loop_alarm_set(&loop, &alarms[1], start + 20300, on_ring);
    loop_alarm_set(&loop, &alarms[0], start, on_ring);
    uint64_t turns = loop.turns;

    loop_run(&loop);
    cr_assert_eq(rings, 5, "%d", rings);
    cr_assert_geq(rang_us[0], start + 3400, "set again twice");
    cr_assert_geq(rang_us[1], start + 20300);
    cr_assert_geq(rang_us[2], start + 60300);
    cr_assert_lt(rang_us[1], rang_us[2]);
    cr_assert_leq(loop.turns - turns, 12, "%llu turns", (unsigned long long)(loop.turns - turns));

    loop_alarm_set(&loop, &alarms[0], 0, on_ring);
    loop_alarm_stop(&alarms[0]);
    loop_alarm_stop(&alarms[0]);
    loop.stopping = false;
    loop_turn(&loop, 0);
    cr_assert_eq(rings, 5, "one that was stopped");
}

/* The wheel's present time must not be that of the last timer: after an idle second a timer started
 * from a completion would else fire a second early. */
static struct timer late;
static uint64_t idle_start_us;
static void start_late(struct loop_op *op, int32_t res, uint32_t flags)
{
    (void)op, (void)res, (void)flags;
    idle_start_us = clock_us(loop.clock);
    loop_timer(&loop, &late, 60, stop_on_fire);
}

Test(loop, timer_started_by_a_completion_counts_from_now, .init = setup, .fini = teardown)
{
    struct loop_op op = {start_late};
    struct __kernel_timespec wait = {0, 100 * 1000000};

    timer_init(&late);
    io_uring_prep_timeout(loop_sqe(&loop, &op), &wait, 0, 0);
    loop_run(&loop);
    cr_assert_geq(fired_at_us - idle_start_us, 58000, "fired %lu us after its start",
                  fired_at_us - idle_start_us);
}

static uint32_t ticks;
static void tick(struct timer *t)
{
    if (++ticks == 200)
        loop_stop(&loop);
    else /* the next one by the plan, not by when this one came */
        timer_start_at(&loop.wheel, t, t->due_ms + 5, tick);
}

Test(loop, a_planned_tick_does_not_drift, .init = setup, .fini = teardown)
{
    struct timer t;
    uint64_t start = clock_us(loop.clock);

    ticks = 0;
    timer_init(&t);
    loop_timer(&loop, &t, 5, tick);
    loop_run(&loop);
    uint64_t took = clock_us(loop.clock) - start;

    cr_assert_geq(took, 998000);
    cr_assert_leq(took, 1900000, "200 ticks of 5 ms took %lu us", took);
}

static int32_t last_res;
static int done_count;
static void note(struct loop_op *op, int32_t res, uint32_t flags)
{
    (void)op, (void)flags;
    last_res = res;
    done_count++;
}

Test(loop, cancel_brings_the_final_completion, .init = setup, .fini = teardown)
{
    int fds[2];
    char byte;
    struct loop_op op = {note};

    cr_assert_eq(pipe(fds), 0);
    done_count = 0;
    io_uring_prep_read(loop_sqe(&loop, &op), fds[0], &byte, 1, 0);
    uint32_t before = loop.inflight;

    loop_cancel(&loop, &op); /* in the same batch as the operation itself */
    for (int i = 0; i < 100 && !done_count; i++)
        loop_turn(&loop, 10000);
    cr_assert_eq(done_count, 1);
    cr_assert_eq(last_res, -ECANCELED);
    cr_assert_eq(loop.inflight, before - 1);
    close(fds[0]);
    close(fds[1]);
}

Test(loop, what_ends_at_once_is_reaped_without_a_turn, .init = setup, .fini = teardown)
{
    int fds[2];
    char byte = 7;
    struct loop_op op = {note};
    struct timer t;

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    timer_init(&t);
    loop_timer(&loop, &t, 0, stop_on_fire);
    fired_at_us = 0;
    done_count = 0;
    io_uring_prep_recv(loop_sqe(&loop, &op), fds[0], &byte, 1, MSG_DONTWAIT);
    loop_submit_and_reap(&loop);
    cr_assert_eq(done_count, 1);
    cr_assert_eq(last_res, -EAGAIN);
    cr_assert_eq(send(fds[1], &byte, 1, 0), 1);
    io_uring_prep_recv(loop_sqe(&loop, &op), fds[0], &byte, 1, MSG_DONTWAIT);
    loop_submit_and_reap(&loop);
    cr_assert_eq(done_count, 2);
    cr_assert_eq(last_res, 1);
    cr_assert_eq(fired_at_us, 0, "timers have their turn");
    loop_timer_stop(&loop, &t);
    close(fds[0]);
    close(fds[1]);
}

/* A turn that finds nothing to submit does not enter the kernel, but must not miss what only the
 * kernel can hand over. */
Test(loop, turns_that_do_not_wait_still_bring_completions, .init = setup, .fini = teardown)
{
    int fds[2];
    char byte = 7;
    struct loop_op op = {note};

    cr_assert_eq(pipe(fds), 0);
    for (int i = 0; i < 100; i++) {
        done_count = 0;
        io_uring_prep_read(loop_sqe(&loop, &op), fds[0], &byte, 1, 0);
        loop_turn(&loop, 0);
        cr_assert_eq(done_count, 0);
        cr_assert_eq(write(fds[1], &byte, 1), 1);
        for (int turn = 0; turn < 100000 && !done_count; turn++)
            loop_turn(&loop, 0);
        cr_assert_eq(done_count, 1);
    }
    close(fds[0]);
    close(fds[1]);
}

Test(loop, a_full_ring_submits_and_goes_on)
{
    struct loop_op op = {note};
    const struct loop_config small = {.entries = 8};

    cr_assert_eq(loop_init(&loop, &small), OK);
    done_count = 0;
    for (int i = 0; i < 500; i++)
        io_uring_prep_nop(loop_sqe(&loop, &op));
    for (int i = 0; i < 100 && done_count < 500; i++)
        loop_turn(&loop, 10000);
    cr_assert_eq(done_count, 500, "%d of 500 completions", done_count);
    cr_assert_gt(loop.sq_full, 0);
    loop_fini(&loop);
}

/* DEFER_TASKRUN brings 20 completions a call; one turn must still bring all there are. */
Test(loop, one_turn_brings_all_completions, .init = setup, .fini = teardown)
{
    struct loop_op op[300];
    int fds[2];

    cr_assert_eq(pipe(fds), 0);
    done_count = 0;
    for (int i = 0; i < 300; i++) {
        op[i].done = note;
        io_uring_prep_poll_add(loop_sqe(&loop, &op[i]), fds[0], POLLIN);
    }
    loop_turn(&loop, 0);
    cr_assert_eq(done_count, 0);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    loop_turn(&loop, 100000);
    cr_assert_eq(done_count, 300, "%d of 300 in one turn", done_count);
    close(fds[0]);
    close(fds[1]);
}

static struct loop_op chain_op;
static void chain(struct loop_op *op, int32_t res, uint32_t flags)
{
    (void)op, (void)res, (void)flags;
    done_count++;
    io_uring_prep_nop(loop_sqe(&loop, &chain_op));
}

Test(loop, endless_completions_leave_room_for_timers, .init = setup)
{
    struct timer t;

    done_count = 0;
    chain_op.done = chain;
    chain(NULL, 0, 0);
    timer_init(&t);
    loop_timer(&loop, &t, 30, stop_on_fire);
    loop_run(&loop);
    cr_assert_gt(done_count, 10);
    chain_op.done = note;
    loop_fini(&loop);
}

static uint32_t wakes;
static void on_wake(void *arg)
{
    wakes++;
    if (arg)
        loop_stop(arg);
}

Test(loop, many_wakes_are_one, .init = setup, .fini = teardown)
{
    loop_set_wake(&loop, on_wake, NULL);
    for (int i = 0; i < 1000; i++)
        loop_wake(&loop);
    for (int i = 0; i < 10; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(wakes, 1);
    loop_wake(&loop);
    loop_turn(&loop, 100000);
    cr_assert_eq(wakes, 2, "the second wake was lost");
}

struct counting_hook {
    struct loop_hook hook;
    int runs;
};
static void run_once(struct loop_hook *h)
{
    container_of(h, struct counting_hook, hook)->runs++;
    loop_hook_remove(h);
}
static void run_each(struct loop_hook *h)
{
    container_of(h, struct counting_hook, hook)->runs++;
}

Test(loop, hooks_run_before_each_submit, .init = setup, .fini = teardown)
{
    struct counting_hook each = {{.run = run_each}, 0}, once = {{.run = run_once}, 0};

    loop_hook_add(&loop, &once.hook);
    loop_hook_add(&loop, &each.hook);
    for (int i = 0; i < 5; i++)
        loop_turn(&loop, 0);
    loop_hook_remove(&each.hook);
    loop_turn(&loop, 0);
    cr_assert_eq(each.runs, 5);
    cr_assert_eq(once.runs, 1);
}

Test(loop, virtual_time_moves_only_by_hand)
{
    struct clock clock;
    const struct loop_config config = {.clock = &clock};
    struct timer t;

    clock_init_virtual(&clock, 5000000, 0);
    cr_assert_eq(loop_init(&loop, &config), OK);
    timer_init(&t);
    fired_at_us = 0;
    loop_timer(&loop, &t, 3600000, stop_on_fire);
    loop_turn(&loop, 1000);
    cr_assert_eq(fired_at_us, 0);
    clock_advance_us(&clock, UINT64_C(3600000) * 1000);
    loop_turn(&loop, 0);
    cr_assert_eq(fired_at_us, UINT64_C(3605000000));
    loop_fini(&loop);
}

Test(loop, works_without_the_single_issuer)
{
    const struct loop_config config = {.taskrun_any_thread = true};
    struct timer t;

    cr_assert_eq(loop_init(&loop, &config), OK);
    timer_init(&t);
    loop_timer(&loop, &t, 1, stop_on_fire);
    loop_run(&loop);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
}

/* Virtual time of loop_run: an answer that is under way belongs to its instant, however long the
 * world outside takes. */
static struct {
    struct clock clock;
    struct loop loop;
    struct loop_op answer;
    struct timer ask, next;
    int fds[2];
    bool asked;
    uint64_t answered_ms, next_ms;
} v;

static bool v_settled(void *arg)
{
    (void)arg;
    return !v.asked;
}

static void v_answered(struct loop_op *op, int32_t res, uint32_t flags)
{
    (void)op, (void)flags;
    cr_expect_eq(res, -ETIME);
    v.asked = false;
    v.answered_ms = clock_ms(&v.clock);
}

static void v_ask(struct timer *t)
{
    static struct __kernel_timespec real = {0, 30 * 1000000};

    (void)t;
    v.asked = true;
    io_uring_prep_timeout(loop_sqe(&v.loop, &v.answer), &real, 0, 0);
}

static void v_next(struct timer *t)
{
    (void)t;
    v.next_ms = clock_ms(&v.clock);
    cr_expect(!v.asked, "the clock moved while a question was open");
    loop_stop(&v.loop);
}

Test(loop, virtual_time_waits_for_what_is_under_way)
{
    const struct loop_config config = {.clock = &v.clock};

    clock_init_virtual(&v.clock, 5000000, 0);
    cr_assert_eq(loop_init(&v.loop, &config), OK);
    v.answer.done = v_answered;
    timer_init(&v.ask);
    timer_init(&v.next);
    loop_set_virtual(&v.loop, v_settled, NULL);
    loop_timer(&v.loop, &v.ask, 86400000, v_ask);
    loop_timer(&v.loop, &v.next, 86400001, v_next);
    loop_run(&v.loop);
    cr_expect_eq(v.answered_ms, 5000 + 86400000);
    cr_expect_eq(v.next_ms, 5000 + 86400001);
    loop_set_virtual(&v.loop, NULL, NULL);
    loop_fini(&v.loop);
}

Test(loop, virtual_time_ends_with_the_last_timer)
{
    const struct loop_config config = {.clock = &v.clock};

    clock_init_virtual(&v.clock, 0, 0);
    cr_assert_eq(loop_init(&v.loop, &config), OK);
    loop_set_virtual(&v.loop, v_settled, NULL);
    loop_run(&v.loop);
    cr_expect_eq(clock_us(&v.clock), 0);
    loop_set_virtual(&v.loop, NULL, NULL);
    loop_fini(&v.loop);
}
