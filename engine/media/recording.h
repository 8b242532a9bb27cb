/* A recording of a line as the detectors would have got it live: blocks of 20 ms at 8 kHz, each
 * with its flags. From WAV files (8, 16 kHz and others, G.711 or PCM, one channel of two) and from
 * packet captures with RTP in PCMU or PCMA, where packets are placed by their timestamps, missing
 * ones concealed and flagged as in a call, and RFC 4733 keys are kept.
 *
 * Bounds: RECORDING_SECONDS_MAX of sound, RECORDING_STREAMS_MAX streams of a capture. Owned by the
 * caller, who frees it. One thread; not for media workers, as it allocates. */
#ifndef PEAL_MEDIA_RECORDING_H
#define PEAL_MEDIA_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dsp/dsp.h"

#define RECORDING_SECONDS_MAX 7200
#define RECORDING_BLOCKS_MAX  (RECORDING_SECONDS_MAX * 1000 / DSP_BLOCK_MS)
#define RECORDING_STREAMS_MAX 32
#define RECORDING_KEYS_MAX    64
#define RECORDING_TEXT_MAX    128
#define RECORDING_ERROR_MAX   512

/* A key by RFC 4733. */
struct recording_key {
    char digit;
    uint32_t start_ms, end_ms;
};

/* A stream of a capture, for the person who chooses. */
struct recording_stream {
    char text[RECORDING_TEXT_MAX]; /* "127.0.0.1:4000 > 127.0.0.1:5000, PCMU" */
    uint32_t packets;
    uint32_t length_ms;
    uint32_t sounding_ms; /* louder than -45 dBm0 */
};

struct recording {
    int16_t *pcm;   /* blocks × DSP_BLOCK_SAMPLES, the last one filled up with zeros */
    uint8_t *flags; /* enum dsp_flag of each block */
    uint32_t blocks;
    uint32_t length_ms; /* of what was recorded, without what recording_extend() added */
    uint32_t rate_hz, channels, channel; /* of the file; channel heard, 0: both mixed */
    bool is_capture;
    struct recording_stream stream[RECORDING_STREAMS_MAX];
    uint32_t streams, streams_refused;
    uint32_t lost_blocks; /* concealed */
    struct recording_key key[RECORDING_KEYS_MAX];
    uint32_t keys, keys_refused;
};

/* channel: 1… of a WAV file or stream of a capture; 0: both channels mixed, or the stream with most
 * sound. On failure `message` (RECORDING_ERROR_MAX bytes) is a sentence: what, where, what to do.
 * Nothing is to be freed then. */
enum err recording_load(struct recording *r, const char *path, uint32_t channel, char *message);
/* From samples of the caller's (copied). */
enum err recording_from_pcm(struct recording *r, const int16_t *pcm, size_t samples);
/* The same from the bytes of a capture; name stands in messages. */
enum err recording_from_capture(struct recording *r, const uint8_t *p, size_t len, uint32_t channel,
                                const char *name, char *message);
void recording_free(struct recording *r);

/* The line stays open: ms more of noise as quiet as the recording's quietest tenth. */
enum err recording_extend(struct recording *r, uint32_t ms);

/* Hearing it. */
#define RECORDING_NEVER UINT32_MAX
struct recording_line {
    const struct dsp_plan *plan;
    const struct dsp_amd_config *amd; /* NULL: defaults */
    uint32_t answered_ms;             /* early media before it; RECORDING_NEVER: all of it */
    struct prints_leg *prints;        /* known recordings are listened for; NULL: they are not */
    const struct recording *ours;     /* what we sent meanwhile, for echo; NULL: it is not known */
};
/* at_ms: the end of the block in which it was said. */
typedef void recording_heard_fn(void *arg, const struct dsp_event *e, uint32_t at_ms);
/* After each block; may be NULL. */
typedef void recording_block_fn(void *arg, const struct dsp_state *s, uint32_t at_ms);
void recording_hear(const struct recording *r, const struct recording_line *line,
                    recording_heard_fn *heard, recording_block_fn *block, void *arg);

/* ---- shared by the files of this module ---- */
enum err recording_alloc(struct recording *r, uint64_t blocks);

#endif
