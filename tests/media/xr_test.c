/* Extended reports, by the letter of RFC 3611 section 4.7, alone and in a compound. */
#include <criterion/criterion.h>
#include <string.h>

#include "media/rtcp.h"
#include "media/rtp.h"

static const struct xr_voip sample = {.ssrc = 0x22222222,
                                      .loss_rate = 1,
                                      .discard_rate = 2,
                                      .burst_density = 128,
                                      .gap_density = 4,
                                      .burst_ms = 0x0102,
                                      .gap_ms = 0x0304,
                                      .round_trip_ms = 0x0506,
                                      .end_system_ms = 0x0708,
                                      .signal_level = XR_UNKNOWN,
                                      .noise_level = XR_UNKNOWN,
                                      .rerl = XR_UNKNOWN,
                                      .gmin = 16,
                                      .r_factor = 93,
                                      .ext_r_factor = XR_UNKNOWN,
                                      .mos_lq = 44,
                                      .mos_cq = 43,
                                      .config = 0xf0,
                                      .jb_nominal_ms = 40,
                                      .jb_max_ms = 60,
                                      .jb_most_ms = 300};

static size_t compound(uint8_t *p)
{
    const struct rtcp_outgoing out = {
        .ssrc = 0x11111111, .bye = true, .xr = &sample, .cname = "abc@peal.invalid"};

    return rtcp_write(p, &out);
}

Test(xr, each_field_has_its_place)
{
    static const uint8_t wanted[XR_PACKET_BYTES] = {
        0x80, 207, 0,  10,  0x11, 0x11, 0x11, 0x11, 7, 0,  0, 8,  0x22, 0x22, 0x22,
        0x22, 1,   2,  128, 4,    1,    2,    3,    4, 5,  6, 7,  8,    127,  127,
        127,  16,  93, 127, 44,   43,   0xf0, 0,    0, 40, 0, 60, 1,    44};
    uint8_t p[XR_PACKET_BYTES];

    xr_write(p, 0x11111111, &sample);
    cr_assert_eq(memcmp(p, wanted, sizeof(p)), 0);
}

Test(xr, read_out_of_a_compound)
{
    uint8_t p[RTCP_BYTES_MAX];
    struct rtcp_packet in;
    size_t n = compound(p);

    cr_assert_eq(rtcp_parse(p, n, 0x22222222, &in), OK);
    cr_assert(in.has_xr && in.bye);
    cr_assert_eq(memcmp(&in.xr, &sample, sizeof(sample)), 0);
    cr_assert_eq(rtcp_parse(p, n, 0x33333333, &in), OK);
    cr_assert_not(in.has_xr, "about somebody else");
}

Test(xr, other_blocks_are_stepped_over)
{
    /* sender, a receiver reference time (BT 4), ours, a statistics summary of no length (BT 6) */
    uint8_t p[4 + 12 + 36 + 4] = {0, 0, 0, 1, 4, 0, 0, 2}, whole[XR_PACKET_BYTES];
    struct xr_voip out;
    bool found;

    xr_write(whole, 1, &sample);
    memcpy(p + 16, whole + 8, 36);
    p[52] = 6;
    cr_assert_eq(xr_read(p, sizeof(p), 0x22222222, &out, &found), OK);
    cr_assert(found);
    cr_assert_eq(memcmp(&out, &sample, sizeof(out)), 0);
}

Test(xr, malformed_ones_are_refused_and_take_no_report_with_them)
{
    uint8_t p[RTCP_BYTES_MAX], whole[XR_PACKET_BYTES];
    struct rtcp_packet in;
    struct xr_voip out;
    bool found;

    xr_write(whole, 1, &sample);
    for (size_t cut = 0; cut < 40; cut++)
        if (cut != 4) /* no block at all is well-formed */
            cr_expect_eq(xr_read(whole + 4, cut, 0x22222222, &out, &found), ERR_INVALID, "%zu",
                         cut);
    whole[11] = 7; /* a VoIP block that is a word too short, with a word behind it */
    cr_expect_eq(xr_read(whole + 4, 40, 0x22222222, &out, &found), ERR_INVALID);
    whole[11] = 9;
    cr_expect_eq(xr_read(whole + 4, 40, 0x22222222, &out, &found), ERR_INVALID);

    size_t n = compound(p), xr = n - 8 - XR_PACKET_BYTES;
    p[xr + 11] = 200;
    cr_expect_eq(rtcp_parse(p, n, 0x22222222, &in), OK);
    cr_expect(!in.has_xr && in.bye);
}
