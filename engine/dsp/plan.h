/* Tone plan of a country: which tones its network plays and how they are cut.
 *
 * Plans are data: plans/NAME.yaml, put into the program when it is built, or a file of the user's
 * (docs/TONE-PLANS.md). Published tables disagree (and networks follow none of them exactly), so
 * every length is a range that spans them, widened. A plan never changes once it is read, lives as
 * long as the program and is shared by all legs and threads. */
#ifndef PEAL_DSP_PLAN_H
#define PEAL_DSP_PLAN_H

#include "dsp/dsp.h"

#define PLAN_TONES_MAX   12
#define PLAN_STEPS_MAX   4 /* on, off, on, off */
#define PLAN_SHIPPED_MAX 32
#define PLAN_OWN_MAX     64    /* files of users that one run of the program reads */
#define PLAN_FILE_MAX    65536 /* bytes of one */

struct plan_range {
    uint16_t min_ms, max_ms;
};

struct plan_tone {
    uint8_t kind;                         /* enum dsp_kind; DSP_NONE ends the list */
    uint8_t steps;                        /* 0: continuous; else 2 or 4, ending with a pause */
    uint16_t freq_hz[2];                  /* the second is 0 for a single tone, else the higher */
    int16_t level_min_ddb, level_max_ddb; /* of the whole tone */
    struct plan_range step[PLAN_STEPS_MAX];
};

/* Special information tones: three in a row. Where the first two are low or high of their kind and
 * short or long in a way that the table has, they tell a category. */
struct plan_sit {
    uint16_t hz_min[3], hz_max[3]; /* accepted */
    struct plan_range length;
    uint16_t gap_ms;  /* at most, between two */
    uint16_t long_ms; /* from here on a tone is long */
    float low_hz[2], high_hz[2], within_hz[2];
    struct {
        uint8_t sit; /* enum dsp_sit; SIT_NONE ends the table */
        char length[2], pitch[2];
    } category[SIT_COUNT];
};

struct dsp_plan {
    char name[16];
    char title[64];
    struct plan_tone tone[PLAN_TONES_MAX + 1];
    struct plan_sit sit;
};

/* Bit i is set when tone[i] of the plan has these frequencies (f2_hz 0 for a single one). */
uint32_t plan_match(const struct dsp_plan *plan, float f1_hz, float f2_hz);
/* Of those tones, the ones that may be as loud as this. */
uint32_t plan_loud(const struct dsp_plan *plan, uint32_t mask, int16_t level_ddb);

/* A plan from its text. path stands in errors; what the text does not say of special information
 * tones is taken from defaults, which may be NULL for one that says it. ERR_INVALID, or ERR_NOMEM.
 */
enum err plan_parse(struct dsp_plan *out, const char *path, const char *text, size_t len,
                    const struct dsp_plan *defaults, char error[DSP_PLAN_ERROR_MAX]);

/* The plans of plans/, as text, by name; made by the build (plans/shipped.c.in). */
struct plan_text {
    const char *name, *text, *end;
};
extern const struct plan_text plan_shipped[];
extern const unsigned plan_shipped_count;

#endif
