/* TLS between a client and a server of ours: what is said arrives, who may not speak does not. */
#include <criterion/criterion.h>

#include "io/tls.h"
#include "tls_kit.h"

#define LIMIT_TURNS 4000 /* of 5 ms: until what must happen counts as hanging */
#define BIG         (200 * 1024)

struct end {
    struct loop *loop;
    struct tls_context *context;
    struct tls *tls; /* NULL before and after */
    bool is_open, closed, echoes;
    enum err why;
    char reason[TLS_WHY_MAX];
    uint32_t took;
    char *kept;
    uint32_t keeps;
};

static struct loop loop;
static struct end server, client;
static struct {
    struct tcp_listener *listener;
} door;

static int64_t on_received(void *arg, struct tls *t, char *data, uint32_t len)
{
    struct end *e = arg;
    uint32_t whole = len / 10 * 10; /* messages of ten bytes: the rest must wait */

    if (e->echoes && whole)
        cr_assert_eq(tls_send(t, slice_of(data, whole)), OK);
    if (e->kept && e->took + whole <= e->keeps)
        memcpy(e->kept + e->took, data, whole);
    e->took += whole;
    return whole;
}

static void on_connected(void *arg, struct tls *t)
{
    (void)t;
    ((struct end *)arg)->is_open = true;
}

static void on_closed(void *arg, struct tls *t, enum err why)
{
    struct end *e = arg;

    e->tls = NULL;
    e->closed = true;
    e->why = why;
    snprintf(e->reason, sizeof(e->reason), "%s", tls_why(t));
}

static const struct tls_handler handler = {on_received, on_connected, on_closed};

static void on_accepted(void *arg, struct tcp *tcp)
{
    struct end *e = arg;

    cr_assert_eq(tls_accept(&e->tls, e->loop, tcp, e->context, &handler, e), OK);
}

static const struct tcp_listener_handler listener = {on_accepted};

static bool until(const bool *what)
{
    for (int i = 0; i < LIMIT_TURNS && !*what; i++)
        loop_turn(&loop, 5000);
    return *what;
}

static bool until_took(const struct end *e, uint32_t bytes)
{
    for (int i = 0; i < LIMIT_TURNS && e->took < bytes; i++)
        loop_turn(&loop, 5000);
    return e->took >= bytes;
}

/* A server with its certificate, and a client that goes there. */
static void begin(const struct tls_config *s, const struct tls_config *c, const char *name)
{
    char why[TLS_WHY_MAX];
    struct addr local;

    memset(&server, 0, sizeof(server));
    memset(&client, 0, sizeof(client));
    cr_assert_eq(loop_init(&loop, NULL), OK);
    server.loop = client.loop = &loop;
    server.echoes = true;
    cr_assert_eq(tls_context_open(&server.context, s, why), OK, "%s", why);
    cr_assert_eq(tls_context_open(&client.context, c, why), OK, "%s", why);
    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, &local), OK);
    cr_assert_eq(tcp_listen(&door.listener, &loop, &local, &listener, &server), OK);
    cr_assert_eq(tls_connect(&client.tls, &loop, tcp_listener_local(door.listener), NULL,
                             client.context, name, &handler, &client),
                 OK);
}

static void finish(void)
{
    tls_close(client.tls);
    tls_close(server.tls);
    tcp_unlisten(door.listener);
    for (int i = 0; i < 100; i++)
        loop_turn(&loop, 1000);
    tls_context_close(client.context);
    tls_context_close(server.context);
    loop_fini(&loop);
}

struct files {
    struct tls_files f;
    char cert[320], key[320];
};

static void make(struct files *x, const char *san, int days)
{
    tls_kit_open(&x->f);
    tls_kit_make(&x->f, "server", san, days, x->cert, x->key);
}

static void unmake(struct files *x)
{
    unlink(x->cert);
    unlink(x->key);
    tls_kit_close(&x->f);
}

