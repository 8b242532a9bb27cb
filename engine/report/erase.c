/* The journal is read line by line and written over at the same place; a line that is still being
 * written (no newline yet) is left alone. SQLite gets the same replacement as a function of SQL. */
#include "report/erase.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/record_index.h"

struct erasing {
    const char *data_dir, *digits, *other;
    struct erase_stats *stats;
    char *error;
};

uint32_t erase_digits(char *text, size_t len, const char *digits, const char *other)
{
    size_t n = strlen(digits);
    char *at = text, *end = text + len;
    uint32_t found = 0;

    while ((at = memmem(at, (size_t)(end - at), digits, n)) != NULL) {
        char before = at > text ? at[-1] : ' ', after = at + n < end ? at[n] : ' ';

        if (!isdigit((unsigned char)before) && before != ':' && !isdigit((unsigned char)after)) {
            memcpy(at, other, n);
            found++;
        }
        at += n;
    }
    return found;
}

static enum err fail(const struct erasing *x, const char *file, const char *what, const char *why)
{
    snprintf(x->error, RECORDS_ERROR_MAX, "%.100s/%s: cannot be %s: %.80s", x->data_dir, file, what,
             why);
    return ERR_IO;
}

/* ---- recordings ---- */

/* Of the recording of that path, which is gone itself: what was said when. */
static bool remove_index(const char *path)
{
    char index[700];

    snprintf(index, sizeof(index), "%.600s" RECORD_INDEX_SUFFIX, path);
    return unlink(index) == 0 || errno == ENOENT;
}

/* False: it is there and stays; so does its name in the records, for the next time. */
static bool remove_recording(const struct erasing *x, const char *path)
{
    const char *name = strrchr(path, '/');
    char there[600];

    if (!path[0])
        return true;
    bool gone = unlink(path) == 0;

    /* a folder that was moved since */
    snprintf(there, sizeof(there), "%.300s/recordings/%.250s", x->data_dir, name ? name + 1 : path);
    if (!gone && errno == ENOENT)
        gone = unlink(there) == 0;
    if (!gone && errno != ENOENT) {
        x->stats->stuck++;
        return false;
    }
    x->stats->recordings += gone;
    if (remove_index(path) && remove_index(there))
        return true;
    x->stats->stuck++;
    return false;
}

static bool recording_of_line(const struct erasing *x, const char *line, size_t len)
{
    json_t *record = json_loadb(line, len, 0, NULL);
    const char *number = json_string_value(json_object_get(record, "number"));
    const char *path = json_string_value(json_object_get(record, "recording"));
    bool done = true;

    if (number && path && number[0] == '+' && strcmp(number + 1, x->digits) == 0)
        done = remove_recording(x, path);
    json_decref(record);
    return done;
}

/* ---- the journal ---- */

static enum err erase_line(const struct erasing *x, int fd, char *line, size_t len, off_t at)
{
    if (!memmem(line, len, x->digits, strlen(x->digits)))
        return OK;
    if (!recording_of_line(x, line, len) || !erase_digits(line, len, x->digits, x->other))
        return OK;
    if (pwrite(fd, line, len, at) != (ssize_t)len)
        return fail(x, "calls.jsonl", "written", strerror(errno));
    x->stats->lines++;
    return OK;
}

static enum err erase_journal(const struct erasing *x)
{
    char path[600], *line = NULL;
    struct stat ours, there;
    size_t cap = 0;
    ssize_t len;
    off_t at = 0;
    enum err e = OK;

    snprintf(path, sizeof(path), "%.500s/calls.jsonl", x->data_dir);
    FILE *f = fopen(path, "re");
    int fd = f ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (!f || fd < 0) {
        if (errno != ENOENT)
            e = fail(x, "calls.jsonl", "opened", strerror(errno));
        if (f)
            fclose(f);
        return e;
    }
    /* As those who append: nobody replaces the file meanwhile, or has just done so. */
    if (flock(fd, LOCK_SH | LOCK_NB) != 0 || fstat(fd, &ours) != 0 || stat(path, &there) != 0 ||
        ours.st_ino != there.st_ino)
        e = fail(x, "calls.jsonl", "locked", "it is being written anew (peal retain)");
    while (e == OK && (len = getline(&line, &cap, f)) > 0) {
        if (line[len - 1] == '\n')
            e = erase_line(x, fd, line, (size_t)len, at);
        at += len;
    }
    if (e == OK && ferror(f))
        e = fail(x, "calls.jsonl", "read", strerror(errno));
    if (e == OK && fsync(fd) != 0)
        e = fail(x, "calls.jsonl", "written", strerror(errno));
    free(line);
    close(fd);
    fclose(f);
    return e;
}

