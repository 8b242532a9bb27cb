/* The RTP of a capture to the calls it belongs to: by where it goes (an address that SDP named), or
 * by where it comes from where a NAT or relay is between. Of one source, only one way through the
 * network counts: a capture beside a relay sees each packet twice. */
#include <stdlib.h>
#include <string.h>

#include "media/rtp.h"
#include "sim/import_calls.h"

#define EARLY_US  20000 /* before the SDP that names its address: the capture's own disorder */
#define TWICE_US  500   /* the same packet again so soon: seen on two interfaces */
#define TWICE_FAR 16    /* packets looked back for it */

static const struct import_place *place_of(const struct import_calls *c,
                                           const struct capture_end *end, uint64_t at_us)
{
    struct capture_end key = {.family = end->family, .port = end->port};
    uint32_t lo = 0, hi = c->places;

    memcpy(key.ip, end->ip, end->family == 4 ? 4 : 16);
    while (lo < hi) { /* the first one after (key, at_us) */
        uint32_t mid = lo + (hi - lo) / 2;
        int d = memcmp(&c->place[mid].end, &key, sizeof key);

        if (d < 0 || (d == 0 && c->place[mid].from_us <= at_us + EARLY_US))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || memcmp(&c->place[lo - 1].end, &key, sizeof key) != 0)
        return NULL;
    return &c->place[lo - 1];
}

static bool way_counts(struct import_track *t, uint32_t ssrc, const struct net_packet *p)
{
    for (uint32_t i = 0; i < t->sources; i++)
        if (t->source[i].ssrc == ssrc)
            return net_end_eq(&t->source[i].from, &p->from) && net_end_eq(&t->source[i].to, &p->to);
    if (t->sources < IMPORT_SOURCES_MAX)
        t->source[t->sources++] = (struct import_source){ssrc, p->from, p->to};
    return true;
}

static bool seen(const struct import_track *t, const struct rtp_packet *r, uint64_t at_us)
{
    for (uint32_t i = 1; i <= TWICE_FAR && i <= t->count; i++) {
        const struct import_rtp *o = &t->rtp[t->count - i];

        if (o->ssrc == r->ssrc && o->seq == r->seq && o->timestamp == r->timestamp &&
            o->payload_len == r->payload_len && at_us - o->at_us < TWICE_US)
            return true;
    }
    return false;
}

static bool keep(struct import_track *t, const struct import_rtp *rtp)
{
    if (t->count == t->capacity) {
        uint32_t more = t->capacity ? t->capacity * 2 : 64;
        struct import_rtp *grown = realloc(t->rtp, more * sizeof(*grown));

        if (!grown)
            return false;
        t->rtp = grown;
        t->capacity = more;
    }
    t->rtp[t->count++] = *rtp;
    return true;
}

void import_rtp(struct import_calls *c, const struct net_packet *p)
{
    struct rtp_packet r;

    if (p->len < RTP_HEADER_BYTES || p->data[0] >> 6 != 2 || p->len > UINT16_MAX)
        return;
    if (rtp_is_rtcp(p->data, p->len)) {
        c->counts.rtcp++;
        return;
    }
    if (rtp_parse(p->data, p->len, &r) != OK)
        return;
    const struct import_place *to = place_of(c, &p->to, p->at_us), *place = to;

    if (!place)
        place = place_of(c, &p->from, p->at_us);
    if (!place) {
        if (c->counts.rtp_orphans++ == 0)
            c->counts.first_orphan = p->number;
        return;
    }
    struct import_call *k = place->call;
    bool by_caller = to ? place->side == IMPORT_CALLEE : place->side == IMPORT_CALLER;
    struct import_track *t = &k->track[by_caller ? IMPORT_CALLER : IMPORT_CALLEE];
    uint64_t end_us = k->end_us ? k->end_us : k->last_us + 3600 * UINT64_C(1000000);

    if (k->srtp)
        return;
    if (p->at_us > end_us + IMPORT_LATE_US) {
        if (c->counts.rtp_orphans++ == 0)
            c->counts.first_orphan = p->number;
        return;
    }
    if (p->at_us > end_us) {
        t->after_end++;
    } else if (!way_counts(t, r.ssrc, p)) {
        t->other_hop++;
    } else if (seen(t, &r, p->at_us)) {
        t->twice++;
    } else {
        struct import_rtp rtp = {.at_us = p->at_us,
                                 .packet = p->data,
                                 .payload = r.payload,
                                 .timestamp = r.timestamp,
                                 .ssrc = r.ssrc,
                                 .seq = r.seq,
                                 .len = (uint16_t)p->len,
                                 .payload_len = (uint16_t)r.payload_len,
                                 .pt = r.payload_type,
                                 .marker = r.marker};

        if (c->counts.rtp == IMPORT_PACKETS_MAX || !keep(t, &rtp)) {
            t->refused++;
            c->counts.rtp_refused++;
            return;
        }
        c->counts.rtp++;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct import_rtp *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->packet < y->packet ? -1 : x->packet > y->packet; /* as they lie in the file */
}

void import_rtp_done(struct import_calls *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        for (int side = 0; side < 2; side++) {
            struct import_track *t = &c->call[i]->track[side];

            if (t->count)
                qsort(t->rtp, t->count, sizeof(*t->rtp), by_time);
        }
}

bool import_format_of(const struct import_call *c, enum import_side side, uint8_t pt,
                      struct import_format *out)
{
    for (int which = 0; which < 2; which++) {
        enum import_side other = side == IMPORT_CALLER ? IMPORT_CALLEE : IMPORT_CALLER;
        enum import_side from = which == 0 ? other : side;

        for (uint32_t i = 0; i < c->formats[from]; i++)
            if (c->format[from][i].pt == pt) {
                *out = c->format[from][i];
                return true;
            }
    }
    if (pt == 0 || pt == 8) { /* RFC 3551: these need no line of SDP */
        *out = (struct import_format){.pt = pt, .channels = 1, .rate_hz = 8000};
        out->name = pt == 0 ? SLICE("PCMU") : SLICE("PCMA");
        return true;
    }
    return false;
}
