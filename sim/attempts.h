/* How often each number has been called in this run. */
#ifndef PEAL_SIM_ATTEMPTS_H
#define PEAL_SIM_ATTEMPTS_H

#include "base/hash.h"

#define ATTEMPTS_NUMBERS_MAX 2000000 /* further numbers count as first attempts */

struct attempts {
    struct hash_table table;
    struct hash_seed seed;
    uint64_t uncounted;
};

enum err attempts_init(struct attempts *a);
void attempts_fini(struct attempts *a);
/* Counts one more call to the number; 1 for the first. */
uint32_t attempts_next(struct attempts *a, struct slice number);

#endif
