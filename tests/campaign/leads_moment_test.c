/* When leads expire or are called back: forms of dates and instants, and the clocks they mean. */
#include <criterion/criterion.h>

#include "campaign/leads_internal.h"
#include "campaign/zone.h"

static uint64_t expiry(const char *text, const char *zone)
{
    struct lead_moment x = {0};
    struct zone *z;

    cr_assert_eq(zone_open(&z, slice_cstr(zone)), OK);
    cr_expect_eq(leads_read_moment(slice_cstr(text), &x), OK, "%s", text);
    uint64_t ms = lead_until_ms(&x, z);

    zone_close(z);
    return ms / 1000;
}

Test(expiry, instants_and_local_times)
{
    cr_expect_eq(expiry("2027-12-31T18:00:00Z", "Asia/Tokyo"), 1830276000);
    cr_expect_eq(expiry("2027-12-31T18:00:00.25+01:00", "Asia/Tokyo"), 1830272400);
    cr_expect_eq(expiry("2027-12-31 18:00 -0500", "Asia/Tokyo"), 1830294000);
    cr_expect_eq(expiry("2027-12-31t18:00z", "Asia/Tokyo"), 1830276000);
    cr_expect_eq(expiry("2027-12-31T18:00", "Asia/Tokyo"), 1830276000 - 9 * 3600);
}

Test(expiry, a_date_is_over_at_the_end_of_its_day)
{
    cr_expect_eq(expiry("2027-12-31", "UTC"), 1830297600);
    cr_expect_eq(expiry("2027-12-31", "America/New_York"), 1830297600 + 5 * 3600);
    cr_expect_eq(expiry("2028-02-29", "UTC"), 1835481600);
    /* The day of a change to summer time is 23 hours long: it ends at 22:00 UTC, not at 23:00. */
    cr_expect_eq(expiry("2027-03-28", "Europe/Ljubljana"), 1806271200);
}

Test(expiry, a_call_back_begins_with_its_date)
{
    struct lead_moment x = {0};
    struct zone *z;

    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    cr_expect_eq(lead_from_ms(&x, z), 0, "none");
    cr_expect_eq(leads_read_moment(SLICE("2027-03-28"), &x), OK);
    cr_expect_eq(lead_from_ms(&x, z) / 1000, 1806271200 - 23 * 3600, "the day of a change");
    cr_expect_eq(leads_read_moment(SLICE("2027-03-28 12:00"), &x), OK);
    cr_expect_eq(lead_from_ms(&x, z), lead_until_ms(&x, z), "an instant has no length");
    zone_close(z);
}

Test(expiry, none_and_before_time_began)
{
    struct lead_moment x = {0};

    cr_expect_eq(lead_until_ms(&x, NULL), 0, "never");
    cr_expect_eq(leads_read_moment(SLICE("1970-01-01T00:00:00+05:00"), &x), OK);
    cr_expect_eq(lead_until_ms(&x, NULL), 1, "long ago, not never");
}

Test(expiry, refused)
{
    static const char *const bads[] = {"x",
                                       "2027",
                                       "2027-13-01",
                                       "2027-00-01",
                                       "2027-02-29",
                                       "31.12.2027",
                                       "2027-12-32",
                                       "2027-12-31T",
                                       "2027-12-31T25:00",
                                       "2027-12-31T24:01",
                                       "2027-12-31T10:60",
                                       "2027-12-31T10:00X",
                                       "2027-12-31T10:00+1",
                                       "2027-12-31 tomorrow",
                                       "2027-12-31T10:00Z!",
                                       "1969-12-31"};
    struct lead_moment x = {0};

    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        cr_expect_eq(leads_read_moment(slice_cstr(bads[i]), &x), ERR_INVALID, "%s", bads[i]);
        cr_expect_not(x.there);
    }
}
