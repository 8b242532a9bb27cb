/* More codecs than G.711 in offer and answer: numbers, clocks, order, and what Opus says of itself.
 */
#include "sdp_kit.h"

static void fresh(const char *codecs)
{
    struct sdp_codecs list;
    struct slice wrong;

    cr_assert_eq(sdp_codecs_parse(slice_cstr(codecs), &list, &wrong), OK);
    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
    cr_assert_eq(sdp_session_codecs(&ours, &list), OK);
}

#define OPUS "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 "

Test(codecs, words)
{
    struct sdp_codecs list;
    struct slice wrong;

    cr_assert_eq(sdp_codecs_parse(SLICE("Opus, g722,PCMA"), &list, &wrong), OK);
    cr_assert_eq(list.n, 3);
    cr_assert_eq(list.list[0], SDP_CODEC_OPUS);
    cr_assert_eq(list.list[2], SDP_CODEC_PCMA);
    cr_assert_eq(sdp_codecs_parse(SLICE("pcma,gsm,x"), &list, &wrong), ERR_INVALID);
    EXPECT_TEXT(wrong, "gsm");
    cr_assert_eq(sdp_codecs_parse(SLICE("pcma,PCMA"), &list, &wrong), ERR_EXISTS);
    cr_assert_eq(sdp_codecs_parse(SLICE(""), &list, &wrong), ERR_INVALID);
    cr_assert_eq(sdp_codecs_parse(SLICE("pcmu,pcma,g722,opus,l16,l16-16k"), &list, &wrong), OK);
    cr_assert_eq(list.n, 6);
}

Test(codecs, all_of_them_are_offered_in_order)
{
    fresh("opus,g722,l16-16k,l16,pcmu");
    ours.ptime_ms = 0;
    offer();
    EXPECT_TEXT(buf_slice(&b),
                "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                "t=0 0\r\nm=audio 40000 RTP/AVP 111 9 118 117 0 101 110\r\n"
                "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n"
                "a=rtpmap:9 G722/8000\r\na=rtpmap:118 L16/16000\r\na=rtpmap:117 L16/8000\r\n"
                "a=rtpmap:0 PCMU/8000\r\n"
                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
                "a=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\na=sendrecv\r\n");
}

Test(codecs, the_answers_number_is_sent_ours_is_received)
{
    fresh("opus,pcma");
    offer();
    cr_assert_eq(apply(HEAD "m=audio 6000 RTP/AVP 96 97 98\r\n" OPUS
                            "maxplaybackrate=16000; useinbandfec=1;usedtx=1 ; stereo=1\r\n"
                            "a=rtpmap:97 telephone-event/8000\r\n"
                            "a=rtpmap:98 telephone-event/48000\r\n"),
                 OK);
    cr_expect_eq(neg.codec, SDP_CODEC_OPUS);
    cr_expect(neg.pt_send == 96 && neg.pt_recv == 111);
    cr_expect(neg.te_send == 98 && neg.te_recv == 110 && neg.te_hz == 48000);
    cr_expect(neg.opus.fec && neg.opus.dtx && neg.opus.stereo && !neg.opus.constant);
    cr_expect_eq(neg.opus.playback_hz, 16000);
    cr_expect_eq(neg.opus.bits_per_s, 0);
}

Test(codecs, events_at_the_telephones_clock_go_with_opus_too)
{
    fresh("opus,pcma");
    offer();
    cr_assert_eq(apply(HEAD "m=audio 6000 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\n"
                            "a=rtpmap:101 telephone-event/8000\r\n"),
                 OK);
    cr_expect(neg.te_send == 101 && neg.te_recv == 101 && neg.te_hz == 8000);
    cr_expect(!neg.opus.fec && !neg.opus.dtx);
}

#define BOTH                                                                                       \
    HEAD "m=audio 6000 RTP/AVP 9 0 96 97\r\na=rtpmap:9 G722/8000\r\n" OPUS                         \
         "cbr=1;maxaveragebitrate=20000\r\na=rtpmap:97 telephone-event/48000\r\n"

