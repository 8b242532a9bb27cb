/* The SQLite file. A row is made from the journal's own line by SQLite's JSON functions, so the
 * two stores cannot tell different stories, and a row missing here can always be made again. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/store.h"

struct sqlite_store {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS attempts ("
    " campaign TEXT NOT NULL, lead TEXT NOT NULL, attempt INTEGER NOT NULL,"
    " number TEXT, call_id TEXT, caller_id TEXT, trunk TEXT, agent TEXT,"
    " result TEXT NOT NULL, delivery TEXT NOT NULL, confidence REAL,"
    " claimed_ms INTEGER, invite_ms INTEGER,"
    " first_1xx INTEGER, ringing INTEGER, early_media INTEGER, answered INTEGER,"
    " first_rtp INTEGER, speech_on INTEGER, greeting_end INTEGER, verdict INTEGER,"
    " connect INTEGER, agent_heard INTEGER, end INTEGER,"
    " sip_code INTEGER, sip_reason TEXT, q850 INTEGER, ended_by TEXT, cancelled INTEGER,"
    " answer_to_agent_ms INTEGER, abandoned INTEGER, beep_ms INTEGER,"
    " rtp_received INTEGER, rtp_lost INTEGER, jitter_us INTEGER, rtt_us INTEGER,"
    " recording TEXT, recording_error TEXT, evidence TEXT, agent_group TEXT,"
    " PRIMARY KEY (campaign, lead, attempt)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (invite_ms);"
    "CREATE INDEX IF NOT EXISTS attempts_by_when ON attempts"
    " (coalesce(invite_ms, claimed_ms, 0), campaign, lead, attempt);"
    "CREATE TABLE IF NOT EXISTS campaigns (campaign TEXT PRIMARY KEY, zone TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS attempts_by_number ON attempts (number);"
    "CREATE INDEX IF NOT EXISTS attempts_by_call ON attempts (call_id);";

/* What files of schema 1 have not. */
static const char added_sql[] = "ALTER TABLE attempts ADD COLUMN agent_group TEXT";

#define GET(path) "json_extract(?1, '$." path "')"
static const char
    insert_sql
        [] =
            "INSERT OR IGNORE INTO attempts SELECT " GET(
                "campaign") "," GET("lead") "," GET("attempt") "," GET("number") "," GET("call_id") "," GET("caller_id") "," GET("trunk") "," GET("agent") "," GET("result") "," GET("delivery") "," GET("confidence") "," GET("claimed_ms") "," GET("invite_ms") "," GET("times.first_1xx") "," GET("times.ringing") "," GET("times.early_media") "," GET("times.answered") "," GET("times.first_rtp") "," GET("times.speech_on") "," GET("times.greeting_end") "," GET("times.verdict") "," GET("times.connect") "," GET("times.agent_heard") "," GET("times.end") "," GET("sip_code") "," GET("sip_reason") "," GET("q850") "," GET("ended_by") "," GET("cancelled") "," GET("answer_to_agent_ms") "," GET("abandoned") "," GET("beep_ms") "," GET("media.received") "," GET("media.lost") "," GET("media.jitter_us") "," GET("media.rtt_us") "," GET("recording") "," GET("recording_error") "," GET("evidence") "," GET("group");

static enum err fail(struct sqlite_store *s, const char *what, char *error)
{
    const char *file = s->db ? sqlite3_db_filename(s->db, NULL) : NULL;

    snprintf(error, RECORDS_ERROR_MAX, "%.110s: call records cannot be %s: %.80s",
             file ? file : "SQLite", what, s->db ? sqlite3_errmsg(s->db) : "no memory");
    return ERR_IO;
}

static bool run(struct sqlite_store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int64_t ask(struct sqlite_store *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t v = -1;

    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

static enum err prepare(struct sqlite_store *s, bool durable, char *error)
{
    int64_t version = ask(s, "PRAGMA user_version");

    if (version < 0)
        return fail(s, "opened", error);
    if (version > RECORDS_SCHEMA) {
        snprintf(error, RECORDS_ERROR_MAX,
                 "%.110s: written by a newer Peal (schema %lld, this one knows %d); move it away",
                 sqlite3_db_filename(s->db, NULL), (long long)version, RECORDS_SCHEMA);
        return ERR_UNSUPPORTED;
    }
    /* The journal is what survives a power cut; without one each commit must. */
    if (!run(s, "PRAGMA journal_mode=WAL") ||
        !run(s, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL") ||
        !run(s, "PRAGMA wal_autocheckpoint=2000"))
        return fail(s, "opened", error);
    const char *column = version == 1 ? added_sql : ""; /* 0: a new file */
    char set[64];
    snprintf(set, sizeof(set), "PRAGMA user_version=%d", RECORDS_SCHEMA);
    if (!run(s, "BEGIN IMMEDIATE") || !run(s, column) || !run(s, schema_sql) || !run(s, set) ||
        !run(s, "COMMIT"))
        return fail(s, "prepared", error);
    if (sqlite3_prepare_v3(s->db, insert_sql, -1, SQLITE_PREPARE_PERSISTENT, &s->insert, NULL))
        return fail(s, "prepared", error);
    return OK;
}

enum err sqlite_store_open(struct sqlite_store **out, const char *path, bool durable, char *error)
{
    struct sqlite_store *s = calloc(1, sizeof(*s));
    enum err e = OK;

    *out = NULL;
    if (!s) {
        snprintf(error, RECORDS_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    if (sqlite3_open_v2(path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL)) {
        snprintf(error, RECORDS_ERROR_MAX, "%.140s: cannot be opened: %.80s", path,
                 s->db ? sqlite3_errmsg(s->db) : "no memory");
        e = ERR_IO;
    }
    if (!e) {
        sqlite3_busy_timeout(s->db, 2000);
        e = prepare(s, durable, error);
    }
    if (e) {
        sqlite_store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void sqlite_store_close(struct sqlite_store *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->insert);
    sqlite3_close(s->db);
    free(s);
}

enum err sqlite_store_zone(struct sqlite_store *s, const char *campaign, const char *zone,
                           char *error)
{
    sqlite3_stmt *q = NULL;
    int rc =
        sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO campaigns VALUES (?1, ?2)", -1, &q, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_text(q, 1, campaign, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, zone, -1, SQLITE_STATIC);
        rc = sqlite3_step(q);
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? OK : fail(s, "written", error);
}

enum err sqlite_store_begin(struct sqlite_store *s, char *error)
{
    return run(s, "BEGIN IMMEDIATE") ? OK : fail(s, "written", error);
}

enum err sqlite_store_add(struct sqlite_store *s, struct slice line, char *error)
{
    sqlite3_bind_text(s->insert, 1, line.p, (int)line.len, SQLITE_STATIC);
    int rc = sqlite3_step(s->insert);
    sqlite3_reset(s->insert);
    return rc == SQLITE_DONE ? OK : fail(s, "written", error);
}

enum err sqlite_store_commit(struct sqlite_store *s, char *error)
{
    return run(s, "COMMIT") ? OK : fail(s, "written", error);
}

void sqlite_store_rollback(struct sqlite_store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        run(s, "ROLLBACK");
}

uint64_t sqlite_store_rows(struct sqlite_store *s)
{
    int64_t n = ask(s, "SELECT count(*) FROM attempts");

    return n > 0 ? (uint64_t)n : 0;
}
