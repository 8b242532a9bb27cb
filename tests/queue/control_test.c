/* A campaign's state on a real redis-server: orders, what they refuse, who gave them, and that no
 * attempt is made while the campaign does not run. */
#include "fixture.h"

#include "queue/control.h"

static struct queue_control now;
static enum control_answer answer;
static struct queue_engine_told engine[QUEUE_ENGINES_MAX];
static struct queue_audit_line line[AUDIT_READ_MAX];
static uint32_t n;

static void on_control(void *arg, enum err e, const struct queue_control *c)
{
    now = *c;
    on_done(arg, e);
}

static void on_ordered(void *arg, enum err e, enum control_answer a, const struct queue_control *c)
{
    answer = a;
    on_control(arg, e, c);
}

static void on_engines(void *arg, enum err e, const struct queue_engine_told *told, uint32_t count,
                       uint64_t now_ms)
{
    cr_expect_gt(now_ms, 0);
    memcpy(engine, told, count * sizeof(*told));
    n = count;
    on_done(arg, e);
}

static void on_audit(void *arg, enum err e, const struct queue_audit_line *l, uint32_t count)
{
    memcpy(line, l, count * sizeof(*l));
    n = count;
    on_done(arg, e);
}

static void on_share(void *arg, enum err e, const struct queue_shared *s)
{
    (void)s;
    on_done(arg, e);
}

static enum control_answer order(enum control_order o, const char *who, const char *why)
{
    fresh_answer();
    cr_assert_eq(
        wait_for(queue_control_order(queue, o, slice_cstr(who), slice_cstr(why), on_ordered, &got)),
        OK, "%s", queue_error(queue));
    return answer;
}

static const struct queue_control *look(void)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_control_look(queue, on_control, &got)), OK);
    return &now;
}

static void present(struct queue *q, uint32_t lease_ms)
{
    const struct queue_presence p = {.lease_ms = lease_ms, .agents = 3, .calls = 2};

    fresh_answer();
    cr_assert_eq(wait_for(queue_share(q, &p, on_share, &got)), OK);
}

static void leave(struct queue *q)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_leave(q, on_done, &got)), OK);
}

Test(control, a_campaign_runs_until_somebody_orders_otherwise, .init = setup, .fini = teardown)
{
    cr_expect_eq(look()->state, CONTROL_RUNNING);
    cr_expect_eq(now.version, 0);
    cr_expect_eq(now.since_wall_ms, 0);
    cr_expect_eq(order(ORDER_PAUSE, "anna@desk", "stock is counted"), CONTROL_CHANGED);
    look();
    cr_expect_eq(now.state, CONTROL_PAUSED);
    cr_expect_str_eq(now.who, "anna@desk");
    cr_expect_str_eq(now.why, "stock is counted");
    cr_expect_eq(now.version, 1);
    cr_expect_leq(now.since_wall_ms, wall_ms());
    cr_expect_gt(now.since_wall_ms, wall_ms() - 60000);
    cr_expect_eq(order(ORDER_PAUSE, "bert", ""), CONTROL_ALREADY);
    cr_expect_str_eq(look()->who, "anna@desk", "who paused it first");
    cr_expect_eq(order(ORDER_RELOAD, "bert", ""), CONTROL_CHANGED);
    cr_expect_str_eq(look()->who, "anna@desk", "a reload leaves the state alone");
    cr_expect_eq(now.reloads, 1);
    cr_expect_eq(now.version, 2);
    cr_expect_eq(order(ORDER_RESUME, "bert", ""), CONTROL_CHANGED);
    cr_expect_eq(look()->state, CONTROL_RUNNING);
}

Test(control, what_ends_can_be_hurried_but_not_paused, .init = setup, .fini = teardown)
{
    present(queue, 60000);
    cr_expect_eq(order(ORDER_DRAIN, "a", ""), CONTROL_CHANGED);
    cr_expect_eq(order(ORDER_PAUSE, "a", ""), CONTROL_REFUSED);
    cr_expect_eq(now.state, CONTROL_DRAINING);
    cr_expect_eq(order(ORDER_RELOAD, "a", ""), CONTROL_REFUSED);
    cr_expect_eq(order(ORDER_STOP, "a", ""), CONTROL_CHANGED);
    cr_expect(!now.at_once);
    cr_expect_eq(order(ORDER_DRAIN, "a", ""), CONTROL_REFUSED);
    cr_expect_eq(order(ORDER_STOP, "a", ""), CONTROL_ALREADY);
    cr_expect_eq(order(ORDER_STOP_NOW, "a", ""), CONTROL_CHANGED);
    cr_expect(now.at_once);
    cr_expect_eq(order(ORDER_STOP_NOW, "a", ""), CONTROL_ALREADY);
    cr_expect_eq(order(ORDER_RESUME, "a", ""), CONTROL_CHANGED);
    cr_expect(!now.at_once);
    cr_expect_eq(now.state, CONTROL_RUNNING);
}

