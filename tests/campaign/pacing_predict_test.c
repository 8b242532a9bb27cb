/* Predictive pacing as its caller sees it: what it says, what it never does, what it keeps. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "campaign/pacing_internal.h"

#define CALLS  400
#define AGENTS 40

static const struct pacing_limits plenty = {1000, 1000, 1000, false, NULL, 0};
static uint64_t now;
static uint32_t used[CALLS];

static struct pacing *open_predictive(void)
{
    const struct pacing_config config = {.policy = {.mode = PACING_PREDICTIVE, .ratio = 1},
                                         .max_calls = CALLS,
                                         .max_agents = AGENTS,
                                         .limit_ms = 2000,
                                         .cap_percent = 3};
    struct pacing *p;

    now = 1000000;
    memset(used, 0, sizeof(used));
    cr_assert_eq(pacing_open(&p, &config), OK);
    return p;
}

static void tell(struct pacing *p, uint32_t call, enum pacing_phase phase)
{
    pacing_call(p, &(struct pacing_call_event){.call = call, .phase = phase, .now_ms = now});
}

static void end(struct pacing *p, uint32_t call, enum result result, bool abandoned)
{
    pacing_call(p, &(struct pacing_call_event){.call = call,
                                               .phase = PACING_ENDED,
                                               .now_ms = now,
                                               .result = result,
                                               .abandoned = abandoned});
}

/* A day's worth of experience: ring 8 s, a fifth answers, talks of a minute, wrap-ups of ten s. */
static void teach(struct pacing *p, uint32_t calls)
{
    struct rng g;

    rng_seed(&g, 5);
    for (uint32_t i = 0; i < calls; i++) {
        bool live = i % 5 == 0;

        tell(p, 0, PACING_LAUNCHED);
        now += 1000;
        tell(p, 0, PACING_RINGING);
        now += live ? (uint64_t)(rng_lognormal(&g, 8, 0.4) * 1000) : 25000;
        if (live) {
            pacing_agent(p, 0, AGENT_PACE_FREE, now);
            tell(p, 0, PACING_ANSWERED);
            tell(p, 0, PACING_WAITING);
            tell(p, 0, PACING_CONNECTED);
            pacing_agent(p, 0, AGENT_PACE_TALKING, now);
            now += (uint64_t)(rng_lognormal(&g, 60, 0.8) * 1000);
            end(p, 0, RESULT_HUMAN, false);
            pacing_agent(p, 0, AGENT_PACE_WRAPPING, now);
            now += (uint64_t)(rng_lognormal(&g, 10, 0.4) * 1000);
            pacing_agent(p, 0, AGENT_PACE_OUT, now);
        } else {
            end(p, 0, RESULT_NO_ANSWER, false);
        }
    }
    p->learn.leaves = 0; /* the agent went out each time, which is not the point */
    pacing_new_day(p);
}

static void agents_free(struct pacing *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        pacing_agent(p, i, AGENT_PACE_FREE, now);
}

static void launch(struct pacing *p, uint32_t from, uint32_t n)
{
    for (uint32_t i = from; i < from + n; i++)
        tell(p, i, PACING_LAUNCHED);
}

Test(predict, no_agents_no_calls)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    teach(p, 600);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0);
    cr_expect_str_eq(a.reason, "no agent is there");
    agents_free(p, 5);
    for (uint32_t i = 0; i < 5; i++)
        pacing_agent(p, i, AGENT_PACE_LEAVING, now);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0, "all of them are leaving");
    pacing_close(p);
}

Test(predict, starts_with_one_call_a_free_agent_and_says_so)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    agents_free(p, 7);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 7);
    cr_expect(strstr(a.reason, "until 16 live answers are known (0)"), "%s", a.reason);
    /* Those who talk count: nobody waits for talks to end. */
    for (uint32_t i = 7; i < 22; i++)
        pacing_agent(p, i, AGENT_PACE_TALKING, now);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 7);
    cr_expect(strstr(a.reason, "until 16 live answers are known (15)"), "%s", a.reason);
    pacing_agent(p, 22, AGENT_PACE_TALKING, now);
    pacing_launch(p, now, &plenty, &a);
    cr_expect(strstr(a.reason, "answers expected"), "%s", a.reason);
    pacing_close(p);
}

