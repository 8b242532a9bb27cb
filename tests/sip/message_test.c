/* The message parser on well-formed and on broken messages, each placed before a guard page. */
#include "sip/message.h"

#include "expect.h"
#include "sample.h"

static struct sip_msg msg;

static enum err parse_bytes(const char *text, size_t len)
{
    return sip_parse(&msg, guard_place(text, len), len);
}

static void parse(const char *text)
{
    char where[200];
    enum err e = parse_bytes(text, strlen(text));
    cr_assert_eq(e, OK, "%s", sip_fault_format(&msg.fault, where, sizeof(where)));
}

Test(message, typical_invite)
{
    parse(SAMPLE_INVITE);
    cr_assert(msg.is_request);
    cr_assert_eq(msg.method, SIP_INVITE);
    EXPECT_TEXT(msg.method_name, "INVITE");
    EXPECT_TEXT(msg.uri_text, "sip:+12025550123@carrier.test:5060;user=phone");
    EXPECT_TEXT(msg.uri.user, "+12025550123");
    cr_assert_eq(msg.uri.port, 5060);
    cr_assert_eq(msg.nheaders, 15);
    cr_assert_eq(msg.via.transport, SIP_UDP);
    EXPECT_TEXT(msg.via.host, "127.0.0.1");
    cr_assert_eq(msg.via.port, 5060);
    cr_assert(msg.via.has_rport);
    cr_assert_eq(msg.via.rport, 0);
    EXPECT_TEXT(msg.via.branch, "z9hG4bK-524287-1---8f2a1b3c4d5e6f70");
    EXPECT_TEXT(msg.from.display, "Peal");
    EXPECT_TEXT(msg.from.uri_text, "sip:+12025550100@peal.test");
    EXPECT_TEXT(msg.from.tag, "8f3a2b1c");
    EXPECT_TEXT(msg.to.uri_text, "sip:+12025550123@carrier.test;user=phone");
    EXPECT_TEXT(msg.to.tag, "");
    EXPECT_TEXT(msg.call_id, "4f1c2d3e-5a6b-7c8d-9e0f-a1b2c3d4e5f6@127.0.0.1");
    cr_assert_eq(msg.cseq.number, 1);
    cr_assert_eq(msg.cseq.method, SIP_INVITE);
    cr_assert_eq(msg.max_forwards, 70);
    cr_assert(msg.has_content_length);
    EXPECT_TEXT(msg.body, SAMPLE_SDP);
    EXPECT_TEXT(msg.raw, SAMPLE_INVITE);
    cr_assert_null(msg.fault.what);
}

Test(message, typed_headers)
{
    struct sip_session_expires se;
    struct sip_nameaddr na;
    struct sip_uri uri;
    uint32_t n;
    parse(SAMPLE_INVITE);
    cr_assert_eq(sip_get_session_expires(&msg, &se), OK);
    cr_assert_eq(se.seconds, 1800);
    cr_assert_eq(se.refresher, SIP_REFRESHER_UAC);
    cr_assert_eq(sip_get_u32(&msg, SIP_H_MIN_SE, &n), OK);
    cr_assert_eq(n, 90);
    cr_assert_eq(sip_get_u32(&msg, SIP_H_EXPIRES, &n), ERR_NOT_FOUND);
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    EXPECT_TEXT(uri.host, "127.0.0.1");
    cr_assert_eq(sip_get_nameaddr(&msg, SIP_H_P_ASSERTED_IDENTITY, &na), OK);
    EXPECT_TEXT(na.uri_text, "sip:+12025550100@peal.test");
    cr_assert_eq(sip_get_options(&msg, SIP_H_SUPPORTED),
                 SIP_OPT_100REL | SIP_OPT_TIMER | SIP_OPT_REPLACES);
    cr_assert_eq(sip_get_options(&msg, SIP_H_REQUIRE), 0);
    uint32_t allow = sip_get_allow(&msg);
    cr_assert(allow & SIP_METHOD_BIT(SIP_PRACK));
    cr_assert(allow & SIP_METHOD_BIT(SIP_NOTIFY));
    cr_assert_not(allow & SIP_METHOD_BIT(SIP_REFER));
    cr_assert(sip_content_is(sip_get(&msg, SIP_H_CONTENT_TYPE), SLICE("Application/SDP")));
    struct slice v;
    cr_assert(sip_get_named(&msg, SLICE("user-agent"), &v));
    EXPECT_TEXT(v, "Peal/0.1");
    cr_assert_not(sip_get_named(&msg, SLICE("X-None"), &v));
}

