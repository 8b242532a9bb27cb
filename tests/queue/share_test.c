/* Engines of one campaign on a real redis-server: presence, its end, and the number they share. */
#include "fixture.h"

#include <math.h>

#include "queue/share.h"

static struct queue_shared shared;

static void on_shared(void *arg, enum err e, const struct queue_shared *s)
{
    shared = *s;
    on_done(arg, e);
}

static double share(struct queue *q, uint32_t lease_ms, uint32_t agents, double moved,
                    double ceiling, double start)
{
    const struct queue_presence p = {lease_ms, agents, agents * 2, moved, ceiling, start};

    fresh_answer();
    cr_assert_eq(wait_for(queue_share(q, &p, on_shared, &got)), OK, "%s", queue_error(q));
    return shared.number;
}

static const struct queue_engine *engine(const char *name)
{
    for (uint32_t i = 0; i < shared.engines; i++)
        if (strcmp(shared.engine[i].name, name) == 0)
            return &shared.engine[i];
    return NULL;
}

Test(share, engines_see_each_other_by_name, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-0", 60000);

    share(queue, 60000, 5, 0, INFINITY, -3);
    cr_assert_eq(shared.engines, 1);
    cr_expect(shared.engine[0].self);
    share(other, 60000, 7, 0, INFINITY, -3);
    share(queue, 60000, 6, 0, INFINITY, -3);
    cr_assert_eq(shared.engines, 2);
    cr_expect_str_eq(shared.engine[0].name, "engine-0");
    cr_expect_eq(shared.engine[0].agents, 7);
    cr_expect_eq(shared.engine[0].calls, 14);
    cr_expect(!shared.engine[0].self && !shared.engine[0].gone);
    cr_expect_str_eq(shared.engine[1].name, "engine-1");
    cr_expect(shared.engine[1].self);
    cr_expect_eq(shared.engine[1].agents, 6);
    fresh_answer();
    cr_assert_eq(wait_for(queue_leave(other, on_done, &got)), OK);
    share(queue, 60000, 6, 0, INFINITY, -3);
    cr_expect_eq(shared.engines, 1, "who leaves is not told");
    queue_close(other);
}

Test(share, one_that_says_nothing_any_more_is_gone, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-0", 60000);

    share(other, 1, 7, 0.5, INFINITY, -3);
    queue_close(other); /* as if killed: no word */
    for (int i = 0; i < 2000; i++) {
        share(queue, 60000, 6, 0, INFINITY, -3);
        cr_assert_not_null(engine("engine-0"));
        if (engine("engine-0")->gone)
            break;
        loop_turn(&loop, 1000);
    }
    cr_assert(engine("engine-0")->gone);
    share(queue, 60000, 6, 0, INFINITY, -3);
    cr_expect(engine("engine-0")->gone, "everybody hears of it");
    other = open_queue("engine-0", 60000);
    share(other, 60000, 7, 0, INFINITY, -3);
    share(queue, 60000, 6, 0, INFINITY, -3);
    cr_expect(!engine("engine-0")->gone, "it is back");
    queue_close(other);
}

Test(share, the_number_is_moved_by_all_and_by_nothing_twice, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-0", 60000);

    cr_expect_eq(share(queue, 60000, 1, 0.25, INFINITY, -3.6875), -3.6875,
                 "the first brings it, with what it has moved");
    cr_expect_eq(share(other, 60000, 1, -0.5, INFINITY, -9), -4.1875, "its own value is no news");
    cr_expect_eq(share(other, 60000, 1, -0.5, INFINITY, -9), -4.1875, "asked twice, counted once");
    cr_expect_eq(share(queue, 60000, 1, 0.75, INFINITY, 0), -3.6875);
    cr_expect_eq(share(queue, 60000, 1, 1.75, -3, 0), -3, "not above the ceiling");
    cr_expect_eq(share(other, 60000, 1, -1.5, -3, 0), -4);
    queue_close(other);
    other = open_queue("engine-0", 60000); /* a new run begins at 0 */
    cr_expect_eq(share(other, 60000, 1, 0.125, INFINITY, 0), -3.875);
    cr_expect_eq(share(queue, 60000, 1, 1.75, INFINITY, 0), -3.875);
    double exact = -3.875 + 0.1;
    cr_expect_eq(share(other, 60000, 1, 0.125 + 0.1, INFINITY, 0), exact, "to the last bit: %.17g",
                 shared.number);
    queue_close(other);
}

/* What is in Redis may have been written by somebody else. */
Test(share, nonsense_in_redis_does_no_harm, .init = setup, .fini = teardown)
{
    char command[400];

    share(queue, 60000, 1, 0, INFINITY, -3);
    snprintf(
        command, sizeof(command),
        "redis-cli -s %s/redis.sock HSET '{spring%%20offer%%20%%7b1%%7d}:engines' someone junk "
        "> /dev/null && redis-cli -s %s/redis.sock SET '{spring%%20offer%%20%%7b1%%7d}:budget' "
        "what > /dev/null",
        folder, folder);
    cr_assert_eq(system(command), 0);
    cr_expect_eq(share(queue, 60000, 1, 0, INFINITY, -2.5), -2.5, "begun anew");
    cr_expect_eq(shared.engines, 1);
}
