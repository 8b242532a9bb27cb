/* Retry decisions: the defaults by the results' page, and what must hold for every input. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/rng.h"
#include "campaign/rules.h"

#define NOW    UINT64_C(1774868400000) /* Monday 2026-03-30 13:00 in Ljubljana */
#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)

static struct campaign *campaign(const char *more)
{
    static char error[CAMPAIGN_ERROR_MAX];
    char text[2048];
    struct campaign *c;

    snprintf(text, sizeof(text),
             "name: rules\ncountry: si\ntrunks: [{address: 127.0.0.1}]\n"
             "pacing: {concurrent: 5}\n%s",
             more);
    cr_assert_eq(campaign_parse(&c, "rules.yaml", slice_cstr(text), error), OK, "%s", error);
    return c;
}

static struct rules_decision decide(const struct campaign *c, enum result r, enum delivery d,
                                    uint32_t attempt, uint32_t tries)
{
    struct rules_input in = {
        .result = r, .delivery = d, .attempt = attempt, .tries = tries, .now_wall_ms = NOW};
    struct rules_decision out;

    rules_decide(c, &in, &out);
    return out;
}

Test(rules, defaults_follow_the_next_column)
{
    struct campaign *c = campaign("");
    struct rules_decision d;

    d = decide(c, RESULT_VACANT, DELIVERY_NONE, 1, 1);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "invalid");
    d = decide(c, RESULT_BUSY, DELIVERY_NONE, 1, 1);
    cr_expect(!d.finish && d.charged);
    cr_expect_eq(d.retry_wall_ms, NOW + 5 * MINUTE);
    d = decide(c, RESULT_BUSY, DELIVERY_NONE, 2, 2);
    cr_expect_eq(d.retry_wall_ms, NOW + 15 * MINUTE, "the second delay after the second attempt");
    d = decide(c, RESULT_BUSY, DELIVERY_NONE, 3, 3);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "not_reached");
    d = decide(c, RESULT_CONGESTION, DELIVERY_NONE, 1, 1);
    cr_expect(!d.finish && d.other_trunk);
    cr_expect_eq(d.retry_wall_ms, NOW + 30000);
    d = decide(c, RESULT_REJECTED, DELIVERY_NONE, 2, 2);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "refused");
    d = decide(c, RESULT_DNC, DELIVERY_NONE, 0, 0);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "not_dialled");
    campaign_free(c);
}

Test(rules, our_fault_is_not_charged_but_ends)
{
    struct campaign *c = campaign("");
    uint32_t tries = 1;

    while (tries < 1000 && !decide(c, RESULT_OUR_FAULT, DELIVERY_NONE, 0, tries).finish)
        tries++;
    cr_expect_eq(tries, 3 * RULES_TRIES_PER_ATTEMPT);
    struct rules_decision d = decide(c, RESULT_OUR_FAULT, DELIVERY_NONE, 0, tries);
    cr_expect_not(d.charged);
    cr_expect_str_eq(d.status, "failed");
    cr_expect(decide(c, RESULT_OUR_FAULT, DELIVERY_NONE, 3, 4).finish, "no attempt is left");
    campaign_free(c);
}

Test(rules, a_delivered_call_is_reached_whatever_the_rule)
{
    struct campaign *c = campaign("results: {human: {after: 1h}}\n");

    for (int d = 0; d < DELIVERY_COUNT; d++) {
        struct rules_decision out = decide(c, RESULT_HUMAN, (enum delivery)d, 1, 1);
        bool delivered = d == DELIVERY_CONNECTED || d == DELIVERY_MESSAGE_LEFT ||
                         d == DELIVERY_FLOW || d == DELIVERY_TRANSFERRED;
        cr_expect_eq(out.finish, delivered, "%s", delivery_name((enum delivery)d));
        if (delivered)
            cr_expect_str_eq(out.status, "reached");
    }
    campaign_free(c);
}

