/* When calls are to start: arrival laws. Offsets come one after the other, each from the law and
 * the seed alone, so a plan can be compared with what happened. */
#ifndef PEAL_SIM_LAW_H
#define PEAL_SIM_LAW_H

#include "base/rng.h"

enum law_kind { LAW_CONSTANT, LAW_POISSON, LAW_RAMP };

struct law {
    enum law_kind kind;
    double rate, to; /* calls a second; ramp: from rate to `to` over the whole of `calls` */
    uint64_t calls, next;
    double at_s;
    struct rng rng;
};

/* rate: "50/s", "90/m", "50"; law: NULL, "constant", "poisson", "ramp:10-50" (then rate is not
 * used). error (128 bytes) gets a sentence. */
enum err law_parse(struct law *l, const char *rate, const char *law, uint64_t calls, uint64_t seed,
                   char *error);
/* Offset of the next call in µs since the start; UINT64_MAX after the last. */
uint64_t law_next(struct law *l);

#endif
