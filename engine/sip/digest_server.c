/* Challenging peers: a nonce is its time, some randomness and an HMAC over both, so the server
 * keeps nothing and still knows its own nonces and their age (RFC 7616 3.3 on nonce). */
#include "sip/digest.h"

#include "base/rng.h"
#include "sip/crypto.h"
#include "sip/scan.h"

#define NONCE_TIME   16 /* hexadecimal milliseconds */
#define NONCE_SALT   16
#define NONCE_MAC    32 /* half of HMAC-SHA-256 */
#define NONCE_LENGTH (NONCE_TIME + NONCE_SALT + NONCE_MAC)

_Static_assert(NONCE_LENGTH <= DIGEST_NONCE_MAX, "a nonce fits its named maximum");

void digest_server_init(struct digest_server *s, uint32_t lifetime_s)
{
    rng_system(s->key, sizeof(s->key));
    s->lifetime_s = lifetime_s;
}

/* The MAC of time and salt, which are the first part of a nonce. */
static bool nonce_mac(const struct digest_server *s, const char *head, char mac[NONCE_MAC])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), s->key, sizeof(s->key), (const unsigned char *)head,
              NONCE_TIME + NONCE_SALT, raw, &len))
        return false;
    struct buf b = buf_on(mac, NONCE_MAC);
    buf_hex(&b, raw, NONCE_MAC / 2);
    return true;
}

static bool make_nonce(const struct digest_server *s, uint64_t now_ms, char nonce[NONCE_LENGTH])
{
    unsigned char time[NONCE_TIME / 2], salt[NONCE_SALT / 2];
    for (unsigned i = 0; i < sizeof(time); i++)
        time[i] = (unsigned char)(now_ms >> (8 * (sizeof(time) - 1 - i)));
    rng_system(salt, sizeof(salt));
    struct buf b = buf_on(nonce, NONCE_LENGTH);
    buf_hex(&b, time, sizeof(time));
    buf_hex(&b, salt, sizeof(salt));
    return nonce_mac(s, nonce, nonce + NONCE_TIME + NONCE_SALT);
}

enum err digest_write_challenge(struct buf *b, const struct digest_server *s, struct slice realm,
                                enum digest_alg alg, uint64_t now_ms, bool stale, bool is_proxy)
{
    char nonce[NONCE_LENGTH];
    if (alg == DIGEST_NONE || !make_nonce(s, now_ms, nonce))
        return ERR_UNSUPPORTED;
    buf_put(b, sip_hdr_name(is_proxy ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE));
    digest_put_quoted(b, ": Digest realm", realm, true);
    digest_put_quoted(b, ", nonce", slice_of(nonce, sizeof(nonce)), false);
    buf_puts(b, ", qop=\"auth\", algorithm=");
    buf_put(b, digest_alg_name(alg));
    if (stale)
        buf_puts(b, ", stale=true");
    buf_puts(b, "\r\n");
    return OK;
}

/* ---- credentials ---- */

static bool parse_nc(struct slice text, uint32_t *nc)
{
    uint32_t v = 0;
    if (text.len != 8)
        return false;
    for (uint32_t i = 0; i < 8; i++) {
        int digit = sip_hex_digit(text.p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    *nc = v;
    return true;
}

enum err digest_credentials_parse(struct slice value, struct digest_credentials *out)
{
    struct sip_auth auth;
    struct slice algorithm = SLICE_NONE, qop = SLICE_NONE;
    *out = (struct digest_credentials){0};
    if (sip_auth_parse(value, &auth) != OK)
        return ERR_INVALID;
    if (!slice_ieq(auth.scheme, SLICE("Digest")))
        return ERR_UNSUPPORTED;
    const struct {
        struct slice name;
        struct slice *to;
    } fields[] = {
        {SLICE("username"), &out->user},     {SLICE("realm"), &out->realm},
        {SLICE("nonce"), &out->nonce},       {SLICE("uri"), &out->uri},
        {SLICE("response"), &out->response}, {SLICE("cnonce"), &out->cnonce},
        {SLICE("opaque"), &out->opaque},     {SLICE("nc"), &out->nc_text},
        {SLICE("algorithm"), &algorithm},    {SLICE("qop"), &qop},
    };
    struct slice rest = auth.params, name, v;
    while (sip_auth_next(&rest, &name, &v, NULL))
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
            if (slice_ieq(name, fields[i].name))
                *fields[i].to = v;
    if (slice_trim(rest).len > 0 || !out->user.p || !out->realm.p || out->nonce.len == 0 ||
        out->uri.len == 0 || out->response.len == 0)
        return ERR_INVALID;
    out->alg = digest_alg_find(algorithm);
    out->has_qop = qop.p != NULL;
    if (out->alg == DIGEST_NONE || (out->has_qop && !slice_ieq(qop, SLICE("auth"))))
        return ERR_UNSUPPORTED;
    if (out->has_qop && (!parse_nc(out->nc_text, &out->nc) || out->cnonce.len == 0))
        return ERR_INVALID;
    return OK;
}

/* ---- verification ---- */

static bool nonce_is_ours(const struct digest_server *s, struct slice nonce, uint64_t *made_ms)
{
    char mac[NONCE_MAC];
    uint64_t ms = 0;
    if (nonce.len != NONCE_LENGTH || !nonce_mac(s, nonce.p, mac) ||
        CRYPTO_memcmp(mac, nonce.p + NONCE_TIME + NONCE_SALT, NONCE_MAC) != 0)
        return false;
    for (uint32_t i = 0; i < NONCE_TIME; i++)
        ms = ms << 4 | (uint64_t)(unsigned)sip_hex_digit(nonce.p[i]);
    *made_ms = ms;
    return true;
}

/* Hexadecimal, so case does not count; the time taken must not tell how much was right. */
static bool same_response(struct slice given, const char *hex, size_t len)
{
    char lower[DIGEST_HEX_MAX];
    if (given.len != len)
        return false;
    for (uint32_t i = 0; i < given.len; i++) {
        char c = given.p[i];
        lower[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
    }
    return CRYPTO_memcmp(lower, hex, len) == 0;
}

enum digest_verdict digest_verify(const struct digest_server *s, const struct digest_credentials *c,
                                  struct slice method, struct slice password, uint64_t now_ms)
{
    char hex[DIGEST_HEX_MAX];
    size_t len = 0;
    uint64_t made_ms;
    struct digest_inputs in = {
        .alg = c->alg,
        .user = c->user,
        .password = password,
        .realm = c->realm,
        .nonce = c->nonce,
        .method = method,
        .uri = c->uri,
        .cnonce = c->cnonce,
        .nc = c->has_qop ? c->nc_text : SLICE_NONE,
    };
    if (digest_calculate(&in, hex, &len) != OK || !same_response(c->response, hex, len))
        return DIGEST_WRONG;
    /* A nonce of another server, or of this one before its restart, is as good as expired. */
    if (!nonce_is_ours(s, c->nonce, &made_ms))
        return DIGEST_STALE;
    bool fresh = made_ms <= now_ms && now_ms - made_ms <= (uint64_t)s->lifetime_s * 1000;
    return fresh ? DIGEST_OK : DIGEST_STALE;
}
