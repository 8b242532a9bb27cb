/* The abandonment budget: a price θ on risk that keeps the share of abandoned answers at its target
 * (integral control).
 *
 * Each live answer moves ln θ by (q − abandoned) / soft, up to a top; it is never held up from
 * below, so what was overspent is always paid back. Over any time the abandons are q × answers plus
 * at most soft × the e-folds by which θ changed meanwhile: a few dozen. (A θ that falls in
 * proportion and stops at 0 keeps the same account, but leaves agents idle for hours after one bad
 * burst.) A θ near 0 still allows calls that risk nothing. With `daily` the target leaves room for
 * the few abandons by which a day may end above its mean, and a day that ran over is stopped from
 * risking more.
 *
 * Above it stands the account of 30 days, all engines together, as the ledger has it
 * (pacing_budget_account): what it lacks of some abandons to spare is saved over a day, and where
 * it nears the cap, θ is brought down to 0 whatever ln θ says.
 *
 * Engines of one campaign have one ln θ. Each tells by how much its own answers moved it
 * (pacing_budget_give) and takes the sum of all (pacing_budget_take); between two exchanges it goes
 * on by itself. Plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_BUDGET_H
#define PEAL_CAMPAIGN_PACING_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_THETA_MOST 0.25

/* The campaign's account, of all engines and from before this one began. Live answers and abandons
 * both with those added that were taken for machines, as estimated. */
#define PACING_AHEAD 5
struct pacing_account {
    /* [0]: of 30 days, today being the last; [n]: without the first n of them, which is how the nth
     * day from now begins when nobody is called till then (a long weekend) */
    struct {
        double live, abandoned;
    } days[PACING_AHEAD];
    double day_live, day_abandoned; /* today, without what this budget was told itself */
    double day_typical;             /* answers of a day; 0: not known */
};

struct pacing_budget {
    double cap;                          /* share, 0…1 */
    bool daily;                          /* the cap holds on every day */
    double false_machines;               /* share of live answers that were taken for machines */
    double s;                            /* ln θ */
    double usual;                        /* its slow mean */
    uint64_t answers, abandoned;         /* since the start */
    uint64_t day_answers, day_abandoned; /* since pacing_budget_day() */
    double day_typical;                  /* answers of a day, discounted; 0: not known yet */
    double day_guess;                    /* of it, until a day is over; 0: none */
    struct pacing_account account;       /* all 0 until it is told */
    bool told;
    double room;    /* abandons left of it, or of what the next days begin with */
    bool spent;     /* the account of 30 days is at its cap */
    double moved;   /* by how much answers moved ln θ since the start, the top left aside */
    double ceiling; /* what a new day lowered ln θ to, until it is given; INFINITY: none */
};

void pacing_budget_init(struct pacing_budget *b, double cap, bool daily, double false_machines);
void pacing_budget_answer(struct pacing_budget *b, bool abandoned);
void pacing_budget_day(struct pacing_budget *b); /* a new day of the campaign begins */
/* The account as it stands; asked for often, for it holds the cap where ln θ alone is behind. */
void pacing_budget_account(struct pacing_budget *b, const struct pacing_account *a);
/* An answer that was counted as served was abandoned after all (its agent was heard too late). */
void pacing_budget_late(struct pacing_budget *b);
double pacing_budget_theta(const struct pacing_budget *b);
double pacing_budget_target(const struct pacing_budget *b); /* q */

/* What goes to the one ln θ of all engines: it becomes min(ln θ + what `moved` has grown by since
 * the last time, ceiling, top). `s` is its value where there is none yet. */
struct pacing_budget_share {
    double moved, ceiling, s;
};
void pacing_budget_give(const struct pacing_budget *b, struct pacing_budget_share *out);
/* s: the one ln θ, with `given` (of this budget) in it. */
void pacing_budget_take(struct pacing_budget *b, const struct pacing_budget_share *given, double s);

#endif
