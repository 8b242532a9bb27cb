/* The limits of looks and of the finer views, each from both sides: sounds of tones that lie in the
 * middle of bins, so that each one's share of the energy is known. */
#include <criterion/criterion.h>

#include "dsp/made.h"
#include "dsp/spectrum.h"

#define SAMPLES (HISTORY_BLOCKS * DSP_BLOCK_SAMPLES)
#define BIN_HZ  31.25
#define TONE    32 /* bins; 1000 Hz */

static double x[SAMPLES];

static void silence(void)
{
    memset(x, 0, sizeof x);
}

/* Adds a tone of that mean square. */
static void add(double hz, double power)
{
    for (int i = 0; i < SAMPLES; i++)
        x[i] += sqrt(2 * power) * sin(6.283185307179586 * hz * i / 8000 + hz);
}

/* Adds eight tones of so much together, from a bin on, far from each other. */
static void add_others(int bin, double power)
{
    for (int i = 0; i < 8; i++)
        add((bin + 8 * i) * BIN_HZ, power / 8);
}

static struct leg *hear(void)
{
    struct leg *l = made_leg(DSP_EARLY);
    for (unsigned b = 0; b < HISTORY_BLOCKS; b++) {
        int16_t block[DSP_BLOCK_SAMPLES];
        for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++)
            block[i] = (int16_t)lrint(x[b * DSP_BLOCK_SAMPLES + i]);
        history_add(l, block);
    }
    return l;
}

/* The look that ends with the last sample; nothing when there is but quiet. */
static struct look look(void)
{
    struct look looks[LOOKS_PER_BLOCK] = {0};
    return spectrum_look(hear(), false, looks) ? looks[1] : (struct look){0};
}

/* ---- looks ---- */

Test(spectrum, tones_are_looked_for_from_minus_48_dbm0)
{
    for (int loud = 0; loud < 2; loud++) {
        silence();
        add(1000, pow(10, (84.02 + (loud ? -47.6 : -48.4)) / 10));
        cr_assert_eq(look().tones, loud);
    }
}

Test(spectrum, a_look_tells_the_tones_power)
{
    silence();
    add(1000, 1e6);
    cr_assert_float_eq(look().power, 1e6f, 1e4f);
}

Test(spectrum, one_tone_has_eight_tenths_of_the_energy)
{
    for (int good = 0; good < 2; good++) {
        silence();
        add(1000, good ? 0.82e6 : 0.78e6);
        add_others(TONE + 8, good ? 0.18e6 : 0.22e6);
        cr_assert_eq(look().tones, good);
    }
}

Test(spectrum, a_cluster_is_below_700_hz)
{
    for (int below = 0; below < 2; below++) {
        silence();
        add(below ? 690 : 710, 1e6);
        cr_assert_eq(look().tones, 1);
        cr_assert_eq(look().cluster, below);
    }
}

Test(spectrum, a_cluster_has_85_of_100_of_the_energy)
{
    for (int good = 0; good < 2; good++) {
        silence();
        add(500, good ? 0.87e6 : 0.83e6);
        add_others(TONE, good ? 0.13e6 : 0.17e6);
        cr_assert_eq(look().tones, 1);
        cr_assert_eq(look().cluster, good);
    }
}

Test(spectrum, a_pairs_weaker_tone_is_at_most_12_db_below_the_other)
{
    for (int good = 0; good < 2; good++) {
        double one = 0.775e6, two = one * (good ? 0.065 : 0.056);
        silence();
        add(1000, one);
        add(1500, two);
        add_others(56, 1e6 - one - two);
        cr_assert_eq(look().tones, good ? 2 : 0);
    }
}

/* ---- pairs whose tops are cut ---- */

#define PAIR_LOW  33 /* bins */
#define PAIR_HIGH 47

struct cut {
    double share, second, near_top;
};

static double lobe(const float *p, int bin)
{
    double sum = 0;
    for (int k = bin - 2; k <= bin + 2; k++)
        sum += (double)p[k];
    return sum;
}

/* Cuts what is there at a peak, and measures it in the look's window: the pair's share, its second
 * tone by the first, samples within 5 % of the highest. */
static struct cut cut_at(double top)
{
    int16_t s[LOOK_SAMPLES + DSP_BLOCK_SAMPLES / 2];
    float early[SPECTRUM_BINS], late[SPECTRUM_BINS];
    double all = 0, near_top = 0;
    for (int i = 0; i < SAMPLES; i++)
        x[i] = x[i] > top ? top : x[i] < -top ? -top : x[i];
    for (int i = 0; i < (int)(sizeof s / sizeof *s); i++)
        s[i] = (int16_t)lrint(x[SAMPLES - sizeof s / sizeof *s + i]);
    spectrum_powers(s, early, late);
    for (int k = 2; k < LOOK_SAMPLES / 2; k++)
        all += (double)late[k];
    for (int i = 0; i < LOOK_SAMPLES; i++)
        near_top += fabs(x[SAMPLES - LOOK_SAMPLES + i]) >= 0.95 * top;
    double one = lobe(late, PAIR_LOW), two = lobe(late, PAIR_HIGH);
    return (struct cut){(one + two) / all, two / one, near_top / LOOK_SAMPLES};
}

