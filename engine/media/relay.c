/* Bridged streams of one law: a packet goes on as it came, with its header rewritten in place and
 * no decoding. Sequence numbers and timestamps keep the distances they had, so loss, reordering and
 * silence suppression stay visible to the far end; after each packet of our own the distances are
 * taken anew and the marker says so. Streams of different law meet in PCM: the peer's jitter buffer
 * is listened to and its blocks are coded again (send.c). */
#include <string.h>

#include "media/stream.h"

#define JUMP_MAX 100 /* blocks off our clock: the source started anew */

void stream_bridge_told(struct stream *s)
{
    if (s->bridged_told)
        return;
    s->bridged_told = true;
    stream_tell(s, MEDIA_EV_BRIDGED);
}

static void relay_start(struct stream *to, const struct rtp_packet *p)
{
    uint32_t ts = stream_now_ts(to);

    if (to->stats.sent && (int32_t)(ts - to->last_ts) < (int32_t)to->ticks)
        ts = to->last_ts + to->ticks;
    to->relaying = true;
    to->relay_ssrc = p->ssrc;
    to->relay_ts_off = ts - p->timestamp;
    to->relay_seq_off = (uint16_t)(to->seq - p->seq);
    to->marker = to->seam.due = true;
}

static bool jumped(const struct stream *to, const struct rtp_packet *p)
{
    int32_t off = (int32_t)(p->timestamp + to->relay_ts_off - stream_now_ts(to));
    int16_t step = (int16_t)(p->seq + to->relay_seq_off - to->seq);

    int32_t most = JUMP_MAX * (int32_t)to->ticks;

    return p->ssrc != to->relay_ssrc || off > most || off < -most || step > 3000 || step < -3000;
}

/* Where the packet is sealed: in the buffer it came in, or in a copy when that has no room left. */
static uint8_t *room_to_seal(const struct stream *to, uint8_t *packet, uint32_t len,
                             uint16_t buffer)
{
    struct worker *w = to->worker;

    if (buffer == STREAM_NO_BUFFER)
        return packet;
    const uint8_t *end = (const uint8_t *)bufring_at(&w->buffers, buffer) + WORKER_RECEIVE_BYTES;

    if (!to->out || len + SRTP_TRAILER_MAX <= (size_t)(end - packet))
        return packet;
    uint8_t *copy = worker_arena(w, len + SRTP_TRAILER_MAX);

    memcpy(copy, packet, len);
    return copy;
}

static bool send_on(struct stream *to, const struct rtp_packet *p, uint8_t *payload, uint8_t pt,
                    uint16_t buffer)
{
    uint16_t seq = (uint16_t)(p->seq + to->relay_seq_off);
    uint32_t ts = p->timestamp + to->relay_ts_off;
    uint8_t *header = payload - RTP_HEADER_BYTES;
    uint32_t len = RTP_HEADER_BYTES + p->payload_len;

    rtp_write_header(header, pt, p->marker || to->marker, seq, ts, to->ssrc);
    if (pt == to->remote.payload_type && !to->tx && !to->remote.opaque)
        seam_pass(&to->seam, payload, (uint32_t)p->payload_len, to->remote.codec == MEDIA_PCMA,
                  to->worker->loop.now_us);
    to->marker = false;
    if ((int16_t)(seq + 1 - to->seq) > 0)
        to->seq = (uint16_t)(seq + 1);
    if ((int32_t)(ts - to->last_ts) > 0 || to->stats.sent == 0)
        to->last_ts = ts;
    header = room_to_seal(to, header, len, buffer);
    if (!stream_seal(to, header, &len, false))
        return false;
    to->stats.relayed++;
    to->stats.sent_bytes += p->payload_len;
    to->sent_octets += p->payload_len;
    to->worker->count.rtp_relayed++;
    stream_send_bytes(to, header, len);
    return true;
}

static void set_from_pcm(struct stream *to, struct stream *from, bool on)
{
    if (to->from_pcm == on)
        return;
    to->from_pcm = on;
    stream_listen(from);
}

bool stream_relay(struct stream *from, const struct rtp_packet *p, uint8_t *payload, bool is_event,
                  uint16_t buffer)
{
    struct stream *to = from->peer;
    uint8_t pt = is_event ? to->remote.event_pt : to->remote.payload_type;

    if (!to->hearing || !stream_sends(to) || pt == LEG_NO_PAYLOAD_TYPE ||
        (is_event && !stream_passes_events(from, to)))
        return false;
    if (is_event && (to->from_pcm || from->keys_across == MEDIA_KEYS_KEEP))
        return false; /* made anew (media/keys.h), or not at all */
    if (!is_event)
        set_from_pcm(to, from, !stream_passes(from, to) || (from->rx && keys_silence(from)));
    if (!player_idle(&to->hearing->player) || to->from_pcm)
        return false;
    if (!is_event && keys_silence(from))
        memset(payload, from->rx_alaw ? 0xd5 : 0xff, p->payload_len);
    if (!to->relaying || jumped(to, p))
        relay_start(to, p);
    if (!send_on(to, p, payload, pt, buffer))
        return false;
    stream_bridge_told(to);
    if (buffer != STREAM_NO_BUFFER)
        worker_hold(to->worker, buffer);
    return true;
}
