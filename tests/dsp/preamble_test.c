/* The limits of V.21's flags, heard by preamble_run() alone: how long the ones and the noughts are,
 * how clear, how many, and how soon they are told again. Real ones are fax_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"

struct flags {
    unsigned ones, noughts;   /* samples of each in a flag; 0: 160 and 53 */
    double one_hz, nought_hz; /* 0: 1650 and 1850 */
    double other;             /* amplitude of a tone of 500 Hz beside them, of theirs */
};

static void record(struct tape *t, struct flags f, unsigned n)
{
    unsigned ones = f.ones ? f.ones : 160, noughts = f.noughts ? f.noughts : 53;
    double one_hz = f.one_hz > 0 ? f.one_hz : 1650;
    double nought_hz = f.nought_hz > 0 ? f.nought_hz : 1850;
    size_t all = (size_t)n * (ones + noughts);
    float *x = tape_more(t, (double)all / TAPE_PER_MS);
    double phase = 0;
    for (size_t i = 0; i < all; i++) {
        bool one = i % (ones + noughts) < ones;
        phase += 6.283185307179586 * (one ? one_hz : nought_hz) / 8000;
        x[i] = (float)(3000 * (sin(phase) + f.other * sin(6.283185307179586 * (double)i / 16)));
    }
}

/* What a look of that frequency leads to: how often the tape is told to be a preamble. */
static unsigned told(struct tape *t, float look_hz, struct dsp_event *e)
{
    struct leg *l = made_leg(DSP_EARLY);
    struct look look = {.f_hz = {look_hz}};
    unsigned n = 0;
    l->now_ms = 2000;
    for (size_t at = 0; at + DSP_BLOCK_SAMPLES <= t->n; at += DSP_BLOCK_SAMPLES) {
        struct made_events m;
        made_block(l, t, at);
        preamble_run(l, &look, made_sink(&m));
        if (m.sink.count)
            *e = m.e[0];
        n += m.sink.count;
    }
    tape_close(t);
    return n;
}

static bool is_preamble(struct flags f, unsigned n, float look_hz)
{
    struct dsp_event e;
    struct tape t;
    tape_open(&t, 1);
    tape_silence(&t, 100);
    record(&t, f, n);
    tape_silence(&t, 300);
    return told(&t, look_hz, &e) == 1;
}

Test(preamble, ones_last_six_bits_and_noughts_two)
{
    cr_assert(is_preamble((struct flags){0}, 20, 1700));
    cr_assert(is_preamble((struct flags){.ones = 180}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.ones = 190}, 20, 1700));
    cr_assert(is_preamble((struct flags){.ones = 140}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.ones = 130}, 20, 1700));
    cr_assert(is_preamble((struct flags){.noughts = 66}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.noughts = 73}, 20, 1700));
    cr_assert(is_preamble((struct flags){.noughts = 40}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.noughts = 33}, 20, 1700));
}

/* Nearer to each other, both are in what is heard of either: 1750 ± 31 Hz, and one is a quarter of
 * both stronger than the other. */
Test(preamble, the_stronger_one_must_be_clearly_stronger)
{
    cr_assert(is_preamble((struct flags){.one_hz = 1711, .nought_hz = 1789}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.one_hz = 1725, .nought_hz = 1775}, 20, 1700));
}

/* Another tone takes a third of the energy, or two fifths and more; of what is left, changes over
 * take their part. */
Test(preamble, three_fifths_of_the_energy_are_in_it)
{
    cr_assert(is_preamble((struct flags){.other = 0.7}, 20, 1700));
    cr_assert_not(is_preamble((struct flags){.other = 0.87}, 20, 1700));
}

Test(preamble, it_is_told_at_the_eighth_flag_with_its_start)
{
    struct dsp_event e;
    struct tape t;
    cr_assert(is_preamble((struct flags){0}, 9, 1700));
    cr_assert_not(is_preamble((struct flags){0}, 7, 1700));
    tape_open(&t, 1);
    tape_silence(&t, 100);
    record(&t, (struct flags){0}, 20);
    cr_assert_eq(told(&t, 1700, &e), 1);
    cr_assert_leq(abs((int)e.start_ms - 2100), 40, "%u", e.start_ms);
}

Test(preamble, looks_in_its_band_begin_the_work)
{
    cr_assert(is_preamble((struct flags){0}, 20, 1581) && is_preamble((struct flags){0}, 20, 1919));
    cr_assert_not(is_preamble((struct flags){0}, 20, 1579));
    cr_assert_not(is_preamble((struct flags){0}, 20, 1921));
}

/* Eight flags last 213 ms, so the second is known half a second after the first was heard last when
 * the pause is 290 ms. */
Test(preamble, it_is_told_again_after_half_a_second)
{
    for (int late = 0; late < 2; late++) {
        struct dsp_event e;
        struct tape t;
        tape_open(&t, 1);
        tape_silence(&t, 100);
        record(&t, (struct flags){0}, 20);
        tape_silence(&t, late ? 340 : 220);
        record(&t, (struct flags){0}, 9);
        tape_silence(&t, 300);
        cr_assert_eq(told(&t, 1700, &e), late ? 2 : 1);
    }
}
