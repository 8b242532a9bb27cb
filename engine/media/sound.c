/* The cache: a list in order of last use, bounded by bytes; an unused sound leaves when a new one
 * needs its room. Lookups walk the list (tens of prompts; loading is rare, playing needs none).
 * Other rates go through a windowed-sinc low-pass at 3.6 kHz, computed at each output instant. */
#include "media/sound.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "dsp/dsp.h"
#include "media/wav.h"

#define BYTES_DEFAULT    (256u << 20)
#define BYTES_PER_SAMPLE 4 /* PCM, µ-law and A-law */
#define FILE_BYTES_MAX   (512u << 20)
#define CUTOFF_HZ        3600.0
#define HALF_TAPS_8K     24 /* of the filter, in samples at 8 kHz */
#define STEP_MAX         6  /* 48 kHz */

struct entry {
    struct sound sound; /* first: a sound is its entry */
    struct list_node node;
    struct sound_cache *cache;
    size_t bytes;
};

struct sound_cache {
    struct list used; /* least recently used first */
    struct sound_cache_stats stats;
};

enum err sound_cache_open(struct sound_cache **out, size_t max_bytes)
{
    struct sound_cache *c = calloc(1, sizeof(*c));

    if (!c)
        return ERR_NOMEM;
    list_init(&c->used);
    c->stats.max_bytes = max_bytes ? max_bytes : BYTES_DEFAULT;
    *out = c;
    return OK;
}

static void forget(struct entry *e)
{
    list_remove(&e->node);
    e->cache->stats.bytes -= e->bytes;
    e->cache->stats.sounds--;
    free(e->sound.path);
    free(e);
}

void sound_cache_close(struct sound_cache *c)
{
    if (!c)
        return;
    list_each(n, next, &c->used)
    {
        struct entry *e = container_of(n, struct entry, node);

        assert(e->sound.refs == 0);
        forget(e);
    }
    free(c);
}

/* An entry with room for the samples, counted and with one reference; sheds unused sounds. */
static struct entry *entry_new(struct sound_cache *c, uint32_t samples)
{
    size_t bytes = sizeof(struct entry) + (size_t)samples * BYTES_PER_SAMPLE;

    list_each(n, next, &c->used)
    {
        struct entry *old = container_of(n, struct entry, node);

        if (c->stats.bytes + bytes <= c->stats.max_bytes)
            break;
        if (old->sound.refs == 0) {
            forget(old);
            c->stats.evicted++;
        }
    }
    struct entry *e = c->stats.bytes + bytes <= c->stats.max_bytes ? calloc(1, bytes) : NULL;

    if (!e) {
        c->stats.refused++;
        return NULL;
    }
    unsigned char *at = (unsigned char *)(e + 1);

    e->cache = c;
    e->bytes = bytes;
    e->sound = (struct sound){.samples = samples,
                              .refs = 1,
                              .pcm = (int16_t *)(void *)at,
                              .ulaw = at + 2 * (size_t)samples,
                              .alaw = at + 3 * (size_t)samples};
    list_push_back(&c->used, &e->node);
    c->stats.bytes += bytes;
    c->stats.sounds++;
    return e;
}

/* The entry's own samples, writable until it is handed out. */
static int16_t *entry_pcm(struct entry *e)
{
    return (int16_t *)(void *)(e + 1);
}

static void entry_encode(struct entry *e)
{
    uint8_t *codes = (uint8_t *)(entry_pcm(e) + e->sound.samples);

    dsp_ulaw_encode(e->sound.pcm, codes, e->sound.samples);
    dsp_alaw_encode(e->sound.pcm, codes + e->sound.samples, e->sound.samples);
}

enum err sound_from_pcm(struct sound_cache *c, const int16_t *pcm, uint32_t samples,
                        const struct sound **out)
{
    if (samples == 0)
        return ERR_INVALID;
    if (samples > SOUND_SECONDS_MAX * SOUND_RATE_HZ)
        return ERR_TOO_LONG;
    struct entry *e = entry_new(c, samples);

    if (!e)
        return ERR_FULL;
    memcpy(entry_pcm(e), pcm, samples * sizeof(*pcm));
    entry_encode(e);
    *out = &e->sound;
    return OK;
}

