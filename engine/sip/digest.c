/* Digest calculation and the client's side (RFC 7616 3.4, RFC 8760). The server's side is in
 * digest_server.c. Hashes are libcrypto's, fetched once per calculation; nothing secret is kept. */
#include "sip/digest.h"

#include "base/rng.h"
#include "sip/crypto.h"
#include "sip/scan.h"

static const struct {
    struct slice name;
    int strength; /* order of preference, RFC 8760 2.3 */
    bool sess;
} algs[] = {
    [DIGEST_NONE] = {{"", 0}, 0, false},
    [DIGEST_MD5] = {{"MD5", 3}, 2, false},
    [DIGEST_MD5_SESS] = {{"MD5-sess", 8}, 1, true},
    [DIGEST_SHA256] = {{"SHA-256", 7}, 4, false},
    [DIGEST_SHA256_SESS] = {{"SHA-256-sess", 12}, 3, true},
    [DIGEST_SHA512_256] = {{"SHA-512-256", 11}, 6, false},
    [DIGEST_SHA512_256_SESS] = {{"SHA-512-256-sess", 16}, 5, true},
};
#define ALG_COUNT (sizeof(algs) / sizeof(algs[0]))

struct slice digest_alg_name(enum digest_alg a)
{
    return (size_t)a < ALG_COUNT ? algs[a].name : SLICE_NONE;
}

enum digest_alg digest_alg_find(struct slice name)
{
    if (name.len == 0)
        return DIGEST_MD5; /* RFC 7616 3.3: the default */
    for (size_t a = DIGEST_MD5; a < ALG_COUNT; a++)
        if (slice_ieq(algs[a].name, name))
            return (enum digest_alg)a;
    return DIGEST_NONE;
}

/* ---- the calculation ---- */

static const EVP_MD *hash_of(enum digest_alg a)
{
    switch (a) {
    case DIGEST_MD5:
    case DIGEST_MD5_SESS:
        return EVP_md5();
    case DIGEST_SHA256:
    case DIGEST_SHA256_SESS:
        return EVP_sha256();
    case DIGEST_SHA512_256:
    case DIGEST_SHA512_256_SESS:
        return EVP_sha512_256();
    case DIGEST_NONE:
        break;
    }
    return NULL;
}

struct hex {
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned len;
};

static struct slice hex_slice(const struct hex *h)
{
    return slice_of(h->text, h->len);
}

/* H(parts joined with ':'), in hexadecimal. */
static bool hash_joined(EVP_MD_CTX *ctx, const EVP_MD *md, const struct slice *parts, unsigned n,
                        struct hex *out)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_DigestInit_ex(ctx, md, NULL) != 1)
        return false;
    for (unsigned i = 0; i < n; i++)
        if ((i > 0 && EVP_DigestUpdate(ctx, ":", 1) != 1) ||
            (parts[i].len > 0 && EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) != 1))
            return false;
    if (EVP_DigestFinal_ex(ctx, raw, &len) != 1)
        return false;
    struct buf b = buf_on(out->text, sizeof(out->text));
    buf_hex(&b, raw, len);
    out->len = (unsigned)b.len;
    return true;
}

static bool calculate(EVP_MD_CTX *ctx, const struct digest_inputs *in, struct hex *out)
{
    const EVP_MD *md = hash_of(in->alg);
    struct hex a1, a2;
    struct slice secret[] = {in->user, in->realm, in->password};
    struct slice action[] = {in->method, in->uri};
    if (!md || !hash_joined(ctx, md, secret, 3, &a1) || !hash_joined(ctx, md, action, 2, &a2))
        return false;
    if (algs[in->alg].sess) {
        struct slice session[] = {hex_slice(&a1), in->nonce, in->cnonce};
        struct hex a1_session;
        if (!hash_joined(ctx, md, session, 3, &a1_session))
            return false;
        a1 = a1_session;
    }
    struct slice plain[] = {hex_slice(&a1), in->nonce, hex_slice(&a2)};
    struct slice qop[] = {hex_slice(&a1), in->nonce,     in->nc,
                          in->cnonce,     SLICE("auth"), hex_slice(&a2)};
    return in->nc.len ? hash_joined(ctx, md, qop, 6, out) : hash_joined(ctx, md, plain, 3, out);
}

enum err digest_calculate(const struct digest_inputs *in, char hex[DIGEST_HEX_MAX], size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct hex out = {.len = 0};
    if (!ctx)
        return ERR_NOMEM;
    bool ok = calculate(ctx, in, &out) && out.len <= DIGEST_HEX_MAX;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return ERR_UNSUPPORTED; /* as MD5 where the system's policy forbids it */
    memcpy(hex, out.text, out.len);
    *len = out.len;
    return OK;
}

/* ---- challenges ---- */

/* Whether a list of tokens holds "auth". */
static bool offers_auth(struct slice list)
{
    struct slice item;
    while (sip_list_next(&list, &item))
        if (slice_ieq(item, SLICE("auth")))
            return true;
    return false;
}

static void challenge_param(struct digest_challenge *c, struct slice name, struct slice value,
                            struct slice *algorithm)
{
    if (slice_ieq(name, SLICE("realm"))) {
        c->realm = value;
    } else if (slice_ieq(name, SLICE("nonce"))) {
        c->nonce = value;
    } else if (slice_ieq(name, SLICE("opaque"))) {
        c->opaque = value;
    } else if (slice_ieq(name, SLICE("domain"))) {
        c->domain = value;
    } else if (slice_ieq(name, SLICE("algorithm"))) {
        *algorithm = value;
    } else if (slice_ieq(name, SLICE("stale"))) {
        c->stale = slice_ieq(value, SLICE("true"));
    } else if (slice_ieq(name, SLICE("qop"))) {
        c->has_qop = true;
        c->qop_auth = offers_auth(value);
    }
}

