/* The message writer: what goes out is parsed again and is what was meant. */
#include "sip/write.h"

#include "expect.h"
#include "sample.h"

static struct sip_msg in, back;
static char out[8192];

static void parse(struct sip_msg *m, const char *text, size_t len)
{
    char where[200];
    enum err e = sip_parse(m, guard_place(text, len), len);
    cr_assert_eq(e, OK, "%s in %.*s", sip_fault_format(&m->fault, where, sizeof(where)), (int)len,
                 text);
}

static void parse_out(const struct buf *b)
{
    cr_assert_eq(buf_end(b), OK);
    parse(&back, b->p, b->len);
}

Test(write, a_request)
{
    struct buf b = buf_on(out, sizeof(out));
    sip_write_request(&b, SLICE("INVITE"), SLICE("sip:b@b.test"));
    sip_write_via(&b, SIP_UDP, SLICE("[::1]:5060"), SLICE("z9hG4bKabc"));
    sip_write_u32(&b, SIP_H_MAX_FORWARDS, 70);
    sip_write_nameaddr(&b, SIP_H_FROM, SLICE("A \"B\""), SLICE("sip:a@a.test"), SLICE("t1"));
    sip_write_nameaddr(&b, SIP_H_TO, SLICE_NONE, SLICE("sip:b@b.test"), SLICE_NONE);
    sip_write_header(&b, SIP_H_CALL_ID, SLICE("id1"));
    sip_write_cseq(&b, 4711, SLICE("INVITE"));
    sip_write_named(&b, SLICE("X-Own"), SLICE("v"));
    sip_write_body(&b, SLICE("application/sdp"), SLICE("v=0\r\n"));
    EXPECT_TEXT(buf_slice(&b), "INVITE sip:b@b.test SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bKabc\r\n"
                               "Max-Forwards: 70\r\n"
                               "From: \"A \\\"B\\\"\" <sip:a@a.test>;tag=t1\r\n"
                               "To: <sip:b@b.test>\r\n"
                               "Call-ID: id1\r\n"
                               "CSeq: 4711 INVITE\r\n"
                               "X-Own: v\r\n"
                               "Content-Type: application/sdp\r\n"
                               "Content-Length: 5\r\n"
                               "\r\n"
                               "v=0\r\n");
    parse_out(&b);
    EXPECT_TEXT(back.body, "v=0\r\n");
}

#define VIAS                                                                                       \
    "OPTIONS sip:b.test SIP/2.0\r\n"                                                               \
    "v: SIP/2.0/UDP 192.0.2.87:5070;branch=z9hG4bK1;rport;received=192.0.2.1;x=y , SIP/2.0/TCP "   \
    "p.test;branch=z9hG4bK2\r\n"                                                                   \
    "Via: SIP/2.0/UDP q.test;branch=z9hG4bK3\r\n"                                                  \
    "From: <sip:a@a.test>;tag=1\r\nTo: <sip:b@b.test>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n"        \
    "Record-Route: <sip:r1.test;lr>,<sip:r2.test;lr>\r\nRecord-Route: <sip:r3.test;lr>\r\n"        \
    "Timestamp: 54\r\n\r\n"

static void respond(const char *request, unsigned status, const char *source)
{
    struct addr a;
    struct buf b = buf_on(out, sizeof(out));
    parse(&in, request, strlen(request));
    if (source)
        cr_assert_eq(addr_parse(slice_cstr(source), 0, &a), OK);
    sip_write_response(&b, &in, status, SLICE_NONE, SLICE("mine"), source ? &a : NULL);
    sip_write_end(&b);
    parse_out(&b);
}

Test(write, response_copies_what_it_must)
{
    struct sip_iter it;
    struct sip_via v;
    respond(VIAS, 180, "127.0.0.5:6000");
    cr_assert_eq(back.status, 180);
    EXPECT_TEXT(back.phrase, "Ringing");
    EXPECT_TEXT(back.to.tag, "mine");
    EXPECT_TEXT(back.from.tag, "1");
    EXPECT_TEXT(back.call_id, "c");
    cr_assert_eq(back.cseq.number, 7);
    cr_assert_eq(sip_count(&back, SIP_H_RECORD_ROUTE), 2);
    cr_assert_not(sip_has(&back, SIP_H_TIMESTAMP));
    sip_iter_init(&it, &back, SIP_H_VIA);
    cr_assert_eq(sip_iter_via(&it, &v), OK);
    EXPECT_TEXT(v.host, "192.0.2.87");
    cr_assert_eq(v.port, 5070);
    EXPECT_TEXT(v.branch, "z9hG4bK1");
    EXPECT_TEXT(v.received, "127.0.0.5");
    cr_assert_eq(v.rport, 6000);
    struct slice x;
    cr_assert(sip_param_get(v.params, SLICE("x"), &x));
    for (int i = 2; i <= 3; i++) {
        char branch[] = {'z', '9', 'h', 'G', '4', 'b', 'K', (char)('0' + i), 0};
        cr_assert_eq(sip_iter_via(&it, &v), OK);
        EXPECT_TEXT(v.branch, branch);
        EXPECT_TEXT(v.received, "");
    }
    cr_assert_eq(sip_iter_via(&it, &v), ERR_NOT_FOUND);
}

