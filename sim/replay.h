/* What `peal-sim replay` plays and how it went: the rows of an import's calls.csv, and for each
 * call and side how the replay compares with the capture. */
#ifndef PEAL_SIM_REPLAY_H
#define PEAL_SIM_REPLAY_H

#include "base/hist.h"
#include "call/call.h"
#include "flow/flow.h"
#include "sim/rows.h"

#define REPLAY_CALLS_MAX 8000
#define REPLAY_NONE      (-1.0)
#define REPLAY_ERROR_MAX 320

enum replay_side { REPLAY_CALLER, REPLAY_CALLEE };

struct replay_call {
    const char *name, *number, *caller, *ended_by;
    double start_s, ring_s, answer_s, end_s; /* REPLAY_NONE: did not happen */
    uint16_t code;                           /* final status in the capture; 0: none */
    bool cancelled, cut, tcp, late_offer;
    char payload_name[24];
    struct call_payload payload; /* name NULL: nothing was sent */
    uint64_t planned_us;
    uint32_t answered; /* times its callee was played */
};

struct replay_list {
    struct rows *rows;
    struct replay_call *call;
    uint32_t count;
};

/* DIR/calls.csv. error (REPLAY_ERROR_MAX) gets "file:line: sentence". */
enum err replay_list_load(struct replay_list *l, const char *dir, char *error);
void replay_list_free(struct replay_list *l);
/* The callee for a call to `number`: of the captured calls to it the first that was played least
 * often. NULL: nobody called it in the capture. */
struct replay_call *replay_list_answer(struct replay_list *l, struct slice number);

/* How one side of one call went. */
struct replay_result {
    uint16_t code;
    double ring_s, answer_s, end_s;
    bool same;            /* the same final code, and answered or not as captured */
    double worst_ms;      /* largest distance of a time both know; 0: none */
    const char *worst_of; /* "answer" */
};
void replay_compare(const struct replay_call *k, enum replay_side side, struct call *c,
                    const struct flow_report *r, struct replay_result *out);
/* The comparison itself, from what out holds. */
void replay_judge(const struct replay_call *k, enum replay_side side, bool script_failed,
                  struct replay_result *out);

#endif
