/* What happens when a number is called: its fate, drawn from the population.
 *
 * A fate depends on the seed, the number and the instant of the call alone, never on what else was
 * called. What a number is (vacant, with a machine, how readily it answers) it stays; what it does
 * (busy, off, at home) it does for a while: called again at once it gives the same answer. */
#ifndef PEAL_SIMULATE_PEOPLE_H
#define PEAL_SIMULATE_PEOPLE_H

#include "simulate/population.h"

enum fate_kind {
    FATE_HUMAN,
    FATE_MACHINE,
    FATE_NOBODY, /* rings for ever */
    FATE_BUSY,
    FATE_UNREACHABLE,
    FATE_VACANT,
    FATE_FAX,
    FATE_REJECTED,
    FATE_CONGESTION,
    FATE_KINDS
};

/* How the analysis takes the answer. */
enum fate_verdict { FATE_HEARD_HUMAN, FATE_HEARD_MACHINE, FATE_HEARD_UNSURE };

struct fate {
    enum fate_kind kind;
    uint32_t delay_ms;  /* from the INVITE until it rings, or is refused */
    uint32_t answer_ms; /* from the INVITE; 0: never */
    /* From the answer: */
    uint32_t speech_ms, greeting_end_ms, verdict_ms;
    enum fate_verdict verdict;
    uint32_t beep_ms;     /* 0: none */
    uint32_t patience_ms; /* with nobody speaking, from the end of the greeting */
    uint32_t talk_ms;     /* with an agent */
};

struct people;

enum err people_open(struct people **out, const struct population *population,
                     const struct zone *zone, uint64_t seed);
void people_close(struct people *p);
/* Where a number's callee lives; without it, in the zone people_open was given. The zone outlives
 * `p`. The first word on a number counts. ERR_NOMEM. */
enum err people_lives(struct people *p, struct slice number, const struct zone *zone);

void people_fate(struct people *p, struct slice number, uint64_t wall_ms, struct fate *out);

#endif