#define LEAST                                                                                      \
    "Via: SIP/2.0/UDP a.test;branch=z9hG4bKx\r\nFrom: <sip:a@a.test>;tag=1\r\n"                    \
    "To: <sip:b@b.test>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n"
#define OPTIONS "OPTIONS sip:b.test SIP/2.0\r\n" LEAST

Test(message, response)
{
    parse("SIP/2.0 183 In  Progress\xe2\x82\xac\r\n" LEAST "Content-Length: 0\r\n\r\nleft over");
    cr_assert_not(msg.is_request);
    cr_assert_eq(msg.status, 183);
    EXPECT_TEXT(msg.phrase, "In  Progress\xe2\x82\xac");
    cr_assert_eq(msg.method, SIP_OPTIONS);
    EXPECT_TEXT(msg.method_name, "OPTIONS");
    EXPECT_TEXT(msg.body, "");
    cr_assert_eq(msg.raw.p[msg.raw.len - 1], '\n');
    parse("SIP/2.0 200 \r\n" LEAST "\r\n");
    EXPECT_TEXT(msg.phrase, "");
    parse("sip/2.0 699\r\n" LEAST "\r\n");
    cr_assert_eq(msg.status, 699);
}

Test(message, absent_headers)
{
    parse(OPTIONS "\r\n");
    cr_assert_eq(msg.max_forwards, -1);
    cr_assert_not(msg.has_content_length);
    cr_assert_not(sip_has(&msg, SIP_H_CONTACT));
    cr_assert_null(sip_get(&msg, SIP_H_CONTACT).p);
    struct sip_nameaddr na;
    cr_assert_eq(sip_get_nameaddr(&msg, SIP_H_CONTACT, &na), ERR_NOT_FOUND);
}

Test(message, body_without_content_length_is_the_rest)
{
    parse(OPTIONS "\r\nhello");
    EXPECT_TEXT(msg.body, "hello");
}

Test(message, blank_lines_before_the_start)
{
    parse("\r\n\r\n" OPTIONS "\r\n");
    cr_assert_eq(msg.method, SIP_OPTIONS);
    cr_assert_eq(msg.raw.p[0], 'O');
}

Test(message, folded_lines_become_one)
{
    parse("OPTIONS sip:b.test SIP/2.0\r\n"
          "Via:\r\n SIP/2.0/UDP\r\n\ta.test;branch=\r\n z9hG4bKx\r\n"
          "From: \"Long\r\n  name\" <sip:a@a.test>;tag=1\r\nTo: <sip:b@b.test>\r\nCall-ID: c\r\n"
          "CSeq: 7\r\n OPTIONS\r\nSubject: a\r\n b\r\n\tc\r\n\r\n");
    EXPECT_TEXT(msg.via.branch, "z9hG4bKx");
    EXPECT_TEXT(msg.from.display, "Long    name");
    EXPECT_TEXT(sip_get(&msg, SIP_H_SUBJECT), "a   b  \tc");
    cr_assert_eq(msg.cseq.number, 7);
}

