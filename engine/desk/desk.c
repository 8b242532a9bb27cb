/* Agents' legs and states. Each agent is a small state machine driven by three things: the events
 * of its leg, one timer (wrap-up or retry), and the dialer's connect and callee-left. */
#include "desk/desk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"

#define AGENT_RING_TIMEOUT_MS 30000

struct agent {
    struct desk *desk;
    char name[64], uri[256], from_user[64];
    struct addr via;
    uint8_t place;
    enum call_nat nat;
    uint32_t keep_alive_ms;
    uint32_t wrap_up_ms, retry_ms;
    struct sdp_codecs codecs;
    enum agent_state state;
    struct call *leg;
    struct call *callee;
    bool parked; /* the callee is held */
    uint32_t groups;
    uint8_t counts_for;
    struct timer timer;
    struct list_node ready_node; /* in desk->ready while READY, longest first */
};

struct desk {
    struct call_env *env;
    struct loop *loop;
    struct desk_handler handler;
    void *arg;
    bool running;
    uint32_t count;
    struct list ready;
    struct agent *agents[DESK_AGENTS_MAX];
};

static void agent_call(struct agent *a);

const char *agent_state_name(enum agent_state s)
{
    static const char *const names[AGENT_STATE_COUNT] = {
        [AGENT_OFFLINE] = "offline", [AGENT_CALLING] = "calling", [AGENT_READY] = "ready",
        [AGENT_TALKING] = "talking", [AGENT_WRAP_UP] = "wrap_up",
    };

    return (unsigned)s < AGENT_STATE_COUNT ? names[s] : "unknown";
}

static void agent_set(struct agent *a, enum agent_state state)
{
    enum agent_state was = a->state;

    if (was == state)
        return;
    a->state = state;
    list_remove(&a->ready_node);
    if (state == AGENT_READY)
        list_push_back(&a->desk->ready, &a->ready_node);
    a->desk->handler.state(a->desk->arg, a, was);
}

static void on_retry(struct timer *t)
{
    agent_call(container_of(t, struct agent, timer));
}

static void agent_retry_later(struct agent *a)
{
    a->retry_ms = a->retry_ms ? a->retry_ms * 2 : DESK_RETRY_MIN_MS;
    if (a->retry_ms > DESK_RETRY_MAX_MS)
        a->retry_ms = DESK_RETRY_MAX_MS;
    agent_set(a, AGENT_OFFLINE);
    loop_timer(a->desk->loop, &a->timer, a->retry_ms, on_retry);
}

static void on_wrapped_up(struct timer *t)
{
    struct agent *a = container_of(t, struct agent, timer);

    if (!a->desk->running)
        agent_set(a, AGENT_OFFLINE);
    else if (a->leg)
        agent_set(a, AGENT_READY);
    else
        agent_call(a);
}

static void agent_wrap_up(struct agent *a)
{
    const struct desk *d = a->desk;
    uint32_t ms = d->handler.wrap_up_ms ? d->handler.wrap_up_ms(d->arg, a) : a->wrap_up_ms;

    a->callee = NULL;
    agent_set(a, AGENT_WRAP_UP);
    if (!a->desk->running && a->leg)
        call_hangup(a->leg, 0);
    loop_timer(a->desk->loop, &a->timer, ms, on_wrapped_up);
}

static void leg_lost(struct agent *a)
{
    struct call *callee = a->callee;

    call_release(a->leg);
    a->leg = NULL;
    switch (a->state) {
    case AGENT_TALKING:
        agent_wrap_up(a);
        a->desk->handler.talk_ended(a->desk->arg, a, callee, true);
        break;
    case AGENT_WRAP_UP: /* on_wrapped_up calls again */
        break;
    case AGENT_READY: /* left while idle: they are called back like after a failure */
    case AGENT_CALLING:
    case AGENT_OFFLINE:
    case AGENT_STATE_COUNT:
        if (a->desk->running)
            agent_retry_later(a);
        else
            agent_set(a, AGENT_OFFLINE);
        break;
    }
}

static void on_leg(void *arg, struct call *c, const struct call_event *e)
{
    struct agent *a = arg;

    (void)c;
    switch (e->kind) {
    case CALL_EV_ANSWERED:
        a->retry_ms = 0;
        call_detect(a->leg, DSP_OFF);
        if (a->desk->running)
            agent_set(a, AGENT_READY);
        else
            call_hangup(a->leg, 0);
        break;
    case CALL_EV_ENDED:
        if (a->state == AGENT_CALLING)
            log_warn("desk", "the agent's leg could not be set up", "agent=%s uri=%s sip_code=%u",
                     a->name, a->uri, e->code);
        leg_lost(a);
        break;
    case CALL_EV_DTMF:
        if (a->state == AGENT_READY && a->desk->handler.key)
            a->desk->handler.key(a->desk->arg, a, e->digit);
        else if (a->state == AGENT_TALKING && a->desk->handler.talk_key)
            a->desk->handler.talk_key(a->desk->arg, a, a->callee, e->digit);
        break;
    default:
        break;
    }
}

static void agent_call(struct agent *a)
{
    struct call_dial dial = {
        .to_uri = a->uri,
        .via = a->via,
        .place = a->place,
        .nat = a->nat,
        .keep_alive_ms = a->keep_alive_ms,
        .from_user = a->from_user,
        .ring_timeout_ms = AGENT_RING_TIMEOUT_MS,
        .codecs = a->codecs.n ? &a->codecs : NULL,
    };

    if (!a->desk->running)
        return;
    agent_set(a, AGENT_CALLING);
    enum err e = call_dial(a->desk->env, &dial, on_leg, a, &a->leg);
    if (e != OK) {
        a->leg = NULL;
        log_warn("desk", "the agent's leg could not be started", "agent=%s uri=%s error=%s",
                 a->name, a->uri, err_name(e));
        agent_retry_later(a);
    }
}

