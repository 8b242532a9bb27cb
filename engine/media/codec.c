/* What is known of each codec, and the way to the file that does the work: codec_opus.c, g722.c, or
 * here for linear samples. */
#include "media/codec.h"

#include <assert.h>
#include <string.h>

#include "media/codec_inner.h"

static const struct {
    uint8_t index, clock_khz, khz;
} facts[] = {
    {0, 48, 16}, /* Opus */
    {1, 8, 16},  /* G.722: RFC 3551 4.5.2 keeps the clock that was written by mistake */
    {2, 8, 8},
    {3, 16, 16},
};

bool codec_is_known(enum media_codec c)
{
    return c == MEDIA_PCMU || c == MEDIA_PCMA || c == MEDIA_G722 || c == MEDIA_OPUS ||
           c == MEDIA_L16_8 || c == MEDIA_L16_16;
}

uint32_t codec_index(enum media_codec c)
{
    return c == MEDIA_OPUS ? 0 : c == MEDIA_G722 ? 1 : c == MEDIA_L16_8 ? 2 : 3;
}

uint32_t codec_clock_khz(enum media_codec c)
{
    return codec_is_packed(c) ? facts[codec_index(c)].clock_khz : 8;
}

uint32_t codec_khz(enum media_codec c)
{
    return codec_is_packed(c) ? facts[codec_index(c)].khz : 8;
}

uint32_t codec_ptime_ms(enum media_codec c, uint32_t asked_ms)
{
    if (c == MEDIA_OPUS) /* the lengths of a frame */
        return asked_ms >= 60 ? 60 : asked_ms >= 40 ? 40 : asked_ms >= 20 ? 20 : 10;
    if (c == MEDIA_L16_16 && asked_ms > 20)
        return 20; /* 30 ms would be 960 bytes, 40 a datagram that networks may cut */
    return asked_ms < 10 ? 10 : asked_ms / 10 * 10;
}

enum err coder_open(struct coder *c, enum media_codec codec)
{
    memset(c, 0, sizeof(*c));
    if (!codec_is_known(codec) || !codec_is_packed(codec))
        return ERR_INVALID;
    c->codec = codec;
    c->khz = codec_khz(codec);
    c->clock_khz = codec_clock_khz(codec);
    conceal_init(&c->conceal, c->khz);
    g722_init(&c->g722_out);
    g722_init(&c->g722_in);
    return codec == MEDIA_OPUS ? codec_opus_open(c) : OK;
}

void coder_close(struct coder *c)
{
    codec_opus_close(c);
}

size_t coder_bytes(const struct coder *c)
{
    return sizeof(*c) + (c->codec == MEDIA_OPUS ? codec_opus_bytes() : 0);
}

void coder_wish(struct coder *c, const struct codec_wishes *w)
{
    if (c->codec == MEDIA_OPUS)
        codec_opus_wish(c, w);
}

void coder_tune(struct coder *c, uint32_t complexity, uint32_t loss_percent, bool narrow)
{
    if (c->codec == MEDIA_OPUS)
        codec_opus_tune(c, complexity, loss_percent, narrow);
}

uint32_t coder_encode(struct coder *c, const int16_t *pcm, uint32_t samples, uint8_t *out,
                      uint32_t room)
{
    if (c->codec == MEDIA_OPUS)
        return codec_opus_encode(c, pcm, samples, out, room);
    if (c->codec == MEDIA_G722) {
        if (samples / 2 > room)
            return 0;
        g722_to_bytes(&c->g722_out, pcm, samples, out);
        return samples / 2;
    }
    if (2 * samples > room)
        return 0;
    for (uint32_t i = 0; i < samples; i++) { /* network byte order (RFC 3551 4.5.11) */
        out[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
        out[2 * i + 1] = (uint8_t)pcm[i];
    }
    return 2 * samples;
}

uint32_t coder_samples(const struct coder *c, const uint8_t *payload, uint32_t len)
{
    uint32_t n = 0;

    if (c->codec == MEDIA_OPUS)
        return codec_opus_samples(payload, len);
    if (c->codec == MEDIA_G722)
        n = 2 * len;
    else if (len % 2 == 0)
        n = len / 2;
    return n <= CODEC_MS_MAX * c->khz ? n : 0;
}

bool coder_decode(struct coder *c, const uint8_t *payload, uint32_t len, int16_t *pcm,
                  uint32_t samples)
{
    if (c->codec == MEDIA_OPUS)
        return codec_opus_decode(c, payload, len, pcm, samples);
    if (samples == 0 || coder_samples(c, payload, len) != samples) {
        conceal_lost(&c->conceal, pcm, samples);
        return false;
    }
    if (c->codec == MEDIA_G722)
        g722_to_samples(&c->g722_in, payload, len, pcm);
    else
        for (uint32_t i = 0; i < samples; i++)
            pcm[i] = (int16_t)(payload[2 * i] << 8 | payload[2 * i + 1]);
    conceal_good(&c->conceal, pcm, samples);
    return true;
}

bool coder_conceal(struct coder *c, const uint8_t *after, uint32_t len, int16_t *pcm,
                   uint32_t samples)
{
    assert(samples <= CODEC_PCM_MAX);
    if (c->codec == MEDIA_OPUS)
        return codec_opus_conceal(c, after, len, pcm, samples);
    conceal_lost(&c->conceal, pcm, samples);
    return false;
}

void coder_restart(struct coder *c)
{
    conceal_init(&c->conceal, c->khz);
    g722_init(&c->g722_in);
    c->silent = false;
    if (c->codec == MEDIA_OPUS)
        codec_opus_restart(c);
}
