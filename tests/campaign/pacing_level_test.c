/* The share on its grid: what stands is known ever better, what jumps or drifts is followed, and
 * dials that still ring are evidence, against Bayes' rule worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "campaign/pacing_level.h"

static void see(struct pacing_level *l, struct rng *g, double p, int n)
{
    for (int i = 0; i < n; i++) {
        pacing_level_pass(l, 1);
        pacing_level_guess(l, rng_unit(g) < p);
    }
}

static double mean_of(const struct pacing_level *l)
{
    return pacing_level_get(l).mean;
}

Test(level, a_share_that_stands_is_known_ever_better)
{
    const double shares[] = {0.02, 0.1, 0.35, 0.7};

    for (int i = 0; i < 4; i++) {
        struct pacing_level l;
        struct rng g;

        rng_seed(&g, 1);
        pacing_level_init(&l, 0.2);
        see(&l, &g, shares[i], 200);
        double early = pacing_level_get(&l).sample;
        see(&l, &g, shares[i], 8000);
        cr_expect_float_eq(mean_of(&l) / shares[i], 1, 0.2, "%.3f of %.3f", mean_of(&l), shares[i]);
        cr_expect_gt(pacing_level_get(&l).sample, 2 * early, "%.0f, %.0f",
                     pacing_level_get(&l).sample, early);
    }
}

Test(level, a_jump_is_followed_within_dozens_of_dials)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pacing_level l;
        struct rng g;

        rng_seed(&g, seed);
        pacing_level_init(&l, 0.2);
        see(&l, &g, 0.06, 4000);
        see(&l, &g, 0.40, 80);
        cr_expect_gt(mean_of(&l), 0.24, "seed %d: %.3f", (int)seed, mean_of(&l));
        see(&l, &g, 0.40, 300);
        cr_expect_float_eq(mean_of(&l), 0.40, 0.09, "seed %d: %.3f", (int)seed, mean_of(&l));
        see(&l, &g, 0.06, 200);
        cr_expect_lt(mean_of(&l), 0.15, "seed %d: %.3f", (int)seed, mean_of(&l));
    }
}

/* A share that wanders as in the workload w5, against plain counts of any fixed memory. */
Test(level, a_drift_is_followed_better_than_by_any_fixed_memory)
{
    const double memories[] = {50, 100, 200, 400, 800, 1600};
    double ours = 0, theirs[6] = {0}, hits[6], seen[6];
    struct pacing_level l;
    struct rng g;
    double noise = 0;

    rng_seed(&g, 7);
    pacing_level_init(&l, 0.2);
    for (int k = 0; k < 6; k++) {
        hits[k] = 2;
        seen[k] = 10;
    }
    for (int i = 0; i < 60000; i++) {
        const double keep = exp(-1 / 600.0);
        noise = noise * keep + rng_normal(&g, 0, 0.3 * sqrt(1 - keep * keep));
        double p = 0.2 * exp(noise);
        bool hit = rng_unit(&g) < p;
        pacing_level_pass(&l, 1);
        ours += pow(log(mean_of(&l) / p), 2);
        pacing_level_guess(&l, hit);
        for (int k = 0; k < 6; k++) {
            theirs[k] += pow(log(hits[k] / seen[k] / p), 2);
            hits[k] = hits[k] * (1 - 1 / memories[k]) + hit;
            seen[k] = seen[k] * (1 - 1 / memories[k]) + 1;
        }
    }
    for (int k = 0; k < 6; k++)
        cr_expect_lt(ours, theirs[k], "a memory of %.0f dials: %.4f, ours %.4f", memories[k],
                     theirs[k] / 60000, ours / 60000);
}

/* What one dial says, by the rule itself: belief × likelihood, made to sum to 1. */
static double by_hand(const struct pacing_level *l, double a, double b)
{
    double sum = 0, mean = 0;

    for (int k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (int i = 0; i < PACING_LEVEL_BINS; i++) {
            double share = (double)l->share[i];
            double belief = (double)l->belief[k][i] * (a + b * share);
            sum += belief;
            mean += belief * share;
        }
    return mean / sum;
}

Test(level, each_outcome_weighs_as_bayes_says)
{
    struct pacing_level l;
    struct rng g;

    rng_seed(&g, 3);
    pacing_level_init(&l, 0.2);
    see(&l, &g, 0.15, 50);
    for (int i = 0; i < 200; i++) {
        double live_by = rng_unit(&g), other_by = rng_unit(&g) * live_by;
        double a = 1 - other_by, b = other_by - live_by, before = mean_of(&l);
        double want = by_hand(&l, a, b);
        pacing_level_see(&l, a, b);
        cr_assert_float_eq(mean_of(&l), want, 2e-4 * want);
        cr_assert_leq(mean_of(&l), before * 1.0001, "a silence speaks for a low share");
        double hit = rng_unit(&g) * 0.3;
        before = mean_of(&l);
        pacing_level_guess(&l, hit);
        cr_assert_eq(mean_of(&l) > before, hit > before, "%.3f, then a hit of chance %.3f: %.3f",
                     before, hit, mean_of(&l));
    }
}

Test(level, a_night_leaves_the_mean_and_takes_the_certainty)
{
    struct pacing_level l;
    struct rng g;

    rng_seed(&g, 4);
    pacing_level_init(&l, 0.2);
    see(&l, &g, 0.12, 5000);
    struct pacing_estimate before = pacing_level_get(&l);
    pacing_level_day(&l);
    struct pacing_estimate after = pacing_level_get(&l);
    cr_expect_float_eq(after.mean, before.mean, 0.03, "%.3f, %.3f", before.mean, after.mean);
    cr_expect_lt(after.sample, before.sample / 3, "%.0f, %.0f", before.sample, after.sample);
}

Test(level, goes_on_from_what_is_kept_and_refuses_nonsense)
{
    struct pacing_level l, again;
    struct pacing_level_sum kept;
    struct rng g;

    rng_seed(&g, 5);
    pacing_level_init(&l, 0.2);
    see(&l, &g, 0.3, 3000);
    pacing_level_sum(&l, &kept);
    pacing_level_init(&again, 0.2);
    memcpy(again.usual, l.usual, sizeof(again.usual));
    cr_assert(pacing_level_believe(&again, &kept));
    cr_expect_float_eq(mean_of(&again), mean_of(&l), 1e-4);
    see(&l, &g, 0.1, 200);
    memset(&kept, 0, sizeof(kept));
    double before = mean_of(&again);
    cr_expect_not(pacing_level_believe(&again, &kept));
    cr_expect_eq(mean_of(&again), before);
}
