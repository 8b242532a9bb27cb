/* The cases of RFC 4475 (torture test messages), section by section: what is valid is understood
 * to the last field, what is not is refused with the response code the RFC asks for. The messages
 * follow the RFC's descriptions with names and hosts of our own. Cases that a parser cannot judge
 * (the broadcast Via of 3.1.1, the 3.2 and 3.3 cases that are for the transaction user) are here as
 * far as the parser's part goes. */
#include "sip/message.h"

#include <stdio.h>

#include "expect.h"

static struct sip_msg msg;

static enum err parse_bytes(const char *text, size_t len)
{
    return sip_parse(&msg, guard_place(text, len), len);
}

static void valid(const char *text)
{
    char where[200];
    cr_assert_eq(parse_bytes(text, strlen(text)), OK, "%s",
                 sip_fault_format(&msg.fault, where, sizeof(where)));
}

static void invalid(const char *text, unsigned status)
{
    cr_assert_eq(parse_bytes(text, strlen(text)), ERR_INVALID, "accepted");
    cr_assert_eq(msg.fault.status, status, "%u: %s", msg.fault.status, msg.fault.what);
    cr_assert(sip_can_reject(&msg));
}

#define SDP                                                                                        \
    "v=0\r\no=mh 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"         \
    "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
#define SDP_LENGTH "144"
_Static_assert(sizeof(SDP) - 1 == 144, "SDP_LENGTH");

/* 3.1.1.1 */
Test(torture, wsinv_short_tortuous_invite)
{
    valid("INVITE sip:callee@chair.example.test;unknownparam SIP/2.0\r\n"
          "TO :\r\n"
          " sip:callee@chair.example.test ;   tag    = 1918181833n\r\n"
          "from   : \"J Caller \\\\\\\"\"       <sip:caller@example.test>\r\n"
          "  ;\r\n"
          "  tag = 98asjd8\r\n"
          "MaX-fOrWaRdS: 0068\r\n"
          "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
          "Content-Length   : " SDP_LENGTH "\r\n"
          "cseq: 0009\r\n"
          "  INVITE\r\n"
          "Via  : SIP  /   2.0\r\n"
          " /UDP\r\n"
          "    192.0.2.2;branch=390skdjuw\r\n"
          "s :\r\n"
          "NewFangledHeader:   newfangled value\r\n"
          " continued newfangled value\r\n"
          "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
          "Content-Type: application/sdp\r\n"
          "Route:\r\n"
          " <sip:services.example.test;lr;unknownwith=value;unknown-no-value>\r\n"
          "v:  SIP  / 2.0  / TCP     spindle.example.test   ;\r\n"
          "  branch  =   z9hG4bK9ikj8  ,\r\n"
          " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
          " z9hG4bK30239\r\n"
          "m:\"Quoted string \\\"\\\"\" <sip:caller@example.test> ; newparam =\r\n"
          "      newvalue ;\r\n"
          "  secondparam ; q = 0.33\r\n"
          "\r\n" SDP);
    EXPECT_TEXT(msg.to.uri_text, "sip:callee@chair.example.test");
    EXPECT_TEXT(msg.to.tag, "1918181833n");
    EXPECT_TEXT(msg.from.display, "J Caller \\\\\\\"");
    EXPECT_TEXT(msg.from.tag, "98asjd8");
    cr_assert_eq(msg.max_forwards, 68);
    cr_assert_eq(msg.cseq.number, 9);
    cr_assert_eq(msg.cseq.method, SIP_INVITE);
    EXPECT_TEXT(msg.body, SDP);
    static const char *const hosts[] = {"192.0.2.2", "spindle.example.test", "192.168.255.111"};
    static const char *const branches[] = {"390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"};
    struct sip_iter it;
    struct sip_via v;
    sip_iter_init(&it, &msg, SIP_H_VIA);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(sip_iter_via(&it, &v), OK);
        EXPECT_TEXT(v.host, hosts[i]);
        EXPECT_TEXT(v.branch, branches[i]);
        cr_assert_eq(v.transport, i == 1 ? SIP_TCP : SIP_UDP);
    }
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct slice q;
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    cr_assert(sip_param_get(na.params, SLICE("q"), &q));
    EXPECT_TEXT(q, "0.33");
    cr_assert_eq(sip_get_nameaddr(&msg, SIP_H_ROUTE, &na), OK);
    cr_assert_eq(sip_uri_parse(na.uri_text, &uri), OK);
    cr_assert(sip_uri_is_loose(&uri));
}

