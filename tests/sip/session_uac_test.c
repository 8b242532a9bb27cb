/* Outgoing calls on a virtual clock: provisionals, forks, late offers, CANCEL and its glare,
 * credentials, refusals (RFC 3261 9, 13, 22; RFC 3326; RFC 4028 7.3). */
#include "sip/dialogue.h"

Test(uac, the_two_numbers_are_known)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d,
            &(struct sip_invite){.request_uri = "sip:+12025550142@127.0.0.9:5070",
                                 .from_uri = "sip:+12025550101@127.0.0.1",
                                 .sdp = SLICE(OFFER)},
            NULL);
    cr_assert(slice_eq(sip_session_called_user(d->session), SLICE("+12025550142")));
    cr_assert(slice_eq(sip_session_caller_user(d->session), SLICE("+12025550101")));
    dialogue_free(d);
}

Test(uac, the_invite_says_what_it_was_told)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.from_display = "Shop \"A\"",
                           .asserted = "sip:+12025550111@us.test",
                           .headers = "X-Lead: 77\r\n",
                           .sdp = SLICE(OFFER),
                           .session_expires_s = 1800};
    struct sent *invite = call_out(d, &p);

    cr_assert(text_has(invite, "From: \"Shop \\\"A\\\"\" <sip:+12025550111@us.test>;tag="));
    cr_assert(text_has(invite, "P-Asserted-Identity: <sip:+12025550111@us.test>\r\n"));
    cr_assert(text_has(invite, "X-Lead: 77\r\n"));
    cr_assert(text_has(invite, "Session-Expires: 1800\r\n"));
    cr_assert(text_has(invite, "Supported: 100rel, timer\r\n"));
    cr_assert(text_has(invite, "Contact: <sip:us@127.0.0.1:5060>\r\n"));
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    cr_assert(slice_eq(sip_session_call_id(d->session), d->parsed.call_id));
    dialogue_free(d);
}

Test(uac, progress_and_answer)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 100, "", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, invite, 180, "a", NULL, NULL);
    struct seen *v = want_event(d, SIP_EV_PROGRESS);
    cr_assert_eq(v->code, 180);
    cr_assert_str_eq(v->tag, "a");
    reply_to(d, invite, 183, "a", "Reason: Q.850;cause=127\r\n", ANSWER);
    v = want_event(d, SIP_EV_PROGRESS);
    cr_assert_str_eq(v->sdp, ANSWER);
    cr_assert_not(v->is_offer);
    cr_assert_eq(v->q850, 127);
    cr_assert_eq(v->fork, 0);
    reply_to(d, invite, 200, "a", NULL, ANSWER);
    want_request(d, SIP_ACK);
    v = want_event(d, SIP_EV_ANSWERED);
    cr_assert_str_eq(v->sdp, ANSWER);
    cr_assert(sip_session_is_answered(d->session));
    learn_dialog(d, NULL);
    strcpy(d->their_tag, "a");
    request(d, "BYE", 5, NULL, NULL, NULL);
    want_status(d, 200);
    v = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(v->by, SIP_BY_FAR_SIDE);
    cr_assert_eq(v->code, 0);
    dialogue_free(d);
}

Test(uac, forks_are_told_apart_and_a_second_2xx_is_ended)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 180, "a", NULL, NULL);
    reply_to(d, invite, 183, "b", NULL, ANSWER);
    reply_to(d, invite, 180, "c", NULL, NULL);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(want_event(d, SIP_EV_PROGRESS)->fork, i);
    reply_to(d, invite, 200, "b", NULL, ANSWER);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(text_has(ack, ";tag=b\r\n"));
    cr_assert_eq(want_event(d, SIP_EV_ANSWERED)->fork, 1);
    reply_to(d, invite, 200, "a", NULL, ANSWER);
    cr_assert(text_has(want_request(d, SIP_ACK), ";tag=a\r\n"));
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(text_has(bye, ";tag=a\r\n"));
    cr_assert_eq(d->parsed.cseq.number, 2);
    want_quiet(d);
    cr_assert_eq(sip_ua_stats(d->ua)->forks, 2);
    cr_assert_eq(sip_ua_stats(d->ua)->late_2xx, 1);

    /* …even after the call is over and given back. */
    sip_session_end(d->session, 0, NULL);
    reply_to(d, want_request(d, SIP_BYE), 200, "b", NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);
    reply_to(d, invite, 200, "d", NULL, ANSWER);
    cr_assert(text_has(want_request(d, SIP_ACK), ";tag=d\r\n"));
    want_request(d, SIP_BYE);
    dialogue_free(d);
}

