/* Captured RTP to be sent again with its own timing: files as `rtpdump` writes them (rtptools,
 * Wireshark's RTP analysis), a line "#!rtpplay1.0 …", a header of 16 bytes, then packets, each
 * with its milliseconds since the first. Any payload: nothing is decoded.
 *
 * Of the captured headers only what says something about the audio is kept: payload type, marker,
 * and timestamps and sequence numbers against the first packet's, so losses and reordering stay.
 * A change of SSRC is smoothed over. RTCP and packets that were cut are left out.
 *
 * Immutable once loaded; shared by legs through counted references, as sounds are. Bounds:
 * PACKETS_BYTES_MAX a file. Loading: control thread; workers read while a leg holds a reference. */
#ifndef PEAL_MEDIA_PACKETS_H
#define PEAL_MEDIA_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PACKETS_BYTES_MAX (64u * 1024 * 1024)
#define PACKETS_ERROR_MAX 256
#define PACKETS_STEP_MAX  8192 /* a packet's payload; longer ones are left out */

struct packet {
    uint32_t at_ms;
    uint32_t timestamp; /* since the first packet's, modulo 2^32 */
    uint32_t payload;   /* offset into bytes */
    uint16_t seq;       /* likewise modulo 2^16 */
    uint16_t len;
    uint8_t payload_type;
    bool marker;
};

struct packets {
    uint32_t refs, count;
    uint64_t left_out;
    struct packet *packet;
    uint8_t *bytes;
};

/* One reference for the caller. message (PACKETS_ERROR_MAX; may be NULL): a sentence of what is
 * wrong. ERR_NOT_FOUND, ERR_IO, ERR_INVALID, ERR_TOO_LONG, ERR_NOMEM. */
enum err packets_load(const char *path, const struct packets **out, char *message);
/* From memory; what is used is copied. */
enum err packets_parse(const uint8_t *p, size_t len, const struct packets **out, char *message);
void packets_ref(const struct packets *p);
void packets_unref(const struct packets *p);

static inline uint32_t packets_ms(const struct packets *p)
{
    return p->count ? p->packet[p->count - 1].at_ms : 0;
}

#endif
