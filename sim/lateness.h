/* Whether the simulator kept its own plan. A timer that should fire every 10 ms measures how late
 * the control thread is; the media workers measure their ticks. A generator that was late makes
 * the figures of a run worthless, so it says so itself. */
#ifndef PEAL_SIM_LATENESS_H
#define PEAL_SIM_LATENESS_H

#include "base/hist.h"
#include "base/json.h"
#include "call/call.h"
#include "io/loop.h"

struct lateness {
    struct loop *loop;
    struct timer timer;
    uint64_t next_us;
    struct hist control_us;
};

struct lateness_result {
    double control_p50_ms, control_p99_ms, control_max_ms;
    double media_p50_ms, media_p99_ms, media_max_ms;
    uint64_t slots, slots_skipped; /* 1 ms slots of the workers; those they fell behind for */
    bool valid;
    char why[160]; /* "" when valid */
};

void lateness_start(struct lateness *l, struct loop *loop);
void lateness_stop(struct lateness *l);
/* limit_ms: of either p99. */
void lateness_judge(const struct lateness *l, struct call_env *env, uint64_t limit_ms,
                    struct lateness_result *out);
void lateness_json(const struct lateness_result *r, struct json *j); /* an object "lateness_ms" */

#endif
