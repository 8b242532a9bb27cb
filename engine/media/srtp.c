/* Keys and packets: session keys are derived once (RFC 3711 section 4.3), then each packet is
 * header | payload | trailer, where the trailer differs by suite:
 *
 *              RTP                 RTCP
 *   CM + HMAC  [MKI] tag           E|index [MKI] tag
 *   GCM        tag [MKI]           tag E|index [MKI] */
#include "media/srtp.h"

#include <string.h>

#include "media/rtp.h"
#include "media/srtp_crypto.h"
#include "media/srtp_inner.h"

#define RTCP_HEADER    8 /* not encrypted: the first packet's header and sender */
#define RTCP_ENCRYPTED 0x80000000u
#define AUTH_KEY_BYTES 20

const struct srtp_suite_info srtp_suite_info[SRTP_SUITES] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, false},
    [SRTP_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, false},
    [SRTP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    [SRTP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 32, 12, 16, 16, true},
};

bool srtp_suite_find(struct slice name, enum srtp_suite *out)
{
    for (uint32_t i = 0; i < SRTP_SUITES; i++) {
        if (slice_ieq(name, slice_cstr(srtp_suite_info[i].name))) {
            *out = (enum srtp_suite)i;
            return true;
        }
    }
    return false;
}

/* Labels of session keys (section 4.3.1); those of SRTCP follow. */
enum { LABEL_CIPHER = 0, LABEL_AUTH = 1, LABEL_SALT = 2, LABEL_RTCP = 3 };

void srtp_derive(const struct srtp_half *master, const struct srtp_key *key, unsigned label,
                 uint8_t *out, uint32_t bytes)
{
    struct srtp_iv iv = {{0}};

    memcpy(iv.b, key->salt, srtp_suite_info[key->suite].salt_bytes);
    iv.b[7] ^= (uint8_t)label;
    memset(out, 0, bytes);
    srtp_cm_run(master, &iv, out, bytes);
}

static bool half_init(struct srtp_half *h, const struct srtp_half *master,
                      const struct srtp_key *key, unsigned label)
{
    const struct srtp_suite_info *suite = &srtp_suite_info[key->suite];
    uint8_t session[SRTP_KEY_MAX];

    srtp_derive(master, key, label + LABEL_CIPHER, session, suite->key_bytes);
    bool ok = suite->aead ? srtp_gcm_init(h, session, suite->key_bytes)
                          : srtp_cm_init(h, session, suite->key_bytes);

    srtp_derive(master, key, label + LABEL_SALT, h->salt, suite->salt_bytes);
    if (!suite->aead) {
        srtp_derive(master, key, label + LABEL_AUTH, session, AUTH_KEY_BYTES);
        srtp_mac_init(h, session, AUTH_KEY_BYTES);
    }
    OPENSSL_cleanse(session, sizeof(session));
    return ok;
}

enum err srtp_begin(struct srtp *s, const struct srtp_key *key)
{
    struct srtp_half master = {0};

    memset(s, 0, sizeof(*s));
    if ((unsigned)key->suite >= SRTP_SUITES || key->mki_bytes > SRTP_MKI_MAX)
        return ERR_INVALID;
    s->suite = &srtp_suite_info[key->suite];
    s->mki_bytes = key->mki_bytes;
    memcpy(s->mki, key->mki, sizeof(s->mki));
    if (key->by == SRTP_BY_LIBSRTP2)
        return srtp_lib_begin(s, key);
    bool ok = srtp_cm_init(&master, key->key, s->suite->key_bytes) &&
              half_init(&s->rtp, &master, key, 0) && half_init(&s->rtcp, &master, key, LABEL_RTCP);

    EVP_CIPHER_CTX_free(master.cipher);
    if (ok)
        return OK;
    srtp_end(s);
    return ERR_NOMEM;
}

void srtp_end(struct srtp *s)
{
    srtp_lib_end(s);
    EVP_CIPHER_CTX_free(s->rtp.cipher); /* wipes the expanded keys */
    EVP_CIPHER_CTX_free(s->rtcp.cipher);
    OPENSSL_cleanse(s, sizeof(*s));
}

/* The counter's start, or the nonce: SSRC and index over the salt. index: 48 bits of RTP, 31 of
 * RTCP. */
static struct srtp_iv iv_of(const struct srtp *s, const struct srtp_half *h, uint32_t ssrc,
                            uint64_t index)
{
    struct srtp_iv iv = {{0}};
    uint8_t *at = iv.b + (s->suite->aead ? 2 : 4);

    rtp_put32(at, ssrc);
    rtp_put16(at + 4, (uint16_t)(index >> 32));
    rtp_put32(at + 6, (uint32_t)index);
    for (uint32_t i = 0; i < sizeof(iv.b); i++)
        iv.b[i] ^= h->salt[i];
    return iv;
}

