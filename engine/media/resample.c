/* The taps: 0.5 sinc(n / 2) under a Kaiser window of beta 5.65, in units of 1 / 32768; their sum
 * and the middle one are a half each, so that silence and constants stay what they are. */
#include "media/resample.h"

#include <string.h>

#define HALF  13 /* taps on either side that are not nothing: at distances 1, 3, … 25 */
#define REACH 25
#define OLD                                                                                        \
    (2 * REACH + 1) /* one more than the filter, so that the delay is whole samples of 8 kHz */

static const int32_t tap[HALF] = {10389, -3360, 1896, -1234, 845, -588, 406,
                                  -275,  180,   -112, 65,    -34, 14};

static inline int16_t sat16(int32_t v)
{
    return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}

void resample_down(struct resample_down *r, const int16_t *in, uint32_t samples, int16_t *out)
{
    int16_t all[OLD + RESAMPLE_MAX];

    memcpy(all, r->before, sizeof(r->before));
    memcpy(all + OLD, in, samples * sizeof(*in));
    for (uint32_t n = 0; n < samples / 2; n++) {
        const int16_t *middle = all + 2 * n + REACH;
        int32_t sum = 16384 * middle[0] + 16384; /* and a half, to round */

        for (int k = 0; k < HALF; k++)
            sum += tap[k] * (middle[-1 - 2 * k] + middle[1 + 2 * k]);
        out[n] = sat16(sum >> 15);
    }
    memcpy(r->before, all + samples, sizeof(r->before));
}

void resample_up(struct resample_up *r, const int16_t *in, uint32_t samples, int16_t *out)
{
    int16_t all[REACH + RESAMPLE_MAX / 2];

    memcpy(all, r->before, sizeof(r->before));
    memcpy(all + REACH, in, samples * sizeof(*in));
    for (uint32_t n = 0; n < samples; n++) {
        const int16_t *left = all + n + HALF - 1;
        int32_t sum = 8192;

        for (int k = 0; k < HALF; k++)
            sum += tap[k] * (left[-k] + left[1 + k]);
        out[2 * n] = left[0];
        out[2 * n + 1] = sat16(sum >> 14);
    }
    memcpy(r->before, all + samples, sizeof(r->before));
}
