/* The limits of the pitch finder: what is about as strong, and how much quieter than the loudest
 * sample a voice may be. That its numbers are right is wide_test.c's. */
#include <criterion/criterion.h>

#include "dsp/made.h"
#include "dsp/spectrum.h"

#define SAMPLES (HISTORY_BLOCKS * DSP_BLOCK_SAMPLES)

static float voiced(const int16_t x[SAMPLES], int16_t *pitch)
{
    struct leg *l = made_leg(DSP_EARLY);
    for (unsigned i = 0; i < HISTORY_BLOCKS; i++)
        history_add(l, x + i * DSP_BLOCK_SAMPLES);
    return spectrum_voiced(l, pitch);
}

#define HZ (2000.0 / 24) /* a lag of 24 at 2 kHz, of which there are four in the window */

static int16_t sample(int i, double peak, double other)
{
    double a = 6.283185307179586 * HZ * i / 8000;
    return (int16_t)lrint(peak * sin(a) + other * sin(2 * a));
}

/* A voice and its octave: at half the lag the correlation is (octave - voice) / both, of which the
 * square counts. */
Test(pitch, the_octave_is_taken_from_eight_tenths_on)
{
    for (int higher = 0; higher < 2; higher++) {
        int16_t x[SAMPLES], pitch;
        double square = higher ? 0.85 : 0.75, part = (1 - sqrt(square)) / (1 + sqrt(square));
        for (int i = 0; i < SAMPLES; i++)
            x[i] = sample(i, 8000 * sqrt(part), 8000);
        cr_assert_gt(voiced(x, &pitch), 0.98f);
        double hz = higher ? 2 * HZ : HZ;
        cr_assert_float_eq(pitch, 120 * log2(hz / 62.5), 8, "%d of %g Hz", pitch, hz);
    }
}

/* A click at the window's end, which the shorter lags do not reach. */
Test(pitch, a_voice_is_heard_60_db_below_a_click)
{
    int16_t x[SAMPLES], pitch;
    for (int i = 0; i < SAMPLES; i++)
        x[i] = i < SAMPLES - 8 ? sample(i, 15, 15) : i < SAMPLES - 4 ? 30000 : -30000;
    cr_assert_gt(voiced(x, &pitch), 0.9f);
    cr_assert_float_eq(pitch, 120 * log2(HZ / 62.5), 8, "%d", pitch);
}
