/* Session descriptions: typed fields, what peers write in the wild, what is refused. */
#include "sip/sdp.h"

#include <stdio.h>

#include "expect.h"
#include "sample.h"

static struct sdp sdp;

static void parse(const char *text)
{
    cr_assert_eq(sdp_parse(guarded(text), &sdp), OK, "%s at %u", sdp.fault, sdp.fault_at);
}

#define HEAD "v=0\r\no=u 1 2 IN IP4 192.0.2.1\r\ns=x y\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

Test(sdp, typical_offer)
{
    parse(SAMPLE_SDP);
    EXPECT_TEXT(sdp.origin.user, "-");
    cr_assert_eq(sdp.origin.session_id, 3912345678);
    EXPECT_TEXT(sdp.origin.host, "127.0.0.1");
    cr_assert_eq(sdp.nmedia, 1);
    struct sdp_media *m = &sdp.media[0];
    EXPECT_TEXT(m->kind, "audio");
    EXPECT_TEXT(m->proto, "RTP/AVP");
    cr_assert_eq(m->port, 40000);
    EXPECT_TEXT(m->conn.host, "127.0.0.1");
    cr_assert_eq(m->rtcp_port, 40001);
    cr_assert_not(m->has_rtcp);
    cr_assert_eq(m->ptime_ms, 20);
    cr_assert_eq(m->dir, SDP_SENDRECV);
    cr_assert_eq(m->nformats, 3);
    cr_assert_eq(m->formats[0].pt, 8);
    EXPECT_TEXT(m->formats[2].encoding, "telephone-event");
    cr_assert_eq(m->formats[2].rate_hz, 8000);
    EXPECT_TEXT(m->formats[2].fmtp, "0-15");
    cr_assert_eq(m->first_line, 5);
    cr_assert_eq(m->nlines, 7);
}

Test(sdp, static_types_need_no_rtpmap)
{
    parse(HEAD "m=audio 49170/2 RTP/AVP 0 8 18 96\r\n");
    struct sdp_media *m = &sdp.media[0];
    cr_assert_eq(m->port, 49170);
    EXPECT_TEXT(m->formats[0].encoding, "PCMU");
    EXPECT_TEXT(m->formats[1].encoding, "PCMA");
    EXPECT_TEXT(m->formats[2].encoding, "G729");
    EXPECT_TEXT(m->formats[3].encoding, "");
    cr_assert_eq(m->formats[1].channels, 1);
}

Test(sdp, attributes_of_media_and_session)
{
    struct slice v;
    parse(HEAD
          "a=sendonly\r\na=tool:x\r\n"
          "m=audio 5000 RTP/AVP 111\r\nc=IN IP6 2001:db8::7/127\r\na=rtpmap:111 opus/48000/2\r\n"
          "a=fmtp:111 minptime=10; useinbandfec=1\r\na=rtcp:5009 IN IP4 192.0.2.77\r\n"
          "a=maxptime:40\r\na=ptime:30.5\r\na=x-odd:1\r\na=x-odd:2\r\n"
          "m=audio 6000 RTP/AVP 8\r\na=inactive\r\na=rtcp-mux\r\na=rtcp:6003\r\n"
          "m=image 0 udptl t38\r\n");
    cr_assert_eq(sdp.dir, SDP_SENDONLY);
    cr_assert_eq(sdp.nmedia, 3);
    struct sdp_media *m = sdp.media;
    cr_assert_eq(m[0].dir, SDP_SENDONLY);
    EXPECT_TEXT(m[0].conn.host, "2001:db8::7");
    cr_assert(m[0].conn.is_ip6);
    cr_assert_eq(m[0].formats[0].channels, 2);
    EXPECT_TEXT(m[0].formats[0].fmtp, "minptime=10; useinbandfec=1");
    cr_assert(m[0].has_rtcp);
    cr_assert_eq(m[0].rtcp_port, 5009);
    EXPECT_TEXT(m[0].rtcp_conn.host, "192.0.2.77");
    cr_assert_eq(m[0].ptime_ms, 30);
    cr_assert_eq(m[0].maxptime_ms, 40);
    cr_assert_eq(m[1].dir, SDP_INACTIVE);
    cr_assert(m[1].rtcp_mux);
    cr_assert_eq(m[1].rtcp_port, 6003);
    EXPECT_TEXT(m[1].rtcp_conn.host, "192.0.2.9");
    EXPECT_TEXT(m[2].formats[0].text, "t38");
    cr_assert_eq(m[2].formats[0].pt, SDP_PT_NONE);
    cr_assert(sdp_attr(&sdp, -1, SLICE("tool"), &v));
    EXPECT_TEXT(v, "x");
    cr_assert(sdp_attr(&sdp, 0, SLICE("x-odd"), &v));
    EXPECT_TEXT(v, "1");
    cr_assert_not(sdp_attr(&sdp, 1, SLICE("x-odd"), &v));
    cr_assert_not(sdp_attr(&sdp, -1, SLICE("x-odd"), &v));
    cr_assert_not(sdp_attr(&sdp, 3, SLICE("x-odd"), &v));
}

