/* The book every policy reads (calls by phase, agents by state, what became of answers), the
 * smoothing of calls a second, and the three plain policies. The rate limit is a token bucket that
 * holds at most a quarter of a second's calls (at least one), so bursts stay small whatever the
 * ticks are. */
#include "campaign/pacing.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BURST_S      0.25
#define RATE_SECONDS 5

struct pacing {
    struct pacing_config config;
    struct pacing_state state;
    uint8_t *phase; /* by call */
    uint8_t *agent; /* by agent */
    double tokens;
    uint64_t tokens_at_ms;
    bool started;
    uint32_t per_second[RATE_SECONDS + 1]; /* launches by second, for the view */
    uint64_t per_second_at[RATE_SECONDS + 1];
    uint64_t refused;
};

const char *agent_pace_name(enum agent_pace s)
{
    static const char *const names[AGENT_PACE_STATES] = {"out",     "free",     "reserved",
                                                         "talking", "wrapping", "leaving"};

    return (unsigned)s < AGENT_PACE_STATES ? names[s] : "?";
}

enum err pacing_open(struct pacing **out, const struct pacing_config *config)
{
    struct pacing *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (!p)
        return ERR_NOMEM;
    p->config = *config;
    p->phase = calloc(config->max_calls + 1, 1);
    p->agent = calloc(config->max_agents + 1, 1);
    if (!p->phase || !p->agent) {
        pacing_close(p);
        return ERR_NOMEM;
    }
    p->state.agents[AGENT_PACE_OUT] = config->max_agents;
    *out = p;
    return OK;
}

void pacing_close(struct pacing *p)
{
    if (!p)
        return;
    free(p->phase);
    free(p->agent);
    free(p);
}

static void count_launch(struct pacing *p, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000, slot = second % (RATE_SECONDS + 1);

    if (p->per_second_at[slot] != second) {
        p->per_second_at[slot] = second;
        p->per_second[slot] = 0;
    }
    p->per_second[slot]++;
    p->state.launched++;
}

/* Is going from one phase to the other something a call can do? Only forward, or to its end. */
static bool possible(enum pacing_phase from, enum pacing_phase to)
{
    if (to == PACING_LAUNCHED)
        return from == PACING_IDLE;
    return from != PACING_IDLE && from != PACING_ENDED && to != PACING_IDLE &&
           (to > from || (from == PACING_TREATED && to >= PACING_WAITING));
}

void pacing_call(struct pacing *p, const struct pacing_call_event *e)
{
    if (e->call >= p->config.max_calls || (unsigned)e->phase >= PACING_PHASES ||
        !possible((enum pacing_phase)p->phase[e->call], e->phase)) {
        p->refused++;
        return;
    }
    enum pacing_phase from = (enum pacing_phase)p->phase[e->call];
    if (from != PACING_IDLE)
        p->state.calls[from]--;
    if (e->phase == PACING_ENDED) { /* the number is free for the next call */
        p->phase[e->call] = PACING_IDLE;
        p->state.ended++;
        bool live = result_is_live(e->result) || e->delivery == DELIVERY_CONNECTED || e->abandoned;
        p->state.live += live && e->delivery != DELIVERY_CALLEE_LEFT;
        p->state.abandoned += e->abandoned;
        return;
    }
    p->phase[e->call] = (uint8_t)e->phase;
    p->state.calls[e->phase]++;
    if (e->phase == PACING_LAUNCHED) {
        count_launch(p, e->now_ms);
        p->tokens -= 1.0;
    }
    p->state.answered += e->phase == PACING_ANSWERED;
    p->state.connected += e->phase == PACING_CONNECTED;
}

void pacing_agent(struct pacing *p, uint32_t agent, enum agent_pace state, uint64_t now_ms)
{
    (void)now_ms; /* the plain policies do not ask how long */
    if (agent >= p->config.max_agents || (unsigned)state >= AGENT_PACE_STATES) {
        p->refused++;
        return;
    }
    p->state.agents[p->agent[agent]]--;
    p->agent[agent] = (uint8_t)state;
    p->state.agents[state]++;
}

static uint32_t in_air(const struct pacing *p)
{
    uint32_t n = 0;

    for (int i = PACING_LAUNCHED; i < PACING_ENDED; i++)
        n += p->state.calls[i];
    return n;
}

/* Calls that may still ask for an agent. */
static uint32_t undecided(const struct pacing *p)
{
    return p->state.calls[PACING_LAUNCHED] + p->state.calls[PACING_RINGING] +
           p->state.calls[PACING_ANSWERED];
}

struct wish {
    uint32_t calls;
    char why[160];
};

__attribute__((format(printf, 2, 3))) static void explain(struct wish *w, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(w->why, sizeof(w->why), fmt, args);
    va_end(args);
}

static double abandoned_percent(const struct pacing *p)
{
    return p->state.live ? 100.0 * (double)p->state.abandoned / (double)p->state.live : 0.0;
}

