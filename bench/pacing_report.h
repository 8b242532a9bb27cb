/* The page of a pacing run: a table and a curve of utilisation over abandonment for each workload.
 */
#ifndef PEAL_BENCH_PACING_REPORT_H
#define PEAL_BENCH_PACING_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_CELLS_MAX  1024
#define PACING_POINTS_MAX 1024

struct pacing_cell {
    char load[48];
    const char *policy;
    double utilisation, interval; /* %, and half of its 95 % interval over seeds */
    double abandoned, day_most;   /* % */
    double month_most;            /* % over the worst 30 days in a row of a seed */
    double idle_s;                /* for each call an agent took */
    double dials;                 /* for each contact */
    double decision_us, decision_most_us;
    double air_sd; /* of calls in the air, within a day */
};

struct pacing_point { /* of a curve */
    char load[48];
    const char *policy;
    double abandoned, utilisation;
};

struct pacing_page {
    struct pacing_cell cell[PACING_CELLS_MAX];
    struct pacing_point point[PACING_POINTS_MAX];
    uint32_t cells, points;
};

/* False (it is said why) when the file could not be written. */
bool pacing_page_write(const struct pacing_page *p, const char *path);

#endif
