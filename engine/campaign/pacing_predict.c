/* The predictive policy: adds calls one by one while the risk of the next is within θ.
 *
 * A look is made of everything under way (pacing_look.h); its cost is linear in calls and agents.
 * Calls that risk nothing (one for each free agent, as in progressive pacing) are always made. */
#include "campaign/pacing_internal.h"

#include <math.h>
#include <stdio.h>

#define START_DIALS      20   /* decided, in the order of launches: then a start may have */
#define START_RATIO      2    /* so many calls a free agent, at most */
#define FORETELL_MS      250  /* the share is looked at anew after this when something was heard, */
#define FORETELL_MOST_MS 2000 /* and after this when nothing was */
#define OPEN_LEAST       1e-3 /* of a call's chance to be still undecided */
#define TIMES_ERROR      2.0
#define CHANCE_MOST      0.98
#define CV_MOST          0.7
#define HOPELESS         0.15  /* risk of an answer now */
#define AGENT_DAY        150.0 /* answers of one agent in a day, about */

static double seconds(uint64_t from_ms, uint64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000.0 : 0.0;
}

static void fit(struct pacing *p, uint64_t now_ms)
{
    uint64_t seen = p->learn.live.weight > 0 ? p->learn.talk.count + p->learn.reach.count : 0;
    uint32_t talking = 0, wrapping = 0;

    bool due = !p->fitted || now_ms - p->fitted_ms >= PACING_FIT_MS ||
               (seen < 2000 && seen > p->fitted_live + p->fitted_live / 8 + 2);
    if (!due || (p->fitted && p->frozen))
        return;
    p->fitted = true;
    p->fitted_ms = now_ms;
    p->fitted_live = seen;
    for (uint32_t i = 0; i < p->busy_count; i++) {
        const struct pacing_agent_note *a = &p->agents[p->busy[i]];
        float age = (float)seconds(a->since_ms, now_ms);

        if (a->state == AGENT_PACE_TALKING)
            p->ages[talking++] = age;
        else if (a->state == AGENT_PACE_WRAPPING)
            p->ages[p->config.max_agents + wrapping++] = age;
    }
    if (!p->frozen)
        pacing_learn_fit(&p->learn, p->ages, talking, p->ages + p->config.max_agents, wrapping);
    pacing_look_prepare(&p->plan, &p->learn, (double)p->config.limit_ms / 1000.0);
}

static void look_at_agents(const struct pacing *p, uint64_t now_ms, struct pacing_look *k)
{
    for (uint32_t i = 0; i < p->busy_count; i++) {
        const struct pacing_agent_note *a = &p->agents[p->busy[i]];

        if (a->free_at_ms != PACING_NEVER)
            pacing_look_free_in(k, seconds(now_ms, a->free_at_ms));
        else if (a->state == AGENT_PACE_WRAPPING)
            pacing_look_wrapping(k, seconds(a->since_ms, now_ms));
        else
            pacing_look_talking(k, a->state == AGENT_PACE_TALKING ? seconds(a->since_ms, now_ms)
                                                                  : 0.0);
    }
}

/* A call's own chance was told by its score; that of the others is what is believed by now. */
static double chance_of(const struct pacing_note *n, double chance, bool known)
{
    return known || n->score > 0 || n->list ? (double)n->chance : chance;
}

static bool may_hang_up(const struct pacing *p, const struct pacing_note *n, uint64_t now_ms)
{
    uint32_t after_ms = p->config.policy.hang_up_at_ms;

    return after_ms && n->phase == PACING_RINGING && now_ms - n->ringing_ms >= after_ms;
}

/* without_old: those that may be hung up are left out. */
static void look_at_calls(const struct pacing *p, uint64_t now_ms, struct pacing_look *k,
                          double chance, bool without_old)
{
    for (uint32_t i = 0; i < p->open_count; i++) {
        const struct pacing_note *n = &p->calls[p->open[i]];

        if (without_old && may_hang_up(p, n, now_ms))
            continue;
        if (n->answered)
            pacing_look_analysed(k, seconds(n->launched_ms, n->answered_ms),
                                 seconds(n->answered_ms, now_ms));
        else
            pacing_look_ringing(k, seconds(n->launched_ms, now_ms),
                                chance_of(n, chance, p->known_chance >= 0));
    }
}

