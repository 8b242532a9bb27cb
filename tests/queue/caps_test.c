/* The limits of a campaign over all its engines, kept inside Redis: two engines' attempts together
 * are never more at once, nor more in a second, than the campaign and its trunks allow. */
#include "fixture.h"

#define LEADS 40

static enum err try_one(struct queue *q, const struct queue_task *t, const struct queue_caps *caps)
{
    fresh_answer();
    return wait_for(
        queue_attempt_capped(q, t, t->tries + 1, SLICE("call@test"), caps, on_done, &got));
}

static struct queue *other;
static struct queue_task task[2][LEADS / 2];

static void begin(void)
{
    setup();
    other = open_queue("engine-2", 60000);
    add_leads(queue, "lead", LEADS);
    cr_assert_eq(claim(queue, LEADS / 2), OK);
    memcpy(task[0], got.task, sizeof(task[0]));
    cr_assert_eq(claim(other, LEADS / 2), OK);
    memcpy(task[1], got.task, sizeof(task[1]));
}

static void end(void)
{
    queue_close(other);
    teardown();
}

static struct queue *of(int i)
{
    return i ? other : queue;
}

TestSuite(caps, .init = begin, .fini = end);

Test(caps, at_once_over_all_engines)
{
    const struct queue_caps caps = {.concurrent = 3, .trunk = SLICE("carrier")};

    cr_expect_eq(try_one(queue, &task[0][0], &caps), OK);
    cr_expect_eq(try_one(other, &task[1][0], &caps), OK);
    cr_expect_eq(try_one(other, &task[1][1], &caps), OK);
    cr_expect_eq(try_one(queue, &task[0][1], &caps), ERR_AGAIN);
    cr_expect_eq(try_one(other, &task[1][2], &caps), ERR_AGAIN);
    cr_expect_eq(try_one(queue, &task[0][0], &caps), OK, "asked again, it is the same one");
    cr_expect_eq(finish(other, &task[1][0], 1, "reached"), OK);
    cr_expect_eq(try_one(queue, &task[0][1], &caps), OK, "one has ended");
    cr_expect_eq(try_one(other, &task[1][2], &caps), ERR_AGAIN);
    cr_expect_eq(counts(queue)->attempts, 4, "what was refused is on no record");
}

Test(caps, at_once_on_a_trunk_over_all_engines)
{
    const struct queue_caps a = {.trunk = SLICE("a"), .trunk_calls = 2};
    const struct queue_caps b = {.trunk = SLICE("b"), .trunk_calls = 1};

    cr_expect_eq(try_one(queue, &task[0][0], &a), OK);
    cr_expect_eq(try_one(other, &task[1][0], &a), OK);
    cr_expect_eq(try_one(queue, &task[0][1], &a), ERR_AGAIN);
    cr_expect_eq(try_one(queue, &task[0][1], &b), OK, "another trunk has room");
    cr_expect_eq(try_one(other, &task[1][1], &b), ERR_AGAIN);
    cr_expect_eq(finish(queue, &task[0][0], 1, "reached"), OK);
    cr_expect_eq(try_one(other, &task[1][1], &a), OK);
}

/* What a lost engine left open counts until somebody closes it. */
Test(caps, what_is_left_open_counts_until_it_is_closed)
{
    const struct queue_caps caps = {.concurrent = 1, .trunk = SLICE("carrier")};

    cr_expect_eq(try_one(other, &task[1][0], &caps), OK);
    queue_close(other);
    other = open_queue("engine-2", 60000);
    cr_expect_eq(try_one(queue, &task[0][0], &caps), ERR_AGAIN);
    cr_expect_eq(reclaim(other, true), OK);
    cr_assert_eq(got.n, 1);
    cr_expect_eq(finish(other, &got.task[0], got.task[0].open_attempt, "unknown"), OK);
    cr_expect_eq(try_one(queue, &task[0][0], &caps), OK);
}

/* The instants that Redis itself has noted: in no second more than the limit. */
Test(caps, a_second_over_all_engines)
{
    const struct queue_caps caps = {.calls_per_second = 5, .trunk = SLICE("carrier")};
    uint32_t made[2] = {0}, refused = 0;
    uint64_t at[LEADS], n = 0;

    for (int round = 0; round < 4000 && made[0] + made[1] < 12; round++) {
        int i = round % 2;
        struct queue_task *t = &task[i][made[i]];

        if (made[i] == LEADS / 2)
            break;
        enum err e = try_one(of(i), t, &caps);

        cr_assert(e == OK || e == ERR_AGAIN);
        if (e == OK)
            made[i]++;
        else
            refused++, loop_turn(&loop, 2000);
    }
    cr_expect_eq(made[0] + made[1], 12);
    cr_expect_gt(refused, 0);
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < made[i]; k++) {
            char command[300], text[200] = "";

            snprintf(command, sizeof(command),
                     "redis-cli -s %s/redis.sock HGET '{spring%%20offer%%20%%7b1%%7d}:attempts' "
                     "%s/1 | cut -d$(printf '\\037') -f4",
                     folder, task[i][k].id);
            FILE *f = popen(command, "r");

            cr_assert_not_null(fgets(text, sizeof(text), f));
            pclose(f);
            at[n++] = strtoull(text, NULL, 10);
        }
    for (uint64_t i = 0; i < n; i++) {
        uint32_t within = 0;

        for (uint64_t k = 0; k < n; k++)
            within += at[k] >= at[i] && at[k] < at[i] + 1000;
        cr_expect_leq(within, 5, "%u in a second", within);
    }
}

Test(caps, a_slow_rate_and_a_trunks_own)
{
    const struct queue_caps slow = {.calls_per_second = 0.001, .trunk = SLICE("a")};
    const struct queue_caps trunk = {.trunk = SLICE("b"), .trunk_calls_per_second = 1};

    cr_expect_eq(try_one(queue, &task[0][0], &slow), OK);
    cr_expect_eq(try_one(other, &task[1][0], &slow), ERR_AGAIN, "one in 1,000 s");
    cr_expect_eq(try_one(other, &task[1][0], &trunk), OK, "this one has no limit of the campaign");
    cr_expect_eq(try_one(queue, &task[0][1], &trunk), ERR_AGAIN);
}
