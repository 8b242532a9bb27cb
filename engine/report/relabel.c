/* Reads with the history's own cursor, writes through a second connection in short transactions, so
 * that an engine of the same folder is never kept waiting. A row is changed only if it still has
 * the label that was judged. */
#include "report/relabel.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "report/audit.h"

#define BATCH      500  /* changes a transaction */
#define BATCH_ROWS 2000 /* and rows read meanwhile */

struct writer {
    sqlite3 *db;
    sqlite3_stmt *update, *note;
    const char *folder;
    sqlite3_int64 run, now_ms;
    uint32_t pending;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS relabel_runs (run INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL, rules TEXT);"
    "CREATE TABLE IF NOT EXISTS relabels (campaign TEXT NOT NULL, lead TEXT NOT NULL,"
    " attempt INTEGER NOT NULL, at_ms INTEGER NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,"
    " run INTEGER NOT NULL, PRIMARY KEY (campaign, lead, attempt, run)) WITHOUT ROWID;";

static enum err fail(const struct writer *w, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "%.200s/calls.sqlite: cannot be changed: %.120s", w->folder,
             w->db ? sqlite3_errmsg(w->db) : "no memory");
    return ERR_IO;
}

static bool run_sql(struct writer *w, const char *sql)
{
    return sqlite3_exec(w->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool begin_run(struct writer *w, const struct relabel_rules *rules)
{
    sqlite3_stmt *q = NULL;
    char who[AUDIT_WHO_MAX];
    struct timespec now;

    audit_who(who);
    clock_gettime(CLOCK_REALTIME, &now);
    w->now_ms = (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (sqlite3_prepare_v2(w->db, "INSERT INTO relabel_runs (at_ms, who, rules) VALUES (?,?,?)", -1,
                           &q, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(q, 1, w->now_ms);
    sqlite3_bind_text(q, 2, who, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 3, rules->text, rules->text ? -1 : 0, SQLITE_STATIC);
    bool done = sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    w->run = sqlite3_last_insert_rowid(w->db);
    return done;
}

/* A run is entered with its first change: asking again leaves nothing behind. */
static enum err open_writer(struct writer *w, const struct relabel_rules *rules, char *error)
{
    char path[600];

    snprintf(path, sizeof(path), "%.580s/calls.sqlite", w->folder);
    if (sqlite3_open_v2(path, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return fail(w, error);
    sqlite3_busy_timeout(w->db, 10000);
    if (!run_sql(w, "BEGIN IMMEDIATE") || !run_sql(w, schema) || !begin_run(w, rules) ||
        sqlite3_prepare_v2(w->db,
                           "UPDATE attempts SET result = ?5 WHERE campaign = ?1 AND lead = ?2 AND"
                           " attempt = ?3 AND result = ?4",
                           -1, &w->update, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(w->db, "INSERT INTO relabels VALUES (?1, ?2, ?3, ?6, ?4, ?5, ?7)", -1,
                           &w->note, NULL) != SQLITE_OK)
        return fail(w, error);
    return OK;
}

static enum err commit(struct writer *w, char *error)
{
    if (!w->db || sqlite3_get_autocommit(w->db))
        return OK;
    w->pending = 0;
    return run_sql(w, "COMMIT") ? OK : fail(w, error);
}

static void close_writer(struct writer *w)
{
    sqlite3_finalize(w->update);
    sqlite3_finalize(w->note);
    sqlite3_close(w->db); /* rolls back what is not committed */
}

static void bind(sqlite3_stmt *q, int at, struct slice s)
{
    sqlite3_bind_text(q, at, s.p ? s.p : "", (int)s.len, SQLITE_STATIC);
}

static bool do_step(sqlite3_stmt *q, const struct history_row *row, const char *label)
{
    bind(q, 1, row->campaign);
    bind(q, 2, row->lead);
    sqlite3_bind_int64(q, 3, row->attempt);
    bind(q, 4, row->label);
    sqlite3_bind_text(q, 5, label, -1, SQLITE_STATIC);
    bool done = sqlite3_step(q) == SQLITE_DONE;
    sqlite3_reset(q);
    return done;
}

static enum err write_change(struct writer *w, const struct relabel_rules *rules,
                             const struct history_row *row, const char *label, char *error)
{
    enum err e = w->db ? OK : open_writer(w, rules, error);

    if (!e && w->pending == 0 && sqlite3_get_autocommit(w->db) && !run_sql(w, "BEGIN IMMEDIATE"))
        e = fail(w, error);
    if (!e && !do_step(w->update, row, label))
        e = fail(w, error);
    if (!e && sqlite3_changes(w->db)) {
        sqlite3_bind_int64(w->note, 6, w->now_ms);
        sqlite3_bind_int64(w->note, 7, w->run);
        if (!do_step(w->note, row, label))
            e = fail(w, error);
    }
    if (!e && ++w->pending >= BATCH)
        e = commit(w, error);
    return e;
}

static enum err one_row(struct writer *w, const struct history_row *row,
                        const struct relabel_rules *rules, bool apply,
                        struct relabel_counts *counts, char *error)
{
    struct call_record record;
    enum err e = ++counts->rows % BATCH_ROWS ? OK : commit(w, error);

    if (e)
        return e;
    if (!reread_record(row, rules, &record))
        return OK;
    enum result label = result_decide_by(&rules->codes, &record);
    counts->judged++;
    if (slice_eq(slice_cstr(result_name(label)), row->label))
        return OK;
    counts->changed++;
    counts->moved[row->result][label]++;
    return apply ? write_change(w, rules, row, result_name(label), error) : OK;
}

enum err relabel(const char *folder, const struct history_filter *filter,
                 const struct relabel_rules *rules, bool apply, struct relabel_counts *counts,
                 char *error)
{
    struct writer w = {.folder = folder};
    struct history_row row;
    struct history *h;
    enum err e = history_open(&h, &folder, 1, filter, error);

    if (e)
        return e;
    while ((e = history_next(h, &row, error)) == OK)
        if ((e = one_row(&w, &row, rules, apply, counts, error)) != OK)
            break;
    if (e == ERR_CLOSED)
        e = commit(&w, error);
    close_writer(&w);
    history_close(h);
    return e;
}
