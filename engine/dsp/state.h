/* What a leg's state holds: the parts of the detectors, in the order they run.
 *
 * Each block of 20 ms is cut into four slots of 5 ms (energies, for edges in time), and looked at
 * through two windows of 32 ms that end 10 ms apart (spectra, for frequencies). From these come
 * DTMF digits, tone segments (which network tones, SIT, fax and beeps are made of) and voice.
 * Private to the room. A leg's state belongs to the worker that owns the leg. */
#ifndef PEAL_DSP_STATE_H
#define PEAL_DSP_STATE_H

#include <string.h>

#include "dsp/amd_features.h"
#include "dsp/plan.h"

#define SLOT_MS         5
#define SLOT_SAMPLES    40
#define SLOTS_PER_BLOCK 4
#define SLOT_RING       32  /* 160 ms */
#define HISTORY_BLOCKS  4   /* kept: the newest 64 ms and the rest of their oldest block */
#define HISTORY_SAMPLES 512 /* looked at, at most */
#define LOOKS_PER_BLOCK 2
#define LOOK_SAMPLES    256 /* 32 ms, Hann */

/* Where events of one leg's block go. One place is kept for the verdict. */
struct sink {
    struct dsp_event *out;
    uint32_t leg;
    unsigned count;
};

/* One look through a window: nothing, one tone or two, with their share of the energy. */
struct look {
    float f_hz[2];    /* rising; f_hz[1] is 0 for one tone */
    float centre_hz;  /* centre of the strongest cluster of bins */
    float share;      /* 0…1, energy in the tones of all energy */
    float lobe_share; /* energy in the strongest single peak */
    float power;      /* mean square in the window */
    uint8_t tones;    /* 0, 1, 2 */
    bool cluster;     /* low and dense: one or two tones within 100 Hz */
};

/* A stretch of one unchanging tone or pair. */
struct segment {
    uint32_t start_ms, end_ms;
    float f_hz[2];
    float power;        /* mean square while it sounds */
    float share;        /* mean share of the strongest peak, in looks wholly inside */
    float purity;       /* mean share of all the tones */
    float drift_hz;     /* range of the single peak's frequency */
    float swell;        /* strongest by weakest look wholly inside */
    uint16_t looks;     /* wholly inside */
    uint8_t tones;      /* 1 or 2 */
    bool joined_before; /* began as another tone went over into it */
    bool joined_after;  /* ended by going over into another tone */
    bool fell;          /* ended into something at least 6 dB quieter */
    bool flat;          /* its tops are cut off, so harmonics are no second sound */
    uint8_t quiet_ms;   /* how long, up to 100 ms, it was that quiet before the start */
    uint8_t rise_ms;    /* from a quarter of the power to most of it */
    uint8_t fall_ms;    /* and back */
    uint8_t slack_ms;   /* the length may be off by so much: packets were missing at its ends */
    float before;       /* mean square in the quiet before it */
    float path_hz;      /* all changes of the single peak's frequency added up */
    float glide_hz;     /* last less first frequency of the single peak */
};

struct tone_track {
    struct segment seg; /* the running one, when on; f_hz are running means */
    struct look prev;   /* last look, for two that agree */
    struct look other;  /* a look that disagreed with the running segment */
    float last_f_hz;    /* of the last look, to keep the final one out of the drift */
    float last_power;
    float f_first_hz; /* of the looks in the drift; glide and path are of these too */
    float f_kept_hz;  /* the newest of them */
    float f_min_hz, f_max_hz;
    float path_hz;
    float seen_hz; /* where the tone was in the last look that had it */
    float power_min, power_max;
    float share_sum;
    float purity_sum;
    float fine_f_sum[2];             /* of votes for two tones */
    float fine_single_sum;           /* of votes for one */
    uint32_t gap_from_ms, gap_to_ms; /* the newest run of missing packets */
    uint16_t looks;
    uint8_t fine_single, fine_pair; /* votes of the 64 ms view */
    uint8_t bad_looks;
    bool on, cluster, prev_valid, other_valid;
};

#define CADENCE_PAIRS 6
struct cadence {
    uint32_t mask; /* tones of the plan these could be */
    uint32_t last_start_ms, last_end_ms;
    float f_hz[2];
    float power;
    uint16_t on_ms[CADENCE_PAIRS], off_ms[CADENCE_PAIRS]; /* [0] is the newest; off before it */
    uint8_t count;
    bool reported;        /* something was said for the present pause */
    bool steady_reported; /* dial tone was said for the running segment */
};

struct sit_track {
    struct segment seg[2];
    uint8_t count;
};

/* A correlation, as a complex number. */
struct turn {
    float re, im;
};

struct answer_half {
    struct turn turn; /* of 10 ms with 2100 Hz */
    uint32_t number;  /* of those since the leg's start; 0: none */
};

