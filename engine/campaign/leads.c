/* From CSV rows to leads: which column is what, numbers to E.164, the rest to a JSON object. */
#include "campaign/leads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "campaign/csv.h"
#include "campaign/leads_columns.h"
#include "campaign/number_plan.h"

_Static_assert(LEADS_COLUMNS_MAX == CSV_FIELDS_MAX && LEADS_ROW_MAX == CSV_ROW_MAX,
               "leads.h states the bounds of csv.h");

/* Worst case: every byte of the row becomes \u00XX, beside the columns' own names. */
#define FIELDS_JSON_MAX (6 * 2 * LEADS_ROW_MAX + 16 * LEADS_COLUMNS_MAX)

struct leads {
    struct csv csv;
    int fd;            /* -1: memory */
    struct slice text; /* memory: what is left */
    const struct number_country *home;
    char path[512];
    struct column columns[LEADS_COLUMNS_MAX];
    uint32_t column_count;
    bool has_fields;
    struct { /* of the row being read, by slot */
        struct slice number;
        const char *name; /* of its column */
        char kind[LEADS_KIND_MAX + 1];
    } cells[LEADS_NUMBERS_MAX];
    char *json;
    char reason[LEADS_REASON_MAX];
    struct leads_stats stats;
};

static int64_t read_fd(void *arg, char *dst, size_t cap)
{
    struct leads *l = arg;

    return read(l->fd, dst, cap);
}

static int64_t read_memory(void *arg, char *dst, size_t cap)
{
    struct leads *l = arg;
    size_t n = l->text.len < cap ? l->text.len : cap;

    if (n)
        memcpy(dst, l->text.p, n);
    l->text = slice_from(l->text, (uint32_t)n);
    return (int64_t)n;
}

__attribute__((format(printf, 2, 3))) static enum err reject(struct leads *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(l->reason, sizeof(l->reason), fmt, args);
    va_end(args);
    return ERR_INVALID;
}

static enum err read_header(struct leads *l)
{
    enum err e = csv_sniff(&l->csv);

    if (!e)
        e = csv_next(&l->csv);
    if (e == ERR_CLOSED)
        return reject(l, "the file is empty; its first line must name the columns");
    if (e == ERR_IO)
        snprintf(l->reason, sizeof(l->reason), "cannot be read: %s", strerror(errno));
    if (e == ERR_INVALID)
        return reject(l, "the header cannot be read: %s", l->csv.why);
    for (uint32_t i = 0; i < l->csv.count && !e; i++) {
        struct slice name = slice_trim(l->csv.fields[i]);
        struct column *c = &l->columns[i];

        if (!csv_is_utf8(name))
            return reject(l, "the header is not UTF-8; save the file as UTF-8");
        c->name = strndup(name.p ? name.p : "", name.len);
        if (!c->name)
            return ERR_NOMEM;
        column_find(name, c);
        l->has_fields |= c->kind == COLUMN_FIELD;
        l->column_count = i + 1;
    }
    return e ? e : columns_finish(l->columns, l->column_count, l->reason);
}

static enum err open_common(struct leads **out, struct leads *l, csv_read_fn *read_fn,
                            const struct number_country *home, char *error)
{
    enum err e = csv_init(&l->csv, read_fn, l);

    l->home = home;
    l->json = malloc(FIELDS_JSON_MAX);
    if (!e && !l->json)
        e = ERR_NOMEM;
    if (e)
        snprintf(l->reason, sizeof(l->reason), "no memory");
    else
        e = read_header(l);
    if (e) {
        snprintf(error, LEADS_REASON_MAX, "%.90s:%llu: %.130s", l->path,
                 (unsigned long long)(l->csv.line ? l->csv.line : 1), l->reason);
        leads_close(l);
        return e;
    }
    *out = l;
    return OK;
}

