/* A log-linear histogram of non-negative integers (microseconds, bytes…): 64 linear steps an
 * octave, so a reported quantile is at most 1.6 % above the true value. Fixed size, no allocation;
 * values above HIST_MAX are kept in the last bucket and counted in `clipped`. */
#ifndef PEAL_BASE_HIST_H
#define PEAL_BASE_HIST_H

#include <stdint.h>

#define HIST_STEPS   64
#define HIST_OCTAVES 36
#define HIST_MAX     ((UINT64_C(1) << (HIST_OCTAVES + 5)) - 1)

struct hist {
    uint64_t count, sum, min, max, clipped;
    uint32_t bucket[HIST_STEPS * HIST_OCTAVES];
};

void hist_reset(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
void hist_merge(struct hist *into, const struct hist *from);
/* What came into `now` since `before`, an earlier copy of it. min and max are bounds: those of all. */
void hist_since(const struct hist *now, const struct hist *before, struct hist *out);
uint64_t hist_quantile(const struct hist *h, double q); /* q in 0…1; 0 when empty */
double hist_mean(const struct hist *h);

#endif
