/* Captured packets of a stream's player, sent at their own milliseconds instead of once a slot.
 * Streams that play some are in the worker's list `timed`, looked at before each slot of 1 ms.
 *
 * The stream's SSRC, sequence numbers and timestamps go on: each packet's are those of the capture
 * against its first one, so what was lost or out of order there is so here. */
#include <string.h>

#include "media/stream.h"

#define PT_COMFORT 13

static struct player_item *head_of(struct stream *s)
{
    return &s->hearing->player.queue[s->hearing->player.head];
}

void stream_packets_stop(struct stream *s)
{
    struct packet_sending *p = s->hearing ? &s->hearing->sending : NULL;

    if (!p || !p->listed)
        return;
    list_remove(&p->node);
    p->listed = false;
}

void stream_packets_begin(struct stream *s, uint64_t at_us)
{
    struct packet_sending *p = &s->hearing->sending;

    if (p->listed || s->slot == WORKER_SLOTS)
        return;
    uint32_t clock_hz = head_of(s)->clock_hz;

    s->hushed = true; /* what follows is sent by its own timing only */
    if (!p->under_way) {
        /* On from the last packet by the payload's clock; at first by ours. */
        uint64_t since_us = at_us > s->last_sent_us ? at_us - s->last_sent_us : 0;
        uint32_t step = (uint32_t)(since_us * clock_hz / 1000000);

        p->under_way = true;
        p->at = 0;
        p->begin_us = at_us;
        p->seq = s->seq;
        p->ts = s->stats.sent ? s->last_ts + (step ? step : 1) : stream_now_ts(s);
    }
    list_push_back(&s->worker->timed, &p->node);
    p->listed = true;
}

void stream_packets_adopted(struct stream *s)
{
    if (s->hearing && stream_on_packets(s))
        stream_packets_begin(s, clock_us(s->worker->loop.clock));
}

static const uint8_t *other_law(struct stream *s, const uint8_t *payload, uint32_t n, bool to_alaw)
{
    uint8_t *out = worker_arena(s->worker, n);
    int16_t pcm[PACKETS_STEP_MAX];

    dsp_g711_decode(payload, pcm, n, !to_alaw);
    dsp_g711_encode(pcm, out, n, to_alaw);
    return out;
}

static void send_one(struct stream *s, const struct packets *all, const struct packet *k)
{
    const struct packet_sending *p = &s->hearing->sending;
    const uint8_t *payload = all->bytes + k->payload;
    uint16_t seq = (uint16_t)(p->seq + k->seq), next = s->seq;
    uint32_t ts = p->ts + k->timestamp, last = s->last_ts;
    uint8_t pt = k->payload_type;
    bool g711 = pt == MEDIA_PCMU || pt == MEDIA_PCMA, sent_before = s->stats.sent;

    if (pt != PT_COMFORT) {
        if (g711 == s->remote.opaque) { /* not what was agreed on this call */
            s->stats.send_failed++;
            return;
        }
        if (g711 && (enum media_codec)pt != s->remote.codec)
            payload = other_law(s, payload, k->len, s->remote.codec == MEDIA_PCMA);
        pt = s->remote.payload_type;
    }
    s->seq = seq;
    stream_send(s, pt, k->marker, ts, payload, k->len);
    /* What comes after is later than the latest of these. */
    if ((int16_t)(next - s->seq) > 0)
        s->seq = next;
    if (sent_before && (int32_t)(last - ts) > 0)
        s->last_ts = last;
    s->last_sent_us = s->worker->slot_us;
    s->marker = true;
}

/* True: the item is over. */
static bool send_due(struct stream *s, uint64_t now_us)
{
    struct packet_sending *p = &s->hearing->sending;
    const struct packets *all = head_of(s)->packets;

    while (p->at < all->count &&
           p->begin_us + all->packet[p->at].at_ms * UINT64_C(1000) <= now_us) {
        if (stream_sends(s))
            send_one(s, all, &all->packet[p->at]);
        p->at++;
    }
    return p->at == all->count;
}

static void end_item(struct stream *s, uint64_t now_us)
{
    struct player_item item;

    stream_packets_stop(s);
    s->hearing->sending.under_way = false;
    player_drop(&s->hearing->player, &item);
    stream_play_ended(s, &item, OK);
    if (stream_on_packets(s))
        stream_packets_begin(s, now_us);
}

void worker_send_timed(struct worker *w)
{
    list_each(n, next, &w->timed)
    {
        struct packet_sending *p = container_of(n, struct packet_sending, node);
        struct stream *s = container_of(p, struct hearing, sending)->stream;

        if (send_due(s, w->slot_us))
            end_item(s, w->slot_us);
    }
}
