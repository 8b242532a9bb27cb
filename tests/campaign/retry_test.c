/* Retry rules as a user writes them, and what they say after each attempt. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "campaign/rules.h"

#define NOW    UINT64_C(1774868400000) /* Monday 2026-03-30 13:00 in Ljubljana */
#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char error[CAMPAIGN_ERROR_MAX];

static enum err parse(const char *more, struct campaign **c)
{
    char text[2048];

    snprintf(
        text, sizeof(text),
        "name: retry\ncountry: si\ntrunks: [{address: 127.0.0.1}]\npacing: {concurrent: 5}\n%s",
        more);
    return campaign_parse(c, "retry.yaml", slice_cstr(text), error);
}

static struct campaign *campaign(const char *more)
{
    struct campaign *c;

    cr_assert_eq(parse(more, &c), OK, "%s", error);
    return c;
}

static struct rules_decision after(const struct campaign *c, enum result r, uint32_t attempt)
{
    const struct rules_input in = {
        .result = r, .attempt = attempt, .tries = attempt, .now_wall_ms = NOW, .number_count = 1};
    struct rules_decision d;

    rules_decide(c, &in, &d);
    return d;
}

Test(retry, lists_go_by_attempt)
{
    struct campaign *c = campaign(
        "attempts: 6\nresults:\n  busy: { after: \"5m, 1h30m, next day 10:00, in 3 days\", "
        "next: \"retry, other_trunk, other_caller_id + other_trunk, retry, finish\", "
        "priority: \"+10, 0, -5\", finish: gave_up }\n");
    struct rules_decision d = after(c, RESULT_BUSY, 1);

    cr_expect(!d.finish && !d.other_trunk && !d.other_caller_id && d.priority == 10);
    cr_expect_eq(d.retry_wall_ms, NOW + 5 * MINUTE);
    d = after(c, RESULT_BUSY, 2);
    cr_expect(d.other_trunk && !d.other_caller_id && d.priority == 0);
    cr_expect_eq(d.retry_wall_ms, NOW + 90 * MINUTE);
    d = after(c, RESULT_BUSY, 3);
    cr_expect(d.other_trunk && d.other_caller_id && d.priority == -5);
    cr_expect_eq(d.retry_wall_ms, NOW + 21 * HOUR, "Tuesday 10:00");
    d = after(c, RESULT_BUSY, 4);
    cr_expect(!d.other_trunk && !d.other_caller_id && d.priority == -5, "the last repeats");
    cr_expect_eq(d.retry_wall_ms, NOW + 2 * DAY + 11 * HOUR, "Thursday 0:00");
    d = after(c, RESULT_BUSY, 5);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "gave_up");
    campaign_free(c);
}

Test(retry, a_later_day_is_one_of_the_leads_calendar)
{
    struct campaign *c = campaign("results:\n  busy: { after: next day 02:30 }\n");
    struct zone *apia;
    struct rules_input in = {.result = RESULT_BUSY, .attempt = 1, .tries = 1};
    struct rules_decision d;

    /* Saturday 2026-03-28 22:00 in Ljubljana: on Sunday there is no 2:30, the clock goes to 3:00.
     */
    in.now_wall_ms = UINT64_C(1774731600000);
    rules_decide(c, &in, &d);
    cr_expect_eq(d.retry_wall_ms, UINT64_C(1774746000000));
    cr_assert_eq(zone_open(&apia, SLICE("Pacific/Apia")), OK); /* UTC+13: Sunday 10:00 by now */
    const struct place there = {.zones = {apia}, .zone_count = 1};
    in.place = &there;
    rules_decide(c, &in, &d);
    cr_expect_eq(d.retry_wall_ms, in.now_wall_ms + 16 * HOUR + 30 * MINUTE, "Monday there");
    zone_close(apia);
    campaign_free(c);
}

Test(retry, other_numbers)
{
    struct campaign *c =
        campaign("attempts: 9\nresults:\n  busy: { after: 1m, next: other_number }\n"
                 "  vacant: { next: next_number, mark: dead }\n");
    struct rules_input in = {.result = RESULT_BUSY,
                             .attempt = 1,
                             .tries = 1,
                             .now_wall_ms = NOW,
                             .number_at = 2,
                             .number_count = 3};
    struct rules_decision d;

    rules_decide(c, &in, &d);
    cr_expect_eq(d.next_number, 0, "round and round");
    in.result = RESULT_NO_ANSWER;
    rules_decide(c, &in, &d);
    cr_expect_eq(d.next_number, 2, "the same again");
    in.result = RESULT_VACANT;
    rules_decide(c, &in, &d);
    cr_expect(d.finish, "it was the last");
    cr_expect_str_eq(d.mark, "dead");
    in.number_at = 1;
    rules_decide(c, &in, &d);
    cr_expect(!d.finish && d.next_number == 2);
    cr_expect_str_eq(d.mark, "", "the lead is not done with");
    in.number_at = 0;
    in.number_count = 1;
    in.result = RESULT_BUSY;
    rules_decide(c, &in, &d);
    cr_expect(!d.finish && d.next_number == 0, "there is no other");
    campaign_free(c);
}

