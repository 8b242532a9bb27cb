/* Incoming calls on a virtual clock: checks of a new INVITE, provisionals, PRACK of ours, CANCEL,
 * late offers, ends in every state (RFC 3261 8.2, 9.2, 13.3, 15; RFC 3262; RFC 4028). */
#include "sip/dialogue.h"

Test(uas, the_invite_can_be_read_until_release)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "P-Asserted-Identity: <sip:+12025550123@x.test>\r\nX-A: b\r\n",
            OFFER);
    struct sip_session *s = d->session;
    cr_assert(slice_eq(sip_session_called_user(s), SLICE("us")));
    cr_assert(slice_eq(sip_session_caller_user(s), SLICE("peer")));
    cr_assert(slice_eq(sip_session_header(s, "x-a"), SLICE("b")));
    cr_assert(
        slice_eq(sip_session_header(s, "P-Asserted-Identity"), SLICE("<sip:+12025550123@x.test>")));
    cr_assert_eq(sip_session_header(s, "Subject").len, 0);
    cr_assert(slice_eq(sip_session_invite_sdp(s), SLICE(OFFER)));
    struct slice kept = sip_session_header(s, "X-A");
    inject(d, "OPTIONS sip:x@y.test SIP/2.0\r\nVia: SIP/2.0/UDP a.test;branch=z9hG4bKo\r\n"
              "From: <sip:q@r.test>;tag=1\r\nTo: <sip:x@y.test>\r\nCall-ID: z\r\n"
              "CSeq: 1 OPTIONS\r\nX-A: other\r\n\r\n");
    cr_assert(slice_eq(kept, SLICE("b")));
    cr_assert_eq(sip_session_accept(s, SLICE(ANSWER)), OK);
    cr_assert(slice_eq(sip_session_header(s, "X-A"), SLICE("b")));
    dialogue_free(d);
}

Test(uas, ringing_then_answer_uses_one_tag)
{
    struct dialogue *d = dialogue_new(NULL);
    char tag[64];

    request(d, "INVITE", 1, "", NULL, OFFER);
    cr_assert_eq(sip_session_progress(d->session, 180, SLICE_NONE, false), OK);
    struct sent *ringing = want_status(d, 180);
    cr_assert_not(text_has(ringing, "RSeq"));
    keep_text(tag, sizeof tag, d->parsed.to.tag);
    cr_assert_eq(sip_session_progress(d->session, 183, SLICE(ANSWER), false), OK);
    want_status(d, 183);
    cr_assert_eq(sip_session_accept(d->session, SLICE_NONE), ERR_STATE); /* answer not yet sure */
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), OK);
    struct sent *ok = want_status(d, 200);
    cr_assert(slice_eq(d->parsed.to.tag, slice_cstr(tag)));
    cr_assert(text_has(ok, "Contact: <sip:127.0.0.1:5060>\r\n"));
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), ERR_STATE);
    cr_assert_eq(sip_session_progress(d->session, 180, SLICE_NONE, false), ERR_STATE);
    cr_assert_eq(sip_session_reject(d->session, 486, NULL, 0, NULL), ERR_STATE);
    dialogue_free(d);
}

Test(uas, a_provisional_is_said_again_each_minute)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_progress(d->session, 180, SLICE_NONE, false);
    want_status(d, 180);
    run_ms(d, 59999);
    want_silence(d);
    run_ms(d, 60001);
    want_status(d, 180);
    want_status(d, 180);
    want_silence(d);
    dialogue_free(d);
}

