/* A run of a suite, as the files of `peal-sim run` share it: cmd_run.c (the command, and playing),
 * run_open.c (from the suite to what plays it), run_steer.c (by hand, and among several processes),
 * run_metrics.c (Prometheus), run_end.c (how it ends, and the verdict). Private to them. */
#ifndef PEAL_SIM_RUN_H
#define PEAL_SIM_RUN_H

#include "sim/answering.h"
#include "sim/calling.h"
#include "sim/crowd.h"
#include "sim/host.h"
#include "sim/outcome.h"
#include "sim/prometheus.h"
#include "sim/report.h"
#include "sim/sim.h"
#include "sim/steer.h"
#include "sim/suite.h"
#include "sim/tempo.h"

#define RUN_PROGRAM       "peal-sim run"
#define RUN_CALLEES       "callees"
#define RUN_STEERED_MAX   256 /* changes kept for the report; later ones are carried out, too */
#define RUN_CROWD_LOOK_MS 50

struct run_steered {
    double at_s, x;
    bool paused;
};

struct run {
    struct host host;
    struct suite *suite;
    struct mix *mix;
    struct answering answering;
    bool answers;            /* here, for ourselves and the crowd */
    struct calling *calling; /* a group each */
    char *to[SUITE_CALLERS_MAX];
    uint64_t starts_us[SUITE_CALLERS_MAX]; /* of the groups, in the plan */
    uint32_t opened, over;
    struct timer end, look, drain;
    bool ending, told;
    struct tempo tempo;
    struct steer *steer;
    struct run_steered steered[RUN_STEERED_MAX];
    uint32_t steered_count;
    struct crowd *crowd; /* NULL: we are alone */
    struct timer crowd_look;
    bool left;     /* the crowd has our result */
    uint32_t lost; /* others that are gone */
    struct outcome outcome;
    struct report_place place; /* of --report */
    struct prometheus *metrics;
};

struct run_arguments {
    const char *suite, *report, *junit, *addresses, *audio, *record, *prometheus;
    const char *control, *redis, *meeting;
    uint64_t seed, workers;
    bool quiet, keys;
};

/* run_open.c. SIM_PASS, or SIM_CONFIG with the reason on stderr; run_close in any case. */
int run_open(struct run *r, const struct run_arguments *a);
void run_close(struct run *r);

/* run_steer.c */
int run_open_steer(struct run *r, const struct run_arguments *a);
int run_join(struct run *r, const struct run_arguments *a);
int run_leave(struct run *r, int code);
int run_crowd_failed(const char *error); /* says it */
void run_on_crowd_look(struct timer *t);

/* run_metrics.c */
int run_open_metrics(struct run *r, const struct run_arguments *a);

/* run_end.c */
void run_begin_end(struct run *r);   /* nobody calls any more */
void run_tell_to_end(struct run *r); /* … and who still talks is told to stop */
void run_on_over(void *arg, struct calling *k);
void run_on_duration(struct timer *t);
void run_on_signal(void *arg, uint32_t count);
int run_write_plan(const struct run *r, const char *dir);
/* Judges, writes everything, and gives the exit code. */
int run_finish(struct run *r, const struct run_arguments *a);

#endif
