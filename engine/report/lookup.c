/* A read-only question to the SQLite file, which has everything the journal has once it is open. */
#include "report/lookup.h"

#include <sqlite3.h>
#include <stdio.h>

static struct slice text_of(sqlite3_stmt *q, int column)
{
    return slice_cstr((const char *)sqlite3_column_text(q, column));
}

static enum err ask(sqlite3 *db, const char *campaign, const char *lead, uint32_t attempt,
                    enum result *result, enum delivery *delivery)
{
    static const char sql[] = "SELECT result, delivery FROM attempts"
                              " WHERE campaign = ?1 AND lead = ?2 AND attempt = ?3";
    sqlite3_stmt *q = NULL;
    enum err e = ERR_IO;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        return ERR_IO;
    sqlite3_bind_text(q, 1, campaign, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 2, lead, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 3, attempt);
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        e = result_parse(text_of(q, 0), result);
        if (e == OK)
            e = delivery_parse(text_of(q, 1), delivery);
        break;
    case SQLITE_DONE:
        e = ERR_NOT_FOUND;
        break;
    default:
        break;
    }
    sqlite3_finalize(q);
    return e;
}

static enum err open_file(const char *data_dir, sqlite3 **db)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/calls.sqlite", data_dir);
    return sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK ? OK : ERR_IO;
}

enum err lookup_result(const char *data_dir, const char *campaign, const char *lead,
                       uint32_t attempt, enum result *result, enum delivery *delivery)
{
    sqlite3 *db = NULL;
    enum err e = open_file(data_dir, &db);

    if (e == OK)
        e = ask(db, campaign, lead, attempt, result, delivery);
    sqlite3_close(db);
    return e;
}

/* ---- answered ones ---- */

enum { WHO = 0, ATTEMPT = 3, RESULT, DELIVERY, INVITE, ENDED_BY, ABANDONED, GIVEN_UP, TIMES };

/* The times in the order of enum call_mark; "answer_delay" as records_format writes it. */
static const char answered_sql[] =
    "SELECT call_id, lead, number, attempt, result, delivery, invite_ms, ended_by, abandoned,"
    " (SELECT json_extract(value, '$.at') FROM json_each(evidence)"
    "  WHERE json_extract(value, '$.what') = 'answer_delay'),"
    " first_1xx, ringing, early_media, answered, first_rtp, speech_on, greeting_end, verdict,"
    " connect, agent_heard, end"
    " FROM attempts WHERE invite_ms >= ?2 AND campaign = ?1 AND attempt > 0"
    " AND answered IS NOT NULL";

static uint32_t time_of(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL
               ? CALL_TIME_NONE
               : (uint32_t)sqlite3_column_int64(q, column);
}

static void copy(sqlite3_stmt *q, int column, char *dst, size_t cap)
{
    slice_copy(text_of(q, column), dst, cap);
}

static enum call_ender ender_of(struct slice name)
{
    for (int e = ENDED_BY_US; e <= ENDED_BY_NETWORK; e++)
        if (slice_eq(name, slice_cstr(call_ender_name((enum call_ender)e))))
            return (enum call_ender)e;
    return ENDED_BY_NOBODY;
}

static bool read_answered(sqlite3_stmt *q, struct call_record *r)
{
    uint32_t given_up = time_of(q, GIVEN_UP);
    const struct evidence limit = {
        .kind = EVIDENCE_TIMER, .code = 2, .start_ms = given_up, .end_ms = given_up};

    call_record_init(r);
    copy(q, WHO, r->call_id, sizeof(r->call_id));
    copy(q, WHO + 1, r->lead, sizeof(r->lead));
    copy(q, WHO + 2, r->number, sizeof(r->number));
    r->attempt = (uint32_t)sqlite3_column_int64(q, ATTEMPT);
    r->invite_wall_ms = (uint64_t)sqlite3_column_int64(q, INVITE);
    r->ended_by = ender_of(text_of(q, ENDED_BY));
    r->abandoned_strict = sqlite3_column_int(q, ABANDONED) != 0;
    if (given_up != CALL_TIME_NONE)
        call_record_add(r, &limit);
    for (int m = 0; m < MARK_COUNT; m++)
        r->at_ms[m] = time_of(q, TIMES + m);
    return result_parse(text_of(q, RESULT), &r->result) == OK &&
           delivery_parse(text_of(q, DELIVERY), &r->delivery) == OK;
}

enum err lookup_answered(const char *data_dir, const char *campaign, uint64_t since_wall_ms,
                         lookup_answered_fn *fn, void *arg)
{
    struct call_record r;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    enum err e = open_file(data_dir, &db);
    int step = SQLITE_ERROR;

    if (e == OK && sqlite3_prepare_v2(db, answered_sql, -1, &q, NULL) != SQLITE_OK)
        e = ERR_IO;
    if (e == OK) {
        sqlite3_bind_text(q, 1, campaign, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, (sqlite3_int64)since_wall_ms);
        while ((step = sqlite3_step(q)) == SQLITE_ROW)
            if (read_answered(q, &r))
                fn(arg, &r);
        e = step == SQLITE_DONE ? OK : ERR_IO;
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    return e;
}
