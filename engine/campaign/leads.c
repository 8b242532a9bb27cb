/* From CSV rows to leads: which column is what, numbers to E.164, the rest to a JSON object. */
#include "campaign/leads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "campaign/leads_internal.h"

_Static_assert(LEADS_COLUMNS_MAX == CSV_FIELDS_MAX && LEADS_ROW_MAX == CSV_ROW_MAX,
               "leads.h states the bounds of csv.h");

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

static int64_t read_stream(void *arg, char *dst, size_t cap)
{
    struct leads *l = arg;

    return l->source.read(l->source.arg, dst, cap);
}

static enum err read_header(struct leads *l)
{
    enum err e = csv_sniff(&l->csv);

    if (!e)
        e = csv_next(&l->csv);
    if (e == ERR_CLOSED)
        return leads_reject(l, "the file is empty; its first line must name the columns");
    if (e == ERR_IO)
        snprintf(l->reason, sizeof(l->reason), "cannot be read: %s", strerror(errno));
    if (e == ERR_INVALID)
        return leads_reject(l, "the header cannot be read: %s", l->csv.why);
    for (uint32_t i = 0; i < l->csv.count && !e; i++) {
        struct slice name = slice_trim(l->csv.fields[i]);
        struct column *c = &l->columns[i];

        if (!csv_is_utf8(name))
            return leads_reject(l, "the header is not UTF-8; save the file as UTF-8");
        c->name = strndup(name.p ? name.p : "", name.len);
        if (!c->name)
            return ERR_NOMEM;
        column_find(name, c);
        l->has_fields |= c->kind == COLUMN_FIELD;
        l->column_count = i + 1;
    }
    if (e)
        return e;
    l->header = strndup(l->csv.raw.p, l->csv.raw.len);
    return !l->header ? ERR_NOMEM : columns_finish(l->columns, l->column_count, l->reason);
}

static enum err open_common(struct leads **out, struct leads *l, csv_read_fn *read_fn,
                            const struct number_country *home, char *error)
{
    enum err e = csv_init(&l->csv, read_fn, l);

    l->home = home;
    l->csv.live = l->json && l->source.read;
    l->fields = malloc(FIELDS_JSON_MAX);
    if (!e && !l->fields)
        e = ERR_NOMEM;
    if (e)
        snprintf(l->reason, sizeof(l->reason), "no memory");
    else
        e = l->json ? OK : read_header(l);
    if (e) {
        snprintf(error, LEADS_REASON_MAX, "%.90s:%llu: %.130s", l->path,
                 (unsigned long long)(l->csv.line ? l->csv.line : 1), l->reason);
        leads_close(l);
        return e;
    }
    *out = l;
    return OK;
}

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), w = strlen(with);

    return n >= w && strcmp(text + n - w, with) == 0;
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
    l->json = ends(path, ".jsonl") || ends(path, ".ndjson");
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
    l->json = text.len && text.p[0] == '{';
    return open_common(out, l, read_memory, home, error);
}

enum err leads_open_stream(struct leads **out, const struct leads_source *source,
                           const struct number_country *home, char *error)
{
    struct leads *l = calloc(1, sizeof(*l));

    *out = NULL;
    if (!l) {
        snprintf(error, LEADS_REASON_MAX, "no memory");
        return ERR_NOMEM;
    }
    l->fd = -1;
    l->source = *source;
    l->json = source->json;
    snprintf(l->path, sizeof(l->path), "%s", source->name);
    return open_common(out, l, read_stream, home, error);
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
    free(l->fields);
    free(l->header);
    leads_free_json(l);
    free(l);
}

static void write_fields(struct leads *l, struct lead *out)
{
    struct buf b = buf_on(l->fields, FIELDS_JSON_MAX);
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
        return leads_reject(l, "it has %u fields, the header has %u", c->count, l->column_count);
    memset(l->cells, 0, sizeof(l->cells));
    for (uint32_t i = 0; i < c->count; i++) {
        if (!csv_is_utf8(c->fields[i]))
            return leads_reject(l, "column '%.40s' is not UTF-8; save the file as UTF-8",
                                l->columns[i].name);
        enum err e = leads_read_cell(l, &l->columns[i], c->fields[i], out);
        if (e)
            return e;
    }
    leads_take_numbers(l, out);
    write_fields(l, out);
    return OK;
}

enum err leads_next(struct leads *l, struct lead *out)
{
    enum err e = l->json ? csv_next_line(&l->csv) : csv_next(&l->csv);

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
    out->expires = out->call_back = (struct lead_moment){0};
    out->result = RESULT_NONE;
    out->why = NULL;
    e = e         ? leads_reject(l, "%s", l->csv.why ? l->csv.why : "it cannot be read")
        : l->json ? leads_read_json(l, out)
                  : read_row(l, out);
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

struct slice leads_raw(const struct leads *l)
{
    return l->csv.raw;
}

const char *leads_header(const struct leads *l)
{
    return l->header;
}

char leads_separator(const struct leads *l)
{
    return l->csv.separator;
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
