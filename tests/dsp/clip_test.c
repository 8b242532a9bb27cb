/* The limits of clipping: blocks made sample by sample. What sound does is line_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

/* The highest values of mu-law are 32124 and 31100, of A-law 32256 and 31232; the next are below
 * 30300. */
enum { HIGHEST = 32124, HIGH = 31100, NEXT = 30208 };

/* Pulses one after another, of that many samples each, a turn of the sign between two. */
static void pulses(struct tape *t, int value, unsigned wide, unsigned n)
{
    float *x = tape_more(t, DSP_BLOCK_MS);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < wide; k++)
            x[i * 2 * wide + k] = (float)(i % 2 ? -value : value);
}

/* Quieter than full scale: so many samples at the top, so many at the bottom. */
static void tops(struct tape *t, unsigned high, unsigned low)
{
    float *x = tape_more(t, DSP_BLOCK_MS);
    for (unsigned i = 0; i < high + low; i++)
        x[i] = i < high ? 12000 : -12000;
}

/* Plays it, then nothing; the detail of what was said, 0 for nothing. */
static unsigned said(struct tape *t)
{
    struct leg *l = made_leg(DSP_EARLY);
    unsigned detail = 0;
    for (size_t at = 0; at < t->n; at += DSP_BLOCK_SAMPLES) {
        struct made_events m;
        made_block(l, t, at);
        clip_run(l, true, made_sink(&m));
        detail = m.sink.count ? m.e[0].detail : detail;
    }
    tape_close(t);
    return detail;
}

static unsigned said_pulses(int value, unsigned wide, unsigned n, unsigned blocks)
{
    struct tape t;
    tape_open(&t, 1);
    for (unsigned i = 0; i < blocks; i++)
        pulses(&t, value, wide, n);
    return said(&t);
}

static unsigned said_tops(unsigned high, unsigned low)
{
    struct tape t;
    tape_open(&t, 1);
    for (unsigned i = 0; i < 3; i++)
        tops(&t, high, low);
    return said(&t);
}

Test(clip, full_scale_is_two_runs_of_three_of_either_laws_two_highest_values)
{
    cr_assert_eq(said_pulses(HIGHEST, 3, 2, 3), 1);
    cr_assert_eq(said_pulses(HIGH, 3, 2, 3), 1);
    cr_assert_eq(said_pulses(NEXT, 3, 2, 3), 0);
    cr_assert_eq(said_pulses(HIGH, 2, 8, 3), 0, "runs of two");
    cr_assert_eq(said_pulses(HIGH, 3, 1, 3), 0, "one run");
}

Test(clip, it_is_told_from_the_third_block_on)
{
    cr_assert_eq(said_pulses(HIGH, 3, 2, 2), 0);
    cr_assert_eq(said_pulses(HIGH, 3, 2, 3), 1);
}

/* Of 160 samples: 30 per cent are 48, 6 per cent 9.6. */
Test(clip, below_full_scale_three_tenths_are_at_the_top_and_some_on_either_side)
{
    cr_assert_eq(said_tops(30, 20), 2);
    cr_assert_eq(said_tops(26, 20), 0, "46 in all");
    cr_assert_eq(said_tops(60, 10), 2);
    cr_assert_eq(said_tops(60, 9), 0, "9 on one side");
}
