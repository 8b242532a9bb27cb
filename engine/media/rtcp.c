/* Reading walks the compound packet by packet and each packet by its own count, both bounded by
 * the lengths in the headers; writing puts SR or RR first and SDES always, as section 6.1 wants. */
#include "media/rtcp.h"

#include <string.h>

#include "media/rtp.h"

#define TYPE_SR      200
#define TYPE_RR      201
#define TYPE_SDES    202
#define TYPE_BYE     203
#define HEADER_BYTES 4
#define BLOCK_BYTES  24
#define SENDER_BYTES 20

static void read_report(const uint8_t *b, struct rtcp_report *r)
{
    *r = (struct rtcp_report){.ssrc = rtp_get32(b),
                              .fraction = b[4],
                              .lost = (int32_t)(rtp_get32(b + 4) << 8) >> 8,
                              .extended = rtp_get32(b + 8),
                              .jitter = rtp_get32(b + 12),
                              .last_sr = rtp_get32(b + 16),
                              .delay = rtp_get32(b + 20)};
}

/* The body of an SR or RR after the header; len bytes, count report blocks. */
static enum err read_sr_rr(const uint8_t *p, size_t len, bool is_sender, unsigned count,
                           uint32_t about, struct rtcp_packet *out)
{
    size_t at = 4 + (is_sender ? SENDER_BYTES : 0);

    if (len < at + count * BLOCK_BYTES)
        return ERR_INVALID;
    out->ssrc = rtp_get32(p);
    if (is_sender) {
        out->is_sender = true;
        out->ntp = (uint64_t)rtp_get32(p + 4) << 32 | rtp_get32(p + 8);
        out->rtp_ts = rtp_get32(p + 12);
        out->packets = rtp_get32(p + 16);
        out->octets = rtp_get32(p + 20);
    }
    for (unsigned i = 0; i < count && !out->has_report; i++) {
        const uint8_t *block = p + at + i * BLOCK_BYTES;

        if (rtp_get32(block) == about) {
            read_report(block, &out->report);
            out->has_report = true;
        }
    }
    return OK;
}

enum err rtcp_parse(const uint8_t *p, size_t len, uint32_t about, struct rtcp_packet *out)
{
    bool first = true;

    *out = (struct rtcp_packet){0};
    while (len >= HEADER_BYTES) {
        size_t n = ((size_t)rtp_get16(p + 2) + 1) * 4;
        unsigned count = p[0] & 31, type = p[1];
        size_t body = n - HEADER_BYTES;
        bool padded = p[0] & 0x20;

        if (p[0] >> 6 != 2 || n > len || (padded && n != len))
            return ERR_INVALID;
        if (padded && (p[n - 1] == 0 || p[n - 1] > body))
            return ERR_INVALID;
        if (padded)
            body -= p[n - 1];
        if (first && type != TYPE_SR && type != TYPE_RR)
            return ERR_INVALID;
        if (type == TYPE_SR || type == TYPE_RR) {
            enum err err = read_sr_rr(p + HEADER_BYTES, body, type == TYPE_SR, count, about, out);

            if (err)
                return err;
        } else if (type == XR_TYPE) {
            struct xr_voip xr;
            bool found;

            /* One that is malformed takes no report with it: devices write odd ones. */
            if (xr_read(p + HEADER_BYTES, body, about, &xr, &found) == OK && found) {
                out->xr = xr;
                out->has_xr = true;
            }
        } else if (type == TYPE_BYE) {
            if (body < count * 4u)
                return ERR_INVALID;
            out->bye = true;
        }
        first = false;
        p += n;
        len -= n;
    }
    return first || len ? ERR_INVALID : OK;
}

static void put_header(uint8_t *p, unsigned count, unsigned type, size_t bytes)
{
    p[0] = (uint8_t)(0x80 | count);
    p[1] = (uint8_t)type;
    rtp_put16(p + 2, (uint16_t)(bytes / 4 - 1));
}

static void put_report(uint8_t *b, const struct rtcp_report *r)
{
    rtp_put32(b, r->ssrc);
    rtp_put32(b + 4, ((uint32_t)r->lost & 0xffffff) | (uint32_t)r->fraction << 24);
    rtp_put32(b + 8, r->extended);
    rtp_put32(b + 12, r->jitter);
    rtp_put32(b + 16, r->last_sr);
    rtp_put32(b + 20, r->delay);
}

static size_t put_sdes(uint8_t *p, uint32_t ssrc, const char *cname)
{
    size_t n = strnlen(cname, RTCP_CNAME_MAX), bytes = HEADER_BYTES + 4 + 2 + n + 1;

    bytes = (bytes + 3) & ~(size_t)3;
    memset(p, 0, bytes);
    put_header(p, 1, TYPE_SDES, bytes);
    rtp_put32(p + 4, ssrc);
    p[8] = 1; /* CNAME */
    p[9] = (uint8_t)n;
    memcpy(p + 10, cname, n);
    return bytes;
}

size_t rtcp_write(uint8_t *p, const struct rtcp_outgoing *out)
{
    size_t n = HEADER_BYTES + 4;

    rtp_put32(p + 4, out->ssrc);
    if (out->is_sender) {
        rtp_put32(p + 8, (uint32_t)(out->ntp >> 32));
        rtp_put32(p + 12, (uint32_t)out->ntp);
        rtp_put32(p + 16, out->rtp_ts);
        rtp_put32(p + 20, out->packets);
        rtp_put32(p + 24, out->octets);
        n += SENDER_BYTES;
    }
    if (out->has_report) {
        put_report(p + n, &out->report);
        n += BLOCK_BYTES;
    }
    put_header(p, out->has_report, out->is_sender ? TYPE_SR : TYPE_RR, n);
    n += put_sdes(p + n, out->ssrc, out->cname);
    if (out->xr) {
        xr_write(p + n, out->ssrc, out->xr);
        n += XR_PACKET_BYTES;
    }
    if (out->bye) {
        put_header(p + n, 1, TYPE_BYE, 8);
        rtp_put32(p + n + 4, out->ssrc);
        n += 8;
    }
    return n;
}

uint32_t rtcp_round_trip_us(const struct rtcp_report *r, uint32_t now_mid)
{
    if (r->last_sr == 0)
        return 0;
    int32_t rtt = (int32_t)(now_mid - r->last_sr - r->delay);

    return rtt > 0 ? (uint32_t)((uint64_t)(uint32_t)rtt * 1000000 / 65536) : 0;
}
