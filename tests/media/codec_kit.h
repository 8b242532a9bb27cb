/* What the tests of codecs share: sound like speech, and how alike two sounds are. */
#ifndef PEAL_TESTS_CODEC_KIT_H
#define PEAL_TESTS_CODEC_KIT_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Voiced sound whose pitch and loudness go up and down, harmonics to top_hz. */
static inline void kit_speech(int16_t *pcm, uint32_t samples, uint32_t khz, double top_hz)
{
    double phase = 0.0;

    for (uint32_t i = 0; i < samples; i++) {
        double t = i / (khz * 1000.0), f0 = 240.0 + 50.0 * sin(2.0 * M_PI * 0.7 * t), sum = 0.0;
        double loud = 0.25 + 0.75 * pow(sin(2.0 * M_PI * 1.9 * t), 2.0);

        phase += 2.0 * M_PI * f0 / (khz * 1000.0);
        for (int h = 1; h * f0 < top_hz; h++)
            sum += sin(h * phase + h * h) / (1.0 + h * 0.5);
        pcm[i] = (int16_t)(4000.0 * loud * sum);
    }
}

static inline double kit_level_db(const int16_t *pcm, uint32_t samples)
{
    double sum = 1.0;

    for (uint32_t i = 0; i < samples; i++)
        sum += (double)pcm[i] * pcm[i];
    return 10.0 * log10(sum / samples);
}

static inline double kit_alike_at(const int16_t *a, const int16_t *b, uint32_t samples)
{
    double ab = 0.0, aa = 1.0, bb = 1.0;

    for (uint32_t i = 0; i < samples; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

#define KIT_SOUGHT 4000 /* samples by which a delay is sought */

/* The correlation of a's samples with b at the delay at which their beginnings are most alike; b
 * holds samples + most. */
static inline double kit_alike(const int16_t *a, const int16_t *b, uint32_t samples, uint32_t most,
                               uint32_t *later)
{
    uint32_t sought = samples < KIT_SOUGHT ? samples : KIT_SOUGHT;
    double best = -1.0;

    for (uint32_t lag = 0; lag <= most; lag++) {
        double r = kit_alike_at(a, b + lag, sought);

        if (r > best) {
            best = r;
            *later = lag;
        }
    }
    return kit_alike_at(a, b + *later, samples);
}

/* The greatest step between neighbours: a click has one that the sound itself has not. */
static inline int32_t kit_step(const int16_t *pcm, uint32_t samples)
{
    int32_t most = 0;

    for (uint32_t i = 1; i < samples; i++) {
        int32_t step = abs(pcm[i] - pcm[i - 1]);

        most = step > most ? step : most;
    }
    return most;
}

#endif
