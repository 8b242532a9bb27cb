/* The limits of digits: pairs made to lie on either side of each. Q.24's own figures are
 * dtmf_test.c's. */
#include <criterion/criterion.h>

#include "dsp/dtmf.h"
#include "dsp/made.h"
#include "dsp/screen.h"

#define TURNS 6.283185307179586
#define ROW   770.0 /* key 6: 707 Hz apart, seven turns of the screen's 10 ms, so it leaks little */
#define COL   1477.0

/* More of a pair with those powers of its tones and with that of a third tone, phases going on. */
static void sound(struct tape *t, double row, double col, double third, double ms)
{
    static const double third_hz = 2600;
    size_t begin = t->n;
    float *x = tape_more(t, ms);

    for (size_t i = 0; i < t->n - begin; i++) {
        double at = TURNS * (double)(begin + i) / 8000;

        x[i] = (float)(sqrt(2 * row) * sin(ROW * at) + sqrt(2 * col) * sin(COL * at) +
                       sqrt(2 * third) * sin(third_hz * at));
    }
}

/* How many digits a leg that talks hears in a tape, as linear samples. */
static unsigned digits_in(struct tape *t)
{
    struct leg *l = made_leg(DSP_TALK);
    unsigned n = 0;

    tape_silence(t, 200);
    while (l->now_ms < tape_ms(t)) {
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        size_t count = made_hear(l, t, 0, out);

        for (size_t i = 0; i < count; i++)
            n += out[i].kind == DSP_DTMF;
    }
    tape_close(t);
    return n;
}

static unsigned digits_of(double row, double col, double third, double ms)
{
    struct tape t;

    tape_open(&t, 1);
    tape_silence(&t, 100);
    sound(&t, row, col, third, ms);
    return digits_in(&t);
}

/* A digit, the same with something else in it for a while, and the digit again: one digit as long
 * as the screen sees it all the while. */
static unsigned digits_with(double row, double col, double third)
{
    struct tape t;

    tape_open(&t, 1);
    tape_silence(&t, 100);
    sound(&t, 1e6, 1e6, 0, 60);
    sound(&t, row, col, third, 60);
    sound(&t, 1e6, 1e6, 0, 60);
    return digits_in(&t);
}

Test(dtmf_limits, quieter_than_the_gate_is_no_digit)
{
    cr_expect_eq(digits_of(6000, 6000, 0, 100), 1);
    cr_expect_eq(digits_of(4200, 4200, 0, 100), 0);
}

Test(dtmf_limits, the_column_may_be_six_decibels_above)
{
    cr_expect_eq(digits_of(1e5, 3.6e5, 0, 100), 1);
    cr_expect_eq(digits_of(1e5, 4.4e5, 0, 100), 0);
}

Test(dtmf_limits, a_digit_ends_when_it_has_less_than_45_percent)
{
    cr_expect_eq(digits_with(1e6, 1e6, 1.6e6), 1, "56 %%");
    cr_expect_eq(digits_with(1e6, 1e6, 3.4e6), 2, "37 %%");
}

Test(dtmf_limits, a_digit_ends_when_one_of_its_tones_has_less_than_2_percent)
{
    cr_expect_eq(digits_with(2e6, 2e6 * 0.0255 / (1 - 0.0255), 0), 1);
    cr_expect_eq(digits_with(2e6, 2e6 * 0.0165 / (1 - 0.0165), 0), 2);
}

/* Frequencies that go 0.9 % from the first fit to the last of a short digit: still one tone. */
Test(dtmf_limits, its_frequencies_may_drift_by_a_percent)
{
    struct tape t;
    double phase[2] = {0, 0};

    tape_open(&t, 1);
    tape_silence(&t, 100);
    size_t begin = t.n;
    float *x = tape_more(&t, 42);
    size_t n = t.n - begin;

    for (size_t i = 0; i < n; i++) {
        double off = 1 + 0.00042 * 1000 / 8000 * ((double)i - (double)n / 2);

        phase[0] += TURNS * ROW * off / 8000;
        phase[1] += TURNS * COL * off / 8000;
        x[i] = (float)(2000 * sin(phase[0]) + 2000 * sin(phase[1]));
    }
    cr_expect_eq(digits_in(&t), 1);
}

/* Calls in talk are listened to for fax only when one of its tones has most of a half block. */
Test(dtmf_limits, a_fax_tone_has_three_fifths)
{
    for (int less = 0; less < 2; less++) {
        double share = less ? 0.54 : 0.7;
        struct leg *l = made_leg(DSP_TALK);
        struct made_events m;
        struct tape t;
        bool fax = false;

        tape_open(&t, 1);
        float *x = tape_more(&t, 200);

        for (size_t i = 0; i < t.n; i++) {
            double at = TURNS * (double)i / 8000;

            x[i] = (float)(3000 * sqrt(share) * sin(1100 * at) +
                           3000 * sqrt(1 - share) * sin(2900 * at));
        }
        for (size_t at = 0; at + DSP_BLOCK_SAMPLES <= t.n; at += DSP_BLOCK_SAMPLES) {
            made_block(l, &t, at);
            fax |= dtmf_run(l, false, false, made_sink(&m));
        }
        cr_expect_eq(fax, !less, "%.2f", share);
        tape_close(&t);
    }
}

/* The largest share of 20 ms that are near the top, by halves of blocks. */
static double flattest(const struct tape *t, size_t begin)
{
    double most = 0;

    for (size_t at = begin; at + 2 * SCREEN_HALF <= t->n; at += SCREEN_HALF) {
        int16_t x[2 * SCREEN_HALF];

        for (size_t i = 0; i < 2 * SCREEN_HALF; i++)
            x[i] = (int16_t)lrintf(t->s[at + i]);
        most = fmax(most, (double)num_near_top(x, 2 * SCREEN_HALF) / (2 * SCREEN_HALF));
    }
    return most;
}

/* A digit with 8 % of something else in it, cut off at the highest level at which that share of it
 * is near the top. */
static unsigned digits_cut(double share)
{
    for (float top = 8000; top > 1000; top *= 0.99f) {
        struct tape t;

        tape_open(&t, 1);
        tape_silence(&t, 100);
        size_t begin = t.n;

        sound(&t, 2e6, 2e6, 0.36e6, 100);
        for (size_t i = begin; i < t.n; i++)
            t.s[i] = fminf(fmaxf(t.s[i], -top), top);
        double flat = flattest(&t, begin);

        if (flat >= share) {
            cr_assert_lt(flat, share + 0.03);
            return digits_in(&t);
        }
        tape_close(&t);
    }
    cr_assert_fail("no cut leaves %.3f near the top", share);
    return 0;
}

/* What is nowhere pure is a digit if it is so because its tops are cut. */
Test(dtmf_limits, a_digit_that_is_not_pure_has_flat_tops)
{
    cr_expect_eq(digits_of(2e6, 2e6, 0.36e6, 100), 0);
    cr_expect_eq(digits_cut(0.17), 1);
    cr_expect_eq(digits_cut(0.115), 0);
}
