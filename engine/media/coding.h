/* What a leg needs besides when its codec is not G.711: a coder, the packets that wait, what is
 * decoded and not played yet, and what is said and not encoded yet. Made by the control thread for
 * such legs alone, and kept until the leg ends; the worker allocates nothing.
 *
 * A block is 20 ms, as everywhere: 160 samples of 8 kHz, and where the coder's samples are 16 kHz,
 * 320 of these too, for a peer that can use them. One thread. */
#ifndef PEAL_MEDIA_CODING_H
#define PEAL_MEDIA_CODING_H

#include "media/codec.h"
#include "media/jitter_packets.h"
#include "media/resample.h"

#define CODING_BLOCK 160
#define CODING_WIDE  320
#define CODING_AHEAD (CODEC_PCM_MAX + 4 * CODING_WIDE)
#define CODING_SAID  (60 * 16 + CODING_WIDE)

struct coding {
    struct coder coder;

    /* Receiving. */
    struct jitter_packets jitter;
    uint32_t ahead;            /* samples in pcm */
    uint32_t missing;          /* blocks in a row that were invented */
    int16_t pcm[CODING_AHEAD]; /* decoded, oldest first */
    int16_t wide[CODING_WIDE]; /* the present block */
    struct resample_down down;
    uint64_t recovered, malformed; /* gaps told by redundancy; packets */

    /* Sending. */
    struct resample_up up;
    uint32_t said_count, said_ts;
    int16_t said[CODING_SAID];
};

/* Control thread. ERR_NOMEM, ERR_INVALID: see coder_open. */
enum err coding_open(enum media_codec codec, struct coding **out);
void coding_close(struct coding *c); /* NULL is fine */

static inline bool coding_is_wide(const struct coding *c)
{
    return c->coder.khz == 16;
}

/* ---- receiving ---- */

void coding_restart(struct coding *c); /* what comes now has nothing to do with what came */
/* false: malformed, thrown away. arrival: ticks of the codec's clock. */
bool coding_take(struct coding *c, uint16_t seq, uint32_t timestamp, const uint8_t *payload,
                 uint32_t len, uint32_t arrival);

enum coding_heard {
    CODING_NOTHING, /* nothing has come yet: silence */
    CODING_GOOD,    /* as it was said, or as redundancy told it */
    CODING_LOST,    /* a part of it is invented */
    CODING_PAUSE    /* the sender sends nothing on purpose: silence, or its comfort noise */
};
/* The next block at `now` (ticks): CODING_BLOCK samples to `narrow`, and c->wide where the coder is
 * wide. */
enum coding_heard coding_hear(struct coding *c, uint32_t now, int16_t *narrow);

/* ---- sending ---- */

/* What is said in a slot that begins at ts: `wide` where the source has it, else NULL; what waited
 * from before a gap is thrown away. */
void coding_say(struct coding *c, const int16_t *narrow, const int16_t *wide, uint32_t ts);
/* Encodes the next packet of ptime_ms, if there is enough: its timestamp and bytes (0: none is to
 * be sent for this time). false: nothing is left that fills a packet. */
bool coding_packet(struct coding *c, uint32_t ptime_ms, uint32_t *ts, uint8_t *out, uint32_t room,
                   uint32_t *len);
/* Nothing waits any more. */
void coding_hush(struct coding *c);

#endif
