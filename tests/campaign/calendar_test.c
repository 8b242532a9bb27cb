/* Calendars beside an oracle of another make: each minute judged by the C library's clock from the
 * numbers that the rules were made of, over changes of the clock both ways and leap days. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "campaign/calendar.h"
#include "campaign/file.h"

#define MINUTE_MS UINT64_C(60000)
#define DAYS      7
#define MINUTES   (DAYS * 1440)
#define PARTS     3

static const char *const zones[] = {"Europe/Ljubljana",    "Europe/Moscow",  "America/New_York",
                                    "America/St_Johns",    "America/Havana", "America/Santiago",
                                    "Africa/Casablanca",   "Asia/Kolkata",   "Pacific/Apia",
                                    "Australia/Lord_Howe", "Pacific/Chatham"};
#define ZONES (sizeof(zones) / sizeof(zones[0]))

/* Days before changes of the clock here or there, leap days, ends of months and years (UTC). */
static const time_t starts[] = {
    1772668800, /* 2026-03-05: America */
    1774483200, /* 2026-03-26: Europe */
    1775088000, /* 2026-04-02: the south */
    1771027200, /* 2026-02-14: Casablanca */
    1788480000, /* 2026-09-04: Santiago, then Lord Howe and Chatham on the 27th */
    1790208000, /* 2026-09-24 */
    1792713600, /* 2026-10-23: Europe */
    1793318400, /* 2026-10-30: America */
    1798416000, /* 2026-12-28 */
    1709078400, /* 2024-02-28 */
    1835222400, /* 2028-02-27 */
    1161993600, /* 2006-10-28: St. John's went back at 00:01, over midnight */
};
#define STARTS (sizeof(starts) / sizeof(starts[0]))

struct day_hours {
    uint32_t from, to; /* minutes; none: both 0 */
};

struct oracle { /* one part, as numbers */
    size_t zone;
    struct day_hours week[8]; /* 7: holidays */
    uint32_t holidays;
    struct {
        int year, month, day;
    } holiday[6];
};

static bool is_holiday(const struct oracle *o, const struct tm *t)
{
    for (uint32_t i = 0; i < o->holidays; i++) {
        if ((o->holiday[i].year == 0 || o->holiday[i].year == t->tm_year + 1900) &&
            o->holiday[i].month == t->tm_mon + 1 && o->holiday[i].day == t->tm_mday)
            return true;
    }
    return false;
}

/* Takes away the minutes at which this part is closed. */
static void close_minutes(const struct oracle *o, time_t start, bool open[MINUTES])
{
    struct tm t;

    setenv("TZ", zones[o->zone], 1);
    tzset();
    for (int i = 0; i < MINUTES; i++) {
        time_t at = start + i * 60;
        localtime_r(&at, &t);
        const struct day_hours *h = &o->week[is_holiday(o, &t) ? 7 : (t.tm_wday + 6) % 7];
        uint32_t minute = (uint32_t)(t.tm_hour * 60 + t.tm_min);
        open[i] = open[i] && minute >= h->from && minute < h->to;
    }
}

static void make(struct rng *rng, time_t start, size_t zone, struct oracle *o)
{
    static const uint32_t edges[] = {0,   1,   90,   120,  150,  180, 480,
                                     540, 600, 1200, 1260, 1410, 1440};
    time_t day;
    struct tm t;

    *o = (struct oracle){.zone = zone < ZONES ? zone : rng_below(rng, ZONES)};
    for (int d = 0; d < 8; d++) {
        uint32_t a = edges[rng_below(rng, 13)], b = edges[rng_below(rng, 13)];
        if (rng_below(rng, 4) && a != b)
            o->week[d] = (struct day_hours){a < b ? a : b, a < b ? b : a};
    }
    o->holidays = rng_below(rng, 7);
    for (uint32_t i = 0; i < o->holidays; i++) {
        day = start + (time_t)rng_below(rng, DAYS + 1) * 86400;
        gmtime_r(&day, &t);
        o->holiday[i].year = t.tm_year + 1900 + (rng_below(rng, 5) == 0);
        if (rng_below(rng, 2))
            o->holiday[i].year = 0;
        o->holiday[i].month = t.tm_mon + 1;
        o->holiday[i].day = t.tm_mday;
        if (o->holiday[i].month == 2 && o->holiday[i].day == 29 && o->holiday[i].year % 4)
            o->holiday[i].year = 0;
    }
}

