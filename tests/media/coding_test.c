/* From samples said to blocks heard, without sockets: packets of each codec and length go over a
 * line that loses, delays and reorders by a seed, and what comes out is compared with what went in:
 * level, delay, likeness, and no click. */
#include <criterion/criterion.h>

#include "base/rng.h"
#include "codec_kit.h"
#include "media/coding.h"

#define SLOTS  250 /* of 20 ms */
#define N      (SLOTS * 160)
#define FLIGHT 16

static int16_t said[N], heard[N + 8000];

struct flight { /* a packet on its way */
    bool used;
    uint16_t seq;
    uint32_t ts, at_slot, len;
    uint8_t p[1300];
};

struct line {
    struct coding *out, *in;
    struct flight flight[FLIGHT];
    struct rng rng;
    double loss;
    uint32_t jitter_slots, ptime_ms;
    uint16_t seq;
    uint32_t ts_base;
    uint32_t lost, good, invented, paused;
};

static void line_open(struct line *l, enum media_codec codec, uint32_t ptime_ms, double loss)
{
    memset(l, 0, sizeof(*l));
    cr_assert_eq(coding_open(codec, &l->out), OK);
    cr_assert_eq(coding_open(codec, &l->in), OK);
    rng_seed(&l->rng, 42);
    l->loss = loss;
    l->ptime_ms = ptime_ms;
    l->ts_base = 0xffff0000u; /* wraps round on the way */
    l->seq = 0xfff0;
    coder_wish(&l->out->coder, &(struct codec_wishes){.fec = loss > 0});
    coder_tune(&l->out->coder, 5, (uint32_t)(100 * loss), true);
    coding_restart(l->in);
}

static void line_close(struct line *l)
{
    coding_close(l->out);
    coding_close(l->in);
}

static void launch(struct line *l, uint32_t slot, uint32_t ts, const uint8_t *p, uint32_t len)
{
    uint16_t seq = l->seq++;

    if (rng_uniform(&l->rng, 0.0, 1.0) < l->loss) {
        l->lost++;
        return;
    }
    for (uint32_t i = 0; i < FLIGHT; i++)
        if (!l->flight[i].used) {
            struct flight *f = &l->flight[i];

            f->used = true;
            f->seq = seq;
            f->ts = ts;
            f->len = len;
            f->at_slot = slot;
            if (l->jitter_slots)
                f->at_slot += (uint32_t)(rng_u64(&l->rng) % (l->jitter_slots + 1));
            memcpy(f->p, p, len);
            return;
        }
    cr_assert_fail("more packets on their way than there is room for");
}

static void arrive(struct line *l, uint32_t slot, uint32_t now)
{
    for (uint32_t i = 0; i < FLIGHT; i++) {
        struct flight *f = &l->flight[i];

        if (f->used && f->at_slot <= slot) {
            cr_assert(coding_take(l->in, f->seq, f->ts, f->p, f->len, now));
            f->used = false;
        }
    }
}

static void one_slot(struct line *l, uint32_t slot, bool speaks)
{
    uint32_t tick = 20 * l->out->coder.clock_khz, now = 777 + slot * tick, ts, len;
    uint8_t p[1300];

    if (speaks)
        coding_say(l->out, said + slot * 160, NULL, l->ts_base + slot * tick);
    while (coding_packet(l->out, l->ptime_ms, &ts, p, sizeof(p), &len))
        if (len)
            launch(l, slot, ts, p, len);
    arrive(l, slot, now);
    switch (coding_hear(l->in, now, heard + slot * 160)) {
    case CODING_GOOD:
        l->good++;
        break;
    case CODING_LOST:
        l->invented++;
        break;
    case CODING_PAUSE:
    case CODING_NOTHING:
        l->paused++;
        break;
    }
}

static double run(struct line *l, uint32_t *later)
{
    memset(heard, 0, sizeof(heard));
    kit_speech(said, N, 8, 3300.0);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        one_slot(l, slot, true);
    return kit_alike(said + 8000, heard + 8000, N - 12000, 1600, later);
}

static const enum media_codec all[] = {MEDIA_OPUS, MEDIA_G722, MEDIA_L16_8, MEDIA_L16_16};

Test(coding, what_is_said_in_packets_of_any_length_is_heard)
{
    static const uint32_t ptimes[] = {10, 20, 30, 40, 60};

    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t i = 0; i < 5; i++) {
            struct line l;
            uint32_t later = 0;

            line_open(&l, all[c], ptimes[i], 0.0);
            double r = run(&l, &later);

            cr_expect_gt(r, all[c] == MEDIA_OPUS ? 0.8 : 0.99, "codec %d, %u ms: %.3f", all[c],
                         ptimes[i], r);
            cr_expect_leq(later, (ptimes[i] + 45) * 8, "codec %d, %u ms: %u ms late", all[c],
                          ptimes[i], later / 8);
            cr_expect_float_eq(kit_level_db(heard + 8000, N - 8000),
                               kit_level_db(said + 8000, N - 8000), 1.5);
            cr_expect_leq(kit_step(heard + 8000, N - 8000), kit_step(said, N) * 3 / 2,
                          "codec %d, %u ms: a click", all[c], ptimes[i]);
            cr_expect_leq(l.invented, 3u, "codec %d, %u ms: %u invented", all[c], ptimes[i],
                          l.invented);
            line_close(&l);
        }
}

