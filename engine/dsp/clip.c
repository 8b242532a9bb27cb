/* Clipping: sound that was too loud for something on its way, so that its tops are cut.
 *
 * At full scale a cut top is three samples in a row of G.711's highest values. Below it (something
 * cut and then turned down) a block is clipped when nearly a third of its samples are within 5 % of
 * the highest and it is no tone, of which a fifth is. Three such blocks in 640 ms are told, once
 * until two thirds of a second are free of them. Loud blocks only are looked at. */
#include <stdlib.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define LOUD_POWER 3200000.0f /* -19 dBm0: quieter sound is not worth the look */
#define FULL_SCALE 31000      /* the two highest values of either law */
#define RUN_MIN    3
#define RUNS_MIN   2
#define TOP_SHARE  0.30f
#define SIDE_SHARE 0.06f /* on either side of zero: a rumble stands on one */
#define BLOCKS_MIN 3
#define FULL       1 /* detail */
#define BELOW      2

/* 0, FULL or BELOW. */
static unsigned clipped(const int16_t *x, bool tone)
{
    int top = 0;
    unsigned run = 0, runs = 0, near_top[2] = {0, 0};
    for (unsigned n = 0; n < DSP_BLOCK_SAMPLES; n++) {
        int v = abs(x[n]);
        top = v > top ? v : top;
    }
    for (unsigned n = 0; n < DSP_BLOCK_SAMPLES; n++) {
        int v = abs(x[n]);
        bool same = n && (x[n] < 0) == (x[n - 1] < 0);
        run = v < FULL_SCALE ? 0 : same ? run + 1 : 1;
        runs += run == RUN_MIN;
        near_top[x[n] < 0] += 20 * v >= 19 * top;
    }
    if (runs >= RUNS_MIN)
        return FULL;
    unsigned both = near_top[0] + near_top[1];
    unsigned less = near_top[0] < near_top[1] ? near_top[0] : near_top[1];
    return !tone && (float)both >= TOP_SHARE * DSP_BLOCK_SAMPLES &&
                   (float)less >= SIDE_SHARE * DSP_BLOCK_SAMPLES
               ? BELOW
               : 0;
}

void clip_run(struct leg *l, bool packet, struct sink *s)
{
    struct clip_track *c = &l->clip;
    unsigned how = packet && l->power >= LOUD_POWER
                       ? clipped(history_block(l, 0), tones_state(l) != TONE_NONE)
                       : 0;
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
