/* What the production policy never does, in rooms drawn at random: a watch stands between room and
 * policy, keeps books of its own, gives limits, and judges every advice. */
#include "bench/rooms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/pacing_internal.h"

#define ROOM_CALLS 2048
#define ENGINES    PACING_ENGINES
#define RINGS_MS   15000 /* until a call may be hung up */

/* What each engine's policy has been told. */
struct book {
    uint32_t air, open; /* calls; and those not decided */
    uint32_t here;      /* agents who are free or will be */
    uint64_t launched;
    double s; /* ln θ by the answers alone */
    double moved;
};

struct watch {
    const struct sim_policy *inner;
    void *of;
    struct sim *sim;
    struct rng rng;
    struct book book[ENGINES];
    uint8_t phase[ROOM_CALLS], agent[64];
    uint64_t ringing_ms[ROOM_CALLS];
    uint64_t now_ms, hash, decisions, full, said[5];
    uint32_t most_air;
};

/* What the tests ask for, before a room is opened, and what they see after it was closed. */
static const struct sim_policy *inner;
static uint32_t give_concurrent; /* 0: no limit of the campaign */
static bool give_tight;          /* trunks, leads and records that are short now and then */
static uint64_t seed_of_limits;
static struct watch seen;

enum { SAID_NOBODY, SAID_STARTS, SAID_SPENT, SAID_RISK, SAID_STOPPED };

static void *open_watch(struct sim *s, double parameter)
{
    struct watch *w = calloc(1, sizeof(*w));

    cr_assert(w);
    w->inner = inner;
    w->sim = s;
    w->of = inner->open(s, parameter);
    rng_seed(&w->rng, seed_of_limits);
    cr_assert(w->of && sim_load_of(s)->agents <= 64);
    return w;
}

static void close_watch(void *policy)
{
    struct watch *w = policy;

    seen = *w;
    w->inner->close(w->of);
    free(w);
}

static bool is_open(uint8_t phase)
{
    return phase == PACING_LAUNCHED || phase == PACING_RINGING || phase == PACING_ANSWERED;
}

static void call_watch(void *policy, const struct pacing_call_event *e)
{
    struct watch *w = policy;
    struct book *b = &w->book[sim_engine_of_call(w->sim, e->call)];

    cr_assert_lt(e->call, ROOM_CALLS);
    uint8_t *phase = &w->phase[e->call];
    b->open -= is_open(*phase);
    *phase = e->phase == PACING_ENDED ? PACING_IDLE : (uint8_t)e->phase;
    b->open += is_open(*phase);
    b->air += e->phase == PACING_LAUNCHED;
    b->air -= e->phase == PACING_ENDED;
    b->launched += e->phase == PACING_LAUNCHED;
    if (e->phase == PACING_RINGING)
        w->ringing_ms[e->call] = e->now_ms;
    w->inner->call(w->of, e);
}

static bool is_here(uint8_t state)
{
    return state == AGENT_PACE_FREE || state == AGENT_PACE_TALKING || state == AGENT_PACE_WRAPPING;
}

static void agent_watch(void *policy, uint32_t agent, enum agent_pace state, uint64_t now_ms)
{
    struct watch *w = policy;
    struct book *b = &w->book[agent % (w->inner->engines ? w->inner->engines : 1)];

    b->here -= is_here(w->agent[agent]);
    b->here += is_here((uint8_t)state);
    w->agent[agent] = (uint8_t)state;
    w->inner->agent(w->of, agent, state, now_ms);
}

static void day_watch(void *policy)
{
    struct watch *w = policy;

    w->inner->day(w->of);
}

/* The engine's part of the campaign's limit, as dialer/share.c would give it. */
static void give_part(struct watch *w, uint32_t e)
{
    struct pacing *p = pacing_engines_nth(w->of, e);
    uint32_t engines = w->inner->engines ? w->inner->engines : 1;
    struct pacing_part part = {(double)e / engines, (double)(e + 1) / engines, 0};
    struct campaign_pacing policy = {
        .mode = PACING_PREDICTIVE, .ratio = 1, .concurrent = give_concurrent};

    for (uint32_t other = 0; other < ENGINES; other++)
        part.others_in_air += other == e ? 0 : w->book[other].air;
    pacing_set_policy(p, &policy);
    pacing_set_part(p, &part);
}

