#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/rng.h"

#define holds(b, lit)                                                                              \
    cr_assert(slice_eq(buf_slice(&(b)), SLICE(lit)), "got \"" SLICE_FMT "\"",                      \
              SLICE_ARG(buf_slice(&(b))))

Test(buf, parts_follow_each_other)
{
    char mem[64];
    struct buf b = buf_on(mem, sizeof(mem));

    buf_puts(&b, "CSeq: ");
    buf_u64(&b, 0);
    buf_putc(&b, ' ');
    buf_put(&b, SLICE("INVITE"));
    buf_put(&b, SLICE_NONE);
    buf_printf(&b, " %s=%d ", "a", -1);
    buf_hex(&b, "\x00\xff\x1a", 3);
    holds(b, "CSeq: 0 INVITE a=-1 00ff1a");
    cr_assert_eq(buf_end(&b), OK);
}

Test(buf, largest_number)
{
    char mem[20];
    struct buf b = buf_on(mem, sizeof(mem));

    buf_u64(&b, UINT64_MAX);
    holds(b, "18446744073709551615");
    cr_assert_eq(buf_end(&b), OK);
}

Test(buf, overflow_keeps_what_fitted_and_is_sticky)
{
    char mem[4];
    struct buf b = buf_on(mem, sizeof(mem));

    buf_puts(&b, "ab");
    buf_puts(&b, "cde");
    holds(b, "ab");
    buf_puts(&b, "c"); /* would fit, but a text with a hole is worse than a cut one */
    holds(b, "ab");
    cr_assert_eq(buf_end(&b), ERR_TOO_LONG);
}

Test(buf, a_formatted_text_may_fill_the_last_byte)
{
    char mem[4] = "zzz!";
    struct buf b = buf_on(mem, 3);

    buf_printf(&b, "%d", 123);
    holds(b, "123");
    cr_assert_eq(buf_end(&b), OK);
    cr_assert_eq(mem[3], '!');
    buf_printf(&b, "%s", "");
    cr_assert_eq(buf_end(&b), OK);
    buf_printf(&b, "x");
    cr_assert_eq(buf_end(&b), ERR_TOO_LONG);
}

/* The limit that the header states: beyond it the writer refuses rather than cut. */
Test(buf, a_long_formatted_text_needs_one_byte_more)
{
    char mem[2048];
    struct buf b = buf_on(mem, 1023);

    buf_printf(&b, "%1023s", "x");
    cr_assert_eq(buf_end(&b), OK);
    cr_assert_eq(b.len, 1023);
    b = buf_on(mem, 1024);
    buf_printf(&b, "%1024s", "x");
    cr_assert_eq(buf_end(&b), ERR_TOO_LONG);
    cr_assert_eq(b.len, 0);
    b = buf_on(mem, 1025);
    buf_printf(&b, "%1024s", "x");
    cr_assert_eq(buf_end(&b), OK);
}

Test(buf, no_room_at_all)
{
    struct buf b = buf_on(NULL, 0);

    buf_printf(&b, "%s", "");
    buf_put(&b, SLICE_NONE);
    cr_assert_eq(buf_end(&b), OK);
    buf_putc(&b, 'x');
    cr_assert_eq(buf_end(&b), ERR_TOO_LONG);
    cr_assert_eq(b.len, 0);
}

/* Property: for every capacity the result is a prefix of the whole in whole parts, nothing behind
 * the capacity is touched, and overflow is set exactly when something is missing. */
Test(buf, any_capacity)
{
    struct rng r;

    rng_seed(&r, 7);
    for (int round = 0; round < 2000; round++) {
        char whole[256], cut[257];
        size_t cap = rng_below(&r, 257);
        struct buf all = buf_on(whole, sizeof(whole)), part = buf_on(cut, cap);
        uint64_t seed = rng_u64(&r);
        struct buf *both[] = {&all, &part};

        memset(cut, '#', sizeof(cut));
        for (int k = 0; k < 2; k++) {
            struct rng same;

            rng_seed(&same, seed);
            for (int i = 0; i < 8; i++) {
                uint64_t v = rng_u64(&same) >> rng_below(&same, 64);

                switch (rng_below(&same, 3)) {
                case 0:
                    buf_u64(both[k], v);
                    break;
                case 1:
                    buf_printf(both[k], "%x", (unsigned)v);
                    break;
                default:
                    buf_hex(both[k], &v, 1 + v % 8);
                }
            }
        }
        cr_assert_eq(buf_end(&all), OK);
        cr_assert_leq(part.len, cap);
        cr_assert_eq(part.overflow, part.len < all.len);
        cr_assert_eq(memcmp(cut, whole, part.len), 0);
        for (size_t i = cap; i < sizeof(cut); i++)
            cr_assert_eq(cut[i], '#');
    }
}