/* Bytes before the payload: header, CSRCs, extension; 0: it does not add up. */
static uint32_t header_bytes(const uint8_t *p, uint32_t len)
{
    if (len < RTP_HEADER_BYTES || len > SRTP_RTP_BYTES_MAX || p[0] >> 6 != 2)
        return 0;
    uint32_t n = RTP_HEADER_BYTES + (p[0] & 15u) * 4;

    if (p[0] & 0x10) {
        if (n + 4 > len)
            return 0;
        n += 4 + rtp_get16(p + n + 2) * 4u;
    }
    return n <= len ? n : 0;
}

static void rtp_tag(const struct srtp *s, const uint8_t *p, uint32_t len, uint64_t index,
                    uint8_t out[20])
{
    uint8_t rollover[4];

    rtp_put32(rollover, (uint32_t)(index >> 16));
    srtp_mac(&s->rtp, p, len, rollover, sizeof(rollover), out);
}

/* The bytes after it. */
static uint8_t *put_mki(const struct srtp *s, uint8_t *at)
{
    memcpy(at, s->mki, s->mki_bytes);
    return at + s->mki_bytes;
}

enum srtp_verdict srtp_seal(struct srtp *s, uint8_t *p, uint32_t *len)
{
    if (s->lib)
        return srtp_lib_seal(s, p, len, false);
    if (s->mki_bytes > SRTP_MKI_SENT_MAX)
        return SRTP_MALFORMED;
    uint32_t header = header_bytes(p, *len);

    if (header == 0)
        return SRTP_MALFORMED;
    uint32_t ssrc = rtp_get32(p + 8);
    struct srtp_source *source = srtp_source_find(s, ssrc);

    if (!source)
        return SRTP_CROWDED;
    uint64_t index = srtp_index_of(source, rtp_get16(p + 2));
    enum srtp_verdict v = srtp_index_check(source, index);

    if (v)
        return v;
    srtp_index_keep(source, ssrc, index);
    struct srtp_iv iv = iv_of(s, &s->rtp, ssrc, index);

    if (s->suite->aead) {
        const struct srtp_aad aad = {.p = p, .len = header};

        srtp_gcm_seal(&s->rtp, &iv, &aad, p + header, *len - header, p + *len);
        put_mki(s, p + *len + s->suite->rtp_tag_bytes);
    } else {
        uint8_t tag[20];

        srtp_cm_run(&s->rtp, &iv, p + header, *len - header);
        rtp_tag(s, p, *len, index, tag);
        memcpy(put_mki(s, p + *len), tag, s->suite->rtp_tag_bytes);
    }
    *len += s->suite->rtp_tag_bytes + (uint32_t)s->mki_bytes;
    return SRTP_GOOD;
}

/* p: what is left of the packet without its trailer, body bytes; the trailer follows. */
static bool open_rtp(const struct srtp *s, uint8_t *p, uint32_t header, uint32_t body,
                     uint64_t index)
{
    struct srtp_iv iv = iv_of(s, &s->rtp, rtp_get32(p + 8), index);

    if (s->suite->aead) {
        const struct srtp_aad aad = {.p = p, .len = header};

        return srtp_gcm_open(&s->rtp, &iv, &aad, p + header, body - header, p + body);
    }
    uint8_t tag[20];

    rtp_tag(s, p, body, index, tag);
    if (CRYPTO_memcmp(tag, p + body + s->mki_bytes, s->suite->rtp_tag_bytes) != 0)
        return false;
    srtp_cm_run(&s->rtp, &iv, p + header, body - header);
    return true;
}

enum srtp_verdict srtp_unseal(struct srtp *s, uint8_t *p, uint32_t *len)
{
    if (s->lib)
        return srtp_lib_unseal(s, p, len, false);
    uint32_t trailer = s->suite->rtp_tag_bytes + (uint32_t)s->mki_bytes;
    uint32_t body = *len > trailer ? *len - trailer : 0;
    uint32_t header = header_bytes(p, body);

    if (header == 0 || *len > SRTP_RTP_BYTES_MAX)
        return SRTP_MALFORMED;
    uint32_t ssrc = rtp_get32(p + 8);
    struct srtp_source *source = srtp_source_find(s, ssrc);