Test(tls, what_is_said_arrives_whole_both_ways)
{
    struct files x;

    make(&x, "DNS:sip.example.org", 5);
    begin(&(struct tls_config){.certificate = x.cert, .key = x.key, .authorities = x.f.ca},
          &(struct tls_config){.authorities = x.f.ca}, "sip.example.org");
    char *said = malloc(BIG);

    client.kept = malloc(BIG);
    client.keeps = BIG;
    for (uint32_t i = 0; i < BIG; i++)
        said[i] = (char)(i * 31 >> 3);
    cr_assert_eq(tls_send(client.tls, SLICE("0123456789")), OK, "before the handshake is over");
    cr_assert(until(&client.is_open), "%s", client.reason);
    cr_assert(until_took(&client, 10));
    cr_assert_eq(memcmp(client.kept, "0123456789", 10), 0);
    client.took = 0;
    for (uint32_t at = 0; at < BIG / 10 * 10; at += 1000) /* one record becomes many messages */
        cr_assert_eq(
            tls_send(client.tls,
                     slice_of(said + at, BIG / 10 * 10 - at < 1000 ? BIG / 10 * 10 - at : 1000)),
            OK);
    cr_assert(until_took(&client, BIG / 10 * 10), "%u", client.took);
    cr_expect_eq(memcmp(client.kept, said, BIG / 10 * 10), 0);
    tls_close(client.tls);
    client.tls = NULL;
    cr_assert(until(&server.closed));
    cr_expect_eq(server.why, OK, "an orderly end: %s", server.reason);
    free(said);
    free(client.kept);
    finish();
    unmake(&x);
}

/* What the client must not believe. */
static void refused(const char *san, int days, const char *name, bool strange_authority,
                    const char *expected)
{
    struct files x;
    struct tls_files stranger;

    make(&x, san, days);
    tls_kit_open(&stranger);
    begin(&(struct tls_config){.certificate = x.cert, .key = x.key, .authorities = x.f.ca},
          &(struct tls_config){.authorities = strange_authority ? stranger.ca : x.f.ca}, name);
    cr_assert_eq(tls_send(client.tls, SLICE("a secret..")), OK);
    cr_assert(until(&client.closed));
    cr_expect_not(client.is_open);
    cr_expect_eq(client.why, ERR_AUTH);
    cr_expect(strstr(client.reason, expected), "%s", client.reason);
    cr_assert(until(&server.closed));
    cr_expect_eq(server.why, ERR_AUTH);
    cr_expect_eq(server.took, 0, "and nothing was said");
    finish();
    tls_kit_close(&stranger);
    unmake(&x);
}

Test(tls, another_name_is_refused)
{
    refused("DNS:other.example.org", 5, "sip.example.org", false, "ostname");
}
Test(tls, a_wildcard_of_a_part_is_refused)
{
    refused("DNS:s*.example.org", 5, "sip.example.org", false, "ostname");
}
Test(tls, another_address_is_refused)
{
    refused("IP:127.0.0.2", 5, NULL, false, "IP address");
}
Test(tls, an_authority_we_do_not_know_is_refused)
{
    refused("IP:127.0.0.1", 5, NULL, true, "certificate");
}
Test(tls, a_certificate_that_is_over_is_refused)
{
    refused("IP:127.0.0.1", -1, NULL, false, "expired");
}

Test(tls, an_address_is_as_good_as_a_name)
{
    struct files x;

    make(&x, "IP:127.0.0.1", 5);
    begin(&(struct tls_config){.certificate = x.cert, .key = x.key, .authorities = x.f.ca},
          &(struct tls_config){.authorities = x.f.ca}, NULL);
    cr_assert(until(&client.is_open), "%s", client.reason);
    finish();
    unmake(&x);
}

Test(tls, a_client_must_show_a_certificate_when_that_is_asked)
{
    for (int shows = 0; shows < 2; shows++) {
        struct files x;
        char cert[320], key[320];

        make(&x, "IP:127.0.0.1", 5);
        tls_kit_make(&x.f, "client", "DNS:client.example.org", 5, cert, key);
        begin(&(struct tls_config){.certificate = x.cert,
                                   .key = x.key,
                                   .authorities = x.f.ca,
                                   .client_certificates = true},
              &(struct tls_config){.authorities = x.f.ca,
                                   .certificate = shows ? cert : NULL,
                                   .key = shows ? key : NULL},
              NULL);
        tls_send(client.tls, SLICE("0123456789"));
        if (shows) {
            cr_assert(until_took(&client, 10), "%s", client.reason);
        } else {
            cr_assert(until(&server.closed));
            cr_expect_eq(server.why, ERR_AUTH, "%s", server.reason);
            cr_expect_eq(server.took, 0);
        }
        finish();
        unlink(cert);
        unlink(key);
        unmake(&x);
    }
}

