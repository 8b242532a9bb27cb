/* SRTP by the letter: the vectors of RFC 3711 appendix B and RFC 7714 sections 16 and 17, the
 * rollover counter's guess, the windows, and packets that are none. Beside libsrtp2 it stands in
 * srtp_oracle_test.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "media/rtp.h"
#include "media/srtp_inner.h"

static uint32_t hex(const char *text, uint8_t *out)
{
    uint32_t n = 0;

    for (; text[0] && text[1]; text += 2, n++)
        out[n] = (uint8_t)strtoul((char[]){text[0], text[1], 0}, NULL, 16);
    return n;
}

static void same(const uint8_t *got, uint32_t len, const char *expected)
{
    uint8_t want[512];
    uint32_t n = hex(expected, want);

    cr_assert_eq(len, n, "%u bytes, not %u", len, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(got[i], want[i], "byte %u is %02x, not %02x", i, got[i], want[i]);
}

/* RFC 3711 B.2: the key stream from its start and where the counter's low byte wraps. */
Test(srtp, counter_mode_is_rfc_3711_b2)
{
    static const struct {
        uint32_t block;
        const char *stream;
    } rows[] = {
        {0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"}, {0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"},
        {0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"}, {0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"},
        {0xff00, "362B7C3C6773516318A077D7FC5073AE"}, {0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"},
    };
    static uint8_t stream[0x10000 * 16];
    uint8_t key[16];
    struct srtp_iv counter = {{0}};
    struct srtp_half h = {0};

    hex("2B7E151628AED2A6ABF7158809CF4F3C", key);
    hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD", counter.b);
    cr_assert(srtp_cm_init(&h, key, 16));
    srtp_cm_run(&h, &counter, stream, sizeof(stream));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        same(stream + rows[i].block * 16, 16, rows[i].stream);
    struct srtp s = {.rtp = h};

    srtp_end(&s);
}

/* RFC 3711 B.3. */
Test(srtp, derives_session_keys_as_rfc_3711_b3)
{
    struct srtp_key key = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80};
    struct srtp s = {0};
    uint8_t out[94];

    hex("E1F97A0D3E018BE0D64FA32C06DE4139", key.key);
    hex("0EC675AD498AFEEBB6960B3AABE6", key.salt);
    cr_assert(srtp_cm_init(&s.rtp, key.key, 16));
    srtp_derive(&s.rtp, &key, 0, out, 16);
    same(out, 16, "C61E7A93744F39EE10734AFE3FF7A087");
    srtp_derive(&s.rtp, &key, 2, out, 14);
    same(out, 14, "30CBBC08863D8C85D49DB34A9AE1");
    srtp_derive(&s.rtp, &key, 1, out, 94);
    same(
        out, 94,
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF7"
        "2270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB"
        "60DBDFB2");
    srtp_end(&s);
}

#define GCM_RTP                                                                                    \
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732"  \
    "074726573"
#define GCM_RTCP                                                                                   \
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdead" \
    "beefdeadbeef"

static const struct {
    enum srtp_suite suite;
    const char *key, *rtp, *rtcp;
} gcm[] = {
    {SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
     "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3"
     "a"
     "df8833899d7f27beb16a9152cf765ee4390cce",
     "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303"
     "d"
     "ed0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"},
    {SRTP_AEAD_AES_256_GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63"
     "7"
     "99b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
     "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de"
     "0"
     "476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4"},
};

/* The RFC gives session keys, below the derivation. */
static void gcm_session(struct srtp *s, size_t row)
{
    uint8_t key[32];
    uint32_t bytes = hex(gcm[row].key, key);

    *s = (struct srtp){.suite = &srtp_suite_info[gcm[row].suite]};
    cr_assert(srtp_gcm_init(&s->rtp, key, bytes));
    cr_assert(srtp_gcm_init(&s->rtcp, key, bytes));
    hex("517569642070726f2071756f", s->rtp.salt);
    hex("517569642070726f2071756f", s->rtcp.salt);
}

Test(srtp, gcm_is_rfc_7714_16_and_17)
{
    for (size_t row = 0; row < 2; row++) {
        struct srtp s, far_end;
        uint8_t p[256];
        uint32_t n = hex(GCM_RTP, p);

        gcm_session(&s, row);
        gcm_session(&far_end, row);
        cr_assert_eq(srtp_seal(&s, p, &n), SRTP_GOOD);
        same(p, n, gcm[row].rtp);
        cr_assert_eq(srtp_unseal(&far_end, p, &n), SRTP_GOOD);
        same(p, n, GCM_RTP);
        n = hex(GCM_RTCP, p);
        s.rtcp_next = 0x5d4;
        cr_assert_eq(srtcp_seal(&s, p, &n), SRTP_GOOD);
        same(p, n, gcm[row].rtcp);
        cr_assert_eq(srtcp_unseal(&far_end, p, &n), SRTP_GOOD);
        same(p, n, GCM_RTCP);
        srtp_end(&s);
        srtp_end(&far_end);
    }
}

