/* The bad network. */
#include "media/impair.h"

#include <string.h>

#include "media/stream.h"

#define AUDIO_BYTES_MIN (RTP_HEADER_BYTES + 80) /* shorter packets are no audio: events */
#define SAMPLE_US       125

void impair_set(struct impair *i, struct stream *s, const struct media_impair *config)
{
    bool first = i->stream != s;

    i->stream = s;
    if (first)
        list_node_init(&i->node);
    if (first || config->seed != i->config.seed)
        rng_seed(&i->rng, config->seed);
    if (config->drift_ppm && !i->config.drift_ppm)
        i->phase_us = 10000;
    i->config = *config;
    i->bad = false;
}

void impair_drop(struct impair *i)
{
    i->count = 0;
    list_remove(&i->node);
}

static void to_wire(struct impair *i, const uint8_t *p, uint32_t len)
{
    uint8_t *copy = worker_arena(i->stream->worker, len);

    memcpy(copy, p, len);
    stream_push_bytes(i->stream, copy, len);
}

static void to_wire_sealed(struct impair *i, const uint8_t *p, uint32_t len)
{
    uint8_t *copy = worker_arena(i->stream->worker, len + SRTP_TRAILER_MAX);

    memcpy(copy, p, len);
    if (stream_seal(i->stream, copy, &len, false))
        stream_push_bytes(i->stream, copy, len);
}

static void put(struct impair *i, const uint8_t *p, uint32_t len, uint64_t due_us, uint64_t now_us)
{
    if (due_us <= now_us || i->count == IMPAIR_QUEUE_MAX || len > IMPAIR_BYTES_MAX) {
        to_wire(i, p, len);
        return;
    }
    if (i->count == 0)
        list_push_back(&i->stream->worker->impaired, &i->node);
    struct impair_packet *q = &i->queue[i->count++];
    q->due_us = due_us;
    q->len = len;
    memcpy(q->bytes, p, len);
}

/* Oldest due first; packets due at one time in the order they came in. */
void impair_flush(struct impair *i, uint64_t now_us)
{
    while (i->count) {
        uint32_t first = 0;
        for (uint32_t k = 1; k < i->count; k++)
            if (i->queue[k].due_us < i->queue[first].due_us)
                first = k;
        if (i->queue[first].due_us > now_us)
            return;
        if (stream_sends(i->stream))
            to_wire(i, i->queue[first].bytes, i->queue[first].len);
        i->count--;
        memmove(&i->queue[first], &i->queue[first + 1], (i->count - first) * sizeof i->queue[0]);
    }
    list_remove(&i->node);
}

/* The dice of one packet. */
struct fate {
    bool lost, held, doubled;
    uint64_t jitter_us;
};

static struct fate draw(struct impair *i)
{
    const struct media_impair *c = &i->config;
    double u = rng_unit(&i->rng);
    struct fate f;

    /* Of all packets `loss` are lost: bad / (good + bad) states, with 1 / burst of leaving bad. */
    if (c->burst < 1)
        i->bad = u < c->loss;
    else
        i->bad = i->bad ? u >= 1 / c->burst : u < c->loss / (c->burst * (1 - c->loss));
    f.lost = i->bad;
    f.jitter_us = (uint64_t)(rng_unit(&i->rng) * c->jitter_ms * 1000);
    f.held = rng_unit(&i->rng) < c->reorder;
    f.doubled = rng_unit(&i->rng) < c->duplicate;
    return f;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* The packet's numbers, moved by the packets that a drifting clock has put in or left out. */
static void renumber(struct impair *i, uint8_t *p)
{
    uint32_t ts = ((uint32_t)get16(p + 4) << 16 | get16(p + 6)) + i->ts_shift;

    put16(p + 2, (uint32_t)get16(p + 2) + i->seq_shift);
    put16(p + 4, ts >> 16);
    put16(p + 6, ts);
}

/* p has room for SRTP_TRAILER_MAX. */
static void fly(struct impair *i, uint8_t *p, uint32_t len, uint64_t when_us, uint64_t now_us)
{
    const struct media_impair *c = &i->config;
    struct leg_stats *stats = &i->stream->stats;
    struct fate f = draw(i);
    uint64_t due = when_us + c->delay_ms * UINT64_C(1000) + f.jitter_us;

    if (!stream_seal(i->stream, p, &len, false))
        return;
    if (f.lost) {
        stats->made_lost++;
        return;
    }
    if (f.held) {
        due += c->reorder_ms * UINT64_C(1000);
        stats->made_reordered++;
    } else {
        due = due > i->last_due_us ? due : i->last_due_us;
        i->last_due_us = due;
    }
    put(i, p, len, due, now_us);
    if (f.doubled) {
        stats->made_duplicate++;
        put(i, p, len, due, now_us);
    }
}

void impair_take(struct impair *i, const uint8_t *bytes, uint32_t len, uint64_t now_us)
{
    uint8_t p[IMPAIR_BYTES_MAX];

    if (len + SRTP_TRAILER_MAX > sizeof p || len < RTP_HEADER_BYTES) {
        to_wire_sealed(i, bytes, len);
        return;
    }
    double length_us = (double)(len - RTP_HEADER_BYTES) * SAMPLE_US;

    memcpy(p, bytes, len);
    if (i->config.drift_ppm && len >= AUDIO_BYTES_MIN) {
        i->phase_us -= length_us * i->config.drift_ppm / 1e6;
        if (i->phase_us >= length_us) { /* a slow clock: one packet fewer */
            i->phase_us -= length_us;
            i->seq_shift--;
            i->ts_shift -= len - RTP_HEADER_BYTES;
            return;
        }
        if (i->phase_us < 0) { /* a fast one: one more, in its place */
            renumber(i, p);
            fly(i, p, len, now_us, now_us);
            memcpy(p, bytes, len);
            i->phase_us += length_us;
            i->seq_shift++;
            i->ts_shift += len - RTP_HEADER_BYTES;
        }
    }
    renumber(i, p);
    fly(i, p, len, now_us + (i->config.drift_ppm ? (uint64_t)i->phase_us : 0), now_us);
}