enum err desk_open(struct desk **out, struct call_env *env, const struct desk_handler *handler,
                   void *arg)
{
    struct desk *d = calloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    d->env = env;
    d->loop = call_env_loop(env);
    d->handler = *handler;
    d->arg = arg;
    list_init(&d->ready);
    *out = d;
    return OK;
}

void desk_close(struct desk *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->count; i++) {
        loop_timer_stop(d->loop, &d->agents[i]->timer);
        free(d->agents[i]);
    }
    free(d);
}

enum err desk_add(struct desk *d, const struct desk_agent_config *config, struct agent **out)
{
    if (d->count == DESK_AGENTS_MAX)
        return ERR_FULL;
    struct agent *a = calloc(1, sizeof(*a));
    if (!a)
        return ERR_NOMEM;
    enum err e = slice_copy(slice_cstr(config->name), a->name, sizeof(a->name));
    if (e == OK)
        e = slice_copy(slice_cstr(config->uri), a->uri, sizeof(a->uri));
    if (e == OK)
        e = slice_copy(slice_cstr(config->from_user), a->from_user, sizeof(a->from_user));
    if (e != OK) {
        free(a);
        return e;
    }
    a->desk = d;
    a->via = config->via;
    a->wrap_up_ms = config->wrap_up_ms;
    a->place = config->place;
    a->nat = config->nat;
    a->keep_alive_ms = config->keep_alive_ms;
    a->codecs = config->codecs;
    a->groups = config->groups | AGENT_IN_NO_GROUP;
    timer_init(&a->timer);
    list_node_init(&a->ready_node);
    d->agents[d->count++] = a;
    if (out)
        *out = a;
    return OK;
}

void desk_start(struct desk *d)
{
    d->running = true;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->agents[i]->state == AGENT_OFFLINE)
            agent_call(d->agents[i]);
}

void desk_stop(struct desk *d)
{
    d->running = false;
    for (uint32_t i = 0; i < d->count; i++) {
        struct agent *a = d->agents[i];

        if (a->state == AGENT_TALKING)
            continue;
        loop_timer_stop(d->loop, &a->timer);
        agent_set(a, AGENT_OFFLINE);
        if (a->leg)
            call_hangup(a->leg, 0);
    }
}

bool desk_is_idle(const struct desk *d)
{
    if (d->running)
        return false;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->agents[i]->leg)
            return false;
    return true;
}

struct agent *desk_longest_ready(const struct desk *d, uint8_t group)
{
    struct agent *other = NULL;

    list_each(n, next, &d->ready)
    {
        struct agent *a = container_of(n, struct agent, ready_node);

        if (!agent_is_in(a->groups, group))
            continue;
        if (a->counts_for == group)
            return a;
        if (!other)
            other = a;
    }
    return other;
}

void desk_count_for(struct agent *a, uint8_t group)
{
    a->counts_for = group;
}

void desk_hold(struct desk *d, struct agent *a, bool on)
{
    if (a->state != AGENT_READY)
        return;
    list_remove(&a->ready_node);
    if (!on)
        list_push_back(&d->ready, &a->ready_node);
}

enum err desk_connect(struct desk *d, struct agent *a, struct call *callee)
{
    (void)d;
    assert(a->state == AGENT_READY && a->leg);
    /* Somebody who listens to the agent may be there already. */
    bool alone = call_together(a->leg) == 0;
    enum err e = alone ? call_bridge(a->leg, callee) : call_conference(callee, a->leg);
    if (e != OK)
        return e;
    a->callee = callee;
    a->parked = false;
    agent_set(a, AGENT_TALKING);
    return OK;
}

void desk_callee_left(struct desk *d, struct agent *a)
{
    struct call *callee = a->callee;

    if (a->state != AGENT_TALKING)
        return;
    call_unbridge(callee); /* who listens to the agent stays */
    agent_wrap_up(a);
    d->handler.talk_ended(d->arg, a, callee, false);
}

enum err desk_park(struct agent *a, bool on, const struct sound *music)
{
    if (a->state != AGENT_TALKING)
        return ERR_STATE;
    enum err e = on ? call_park(a->callee, music) : call_unpark(a->callee, a->leg);

    if (e != OK)
        log_warn("desk", "the callee could not be held, or taken back", "agent=%s error=%s",
                 a->name, err_name(e));
    else
        a->parked = on;
    return e;
}

bool desk_is_parked(const struct agent *a)
{
    return a->state == AGENT_TALKING && a->parked;
}

struct desk_counts desk_counts(const struct desk *d)
{
    struct desk_counts counts = {.total = d->count};

    for (uint32_t i = 0; i < d->count; i++)
        counts.by_state[d->agents[i]->state]++;
    return counts;
}

struct agent *desk_find(const struct desk *d, struct slice name)
{
    for (uint32_t i = 0; d && i < d->count; i++)
        if (slice_eq(name, slice_cstr(d->agents[i]->name)))
            return d->agents[i];
    return NULL;
}

const char *agent_name(const struct agent *a)
{
    return a->name;
}
enum agent_state agent_state(const struct agent *a)
{
    return a->state;
}
struct call *agent_leg(const struct agent *a)
{
    return a->leg;
}
uint32_t agent_wrap_up_ms(const struct agent *a)
{
    return a->wrap_up_ms;
}
uint32_t agent_groups(const struct agent *a)
{
    return a->groups;
}
