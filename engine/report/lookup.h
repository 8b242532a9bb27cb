/* One attempt looked up in the call records of a data folder, for settling after a crash. */
#ifndef PEAL_REPORT_LOOKUP_H
#define PEAL_REPORT_LOOKUP_H

#include "call/result.h"

/* Reads DATA_DIR/calls.sqlite. ERR_NOT_FOUND: no such attempt there; ERR_IO: it cannot be read.
 * Blocking; not for the middle of a run's busy paths. */
enum err lookup_result(const char *data_dir, const char *campaign, const char *lead,
                       uint32_t attempt, enum result *result, enum delivery *delivery);

#endif
