/* This engine among the others of its campaign: once a second it says that it is there, hears who
 * else is, takes its part of the campaign's limits by its agents, and its budget meets the others'.
 */
#include "dialer/internal.h"

#include <math.h>
#include <stdio.h>

#include "base/log.h"

static uint32_t agents_here(const struct dialer *d)
{
    uint32_t n[AGENT_PACE_STATES];

    agents_count(d, n);
    return n[AGENT_PACE_FREE] + n[AGENT_PACE_RESERVED] + n[AGENT_PACE_TALKING] +
           n[AGENT_PACE_WRAPPING];
}

/* Engines in the order of their names, each as wide as its agents; without any agents (or in a
 * campaign that needs none) all are equal. */
static void take_part(struct dialer *d, const struct queue_shared *s)
{
    struct pacing_part part = {0};
    double whole = 0, upto = 0;
    uint64_t agents = 0;

    for (uint32_t i = 0; i < s->engines; i++)
        agents += s->engine[i].gone ? 0 : s->engine[i].agents;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < s->engines; i++) {
            const struct queue_engine *e = &s->engine[i];
            double width = e->gone ? 0 : agents ? e->agents : 1;

            if (pass == 0) {
                whole += width;
                continue;
            }
            if (e->self) {
                part.from = upto / whole;
                part.to = (upto + width) / whole;
            } else if (!e->gone) {
                part.others_in_air += e->calls;
            }
            upto += width;
        }
    pacing_set_part(d->lanes[0].pacing, &part);
}

/* Says who has come and who is gone, once. */
static void notice(struct dialer *d, const struct queue_shared *s)
{
    for (uint32_t i = 0; i < s->engines; i++) {
        const struct queue_engine *e = &s->engine[i], *was = NULL;

        for (uint32_t k = 0; k < d->others.engines && !was; k++)
            if (strcmp(d->others.engine[k].name, e->name) == 0)
                was = &d->others.engine[k];
        if (e->self || (was && was->gone == e->gone))
            continue;
        if (!e->gone)
            log_info("dialer", "another engine works on this campaign", "engine=%s agents=%u",
                     e->name, e->agents);
        else if (was)
            log_warn("dialer",
                     "an engine of this campaign is gone; its part of the limits is the others' "
                     "now, its calls are settled when their leases run out",
                     "engine=%s calls=%u", e->name, e->calls);
    }
    d->others = *s;
}

static void on_shared(void *arg, enum err e, const struct queue_shared *s)
{
    struct dialer *d = arg;

    d->sharing = false;
    if (e != OK)
        return;
    pacing_budget_agreed(d->lanes[0].pacing, &d->given, s->number);
    notice(d, s);
    take_part(d, s);
}

void share_tell(struct dialer *d)
{
    if (d->sharing || !queue_up(d->queue) || d->stage >= DIALER_LEAVING)
        return;
    pacing_budget_of(d->lanes[0].pacing, &d->given);
    const struct queue_presence p = {
        .agents = agents_here(d),
        .calls = d->in_air,
        .moved = d->given.moved,
        .ceiling = d->given.ceiling,
        .start = d->given.s,
    };
    d->sharing = queue_share(d->queue, &p, on_shared, d) == OK;
}

void share_leave(struct dialer *d)
{
    if (queue_up(d->queue))
        queue_leave(d->queue, NULL, NULL);
}
