/* Our SRTP beside libsrtp2, byte for byte: what we seal is what it would have sent, and of what a
 * bad line brings (lost, late, twice, changed) both take the same packets for the same reasons.
 * Drawn from seeds; every suite; over the wrap of the sequence number; RTP and RTCP; with MKI. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/rng.h"
#include "media/rtp.h"
#include "media/srtp.h"

#ifndef PEAL_HAVE_SRTP

Test(srtp_oracle, missing)
{
    cr_skip("libsrtp2 is not installed");
}

#else

#include <srtp2/srtp.h>

#define PACKETS  6000
#define ROOM     1500
#define LATE_MAX 200
#define MKI      4

struct wire {
    uint32_t len;
    uint64_t turn; /* when it comes */
    _Alignas(8) uint8_t p[ROOM];
};

static const srtp_profile_t profile[SRTP_SUITES] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = srtp_profile_aes128_cm_sha1_80,
    [SRTP_AES_CM_128_HMAC_SHA1_32] = srtp_profile_aes128_cm_sha1_32,
    [SRTP_AEAD_AES_128_GCM] = srtp_profile_aead_aes_128_gcm,
    [SRTP_AEAD_AES_256_GCM] = srtp_profile_aead_aes_256_gcm,
};

static struct rng rng;
static struct wire sent[PACKETS], line[PACKETS * 2];
static uint32_t on_line;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(rng_u64(&rng) % n);
}

static struct srtp_key draw_key(enum srtp_suite suite, uint8_t mki_bytes)
{
    struct srtp_key key = {.suite = suite, .mki_bytes = mki_bytes, .mki = {1, 2, 3, 4}};

    for (uint32_t i = 0; i < sizeof(key.key); i++)
        key.key[i] = (uint8_t)rng_u64(&rng);
    for (uint32_t i = 0; i < sizeof(key.salt); i++)
        key.salt[i] = (uint8_t)rng_u64(&rng);
    return key;
}

/* libsrtp2's view of the same key. */
static srtp_t theirs(const struct srtp_key *key, bool inbound, bool mki)
{
    const struct srtp_suite_info *info = &srtp_suite_info[key->suite];
    unsigned char master[SRTP_KEY_MAX + SRTP_SALT_MAX], mki_id[MKI] = {1, 2, 3, 4};
    srtp_master_key_t one = {.key = master, .mki_id = mki_id, .mki_size = MKI};
    srtp_master_key_t *keys[1] = {&one};
    srtp_policy_t policy;
    srtp_t out;

    memset(&policy, 0, sizeof(policy));
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile[key->suite]);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile[key->suite]);
    memcpy(master, key->key, info->key_bytes);
    memcpy(master + info->key_bytes, key->salt, info->salt_bytes);
    policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    policy.window_size = SRTP_WINDOW;
    if (mki) {
        policy.keys = keys;
        policy.num_master_keys = 1;
    } else {
        policy.key = master;
    }
    cr_assert_eq(srtp_create(&out, &policy), srtp_err_status_ok);
    return out;
}

static uint32_t draw_rtp(uint8_t *p, uint16_t seq, uint32_t ssrc)
{
    uint32_t n = RTP_HEADER_BYTES, payload = below(4) ? 160 : below(1000);

    rtp_write_header(p, 0, below(2), seq, (uint32_t)rng_u64(&rng), ssrc);
    if (below(8) == 0) {
        uint32_t csrcs = below(4);

        p[0] |= (uint8_t)csrcs;
        n += csrcs * 4;
    }
    if (below(8) == 0) {
        uint32_t words = below(5);

        p[0] |= 0x10;
        rtp_put16(p + n, 0xbede);
        rtp_put16(p + n + 2, (uint16_t)words);
        n += 4 + words * 4;
    }
    for (uint32_t i = RTP_HEADER_BYTES; i < n + payload; i++)
        if (i >= n || i < RTP_HEADER_BYTES + (p[0] & 15u) * 4)
            p[i] = (uint8_t)rng_u64(&rng);
    return n + payload;
}

static uint32_t draw_rtcp(uint8_t *p, uint32_t ssrc)
{
    uint32_t n = 8 + below(60) * 4;

    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)rng_u64(&rng);
    p[0] = 0x80;
    p[1] = 200;
    rtp_put16(p + 2, (uint16_t)(n / 4 - 1));
    rtp_put32(p + 4, ssrc);
    return n;
}

static enum srtp_verdict kind(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return SRTP_GOOD;
    case srtp_err_status_replay_fail:
        return SRTP_REPLAYED;
    case srtp_err_status_replay_old:
        return SRTP_OLD;
    default:
        return SRTP_FORGED; /* or no packet at all */
    }
}

/* Of a packet cut short theirs may say first that its number was here. */
static bool agree(enum srtp_verdict v, srtp_err_status_t status)
{
    return v == SRTP_MALFORMED ? kind(status) != SRTP_GOOD : v == kind(status);
}