/* 3.1.1.2: NUL, BEL and DEL quoted in a display name, UTF-8 in a value, a method of any token. */
Test(torture, intmeth_wide_range_of_characters)
{
    static const char text[] =
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_odd.URI~(to-be!sure)&isn't+it$/crazy?,"
        "/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.test SIP/2.0\r\n"
        "Via: SIP/2.0/TCP host1.example.test;branch=z9hG4bK-.!%66*_+`'~\r\n"
        "To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        "@example.test>\r\n"
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.test>"
        ";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\xd0\xbe\xd1\x82\xd0\xb0\xd1\x8e\"\r\n"
        "  ;tag=_token~1'+`*%!-.\r\n"
        "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
        "Max-Forwards: 255\r\n"
        "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb\r\n"
        "Content-Length: 0\r\n\r\n";
    cr_assert_eq(parse_bytes(text, sizeof(text) - 1), OK, "%s", msg.fault.what);
    cr_assert_eq(msg.method, SIP_METHOD_OTHER);
    EXPECT_TEXT(msg.method_name, "!interesting-Method0123456789_*+`.%indeed'~");
    EXPECT_TEXT(msg.via.branch, "z9hG4bK-.!%66*_+`'~");
    EXPECT_TEXT(msg.from.display, "token1~` token2'+_ token3*%!.-");
    EXPECT_TEXT(msg.from.tag, "_token~1'+`*%!-.");
    EXPECT_TEXT(msg.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    cr_assert_eq(msg.to.display.len, 20);
    cr_assert_eq(msg.cseq.number, 139122385);
    struct slice v;
    cr_assert(sip_get_named(&msg, SLICE("EXTENSIONHEADER-!.%*+_`'~"), &v));
    EXPECT_TEXT(v, "\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb");
}

#define TAIL                                                                                       \
    "Via: SIP/2.0/UDP host5.example.test;branch=z9hG4bKkdjuw\r\nMax-Forwards: 70\r\n"              \
    "From: sip:caller@example.test;tag=3ghsd41\r\nTo: sip:user@example.test\r\n"                   \
    "Call-ID: torture.jfasdlfnm2o2l43r5u0asdfas\r\n"

/* 3.1.1.3: escapes in URIs; the user of the Request-URI keeps its ';' and its escaped '@'. */
Test(torture, esc01_percent_escapes)
{
    valid("INVITE sip:sips%3Auser%40example.test@example-net.test SIP/2.0\r\n"
          "To: sip:%75se%72@example.test\r\n"
          "From: <sip:I%20have%20spaces@example-net.test>;tag=938\r\n"
          "Max-Forwards: 87\r\ni: esc01.239409asdfakjkn23onasd0-3234\r\nCSeq: 234234 INVITE\r\n"
          "Via: SIP/2.0/UDP host5.example-net.test;branch=z9hG4bKkdjuw\r\nC: application/sdp\r\n"
          "Contact:\r\n  <sip:cal%6Cer@host5.example-net.test;%6C%72;n%61me=v%61lue%25%34%31>\r\n"
          "Content-Length: " SDP_LENGTH "\r\n\r\n" SDP);
    EXPECT_TEXT(msg.uri.user, "sips%3Auser%40example.test");
    EXPECT_TEXT(msg.uri.host, "example-net.test");
    struct sip_uri a, b;
    cr_assert_eq(sip_uri_parse(msg.to.uri_text, &a), OK);
    cr_assert_eq(sip_uri_parse(SLICE("sip:user@example.test"), &b), OK);
    cr_assert(sip_uri_eq(&a, &b));
    struct sip_nameaddr na;
    cr_assert_eq(sip_get_contact(&msg, &na, &a), OK);
    EXPECT_TEXT(a.params, "%6C%72;n%61me=v%61lue%25%34%31");
}

/* 3.1.1.4 */
Test(torture, escnull_escaped_nulls)
{
    struct sip_iter it;
    struct sip_nameaddr na;
    struct sip_uri a, b;
    valid("REGISTER sip:example.test SIP/2.0\r\nTo: sip:null-%00-null@example.test\r\n"
          "From: sip:null-%00-null@example.test;tag=839923423\r\nMax-Forwards: 70\r\n"
          "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd\r\nCSeq: 14398234 REGISTER\r\n"
          "Via: SIP/2.0/UDP host5.example.test;branch=z9hG4bKkdjuw\r\n"
          "Contact: <sip:%00@host5.example.test>\r\nContact: <sip:%00%00@host5.example.test>\r\n"
          "L:0\r\n\r\n");
    sip_iter_init(&it, &msg, SIP_H_CONTACT);
    cr_assert_eq(sip_iter_nameaddr(&it, &na), OK);
    cr_assert_eq(sip_uri_parse(na.uri_text, &a), OK);
    cr_assert_eq(sip_iter_nameaddr(&it, &na), OK);
    cr_assert_eq(sip_uri_parse(na.uri_text, &b), OK);
    cr_assert_not(sip_uri_eq(&a, &b));
}

/* 3.1.1.5: '%' in a method is no escape. */
Test(torture, esc02_percent_when_it_is_no_escape)
{
    valid(
        "RE%47IST%45R sip:registrar.example.test SIP/2.0\r\n"
        "To: \"%Z%45\" <sip:resource@example.test>\r\n"
        "From: \"%Z%45\" <sip:resource@example.test>;tag=f232jadfj23\r\n"
        "Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf\r\n"
        "Via: SIP/2.0/TCP host.example.test;branch=z9hG4bK209%fzsnel234\r\n"
        "CSeq: 29344 RE%47IST%45R\r\nMax-Forwards: 70\r\n"
        "Contact: <sip:alias1@host1.example.test>\r\nC%6Fntact: <sip:alias2@host2.example.test>\r\n"
        "Contact: <sip:alias3@host3.example.test>\r\nl: 0\r\n\r\n");
    cr_assert_eq(msg.method, SIP_METHOD_OTHER);
    cr_assert_eq(sip_count(&msg, SIP_H_CONTACT), 2);
    EXPECT_TEXT(msg.from.display, "%Z%45");
}

/* 3.1.1.6 and 3.1.1.7 */
Test(torture, lwsdisp_and_longreq)
{
    static char text[20000];
    valid("OPTIONS sip:user@example.test SIP/2.0\r\nTo: sip:user@example.test\r\n"
          "From: caller<sip:caller@example.test>;tag=323\r\nMax-Forwards: 70\r\n"
          "Call-ID: lwsdisp.1234abcd@funky.example.test\r\nCSeq: 60 OPTIONS\r\n"
          "Via: SIP/2.0/UDP funky.example.test;branch=z9hG4bKkdjuw\r\nl: 0\r\n\r\n");
    EXPECT_TEXT(msg.from.display, "caller");
    strcpy(text, "INVITE sip:user@example.test SIP/2.0\r\nTo: \"I have a user name of ");
    for (int i = 0; i < 40; i++)
        strcat(text, "extremeextremeextreme");
    strcat(text, " proportion\"<sip:user@example.test:6000;unknownparam1=very");
    for (int i = 0; i < 40; i++)
        strcat(text, "longlonglong");
    strcat(text, "value;longparam=x>\r\nF: sip:amazing@example.test;tag=12982424"
                 ";unknownheaderparam=\"valuevalue\"\r\nCall-ID: longreq.one");
    for (int i = 0; i < 20; i++)
        strcat(text, "reallyreally");
    strcat(text, "longcallid\r\nCSeq: 3882340 INVITE\r\nUnknown-Header: ");
    for (int i = 0; i < 200; i++)
        strcat(text, "unknown-value-");
    strcat(text, "\r\n");
    for (int i = 33; i >= 1; i--)
        sprintf(text + strlen(text), "V: SIP/2.0/TCP sip%d.example.test;branch=z9hG4bK%d\r\n", i,
                i);
    strcat(text, "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    valid(text);
    cr_assert_eq(sip_count(&msg, SIP_H_VIA), 33);
    EXPECT_TEXT(msg.via.host, "sip33.example.test");
    EXPECT_TEXT(msg.from.tag, "12982424");
}

/* 3.1.1.8: what follows the first request in a datagram is not ours. */
Test(torture, dblreq_extra_trailing_octets)
{
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL
          "CSeq: 8 REGISTER\r\nContent-Length: 0\r\n\r\n"
          "INVITE sip:ann@example.test SIP/2.0\r\nt: sip:ann@example.test\r\nContent-Length: "
          "9\r\n\r\n");
    cr_assert_eq(msg.method, SIP_REGISTER);
    cr_assert_eq(msg.body.len, 0);
    cr_assert_eq(msg.raw.p[msg.raw.len], 'I');
}

/* 3.1.1.9 */
Test(torture, semiuri_semicolon_in_user)
{
    valid("OPTIONS sip:user;par=u%40example-net.test@example.test SIP/2.0\r\n" TAIL
          "CSeq: 8 OPTIONS\r\nl: 0\r\n\r\n");
    EXPECT_TEXT(msg.uri.user, "user;par=u%40example-net.test");
    EXPECT_TEXT(msg.uri.host, "example.test");
    EXPECT_TEXT(msg.uri.params, "");
}

/* 3.1.1.10 */
Test(torture, transports_varied_and_unknown)
{
    static const enum sip_transport want[] = {SIP_UDP, SIP_TRANSPORT_OTHER, SIP_TLS,
                                              SIP_TRANSPORT_OTHER, SIP_TCP};
    struct sip_iter it;
    struct sip_via v;
    valid("OPTIONS sip:user@example.test SIP/2.0\r\nTo: sip:user@example.test\r\n"
          "From: <sip:caller@example.test>;tag=323\r\nMax-Forwards: 70\r\n"
          "Call-ID: transports.kijh4akdnaqjkwendsasfdj\r\nAccept: application/sdp\r\n"
          "CSeq: 60 OPTIONS\r\nVia: SIP/2.0/UDP t1.example.test;branch=z9hG4bKkdjuw\r\n"
          "Via: SIP/2.0/SCTP t2.example.test;branch=z9hG4bKklasjdhf\r\n"
          "Via: SIP/2.0/TLS t3.example.test;branch=z9hG4bK2980unddj\r\n"
          "Via: SIP/2.0/UNKNOWN t4.example.test;branch=z9hG4bKasd0f3en\r\n"
          "Via: SIP/2.0/TCP t5.example.test;branch=z9hG4bK0a9idfnee\r\nl: 0\r\n\r\n");
    sip_iter_init(&it, &msg, SIP_H_VIA);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(sip_iter_via(&it, &v), OK);
        cr_assert_eq(v.transport, want[i]);
    }
}

