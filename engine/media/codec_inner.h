/* codec_opus.c as codec.c sees it; see codec.h. */
#ifndef PEAL_MEDIA_CODEC_INNER_H
#define PEAL_MEDIA_CODEC_INNER_H

#include "media/codec.h"

enum err codec_opus_open(struct coder *c);
void codec_opus_close(struct coder *c);
size_t codec_opus_bytes(void);
void codec_opus_wish(struct coder *c, const struct codec_wishes *w);
void codec_opus_tune(struct coder *c, uint32_t complexity, uint32_t loss_percent, bool narrow);
uint32_t codec_opus_encode(struct coder *c, const int16_t *pcm, uint32_t samples, uint8_t *out,
                           uint32_t room);
uint32_t codec_opus_samples(const uint8_t *payload, uint32_t len);
bool codec_opus_decode(struct coder *c, const uint8_t *payload, uint32_t len, int16_t *pcm,
                       uint32_t samples);
bool codec_opus_conceal(struct coder *c, const uint8_t *after, uint32_t len, int16_t *pcm,
                        uint32_t samples);
void codec_opus_restart(struct coder *c);

#endif
