/* The way of an import: the file is read twice, first its SIP, which tells whose RTP goes where,
 * then its RTP; then everything is written. What could not be used is said with packet numbers. */
#include "sim/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct import_calls calls;
    struct streams streams;
    char message[SIP_MESSAGE_MAX + 1];
};

static void on_message(void *arg, const struct net_packet *p, char *data, size_t len)
{
    struct reader *r = arg;

    import_sip(&r->calls, p, data, len);
}

/* On the sender's own machine a train of datagrams (UDP GSO) is captured as one: several messages
 * in a row, each as long as its Content-Length says. */
static void on_datagram(struct reader *r, const struct net_packet *p)
{
    size_t at = 0;

    memcpy(r->message, p->data, p->len); /* the parser unfolds in place */
    while (at < p->len) {
        struct sip_framer framer = {0};
        struct sip_frame f = sip_frame(&framer, r->message + at, p->len - at, SIP_MESSAGE_MAX);
        size_t len = f.kind == SIP_FRAME_MESSAGE ? f.len : p->len - at;

        if (!sip_begins(p->data + at + len, p->len - at - len))
            len = p->len - at;
        import_sip(&r->calls, p, r->message + at, len);
        at += len;
    }
}

static void read_sip(struct reader *r, struct net *n)
{
    struct net_packet p;

    while (net_next(n, &p)) {
        if (p.tcp) {
            streams_take(&r->streams, &p, on_message, r);
        } else if (p.len <= SIP_MESSAGE_MAX && sip_begins(p.data, p.len)) {
            on_datagram(r, &p);
        }
    }
    import_sip_done(&r->calls);
}

static void read_rtp(struct reader *r, struct net *n)
{
    struct net_packet p;

    while (net_next(n, &p))
        if (!p.tcp && !sip_begins(p.data, p.len))
            import_rtp(&r->calls, &p);
    import_rtp_done(&r->calls);
}

/* ---- what is said ---- */

struct speaker {
    import_say_fn *say;
    void *arg;
};

static void say(const struct speaker *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const struct speaker *s, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (s->say)
        s->say(s->arg, text);
}

#define ULL(x) ((unsigned long long)(x))

static void say_file(const struct speaker *s, const struct net *n)
{
    const struct net_counts *c = &n->count;

    if (n->capture.fault)
        say(s, "%s, after packet %llu; what is whole was read", n->capture.fault,
            ULL(n->capture.packets));
    if (c->cut)
        say(s, "%llu packets were captured only in part (tcpdump -s), the first is %llu: left out",
            ULL(c->cut), ULL(c->first_cut));
    if (c->strange_link)
        say(s, "%llu packets are of a link that is not read here, the first is %llu",
            ULL(c->strange_link), ULL(c->first_strange_link));
    if (c->broken)
        say(s, "%llu packets have lengths that do not add up, the first is %llu", ULL(c->broken),
            ULL(c->first_broken));
    if (c->incomplete)
        say(s, "%llu datagrams came in fragments of which some are missing", ULL(c->incomplete));
    if (c->refused)
        say(s, "%llu fragments had no room (at most %d datagrams wait at once)", ULL(c->refused),
            NET_PARTIAL_MAX);
}

static void say_sip(const struct speaker *s, const struct reader *r)
{
    const struct import_counts *c = &r->calls.counts;
    const struct stream_counts *t = &r->streams.count;

    if (c->sip_broken)
        say(s, "%llu SIP messages are malformed, the first in packet %llu: %s", ULL(c->sip_broken),
            ULL(c->first_sip_broken), c->sip_fault);
    if (c->sdp_broken)
        say(s, "%llu session descriptions are malformed, the first in packet %llu",
            ULL(c->sdp_broken), ULL(c->first_sdp_broken));
    if (t->gaps)
        say(s, "%llu gaps in TCP connections, the first before packet %llu: messages are missing",
            ULL(t->gaps), ULL(t->first_gap));
    if (t->bad)
        say(s, "%llu times a TCP connection could not be followed", ULL(t->bad));
    if (t->tls)
        say(s, "%llu TCP connections begin with TLS: what is in them cannot be read", ULL(t->tls));
    if (c->no_call)
        say(s, "%llu SIP messages belong to no INVITE of the capture", ULL(c->no_call));
    if (c->calls_refused)
        say(s, "%llu calls are beyond the %d that an import takes", ULL(c->calls_refused),
            IMPORT_CALLS_MAX);
    if (c->places_refused)
        say(s, "%llu addresses of SDP had no room", ULL(c->places_refused));
}