/* 3.1.1.11: a multipart body, with binary in it, is taken as it is. */
Test(torture, mpart01_binary_body)
{
    static const char body[] = "--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
                               "--7a9cbec02ceef655\r\n\r\n\x30\x82\x01\x52\0\r\n\r\n\n\r\xff\r\n"
                               "--7a9cbec02ceef655--\r\n";
    char text[2000];
    int n = sprintf(text,
                    "MESSAGE sip:anyone@example.test SIP/2.0\r\n" TAIL "CSeq: 127 MESSAGE\r\n"
                    "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\r\n"
                    "Content-Length: %zu\r\n\r\n",
                    sizeof(body) - 1);
    memcpy(text + n, body, sizeof(body) - 1);
    cr_assert_eq(parse_bytes(text, (size_t)n + sizeof(body) - 1), OK);
    cr_assert_eq(msg.body.len, sizeof(body) - 1);
    cr_assert_eq(memcmp(msg.body.p, body, sizeof(body) - 1), 0);
    cr_assert(sip_content_is(sip_get(&msg, SIP_H_CONTENT_TYPE), SLICE("multipart/mixed")));
}

/* 3.1.1.12 and 3.1.1.13 */
Test(torture, unreason_and_noreason)
{
    valid(
        "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe\r\n" TAIL
        "CSeq: 35 INVITE\r\nContent-Length: 0\r\nContact: <sip:user@host198.example.test>\r\n\r\n");
    EXPECT_TEXT(msg.phrase, "= 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe");
    valid("SIP/2.0 100 \r\n" TAIL "CSeq: 35 INVITE\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TEXT(msg.phrase, "");
    cr_assert_eq(msg.status, 100);
}

/* 3.1.2.1 */
Test(torture, badinv01_extra_separators)
{
    static const char text[] =
        "INVITE sip:user@example.test SIP/2.0\r\nTo: sip:j.user@example.test\r\n"
        "From: sip:caller@example.test;tag=134161461246\r\nMax-Forwards: 7\r\n"
        "Call-ID: badinv01.0ha0isndaksdjasdf3234nas\r\nCSeq: 8 INVITE\r\n"
        "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\nContact: \"Ann\" <sip:ann@example.test>;;;;\r\n"
        "Content-Length: 0\r\n\r\n";
    struct sip_nameaddr na;
    struct sip_uri uri;
    cr_assert_eq(parse_bytes(text, sizeof(text) - 1), ERR_INVALID);
    cr_assert_eq(msg.fault.status, 400);
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), ERR_INVALID);
    cr_assert_not(sip_can_reject(&msg), "a response has nowhere to go");
}