struct answer_track {
    struct answer_half half[2]; /* the newest first, those without a reversal in them */
    struct turn even;           /* how much a half turns against the one before, summed */
    struct turn am;             /* of the slots' energies with 15 Hz */
    struct turn dip;            /* of how far the slots' samples are under the top, with 15 Hz */
    float am_sum, dip_sum;
    uint32_t near_top; /* samples that are */
    int32_t top;
    uint32_t reversed_ms; /* the last reversal, 0: none */
    uint16_t slots, am_slots;
    uint8_t turns;
    uint8_t right; /* reversals in a row that came when they should */
};

struct preamble_track {
    uint32_t last_ms, said_ms; /* of the last flag; when it was said last, 0: never */
    uint16_t run;              /* samples since the stronger one changed */
    uint8_t flags;             /* whole ones in a row */
    bool nought;               /* which is stronger */
    bool cut;                  /* samples were missing in this run */
};

struct fax_track {
    uint32_t cng_end_ms;  /* end of the last 1100 Hz burst, 0 for none */
    uint32_t ced_end_ms;  /* end of the last answer tone, or what may be a part, 0 for none */
    uint32_t said_end_ms; /* of the last answer tone that was reported */
    bool answer_reported, answer_runs;
    struct answer_track answer;
    struct preamble_track preamble;
};

struct beep_mark {
    uint32_t end_ms; /* 0: none */
    float f_hz;
};

struct beep_track {
    bool waiting;
    uint8_t count; /* of beeps in a row */
    struct segment pending;
    struct beep_mark last; /* the last single tone, which another may repeat */
    struct beep_mark said; /* the last beep */
};

struct dtmf_track {
    uint32_t start_ms;
    uint32_t last_ms; /* end of the last half block that had it */
    float power;      /* both tones */
    float best_share; /* of the energy, in one fit */
    float f_hz[2];
    uint8_t code;      /* row × 4 + column */
    uint8_t prev_code; /* best pair of the previous half block, 0xff for none */
    uint8_t fits;
    bool on, reported;
};

struct voice {
    uint32_t active_bits, voiced_bits; /* newest block in bit 0 */
    uint32_t start_ms, last_active_ms; /* of the running or last spurt */
    uint32_t heard_ms;                 /* last sound of any confirmed spurt, 0 for none */
    uint32_t confirmed_ms, earlier_ms; /* when that one was; the last sound of the one before it */
    float power_sum;
    uint16_t power_count;
    int16_t floor_ddb;
    int16_t slow_ddb; /* smoothed level, to see steadiness */
    int16_t loud_ddb; /* smoothed level of speech, up to 60 ms ago, so that no tone is in it */
    int16_t recent_ddb[3];
    int16_t pitch; /* of the last voiced block, tenths of a semitone over 62.5 Hz */
    uint8_t steady_blocks;
    uint8_t creep;
    bool on;
};

struct clip_track {
    uint32_t bits; /* blocks that were clipped, the newest in bit 0 */
    bool said;
};

#define ECHO_DELAYS 32 /* blocks */
struct echo_track {
    float both[ECHO_DELAYS]; /* how the levels of the two go together, by delay */
    float sent, came;        /* smoothed levels, dB */
    float sent_mean, sent_varies, came_mean, came_varies;
    uint32_t said_ms;                 /* of an echo, 0: never */
    uint32_t alone_from_ms, alone_ms; /* our sound since nothing comes: from when, how much */
    uint16_t blocks;
    uint8_t sent_qdb[ECHO_DELAYS]; /* the newest first, quarters of a dB */
    uint8_t delay, held;
    bool alone_packets, one_way_said;
};

struct silence {
    uint32_t start_ms;
    uint32_t next_ms;         /* length at which the next event is due */
    uint32_t after_ms;        /* the length after that (the row is Fibonacci's) */
    int16_t min_ddb, max_ddb; /* of its blocks' levels */
    int16_t noise_ddb;        /* as it was said last, 0: never */
    bool running, all_zero, any_packet, described, noise_said;
};

struct amd {
    uint32_t clock_ms;      /* first packet after answer */
    uint32_t real_ms;       /* first sound that is not digital zero */
    uint32_t quiet_from_ms; /* from when silence counts before anything is said */
    uint32_t first_ms;      /* onset of the first spurt */
    uint32_t spurt_ms;      /* onset of the running or last spurt */
    uint32_t last_voice_ms;
    uint32_t speech_ms; /* in finished spurts */
    uint16_t machine;   /* the model's last word, in AMD_MODEL_ONE */
    uint8_t spurts;
    bool started, real, speaking, tone_heard, done;
};

