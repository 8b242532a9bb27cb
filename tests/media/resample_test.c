/* The filter between 8 and 16 kHz as its page claims it: measured with tones, one at a time. */
#include <criterion/criterion.h>

#include "codec_kit.h"
#include "media/resample.h"

#define SECONDS_8  8000
#define SECONDS_16 16000
#define SIZE       12000.0

static void tone(int16_t *pcm, uint32_t n, double rate, double hz)
{
    for (uint32_t i = 0; i < n; i++)
        pcm[i] = (int16_t)lrint(SIZE * sin(2.0 * M_PI * hz * i / rate));
}

/* Level of what comes beside a full tone's, in dB, once the filter is full. */
static double beside(const int16_t *pcm, uint32_t n)
{
    return kit_level_db(pcm + 100, n - 100) - 10.0 * log10(SIZE * SIZE / 2.0);
}

static double down_db(double hz)
{
    static int16_t in[SECONDS_16], out[SECONDS_8];
    struct resample_down r = {0};

    tone(in, SECONDS_16, 16000.0, hz);
    for (uint32_t i = 0; i < SECONDS_16; i += RESAMPLE_MAX)
        resample_down(&r, in + i, RESAMPLE_MAX, out + i / 2);
    return beside(out, SECONDS_8);
}

/* Of the tone's own frequency, and of its image above 4 kHz. */
static void up_db(double hz, double *own, double *image)
{
    static int16_t in[SECONDS_8], out[SECONDS_16];
    struct resample_up r = {0};
    double re[2] = {0}, im[2] = {0};

    tone(in, SECONDS_8, 8000.0, hz);
    for (uint32_t i = 0; i < SECONDS_8; i += RESAMPLE_MAX / 2)
        resample_up(&r, in + i, RESAMPLE_MAX / 2, out + 2 * i);
    for (uint32_t i = 1600; i < SECONDS_16 - 1600; i++)
        for (int k = 0; k < 2; k++) {
            double w = 2.0 * M_PI * (k ? 8000.0 - hz : hz) * i / 16000.0;

            re[k] += out[i] * cos(w);
            im[k] += out[i] * sin(w);
        }
    double full = SIZE * (SECONDS_16 - 3200) / 2.0;

    *own = 20.0 * log10(hypot(re[0], im[0]) / full);
    *image = 20.0 * log10((hypot(re[1], im[1]) + 1.0) / full);
}

Test(resample, down_is_flat_to_3400_hz_and_nothing_folds_back)
{
    for (double hz = 100.0; hz <= 3400.0; hz += 100.0)
        cr_expect_float_eq(down_db(hz), 0.0, 0.05, "%.0f Hz: %.3f dB", hz, down_db(hz));
    for (double hz = 4600.0; hz < 8000.0; hz += 100.0)
        cr_expect_lt(down_db(hz), -55.0, "%.0f Hz: %.1f dB", hz, down_db(hz));
}

Test(resample, up_is_flat_to_3400_hz_and_has_no_image)
{
    for (double hz = 100.0; hz <= 3400.0; hz += 100.0) {
        double own, image;

        up_db(hz, &own, &image);
        cr_expect_float_eq(own, 0.0, 0.05, "%.0f Hz: %.3f dB", hz, own);
        cr_expect_lt(image, -55.0, "%.0f Hz: image %.1f dB", hz, image);
    }
}

Test(resample, silence_and_constants_stay_and_pieces_make_no_difference)
{
    int16_t in[RESAMPLE_MAX], at_once[RESAMPLE_MAX / 2], in_parts[RESAMPLE_MAX / 2];
    struct resample_down a = {0}, b = {0};
    struct resample_up up = {0};

    kit_speech(in, RESAMPLE_MAX, 16, 7000.0);
    resample_down(&a, in, RESAMPLE_MAX, at_once);
    for (uint32_t i = 0; i < RESAMPLE_MAX; i += 32)
        resample_down(&b, in + i, 32, in_parts + i / 2);
    cr_expect_arr_eq(at_once, in_parts, sizeof(at_once));

    for (uint32_t i = 0; i < RESAMPLE_MAX; i++)
        in[i] = -1234;
    for (int i = 0; i < 2; i++) {
        int16_t wide[RESAMPLE_MAX];

        resample_down(&a, in, RESAMPLE_MAX, at_once);
        resample_up(&up, in, RESAMPLE_MAX / 2, wide);
        if (i == 1) {
            cr_expect_eq(at_once[50], -1234);
            cr_expect(wide[100] == -1234 && wide[101] == -1234);
        }
    }
}
