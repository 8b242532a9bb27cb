/* Files of calling rules: what is read, what holds where, the shipped ones, and complaints. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/place.h"
#include "campaign/rules.h"

#define MONDAY UINT64_C(1774828800000) /* 2026-03-30 00:00 UTC */
#define HOUR   UINT64_C(3600000)
#define DAY    (24 * HOUR)

static char error[CAMPAIGN_ERROR_MAX];

static struct campaign *campaign_by(const char *rules, const char *more)
{
    const char *source = getenv("PEAL_SOURCE"), *where = getenv("TMPDIR");
    char path[512];
    struct campaign *c;

    snprintf(path, sizeof(path), "%s/peal-calling-XXXXXX", where ? where : "/tmp");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f,
            "name: rules\ntrunks: [{address: 127.0.0.1}]\npacing: {concurrent: 5}\n"
            "calling_rules: %s/scenarios/calling-rules/%s\n%s",
            source ? source : ".", rules, more);
    fclose(f);
    enum err e = campaign_load(&c, path, error);
    remove(path);
    cr_assert_eq(e, OK, "%s", error);
    return c;
}

static uint64_t when_in(const struct campaign *c, const char *zone, const char *region,
                        uint64_t now)
{
    struct zone_cache *zones;
    struct place p;
    char fields[64];
    uint64_t when;

    cr_assert_eq(zone_cache_open(&zones), OK);
    snprintf(fields, sizeof(fields), "{\"city\":\"x\",\"region\":\"%s\"}", region);
    place_read(&p, slice_cstr(zone), slice_cstr(fields), zones);
    enum result why = rules_may_dial(c, &p, 0, 0, now, &when);
    cr_expect_eq(why == RESULT_NONE, when == now);
    zone_cache_close(zones);
    return when;
}

Test(calling, us_federal_hours_are_those_of_the_called_person)
{
    struct campaign *c = campaign_by("us-federal.yaml", "country: us\n");

    cr_expect_eq(when_in(c, "America/New_York", "", MONDAY), MONDAY, "20:00 on Sunday");
    cr_expect_eq(when_in(c, "America/New_York", "", MONDAY + HOUR), MONDAY + 12 * HOUR);
    cr_expect_eq(when_in(c, "America/Los_Angeles", "", MONDAY + HOUR), MONDAY + HOUR);
    /* Zone unknown: not before 8:00 in Honolulu (18:00 UTC), while New York is open till 21:00. */
    cr_expect_eq(when_in(c, "", "", MONDAY + HOUR), MONDAY + 18 * HOUR);
    cr_expect_eq(when_in(c, "Nowhere/Town", "", MONDAY + HOUR), MONDAY + 18 * HOUR);
    cr_expect_eq(when_in(c, "America/New_York|America/Chicago", "", MONDAY + HOUR),
                 MONDAY + 13 * HOUR);
    cr_expect_eq(place_lock_out_ms(c, NULL), 72 * HOUR);
    campaign_free(c);
}

/* When a lead of this number and no zone column may be called. */
static uint64_t when_by_number(const struct campaign *c, const char *e164, uint64_t now)
{
    struct zone_cache *zones;
    struct place p;
    uint64_t when;

    cr_assert_eq(zone_cache_open(&zones), OK);
    place_read(&p, SLICE_NONE, SLICE("{}"), zones);
    place_of_number(&p, c, e164, zones, now);
    rules_may_dial(c, &p, 0, 0, now, &when);
    zone_cache_close(zones);
    return when;
}

