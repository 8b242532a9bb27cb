/* See recording.h: loading of WAV files, and hearing. */
#include "media/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/capture.h"
#include "media/sound.h"
#include "media/wav.h"

#define FILE_BYTES_MAX (1u << 30)
#define FLOOR_MIN_RMS  4.0 /* about -72 dBm0: quieter lines are not heard of */

enum err recording_alloc(struct recording *r, uint64_t blocks)
{
    if (blocks == 0)
        return ERR_INVALID;
    if (blocks > RECORDING_BLOCKS_MAX)
        return ERR_TOO_LONG;
    r->pcm = calloc((size_t)blocks * DSP_BLOCK_SAMPLES, sizeof(*r->pcm));
    r->flags = calloc((size_t)blocks, 1);
    r->blocks = (uint32_t)blocks;
    if (r->pcm && r->flags)
        return OK;
    recording_free(r);
    return ERR_NOMEM;
}

void recording_free(struct recording *r)
{
    free(r->pcm);
    free(r->flags);
    r->pcm = NULL;
    r->flags = NULL;
    r->blocks = 0;
}

static uint8_t *read_file(const char *path, size_t *len, char *message)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    uint8_t *p = NULL;
    size_t got = 0;

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(message, RECORDING_ERROR_MAX, "%.300s: cannot be read (%s); check path and rights",
                 path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)FILE_BYTES_MAX) {
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: not a file of 1 byte to 1 GiB; give a WAV file or a packet capture",
                 path);
        goto done;
    }
    p = malloc((size_t)st.st_size);
    if (!p)
        snprintf(message, RECORDING_ERROR_MAX, "%.300s: no memory for it", path);
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
    if (fd >= 0)
        close(fd);
    return p;
}

static enum err from_wav(struct recording *r, const struct wav *w, const char *path, char *message)
{
    uint64_t samples = (uint64_t)w->frames * SOUND_RATE_HZ / w->rate_hz;
    enum err e = recording_alloc(r, (samples + DSP_BLOCK_SAMPLES - 1) / DSP_BLOCK_SAMPLES);

    if (e == ERR_INVALID)
        snprintf(message, RECORDING_ERROR_MAX, "%.300s: holds no audio; give a file with sound",
                 path);
    else if (e == ERR_TOO_LONG)
        snprintf(message, RECORDING_ERROR_MAX, "%.300s: longer than %d s; cut it into parts", path,
                 RECORDING_SECONDS_MAX);
    else if (e != OK)
        snprintf(message, RECORDING_ERROR_MAX, "%.300s: no memory for its sound", path);
    if (e != OK)
        return e;
    sound_convert(w, r->pcm, (uint32_t)samples);
    r->length_ms = (uint32_t)(samples * 1000 / SOUND_RATE_HZ);
    r->rate_hz = w->rate_hz;
    r->channels = w->channels;
    r->channel = w->channel;
    return OK;
}

static enum err load_wav(struct recording *r, const uint8_t *p, size_t len, uint32_t channel,
                         const char *path, char *message)
{
    struct wav w;
    enum err e = wav_parse(p, len, &w);

    if (e == ERR_UNSUPPORTED)
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: WAV coding %u, %u Hz, %u channels is not read; convert it to 16-bit PCM, "
                 "µ-law or A-law with one or two channels",
                 path, (unsigned)w.coding, w.rate_hz, w.channels);
    else if (e != OK)
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: neither a WAV file nor a packet capture (pcap, pcapng); convert it",
                 path);
    if (e != OK)
        return e;
    if (channel > w.channels) {
        snprintf(message, RECORDING_ERROR_MAX,
                 "%.300s: there is no channel %u; it has %u, counted from 1", path, channel,
                 w.channels);
        return ERR_NOT_FOUND;
    }
    w.channel = channel;
    return from_wav(r, &w, path, message);
}

enum err recording_load(struct recording *r, const char *path, uint32_t channel, char *message)
{
    size_t len = 0;
    uint8_t *p;
    enum err e = ERR_IO;

    *r = (struct recording){0};
    p = read_file(path, &len, message);
    if (p)
        e = capture_is(p, len) ? recording_from_capture(r, p, len, channel, path, message)
                               : load_wav(r, p, len, channel, path, message);
    free(p);
    return e;
}

