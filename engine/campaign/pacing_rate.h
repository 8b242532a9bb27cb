/* A share that moves (how many dials meet a live person), learned from a stream of hits and misses.
 *
 * Several counts run side by side, each begun at another time and remembering what came since: when
 * did the share last change? Each is weighted by how well it foretold what came (R. Adams, D.
 * MacKay, "Bayesian online changepoint detection", with few candidates kept). While the share
 * stands still the old counts win and the estimate is tight; after a jump one begun at the jump
 * takes over within a few dozen dials and grows from there. Fixed size, no allocation; plain data
 * of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_RATE_H
#define PEAL_CAMPAIGN_PACING_RATE_H

#include <stdint.h>

#define PACING_RATE_COUNTS 14

struct pacing_rate {
    double hits[PACING_RATE_COUNTS], seen[PACING_RATE_COUNTS];
    double belief[PACING_RATE_COUNTS]; /* sums to 1 */
    uint32_t counts;                   /* in use */
    double long_hits, long_seen;       /* of everything, slowly forgotten: where a new one begins */
    uint64_t count;
    double due; /* of the next new count, in dials */
};

struct pacing_estimate {
    double mean;   /* 0…1 */
    double sample; /* how many dials it is worth: variance = mean (1 − mean) / sample */
};

/* Starts from a prior worth `weight` dials. */
void pacing_rate_init(struct pacing_rate *r, double mean, double weight);
/* hit: 1, 0, or a chance in between. per_second: how many come a second now; memories are at least
 * some minutes long. */
void pacing_rate_see(struct pacing_rate *r, double hit, double per_second);
/* Time has passed: what is known is worth at most so many dials. */
void pacing_rate_age(struct pacing_rate *r, double most);
struct pacing_estimate pacing_rate_get(const struct pacing_rate *r);

#endif
