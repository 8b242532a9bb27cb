/* A packet of RTP now and then while a stream has nothing to send (hushed, held, a far end that
 * only speaks), so that a NAT on the way keeps its door open (RFC 6263 4.6: a payload type that was
 * not agreed on, nothing in it, the next sequence number). A muted stream is a line without media
 * and stays so. */
#include "media/stream.h"

#define PAYLOAD_FIRST 127

static uint8_t unknown_payload(const struct stream *s)
{
    uint8_t pt = PAYLOAD_FIRST;

    while (pt == s->remote.payload_type || pt == s->remote.event_pt)
        pt--;
    return pt;
}

void stream_alive_slot(struct stream *s)
{
    uint64_t now_us = s->worker->loop.now_us;

    if (!s->alive_us || !s->has_remote || s->muted || s->end != STREAM_STAYS)
        return;
    if (s->stats.sent != s->alive_sent) { /* it speaks for itself */
        s->alive_sent = s->stats.sent;
        s->alive_due_us = now_us + s->alive_us;
    }
    if (now_us < s->alive_due_us)
        return;
    if (s->alive_due_us) {
        stream_send(s, unknown_payload(s), false, stream_now_ts(s), NULL, 0);
        s->stats.kept_alive++;
    }
    s->alive_sent = s->stats.sent;
    s->alive_due_us = now_us + s->alive_us;
}
