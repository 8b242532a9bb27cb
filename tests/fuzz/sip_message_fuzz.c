/* The SIP message parser, framer and writer on arbitrary bytes. Beyond not crashing: what is
 * accepted means the same when it is written and parsed again; a response to it parses; what the
 * framer takes as one message the parser takes to its last byte. */
#include <stdint.h>
#include <stdlib.h>

#include "../guard.h"
#include "sip/digest.h"
#include "sip/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg msg, again;
static char out[4 * SIP_MESSAGE_MAX];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Asks for everything that is parsed only when asked for. */
static void touch(const struct sip_msg *m)
{
    struct sip_session_expires se;
    struct sip_retry_after ra;
    struct sip_rack rack;
    struct sip_reason reason;
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct sip_via via;
    struct sip_iter it;
    struct slice item;
    struct digest_challenge challenge;
    struct digest_credentials credentials;
    uint32_t n;
    for (unsigned id = 0; id < SIP_H_COUNT; id++) {
        sip_iter_init(&it, m, (enum sip_hdr)id);
        while (sip_iter_next(&it, &item)) {
            must(item.len > 0);
            if (sip_nameaddr_parse(item, &na) == OK && !na.is_star)
                (void)sip_uri_parse(na.uri_text, &uri);
            (void)sip_via_parse(item, &via);
            (void)sip_number_parse(item, UINT32_MAX, &n);
        }
        sip_iter_init(&it, m, (enum sip_hdr)id);
        while (sip_line_next(&it, &item)) {
            (void)digest_challenge_parse(item, false, &challenge);
            (void)digest_credentials_parse(item, &credentials);
        }
    }
    (void)sip_get_session_expires(m, &se);
    (void)sip_get_retry_after(m, &ra);
    (void)sip_get_rack(m, &rack);
    (void)sip_get_reason(m, SLICE("Q.850"), &reason);
    (void)sip_get_contact(m, &na, &uri);
    (void)digest_pick(m, SLICE_NONE, &challenge);
    n = sip_get_options(m, SIP_H_SUPPORTED) | sip_get_allow(m);
    (void)n;
}

static void parse_written(const struct buf *b)
{
    must(buf_end(b) == OK);
    must(sip_parse(&again, guard_place(b->p, b->len), b->len) == OK);
}

static void expect_same(const struct sip_msg *a, const struct sip_msg *b)
{
    must(a->is_request == b->is_request && a->method == b->method && a->status == b->status);
    must(slice_eq(a->method_name, b->method_name) && slice_eq(a->uri_text, b->uri_text));
    must(slice_eq(a->body, b->body) && slice_eq(a->call_id, b->call_id));
    must(slice_eq(a->from.tag, b->from.tag) && slice_eq(a->to.tag, b->to.tag));
    must(slice_eq(a->via.branch, b->via.branch) && slice_eq(a->via.host, b->via.host));
    must(a->cseq.number == b->cseq.number && a->max_forwards == b->max_forwards);
    must(b->nheaders == a->nheaders + !a->has_content_length);
    unsigned j = 0;
    for (unsigned i = 0; i < a->nheaders; i++) {
        if (a->headers[i].id == SIP_H_CONTENT_LENGTH)
            continue;
        must(a->headers[i].id == b->headers[j].id);
        must(slice_eq(a->headers[i].value, b->headers[j++].value));
    }
}

static void write_again(const struct sip_msg *m)
{
    struct buf b = buf_on(out, sizeof(out));
    sip_write_msg(&b, m);
    bool full = m->nheaders == SIP_HEADERS_MAX && !m->has_content_length;
    if (full || b.len > SIP_MESSAGE_MAX)
        return;
    parse_written(&b);
    expect_same(m, &again);
}

static void answer(const struct sip_msg *m, bool is_valid)
{
    struct addr source;
    struct buf b = buf_on(out, sizeof(out));
    must(addr_parse(SLICE("127.0.0.3:5099"), 0, &source) == OK);
    sip_write_response(&b, m, is_valid ? 200 : m->fault.status, SLICE_NONE, SLICE("fz"), &source);
    sip_write_end(&b);
    if (!is_valid || b.len > SIP_MESSAGE_MAX)
        return;
    parse_written(&b);
    must(again.to.tag.len > 0 && slice_eq(again.from.tag, m->from.tag));
    must(slice_eq(again.via.branch, m->via.branch) && again.via.has_rport == m->via.has_rport);
    must(sip_count(&again, SIP_H_VIA) == sip_count(m, SIP_H_VIA));
}

static void frame(const uint8_t *data, size_t size)
{
    struct sip_framer whole = {0}, stepped = {0};
    const char *bytes = guard_place(data, size);
    struct sip_frame f = sip_frame(&whole, bytes, size, SIP_MESSAGE_MAX), g;
    size_t half = size / 2;
    must(f.len <= size);
    must((f.kind == SIP_FRAME_BAD) == (f.what != NULL));
    if (f.kind != SIP_FRAME_MESSAGE || f.len <= half)
        return;
    g = sip_frame(&stepped, bytes, half, SIP_MESSAGE_MAX);
    must(g.kind == SIP_FRAME_MORE);
    g = sip_frame(&stepped, bytes, size, SIP_MESSAGE_MAX);
    must(g.kind == SIP_FRAME_MESSAGE && g.len == f.len);
    if (sip_parse(&again, guard_place(data, f.len), f.len) == OK)
        must(again.raw.len == f.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SIP_MESSAGE_MAX)
        return 0;
    frame(data, size);
    enum err e = sip_parse(&msg, guard_place(data, size), size);
    must((e == OK) == (msg.fault.what == NULL));
    must(e == OK || msg.fault.at <= size);
    touch(&msg);
    if (e == OK)
        write_again(&msg);
    if (msg.is_request && (e == OK || sip_can_reject(&msg)))
        answer(&msg, e == OK);
    return 0;
}
