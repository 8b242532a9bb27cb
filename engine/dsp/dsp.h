/* Hearing: what a line says, from blocks of samples.
 *
 * A worker hands over a batch of legs, each with one 20 ms block (160 samples, 8 kHz, int16), and
 * gets back timed events. Pure functions over the legs' states: no allocation, no locks, no clock;
 * time is counted in blocks given, from dsp_state_init() on. Events are the same whatever the
 * batch's composition or order. One state must not be in one batch twice.
 *
 * Levels are dBm0 in tenths (a full-scale sine in G.711 is +3.14 dBm0 µ-law / A-law, G.711). */
#ifndef PEAL_DSP_DSP_H
#define PEAL_DSP_DSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DSP_RATE_HZ            8000
#define DSP_BLOCK_SAMPLES      160
#define DSP_BLOCK_MS           20
#define DSP_EVENTS_PER_LEG_MAX 6 /* most events one block can give for one leg */

enum dsp_kind {
    DSP_NONE,
    DSP_DTMF,         /* detail: the digit as a character '0'…'9' '*' '#' 'A'…'D' */
    DSP_RINGBACK,     /* network tones by the leg's plan, said once per confirmed cycle: */
    DSP_BUSY,         /*   ringing from its first (confidence 0.6), */
    DSP_REORDER,      /*   the others from their second; reorder: congestion, fast busy */
    DSP_DIAL_TONE,    /*   once while it lasts */
    DSP_SIT,          /* detail: enum dsp_sit */
    DSP_CNG,          /* 1100 Hz, T.30 calling tone */
    DSP_CED,          /* 2100 Hz, T.30/V.25 answer tone; after a second of it; detail: enum
                       * dsp_answer */
    DSP_BEEP,         /* a machine's beep, 40 to 80 ms after its end; start/end are its own; detail:
                       * 1, or 2… where it follows one of the same pitch within 0.4 s */
    DSP_SPEECH_START, /* a talk spurt began (start) */
    DSP_SPEECH_END,   /* a talk spurt ended (start, end) */
    DSP_SILENCE,      /* nothing over the line's noise, packets or not; at 1, 2, 3, 5, 8, 13… s */
    DSP_DEAD_AIR,     /* the same, where packets came and all were digital zero; also in the
                       * pauses of ringing, so it means little before answer */
    DSP_VERDICT,      /* detail: enum dsp_verdict; at most once per stay in phase ANSWERED. What it
                       * rests on: freq_hz[0]: ms of speech by then, freq_hz[1]: ms of silence since */
    DSP_KNOWN,        /* a recording of the library was recognised (dsp_state_prints), in EARLY and
                       * ANSWERED, once until another is. freq_hz[0]: its index in the library;
                       * freq_hz[1]: where it is at end_ms, in 10 ms; start: first heard */
    DSP_UNOBTAINABLE, /* network tone of that meaning (gb: a steady 400 Hz), once while it lasts */
    DSP_MODEM,        /* 2225 Hz, answer tone of Bell 103 and 212A; after a second of it */
    DSP_PREAMBLE,     /* flags of V.21, what a fax machine's answer begins with (T.30) */
    DSP_CLIPPING,     /* tops are cut; detail: 1 at full scale, 2 below it; once a stretch */
    DSP_NOISE,        /* steady noise in a silence of a second; detail: 1 heard, 2 described by the
                       * far end's packets (RFC 3389); said again when it has changed by 6 dB */
    DSP_ONE_WAY, /* we have sent 3 s of sound (level: ours), and no packets (detail 1) or digital
                  * zero (2) came */
    DSP_ECHO,    /* our own sound comes back; freq_hz[0]: after so many ms (to 20), freq_hz[1]:
                  * so many dB down */
    DSP_KIND_COUNT
};
const char *dsp_kind_name(enum dsp_kind k); /* "busy", "speech_end", … */

/* What an event's detail means in a word, for those kinds that have words: sit, ced, verdict,
 * clipping ("full_scale", "below"), noise ("heard", "described"), one_way ("no_packets", "zeros").
 */
const char *dsp_detail_name(enum dsp_kind k, unsigned detail);