enum err recording_from_pcm(struct recording *r, const int16_t *pcm, size_t samples)
{
    *r = (struct recording){.rate_hz = SOUND_RATE_HZ, .channels = 1};
    enum err e = recording_alloc(r, (samples + DSP_BLOCK_SAMPLES - 1) / DSP_BLOCK_SAMPLES);

    if (e != OK)
        return e;
    memcpy(r->pcm, pcm, samples * sizeof(*pcm));
    r->length_ms = (uint32_t)(samples * 1000 / SOUND_RATE_HZ);
    return OK;
}

/* ---- the line stays open ---- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* RMS that a tenth of the blocks stay below; digital zero does not count. */
static double floor_rms(const struct recording *r)
{
    float *power = malloc(r->blocks * sizeof(*power));
    uint32_t n = 0;
    double rms = FLOOR_MIN_RMS;

    if (!power)
        return rms;
    for (uint32_t i = 0; i < r->blocks; i++) {
        const int16_t *s = r->pcm + (size_t)i * DSP_BLOCK_SAMPLES;
        float sum = 0;

        for (int k = 0; k < DSP_BLOCK_SAMPLES; k++)
            sum += (float)s[k] * (float)s[k];
        if (sum > 0 && !r->flags[i])
            power[n++] = sum / DSP_BLOCK_SAMPLES;
    }
    qsort(power, n, sizeof(*power), by_value);
    if (n && sqrt(power[n / 10]) > rms)
        rms = sqrt(power[n / 10]);
    free(power);
    return rms;
}

enum err recording_extend(struct recording *r, uint32_t ms)
{
    uint32_t more = (ms + DSP_BLOCK_MS - 1) / DSP_BLOCK_MS;
    size_t from = (size_t)r->length_ms * 8, to = (size_t)(r->blocks + more) * DSP_BLOCK_SAMPLES;
    /* A file that ends in its loudest sound has no quiet part to go on with. */
    double rms = floor_rms(r), limit = 30;
    uint32_t seed = 1;

    if (more == 0)
        return OK;
    int16_t *pcm = realloc(r->pcm, to * sizeof(*pcm));
    if (pcm)
        r->pcm = pcm;
    uint8_t *flags = pcm ? realloc(r->flags, r->blocks + more) : NULL;
    if (!flags)
        return ERR_NOMEM;
    r->flags = flags;
    memset(flags + r->blocks, 0, more);
    for (size_t i = from; i < to; i++) {
        seed = seed * 1664525u + 1013904223u;
        double u = (double)(seed >> 8) / 8388608.0 - 1;

        r->pcm[i] = (int16_t)lrint(u * 1.732 * (rms < limit ? rms : limit));
    }
    r->blocks += more;
    return OK;
}

/* ---- hearing ---- */

void recording_hear(const struct recording *r, const struct recording_line *line,
                    recording_heard_fn *heard, recording_block_fn *block, void *arg)
{
    struct dsp_state state;
    struct dsp_amd_config amd;
    bool answered = false;

    dsp_amd_defaults(&amd);
    dsp_state_init(&state, line->plan, line->amd ? line->amd : &amd);
    dsp_state_prints(&state, line->prints);
    dsp_state_phase(&state, DSP_EARLY);
    for (uint32_t i = 0; i < r->blocks; i++) {
        struct dsp_block b = {.state = &state,
                              .samples = r->pcm + (size_t)i * DSP_BLOCK_SAMPLES,
                              .flags = r->flags[i]};
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        uint32_t at_ms = (i + 1) * DSP_BLOCK_MS;

        if (line->ours && i < line->ours->blocks)
            b.sent_db = dsp_sent_level(line->ours->pcm + (size_t)i * DSP_BLOCK_SAMPLES);

        if (!answered && line->answered_ms != RECORDING_NEVER &&
            i * DSP_BLOCK_MS >= line->answered_ms) {
            dsp_state_phase(&state, DSP_ANSWERED);
            answered = true;
        }
        size_t n = dsp_process(&b, 1, out);

        for (size_t k = 0; k < n; k++)
            heard(arg, &out[k], at_ms);
        if (block)
            block(arg, &state, at_ms);
    }
}