/* The same as the texts of a user's files. */
static void write_texts(const struct oracle *o, char *windows, size_t cap, char *days, size_t room)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu",
                                        "fri", "sat", "sun", "holidays"};
    size_t n = 0, m = 0;

    for (int d = 0; d < 8; d++) {
        const struct day_hours *h = &o->week[d];
        if (h->from < h->to)
            n += (size_t)snprintf(windows + n, cap - n, "%s%s %02u:%02u-%02u:%02u", n ? ", " : "",
                                  names[d], h->from / 60, h->from % 60, h->to / 60, h->to % 60);
    }
    m += (size_t)snprintf(days, room, "# made\n");
    for (uint32_t i = 0; i < o->holidays; i++) {
        if (o->holiday[i].year)
            m += (size_t)snprintf(days + m, room - m, "%04d-", o->holiday[i].year);
        m += (size_t)snprintf(days + m, room - m, "%02d-%02d Day %u\n", o->holiday[i].month,
                              o->holiday[i].day, i);
    }
}

static void read_part(const struct oracle *o, struct windows *w, struct calendar *c)
{
    static char why[CAMPAIGN_ERROR_MAX];
    char text[512] = "", days[512];
    struct holidays *holidays = NULL;
    struct zone *zone;

    write_texts(o, text, sizeof(text), days, sizeof(days));
    if (!text[0])
        *w = (struct windows){0};
    else
        cr_assert_eq(windows_parse(slice_cstr(text), w, why, sizeof(why)), OK, "%s", why);
    cr_assert_eq(holidays_parse(&holidays, "days", slice_cstr(days), why), OK, "%s", why);
    cr_assert_eq(zone_open(&zone, slice_cstr(zones[o->zone])), OK);
    cr_assert_eq(
        calendar_add(c, &(struct calendar_part){w, o->holidays ? holidays : NULL, zone, "test"}),
        OK);
    if (!o->holidays)
        free(holidays);
}

static void forget(struct calendar *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        free((void *)c->parts[i].holidays);
        zone_close((struct zone *)c->parts[i].zone);
    }
}

/* zone: ZONES for any */
static void compare(uint64_t seed, size_t zone, size_t start_at)
{
    struct rng rng;
    struct oracle oracles[PARTS];
    struct windows windows[PARTS];
    struct calendar c = {0};
    static bool open[MINUTES];

    rng_seed(&rng, seed);
    time_t start = starts[start_at < STARTS ? start_at : rng_below(&rng, STARTS)];
    uint32_t parts = 1 + rng_below(&rng, PARTS);
    memset(open, 1, sizeof(open));
    for (uint32_t i = 0; i < parts; i++) {
        make(&rng, start, zone, &oracles[i]);
        read_part(&oracles[i], &windows[i], &c);
        close_minutes(&oracles[i], start, open);
    }
    uint64_t from = (uint64_t)start * 1000, end = from + MINUTES * MINUTE_MS, next = WINDOW_NEVER;
    for (int i = MINUTES - 1; i >= 0; i--) {
        uint64_t t = from + (uint64_t)i * MINUTE_MS, inside = t + rng_below(&rng, 60000);
        char why[256];

        if (open[i])
            next = t;
        cr_assert_eq(calendar_open_at(&c, inside), open[i], "seed %llu, %s, at %llu",
                     (unsigned long long)seed, zones[oracles[0].zone], (unsigned long long)inside);
        if (i % 23)
            continue;
        uint64_t got = calendar_next(&c, t);
        cr_assert(next == WINDOW_NEVER ? got >= end : got == next,
                  "seed %llu, %s, from %llu: %llu, not %llu", (unsigned long long)seed,
                  zones[oracles[0].zone], (unsigned long long)t, (unsigned long long)got,
                  (unsigned long long)next);
        calendar_why(&c, t, why, sizeof(why));
        cr_assert_eq(why[0] == '\0', open[i], "%s", why);
    }
    forget(&c);
}

