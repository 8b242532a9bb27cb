/* What an answer sounds like so far, in whole numbers: the input of the human/machine model.
 *
 * Fed with every block after answer, from what the voice detector found in it; times in 10 ms,
 * levels in tenths of a dB, pitch in tenths of a semitone. All sums are integers, so every machine
 * sees the same numbers. Bounded: an answer of any length needs the same few bytes. */
#ifndef PEAL_DSP_AMD_FEATURES_H
#define PEAL_DSP_AMD_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "dsp/amd_front.h"

enum amd_feature {
    AMD_SINCE_ONSET,    /* from the first word on */
    AMD_ONSET_DELAY,    /* from the first real sound to the first word */
    AMD_FIRST_BURST,    /* a burst: speech without a gap of 240 ms */
    AMD_GAP,            /* the running silence, 0 while there is speech */
    AMD_FIRST_GAP,      /* the first finished gap between bursts */
    AMD_LONGEST_GAP,    /* of the finished ones */
    AMD_BURSTS,         /* how many began */
    AMD_LONGEST_BURST,  /* the running one included */
    AMD_LAST_BURST,     /* the running or last one */
    AMD_SPEECH,         /* all bursts */
    AMD_VOICED_SHARE,   /* per cent of the active blocks */
    AMD_SYLLABLES,      /* rises of the level by 4 dB after a fall as large */
    AMD_SYLLABLE_RATE,  /* those in 10 s of speech */
    AMD_SHORT_PAUSES,   /* of 60 to 240 ms */
    AMD_LEVEL_SPREAD,   /* mean distance of the level from its running mean */
    AMD_LEVEL_CHANGE,   /* last burst against the first */
    AMD_LEVEL_END,      /* last 100 ms of the last burst against all of it */
    AMD_ABOVE_FLOOR,    /* mean level over the noise */
    AMD_PITCH_SPREAD,   /* mean distance from its running mean */
    AMD_PITCH_RANGE,    /* highest to lowest of the smoothed pitch */
    AMD_PITCH_END,      /* last smoothed pitch against the last burst's mean */
    AMD_PITCH_CHANGE,   /* last burst's mean against the first burst's */
    AMD_TILT_SPREAD,    /* mean change of it from block to block */
    AMD_VOICED_RUN,     /* the longest without a break */
    AMD_VOICED_END,     /* the last one of the last burst */
    AMD_TONE_HEARD,     /* 1 once a network tone sounded after answer */
    AMD_ZERO_SHARE,     /* per cent of the inactive blocks since the first word that are zero */
    AMD_LAST_GAP,       /* the last finished gap */
    AMD_SECOND_BURST,   /* the second one's length */
    AMD_LAST_SYLLABLES, /* of the last burst */
    AMD_LAST_SYLLABLE,  /* length of its last one, from the rise of the level on */
    AMD_LAST_VOICED,    /* per cent of its blocks */
    AMD_PITCH_RISE,     /* its end over the lowest of its last 300 ms of voice */
    AMD_PITCH_FALL,     /* its end under the highest of them */
    AMD_PITCH_OVER_LOW, /* its end over the lowest of all */
    AMD_PITCH_ONSET,    /* its first 60 ms against its mean */
    AMD_TILT_END,       /* last 100 ms of it against the mean */
    AMD_FRONT_GAP,      /* the same of what is in front (amd_front.h): the running silence, */
    AMD_FRONT_BURSTS,
    AMD_FRONT_FIRST, /* first, */
    AMD_FRONT_LAST,  /* last, */
    AMD_FRONT_LONGEST,
    AMD_FRONT_LONGEST_GAP,
    AMD_FRONT_LAST_GAP,
    AMD_FRONT_SPEECH, /* and all bursts, */
    AMD_FRONT_SHARE,  /* per cent of the last two seconds or so, */
    AMD_FRONT_OVER,   /* its level over that of the rest */
    AMD_FEATURE_COUNT
};

/* One burst's sums. */
struct amd_burst {
    int32_t level_sum, pitch_sum;
    uint16_t blocks, voiced;
};

#define AMD_PITCHES 16 /* of the newest voiced blocks: 320 ms */

struct amd_features {
    struct amd_front front;
    struct amd_burst first, last;
    int32_t level_spread_sum, pitch_spread_sum, tilt_change_sum;
    uint32_t first_ms, spurt_ms, last_voice_ms; /* as in struct amd */
    uint32_t finished_ms;                       /* speech in finished bursts */
    uint16_t first_burst_ms, first_gap_ms, longest_gap_ms, longest_burst_ms;
    uint16_t last_gap_ms, second_burst_ms, burst_syllables;
    uint32_t syllable_ms; /* when the last one rose */
    uint16_t active, voiced, idle, zero;
    int16_t mean_level, mean_pitch; /* running means */
    int16_t peak, trough;           /* of the level, for syllables */
    int16_t pitch_now, pitch_low, pitch_high;
    int16_t end_level; /* of the last 100 ms or so */
    int16_t tilt, mean_tilt, end_tilt;
    int16_t pitches[AMD_PITCHES]; /* smoothed; of the running or last burst */
    int16_t onset_pitch;
    uint16_t pitch_count;
    uint16_t syllables, short_pauses, pause_blocks, run, run_longest, run_last;
    uint8_t bursts;
    bool speaking, falling, tone;
};

struct leg;
/* After voice_run() of each block, once the verdict's clock runs. */
void amd_features_run(struct leg *l);
/* The features as they are now; real_ms is when the first real sound came. */
void amd_features_get(const struct leg *l, uint32_t real_ms, int16_t out[AMD_FEATURE_COUNT]);

#endif
