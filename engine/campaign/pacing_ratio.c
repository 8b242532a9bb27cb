/* Calls for the agents who are free now: one each (progressive), or a fixed number each (ratio).
 *
 * A ratio is what its user has chosen, and a most: no more calls than are expected to be answered,
 * with once their spread, by as many people as agents are free. More would mostly abandon people;
 * and a campaign over its cap has one call an agent until it is below again, with its agents less
 * busy than at a lower ratio. Until the share of answers is known well, it counts by its error
 * higher. */
#include "campaign/pacing_internal.h"

#include <math.h>

/* Calls that may still ask for an agent. */
static uint32_t undecided(const struct pacing *p)
{
    return p->state.calls[PACING_LAUNCHED] + p->state.calls[PACING_RINGING] +
           p->state.calls[PACING_ANSWERED];
}

static double abandoned_percent(const struct pacing *p)
{
    return p->state.live ? 100.0 * (double)p->state.abandoned / (double)p->state.live : 0.0;
}

/* More abandoned than the cap allows of the answers so far. The first is no share yet: one of the
 * first thirty would stop a short campaign for most of its time, and hardly spare anybody. */
static bool over_cap(const struct pacing *p)
{
    double allowed = p->config.cap_percent / 100.0 * (double)p->state.live;

    return (double)p->state.abandoned > allowed + 1;
}

/* How many more calls the free agents can be expected to take: with m answers to come of them and
 * of those that ring, m + √m (a Poisson's spread) is at most the number of agents. */
uint32_t pacing_takes(struct pacing *p, uint64_t now_ms, uint32_t free_now, double *chance)
{
    double expected = pacing_expect(p, now_ms, chance);
    double most = free_now + 0.5 - sqrt(free_now + 0.25);

    return most > expected ? (uint32_t)((most - expected) / *chance + 1e-9) : 0;
}

void pacing_for_free(struct pacing *p, uint64_t now_ms, struct wish *w)
{
    const uint32_t *agents = p->state.agents;
    uint32_t waiting = p->state.calls[PACING_WAITING], open = undecided(p);
    uint32_t free_now = agents[AGENT_PACE_FREE] > waiting ? agents[AGENT_PACE_FREE] - waiting : 0;
    bool by_ratio = p->config.policy.mode == PACING_RATIO;
    bool over = by_ratio && over_cap(p);
    bool spent = by_ratio && p->common->budget.spent;
    double ratio = by_ratio && !over && !spent ? p->config.policy.ratio : 1.0, chance = 1;
    uint32_t target = (uint32_t)(ratio * free_now + 1e-9), held = target;

    if (ratio > 1 && target > open) {
        held = open + pacing_takes(p, now_ms, free_now, &chance);
        held = held > free_now ? held : free_now; /* one call each is without risk */
        held = held < target ? held : target;
    }
    w->calls = held > open ? held - open : 0;
    if (free_now == 0)
        pacing_explain(w, "no agent is free (%u talking, %u wrapping up, %u out)",
                       agents[AGENT_PACE_TALKING] + agents[AGENT_PACE_RESERVED],
                       agents[AGENT_PACE_WRAPPING],
                       agents[AGENT_PACE_OUT] + agents[AGENT_PACE_LEAVING]);
    else if (spent)
        pacing_explain(w,
                       "%u free agents, %u calls out; one call an agent: the abandonment of 30 "
                       "days is at its cap of %.1f %%",
                       free_now, open, p->config.cap_percent);
    else if (over)
        pacing_explain(
            w, "%u free agents, %u calls out; one call an agent: abandoned %.1f %% is over %.1f %%",
            free_now, open, abandoned_percent(p), p->config.cap_percent);
    else if (held < target)
        pacing_explain(
            w,
            "%u free agents × %.3g = %u calls, held to %u, %u out: of more, too many may "
            "answer (%.0f %% expected)",
            free_now, ratio, target, held, open, 100 * chance);
    else
        pacing_explain(w, "%u free agents × %.3g = %u calls, %u out", free_now, ratio, target,
                       open);
}