/* 3.1.2.2 and 3.1.2.3 */
Test(torture, clerr_and_ncl_content_length)
{
    invalid("INVITE sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\n"
            "Content-Type: application/sdp\r\nContent-Length: 9999\r\n\r\n" SDP,
            400);
    invalid("INVITE sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\n"
            "Content-Type: application/sdp\r\nContent-Length: -999\r\n\r\n" SDP,
            400);
}

/* 3.1.2.4 and 3.1.2.5 */
Test(torture, scalar02_and_scalarlg_overlarge_numbers)
{
    invalid(
        "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP h.example.test;branch=z9hG4bKk\r\n"
        "To: <sip:user@example.test>\r\nFrom: <sip:user@example.test>;tag=239232jh3\r\n"
        "CSeq: 36893488147419103232 REGISTER\r\nCall-ID: "
        "scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\r\n"
        "Max-Forwards: 300\r\nExpires: 10000000000000000000000000000000000000000\r\n"
        "Contact: <sip:user@h.example.test>;expires=280297596632815\r\nContent-Length: 0\r\n\r\n",
        400);
    uint32_t n;
    cr_assert_eq(msg.max_forwards, -1);
    cr_assert_eq(sip_get_u32(&msg, SIP_H_EXPIRES, &n), ERR_INVALID);
    static const char response[] =
        "SIP/2.0 503 Service Unavailable\r\n" TAIL "CSeq: 9292394834772304023312 OPTIONS\r\n"
        "Retry-After: 949302838503028349304023988\r\nWarning: 1812 overture \"In Progress\"\r\n"
        "Content-Length: 0\r\n\r\n";
    struct sip_retry_after r;
    cr_assert_eq(parse_bytes(response, sizeof(response) - 1), ERR_INVALID);
    cr_assert_not(sip_can_reject(&msg));
    cr_assert_eq(sip_get_retry_after(&msg, &r), ERR_INVALID);
}

