/* The shipped campaign `telesales`: 11 zones, any day and hour, any results, over changes of the
 * clock and a leap day. What is held against the strategy is reckoned with the C library's clock.
 */
#include <time.h>

#include "base/rng.h"
#include "campaign/shipped.h"

#define HOUR UINT64_C(3600000)

static const char *const zones[] = {"Europe/Kaliningrad", "Europe/Moscow",  "Europe/Samara",
                                    "Asia/Yekaterinburg", "Asia/Omsk",      "Asia/Krasnoyarsk",
                                    "Asia/Irkutsk",       "Asia/Kamchatka", "Europe/Ljubljana",
                                    "America/New_York",   "Pacific/Chatham"};
#define ZONES (sizeof(zones) / sizeof(zones[0]))

static struct tm local(const char *zone, uint64_t wall_ms)
{
    time_t at = (time_t)(wall_ms / 1000);
    struct tm t;

    setenv("TZ", zone, 1);
    tzset();
    localtime_r(&at, &t);
    return t;
}

static bool within(const char *zone, uint64_t wall_ms)
{
    struct tm t = local(zone, wall_ms);

    return t.tm_hour >= 9 && t.tm_hour < 21;
}

static int days_between(struct tm a, struct tm b)
{
    a.tm_hour = b.tm_hour = 12;
    a.tm_min = b.tm_min = a.tm_sec = b.tm_sec = 0;
    a.tm_isdst = b.tm_isdst = -1;
    return (int)((mktime(&b) - mktime(&a) + 7200) / 86400);
}

static bool one_of_three(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "refused") == 0 ||
           strcmp(status, "not_reached") == 0;
}

static void lead(const struct campaign *c, struct zone_cache *cache, uint64_t seed)
{
    static const enum result failing[] = {
        RESULT_BUSY,     RESULT_NO_ANSWER,    RESULT_UNREACHABLE,
        RESULT_REJECTED, RESULT_HUMAN_SILENT, RESULT_MACHINE,
        RESULT_SCREENER, RESULT_DROPPED,      RESULT_ANNOUNCEMENT};
    struct rng rng;
    struct place place;
    struct rules_decision d = {0};
    uint64_t when;

    rng_seed(&rng, seed);
    const char *zone = zones[rng_below(&rng, ZONES)];
    place_read(&place, slice_cstr(zone), SLICE("{}"), cache);
    /* Any minute of 2026 to 2028: every change of the clock and 29 February 2028 are among them. */
    uint64_t comes = UINT64_C(1767225600000) + rng_below(&rng, 3u * 366 * 1440) * UINT64_C(60000);
    struct rules_input in = {.place = &place, .now_wall_ms = comes};

    enum result hold = rules_may_dial(c, &place, 0, 0, comes, &when);
    cr_assert_eq(hold == RESULT_NONE, within(zone, comes), "seed %llu", (unsigned long long)seed);
    in.now_wall_ms = when;
    while (!d.finish) {
        struct tm now = local(zone, in.now_wall_ms);

        cr_assert(within(zone, in.now_wall_ms), "seed %llu: %s %02d:%02d", (unsigned long long)seed,
                  zone, now.tm_hour, now.tm_min);
        attempt_gives(c, &in, failing[rng_below(&rng, 9)], &d);
        cr_assert(d.charged && in.attempt <= 3);
        cr_assert(d.comment[0]);
        if (d.finish)
            break;
        struct tm next = local(zone, d.retry_wall_ms);
        int days = days_between(now, next);
        if (in.attempt == 1) /* an hour later, or when the window opens first after that */
            cr_assert(within(zone, in.now_wall_ms + HOUR)
                          ? d.retry_wall_ms == in.now_wall_ms + HOUR
                          : days == 1 && next.tm_hour == 9 && next.tm_min == 0,
                      "seed %llu", (unsigned long long)seed);
        else
            cr_assert(days == 1 && next.tm_hour == 9 && next.tm_min == 0, "seed %llu: %d days",
                      (unsigned long long)seed, days);
        in.now_wall_ms = d.retry_wall_ms;
    }
    cr_assert_eq(in.attempt, 3);
    cr_assert_str_eq(d.status, "not_reached");
}

Test(telesales, no_call_outside_the_window_and_no_attempt_out_of_strategy)
{
    struct campaign *c = shipped("telesales.yaml");
    struct zone_cache *cache;

    cr_assert_eq(zone_cache_open(&cache), OK);
    cr_expect_eq(c->ring_timeout_ms, 30000);
    for (uint64_t seed = 1; seed <= 20000; seed++)
        lead(c, cache, seed);
    zone_cache_close(cache);
    campaign_free(c);
}

Test(telesales, every_end_is_one_of_three)
{
    struct campaign *c = shipped("telesales.yaml");
    struct rules_decision d;

    for (int r = RESULT_NONE + 1; r < RESULT_COUNT; r++) {
        cr_expect(one_of_three(c->rules[r].finish), "%s: %s", result_name((enum result)r),
                  c->rules[r].finish);
        for (int v = 0; v < DELIVERY_COUNT; v++) {
            struct rules_input in = {.result = (enum result)r,
                                     .delivery = (enum delivery)v,
                                     .attempt = 3,
                                     .tries = 30,
                                     .now_wall_ms = 1774864800000};
            rules_decide(c, &in, &d);
            cr_expect(!d.finish || one_of_three(d.status), "%s", d.status);
        }
    }
    cr_assert_eq(c->outcome_rules, 9);
    for (uint32_t i = 0; i < c->outcome_rules; i++) {
        struct rules_input in = {.result = RESULT_HUMAN,
                                 .delivery = DELIVERY_CONNECTED,
                                 .attempt = 1,
                                 .tries = 1,
                                 .now_wall_ms = 1774864800000,
                                 .outcome = slice_cstr(c->outcomes[i].label)};
        rules_decide(c, &in, &d);
        cr_expect(d.finish && one_of_three(d.status) && strcmp(d.status, "not_reached") != 0,
                  "%s: %s", c->outcomes[i].label, d.status);
        cr_expect_eq(strcmp(d.mark, "escalate") == 0,
                     strcmp(c->outcomes[i].label, "health_complaint") == 0);
    }
    campaign_free(c);
}

Test(telesales, any_other_result_is_rejected)
{
    static char error[CAMPAIGN_ERROR_MAX];
    struct campaign *c;

    cr_expect_neq(campaign_parse(&c, "t.yaml",
                                 SLICE("name: t\ntrunks: [{address: 127.0.0.1}]\n"
                                       "pacing: {concurrent: 1}\n"
                                       "statuses: {reached: completed, invalid: not_reached}\n"
                                       "results:\n  busy: {finish: later}\n"),
                                 error),
                  OK);
    cr_expect_str_eq(error, "t.yaml:6: results: busy: finish: 'later' is none of the campaign's "
                            "statuses; accepted: completed, not_reached, refused, not_dialled, "
                            "failed");
}
