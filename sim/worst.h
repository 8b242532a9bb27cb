/* The worst calls of a run, with all that was noted of them: failed ones first, in the order of
 * their ends, then those that took longest to be set up from the intended instant. Their messages
 * are copied, as the ua forgets a call with its end; of all others nothing is kept. Control thread
 * only. */
#ifndef PEAL_SIM_WORST_H
#define PEAL_SIM_WORST_H

#include "sip/trace.h"

#define WORST_MAX 10

struct worst_call {
    uint64_t score;
    uint32_t call;            /* index in the outcome */
    struct trace_call *trace; /* NULL: the call was not traced */
};

struct worst {
    struct worst_call call[WORST_MAX]; /* in no order until worst_sort */
    uint32_t count;
};

struct outcome_call;

/* Returns the call that is not among the worst, or not any more: this one, or one before it.
 * WORST_NONE: there was room. */
#define WORST_NONE UINT32_MAX
uint32_t worst_offer(struct worst *w, uint32_t index, const struct outcome_call *c,
                     const struct trace_call *trace);
void worst_sort(struct worst *w); /* worst first */
bool worst_has(const struct worst *w, uint32_t index);
void worst_fini(struct worst *w);

#endif
