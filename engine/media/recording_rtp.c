/* RTP out of a capture: streams are told apart by their addresses, packets placed by timestamp from
 * the stream's first one on, and by their time of arrival again where the numbering restarts. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/event.h"
#include "media/net.h"
#include "media/plc.h"
#include "media/recording.h"
#include "media/rtp.h"

#define PACKETS_MIN      3    /* fewer are no stream */
#define SAMPLES_MAX      960  /* of a packet: 120 ms */
#define BLOCKS_CONCEALED 5    /* then there is no RTP, as in a call (100 ms) */
#define DRIFT_MAX_MS     5000 /* between timestamps and arrival; more is a restart */
#define EVENT_PT_MIN     96
#define TEXT_ADDR_MAX    48

struct stream {
    struct capture_end from, to;
    struct rtp_source source;
    uint64_t first_us;
    uint32_t base_ts, packets;
    int64_t base, end; /* in samples from the stream's first */
    uint64_t sounding;
    bool started, restarted, alaw;
};

struct streams {
    struct stream at[RECORDING_STREAMS_MAX];
    uint32_t n, refused;
};

static bool same_end(const struct capture_end *a, const struct capture_end *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

static struct stream *stream_of(struct streams *all, const struct net_packet *p)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (same_end(&all->at[i].from, &p->from) && same_end(&all->at[i].to, &p->to))
            return &all->at[i];
    if (all->n == RECORDING_STREAMS_MAX) {
        all->refused++;
        return NULL;
    }
    struct stream *s = &all->at[all->n++];

    *s = (struct stream){.from = p->from, .to = p->to};
    return s;
}

static bool is_audio(const struct rtp_packet *r)
{
    return (r->payload_type == 0 || r->payload_type == 8) && r->payload_len > 0 &&
           r->payload_len <= SAMPLES_MAX;
}

static bool is_key(const struct rtp_packet *r)
{
    return r->payload_type >= EVENT_PT_MIN && r->payload_len == EVENT_BYTES;
}

static bool read_rtp(const struct net_packet *p, struct rtp_packet *r)
{
    return !rtp_is_rtcp(p->data, p->len) && rtp_parse(p->data, p->len, r) == OK &&
           (is_audio(r) || is_key(r));
}

static int64_t arrival(const struct stream *s, uint64_t at_us)
{
    return at_us > s->first_us ? (int64_t)((at_us - s->first_us) / 125) : 0;
}

/* Where the packet belongs, in samples from the stream's first; negative: before it. */
static int64_t place(struct stream *s, const struct rtp_packet *r, uint64_t at_us)
{
    int64_t at = s->base + (int32_t)(r->timestamp - s->base_ts), came = arrival(s, at_us);
    int64_t off = at > came ? at - came : came - at;

    if (s->restarted || (at_us && off > DRIFT_MAX_MS * 8)) {
        s->base = came;
        s->base_ts = r->timestamp;
        s->restarted = false;
        at = came;
    }
    return at;
}

/* True when it is a new audio packet of the stream; *at is its place. */
static bool take_audio(struct stream *s, const struct net_packet *p, const struct rtp_packet *r,
                       int64_t *at)
{
    if (!s->started) {
        s->started = true;
        s->first_us = p->at_us;
        s->base_ts = r->timestamp;
        s->alaw = r->payload_type == 8;
    }
    enum rtp_verdict v = rtp_source_take(&s->source, r, (uint32_t)(p->at_us / 125), is_audio(r));

    /* The first packet of a source is a restart, too. */
    s->restarted = s->restarted || (v == RTP_RESTARTED && s->packets > 0);
    if (v == RTP_DUPLICATE)
        return false;
    *at = place(s, r, p->at_us);
    if (!is_audio(r))
        return false;
    s->packets++;
    return *at >= 0 && *at < (int64_t)RECORDING_BLOCKS_MAX * DSP_BLOCK_SAMPLES;
}

static void decode(const struct rtp_packet *r, int16_t *out)
{
    dsp_g711_decode(r->payload, out, r->payload_len, r->payload_type == 8);
}

