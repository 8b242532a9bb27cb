/* What a 3xx leads to, by the owner's policy (RFC 3261 8.1.3.4). */
#include "sip/dialogue.h"

static struct sip_invite follow(uint8_t most)
{
    return (struct sip_invite){.sdp = SLICE(OFFER), .redirects = most};
}

/* The far side refuses with these Contact lines. */
static void redirect(struct dialogue *d, const struct sent *req, unsigned status,
                     const char *contacts)
{
    static struct sip_msg m;
    char copy[6000], text[8000];
    struct buf b = buf_on(text, sizeof text - 1);

    memcpy(copy, req->text, req->len);
    cr_assert_eq(sip_parse(&m, copy, req->len), OK);
    sip_write_response(&b, &m, status, SLICE_NONE, SLICE("gone"), NULL);
    buf_puts(&b, contacts);
    sip_write_end(&b);
    cr_assert_eq(buf_end(&b), OK);
    text[b.len] = 0;
    inject(d, text);
    want_request(d, SIP_ACK);
}

static struct sent *want_invite_to(struct dialogue *d, const char *uri, const char *address)
{
    struct sent *s = want_request(d, SIP_INVITE);
    struct addr to = path_of(address, false).addr;

    cr_assert(slice_eq(d->parsed.uri_text, slice_cstr(uri)), "INVITE to:\n%s", s->text);
    cr_assert(addr_eq(&s->to.addr, &to), "%s was to be gone to", address);
    return s;
}

Test(redirect, the_likeliest_contact_comes_first_and_the_call_stays_one)
{
    struct sip_invite p = follow(3);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p), *again;
    char call_id[128], from[128];

    strcpy(call_id, d->call_id);
    keep_text(from, sizeof from, sip_get(&d->parsed, SIP_H_FROM));
    redirect(d, invite, 302,
             "Contact: <sip:b@127.0.0.20:5072>;q=0.3, <sip:a@127.0.0.21:5073?Subject=x>;q=0.7\r\n");
    want_quiet(d);
    again = want_invite_to(d, "sip:a@127.0.0.21:5073", "127.0.0.21:5073");
    cr_assert(slice_eq(d->parsed.call_id, slice_cstr(call_id)));
    cr_assert(slice_eq(sip_get(&d->parsed, SIP_H_FROM), slice_cstr(from)));
    cr_assert_eq(d->parsed.to.tag.len, 0);
    cr_assert_eq(d->parsed.cseq.number, 2);
    cr_assert(slice_eq(d->parsed.body, SLICE(OFFER)));
    reply_to(d, again, 180, "new", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    reply_to(d, again, 200, "new", NULL, ANSWER);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ANSWERED)->code, 200);
    cr_assert_eq(sip_ua_stats(d->ua)->redirected, 1);
    dialogue_free(d);
}

Test(redirect, the_next_contact_when_one_refuses_or_is_silent)
{
    struct sip_invite p = follow(5);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p);

    redirect(d, invite, 300,
             "Contact: <sip:a@127.0.0.21>\r\nContact: <sip:b@127.0.0.22>, <sip:c@127.0.0.23>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    reply_to(d, invite, 503, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    invite = want_invite_to(d, "sip:b@127.0.0.22", "127.0.0.22:5060");
    run_ms(d, 64 * 500 + 1); /* timer B */
    while ((invite = next_sent(d)) && slice_eq(d->parsed.uri_text, SLICE("sip:b@127.0.0.22")))
        ;
    cr_assert(invite && d->parsed.method == SIP_INVITE);
    cr_assert(slice_eq(d->parsed.uri_text, SLICE("sip:c@127.0.0.23")));
    want_quiet(d);
    reply_to(d, invite, 404, "c", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 404, "the last refusal is the call's end");
    want_silence(d);
    dialogue_free(d);
}

Test(redirect, no_more_than_was_allowed_and_none_twice)
{
    struct sip_invite p = follow(2);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p);

    /* Back to where it came from, and twice the same: one new target. */
    redirect(
        d, invite, 302,
        "Contact: <sip:+12025550100@127.0.0.9:5070>, <sip:a@127.0.0.21>, <sip:a@127.0.0.21>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    redirect(d, invite, 302, "Contact: <sip:b@127.0.0.22>\r\n");
    invite = want_invite_to(d, "sip:b@127.0.0.22", "127.0.0.22:5060");
    redirect(d, invite, 302, "Contact: <sip:c@127.0.0.23>\r\n");
    struct seen *end = want_event(d, SIP_EV_ENDED);
    cr_assert_eq(end->code, 302);
    cr_assert_str_eq(end->contact, "sip:c@127.0.0.23");
    want_silence(d);
    dialogue_free(d);
}

