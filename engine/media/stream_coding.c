/* A stream whose codec is not G.711: where its packets go when they come, what is heard of them,
 * and what is said. Relays never come here: between two legs of one codec packets pass as they are
 * (relay.c). */
#include <string.h>

#include "media/stream.h"

#define LOSS_KEPT 15 /* of 16 parts, from one of the far end's reports to the next */

uint32_t stream_clock_khz(const struct stream *s)
{
    return s->rx ? s->rx->coder.clock_khz : 8;
}

static uint32_t ticks_now(const struct stream *s)
{
    return (uint32_t)(s->worker->slot_us * s->rx->coder.clock_khz / 1000);
}

void stream_set_codec(struct stream *s, struct coding *c)
{
    uint32_t now_ts = stream_now_ts(s);
    uint32_t ticks = codec_clock_khz(s->remote.codec) * DSP_BLOCK_MS;

    s->own_pt = s->remote.receive_pt ? s->remote.receive_pt : s->remote.payload_type;
    s->own_event_pt = s->remote.receive_event_pt ? s->remote.receive_event_pt : s->remote.event_pt;
    if (s->tx != c && s->rx == s->tx)
        stream_source(s, c, s->rx_alaw);
    s->tx = c;
    if (ticks != s->ticks) { /* time goes on from where it is, by the other clock */
        s->ticks = ticks;
        s->ts_base += now_ts - stream_now_ts(s);
        s->marker = true;
    }
    if (c) {
        coder_wish(&c->coder, &s->remote.wishes);
        coding_hush(c);
    }
}

void stream_source(struct stream *s, struct coding *c, bool alaw)
{
    if (s->rx == c && (c || s->rx_alaw == alaw))
        return;
    stream_collect(s);
    s->rx = c;
    s->rx_alaw = alaw;
    stream_forget_heard(s);
}

bool stream_passes(const struct stream *from, const struct stream *to)
{
    if (from->rx)
        return to->remote.codec == from->rx->coder.codec;
    return !to->tx && (to->remote.codec == MEDIA_PCMA) == from->rx_alaw;
}

bool stream_passes_events(const struct stream *from, const struct stream *to)
{
    uint32_t from_khz = from->remote.event_khz ? from->remote.event_khz : 8;
    uint32_t to_khz = to->remote.event_khz ? to->remote.event_khz : 8;

    return to->remote.event_pt != LEG_NO_PAYLOAD_TYPE && from_khz == to_khz &&
           stream_clock_khz(from) == codec_clock_khz(to->remote.codec);
}

void stream_forget_heard(struct stream *s)
{
    if (s->rx)
        coding_restart(s->rx);
    else
        jitter_init(&s->hearing->jitter);
}

bool stream_coded_take(struct stream *s, const struct rtp_packet *p, uint64_t arrived_us)
{
    return coding_take(s->rx, p->seq, p->timestamp, p->payload, (uint32_t)p->payload_len,
                       (uint32_t)(arrived_us * s->rx->coder.clock_khz / 1000));
}

uint8_t stream_coded_hear(struct stream *s, bool gone)
{
    struct hearing *h = s->hearing;
    int16_t *pcm = plc_next(&h->plc);
    enum coding_heard heard = coding_hear(s->rx, ticks_now(s), pcm);

    h->plc.lost = 0; /* what is invented here is the coder's work */
    if (event_under_way(&h->keys, s->worker->loop.now_us)) {
        if (heard != CODING_GOOD)
            memset(pcm, 0, STREAM_BLOCK * sizeof(*pcm));
        return DSP_FLAG_DTMF_EVENT;
    }
    switch (heard) {
    case CODING_GOOD:
        return 0;
    case CODING_NOTHING:
        return s->comfort ? DSP_FLAG_NO_RTP | DSP_FLAG_COMFORT : DSP_FLAG_NO_RTP;
    case CODING_PAUSE:
        return DSP_FLAG_NO_RTP | DSP_FLAG_COMFORT;
    case CODING_LOST:
        break;
    }
    return stream_lost(s, gone);
}

void stream_coded_collect(struct stream *s)
{
    struct coding *c = s->rx;
    struct jitter_packets *j = &c->jitter;

    s->stats.late += j->late;
    s->stats.discarded += j->discarded;
    s->stats.recovered += c->recovered;
    s->worker->count.late += j->late;
    s->worker->count.discarded += j->discarded;
    j->late = j->discarded = c->recovered = 0;
    s->stats.playout_delay_ms = s->listening ? jitter_packets_target(j) / j->clock_khz : 0;
}

void stream_far_loss(struct stream *s, uint32_t fraction)
{
    uint32_t percent = (fraction * 100 + 255) / 256,
             kept = s->far_loss_percent * (uint32_t)LOSS_KEPT / 16;

    s->far_loss_percent = (uint8_t)(percent > kept ? percent : kept);
}

const int16_t *stream_wide(const struct stream *s)
{
    const struct stream *peer = s->peer;

    if (!peer || !s->from_pcm || !peer->listening || !peer->rx || !coding_is_wide(peer->rx))
        return NULL;
    return peer->rx->wide;
}

void stream_coded_say(struct stream *s, uint32_t ts, const int16_t *pcm, const int16_t *wide)
{
    struct worker *w = s->worker;
    struct coding *c = s->tx;
    uint8_t packet[JITTER_PACKET_BYTES];
    uint32_t len, at;

    coder_tune(&c->coder, s->complexity, s->far_loss_percent, !wide);
    uint64_t begin_us = clock_us(w->loop.clock);

    coding_say(c, pcm, wide, ts);
    while (coding_packet(c, s->remote.ptime_ms, &at, packet, sizeof(packet), &len)) {
        if (len)
            stream_send(s, s->remote.payload_type, s->marker, at, packet, len);
        s->marker = len == 0; /* after a pause a new spurt begins */
    }
    if (s->remote.codec == MEDIA_OPUS) {
        uint64_t end_us = clock_us(w->loop.clock), late_us = begin_us - w->slot_us;

        s->complexity =
            (uint8_t)codec_load_note(&w->codec_load, end_us, late_us, end_us - begin_us);
    }
}
