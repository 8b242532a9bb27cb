/* The figures of a run, out of calls.jsonl, the simulator's truth.jsonl and run.json.
 *
 * truth.jsonl, one object a line: call_id, number, scenario, truth (a label of results, or any
 * word), kind ("callee" by default, "agent" for agent legs, which are not attempts). Torn or
 * foreign lines are counted and skipped. Bounds: SUMMARY_LINE_MAX bytes a line, SUMMARY_TRUTHS_MAX
 * labels; calls are limited by memory only (about 100 bytes each). One thread. */
#ifndef PEAL_REPORT_SUMMARY_H
#define PEAL_REPORT_SUMMARY_H

#include <stdio.h>

#include "base/hist.h"
#include "call/record.h"
#include "report/calibration.h"
#include "report/run.h"
#include "report/trunks.h"

#define SUMMARY_GROUPS_MAX   31 /* further ones are in the sums alone */
#define SUMMARY_LINE_MAX     65536
#define SUMMARY_TRUTHS_MAX   64
#define SUMMARY_REASONS_MAX  16
#define SUMMARY_ERROR_MAX    512
#define SUMMARY_TIME_BUCKETS 240
#define SUMMARY_BINS         120 /* of the charts of delays; the last holds what is longer */
#define SUMMARY_BIN_MS       100

struct input;
/* Each attempt as it is read: its line's JSON object, and what the simulator played ("" unknown).
 */
typedef void summary_each_fn(void *arg, const struct input *call, const char *truth);

struct summary_inputs {
    const char *calls;     /* calls.jsonl; required */
    const char *truth;     /* truth.jsonl of the simulator; NULL: none */
    const char *run;       /* run.json of the engine; NULL: none */
    const char *simulator; /* the simulator's own summary (lateness); NULL: none */
    summary_each_fn *each; /* may be NULL */
    void *arg;
};

struct summary_truth {
    char name[32];
    uint64_t total; /* calls of this truth the simulator saw */
    uint64_t by_result[RESULT_COUNT];
    uint64_t unrecorded; /* seen by the simulator, missing in calls.jsonl */
};

struct summary {
    char campaign[64];
    bool has_run, has_truth, has_simulator;
    struct run run;

    uint64_t leads, finished, pending; /* of run.json; leads of calls.jsonl without it */
    uint64_t attempts;                 /* lines of calls.jsonl that were dialled */
    uint64_t not_dialled;
    uint64_t duplicates, torn_lines, bad_lines;
    uint64_t results[RESULT_COUNT], deliveries[DELIVERY_COUNT];
    uint64_t simulator_calls, simulator_agent_legs;
    uint64_t without_truth; /* attempts the simulator did not see */
    uint64_t unrecorded;    /* calls the simulator saw that have no record */

    struct summary_truth truths[SUMMARY_TRUTHS_MAX];
    uint32_t truth_count;
    uint64_t truth_overflow;               /* calls of labels beyond the table */
    uint64_t verdict_total, verdict_right; /* truth label equals result */

    uint64_t live, abandoned, callee_left;
    double abandonment_percent;
    /* People who were to go to a group of agents. */
    struct summary_group {
        char name[32];
        uint64_t live, connected, abandoned;
    } groups[SUMMARY_GROUPS_MAX];
    uint32_t group_count;

    struct hist answer_to_agent_ms, greeting_to_agent_ms, answer_to_verdict_ms, ring_ms, talk_ms,
        setup_ms;
    uint32_t answer_to_agent_bins[SUMMARY_BINS], greeting_to_agent_bins[SUMMARY_BINS],
        answer_to_verdict_bins[SUMMARY_BINS];
    struct calibration calibration; /* of the answer scores */
    double lateness_p99_ms;         /* of the simulator; negative: unknown */
    bool simulator_invalid;         /* the simulator says RUN INVALID */
    char simulator_why[192];        /* in its own words */
    uint64_t rtp_received, rtp_lost;
    struct trunks trunks;
    uint32_t peak_concurrent;

    uint64_t first_wall_ms, last_wall_ms;
    struct summary_bucket {
        uint32_t ringing, answered, connected; /* calls in the air, mean of the bucket × 100 */
        uint32_t peak;
    } over_time[SUMMARY_TIME_BUCKETS];
    uint32_t bucket_count, bucket_ms;

    bool balance_ok;
    char reasons[SUMMARY_REASONS_MAX][192]; /* why the books do not balance */
    uint32_t reason_count;
};

/* struct summary is large: make it with malloc. error: SUMMARY_ERROR_MAX bytes. */
enum err summary_build(struct summary *s, const struct summary_inputs *in, char *error);

struct json;
/* The members of summary.json, into an object that is open. */
void summary_put(const struct summary *s, struct json *j);
enum err summary_write_json(const struct summary *s, const char *path, char *error);

/* Tables for a terminal: results, confusion matrix, delays, balance. colour: ANSI. width in
 * columns. */
void summary_print(const struct summary *s, FILE *to, bool colour, uint32_t width);

#endif
