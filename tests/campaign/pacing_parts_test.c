/* The parts of predictive pacing, each against what is known by other means: shares that stand and
 * jump, life tables of known laws, the risk against enumeration, the budget's account, scores. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "campaign/pacing.h"
#include "campaign/pacing_budget.h"
#include "campaign/pacing_life.h"
#include "campaign/pacing_look.h"
#include "campaign/pacing_rate.h"
#include "campaign/pacing_score.h"

static void see(struct pacing_rate *r, struct rng *g, double p, int n)
{
    for (int i = 0; i < n; i++)
        pacing_rate_see(r, rng_unit(g) < p, 1);
}

Test(rate, a_share_that_stands_is_known_ever_better)
{
    struct pacing_rate r;
    struct rng g;

    rng_seed(&g, 1);
    pacing_rate_init(&r, 0.2, 4);
    see(&r, &g, 0.1, 200);
    double early = pacing_rate_get(&r).sample;
    see(&r, &g, 0.1, 5000);
    cr_expect_float_eq(pacing_rate_get(&r).mean, 0.1, 0.02);
    cr_expect_gt(pacing_rate_get(&r).sample, early);
    cr_expect_gt(pacing_rate_get(&r).sample, 250, "%.0f", pacing_rate_get(&r).sample);
}

Test(rate, a_jump_is_followed_within_dozens_of_dials)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pacing_rate r;
        struct rng g;

        rng_seed(&g, seed);
        pacing_rate_init(&r, 0.2, 4);
        see(&r, &g, 0.06, 4000);
        see(&r, &g, 0.40, 80);
        cr_expect_gt(pacing_rate_get(&r).mean, 0.24, "seed %d", (int)seed);
        see(&r, &g, 0.40, 300);
        cr_expect_float_eq(pacing_rate_get(&r).mean, 0.40, 0.09, "seed %d", (int)seed);
        see(&r, &g, 0.06, 200);
        cr_expect_lt(pacing_rate_get(&r).mean, 0.15, "seed %d", (int)seed);
    }
}

Test(rate, beliefs_sum_to_one_and_nothing_is_lost)
{
    struct pacing_rate r;
    struct rng g;

    rng_seed(&g, 3);
    pacing_rate_init(&r, 0.2, 4);
    for (int i = 0; i < 200; i++) {
        double sum = 0;

        see(&r, &g, rng_unit(&g), 50);
        for (uint32_t k = 0; k < r.counts; k++)
            sum += r.belief[k];
        cr_assert_float_eq(sum, 1, 1e-6);
        cr_assert_leq(r.counts, PACING_RATE_COUNTS);
        cr_assert(pacing_rate_get(&r).mean > 0 && pacing_rate_get(&r).mean < 1);
    }
    cr_expect_eq(r.count, 200 * 50);
}

Test(rate, age_leaves_the_mean_and_takes_the_certainty)
{
    struct pacing_rate r;
    struct rng g;

    rng_seed(&g, 4);
    pacing_rate_init(&r, 0.2, 4);
    see(&r, &g, 0.3, 3000);
    double mean = pacing_rate_get(&r).mean;
    pacing_rate_age(&r, 25);
    cr_expect_float_eq(pacing_rate_get(&r).mean, mean, 0.01);
    cr_expect_lt(pacing_rate_get(&r).sample, 40);
}

Test(life, bins_cover_all_ages_in_order)
{
    for (uint32_t i = 0; i < PACING_LIFE_BINS; i++) {
        double from = pacing_life_bin_start(i), to = pacing_life_bin_start(i + 1);

        cr_assert_lt(from, to);
        cr_assert_eq(pacing_life_bin(from), i);
        cr_assert_eq(pacing_life_bin((from + to) / 2), i);
    }
    cr_expect_eq(pacing_life_bin(-1), 0);
    cr_expect_eq(pacing_life_bin(1e9), PACING_LIFE_BINS - 1);
}

Test(life, learns_the_law_it_sees)
{
    struct pacing_life l;
    struct rng g;

    rng_seed(&g, 5);
    pacing_life_init(&l, 90, 1, 5);
    for (int i = 0; i < 20000; i++)
        pacing_life_see(&l, rng_lognormal(&g, 120, 1), 1e9);
    pacing_life_fit(&l, NULL, 0);
    cr_expect_float_eq(pacing_life_mean(&l), 120, 4);
    double v = log(2), m = log(120) - v / 2;
    for (double t = 10; t < 600; t *= 1.7)
        cr_expect_float_eq(pacing_life_survival(&l, t),
                           0.5 * erfc((log(t) - m) / sqrt(v) * M_SQRT1_2), 0.015, "t %.0f", t);
}

/* Of what began together only the short ones have ended: without those still going on, the mean
 * would be far too low. */
