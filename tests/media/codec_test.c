/* Each coder by itself: Opus is read and written by bare libopus on the other side. */
#include <criterion/criterion.h>
#include <opus/opus.h>

#include "codec_kit.h"
#include "media/codec.h"
#include "media/codec_load.h"

#define N 32000 /* two seconds of 16 kHz */

static int16_t said[N], heard[N + 2000];

static void open_coder(struct coder *c, enum media_codec codec)
{
    cr_assert_eq(coder_open(c, codec), OK);
}

/* Encodes `said` in packets of ptime; each is handed to `take`. */
typedef void take_fn(void *arg, const uint8_t *packet, uint32_t len, uint32_t at, uint32_t n);

static void encode_all(struct coder *c, uint32_t ptime_ms, take_fn *take, void *arg)
{
    uint32_t n = ptime_ms * c->khz;
    uint8_t packet[2000];

    for (uint32_t at = 0; at + n <= N; at += n)
        take(arg, packet, coder_encode(c, said + at, n, packet, sizeof(packet)), at, n);
}

static void by_libopus(void *arg, const uint8_t *packet, uint32_t len, uint32_t at, uint32_t n)
{
    cr_assert_gt(len, 0u);
    cr_assert_eq(opus_decode(arg, packet, (opus_int32)len, heard + at, (int)n, 0), (int)n);
}

Test(codec, opus_of_ours_is_understood_by_libopus)
{
    static const uint32_t ptimes[] = {10, 20, 40, 60};

    kit_speech(said, N, 16, 7000.0);
    for (uint32_t i = 0; i < 4; i++) {
        OpusDecoder *peer = opus_decoder_create(16000, 1, NULL);
        struct coder c;
        uint32_t later = 0;

        open_coder(&c, MEDIA_OPUS);
        encode_all(&c, ptimes[i], by_libopus, peer);
        double r = kit_alike(said + 3200, heard + 3200, N - 8000, 400, &later);

        cr_expect_gt(r, 0.8, "%u ms: correlation %.3f", ptimes[i], r);
        cr_expect_float_eq(kit_level_db(heard, N), kit_level_db(said, N), 1.5);
        coder_close(&c);
        opus_decoder_destroy(peer);
    }
}

static void into_coder(void *arg, const uint8_t *packet, uint32_t len, uint32_t at, uint32_t n)
{
    struct coder *c = arg;

    cr_assert_eq(coder_samples(c, packet, len), n);
    cr_assert(coder_decode(c, packet, len, heard + at, n));
}

Test(codec, what_each_says_it_understands)
{
    static const struct {
        enum media_codec codec;
        double alike;
    } each[] = {{MEDIA_OPUS, 0.85}, {MEDIA_G722, 0.98}, {MEDIA_L16_8, 1.0}, {MEDIA_L16_16, 1.0}};

    for (uint32_t i = 0; i < 4; i++) {
        struct coder c;
        uint32_t later = 0;

        open_coder(&c, each[i].codec);
        kit_speech(said, N, c.khz, 3400.0);
        encode_all(&c, 20, into_coder, &c);
        double r = kit_alike(said + 3200, heard + 3200, N - 8000, 400, &later);

        cr_expect_geq(r, each[i].alike - 1e-9, "codec %d: %.4f", each[i].codec, r);
        coder_close(&c);
    }
}

/* An agent's telephone may send music in stereo at 48 kHz; it is read as one channel of 16. */
Test(codec, stereo_and_full_band_opus_is_read_as_mono)
{
    OpusEncoder *peer = opus_encoder_create(48000, 2, OPUS_APPLICATION_AUDIO, NULL);
    static int16_t stereo[2 * 960], wide[16000], want[16000];
    struct coder c;
    uint32_t later = 0;

    open_coder(&c, MEDIA_OPUS);
    for (uint32_t at = 0; at < 50; at++) {
        uint8_t packet[1500];

        for (uint32_t i = 0; i < 960; i++)
            stereo[2 * i] = stereo[2 * i + 1] =
                (int16_t)(8000.0 * sin(2.0 * M_PI * 440.0 * (at * 960 + i) / 48000.0));
        for (uint32_t i = 0; i < 320; i++)
            want[at * 320 + i] = stereo[6 * i];
        opus_int32 len = opus_encode(peer, stereo, 960, packet, sizeof(packet));

        cr_assert_gt(len, 0);
        cr_assert_eq(coder_samples(&c, packet, (uint32_t)len), 320);
        cr_assert(coder_decode(&c, packet, (uint32_t)len, wide + at * 320, 320));
    }
    cr_expect_gt(kit_alike(want + 3200, wide + 3200, 8000, 400, &later), 0.98);
    coder_close(&c);
    opus_encoder_destroy(peer);
}