/* What every block needs comes first: see leg_fetch() in dsp.c. */
struct leg {
    const struct dsp_plan *plan;
    struct prints_leg *prints; /* NULL: known recordings are not listened for */
    uint32_t now_ms;           /* end of the last block since the leg's start */
    float power;               /* mean square of the last block; 0 for digital zero */
    int16_t level_ddb;         /* the same as a level, where voice is listened for */
    uint8_t phase;             /* enum dsp_phase */
    bool want_beep;
    bool zero;            /* the last block was digital zero */
    uint8_t lost_run;     /* blocks lost in a row */
    uint8_t missing_bits; /* lost, or without a packet: newest block in bit 0 */
    uint8_t fax_hang;     /* blocks for which talk looks for fax tones */
    uint8_t newest;       /* block of the history */
    uint8_t echo_hang;    /* blocks since we sent sound, down to 0, in which echo is looked for */
    uint32_t sound_ms;    /* end of the last block that was more than digital zero, 0: none */
    uint32_t slot_count;
    struct dtmf_track dtmf;
    _Alignas(64) float slot[SLOT_RING]; /* mean squares */
    /* Beside these, TALK needs the history's next block only. */
    struct voice voice;
    struct silence silence;
    struct tone_track track;
    struct cadence cadence;
    struct fax_track fax;
    struct beep_track beep;
    struct amd amd;
    struct amd_features features;
    struct dsp_amd_config amd_config;
    struct sit_track sit;
    struct clip_track clip;
    _Alignas(64) int16_t history[HISTORY_BLOCKS][DSP_BLOCK_SAMPLES]; /* a ring */
    struct echo_track echo; /* last: most blocks do without it */
};
_Static_assert(sizeof(struct leg) <= DSP_STATE_BYTES, "a leg's state must fit dsp_state");

/* Writes an event unless the block has given its most. kind and detail as in dsp.h. */
struct dsp_event *sink_add(struct sink *s, enum dsp_kind kind, unsigned detail, uint32_t start_ms,
                           uint32_t end_ms);

/* Mean square of the slot that ended back × 5 ms before the last one; back < SLOT_RING. */
static inline float slot_back(const struct leg *l, unsigned back)
{
    return l->slot[(l->slot_count - 1u - back) % SLOT_RING];
}

/* The block given that many blocks before the last one; back < HISTORY_BLOCKS. */
static inline const int16_t *history_block(const struct leg *l, unsigned back)
{
    return l->history[(l->newest - back) % HISTORY_BLOCKS];
}

/* The last n samples in one piece, n <= HISTORY_SAMPLES. */
static inline void history_last(const struct leg *l, int16_t *out, unsigned n)
{
    unsigned back = (n - 1) / DSP_BLOCK_SAMPLES, part = n - back * DSP_BLOCK_SAMPLES;
    memcpy(out, history_block(l, back) + DSP_BLOCK_SAMPLES - part, part * sizeof *out);
    for (out += part; back; out += DSP_BLOCK_SAMPLES)
        memcpy(out, history_block(l, --back), DSP_BLOCK_SAMPLES * sizeof *out);
}

#define HISTORY_PIECE  32 /* samples that are surely of one block */
#define HISTORY_PIECES (HISTORY_SAMPLES / HISTORY_PIECE)
_Static_assert(HISTORY_SAMPLES == 3 * DSP_BLOCK_SAMPLES + HISTORY_PIECE, "a piece of the oldest");

/* Where the last HISTORY_SAMPLES are, the oldest first. */
static inline void history_pieces(const struct leg *l, const int16_t *piece[HISTORY_PIECES])
{
    unsigned n = 0;
    piece[n++] = history_block(l, 3) + DSP_BLOCK_SAMPLES - HISTORY_PIECE;
    for (unsigned back = 3; back--;)
        for (unsigned at = 0; at < DSP_BLOCK_SAMPLES; at += HISTORY_PIECE)
            piece[n++] = history_block(l, back) + at;
}

/* Energies of the last block's samples, over 4, and of their differences from sample to sample. */
struct tilt {
    float energy, change;
};
struct tilt history_tilt(const struct leg *l);
/* The sum of a block's squares. */
float history_energy(const int16_t *x);

/* Takes a block in: history, energies of its slots, level, digital zero. */
void history_add(struct leg *l, const int16_t *x);

/* described: packets say what the noise is (DSP_FLAG_COMFORT). */
void silence_run(struct leg *l, bool quiet, bool packet, bool described, struct sink *s);

#define CLIP_POWER 3200000.0f /* -19 dBm0: quieter sound is not worth the look */
/* Not needed in blocks below that power while no bit is set. */
void clip_run(struct leg *l, bool packet, struct sink *s);
/* sent_db: as in struct dsp_block. Not needed while that and echo_hang are 0. */
void echo_run(struct leg *l, unsigned sent_db, bool packet, bool lost, struct sink *s);

enum tone_state { TONE_NONE, TONE_MAYBE, TONE_SURE };

/* Voice activity, given what the tones say. s may be NULL: nothing is reported then. */
void voice_run(struct leg *l, bool packet, bool lost, enum tone_state tone, struct sink *s);
void voice_reset(struct leg *l);
/* Whether speech was heard within that many ms before the tone, and not much quieter than it, so
 * that our own echo is none. */
bool voice_as_loud(const struct leg *l, const struct segment *g, uint32_t within_ms);

void amd_run(struct leg *l, bool packet, struct sink *s);
void amd_beep(struct leg *l, uint32_t start_ms, struct sink *s);

#endif
