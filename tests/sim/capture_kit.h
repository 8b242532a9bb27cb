/* Captures made in memory: a file of one of the formats, with packets put into it one by one. */
#ifndef PEAL_TESTS_CAPTURE_KIT_H
#define PEAL_TESTS_CAPTURE_KIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cap_file { CAP_PCAP, CAP_PCAP_NS, CAP_NG };

#define CAP_BYTES   (4u << 20)
#define CAP_BASE_US 1000000000000000ull /* 2001-09-09 */

struct cap {
    enum cap_file file;
    bool big, v6, vlan;
    uint32_t link;
    uint8_t *p;
    size_t len;
    uint16_t ip_id;
};

static inline void cap_put(struct cap *c, const void *p, size_t n)
{
    memcpy(c->p + c->len, p, n);
    c->len += n;
}

static inline void cap_be16(struct cap *c, uint32_t v)
{
    cap_put(c, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static inline void cap_u16(struct cap *c, uint32_t v)
{
    if (c->big)
        cap_be16(c, v);
    else
        cap_put(c, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

static inline void cap_u32(struct cap *c, uint32_t v)
{
    cap_u16(c, c->big ? v >> 16 : v & 0xffff);
    cap_u16(c, c->big ? v & 0xffff : v >> 16);
}

static inline void cap_open(struct cap *c)
{
    c->p = calloc(1, CAP_BYTES);
    if (c->file == CAP_NG) {
        cap_u32(c, 0x0a0d0d0a);
        cap_u32(c, 28);
        cap_u32(c, 0x1a2b3c4d);
        cap_u16(c, 1);
        cap_u16(c, 0);
        cap_u32(c, 0xffffffff); /* the section's length is not known */
        cap_u32(c, 0xffffffff);
        cap_u32(c, 28);
        cap_u32(c, 1); /* interface, with a name and nanoseconds among its options */
        cap_u32(c, 44);
        cap_u16(c, c->link);
        cap_u16(c, 0);
        cap_u32(c, 262144);
        cap_u16(c, 2);
        cap_u16(c, 3);
        cap_put(c, "lo0\0", 4);
        cap_u16(c, 9);
        cap_u16(c, 1);
        cap_put(c, "\x09\0\0\0", 4);
        cap_u32(c, 0);
        cap_u32(c, 0);
        cap_u32(c, 44);
        return;
    }
    cap_u32(c, c->file == CAP_PCAP_NS ? 0xa1b23c4d : 0xa1b2c3d4);
    cap_u16(c, 2);
    cap_u16(c, 4);
    cap_u32(c, 0);
    cap_u32(c, 0);
    cap_u32(c, 262144);
    cap_u32(c, c->link);
}

static inline void cap_frame(struct cap *c, uint64_t ms, const uint8_t *p, size_t n)
{
    uint64_t us = CAP_BASE_US + ms * 1000;

    if (c->file == CAP_NG) {
        size_t padded = (n + 3) & ~(size_t)3, block = 32 + padded;
        uint64_t ns = us * 1000;

        cap_u32(c, 6);
        cap_u32(c, (uint32_t)block);
        cap_u32(c, 0);
        cap_u32(c, (uint32_t)(ns >> 32));
        cap_u32(c, (uint32_t)ns);
        cap_u32(c, (uint32_t)n);
        cap_u32(c, (uint32_t)n);
        cap_put(c, p, n);
        c->len += padded - n;
        cap_u32(c, (uint32_t)block);
        return;
    }
    cap_u32(c, (uint32_t)(us / 1000000));
    cap_u32(c, (uint32_t)(us % 1000000) * (c->file == CAP_PCAP_NS ? 1000 : 1));
    cap_u32(c, (uint32_t)n);
    cap_u32(c, (uint32_t)n);
    cap_put(c, p, n);
}

/* The header of the link, then an IP packet or a fragment of one (offset in bytes). */
static inline void cap_ip(struct cap *c, uint64_t ms, int from, int to, uint8_t protocol,
                          const uint8_t *p, size_t n, size_t offset, bool more)
{
    struct cap f = {.big = true, .p = calloc(1, n + 128)};
    uint32_t type = c->v6 ? 0x86dd : 0x0800;
    bool fragment = offset || more;

    if (c->link == 1) {
        f.len = 12;
        if (c->vlan) {
            cap_be16(&f, 0x8100);
            cap_be16(&f, 7);
        }
        cap_be16(&f, type);
    } else if (c->link == 113) {
        f.len = 14;
        cap_be16(&f, type);
    } else if (c->link == 276) {
        cap_be16(&f, type);
        f.len = 20;
    } else if (c->link == 0) {
        cap_put(&f, c->v6 ? "\x1e\0\0\0" : "\x02\0\0\0", 4);
    }
    if (c->v6) {
        cap_put(&f, (uint8_t[]){0x60, 0, 0, 0}, 4);
        cap_be16(&f, (uint32_t)n + (fragment ? 8 : 0));
        cap_put(&f, (uint8_t[]){fragment ? 44 : protocol, 64}, 2);
        for (int i = 0; i < 2; i++) {
            f.len += 15;
            f.p[f.len - 15] = 0xfd;
            cap_put(&f, (uint8_t[]){(uint8_t)(i ? to : from)}, 1);
        }
        if (fragment) {
            cap_put(&f, (uint8_t[]){protocol, 0}, 2);
            cap_be16(&f, (uint32_t)offset | more);
            cap_be16(&f, 0);
            cap_be16(&f, c->ip_id);
        }
    } else {
        cap_put(&f, (uint8_t[]){0x45, 0}, 2);
        cap_be16(&f, (uint32_t)n + 20);
        cap_be16(&f, c->ip_id);
        cap_be16(&f, (uint32_t)(offset / 8) | (more ? 0x2000 : 0));
        cap_put(&f, (uint8_t[]){64, protocol, 0, 0, 10, 0, 0, (uint8_t)from, 10, 0, 0, (uint8_t)to},
                12);
    }
    cap_put(&f, p, n);
    cap_frame(c, ms, f.p, f.len);
    free(f.p);
}

/* A datagram in pieces of `piece` bytes (0: whole), the last piece first when `backwards`. */
static inline void cap_udp_in(struct cap *c, uint64_t ms, int from, uint16_t from_port, int to,
                              uint16_t to_port, const void *p, size_t n, size_t piece,
                              bool backwards)
{
    struct cap d = {.big = true, .p = calloc(1, n + 8)};

    c->ip_id++;
    cap_be16(&d, from_port);
    cap_be16(&d, to_port);
    cap_be16(&d, (uint32_t)n + 8);
    cap_be16(&d, 0);
    cap_put(&d, p, n);
    if (piece == 0)
        piece = d.len;
    size_t pieces = (d.len + piece - 1) / piece;

    for (size_t i = 0; i < pieces; i++) {
        size_t at = (backwards ? pieces - 1 - i : i) * piece;
        size_t len = d.len - at < piece ? d.len - at : piece;

        cap_ip(c, ms, from, to, 17, d.p + at, len, at, at + len < d.len);
    }
    free(d.p);
}

static inline void cap_udp(struct cap *c, uint64_t ms, int from, uint16_t from_port, int to,
                           uint16_t to_port, const void *p, size_t n)
{
    cap_udp_in(c, ms, from, from_port, to, to_port, p, n, 0, false);
}

static inline void cap_tcp(struct cap *c, uint64_t ms, int from, uint16_t from_port, int to,
                           uint16_t to_port, uint32_t seq, uint8_t flags, const void *p, size_t n)
{
    struct cap d = {.big = true, .p = calloc(1, n + 20)};

    cap_be16(&d, from_port);
    cap_be16(&d, to_port);
    cap_be16(&d, seq >> 16);
    cap_be16(&d, seq & 0xffff);
    d.len += 4;
    cap_put(&d, (uint8_t[]){0x50, flags, 0xff, 0xff, 0, 0, 0, 0}, 8);
    cap_put(&d, p, n);
    c->ip_id++;
    cap_ip(c, ms, from, to, 6, d.p, d.len, 0, false);
    free(d.p);
}

static inline void cap_rtp(struct cap *c, uint64_t ms, int from, uint16_t from_port, int to,
                           uint16_t to_port, uint8_t pt, uint32_t ssrc, uint16_t seq, uint32_t ts,
                           const void *payload, size_t n)
{
    struct cap d = {.big = true, .p = calloc(1, n + 12)};

    cap_put(&d, (uint8_t[]){0x80, pt}, 2);
    cap_be16(&d, seq);
    cap_be16(&d, ts >> 16);
    cap_be16(&d, ts & 0xffff);
    cap_be16(&d, ssrc >> 16);
    cap_be16(&d, ssrc & 0xffff);
    cap_put(&d, payload, n);
    cap_udp(c, ms, from, from_port, to, to_port, d.p, d.len);
    free(d.p);
}

/* Seconds of G.711 in packets of 20 ms. */
static inline void cap_speech(struct cap *c, uint64_t ms, int from, uint16_t from_port, int to,
                              uint16_t to_port, uint8_t pt, uint16_t seq, int packets)
{
    uint8_t payload[160];

    for (int i = 0; i < packets; i++) {
        memset(payload, 0x20 + i % 64, sizeof payload);
        cap_rtp(c, ms + (uint64_t)i * 20, from, from_port, to, to_port, pt, (uint32_t)from,
                (uint16_t)(seq + i), (uint32_t)i * 160, payload, sizeof payload);
    }
}

#define CAP_CALLER 1
#define CAP_CALLEE 2

/* A SIP message as text: first line, the headers every message has, further lines, and an SDP of
 * the sender's address (port 0: none) with `attributes`. Returns its length. */
static inline size_t cap_text(const struct cap *c, char *out, size_t cap, const char *first,
                              bool to_tag, const char *cseq, const char *lines, int sender,
                              uint16_t port, const char *attributes)
{
    char sdp[1024] = "";

    if (port) {
        snprintf(sdp, sizeof sdp,
                 "v=0\r\no=- 1 1 IN IP4 10.0.0.%d\r\ns=-\r\nc=IN IP%d %s%d\r\nt=0 0\r\n"
                 "m=audio %u %s",
                 sender, c->v6 ? 6 : 4, c->v6 ? "fd00::" : "10.0.0.", sender, port, attributes);
    }
    return (size_t)snprintf(
        out, cap,
        "%s\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\nFrom: "
        "<sip:+12025550100@10.0.0.1>;tag=a1\r\nTo: <sip:+12025550101@10.0.0.2>%s\r\nCall-ID: "
        "one@10.0.0.1\r\nCSeq: %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
        first, to_tag ? ";tag=b2" : "", cseq, lines,
        port ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
}

#define CAP_PCMU "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

/* From caller or callee to the other. */
static inline void cap_sip(struct cap *c, uint64_t ms, int sender, const char *first, bool to_tag,
                           const char *cseq, const char *lines, uint16_t port,
                           const char *attributes)
{
    char text[4096];
    size_t n = cap_text(c, text, sizeof text, first, to_tag, cseq, lines, sender, port, attributes);

    cap_udp(c, ms, sender, 5060, 3 - sender, 5060, text, n);
}

#define CAP_INVITE "INVITE sip:+12025550101@10.0.0.2 SIP/2.0"
#define CAP_BYE    "BYE sip:+12025550101@10.0.0.2 SIP/2.0"

#endif
