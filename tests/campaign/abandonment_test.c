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
