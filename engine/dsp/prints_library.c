/* The library: recordings in, their bits and masks, and the index by key.
 *
 * The mask keeps the bits whose strength exceeds what white noise 10 dB below the recording's own
 * level would do to them. The index holds every frame whose key has at most three weak bits, under
 * each of their values; keys that too many frames share are left out whole, so that one common
 * sound cannot make a block dear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp.h"
#include "dsp/prints_inner.h"
#include "dsp/spectrum.h"

#define NOISE_SHARE   0.1f /* −10 dB */
#define NOISE_MARGIN  1.2f
#define ACTIVE_SHARE  0.0032f /* −25 dB of the loudest block: the recording's sounding part */
#define WEAK_MAX      3
#define BUCKET_MAX    64
#define SOLID_MIN     1000 /* reliable bits a recording must have */
#define LOUDNESS_MIN  1e4f /* −68 dBm0 in its bands: a recording must sound at all */
#define KEYS_EACH_MAX (1u << WEAK_MAX)

enum err prints_open(struct prints **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : ERR_NOMEM;
}

static void index_free(struct prints *p)
{
    free(p->all);
    free(p->bucket);
    free(p->key);
    p->all = NULL;
    p->bucket = NULL;
    p->key = NULL;
    p->all_count = p->key_count = p->common = 0;
}

void prints_close(struct prints *p)
{
    if (!p)
        return;
    index_free(p);
    for (uint32_t i = 0; i < p->count; i++)
        free(p->recording[i].frame);
    free(p->recording);
    free(p);
}

uint32_t prints_count(const struct prints *p)
{
    return p->count;
}

const struct prints_info *prints_info_of(const struct prints *p, uint32_t index)
{
    return index < p->count ? &p->recording[index].info : NULL;
}

static struct print_recording *find(const struct prints *p, const char *id)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (strcmp(p->recording[i].info.id, id) == 0)
            return &p->recording[i];
    return NULL;
}

enum err prints_remove(struct prints *p, const char *id)
{
    struct print_recording *r = find(p, id);
    if (!r)
        return ERR_NOT_FOUND;
    free(r->frame);
    p->count--;
    memmove(r, r + 1, (size_t)(p->recording + p->count - r) * sizeof *r);
    return OK;
}

static bool name_ok(const char *s, size_t cap, bool empty_ok)
{
    size_t len = strnlen(s, cap);
    if (len == cap || (!len && !empty_ok))
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static enum err room_for_one(struct prints *p)
{
    if (p->count < p->room)
        return OK;
    uint32_t room = p->room ? 2 * p->room : 16;
    struct print_recording *r = realloc(p->recording, room * sizeof *r);
    if (!r)
        return ERR_NOMEM;
    p->recording = r;
    p->room = room;
    return OK;
}

static uint32_t solid_bits(const struct print_frame *f, uint32_t frames)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < frames; i++)
        n += (uint32_t)__builtin_popcount(f[i].mask);
    return n;
}

static enum err check(const struct prints *p, const struct prints_info *info,
                      const struct print_frame *frame, uint32_t frames, char *error)
{
    if (!name_ok(info->id, PRINTS_ID_MAX, false) ||
        !name_ok(info->result, PRINTS_RESULT_MAX, false) ||
        !name_ok(info->language, PRINTS_LANGUAGE_MAX, true)) {
        snprintf(error, PRINTS_ERROR_MAX,
                 "id, result and language are made of letters, digits, '-', '_' and '.'; at most "
                 "%d, %d and %d of them",
                 PRINTS_ID_MAX - 1, PRINTS_RESULT_MAX - 1, PRINTS_LANGUAGE_MAX - 1);
        return ERR_INVALID;
    }
    if (find(p, info->id)) {
        snprintf(error, PRINTS_ERROR_MAX,
                 "a recording with the id '%s' is in the library already; remove it first or "
                 "choose another id",
                 info->id);
        return ERR_EXISTS;
    }
    if (p->count >= PRINTS_RECORDINGS_MAX) {
        snprintf(error, PRINTS_ERROR_MAX,
                 "the library is full with %d recordings; remove some or begin another",
                 PRINTS_RECORDINGS_MAX);
        return ERR_FULL;
    }
    if (frames < PRINTS_MS_MIN / PRINTS_FRAME_MS || solid_bits(frame, frames) < SOLID_MIN) {
        snprintf(error, PRINTS_ERROR_MAX,
                 "'%s' cannot be recognised: it needs a second or more of speech or other "
                 "changing sound",
                 info->id);
        return ERR_INVALID;
    }
    return OK;
}