/* progressive and ratio: so many calls in the air for each agent who is free now. */
static void wish_for_agents(const struct pacing *p, struct wish *w)
{
    const uint32_t *agents = p->state.agents;
    uint32_t waiting = p->state.calls[PACING_WAITING], open = undecided(p);
    uint32_t free_now = agents[AGENT_PACE_FREE] > waiting ? agents[AGENT_PACE_FREE] - waiting : 0;
    bool by_ratio = p->config.policy.mode == PACING_RATIO;
    bool over = by_ratio && p->state.abandoned > 0 && abandoned_percent(p) > p->config.cap_percent;
    double ratio = by_ratio && !over ? p->config.policy.ratio : 1.0;
    uint32_t target = (uint32_t)(ratio * free_now + 1e-9);

    w->calls = target > open ? target - open : 0;
    if (free_now == 0)
        explain(w, "no agent is free (%u talking, %u wrapping up, %u out)",
                agents[AGENT_PACE_TALKING] + agents[AGENT_PACE_RESERVED],
                agents[AGENT_PACE_WRAPPING], agents[AGENT_PACE_OUT] + agents[AGENT_PACE_LEAVING]);
    else if (over)
        explain(
            w, "%u free agents, %u calls out; one call an agent: abandoned %.1f %% is over %.1f %%",
            free_now, open, abandoned_percent(p), p->config.cap_percent);
    else
        explain(w, "%u free agents × %.3g = %u calls, %u out", free_now, ratio, target, open);
}

static void wish_without_agents(const struct pacing *p, const struct pacing_limits *limits,
                                struct wish *w)
{
    uint32_t air = in_air(p), most = p->config.policy.concurrent;

    if (most) {
        w->calls = most > air ? most - air : 0;
        explain(w, "%u of %u calls at once", air, most);
    } else {
        w->calls = limits->trunk_room;
        explain(w, "%u calls at once, as many as the trunks take", air);
    }
}

static void bound(struct wish *w, uint32_t most, const char *because)
{
    size_t n = strlen(w->why);

    if (w->calls <= most)
        return;
    w->calls = most;
    snprintf(w->why + n, sizeof(w->why) - n, "; %s", because);
}

static void refill(struct pacing *p, uint64_t now_ms, double rate)
{
    double most = fmax(1.0, rate * BURST_S);

    if (!p->started)
        p->tokens = 1.0; /* a campaign starts with one call, not with a burst */
    else if (now_ms > p->tokens_at_ms)
        p->tokens += rate * (double)(now_ms - p->tokens_at_ms) / 1000.0;
    p->started = true;
    p->tokens_at_ms = now_ms;
    if (p->tokens > most)
        p->tokens = most;
}

static void bound_by_rate(struct pacing *p, uint64_t now_ms, struct wish *w, uint32_t *again_ms)
{
    double rate = p->config.policy.calls_per_second;
    char because[64];

    if (rate <= 0)
        return;
    refill(p, now_ms, rate);
    uint32_t have = p->tokens >= 1.0 ? (uint32_t)(p->tokens + 1e-9) : 0;
    if (w->calls <= have)
        return;
    snprintf(because, sizeof(because), "held to %.3g calls/s", rate);
    bound(w, have, because);
    double missing = fmax(0.0, (double)(have + 1) - p->tokens);
    *again_ms = (uint32_t)fmin(60000.0, ceil(missing / rate * 1000.0));
    if (*again_ms == 0)
        *again_ms = 1;
}

void pacing_launch(struct pacing *p, uint64_t now_ms, const struct pacing_limits *limits,
                   struct pacing_advice *out)
{
    struct wish w = {0};
    uint32_t most = p->config.policy.concurrent, air = in_air(p);

    *out = (struct pacing_advice){0};
    if (limits->stopping) {
        snprintf(out->reason, sizeof(out->reason), "stopping: no new calls, %u still out", air);
        return;
    }
    if (p->config.policy.mode == PACING_AGENTLESS)
        wish_without_agents(p, limits, &w);
    else
        wish_for_agents(p, &w);
    if (most)
        bound(&w, most > air ? most - air : 0, "as many at once as the campaign allows");
    bound(&w, limits->tasks_ready, "no more leads are due now");
    bound(&w, limits->trunk_room, "the trunks are full");
    bound(&w, limits->record_room, "call records wait for the disk");
    bound(&w, p->config.max_calls > air ? p->config.max_calls - air : 0, "the engine is full");
    bound_by_rate(p, now_ms, &w, &out->again_ms);
    out->launch = w.calls;
    snprintf(out->reason, sizeof(out->reason), "%s", w.why);
}

void pacing_look(struct pacing *p, uint64_t now_ms, struct pacing_state *out)
{
    uint64_t second = now_ms / 1000;
    uint32_t launched = 0;

    for (uint32_t i = 0; i <= RATE_SECONDS; i++) {
        uint64_t at = p->per_second_at[i];
        if (at < second && at + RATE_SECONDS >= second)
            launched += p->per_second[i];
    }
    *out = p->state;
    out->calls_per_second = (double)launched / RATE_SECONDS;
}

uint64_t pacing_refused(const struct pacing *p)
{
    return p->refused;
}
