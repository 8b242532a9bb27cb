/* Connections that the far side opened and that are gone: what is said within its call opens
 * another to its Contact, over TLS when it was TLS, and never in clear. */
#define PEER_URI "sip:peer@127.0.0.9:5071;transport=tls"
#include "sip/dialogue.h"

/* A ua that thinks it has TLS; the wire is the test's. */
static struct dialogue *secure_dialogue(void)
{
    static const char some[] = "TLS";
    struct sip_ua_config c = {.tcp = true, .tls = (const struct tls_config *)(const void *)some};
    struct dialogue *d = dialogue_new(&c);

    d->peer = path_of("127.0.0.9:40123", true);
    d->peer.tls = d->peer.accepted = true;
    return d;
}

static struct sent *bye(struct dialogue *d)
{
    sip_session_end(d->session, 0, NULL);
    return want_request(d, SIP_BYE);
}

Test(flow, a_connection_that_lives_is_used)
{
    struct dialogue *d = secure_dialogue();

    called_up(d, NULL);
    struct sent *s = bye(d);

    cr_expect(s->to.tls && addr_port(&s->to.addr) == 40123);
    dialogue_free(d);
}

Test(flow, one_that_is_gone_is_opened_to_the_contact)
{
    struct dialogue *d = secure_dialogue();

    called_up(d, NULL);
    d->cut = true;
    struct sent *s = bye(d);

    cr_expect(s->to.tls && s->to.tcp);
    cr_expect_eq(addr_port(&s->to.addr), 5071);
    cr_expect_not(s->to.accepted);
    cr_expect(text_has(s, "Via: SIP/2.0/TLS "));
    dialogue_free(d);
}

/* We opened it: the same server is asked again, and must prove itself again. */
Test(flow, one_of_ours_is_opened_again)
{
    struct dialogue *d = secure_dialogue();

    d->peer.accepted = false;
    call_up(d, NULL, NULL);
    d->cut = true;
    struct sent *s = bye(d);

    cr_expect(s->to.tls && addr_port(&s->to.addr) == 40123);
    dialogue_free(d);
}

static struct dialogue *called_by(const char *contact)
{
    struct dialogue *d = secure_dialogue();
    char text[2000];

    snprintf(
        text, sizeof text,
        "INVITE sips:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.9:5071;branch=z9hG4bK1\r\n"
        "From: <sips:peer@peer.test>;tag=theirs\r\nTo: <sips:us@us.test>\r\nCall-ID: %s\r\n"
        "CSeq: %u INVITE\r\nMax-Forwards: 70\r\nContact: <%s>\r\nContent-Type: "
        "application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
        d->call_id, d->their_cseq, contact, strlen(OFFER), OFFER);
    inject(d, text);
    cr_assert(d->session);
    cr_assert_eq(sip_session_accept(d->session, SLICE(ANSWER)), OK);
    cr_assert(text_has(want_status(d, 200), "Contact: <sips:"), "a sips: call has a sips: Contact");
    learn_dialog(d, NULL);
    ack_2xx(d, d->their_cseq, NULL);
    want_event(d, SIP_EV_CONFIRMED);
    return d;
}

Test(flow, a_sips_contact_is_tls)
{
    struct dialogue *d = called_by("sips:peer@127.0.0.9");

    d->cut = true;
    struct sent *s = bye(d);

    cr_expect(s->to.tls && addr_port(&s->to.addr) == 5061);
    dialogue_free(d);
}

Test(flow, what_was_tls_never_goes_in_clear)
{
    struct dialogue *d = called_by("sip:peer@127.0.0.9:5060");

    d->cut = true;
    cr_expect(bye(d)->to.tls);
    dialogue_free(d);
}

Test(flow, sips_without_tls_is_refused_with_a_sentence)
{
    struct dialogue *d = dialogue_new(NULL);

    inject(d,
           "INVITE sips:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK1\r\n"
           "From: <sips:peer@peer.test>;tag=t\r\nTo: <sips:us@us.test>\r\nCall-ID: x\r\n"
           "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sips:peer@127.0.0.9>\r\n"
           "Content-Length: 0\r\n\r\n");
    cr_expect(text_has(want_status(d, 416), "sips: needs TLS"));
    cr_expect_null(d->session);
    dialogue_free(d);
}
