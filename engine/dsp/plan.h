/* Tone plan of a country: which tones its network plays and how they are cut.
 *
 * Published tables disagree (and networks follow none of them exactly), so every length is a range
 * that spans them, widened by 15 %. Immutable, shared by all legs and threads. */
#ifndef PEAL_DSP_PLAN_H
#define PEAL_DSP_PLAN_H

#include "dsp/dsp.h"

#define PLAN_TONES_MAX 6
#define PLAN_STEPS_MAX 4 /* on, off, on, off */

struct plan_range {
    uint16_t min_ms, max_ms;
};

struct plan_tone {
    uint8_t kind;        /* enum dsp_kind; DSP_NONE ends the list */
    uint8_t steps;       /* 0: continuous; else 2 or 4, ending with a pause */
    uint16_t freq_hz[2]; /* the second is 0 for a single tone */
    struct plan_range step[PLAN_STEPS_MAX];
};

struct dsp_plan {
    char name[8];
    struct plan_tone tone[PLAN_TONES_MAX];
};

/* Bit i is set when tone[i] of the plan has these frequencies (f2_hz 0 for a single one). */
uint32_t plan_match(const struct dsp_plan *plan, float f1_hz, float f2_hz);

#endif
