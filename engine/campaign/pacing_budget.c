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
#define LONG_SWING   1.5   /* e-folds θ may fall by within 30 days: what that costs is kept back */
#define LONG_KEEP    4.0   /* abandons of 30 days left for calls in the air; above it, up to */
#define LONG_EASE    3.0   /* more, θ is brought down */
#define LONG_ROOM    10.0  /* abandons that the account shall have left */
#define LONG_FIRST   600.0 /* answers; until then an account may be behind by up to */
#define LONG_BEHIND  4.5   /* abandons: one of thirty is no share yet */
#define FALSE_SPREAD 2.0   /* of the number of people dropped as machines, which nobody is told */
/* In large rooms abandons come and go by `soft` around their target: for each beyond SOFT */
#define WIDE_KEEP  0.1  /* abandons more are left for calls in the air, */
#define WIDE_EASE  0.5  /* more it takes to bring θ down, */
#define WIDE_ROOM  2.0  /* more the account shall have left, all of it after a first day, */
#define WIDE_SAVED 0.25 /* of a day: and saved in this time */

void pacing_budget_init(struct pacing_budget *b, double cap, bool daily, double false_machines)
{
    *b = (struct pacing_budget){.cap = cap,
                                .daily = daily,
                                .false_machines = false_machines,
                                .s = log(START),
                                .usual = log(START),
                                .ceiling = INFINITY};
}

static double day_answers(const struct pacing_budget *b)
{
    return (double)b->day_answers + b->account.day_live;
}

/* Abandons by which θ changes e-fold. The same all day: what was overspent at one rate is paid back
 * at that rate. */
static double soft_of(const struct pacing_budget *b)
{
    return b->daily ? DAY_SOFT
                    : fmax(SOFT, SOFT_SHARE * (b->day_typical > 0 ? b->day_typical : b->day_guess));
}

static double day_of(const struct pacing_budget *b)
{
    return b->day_typical > 0 ? b->day_typical : fmax(DAY_UNKNOWN, b->day_guess);
}

/* Abandons by which the account of a large room is wider than that of a small one. */
static double wide_of(const struct pacing_budget *b)
{
    return fmax(soft_of(b) - SOFT, 0) * fmin(b->account.days[0].live / day_of(b), 1);
}

static double within_one(double x)
{
    return fmin(fmax(x, 0), 1);
}

static double long_left(const struct pacing_budget *b)
{
    double wide = wide_of(b), keep = LONG_KEEP + WIDE_KEEP * wide;

    return b->told ? within_one((b->room - keep) / (LONG_EASE + WIDE_EASE * wide)) : 1;
}

double pacing_budget_target(const struct pacing_budget *b)
{
    double day = day_of(b);
    double reserve = LONG_SWING * soft_of(b) / (LONG_DAYS * day);

    if (b->told) /* what the account lacks of its ease comes from the next day */
        reserve += fmax(LONG_ROOM - b->room, 0) / day +
                   fmax(LONG_ROOM + WIDE_ROOM * wide_of(b) - fmax(b->room, LONG_ROOM), 0) /
                       (WIDE_SAVED * day);
    if (b->daily)
        reserve = (DAY_RESERVE + DAY_SPREAD * sqrt(day)) / fmax(day, day_answers(b));
    return fmax(b->cap - fmin(reserve, b->cap / 2), 0.0);
}

static void move(struct pacing_budget *b, double by)
{
    b->moved += by;
    b->s = fmin(b->s + by, log(PACING_THETA_MOST));
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
    b->usual += (b->s - b->usual) / USUAL_MEMORY;
    double by = (pacing_budget_target(b) - lost) / soft_of(b);
    /* While the account holds θ down, too few are abandoned for ln θ: that is no reason to raise
     * it. */
    move(b, by > 0 ? by * long_left(b) : by);
}

void pacing_budget_late(struct pacing_budget *b)
{
    b->abandoned++;
    b->day_abandoned++;
    move(b, -1 / soft_of(b));
}

void pacing_budget_day(struct pacing_budget *b)
{
    if (b->day_answers && !b->told)
        b->day_typical = b->day_typical > 0 ? b->day_typical * 0.7 + (double)b->day_answers * 0.3
                                            : (double)b->day_answers;
    b->day_answers = b->day_abandoned = 0;
    /* Days stand alone: what one saved, the next must not spend. */
    if (b->daily) {
        b->ceiling = fmin(b->ceiling, b->usual + DAY_HEAD);
        b->s = fmin(b->s, b->ceiling);
    }
}

/* What is left of the day's own account, as a share of what lets θ stand: from half a day's answers
 * on, so that one early abandon does not stop the morning. */
static double day_left(const struct pacing_budget *b)
{
    double answers = day_answers(b);
    double abandoned = (double)b->day_abandoned + b->account.day_abandoned;

    if (!b->daily || answers < DAY_FIRST || answers < b->day_typical / 2)
        return 1;
    return within_one((b->cap * answers - abandoned - 1) / DAY_EASE);
}

/* Abandons left of an account of so many answers. Of those dropped as machines only the mean is in
 * it: that it may be more by twice their spread is kept back. */
static double room_of(const struct pacing_budget *b, double live, double abandoned)
{
    double unseen = FALSE_SPREAD * sqrt(b->false_machines * live);

    return b->cap * live - abandoned - unseen + LONG_BEHIND * fmax(1 - live / LONG_FIRST, 0);
}

/* The least of the 30 days that end today and of those that the next days begin with: their
 * mornings have nothing else to pay from. */
static double long_room(const struct pacing_budget *b)
{
    double room = INFINITY;

    for (int n = 0; n < PACING_AHEAD; n++)
        room = fmin(room, room_of(b, b->account.days[n].live, b->account.days[n].abandoned));
    return room;
}

void pacing_budget_account(struct pacing_budget *b, const struct pacing_account *a)
{
    b->account = *a;
    b->told = true;
    if (a->day_typical > 0)
        b->day_typical = a->day_typical;
    b->room = long_room(b);
    b->spent = long_left(b) <= 0;
}

double pacing_budget_theta(const struct pacing_budget *b)
{
    double theta = exp(b->s) * fmin(day_left(b), long_left(b));

    return b->spent || b->cap <= 0 || theta < NOTHING ? 0 : theta;
}

void pacing_budget_give(const struct pacing_budget *b, struct pacing_budget_share *out)
{
    *out = (struct pacing_budget_share){.moved = b->moved, .ceiling = b->ceiling, .s = b->s};
}

void pacing_budget_take(struct pacing_budget *b, const struct pacing_budget_share *given, double s)
{
    b->s = fmin(s + b->moved - given->moved, log(PACING_THETA_MOST));
    if (b->ceiling < given->ceiling) /* a day has begun since */
        b->s = fmin(b->s, b->ceiling);
    else
        b->ceiling = INFINITY;
}
