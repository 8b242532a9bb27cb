/* Sound for the tests: a tape to record tones, noise and speech on, and a line to play it down,
 * through G.711, into a detector. Levels are dBm0 of each tone. Random numbers are seeded. */
#ifndef PEAL_TESTS_DSP_TAPE_H
#define PEAL_TESTS_DSP_TAPE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp.h"

#define TAPE_PER_MS 8

struct tape {
    float *s;
    size_t n, room;
    uint32_t seed;
};

static inline void tape_open(struct tape *t, uint32_t seed)
{
    *t = (struct tape){.seed = seed * 2654435761u + 1};
}

static inline void tape_close(struct tape *t)
{
    free(t->s);
}

static inline uint32_t tape_ms(const struct tape *t)
{
    return (uint32_t)(t->n / TAPE_PER_MS);
}

static inline float *tape_more(struct tape *t, double ms)
{
    size_t n = (size_t)(ms * TAPE_PER_MS + 0.5);
    if (!t->s || t->n + n > t->room) {
        t->room = 2 * (t->n + n) + 8000;
        t->s = realloc(t->s, t->room * sizeof *t->s);
        if (!t->s)
            abort();
    }
    float *at = t->s + t->n;
    if (n)
        memset(at, 0, n * sizeof *at);
    t->n += n;
    return at;
}

static inline void tape_silence(struct tape *t, double ms)
{
    tape_more(t, ms);
}

/* Peak of a sine of that level. */
static inline double tape_peak(double dbm0)
{
    return sqrt(2.0) * pow(10, (dbm0 + 84.02) / 20);
}

/* A tone, or two with f2 > 0, at their own levels and phases. */
static inline void tape_pair(struct tape *t, double f1, double level1, double f2, double level2,
                             double ms)
{
    size_t n = (size_t)(ms * TAPE_PER_MS + 0.5);
    float *at = tape_more(t, ms);
    t->seed = t->seed * 1664525u + 1013904223u;
    double p1 = (t->seed >> 8 & 0xfff) / 4096.0 * 6.2831853;
    double p2 = (t->seed >> 20) / 4096.0 * 6.2831853;
    for (size_t i = 0; i < n; i++) {
        at[i] = (float)(tape_peak(level1) * sin(6.283185307179586 * f1 * (double)i / 8000 + p1));
        if (f2 > 0)
            at[i] +=
                (float)(tape_peak(level2) * sin(6.283185307179586 * f2 * (double)i / 8000 + p2));
    }
}

static inline void tape_tone(struct tape *t, double f, double level, double ms)
{
    tape_pair(t, f, level, 0, 0, ms);
}

/* Uniform in −1…1. */
static inline double tape_random(struct tape *t)
{
    t->seed = t->seed * 1664525u + 1013904223u;
    return (double)(t->seed >> 8) / 8388608.0 - 1;
}

/* White noise over what is there from from_ms on. */
static inline void tape_noise(struct tape *t, double level, uint32_t from_ms)
{
    double amplitude = tape_peak(level) / sqrt(2.0) * sqrt(3.0);
    for (size_t i = (size_t)from_ms * TAPE_PER_MS; i < t->n; i++)
        t->s[i] += (float)(amplitude * tape_random(t));
}

/* Cuts all beyond the peak of a sine of that level. */
static inline void tape_clip(struct tape *t, double level)
{
    float top = (float)tape_peak(level);
    for (size_t i = 0; i < t->n; i++)
        t->s[i] = t->s[i] > top ? top : t->s[i] < -top ? -top : t->s[i];
}

/* A voice of an even level: sixteen harmonics of a pitch that glides. */
static inline void tape_voice(struct tape *t, double level, double ms)
{
    size_t begin = t->n;
    float *at = tape_more(t, ms);
    double phase = 0, gain = tape_peak(level) / sqrt(16.0);
    for (size_t i = 0; i < t->n - begin; i++) {
        phase += (118 + 14 * sin((double)i / 700)) / 8000;
        for (int k = 1; k <= 16; k++)
            at[i] += (float)(gain * sin(6.283185307179586 * k * phase + 0.7 * k * k));
    }
}

/* Speech-like sound: voiced pulses through three moving resonances, four syllables a second, a
 * hiss at the head of each, closures between. */
static inline void tape_speech(struct tape *t, double level, double ms)
{
    size_t n = (size_t)(ms * TAPE_PER_MS + 0.5);
    float *at = tape_more(t, ms);
    double y[3][2] = {{0}};
    double f[3] = {500, 1500, 2500}, want[3] = {500, 1500, 2500};
    double phase = 0, pitch = 120, sum = 0;
    size_t syllable = 0, length = 1;
    for (size_t i = 0; i < n; i++) {
        if (i >= syllable + length) {
            syllable = i;
            length = (size_t)(8 * (170 + 90 * tape_random(t)));
            want[0] = 480 + 230 * tape_random(t);
            want[1] = 1500 + 600 * tape_random(t);
            want[2] = 2550 + 250 * tape_random(t);
        }
        double part = (double)(i - syllable) / (double)length;
        pitch += (125 + 30 * sin((double)i / 9000) - pitch) * 0.001 + 0.08 * tape_random(t);
        phase += pitch / 8000;
        double source = part < 0.18 ? 0.25 * tape_random(t) : 0.02 * tape_random(t);
        if (phase >= 1) {
            phase -= 1;
            source += part > 0.1 ? 6 : 0;
        }
        double envelope = part < 0.85 ? sin(3.14159 * (part + 0.05) / 0.95) : 0.03;
        double out = 0;
        for (int k = 0; k < 3; k++) {
            f[k] += (want[k] - f[k]) * 0.003;
            double r = exp(-3.14159 * (60 + 30 * k) / 8000);
            double v = source + 2 * r * cos(6.2831853 * f[k] / 8000) * y[k][0] - r * r * y[k][1];
            y[k][1] = y[k][0];
            y[k][0] = v;
            out += v / (1 + k);
        }
        at[i] = (float)(out * envelope);
        sum += (double)at[i] * at[i];
    }
    double gain = sum > 0 ? pow(10, (level + 84.02) / 20) / sqrt(sum / (double)n) : 0;
    for (size_t i = 0; i < n; i++)
        at[i] *= (float)gain;
}

