/* How long something lasts (a talk, a wrap-up), learned from those that ended and those that still
 * go on, and the chance that one of a given age ends within a given time.
 *
 * A life table: hazard by age, in bins that double every eight, each with a discounted count of
 * ends and of time spent; bins with few ends lean on a lognormal fitted to all. From 0.25 s to
 * about four hours. Fixed size, no allocation; plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_LIFE_H
#define PEAL_CAMPAIGN_PACING_LIFE_H

#include <stdint.h>

#define PACING_LIFE_BINS  112
#define PACING_LIFE_UNIT  0.25 /* seconds: the finest bin */
#define PACING_LIFE_STEPS 160  /* of PACING_LIFE_UNIT: the furthest look ahead, 40 s */

struct pacing_life {
    double ends[PACING_LIFE_BINS], spent_s[PACING_LIFE_BINS]; /* discounted */
    double seen, log_sum, log_square;                         /* of all that ended, discounted */
    double hazard[PACING_LIFE_BINS], before[PACING_LIFE_BINS + 1]; /* fitted: per s, and its sum */
    uint64_t count;
};

/* A prior of this mean (s) and coefficient of variation, worth `weight` observations. */
void pacing_life_init(struct pacing_life *l, double mean_s, double cv, double weight);
/* memory: in observations. */
void pacing_life_see(struct pacing_life *l, double lasted_s, double memory);
/* Fits the hazards; going_s: ages of those that still go on. */
void pacing_life_fit(struct pacing_life *l, const float *going_s, uint32_t going);

/* Chance of lasting longer than age_s; of the fitted table. */
double pacing_life_survival(const struct pacing_life *l, double age_s);
double pacing_life_mean(const struct pacing_life *l);

uint32_t pacing_life_bin(double age_s);
double pacing_life_bin_start(uint32_t bin); /* s */

#endif
