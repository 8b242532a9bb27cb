/* Offer and answer: who sends what where, in the words of both sides, through hold and change. */
#include <stdio.h>

#include "sdp_kit.h"

static void fresh(void)
{
    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
}

#define TE "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n"

Test(offer, text)
{
    fresh();
    offer();
    EXPECT_TEXT(buf_slice(&b), "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                               "t=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
                               "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
                               "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
}

Test(offer, every_option)
{
    cr_assert_eq(sdp_session_init(&ours, SLICE("::1"), 40000, 7), OK);
    ours.ncodecs = 1;
    ours.codecs[0] = SDP_CODEC_PCMU;
    ours.te_pt = SDP_PT_NONE;
    ours.ptime_ms = 0;
    ours.rtcp_port = 40007;
    ours.rtcp_mux = true;
    ours.dir = SDP_SENDONLY;
    offer();
    EXPECT_TEXT(buf_slice(&b), "v=0\r\no=- 7 7 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\n"
                               "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:40007\r\n"
                               "a=rtcp-mux\r\na=sendonly\r\n");
}

Test(offer, what_cannot_be_written)
{
    char host[100];
    memset(host, '1', sizeof(host));
    cr_assert_eq(sdp_session_init(&ours, slice_of(host, sizeof(host)), 1, 1), ERR_TOO_LONG);
    fresh();
    ours.ncodecs = 0;
    b = buf_on(out, sizeof(out));
    cr_assert_eq(sdp_write_offer(&ours, &b), ERR_INVALID);
    fresh();
    b = buf_on(out, 100);
    cr_assert_eq(sdp_write_offer(&ours, &b), ERR_TOO_LONG);
    cr_assert_eq(b.len, 0);
    cr_assert_eq(ours.last_hash, 0);
}

Test(offer, version_grows_only_with_change)
{
    fresh();
    offer();
    offer();
    cr_assert_eq(ours.version, 7);
    ours.dir = SDP_SENDONLY;
    offer();
    cr_assert_eq(ours.version, 8);
    cr_assert(strstr(out, "o=- 7 8 IN"));
    offer();
    cr_assert_eq(ours.version, 8);
    ours.dir = SDP_SENDRECV;
    offer();
    cr_assert_eq(ours.version, 9);
}

/* ---- their answer to our offer ---- */

Test(offer, answer_with_other_numbers)
{
    fresh();
    ours.rtcp_mux = true;
    offer();
    cr_assert_eq(apply(HEAD "m=audio 5004 RTP/AVP 0 96\r\n" TE "a=ptime:30\r\n"), OK);
    cr_assert(neg.active);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMU);
    cr_assert_eq(neg.pt_send, 0);
    cr_assert_eq(neg.pt_recv, 0);
    cr_assert_eq(neg.te_send, 96);
    cr_assert_eq(neg.te_recv, 101);
    EXPECT_TEXT(neg.host, "192.0.2.9");
    cr_assert_eq(neg.port, 5004);
    EXPECT_TEXT(neg.rtcp_host, "192.0.2.9");
    cr_assert_eq(neg.rtcp_port, 5005);
    cr_assert_not(neg.rtcp_mux);
    cr_assert_eq(neg.dir, SDP_SENDRECV);
    cr_assert_not(neg.is_held);
    cr_assert_eq(neg.ptime_ms, 30);
}

/* Each side sends with the other's number (RFC 3264 5.1). */
Test(offer, answer_with_a_dynamic_number)
{
    fresh();
    offer();
    cr_assert_eq(apply(HEAD "m=audio 5004 RTP/AVP 98\r\na=rtpmap:98 PCMA/8000\r\n"), OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMA);
    cr_assert_eq(neg.pt_send, 98);
    cr_assert_eq(neg.pt_recv, 8);
}

Test(offer, answer_without_events_and_with_mux)
{
    fresh();
    ours.rtcp_mux = true;
    offer();
    cr_assert_eq(
        apply(HEAD "m=audio 5004 RTP/AVP 8\r\na=rtcp-mux\r\na=rtcp:9\r\na=maxptime:10\r\n"), OK);
    cr_assert_eq(neg.te_send, SDP_PT_NONE);
    cr_assert_eq(neg.te_recv, SDP_PT_NONE);
    cr_assert(neg.rtcp_mux);
    cr_assert_eq(neg.rtcp_port, 5004);
    cr_assert_eq(neg.ptime_ms, 10);
}

