/* One socket for the audio of many legs, between engines of ours that have both said so.
 *
 * Each packet's SSRC (RFC 3550 section 5.1; of RTCP the sender's) is the number that its receiver
 * gave this leg in SDP: the leg's place below, random bits above. So SRTP and SRTCP, whose headers
 * are in clear, pass as plain packets do, and one look into a table finds the leg. A packet of an
 * unknown number, or from elsewhere than the far end's shared socket, is refused and counted; there
 * is no latching. What a turn sends to one far end leaves in trains (io/udp.h).
 *
 * Only with one worker, as a leg that moved would leave its socket behind. Worker's thread, but for
 * shared_number. */
#ifndef PEAL_MEDIA_SHARED_H
#define PEAL_MEDIA_SHARED_H

#include "io/udp.h"

struct stream;
struct worker;

struct shared_socket {
    struct udp *udp;        /* NULL: legs have their own sockets only */
    struct stream **stream; /* by place, max_legs of them; NULL: not on this socket now */
    uint64_t unknown;       /* packets of no leg */
};

/* What the leg at this place is found by; never 0. */
uint32_t shared_number(uint32_t index, uint32_t max_legs);

/* Opens the socket of w->socket_local with its table. */
enum err shared_open(struct worker *w);
void shared_close(struct worker *w); /* waits until the kernel has let go of it */

/* The leg it is for, by SSRC; NULL: none, or no RTP or RTCP at all. */
struct stream *shared_find(const struct worker *w, const uint8_t *p, uint32_t len);

/* After s->remote has changed: the leg goes over to the shared socket, or back to its own. */
void shared_point(struct stream *s);
void shared_drop(struct stream *s);
/* Copies the packet; it leaves with shared_flush or at the end of the loop's turn. */
void shared_send(struct stream *s, const uint8_t *p, uint32_t n);
void shared_flush(struct worker *w);

#endif
