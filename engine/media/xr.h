/* RTCP extended reports (RFC 3611): the VoIP metrics block (4.7), read and written. Other blocks
 * are stepped over. Pure functions over bytes; part of rtcp.c's compound packets. */
#ifndef PEAL_MEDIA_XR_H
#define PEAL_MEDIA_XR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define XR_PACKET_BYTES 44 /* of what we write: header, SSRC and the block */
#define XR_TYPE         207
#define XR_UNKNOWN      127 /* of levels, R factors and MOS */

struct xr_voip {
    uint32_t ssrc;                                               /* whose packets it is about */
    uint8_t loss_rate, discard_rate, burst_density, gap_density; /* in 1/256 */
    uint16_t burst_ms, gap_ms, round_trip_ms, end_system_ms;
    uint8_t signal_level, noise_level, rerl, gmin;
    uint8_t r_factor, ext_r_factor, mos_lq, mos_cq; /* MOS × 10 */
    uint8_t config;                                 /* concealment, jitter buffer: bits of 4.7.6 */
    uint8_t reserved;                               /* 0 */
    uint16_t jb_nominal_ms, jb_max_ms, jb_most_ms;
};

#define XR_CONFIG_STANDARD_PLC 0xc0
#define XR_CONFIG_ADAPTIVE     0x30

/* The body of an XR packet after its header (its sender's SSRC first). The first VoIP metrics block
 * about `about`, if any: *found. ERR_INVALID: a block is longer than the packet, or a VoIP block is
 * not of its length. */
enum err xr_read(const uint8_t *p, size_t len, uint32_t about, struct xr_voip *out, bool *found);
/* A whole packet of XR_PACKET_BYTES. */
void xr_write(uint8_t *p, uint32_t ssrc, const struct xr_voip *x);

#endif
