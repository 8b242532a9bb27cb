/* The shipped campaign `unreachable`: each row of the survey desk's table against the rules that
 * run, from the first attempt to the last, with the mark and the comment lines. */
#include "campaign/shipped.h"

#define MONDAY UINT64_C(1774864800000) /* 2026-03-30 13:00 in Moscow */
#define HOUR   UINT64_C(3600000)

struct row {
    enum result result;
    const char *label, *outcome;
    uint32_t after; /* attempts */
    bool invalid;
    const char *comment;
};

static const struct row rows[] = {
    {RESULT_IVR, "", "", 1, false, "company's shared number, no extension"},
    {RESULT_BUSY, "", "", 3, false, "busy"},
    {RESULT_BUSY, "ru-talking-1", "", 3, false, "the subscriber is talking"},
    {RESULT_SILENT_LINE, "", "", 3, false, "silence instead of ringing"},
    {RESULT_DROPPED, "", "", 3, false, "the call drops at once"},
    {RESULT_NO_ANSWER, "", "", 3, false, "ringing, no answer"},
    {RESULT_HUMAN_SILENT, "", "", 3, false, "answers and is silent"},
    {RESULT_HUNG_UP_EARLY, "", "", 3, false, "answers and hangs up"},
    {RESULT_HUMAN, "", "does_not_hear", 3, false, "does not hear us"},
    {RESULT_UNREACHABLE, "en-temporarily-unavailable-2", "", 3, false, "temporarily unavailable"},
    {RESULT_UNREACHABLE, "ru-temporarily-blocked-1", "", 3, false, "temporarily blocked"},
    {RESULT_UNREACHABLE, "en-suspended-1", "", 3, false, "service suspended"},
    {RESULT_UNREACHABLE, "ru-not-registered-2", "", 3, false, "not registered in the network"},
    {RESULT_UNREACHABLE, "en-call-type-1", "", 3, false, "this kind of call is not available"},
    {RESULT_UNREACHABLE, "ru-switched-off-1", "", 3, false, "switched off or out of coverage"},
    {RESULT_UNREACHABLE, "ru-impossible-1", "", 3, false, "connection impossible"},
    {RESULT_VACANT, "en-not-in-service-1", "", 1, true, "not in service or not used"},
    {RESULT_VACANT, "ru-not-used-2", "", 1, true, "not in service or not used"},
    {RESULT_VACANT, "ru-blocked-1", "", 1, true, "blocked"},
    {RESULT_VACANT, "en-not-available-1", "", 1, true, "not available"},
    {RESULT_VACANT, "ru-dialled-wrongly-1", "", 1, true, "dialled wrongly"},
    {RESULT_VACANT, "en-does-not-exist-2", "", 1, true, "does not exist"},
    {RESULT_VACANT, "ru-for-sale-1", "", 1, true, "available for purchase"},
    {RESULT_VACANT, "", "", 1, true, "no such number"},
    {RESULT_INVALID_NUMBER, "", "", 0, true, "malformed number in the card"},
    {RESULT_MISSING_NUMBER, "", "", 0, true, "no number in the card"},
    {RESULT_DNC, "", "", 0, true, "do not call this client"},
    {RESULT_OWN_NUMBER, "", "", 0, true, "a number of our own"},
    {RESULT_HUMAN, "", "not_the_contact", 1, true, "a stranger, or not the contact"},
};

static void play(const struct campaign *c, const struct row *row)
{
    struct rules_input in = {.label = slice_cstr(row->label),
                             .outcome = slice_cstr(row->outcome),
                             .delivery = row->outcome[0] ? DELIVERY_CONNECTED : DELIVERY_NONE,
                             .now_wall_ms = MONDAY};
    struct rules_decision d = {0};
    char line[RULES_COMMENT_MAX];
    struct zone_local t;

    for (uint32_t i = 0; i < 10 && !d.finish; i++) {
        attempt_gives(c, &in, row->result, &d);
        zone_to_local(c->zone, in.now_wall_ms, &t);
        snprintf(line, sizeof(line), "%02u/%02u %s", t.day, t.month, row->comment);
        cr_expect_str_eq(d.comment, line, "%s %s", result_name(row->result), row->label);
        cr_expect(d.finish || d.mark[0] == '\0');
        cr_expect(d.finish || (d.retry_wall_ms > in.now_wall_ms &&
                               windows_open_at(&c->windows, c->zone, d.retry_wall_ms)));
        in.now_wall_ms = d.finish ? in.now_wall_ms : d.retry_wall_ms;
    }
    cr_assert(d.finish, "%s %s never ends", result_name(row->result), row->label);
    cr_expect_eq(in.attempt, row->after, "%s %s: after %u attempts, not %u",
                 result_name(row->result), row->label, in.attempt, row->after);
    cr_expect_str_eq(d.status, "unreachable");
    cr_expect_str_eq(d.mark, row->invalid ? "invalid contact" : "", "%s %s",
                     result_name(row->result), row->label);
}

Test(unreachable, each_row_of_the_table)
{
    struct campaign *c = shipped("unreachable.yaml");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        play(c, &rows[i]);
    campaign_free(c);
}

Test(unreachable, three_attempts_of_any_kind_are_three)
{
    struct campaign *c = shipped("unreachable.yaml");
    struct rules_input in = {.now_wall_ms = MONDAY};
    struct rules_decision d;

    attempt_gives(c, &in, RESULT_BUSY, &d);
    cr_expect_eq(d.retry_wall_ms, MONDAY + HOUR / 3, "20 minutes");
    attempt_gives(c, &in, RESULT_CONGESTION, &d);
    cr_expect(!d.finish && d.other_trunk);
    attempt_gives(c, &in, RESULT_OUR_FAULT, &d);
    cr_expect(!d.finish && !d.charged, "our own fault costs the contact nothing");
    cr_expect_str_eq(d.comment, "", "… and is no line in its comments");
    in.now_wall_ms += HOUR;
    attempt_gives(c, &in, RESULT_NO_ANSWER, &d);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "unreachable");
    cr_expect_str_eq(d.mark, "");
    campaign_free(c);
}

Test(unreachable, a_conversation_is_an_interview)
{
    struct campaign *c = shipped("unreachable.yaml");
    struct rules_input in = {.delivery = DELIVERY_CONNECTED, .now_wall_ms = MONDAY};
    struct rules_decision d;

    attempt_gives(c, &in, RESULT_HUMAN, &d);
    cr_expect(d.finish);
    cr_expect_str_eq(d.status, "interviewed");
    /* An announcement before a person answers does not make them unreachable. */
    in = (struct rules_input){.label = SLICE("ru-blocked-1"), .now_wall_ms = MONDAY};
    attempt_gives(c, &in, RESULT_HUMAN, &d);
    cr_expect(!d.finish && !d.mark[0]);
    campaign_free(c);
}
