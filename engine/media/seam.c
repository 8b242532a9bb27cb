/* See seam.h. */
#include "media/seam.h"

#include <stdlib.h>

#include "dsp/dsp.h"

void seam_mend(struct seam *s, uint8_t *coded, uint32_t n, bool alaw, uint64_t now_us)
{
    int16_t pcm[SEAM_SAMPLES], last;
    uint32_t len = n < SEAM_SAMPLES ? n : SEAM_SAMPLES;

    s->due = false;
    if (!s->known || now_us - s->at_us > SEAM_GAP_US || len == 0)
        return;
    dsp_g711_decode(&s->last, &last, 1, s->alaw);
    dsp_g711_decode(coded, pcm, len, alaw);
    int32_t step = last - pcm[0];

    if (abs(step) < SEAM_STEP)
        return;
    for (uint32_t i = 0; i < len; i++) {
        int32_t v = pcm[i] + step * (int32_t)(len - i) / (int32_t)(len + 1);

        pcm[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
    }
    dsp_g711_encode(pcm, coded, len, alaw);
}
