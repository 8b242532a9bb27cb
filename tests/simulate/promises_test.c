/* Each promise is found broken where it is. */
#include "simulate/promises.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char yaml[] = "name: t\n"
                           "country: us\n"
                           "zone: America/New_York\n"
                           "windows: mon-fri 09:00-20:00\n"
                           "attempts: 2\n"
                           "pacing: { concurrent: 5 }\n"
                           "trunks: [ { address: 192.0.2.1 } ]\n";
static const char csv[] = "id,number,zone\n"
                          "a,+12025550101,\n"
                          "b,+12025550102,America/Los_Angeles\n"
                          "b,+12025550103,\n" /* again: the first row counts */
                          "c,+12025550104,\n";

static struct campaign *campaign;
static struct population population;
static struct people *people;
static struct roll *roll;
static struct promises found;

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);

    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void setup(void)
{
    char error[CAMPAIGN_ERROR_MAX], leads[] = "/tmp/peal-promises-XXXXXX";

    cr_assert_eq(campaign_parse(&campaign, "t.yaml", slice_cstr(yaml), error), OK, "%s", error);
    cr_assert_eq(population_load(&population, NULL, error), OK, "%s", error);
    cr_assert_eq(people_open(&people, &population, campaign->zone, 1), OK);
    write_file(leads, csv);
    cr_assert_eq(roll_open(&roll, campaign, leads, people, 1772470800000, error), OK, "%s", error);
    unlink(leads);
    cr_assert_eq(roll->count, 3);
}

static void teardown(void)
{
    people_close(people);
    roll_close(roll);
    campaign_free(campaign);
}

#define CALL(lead, attempt, result, delivery, invite_ms)                                           \
    "{\"lead\":\"" lead "\",\"attempt\":" #attempt ",\"result\":\"" result                         \
    "\",\"delivery\":\"" delivery "\",\"invite_ms\":" #invite_ms ",\"times\":{\"end\":30000}}\n"
/* Monday 2 March 2026, 17:00 UTC: 12:00 in New York, 09:00 in Los Angeles. */
#define NOON 1772470800000

static void check(const char *calls, uint64_t known)
{
    char error[PROMISES_ERROR_MAX] = "", path[] = "/tmp/peal-promises-XXXXXX";

    write_file(path, calls);
    cr_assert_eq(promises_check(&found, campaign, roll, path, known, error), OK, "%s", error);
    unlink(path);
}

TestSuite(promises, .init = setup, .fini = teardown);

Test(promises, are_kept_by_a_good_run)
{
    check(CALL("a", 1, "busy", "none", 1772470800000) CALL("b", 1, "human", "connected",
                                                           1772470800000)
              CALL("a", 2, "no_answer", "none", 1772471100000),
          3);
    cr_expect(promises_kept(&found), "%s", found.example);
    cr_expect_eq(found.attempts, 3);
}

Test(promises, a_call_outside_its_window_in_its_own_zone)
{
    /* 08:59:59.999 in Los Angeles, while it is noon in New York. */
    check(CALL("a", 1, "busy", "none", 1772470799999) CALL("b", 1, "busy", "none", 1772470799999),
          3);
    cr_expect_eq(found.outside, 1);
    cr_expect(strstr(found.example, "Mon 08:59:59 in America/Los_Angeles"), "%s", found.example);
    cr_expect(!promises_kept(&found));
}

Test(promises, the_end_of_a_window_is_outside)
{
    check(CALL("a", 1, "busy", "none", 1772499600000), 3); /* 20:00 sharp */
    cr_expect_eq(found.outside, 1);
}

Test(promises, an_attempt_too_many)
{
    check(CALL("a", 1, "busy", "none", 1772470800000) CALL("a", 2, "busy", "none", 1772471100000)
              CALL("a", 3, "busy", "none", 1772471400000),
          3);
    cr_expect_eq(found.beyond, 1);
    cr_expect_eq(found.doubled + found.lost + found.outside, 0);
}

Test(promises, an_attempt_that_is_not_charged_is_none_too_many)
{
    check(CALL("a", 1, "no_trunk", "none", 1772470800000) CALL("a", 2, "busy", "none",
                                                               1772471100000)
              CALL("a", 3, "busy", "none", 1772471400000),
          3);
    cr_expect(promises_kept(&found), "%s", found.example);
}

Test(promises, a_call_after_a_delivery)
{
    check(CALL("a", 1, "human", "connected", 1772470800000) CALL("a", 2, "busy", "none",
                                                                 1772471100000),
          3);
    cr_expect_eq(found.beyond, 1);
}

Test(promises, an_attempt_twice_and_two_at_once)
{
    check(CALL("a", 1, "busy", "none", 1772470800000) CALL("a", 1, "busy", "none", 1772471100000)
              CALL("c", 1, "busy", "none", 1772470800000) CALL("c", 2, "busy", "none",
                                                               1772470829999),
          3);
    cr_expect_eq(found.doubled, 2);
}

Test(promises, a_lead_or_a_record_is_missing)
{
    check(CALL("a", 2, "busy", "none", 1772470800000), 3);
    cr_expect_eq(found.lost, 1, "attempt 1 has no record");
    roll_find(roll, SLICE("a"))->attempts = 0;
    check("", 2);
    cr_expect_eq(found.lost, 1, "the queue has only two leads");
    check(CALL("z", 1, "busy", "none", 1772470800000), 3);
    cr_expect_eq(found.lost, 1, "nobody named z");
    check("{\"lead\":", 3);
    cr_expect_eq(found.lost, 1, "a torn line");
}
