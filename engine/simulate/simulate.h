/* A campaign played on a virtual clock: the dialer of a real run with its campaign, queue, rules
 * and pacing, a redis-server of its own, and modelled callees and agents (population.h, people.h,
 * staff.h, wire.h). Leaves what a real run leaves: calls.jsonl, calls.sqlite, run.json, report/.
 *
 * The same seed, campaign, leads, population and start give the same calls.jsonl, byte for byte. */
#ifndef PEAL_SIMULATE_SIMULATE_H
#define PEAL_SIMULATE_SIMULATE_H

#include "campaign/file.h"
#include "queue/queue.h"
#include "report/summary.h"
#include "simulate/population.h"
#include "simulate/promises.h"
#include "simulate/wire.h"

#define SIMULATE_ERROR_MAX     1024
#define SIMULATE_DAYS_MAX      3660
#define SIMULATE_MARK          "simulation.json" /* in the folder, so that it may be made anew */
#define SIMULATE_DEFAULT_START "2026-03-02"      /* a Monday */

struct simulate_progress {
    uint64_t wall_ms, dialled, finished, leads;
    uint32_t talking, agents; /* agents who talk; who are there */
    double speed;             /* virtual ÷ real time so far */
};

struct simulate_config {
    const struct campaign *campaign;
    const struct population *population;
    const char *leads_path, *out_dir;
    const char *start; /* YYYY-MM-DD, 00:00 in the campaign's zone; NULL: the default */
    uint32_t days;
    uint64_t seed;
    /* Called a few times a second of real time. NULL: nobody looks. */
    void (*progress)(void *arg, const struct simulate_progress *p);
    void *arg;
};

struct simulate_result {
    uint64_t from_wall_ms, to_wall_ms;
    double virtual_s, run_s, total_s; /* run_s: importing and dialling; total_s: with the report */
    double cpu_s;                     /* of all of it, redis-server included */
    uint64_t leads;                   /* of the file, each once */
    bool finished;                    /* every lead was, before the days were over */
    bool interrupted;                 /* by simulate_stop */
    struct queue_counts counts;       /* of the queue, at the end */
    struct wire_stats wire;
    struct promises promises;
    struct summary *summary; /* of the records; freed by simulate_result_free */
};

/* error: SIMULATE_ERROR_MAX bytes. ERR_INVALID: the configuration; others: it could not go on. */
enum err simulate_run(const struct simulate_config *config, struct simulate_result *out,
                      char *error);
void simulate_result_free(struct simulate_result *r);
/* Ends it as Ctrl-C ends a run. Safe in a signal handler. */
void simulate_stop(void);

/* "2026-03-02" → its midnight in that zone. ERR_INVALID. */
enum err simulate_start_of(const char *date, const struct zone *zone, uint64_t *wall_ms);

#endif