/* 3.1.2.6 to 3.1.2.9 */
Test(torture, quotes_brackets_and_blanks_about_uris)
{
    invalid(
        "INVITE sip:user@example.test SIP/2.0\r\nTo: \"Mr. J. User <sip:j.user@example.test>\r\n"
        "From: sip:caller@example.test;tag=93334\r\nMax-Forwards: 10\r\nCall-ID: quotbal.aksdj\r\n"
        "CSeq: 8 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234\r\n"
        "Content-Length: 0\r\n\r\n",
        400);
    invalid("INVITE <sip:user@example.test> SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: 0\r\n\r\n",
            400);
    invalid("INVITE sip:user@example.test; lr SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: 0\r\n\r\n",
            400);
    invalid("INVITE  sip:user@example.test  SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: 0\r\n\r\n",
            400);
    invalid("OPTIONS sip:remote-target@example.test SIP/2.0  \r\n" TAIL "CSeq: 1 OPTIONS\r\n\r\n",
            400);
}

/* 3.1.2.11: an element may be liberal: the headers part is read and never used. */
Test(torture, escruri_escaped_headers_in_request_uri)
{
    valid("INVITE sip:user@example.test?Route=%3Csip:example.test%3E SIP/2.0\r\n" TAIL
          "CSeq: 149209342 INVITE\r\nContent-Length: 0\r\n\r\n");
    char out[100];
    struct buf b = buf_on(out, sizeof(out));
    sip_uri_write_request(&b, &msg.uri);
    EXPECT_TEXT(buf_slice(&b), "sip:user@example.test");
}