/* Dials that took their whole time, one after the other; every nth is a live answer. */
static void decide(struct pacing *p, uint32_t dials, uint32_t nth)
{
    for (uint32_t i = 0; i < dials; i++) {
        tell(p, 0, PACING_LAUNCHED);
        now += 8000;
        if (i % nth == 0)
            tell(p, 0, PACING_ANSWERED);
        now += 2000;
        end(p, 0, i % nth == 0 ? RESULT_HUMAN : RESULT_NO_ANSWER, false);
    }
}

Test(predict, starts_with_what_free_agents_can_take_once_the_share_is_known)
{
    static const struct {
        uint32_t dials, nth, least, most;
    } cases[] = {{19, 10, 10, 10}, /* too few to know it */
                 {25, 10, 16, 20}, /* a tenth: two calls an agent, at most */
                 {25, 2, 13, 15},  /* a half: 7.3 answers and their spread are 10 */
                 {25, 1, 10, 10}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pacing *p = open_predictive();
        struct pacing_advice a;

        decide(p, cases[i].dials, cases[i].nth);
        agents_free(p, 10);
        pacing_launch(p, now, &plenty, &a);
        cr_expect(a.launch >= cases[i].least && a.launch <= cases[i].most, "%zu: %u: %s", i,
                  a.launch, a.reason);
        cr_expect(strstr(a.reason, cases[i].dials < 20 ? "with one call" : "with up to 2 calls"),
                  "%s", a.reason);
        launch(p, 1, a.launch);
        pacing_launch(p, now, &plenty, &a);
        cr_expect_eq(a.launch, 0, "those that ring count: %s", a.reason);
        pacing_close(p);
    }
}

Test(predict, many_quick_failures_are_no_share)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    agents_free(p, 20);
    launch(p, 0, 60);
    now += 2000;
    for (uint32_t i = 20; i < 60; i++) /* the first twenty still ring, and may all answer */
        end(p, i, RESULT_BUSY, false);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0, "%s", a.reason);
    pacing_close(p);
}

Test(predict, dials_more_than_one_a_free_agent_once_it_knows)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    teach(p, 600);
    agents_free(p, 20);
    pacing_launch(p, now, &plenty, &a);
    cr_expect(a.launch > 30 && a.launch < 100, "%u: %s", a.launch, a.reason);
    /* A fifth of them answer: no more are wanted than there are agents. */
    cr_expect_lt(a.expected_live, 20);
    pacing_close(p);
}

Test(predict, the_reason_says_the_numbers)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;
    double seconds, live, risk, theta;
    unsigned free, agents, out;
    char sign[8];

    teach(p, 600);
    agents_free(p, 12);
    launch(p, 1, 4);
    pacing_agent(p, 30, AGENT_PACE_TALKING, now - 40000);
    pacing_launch(p, now, &plenty, &a);
    cr_assert_eq(sscanf(a.reason,
                        "%u of %u agents free within %lf s, %u calls ringing, %lf answers "
                        "expected; risk %lf %% %7s %lf %%",
                        &free, &agents, &seconds, &out, &live, &risk, sign, &theta),
                 8, "%s", a.reason);
    cr_expect_float_eq(free, a.expected_agents, 0.6);
    cr_expect_eq(agents, 13);
    cr_expect_float_eq(seconds, a.horizon_s, 0.6);
    cr_expect_eq(out, 4 + a.launch, "the calls advised are out by then: %s", a.reason);
    cr_expect_float_eq(live, a.expected_live, 0.06);
    cr_expect_float_eq(risk, 100 * a.taken, 0.06);
    cr_expect_str_eq(sign, "≤", "the last call advised was within the risk allowed");
    cr_expect_leq(a.taken, a.theta);
    cr_expect_float_eq(theta, 100 * a.theta, 0.06);
    cr_expect_gt(a.risk, a.theta, "it stopped where one more would be too much");
    launch(p, 10, 60);
    now += 1000;
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0);
    cr_assert_eq(sscanf(a.reason, "%*[^;]; risk %lf %% %7s", &risk, sign), 2, "%s", a.reason);
    cr_expect_str_eq(sign, ">", "%s", a.reason);
    cr_expect_float_eq(risk, 100 * a.risk, 0.06);
    pacing_close(p);
}

