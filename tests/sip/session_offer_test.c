/* Offers within a call and session timers on a virtual clock: re-INVITE, UPDATE, glare, refusals,
 * refreshes and their absence (RFC 3261 14, RFC 3311, RFC 3264, RFC 4028). */
#include "sip/dialogue.h"

#define HOLD                                                                                       \
    "v=0\r\no=- 2 3 IN IP4 127.0.0.2\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\na=sendonly\r\n"

Test(reinvite, theirs_is_answered_and_its_200_repeated)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, HOLD);
    struct seen *v = want_event(d, SIP_EV_OFFER);
    cr_assert_str_eq(v->sdp, HOLD);
    cr_assert(v->is_offer);
    run_ms(d, 200);
    want_status(d, 100);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), OK);
    want_status(d, 200);
    cr_assert(slice_eq(d->parsed.body, SLICE(ANSWER)));
    run_ms(d, 500);
    want_status(d, 200);
    ack_2xx(d, 200, NULL);
    run_ms(d, 5000);
    want_silence(d);
    want_quiet(d);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), ERR_STATE);
    dialogue_free(d);
}

Test(reinvite, theirs_may_be_refused_and_the_call_goes_on)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    cr_assert_eq(sip_session_refuse(d->session, 488), OK);
    want_status(d, 488);
    request(d, "ACK", 200, NULL, NULL, NULL);
    request(d, "INVITE", 201, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    dialogue_free(d);
}

Test(reinvite, theirs_without_sdp_wants_our_offer)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, NULL);
    cr_assert(want_event(d, SIP_EV_OFFER)->wants_offer);
    cr_assert_eq(sip_session_answer(d->session, SLICE(OFFER)), OK);
    want_status(d, 200);
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    ack_2xx(d, 200, ANSWER);
    cr_assert_str_eq(want_event(d, SIP_EV_ANSWER)->sdp, ANSWER);
    dialogue_free(d);
}

Test(reinvite, ours_is_answered_and_acknowledged)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    d->inside_api = 1;
    cr_assert_eq(sip_session_offer(d->session, SLICE(HOLD)), OK);
    d->inside_api = 0;
    cr_assert_eq(sip_session_offer(d->session, SLICE(HOLD)), ERR_STATE);
    struct sent *re = want_request(d, SIP_INVITE);
    cr_assert_eq(d->parsed.cseq.number, 2);
    cr_assert(slice_eq(d->parsed.to.tag, slice_cstr(d->their_tag)));
    reply_to(d, re, 100, d->their_tag, NULL, NULL);
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER);
    want_request(d, SIP_ACK);
    cr_assert_eq(d->parsed.cseq.number, 2);
    cr_assert_str_eq(want_event(d, SIP_EV_ANSWER)->sdp, ANSWER);
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER); /* the ACK was lost */
    want_request(d, SIP_ACK);
    want_quiet(d);
    dialogue_free(d);
}

Test(reinvite, ours_refused_leaves_the_call_as_it_was)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    reply_to(d, want_request(d, SIP_INVITE), 488, d->their_tag, NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_OFFER_REFUSED)->code, 488);
    cr_assert_eq(sip_session_offer(d->session, SLICE(HOLD)), OK);
    dialogue_free(d);
}

Test(reinvite, ours_unknown_there_ends_the_call)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    reply_to(d, want_request(d, SIP_INVITE), 481, d->their_tag, NULL, NULL);
    want_request(d, SIP_ACK);
    reply_to(d, want_request(d, SIP_BYE), 481, d->their_tag, NULL, NULL);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 481);
    cr_assert_eq(end->by, SIP_BY_FAR_SIDE);
    dialogue_free(d);
}

Test(reinvite, ours_unanswered_ends_the_call_by_the_network)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    run_ms(d, 32000);
    for (int i = 0; i < 7; i++)
        want_request(d, SIP_INVITE);
    want_request(d, SIP_BYE);
    run_ms(d, 32000);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 408);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    dialogue_free(d);
}

