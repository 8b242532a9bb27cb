/* Policies under one roof. `peal` and what derives from it run the production code through its
 * public interface; the baselines read the room's counters. */
#include "bench/pacing_policies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/pacing_internal.h"

/* ---- the production code ---- */

struct ours {
    struct pacing *pacing;
    struct sim *sim;
    bool knows;
};

static struct ours *open_ours(struct sim *s, enum pacing_mode mode, double cap)
{
    const struct sim_load *l = sim_load_of(s);
    struct ours *o = calloc(1, sizeof(*o));
    struct pacing_config c = {
        .policy = {.mode = mode, .ratio = 1, .false_machines = 100 * l->false_machines},
        .max_calls = l->agents * 64 + 512,
        .max_agents = l->agents,
        .limit_ms = (uint32_t)(l->limit_s * 1000),
        .cap_percent = cap,
    };

    if (!o || pacing_open(&o->pacing, &c) != OK) {
        free(o);
        return NULL;
    }
    o->sim = s;
    return o;
}

static void close_ours(void *policy)
{
    struct ours *o = policy;

    pacing_close(o->pacing);
    free(o);
}

static void *open_peal(struct sim *s, double parameter)
{
    return open_ours(s, PACING_PREDICTIVE, parameter > 0 ? parameter : 3.0);
}

static void *open_peal_daily(struct sim *s, double parameter)
{
    struct ours *o = open_peal(s, parameter);
    struct campaign_pacing policy = {.mode = PACING_PREDICTIVE, .daily = true};

    if (o) {
        policy.false_machines = 100 * sim_load_of(s)->false_machines;
        pacing_set_policy(o->pacing, &policy);
    }
    return o;
}

/* May hang up a call that rang 15 s when no agent is expected for it. */
static void *open_peal_hangup(struct sim *s, double parameter)
{
    struct ours *o = open_peal(s, parameter);
    struct campaign_pacing policy = {.mode = PACING_PREDICTIVE, .hang_up_at_ms = 15000};

    if (o) {
        policy.false_machines = 100 * sim_load_of(s)->false_machines;
        pacing_set_policy(o->pacing, &policy);
    }
    return o;
}

static uint32_t hopeless_ours(void *policy, uint64_t now_ms, uint32_t *calls, uint32_t most)
{
    return pacing_hopeless(((struct ours *)policy)->pacing, now_ms, calls, most);
}

static void *open_progressive(struct sim *s, double parameter)
{
    (void)parameter;
    return open_ours(s, PACING_PROGRESSIVE, 3.0);
}

/* The distributions of the world, learned from many draws before the first call. */
static void *open_known(struct sim *s, double parameter)
{
    struct ours *o = open_peal(s, parameter);
    const struct sim_load *l = sim_load_of(s);
    struct rng r;

    if (!o)
        return NULL;
    o->knows = true;
    rng_seed(&r, 12345);
    struct pacing_learn *learn = &o->pacing->learn;
    learn->dials_per_second = 1e6; /* the longest memory */
    for (int i = 0; i < 200000; i++) {
        struct sim_dial d;

        sim_draw_dial(s, &r, l->p, &d);
        bool live = (d.kind == SIM_LIVE && !d.dropped) || (d.kind == SIM_MACHINE && d.passed);
        bool answer = d.kind == SIM_LIVE || d.kind == SIM_MACHINE;
        struct pacing_outcome out = {.live = live,
                                     .answered_s = d.ends_ms / 1000.0,
                                     .analysis_s = d.analysis_ms / 1000.0,
                                     .answer = answer};
        pacing_learn_time(learn, &out);
        if (i % 4 == 0) {
            pacing_life_see(&learn->talk, sim_draw_talk(s, &r), 1e9);
            pacing_life_see(&learn->wrap, sim_draw_wrap(s, &r), 1e9);
        }
    }
    learn->wraps = 1;
    learn->leaves = l->break_share;
    pacing_freeze(o->pacing);
    return o;
}

static void call_ours(void *policy, const struct pacing_call_event *e)
{
    pacing_call(((struct ours *)policy)->pacing, e);
}

static void agent_ours(void *policy, uint32_t agent, enum agent_pace state, uint64_t now_ms)
{
    pacing_agent(((struct ours *)policy)->pacing, agent, state, now_ms);
}

static void know_agent_ours(void *policy, uint32_t agent, uint64_t free_at_ms)
{
    pacing_know_agent(((struct ours *)policy)->pacing, agent, free_at_ms);
}

static void day_ours(void *policy)
{
    pacing_new_day(((struct ours *)policy)->pacing);
}

static void decide_ours(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                        struct pacing_advice *out)
{
    struct ours *o = policy;

    if (o->knows) {
        const struct sim_load *l = sim_load_of(o->sim);
        double p = sim_chance(o->sim);

        pacing_know_chance(o->pacing,
                           p * (1 - l->false_machines) + l->machines * l->machines_passed);
    }
    pacing_launch(o->pacing, now_ms, limits, out);
}

