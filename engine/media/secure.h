/* A leg's keys on their way: made on the control thread, used on the worker, given back to be
 * freed, so that no worker allocates. Each direction has its own, because a change of one must not
 * begin the other anew: its rollover counter would be lost, and its key stream used again.
 *
 * A key lives for so many packets, and for so many reports (RFC 3711 section 9.2: 2^48 and 2^31 at
 * most; RFC 4568 section 6.1: less, when its writer said so). From seven eighths of them on the leg
 * tells eight times that it is worn (MEDIA_EV_KEY_WORN). Ours seals nothing beyond them; the far
 * end's is its own to watch, and goes on opening what is sealed with it. */
#ifndef PEAL_MEDIA_SECURE_H
#define PEAL_MEDIA_SECURE_H

#include "base/list.h"
#include "media/srtp.h"

#define SECURE_MAX 8 /* of one leg: out, in, the in before, and those on their way either way */

struct secure_wear { /* of a key, by packets or by reports */
    uint64_t count, tell_at, limit;
};

struct secure {
    struct list_node node; /* of the leg's; control thread */
    struct srtp srtp;
    struct secure_wear wear[2]; /* RTP, RTCP */
};

struct stream;

/* secure.c. Before the key goes to a worker; lifetime as in struct srtp_key. */
void secure_lifetime(struct secure *key, uint64_t lifetime);

/* On the worker: */
/* on: these hold from now on, NULL: as it is. Off: plain RTP. */
void stream_secure(struct stream *s, bool on, struct secure *out, struct secure *in);
/* Gives the key before back, when its time is over. */
void stream_secure_slot(struct stream *s);
/* Opens a packet in place; false: it is not for us, and counted. Without keys it is as it is. */
bool stream_open(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp);
/* Seals a packet in place, which has SRTP_TRAILER_MAX (SRTCP_TRAILER_MAX) bytes of room behind it.
 * false: it must not be sent, and is counted. */
bool stream_seal(struct stream *s, uint8_t *p, uint32_t *len, bool rtcp);

#endif
