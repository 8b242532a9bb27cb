/* See import_stream.h. Sequence numbers are compared modulo 2^32 (RFC 9293 3.4). */
#include "sim/import_stream.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_LINE_MAX 1024
#define TLS_HANDSHAKE  0x16

struct early {
    uint32_t seq;
    size_t len;
    uint8_t *data;
};

struct tcp_stream {
    struct capture_end from, to;
    uint64_t last_us;
    uint32_t next_seq;
    bool synced; /* the buffer begins with a message */
    struct sip_framer framer;
    struct early early[STREAM_EARLY_MAX];
    uint32_t earlies;
    size_t len;
    char data[STREAM_BYTES_MAX];
};

bool sip_begins(const uint8_t *p, size_t len)
{
    static const char version[] = "SIP/2.0";
    const uint8_t *end = len ? memchr(p, '\r', len < FIRST_LINE_MAX ? len : FIRST_LINE_MAX) : NULL;
    size_t line = end ? (size_t)(end - p) : 0, at = 0;

    if (line < 11)
        return false;
    if (memcmp(p, "SIP/2.0 ", 8) == 0)
        return true;
    while (at < line && p[at] >= 'A' && p[at] <= 'Z')
        at++;
    return at >= 3 && at < line && p[at] == ' ' && memcmp(p + line - 7, version, 7) == 0;
}

void streams_init(struct streams *s)
{
    memset(s, 0, sizeof(*s));
}

static void stream_free(struct tcp_stream *t)
{
    for (uint32_t i = 0; t && i < t->earlies; i++)
        free(t->early[i].data);
    free(t);
}

void streams_free(struct streams *s)
{
    for (int i = 0; i < STREAMS_MAX; i++)
        stream_free(s->stream[i]);
    memset(s, 0, sizeof(*s));
}

static struct tcp_stream *find(struct streams *s, const struct net_packet *p, int *place)
{
    int oldest = 0;

    *place = -1;
    for (int i = 0; i < STREAMS_MAX; i++) {
        struct tcp_stream *t = s->stream[i];

        if (t && net_end_eq(&t->from, &p->from) && net_end_eq(&t->to, &p->to)) {
            *place = i;
            return t;
        }
        if (!t && *place < 0)
            *place = i;
        if (t && s->stream[oldest] && t->last_us < s->stream[oldest]->last_us)
            oldest = i;
    }
    if (*place < 0) {
        s->count.evicted++;
        stream_free(s->stream[oldest]);
        s->stream[oldest] = NULL;
        *place = oldest;
    }
    return NULL;
}

static void lose_track(struct tcp_stream *t)
{
    t->len = 0;
    t->synced = false;
    t->framer = (struct sip_framer){0};
}

/* Gives the whole messages away, keeps the rest. */
static void cut_messages(struct streams *s, struct tcp_stream *t, const struct net_packet *p,
                         stream_message_fn *fn, void *arg)
{
    size_t at = 0;

    while (t->synced && at < t->len) {
        struct sip_frame f = sip_frame(&t->framer, t->data + at, t->len - at, SIP_MESSAGE_MAX);

        if (f.kind == SIP_FRAME_MORE)
            break;
        if (f.kind == SIP_FRAME_BAD) {
            s->count.bad++;
            lose_track(t);
            return;
        }
        if (f.kind == SIP_FRAME_MESSAGE)
            fn(arg, p, t->data + at, f.len);
        at += f.len;
    }
    memmove(t->data, t->data + at, t->len - at);
    t->len -= at;
}

