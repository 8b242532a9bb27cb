/* The campaign's agents at the desk: what they do is told to the pacing, to the view and to whoever
 * waits for one of them. */
#include "dialer/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "campaign/fields.h"

#define AGENT_FROM_USER "peal"

static enum agent_pace pace_of(enum agent_state s)
{
    switch (s) {
    case AGENT_READY:
        return AGENT_PACE_FREE;
    case AGENT_TALKING:
        return AGENT_PACE_TALKING;
    case AGENT_WRAP_UP:
        return AGENT_PACE_WRAPPING;
    case AGENT_OFFLINE:
    case AGENT_CALLING:
    case AGENT_STATE_COUNT:
        break;
    }
    return AGENT_PACE_OUT;
}

static uint32_t agent_number(const struct dialer *d, const struct agent *a)
{
    uint32_t i = 0;

    while (i < d->agent_count && d->agents[i].agent != a)
        i++;
    return i;
}

struct agent_slot *agents_slot(struct dialer *d, const struct agent *a)
{
    uint32_t i = agent_number(d, a);

    return i < d->agent_count ? &d->agents[i] : NULL;
}

void agents_count(const struct dialer *d, uint32_t by_pace[AGENT_PACE_STATES])
{
    memset(by_pace, 0, AGENT_PACE_STATES * sizeof(*by_pace));
    for (uint32_t i = 0; i < d->agent_count; i++)
        by_pace[d->agents[i].pace]++;
}

void agents_pace(struct dialer *d, uint32_t agent, enum agent_pace pace)
{
    const struct lane *l = d->agents[agent].lane;

    watch_agent(d, agent, pace);
    if (l)
        pacing_agent(l->pacing, agent, pace, loop_now_ms(d->loop));
}

static void on_agent_state(void *arg, struct agent *a, enum agent_state was)
{
    struct dialer *d = arg;
    uint32_t number = agent_number(d, a);

    if (number == d->agent_count)
        return;
    /* An agent who ended the talk by hanging up is called again: on the way back, not gone. Taken
     * for a break, the pacing would learn that most agents leave after a call, and dial for few. */
    if (was == AGENT_WRAP_UP && agent_state(a) == AGENT_CALLING)
        return;
    supervise_agent(&d->supervision, a);
    agents_pace(d, number, pace_of(agent_state(a)));
    if (agent_state(a) != AGENT_READY && agent_state(a) != AGENT_TALKING)
        preview_agent_left(&d->agents[number]);
    if (agent_state(a) == AGENT_READY) {
        lanes_place(&d->agents[number]);
        attempt_offer_agent(d);
        dialer_look_soon(d);
    }
}

struct agent *agents_of_lead(const struct attempt *a)
{
    const struct dialer *d = a->dialer;
    char name[sizeof(d->campaign->agents->name)];

    if (!fields_text(slice_cstr(a->task.fields), "agent", name, sizeof(name)))
        return NULL;
    for (uint32_t i = 0; i < d->agent_count; i++) {
        const struct agent_slot *slot = &d->agents[i];

        if (strcmp(agent_name(slot->agent), name) == 0)
            return agent_state(slot->agent) == AGENT_READY && slot->stage == OFFER_NONE
                       ? slot->agent
                       : NULL;
    }
    return NULL;
}

/* Whom the agent talks to. Not by the call's handler, which may be a flow's. */
static struct attempt *attempt_of(struct dialer *d, const struct agent *agent)
{
    list_each(n, next, &d->live)
    {
        struct attempt *a = container_of(n, struct attempt, node);

        if (a->agent == agent)
            return a;
    }
    return NULL;
}

static void on_talk_ended(void *arg, struct agent *a, struct call *callee, bool by_agent)
{
    struct attempt *attempt = by_agent ? attempt_of(arg, a) : NULL;

    (void)callee;
    if (attempt)
        attempt_agent_left(attempt);
}

static void on_agent_key(void *arg, struct agent *a, char digit)
{
    struct dialer *d = arg;
    uint32_t number = agent_number(d, a);

    if (number < d->agent_count)
        preview_key(&d->agents[number], digit);
}

static uint32_t on_wrap_up(void *arg, const struct agent *a)
{
    const struct dialer *d = arg;
    const struct dialer_model *m = d->config.model;

    return m ? m->wrap_up_ms(m->arg, agent_number(d, a)) : agent_wrap_up_ms(a);
}

static void on_talk_key(void *arg, struct agent *a, struct call *callee, char digit)
{
    const struct dialer *d = arg;
    struct attempt *attempt = attempt_of(arg, a);

    (void)callee;
    if (digit == d->campaign->hold.key)
        desk_park(a, !desk_is_parked(a), d->hold_music);
    else if (attempt)
        attempt_agent_chose(attempt, digit);
}

enum err agents_open(struct dialer *d)
{
    static const struct desk_handler handler = {on_agent_state, on_talk_ended, on_agent_key,
                                                on_wrap_up, on_talk_key};
    const struct campaign *c = d->campaign;
    enum err e = desk_open(&d->desk, d->env, &handler, d);

    if (e != OK)
        return e;
    supervise_init(&d->supervision, d->loop, d->desk, c->supervision.pin);
    d->agents = calloc(c->agent_count ? c->agent_count : 1, sizeof(*d->agents));
    if (!d->agents)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < c->agent_count && e == OK; i++) {
        struct desk_agent_config agent = {
            .name = c->agents[i].name,
            .uri = c->agents[i].uri,
            .from_user = AGENT_FROM_USER,
            .wrap_up_ms = c->agents[i].wrap_up_ms,
            .place = c->agents[i].place,
            .nat = (enum call_nat)c->agents[i].nat,
            .keep_alive_ms = c->agents[i].keep_alive_ms,
            .codecs = c->agents[i].codecs,
            .groups = c->agents[i].groups,
        };

        e = desk_add(d->desk, &agent, &d->agents[i].agent);
        d->agents[i].dialer = d;
        timer_init(&d->agents[i].preview);
        d->agents[i].since_ms = loop_now_ms(d->loop);
        d->agent_count = i + 1;
        if (i < RUN_AGENTS_MAX) {
            snprintf(d->run->agent[i].name, sizeof(d->run->agent[i].name), "%s", agent.name);
            d->run->agent_listed = i + 1;
        }
    }
    d->run->agents = c->agent_count;
    if (e == OK)
        lanes_begin(d);
    return e;
}
