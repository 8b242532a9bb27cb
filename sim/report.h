/* The report of a suite's run: files made from a struct outcome when everything is over. */
#ifndef PEAL_SIM_REPORT_H
#define PEAL_SIM_REPORT_H

#include "sim/outcome.h"

struct report_files {
    const char *dir;   /* exists already; has calls.jsonl and summary.json. NULL: none is wanted */
    const char *junit; /* path of the JUnit XML; NULL: none is wanted */
};

/* Makes the folder of --report, or one within it, when it is not there. SIM_PASS, or SIM_CONFIG
 * with the reason on stderr. */
int report_folder(const char *program, const char *dir);

/* SIM_PASS, or SIM_CONFIG with the reason on stderr (a file that cannot be written). Reads the
 * outcome only; its verdict is decided before. */
int report_write(const struct outcome *o, const struct report_files *files);

#endif