/* The numbers of the reason are those of the advice and of the books. */
static void judge_reason(struct watch *w, const struct book *b, const struct pacing_limits *limits,
                         const struct pacing_advice *a)
{
    double freed, seconds, live, risk, theta;
    unsigned agents, out, known;
    char sign[8];
    int end = 0;

    if (strcmp(a->reason, "no agent is there") == 0) {
        w->said[SAID_NOBODY]++;
        cr_assert_eq(b->here, 0);
        return;
    }
    cr_assert_gt(b->here, 0, "%s", a->reason);
    if (sscanf(a->reason, "starts with one call a free agent until 16 live answers are known (%u)",
               &known) == 1 ||
        sscanf(a->reason,
               "starts with up to 2 calls a free agent until 16 live answers are known (%u)",
               &known) == 1) {
        w->said[SAID_STARTS]++;
        cr_assert_lt(known, 16);
        return;
    }
    if (strncmp(a->reason, "one call a free agent: the abandonment of 30 days", 49) == 0) {
        w->said[SAID_SPENT]++;
        cr_assert_eq(a->theta, 0);
        return;
    }
    cr_assert_eq(sscanf(a->reason,
                        "%lf of %u agents free within %lf s, %u calls ringing, %lf answers "
                        "expected; risk %lf %% %7s %lf %%%n",
                        &freed, &agents, &seconds, &out, &live, &risk, sign, &theta, &end),
                 8, "%s", a->reason);
    w->said[SAID_RISK]++;
    cr_assert_eq(agents, b->here, "%s", a->reason);
    cr_assert_leq(freed, agents);
    cr_assert_float_eq(freed, a->expected_agents, 0.5001);
    cr_assert_float_eq(seconds, a->horizon_s, 0.5001);
    cr_assert_float_eq(live, a->expected_live, 0.05001);
    cr_assert_float_eq(risk, 100 * a->taken, 0.05001);
    cr_assert_float_eq(theta, 100 * a->theta, 0.05001);
    cr_assert_str_eq(sign, a->taken <= a->theta ? "≤" : ">");
    const char *stopped = a->reason + end;
    if (*stopped == '\0') {
        cr_assert_eq(out, b->open + a->launch, "%s", a->reason);
        return;
    }
    w->said[SAID_STOPPED]++;
    cr_assert_geq(out, b->open + a->launch, "%s", a->reason);
    if (strcmp(stopped, "; no more leads are due now") == 0)
        cr_assert_eq(a->launch, limits->tasks_ready);
    else if (strcmp(stopped, "; the trunks are full") == 0)
        cr_assert_eq(a->launch, limits->trunk_room);
    else if (strcmp(stopped, "; call records wait for the disk") == 0)
        cr_assert_eq(a->launch, limits->record_room);
    else if (strncmp(stopped, "; as many at once as the campaign allows", 40) == 0)
        cr_assert_gt(give_concurrent, 0);
    else
        cr_assert_fail("%s", a->reason);
}

/* An engine that shares with nobody: ln θ is what its answers made it, however low; only the top
 * holds it. */
static void judge_budget(struct watch *w, uint32_t e)
{
    struct pacing *p = pacing_engines_nth(w->of, e);
    struct book *b = &w->book[e];
    double top = log(PACING_THETA_MOST), moved = p->common->budget.moved - b->moved;

    if (w->decisions < ENGINES)
        b->s = p->common->budget.s - moved;
    b->moved = p->common->budget.moved;
    b->s += moved;
    if (b->s > top - 1 ||
        p->common->budget.s > top - 1) /* near the top, where it may have been held */
        b->s = p->common->budget.s;
    cr_assert_float_eq(p->common->budget.s, b->s, 1e-9, "engine %u: %.3f, not %.3f", e,
                       p->common->budget.s, b->s);
}

static void decide_watch(void *policy, uint64_t now_ms, const struct pacing_limits *given,
                         struct pacing_advice *out)
{
    struct watch *w = policy;
    struct pacing_limits limits = *given;
    uint32_t e = sim_engine(w->sim), air = 0;
    struct book *b = &w->book[e];
    bool engines = w->inner->decide == pacing_entry_find("peal-4")->policy.decide;

    if (give_tight) {
        uint32_t *which[] = {&limits.trunk_room, &limits.tasks_ready, &limits.record_room};
        *which[rng_below(&w->rng, 3)] = rng_below(&w->rng, 5);
    }
    if (give_concurrent)
        give_part(w, e);
    w->inner->decide(w->of, now_ms, &limits, out);
    w->decisions++;
    w->now_ms = now_ms;
    cr_assert_leq(out->launch, limits.trunk_room);
    cr_assert_leq(out->launch, limits.tasks_ready);
    cr_assert_leq(out->launch, limits.record_room);
    if (b->here == 0)
        cr_assert_eq(out->launch, 0, "nobody is there for them: %s", out->reason);
    for (uint32_t i = 0; i < ENGINES; i++)
        air += w->book[i].air;
    if (give_concurrent)
        cr_assert_leq(air + out->launch, give_concurrent, "%s", out->reason);
    w->full += give_concurrent && air + out->launch == give_concurrent;
    judge_reason(w, b, &limits, out);
    if (engines && strcmp(w->inner->name, "peal-4-apart") == 0)
        judge_budget(w, e);
    w->hash = w->hash * 1099511628211u + (now_ms << 8) + out->launch;
    if (air + out->launch > w->most_air)
        w->most_air = air + out->launch;
}

