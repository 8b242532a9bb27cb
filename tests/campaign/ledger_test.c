/* Ledger entries: made from records, written and read, shown. */
#include <criterion/criterion.h>

#include "campaign/ledger.h"

#define LIMIT 2000
#define NOW   UINT64_C(1774868400000) /* Monday 2026-03-30 13:00 in Ljubljana */

static struct call_record answered(enum delivery d)
{
    struct call_record r;

    call_record_init(&r);
    r.result = RESULT_HUMAN;
    r.delivery = d;
    r.attempt = 2;
    r.invite_wall_ms = NOW;
    strcpy(r.call_id, "a1b2@peal.invalid");
    strcpy(r.lead, "lead, \"7\"");
    strcpy(r.number, "+38640123456");
    r.at_ms[MARK_ANSWERED] = 5000;
    r.at_ms[MARK_GREETING_END] = 6000;
    r.at_ms[MARK_VERDICT] = 6700;
    r.at_ms[MARK_END] = 60000;
    r.ended_by = ENDED_BY_CALLEE;
    return r;
}

static struct ledger_entry entry_of(const struct call_record *r)
{
    struct ledger_entry e;

    cr_assert(ledger_entry_of(r, LIMIT, 1.0, SLICE("engine-1"), &e));
    return e;
}

Test(ledger, says_what_became_of_a_person_and_how_long_they_waited)
{
    struct call_record r = answered(DELIVERY_CONNECTED);
    struct ledger_entry e;

    r.at_ms[MARK_AGENT_HEARD] = 7400;
    e = entry_of(&r);
    cr_expect_eq(e.what, LEDGER_CONNECTED);
    cr_expect_eq(e.waited_ms, 1400, "from the end of the greeting");
    cr_expect_eq(e.answered_wall_ms, NOW + 5000);
    cr_expect_eq(e.false_ppm, 10101, "one of a hundred: %u for each of the 99", e.false_ppm);
    r.at_ms[MARK_AGENT_HEARD] = 8600;
    e = entry_of(&r);
    cr_expect_eq(e.what, LEDGER_LATE);
    cr_expect_eq(e.waited_ms, 2600);
    r = answered(DELIVERY_ABANDONED);
    r.at_ms[MARK_END] = 8050;
    e = entry_of(&r);
    cr_expect_eq(e.what, LEDGER_ABANDONED);
    cr_expect_eq(e.waited_ms, 2050);
    r = answered(DELIVERY_MESSAGE_PLAYED);
    struct evidence limit = {.kind = EVIDENCE_TIMER, .code = 2, .start_ms = 7900, .end_ms = 7900};
    call_record_add(&r, &limit);
    e = entry_of(&r);
    cr_expect_eq(e.what, LEDGER_MESSAGE);
    cr_expect_eq(e.waited_ms, 1900, "until the message, not until its end");
    r = answered(DELIVERY_CALLEE_LEFT);
    r.at_ms[MARK_END] = 7000;
    e = entry_of(&r);
    cr_expect_eq(e.what, LEDGER_LEFT);
    cr_expect_eq(e.waited_ms, 1000);
    cr_expect_eq(e.false_ppm, 0, "what does not count estimates nothing");
}

Test(ledger, has_no_entry_where_nobody_answered)
{
    struct call_record r = answered(DELIVERY_NONE);
    struct ledger_entry e;

    r.result = RESULT_MACHINE;
    cr_expect(!ledger_entry_of(&r, LIMIT, 1.0, SLICE("e"), &e));
    r.result = RESULT_BUSY;
    cr_expect(!ledger_entry_of(&r, LIMIT, 1.0, SLICE("e"), &e));
    r = answered(DELIVERY_MESSAGE_LEFT);
    cr_expect(!ledger_entry_of(&r, LIMIT, 1.0, SLICE("e"), &e));
    r = answered(DELIVERY_ABANDONED);
    r.call_id[0] = '\0';
    cr_expect(!ledger_entry_of(&r, LIMIT, 1.0, SLICE("e"), &e), "never dialled");
}

/* Every entry adds what the account counts. */
Test(ledger, counts_as_the_account_does)
{
    const enum delivery deliveries[] = {DELIVERY_CONNECTED, DELIVERY_ABANDONED,
                                        DELIVERY_MESSAGE_PLAYED, DELIVERY_CALLEE_LEFT,
                                        DELIVERY_AGENT_FAILED};

    for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++)
        for (uint32_t at = 6500; at < 9000; at += 250) {
            struct call_record r = answered(deliveries[i]);

            r.at_ms[deliveries[i] == DELIVERY_CALLEE_LEFT ? MARK_END : MARK_AGENT_HEARD] = at;
            enum abandonment_verdict v = abandonment_judge(&r, LIMIT);
            const char *counts = ledger_counts_of(entry_of(&r).what);

            cr_expect_eq(strchr(counts, 'a') != NULL, v == ABANDONMENT_ABANDONED);
            cr_expect_eq(strchr(counts, 'e') != NULL, v == ABANDONMENT_LEFT);
            cr_expect_eq(strchr(counts, 'l') != NULL, v != ABANDONMENT_LEFT);
        }
}

