/* Lanes: leads whose people go to one group of agents, and who dials for them (campaign/lists.h
 * tells which leads those are). A campaign without groups has one lane, of anybody.
 *
 * Each lane has a pacing of its own, so that calls are made for agents who can get them; what the
 * campaign may do as a whole is common to all (pacing_config.with). An agent of several groups
 * counts for one lane at a time, and desk_longest_ready takes those of a lane first: two calls
 * never rely on one agent. Whenever they are ready they count for the lane with the fewest agents
 * of those that have leads; while they are free and their lane has no leads, they go to one that
 * has. A lane that nobody counts for looks now and then whether there is a lead, for whoever is
 * ready next.
 *
 * Leads of lanes that want none are held in Redis (QUEUE_HELD): neither new ones nor due ones are
 * claimed, and they are in nobody's way. */
#include "dialer/internal.h"

#include <stdio.h>

#include "campaign/lists.h"
#include "dialer/lists.h"

#define PROBE_MS 2000 /* of a lane that nobody counts for */

struct lane *lane_of(struct dialer *d, const struct queue_task *task)
{
    uint8_t group = campaign_group_of(d->campaign, slice_cstr(task->fields), RESULT_HUMAN);

    for (uint32_t i = 1; i < d->lane_count; i++)
        if (d->lanes[i].group == group)
            return &d->lanes[i];
    return &d->lanes[0];
}

bool lane_is_dry(const struct lane *l)
{
    return l->exhausted && l->stock_count == 0;
}

enum err lanes_open(struct dialer *d)
{
    const struct campaign *c = d->campaign;
    uint8_t groups[CAMPAIGN_LANES_MAX];
    uint32_t n = campaign_lanes(c, groups);
    struct pacing_config config = {
        .policy = d->policy,
        .max_calls = c->max_calls,
        .max_agents = c->agent_count ? c->agent_count : 1,
        .limit_ms = c->abandonment.limit_ms,
        .cap_percent = c->abandonment.cap_percent,
    };
    enum err e = OK;

    for (uint32_t i = 0; i < n && e == OK; i++) {
        struct lane *l = &d->lanes[i];

        l->group = groups[i];
        l->name = agent_group_name(&c->groups, groups[i]);
        list_init(&l->stock);
        config.with = i ? d->lanes[0].pacing : NULL;
        e = pacing_open(&l->pacing, &config);
        d->lane_count = i + 1;
    }
    return e;
}

void lanes_close(struct dialer *d)
{
    for (uint32_t i = d->lane_count; i-- > 0;)
        pacing_close(d->lanes[i].pacing);
}

static void look(const struct dialer *d, const struct lane *l, struct pacing_state *s)
{
    pacing_look(l->pacing, loop_now_ms(d->loop), s);
}

void lanes_look(const struct dialer *d, struct pacing_state *sum)
{
    struct pacing_state s;

    look(d, &d->lanes[0], sum);
    for (uint32_t i = 1; i < d->lane_count; i++) {
        look(d, &d->lanes[i], &s);
        sum->connected += s.connected;
        sum->calls_per_second += s.calls_per_second;
    }
}

/* ---- whom an agent counts for ---- */

static bool serves(const struct agent_slot *slot, const struct lane *l)
{
    return agent_is_in(agent_groups(slot->agent), l->group);
}

void lanes_move(struct agent_slot *slot, struct lane *to)
{
    struct dialer *d = slot->dialer;
    uint32_t number = (uint32_t)(slot - d->agents);
    uint64_t now = loop_now_ms(d->loop);

    /* One who talks or wraps up is of the call that they had. */
    if (slot->lane == to || slot->pace == AGENT_PACE_TALKING || slot->pace == AGENT_PACE_WRAPPING)
        return;
    if (slot->lane)
        pacing_agent(slot->lane->pacing, number, AGENT_PACE_ELSEWHERE, now);
    slot->lane = to;
    desk_count_for(slot->agent, to ? to->group : AGENT_GROUP_ANY);
    if (to)
        pacing_agent(to->pacing, number, slot->pace, now);
}

static uint32_t agents_of(const struct dialer *d, const struct lane *l)
{
    struct pacing_state s;

    look(d, l, &s);
    return s.agents[AGENT_PACE_FREE] + s.agents[AGENT_PACE_RESERVED] +
           s.agents[AGENT_PACE_TALKING] + s.agents[AGENT_PACE_WRAPPING];
}

/* Of the lanes an agent serves, the one with the fewest agents; with_leads: of those that have any.
 */
static struct lane *neediest(struct dialer *d, const struct agent_slot *slot, bool with_leads)
{
    struct lane *best = NULL;
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct lane *l = &d->lanes[i];