enum err prints_take(struct prints *p, const struct prints_info *info, struct print_frame *frame,
                     uint32_t frames, char *error)
{
    enum err err = check(p, info, frame, frames, error);
    if (!err && room_for_one(p)) {
        snprintf(error, PRINTS_ERROR_MAX, "no memory for another recording");
        err = ERR_NOMEM;
    }
    if (err) {
        free(frame);
        return err;
    }
    struct print_recording *r = &p->recording[p->count++];
    *r = (struct print_recording){.info = *info, .frame = frame, .frames = frames};
    r->info.ms = frames * PRINTS_FRAME_MS;
    r->info.solid = solid_bits(frame, frames) * 100u / (frames * EAR_BITS);
    return OK;
}

/* The strengths of every frame: blocks of 20 ms as a leg has them, in two rows 10 ms apart. */
static void strengths(const int16_t *pcm, size_t samples, float (*out)[EAR_BITS], float *loudness,
                      uint32_t frames)
{
    struct ear ear[2] = {0};
    int16_t window[LOOK_SAMPLES + DSP_BLOCK_SAMPLES / 2];
    float early[SPECTRUM_BINS], late[SPECTRUM_BINS];
    for (uint32_t i = 0; i < frames; i++) {
        /* Frame i ends where 10 ms × (i + 1) have been heard. */
        size_t end = (size_t)(i + 1) * (DSP_BLOCK_SAMPLES / 2);
        size_t len = sizeof window / sizeof *window;
        for (size_t k = 0; k < len; k++)
            window[k] = end + k >= len && end + k - len < samples ? pcm[end + k - len] : 0;
        spectrum_powers(window, early, late);
        ear_hear(&ear[i & 1], early, late);
        ear_strengths(&ear[i & 1], out[i]);
        loudness[i] = ear_loudness(&ear[i & 1]);
    }
}

/* Amplitude of the noise in a band's bin, from the loudness of the sounding part. */
static float noise_amplitude(const float *loudness, uint32_t frames)
{
    float most = 0, sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < frames; i++)
        most = loudness[i] > most ? loudness[i] : most;
    if (most < LOUDNESS_MIN)
        return 0;
    for (uint32_t i = 0; i < frames; i++)
        if (loudness[i] >= ACTIVE_SHARE * most) {
            sum += loudness[i];
            n++;
        }
    return __builtin_sqrtf(NOISE_SHARE * sum / (float)n);
}

static struct print_frame *frames_of(const int16_t *pcm, size_t samples, uint32_t frames)
{
    struct print_frame *f = calloc(frames, sizeof *f);
    float(*strength)[EAR_BITS] = calloc(frames, sizeof *strength);
    float *loudness = calloc(frames, sizeof *loudness);
    if (f && strength && loudness) {
        strengths(pcm, samples, strength, loudness, frames);
        float least = NOISE_MARGIN * noise_amplitude(loudness, frames);
        for (uint32_t i = 0; least > 0 && i < frames; i++)
            for (unsigned k = 0; k < EAR_BITS; k++) {
                float s = strength[i][k];
                f[i].bits |= (uint32_t)(s > 0) << k;
                f[i].mask |= (uint32_t)(s > least || s < -least) << k;
            }
    } else {
        free(f);
        f = NULL;
    }
    free(strength);
    free(loudness);
    return f;
}

enum err prints_add(struct prints *p, const struct prints_info *info, const int16_t *pcm,
                    size_t samples, char *error)
{
    size_t ms = samples * 1000 / DSP_RATE_HZ;
    uint32_t frames = (uint32_t)(ms > PRINTS_MS_MAX ? PRINTS_MS_MAX : ms) / PRINTS_FRAME_MS;
    struct print_frame *f = frames ? frames_of(pcm, samples, frames) : NULL;
    if (frames && !f) {
        snprintf(error, PRINTS_ERROR_MAX, "no memory for a recording of %zu ms", ms);
        return ERR_NOMEM;
    }
    return prints_take(p, info, f, frames, error);
}

