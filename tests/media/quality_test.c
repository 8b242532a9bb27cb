/* Quality of what comes in: losses by RFC 3611's burst and gap, disorder, and the E-model. */
#include <criterion/criterion.h>
#include <math.h>

#include "media/quality.h"

#define PACKET_MS 20

static struct quality q;
static enum media_codec codec = MEDIA_PCMA;
static struct quality_figures f;

static void figures(uint32_t delay_ms)
{
    quality_figures(&q, emodel_coding(codec), PACKET_MS, delay_ms, &f);
}

static void begin(void)
{
    q = (struct quality){0};
}

/* Packets from..to-1, those of which `lost` says so left out. */
static void packets(uint32_t from, uint32_t to, bool (*lost)(uint32_t))
{
    for (uint32_t i = from; i < to; i++)
        if (!lost || !lost(i))
            quality_take(&q, (uint16_t)i);
}

static bool each_tenth(uint32_t i)
{
    return i % 10 == 5;
}

static bool each_hundredth(uint32_t i)
{
    return i % 100 == 50;
}

/* 100 good ones, then 20 of which each second is missing, and so on. */
static bool in_bursts(uint32_t i)
{
    return i % 120 >= 100 && i % 2 == 0;
}

Test(quality, nothing_missing)
{
    begin();
    figures(0);
    cr_expect_eq(f.expected, 0);
    cr_expect_eq(f.mos_lq_hundredths, 0, "nothing came: nothing is said");
    packets(65000, 65536 + 700, NULL); /* over the end of the numbers */
    figures(0);
    cr_expect_eq(f.expected, 1236);
    cr_expect_eq(f.lost, 0);
    cr_expect_eq(f.burst_ms, 0);
    cr_expect_eq(f.gap_ms, 1236 * PACKET_MS);
    cr_expect_eq(f.mos_lq_hundredths, 441, "R 93.2: %u", f.mos_lq_hundredths);
    cr_expect_eq(f.r_factor, 93);
}

Test(quality, disorder_and_doubles_are_no_loss)
{
    begin();
    for (uint32_t i = 0; i < 1000; i += 4) {
        static const uint32_t order[] = {2, 0, 3, 1};

        for (int k = 0; k < 4; k++) {
            quality_take(&q, (uint16_t)(i + order[k]));
            quality_take(&q, (uint16_t)(i + order[k]));
        }
    }
    figures(0);
    cr_expect_eq(f.lost, 0);
    cr_expect_eq(f.expected, 998, "0 and 1 came behind the first that was seen");
}

Test(quality, single_losses_far_apart_are_a_gap)
{
    begin();
    packets(0, 10000, each_hundredth);
    figures(0);
    cr_expect_eq(f.lost, 100);
    cr_expect_eq(f.expected, 10000);
    cr_expect_eq(f.loss_rate, 2, "256 / 100");
    cr_expect_eq(f.burst_ms, 0);
    cr_expect_eq(f.burst_density, 0);
    cr_expect_eq(f.gap_density, 2);
}

Test(quality, losses_closer_than_gmin_are_a_burst)
{
    begin();
    packets(0, 10000, each_tenth);
    figures(0);
    cr_expect_eq(f.lost, 1000);
    cr_expect_eq(f.burst_ms, 65535, "one burst, as long as can be told");
    cr_expect(f.burst_density > 20 && f.burst_density < 30, "a tenth: %u", f.burst_density);
    begin();
    packets(0, 12000, in_bursts);
    figures(0);
    cr_expect_eq(f.lost, 1000);
    /* A burst is from its first to its last loss: 19 packets; density a half. The gap is the rest.
     */
    cr_expect(abs((int)f.burst_ms - 19 * PACKET_MS) <= PACKET_MS, "%u", f.burst_ms);
    cr_expect(abs((int)f.gap_ms - 101 * PACKET_MS) <= PACKET_MS, "%u", f.gap_ms);
    cr_expect(f.burst_density > 110 && f.burst_density < 150, "%u", f.burst_density);
    cr_expect_eq(f.gap_density, 0);
}

Test(quality, discards_hurt_like_losses_and_are_told_apart)
{
    begin();
    packets(0, 5000, NULL);
    for (uint32_t i = 5000; i < 10000; i++) {
        quality_take(&q, (uint16_t)i);
        if (i % 50 == 0)
            quality_discard(&q, (uint16_t)i);
    }
    figures(0);
    cr_expect_eq(f.lost, 0);
    cr_expect_eq(f.discarded, 100);
    cr_expect_eq(f.discard_rate, 2);
    cr_expect_lt(f.mos_lq_hundredths, 441);
    quality_discard(&q, 1234); /* long out of the window */
    struct quality_figures before = f;

    figures(0);
    cr_expect_eq(f.discarded, before.discarded);
}

Test(quality, a_new_source_keeps_what_was_counted)
{
    begin();
    packets(0, 1000, each_tenth);
    quality_restart(&q);
    packets(40000, 41000, NULL);
    packets(10, 1010, NULL); /* a jump without a word */
    figures(0);
    cr_expect_eq(f.expected, 3000);
    cr_expect_eq(f.lost, 100);
}

Test(quality, the_codec_and_its_scale)
{
    begin();
    packets(0, 10000, each_hundredth);
    codec = MEDIA_OPUS;
    figures(0);
    uint16_t opus = f.mos_lq_hundredths;

    cr_expect(f.is_wide);
    codec = MEDIA_L16_16;
    figures(0);
    cr_expect(f.is_wide);
    cr_expect_gt(f.mos_lq_hundredths, opus, "%u %u", f.mos_lq_hundredths, opus);
    cr_expect_leq(f.r_factor, 100, "%u", f.r_factor);
    codec = MEDIA_L16_8;
    figures(0);
    cr_expect_not(f.is_wide);
    uint16_t linear = f.mos_lq_hundredths;

    codec = MEDIA_PCMU;
    figures(0);
    cr_expect_eq(f.mos_lq_hundredths, linear);
    quality_figures(&q, NULL, PACKET_MS, 0, &f);
    cr_expect_eq(f.lost, 100, "counted whatever it was");
    cr_expect_eq(f.mos_lq_hundredths, 0, "and not judged");
}