static uint32_t hung_up, left_ringing;

static uint32_t hopeless_watch(void *policy, uint64_t now_ms, uint32_t *calls, uint32_t most)
{
    struct watch *w = policy;
    uint32_t old = 0, n = w->inner->hopeless ? w->inner->hopeless(w->of, now_ms, calls, most) : 0;

    for (uint32_t i = 0; i < n; i++) {
        cr_assert_eq(w->phase[calls[i]], PACING_RINGING);
        cr_assert_geq(now_ms - w->ringing_ms[calls[i]], RINGS_MS, "it has hardly rung");
    }
    for (uint32_t i = 0; i < ROOM_CALLS; i++)
        old += w->phase[i] == PACING_RINGING && now_ms - w->ringing_ms[i] >= RINGS_MS;
    if (w->book[0].here == 0 && old) {
        left_ringing += old - n;
        hung_up += n;
    }
    return n;
}

static struct sim_policy watched(const char *name)
{
    inner = &pacing_entry_find(name)->policy;
    give_concurrent = 0;
    give_tight = false;
    seed_of_limits = 1;
    return (struct sim_policy){.name = "watched",
                               .open = open_watch,
                               .close = close_watch,
                               .call = call_watch,
                               .agent = agent_watch,
                               .day = day_watch,
                               .decide = decide_watch,
                               .engines = inner->engines};
}

/* Small and short enough for many of them. */
static struct sim_load draw_short(struct rng *g)
{
    struct sim_load l = draw_load(g);

    l.day_s = rng_uniform(g, 3600, 7200);
    if (l.shift_s > 0) {
        l.stagger_s = 600;
        l.shift_s = 3000;
    }
    return l;
}

/* Of any thirty days in a row, and of the first ones, from 1,000 answers on. */
Test(rooms, keep_the_cap_over_any_thirty_days)
{
    enum { DAYS = 34 };
    struct rng g;
    double most = 0;

    rng_seed(&g, 30);
    for (int round = 0; round < 3; round++) {
        static const char *const policies[] = {"peal-guard", "peal-4"};
        struct sim_load l = draw_short(&g);
        uint64_t live[DAYS], abandoned[DAYS];
        struct sim *s;

        l.agents = 3 + l.agents % 3;
        l.day_s = 4000;
        cr_assert_eq(
            sim_open(&s, &l, &pacing_entry_find(policies[round % 2])->policy, 0, (uint64_t)round),
            OK);
        for (int d = 0; d < DAYS; d++) {
            double answers = 0, lost = 0;
            struct sim_day day;

            sim_day(s, &day);
            live[d] = day.live;
            abandoned[d] = day.abandoned;
            for (int k = d < 29 ? 0 : d - 29; k <= d; k++) {
                answers += (double)live[k];
                lost += (double)abandoned[k];
            }
            if (answers < 1000)
                continue;
            cr_expect_leq(lost, 0.03 * answers, "round %d, day %d: %.0f of %.0f", round, d, lost,
                          answers);
            most = fmax(most, lost / answers);
        }
        sim_close(s);
    }
    cr_expect_gt(most, 0.02, "the cap was never near: %.4f", most);
}

Test(rooms, no_more_calls_than_there_is_room_for)
{
    struct rng g;
    uint64_t full = 0;

    rng_seed(&g, 14);
    for (int round = 0; round < 4; round++) {
        struct sim_policy policy = watched(round % 2 ? "peal-4" : "peal-guard");
        struct sim_load l = draw_short(&g);

        give_concurrent = 2 + rng_below(&g, 2 * l.agents);
        give_tight = round % 3 == 0;
        seed_of_limits = (uint64_t)round;
        run_policy(&l, &policy, 0, (uint64_t)round + 1, 2, 0);
        cr_expect_leq(seen.most_air, give_concurrent);
        full += seen.full;
    }
    cr_expect_gt(full, 1000, "the limits were hardly ever reached: %lu", full);
}