/* The keys a frame stands under in a table; 0 when too many of its bits are weak. */
static unsigned keys_of(unsigned table, const struct print_frame *f, uint32_t keys[KEYS_EACH_MAX])
{
    uint32_t weak = print_table[table] & ~f->mask;
    if (__builtin_popcount(weak) > WEAK_MAX)
        return 0;
    unsigned n = 0;
    uint32_t set = weak;
    for (;; set = (set - 1) & weak) { /* every subset of the weak bits */
        keys[n++] = print_key_of(table, (f->bits & ~weak) | set);
        if (!set)
            return n;
    }
}

/* Counts the keys of each bucket (p->key NULL), or fills them in. */
static void each_key(struct prints *p, uint32_t *fill)
{
    uint32_t keys[KEYS_EACH_MAX];
    for (uint32_t t = 0; t < PRINT_TABLES * p->all_count; t++) {
        uint32_t i = t / PRINT_TABLES;
        unsigned n = p->all[i].mask ? keys_of(t % PRINT_TABLES, &p->all[i], keys) : 0;
        for (unsigned k = 0; k < n; k++) {
            uint32_t *at = &fill[print_bucket(p, keys[k])];
            if (p->key)
                p->key[*at] = (struct print_key){.key = keys[k], .at = i};
            ++*at;
        }
    }
}

static enum err lay_out(struct prints *p)
{
    uint32_t total = PRINT_MARGIN;
    for (uint32_t i = 0; i < p->count; i++)
        total += p->recording[i].frames + PRINT_MARGIN;
    p->all = calloc(total, sizeof *p->all);
    if (!p->all)
        return ERR_NOMEM;
    p->all_count = total;
    uint32_t at = PRINT_MARGIN;
    for (uint32_t i = 0; i < p->count; i++) {
        struct print_recording *r = &p->recording[i];
        r->start = at;
        memcpy(p->all + at, r->frame, r->frames * sizeof *r->frame);
        at += r->frames + PRINT_MARGIN;
    }
    p->bucket_bits = 10;
    while (p->bucket_bits < 22 && 1u << p->bucket_bits < total)
        p->bucket_bits++;
    return OK;
}

static int by_key(const void *a, const void *b)
{
    const struct print_key *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Within each bucket: sorted by key, and keys that too many frames share left out. */
static void thin(struct prints *p)
{
    uint32_t buckets = 1u << p->bucket_bits, to = 0;
    for (uint32_t b = 0, from = 0; b < buckets; b++) {
        uint32_t end = p->bucket[b];
        qsort(p->key + from, end - from, sizeof *p->key, by_key);
        p->bucket[b] = to;
        while (from < end) {
            uint32_t run = from;
            while (run < end && p->key[run].key == p->key[from].key)
                run++;
            if (run - from <= BUCKET_MAX) {
                memmove(p->key + to, p->key + from, (run - from) * sizeof *p->key);
                to += run - from;
            } else {
                p->common += run - from;
            }
            from = run;
        }
    }
    p->bucket[buckets] = to;
    p->key_count = to;
}

enum err prints_index(struct prints *p)
{
    index_free(p);
    if (lay_out(p))
        return ERR_NOMEM;
    uint32_t buckets = 1u << p->bucket_bits, sum = 0;
    p->bucket = calloc(buckets + 1, sizeof *p->bucket);
    if (!p->bucket)
        return ERR_NOMEM;
    each_key(p, p->bucket);
    for (uint32_t b = 0; b < buckets; b++) {
        uint32_t n = p->bucket[b];
        p->bucket[b] = sum;
        sum += n;
    }
    p->key = calloc(sum ? sum : 1, sizeof *p->key);
    if (!p->key) {
        index_free(p);
        return ERR_NOMEM;
    }
    each_key(p, p->bucket); /* leaves each bucket's end in its place */
    thin(p);
    return OK;
}

struct prints_size prints_size_of(const struct prints *p)
{
    struct prints_size s = {.keys = p->key_count, .common = p->common};
    for (uint32_t i = 0; i < p->count; i++)
        s.frames += p->recording[i].frames;
    s.bytes = sizeof *p + p->room * sizeof *p->recording + s.frames * sizeof *p->all +
              p->all_count * sizeof *p->all + p->key_count * sizeof *p->key +
              (p->bucket ? ((size_t)1 << p->bucket_bits) * sizeof *p->bucket : 0);
    return s;
}

uint32_t prints_recording_at(const struct prints *p, uint32_t at)
{
    uint32_t low = 0, high = p->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (p->recording[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}