/* Whole file; *len bytes at the result, to be freed. */
static uint8_t *read_file(const char *path, size_t *len, enum err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    uint8_t *p = NULL;
    size_t got = 0;

    if (fd < 0) {
        *err = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        *err = ERR_INVALID;
        goto done;
    }
    if (st.st_size > (off_t)FILE_BYTES_MAX) {
        *err = ERR_TOO_LONG;
        goto done;
    }
    p = malloc((size_t)st.st_size);
    *err = p ? OK : ERR_NOMEM;
    while (p && got < (size_t)st.st_size) {
        ssize_t n = read(fd, p + got, (size_t)st.st_size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    *len = got;
done:
    close(fd);
    return p;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);

    return n > m && strcmp(path + n - m, suffix) == 0;
}

/* Headerless files by their name; true when it is one. */
static bool raw_as_wav(const char *path, const uint8_t *p, size_t len, struct wav *w)
{
    bool ulaw = has_suffix(path, ".ulaw") || has_suffix(path, ".ul");
    bool alaw = has_suffix(path, ".alaw") || has_suffix(path, ".al");
    bool linear = has_suffix(path, ".sln") || has_suffix(path, ".raw");

    *w = (struct wav){.coding = ulaw   ? WAV_ULAW
                                : alaw ? WAV_ALAW
                                       : WAV_PCM16,
                      .rate_hz = SOUND_RATE_HZ,
                      .channels = 1,
                      .data = p,
                      .frames = linear ? len / 2 : len};
    return ulaw || alaw || linear;
}

/* The kernel's value x input samples from the output instant: a Hann-windowed sinc. */
static double kernel(double x, double cut, double half)
{
    double angle = 2.0 * M_PI * cut * x;

    return (fabs(x) < 1e-9 ? 1.0 : sin(angle) / angle) * (0.5 + 0.5 * cos(M_PI * x / (half + 1.0)));
}

static int16_t saturated(double v)
{
    return (int16_t)lrint(v > 32767.0 ? 32767.0 : v < -32768.0 ? -32768.0 : v);
}

/* Low-pass filter at the output instants. */
static void resample(const struct wav *w, int16_t *out, uint32_t samples)
{
    double step = (double)w->rate_hz / SOUND_RATE_HZ;
    double scale = step > 1.0 ? step : 1.0, half = HALF_TAPS_8K * scale;
    double cut = (step > 1.0 ? CUTOFF_HZ : 0.45 * w->rate_hz) / w->rate_hz; /* cycles a sample */

    for (uint32_t i = 0; i < samples; i++) {
        double at = i * step, sum = 0.0, weight = 0.0;
        int64_t from = (int64_t)ceil(at - half), to = (int64_t)floor(at + half);

        for (int64_t k = from; k <= to; k++) {
            double h = kernel((double)k - at, cut, half);

            weight += h;
            if (k >= 0 && (uint64_t)k < w->frames)
                sum += h * wav_sample(w, (size_t)k);
        }
        out[i] = saturated(sum / weight);
    }
}

/* The same for 16, 24, 32 and 48 kHz, where every output instant meets the same kernel. */
static void decimate(const struct wav *w, int16_t *out, uint32_t samples)
{
    double tap[2 * HALF_TAPS_8K * STEP_MAX + 1], weight = 0.0;
    int64_t step = w->rate_hz / SOUND_RATE_HZ, half = HALF_TAPS_8K * step;

    for (int64_t k = -half; k <= half; k++)
        weight += tap[half + k] = kernel((double)k, CUTOFF_HZ / w->rate_hz, (double)half);
    for (uint32_t i = 0; i < samples; i++) {
        double sum = 0.0;

        for (int64_t k = -half; k <= half; k++) {
            int64_t at = i * step + k;

            if (at >= 0 && (uint64_t)at < w->frames)
                sum += tap[half + k] * wav_sample(w, (size_t)at);
        }
        out[i] = saturated(sum / weight);
    }
}

void sound_convert(const struct wav *w, int16_t *out, uint32_t samples)
{
    uint32_t step = w->rate_hz / SOUND_RATE_HZ;

    if (w->rate_hz % SOUND_RATE_HZ || step > STEP_MAX)
        resample(w, out, samples);
    else if (step > 1)
        decimate(w, out, samples);
    else
        for (uint32_t i = 0; i < samples; i++)
            out[i] = wav_sample(w, i);
}

static enum err decode(struct sound_cache *c, const char *path, const struct wav *w,
                       struct entry **out, char *message)
{
    uint64_t samples = (uint64_t)w->frames * SOUND_RATE_HZ / w->rate_hz;

    if (samples == 0) {
        snprintf(message, SOUND_ERROR_MAX, "%.180s: holds no audio; give a file with sound", path);
        return ERR_INVALID;
    }
    if (samples > (uint64_t)SOUND_SECONDS_MAX * SOUND_RATE_HZ) {
        snprintf(message, SOUND_ERROR_MAX, "%.150s: longer than %d s; cut it into parts", path,
                 SOUND_SECONDS_MAX);
        return ERR_TOO_LONG;
    }
    struct entry *e = entry_new(c, (uint32_t)samples);

    if (!e) {
        snprintf(
            message, SOUND_ERROR_MAX,
            "%.150s: sounds may take %zu bytes in all and are in use; use fewer or shorter ones",
            path, c->stats.max_bytes);
        return ERR_FULL;
    }
    e->sound.path = strdup(path);
    if (!e->sound.path) {
        forget(e);
        return ERR_NOMEM;
    }
    sound_convert(w, entry_pcm(e), (uint32_t)samples);
    entry_encode(e);
    *out = e;
    return OK;
}

static struct entry *find(struct sound_cache *c, const char *path)
{
    list_each(n, next, &c->used)
    {
        struct entry *e = container_of(n, struct entry, node);

        if (e->sound.path && strcmp(e->sound.path, path) == 0)
            return e;
    }
    return NULL;
}

static enum err load(struct sound_cache *c, const char *path, struct entry **out, char *message)
{
    enum err err = OK;
    size_t len = 0;
    struct wav w;
    uint8_t *bytes = read_file(path, &len, &err);

    if (err) {
        snprintf(message, SOUND_ERROR_MAX, "%.180s: cannot be read (%s); check path and rights",
                 path, err_name(err));
        free(bytes);
        return err;
    }
    if (!raw_as_wav(path, bytes, len, &w))
        err = wav_parse(bytes, len, &w);
    if (err == ERR_UNSUPPORTED)
        snprintf(
            message, SOUND_ERROR_MAX,
            "%.120s: WAV coding %u, %u Hz, %u channels is not played; convert it to 16-bit PCM, "
            "µ-law or A-law, mono",
            path, (unsigned)w.coding, w.rate_hz, w.channels);
    else if (err)
        snprintf(message, SOUND_ERROR_MAX,
                 "%.150s: not a WAV file (nor .ulaw, .alaw, .sln); convert it to WAV", path);
    else
        err = decode(c, path, &w, out, message);
    free(bytes);
    return err;
}

enum err sound_load(struct sound_cache *c, const char *path, const struct sound **out,
                    char *message)
{
    char unwanted[SOUND_ERROR_MAX];
    struct entry *e = find(c, path);

    if (e) {
        c->stats.hits++;
        list_remove(&e->node);
        list_push_back(&c->used, &e->node);
        e->sound.refs++;
    } else {
        enum err err = load(c, path, &e, message ? message : unwanted);

        if (err)
            return err;
        c->stats.loads++;
    }
    *out = &e->sound;
    return OK;
}

/* A sound is immutable but for its count, which only the control thread knows. */
static struct entry *entry_of(const struct sound *s)
{
    return (struct entry *)(uintptr_t)s;
}

void sound_ref(const struct sound *s)
{
    entry_of(s)->sound.refs++;
}

void sound_unref(const struct sound *s)
{
    struct entry *e = entry_of(s);

    assert(e->sound.refs > 0);
    e->sound.refs--;
    if (e->sound.refs == 0 && !e->sound.path)
        forget(e);
}

const struct sound_cache_stats *sound_cache_stats(const struct sound_cache *c)
{
    return &c->stats;
}
