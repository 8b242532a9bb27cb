/* Preview: a lead is offered to each agent who is free. A double tone on the agent's leg says so;
 * the agent's key 1 dials it, 2 skips it (offered again after skip_for, to anybody), and an offer
 * that is not answered within preview_time is dialled. The call that comes of it is this agent's:
 * nobody else is given to them meanwhile, and while it rings they hear it ring: hold's ringback, or
 * the tone. Keys are RFC 4733 events. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"

#define KEY_DIAL    '1'
#define KEY_SKIP    '2'
#define RING_MAX_MS 180000 /* of RFC 3261's timer C */

static const struct call_tone offer_tone = {
    .freq_hz = {1000, 0}, .level_ddb = -150, .on_ms = 400, .total_ms = 400};

static uint32_t number_of(const struct agent_slot *slot)
{
    return (uint32_t)(slot - slot->dialer->agents);
}

static void take_up(struct agent_slot *slot)
{
    loop_timer_stop(slot->dialer->loop, &slot->preview);
    slot->offer->lane->offers_accepted++;
    slot->stage = OFFER_ACCEPTED;
}

static void on_preview_time(struct timer *t)
{
    take_up(container_of(t, struct agent_slot, preview));
}

static void offer(struct agent_slot *slot, struct attempt *a)
{
    struct dialer *d = slot->dialer;

    lanes_move(slot, a->lane);
    slot->offer = a;
    slot->stage = OFFER_LOOKED_AT;
    a->wanted_by = slot;
    list_push_back(&d->offers, &a->node);
    desk_hold(d->desk, slot->agent, true);
    agents_pace(d, number_of(slot), AGENT_PACE_RESERVED);
    call_play_tone(agent_leg(slot->agent), &offer_tone, 0);
    loop_timer(d->loop, &slot->preview, d->policy.preview_ms, on_preview_time);
}

/* Of those they count for, else of others that they serve. */
static struct attempt *next_for(struct agent_slot *slot)
{
    struct dialer *d = slot->dialer;
    struct attempt *a = slot->lane ? feed_next(d, slot->lane) : NULL;

    for (uint32_t i = 0; i < d->lane_count && !a; i++)
        if (agent_is_in(agent_groups(slot->agent), d->lanes[i].group))
            a = feed_next(d, &d->lanes[i]);
    return a;
}

void preview_offer(struct dialer *d)
{
    for (uint32_t i = 0; i < d->agent_count; i++) {
        struct agent_slot *slot = &d->agents[i];
        struct attempt *a;

        if (slot->offer || agent_state(slot->agent) != AGENT_READY)
            continue;
        if ((a = next_for(slot)))
            offer(slot, a);
        else if (slot->lane)
            slot->lane->wanted++;
    }
}

/* The accepted ones, in the order they were offered. */
void preview_dial(struct dialer *d, struct lane *l, uint32_t most)
{
    list_each(n, next, &d->offers)
    {
        struct attempt *a = container_of(n, struct attempt, node);

        if (most == 0)
            return;
        if (a->wanted_by->stage != OFFER_ACCEPTED || a->lane != l)
            continue;
        most--;
        a->wanted_by->stage = OFFER_DIALLED;
        l->offers_accepted--;
        list_remove(&a->node);
        feed_dial(a);
    }
}

void preview_rings(struct attempt *a)
{
    struct dialer *d = a->dialer;
    const struct call_tone tone = call_ringback(RING_MAX_MS);
    struct call *leg = a->wanted_by ? agent_leg(a->wanted_by->agent) : NULL;

    if (leg &&
        (d->ringback ? call_play(leg, d->ringback, true, 0) : call_play_tone(leg, &tone, 0)) != OK)
        log_warn("dialer", "an agent hears no ringback", "agent=%s",
                 agent_name(a->wanted_by->agent));
}

void preview_key(struct agent_slot *slot, char digit)
{
    struct dialer *d = slot->dialer;

    if (slot->stage != OFFER_LOOKED_AT)
        return;
    if (digit == KEY_DIAL)
        take_up(slot);
    else if (digit == KEY_SKIP) {
        d->run->skipped++;
        feed_return(slot->offer, clock_wall_ms(d->loop->clock) + d->policy.skip_ms);
    }
}

void preview_agent_left(struct agent_slot *slot)
{
    struct attempt *a = slot->offer;

    if (!a)
        return;
    if (slot->stage != OFFER_DIALLED) {
        feed_return(a, 0);
        return;
    }
    preview_over(a);
    if (a->phase < ATTEMPT_ANALYSING) /* it rings for nobody now */
        attempt_take_back(a);
}

void preview_over(struct attempt *a)
{
    struct agent_slot *slot = a->wanted_by;

    if (!slot)
        return;
    a->wanted_by = NULL;
    slot->offer = NULL;
    a->lane->offers_accepted -= slot->stage == OFFER_ACCEPTED;
    slot->stage = OFFER_NONE;
    loop_timer_stop(slot->dialer->loop, &slot->preview);
    if (agent_leg(slot->agent))
        call_stop_audio(agent_leg(slot->agent));
    if (agent_state(slot->agent) == AGENT_READY) {
        desk_hold(slot->dialer->desk, slot->agent, false);
        agents_pace(slot->dialer, number_of(slot), AGENT_PACE_FREE);
    }
}

void preview_stop(struct dialer *d)
{
    list_each(n, next, &d->offers) feed_return(container_of(n, struct attempt, node), 0);
}
