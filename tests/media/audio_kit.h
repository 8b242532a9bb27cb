/* Voices of a test: each is a call of two legs over real sockets, a far end that says a tone of its
 * own and records what it hears, and the near leg that the product bridges and mixes. Levels are
 * taken by frequency; a click is a step between two samples that the tones cannot make. */
#ifndef PEAL_TESTS_AUDIO_KIT_H
#define PEAL_TESTS_AUDIO_KIT_H

#include <criterion/criterion.h>
#include <math.h>

#include "media/mix.h"
#include "media_kit.h"

#define VOICE_SIZE 6000.0 /* amplitude of every voice */

struct voice {
    struct kit *k;
    struct heard_leg far, near;
    double hz;
    const struct sound *tone;
    char path[40];
    uint8_t *file; /* of the last hearing */
    struct wav wav;
};

/* A tone that goes round without a seam: whole periods in a second. */
static inline const struct sound *voice_tone(struct kit *k, double hz, double size)
{
    static int16_t pcm[8000];
    const struct sound *s;

    for (int i = 0; i < 8000; i++)
        pcm[i] = (int16_t)lrint(size * sin(2 * M_PI * hz * i / 8000.0));
    cr_assert_eq(sound_from_pcm(media_sounds(k->media), pcm, 8000, &s), OK);
    return s;
}

static inline void voice_open_as(struct kit *k, struct voice *v, double hz, double size,
                                 enum media_codec codec)
{
    *v = (struct voice){.k = k, .hz = hz, .path = "/tmp/peal-voice-XXXXXX"};
    close(mkstemp(v->path));
    kit_pair(k, &v->far, &v->near, codec);
    v->tone = voice_tone(k, hz, size);
    cr_assert_eq(media_leg_play(v->far.leg, v->tone, true, 1), OK);
}

static inline void voice_open(struct kit *k, struct voice *v, double hz)
{
    voice_open_as(k, v, hz, VOICE_SIZE, MEDIA_PCMU);
}

static inline void voice_close(struct voice *v)
{
    kit_close_pair(v->k, &v->far, &v->near);
    sound_unref(v->tone);
    unlink(v->path);
    free(v->file);
}

static inline void voice_begin(struct voice *v)
{
    v->far.recorded = 0;
    cr_assert_eq(kit_record(&v->far, v->path, true), OK);
}

static inline void voice_end(struct voice *v)
{
    size_t len;

    media_leg_record_stop(v->far.leg);
    cr_assert(kit_until(v->k, &v->far.recorded, 1, KIT_LIMIT_MS));
    free(v->file);
    v->file = kit_read(v->path, &len);
    cr_assert_eq(wav_parse(v->file, len, &v->wav), OK);
}

/* What everybody hears in the next ms. */
static inline void voices_hear(struct voice **v, int n, uint64_t ms)
{
    for (int i = 0; i < n; i++)
        voice_begin(v[i]);
    kit_run_ms(v[0]->k, ms);
    for (int i = 0; i < n; i++)
        voice_end(v[i]);
}

/* Amplitude of a frequency in what the far end heard: the median of windows of 100 ms, so that a
 * moment in which the machine was too busy does not count. */
static inline double voice_level(const struct voice *v, double hz)
{
    double of[200];
    int n = 0;

    for (size_t at = 0; at + 800 <= v->wav.frames && n < 200; at += 800) {
        double re = 0, im = 0;

        for (size_t i = 0; i < 800; i++) {
            double x = kit_sample(&v->wav, at + i, 0), w = 2 * M_PI * hz * (double)i / 8000.0;

            re += x * cos(w);
            im += x * sin(w);
        }
        double size = 2 * sqrt(re * re + im * im) / 800;
        int p = n++;

        for (; p > 0 && of[p - 1] > size; p--)
            of[p] = of[p - 1];
        of[p] = size;
    }
    cr_assert_gt(n, 0);
    return of[n / 2];
}

static inline bool voice_hears_at(const struct voice *v, double hz, double size)
{
    double found = voice_level(v, hz);

    return size > 0 ? found > 0.84 * size && found < 1.19 * size /* 1.5 dB */
                    : found < 0.02 * VOICE_SIZE;
}

static inline bool voice_hears(const struct voice *v, const struct voice *other)
{
    return voice_hears_at(v, other->hz, VOICE_SIZE);
}

static inline bool voice_misses(const struct voice *v, const struct voice *other)
{
    return voice_hears_at(v, other->hz, 0);
}

/* The largest step between neighbours. */
static inline double voice_step(const struct voice *v)
{
    double most = 0;

    for (size_t i = 1; i < v->wav.frames; i++) {
        double step = fabs((double)kit_sample(&v->wav, i, 0) - kit_sample(&v->wav, i - 1, 0));

        most = step > most ? step : most;
    }
    return most;
}

/* … and the largest that a tone makes by itself. */
static inline double tone_step(double hz, double size)
{
    return 2 * size * sin(M_PI * hz / 8000.0);
}

#endif
