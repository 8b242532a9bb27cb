/* The virtual room of the pacing benchmark, against formulas where they exist, and the production
 * policy in it over workloads drawn at random. */
#include "bench/rooms.h"

#include <stdlib.h>
#include <string.h>

/* Exponential ring and talk, nobody waits, no wrap-up. */
static const struct sim_load memoryless = {
    .agents = 5,
    .p = 0.2,
    .ring_mean = 10,
    .ring_limit_s = 1e6,
    .talk_mean = 60,
    .day_s = 28800,
};

/* ---- formulas ---- */

/* Launches at random, whatever the agents do: with every call answered, a loss system. */
struct blind {
    struct rng rng;
    double every_s;
    double next_s;
};

static void *open_blind(struct sim *s, double every_s)
{
    struct blind *b = calloc(1, sizeof(*b));

    (void)s;
    rng_seed(&b->rng, 99);
    b->every_s = every_s;
    return b;
}

/* Many launches of the ticks of a second, Poisson: their rings spread them over time. */
static void decide_blind(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                         struct pacing_advice *out)
{
    struct blind *b = policy;

    (void)limits;
    if (b->next_s < (double)now_ms / 1000 - 60) /* a night has passed */
        b->next_s = (double)now_ms / 1000;
    while (b->next_s <= (double)now_ms / 1000) {
        out->launch++;
        b->next_s += rng_exp(&b->rng, b->every_s);
    }
}

static double erlang_b(uint32_t servers, double load)
{
    double b = 1;

    for (uint32_t n = 1; n <= servers; n++)
        b = load * b / (n + load * b);
    return b;
}

Test(room, loses_what_erlang_says)
{
    const struct sim_policy blind = {
        .name = "blind", .open = open_blind, .close = free, .decide = decide_blind};
    struct sim_load l = memoryless;

    l.p = 1;
    for (l.agents = 3; l.agents <= 12; l.agents *= 2) {
        struct sim *s;
        double live = 0, lost = 0, load = 0.9 * l.agents;

        cr_assert_eq(sim_open(&s, &l, &blind, l.talk_mean / load, 7), OK);
        for (int d = 0; d < 8; d++) {
            struct sim_day day;

            sim_day(s, &day);
            live += (double)day.live;
            lost += (double)day.abandoned;
        }
        sim_close(s);
        cr_expect_float_eq(lost / live, erlang_b(l.agents, load), 0.015, "%u agents: %.4f, %.4f",
                           l.agents, lost / live, erlang_b(l.agents, load));
    }
}

/* M/M/c + D: Poisson arrivals, exponential talks, whoever waits longer than the limit is lost. The
 * virtual wait has the density λ π(c−1) exp(−(cμ − λ) x) up to the limit, and falls with cμ beyond
 * (O. Boxma and P. de Waal, "Multiserver queues with impatient customers", 1994). Without a limit
 * it is Erlang's delay system, with none to wait his loss system. */
static double lost_of_impatient(uint32_t servers, double arrivals, double service, double limit)
{
    double places[64] = {1}, sum = 1, drains = servers * service;

    for (uint32_t n = 1; n < servers; n++)
        sum += places[n] = places[n - 1] * arrivals / service / n;
    double first = arrivals * places[servers - 1], excess = drains - arrivals;
    double waits = fabs(excess) < 1e-9 ? limit : (1 - exp(-excess * limit)) / excess;
    double beyond = first * exp(-excess * limit) / drains;
    return beyond / (sum + first * waits + beyond);
}

Test(room, loses_the_impatient_as_the_delay_system_says)
{
    const struct sim_policy blind = {
        .name = "blind", .open = open_blind, .close = free, .decide = decide_blind};
    static const double limits[] = {0, 5, 20, 60};
    struct sim_load l = memoryless;

    cr_assert_float_eq(lost_of_impatient(5, 0.08, 1 / 60.0, 0), erlang_b(5, 4.8), 1e-12);
    l.p = 1;
    l.agents = 5;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        l.limit_s = limits[i];
        for (double load = 0.8; load < 1.3; load += 0.4) {
            double arrivals = load * l.agents / l.talk_mean;
            struct sum got = run_policy(&l, &blind, 1 / arrivals, 7, 12, 0);
            double lost = 100 * lost_of_impatient(l.agents, arrivals, 1 / l.talk_mean, l.limit_s);

            cr_expect_float_eq(got.abandoned, lost, 1.5, "%g s at load %g: %.2f, not %.2f",
                               l.limit_s, load, got.abandoned, lost);
        }
    }
}

