/* A file of telephone numbers, a number a row: plain lines or CSV. A first row that has a column
 * named number or phone names the columns; else the first column has the numbers. Rows that begin
 * with '#' are passed over. What is no number is told with its line and a reason, and reading goes
 * on. Streams, so a file of any length will do. One thread. */
#ifndef PEAL_CAMPAIGN_NUMBERS_FILE_H
#define PEAL_CAMPAIGN_NUMBERS_FILE_H

#include "campaign/csv.h"
#include "campaign/number.h"

#define NUMBERS_REASON_MAX 128

struct numbers_file {
    struct csv csv;
    const struct number_country *home; /* of numbers without "+"; NULL: they are refused */
    uint32_t column;
    bool begun;
    uint64_t numbers, rejected;
    char reason[NUMBERS_REASON_MAX];
};

/* read gives the bytes. ERR_INVALID: no text of ours (reason). */
enum err numbers_file_init(struct numbers_file *f, csv_read_fn *read, void *arg,
                           const struct number_country *home);
void numbers_file_fini(struct numbers_file *f);

/* OK: the next number, as E.164. ERR_INVALID: a row without one (reason, numbers_file_line);
 * ERR_CLOSED: the end; ERR_IO: reading failed (errno). */
enum err numbers_file_next(struct numbers_file *f, char number[NUMBER_E164_MAX]);
uint64_t numbers_file_line(const struct numbers_file *f); /* of the row given last, 1… */

#endif