Test(sdp, tolerated)
{
    parse("v=0\no=- 99999999999999999999999 1 IN IP4 host.test\ns=-\nc=IN IP4 224.2.1.1/127/3\n"
          "t=0 0\nq=unknown\nm=audio 1 RTP/AVP 0\na=rtpmap:0\na=rtpmap:0 "
          "x\na=ptime:x\na=rtcp:0\n\n\n");
    cr_assert_eq(sdp.origin.session_id, 0);
    EXPECT_TEXT(sdp.media[0].conn.host, "224.2.1.1");
    EXPECT_TEXT(sdp.media[0].formats[0].encoding, "PCMU");
    cr_assert_eq(sdp.media[0].ptime_ms, 0);
    cr_assert_not(sdp.media[0].has_rtcp);
    parse("v=0\r\no=- 1 1 IN IP4 a.test\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0"); /* no line end */
    cr_assert_eq(sdp.media[0].port, 0);
    parse("v=0\r\no=- 1 1 IN IP4 a.test\r\ns=-\r\nt=0 0\r\n");
    cr_assert_eq(sdp.nmedia, 0);
}

Test(sdp, refused_with_place_and_reason)
{
    static const struct {
        const char *text, *at, *what;
    } cases[] = {
        {"", NULL, "empty"},
        {"\r\n\r\n", NULL, "empty"},
        {"o=- 1 1 IN IP4 a\r\n", "o=", "v=0"},
        {"v=1\r\n", "v=1", "v=0"},
        {"v=0\r\ns=-\r\n", NULL, "no o="},
        {"v=0\r\no=- 1 1 IN IP4\r\n", "o=", "o= is not"},
        {"v=0\r\no=- 1 1 IN IP5 a\r\n", "o=", "o= is not"},
        {HEAD "c=IN IP4\r\n", "c=IN IP4\r\n", "c= is not"},
        {HEAD "c=ATM IP4 192.0.2.1\r\n", "c=ATM", "c= is not"},
        {HEAD "m=audio\r\n", "m=", "port"},
        {HEAD "m=audio x RTP/AVP 0\r\n", "m=", "port"},
        {HEAD "m=audio 65536 RTP/AVP 0\r\n", "m=", "port"},
        {HEAD "m=audio 1x RTP/AVP 0\r\n", "m=", "port"},
        {HEAD "m=audio 1 RTP/AVP\r\n", "m=", "formats"},
        {HEAD "audio\r\n", "audio", "letter"},
        {HEAD "A=x\r\n", "A=", "letter"},
        {HEAD " a=x\r\n", " a=", "letter"},
        {HEAD "a\r\n", "a\r\n", "letter"},
        {HEAD "\r\na=x\r\n", NULL, "letter"},
        {HEAD "a=x\ry\r\n", "a=x", "CR"},
        {"v=0\r\no=- 1 1 IN IP4 a.test\r\ns=-\r\nm=audio 1 RTP/AVP 0\r\n", NULL, "no c="},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(sdp_parse(guarded(cases[i].text), &sdp), ERR_INVALID, "%s", cases[i].text);
        cr_assert_not_null(sdp.fault, "%s", cases[i].text);
        cr_expect(strstr(sdp.fault, cases[i].what), "\"%s\" for %s", sdp.fault, cases[i].text);
        if (cases[i].at)
            cr_expect_eq(sdp.fault_at, strstr(cases[i].text, cases[i].at) - cases[i].text,
                         "%u for %s", sdp.fault_at, cases[i].text);
    }
}

