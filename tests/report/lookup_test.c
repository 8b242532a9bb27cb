/* What comes back from the stores of a data folder: results, and answered attempts as a ledger
 * needs them. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "attempt.h"
#include "campaign/ledger.h"
#include "report/lookup.h"
#include "report/records.h"

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/peal-lookup-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void keep(const struct call_record *records, uint32_t n)
{
    char jsonl[96], sqlite[96], error[RECORDS_ERROR_MAX];
    struct records_config config = {.jsonl_path = jsonl, .sqlite_path = sqlite};
    struct records *r;

    snprintf(jsonl, sizeof(jsonl), "%s/calls.jsonl", folder);
    snprintf(sqlite, sizeof(sqlite), "%s/calls.sqlite", folder);
    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(records_put(r, &records[i]), OK);
    cr_assert_eq(records_close(r, NULL), OK);
}

static struct call_record found[8];
static uint32_t found_n;

static void on_answered(void *arg, const struct call_record *r)
{
    (void)arg;
    cr_assert_lt(found_n, 8);
    found[found_n++] = *r;
}

static const struct call_record *find(const char *lead)
{
    for (uint32_t i = 0; i < found_n; i++)
        if (strcmp(found[i].lead, lead) == 0)
            return &found[i];
    return NULL;
}

/* An entry made from the journal is the one that was made from the call. */
static void expect_same_entry(const struct call_record *a, const struct call_record *b)
{
    char texts[2][LEDGER_TEXT_MAX];
    struct buf out[2] = {buf_on(texts[0], LEDGER_TEXT_MAX), buf_on(texts[1], LEDGER_TEXT_MAX)};
    struct ledger_entry e[2];

    cr_assert_not_null(b, "%s was not found", a->lead);
    cr_assert(ledger_entry_of(a, 2000, 0.5, SLICE("e"), &e[0]));
    cr_assert(ledger_entry_of(b, 2000, 0.5, SLICE("e"), &e[1]));
    cr_assert(ledger_pack(&e[0], &out[0]) == OK && ledger_pack(&e[1], &out[1]) == OK);
    cr_expect(slice_eq(buf_slice(&out[0]), buf_slice(&out[1])), "%.*s, %.*s", (int)out[0].len,
              texts[0], (int)out[1].len, texts[1]);
}

Test(lookup, answered_attempts_come_back_as_their_ledger_needs_them, .init = set_up,
     .fini = tear_down)
{
    struct call_record r[6] = {attempt_human(1, 1, 300), attempt_human(2, 1, 0),
                               attempt_human(3, 1, 0),   attempt_make(4, 1, RESULT_BUSY),
                               attempt_human(5, 0, 100), attempt_human(6, 1, 100)};
    const struct evidence limit = {
        .kind = EVIDENCE_TIMER, .code = 2, .start_ms = 5900, .end_ms = 5900, .confidence = 1};

    r[1].delivery = DELIVERY_MESSAGE_PLAYED;
    r[1].abandoned_strict = true;
    r[1].at_ms[MARK_AGENT_HEARD] = r[1].at_ms[MARK_CONNECT] = CALL_TIME_NONE;
    r[1].ended_by = ENDED_BY_US;
    call_record_add(&r[1], &limit);
    r[2].delivery = DELIVERY_NONE; /* hung up on by us: abandoned, by who ended it */
    r[2].at_ms[MARK_AGENT_HEARD] = CALL_TIME_NONE;
    r[2].ended_by = ENDED_BY_US;
    snprintf(r[5].campaign, sizeof(r[5].campaign), "another");
    keep(r, 6);
    found_n = 0;
    cr_assert_eq(lookup_answered(folder, "test", 0, on_answered, NULL), OK);
    cr_assert_eq(found_n, 3, "%u", found_n);
    for (int i = 0; i < 3; i++)
        expect_same_entry(&r[i], find(r[i].lead));
    found_n = 0;
    cr_assert_eq(lookup_answered(folder, "test", r[1].invite_wall_ms, on_answered, NULL), OK);
    cr_expect_eq(found_n, 2, "since the second");
    cr_expect_null(find(r[0].lead));
}

Test(lookup, a_folder_without_records_says_so, .init = set_up, .fini = tear_down)
{
    enum result result;
    enum delivery delivery;

    cr_expect_eq(lookup_answered(folder, "test", 0, on_answered, NULL), ERR_IO);
    keep(NULL, 0);
    found_n = 0;
    cr_expect_eq(lookup_answered(folder, "test", 0, on_answered, NULL), OK);
    cr_expect_eq(found_n, 0);
    cr_expect_eq(lookup_result(folder, "test", "lead-1", 1, &result, &delivery), ERR_NOT_FOUND);
}
