/* The accuracy of the detectors: labelled sounds are played down an impaired line, what is heard is
 * matched with the labels, and hits, misses, false events and delays are counted by condition and
 * kind. Truth comes from the labels alone. Private to the benchmark; one thread. */
#ifndef PEAL_BENCH_ACCURACY_H
#define PEAL_BENCH_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dsp/dsp.h"

#define ACC_LABELS_MAX     4096 /* of one file */
#define ACC_CONDITIONS_MAX 128
#define ACC_DELAYS_MAX     4096 /* kept of a kind in a condition; later ones are not */
#define ACC_NAME_MAX       64
#define ACC_DETAIL_MAX     24
#define ACC_SLACK_MS       100 /* an event may be so far beside its label */

enum acc_kind {
    ACC_DTMF,
    ACC_RING,
    ACC_BUSY,
    ACC_REORDER,
    ACC_DIAL,
    ACC_SIT,
    ACC_CNG,
    ACC_CED,
    ACC_MODEM,
    ACC_PREAMBLE,
    ACC_CLIPPING,
    ACC_ECHO,
    ACC_KNOWN,
    ACC_BEEP,
    ACC_SPEECH,
    ACC_MUSIC,
    ACC_HUMAN,
    ACC_MACHINE,
    ACC_SCREENER,
    ACC_ANNOUNCEMENT,
    ACC_KINDS
};
const char *acc_kind_name(enum acc_kind k);
bool acc_kind_parse(const char *name, enum acc_kind *out);

struct acc_label {
    enum acc_kind kind;
    uint32_t start_ms, end_ms;
    char detail[ACC_DETAIL_MAX]; /* digit, SIT category, tone plan… */
    bool met;
};

/* What the line does to the sound. All zero: µ-law and nothing else. */
struct acc_line {
    const char *name;
    bool alaw;
    double gain_db;
    double noise_dbm0; /* white noise; 0: none */
    double snr_db;     /* noise so far below the sound's level; 0: none */
    double loss;       /* share of packets lost */
    double burst;      /* mean packets lost in a row; below 1: one */
    double clip_dbm0;  /* amplitudes beyond the peak of a sine of that level are cut; 0: none */
    double echo_db;    /* speech of our side comes back so far below -15 dBm0; 0: none */
    uint32_t zero_ms[2], comfort_ms[2]; /* digital zero, comfort noise before the sound: from-to */
};

struct acc_tally {
    uint32_t labels, hits, wrong; /* wrong: events that should not have been */
    uint32_t doubled;             /* of the wrong: a digit said again */
    uint32_t detail_asked, detail_right;
    bool heard;      /* no labels: what is said at all is wrong, and a row even if it is 0 */
    uint32_t trials; /* sounds that must not be heard as this kind; with them `wrong` is a share */
    float *from_start_ms, *from_end_ms; /* delays, of hits */
    uint32_t delays;
    uint32_t peer_hits, peer_detail_right; /* of another detector on the very same samples, … */
    bool peer_asked;                       /* … where one was asked */
};

#define ACC_VERDICTS 8 /* as enum dsp_verdict; the first is "none" */

struct acc_condition {
    char set[ACC_NAME_MAX], name[ACC_NAME_MAX];
    struct acc_tally tally[ACC_KINDS];
    uint32_t confusion[ACC_KINDS][ACC_VERDICTS];
    double hours;
    uint32_t files;
};

struct acc {
    struct acc_condition at[ACC_CONDITIONS_MAX];
    uint32_t n;
    uint64_t seed;
    const char *plan; /* of files whose labels name none */
    double scale;     /* of the number of trials, 1: all */
    FILE *mistakes;   /* CSV, or NULL */
    /* Hears what the detectors hear, where a set has a peer; else NULL. */
    void (*peer)(void *arg, const int16_t *pcm, size_t n);
    void *peer_arg;
    /* Each file is heard while the one before it is what we say: nothing of it comes back. */
    bool talk_over;
};

/* The condition of that name, made when it is new; NULL when there is no room (said on stderr). */
struct acc_condition *acc_condition(struct acc *a, const char *set, const char *name);

/* Sound as it comes from the far end, before the line. */
struct acc_sound {
    const char *file; /* for the list of mistakes */
    const char *plan;
    float *s; /* 8 kHz, 16-bit scale; the judge may change it */
    size_t n;
    struct acc_label *label;
    uint32_t labels;
    uint64_t seed;    /* of what the line does */
    uint32_t tail_ms; /* the line stays open after it */
};
/* Plays it and counts. False without memory. */
bool acc_judge(struct acc *a, struct acc_condition *c, const struct acc_line *line,
               struct acc_sound *s);

/* What the line makes of the sound, as blocks. s->s is changed. False without memory. */
struct recording;
struct rng;
bool acc_line_record(struct recording *rec, const struct acc_line *l, struct acc_sound *s,
                     struct rng *r, uint32_t *lead_ms);
void acc_delay(struct acc_tally *t, float from_start_ms, float from_end_ms);

/* The set prints (accuracy_prints.c): known recordings, from the corpus' prompts and talk-off. */
bool acc_prints_set(struct acc *a, const char *corpus);

/* Sets made here: dtmf, tones, sit, fax, modem, beep. False when there is no such set. */
bool acc_synthetic_set(struct acc *a, const char *name);
/* What the line does to tones: the conditions of the sets tones, sit, fax and modem. The first is
 * plain, tones at their nominal frequencies; in the others they are off. */
#define ACC_TONE_LINES 9
extern const struct acc_line acc_tone_lines[ACC_TONE_LINES];
/* The set modem (accuracy_modem.c): answer tones and the preamble of fax machines. */
void acc_modem_set(struct acc *a);
/* Every file of the labels, in one condition a line. False: said on stderr. */
bool acc_folder(struct acc *a, const char *set, const char *dir, const char *labels,
                const struct acc_line *lines, size_t count);

void acc_wilson(double hits, double n, double *low, double *high); /* 95 %, shares */
void acc_print(const struct acc *a);
bool acc_write_json(struct acc *a, FILE *f);

#endif