Test(codecs, an_answer_goes_by_our_order_when_we_have_one)
{
    fresh("opus,pcmu,g722");
    cr_assert_eq(answer(BOTH), OK);
    cr_expect_eq(neg.codec, SDP_CODEC_OPUS);
    cr_expect(neg.opus.constant && neg.opus.bits_per_s == 20000);
    EXPECT_TEXT(buf_slice(&b),
                "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                "t=0 0\r\nm=audio 40000 RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\n"
                "a=fmtp:96 useinbandfec=1\r\na=rtpmap:97 telephone-event/48000\r\n"
                "a=fmtp:97 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
    fresh("pcmu,g722");
    cr_assert_eq(answer(BOTH), OK);
    cr_expect_eq(neg.codec, SDP_CODEC_PCMU);
    cr_expect_eq(neg.te_send, SDP_PT_NONE, "at another clock than the codec's");
    fresh("opus,pcmu,g722");
    ours.own_order = false;
    cr_assert_eq(answer(BOTH), OK);
    cr_expect_eq(neg.codec, SDP_CODEC_G722, "the peer's first");
}

Test(codecs, who_has_no_list_takes_g711_alone)
{
    cr_assert_eq(sdp_session_init(&ours, SLICE("127.0.0.1"), 40000, 7), OK);
    cr_assert_eq(answer(BOTH), OK);
    cr_expect_eq(neg.codec, SDP_CODEC_PCMU);
}

Test(codecs, a_later_offer_keeps_what_was_agreed_and_repeats_no_number)
{
    fresh("l16-16k,opus,l16,pcmu");
    cr_assert_eq(answer(HEAD "m=audio 6000 RTP/AVP 101 118\r\na=rtpmap:101 opus/48000/2\r\n"
                             "a=rtpmap:118 telephone-event/48000\r\n"),
                 OK);
    cr_expect_eq(neg.codec, SDP_CODEC_OPUS);
    offer();
    parse(out);
    bool taken[128] = {false};

    for (unsigned i = 0; i < theirs.media[0].nformats; i++) {
        const struct sdp_format *f = &theirs.media[0].formats[i];

        cr_expect_not(taken[f->pt], "%u stands there twice", f->pt);
        taken[f->pt] = true;
        if (slice_eq(f->encoding, SLICE("opus")))
            cr_expect_eq(f->pt, 101);
        if (slice_eq(f->encoding, SLICE("telephone-event")) && f->rate_hz == 48000)
            cr_expect_eq(f->pt, 118);
    }
    cr_expect_eq(theirs.media[0].nformats, 6);
}

Test(codecs, what_a_bridged_leg_has_comes_first)
{
    fresh("pcma,g722,opus");
    sdp_session_prefer(&ours, SDP_CODEC_OPUS);
    cr_expect(ours.codecs[0] == SDP_CODEC_OPUS && ours.codecs[1] == SDP_CODEC_PCMA &&
              ours.codecs[2] == SDP_CODEC_G722);
    sdp_session_prefer(&ours, SDP_CODEC_L16);
    cr_expect_eq(ours.codecs[0], SDP_CODEC_OPUS, "it is none of ours");
}

Test(codecs, parameters_out_of_range_count_as_not_said)
{
    struct fmtp_opus o;

    fmtp_opus(SLICE("useinbandfec=2;usedtx;cbr=x;maxplaybackrate=7999;maxaveragebitrate=600000"),
              &o);
    cr_expect(!o.fec && !o.dtx && !o.constant && o.playback_hz == 0 && o.bits_per_s == 0);
    fmtp_opus(SLICE(" USEINBANDFEC = 1 ;;=; maxplaybackrate=48000;useinbandfec=0"), &o);
    cr_expect(o.fec && o.playback_hz == 48000);
    fmtp_opus(SLICE(""), &o);
    cr_expect_not(o.fec);
}
