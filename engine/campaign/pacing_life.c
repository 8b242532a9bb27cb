/* Life tables with exponential pieces between the edges of the bins. */
#include "campaign/pacing_life.h"

#include <math.h>
#include <string.h>

#define PER_OCTAVE 8
#define LEAN       1.5 /* ends: how much a bin leans on the fitted lognormal */
#define HAZARD_MIN 1e-5
#define HAZARD_MAX 20.0

uint32_t pacing_life_bin(double age_s)
{
    double units = age_s / PACING_LIFE_UNIT;

    if (!(units > 0))
        return 0;
    uint32_t n = units < 1e6 ? (uint32_t)units : 1000000;
    if (n < PER_OCTAVE)
        return n;
    uint32_t octave = 31u - (uint32_t)__builtin_clz(n); /* ≥ 3 */
    uint32_t bin = (octave - 2) * PER_OCTAVE + ((n >> (octave - 3)) & (PER_OCTAVE - 1));
    return bin < PACING_LIFE_BINS ? bin : PACING_LIFE_BINS - 1;
}

double pacing_life_bin_start(uint32_t bin)
{
    if (bin < PER_OCTAVE)
        return bin * PACING_LIFE_UNIT;
    uint32_t octave = bin / PER_OCTAVE + 2;
    return (double)((uint64_t)(PER_OCTAVE + bin % PER_OCTAVE) << (octave - 3)) * PACING_LIFE_UNIT;
}

void pacing_life_init(struct pacing_life *l, double mean_s, double cv, double weight)
{
    double v = log1p(cv * cv), m = log(mean_s) - v / 2;

    memset(l, 0, sizeof(*l));
    l->seen = weight;
    l->log_sum = m * weight;
    l->log_square = (v + m * m) * weight;
    pacing_life_fit(l, NULL, 0);
}

/* Time spent in each bin by those of the given ages: the last bin of each in part, all before it
 * in whole. */
static void spend(double *spent, const float *lasted_s, uint32_t n)
{
    double ended[PACING_LIFE_BINS] = {0}, over = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t bin = pacing_life_bin((double)lasted_s[i]);

        ended[bin]++;
        spent[bin] += (double)lasted_s[i] - pacing_life_bin_start(bin);
    }
    for (uint32_t i = PACING_LIFE_BINS; i-- > 0;) {
        spent[i] += over * (pacing_life_bin_start(i + 1) - pacing_life_bin_start(i));
        over += ended[i];
    }
}

void pacing_life_see(struct pacing_life *l, double lasted_s, double memory)
{
    double keep = 1.0 - 1.0 / memory, y = log(fmax(lasted_s, 0.05));
    float lasted = (float)lasted_s;

    for (uint32_t i = 0; i < PACING_LIFE_BINS; i++) {
        l->ends[i] *= keep;
        l->spent_s[i] *= keep;
    }
    l->seen = l->seen * keep + 1;
    l->log_sum = l->log_sum * keep + y;
    l->log_square = l->log_square * keep + y * y;
    l->ends[pacing_life_bin(lasted_s)] += 1;
    spend(l->spent_s, &lasted, 1);
    l->count++;
}

/* Survival of the lognormal that all of them suggest. */
static double lognormal_survival(double m, double sd, double t)
{
    return t > 0 ? 0.5 * erfc((log(t) - m) / sd * M_SQRT1_2) : 1.0;
}

void pacing_life_fit(struct pacing_life *l, const float *going_s, uint32_t going)
{
    double spent[PACING_LIFE_BINS], m = l->log_sum / l->seen;
    double sd = sqrt(fmax(l->log_square / l->seen - m * m, 0.01)), above = 1.0;

    memcpy(spent, l->spent_s, sizeof(spent));
    spend(spent, going_s, going);
    l->before[0] = 0;
    for (uint32_t i = 0; i < PACING_LIFE_BINS; i++) {
        double from = pacing_life_bin_start(i), to = pacing_life_bin_start(i + 1);
        double below = lognormal_survival(m, sd, to), lean = HAZARD_MAX;

        if (below > 1e-12 && above > below)
            lean = log(above / below) / (to - from);
        else if (below > 1e-12)
            lean = HAZARD_MIN;
        else if (i)
            lean = l->hazard[i - 1];
        lean = fmin(fmax(lean, HAZARD_MIN), HAZARD_MAX);
        l->hazard[i] = (l->ends[i] + LEAN) / (spent[i] + LEAN / lean);
        l->hazard[i] = fmin(fmax(l->hazard[i], HAZARD_MIN), HAZARD_MAX);
        l->before[i + 1] = l->before[i] + l->hazard[i] * (to - from);
        above = below;
    }
}

double pacing_life_survival(const struct pacing_life *l, double age_s)
{
    uint32_t bin = pacing_life_bin(age_s);

    if (age_s <= 0)
        return 1.0;
    return exp(-l->before[bin] - l->hazard[bin] * (age_s - pacing_life_bin_start(bin)));
}

double pacing_life_mean(const struct pacing_life *l)
{
    double sum = 0;

    for (uint32_t i = 0; i < PACING_LIFE_BINS; i++) {
        double long_s = pacing_life_bin_start(i + 1) - pacing_life_bin_start(i);

        sum += exp(-l->before[i]) * -expm1(-l->hazard[i] * long_s) / l->hazard[i];
    }
    return sum;
}
