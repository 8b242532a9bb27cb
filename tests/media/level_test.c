/* Gain, the gain that follows a voice, and the limiter: levels reached, no click on the way, and
 * nothing beyond full scale. */
#include <criterion/criterion.h>
#include <math.h>

#include "media/level.h"

#define HZ 500.0

static double at; /* phase of the tone under test, in samples */

static void tone(int16_t *b, double size)
{
    for (int i = 0; i < LEVEL_BLOCK; i++, at++)
        b[i] = (int16_t)lrint(size * sin(2 * M_PI * HZ * at / 8000));
}

static double size_of(const int16_t *b)
{
    double power = 0;

    for (int i = 0; i < LEVEL_BLOCK; i++)
        power += (double)b[i] * b[i];
    return sqrt(2 * power / LEVEL_BLOCK);
}

/* The largest step of a tone that grows to `size` is its own. */
static void expect_no_click(const int16_t *b, int16_t *last, double size)
{
    double most = 2 * size * sin(M_PI * HZ / 8000) * 1.05 + 2;

    for (int i = 0; i < LEVEL_BLOCK; i++) {
        double step = fabs((double)b[i] - *last);

        cr_expect(step <= most, "a step of %.0f at %d, %.0f is natural", step, i, most);
        *last = b[i];
    }
}

Test(level, a_change_of_gain_is_a_ramp)
{
    struct level l = {0};
    int16_t b[LEVEL_BLOCK], last = 0;

    cr_expect_not(level_set(&l, 31, false));
    cr_expect_not(level_set(&l, -31, false));
    for (int i = 0; i < 40; i++) {
        static const int db[] = {0, 9, -20, 3};
        int now = db[i / 10];

        cr_assert(level_set(&l, now, false));
        tone(b, 8000);
        level_apply(&l, b, b);
        expect_no_click(b, &last, 8000 * pow(10, 9 / 20.0));
        if (i % 10 > 0)
            cr_expect_float_eq(size_of(b), 8000 * pow(10, now / 20.0), 60, "%f", size_of(b));
    }
}

static double followed(double size, int blocks)
{
    struct level l = {0};
    int16_t b[LEVEL_BLOCK], last = 0;

    at = 0;
    level_set(&l, 0, true);
    for (int i = 0; i < blocks; i++) {
        tone(b, size);
        level_apply(&l, b, b);
        expect_no_click(b, &last, size > 4000 ? size : 4000);
    }
    return size_of(b);
}

Test(level, agc_brings_voices_together)
{
    double usual = followed(2600, 300);

    for (double size = 700; size < 14000; size *= 1.5) {
        double reached = followed(size, 300);

        cr_expect(reached > usual / 1.3 && reached < usual * 1.3, "%.0f became %.0f, usual %.0f",
                  size, reached, usual);
    }
    cr_expect(followed(40, 300) < 60, "noise is left as it is");
    cr_expect(followed(260, 400) < 260 * pow(10, 15.5 / 20), "at most 15 dB");
}

Test(level, the_limiter_keeps_sums_in_bounds_without_a_click)
{
    struct limiter l = {0};
    int16_t part[LEVEL_BLOCK], out[LEVEL_BLOCK], last = 0;
    int32_t sum[LEVEL_BLOCK];
    double most = 0;

    for (int i = 0; i < 300; i++) {
        double voices = i < 50 ? 1 : i < 100 ? 4 : 1; /* 30000 at most is let through as it is */

        tone(part, 14000);
        for (int k = 0; k < LEVEL_BLOCK; k++)
            sum[k] = (int32_t)(part[k] * voices);
        limiter_apply(&l, sum, out);
        if (i < 50)
            cr_assert_arr_eq(out, part, sizeof(out));
        if (i > 50 && i < 100)
            most = fmax(most, size_of(out));
        if (i != 50) /* it begins to be loud in the middle of nothing: its own step */
            expect_no_click(out, &last, 33000);
        last = out[LEVEL_BLOCK - 1];
    }
    cr_expect(most > 29000 && most < 31000, "%.0f: neither cut nor thin", most);
    cr_expect_arr_eq(out, part, sizeof(out), "and it has let go");
}
