/* Registration on a virtual clock: challenge, refresh, back-off, removal (RFC 3261 10). */
#include "sip/dialogue.h"

struct told {
    struct sip_registration_status last;
    uint32_t times;
};

static void changed(void *arg, const struct sip_registration_status *status)
{
    struct told *t = arg;

    t->last = *status;
    t->times++;
}

static struct sip_registration *start(struct dialogue *d, struct told *told)
{
    struct sip_registration *r = NULL;
    struct sip_register p = {.registrar = "sip:trunk.test",
                             .to = d->peer,
                             .aor = "sip:line1@trunk.test",
                             .contact_user = "line1",
                             .auth_user = "line1",
                             .auth_password = "secret",
                             .expires_s = 600};

    cr_assert_eq(sip_register_start(d->ua, &p, changed, told, &r), OK);
    return r;
}

Test(registration, answers_the_challenge_refreshes_in_time_and_leaves)
{
    struct dialogue *d = dialogue_new(NULL);
    struct told told = {0};
    struct sip_registration *r = start(d, &told);
    struct sent *s = want_request(d, SIP_REGISTER);

    cr_assert(text_has(s, "REGISTER sip:trunk.test SIP/2.0\r\n"));
    cr_assert(text_has(s, "Contact: <sip:line1@127.0.0.1:5060>\r\n"));
    cr_assert(text_has(s, "Expires: 600\r\n"));
    reply_to(d, s, 401, "r", "WWW-Authenticate: Digest realm=\"trunk.test\", nonce=\"n\"\r\n",
             NULL);
    s = want_request(d, SIP_REGISTER);
    cr_assert(text_has(s, "Authorization: Digest "));
    cr_assert(text_has(s, "uri=\"sip:trunk.test\""));
    cr_assert_eq(d->parsed.cseq.number, 2);
    reply_to(d, s, 200, "r", "Contact: <sip:line1@127.0.0.1:5060>;expires=200\r\nExpires: 900\r\n",
             NULL);
    cr_assert_eq(told.last.state, SIP_REG_REGISTERED);
    cr_assert_eq(told.last.expires_s, 200);
    run_ms(d, 179999);
    want_silence(d);
    run_ms(d, 1);
    s = want_request(d, SIP_REGISTER);
    cr_assert_eq(d->parsed.cseq.number, 3);
    reply_to(d, s, 200, "r", "Expires: 300\r\n", NULL);
    cr_assert_eq(told.last.expires_s, 300);
    sip_register_stop(r);
    s = want_request(d, SIP_REGISTER);
    cr_assert(text_has(s, "Expires: 0\r\n"));
    reply_to(d, s, 200, "r", NULL, NULL);
    cr_assert_eq(told.last.state, SIP_REG_GONE);
    run_ms(d, 1000000);
    want_silence(d);
    dialogue_free(d);
}

Test(registration, pauses_grow_while_it_fails)
{
    struct dialogue *d = dialogue_new(NULL);
    struct told told = {0};
    uint64_t pause = 2000;

    start(d, &told);
    for (int i = 0; i < 10; i++) {
        reply_to(d, want_request(d, SIP_REGISTER), 403, "r", NULL, NULL);
        cr_assert_eq(told.last.state, SIP_REG_FAILED);
        cr_assert_eq(told.last.code, 403);
        cr_assert_eq(told.last.attempts, i + 1);
        cr_assert_geq(told.last.retry_ms, pause * 3 / 4);
        cr_assert_leq(told.last.retry_ms, pause * 5 / 4);
        run_ms(d, told.last.retry_ms - 1);
        want_silence(d);
        run_ms(d, 1);
        pause = pause * 2 > 300000 ? 300000 : pause * 2;
    }
    reply_to(d, want_request(d, SIP_REGISTER), 503, "r", "Retry-After: 77\r\n", NULL);
    cr_assert_eq(told.last.retry_ms, 77000);
    dialogue_free(d);
}

Test(registration, silence_is_408_and_a_wrong_password_no_loop)
{
    struct dialogue *d = dialogue_new(NULL);
    struct told told = {0};

    start(d, &told);
    run_ms(d, 32000);
    cr_assert_eq(told.last.code, 408);
    d->taken = d->nsent;
    run_ms(d, told.last.retry_ms);
    for (int i = 0; i < 2; i++)
        reply_to(d, want_request(d, SIP_REGISTER), 401, "r",
                 "WWW-Authenticate: Digest realm=\"trunk.test\", nonce=\"n\"\r\n", NULL);
    want_silence(d);
    cr_assert_eq(told.last.code, 401);
    cr_assert_eq(told.last.state, SIP_REG_FAILED);
    dialogue_free(d);
}

Test(registration, asks_for_longer_when_told_to)
{
    struct dialogue *d = dialogue_new(NULL);
    struct told told = {0};

    start(d, &told);
    reply_to(d, want_request(d, SIP_REGISTER), 423, "r", "Min-Expires: 1800\r\n", NULL);
    cr_assert(text_has(want_request(d, SIP_REGISTER), "Expires: 1800\r\n"));
    cr_assert_eq(told.times, 0);
    dialogue_free(d);
}
