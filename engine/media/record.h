/* How a leg is recorded: what media_leg_record is given. */
#ifndef PEAL_MEDIA_RECORD_H
#define PEAL_MEDIA_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct seal_key; /* media/seal.h */

enum media_record_format {
    RECORD_WAV, /* PCM 16 bit, 8 kHz */
    RECORD_OPUS /* Opus in Ogg (RFC 7845), 8 kHz coded, each channel by itself */
};

#define RECORD_PATH_MAX           256
#define RECORD_PREBUFFER_MAX_MS   30000
#define RECORD_BITRATE_DEFAULT    16000
#define RECORD_BITRATE_MIN        6000
#define RECORD_BITRATE_MAX        64000
#define RECORD_COMPLEXITY_DEFAULT 5

struct media_record {
    const char *path; /* of the audio, copied; the index lies beside as PATH.index */
    bool stereo;      /* left the far side, right what we send; else both mixed */
    enum media_record_format format;
    uint32_t bitrate; /* Opus: bits a second of each channel; 0: RECORD_BITRATE_DEFAULT */
    bool index;       /* events with their offsets, one line of JSON each */
    const char *owner, *call_id; /* stand in the index's first line, copied; NULL: none */
    const struct seal_key *key;  /* encrypts both files; copied. NULL: plain */
    uint64_t keep_until_ms;      /* wall clock: when a sweep may remove it; 0: no such time */
};

#endif
