/* One cursor a folder over its SQLite file, merged by time. The filter is SQL with bound texts;
 * labels stand in it themselves, for they come from our own closed lists. */
#include "report/history.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/buf.h"

#define SQL_MAX   8192
#define BINDS_MAX 16

#define WHEN "coalesce(invite_ms, claimed_ms, 0)"

enum {
    C_CAMPAIGN,
    C_LEAD,
    C_ATTEMPT,
    C_NUMBER,
    C_CALL_ID,
    C_CALLER_ID,
    C_TRUNK,
    C_AGENT,
    C_RESULT,
    C_DELIVERY,
    C_CONFIDENCE,
    C_WHEN,
    C_SIP_CODE,
    C_SIP_REASON,
    C_Q850,
    C_ENDED_BY,
    C_CANCELLED,
    C_ABANDONED,
    C_TO_AGENT,
    C_RECORDING,
    C_RECORDING_ERROR,
    C_EVIDENCE,
    C_MARKS, /* in the order of enum call_mark */
    C_BEFORE = C_MARKS + MARK_COUNT,
    C_DISPOSITION,
    C_GROUP
};

static const char columns[] =
    "campaign, lead, attempt, number, call_id, caller_id, trunk, agent, result, delivery,"
    " confidence, " WHEN ", sip_code, sip_reason, q850, ended_by, cancelled, abandoned,"
    " answer_to_agent_ms, recording, recording_error, evidence, first_1xx, ringing, early_media,"
    " answered, first_rtp, speech_on, greeting_end, verdict, connect, agent_heard, end";

struct cursor {
    sqlite3 *db;
    sqlite3_stmt *rows, *one;
    const char *folder;
    bool has_row;
};

struct history {
    struct cursor cursor[HISTORY_FOLDERS_MAX];
    uint32_t count;
    struct cursor *given; /* whose row was given last and is to be left */
    const char *binds[BINDS_MAX];
    char texts[4][160]; /* patterns made of the filter's texts */
    uint32_t bind_count, text_count;
};

/* --- the filter as SQL --- */

/* "?N" for a text; the same history's cursors bind them alike. */
static void put_bind(struct history *h, struct buf *sql, const char *text)
{
    h->binds[h->bind_count++] = text;
    buf_printf(sql, "?%u", h->bind_count);
}

static void put_equal(struct history *h, struct buf *sql, const char *column, const char *text)
{
    if (!text)
        return;
    buf_printf(sql, " AND %s = ", column);
    put_bind(h, sql, text);
}

/* What people write between the digits goes; what is no number matches no number. */
static void put_number(struct history *h, struct buf *sql, const char *text)
{
    char *digits = h->texts[h->text_count++];
    size_t n = 0, cap = sizeof(h->texts[0]);

    if (text[0] != '+')
        digits[n++] = '*';
    for (const char *p = text; *p && n + 1 < cap; p++)
        if (!strchr(" -./()", *p))
            digits[n++] = *p == '?' || *p == '[' ? '!' : *p;
    digits[n] = 0;
    buf_puts(sql, strchr(digits, '*') ? "number GLOB " : "number = ");
    put_bind(h, sql, digits);
}

static void put_results(struct buf *sql, uint64_t set)
{
    const char *separator = " AND result IN (";

    if (!set)
        return;
    for (int r = 0; r < RESULT_COUNT; r++)
        if (set >> r & 1) {
            buf_printf(sql, "%s'%s'", separator, result_name((enum result)r));
            separator = ",";
        }
    buf_putc(sql, ')');
}

static void put_deliveries(struct buf *sql, uint32_t set)
{
    const char *separator = " AND delivery IN (";

    if (!set)
        return;
    for (int d = 0; d < DELIVERY_COUNT; d++)
        if (set >> d & 1) {
            buf_printf(sql, "%s'%s'", separator, delivery_name((enum delivery)d));
            separator = ",";
        }
    buf_putc(sql, ')');
}

