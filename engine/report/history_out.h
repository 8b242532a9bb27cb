/* What is made of a history's rows: a table and totals on a terminal, CSV, JSON Lines, XLSX. Each
 * is given every row in turn and keeps none (the table: its last few lines). */
#ifndef PEAL_REPORT_HISTORY_OUT_H
#define PEAL_REPORT_HISTORY_OUT_H

#include "report/history.h"

struct history_totals {
    uint64_t calls, dialled, answered, humans, connected, abandoned;
    uint64_t kinds[HISTORY_KINDS], results[RESULT_COUNT], deliveries[DELIVERY_COUNT];
    uint64_t judged_again; /* another label than their first */
    uint64_t duration_ms, talk_ms, handling_ms;
    uint64_t ring_ms, rang; /* of those answered */
    uint64_t first_wall_ms, last_wall_ms;
};
void history_totals_add(struct history_totals *t, const struct history_row *r);
/* Named figures in the order they are shown; the number of them. */
struct history_figure {
    const char *name;
    double value;
    bool seconds; /* else a count */
};
#define HISTORY_FIGURES_MAX 16
uint32_t history_figures(const struct history_totals *t, struct history_figure *out);

/* One row as cells, the same in CSV and XLSX. */
enum history_cell_kind {
    HISTORY_EMPTY,
    HISTORY_TEXT,   /* of ours: labels, words */
    HISTORY_QUOTED, /* of others: must never be taken for a formula */
    HISTORY_NUMBER,
    HISTORY_SECONDS, /* three decimals */
    HISTORY_WHEN
};
struct history_cell {
    enum history_cell_kind kind;
    struct slice text;
    double number;
    uint64_t wall_ms;
};
#define HISTORY_COLUMNS 28
extern const char *const history_columns[HISTORY_COLUMNS];
/* offset (8 bytes): place for the text of the zone's offset. */
void history_cells(const struct history_row *r, const struct zone *zone,
                   struct history_cell out[HISTORY_COLUMNS], char offset[8]);

/* Would a spreadsheet take this text for a formula? Then an apostrophe goes before it. A number as
 * dialled ("+49…") is none: nothing but a plus and digits. */
bool history_is_formula(struct slice text);

/* One output under way. path "-": standard output (not XLSX). */
struct history_out;
enum history_format { HISTORY_CSV, HISTORY_JSON, HISTORY_XLSX };
enum err history_out_open(struct history_out **out, enum history_format format, const char *path,
                          const struct zone *zone, char *error);
enum err history_out_row(struct history_out *o, const struct history_row *r, char *error);
/* Puts the file in its place, or nothing when keep is false. The totals go onto XLSX's first
 * sheet; about (may be NULL) says what was asked for. */
enum err history_out_close(struct history_out *o, bool keep, const struct history_totals *t,
                           const char *about, char *error);

/* The table on a terminal: its last `rows` lines are kept. */
struct history_table;
enum err history_table_open(struct history_table **out, uint32_t rows, const struct zone *zone);
void history_table_row(struct history_table *t, const struct history_row *r);
void history_table_print(struct history_table *t, const struct history_totals *totals, FILE *to,
                         bool colour);
void history_table_close(struct history_table *t);

/* "2026-03-30 14:05:06"; offset "+02:00". */
void history_local_time(uint64_t wall_ms, const struct zone *zone, char dst[24], char offset[8]);

/* history_xlsx.c, used by history_out.c */
struct history_xlsx;
enum err history_xlsx_open(struct history_xlsx **out, const char *path, const struct zone *zone,
                           char *error);
enum err history_xlsx_row(struct history_xlsx *x, const struct history_row *r, char *error);
enum err history_xlsx_close(struct history_xlsx *x, bool keep, const struct history_totals *t,
                            const char *about, char *error);
/* history_json.c: one object, no newline. */
enum err history_json_row(const struct history_row *r, const struct zone *zone, char *dst,
                          size_t cap, size_t *len);
/* history_line.c: the same of a line of the journal. ERR_INVALID: it is no record. */
enum err history_json_line(struct slice line, const struct zone *zone, char *dst, size_t cap,
                           size_t *len);

#endif
