/* How likely each lead is to answer: a small model of what is known before the call, learned
 * online.
 *
 * The log-odds of a live answer are a sum of one weight for each feature's value (hour, weekday,
 * attempt, what became of the number before, list, region, line type), each learned by gradient
 * steps that shrink with what its value has seen (AdaGrad), and pulled to 0 while it has seen
 * little. A second, slow step keeps the scores calibrated. The model is compared with the plain
 * share of the campaign by discounted log loss and speaks only while it is clearly better and has
 * seen enough; otherwise a score is 0: unknown. Fixed size, no allocation; plain data of its
 * owner's thread. */
#ifndef PEAL_CAMPAIGN_PACING_SCORE_H
#define PEAL_CAMPAIGN_PACING_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_SCORE_WEIGHTS 128

enum pacing_before { /* what became of the number's last attempt */
                     PACING_BEFORE_NEVER,
                     PACING_BEFORE_SILENT,
                     PACING_BEFORE_BUSY,
                     PACING_BEFORE_MACHINE,
                     PACING_BEFORE_LIVE,
                     PACING_BEFORE_FAILED,
                     PACING_BEFORE_UNKNOWN,
                     PACING_BEFORE_COUNT
};

struct pacing_lead { /* 0 in any field but hour and weekday: not known */
    uint8_t hour;    /* 0…23, of the callee */
    uint8_t weekday; /* 0…6 */
    uint8_t attempt; /* 1… */
    uint8_t before;  /* enum pacing_before */
    uint8_t list;    /* 1… */
    uint8_t region;  /* any number that stands for it */
    uint8_t line;    /* 1 mobile, 2 fixed, … */
};

struct pacing_scores {
    double weight[PACING_SCORE_WEIGHTS], square[PACING_SCORE_WEIGHTS];
    double base;                /* log-odds of the campaign */
    double share;               /* of live answers, discounted */
    double own_loss, base_loss; /* discounted log loss of the model and of the plain share */
    double slope, shift;        /* calibration of the log-odds */
    uint64_t seen, live;
};

void pacing_scores_init(struct pacing_scores *s);
/* What became of a dial that the network let through. */
void pacing_scores_learn(struct pacing_scores *s, const struct pacing_lead *lead, bool live);
/* 0 < chance < 1; 0: the model does not know better than the campaign's share. */
float pacing_score(const struct pacing_scores *s, const struct pacing_lead *lead);
bool pacing_scores_speak(const struct pacing_scores *s);
/* The model's chance whether it speaks or not, for views. */
double pacing_score_guess(const struct pacing_scores *s, const struct pacing_lead *lead);

#endif