Test(sdp, limits)
{
    static char text[20000];
    strcpy(text, HEAD);
    for (int i = 5; i < SDP_LINES_MAX; i++)
        strcat(text, "a=x\r\n");
    parse(text);
    cr_assert_eq(sdp.nlines, SDP_LINES_MAX);
    strcat(text, "a=x\r\n");
    cr_assert_eq(sdp_parse(guarded(text), &sdp), ERR_TOO_LONG);
    strcpy(text, HEAD);
    for (int i = 0; i < SDP_MEDIA_MAX; i++)
        strcat(text, "m=audio 1 RTP/AVP 0\r\n");
    parse(text);
    cr_assert_eq(sdp.nmedia, SDP_MEDIA_MAX);
    strcat(text, "m=audio 1 RTP/AVP 0\r\n");
    cr_assert_eq(sdp_parse(guarded(text), &sdp), ERR_TOO_LONG);
    strcpy(text, HEAD "m=audio 1 RTP/AVP");
    for (int i = 0; i < SDP_FORMATS_MAX; i++)
        snprintf(text + strlen(text), 8, " %d", 96 + i % 32);
    parse(text);
    cr_assert_eq(sdp.media[0].nformats, SDP_FORMATS_MAX);
    strcat(text, " 0");
    cr_assert_eq(sdp_parse(guarded(text), &sdp), ERR_TOO_LONG);
}

Test(sdp, writes_every_line_again)
{
    static const char text[] = HEAD "q=unknown\r\na=x:y z \r\nm=audio 1 RTP/AVP 0\r\na=\r\n";
    char out[1000];
    struct buf b = buf_on(out, sizeof(out));
    parse(text);
    sdp_write(&b, &sdp);
    EXPECT_TEXT(buf_slice(&b), text);
}

Test(sdp, directions)
{
    cr_assert_eq(sdp_dir_reverse(SDP_SENDONLY), SDP_RECVONLY);
    cr_assert_eq(sdp_dir_reverse(SDP_RECVONLY), SDP_SENDONLY);
    cr_assert_eq(sdp_dir_reverse(SDP_SENDRECV), SDP_SENDRECV);
    cr_assert_eq(sdp_dir_reverse(SDP_INACTIVE), SDP_INACTIVE);
    EXPECT_TEXT(sdp_dir_name(SDP_RECVONLY), "recvonly");
}

Test(sdp, every_prefix_and_awkward_byte)
{
    static const char awkward[] = {0, '\r', '\n', ' ', '=', ':', '/', (char)0xff};
    char text[] = SAMPLE_SDP;
    for (size_t len = 0; len < sizeof(text); len++)
        sdp_parse(slice_of(guard_place(text, len), len), &sdp);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char kept = text[i];
        for (size_t j = 0; j < sizeof(awkward); j++) {
            text[i] = awkward[j];
            enum err e =
                sdp_parse(slice_of(guard_place(text, sizeof(text) - 1), sizeof(text) - 1), &sdp);
            cr_assert_eq(e != OK, sdp.fault != NULL);
        }
        text[i] = kept;
    }
}
