/* RTP headers, and what is known of a received stream. */
#include <criterion/criterion.h>
#include <string.h>

#include "media/rtp.h"

Test(rtp, reads_what_it_wrote)
{
    uint8_t p[RTP_HEADER_BYTES + 3] = {0};
    struct rtp_packet r;

    rtp_write_header(p, 101, true, 0xfffe, 0xdeadbeef, 0x01020304);
    memcpy(p + 12, "abc", 3);
    cr_assert_eq(rtp_parse(p, sizeof(p), &r), OK);
    cr_expect_eq(r.payload_type, 101);
    cr_expect(r.marker);
    cr_expect_eq(r.seq, 0xfffe);
    cr_expect_eq(r.timestamp, 0xdeadbeef);
    cr_expect_eq(r.ssrc, 0x01020304);
    cr_expect_eq(r.payload_len, 3);
    cr_expect_eq(memcmp(r.payload, "abc", 3), 0);
}

Test(rtp, skips_csrc_extension_and_padding)
{
    /* 2 CSRCs, an extension of one word, 4 bytes of audio, 3 of padding. */
    uint8_t p[12 + 8 + 8 + 4 + 3] = {0xb2, 0, 0, 1};
    struct rtp_packet r;

    p[12 + 8 + 3] = 1;
    memcpy(p + 28, "wxyz", 4);
    p[sizeof(p) - 1] = 3;
    cr_assert_eq(rtp_parse(p, sizeof(p), &r), OK);
    cr_expect_eq(r.payload_len, 4);
    cr_expect_eq(memcmp(r.payload, "wxyz", 4), 0);
}

Test(rtp, refuses_lengths_that_do_not_add_up)
{
    uint8_t p[40] = {0x80};
    struct rtp_packet r;

    cr_expect_eq(rtp_parse(p, 11, &r), ERR_INVALID);
    p[0] = 0x40;
    cr_expect_eq(rtp_parse(p, 40, &r), ERR_INVALID, "version 1");
    p[0] = 0x8f;
    cr_expect_eq(rtp_parse(p, 40, &r), ERR_INVALID, "15 CSRCs do not fit");
    p[0] = 0x90;
    p[14] = 0xff;
    cr_expect_eq(rtp_parse(p, 40, &r), ERR_INVALID, "extension beyond the end");
    p[0] = 0xa0;
    p[14] = 0;
    p[39] = 0;
    cr_expect_eq(rtp_parse(p, 40, &r), ERR_INVALID, "padding of nothing");
    p[39] = 29;
    cr_expect_eq(rtp_parse(p, 40, &r), ERR_INVALID, "padding longer than the payload");
    p[39] = 28;
    cr_expect_eq(rtp_parse(p, 40, &r), OK);
    cr_expect_eq(r.payload_len, 0);
}

static enum rtp_verdict take(struct rtp_source *s, uint32_t extended, uint32_t arrival)
{
    struct rtp_packet p = {.seq = (uint16_t)extended, .timestamp = extended * 160, .ssrc = 7};

    return rtp_source_take(s, &p, arrival, true);
}

Test(rtp, counts_loss_across_the_wrap)
{
    struct rtp_source s = {0};

    for (uint32_t i = 65000; i < 66100; i++)
        if (i % 10)
            take(&s, i, i * 160);
    cr_expect_eq(rtp_source_extended(&s), 66099);
    cr_expect_eq(rtp_source_lost(&s), 109, "%lu", (unsigned long)rtp_source_lost(&s));
    cr_expect_eq(s.received, 990);
    uint8_t fraction = rtp_source_fraction(&s);

    cr_expect(fraction >= 24 && fraction <= 26, "%u", fraction);
    cr_expect_eq(rtp_source_fraction(&s), 0, "nothing since");
}

Test(rtp, tells_duplicates_reordered_and_restarts_apart)
{
    struct rtp_source s = {0};

    cr_expect_eq(take(&s, 100, 0), RTP_RESTARTED);
    cr_expect_eq(take(&s, 102, 0), RTP_NEW);
    cr_expect_eq(rtp_source_lost(&s), 1);
    cr_expect_eq(take(&s, 101, 0), RTP_REORDERED);
    cr_expect_eq(rtp_source_lost(&s), 0);
    cr_expect_eq(take(&s, 101, 0), RTP_DUPLICATE);
    cr_expect_eq(take(&s, 102, 0), RTP_DUPLICATE);
    cr_expect_eq(s.duplicates, 2);
    cr_expect_eq(take(&s, 50000, 0), RTP_RESTARTED);
    cr_expect_eq(rtp_source_lost(&s), 0);
    struct rtp_packet other = {.seq = 50001, .ssrc = 8};

    cr_expect_eq(rtp_source_take(&s, &other, 0, true), RTP_RESTARTED, "another SSRC");
}

Test(rtp, jitter_follows_rfc_3550)
{
    struct rtp_source s = {0};
    double expected = 0.0;
    uint32_t last = 0;

    for (uint32_t i = 0; i < 400; i++) {
        uint32_t late = i * 7919 % 80;

        take(&s, i, i * 160 + late);
        if (i) {
            double d = late > last ? late - last : last - late;

            expected += (d - expected) / 16.0;
        }
        last = late;
    }
    cr_expect_float_eq(s.jitter_q4 / 16.0, expected, 1.5, "%f against %f", s.jitter_q4 / 16.0,
                       expected);
}