Test(predict, never_more_than_there_is_room_for)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    teach(p, 600);
    agents_free(p, 30);
    pacing_launch(p, now, &(struct pacing_limits){1000, 9, 1000, false, NULL, 0}, &a);
    cr_expect_eq(a.launch, 9);
    cr_expect(strstr(a.reason, "; the trunks are full"), "%s", a.reason);
    pacing_launch(p, now, &(struct pacing_limits){3, 9, 1000, false, NULL, 0}, &a);
    cr_expect_eq(a.launch, 3);
    cr_expect(strstr(a.reason, "; no more leads are due now"), "%s", a.reason);
    pacing_launch(p, now, &(struct pacing_limits){1000, 1000, 0, false, NULL, 0}, &a);
    cr_expect_eq(a.launch, 0);
    cr_expect(strstr(a.reason, "; call records wait for the disk"), "%s", a.reason);
    pacing_launch(p, now, &(struct pacing_limits){1000, 1000, 1000, true, NULL, 0}, &a);
    cr_expect_eq(a.launch, 0);
    pacing_close(p);
}

Test(predict, a_spent_account_makes_it_progressive_and_says_so)
{
    struct pacing *p = open_predictive();
    struct pacing_advice a;

    teach(p, 600);
    agents_free(p, 10);
    pacing_account(p, &(struct pacing_account){.days = {{10000, 300}}});
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 10);
    cr_expect(strstr(a.reason, "30 days is at its cap of 3.0 %"), "%s", a.reason);
    pacing_account(p, &(struct pacing_account){.days = {{10000, 250}}});
    pacing_launch(p, now, &plenty, &a);
    cr_expect_gt(a.launch, 10);
    /* Tomorrow's account, which the best day leaves, counts today. */
    pacing_account(p, &(struct pacing_account){.days = {{10000, 250}, {9500, 285}}});
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 10);
    cr_expect(strstr(a.reason, "30 days is at its cap"), "%s", a.reason);
    pacing_close(p);
}

Test(predict, a_connection_that_came_too_late_is_charged)
{
    struct pacing *p = open_predictive(), *q = open_predictive();
    struct pacing_budget_share in_time, late;
    const enum pacing_phase phases[] = {PACING_LAUNCHED, PACING_WAITING, PACING_CONNECTED};

    for (int i = 0; i < 3; i++) {
        pacing_call(p, &(struct pacing_call_event){.call = 0, .phase = phases[i], .now_ms = now});
        pacing_call(q, &(struct pacing_call_event){.call = 0, .phase = phases[i], .now_ms = now});
    }
    struct pacing_call_event end = {.phase = PACING_ENDED,
                                    .now_ms = now,
                                    .result = RESULT_HUMAN,
                                    .delivery = DELIVERY_CONNECTED};
    pacing_call(p, &end);
    end.abandoned = true;
    pacing_call(q, &end);
    pacing_budget_of(p, &in_time);
    pacing_budget_of(q, &late);
    cr_expect_gt(in_time.moved, 0);
    cr_expect_float_eq(late.moved - in_time.moved, -1.0 / 8, 1e-9, "%f", late.moved);
    pacing_close(p);
    pacing_close(q);
}

Test(predict, agents_who_leave_take_their_calls_with_them)
{
    struct pacing *p = open_predictive();
    struct pacing_advice before, after;
    uint32_t calls[CALLS];

    struct campaign_pacing policy = {.mode = PACING_PREDICTIVE, .hang_up_at_ms = 15000};
    pacing_set_policy(p, &policy);
    teach(p, 600);
    agents_free(p, 20);
    pacing_launch(p, now, &plenty, &before);
    launch(p, 1, before.launch);
    now += 1000;
    for (uint32_t i = 1; i <= before.launch; i++)
        tell(p, i, PACING_RINGING);
    now += 3000;
    cr_expect_eq(pacing_hopeless(p, now, calls, CALLS), 0, "they have hardly rung");
    for (uint32_t i = 0; i < 20; i++)
        pacing_agent(p, i, AGENT_PACE_LEAVING, now);
    pacing_launch(p, now, &plenty, &after);
    cr_expect_eq(after.launch, 0);
    now += 13000;
    cr_expect_eq(pacing_hopeless(p, now, calls, CALLS), before.launch, "nobody is left for them");
    pacing_close(p);
}

