#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"

/* The first outputs of the authors' xoshiro256** for state {1, 2, 3, 4}. */
Test(rng, agrees_with_the_published_generator)
{
    struct rng r = {{1, 2, 3, 4}};
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};

    for (int i = 0; i < 4; i++)
        cr_assert_eq(rng_u64(&r), want[i]);
}

/* SplitMix64 of 0, as published with it: the state after rng_seed(0). */
Test(rng, seed_is_spread_by_splitmix)
{
    struct rng r;

    rng_seed(&r, 0);
    cr_assert_eq(r.s[0], 0xe220a8397b1dcdaf);
    cr_assert_eq(r.s[1], 0x6e789e6aa1b965f4);
}

Test(rng, streams_depend_on_all_three)
{
    struct rng a, b;

    rng_seed_stream(&a, 1, SLICE("callee"), 7);
    rng_seed_stream(&b, 1, SLICE("callee"), 7);
    cr_assert_eq(memcmp(&a, &b, sizeof(a)), 0);
    rng_seed_stream(&b, 2, SLICE("callee"), 7);
    cr_assert_neq(a.s[0], b.s[0]);
    rng_seed_stream(&b, 1, SLICE("caller"), 7);
    cr_assert_neq(a.s[0], b.s[0]);
    rng_seed_stream(&b, 1, SLICE("callee"), 8);
    cr_assert_neq(a.s[0], b.s[0]);
}

/* Chi-square over n equal cells at the 99.9 % point; the seed is fixed, so it cannot flicker. */
Test(rng, below_is_uniform)
{
    static const struct {
        uint32_t n;
        double limit;
    } cases[] = {{1, 0.001}, {2, 10.83}, {3, 13.82}, {10, 27.88}, {100, 148.2}};
    struct rng r;

    rng_seed(&r, 99);
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        uint32_t cell[100] = {0};
        double chi = 0, want = 100000.0 / cases[c].n;

        for (int i = 0; i < 100000; i++) {
            uint32_t v = rng_below(&r, cases[c].n);

            cr_assert_lt(v, cases[c].n);
            cell[v]++;
        }
        for (uint32_t i = 0; i < cases[c].n; i++)
            chi += (cell[i] - want) * (cell[i] - want) / want;
        cr_assert_lt(chi, cases[c].limit, "n %u: chi-square %f", cases[c].n, chi);
    }
}

/* 2^32 draws over 3·2^30 values: without rejection one value in three would come twice as often. */
Test(rng, below_is_fair_for_large_n)
{
    struct rng r;
    uint32_t third = 1u << 30, cell[3] = {0};

    rng_seed(&r, 4);
    for (int i = 0; i < 90000; i++)
        cell[rng_below(&r, 3 * third) % 3]++;
    for (int i = 0; i < 3; i++)
        cr_assert_float_eq((double)cell[i], 30000, 600);
}

struct moments {
    double mean, sd, min, max;
};

static struct moments of(double (*draw)(struct rng *r))
{
    enum { N = 400000 };
    struct moments m = {0, 0, INFINITY, -INFINITY};
    double sum = 0, squares = 0;
    struct rng r;

    rng_seed(&r, 12);
    for (int i = 0; i < N; i++) {
        double v = draw(&r);

        sum += v;
        squares += v * v;
        m.min = v < m.min ? v : m.min;
        m.max = v > m.max ? v : m.max;
    }
    m.mean = sum / N;
    m.sd = sqrt(squares / N - m.mean * m.mean);
    return m;
}

static double draw_uniform(struct rng *r)
{
    return rng_uniform(r, -3, 5);
}
static double draw_exp(struct rng *r)
{
    return rng_exp(r, 4);
}
static double draw_normal(struct rng *r)
{
    return rng_normal(r, 10, 3);
}
static double draw_lognormal(struct rng *r)
{
    return rng_lognormal(r, 180, 0.5);
}

Test(rng, distributions_have_their_moments)
{
    struct moments m = of(rng_unit);

    cr_assert(m.min >= 0 && m.max < 1);
    cr_assert_float_eq(m.mean, 0.5, 0.002);
    cr_assert_float_eq(m.sd, sqrt(1 / 12.0), 0.002);
    m = of(draw_uniform);
    cr_assert(m.min >= -3 && m.max < 5);
    cr_assert_float_eq(m.mean, 1, 0.02);
    m = of(draw_exp);
    cr_assert_geq(m.min, 0);
    cr_assert_float_eq(m.mean, 4, 0.04);
    cr_assert_float_eq(m.sd, 4, 0.08);
    m = of(draw_normal);
    cr_assert_float_eq(m.mean, 10, 0.03);
    cr_assert_float_eq(m.sd, 3, 0.03);
    m = of(draw_lognormal);
    cr_assert_gt(m.min, 0);
    cr_assert_float_eq(m.mean, 180, 1);
    cr_assert_float_eq(m.sd, 90, 2);
}

/* The tails: 1 in 370 of a normal lies beyond 3 sd, 1 in 20 of an exponential beyond 3 means. */
Test(rng, distributions_have_their_tails)
{
    uint32_t normal = 0, exponential = 0;
    struct rng r;

    rng_seed(&r, 1);
    for (int i = 0; i < 400000; i++) {
        normal += fabs(rng_normal(&r, 0, 1)) > 3;
        exponential += rng_exp(&r, 1) > 3;
    }
    cr_assert_float_eq((double)normal, 1080, 120);
    cr_assert_float_eq((double)exponential, 19915, 500);
}

/* The private ln and exp behind the distributions, against libm's through the same draws. */
Test(rng, exponential_is_minus_ln)
{
    struct rng a, b;

    rng_seed(&a, 8);
    rng_seed(&b, 8);
    for (int i = 0; i < 100000; i++) {
        double got = rng_exp(&a, 1), want = -log(1 - rng_unit(&b));

        cr_assert_float_eq(got, want, 1e-14 * (1 + want));
    }
}

Test(rng, lognormal_is_exp_of_normal)
{
    struct rng a, b;

    rng_seed(&a, 8);
    rng_seed(&b, 8);
    for (int i = 0; i < 20000; i++) {
        double variance = log(1 + 4.0), got = rng_lognormal(&a, 60, 2);
        double want = 60 * exp(rng_normal(&b, -variance / 2, sqrt(variance)));

        cr_assert_float_eq(got, want, 1e-12 * want);
    }
}

Test(rng, no_spread_is_the_mean)
{
    struct rng r;

    rng_seed(&r, 8);
    for (int i = 0; i < 100; i++) {
        double lognormal = rng_lognormal(&r, 60, 0), normal = rng_normal(&r, 5, 0);

        cr_assert_float_eq(lognormal, 60, 1e-12);
        cr_assert_eq(normal, 5);
    }
}

Test(rng, system_fills_all_bytes)
{
    unsigned char seen[300] = {0}, draw[300];

    for (int i = 0; i < 8; i++) {
        rng_system(draw, sizeof(draw));
        for (int k = 0; k < 300; k++)
            seen[k] |= draw[k];
    }
    for (int k = 0; k < 300; k++)
        cr_assert_neq(seen[k], 0, "byte %d was never set", k);
    rng_system(NULL, 0);
}
