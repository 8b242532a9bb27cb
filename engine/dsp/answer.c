/* What marks an answer tone of 2100 Hz: V.25 and V.8 turn its phase over every 450 ms (to put echo
 * cancellers off), V.8 modulates its level at 15 Hz by a fifth.
 *
 * Each 10 ms is correlated with 2100 Hz, which turns 21 times in them, so correlations of all times
 * are in phase. From one to the next a tone that is off its frequency turns evenly; where it turns
 * half a circle more, it was turned over. Two halves are compared that have one between them, which
 * the reversal itself spoils; over missing packets, further ones. Needs 60 ms to know the even
 * turn. For the modulation the 5 ms energies are correlated with 15 Hz.
 *
 * Clipping flattens the modulation: 6 dB over, a fifth of it is left. But the way from top to top
 * is the shorter the stronger the tone was, by the same fifth however deep the tops are cut; so in
 * a clipped tone the area between the samples and the tops is correlated instead. */
#include <math.h>
#include <stdlib.h>

#include "dsp/num.h"
#include "dsp/tones.h"

#define HALF_MS        (DSP_BLOCK_MS / 2)
#define HALF           (DSP_BLOCK_SAMPLES / 2)
#define AM_HZ          15
#define AM_SLOTS       40   /* 200 ms, in which 15 Hz turn three times */
#define CLEAN_SHARE    0.6f /* of a half's energy in the tone: no reversal in its middle */
#define TURNS_MIN      6
#define APART_MAX      10 /* halves that are still compared, over missing packets */
#define REVERSED_MAX   (-0.6f)
#define SPACING_MIN_MS 410 /* 425 … 475, and our error */
#define SPACING_MAX_MS 490
#define AM_MIN         0.11f /* of the amplitude; V.8 has 0.2 */
#define AM_SLOTS_MIN   100
#define DIP_MIN        0.065f /* the same of a clipped tone's area; V.8 gives 0.1 */
#define CUT_SHARE      0.25f  /* of samples within 5 % of the top; a sine has 0.2 */

static float tone_cos[HALF], tone_sin[HALF], am_cos[AM_SLOTS], am_sin[AM_SLOTS];

__attribute__((constructor)) static void tables_fill(void)
{
    for (int i = 0; i < HALF; i++) {
        tone_cos[i] = (float)num_cos(2 * NUM_PI * 2100 * i / DSP_RATE_HZ);
        tone_sin[i] = (float)num_sin(2 * NUM_PI * 2100 * i / DSP_RATE_HZ);
    }
    for (int i = 0; i < AM_SLOTS; i++) {
        am_cos[i] = (float)num_cos(2 * NUM_PI * AM_HZ * i * SLOT_MS / 1000);
        am_sin[i] = (float)num_sin(2 * NUM_PI * AM_HZ * i * SLOT_MS / 1000);
    }
}

