/* A call-back's time told again: what a lead that waited, or was finished, becomes for engines. */
#include "queue/fixture.h"
#include "queue/import.h"

static uint64_t in_ms(int64_t ms)
{
    return (uint64_t)((int64_t)wall_ms() + ms);
}

/* One lead of an import with --update. Returns how many are new, changed, known by then. */
static const struct queue_add_stats *tell(const char *id, uint64_t call_back_ms)
{
    const struct queue_lead lead = {.id = slice_cstr(id),
                                    .numbers = {{SLICE("+15555550100"), SLICE_NONE}},
                                    .fields = SLICE("{}"),
                                    .due_wall_ms = call_back_ms};

    cr_assert_eq(queue_add(queue, &lead), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK);
    return queue_add_stats_of(queue);
}

static void setup_updates(void)
{
    setup();
    queue_add_updates(queue, true);
}

TestSuite(call_back, .init = setup_updates, .fini = teardown);

Test(call_back, moves_a_lead_that_waits)
{
    cr_assert_eq(tell("a", in_ms(3600000))->added, 1);
    cr_assert_eq(claim(queue, 10), OK);
    cr_expect_eq(got.n, 0, "it waits");
    cr_assert_eq(tell("a", in_ms(-1000))->updated, 1, "the caller is to be called back sooner");
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 1);
    struct queue_task t = got.task[0];

    cr_assert_eq(tell("a", in_ms(3600000))->updated, 1, "an engine has it: left to its call");
    cr_assert_eq(attempt(queue, &t, 1), OK, "the lease is as good as before");
    cr_assert_eq(finish(queue, &t, 1, "reached"), OK);
    cr_expect_eq(counts(queue)->finished, 1);
}

Test(call_back, opens_a_finished_lead_with_all_of_its_attempts)
{
    tell("a", 0);
    for (uint32_t n = 1; n <= 2; n++) {
        cr_assert_eq(claim(queue, 10), OK);
        cr_assert_eq(got.n, 1);
        struct queue_task t = got.task[0];
        cr_assert_eq(t.charged, n - 1);
        cr_assert_eq(attempt(queue, &t, n), OK);
        cr_assert_eq(n == 2 ? finish(queue, &t, n, "reached")
                            : complete(queue, &t,
                                       &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                                  .attempt = n,
                                                                  .charged = true,
                                                                  .avoid_trunk = QUEUE_NO_TRUNK}),
                     OK);
    }
    cr_assert_eq(tell("a", in_ms(3600000))->updated, 1);
    const struct queue_counts *c = counts(queue);
    cr_expect(c->finished == 0 && c->attempts == 2 && c->total == 1);
    cr_assert_eq(claim(queue, 10), OK);
    cr_expect_eq(got.n, 0, "not before its time");
    uint64_t at = in_ms(-1);

    cr_assert_eq(tell("a", at)->updated, 2);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 1);
    struct queue_task t = got.task[0];

    cr_expect_eq(t.charged, 0, "its attempts are before it again");
    cr_expect_eq(t.tries, 2, "whose numbers go on");
    cr_assert_eq(attempt(queue, &t, 3), OK);
    cr_assert_eq(finish(queue, &t, 3, "reached"), OK);
    cr_expect_eq(tell("a", at)->updated, 2,
                 "the same list, imported again, when it is over: no more");
    cr_expect_eq(counts(queue)->finished, 1);
}
