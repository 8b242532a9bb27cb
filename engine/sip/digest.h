/* HTTP digest for SIP (RFC 3261 22, RFC 7616, RFC 8760): answering challenges of a peer and
 * challenging peers. MD5, SHA-256 and SHA-512-256, each with -sess; qop "auth" or none. Secrets
 * are only ever borrowed. No allocation per message but what libcrypto does inside. */
#ifndef PEAL_SIP_DIGEST_H
#define PEAL_SIP_DIGEST_H

#include "sip/message.h"

enum digest_alg {
    DIGEST_NONE,
    DIGEST_MD5,
    DIGEST_MD5_SESS,
    DIGEST_SHA256,
    DIGEST_SHA256_SESS,
    DIGEST_SHA512_256,
    DIGEST_SHA512_256_SESS
};

#define DIGEST_HEX_MAX    64 /* characters of the longest response, no NUL */
#define DIGEST_CNONCE_LEN 16
#define DIGEST_NONCE_MAX  96

struct slice digest_alg_name(enum digest_alg a);    /* "SHA-256" */
enum digest_alg digest_alg_find(struct slice name); /* empty: MD5; NONE when not supported */

struct digest_challenge { /* slices of the header value, quotes off */
    struct slice realm, nonce, opaque, domain;
    enum digest_alg alg;
    bool qop_auth; /* the server offers qop=auth */
    bool has_qop;  /* it offers some qop */
    bool stale;
    bool is_proxy; /* Proxy-Authenticate */
};

/* One header value. ERR_UNSUPPORTED: another scheme, algorithm, or only qop=auth-int. */
enum err digest_challenge_parse(struct slice value, bool is_proxy, struct digest_challenge *out);

/* The strongest challenge of a 401 or 407 for this realm (empty realm: any): SHA-512-256 and
 * SHA-256 before MD5, plain before -sess, the earlier of equals (RFC 8760 2.3). ERR_NOT_FOUND. */
enum err digest_pick(const struct sip_msg *response, struct slice realm,
                     struct digest_challenge *out);

struct digest_request {
    struct slice user, password;
    struct slice method, uri; /* uri: the Request-URI as written into the request */
    uint32_t nc;              /* 1 for the first use of a nonce */
    struct slice cnonce;      /* empty: none is written (then no qop) */
};

/* What a response is made of; nc empty means without qop. */
struct digest_inputs {
    enum digest_alg alg;
    struct slice user, password, realm, nonce, method, uri, cnonce, nc;
};

enum err digest_calculate(const struct digest_inputs *in, char hex[DIGEST_HEX_MAX], size_t *len);

/* name="value", line breaks as spaces; with escape, quotes and backslashes are quoted. */
void digest_put_quoted(struct buf *b, const char *name, struct slice value, bool escape);

/* Fills cnonce with fresh lower-case hexadecimal. */
void digest_cnonce(char cnonce[DIGEST_CNONCE_LEN]);

/* The response in hexadecimal; *len gets its length. */
enum err digest_response(const struct digest_challenge *c, const struct digest_request *r,
                         char hex[DIGEST_HEX_MAX], size_t *len);

/* Writes the whole Authorization or Proxy-Authorization header, with its line end. */
enum err digest_write_authorization(struct buf *b, const struct digest_challenge *c,
                                    const struct digest_request *r);

/* ---- the server's side ---- */

struct digest_server {
    unsigned char key[32]; /* of the nonces' HMAC */
    uint32_t lifetime_s;
};

void digest_server_init(struct digest_server *s, uint32_t lifetime_s); /* a random key */

/* Writes a WWW-Authenticate (or Proxy-Authenticate) header with a nonce that carries its own time
 * and HMAC, so that nothing is stored. Write one for each algorithm, strongest first. */
enum err digest_write_challenge(struct buf *b, const struct digest_server *s, struct slice realm,
                                enum digest_alg alg, uint64_t now_ms, bool stale, bool is_proxy);

struct digest_credentials { /* of an Authorization header, quotes off */
    struct slice user, realm, nonce, uri, response, cnonce, opaque, nc_text;
    enum digest_alg alg;
    bool has_qop;
    uint32_t nc;
};

enum err digest_credentials_parse(struct slice value, struct digest_credentials *out);

enum digest_verdict { DIGEST_OK, DIGEST_STALE, DIGEST_WRONG };

/* STALE: right but for a nonce that is expired or not ours: challenge again with stale=true. WRONG:
 * anything else. That c->uri is the Request-URI and c->realm ours is for the caller to compare.
 * The nonce count is given to the caller (c->nc), who refuses repeats if it wants to. */
enum digest_verdict digest_verify(const struct digest_server *s, const struct digest_credentials *c,
                                  struct slice method, struct slice password, uint64_t now_ms);

#endif
