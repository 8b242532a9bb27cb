/* The strict account: what counts, when the clock starts, and the days. */
#include <criterion/criterion.h>

#include "campaign/abandonment.h"

#define LIMIT 2000
#define DAY   UINT64_C(86400000)
#define NOW   UINT64_C(1774868400000) /* Monday 2026-03-30 13:00 in Ljubljana */

static struct call_record answered(enum delivery d)
{
    struct call_record r;

    call_record_init(&r);
    r.result = RESULT_HUMAN;
    r.delivery = d;
    r.at_ms[MARK_ANSWERED] = 5000;
    r.at_ms[MARK_GREETING_END] = 6000;
    r.at_ms[MARK_VERDICT] = 6700;
    r.at_ms[MARK_END] = 60000;
    r.ended_by = ENDED_BY_CALLEE;
    return r;
}

Test(abandonment, the_clock_runs_from_the_end_of_the_greeting)
{
    struct call_record r = answered(DELIVERY_CONNECTED);

    r.at_ms[MARK_AGENT_HEARD] = 8000;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_SERVED, "exactly the limit is in time");
    r.at_ms[MARK_AGENT_HEARD] = 8001;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_ABANDONED, "connected, but too late");
    r.at_ms[MARK_GREETING_END] = CALL_TIME_NONE;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_SERVED, "no greeting: from the verdict");
    r.at_ms[MARK_VERDICT] = CALL_TIME_NONE;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_ABANDONED, "else from the answer");
}

Test(abandonment, deliveries)
{
    const struct {
        enum delivery delivery;
        enum abandonment_verdict want;
    } rows[] = {{DELIVERY_ABANDONED, ABANDONMENT_ABANDONED},
                {DELIVERY_MESSAGE_PLAYED, ABANDONMENT_ABANDONED},
                {DELIVERY_AGENT_FAILED, ABANDONMENT_ABANDONED},
                {DELIVERY_FLOW, ABANDONMENT_NOT_LIVE},
                {DELIVERY_MESSAGE_LEFT, ABANDONMENT_NOT_LIVE}};
    struct call_record r;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r = answered(rows[i].delivery);
        cr_expect_eq(abandonment_judge(&r, LIMIT), rows[i].want, "%s",
                     delivery_name(rows[i].delivery));
    }
    r = answered(DELIVERY_CONNECTED);
    r.by_flow = true;
    r.at_ms[MARK_AGENT_HEARD] = 25000;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_NOT_LIVE, "whom a flow put through");
    r = answered(DELIVERY_CALLEE_LEFT);
    r.at_ms[MARK_END] = 7900;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_LEFT);
    r.at_ms[MARK_END] = 8100;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_ABANDONED, "left after the limit");
    r = answered(DELIVERY_NONE);
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_LEFT);
    r.ended_by = ENDED_BY_US;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_ABANDONED, "we hung up on a person");
    r.result = RESULT_MACHINE;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_NOT_LIVE);
    r.abandoned_strict = true;
    cr_expect_eq(abandonment_judge(&r, LIMIT), ABANDONMENT_ABANDONED, "later found human");
}

Test(abandonment, days_in_the_campaigns_zone_and_thirty_of_them)
{
    struct abandonment a;
    struct zone *z;
    struct call_record served = answered(DELIVERY_CONNECTED), lost = answered(DELIVERY_ABANDONED);
    struct call_record left = answered(DELIVERY_CALLEE_LEFT);

    served.at_ms[MARK_AGENT_HEARD] = 7000;
    left.at_ms[MARK_END] = 6500;
    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    abandonment_init(&a, z, LIMIT);
    for (int i = 0; i < 97; i++)
        abandonment_add(&a, &served, NOW);
    for (int i = 0; i < 3; i++)
        abandonment_add(&a, &lost, NOW);
    for (int i = 0; i < 50; i++)
        abandonment_add(&a, &left, NOW);
    cr_expect_float_eq(abandonment_day_percent(&a, NOW), 3.0, 1e-9, "those who left are no base");
    cr_expect_float_eq(abandonment_day_percent(&a, NOW + DAY), 0.0, 1e-9);
    /* 22:30 UTC is tomorrow in Ljubljana already. */
    abandonment_add(&a, &lost, NOW + 11 * DAY / 24 + DAY / 48);
    cr_expect_float_eq(abandonment_day_percent(&a, NOW + DAY), 100.0, 1e-9);
    cr_expect_float_eq(abandonment_30d_percent(&a, NOW + DAY), 100.0 * 4 / 101, 1e-9);
    cr_expect_float_eq(abandonment_30d_percent(&a, NOW + 29 * DAY), 100.0 * 4 / 101, 1e-9);
    cr_expect_float_eq(abandonment_30d_percent(&a, NOW + 30 * DAY), 100.0, 1e-9,
                       "the first day has left the thirty");
    cr_expect_float_eq(abandonment_30d_percent(&a, NOW + 31 * DAY), 0.0, 1e-9);
    abandonment_add(&a, &served, NOW + 30 * DAY); /* takes the bucket of day 0 */
    cr_expect_float_eq(abandonment_30d_percent(&a, NOW + 30 * DAY), 50.0, 1e-9);
    cr_expect_float_eq(abandonment_total_percent(&a), 100.0 * 4 / 102, 1e-9);
    struct abandonment_day kept = {.day = 20575, .live = 98, .abandoned = 0};
    abandonment_restore(&a, &kept);
    cr_expect_eq(a.live, 200);
    zone_close(z);
}

