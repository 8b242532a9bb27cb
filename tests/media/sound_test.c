/* Sounds and WAV files: what is played is what was in the file; what cannot be played is said. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsp/dsp.h"
#include "media/sound.h"
#include "media/wav.h"

static char path[128];

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* A WAV file of the coding, rate and channels given, its bytes as they are; returns its path. */
static const char *write_wav(unsigned coding, uint32_t rate, unsigned channels, unsigned bits,
                             const void *data, size_t bytes)
{
    uint8_t h[WAV_HEADER_BYTES];

    snprintf(path, sizeof(path), "/tmp/peal-sound-%d.wav", (int)getpid());
    FILE *f = fopen(path, "wb");

    cr_assert(f);
    wav_write_header(h, channels, (uint32_t)bytes);
    h[20] = (uint8_t)coding;
    put32(h + 24, rate);
    put32(h + 28, rate * channels * bits / 8);
    h[32] = (uint8_t)(channels * bits / 8);
    h[34] = (uint8_t)bits;
    fwrite(h, 1, sizeof(h), f);
    fwrite(data, 1, bytes, f);
    fclose(f);
    return path;
}

static struct sound_cache *cache;
static char message[SOUND_ERROR_MAX];

static void open_cache(void)
{
    cr_assert_eq(sound_cache_open(&cache, 1 << 20), OK);
}

static void close_cache(void)
{
    sound_cache_close(cache);
    unlink(path);
}

TestSuite(sound, .init = open_cache, .fini = close_cache);

static double tone(double hz, double t, uint32_t rate)
{
    return 10000.0 * sin(2.0 * M_PI * hz * t / rate);
}

Test(sound, pcm_at_8_khz_is_taken_as_it_is)
{
    int16_t pcm[1000];
    const struct sound *s;

    for (int i = 0; i < 1000; i++)
        pcm[i] = (int16_t)(i * 61 - 30000);
    cr_assert_eq(sound_load(cache, write_wav(1, 8000, 1, 16, pcm, sizeof(pcm)), &s, message), OK,
                 "%s", message);
    cr_assert_eq(s->samples, 1000);
    cr_expect_eq(memcmp(s->pcm, pcm, sizeof(pcm)), 0);
    for (int i = 0; i < 1000; i++) {
        int16_t u, a;

        dsp_ulaw_decode(&s->ulaw[i], &u, 1);
        dsp_alaw_decode(&s->alaw[i], &a, 1);
        cr_assert_leq(abs(u - pcm[i]), 1100, "µ-law at %d", i);
        cr_assert_leq(abs(a - pcm[i]), 1100, "A-law at %d", i);
    }
    sound_unref(s);
}

Test(sound, g711_files_keep_their_codes)
{
    uint8_t codes[256];
    const struct sound *s;

    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    cr_assert_eq(sound_load(cache, write_wav(7, 8000, 1, 8, codes, 256), &s, message), OK);
    for (int i = 0; i < 256; i++)
        if (i != 0x7f) /* the second zero of µ-law becomes the first */
            cr_expect_eq(s->ulaw[i], i, "µ-law %02x became %02x", i, s->ulaw[i]);
    sound_unref(s);
    close_cache();
    open_cache(); /* or the path would be found again */
    cr_assert_eq(sound_load(cache, write_wav(6, 8000, 1, 8, codes, 256), &s, message), OK);
    for (int i = 0; i < 256; i++)
        cr_expect_eq(s->alaw[i], i, "A-law %02x became %02x", i, s->alaw[i]);
    sound_unref(s);
}

static double level_of(const struct sound *s, double hz)
{
    double re = 0.0, im = 0.0;
    uint32_t from = s->samples / 4, to = s->samples * 3 / 4;

    for (uint32_t i = from; i < to; i++) {
        re += s->pcm[i] * cos(2.0 * M_PI * hz * i / 8000);
        im += s->pcm[i] * sin(2.0 * M_PI * hz * i / 8000);
    }
    return 2.0 * sqrt(re * re + im * im) / (to - from);
}

Test(sound, other_rates_are_filtered_and_resampled)
{
    static const uint32_t rates[] = {11025, 16000, 22050, 24000, 32000, 44100, 48000};

    for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
        uint32_t n = rates[r] / 2;
        int16_t *pcm = malloc(n * 2);
        const struct sound *s;

        /* 1 kHz stays; 5.3 kHz would fold to 2.7 kHz and must go. */
        for (uint32_t i = 0; i < n; i++)
            pcm[i] = (int16_t)(tone(1000, i, rates[r]) +
                               (rates[r] > 10600 ? tone(5300, i, rates[r]) : 0));
        struct sound_cache *own;

        cr_assert_eq(sound_cache_open(&own, 0), OK);
        cr_assert_eq(sound_load(own, write_wav(1, rates[r], 1, 16, pcm, n * 2), &s, message), OK);
        cr_expect(s->samples >= 3999 && s->samples <= 4000, "%u", s->samples);
        cr_expect_float_eq(level_of(s, 1000), 10000.0, 150.0, "%u Hz: %f", rates[r],
                           level_of(s, 1000));
        cr_expect_lt(level_of(s, 2700), 100.0, "%u Hz: image %f", rates[r], level_of(s, 2700));
        sound_unref(s);
        sound_cache_close(own);
        free(pcm);
    }
}

