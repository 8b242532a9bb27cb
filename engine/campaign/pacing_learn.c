/* Counts, priors and tables of what a campaign has taught the pacing. */
#include "campaign/pacing_learn.h"

#include <math.h>
#include <string.h>

#define PRIOR_LIVE    0.20
#define PRIOR_FAILING 0.05
#define PRIOR_DIALS   4.0
#define LIVE_MEMORY   3000.0
#define OTHER_MEMORY  6000.0
#define LIFE_MEMORY   1500.0 /* talks, at least; and an hour of them */
#define LIST_LEAN     60.0   /* dials: how much a list leans on its campaign */
#define SCORE_LEAN    20.0   /* live answers: how much scores are believed as they are */
#define SCORE_MEMORY  3000.0 /* dials */
#define HUMAN_LEAN    4.0    /* answers */
#define WRAP_MEMORY   1000.0
#define RATE_TIME_S   60.0

static void count_in(struct pacing_counts *c, double at_s, double amount, double memory)
{
    double tick = at_s / PACING_TICK_S;
    uint32_t i = tick < PACING_TICKS - 1 ? (uint32_t)fmax(tick, 0) : PACING_TICKS - 1;

    c->at[i] += amount * c->weight;
    c->weight *= 1.0 + 1.0 / memory;
    if (c->weight < 1e9)
        return;
    for (i = 0; i < PACING_TICKS; i++)
        c->at[i] /= c->weight;
    c->weight = 1.0;
}

static void count_prior(struct pacing_counts *c, double from_s, double to_s, double amount)
{
    uint32_t n = (uint32_t)((to_s - from_s) / PACING_TICK_S);

    for (uint32_t i = 0; i < n; i++)
        c->at[(uint32_t)(from_s / PACING_TICK_S) + i] += amount / n;
}

void pacing_learn_init(struct pacing_learn *l)
{
    memset(l, 0, sizeof(*l));
    pacing_level_init(&l->reach, PRIOR_LIVE);
    pacing_rate_init(&l->failing, PRIOR_FAILING, PRIOR_DIALS);
    for (uint32_t i = 0; i < PACING_LISTS; i++)
        pacing_rate_init(&l->list[i], PRIOR_LIVE, 0.01);
    l->live.weight = l->other.weight = l->analysis.weight = 1.0;
    count_prior(&l->live, 4, 16, 4);
    count_prior(&l->live, 16, 28, 1);
    count_prior(&l->other, 1, 4, 1);
    count_prior(&l->other, 20, 32, 4);
    count_prior(&l->analysis, 0, 1, 1);
    pacing_life_init(&l->talk, 90, 1.0, 5);
    pacing_life_init(&l->wrap, 15, 1.0, 5);
    l->wraps = 20;
    pacing_learn_fit(l, NULL, 0, NULL, 0);
}

void pacing_learn_dial(struct pacing_learn *l, uint64_t now_ms)
{
    double since_s = (double)(now_ms - l->dialled_ms) / 1000.0;

    if (now_ms > l->dialled_ms) {
        l->dials_per_second *= exp(-since_s / RATE_TIME_S);
        l->dialled_ms = now_ms;
    }
    l->dials_per_second += 1.0 / RATE_TIME_S;
}

static void count_answer(struct pacing_learn *l, const struct pacing_outcome *o)
{
    uint32_t second = (uint32_t)fmin(o->answered_s, PACING_SECONDS - 1);

    l->answered[second] = l->answered[second] * (1 - 1 / 500.0) + 1;
    l->answered_live[second] = l->answered_live[second] * (1 - 1 / 500.0) + o->live;
}

static bool is_known(const struct pacing_outcome *o)
{
    return o->live >= 1 || o->live <= 0;
}

void pacing_learn_share(struct pacing_learn *l, const struct pacing_outcome *o, double passed_s)
{
    pacing_level_pass(&l->reach, passed_s);
    if (is_known(o))
        pacing_rate_see(&l->failing, o->failed, l->dials_per_second);
    if (!o->failed) {
        pacing_level_guess(&l->reach, o->live);
        l->reach.count++;
        if (o->list && o->list < PACING_LISTS)
            pacing_rate_see(&l->list[o->list], o->live, l->dials_per_second);
    }
    if (o->score > 0) {
        l->scored_live = l->scored_live * (1 - 1 / SCORE_MEMORY) + o->live;
        l->scored_hope = l->scored_hope * (1 - 1 / SCORE_MEMORY) + (double)o->score;
    }
}

