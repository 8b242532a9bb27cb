/* The report of a suite's run: files made from a struct outcome when everything is over. */
#ifndef PEAL_SIM_REPORT_H
#define PEAL_SIM_REPORT_H

#include "sim/outcome.h"

struct report_files {
    const char *dir;   /* exists already; has calls.jsonl and summary.json. NULL: none is wanted */
    const char *junit; /* path of the JUnit XML; NULL: none is wanted */
};

#define REPORT_PATH_MAX 400

/* Where a run writes while it goes on. */
struct report_place {
    char lines[REPORT_PATH_MAX];   /* a JSON line a call */
    char summary[REPORT_PATH_MAX]; /* summary.json */
    char audio[REPORT_PATH_MAX];   /* folder, for the audio of the worst calls */
};

/* Makes the folder of --report with what belongs in it when it is not there; `lines` is the name of
 * the lines' file. SIM_PASS, or SIM_CONFIG with the reason on stderr. */
int report_place(struct report_place *p, const char *program, const char *dir, const char *lines);

/* The end of a run, with its exit code: the files are written of it. Gives that code, or SIM_CONFIG
 * with the reason on stderr (a file that cannot be written). ended_us on the clock of
 * o->began_us. */
int report_finish(struct outcome *o, const struct report_files *files, uint64_t ended_us,
                  int verdict);
/* The files alone, of an outcome that is complete: SIM_PASS or SIM_CONFIG. */
int report_write(const struct outcome *o, const struct report_files *files);

#endif