Test(uac, forks_beyond_the_bound_are_counted_and_harmless)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);
    char tag[16];

    for (int i = 0; i < SIP_FORKS_MAX + 3; i++) {
        snprintf(tag, sizeof tag, "f%d", i);
        reply_to(d, invite, 180, tag, NULL, NULL);
    }
    cr_assert_eq(d->nevents, SIP_FORKS_MAX);
    cr_assert_eq(sip_ua_stats(d->ua)->refused_dialogs, 3);
    d->looked = d->nevents;
    reply_to(d, invite, 200, "f10", NULL, ANSWER); /* one that was not told may still answer */
    cr_assert(text_has(want_request(d, SIP_ACK), ";tag=f10\r\n"));
    want_event(d, SIP_EV_ANSWERED);
    sip_session_end(d->session, 0, NULL);
    cr_assert(text_has(want_request(d, SIP_BYE), ";tag=f10\r\n"));
    dialogue_free(d);
}

Test(uac, late_offer_is_answered_in_the_ack)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {0};
    struct sent *invite = call_out(d, &p);

    cr_assert_eq(d->parsed.body.len, 0);
    reply_to(d, invite, 200, "a", NULL, ANSWER);
    want_silence(d);
    cr_assert(want_event(d, SIP_EV_ANSWERED)->is_offer);
    reply_to(d, invite, 200, "a", NULL, ANSWER); /* not before our answer is known */
    want_silence(d);
    cr_assert_eq(sip_session_answer(d->session, SLICE(OFFER)), OK);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    reply_to(d, invite, 200, "a", NULL, ANSWER);
    cr_assert_str_eq(want_request(d, SIP_ACK)->text, ack->text);
    cr_assert_eq(sip_session_answer(d->session, SLICE(OFFER)), ERR_STATE);
    dialogue_free(d);
}

Test(uac, a_late_offer_refused_is_ack_and_bye)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {0};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 200, "a", NULL, ANSWER);
    want_event(d, SIP_EV_ANSWERED);
    cr_assert_eq(sip_session_refuse(d->session, 488), OK);
    want_request(d, SIP_ACK);
    reply_to(d, want_request(d, SIP_BYE), 200, "a", NULL, NULL);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_US);
    dialogue_free(d);
}

Test(uac, cancel_waits_for_a_provisional)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);
    char branch[64];

    keep_text(branch, sizeof branch, d->parsed.via.branch);
    d->inside_api = 1;
    sip_session_end(d->session, 0, NULL);
    d->inside_api = 0;
    want_silence(d);
    reply_to(d, invite, 100, "", NULL, NULL);
    struct sent *cancel = want_request(d, SIP_CANCEL);
    cr_assert(slice_eq(d->parsed.via.branch, slice_cstr(branch)));
    cr_assert_eq(d->parsed.cseq.number, 1);
    cr_assert_eq(d->parsed.to.tag.len, 0);
    reply_to(d, cancel, 200, "x", NULL, NULL);
    want_quiet(d);
    reply_to(d, invite, 487, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 487);
    cr_assert_eq(end->by, SIP_BY_US);
    want_quiet(d);
    dialogue_free(d);
}

