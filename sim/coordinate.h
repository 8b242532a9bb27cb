/* A run of several processes, as the files of `peal-sim coordinate` share it: cmd_coordinate.c (the
 * command, and while they play), coordinate_end.c (the verdict). Private to them. */
#ifndef PEAL_SIM_COORDINATE_H
#define PEAL_SIM_COORDINATE_H

#include "sim/crowd.h"
#include "sim/sim.h"
#include "sim/steer.h"
#include "sim/stop.h"
#include "sim/suite.h"

#define COORDINATE_PROGRAM "peal-sim coordinate"

struct coordinate {
    struct loop loop;
    struct stop stop;
    struct timer look, limit;
    struct suite *suite;
    struct crowd *crowd;
    struct steer *steer;
    struct crowd_result sum;
    uint32_t parts, ready, results, gone_count;
    bool gone[CROWD_PARTS_MAX];
    bool begun, failed, late, wrong, quiet;
    char error[CROWD_ERROR_MAX];
};

/* Judges, says it, writes DIR/summary.json (report NULL: not), and gives the exit code: what is
 * missing because a process is gone makes the run invalid. */
int coordinate_end(const struct coordinate *c, const char *report);

#endif
