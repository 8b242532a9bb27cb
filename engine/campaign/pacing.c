/* The book every policy reads and what it teaches (pacing_learn.h) (calls by phase, agents by
 * state, what became of answers), the smoothing of calls a second, and the policy without agents.
 * The rate limit is a token bucket that holds at most a quarter of a second's calls (at least one),
 * so bursts stay small whatever the ticks are. */
#include "campaign/pacing_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BURST_S     0.25
#define DIALS_LEAST 256

const char *agent_pace_name(enum agent_pace s)
{
    static const char *const names[AGENT_PACE_STATES] = {
        "out", "free", "reserved", "talking", "wrapping", "leaving", "elsewhere"};

    return (unsigned)s < AGENT_PACE_STATES ? names[s] : "?";
}

enum err pacing_open(struct pacing **out, const struct pacing_config *config)
{
    struct pacing *p = calloc(1, sizeof(*p));

    *out = NULL;
    if (!p)
        return ERR_NOMEM;
    p->config = *config;
    p->has_common_of_another = config->with;
    p->common = config->with ? config->with->common : calloc(1, sizeof(*p->common));
    p->calls = calloc(config->max_calls + 1, sizeof(*p->calls));
    p->agents = calloc(config->max_agents + 1, sizeof(*p->agents));
    p->open = calloc(config->max_calls + 1, sizeof(*p->open));
    p->busy = calloc(config->max_agents + 1, sizeof(*p->busy));
    p->dials_cap = 2 * config->max_calls + DIALS_LEAST;
    p->dials = calloc(p->dials_cap, sizeof(*p->dials));
    p->ages = calloc(2 * config->max_agents + 1, sizeof(*p->ages));
    if (!p->calls || !p->agents || !p->open || !p->busy || !p->ages || !p->dials || !p->common) {
        pacing_close(p);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < config->max_agents; i++)
        p->agents[i].free_at_ms = PACING_NEVER;
    p->state.agents[AGENT_PACE_OUT] = config->max_agents;
    p->known_chance = -1;
    pacing_learn_init(&p->learn);
    pacing_scores_init(&p->scores);
    *out = p;
    if (config->with)
        return OK;
    p->common->part.to = 1;
    pacing_budget_init(&p->common->budget, config->cap_percent / 100.0, config->policy.daily,
                       config->policy.false_machines / 100.0);
    return OK;
}

void pacing_close(struct pacing *p)
{
    if (!p)
        return;
    if (!p->has_common_of_another)
        free(p->common);
    free(p->calls);
    free(p->agents);
    free(p->open);
    free(p->busy);
    free(p->ages);
    free(p->dials);
    free(p);
}

void pacing_set_policy(struct pacing *p, const struct campaign_pacing *policy)
{
    p->config.policy = *policy;
    p->common->budget.daily = policy->daily;
    p->common->budget.false_machines = policy->false_machines / 100.0;
    p->asked = 0;
}

void pacing_ask(struct pacing *p, uint32_t agents)
{
    p->asked = agents < p->config.max_agents ? agents : p->config.max_agents;
}

/* ---- calls ---- */

