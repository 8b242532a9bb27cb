/* See shared.h. A received packet is copied into the worker's arena: a relay writes its header in
 * place and needs room for a tag behind it, and a train's packets stand shoulder to shoulder. */
#include "media/shared.h"

#include <string.h>

#include "base/log.h"
#include "base/pages.h"
#include "media/stream.h"

#define CLOSE_TURNS 100 /* of a millisecond */

static uint32_t place_mask(uint32_t max_legs)
{
    uint32_t mask = 1;

    while (mask < max_legs - 1)
        mask = mask << 1 | 1;
    return mask;
}

uint32_t shared_number(uint32_t index, uint32_t max_legs)
{
    uint32_t mask = place_mask(max_legs), above = 0;

    for (int i = 0; i < 100 && !(above & ~mask); i++)
        rng_system(&above, sizeof(above));
    return (above & ~mask) | index;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct stream *shared_find(const struct worker *w, const uint8_t *p, uint32_t len)
{
    if (len < RTP_HEADER_BYTES || len > WORKER_RECEIVE_BYTES)
        return NULL;
    uint32_t number = be32(p + (rtp_is_rtcp(p, len) ? 4 : 8));
    uint32_t place = number & place_mask(w->max_legs);
    struct stream *s = place < w->max_legs ? w->socket.stream[place] : NULL;

    return s && s->shared_number == number ? s : NULL;
}

static void on_datagram(void *arg, const struct addr *from, char *data, uint32_t len)
{
    struct worker *w = arg;
    const uint8_t *p = (const uint8_t *)data;
    struct stream *s = shared_find(w, p, len);

    w->count.shared_received++;
    if (!s) {
        w->socket.unknown++;
        w->count.rtp_rejected++;
        return;
    }
    uint8_t *copy = worker_arena(w, len + SRTP_TRAILER_MAX);

    memcpy(copy, p, len);
    stream_take_shared(s, from, copy, len);
}

enum err shared_open(struct worker *w)
{
    w->socket.stream = pages_get(w->max_legs * sizeof(struct stream *));
    if (!w->socket.stream)
        return ERR_NOMEM;
    enum err err = udp_open(&w->socket.udp, &w->loop, &w->socket_local, on_datagram, w);

    if (err)
        w->socket.udp = NULL;
    else if (w->socket_dscp)
        udp_mark(w->socket.udp, w->socket_dscp);
    return err;
}

void shared_close(struct worker *w)
{
    if (w->socket.udp) {
        loop_turn(&w->loop, 0);
        uint32_t before = w->loop.inflight;

        udp_close(w->socket.udp);
        w->socket.udp = NULL;
        for (int i = 0; i < CLOSE_TURNS && w->loop.inflight >= before; i++)
            loop_turn(&w->loop, 1000);
    }
    pages_put(w->socket.stream, w->max_legs * sizeof(struct stream *));
    w->socket.stream = NULL;
}

void shared_point(struct stream *s)
{
    struct worker *w = s->worker;
    bool on = addr_is_set(&s->remote.shared) && s->shared_number && w->socket.udp;
    uint32_t ssrc = on ? s->remote.shared_number : s->own_ssrc;

    if (ssrc != s->ssrc)
        s->marker = true;
    s->ssrc = ssrc;
    s->shared = on;
    if (!w->socket.udp)
        return;
    w->socket.stream[s->index] = on ? s : NULL;
    if (!on)
        return;
    s->far_rtp = s->far_rtcp = s->stats.latched = s->remote.shared;
    s->stats.shared = true;
    stream_disarm(s);
}

void shared_drop(struct stream *s)
{
    if (s->shared)
        s->worker->socket.stream[s->index] = NULL;
}

void shared_send(struct stream *s, const uint8_t *p, uint32_t n)
{
    struct worker *w = s->worker;
    /* One flow: a key and the audio after it are of two lengths, and ride in two trains. */
    enum err err =
        udp_send(w->socket.udp, &s->remote.shared, s->index + 1, slice_of((const char *)p, n));

    if (err)
        w->count.send_failed++;
    else
        w->count.shared_sent++;
}

void shared_flush(struct worker *w)
{
    if (w->socket.udp)
        udp_flush(w->socket.udp);
}
