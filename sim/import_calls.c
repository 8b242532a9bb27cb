/* See import_calls.h. RFC 3261 (12: dialogs), RFC 3264 (8.4: hold), RFC 3311, RFC 3326. */
#include "sim/import_calls.h"

#include <stdlib.h>
#include <string.h>

enum err import_calls_init(struct import_calls *c)
{
    memset(c, 0, sizeof(*c));
    arena_init(&c->arena, IMPORT_TEXT_MAX);
    return hash_table_init(&c->by_id, IMPORT_CALLS_MAX);
}

void import_calls_free(struct import_calls *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        free(c->call[i]->event);
        free(c->call[i]->track[0].rtp);
        free(c->call[i]->track[1].rtp);
    }
    hash_table_fini(&c->by_id);
    free(c->place);
    arena_fini(&c->arena);
    memset(c, 0, sizeof(*c));
}

/* ---- calls and their events ---- */

static bool id_is(const struct hash_node *n, const void *key)
{
    const struct import_call *c =
        (const void *)((const char *)n - offsetof(struct import_call, node));

    return slice_eq(c->id, *(const struct slice *)key);
}

static struct import_call *find_call(struct import_calls *c, struct slice id, uint64_t *hash)
{
    *hash = hash_slice(hash_process_seed(), id);
    struct hash_node *n = hash_find(&c->by_id, *hash, id_is, &id);

    return n ? (void *)((char *)n - offsetof(struct import_call, node)) : NULL;
}

static struct slice user_of(const struct sip_nameaddr *na)
{
    struct sip_uri uri;

    return sip_uri_parse(na->uri_text, &uri) == OK ? uri.user : SLICE_NONE;
}

static struct import_call *new_call(struct import_calls *c, const struct net_packet *p,
                                    const struct sip_msg *m, uint64_t hash)
{
    struct import_call *k = c->count < IMPORT_CALLS_MAX ? arena_get(&c->arena, sizeof(*k)) : NULL;

    if (!k) {
        c->counts.calls_refused++;
        return NULL;
    }
    k->id = arena_slice(&c->arena, m->call_id);
    k->number = arena_slice(&c->arena, m->uri.user);
    k->caller = arena_slice(&c->arena, user_of(&m->from));
    k->packet = p->number;
    k->tcp = p->tcp;
    if (k->id.len != m->call_id.len || hash_insert(&c->by_id, &k->node, hash) != OK) {
        c->counts.calls_refused++;
        return NULL;
    }
    c->call[c->count++] = k;
    return k;
}

struct import_event *import_add_event(struct import_call *k, const struct net_packet *p,
                                      enum import_kind kind, enum import_side side)
{
    if (k->events == k->events_capacity) {
        uint32_t more = k->events_capacity ? k->events_capacity * 2 : 16;
        struct import_event *grown =
            more <= IMPORT_EVENTS_MAX ? realloc(k->event, more * sizeof(*grown)) : NULL;

        if (!grown) {
            k->events_refused++;
            return NULL;
        }
        k->event = grown;
        k->events_capacity = more;
    }
    struct import_event *e = &k->event[k->events++];

    *e = (struct import_event){
        .at_us = p->at_us, .packet = p->number, .kind = (uint8_t)kind, .side = (uint8_t)side};
    return e;
}

const struct import_event *import_find(const struct import_call *c, enum import_kind kind,
                                       enum import_side side)
{
    for (uint32_t i = 0; i < c->events; i++)
        if (c->event[i].kind == kind && c->event[i].side == side)
            return &c->event[i];
    return NULL;
}

enum import_side import_side_of(const struct import_call *k, struct slice from_tag)
{
    return slice_eq(from_tag, k->tag[IMPORT_CALLER]) ? IMPORT_CALLER : IMPORT_CALLEE;
}

/* ---- requests ---- */

static uint16_t cause_of(const struct sip_msg *m)
{
    struct sip_reason reason;

    return sip_get_reason(m, SLICE("Q.850"), &reason) == OK ? reason.cause : 0;
}