Test(uac, cancel_nobody_answers_ends_after_64_t1)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 180, "a", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    run_ms(d, 1000);
    sip_session_end(d->session, 16, "enough");
    cr_assert(text_has(want_request(d, SIP_CANCEL), "Reason: Q.850;cause=16;text=\"enough\"\r\n"));
    run_ms(d, 31999);
    want_quiet(d);
    run_ms(d, 1);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 487);
    sip_session_release(d->session);
    run_ms(d, 32000);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    dialogue_free(d);
}

Test(uac, a_2xx_that_crosses_the_cancel_is_acked_and_ended)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 180, "a", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    sip_session_end(d->session, 0, NULL);
    want_request(d, SIP_CANCEL);
    reply_to(d, invite, 200, "a", NULL, ANSWER);
    want_request(d, SIP_ACK);
    struct sent *bye = want_request(d, SIP_BYE);
    want_quiet(d);
    reply_to(d, bye, 200, "a", NULL, NULL);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 487);
    cr_assert_eq(end->by, SIP_BY_US);
    cr_assert_not(sip_session_is_answered(d->session));
    dialogue_free(d);
}

Test(uac, the_answer_limit_cancels_with_408)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .answer_limit_ms = 20000};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 180, "a", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    run_ms(d, 19999);
    want_silence(d);
    run_ms(d, 1);
    want_request(d, SIP_CANCEL);
    reply_to(d, invite, 487, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 408);
    cr_assert_eq(end->by, SIP_BY_US);
    dialogue_free(d);
}

Test(uac, answers_a_proxys_challenge_once_and_in_the_ack_as_well)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .auth_user = "trunk", .auth_password = "secret"};
    struct sent *invite = call_out(d, &p);
    static const char challenge[] =
        "Proxy-Authenticate: Digest realm=\"trunk.test\", nonce=\"n1\", algorithm=MD5\r\n";

    reply_to(d, invite, 407, "x", challenge, NULL);
    want_request(d, SIP_ACK);
    struct sent *again = want_request(d, SIP_INVITE);
    cr_assert_eq(d->parsed.cseq.number, 2);
    cr_assert(text_has(again, "Proxy-Authorization: Digest "));
    cr_assert(text_has(again, "username=\"trunk\""));
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    want_quiet(d);
    reply_to(d, again, 200, "a", NULL, ANSWER);
    cr_assert(text_has(want_request(d, SIP_ACK), "Proxy-Authorization: Digest "));
    cr_assert_eq(d->parsed.cseq.number, 2);
    want_event(d, SIP_EV_ANSWERED);
    cr_assert_eq(sip_ua_stats(d->ua)->auth_retries, 1);

    sip_session_end(d->session, 0, NULL); /* the BYE may be challenged too */
    reply_to(d, want_request(d, SIP_BYE), 407, "a",
             "Proxy-Authenticate: Digest realm=\"trunk.test\", nonce=\"n2\"\r\n", NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert_eq(d->parsed.cseq.number, 4);
    cr_assert(text_has(bye, "nonce=\"n2\""));
    reply_to(d, bye, 200, "a", NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    dialogue_free(d);
}

/* RFC 8760 2.4: the strongest algorithm of the challenges that we know, here the second. */
Test(uac, answers_with_sha_256_where_it_is_offered)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .auth_user = "trunk", .auth_password = "secret"};
    struct sent *invite = call_out(d, &p), *again;

    reply_to(d, invite, 401, "x",
             "WWW-Authenticate: Digest realm=\"r\", nonce=\"weak\", algorithm=MD5\r\n"
             "WWW-Authenticate: Digest realm=\"r\", nonce=\"strong\", algorithm=SHA-256\r\n",
             NULL);
    want_request(d, SIP_ACK);
    again = want_request(d, SIP_INVITE);
    cr_assert(text_has(again, "algorithm=SHA-256"), "%s", again->text);
    cr_assert(text_has(again, "nonce=\"strong\""));
    cr_assert_not(text_has(again, "nonce=\"weak\""));
    want_quiet(d);
    dialogue_free(d);
}

