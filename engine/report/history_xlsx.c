/* XLSX by libxlsxwriter in its mode of constant memory: each row is on disk before the next one
 * begins. A sheet holds 1,048,576 rows; what does not fit goes on on the next one. Texts are
 * written as texts, and those that look like formulas get an apostrophe as in the CSV, so that no
 * copy of the sheet runs them. The totals are the first sheet. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "report/history_out.h"

#define SHEET_ROWS 1048576u
#define SHEETS_MAX 64
#define TEXT_MAX   2048

struct history_xlsx {
    lxw_workbook *book;
    lxw_worksheet *totals, *sheet;
    lxw_format *head, *when, *seconds;
    const struct zone *zone;
    char path[512], temporary[520], folder[512];
    uint32_t row, sheets;
};

static enum err fail(const struct history_xlsx *x, const char *why, char *error)
{
    snprintf(error, HISTORY_ERROR_MAX, "%.300s: cannot be written: %.120s", x->path, why);
    return ERR_IO;
}

static enum err add_sheet(struct history_xlsx *x, char *error)
{
    static const double widths[HISTORY_COLUMNS] = {19, 9,  14, 14, 8,  17, 11, 13, 13, 14,
                                                   14, 12, 12, 8,  10, 8,  10, 17, 10, 9,
                                                   8,  20, 6,  10, 12, 17, 30, 34};
    char name[16] = "Calls";

    if (x->sheets == SHEETS_MAX)
        return fail(x, "more than 64 sheets; ask for a shorter period", error);
    if (x->sheets++)
        snprintf(name, sizeof(name), "Calls %u", x->sheets % 1000);
    x->sheet = workbook_add_worksheet(x->book, name);
    if (!x->sheet)
        return fail(x, "no memory", error);
    for (lxw_col_t c = 0; c < HISTORY_COLUMNS; c++) {
        worksheet_set_column(x->sheet, c, c, widths[c], NULL);
        worksheet_write_string(x->sheet, 0, c, history_columns[c], x->head);
    }
    worksheet_freeze_panes(x->sheet, 1, 0);
    x->row = 1;
    return OK;
}

/* Temporary files beside the result: there is room for it, if anywhere. */
static void folder_of(const char *path, char *dst, size_t cap)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        snprintf(dst, cap, ".");
    else
        snprintf(dst, cap, "%.*s", (int)(slash == path ? 1 : slash - path), path);
}

enum err history_xlsx_open(struct history_xlsx **out, const char *path, const struct zone *zone,
                           char *error)
{
    struct history_xlsx *x = calloc(1, sizeof(*x));
    enum err e = OK;

    *out = NULL;
    if (!x)
        return ERR_NOMEM;
    x->zone = zone;
    snprintf(x->path, sizeof(x->path), "%.500s", path);
    snprintf(x->temporary, sizeof(x->temporary), "%s.tmp", x->path);
    folder_of(x->path, x->folder, sizeof(x->folder));
    if (access(x->folder, W_OK) != 0) { /* the library would say it only at the end */
        e = fail(x, strerror(errno), error);
        free(x);
        return e;
    }
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = x->folder};
    x->book = workbook_new_opt(x->temporary, &options);
    if (!x->book) {
        e = fail(x, "no memory, or the path is no file's", error);
        free(x);
        return e;
    }
    x->head = workbook_add_format(x->book);
    format_set_bold(x->head);
    x->when = workbook_add_format(x->book);
    format_set_num_format(x->when, "yyyy-mm-dd hh:mm:ss");
    x->seconds = workbook_add_format(x->book);
    format_set_num_format(x->seconds, "0.000");
    x->totals = workbook_add_worksheet(x->book, "Totals");
    e = add_sheet(x, error);
    if (e)
        history_xlsx_close(x, false, NULL, NULL, error);
    else
        *out = x;
    return e;
}

/* Days since 1899-12-30 in the zone's own clock, as spreadsheets count. */
static double serial_date(uint64_t wall_ms, const struct zone *zone)
{
    int64_t unix_s = (int64_t)(wall_ms / 1000);
    int64_t local_s = unix_s + zone_offset_s(zone, unix_s, NULL);

    return (double)local_s / 86400.0 + 25569.0;
}