/* ---- a fixed number of lines for each agent ---- */

#define GOLDEN 0.618033988749895 /* its multiples spread evenly over 0…1 */

struct rule {
    struct sim *sim;
    double level; /* lines for each agent, or what the rule adapts */
    uint64_t next_ms;
    double waiting_agents, samples; /* averaged between adaptations */
    uint64_t live, abandoned;
    enum { RULE_TAPERED, RULE_AVERAGE, RULE_HARD } kind;
    bool available_only;
};

static void *open_rule(struct sim *s, double parameter)
{
    struct rule *r = calloc(1, sizeof(*r));

    if (r) {
        r->sim = s;
        r->level = parameter > 0 ? parameter : 1.0;
    }
    return r;
}

static uint32_t lines_to_add(const struct sim_view *v, double lines)
{
    double open = v->ringing + v->analysed + v->waiting + v->talking;

    return lines > open + 1e-9 ? (uint32_t)(lines - open + 1e-9) : 0;
}

/* So many calls in the air for each free agent. A fraction of a call is made now and then, so that
 * every level between two whole numbers is another policy: which it is to be changes with each
 * dial. */
static void decide_ratio(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                         struct pacing_advice *out)
{
    struct rule *r = policy;
    const struct sim_view *v = sim_look(r->sim);
    double all = r->level * ((double)v->free - v->waiting);
    double want = floor(all + fmod((double)v->dials * GOLDEN, 1)) - v->ringing - v->analysed;

    (void)now_ms;
    out->launch = all > 0 && want >= 1 ? (uint32_t)want : 0;
    if (out->launch > limits->tasks_ready)
        out->launch = limits->tasks_ready;
    if (out->launch > limits->trunk_room)
        out->launch = limits->trunk_room;
}

/* ---- VICIdial's adaptive levels, from its manual and the notes of its adapt script ----
 *
 * Every 15 s the dial level (lines for each agent who is ready or in a call, up to 3) moves with
 * the average number of agents waiting, less calls waiting, over agents; above the allowed share of
 * drops of the day it goes to 1 (HARD_LIMIT), is pulled down in proportion (AVERAGE), or is pulled
 * down the more the later in the shift it is (TAPERED: free to run over in the first half). */

#define LEVEL_CAP   3.0
#define ADAPT_MS    15000
#define DROPS_LEAST 20

static void *open_tapered(struct sim *s, double parameter)
{
    struct rule *r = open_rule(s, 1.0);

    (void)parameter;
    if (r)
        r->kind = RULE_TAPERED;
    return r;
}

static void *open_average(struct sim *s, double parameter)
{
    struct rule *r = open_rule(s, 1.0);

    (void)parameter;
    if (r)
        r->kind = RULE_AVERAGE;
    return r;
}

static void *open_hard(struct sim *s, double parameter)
{
    struct rule *r = open_rule(s, 1.0);

    (void)parameter;
    if (r)
        r->kind = RULE_HARD;
    return r;
}

static void adapt(struct rule *r, const struct sim_view *v)
{
    double agents = fmax(v->logged_in, 1), difference = r->waiting_agents / fmax(r->samples, 1);
    double drops =
        v->day_live >= DROPS_LEAST ? 100.0 * (double)v->day_abandoned / (double)v->day_live : 0;

    r->waiting_agents = r->samples = 0;
    r->level *= 1 + difference / agents;
    if (drops > 3.0) {
        if (r->kind == RULE_HARD)
            r->level = 1.0;
        else if (r->kind == RULE_AVERAGE)
            r->level = fmax(1.0, r->level * 3.0 / drops * 0.5);
        else if (v->day_share > 0.5)
            r->level = 1 + (r->level - 1) * fmin(1, 3.0 / drops) * 2 * (1 - v->day_share);
    }
    r->level = fmin(fmax(r->level, 1.0), LEVEL_CAP);
}

static void decide_adaptive(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                            struct pacing_advice *out)
{
    struct rule *r = policy;
    const struct sim_view *v = sim_look(r->sim);

    r->waiting_agents += (double)v->free - v->waiting;
    r->samples++;
    if (now_ms >= r->next_ms) {
        r->next_ms = now_ms + ADAPT_MS;
        adapt(r, v);
    }
    out->launch = lines_to_add(v, r->level * (v->free + v->talking));
    if (out->launch > limits->tasks_ready)
        out->launch = limits->tasks_ready;
    if (out->launch > limits->trunk_room)
        out->launch = limits->trunk_room;
}

/* ---- expected idle agents, adaptive ----
 *
 * Dials until the live answers expected of calls under way equal the agents expected to be idle
 * when they come (free now, and busy ones at their mean rate over the mean answer time), plus a
 * margin that an integral of abandonment moves. */

#define IDLE_MOST 0.1 /* of the agents: how far the margin goes */

