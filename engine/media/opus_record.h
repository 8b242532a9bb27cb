/* A recording coded with Opus: blocks of 20 ms in, pages of Ogg out, one a second. The archive's
 * thread only: coding costs a hundred times what a media worker has for a block. */
#ifndef PEAL_MEDIA_OPUS_RECORD_H
#define PEAL_MEDIA_OPUS_RECORD_H

#include "base/err.h"
#include "media/ogg.h"

#define OPUS_RECORD_PAGE_MAX OGG_PAGE_MAX

struct opus_record;

typedef void opus_record_out_fn(void *arg, const uint8_t *page, uint32_t n);

/* Writes the two header pages. bitrate: of each channel. ERR_NOMEM, ERR_INVALID. */
enum err opus_record_open(struct opus_record **out, uint32_t channels, uint32_t bitrate,
                          uint32_t serial, opus_record_out_fn *to, void *arg);
/* pcm: 160 frames of `channels` samples, interleaved. */
void opus_record_block(struct opus_record *o, const int16_t *pcm);
void opus_record_complexity(struct opus_record *o, int complexity);
/* The last page, cut to the length that was put in. */
void opus_record_close(struct opus_record *o);

#endif