enum err leads_open(struct leads **out, const char *path, const struct number_country *home,
                    char *error)
{
    struct leads *l = calloc(1, sizeof(*l));
    bool standard_input = strcmp(path, "-") == 0;

    *out = NULL;
    if (!l) {
        snprintf(error, LEADS_REASON_MAX, "no memory");
        return ERR_NOMEM;
    }
    snprintf(l->path, sizeof(l->path), "%s", standard_input ? "standard input" : path);
    l->fd = standard_input ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0) {
        snprintf(error, LEADS_REASON_MAX, "%.140s: cannot be opened: %.60s", l->path,
                 strerror(errno));
        leads_close(l);
        return ERR_NOT_FOUND;
    }
    return open_common(out, l, read_fd, home, error);
}

enum err leads_open_memory(struct leads **out, struct slice text, const struct number_country *home,
                           char *error)
{
    struct leads *l = calloc(1, sizeof(*l));

    *out = NULL;
    if (!l) {
        snprintf(error, LEADS_REASON_MAX, "no memory");
        return ERR_NOMEM;
    }
    l->fd = -1;
    l->text = text;
    snprintf(l->path, sizeof(l->path), "leads");
    return open_common(out, l, read_memory, home, error);
}

void leads_close(struct leads *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    csv_fini(&l->csv);
    for (uint32_t i = 0; i < LEADS_COLUMNS_MAX; i++)
        free(l->columns[i].name);
    free(l->json);
    free(l);
}

static enum err read_priority(struct leads *l, struct slice text, int32_t *out)
{
    uint64_t v = 0;
    bool minus = text.len && text.p[0] == '-';

    if (text.len && slice_u64(minus ? slice_from(text, 1) : text, 1000000000, &v))
        return reject(l, "the priority '" SLICE_FMT "' is no whole number",
                      SLICE_ARG(slice_of(text.p, text.len < 40 ? text.len : 40)));
    *out = minus ? -(int32_t)v : (int32_t)v;
    return OK;
}

static enum err read_id(struct leads *l, struct slice text, char *dst)
{
    for (uint32_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return reject(l, "the id has control characters");
    }
    if (slice_copy(text, dst, LEADS_ID_MAX + 1))
        return reject(l, "the id is longer than %u bytes", LEADS_ID_MAX);
    return OK;
}

static enum err read_cell(struct leads *l, uint32_t i, struct slice text, struct lead *out)
{
    const struct column *c = &l->columns[i];
    struct slice trimmed = slice_trim(text);

    if (text.len > LEADS_FIELD_MAX)
        return reject(l, "column '%.40s' is longer than %u bytes", c->name, LEADS_FIELD_MAX);
    switch (c->kind) {
    case COLUMN_NUMBER:
        l->cells[c->slot].number = trimmed;
        l->cells[c->slot].name = c->name;
        if (c->of)
            strcpy(l->cells[c->slot].kind, c->of);
        return OK;
    case COLUMN_KIND:
        if (columns_kind_word(trimmed, l->cells[c->slot].kind) != OK)
            return reject(l, "column '%.40s' has no word of %u letters at most", c->name,
                          LEADS_KIND_MAX);
        return OK;
    case COLUMN_ID:
        return read_id(l, trimmed, out->id);
    case COLUMN_NAME:
        out->name = trimmed;
        return OK;
    case COLUMN_ZONE:
        out->zone = trimmed;
        return OK;
    case COLUMN_PRIORITY:
        return read_priority(l, trimmed, &out->priority);
    case COLUMN_FIELD:
    case COLUMN_IGNORED:
        return OK;
    }
    return OK;
}

/* Keeps the number, unless the lead has it already; a bad one is told of, the first by name. */
static void take_number(struct leads *l, uint32_t slot, struct lead *out)
{
    struct lead_number *n = &out->numbers[out->number_count];
    const char *why;
    enum err e = number_normalise(l->cells[slot].number, l->home, n->number, &why);

    if (e == ERR_NOT_FOUND)
        return;
    if (e == OK)
        e = number_plan_check(n->number, &why);
    if (!out->number_text.len)
        out->number_text = l->cells[slot].number;
    if (e) {
        if (out->bad_numbers++ == 0) {
            out->bad_text = l->cells[slot].number;
            out->why = why;
        }
        return;
    }
    for (uint32_t i = 0; i < out->number_count; i++)
        if (strcmp(out->numbers[i].number, n->number) == 0)
            return;
    memcpy(n->kind, l->cells[slot].kind, sizeof(n->kind));
    out->number_count++;
}

