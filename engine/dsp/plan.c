/* The tone plans, after ITU-T E.180 Supplement 2, ATIS and national specifications. Plans at
 * 425 Hz differ in cadence only. */
#include "dsp/plan.h"

#include <math.h>
#include <string.h>

/* 15 % beyond the shortest and longest published length. */
#define RANGE(shortest, longest)                                                                   \
    {                                                                                              \
        (shortest) * 85 / 100, (longest)*115 / 100                                                 \
    }
#define TONE(kind, f1, f2, on, off)                                                                \
    {                                                                                              \
        kind, 2, {f1, f2},                                                                         \
        {                                                                                          \
            on, off                                                                                \
        }                                                                                          \
    }
#define STEADY(kind, f1, f2)                                                                       \
    {                                                                                              \
        kind, 0, {f1, f2},                                                                         \
        {                                                                                          \
            {                                                                                      \
                0, 0                                                                               \
            }                                                                                      \
        }                                                                                          \
    }

static const struct dsp_plan plans[] = {
    {"us",
     {TONE(DSP_RINGBACK, 440, 480, RANGE(2000, 2000), RANGE(4000, 4000)),
      TONE(DSP_BUSY, 480, 620, RANGE(500, 500), RANGE(500, 500)),
      TONE(DSP_REORDER, 480, 620, RANGE(250, 250), RANGE(250, 250)),
      STEADY(DSP_DIAL_TONE, 350, 440)}},
    {"gb",
     {{DSP_RINGBACK,
       4,
       {400, 450},
       {RANGE(400, 400), RANGE(200, 200), RANGE(400, 400), RANGE(2000, 2000)}},
      TONE(DSP_BUSY, 400, 0, RANGE(375, 375), RANGE(375, 375)),
      {DSP_REORDER,
       4,
       {400, 0},
       {RANGE(400, 400), RANGE(350, 350), RANGE(225, 225), RANGE(525, 525)}},
      STEADY(DSP_DIAL_TONE, 350, 440)}},
    {"ru",
     {TONE(DSP_RINGBACK, 425, 0, RANGE(800, 1000), RANGE(3200, 4000)),
      TONE(DSP_BUSY, 425, 0, RANGE(350, 400), RANGE(350, 400)),
      TONE(DSP_REORDER, 425, 0, RANGE(175, 200), RANGE(175, 200)), STEADY(DSP_DIAL_TONE, 425, 0)}},
    {"cz",
     {TONE(DSP_RINGBACK, 425, 0, RANGE(1000, 1000), RANGE(4000, 4000)),
      TONE(DSP_BUSY, 425, 0, RANGE(330, 330), RANGE(330, 330)),
      TONE(DSP_REORDER, 425, 0, RANGE(165, 165), RANGE(165, 165)),
      {DSP_DIAL_TONE,
       4,
       {425, 0},
       {RANGE(330, 330), RANGE(330, 330), RANGE(660, 660), RANGE(660, 660)}},
      STEADY(DSP_DIAL_TONE, 425, 0)}},
    {"si",
     {TONE(DSP_RINGBACK, 425, 0, RANGE(1000, 1000), RANGE(4000, 4000)),
      TONE(DSP_BUSY, 425, 0, RANGE(500, 500), RANGE(500, 500)),
      TONE(DSP_REORDER, 425, 0, RANGE(200, 200), RANGE(200, 200)),
      {DSP_DIAL_TONE,
       4,
       {425, 0},
       {RANGE(200, 200), RANGE(300, 300), RANGE(700, 700), RANGE(800, 800)}},
      STEADY(DSP_DIAL_TONE, 425, 0)}},
    {"de",
     {TONE(DSP_RINGBACK, 425, 0, RANGE(1000, 1000), RANGE(4000, 4000)),
      TONE(DSP_BUSY, 425, 0, RANGE(480, 480), RANGE(480, 480)),
      TONE(DSP_REORDER, 425, 0, RANGE(240, 240), RANGE(240, 240)), STEADY(DSP_DIAL_TONE, 425, 0)}},
    {"at",
     {TONE(DSP_RINGBACK, 420, 0, RANGE(1000, 1000), RANGE(5000, 5000)),
      TONE(DSP_BUSY, 420, 0, RANGE(400, 400), RANGE(400, 400)),
      TONE(DSP_REORDER, 420, 0, RANGE(200, 200), RANGE(200, 200)), STEADY(DSP_DIAL_TONE, 420, 0)}},
    {"fr",
     {TONE(DSP_RINGBACK, 440, 0, RANGE(1500, 1500), RANGE(3500, 3500)),
      TONE(DSP_BUSY, 440, 0, RANGE(500, 500), RANGE(500, 500)),
      TONE(DSP_REORDER, 440, 0, RANGE(250, 250), RANGE(250, 250)), STEADY(DSP_DIAL_TONE, 440, 0)}},
    {"itu", /* E.180: a period of 300…1100 ms is busy, the faster half of it congestion */
     {TONE(DSP_RINGBACK, 425, 0, RANGE(800, 1500), RANGE(3000, 5000)),
      TONE(DSP_BUSY, 425, 0, RANGE(350, 500), RANGE(350, 500)),
      TONE(DSP_REORDER, 425, 0, RANGE(165, 250), RANGE(165, 250)), STEADY(DSP_DIAL_TONE, 425, 0)}},
};
#define PLAN_COUNT (sizeof plans / sizeof plans[0])

/* ±1.5 % is what networks keep; the rest is our own measuring error. */
#define SINGLE_TOLERANCE_HZ 14.0f
#define PAIR_TOLERANCE_HZ   13.0f

const struct dsp_plan *dsp_plan_find(const char *name)
{
    for (size_t i = 0; i < PLAN_COUNT; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    return NULL;
}

const char *dsp_plan_names(void)
{
    return "us, gb, ru, cz, si, de, at, fr, itu";
}

static bool close_to(float f_hz, uint16_t nominal_hz, float tolerance_hz)
{
    return fabsf(f_hz - (float)nominal_hz) <= tolerance_hz;
}

uint32_t plan_match(const struct dsp_plan *plan, float f1_hz, float f2_hz)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < PLAN_TONES_MAX && plan->tone[i].kind != DSP_NONE; i++) {
        const uint16_t *f = plan->tone[i].freq_hz;
        bool single = f[1] == 0;
        if (single != (f2_hz < 1.0f))
            continue;
        if (single ? close_to(f1_hz, f[0], SINGLE_TOLERANCE_HZ)
                   : close_to(f1_hz, f[0], PAIR_TOLERANCE_HZ) &&
                         close_to(f2_hz, f[1], PAIR_TOLERANCE_HZ))
            mask |= 1u << i;
    }
    return mask;
}