Test(uas, what_cannot_be_done_is_refused_with_its_code)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Require: 100rel, magic\r\n", OFFER);
    cr_assert(text_has(want_status(d, 420), "Unsupported: magic\r\n"));
    request(d, "INVITE", 2, "", "Supported: timer\r\nSession-Expires: 30\r\n", OFFER);
    cr_assert(text_has(want_status(d, 422), "Min-SE: 90\r\n"));
    inject(d,
           "INVITE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK3\r\n"
           "From: <sip:a@b.test>;tag=t\r\nTo: <sip:us@us.test>\r\nCall-ID: x\r\nCSeq: 3 INVITE\r\n"
           "Contact: <sip:a@127.0.0.9>\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
    cr_assert(text_has(want_status(d, 415), "Accept: application/sdp\r\n"));
    inject(d,
           "INVITE http:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK4\r\n"
           "From: <sip:a@b.test>;tag=t\r\nTo: <sip:us@us.test>\r\nCall-ID: x\r\nCSeq: 4 INVITE\r\n"
           "Contact: <sip:a@127.0.0.9>\r\nContent-Length: 0\r\n\r\n");
    want_status(d, 416);
    inject(d,
           "INVITE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK5\r\n"
           "From: <sip:a@b.test>;tag=t\r\nTo: <sip:us@us.test>\r\nCall-ID: x\r\nCSeq: 5 INVITE\r\n"
           "Content-Length: 0\r\n\r\n");
    want_status(d, 400);
    cr_assert_null(d->session);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 0);
    dialogue_free(d);
}

Test(uas, cancel_before_the_answer)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_progress(d->session, 180, SLICE_NONE, false);
    want_status(d, 180);
    request(d, "CANCEL", 1, "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
            NULL);
    struct sent *ok = want_status(d, 200);
    cr_assert(slice_eq(d->parsed.cseq.method_name, SLICE("CANCEL")));
    want_status(d, 487);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 487);
    cr_assert_eq(end->by, SIP_BY_FAR_SIDE);
    request(d, "ACK", 1, "x", NULL, NULL);
    request(d, "CANCEL", 1, "", NULL, NULL); /* again: the same answer, once */
    cr_assert_str_eq(want_status(d, 200)->text, ok->text);
    want_silence(d);
    dialogue_free(d);
}

Test(uas, cancel_after_the_answer_changes_nothing)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_accept(d->session, SLICE(ANSWER));
    learn_dialog(d, want_status(d, 200));
    request(d, "CANCEL", 1, "", NULL, NULL);
    want_status(d, 200);
    want_quiet(d);
    ack_2xx(d, 1, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    dialogue_free(d);
}

Test(uas, our_bye_waits_for_the_ack)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_accept(d->session, SLICE(ANSWER));
    learn_dialog(d, want_status(d, 200));
    sip_session_end(d->session, 16, NULL);
    want_silence(d);
    ack_2xx(d, 1, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    want_quiet(d); /* the owner did not want to hear that it is up */
    reply_to(d, bye, 481, d->their_tag, NULL, NULL);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_US);
    dialogue_free(d);
}

Test(uas, byes_that_cross_end_it_once)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    request(d, "BYE", 300, NULL, NULL, NULL);
    want_status(d, 200);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_US);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL);
    want_quiet(d);
    dialogue_free(d);
}

Test(uas, end_before_the_answer_refuses_by_cause)
{
    static const struct {
        uint16_t q850, code;
    } rows[] = {{0, 480}, {17, 486}, {21, 603}, {1, 404}, {28, 484}, {34, 503}};
    struct dialogue *d = dialogue_new(NULL);

    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(d->call_id, sizeof d->call_id, "c%u", i);
        request(d, "INVITE", 10 + i, "", NULL, OFFER);
        sip_session_end(d->session, rows[i].q850, NULL);
        want_status(d, rows[i].code);
        run_ms(d, 1);
        cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, rows[i].code);
    }
    dialogue_free(d);
}

Test(uas, bye_of_an_early_call_refuses_the_invite)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_progress(d->session, 180, SLICE_NONE, false);
    learn_dialog(d, want_status(d, 180));
    request(d, "BYE", 2, NULL, NULL, NULL);
    want_status(d, 200);
    want_status(d, 487);
    want_event(d, SIP_EV_ENDED);
    run_ms(d, 1);
    want_quiet(d);
    dialogue_free(d);
}