Test(life, those_that_go_on_count)
{
    struct pacing_life l;
    struct rng g;
    static float going[2000];
    uint32_t n = 0;

    rng_seed(&g, 6);
    pacing_life_init(&l, 90, 1, 5);
    for (int i = 0; i < 2000; i++) {
        double t = rng_exp(&g, 100);

        if (t < 40)
            pacing_life_see(&l, t, 1e9);
        else
            going[n++] = 40;
    }
    pacing_life_fit(&l, going, n);
    cr_expect_float_eq(pacing_life_survival(&l, 39), exp(-0.39), 0.03, "%.3f",
                       pacing_life_survival(&l, 39));
}

/* ---- risk ---- */

static struct pacing_learn learn;
static struct pacing_look_plan plan;

static void prepare(void)
{
    pacing_learn_init(&learn);
    pacing_look_prepare(&plan, &learn, 2);
}

/* Chance that answers take all agents, by trying every outcome of every coin. */
static double enumerate(const double *agent, int agents, const double *call, int calls, int free)
{
    double risk = 0;

    for (unsigned outcome = 0; outcome < 1u << (agents + calls); outcome++) {
        double chance = 1;
        int d = free;

        for (int i = 0; i < agents + calls; i++) {
            double p = i < agents ? agent[i] : call[i - agents];
            bool happens = outcome >> i & 1;

            chance *= happens ? p : 1 - p;
            d += happens ? (i < agents ? 1 : -1) : 0;
        }
        if (d <= 0)
            risk += chance;
    }
    return risk;
}

Test(look, risk_is_that_of_every_outcome_tried, .init = prepare)
{
    struct rng g;

    rng_seed(&g, 7);
    for (int round = 0; round < 60; round++) {
        struct pacing_look k;
        double agent[PACING_LOOKS][6], call[PACING_LOOKS][6], mean = 0;
        int agents = (int)rng_below(&g, 6), calls = (int)rng_below(&g, 7);
        int free = (int)rng_below(&g, 4) - 1;

        pacing_look_begin(&k, &plan, &learn, 10, free, 0);
        for (int i = 0; i < agents; i++) {
            double was[PACING_LOOKS];
            for (int u = 0; u < PACING_LOOKS; u++)
                was[u] = k.at[u].freed;
            if (i % 2)
                pacing_look_wrapping(&k, rng_uniform(&g, 0, 40));
            else
                pacing_look_talking(&k, rng_uniform(&g, 0, 400));
            for (int u = 0; u < PACING_LOOKS; u++)
                agent[u][i] = k.at[u].freed - was[u];
        }
        for (int i = 0; i < calls; i++) {
            double was[PACING_LOOKS];
            for (int u = 0; u < PACING_LOOKS; u++)
                was[u] = k.at[u].live;
            if (i % 3 == 2)
                pacing_look_analysed(&k, rng_uniform(&g, 2, 20), rng_uniform(&g, 0, 1));
            else
                pacing_look_ringing(&k, rng_uniform(&g, 0, 26), rng_uniform(&g, 0.02, 0.9));
            for (int u = 0; u < PACING_LOOKS; u++)
                call[u][i] = k.at[u].live - was[u];
        }
        for (int u = 0; u < PACING_LOOKS; u++)
            mean += enumerate(agent[u], agents, call[u], calls, free) / PACING_LOOKS;
        cr_assert_float_eq(pacing_look_risk(&k), mean, 1e-9, "round %d", round);
    }
}

