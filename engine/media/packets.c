/* See packets.h. The format: rtptools, rtpdump.h (RD_hdr_t, RD_packet_t), all in network order. */
#include "media/packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp.h"

#define LINE_MAX  80
#define HEAD      16
#define RECORD    8
#define CLOCK_KHZ 8 /* of the step over a change of SSRC, whose clock nobody tells */

static enum err wrong(char *message, enum err e, const char *what)
{
    if (message)
        snprintf(message, PACKETS_ERROR_MAX, "%s", what);
    return e;
}

void packets_ref(const struct packets *p)
{
    ((struct packets *)(uintptr_t)p)->refs++;
}

void packets_unref(const struct packets *p)
{
    struct packets *own = (struct packets *)(uintptr_t)p;

    if (!own || --own->refs)
        return;
    free(own->packet);
    free(own->bytes);
    free(own);
}

/* Where the records begin; 0: it is no such file. */
static size_t records_of(const uint8_t *p, size_t len)
{
    static const char magic[] = "#!rtpplay1.0 ";
    const uint8_t *end = len ? memchr(p, '\n', len < LINE_MAX ? len : LINE_MAX) : NULL;

    if (!end || (size_t)(end - p) < sizeof magic - 1 || memcmp(p, magic, sizeof magic - 1) != 0)
        return 0;
    size_t at = (size_t)(end - p) + 1 + HEAD;

    return at <= len ? at : 0;
}

struct reading {
    struct packets *out;
    uint32_t capacity, ssrc, base_ts, bytes;
    uint16_t base_seq;
};

static bool room(struct reading *r)
{
    if (r->out->count < r->capacity)
        return true;
    uint32_t more = r->capacity ? r->capacity * 2 : 256;
    struct packet *grown = realloc(r->out->packet, more * sizeof *grown);

    if (!grown)
        return false;
    r->out->packet = grown;
    r->capacity = more;
    return true;
}

/* A packet's numbers against the first one's; a new SSRC goes on where the last one was. */
static void rebase(struct reading *r, const struct rtp_packet *rtp, uint32_t at_ms)
{
    const struct packet *last = r->out->count ? &r->out->packet[r->out->count - 1] : NULL;

    if (last && rtp->ssrc == r->ssrc)
        return;
    r->ssrc = rtp->ssrc;
    r->base_seq = rtp->seq;
    r->base_ts = rtp->timestamp;
    if (!last)
        return;
    r->base_seq = (uint16_t)(rtp->seq - last->seq - 1);
    r->base_ts = rtp->timestamp - last->timestamp - (at_ms - last->at_ms) * CLOCK_KHZ;
}

static bool keep(struct reading *r, const uint8_t *p, size_t len, uint32_t at_ms)
{
    struct packets *out = r->out;
    struct rtp_packet rtp;

    if (rtp_parse(p, len, &rtp) != OK || rtp.payload_len > PACKETS_STEP_MAX) {
        out->left_out++;
        return true;
    }
    if (!room(r))
        return false;
    if (out->count && at_ms < out->packet[out->count - 1].at_ms)
        at_ms = out->packet[out->count - 1].at_ms; /* sent in the order of the file */
    rebase(r, &rtp, at_ms);
    struct packet *k = &out->packet[out->count];

    *k = (struct packet){.at_ms = at_ms,
                         .timestamp = rtp.timestamp - r->base_ts,
                         .payload = r->bytes,
                         .seq = (uint16_t)(rtp.seq - r->base_seq),
                         .len = (uint16_t)rtp.payload_len,
                         .payload_type = rtp.payload_type,
                         .marker = rtp.marker};
    memcpy(out->bytes + r->bytes, rtp.payload, rtp.payload_len);
    r->bytes += rtp.payload_len;
    out->count++;
    return true;
}

enum err packets_parse(const uint8_t *p, size_t len, const struct packets **out, char *message)
{
    size_t at = records_of(p, len);
    struct reading r = {.out = NULL};

    if (at == 0)
        return wrong(message, ERR_INVALID,
                     "it is no rtpdump file (its first line is not "
                     "\"#!rtpplay1.0 ADDRESS/PORT\")");
    if (len > PACKETS_BYTES_MAX)
        return wrong(message, ERR_TOO_LONG, "it is larger than 64 MiB");
    r.out = calloc(1, sizeof *r.out);
    if (r.out)
        r.out->bytes = malloc(len);
    bool ok = r.out && r.out->bytes;

    while (ok && len - at >= RECORD) {
        size_t record = rtp_get16(p + at), plen = rtp_get16(p + at + 2);

        if (record < RECORD || record > len - at)
            break; /* cut off: what is whole is good */
        if (plen == 0 || plen > record - RECORD)
            r.out->left_out++;
        else
            ok = keep(&r, p + at + RECORD, plen, rtp_get32(p + at + 4));
        at += record;
    }
    enum err e = !ok ? ERR_NOMEM : r.out->count ? OK : ERR_INVALID;

    if (e != OK) {
        if (r.out)
            r.out->refs = 1;
        packets_unref(r.out);
        return wrong(message, e,
                     e == ERR_NOMEM ? "there is no memory for it" : "there is no RTP packet in it");
    }
    r.out->refs = 1;
    *out = r.out;
    return OK;
}

enum err packets_load(const char *path, const struct packets **out, char *message)
{
    FILE *f = fopen(path, "rbe");
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum err e = ERR_NOT_FOUND;

    if (!f)
        return wrong(message, ERR_NOT_FOUND, strerror(errno));
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) >= 0)
        len = (size_t)ftell(f);
    if (len > PACKETS_BYTES_MAX) {
        e = wrong(message, ERR_TOO_LONG, "it is larger than 64 MiB");
    } else {
        bytes = malloc(len + 1);
        rewind(f);
        if (!bytes)
            e = wrong(message, ERR_NOMEM, "there is no memory for it");
        else if (fread(bytes, 1, len, f) != len)
            e = wrong(message, ERR_IO, "it cannot be read");
        else
            e = packets_parse(bytes, len, out, message);
    }
    free(bytes);
    fclose(f);
    return e;
}
