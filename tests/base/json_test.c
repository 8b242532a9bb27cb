#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"

static char mem[8192];
static struct buf out;
static struct json j;

static void fresh(void)
{
    out = buf_on(mem, sizeof(mem) - 1);
    json_init(&j, &out);
}

static const char *text(void)
{
    cr_assert_eq(buf_end(&out), OK);
    mem[out.len] = '\0';
    return mem;
}

static const char *string(struct slice s)
{
    fresh();
    json_str(&j, NULL, s);
    return text();
}

TestSuite(json, .init = fresh);

Test(json, commas_names_and_nesting)
{
    json_begin_object(&j, NULL);
    json_u64(&j, "a", UINT64_MAX);
    json_i64(&j, "b", INT64_MIN);
    json_begin_array(&j, "c");
    json_bool(&j, NULL, true);
    json_bool(&j, NULL, false);
    json_begin_object(&j, NULL);
    json_end(&j);
    json_begin_array(&j, NULL);
    json_end(&j);
    json_put_null(&j, NULL);
    json_end(&j);
    json_cstr(&j, "d", NULL);
    json_cstr(&j, "e", "x");
    json_i64(&j, "f", 7);
    json_end(&j);
    cr_assert_str_eq(text(), "{\"a\":18446744073709551615,\"b\":-9223372036854775808,"
                             "\"c\":[true,false,{},[],null],\"d\":null,\"e\":\"x\",\"f\":7}");
}

Test(json, names_are_escaped_too)
{
    json_begin_object(&j, NULL);
    json_put_null(&j, "a\"b");
    json_end(&j);
    cr_assert_str_eq(text(), "{\"a\\\"b\":null}");
}