/* The pair, its second tone so strong and other sound beside it, cut at a peak. */
#define CUT(second_power, others, top, field, from, to, is_pair)                                   \
    do {                                                                                           \
        silence();                                                                                 \
        add(PAIR_LOW *BIN_HZ, 1e6);                                                                \
        add(PAIR_HIGH *BIN_HZ, second_power);                                                      \
        add_others(PAIR_HIGH + 9, others);                                                         \
        struct cut c = cut_at(top);                                                                \
        cr_assert(c.share > 0.55 && c.share < 0.79, "a share of %g", c.share);                     \
        cr_assert(c.field > from && c.field < to, "%s %g", #field, c.field);                       \
        cr_assert_eq(look().tones, is_pair ? 2 : 0, "%s %g", #field, c.field);                     \
    } while (0)

Test(spectrum, a_cut_pair_has_64_of_100_of_the_energy)
{
    CUT(1e6, 0.6e6, 506, share, 0.70, 0.75, true);
    CUT(1e6, 1.2e6, 506, share, 0.60, 0.63, false);
}

Test(spectrum, a_cut_pairs_tones_differ_by_3_db_at_most)
{
    CUT(0.8e6, 0.6e6, 675, second, 0.54, 0.60, true);
    CUT(0.7e6, 0.6e6, 675, second, 0.43, 0.48, false);
}

Test(spectrum, a_cut_pair_has_45_of_100_samples_near_the_top)
{
    CUT(1e6, 1e6, 1200, near_top, 0.47, 0.55, true);
    CUT(1e6, 1e6, 1600, near_top, 0.35, 0.42, false);
}

/* ---- the fine view ---- */

#define FINE_HZ 15.625

static unsigned fine(int partner, double part)
{
    float f[2];
    silence();
    add(28 * FINE_HZ, 1e6);
    add((28 + partner) * FINE_HZ, part * 1e6);
    return spectrum_fine(hear(), (float)(28 * FINE_HZ), f);
}

Test(spectrum, the_fine_views_weaker_tone_has_a_tenth_of_the_other)
{
    cr_assert_eq(fine(3, 0.12), 2);
    cr_assert_eq(fine(3, 0.08), 1);
}

Test(spectrum, the_fine_view_reaches_five_bins)
{
    cr_assert_eq(fine(5, 1), 2);
    cr_assert_eq(fine(7, 1), 1);
}

/* ---- beats ---- */

#define SLOTS 32
#define FIRST 6  /* slots back: what is newer is left out */
#define LAST  29 /* and what is older */

/* Energies that beat at so many hertz, by a part of their mean, from one slot to another back; the
 * others are so loud. What the beat is told as, in hertz; 0: none. */
static double beat(double hz, double depth, unsigned from, unsigned to, double loud)
{
    float f[2];
    struct leg *l = made_leg(DSP_EARLY);
    l->slot_count = SLOTS;
    for (unsigned back = 0; back < SLOTS; back++) {
        double swing = depth * cos(6.283185307179586 * hz * back * SLOT_MS / 1000);
        l->slot[SLOTS - 1 - back] = (float)(1e6 * (back >= from && back <= to ? 1 + swing : loud));
    }
    return spectrum_beats(l, 450, f) ? (double)(f[1] - f[0]) : 0;
}

Test(spectrum, beats_are_of_24_to_32_hz)
{
    for (int hz = 24; hz <= 32; hz += 2)
        cr_assert_eq(beat(hz, 1, FIRST, LAST, 1), hz, "%d Hz: %g", hz, beat(hz, 1, FIRST, LAST, 1));
    cr_assert_eq(beat(36, 1, FIRST, LAST, 1), 32, "the nearest that there is");
}

/* Half of the depth is what the beat has of the energy. */
Test(spectrum, a_beat_has_22_of_100_of_the_energy)
{
    for (int hz = 24; hz <= 32; hz += 2) {
        cr_assert_neq(beat(hz, 0.5, FIRST, LAST, 1), 0);
        cr_assert_eq(beat(hz, 0.38, FIRST, LAST, 1), 0);
    }
}

Test(spectrum, beats_are_looked_for_30_to_150_ms_back)
{
    cr_assert_eq(beat(28, 0.6, FIRST, LAST, 100), 28, "what is beyond does not matter");
    cr_assert_eq(beat(28, 0.5, FIRST, LAST - 8, 1), 0, "steady in a third of it");
    cr_assert_eq(beat(28, 0.5, FIRST + 8, LAST, 1), 0);
}