Test(predict, a_dead_trunk_is_not_a_bad_list)
{
    struct pacing *p = open_predictive();

    teach(p, 1000);
    double reach = pacing_level_get(&p->learn.reach).mean;
    for (int i = 0; i < 300; i++) {
        tell(p, 1, PACING_LAUNCHED);
        now += 500;
        end(p, 1, RESULT_CONGESTION, false);
    }
    cr_expect_float_eq(pacing_level_get(&p->learn.reach).mean, reach, 0.001);
    cr_expect_gt(pacing_rate_get(&p->learn.failing).mean, 0.8);
    cr_expect_lt(pacing_learn_chance(&p->learn, 0, 0).mean, 0.3 * reach);
    pacing_close(p);
}

Test(predict, lists_learn_apart_and_lean_on_the_campaign)
{
    struct pacing *p = open_predictive();

    for (int i = 0; i < 600; i++) {
        uint8_t list = i % 2 ? 1 : 2;
        bool live = list == 1 ? i % 3 == 0 : i % 40 == 0;

        pacing_call(p, &(struct pacing_call_event){
                           .call = 1, .phase = PACING_LAUNCHED, .now_ms = now, .list = list});
        now += 9000;
        end(p, 1, live ? RESULT_HUMAN : RESULT_NO_ANSWER, false);
    }
    double good = pacing_learn_chance(&p->learn, 1, 0).mean;
    double poor = pacing_learn_chance(&p->learn, 2, 0).mean;
    double new = pacing_learn_chance(&p->learn, 3, 0).mean;
    cr_expect_gt(good, 0.25, "%.3f", good);
    cr_expect_lt(poor, 0.10, "%.3f", poor);
    cr_expect(new > poor &&new < good, "%.3f", new);
    pacing_close(p);
}

Test(predict, preview_dials_for_those_who_accept)
{
    struct pacing *p = open_predictive();
    struct campaign_pacing policy = {.mode = PACING_PREVIEW};
    struct pacing_advice a;

    pacing_set_policy(p, &policy);
    agents_free(p, 5);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0);
    pacing_agent(p, 0, AGENT_PACE_RESERVED, now);
    pacing_agent(p, 1, AGENT_PACE_RESERVED, now);
    pacing_agent(p, 2, AGENT_PACE_RESERVED, now);
    pacing_ask(p, 2);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 2);
    cr_expect(strstr(a.reason, "3 agents look at a lead, 2 accepted one, 0 calls out"), "%s",
              a.reason);
    launch(p, 1, 2);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 0);
    pacing_close(p);
}

Test(predict, modes_change_while_it_runs)
{
    struct pacing *p = open_predictive();
    struct campaign_pacing policy = {.mode = PACING_PROGRESSIVE};
    struct pacing_advice a;

    teach(p, 600);
    agents_free(p, 10);
    pacing_set_policy(p, &policy);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_eq(a.launch, 10);
    policy.mode = PACING_PREDICTIVE;
    pacing_set_policy(p, &policy);
    pacing_launch(p, now, &plenty, &a);
    cr_expect_gt(a.launch, 10, "what was learned is still there");
    pacing_close(p);
}

/* Leads that answer in the evening and hardly in the morning. */
static void teach_hours(struct pacing *p, uint32_t calls, bool differ)
{
    struct rng g;

    rng_seed(&g, 8);
    for (uint32_t i = 0; i < calls; i++) {
        struct pacing_lead lead = {.hour = i % 2 ? 19 : 9, .weekday = (uint8_t)(i % 7)};
        bool live = rng_unit(&g) < (!differ ? 0.2 : lead.hour == 19 ? 0.4 : 0.05);

        pacing_call(p, &(struct pacing_call_event){.call = 0,
                                                   .phase = PACING_LAUNCHED,
                                                   .now_ms = now,
                                                   .score = pacing_score_of(p, &lead),
                                                   .lead = &lead});
        now += 9000;
        end(p, 0, live ? RESULT_HUMAN : RESULT_NO_ANSWER, false);
    }
}

