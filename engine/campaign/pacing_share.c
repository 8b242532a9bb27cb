/* What engines of one campaign share: the abandonment budget (one ln θ, one account) and the limits
 * of the campaign as a whole. Agents and the calls made for them are each engine's own; so is what
 * it learned: they need no agreement. */
#include "campaign/pacing_internal.h"

#include <math.h>

void pacing_account(struct pacing *p, const struct pacing_account *a)
{
    pacing_budget_account(&p->common->budget, a);
}

void pacing_budget_of(const struct pacing *p, struct pacing_budget_share *out)
{
    pacing_budget_give(&p->common->budget, out);
}

void pacing_budget_agreed(struct pacing *p, const struct pacing_budget_share *given, double s)
{
    pacing_budget_take(&p->common->budget, given, s);
}

void pacing_set_part(struct pacing *p, const struct pacing_part *part)
{
    p->common->part = *part;
}

/* Whole numbers between the two ends: whoever's part begins where another's ends leaves no gap. */
uint32_t pacing_part_of(const struct pacing_part *part, uint32_t whole)
{
    double from = floor(part->from * whole + 1e-6), to = floor(part->to * whole + 1e-6);

    return to > from ? (uint32_t)(to - from) : 0;
}

/* How many calls may be in the air here. A part that grows (an engine has left) and one that
 * shrinks (one has come) are not seen by all at once: what others have in the air counts, too. */
bool pacing_concurrent(const struct pacing *p, uint32_t *most)
{
    uint32_t all = p->config.policy.concurrent, others = p->common->part.others_in_air;

    if (all == 0)
        return false;
    *most = pacing_part_of(&p->common->part, all);
    if (*most > all - (others < all ? others : all))
        *most = all - (others < all ? others : all);
    return true;
}

double pacing_rate_limit(const struct pacing *p)
{
    const struct campaign_pacing *policy = &p->config.policy;
    double part = policy->calls_per_second > 0
                      ? policy->calls_per_second * (p->common->part.to - p->common->part.from)
                      : HUGE_VAL;

    return policy->engine_calls_per_second > 0 ? fmin(part, policy->engine_calls_per_second) : part;
}