static int32_t free_agents(const struct pacing *p)
{
    return (int32_t)p->state.agents[AGENT_PACE_FREE] - (int32_t)p->state.calls[PACING_WAITING];
}

/* What a dial that is not decided says about the share of those the network lets through: ringing
 * long without an answer speaks for a low one. */
static void weigh_open(const struct pacing *p, const struct pacing_note *n, uint64_t now_ms,
                       double through, struct pacing_level *level)
{
    const struct pacing_learn *l = &p->learn;

    if (n->answered) {
        double at_s = seconds(n->launched_ms, n->answered_ms);
        pacing_level_guess(level, (double)l->human[(uint32_t)fmin(at_s, PACING_SECONDS - 1)]);
        return;
    }
    double ticks = seconds(n->launched_ms, now_ms) / PACING_TICK_S;
    uint32_t tick = ticks < PACING_TICKS - 1 ? (uint32_t)ticks : PACING_TICKS - 1;
    double live = (double)l->live_by[tick], other = (double)l->other_by[tick];
    pacing_level_see(level, fmax(1 - other, OPEN_LEAST), through * (other - live));
}

/* The share now: what is learned of decided dials, led on over those launched since the first that
 * is not decided. */
static struct pacing_estimate foretell(const struct pacing *p, uint64_t now_ms)
{
    struct pacing_level level = p->learn.reach;
    double through = 1.0 - pacing_rate_get(&p->learn.failing).mean;
    uint64_t at_ms = p->learned_ms;

    for (uint64_t i = p->dials_first; i < p->dials_next; i++) {
        const struct pacing_dial *d = &p->dials[i % p->dials_cap];

        if (at_ms)
            pacing_level_pass(&level, seconds(at_ms, d->launched_ms));
        at_ms = d->launched_ms;
        if (!d->decided)
            weigh_open(p, &p->calls[d->call], now_ms, through, &level);
        else if (!d->outcome.failed)
            pacing_level_guess(&level, d->outcome.live);
    }
    if (at_ms)
        pacing_level_pass(&level, seconds(at_ms, now_ms));
    struct pacing_estimate e = pacing_level_get(&level);
    e.mean *= through;
    return e;
}

/* The chance of the next call, and its relative error. */
static double next_chance(struct pacing *p, uint64_t now_ms, double *cv)
{
    *cv = 0;
    if (p->known_chance >= 0)
        return p->known_chance;
    uint64_t heard = p->dials_next + p->state.answered + p->state.ended;
    if (!p->next_ms || now_ms - p->next_ms >= FORETELL_MOST_MS ||
        (heard != p->next_heard && now_ms - p->next_ms >= FORETELL_MS)) {
        p->next_heard = heard;
        p->next = foretell(p, now_ms);
        p->next_ms = now_ms;
    }
    struct pacing_estimate e = p->next;
    double mean = fmin(e.mean, CHANCE_MOST);
    /* Times are known from those who answered, and no better than by their number. */
    *cv = sqrt((1 - mean) / (mean * e.sample) + TIMES_ERROR / (double)(p->learn.talk.count + 4));
    if (*cv > CV_MOST)
        *cv = CV_MOST;
    return mean;
}

double pacing_expect(struct pacing *p, uint64_t now_ms, double *chance)
{
    struct pacing_look k;
    double cv;

    fit(p, now_ms);
    double mean = next_chance(p, now_ms, &cv);
    *chance = fmin(mean + sqrt(mean * (1 - mean) / fmax(p->next.sample, 1)), 1);
    pacing_look_begin(&k, &p->plan, &p->learn, UINT32_MAX, 0, 0);
    look_at_calls(p, now_ms, &k, *chance, false);
    return k.settle;
}

