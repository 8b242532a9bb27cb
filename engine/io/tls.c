/* Everything TCP brings goes into OpenSSL's inbound memory buffer at once, everything OpenSSL wants
 * to say is taken from its outbound one and sent. Clear text gathers in a buffer of the connection,
 * bounded as TCP's, until its owner takes whole messages off it. */
#include "io/tls.h"

#include "io/tls_staple.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* OpenSSL has a type of the name of one of our error codes. */
#define ERR_STATE openssl_err_state
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#define CLEAR_FIRST 4096
#define PIECE       16384 /* a TLS record's most */

struct tls_context {
    SSL_CTX *ctx;
    bool can_serve;
    enum tls_stapling stapling;
};

struct clear {
    char *p;
    uint32_t len, cap;
};

struct tls {
    struct loop *loop;
    struct tcp *tcp; /* NULL once it is closed */
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    const struct tls_handler *handler;
    void *arg;
    struct timer limit;
    bool ready, calling, closed;
    struct clear came, waits; /* waits: to be sent after the handshake */
    struct addr remote;
    enum err failed;
    char why[TLS_WHY_MAX];
};

/* ---- context ---- */

static void say_openssl(char why[TLS_WHY_MAX], const char *what, const char *file)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    snprintf(why, TLS_WHY_MAX, "%s %s: %s", what, file, reason ? reason : "cannot be read");
    ERR_clear_error();
}

/* Whoever is on a list is refused, and whoever's authority gives none. */
static bool load_revoked(SSL_CTX *ctx, const char *path)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *file = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    return file && X509_load_crl_file(file, path, X509_FILETYPE_PEM) > 0 &&
           X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
}

static enum err load(SSL_CTX *ctx, const struct tls_config *c, char why[TLS_WHY_MAX])
{
    if (c->authorities ? SSL_CTX_load_verify_file(ctx, c->authorities) != 1
                       : SSL_CTX_set_default_verify_paths(ctx) != 1) {
        say_openssl(why, "the authorities", c->authorities ? c->authorities : "of the system");
        return ERR_INVALID;
    }
    if (c->revoked && !load_revoked(ctx, c->revoked)) {
        say_openssl(why, "the revocation lists", c->revoked);
        return ERR_INVALID;
    }
    if (!c->certificate != !c->key) {
        snprintf(why, TLS_WHY_MAX, "a certificate needs its key, and a key its certificate");
        return ERR_INVALID;
    }
    if (c->certificate && SSL_CTX_use_certificate_chain_file(ctx, c->certificate) != 1) {
        say_openssl(why, "the certificate", c->certificate);
        return ERR_INVALID;
    }
    if (c->key && SSL_CTX_use_PrivateKey_file(ctx, c->key, SSL_FILETYPE_PEM) != 1) {
        say_openssl(why, "the key", c->key);
        return ERR_INVALID;
    }
    return OK;
}

enum err tls_context_open(struct tls_context **out, const struct tls_config *config,
                          char why[TLS_WHY_MAX])
{
    struct tls_context *c = calloc(1, sizeof(*c));

    ERR_clear_error();
    why[0] = '\0';
    if (!c || !(c->ctx = SSL_CTX_new(TLS_method()))) {
        free(c);
        return ERR_NOMEM;
    }
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    enum err e = load(c->ctx, config, why);

    if (e != OK) {
        tls_context_close(c);
        return e;
    }
    c->can_serve = config->certificate != NULL;
    c->stapling = config->stapling;
    tls_staple_init(c->ctx, c->stapling);
    /* A client always checks; a server when told to: see set_up. */
    SSL_CTX_set_verify(c->ctx,
                       config->client_certificates
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_NONE,
                       NULL);
    *out = c;
    return OK;
}

void tls_context_close(struct tls_context *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx); /* counted: connections hold it */
    free(c);
}

bool tls_context_can_serve(const struct tls_context *c)
{
    return c->can_serve;
}

/* ---- buffers ---- */

static bool room_for(struct clear *b, uint32_t more, uint32_t max)
{
    uint32_t wanted = b->cap ? b->cap : CLEAR_FIRST;

    if (more > max || b->len > max - more)
        return false;
    while (wanted < b->len + more)
        wanted *= 2;
    if (wanted == b->cap)
        return true;
    char *bigger = realloc(b->p, wanted);

    if (!bigger)
        return false;
    b->p = bigger;
    b->cap = wanted;
    return true;
}

