/* Codecs on one core: nanoseconds a frame of 20 ms to encode and to decode, and the legs of a core
 * that follow (each 50 frames/s encoded and 50 decoded), beside a bare loop over libopus, or
 * spandsp's G.722, on the same sound in the same run. Rounds of ours and the peer's alternate; the
 * best of each counts. Decoding is measured through all of a leg's receiving: the packets that
 * wait, the decoder, the narrow block for the detectors. What is decoded must be as loud as what
 * was said, or the benchmark fails, and a frame must not allocate. */
#include <math.h>
#include <opus/opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "media/coding.h"

#ifdef PEAL_HAVE_SPANDSP
#include <spandsp.h>
#endif

#define FRAMES      250 /* of a round: five seconds */
#define WIDE        320
#define PACKET_MAX  700
#define QUIET_DB    3.0 /* a decoded level may be that far off */
#define BITS_WIDE   24000
#define BITS_NARROW 18000

int bench_codec(struct bench *b);

struct frames {
    uint8_t p[FRAMES][PACKET_MAX];
    uint32_t len[FRAMES];
};

struct costs {
    double encode_ns, decode_ns;
};

struct kind {
    const char *name;
    enum media_codec codec;
    uint32_t complexity;
    bool narrow;
};

static int16_t wide[FRAMES * WIDE], narrow[FRAMES * WIDE / 2], out[FRAMES * WIDE];
static struct frames ours, theirs;

/* Voiced sound with pauses, harmonics to 7 kHz; to 3.4 kHz in the narrow one. */
static void make_sound(void)
{
    double phase = 0.0;

    for (uint32_t i = 0; i < FRAMES * WIDE; i++) {
        double t = i / 16000.0, f0 = 140.0 + 40.0 * sin(4.4 * t), sum = 0.0, low = 0.0;
        double loud = sin(7.0 * t) > -0.2 ? 3000.0 : 20.0;

        phase += 2.0 * M_PI * f0 / 16000.0;
        for (int h = 1; h * f0 < 7000.0; h++) {
            double y = sin(h * phase + h * h) / (1.0 + h * 0.4);

            sum += y;
            low += h * f0 < 3400.0 ? y : 0.0;
        }
        wide[i] = (int16_t)(loud * sum);
        narrow[i / 2] = (int16_t)(loud * low);
    }
}

static double level_db(const int16_t *pcm, uint32_t n)
{
    double sum = 1.0;

    for (uint32_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return 10.0 * log10(sum / n);
}

static void best(double *ns, uint64_t from_us)
{
    double now = (double)(bench_thread_cpu_us() - from_us) * 1e3 / FRAMES;

    *ns = now < *ns ? now : *ns;
}

static bool our_round(const struct kind *k, struct coding *c, uint32_t round, struct costs *costs)
{
    uint32_t tick = 20 * c->coder.clock_khz, ts = round * FRAMES * tick, at;
    uint64_t start = bench_thread_cpu_us();

    coder_tune(&c->coder, k->complexity, 0, k->narrow);
    for (uint32_t i = 0; i < FRAMES; i++) {
        coding_say(c, narrow + i * CODING_BLOCK, k->narrow ? NULL : wide + i * WIDE, ts + i * tick);
        if (!coding_packet(c, 20, &at, ours.p[i], PACKET_MAX, &ours.len[i]) || ours.len[i] == 0)
            return false;
    }
    best(&costs->encode_ns, start);
    start = bench_thread_cpu_us();
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t now = ts + i * tick;

        if (!coding_take(c, (uint16_t)(round * FRAMES + i), now, ours.p[i], ours.len[i], now))
            return false;
        coding_hear(c, now, out + i * CODING_BLOCK);
    }
    best(&costs->decode_ns, start);
    return fabs(level_db(out, FRAMES * CODING_BLOCK) - level_db(narrow, FRAMES * CODING_BLOCK)) <
           QUIET_DB;
}

struct peer {
    OpusEncoder *encoder;
    OpusDecoder *decoder;
#ifdef PEAL_HAVE_SPANDSP
    g722_encode_state_t *g722_out;
    g722_decode_state_t *g722_in;
#endif
};