static uint32_t room_of(const struct pacing_limits *limits)
{
    uint32_t room = limits->tasks_ready;

    if (limits->trunk_room < room)
        room = limits->trunk_room;
    return limits->record_room < room ? limits->record_room : room;
}

static uint32_t most_of(const struct pacing_limits *limits)
{
    uint32_t most = room_of(limits);

    if (limits->scores) {
        uint32_t told =
            limits->score_count < PACING_PICKS_MAX ? limits->score_count : PACING_PICKS_MAX;
        most = most < told ? most : told;
    }
    return most < PACING_BURST_MAX ? most : PACING_BURST_MAX;
}

/* One call for each free agent is without risk, whatever was learned. */
static uint32_t without_risk(const struct pacing *p)
{
    int32_t spare = free_agents(p) - (int32_t)p->open_count;

    return spare > 0 ? (uint32_t)spare : 0;
}

/* Leads that are chosen shift the answers to other moments than the mean call's: the worst counts.
 */
static double risk_of(const struct pacing_look *k, const struct pacing_limits *limits)
{
    return limits->scores ? pacing_look_risk_most(k) : pacing_look_risk(k);
}

/* The nth of the calls advised: the lead it is for, and its chance. */
static double pick(const struct pacing *p, const struct pacing_limits *limits, uint32_t n,
                   double chance, struct pacing_advice *out)
{
    if (!limits->scores)
        return chance;
    out->picks[n] = (uint8_t)n;
    return pacing_learn_chance(&p->learn, 0, limits->scores[n]).mean;
}

/* Answers that reached an agent, those who still talk included: their share is known, and how long
 * they talk so far; waiting for talks to end would leave the first minutes idle. */
static uint64_t served(const struct pacing *p)
{
    return p->learn.talk.count + p->state.agents[AGENT_PACE_TALKING];
}

static void explain(const struct pacing *p, struct wish *w, const struct pacing_advice *a)
{
    pacing_explain(w,
                   "%.0f of %u agents free within %.0f s, %u calls ringing, %.1f answers expected; "
                   "risk %.1f %% %s %.1f %%",
                   a->expected_agents, p->state.agents[AGENT_PACE_FREE] + p->busy_count,
                   a->horizon_s, p->open_count + w->calls, a->expected_live, 100 * a->taken,
                   a->taken <= a->theta ? "≤" : ">", 100 * a->theta);
}

/* Times are not known yet, but the share of live answers is: of dials in the order of launches,
 * since those that end first are the failures. */
static bool knows_share(const struct pacing *p)
{
    return p->learn.reach.count >= START_DIALS && !p->common->budget.spent;
}

/* What free agents can be expected to take (safe: one call each), whenever the answers come. */
static uint32_t start_of(struct pacing *p, uint64_t now_ms, uint32_t safe)
{
    int32_t free_now = free_agents(p);
    uint32_t most = free_now > 0 ? START_RATIO * (uint32_t)free_now : 0;
    double chance;

    if (!knows_share(p) || most <= p->open_count)
        return safe;
    uint32_t taken = pacing_takes(p, now_ms, (uint32_t)free_now, &chance);
    most -= p->open_count;
    most = taken < most ? taken : most;
    return most > safe ? most : safe;
}

/* One more is wanted, were there room. */
static bool goes_on(const struct pacing_advice *a, uint32_t calls, uint32_t safe)
{
    return calls < safe || (a->theta > 0 && a->risk <= a->theta);
}

void pacing_predict(struct pacing *p, uint64_t now_ms, const struct pacing_limits *limits,
                    struct wish *w, struct pacing_advice *out)
{
    struct pacing_look k;
    uint32_t safe = without_risk(p), most = most_of(limits);
    uint32_t agents = p->state.agents[AGENT_PACE_FREE] + p->busy_count;
    double cv, chance;

