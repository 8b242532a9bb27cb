#include "media/conceal.h"

#include <string.h>

#define WINDOW_MS  20 /* correlated */
#define PITCH_MIN  5  /* ms */
#define PITCH_MAX  15
#define FULL_MS    10
#define SILENT_MS  60
#define FADE_IN_MS 5

void conceal_init(struct conceal *c, uint32_t khz)
{
    memset(c, 0, sizeof(*c));
    c->khz = khz;
}

static void remember(struct conceal *c, const int16_t *pcm, uint32_t samples)
{
    if (samples >= CONCEAL_HISTORY) {
        memcpy(c->history, pcm + samples - CONCEAL_HISTORY, sizeof(c->history));
        return;
    }
    memmove(c->history, c->history + samples, (CONCEAL_HISTORY - samples) * sizeof(*pcm));
    memcpy(c->history + CONCEAL_HISTORY - samples, pcm, samples * sizeof(*pcm));
}

/* How well the last samples repeat those `lag` before; by every `step`th. */
static float likeness(const struct conceal *c, uint32_t lag, uint32_t step)
{
    uint32_t window = WINDOW_MS * c->khz;
    const int16_t *end = c->history + CONCEAL_HISTORY - window, *past = end - lag;
    float dot = 0.0f, energy = 1.0f;

    for (uint32_t i = 0; i < window; i += step) {
        dot += (float)past[i] * (float)end[i];
        energy += (float)past[i] * (float)past[i];
    }
    return dot > 0.0f ? dot * dot / energy : 0.0f;
}

static uint32_t find_pitch(const struct conceal *c)
{
    uint32_t step = c->khz / 8, best = PITCH_MAX * c->khz, from, to;
    float best_score = 0.0f;

    for (uint32_t lag = PITCH_MIN * c->khz; lag <= PITCH_MAX * c->khz; lag += step) {
        float score = likeness(c, lag, step);

        if (score > best_score) {
            best_score = score;
            best = lag;
        }
    }
    from = best > PITCH_MIN * c->khz ? best - step + 1 : best;
    to = best < PITCH_MAX * c->khz ? best + step - 1 : best;
    best_score = 0.0f;
    for (uint32_t lag = from; lag <= to; lag++) {
        float score = likeness(c, lag, 1);

        if (score > best_score) {
            best_score = score;
            best = lag;
        }
    }
    return best;
}

/* The period's last quarter is mixed towards the samples before the period, so that going round
 * is as smooth as the speech was. */
static void begin(struct conceal *c)
{
    c->pitch = find_pitch(c);
    c->phase = 0;

    const int16_t *last = c->history + CONCEAL_HISTORY - c->pitch;
    int32_t quarter = (int32_t)c->pitch / 4, start = (int32_t)c->pitch - quarter;

    memcpy(c->period, last, c->pitch * sizeof(*last));
    for (int32_t i = 0; i < quarter; i++) {
        int32_t w = i + 1, rest = quarter + 1 - w;

        c->period[start + i] =
            (int16_t)((last[start + i] * rest + last[start + i - (int32_t)c->pitch] * w) /
                      (quarter + 1));
    }
}

static int16_t next(struct conceal *c)
{
    uint32_t full = FULL_MS * c->khz, silent = SILENT_MS * c->khz, n = c->invented;
    int32_t s = c->period[c->phase];

    c->phase = c->phase + 1 == c->pitch ? 0 : c->phase + 1;
    if (n < silent)
        c->invented = n + 1;
    if (n >= silent)
        return 0;
    if (n > full)
        s = s * (int32_t)(silent - n) / (int32_t)(silent - full);
    return (int16_t)s;
}

void conceal_lost(struct conceal *c, int16_t *pcm, uint32_t samples)
{
    if (c->invented == 0)
        begin(c);
    for (uint32_t i = 0; i < samples; i++)
        pcm[i] = next(c);
}

void conceal_good(struct conceal *c, int16_t *pcm, uint32_t samples)
{
    int32_t fade = (int32_t)(FADE_IN_MS * c->khz);

    if (fade > (int32_t)samples)
        fade = (int32_t)samples;
    for (int32_t i = 0; c->invented && i < fade; i++)
        pcm[i] = (int16_t)((pcm[i] * (i + 1) + next(c) * (fade - i)) / (fade + 1));
    c->invented = 0;
    remember(c, pcm, samples);
}