/* 3.1.2.12: a Date in another zone is nothing a parser must refuse. */
Test(torture, baddate)
{
    valid("INVITE sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\n"
          "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TEXT(sip_get(&msg, SIP_H_DATE), "Fri, 01 Jan 2010 16:00:00 EST");
}

/* 3.1.2.13 to 3.1.2.15 */
Test(torture, regbadct_badaspec_baddn)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL "CSeq: 8 REGISTER\r\n"
          "Contact: sip:user@example.test?Route=%3Csip:sip.example.test%3E\r\nl: 0\r\n\r\n");
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), ERR_INVALID);
    invalid("OPTIONS sip:user@example-org.test SIP/2.0\r\nVia: SIP/2.0/UDP "
            "h4.test:5060;branch=z9hG4bKk\r\n"
            "Max-Forwards: 70\r\nFrom: \"Ring, Otto\" <sip:o.ring@example.test>;tag=433423\r\n"
            "To: \"Pole, Ada\" < sip:a.pole@example.test >\r\nCall-ID: "
            "badaspec.sdf0234n2nds0a\r\n"
            "CSeq: 3923239 OPTIONS\r\nl: 0\r\n\r\n",
            400);
    invalid("OPTIONS sip:a.pole@example.test SIP/2.0\r\nVia: SIP/2.0/UDP "
            "c.test:5060;branch=z9hG4bKkdj\r\n"
            "Max-Forwards: 70\r\nFrom: Ring, Otto <sip:o.ring@example.test>;tag=43\r\n"
            "To: Pole, Ada <sip:a.pole@example.test>\r\nCall-ID: baddn.31415@c.test\r\n"
            "CSeq: 3923239 OPTIONS\r\nl: 0\r\n\r\n",
            400);
}

/* 3.1.2.16 to 3.1.2.19 */
Test(torture, badvers_mismatch_bigcode)
{
    invalid("OPTIONS sip:a.pole@example.test SIP/7.0\r\n" TAIL "CSeq: 1 OPTIONS\r\nl: 0\r\n\r\n",
            505);
    invalid("OPTIONS sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\nl: 0\r\n\r\n", 400);
    invalid("NEWMETHOD sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\nl: 0\r\n\r\n",
            400);
    static const char big[] = "SIP/2.0 4294967301 better not break the receiver\r\n" TAIL
                              "CSeq: 8 INVITE\r\nl: 0\r\n\r\n";
    cr_assert_eq(parse_bytes(big, sizeof(big) - 1), ERR_INVALID);
    cr_assert_eq(msg.status, 0);
}

/* 3.2.1 */
Test(torture, badbranch_missing_transaction_identifier)
{
    valid(
        "OPTIONS sip:user@example.test SIP/2.0\r\nTo: sip:user@example.test\r\n"
        "From: sip:caller@example.test;tag=33242\r\nMax-Forwards: 3\r\nVia: SIP/2.0/UDP 192.0.2.1;"
        "branch=z9hG4bK\r\nCall-ID: badbranch.sadonfo23i420jv0as0derf3j3n\r\nCSeq: 8 OPTIONS\r\n"
        "l: 0\r\n\r\n");
    EXPECT_TEXT(msg.via.branch, SIP_BRANCH_COOKIE);
}

/* 3.3.1: nothing to copy from, but nothing breaks; 400 goes where Via says. */
Test(torture, insuf_missing_required_headers)
{
    invalid("INVITE sip:user@example.test SIP/2.0\r\nCSeq: 193942 INVITE\r\n"
            "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\r\nContent-Length: 0\r\n\r\n",
            400);
}

