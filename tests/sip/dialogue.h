/* One user agent on a virtual clock and a wire that is a list: the test plays the far side message
 * by message and says what time it is. */
#ifndef PEAL_TESTS_SIP_DIALOGUE_H
#define PEAL_TESTS_SIP_DIALOGUE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/addr.h"
#include "sip/message.h"
#include "sip/register.h"
#include "sip/session.h"
#include "sip/write.h"

#define SENT_MAX   512
#define EVENTS_MAX 64
#define OFFER      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
#define ANSWER     "v=0\r\no=- 2 2 IN IP4 127.0.0.2\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"
#ifndef PEER_URI
#define PEER_URI "sip:peer@127.0.0.9:5070"
#endif

struct sent {
    uint64_t at_ms;
    struct sip_path to;
    uint32_t len;
    char text[6000];
};

struct seen {
    uint64_t at_ms;
    enum sip_event_kind kind;
    uint16_t code, q850;
    enum sip_ender by;
    bool is_offer, wants_offer, reliable;
    uint32_t fork, retry_after_s;
    char sdp[512], reason[64], tag[64], contact[128];
};

struct dialogue {
    struct wheel wheel;
    struct clock clock;
    struct sip_ua *ua;
    struct sip_path peer;
    struct sent *sent;
    uint32_t nsent, taken;
    bool wire_refuses, tcp_refuses;
    bool cut; /* the peer's connection is gone */
    struct seen events[EVENTS_MAX];
    uint32_t nevents, looked;
    struct sip_session *session; /* the last incoming or outgoing one */
    void (*on_incoming)(struct dialogue *d, struct sip_session *s);
    void (*on_event)(struct dialogue *d, struct sip_session *s, const struct sip_event *e);
    int inside_api; /* an event while this is set is a fault */
    char call_id[128], their_tag[64], our_tag[64], target[256];
    uint32_t their_cseq;
    struct sip_msg parsed;
    char parse_room[6000];
};

static enum err dialogue_send(void *arg, const struct sip_path *to, struct slice data)
{
    struct dialogue *d = arg;

    if (d->wire_refuses || (d->tcp_refuses && to->tcp))
        return ERR_IO;
    cr_assert_lt(d->nsent, SENT_MAX, "more messages than a dialogue may have");
    struct sent *s = &d->sent[d->nsent++];
    s->at_ms = d->wheel.now_ms;
    s->to = *to;
    s->len = data.len;
    cr_assert_lt(data.len, sizeof s->text);
    memcpy(s->text, data.p, data.len);
    s->text[data.len] = 0;
    return OK;
}

static inline void keep_text(char *dst, size_t cap, struct slice s)
{
    snprintf(dst, cap, SLICE_FMT, SLICE_ARG(s));
}

static inline void dialogue_event(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct dialogue *d = arg;

    cr_assert_not(d->inside_api, "an event from inside an API call");
    cr_assert_lt(d->nevents, EVENTS_MAX);
    struct seen *v = &d->events[d->nevents++];
    *v = (struct seen){.at_ms = d->wheel.now_ms,
                       .kind = e->kind,
                       .code = e->code,
                       .q850 = e->q850,
                       .by = e->by,
                       .is_offer = e->sdp_is_offer,
                       .wants_offer = e->wants_offer,
                       .reliable = e->reliable,
                       .fork = e->fork,
                       .retry_after_s = e->retry_after_s};
    keep_text(v->sdp, sizeof v->sdp, e->sdp);
    keep_text(v->reason, sizeof v->reason, e->reason_phrase);
    keep_text(v->tag, sizeof v->tag, e->fork_tag);
    keep_text(v->contact, sizeof v->contact, e->contact);
    if (d->on_event)
        d->on_event(d, s, e);
}

static inline void dialogue_incoming(void *arg, struct sip_session *s)
{
    struct dialogue *d = arg;

    d->session = s;
    sip_session_set_handler(s, dialogue_event, d);
    if (d->on_incoming)
        d->on_incoming(d, s);
}

static bool dialogue_alive(void *arg, const struct sip_path *to)
{
    struct dialogue *d = arg;

    return !to->tcp || !d->cut;
}

static const struct sip_wire dialogue_wire = {.send = dialogue_send, .alive = dialogue_alive};

static inline struct sip_path path_of(const char *text, bool tcp)
{
    struct sip_path p = {.tcp = tcp};

    cr_assert_eq(addr_parse(slice_cstr(text), 5060, &p.addr), OK);
    return p;
}