Test(calling, a_number_tells_where_its_owner_may_be)
{
    struct campaign *c = campaign_by("us-federal.yaml", "country: us\n"), *ru;

    cr_expect_eq(when_by_number(c, "+12025550123", MONDAY + HOUR), MONDAY + 12 * HOUR,
                 "New York 8:00");
    cr_expect_eq(when_by_number(c, "+18085550123", MONDAY + HOUR), MONDAY + HOUR, "Honolulu 15:00");
    cr_expect_eq(when_by_number(c, "+18005550123", MONDAY + HOUR), MONDAY + 18 * HOUR,
                 "anywhere: 8:00 in Honolulu; Guam and Bermuda are not among the rules' zones");
    campaign_free(c);
    /* A mobile number of Russia may be from Kaliningrad's time to Kamchatka's. */
    ru = campaign_by("nine-to-nine.yaml", "country: ru\n");
    cr_expect_eq(when_by_number(ru, "+79161234567", MONDAY + 12 * HOUR), MONDAY + 30 * HOUR,
                 "Tuesday 9:00 in Moscow, before 21:00 in Kamchatka");
    campaign_free(ru);
}

Test(calling, a_region_is_kept_to_its_own_law_too)
{
    struct campaign *c = campaign_by("us-federal.yaml", "country: us\n");
    struct place_limit limits[PLACE_LIMITS_MAX];
    struct place p = {.region = "Example-State"};

    /* Sunday 20:00 in New York: closed there until Monday 9:00. */
    cr_expect_eq(when_in(c, "America/New_York", "xs", MONDAY), MONDAY + 13 * HOUR);
    cr_expect_eq(when_in(c, "America/New_York", " Example-State", MONDAY), MONDAY + 13 * HOUR);
    /* Friday, 3 July 2026 20:30: Saturday is a holiday, Sunday closed. */
    cr_expect_eq(when_in(c, "America/New_York", "XS", MONDAY + 96 * DAY + 30 * 60000),
                 MONDAY + 98 * DAY + 13 * HOUR);
    cr_expect_eq(place_limits(c, NULL, MONDAY, limits), 0);
    cr_assert_eq(place_limits(c, &p, MONDAY, limits), 1);
    cr_expect_eq(limits[0].calls, 3);
    cr_expect_eq(limits[0].since_wall_ms, MONDAY - DAY);
    campaign_free(c);
}

Test(calling, debt_collection)
{
    struct campaign *c = campaign_by("debt-collection.yaml",
                                     "country: ru\nnumber_limits: [{ calls: 20, per: 30d }]\n");
    struct place_limit limits[PLACE_LIMITS_MAX];
    struct zone *omsk;
    char text[64];

    cr_assert_eq(zone_open(&omsk, SLICE("Asia/Omsk")), OK); /* UTC+6 */
    struct place p = {.zones = {omsk}, .zone_count = 1};
    cr_expect_eq(when_in(c, "Asia/Omsk", "", MONDAY + HOUR), MONDAY + 2 * HOUR, "weekday 8:00");
    cr_expect_eq(when_in(c, "Asia/Omsk", "", MONDAY - DAY + HOUR), MONDAY - DAY + 3 * HOUR,
                 "Sunday 9:00");
    cr_expect_eq(when_in(c, "Asia/Omsk", "", MONDAY - DAY + 14 * HOUR), MONDAY + 2 * HOUR,
                 "Sunday from 20:00 on");
    cr_expect_eq(when_in(c, "Asia/Omsk", "", MONDAY + 32 * DAY + 2 * HOUR),
                 MONDAY + 32 * DAY + 3 * HOUR, "Friday, 1 May: as on a weekend");
    cr_assert_eq(place_limits(c, &p, MONDAY + 2 * DAY + 20 * HOUR, limits), 4);
    cr_expect_eq(limits[0].since_wall_ms, MONDAY - 28 * DAY + 20 * HOUR, "30 days, rolling");
    cr_expect_eq(limits[1].since_wall_ms, MONDAY + 2 * DAY + 18 * HOUR, "Thursday in Omsk");
    cr_expect_eq(limits[2].since_wall_ms, MONDAY - 6 * HOUR, "Monday in Omsk");
    cr_expect_eq(limits[3].since_wall_ms, MONDAY + 2 * DAY - 6 * HOUR, "2 April there: the 1st");
    cr_expect_eq(limits[0].until_wall_ms, 0);
    cr_expect_eq(limits[1].until_wall_ms, MONDAY + 3 * DAY + 18 * HOUR, "Friday there");
    cr_expect_eq(limits[2].until_wall_ms, MONDAY + 7 * DAY - 6 * HOUR, "the next Monday");
    cr_expect_eq(limits[3].until_wall_ms, MONDAY + 32 * DAY - 6 * HOUR, "1 May");
    place_limit_text(&limits[0].limit, text, sizeof(text));
    cr_expect_str_eq(text, "20 calls in 30d");
    place_limit_text(&limits[1].limit, text, sizeof(text));
    cr_expect_str_eq(text, "1 call a day");
    zone_close(omsk);
    campaign_free(c);
}