Test(json, escapes)
{
    cr_assert_str_eq(string(SLICE("")), "\"\"");
    cr_assert_str_eq(string(SLICE("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    cr_assert_str_eq(string(SLICE("\b\t\n\f\r")), "\"\\b\\t\\n\\f\\r\"");
    cr_assert_str_eq(string(SLICE("\0\x1f\x7f")), "\"\\u0000\\u001f\x7f\"");
}

#define BAD "\xef\xbf\xbd"

Test(json, good_utf8_goes_through)
{
    cr_assert_str_eq(string(SLICE("é€𝄞")), "\"é€𝄞\"");
    cr_assert_str_eq(string(SLICE("\xc2\x80\xdf\xbf")), "\"\xc2\x80\xdf\xbf\"");
    cr_assert_str_eq(string(SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")),
                     "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"");
    cr_assert_str_eq(string(SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")),
                     "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
}

Test(json, bad_utf8_is_replaced)
{
    cr_assert_str_eq(string(SLICE("\x80")), "\"" BAD "\"");
    cr_assert_str_eq(string(SLICE("a\xff"
                                  "b")),
                     "\"a" BAD "b\"");
    cr_assert_str_eq(string(SLICE("\xc0\x80")), "\"" BAD BAD "\"");         /* overlong */
    cr_assert_str_eq(string(SLICE("\xe0\x9f\xbf")), "\"" BAD BAD BAD "\""); /* overlong */
    cr_assert_str_eq(string(SLICE("\xed\xa0\x80")), "\"" BAD BAD BAD "\""); /* surrogate */
    cr_assert_str_eq(string(SLICE("\xf4\x90\x80\x80")), "\"" BAD BAD BAD BAD "\"");
    cr_assert_str_eq(string(SLICE("\xe2\x82")), "\"" BAD "\""); /* cut: one for the part */
    cr_assert_str_eq(string(SLICE("\xf0\x9d\x84z")), "\"" BAD "z\"");
    cr_assert_str_eq(string(SLICE("\xc3\"")), "\"" BAD "\\\"\"");
    /* The example of the Unicode standard, table 3-8. */
    cr_assert_str_eq(string(SLICE("a\xf1\x80\x80\xe1\x80\xc2"
                                  "b\x80"
                                  "c\x80\xbf"
                                  "d")),
                     "\"a" BAD BAD BAD "b" BAD "c" BAD BAD "d\"");
}

static const char *number(double v)
{
    fresh();
    json_num(&j, NULL, v);
    return text();
}

Test(json, numbers)
{
    cr_assert_str_eq(number(0), "0");
    cr_assert_str_eq(number(0.1), "0.1");
    cr_assert_str_eq(number(-2.5), "-2.5");
    cr_assert_str_eq(number(0.987654321098765), "0.987654321098765");
    cr_assert_str_eq(number(1e300), "1e+300");
    cr_assert_str_eq(number(NAN), "null");
    cr_assert_str_eq(number(INFINITY), "null");
    cr_assert_str_eq(number(-INFINITY), "null");
}

Test(json, numbers_read_back)
{
    struct rng r;

    rng_seed(&r, 17);
    cr_assert_eq(strtod(number(DBL_MAX), NULL), DBL_MAX);
    cr_assert_eq(strtod(number(DBL_TRUE_MIN), NULL), DBL_TRUE_MIN);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(&r);
        double v;

        memcpy(&v, &bits, sizeof(v));
        if (isfinite(v))
            cr_assert_eq(strtod(number(v), NULL), v, "%a", v);
    }
}

Test(json, nesting_is_bounded)
{
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_begin_array(&j, NULL);
    cr_assert_eq(buf_end(&out), OK);
    json_begin_array(&j, NULL);
    cr_assert_eq(buf_end(&out), ERR_TOO_LONG);
    json_u64(&j, NULL, 1);
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        json_end(&j);
    cr_assert_eq(j.depth, 0);
    cr_assert_eq(buf_end(&out), ERR_TOO_LONG);
}

Test(json, a_cut_text_is_an_error_at_every_length)
{
    static const char whole[] = "{\"name\":\"a\\nb\",\"n\":[1,2.5]}";

    for (size_t cap = 0; cap < sizeof(whole); cap++) {
        out = buf_on(mem, cap);
        json_init(&j, &out);
        json_begin_object(&j, NULL);
        json_cstr(&j, "name", "a\nb");
        json_begin_array(&j, "n");
        json_u64(&j, NULL, 1);
        json_num(&j, NULL, 2.5);
        json_end(&j);
        json_end(&j);
        cr_assert_eq(buf_end(&out), cap < sizeof(whole) - 1 ? ERR_TOO_LONG : OK);
        cr_assert_eq(memcmp(mem, whole, out.len), 0);
    }
}

/* Property: any bytes make a well-formed string: every byte below 0x20 escaped, quotes closed, and
 * valid UTF-8 by a reader of its own (decode, encode again, compare). */
static size_t valid_char(const unsigned char *p)
{
    uint32_t c, n, least;

    if (p[0] < 0x80)
        return 1;
    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    if (n == 0)
        return 0;
    c = p[0] & (0xffu >> (n + 1));
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    least = n == 2 ? 0x80 : n == 3 ? 0x800 : 0x10000;
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    return n;
}

Test(json, any_bytes_make_valid_text)
{
    struct rng r;

    rng_seed(&r, 23);
    for (int round = 0; round < 20000; round++) {
        static const unsigned char likely[] = "\xe0\xed\xf0\xf4\x80\x8f\x90\x9f\xa0\xbf\xc2\"\\\n";
        char bytes[40];
        uint32_t len = rng_below(&r, sizeof(bytes));
        const unsigned char *at;

        for (uint32_t i = 0; i < len; i++)
            bytes[i] = (char)(rng_below(&r, 3) ? likely[rng_below(&r, sizeof(likely) - 1)]
                                               : rng_below(&r, 256));
        at = (const unsigned char *)string(slice_of(bytes, len));
        cr_assert_eq(*at++, '"');
        while (*at != '"') {
            size_t n = valid_char(at);

            cr_assert_gt(n, 0);
            cr_assert_geq(*at, 0x20);
            at += *at == '\\' ? 2 : n;
        }
        cr_assert_eq(at[1], '\0');
    }
}