static void write_text(struct history_xlsx *x, lxw_col_t column, const struct history_cell *c)
{
    char text[TEXT_MAX];
    bool guard = c->kind == HISTORY_QUOTED && history_is_formula(c->text);
    uint32_t n = c->text.len < TEXT_MAX - 2 ? c->text.len : TEXT_MAX - 2;

    text[0] = '\'';
    memcpy(text + guard, c->text.p, n);
    text[n + guard] = 0;
    worksheet_write_string(x->sheet, x->row, column, text, NULL);
}

enum err history_xlsx_row(struct history_xlsx *x, const struct history_row *r, char *error)
{
    struct history_cell cells[HISTORY_COLUMNS];
    char offset[8];
    enum err e = x->row == SHEET_ROWS ? add_sheet(x, error) : OK;

    if (e)
        return e;
    history_cells(r, x->zone, cells, offset);
    for (lxw_col_t c = 0; c < HISTORY_COLUMNS; c++) {
        switch (cells[c].kind) {
        case HISTORY_EMPTY:
            break;
        case HISTORY_TEXT:
        case HISTORY_QUOTED:
            write_text(x, c, &cells[c]);
            break;
        case HISTORY_NUMBER:
            worksheet_write_number(x->sheet, x->row, c, cells[c].number, NULL);
            break;
        case HISTORY_SECONDS:
            worksheet_write_number(x->sheet, x->row, c, cells[c].number, x->seconds);
            break;
        case HISTORY_WHEN:
            worksheet_write_number(x->sheet, x->row, c, serial_date(cells[c].wall_ms, x->zone),
                                   x->when);
            break;
        }
    }
    x->row++;
    return OK;
}

static void write_counts(struct history_xlsx *x, uint32_t *row, const char *title,
                         const uint64_t *counts, int n, const char *(*name)(int))
{
    worksheet_write_string(x->totals, ++*row, 0, title, x->head);
    ++*row;
    for (int i = 0; i < n; i++)
        if (counts[i]) {
            worksheet_write_string(x->totals, *row, 0, name(i), NULL);
            worksheet_write_number(x->totals, (*row)++, 1, (double)counts[i], NULL);
        }
}

static const char *result_at(int i)
{
    return result_name((enum result)i);
}

static const char *delivery_at(int i)
{
    return delivery_name((enum delivery)i);
}

static void write_totals(struct history_xlsx *x, const struct history_totals *t, const char *about)
{
    struct history_figure figures[HISTORY_FIGURES_MAX];
    uint32_t n = history_figures(t, figures), row = 0;

    worksheet_set_column(x->totals, 0, 0, 22, NULL);
    worksheet_set_column(x->totals, 1, 1, 14, NULL);
    worksheet_write_string(x->totals, row++, 0, about ? about : "All calls", x->head);
    worksheet_write_string(x->totals, row, 0, "Times are of", NULL);
    worksheet_write_string(x->totals, row++, 1, zone_name(x->zone), NULL);
    for (uint32_t i = 0; i < n; i++) {
        worksheet_write_string(x->totals, row, 0, figures[i].name, NULL);
        worksheet_write_number(x->totals, row++, 1, figures[i].value,
                               figures[i].seconds ? x->seconds : NULL);
    }
    write_counts(x, &row, "By result", t->results, RESULT_COUNT, result_at);
    write_counts(x, &row, "By delivery", t->deliveries, DELIVERY_COUNT, delivery_at);
}

enum err history_xlsx_close(struct history_xlsx *x, bool keep, const struct history_totals *t,
                            const char *about, char *error)
{
    enum err e = OK;

    if (keep)
        write_totals(x, t, about);
    lxw_error failed = workbook_close(x->book); /* writes it all, and frees */
    if (keep && failed)
        e = fail(x, lxw_strerror(failed), error);
    else if (keep && rename(x->temporary, x->path))
        e = fail(x, strerror(errno), error);
    if (!keep || e)
        unlink(x->temporary);
    free(x);
    return e;
}
