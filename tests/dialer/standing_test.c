/* Why a lead is not dialled: each rule that holds it has its sentence, and the earliest instant is
 * the one at which all of them let go. */
#include "dialer/standing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Monday, 2026-03-02 08:00 in Ljubljana (UTC+1). */
#define MONDAY_8 1772434800000ull
#define HOUR_MS  3600000ull

static const char yaml[] = "name: spring\n"
                           "country: si\n"
                           "zone: Europe/Ljubljana\n"
                           "windows: mon-fri 09:00-20:00\n"
                           "attempts: 2\n"
                           "number_limits: [{ calls: 2, per: 7d }]\n"
                           "trunks: [{ name: carrier, address: 127.0.0.1:5070, max_calls: 6 }]\n"
                           "pacing: { mode: agentless, concurrent: 3 }\n";

static struct standing standing;
static struct queue_stands stands;
static struct queue_control control;
static struct queue_engine_told engine;
static struct standing_more more;
static struct reasons reasons;

static void begin(void)
{
    static struct campaign *c;
    char error[CAMPAIGN_ERROR_MAX];

    cr_assert_eq(campaign_parse(&c, "spring.yaml", slice_cstr(yaml), error), OK, "%s", error);
    standing = (struct standing){.campaign = c, .now_wall_ms = MONDAY_8};
    cr_assert_eq(zone_cache_open(&standing.zones), OK);
    strcpy(stands.task.id, "L1");
    strcpy(stands.task.numbers[0].number, "+38640100100");
    stands.task.number_count = 1;
    strcpy(engine.name, "engine-1");
    more = (struct standing_more){.control = &control, .engines = &engine, .engine_count = 1};
}

static void end(void)
{
    campaign_free((struct campaign *)standing.campaign);
    zone_cache_close(standing.zones);
}

static const struct reason *reason(enum reason_kind kind)
{
    standing_explain(&standing, &stands, &more, &reasons);
    for (uint32_t i = 0; i < reasons.count; i++)
        if (reasons.at[i].kind == kind)
            return &reasons.at[i];
    cr_assert_fail("no reason '%s' among %u; the first: %s", reason_name(kind), reasons.count,
                   reasons.at[0].text);
    return NULL;
}

static void says(enum reason_kind kind, const char *words)
{
    const struct reason *r = reason(kind);

    cr_expect_not_null(strstr(r->text, words), "'%s' does not say '%s'", r->text, words);
}

TestSuite(standing, .init = begin, .fini = end);

Test(standing, nothing_holds_it)
{
    standing.now_wall_ms = MONDAY_8 + 2 * HOUR_MS;
    stands.ahead = 41;
    says(REASON_TURN, "41 before it");
    cr_expect_eq(reasons.count, 1);
    cr_expect_eq(reasons.next_wall_ms, standing.now_wall_ms);
    stands.stands = TASK_WAITS;
    stands.due_wall_ms = standing.now_wall_ms - 1;
    says(REASON_TURN, "its time has come");
}

Test(standing, outside_its_window)
{
    says(REASON_WINDOW, "opens at 2026-03-02 09:00:00 (Europe/Ljubljana)");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + HOUR_MS);
    strcpy(stands.task.zone, "Europe/London"); /* 07:00 there */
    says(REASON_WINDOW, "Europe/London");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 2 * HOUR_MS);
}

Test(standing, waits_for_its_time_and_then_for_its_window)
{
    const struct queue_attempt_text last = {.number = 1,
                                            .text = SLICE("{\"result\":\"busy\",\"attempt\":1}")};

    stands.stands = TASK_WAITS;
    stands.task.charged = stands.task.tries = 1;
    stands.due_wall_ms = MONDAY_8 + 11 * HOUR_MS; /* 19:00, open until 20:00 */
    more.last = &last;
    says(REASON_WAITS, "until 2026-03-02 19:00:00 (Europe/Ljubljana) after attempt 1 (busy)");
    cr_expect_eq(reasons.next_wall_ms, stands.due_wall_ms);
    cr_expect_eq(reasons.count, 1);
    stands.due_wall_ms = MONDAY_8 + 13 * HOUR_MS; /* 21:00: the next day at nine */
    says(REASON_WINDOW, "At 2026-03-02 21:00:00");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 25 * HOUR_MS);
    cr_expect_eq(reasons.count, 2);
}

Test(standing, spent_expired_and_done)
{
    stands.task.charged = 2;
    says(REASON_SPENT, "2 of 2");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER);
    stands.task.charged = 0;
    stands.task.expires_wall_ms = MONDAY_8 - 1;
    says(REASON_EXPIRED, "has expired");
    stands.task.expires_wall_ms = MONDAY_8 + HOUR_MS / 2; /* before its window opens */
    says(REASON_WINDOW, "09:00:00");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER, "it is never dialled");
    stands.stands = TASK_DONE;
    strcpy(stands.status, "not_reached");
    says(REASON_DONE, "finished as 'not_reached'");
    cr_expect_eq(reasons.count, 1);
    stands.task.number_count = 0;
    says(REASON_DONE, "no usable number");
}

