#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"

Test(clock, real_goes_forward)
{
    struct clock c;
    uint64_t a, wall = (uint64_t)time(NULL) * 1000;

    clock_init_real(&c);
    a = clock_us(&c);
    for (int i = 0; i < 1000; i++) {
        uint64_t b = clock_us(&c);

        cr_assert_geq(b, a);
        a = b;
    }
    cr_assert_leq(clock_wall_ms(&c) - wall, 60000);
    cr_assert_eq(clock_ms(&c) / 1000, clock_us(&c) / 1000000);
}

Test(clock, virtual_stands_until_it_is_moved)
{
    struct clock c;

    clock_init_virtual(&c, 5000, 1000000);
    cr_assert_eq(clock_us(&c), 5000);
    cr_assert_eq(clock_us(&c), 5000);
    cr_assert_eq(clock_wall_ms(&c), 1000005);
    clock_advance_us(&c, 1999);
    cr_assert_eq(clock_us(&c), 6999);
    cr_assert_eq(clock_ms(&c), 6);
    cr_assert_eq(clock_wall_ms(&c), 1000006);
}

static void formats(uint64_t ms, const char *want)
{
    char text[25];

    clock_format_utc(ms, text, sizeof(text));
    cr_assert_str_eq(text, want);
}

Test(clock, dates)
{
    formats(0, "1970-01-01T00:00:00.000Z");
    formats(951782399999, "2000-02-28T23:59:59.999Z");
    formats(951782400000, "2000-02-29T00:00:00.000Z");
    formats(1709251199123, "2024-02-29T23:59:59.123Z");
    formats(4107542400000, "2100-03-01T00:00:00.000Z"); /* 2100 has no leap day */
    formats(253402300799999, "9999-12-31T23:59:59.999Z");
    formats(253402300800000, "9999-12-31T23:59:59.999Z");
    formats(UINT64_MAX, "9999-12-31T23:59:59.999Z");
}

/* Property: the C library agrees on any time from 1970 to 9999. */
Test(clock, dates_against_gmtime)
{
    struct rng r;

    rng_seed(&r, 3);
    for (int i = 0; i < 20000; i++) {
        uint64_t ms = rng_u64(&r) % 253402300800000;
        time_t s = (time_t)(ms / 1000);
        struct tm tm;
        char want[32], got[40];

        gmtime_r(&s, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
        clock_format_utc(ms, got, sizeof(got));
        cr_assert_eq(strncmp(got, want, 19), 0, "%s, not %s", got, want);
        cr_assert_eq(strlen(got), 24);
    }
}
