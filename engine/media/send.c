/* The sending half of a stream: once a slot, 20 ms of what the player, the peer or silence has to
 * say. Timestamps follow the slots of the steady clock, also while nothing is sent. */
#include <string.h>

#include "media/impair.h"
#include "media/stream.h"

#define EVENT_VOLUME       10 /* -dBm0 (RFC 4733 section 2.3.3) */
#define EVENT_ENDS         3
#define RELAY_GAP_US       200000 /* a relayed peer silent for longer: we fill with silence */
#define RELAY_GAP_CODED_US 600000 /* Opus may be silent for 400 ms on purpose */

struct unconnected { /* of a send without a connected socket */
    struct msghdr msg;
    struct iovec iov;
};

bool stream_sends(const struct stream *s)
{
    return s->has_remote && !s->muted && s->remote.direction & MEDIA_SEND && s->end == STREAM_STAYS;
}

uint32_t stream_now_ts(const struct stream *s)
{
    uint64_t round = s->worker->slot_us / (WORKER_SLOTS * WORKER_SLOT_US);

    return s->ts_base + (uint32_t)round * s->ticks;
}

uint32_t stream_rounds_missed(const struct stream *s)
{
    int32_t behind = (int32_t)(stream_now_ts(s) - s->slot_ts) / (int32_t)s->ticks - 1;

    return behind < 0 ? 0 : behind > STREAM_MISSED_MAX ? STREAM_MISSED_MAX : (uint32_t)behind;
}

void stream_push_bytes(struct stream *s, const uint8_t *p, uint32_t n)
{
    struct worker *w = s->worker;
    struct unconnected *u = NULL;

    if (s->shared) {
        shared_send(s, p, n);
        return;
    }
    if (!s->connected) {
        u = worker_arena(w, sizeof(*u));
        u->iov = (struct iovec){(void *)(uintptr_t)p, n};
        u->msg = (struct msghdr){.msg_name = &s->far_rtp,
                                 .msg_namelen = addr_len(&s->far_rtp),
                                 .msg_iov = &u->iov,
                                 .msg_iovlen = 1};
    }
    struct io_uring_sqe *sqe = loop_sqe(&w->loop, &w->send_op);

    w->loop.inflight--; /* success posts no completion: see worker.c, send_failed */
    if (u)
        io_uring_prep_sendmsg(sqe, s->fixed ? (int)s->index : s->rtp_fd, &u->msg, MSG_DONTWAIT);
    else
        io_uring_prep_send(sqe, s->fixed ? (int)s->index : s->rtp_fd, p, n, MSG_DONTWAIT);
    sqe->flags |= s->fixed ? IOSQE_CQE_SKIP_SUCCESS | IOSQE_FIXED_FILE : IOSQE_CQE_SKIP_SUCCESS;
}

static void count_sent(struct stream *s)
{
    s->stats.sent++;
    s->worker->count.rtp_sent++;
}

void stream_send_bytes(struct stream *s, const uint8_t *p, uint32_t n)
{
    stream_push_bytes(s, p, n);
    count_sent(s);
}

void stream_send(struct stream *s, uint8_t payload_type, bool marker, uint32_t ts,
                 const uint8_t *payload, uint32_t n)
{
    uint32_t len = RTP_HEADER_BYTES + n;
    uint8_t *p = worker_arena(s->worker, len + SRTP_TRAILER_MAX);

    rtp_write_header(p, payload_type, marker, s->seq++, ts, s->ssrc);
    if (n)
        memcpy(p + RTP_HEADER_BYTES, payload, n);
    s->last_ts = ts;
    s->last_sent_us = s->worker->slot_us;
    s->relaying = false;
    if (!s->impair && !stream_seal(s, p, &len, false))
        return;
    s->stats.sent_bytes += n;
    s->sent_octets += n;
    if (s->impair) { /* seals it: a drifting clock changes its numbers first */
        impair_take(s->impair, p, len, s->worker->loop.now_us);
        count_sent(s);
        return;
    }
    stream_send_bytes(s, p, len);
}

