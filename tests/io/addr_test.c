#include "io/addr.h"

#include <criterion/criterion.h>

#include "base/rng.h"

static const struct good {
    const char *text;
    uint16_t default_port;
    const char *as;
} goods[] = {
    {"127.0.0.1:5060", 1, "127.0.0.1:5060"},
    {"127.0.0.1", 5060, "127.0.0.1:5060"},
    {"[::1]:5061", 1, "[::1]:5061"},
    {"[::1]", 5060, "[::1]:5060"},
    {"::1", 5060, "[::1]:5060"},
    {"2001:DB8:0:0:0:0:0:5", 80, "[2001:db8::5]:80"},
    {"[::ffff:192.0.2.1]:1", 0, "[::ffff:192.0.2.1]:1"},
    {"[fe80::1%7]:99", 0, "[fe80::1%7]:99"},
    {"0.0.0.0:0", 9, "0.0.0.0:0"},
    {"255.255.255.255:65535", 9, "255.255.255.255:65535"},
};

Test(addr, reads_and_writes)
{
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        struct addr a, again;
        char text[ADDR_TEXT_MAX];

        cr_assert_eq(addr_parse(slice_cstr(goods[i].text), goods[i].default_port, &a), OK, "%s",
                     goods[i].text);
        cr_assert_str_eq(addr_format(&a, text, sizeof(text)), goods[i].as);
        cr_assert_eq(addr_parse(slice_cstr(text), 0, &again), OK);
        cr_assert(addr_eq(&a, &again));
        cr_assert_eq(memcmp(&a, &again, sizeof(a)), 0, "not comparable by bytes: %s", text);
    }
}

Test(addr, refuses)
{
    static const char *const bads[] = {
        "",
        ":",
        ":5060",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:5060x",
        "127.0.0",
        "127.0.0.256",
        "example.invalid:5060",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[127.0.0.1]:5060",
        "[]:5060",
        "::1%",
        "[::1]5060",
        "1.2.3.4%5",
        ":::",
        "[::1]:99999",
    };

    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct addr a;

        cr_assert_eq(addr_parse(slice_cstr(bads[i]), 1, &a), ERR_INVALID, "took \"%s\"", bads[i]);
        cr_assert(!addr_is_set(&a), "left something in the address of \"%s\"", bads[i]);
    }
    struct addr a;

    cr_assert_eq(addr_parse(slice_of("127.0.0.1\0:5", 12), 1, &a), ERR_INVALID);
}

Test(addr, compares)
{
    struct addr a, b, c;

    addr_parse(SLICE("192.0.2.1:5060"), 0, &a);
    addr_parse(SLICE("192.0.2.1:5061"), 0, &b);
    addr_parse(SLICE("[::ffff:192.0.2.1]:5060"), 0, &c);
    cr_assert(!addr_eq(&a, &b));
    cr_assert(addr_eq_host(&a, &b));
    cr_assert(!addr_eq_host(&a, &c));
    addr_set_port(&b, 5060);
    cr_assert(addr_eq(&a, &b));
    cr_assert(!addr_is_any(&a));
    addr_parse(SLICE("[::]:1"), 0, &c);
    cr_assert(addr_is_any(&c));
    addr_parse(SLICE("0.0.0.0:1"), 0, &c);
    cr_assert(addr_is_any(&c));
}

Test(addr, host_alone_has_no_brackets)
{
    struct addr a;
    char text[ADDR_TEXT_MAX];

    cr_assert_eq(addr_from_host(SLICE("[2001:db8::9]"), 1234, &a), OK);
    cr_assert_str_eq(addr_format_host(&a, text, sizeof(text)), "2001:db8::9");
    cr_assert_eq(addr_port(&a), 1234);
    cr_assert_eq(addr_from_host(SLICE("192.0.2.7"), 9, &a), OK);
    cr_assert_str_eq(addr_format_host(&a, text, sizeof(text)), "192.0.2.7");
}

Test(addr, unset_says_so)
{
    struct addr a = {0};
    char text[ADDR_TEXT_MAX];

    cr_assert_str_eq(addr_format(&a, text, sizeof(text)), "unset");
}

Test(addr, from_the_kernel_is_comparable_by_bytes)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(7)};
    struct addr a, b;

    in.sin_addr.s_addr = htonl(0x7f000001);
    memset(in.sin_zero, 0xa5, sizeof(in.sin_zero));
    addr_from_sockaddr((struct sockaddr *)&in, &a);
    addr_parse(SLICE("127.0.0.1:7"), 0, &b);
    cr_assert_eq(memcmp(&a, &b, sizeof(a)), 0);
}
