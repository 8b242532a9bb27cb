/* INFO, and the other methods that a call may meet. */
#include "sip/dialogue.h"

static char told;

static void keep_digit(struct dialogue *d, struct sip_session *s, const struct sip_event *e)
{
    (void)d, (void)s;
    if (e->kind == SIP_EV_DIGIT)
        told = e->digit;
}

static void info(struct dialogue *d, const char *type, const char *body)
{
    char headers[128], text[2000];

    d->their_cseq++;
    told = 0;
    snprintf(headers, sizeof headers, "%s%s%s", type ? "Content-Type: " : "", type ? type : "",
             type ? "\r\n" : "");
    snprintf(text, sizeof text,
             "INFO %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK-info-%u\r\n"
             "From: \"Peer\" <sip:peer@peer.test>;tag=%s\r\nTo: <sip:us@us.test>;tag=%s\r\n"
             "Call-ID: %s\r\nCSeq: %u INFO\r\nMax-Forwards: 70\r\n%sContent-Length: %zu\r\n\r\n%s",
             d->target, d->their_cseq, d->their_tag, d->our_tag, d->call_id, d->their_cseq,
             headers, strlen(body), body);
    inject(d, text);
}

Test(info, keys_are_told)
{
    static const struct {
        const char *type, *body;
        char key;
    } cases[] = {
        {"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'},
        {"application/dtmf-relay", "Duration = 100\r\nsignal= *\r\n", '*'},
        {"Application/DTMF-Relay", "Signal=11\n", '#'},
        {"application/dtmf-relay", "Signal=d", 'D'},
        {"application/dtmf-relay", "Signal=12\r\n", 'A'},
        {"application/dtmf", "7", '7'},
        {"application/dtmf", "10\r\n", '*'},
    };
    struct dialogue *d = dialogue_new(NULL);

    d->on_event = keep_digit;
    called_up(d, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        info(d, cases[i].type, cases[i].body);
        want_status(d, 200);
        cr_assert_eq(told, cases[i].key, "%s: '%c'", cases[i].body, told ? told : '-');
        want_event(d, SIP_EV_DIGIT);
    }
    dialogue_free(d);
}

Test(info, what_is_no_key_is_refused_and_told_to_nobody)
{
    static const struct {
        const char *type, *body;
        unsigned status;
    } cases[] = {
        {NULL, "", 200}, /* a sign of life */
        {"application/dtmf-relay", "Signal=\r\n", 400},
        {"application/dtmf-relay", "Signal=16\r\n", 400},
        {"application/dtmf-relay", "Duration=160\r\n", 400},
        {"application/dtmf", "57", 400},
        {"application/media_control+xml", "<media_control/>", 415},
        {NULL, "5", 415},
    };
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        info(d, cases[i].type, cases[i].body);
        struct sent *s = want_status(d, cases[i].status);
        if (cases[i].status == 415)
            cr_assert(text_has(s, "Accept: application/dtmf-relay"));
        want_quiet(d);
    }
    dialogue_free(d);
}

Test(info, a_repeated_one_is_told_once)
{
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    info(d, "application/dtmf-relay", "Signal=5\r\n");
    want_status(d, 200);
    want_event(d, SIP_EV_DIGIT);
    d->their_cseq--;
    info(d, "application/dtmf-relay", "Signal=5\r\n");
    want_status(d, 200);
    want_quiet(d);
    dialogue_free(d);
}

Test(info, outside_a_call_it_is_unknown)
{
    struct dialogue *d = dialogue_new(NULL);

    strcpy(d->our_tag, "nobody");
    strcpy(d->target, "sip:us@127.0.0.1:5060");
    info(d, "application/dtmf-relay", "Signal=5\r\n");
    want_status(d, 481);
    dialogue_free(d);
}

/* A call goes on after each. */
Test(methods, refer_notify_and_unknown_ones_are_refused_with_allow)
{
    static const struct {
        const char *method;
        unsigned status;
    } cases[] = {
        {"REFER", 405},   {"NOTIFY", 405},  {"SUBSCRIBE", 405},
        {"MESSAGE", 405}, {"PUBLISH", 405}, {"FLY", 501},
    };
    struct dialogue *d = dialogue_new(NULL);

    called_up(d, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        request(d, cases[i].method, ++d->their_cseq, NULL, NULL, NULL);
        cr_assert(text_has(want_status(d, cases[i].status), "Allow: INVITE, "), "%s",
                  cases[i].method);
    }
    want_quiet(d);
    request(d, "BYE", ++d->their_cseq, NULL, NULL, NULL);
    want_status(d, 200);
    cr_assert_eq(want_event(d, SIP_EV_ENDED)->by, SIP_BY_FAR_SIDE);
    dialogue_free(d);
}
