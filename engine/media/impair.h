/* A bad network on the sending side of a leg, for simulators and tests: what the leg sends is lost,
 * late, out of order, doubled, or paced by a clock that is not quite right, before it reaches the
 * socket. Packets of a relay (bridged legs) are left alone.
 *
 * Loss is Gilbert's model: a good state that loses nothing and a bad one that loses everything,
 * left after `burst` packets on average. Jitter keeps the order, as a queue does; `reorder` holds
 * single packets back so that later ones pass. A clock that drifts is played by moving packets
 * within 20 ms and putting one in or leaving one out where that is used up, with sequence numbers
 * and timestamps in one piece. SRTP is made after that, so that its numbers are whole as well.
 *
 * The same number of dice is thrown for every packet, so what becomes of the n-th packet depends on
 * the seed alone. Worker thread only, but for init. Times are met to the worker's slot of 1 ms. */
#ifndef PEAL_MEDIA_IMPAIR_H
#define PEAL_MEDIA_IMPAIR_H

#include "base/list.h"
#include "base/rng.h"
#include "media/leg.h"

#define IMPAIR_QUEUE_MAX 96  /* packets on their way; further ones go at once, and are counted */
#define IMPAIR_BYTES_MAX 560 /* RTP header, LEG_PTIME_MAX_MS of G.711, an SRTP tag */

struct stream;

struct impair_packet {
    uint64_t due_us;
    uint32_t len;
    uint8_t bytes[IMPAIR_BYTES_MAX];
};

struct impair {
    struct list_node node; /* of the worker's impaired streams, while packets are on their way */
    struct stream *stream;
    struct media_impair config;
    struct rng rng;
    bool bad; /* Gilbert's state */
    uint64_t last_due_us;
    double phase_us; /* how far a drifting clock has moved this packet */
    uint16_t seq_shift;
    uint32_t ts_shift;
    uint32_t count;
    struct impair_packet queue[IMPAIR_QUEUE_MAX];
};

/* Takes (or changes) what is done; packets on their way stay so. */
void impair_set(struct impair *i, struct stream *s, const struct media_impair *config);
/* A packet that the stream sends now, not sealed yet. */
void impair_take(struct impair *i, const uint8_t *p, uint32_t len, uint64_t now_us);
/* Sends what is due. */
void impair_flush(struct impair *i, uint64_t now_us);
/* Forgets what is on its way. */
void impair_drop(struct impair *i);

#endif