struct stream {
    uint8_t packet[200][600];
    uint32_t len[200], count;
};

static void keep(void *arg, const uint8_t *packet, uint32_t len, uint32_t at, uint32_t n)
{
    struct stream *s = arg;

    (void)at;
    (void)n;
    cr_assert_lt(len, sizeof(s->packet[0]));
    memcpy(s->packet[s->count], packet, len);
    s->len[s->count++] = len;
}

/* Every tenth packet of 20 ms is lost; what is put in its place beside what was said there. */
static double alike_in_gaps(struct coder *c, const struct stream *s, uint32_t *told)
{
    double sum = 0.0;
    uint32_t gaps = 0;

    *told = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        int16_t *at = heard + i * 320;

        if (i % 10 != 9) {
            cr_assert(coder_decode(c, s->packet[i], s->len[i], at, 320));
            continue;
        }
        *told += coder_conceal(c, s->packet[i + 1], i + 1 < s->count ? s->len[i + 1] : 0, at, 320);
        gaps++;
    }
    uint32_t later = 0;

    kit_alike(said + 6400, heard + 6400, 16000, 200, &later);
    for (uint32_t i = 19; i + 2 < s->count; i += 10)
        sum += kit_alike_at(said + i * 320, heard + i * 320 + later, 320);
    return sum / (gaps - 2);
}

Test(codec, redundancy_in_opus_tells_what_was_lost)
{
    static struct stream with, without;
    struct coder out, in;
    struct codec_wishes fec = {.fec = true};
    uint32_t told = 0;

    kit_speech(said, N, 16, 7000.0);
    open_coder(&out, MEDIA_OPUS);
    open_coder(&in, MEDIA_OPUS);
    encode_all(&out, 20, keep, &without);
    double invented = alike_in_gaps(&in, &without, &told);

    cr_expect_eq(told, 0, "%u gaps were told without redundancy", told);
    coder_close(&out);
    open_coder(&out, MEDIA_OPUS);
    coder_restart(&in);
    coder_wish(&out, &fec);
    coder_tune(&out, 5, 20, false);
    encode_all(&out, 20, keep, &with);
    double known = alike_in_gaps(&in, &with, &told);

    cr_expect_geq(told, 5, "%u of 10 gaps were told", told); /* of voice, not of what is between */
    cr_expect_gt(known, invented + 0.1, "told: %.3f, invented: %.3f", known, invented);
    coder_close(&out);
    coder_close(&in);
}

static void count_silent(void *arg, const uint8_t *packet, uint32_t len, uint32_t at, uint32_t n)
{
    uint32_t *none = arg;

    (void)packet;
    (void)at;
    (void)n;
    *none += len == 0;
}

Test(codec, the_far_ends_wishes_are_heeded)
{
    struct coder c;
    struct codec_wishes dtx = {.dtx = true}, narrow = {.playback_hz = 8000},
                        constant = {.constant = true, .bits_per_s = 12000};
    static struct stream s;
    uint32_t none = 0;

    memset(said, 0, sizeof(said));
    open_coder(&c, MEDIA_OPUS);
    encode_all(&c, 20, count_silent, &none);
    cr_expect_eq(none, 0, "without usedtx silence is sent");
    coder_wish(&c, &dtx);
    encode_all(&c, 20, count_silent, &none);
    cr_expect_gt(none, 50, "%u of 100 packets of silence were left out", none);

    coder_close(&c);

    kit_speech(said, N, 16, 7000.0);
    open_coder(&c, MEDIA_OPUS);
    coder_wish(&c, &narrow);
    encode_all(&c, 20, keep, &s);
    for (uint32_t i = 2; i < s.count; i++)
        cr_assert_eq(opus_packet_get_bandwidth(s.packet[i]), OPUS_BANDWIDTH_NARROWBAND);
    s.count = 0;
    coder_wish(&c, &constant);
    encode_all(&c, 20, keep, &s);
    for (uint32_t i = 2; i < s.count; i++)
        cr_assert_eq(s.len[i], 30, "12 kbit/s: %u bytes", s.len[i]);
    coder_close(&c);
}

