/* The file of rows that could not be used: each as it stands in the list, then its line and the
 * reason, so that it can be put right and imported again. Opened with the first such row. */
#ifndef PEAL_DIALER_IMPORT_REJECTS_H
#define PEAL_DIALER_IMPORT_REJECTS_H

#include <stdio.h>

#include "campaign/leads.h"

struct import_rejects {
    const char *path;
    FILE *file;
    uint64_t rows;
    bool failed; /* it cannot be written: said once */
};

void import_rejects_put(struct import_rejects *r, const struct leads *from, uint64_t line,
                        const char *reason);
/* False: not all rows could be written. */
bool import_rejects_close(struct import_rejects *r);

#endif
