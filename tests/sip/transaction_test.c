/* The four transaction state machines (RFC 3261 17, RFC 6026), arrow by arrow, to the millisecond.
 */
#include "sip/dialogue.h"

/* ---- INVITE client ---- */

Test(invite_client, timer_a_doubles_and_timer_b_gives_up)
{
    struct dialogue *d = dialogue_new(NULL);
    static const uint64_t at[] = {500, 1500, 3500, 7500, 15500, 31500};
    struct sent *first = call_out(d, NULL);
    uint64_t start = first->at_ms;

    run_ms(d, 31999);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct sent *again = want_request(d, SIP_INVITE);
        cr_assert_eq(again->at_ms - start, at[i], "retransmission %zu at %lu ms", i,
                     (unsigned long)(again->at_ms - start));
        cr_assert_str_eq(again->text, first->text);
    }
    want_silence(d);
    want_quiet(d);
    run_ms(d, 1);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->at_ms - start, 32000);
    cr_assert_eq(end->code, 408);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    sip_session_release(d->session);
    run_ms(d, 100000);
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    cr_assert_eq(sip_ua_stats(d->ua)->timeouts, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->retransmitted, 6);
    dialogue_free(d);
}

Test(invite_client, a_provisional_stops_retransmission_for_good)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    run_ms(d, 600);
    want_request(d, SIP_INVITE);
    reply_to(d, invite, 100, "", NULL, NULL);
    cr_assert_eq(want_event(d, SIP_EV_PROGRESS)->code, 100);
    run_ms(d, 200000); /* timer B is off as well: ringing is as long as the owner wants */
    want_silence(d);
    want_quiet(d);
    dialogue_free(d);
}

Test(invite_client, refusal_from_calling_is_acknowledged_in_the_transaction)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);
    char branch[64];

    keep_text(branch, sizeof branch, d->parsed.via.branch);
    reply_to(d, invite, 486, "busy", NULL, NULL);
    struct sent *ack = want_request(d, SIP_ACK);
    cr_assert(slice_eq(d->parsed.via.branch, slice_cstr(branch)));
    cr_assert(slice_eq(d->parsed.to.tag, SLICE("busy")));
    cr_assert(slice_eq(d->parsed.uri_text, SLICE("sip:+12025550100@127.0.0.9:5070")));
    cr_assert_eq(d->parsed.cseq.number, 1);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 486);
    cr_assert_eq(end->by, SIP_BY_FAR_SIDE);

    /* Completed: a repeated response gets the same ACK, and tells nobody. */
    sip_session_release(d->session);
    reply_to(d, invite, 486, "busy", NULL, NULL);
    cr_assert_str_eq(want_request(d, SIP_ACK)->text, ack->text);
    run_ms(d, 31999); /* timer D */
    reply_to(d, invite, 486, "busy", NULL, NULL);
    want_request(d, SIP_ACK);
    run_ms(d, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    reply_to(d, invite, 486, "busy", NULL, NULL);
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->unmatched_responses, 1);
    want_quiet(d);
    dialogue_free(d);
}

Test(invite_client, refusal_from_proceeding_is_acknowledged)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 180, "ring", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, invite, 603, "ring", "Reason: Q.850;cause=21\r\n", NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->q850, 21);
    dialogue_free(d);
}

Test(invite_client, on_tcp_nothing_is_repeated_and_timer_d_is_zero)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.tcp = true});
    struct sip_invite p = {.sdp = SLICE(OFFER), .to = path_of("127.0.0.9:5070", true)};
    struct sent *invite = call_out(d, &p);

    cr_assert(text_has(invite, "Via: SIP/2.0/TCP"));
    cr_assert(text_has(invite, ";transport=tcp"));
    run_ms(d, 31999);
    want_silence(d);
    d->peer.tcp = true;
    reply_to(d, invite, 404, "no", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    dialogue_free(d);
}

Test(invite_client, a_wire_that_refuses_is_told_by_a_timer)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.request_uri = "sip:1@127.0.0.9",
                           .from_uri = "sip:2@us.test",
                           .to = d->peer,
                           .sdp = SLICE(OFFER)};

    d->wire_refuses = true;
    d->inside_api = 1;
    cr_assert_eq(sip_invite(d->ua, &p, dialogue_event, d, &d->session), OK);
    d->inside_api = 0;
    run_ms(d, 1);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 503);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    cr_assert_eq(sip_ua_stats(d->ua)->send_failed, 1);
    dialogue_free(d);
}