static void first_invite(struct import_calls *c, const struct net_packet *p,
                         const struct sip_msg *m)
{
    uint64_t hash;
    struct import_call *k = find_call(c, m->call_id, &hash);
    enum sdp_dir dir;

    if (k && (m->cseq.number <= k->cseq || k->answer_us)) {
        k->repeated++;
        return;
    }
    if (k) { /* asked for credentials or to go elsewhere: what counts is the last try */
        k->challenged = true;
        k->events = 0;
        k->code = 0;
        k->end_us = 0;
    } else {
        k = new_call(c, p, m, hash);
    }
    if (!k)
        return;
    k->invite_us = p->at_us;
    k->cseq = m->cseq.number;
    k->tag[IMPORT_CALLER] = arena_slice(&c->arena, m->from.tag);
    struct import_event *e = import_add_event(k, p, IMPORT_INVITE, IMPORT_CALLER);
    bool sdp = import_sdp(c, k, p, IMPORT_CALLER, import_sdp_of(m), &dir);

    if (e)
        e->sdp = sdp;
    k->late_offer = import_sdp_of(m).len == 0;
}

static void once(struct import_call *k, const struct net_packet *p, enum import_kind kind,
                 enum import_side side, const struct sip_msg *m)
{
    if (import_find(k, kind, side)) {
        k->repeated++;
        return;
    }
    struct import_event *e = import_add_event(k, p, kind, side);

    if (e)
        e->q850 = cause_of(m);
}

static void request(struct import_calls *c, const struct net_packet *p, const struct sip_msg *m)
{
    uint64_t hash;
    enum sdp_dir dir;

    if (m->method == SIP_INVITE && m->to.tag.len == 0) {
        first_invite(c, p, m);
        return;
    }
    struct import_call *k = find_call(c, m->call_id, &hash);

    if (!k) {
        c->counts.no_call++;
        return;
    }
    k->last_us = p->at_us;
    switch (m->method) {
    case SIP_INVITE:
    case SIP_UPDATE:
    case SIP_INFO:
    case SIP_REFER:
    case SIP_NOTIFY:
        import_within(c, k, p, m);
        break;
    case SIP_ACK:
        if (m->cseq.number != k->cseq || !k->answer_us)
            break;
        if (!import_find(k, IMPORT_ACK, IMPORT_CALLER))
            import_sdp(c, k, p, IMPORT_CALLER, import_sdp_of(m), &dir);
        once(k, p, IMPORT_ACK, IMPORT_CALLER, m);
        break;
    case SIP_PRACK:
        import_sdp(c, k, p, IMPORT_CALLER, import_sdp_of(m), &dir);
        break;
    case SIP_CANCEL:
        if (!k->answer_us)
            once(k, p, IMPORT_CANCEL, IMPORT_CALLER, m);
        break;
    case SIP_BYE:
        if (k->end_us) { /* both at once: who was first has ended it */
            k->repeated++;
            break;
        }
        k->end_us = p->at_us;
        once(k, p, IMPORT_BYE, import_side_of(k, m->from.tag), m);
        break;
    default:
        break;
    }
}

/* ---- responses ---- */

static void provisional(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                        const struct sip_msg *m)
{
    enum sdp_dir dir;
    bool sdp = import_sdp(c, k, p, IMPORT_CALLEE, import_sdp_of(m), &dir);

    if (m->status == 100 || k->code)
        return;
    for (uint32_t i = 0; i < k->events; i++)
        if (k->event[i].kind == IMPORT_PROVISIONAL && k->event[i].code == m->status &&
            k->event[i].sdp == sdp) {
            k->repeated++;
            return;
        }
    struct import_event *e = import_add_event(k, p, IMPORT_PROVISIONAL, IMPORT_CALLEE);

    if (e) {
        e->code = m->status;
        e->sdp = sdp;
    }
}

