/* The histogram. Values below 64 have a bucket each. Above, the octave [2^e, 2^(e+1)) is cut into
 * 64 buckets 2^(e-6) wide. A quantile is reported as the top of its bucket (never above the largest
 * value seen): too high by less than 2^(e-6) of at least 2^e, that is by less than 1/64. */
#include "base/hist.h"

#include <string.h>

#define BUCKETS   (HIST_STEPS * HIST_OCTAVES)
#define STEP_BITS 6

static uint32_t bucket_of(uint64_t value)
{
    uint32_t e;

    if (value < HIST_STEPS)
        return (uint32_t)value;
    e = 63 - (uint32_t)__builtin_clzll(value);
    return (e - STEP_BITS) * HIST_STEPS + (uint32_t)(value >> (e - STEP_BITS));
}

static uint64_t bucket_top(uint32_t bucket)
{
    uint32_t octave = bucket / HIST_STEPS;

    if (octave == 0)
        return bucket;
    return ((uint64_t)(HIST_STEPS + bucket % HIST_STEPS + 1) << (octave - 1)) - 1;
}

/* Counters stop at their end instead of starting again at 0. */
static uint64_t add64(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static uint32_t add32(uint32_t a, uint32_t b)
{
    return a + b < a ? UINT32_MAX : a + b;
}

void hist_reset(struct hist *h)
{
    memset(h, 0, sizeof(*h));
}

void hist_add(struct hist *h, uint64_t value)
{
    uint64_t kept = value > HIST_MAX ? HIST_MAX : value;
    uint32_t *bucket = &h->bucket[bucket_of(kept)];

    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->clipped += value > HIST_MAX;
    h->count++;
    h->sum = add64(h->sum, value);
    *bucket = add32(*bucket, 1);
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->count = add64(into->count, from->count);
    into->sum = add64(into->sum, from->sum);
    into->clipped = add64(into->clipped, from->clipped);
    for (uint32_t i = 0; i < BUCKETS; i++)
        into->bucket[i] = add32(into->bucket[i], from->bucket[i]);
}

void hist_since(const struct hist *now, const struct hist *before, struct hist *out)
{
    *out = *now;
    if (before->count > now->count) /* it was reset in between */
        return;
    out->count -= before->count;
    out->sum -= before->sum;
    out->clipped -= before->clipped;
    for (uint32_t i = 0; i < BUCKETS; i++)
        out->bucket[i] -= before->bucket[i];
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    uint64_t rank, seen = 0;

    if (h->count == 0)
        return 0;
    if (!(q > 0)) /* NaN too */
        return h->min;
    if (q >= 1)
        return h->max;
    rank = (uint64_t)(q * (double)h->count);
    if ((double)rank < q * (double)h->count)
        rank++;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= rank)
            return bucket_top(i) < h->max ? bucket_top(i) : h->max;
    }
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0;
}