/* 3.3.2 to 3.3.4: schemes are for the user agent to judge (416). */
Test(torture, unkscm_novelsc_unksm2_unknown_schemes)
{
    valid("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\r\n" TAIL
          "CSeq: 3923423 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(msg.uri.scheme, SIP_SCHEME_OTHER);
    valid("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" TAIL
          "CSeq: 3 OPTIONS\r\nl: 0\r\n\r\n");
    cr_assert_eq(msg.uri.scheme, SIP_SCHEME_OTHER);
    valid("REGISTER sip:example.test SIP/2.0\r\nTo: isbn:2983792873\r\n"
          "From: <http://www.example.test>;tag=3234233\r\nCall-ID: "
          "unksm2.daksdj@hyphenated-host.test\r\n"
          "CSeq: 234902 REGISTER\r\nMax-Forwards: 70\r\nVia: SIP/2.0/UDP "
          "192.0.2.21:5060;branch=z9hG4bKx\r\n"
          "Contact: <name:any_one>\r\nl: 0\r\n\r\n");
    EXPECT_TEXT(msg.to.uri_text, "isbn:2983792873");
}

/* 3.3.5 and 3.3.6 */
Test(torture, bext01_and_invut)
{
    valid("OPTIONS sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 OPTIONS\r\n"
          "Require: nothingSupportsThis, nothingSupportsThisEither\r\n"
          "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\nl: 0\r\n\r\n");
    cr_assert_eq(sip_get_options(&msg, SIP_H_REQUIRE), SIP_OPT_OTHER);
    cr_assert_eq(sip_get_options(&msg, SIP_H_PROXY_REQUIRE), SIP_OPT_OTHER);
    valid("INVITE sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 8 INVITE\r\n"
          "Content-Type: application/unknownformat\r\nContent-Length: 5\r\n\r\n<aud>");
    cr_assert_not(sip_content_is(sip_get(&msg, SIP_H_CONTENT_TYPE), SLICE("application/sdp")));
}

/* 3.3.7: an authorization of an unknown scheme is kept whole, commas and all. */
Test(torture, regaut01_unknown_authorization_scheme)
{
    struct sip_auth a;
    struct slice v;
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL "CSeq: 9338 REGISTER\r\n"
          "Authorization: NoOneKnowsThisScheme opaque-data=here, x=\"y,z\"\r\nl: 0\r\n\r\n");
    cr_assert_eq(sip_auth_parse(sip_get(&msg, SIP_H_AUTHORIZATION), &a), OK);
    EXPECT_TEXT(a.scheme, "NoOneKnowsThisScheme");
    cr_assert(sip_auth_get(&a, SLICE("X"), &v));
    EXPECT_TEXT(v, "y,z");
}

/* 3.3.8 and 3.3.9 */
Test(torture, multi01_and_mcl01_doubled_headers)
{
    invalid(
        "INVITE sip:user@company.test SIP/2.0\r\nContact: <sip:caller@host25.test>\r\n"
        "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\r\nMax-Forwards: 70\r\nCSeq: 5 INVITE\r\n"
        "Call-ID: multi01.98asdh@192.0.2.1\r\nCSeq: 59 INVITE\r\nCall-ID: "
        "multi01.98asdh@192.0.2.2\r\n"
        "From: sip:caller@example.test;tag=3413415\r\nTo: sip:user@example.test\r\n"
        "To: sip:other@example.test\r\nFrom: sip:caller@example.test;tag=2923420123\r\n"
        "Content-Type: application/sdp\r\nl: 0\r\n\r\n",
        400);
    invalid("OPTIONS sip:user@example.test SIP/2.0\r\n" TAIL "CSeq: 59 OPTIONS\r\n"
            "Content-Length: 13\r\nContent-Length: 5\r\n\r\nThere's no way to know how many",
            400);
}

