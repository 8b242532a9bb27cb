/* Chunks are walked with 64-bit offsets; each is padded to even length. WAVE_FORMAT_EXTENSIBLE is
 * understood by the first two bytes of its sub-format. */
#include "media/wav.h"

#include <string.h>

#include "dsp/dsp.h"

#define FMT_EXTENSIBLE 0xfffe
#define RATE_MIN       4000
#define RATE_MAX       192000

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}
static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static enum err read_fmt(const uint8_t *p, size_t len, struct wav *w, uint32_t *bits)
{
    if (len < 16)
        return ERR_INVALID;
    uint32_t coding = get16(p);

    if (coding == FMT_EXTENSIBLE && len >= 26)
        coding = get16(p + 24);
    w->coding = (enum wav_coding)coding;
    w->channels = get16(p + 2);
    w->rate_hz = get32(p + 4);
    *bits = get16(p + 14);
    return OK;
}

static size_t bytes_per_sample(const struct wav *w, uint32_t bits)
{
    switch (w->coding) {
    case WAV_PCM16:
        return bits == 16 ? 2 : 0;
    case WAV_ALAW:
    case WAV_ULAW:
        return bits == 8 ? 1 : 0;
    }
    return 0;
}

enum err wav_parse(const uint8_t *p, size_t len, struct wav *out)
{
    uint32_t bits = 0;
    bool has_fmt = false;

    *out = (struct wav){0};
    if (len < 12 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
        return ERR_INVALID;
    for (uint64_t at = 12; at + 8 <= len;) {
        uint64_t size = get32(p + at + 4), room = len - at - 8;
        size_t here = (size_t)(size < room ? size : room);

        if (memcmp(p + at, "fmt ", 4) == 0) {
            if (read_fmt(p + at + 8, here, out, &bits) != OK)
                return ERR_INVALID;
            has_fmt = true;
        } else if (memcmp(p + at, "data", 4) == 0 && has_fmt) {
            size_t width = bytes_per_sample(out, bits);

            if (width == 0 || out->channels < 1 || out->channels > 2 || out->rate_hz < RATE_MIN ||
                out->rate_hz > RATE_MAX)
                return ERR_UNSUPPORTED;
            out->data = p + at + 8;
            out->frames = here / (width * out->channels);
            return OK;
        }
        at += 8 + size + (size & 1);
    }
    return ERR_INVALID;
}

static int32_t one_sample(const struct wav *w, size_t index)
{
    int16_t s;

    switch (w->coding) {
    case WAV_PCM16:
        return (int16_t)get16(w->data + 2 * index);
    case WAV_ULAW:
        dsp_ulaw_decode(w->data + index, &s, 1);
        return s;
    case WAV_ALAW:
        dsp_alaw_decode(w->data + index, &s, 1);
        return s;
    }
    return 0;
}

int16_t wav_sample(const struct wav *w, size_t at)
{
    if (w->channels == 1)
        return (int16_t)one_sample(w, at);
    if (w->channel)
        return (int16_t)one_sample(w, 2 * at + w->channel - 1);
    return (int16_t)((one_sample(w, 2 * at) + one_sample(w, 2 * at + 1)) / 2);
}

void wav_write_header(uint8_t p[WAV_HEADER_BYTES], uint32_t channels, uint32_t data_bytes)
{
    memcpy(p, "RIFF", 4);
    put32(p + 4, data_bytes == WAV_UNKNOWN ? WAV_UNKNOWN : data_bytes + WAV_HEADER_BYTES - 8);
    memcpy(p + 8, "WAVEfmt ", 8);
    put32(p + 16, 16);
    put32(p + 20, WAV_PCM16 | channels << 16);
    put32(p + 24, DSP_RATE_HZ);
    put32(p + 28, DSP_RATE_HZ * 2 * channels);
    put32(p + 32, 2 * channels | 16u << 16);
    memcpy(p + 36, "data", 4);
    put32(p + 40, data_bytes);
}
