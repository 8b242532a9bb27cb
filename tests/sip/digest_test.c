/* Digest: the RFCs' own vectors, picking among challenges, and a server that trusts only nonces of
 * its own making. */
#include "sip/digest.h"

#include <stdio.h>

#include "expect.h"

static char hex[DIGEST_HEX_MAX];
static size_t len;

static struct sip_msg msg;
static char text[4096];

/* RFC 7616 3.9.1: one password, two algorithms. */
static struct digest_request mufasa(void)
{
    return (struct digest_request){
        .user = SLICE("Mufasa"),
        .password = SLICE("Circle of Life"),
        .method = SLICE("GET"),
        .uri = SLICE("/dir/index.html"),
        .nc = 1,
        .cnonce = SLICE("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
    };
}

#define RFC7616(alg)                                                                               \
    "Digest realm=\"http-auth@example.org\",qop=\"auth, auth-int\", algorithm=" alg                \
    ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "                                   \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""

static void expect_response(const char *challenge, struct digest_request r, const char *want)
{
    struct digest_challenge c;
    cr_assert_eq(digest_challenge_parse(guarded(challenge), false, &c), OK);
    cr_assert_eq(digest_response(&c, &r, hex, &len), OK);
    EXPECT_TEXT(slice_of(hex, len), want);
}

Test(digest, vectors_of_rfc_7616)
{
    expect_response(RFC7616("MD5"), mufasa(), "8ca523f5e9506fed4657c9700eebdbec");
    expect_response(RFC7616("SHA-256"), mufasa(),
                    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    /* 3.9.2 with the response of its erratum 4897. */
    struct digest_request r = {
        .user = SLICE("J\xc3\xa4s\xc3\xb8n Doe"),
        .password = SLICE("Secret, or not?"),
        .method = SLICE("GET"),
        .uri = SLICE("/doe.json"),
        .nc = 1,
        .cnonce = SLICE("NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"),
    };
    expect_response("Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
                    "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\"",
                    r, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

Test(digest, vectors_of_rfc_2617)
{
    struct digest_request r = mufasa();
    r.password = SLICE("Circle Of Life");
    r.cnonce = SLICE("0a4f113b");
    expect_response("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
                    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"x\"",
                    r, "6629fae49393a05397450978507c4ef1");
    /* Without qop (RFC 2069); this value is the one of its erratum 749. */
    r.password = SLICE("CircleOfLife");
    expect_response("Digest realm=\"testrealm@host.com\", "
                    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"x\"",
                    r, "1949323746fe6a43ef61f9606e7febea");
}

/* Independently computed. */
Test(digest, session_algorithms)
{
    struct digest_request r = mufasa();
    expect_response("Digest realm=\"r\", qop=auth, algorithm=MD5-sess, nonce=\"n\"",
                    (struct digest_request){.user = SLICE("u"),
                                            .password = SLICE("p"),
                                            .method = SLICE("M"),
                                            .uri = SLICE("x"),
                                            .nc = 0x2a,
                                            .cnonce = SLICE("c")},
                    "128684ff918dc8024f9918fb6461f989");
    expect_response("Digest realm=\"r\", qop=auth, algorithm=SHA-256-sess, nonce=\"n\"",
                    (struct digest_request){.user = SLICE("u"),
                                            .password = SLICE("p"),
                                            .method = SLICE("M"),
                                            .uri = SLICE("x"),
                                            .nc = 0x2a,
                                            .cnonce = SLICE("c")},
                    "b77015ab50561282b90ef5bbd8a75edf5d2f6a9ae1d7d76594ea11151976a378");
    struct digest_challenge c;
    r.cnonce = SLICE_NONE;
    cr_assert_eq(digest_challenge_parse(
                     SLICE("Digest realm=\"r\", algorithm=MD5-sess, nonce=\"n\""), false, &c),
                 OK);
    cr_assert_eq(digest_response(&c, &r, hex, &len), ERR_INVALID);
}

Test(digest, authorization_header)
{
    struct digest_challenge c;
    struct digest_request r = mufasa();
    struct buf b = buf_on(text, sizeof(text));
    cr_assert_eq(digest_challenge_parse(guarded(RFC7616("SHA-256")), false, &c), OK);
    cr_assert_eq(digest_write_authorization(&b, &c, &r), OK);
    EXPECT_TEXT(
        buf_slice(&b),
        "Authorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "
        "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
        "algorithm=SHA-256, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
        "qop=auth, nc=00000001, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n");
    b = buf_on(text, sizeof(text));
    cr_assert_eq(digest_challenge_parse(SLICE("digest realm=\"\", nonce=\"n\""), true, &c), OK);
    r.cnonce = SLICE_NONE;
    r.user = SLICE("a\"b\r\nX: y");
    cr_assert_eq(digest_write_authorization(&b, &c, &r), OK);
    cr_assert(
        slice_starts(buf_slice(&b), SLICE("Proxy-Authorization: Digest username=\"a\\\"b  X: y\", "
                                          "realm=\"\", nonce=\"n\"")));
    cr_assert_eq(slice_find(buf_slice(&b), '\r'), (int)b.len - 2);
    cr_assert_eq(slice_find(buf_slice(&b), '\n'), (int)b.len - 1);
}

Test(digest, challenges)
{
    static const struct {
        const char *text;
        enum err want;
    } cases[] = {
        {"Digest realm=\"a,b\" , nonce = \"n\",stale=TRUE,qop=\"auth-int,auth\"", OK},
        {"Digest realm=\"a\", nonce=\"n\", algorithm=\"MD5\"", OK},
        {"Basic realm=\"a\"", ERR_UNSUPPORTED},
        {"Digest realm=\"a\", nonce=\"n\", algorithm=AKAv1-MD5", ERR_UNSUPPORTED},
        {"Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"", ERR_UNSUPPORTED},
        {"Digest realm=\"a\", nonce=\"n", ERR_INVALID},
        {"Digest realm=\"a\" nonce=\"n\"", ERR_INVALID},
        {"Digest realm=\"a\"", ERR_INVALID},
        {"Digest nonce=\"n\"", ERR_INVALID},
        {"Digest", ERR_INVALID},
        {"", ERR_INVALID},
        {"Digest realm=\"a\", nonce=\"n\", =x", ERR_INVALID},
    };
    struct digest_challenge c;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(digest_challenge_parse(guarded(cases[i].text), false, &c), cases[i].want, "%s",
                     cases[i].text);
    cr_assert_eq(digest_challenge_parse(guarded(cases[0].text), false, &c), OK);
    EXPECT_TEXT(c.realm, "a,b");
    cr_assert(c.stale);
    cr_assert(c.qop_auth);
    cr_assert_eq(c.alg, DIGEST_MD5);
}

static enum err pick(unsigned status, const char *challenges, struct slice realm,
                     struct digest_challenge *c)
{
    int n = snprintf(text, sizeof(text),
                     "SIP/2.0 %u x\r\nVia: SIP/2.0/UDP a.test;branch=z9hG4bKx\r\n"
                     "From: <sip:a@a.test>;tag=1\r\nTo: <sip:b@b.test>;tag=2\r\nCall-ID: c\r\n"
                     "CSeq: 1 INVITE\r\n%s\r\n",
                     status, challenges);
    cr_assert_eq(sip_parse(&msg, guard_place(text, (size_t)n), (size_t)n), OK);
    return digest_pick(&msg, realm, c);
}

Test(digest, the_strongest_challenge_is_picked)
{
    struct digest_challenge c;
    static const char many[] =
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"md5\"\r\n"
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"odd\", algorithm=X\r\n"
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=SHA-256\r\n"
        "WWW-Authenticate: Digest realm=\"b\", nonce=\"2\", algorithm=SHA-256\r\n"
        "Proxy-Authenticate: Digest realm=\"p\", nonce=\"3\"\r\n";
    cr_assert_eq(pick(401, many, SLICE_NONE, &c), OK);
    EXPECT_TEXT(c.nonce, "1");
    cr_assert_not(c.is_proxy);
    cr_assert_eq(pick(401, many, SLICE("b"), &c), OK);
    EXPECT_TEXT(c.nonce, "2");
    cr_assert_eq(pick(401, many, SLICE("z"), &c), ERR_NOT_FOUND);
    cr_assert_eq(pick(407, many, SLICE_NONE, &c), OK);
    EXPECT_TEXT(c.nonce, "3");
    cr_assert(c.is_proxy);
    cr_assert_eq(pick(403, many, SLICE_NONE, &c), ERR_NOT_FOUND);
    cr_assert_eq(pick(401, "", SLICE_NONE, &c), ERR_NOT_FOUND);
    cr_assert_eq(pick(401, "WWW-Authenticate: Basic realm=\"a\"\r\n", SLICE_NONE, &c),
                 ERR_NOT_FOUND);
}

/* ---- both sides ---- */

static struct digest_server server;
static char challenge[512], authorization[1024];

/* What stands after the header's name. */
static struct slice value_of(const struct buf *b)
{
    struct slice name, value;
    slice_cut(buf_slice(b), ':', &name, &value);
    return slice_trim(value);
}

static struct digest_credentials log_in(enum digest_alg alg, uint64_t now_ms, const char *password)
{
    struct digest_challenge c;
    struct digest_credentials cr;
    char cnonce[DIGEST_CNONCE_LEN];
    struct buf b = buf_on(challenge, sizeof(challenge));
    cr_assert_eq(
        digest_write_challenge(&b, &server, SLICE("peal \"x\""), alg, now_ms, false, false), OK);
    cr_assert_eq(digest_challenge_parse(value_of(&b), false, &c), OK);
    cr_assert_eq(c.alg, alg);
    digest_cnonce(cnonce);
    struct digest_request r = {
        .user = SLICE("ann"),
        .password = slice_cstr(password),
        .method = SLICE("REGISTER"),
        .uri = SLICE("sip:peal.test"),
        .nc = 0x1f,
        .cnonce = slice_of(cnonce, sizeof(cnonce)),
    };
    b = buf_on(authorization, sizeof(authorization));
    cr_assert_eq(digest_write_authorization(&b, &c, &r), OK);
    cr_assert_eq(digest_credentials_parse(value_of(&b), &cr), OK);
    return cr;
}

Test(digest_server, accepts_its_own_and_nothing_else)
{
    digest_server_init(&server, 60);
    for (enum digest_alg alg = DIGEST_MD5; alg <= DIGEST_SHA512_256_SESS; alg++) {
        struct digest_credentials c = log_in(alg, 1000000, "pw");
        EXPECT_TEXT(c.user, "ann");
        cr_assert_eq(c.nc, 0x1f);
        const struct slice m = SLICE("REGISTER"), pw = SLICE("pw");
        cr_assert_eq(digest_verify(&server, &c, m, pw, 1000000), DIGEST_OK);
        cr_assert_eq(digest_verify(&server, &c, m, pw, 1060000), DIGEST_OK);
        cr_assert_eq(digest_verify(&server, &c, m, pw, 1060001), DIGEST_STALE);
        cr_assert_eq(digest_verify(&server, &c, m, pw, 999999), DIGEST_STALE);
        cr_assert_eq(digest_verify(&server, &c, SLICE("INVITE"), pw, 1000000), DIGEST_WRONG);
        cr_assert_eq(digest_verify(&server, &c, m, SLICE("PW"), 1000000), DIGEST_WRONG);
        c.nc_text = SLICE("00000020");
        cr_assert_eq(digest_verify(&server, &c, m, pw, 1000000), DIGEST_WRONG);
    }
}

Test(digest_server, forged_or_foreign_nonces_are_stale)
{
    digest_server_init(&server, 60);
    struct digest_credentials c = log_in(DIGEST_SHA256, 1000000, "pw");
    digest_server_init(&server, 60); /* another key, as after a restart */
    cr_assert_eq(digest_verify(&server, &c, SLICE("REGISTER"), SLICE("pw"), 1000000), DIGEST_STALE);
    c = log_in(DIGEST_SHA256, 1000000, "pw");
    cr_assert_eq(digest_verify(&server, &c, SLICE("REGISTER"), SLICE("pw"), 1000000), DIGEST_OK);
    /* The same nonce with its time moved on, and a right response made for it. */
    char nonce[DIGEST_NONCE_MAX];
    cr_assert_leq(c.nonce.len, sizeof(nonce));
    memcpy(nonce, c.nonce.p, c.nonce.len);
    nonce[10] = nonce[10] == '0' ? '1' : '0';
    struct digest_inputs in = {
        .alg = c.alg,
        .user = c.user,
        .password = SLICE("pw"),
        .realm = c.realm,
        .nonce = slice_of(nonce, c.nonce.len),
        .method = SLICE("REGISTER"),
        .uri = c.uri,
        .cnonce = c.cnonce,
        .nc = c.nc_text,
    };
    cr_assert_eq(digest_calculate(&in, hex, &len), OK);
    c.nonce = in.nonce;
    c.response = slice_of(hex, len);
    cr_assert_eq(digest_verify(&server, &c, SLICE("REGISTER"), SLICE("pw"), 1000000), DIGEST_STALE);
}

Test(digest_server, nonces_differ)
{
    char first[512];
    digest_server_init(&server, 60);
    struct buf a = buf_on(first, sizeof(first)), b = buf_on(text, sizeof(text));
    digest_write_challenge(&a, &server, SLICE("r"), DIGEST_MD5, 5, true, true);
    digest_write_challenge(&b, &server, SLICE("r"), DIGEST_MD5, 5, true, true);
    cr_assert(
        slice_starts(buf_slice(&a), SLICE("Proxy-Authenticate: Digest realm=\"r\", nonce=\"")));
    cr_assert(strstr(first, "stale=true"));
    cr_assert_not(slice_eq(buf_slice(&a), buf_slice(&b)));
}

Test(digest_server, broken_credentials)
{
    static const struct {
        const char *text;
        enum err want;
    } cases[] = {
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"", OK},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth,"
         "nc=00000001,cnonce=\"c\"",
         OK},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth",
         ERR_INVALID},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth,"
         "nc=1,cnonce=\"c\"",
         ERR_INVALID},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth,"
         "nc=0000000g,cnonce=\"c\"",
         ERR_INVALID},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth-int,"
         "nc=00000001,cnonce=\"c\"",
         ERR_UNSUPPORTED},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",algorithm=X",
         ERR_UNSUPPORTED},
        {"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\"", ERR_INVALID},
        {"Digest realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"", ERR_INVALID},
        {"Basic YTpi", ERR_UNSUPPORTED},
        {"Digest username=\"a", ERR_INVALID},
    };
    struct digest_credentials c;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(digest_credentials_parse(guarded(cases[i].text), &c), cases[i].want, "%s",
                     cases[i].text);
}