static inline struct dialogue *dialogue_new(const struct sip_ua_config *more)
{
    struct dialogue *d = calloc(1, sizeof *d);
    struct sip_ua_config c = more ? *more : (struct sip_ua_config){0};

    d->sent = calloc(SENT_MAX, sizeof *d->sent);
    clock_init_virtual(&d->clock, 1000000, 0);
    wheel_init(&d->wheel, 1000);
    c.local = path_of("127.0.0.1:5060", false).addr;
    c.seed = 7;
    if (!c.max_sessions)
        c.max_sessions = 16;
    c.incoming = dialogue_incoming;
    c.arg = d;
    cr_assert_eq(sip_ua_open_on(&d->ua, &d->wheel, &d->clock, &dialogue_wire, d, &c), OK);
    d->peer = path_of("127.0.0.9:5070", false);
    strcpy(d->their_tag, "theirs");
    strcpy(d->call_id, "call-of-theirs@peer.test");
    d->their_cseq = 100;
    return d;
}

static inline void dialogue_free(struct dialogue *d)
{
    sip_ua_close(d->ua);
    free(d->sent);
    free(d);
}

static inline void run_ms(struct dialogue *d, uint64_t ms)
{
    uint64_t now = d->wheel.now_ms + ms;

    clock_advance_us(&d->clock, ms * 1000);
    wheel_advance(&d->wheel, now);
}

/* The next message that was sent and not looked at; NULL when there is none. Parsed in d->parsed.
 */
static inline struct sent *next_sent(struct dialogue *d)
{
    if (d->taken == d->nsent)
        return NULL;
    struct sent *s = &d->sent[d->taken++];
    memcpy(d->parse_room, s->text, s->len);
    enum err e = sip_parse(&d->parsed, d->parse_room, s->len);
    cr_assert_eq(e, OK, "we sent what is no SIP:\n%s", s->text);
    return s;
}

static inline struct sent *want_request(struct dialogue *d, enum sip_method m)
{
    struct sent *s = next_sent(d);

    cr_assert(s, "no message was sent; %s expected", sip_method_name(m).p);
    cr_assert(d->parsed.is_request && d->parsed.method == m, "%s expected, sent:\n%s",
              sip_method_name(m).p, s->text);
    return s;
}

static inline struct sent *want_status(struct dialogue *d, unsigned status)
{
    struct sent *s = next_sent(d);

    cr_assert(s, "no message was sent; %u expected", status);
    cr_assert(!d->parsed.is_request && d->parsed.status == status, "%u expected, sent:\n%s", status,
              s->text);
    return s;
}

static inline void want_silence(struct dialogue *d)
{
    struct sent *s = next_sent(d);

    cr_assert_null(s, "nothing was to be sent, but this was:\n%s", s ? s->text : "");
}

static inline struct seen *next_event(struct dialogue *d)
{
    return d->looked == d->nevents ? NULL : &d->events[d->looked++];
}

static inline struct seen *want_event(struct dialogue *d, enum sip_event_kind kind)
{
    struct seen *v = next_event(d);

    cr_assert(v, "event %d expected, none came", (int)kind);
    cr_assert_eq(v->kind, kind, "event %d expected, %d (code %u) came", (int)kind, (int)v->kind,
                 v->code);
    return v;
}

static inline void want_quiet(struct dialogue *d)
{
    struct seen *v = next_event(d);

    cr_assert_null(v, "no event was to come, but %d (code %u) did", v ? (int)v->kind : 0,
                   v ? v->code : 0);
}

static inline void inject_from(struct dialogue *d, const struct sip_path *from, const char *text)
{
    char room[8192];
    size_t n = strlen(text);

    cr_assert_lt(n, sizeof room);
    memcpy(room, text, n);
    sip_ua_receive(d->ua, from, room, (uint32_t)n);
}

static inline void inject(struct dialogue *d, const char *text)
{
    inject_from(d, &d->peer, text);
}

/* The far side answers a request of ours. headers: further lines; body: SDP or NULL. */
static inline void reply_to(struct dialogue *d, const struct sent *req, unsigned status,
                            const char *tag, const char *headers, const char *body)
{
    static struct sip_msg m;
    char copy[6000], text[8000];
    struct buf b = buf_on(text, sizeof text - 1);

    memcpy(copy, req->text, req->len);
    cr_assert_eq(sip_parse(&m, copy, req->len), OK);
    sip_write_response(&b, &m, status, SLICE_NONE, slice_cstr(tag), NULL);
    buf_puts(&b, "Contact: <" PEER_URI ">\r\n");
    if (headers)
        buf_puts(&b, headers);
    if (body)
        sip_write_body(&b, SLICE("application/sdp"), slice_cstr(body));
    else
        sip_write_end(&b);
    cr_assert_eq(buf_end(&b), OK);
    text[b.len] = 0;
    inject(d, text);
}

