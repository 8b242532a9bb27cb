/* Engines of one campaign in virtual time, the production code in each: they keep one cap, and
 * sharing it with a delay makes no waves. */
#include "bench/rooms.h"

#include "campaign/pacing_internal.h"

struct joint {
    double utilisation, abandoned, live, air_variance[2]; /* of the first days, of the last */
    double thetas[PACING_ENGINES];
};

static struct joint run_engines(const struct sim_load *l, const char *policy, uint64_t seed,
                                int days)
{
    const struct sim_policy *p = &pacing_entry_find(policy)->policy;
    struct joint sum = {0};
    double busy = 0, logged = 0, abandoned = 0;
    struct sim *s;

    cr_assert_eq(sim_open(&s, l, p, 0, seed), OK);
    for (int d = 0; d < days; d++) {
        struct sim_day day;

        sim_day(s, &day);
        busy += day.busy_s;
        logged += day.logged_s;
        sum.live += (double)day.live;
        abandoned += (double)day.abandoned;
        if (d > 0)
            sum.air_variance[2 * d > days] += day.air_variance / ((days - 1) / 2);
    }
    for (uint32_t e = 0; e < PACING_ENGINES; e++)
        sum.thetas[e] = pacing_engines_nth(sim_of_policy(s), e)->common->budget.s;
    sim_close(s);
    sum.utilisation = 100 * busy / logged;
    sum.abandoned = 100 * abandoned / fmax(sum.live, 1);
    return sum;
}

/* Four engines that look at the same account could all rush and all hold back. Their calls in the
 * air spread no more than those of engines that know nothing of each other, and no more on later
 * days. */
Test(engines, share_one_cap_and_one_theta_and_do_not_swing)
{
    struct sim_load shorter = base;

    shorter.day_s = 6600;
    struct joint shared = run_engines(&shorter, "peal-4", 5, 3);
    struct joint apart = run_engines(&shorter, "peal-4-apart", 5, 3);
    double first = shared.air_variance[0], last = shared.air_variance[1];
    double alone = (apart.air_variance[0] + apart.air_variance[1]) / 2;

    cr_expect_lt(shared.abandoned, 3 + 100 * 12 / shared.live, "%.2f %% of %.0f", shared.abandoned,
                 shared.live);
    cr_expect_gt(shared.utilisation, apart.utilisation - 4.0, "%.2f, apart %.2f",
                 shared.utilisation, apart.utilisation);
    for (int e = 1; e < PACING_ENGINES; e++) {
        cr_expect_float_eq(shared.thetas[e], shared.thetas[0], 0.4, "a second's answers apart");
        cr_expect_neq(apart.thetas[e], apart.thetas[0]);
    }
    cr_expect_lt((first + last) / 2, 1.25 * alone, "%.1f, apart %.1f", (first + last) / 2, alone);
}

Test(engines, a_call_gets_an_agent_of_its_own_engine)
{
    struct sim_load l = base;
    struct sim_day day;
    struct sim *s;

    l.agents = 2; /* engines 0 and 1 have one each, the others none */
    l.day_s = 1800;
    cr_assert_eq(sim_open(&s, &l, &pacing_entry_find("peal-4")->policy, 0, 9), OK);
    sim_day(s, &day);
    for (uint32_t e = 0; e < PACING_ENGINES; e++) {
        struct pacing *of = pacing_engines_nth(sim_of_policy(s), e);
        struct pacing_state state;

        pacing_look(of, sim_now(s), &state);
        cr_expect_eq(state.launched > 0, e < 2, "engine %u launched %lu", e, state.launched);
        cr_expect_eq(state.connected > 0, e < 2);
        cr_expect_eq(pacing_refused(of), 0);
    }
    sim_close(s);
}