Test(uas, late_offer_is_ours_and_the_ack_answers_it)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, NULL);
    cr_assert_eq(sip_session_progress(d->session, 183, SLICE(OFFER), false), ERR_STATE);
    cr_assert_eq(sip_session_accept(d->session, SLICE_NONE), ERR_STATE);
    cr_assert_eq(sip_session_accept(d->session, SLICE(OFFER)), OK);
    learn_dialog(d, want_status(d, 200));
    ack_2xx(d, 1, ANSWER);
    cr_assert_str_eq(want_event(d, SIP_EV_CONFIRMED)->sdp, ANSWER);
    dialogue_free(d);
}

static void reject_inside(struct dialogue *d, struct sip_session *s)
{
    (void)d;
    sip_session_reject(s, 603, "Not today", 0, "X-Why: because\r\n");
    sip_session_release(s);
}

Test(uas, may_be_rejected_and_released_where_it_comes_in)
{
    struct dialogue *d = dialogue_new(NULL);

    d->on_incoming = reject_inside;
    request(d, "INVITE", 1, "", NULL, OFFER);
    struct sent *no = want_status(d, 603);
    cr_assert(text_has(no, "SIP/2.0 603 Not today\r\n"));
    cr_assert(text_has(no, "X-Why: because\r\n"));
    run_ms(d, 1);
    want_quiet(d);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 0);
    dialogue_free(d);
}

static void ignore(struct dialogue *d, struct sip_session *s)
{
    (void)d;
    sip_session_set_handler(s, NULL, NULL);
}

Test(uas, a_call_nobody_takes_is_refused_and_freed)
{
    struct dialogue *d = dialogue_new(NULL);

    d->on_incoming = ignore;
    request(d, "INVITE", 1, "", NULL, OFFER);
    want_status(d, 480);
    run_ms(d, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 0);
    dialogue_free(d);
}

/* ---- reliable provisionals of ours ---- */

static void rack(struct dialogue *d, uint32_t cseq, uint32_t rseq, const char *body)
{
    char line[64];

    snprintf(line, sizeof line, "RAck: %u 1 INVITE\r\n", rseq);
    request(d, "PRACK", cseq, NULL, line, body);
}

static uint32_t rseq_of(struct dialogue *d)
{
    uint32_t v = 0;

    cr_assert_eq(sip_get_u32(&d->parsed, SIP_H_RSEQ, &v), OK);
    return v;
}

Test(reliable, is_repeated_until_prack_and_what_follows_waits)
{
    struct dialogue *d = dialogue_new(NULL);
    static const uint64_t at[] = {500, 1500, 3500};

    request(d, "INVITE", 1, "", "Supported: 100rel\r\n", OFFER);
    uint64_t start = d->wheel.now_ms;
    cr_assert_eq(sip_session_progress(d->session, 183, SLICE(ANSWER), true), OK);
    struct sent *first = want_status(d, 183);
    uint32_t rseq = rseq_of(d);
    cr_assert(text_has(first, "Require: 100rel\r\n"));
    learn_dialog(d, first);
    cr_assert_eq(sip_session_progress(d->session, 180, SLICE_NONE, true), OK);
    cr_assert_eq(sip_session_progress(d->session, 182, SLICE_NONE, true), ERR_FULL);
    run_ms(d, 4000);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        cr_assert_eq(want_status(d, 183)->at_ms - start, at[i]);
    rack(d, 2, rseq + 5, NULL);
    want_status(d, 481);
    rack(d, 3, rseq, NULL);
    want_status(d, 200);
    want_status(d, 180);
    cr_assert_eq(rseq_of(d), rseq + 1);
    cr_assert_eq(sip_session_accept(d->session, SLICE_NONE), OK); /* the answer was in the 183 */
    want_silence(d);
    rack(d, 4, rseq + 1, NULL);
    want_status(d, 200);
    want_status(d, 200);
    cr_assert_eq(d->parsed.cseq.method, SIP_INVITE);
    cr_assert_eq(d->parsed.body.len, 0);
    ack_2xx(d, 1, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    dialogue_free(d);
}

Test(reliable, without_prack_the_call_is_refused_with_504)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Require: 100rel\r\n", OFFER);
    cr_assert_eq(sip_session_progress(d->session, 180, SLICE_NONE, false), OK); /* required: so */
    cr_assert(text_has(want_status(d, 180), "RSeq: "));
    run_ms(d, 32000);
    for (int i = 0; i < 6; i++)
        want_status(d, 180);
    want_status(d, 504);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 504);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    dialogue_free(d);
}

