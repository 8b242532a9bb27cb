/* How loud one voice is in a conversation: a fixed gain, and on request one that follows the voice
 * until it is as loud as others (AGC). And a limiter for sums of voices.
 *
 * Gains move along a ramp over a block, so a change never clicks. The AGC brings speech towards
 * LEVEL_AGC_DDB, by at most LEVEL_AGC_MAX_DB either way, LEVEL_AGC_STEP a block down and a quarter
 * of that up; what is below LEVEL_AGC_QUIET_DDB does not move it. The limiter lets sums through
 * as they are up to LEVEL_CEILING; a louder block is turned down as a whole, by a ramp over its
 * first LEVEL_ATTACK samples (what overshoots meanwhile is cut), and comes back by LEVEL_RELEASE a
 * block.
 *
 * Blocks of 160 samples, 8 kHz. Pure, no allocation; one thread. */
#ifndef PEAL_MEDIA_LEVEL_H
#define PEAL_MEDIA_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#define LEVEL_BLOCK         160
#define LEVEL_GAIN_MAX_DB   30 /* either way */
#define LEVEL_AGC_MAX_DB    15
#define LEVEL_AGC_DDB       (-190) /* dBm0 × 10: speech of a usual telephone */
#define LEVEL_AGC_QUIET_DDB (-420)
#define LEVEL_AGC_STEP      1.06f /* a block: 25 dB a second */
#define LEVEL_CEILING       30000
#define LEVEL_ATTACK        32
#define LEVEL_RELEASE       1.012f /* a block: 5 dB a second */

struct level {
    int8_t gain_db;
    bool agc;
    bool set;     /* `now` holds */
    float follow; /* of the AGC; 0: not begun */
    float now;    /* at the end of the last block */
};

/* false: out of LEVEL_GAIN_MAX_DB. What has been learned of the voice is kept. */
bool level_set(struct level *l, int gain_db, bool agc);
/* in and out may be the same. */
void level_apply(struct level *l, const int16_t *in, int16_t *out);

static inline bool level_is_plain(const struct level *l)
{
    return l->gain_db == 0 && !l->agc;
}

struct limiter {
    float gain; /* 0: not begun, counts as 1 */
};

void limiter_apply(struct limiter *l, const int32_t *sum, int16_t *out);

#endif