void pacing_learn_time(struct pacing_learn *l, const struct pacing_outcome *o)
{
    if (o->live >= 1) {
        count_in(&l->live, o->answered_s, 1, LIVE_MEMORY);
        count_in(&l->analysis, o->analysis_s, 1, LIVE_MEMORY);
    } else if (is_known(o)) {
        count_in(&l->other, o->answered_s, 1, OTHER_MEMORY);
    }
    if (o->answer)
        count_answer(l, o);
}

void pacing_learn_talk(struct pacing_learn *l, double lasted_s)
{
    double an_hour = 3600.0 * l->dials_per_second * PRIOR_LIVE;

    pacing_life_see(&l->talk, lasted_s, fmax(LIFE_MEMORY, an_hour));
}

void pacing_learn_wrap(struct pacing_learn *l, double lasted_s, bool left)
{
    double an_hour = 3600.0 * l->dials_per_second * PRIOR_LIVE;

    pacing_life_see(&l->wrap, lasted_s, fmax(LIFE_MEMORY, an_hour));
    l->wraps = l->wraps * (1 - 1 / WRAP_MEMORY) + 1;
    l->leaves = l->leaves * (1 - 1 / WRAP_MEMORY) + left;
}

/* Shares by the end of each tick, and on beyond the table so that age + look never overruns. */
static void fit_counts(const struct pacing_counts *c, float *by)
{
    double sum = 0, so_far = 0;

    for (uint32_t i = 0; i < PACING_TICKS; i++)
        sum += c->at[i];
    for (uint32_t i = 0; i < 2 * PACING_TICKS; i++) {
        by[i] = (float)(so_far / sum);
        so_far += i < PACING_TICKS ? c->at[i] : 0;
    }
}

static void fit_human(struct pacing_learn *l)
{
    double all = HUMAN_LEAN, live = HUMAN_LEAN / 2;

    for (uint32_t i = 0; i < PACING_SECONDS; i++) {
        all += l->answered[i];
        live += l->answered_live[i];
    }
    for (uint32_t i = 0; i < PACING_SECONDS; i++)
        l->human[i] = (float)((l->answered_live[i] + HUMAN_LEAN * live / all) /
                              (l->answered[i] + HUMAN_LEAN));
}

void pacing_learn_fit(struct pacing_learn *l, const float *talking_s, uint32_t talking,
                      const float *wrapping_s, uint32_t wrapping)
{
    double sum = 0, mean = 0;

    fit_counts(&l->live, l->live_by);
    fit_counts(&l->other, l->other_by);
    fit_counts(&l->analysis, l->analysed_by);
    for (uint32_t i = 0; i < PACING_TICKS; i++) {
        sum += l->analysis.at[i];
        mean += l->analysis.at[i] * i * PACING_TICK_S;
    }
    l->analysis_s = mean / sum;
    fit_human(l);
    pacing_life_fit(&l->talk, talking_s, talking);
    pacing_life_fit(&l->wrap, wrapping_s, wrapping);
}

struct pacing_estimate pacing_learn_chance(const struct pacing_learn *l, uint8_t list, float score)
{
    struct pacing_estimate e = pacing_level_get(&l->reach);
    double through = 1.0 - pacing_rate_get(&l->failing).mean;

    if (score > 0) {
        /* What scores promise is of all dials, failures of the network included. */
        double truth = (l->scored_live + SCORE_LEAN) / (l->scored_hope + SCORE_LEAN);
        return (struct pacing_estimate){fmin((double)score * truth, 0.999),
                                        fmax(e.sample, SCORE_LEAN)};
    }
    if (list && list < PACING_LISTS) {
        struct pacing_estimate own = pacing_rate_get(&l->list[list]);
        double dials = own.sample + LIST_LEAN;

        e.mean = (own.mean * own.sample + e.mean * LIST_LEAN) / dials;
        e.sample = dials;
    }
    e.mean *= through;
    return e;
}

double pacing_learn_break(const struct pacing_learn *l)
{
    return l->leaves / l->wraps;
}
