/* The best that can be done in the memoryless case, by a dynamic program.
 *
 * Ring and talk are exponential, T = 0, no wrap-up: all there is to know is how many agents are
 * free and how many calls are in the air. A served answer earns 1, an abandoned one costs λ;
 * relative value iteration of the uniformised chain gives for each state the number of calls to
 * have in the air. λ is tuned by the benchmark until 3 % are abandoned. */
#include "bench/pacing_policies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AIR_MAX   160 /* calls in the air */
#define ROUNDS    20000
#define NEAR      1e-7
#define AGENT_MAX 24

struct dp {
    struct sim *sim;
    uint16_t want[AGENT_MAX + 1][AIR_MAX + 1];
    double value[AGENT_MAX + 1][AIR_MAX + 1], next[AGENT_MAX + 1][AIR_MAX + 1];
};

bool pacing_dp_fits(const struct sim_load *l)
{
    return l->ring_cv == 0 && l->talk_cv == 0 && l->limit_s == 0 && l->wrap_mean == 0 &&
           l->machines == 0 && l->failures == 0 && l->agents <= AGENT_MAX;
}

/* One step of the uniformised chain from (free, air) before anything is launched. */
static double step(const struct dp *d, const struct sim_load *l, double penalty, uint32_t free,
                   uint32_t air)
{
    double ring = 1 / l->ring_mean, talk = 1 / l->talk_mean;
    double total = AIR_MAX * ring + l->agents * talk;
    double ends = air * ring / total, frees = (l->agents - free) * talk / total;
    double v = (1 - ends - frees) * d->value[free][air];

    if (frees > 0)
        v += frees * d->value[free + 1][air];
    if (air > 0) {
        double live = free > 0 ? 1 + d->value[free - 1][air - 1] : -penalty + d->value[0][air - 1];
        v += ends * (l->p * live + (1 - l->p) * d->value[free][air - 1]);
    }
    return v;
}

static void solve(struct dp *d, const struct sim_load *l, double penalty)
{
    static double reached[AIR_MAX + 1];
    double change = 1;

    for (int round = 0; round < ROUNDS && change > NEAR; round++) {
        double low = 1e30, high = -1e30;

        for (uint32_t free = 0; free <= l->agents; free++) {
            for (uint32_t air = 0; air <= AIR_MAX; air++)
                reached[air] = step(d, l, penalty, free, air);
            uint32_t best = AIR_MAX; /* of those from here up: launching takes no time */
            for (uint32_t air = AIR_MAX + 1; air-- > 0;) {
                if (reached[air] >= reached[best])
                    best = air;
                d->next[free][air] = reached[best];
                d->want[free][air] = (uint16_t)best;
            }
        }
        for (uint32_t free = 0; free <= l->agents; free++)
            for (uint32_t air = 0; air <= AIR_MAX; air++) {
                double by = d->next[free][air] - d->value[free][air];
                low = fmin(low, by);
                high = fmax(high, by);
            }
        change = high - low;
        double base = d->next[0][0];
        for (uint32_t free = 0; free <= l->agents; free++)
            for (uint32_t air = 0; air <= AIR_MAX; air++)
                d->value[free][air] = d->next[free][air] - base;
    }
}

void *pacing_dp_open(struct sim *s, double parameter)
{
    const struct sim_load *l = sim_load_of(s);
    struct dp *d = calloc(1, sizeof(*d));

    if (!d || !pacing_dp_fits(l)) {
        free(d);
        return NULL;
    }
    d->sim = s;
    solve(d, l, exp(parameter));
    return d;
}

void pacing_dp_decide(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                      struct pacing_advice *out)
{
    struct dp *d = policy;
    const struct sim_view *v = sim_look(d->sim);
    uint32_t air = v->ringing < AIR_MAX ? v->ringing : AIR_MAX;

    (void)now_ms;
    (void)limits;
    out->launch = d->want[v->free < AGENT_MAX ? v->free : AGENT_MAX][air] - air;
}
