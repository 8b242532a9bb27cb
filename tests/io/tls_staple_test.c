/* Stapled OCSP answers: made by openssl's own responder (`openssl ocsp`), stapled by a server of
 * OpenSSL alone in another process, judged by a client of ours. */
#include <criterion/criterion.h>
#include <sys/wait.h>

#include "io/tls.h"
#include "tls_kit.h"

#define ERR_STATE openssl_err_state
#include <openssl/ssl.h>
#undef ERR_STATE

#define LIMIT_TURNS 6000 /* of 5 ms */

static struct loop loop;
static bool is_open, closed;
static char reason[TLS_WHY_MAX];

static int64_t on_received(void *arg, struct tls *t, char *data, uint32_t len)
{
    (void)arg;
    (void)t;
    (void)data;
    return len;
}

static void on_connected(void *arg, struct tls *t)
{
    (void)arg;
    (void)t;
    is_open = true;
}

static void on_closed(void *arg, struct tls *t, enum err why)
{
    (void)arg;
    cr_expect_eq(why, ERR_AUTH);
    snprintf(reason, sizeof(reason), "%s", tls_why(t));
    closed = true;
}

struct files {
    struct tls_files f;
    char cert[320], key[320], other[320], other_key[320], ca_key[320], der[320];
};

static void make(struct files *x)
{
    tls_kit_open(&x->f);
    tls_kit_make(&x->f, "server", "IP:127.0.0.1", 5, x->cert, x->key);
    tls_kit_make(&x->f, "other", "IP:127.0.0.2", 5, x->other, x->other_key);
    snprintf(x->ca_key, sizeof(x->ca_key), "%s/ca.key", x->f.folder);
    snprintf(x->der, sizeof(x->der), "%s/answer.der", x->f.folder);
    tls_kit_write(x->ca_key, NULL, x->f.key);
}

static void unmake(struct files *x)
{
    char index[400], request[400];

    snprintf(index, sizeof(index), "%s/index.txt", x->f.folder);
    snprintf(request, sizeof(request), "%s/request.der", x->f.folder);
    const char *all[] = {x->cert,   x->key, x->other, x->other_key,
                         x->ca_key, x->der, index,    request};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        unlink(all[i]);
    tls_kit_close(&x->f);
}

static long serial_of(const char *path)
{
    FILE *file = fopen(path, "r");

    cr_assert(file);
    X509 *c = PEM_read_X509(file, NULL, NULL, NULL);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(c));

    fclose(file);
    X509_free(c);
    return serial;
}

#define OLD "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=-3d"

/* The responder's answer about that certificate, for a day. entry: V or R of its index, 0: it knows
 * nothing of it; old: it was given three days ago. */
static void answer(const struct files *x, const char *about, char entry, bool old,
                   const char *signer, const char *signer_key)
{
    char line[3000], path[400];
    FILE *index;

    snprintf(path, sizeof(path), "%s/index.txt", x->f.folder);
    cr_assert((index = fopen(path, "w")) != NULL);
    if (entry == 'V')
        fprintf(index, "V\t491231235959Z\t\t%02lX\tunknown\t/CN=server\n", serial_of(about));
    if (entry == 'R')
        fprintf(index, "R\t491231235959Z\t200101000000Z\t%02lX\tunknown\t/CN=server\n",
                serial_of(about));
    fclose(index);
    snprintf(line, sizeof(line),
             "cd %s && openssl ocsp -issuer ca.pem -cert %s -no_nonce -reqout request.der "
             ">/dev/null 2>&1 && %s openssl ocsp -index index.txt -CA ca.pem -rsigner %s -rkey %s "
             "-reqin request.der -respout answer.der -ndays 1 >/dev/null 2>&1",
             x->f.folder, about, old ? OLD : "", signer, signer_key);
    cr_assert_eq(system(line), 0, "%s", line);
}

static unsigned char stapled[8192];
static long stapled_len;

static int on_asked(SSL *ssl, void *arg)
{
    (void)arg;
    if (stapled_len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(stapled, (size_t)stapled_len), stapled_len);
    return SSL_TLSEXT_ERR_OK;
}

