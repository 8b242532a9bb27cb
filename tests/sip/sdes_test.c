/* a=crypto read and written, and what offer and answer make of it. */
#include <stdio.h>

#include "expect.h"
#include "guard.h"
#include "sip/offer.h"

/* RFC 4568 section 6.1's line, and what it says. */
#define RFC_LINE                                                                                   \
    "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32"

static enum err parse(const char *text, struct sdes_key *out, const char **why)
{
    uint32_t n = (uint32_t)strlen(text);

    return sdes_parse(slice_of(guard_place(text, n), n), out, why);
}

Test(sdes, reads_the_rfcs_line)
{
    struct sdes_key key;
    const char *why;

    cr_assert_eq(parse(RFC_LINE, &key, &why), OK, "%s", why);
    cr_expect_eq(key.tag, 1);
    cr_expect_eq(key.suite, SDES_AES_CM_128_HMAC_SHA1_80);
    cr_expect_eq(key.mki_bytes, 32);
    cr_expect_eq(key.lifetime, 1 << 20);
    cr_expect_eq(memcmp(key.bytes, "wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#", 30), 0);
}

Test(sdes, writes_what_it_reads)
{
    for (unsigned suite = 0; suite < SDES_SUITES; suite++) {
        char text[SDES_LINE_MAX];
        struct buf b = buf_on(text, sizeof(text));
        struct sdes_key key, again;

        sdes_draw(&key, (enum sdes_suite)suite);
        key.tag = 7 + suite;
        key.lifetime = suite == 0 ? 0 : suite == 1 ? UINT64_C(1) << 48 : 1000000 + suite;
        key.mki_bytes = suite == 2 ? 4 : 0;
        sdes_write(&b, &key);
        cr_assert_eq(buf_end(&b), OK);
        struct slice line = buf_slice(&b);

        cr_assert(slice_starts(line, SLICE("a=crypto:")) && line.p[line.len - 1] == '\n');
        cr_assert_eq(sdes_parse(slice_of(line.p + 9, line.len - 11), &again, NULL), OK);
        cr_expect_eq(again.tag, key.tag);
        cr_expect_eq(again.suite, key.suite);
        cr_expect_eq(again.lifetime, key.lifetime);
        cr_expect_eq(again.mki_bytes, key.mki_bytes);
        cr_expect_eq(memcmp(again.bytes, key.bytes, sdes_bytes(key.suite)), 0);
        if (key.lifetime || key.mki_bytes)
            continue;
        /* Peers leave the padding out. */
        uint32_t n = line.len - 11;

        while (line.p[9 + n - 1] == '=')
            n--;
        cr_expect_eq(sdes_parse(slice_of(line.p + 9, n), &again, NULL), OK);
    }
}

Test(sdes, refuses_what_is_wrong_or_beyond_it)
{
    static const struct {
        const char *line;
        enum err err;
    } rows[] = {
        {"", ERR_INVALID},
        {"1", ERR_INVALID},
        {"x AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", ERR_INVALID},
        {"1234567890 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
         ERR_INVALID},
        {"1 F8_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", ERR_UNSUPPORTED},
        {"1 AES_CM_128_HMAC_SHA1_80 d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo!", ERR_INVALID},
        {"1 AEAD_AES_128_GCM inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", ERR_INVALID},
        /* Bits behind the last byte: not what any encoder writes. */
        {"1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB==", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1:129",
         ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1:0",
         ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|3^20",
         ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^49",
         ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|0",
         ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^48", OK},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|12345|1:4", OK},
        {RFC_LINE " UNENCRYPTED_SRTP", ERR_UNSUPPORTED},
        {RFC_LINE " UNAUTHENTICATED_SRTP", ERR_UNSUPPORTED},
        {RFC_LINE " KDR=1", ERR_UNSUPPORTED},
        {RFC_LINE " -FOO KDR=0 WSH=400", OK},
        {RFC_LINE ";inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|2:32", OK},
    };
    struct sdes_key key;
    const char *why = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(parse(rows[i].line, &key, &why), rows[i].err, "%s", rows[i].line);
        cr_expect((why == NULL) == (rows[i].err == OK), "%s", rows[i].line);
    }
}

/* ---- offer and answer ---- */

struct end {
    struct sdp_session s;
    struct sdp_negotiated n;
    char text[SDP_TEXT_MAX];
    struct buf b;
};

static void end_open(struct end *e, enum sdp_srtp srtp, uint16_t port)
{
    memset(e, 0, sizeof(*e));
    cr_assert_eq(sdp_session_init(&e->s, SLICE("127.0.0.1"), port, port), OK);
    sdp_session_srtp(&e->s, srtp);
}

static struct slice text_of(struct end *e)
{
    return buf_slice(&e->b);
}

static void parse_of(struct end *e, struct sdp *out)
{
    cr_assert_eq(sdp_parse(text_of(e), out), OK, "%s", out->fault);
}

static bool has(struct end *e, const char *what)
{
    struct slice t = text_of(e);

    return memmem(t.p, t.len, what, strlen(what)) != NULL;
}

