/* Counts since each of a few possible changes, averaged by their likelihood. */
#include "campaign/pacing_rate.h"

#include <math.h>
#include <string.h>

#define SPACING     12.0   /* dials between one new count and the next, at least; and */
#define SPACING_S   3.0    /* seconds */
#define CHANGE      2000.0 /* dials between changes, as expected before anything is seen; and */
#define CHANGE_S    900.0  /* seconds, at least */
#define MEMORY      3000.0 /* dials of the longest memory; and */
#define MEMORY_S    1500.0 /* seconds, at least */
#define LONG_MEMORY 20000.0
#define LONG_PRIOR  3.0 /* dials: how much a new count takes over from the long run */

void pacing_rate_init(struct pacing_rate *r, double mean, double weight)
{
    memset(r, 0, sizeof(*r));
    r->hits[0] = r->long_hits = mean * weight;
    r->seen[0] = r->long_seen = weight;
    r->belief[0] = 1;
    r->counts = 1;
}

static double share(const struct pacing_rate *r, uint32_t i)
{
    /* A tenth of a hit for nothing: log(0) helps nobody. */
    return (r->hits[i] + 0.02) / (r->seen[i] + 0.1);
}

/* Two neighbours that say the same become one: the pair whose union loses least belief. */
static void make_room(struct pacing_rate *r)
{
    uint32_t at = 1;
    double least = 2;

    for (uint32_t i = 1; i + 1 < r->counts; i++) {
        double apart = fabs(share(r, i) - share(r, i - 1)) / (share(r, i) + share(r, i - 1));
        double loss = r->belief[i] * (0.05 + apart);
        if (loss < least) {
            least = loss;
            at = i;
        }
    }
    r->belief[at - 1] += r->belief[at];
    r->counts--;
    for (uint32_t i = at; i < r->counts; i++) {
        r->hits[i] = r->hits[i + 1];
        r->seen[i] = r->seen[i + 1];
        r->belief[i] = r->belief[i + 1];
    }
}

static void begin_count(struct pacing_rate *r, double spacing, double change)
{
    double chance = spacing / change, mean = r->long_hits / r->long_seen;

    if (r->counts == PACING_RATE_COUNTS)
        make_room(r);
    for (uint32_t i = 0; i < r->counts; i++)
        r->belief[i] *= 1 - chance;
    r->hits[r->counts] = mean * LONG_PRIOR;
    r->seen[r->counts] = LONG_PRIOR;
    r->belief[r->counts++] = chance;
}

void pacing_rate_see(struct pacing_rate *r, double hit, double per_second)
{
    double spacing = fmax(SPACING, SPACING_S * per_second);
    double change = fmax(CHANGE, CHANGE_S * per_second), sum = 0;
    double keep = 1 - 1 / fmax(MEMORY, MEMORY_S * per_second);

    for (uint32_t i = 0; i < r->counts; i++) {
        double p = share(r, i);

        r->belief[i] *= hit * p + (1 - hit) * (1 - p);
        sum += r->belief[i];
        r->hits[i] = r->hits[i] * keep + hit;
        r->seen[i] = r->seen[i] * keep + 1;
    }
    for (uint32_t i = 0; i < r->counts; i++)
        r->belief[i] = fmax(r->belief[i] / sum, 1e-12);
    r->long_hits = r->long_hits * (1 - 1 / LONG_MEMORY) + hit;
    r->long_seen = r->long_seen * (1 - 1 / LONG_MEMORY) + 1;
    r->count++;
    if (++r->due >= spacing) {
        r->due = 0;
        begin_count(r, spacing, change);
    }
}

void pacing_rate_age(struct pacing_rate *r, double most)
{
    for (uint32_t i = 0; i < r->counts; i++) {
        double part = r->seen[i] > most ? most / r->seen[i] : 1;

        r->hits[i] *= part;
        r->seen[i] *= part;
    }
}

struct pacing_estimate pacing_rate_get(const struct pacing_rate *r)
{
    double mean = 0, square = 0;

    for (uint32_t i = 0; i < r->counts; i++) {
        double p = share(r, i);

        mean += r->belief[i] * p;
        square += r->belief[i] * (p * p + p * (1 - p) / (r->seen[i] + 1));
    }
    double variance = fmax(square - mean * mean, 1e-9);
    return (struct pacing_estimate){mean, mean * (1 - mean) / variance};
}