static void count_launch(struct pacing *p, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000, slot = second % (PACING_RATE_SECONDS + 1);

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

/* The first of the latest dials is learned from and forgotten. */
static void learn_first(struct pacing *p)
{
    const struct pacing_dial *d = &p->dials[p->dials_first++ % p->dials_cap];

    if (!d->decided) /* there is no room to wait for it */
        return;
    if (p->frozen)
        return;
    double passed_s = (double)(d->launched_ms - p->learned_ms) / 1000.0;
    pacing_learn_share(&p->learn, &d->outcome, p->learned_ms ? passed_s : 0);
    p->learned_ms = d->launched_ms;
}

static void dial_begins(struct pacing *p, uint32_t call, struct pacing_note *n)
{
    if (p->dials_next - p->dials_first == p->dials_cap)
        learn_first(p);
    n->dial = p->dials_next;
    p->dials[p->dials_next++ % p->dials_cap] =
        (struct pacing_dial){.launched_ms = n->launched_ms, .call = call};
}

static void dial_decided(struct pacing *p, uint64_t dial, const struct pacing_outcome *o)
{
    if (dial < p->dials_first)
        return; /* it came too late */
    struct pacing_dial *d = &p->dials[dial % p->dials_cap];
    d->outcome = *o;
    d->decided = true;
    while (p->dials_first < p->dials_next && p->dials[p->dials_first % p->dials_cap].decided)
        learn_first(p);
}

static void launched(struct pacing *p, struct pacing_note *n, const struct pacing_call_event *e)
{
    *n = (struct pacing_note){
        .launched_ms = e->now_ms, .slot = p->open_count, .score = e->score, .list = e->list};
    if (e->lead) {
        n->lead = *e->lead;
        n->has_lead = true;
    }
    n->chance =
        (float)(p->known_chance >= 0 ? p->known_chance
                                     : pacing_learn_chance(&p->learn, e->list, e->score).mean);
    p->open[p->open_count++] = e->call;
    dial_begins(p, e->call, n);
    count_launch(p, e->now_ms);
    p->common->tokens -= 1.0;
    p->common->in_air++;
    p->asked -= p->asked > 0;
    if (!p->frozen)
        pacing_learn_dial(&p->learn, e->now_ms);
}

/* The network's doing, whoever was called. */
static bool is_failure(enum result r)
{
    return r == RESULT_CONGESTION || r == RESULT_OUR_FAULT || r == RESULT_NO_TRUNK ||
           r == RESULT_NO_MEDIA;
}

/* It is known now whether a live person answered: the call leaves the open ones. */
static void judged(struct pacing *p, uint32_t call, const struct pacing_call_event *e, bool live)
{
    struct pacing_note *n = &p->calls[call];
    uint64_t at_ms = n->answered ? n->answered_ms : e->now_ms;
    struct pacing_outcome o = {
        .live = live,
        .answered_s = (double)(at_ms - n->launched_ms) / 1000.0,
        .analysis_s = (double)(e->now_ms - at_ms) / 1000.0,
        .score = n->score,
        .list = n->list,
        .answer = n->answered || live,
        .failed = e->phase == PACING_ENDED && is_failure(e->result),
    };

    n->judged = true;
    p->open[n->slot] = p->open[--p->open_count];
    p->calls[p->open[n->slot]].slot = n->slot;
    if (e->phase == PACING_ENDED && (e->result == RESULT_CANCELLED || n->given_up) && !live) {
        /* We gave up; it might have been answered yet. */
        uint32_t tick = (uint32_t)fmin(o.answered_s / PACING_TICK_S, PACING_TICKS - 1);
        double chance = (double)n->chance, by = (double)p->learn.live_by[tick];

        o.live = chance * (1 - by) /
                 fmax(1 - chance * by - (1 - chance) * (double)p->learn.other_by[tick], 0.01);
        o.live = fmin(fmax(o.live, 1e-6), 0.999);
    } else if (n->has_lead && !o.failed && !p->frozen) {
        pacing_scores_learn(&p->scores, &n->lead, live);
    }
    if (!p->frozen)
        pacing_learn_time(&p->learn, &o);
    dial_decided(p, n->dial, &o);
}

static void charge(struct pacing *p, struct pacing_note *n, bool abandoned)
{
    if (!n->charged)
        pacing_budget_answer(&p->common->budget, abandoned);
    else if (abandoned && !n->lost)
        pacing_budget_late(&p->common->budget);
    n->charged = true;
    n->lost = abandoned;
}

void pacing_call(struct pacing *p, const struct pacing_call_event *e)
{
    if (e->call >= p->config.max_calls || (unsigned)e->phase >= PACING_PHASES ||
        !possible((enum pacing_phase)p->calls[e->call].phase, e->phase)) {
        p->refused++;
        return;
    }
    struct pacing_note *n = &p->calls[e->call];
    enum pacing_phase from = (enum pacing_phase)n->phase;
    if (from != PACING_IDLE)
        p->state.calls[from]--;
    if (e->phase == PACING_LAUNCHED)
        launched(p, n, e);
    if (e->phase == PACING_RINGING)
        n->ringing_ms = e->now_ms;
    if (e->phase == PACING_ANSWERED) {
        n->answered = true;
        n->answered_ms = e->now_ms;
    }
    bool live = e->phase == PACING_WAITING || e->phase == PACING_CONNECTED;
    if (e->phase == PACING_ENDED)
        live = result_is_live(e->result) || e->delivery == DELIVERY_CONNECTED || e->abandoned;
    if (!n->judged && e->phase >= PACING_WAITING)
        judged(p, e->call, e, live);
    if (e->phase == PACING_CONNECTED)
        charge(p, n, false);
    p->state.answered += e->phase == PACING_ANSWERED;
    p->state.connected += e->phase == PACING_CONNECTED;
    if (e->phase != PACING_ENDED) {
        n->phase = (uint8_t)e->phase;
        p->state.calls[e->phase]++;
        return;
    }
    n->phase = PACING_IDLE; /* the number is free for the next call */
    p->state.ended++;
    p->common->in_air--;
    p->state.live += live && e->delivery != DELIVERY_CALLEE_LEFT;
    p->state.abandoned += e->abandoned;
    if (e->abandoned)
        charge(p, n, true);
}

/* ---- agents ---- */

static void learn_agent(struct pacing *p, const struct pacing_agent_note *a, enum agent_pace to,
                        uint64_t now_ms)
{
    double lasted_s = (double)(now_ms - a->since_ms) / 1000.0;
    bool leaves = to == AGENT_PACE_OUT;

    if (p->frozen || to == AGENT_PACE_LEAVING) /* its end will not be told */
        return;
    if (a->state == AGENT_PACE_TALKING)
        pacing_learn_talk(&p->learn, lasted_s);
    if (a->state == AGENT_PACE_WRAPPING && (to == AGENT_PACE_FREE || leaves))
        pacing_learn_wrap(&p->learn, lasted_s, leaves);
    else if (a->state == AGENT_PACE_TALKING && (to == AGENT_PACE_FREE || leaves))
        pacing_learn_wrap(&p->learn, 0.0, leaves); /* no wrap-up at all */
}

void pacing_agent(struct pacing *p, uint32_t agent, enum agent_pace state, uint64_t now_ms)
{
    if (agent >= p->config.max_agents || (unsigned)state >= AGENT_PACE_STATES) {
        p->refused++;
        return;
    }
    struct pacing_agent_note *a = &p->agents[agent];
    bool was = pacing_is_busy(a->state), is = pacing_is_busy((uint8_t)state);

    p->state.agents[a->state]--;
    p->state.agents[state]++;
    if (a->state == state)
        return;
    learn_agent(p, a, state, now_ms);
    if (is && !was) {
        a->slot = p->busy_count;
        p->busy[p->busy_count++] = agent;
    } else if (was && !is) {
        p->busy[a->slot] = p->busy[--p->busy_count];
        p->agents[p->busy[a->slot]].slot = a->slot;
        a->free_at_ms = PACING_NEVER;
    }
    a->state = (uint8_t)state;
    a->since_ms = now_ms;
}

/* ---- advice ---- */

void pacing_explain(struct wish *w, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(w->why, sizeof(w->why), fmt, args);
    va_end(args);
}

static void wish_without_agents(const struct pacing *p, const struct pacing_limits *limits,
                                struct wish *w)
{
    uint32_t air = p->common->in_air, most;

    if (pacing_concurrent(p, &most)) {
        w->calls = most > air ? most - air : 0;
        pacing_explain(w, "%u of %u calls at once", air, most);
    } else {
        w->calls = limits->trunk_room;
        pacing_explain(w, "%u calls at once, as many as the trunks take", air);
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

    if (!p->common->started)
        p->common->tokens = 1.0; /* a campaign starts with one call, not with a burst */
    else if (now_ms > p->common->tokens_at_ms)
        p->common->tokens += rate * (double)(now_ms - p->common->tokens_at_ms) / 1000.0;
    p->common->started = true;
    p->common->tokens_at_ms = now_ms;
    if (p->common->tokens > most)
        p->common->tokens = most;
}

static void bound_by_rate(struct pacing *p, uint64_t now_ms, struct wish *w, uint32_t *again_ms)
{
    double rate = pacing_rate_limit(p);
    char because[64];

    if (!isfinite(rate))
        return;
    rate = fmax(rate, 1e-9); /* a part without agents is none at all */
    refill(p, now_ms, rate);
    uint32_t have = p->common->tokens >= 1.0 ? (uint32_t)(p->common->tokens + 1e-9) : 0;
    if (w->calls <= have)
        return;
    snprintf(because, sizeof(because), "held to %.3g calls/s", rate);
    bound(w, have, because);
    double missing = fmax(0.0, (double)(have + 1) - p->common->tokens);
    *again_ms = (uint32_t)fmin(60000.0, ceil(missing / rate * 1000.0));
    if (*again_ms == 0)
        *again_ms = 1;
}

void pacing_launch(struct pacing *p, uint64_t now_ms, const struct pacing_limits *limits,
                   struct pacing_advice *out)
{
    struct wish w = {0};
    uint32_t most, air = p->common->in_air;

    *out = (struct pacing_advice){0};
    if (limits->stopping) {
        snprintf(out->reason, sizeof(out->reason), "stopping: no new calls, %u still out", air);
        return;
    }
    switch (p->config.policy.mode) {
    case PACING_AGENTLESS:
        wish_without_agents(p, limits, &w);
        break;
    case PACING_PREVIEW:
        w.calls = p->asked;
        pacing_explain(&w, "%u agents look at a lead, %u accepted one, %u calls out",
                       p->state.agents[AGENT_PACE_RESERVED], p->asked, air);
        break;
    case PACING_PREDICTIVE:
        pacing_predict(p, now_ms, limits, &w, out);
        break;
    default:
        pacing_for_free(p, now_ms, &w);
    }
    if (pacing_concurrent(p, &most))
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

    for (uint32_t i = 0; i <= PACING_RATE_SECONDS; i++) {
        uint64_t at = p->per_second_at[i];
        if (at < second && at + PACING_RATE_SECONDS >= second)
            launched += p->per_second[i];
    }
    *out = p->state;
    out->calls_per_second = (double)launched / PACING_RATE_SECONDS;
}

float pacing_score_of(const struct pacing *p, const struct pacing_lead *lead)
{
    return pacing_score(&p->scores, lead);
}

bool pacing_scores_on(const struct pacing *p)
{
    return pacing_scores_speak(&p->scores);
}

uint64_t pacing_refused(const struct pacing *p)
{
    return p->refused;
}