/* One exchange; what the answerer and then the offerer said of it. */
static enum err exchange(struct end *a, struct end *b)
{
    static struct sdp offer, answer;

    a->b = buf_on(a->text, sizeof(a->text));
    b->b = buf_on(b->text, sizeof(b->text));
    cr_assert_eq(sdp_write_offer(&a->s, &a->b), OK);
    parse_of(a, &offer);
    enum err e = sdp_answer(&b->s, &offer, &b->b, &b->n);

    if (e != OK)
        return e;
    parse_of(b, &answer);
    return sdp_apply_answer(&a->s, &answer, &a->n);
}

static void keys_meet(const struct end *a, const struct end *b)
{
    cr_assert(a->n.secure && b->n.secure);
    cr_assert_eq(a->n.ours.suite, b->n.theirs.suite);
    uint32_t n = sdes_bytes(a->n.ours.suite);

    cr_expect_eq(memcmp(a->n.ours.bytes, b->n.theirs.bytes, n), 0);
    cr_expect_eq(memcmp(b->n.ours.bytes, a->n.theirs.bytes, n), 0);
    cr_expect_neq(memcmp(a->n.ours.bytes, b->n.ours.bytes, n), 0, "each has a key of its own");
}

Test(sdes_offer, every_policy_meets_every_other)
{
    static const struct {
        enum sdp_srtp offerer, answerer;
        enum err err;
        bool secure;
        const char *proto;
    } rows[] = {
        {SDP_SRTP_OFF, SDP_SRTP_OFF, OK, false, "RTP/AVP "},
        {SDP_SRTP_OFF, SDP_SRTP_OFFERED, OK, false, "RTP/AVP "},
        {SDP_SRTP_OFF, SDP_SRTP_REQUIRED, ERR_UNSUPPORTED, false, "RTP/AVP "},
        {SDP_SRTP_OFFERED, SDP_SRTP_OFF, OK, false, "RTP/AVP "},
        {SDP_SRTP_OFFERED, SDP_SRTP_OFFERED, OK, true, "RTP/AVP "},
        {SDP_SRTP_OFFERED, SDP_SRTP_REQUIRED, OK, true, "RTP/AVP "},
        {SDP_SRTP_REQUIRED, SDP_SRTP_OFF, ERR_UNSUPPORTED, false, "RTP/SAVP "},
        {SDP_SRTP_REQUIRED, SDP_SRTP_OFFERED, OK, true, "RTP/SAVP "},
        {SDP_SRTP_REQUIRED, SDP_SRTP_REQUIRED, OK, true, "RTP/SAVP "},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct end a, b;

        end_open(&a, rows[i].offerer, 4000);
        end_open(&b, rows[i].answerer, 5000);
        cr_expect_eq(exchange(&a, &b), rows[i].err, "row %zu", i);
        cr_expect(has(&a, rows[i].proto), "row %zu", i);
        cr_expect_eq(has(&a, "a=crypto:"), rows[i].offerer != SDP_SRTP_OFF, "row %zu", i);
        if (rows[i].err) {
            cr_expect(b.n.why != NULL && b.b.len == 0, "row %zu", i);
            continue;
        }
        cr_expect_eq(a.n.secure, rows[i].secure, "row %zu", i);
        cr_expect_eq(b.n.secure, rows[i].secure, "row %zu", i);
        cr_expect_eq(has(&b, "a=crypto:"), rows[i].secure, "row %zu", i);
        if (rows[i].secure)
            keys_meet(&a, &b);
    }
}

/* Re-offers from either side: the same keys, so that counters go on. */
Test(sdes_offer, keys_stay_in_later_offers)
{
    struct end a, b;
    struct sdes_key from_a, from_b;

    end_open(&a, SDP_SRTP_REQUIRED, 4000);
    end_open(&b, SDP_SRTP_OFFERED, 5000);
    cr_assert_eq(exchange(&a, &b), OK);
    from_a = a.n.ours;
    from_b = b.n.ours;
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(round & 1 ? exchange(&a, &b) : exchange(&b, &a), OK);
        keys_meet(&a, &b);
        cr_expect_eq(memcmp(a.n.ours.bytes, from_a.bytes, sizeof(from_a.bytes)), 0);
        cr_expect_eq(memcmp(b.n.ours.bytes, from_b.bytes, sizeof(from_b.bytes)), 0);
    }
    sdp_session_forget(&a.s);
    for (unsigned i = 0; i < sizeof(a.s.keys); i++)
        cr_assert_eq(((const uint8_t *)a.s.keys)[i], 0);
}

#define PEER                                                                                       \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 "

static enum err answer_to(struct end *e, enum sdp_srtp srtp, const char *rest)
{
    static char text[SDP_TEXT_MAX];
    static struct sdp offer;

    snprintf(text, sizeof(text), "%s%s", PEER, rest);
    end_open(e, srtp, 5000);
    e->b = buf_on(e->text, sizeof(e->text));
    cr_assert_eq(sdp_parse(slice_cstr(text), &offer), OK);
    return sdp_answer(&e->s, &offer, &e->b, &e->n);
}

