/* RTCP on the wire (RFC 3550 section 6): compound packets of SR or RR, SDES with CNAME, XR (xr.h)
 * and BYE.
 * Only the first report block about us is read. Pure functions over bytes. */
#ifndef PEAL_MEDIA_RTCP_H
#define PEAL_MEDIA_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/xr.h"

#define RTCP_BYTES_MAX 256 /* of what we write */
#define RTCP_CNAME_MAX 64

struct rtcp_report { /* a report block: what one side says about the other's stream */
    uint32_t ssrc;
    uint8_t fraction;  /* lost since the last report, in 1/256 */
    int32_t lost;      /* cumulative, 24 bits */
    uint32_t extended; /* highest sequence number */
    uint32_t jitter;   /* timestamp units */
    uint32_t last_sr;  /* middle 32 bits of the last SR's NTP time; 0: none */
    uint32_t delay;    /* since that SR came, 1/65536 s */
};

struct rtcp_packet { /* what a compound said */
    uint32_t ssrc;   /* of its sender */
    bool is_sender, has_report, bye;
    uint64_t ntp; /* SR: 32.32 seconds */
    uint32_t rtp_ts, packets, octets;
    struct rtcp_report report; /* about `about` */
    bool has_xr;
    struct xr_voip xr; /* about `about` */
};

/* about: our SSRC; report blocks about others are skipped. ERR_INVALID: not a well-formed compound
 * (A.2): version, first packet SR or RR, lengths that add up. */
enum err rtcp_parse(const uint8_t *p, size_t len, uint32_t about, struct rtcp_packet *out);

struct rtcp_outgoing {
    uint32_t ssrc;
    bool is_sender, has_report, bye;
    uint64_t ntp;
    uint32_t rtp_ts, packets, octets;
    struct rtcp_report report;
    const struct xr_voip *xr; /* NULL: none */
    const char *cname; /* at most RTCP_CNAME_MAX bytes are written */
};

/* Bytes written; cap at least RTCP_BYTES_MAX. */
size_t rtcp_write(uint8_t *p, const struct rtcp_outgoing *out);

/* Round-trip time in microseconds from a report and the middle 32 bits of the present NTP time
 * (RFC 3550 6.4.1); 0 when it cannot be told. */
uint32_t rtcp_round_trip_us(const struct rtcp_report *r, uint32_t now_mid);

/* 32.32 NTP-style time from microseconds of any steady clock (the far end only returns it). */
static inline uint64_t rtcp_ntp(uint64_t us)
{
    return (us / 1000000) << 32 | (us % 1000000) * UINT64_C(4294967296) / 1000000;
}

static inline uint32_t rtcp_ntp_mid(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

#endif