    if (agents == 0) {
        pacing_explain(w, "no agent is there");
        return;
    }
    p->common->agents += agents - p->agents_counted;
    p->agents_counted = agents;
    p->common->budget.day_guess = fmax(p->common->budget.day_guess, AGENT_DAY * p->common->agents);
    fit(p, now_ms);
    chance = next_chance(p, now_ms, &cv);
    pacing_look_begin(&k, &p->plan, &p->learn, agents, free_agents(p), cv);
    look_at_agents(p, now_ms, &k);
    look_at_calls(p, now_ms, &k, chance, false);

    bool starts = !p->frozen && served(p) < PACING_START_LIVE;
    out->theta = starts ? 0 : pacing_budget_theta(&p->common->budget);
    safe = starts ? start_of(p, now_ms, safe) : safe;
    out->horizon_s = p->plan.at[PACING_LOOKS - 1] * PACING_TICK_S + p->plan.limit_s;
    out->expected_agents = fmax(0, p->state.agents[AGENT_PACE_FREE] + k.at[PACING_LOOKS - 1].freed);
    out->risk = out->taken = risk_of(&k, limits);
    while (goes_on(out, w->calls, safe) && w->calls < most) {
        pacing_look_add(&k, pick(p, limits, w->calls, chance, out));
        w->calls++;
        out->taken = out->risk;
        out->risk = risk_of(&k, limits);
    }
    out->expected_live = k.settle;
    if (starts && knows_share(p))
        pacing_explain(
            w, "starts with up to %d calls a free agent until %d live answers are known (%u)",
            START_RATIO, PACING_START_LIVE, (unsigned)served(p));
    else if (starts)
        pacing_explain(w, "starts with one call a free agent until %d live answers are known (%u)",
                       PACING_START_LIVE, (unsigned)served(p));
    else if (p->common->budget.spent)
        pacing_explain(w,
                       "one call a free agent: the abandonment of 30 days is at its cap of %.1f %%",
                       p->config.cap_percent);
    else
        explain(p, w, out);
    if (goes_on(out, w->calls, safe) && w->calls == room_of(limits))
        w->calls++; /* whoever cuts it off says what there is no room for (pacing_launch) */
}

/* The old ones are added back one by one, as long as an answer now would find an agent. */
uint32_t pacing_hopeless(struct pacing *p, uint64_t now_ms, uint32_t *calls, uint32_t most)
{
    struct pacing_look k;
    uint32_t agents = p->state.agents[AGENT_PACE_FREE] + p->busy_count, found = 0, old = 0;
    double cv, chance;

    if (p->config.policy.mode != PACING_PREDICTIVE || !p->fitted)
        return 0;
    for (uint32_t i = 0; i < p->open_count; i++)
        old += may_hang_up(p, &p->calls[p->open[i]], now_ms);
    if (old == 0)
        return 0;
    chance = next_chance(p, now_ms, &cv);
    pacing_look_begin(&k, &p->plan, &p->learn, agents, free_agents(p), cv);
    look_at_agents(p, now_ms, &k);
    look_at_calls(p, now_ms, &k, chance, true);
    for (uint32_t i = 0; i < p->open_count && found < most; i++) {
        struct pacing_note *n = &p->calls[p->open[i]];

        if (!may_hang_up(p, n, now_ms))
            continue;
        if (pacing_look_risk_first(&k) > HOPELESS) {
            n->given_up = true;
            calls[found++] = p->open[i];
        } else {
            pacing_look_ringing(&k, seconds(n->launched_ms, now_ms),
                                chance_of(n, chance, p->known_chance >= 0));
        }
    }
    return found;
}

void pacing_new_day(struct pacing *p)
{
    pacing_budget_day(&p->common->budget);
    if (!p->frozen)
        pacing_level_day(&p->learn.reach);
}

void pacing_know_chance(struct pacing *p, double chance)
{
    p->known_chance = chance;
}

void pacing_know_agent(struct pacing *p, uint32_t agent, uint64_t free_at_ms)
{
    p->agents[agent].free_at_ms = free_at_ms;
}

void pacing_freeze(struct pacing *p)
{
    pacing_learn_fit(&p->learn, NULL, 0, NULL, 0);
    p->fitted = false;
    p->frozen = true;
}
