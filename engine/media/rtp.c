/* Reading and writing of RTP headers; sequence bookkeeping. The window of 64 recent numbers tells
 * duplicates from late ones; a jump of more than SEQ_JUMP_MAX starts the source anew at once,
 * because the leg's latch already vouches for where the packet came from (RFC 3550 A.1 would wait
 * for two in order). */
#include "media/rtp.h"

#include <string.h>

#define SEQ_JUMP_MAX    3000
#define SEQ_REORDER_MAX 64

enum err rtp_parse(const uint8_t *p, size_t len, struct rtp_packet *out)
{
    if (len < RTP_HEADER_BYTES || p[0] >> 6 != 2)
        return ERR_INVALID;
    size_t at = RTP_HEADER_BYTES + (size_t)(p[0] & 15) * 4;

    if (p[0] & 0x10) {
        if (at + 4 > len)
            return ERR_INVALID;
        at += 4 + (size_t)rtp_get16(p + at + 2) * 4;
    }
    if (at > len)
        return ERR_INVALID;
    size_t n = len - at;

    if (p[0] & 0x20) {
        if (n == 0 || p[len - 1] == 0 || p[len - 1] > n)
            return ERR_INVALID;
        n -= p[len - 1];
    }
    *out = (struct rtp_packet){.payload_type = p[1] & 0x7f,
                               .marker = p[1] >> 7,
                               .seq = rtp_get16(p + 2),
                               .timestamp = rtp_get32(p + 4),
                               .ssrc = rtp_get32(p + 8),
                               .payload = p + at,
                               .payload_len = (uint32_t)n};
    return OK;
}

void rtp_write_header(uint8_t *p, uint8_t payload_type, bool marker, uint16_t seq,
                      uint32_t timestamp, uint32_t ssrc)
{
    p[0] = 0x80;
    p[1] = (uint8_t)(payload_type | (marker ? 0x80 : 0));
    rtp_put16(p + 2, seq);
    rtp_put32(p + 4, timestamp);
    rtp_put32(p + 8, ssrc);
}

static enum rtp_verdict restart(struct rtp_source *s, const struct rtp_packet *p)
{
    uint64_t duplicates = s->duplicates;

    *s = (struct rtp_source){.started = true,
                             .ssrc = p->ssrc,
                             .max_seq = p->seq,
                             .base = p->seq,
                             .received = 1,
                             .duplicates = duplicates,
                             .window = 1};
    return RTP_RESTARTED;
}

/* RFC 3550 A.8. */
static void measure_jitter(struct rtp_source *s, uint32_t timestamp, uint32_t arrival)
{
    uint32_t transit = arrival - timestamp;

    if (s->has_transit) {
        int32_t d = (int32_t)(transit - s->transit);
        uint32_t size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

        if (size < 8 * 8000) /* a jump of the sender's clock is no jitter */
            s->jitter_q4 += size - ((s->jitter_q4 + 8) >> 4);
    }
    s->transit = transit;
    s->has_transit = true;
}

enum rtp_verdict rtp_source_take(struct rtp_source *s, const struct rtp_packet *p, uint32_t arrival,
                                 bool timed)
{
    if (!s->started || p->ssrc != s->ssrc) {
        restart(s, p);
        if (timed)
            measure_jitter(s, p->timestamp, arrival);
        return RTP_RESTARTED;
    }
    uint16_t ahead = (uint16_t)(p->seq - s->max_seq), behind = (uint16_t)(s->max_seq - p->seq);

    if (ahead != 0 && ahead < SEQ_JUMP_MAX) {
        s->window = ahead >= 64 ? 1 : s->window << ahead | 1;
        s->cycles += p->seq < s->max_seq ? 65536u : 0;
        s->max_seq = p->seq;
        s->received++;
        if (timed)
            measure_jitter(s, p->timestamp, arrival);
        return RTP_NEW;
    }
    if (behind >= SEQ_REORDER_MAX)
        return restart(s, p);
    if (s->window >> behind & 1) {
        s->duplicates++;
        return RTP_DUPLICATE;
    }
    s->window |= UINT64_C(1) << behind;
    s->received++;
    return RTP_REORDERED;
}

uint32_t rtp_source_extended(const struct rtp_source *s)
{
    return s->cycles + s->max_seq;
}

uint64_t rtp_source_lost(const struct rtp_source *s)
{
    uint64_t expected = s->started ? (uint64_t)(rtp_source_extended(s) - s->base) + 1 : 0;

    return expected > s->received ? expected - s->received : 0;
}

uint8_t rtp_source_fraction(struct rtp_source *s)
{
    uint32_t expected = s->started ? rtp_source_extended(s) - s->base + 1 : 0;
    uint32_t received = (uint32_t)s->received;
    uint32_t expected_interval = expected - s->expected_prior;
    uint32_t received_interval = received - s->received_prior;

    s->expected_prior = expected;
    s->received_prior = received;
    if (expected_interval == 0 || received_interval >= expected_interval)
        return 0;
    return (
        uint8_t)((uint64_t)(expected_interval - received_interval) * 256 / expected_interval > 255
                     ? 255
                     : (uint64_t)(expected_interval - received_interval) * 256 / expected_interval);
}
