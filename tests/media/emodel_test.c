/* The E-model: values of the recommendations' formulas with their defaults. */
#include <criterion/criterion.h>

#include "media/emodel.h"

static double r_of(enum media_codec c, double loss, double burst_r, double delay_ms)
{
    return emodel_r(emodel_coding(c), loss, burst_r, delay_ms);
}

static double mos_of(enum media_codec c, double r)
{
    return emodel_mos(emodel_coding(c), r);
}

Test(emodel, narrow_band)
{
    static const enum media_codec narrow[] = {MEDIA_PCMU, MEDIA_PCMA, MEDIA_L16_8};

    for (int i = 0; i < 3; i++) {
        enum media_codec c = narrow[i];

        cr_expect_not(emodel_coding(c)->is_wide);
        cr_expect_float_eq(r_of(c, 0, 1, 0), 93.2, 1e-9);
        cr_expect_float_eq(r_of(c, 0, 1, 100), 93.2, 1e-9, "up to 100 ms cost nothing");
        cr_expect_float_eq(r_of(c, 0, 1, 400), 93.2 - 24.4, 0.6, "%f", r_of(c, 0, 1, 400));
        cr_expect_float_eq(r_of(c, 1, 1, 0), 93.2 - 95 * 1 / 26.1, 1e-9);
        cr_expect_lt(r_of(c, 5, 4, 0), r_of(c, 5, 1, 0), "in bursts it hurts more");
        cr_expect_eq(r_of(c, 100, 1, 1000), 0);
        cr_expect_float_eq(mos_of(c, 93.2), 4.41, 0.005);
        cr_expect_float_eq(mos_of(c, 50), 2.58, 0.005);
        cr_expect_float_eq(mos_of(c, 0), 1, 1e-9);
        cr_expect_float_eq(mos_of(c, 3), 1, 1e-9, "never below 1");
        cr_expect_float_eq(mos_of(c, 100), 4.5, 1e-9);
    }
}

/* R and its opinion by G.107.1 (7-1), (7-15) and annex A: of Ie,wb 13, R 116, R / 1.29 = 89.92. */
Test(emodel, wide_band)
{
    cr_expect_float_eq(r_of(MEDIA_L16_16, 0, 1, 0), 129, 1e-9);
    cr_expect_float_eq(mos_of(MEDIA_L16_16, 129), 4.5, 1e-9);
    cr_expect_float_eq(r_of(MEDIA_G722, 0, 1, 0), 116, 1e-9);
    cr_expect_float_eq(emodel_r_100(emodel_coding(MEDIA_G722), 116), 89.9225, 1e-4);
    cr_expect_float_eq(mos_of(MEDIA_G722, 116), 4.3371, 5e-4);
    cr_expect_float_eq(mos_of(MEDIA_G722, 88), 3.5123, 5e-4);
    cr_expect_float_eq(mos_of(MEDIA_G722, 73), 2.9220, 5e-4);
    cr_expect_float_eq(r_of(MEDIA_OPUS, 2, 1, 0), 129 - 18.1 - (95 - 18.1) * 2 / 20.7, 1e-9);
    cr_expect_float_eq(129 - r_of(MEDIA_G722, 0, 1, 300), 13 + 93.2 - r_of(MEDIA_PCMU, 0, 1, 300),
                       1e-9, "delay costs the same");
}

Test(emodel, more_loss_is_never_better)
{
    static const enum media_codec all[] = {MEDIA_PCMU, MEDIA_PCMA,  MEDIA_G722,
                                           MEDIA_OPUS, MEDIA_L16_8, MEDIA_L16_16};

    for (int i = 0; i < 6; i++)
        for (int loss = 1; loss < 100; loss++)
            cr_expect_lt(r_of(all[i], loss, 1, 50), r_of(all[i], loss - 1, 1, 50) + 1e-12);
}
