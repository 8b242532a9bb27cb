/* Opus in Ogg: pages as RFC 3533 and headers as RFC 7845 want them, read by opus-tools, which are
 * not ours; the length to the sample, both channels in step and none heard in the other. */
#include <criterion/criterion.h>
#include <math.h>
#include <opus/opus_multistream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/opus_record.h"
#include "media_kit.h"

#define BLOCKS  731 /* 14.62 s: the last page is not full */
#define SAMPLES (BLOCKS * 160)

struct written {
    uint8_t *p;
    size_t len;
    uint32_t pages;
};

static void take(void *arg, const uint8_t *page, uint32_t n)
{
    struct written *w = arg;

    w->p = realloc(w->p, w->len + n);
    memcpy(w->p + w->len, page, n);
    w->len += n;
    w->pages++;
}

/* Chirps of speech's frequencies, one up and one down in bursts: their places can be told. */
static int16_t left_at(int t)
{
    return (int16_t)(9000 * sin(t * (0.3 + 0.000004 * t)));
}
static int16_t right_at(int t)
{
    return t / 4000 % 2 ? (int16_t)(7000 * sin(t * (1.6 - 0.000004 * t))) : 0;
}

static struct written write_all(uint32_t channels)
{
    struct written w = {0};
    struct opus_record *o;
    int16_t pcm[320];

    cr_assert_eq(opus_record_open(&o, channels, 24000, 77, take, &w), OK);
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < 160; i++) {
            int t = b * 160 + i;

            pcm[i * (int)channels] = left_at(t);
            if (channels == 2)
                pcm[2 * i + 1] = right_at(t);
        }
        opus_record_block(o, pcm);
    }
    opus_record_close(o);
    return w;
}

static uint64_t get(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

Test(opus_record, pages_are_whole_and_in_order)
{
    for (uint32_t channels = 1; channels <= 2; channels++) {
        struct written w = write_all(channels);
        uint64_t granule = 0, last = 0;
        size_t at = 0;
        uint32_t n = 0;

        while (at < w.len) {
            uint8_t page[OGG_PAGE_MAX];
            size_t segments = w.p[at + 26], body = 0;

            cr_assert_eq(memcmp(w.p + at, "OggS", 4), 0, "at %zu", at);
            for (size_t i = 0; i < segments; i++)
                body += w.p[at + 27 + i];
            size_t len = 27 + segments + body;

            memcpy(page, w.p + at, len);
            memset(page + 22, 0, 4);
            cr_assert_eq(ogg_crc(0, page, len), get(w.p + at + 22, 4));
            cr_assert_eq(get(w.p + at + 18, 4), n, "page number");
            cr_assert_eq(w.p[at + 5], n == 0 ? 2 : at + len == w.len ? 4 : 0);
            granule = get(w.p + at + 6, 8);
            cr_assert_geq(granule, last);
            last = granule;
            if (n == 0) {
                cr_assert_eq(memcmp(w.p + at + 28, "OpusHead", 8), 0);
                cr_assert_eq(segments, 1, "the header is alone on its page");
            }
            n++;
            at += len;
        }
        cr_expect_eq(n, w.pages);
        cr_expect_eq(n, 2 + 15, "a page a second");
        uint64_t skip = get(w.p + 28 + 10, 2);

        cr_expect_eq(granule, skip + (uint64_t)SAMPLES * 6);
        free(w.p);
    }
}

/* The check value of this CRC for "123456789" (CRC-32/CKSUM without its end, by definition of
 * polynomial and start). */
Test(opus_record, checksum_is_the_one_of_ogg)
{
    cr_expect_eq(ogg_crc(0, (const uint8_t *)"123456789", 9), 0x89a1897fu, "%x",
                 ogg_crc(0, (const uint8_t *)"123456789", 9));
}

Test(opus_record, long_packets_get_their_lacing)
{
    static struct ogg o;
    static uint8_t page[OGG_PAGE_MAX], packet[OGG_PAYLOAD_MAX];

    ogg_init(&o, 1);
    cr_assert(ogg_add(&o, packet, 255));
    cr_assert(ogg_add(&o, packet, 0));
    cr_assert(ogg_add(&o, packet, 600));
    uint32_t len = ogg_page(&o, 5, false, page);

    cr_expect_eq(page[26], 2 + 1 + 3);
    cr_expect_eq(memcmp(page + 27, "\xff\x00\x00\xff\xff\x5a", 6), 0);
    cr_expect_eq(len, 27 + 6 + 855);
    cr_expect_not(ogg_add(&o, packet, OGG_PAYLOAD_MAX), "no room for its last segment");
    cr_expect(ogg_is_empty(&o));
}

/* ---- by the reader of opus-tools ---- */

static void have_tools(void)
{
    if (system("command -v opusdec opusinfo >/dev/null") != 0)
        cr_skip_test("opus-tools are not installed (tools/setup test)");
}

static double correlation(const struct wav *w, uint32_t channel, int16_t (*said)(int), int lag)
{
    double xy = 0, xx = 0, yy = 0;

    for (int t = 2000; t < SAMPLES - 2000; t++) {
        double x = said(t), y = kit_sample(w, (size_t)(t + lag), channel);

        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    return xy / sqrt(xx * yy + 1);
}

static int best_lag(const struct wav *w, uint32_t channel, int16_t (*said)(int), double *best)
{
    int at = 0;

    *best = -1;
    for (int lag = -40; lag <= 40; lag++) {
        double c = correlation(w, channel, said, lag);

        if (c > *best) {
            *best = c;
            at = lag;
        }
    }
    return at;
}

Test(opus_record, opus_tools_decode_it_in_step)
{
    char opus[] = "/tmp/peal-opus-XXXXXX", wav[64], command[256];
    struct written file = write_all(2);
    int fd = mkstemp(opus);
    double left, right;
    struct wav w;
    size_t len;

    have_tools();
    cr_assert_eq(write(fd, file.p, file.len), (ssize_t)file.len);
    close(fd);
    snprintf(command, sizeof(command), "opusinfo %s 2>&1 | grep -qi warning", opus);
    cr_expect_neq(system(command), 0, "opusinfo finds nothing to warn of");
    snprintf(wav, sizeof(wav), "%s.wav", opus);
    snprintf(command, sizeof(command), "opusdec --quiet --rate 8000 --no-dither %s %s", opus, wav);
    cr_assert_eq(system(command), 0);
    uint8_t *bytes = kit_read(wav, &len);

    cr_assert_eq(wav_parse(bytes, len, &w), OK);
    cr_expect_eq(w.channels, 2);
    cr_expect_leq(labs((long)w.frames - SAMPLES), 1, "%zu of %d", w.frames, SAMPLES);
    int at_left = best_lag(&w, 0, left_at, &left), at_right = best_lag(&w, 1, right_at, &right);

    cr_expect_gt(left, 0.85, "left is there: %.3f", left);
    cr_expect_gt(right, 0.85, "right is there: %.3f", right);
    cr_expect_leq(abs(at_left - at_right), 1, "left at %d, right at %d", at_left, at_right);
    cr_expect_leq(abs(at_left), 1, "and at its time");
    /* Where the right is silent nothing of the left is in it. */
    double loud = 0;
    for (int t = 8400; t < 11600; t++)
        loud = fmax(loud, abs(kit_sample(&w, (size_t)t, 1)));
    cr_expect_lt(loud, 90, "the other side is heard: %.0f", loud);
    free(bytes);
    free(file.p);
    unlink(opus);
    unlink(wav);
}