Test(calling, rules_never_open_what_the_campaign_closes)
{
    struct campaign *c =
        campaign_by("nine-to-nine.yaml", "zone: UTC\nwindows: daily 20:00-23:00\n");

    cr_expect_eq(when_in(c, "", "", MONDAY), MONDAY + 20 * HOUR);
    cr_expect_eq(when_in(c, "", "", MONDAY + 21 * HOUR), MONDAY + 44 * HOUR);
    campaign_free(c);
}

static void refuse(const char *text, unsigned line, const char *says)
{
    struct calling_rules *r;
    char place[64];
    enum err e = calling_parse(&r, "law.yaml", slice_cstr(text), error);

    cr_expect_neq(e, OK, "accepted: %s", text);
    cr_expect_null(r);
    snprintf(place, sizeof(place), "law.yaml:%u: ", line);
    cr_expect(strncmp(error, place, strlen(place)) == 0, "wanted %s in: %s", place, error);
    cr_expect(strstr(error, says), "wanted '%s' in: %s", says, error);
}

Test(calling, complaints_name_the_line_and_what_is_accepted)
{
    refuse("", 1, "empty; calling rules need a name");
    refuse("name: x\nhours: any\n", 2, "unknown key 'hours'; accepted: name, windows, holidays, ");
    refuse("name: x\nwindows: mon 9-17\n", 2, "no calling window");
    refuse("name: x\nlimits:\n  - { calls: 1, per: year }\n", 3,
           "accepted: day, week, month, or a duration up to 35d");
    refuse("name: x\nlimits:\n  - { calls: 0, per: day }\n", 3, "1 to 1000");
    refuse("name: x\nlimits:\n  - { per: day }\n", 3, "a limit needs both");
    refuse("name: x\nlimits:\n  - { calls: 1, each: day }\n", 3,
           "unknown key 'each' in limits; accepted: calls, per");
    refuse("name: x\nlock_out: soon\n", 2, "no duration");
    refuse("name: x\nzones: [UTC, Nowhere/Town]\n", 2, "no time zone");
    refuse("name: x\nregions:\n  - { region: a }\n  - { region: \"b, A\" }\n", 4, "there twice");
    refuse("name: x\nregions:\n  - windows: any\n", 3, "each needs its name");
    refuse("name: x\nregions:\n  - region: \"a,,b\"\n", 3, "each needs its name");
}

Test(calling, a_bad_file_is_named_with_its_line_from_the_campaign)
{
    struct campaign *c;
    char path[512];
    const char *where = getenv("TMPDIR");

    snprintf(path, sizeof(path), "%s/peal-holidays-XXXXXX", where ? where : "/tmp");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs("name: x\ntrunks: [{address: 127.0.0.1}]\npacing: {concurrent: 5}\n"
          "calling_rules: /nowhere/rules.yaml\n",
          f);
    fclose(f);
    cr_expect_eq(campaign_load(&c, path, error), ERR_INVALID);
    cr_expect(strstr(error, "/nowhere/rules.yaml: cannot open the calling rules"), "%s", error);
    f = fopen(path, "w");
    fprintf(f, "name: x\ntrunks: [{address: 127.0.0.1}]\npacing: {concurrent: 5}\nholidays: %s\n",
            path);
    fclose(f);
    cr_expect_eq(campaign_load(&c, path, error), ERR_INVALID);
    cr_expect(strstr(error, ":1: 'name: x' begins with no date"), "%s", error);
    remove(path);
}