Test(uac, refused_credentials_end_the_call_and_a_stale_nonce_does_not)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .auth_user = "trunk", .auth_password = "wrong"};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 401, "x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n", NULL);
    want_request(d, SIP_ACK);
    invite = want_request(d, SIP_INVITE);
    reply_to(d, invite, 401, "x",
             "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", stale=true\r\n", NULL);
    want_request(d, SIP_ACK);
    invite = want_request(d, SIP_INVITE);
    cr_assert(text_has(invite, "nonce=\"n2\""));
    cr_assert_eq(sip_count(&d->parsed, SIP_H_AUTHORIZATION), 1);
    reply_to(d, invite, 401, "x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\"\r\n", NULL);
    want_request(d, SIP_ACK);
    want_silence(d);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 401);
    dialogue_free(d);
}

Test(uac, a_challenge_without_credentials_ends_the_call)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 401, "x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n", NULL);
    want_request(d, SIP_ACK);
    want_silence(d);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 401);
    dialogue_free(d);
}

Test(uac, retry_after_and_redirection_are_told)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 503, "x", "Retry-After: 30 (soon)\r\n", NULL);
    want_request(d, SIP_ACK);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->retry_after_s, 30);
    cr_assert_str_eq(end->reason, "Service Unavailable");
    invite = call_out(d, NULL);
    reply_to(d, invite, 302, "x", NULL, NULL);
    want_request(d, SIP_ACK);
    end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 302);
    cr_assert_str_eq(end->contact, PEER_URI);
    want_silence(d);
    dialogue_free(d);
}

Test(uac, a_422_is_tried_again_with_a_longer_interval)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .session_expires_s = 120};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 422, "x", "Min-SE: 600\r\n", NULL);
    want_request(d, SIP_ACK);
    invite = want_request(d, SIP_INVITE);
    cr_assert(text_has(invite, "Session-Expires: 600\r\n"));
    cr_assert(text_has(invite, "Min-SE: 600\r\n"));
    cr_assert_eq(sip_count(&d->parsed, SIP_H_SESSION_EXPIRES), 1);
    cr_assert_eq(d->parsed.cseq.number, 2);
    want_quiet(d);
    dialogue_free(d);
}

Test(uac, a_long_request_moves_to_tcp_and_back_when_nobody_listens_there)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.tcp = true});
    char headers[1500] = "X-Long: ";
    struct sip_invite p = {.sdp = SLICE(OFFER), .headers = headers};

    memset(headers + 8, 'x', 1300);
    strcpy(headers + 1308, "\r\n");
    struct sent *invite = call_out(d, &p);
    cr_assert(invite->to.tcp);
    cr_assert(text_has(invite, "Via: SIP/2.0/TCP"));
    sip_ua_wire_failed(d->ua, &invite->to);
    invite = want_request(d, SIP_INVITE);
    cr_assert_not(invite->to.tcp);
    cr_assert(text_has(invite, "Via: SIP/2.0/UDP"));
    run_ms(d, 500);
    want_request(d, SIP_INVITE);
    want_quiet(d);
    cr_assert_eq(sip_ua_stats(d->ua)->moved_to_tcp, 1);
    dialogue_free(d);
}

Test(uac, a_long_request_goes_on_udp_when_tcp_refuses_at_once)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.tcp = true});
    char headers[1500] = "X-Long: ";
    struct sip_invite p = {.sdp = SLICE(OFFER), .headers = headers};

    memset(headers + 8, 'x', 1300);
    strcpy(headers + 1308, "\r\n");
    d->tcp_refuses = true;
    struct sent *invite = call_out(d, &p);
    cr_assert_not(invite->to.tcp);
    cr_assert(text_has(invite, "Via: SIP/2.0/UDP"));
    run_ms(d, 1);
    want_quiet(d);
    dialogue_free(d);
}