/* Audio of one slot, in packets of the length that was agreed. */
static void send_audio(struct stream *s, uint32_t ts, uint8_t *coded)
{
    struct hearing *h = s->hearing;
    uint32_t need = s->remote.ptime_ms * 8u;

    if (s->relaying)
        s->seam.due = true;
    seam_pass(&s->seam, coded, STREAM_BLOCK, s->remote.codec == MEDIA_PCMA, s->worker->loop.now_us);
    if (need == STREAM_BLOCK) {
        stream_send(s, s->remote.payload_type, s->marker, ts, coded, STREAM_BLOCK);
        s->marker = false;
        return;
    }
    if (h->packed_len == 0 || h->packed_ts + h->packed_len != ts) {
        h->packed_len = 0;
        h->packed_ts = ts;
    }
    memcpy(h->packed + h->packed_len, coded, STREAM_BLOCK);
    h->packed_len += STREAM_BLOCK;
    while (h->packed_len >= need) {
        stream_send(s, s->remote.payload_type, s->marker, h->packed_ts, h->packed, need);
        s->marker = false;
        h->packed_len -= need;
        h->packed_ts += need;
        memmove(h->packed, h->packed + need, h->packed_len);
    }
}

static void send_event(struct stream *s, bool first, bool last)
{
    uint8_t payload[EVENT_BYTES];

    uint32_t duration = s->event_duration * (s->remote.event_khz ? s->remote.event_khz : 8u) / 8;

    event_write(payload, s->event_code, last, EVENT_VOLUME,
                (uint16_t)(duration > UINT16_MAX ? UINT16_MAX : duration));
    stream_send(s, s->remote.event_pt, first, s->event_ts, payload, sizeof(payload));
}

/* An RFC 4733 packet for this slot. Its timestamp is that of the event's start. */
static void say_event(struct stream *s, const struct player_block *b, uint32_t ts, bool sends)
{
    if (b->first) {
        s->event_ts = ts;
        s->event_code = (uint8_t)dtmf_code(b->digit);
    }
    s->event_duration = b->duration;
    s->event_active = !b->last;
    s->marker = true; /* audio after an event begins a new spurt */
    if (sends)
        send_event(s, b->first, b->last);
}

/* The queue was stopped in the middle of a key: the far end must hear its end. */
static void end_event(struct stream *s, bool sends)
{
    s->event_active = false;
    for (int i = 0; sends && i < EVENT_ENDS; i++)
        send_event(s, false, true);
}

/* What a stream says while its player is idle. false: nothing (the relay does). */
static bool say_idle(struct stream *s, struct player_block *b, bool alaw)
{
    struct stream *peer = s->peer;

    if (peer && s->from_pcm && peer->listening) {
        if (keys_silence(peer))
            memset(b->pcm, 0, sizeof(b->pcm));
        else
            memcpy(b->pcm, plc_block(&peer->hearing->plc), sizeof(b->pcm));
        dsp_g711_encode(b->pcm, b->coded, STREAM_BLOCK, alaw);
        if (stream_sends(s))
            stream_bridge_told(s);
        return true;
    }
    uint64_t gap_us = s->tx ? RELAY_GAP_CODED_US : RELAY_GAP_US;

    if (peer && s->relaying && s->worker->loop.now_us - peer->last_rtp_us < gap_us) {
        if (s->hearing->tape)
            memcpy(b->pcm, plc_block(&peer->hearing->plc), sizeof(b->pcm));
        return false;
    }
    memset(b->coded, alaw ? 0xd5 : 0xff, sizeof(b->coded));
    memset(b->pcm, 0, sizeof(b->pcm));
    return !s->hushed;
}

/* What the player plays, or nothing, with the others of the conversation over it. */
static void say_mix(struct stream *s, struct player_block *b, bool alaw, bool idle)
{
    if (idle)
        memset(b->pcm, 0, sizeof(b->pcm));
    mixer_say(s, b->pcm);
    dsp_g711_encode(b->pcm, b->coded, STREAM_BLOCK, alaw);
}

