/* What the descriptions of a captured call say: where audio goes, what payload types mean, whether
 * it is encrypted, and which way it flows. RFC 8866, RFC 3264. */
#include <stdlib.h>
#include <string.h>

#include "io/addr.h"
#include "sim/import_calls.h"
#include "sip/message.h"

static void add_place(struct import_calls *c, struct import_call *k, uint64_t at_us,
                      enum import_side side, const struct sdp_media *media)
{
    struct import_place place = {.from_us = at_us, .call = k, .side = (uint8_t)side};
    struct addr a;

    if (media->port == 0 || addr_from_host(media->conn.host, media->port, &a) != OK ||
        addr_is_any(&a))
        return;
    place.end.family = a.sa.sa_family == AF_INET6 ? 6 : 4;
    place.end.port = media->port;
    if (place.end.family == 6)
        memcpy(place.end.ip, &a.in6.sin6_addr, 16);
    else
        memcpy(place.end.ip, &a.in4.sin_addr, 4);
    if (c->places == c->places_capacity) {
        uint32_t more = c->places_capacity ? c->places_capacity * 2 : 256;
        struct import_place *grown =
            more <= IMPORT_PLACES_MAX ? realloc(c->place, more * sizeof(*grown)) : NULL;

        if (!grown) {
            c->counts.places_refused++;
            return;
        }
        c->place = grown;
        c->places_capacity = more;
    }
    c->place[c->places++] = place;
}

static void keep_formats(struct import_calls *c, struct import_call *k, enum import_side side,
                         const struct sdp_media *media)
{
    for (uint32_t i = 0; i < media->nformats; i++) {
        const struct sdp_format *f = &media->formats[i];
        bool known = f->pt == SDP_PT_NONE || f->encoding.len == 0;

        for (uint32_t n = 0; n < k->formats[side] && !known; n++)
            known = k->format[side][n].pt == f->pt;
        if (known || k->formats[side] == IMPORT_FORMATS_MAX)
            continue;
        k->format[side][k->formats[side]++] =
            (struct import_format){.pt = f->pt,
                                   .channels = f->channels ? f->channels : 1,
                                   .rate_hz = f->rate_hz,
                                   .name = arena_slice(&c->arena, f->encoding),
                                   .fmtp = arena_slice(&c->arena, f->fmtp)};
    }
    if (media->ptime_ms)
        k->ptime_ms[side] = media->ptime_ms;
}

static bool is_secure(const struct sdp *s, int at)
{
    struct slice value, proto = s->media[at].proto;

    return slice_ieq(proto, SLICE("RTP/SAVP")) || slice_ieq(proto, SLICE("RTP/SAVPF")) ||
           slice_istarts(proto, SLICE("UDP/TLS")) || sdp_attr(s, at, SLICE("crypto"), &value) ||
           sdp_attr(s, at, SLICE("fingerprint"), &value);
}

static bool conn_is_any(struct sdp_conn conn)
{
    struct addr a;

    return addr_from_host(conn.host, 1, &a) == OK && addr_is_any(&a);
}

bool import_sdp(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                enum import_side side, struct slice body, enum sdp_dir *dir)
{
    static struct sdp s; /* large; one thread */

    if (body.len == 0)
        return false;
    if (sdp_parse(body, &s) != OK) {
        if (c->counts.sdp_broken++ == 0)
            c->counts.first_sdp_broken = p->number;
        return false;
    }
    bool found = false;

    for (int i = 0; i < s.nmedia; i++) {
        const struct sdp_media *media = &s.media[i];
        bool audio = slice_ieq(media->kind, SLICE("audio"));

        if (!audio || found) {
            k->other_media = k->other_media || media->port;
            continue;
        }
        if (media->port == 0)
            continue;
        found = true;
        *dir = conn_is_any(media->conn) ? (enum sdp_dir)(media->dir & SDP_SENDONLY) : media->dir;
        keep_formats(c, k, side, media);
        if (is_secure(&s, i) && !k->srtp) {
            k->srtp = true;
            k->srtp_packet = p->number;
        }
        add_place(c, k, p->at_us, side, media);
    }
    return found;
}

static bool has_sdp(const struct sip_msg *m)
{
    struct slice type = sip_get(m, SIP_H_CONTENT_TYPE);

    return m->body.len && slice_istarts(slice_trim(type), SLICE("application/sdp"));
}

struct slice import_sdp_of(const struct sip_msg *m)
{
    return has_sdp(m) ? m->body : SLICE_NONE;
}
