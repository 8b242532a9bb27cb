/* Payloads that nobody here decodes: offered, answered and refused by their names alone; and one
 * law before the other. */
#include "sip/offer.h"

#include <stdio.h>

#include "expect.h"

static struct sdp_session ours;
static struct sdp_negotiated neg;
static struct sdp theirs;
static char out[SDP_TEXT_MAX];
static struct buf b;

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

static void opus(void)
{
    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
    cr_assert_eq(sdp_session_raw(&ours, SLICE("opus"), 48000, 2, 101, SLICE("useinbandfec=1")), OK);
}

static enum err answer(const char *offer)
{
    cr_assert_eq(sdp_parse(guarded(offer), &theirs), OK, "%s: %s", theirs.fault, offer);
    b = buf_on(out, sizeof(out));
    return sdp_answer(&ours, &theirs, &b, &neg);
}

Test(payload, is_offered_by_its_name)
{
    opus();
    b = buf_on(out, sizeof(out));
    cr_assert_eq(sdp_write_offer(&ours, &b), OK);
    EXPECT_TEXT(buf_slice(&b), "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                               "t=0 0\r\nm=audio 40000 RTP/AVP 101 127\r\n"
                               "a=rtpmap:101 opus/48000/2\r\na=fmtp:101 useinbandfec=1\r\n"
                               "a=rtpmap:127 telephone-event/8000\r\na=fmtp:127 0-15\r\n"
                               "a=sendrecv\r\n");
    cr_assert_eq(
        sdp_parse(guarded(HEAD "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 OPUS/48000/2\r\n"), &theirs),
        OK);
    cr_assert_eq(sdp_apply_answer(&ours, &theirs, &neg), OK);
    cr_assert(neg.codec == SDP_CODEC_RAW && neg.pt_send == 96 && neg.pt_recv == 101);
}

Test(payload, answers_take_the_offers_number)
{
    opus();
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 0 8 107\r\na=rtpmap:107 opus/48000/2\r\n"), OK);
    cr_assert(neg.codec == SDP_CODEC_RAW && neg.pt_send == 107);
    cr_assert(strstr(out, "m=audio 40000 RTP/AVP 107\r\na=rtpmap:107 opus/48000/2\r\na=fmtp:107 "
                          "useinbandfec=1\r\n"));
}

Test(payload, what_is_not_it_is_refused)
{
    opus();
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 0 8\r\n"), ERR_UNSUPPORTED);
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\n"),
                 ERR_UNSUPPORTED, "another number of channels");
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/16000/2\r\n"),
                 ERR_UNSUPPORTED, "another clock");
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 96\r\n"), ERR_UNSUPPORTED, "no name");
}

Test(payload, a_preferred_law_is_taken_where_the_peer_has_it)
{
    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
    ours.codecs[0] = SDP_CODEC_PCMU;
    ours.codecs[1] = SDP_CODEC_PCMA;
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 8 0\r\n"), OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMA, "without own_order the peer's first");
    ours.own_order = true;
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 8 0\r\n"), OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMU);
    cr_assert_eq(answer(HEAD "m=audio 5000 RTP/AVP 8\r\n"), OK);
    cr_assert_eq(neg.codec, SDP_CODEC_PCMA, "the other one where it is alone");
}

Test(payload, descriptions_have_bounds)
{
    static const char long_name[] = "a-payload-with-a-very-long-name";

    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
    cr_assert_eq(sdp_session_raw(&ours, SLICE("x"), 0, 1, 96, SLICE_NONE), ERR_INVALID);
    cr_assert_eq(sdp_session_raw(&ours, SLICE(""), 8000, 1, 96, SLICE_NONE), ERR_INVALID);
    cr_assert_eq(sdp_session_raw(&ours, SLICE("x"), 8000, 1, 18, SLICE_NONE), ERR_INVALID);
    cr_assert_eq(sdp_session_raw(&ours, slice_cstr(long_name), 8000, 1, 96, SLICE_NONE),
                 ERR_TOO_LONG);
    cr_assert_eq(ours.ncodecs, 2, "nothing has changed");
}