Test(sound, two_channels_become_one)
{
    int16_t pcm[400];
    const struct sound *s;

    for (int i = 0; i < 200; i++) {
        pcm[2 * i] = 1000;
        pcm[2 * i + 1] = (int16_t)(i * 10);
    }
    cr_assert_eq(sound_load(cache, write_wav(1, 8000, 2, 16, pcm, sizeof(pcm)), &s, message), OK);
    cr_assert_eq(s->samples, 200);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(s->pcm[i], (1000 + i * 10) / 2);
    sound_unref(s);
}

Test(sound, what_cannot_be_played_is_refused_in_a_sentence)
{
    uint8_t junk[4000] = {1, 2, 3};
    const struct sound *s;

    cr_expect_eq(sound_load(cache, "/nonexistent/hello.wav", &s, message), ERR_NOT_FOUND);
    cr_expect(strstr(message, "/nonexistent/hello.wav"), "%s", message);
    cr_expect_eq(sound_load(cache, "/tmp", &s, message), ERR_INVALID);
    cr_expect_eq(sound_load(cache, "/dev/zero", &s, NULL), ERR_INVALID);
    write_wav(3, 8000, 1, 32, junk, sizeof(junk));
    cr_expect_eq(sound_load(cache, path, &s, message), ERR_UNSUPPORTED);
    cr_expect(strstr(message, "coding 3"), "%s", message);
    write_wav(1, 8000, 6, 16, junk, sizeof(junk));
    cr_expect_eq(sound_load(cache, path, &s, message), ERR_UNSUPPORTED);
    write_wav(1, 8000, 1, 16, junk, 0);
    cr_expect_eq(sound_load(cache, path, &s, message), ERR_INVALID, "no audio");
    FILE *f = fopen(path, "wb");

    fwrite(junk, 1, sizeof(junk), f);
    fclose(f);
    cr_expect_eq(sound_load(cache, path, &s, message), ERR_INVALID);
    cr_expect(strstr(message, "not a WAV file"), "%s", message);
}

Test(sound, cache_is_bounded_and_sheds_only_what_is_unused)
{
    static int16_t pcm[60000]; /* 240 kB each of 1 MiB */
    const struct sound *s[5];

    for (int i = 0; i < 4; i++)
        cr_assert_eq(sound_from_pcm(cache, pcm, 60000, &s[i]), OK);
    cr_expect_eq(sound_from_pcm(cache, pcm, 60000, &s[4]), ERR_FULL);
    cr_expect_eq(sound_cache_stats(cache)->refused, 1);
    sound_unref(s[0]);
    cr_expect_eq(sound_cache_stats(cache)->sounds, 3, "made from samples: gone at once");
    write_wav(1, 8000, 1, 16, pcm, sizeof(pcm));
    cr_expect_eq(sound_load(cache, path, &s[0], message), OK);
    sound_unref(s[0]);
    cr_expect_eq(sound_load(cache, path, &s[0], message), OK, "found again");
    cr_expect_eq(sound_cache_stats(cache)->hits, 1);
    sound_unref(s[0]);
    cr_expect_eq(sound_from_pcm(cache, pcm, 60000, &s[4]), OK, "takes the unused one's room");
    cr_expect_eq(sound_cache_stats(cache)->evicted, 1);
    cr_expect_eq(sound_from_pcm(cache, pcm, 0, &s[0]), ERR_INVALID);
    for (int i = 1; i < 5; i++)
        sound_unref(s[i]);
    cr_expect_eq(sound_cache_stats(cache)->bytes, 0);
}

Test(sound, lying_sizes_are_cut_to_what_is_there)
{
    uint8_t file[WAV_HEADER_BYTES + 100] = {0};
    struct wav w;

    wav_write_header(file, 1, 0xffffff00);
    cr_expect_eq(wav_parse(file, sizeof(file), &w), OK);
    cr_expect_eq(w.frames, 50);
    for (size_t n = 0; n < WAV_HEADER_BYTES - 8 + 8; n++)
        cr_expect_neq(wav_parse(file, n, &w), OK, "%zu bytes", n);
}