Test(message, compact_forms_and_any_case)
{
    parse("OPTIONS sip:b.test SIP/2.0\r\nv: SIP/2.0/TCP a.test;branch=z9hG4bKx\r\n"
          "F: <sip:a@a.test>;tag=1\r\nt: <sip:b@b.test>\r\ni: c\r\ncSeQ: 7 OPTIONS\r\n"
          "m: <sip:c@c.test>\r\nk: timer\r\nL: 2\r\nc: text/plain\r\nx: 90\r\ns:\r\n\r\nhi");
    cr_assert_eq(msg.via.transport, SIP_TCP);
    EXPECT_TEXT(msg.call_id, "c");
    EXPECT_TEXT(msg.body, "hi");
    cr_assert_eq(sip_get_options(&msg, SIP_H_SUPPORTED), SIP_OPT_TIMER);
    cr_assert(sip_has(&msg, SIP_H_SESSION_EXPIRES));
    struct slice subject = sip_get(&msg, SIP_H_SUBJECT);
    cr_assert_not_null(subject.p);
    cr_assert_eq(subject.len, 0);
}

Test(message, walks_over_lines_and_commas)
{
    parse("OPTIONS sip:b.test SIP/2.0\r\n"
          "Via: SIP/2.0/UDP p3.test;branch=z9hG4bK3, SIP/2.0/TCP p2.test:5070;branch=z9hG4bK2\r\n"
          "From: <sip:a@a.test>;tag=1\r\nTo: <sip:b@b.test>\r\n"
          "Route: <sip:r1.test;lr>,, \"a, b\" <sip:r2.test;lr>\r\n"
          "Call-ID: c\r\nv: SIP/2.0/TLS [::1]:5061;branch=z9hG4bK1;received=127.0.0.9;rport=99\r\n"
          "CSeq: 7 OPTIONS\r\nRoute: <sip:a,b@r3.test>\r\n\r\n");
    struct sip_iter it;
    struct sip_via v;
    struct sip_nameaddr na;
    EXPECT_TEXT(msg.via.text, "SIP/2.0/UDP p3.test;branch=z9hG4bK3");
    sip_iter_init(&it, &msg, SIP_H_VIA);
    cr_assert_eq(sip_iter_via(&it, &v), OK);
    EXPECT_TEXT(v.branch, "z9hG4bK3");
    cr_assert_eq(sip_iter_via(&it, &v), OK);
    EXPECT_TEXT(v.host, "p2.test");
    cr_assert_eq(v.port, 5070);
    cr_assert_eq(sip_iter_via(&it, &v), OK);
    EXPECT_TEXT(v.host, "::1");
    cr_assert(v.host_is_ipv6);
    EXPECT_TEXT(v.received, "127.0.0.9");
    cr_assert_eq(v.rport, 99);
    cr_assert_eq(sip_iter_via(&it, &v), ERR_NOT_FOUND);
    static const char *const routes[] = {"sip:r1.test;lr", "sip:r2.test;lr", "sip:a,b@r3.test"};
    sip_iter_init(&it, &msg, SIP_H_ROUTE);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(sip_iter_nameaddr(&it, &na), OK);
        EXPECT_TEXT(na.uri_text, routes[i]);
    }
    cr_assert_eq(sip_iter_nameaddr(&it, &na), ERR_NOT_FOUND);
    cr_assert_eq(sip_count(&msg, SIP_H_ROUTE), 2);
    cr_assert_eq(sip_count(&msg, SIP_H_VIA), 2);
    sip_iter_init(&it, &msg, SIP_H_CONTACT);
    cr_assert_eq(sip_iter_nameaddr(&it, &na), ERR_NOT_FOUND);
}