Test(rules, a_machine_that_an_agent_had_by_mistake_is_not_reached)
{
    static const struct {
        const char *on;
        bool reached;
    } cases[] = {{"", false},
                 {"on: {machine: hangup}\n", false},
                 {"on: {machine: flow menu.lua}\n", true},
                 {"agents: [{name: a, uri: \"sip:a@127.0.0.1\"}]\non: {machine: agent}\n", true}};

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct campaign *c = campaign(cases[i].on);
        struct rules_decision out = decide(c, RESULT_MACHINE, DELIVERY_CONNECTED, 1, 1);
        cr_expect_eq(out.finish, cases[i].reached, "%s", cases[i].on);
        cr_expect(decide(c, RESULT_MACHINE, DELIVERY_MESSAGE_LEFT, 1, 1).finish, "it was told");
        campaign_free(c);
    }
}

Test(rules, the_campaigns_words_win)
{
    struct campaign *c =
        campaign("attempts: 5\nresults:\n"
                 "  no_answer: {after: \"10m, 20m\", attempts: 3, finish: gave_up}\n"
                 "  vacant: {next: retry}\n  busy: {next: finish}\n");
    struct rules_decision d = decide(c, RESULT_NO_ANSWER, DELIVERY_NONE, 1, 4);

    cr_expect_eq(d.retry_wall_ms, NOW + 10 * MINUTE);
    d = decide(c, RESULT_NO_ANSWER, DELIVERY_NONE, 2, 2);
    cr_expect_eq(d.retry_wall_ms, NOW + 20 * MINUTE);
    d = decide(c, RESULT_NO_ANSWER, DELIVERY_NONE, 3, 3);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "gave_up");
    cr_expect_not(decide(c, RESULT_VACANT, DELIVERY_NONE, 1, 1).finish);
    cr_expect(decide(c, RESULT_BUSY, DELIVERY_NONE, 1, 1).finish);
    campaign_free(c);
}

Test(rules, retries_wait_for_the_window_of_the_leads_own_zone)
{
    struct campaign *c = campaign("windows: mon-fri 09:00-14:00\nresults: {busy: {after: 2h}}\n");
    struct zone *kolkata;
    struct rules_input in = {.result = RESULT_BUSY, .attempt = 1, .tries = 1, .now_wall_ms = NOW};
    struct rules_decision d;

    rules_decide(c, &in, &d);
    cr_expect_eq(d.retry_wall_ms, NOW + 20 * HOUR, "Tuesday 09:00, not Monday 15:00");
    cr_expect(strstr(d.reason, "window"));
    cr_assert_eq(zone_open(&kolkata, SLICE("Asia/Kolkata")), OK);
    const struct place there = {.zones = {kolkata}, .zone_count = 1};
    in.place = &there;
    rules_decide(c, &in, &d); /* 16:30 there now; Tuesday 09:00 there is 03:30 UTC */
    cr_expect_eq(d.retry_wall_ms, NOW + 16 * HOUR + 30 * MINUTE);
    in.expires_wall_ms = d.retry_wall_ms;
    rules_decide(c, &in, &d);
    cr_expect(d.finish && strstr(d.reason, "expires"));
    zone_close(kolkata);
    campaign_free(c);
}

Test(rules, may_dial)
{
    struct campaign *c = campaign("windows: mon-fri 09:00-14:00\nattempts: 2\n");
    uint64_t when;

    cr_expect_eq(rules_may_dial(c, NULL, 0, 0, NOW, &when), RESULT_NONE);
    cr_expect_eq(when, NOW);
    cr_expect_eq(rules_may_dial(c, NULL, 0, 0, NOW + HOUR, &when), RESULT_OUT_OF_WINDOW);
    cr_expect_eq(when, NOW + 20 * HOUR);
    cr_expect_eq(rules_may_dial(c, NULL, 2, 0, NOW, &when), RESULT_ATTEMPTS_SPENT);
    cr_expect_eq(rules_may_dial(c, NULL, 1, NOW, NOW, &when), RESULT_EXPIRED);
    cr_expect_eq(rules_may_dial(c, NULL, 1, NOW + 1, NOW, &when), RESULT_NONE);
    campaign_free(c);
}

/* Nothing counts a refusal, so a rule that comes back to a listed number would go round as fast as
 * Redis answers. How often in a day? */
