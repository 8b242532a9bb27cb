/* From looks to tone segments, and what is made of them. Private to the room. */
#ifndef PEAL_DSP_TONES_H
#define PEAL_DSP_TONES_H

#include "dsp/state.h"

/* The running segment as far as it is known, its kind of tone settled by the fine view. */
struct segment tones_running(const struct leg *l);

/* One block's looks; lost: the samples are concealment, hold. */
void tones_run(struct leg *l, bool lost, struct sink *s);
void tones_reset(struct leg *l);
/* Whether what sounds is a tone and not voice. */
enum tone_state tones_state(const struct leg *l);

/* A finished segment, to each that makes something of segments. */
void cadence_segment(struct leg *l, const struct segment *g);
bool sit_segment(struct leg *l, const struct segment *g, struct sink *s);
bool fax_segment(struct leg *l, const struct segment *g, struct sink *s);
void beep_segment(struct leg *l, const struct segment *g);

/* Once per block, after the looks. */
void cadence_run(struct leg *l, struct sink *s);
void fax_run(struct leg *l, struct sink *s);
/* k: the last look, NULL where there was none. */
void preamble_run(struct leg *l, const struct look *k, struct sink *s);
void beep_run(struct leg *l, struct sink *s);

/* The marks of an answer tone, from its beginning on. */
void answer_begin(struct answer_track *a);
void answer_run(const struct leg *l, struct answer_track *a);
enum dsp_answer answer_kind(const struct answer_track *a);

static inline bool in_range(uint32_t value, uint32_t min, uint32_t max)
{
    return value >= min && value <= max;
}

#endif