/* What the far side's own requests need to know, from a message of ours that has both tags. */
static inline void learn_dialog(struct dialogue *d, const struct sent *s)
{
    struct sip_msg *m = &d->parsed;
    struct sip_nameaddr na;
    struct sip_uri uri;
    const struct slice ours = m->is_request ? m->from.tag : m->to.tag;

    (void)s;
    keep_text(d->call_id, sizeof d->call_id, m->call_id);
    keep_text(d->our_tag, sizeof d->our_tag, ours);
    if (sip_get_contact(m, &na, &uri) == OK)
        keep_text(d->target, sizeof d->target, na.uri_text);
}

/* A request of the far side in the dialog learned (to_tag NULL: our_tag; "": none). branch is made
 * from the CSeq, so that the same CSeq is a retransmission. */
static inline void request(struct dialogue *d, const char *method, uint32_t cseq,
                           const char *to_tag, const char *headers, const char *body)
{
    char text[6000];
    const char *tag = to_tag ? to_tag : d->our_tag;
    const char *uri = d->target[0] ? d->target : "sip:us@127.0.0.1:5060";

    snprintf(text, sizeof text,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK-%s-%u\r\n"
             "From: \"Peer\" <sip:peer@peer.test>;tag=%s\r\nTo: <sip:us@us.test>%s%s\r\n"
             "Call-ID: %s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\nContact: <" PEER_URI ">\r\n%s",
             method, uri, strcmp(method, "CANCEL") && strcmp(method, "ACK") ? method : "INVITE",
             cseq, d->their_tag, tag[0] ? ";tag=" : "", tag, d->call_id, cseq, method,
             headers ? headers : "");
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%sContent-Length: %zu\r\n\r\n%s",
             body ? "Content-Type: application/sdp\r\n" : "", body ? strlen(body) : 0,
             body ? body : "");
    inject(d, text);
}

/* ACK of a 2xx: a branch of its own. */
static inline void ack_2xx(struct dialogue *d, uint32_t cseq, const char *body)
{
    char text[3000];

    snprintf(text, sizeof text,
             "ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK-ack-%u\r\n"
             "From: \"Peer\" <sip:peer@peer.test>;tag=%s\r\nTo: <sip:us@us.test>;tag=%s\r\n"
             "Call-ID: %s\r\nCSeq: %u ACK\r\nMax-Forwards: 70\r\n%sContent-Length: %zu\r\n\r\n%s",
             d->target[0] ? d->target : "sip:us@127.0.0.1:5060", cseq, d->their_tag, d->our_tag,
             d->call_id, cseq, body ? "Content-Type: application/sdp\r\n" : "",
             body ? strlen(body) : 0, body ? body : "");
    inject(d, text);
}

/* We call: the INVITE is returned. change may edit the parameters. */
static inline struct sent *call_out(struct dialogue *d, const struct sip_invite *more)
{
    struct sip_invite p = more ? *more : (struct sip_invite){.sdp = SLICE(OFFER)};

    p.request_uri = p.request_uri ? p.request_uri : "sip:+12025550100@127.0.0.9:5070";
    p.from_uri = p.from_uri ? p.from_uri : "sip:+12025550111@us.test";
    p.contact_user = p.contact_user ? p.contact_user : "us";
    if (!addr_is_set(&p.to.addr))
        p.to = d->peer;
    d->inside_api = 1;
    cr_assert_eq(sip_invite(d->ua, &p, dialogue_event, d, &d->session), OK);
    d->inside_api = 0;
    struct sent *s = want_request(d, SIP_INVITE);
    learn_dialog(d, s);
    return s;
}

/* …and is answered: the call is up. */
static inline void call_up(struct dialogue *d, const struct sip_invite *more, const char *headers)
{
    struct sent *invite = call_out(d, more);

    reply_to(d, invite, 200, d->their_tag, headers, ANSWER);
    want_request(d, SIP_ACK);
    want_event(d, SIP_EV_ANSWERED);
}

/* We are called and accept: the call is up. */
static inline void called_up(struct dialogue *d, const char *headers)
{
    request(d, "INVITE", d->their_cseq, "", headers, OFFER);
    cr_assert(d->session);
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), OK);
    struct sent *ok = want_status(d, 200);
    learn_dialog(d, ok);
    ack_2xx(d, d->their_cseq, NULL);
    want_event(d, SIP_EV_CONFIRMED);
}

static inline bool text_has(const struct sent *s, const char *what)
{
    return strstr(s->text, what) != NULL;
}

#endif
