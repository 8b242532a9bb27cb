/* Integral control of abandonment. */
#include "campaign/pacing_budget.h"

#include <math.h>

#define SOFT         8.0   /* abandons by which θ changes e-fold; and */
#define SOFT_SHARE   0.001 /* of a day's answers, in large rooms */
#define START        0.025
#define NOTHING      1e-4 /* a θ below is none */
#define LONG_DAYS    30.0
#define DAY_SOFT     5.0    /* abandons by which θ changes e-fold, with a cap for every day */
#define DAY_EASE     3.0    /* abandons left of a day: below, θ is brought down */
#define DAY_RESERVE  4.0    /* abandons, and */
#define DAY_SPREAD   0.045  /* for each root of a day's answers */
#define USUAL_MEMORY 2000.0 /* answers */
#define DAY_HEAD     0.3    /* e-folds of θ above the usual that a day may begin with */
#define DAY_UNKNOWN  600.0  /* answers of a day, until one is over */
#define DAY_FIRST    100.0  /* answers before a day's own share means anything */

void pacing_budget_init(struct pacing_budget *b, double cap, bool daily, double false_machines)
{
    *b = (struct pacing_budget){.cap = cap,
                                .daily = daily,
                                .false_machines = false_machines,
                                .s = log(START),
                                .usual = log(START)};
}

/* Abandons by which θ changes e-fold. The same all day: what was overspent at one rate is paid back
 * at that rate. */
static double soft_of(const struct pacing_budget *b)
{
    return b->daily ? DAY_SOFT : fmax(SOFT, SOFT_SHARE * b->day_typical);
}

double pacing_budget_target(const struct pacing_budget *b)
{
    double day = b->day_typical > 0 ? b->day_typical : DAY_UNKNOWN;
    double reserve = soft_of(b) / (LONG_DAYS * day);

    if (b->daily)
        reserve = (DAY_RESERVE + DAY_SPREAD * sqrt(day)) / fmax(day, (double)b->day_answers);
    return fmax(b->cap - fmin(reserve, b->cap / 2), 0.0);
}

void pacing_budget_answer(struct pacing_budget *b, bool abandoned)
{
    double lost = abandoned;

    b->answers++;
    b->day_answers++;
    b->abandoned += abandoned;
    b->day_abandoned += abandoned;
    /* For each live answer we heard, so many more were dropped as machines. */
    if (b->false_machines > 0 && b->false_machines < 1)
        lost += (1.0 - b->cap) * b->false_machines / (1.0 - b->false_machines);
    double soft = soft_of(b);
    b->usual += (b->s - b->usual) / USUAL_MEMORY;
    b->s = fmin(b->s + (pacing_budget_target(b) - lost) / soft, log(PACING_THETA_MOST));
}

void pacing_budget_day(struct pacing_budget *b)
{
    if (b->day_answers)
        b->day_typical = b->day_typical > 0 ? b->day_typical * 0.7 + (double)b->day_answers * 0.3
                                            : (double)b->day_answers;
    b->day_answers = b->day_abandoned = 0;
    /* Days stand alone: what one saved, the next must not spend. */
    if (b->daily)
        b->s = fmin(b->s, b->usual + DAY_HEAD);
}

/* What is left of the day's own account, as a share of what lets θ stand: from half a day's answers
 * on, so that one early abandon does not stop the morning. */
static double day_left(const struct pacing_budget *b)
{
    double answers = (double)b->day_answers;

    if (!b->daily || answers < DAY_FIRST || answers < b->day_typical / 2)
        return 1;
    return fmin(fmax((b->cap * answers - (double)b->day_abandoned - 1) / DAY_EASE, 0), 1);
}

double pacing_budget_theta(const struct pacing_budget *b)
{
    double theta = exp(b->s) * day_left(b);

    return b->spent || theta < NOTHING ? 0 : theta;
}
