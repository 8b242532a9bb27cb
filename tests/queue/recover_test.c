/* A Redis that has forgotten what it had acknowledged: what the queue says again makes it good, and
 * changes nothing where nothing was lost. */
#include "fixture.h"

#include "base/log.h"

static struct redis *raw;
static bool raw_up, raw_came;

static void on_raw_state(void *arg, bool up, const char *why)
{
    (void)arg, (void)why;
    raw_up = up;
}

static void on_raw(void *arg, const struct redisReply *reply)
{
    (void)arg, (void)reply;
    raw_came = true;
}

static void recover_setup(void)
{
    const struct redis_config config = {.loop = &loop, .on_state = on_raw_state};
    struct redis_config to = config;

    log_set_level(LOG_OFF);
    setup();
    to.url = redis_server_url(server);
    cr_assert_eq(redis_open(&raw, &to), OK);
    cr_assert(turn_until(&raw_up));
}

static void recover_teardown(void)
{
    redis_close(raw);
    teardown();
}

TestSuite(recover, .init = recover_setup, .fini = recover_teardown);

static void say(uint32_t n, ...)
{
    struct slice argv[8];
    va_list args;

    va_start(args, n);
    for (uint32_t i = 0; i < n; i++)
        argv[i] = slice_cstr(va_arg(args, const char *));
    va_end(args);
    raw_came = false;
    cr_assert_eq(redis_command(raw, on_raw, NULL, n, argv), OK);
    cr_assert(turn_until(&raw_came));
}

#define KEY "{spring%20offer%20%7b1%7d}"

/* As if it had never been claimed; its attempts are gone with it. */
static void lose(const char *id)
{
    char key[96], first[96];

    snprintf(key, sizeof(key), "%s:s:%s", KEY, id);
    snprintf(first, sizeof(first), "%s/1", id);
    say(2, "DEL", key);
    say(3, "ZREM", KEY ":leased", id);
    say(3, "ZREM", KEY ":due", id);
    say(3, "HDEL", KEY ":attempts", first);
    say(3, "SET", KEY ":attempts_total", "0");
    say(2, "DEL", KEY ":finished");
    say(3, "HDEL", KEY ":meta", "token");
    say(2, "DEL", KEY ":claims");
    say(4, "ZADD", KEY ":fresh", "1", id);
}

/* The queue's connection is lost and comes back; what it says then has been answered. */
static void reconnect(struct queue *q)
{
    int before = ups;

    say(4, "CLIENT", "KILL", "TYPE", "normal"); /* not the one that asks */
    for (int i = 0; i < 20000 && !(ups > before && queue_idle(q)); i++)
        loop_turn(&loop, 1000);
    cr_assert(ups > before && queue_idle(q));
}

Test(recover, an_open_attempt_comes_back_with_its_lease)
{
    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_eq(attempt(queue, &t, 1), OK);
    lose("p0");
    cr_assert_eq(counts(queue)->due, 1, "it was not lost at all");
    reconnect(queue);
    const struct queue_counts *c = counts(queue);
    cr_expect_eq(c->leased, 1);
    cr_expect_eq(c->attempts, 1);
    cr_assert_eq(claim(queue, 1), OK);
    cr_expect_eq(got.n, 0, "it was given out again while its call lives");
    cr_expect_eq(finish(queue, &t, 1, "reached"), OK);
    cr_expect_eq(counts(queue)->finished, 1);
}

Test(recover, a_completion_is_done_again)
{
    add_leads(queue, "p", 2);
    cr_assert_eq(claim(queue, 2), OK);
    struct queue_task a = got.task[0], b = got.task[1];
    cr_assert_eq(attempt(queue, &a, 1), OK);
    cr_assert_eq(attempt(queue, &b, 1), OK);
    cr_assert_eq(finish(queue, &a, 1, "reached"), OK);
    lose("p0");
    lose("p1");
    reconnect(queue);
    const struct queue_counts *c = counts(queue);
    cr_expect_eq(c->finished, 1, "%lu", c->finished);
    cr_expect_eq(c->leased, 1);
    cr_expect_eq(c->attempts, 2);
    cr_expect_eq(c->due, 0);
}

Test(recover, nothing_changes_where_nothing_was_lost)
{
    add_leads(queue, "p", 4);
    cr_assert_eq(claim(queue, 3), OK);
    struct queue_task a = got.task[0], b = got.task[1];
    cr_assert_eq(attempt(queue, &a, 1), OK);
    cr_assert_eq(attempt(queue, &b, 1), OK);
    cr_assert_eq(finish(queue, &a, 1, "reached"), OK);
    const struct queue_counts before = *counts(queue);
    for (int i = 0; i < 3; i++)
        reconnect(queue);
    const struct queue_counts *c = counts(queue);
    cr_expect_eq(c->finished, before.finished);
    cr_expect_eq(c->leased, before.leased);
    cr_expect_eq(c->attempts, before.attempts);
    cr_expect_eq(c->due, before.due);
    cr_expect_eq(finish(queue, &b, 1, "reached"), OK);
}

