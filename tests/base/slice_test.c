#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/slice.h"

#define eq(s, lit) cr_assert(slice_eq((s), SLICE(lit)), "got \"" SLICE_FMT "\"", SLICE_ARG(s))

Test(slice, case_is_folded_for_ascii_only)
{
    cr_assert(slice_ieq(SLICE("Call-ID"), SLICE("cAlL-id")));
    cr_assert_not(slice_ieq(SLICE("Call-ID"), SLICE("Call-I")));
    cr_assert(slice_ieq(SLICE_NONE, SLICE("")));
    /* '@' and '`', '[' and '{', and Latin-1 letters differ by 0x20 and are not cases of a letter.
     */
    cr_assert_not(slice_ieq(SLICE("@"), SLICE("`")));
    cr_assert_not(slice_ieq(SLICE("["), SLICE("{")));
    cr_assert_not(slice_ieq(SLICE("\xc4"), SLICE("\xe4")));
}

Test(slice, prefixes)
{
    cr_assert(slice_starts(SLICE("sip:a"), SLICE("sip:")));
    cr_assert(slice_starts(SLICE("sip:"), SLICE("sip:")));
    cr_assert_not(slice_starts(SLICE("sip"), SLICE("sip:")));
    cr_assert_not(slice_starts(SLICE("SIP:a"), SLICE("sip:")));
    cr_assert(slice_istarts(SLICE("SIP:a"), SLICE("sip:")));
    cr_assert(slice_starts(SLICE_NONE, SLICE_NONE));
    cr_assert(slice_istarts(SLICE("x"), SLICE_NONE));
}

Test(slice, trim_takes_blanks_off_both_ends_only)
{
    eq(slice_trim(SLICE(" \t\r\n a b \r\n")), "a b");
    eq(slice_trim(SLICE("a")), "a");
    cr_assert_eq(slice_trim(SLICE(" \r\n\t ")).len, 0);
    cr_assert_eq(slice_trim(SLICE_NONE).len, 0);
    eq(slice_trim(SLICE("\v a")), "\v a");
}

Test(slice, from_stops_at_the_end)
{
    eq(slice_from(SLICE("abc"), 0), "abc");
    eq(slice_from(SLICE("abc"), 2), "c");
    cr_assert_eq(slice_from(SLICE("abc"), 3).len, 0);
    cr_assert_eq(slice_from(SLICE("abc"), UINT32_MAX).len, 0);
    cr_assert_eq(slice_from(SLICE_NONE, 5).len, 0);
}

Test(slice, order_is_bytewise)
{
    cr_assert_lt(slice_cmp(SLICE("a"), SLICE("b")), 0);
    cr_assert_lt(slice_cmp(SLICE("a"), SLICE("aa")), 0);
    cr_assert_gt(slice_cmp(SLICE("\xff"), SLICE("a")), 0);
    cr_assert_eq(slice_cmp(SLICE("ab"), SLICE("ab")), 0);
    cr_assert_eq(slice_cmp(SLICE_NONE, SLICE("")), 0);
    cr_assert_lt(slice_cmp(SLICE_NONE, SLICE("a")), 0);
    cr_assert_lt(slice_cmp(SLICE("a\0a"), SLICE("a\0b")), 0);
}

Test(slice, find)
{
    cr_assert_eq(slice_find(SLICE("a=b=c"), '='), 1);
    cr_assert_eq(slice_find(SLICE("abc"), '='), -1);
    cr_assert_eq(slice_find(SLICE_NONE, '='), -1);
    cr_assert_eq(slice_find(SLICE("a\0=b"), '='), 2);
}

Test(slice, cut_at_the_first)
{
    struct slice head, tail;

    cr_assert(slice_cut(SLICE("a=b=c"), '=', &head, &tail));
    eq(head, "a");
    eq(tail, "b=c");
    cr_assert(slice_cut(SLICE("="), '=', &head, &tail));
    cr_assert_eq(head.len + tail.len, 0);
    cr_assert_not(slice_cut(SLICE("abc"), '=', &head, &tail));
    eq(head, "abc");
    cr_assert_eq(tail.len, 0);
    cr_assert_not(slice_cut(SLICE_NONE, '=', &head, &tail));
}