/* SIT categories by tone frequency and length (ITU-T E.180 / Telcordia GR-1162). */
enum dsp_sit {
    SIT_NONE,
    SIT_IC,
    SIT_VC,
    SIT_RO_INTRA,
    SIT_RO_INTER,
    SIT_NC_INTRA,
    SIT_NC_INTER,
    SIT_RESERVED_1,
    SIT_RESERVED_2,
    SIT_ITU,
    SIT_COUNT
};
const char *dsp_sit_name(enum dsp_sit s); /* "ic", "vc", "ro_intra", … */

/* What an answer tone of 2100 Hz has besides its frequency. */
enum dsp_answer {
    ANSWER_ANS,      /* nothing: T.30's CED, V.25 */
    ANSWER_ANS_PR,   /* its phase turned over every 450 ms: V.25, of modems */
    ANSWER_ANSAM,    /* its level modulated at 15 Hz: V.8, of fax machines and modems of V.34 */
    ANSWER_ANSAM_PR, /* both */
    ANSWER_COUNT
};
const char *dsp_answer_name(enum dsp_answer a); /* "ans", "ans_pr", "ansam", "ansam_pr" */

enum dsp_verdict {
    VERDICT_NONE,
    VERDICT_HUMAN,
    VERDICT_MACHINE,
    VERDICT_SILENT,
    VERDICT_UNSURE,
    VERDICT_COUNT
};
const char *dsp_verdict_name(enum dsp_verdict v);

/* Which part of the call the leg is in: chooses the detectors that run. */
enum dsp_phase {
    DSP_OFF,      /* nothing runs; cheapest */
    DSP_EARLY,    /* before answer: network tones, SIT, announcements' speech, fax */
    DSP_ANSWERED, /* analysis after answer: all of EARLY and voice, beep, verdict */
    DSP_TALK      /* verdict is in: DTMF, level, fax only (and beep while waiting for it) */
};

enum dsp_flag {
    DSP_FLAG_LOST = 1,       /* packet missing, samples are concealment */
    DSP_FLAG_NO_RTP = 2,     /* nothing has come for this interval at all */
    DSP_FLAG_DTMF_EVENT = 4, /* an RFC 4733 event is under way: in-band DTMF is not reported */
    DSP_FLAG_COMFORT = 8     /* an RFC 3389 packet described the noise of this interval */
};

enum dsp_amd_mode {
    DSP_AMD_MODEL, /* trained trees and costs (engine/dsp/amd_model.md says how well) */
    DSP_AMD_RULES  /* the four limits below alone, as dialers have long done it */
};

/* How a human/machine verdict is made; dsp_amd_defaults() fills the house's values. */
struct dsp_amd_config {
    uint16_t initial_silence_ms; /* silence from the first real sound on, up to which we wait for a
                                  * greeting. Digital zero and nothing else: SILENT after 8 s */
    uint16_t greeting_ms;        /* rules: a greeting, its short pauses included, longer than this:
                                  * machine */
    uint16_t after_greeting_ms;  /* rules: silence after a short greeting that means human; after
                                  * more than 1.8 s of speech 1 s is wanted at least */
    uint16_t total_ms;           /* the wait's end: UNSURE, or HUMAN if the model thinks so */
    uint8_t mode;                /* enum dsp_amd_mode */
    uint16_t limit_ms;     /* model: of abandonment, from the greeting's end until an agent must
                            * be heard; the verdict comes before it. 0: none */
    uint16_t drop_cost_s;  /* model: what a human dropped as a machine costs, and … */
    uint16_t agent_cost_s; /* … a machine given to an agent, both in seconds of an agent */
};
void dsp_amd_defaults(struct dsp_amd_config *c);

struct dsp_plan; /* tone plan of a country; immutable, shared, never freed */
#define DSP_PLAN_ERROR_MAX 512
/* A plan of the program by name ("us", "gb", …), or one that dsp_plan_open has read by its path;
 * NULL when there is none. Any thread, no lock. */
const struct dsp_plan *dsp_plan_find(const char *name);
/* The same, but a path (dsp_plan_is_file) is read, again if it was before: a plan file of the
 * user's, docs/TONE-PLANS.md. error says file, line and what is accepted. */