static bool is_sounding(const struct rtp_packet *r)
{
    int16_t pcm[SAMPLES_MAX];
    double sum = 0;

    decode(r, pcm);
    for (uint32_t i = 0; i < r->payload_len; i++)
        sum += (double)pcm[i] * pcm[i];
    /* 84.02 dB above one is 0 dBm0: -45 dBm0 is a mean square of 7,980. */
    return sum / r->payload_len > 7980;
}

static void find_streams(struct streams *all, const uint8_t *p, size_t len)
{
    struct net n;
    struct net_packet packet;
    struct rtp_packet r;

    if (net_open(&n, p, len) != OK) {
        net_close(&n);
        return;
    }
    while (net_next(&n, &packet)) {
        int64_t at;
        struct stream *s = !packet.tcp && read_rtp(&packet, &r) ? stream_of(all, &packet) : NULL;

        if (!s || !take_audio(s, &packet, &r, &at))
            continue;
        if (at + r.payload_len > s->end)
            s->end = at + r.payload_len;
        s->sounding += is_sounding(&r) ? r.payload_len : 0;
    }
    net_close(&n);
}

static void end_text(const struct capture_end *e, char text[TEXT_ADDR_MAX + 10])
{
    char ip[TEXT_ADDR_MAX] = "?";

    inet_ntop(e->family == 6 ? AF_INET6 : AF_INET, e->ip, ip, sizeof(ip));
    snprintf(text, TEXT_ADDR_MAX + 10, e->family == 6 ? "[%s]:%u" : "%s:%u", ip, e->port);
}

/* Streams worth a name move to the front, in order of appearance. */
static void name_streams(struct streams *all, struct recording *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < all->n; i++) {
        struct stream *s = &all->at[i];
        char from[TEXT_ADDR_MAX + 10], to[TEXT_ADDR_MAX + 10];

        if (s->packets < PACKETS_MIN || s->end <= 0)
            continue;
        end_text(&s->from, from);
        end_text(&s->to, to);
        r->stream[n] = (struct recording_stream){.packets = s->packets,
                                                 .length_ms = (uint32_t)(s->end / 8),
                                                 .sounding_ms = (uint32_t)(s->sounding / 8)};
        snprintf(r->stream[n].text, RECORDING_TEXT_MAX, "%s > %s, %s", from, to,
                 s->alaw ? "PCMA" : "PCMU");
        all->at[n++] = *s;
    }
    r->streams = all->n = n;
    r->streams_refused = all->refused;
}

static uint32_t loudest(const struct recording *r)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < r->streams; i++)
        if (r->stream[i].sounding_ms > r->stream[best].sounding_ms)
            best = i;
    return best;
}

/* ---- the chosen one ---- */

struct placing {
    struct recording *r;
    uint8_t *covered; /* samples of each block that came */
    struct event_receiver keys;
};

static void put_audio(struct placing *pl, const struct rtp_packet *p, int64_t at)
{
    int16_t pcm[SAMPLES_MAX];
    int64_t room = (int64_t)pl->r->blocks * DSP_BLOCK_SAMPLES;

    decode(p, pcm);
    for (uint32_t i = 0; i < p->payload_len && at + i < room; i++) {
        uint8_t *covered = &pl->covered[(at + i) / DSP_BLOCK_SAMPLES];

        pl->r->pcm[at + i] = pcm[i];
        *covered = (uint8_t)(*covered + (*covered < DSP_BLOCK_SAMPLES));
    }
}

static void put_key(struct placing *pl, const struct rtp_packet *p, int64_t at, uint64_t at_us)
{
    struct recording *r = pl->r;
    char digit = event_take(&pl->keys, p->payload, p->payload_len, p->timestamp, at_us);
    int64_t last = (int64_t)r->blocks * DSP_BLOCK_SAMPLES;

    if (at < 0 || at >= last)
        return;
    int64_t end = at + rtp_get16(p->payload + 2) < last ? at + rtp_get16(p->payload + 2) : last;

    for (int64_t b = at / DSP_BLOCK_SAMPLES; b * DSP_BLOCK_SAMPLES < end; b++)
        r->flags[b] = DSP_FLAG_DTMF_EVENT;
    if (digit && r->keys == RECORDING_KEYS_MAX)
        r->keys_refused++;
    else if (digit)
        r->key[r->keys++] = (struct recording_key){.digit = digit, .start_ms = (uint32_t)(at / 8)};
    if (r->keys && r->key[r->keys - 1].start_ms == (uint32_t)(at / 8))
        r->key[r->keys - 1].end_ms = (uint32_t)(end / 8);
}