static void release(struct tls *t)
{
    if (t->calling || t->tcp)
        return;
    loop_timer_stop(t->loop, &t->limit);
    SSL_free(t->ssl);
    free(t->came.p);
    free(t->waits.p);
    free(t);
}

/* ---- the two directions ---- */

/* What OpenSSL has to say goes out. */
static enum err flush(struct tls *t)
{
    char piece[PIECE];
    int n;

    while (t->tcp && (n = BIO_read(t->out, piece, sizeof(piece))) > 0) {
        enum err e = tcp_send(t->tcp, slice_of(piece, (size_t)n));

        if (e != OK)
            return e;
    }
    return OK;
}

/* Why OpenSSL will not go on. */
static enum err fail(struct tls *t, const char *what)
{
    unsigned long e = ERR_peek_error();
    long verdict = SSL_get_verify_result(t->ssl);
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    if (verdict != X509_V_OK && !t->ready)
        reason = X509_verify_cert_error_string(verdict);
    else if (tls_staple_why(t->ssl))
        reason = tls_staple_why(t->ssl);
    snprintf(t->why, sizeof(t->why), "%s: %s", what, reason ? reason : "the far side broke it off");
    t->failed = t->ready ? ERR_INVALID : ERR_AUTH;
    ERR_clear_error();
    flush(t); /* the alert */
    return t->failed;
}

static enum err write_clear(struct tls *t, struct slice data)
{
    size_t written;

    ERR_clear_error();
    if (data.len && SSL_write_ex(t->ssl, data.p, data.len, &written) != 1)
        return fail(t, "nothing more can be sent");
    return flush(t);
}

static enum err handshake(struct tls *t)
{
    ERR_clear_error();
    int done = SSL_do_handshake(t->ssl);

    if (done != 1 && SSL_get_error(t->ssl, done) != SSL_ERROR_WANT_READ)
        return fail(t, "the handshake failed");
    enum err e = flush(t);

    if (done != 1 || e != OK)
        return e;
    t->ready = true;
    loop_timer_stop(t->loop, &t->limit);
    if (t->handler->connected)
        t->handler->connected(t->arg, t);
    if (t->closed)
        return OK;
    e = write_clear(t, slice_of(t->waits.p, t->waits.len));
    free(t->waits.p);
    t->waits = (struct clear){0};
    return e;
}

static enum err hand_out(struct tls *t)
{
    int64_t used = t->handler->received(t->arg, t, t->came.p, t->came.len);

    if (t->closed || used < 0)
        return used < 0 ? ERR_INVALID : OK;
    assert(used <= t->came.len);
    t->came.len -= (uint32_t)used;
    if (used && t->came.len)
        memmove(t->came.p, t->came.p + used, t->came.len);
    return OK;
}

static enum err read_clear(struct tls *t)
{
    while (!t->closed) {
        size_t n;

        if (!room_for(&t->came, PIECE, TCP_RECEIVE_MAX))
            return ERR_TOO_LONG;
        ERR_clear_error();
        if (SSL_read_ex(t->ssl, t->came.p + t->came.len, PIECE, &n) != 1) {
            int e = SSL_get_error(t->ssl, 0);

            if (e == SSL_ERROR_WANT_READ)
                return flush(t);
            if (e == SSL_ERROR_ZERO_RETURN)
                return ERR_CLOSED; /* an orderly end */
            return fail(t, "it cannot go on");
        }
        t->came.len += (uint32_t)n;
        enum err err = hand_out(t);

        if (err != OK)
            return err;
    }
    return OK;
}

static int64_t on_bytes(void *arg, struct tcp *tcp, char *data, uint32_t len)
{
    struct tls *t = arg;
    enum err e = OK;

    (void)tcp;
    if (BIO_write(t->in, data, (int)len) != (int)len)
        return -1;
    t->calling = true;
    if (!t->ready)
        e = handshake(t);
    if (e == OK && t->ready && !t->closed)
        e = read_clear(t);
    t->calling = false;
    if (t->closed) {
        release(t);
        return len;
    }
    if (e == OK)
        return len;
    if (!t->failed)
        t->failed = e == ERR_CLOSED ? OK : e;
    return -1;
}

static void on_connected(void *arg, struct tcp *tcp)
{
    struct tls *t = arg;

    (void)tcp;
    t->calling = true;
    handshake(t); /* the first flight; it cannot fail for the far side's sake */
    t->calling = false;
    if (t->closed)
        release(t);
}

