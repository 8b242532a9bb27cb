/* The sweep of one folder. Recordings are found by name in the recordings' folder alone, whatever
 * path a record gives, so nothing elsewhere is ever removed. */
#include "report/retain.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "media/record_index.h"
#include "report/audit.h"
#include "report/kept.h"

#define BATCH "1000" /* rows a transaction */
#define OLD   "coalesce(invite_ms, claimed_ms, 0) > 0 AND coalesce(invite_ms, claimed_ms, 0) < ?1"

struct sweep {
    const struct retain *r;
    struct retain_counts counts;
    char recordings[600], sqlite[600], journal[600];
    sqlite3 *db;
    sqlite3_int64 audit;
    char *error;
};

static enum err fail(struct sweep *s, const char *what)
{
    snprintf(s->error, HISTORY_ERROR_MAX, "%.200s: cannot be %s: %.120s", s->sqlite, what,
             s->db ? sqlite3_errmsg(s->db) : "no memory");
    return ERR_IO;
}

static bool run(struct sweep *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* --- recordings --- */

/* It goes with its recording. */
static void remove_index(struct sweep *s, const char *audio)
{
    char path[960];
    struct stat st;

    snprintf(path, sizeof(path), "%s" RECORD_INDEX_SUFFIX, audio);
    if (lstat(path, &st) || !S_ISREG(st.st_mode))
        return;
    if (s->r->apply && unlink(path))
        s->counts.files_failed++;
    else
        s->counts.bytes += (uint64_t)st.st_size;
}

static void remove_file(struct sweep *s, const char *name)
{
    char path[900];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%.255s", s->recordings, name);
    if (lstat(path, &st) || !S_ISREG(st.st_mode))
        return;
    if (s->r->apply && unlink(path)) {
        s->counts.files_failed++;
        return;
    }
    s->counts.files++;
    s->counts.bytes += (uint64_t)st.st_size;
    remove_index(s, path);
}

static bool is_old(struct sweep *s, const char *name)
{
    char path[900];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%.255s", s->recordings, name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_mtim.tv_sec * 1000 < s->r->before_ms;
}

/* Those that an old record names; and old ones that no record names any more. */
static enum err sweep_recordings(struct sweep *s)
{
    sqlite3_stmt *q = NULL;
    struct dirent *e;

    if (sqlite3_prepare_v2(s->db,
                           "SELECT recording FROM attempts WHERE " OLD " AND recording IS NOT NULL",
                           -1, &q, NULL) != SQLITE_OK)
        return fail(s, "read");
    sqlite3_bind_int64(q, 1, (sqlite3_int64)s->r->before_ms);
    while (sqlite3_step(q) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(q, 0), *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;

        if (s->r->apply || !is_old(s, name)) /* counted once: those below are all others */
            remove_file(s, name);
    }
    sqlite3_finalize(q);
    DIR *d = opendir(s->recordings);
    while (d && (e = readdir(d))) {
        if (kept_is_recording(e->d_name) && is_old(s, e->d_name))
            remove_file(s, e->d_name);
    }
    if (d)
        closedir(d);
    return OK;
}

/* --- the journal --- */

static uint64_t number_after(struct slice line, const char *name)
{
    const char *at = memmem(line.p, line.len, name, strlen(name));
    uint64_t n = 0;

    for (at = at ? at + strlen(name) : NULL;
         at && at < line.p + line.len && *at >= '0' && *at <= '9' && n < UINT64_MAX / 16; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

/* A quote inside of a text has a backslash before it: these names are never part of one. */
static bool keeps(void *arg, struct slice line)
{
    const struct sweep *s = arg;
    uint64_t at = number_after(line, "\"invite_ms\":");

    if (!at)
        at = number_after(line, "\"claimed_ms\":");
    return at == 0 || at >= s->r->before_ms;
}

/* --- SQLite --- */

static enum err count_rows(struct sweep *s)
{
    sqlite3_stmt *q = NULL;

    if (sqlite3_prepare_v2(s->db, "SELECT count(*) FROM attempts WHERE " OLD, -1, &q, NULL) !=
        SQLITE_OK)
        return fail(s, "read");
    sqlite3_bind_int64(q, 1, (sqlite3_int64)s->r->before_ms);
    if (sqlite3_step(q) == SQLITE_ROW)
        s->counts.rows = (uint64_t)sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return OK;
}

static enum err delete_batch(struct sweep *s, sqlite3_stmt *q, bool *more)
{
    sqlite3_bind_int64(q, 1, (sqlite3_int64)s->r->before_ms);
    if (sqlite3_step(q) != SQLITE_DONE) {
        sqlite3_reset(q);
        return fail(s, "swept");
    }
    sqlite3_reset(q);
    *more = sqlite3_changes(s->db) > 0;
    s->counts.rows += (uint64_t)sqlite3_changes(s->db);
    return OK;
}

static enum err sweep_rows(struct sweep *s)
{
    sqlite3_stmt *q = NULL;
    bool more = true;
    enum err e = OK;

    if (!run(s, "PRAGMA secure_delete=ON") ||
        sqlite3_prepare_v2(s->db,
                           "DELETE FROM attempts WHERE (campaign, lead, attempt) IN (SELECT"
                           " campaign, lead, attempt FROM attempts WHERE " OLD " LIMIT " BATCH ")",
                           -1, &q, NULL) != SQLITE_OK)
        return fail(s, "swept");
    while (!e && more)
        e = delete_batch(s, q, &more);
    sqlite3_finalize(q);
    /* Labels noted of calls that are gone; the table is there where one was judged again. */
    if (!e)
        run(s, "DELETE FROM relabels WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.campaign ="
               " relabels.campaign AND a.lead = relabels.lead AND a.attempt = relabels.attempt)");
    return e;
}

/* --- the audit --- */

static enum err write_audit(struct sweep *s, const char *state)
{
    char detail[400], who[AUDIT_WHO_MAX];
    struct timespec now;
    sqlite3_stmt *q = NULL;
    int rc;

    audit_who(who);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(detail, sizeof(detail),
             "{\"state\":\"%s\",\"before_ms\":%llu,\"recordings\":%llu,\"recordings_failed\":%llu,"
             "\"lines\":%llu,\"rows\":%llu}",
             state, (unsigned long long)s->r->before_ms, (unsigned long long)s->counts.files,
             (unsigned long long)s->counts.files_failed, (unsigned long long)s->counts.lines,
             (unsigned long long)s->counts.rows);
    if (!run(s, "CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
                " who TEXT NOT NULL, action TEXT NOT NULL, detail TEXT)") ||
        sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO audit VALUES (?, ?, ?, 'retain', ?)", -1,
                           &q, NULL) != SQLITE_OK)
        return fail(s, "swept");
    if (s->audit)
        sqlite3_bind_int64(q, 1, s->audit);
    sqlite3_bind_int64(q, 2, (sqlite3_int64)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    sqlite3_bind_text(q, 3, who, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 4, detail, -1, SQLITE_STATIC);
    rc = sqlite3_step(q);
    sqlite3_finalize(q);
    s->audit = sqlite3_last_insert_rowid(s->db);
    return rc == SQLITE_DONE ? OK : fail(s, "swept");
}

/* --- all of it --- */

static enum err open_db(struct sweep *s)
{
    int flags = s->r->apply ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;

    if (sqlite3_open_v2(s->sqlite, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        snprintf(s->error, HISTORY_ERROR_MAX, "%.200s: no call records (calls.sqlite) there",
                 s->r->folder);
        return ERR_NOT_FOUND;
    }
    sqlite3_busy_timeout(s->db, 10000);
    return OK;
}

static enum err sweep_journal(struct sweep *s, bool apply)
{
    return journal_rewrite(s->journal, keeps, s, apply, &s->counts.lines, &s->counts.kept_lines,
                           s->error);
}

static enum err sweep_all(struct sweep *s)
{
    bool rows = !s->r->recordings_only;
    enum err e = write_audit(s, "begun");

    if (!e)
        e = sweep_recordings(s);
    if (!e && rows)
        e = sweep_journal(s, true);
    if (!e && rows)
        e = sweep_rows(s);
    if (!e)
        e = write_audit(s, "done");
    if (!e) /* nothing of them stays in the write-ahead log either */
        run(s, "PRAGMA wal_checkpoint(TRUNCATE)");
    return e;
}

static enum err count_all(struct sweep *s)
{
    enum err e = sweep_recordings(s);

    if (!e && !s->r->recordings_only)
        e = sweep_journal(s, false);
    if (!e && !s->r->recordings_only)
        e = count_rows(s);
    return e;
}

/* Before anything is removed: no engine may be writing to the folder. */
static enum err keep_engines_out(struct sweep *s)
{
    int fd = open(s->journal, O_RDONLY | O_CLOEXEC);
    bool alone = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;

    if (fd >= 0)
        close(fd); /* journal_rewrite takes it again */
    if (alone)
        return OK;
    snprintf(s->error, HISTORY_ERROR_MAX,
             "%.200s: an engine is writing to it; try again when it has ended", s->journal);
    return ERR_STATE;
}

enum err retain(const struct retain *r, struct retain_counts *counts, char *error)
{
    struct sweep s = {.r = r, .error = error};

    snprintf(s.recordings, sizeof(s.recordings), "%.580s%s",
             r->recordings ? r->recordings : r->folder, r->recordings ? "" : "/recordings");
    snprintf(s.sqlite, sizeof(s.sqlite), "%.580s/calls.sqlite", r->folder);
    snprintf(s.journal, sizeof(s.journal), "%.580s/calls.jsonl", r->folder);
    enum err e = open_db(&s);
    if (!e && r->apply && !r->recordings_only)
        e = keep_engines_out(&s);
    if (!e)
        e = r->apply ? sweep_all(&s) : count_all(&s);
    sqlite3_close(s.db);
    counts->files += s.counts.files;
    counts->bytes += s.counts.bytes;
    counts->files_failed += s.counts.files_failed;
    counts->lines += s.counts.lines;
    counts->kept_lines += s.counts.kept_lines;
    counts->rows += s.counts.rows;
    return e;
}