/* The campaign's rules and the shipped exceptions beside them. */
static struct campaign *with_exceptions(const char *more)
{
    const char *source = getenv("PEAL_SOURCE");
    char text[700];

    snprintf(text, sizeof(text), "country: us\nexceptions: %s/scenarios/calling-rules/%s\n%s",
             source ? source : ".", "exceptions.yaml", more);
    return campaign_by("us-federal.yaml", text);
}

Test(calling, exceptions_say_where_numbers_are_and_what_holds_there)
{
    struct campaign *c = with_exceptions("");
    struct place_limit limits[PLACE_LIMITS_MAX];
    struct place capital = {.region = "capital"};

    /* Monday 00:00 UTC is Sunday in America: 8:00 to 21:00 by the law. */
    cr_expect_eq(when_by_number(c, "+19074440123", MONDAY + HOUR), MONDAY + HOUR,
                 "Alaska by the numbering plan: Sunday 17:00");
    cr_expect_eq(when_by_number(c, "+19075550123", MONDAY + 18 * HOUR), MONDAY + 18 * HOUR,
                 "9:00 in Adak, 10:00 in Anchorage");
    cr_expect_eq(when_by_number(c, "+19075550123", MONDAY + 16 * HOUR), MONDAY + 17 * HOUR,
                 "8:00 in Anchorage is not yet 8:00 in Adak");
    cr_expect_eq(when_by_number(c, "+12025559999", MONDAY + HOUR), MONDAY + 14 * HOUR,
                 "capital: 10:00 in New York");
    cr_expect_eq(when_by_number(c, "+12025550123", MONDAY + HOUR), MONDAY + 13 * HOUR,
                 "the longer prefix: office, 9:00, where the numbering plan says");
    cr_expect_eq(when_in(c, "America/Los_Angeles", "capital", MONDAY + 14 * HOUR),
                 MONDAY + 17 * HOUR, "a lead's own zone and region go before");
    cr_expect_eq(place_limits(c, NULL, MONDAY, limits), 0);
    cr_assert_eq(place_limits(c, &capital, MONDAY, limits), 1);
    cr_expect(limits[0].calls == 2 && strcmp(limits[0].whose, "capital") == 0);
    cr_expect_eq(place_lock_out_ms(c, &capital), 72 * HOUR, "the law's holds on");
    campaign_free(c);
}

static void refuse_rules(const char *text, const char *says)
{
    struct calling_rules *r;

    cr_expect_neq(calling_parse(&r, "x.yaml", slice_cstr(text), error), OK, "%s", text);
    cr_expect_str_eq(error, says);
}

Test(calling, exceptions_that_are_none_are_refused)
{
    refuse_rules("name: x\nnumbers:\n  - { prefix: \"907\", region: ak }\n",
                 "x.yaml:3: numbers: prefix: '907' is not accepted; accepted: how numbers begin, "
                 "with their country, in quotes: \"+1907\"");
    refuse_rules("name: x\nnumbers:\n  - { prefix: \"+1907\" }\n",
                 "x.yaml:3: numbers: +1907 needs zones or a region");
    refuse_rules("name: x\nnumbers:\n  - { prefix: \"+1907\", zones: [Nowhere/Town] }\n",
                 "x.yaml:3: numbers: zones: 'Nowhere/Town' is no time zone of this system; "
                 "accepted: names such as America/Chicago or UTC (is tzdata installed?)");
    refuse_rules("name: x\nnumbers:\n  - { prefix: \"+1 907\", region: a }\n"
                 "  - { prefix: \"+1-9-07\", region: b }\n",
                 "x.yaml:3: numbers: +1907 is there twice");
}
