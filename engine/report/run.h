/* run.json: what only the engine knows at the end of a run (or in its middle); the report joins it
 * with calls.jsonl and the simulator's truth. Written to a temporary file and renamed. */
#ifndef PEAL_REPORT_RUN_H
#define PEAL_REPORT_RUN_H

#include "base/slice.h"

#define RUN_ERROR_MAX   256
#define RUN_AGENTS_MAX  256 /* listed by name; the rest is counted only */
#define RUN_SAMPLES_MAX 720
#define RUN_STATES      5

struct run_agent {
    char name[32];
    uint64_t calls;
    uint64_t free_ms, talking_ms, wrapping_ms, out_ms; /* time in each state; free includes
                                                          reserved */
};

/* One look at the engine, for the charts over time. When full, every second sample is dropped and
 * the interval doubles. */
struct run_sample {
    uint32_t at_s;                                            /* since the start */
    uint32_t dialling, ringing, answered, waiting, connected; /* calls in the air */
    uint32_t agents_free, agents_talking, agents_wrapping, agents_out;
    uint32_t expected_tenths;   /* live answers expected of the calls under way, × 10 */
    uint32_t theta_bp, risk_bp; /* allowed and taken by the pacing, in 1/100 % */
    uint32_t live, abandoned;   /* since the start, strict */
};

struct run {
    char campaign[64];
    char version[32];
    uint64_t started_wall_ms, ended_wall_ms;
    bool interrupted; /* ended by Ctrl-C */

    uint64_t leads;             /* in the queue in all, unusable ones included */
    uint64_t finished;          /* tasks with a final status */
    uint64_t pending;           /* tasks that still wait */
    uint64_t rejected_rows;     /* of the CSV */
    uint64_t not_dialled;       /* leads finished without any attempt */
    uint64_t skipped;           /* leads an agent skipped in preview, each time */
    uint64_t attempts_redis;    /* attempts recorded in Redis before their INVITE left */
    uint64_t attempts_launched; /* INVITEs of attempts by this process */
    uint64_t reconciled;        /* attempts left by an earlier process and settled by this one */

    uint64_t live, abandoned; /* strict account */
    double abandonment_cap_percent;
    uint32_t abandonment_limit_ms;

    uint32_t peak_concurrent; /* attempts in the air */
    uint32_t agents;
    uint64_t rtp_received, rtp_lost;
    uint64_t records_written, records_failed;
    uint64_t recordings, recordings_failed;
    uint64_t one_way_calls, silent_calls; /* answered, audio one way only; dead air */
    uint64_t late_times, late_seconds; /* no new calls while the audio was late */

    struct run_agent agent[RUN_AGENTS_MAX];
    uint32_t agent_listed;
    struct run_sample samples[RUN_SAMPLES_MAX];
    uint32_t sample_count, sample_step_s;
};

void run_init(struct run *r);
/* Keeps a sample; call once a second. */
void run_sample_add(struct run *r, const struct run_sample *s);

enum err run_write(const struct run *r, const char *path, char *error);
/* Missing members keep their zero; unknown ones are ignored. ERR_NOT_FOUND: no such file. */
enum err run_read(struct run *r, const char *path, char *error);

#endif