/* ---- SQLite ---- */

static void sql_blank(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const struct erasing *x = sqlite3_user_data(context);
    int len = sqlite3_value_bytes(argv[0]);
    const void *text = sqlite3_value_text(argv[0]);
    char *copy = text ? sqlite3_malloc(len + 1) : NULL;

    (void)argc;
    if (!copy) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    memcpy(copy, text, (size_t)len + 1);
    erase_digits(copy, (size_t)len, x->digits, x->other);
    sqlite3_result_text(context, copy, len, sqlite3_free);
}

static void recordings_of_rows(const struct erasing *x, sqlite3 *db)
{
    sqlite3_stmt *s = NULL;

    if (sqlite3_prepare_v2(db, "SELECT recording FROM attempts WHERE number = '+' || ?1", -1, &s,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(s, 1, x->digits, -1, SQLITE_STATIC);
        while (sqlite3_step(s) == SQLITE_ROW)
            if (sqlite3_column_text(s, 0))
                remove_recording(x, (const char *)sqlite3_column_text(s, 0));
    }
    sqlite3_finalize(s);
}

/* First labels of results judged again (relabel.c), where there are any. */
static bool update_labels(const struct erasing *x, sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    bool done = true;

    if (sqlite3_table_column_metadata(db, NULL, "relabels", "lead", NULL, NULL, NULL, NULL, NULL) !=
        SQLITE_OK)
        return true;
    done = sqlite3_prepare_v2(db,
                              "UPDATE OR REPLACE relabels SET lead = blank(lead)"
                              " WHERE instr(lead, ?1) AND blank(lead) <> lead",
                              -1, &s, NULL) == SQLITE_OK &&
           sqlite3_bind_text(s, 1, x->digits, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    return done;
}

static bool update(const struct erasing *x, sqlite3 *db)
{
    static const char sql[] =
        "UPDATE OR REPLACE attempts SET number = blank(number), lead = blank(lead),"
        " recording = blank(recording)"
        " WHERE number = '+' || ?1 OR (instr(lead, ?1) AND blank(lead) <> lead)";
    sqlite3_stmt *s = NULL;
    bool done = sqlite3_create_function(db, "blank", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                        (void *)(uintptr_t)x, sql_blank, NULL, NULL) == SQLITE_OK &&
                sqlite3_exec(db, "PRAGMA secure_delete=ON", NULL, NULL, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK &&
                sqlite3_bind_text(s, 1, x->digits, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(s) == SQLITE_DONE;

    sqlite3_finalize(s);
    if (done)
        x->stats->rows = (uint64_t)sqlite3_changes(db);
    return done && update_labels(x, db);
}

static enum err erase_sqlite(const struct erasing *x)
{
    char path[600];
    sqlite3 *db = NULL;
    enum err e = OK;

    snprintf(path, sizeof(path), "%.500s/calls.sqlite", x->data_dir);
    if (access(path, F_OK) != 0)
        return OK;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        e = fail(x, "calls.sqlite", "opened", db ? sqlite3_errmsg(db) : "no memory");
    } else {
        sqlite3_busy_timeout(db, 10000);
        recordings_of_rows(x, db);
        if (!x->stats->stuck && !update(x, db))
            e = fail(x, "calls.sqlite", "written", sqlite3_errmsg(db));
        else /* what an engine still reads of the log goes with its next checkpoint */
            sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return e;
}

enum err records_erase(const char *data_dir, const char *digits, const char *other,
                       struct erase_stats *stats, char *error)
{
    struct erasing x = {data_dir, digits, other, stats, error};

    *stats = (struct erase_stats){0};
    if (strlen(digits) == 0 || strlen(digits) != strlen(other))
        return ERR_INVALID;
    enum err e = erase_journal(&x);
    return e ? e : erase_sqlite(&x);
}