/* The same room looked at both ways: what the normal law may be off by. */
Test(look, the_normal_law_is_near_the_exact_one, .init = prepare)
{
    struct rng g;
    double worst = 0;

    rng_seed(&g, 8);
    for (int round = 0; round < 200; round++) {
        struct pacing_look k[2];
        int calls = 5 + (int)rng_below(&g, 40), free = (int)rng_below(&g, 3);

        for (int i = 0; i < 2; i++) {
            struct rng same = g;

            pacing_look_begin(&k[i], &plan, &learn, i ? 1000 : PACING_LOOK_EXACT, free, 0);
            for (int a = 0; a < 17; a++)
                pacing_look_talking(&k[i], rng_uniform(&same, 0, 300));
            for (int c = 0; c < calls; c++)
                pacing_look_ringing(&k[i], rng_uniform(&same, 0, 20), 0.2);
        }
        worst = fmax(worst, fabs(pacing_look_risk(&k[0]) - pacing_look_risk(&k[1])));
        rng_u64(&g);
    }
    cr_expect_lt(worst, 0.04, "%.4f", worst);
}

Test(look, a_call_more_never_lowers_the_risk, .init = prepare)
{
    for (uint32_t agents = 10; agents <= 1000; agents *= 100) {
        struct pacing_look k;
        double last = 0;

        pacing_look_begin(&k, &plan, &learn, agents, 4, 0.1);
        pacing_look_talking(&k, 50);
        for (int i = 0; i < 60; i++) {
            cr_assert_geq(pacing_look_risk(&k), last - 1e-9);
            last = pacing_look_risk(&k);
            pacing_look_add(&k, 0.3);
        }
        cr_expect_gt(last, 0.5);
    }
}

/* ---- budget ---- */

/* What was overspent is paid back to the last abandon: ln θ is the account, with no floor. */
Test(budget, is_never_held_up_from_below)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, false, 0);
    double start = b.s, q = pacing_budget_target(&b);
    for (int i = 0; i < 300; i++)
        pacing_budget_answer(&b, true);
    cr_expect_eq(pacing_budget_theta(&b), 0);
    int served = 0;
    while (b.s < start && served < 1000000) {
        pacing_budget_answer(&b, false);
        served++;
    }
    cr_expect_float_eq((double)served, 300 * (1 - q) / q, 300, "%d", served);
    cr_expect_float_eq(pacing_budget_theta(&b), exp(start), 0.001);
}

Test(budget, theta_has_a_top)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, false, 0);
    for (int i = 0; i < 100000; i++)
        pacing_budget_answer(&b, false);
    cr_expect_leq(pacing_budget_theta(&b), PACING_THETA_MOST + 1e-9);
}

Test(budget, a_spent_account_allows_no_risk)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, false, 0);
    cr_expect_gt(pacing_budget_theta(&b), 0);
    b.spent = true;
    cr_expect_eq(pacing_budget_theta(&b), 0);
}

Test(budget, a_day_that_ran_over_risks_no_more)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, true, 0);
    for (int day = 0; day < 3; day++) {
        pacing_budget_day(&b);
        for (int i = 0; i < 1000; i++)
            pacing_budget_answer(&b, i % 50 == 0);
    }
    pacing_budget_day(&b);
    b.s = log(0.1);
    for (int i = 0; i < 700; i++)
        pacing_budget_answer(&b, i % 25 == 0); /* 4 % */
    b.s = log(0.1);
    cr_expect_eq(pacing_budget_theta(&b), 0);
}

