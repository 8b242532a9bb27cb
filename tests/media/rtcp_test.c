/* RTCP compounds: written and read, by the letter of RFC 3550. */
#include <criterion/criterion.h>
#include <string.h>

#include "media/rtcp.h"
#include "media/rtp.h"

static size_t sample(uint8_t *p, bool sender, bool report, bool bye)
{
    struct rtcp_outgoing out = {.ssrc = 0x11111111,
                                .is_sender = sender,
                                .has_report = report,
                                .bye = bye,
                                .ntp = UINT64_C(0x0102030405060708),
                                .rtp_ts = 160,
                                .packets = 50,
                                .octets = 8000,
                                .cname = "abc@peal.invalid"};

    out.report = (struct rtcp_report){.ssrc = 0x22222222,
                                      .fraction = 25,
                                      .lost = -3,
                                      .extended = 70000,
                                      .jitter = 12,
                                      .last_sr = 0x03040506,
                                      .delay = 65536};
    return rtcp_write(p, &out);
}

Test(rtcp, reads_what_it_wrote)
{
    uint8_t p[RTCP_BYTES_MAX];
    struct rtcp_packet in;

    for (int i = 0; i < 8; i++) {
        size_t n = sample(p, i & 1, i & 2, i & 4);

        cr_assert_leq(n, sizeof(p));
        cr_assert_eq(n % 4, 0);
        cr_assert_eq(rtcp_parse(p, n, 0x22222222, &in), OK, "variant %d", i);
        cr_expect_eq(in.ssrc, 0x11111111);
        cr_expect_eq(in.is_sender, (i & 1) != 0);
        cr_expect_eq(in.has_report, (i & 2) != 0);
        cr_expect_eq(in.bye, (i & 4) != 0);
        if (in.is_sender) {
            cr_expect_eq(in.ntp, UINT64_C(0x0102030405060708));
            cr_expect_eq(in.packets, 50);
            cr_expect_eq(in.octets, 8000);
        }
        if (in.has_report) {
            cr_expect_eq(in.report.fraction, 25);
            cr_expect_eq(in.report.lost, -3);
            cr_expect_eq(in.report.extended, 70000);
            cr_expect_eq(in.report.jitter, 12);
            cr_expect_eq(in.report.last_sr, 0x03040506);
            cr_expect_eq(in.report.delay, 65536);
        }
        cr_expect_eq(rtcp_parse(p, n, 0x33333333, &in), OK);
        cr_expect_not(in.has_report, "a report about somebody else");
    }
}

Test(rtcp, the_first_packet_is_sr_or_rr_and_sdes_is_always_there)
{
    uint8_t p[RTCP_BYTES_MAX];
    size_t n = sample(p, true, true, false);

    cr_expect_eq(p[0], 0x81, "version 2, one report block");
    cr_expect_eq(p[1], 200);
    size_t first = ((size_t)rtp_get16(p + 2) + 1) * 4;

    cr_expect_eq(first, 52);
    cr_expect_eq(p[first + 1], 202);
    cr_expect_eq(p[first + 8], 1, "CNAME");
    cr_expect_eq(p[first + 9], 16);
    cr_expect_eq(memcmp(p + first + 10, "abc@peal.invalid", 16), 0);
    cr_expect_eq(p[first + 26], 0, "end of the items");
    cr_expect_eq(first + ((size_t)rtp_get16(p + first + 2) + 1) * 4, n);
}

Test(rtcp, refuses_malformed_compounds)
{
    uint8_t p[RTCP_BYTES_MAX];
    struct rtcp_packet in;
    size_t n = sample(p, true, true, true);

    for (size_t cut = 1; cut < n; cut++)
        if (cut != 52 && cut != 80) /* there whole packets end */
            cr_expect_eq(rtcp_parse(p, cut, 0, &in), ERR_INVALID, "cut to %zu", cut);
    cr_expect_eq(rtcp_parse(p + 52, n - 52, 0, &in), ERR_INVALID, "SDES first");
    p[0] = 0x9f;
    cr_expect_eq(rtcp_parse(p, n, 0, &in), ERR_INVALID, "31 blocks do not fit");
    cr_expect_eq(rtcp_parse(p, 0, 0, &in), ERR_INVALID);
}

Test(rtcp, round_trip)
{
    struct rtcp_report r = {.last_sr = 0x00010000, .delay = 0x8000};

    cr_expect_eq(rtcp_round_trip_us(&r, 0x00010000 + 0x8000 + 0x2000), 125000);
    cr_expect_eq(rtcp_round_trip_us(&r, 0x00010000), 0, "less than the delay: a lie");
    r.last_sr = 0;
    cr_expect_eq(rtcp_round_trip_us(&r, 0x00020000), 0, "no SR was seen");
    cr_expect_eq(rtcp_ntp_mid(rtcp_ntp(2500000)), 0x00028000);
}
