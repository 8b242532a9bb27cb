#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "base/rng.h"

static struct hist h, other;

Test(hist, empty)
{
    hist_reset(&h);
    cr_assert_eq(hist_quantile(&h, 0.5), 0);
    cr_assert_eq(hist_mean(&h), 0);
}

Test(hist, one_value_is_every_quantile)
{
    hist_reset(&h);
    hist_add(&h, 123456789);
    cr_assert_eq(hist_quantile(&h, 0), 123456789);
    cr_assert_eq(hist_quantile(&h, 0.5), 123456789);
    cr_assert_eq(hist_quantile(&h, 1), 123456789);
    cr_assert_eq(h.min, 123456789);
}

/* The stated error, proven at every bucket edge: a value alone below a larger one is reported not
 * below itself and at most 1.6 % above. */
Test(hist, error_at_every_edge)
{
    for (int e = 0; e < HIST_OCTAVES + 5; e++) {
        for (int step = 0; step < 128; step++) {
            uint64_t at = (UINT64_C(1) << e) + ((uint64_t)step << (e > 7 ? e - 7 : 0));

            for (uint64_t v = at - 1; v <= at + 1; v++) {
                uint64_t q;

                if (v >= HIST_MAX)
                    continue;
                hist_reset(&h);
                hist_add(&h, v);
                hist_add(&h, HIST_MAX);
                q = hist_quantile(&h, 0.5);
                cr_assert_geq(q, v);
                cr_assert_leq((double)(q - v), 0.016 * (double)v, "%lu reported as %lu", v, q);
                if (v < 128)
                    cr_assert_eq(q, v, "small values are exact");
            }
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Property: against sorting, for values of every magnitude. */
Test(hist, quantiles_against_sorting)
{
    enum { N = 5000 };
    static uint64_t v[N];
    static const double qs[] = {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
    struct rng r;

    rng_seed(&r, 6);
    for (int round = 0; round < 20; round++) {
        hist_reset(&h);
        for (int i = 0; i < N; i++) {
            v[i] = (rng_u64(&r) >> 23) >> rng_below(&r, 41);
            hist_add(&h, v[i]);
        }
        qsort(v, N, sizeof(*v), by_value);
        for (size_t k = 0; k < sizeof(qs) / sizeof(*qs); k++) {
            double rank = qs[k] * N;
            uint64_t want = v[(int)rank < rank ? (int)rank : (int)rank - 1];
            uint64_t got = hist_quantile(&h, qs[k]);

            cr_assert_geq(got, want);
            cr_assert_leq((double)(got - want), 0.016 * (double)want);
        }
        cr_assert_eq(hist_quantile(&h, 0), v[0]);
        cr_assert_eq(hist_quantile(&h, 1), v[N - 1]);
    }
}

Test(hist, values_beyond_the_range_are_counted)
{
    hist_reset(&h);
    hist_add(&h, HIST_MAX);
    cr_assert_eq(h.clipped, 0);
    hist_add(&h, HIST_MAX + 1);
    hist_add(&h, UINT64_MAX);
    cr_assert_eq(h.clipped, 2);
    cr_assert_eq(h.count, 3);
    cr_assert_eq(h.max, UINT64_MAX);
    cr_assert_eq(h.sum, UINT64_MAX, "the sum stops at its end");
    cr_assert_eq(hist_quantile(&h, 0.5), HIST_MAX);
    cr_assert_eq(hist_quantile(&h, 1), UINT64_MAX);
}

Test(hist, merge_is_as_if_added_to_one)
{
    static struct hist whole;
    struct rng r;

    rng_seed(&r, 2);
    hist_reset(&h);
    hist_reset(&other);
    hist_reset(&whole);
    hist_merge(&h, &other);
    cr_assert_eq(h.count, 0);
    for (int i = 0; i < 10000; i++) {
        uint64_t v = rng_u64(&r) >> (20 + rng_below(&r, 40));

        hist_add(i % 3 ? &h : &other, v);
        hist_add(&whole, v);
    }
    hist_add(&other, 0);
    hist_add(&other, HIST_MAX + 1);
    hist_add(&whole, 0);
    hist_add(&whole, HIST_MAX + 1);
    hist_merge(&h, &other);
    cr_assert_eq(memcmp(&h, &whole, sizeof(h)), 0);
    hist_reset(&other);
    hist_merge(&other, &h);
    cr_assert_eq(memcmp(&h, &other, sizeof(h)), 0, "into an empty one");
    cr_assert_float_eq(hist_mean(&h), (double)whole.sum / 10002, 1e-6 * hist_mean(&h));
}

Test(hist, since_is_what_came_after_the_copy)
{
    static struct hist before, after, diff;

    hist_reset(&h);
    for (uint64_t v = 0; v < 1000; v++)
        hist_add(&h, v);
    before = h;
    hist_reset(&after);
    for (uint64_t v = 5000; v < 6000; v += 7) {
        hist_add(&h, v);
        hist_add(&after, v);
    }
    hist_since(&h, &before, &diff);
    cr_assert_eq(diff.count, after.count);
    cr_assert_eq(diff.sum, after.sum);
    cr_assert_eq(hist_quantile(&diff, 0.5), hist_quantile(&after, 0.5));
    cr_assert_eq(memcmp(diff.bucket, after.bucket, sizeof(diff.bucket)), 0);
    hist_since(&after, &before, &diff);
    cr_assert_eq(diff.count, after.count, "fewer than in the copy: it was reset, all of it is new");
}
