/* URIs and name-addrs: every field, every way to be wrong, and RFC 3261 19.1.4's own table of what
 * is equal and what is not (with other names). */
#include "sip/uri.h"

#include "expect.h"

static struct sip_uri parse(const char *text)
{
    struct sip_uri u;
    cr_assert_eq(sip_uri_parse(guarded(text), &u), OK, "not accepted: %s", text);
    return u;
}

Test(uri, all_fields)
{
    struct sip_uri u =
        parse("sip:ann:pa$s@host-1.example.test:5070;transport=tcp;lr?Subject=a&Priority=b");
    cr_assert_eq(u.scheme, SIP_SCHEME_SIP);
    cr_assert(u.has_user);
    EXPECT_TEXT(u.user, "ann");
    EXPECT_TEXT(u.password, "pa$s");
    EXPECT_TEXT(u.host, "host-1.example.test");
    cr_assert_eq(u.port, 5070);
    EXPECT_TEXT(u.params, "transport=tcp;lr");
    EXPECT_TEXT(u.headers, "Subject=a&Priority=b");
    cr_assert(sip_uri_is_loose(&u));
    struct slice v;
    cr_assert(sip_uri_param(&u, SLICE("TRANSPORT"), &v));
    EXPECT_TEXT(v, "tcp");
    cr_assert_not(sip_uri_param(&u, SLICE("maddr"), &v));
}

Test(uri, least)
{
    struct sip_uri u = parse("SIPS:a");
    cr_assert_eq(u.scheme, SIP_SCHEME_SIPS);
    cr_assert_not(u.has_user);
    EXPECT_TEXT(u.host, "a");
    cr_assert_eq(u.port, 0);
    cr_assert_not(sip_uri_is_loose(&u));
}

Test(uri, ipv6)
{
    struct sip_uri u = parse("sip:u@[2001:db8::10]:5080;x");
    cr_assert(u.host_is_ipv6);
    EXPECT_TEXT(u.host, "2001:db8::10");
    cr_assert_eq(u.port, 5080);
    u = parse("sip:[::1]");
    EXPECT_TEXT(u.host, "::1");
}