Test(budget, people_taken_for_machines_are_charged)
{
    struct pacing_budget plain, charged;

    pacing_budget_init(&plain, 0.03, false, 0);
    pacing_budget_init(&charged, 0.03, false, 0.01);
    for (int i = 0; i < 100; i++) {
        pacing_budget_answer(&plain, i == 50);
        pacing_budget_answer(&charged, i == 50);
    }
    cr_expect_gt(plain.s - charged.s, 0.9 / 8);
}

/* The same in every window. */
static struct pacing_account account_of(double live, double abandoned)
{
    struct pacing_account a = {.day_live = 0};

    for (int n = 0; n < PACING_AHEAD; n++) {
        a.days[n].live = live;
        a.days[n].abandoned = abandoned;
    }
    return a;
}

static void tell(struct pacing_budget *b, double live, double abandoned)
{
    struct pacing_account a = account_of(live, abandoned);

    pacing_budget_account(b, &a);
}

Test(budget, the_account_of_thirty_days_holds_whatever_theta_says)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, false, 0);
    double free = pacing_budget_theta(&b);
    tell(&b, 0, 0);
    cr_expect_float_eq(pacing_budget_theta(&b), free / 6, 1e-9, "a campaign begins with care");
    tell(&b, 10000, 290);
    cr_expect_eq(pacing_budget_theta(&b), free, "ten abandons left: nothing is held");
    tell(&b, 10000, 294.5);
    cr_expect_float_eq(pacing_budget_theta(&b), free / 2, 1e-9, "one and a half to spend");
    tell(&b, 10000, 296);
    cr_expect(b.spent, "the last four are for calls in the air");
    cr_expect_eq(pacing_budget_theta(&b), 0);
    b.s = 100;
    cr_expect_eq(pacing_budget_theta(&b), 0);
    tell(&b, 30, 1);
    cr_expect(!b.spent, "one of thirty is no share yet");
    tell(&b, 30, 2);
    cr_expect(b.spent, "two are");
    pacing_budget_init(&b, 0, false, 0);
    cr_expect_eq(pacing_budget_theta(&b), 0, "a cap of nothing");
}

/* A held θ abandons too little, which must not raise ln θ: what would be let go later all at once.
 */
Test(budget, does_not_wind_up_while_the_account_holds_it)
{
    struct pacing_budget b;

    pacing_budget_init(&b, 0.03, false, 0);
    tell(&b, 10000, 290);
    double s = b.s;
    pacing_budget_answer(&b, false);
    cr_expect_gt(b.s, s, "nothing is held: it rises");
    double rise = b.s - s;
    tell(&b, 10000, 294.5);
    s = b.s;
    pacing_budget_answer(&b, false);
    cr_expect_lt(b.s - s, 0.6 * rise, "held to a half: it rises by as much");
    tell(&b, 10000, 298);
    s = b.s;
    pacing_budget_answer(&b, false);
    cr_expect_eq(b.s, s);
    pacing_budget_answer(&b, true);
    cr_expect_lt(b.s, s, "an abandon counts in any case");
}

/* Abandons of a large room come and go by dozens: its account saves more and is held more softly,
 * or θ would be switched on and off all day. */
Test(budget, a_large_room_keeps_a_wider_account)
{
    struct pacing_budget small, large;

    pacing_budget_init(&small, 0.03, false, 0);
    pacing_budget_init(&large, 0.03, false, 0);
    large.day_guess = 45000; /* 300 agents */
    double free = pacing_budget_theta(&large);
    tell(&small, 45000, 0.03 * 45000 - 15);
    tell(&large, 45000, 0.03 * 45000 - 15);
    cr_expect_eq(pacing_budget_theta(&small), free);
    cr_expect(pacing_budget_theta(&large) > 0.2 * free && pacing_budget_theta(&large) < 0.6 * free);
    cr_expect_lt(pacing_budget_target(&large), 0.0285, "it saves: %.4f",
                 pacing_budget_target(&large));
    tell(&large, 45000, 0.03 * 45000 - 90);
    cr_expect_eq(pacing_budget_theta(&large), free);
    cr_expect_gt(pacing_budget_target(&large), 0.0295, "%.4f", pacing_budget_target(&large));
    /* A campaign that begins has no such account yet, and is not asked for it. */
    tell(&large, 600, 0.03 * 600 - 7.5);
    cr_expect_gt(pacing_budget_theta(&large), 0.6 * free);
}