Test(ledger, comes_back_as_it_was_written)
{
    struct call_record r = answered(DELIVERY_ABANDONED);
    struct ledger_entry e = entry_of(&r), back;
    char text[LEDGER_TEXT_MAX];
    struct buf out = buf_on(text, sizeof(text));

    cr_assert_eq(ledger_pack(&e, &out), OK);
    cr_assert_eq(ledger_unpack(buf_slice(&out), &back), OK);
    cr_expect_eq(back.answered_wall_ms, e.answered_wall_ms);
    cr_expect_eq(back.what, e.what);
    cr_expect_eq(back.waited_ms, e.waited_ms);
    cr_expect_eq(back.false_ppm, e.false_ppm);
    cr_expect_eq(back.attempt, 2);
    cr_expect_str_eq(back.call_id, e.call_id);
    cr_expect_str_eq(back.lead, e.lead);
    cr_expect_str_eq(back.number, e.number);
    cr_expect_str_eq(back.engine, "engine-1");
    e.waited_ms = CALL_TIME_NONE;
    out.len = 0;
    cr_assert_eq(ledger_pack(&e, &out), OK);
    cr_assert_eq(ledger_unpack(buf_slice(&out), &back), OK);
    cr_expect_eq(back.waited_ms, CALL_TIME_NONE);
    /* What was cut or spoilt is no entry. */
    for (uint32_t n = 0; n < out.len - strlen("engine-1"); n++)
        cr_expect_eq(ledger_unpack(slice_of(text, n), &back), ERR_INVALID, "%u bytes", n);
    text[0] = 'x';
    cr_expect_eq(ledger_unpack(buf_slice(&out), &back), ERR_INVALID);
}

static struct slice csv(const struct ledger_entry *e, const struct zone *z, bool whole, char *text)
{
    struct buf out = buf_on(text, LEDGER_CSV_MAX);

    ledger_csv_entry(e, 12, z, whole, &out);
    cr_assert_eq(buf_end(&out), OK);
    text[out.len] = '\0';
    return buf_slice(&out);
}

Test(ledger, is_shown_in_the_campaigns_time_with_numbers_masked)
{
    struct call_record r = answered(DELIVERY_ABANDONED);
    struct ledger_entry e = entry_of(&r);
    char text[LEDGER_CSV_MAX + 1];
    struct zone *z;

    cr_assert_eq(zone_open(&z, SLICE("Europe/Ljubljana")), OK);
    csv(&e, z, false, text);
    cr_expect_str_eq(text, "12,2026-03-30,2026-03-30T13:00:05.000+02:00,abandoned,54000,1,1,0,"
                           "0.010101,\"+38640***456\",\"lead, \"\"7\"\"\",2,"
                           "\"a1b2@peal.invalid\",\"engine-1\"\n");
    csv(&e, z, true, text);
    cr_expect(strstr(text, "\"+38640123456\""), "%s", text);
    zone_close(z);
    /* Before midnight in New York it is tomorrow in UTC. */
    cr_assert_eq(zone_open(&z, SLICE("America/New_York")), OK);
    e.answered_wall_ms = UINT64_C(1774920599999);
    csv(&e, z, false, text);
    cr_expect(strstr(text, ",2026-03-30,2026-03-30T21:29:59.999-04:00,"), "%s", text);
    zone_close(z);
}

Test(ledger, columns_of_all_lines_are_as_many)
{
    struct call_record r = answered(DELIVERY_CONNECTED);
    char text[LEDGER_CSV_MAX + 1];
    struct buf out = buf_on(text, LEDGER_CSV_MAX);
    uint32_t commas[3] = {0};
    struct zone *z;

    cr_assert_eq(zone_open(&z, SLICE("UTC")), OK);
    strcpy(r.lead, "plain");
    struct ledger_entry e = entry_of(&r);
    for (int i = 0; i < 3; i++) {
        out.len = 0;
        if (i == 0)
            ledger_csv_head(&out);
        else if (i == 1)
            ledger_csv_entry(&e, 1, z, false, &out);
        else
            ledger_csv_day(&(struct abandonment_day){.day = 20000, .live = 100, .abandoned = 3},
                           &out);
        for (size_t k = 0; k < out.len; k++)
            commas[i] += text[k] == ',';
    }
    cr_expect_eq(commas[0], commas[1]);
    cr_expect_eq(commas[0], commas[2]);
    text[out.len] = '\0';
    cr_expect(strstr(text, ",2024-10-04,,day_total,,100,3,0,0.000000,"), "%s", text);
    zone_close(z);
}

Test(ledger, masks_and_dates)
{
    char text[40], date[16];
    int32_t day;

    ledger_mask("+12025550123", text, sizeof(text));
    cr_expect_str_eq(text, "+12025***123");
    ledger_mask("112", text, sizeof(text));
    cr_expect_str_eq(text, "***");
    ledger_mask("1234567", text, sizeof(text));
    cr_expect_str_eq(text, "****567");
    ledger_mask("", text, sizeof(text));
    cr_expect_str_eq(text, "");
    cr_expect_eq(ledger_date_parse(SLICE("2026-03-29"), &day), OK);
    ledger_date(day, date);
    cr_expect_str_eq(date, "2026-03-29");
    const char *const bad[] = {"2026-02-30",  "2026-13-01", "2026-3-29", "today",
                               "2026-03-291", "",           "20260329",  "1969-12-31"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(ledger_date_parse(slice_cstr(bad[i]), &day), ERR_INVALID, "%s", bad[i]);
}
