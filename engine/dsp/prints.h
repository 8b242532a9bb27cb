/* Known recordings: announcements of networks and greetings of mailboxes, recognised by sound.
 *
 * Each 20 ms of a line becomes 32 bits: by the signs of differences of energy between neighbouring
 * bands (250 to 3125 Hz) and moments, which neither level nor line colour changes. A library holds
 * the same bits of its recordings every 10 ms, with a mask of those that noise at 10 dB would not
 * turn. An index by hash gives, for the block just heard, the places in all recordings that have
 * the same key; where the blocks before fit at a glance, the last 1.3 s are compared,
 * bit by bit, at three speeds. So the cost grows with the number of equal keys, not of recordings,
 * and what is looked at in one block is bounded.
 *
 * Recordings that sound alike for a while ("temporarily …") wait for each other: one is named when
 * it fits clearly better than the others, after two seconds at the latest. No difference is waited
 * for that the library knows not to come in those two seconds (twins), and but a moment among
 * recordings of the same result; another is named afterwards when it turns out to be that one.
 *
 * A library is built or loaded by one thread, then indexed; from then on it is immutable and shared
 * by all legs. A leg's state belongs to the worker that owns the leg. Nothing is allocated after
 * prints_index(). */
#ifndef PEAL_DSP_PRINTS_H
#define PEAL_DSP_PRINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PRINTS_RECORDINGS_MAX 4000
#define PRINTS_MS_MIN         1000  /* shorter recordings are refused */
#define PRINTS_MS_MAX         60000 /* of longer ones the first minute is kept */
#define PRINTS_ID_MAX         48    /* with the terminating zero */
#define PRINTS_RESULT_MAX     24
#define PRINTS_LANGUAGE_MAX   12
#define PRINTS_FILE_MAX       (256u << 20)
#define PRINTS_ERROR_MAX      256
#define PRINTS_FRAME_MS       10

struct prints_info {
    char id[PRINTS_ID_MAX];             /* letters, digits, '-', '_', '.' */
    char result[PRINTS_RESULT_MAX];     /* label for the result of a call; the caller knows which */
    char language[PRINTS_LANGUAGE_MAX]; /* "ru", "en-GB", "" */
    uint32_t ms;                        /* length kept */
    uint32_t solid;                     /* percent of the bits that would survive 10 dB of noise */
};

struct prints;

enum err prints_open(struct prints **out); /* an empty library; ERR_NOMEM */
void prints_close(struct prints *p);       /* no leg may use it any more; NULL is fine */

/* Adds a recording of 8 kHz samples (not yet found by legs: prints_index). info: id, result and
 * language. error (PRINTS_ERROR_MAX bytes) says what is wrong: ERR_INVALID (id, label, too short,
 * too little sound), ERR_EXISTS (the id), ERR_FULL, ERR_NOMEM. */
enum err prints_add(struct prints *p, const struct prints_info *info, const int16_t *pcm,
                    size_t samples, char *error);
enum err prints_remove(struct prints *p, const char *id); /* ERR_NOT_FOUND */
uint32_t prints_count(const struct prints *p);
const struct prints_info *prints_info_of(const struct prints *p, uint32_t index);
/* Builds the index anew. After it, add and remove nothing while legs use the library. */
enum err prints_index(struct prints *p);

/* Another recording that holds the same sound for a while: a line that plays it may be named as
 * either. */
#define PRINTS_TWIN_MS 1500 /* at least */
struct prints_twin {
    uint32_t index;
    uint32_t from_ms, there_ms, ms; /* where it begins in the one and in the other; how long */
};
/* The twins of a recording, in the library's order; returns how many, up to max. The library must
 * be indexed. Sound repeated within one recording is no twin. */
uint32_t prints_twins(const struct prints *p, uint32_t index, struct prints_twin *out,
                      uint32_t max);

struct prints_size {
    size_t frames, keys; /* frames of all recordings, entries of the index */
    size_t common;       /* entries left out because too many share their key */
    size_t bytes;
};
struct prints_size prints_size_of(const struct prints *p);

/* Library files: one, versioned, with a check sum; written beside and renamed. Loading leaves the
 * library indexed. ERR_NOT_FOUND, ERR_IO, ERR_INVALID, ERR_UNSUPPORTED (another version),
 * ERR_TOO_LONG, ERR_NOMEM; error says what, where, what to do. */
enum err prints_load(struct prints **out, const char *path, char *error);
enum err prints_save(const struct prints *p, const char *path, char *error);
/* The same from bytes; name stands in errors. The result is not indexed. */
enum err prints_parse(struct prints **out, const uint8_t *bytes, size_t len, const char *name,
                      char *error);
uint64_t prints_checksum(const uint8_t *bytes, size_t len); /* of what precedes it in a file */

/* What one leg has heard of the library. Attach with dsp_state_prints (dsp.h). */
#define PRINTS_LEG_BYTES 1280
struct prints_leg {
    _Alignas(64) unsigned char opaque[PRINTS_LEG_BYTES];
};
void prints_leg_init(struct prints_leg *s, const struct prints *p);

struct prints_work {
    uint64_t blocks, lookups, candidates, comparisons, skipped; /* skipped: over the bounds */
};
struct prints_work prints_leg_work(const struct prints_leg *s);

#endif
