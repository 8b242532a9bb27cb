/* The policies of the pacing benchmark: what ships, the same with the truth told, and the rules
 * that others use, re-implemented from their documents. */
#ifndef PEAL_BENCH_PACING_POLICIES_H
#define PEAL_BENCH_PACING_POLICIES_H

#include "bench/pacing_sim.h"

#define PACING_POLICIES_MAX 16

struct pacing_entry {
    struct sim_policy policy;
    bool tuned; /* its parameter is searched for 3 % abandoned */
    bool falls; /* more of it, less abandoned */
    bool asked; /* runs only when it is named */
    double low, high;
};

/* pacing_dp.c */
bool pacing_dp_fits(const struct sim_load *l);
void *pacing_dp_open(struct sim *s, double parameter); /* the logarithm of an abandon's cost */
void pacing_dp_decide(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                      struct pacing_advice *out);

/* pacing_engines.c: four engines that share a budget, four that do not, one with the account of 30
 * days, one with that and a cap for every day, two with that at a fixed ratio of 3 and 8 */
#define PACING_ENGINES 4
void *pacing_engines_open_shared(struct sim *s, double cap);
void *pacing_engines_open_apart(struct sim *s, double cap);
void *pacing_engines_open_guarded(struct sim *s, double cap);
void *pacing_engines_open_daily(struct sim *s, double cap);
void *pacing_engines_open_ratio_3(struct sim *s, double parameter);
void *pacing_engines_open_ratio_8(struct sim *s, double parameter);
void pacing_engines_close(void *policy);
/* The nth of them; NULL beyond the last. */
struct pacing *pacing_engines_nth(void *policy, uint32_t n);
void pacing_engines_call(void *policy, const struct pacing_call_event *e);
void pacing_engines_agent(void *policy, uint32_t agent, enum agent_pace state, uint64_t now_ms);
void pacing_engines_day(void *policy);
void pacing_engines_decide(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                           struct pacing_advice *out);

/* Ends with an entry whose policy has no name. */
extern const struct pacing_entry pacing_entries[];
const struct pacing_entry *pacing_entry_find(const char *name);

#endif