static void conceal(struct placing *pl)
{
    struct recording *r = pl->r;
    struct plc plc = {0};
    uint32_t run = 0;

    for (uint32_t i = 0; i < r->blocks; i++) {
        int16_t *block = r->pcm + (size_t)i * DSP_BLOCK_SAMPLES;
        int16_t *next = plc_next(&plc);

        /* A block of which half came is worth more than an invented one. */
        if (pl->covered[i] >= DSP_BLOCK_SAMPLES / 2 || r->flags[i]) {
            memcpy(next, block, sizeof(plc.block[0]));
            plc_good(&plc);
            run = 0;
            continue;
        }
        plc_lost(&plc);
        memcpy(block, plc_block(&plc), sizeof(plc.block[0]));
        r->flags[i] = ++run > BLOCKS_CONCEALED ? DSP_FLAG_NO_RTP : DSP_FLAG_LOST;
        r->lost_blocks += run <= BLOCKS_CONCEALED;
    }
}

static void place_stream(struct placing *pl, const struct stream *wanted, const uint8_t *p,
                         size_t len)
{
    struct net n;
    struct net_packet packet;
    struct rtp_packet r;
    struct stream s = {0};

    if (net_open(&n, p, len) != OK) {
        net_close(&n);
        return;
    }
    while (net_next(&n, &packet)) {
        int64_t at = -1;

        if (!same_end(&packet.from, &wanted->from) || !same_end(&packet.to, &wanted->to) ||
            packet.tcp || !read_rtp(&packet, &r))
            continue;
        if (take_audio(&s, &packet, &r, &at))
            put_audio(pl, &r, at);
        else if (is_key(&r))
            put_key(pl, &r, s.base + (int32_t)(r.timestamp - s.base_ts), packet.at_us);
    }
    conceal(pl);
    net_close(&n);
}

static enum err choose(struct recording *r, uint32_t channel, const char *name, char *message)
{
    if (r->streams == 0) {
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: holds no RTP in PCMU or PCMA; capture the media of a call in G.711",
                 name);
        return ERR_NOT_FOUND;
    }
    if (channel > r->streams) {
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: there is no stream %u; it has %u, counted from 1", name, channel,
                 r->streams);
        return ERR_NOT_FOUND;
    }
    r->channel = channel ? channel : loudest(r) + 1;
    return OK;
}

enum err recording_from_capture(struct recording *r, const uint8_t *p, size_t len, uint32_t channel,
                                const char *name, char *message)
{
    struct streams *all = calloc(1, sizeof(*all));
    struct placing pl = {.r = r};
    enum err e = ERR_NOMEM;

    *r = (struct recording){.is_capture = true, .rate_hz = DSP_RATE_HZ, .channels = 1};
    snprintf(message, RECORDING_ERROR_MAX, "%.300s: no memory for its sound", name);
    if (!all)
        return e;
    find_streams(all, p, len);
    name_streams(all, r);
    e = choose(r, channel, name, message);
    if (e == OK) {
        const struct stream *s = &all->at[r->channel - 1];
        uint64_t blocks = ((uint64_t)s->end + DSP_BLOCK_SAMPLES - 1) / DSP_BLOCK_SAMPLES;

        r->length_ms = (uint32_t)(s->end / 8);
        e = recording_alloc(r, blocks < RECORDING_BLOCKS_MAX ? blocks : RECORDING_BLOCKS_MAX);
        pl.covered = e == OK ? calloc(r->blocks, 1) : NULL;
        if (pl.covered)
            place_stream(&pl, s, p, len);
        else if (e == OK) {
            recording_free(r);
            e = ERR_NOMEM;
        }
    }
    free(pl.covered);
    free(all);
    return e;
}