/* One of a hundred is dropped as a machine: of 10,000 it is 100, give or take 10. */
Test(budget, people_dropped_unheard_may_be_more_than_their_mean)
{
    struct pacing_budget heard, unheard;

    pacing_budget_init(&heard, 0.03, false, 0);
    pacing_budget_init(&unheard, 0.03, false, 0.01);
    tell(&heard, 10000, 280);
    tell(&unheard, 10000, 280);
    cr_expect_gt(pacing_budget_theta(&heard), 0, "twenty abandons left");
    cr_expect_eq(pacing_budget_theta(&unheard), 0, "twice their spread is kept for them");
    tell(&unheard, 10000, 270);
    cr_expect_eq(pacing_budget_theta(&unheard), pacing_budget_theta(&heard));
}

/* Sixty answers, a campaign of twenty minutes: one abandon costs a part of θ, the second all of it,
 * until some more answers have come. */
Test(budget, a_short_campaign_has_one_abandon_to_lose)
{
    struct pacing_budget b;
    double theta[3];

    pacing_budget_init(&b, 0.03, false, 0);
    tell(&b, 0, 0);
    cr_expect_gt(pacing_budget_theta(&b), 0, "the first answers are still to come");
    for (int n = 0; n < 3; n++) {
        tell(&b, 60, n);
        theta[n] = pacing_budget_theta(&b);
        cr_expect(n == 0 || theta[n] < theta[n - 1], "%d: %g", n, theta[n]);
    }
    cr_expect_gt(theta[1], 0);
    cr_expect_eq(theta[2], 0);
    cr_expect(b.spent);
    tell(&b, 80, 2);
    cr_expect_gt(pacing_budget_theta(&b), 0);
    cr_expect_not(b.spent);
}

Test(budget, others_answers_count_for_the_day)
{
    struct pacing_budget b;
    struct pacing_account a = {.day_live = 700, .day_abandoned = 25};

    pacing_budget_init(&b, 0.03, true, 0);
    cr_expect_gt(pacing_budget_theta(&b), 0);
    pacing_budget_account(&b, &a);
    cr_expect_eq(pacing_budget_theta(&b), 0, "3.6 %% today, by others and before this start");
}

/* Two engines, answers at both, an exchange now and then: one ln θ, as if one engine had them. */
Test(budget, two_engines_have_one_theta)
{
    struct pacing_budget one, two[2];
    double shared = NAN, told[2] = {0, 0};

    pacing_budget_init(&one, 0.03, false, 0);
    for (int e = 0; e < 2; e++)
        pacing_budget_init(&two[e], 0.03, false, 0);
    for (int i = 0; i < 400; i++) {
        pacing_budget_answer(&one, i % 30 == 0);
        pacing_budget_answer(&two[i % 2], i % 30 == 0);
        if (i % 7 != 0)
            continue;
        struct pacing_budget_share given;
        int e = i / 7 % 2;

        pacing_budget_give(&two[e], &given);
        shared = isnan(shared) ? given.s : fmin(shared + given.moved - told[e], given.ceiling);
        told[e] = given.moved;
        pacing_budget_take(&two[e], &given, shared);
    }
    for (int e = 0; e < 2; e++) {
        struct pacing_budget_share given;

        pacing_budget_give(&two[e], &given);
        shared += given.moved - told[e];
    }
    cr_expect_float_eq(shared, one.s, 1e-9, "%f, %f", shared, one.s);
}