Test(message, reason_rack_retry_after)
{
    struct sip_reason r;
    struct sip_rack k;
    struct sip_retry_after a;
    parse("OPTIONS sip:b.test SIP/2.0\r\n" LEAST
          "Reason: SIP;cause=600;text=\"Busy, really\", Q.850;cause=17;text=\"User busy\"\r\n"
          "RAck: 776656 1 INVITE\r\nRetry-After: 120 (I'm in a meeting (big)) "
          ";duration=3600\r\n\r\n");
    cr_assert_eq(sip_get_reason(&msg, SLICE("Q.850"), &r), OK);
    cr_assert_eq(r.cause, 17);
    EXPECT_TEXT(r.text, "User busy");
    cr_assert_eq(sip_get_reason(&msg, SLICE_NONE, &r), OK);
    cr_assert_eq(r.cause, 600);
    EXPECT_TEXT(r.text, "Busy, really");
    cr_assert_eq(sip_get_reason(&msg, SLICE("Preemption"), &r), ERR_NOT_FOUND);
    cr_assert_eq(sip_get_rack(&msg, &k), OK);
    cr_assert_eq(k.rseq, 776656);
    cr_assert_eq(k.cseq.number, 1);
    cr_assert_eq(k.cseq.method, SIP_INVITE);
    cr_assert_eq(sip_get_retry_after(&msg, &a), OK);
    cr_assert_eq(a.seconds, 120);
    cr_assert_eq(a.duration_s, 3600);
}

Test(message, malformed_values_are_found_when_asked_for)
{
    struct sip_session_expires se;
    struct sip_rack k;
    struct sip_retry_after a;
    struct sip_reason r;
    struct sip_nameaddr na;
    struct sip_uri uri;
    uint32_t n;
    parse("OPTIONS sip:b.test SIP/2.0\r\n" LEAST
          "Session-Expires: 1800;refresher=me\r\nRAck: 1 INVITE\r\nRetry-After: soon\r\n"
          "Reason: ;cause=1\r\nContact: <sip:a@b:99999>\r\nExpires: 4294967296\r\nRoute:\r\n\r\n");
    cr_assert_eq(sip_get_session_expires(&msg, &se), ERR_INVALID);
    cr_assert_eq(sip_get_rack(&msg, &k), ERR_INVALID);
    cr_assert_eq(sip_get_retry_after(&msg, &a), ERR_INVALID);
    cr_assert_eq(sip_get_reason(&msg, SLICE_NONE, &r), ERR_INVALID);
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), ERR_INVALID);
    cr_assert_eq(sip_get_u32(&msg, SIP_H_EXPIRES, &n), ERR_INVALID);
    cr_assert_eq(sip_get_nameaddr(&msg, SIP_H_ROUTE, &na), ERR_INVALID);
}

/* ---- what is refused, and how ---- */

static void expect_fault(const char *text, const char *at, unsigned status, const char *what)
{
    enum err e = parse_bytes(text, strlen(text));
    cr_expect_eq(e, status == 513 ? ERR_TOO_LONG : ERR_INVALID, "accepted: %s", text);
    if (!msg.fault.what)
        return;
    cr_expect_eq(msg.fault.status, status, "%u for %s", msg.fault.status, text);
    cr_expect(strstr(msg.fault.what, what), "\"%s\" for %s", msg.fault.what, text);
    if (at)
        cr_expect_eq(msg.fault.at, strstr(text, at) - text, "at %u: %s", msg.fault.at, text);
}

