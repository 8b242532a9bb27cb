/* Clipping: sound that was too loud for something on its way, so that its tops are cut.
 *
 * At full scale a cut top is three samples in a row of G.711's highest values. Below it (something
 * cut and then turned down) a block is clipped when nearly a third of its samples are within 5 % of
 * the highest and it is no tone, of which a fifth is. Three such blocks in 640 ms are told, once
 * until two thirds of a second are free of them. Loud blocks only are looked at. */
#include <stdlib.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define FULL_SCALE 31000 /* the two highest values of either law */
#define RUN_MIN    3
#define RUNS_MIN   2
#define TOP_SHARE  0.30f
#define SIDE_SHARE 0.06f /* on either side of zero: a rumble stands on one */
#define BLOCKS_MIN 3
#define FULL       1 /* detail */
#define BELOW      2

/* The highest sample, either side of zero. */
static int top_of(const int16_t *x)
{
    int16_t high = 0, low = 0;
    for (unsigned n = 0; n < DSP_BLOCK_SAMPLES; n++) {
        high = x[n] > high ? x[n] : high;
        low = x[n] < low ? x[n] : low;
    }
    return high > -low ? high : -low;
}

static bool full_scale(const int16_t *x)
{
    unsigned run = 0, runs = 0;
    for (unsigned n = 0; n < DSP_BLOCK_SAMPLES; n++) {
        bool same = n && (x[n] < 0) == (x[n - 1] < 0);
        run = abs(x[n]) < FULL_SCALE ? 0 : same ? run + 1 : 1;
        runs += run == RUN_MIN;
    }
    return runs >= RUNS_MIN;
}

static bool flat(const int16_t *x, int top)
{
    unsigned near_top[2] = {0, 0};
    for (unsigned n = 0; n < DSP_BLOCK_SAMPLES; n++)
        near_top[x[n] < 0] += 20 * abs(x[n]) >= 19 * top;
    unsigned less = near_top[0] < near_top[1] ? near_top[0] : near_top[1];
    return (float)(near_top[0] + near_top[1]) >= TOP_SHARE * DSP_BLOCK_SAMPLES &&
           (float)less >= SIDE_SHARE * DSP_BLOCK_SAMPLES;
}

/* 0, FULL or BELOW. So many samples near the top make the block strong for its top: most are not.
 */
static unsigned clipped(const struct leg *l)
{
    const int16_t *x = history_block(l, 0);
    int top = top_of(x);
    if (top >= FULL_SCALE && full_scale(x))
        return FULL;
    float least = TOP_SHARE * 0.9f * (float)top * (float)top;
    return l->power >= least && tones_state(l) == TONE_NONE && flat(x, top) ? BELOW : 0;
}

void clip_run(struct leg *l, bool packet, struct sink *s)
{
    struct clip_track *c = &l->clip;
    unsigned how = packet && l->power >= CLIP_POWER ? clipped(l) : 0;
    c->bits = c->bits << 1 | (how != 0);
    if (!c->bits)
        c->said = false;
    if (!how || c->said || __builtin_popcount(c->bits) < BLOCKS_MIN)
        return;
    unsigned oldest = 31u - (unsigned)__builtin_clz(c->bits);
    uint32_t length = (oldest + 1) * DSP_BLOCK_MS;
    c->said = true;
    struct dsp_event *e =
        sink_add(s, DSP_CLIPPING, how, l->now_ms > length ? l->now_ms - length : 0, l->now_ms);
    if (!e)
        return;
    e->confidence = how == FULL ? 0.95f : 0.8f;
    e->level_ddb = l->level_ddb;
}