Test(offer, directions_of_an_answer)
{
    static const struct {
        enum sdp_dir ours;
        const char *attr;
        enum sdp_dir want;
        bool held;
    } cases[] = {
        {SDP_SENDRECV, "sendrecv", SDP_SENDRECV, false},
        {SDP_SENDRECV, "sendonly", SDP_RECVONLY, true},
        {SDP_SENDRECV, "recvonly", SDP_SENDONLY, false},
        {SDP_SENDRECV, "inactive", SDP_INACTIVE, true},
        {SDP_SENDONLY, "recvonly", SDP_SENDONLY, false},
        {SDP_SENDONLY, "sendrecv", SDP_SENDONLY, false},
        {SDP_SENDONLY, "inactive", SDP_INACTIVE, true},
        {SDP_INACTIVE, "inactive", SDP_INACTIVE, true},
        {SDP_RECVONLY, "sendonly", SDP_RECVONLY, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[400];
        fresh();
        ours.dir = cases[i].ours;
        offer();
        snprintf(text, sizeof(text), HEAD "m=audio 5004 RTP/AVP 8\r\na=%s\r\n", cases[i].attr);
        cr_assert_eq(apply(text), OK);
        cr_expect_eq(neg.dir, cases[i].want, "case %zu: %d", i, neg.dir);
        cr_expect_eq(neg.is_held, cases[i].held, "case %zu", i);
    }
}

Test(offer, answers_that_are_none)
{
    fresh();
    cr_assert_eq(apply(HEAD), ERR_STATE);
    offer();
    cr_assert_eq(apply(HEAD), ERR_INVALID);
    cr_assert_eq(apply(HEAD "m=audio 1 RTP/AVP 8\r\nm=audio 1 RTP/AVP 8\r\n"), ERR_INVALID);
    cr_assert_eq(apply(HEAD "m=video 1 RTP/AVP 31\r\n"), ERR_INVALID);
    cr_assert_eq(apply(HEAD "m=audio 0 RTP/AVP 8\r\n"), ERR_UNSUPPORTED);
    cr_assert(strstr(neg.why, "port 0"));
    cr_assert_eq(apply(HEAD "m=audio 1 RTP/AVP 18\r\n"), ERR_UNSUPPORTED);
    cr_assert(strstr(neg.why, "codec"));
    cr_assert_eq(apply(HEAD "m=audio 1 RTP/SAVP 8\r\n"), ERR_UNSUPPORTED);
    cr_assert_not(neg.active);
}

/* ---- our answer to their offer ---- */

Test(answer, takes_the_offerers_first_common_codec)
{
    fresh();
    cr_assert_eq(answer(HEAD "m=audio 5004 RTP/AVP 18 0 8 96\r\n" TE), OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMU);
    cr_assert_eq(neg.te_send, 96);
    cr_assert_eq(neg.te_recv, 96);
    cr_assert_eq(neg.ptime_ms, 20);
    EXPECT_TEXT(buf_slice(&b),
                "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                "m=audio 40000 RTP/AVP 0 96\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:96 "
                "telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
    offer(); /* the number they gave to events stays theirs */
    cr_assert(strstr(out, "m=audio 40000 RTP/AVP 8 0 96\r\n"));
}

Test(answer, a_dynamic_number_for_a_known_codec)
{
    fresh();
    cr_assert_eq(answer(HEAD "m=audio 5004 RTP/AVP 97 98\r\na=rtpmap:97 G729/8000\r\n"
                             "a=rtpmap:98 pcma/8000\r\n"),
                 OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMA);
    cr_assert_eq(neg.pt_send, 98);
    cr_assert_eq(neg.pt_recv, 98);
    cr_assert(strstr(out, "m=audio 40000 RTP/AVP 98\r\n"));
    cr_assert(strstr(out, "a=rtpmap:98 PCMA/8000\r\n"));
}

Test(answer, other_medias_are_refused_at_their_place)
{
    fresh();
    cr_assert_eq(answer(HEAD "m=video 3000 RTP/AVP 31\r\nm=audio 5000 RTP/SAVP 8\r\n"
                             "m=audio 5004 RTP/AVP 8\r\nm=image 900 udptl t38\r\n"),
                 OK);
    cr_assert_eq(neg.media, 2);
    cr_assert_eq(neg.port, 5004);
    static const char medias[] =
        "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/SAVP 8\r\nm=audio 40000 RTP/AVP 8\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\nm=image 0 udptl t38\r\n";
    EXPECT_TEXT(slice_of(strstr(out, "m="), strlen(medias)), medias);
}

Test(answer, later_offers_keep_the_order)
{
    fresh();
    cr_assert_eq(answer(HEAD "m=video 3000 RTP/AVP 31\r\nm=audio 5004 RTP/AVP 8\r\n"), OK);
    offer();
    cr_assert(strstr(out, "m=video 0 RTP/AVP 31\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"));
    cr_assert_eq(ours.version, 8);
    cr_assert_eq(apply(HEAD "m=video 0 RTP/AVP 31\r\nm=audio 5006 RTP/AVP 0\r\n"), OK);
    cr_assert_eq(neg.port, 5006);
    cr_assert_eq(neg.media, 1);
}

Test(answer, hold_and_back)
{
    static const struct {
        const char *conn, *attr, *says;
        enum sdp_dir want;
        bool held;
    } steps[] = {
        {"192.0.2.9", "sendrecv", "a=sendrecv", SDP_SENDRECV, false},
        {"192.0.2.9", "sendonly", "a=recvonly", SDP_RECVONLY, true},
        {"192.0.2.9", "inactive", "a=inactive", SDP_INACTIVE, true},
        {"0.0.0.0", "sendrecv", "a=recvonly", SDP_RECVONLY, true},
        {"0.0.0.0", "inactive", "a=inactive", SDP_INACTIVE, true},
        {"192.0.2.9", "recvonly", "a=sendonly", SDP_SENDONLY, false},
        {"192.0.2.9", "sendrecv", "a=sendrecv", SDP_SENDRECV, false},
    };
    fresh();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text),
                 "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
                 "m=audio 5004 RTP/AVP 8\r\na=%s\r\n",
                 steps[i].conn, steps[i].attr);
        cr_assert_eq(answer(text), OK);
        cr_expect_eq(neg.dir, steps[i].want, "step %zu: %d", i, neg.dir);
        cr_expect_eq(neg.is_held, steps[i].held, "step %zu", i);
        cr_expect(strstr(out, steps[i].says), "step %zu: %s", i, out);
    }
}

