/* TLS over a TCP connection of the loop (TLS 1.2 and 1.3, RFC 5246 and 8446, by OpenSSL on memory
 * buffers: it never sees a socket). The shape is tcp.h's: the owner takes whole messages from the
 * front of what has come, and closed() is the last callback.
 *
 * A client demands a certificate that its authorities vouch for and that carries the server's name
 * (or its address, when no name is known), and sends the name along (SNI). A server shows its own,
 * and may demand one of the client. What is sent before the handshake is over waits for it.
 * HANDSHAKE_MS is its limit. One thread: the loop's. */
#ifndef PEAL_IO_TLS_H
#define PEAL_IO_TLS_H

#include "io/tcp.h"

#define TLS_HANDSHAKE_MS 10000
#define TLS_NAME_MAX     256
#define TLS_WHY_MAX      256

struct tls;
struct tls_context;

/* Answers that servers staple to their certificates (OCSP). */
enum tls_stapling {
    TLS_STAPLING_OFF,      /* not asked for */
    TLS_STAPLING_IF_GIVEN, /* asked for; one that comes must be good */
    TLS_STAPLING_REQUIRED  /* … and one must come */
};

struct tls_config {
    const char *authorities; /* PEM file of those who vouch for the far side; NULL: the system's */
    const char *revoked; /* PEM file of revocation lists (RFC 5280 5), one of each authority that
                            vouches for a far side: without it nobody is believed; NULL: none */
    const char *certificate, *key; /* PEM files of our own, chain included; NULL: none */
    bool client_certificates;      /* as a server: a client must show one */
    enum tls_stapling stapling;    /* as a client */
};

/* Reads the files. ERR_INVALID, ERR_NOT_FOUND: `why` says what and which file, without its full
 * stop. May be closed while connections live: they hold it. */
enum err tls_context_open(struct tls_context **out, const struct tls_config *config,
                          char why[TLS_WHY_MAX]);
void tls_context_close(struct tls_context *c);
bool tls_context_can_serve(const struct tls_context *c); /* it has a certificate of its own */

struct tls_handler {
    int64_t (*received)(void *arg, struct tls *t, char *data, uint32_t len); /* see tcp.h */
    void (*connected)(void *arg, struct tls *t); /* the far side is who it should be; may be NULL */
    /* ERR_AUTH: its certificate was not good, or it did not like ours; tls_why tells. */
    void (*closed)(void *arg, struct tls *t, enum err why);
};

/* name: what the server's certificate must be for; NULL: the address. from: see tcp.h; NULL. */
enum err tls_connect(struct tls **out, struct loop *l, const struct addr *to,
                     const struct tcp_from *from, struct tls_context *context, const char *name,
                     const struct tls_handler *handler, void *arg);
/* Takes over a connection inside its listener's accepted(). On an error it is still the caller's.
 */
enum err tls_accept(struct tls **out, struct loop *l, struct tcp *tcp, struct tls_context *context,
                    const struct tls_handler *handler, void *arg);
enum err tls_send(struct tls *t, struct slice data); /* copies; ERR_FULL, ERR_CLOSED */
void tls_close(struct tls *t);                       /* no callback follows */
const struct addr *tls_remote(const struct tls *t);
const char *
tls_why(const struct tls *t); /* a sentence without its full stop; "" when all is well */

#endif