/* RFC 3261 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s. */
static void glare(bool incoming, uint64_t least, uint64_t most)
{
    struct dialogue *d = dialogue_new(NULL);

    if (incoming)
        called_up(d, NULL);
    else
        call_up(d, NULL, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    struct sent *re = want_request(d, SIP_INVITE);
    request(d, "INVITE", 300, NULL, NULL, HOLD); /* theirs meets ours */
    want_status(d, 491);
    request(d, "ACK", 300, NULL, NULL, NULL);
    reply_to(d, re, 491, d->their_tag, NULL, NULL);
    want_request(d, SIP_ACK);
    want_quiet(d);
    uint64_t start = d->wheel.now_ms;
    run_ms(d, 5000);
    re = want_request(d, SIP_INVITE);
    cr_assert_geq(re->at_ms - start, least);
    cr_assert_leq(re->at_ms - start, most);
    cr_assert_eq((re->at_ms - start) % 10, 0);
    cr_assert(slice_eq(d->parsed.body, SLICE(HOLD)));
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER);
    want_event(d, SIP_EV_ANSWER);
    dialogue_free(d);
}

Test(glare, the_caller_waits_longer)
{
    glare(false, 2100, 4000);
}
Test(glare, the_called_side_waits_less)
{
    glare(true, 0, 2000);
}

Test(glare, a_second_offer_before_the_first_was_answered_gets_500)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    request(d, "INVITE", 201, NULL, NULL, HOLD);
    cr_assert(text_has(want_status(d, 500), "Retry-After: "));
    request(d, "UPDATE", 202, NULL, NULL, HOLD);
    want_status(d, 500);
    want_quiet(d);
    dialogue_free(d);
}

Test(glare, an_update_that_meets_our_offer_gets_491)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    want_request(d, SIP_INVITE);
    request(d, "UPDATE", 200, NULL, NULL, HOLD);
    want_status(d, 491);
    request(d, "UPDATE", 201, NULL, NULL, NULL); /* without an offer there is no glare */
    want_status(d, 200);
    want_quiet(d);
    dialogue_free(d);
}

/* ---- UPDATE ---- */

Test(update, theirs_is_answered_at_once_or_later)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "UPDATE", 200, NULL, NULL, NULL);
    want_status(d, 200);
    want_quiet(d);
    request(d, "UPDATE", 201, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), OK);
    want_status(d, 200);
    cr_assert(slice_eq(d->parsed.body, SLICE(ANSWER)));
    request(d, "UPDATE", 201, NULL, NULL, HOLD); /* its retransmission */
    want_status(d, 200);
    cr_assert(slice_eq(d->parsed.body, SLICE(ANSWER)));
    want_quiet(d);
    dialogue_free(d);
}

Test(update, carries_our_offer_before_the_answer)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    cr_assert_eq(sip_session_offer(d->session, SLICE(HOLD)), ERR_STATE);
    reply_to(d, invite, 183, "a", "Require: 100rel\r\nRSeq: 1\r\nAllow: INVITE, UPDATE\r\n",
             ANSWER);
    reply_to(d, want_request(d, SIP_PRACK), 200, "a", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    cr_assert_eq(sip_session_offer(d->session, SLICE(HOLD)), OK);
    struct sent *update = want_request(d, SIP_UPDATE);
    cr_assert(slice_eq(d->parsed.body, SLICE(HOLD)));
    reply_to(d, update, 200, "a", NULL, ANSWER);
    cr_assert_str_eq(want_event(d, SIP_EV_ANSWER)->sdp, ANSWER);
    reply_to(d, invite, 200, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    want_event(d, SIP_EV_ANSWERED);
    dialogue_free(d);
}

/* ---- session timers ---- */

Test(session_timer, we_refresh_by_update_at_half_time)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .session_expires_s = 100};

    call_up(d, &p,
            "Allow: INVITE, UPDATE\r\nRequire: timer\r\nSession-Expires: 100;refresher=uac\r\n");
    for (int i = 0; i < 3; i++) {
        run_ms(d, 49999);
        want_silence(d);
        run_ms(d, 1);
        struct sent *update = want_request(d, SIP_UPDATE);
        cr_assert(text_has(update, "Session-Expires: 100;refresher=uac\r\n"));
        cr_assert_eq(d->parsed.body.len, 0);
        reply_to(d, update, 200, d->their_tag, "Session-Expires: 100;refresher=uac\r\n", NULL);
    }
    want_quiet(d);
    dialogue_free(d);
}

Test(session_timer, we_refresh_by_reinvite_where_update_is_not_allowed)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .session_expires_s = 100};

    call_up(d, &p, "Allow: INVITE, BYE\r\n"); /* it does not know timers: all is on us */
    run_ms(d, 50000);
    struct sent *re = want_request(d, SIP_INVITE);
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER);
    want_request(d, SIP_ACK);
    want_quiet(d);
    run_ms(d, 50000);
    want_request(d, SIP_INVITE);
    dialogue_free(d);
}