static void on_closed(void *arg, struct tcp *tcp, enum err why)
{
    struct tls *t = arg;

    (void)tcp;
    t->tcp = NULL;
    if (t->why[0] || t->failed)
        why = t->failed;
    else if (why == ERR_INVALID)
        why = OK; /* our own end of a connection that was ended in order */
    else if (!t->ready && why == OK) {
        why = ERR_AUTH;
        snprintf(t->why, sizeof(t->why), "the far side ended the connection in the handshake");
    }
    t->closed = t->calling = true;
    if (t->handler->closed)
        t->handler->closed(t->arg, t, why);
    t->calling = false;
    release(t);
}

static const struct tcp_handler on_tcp = {
    .received = on_bytes, .connected = on_connected, .closed = on_closed};

static void on_limit(struct timer *timer)
{
    struct tls *t = container_of(timer, struct tls, limit);
    struct tcp *tcp = t->tcp;

    snprintf(t->why, sizeof(t->why), "the handshake took longer than %d s",
             TLS_HANDSHAKE_MS / 1000);
    t->failed = ERR_TIMEOUT;
    tcp_close(tcp);
    on_closed(t, tcp, ERR_TIMEOUT);
}

/* ---- making and ending ---- */

static struct tls *make(struct loop *l, struct tls_context *context,
                        const struct tls_handler *handler, void *arg)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->loop = l;
    t->handler = handler;
    t->arg = arg;
    timer_init(&t->limit);
    t->ssl = SSL_new(context->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        return NULL;
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    return t;
}

/* Whom the certificate must be for. */
static bool expect(struct tls *t, const struct addr *to, const char *name)
{
    char text[ADDR_TEXT_MAX];
    struct addr literal;

    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
    if (name && addr_from_host(slice_cstr(name), 1, &literal) != OK) {
        SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return SSL_set1_host(t->ssl, name) == 1 && SSL_set_tlsext_host_name(t->ssl, name) == 1;
    }
    if (!name) {
        addr_format_host(to, text, sizeof(text));
        name = text;
    }
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) == 1;
}

enum err tls_connect(struct tls **out, struct loop *l, const struct addr *to,
                     const struct tcp_from *from, struct tls_context *context, const char *name,
                     const struct tls_handler *handler, void *arg)
{
    struct tls *t = make(l, context, handler, arg);

    if (!t)
        return ERR_NOMEM;
    SSL_set_connect_state(t->ssl);
    tls_staple_ask(t->ssl, context->stapling);
    enum err e =
        expect(t, to, name) ? tcp_connect_from(&t->tcp, l, to, from, &on_tcp, t) : ERR_INVALID;

    if (e != OK) {
        t->tcp = NULL;
        release(t);
        return e;
    }
    t->remote = *to;
    loop_timer(l, &t->limit, TLS_HANDSHAKE_MS, on_limit);
    *out = t;
    return OK;
}

enum err tls_accept(struct tls **out, struct loop *l, struct tcp *tcp, struct tls_context *context,
                    const struct tls_handler *handler, void *arg)
{
    struct tls *t = make(l, context, handler, arg);

    if (!t)
        return ERR_NOMEM;
    SSL_set_accept_state(t->ssl);
    t->tcp = tcp;
    t->remote = *tcp_remote(tcp);
    tcp_set_handler(tcp, &on_tcp, t);
    loop_timer(l, &t->limit, TLS_HANDSHAKE_MS, on_limit);
    *out = t;
    return OK;
}

enum err tls_send(struct tls *t, struct slice data)
{
    if (t->closed || !t->tcp)
        return ERR_CLOSED;
    if (t->ready)
        return write_clear(t, data);
    if (!room_for(&t->waits, data.len, TCP_SEND_MAX))
        return ERR_FULL;
    memcpy(t->waits.p + t->waits.len, data.p, data.len);
    t->waits.len += data.len;
    return OK;
}

void tls_close(struct tls *t)
{
    if (!t || t->closed)
        return;
    t->closed = true;
    if (t->ready && t->tcp) {
        SSL_shutdown(t->ssl);
        flush(t);
    }
    ERR_clear_error();
    tcp_close(t->tcp);
    t->tcp = NULL;
    release(t);
}

const struct addr *tls_remote(const struct tls *t)
{
    return &t->remote;
}

const char *tls_why(const struct tls *t)
{
    return t->why;
}