Test(predict, learns_which_leads_answer_and_paces_by_it)
{
    const struct pacing_lead evening = {.hour = 19}, morning = {.hour = 9};
    struct pacing *p = open_predictive(), *flat = open_predictive();
    struct pacing_advice few, many;
    float good[64], poor[64];

    cr_expect_eq(pacing_score_of(p, &evening), 0, "nothing is known yet");
    teach_hours(flat, 3000, false);
    cr_expect_not(pacing_scores_on(flat), "there is nothing to tell leads apart by");
    cr_expect_eq(pacing_score_of(flat, &evening), 0);
    teach_hours(p, 3000, true);
    cr_assert(pacing_scores_on(p));
    cr_expect_float_eq(pacing_score_of(p, &evening), 0.4, 0.08);
    cr_expect_float_eq(pacing_score_of(p, &morning), 0.05, 0.04);
    teach(p, 600);
    agents_free(p, 10);
    for (int i = 0; i < 64; i++) {
        good[i] = pacing_score_of(p, &evening);
        poor[i] = pacing_score_of(p, &morning);
    }
    pacing_launch(p, now, &(struct pacing_limits){1000, 1000, 1000, false, good, 64}, &few);
    pacing_launch(p, now, &(struct pacing_limits){1000, 1000, 1000, false, poor, 64}, &many);
    cr_expect_gt(many.launch, 1.5 * few.launch, "%u, %u", many.launch, few.launch);
    pacing_close(p);
    pacing_close(flat);
}

Test(predict, a_dead_trunk_teaches_the_scores_nothing)
{
    const struct pacing_lead evening = {.hour = 19};
    struct pacing *p = open_predictive();

    teach_hours(p, 3000, true);
    float before = pacing_score_of(p, &evening);
    for (int i = 0; i < 300; i++) {
        pacing_call(p, &(struct pacing_call_event){
                           .call = 1, .phase = PACING_LAUNCHED, .now_ms = now, .lead = &evening});
        now += 500;
        end(p, 1, RESULT_CONGESTION, false);
    }
    cr_expect_eq(pacing_score_of(p, &evening), before);
    pacing_close(p);
}

/* ---- keeping ---- */

static char saved[PACING_SAVE_MAX];

Test(predict, goes_on_from_what_was_saved)
{
    const struct pacing_lead evening = {.hour = 19};
    struct pacing *p = open_predictive(), *again;
    struct pacing_advice a, b;

    teach_hours(p, 3000, true);
    teach(p, 1000);
    size_t len = pacing_save(p, saved, sizeof(saved));
    cr_assert_gt(len, 1000);
    again = open_predictive();
    cr_assert_eq(pacing_load(again, slice_of(saved, (uint32_t)len)), OK);
    agents_free(again, 20);
    pacing_launch(again, now, &plenty, &b);
    agents_free(p, 20);
    p->fitted = false;
    pacing_launch(p, now, &plenty, &a);
    cr_expect_float_eq((double)b.launch / a.launch, 1, 0.15, "%s\n%s", a.reason, b.reason);
    cr_expect_float_eq(pacing_life_mean(&again->learn.talk), pacing_life_mean(&p->learn.talk), 0.1);
    cr_expect_float_eq(pacing_score_of(again, &evening), pacing_score_of(p, &evening), 1e-4);
    cr_expect_gt(pacing_score_of(again, &evening), 0.25);
    pacing_close(p);
    pacing_close(again);
}

Test(predict, a_text_that_is_cut_or_wrong_changes_nothing)
{
    struct pacing *p = open_predictive();

    teach(p, 300);
    size_t len = pacing_save(p, saved, sizeof(saved));
    struct pacing *q = open_predictive();
    double before = pacing_level_get(&q->learn.reach).mean;
    for (size_t cut = 0; cut < len; cut += 97) {
        char *copy = malloc(cut + 1); /* its own block, so that reading past the end is seen */
        memcpy(copy, saved, cut);
        cr_assert_eq(pacing_load(q, slice_of(copy, (uint32_t)cut)), ERR_INVALID, "cut at %zu", cut);
        free(copy);
    }
    cr_expect_eq(pacing_load(q, SLICE("pacing 1\nwhatever\n")), ERR_UNSUPPORTED);
    char *number = strstr(saved, "talk_ends");
    memcpy(number + 10, "nan", 3);
    cr_expect_eq(pacing_load(q, slice_of(saved, (uint32_t)len)), ERR_INVALID);
    cr_expect_eq(pacing_level_get(&q->learn.reach).mean, before);
    cr_expect_eq(pacing_save(p, saved, 100), 0, "too small a place");
    pacing_close(p);
    pacing_close(q);
}
