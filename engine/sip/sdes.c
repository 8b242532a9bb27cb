/* a=crypto read and written. Base64 is strict but for the padding, which peers leave out (of 28
 * bytes, as GCM has) though RFC 4568 section 6.1 wants it. */
#include "sip/sdes.h"

#include "base/rng.h"
#include "sip/crypto.h"

#define PARAMS_MAX        16
#define LIFETIME_OURS_MIN 1024

static const struct {
    struct slice name;
    uint8_t key_bytes, salt_bytes;
} suites[SDES_SUITES] = {
    [SDES_AES_CM_128_HMAC_SHA1_80] = {{"AES_CM_128_HMAC_SHA1_80", 23}, 16, 14},
    [SDES_AEAD_AES_128_GCM] = {{"AEAD_AES_128_GCM", 16}, 16, 12},
    [SDES_AEAD_AES_256_GCM] = {{"AEAD_AES_256_GCM", 16}, 32, 12},
    [SDES_AES_CM_128_HMAC_SHA1_32] = {{"AES_CM_128_HMAC_SHA1_32", 23}, 16, 14},
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct slice sdes_suite_name(enum sdes_suite suite)
{
    return (unsigned)suite < SDES_SUITES ? suites[suite].name : SLICE_NONE;
}

uint32_t sdes_key_bytes(enum sdes_suite suite)
{
    return suites[suite].key_bytes;
}

uint32_t sdes_bytes(enum sdes_suite suite)
{
    return (uint32_t)suites[suite].key_bytes + suites[suite].salt_bytes;
}

/* Without branches on the secret: what a character is worth, 64 when it is none. */
static uint32_t worth(char c)
{
    uint32_t value = 64;

    for (uint32_t i = 0; i < 64; i++)
        value = digits[i] == c ? i : value;
    return value;
}

/* Exactly n bytes; false: other characters, another length, or bits behind the last byte. */
static bool decode(struct slice text, uint8_t *out, uint32_t n)
{
    uint32_t bits = 0, have = 0, at = 0, chars = (n * 8 + 5) / 6, padded = (n + 2) / 3 * 4;

    if (text.len != chars && text.len != padded)
        return false;
    for (uint32_t i = chars; i < text.len; i++)
        if (text.p[i] != '=')
            return false;
    for (uint32_t i = 0; i < chars; i++) {
        uint32_t v = worth(text.p[i]);

        if (v == 64)
            return false;
        bits = bits << 6 | v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0;
}

static void encode(struct buf *b, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 3) {
        uint32_t left = n - i, v = (uint32_t)p[i] << 16;

        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        for (uint32_t k = 0; k < 4; k++)
            buf_putc(b, k <= left ? digits[v >> (18 - 6 * k) & 63] : '=');
    }
}

static struct slice word(struct slice *rest)
{
    struct slice w;

    *rest = slice_trim(*rest);
    slice_cut(*rest, ' ', &w, rest);
    return w;
}

static bool is_digits(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.len > 0;
}

bool sdes_lifetime(struct slice text, uint64_t *packets)
{
    uint32_t power;

    if (slice_starts(text, SLICE("2^"))) {
        if (!is_digits(slice_from(text, 2)) || slice_u32(slice_from(text, 2), &power) != OK ||
            power > 48)
            return false;
        *packets = UINT64_C(1) << power;
        return true;
    }
    return is_digits(text) && slice_u64(text, SDES_LIFETIME_MAX, packets) == OK && *packets > 0;
}

bool sdes_lifetime_ours(struct slice text, uint64_t *packets)
{
    return sdes_lifetime(text, packets) && *packets >= LIFETIME_OURS_MIN;
}

/* inline:KEY[|LIFETIME][|MKI:LENGTH], of the first key when there are several */
static enum err parse_key(struct slice params, struct sdes_key *out, const char **why)
{
    struct slice one, more, key, extra;
    uint32_t mki_bytes;

    slice_cut(params, ';', &one, &more);
    *why = "the key is not inline: and Base64 of the suite's length";
    if (!slice_istarts(one, SLICE("inline:")))
        return ERR_INVALID;
    slice_cut(slice_from(one, 7), '|', &key, &extra);
    if (!decode(key, out->bytes, sdes_bytes(out->suite)))
        return ERR_INVALID;
    *why = "what follows the key is no lifetime and no MKI with its length";
    while (extra.len) {
        struct slice part, value, length;

        slice_cut(extra, '|', &part, &extra);
        if (slice_cut(part, ':', &value, &length)) {
            if (!is_digits(value) || slice_u32(length, &mki_bytes) != OK || mki_bytes == 0 ||
                mki_bytes > SDES_MKI_MAX)
                return ERR_INVALID;
            out->mki_bytes = (uint8_t)mki_bytes;
            if (slice_u32(value, &out->mki) != OK)
                out->mki = 0; /* a larger one: packets are taken whatever theirs is */
        } else if (!sdes_lifetime(part, &out->lifetime)) {
            *why = "the lifetime of the key is none, or beyond 2^48 packets";
            return ERR_INVALID;
        }
    }
    return OK;
}

/* RFC 4568 section 6.3: what changes the packets must be done or the line not be taken; what begins
 * with '-' may be ignored. */
static enum err parse_params(struct slice rest, const char **why)
{
    *why = "a session parameter asks for what is not done here";
    for (uint32_t i = 0; i < PARAMS_MAX; i++) {
        struct slice p = word(&rest);
        bool ignorable = p.len == 0 || p.p[0] == '-' || slice_istarts(p, SLICE("WSH=")) ||
                         slice_ieq(p, SLICE("KDR=0"));

        if (p.len == 0)
            return OK;
        if (!ignorable)
            return ERR_UNSUPPORTED;
    }
    return ERR_UNSUPPORTED;
}

enum err sdes_parse(struct slice value, struct sdes_key *out, const char **why)
{
    struct slice tag = word(&value), suite = word(&value), key = word(&value);
    const char *ignored;
    uint32_t i = 0;

    why = why ? why : &ignored;
    *out = (struct sdes_key){0};
    *why = "it is not a tag, a suite and a key";
    if (!is_digits(tag) || tag.len > 9 || slice_u32(tag, &out->tag) != OK || suite.len == 0 ||
        key.len == 0)
        return ERR_INVALID;
    while (i < SDES_SUITES && !slice_ieq(suite, suites[i].name))
        i++;
    *why = "its suite is not one of ours";
    if (i == SDES_SUITES)
        return ERR_UNSUPPORTED;
    out->suite = (enum sdes_suite)i;
    enum err e = parse_key(key, out, why);

    if (e == OK)
        e = parse_params(value, why);
    if (e != OK)
        OPENSSL_cleanse(out->bytes, sizeof(out->bytes));
    else
        *why = NULL;
    return e;
}

void sdes_write(struct buf *b, const struct sdes_key *key)
{
    buf_puts(b, "a=crypto:");
    buf_u64(b, key->tag);
    buf_putc(b, ' ');
    buf_put(b, suites[key->suite].name);
    buf_puts(b, " inline:");
    encode(b, key->bytes, sdes_bytes(key->suite));
    if (key->lifetime) {
        bool power = (key->lifetime & (key->lifetime - 1)) == 0;

        buf_puts(b, power ? "|2^" : "|");
        buf_u64(b, power ? (uint64_t)__builtin_ctzll(key->lifetime) : key->lifetime);
    }
    if (key->mki_bytes) {
        buf_putc(b, '|');
        buf_u64(b, key->mki);
        buf_putc(b, ':');
        buf_u64(b, key->mki_bytes);
    }
    buf_puts(b, "\r\n");
}

void sdes_draw(struct sdes_key *key, enum sdes_suite suite)
{
    *key = (struct sdes_key){.suite = suite};
    rng_system(key->bytes, sdes_bytes(suite));
}
