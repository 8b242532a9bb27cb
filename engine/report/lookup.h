/* Attempts looked up in the call records of a data folder, for settling after a crash. */
#ifndef PEAL_REPORT_LOOKUP_H
#define PEAL_REPORT_LOOKUP_H

#include "call/record.h"

/* Reads DATA_DIR/calls.sqlite. ERR_NOT_FOUND: no such attempt there; ERR_IO: it cannot be read.
 * Blocking; not for the middle of a run's busy paths. */
enum err lookup_result(const char *data_dir, const char *campaign, const char *lead,
                       uint32_t attempt, enum result *result, enum delivery *delivery);

/* Every attempt of the campaign dialled since then that was answered: who, what became of it, its
 * times, and from the evidence the moment its wait for an agent was given up. Blocking. ERR_IO: it
 * cannot be read. */
typedef void lookup_answered_fn(void *arg, const struct call_record *r);
enum err lookup_answered(const char *data_dir, const char *campaign, uint64_t since_wall_ms,
                         lookup_answered_fn *fn, void *arg);

#endif
