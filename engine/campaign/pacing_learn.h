/* What a campaign has taught the pacing: how often a dial meets a live person, how long ringing,
 * analysis, talks and wrap-ups last. Everything is discounted, so that it follows the day.
 *
 * Two shares make the chance of a live answer: of dials that the network let through (`reach`), and
 * of those it did not (`failing`, which follows quickly): a dead trunk is not a bad list. Lists
 * have their own share, shrunk to the campaign's. Fixed size; plain data of its owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_LEARN_H
#define PEAL_CAMPAIGN_PACING_LEARN_H

#include <stdbool.h>

#include "campaign/pacing_level.h"
#include "campaign/pacing_life.h"
#include "campaign/pacing_rate.h"

#define PACING_TICK_S  0.25 /* of the tables by time since the launch */
#define PACING_TICKS   320  /* 80 s: longer than any ring limit */
#define PACING_SECONDS 80   /* the same in whole seconds */
#define PACING_LISTS   16

struct pacing_counts { /* of times, discounted by growing the weight of what is new */
    double at[PACING_TICKS], weight;
};

struct pacing_learn {
    struct pacing_level reach;
    struct pacing_rate failing;
    struct pacing_rate list[PACING_LISTS]; /* 1…; 0: no list told */
    double scored_live, scored_hope;       /* calls with a score: came true, and were promised */
    struct pacing_counts live, other; /* by the time of the answer, or of the end without one */
    struct pacing_counts analysis;    /* of live answers: from answer to verdict */
    double answered[PACING_SECONDS], answered_live[PACING_SECONDS]; /* by the time of the answer */
    struct pacing_life talk, wrap;
    double wraps, leaves; /* after a wrap-up: how many, and how many were followed by a break */
    double dials_per_second;
    uint64_t dialled_ms;

    /* fitted */
    float live_by[2 * PACING_TICKS], other_by[2 * PACING_TICKS]; /* share that has come by then */
    float analysed_by[2 * PACING_TICKS];
    float human[PACING_SECONDS]; /* share of live ones among those who answer then */
    double analysis_s;           /* mean */
};

void pacing_learn_init(struct pacing_learn *l);
void pacing_learn_dial(struct pacing_learn *l, uint64_t now_ms);

struct pacing_outcome {
    double live;       /* 1, 0, or in between when we gave up before it was known */
    double answered_s; /* since the launch; without an answer: its end */
    double analysis_s; /* of a live answer */
    float score;       /* as told at the launch; 0: none */
    uint8_t list;
    bool answer, failed; /* failed: by the network, whoever was called */
};
/* What it says about time, when it is known; and about shares, in the order of launches: live
 * answers come sooner than silence, so the order of outcomes would show waves where there are none.
 */
void pacing_learn_time(struct pacing_learn *l, const struct pacing_outcome *o);
/* passed_s: since the launch before. */
void pacing_learn_share(struct pacing_learn *l, const struct pacing_outcome *o, double passed_s);
void pacing_learn_talk(struct pacing_learn *l, double lasted_s);
void pacing_learn_wrap(struct pacing_learn *l, double lasted_s, bool left);
/* Fits the tables; ages (s) of talks and wrap-ups that still go on. */
void pacing_learn_fit(struct pacing_learn *l, const float *talking_s, uint32_t talking,
                      const float *wrapping_s, uint32_t wrapping);

/* Chance of a live answer of the next call: of this list (0: any), of this score (0: none). */
struct pacing_estimate pacing_learn_chance(const struct pacing_learn *l, uint8_t list, float score);
double pacing_learn_break(const struct pacing_learn *l); /* after a wrap-up */

#endif
