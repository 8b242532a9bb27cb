/* The limits of an answer tone's marks: 2100 Hz made here, heard by answer_run() alone. Reversals
 * are put between two of the 10 ms it correlates, which 2100 Hz fills with 21 whole turns. What
 * real answer tones are told as is fax_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

#define HALF_MS 10

/* Tone of that length, by so many degrees of phase ahead of the generator's start; amplitude 1000,
 * modulated at am_hz by depth. */
static void tone(struct tape *t, double ms, double degrees, double depth, double am_hz)
{
    size_t from = t->n;
    float *x = tape_more(t, ms);
    for (size_t i = 0; i < t->n - from; i++) {
        double at = (double)(from + i) / 8000;
        x[i] = (float)(1000 * (1 + depth * sin(6.283185307179586 * am_hz * at)) *
                       sin(6.283185307179586 * 2100 * at + degrees / 57.29577951308232));
    }
}

struct ear {
    struct leg *l;
    struct answer_track a;
};

/* The tone's segment began a second and a half before, so that no first reversal is in time. */
static void ear_open(struct ear *e)
{
    e->l = made_leg(DSP_ANSWERED);
    e->l->now_ms = 2500;
    e->l->track.seg = (struct segment){.start_ms = 1000};
    answer_begin(&e->a);
}

/* Hears the tape; so many blocks from that one on do not come. */
static void hear(struct ear *e, struct tape *t, unsigned lost_at, unsigned lost)
{
    for (unsigned i = 0; i < t->n / DSP_BLOCK_SAMPLES; i++) {
        if (i >= lost_at && i < lost_at + lost)
            made_gap(e->l);
        else
            made_block(e->l, t, (size_t)i * DSP_BLOCK_SAMPLES);
        answer_run(e->l, &e->a);
    }
    tape_close(t);
}

static bool turn_is_heard(unsigned halves_before, double degrees, unsigned lost_at, unsigned lost)
{
    struct ear e;
    struct tape t;
    tape_open(&t, 1);
    tone(&t, halves_before * HALF_MS, 0, 0, 0);
    tone(&t, (40 - halves_before) * HALF_MS, degrees, 0, 0);
    ear_open(&e);
    hear(&e, &t, lost_at, lost);
    return e.a.reversed_ms > 0;
}

Test(answer, a_turn_is_seen_once_60_ms_have_told_the_even_one)
{
    cr_assert(turn_is_heard(7, 180, 0, 0));
    cr_assert_not(turn_is_heard(5, 180, 0, 0));
}

Test(answer, a_turn_is_one_from_127_degrees_on)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        cr_assert(turn_is_heard(20, sign * 131, 0, 0));
        cr_assert_not(turn_is_heard(20, sign * 123, 0, 0));
        cr_assert(turn_is_heard(20, sign * 149, 0, 0));
    }
}

/* Blocks from the sixth on are lost, and somewhere in them the phase turns. */
Test(answer, a_turn_is_seen_over_80_ms_without_packets)
{
    cr_assert(turn_is_heard(14, 180, 6, 4));
    cr_assert_not(turn_is_heard(14, 180, 6, 5));
}

/* Another tone, whole turns in 10 ms as well, with so much of the energy: such pieces are not
 * compared. */
Test(answer, a_piece_is_clean_with_three_fifths_of_the_energy_in_the_tone)
{
    for (int clean = 0; clean < 2; clean++) {
        struct ear e;
        struct tape t;
        double of_tone = clean ? 0.63 : 0.57;
        tape_open(&t, 1);
        tone(&t, 100, 0, 0, 0);
        for (size_t i = 0; i < t.n; i++)
            t.s[i] += (float)(1000 * sqrt(1 / of_tone - 1) *
                              sin(6.283185307179586 * 900 * (double)i / 8000));
        ear_open(&e);
        hear(&e, &t, 0, 0);
        cr_assert_eq(e.a.half[0].number > 0, clean, "%g of the energy", of_tone);
    }
}

/* Two turns so far apart. */
static enum dsp_answer with_turns(unsigned apart_ms)
{
    struct ear e;
    struct tape t;
    tape_open(&t, 1);
    tone(&t, 200, 0, 0, 0);
    tone(&t, apart_ms, 180, 0, 0);
    tone(&t, 200, 0, 0, 0);
    ear_open(&e);
    hear(&e, &t, 0, 0);
    return answer_kind(&e.a);
}

Test(answer, turns_are_410_to_490_ms_apart_and_one_or_two_may_be_missed)
{
    for (unsigned times = 1; times <= 3; times++) {
        unsigned more = (times - 1) * 450;
        cr_assert_eq(with_turns(400 + more), ANSWER_ANS, "%u times", times);
        cr_assert_eq(with_turns(410 + more), ANSWER_ANS_PR, "%u times", times);
        cr_assert_eq(with_turns(490 + more), ANSWER_ANS_PR, "%u times", times);
        cr_assert_eq(with_turns(500 + more), ANSWER_ANS, "%u times", times);
    }
}

static enum dsp_answer modulated(double depth, double am_hz, double ms)
{
    struct ear e;
    struct tape t;
    tape_open(&t, 1);
    tone(&t, ms, 0, depth, am_hz);
    ear_open(&e);
    hear(&e, &t, 0, 0);
    return answer_kind(&e.a);
}

Test(answer, modulation_is_15_hz_by_more_than_a_ninth_for_half_a_second)
{
    cr_assert_eq(modulated(0.12, 15, 600), ANSWER_ANSAM);
    cr_assert_eq(modulated(0.10, 15, 600), ANSWER_ANS);
    cr_assert_eq(modulated(0.2, 15, 500), ANSWER_ANSAM);
    cr_assert_eq(modulated(0.2, 15, 480), ANSWER_ANS);
    cr_assert_eq(modulated(0.2, 10, 600), ANSWER_ANS);
    cr_assert_eq(modulated(0.2, 22, 600), ANSWER_ANS);
}

/* Of a tone with its tops cut off, what lies under the tops is taken: a quarter of the samples are
 * near the top then. Sums made by hand. */
Test(answer, a_clipped_tones_modulation_is_looked_for_under_its_tops)
{
    static const struct {
        float near_top, dip;
        enum dsp_answer kind;
    } cases[] = {
        {0.26f, 0.066f, ANSWER_ANSAM}, {0.24f, 0.066f, ANSWER_ANS}, {0.26f, 0.064f, ANSWER_ANS}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer_track a = {.am_slots = 200, .am_sum = 1, .dip_sum = 1};
        a.dip.re = cases[i].dip;
        a.near_top = (uint32_t)(cases[i].near_top * 200 * SLOT_SAMPLES);
        cr_assert_eq(answer_kind(&a), cases[i].kind, "case %u", i);
    }
}