static void say_audio(const struct speaker *s, const struct reader *r, const struct import_out *o)
{
    const struct import_counts *c = &r->calls.counts;

    if (o->srtp_calls)
        say(s,
            "the audio of %llu calls is encrypted (SRTP) and left out: their scripts keep the "
            "signalling, and are silent",
            ULL(o->srtp_calls));
    if (o->payload_unknown)
        say(s, "%llu RTP packets have a payload type that their SDP does not name: left out",
            ULL(o->payload_unknown));
    if (o->before_sdp)
        say(s, "%llu RTP packets were sent before anything was agreed: left out",
            ULL(o->before_sdp));
    if (c->rtp_orphans)
        say(s, "%llu datagrams that look like RTP belong to no call, the first is packet %llu",
            ULL(c->rtp_orphans), ULL(c->first_orphan));
    if (c->rtp_refused || o->refused)
        say(s, "%llu RTP packets are beyond the bounds of an import",
            ULL(c->rtp_refused + o->refused));
}

static void fill_report(const struct reader *r, struct import_report *out)
{
    out->calls = r->calls.count;
    out->rtp = r->calls.counts.rtp;
    for (uint32_t i = 0; i < r->calls.count; i++) {
        const struct import_call *k = r->calls.call[i];

        out->answered += k->outcome == IMPORT_ANSWERED;
        out->refused += k->outcome == IMPORT_FAILED;
        out->cancelled += k->outcome == IMPORT_CANCELLED;
        out->cut += k->outcome == IMPORT_CUT;
        out->repeated += k->repeated;
    }
}

/* ---- the way ---- */

static bool no_calls(const struct reader *r, const struct net *n, char *error)
{
    if (r->calls.count)
        return false;
    snprintf(error, IMPORT_PATH_MAX + 128,
             "there is no call in it: of %llu packets %llu are UDP, %llu TCP, and %llu are SIP "
             "messages, none of them an INVITE%s",
             ULL(n->capture.packets), ULL(n->count.udp), ULL(n->count.tcp),
             ULL(r->calls.counts.sip), r->streams.count.tls ? " (TLS cannot be read)" : "");
    return true;
}

static bool write_all(struct reader *r, const struct import_config *config, const struct speaker *s,
                      char *error)
{
    struct import_out o = {.dir = config->out, .source = config->source};

    if (!import_folders(&o) || !import_write_calls(&o, &r->calls)) {
        snprintf(error, IMPORT_PATH_MAX + 128, "%s", o.error);
        return false;
    }
    say_audio(s, r, &o);
    return true;
}

bool import_bytes(const uint8_t *p, size_t len, const struct import_config *config,
                  struct import_report *report, import_say_fn *say_fn, void *arg, char *error)
{
    struct speaker s = {say_fn, arg};
    struct reader *r = calloc(1, sizeof *r);
    struct net first, second = {.count = {0}};
    bool ok = false;

    memset(report, 0, sizeof *report);
    if (!r || import_calls_init(&r->calls) != OK) {
        free(r);
        snprintf(error, IMPORT_PATH_MAX + 128, "there is no memory for it");
        return false;
    }
    streams_init(&r->streams);
    if (net_open(&first, p, len) != OK) {
        snprintf(error, IMPORT_PATH_MAX + 128, "it is neither pcap nor pcapng");
    } else {
        read_sip(r, &first);
        say_file(&s, &first);
        say_sip(&s, r);
        report->packets = first.capture.packets;
        if (!no_calls(r, &first, error) && net_open(&second, p, len) == OK) {
            read_rtp(r, &second);
            fill_report(r, report);
            ok = write_all(r, config, &s, error);
        }
    }
    net_close(&second);
    net_close(&first);
    streams_free(&r->streams);
    import_calls_free(&r->calls);
    free(r);
    return ok;
}

/* ---- for fuzzing ---- */

static void try_script(const struct import_calls *c, uint32_t i, enum import_side side)
{
    static struct import_media media;
    static char text[IMPORT_SCRIPT_MAX];
    const struct import_out o = {.dir = "", .source = "fuzz"};
    struct buf b = buf_on(text, sizeof text);

    import_media_read(&media, c->call[i], side, 0);
    import_script(&b, &o, i, c->call[i], side, &media);
}

void import_try(const uint8_t *p, size_t len)
{
    struct reader *r = calloc(1, sizeof *r);
    struct net n;

    if (r && import_calls_init(&r->calls) == OK) {
        streams_init(&r->streams);
        if (net_open(&n, p, len) == OK) {
            read_sip(r, &n);
            net_close(&n);
            if (net_open(&n, p, len) == OK)
                read_rtp(r, &n);
            for (uint32_t i = 0; i < r->calls.count && i < 64; i++) {
                try_script(&r->calls, i, IMPORT_CALLER);
                try_script(&r->calls, i, IMPORT_CALLEE);
            }
        }
        net_close(&n);
        streams_free(&r->streams);
        import_calls_free(&r->calls);
    }
    free(r);
}
