/* Coins, their sums, and the chance that answers outnumber agents. */
#include "campaign/pacing_look.h"

#include <math.h>
#include <string.h>

#define LIVE_LEAST 1e-3 /* of a call's chance to be still undecided: what no call did yet */

/* ---- tables ---- */

/* Chance by age that a talk ends and its wrap-up too within each horizon. The talk ends in one of
 * the next steps; what is left is for the wrap-up, if there is to be no break after it. */
static void prepare_talk(struct pacing_look_plan *plan, const struct pacing_learn *l,
                         const uint32_t *horizon, uint32_t furthest, double stays)
{
    float wrapped[PACING_LIFE_STEPS + 1];

    for (uint32_t i = 0; i <= furthest; i++)
        wrapped[i] = (float)(1.0 - pacing_life_survival(&l->wrap, (i + 0.5) * PACING_LIFE_UNIT));
    for (uint32_t bin = 0; bin < PACING_LIFE_BINS; bin++) {
        double age = (pacing_life_bin_start(bin) + pacing_life_bin_start(bin + 1)) / 2;
        double now = pacing_life_survival(&l->talk, age), last = 1.0;

        memset(plan->talk[bin], 0, sizeof(plan->talk[bin]));
        for (uint32_t step = 0; step < furthest; step += 2) { /* half a second */
            double left =
                now > 1e-12
                    ? pacing_life_survival(&l->talk, age + (step + 2) * PACING_LIFE_UNIT) / now
                    : 0;
            float ends = (float)((last - left) * stays);

            for (uint32_t i = 0; i < PACING_LOOKS; i++)
                if (step + 1 <= horizon[i])
                    plan->talk[bin][i] += ends * wrapped[horizon[i] - step - 1];
            last = left;
        }
    }
}

static void prepare_wrap(struct pacing_look_plan *plan, const struct pacing_learn *l,
                         const uint32_t *horizon, double stays)
{
    for (uint32_t bin = 0; bin < PACING_LIFE_BINS; bin++) {
        double age = (pacing_life_bin_start(bin) + pacing_life_bin_start(bin + 1)) / 2;
        double now = fmax(pacing_life_survival(&l->wrap, age), 1e-12);

        for (uint32_t i = 0; i < PACING_LOOKS; i++) {
            double then = pacing_life_survival(&l->wrap, age + horizon[i] * PACING_LIFE_UNIT);
            plan->wrap[bin][i] = (float)(stays * (1.0 - then / now));
        }
    }
}

void pacing_look_prepare(struct pacing_look_plan *plan, const struct pacing_learn *l,
                         double limit_s)
{
    uint32_t horizon[PACING_LOOKS], tick = 0;
    double stays = 1.0 - pacing_learn_break(l);

    plan->limit_s = limit_s;
    plan->back = (uint32_t)(l->analysis_s / PACING_TICK_S + 0.5);
    for (uint32_t i = 0; i < PACING_LOOKS; i++) {
        double share = (i + 0.5) / PACING_LOOKS;

        while (tick < PACING_TICKS && (double)l->live_by[tick] < share)
            tick++;
        plan->at[i] = tick + plan->back;
        plan->next[i] = l->live_by[tick];
        horizon[i] = plan->at[i] + (uint32_t)(limit_s / PACING_TICK_S);
        if (horizon[i] > PACING_LIFE_STEPS)
            horizon[i] = PACING_LIFE_STEPS;
    }
    prepare_talk(plan, l, horizon, horizon[PACING_LOOKS - 1], stays);
    prepare_wrap(plan, l, horizon, stays);
}

/* ---- coins ---- */

void pacing_look_begin(struct pacing_look *k, const struct pacing_look_plan *plan,
                       const struct pacing_learn *l, uint32_t agents, int32_t free_now, double cv)
{
    k->plan = plan;
    k->learn = l;
    k->free = free_now;
    k->exact = agents <= PACING_LOOK_EXACT;
    k->cv = cv;
    k->freed_most = 0;
    k->settle = 0;
    memset(k->at, 0, sizeof(k->at));
    for (uint32_t i = 0; k->exact && i < PACING_LOOKS; i++)
        k->at[i].freed_is[0] = k->at[i].live_is[0][0] = k->at[i].live_is[1][0] = 1.0;
}

/* One coin more in a sum; the last place keeps "this many or more". */
static void convolve(double *is, uint32_t last, double chance)
{
    is[last] += is[last - 1] * chance;
    for (uint32_t n = last - 1; n > 0; n--)
        is[n] += (is[n - 1] - is[n]) * chance;
    is[0] -= is[0] * chance;
}

static void free_by(struct pacing_look *k, const float *chances)
{
    k->freed_most++;
    for (uint32_t i = 0; i < PACING_LOOKS; i++) {
        double c = (double)chances[i], v = c * (1 - c);

        k->at[i].freed += c;
        k->at[i].freed_variance += v;
        k->at[i].freed_skew += v * (1 - 2 * c);
        if (k->exact)
            convolve(k->at[i].freed_is, PACING_LOOK_SUMS - 1, c);
    }
}

static void live_by(struct pacing_look *k, uint32_t i, double c)
{
    double v = c * (1 - c);

    k->at[i].live += c;
    k->at[i].live_variance += v;
    k->at[i].live_skew += v * (1 - 2 * c);
    if (k->exact) {
        convolve(k->at[i].live_is[0], PACING_LOOK_SUMS - 1, c * (1 - k->cv));
        convolve(k->at[i].live_is[1], PACING_LOOK_SUMS - 1, fmin(c * (1 + k->cv), 1));
    }
}

