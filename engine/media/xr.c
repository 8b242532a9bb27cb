/* Blocks follow each other by the lengths in their headers, in 32-bit words less one. */
#include "media/xr.h"

#include <string.h>

#include "media/rtp.h"

#define BLOCK_HEADER 4
#define BLOCK_VOIP   7
#define VOIP_WORDS   8 /* after the block's header */

static void read_voip(const uint8_t *b, struct xr_voip *x)
{
    *x = (struct xr_voip){.ssrc = rtp_get32(b + 4),
                          .loss_rate = b[8],
                          .discard_rate = b[9],
                          .burst_density = b[10],
                          .gap_density = b[11],
                          .burst_ms = rtp_get16(b + 12),
                          .gap_ms = rtp_get16(b + 14),
                          .round_trip_ms = rtp_get16(b + 16),
                          .end_system_ms = rtp_get16(b + 18),
                          .signal_level = b[20],
                          .noise_level = b[21],
                          .rerl = b[22],
                          .gmin = b[23],
                          .r_factor = b[24],
                          .ext_r_factor = b[25],
                          .mos_lq = b[26],
                          .mos_cq = b[27],
                          .config = b[28],
                          .jb_nominal_ms = rtp_get16(b + 30),
                          .jb_max_ms = rtp_get16(b + 32),
                          .jb_most_ms = rtp_get16(b + 34)};
}

enum err xr_read(const uint8_t *p, size_t len, uint32_t about, struct xr_voip *out, bool *found)
{
    *found = false;
    if (len < 4)
        return ERR_INVALID;
    p += 4; /* the sender's SSRC */
    len -= 4;
    while (len >= BLOCK_HEADER) {
        size_t words = rtp_get16(p + 2), n = BLOCK_HEADER + words * 4;

        if (n > len || (p[0] == BLOCK_VOIP && words != VOIP_WORDS))
            return ERR_INVALID;
        if (p[0] == BLOCK_VOIP && !*found && rtp_get32(p + 4) == about) {
            read_voip(p, out);
            *found = true;
        }
        p += n;
        len -= n;
    }
    return len ? ERR_INVALID : OK;
}

void xr_write(uint8_t *p, uint32_t ssrc, const struct xr_voip *x)
{
    uint8_t *b = p + 8;

    memset(p, 0, XR_PACKET_BYTES);
    p[0] = 0x80;
    p[1] = XR_TYPE;
    rtp_put16(p + 2, XR_PACKET_BYTES / 4 - 1);
    rtp_put32(p + 4, ssrc);
    b[0] = BLOCK_VOIP;
    rtp_put16(b + 2, VOIP_WORDS);
    rtp_put32(b + 4, x->ssrc);
    b[8] = x->loss_rate;
    b[9] = x->discard_rate;
    b[10] = x->burst_density;
    b[11] = x->gap_density;
    rtp_put16(b + 12, x->burst_ms);
    rtp_put16(b + 14, x->gap_ms);
    rtp_put16(b + 16, x->round_trip_ms);
    rtp_put16(b + 18, x->end_system_ms);
    b[20] = x->signal_level;
    b[21] = x->noise_level;
    b[22] = x->rerl;
    b[23] = x->gmin;
    b[24] = x->r_factor;
    b[25] = x->ext_r_factor;
    b[26] = x->mos_lq;
    b[27] = x->mos_cq;
    b[28] = x->config;
    rtp_put16(b + 30, x->jb_nominal_ms);
    rtp_put16(b + 32, x->jb_max_ms);
    rtp_put16(b + 34, x->jb_most_ms);
}