/* Judged at every advice (judge_reason): here only that all of them were said. */
Test(rooms, the_reason_says_the_numbers)
{
    struct rng g;
    uint64_t said[5] = {0};

    rng_seed(&g, 15);
    for (int round = 0; round < 6; round++) {
        struct sim_policy policy = watched(round % 2 ? "peal-daily" : "peal-guard");
        struct sim_load l = draw_short(&g);

        give_tight = round % 3 != 1;
        l.stagger_s = 600;
        l.shift_s = 3000; /* all of them have gone before the day ends */
        run_policy(&l, &policy, round == 4 ? 0.5 : 0, (uint64_t)round + 1, 3, 0);
        for (int i = 0; i < 5; i++)
            said[i] += seen.said[i];
    }
    for (int i = 0; i < 5; i++)
        cr_expect_gt(said[i], 0, "reason %d was never given", i);
}

/* Agents who go home all at once leave bursts of answers to nobody. */
Test(rooms, theta_is_never_held_up_from_below)
{
    struct sim_policy policy = watched("peal-4-apart");
    struct sim_load l = base;
    double lowest = 0;

    l.agents = 16;
    l.p = 0.15;
    l.shift_s = 900;
    l.day_s = 1200;
    run_policy(&l, &policy, 0, 3, 16, 0);
    for (int e = 0; e < ENGINES; e++)
        lowest = fmin(lowest, seen.book[e].s);
    cr_expect_lt(lowest, log(0.0125), "it was never low: %.2f", lowest);
}

Test(rooms, the_same_seed_is_the_same_day)
{
    static const char *const policies[] = {"peal-guard", "peal-4", "peal-daily", "peal-hangup"};
    struct rng g;

    rng_seed(&g, 17);
    for (int i = 0; i < 4; i++) {
        struct sim_policy policy = watched(policies[i]);
        struct sim_load l = draw_short(&g);

        run_policy(&l, &policy, 0, 5, 2, 0);
        uint64_t first = seen.hash;
        run_policy(&l, &policy, 0, 5, 2, 0);
        cr_expect_eq(seen.hash, first, "%s", policies[i]);
        run_policy(&l, &policy, 0, 6, 2, 0);
        cr_expect_neq(seen.hash, first, "%s", policies[i]);
    }
}

/* All agents log out in the middle of the day: nothing is launched any more (decide_watch), what
 * rings is hung up where the campaign may, as soon as it may, and nowhere else. */
Test(rooms, agents_who_leave_at_once_leave_no_call_ringing)
{
    for (int round = 0; round < 2; round++) {
        struct sim_policy policy = watched(round ? "peal-hangup" : "peal-guard");
        struct sim_load l = base;
        struct sum got;

        policy.hopeless = hopeless_watch;
        hung_up = left_ringing = 0;
        l.shift_s = 3600;
        l.day_s = 5400;
        got = run_policy(&l, &policy, 0, 3, 4, 0);
        cr_expect_gt(got.live, 100);
        cr_expect_eq(hung_up > 0, round == 1, "%u", hung_up);
        cr_expect_eq(left_ringing > 0, round == 0, "%u", left_ringing);
        cr_expect_gt(seen.said[SAID_NOBODY], 0);
    }
}

Test(rooms, what_was_learned_in_a_day_is_nearly_the_truth)
{
    struct rng g;

    rng_seed(&g, 18);
    for (int round = 0; round < 2; round++) {
        struct sim_load l = draw_load(&g);

        l.jump = 0; /* a share that stays; for one that moves see bench/RESULTS.md */
        struct sum learned = run(&l, "peal", 0, 8, 3, 1), known = run(&l, "known", 0, 8, 3, 1);
        cr_expect_gt(learned.utilisation, known.utilisation - 1.0, "round %d: %.2f, %.2f", round,
                     learned.utilisation, known.utilisation);
        cr_expect_lt(learned.abandoned, 3 + 100 * 12 / learned.live, "round %d: %.2f of %.0f",
                     round, learned.abandoned, learned.live);
    }
}

/* The account of thirty days holds a large room's θ now and then, not all day. */
Test(rooms, the_account_costs_a_large_room_little)
{
    struct sim_load l = base;

    l.agents = 100;
    l.day_s = 9000;
    struct sum held = run(&l, "peal-guard", 0, 2, 3, 1), free = run(&l, "peal", 0, 2, 3, 1);
    cr_expect_gt(held.utilisation, free.utilisation - 0.8, "%.2f, without %.2f", held.utilisation,
                 free.utilisation);
    cr_expect_lt(held.abandoned, 3.1, "%.2f", held.abandoned);
}