/* One connection; ends when it does. */
static pid_t serve(int door, const struct files *x, int version)
{
    pid_t child = fork();
    char byte;

    cr_assert(child >= 0);
    if (child)
        return child;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    FILE *file = fopen(x->der, "rb");

    stapled_len = file ? (long)fread(stapled, 1, sizeof(stapled), file) : 0;
    SSL_CTX_set_max_proto_version(ctx, version);
    if (SSL_CTX_use_certificate_chain_file(ctx, x->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, x->key, SSL_FILETYPE_PEM) != 1)
        _exit(2);
    SSL_CTX_set_tlsext_status_cb(ctx, on_asked);
    SSL *ssl = SSL_new(ctx);

    SSL_set_fd(ssl, accept(door, NULL, NULL));
    if (SSL_accept(ssl) == 1)
        while (SSL_read(ssl, &byte, 1) > 0)
            ;
    _exit(0);
}

/* What becomes of a connection to a server that staples x->der, if it is there. true: it is open.
 */
static bool connects(const struct files *x, enum tls_stapling policy, int version)
{
    const struct tls_config config = {.authorities = x->f.ca, .stapling = policy};
    static const struct tls_handler handler = {on_received, on_connected, on_closed};
    struct tls_context *context;
    struct addr at;
    socklen_t len = sizeof(at);
    char why[TLS_WHY_MAX];
    struct tls *t;
    int door = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, &at), OK);
    cr_assert(bind(door, &at.sa, addr_len(&at)) == 0 && listen(door, 1) == 0);
    cr_assert_eq(getsockname(door, &at.sa, &len), 0);
    pid_t child = serve(door, x, version);

    close(door);
    is_open = closed = false;
    reason[0] = '\0';
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(tls_context_open(&context, &config, why), OK, "%s", why);
    cr_assert_eq(tls_connect(&t, &loop, &at, NULL, context, NULL, &handler, NULL), OK);
    for (int i = 0; i < LIMIT_TURNS && !is_open && !closed; i++)
        loop_turn(&loop, 5000);
    cr_assert(is_open || closed);
    if (!closed)
        tls_close(t);
    for (int i = 0; i < 50; i++)
        loop_turn(&loop, 1000);
    tls_context_close(context);
    loop_fini(&loop);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    return is_open;
}

Test(tls_staple, a_good_answer)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct files x;

    make(&x);
    answer(&x, x.cert, 'V', false, "ca.pem", "ca.key");
    for (int i = 0; i < 2; i++) {
        cr_expect(connects(&x, TLS_STAPLING_REQUIRED, versions[i]), "%s", reason);
        cr_expect(connects(&x, TLS_STAPLING_IF_GIVEN, versions[i]), "%s", reason);
    }
    unmake(&x);
}

Test(tls_staple, none_when_one_is_required)
{
    struct files x;

    make(&x);
    cr_expect_not(connects(&x, TLS_STAPLING_REQUIRED, TLS1_3_VERSION));
    cr_expect(strstr(reason, "no stapled answer"), "%s", reason);
    cr_expect_not(connects(&x, TLS_STAPLING_REQUIRED, TLS1_2_VERSION));
    cr_expect(connects(&x, TLS_STAPLING_IF_GIVEN, TLS1_3_VERSION), "%s", reason);
    unmake(&x);
}

Test(tls_staple, bad_answers)
{
    static const struct {
        char entry;
        bool old, about_another, by_another;
        const char *says;
    } rows[] = {
        {'R', false, false, false, "is revoked"},
        {0, false, false, false, "does not know"},
        {'V', false, true, false, "about another certificate"},
        {'V', true, false, false, "not of now"},
        {'V', false, false, true,
         "not its authority's"}, /* signed by whom the authority named not */
    };
    struct files x;

    make(&x);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        answer(&x, rows[i].about_another ? x.other : x.cert, rows[i].entry, rows[i].old,
               rows[i].by_another ? x.other : "ca.pem",
               rows[i].by_another ? x.other_key : "ca.key");
        cr_expect_not(connects(&x, TLS_STAPLING_IF_GIVEN, TLS1_3_VERSION), "%s", rows[i].says);
        cr_expect(strstr(reason, rows[i].says), "%s: %s", rows[i].says, reason);
        cr_expect(connects(&x, TLS_STAPLING_OFF, TLS1_3_VERSION), "nobody looks: %s", reason);
    }
    FILE *file = fopen(x.der, "w");

    cr_assert(file);
    fputs("no answer", file);
    fclose(file);
    cr_expect_not(connects(&x, TLS_STAPLING_IF_GIVEN, TLS1_2_VERSION));
    cr_expect(strstr(reason, "is none"), "%s", reason);
    unmake(&x);
}