Test(invite_client, a_lost_connection_fails_what_waits_on_it_and_nothing_else)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.tcp = true});
    struct sip_invite over = {.sdp = SLICE(OFFER), .to = path_of("127.0.0.9:5070", true)};

    call_out(d, NULL);
    struct sip_session *other = d->session;
    call_out(d, &over);
    sip_ua_wire_failed(d->ua, &over.to);
    want_quiet(d); /* by a timer, for the wire may fail inside a call of the owner's */
    run_ms(d, 1);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 503);
    want_quiet(d);
    cr_assert_neq(d->session, other);
    dialogue_free(d);
}

Test(invite_client, accepted_absorbs_2xx_until_timer_m)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 200, "a", NULL, ANSWER);
    want_request(d, SIP_ACK);
    want_event(d, SIP_EV_ANSWERED);
    for (int i = 0; i < 3; i++) {
        run_ms(d, 4000);
        reply_to(d, invite, 200, "a", NULL, ANSWER);
        want_request(d, SIP_ACK);
    }
    want_quiet(d);
    run_ms(d, 20001);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    reply_to(d, invite, 200, "a", NULL, ANSWER); /* the session still knows */
    want_request(d, SIP_ACK);
    dialogue_free(d);
}

/* ---- other clients ---- */

Test(client, timer_e_doubles_up_to_t2_and_timer_f_gives_up)
{
    struct dialogue *d = dialogue_new(NULL);
    static const uint64_t at[] = {500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

    call_up(d, NULL, NULL);
    uint64_t start = d->wheel.now_ms;
    sip_session_end(d->session, 16, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert(text_has(bye, "Reason: Q.850;cause=16\r\n"));
    run_ms(d, 31999);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        cr_assert_eq(want_request(d, SIP_BYE)->at_ms - start, at[i]);
    want_silence(d);
    want_quiet(d);
    run_ms(d, 1);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->by, SIP_BY_US);
    cr_assert_eq(end->code, 0);
    dialogue_free(d);
}

Test(client, in_proceeding_it_repeats_every_t2)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_end(d->session, 0, NULL);
    struct sent *bye = want_request(d, SIP_BYE);
    reply_to(d, bye, 100, "", NULL, NULL);
    run_ms(d, 500); /* timer E as it was started, then T2 */
    want_request(d, SIP_BYE);
    run_ms(d, 3999);
    want_silence(d);
    run_ms(d, 1);
    want_request(d, SIP_BYE);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    run_ms(d, 100);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL); /* completed: absorbed until timer K */
    cr_assert_eq(sip_ua_stats(d->ua)->unmatched_responses, 0);
    run_ms(d, 5000);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL);
    cr_assert_eq(sip_ua_stats(d->ua)->unmatched_responses, 1);
    want_quiet(d);
    want_silence(d);
    dialogue_free(d);
}

/* ---- INVITE server ---- */

Test(invite_server, says_100_after_200_ms_of_silence)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    run_ms(d, 199);
    want_silence(d);
    run_ms(d, 1);
    want_status(d, 100);
    request(d, "INVITE", 1, "", NULL, OFFER); /* proceeding: the last provisional again */
    want_status(d, 100);
    cr_assert_eq(sip_session_progress(d->session, 180, SLICE_NONE, false), OK);
    want_status(d, 180);
    request(d, "INVITE", 1, "", NULL, OFFER);
    want_status(d, 180);
    cr_assert_eq(sip_ua_stats(d->ua)->absorbed, 2);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 1);
    dialogue_free(d);
}

Test(invite_server, timer_g_repeats_a_refusal_until_timer_h)
{
    struct dialogue *d = dialogue_new(NULL);
    static const uint64_t at[] = {500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

    request(d, "INVITE", 1, "", NULL, OFFER);
    uint64_t start = d->wheel.now_ms;
    cr_assert_eq(sip_session_reject(d->session, 486, NULL, 17, NULL), OK);
    cr_assert(text_has(want_status(d, 486), "Reason: Q.850;cause=17\r\n"));
    run_ms(d, 1);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 486);
    run_ms(d, 31998);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        cr_assert_eq(want_status(d, 486)->at_ms - start, at[i]);
    run_ms(d, 10000);
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    cr_assert_eq(sip_ua_stats(d->ua)->timeouts, 1);
    dialogue_free(d);
}

