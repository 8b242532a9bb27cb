/* Concealment: smooth, fading, silent in the end, and back. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/plc.h"

static double voice(uint32_t t, double pitch)
{
    return 6000.0 * sin(2.0 * M_PI * t / pitch) + 2500.0 * sin(4.0 * M_PI * t / pitch + 1.0) +
           1200.0 * sin(10.0 * M_PI * t / pitch);
}

/* Blocks [0, n) of a voice, with those for which lost(i) concealed; all samples into out. */
static void run(struct plc *p, uint32_t n, double pitch, uint32_t from, uint32_t to, int16_t *out)
{
    memset(p, 0, sizeof(*p));
    for (uint32_t i = 0; i < n; i++) {
        int16_t *b = plc_next(p);

        if (i >= from && i < to) {
            plc_lost(p);
        } else {
            for (uint32_t k = 0; k < PLC_BLOCK; k++)
                b[k] = (int16_t)voice(i * PLC_BLOCK + k, pitch);
            plc_good(p);
        }
        memcpy(out + i * PLC_BLOCK, b, PLC_BLOCK * sizeof(*b));
    }
}

static int largest_step(const int16_t *s, uint32_t n)
{
    int most = 0;

    for (uint32_t i = 1; i < n; i++)
        if (abs(s[i] - s[i - 1]) > most)
            most = abs(s[i] - s[i - 1]);
    return most;
}

Test(plc, one_lost_block_of_a_steady_voice_is_hardly_noticed)
{
    static const double pitches[] = {45.0, 57.3, 80.0, 99.5, 118.0};

    for (size_t i = 0; i < sizeof(pitches) / sizeof(pitches[0]); i++) {
        struct plc p;
        int16_t out[20 * PLC_BLOCK], whole[20 * PLC_BLOCK];
        double noise = 0.0, signal = 0.0;

        run(&p, 20, pitches[i], 10, 11, out);
        run(&p, 20, pitches[i], 20, 20, whole);
        for (uint32_t k = 10 * PLC_BLOCK; k < 10 * PLC_BLOCK + 80; k++) {
            noise += pow(out[k] - whole[k], 2);
            signal += pow(whole[k], 2);
        }
        cr_expect_gt(10.0 * log10(signal / (noise + 1.0)), 9.0, "pitch %.1f: %.1f dB", pitches[i],
                     10.0 * log10(signal / (noise + 1.0)));
        cr_expect_leq(largest_step(out, 20 * PLC_BLOCK), 2 * largest_step(whole, 20 * PLC_BLOCK),
                      "pitch %.1f clicks", pitches[i]);
        cr_expect_eq(
            memcmp(out + 12 * PLC_BLOCK, whole + 12 * PLC_BLOCK, 8 * PLC_BLOCK * sizeof(*out)), 0,
            "untouched once it is over");
    }
}

Test(plc, long_loss_fades_to_silence)
{
    struct plc p;
    int16_t out[20 * PLC_BLOCK];

    run(&p, 20, 64.0, 10, 18, out);
    int first = 0, third = 0;

    for (int i = 0; i < 80; i++) {
        first = abs(out[10 * PLC_BLOCK + i]) > first ? abs(out[10 * PLC_BLOCK + i]) : first;
        third = abs(out[12 * PLC_BLOCK + i]) > third ? abs(out[12 * PLC_BLOCK + i]) : third;
    }
    cr_expect_gt(first, 5000);
    cr_expect_lt(third, first * 6 / 10);
    for (uint32_t i = 13 * PLC_BLOCK; i < 18 * PLC_BLOCK; i++)
        cr_assert_eq(out[i], 0, "sample %u after 60 ms", i);
    cr_expect_eq(out[19 * PLC_BLOCK + 5], (int16_t)voice(19 * PLC_BLOCK + 5, 64.0));
}

Test(plc, silence_stays_silence)
{
    struct plc p = {0};

    for (int i = 0; i < 6; i++) {
        int16_t *b = plc_next(&p);

        if (i == 3) {
            plc_lost(&p);
        } else {
            memset(b, 0, PLC_BLOCK * sizeof(*b));
            plc_good(&p);
        }
        for (int k = 0; k < PLC_BLOCK; k++)
            cr_assert_eq(plc_block(&p)[k], 0);
    }
}

Test(plc, part_of_a_block_is_completed)
{
    static const uint32_t cuts[][2] = {{0, 80}, {80, 160}, {40, 120}};

    for (size_t c = 0; c < 3; c++) {
        struct plc p;
        int16_t out[10 * PLC_BLOCK], whole[10 * PLC_BLOCK];

        run(&p, 10, 60.0, 10, 10, whole);
        memset(&p, 0, sizeof(p));
        for (uint32_t i = 0; i < 10; i++) {
            int16_t *b = plc_next(&p);

            for (uint32_t k = 0; k < PLC_BLOCK; k++)
                b[k] = i == 6 && (k < cuts[c][0] || k >= cuts[c][1])
                           ? (int16_t)31000
                           : (int16_t)voice(i * PLC_BLOCK + k, 60.0);
            if (i == 6)
                plc_partial(&p, cuts[c][0], cuts[c][1]);
            else
                plc_good(&p);
            memcpy(out + i * PLC_BLOCK, b, PLC_BLOCK * sizeof(*b));
        }
        for (uint32_t k = 6 * PLC_BLOCK; k < 7 * PLC_BLOCK; k++)
            cr_assert(abs(out[k]) < 11000, "garbage at %u", k);
        cr_expect_eq(out[6 * PLC_BLOCK + cuts[c][1] - 1], whole[6 * PLC_BLOCK + cuts[c][1] - 1],
                     "what came is kept");
        cr_expect_eq(out[9 * PLC_BLOCK], whole[9 * PLC_BLOCK]);
    }
}
