/* Recordings to be played: loaded once, then immutable and shared by every leg that plays them.
 *
 * A sound is kept as 8 kHz mono in three forms (PCM, µ-law, A-law), so that playing is a copy of
 * bytes. Files: WAV (PCM 16 bit, µ-law, A-law; 8 kHz as is; 16, 24, 32 and 48 kHz are filtered and
 * decimated, 44.1, 22.05 and 11.025 kHz resampled; two channels are mixed into one) or headerless
 * ".ulaw", ".alaw" and ".sln" (8 kHz).
 *
 * Bounds: SOUND_SECONDS_MAX a sound, the cache's max_bytes in all. Control thread only; media
 * workers read a sound while a leg holds a reference for it. */
#ifndef PEAL_MEDIA_SOUND_H
#define PEAL_MEDIA_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SOUND_RATE_HZ     8000
#define SOUND_SECONDS_MAX 1200
#define SOUND_ERROR_MAX   256

struct sound {
    uint32_t samples; /* at 8 kHz; length in ms is samples / 8 */
    uint32_t refs;
    const int16_t *pcm;
    const uint8_t *ulaw, *alaw;
    char *path; /* NULL: made from samples */
};

struct sound_cache;

/* max_bytes: of all sounds together (a second of sound takes 32,000); 0: 256 MiB. */
enum err sound_cache_open(struct sound_cache **out, size_t max_bytes);
/* Every reference must have been given back (asserted). */
void sound_cache_close(struct sound_cache *c);

/* The sound of that file with one reference for the caller; loaded once, found again by path.
 * On failure `message` (may be NULL; SOUND_ERROR_MAX bytes) gets a sentence: what, where, what to
 * do. ERR_NOT_FOUND, ERR_INVALID, ERR_UNSUPPORTED, ERR_TOO_LONG, ERR_FULL (max_bytes), ERR_NOMEM.
 */
enum err sound_load(struct sound_cache *c, const char *path, const struct sound **out,
                    char *message);
/* From samples of the caller's (copied), 8 kHz. One reference for the caller. */
enum err sound_from_pcm(struct sound_cache *c, const int16_t *pcm, uint32_t samples,
                        const struct sound **out);

struct wav;
/* A WAV file's samples at 8 kHz, filtered when its rate is another; `samples` are at most its
 * frames × 8000 / rate. For readers that keep no sound. */
void sound_convert(const struct wav *w, int16_t *out, uint32_t samples);

void sound_ref(const struct sound *s);
/* The last reference to a loaded sound leaves it in the cache until room is needed. */
void sound_unref(const struct sound *s);

struct sound_cache_stats {
    size_t bytes, max_bytes;
    uint32_t sounds;
    uint64_t hits, loads, evicted, refused;
};
const struct sound_cache_stats *sound_cache_stats(const struct sound_cache *c);

static inline uint32_t sound_ms(const struct sound *s)
{
    return s->samples / 8;
}

#endif