Test(invite_server, ack_confirms_and_timer_i_absorbs)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    sip_session_reject(d->session, 404, NULL, 0, NULL);
    want_status(d, 404);
    request(d, "INVITE", 1, "", NULL, OFFER); /* completed: again */
    want_status(d, 404);
    request(d, "ACK", 1, "x", NULL, NULL);
    run_ms(d, 4999);
    request(d, "ACK", 1, "x", NULL, NULL);
    request(d, "INVITE", 1, "", NULL, OFFER); /* confirmed: nothing */
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 1);
    run_ms(d, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions_made, 1);
    dialogue_free(d);
}

Test(invite_server, repeats_its_2xx_until_the_ack)
{
    struct dialogue *d = dialogue_new(NULL);
    static const uint64_t at[] = {500, 1500, 3500, 7500, 11500};

    request(d, "INVITE", 1, "", NULL, OFFER);
    uint64_t start = d->wheel.now_ms;
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), OK);
    learn_dialog(d, want_status(d, 200));
    run_ms(d, 12000);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        cr_assert_eq(want_status(d, 200)->at_ms - start, at[i]);
    request(d, "INVITE", 1, "", NULL, OFFER); /* accepted: absorbed (RFC 6026) */
    want_silence(d);
    ack_2xx(d, 1, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    ack_2xx(d, 1, NULL);
    run_ms(d, 60000);
    want_silence(d);
    want_quiet(d);
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 0); /* timer L */
    dialogue_free(d);
}

Test(invite_server, a_2xx_nobody_acknowledges_ends_in_bye)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", 1, "", NULL, OFFER);
    uint64_t start = d->wheel.now_ms;
    sip_session_accept(d->session, SLICE(ANSWER));
    run_ms(d, 31999);
    while (d->taken < d->nsent)
        want_status(d, 200);
    run_ms(d, 1);
    struct sent *bye = want_request(d, SIP_BYE);
    cr_assert_eq(bye->at_ms - start, 32000);
    reply_to(d, bye, 200, d->their_tag, NULL, NULL);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 408);
    cr_assert_eq(end->by, SIP_BY_NETWORK);
    dialogue_free(d);
}

/* ---- other servers ---- */

Test(server, a_repeated_bye_gets_the_same_200_until_timer_j)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    request(d, "BYE", 101, NULL, "Reason: Q.850;cause=16;text=\"bye\"\r\n", NULL);
    struct sent *ok = want_status(d, 200);
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->by, SIP_BY_FAR_SIDE);
    cr_assert_eq(end->q850, 16);
    sip_session_release(d->session);
    run_ms(d, 31999);
    request(d, "BYE", 101, NULL, NULL, NULL);
    cr_assert_str_eq(want_status(d, 200)->text, ok->text);
    run_ms(d, 1);
    request(d, "BYE", 101, NULL, NULL, NULL);
    want_status(d, 481);
    dialogue_free(d);
}

Test(server, peers_without_a_branch_are_told_apart_by_the_rest)
{
    struct dialogue *d = dialogue_new(NULL);
    static const char invite[] =
        "INVITE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070\r\n"
        "From: <sip:a@peer.test>;tag=t\r\nTo: <sip:us@us.test>\r\nCall-ID: old%d\r\n"
        "CSeq: 1 INVITE\r\nContact: <" PEER_URI ">\r\nContent-Length: 0\r\n\r\n";
    char text[1000];

    snprintf(text, sizeof text, invite, 1);
    inject(d, text);
    inject(d, text);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions_made, 1);
    snprintf(text, sizeof text, invite, 2);
    inject(d, text);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions_made, 2);
    dialogue_free(d);
}

/* ---- bounds ---- */

