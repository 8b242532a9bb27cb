/* Data rows for callers: a CSV file with a header (RFC 4180: quoted fields, doubled quotes, CRLF or
 * LF, UTF-8). Read whole; call n uses row n, and after the last the first again. */
#ifndef PEAL_SIM_ROWS_H
#define PEAL_SIM_ROWS_H

#include "flow/flow.h"

#define ROWS_FILE_MAX    (64 * 1024 * 1024)
#define ROWS_COLUMNS_MAX 64
#define ROWS_ERROR_MAX   256

struct rows;

/* error (ROWS_ERROR_MAX): "file:line: sentence". */
enum err rows_load(struct rows **out, const char *path, char *error);
enum err rows_load_text(struct rows **out, const char *name, struct slice text, char *error);
void rows_free(struct rows *r);
uint32_t rows_count(const struct rows *r);
uint32_t rows_columns(const struct rows *r);
/* The fields of row n (modulo the count), rows_columns of them, valid until rows_free. */
const struct flow_field *rows_at(const struct rows *r, uint64_t n);

#endif