static struct turn turned(struct turn a, struct turn b) /* how far a is ahead of b, times both */
{
    return (struct turn){a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}

static float size(struct turn a)
{
    return sqrtf(a.re * a.re + a.im * a.im);
}

static void reversal(struct answer_track *a, const struct segment *g, uint32_t at_ms)
{
    uint32_t since = at_ms - (a->reversed_ms ? a->reversed_ms : g->start_ms);
    uint32_t times = (since + SPACING_MAX_MS / 2) / 450; /* some may have been in lost packets */
    bool right = times >= 1 && times <= 3 && since >= times * 450 - (450 - SPACING_MIN_MS) &&
                 since <= times * 450 + (SPACING_MAX_MS - 450);
    a->right = (uint8_t)(right && a->right < UINT8_MAX ? a->right + 1 : right);
    a->reversed_ms = at_ms;
}

/* The newest half that was taken at least two before this one; NULL when it is too long ago. */
static const struct answer_half *before(const struct answer_track *a, uint32_t number)
{
    const struct answer_half *h = a->half[0].number + 1 < number ? &a->half[0] : &a->half[1];
    return h->number && number - h->number <= APART_MAX ? h : NULL;
}

static void half_take(struct answer_track *a, const struct segment *g, struct answer_half now)
{
    const struct answer_half *ref = a->turns >= TURNS_MIN ? before(a, now.number) : NULL;
    bool over = false;
    if (ref) {
        struct turn t = turned(now.turn, ref->turn);
        float length = size(a->even);
        struct turn step = {a->even.re / length, a->even.im / length}, all = {1, 0};
        for (uint32_t i = ref->number; i < now.number; i++)
            all = (struct turn){all.re * step.re - all.im * step.im,
                                all.re * step.im + all.im * step.re};
        struct turn off = turned(t, all);
        over = off.re < REVERSED_MAX * size(t);
        if (over)
            reversal(a, g, (now.number + ref->number - 1) * HALF_MS / 2);
    }
    if (!over && a->half[0].number && a->half[0].number + 1 == now.number) {
        struct turn t = turned(now.turn, a->half[0].turn);
        /* Not across a reversal that is not told yet. */
        if (a->turns < TURNS_MIN || t.re * a->even.re + t.im * a->even.im > 0) {
            a->even.re += t.re;
            a->even.im += t.im;
            a->turns = (uint8_t)(a->turns < UINT8_MAX ? a->turns + 1 : a->turns);
        }
    }
    a->half[1] = over ? (struct answer_half){0} : a->half[0];
    a->half[0] = now;
}

static void am_take(struct answer_track *a, float power, const int16_t *x)
{
    unsigned at = a->slots % AM_SLOTS;
    int32_t sum = 0;
    for (unsigned i = 0; i < SLOT_SAMPLES; i++) {
        int v = abs(x[i]);
        a->top = v > a->top ? v : a->top;
        a->near_top += 20 * v >= 19 * a->top;
        sum += v;
    }
    float dip = (float)(a->top * SLOT_SAMPLES - sum);
    a->am.re += power * am_cos[at];
    a->am.im += power * am_sin[at];
    a->am_sum += power;
    a->dip.re += dip * am_cos[at];
    a->dip.im += dip * am_sin[at];
    a->dip_sum += dip;
    a->am_slots++;
}

void answer_begin(struct answer_track *a)
{
    *a = (struct answer_track){0};
}

void answer_run(const struct leg *l, struct answer_track *a)
{
    const struct segment *g = &l->track.seg;
    bool missing = l->missing_bits & 1u;
    const int16_t *x = history_block(l, 0);
    for (unsigned h = 0; h < 2; h++) {
        struct answer_half now = {.number = l->now_ms / HALF_MS - 1 + h};
        float energy = (slot_back(l, 3 - 2 * h) + slot_back(l, 2 - 2 * h)) * SLOT_SAMPLES;
        for (unsigned s = 0; s < 2; s++, a->slots++)
            if (!missing)
                am_take(a, slot_back(l, 3 - 2 * h - s), x + (2 * h + s) * SLOT_SAMPLES);
        if (missing)
            continue;
        for (unsigned i = 0; i < HALF; i++) {
            now.turn.re += (float)x[h * HALF + i] * tone_cos[i];
            now.turn.im -= (float)x[h * HALF + i] * tone_sin[i];
        }
        float square = now.turn.re * now.turn.re + now.turn.im * now.turn.im;
        if (2 * square >= CLEAN_SHARE * HALF * energy && energy > 0)
            half_take(a, g, now);
    }
}

static bool is_modulated(const struct answer_track *a)
{
    bool cut = (float)a->near_top >= CUT_SHARE * SLOT_SAMPLES * (float)a->am_slots;
    return size(a->am) >= AM_MIN * a->am_sum || (cut && size(a->dip) >= DIP_MIN * a->dip_sum);
}

enum dsp_answer answer_kind(const struct answer_track *a)
{
    bool reversed = a->right > 0;
    bool modulated = a->am_slots >= AM_SLOTS_MIN && is_modulated(a);
    if (reversed)
        return modulated ? ANSWER_ANSAM_PR : ANSWER_ANS_PR;
    return modulated ? ANSWER_ANSAM : ANSWER_ANS;
}
