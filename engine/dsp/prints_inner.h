/* What the files of known recordings share: the bits of a block, the library's arrays, and the way
 * a leg's detectors hand over spectra. Private to the room. */
#ifndef PEAL_DSP_PRINTS_INNER_H
#define PEAL_DSP_PRINTS_INNER_H

#include "dsp/prints.h"

#define EAR_BANDS  17
#define EAR_BLOCKS 9 /* 180 ms are in one block's bits */
#define EAR_BITS   32

/* The last blocks' amplitudes by band; the newest at [at]. */
struct ear {
    float amplitude[EAR_BLOCKS][EAR_BANDS];
    uint8_t at;
};

/* Powers of bins 0…127 of the block's two looks (spectrum.h); NULL: silence. */
void ear_hear(struct ear *e, const float *early, const float *late);
void ear_hold(struct ear *e); /* the block was lost: the last one's amplitudes again */
/* 32 signed strengths: bit k of a block is set where strength[k] > 0. */
void ear_strengths(const struct ear *e, float strength[EAR_BITS]);
float ear_loudness(const struct ear *e); /* mean square amplitude of the newest block, a bin */

struct print_frame {
    uint32_t bits, mask;
};

/* How two stretches of frames differ: of the bits reliable in both. What differs in no more than
 * PRINT_ALIKE of them is one sound: the same samples cut 5 ms apart differ by about half of that,
 * the same words said again by several times as much. */
#define PRINT_ALIKE      0.06f
#define PRINT_ALIKE_BITS 150 /* fewer say nothing */
struct print_difference {
    uint32_t all, wrong;
};
struct print_difference print_differ(const struct print_frame *a, const struct print_frame *b,
                                     uint32_t frames);

/* Keys: 16 bits each, of low, middle and high bands: noise and silence spoil seldom all of them. */
#define PRINT_TABLES 3
static const uint32_t print_table[PRINT_TABLES] = {0x00ff00ffu, 0x0ff00ff0u, 0x1fe0ff00u};

#define PRINT_MARGIN 192 /* empty frames between recordings, so that windows never leave them */

struct print_key {
    uint32_t key, at; /* hashed; index of the frame */
};

struct print_recording {
    struct prints_info info;
    struct print_frame *frame; /* owned */
    uint32_t frames;
    uint32_t start; /* in prints.all */
};

struct prints {
    struct print_recording *recording;
    uint32_t count, room;
    struct print_frame
        *all; /* of every recording, PRINT_MARGIN empty ones before, between, after */
    uint32_t all_count;
    uint32_t *bucket; /* bucket b holds key[bucket[b]…bucket[b + 1]) */
    struct print_key *key;
    uint32_t bucket_bits, key_count, common;
};

static inline uint32_t print_hash(uint32_t x)
{
    x *= 0x9e3779b1u;
    x ^= x >> 15;
    x *= 0x85ebca6bu;
    return x ^ x >> 13;
}

/* One value for the bits of one table; equal ones of different bits are too rare to matter. */
static inline uint32_t print_key_of(unsigned table, uint32_t bits)
{
    return print_hash((bits & print_table[table]) ^ table << 30) * 0xc2b2ae35u;
}

static inline uint32_t print_bucket(const struct prints *p, uint32_t key)
{
    return key >> (32 - p->bucket_bits);
}

/* The recording a frame of prints.all belongs to, the margin after it included. */
uint32_t prints_recording_at(const struct prints *p, uint32_t at);

/* Checks and takes over a recording whose frames exist; frees them on failure. */
enum err prints_take(struct prints *p, const struct prints_info *info, struct print_frame *frame,
                     uint32_t frames, char *error);

/* Which recording was recognised in the block just run. */
struct print_match {
    uint16_t recording;
    uint16_t offset_frames; /* where in the recording the line is now, × 10 ms */
    uint32_t start_ms;      /* from when on it was heard, by the leg's clock */
    float confidence;
};

/* Spectra of the leg's next block, before prints_run; without them the block counts as lost. */
void prints_hear(struct prints_leg *s, const float *early, const float *late);
bool prints_run(struct prints_leg *s, uint32_t now_ms, struct print_match *match);
void prints_reset(struct prints_leg *s); /* what was heard so far counts no more */

#endif
