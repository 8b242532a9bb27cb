/* Our reader of time zones beside the C library's, and the hours that changes skip and repeat. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "campaign/zone.h"
#include "campaign/zone_data.h"

static struct zone *open_zone(const char *name)
{
    struct zone *z;

    cr_assert_eq(zone_open(&z, slice_cstr(name)), OK, "%s", name);
    return z;
}

static uint32_t hm(uint32_t h, uint32_t m)
{
    return (h * 60 + m) * 60000;
}

/* The same instants through localtime_r: an independent reader of the same data. */
Test(zone, agrees_with_the_c_library)
{
    const char *names[] = {"Europe/Ljubljana",  "America/New_York",
                           "Asia/Kolkata",      "Australia/Lord_Howe",
                           "America/Sao_Paulo", "Pacific/Apia",
                           "Africa/Casablanca", "Asia/Kathmandu",
                           "Europe/Moscow",     "UTC",
                           "America/St_Johns",  "Pacific/Chatham",
                           "Europe/Dublin"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct zone *z = open_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        /* 1970…2100 in steps that hit all hours of day and year. */
        for (time_t t = 0; t < 4102444800; t += 12345 * 7) {
            struct tm want;
            struct zone_local got;
            localtime_r(&t, &want);
            zone_to_local(z, (uint64_t)t * 1000 + 7, &got);
            cr_assert(got.year == want.tm_year + 1900 && got.month == want.tm_mon + 1 &&
                          got.day == want.tm_mday &&
                          got.day_ms == hm((uint32_t)want.tm_hour, (uint32_t)want.tm_min) +
                                            (uint32_t)want.tm_sec * 1000 + 7 &&
                          got.weekday == (want.tm_wday + 6) % 7 && got.offset_s == want.tm_gmtoff &&
                          got.dst == (want.tm_isdst > 0),
                      "%s at %lld: %d-%u-%u %u offset %d, wanted hour %d offset %ld dst %d",
                      names[i], (long long)t, got.year, got.month, got.day, got.day_ms,
                      got.offset_s, want.tm_hour, want.tm_gmtoff, want.tm_isdst);
        }
        zone_close(z);
    }
}

Test(zone, every_instant_is_among_those_of_its_clock)
{
    const char *names[] = {"Europe/Ljubljana", "America/New_York", "Australia/Lord_Howe",
                           "Pacific/Apia", "America/Sao_Paulo"};

    for (size_t i = 0; i < 5; i++) {
        struct zone *z = open_zone(names[i]);
        for (uint64_t t = 1300000000000; t < 1800000000000; t += 1700 * 1000 + 1) {
            struct zone_local l;
            uint64_t at[2];
            zone_to_local(z, t, &l);
            uint32_t n = zone_instants(z, l.year, l.month, l.day, l.day_ms, at);
            cr_assert(at[0] == t || (n == 2 && at[1] == t), "%s %llu", names[i],
                      (unsigned long long)t);
        }
        zone_close(z);
    }
}

Test(zone, spring_skips_an_hour)
{
    struct zone *z = open_zone("Europe/Ljubljana");
    struct zone_local l;
    /* 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC. */
    uint64_t change = zone_from_local(z, 2026, 3, 29, hm(2, 30));

    cr_expect_eq(change, UINT64_C(1774746000000));
    cr_expect_eq(zone_from_local(z, 2026, 3, 29, hm(3, 0)), change);
    zone_to_local(z, change - 1, &l);
    cr_expect_eq(l.day_ms, hm(2, 0) - 1);
    zone_to_local(z, change, &l);
    cr_expect_eq(l.day_ms, hm(3, 0));
    cr_expect(l.dst);
    zone_close(z);
}

Test(zone, autumn_repeats_an_hour)
{
    struct zone *z = open_zone("Europe/Ljubljana");
    uint64_t at[2];
    uint32_t n = zone_instants(z, 2026, 10, 25, hm(2, 30), at);

    cr_assert_eq(n, 2);
    cr_expect_eq(at[1] - at[0], 3600000);
    cr_expect_eq(zone_from_local(z, 2026, 10, 25, hm(2, 30)), at[0]);
    zone_close(z);
}

