/* The two files of a run that its seed alone decides: the same suite and seed write the same bytes,
 * for any number of audio threads, on a busy machine or an idle one; and what several processes
 * write, sorted, is what one writes.
 *
 *   plan.jsonl   each call that is to be made: when by the plan, to which number, with which dice
 *   truth.jsonl  each call of either side as the scripts had it: who it was, how it ended, what was
 *                marked and checked, without anything that was measured (see calls.jsonl for that)
 *
 * What scripts do may depend on the far side, and a population on when it is called: truth is as
 * sure as the program under test. Lines are in the order of groups and calls; numbers and attempts.
 */
#ifndef PEAL_SIM_PLAN_H
#define PEAL_SIM_PLAN_H

#include "sim/calling.h"
#include "sim/outcome.h"

/* SIM_PASS, or SIM_CONFIG with the reason on stderr. */
int plan_write(const char *path, const struct outcome *o, const struct calling *groups,
               const uint64_t *starts_us, uint32_t count);
int plan_write_truth(const char *path, const struct outcome *o);

#endif