static struct srtp_key sample_key(enum srtp_suite suite)
{
    struct srtp_key key = {.suite = suite};

    for (uint32_t i = 0; i < SRTP_KEY_MAX; i++)
        key.key[i] = (uint8_t)(i * 7 + 1);
    for (uint32_t i = 0; i < SRTP_SALT_MAX; i++)
        key.salt[i] = (uint8_t)(i * 11 + 3);
    return key;
}

static void open_both(enum srtp_suite suite, struct srtp *a, struct srtp *b)
{
    struct srtp_key key = sample_key(suite);

    cr_assert_eq(srtp_begin(a, &key), OK);
    cr_assert_eq(srtp_begin(b, &key), OK);
}

static uint32_t packet(uint8_t *p, uint16_t seq, uint32_t ssrc)
{
    rtp_write_header(p, 0, false, seq, seq * 160u, ssrc);
    memset(p + RTP_HEADER_BYTES, 0x55, 160);
    return RTP_HEADER_BYTES + 160;
}

/* Whatever its bytes are, a packet that is refused is as it came, or another key could not be tried
 * on it; and it costs the source nothing. */
Test(srtp, a_changed_byte_is_seen_and_nothing_is_changed)
{
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        struct srtp a, b;
        uint8_t p[256], sent[256], was[256];
        uint32_t n, m;

        open_both((enum srtp_suite)suite, &a, &b);
        n = packet(sent, 9, 1);
        cr_assert_eq(srtp_seal(&a, sent, &n), SRTP_GOOD);
        for (uint32_t i = 0; i < n; i++) {
            memcpy(p, sent, n);
            p[i] ^= 0x04;
            memcpy(was, p, n);
            m = n;
            cr_assert_neq(srtp_unseal(&b, p, &m), SRTP_GOOD, "suite %u byte %u", suite, i);
            cr_assert(m == n && memcmp(p, was, n) == 0, "suite %u byte %u", suite, i);
        }
        cr_assert_eq(srtp_unseal(&b, sent, &n), SRTP_GOOD);
        memset(sent, 0x80, 60);
        n = 60;
        cr_assert_eq(srtcp_seal(&a, sent, &n), SRTP_GOOD);
        for (uint32_t i = 0; i < n; i++) {
            memcpy(p, sent, n);
            p[i] ^= 0x04;
            memcpy(was, p, n);
            m = n;
            cr_assert_neq(srtcp_unseal(&b, p, &m), SRTP_GOOD, "suite %u RTCP byte %u", suite, i);
            cr_assert(m == n && memcmp(p, was, n) == 0, "suite %u RTCP byte %u", suite, i);
        }
        cr_assert_eq(srtcp_unseal(&b, sent, &n), SRTP_GOOD);
        srtp_end(&a);
        srtp_end(&b);
    }
}

Test(srtp, refuses_what_was_here_and_what_is_too_old)
{
    struct srtp a, b;
    static uint8_t sent[300][256];
    uint32_t n[300], len;
    uint8_t p[256];

    open_both(SRTP_AES_CM_128_HMAC_SHA1_80, &a, &b);
    for (uint32_t i = 0; i < 300; i++) { /* over the wrap */
        n[i] = packet(sent[i], (uint16_t)(65400 + i), 7);
        cr_assert_eq(srtp_seal(&a, sent[i], &n[i]), SRTP_GOOD);
    }
#define COMES(i, verdict)                                                                          \
    do {                                                                                           \
        memcpy(p, sent[i], n[i]);                                                                  \
        len = n[i];                                                                                \
        cr_assert_eq(srtp_unseal(&b, p, &len), verdict, "packet %d", (int)(i));                    \
    } while (0)
    COMES(0, SRTP_GOOD);
    COMES(0, SRTP_REPLAYED);
    COMES(200, SRTP_GOOD); /* beyond the wrap: the counter moved */
    COMES(100, SRTP_GOOD); /* before it, late */
    COMES(100, SRTP_REPLAYED);
    COMES(200 - SRTP_WINDOW + 1, SRTP_GOOD);
    COMES(200 - SRTP_WINDOW, SRTP_OLD);
    COMES(299, SRTP_GOOD);
    COMES(299 - SRTP_WINDOW + 1, SRTP_GOOD);
    COMES(200, SRTP_REPLAYED);
    COMES(100, SRTP_OLD);
    srtp_end(&a);
    srtp_end(&b);
}

