/* How good what comes in is: losses in bursts and gaps as RFC 3611 (4.7.2, appendix A.2) defines
 * them with Gmin 16, and the E-model's estimate of what a listener thinks of it (emodel.h). The
 * last QUALITY_WINDOW packets are held back, so that one that comes out of order is not counted as
 * lost. Pure; a few nanoseconds a packet. */
#ifndef PEAL_MEDIA_QUALITY_H
#define PEAL_MEDIA_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "media/emodel.h"

#define QUALITY_GMIN   16
#define QUALITY_WINDOW 64

struct quality {
    bool started, in_run;
    uint16_t newest;
    uint32_t held;               /* of the window: packets it spans */
    uint64_t arrived, discarded; /* bit i: the packet `i` before the newest */
    uint32_t c11, c13, c14, c22, c23, c33, good_run, burst_lost; /* A.2's c.., pkt, lost */
    uint64_t received, lost, thrown_away, runs; /* runs: of packets in a row that were not there */
};

/* A packet that is here for the first time. A jump far ahead or back begins anew, with what was
 * counted kept. */
void quality_take(struct quality *q, uint16_t seq);
/* It came, and too late to be played (or too early to be kept). */
void quality_discard(struct quality *q, uint16_t seq);
void quality_restart(struct quality *q); /* another source: its numbers begin anywhere */

struct quality_figures {
    uint64_t expected, lost, discarded;
    uint8_t loss_rate, discard_rate, burst_density, gap_density; /* 1/256 */
    uint16_t burst_ms, gap_ms;                                   /* mean; 0 ms: there was none */
    /* Estimated; 0: not known. MOS of listening, and with the delay. */
    bool is_wide;     /* on the scale of wide band */
    uint8_t r_factor; /* 0…100 of the scale */
    uint16_t mos_lq_hundredths, mos_cq_hundredths;
};
/* coding: of what came, NULL: not one that is known, nothing is estimated; packet_ms: of a packet;
 * delay_ms: from mouth to ear, as far as known. All 0 before a packet. */
void quality_figures(const struct quality *q, const struct emodel_coding *coding,
                     uint32_t packet_ms, uint32_t delay_ms, struct quality_figures *out);

#endif
