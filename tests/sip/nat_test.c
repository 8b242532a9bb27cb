/* Far sides behind a NAT: what goes to where they come from, keep-alives, and connections that are
 * gone. The peer calls itself 192.168.77.5 and is seen as 127.0.0.9. */
#define PEER_URI "sip:peer@192.168.77.5:5070"
#include "sip/dialogue.h"

static bool goes_to(const struct sent *s, const char *where)
{
    struct addr a;

    cr_assert_eq(addr_parse(slice_cstr(where), 0, &a), OK);
    return addr_eq(&s->to.addr, &a);
}

static struct sent *bye(struct dialogue *d)
{
    sip_session_end(d->session, 0, NULL);
    return want_request(d, SIP_BYE);
}

Test(nat, a_private_contact_is_answered_where_it_comes_from)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    struct sent *s = bye(d);

    cr_expect(goes_to(s, "127.0.0.9:5070"));
    cr_expect(text_has(s, "BYE sip:peer@192.168.77.5:5070 SIP/2.0\r\n"), "its name stays");
    dialogue_free(d);
}

Test(nat, whom_we_call_is_asked_where_we_called)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, NULL);

    reply_to(d, invite, 200, "t", NULL, ANSWER);
    cr_expect(goes_to(want_request(d, SIP_ACK), "127.0.0.9:5070"));
    cr_expect(goes_to(bye(d), "127.0.0.9:5070"));
    dialogue_free(d);
}

Test(nat, it_may_be_told_that_there_is_none)
{
    struct sip_ua_config c = {.nat = SIP_NAT_NO};
    struct sip_invite p = {.sdp = SLICE(OFFER), .nat = SIP_NAT_NO};
    struct dialogue *d = dialogue_new(&c);

    called_up(d, NULL);
    cr_expect(goes_to(bye(d), "192.168.77.5:5070"));
    dialogue_free(d);
    d = dialogue_new(NULL);
    call_up(d, &p, NULL);
    cr_expect(goes_to(bye(d), "192.168.77.5:5070"));
    dialogue_free(d);
}

Test(nat, a_proxy_that_stays_on_the_way_knows_it)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, "Record-Route: <sip:127.0.0.33:5066;lr>\r\n");
    cr_expect(goes_to(bye(d), "127.0.0.33:5066"));
    dialogue_free(d);
}

/* On a private network a private Contact is as good as any. */
Test(nat, a_private_source_is_believed)
{
    struct dialogue *d = dialogue_new(NULL);

    d->peer = path_of("192.168.77.4:5070", false);
    called_up(d, NULL);
    cr_expect(goes_to(bye(d), "192.168.77.5:5070"));
    dialogue_free(d);
}

Test(nat, yes_holds_for_any_contact)
{
    struct sip_invite p = {.sdp = SLICE(OFFER), .nat = SIP_NAT_YES};
    struct dialogue *d = dialogue_new(NULL);

    d->peer = path_of("10.0.0.1:5070", false);
    call_up(d, &p, NULL);
    cr_expect(goes_to(bye(d), "10.0.0.1:5070"));
    dialogue_free(d);
}

Test(nat, another_port_in_the_middle_of_a_call_is_followed)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    d->peer = path_of("127.0.0.9:41000", false);
    request(d, "INFO", d->their_cseq + 1, NULL, NULL, NULL);
    want_status(d, 200);
    cr_expect(goes_to(bye(d), "127.0.0.9:41000"));
    cr_expect_eq(sip_ua_stats(d->ua)->nat_moves, 1);
    dialogue_free(d);
}

/* Who does not know the call moves nothing. */
Test(nat, a_stranger_is_not_followed)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_path stranger = path_of("127.0.0.66:5060", false), peer = d->peer;

    called_up(d, NULL);
    d->peer = stranger;
    request(d, "INFO", d->their_cseq + 1, "guessed", NULL, NULL);
    want_status(d, 481);
    request(d, "INFO", d->their_cseq - 1, NULL, NULL, NULL); /* an old one, said again */
    want_status(d, 500);
    d->peer = peer;
    cr_expect(goes_to(bye(d), "127.0.0.9:5070"));
    cr_expect_eq(sip_ua_stats(d->ua)->nat_moves, 0);
    dialogue_free(d);
}

/* ---- signs of life ---- */

/* The next OPTIONS; told how long it took. */
static struct sent *asked(struct dialogue *d, uint32_t *ms)
{
    for (*ms = 0; *ms < 60000 && d->taken == d->nsent; *ms += 100)
        run_ms(d, 100);
    return want_request(d, SIP_OPTIONS);
}

Test(alive, options_are_sent_while_the_call_is_up)
{
    struct sip_invite p = {.sdp = SLICE(OFFER), .keep_alive_ms = 25000};
    struct dialogue *d = dialogue_new(NULL);

    call_up(d, &p, NULL);
    for (int i = 0; i < 3; i++) {
        uint32_t ms;
        struct sent *s = asked(d, &ms);

        cr_expect(ms >= 20000 && ms <= 25100, "after %u ms", ms);
        cr_expect(goes_to(s, "127.0.0.9:5070"));
        cr_expect(text_has(s, ";tag=theirs\r\n"), "within the call");
        reply_to(d, s, 200, "", NULL, NULL);
        want_silence(d);
        want_quiet(d);
    }
    cr_expect_eq(sip_ua_stats(d->ua)->keep_alives, 3);
    sip_session_end(d->session, 0, NULL);
    reply_to(d, want_request(d, SIP_BYE), 200, "", NULL, NULL);
    want_event(d, SIP_EV_ENDED);
    sip_session_release(d->session);
    run_ms(d, 60000);
    want_silence(d);
    dialogue_free(d);
}