Test(bounds, sessions_beyond_the_maximum_are_refused_with_503)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.max_sessions = 2});

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(d->call_id, sizeof d->call_id, "c%u", i);
        request(d, "INVITE", 10 + i, "", NULL, OFFER);
    }
    cr_assert(text_has(want_status(d, 503), "Retry-After: "));
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->refused_sessions, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 2);
    struct sip_invite p = {
        .request_uri = "sip:1@a.test", .from_uri = "sip:2@b.test", .to = d->peer};
    struct sip_session *s;
    cr_assert_eq(sip_invite(d->ua, &p, dialogue_event, d, &s), ERR_FULL);
    dialogue_free(d);
}

/* Each pool brakes in the same way, and what was refused left nothing behind. */
Test(bounds, transactions_beyond_the_maximum_are_refused_with_503)
{
    struct dialogue *d = dialogue_new(&(struct sip_ua_config){.max_transactions = 2});

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(d->call_id, sizeof d->call_id, "c%u", i);
        request(d, "INVITE", 10 + i, "", NULL, OFFER);
    }
    cr_assert(text_has(want_status(d, 503), "Retry-After: "));
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->refused_transactions, 1);
    cr_assert_eq(sip_ua_stats(d->ua)->sessions, 2);
    cr_assert_eq(sip_session_reject(d->session, 486, NULL, 0, NULL), OK);
    want_status(d, 486);
    request(d, "ACK", 11, "x", NULL, NULL); /* of the one that was refused: its transaction ends */
    run_ms(d, 5001);
    while (next_sent(d)) /* 100 for the first, which still waits */
        ;
    snprintf(d->call_id, sizeof d->call_id, "c3");
    request(d, "INVITE", 13, "", NULL, OFFER);
    want_silence(d);
    cr_assert_eq(sip_ua_stats(d->ua)->refused_transactions, 1, "there was room again");
    dialogue_free(d);
}

Test(bounds, finished_transactions_make_room_for_new_ones)
{
    struct dialogue *d =
        dialogue_new(&(struct sip_ua_config){.max_sessions = 4, .max_transactions = 4});

    for (uint32_t i = 0; i < 20; i++) {
        snprintf(d->call_id, sizeof d->call_id, "c%u", i);
        d->session = NULL;
        request(d, "INVITE", 10 + i, "", NULL, OFFER);
        cr_assert(d->session);
        sip_session_accept(d->session, SLICE(ANSWER));
        learn_dialog(d, want_status(d, 200));
        ack_2xx(d, 10 + i, NULL);
        request(d, "BYE", 200 + i, NULL, NULL, NULL);
        want_status(d, 200);
        sip_session_release(d->session);
    }
    cr_assert_eq(sip_ua_stats(d->ua)->transactions, 4);
    cr_assert_eq(sip_ua_stats(d->ua)->reclaimed, 36);
    cr_assert_eq(sip_ua_stats(d->ua)->refused_transactions, 0);
    dialogue_free(d);
}

Test(bounds, everything_goes_back_to_its_pool)
{
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, NULL, NULL);
    sip_session_end(d->session, 0, NULL);
    reply_to(d, want_request(d, SIP_BYE), 200, d->their_tag, NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);
    run_ms(d, 64000);
    const struct sip_ua_stats *s = sip_ua_stats(d->ua);
    cr_assert_eq(s->sessions, 0);
    cr_assert_eq(s->transactions, 0);
    cr_assert_eq(s->dialogs, 0);
    cr_assert_eq(s->buffers, 0);
    cr_assert_eq(d->wheel.count, 0);
    dialogue_free(d);
}

Test(bounds, garbage_is_counted_and_a_broken_request_gets_400)
{
    struct dialogue *d = dialogue_new(NULL);

    inject(d, "GET / HTTP/1.1\r\n\r\n");
    inject(d, "\r\n\r\n"); /* keep-alive: not a message at all */
    want_silence(d);
    inject(d,
           "INVITE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK1\r\n"
           "From: <sip:a@peer.test>;tag=t\r\nTo: <sip:us@us.test>\r\nCall-ID: x\r\n"
           "CSeq: 1 INVITE\r\nContent-Length: 99\r\n\r\nshort");
    want_status(d, 400);
    cr_assert_eq(sip_ua_stats(d->ua)->malformed, 2);
    cr_assert_eq(sip_ua_stats(d->ua)->received, 2);
    dialogue_free(d);
}