Test(control, no_attempt_while_it_does_not_run, .init = setup, .fini = teardown)
{
    static const enum control_order held[] = {ORDER_PAUSE, ORDER_STOP, ORDER_STOP_NOW, ORDER_DRAIN};

    add_leads(queue, "lead", 2);
    cr_assert_eq(claim(queue, 2), OK);
    struct queue_task first = got.task[0], second = got.task[1];

    cr_assert_eq(attempt(queue, &first, 1), OK);
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        order(ORDER_RESUME, "a", "");
        cr_expect_eq(order(held[i], "a", ""), CONTROL_CHANGED);
        cr_expect_eq(attempt(queue, &second, 1), ERR_AGAIN, "%s", control_order_name(held[i]));
        cr_expect_eq(attempt(queue, &first, 1), OK, "one on record before stays on record");
    }
    cr_expect_eq(counts(queue)->attempts, 1);
    cr_expect_eq(finish(queue, &first, 1, "reached"), OK, "and what goes on can end");
    order(ORDER_RESUME, "a", "");
    cr_expect_eq(attempt(queue, &second, 1), OK);
}

Test(control, the_last_to_leave_has_drained_it, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-0", 60000);

    present(queue, 60000);
    present(other, 60000);
    leave(other);
    cr_expect_eq(look()->state, CONTROL_RUNNING, "leaving stops nothing");
    present(other, 60000);
    order(ORDER_DRAIN, "a", "end of shift");
    leave(other);
    cr_expect_eq(look()->state, CONTROL_DRAINING, "engine-1 is still there");
    leave(queue);
    cr_expect_eq(look()->state, CONTROL_STOPPED);
    cr_expect_str_eq(now.who, "peal");
    queue_close(other);
}

Test(control, engines_that_are_gone_do_not_keep_it_draining, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-0", 60000);

    present(queue, 60000);
    present(other, 1); /* and then no word of it any more */
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 1000);
    order(ORDER_DRAIN, "a", "");
    leave(queue);
    cr_expect_eq(look()->state, CONTROL_STOPPED);
    queue_close(other);
}

Test(control, engines_tell_what_they_made_of_it, .init = setup, .fini = teardown)
{
    present(queue, 60000);
    order(ORDER_PAUSE, "a", "");
    fresh_answer();
    cr_assert_eq(wait_for(queue_engines(queue, on_engines, &got)), OK);
    cr_assert_eq(n, 1);
    cr_expect_eq(engine[0].version, 0, "nothing yet");
    fresh_answer();
    cr_assert_eq(wait_for(queue_control_tell(queue, now.version, false,
                                             SLICE("cannot: its disk is full"), on_done, &got)),
                 OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_engines(queue, on_engines, &got)), OK);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(engine[0].name, "engine-1");
    cr_expect_eq(engine[0].version, now.version);
    cr_expect(!engine[0].followed && !engine[0].gone);
    cr_expect_eq(engine[0].agents, 3);
    cr_expect_eq(engine[0].calls, 2);
    cr_expect_str_eq(engine[0].sentence, "cannot: its disk is full");
    cr_expect_eq(queue_control_tell(queue, 1, true, SLICE("two\nlines"), on_done, &got),
                 ERR_INVALID);
}

Test(control, every_order_is_written_down, .init = setup, .fini = teardown)
{
    order(ORDER_PAUSE, "anna", "lunch");
    order(ORDER_PAUSE, "bert", "changes nothing");
    order(ORDER_RESUME, "bert", "");
    order(ORDER_RELOAD, "anna", "new hours");
    order(ORDER_STOP_NOW, "bert", "wrong offer");
    order(ORDER_PAUSE, "anna", "refused");
    fresh_answer();
    cr_assert_eq(wait_for(queue_audit(queue, 100, on_audit, &got)), OK);
    static const char *const expected[][3] = {{"pause", "anna", "lunch"},
                                              {"resume", "bert", ""},
                                              {"reload", "anna", "new hours"},
                                              {"stop now", "bert", "wrong offer"}};

    cr_assert_eq(n, 4);
    for (uint32_t i = 0; i < n; i++) {
        cr_expect_str_eq(line[i].order, expected[i][0]);
        cr_expect_str_eq(line[i].who, expected[i][1]);
        cr_expect_str_eq(line[i].why, expected[i][2]);
        cr_expect_gt(line[i].at_wall_ms, wall_ms() - 60000);
    }
    fresh_answer();
    cr_assert_eq(wait_for(queue_audit(queue, 2, on_audit, &got)), OK);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(line[0].order, "reload", "the latest, oldest first");
}
