/* The abandonment budget: a price θ on risk that keeps the share of abandoned answers at its target
 * (integral control).
 *
 * Each live answer moves ln θ by (q − abandoned) / soft, up to a top; it is never held up from
 * below, so what was overspent is always paid back. Over any time the abandons are q × answers plus
 * at most soft × the e-folds by which θ changed meanwhile: a few dozen. (A θ that falls in
 * proportion and stops at 0 keeps the same account, but leaves agents idle for hours after one bad
 * burst.) A θ near 0 still allows calls that risk nothing. With `daily` the target leaves room for
 * the few abandons by which a day may end above its mean, and a day that ran over is stopped from
 * risking more. Plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_BUDGET_H
#define PEAL_CAMPAIGN_PACING_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_THETA_MOST 0.25

struct pacing_budget {
    double cap;                          /* share, 0…1 */
    bool daily;                          /* the cap holds on every day */
    double false_machines;               /* share of live answers that were taken for machines */
    double s;                            /* ln θ */
    double usual;                        /* its slow mean */
    uint64_t answers, abandoned;         /* since the start, or since the account was told */
    uint64_t day_answers, day_abandoned; /* since pacing_budget_day() */
    double day_typical;                  /* answers of a day, discounted; 0: not known yet */
    bool spent;                          /* the account of 30 days is at its cap */
};

void pacing_budget_init(struct pacing_budget *b, double cap, bool daily, double false_machines);
void pacing_budget_answer(struct pacing_budget *b, bool abandoned);
void pacing_budget_day(struct pacing_budget *b); /* a new day of the campaign begins */
double pacing_budget_theta(const struct pacing_budget *b);
double pacing_budget_target(const struct pacing_budget *b); /* q */

#endif
