/* Calling windows against a brute-force walk minute by minute, over DST changes. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "campaign/window.h"

#define MINUTE_MS 60000u

static struct windows parse(const char *text)
{
    struct windows w;
    char why[512] = "";

    cr_assert_eq(windows_parse(slice_cstr(text), &w, why, sizeof(why)), OK, "%s", why);
    return w;
}

static void refuse(const char *text)
{
    struct windows w;
    char why[512] = "";

    cr_expect_eq(windows_parse(slice_cstr(text), &w, why, sizeof(why)), ERR_INVALID, "%s", text);
    cr_expect(strstr(why, "accepted"), "%s: %s", text, why);
}

Test(window, what_is_no_window)
{
    refuse("");
    refuse("mon");
    refuse("mon-fri");
    refuse("mon 9-17");
    refuse("mon 09:00-24:01");
    refuse("mon 09:60-10:00");
    refuse("mon 09:00-09:00");
    refuse("noday 09:00-10:00");
    refuse("mon 09:00-10:00,");
    refuse("mon 24:00-02:00");
    refuse("mon-fri 09:00-17:00; sat 10:00-12:00");
}

Test(window, spans_are_merged_and_wrap_over_midnight_and_week)
{
    struct windows w =
        parse("MON-FRI 09:00-13:00, fri 12:00-18:00, sun 22:00-02:00, sat-mon 3:00-4:00");

    cr_expect_not(w.any);
    cr_expect_eq(w.spans[0].weekday, 0); /* Monday 00:00-02:00 from Sunday night */
    cr_expect_eq(w.spans[0].end_ms, 2 * 60 * MINUTE_MS);
    uint32_t friday = 0;
    for (uint32_t i = 0; i < w.count; i++) {
        if (w.spans[i].weekday == 4) {
            friday++;
            cr_expect_eq(w.spans[i].start_ms, 9 * 60 * MINUTE_MS);
            cr_expect_eq(w.spans[i].end_ms, 18 * 60 * MINUTE_MS);
        }
    }
    cr_expect_eq(friday, 1);
}

Test(window, any_is_always_open)
{
    struct windows w = parse(" Any ");

    cr_expect(windows_open_at(&w, NULL, 12345));
    cr_expect_eq(windows_next(&w, NULL, 12345), 12345);
    cr_expect_eq(windows_closes(&w, NULL, 12345), WINDOW_NEVER);
}

static void walk(const char *zone_text, const char *text, uint64_t from, uint32_t days)
{
    struct windows w = parse(text);
    struct zone *z;
    uint64_t until = from + (uint64_t)days * 86400000;

    cr_assert_eq(zone_open(&z, slice_cstr(zone_text)), OK);
    /* From the far end back: what comes next is then known at each step. */
    uint64_t opens = WINDOW_NEVER, closes = WINDOW_NEVER;
    for (uint64_t t = until; t >= from; t -= MINUTE_MS) {
        bool open = windows_open_at(&w, z, t);
        if (open)
            opens = t;
        else
            closes = t;
        if (opens == WINDOW_NEVER || closes == WINDOW_NEVER)
            continue;
        cr_assert_eq(windows_next(&w, z, t), opens, "%s '%s' at %llu: opens %llu, not %llu",
                     zone_text, text, (unsigned long long)t, (unsigned long long)opens,
                     (unsigned long long)windows_next(&w, z, t));
        cr_assert_eq(windows_closes(&w, z, t), closes, "%s '%s' at %llu closes", zone_text, text,
                     (unsigned long long)t);
    }
    zone_close(z);
}

#define MARCH_2026   UINT64_C(1774483200000) /* Thursday 2026-03-26 00:00 UTC */
#define OCTOBER_2026 UINT64_C(1792713600000) /* Friday 2026-10-23 00:00 UTC */

Test(window, next_opening_and_closing_over_changes_of_the_clock)
{
    const char *texts[] = {"mon-fri 09:00-21:00, sat 10:00-18:00",
                           "daily 02:15-02:45", /* inside the skipped and repeated hour */
                           "daily 01:30-02:30, daily 02:45-03:15", "daily 22:00-03:00",
                           "sun 00:00-24:00"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        walk("Europe/Ljubljana", texts[i], MARCH_2026, 9);
        walk("Europe/Ljubljana", texts[i], OCTOBER_2026, 9);
        walk("Australia/Lord_Howe", texts[i], UINT64_C(1774915200000), 9); /* half an hour */
        walk("America/New_York", texts[i], UINT64_C(1772841600000), 4);
    }
}

Test(window, a_day_that_does_not_exist)
{
    /* Apia went from 29 to 31 December 2011; Friday the 30th never was. */
    walk("Pacific/Apia", "fri 09:00-17:00, daily 20:00-21:00", UINT64_C(1325030400000), 9);
}

Test(window, a_whole_week_never_closes)
{
    struct windows w = parse("daily 00:00-24:00");
    struct zone *z;

    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    for (uint64_t t = MARCH_2026; t < MARCH_2026 + UINT64_C(9) * 86400000; t += 30 * MINUTE_MS) {
        cr_assert_eq(windows_next(&w, z, t), t);
        cr_assert_eq(windows_closes(&w, z, t), WINDOW_NEVER);
    }
    zone_close(z);
}
