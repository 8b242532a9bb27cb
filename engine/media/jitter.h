/* The jitter buffer of one leg: G.711 bytes in a ring addressed by RTP timestamp, one bit a sample
 * telling what has come. Packets of any length, out of order and twice, fall into place by
 * themselves. The delay follows the jitter that is measured: late peaks raise it at once, quiet
 * times lower it over some ten seconds, by leaving out silence where there is any.
 * A clock of the sender that is slower or faster than ours is followed likewise, in its pauses.
 *
 * Times are in samples (8 kHz). Bounds: JITTER_SAMPLES held, JITTER_DELAY_MAX of delay. Pure: the
 * caller brings the clock. One thread. */
#ifndef PEAL_MEDIA_JITTER_H
#define PEAL_MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JITTER_SAMPLES   4096 /* power of two; 512 ms */
#define JITTER_BLOCK     160
#define JITTER_DELAY_MIN 160  /* 20 ms */
#define JITTER_DELAY_MAX 2400 /* 300 ms */

struct jitter {
    bool started; /* something has come: base is known */
    bool playing;
    uint8_t late_run;    /* packets in a row that came too late */
    uint32_t play_ts;    /* next sample to be played */
    uint32_t newest_end; /* one after the newest sample held */
    uint32_t base;       /* least transit time seen: arrival - timestamp */
    uint32_t creep;      /* packets since base was let up (clock drift) */
    uint32_t peak_q8;    /* decaying peak of delay above base, × 256 */
    uint64_t late, discarded, resyncs, skipped, stretched; /* packets; blocks */
    uint64_t cut_loud; /* of the last two: where it was not quiet, for want of a quiet place */
    uint64_t present[JITTER_SAMPLES / 64];
    uint8_t data[JITTER_SAMPLES];
};

void jitter_init(struct jitter *j);

/* A payload that begins at timestamp and came at arrival (samples of the receiver's clock). */
void jitter_put(struct jitter *j, uint32_t timestamp, const uint8_t *payload, uint32_t n,
                uint32_t arrival);

enum jitter_got {
    JITTER_NOTHING, /* not started: out is untouched */
    JITTER_BLOCK_OK,
    JITTER_LOST,   /* nothing of this block is there, or it is held back to raise the delay */
    JITTER_PARTIAL /* [*from, *to) of out is there, the rest lost */
};
/* The next JITTER_BLOCK bytes at time now. alaw: the law in use, which tells
 * what is silence. */
enum jitter_got jitter_get(struct jitter *j, uint32_t now, bool alaw, uint8_t *out, uint32_t *from,
                           uint32_t *to);
/* Present target in samples. */
uint32_t jitter_target(const struct jitter *j);

#endif