Test(open, every_address_without_one_to_tell_is_refused)
{
    struct sip_ua_config c = {.user_agent = "x"};
    struct sip_ua *ua;
    struct wheel w;
    struct clock k;

    clock_init_virtual(&k, 0, 0);
    wheel_init(&w, 0);
    cr_assert_eq(addr_parse(SLICE("0.0.0.0:5060"), 0, &c.local), OK);
    cr_assert_eq(sip_ua_open_on(&ua, &w, &k, &dialogue_wire, NULL, &c), ERR_INVALID);
    cr_assert_eq(addr_parse(SLICE("127.0.0.1:5060"), 0, &c.advertised), OK);
    cr_assert_eq(sip_ua_open_on(&ua, &w, &k, &dialogue_wire, NULL, &c), OK);
    sip_ua_close(ua);
}

Test(uac, released_early_it_ends_by_itself)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_release(d->session);
    reply_to(d, want_request(d, SIP_BYE), 200, d->their_tag, NULL, NULL);
    want_quiet(d);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 0);
    dialogue_free(d);
}

static void release_at_end(struct dialogue *d, struct sip_session *s, const struct sip_event *e)
{
    (void)d;
    if (e->kind == SIP_EV_ENDED)
        sip_session_release(s);
}

Test(uac, may_be_released_inside_its_last_event)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    d->on_event = release_at_end;
    reply_to(d, invite, 404, "x", NULL, NULL);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 0);
    want_request(d, SIP_ACK);
    dialogue_free(d);
}

Test(uac, credentials_go_into_the_ack_of_a_late_offer_too)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.auth_user = "trunk", .auth_password = "secret"};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 407, "x", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n", NULL);
    want_request(d, SIP_ACK);
    reply_to(d, want_request(d, SIP_INVITE), 200, "a", NULL, ANSWER);
    want_event(d, SIP_EV_ANSWERED);
    sip_session_answer(d->session, SLICE(OFFER));
    cr_assert(text_has(want_request(d, SIP_ACK), "Proxy-Authorization: Digest "));
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    dialogue_free(d);
}

Test(uac, an_open_update_does_not_outlive_a_call_that_fails)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 183, d->their_tag, "Require: 100rel\r\nRSeq: 1\r\n", ANSWER);
    reply_to(d, want_request(d, SIP_PRACK), 200, d->their_tag, NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    request(d, "UPDATE", 7, NULL, NULL, OFFER);
    want_event(d, SIP_EV_OFFER);
    reply_to(d, invite, 500, d->their_tag, NULL, NULL);
    want_request(d, SIP_ACK);
    want_status(d, 487);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);
    run_ms(d, 64000);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    cr_assert_eq(sip_ua_stats(d->ua)->buffers, 0);
    dialogue_free(d);
}

Test(uac, a_late_offer_is_answered_in_the_fork_that_made_it)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {0};
    struct sent *invite = call_out(d, &p);

    reply_to(d, invite, 180, "c", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, invite, 183, "a", "Require: 100rel\r\nRSeq: 1\r\n", OFFER);
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, invite, 180, "b", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    cr_assert_eq(sip_session_answer(d->session, SLICE(ANSWER)), OK);
    want_request(d, SIP_PRACK);
    cr_assert(slice_eq(d->parsed.to.tag, SLICE("a")));
    dialogue_free(d);
}

/* ---- pings ---- */

static uint16_t ping_code;
static void pinged(void *arg, uint16_t code)
{
    (void)arg;
    ping_code = code;
}

Test(ping, tells_the_status_or_408)
{
    struct dialogue *d = dialogue_new(NULL);

    cr_assert_eq(sip_ua_ping(d->ua, &d->peer, "sip:trunk.test", pinged, NULL), OK);
    reply_to(d, want_request(d, SIP_OPTIONS), 200, "t", NULL, NULL);
    cr_assert_eq(ping_code, 200);
    cr_assert_eq(sip_ua_ping(d->ua, &d->peer, "sip:trunk.test", pinged, NULL), OK);
    run_ms(d, 32000);
    cr_assert_eq(ping_code, 408);
    dialogue_free(d);
}