/* How a tape is played. */
struct line {
    const char *plan;     /* "us" when NULL */
    enum dsp_phase phase; /* DSP_ANSWERED when 0 */
    bool alaw;
    bool want_beep;
    uint8_t flags;       /* of all blocks */
    unsigned lose_every; /* each so manieth block is lost, concealed by repetition; 0: none */
    unsigned lose_run;   /* blocks lost in a row, 1 when 0 */
    unsigned lose_at;    /* such a run once, from that block on; 0: none */
    bool loss_mute;      /* the lost blocks are zero, but flagged */
    bool loss_unsaid;    /* the lost blocks are zero and not flagged */
    uint32_t answer_ms;  /* from DSP_EARLY to DSP_ANSWERED then; 0: never */
    const struct dsp_amd_config *amd;
};

#define HEARD_MAX 4096
struct heard {
    struct dsp_event e[HEARD_MAX];
    uint32_t at_ms[HEARD_MAX]; /* when it was said */
    unsigned n;
};

static inline void line_block(const struct tape *t, size_t at, bool alaw, int16_t out[])
{
    uint8_t code[DSP_BLOCK_SAMPLES];
    for (size_t i = 0; i < DSP_BLOCK_SAMPLES; i++) {
        float v = at + i < t->n ? t->s[at + i] : 0;
        out[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : lrintf(v));
    }
    if (alaw) {
        dsp_alaw_encode(out, code, DSP_BLOCK_SAMPLES);
        dsp_alaw_decode(code, out, DSP_BLOCK_SAMPLES);
    } else {
        dsp_ulaw_encode(out, code, DSP_BLOCK_SAMPLES);
        dsp_ulaw_decode(code, out, DSP_BLOCK_SAMPLES);
    }
}

/* Plays the tape and collects what is said. The result is static: one at a time. */
static inline const struct heard *line_play(const struct tape *t, struct line line)
{
    static struct heard h;
    static struct dsp_state state;
    struct dsp_amd_config amd;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find(line.plan ? line.plan : "us"), line.amd ? line.amd : &amd);
    dsp_state_phase(&state, line.answer_ms ? DSP_EARLY : line.phase ? line.phase : DSP_ANSWERED);
    dsp_state_want_beep(&state, line.want_beep);
    h.n = 0;
    int16_t block[DSP_BLOCK_SAMPLES] = {0};
    unsigned number = 0;
    for (size_t at = 0; at < t->n; at += DSP_BLOCK_SAMPLES, number++) {
        uint8_t flags = line.flags;
        unsigned run = line.lose_run ? line.lose_run : 1;
        bool lost = line.lose_every && number % line.lose_every >= line.lose_every - run;
        lost = lost || (line.lose_at && number >= line.lose_at && number < line.lose_at + run);
        if (!lost)
            line_block(t, at, line.alaw, block);
        else if (line.loss_unsaid || line.loss_mute)
            memset(block, 0, sizeof block);
        if (lost && !line.loss_unsaid)
            flags |= DSP_FLAG_LOST;
        if (line.answer_ms && number * DSP_BLOCK_MS == line.answer_ms)
            dsp_state_phase(&state, DSP_ANSWERED);
        struct dsp_block b = {.state = &state, .samples = block, .leg = 7, .flags = flags};
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        size_t n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n && h.n < HEARD_MAX; i++) {
            h.e[h.n] = out[i];
            h.at_ms[h.n++] = (number + 1) * DSP_BLOCK_MS;
        }
    }
    return &h;
}

static inline unsigned heard_count(const struct heard *h, enum dsp_kind kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->n; i++)
        n += h->e[i].kind == kind;
    return n;
}

/* The first of that kind; NULL when there is none. */
static inline const struct dsp_event *heard_first(const struct heard *h, enum dsp_kind kind)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->e[i].kind == kind)
            return &h->e[i];
    return NULL;
}

static inline uint32_t heard_at(const struct heard *h, const struct dsp_event *e)
{
    return h->at_ms[e - h->e];
}

/* Events that only a tone may cause. */
static inline unsigned heard_tones(const struct heard *h)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->n; i++)
        n += (h->e[i].kind >= DSP_DTMF && h->e[i].kind <= DSP_BEEP) ||
             (h->e[i].kind >= DSP_UNOBTAINABLE && h->e[i].kind <= DSP_PREAMBLE);
    return n;
}

#endif