Test(recover, who_has_the_lead_by_now_lets_it_go)
{
    struct queue *other = open_queue("engine-2", 60000);

    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task mine = got.task[0];
    cr_assert_eq(attempt(queue, &mine, 1), OK);
    lose("p0");
    cr_assert_eq(claim(other, 1), OK);
    cr_assert_eq(got.n, 1);
    struct queue_task theirs = got.task[0];
    cr_expect_neq(theirs.token, mine.token, "a token was given twice");
    cr_expect_eq(finish(queue, &mine, 1, "reached"), OK, "the call that was made is closed");
    cr_expect_eq(attempt(other, &theirs, 1), ERR_REFUSED, "and is not made again");
    cr_expect_eq(counts(queue)->finished, 1);
    cr_expect_eq(counts(queue)->attempts, 1);
    queue_close(other);
}

Test(recover, a_later_attempt_is_not_touched_by_an_earlier_one)
{
    const struct queue_completion again = {.outcome = QUEUE_RETRY,
                                           .attempt = 1,
                                           .retry_wall_ms = 1,
                                           .charged = true,
                                           .avoid_trunk = QUEUE_NO_TRUNK};

    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(complete(queue, &t, &again), OK);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task second = got.task[0];
    cr_assert_eq(attempt(queue, &second, 2), OK);
    reconnect(queue); /* says attempt 1's completion again, and attempt 2 */
    const struct queue_counts *c = counts(queue);
    cr_expect_eq(c->leased, 1);
    cr_expect_eq(c->attempts, 2);
    cr_expect_eq(finish(queue, &second, 2, "reached"), OK);
    cr_expect_eq(counts(queue)->finished, 1);
}

Test(recover, no_claims_right_after_redis_was_away)
{
    struct queue *q;
    const struct queue_config config = {.loop = &loop,
                                        .url = redis_server_url(server),
                                        .campaign = "spring offer {1}",
                                        .engine = "engine-3",
                                        .settle_ms = 300,
                                        .on_state = on_state};

    cr_assert_eq(queue_open(&q, &config), OK);
    is_up = false;
    cr_assert(turn_until(&is_up));
    add_leads(q, "p", 1);
    cr_expect_eq(claim(q, 1), OK, "the first connection is not one that came back");
    reconnect(q);
    enum err e = ERR_AGAIN;
    int refused = 0;
    for (int i = 0; i < 20000 && e != OK; i++) {
        e = claim(q, 1); /* ERR_CLOSED: it is not back yet */
        cr_assert(e == OK || e == ERR_AGAIN || e == ERR_CLOSED, "%s", err_name(e));
        refused += e == ERR_AGAIN;
        loop_turn(&loop, 1000);
    }
    cr_expect_eq(e, OK);
    cr_expect_gt(refused, 0);
    queue_close(q);
}

/* Redis was away for longer than leases last: whose call lives is asked before others look. */
Test(recover, a_lease_that_ran_out_meanwhile_is_renewed_before_it_is_taken)
{
    const struct queue_config config = {.loop = &loop,
                                        .url = redis_server_url(server),
                                        .campaign = "spring offer {1}",
                                        .engine = "engine-3",
                                        .settle_ms = 3000,
                                        .on_state = on_state};
    struct queue *q;

    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    struct queue_lease ours = {.token = t.token};

    strcpy(ours.id, t.id);
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(queue_open(&q, &config), OK);
    is_up = false;
    cr_assert(turn_until(&is_up));
    say(4, "ZADD", KEY ":leased", "1", "p0"); /* long run out */
    reconnect(q);
    enum err e = ERR_CLOSED;
    for (int i = 0; i < 20000 && e == ERR_CLOSED; i++) {
        loop_turn(&loop, 1000);
        e = reclaim(q, false);
    }
    cr_expect_eq(e, ERR_AGAIN, "%s", err_name(e));
    for (int i = 0; i < 20000 && !queue_up(queue); i++)
        loop_turn(&loop, 1000);
    fresh_answer();
    cr_expect_eq(wait_for(queue_renew(queue, &ours, 1, on_renewed, &got)), OK);
    cr_expect_eq(got.n, 0, "the lease was ours still");
    for (int i = 0; i < 20000 && e == ERR_AGAIN; i++) {
        loop_turn(&loop, 1000);
        e = reclaim(q, false);
    }
    cr_expect_eq(e, OK, "%s", err_name(e));
    cr_expect_eq(got.n, 0);
    cr_expect_eq(finish(queue, &t, 1, "reached"), OK);
    queue_close(q);
}

Test(recover, what_is_done_stays_done_whatever_line_it_is_in)
{
    struct queue *other = open_queue("engine-2", 60000);

    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(finish(queue, &t, 1, "reached"), OK);
    say(4, "ZADD", KEY ":leased", "1", "p0"); /* as Redis 7.0 leaves it after a torn file */
    cr_assert_eq(reclaim(other, false), OK);
    cr_expect_eq(got.put_back, 0);
    cr_expect_eq(counts(queue)->due, 0);
    cr_expect_eq(counts(queue)->finished, 1);
    queue_close(other);
}