Test(budget, a_new_day_lowers_the_shared_theta_once)
{
    struct pacing_budget b;
    struct pacing_budget_share given;

    pacing_budget_init(&b, 0.03, true, 0);
    pacing_budget_give(&b, &given);
    cr_expect(isinf(given.ceiling));
    b.s = log(0.2);
    pacing_budget_day(&b);
    double begins = b.s;
    cr_expect_lt(begins, log(0.2));
    pacing_budget_give(&b, &given);
    cr_expect_eq(given.ceiling, begins);
    pacing_budget_take(&b, &given, begins);
    cr_expect(isinf(b.ceiling), "given once");
    pacing_budget_give(&b, &given);
    pacing_budget_day(&b); /* between asking and the answer */
    pacing_budget_take(&b, &given, log(0.2));
    cr_expect_leq(b.s, b.ceiling, "not forgotten");
}

Test(share, parts_add_up_to_the_whole)
{
    const double ends[] = {0, 1.0 / 3, 0.5, 0.5, 1};

    for (uint32_t whole = 1; whole < 50; whole++) {
        uint32_t sum = 0;

        for (int i = 0; i < 4; i++)
            sum += pacing_part_of(&(struct pacing_part){ends[i], ends[i + 1], 0}, whole);
        cr_expect_eq(sum, whole);
    }
    cr_expect_eq(pacing_part_of(&(struct pacing_part){0, 1, 0}, 40), 40);
}

/* ---- scores ---- */

static struct pacing_lead draw_lead(struct rng *g, double *p)
{
    struct pacing_lead l = {.hour = (uint8_t)(9 + rng_below(g, 10)),
                            .weekday = (uint8_t)rng_below(g, 5),
                            .attempt = (uint8_t)(1 + rng_below(g, 3)),
                            .before = (uint8_t)rng_below(g, PACING_BEFORE_UNKNOWN)};
    double odds = -1.6 + (l.hour >= 17 ? 0.8 : 0) + (l.before == PACING_BEFORE_LIVE ? 1.2 : 0) -
                  0.4 * (l.attempt - 1);

    *p = 1 / (1 + exp(-odds));
    return l;
}

Test(score, is_silent_until_it_knows_and_then_calibrated)
{
    struct pacing_scores s;
    struct rng g;
    double p, promised = 0, came = 0, error = 0, spread = 0;

    rng_seed(&g, 9);
    pacing_scores_init(&s);
    for (int i = 0; i < 400; i++) {
        struct pacing_lead l = draw_lead(&g, &p);
        pacing_scores_learn(&s, &l, rng_unit(&g) < p);
        cr_assert_eq(pacing_score(&s, &l), 0.0f);
    }
    for (int i = 0; i < 20000; i++) {
        struct pacing_lead l = draw_lead(&g, &p);
        pacing_scores_learn(&s, &l, rng_unit(&g) < p);
    }
    cr_assert(pacing_scores_speak(&s));
    for (int i = 0; i < 20000; i++) {
        struct pacing_lead l = draw_lead(&g, &p);
        double score = (double)pacing_score(&s, &l);

        promised += score;
        came += p;
        error += (score - p) * (score - p);
        spread += (s.share - p) * (s.share - p);
    }
    cr_expect_float_eq(promised / came, 1, 0.06, "%.3f", promised / came);
    cr_expect_lt(error, 0.15 * spread, "explains too little: %.3f", error / spread);
}

Test(score, stays_silent_when_there_is_nothing_to_know)
{
    struct pacing_scores s;
    struct rng g;
    double p;

    rng_seed(&g, 10);
    pacing_scores_init(&s);
    for (int i = 0; i < 20000; i++) {
        struct pacing_lead l = draw_lead(&g, &p);

        pacing_scores_learn(&s, &l, rng_unit(&g) < 0.2);
        cr_assert_not(i > 600 && pacing_scores_speak(&s), "spoke after %d", i);
    }
}
