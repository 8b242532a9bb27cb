/* What the process may use: descriptors and locked memory. */
#ifndef PEAL_IO_LIMITS_H
#define PEAL_IO_LIMITS_H

#include <stdint.h>

#include "base/err.h"

/* Raises RLIMIT_NOFILE to at least `wanted` (soft, then hard where permitted). *got: what holds
 * now. ERR_REFUSED when less than wanted; the caller says so with both numbers. */
enum err limits_raise_files(uint64_t wanted, uint64_t *got);

#endif