/* The next bytes in order. */
static void append(struct streams *s, struct tcp_stream *t, const struct net_packet *p,
                   const uint8_t *data, size_t len, stream_message_fn *fn, void *arg)
{
    t->next_seq += (uint32_t)len;
    if (!t->synced && !sip_begins(data, len)) {
        s->count.not_sip++;
        return;
    }
    t->synced = true;
    if (len > sizeof t->data - t->len) {
        s->count.bad++;
        lose_track(t);
        return;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    cut_messages(s, t, p, fn, arg);
}

/* Appends what it can of [seq, seq + len); false: it is still early. */
static bool fits(struct streams *s, struct tcp_stream *t, const struct net_packet *p, uint32_t seq,
                 const uint8_t *data, size_t len, stream_message_fn *fn, void *arg)
{
    int32_t ahead = (int32_t)(seq - t->next_seq);

    if (ahead > 0)
        return false;
    size_t known = (size_t) - (int64_t)ahead;

    if (known >= len)
        s->count.again++;
    else
        append(s, t, p, data + known, len - known, fn, arg);
    return true;
}

static void take_earlies(struct streams *s, struct tcp_stream *t, const struct net_packet *p,
                         stream_message_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < t->earlies;) {
        struct early *e = &t->early[i];

        if (!fits(s, t, p, e->seq, e->data, e->len, fn, arg)) {
            i++;
            continue;
        }
        free(e->data);
        *e = t->early[--t->earlies];
        i = 0; /* what waited longer may follow now */
    }
}

/* What lies between was not captured. */
static void skip_gap(struct streams *s, struct tcp_stream *t, const struct net_packet *p,
                     stream_message_fn *fn, void *arg)
{
    uint32_t lowest = t->early[0].seq;

    for (uint32_t i = 1; i < t->earlies; i++)
        if ((int32_t)(t->early[i].seq - lowest) < 0)
            lowest = t->early[i].seq;
    if (s->count.gaps++ == 0)
        s->count.first_gap = p->number;
    lose_track(t);
    t->next_seq = lowest;
    take_earlies(s, t, p, fn, arg);
}

static void wait_early(struct streams *s, struct tcp_stream *t, const struct net_packet *p,
                       stream_message_fn *fn, void *arg)
{
    struct early *e = &t->early[t->earlies];

    s->count.early++;
    e->data = malloc(p->len);
    if (!e->data)
        return;
    memcpy(e->data, p->data, p->len);
    e->seq = p->seq;
    e->len = p->len;
    if (++t->earlies == STREAM_EARLY_MAX)
        skip_gap(s, t, p, fn, arg);
}

static struct tcp_stream *begin(struct streams *s, const struct net_packet *p, int place)
{
    if (p->len >= 3 && p->data[0] == TLS_HANDSHAKE && p->data[1] == 3)
        s->count.tls++;
    if (!p->syn && !sip_begins(p->data, p->len)) {
        s->count.not_sip++;
        return NULL;
    }
    struct tcp_stream *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->from = p->from;
    t->to = p->to;
    t->next_seq = p->seq + (p->syn ? 1 : 0);
    s->stream[place] = t;
    return t;
}

void streams_take(struct streams *s, const struct net_packet *p, stream_message_fn *fn, void *arg)
{
    int place;
    struct tcp_stream *t = find(s, p, &place);

    if (t && p->syn) { /* the same ports again: another connection */
        stream_free(t);
        t = s->stream[place] = NULL;
    }
    if (!t && (p->len || p->syn))
        t = begin(s, p, place);
    if (!t)
        return;
    t->last_us = p->at_us;
    uint32_t seq = p->seq + (p->syn ? 1 : 0);

    if (p->len) {
        s->count.segments++;
        if (p->len >= 3 && !t->synced && t->len == 0 && p->data[0] == TLS_HANDSHAKE &&
            p->data[1] == 3)
            s->count.tls++;
        if (fits(s, t, p, seq, p->data, p->len, fn, arg))
            take_earlies(s, t, p, fn, arg);
        else
            wait_early(s, t, p, fn, arg);
    }
    if ((p->fin || p->rst) && t->earlies)
        skip_gap(s, t, p, fn, arg);
    if (p->rst) {
        stream_free(t);
        s->stream[place] = NULL;
    }
}