        if (!serves(slot, l) || (with_leads && lane_is_dry(l)))
            continue;
        uint32_t n = 2 * agents_of(d, l);

        n -= slot->lane == l && slot->pace != AGENT_PACE_OUT ? 2 : 0; /* the others */
        n += slot->lane != l; /* who has no reason to go stays */
        if (n < least) {
            least = n;
            best = l;
        }
    }
    return best;
}

void lanes_place(struct agent_slot *slot)
{
    struct dialer *d = slot->dialer;
    struct lane *l = neediest(d, slot, true);

    lanes_move(slot, l ? l : neediest(d, slot, false));
}

void lanes_begin(struct dialer *d)
{
    for (uint32_t i = 0; i < d->agent_count; i++) {
        for (uint32_t k = 0; k < d->lane_count; k++)
            pacing_agent(d->lanes[k].pacing, i, AGENT_PACE_ELSEWHERE, loop_now_ms(d->loop));
        d->agents[i].lane = NULL;
        lanes_place(&d->agents[i]);
    }
}

void lanes_take(struct attempt *a, struct agent *agent)
{
    struct dialer *d = a->dialer;
    struct agent_slot *slot = agents_slot(d, agent);

    if (d->lane_count > 1 && slot && serves(slot, a->lane))
        lanes_move(slot, a->lane);
}

/* Free agents whom no call under way may need. */
static int64_t spare(const struct dialer *d, const struct lane *l)
{
    struct pacing_state s;

    look(d, l, &s);
    return (int64_t)s.agents[AGENT_PACE_FREE] - s.calls[PACING_LAUNCHED] - s.calls[PACING_RINGING] -
           s.calls[PACING_ANSWERED] - s.calls[PACING_WAITING];
}

void lanes_balance(struct dialer *d)
{
    int64_t left[CAMPAIGN_LANES_MAX];
    bool any = false;

    for (uint32_t i = 0; i < d->lane_count; i++) {
        left[i] = d->lane_count > 1 && lane_is_dry(&d->lanes[i]) ? spare(d, &d->lanes[i]) : 0;
        any = any || left[i] > 0;
    }
    for (uint32_t i = 0; i < d->agent_count && any; i++) {
        struct agent_slot *slot = &d->agents[i];
        struct lane *to;

        if (slot->pace != AGENT_PACE_FREE || !slot->lane || left[slot->lane - d->lanes] <= 0)
            continue;
        if ((to = neediest(d, slot, true))) {
            left[slot->lane - d->lanes]--;
            lanes_move(slot, to);
        }
    }
}

/* ---- leads ---- */

static bool somebody_serves(const struct dialer *d, const struct lane *l)
{
    for (uint32_t i = 0; i < d->agent_count; i++)
        if (d->agents[i].pace != AGENT_PACE_OUT && serves(&d->agents[i], l))
            return true;
    return false;
}

uint32_t lanes_wanted(struct dialer *d)
{
    uint64_t now = loop_now_ms(d->loop);
    uint32_t sum = 0;

    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct lane *l = &d->lanes[i];

        if (d->lane_count > 1 && !l->wanted && !l->stock_count && now >= l->probe_ms &&
            d->policy.mode != PACING_AGENTLESS) {
            l->probe_ms = now + PROBE_MS;
            l->wanted = somebody_serves(d, l) && agents_of(d, l) == 0;
        }
        l->asked = now >= l->ask_after_ms ? l->wanted : 0;
        sum += l->asked;
    }
    return sum;
}

void lanes_claimed(struct dialer *d, uint32_t asked, uint32_t got, uint32_t pause_ms)
{
    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct lane *l = &d->lanes[i];

        if (!l->asked)
            continue;
        l->exhausted = got < asked;
        if (got == 0)
            l->ask_after_ms = loop_now_ms(d->loop) + pause_ms;
    }
}

bool lanes_work(const struct dialer *d)
{
    struct pacing_state s;

    if (d->lane_count == 1)
        return desk_longest_ready(d->desk, AGENT_GROUP_ANY);
    for (uint32_t i = 0; i < d->lane_count; i++) {
        look(d, &d->lanes[i], &s);
        if (s.agents[AGENT_PACE_FREE] && !lane_is_dry(&d->lanes[i]))
            return true;
    }
    return false;
}

void lanes_share(struct dialer *d)
{
    uint32_t held = 0;

    for (uint32_t i = 0; i < d->lane_count; i++)
        if (d->lane_count > 1 && !d->lanes[i].asked)
            held |= 1u << d->lanes[i].group;
    lists_share(d->queue, d->campaign, held);
}