Test(tls, who_is_on_the_list_is_refused)
{
    for (int listed = 0; listed < 2; listed++) {
        struct files x;
        char crl[400];

        make(&x, "IP:127.0.0.1", 5);
        snprintf(crl, sizeof(crl), "%s/crl.pem", x.f.folder);
        tls_kit_revoke(&x.f, listed ? x.cert : NULL, crl);
        begin(&(struct tls_config){.certificate = x.cert, .key = x.key, .authorities = x.f.ca},
              &(struct tls_config){.authorities = x.f.ca, .revoked = crl}, NULL);
        if (listed) {
            cr_assert(until(&client.closed));
            cr_expect_eq(client.why, ERR_AUTH);
            cr_expect(strstr(client.reason, "revoked"), "%s", client.reason);
        } else {
            cr_assert(until(&client.is_open), "%s", client.reason);
        }
        finish();
        unlink(crl);
        unmake(&x);
    }
}

Test(tls, files_that_are_wrong_are_named)
{
    struct files x;
    struct tls_context *c;
    char why[TLS_WHY_MAX];

    make(&x, "IP:127.0.0.1", 5);
    cr_expect_neq(tls_context_open(&c, &(struct tls_config){.authorities = "/nowhere.pem"}, why),
                  OK);
    cr_expect(strstr(why, "/nowhere.pem"), "%s", why);
    cr_expect_neq(
        tls_context_open(&c, &(struct tls_config){.authorities = x.f.ca, .revoked = x.cert}, why),
        OK);
    cr_expect(strstr(why, "revocation lists"), "%s", why);
    cr_expect_neq(tls_context_open(&c, &(struct tls_config){.certificate = x.cert}, why), OK);
    cr_expect(strstr(why, "key"), "%s", why);
    cr_expect_neq(
        tls_context_open(&c, &(struct tls_config){.certificate = x.cert, .key = x.cert}, why), OK);
    cr_expect(strstr(why, x.cert), "%s", why);
    unmake(&x);
}

/* A far side that speaks no TLS at all. */
static int64_t babble(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg;
    (void)data;
    tcp_send(t, SLICE("SIP/2.0 400 This is no TLS\r\n\r\n"));
    return len;
}

static const struct tcp_handler babbler = {.received = babble};

static void on_plain(void *arg, struct tcp *tcp)
{
    tcp_set_handler(tcp, &babbler, arg);
}

Test(tls, a_far_side_without_tls_is_told)
{
    static const struct tcp_listener_handler plain = {on_plain};
    struct files x;
    char why[TLS_WHY_MAX];
    struct addr local;

    make(&x, "IP:127.0.0.1", 5);
    memset(&client, 0, sizeof(client));
    cr_assert_eq(loop_init(&loop, NULL), OK);
    client.loop = &loop;
    cr_assert_eq(
        tls_context_open(&client.context, &(struct tls_config){.authorities = x.f.ca}, why), OK);
    addr_from_host(SLICE("127.0.0.1"), 0, &local);
    cr_assert_eq(tcp_listen(&door.listener, &loop, &local, &plain, &server), OK);
    cr_assert_eq(tls_connect(&client.tls, &loop, tcp_listener_local(door.listener), NULL,
                             client.context, NULL, &handler, &client),
                 OK);
    cr_assert(until(&client.closed));
    cr_expect_eq(client.why, ERR_AUTH);
    cr_expect_neq(client.reason[0], 0);
    tcp_unlisten(door.listener);
    for (int i = 0; i < 50; i++)
        loop_turn(&loop, 1000);
    tls_context_close(client.context);
    loop_fini(&loop);
    unmake(&x);
}
