/* REFER within a call, ours and theirs, and the BYE that does not wait for an ACK. */
#include "sip/dialogue.h"

static char refer_to[128];

static void keep_target(struct dialogue *d, struct sip_session *s, const struct sip_event *e)
{
    (void)d, (void)s;
    if (e->kind == SIP_EV_REFER)
        keep_text(refer_to, sizeof refer_to, e->refer_to);
}

static void refer(struct dialogue *d, const char *headers)
{
    request(d, "REFER", ++d->their_cseq, NULL, headers, NULL);
}

Test(refer, theirs_is_answered_as_the_owner_said_and_told)
{
    struct dialogue *d = dialogue_new(NULL);

    d->on_event = keep_target;
    called_up(d, NULL);
    cr_assert_eq(sip_session_notify(d->session, 200), ERR_STATE, "nobody has asked");
    sip_session_take_refers(d->session, 202);
    refer(d, "Refer-To: Office <sip:300@10.0.0.9?Replaces=x>\r\n");
    want_status(d, 202);
    cr_assert_eq(want_event(d, SIP_EV_REFER)->code, 202);
    cr_assert_str_eq(refer_to, "sip:300@10.0.0.9?Replaces=x");
    cr_assert_eq(sip_session_notify(d->session, 100), OK);
    struct sent *s = want_request(d, SIP_NOTIFY);
    char id[40];

    snprintf(id, sizeof id, "Event: refer;id=%u\r\n", d->their_cseq);
    cr_assert(text_has(s, id) && text_has(s, "Subscription-State: active;") &&
                  text_has(s, "message/sipfrag;version=2.0\r\n") &&
                  text_has(s, "\r\n\r\nSIP/2.0 100 Trying\r\n"),
              "%s", s->text);
    cr_assert_eq(sip_session_notify(d->session, 486), OK);
    s = want_request(d, SIP_NOTIFY);
    cr_assert(text_has(s, "Subscription-State: terminated;") && text_has(s, "SIP/2.0 486 Busy"));
    sip_session_take_refers(d->session, 603);
    refer(d, "Refer-To: <sip:300@10.0.0.9>\r\n");
    want_status(d, 603);
    cr_assert_eq(want_event(d, SIP_EV_REFER)->code, 603);
    dialogue_free(d);
}

Test(refer, one_without_a_single_target_is_malformed)
{
    static const char *const wrong[] = {"", "Refer-To: here\r\n",
                                        "Refer-To: <sip:1@a.test>\r\nRefer-To: <sip:2@a.test>\r\n"};
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    sip_session_take_refers(d->session, 202);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refer(d, wrong[i]);
        want_status(d, 400);
        want_quiet(d);
    }
    dialogue_free(d);
}

/* A NOTIFY with a body of any type, which request() has only of SDP. */
static void notify(struct dialogue *d, const char *type, const char *body)
{
    char text[1200];

    d->their_cseq++;
    snprintf(text, sizeof text,
             "NOTIFY %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK-n-%u\r\n"
             "From: \"Peer\" <sip:peer@peer.test>;tag=%s\r\nTo: <sip:us@us.test>;tag=%s\r\n"
             "Call-ID: %s\r\nCSeq: %u NOTIFY\r\nMax-Forwards: 70\r\nEvent: refer\r\n"
             "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
             d->target, d->their_cseq, d->their_tag, d->our_tag, d->call_id, d->their_cseq, type,
             strlen(body), body);
    inject(d, text);
}

Test(refer, ours_tells_the_answer_and_how_it_goes)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    cr_assert_eq(sip_session_refer(d->session, SLICE("300")), ERR_INVALID);
    cr_assert_eq(sip_session_refer(d->session, SLICE("sip:300@10.0.0.9>")), ERR_INVALID);
    notify(d, "message/sipfrag", "SIP/2.0 200 OK");
    want_status(d, 405); /* nobody has asked */
    cr_assert_eq(sip_session_refer(d->session, SLICE("sip:300@10.0.0.9")), OK);
    struct sent *s = want_request(d, SIP_REFER);

    cr_assert(text_has(s, "\r\nRefer-To: <sip:300@10.0.0.9>\r\n"), "%s", s->text);
    reply_to(d, s, 202, NULL, NULL, NULL);
    cr_assert_eq(want_event(d, SIP_EV_REFER_ANSWERED)->code, 202);
    notify(d, "message/sipfrag", "SIP/2.0 180 Ringing\r\n");
    want_status(d, 200);
    cr_assert_eq(want_event(d, SIP_EV_NOTIFIED)->code, 180);
    notify(d, "message/sipfrag;version=2.0", "SIP/2.0 200 OK");
    want_status(d, 200);
    cr_assert_eq(want_event(d, SIP_EV_NOTIFIED)->code, 200);
    notify(d, "text/plain", "SIP/2.0 200 OK");
    want_status(d, 400);
    notify(d, "message/sipfrag", "SIP/2.0 20");
    want_status(d, 400);
    want_quiet(d);
    dialogue_free(d);
}

/* RFC 3261 15: no BYE before the ACK of our 2xx; a simulator may. */
static void hang_up_unacked(bool defies)
{
    struct dialogue *d = dialogue_new(NULL);

    request(d, "INVITE", d->their_cseq, "", NULL, OFFER);
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), OK);
    learn_dialog(d, want_status(d, 200));
    if (defies)
        sip_session_defy_ack(d->session);
    sip_session_end(d->session, 16, NULL);
    if (defies) {
        struct sent *s = want_request(d, SIP_BYE);

        reply_to(d, s, 200, NULL, NULL, NULL);
        cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 0);
    }
    run_ms(d, 400);
    want_quiet(d);
    dialogue_free(d);
}

Test(refer, bye_waits_for_the_ack_unless_it_is_not_to)
{
    hang_up_unacked(false);
    hang_up_unacked(true);
}
