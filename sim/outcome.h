/* What became of a run: every call of either side with its script, row, dice, intended instant, the
 * times of its SIP dialog, media statistics, marks and failed checks; and whether the generator
 * kept its plan. Collected while the run goes on, handed to the report writer (sim/report.h) at its
 * end. Everything a call points to lives in the outcome's arena or is kept by the run until
 * report_write has returned. Bounded: calls beyond OUTCOME_CALLS_MAX, or beyond the arena, are
 * counted in calls_dropped, and counted in their group all the same. Control thread only. */
#ifndef PEAL_SIM_OUTCOME_H
#define PEAL_SIM_OUTCOME_H

#include "base/arena.h"
#include "flow/flow.h"
#include "sim/lateness.h"
#include "sim/sim.h"
#include "sim/sip_times.h"
#include "sim/worst.h"

#define OUTCOME_CALLS_MAX  1000000u
#define OUTCOME_BYTES_MAX  ((size_t)2 << 30)
#define OUTCOME_GROUPS_MAX 64
#define OUTCOME_ERRORS_MAX 64 /* texts of what failed for a whole group */

/* One call as this side of the wire saw it. Times in µs count from the beginning of the run (the
 * same instant for all), times in ms from the call's INVITE; CALL_TIME_NONE: it did not happen. */
struct outcome_call {
    uint32_t group;               /* index of outcome.group */
    uint64_t n;                   /* callers: its number in the group, 1… */
    uint64_t leg;                 /* with `seed` and the script's name the source of its dice */
    uint64_t seed;                /* of the run */
    enum flow_kind kind;          /* callee, caller, agent */
    const char *script;           /* path; borrowed from the runtime */
    const char *name;             /* of the script, without folder and .lua */
    const char *number;           /* called */
    const char *caller;           /* shown */
    uint32_t attempt;             /* at this number (callees), else 1 */
    const struct flow_field *row; /* data row of a caller; row_count 0: none */
    uint32_t row_count;
    uint64_t intended_us; /* callers: by the plan. callees: when the INVITE came */
    uint64_t started_us;  /* callers: when the INVITE left. callees: as above */
    uint64_t wall_ms;     /* the same on the wall clock */
    const char *call_id;
    const char *truth; /* "" when not declared */
    bool succeeded;    /* callers: answered, ended well, no check failed */
    enum flow_outcome outcome;
    uint16_t code, q850;             /* final SIP code of a refusal (0 after an answer), cause */
    enum call_ender by;              /* ENDED_BY_US: this side; ENDED_BY_CALLEE: the far one */
    uint32_t at_ms[MARK_COUNT];      /* of the dialog: first 1xx, ringing, answered, end… */
    const struct evidence *evidence; /* SIP codes, causes and what was heard, in order */
    uint32_t evidence_count;
    const struct flow_mark *marks;
    uint32_t marks_count;
    const struct flow_heard *heard;
    uint32_t heard_count;
    uint32_t checks_passed, checks_failed;
    const char *const *failed; /* "file:line: text", failed_count of checks_failed */
    uint32_t failed_count;
    const char *error; /* script error "file:line: sentence"; "" when there is none */
    struct call_media_stats media;
    struct sip_times sip;
    const struct flow_script *source; /* of the runtime, with what it counted by line */
    const char *recording;            /* path; "" when there is none */
    bool audio_kept;                  /* the recording was made for the report alone */
};

/* One entry of the suite: a group of callers, or everybody who answers. */
struct outcome_group {
    const char *name; /* "customers"; "callees" for those who answer */
    const char *file; /* where it is declared, and the line */
    uint32_t line;
    const char *script; /* of callers; NULL: drawn from a mix */
    bool answering;
    uint64_t planned, not_started; /* callers */
    uint64_t calls, succeeded, failed;
    double min_success; /* percent that must succeed; callers */
    bool passed;        /* no check failed, no script error, min_success met */
};

struct outcome {
    const char *suite;   /* name the suite gives itself */
    const char *path;    /* of the suite file */
    const char *program; /* "peal-sim run" */
    uint64_t seed, started_wall_ms;
    double seconds;
    struct outcome_group group[OUTCOME_GROUPS_MAX];
    uint32_t groups;
    struct outcome_call *call; /* in the order of their ends */
    uint32_t calls, calls_cap;
    uint64_t calls_dropped;
    struct worst worst;                    /* the calls that the report shows whole */
    const char *error[OUTCOME_ERRORS_MAX]; /* sentences: what of the suite was not met */
    uint32_t errors;
    struct lateness_result lateness; /* .valid false: the figures mean nothing */
    enum sim_exit verdict;
    uint64_t began_us;       /* monotonic: zero of the times above */
    struct flow_runtime *rt; /* told when audio is dropped; NULL: nobody */
    struct arena arena;
};

void outcome_init(struct outcome *o);
void outcome_fini(struct outcome *o);

/* What the record and the flow's report do not know of a call. */
struct outcome_source {
    uint32_t group;
    uint64_t leg, n;
    const char *number, *caller;
    uint32_t attempt;
    const struct flow_field *row;
    uint32_t row_count;
    uint64_t intended_us, started_us, wall_ms; /* µs: monotonic */
    bool succeeded;
};

/* A call has ended. */
void outcome_add(struct outcome *o, const struct outcome_source *from,
                 const struct call_record *record, const struct flow_report *report);
/* A sentence about something that the suite demands and did not get. */
void outcome_error(struct outcome *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