#define KEY30 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"

Test(sdes_offer, the_peers_first_line_that_is_ours_is_taken_with_its_tag)
{
    struct end e;

    cr_assert_eq(answer_to(&e, SDP_SRTP_OFFERED,
                           "RTP/SAVP 0\r\na=crypto:3 F8_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
                           "a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^31|9:2\r\n"
                           "a=crypto:6 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"),
                 OK);
    cr_expect_eq(e.n.theirs.suite, SDES_AES_CM_128_HMAC_SHA1_32);
    cr_expect_eq(e.n.theirs.mki_bytes, 2);
    cr_expect_eq(e.n.ours.mki_bytes, 0);
    cr_expect(has(&e, "m=audio 5000 RTP/SAVP 0"));
    cr_expect(has(&e, "a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:"));
    cr_expect_not(has(&e, "a=crypto:6"));
    cr_expect_not(has(&e, KEY30), "our key, not theirs");
}

Test(sdes_offer, an_offer_without_a_key_of_ours_is_refused_with_the_reason)
{
    struct end e;

    cr_expect_eq(answer_to(&e, SDP_SRTP_OFFERED, "RTP/SAVP 0\r\n"), ERR_UNSUPPORTED);
    cr_expect(strstr(e.n.why, "a=crypto"));
    cr_expect_eq(answer_to(&e, SDP_SRTP_REQUIRED, "RTP/AVP 0\r\n"), ERR_UNSUPPORTED);
    cr_expect(strstr(e.n.why, "not encrypted"));
    cr_expect_eq(answer_to(&e, SDP_SRTP_REQUIRED,
                           "RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30
                           " UNENCRYPTED_SRTP\r\n"),
                 ERR_UNSUPPORTED);
    cr_expect_eq(answer_to(&e, SDP_SRTP_REQUIRED, "UDP/TLS/RTP/SAVP 0\r\n"), ERR_UNSUPPORTED);
}

/* An answer must name a line that was offered: its tag with its suite. */
Test(sdes_offer, an_answer_with_another_tag_is_refused)
{
    static struct sdp answer;
    static char text[SDP_TEXT_MAX];
    struct end a;

    for (unsigned tag = 1; tag <= 5; tag++) {
        end_open(&a, SDP_SRTP_REQUIRED, 4000);
        a.b = buf_on(a.text, sizeof(a.text));
        cr_assert_eq(sdp_write_offer(&a.s, &a.b), OK);
        snprintf(text, sizeof(text),
                 "%sRTP/SAVP 0\r\na=crypto:%u AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n", PEER,
                 tag);
        cr_assert_eq(sdp_parse(slice_cstr(text), &answer), OK);
        cr_expect_eq(sdp_apply_answer(&a.s, &answer, &a.n), tag == 1 ? OK : ERR_UNSUPPORTED,
                     "tag %u", tag);
    }
}

/* ---- MKI of ours, and other keys in the middle of a call ---- */

Test(sdes, our_mki_is_written_as_it_is_read)
{
    char text[SDES_LINE_MAX];
    struct buf b = buf_on(text, sizeof(text) - 1);
    struct sdes_key key, again;

    sdes_draw(&key, SDES_AEAD_AES_128_GCM);
    key.tag = 7;
    key.mki_bytes = 2;
    key.mki = 513;
    sdes_write(&b, &key);
    text[b.len] = 0;
    cr_expect(strstr(text, "|513:2\r\n"), "%s", text);
    cr_assert_eq(sdes_parse(slice_of(text + 9, b.len - 11), &again, NULL), OK);
    cr_expect_eq(again.mki, 513);
    cr_expect_eq(again.mki_bytes, 2);
}

static void write_offer(struct end *e)
{
    e->b = buf_on(e->text, sizeof(e->text) - 1);
    cr_assert_eq(sdp_write_offer(&e->s, &e->b), OK);
    e->text[e->b.len] = 0;
}

Test(sdes_offer, other_keys_are_other_lines_with_the_next_mki)
{
    static char first[SDP_TEXT_MAX];
    struct end e;

    end_open(&e, SDP_SRTP_REQUIRED, 5000);
    sdp_session_mki(&e.s, 1);
    sdp_session_lifetime(&e.s, 1 << 20);
    write_offer(&e);
    memcpy(first, e.text, sizeof(first));
    cr_expect(strstr(first, "|2^20|1:1\r\n"), "%s", first);
    write_offer(&e);
    cr_expect_str_eq(first, e.text, "the same is said again as it is");
    sdp_session_rekey(&e.s);
    write_offer(&e);
    cr_expect(strstr(e.text, "|2^20|2:1\r\n"), "and live as long: %s", e.text);
    cr_expect_not(strstr(e.text, "|1:1\r\n"));
    const char *was = strstr(first, "inline:"), *is = strstr(e.text, "inline:");

    cr_assert(was && is);
    cr_expect_neq(strncmp(was, is, 40), 0, "the key is another");
}