Test(reliable, a_late_offer_in_183_is_answered_in_prack)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Supported: 100rel\r\n", NULL);
    cr_assert_eq(sip_session_progress(d->session, 183, SLICE(OFFER), true), OK);
    learn_dialog(d, want_status(d, 183));
    rack(d, 2, rseq_of(d), ANSWER);
    want_status(d, 200);
    cr_assert_str_eq(want_event(d, SIP_EV_ANSWER)->sdp, ANSWER);
    cr_assert_eq(sip_session_accept(d->session, SLICE_NONE), OK);
    want_status(d, 200);
    dialogue_free(d);
}

Test(reliable, an_offer_in_prack_is_answered_in_its_200)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", "Supported: 100rel\r\n", OFFER);
    sip_session_progress(d->session, 183, SLICE(ANSWER), true);
    learn_dialog(d, want_status(d, 183));
    rack(d, 2, rseq_of(d), OFFER);
    want_silence(d);
    cr_assert(want_event(d, SIP_EV_OFFER)->is_offer);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), OK);
    want_status(d, 200);
    cr_assert_eq(d->parsed.cseq.method, SIP_PRACK);
    cr_assert(slice_eq(d->parsed.body, SLICE(ANSWER)));
    dialogue_free(d);
}

/* ---- reliable provisionals of theirs ---- */

Test(prack, each_reliable_provisional_gets_one_and_order_is_kept)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 180, "a", "Require: 100rel\r\nRSeq: 7\r\n", NULL);
    struct sent *prack = want_request(d, SIP_PRACK);
    cr_assert(text_has(prack, "RAck: 7 1 INVITE\r\n"));
    cr_assert_eq(d->parsed.cseq.number, 2);
    cr_assert(want_event(d, SIP_EV_PROGRESS)->reliable);
    reply_to(d, invite, 180, "a", "Require: 100rel\r\nRSeq: 7\r\n", NULL); /* again */
    want_silence(d);
    want_quiet(d);
    reply_to(d, invite, 183, "a", "Require: 100rel\r\nRSeq: 9\r\n", ANSWER); /* 8 is missing */
    want_silence(d);
    want_quiet(d);
    reply_to(d, prack, 200, "a", NULL, NULL);
    reply_to(d, invite, 183, "a", "Require: 100rel\r\nRSeq: 8\r\n", ANSWER);
    cr_assert(text_has(want_request(d, SIP_PRACK), "RAck: 8 1 INVITE\r\n"));
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, invite, 200, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(d->parsed.cseq.number, 1);
    want_event(d, SIP_EV_ANSWERED);
    dialogue_free(d);
}

Test(prack, a_late_offer_in_a_reliable_183_is_answered_there)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {0};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 183, "a", "Require: 100rel\r\nRSeq: 1\r\n", OFFER);
    want_silence(d);
    cr_assert(want_event(d, SIP_EV_PROGRESS)->is_offer);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), OK);
    want_request(d, SIP_PRACK);
    cr_assert(slice_eq(d->parsed.body, SLICE(ANSWER)));
    reply_to(d, invite, 200, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_not(want_event(d, SIP_EV_ANSWERED)->is_offer);
    dialogue_free(d);
}