static struct sent *up_and_asked(struct dialogue *d)
{
    struct sip_invite p = {.sdp = SLICE(OFFER), .keep_alive_ms = 25000};

    uint32_t ms;

    call_up(d, &p, NULL);
    return asked(d, &ms);
}

Test(alive, who_does_not_know_the_call_ends_it)
{
    struct dialogue *d = dialogue_new(NULL);

    reply_to(d, up_and_asked(d), 481, "", NULL, NULL);
    reply_to(d, want_request(d, SIP_BYE), 481, "", NULL, NULL);
    struct seen *v = want_event(d, SIP_EV_ENDED);

    cr_expect_eq(v->code, 481);
    cr_expect_eq(v->by, SIP_BY_NETWORK);
    dialogue_free(d);
}

Test(alive, silence_ends_it)
{
    struct dialogue *d = dialogue_new(NULL);

    up_and_asked(d);
    run_ms(d, 32500);
    while (next_sent(d) && d->parsed.method == SIP_OPTIONS)
        ;
    cr_expect_eq(d->parsed.method, SIP_BYE);
    run_ms(d, 33000);
    cr_expect_eq(want_event(d, SIP_EV_ENDED)->code, 408);
    dialogue_free(d);
}

/* Its port changed while it was asked: that it does not answer there tells nothing. */
Test(alive, it_is_asked_where_it_has_moved_to)
{
    struct dialogue *d = dialogue_new(NULL);
    struct sip_invite p = {.sdp = SLICE(OFFER), .keep_alive_ms = 25000, .nat = SIP_NAT_YES};
    uint32_t ms;
    bool anew = false;

    call_up(d, &p, NULL);
    asked(d, &ms);
    d->peer = path_of("127.0.0.9:41000", false);
    request(d, "INFO", 7, NULL, NULL, NULL);
    for (ms = 0; ms < 40000; ms += 100) {
        run_ms(d, 100);
        while (next_sent(d)) {
            cr_assert_neq(d->parsed.method, SIP_BYE, "after %u ms", ms);
            if (d->parsed.method == SIP_OPTIONS &&
                goes_to(&d->sent[d->taken - 1], "127.0.0.9:41000")) {
                anew = true;
                reply_to(d, &d->sent[d->taken - 1], 200, "", NULL, NULL);
            }
        }
    }
    cr_expect(anew);
    want_quiet(d);
    dialogue_free(d);
}

/* 405, 501 and the like are signs of life, too. */
Test(alive, any_other_answer_is_one)
{
    struct dialogue *d = dialogue_new(NULL);

    reply_to(d, up_and_asked(d), 405, "", NULL, NULL);
    want_silence(d);
    want_quiet(d);
    dialogue_free(d);
}

static void no_change(void *arg, const struct sip_registration_status *status)
{
    (void)arg, (void)status;
}

/* Sent as bytes that are no message: looked at by hand. */
static uint32_t crlfs(struct dialogue *d)
{
    uint32_t n = 0;

    for (; d->taken < d->nsent && strcmp(d->sent[d->taken].text, "\r\n\r\n") == 0; d->taken++)
        n += goes_to(&d->sent[d->taken], "127.0.0.9:5070");
    return n;
}

Test(alive, a_registration_is_kept_open_by_crlfs)
{
    struct sip_register p = {.registrar = "sip:peer.test",
                             .aor = "sip:us@peer.test",
                             .contact_user = "us",
                             .keep_alive_ms = 25000};
    struct dialogue *d = dialogue_new(NULL);
    struct sip_registration *r;

    p.to = d->peer;
    cr_assert_eq(sip_register_start(d->ua, &p, no_change, NULL, &r), OK);
    run_ms(d, 30000); /* nobody answers: there is nothing to keep open */
    while (d->taken < d->nsent && d->sent[d->taken].text[0] == 'R')
        want_request(d, SIP_REGISTER);
    cr_expect_eq(crlfs(d), 0);
    run_ms(d, 10000);
    struct sent *s = NULL;

    while (d->taken < d->nsent)
        s = want_request(d, SIP_REGISTER);
    cr_assert(s);
    reply_to(d, s, 200, "t", "Expires: 3600\r\n", NULL);
    run_ms(d, 101000);
    uint32_t n = crlfs(d);

    cr_expect(n >= 4 && n <= 6, "%u in 101 s", n);
    cr_expect_eq(sip_ua_stats(d->ua)->keep_alives, n);
    sip_register_stop(r);
    reply_to(d, want_request(d, SIP_REGISTER), 200, "t", NULL, NULL);
    run_ms(d, 60000);
    cr_expect_eq(crlfs(d), 0);
    want_silence(d);
    dialogue_free(d);
}
