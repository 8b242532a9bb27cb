/* Whether the simulator kept its own plan. A timer that should fire every 10 ms measures how late
 * the control thread is; the media workers measure their ticks; callers tell how late each INVITE
 * left. A generator that was late makes the figures of a run worthless, so it says so itself. */
#ifndef PEAL_SIM_LATENESS_H
#define PEAL_SIM_LATENESS_H

#include "base/hist.h"
#include "base/json.h"
#include "call/call.h"
#include "io/loop.h"
#include "media/media.h"

#define LATENESS_PLAN_MIN                                                                          \
    100 /* calls from which the p99 of the plan says more than one call's luck */

struct lateness {
    struct loop *loop;
    struct timer timer;
    uint64_t next_us;
    uint32_t ticks;
    struct hist control_us, plan_us;
    struct call_env *env;
    struct media_metrics media; /* as of the last look */
};

struct lateness_result {
    double control_p50_ms, control_p99_ms, control_max_ms;
    double media_p50_ms, media_p99_ms, media_max_ms;
    double plan_p50_ms, plan_p99_ms, plan_max_ms; /* INVITEs; 0 where nobody calls */
    uint64_t slots, slots_skipped; /* 1 ms slots of the workers; those they fell behind for */
    bool valid;
    char why[160]; /* "" when valid */
};

void lateness_start(struct lateness *l, struct loop *loop, struct call_env *env);
void lateness_stop(struct lateness *l);
/* A call was started so long after the instant its plan intended. */
void lateness_plan(struct lateness *l, uint64_t late_us);
/* limit_ms: of each p99; that of the plan counts from LATENESS_PLAN_MIN calls on. Turns the loop
 * for up to LATENESS_SETTLE_MS, to get the workers' last figures. */
#define LATENESS_SETTLE_MS 600
void lateness_judge(struct lateness *l, uint64_t limit_ms, struct lateness_result *out);
void lateness_json(const struct lateness_result *r, struct json *j); /* an object "lateness_ms" */

#endif
