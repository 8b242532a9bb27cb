/* A stream's reports (RFC 3550 section 6): sent every 5 s on average, the interval drawn between a
 * half and one and a half of it so that legs do not report in step; what comes in gives the round
 * trip and the far end's view. Rare enough to be sent by plain system calls. */
#include <errno.h>
#include <stdio.h>

#include "media/stream.h"

#define INTERVAL_MEAN_US 5000000.0
#define COMPENSATION     1.21828 /* e - 3/2, section 6.3.1 */

static uint64_t interval_us(struct stream *s)
{
    return (uint64_t)(INTERVAL_MEAN_US * rng_uniform(&s->worker->rng, 0.5, 1.5) / COMPENSATION);
}

static int32_t lost_24(uint64_t lost)
{
    return lost > 0x7fffff ? 0x7fffff : (int32_t)lost;
}

static void fill_report(struct stream *s, struct rtcp_outgoing *out)
{
    uint64_t now_us = s->worker->loop.now_us;

    out->has_report = s->source.started;
    out->report = (struct rtcp_report){.ssrc = s->source.ssrc,
                                       .fraction = rtp_source_fraction(&s->source),
                                       .lost = lost_24(rtp_source_lost(&s->source)),
                                       .extended = rtp_source_extended(&s->source),
                                       .jitter = s->source.jitter_q4 >> 4,
                                       .last_sr = s->far_sr_mid};
    if (s->far_sr_mid)
        out->report.delay = (uint32_t)((now_us - s->far_sr_us) * 65536 / 1000000);
}

/* Half the round trip, a packet's length and our jitter buffer. */
uint32_t stream_delay_ms(const struct stream *s)
{
    return s->stats.rtt_us / 2000 + DSP_BLOCK_MS + s->stats.playout_delay_ms;
}

static uint8_t in_tenths(uint16_t hundredths)
{
    return (uint8_t)((hundredths + 5) / 10);
}

static uint16_t at_most_16(uint32_t ms)
{
    return ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
}

static void fill_xr(const struct stream *s, struct xr_voip *x)
{
    const struct quality_figures *q = &s->stats.quality;
    bool known = q->mos_cq_hundredths > 0;

    *x = (struct xr_voip){.ssrc = s->source.ssrc,
                          .loss_rate = q->loss_rate,
                          .discard_rate = q->discard_rate,
                          .burst_density = q->burst_density,
                          .gap_density = q->gap_density,
                          .burst_ms = q->burst_ms,
                          .gap_ms = q->gap_ms,
                          .round_trip_ms = at_most_16(s->stats.rtt_us / 1000),
                          .end_system_ms = at_most_16(s->stats.playout_delay_ms + DSP_BLOCK_MS),
                          .signal_level = XR_UNKNOWN,
                          .noise_level = XR_UNKNOWN,
                          .rerl = XR_UNKNOWN,
                          .gmin = QUALITY_GMIN,
                          .r_factor = known ? q->r_factor : XR_UNKNOWN,
                          .ext_r_factor = XR_UNKNOWN,
                          .mos_lq = known ? in_tenths(q->mos_lq_hundredths) : XR_UNKNOWN,
                          .mos_cq = known ? in_tenths(q->mos_cq_hundredths) : XR_UNKNOWN,
                          .config = XR_CONFIG_STANDARD_PLC | XR_CONFIG_ADAPTIVE,
                          .jb_nominal_ms = at_most_16(s->stats.playout_delay_ms),
                          .jb_max_ms = at_most_16(s->stats.playout_delay_ms),
                          .jb_most_ms = JITTER_DELAY_MAX / 8};
}

static void send_report(struct stream *s, bool bye)
{
    char cname[RTCP_CNAME_MAX];
    uint8_t p[RTCP_BYTES_MAX + SRTCP_TRAILER_MAX];
    struct rtcp_outgoing out = {.ssrc = s->ssrc,
                                .is_sender = s->stats.sent > 0,
                                .bye = bye,
                                .ntp = rtcp_ntp(s->worker->loop.now_us),
                                .rtp_ts = stream_now_ts(s),
                                .packets = (uint32_t)s->stats.sent,
                                .octets = s->sent_octets,
                                .cname = cname};

    snprintf(cname, sizeof(cname), "%08x@peal.invalid", s->ssrc);
    struct xr_voip xr;

    fill_report(s, &out);
    stream_collect(s);
    if (s->source.started) {
        fill_xr(s, &xr);
        out.xr = &xr;
    }
    uint32_t n = (uint32_t)rtcp_write(p, &out);

    if (!stream_seal(s, p, &n, true))
        return;
    if (s->shared) {
        shared_send(s, p, n);
        s->worker->count.rtcp_sent++;
        return;
    }
    if (s->rtcp_direct) {
        stream_direct_send(s, p, n, &s->far_rtcp);
        if (bye) /* before the socket leaves the table */
            io_uring_submit(&s->worker->loop.ring);
        s->worker->count.rtcp_sent++;
        return;
    }
    bool mux = s->rtcp_fd < 0;
    const struct addr *to = mux ? &s->far_rtp : &s->far_rtcp;
    int fd = mux ? s->rtp_fd : s->rtcp_fd;
    ssize_t sent = mux && s->connected ? send(fd, p, n, MSG_DONTWAIT)
                                       : sendto(fd, p, n, MSG_DONTWAIT, &to->sa, addr_len(to));

    if (sent > 0)
        s->worker->count.rtcp_sent++;
    else
        s->worker->count.send_failed++;
}

void stream_rtcp_slot(struct stream *s)
{
    uint64_t now_us = s->worker->loop.now_us;

    stream_secure_slot(s);
    if (now_us < s->rtcp_due_us)
        return;
    if (s->rtcp_due_us && (s->muted ? s->source.started : true) && addr_is_set(&s->far_rtcp)) {
        send_report(s, false);
    }
    /* The first one sooner, so that short calls know their round trip (section 6.2). */
    s->rtcp_due_us = now_us + interval_us(s) / (s->rtcp_due_us ? 1 : 2);
}

void stream_rtcp_bye(struct stream *s)
{
    if (s->has_remote && addr_is_set(&s->far_rtcp) && (s->stats.sent || s->source.started))
        send_report(s, true);
}

void stream_rtcp_take(struct stream *s, const uint8_t *p, size_t len, uint64_t arrived_us)
{
    struct rtcp_packet in;

    if (rtcp_parse(p, len, s->ssrc, &in) != OK) {
        s->worker->count.rtcp_invalid++;
        return;
    }
    s->worker->count.rtcp_received++;
    if (in.is_sender) {
        s->far_sr_mid = rtcp_ntp_mid(in.ntp);
        s->far_sr_us = arrived_us;
    }
    if (in.has_xr) {
        s->stats.far_xr = in.xr;
        s->stats.has_far_xr = true;
    }
    if (!in.has_report)
        return;
    uint32_t rtt_us = rtcp_round_trip_us(&in.report, rtcp_ntp_mid(rtcp_ntp(arrived_us)));

    if (rtt_us)
        s->stats.rtt_us = rtt_us;
    s->stats.far_jitter_us =
        (uint32_t)((uint64_t)in.report.jitter * 1000 / codec_clock_khz(s->remote.codec));
    stream_far_loss(s, in.report.fraction);
    s->stats.far_lost = in.report.lost > 0 ? (uint32_t)in.report.lost : 0;
}