Test(standing, an_engine_has_it)
{
    stands.stands = TASK_LEASED;
    strcpy(stands.engine, "engine-7");
    stands.lease_wall_ms = MONDAY_8 + 1000;
    says(REASON_LEASED, "engine-7");
    stands.task.open_attempt = 2;
    stands.task.open_wall_ms = MONDAY_8 - 60000;
    strcpy(stands.task.open_number, "+38640100100");
    says(REASON_CALLED, "Attempt 2 to +38640100100 is under way on engine engine-7 since "
                        "2026-03-02 07:59:00");
    cr_expect_eq(reasons.count, 1);
    stands.lease_wall_ms = MONDAY_8 - 1;
    says(REASON_LOST, "run out");
}

Test(standing, the_campaign_does_not_run)
{
    control.state = CONTROL_PAUSED;
    control.since_wall_ms = MONDAY_8 - HOUR_MS;
    strcpy(control.who, "anna");
    strcpy(control.why, "stock is counted");
    says(REASON_STATE, "paused since 2026-03-02T06:00:00.000Z by anna: stock is counted");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER);
    cr_expect_eq(reasons.next_if_run_wall_ms, MONDAY_8 + HOUR_MS);
    says(REASON_WINDOW, "09:00:00"); /* the other rules are told, too */
}

Test(standing, the_campaign_has_dates)
{
    struct campaign *c = (struct campaign *)standing.campaign;

    c->starts_wall_ms = MONDAY_8 + 26 * HOUR_MS; /* Tuesday at ten, inside the window */
    says(REASON_DATES, "begins 2026-03-03 10:00 (Europe/Ljubljana)");
    cr_expect_eq(reasons.next_wall_ms, c->starts_wall_ms);
    c->starts_wall_ms = MONDAY_8 + 14 * HOUR_MS; /* Monday at ten in the evening */
    says(REASON_WINDOW, "At 2026-03-02 22:00:00");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 25 * HOUR_MS);
    c->starts_wall_ms = 0;
    c->ends_wall_ms = MONDAY_8 - 8 * HOUR_MS;
    says(REASON_DATES, "is over since 2026-03-02 00:00");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER);
    says(REASON_WINDOW, "09:00:00");
    c->ends_wall_ms = MONDAY_8 + HOUR_MS / 2; /* before its window opens again */
    standing_explain(&standing, &stands, &more, &reasons);
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER, "it is over by then");
    says(REASON_DATES, "ends 2026-03-02 08:30");
}

Test(standing, nobody_could_dial)
{
    strcpy(engine.trouble, "trunk carrier does not answer");
    says(REASON_TROUBLE, "engine-1: trunk carrier does not answer");
    more.engine_count = 0;
    says(REASON_NO_ENGINE, "peal run");
}

Test(standing, its_number_may_not_be_called)
{
    struct queue_gate_answer gate = {.verdict = GATE_DNC, .list = "*"};
    struct place_limit limits[PLACE_LIMITS_MAX];

    more.gate = &gate;
    more.listed_wall_ms = MONDAY_8 - HOUR_MS;
    strcpy(more.listed_by, "eve");
    strcpy(more.listed_why, "asked by letter");
    says(REASON_DNC, "+38640100100 is on the global do-not-call list since 2026-03-02 07:00:00 "
                     "(Europe/Ljubljana) by eve: asked by letter");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER);
    says(REASON_WINDOW, "09:00:00");
    gate.verdict = GATE_OWN;
    says(REASON_OWN, "one of our own");
    gate = (struct queue_gate_answer){.verdict = GATE_LOCKED,
                                      .until_wall_ms = MONDAY_8 + 72 * HOUR_MS,
                                      .why = "an abandoned call"};
    says(REASON_LOCKED, "until 2026-03-05 08:00:00 (Europe/Ljubljana): an abandoned call");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 73 * HOUR_MS, "and then its window opens");
    gate =
        (struct queue_gate_answer){.verdict = GATE_LIMIT, .until_wall_ms = MONDAY_8 + 2 * HOUR_MS};
    more.limits = limits;
    more.limit_count = standing_limits(&standing, &stands.task, limits);
    cr_assert_eq(more.limit_count, 1);
    says(REASON_LIMIT, "2 calls in 7d");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 2 * HOUR_MS);
}

Test(standing, what_cannot_be_read_is_told)
{
    stands.malformed = true;
    stands.task.number_count = 0;
    says(REASON_MALFORMED, "cannot be read");
    cr_expect_eq(reasons.next_wall_ms, WINDOW_NEVER);
}

Test(standing, an_exception_says_whose_clock_it_is)
{
    static const char rules[] = "name: house\n"
                                "numbers:\n"
                                "  - { prefix: \"+386 40\", zones: [Asia/Tokyo], region: far }\n";
    struct campaign *c = (struct campaign *)standing.campaign;
    char error[CAMPAIGN_ERROR_MAX];

    cr_assert_eq(calling_parse(&c->exceptions, "house.yaml", slice_cstr(rules), error), OK, "%s",
                 error);
    standing.now_wall_ms = MONDAY_8 + 6 * HOUR_MS; /* 14:00 in Ljubljana, 22:00 in Tokyo */
    says(REASON_WINDOW, "By house, numbers of +38640 are in Asia/Tokyo, region far.");
    cr_expect_eq(reasons.next_wall_ms, MONDAY_8 + 17 * HOUR_MS, "9:00 in Tokyo");
}
