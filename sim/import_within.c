/* What a capture shows within an answered call: offers and their refusals, keys by INFO, transfers
 * by REFER and what is told of them. RFC 3264 (8.4: hold), RFC 3311, RFC 3515. */
#include <string.h>

#include "sim/import_calls.h"
#include "sip/message.h"
#include "sip/session.h"
#include "sip/uri.h"

/* False: a copy of one that was seen. */
static bool is_new(struct import_call *k, enum import_side side, const struct sip_msg *m)
{
    if (m->cseq.number <= k->cseq_seen[side]) {
        k->repeated++;
        return false;
    }
    k->cseq_seen[side] = m->cseq.number;
    return true;
}

/* ---- offers ---- */

/* re-INVITE or UPDATE: what its side wants of the audio from now on. */
static void later_offer(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                        const struct sip_msg *m, enum import_side side)
{
    enum import_kind kind = IMPORT_OFFER;
    enum sdp_dir dir;

    k->offer_cseq[side] = m->cseq.number;
    if (import_sdp(c, k, p, side, import_sdp_of(m), &dir)) {
        bool hold = !(dir & SDP_RECVONLY);

        if (hold != k->held[side])
            kind = hold ? IMPORT_HOLD : IMPORT_RESUME;
        k->held[side] = hold;
    }
    import_add_event(k, p, kind, side);
}

static struct import_event *last_offer(struct import_call *k, enum import_side side)
{
    for (uint32_t i = k->events; i-- > 0;) {
        struct import_event *e = &k->event[i];

        if (e->side == side &&
            (e->kind == IMPORT_HOLD || e->kind == IMPORT_RESUME || e->kind == IMPORT_OFFER))
            return e;
    }
    return NULL;
}

/* All is as it was before the offer. */
static void offer_refused(struct import_call *k, enum import_side asker, uint16_t code)
{
    struct import_event *e = last_offer(k, asker);

    if (!e || e->code) {
        k->repeated++;
        return;
    }
    e->code = code;
    if (e->kind != IMPORT_OFFER)
        k->held[asker] = !k->held[asker];
}

static void offer_answered(struct import_calls *c, struct import_call *k,
                           const struct net_packet *p, const struct sip_msg *m,
                           enum import_side asker)
{
    enum sdp_dir dir;

    if (m->cseq.number != k->offer_cseq[asker] || m->status < 200)
        return;
    if (m->status >= 300)
        offer_refused(k, asker, m->status);
    else
        import_sdp(c, k, p, asker == IMPORT_CALLER ? IMPORT_CALLEE : IMPORT_CALLER,
                   import_sdp_of(m), &dir);
}

bool import_offer_comes_again(uint16_t code)
{
    return code == 401 || code == 407 || code == 422 || code == 491;
}

/* ---- keys ---- */

static char key_in(struct slice text)
{
    struct slice key = slice_trim(text);

    return key.len == 1 && memchr("0123456789*#ABCD", key.p[0], 16) ? key.p[0] : 0;
}

/* "Signal=5" of application/dtmf-relay, or the key alone of application/dtmf. */
static char key_of_info(const struct sip_msg *m)
{
    struct slice type = slice_trim(sip_get(m, SIP_H_CONTENT_TYPE)), rest = m->body, line, name, key;

    if (!slice_istarts(type, SLICE("application/dtmf")))
        return 0;
    if (!slice_istarts(type, SLICE("application/dtmf-relay")))
        return key_in(rest);
    while (rest.len) {
        slice_cut(rest, '\n', &line, &rest);
        if (slice_cut(line, '=', &name, &key) && slice_ieq(slice_trim(name), SLICE("Signal")))
            return key_in(key);
    }
    return 0;
}

static void info(struct import_call *k, const struct net_packet *p, const struct sip_msg *m,
                 enum import_side side)
{
    char key = key_of_info(m);
    struct import_event *e = key ? import_add_event(k, p, IMPORT_DIGIT, side) : NULL;

    if (e)
        e->digit = key;
}

/* ---- transfers ---- */

/* Without the headers of the URI: what they name (Replaces) is a call of the capture alone. */
static void refer(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                  const struct sip_msg *m, enum import_side side)
{
    struct sip_nameaddr to;
    struct slice uri = SLICE_NONE, rest;
    struct import_event *e = import_add_event(k, p, IMPORT_REFER, side);

    if (!e)
        return;
    k->refer_cseq[side] = m->cseq.number;
    if (sip_nameaddr_parse(sip_get(m, SIP_H_REFER_TO), &to) == OK &&
        !slice_cut(to.uri_text, '?', &uri, &rest))
        uri = to.uri_text;
    e->phrase = arena_slice(&c->arena, uri);
}

static void refer_answered(struct import_call *k, const struct net_packet *p,
                           const struct sip_msg *m, enum import_side asker)
{
    if (m->status < 200 || m->cseq.number != k->refer_cseq[asker])
        return;
    k->refer_cseq[asker] = 0;
    struct import_event *e = import_add_event(
        k, p, IMPORT_REFER_ANSWER, asker == IMPORT_CALLER ? IMPORT_CALLEE : IMPORT_CALLER);

    if (e)
        e->code = m->status;
}

static void notify(struct import_call *k, const struct net_packet *p, const struct sip_msg *m,
                   enum import_side side)
{
    uint16_t code = sip_fragment_code(m);
    struct import_event *e = code ? import_add_event(k, p, IMPORT_NOTIFY, side) : NULL;

    if (e)
        e->code = code;
}

/* ---- */

void import_within(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                   const struct sip_msg *m)
{
    enum import_side side = import_side_of(k, m->from.tag);

    if (!is_new(k, side, m))
        return;
    if (m->method == SIP_INFO)
        info(k, p, m, side);
    else if (m->method == SIP_REFER)
        refer(c, k, p, m, side);
    else if (m->method == SIP_NOTIFY)
        notify(k, p, m, side);
    else
        later_offer(c, k, p, m, side);
}

void import_within_answered(struct import_calls *c, struct import_call *k,
                            const struct net_packet *p, const struct sip_msg *m)
{
    enum import_side asker = import_side_of(k, m->from.tag);

    if (m->cseq.method == SIP_REFER)
        refer_answered(k, p, m, asker);
    else if (m->cseq.method == SIP_INVITE || m->cseq.method == SIP_UPDATE)
        offer_answered(c, k, p, m, asker);
}
