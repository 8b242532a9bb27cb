/* The E-model: what a listener would think of a line, estimated and never measured. ITU-T G.107 for
 * codecs of narrow band, G.107.1 for those that carry up to 7 kHz. The two ratings are two scales
 * (at best 93.2 and 129), and so are their opinions: a wideband 4.3 is better than a narrowband
 * 4.4, and a mean of both means nothing. So each figure says which it is. All other parameters are
 * the recommendations' defaults: no echo, no noise.
 *
 * What a codec costs (ITU-T G.113 Appendix I and IV, provisional planning values):
 *   G.711      Ie 0, Bpl 25.1 with concealment as ours (G.711 Appendix I; without any it is 4.3)
 *   L16/8000   as G.711, whose samples it has before they are coded
 *   G.722      Ie,wb 13 (64 kbit/s)
 *   L16/16000  Ie,wb 0: the scale's own reference
 * G.113 has no Bpl,wb for G.722 and L16, and nothing at all for Opus. For the first two stands
 * G.711's 25.1, as they are concealed by the same method; Opus is what was derived for 15 kbit/s
 * and wide band, the highest such rate published (ACM TOMM 17(4), article 133, 2021: Ie,wb 18.1,
 * Bpl,wb 18.7), so at more bits the estimate is on the low side. Pure. */
#ifndef PEAL_MEDIA_EMODEL_H
#define PEAL_MEDIA_EMODEL_H

#include <stdbool.h>

#include "media/codec.h"

struct emodel_coding {
    bool is_wide;
    double ie, bpl;
};

const struct emodel_coding *emodel_coding(enum media_codec c);

/* The rating R on the coding's own scale, at least 0. Loss in percent; burst_r 1: losses fall by
 * chance, above: they come together (G.107; nothing is published of it for wide band, where it is
 * taken likewise); delay from mouth to ear. */
double emodel_r(const struct emodel_coding *c, double loss_percent, double burst_r,
                double delay_ms);
/* R as a share of the scale, 0…100 (G.107.1 annex A: of wide band R / 1.29). */
double emodel_r_100(const struct emodel_coding *c, double r);
double emodel_mos(const struct emodel_coding *c, double r); /* 1…4.5 */

#endif