static int by_turn(const void *a, const void *b)
{
    const struct wire *x = a, *y = b;

    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

/* No tag covers the MKI: they compare it, we step over it. */
static bool in_mki(const struct srtp_key *key, bool rtcp, const struct wire *w, uint32_t at)
{
    const struct srtp_suite_info *info = &srtp_suite_info[key->suite];
    uint32_t after = info->aead ? 0 : rtcp ? info->rtcp_tag_bytes : info->rtp_tag_bytes;

    return key->mki_bytes && at < w->len - after && at + MKI >= w->len - after;
}

/* Lost, late by up to LATE_MAX, twice, or with a bit changed. */
static void spoil(const struct srtp_key *key, bool rtcp, uint32_t count)
{
    on_line = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t copies = below(20) == 0 ? 0 : below(15) == 0 ? 2 : 1;

        for (uint32_t c = 0; c < copies; c++) {
            struct wire *w = &line[on_line++];

            *w = sent[i];
            w->turn = ((uint64_t)i + (below(4) ? 0 : below(LATE_MAX))) << 32 | on_line;
            uint32_t at = below(w->len);

            if (below(25) == 0 && !in_mki(key, rtcp, w, at))
                w->p[at] ^= (uint8_t)(1u << below(8));
            if (below(100) == 0)
                w->len = below(w->len);
        }
    }
    qsort(line, on_line, sizeof(line[0]), by_turn);
}

static void same_bytes(const struct wire *a, const struct wire *b, uint32_t i, const char *what)
{
    cr_assert_eq(a->len, b->len, "%s %u: %u bytes, theirs %u", what, i, a->len, b->len);
    for (uint32_t k = 0; k < a->len; k++)
        cr_assert_eq(a->p[k], b->p[k], "%s %u: byte %u of %u differs", what, i, k, a->len);
}

static void seal_all(const struct srtp_key *key, bool rtcp, bool mki, uint32_t ssrc)
{
    srtp_t peer = theirs(key, false, mki);
    struct srtp ours;
    uint16_t seq = (uint16_t)(65000 - below(1000));
    struct wire a, b;

    cr_assert_eq(srtp_begin(&ours, key), OK);
    if (rtcp)
        ours.rtcp_next = 1; /* libsrtp2 begins with 1, RFC 3711 section 3.4 with 0 */
    for (uint32_t i = 0; i < PACKETS; i++) {
        /* A relay sends out of order, too, and a jump is loss to the far end. */
        uint16_t step = (uint16_t)(below(50) == 0 ? 65536 - below(20) : 1 + (below(40) == 0) * 30);

        seq = (uint16_t)(seq + step);
        a.len = rtcp ? draw_rtcp(a.p, ssrc) : draw_rtp(a.p, seq, ssrc);
        b = a;
        int len = (int)b.len;
        srtp_err_status_t status = rtcp ? srtp_protect_rtcp_mki(peer, b.p, &len, mki, 0)
                                        : srtp_protect_mki(peer, b.p, &len, mki, 0);
        enum srtp_verdict v = rtcp ? srtcp_seal(&ours, a.p, &a.len) : srtp_seal(&ours, a.p, &a.len);

        cr_assert(agree(v, status), "packet %u: %d, theirs %d", i, v, status);
        b.len = (uint32_t)len;
        if (v == SRTP_GOOD)
            same_bytes(&a, &b, i, "sealed");
        sent[i] = b;
    }
    srtp_end(&ours);
    srtp_dealloc(peer);
}

static void unseal_all(const struct srtp_key *key, bool rtcp, bool mki)
{
    srtp_t peer = theirs(key, true, mki);
    uint32_t good = 0, replayed = 0, old = 0, forged = 0;
    struct srtp ours;

    cr_assert_eq(srtp_begin(&ours, key), OK);
    for (uint32_t i = 0; i < on_line; i++) {
        struct wire a = line[i], b = line[i];
        int len = (int)b.len;
        srtp_err_status_t status = rtcp ? srtp_unprotect_rtcp_mki(peer, b.p, &len, mki)
                                        : srtp_unprotect_mki(peer, b.p, &len, mki);
        enum srtp_verdict v =
            rtcp ? srtcp_unseal(&ours, a.p, &a.len) : srtp_unseal(&ours, a.p, &a.len);

        cr_assert(agree(v, status), "packet %u of %u bytes: %d, theirs %d", i, line[i].len, v,
                  status);
        b.len = (uint32_t)len;
        if (v == SRTP_GOOD)
            same_bytes(&a, &b, i, "unsealed");
        good += v == SRTP_GOOD;
        replayed += v == SRTP_REPLAYED;
        old += v == SRTP_OLD;
        forged += v == SRTP_FORGED;
    }
    /* The line was bad in every way, or the test looked at nothing. */
    cr_assert(good > PACKETS / 2 && replayed > 50 && old > 20 && forged > 50,
              "%u good, %u replayed, %u old, %u forged", good, replayed, old, forged);
    srtp_end(&ours);
    srtp_dealloc(peer);
}

