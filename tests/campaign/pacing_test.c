/* The plain pacing policies: what must hold in every run of a small random call centre. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/rng.h"
#include "campaign/pacing.h"

#define CALLS  200
#define AGENTS 10

static struct pacing *open_mode(enum pacing_mode mode, double ratio, double rate,
                                uint32_t concurrent)
{
    const struct pacing_config config = {.policy = {mode, ratio, rate, concurrent},
                                         .max_calls = CALLS,
                                         .max_agents = AGENTS,
                                         .limit_ms = 2000,
                                         .cap_percent = 3};
    struct pacing *p;

    cr_assert_eq(pacing_open(&p, &config), OK);
    return p;
}

static const struct pacing_limits plenty = {1000, 1000, 1000, false};

static void agents_free(struct pacing *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        pacing_agent(p, i, AGENT_PACE_FREE, 0);
}

static void phase(struct pacing *p, uint32_t call, enum pacing_phase to)
{
    pacing_call(p, &(struct pacing_call_event){.call = call, .phase = to});
}

static uint32_t advice(struct pacing *p, const char *says)
{
    struct pacing_advice a;

    pacing_launch(p, 1000, &plenty, &a);
    cr_expect(strstr(a.reason, says), "wanted '%s' in: %s", says, a.reason);
    return a.launch;
}

Test(pacing, progressive_is_one_call_a_free_agent)
{
    struct pacing *p = open_mode(PACING_PROGRESSIVE, 1, 0, 0);

    cr_expect_eq(advice(p, "no agent is free (0 talking, 0 wrapping up, 10 out)"), 0);
    agents_free(p, 3);
    cr_expect_eq(advice(p, "3 free agents"), 3);
    phase(p, 0, PACING_LAUNCHED);
    phase(p, 1, PACING_LAUNCHED);
    cr_expect_eq(advice(p, "2 out"), 1);
    phase(p, 0, PACING_RINGING);
    phase(p, 0, PACING_ANSWERED);
    cr_expect_eq(advice(p, "2 out"), 1, "an answered call may still want the agent");
    phase(p, 0, PACING_WAITING);
    cr_expect_eq(advice(p, "2 free agents"), 1, "one of the three is as good as taken");
    pacing_agent(p, 0, AGENT_PACE_TALKING, 0);
    phase(p, 0, PACING_CONNECTED);
    cr_expect_eq(advice(p, "2 free agents"), 1);
    phase(p, 1, PACING_ENDED);
    cr_expect_eq(advice(p, "0 out"), 2);
    pacing_agent(p, 0, AGENT_PACE_LEAVING, 0);
    pacing_agent(p, 1, AGENT_PACE_WRAPPING, 0);
    pacing_agent(p, 2, AGENT_PACE_OUT, 0);
    cr_expect_eq(advice(p, "no agent is free (0 talking, 1 wrapping up, 9 out)"), 0);
    pacing_close(p);
}

/* So many calls, of which so many are answered and connected, evenly among the others. */
static void teach(struct pacing *p, uint32_t calls, uint32_t live)
{
    for (uint32_t i = 0; i < calls; i++) {
        bool answers = (i + 1) * live / calls > i * live / calls;

        phase(p, CALLS - 1, PACING_LAUNCHED);
        if (answers)
            phase(p, CALLS - 1, PACING_ANSWERED);
        pacing_call(p, &(struct pacing_call_event){
                           .call = CALLS - 1,
                           .phase = PACING_ENDED,
                           .result = answers ? RESULT_HUMAN : RESULT_NO_ANSWER,
                           .delivery = answers ? DELIVERY_CONNECTED : DELIVERY_NONE});
    }
}

/* Calls of ratio 8 for so many free agents, when so many of 400 calls were answered. */
static uint32_t ratio_8(uint32_t live, uint32_t agents, const char *says)
{
    struct pacing *p = open_mode(PACING_RATIO, 8, 0, 0);

    teach(p, 400, live);
    agents_free(p, agents);
    uint32_t n = advice(p, says);
    pacing_close(p);
    return n;
}