Test(write, trying_and_failures_have_no_route_set)
{
    respond(VIAS, 100, NULL);
    EXPECT_TEXT(sip_get(&back, SIP_H_TIMESTAMP), "54");
    cr_assert_not(sip_has(&back, SIP_H_RECORD_ROUTE));
    EXPECT_TEXT(back.via.received, "192.0.2.1");
    respond(VIAS, 486, NULL);
    cr_assert_not(sip_has(&back, SIP_H_RECORD_ROUTE));
}

Test(write, received_only_when_it_tells_something)
{
    static const char request[] =
        "OPTIONS sip:b.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n"
        "From: <sip:a@a.test>;tag=1\r\nTo: <sip:b@b.test>;tag=theirs\r\nCall-ID: c\r\n"
        "CSeq: 7 OPTIONS\r\n\r\n";
    respond(request, 200, "127.0.0.1:6000");
    EXPECT_TEXT(back.via.received, "");
    cr_assert_not(back.via.has_rport);
    EXPECT_TEXT(sip_get(&back, SIP_H_TO), "<sip:b@b.test>;tag=theirs");
    respond(request, 200, "[::1]:6000");
    EXPECT_TEXT(back.via.received, "::1");
}

Test(write, a_broken_request_is_answered_from_what_is_left)
{
    static const char request[] = "INVITE sip:b.test SIP/2.0\r\nCSeq: 1 INVITE\r\n"
                                  "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n\r\n";
    struct buf b = buf_on(out, sizeof(out));
    cr_assert_eq(sip_parse(&in, guard_place(request, sizeof(request) - 1), sizeof(request) - 1),
                 ERR_INVALID);
    cr_assert(sip_can_reject(&in));
    sip_write_response(&b, &in, in.fault.status, SLICE("No From"), SLICE("mine"), NULL);
    sip_write_end(&b);
    EXPECT_TEXT(buf_slice(&b), "SIP/2.0 400 No From\r\n"
                               "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
                               "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
}

Test(write, values_cannot_break_out)
{
    struct buf b = buf_on(out, sizeof(out));
    sip_write_header(&b, SIP_H_SUBJECT, SLICE("a\r\nX-Evil: 1\n\rb"));
    sip_write_named(&b, SLICE("X-A\r\nB"), SLICE("c"));
    sip_write_status(&b, 200, SLICE("OK\r\nX: y"));
    EXPECT_TEXT(buf_slice(&b), "Subject: a  X-Evil: 1  b\r\nX-A  B: c\r\nSIP/2.0 200 OK  X: y\r\n");
}

Test(write, overflow_is_found_at_the_end)
{
    for (size_t cap = 0; cap < sizeof(SAMPLE_INVITE) - 1; cap += 7) {
        parse(&in, SAMPLE_INVITE, sizeof(SAMPLE_INVITE) - 1);
        char *end = guard_place(NULL, 0);
        struct buf b = buf_on(end - cap, cap);
        sip_write_msg(&b, &in);
        cr_assert_eq(buf_end(&b), ERR_TOO_LONG, "fits into %zu", cap);
    }
}

Test(write, a_message_again)
{
    struct buf b = buf_on(out, sizeof(out));
    parse(&in, SAMPLE_INVITE, sizeof(SAMPLE_INVITE) - 1);
    sip_write_msg(&b, &in);
    EXPECT_TEXT(buf_slice(&b), SAMPLE_INVITE);
    b = buf_on(out, sizeof(out));
    parse(&in, VIAS, sizeof(VIAS) - 1);
    sip_write_msg(&b, &in);
    parse_out(&b);
    cr_assert_eq(back.nheaders, in.nheaders + 1); /* Content-Length is always written */
}
