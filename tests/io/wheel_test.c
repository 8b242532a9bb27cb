/* The wheel against a naive model: a list of (due, order of start) searched from end to end. */
#include "io/wheel.h"

#include <criterion/criterion.h>

#include "base/rng.h"

#define TIMERS 200

static struct wheel wheel;
static struct rng rng;

static struct entry {
    struct timer timer;
    bool running;
    uint64_t due, order;
} model[TIMERS];
static uint64_t orders, fires;
static uint64_t advance_to;
static bool exact_now; /* wheel_advance: present time is the timer's own */

static void fired(struct timer *t);

static uint64_t random_delay(void)
{
    switch (rng_below(&rng, 8)) {
    case 0:
        return 0;
    case 1:
        return rng_below(&rng, 4);
    case 2:
        return 250 + rng_below(&rng, 12); /* around a slot boundary of level 1 */
    case 3:
        return 65530 + rng_below(&rng, 12);
    case 4:
        return rng_below(&rng, 100000000);
    case 5:
        return UINT64_C(1) << rng_below(&rng, 36); /* beyond the maximum too */
    default:
        return rng_below(&rng, 2000);
    }
}

static void start(struct entry *e)
{
    uint64_t delay = random_delay();

    timer_start(&wheel, &e->timer, delay, fired);
    if (delay > UINT64_C(0x100000000))
        delay = UINT64_C(0x100000000);
    e->running = true;
    e->due = wheel.now_ms + delay;
    e->order = ++orders;
}

static void stop(struct entry *e)
{
    timer_stop(&wheel, &e->timer);
    e->running = false;
}

static const struct entry *model_first(void)
{
    const struct entry *first = NULL;

    for (int i = 0; i < TIMERS; i++)
        if (model[i].running && (!first || model[i].due < first->due ||
                                 (model[i].due == first->due && model[i].order < first->order)))
            first = &model[i];
    return first;
}

static void fired(struct timer *t)
{
    struct entry *e = container_of(t, struct entry, timer);

    cr_assert(e->running, "a stopped timer fired");
    cr_assert_eq(model_first(), e, "fired out of order: due %lu", e->due);
    cr_assert_leq(e->due, wheel.now_ms, "fired early");
    cr_assert(!timer_running(t));
    if (exact_now)
        cr_assert(wheel.now_ms == e->due || wheel.now_ms == e->due + 1);
    e->running = false;
    fires++;
    for (uint32_t n = rng_below(&rng, 3); n > 0; n--) {
        struct entry *other = &model[rng_below(&rng, TIMERS)];

        if (rng_below(&rng, 2))
            start(other);
        else
            stop(other);
    }
}

static void check_after(uint64_t now)
{
    uint32_t count = 0;

    cr_assert_eq(wheel.now_ms, now);
    for (int i = 0; i < TIMERS; i++) {
        cr_assert_eq(model[i].running, timer_running(&model[i].timer));
        if (!model[i].running)
            continue;
        count++;
        cr_assert_geq(model[i].due, now, "due at %lu and still waiting at %lu", model[i].due, now);
    }
    cr_assert_eq(wheel.count, count);
    const struct entry *first = model_first();
    uint64_t next = wheel_next_ms(&wheel);

    if (!first)
        cr_assert_eq(next, UINT64_MAX);
    else
        cr_assert_leq(next, first->due - now, "told to wait %lu with a timer in %lu", next,
                      first->due - now);
    if (first && first->due > now)
        cr_assert_gt(next, 0);
}

static void run_model(uint64_t seed, uint64_t start_ms, bool two_steps)
{
    rng_seed(&rng, seed);
    wheel_init(&wheel, start_ms);
    orders = fires = 0;
    exact_now = !two_steps;
    for (int i = 0; i < TIMERS; i++) {
        model[i] = (struct entry){.running = false};
        timer_init(&model[i].timer);
    }
    for (int round = 0; round < 4000; round++) {
        struct entry *e = &model[rng_below(&rng, TIMERS)];

        if (rng_below(&rng, 4))
            start(e);
        else
            stop(e);
        if (rng_below(&rng, 3))
            continue;
        uint64_t jump = rng_below(&rng, 2) ? rng_below(&rng, 5) : random_delay();

        if (rng_below(&rng, 4) == 0 && wheel_next_ms(&wheel) != UINT64_MAX)
            jump = wheel_next_ms(&wheel);
        advance_to = wheel.now_ms + jump;
        uint64_t before = fires;
        uint32_t told;

        if (two_steps) {
            wheel_collect(&wheel, advance_to);
            cr_assert_eq(fires, before, "fired while collecting");
            start(&model[rng_below(&rng, TIMERS)]); /* a completion restarts or stops something */
            stop(&model[rng_below(&rng, TIMERS)]);
            told = wheel_fire(&wheel);
        } else {
            told = wheel_advance(&wheel, advance_to);
        }
        cr_assert_eq(told, fires - before);
        check_after(advance_to);
    }
    cr_assert_gt(fires, 500, "the model hardly ran: %lu", fires);
}