static void read_numbers(struct leads *l, struct lead *out)
{
    for (uint32_t i = 0; i < LEADS_NUMBERS_MAX; i++)
        take_number(l, i, out);
    if (out->number_count) {
        l->stats.bad_numbers += out->bad_numbers;
    } else if (out->bad_numbers) {
        out->result = RESULT_INVALID_NUMBER;
        l->stats.invalid_number++;
    } else {
        out->result = RESULT_MISSING_NUMBER;
        l->stats.missing_number++;
    }
    if (out->id[0])
        return;
    if (out->number_count)
        memcpy(out->id, out->numbers[0].number, sizeof(out->numbers[0].number));
    else
        snprintf(out->id, sizeof(out->id), "line-%llu", (unsigned long long)out->line);
}

static void write_fields(struct leads *l, struct lead *out)
{
    struct buf b = buf_on(l->json, FIELDS_JSON_MAX);
    struct json j;

    if (!l->has_fields) {
        out->fields = SLICE("{}");
        return;
    }
    json_init(&j, &b);
    json_begin_object(&j, NULL);
    for (uint32_t i = 0; i < l->column_count; i++) {
        if (l->columns[i].kind == COLUMN_FIELD && l->csv.fields[i].len)
            json_str(&j, l->columns[i].name, l->csv.fields[i]);
    }
    json_end(&j);
    out->fields = buf_slice(&b);
}

static enum err read_row(struct leads *l, struct lead *out)
{
    const struct csv *c = &l->csv;

    if (c->count != l->column_count)
        return reject(l, "it has %u fields, the header has %u", c->count, l->column_count);
    memset(l->cells, 0, sizeof(l->cells));
    for (uint32_t i = 0; i < c->count; i++) {
        if (!csv_is_utf8(c->fields[i]))
            return reject(l, "column '%.40s' is not UTF-8; save the file as UTF-8",
                          l->columns[i].name);
        enum err e = read_cell(l, i, c->fields[i], out);
        if (e)
            return e;
    }
    read_numbers(l, out);
    write_fields(l, out);
    return OK;
}

enum err leads_next(struct leads *l, struct lead *out)
{
    enum err e = csv_next(&l->csv);

    l->stats.bytes = l->csv.bytes;
    l->stats.lines = l->csv.next_line - 1;
    if (e == ERR_CLOSED)
        return e;
    if (e == ERR_IO) {
        snprintf(l->reason, sizeof(l->reason), "reading failed: %s", strerror(errno));
        return e;
    }
    l->stats.rows++;
    out->line = l->csv.line;
    out->id[0] = '\0';
    out->number_count = out->bad_numbers = 0;
    out->number_text = out->bad_text = out->name = out->zone = out->fields = SLICE_NONE;
    out->priority = 0;
    out->result = RESULT_NONE;
    out->why = NULL;
    e = e ? reject(l, "%s", l->csv.why ? l->csv.why : "it cannot be read") : read_row(l, out);
    if (e)
        l->stats.rejected++;
    else
        l->stats.leads++;
    return e;
}

uint64_t leads_line(const struct leads *l)
{
    return l->csv.line;
}

const char *leads_reason(const struct leads *l)
{
    return l->reason;
}

const struct leads_stats *leads_stats_of(const struct leads *l)
{
    return &l->stats;
}

enum err leads_each(struct leads *l, leads_each_fn *each, leads_rejected_fn *rejected, void *arg)
{
    struct lead lead;

    for (;;) {
        enum err e = leads_next(l, &lead);
        if (e == ERR_CLOSED)
            return OK;
        if (e == ERR_INVALID) {
            if (rejected)
                rejected(arg, leads_line(l), leads_reason(l));
            continue;
        }
        if (!e)
            e = each(arg, &lead);
        if (e)
            return e;
    }
}
