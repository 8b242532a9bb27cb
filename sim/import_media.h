/* The audio of one side of a captured call, ready to be written: stretches of payload packets with
 * the keys (RFC 4733) pressed between them.
 *
 * A stretch is one file, `rtpdump` as rtptools and Wireshark write it: RTP packets whole, each with
 * its milliseconds since the first. Losses, jitter and reordering of the capture stay in it; the
 * player gives SSRC, sequence numbers and timestamps anew. Of G.711 a WAV of the whole side is
 * written beside it, to listen to and to be changed. */
#ifndef PEAL_SIM_IMPORT_MEDIA_H
#define PEAL_SIM_IMPORT_MEDIA_H

#include "sim/import_calls.h"

#define IMPORT_STRETCHES_MAX 64 /* of one side; what follows is left out and counted */
#define IMPORT_KEYS_MAX      128
#define IMPORT_WAV_MAX_S     1200 /* a sound may be no longer (media/sound.h) */

struct import_stretch {
    uint32_t first, end; /* in the track; what the marks leave out is in no file */
    uint32_t packets;
    uint64_t from_us, to_us;
};

struct import_key {
    uint64_t at_us;
    uint32_t on_ms, timestamp;
    char digit; /* 0: an event that is no key; code tells */
    uint8_t code;
};

struct import_media {
    const struct import_call *call;
    enum import_side side;
    uint64_t from_us;
    struct import_format format; /* of the audio; name empty: there was none */
    bool g711;
    struct import_stretch stretch[IMPORT_STRETCHES_MAX];
    struct import_key key[IMPORT_KEYS_MAX];
    uint32_t stretches, keys;
    uint64_t refused;     /* packets beyond the bounds above */
    uint64_t before_sdp;  /* sent before anything was agreed */
    uint64_t during_keys; /* audio beside a key */
    uint64_t unknown;     /* payload types that SDP does not name, or of a second codec */
    uint8_t unknown_pt;
    uint64_t events_unknown;
};

/* from_us: what was sent earlier cannot be replayed. */
void import_media_read(struct import_media *m, const struct import_call *c, enum import_side side,
                       uint64_t from_us);

/* ERR_IO: errno tells. */
enum err import_stretch_write(const struct import_media *m, const struct import_stretch *s,
                              const char *path);
/* ERR_NOT_FOUND: there is no G.711 in it. */
enum err import_wav_write(const struct import_media *m, const char *path);

#endif