/* A key stream used twice gives both texts away. */
Test(srtp, a_sequence_number_is_sealed_once)
{
    struct srtp a, b;
    uint8_t p[256];
    uint32_t n = packet(p, 500, 1);

    open_both(SRTP_AEAD_AES_128_GCM, &a, &b);
    cr_assert_eq(srtp_seal(&a, p, &n), SRTP_GOOD);
    n = packet(p, 500, 1);
    cr_assert_eq(srtp_seal(&a, p, &n), SRTP_REPLAYED);
    cr_assert_eq(n, RTP_HEADER_BYTES + 160);
    n = packet(p, 499, 1); /* relayed out of order: that is well */
    cr_assert_eq(srtp_seal(&a, p, &n), SRTP_GOOD);
    a.source[0].index = (UINT64_C(1) << 48) - 1;
    n = packet(p, 2, 1);
    cr_assert_eq(srtp_seal(&a, p, &n), SRTP_WORN);
    a.rtcp_next = 0x7fffffff;
    memset(p, 0x80, 28);
    n = 28;
    cr_assert_eq(srtcp_seal(&a, p, &n), SRTP_GOOD);
    n = 28;
    cr_assert_eq(srtcp_seal(&a, p, &n), SRTP_WORN);
    srtp_end(&a);
    srtp_end(&b);
}

Test(srtp, counts_sources_and_keeps_them_apart)
{
    struct srtp a[SRTP_SOURCES_MAX + 1], b, unused;
    uint8_t p[256], first[256];
    uint32_t n, m = 0;

    open_both(SRTP_AES_CM_128_HMAC_SHA1_32, &b, &unused);
    for (uint32_t i = 0; i <= SRTP_SOURCES_MAX; i++) {
        struct srtp_key key = sample_key(SRTP_AES_CM_128_HMAC_SHA1_32);

        cr_assert_eq(srtp_begin(&a[i], &key), OK);
        n = packet(p, 5, i);
        cr_assert_eq(srtp_seal(&a[i], p, &n), SRTP_GOOD);
        if (i == 0) {
            memcpy(first, p, n);
            m = n;
        }
        cr_assert_eq(srtp_unseal(&b, p, &n), i < SRTP_SOURCES_MAX ? SRTP_GOOD : SRTP_CROWDED);
        srtp_end(&a[i]);
    }
    cr_assert_eq(srtp_unseal(&b, first, &m), SRTP_REPLAYED, "the first source is still known");
    srtp_end(&b);
    srtp_end(&unused);
}

/* Every packet ends at a page that cannot be read: headers that promise more than there is. */
Test(srtp, short_and_twisted_packets_are_malformed)
{
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        struct srtp a, b;
        uint8_t p[256];

        open_both((enum srtp_suite)suite, &a, &b);
        for (uint32_t len = 0; len < 60; len++) {
            for (unsigned first = 0; first < 256; first += 5) {
                uint32_t n = len;

                memset(p, 0x7f, sizeof(p));
                p[0] = (uint8_t)first;
                uint8_t *at = (uint8_t *)guard_place(p, len);
                enum srtp_verdict v = srtp_unseal(&b, at, &n);

                cr_assert(v == SRTP_MALFORMED || v == SRTP_FORGED);
                n = len;
                v = srtcp_unseal(&b, at, &n);
                cr_assert(v == SRTP_MALFORMED || v == SRTP_FORGED);
            }
        }
        uint32_t n = packet(p, 1, 1);

        p[0] |= 0x10; /* an extension longer than the packet */
        rtp_put16(p + 14, 0xffff);
        cr_assert_eq(srtp_seal(&a, p, &n), SRTP_MALFORMED);
        srtp_end(&a);
        srtp_end(&b);
    }
}

Test(srtp, knows_its_suites)
{
    enum srtp_suite suite;

    cr_assert(srtp_suite_find(SLICE("aead_aes_256_gcm"), &suite));
    cr_assert_eq(suite, SRTP_AEAD_AES_256_GCM);
    cr_assert_not(srtp_suite_find(SLICE("F8_128_HMAC_SHA1_80"), &suite));
    struct srtp s;
    struct srtp_key bad = {.suite = SRTP_SUITES};

    cr_assert_eq(srtp_begin(&s, &bad), ERR_INVALID);
    srtp_end(&s);
}