void pacing_look_talking(struct pacing_look *k, double age_s)
{
    free_by(k, k->plan->talk[pacing_life_bin(age_s)]);
}

void pacing_look_wrapping(struct pacing_look *k, double age_s)
{
    free_by(k, k->plan->wrap[pacing_life_bin(age_s)]);
}

void pacing_look_free_in(struct pacing_look *k, double in_s)
{
    float chances[PACING_LOOKS];

    for (uint32_t i = 0; i < PACING_LOOKS; i++)
        chances[i] = in_s <= k->plan->at[i] * PACING_TICK_S + k->plan->limit_s;
    free_by(k, chances);
}

static uint32_t tick_of(double s)
{
    return s < PACING_TICKS * PACING_TICK_S ? (uint32_t)(s / PACING_TICK_S) : PACING_TICKS - 1;
}

void pacing_look_ringing(struct pacing_look *k, double age_s, double chance)
{
    uint32_t age = tick_of(age_s);
    double by_now = (double)k->learn->live_by[age], other = (double)k->learn->other_by[age];
    double open = fmax(1.0 - chance * by_now - (1.0 - chance) * other, LIVE_LEAST);
    double each = chance / open;

    k->settle += each * (1.0 - by_now);
    for (uint32_t i = 0; i < PACING_LOOKS; i++) {
        uint32_t until = age + k->plan->at[i] - k->plan->back;
        double then =
            (double)k->learn->live_by[until < 2 * PACING_TICKS ? until : 2 * PACING_TICKS - 1];

        live_by(k, i, fmin(each * (then - by_now), 1.0));
    }
}

void pacing_look_analysed(struct pacing_look *k, double answered_s, double age_s)
{
    uint32_t second = (uint32_t)fmin(answered_s, PACING_SECONDS - 1), age = tick_of(age_s);
    double human = (double)k->learn->human[second];
    double by_now = (double)k->learn->analysed_by[age], open = fmax(1.0 - by_now, LIVE_LEAST);

    k->settle += human;
    for (uint32_t i = 0; i < PACING_LOOKS; i++) {
        double then =
            (double)k->learn
                ->analysed_by[age + k->plan->at[i] < 2 * PACING_TICKS ? age + k->plan->at[i]
                                                                      : 2 * PACING_TICKS - 1];

        live_by(k, i, fmin(human * (then - by_now) / open, 1.0));
    }
}

void pacing_look_add(struct pacing_look *k, double chance)
{
    k->settle += chance;
    for (uint32_t i = 0; i < PACING_LOOKS; i++)
        live_by(k, i, chance * (double)k->plan->next[i]);
}

/* ---- risk ---- */

/* free + freed − live ≤ 0, for one case of the answers. */
static double exact_risk(const double *freed_is, const double *live_is, int32_t free)
{
    double at_least[PACING_LOOK_SUMS + 1], risk = 0;

    at_least[PACING_LOOK_SUMS] = 0;
    for (int32_t n = PACING_LOOK_SUMS - 1; n >= 0; n--)
        at_least[n] = at_least[n + 1] + live_is[n];
    for (int32_t x = 0; x < PACING_LOOK_SUMS; x++) {
        int32_t need = free + x; /* answers that leave none */

        if (need <= 0)
            risk += freed_is[x];
        else if (need < PACING_LOOK_SUMS)
            risk += freed_is[x] * at_least[need];
    }
    return risk;
}

static double normal_risk(const struct pacing_look *k, uint32_t i)
{
    double mean = k->free + k->at[i].freed - k->at[i].live;
    double error = k->at[i].live * k->cv;
    double variance = k->at[i].freed_variance + k->at[i].live_variance + error * error;

    if (variance < 1e-9)
        return mean <= 0.5 ? 1.0 : 0.0;
    double sd = sqrt(variance), z = (0.5 - mean) / sd;
    double skew = (k->at[i].freed_skew - k->at[i].live_skew) / (variance * sd);
    double density = exp(-z * z / 2) * 0.398942280401432678;
    double risk = 0.5 * erfc(-z * M_SQRT1_2) - density * skew * (z * z - 1) / 6;

    return fmin(fmax(risk, 0.0), 1.0);
}

static double risk_at(const struct pacing_look *k, uint32_t i)
{
    if (k->free + (int32_t)k->freed_most <= 0)
        return 1.0;
    if (!k->exact)
        return normal_risk(k, i);
    return (exact_risk(k->at[i].freed_is, k->at[i].live_is[0], k->free) +
            exact_risk(k->at[i].freed_is, k->at[i].live_is[1], k->free)) /
           2;
}

double pacing_look_risk(const struct pacing_look *k)
{
    double sum = 0;

    for (uint32_t i = 0; i < PACING_LOOKS; i++)
        sum += risk_at(k, i);
    return sum / PACING_LOOKS;
}

double pacing_look_risk_most(const struct pacing_look *k)
{
    double most = 0;

    for (uint32_t i = 0; i < PACING_LOOKS; i++)
        most = fmax(most, risk_at(k, i));
    return most;
}

double pacing_look_risk_first(const struct pacing_look *k)
{
    return risk_at(k, 0);
}
