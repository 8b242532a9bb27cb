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

enum err lookup_result(const char *data_dir, const char *campaign, const char *lead,
                       uint32_t attempt, enum result *result, enum delivery *delivery)
{
    sqlite3 *db = NULL;
    char path[600];
    enum err e = ERR_IO;

    snprintf(path, sizeof(path), "%s/calls.sqlite", data_dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
        e = ask(db, campaign, lead, attempt, result, delivery);
    sqlite3_close(db);
    return e;
}
