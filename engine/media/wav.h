/* WAV files: reading of what prompts come in, writing of the header of recordings. Pure functions
 * over bytes; RIFF sizes that lie are cut to what is there. */
#ifndef PEAL_MEDIA_WAV_H
#define PEAL_MEDIA_WAV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WAV_HEADER_BYTES 44

enum wav_coding { WAV_PCM16 = 1, WAV_ALAW = 6, WAV_ULAW = 7 };

struct wav {
    enum wav_coding coding;
    uint32_t rate_hz, channels; /* channels 1 or 2 */
    const uint8_t *data;        /* inside the file's bytes */
    size_t frames;              /* samples per channel */
    uint32_t channel;           /* which of them wav_sample() gives, from 1; 0: all mixed */
};

/* ERR_INVALID: not a WAV file, or no usable fmt and data chunks. ERR_UNSUPPORTED: a coding, width
 * or channel count we do not play; *out then still tells coding, rate and channels. */
enum err wav_parse(const uint8_t *p, size_t len, struct wav *out);

/* Sample of frame `at`: of w->channel, or of all channels mixed into one. */
int16_t wav_sample(const struct wav *w, size_t at);

/* Header of PCM 16 bit, 8 kHz with data_bytes following; WAV_UNKNOWN while nobody can tell: readers
 * take what is there, so a file that a crash cut off plays. */
#define WAV_UNKNOWN UINT32_MAX
void wav_write_header(uint8_t p[WAV_HEADER_BYTES], uint32_t channels, uint32_t data_bytes);

#endif
