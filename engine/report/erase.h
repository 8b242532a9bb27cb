/* Erasing a number from the call records of a data folder: digits are overwritten in place, in the
 * journal and in SQLite, by others as long; nothing moves, so engines may write meanwhile. Rows,
 * results and times stay, so every count stays true. Recordings of its calls are removed. */
#ifndef PEAL_REPORT_ERASE_H
#define PEAL_REPORT_ERASE_H

#include "report/records.h"

struct erase_stats {
    uint64_t lines;      /* of the journal, changed */
    uint64_t rows;       /* of SQLite */
    uint64_t recordings; /* removed */
    uint64_t stuck;      /* recordings that could not be removed */
};

/* digits: without "+"; other: as long. error (RECORDS_ERROR_MAX bytes) says what failed; repeating
 * it is safe. A folder without records is OK. */
enum err records_erase(const char *data_dir, const char *digits, const char *other,
                       struct erase_stats *stats, char *error);

/* Replaces the digits where they are no part of a longer number and no JSON number by themselves
 * (after ':'); how many times. `text` has len bytes. */
uint32_t erase_digits(char *text, size_t len, const char *digits, const char *other);

#endif