static void put_duration(struct buf *sql, const struct history_filter *f)
{
    static const char duration[] = " AND coalesce(max(end - answered, 0), 0)";

    if (f->duration_min_ms)
        buf_printf(sql, "%s >= %u", duration, f->duration_min_ms);
    if (f->duration_max_ms != UINT32_MAX)
        buf_printf(sql, "%s <= %u", duration, f->duration_max_ms);
}

/* Columns that a file may be without. */
struct extra {
    bool disposition, group;
};

static void put_extra(struct history *h, struct buf *sql, const char *column, bool there,
                      const char *text)
{
    if (there)
        put_equal(h, sql, column, text);
    else if (text)
        buf_puts(sql, " AND 0"); /* none was stored */
}

static void put_filter(struct history *h, struct buf *sql, const struct history_filter *f,
                       const struct extra *extra)
{
    uint64_t to = f->to_ms ? f->to_ms : INT64_MAX;

    h->bind_count = h->text_count = 0;
    buf_printf(sql, " WHERE " WHEN " >= %llu AND " WHEN " < %llu",
               (unsigned long long)(f->from_ms > INT64_MAX ? INT64_MAX : f->from_ms),
               (unsigned long long)(to > INT64_MAX ? INT64_MAX : to));
    put_equal(h, sql, "campaign", f->campaign);
    put_equal(h, sql, "lead", f->lead);
    put_equal(h, sql, "agent", f->agent);
    put_extra(h, sql, "disposition", extra->disposition, f->disposition);
    put_extra(h, sql, "agent_group", extra->group, f->group);
    if (f->number) {
        buf_puts(sql, " AND ");
        put_number(h, sql, f->number);
    }
    if (f->client) {
        buf_puts(sql, " AND (lead = ");
        put_bind(h, sql, f->client);
        buf_puts(sql, " OR ");
        put_number(h, sql, f->client);
        buf_putc(sql, ')');
    }
    put_results(sql, f->results);
    put_deliveries(sql, f->deliveries);
    if (f->answered)
        buf_puts(sql, " AND answered IS NOT NULL");
    put_duration(sql, f);
}

/* --- opening --- */

static bool has(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    bool yes =
        sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW;

    sqlite3_finalize(q);
    return yes;
}

static bool has_column(sqlite3 *db, const char *name)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT 1 FROM pragma_table_info('attempts') WHERE name = '%s'",
             name);
    return has(db, sql);
}

static enum err fail(const struct cursor *c, const char *what, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "%.200s/calls.sqlite: cannot be %s: %.120s", c->folder, what,
             c->db ? sqlite3_errmsg(c->db) : "no memory");
    return ERR_IO;
}

static enum err open_file(struct cursor *c, char *error)
{
    char path[600];

    snprintf(path, sizeof(path), "%.580s/calls.sqlite", c->folder);
    if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        snprintf(error, HISTORY_ERROR_MAX,
                 "%.200s: no call records (calls.sqlite) there; name the data folders of the runs "
                 "with --data DIR",
                 c->folder);
        return ERR_NOT_FOUND;
    }
    sqlite3_busy_timeout(c->db, 5000);
    /* Rows without an index for their order are sorted in a file, not in memory. */
    sqlite3_exec(c->db, "PRAGMA temp_store=FILE; PRAGMA cache_size=-8000", NULL, NULL, NULL);
    return OK;
}

