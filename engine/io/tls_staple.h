/* What a server's certificate brings along about itself (OCSP stapling: RFC 6066 section 8, RFC
 * 6960): an answer of its authority, or of whom the authority has named for that, that it is not
 * revoked. Of tls.c; OpenSSL's own types. */
#ifndef PEAL_IO_TLS_STAPLE_H
#define PEAL_IO_TLS_STAPLE_H

#include "io/tls.h"

struct ssl_st;
struct ssl_ctx_st;

/* Of every client connection: asks for the answer, and breaks the handshake off when it is not
 * good. */
void tls_staple_init(struct ssl_ctx_st *ctx, enum tls_stapling policy);
void tls_staple_ask(struct ssl_st *ssl, enum tls_stapling policy);
/* Why it was broken off, a sentence without its full stop; NULL: not for that. */
const char *tls_staple_why(const struct ssl_st *ssl);

#endif
