/* The files of a history: CSV by RFC 4180 and JSON Lines, written beside and renamed when they are
 * whole; XLSX by history_xlsx.c. */
#include "report/history_out.h"

#include <errno.h>
#include <stdlib.h>

#include "report/output.h"

#define JSON_ROW_MAX 32768
#define CSV_ROW_MAX  16384

struct history_out {
    enum history_format format;
    const struct zone *zone;
    struct output file;
    FILE *to; /* file.file, or standard output */
    struct history_xlsx *xlsx;
    char path[512];
    char row[JSON_ROW_MAX];
};

static enum err fail(const struct history_out *o, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "%.300s: cannot be written: %.120s", o->path,
             strerror(errno));
    return ERR_IO;
}

/* Everything in quotes that needs them: the separator, quotes, line ends, and outer spaces. */
static void csv_text(struct buf *b, struct slice s, bool guard)
{
    bool quotes = guard || s.p[0] == ' ' || s.p[s.len - 1] == ' ';

    for (uint32_t i = 0; i < s.len && !quotes; i++)
        quotes = strchr(",;\"\r\n\t", s.p[i]) != NULL;
    if (!quotes) {
        buf_put(b, s);
        return;
    }
    buf_puts(b, guard ? "\"'" : "\"");
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            buf_putc(b, '"');
        buf_putc(b, s.p[i]);
    }
    buf_putc(b, '"');
}

static void csv_cell(struct buf *b, const struct history_cell *c, const struct zone *zone)
{
    char time[24], offset[8];

    switch (c->kind) {
    case HISTORY_EMPTY:
        break;
    case HISTORY_TEXT:
    case HISTORY_QUOTED:
        csv_text(b, c->text, c->kind == HISTORY_QUOTED && history_is_formula(c->text));
        break;
    case HISTORY_NUMBER:
        buf_printf(b, "%.6g", c->number);
        break;
    case HISTORY_SECONDS:
        buf_printf(b, "%.3f", c->number);
        break;
    case HISTORY_WHEN:
        history_local_time(c->wall_ms, zone, time, offset);
        buf_puts(b, time);
        break;
    }
}

static enum err csv_row(struct history_out *o, const struct history_row *r, struct slice *out)
{
    struct history_cell cells[HISTORY_COLUMNS];
    struct buf b = buf_on(o->row, CSV_ROW_MAX);
    char offset[8];

    history_cells(r, o->zone, cells, offset);
    for (uint32_t c = 0; c < HISTORY_COLUMNS; c++) {
        if (c)
            buf_putc(&b, ',');
        csv_cell(&b, &cells[c], o->zone);
    }
    buf_puts(&b, "\r\n");
    *out = buf_slice(&b);
    return buf_end(&b);
}

static void csv_head(FILE *to)
{
    for (uint32_t c = 0; c < HISTORY_COLUMNS; c++)
        fprintf(to, "%s%s", c ? "," : "", history_columns[c]);
    fputs("\r\n", to);
}

static enum err open_text(struct history_out *o, char *error)
{
    if (strcmp(o->path, "-") == 0) {
        o->to = stdout;
    } else {
        enum err e = output_open(&o->file, o->path, error);
        if (e)
            return e;
        o->to = o->file.file;
    }
    if (o->format == HISTORY_CSV)
        csv_head(o->to);
    return OK;
}

enum err history_out_open(struct history_out **out, enum history_format format, const char *path,
                          const struct zone *zone, char *error)
{
    struct history_out *o = calloc(1, sizeof(*o));
    enum err e;

    *out = NULL;
    if (!o) {
        snprintf(error, HISTORY_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    o->format = format;
    o->zone = zone;
    if (slice_copy(slice_cstr(path), o->path, sizeof(o->path) - 16)) {
        snprintf(error, HISTORY_ERROR_MAX, "%.160s…: the path is too long", path);
        e = ERR_TOO_LONG;
    } else if (format == HISTORY_XLSX) {
        e = history_xlsx_open(&o->xlsx, path, zone, error);
    } else {
        e = open_text(o, error);
    }
    if (e)
        free(o);
    else
        *out = o;
    return e;
}

enum err history_out_row(struct history_out *o, const struct history_row *r, char *error)
{
    struct slice text = SLICE_NONE;
    size_t len = 0;
    enum err e;

    if (o->format == HISTORY_XLSX)
        return history_xlsx_row(o->xlsx, r, error);
    if (o->format == HISTORY_CSV) {
        e = csv_row(o, r, &text);
    } else {
        e = history_json_row(r, o->zone, o->row, sizeof(o->row) - 1, &len);
        o->row[len < sizeof(o->row) ? len++ : 0] = '\n';
        text = slice_of(o->row, len);
    }
    if (e) {
        snprintf(error, HISTORY_ERROR_MAX, "%.200s: the row of lead %.64s is too long", o->path,
                 r->lead.p);
        return e;
    }
    return fwrite(text.p, 1, text.len, o->to) == text.len ? OK : fail(o, error);
}

enum err history_out_close(struct history_out *o, bool keep, const struct history_totals *t,
                           const char *about, char *error)
{
    enum err e = OK;

    if (!o)
        return OK;
    if (o->format == HISTORY_XLSX)
        e = history_xlsx_close(o->xlsx, keep, t, about, error);
    else if (o->to == stdout)
        e = fflush(stdout) ? fail(o, error) : OK;
    else
        e = output_close(&o->file, keep, error);
    free(o);
    return e;
}