Test(message, faults_say_what_and_where)
{
    expect_fault("", NULL, 400, "ends inside");
    expect_fault("\r\n\r\n", NULL, 400, "ends inside");
    expect_fault("OPTIONS", NULL, 400, "ends inside");
    expect_fault("OPTIONS sip:b.test SIP/2.0\r\n" LEAST, NULL, 400, "blank line");
    expect_fault("OPTIONS  sip:b.test  SIP/2.0\r\n" LEAST "\r\n", " sip:b", 400, "Request-URI");
    expect_fault("OPTIONS sip:b.test SIP/2.0 \r\n" LEAST "\r\n", "SIP/2.0 ", 400, "SIP/2.0");
    expect_fault("OPTIONS sip:b.test SIP/3.0\r\n" LEAST "\r\n", "SIP/3.0", 505, "version");
    expect_fault("GET / HTTP/1.1\r\n" LEAST "\r\n", "/ HTTP", 400, "Request-URI");
    expect_fault("SIP/2.0 99 x\r\n" LEAST "\r\n", "99", 400, "status code");
    expect_fault("SIP/2.0 700 x\r\n" LEAST "\r\n", "700", 400, "status code");
    expect_fault("SIP/2.0 2000 x\r\n" LEAST "\r\n", "2000", 400, "status code");
    expect_fault(OPTIONS "no colon\r\n\r\n", "colon", 400, "name and colon");
    expect_fault(OPTIONS ": x\r\n\r\n", ": x", 400, "name and colon");
    expect_fault(OPTIONS "a b: x\r\n\r\n", "b: x", 400, "name and colon");
    expect_fault(OPTIONS "X: a\nY: b\r\n\r\n", "\nY", 400, "alone");
    expect_fault(OPTIONS "X: a\rY: b\r\n\r\n", "\rY", 400, "alone");
    expect_fault(OPTIONS "Call-ID: d\r\n\r\n", "Call-ID: d", 400, "twice");
    expect_fault(OPTIONS "Content-Length: 1\r\nl: 1\r\n\r\na", "l: 1", 400, "twice");
    expect_fault(OPTIONS "Content-Length: 5\r\n\r\nabcd", "5\r\n\r\nabcd", 400, "shorter");
    expect_fault(OPTIONS "Content-Length: -1\r\n\r\n", "-1", 400, "not a number");
    expect_fault(OPTIONS "Content-Length: 99999999999\r\n\r\n", "99999999999", 400, "not a number");
    expect_fault(OPTIONS "Max-Forwards: 256\r\n\r\n", "256", 400, "0 to 255");
    expect_fault(OPTIONS "Max-Forwards:\r\n\r\n", NULL, 400, "0 to 255");
}

Test(message, faults_of_the_mandatory_headers)
{
    static const char *const lines[] = {"Via: SIP/2.0/UDP a.test;branch=z9hG4bKx\r\n",
                                        "From: <sip:a@a.test>;tag=1\r\n", "To: <sip:b@b.test>\r\n",
                                        "Call-ID: c\r\n", "CSeq: 7 OPTIONS\r\n"};
    static const struct {
        int at;
        const char *line, *what;
    } cases[] = {
        {0, "", "no Via"},
        {1, "", "no From"},
        {2, "", "no To"},
        {3, "", "no Call-ID"},
        {4, "", "no CSeq"},
        {0, "Via: SIP/2.0/UDP\r\n", "Via is malformed"},
        {0, "Via: SIP/1.0/UDP a\r\n", "Via is malformed"},
        {0, "Via: SIP/2.0/UDP a.test;;,;,,\r\n", "Via is malformed"},
        {0, "Via: SIP/2.0/UDP a.test;rport=99999\r\n", "Via is malformed"},
        {0, "Via: SIP/2.0/UDP a.test:x\r\n", "Via is malformed"},
        {0, "Via: SIP/2.0/UDPa.test\r\n", "Via is malformed"},
        {0, "Via: SIP/2.0/UDP a.test b\r\n", "Via is malformed"},
        {0, "Via:\r\n", "Via is malformed"},
        {1, "From: *\r\n", "From is malformed"},
        {1, "From: \"x <sip:a@a.test>;tag=1\r\n", "From is malformed"},
        {2, "To: <sip:a@a.test>,<sip:b@b.test>\r\n", "To is malformed"},
        {3, "Call-ID:\r\n", "Call-ID is empty"},
        {3, "Call-ID: a b\r\n", "Call-ID holds"},
        {4, "CSeq: 2147483648 OPTIONS\r\n", "CSeq is not"},
        {4, "CSeq: 36893488147419103232 OPTIONS\r\n", "CSeq is not"},
        {4, "CSeq: -1 OPTIONS\r\n", "CSeq is not"},
        {4, "CSeq: 1OPTIONS\r\n", "CSeq is not"},
        {4, "CSeq: OPTIONS\r\n", "CSeq is not"},
        {4, "CSeq: 1\r\n", "CSeq is not"},
        {4, "CSeq: 1 OPTIONS x\r\n", "CSeq is not"},
        {4, "CSeq: 1 options\r\n", "method of CSeq"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1000] = "OPTIONS sip:b.test SIP/2.0\r\n";
        for (int j = 0; j < 5; j++)
            strcat(text, j == cases[i].at ? cases[i].line : lines[j]);
        strcat(text, "\r\n");
        expect_fault(text, NULL, 400, cases[i].what);
        cr_expect_eq(sip_can_reject(&msg), cases[i].at != 0, "%s", text);
    }
}