Test(redirect, a_ring_of_redirections_ends)
{
    struct sip_invite p = follow(5);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p);

    redirect(d, invite, 302, "Contact: <sip:a@127.0.0.21>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    redirect(d, invite, 302, "Contact: <sip:+12025550100@127.0.0.9:5070>\r\n");
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 302);
    want_silence(d);
    dialogue_free(d);
}

Test(redirect, contacts_that_cannot_be_gone_to)
{
    static const char *const contacts[] = {
        "",
        "Contact: <tel:+12025550100>\r\n",
        "Contact: <sips:a@127.0.0.21>\r\n",
        "Contact: <mailto:a@example.com>\r\n",
        "Contact: <sip:a@host.example.com>\r\n", /* names are not looked up */
        "Contact: *\r\n",
    };

    for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) {
        struct sip_invite p = follow(5);
        struct dialogue *d = dialogue_new(NULL);

        redirect(d, call_out(d, &p), 302, contacts[i]);
        cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 302, "%s", contacts[i]);
        want_silence(d);
        dialogue_free(d);
    }
}

/* A dialler that may call this number may not call whatever number a carrier names. */
Test(redirect, no_other_number_where_it_is_so_wanted)
{
    struct sip_invite p = follow(5);
    struct dialogue *d = dialogue_new(NULL);

    p.redirect_same_user = true;
    redirect(d, call_out(d, &p), 302,
             "Contact: <sip:+12025550199@127.0.0.21>, <sip:+12025550100@127.0.0.22>\r\n");
    want_invite_to(d, "sip:+12025550100@127.0.0.22", "127.0.0.22:5060");
    dialogue_free(d);
}

Test(redirect, a_6xx_ends_it_whatever_is_left)
{
    struct sip_invite p = follow(5);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p);

    redirect(d, invite, 302, "Contact: <sip:a@127.0.0.21>, <sip:b@127.0.0.22>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    reply_to(d, invite, 603, "a", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 603);
    want_silence(d);
    dialogue_free(d);
}

/* A proxy asked for by a preloaded Route stays in the way, whatever the Contact's host is. */
Test(redirect, a_preloaded_route_is_kept)
{
    struct sip_invite p = follow(1);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite;

    p.route = "<sip:127.0.0.9:5070;lr>";
    invite = call_out(d, &p);
    redirect(d, invite, 302, "Contact: <sip:a@host.example.com>\r\n");
    invite = want_invite_to(d, "sip:a@host.example.com", "127.0.0.9:5070");
    cr_assert(text_has(invite, "Route: <sip:127.0.0.9:5070;lr>\r\n"));
    dialogue_free(d);
}

#define CHALLENGE "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n"

Test(redirect, another_host_is_not_shown_our_credentials)
{
    struct sip_invite p = follow(2);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite;

    p.auth_user = "us";
    p.auth_password = "secret";
    invite = call_out(d, &p);
    reply_to(d, invite, 401, "x", CHALLENGE, NULL);
    want_request(d, SIP_ACK);
    invite = want_request(d, SIP_INVITE);
    cr_assert(text_has(invite, "Authorization: Digest "));
    redirect(d, invite, 302, "Contact: <sip:a@127.0.0.21>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    cr_assert_not(text_has(invite, "Authorization"));
    reply_to(d, invite, 401, "y", CHALLENGE, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 401);
    want_silence(d);
    dialogue_free(d);
}

Test(redirect, a_cancelled_call_follows_nothing)
{
    struct sip_invite p = follow(5);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p);

    sip_session_end(d->session, 0, NULL);
    redirect(d, invite, 302, "Contact: <sip:a@127.0.0.21>\r\n");
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_US);
    want_silence(d);
    dialogue_free(d);
}

/* The CANCEL of a call that was sent on is of the INVITE that is out there. */
Test(redirect, cancel_goes_where_the_call_went)
{
    struct sip_invite p = follow(1);
    struct dialogue *d = dialogue_new(NULL);
    struct sent *invite = call_out(d, &p), *cancel;

    reply_to(d, invite, 180, "early", "Record-Route: <sip:127.0.0.9:5070;lr>\r\n", NULL);
    want_event(d, SIP_EV_PROGRESS);
    redirect(d, invite, 302, "Contact: <sip:a@127.0.0.21>\r\n");
    invite = want_invite_to(d, "sip:a@127.0.0.21", "127.0.0.21:5060");
    cr_assert_not(text_has(invite, "Route:"));
    reply_to(d, invite, 180, "new", NULL, NULL);
    want_event(d, SIP_EV_PROGRESS);
    sip_session_end(d->session, 0, NULL);
    cancel = want_request(d, SIP_CANCEL);
    cr_assert(slice_eq(d->parsed.uri_text, SLICE("sip:a@127.0.0.21")));
    cr_assert_eq(d->parsed.cseq.number, 2);
    reply_to(d, cancel, 200, "new", NULL, NULL);
    reply_to(d, invite, 487, "new", NULL, NULL);
    want_request(d, SIP_ACK);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->code, 487);
    dialogue_free(d);
}
