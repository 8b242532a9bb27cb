/* The ledger taken from Redis, checked and written out, for `peal ledger`. */
#ifndef PEAL_CLI_LEDGER_H
#define PEAL_CLI_LEDGER_H

#include "campaign/file.h"
#include "cli_queue.h"

struct ledger_book {
    const struct campaign *campaign;
    struct cli_place place;
    int32_t from, to;                 /* days of the campaign's zone, both included */
    bool csv, whole_numbers;
};

/* To standard output; complaints to standard error. Returns the exit code. */
int ledger_book_show(struct ledger_book *b);

#endif