Test(message, what_was_understood_stays_after_a_fault)
{
    expect_fault("INVITE sip:b.test SIP/9.9\r\nVia: SIP/2.0/UDP a.test;branch=z9hG4bKx\r\n"
                 "From: <sip:a@a.test>;tag=1\r\nbroken\r\nTo: <sip:b@b.test>\r\nCall-ID: c\r\n"
                 "CSeq: 7 INVITE\r\n\r\n",
                 "SIP/9.9", 505, "version");
    cr_assert(sip_can_reject(&msg));
    EXPECT_TEXT(msg.via.branch, "z9hG4bKx");
    EXPECT_TEXT(msg.call_id, "c");
    EXPECT_TEXT(msg.to.uri_text, "sip:b@b.test");
    cr_assert_eq(msg.cseq.number, 7);
}

Test(message, an_ack_or_a_response_is_never_rejected)
{
    expect_fault("ACK sip:b.test SIP/2.0\r\n" LEAST "\r\n", NULL, 400, "method of CSeq");
    cr_assert_not(sip_can_reject(&msg));
    expect_fault("SIP/7.0 200 OK\r\n" LEAST "\r\n", NULL, 505, "version");
    cr_assert_not(sip_can_reject(&msg));
}

Test(message, limits)
{
    static char text[SIP_MESSAGE_MAX + 100];
    strcpy(text, OPTIONS);
    for (int i = 5; i < SIP_HEADERS_MAX; i++)
        strcat(text, "X-Y: z\r\n");
    size_t len = strlen(text);
    strcpy(text + len, "\r\n");
    cr_assert_eq(parse_bytes(text, strlen(text)), OK);
    cr_assert_eq(msg.nheaders, SIP_HEADERS_MAX);
    strcpy(text + len, "Last: y\r\n\r\n");
    expect_fault(text, "Last", 513, "more headers");
    cr_assert(sip_can_reject(&msg));
    memset(text, 'a', sizeof(text));
    cr_assert_eq(parse_bytes(text, SIP_MESSAGE_MAX + 1), ERR_TOO_LONG);
    cr_assert_eq(msg.fault.status, 513);
    cr_assert_eq(parse_bytes(text, SIP_MESSAGE_MAX), ERR_INVALID);
}

/* Every prefix ends at the guard page; none but the whole (and the whole with part of a body whose
 * length is not told) is accepted. */
Test(message, every_prefix_is_refused)
{
    const char *text = SAMPLE_INVITE;
    for (size_t len = 0; len < strlen(text); len++)
        cr_expect_eq(parse_bytes(text, len), ERR_INVALID, "accepted the first %zu bytes", len);
    cr_expect_eq(parse_bytes(text, strlen(text)), OK);
}

/* One byte changed at a time to a handful of awkward ones: no crash, and what is accepted holds
 * its own promises. */
Test(message, every_byte_awkward)
{
    static const char awkward[] = {0, '\r', '\n', ' ', '"', '<', ',', ';', '\\', (char)0xff};
    char text[] = SAMPLE_INVITE;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char kept = text[i];
        for (size_t j = 0; j < sizeof(awkward); j++) {
            text[i] = awkward[j];
            if (parse_bytes(text, sizeof(text) - 1) != OK) {
                cr_assert_not_null(msg.fault.what);
                cr_assert_leq(msg.fault.at, sizeof(text) - 1);
                continue;
            }
            for (unsigned h = 0; h < msg.nheaders; h++) {
                struct slice v = msg.headers[h].value;
                cr_assert_not(v.len && (memchr(v.p, '\r', v.len) || memchr(v.p, '\n', v.len)));
            }
        }
        text[i] = kept;
    }
}