/* This slot's timestamp, later than any that was sent (a relay may have run ahead). */
static uint32_t fresh_ts(struct stream *s)
{
    uint32_t ts = stream_now_ts(s);

    if (s->stats.sent && (int32_t)(ts - s->last_ts) <= 0) {
        s->ts_base += s->last_ts + s->ticks - ts;
        ts = s->last_ts + s->ticks;
    }
    return ts;
}

/* How loud the detectors are told that we are: what the player plays. What a relay passes on is not
 * decoded for it. */
static uint8_t said_level(const struct stream *s, const uint8_t *coded, bool alaw)
{
    int16_t pcm[STREAM_BLOCK];

    if (!s->detect || s->phase == DSP_OFF)
        return 0;
    dsp_g711_decode(coded, pcm, STREAM_BLOCK, alaw);
    return dsp_sent_level(pcm);
}

static bool key_is_event(const struct stream *s)
{
    const struct player *p = &s->hearing->player;
    const struct player_item *item = &p->queue[p->head];

    return p->count && item->kind == PLAYER_DTMF && !item->dtmf.in_band &&
           s->remote.event_pt != LEG_NO_PAYLOAD_TYPE;
}

void stream_send_slot(struct stream *s)
{
    struct hearing *h = s->hearing;
    struct player_block b;
    bool alaw = s->remote.codec == MEDIA_PCMA, recording = h->tape != NULL;
    bool sends = stream_sends(s), audio = true;
    bool idle = player_idle(&h->player), mixes = mixer_mixes(s) && !keys_play(s);

    if (s->end == STREAM_STAYS)
        stream_arm(s);
    if (stream_on_packets(s)) {
        stream_packets_begin(s, s->worker->slot_us);
        h->sent_db = 0;
        if (recording)
            memset(h->sent, 0, sizeof(h->sent));
        if (s->event_active)
            end_event(s, sends);
        s->slot_ts = stream_now_ts(s);
        stream_rtcp_slot(s);
        return;
    }
    bool gap = s->hushed && key_is_event(s); /* then what is no event is the pause after a key */
    enum player_said said = player_next(&h->player, alaw, s->remote.event_pt != LEG_NO_PAYLOAD_TYPE,
                                        recording || mixes || s->tx, &b);

    said = keys_say(s, said, &b);
    if (said == PLAYER_EVENT)
        audio = false;
    else if (mixes)
        say_mix(s, &b, alaw, idle);
    else if (idle)
        audio = say_idle(s, &b, alaw);
    else if (gap && said == PLAYER_AUDIO)
        audio = false;
    if (recording) {
        if (sends)
            memcpy(h->sent, b.pcm, sizeof(h->sent));
        else
            memset(h->sent, 0, sizeof(h->sent));
    }
    h->sent_db = idle || !sends || said == PLAYER_EVENT ? 0 : said_level(s, b.coded, alaw);
    uint32_t ts = audio || said == PLAYER_EVENT ? fresh_ts(s) : 0;

    s->slot_ts = stream_now_ts(s);
    if (said == PLAYER_EVENT) {
        say_event(s, &b, ts, sends);
    } else {
        if (s->event_active)
            end_event(s, sends);
        if (audio && sends && !s->remote.opaque && s->tx)
            stream_coded_say(s, ts, b.pcm, idle && !mixes ? stream_wide(s) : NULL);
        else if (audio && sends && !s->remote.opaque)
            send_audio(s, ts, b.coded);
        else if (!sends)
            s->marker = true;
    }
    if (b.done) {
        struct player_item item = {.cookie = b.cookie, .internal = b.done_internal};

        stream_play_ended(s, &item, OK);
        mixer_settle(s);
    }
    stream_alive_slot(s);
    stream_rtcp_slot(s);
}
