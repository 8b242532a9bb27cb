/* Were the answer scores right? The chance that was expected of each call beside what came of it,
 * by tenths of the calls in the order of their scores.
 *
 * A score is kept to a thousandth (calls.jsonl does no better), so counts by thousandth hold all
 * there is. Calls that were cancelled before it was known, or that the network did not take to the
 * callee, say nothing about a score and are left out. Plain data of one thread. */
#ifndef PEAL_REPORT_CALIBRATION_H
#define PEAL_REPORT_CALIBRATION_H

#include "call/record.h"

#define CALIBRATION_STEPS  1000
#define CALIBRATION_TENTHS 10

struct calibration {
    uint32_t calls[CALIBRATION_STEPS + 1], live[CALIBRATION_STEPS + 1]; /* by thousandth */
};

/* Of a call with a score (0…1, 0: none). */
void calibration_add(struct calibration *c, double score, const struct call_record *r);

struct calibration_tenth {
    double from, to;      /* the scores in it, both ends included */
    double expected;      /* their mean */
    uint64_t calls, live; /* of which a person answered */
};
/* Into `out`, the lowest scores first; how many: fewer than ten where many calls have one score
 * (they are never torn apart), 0 without scored calls. */
uint32_t calibration_tenths(const struct calibration *c,
                            struct calibration_tenth out[CALIBRATION_TENTHS]);
/* All of them as one. */
struct calibration_tenth calibration_all(const struct calibration *c);
/* Mean square of what was expected less what came (Brier), and the same had every call been
 * expected to answer as often as all did: below it, scores tell leads apart. */
double calibration_error(const struct calibration *c, double *without);

#endif
