/* The look ahead: if one more call were answered u seconds from now, would an agent be free?
 *
 * D(u) = agents free by u + T − people waiting − live answers of the calls under way by u. Each
 * agent and each call is a coin with a chance of its own, so D is a difference of sums of coins.
 * The chance that D ≤ 0 is what an answer at u risks. It is taken at a few moments u at which the
 * next call is likely to be answered, and averaged. Up to PACING_LOOK_EXACT agents the sums are
 * convolved exactly; above, a normal law corrected for skewness.
 *
 * The share of live answers is itself only estimated; its relative error widens D: with the normal
 * law by more variance, with convolution by the mean of a low and a high case.
 * Plain data of its owner's thread; no allocation. */
#ifndef PEAL_CAMPAIGN_PACING_LOOK_H
#define PEAL_CAMPAIGN_PACING_LOOK_H

#include "campaign/pacing_learn.h"

#define PACING_LOOKS      4
#define PACING_LOOK_EXACT 20 /* agents */
#define PACING_LOOK_SUMS  (PACING_LOOK_EXACT + 2)

/* Tables for the moments looked at, made of what is learned. */
struct pacing_look_plan {
    double limit_s;            /* T: how long an answer may wait */
    uint32_t at[PACING_LOOKS]; /* ticks from now: when the next call may be answered */
    uint32_t back;             /* ticks: analysis; a live verdict at u was an answer before */
    float talk[PACING_LIFE_BINS][PACING_LOOKS]; /* by age: chance to be free by u + T */
    float wrap[PACING_LIFE_BINS][PACING_LOOKS];
    float next[PACING_LOOKS]; /* share of live answers of a new call that have come by u */
};
void pacing_look_prepare(struct pacing_look_plan *plan, const struct pacing_learn *l,
                         double limit_s);

struct pacing_look {
    const struct pacing_look_plan *plan;
    const struct pacing_learn *learn;
    int32_t free; /* agents free, less people waiting */
    bool exact;
    double cv; /* relative error of the share of live answers */
    struct {
        double freed, freed_variance, freed_skew;
        double live, live_variance, live_skew;
        /* exact: chances of exactly n agents freed; of n answers, in a low and a high case */
        double freed_is[PACING_LOOK_SUMS], live_is[2][PACING_LOOK_SUMS];
    } at[PACING_LOOKS];
    uint32_t freed_most; /* agents that may still become free */
    double settle;       /* live answers still to come of the calls under way, whenever */
};

/* agents: all that are logged in. */
void pacing_look_begin(struct pacing_look *k, const struct pacing_look_plan *plan,
                       const struct pacing_learn *l, uint32_t agents, int32_t free_now, double cv);
void pacing_look_talking(struct pacing_look *k, double age_s);
void pacing_look_wrapping(struct pacing_look *k, double age_s);
/* An agent whose end is known (a benchmark's bound). */
void pacing_look_free_in(struct pacing_look *k, double in_s);
void pacing_look_ringing(struct pacing_look *k, double age_s, double chance);
/* answered_s: when it was answered after its launch; age_s: since then. */
void pacing_look_analysed(struct pacing_look *k, double answered_s, double age_s);
void pacing_look_add(struct pacing_look *k, double chance); /* one more call, launched now */

/* What an answer of the next call risks: the mean over the moments looked at; 0…1. */
double pacing_look_risk(const struct pacing_look *k);
/* The worst of them: for calls that are chosen by their score. */
double pacing_look_risk_most(const struct pacing_look *k);
/* Of an answer within the next seconds. */
double pacing_look_risk_first(const struct pacing_look *k);

#endif