static enum err open_cursor(struct history *h, struct cursor *c, const struct history_filter *f,
                            char *error)
{
    static const char first_label[] =
        "(SELECT old FROM relabels r WHERE r.campaign = attempts.campaign AND"
        " r.lead = attempts.lead AND r.attempt = attempts.attempt ORDER BY r.at_ms LIMIT 1)";
    char text[SQL_MAX];
    struct buf sql = buf_on(text, sizeof(text) - 1);
    enum err e = open_file(c, error);

    if (e)
        return e;
    bool relabels = has(c->db, "SELECT 1 FROM sqlite_master WHERE name = 'relabels'");
    struct extra extra = {.disposition = has_column(c->db, "disposition"),
                          .group = has_column(c->db, "agent_group")};
    buf_printf(&sql, "SELECT %s, %s, %s, %s FROM attempts", columns,
               relabels ? first_label : "NULL", extra.disposition ? "disposition" : "NULL",
               extra.group ? "agent_group" : "NULL");
    put_filter(h, &sql, f, &extra);
    buf_puts(&sql, " ORDER BY " WHEN ", campaign, lead, attempt");
    if (buf_end(&sql))
        return ERR_TOO_LONG;
    text[sql.len] = 0;
    if (sqlite3_prepare_v2(c->db, text, -1, &c->rows, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(c->db,
                           "SELECT sip_reason = 'the engine was lost during the call' FROM attempts"
                           " WHERE campaign = ?1 AND lead = ?2 AND attempt = ?3",
                           -1, &c->one, NULL) != SQLITE_OK)
        return fail(c, "read", error);
    for (uint32_t i = 0; i < h->bind_count; i++)
        sqlite3_bind_text(c->rows, (int)i + 1, h->binds[i], -1, SQLITE_TRANSIENT);
    return OK;
}

static enum err step(struct cursor *c, char *error)
{
    int rc = sqlite3_step(c->rows);

    c->has_row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : fail(c, "read", error);
}

enum err history_open(struct history **out, const char *const *folders, uint32_t n,
                      const struct history_filter *filter, char *error)
{
    struct history *h = calloc(1, sizeof(*h));
    enum err e = h ? OK : ERR_NOMEM;

    *out = NULL;
    if (e || n > HISTORY_FOLDERS_MAX) {
        snprintf(error, HISTORY_ERROR_MAX, e ? "no memory" : "at most %d data folders at once",
                 HISTORY_FOLDERS_MAX);
        free(h);
        return e ? e : ERR_FULL;
    }
    for (uint32_t i = 0; i < n && !e; i++) {
        h->cursor[i].folder = folders[i];
        h->count++;
        e = open_cursor(h, &h->cursor[i], filter, error);
        if (!e)
            e = step(&h->cursor[i], error);
    }
    if (e)
        history_close(h);
    else
        *out = h;
    return e;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    for (uint32_t i = 0; i < h->count; i++) {
        sqlite3_finalize(h->cursor[i].rows);
        sqlite3_finalize(h->cursor[i].one);
        sqlite3_close(h->cursor[i].db);
    }
    free(h);
}

/* --- rows --- */

static struct slice text_of(sqlite3_stmt *q, int column)
{
    const char *p = (const char *)sqlite3_column_text(q, column);

    return p ? slice_of(p, (size_t)sqlite3_column_bytes(q, column)) : SLICE_NONE;
}

static uint32_t time_of(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL
               ? CALL_TIME_NONE
               : (uint32_t)sqlite3_column_int64(q, column);
}

static void read_row(sqlite3_stmt *q, struct history_row *r)
{
    *r = (struct history_row){
        .campaign = text_of(q, C_CAMPAIGN),
        .lead = text_of(q, C_LEAD),
        .number = text_of(q, C_NUMBER),
        .call_id = text_of(q, C_CALL_ID),
        .caller_id = text_of(q, C_CALLER_ID),
        .trunk = text_of(q, C_TRUNK),
        .agent = text_of(q, C_AGENT),
        .group = text_of(q, C_GROUP),
        .sip_reason = text_of(q, C_SIP_REASON),
        .ended_by = text_of(q, C_ENDED_BY),
        .recording = text_of(q, C_RECORDING),
        .recording_error = text_of(q, C_RECORDING_ERROR),
        .disposition = text_of(q, C_DISPOSITION),
        .evidence = text_of(q, C_EVIDENCE),
        .label = text_of(q, C_RESULT),
        .before = text_of(q, C_BEFORE),
        .attempt = (uint32_t)sqlite3_column_int64(q, C_ATTEMPT),
        .sip_code = (uint32_t)sqlite3_column_int64(q, C_SIP_CODE),
        .q850 = (uint32_t)sqlite3_column_int64(q, C_Q850),
        .wall_ms = (uint64_t)sqlite3_column_int64(q, C_WHEN),
        .answer_to_agent_ms = time_of(q, C_TO_AGENT),
        .confidence = sqlite3_column_double(q, C_CONFIDENCE),
        .abandoned = sqlite3_column_int(q, C_ABANDONED) != 0,
        .cancelled = sqlite3_column_int(q, C_CANCELLED) != 0,
    };
    for (int m = 0; m < MARK_COUNT; m++)
        r->at_ms[m] = time_of(q, C_MARKS + m);
    if (result_parse(r->label, &r->result) != OK)
        r->result = RESULT_UNKNOWN;
    if (delivery_parse(text_of(q, C_DELIVERY), &r->delivery) != OK)
        r->delivery = DELIVERY_NONE;
    r->kind = history_kind_of(r->result);
}

static int compare(sqlite3_stmt *a, sqlite3_stmt *b)
{
    sqlite3_int64 x = sqlite3_column_int64(a, C_WHEN), y = sqlite3_column_int64(b, C_WHEN);

    if (x != y)
        return x < y ? -1 : 1;
    int c = slice_cmp(text_of(a, C_CAMPAIGN), text_of(b, C_CAMPAIGN));
    return c ? c : slice_cmp(text_of(a, C_LEAD), text_of(b, C_LEAD));
}

static struct cursor *earliest(struct history *h)
{
    struct cursor *first = NULL;

    for (uint32_t i = 0; i < h->count; i++)
        if (h->cursor[i].has_row && (!first || compare(h->cursor[i].rows, first->rows) < 0))
            first = &h->cursor[i];
    return first;
}

static const char lost[] = "the engine was lost during the call";

/* Has another folder the same attempt, and is it the one to take? Of equals, the folder named
 * first. */
static bool is_told_elsewhere(struct history *h, struct cursor *c)
{
    bool knows = !slice_eq(text_of(c->rows, C_SIP_REASON), slice_cstr(lost)), told = false;

    for (uint32_t i = 0; i < h->count && !told; i++) {
        struct cursor *other = &h->cursor[i];

        if (other == c)
            continue;
        for (int k = 0; k < 3; k++)
            sqlite3_bind_value(other->one, k + 1, sqlite3_column_value(c->rows, k));
        if (sqlite3_step(other->one) == SQLITE_ROW) {
            bool other_knows = sqlite3_column_int(other->one, 0) == 0;
            told = other_knows == knows ? other < c : other_knows;
        }
        sqlite3_reset(other->one);
    }
    return told;
}

enum err history_next(struct history *h, struct history_row *row, char *error)
{
    for (;;) {
        enum err e = h->given ? step(h->given, error) : OK;

        if (e)
            return e;
        h->given = earliest(h);
        if (!h->given)
            return ERR_CLOSED;
        if (h->count == 1 || !is_told_elsewhere(h, h->given))
            break;
    }
    read_row(h->given->rows, row);
    return OK;
}

/* --- the campaigns' zone --- */

enum err history_zone(const char *const *folders, uint32_t n, const char *campaign, char *name)
{
    char error[HISTORY_ERROR_MAX];
    bool differ = false;

    name[0] = 0;
    for (uint32_t i = 0; i < n && !differ; i++) {
        struct cursor c = {.folder = folders[i]};
        sqlite3_stmt *q = NULL;

        if (open_file(&c, error) == OK &&
            sqlite3_prepare_v2(c.db,
                               "SELECT DISTINCT zone FROM campaigns WHERE ?1 IS NULL OR"
                               " campaign = ?1",
                               -1, &q, NULL) == SQLITE_OK) {
            sqlite3_bind_text(q, 1, campaign, campaign ? -1 : 0, SQLITE_STATIC);
            while (sqlite3_step(q) == SQLITE_ROW && !differ) {
                struct slice zone = text_of(q, 0);
                differ = name[0] && !slice_eq(zone, slice_cstr(name));
                slice_copy(zone, name, ZONE_NAME_MAX);
            }
        }
        sqlite3_finalize(q);
        sqlite3_close(c.db);
    }
    return name[0] && !differ ? OK : ERR_NOT_FOUND;
}