/* 3.3.11, 3.3.12 and 3.3.13 */
Test(torture, zeromf_cparam_regescrt)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    valid(
        "OPTIONS sip:user@example.test SIP/2.0\r\nTo: sip:user@example.test\r\n"
        "From: sip:caller@example.test;tag=3ghsd41\r\nCall-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas\r\n"
        "CSeq: 39234321 OPTIONS\r\nVia: SIP/2.0/UDP host1.test;branch=z9hG4bKkdjuw2349i\r\n"
        "Max-Forwards: 0\r\nl: 0\r\n\r\n");
    cr_assert_eq(msg.max_forwards, 0);
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n"
          "Contact: sip:+12025550100@gw1.example.test;unknownparam\r\nl: 0\r\n\r\n");
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    EXPECT_TEXT(na.params, "unknownparam");
    EXPECT_TEXT(uri.params, "");
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n"
          "Contact: <sip:+12025550100@gw1.example.test;unknownparam>\r\nl: 0\r\n\r\n");
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    EXPECT_TEXT(uri.params, "unknownparam");
    valid("REGISTER sip:example.test SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n"
          "Contact: <sip:user@example.test?Route=%3Csip:sip.example.test%3E>\r\nL:0\r\n\r\n");
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    EXPECT_TEXT(uri.headers, "Route=%3Csip:sip.example.test%3E");
}

/* 3.4.1: a request of RFC 2543: no branch, no From tag; valid. */
Test(torture, inv2543)
{
    valid("INVITE sip:UserB@example.test SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.test\r\n"
          "From: <sip:+12025550111@ift.client.test;user=phone>\r\nRecord-Route: "
          "<sip:UserB@example.test;"
          "maddr=ss1.example.test>\r\nTo: sip:+12025550122@ss1.example.test;user=phone\r\n"
          "Call-ID: inv2543.1717@ift.client.test\r\nCSeq: 56 INVITE\r\nContent-Type: "
          "application/sdp\r\n"
          "\r\n" SDP);
    EXPECT_TEXT(msg.via.branch, "");
    EXPECT_TEXT(msg.from.tag, "");
    cr_assert_eq(msg.max_forwards, -1);
    EXPECT_TEXT(msg.body, SDP);
}

/* ---- RFC 5118: IPv6 ---- */

#define SIX(uri, via, contact)                                                                     \
    "REGISTER " uri " SIP/2.0\r\nTo: sip:user@example.test\r\n"                                    \
    "From: sip:user@example.test;tag=81x2\r\nVia: " via "\r\n"                                     \
    "Call-ID: SSG9559905523997077@hlau_4100\r\nMax-Forwards: 70\r\nContact: " contact "\r\n"       \
    "CSeq: 98176 REGISTER\r\nContent-Length: 0\r\n\r\n"

/* 4.1, 4.3, 4.4: a reference needs its brackets; a port may stand inside or outside of them. */
Test(torture, ipv6_good_bad_and_ambiguous)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    valid(SIX("sip:[2001:db8::10]", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
              "\"Caller\" <sip:caller@[2001:db8::1]>"));
    EXPECT_TEXT(msg.via.host, "2001:db8::9:1");
    EXPECT_TEXT(msg.uri.host, "2001:db8::10");
    invalid(
        SIX("sip:2001:db8::10", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111", "<sip:a@b>"),
        400);
    valid(SIX("sip:[2001:db8::10:5070]", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
              "<sip:caller@[2001:db8::1]>"));
    EXPECT_TEXT(msg.uri.host, "2001:db8::10:5070");
    cr_assert_eq(msg.uri.port, 0);
    valid(SIX("sip:[2001:db8::10]:5070", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
              "<sip:caller@[2001:db8::1]:5090;transport=tcp>"));
    cr_assert_eq(msg.uri.port, 5070);
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    cr_assert_eq(uri.port, 5090);
}

/* 4.5: received= with and without brackets. 4.8, 4.9: IPv4 mapped into IPv6. */
Test(torture, ipv6_received_and_mapped)
{
    struct sip_uri uri;
    struct sip_nameaddr na;
    valid(SIX("sip:[2001:db8::10]",
              "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];"
              "branch=z9hG4bKas3-111",
              "<sip:caller@[::ffff:192.0.2.10]>"));
    EXPECT_TEXT(msg.via.received, "[2001:db8::9:255]");
    cr_assert_eq(sip_get_contact(&msg, &na, &uri), OK);
    EXPECT_TEXT(uri.host, "::ffff:192.0.2.10");
    valid(SIX("sip:[2001:db8::10]",
              "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;"
              "branch=z9hG4bKas3",
              "<sip:a@b>"));
    EXPECT_TEXT(msg.via.received, "2001:db8::9:255");
    EXPECT_TEXT(msg.via.branch, "z9hG4bKas3");
}