Test(session_timer, a_refresh_that_is_refused_lets_the_session_run_out)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .session_expires_s = 100};

    call_up(d, &p, "Allow: UPDATE\r\nSession-Expires: 100;refresher=uac\r\n");
    run_ms(d, 50000);
    reply_to(d, want_request(d, SIP_UPDATE), 500, d->their_tag, NULL, NULL);
    want_quiet(d);
    run_ms(d, 17999); /* 100 s less 32 s: RFC 4028 10 */
    want_silence(d);
    run_ms(d, 1);
    reply_to(d, want_request(d, SIP_BYE), 200, d->their_tag, NULL, NULL);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 408);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    dialogue_free(d);
}

Test(session_timer, the_called_side_waits_for_their_refresh_and_then_ends)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", OFFER);
    sip_session_accept(d->session, SLICE(ANSWER));
    struct sent *ok = want_status(d, 200);
    cr_assert(text_has(ok, "Session-Expires: 90;refresher=uac\r\n"));
    cr_assert(text_has(ok, "Require: timer\r\n"));
    learn_dialog(d, ok);
    ack_2xx(d, 1, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    run_ms(d, 50000);
    request(d, "UPDATE", 2, NULL, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n",
            NULL);
    cr_assert(text_has(want_status(d, 200), "Session-Expires: 90;refresher=uac\r\n"));
    run_ms(d, 59999); /* 90 s less a third */
    want_silence(d);
    run_ms(d, 1);
    want_request(d, SIP_BYE);
    dialogue_free(d);
}

Test(session_timer, the_called_side_refreshes_when_the_caller_cannot)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Session-Expires: 200\r\n", OFFER);
    sip_session_accept(d->session, SLICE(ANSWER));
    struct sent *ok = want_status(d, 200);
    cr_assert(text_has(ok, "Session-Expires: 200;refresher=uas\r\n"));
    cr_assert_not(text_has(ok, "Require: timer"));
    learn_dialog(d, ok);
    ack_2xx(d, 1, NULL);
    run_ms(d, 100000);
    struct sent *re = want_request(d, SIP_INVITE);
    cr_assert(text_has(re, "refresher=uac\r\n"));
    dialogue_free(d);
}

Test(session_timer, a_refresh_that_asks_for_too_little_is_told_the_least)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "UPDATE", 200, NULL, "Supported: timer\r\nSession-Expires: 20\r\n", NULL);
    cr_assert(text_has(want_status(d, 422), "Min-SE: 90\r\n"));
    dialogue_free(d);
}

Test(session_timer, a_200_nobody_acknowledges_ends_the_call_once)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", OFFER);
    sip_session_accept(d->session, SLICE(ANSWER));
    learn_dialog(d, want_status(d, 200));
    ack_2xx(d, 1, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    run_ms(d, 58000);
    request(d, "INVITE", 2, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    d->taken = d->nsent;
    /* Refreshes the session, but its ACK never comes. */
    sip_session_answer(d->session, SLICE(ANSWER));
    run_ms(d, 100000);
    uint32_t byes = 0;
    for (uint32_t i = 0; i < d->nsent; i++)
        byes += strncmp(d->sent[i].text, "BYE", 3) == 0 &&
                (i == 0 || strcmp(d->sent[i].text, d->sent[i - 1].text));
    cr_assert_eq(byes, 1);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_NETWORK);
    want_quiet(d);
    dialogue_free(d);
}

/* ---- ends in the midst of an offer ---- */

Test(midst, bye_answers_the_open_reinvite_with_487)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    request(d, "BYE", 201, NULL, NULL, NULL);
    want_status(d, 200);
    want_status(d, 487);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);
    run_ms(d, 64000);
    cr_assert_eq(sip_ua_stats(d->ua)->buffers, 0);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    dialogue_free(d);
}

Test(midst, our_end_answers_it_too_and_our_own_reinvite_is_let_go)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "INVITE", 200, NULL, NULL, HOLD);
    want_event(d, SIP_EV_OFFER);
    sip_session_end(d->session, 0, NULL);
    want_status(d, 487);
    reply_to(d, want_request(d, SIP_BYE), 200, d->their_tag, NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);

    call_up(d, NULL, NULL);
    sip_session_offer(d->session, SLICE(HOLD));
    struct sent *re = want_request(d, SIP_INVITE);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    reply_to(d, re, 200, d->their_tag, NULL, ANSWER);
    want_request(d, SIP_ACK);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    want_quiet(d);
    dialogue_free(d);
}