    if (!source)
        return SRTP_CROWDED;
    uint64_t index = srtp_index_of(source, rtp_get16(p + 2));
    enum srtp_verdict v = srtp_index_check(source, index);

    if (v)
        return v;
    if (!open_rtp(s, p, header, body, index))
        return SRTP_FORGED;
    srtp_index_keep(source, ssrc, index);
    *len = body;
    return SRTP_GOOD;
}

enum srtp_verdict srtcp_seal(struct srtp *s, uint8_t *p, uint32_t *len)
{
    uint32_t n = *len, index = s->rtcp_next;
    uint8_t word[4];

    if (s->lib)
        return srtp_lib_seal(s, p, len, true);
    if (s->mki_bytes > SRTP_MKI_SENT_MAX || n < RTCP_HEADER || n > SRTP_RTP_BYTES_MAX ||
        p[0] >> 6 != 2)
        return SRTP_MALFORMED;
    if (index & RTCP_ENCRYPTED)
        return SRTP_WORN;
    struct srtp_iv iv = iv_of(s, &s->rtcp, rtp_get32(p + 4), index);

    rtp_put32(word, index | RTCP_ENCRYPTED);
    if (s->suite->aead) {
        const struct srtp_aad aad = {p, word, RTCP_HEADER, sizeof(word)};

        srtp_gcm_seal(&s->rtcp, &iv, &aad, p + RTCP_HEADER, n - RTCP_HEADER, p + n);
        n += s->suite->rtcp_tag_bytes;
        memcpy(p + n, word, sizeof(word));
        put_mki(s, p + n + 4);
        n += 4u + s->mki_bytes;
    } else {
        uint8_t tag[20];

        srtp_cm_run(&s->rtcp, &iv, p + RTCP_HEADER, n - RTCP_HEADER);
        srtp_mac(&s->rtcp, p, n, word, sizeof(word), tag);
        memcpy(p + n, word, sizeof(word));
        memcpy(put_mki(s, p + n + 4), tag, s->suite->rtcp_tag_bytes);
        n += 4u + s->mki_bytes + s->suite->rtcp_tag_bytes;
    }
    s->rtcp_next = index + 1;
    *len = n;
    return SRTP_GOOD;
}

static bool open_rtcp(const struct srtp *s, uint8_t *p, uint32_t body, const uint8_t *word,
                      const uint8_t *sent_tag)
{
    uint32_t index = rtp_get32(word) & ~RTCP_ENCRYPTED;
    struct srtp_iv iv = iv_of(s, &s->rtcp, rtp_get32(p + 4), index);

    if (s->suite->aead) {
        const struct srtp_aad aad = {p, word, RTCP_HEADER, 4};

        return srtp_gcm_open(&s->rtcp, &iv, &aad, p + RTCP_HEADER, body - RTCP_HEADER, sent_tag);
    }
    uint8_t tag[20];

    srtp_mac(&s->rtcp, p, body, word, 4, tag);
    if (CRYPTO_memcmp(tag, sent_tag, s->suite->rtcp_tag_bytes) != 0)
        return false;
    srtp_cm_run(&s->rtcp, &iv, p + RTCP_HEADER, body - RTCP_HEADER);
    return true;
}

enum srtp_verdict srtcp_unseal(struct srtp *s, uint8_t *p, uint32_t *len)
{
    uint32_t tag = s->suite->rtcp_tag_bytes, trailer = 4 + tag + s->mki_bytes;

    if (s->lib)
        return srtp_lib_unseal(s, p, len, true);

    if (*len < RTCP_HEADER + trailer || *len > SRTP_RTP_BYTES_MAX || p[0] >> 6 != 2)
        return SRTP_MALFORMED;
    uint32_t body = *len - trailer;
    const uint8_t *word = p + body + (s->suite->aead ? tag : 0);
    const uint8_t *sent_tag = p + body + (s->suite->aead ? 0 : 4u + s->mki_bytes);
    uint32_t ssrc = rtp_get32(p + 4), index = rtp_get32(word);

    if (!(index & RTCP_ENCRYPTED))
        return SRTP_MALFORMED; /* clear SRTCP was not agreed on */
    index &= ~RTCP_ENCRYPTED;
    struct srtp_source *source = srtp_source_find(s, ssrc);

    if (!source)
        return SRTP_CROWDED;
    enum srtp_verdict v = srtcp_index_check(source, index);

    if (v)
        return v;
    if (!open_rtcp(s, p, body, word, sent_tag))
        return SRTP_FORGED;
    srtcp_index_keep(source, ssrc, index);
    *len = body;
    return SRTP_GOOD;
}