Test(answer, two_held_sides_do_not_meet)
{
    fresh();
    ours.dir = SDP_SENDONLY;
    cr_assert_eq(answer(HEAD "m=audio 5004 RTP/AVP 8\r\na=sendonly\r\n"), OK);
    cr_assert_eq(neg.dir, SDP_INACTIVE);
    cr_assert(strstr(out, "a=inactive"));
}

Test(answer, rtcp_where_the_peer_wants_it)
{
    fresh();
    cr_assert_eq(
        answer(HEAD "m=audio 5004 RTP/AVP 8\r\na=rtcp:6001 IN IP4 192.0.2.50\r\na=rtcp-mux\r\n"),
        OK);
    EXPECT_TEXT(neg.rtcp_host, "192.0.2.50");
    cr_assert_eq(neg.rtcp_port, 6001);
    cr_assert_null(strstr(out, "rtcp-mux"));
    ours.rtcp_mux = true;
    cr_assert_eq(
        answer(HEAD "m=audio 5004 RTP/AVP 8\r\na=rtcp:6001 IN IP4 192.0.2.50\r\na=rtcp-mux\r\n"),
        OK);
    EXPECT_TEXT(neg.rtcp_host, "192.0.2.9");
    cr_assert_eq(neg.rtcp_port, 5004);
    cr_assert(strstr(out, "a=rtcp-mux\r\n"));
}

Test(answer, unusable_offers_change_nothing)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {HEAD, "no audio"},
        {HEAD "m=video 1 RTP/AVP 31\r\n", "no audio"},
        {HEAD "m=audio 1 RTP/AVP 18 9\r\nm=video 1 RTP/AVP 31\r\n", "codec"},
        {HEAD "m=audio 0 RTP/AVP 8\r\n", "port 0"},
        {HEAD "m=audio 5004 RTP/SAVPF 8\r\n", "plain RTP"},
        {HEAD "m=audio 5004 RTP/AVP 98\r\na=rtpmap:98 PCMA/16000\r\n", "codec"},
    };
    fresh();
    cr_assert_eq(answer(HEAD "m=audio 5004 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
                 OK);
    struct sdp_session before = ours;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(answer(cases[i].text), ERR_UNSUPPORTED, "%s", cases[i].text);
        cr_expect_eq(b.len, 0);
        cr_expect_not(neg.active);
        cr_expect(strstr(neg.why, cases[i].why), "\"%s\" for %s", neg.why, cases[i].text);
        cr_expect_eq(memcmp(&before, &ours, sizeof(ours)), 0);
    }
    parse(HEAD "m=averyveryverylongkind 1 RTP/AVP 31\r\nm=audio 5004 RTP/AVP 8\r\n");
    b = buf_on(out, sizeof(out));
    cr_expect_eq(sdp_answer(&ours, &theirs, &b, &neg), ERR_TOO_LONG);
    cr_expect_not(neg.active);
    cr_expect_eq(memcmp(&before, &ours, sizeof(ours)), 0);
}

Test(answer, the_present_stream_stays_the_stream)
{
    fresh();
    cr_assert_eq(answer(HEAD "m=audio 0 RTP/AVP 8\r\nm=audio 5004 RTP/AVP 8\r\n"), OK);
    cr_assert_eq(neg.media, 1);
    cr_assert_eq(answer(HEAD "m=audio 7000 RTP/AVP 8\r\nm=audio 5004 RTP/AVP 8\r\n"), OK);
    cr_assert_eq(neg.media, 1);
    cr_assert_eq(answer(HEAD "m=audio 7000 RTP/AVP 8\r\nm=audio 0 RTP/AVP 8\r\n"), OK);
    cr_assert_eq(neg.media, 0);
}