/* So many calls in the air for each number of free agents: with everything memoryless a chain of
 * a few states, whose share of time in each is a matter of arithmetic. */
enum { CHAIN_AGENTS = 3, CHAIN_AIR = 12 };
static const uint32_t chain_wants[CHAIN_AGENTS + 1] = {1, 4, 8, CHAIN_AIR};
static const struct sim *chain_room;

static void *open_chain(struct sim *s, double parameter)
{
    (void)parameter;
    chain_room = s;
    return malloc(1);
}

static void decide_chain(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                         struct pacing_advice *out)
{
    const struct sim_view *v = sim_look(chain_room);
    uint32_t want = chain_wants[v->free];

    (void)policy;
    (void)now_ms;
    (void)limits;
    out->launch = want > v->ringing ? want - v->ringing : 0;
}

static void chain_expects(const struct sim_load *l, double *utilisation, double *abandoned)
{
    double at[CHAIN_AGENTS + 1][CHAIN_AIR + 1] = {{0}}, ring = 1 / l->ring_mean;
    double talk = 1 / l->talk_mean, step = 0.5 / (CHAIN_AIR * ring + CHAIN_AGENTS * talk);
    double busy = 0, live = 0, lost = 0;

    at[CHAIN_AGENTS][CHAIN_AIR] = 1;
    for (int round = 0; round < 20000; round++) {
        double next[CHAIN_AGENTS + 1][CHAIN_AIR + 1] = {{0}};

        busy = live = lost = 0;
        for (uint32_t free = 0; free <= CHAIN_AGENTS; free++)
            for (uint32_t air = 0; air <= CHAIN_AIR; air++) {
                double here = at[free][air], ends = here * air * ring * step;
                double frees = here * (CHAIN_AGENTS - free) * talk * step;
                const uint32_t *w = chain_wants;

                busy += here * (CHAIN_AGENTS - free) / CHAIN_AGENTS;
                live += ends * l->p;
                lost += free == 0 ? ends * l->p : 0;
                next[free][air] += here - ends - frees;
                if (frees > 0)
                    next[free + 1][air > w[free + 1] ? air : w[free + 1]] += frees;
                if (air == 0)
                    continue;
                uint32_t left = free ? free - 1 : 0;
                next[left][air - 1 > w[left] ? air - 1 : w[left]] += ends * l->p;
                next[free][air - 1 > w[free] ? air - 1 : w[free]] += ends * (1 - l->p);
            }
        memcpy(at, next, sizeof(at));
    }
    *utilisation = 100 * busy;
    *abandoned = 100 * lost / live;
}

Test(room, is_the_chain_that_a_fixed_rule_makes)
{
    const struct sim_policy rule = {
        .name = "chain", .open = open_chain, .close = free, .decide = decide_chain};
    struct sim_load l = memoryless;
    double utilisation, abandoned;

    l.agents = CHAIN_AGENTS;
    chain_expects(&l, &utilisation, &abandoned);
    struct sum got = run_policy(&l, &rule, 0, 4, 60, 0);
    cr_expect_float_eq(got.utilisation, utilisation, 0.5, "%.2f, not %.2f", got.utilisation,
                       utilisation);
    cr_expect_float_eq(got.abandoned, abandoned, 0.5, "%.2f, not %.2f", got.abandoned, abandoned);
}

/* One call a free agent: an agent's cycle is dials until one answers, then a talk and a wrap-up. */
Test(room, progressive_is_a_cycle_of_known_length)
{
    struct sim_load l = base;
    double ring = l.delay_s + l.ring_mean, silent = l.delay_s + l.ring_limit_s;
    double machine = l.delay_s + 0.15 * 3 + 0.85 * 21.5, failure = 2;
    double miss = (l.machines * machine + l.failures * failure +
                   (1 - l.p - l.machines - l.failures) * silent) /
                  (1 - l.p);
    double dials = 1 / l.p, idle = (dials - 1) * miss + ring;
    double work = l.talk_mean + l.wrap_mean;
    struct sum got = run(&l, "progressive", 0, 3, 6, 0);

    cr_expect_eq(got.abandoned, 0);
    cr_expect_float_eq(got.utilisation, 100 * work / (work + idle), 1.0, "%.2f", got.utilisation);
}

