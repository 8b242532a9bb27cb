/* Session descriptions on arbitrary bytes: what is accepted is the same when written and parsed
 * again; our answer to it is a description with as many medias, at most one of them not refused,
 * and holds together with what was negotiated. */
#include <stdint.h>
#include <stdlib.h>

#include "../guard.h"
#include "sip/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 32768

static struct sdp sdp, again, reply;
static char out[2 * INPUT_MAX], text[SDP_TEXT_MAX + 256];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void expect_same_media(const struct sdp_media *a, const struct sdp_media *b)
{
    must(slice_eq(a->kind, b->kind) && slice_eq(a->proto, b->proto) && a->port == b->port);
    must(slice_eq(a->conn.host, b->conn.host) && a->rtcp_port == b->rtcp_port);
    must(a->dir == b->dir && a->ptime_ms == b->ptime_ms && a->rtcp_mux == b->rtcp_mux);
    must(a->nformats == b->nformats && a->nlines == b->nlines);
    for (unsigned i = 0; i < a->nformats; i++) {
        must(slice_eq(a->formats[i].text, b->formats[i].text));
        must(slice_eq(a->formats[i].encoding, b->formats[i].encoding));
        must(slice_eq(a->formats[i].fmtp, b->formats[i].fmtp));
        must(a->formats[i].rate_hz == b->formats[i].rate_hz);
    }
}

static void write_again(void)
{
    struct buf b = buf_on(out, sizeof(out));
    sdp_write(&b, &sdp);
    must(buf_end(&b) == OK);
    must(sdp_parse(slice_of(guard_place(b.p, b.len), b.len), &again) == OK);
    must(sdp.nlines == again.nlines && sdp.nmedia == again.nmedia && sdp.dir == again.dir);
    for (unsigned i = 0; i < sdp.nmedia; i++)
        expect_same_media(&sdp.media[i], &again.media[i]);
}

static void expect_sane(const struct sdp_session *s, const struct sdp_negotiated *n)
{
    must(n->active && n->codec != SDP_CODEC_NONE && n->port != 0 && n->host.len > 0);
    must((n->dir & ~s->dir) == 0 && n->ptime_ms >= 10 && n->ptime_ms <= 100);
    must(!n->shared_port == !n->shared_number);
    must(n->media < sdp.nmedia && n->pt_send != SDP_PT_NONE);
}

static void answer(void)
{
    struct sdp_session s;
    struct sdp_negotiated n;
    struct buf b = buf_on(text, sizeof(text));
    must(sdp_session_init(&s, SLICE("127.0.0.1"), 40000, 1) == OK);
    s.rtcp_mux = true;
    sdp_session_shared(&s, 40100, 7);
    if (sdp_answer(&s, &sdp, &b, &n) != OK) {
        must(!n.active && n.why && b.len == 0 && s.nslots == 0);
        return;
    }
    expect_sane(&s, &n);
    must(sdp_parse(buf_slice(&b), &reply) == OK && reply.nmedia == sdp.nmedia);
    for (unsigned i = 0; i < reply.nmedia; i++) {
        must(slice_eq(reply.media[i].kind, sdp.media[i].kind));
        must(slice_eq(reply.media[i].proto, sdp.media[i].proto));
        must(reply.media[i].port == (i == n.media ? 40000 : 0));
    }
    must(reply.media[n.media].dir == n.dir);
    b = buf_on(text, sizeof(text));
    must(sdp_write_offer(&s, &b) == OK);
    must(sdp_parse(buf_slice(&b), &reply) == OK && reply.nmedia == sdp.nmedia);
}

static void apply(void)
{
    struct sdp_session s;
    struct sdp_negotiated n;
    struct buf b = buf_on(text, sizeof(text));
    must(sdp_session_init(&s, SLICE("::1"), 40000, 1) == OK);
    sdp_session_shared(&s, 40100, 7);
    must(sdp_write_offer(&s, &b) == OK);
    if (sdp_apply_answer(&s, &sdp, &n) == OK)
        expect_sane(&s, &n);
    else
        must(!n.active && n.why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    enum err e = sdp_parse(slice_of(guard_place(data, size), size), &sdp);
    must((e == OK) == (sdp.fault == NULL));
    must(e == OK || sdp.fault_at <= size);
    if (e != OK)
        return 0;
    write_again();
    answer();
    apply();
    return 0;
}
