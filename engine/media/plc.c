/* See plc.h. The period is kept with its last quarter mixed towards the samples before it, so that
 * going round from its end to its start is as smooth as the speech itself was. */
#include "media/plc.h"

#include <string.h>

#define WINDOW    160 /* samples correlated: 20 ms */
#define FADE_STEP 80  /* 10 ms */
#define FADE_IN   32  /* samples of cross-fade after the first lost block */
#define FADE_MORE 24  /* … and more for each further one */

int16_t *plc_next(struct plc *p)
{
    p->at = (uint8_t)((p->at + 1) % 3);
    return p->block[p->at];
}

/* The two blocks before the present one in order. */
static void recent(const struct plc *p, int16_t *h)
{
    memcpy(h, p->block[(p->at + 1) % 3], PLC_BLOCK * sizeof(*h));
    memcpy(h + PLC_BLOCK, p->block[(p->at + 2) % 3], PLC_BLOCK * sizeof(*h));
}

/* The lag with the greatest normalised correlation. */
static uint16_t find_pitch(const int16_t *h)
{
    const int16_t *end = h + 2 * PLC_BLOCK - WINDOW;
    uint16_t best = PLC_PITCH_MAX;
    float best_score = 0.0f;

    for (uint16_t lag = PLC_PITCH_MIN; lag <= PLC_PITCH_MAX; lag++) {
        float dot = 0.0f, energy = 1.0f;

        for (int i = 0; i < WINDOW; i++) {
            float past = end[i - lag];

            dot += past * end[i];
            energy += past * past;
        }
        float score = dot > 0.0f ? dot * dot / energy : 0.0f;

        if (score > best_score) {
            best_score = score;
            best = lag;
        }
    }
    return best;
}

static void begin_loss(struct plc *p)
{
    int16_t h[2 * PLC_BLOCK];

    recent(p, h);
    p->pitch = find_pitch(h);
    p->phase = 0;

    const int16_t *last = h + 2 * PLC_BLOCK - p->pitch;
    int quarter = p->pitch / 4, start = p->pitch - quarter;

    memcpy(p->period, last, p->pitch * sizeof(*last));
    for (int i = 0; i < quarter; i++) {
        int w = i + 1, rest = quarter + 1 - w;

        p->period[start + i] =
            (int16_t)((last[start + i] * rest + last[start + i - p->pitch] * w) / (quarter + 1));
    }
}

static int16_t synth(struct plc *p, uint32_t n)
{
    int32_t gain = n < FADE_STEP ? 1024 : 1024 - (int32_t)(n - FADE_STEP) * 1024 / (5 * FADE_STEP);
    int16_t s = p->period[p->phase];

    p->phase = (uint16_t)(p->phase + 1 == p->pitch ? 0 : p->phase + 1);
    if (gain <= 0)
        return 0;
    return (int16_t)(s * gain / 1024);
}

void plc_lost(struct plc *p)
{
    int16_t *out = p->block[p->at];

    if (p->lost >= PLC_LOST_MAX) {
        memset(out, 0, sizeof(p->block[0]));
        p->lost = PLC_LOST_MAX + 1;
        return;
    }
    if (p->lost == 0)
        begin_loss(p);
    for (uint32_t i = 0; i < PLC_BLOCK; i++)
        out[i] = synth(p, p->lost * (uint32_t)PLC_BLOCK + i);
    p->lost++;
}

/* Mixes the invented signal's continuation out of the samples from `from` on. */
static void fade_back(struct plc *p, uint32_t from, uint32_t to, uint32_t invented)
{
    uint32_t n = FADE_IN + (invented / PLC_BLOCK) * FADE_MORE;
    int16_t *out = p->block[p->at];

    if (n > to - from)
        n = to - from;
    for (uint32_t i = 0; i < n; i++) {
        int32_t w = (int32_t)(i + 1), rest = (int32_t)(n + 1) - w;

        out[from + i] =
            (int16_t)((out[from + i] * w + synth(p, invented + i) * rest) / (int32_t)(n + 1));
    }
}

/* Out of silence into the middle of a sound. */
static void fade_in(struct plc *p, uint32_t from, uint32_t to)
{
    int16_t *out = p->block[p->at];

    for (uint32_t i = 0; i < FADE_IN && from + i < to; i++)
        out[from + i] = (int16_t)(out[from + i] * (int32_t)(i + 1) / (FADE_IN + 1));
}

void plc_begin(struct plc *p)
{
    memset(p, 0, sizeof(*p));
    p->lost = PLC_LOST_MAX + 1;
}

void plc_good(struct plc *p)
{
    if (p->lost > PLC_LOST_MAX)
        fade_in(p, 0, PLC_BLOCK);
    else if (p->lost)
        fade_back(p, 0, PLC_BLOCK, p->lost * (uint32_t)PLC_BLOCK);
    p->lost = 0;
}

void plc_partial(struct plc *p, uint32_t from, uint32_t to)
{
    int16_t *out = p->block[p->at];
    uint32_t before = p->lost > PLC_LOST_MAX ? 0 : p->lost * (uint32_t)PLC_BLOCK;

    if (p->lost > PLC_LOST_MAX) {
        memset(out, 0, from * sizeof(*out));
        fade_in(p, from, to);
    } else if (from > 0 || p->lost) {
        if (p->lost == 0)
            begin_loss(p);
        for (uint32_t i = 0; i < from; i++)
            out[i] = synth(p, before + i);
        fade_back(p, from, to, before + from);
    }
    p->lost = 0;
    if (to == PLC_BLOCK)
        return;
    /* The tail: the period is sought in what was known before this block, which is near enough for
     * a part of a block. */
    begin_loss(p);
    for (uint32_t i = to; i < PLC_BLOCK; i++)
        out[i] = synth(p, i - to);
    p->lost = 1;
}
