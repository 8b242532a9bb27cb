/* The virtual room of the pacing benchmark, against formulas where they exist, and the production
 * policy in it over workloads drawn at random. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/pacing_policies.h"

static const struct sim_load base = {
    .agents = 8,
    .p = 0.2,
    .machines = 0.3,
    .failures = 0.1,
    .delay_s = 1.5,
    .ring_mean = 9,
    .ring_cv = 0.55,
    .ring_limit_s = 25,
    .talk_mean = 120,
    .talk_cv = 1,
    .wrap_mean = 30,
    .wrap_cv = 0.5,
    .limit_s = 2,
    .day_s = 28800,
};

/* Exponential ring and talk, nobody waits, no wrap-up. */
static const struct sim_load memoryless = {
    .agents = 5,
    .p = 0.2,
    .ring_mean = 10,
    .ring_limit_s = 1e6,
    .talk_mean = 60,
    .day_s = 28800,
};

struct sum {
    double utilisation, abandoned; /* % */
    double live, dials;
};

static struct sum run(const struct sim_load *l, const char *policy, double parameter, uint64_t seed,
                      int days, int from)
{
    const struct pacing_entry *e = pacing_entry_find(policy);
    struct sim *s;
    struct sum sum = {0};
    double busy = 0, logged = 0, abandoned = 0;

    cr_assert_eq(sim_open(&s, l, &e->policy, parameter, seed), OK);
    for (int d = 0; d < days; d++) {
        struct sim_day day;

        sim_day(s, &day);
        if (d < from)
            continue;
        busy += day.busy_s;
        logged += day.logged_s;
        sum.live += (double)day.live;
        sum.dials += (double)day.dials;
        abandoned += (double)day.abandoned;
    }
    sim_close(s);
    sum.utilisation = 100 * busy / logged;
    sum.abandoned = 100 * abandoned / fmax(sum.live, 1);
    return sum;
}

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

Test(peal, the_same_seed_is_the_same_day)
{
    struct sum a = run(&base, "peal", 0, 5, 1, 0), b = run(&base, "peal", 0, 5, 1, 0);
    struct sum c = run(&base, "peal", 0, 6, 1, 0);

    cr_expect_eq(a.utilisation, b.utilisation);
    cr_expect_eq(a.dials, b.dials);
    cr_expect_neq(a.dials, c.dials);
}

static struct sim_load draw_load(struct rng *g)
{
    struct sim_load l = base;

    l.agents = 3 + rng_below(g, 12);
    l.p = rng_uniform(g, 0.06, 0.45);
    l.machines = rng_uniform(g, 0.05, 0.35);
    l.talk_mean = rng_uniform(g, 40, 240);
    l.talk_cv = rng_uniform(g, 0.4, 1.4);
    l.wrap_mean = rng_uniform(g, 5, 60);
    l.limit_s = rng_below(g, 2) * 2;
    if (rng_below(g, 3) == 0)
        l.analysis_s = rng_uniform(g, 0.5, 2.5);
    if (rng_below(g, 3) == 0) {
        l.jump = 2;
        l.jump_every_s = 1800;
        l.p *= 0.5;
    }
    if (rng_below(g, 3) == 0) {
        l.break_share = 0.05;
        l.break_s = 600;
        l.stagger_s = 3600;
        l.shift_s = 20000;
    }
    return l;
}

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

Test(peal, what_it_learned_is_nearly_as_good_as_the_truth)
{
    struct sum learned = run(&base, "peal", 0, 8, 4, 1), known = run(&base, "known", 0, 8, 4, 1);

    cr_expect_gt(learned.utilisation, known.utilisation - 1.2, "%.2f, %.2f", learned.utilisation,
                 known.utilisation);
}

Test(peal, who_knows_when_agents_are_free_does_better)
{
    struct sum learned = run(&base, "peal", 0, 9, 3, 0), bound = run(&base, "bound", 0, 9, 3, 0);

    cr_expect_gt(bound.utilisation, learned.utilisation + 0.5, "%.2f, %.2f", bound.utilisation,
                 learned.utilisation);
    cr_expect_float_eq(bound.abandoned, 3, 0.4);
}

/* Every advice of a week of a small room is within what it was allowed. */
static uint32_t room_most, room_seen;
static const struct sim *room;

static void decide_within(void *policy, uint64_t now_ms, const struct pacing_limits *limits,
                          struct pacing_advice *out)
{
    struct pacing_limits tight = *limits;
    const struct sim_view *v = sim_look(room);
    uint32_t air = v->ringing + v->analysed + v->waiting + v->talking;

    tight.trunk_room = air < room_most ? room_most - air : 0;
    pacing_entry_find("peal")->policy.decide(policy, now_ms, &tight, out);
    cr_assert_leq(out->launch, tight.trunk_room);
    if (v->logged_in == 0)
        cr_assert_eq(out->launch, 0, "nobody is there");
    if (air + out->launch > room_seen)
        room_seen = air + out->launch;
}

Test(peal, never_more_calls_than_the_trunk_takes)
{
    struct sim_policy tight = pacing_entry_find("peal")->policy;
    struct sim_load l = base;
    struct sim *s;

    tight.decide = decide_within;
    room_most = 14;
    room_seen = 0;
    l.shift_s = 14400;
    l.stagger_s = 7200;
    cr_assert_eq(sim_open(&s, &l, &tight, 0, 11), OK);
    room = s;
    for (int d = 0; d < 2; d++) {
        struct sim_day day;
        sim_day(s, &day);
    }
    sim_close(s);
    cr_expect_eq(room_seen, 14, "the limit was never reached: %u", room_seen);
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
