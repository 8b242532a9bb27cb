#include "media/emodel.h"

#include <math.h>

#define R_NARROW 93.2
#define R_WIDE   129.0

const struct emodel_coding *emodel_coding(enum media_codec c)
{
    static const struct emodel_coding g711 = {.ie = 0, .bpl = 25.1},
                                      g722 = {.is_wide = true, .ie = 13, .bpl = 25.1},
                                      opus = {.is_wide = true, .ie = 18.1, .bpl = 18.7},
                                      linear = {.is_wide = true, .ie = 0, .bpl = 25.1};

    switch (c) {
    case MEDIA_G722:
        return &g722;
    case MEDIA_OPUS:
        return &opus;
    case MEDIA_L16_16:
        return &linear;
    case MEDIA_PCMU:
    case MEDIA_PCMA:
    case MEDIA_L16_8:
        break;
    }
    return &g711;
}

/* Idd of G.107 and G.107.1: up to 100 ms cost nothing. */
static double of_delay(double delay_ms)
{
    if (delay_ms <= 100)
        return 0;
    double x = log2(delay_ms / 100);

    return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

double emodel_r(const struct emodel_coding *c, double loss_percent, double burst_r, double delay_ms)
{
    double in_bursts = loss_percent / (burst_r < 1 ? 1 : burst_r);
    /* 95 on both scales. */
    double ie = c->ie + (95 - c->ie) * loss_percent / (in_bursts + c->bpl);
    double r = (c->is_wide ? R_WIDE : R_NARROW) - of_delay(delay_ms) - ie;

    return r < 0 ? 0 : r;
}

double emodel_r_100(const struct emodel_coding *c, double r)
{
    return c->is_wide ? r / (R_WIDE / 100) : r;
}

/* G.107 annex B, G.107.1 annex A. */
double emodel_mos(const struct emodel_coding *c, double r)
{
    double x = emodel_r_100(c, r);
    double mos = x <= 0 ? 1 : x >= 100 ? 4.5 : 1 + 0.035 * x + x * (x - 60) * (100 - x) * 7e-6;

    return mos < 1 ? 1 : mos;
}