/* RFC 4475 3.1.1.2: everything that may stand in a user part and a password. */
Test(uri, odd_but_valid_users)
{
    struct sip_uri u = parse("sip:1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/"
                             ";;*:&it+has=1,weird!*pas$wo~d_too.(yes)@a.test");
    EXPECT_TEXT(u.user, "1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    EXPECT_TEXT(u.password, "&it+has=1,weird!*pas$wo~d_too.(yes)");
    EXPECT_TEXT(u.host, "a.test");
    u = parse("sip:user;par=u%40a.test@b.test");
    EXPECT_TEXT(u.user, "user;par=u%40a.test");
    u = parse("sip:null-%00-null@a.test");
    EXPECT_TEXT(u.user, "null-%00-null");
    u = parse("sip:*31#12025550100@a.test");
    EXPECT_TEXT(u.user, "*31#12025550100");
}

Test(uri, telephone)
{
    struct sip_uri u = parse("tel:+1-202-555-0100;ext=12");
    cr_assert_eq(u.scheme, SIP_SCHEME_TEL);
    EXPECT_TEXT(u.user, "+1-202-555-0100");
    EXPECT_TEXT(u.params, "ext=12");
    EXPECT_TEXT(u.host, "");
    u = parse("tel:*611#;phone-context=+1202");
    EXPECT_TEXT(u.user, "*611#");
}

Test(uri, other_schemes_are_kept)
{
    struct sip_uri u = parse("soap.beep://192.0.2.103:3002");
    cr_assert_eq(u.scheme, SIP_SCHEME_OTHER);
    EXPECT_TEXT(u.text, "soap.beep://192.0.2.103:3002");
}

Test(uri, malformed)
{
    static const char *const bad[] = {
        "",
        "sip",
        "sip:",
        ":a",
        "sip:@a",
        "sip:a@",
        "sip:a@@b",
        "sip:a b@c",
        "sip:a@b c",
        "sip:a@b:",
        "sip:a@b:0",
        "sip:a@b:65536",
        "sip:a@b:x",
        "sip:a@b:50x",
        "sip:[::1",
        "sip:[]",
        "sip:[::g]",
        "sip:[1::2::3]",
        "sip:a%4@b",
        "sip:a%zz@b",
        "sip:a<b@c",
        "sip:a\"b@c",
        "sip:a@b;p=\"x\"",
        "sip:a@b;p=%1",
        "sip:a@b?",
        "sip:a@b?h=<",
        " sip:a@b",
        "sip:a@b ",
        "1ip:a@b",
        "s p:a",
        "tel:",
        "tel:+",
        "tel:+12a",
        "tel:-",
        "tel:12;x=<",
        "x:",
        "x:a b",
        "sip:a@b\r\n",
        "sip:\x01@b",
        "sip:\xc3\xa4@b",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sip_uri u;
        cr_expect_eq(sip_uri_parse(guarded(bad[i]), &u), ERR_INVALID, "accepted: %s", bad[i]);
    }
}

static bool equal(const char *a, const char *b)
{
    struct sip_uri x = parse(a), y = parse(b);
    cr_assert_eq(sip_uri_eq(&x, &y), sip_uri_eq(&y, &x), "not symmetric: %s %s", a, b);
    return sip_uri_eq(&x, &y);
}

Test(uri, equal)
{
    static const char *const pairs[][2] = {
        {"sip:%61lice@atlanta.test;transport=TCP", "sip:alice@AtLanTa.TeSt;Transport=tcp"},
        {"sip:carol@chicago.test", "sip:carol@chicago.test;newparam=5"},
        {"sip:carol@chicago.test", "sip:carol@chicago.test;security=on"},
        {"sip:carol@chicago.test;newparam=5", "sip:carol@chicago.test;security=on"},
        {"sip:biloxi.test;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.test",
         "sip:biloxi.test;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.test"},
        {"sip:alice@atlanta.test?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.test?priority=urgent&subject=project%20x"},
        {"sip:a@[::1]:5060", "sip:a@[0:0::1]:5060"},
        {"tel:+1-202-555-0100", "tel:+1(202)5550100"},
        {"tel:A1;phone-context=x", "tel:a1;phone-context=x"},
        {"mailto:a@b.test", "mailto:a@b.test"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        cr_expect(equal(pairs[i][0], pairs[i][1]), "%s and %s", pairs[i][0], pairs[i][1]);
}

Test(uri, not_equal)
{
    static const char *const pairs[][2] = {
        {"SIP:ALICE@AtLanTa.TeSt;Transport=udp", "sip:alice@AtLanTa.TeSt;Transport=UDP"},
        {"sip:bob@biloxi.test", "sip:bob@biloxi.test:5060"},
        {"sip:bob@biloxi.test", "sip:bob@biloxi.test;transport=udp"},
        {"sip:bob@biloxi.test", "sip:bob@biloxi.test:6000;transport=tcp"},
        {"sip:carol@chicago.test", "sip:carol@chicago.test?Subject=next%20meeting"},
        {"sip:bob@phone21.test", "sip:bob@192.0.2.4"},
        {"sip:carol@chicago.test;newparam=5", "sip:carol@chicago.test;newparam=6"},
        {"sip:carol@chicago.test;security=on", "sip:carol@chicago.test;security=off"},
        {"sip:a@b.test", "sips:a@b.test"},
        {"sip:a@b.test", "sip:a:p@b.test"},
        {"sip:a:P@b.test", "sip:a:p@b.test"},
        {"sip:b.test", "sip:a@b.test"},
        {"sip:a;b@c.test", "sip:a%3Bb@c.test"},
        {"sip:a@b.test;user=phone", "sip:a@b.test"},
        {"sip:a@b.test;maddr=192.0.2.4", "sip:a@b.test"},
        {"tel:+12025550100", "tel:12025550100"},
        {"tel:+12025550100", "tel:+12025550100;ext=1"},
        {"tel:+12025550100", "tel:+120255501001"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        cr_expect_not(equal(pairs[i][0], pairs[i][1]), "%s and %s", pairs[i][0], pairs[i][1]);
}

Test(uri, writes_what_it_read)
{
    static const char *const texts[] = {
        "sip:ann:pw@host.test:5070;transport=tcp;lr?Subject=a",
        "sips:[::1]:5061",
        "tel:+1-202-555-0100;ext=1",
        "sip:host.test",
        "nobodyKnowsThisScheme:to:x",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char out[200];
        struct sip_uri u = parse(texts[i]);
        struct buf b = buf_on(out, sizeof(out));
        sip_uri_write(&b, &u);
        EXPECT_TEXT(buf_slice(&b), texts[i]);
    }
}

Test(uri, as_request_uri)
{
    char out[200];
    struct buf b = buf_on(out, sizeof(out));
    struct sip_uri u = parse("sip:ann@host.test;method=BYE;transport=tcp;lr?Route=x");
    sip_uri_write_request(&b, &u);
    EXPECT_TEXT(buf_slice(&b), "sip:ann@host.test;transport=tcp;lr");
}

Test(uri, escapes)
{
    char out[100];
    struct buf b = buf_on(out, sizeof(out));
    sip_user_write_escaped(&b, SLICE("a b@c%#\n"));
    EXPECT_TEXT(buf_slice(&b), "a%20b%40c%25%23%0a");
    char back[100];
    struct buf r = buf_on(back, sizeof(back));
    sip_unescape(&r, buf_slice(&b));
    EXPECT_TEXT(buf_slice(&r), "a b@c%#\n");
    b = buf_on(out, sizeof(out));
    sip_unescape(&b, SLICE("100%"));
    sip_unescape(&b, SLICE("%4"));
    sip_unescape(&b, SLICE("%zz%41"));
    EXPECT_TEXT(buf_slice(&b), "100%%4%zzA");
}

Test(uri, parameters)
{
    struct slice rest = guarded(" a = 1 ;;b; c=\"x;\\\"y\" ;d="), n, v;
    cr_assert(sip_param_next(&rest, &n, &v));
    EXPECT_TEXT(n, "a");
    EXPECT_TEXT(v, "1");
    cr_assert(sip_param_next(&rest, &n, &v));
    EXPECT_TEXT(n, "b");
    EXPECT_TEXT(v, "");
    cr_assert(sip_param_next(&rest, &n, &v));
    EXPECT_TEXT(n, "c");
    EXPECT_TEXT(v, "\"x;\\\"y\"");
    cr_assert(sip_param_next(&rest, &n, &v));
    EXPECT_TEXT(n, "d");
    EXPECT_TEXT(v, "");
    cr_assert_not(sip_param_next(&rest, &n, &v));
    cr_assert_not(sip_param_next(&rest, &n, &v));
}

/* ---- name-addr ---- */

static struct sip_nameaddr addr(const char *text)
{
    struct sip_nameaddr na;
    cr_assert_eq(sip_nameaddr_parse(guarded(text), &na), OK, "not accepted: %s", text);
    return na;
}

Test(nameaddr, forms)
{
    struct sip_nameaddr na = addr("\"Ann \\\"A\\\" <x>\" <sip:ann@a.test;lr>;tag=7x;q=0.5");
    EXPECT_TEXT(na.display, "Ann \\\"A\\\" <x>");
    EXPECT_TEXT(na.uri_text, "sip:ann@a.test;lr");
    EXPECT_TEXT(na.tag, "7x");
    EXPECT_TEXT(na.params, "tag=7x;q=0.5");
    na = addr("Ann of Green <sip:ann@a.test>");
    EXPECT_TEXT(na.display, "Ann of Green");
    EXPECT_TEXT(na.tag, "");
    na = addr("caller<sip:caller@a.test>;tag=323"); /* RFC 4475 3.1.1.6 */
    EXPECT_TEXT(na.display, "caller");
    na = addr("sip:ann@a.test ; tag = 9 ");
    EXPECT_TEXT(na.display, "");
    EXPECT_TEXT(na.uri_text, "sip:ann@a.test");
    EXPECT_TEXT(na.tag, "9");
    na = addr(" * ");
    cr_assert(na.is_star);
    na = addr("<tel:+12025550100>;x=\"a;b,c\"");
    EXPECT_TEXT(na.uri_text, "tel:+12025550100");
}

Test(nameaddr, malformed)
{
    static const char *const bad[] = {
        "",
        "<",
        "<>",
        "sip",
        "<sip>",
        "<sip:a@b",
        "\"Ann <sip:a@b>",
        "\"Ann\" sip:a@b",
        "Ring, Otto <sip:a@b>;tag=43",            /* RFC 4475 3.1.2.15 */
        "\"Ann\" < sip:a@b >",                    /* RFC 4475 3.1.2.14 */
        "sip:user@a.test?Route=%3Csip:b.test%3E", /* RFC 4475 3.1.2.13 */
        "<sip:a@b>;",
        "<sip:a@b>;;tag=1",
        "<sip:a@b>;tag=",
        "<sip:a@b>;=1",
        "<sip:a@b> x",
        "<sip:a@b>,<sip:c@d>",
        "<sip:a@b>;t=\"x",
        "<sip:a b@c>",
        "* x",
        "<sip:a@b>;tag=<",
        "sip:a@b,sip:c@d",
        "\"x\\",
        "Ann \"A\" <sip:a@b>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sip_nameaddr na;
        cr_expect_eq(sip_nameaddr_parse(guarded(bad[i]), &na), ERR_INVALID, "accepted: %s", bad[i]);
    }
}

Test(nameaddr, writes_quotes_and_no_line_breaks)
{
    char out[200];
    struct buf b = buf_on(out, sizeof(out));
    sip_nameaddr_write(&b, SLICE("A \"b\\c\r\nd"), SLICE("sip:a@b.test"), SLICE("t1"));
    EXPECT_TEXT(buf_slice(&b), "\"A \\\"b\\\\c  d\" <sip:a@b.test>;tag=t1");
    b = buf_on(out, sizeof(out));
    sip_nameaddr_write(&b, SLICE_NONE, SLICE("sip:a@b.test"), SLICE_NONE);
    EXPECT_TEXT(buf_slice(&b), "<sip:a@b.test>");
}