Test(wheel, equals_the_model)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_model(seed, seed * 1000003, false);
}

Test(wheel, equals_the_model_in_two_steps)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_model(seed, seed * 77777, true);
}

Test(wheel, equals_the_model_across_the_top_of_the_range)
{
    run_model(11, (UINT64_C(1) << 40) - 5000, false);
    run_model(12, (UINT64_C(1) << 32) - 3, false);
}

static struct timer a, b, c;
static char trace[64];

static void say(const char *name)
{
    strncat(trace, name, sizeof(trace) - strlen(trace) - 1);
}
static void fire_a(struct timer *t)
{
    (void)t, say("a");
}
static void fire_b(struct timer *t)
{
    (void)t, say("b");
}
static void fire_c_stop_a(struct timer *t)
{
    (void)t, say("c"), timer_stop(&wheel, &a);
}
static void fire_again(struct timer *t)
{
    say("r"), timer_start(&wheel, t, 0, fire_again);
}
static void fire_period(struct timer *t)
{
    say("p"), timer_start(&wheel, t, 20, fire_period);
}

static void fresh(uint64_t now)
{
    wheel_init(&wheel, now);
    timer_init(&a);
    timer_init(&b);
    timer_init(&c);
    trace[0] = 0;
}

Test(wheel, same_millisecond_keeps_the_order_of_starts)
{
    fresh(250);
    timer_start(&wheel, &a, 250, fire_a); /* goes to level 1 … */
    wheel_advance(&wheel, 255);
    timer_start(&wheel, &b, 245, fire_b); /* … and this one must not overtake it */
    cr_assert_eq(wheel_advance(&wheel, 499), 0);
    cr_assert_eq(wheel_advance(&wheel, 500), 2);
    cr_assert_str_eq(trace, "ab");
}

Test(wheel, a_timer_may_stop_another_of_its_own_millisecond)
{
    fresh(0);
    timer_start(&wheel, &c, 5, fire_c_stop_a);
    timer_start(&wheel, &a, 5, fire_a);
    timer_start(&wheel, &b, 5, fire_b);
    cr_assert_eq(wheel_advance(&wheel, 100), 2);
    cr_assert_str_eq(trace, "cb");
    cr_assert_eq(wheel.count, 0);
}

Test(wheel, restart_with_no_delay_cannot_hang_the_wheel)
{
    fresh(0);
    timer_start(&wheel, &a, 0, fire_again);
    cr_assert_str_eq(trace, "", "fired inside the start");
    cr_assert_eq(wheel_advance(&wheel, 0), 1);
    cr_assert_eq(wheel_next_ms(&wheel), 0);
    cr_assert_eq(wheel_advance(&wheel, 3), 4); /* what was due at 0, then once a millisecond */
}

Test(wheel, a_jump_fires_every_period)
{
    fresh(7);
    timer_start(&wheel, &a, 20, fire_period);
    cr_assert_eq(wheel_advance(&wheel, 107), 5);
    cr_assert_str_eq(trace, "ppppp");
}

Test(wheel, hours_are_few_steps)
{
    uint32_t steps = 0;

    fresh(123);
    timer_start(&wheel, &a, 40000000, fire_a);
    while (timer_running(&a) && steps < 100) {
        wheel_advance(&wheel, wheel.now_ms + wheel_next_ms(&wheel));
        steps++;
    }
    cr_assert_eq(wheel.now_ms, 40000123);
    cr_assert_leq(steps, WHEEL_LEVELS);
    cr_assert_eq(wheel_next_ms(&wheel), UINT64_MAX);
}

Test(wheel, time_does_not_run_backwards)
{
    fresh(1000);
    timer_start(&wheel, &a, 10, fire_a);
    cr_assert_eq(wheel_advance(&wheel, 900), 0);
    cr_assert_eq(wheel.now_ms, 1000);
    cr_assert_eq(wheel_advance(&wheel, 1010), 1);
}

Test(wheel, a_start_in_the_past_is_due_at_once)
{
    fresh(1000);
    timer_start_at(&wheel, &a, 10, fire_a);
    cr_assert_eq(wheel_next_ms(&wheel), 0);
    timer_start_at(&wheel, &b, 1003, fire_b);
    cr_assert_eq(wheel_advance(&wheel, 1000), 1);
    cr_assert_eq(wheel_advance(&wheel, 1002), 0);
    cr_assert_eq(wheel_advance(&wheel, 1003), 1);
    cr_assert_str_eq(trace, "ab");
}

Test(wheel, stopping_an_idle_timer_is_safe)
{
    fresh(0);
    timer_stop(&wheel, &a);
    timer_start(&wheel, &a, 1, fire_a);
    wheel_advance(&wheel, 1);
    timer_stop(&wheel, &a);
    cr_assert_eq(wheel.count, 0);
}
