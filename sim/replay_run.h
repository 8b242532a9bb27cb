/* A replay that goes on, as the files of `peal-sim replay` share it: cmd_replay.c (the command, and
 * from the folder to what plays it), replay_play.c (who calls and who answers), replay_tell.c (how
 * each call went), replay_report.c (the same for the report). What is compared is replay.h's.
 * Private to them. */
#ifndef PEAL_SIM_REPLAY_RUN_H
#define PEAL_SIM_REPLAY_RUN_H

#include <stdio.h>

#include "base/pool.h"
#include "sim/host.h"
#include "sim/outcome.h"
#include "sim/replay.h"
#include "sim/report.h"
#include "sim/sim.h"

#define REPLAY_PROGRAM    "peal-sim replay"
#define REPLAY_NUMBER_MAX 64

struct replay;
struct replay_leg {
    struct replay *replay;
    struct replay_call *call;
    enum replay_side side;
    uint64_t wall_ms, started_us; /* callers: when the INVITE left; callees: when it came */
    char number[REPLAY_NUMBER_MAX], caller[REPLAY_NUMBER_MAX];
};

struct replay_scripts {
    struct flow_script *script[REPLAY_CALLS_MAX];
};

struct replay_arguments {
    const char *dir, *to, *listen, *rate, *report, *junit, *ports;
    uint64_t seed, workers, late_limit, max_calls, seconds, speed, tolerance;
    bool quiet;
};

struct replay {
    struct host host;
    struct replay_list list;
    const struct replay_arguments *a;
    struct replay_scripts caller, callee;
    struct pool legs;
    struct loop_alarm next;
    struct timer drain, duration;
    struct hist start_late_us, off_us;
    uint64_t start_us;
    uint32_t started, finished, answered, ended, same, different, beyond, refused, not_started;
    bool stopping;
    FILE *table;
    struct outcome outcome; /* for the report */
    uint32_t group[2];      /* of it, by side */
    struct flow_report judged;
    char list_path[400];
    struct report_place place; /* of --report */
};

/* replay_play.c */
int replay_plan(struct replay *s); /* when each call is to start */
void replay_on_incoming(void *arg, struct call *c);
void replay_on_next(struct loop_alarm *a);
void replay_on_signal(void *arg, uint32_t count);
void replay_on_duration(struct timer *t);

/* replay_tell.c */
int replay_open_table(struct replay *s); /* replay.csv of the report */
void replay_tell(struct replay *s, const struct replay_leg *leg, struct call *c,
                 const struct replay_result *r, const struct flow_report *report);
void replay_json(void *arg, struct json *j); /* members of the summary */
int replay_verdict(struct replay *s, int rc);

/* replay_report.c */
int replay_report_folder(
    struct replay *s); /* makes it; SIM_CONFIG: it cannot be used, it is said */
void replay_report_begin(struct replay *s);
/* A call has ended; difference "" when it went as in the capture. */
void replay_report_add(struct replay *s, const struct replay_leg *leg, struct call *c,
                       const struct flow_report *report, const char *difference);
/* Judged with that exit code; gives it, or SIM_CONFIG when a file cannot be written. */
int replay_report_finish(struct replay *s, const struct lateness_result *late, int verdict);

#endif
