/* How fast a plan is played: plan time against real time, so that a run can be slowed, hurried or
 * held while it goes on. A plan's instants stay what they are; when they come depends on the tempo.
 * 1 until somebody steers. Control thread only. */
#ifndef PEAL_SIM_TEMPO_H
#define PEAL_SIM_TEMPO_H

#include <stdbool.h>
#include <stdint.h>

#define TEMPO_RATE_MIN 0.01
#define TEMPO_RATE_MAX 100.0

struct tempo {
    uint64_t base_us; /* monotonic, of the last change */
    double plan_us;   /* the plan's instant then */
    double rate;
    bool paused;
};

/* The plan's 0 is at zero_us. */
void tempo_init(struct tempo *t, uint64_t zero_us);
/* When the plan's instant comes, monotonic; UINT64_MAX: not while it is held. */
uint64_t tempo_due(const struct tempo *t, uint64_t plan_us);
void tempo_set(struct tempo *t, uint64_t now_us, double rate, bool paused);

#endif
