/* A campaign's first and last instant, in its own zone, over changes of the clock. */
#include "campaign/dates.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct zone *zone;

static void begin(void)
{
    cr_assert_eq(zone_open(&zone, SLICE("Europe/Ljubljana")), OK);
}

static void end(void)
{
    zone_close(zone);
}

static uint64_t instant(const char *text, bool is_end)
{
    uint64_t ms = 0;

    cr_expect_eq(campaign_instant(zone, slice_cstr(text), is_end, &ms), OK, "%s", text);
    return ms;
}

TestSuite(dates, .init = begin, .fini = end);

Test(dates, a_day_begins_and_ends_in_the_campaigns_zone)
{
    cr_expect_eq(instant("2026-03-02", false), 1772406000000ull); /* 2026-03-01T23:00Z */
    cr_expect_eq(instant("2026-03-02", true), 1772406000000ull + 24 * 3600000ull);
    cr_expect_eq(instant("2026-03-02 14:30", false), 1772406000000ull + 52200000ull);
    cr_expect_eq(instant(" 2026-03-02  14:30", true), 1772406000000ull + 52200000ull);
    /* 23 hours on the day of the spring change, 25 in autumn */
    cr_expect_eq(instant("2026-03-29", true) - instant("2026-03-29", false), 23 * 3600000ull);
    cr_expect_eq(instant("2026-10-25", true) - instant("2026-10-25", false), 25 * 3600000ull);
    cr_expect_eq(instant("2026-12-31", true), instant("2027-01-01", false));
    cr_expect_eq(instant("2028-02-29", true), instant("2028-03-01", false));
}

Test(dates, what_is_no_instant)
{
    static const char *const bad[] = {"",
                                      "today",
                                      "2026-02-30",
                                      "2026-3-2",
                                      "2026-03-02 24:00",
                                      "2026-03-02 9:00",
                                      "2026-03-02T",
                                      "2026-03-02 12:60",
                                      "2026-03-02 12:00:00"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ms;

        cr_expect_neq(campaign_instant(zone, slice_cstr(bad[i]), false, &ms), OK, "'%s'", bad[i]);
    }
}

static struct campaign *parse(const char *dates, char *error)
{
    struct campaign *c;
    char text[600];

    snprintf(text, sizeof(text),
             "name: spring\ncountry: si\nzone: Europe/Ljubljana\n%s"
             "trunks: [{ name: carrier, address: 127.0.0.1:5070 }]\n"
             "pacing: { mode: agentless, concurrent: 3 }\n",
             dates);
    campaign_parse(&c, "spring.yaml", slice_cstr(text), error);
    return c;
}

Test(dates, a_campaign_is_open_between_them)
{
    char error[CAMPAIGN_ERROR_MAX], text[96];
    struct campaign *c = parse("starts: 2026-03-02\nends: 2026-03-31\n", error);

    cr_assert_not_null(c, "%s", error);
    uint64_t first = instant("2026-03-02", false), last = instant("2026-03-31", true);

    cr_expect_eq(campaign_phase(c, first - 1), CAMPAIGN_AHEAD);
    cr_expect_eq(campaign_phase(c, first), CAMPAIGN_OPEN);
    cr_expect_eq(campaign_phase(c, last - 1), CAMPAIGN_OPEN);
    cr_expect_eq(campaign_phase(c, last), CAMPAIGN_OVER);
    cr_expect_str_eq(campaign_phase_text(c, first - 1, text),
                     "begins 2026-03-02 00:00 (Europe/Ljubljana)");
    cr_expect_str_eq(campaign_phase_text(c, last, text),
                     "is over since 2026-04-01 00:00 (Europe/Ljubljana)");
    cr_expect_str_eq(campaign_phase_text(c, first, text), "");
    campaign_free(c);
    c = parse("", error);
    cr_assert_not_null(c, "%s", error);
    cr_expect_eq(campaign_phase(c, 0), CAMPAIGN_OPEN);
    cr_expect_eq(campaign_phase(c, UINT64_MAX), CAMPAIGN_OPEN);
    campaign_free(c);
}

Test(dates, a_file_that_ends_before_it_starts_is_refused)
{
    char error[CAMPAIGN_ERROR_MAX];

    cr_expect_null(parse("starts: 2026-03-02\nends: 2026-03-01\n", error));
    cr_expect_not_null(strstr(error, "spring.yaml:5: ends: "), "%s", error);
    cr_expect_null(parse("starts: soon\n", error));
    cr_expect_not_null(strstr(error, "2026-03-02 14:30"), "%s", error);
    struct campaign *c = parse("starts: 2026-03-02\nends: 2026-03-02\n", error);

    cr_expect_not_null(c, "one day: %s", error);
    campaign_free(c);
}
