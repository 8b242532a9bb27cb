/* The ledger taken from Redis, checked and written out, for `peal ledger`. */
#ifndef PEAL_CLI_LEDGER_H
#define PEAL_CLI_LEDGER_H

#include "campaign/file.h"

struct ledger_book {
    const struct campaign *campaign;
    const char *redis_url, *data_dir; /* redis_url NULL: the private server of data_dir */
    int32_t from, to;                 /* days of the campaign's zone, both included */
    bool csv, whole_numbers;
};

/* To standard output; complaints to standard error. Returns the exit code. */
int ledger_book_show(struct ledger_book *b);

#endif
