/* Rooms of the pacing benchmark's simulator for tests: the base, the memoryless one, rooms drawn at
 * random, and days run in them. */
#ifndef PEAL_TESTS_BENCH_ROOMS_H
#define PEAL_TESTS_BENCH_ROOMS_H

#include <criterion/criterion.h>
#include <math.h>

#include "bench/pacing_policies.h"

static const struct sim_load base = {
    .agents = 8,
    .p = 0.2,
    .machines = 0.3,
    .failures = 0.1,
    .delay_s = 1.5,
    .ring_mean = 9,
    .ring_cv = 0.55,
    .ring_limit_s = 25,
    .talk_mean = 120,
    .talk_cv = 1,
    .wrap_mean = 30,
    .wrap_cv = 0.5,
    .limit_s = 2,
    .day_s = 28800,
};

struct sum {
    double utilisation, abandoned; /* % */
    double live, dials;
};

/* Days of one policy, the first `from` of them not counted. */
static inline struct sum run_policy(const struct sim_load *l, const struct sim_policy *policy,
                                    double parameter, uint64_t seed, int days, int from)
{
    struct sim *s;
    struct sum sum = {0};
    double busy = 0, logged = 0, abandoned = 0;

    cr_assert_eq(sim_open(&s, l, policy, parameter, seed), OK);
    for (int d = 0; d < days; d++) {
        struct sim_day day;

        sim_day(s, &day);
        if (d < from)
            continue;
        busy += day.busy_s;
        logged += day.logged_s;
        sum.live += (double)day.live;
        sum.dials += (double)day.dials;
        abandoned += (double)day.abandoned;
    }
    sim_close(s);
    sum.utilisation = 100 * busy / logged;
    sum.abandoned = 100 * abandoned / fmax(sum.live, 1);
    return sum;
}

static inline struct sum run(const struct sim_load *l, const char *policy, double parameter,
                             uint64_t seed, int days, int from)
{
    return run_policy(l, &pacing_entry_find(policy)->policy, parameter, seed, days, from);
}

static inline struct sim_load draw_load(struct rng *g)
{
    struct sim_load l = base;

    l.agents = 3 + rng_below(g, 12);
    l.p = rng_uniform(g, 0.06, 0.45);
    l.machines = rng_uniform(g, 0.05, 0.35);
    l.talk_mean = rng_uniform(g, 40, 240);
    l.talk_cv = rng_uniform(g, 0.4, 1.4);
    l.wrap_mean = rng_uniform(g, 5, 60);
    l.limit_s = rng_below(g, 2) * 2;
    if (rng_below(g, 3) == 0)
        l.analysis_s = rng_uniform(g, 0.5, 2.5);
    if (rng_below(g, 3) == 0) {
        l.jump = 2;
        l.jump_every_s = 1800;
        l.p *= 0.5;
    }
    if (rng_below(g, 3) == 0) {
        l.break_share = 0.05;
        l.break_s = 600;
        l.stagger_s = 3600;
        l.shift_s = 20000;
    }
    return l;
}

#endif