Test(pacing, a_ratio_is_held_to_what_free_agents_can_take)
{
    cr_expect_eq(ratio_8(16, 10, "10 free agents × 8 = 80 calls, 0 out"), 80, "of 80, 3 answer");
    /* Of half of them: 7.3 answers and a spread of 2.7 are 10. */
    uint32_t n = ratio_8(200, 10, "10 free agents × 8 = 80 calls, held to ");
    cr_expect(n >= 12 && n <= 14, "%u", n);
    n = ratio_8(100, 10, ": of more, too many may answer (2");
    cr_expect(n >= 24 && n <= 29, "%u", n);
    cr_expect_eq(ratio_8(300, 1, "held to 1,"), 1, "one call an agent takes none from anybody");

    struct pacing *p = open_mode(PACING_RATIO, 8, 0, 0);
    agents_free(p, 10);
    n = advice(p, "held to ");
    cr_expect(n >= 10 && n <= 25, "%u: a share that nobody knows counts high", n);
    for (uint32_t i = 0; i < n; i++)
        phase(p, i, PACING_LAUNCHED);
    cr_expect_eq(advice(p, "out: of more"), 0, "those that ring count");
    for (uint32_t i = 0; i < n - 1; i++)
        phase(p, i, PACING_ENDED);
    cr_expect_gt(advice(p, "1 out"), 8, "those that ended do not");
    pacing_close(p);
}

Test(pacing, ratio_and_its_fall_back_over_the_cap)
{
    struct pacing *p = open_mode(PACING_RATIO, 2.5, 0, 0);

    teach(p, 400, 40);
    agents_free(p, 3);
    cr_expect_eq(advice(p, "3 free agents × 2.5 = 7 calls"), 7);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(advice(p, "× 2.5"), 7, "as many as 3 %% of 40 and one more");
        phase(p, i, PACING_LAUNCHED);
        pacing_call(p, &(struct pacing_call_event){.call = i,
                                                   .phase = PACING_ENDED,
                                                   .result = RESULT_HUMAN,
                                                   .delivery = DELIVERY_ABANDONED,
                                                   .abandoned = true});
    }
    cr_expect_eq(advice(p, "abandoned 7.0 % is over 3.0 %"), 3, "one call an agent now");
    pacing_close(p);
}

Test(pacing, limits_and_their_reasons)
{
    struct pacing *p = open_mode(PACING_AGENTLESS, 1, 0, 12);
    struct pacing_advice a;
    struct pacing_limits l = plenty;

    cr_expect_eq(advice(p, "0 of 12 calls at once"), 12);
    l.tasks_ready = 5;
    pacing_launch(p, 0, &l, &a);
    cr_expect_eq(a.launch, 5);
    cr_expect(strstr(a.reason, "no more leads"), "%s", a.reason);
    l.trunk_room = 4;
    pacing_launch(p, 0, &l, &a);
    cr_expect(a.launch == 4 && strstr(a.reason, "trunks are full"), "%s", a.reason);
    l.record_room = 0;
    pacing_launch(p, 0, &l, &a);
    cr_expect(a.launch == 0 && strstr(a.reason, "records wait"), "%s", a.reason);
    l.stopping = true;
    pacing_launch(p, 0, &l, &a);
    cr_expect(a.launch == 0 && strstr(a.reason, "stopping"), "%s", a.reason);
    pacing_close(p);
}

Test(pacing, nonsense_is_refused_and_counted)
{
    struct pacing *p = open_mode(PACING_PROGRESSIVE, 1, 0, 0);
    struct pacing_state s;

    phase(p, CALLS, PACING_LAUNCHED);
    phase(p, 0, PACING_RINGING); /* never launched */
    phase(p, 1, PACING_LAUNCHED);
    phase(p, 1, PACING_LAUNCHED);
    phase(p, 1, PACING_ANSWERED);
    phase(p, 1, PACING_RINGING); /* backwards */
    phase(p, 1, PACING_ENDED);
    phase(p, 1, PACING_ENDED);
    pacing_agent(p, AGENTS, AGENT_PACE_FREE, 0);
    cr_expect_eq(pacing_refused(p), 6);
    pacing_look(p, 0, &s);
    for (int i = 0; i < PACING_PHASES; i++)
        cr_expect_eq(s.calls[i], 0);
    cr_expect_eq(s.agents[AGENT_PACE_OUT], AGENTS);
    pacing_close(p);
}

