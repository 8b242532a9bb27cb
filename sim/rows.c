/* A small CSV reader: cells are cut in place in one copy of the file. */
#include "sim/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rows {
    char *text;
    const char *name[ROWS_COLUMNS_MAX];
    uint32_t columns, count, capacity;
    struct flow_field *fields; /* count × columns */
};

struct reader {
    char *at, *end;
    uint32_t line;
    const char *why;
};

/* One cell, unquoted in place and terminated. *last: it ended its row. */
static const char *read_cell(struct reader *r, bool *last)
{
    bool quoted = r->at < r->end && *r->at == '"';
    char *start = r->at, *to = r->at;

    if (quoted)
        r->at++;
    while (r->at < r->end) {
        if (quoted && *r->at == '"') {
            if (r->at + 1 < r->end && r->at[1] == '"')
                r->at++;
            else {
                quoted = false;
                r->at++;
                continue;
            }
        } else if (!quoted && (*r->at == ',' || *r->at == '\n')) {
            break;
        } else if (*r->at == '\n') {
            r->line++;
        }
        *to++ = *r->at++;
    }
    if (quoted) {
        r->why = "a quote is not closed";
        return NULL;
    }
    *last = r->at == r->end || *r->at == '\n';
    r->at += r->at < r->end;
    if (*last && to > start && to[-1] == '\r')
        to--;
    *to = '\0';
    return start;
}

static bool is_blank(const struct reader *r)
{
    return r->at < r->end && (*r->at == '\n' || (*r->at == '\r' && r->at[1] == '\n'));
}

static bool grow(struct rows *r)
{
    if (r->count < r->capacity)
        return true;
    uint32_t capacity = r->capacity ? r->capacity * 2 : 256;
    struct flow_field *more = realloc(r->fields, (size_t)capacity * r->columns * sizeof *more);
    if (!more)
        return false;
    r->fields = more;
    r->capacity = capacity;
    return true;
}

static enum err read_header(struct rows *r, struct reader *in)
{
    bool last = false;

    while (!last) {
        const char *cell = read_cell(in, &last);
        if (!cell)
            return ERR_INVALID;
        if (r->columns == ROWS_COLUMNS_MAX) {
            in->why = "more than 64 columns";
            return ERR_FULL;
        }
        r->name[r->columns++] = cell;
    }
    in->line++;
    return OK;
}

static enum err read_row(struct rows *r, struct reader *in)
{
    bool last = false;

    if (!grow(r))
        return ERR_NOMEM;
    struct flow_field *row = &r->fields[(size_t)r->count * r->columns];
    for (uint32_t i = 0; i < r->columns; i++) {
        if (last) {
            in->why = "the row has fewer cells than the header";
            return ERR_INVALID;
        }
        const char *cell = read_cell(in, &last);
        if (!cell)
            return ERR_INVALID;
        row[i] = (struct flow_field){r->name[i], cell};
    }
    if (!last) {
        in->why = "the row has more cells than the header";
        return ERR_INVALID;
    }
    in->line++;
    r->count++;
    return OK;
}

enum err rows_load_text(struct rows **out, const char *name, struct slice text, char *error)
{
    struct rows *r = calloc(1, sizeof *r);
    struct reader in = {.line = 1, .why = "no memory"};
    enum err e = OK;

    if (r)
        r->text = malloc(text.len + 1);
    if (!r || !r->text) {
        rows_free(r);
        return ERR_NOMEM;
    }
    if (text.len)
        memcpy(r->text, text.p, text.len);
    r->text[text.len] = '\0';
    in.at = r->text;
    in.end = r->text + text.len;
    if (text.len >= 3 && memcmp(in.at, "\xef\xbb\xbf", 3) == 0)
        in.at += 3;
    e = read_header(r, &in);
    while (e == OK && in.at < in.end) {
        if (is_blank(&in)) {
            in.at += *in.at == '\r' ? 2 : 1;
            in.line++;
            continue;
        }
        e = read_row(r, &in);
    }
    if (e == OK && r->count == 0) {
        e = ERR_INVALID;
        in.why = "there is no row under the header";
    }
    if (e != OK) {
        snprintf(error, ROWS_ERROR_MAX, "%.150s:%u: %s", name, in.line, in.why);
        rows_free(r);
        return e;
    }
    *out = r;
    return OK;
}

enum err rows_load(struct rows **out, const char *path, char *error)
{
    FILE *f = fopen(path, "re");
    long size;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || size > ROWS_FILE_MAX) {
        snprintf(error, ROWS_ERROR_MAX, "%.150s: %s", path,
                 f ? "not a file of at most 64 MiB" : strerror(errno));
        if (f)
            fclose(f);
        return ERR_NOT_FOUND;
    }
    rewind(f);
    char *text = malloc((size_t)size + 1);
    size_t len = text ? fread(text, 1, (size_t)size, f) : 0;
    fclose(f);
    enum err e = text ? rows_load_text(out, path, slice_of(text, len), error) : ERR_NOMEM;
    free(text);
    return e;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    free(r->fields);
    free(r->text);
    free(r);
}

uint32_t rows_count(const struct rows *r)
{
    return r->count;
}

uint32_t rows_columns(const struct rows *r)
{
    return r->columns;
}

const struct flow_field *rows_at(const struct rows *r, uint64_t n)
{
    return &r->fields[(size_t)(n % r->count) * r->columns];
}