enum err dsp_plan_open(const char *name, const struct dsp_plan **out,
                       char error[DSP_PLAN_ERROR_MAX]);
/* Whether it means a file: it has a '/', or ends in ".yaml". */
bool dsp_plan_is_file(const char *name);
const char *dsp_plan_title(const struct dsp_plan *plan);
/* The names of all plans of the program, comma-separated, for error messages. */
const char *dsp_plan_names(void);

/* Upper bound of a leg's state; the detection core aims at 512 hot bytes. */
#define DSP_STATE_BYTES 2752
struct dsp_state {
    _Alignas(64) unsigned char opaque[DSP_STATE_BYTES];
};

void dsp_state_init(struct dsp_state *s, const struct dsp_plan *plan,
                    const struct dsp_amd_config *amd);
/* From the next block on. Entering ANSWERED starts the verdict's clock (it runs from the first
 * packet). Entering EARLY or ANSWERED drops a running tone, spurt or silence without an event: what
 * began before does not count after it. The same phase again changes nothing. */
void dsp_state_phase(struct dsp_state *s, enum dsp_phase phase);
/* Keep listening for a beep in TALK (message to be left). */
void dsp_state_want_beep(struct dsp_state *s, bool wanted);

/* A key that was told (DSP_DTMF) sounds still, as of the last block. */
bool dsp_state_key_on(const struct dsp_state *s);

/* Listen for the recordings of a library (dsp/prints.h); the caller's, for as long as the state is
 * used and for this state alone. NULL: no longer. */
struct prints_leg;
void dsp_state_prints(struct dsp_state *s, struct prints_leg *prints);

struct dsp_block {
    struct dsp_state *state;
    const int16_t *samples; /* DSP_BLOCK_SAMPLES; may be NULL with DSP_FLAG_NO_RTP */
    uint32_t leg;           /* the caller's number of the leg, copied to events */
    uint8_t flags;          /* enum dsp_flag */
    uint8_t sent_db; /* level of what we say in this interval (dsp_sent_level); 0: nothing, or
                      * it is not known, and neither echo nor one-way audio is looked for */
};
/* Level of a block, in dB over this; 0 is silence. */
#define DSP_SENT_ZERO_DBM0 (-90)
uint8_t dsp_sent_level(const int16_t *samples);

struct dsp_event {
    uint32_t leg;
    uint8_t kind; /* enum dsp_kind */
    uint8_t detail;
    int16_t level_ddb;         /* dBm0 × 10 of what was heard */
    uint16_t freq_hz[2];       /* dominant frequencies, 0: none; some kinds have other numbers */
    float confidence;          /* 0…1 */
    uint32_t start_ms, end_ms; /* since the leg's first block */
};

/* Runs every block through its leg's detectors. out must hold n × DSP_EVENTS_PER_LEG_MAX events.
 * Returns how many were written. */
size_t dsp_process(const struct dsp_block *blocks, size_t n, struct dsp_event *out);

/* Level of the last block, dBm0 × 10; -990 for digital silence. */
int16_t dsp_state_level(const struct dsp_state *s);
/* Probability that a machine answered, 0…1, as of the model's last look (ten a second in pauses,
 * five while the other side talks, from its first pause or 1.5 s of talk to the verdict); negative
 * before it, and with rules. */
float dsp_state_machine(const struct dsp_state *s);

/* G.711 (ITU-T G.711), n samples. */
void dsp_ulaw_decode(const uint8_t *in, int16_t *out, size_t n);
void dsp_alaw_decode(const uint8_t *in, int16_t *out, size_t n);
void dsp_ulaw_encode(const int16_t *in, uint8_t *out, size_t n);
void dsp_alaw_encode(const int16_t *in, uint8_t *out, size_t n);

/* By either law. */
static inline void dsp_g711_decode(const uint8_t *in, int16_t *out, size_t n, bool alaw)
{
    if (alaw)
        dsp_alaw_decode(in, out, n);
    else
        dsp_ulaw_decode(in, out, n);
}

static inline void dsp_g711_encode(const int16_t *in, uint8_t *out, size_t n, bool alaw)
{
    if (alaw)
        dsp_alaw_encode(in, out, n);
    else
        dsp_ulaw_encode(in, out, n);
}

#endif