Test(slice, cut_walks_a_list_in_place)
{
    struct slice rest = SLICE("a,,b"), item;
    const char *want[] = {"a", "", "b"};
    int n = 0;
    bool more;

    do {
        more = slice_cut(rest, ',', &item, &rest);
        cr_assert_lt(n, 3);
        cr_assert(slice_eq(item, slice_cstr(want[n++])));
    } while (more);
    cr_assert_eq(n, 3);
}

Test(slice, numbers)
{
    uint64_t v = 7;

    cr_assert_eq(slice_u64(SLICE("0"), UINT64_MAX, &v), OK);
    cr_assert_eq(v, 0);
    cr_assert_eq(slice_u64(SLICE("00000000000000000000000042"), 42, &v), OK);
    cr_assert_eq(v, 42);
    cr_assert_eq(slice_u64(SLICE("18446744073709551615"), UINT64_MAX, &v), OK);
    cr_assert_eq(v, UINT64_MAX);
}

Test(slice, bad_numbers_leave_the_result_alone)
{
    static const char *const invalid[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "0x1", "1.0", "99999999999999999999x", "\xd9\xa1"};
    static const char *const too_long[] = {"18446744073709551616", "99999999999999999999",
                                           "184467440737095516150"};
    uint64_t v = 7;

    for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
        cr_assert_eq(slice_u64(slice_cstr(invalid[i]), UINT64_MAX, &v), ERR_INVALID, "%s",
                     invalid[i]);
    for (size_t i = 0; i < sizeof(too_long) / sizeof(*too_long); i++)
        cr_assert_eq(slice_u64(slice_cstr(too_long[i]), UINT64_MAX, &v), ERR_TOO_LONG, "%s",
                     too_long[i]);
    cr_assert_eq(slice_u64(SLICE("43"), 42, &v), ERR_TOO_LONG);
    cr_assert_eq(v, 7);
}

Test(slice, u32_stops_at_its_range)
{
    uint32_t v = 7;

    cr_assert_eq(slice_u32(SLICE("4294967296"), &v), ERR_TOO_LONG);
    cr_assert_eq(v, 7);
    cr_assert_eq(slice_u32(SLICE("4294967295"), &v), OK);
    cr_assert_eq(v, UINT32_MAX);
}

/* Property: what printf writes is read back, and one below its value as limit refuses it. */
Test(slice, numbers_read_back)
{
    struct rng r;

    rng_seed(&r, 20260101);
    for (int i = 0; i < 20000; i++) {
        uint64_t want = rng_u64(&r) >> rng_below(&r, 64), got = 0;
        char text[24];

        snprintf(text, sizeof(text), "%" PRIu64, want);
        cr_assert_eq(slice_u64(slice_cstr(text), want, &got), OK);
        cr_assert_eq(got, want);
        if (want)
            cr_assert_eq(slice_u64(slice_cstr(text), want - 1, &got), ERR_TOO_LONG);
    }
}

Test(slice, copy_fits_or_is_empty)
{
    char dst[4] = "zzz";

    cr_assert_eq(slice_copy(SLICE("abc"), dst, sizeof(dst)), OK);
    cr_assert_str_eq(dst, "abc");
    cr_assert_eq(slice_copy(SLICE("abcd"), dst, sizeof(dst)), ERR_TOO_LONG);
    cr_assert_str_eq(dst, "");
    cr_assert_eq(slice_copy(SLICE_NONE, dst, 1), OK);
    cr_assert_eq(slice_copy(SLICE_NONE, NULL, 0), ERR_TOO_LONG);
}

Test(slice, of_a_null_string_is_none)
{
    cr_assert_eq(slice_cstr(NULL).len, 0);
}