static void final(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                  const struct sip_msg *m)
{
    enum sdp_dir dir;

    if (k->code) {
        k->repeated++;
        k->asked_for_ack = k->asked_for_ack || (k->answer_us && m->status == k->code &&
                                                p->at_us > k->answer_us + IMPORT_T1_US * 3 / 4);
        return;
    }
    k->code = m->status;
    bool answered = m->status < 300;
    struct import_event *e =
        import_add_event(k, p, answered ? IMPORT_ANSWER : IMPORT_REFUSAL, IMPORT_CALLEE);

    if (e) {
        e->code = m->status;
        e->q850 = cause_of(m);
        e->phrase = arena_slice(&c->arena, m->phrase);
    }
    if (answered) {
        k->answer_us = p->at_us;
        k->tag[IMPORT_CALLEE] = arena_slice(&c->arena, m->to.tag);
        import_sdp(c, k, p, IMPORT_CALLEE, import_sdp_of(m), &dir);
    } else {
        k->end_us = p->at_us;
    }
}

static void response(struct import_calls *c, const struct net_packet *p, const struct sip_msg *m)
{
    uint64_t hash;
    struct import_call *k = find_call(c, m->call_id, &hash);

    if (!k) {
        c->counts.no_call++;
        return;
    }
    k->last_us = p->at_us;

    if (m->cseq.method == SIP_INVITE && m->cseq.number == k->cseq &&
        slice_eq(m->from.tag, k->tag[IMPORT_CALLER])) {
        if (m->status < 200)
            provisional(c, k, p, m);
        else
            final(c, k, p, m);
    } else if (k->answer_us) {
        import_within_answered(c, k, p, m);
    }
}

void import_sip(struct import_calls *c, const struct net_packet *p, char *data, size_t len)
{
    static struct sip_msg m; /* large; one thread */

    c->counts.sip++;
    if (sip_parse(&m, data, len) != OK) {
        if (c->counts.sip_broken++ == 0) {
            c->counts.first_sip_broken = p->number;
            sip_fault_format(&m.fault, c->counts.sip_fault, sizeof c->counts.sip_fault);
        }
        return;
    }
    if (m.is_request)
        request(c, p, &m);
    else
        response(c, p, &m);
}

static int by_place(const void *a, const void *b)
{
    const struct import_place *x = a, *y = b;
    int d = memcmp(&x->end, &y->end, sizeof x->end);

    if (d != 0)
        return d;
    return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

static int by_start(const void *a, const void *b)
{
    const struct import_call *x = *(struct import_call *const *)a,
                             *y = *(struct import_call *const *)b;

    if (x->invite_us != y->invite_us)
        return x->invite_us < y->invite_us ? -1 : 1;
    return x->packet < y->packet ? -1 : x->packet > y->packet;
}

/* A callee repeats its 200 after T1 when no ACK comes, so an ACK that only the capture lacks is
 * told from one that was not there yet. */
static bool ended_before_ack(const struct import_call *k)
{
    const struct import_event *ack = import_find(k, IMPORT_ACK, IMPORT_CALLER);

    if (!k->answer_us || !k->end_us)
        return false;
    if (ack)
        return ack->at_us > k->end_us;
    return k->asked_for_ack || k->end_us < k->answer_us + IMPORT_T1_US;
}

void import_sip_done(struct import_calls *c)
{
    qsort(c->call, c->count, sizeof *c->call, by_start);
    for (uint32_t i = 0; i < c->count; i++) {
        struct import_call *k = c->call[i];

        if (k->answer_us)
            k->outcome = IMPORT_ANSWERED;
        else if (import_find(k, IMPORT_CANCEL, IMPORT_CALLER))
            k->outcome = IMPORT_CANCELLED;
        else
            k->outcome = k->code ? IMPORT_FAILED : IMPORT_CUT;
        k->no_ack = ended_before_ack(k);
    }
    if (c->places)
        qsort(c->place, c->places, sizeof(*c->place), by_place);
    c->sorted = true;
}
