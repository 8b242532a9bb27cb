/* A leg looked at from inside: the state that dsp_process() works on, for tests that set what one
 * detector is given and read what it makes of it. */
#ifndef PEAL_TESTS_DSP_MADE_H
#define PEAL_TESTS_DSP_MADE_H

#include "dsp/num.h"
#include "dsp/tape.h"
#include "dsp/tones.h"

/* A new leg in that phase, at its first block; plan "us". It is static: one at a time. */
static inline struct leg *made_leg(enum dsp_phase phase)
{
    static struct dsp_state state;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    dsp_state_phase(&state, phase);
    struct leg *l = (struct leg *)(void *)state.opaque;
    l->voice.floor_ddb = -990;
    return l;
}

/* Takes 20 ms of the tape in, as a packet that came, and lets the leg's time pass. */
static inline void made_block(struct leg *l, const struct tape *t, size_t at)
{
    int16_t x[DSP_BLOCK_SAMPLES];
    for (size_t i = 0; i < DSP_BLOCK_SAMPLES; i++)
        x[i] = (int16_t)lrintf(t->s[at + i]);
    l->now_ms += DSP_BLOCK_MS;
    l->missing_bits = (uint8_t)(l->missing_bits << 1);
    history_add(l, x);
    l->level_ddb = num_level_ddb(l->power);
}

/* The same without a packet. */
static inline void made_gap(struct leg *l)
{
    static const int16_t nothing[DSP_BLOCK_SAMPLES];
    l->now_ms += DSP_BLOCK_MS;
    l->missing_bits = (uint8_t)(l->missing_bits << 1 | 1);
    history_add(l, nothing);
}

/* Has all detectors hear the tape's 20 ms at the leg's own time, silence beyond its end. Returns
 * the events in out. */
static inline size_t made_hear(struct leg *l, const struct tape *t, uint8_t flags,
                               struct dsp_event out[DSP_EVENTS_PER_LEG_MAX])
{
    size_t at = (size_t)l->now_ms * TAPE_PER_MS;
    int16_t x[DSP_BLOCK_SAMPLES];
    for (size_t i = 0; i < DSP_BLOCK_SAMPLES; i++)
        x[i] = at + i < t->n ? (int16_t)lrintf(t->s[at + i]) : 0;
    struct dsp_block b = {.state = (struct dsp_state *)(void *)l, .samples = x, .flags = flags};
    return dsp_process(&b, 1, out);
}

/* Speech about as loud as anything that was last heard so long before at_ms. */
static inline void made_speech(struct leg *l, uint32_t at_ms, uint32_t ago_ms)
{
    l->voice.heard_ms = at_ms - ago_ms;
    l->voice.confirmed_ms = 1000;
    l->voice.loud_ddb = 0;
}

/* Events go here; the newest are kept. */
struct made_events {
    struct dsp_event e[DSP_EVENTS_PER_LEG_MAX];
    struct sink sink;
};

static inline struct sink *made_sink(struct made_events *m)
{
    m->sink = (struct sink){.out = m->e};
    return &m->sink;
}

#endif