/* A day is what the calendar on the wall calls so: 23 hours in spring, 25 in autumn. */
Test(abandonment, days_of_a_clock_change_have_their_own_length)
{
    const struct {
        int32_t year, month, day;
        uint32_t halves; /* half hours of the day */
    } rows[] = {{2026, 3, 28, 48}, {2026, 3, 29, 46}, {2026, 10, 25, 50}, {2026, 10, 26, 48}};
    struct call_record served = answered(DELIVERY_CONNECTED);
    struct abandonment a;
    struct zone *z;

    served.at_ms[MARK_AGENT_HEARD] = 7000;
    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t from = zone_from_local(z, rows[i].year, rows[i].month, rows[i].day, 0);
        int32_t day = abandonment_day_of(z, from);

        abandonment_init(&a, z, LIMIT);
        for (int64_t k = -10; k < 60; k++)
            abandonment_add(&a, &served, from + (uint64_t)(k * 1800000));
        cr_expect_eq(abandonment_day_at(&a, day)->live, rows[i].halves, "%d-%d: %u", rows[i].month,
                     rows[i].day, abandonment_day_at(&a, day)->live);
        cr_expect_eq(abandonment_day_at(&a, day - 1)->live, 10);
        cr_expect_eq(abandonment_day_of(z, from - 1), day - 1);
    }
    zone_close(z);
}

static void put_day(struct abandonment *a, int32_t day, uint32_t live, uint32_t abandoned)
{
    abandonment_restore(
        a, &(struct abandonment_day){.day = day, .live = live, .abandoned = abandoned});
}

Test(abandonment, the_account_is_of_thirty_days_and_of_the_twenty_nine_of_tomorrow)
{
    struct abandonment all, own;
    struct pacing_account k;
    struct zone *z;

    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    int32_t today = abandonment_day_of(z, NOW);
    abandonment_init(&all, z, LIMIT);
    abandonment_init(&own, z, LIMIT);
    for (int32_t day = today - 35; day < today; day++) /* the first six have left it */
        put_day(&all, day, 100, (uint32_t)(day == today - 29 ? 0 : 3));
    abandonment_restore(&all, &(struct abandonment_day){
                                  .day = today, .live = 50, .abandoned = 2, .false_ppm = 500000});
    put_day(&own, today, 20, 1);
    abandonment_account(&all, &own, NOW, &k);
    cr_expect_float_eq(k.days[0].live, 29 * 100 + 50.5, 1e-9, "%f", k.days[0].live);
    cr_expect_float_eq(k.days[0].abandoned, 28 * 3 + 2.5, 1e-9, "%f", k.days[0].abandoned);
    cr_expect_float_eq(k.days[1].live, 28 * 100 + 50.5, 1e-9, "the best day is left behind");
    cr_expect_float_eq(k.days[1].abandoned, 28 * 3 + 2.5, 1e-9);
    cr_expect_float_eq(k.days[4].live, 25 * 100 + 50.5, 1e-9, "and how Friday begins");
    cr_expect_float_eq(k.day_live, 30.5, 1e-9, "what the budget does not know itself");
    cr_expect_float_eq(k.day_abandoned, 1.5, 1e-9);
    cr_expect_float_eq(k.day_typical, 100, 1e-9, "today is not over");
    cr_expect_float_eq(abandonment_day_percent(&all, NOW), 100 * 2.5 / 50.5, 1e-9);
    abandonment_account(&all, &own, NOW + DAY, &k);
    cr_expect_float_eq(k.days[0].live, 28 * 100 + 50.5, 1e-9, "tomorrow is what was said");
    cr_expect_float_eq(k.day_live, 0, 1e-9);
    abandonment_clear_days(&all);
    abandonment_account(&all, &own, NOW, &k);
    cr_expect_eq(k.days[0].live, 0);
    cr_expect_eq(k.day_live, 0);
    zone_close(z);
}