static void decide_idle(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                        struct pacing_advice *out)
{
    struct rule *r = policy;
    const struct sim_view *v = sim_look(r->sim);
    const struct sim_load *l = sim_load_of(r->sim);
    double ahead = l->delay_s + l->ring_mean + l->limit_s;
    double hit = ((double)v->live + 4) / ((double)v->dials - v->ringing + 20);
    double frees = v->talking * ahead / l->talk_mean * 0.8;
    double resolves = 0.75; /* of ringing calls' answers are still to come */

    (void)now_ms;
    if (l->wrap_mean > 0)
        frees += v->wrapping * ahead / l->wrap_mean * 0.4;
    if (v->live > r->live) {
        r->level += 0.08 * pow((double)l->agents, 0.25) *
                    (0.03 * (double)(v->live - r->live) - (double)(v->abandoned - r->abandoned));
        r->level = fmin(fmax(r->level, -IDLE_MOST * l->agents - 2), IDLE_MOST * l->agents + 2);
        r->live = v->live;
        r->abandoned = v->abandoned;
    }
    double want =
        (v->free + frees + r->level - v->waiting - v->analysed) / hit - v->ringing * resolves;
    if (v->logged_in == 0)
        want = 0;
    out->launch = want >= 1 ? (uint32_t)want : 0;
    if (v->free > v->ringing + v->analysed + v->waiting + out->launch) /* never below one each */
        out->launch = v->free - v->ringing - v->analysed - v->waiting;
    if (out->launch > limits->tasks_ready)
        out->launch = limits->tasks_ready;
    if (out->launch > limits->trunk_room)
        out->launch = limits->trunk_room;
}

static void *open_idle(struct sim *s, double parameter)
{
    struct rule *r = open_rule(s, 1);

    (void)parameter;
    if (r)
        r->level = 0;
    return r;
}

static void close_rule(void *policy)
{
    free(policy);
}

#define OURS                                                                                       \
    .close = close_ours, .call = call_ours, .agent = agent_ours, .day = day_ours,                  \
    .decide = decide_ours

#define ENGINES                                                                                    \
    .close = pacing_engines_close, .call = pacing_engines_call, .agent = pacing_engines_agent,     \
    .day = pacing_engines_day, .decide = pacing_engines_decide

const struct pacing_entry pacing_entries[] = {
    {.policy = {.name = "bound", .open = open_known, .know_agent = know_agent_ours, OURS}},
    {.policy = {.name = "peal", .open = open_peal, OURS}},
    {.policy = {.name = "known", .open = open_known, OURS}},
    {.policy = {.name = "peal-daily", .open = open_peal_daily, OURS}},
    {.policy = {.name = "peal-hangup", .open = open_peal_hangup, .hopeless = hopeless_ours, OURS}},
    {.policy = {.name = "progressive", .open = open_progressive, OURS}},
    {.policy = {.name = "ratio", .open = open_rule, .close = close_rule, .decide = decide_ratio},
     .tuned = true,
     .low = 1.0,
     .high = 40.0},
    {.policy = {.name = "vici-tapered",
                .open = open_tapered,
                .close = close_rule,
                .decide = decide_adaptive}},
    {.policy = {.name = "vici-average",
                .open = open_average,
                .close = close_rule,
                .decide = decide_adaptive}},
    {.policy =
         {.name = "vici-hard", .open = open_hard, .close = close_rule, .decide = decide_adaptive}},
    {.policy = {.name = "idle", .open = open_idle, .close = close_rule, .decide = decide_idle}},
    {.policy =
         {.name = "dp", .open = pacing_dp_open, .close = close_rule, .decide = pacing_dp_decide},
     .tuned = true,
     .falls = true,
     .low = 0.0,
     .high = 6.0},
    {.policy =
         {.name = "peal-4", .open = pacing_engines_open_shared, .engines = PACING_ENGINES, ENGINES},
     .asked = true},
    {.policy = {.name = "peal-4-apart",
                .open = pacing_engines_open_apart,
                .engines = PACING_ENGINES,
                ENGINES},
     .asked = true},
    {.policy = {.name = "peal-guard", .open = pacing_engines_open_guarded, ENGINES}, .asked = true},
    {.policy = {.name = "peal-guard-daily", .open = pacing_engines_open_daily, ENGINES},
     .asked = true},
    {.policy = {.name = "peal-ratio-3", .open = pacing_engines_open_ratio_3, ENGINES},
     .asked = true},
    {.policy = {.name = "peal-ratio-8", .open = pacing_engines_open_ratio_8, ENGINES},
     .asked = true},
    {.policy = {.name = NULL}},
};

const struct pacing_entry *pacing_entry_find(const char *name)
{
    for (const struct pacing_entry *e = pacing_entries; e->policy.name; e++)
        if (strcmp(e->policy.name, name) == 0)
            return e;
    return NULL;
}