static bool peer_open(struct peer *p, const struct kind *k)
{
    memset(p, 0, sizeof(*p));
    if (k->codec == MEDIA_OPUS) {
        p->encoder = opus_encoder_create(16000, 1, OPUS_APPLICATION_VOIP, NULL);
        p->decoder = opus_decoder_create(16000, 1, NULL);
        if (!p->encoder || !p->decoder)
            return false;
        opus_encoder_ctl(p->encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
        opus_encoder_ctl(p->encoder, OPUS_SET_COMPLEXITY((opus_int32)k->complexity));
        opus_encoder_ctl(p->encoder, OPUS_SET_BITRATE(k->narrow ? BITS_NARROW : BITS_WIDE));
        opus_encoder_ctl(p->encoder, OPUS_SET_MAX_BANDWIDTH(k->narrow ? OPUS_BANDWIDTH_NARROWBAND
                                                                      : OPUS_BANDWIDTH_WIDEBAND));
    }
#ifdef PEAL_HAVE_SPANDSP
    if (k->codec == MEDIA_G722) {
        p->g722_out = g722_encode_init(NULL, 64000, 0);
        p->g722_in = g722_decode_init(NULL, 64000, 0);
    }
#endif
    return true;
}

static void peer_close(struct peer *p)
{
    if (p->encoder)
        opus_encoder_destroy(p->encoder);
    if (p->decoder)
        opus_decoder_destroy(p->decoder);
#ifdef PEAL_HAVE_SPANDSP
    if (p->g722_out)
        g722_encode_free(p->g722_out);
    if (p->g722_in)
        g722_decode_free(p->g722_in);
#endif
}

static const char *peer_name(const struct kind *k)
{
    if (k->codec == MEDIA_OPUS)
        return "libopus, bare";
    return k->codec == MEDIA_G722 ? "spandsp" : NULL;
}

static bool peer_is_here(const struct kind *k)
{
#ifdef PEAL_HAVE_SPANDSP
    return peer_name(k) != NULL;
#else
    return k->codec == MEDIA_OPUS;
#endif
}

/* 16 kHz in, 16 kHz out, nothing around it. The narrow sound is given at twice its rate, too. */
static void peer_round(const struct kind *k, struct peer *p, const int16_t *sound,
                       struct costs *costs)
{
    uint64_t start = bench_thread_cpu_us();

    for (uint32_t i = 0; i < FRAMES; i++) {
        if (k->codec == MEDIA_OPUS)
            theirs.len[i] =
                (uint32_t)opus_encode(p->encoder, sound + i * WIDE, WIDE, theirs.p[i], PACKET_MAX);
#ifdef PEAL_HAVE_SPANDSP
        else
            theirs.len[i] = (uint32_t)g722_encode(p->g722_out, theirs.p[i], sound + i * WIDE, WIDE);
#endif
    }
    best(&costs->encode_ns, start);
    start = bench_thread_cpu_us();
    for (uint32_t i = 0; i < FRAMES; i++) {
        if (k->codec == MEDIA_OPUS)
            bench_keep((uint64_t)opus_decode(p->decoder, theirs.p[i], (opus_int32)theirs.len[i],
                                             out + i * WIDE, WIDE, 0));
#ifdef PEAL_HAVE_SPANDSP
        else
            g722_decode(p->g722_in, out + i * WIDE, theirs.p[i], (int)theirs.len[i]);
#endif
    }
    best(&costs->decode_ns, start);
}

static double legs_of(const struct costs *c)
{
    return 1e9 / (c->encode_ns + c->decode_ns) / 50;
}

static void add_row(struct bench *b, const struct kind *k, const char *what, double value,
                    double peer, const char *unit, enum bench_better better)
{
    char name[BENCH_TEXT_MAX];

    snprintf(name, sizeof(name), "%s, %s", what, k->name);
    if (!peer_name(k))
        bench_add(b, "codec", name, value, unit, better);
    else if (!peer_is_here(k))
        bench_add_missing(b, "codec", name, value, unit, better, peer_name(k));
    else
        bench_add_peer(b, "codec", name, value, unit, better, peer_name(k), peer);
}

static bool measure(struct bench *b, const struct kind *k)
{
    struct costs us = {1e18, 1e18}, them = {1e18, 1e18};
    uint64_t end_us = bench_now_us() + (uint64_t)(b->seconds * 1e6);
    static int16_t narrow_wide[FRAMES * WIDE];
    struct resample_up up = {0};
    struct coding *c;
    struct peer p;

    for (uint32_t i = 0; i < FRAMES; i++)
        resample_up(&up, narrow + i * CODING_BLOCK, CODING_BLOCK, narrow_wide + i * WIDE);
    if (!peer_open(&p, k) || coding_open(k->codec, &c) != OK) {
        bench_fail(b, "codec: no memory");
        return false;
    }
    coding_restart(c);
    bool ok = true;

    for (uint32_t round = 0; ok && (round < 3 || bench_now_us() < end_us); round++) {
        if (round == 2 && bench_mallocs_counted())
            bench_mallocs_start(true);
        ok = our_round(k, c, round, &us);
        if (round == 2 && bench_mallocs_counted() && bench_mallocs_stop().calls)
            bench_fail(b, "codec: %s allocates for its frames", k->name);
        if (ok && peer_is_here(k))
            peer_round(k, &p, k->narrow ? narrow_wide : wide, &them);
    }
    if (ok) {
        add_row(b, k, "encode", us.encode_ns, them.encode_ns, "ns", BENCH_LOWER);
        add_row(b, k, "decode", us.decode_ns, them.decode_ns, "ns", BENCH_LOWER);
        add_row(b, k, "legs of a core", legs_of(&us), legs_of(&them), "legs", BENCH_HIGHER);
        char name[BENCH_TEXT_MAX];

        snprintf(name, sizeof(name), "state of a leg, %s", k->name);
        bench_add(b, "codec", name,
                  (double)(sizeof(*c) - sizeof(c->coder) + coder_bytes(&c->coder)), "bytes",
                  BENCH_LOWER);
    } else {
        bench_fail(b, "codec: %s is not decoded to what was said", k->name);
    }
    coding_close(c);
    peer_close(&p);
    return ok;
}

int bench_codec(struct bench *b)
{
    static const struct kind kinds[] = {
        {"opus, complexity 0", MEDIA_OPUS, 0, false},
        {"opus, complexity 5", MEDIA_OPUS, 5, false},
        {"opus, complexity 9", MEDIA_OPUS, 9, false},
        {"opus, complexity 5, to 4 kHz", MEDIA_OPUS, 5, true},
        {"g722", MEDIA_G722, 0, false},
        {"g722, from 8 kHz", MEDIA_G722, 0, true},
        {"l16", MEDIA_L16_8, 0, true},
        {"l16-16k", MEDIA_L16_16, 0, false},
    };

#ifndef PEAL_HAVE_SPANDSP
    bench_note("codec: built without spandsp (libspandsp-dev), so its figures are missing");
#endif
    make_sound();
    bench_pin(0);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        measure(b, &kinds[i]);
    bench_unpin();
    return b->failures ? 1 : 0;
}
