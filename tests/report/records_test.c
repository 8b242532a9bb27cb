/* The writer of call records: both stores agree, nothing is written twice, nothing is lost. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "report/attempt.h"
#include "report/records.h"
#include "report/store.h"

static char folder[64], jsonl[128], sqlite[128], error[RECORDS_ERROR_MAX];

static void set_up(void)
{
    log_set_level(LOG_OFF);
    snprintf(folder, sizeof(folder), "/tmp/peal-records-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(jsonl, sizeof(jsonl), "%s/calls.jsonl", folder);
    snprintf(sqlite, sizeof(sqlite), "%s/calls.sqlite", folder);
}

static void tear_down(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(records, .init = set_up, .fini = tear_down);

static struct records *open_both(void)
{
    struct records *r;
    const struct records_config config = {.jsonl_path = jsonl, .sqlite_path = sqlite};

    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    return r;
}

/* Puts it, waiting for room as the dialer does. */
static void put(struct records *r, const struct call_record *record)
{
    for (int i = 0; records_put(r, record) != OK; i++) {
        cr_assert_lt(i, 20000);
        usleep(1000);
    }
}

static int64_t ask(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    int64_t v;

    cr_assert_eq(sqlite3_open_v2(sqlite, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(q), SQLITE_ROW, "%s", sql);
    v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return v;
}

static uint32_t count_lines(void)
{
    FILE *f = fopen(jsonl, "r");
    char *line = NULL;
    size_t cap = 0;
    uint32_t n = 0;

    while (f && getline(&line, &cap, f) > 0) {
        json_t *v = json_loads(line, 0, NULL);
        cr_assert(json_is_object(v), "no JSON: %s", line);
        json_decref(v);
        n++;
    }
    free(line);
    if (f)
        fclose(f);
    return n;
}

Test(records, one_attempt_in_all_detail)
{
    struct records *r = open_both();
    struct call_record a = attempt_human(7, 2, 80);
    struct records_stats stats;

    snprintf(a.lead, sizeof(a.lead), "seven \"7\" \\");
    a.q850 = 16;
    a.confidence = 0.875f;
    call_record_add(&a, &(struct evidence){.kind = EVIDENCE_HEARD,
                                           .code = DSP_SIT,
                                           .detail = SIT_VC,
                                           .freq_hz = {985, 1370},
                                           .level_ddb = -185,
                                           .confidence = 0.5f,
                                           .start_ms = 100,
                                           .end_ms = 900});
    call_record_add(&a, &(struct evidence){.kind = EVIDENCE_VERDICT,
                                           .code = VERDICT_HUMAN,
                                           .freq_hz = {1100, 620},
                                           .start_ms = 4600,
                                           .end_ms = 4600});
    put(r, &a);
    cr_expect_eq(records_sync(r, 10000), OK);
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect(stats.written == 1 && stats.jsonl_lines == 1 && stats.sqlite_rows == 1);

    json_t *v = json_load_file(jsonl, 0, NULL);
    cr_assert(v);
    const json_t *times = json_object_get(v, "times"), *e = json_object_get(v, "evidence");
    cr_expect_str_eq(json_string_value(json_object_get(v, "lead")), "seven \"7\" \\");
    cr_expect_str_eq(json_string_value(json_object_get(v, "result")), "human");
    cr_expect_str_eq(json_string_value(json_object_get(v, "delivery")), "connected");
    cr_expect_str_eq(json_string_value(json_object_get(v, "invite")), "2026-03-30T11:00:00.705Z");
    cr_expect_eq(json_integer_value(json_object_get(times, "agent_heard")), 4680);
    cr_expect_null(json_object_get(times, "early_media"), "what did not happen is left out");
    cr_expect_eq(json_array_size(e), 3);
    e = json_array_get(e, 1);
    cr_expect_str_eq(json_string_value(json_object_get(e, "what")), "sit");
    cr_expect_str_eq(json_string_value(json_object_get(e, "sit")), "vc");
    cr_expect_eq(json_integer_value(json_object_get(e, "until")), 900);
    e = json_array_get(json_object_get(v, "evidence"), 2);
    cr_expect_eq(json_integer_value(json_object_get(e, "speech_ms")), 1100);
    cr_expect_eq(json_integer_value(json_object_get(e, "silence_ms")), 620);
    json_decref(v);

    cr_expect_eq(ask("SELECT count(*) FROM attempts WHERE lead = 'seven \"7\" \\' AND attempt = 2 "
                     "AND result = 'human' AND agent = 'agent-1' AND agent_heard = 4680 AND "
                     "early_media IS NULL AND confidence = 0.875 AND q850 = 16 AND abandoned = 0 "
                     "AND rtp_received = 1300 AND json_array_length(evidence) = 3"),
                 1);
    cr_expect_eq(ask("PRAGMA user_version"), RECORDS_SCHEMA);
}

static void change(const char *sql)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(sqlite, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* Schema 1 had no groups of agents: its files get the column, and keep their rows. */
Test(records, a_file_of_the_schema_before_is_taken_on)
{
    struct records *r = open_both();
    struct call_record a = attempt_human(0, 1, 400), b = attempt_human(1, 1, 400);

    put(r, &a);
    cr_expect_eq(records_close(r, NULL), OK);
    change("ALTER TABLE attempts DROP COLUMN agent_group; PRAGMA user_version = 1");

    for (int again = 0; again < 2; again++) {
        r = open_both();
        snprintf(b.lead, sizeof(b.lead), "b%d", again);
        snprintf(b.group, sizeof(b.group), "sales");
        put(r, &b);
        cr_expect_eq(records_close(r, NULL), OK);
    }
    cr_expect_eq(ask("SELECT count(*) FROM attempts"), 3);
    cr_expect_eq(ask("SELECT count(*) FROM attempts WHERE agent_group = 'sales'"), 2);
    cr_expect_eq(ask("SELECT count(*) FROM attempts WHERE agent_group IS NULL"), 1);
    cr_expect_eq(ask("PRAGMA user_version"), RECORDS_SCHEMA);
}

Test(records, longest_record_fits_its_line)
{
    static char line[RECORDS_LINE_MAX];
    struct call_record a = attempt_human(1, UINT32_MAX, 1);
    size_t len;

    /* Every text full of bytes that JSON writes as six. */
    memset(a.campaign, 1, sizeof(a.campaign) - 1);
    memset(a.lead, 1, sizeof(a.lead) - 1);
    memset(a.call_id, 1, sizeof(a.call_id) - 1);
    memset(a.recording, 1, sizeof(a.recording) - 1);
    memset(a.recording_error, 1, sizeof(a.recording_error) - 1);
    memset(a.sip_reason, 1, sizeof(a.sip_reason) - 1);
    for (int i = 0; i < 100; i++)
        call_record_add(&a, &(struct evidence){.kind = EVIDENCE_HEARD,
                                               .code = DSP_SIT,
                                               .detail = SIT_RESERVED_1,
                                               .freq_hz = {60000, 60000},
                                               .level_ddb = -999,
                                               .confidence = 0.123f,
                                               .start_ms = 4000000000u,
                                               .end_ms = 4100000000u,
                                               .early = true});
    cr_expect_eq(a.evidence_dropped, 101 - CALL_EVIDENCE_MAX);
    cr_expect_eq(records_format(&a, line, sizeof(line), &len), OK, "%zu bytes", len);
    json_t *v = json_loadb(line, len, 0, NULL);
    cr_expect(v);
    cr_expect_eq(json_integer_value(json_object_get(v, "evidence_dropped")),
                 101 - CALL_EVIDENCE_MAX);
    json_decref(v);
}

#define MANY 3000

Test(records, thousands_through_a_small_ring)
{
    struct records *r;
    const struct records_config config = {.jsonl_path = jsonl, .sqlite_path = sqlite, .ring = 16};
    struct records_stats stats;

    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    cr_expect_eq(records_room(r), 16);
    for (uint32_t i = 0; i < MANY; i++) {
        struct call_record a = attempt_make(i / 2, i % 2 + 1, RESULT_BUSY);
        put(r, &a);
    }
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect_eq(stats.accepted, MANY);
    cr_expect_gt(stats.refused, 0, "the ring was small");
    cr_expect_eq(stats.written, MANY);
    cr_expect_eq(count_lines(), MANY);
    cr_expect_eq(ask("SELECT count(*) FROM attempts"), MANY);
}

Test(records, duplicates_are_ignored_over_restarts)
{
    struct records *r = open_both();
    struct call_record a = attempt_make(1, 1, RESULT_BUSY), b = attempt_make(1, 2, RESULT_HUMAN);
    struct records_stats stats;

    put(r, &a);
    put(r, &a);
    cr_expect_eq(records_sync(r, 10000), OK);
    cr_expect(records_has(r, "test", "lead-1", 1));
    cr_expect_not(records_has(r, "test", "lead-1", 2));
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect_eq(stats.duplicates, 1);
    r = open_both();
    cr_expect(records_has(r, "test", "lead-1", 1), "known from the journal");
    put(r, &a);
    put(r, &b);
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect(stats.found == 1 && stats.duplicates == 1 && stats.written == 1);
    cr_expect_eq(count_lines(), 2);
    cr_expect_eq(ask("SELECT count(*) FROM attempts"), 2);
}

Test(records, torn_last_line_is_cut_and_written_again)
{
    struct records *r = open_both();
    struct call_record a = attempt_make(1, 1, RESULT_BUSY), b = attempt_make(2, 1, RESULT_BUSY);
    struct records_stats stats;
    struct stat st;

    put(r, &a);
    put(r, &b);
    cr_expect_eq(records_close(r, NULL), OK);
    cr_assert_eq(stat(jsonl, &st), 0);
    cr_assert_eq(truncate(jsonl, st.st_size - 30), 0);
    unlink(sqlite);
    r = open_both();
    cr_expect_not(records_has(r, "test", "lead-2", 1), "half a record is none");
    put(r, &b);
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect(stats.found == 1 && stats.torn_bytes > 30 && stats.duplicates == 0);
    cr_expect_eq(count_lines(), 2);
    cr_expect_eq(ask("SELECT count(*) FROM attempts"), 2,
                 "a new SQLite file is filled from the "
                 "journal");
}

Test(records, garbage_in_the_journal_is_passed_over)
{
    FILE *f = fopen(jsonl, "w");
    static char big[3 << 20];

    memset(big, 'x', sizeof(big));
    fputs("not json\n{\"campaign\":\"test\"}\n", f);
    fwrite(big, 1, sizeof(big), f);
    fputs("\n", f);
    fclose(f);
    struct records *r = open_both();
    struct call_record a = attempt_make(1, 1, RESULT_BUSY);
    struct records_stats stats;
    put(r, &a);
    cr_expect_eq(records_close(r, &stats), OK);
    cr_expect(stats.found == 0 && stats.written == 1);
}

Test(records, full_disk_for_one_store_is_counted_and_the_other_keeps_all)
{
    struct records *r;
    const struct records_config config = {.jsonl_path = "/dev/full", .sqlite_path = sqlite};
    struct records_stats stats;

    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    for (uint32_t i = 0; i < 100; i++) {
        struct call_record a = attempt_make(i, 1, RESULT_BUSY);
        put(r, &a);
    }
    cr_expect_eq(records_sync(r, 10000), OK);
    records_look(r, &stats);
    cr_expect_eq(stats.jsonl_failed, 100);
    cr_expect_eq(stats.held, 0);
    cr_expect(strstr(stats.error, "/dev/full") && strstr(stats.error, "No space left"), "%s",
              stats.error);
    cr_expect_eq(records_close(r, NULL), OK, "SQLite has them");
    cr_expect_eq(ask("SELECT count(*) FROM attempts"), 100);
}

Test(records, when_no_store_takes_them_they_are_held_and_said)
{
    struct records *r;
    const struct records_config config = {.jsonl_path = "/dev/full", .ring = 128};
    struct records_stats stats;
    uint32_t accepted = 0;

    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    for (uint32_t i = 0; i < 1000; i++) {
        struct call_record a = attempt_make(i, 1, RESULT_BUSY);
        accepted += records_put(r, &a) == OK;
    }
    cr_expect_eq(records_sync(r, 5000), ERR_IO);
    for (int i = 0; records_room(r) > 0 && i < 1000; i++) {
        struct call_record a = attempt_make(2000 + (uint32_t)i, 1, RESULT_BUSY);
        accepted += records_put(r, &a) == OK;
    }
    cr_expect_eq(records_room(r), 0, "the dialer sees that no record can be kept");
    cr_expect_eq(records_close(r, &stats), ERR_IO);
    cr_expect_eq(stats.held, accepted, "all that were accepted are named as lost");
    cr_expect_eq(stats.written, 0);
}

/* A disk that fills up in the middle of a line, and is freed again. */
Test(records, a_disk_that_fills_and_is_freed_leaves_whole_lines)
{
    struct rlimit old, small;
    struct records *r;
    const struct records_config config = {.jsonl_path = jsonl, .flush_ms = 20};
    struct records_stats stats;

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 2000; /* the second line or so is cut */
    cr_assert_eq(records_open(&r, &config, error), OK, "%s", error);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint32_t i = 0; i < 40; i++) {
        struct call_record a = attempt_make(i, 1, RESULT_BUSY);
        put(r, &a);
        usleep(500);
    }
    for (int i = 0; i < 500; i++) {
        records_look(r, &stats);
        if (stats.held)
            break;
        usleep(10000);
    }
    cr_expect_gt(stats.held, 0, "a batch waits");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    cr_expect_eq(records_close(r, &stats), OK, "%s", stats.error);
    cr_expect_eq(stats.held, 0);
    cr_expect_eq(count_lines(), 40, "whole lines only, all of them");
}

Test(records, files_that_cannot_be_used)
{
    struct records *r;
    struct records_config config = {.jsonl_path = "/nowhere/calls.jsonl"};

    cr_expect_eq(records_open(&r, &config, error), ERR_IO);
    cr_expect(strstr(error, "/nowhere/calls.jsonl"), "%s", error);
    config = (struct records_config){.sqlite_path = "/nowhere/calls.sqlite"};
    cr_expect_eq(records_open(&r, &config, error), ERR_IO);
    cr_expect(strstr(error, "/nowhere/calls.sqlite"), "%s", error);
    FILE *f = fopen(sqlite, "w");
    fputs("this is no database, but long enough to look at", f);
    fclose(f);
    config.sqlite_path = sqlite;
    cr_expect_eq(records_open(&r, &config, error), ERR_IO, "%s", error);
    unlink(sqlite);
    r = open_both();
    cr_expect_eq(records_close(r, NULL), OK);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(sqlite, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(db);
    config.jsonl_path = jsonl;
    cr_expect_eq(records_open(&r, &config, error), ERR_UNSUPPORTED);
    cr_expect(strstr(error, "newer Peal"), "%s", error);
}

Test(records, keys)
{
    struct key_set k;

    cr_assert_eq(key_set_init(&k), OK);
    for (uint32_t i = 0; i < 20000; i++) {
        char lead[16];
        snprintf(lead, sizeof(lead), "l%u", i / 2);
        cr_assert_eq(key_set_add(&k, key_of(SLICE("c"), slice_cstr(lead), i % 2)), OK);
        cr_assert_eq(key_set_add(&k, key_of(SLICE("c"), slice_cstr(lead), i % 2)), ERR_EXISTS);
    }
    cr_expect_eq(k.count, 20000);
    /* The border between campaign and lead is part of the key. */
    cr_assert_eq(key_set_add(&k, key_of(SLICE("ab"), SLICE("c"), 1)), OK);
    cr_assert_eq(key_set_add(&k, key_of(SLICE("a"), SLICE("bc"), 1)), OK);
    key_set_fini(&k);
}
