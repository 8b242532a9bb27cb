/* RTP on the wire (RFC 3550 section 5.1) and the bookkeeping of a received stream: extended
 * sequence numbers, loss, duplicates and jitter (RFC 3550 A.1, A.3, A.8). Pure functions over bytes
 * and small structs; no clock, no sockets. */
#ifndef PEAL_MEDIA_RTP_H
#define PEAL_MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RTP_HEADER_BYTES 12

struct rtp_packet {
    uint8_t payload_type;
    bool marker;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    const uint8_t *payload; /* inside the datagram; padding removed */
    uint32_t payload_len;
};

/* ERR_INVALID: not RTP version 2, or a length that does not add up. CSRCs and a header extension
 * are skipped. */
enum err rtp_parse(const uint8_t *p, size_t len, struct rtp_packet *out);

/* RFC 5761 section 4: on a shared port, packet types 192…223 are RTCP. */
static inline bool rtp_is_rtcp(const uint8_t *p, size_t len)
{
    return len >= 2 && p[1] >= 192 && p[1] <= 223;
}

static inline void rtp_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void rtp_put32(uint8_t *p, uint32_t v)
{
    rtp_put16(p, (uint16_t)(v >> 16));
    rtp_put16(p + 2, (uint16_t)v);
}

static inline uint16_t rtp_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rtp_get32(const uint8_t *p)
{
    return (uint32_t)rtp_get16(p) << 16 | rtp_get16(p + 2);
}

/* Writes RTP_HEADER_BYTES: version 2, no padding, no extension, no CSRC. */
void rtp_write_header(uint8_t *p, uint8_t payload_type, bool marker, uint16_t seq,
                      uint32_t timestamp, uint32_t ssrc);

/* What is known of the stream one source sends. */
struct rtp_source {
    bool started;
    uint32_t ssrc;
    uint16_t max_seq;
    uint32_t cycles; /* wraps × 65536 */
    uint32_t base;   /* first sequence number, extended */
    uint64_t received, duplicates;
    uint64_t window;    /* bit n: max_seq - n was seen */
    uint32_t jitter_q4; /* interarrival jitter in timestamp units × 16 */
    uint32_t transit;
    bool has_transit;
    uint32_t expected_prior, received_prior; /* at the last report */
};

enum rtp_verdict {
    RTP_NEW,       /* in order or after a gap */
    RTP_REORDERED, /* late, but not seen yet */
    RTP_DUPLICATE,
    RTP_RESTARTED /* new SSRC or a jump: everything known was forgotten */
};

/* Accounts for a packet. arrival: in timestamp units (8 kHz). timed: its timestamp is that of its
 * sampling (not so for RFC 4733 events, which repeat one), so it counts for jitter. */
enum rtp_verdict rtp_source_take(struct rtp_source *s, const struct rtp_packet *p, uint32_t arrival,
                                 bool timed);
uint32_t rtp_source_extended(const struct rtp_source *s);
uint64_t rtp_source_lost(const struct rtp_source *s); /* cumulative, never negative */
/* Fraction lost since the last call, in 1/256 (RFC 3550 A.3). */
uint8_t rtp_source_fraction(struct rtp_source *s);

#endif