enum err digest_challenge_parse(struct slice value, bool is_proxy, struct digest_challenge *out)
{
    struct sip_auth auth;
    *out = (struct digest_challenge){.is_proxy = is_proxy};
    if (sip_auth_parse(value, &auth) != OK)
        return ERR_INVALID;
    if (!slice_ieq(auth.scheme, SLICE("Digest")))
        return ERR_UNSUPPORTED;
    struct slice rest = auth.params, name, v, algorithm = SLICE_NONE;
    while (sip_auth_next(&rest, &name, &v, NULL))
        challenge_param(out, name, v, &algorithm);
    if (slice_trim(rest).len > 0 || !out->realm.p || out->nonce.len == 0)
        return ERR_INVALID;
    out->alg = digest_alg_find(algorithm);
    if (out->alg == DIGEST_NONE || (out->has_qop && !out->qop_auth))
        return ERR_UNSUPPORTED;
    return OK;
}

static void consider(struct slice value, bool is_proxy, struct slice realm,
                     struct digest_challenge *best)
{
    struct digest_challenge c;
    if (digest_challenge_parse(value, is_proxy, &c) != OK)
        return;
    if (realm.len && !slice_eq(c.realm, realm))
        return;
    if (algs[c.alg].strength > algs[best->alg].strength)
        *best = c;
}

enum err digest_pick(const struct sip_msg *response, struct slice realm,
                     struct digest_challenge *out)
{
    static const enum sip_hdr ids[] = {SIP_H_WWW_AUTHENTICATE, SIP_H_PROXY_AUTHENTICATE};
    *out = (struct digest_challenge){0};
    for (unsigned i = 0; i < 2; i++) {
        struct sip_iter it;
        struct slice line;
        bool is_proxy = ids[i] == SIP_H_PROXY_AUTHENTICATE;
        if (response->status != (is_proxy ? 407 : 401))
            continue;
        sip_iter_init(&it, response, ids[i]);
        while (sip_line_next(&it, &line))
            consider(line, is_proxy, realm, out);
    }
    return out->alg == DIGEST_NONE ? ERR_NOT_FOUND : OK;
}

/* ---- answering one ---- */

void digest_cnonce(char cnonce[DIGEST_CNONCE_LEN])
{
    unsigned char raw[DIGEST_CNONCE_LEN / 2];
    rng_system(raw, sizeof(raw));
    struct buf b = buf_on(cnonce, DIGEST_CNONCE_LEN);
    buf_hex(&b, raw, sizeof(raw));
}

static struct slice nc_text(uint32_t nc, char text[8])
{
    unsigned char raw[] = {(unsigned char)(nc >> 24), (unsigned char)(nc >> 16),
                           (unsigned char)(nc >> 8), (unsigned char)nc};
    struct buf b = buf_on(text, 8);
    buf_hex(&b, raw, sizeof(raw));
    return buf_slice(&b);
}

static bool uses_qop(const struct digest_challenge *c, const struct digest_request *r)
{
    return c->qop_auth && r->cnonce.len > 0;
}

enum err digest_response(const struct digest_challenge *c, const struct digest_request *r,
                         char hex[DIGEST_HEX_MAX], size_t *len)
{
    char nc[8];
    if (algs[c->alg].sess && r->cnonce.len == 0)
        return ERR_INVALID;
    struct digest_inputs in = {
        .alg = c->alg,
        .user = r->user,
        .password = r->password,
        .realm = c->realm,
        .nonce = c->nonce,
        .method = r->method,
        .uri = r->uri,
        .cnonce = r->cnonce,
        .nc = uses_qop(c, r) ? nc_text(r->nc, nc) : SLICE_NONE,
    };
    return digest_calculate(&in, hex, len);
}

void digest_put_quoted(struct buf *b, const char *name, struct slice value, bool escape)
{
    buf_puts(b, name);
    buf_puts(b, "=\"");
    for (uint32_t i = 0; i < value.len; i++) {
        char c = value.p[i];
        if (c == '\r' || c == '\n' || c == 0)
            c = ' ';
        if (escape && (c == '"' || c == '\\'))
            buf_putc(b, '\\');
        buf_putc(b, c);
    }
    buf_putc(b, '"');
}

enum err digest_write_authorization(struct buf *b, const struct digest_challenge *c,
                                    const struct digest_request *r)
{
    char hex[DIGEST_HEX_MAX], nc[8];
    size_t len;
    enum err e = digest_response(c, r, hex, &len);
    if (e != OK)
        return e;
    buf_put(b, sip_hdr_name(c->is_proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION));
    digest_put_quoted(b, ": Digest username", r->user, true);
    digest_put_quoted(b, ", realm", c->realm, false); /* as it came, backslashes and all */
    digest_put_quoted(b, ", nonce", c->nonce, false);
    digest_put_quoted(b, ", uri", r->uri, false);
    digest_put_quoted(b, ", response", slice_of(hex, len), false);
    buf_puts(b, ", algorithm=");
    buf_put(b, digest_alg_name(c->alg));
    if (r->cnonce.len)
        digest_put_quoted(b, ", cnonce", r->cnonce, false);
    if (uses_qop(c, r)) {
        buf_puts(b, ", qop=auth, nc=");
        buf_put(b, nc_text(r->nc, nc));
    }
    if (c->opaque.p)
        digest_put_quoted(b, ", opaque", c->opaque, false);
    buf_puts(b, "\r\n");
    return OK;
}