/* Asked at odd times and obeyed at once: never more than rate × T + burst in any window. */
Test(pacing, calls_a_second_are_smooth)
{
    const double rates[] = {0.5, 1, 3, 8, 40};

    for (int r = 0; r < 5; r++) {
        struct pacing *p = open_mode(PACING_AGENTLESS, 1, rates[r], 0);
        struct pacing_advice a;
        struct rng rng;
        static uint64_t at[CALLS];
        uint32_t launched = 0;
        uint64_t now = 5000;
        rng_seed(&rng, (uint64_t)r);
        while (launched < CALLS) {
            pacing_launch(p, now, &plenty, &a);
            for (uint32_t i = 0; i < a.launch && launched < CALLS; i++) {
                at[launched] = now;
                phase(p, launched++, PACING_LAUNCHED);
            }
            cr_assert(a.launch || (a.again_ms > 0 && a.again_ms <= 1000 / rates[r] + 1),
                      "waits %u ms at %.1f calls/s", a.again_ms, rates[r]);
            now += a.launch ? rng_below(&rng, 30) : 1 + rng_below(&rng, a.again_ms);
        }
        double burst = rates[r] * 0.25 > 1 ? rates[r] * 0.25 : 1;
        for (uint32_t i = 0; i < launched; i++) {
            for (uint32_t k = i; k < launched; k++)
                cr_assert_leq(k - i + 1, rates[r] * (double)(at[k] - at[i]) / 1000.0 + burst + 1e-6,
                              "%.1f calls/s: calls %u to %u in %llu ms", rates[r], i, k,
                              (unsigned long long)(at[k] - at[i]));
        }
        double mean = (launched - 1) * 1000.0 / (double)(at[launched - 1] - at[0]);
        cr_expect_gt(mean, rates[r] * 0.9, "%.2f of %.1f calls/s", mean, rates[r]);
        pacing_close(p);
    }
}

/* A random call centre: the books of the pacing are those of the call centre, and what it advises
 * never exceeds any limit. */
Test(pacing, books_agree_with_a_random_call_centre)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const double ratio = 1 + (double)(seed % 4);
        struct pacing *p = open_mode(PACING_RATIO, ratio, 0, 0);
        enum pacing_phase calls[CALLS] = {0};
        enum agent_pace agents[AGENTS] = {0};
        struct rng rng;
        rng_seed(&rng, seed);
        for (int step = 0; step < 3000; step++) {
            uint32_t c = rng_below(&rng, CALLS), ag = rng_below(&rng, AGENTS);
            if (calls[c] != PACING_IDLE) {
                enum pacing_phase to = (enum pacing_phase)(calls[c] + 1 + rng_below(&rng, 3));
                to = to > PACING_ENDED ? PACING_ENDED : to;
                phase(p, c, to);
                calls[c] = to == PACING_ENDED ? PACING_IDLE : to;
            }
            agents[ag] = (enum agent_pace)rng_below(&rng, AGENT_PACE_STATES);
            pacing_agent(p, ag, agents[ag], (uint64_t)step);
            struct pacing_limits l = {rng_below(&rng, 20), rng_below(&rng, 20), rng_below(&rng, 20),
                                      rng_below(&rng, 20) == 0};
            struct pacing_advice a;
            struct pacing_state s;
            pacing_launch(p, (uint64_t)step * 10, &l, &a);
            pacing_look(p, (uint64_t)step * 10, &s);
            uint32_t by_phase[PACING_PHASES] = {0}, by_state[AGENT_PACE_STATES] = {0};
            for (int i = 0; i < CALLS; i++)
                by_phase[calls[i]]++;
            by_phase[PACING_IDLE] = 0;
            for (int i = 0; i < AGENTS; i++)
                by_state[agents[i]]++;
            cr_assert_arr_eq(s.calls, by_phase, sizeof(by_phase));
            cr_assert_arr_eq(s.agents, by_state, sizeof(by_state));
            cr_assert(a.launch <= l.tasks_ready && a.launch <= l.trunk_room &&
                      a.launch <= l.record_room && (!l.stopping || a.launch == 0));
            uint32_t open =
                by_phase[PACING_LAUNCHED] + by_phase[PACING_RINGING] + by_phase[PACING_ANSWERED];
            cr_assert(a.launch == 0 || a.launch + open <= ratio * by_state[AGENT_PACE_FREE]);
            cr_assert(a.reason[0]);
            for (uint32_t i = 0, k = 0; i < CALLS && k < a.launch; i++) {
                if (calls[i] == PACING_IDLE) {
                    phase(p, i, PACING_LAUNCHED);
                    calls[i] = PACING_LAUNCHED;
                    k++;
                }
            }
        }
        cr_expect_eq(pacing_refused(p), 0);
        pacing_close(p);
    }
}