/* The logarithm of the cost of an abandon at which 3 % are, as peal-bench pacing finds it. */
#define DP_COST 0.95

/* The dynamic program is the best there is without knowing more; the rule is near it. */
Test(room, is_near_the_dynamic_program)
{
    struct sum best = run(&memoryless, "dp", DP_COST, 1, 8, 0);
    struct sum rule = run(&memoryless, "known", 0, 1, 8, 0);
    cr_expect_float_eq(best.abandoned, 3, 0.4, "%.2f", best.abandoned);
    cr_expect_float_eq(rule.abandoned, 3, 0.2, "%.2f", rule.abandoned);
    cr_expect_gt(rule.utilisation, best.utilisation - 1.5, "%.2f of %.2f", rule.utilisation,
                 best.utilisation);
    cr_expect_lt(rule.utilisation, best.utilisation + 1.0, "better than the best: %.2f of %.2f",
                 rule.utilisation, best.utilisation);
}

/* ---- properties ---- */

/* Over days the share is at the cap at most, plus what the budget may be behind: a few dozen
 * abandons, however many answers there were. */
Test(peal, keeps_the_cap_and_beats_one_call_an_agent)
{
    struct rng g;

    rng_seed(&g, 2026);
    for (int round = 0; round < 4; round++) {
        struct sim_load l = draw_load(&g);
        struct sum ours = run(&l, "peal", 0, (uint64_t)round + 1, 3, 0);
        struct sum plain = run(&l, "progressive", 0, (uint64_t)round + 1, 1, 0);

        cr_expect_lt(ours.abandoned, 3 + 100 * 20 / ours.live, "round %d: %.2f %% of %.0f", round,
                     ours.abandoned, ours.live);
        cr_expect_gt(ours.utilisation, plain.utilisation + 2, "round %d: %.1f, %.1f", round,
                     ours.utilisation, plain.utilisation);
    }
}

Test(peal, a_cap_for_every_day_holds_on_every_day)
{
    struct sim_load l = base;
    struct sim *s;

    cr_assert_eq(sim_open(&s, &l, &pacing_entry_find("peal-daily")->policy, 0, 4), OK);
    for (int d = 0; d < 6; d++) {
        struct sim_day day;

        sim_day(s, &day);
        double share = 100.0 * (double)day.abandoned / (double)day.live;
        cr_expect_leq(share, 3.0, "day %d: %.2f %%", d, share);
    }
    sim_close(s);
}

Test(peal, who_knows_when_agents_are_free_does_better)
{
    struct sum learned = run(&base, "peal", 0, 9, 3, 0), bound = run(&base, "bound", 0, 9, 3, 0);

    cr_expect_gt(bound.utilisation, learned.utilisation + 0.5, "%.2f, %.2f", bound.utilisation,
                 learned.utilisation);
    cr_expect_float_eq(bound.abandoned, 3, 0.4);
}

Test(peal, scores_make_small_rooms_better)
{
    struct sim_load l = base;

    l.agents = 5;
    l.score_low = 0.05;
    l.score_high = 0.5;
    struct sum blind = run(&l, "peal", 0, 12, 4, 0);
    l.scores_told = true;
    struct sum told = run(&l, "peal", 0, 12, 4, 0);
    cr_expect_gt(told.utilisation, blind.utilisation + 1.5, "%.2f, %.2f", told.utilisation,
                 blind.utilisation);
    cr_expect_lt(told.abandoned, 3.5);
}

Test(peal, a_list_that_runs_dry_is_dialled_to_its_end)
{
    struct sim_load l = base;
    struct sim *s;
    struct sim_day day;

    l.leads = 2500;
    cr_assert_eq(sim_open(&s, &l, &pacing_entry_find("peal")->policy, 0, 13), OK);
    sim_day(s, &day);
    cr_expect_eq(day.dials, 2500);
    sim_close(s);
}