/* Both ends are ours: what one offers and the other answers must agree seen from each side. */
Test(answer, two_of_ours_agree)
{
    static struct sdp_session a, z;
    static struct sdp_negotiated na, nz;
    static struct sdp o, r;
    char text[SDP_TEXT_MAX];
    static const enum sdp_dir dirs[] = {SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV};
    for (unsigned i = 0; i < 16; i++) {
        sdp_session_init(&a, SLICE("127.0.0.1"), 1000, 1);
        sdp_session_init(&z, SLICE("::1"), 2000, 2);
        a.dir = dirs[i % 4];
        z.dir = dirs[i / 4];
        z.te_pt = 110;
        b = buf_on(text, sizeof(text));
        cr_assert_eq(sdp_write_offer(&a, &b), OK);
        cr_assert_eq(sdp_parse(buf_slice(&b), &o), OK);
        struct buf back = buf_on(out, sizeof(out));
        cr_assert_eq(sdp_answer(&z, &o, &back, &nz), OK);
        cr_assert_eq(sdp_parse(buf_slice(&back), &r), OK);
        cr_assert_eq(sdp_apply_answer(&a, &r, &na), OK);
        cr_assert_eq(na.dir, sdp_dir_reverse(nz.dir), "case %u", i);
        cr_assert_eq(na.pt_send, nz.pt_recv);
        cr_assert_eq(na.pt_recv, nz.pt_send);
        cr_assert_eq(na.te_send, nz.te_recv);
        cr_assert_eq(na.te_recv, nz.te_send);
        cr_assert_eq(na.port, 2000);
        cr_assert_eq(nz.port, 1000);
        cr_assert(na.is_ip6);
    }
}

/* ---- a socket that legs share ---- */

#define SHARED_OFFER HEAD "m=audio 20000 RTP/AVP 0\r\n"

Test(shared, both_say_so)
{
    fresh();
    sdp_session_shared(&ours, 40100, 3735928559);
    offer();
    cr_assert(
        strstr(out, "a=x-peal-shared:127.0.0.1 40000 40100 3735928559\r\n"));
    cr_assert_eq(apply(SHARED_OFFER "a=x-peal-shared:192.0.2.9 20000 20500 77\r\n"), OK);
    cr_assert_eq(neg.shared_port, 20500);
    cr_assert_eq(neg.shared_number, 77);
    fresh();
    sdp_session_shared(&ours, 40100, 5);
    cr_assert_eq(answer(SHARED_OFFER "a=x-peal-shared:192.0.2.9 20000 20500 77\r\n"), OK);
    cr_assert_eq(neg.shared_port, 20500);
    cr_assert(strstr(out, "a=x-peal-shared:127.0.0.1 40000 40100 5\r\n"));
}

Test(shared, one_alone_does_not)
{
    fresh();
    sdp_session_shared(&ours, 40100, 5);
    cr_assert_eq(answer(SHARED_OFFER), OK);
    cr_assert_eq(neg.shared_port, 0);
    cr_assert_not(strstr(out, "x-peal"));
    offer();
    cr_assert_eq(apply(SHARED_OFFER), OK);
    cr_assert_eq(neg.shared_port, 0);
    fresh();
    memset(out, 0, sizeof(out));
    cr_assert_eq(answer(SHARED_OFFER "a=x-peal-shared:192.0.2.9 20000 20500 77\r\n"), OK);
    cr_assert_eq(neg.shared_port, 0);
    cr_assert_not(strstr(out, "x-peal"));
}

/* Somebody between has put his own address or port there; or it is no such line. */
Test(shared, not_of_this_description)
{
    static const char *const others[] = {
        "192.0.2.8 20000 20500 77", "192.0.2.9 20002 20500 77",         "192.0.2.9 20000 0 77",
        "192.0.2.9 20000 20500 0",  "192.0.2.9 20000 65536 77",         "192.0.2.9 20000 20500",
        "192.0.2.9 20000 20500 x",  "192.0.2.9 20000 20500 4294967296", ""};
    char text[512];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fresh();
        sdp_session_shared(&ours, 40100, 5);
        snprintf(text, sizeof(text), SHARED_OFFER "a=x-peal-shared:%s\r\n", others[i]);
        cr_assert_eq(answer(text), OK);
        cr_assert_eq(neg.shared_port, 0, "%s", others[i]);
        cr_assert_not(strstr(out, "x-peal"), "%s", others[i]);
    }
}