Test(pacing, an_engine_keeps_to_its_part_of_the_campaigns_limits)
{
    struct pacing *p = open_mode(PACING_AGENTLESS, 1, 0, 40);

    cr_expect_eq(advice(p, "0 of 40 calls at once"), 40, "alone it has all");
    pacing_set_part(p, &(struct pacing_part){0.25, 0.75, 0});
    cr_expect_eq(advice(p, "0 of 20 calls at once"), 20);
    pacing_set_part(p, &(struct pacing_part){0.25, 0.75, 33});
    cr_expect_eq(advice(p, "0 of 7 calls at once"), 7, "others have not let go yet");
    pacing_set_part(p, &(struct pacing_part){0.5, 0.5, 0});
    cr_expect_eq(advice(p, "0 of 0 calls at once"), 0);
    pacing_close(p);
}

Test(pacing, the_rate_of_all_engines_is_the_campaigns)
{
    const double ends[] = {0, 0.1, 0.1, 0.6, 1};
    uint32_t launched[4] = {0}, sum = 0;

    for (int e = 0; e < 4; e++) {
        struct pacing *p = open_mode(PACING_AGENTLESS, 1, 20, 0);

        pacing_set_part(p, &(struct pacing_part){ends[e], ends[e + 1], 0});
        for (uint64_t now = 0; now < 60000; now += 50) {
            struct pacing_advice a;

            pacing_launch(p, now, &plenty, &a);
            for (uint32_t i = 0; i < a.launch; i++) {
                phase(p, i, PACING_LAUNCHED);
                phase(p, i, PACING_ENDED);
            }
            launched[e] += a.launch;
        }
        sum += launched[e];
        pacing_close(p);
    }
    cr_expect_float_eq((double)sum, 1200.0, 12, "20 a second for a minute: %u", sum);
    cr_expect_float_eq((double)launched[2], 600.0, 6, "%u", launched[2]);
    cr_expect_leq(launched[1], 1, "a part of nothing: %u", launched[1]);
}

static uint32_t launched_in_a_minute(double all, double each)
{
    const struct pacing_config config = {.policy = {.mode = PACING_AGENTLESS,
                                                    .calls_per_second = all,
                                                    .engine_calls_per_second = each},
                                         .max_calls = CALLS,
                                         .max_agents = AGENTS,
                                         .limit_ms = 2000,
                                         .cap_percent = 3};
    struct pacing *p;
    uint32_t launched = 0;

    cr_assert_eq(pacing_open(&p, &config), OK);
    for (uint64_t now = 0; now < 60000; now += 50) {
        struct pacing_advice a;

        pacing_launch(p, now, &plenty, &a);
        for (uint32_t i = 0; i < a.launch; i++) {
            phase(p, i, PACING_LAUNCHED);
            phase(p, i, PACING_ENDED);
        }
        launched += a.launch;
    }
    pacing_close(p);
    return launched;
}

Test(pacing, an_engines_own_rate_holds_beside_the_campaigns)
{
    cr_expect_float_eq(launched_in_a_minute(0, 5), 300, 4);
    cr_expect_float_eq(launched_in_a_minute(20, 5), 300, 4);
    cr_expect_float_eq(launched_in_a_minute(4, 5), 240, 4);
}

/* Two groups of agents: each has calls for its own agents, and what the campaign may do as a whole
 * is one for both. */
