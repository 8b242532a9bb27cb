/* The policies of the pacing benchmark: what ships, the same with the truth told, and the rules
 * that others use, re-implemented from their documents. */
#ifndef PEAL_BENCH_PACING_POLICIES_H
#define PEAL_BENCH_PACING_POLICIES_H

#include "bench/pacing_sim.h"

#define PACING_POLICIES_MAX 16

struct pacing_entry {
    struct sim_policy policy;
    bool tuned; /* its parameter is searched for 3 % abandoned */
    double low, high;
};

/* Ends with an entry whose policy has no name. */
extern const struct pacing_entry pacing_entries[];
const struct pacing_entry *pacing_entry_find(const char *name);

#endif