Test(coding, loss_is_concealed_without_clicks)
{
    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t k = 0; k < 2; k++) {
            struct line l;
            uint32_t later = 0;

            line_open(&l, all[c], 20, k ? 0.10 : 0.03);
            double r = run(&l, &later);

            cr_expect_gt(r, k ? 0.75 : 0.8, "codec %d: %.3f", all[c], r);
            cr_expect_float_eq(kit_level_db(heard + 8000, N - 8000),
                               kit_level_db(said + 8000, N - 8000), 2.0);
            cr_expect_leq(kit_step(heard + 8000, N - 8000), kit_step(said, N) * 7 / 4,
                          "codec %d: a step of %d beside %d", all[c],
                          kit_step(heard + 8000, N - 8000), kit_step(said, N));
            cr_expect_gt(l.lost, 5u);
            if (all[c] == MEDIA_OPUS) {
                cr_expect_gt(l.in->recovered, 0u, "redundancy was of use");
                cr_expect_leq(l.invented + l.in->recovered, l.lost + 4);
            } else {
                cr_expect(l.invented + 2 >= l.lost && l.invented <= l.lost + 4, "%u of %u",
                          l.invented, l.lost);
            }
            line_close(&l);
        }
}

Test(coding, what_comes_late_and_out_of_order_falls_into_place)
{
    for (uint32_t c = 0; c < 4; c++) {
        struct line l;
        uint32_t later = 0;

        line_open(&l, all[c], 20, 0.0);
        l.jitter_slots = 3;
        double r = run(&l, &later);

        cr_expect_gt(r, all[c] == MEDIA_OPUS ? 0.75 : 0.95, "codec %d: %.3f", all[c], r);
        cr_expect_leq(l.invented, 8u, "codec %d: %u invented", all[c], l.invented);
        cr_expect_geq(later / 8, 60, "the delay has grown to what the line needs");
        cr_expect_leq(later / 8, 130, "%u ms", later / 8);
        line_close(&l);
    }
}

Test(coding, a_pause_of_the_senders_is_no_loss_and_the_delay_shrinks_in_it)
{
    for (uint32_t c = 0; c < 4; c++) {
        struct line l;

        line_open(&l, all[c], 20, 0.0);
        kit_speech(said, N, 8, 3300.0);
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            one_slot(&l, slot, slot % 125 < 75);
        cr_expect_eq(l.in->jitter.resyncs, 0);
        cr_expect_eq(l.in->jitter.late, 0);
        cr_expect_geq(l.good, 145u, "codec %d: %u", all[c], l.good);
        for (uint32_t i = 105 * 160; i < 115 * 160; i++)
            cr_assert_eq(heard[i], 0, "silent in the pause");
        line_close(&l);
    }
}

Test(coding, discontinuous_opus_is_comfort_noise_not_loss)
{
    struct line l;

    line_open(&l, MEDIA_OPUS, 20, 0.0);
    coder_wish(&l.out->coder, &(struct codec_wishes){.dtx = true});
    kit_speech(said, N, 8, 3300.0);
    for (uint32_t i = N / 4; i < N; i++)
        said[i] = (int16_t)(rng_u64(&l.rng) % 31) - 15;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        one_slot(&l, slot, true);
    cr_expect_lt((uint16_t)(l.seq - 0xfff0), SLOTS * 3 / 4, "packets were left out");
    cr_expect_gt(l.paused, 60u, "%u blocks of pause", l.paused);
    cr_expect_lt(l.invented, 20u, "%u blocks count as lost", l.invented);
    line_close(&l);
}

Test(coding, a_clock_that_jumps_begins_anew)
{
    struct line l;

    line_open(&l, MEDIA_G722, 20, 0.0);
    kit_speech(said, N, 8, 3300.0);
    for (uint32_t slot = 0; slot < 100; slot++)
        one_slot(&l, slot, true);
    l.ts_base += 1000000;
    for (uint32_t slot = 100; slot < 200; slot++)
        one_slot(&l, slot, true);
    cr_expect_geq(l.good, 190u, "%u", l.good);
    cr_expect_geq(l.in->jitter.resyncs, 1u);
    line_close(&l);
}

Test(coding, wide_band_stays_wide_and_is_narrowed_for_detectors)
{
    static int16_t wide[16000], back[16000 + 4000];
    struct coding *out, *in;
    uint32_t later = 0, ts, len;
    uint8_t p[1300];

    cr_assert_eq(coding_open(MEDIA_G722, &out), OK);
    cr_assert_eq(coding_open(MEDIA_G722, &in), OK);
    kit_speech(wide, 16000, 16, 7000.0);
    for (uint32_t slot = 0; slot < 50; slot++) {
        int16_t narrow[160];

        coding_say(out, NULL, wide + slot * 320, slot * 160);
        while (coding_packet(out, 20, &ts, p, sizeof(p), &len))
            cr_assert(coding_take(in, (uint16_t)slot, ts, p, len, slot * 160));
        coding_hear(in, slot * 160, narrow);
        memcpy(back + slot * 320, in->wide, sizeof(in->wide));
    }
    cr_expect_gt(kit_alike(wide + 3200, back + 3200, 8000, 2000, &later), 0.99);
    coding_close(out);
    coding_close(in);
}
