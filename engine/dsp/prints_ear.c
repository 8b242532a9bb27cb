/* From spectra to bits.
 *
 * Amplitudes (roots of powers: louder sound must not drown the rest) are summed over three blocks,
 * 60 ms, and compared with the three before (60 ms back) between neighbouring bands, and with those
 * 120 ms back between bands four apart; three more bits say whether low, middle and high bands
 * swell. A steady tone or hum differs from itself by nothing and so gives no reliable bit. */
#include <math.h>
#include <string.h>

#include "dsp/prints_inner.h"

#define NEAR_BITS (EAR_BANDS - 1)
#define FAR_STEP  4
#define FAR_BITS  (EAR_BANDS - FAR_STEP)
_Static_assert(NEAR_BITS + FAR_BITS + 3 == EAR_BITS, "a block is one word");

/* Bins of 31.25 Hz: 250 Hz to 3125 Hz, bands of about a hundred hertz, wider above. */
static const uint8_t edge[EAR_BANDS + 1] = {8,  11, 14, 17, 20, 23, 27, 31, 35,
                                            40, 45, 51, 57, 64, 72, 80, 90, 100};

static float *next(struct ear *e)
{
    e->at = (uint8_t)((e->at + 1) % EAR_BLOCKS);
    return e->amplitude[e->at];
}

void ear_hear(struct ear *e, const float *early, const float *late)
{
    float *a = next(e);
    if (!early) {
        memset(a, 0, sizeof e->amplitude[0]);
        return;
    }
    for (unsigned m = 0; m < EAR_BANDS; m++) {
        float sum = 0;
        for (unsigned k = edge[m]; k < edge[m + 1]; k++)
            sum += early[k] + late[k];
        a[m] = sqrtf(sum / (float)(edge[m + 1] - edge[m]));
    }
}

void ear_hold(struct ear *e)
{
    const float *last = e->amplitude[e->at];
    memcpy(next(e), last, sizeof e->amplitude[0]);
}

/* Sum of the three blocks that end back blocks ago. */
static void three(const struct ear *e, unsigned back, float sum[EAR_BANDS])
{
    const float *a = e->amplitude[(e->at + EAR_BLOCKS - back) % EAR_BLOCKS];
    const float *b = e->amplitude[(e->at + EAR_BLOCKS - back - 1) % EAR_BLOCKS];
    const float *c = e->amplitude[(e->at + EAR_BLOCKS - back - 2) % EAR_BLOCKS];
    for (unsigned m = 0; m < EAR_BANDS; m++)
        sum[m] = a[m] + b[m] + c[m];
}

void ear_strengths(const struct ear *e, float strength[EAR_BITS])
{
    float now[EAR_BANDS], before[EAR_BANDS], long_before[EAR_BANDS];
    float near[EAR_BANDS], far[EAR_BANDS];
    three(e, 0, now);
    three(e, 3, before);
    three(e, 6, long_before);
    for (unsigned m = 0; m < EAR_BANDS; m++) {
        near[m] = now[m] - before[m];
        far[m] = now[m] - long_before[m];
    }
    for (unsigned m = 0; m < NEAR_BITS; m++)
        strength[m] = near[m] - near[m + 1];
    for (unsigned m = 0; m < FAR_BITS; m++)
        strength[NEAR_BITS + m] = far[m] - far[m + FAR_STEP];
    float swell[3] = {0};
    for (unsigned m = 0; m < EAR_BANDS; m++)
        swell[m * 3 / EAR_BANDS] += 0.5f * far[m];
    memcpy(strength + NEAR_BITS + FAR_BITS, swell, sizeof swell);
}

float ear_loudness(const struct ear *e)
{
    const float *a = e->amplitude[e->at];
    float sum = 0;
    for (unsigned m = 0; m < EAR_BANDS; m++)
        sum += a[m] * a[m] * (float)(edge[m + 1] - edge[m]);
    return sum / (float)(edge[EAR_BANDS] - edge[0]);
}