Test(calendar, agrees_with_the_clock_on_the_wall_at_each_minute)
{
    for (uint64_t seed = 1; seed <= 120; seed++)
        compare(seed, ZONES, STARTS);
}

Test(calendar, a_date_that_comes_back_after_midnight)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        compare(seed, 3, STARTS - 1);
}

static struct holidays *days(const char *text)
{
    static char error[CAMPAIGN_ERROR_MAX];
    struct holidays *h;

    cr_assert_eq(holidays_parse(&h, "days.txt", slice_cstr(text), error), OK, "%s", error);
    return h;
}

Test(calendar, holiday_files)
{
    struct holidays *h =
        days("\xef\xbb\xbf# ours\r\n12-25\tChristmas Day\r\n\n2026-04-06  Easter Monday\n02-29");

    cr_assert_eq(h->count, 3);
    cr_expect_str_eq(holidays_find(h, 2031, 12, 25)->name, "Christmas Day");
    cr_expect_str_eq(holidays_find(h, 2026, 4, 6)->name, "Easter Monday");
    cr_expect_null(holidays_find(h, 2027, 4, 6));
    cr_expect(holidays_find(h, 2028, 2, 29));
    cr_expect_null(holidays_find(h, 2028, 2, 28));
    cr_expect_null(holidays_find(NULL, 2028, 2, 29));
    free(h);
}

Test(calendar, complaints_about_holiday_files_name_the_line)
{
    static const char *const bad[] = {"13-01",      "00-10",      "02-30",      "2026-02-29",
                                      "26-04-06 x", "Christmas",  "12-25-2026", "2026-12",
                                      "12/25",      "2026-1-1-1", "04-31 x",    "-12-25"};
    char error[CAMPAIGN_ERROR_MAX], text[64];
    struct holidays *h;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "01-01 New Year\n\n%s\n", bad[i]);
        cr_expect_neq(holidays_parse(&h, "days.txt", slice_cstr(text), error), OK, "%s", bad[i]);
        cr_expect_null(h);
        cr_expect(strncmp(error, "days.txt:3: ", 12) == 0 && strstr(error, "accepted"), "%s: %s",
                  bad[i], error);
    }
}

Test(calendar, what_never_opens_is_never)
{
    struct windows monday, tuesday;
    struct calendar c = {0};
    struct zone *z;
    char why[256];

    cr_assert_eq(zone_open(&z, SLICE("UTC")), OK);
    cr_assert_eq(windows_parse(SLICE("mon 09:00-10:00"), &monday, why, sizeof(why)), OK);
    cr_assert_eq(windows_parse(SLICE("tue 09:00-10:00"), &tuesday, why, sizeof(why)), OK);
    cr_assert_eq(calendar_next(&c, 12345), 12345, "no parts: always open");
    calendar_add(&c, &(struct calendar_part){&monday, NULL, z, "one"});
    calendar_add(&c, &(struct calendar_part){&tuesday, NULL, z, "two"});
    cr_expect_eq(calendar_next(&c, UINT64_C(1774483200000)), WINDOW_NEVER);
    calendar_why(&c, UINT64_C(1774483200000), why, sizeof(why)); /* a Thursday */
    cr_expect_str_eq(why, "it is 00:00 on 2026-03-26 in UTC, outside the hours of one");
    zone_close(z);
}
