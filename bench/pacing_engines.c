/* The production code as one campaign's engines, and with the account of 30 days: what the dialer
 * does through Redis (dialer/share.c, dialer/ledger.c), here in the room's own time.
 *
 * Each engine has agents of its own and once a second gives what its answers moved and takes what
 * all have moved, as of the exchange before: what it knows of the others is one to two seconds old,
 * and engines exchange at different moments of the second. */
#include <math.h>
#include <stdlib.h>

#include "bench/pacing_policies.h"
#include "campaign/abandonment.h"
#include "campaign/pacing.h"

#define EXCHANGE_MS 1000

struct one {
    struct pacing *pacing;
    struct abandonment own;
    struct pacing_budget_share given;
    struct pacing_account account;
    double told, answer; /* of `moved`; the shared number as of the last exchange */
    uint64_t next_ms;
    bool asked;
};

struct engines {
    struct sim *sim;
    struct zone *utc;
    uint32_t count;
    bool alone; /* they share nothing */
    struct abandonment all;
    double shared; /* ln θ, as Redis has it; NAN: nobody has brought it */
    struct one one[PACING_ENGINES];
    uint64_t now_ms;
};

void pacing_engines_close(void *policy)
{
    struct engines *s = policy;

    for (uint32_t e = 0; e < s->count; e++)
        pacing_close(s->one[e].pacing);
    if (s->utc)
        zone_close(s->utc);
    free(s);
}

struct pacing *pacing_engines_nth(void *policy, uint32_t n)
{
    struct engines *s = policy;

    return n < s->count ? s->one[n].pacing : NULL;
}

static struct engines *open_engines(struct sim *sim, double cap, uint32_t count, bool alone,
                                    bool daily)
{
    const struct sim_load *l = sim_load_of(sim);
    struct engines *s = calloc(1, sizeof(*s));
    const struct pacing_config c = {
        .policy = {.mode = PACING_PREDICTIVE,
                   .ratio = 1,
                   .daily = daily,
                   .false_machines = 100 * l->false_machines},
        .max_calls = l->agents * 64 + 512,
        .max_agents = l->agents,
        .limit_ms = (uint32_t)(l->limit_s * 1000),
        .cap_percent = cap > 0 ? cap : 3.0,
    };
    bool ok = s && zone_open(&s->utc, SLICE("UTC")) == OK;

    for (uint32_t e = 0; ok && e < count; e++, s->count++) {
        ok = pacing_open(&s->one[e].pacing, &c) == OK;
        abandonment_init(&s->one[e].own, s->utc, c.limit_ms);
        s->one[e].next_ms = e * EXCHANGE_MS / count;
    }
    if (!ok) {
        if (s)
            pacing_engines_close(s);
        return NULL;
    }
    s->sim = sim;
    s->alone = alone;
    s->shared = NAN;
    abandonment_init(&s->all, s->utc, c.limit_ms);
    return s;
}

void *pacing_engines_open_shared(struct sim *sim, double cap)
{
    return open_engines(sim, cap, PACING_ENGINES, false, false);
}

void *pacing_engines_open_apart(struct sim *sim, double cap)
{
    return open_engines(sim, cap, PACING_ENGINES, true, false);
}

/* One engine and the account of 30 days. */
void *pacing_engines_open_guarded(struct sim *sim, double cap)
{
    return open_engines(sim, cap, 1, false, false);
}

void *pacing_engines_open_daily(struct sim *sim, double cap)
{
    return open_engines(sim, cap, 1, false, true);
}

/* One engine with the account, at a fixed ratio. */
static struct engines *open_ratio(struct sim *sim, double ratio)
{
    struct engines *s = open_engines(sim, 0, 1, false, false);
    const struct campaign_pacing policy = {.mode = PACING_RATIO,
                                           .ratio = ratio,
                                           .false_machines =
                                               100 * sim_load_of(sim)->false_machines};

    if (s)
        pacing_set_policy(s->one[0].pacing, &policy);
    return s;
}

void *pacing_engines_open_ratio_3(struct sim *sim, double parameter)
{
    (void)parameter;
    return open_ratio(sim, 3);
}

void *pacing_engines_open_ratio_8(struct sim *sim, double parameter)
{
    (void)parameter;
    return open_ratio(sim, 8);
}

static void enter(struct engines *s, struct one *o, const struct pacing_call_event *e)
{
    double f = sim_load_of(s->sim)->false_machines;
    bool live = e->abandoned || e->delivery == DELIVERY_CONNECTED;
    const struct abandonment_day one = {
        .day = abandonment_day_of(s->utc, e->now_ms),
        .live = live,
        .abandoned = e->abandoned,
        .false_ppm = live ? (uint64_t)(1e6 * f / (1 - f) + 0.5) : 0,
    };

    abandonment_restore(&o->own, &one);
    abandonment_restore(&s->all, &one);
}

void pacing_engines_call(void *policy, const struct pacing_call_event *e)
{
    struct engines *s = policy;
    struct one *o = &s->one[sim_engine_of_call(s->sim, e->call)];

    pacing_call(o->pacing, e);
    if (e->phase == PACING_ENDED)
        enter(s, o, e);
}

void pacing_engines_agent(void *policy, uint32_t agent, enum agent_pace state, uint64_t now_ms)
{
    struct engines *s = policy;

    pacing_agent(s->one[agent % s->count].pacing, agent, state, now_ms);
}

void pacing_engines_day(void *policy)
{
    struct engines *s = policy;

    for (uint32_t e = 0; e < s->count; e++)
        pacing_new_day(s->one[e].pacing);
}

/* What was asked a second ago is answered; and asked again. */
static void exchange(struct engines *s, struct one *o, uint64_t now_ms)
{
    if (o->asked) {
        pacing_budget_agreed(o->pacing, &o->given, o->answer);
        pacing_account(o->pacing, &o->account);
    }
    pacing_budget_of(o->pacing, &o->given);
    s->shared = isnan(s->shared) ? o->given.s : s->shared + o->given.moved - o->told;
    s->shared = fmin(s->shared, o->given.ceiling);
    o->told = o->given.moved;
    o->answer = s->shared;
    abandonment_account(&s->all, &o->own, now_ms, &o->account);
    o->asked = true;
    o->next_ms = now_ms + EXCHANGE_MS;
}

void pacing_engines_decide(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                           struct pacing_advice *out)
{
    struct engines *s = policy;
    struct one *o = &s->one[sim_engine(s->sim)];

    if (!s->alone && now_ms >= o->next_ms)
        exchange(s, o, now_ms);
    pacing_launch(o->pacing, now_ms, limits, out);
}
