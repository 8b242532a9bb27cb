/* Leads that an event outside stops, beside a real redis-server: wherever they are, once, and no
 * attempt after it; and what an engine hears of it. */
#include "queue/stop.h"

#include "fixture.h"

static enum queue_stopped answered;
static char heard[STOP_NEWS_MAX][64];
static uint32_t heard_count;
static uint64_t seen;

static void on_stopped(void *arg, enum err e, enum queue_stopped what)
{
    answered = what;
    on_done(arg, e);
}

static enum queue_stopped stop(const char *id)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_stop(queue, slice_cstr(id), SLICE("picked up"), on_stopped, &got)),
                 OK);
    return answered;
}

static void on_news(void *arg, enum err e, uint64_t now_seen, const struct slice *ids, uint32_t n)
{
    heard_count = n;
    seen = now_seen;
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(slice_copy(ids[i], heard[i], sizeof heard[i]), OK);
    on_done(arg, e);
}

static void ask_news(uint64_t since)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_stops(queue, since, on_news, &got)), OK);
}

Test(stop, who_waits_is_finished_and_never_claimed, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 3);
    cr_assert_eq(stop("a1"), STOP_FINISHED);
    cr_assert_eq(stop("a1"), STOP_DONE);
    cr_assert_eq(stop("nobody"), STOP_UNKNOWN);
    cr_assert_eq(counts(queue)->finished, 1);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 2);
    cr_assert_str_eq(got.task[0].id, "a0");
    cr_assert_str_eq(got.task[1].id, "a2");
}

/* Claimed, and not yet dialled: the attempt is refused, so no INVITE leaves. */
Test(stop, who_is_claimed_gets_no_attempt, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_eq(stop("a0"), STOP_FINISHED);
    cr_assert_neq(attempt(queue, &t, 1), OK);
    cr_assert_eq(counts(queue)->finished, 1);
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 0);
}

/* In a call: its engine ends it, and whatever came of it, the lead is not dialled again. */
Test(stop, who_is_called_is_not_called_again, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(stop("a0"), STOP_IN_THE_AIR);
    cr_assert_eq(stop("a0"), STOP_IN_THE_AIR);
    cr_assert_eq(complete(queue, &t,
                          &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                     .attempt = 1,
                                                     .retry_wall_ms = 1,
                                                     .charged = true,
                                                     .avoid_trunk = QUEUE_NO_TRUNK}),
                 OK);
    cr_assert_eq(counts(queue)->finished, 1, "it is not due again");
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 0);
    ask_news(0);
    cr_assert_eq(heard_count, 1, "told once, however often it was stopped");
    cr_assert_str_eq(heard[0], "a0");
}

/* An engine hears of every one, in order, however many there were since it asked. */
Test(stop, an_engine_hears_of_all, .init = setup, .fini = teardown)
{
    enum { LEADS = 2500 };
    uint32_t next = 0;
    char id[16];

    add_leads(queue, "a", LEADS + 2);
    cr_assert_eq(stop("a2500"), STOP_FINISHED);
    ask_news(STOP_NONE_SEEN);
    cr_assert_eq(heard_count, 0, "what was before its start is nothing to it");
    cr_assert_eq(seen, 1);
    for (uint32_t i = 0; i < LEADS; i++) {
        snprintf(id, sizeof id, "a%u", i);
        cr_assert_eq(stop(id), STOP_FINISHED);
    }
    while (next < LEADS) {
        ask_news(seen);
        cr_assert_gt(heard_count, 0u);
        for (uint32_t i = 0; i < heard_count; i++, next++) {
            snprintf(id, sizeof id, "a%u", next);
            cr_assert_str_eq(heard[i], id);
        }
    }
    cr_assert_eq(seen, LEADS + 1u);
    ask_news(seen);
    cr_assert_eq(heard_count, 0);
    cr_assert_eq(stop("a2501"), STOP_FINISHED);
    ask_news(seen);
    cr_assert_eq(heard_count, 1);
    cr_assert_str_eq(heard[0], "a2501");
}

Test(stop, what_cannot_be_a_lead, .init = setup, .fini = teardown)
{
    char why[STOP_WHY_MAX + 2];

    memset(why, 'x', sizeof why);
    cr_assert_eq(queue_stop(queue, SLICE(""), SLICE("w"), on_stopped, &got), ERR_INVALID);
    cr_assert_eq(queue_stop(queue, SLICE("a"), slice_of(why, sizeof why - 1), on_stopped, &got),
                 ERR_TOO_LONG);
}
