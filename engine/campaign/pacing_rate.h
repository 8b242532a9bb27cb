/* A share that moves (how many dials meet a live person), learned from a stream of hits and misses.
 *
 * Several discounted counts run side by side, from a memory of a few dozen to several thousand
 * dials; each is weighted by how well it foretold what came since. While the share stands still the
 * long memories win and the estimate is tight; when it drifts or jumps the short ones take over
 * within a few dozen dials. Fixed size, no allocation; plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_RATE_H
#define PEAL_CAMPAIGN_PACING_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_RATE_EXPERTS 6

struct pacing_rate {
    double hits[PACING_RATE_EXPERTS], seen[PACING_RATE_EXPERTS]; /* discounted */
    double belief[PACING_RATE_EXPERTS];                          /* sums to 1 */
    uint64_t count;
};

struct pacing_estimate {
    double mean;   /* 0…1 */
    double sample; /* how many dials it is worth: variance = mean (1 − mean) / sample */
};

/* Starts from a prior worth `weight` dials. */
void pacing_rate_init(struct pacing_rate *r, double mean, double weight);
/* hit: 1, 0, or a chance in between. per_second: how many come a second now; memories are at least
 * so many seconds long. */
void pacing_rate_see(struct pacing_rate *r, double hit, double per_second);
struct pacing_estimate pacing_rate_get(const struct pacing_rate *r);

#endif
