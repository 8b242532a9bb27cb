/* The limits of a network tone's rhythm: segments made to lie on either side of each, and what is
 * kept and told of them, looked at from inside. What real tones are told as is tones_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

#define POWER 4.0e6f /* −19 dBm0 or so */

static const float ring[2] = {440, 480}, busy[2] = {480, 620};

static void segment_of(struct leg *l, const float f_hz[2], uint32_t start_ms, uint32_t end_ms)
{
    const struct segment g = {
        .f_hz = {f_hz[0], f_hz[1]}, .power = POWER, .start_ms = start_ms, .end_ms = end_ms};

    cadence_segment(l, &g);
}

/* What is told at that time; nothing: NULL. */
static const struct dsp_event *told_at(struct leg *l, uint32_t now_ms)
{
    static struct made_events m;
    struct sink *s = made_sink(&m);

    l->now_ms = now_ms;
    cadence_run(l, s);
    return s->count ? &m.e[0] : NULL;
}

Test(cadence, shorter_than_60_ms_is_not_the_networks)
{
    for (uint32_t ms = 59; ms <= 60; ms++) {
        struct leg *l = made_leg(DSP_EARLY);

        segment_of(l, busy, 1000, 1000 + ms);
        cr_assert_eq(l->cadence.count, ms == 60, "%u ms", ms);
    }
}

Test(cadence, a_pause_below_50_ms_is_a_lost_packet)
{
    for (uint32_t gap = 49; gap <= 50; gap++) {
        struct leg *l = made_leg(DSP_EARLY);

        segment_of(l, busy, 1000, 1200);
        segment_of(l, busy, 1200 + gap, 1500);
        cr_assert_eq(l->cadence.count, gap == 49 ? 1 : 2, "%u ms", gap);
        cr_assert_eq(l->cadence.on_ms[0], gap == 49 ? 500 : 300 - gap);
    }
}

Test(cadence, only_the_same_tone_goes_on_over_it)
{
    for (int other = 0; other < 2; other++) {
        const float then[2] = {busy[0] + (other ? 7.6f : 7.4f), busy[1]};
        const float first[2] = {busy[0] - 7.6f, busy[1]};
        struct leg *l = made_leg(DSP_EARLY);

        segment_of(l, first, 1000, 1200);
        cr_assert_eq(l->cadence.count, 1);
        segment_of(l, then, 1240, 1500);
        cr_assert_eq(l->cadence.on_ms[0] == 500, !other, "%.1f Hz apart",
                     (double)(then[0] - first[0]));
    }
}

Test(cadence, after_7_s_of_pause_another_begins)
{
    for (uint32_t gap = 7000; gap <= 7001; gap++) {
        struct leg *l = made_leg(DSP_EARLY);

        segment_of(l, ring, 1000, 3000);
        segment_of(l, ring, 3000 + gap, 5000 + gap);
        cr_assert_eq(l->cadence.count, gap == 7000 ? 2 : 1);
    }
}

Test(cadence, a_first_ring_is_told_1500_ms_after_it)
{
    struct leg *l = made_leg(DSP_EARLY);

    segment_of(l, ring, 1000, 3000);
    cr_assert_null(told_at(l, 4499));
    const struct dsp_event *e = told_at(l, 4500);

    cr_assert_not_null(e);
    cr_assert_eq(e->kind, DSP_RINGBACK);
    cr_assert_eq(e->start_ms, 1000);
}

/* Reorder tone, 250 ms on and off: its second cycle is over after a second. */
Test(cadence, other_tones_are_told_after_a_second_of_two_cycles)
{
    struct leg *l = made_leg(DSP_EARLY);

    segment_of(l, busy, 1000, 1250);
    segment_of(l, busy, 1500, 1750);
    cr_assert_null(told_at(l, 1999));
    const struct dsp_event *e = told_at(l, 2000);

    cr_assert_not_null(e);
    cr_assert_eq(e->kind, DSP_REORDER);
    cr_assert_eq(e->start_ms, 1000);
}