Test(pacing, groups_have_their_own_calls_and_common_limits)
{
    struct pacing_config config = {.policy = {PACING_PROGRESSIVE, 1, 0, 5},
                                   .max_calls = CALLS,
                                   .max_agents = AGENTS,
                                   .limit_ms = 2000,
                                   .cap_percent = 3};
    struct pacing *sales, *english;

    cr_assert_eq(pacing_open(&sales, &config), OK);
    config.with = sales;
    cr_assert_eq(pacing_open(&english, &config), OK);
    for (uint32_t i = 0; i < 4; i++) { /* two of sales, two of english, the rest nobody's */
        pacing_agent(sales, i, i < 2 ? AGENT_PACE_FREE : AGENT_PACE_ELSEWHERE, 0);
        pacing_agent(english, i, i < 2 ? AGENT_PACE_ELSEWHERE : AGENT_PACE_FREE, 0);
    }
    cr_expect_eq(advice(sales, "2 free agents × 1 = 2 calls, 0 out"), 2);
    cr_expect_eq(advice(english, "2 free agents × 1 = 2 calls, 0 out"), 2);
    phase(sales, 0, PACING_LAUNCHED);
    phase(sales, 1, PACING_LAUNCHED);
    cr_expect_eq(advice(sales, "2 out"), 0, "its agents have a call each");
    cr_expect_eq(advice(english, "0 out"), 2, "the other's calls are not for its agents");
    for (uint32_t i = 2; i < 5; i++)
        phase(sales, i, PACING_LAUNCHED);
    cr_expect_eq(advice(english, "as many at once as the campaign allows"), 0,
                 "five are in the air, whosever they are");
    phase(sales, 4, PACING_ENDED);
    cr_expect_eq(advice(english, "0 out"), 1);

    /* An agent of both groups counts for one of them. */
    for (uint32_t i = 0; i < 4; i++)
        phase(sales, i, PACING_ENDED);
    pacing_agent(sales, 1, AGENT_PACE_ELSEWHERE, 0);
    pacing_agent(english, 1, AGENT_PACE_FREE, 0);
    cr_expect_eq(advice(sales, "1 free agents"), 1);
    cr_expect_eq(advice(english, "3 free agents"), 3);
    pacing_close(english);
    pacing_close(sales);
}

/* Calls a second are the campaign's: two groups do not get twice as many. */
Test(pacing, groups_share_the_calls_a_second)
{
    struct pacing_config config = {.policy = {PACING_PROGRESSIVE, 1, 2, 0},
                                   .max_calls = CALLS,
                                   .max_agents = AGENTS,
                                   .limit_ms = 2000,
                                   .cap_percent = 3};
    struct pacing *both[2];
    struct pacing_advice a;
    uint32_t call = 0, of[2] = {0};

    cr_assert_eq(pacing_open(&both[0], &config), OK);
    config.with = both[0];
    cr_assert_eq(pacing_open(&both[1], &config), OK);
    for (uint32_t g = 0; g < 2; g++)
        agents_free(both[g], AGENTS);
    for (uint64_t now = 0; now < 4000; now += 50) {
        for (uint32_t k = 0; k < 2; k++) {
            uint32_t g = (uint32_t)(now / 50 + k) % 2; /* in turn, as the dialer does */

            pacing_launch(both[g], now, &plenty, &a);
            while (a.launch--) {
                pacing_call(both[g], &(struct pacing_call_event){
                                         .call = call++, .phase = PACING_LAUNCHED, .now_ms = now});
                of[g]++;
            }
        }
    }
    cr_expect(call >= 8 && call <= 9, "%u in 4 s at 2 a second", call);
    cr_expect(of[0] && of[1], "%u and %u", of[0], of[1]);
    pacing_close(both[1]);
    pacing_close(both[0]);
}

/* One θ: what one group's people lost, the other may not spend again. */
Test(pacing, groups_share_the_abandonment_budget)
{
    struct pacing_config config = {.policy = {.mode = PACING_PREDICTIVE},
                                   .max_calls = CALLS,
                                   .max_agents = AGENTS,
                                   .limit_ms = 2000,
                                   .cap_percent = 3};
    struct pacing *sales, *english;
    struct pacing_budget_share before, after;

    cr_assert_eq(pacing_open(&sales, &config), OK);
    config.with = sales;
    cr_assert_eq(pacing_open(&english, &config), OK);
    pacing_budget_of(sales, &before);
    phase(english, 0, PACING_LAUNCHED);
    pacing_call(english, &(struct pacing_call_event){.phase = PACING_ENDED,
                                                     .result = RESULT_HUMAN,
                                                     .delivery = DELIVERY_ABANDONED,
                                                     .abandoned = true});
    pacing_budget_of(sales, &after);
    cr_expect_lt(after.s, before.s - 0.05, "θ of sales fell, too: %g, %g", before.s, after.s);
    pacing_close(english);
    pacing_close(sales);
}
