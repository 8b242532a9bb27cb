/* SIP over TLS between two user agents of ours: whole calls either way over connections whose far
 * side proved who it is, and no word to one that did not. */
#include <criterion/criterion.h>

#include "io/loop.h"
#include "io/tls.h"
#include "sip/core.h"
#include "sip/session.h"
#include "tls_kit.h"

#define SDP   "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
#define CALLS 60

struct side {
    struct sip_ua *ua;
    uint32_t incoming, answered, ended, over_tls, via_tls;
    uint16_t last_code;
    bool hangs_up; /* when the call is up */
};

static struct loop loop;
static struct side a, b;
static struct tls_files files;
static char cert[320], key[320];

static bool contains(struct slice text, const char *what)
{
    return memmem(text.p, text.len, what, strlen(what)) != NULL;
}

static void on_leg(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct side *me = arg;

    switch (e->kind) {
    case SIP_EV_ANSWERED:
    case SIP_EV_CONFIRMED:
        me->answered++;
        me->over_tls += sip_session_peer(s)->tls;
        if (me->hangs_up)
            sip_session_end(s, 16, NULL);
        break;
    case SIP_EV_ENDED:
        me->ended++;
        me->last_code = e->code;
        sip_session_release(s);
        break;
    default:
        break;
    }
}

static void on_incoming(void *arg, struct sip_session *s)
{
    struct side *me = arg;

    me->incoming++;
    const struct sip_msg *m = sip_session_invite(s);

    me->via_tls += contains(sip_get(m, SIP_H_VIA), "SIP/2.0/TLS") &&
                   contains(sip_get(m, SIP_H_CONTACT), ";transport=tls");
    sip_session_set_handler(s, on_leg, me);
    sip_session_progress(s, 180, SLICE_NONE, false);
    cr_assert_eq(sip_session_accept(s, SLICE(SDP)), OK);
}

static void open_side(struct side *me, const struct tls_config *tls)
{
    struct sip_ua_config c = {
        .tcp = true, .max_sessions = 256, .incoming = on_incoming, .arg = me, .tls = tls};

    memset(me, 0, sizeof(*me));
    cr_assert_eq(addr_parse(SLICE("127.0.0.1"), 0, &c.local), OK);
    cr_assert_eq(sip_ua_open(&me->ua, &loop, &c), OK);
}

static void call(struct side *me, const struct addr *to)
{
    struct sip_invite p = {.request_uri = "sip:+12025550100@127.0.0.1;transport=tls",
                           .from_uri = "sip:+12025550111@127.0.0.1",
                           .to = {.addr = *to, .tcp = true, .tls = true},
                           .sdp = SLICE(SDP)};
    struct sip_session *s;

    cr_assert_eq(sip_invite(me->ua, &p, on_leg, me, &s), OK);
}

static bool until(const uint32_t *count, uint32_t n)
{
    uint64_t limit = clock_ms(loop.clock) + 60000;

    while (*count < n && clock_ms(loop.clock) < limit)
        loop_turn(&loop, 5000);
    return *count >= n;
}

static void begin(const char *san, bool client_certificates)
{
    cr_assert_eq(loop_init(&loop, NULL), OK);
    tls_kit_open(&files);
    tls_kit_make(&files, "server", san, 5, cert, key);
    open_side(&b, &(struct tls_config){.authorities = files.ca,
                                       .certificate = cert,
                                       .key = key,
                                       .client_certificates = client_certificates});
    cr_assert(sip_ua_tls_local(b.ua) != NULL);
}

static void finish(void)
{
    sip_ua_close(a.ua);
    sip_ua_close(b.ua);
    for (int i = 0; i < 100; i++)
        loop_turn(&loop, 1000);
    loop_fini(&loop);
    unlink(cert);
    unlink(key);
    tls_kit_close(&files);
}

static void calls_go_through(bool caller_hangs_up)
{
    begin("DNS:sip.example.org", false);
    open_side(&a, &(struct tls_config){.authorities = files.ca});
    cr_assert(sip_ua_tls_local(a.ua) == NULL, "without a certificate nothing is listened for");
    cr_assert_eq(sip_ua_tls_name(a.ua, sip_ua_tls_local(b.ua), "sip.example.org"), OK);
    a.hangs_up = caller_hangs_up;
    b.hangs_up = !caller_hangs_up;
    for (uint32_t i = 0; i < CALLS; i++)
        call(&a, sip_ua_tls_local(b.ua));
    cr_assert(until(&a.ended, CALLS) && until(&b.ended, CALLS), "%u and %u ended", a.ended,
              b.ended);
    cr_expect_eq(a.answered, CALLS);
    cr_expect_eq(b.answered, CALLS);
    cr_expect_eq(a.over_tls + b.over_tls, 2 * CALLS);
    cr_expect_eq(b.via_tls, CALLS);
    cr_expect_eq(a.last_code, 0);
    cr_expect_eq(b.last_code, 0);
    /* Nothing of it took another way. */
    cr_expect_eq(sip_ua_stats(a.ua)->datagram_calls + sip_ua_stats(b.ua)->datagram_calls, 0);
    cr_expect_eq(sip_ua_stats(a.ua)->tls_refused, 0);
    finish();
}

Test(sip_tls, whole_calls_ended_by_the_caller)
{
    calls_go_through(true);
}
/* The callee's BYE goes back over the caller's connection: there is no other way to it. */
Test(sip_tls, whole_calls_ended_by_the_callee)
{
    calls_go_through(false);
}

static void call_fails(const char *san, const char *name, bool client_certificates, bool stranger)
{
    struct tls_files other;

    begin(san, client_certificates);
    tls_kit_open(&other);
    open_side(&a, &(struct tls_config){.authorities = stranger ? other.ca : files.ca});
    if (name)
        cr_assert_eq(sip_ua_tls_name(a.ua, sip_ua_tls_local(b.ua), name), OK);
    call(&a, sip_ua_tls_local(b.ua));
    cr_assert(until(&a.ended, 1));
    cr_expect_eq(a.last_code, 503);
    cr_expect_eq(b.incoming, 0, "not a word was said");
    cr_expect_geq(sip_ua_stats(a.ua)->tls_refused + sip_ua_stats(b.ua)->tls_refused, 1);
    tls_kit_close(&other);
    finish();
}

Test(sip_tls, a_server_of_another_name_is_not_called)
{
    call_fails("DNS:evil.example.org", "sip.example.org", false, false);
}
Test(sip_tls, nor_one_of_another_address)
{
    call_fails("DNS:sip.example.org", NULL, false, false);
}
Test(sip_tls, nor_one_whom_a_stranger_vouches_for)
{
    call_fails("IP:127.0.0.1", NULL, false, true);
}
Test(sip_tls, a_client_without_a_certificate_is_refused_where_one_is_asked)
{
    call_fails("IP:127.0.0.1", NULL, true, false);
}

Test(sip_tls, without_tls_there_is_no_way_there)
{
    begin("IP:127.0.0.1", false);
    open_side(&a, NULL);
    call(&a, sip_ua_tls_local(b.ua));
    cr_assert(until(&a.ended, 1));
    cr_expect_eq(a.last_code, 503);
    cr_expect_eq(b.incoming, 0);
    finish();
}