static uint32_t refusals_of_a_day(const struct campaign *c, enum result refusal, uint32_t numbers)
{
    struct rules_input in = {.result = refusal, .now_wall_ms = NOW, .number_count = numbers};
    struct rules_decision d = {0};
    uint32_t looks = 0;

    while (in.now_wall_ms < NOW + 24 * HOUR && looks < 1000000 && !d.finish) {
        rules_decide(c, &in, &d);
        looks++;
        in.now_wall_ms = d.retry_wall_ms;
        in.number_at = d.next_number;
    }
    return looks;
}

Test(rules, a_refused_lead_does_not_spin)
{
    static const enum result refusals[] = {RESULT_DNC, RESULT_OWN_NUMBER, RESULT_INVALID_NUMBER,
                                           RESULT_MISSING_NUMBER};
    static const char *const rules[] = {"next: other_number, after: 0s", "next: retry, after: 0s",
                                        "next: \"other_number, retry\", after: \"0s, 1s\""};
    char text[256];

    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 3; k++) {
            snprintf(text, sizeof(text), "results: {%s: {%s}}\n", result_name(refusals[i]),
                     rules[k]);
            struct campaign *c = campaign(text);
            for (uint32_t numbers = 0; numbers <= 8; numbers++) {
                uint32_t looks = refusals_of_a_day(c, refusals[i], numbers);
                cr_expect_leq(looks, 8 * 144, "%s, %u numbers: looked at %u times a day", text,
                              numbers, looks);
            }
            campaign_free(c);
        }
    }
}

Test(rules, a_refused_number_gives_way_to_the_next_at_once)
{
    struct campaign *c = campaign("results: {dnc: {next: next_number, after: 0s}}\n");
    struct rules_input in = {.result = RESULT_DNC, .now_wall_ms = NOW, .number_count = 2};
    struct rules_decision d;

    rules_decide(c, &in, &d);
    cr_expect(!d.finish && d.next_number == 1);
    cr_expect_eq(d.retry_wall_ms, NOW + 1);
    in.number_at = 1;
    rules_decide(c, &in, &d);
    cr_expect(d.finish, "there is no third");
    campaign_free(c);
    c = campaign("results: {dnc: {next: other_number, after: 3h}}\n");
    rules_decide(c, &in, &d);
    cr_expect_eq(d.next_number, 0);
    cr_expect_eq(d.retry_wall_ms, NOW + 3 * HOUR, "a longer delay is the rule's own");
    campaign_free(c);
}

/* For any history: a retry lies later than now and inside the window, and no lead is tried more
 * often than the campaign allows. */
Test(rules, histories_end_and_keep_the_windows)
{
    struct campaign *c = campaign("windows: mon-sat 09:00-20:00, sun 12:00-12:30\nattempts: 4\n");
    struct rng rng;

    rng_seed(&rng, 11);
    for (int history = 0; history < 2000; history++) {
        struct rules_input in = {
            .now_wall_ms = windows_next(&c->windows, c->zone, NOW + rng_below(&rng, 1u << 31))};
        struct rules_decision d = {0};
        uint32_t charged = 0;
        while (!d.finish) {
            in.result = (enum result)(1 + rng_below(&rng, RESULT_COUNT - 1));
            in.delivery = rng_below(&rng, 10) ? DELIVERY_NONE : DELIVERY_CONNECTED;
            charged += result_is_charged(in.result);
            in.attempt = charged;
            in.tries++;
            rules_decide(c, &in, &d);
            cr_assert_eq(d.charged, result_is_charged(in.result));
            cr_assert(d.reason && d.reason[0]);
            if (d.finish)
                break;
            cr_assert_gt(d.retry_wall_ms, in.now_wall_ms);
            cr_assert(windows_open_at(&c->windows, c->zone, d.retry_wall_ms));
            in.now_wall_ms = d.retry_wall_ms;
        }
        cr_assert(d.status[0]);
        cr_assert_leq(charged, 4);
        cr_assert_leq(in.tries, 4 * RULES_TRIES_PER_ATTEMPT);
    }
    campaign_free(c);
}