Test(codec, what_is_malformed_is_no_audio)
{
    static const uint8_t bad[] = {0xff, 0xff, 0x00}, odd[] = {1, 2, 3};
    struct coder c;
    int16_t pcm[CODEC_PCM_MAX];

    open_coder(&c, MEDIA_OPUS);
    cr_expect_eq(coder_samples(&c, NULL, 0), 0);
    cr_expect_eq(coder_samples(&c, bad, sizeof(bad)), 0, "63 frames of 20 ms");
    memset(pcm, 0x55, sizeof(pcm));
    cr_expect_not(coder_decode(&c, (const uint8_t[]){0x03}, 1, pcm, 320));
    cr_expect_neq(pcm[0], 0x5555, "there is something in its place");
    coder_close(&c);
    open_coder(&c, MEDIA_L16_16);
    cr_expect_eq(coder_samples(&c, odd, sizeof(odd)), 0);
    coder_close(&c);
    open_coder(&c, MEDIA_G722);
    cr_expect_eq(coder_samples(&c, odd, sizeof(odd)), 6);
    cr_expect_eq(coder_samples(&c, odd, 100000), 0, "too long");
    coder_close(&c);
    cr_expect_eq(coder_open(&c, MEDIA_PCMU), ERR_INVALID);
}

Test(codec, lengths_and_clocks)
{
    cr_expect_eq(codec_clock_khz(MEDIA_G722), 8);
    cr_expect_eq(codec_khz(MEDIA_G722), 16);
    cr_expect_eq(codec_clock_khz(MEDIA_OPUS), 48);
    cr_expect_eq(codec_clock_khz(MEDIA_L16_16), 16);
    cr_expect_eq(codec_ptime_ms(MEDIA_OPUS, 30), 20);
    cr_expect_eq(codec_ptime_ms(MEDIA_OPUS, 50), 40);
    cr_expect_eq(codec_ptime_ms(MEDIA_OPUS, 60), 60);
    cr_expect_eq(codec_ptime_ms(MEDIA_G722, 30), 30);
    cr_expect_eq(codec_ptime_ms(MEDIA_L16_16, 60), 20, "fits into a datagram");
}

/* ---- concealment ---- */

Test(conceal, a_gap_goes_on_as_it_was_fades_and_ends_without_a_click)
{
    static int16_t pcm[16000];
    struct conceal c;

    kit_speech(pcm, 16000, 16, 3400.0);
    int32_t usual = kit_step(pcm, 16000);

    conceal_init(&c, 16);
    for (uint32_t at = 0; at < 16000; at += 320)
        if (at >= 8000 && at < 8000 + 320)
            conceal_lost(&c, pcm + at, 320);
        else
            conceal_good(&c, pcm + at, 320);
    cr_expect_leq(kit_step(pcm, 16000), usual + usual / 4, "%d beside %d", kit_step(pcm, 16000),
                  usual);
    conceal_lost(&c, pcm, 960);
    conceal_lost(&c, pcm, 320);
    cr_expect_eq(kit_step(pcm, 320), 0, "silent after 60 ms");
    cr_expect_eq(pcm[0], 0);
}

/* ---- complexity ---- */

static uint32_t pass(struct codec_load *l, uint64_t *now_us, uint32_t ms, uint64_t late_us,
                     uint64_t spent_us)
{
    uint32_t complexity = 0;

    for (uint32_t i = 0; i < ms / 20; i++) {
        *now_us += 20000;
        complexity = codec_load_note(l, *now_us, late_us, spent_us);
    }
    return complexity;
}

Test(codec_load, falls_at_once_when_time_is_short_and_rises_slowly)
{
    struct codec_load l = {0};
    uint64_t now = 1000000;

    cr_expect_eq(pass(&l, &now, 1000, 100, 300), CODEC_COMPLEXITY_FIRST);
    cr_expect_eq(pass(&l, &now, 400, 5000, 300), CODEC_COMPLEXITY_FIRST - 4, "late");
    cr_expect_eq(pass(&l, &now, 1000, 5000, 300), 0);
    cr_expect_eq(pass(&l, &now, 1500, 100, 300), 0, "not yet calm");
    cr_expect_eq(pass(&l, &now, 4200, 100, 300), 2, "a step in two seconds");
    cr_expect_eq(pass(&l, &now, 60000, 100, 300), CODEC_COMPLEXITY_MAX);

    uint32_t busy = pass(&l, &now, 400, 100, 10000);

    cr_expect(busy < CODEC_COMPLEXITY_MAX - 2 && busy > 0, "half of the time: %u", busy);
    uint32_t left = pass(&l, &now, 200, 2000, 300);

    cr_expect_eq(pass(&l, &now, 10000, 2000, 300), left, "neither short of time nor calm");
}