Test(retry, what_counts_is_said)
{
    struct campaign *c = campaign("attempts: 2\nresults:\n  congestion: { after: 1m, counts: no }\n"
                                  "  our_fault: { after: 1m, counts: yes }\n");

    cr_expect_not(rules_charged(c, RESULT_CONGESTION, SLICE_NONE, SLICE_NONE));
    cr_expect(rules_charged(c, RESULT_OUR_FAULT, SLICE_NONE, SLICE_NONE));
    cr_expect(rules_charged(c, RESULT_BUSY, SLICE_NONE, SLICE_NONE));
    cr_expect_not(rules_charged(c, RESULT_DNC, SLICE_NONE, SLICE_NONE));
    cr_expect_not(after(c, RESULT_CONGESTION, 1).charged);
    campaign_free(c);
}

Test(retry, comments)
{
    struct campaign *c = campaign("results:\n  busy: { comment: is talking }\n"), *all;

    cr_expect_str_eq(after(c, RESULT_BUSY, 1).comment, "30/03 is talking");
    cr_expect_str_eq(after(c, RESULT_NO_ANSWER, 1).comment, "", "not asked for");
    all = campaign("comments: yes\n");
    cr_expect_str_eq(after(all, RESULT_NO_ANSWER, 1).comment, "30/03 no answer");
    cr_expect_str_eq(after(all, RESULT_OUT_OF_WINDOW, 1).comment, "", "nobody was called");
    const struct rules_input in = {.result = RESULT_ANNOUNCEMENT,
                                   .attempt = 1,
                                   .tries = 1,
                                   .now_wall_ms = NOW,
                                   .label = SLICE("my_line-1")};
    struct rules_decision d;
    rules_decide(all, &in, &d);
    cr_expect_str_eq(d.comment, "30/03 announcement: my_line-1");
    campaign_free(c);
    campaign_free(all);
}

Test(retry, labels)
{
    static const struct {
        const char *patterns, *label;
        bool match;
    } rows[] = {{"ru-blocked-*, en-blocked-*", "en-blocked-2", true},
                {"ru-blocked-*, en-blocked-*", "ru-temporarily-blocked-1", false},
                {"*-blocked-*", "ru-temporarily-blocked-1", true},
                {"*", "", true},
                {"**a*?", "bab", true},
                {"**a*?", "ba", false},
                {"a?c", "abc", true},
                {"a?c", "ac", false},
                {"*abab", "abaabab", true},
                {"", "x", false},
                {" , x", "x", true},
                {"x", "X", false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(retry_label_matches(slice_cstr(rows[i].patterns), slice_cstr(rows[i].label)),
                     rows[i].match, "%s / %s", rows[i].patterns, rows[i].label);
}

static void refuse(const char *more, unsigned line, const char *says)
{
    struct campaign *c;
    char place[64];

    cr_expect_neq(parse(more, &c), OK, "accepted: %s", more);
    snprintf(place, sizeof(place), "retry.yaml:%u: ", line);
    cr_expect(strncmp(error, place, strlen(place)) == 0, "wanted %s in: %s", place, error);
    cr_expect(strstr(error, says), "wanted '%s' in: %s", says, error);
}

Test(retry, complaints_name_the_line_and_what_is_accepted)
{
    refuse("results:\n  busy: {after: \"1h, next week\"}\n", 6, "'1h, next day 10:00'");
    refuse("results:\n  busy: {after: next day 24:00}\n", 6, "times of a later day");
    refuse("results:\n  busy: {after: next day 10:0}\n", 6, "times of a later day");
    refuse("results:\n  busy: {after: in 46 days}\n", 6, "times of a later day");
    refuse("results:\n  busy: {after: \"1m,1m,1m,1m,1m,1m,1m,1m,1m\"}\n", 6, "8 delays at most");
    refuse("results:\n  busy: {next: elsewhere}\n", 6, "other_caller_id, finish");
    refuse("results:\n  busy: {next: finish + other_trunk}\n", 6, "is not accepted");
    refuse("results:\n  busy: {next: other_number + next_number}\n", 6, "is not accepted");
    refuse("results:\n  busy:\n    after: 5m\n    next: finish\n", 8, "contradict");
    refuse("results:\n  busy: {priority: \"+10, up\"}\n", 6, "from -1000 to 1000");
    refuse("results:\n  busy: {priority: 1001}\n", 6, "from -1000 to 1000");
    refuse("results:\n  busy: {counts: perhaps}\n", 6, "accepted: yes, no");
    refuse("results:\n  busy: {mark: a mark that is much too long for anybody}\n", 6, "too long");
    refuse("comments: some\n", 5, "accepted: yes, no");
    refuse("recordings:\n  - {finish: dead}\n", 6, "each needs a label");
    refuse("recordings:\n  - {label: x, key: 3}\n", 6,
           "unknown key 'key' in recordings; accepted: label");
    refuse("outcomes:\n  - {label: a b, key: 3}\n", 6, "letters, digits");
    refuse("outcomes:\n  - {label: a, key: 33}\n", 6, "accepted: 0 to 9, '*' and '#'");
    refuse("outcomes:\n  - {label: a}\n", 6, "accepted: 0 to 9, '*' and '#'");
    refuse("outcomes:\n  - {label: a, key: 3}\n  - {label: b, key: 3}\n", 7,
           "3 chooses 'a' already");
    refuse("statuses: {done: x}\n", 5, "in statuses; accepted: reached, not_reached, invalid");
}
