/* RTCP compounds from anywhere. What is accepted must survive being written and read again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t about = 0;
    struct rtcp_packet in, again;

    if (size < 4)
        return 0;
    memcpy(&about, data, 4);
    if (rtcp_parse(data + 4, size - 4, about, &in) != OK)
        return 0;
    rtcp_round_trip_us(&in.report, (uint32_t)size);
    uint8_t p[RTCP_BYTES_MAX];
    struct rtcp_outgoing out = {.ssrc = in.ssrc,
                                .is_sender = in.is_sender,
                                .has_report = in.has_report,
                                .bye = in.bye,
                                .ntp = in.ntp,
                                .rtp_ts = in.rtp_ts,
                                .packets = in.packets,
                                .octets = in.octets,
                                .report = in.report,
                                .xr = in.has_xr ? &in.xr : NULL,
                                .cname = "a@peal.invalid"};
    size_t n = rtcp_write(p, &out);

    assert(n <= sizeof(p) && rtcp_parse(p, n, in.report.ssrc, &again) == OK);
    assert(again.is_sender == in.is_sender && again.bye == in.bye && again.ntp == in.ntp);
    if (in.has_report)
        assert(memcmp(&again.report, &in.report, sizeof(in.report)) == 0);
    if (in.has_xr) {
        assert(rtcp_parse(p, n, in.xr.ssrc, &again) == OK && again.has_xr);
        assert(memcmp(&again.xr, &in.xr, sizeof(in.xr)) == 0);
    }
    return 0;
}
