/* See seam.h. */
#include "media/seam.h"

#include <stdlib.h>

#include "dsp/dsp.h"

static void decode(const uint8_t *coded, int16_t *pcm, uint32_t n, bool alaw)
{
    if (alaw)
        dsp_alaw_decode(coded, pcm, n);
    else
        dsp_ulaw_decode(coded, pcm, n);
}

void seam_mend(struct seam *s, uint8_t *coded, uint32_t n, bool alaw, uint64_t now_us)
{
    int16_t pcm[SEAM_SAMPLES], last;
    uint32_t len = n < SEAM_SAMPLES ? n : SEAM_SAMPLES;

    s->due = false;
    if (!s->known || now_us - s->at_us > SEAM_GAP_US || len == 0)
        return;
    decode(&s->last, &last, 1, s->alaw);
    decode(coded, pcm, len, alaw);
    int32_t step = last - pcm[0];

    if (abs(step) < SEAM_STEP)
        return;
    for (uint32_t i = 0; i < len; i++) {
        int32_t v = pcm[i] + step * (int32_t)(len - i) / (int32_t)(len + 1);

        pcm[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
    }
    if (alaw)
        dsp_alaw_encode(pcm, coded, len);
    else
        dsp_ulaw_encode(pcm, coded, len);
}
