/* A share that moves (how many dials meet a live person), learned from what became of each dial.
 *
 * A belief over a grid of shares, even in log-odds, under several ideas of how the share moves: it
 * hardly does, it drifts slowly or quickly, it jumps now and then. Each dial weighs every share of
 * the grid by how well it foretold the outcome, so the ideas compete by the same evidence and the
 * one that fits the day leads (Bayesian filtering on a grid; G. Kitagawa, "Non-Gaussian state-space
 * modeling of nonstationary time series", 1987). A dial that still rings is evidence, too: its
 * outcome's likelihood is any line a + b × share. Where a jump leads is learned in the long run.
 * Fixed size, no allocation; plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_LEVEL_H
#define PEAL_CAMPAIGN_PACING_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign/pacing_rate.h"

#define PACING_LEVEL_BINS  96
#define PACING_LEVEL_IDEAS 4

struct pacing_level {
    float belief[PACING_LEVEL_IDEAS][PACING_LEVEL_BINS]; /* sums to 1, all together */
    float share[PACING_LEVEL_BINS];
    double usual[PACING_LEVEL_BINS]; /* where it has been: sums to 1 */
    double passed_s;                 /* not moved for yet */
    uint32_t unscaled;               /* dials since the sums were made 1 */
    uint64_t count;
};

/* Starts around `mean`, knowing little. */
void pacing_level_init(struct pacing_level *l, double mean);
/* Time passes between dials, at their launches. */
void pacing_level_pass(struct pacing_level *l, double seconds);
/* What became of a dial, as the line a + b × share of its likelihood: a hit is 0, 1; a miss 1, −1.
 */
void pacing_level_see(struct pacing_level *l, double a, double b);
/* The same by the chance that it is a hit. */
void pacing_level_guess(struct pacing_level *l, double hit);
/* A night has passed. */
void pacing_level_day(struct pacing_level *l);
struct pacing_estimate pacing_level_get(const struct pacing_level *l);

/* What is kept: how much each idea and each share is believed. */
struct pacing_level_sum {
    double idea[PACING_LEVEL_IDEAS], share[PACING_LEVEL_BINS];
};
void pacing_level_sum(const struct pacing_level *l, struct pacing_level_sum *out);
/* False, and nothing is changed, when it is no belief. */
bool pacing_level_believe(struct pacing_level *l, const struct pacing_level_sum *sum);

#endif