Test(zone, days_out_of_range_are_normalised)
{
    struct zone *z = open_zone("UTC");

    cr_expect_eq(zone_from_local(z, 2026, 1, 32, 0), zone_from_local(z, 2026, 2, 1, 0));
    cr_expect_eq(zone_from_local(z, 2026, 13, 1, 0), zone_from_local(z, 2027, 1, 1, 0));
    cr_expect_eq(zone_from_local(z, 2024, 2, 30, 0), zone_from_local(z, 2024, 3, 1, 0));
    cr_expect_eq(zone_from_local(z, 1970, 1, 2, 0), 86400000);
    zone_close(z);
}

Test(zone, names_cannot_leave_the_folder)
{
    const char *bad[] = {"",  "../../etc/passwd", "/etc/localtime", "Europe/../UTC",
                         "a", "Europe",           "Nowhere/Town",   "Europe/Ljubljana\n"};
    struct zone *z;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_neq(zone_open(&z, slice_cstr(bad[i])), OK, "'%s'", bad[i]);
}

Test(zone, footers)
{
    struct zone_footer f;
    const char *good[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30",
                          "EST5EDT,M3.2.0,M11.1.0",     "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                          "IST-1GMT0,M10.5.0,M3.5.0/1", "XXX3YYY,J60/0,300/24:30:15"};
    const char *bad[] = {"",
                         "C",
                         "CET",
                         "CET-1CEST",
                         "CET-1CEST,M3.5.0",
                         "CET-1CEST,M13.5.0,M10.5.0",
                         "CET-1CEST,M3.6.0,M10.5.0",
                         "CET-1CEST,M3.5.7,M10.5.0",
                         "CET-1x",
                         "CET-25",
                         "CET-1CEST,J0,J3",
                         "CET-1CEST,M3.5.0,M10.5.0/3x",
                         "<+0330-3:30",
                         "CET-1CEST,M3.5.0/168,M10.5.0"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect_eq(zone_footer_parse(slice_cstr(good[i]), &f), OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(zone_footer_parse(slice_cstr(bad[i]), &f), ERR_INVALID, "%s", bad[i]);
}

Test(zone, damaged_files_are_refused)
{
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Ljubljana", "rb");
    static unsigned char bytes[8192];
    struct zone *z;

    cr_assert(f);
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    cr_assert_eq(zone_parse(&z, SLICE("x"), bytes, len), OK);
    zone_close(z);
    for (size_t cut = 0; cut < len; cut++) /* exact-size copies, so a read too far is seen */
    {
        unsigned char *part = malloc(cut ? cut : 1);
        memcpy(part, bytes, cut);
        cr_assert_neq(zone_parse(&z, SLICE("x"), part, cut), OK, "cut to %zu of %zu", cut, len);
        free(part);
    }
}

Test(zone, cache_gives_the_same_zone_again)
{
    struct zone_cache *c;

    cr_assert_eq(zone_cache_open(&c), OK);
    const struct zone *a = zone_cache_get(c, SLICE("Europe/Ljubljana"));
    const struct zone *b = zone_cache_get(c, SLICE("UTC"));
    cr_assert(a && b && a != b);
    cr_expect_eq(zone_cache_get(c, SLICE("Europe/Ljubljana")), a);
    cr_expect_null(zone_cache_get(c, SLICE("No/Where")));
    cr_expect_null(zone_cache_get(c, SLICE("No/Where")));
    char name[16];
    for (int i = 0; i < 2000; i++) { /* made-up names fill the table, and no more */
        snprintf(name, sizeof(name), "Town%d", i);
        cr_assert_null(zone_cache_get(c, slice_cstr(name)));
    }
    cr_expect_eq(zone_cache_get(c, SLICE("Europe/Ljubljana")), a);
    zone_cache_close(c);
}
