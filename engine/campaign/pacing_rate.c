/* Discounted Beta counts of several memories, averaged by their discounted likelihood. */
#include "campaign/pacing_rate.h"

#include <math.h>

/* Memory in dials, and the least in seconds: a large campaign sees 400 dials in a few seconds, and
 * a share that moves within minutes is better known from some thousand of them. */
static const struct {
    double dials, seconds;
} memory[PACING_RATE_EXPERTS] = {{60, 20},    {150, 60},    {400, 150},
                                 {1000, 400}, {3000, 1200}, {10000, 6000}};

#define BELIEF_MEMORY 4000.0 /* dials after which an old success counts for little */
#define BELIEF_LEAST  1e-6 /* so that none is ever out of the race */

void pacing_rate_init(struct pacing_rate *r, double mean, double weight)
{
    *r = (struct pacing_rate){0};
    for (int i = 0; i < PACING_RATE_EXPERTS; i++) {
        r->hits[i] = mean * weight;
        r->seen[i] = weight;
        r->belief[i] = 1.0 / PACING_RATE_EXPERTS;
    }
}

static double share(const struct pacing_rate *r, int i)
{
    /* Half a hit in every thousand dials is the least that is believed: log(0) helps nobody. */
    return (r->hits[i] + 0.02) / (r->seen[i] + 0.1);
}

void pacing_rate_see(struct pacing_rate *r, double hit, double per_second)
{
    double sum = 0, fade = 1.0 - 1.0 / fmax(BELIEF_MEMORY, 300.0 * per_second);

    for (int i = 0; i < PACING_RATE_EXPERTS; i++) {
        double p = share(r, i), keep;

        r->belief[i] = pow(r->belief[i], fade) * (hit * p + (1.0 - hit) * (1.0 - p));
        sum += r->belief[i];
        keep = 1.0 - 1.0 / fmax(memory[i].dials, memory[i].seconds * per_second);
        r->hits[i] = r->hits[i] * keep + hit;
        r->seen[i] = r->seen[i] * keep + 1.0;
    }
    for (int i = 0; i < PACING_RATE_EXPERTS; i++)
        r->belief[i] =
            (r->belief[i] / sum + BELIEF_LEAST) / (1.0 + PACING_RATE_EXPERTS * BELIEF_LEAST);
    r->count++;
}

struct pacing_estimate pacing_rate_get(const struct pacing_rate *r)
{
    double mean = 0, square = 0;

    for (int i = 0; i < PACING_RATE_EXPERTS; i++) {
        double p = share(r, i);

        mean += r->belief[i] * p;
        square += r->belief[i] * (p * p + p * (1.0 - p) / (r->seen[i] + 1.0));
    }
    double variance = fmax(square - mean * mean, 1e-9);
    return (struct pacing_estimate){mean, mean * (1.0 - mean) / variance};
}