static void both_ways(bool rtcp, bool mki)
{
    static bool started;

    cr_assert(started || srtp_init() == srtp_err_status_ok);
    started = true;
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        /* libsrtp2 looks for the MKI of SRTCP by the length of RTP's tag: not its own packets pass.
         */
        if (rtcp && mki && suite == SRTP_AES_CM_128_HMAC_SHA1_32)
            continue;
        rng_seed(&rng, 100 + suite * 4 + rtcp * 2u + mki);
        struct srtp_key key = draw_key((enum srtp_suite)suite, mki ? MKI : 0);

        seal_all(&key, rtcp, mki, (uint32_t)rng_u64(&rng));
        spoil(&key, rtcp, PACKETS);
        unseal_all(&key, rtcp, mki);
    }
}

Test(srtp_oracle, rtp_is_the_same)
{
    both_ways(false, false);
}

Test(srtp_oracle, rtcp_is_the_same)
{
    both_ways(true, false);
}

Test(srtp_oracle, an_mki_is_sent_and_understood)
{
    both_ways(false, true);
    both_ways(true, true);
}

/* ---- libsrtp2 behind our functions (srtp_lib.c) ---- */

static enum srtp_verdict seal(struct srtp *s, struct wire *w, bool rtcp)
{
    return rtcp ? srtcp_seal(s, w->p, &w->len) : srtp_seal(s, w->p, &w->len);
}

static enum srtp_verdict unseal(struct srtp *s, struct wire *w, bool rtcp)
{
    return rtcp ? srtcp_unseal(s, w->p, &w->len) : srtp_unseal(s, w->p, &w->len);
}

/* What one seals the other opens, once, and not when it was changed; refused bytes stay. */
static void across(enum srtp_by sealer, enum srtp_by opener, uint8_t mki_bytes, bool rtcp)
{
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        if (rtcp && mki_bytes && suite == SRTP_AES_CM_128_HMAC_SHA1_32)
            continue; /* see both_ways */
        rng_seed(&rng, 7 + suite);
        struct srtp_key key = draw_key((enum srtp_suite)suite, mki_bytes);
        struct srtp out, in;

        key.by = sealer;
        cr_assert_eq(srtp_begin(&out, &key), OK);
        key.by = opener;
        cr_assert_eq(srtp_begin(&in, &key), OK);
        for (uint16_t i = 0; i < 300; i++) {
            struct wire plain = {.len = 0}, w, bad, was;

            plain.len =
                rtcp ? draw_rtcp(plain.p, 77) : draw_rtp(plain.p, (uint16_t)(65400 + i), 77);
            w = plain;
            cr_assert_eq(seal(&out, &w, rtcp), SRTP_GOOD);
            cr_assert(w.len > plain.len &&
                      w.len <= plain.len + (rtcp ? SRTCP_TRAILER_MAX : SRTP_TRAILER_MAX));
            bad = w;
            bad.p[plain.len - 1] ^= 1;
            was = bad;
            if (plain.len > RTP_HEADER_BYTES) {
                cr_assert_neq(unseal(&in, &bad, rtcp), SRTP_GOOD);
                same_bytes(&bad, &was, i, "refused");
            }
            was = w;
            cr_assert_eq(unseal(&in, &w, rtcp), SRTP_GOOD, "suite %u packet %u", suite, i);
            same_bytes(&w, &plain, i, "opened");
            cr_assert_eq(unseal(&in, &was, rtcp), SRTP_REPLAYED);
        }
        srtp_end(&out);
        srtp_end(&in);
    }
}

Test(srtp_lib, stands_behind_our_functions)
{
    cr_assert(srtp_lib_is_there());
    for (int rtcp = 0; rtcp < 2; rtcp++) {
        for (uint8_t mki = 0; mki <= MKI; mki += MKI) {
            across(SRTP_BY_LIBSRTP2, SRTP_BY_LIBSRTP2, mki, rtcp);
            across(SRTP_BY_OURS, SRTP_BY_LIBSRTP2, mki, rtcp);
            across(SRTP_BY_LIBSRTP2, SRTP_BY_OURS, mki, rtcp);
        }
    }
}

Test(srtp_lib, refuses_what_it_cannot_have)
{
    struct srtp_key key = {.by = SRTP_BY_LIBSRTP2, .mki_bytes = SRTP_MKI_SENT_MAX + 1};
    struct wire w = {.len = 5};
    struct srtp s;

    cr_expect_eq(srtp_begin(&s, &key), ERR_UNSUPPORTED);
    key.mki_bytes = 0;
    cr_assert_eq(srtp_begin(&s, &key), OK);
    cr_expect_neq(srtp_unseal(&s, w.p, &w.len), SRTP_GOOD);
    cr_expect_eq(w.len, 5);
    srtp_end(&s);
    srtp_end(&s);
}

#endif
