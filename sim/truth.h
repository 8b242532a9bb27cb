/* What really happened on each simulated call, one JSON line a call, and the run's totals.
 *
 * Written through the loop, so a slow disk delays nothing. Lines that the file cannot take yet (a
 * thousand calls that end at once) wait in a backlog of at most TRUTH_BACKLOG_MAX bytes; what could
 * not be written is counted and said at the end. Control thread only. */
#ifndef PEAL_SIM_TRUTH_H
#define PEAL_SIM_TRUTH_H

#include "base/json.h"
#include "flow/flow.h"
#include "io/file.h"

#define TRUTH_SCENARIOS_MAX 260
#define TRUTH_LINE_MAX      16384
#define TRUTH_BACKLOG_MAX   (64u * 1024 * 1024)

struct truth_count {
    char scenario[FLOW_NAME_MAX], label[FLOW_NAME_MAX];
    uint64_t calls;
};

struct truth {
    struct file *file; /* NULL: lines are not wanted */
    bool closed;
    struct file_result closed_result;
    char *backlog; /* waiting lines are [backlog_from, backlog_len) */
    size_t backlog_from, backlog_len, backlog_cap;
    /* Totals. Agents are counted apart. */
    uint64_t calls, agents, answered, lines_lost;
    uint64_t outcomes[FLOW_STOPPED + 1];
    uint64_t checks_passed, checks_failed, script_errors;
    uint64_t rtp_received, rtp_sent, rtp_lost, rtp_late;
    struct truth_count count[TRUTH_SCENARIOS_MAX];
    uint32_t counts;
    char first_failed[FLOW_CHECK_MAX]; /* check, or error */
};

struct truth_call {
    const char *number, *caller;
    uint32_t attempt;
    uint64_t started_wall_ms;
};

/* path NULL: totals only. ERR_IO and so on come at the close. */
enum err truth_open(struct truth *t, struct loop *l, const char *path);
void truth_write(struct truth *t, const struct truth_call *who, const struct call_record *record,
                 const struct flow_report *r);
/* Turns the loop until the file is closed. False: something is missing, said on stderr. */
bool truth_close(struct truth *t, struct loop *l);
/* What the far side can know of this call: whom it would have reached when it was answered; that
 * nobody picked up when the caller gave up before. NULL: not declared. */
const char *truth_seen(const struct flow_report *r);
/* The totals as members of the object that is open. */
void truth_json(const struct truth *t, struct json *j);

#endif
