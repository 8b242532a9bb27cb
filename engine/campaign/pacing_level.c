/* A grid filter: weigh by evidence, spread by time. */
#include "campaign/pacing_level.h"

#include <math.h>
#include <string.h>

#define LOW          -5.35 /* log-odds of the first bin: 0.5 % */
#define SPACING      0.08
#define START_SPREAD 0.6    /* log-odds */
#define STEP_S       5.0    /* beliefs are spread after this much time */
#define STEPS_MOST   60.0   /* s of one step */
#define SCALE_EVERY  16     /* dials between making sums 1 */
#define SWITCH_S     7200.0 /* between one idea and another, as expected before anything is seen */
#define USUAL_S      14400.0
#define USUAL_PRIOR  0.1 /* of where jumps lead: anywhere near */
#define NIGHT_SPREAD 0.1 /* log-odds */
#define NIGHT_JUMP   0.3
#define FLOOR        1e-12f

/* How the share moves: variance of its log-odds a second, jumps a second. */
static const struct {
    double drift, jumps;
} ideas[PACING_LEVEL_IDEAS] = {
    {2e-7, 1 / 30000.0},
    {2e-5, 1 / 10000.0},
    {3e-4, 1 / 10000.0},
    {1e-6, 1 / 1200.0},
};

static void start_shape(double mean, double *shape)
{
    double middle = log(mean / (1 - mean)), sum = 0;

    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        double z = (LOW + i * SPACING - middle) / START_SPREAD;
        shape[i] = exp(-z * z / 2) + 1e-4;
        sum += shape[i];
    }
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
        shape[i] /= sum;
}

void pacing_level_init(struct pacing_level *l, double mean)
{
    memset(l, 0, sizeof(*l));
    start_shape(mean, l->usual);
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        l->share[i] = (float)(1 / (1 + exp(-(LOW + i * SPACING))));
        for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
            l->belief[k][i] = (float)(l->usual[i] / PACING_LEVEL_IDEAS);
    }
}

static void scale(struct pacing_level *l)
{
    float sum = 0;

    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
            sum += l->belief[k][i];
    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
            l->belief[k][i] = l->belief[k][i] / sum + FLOOR;
    l->unscaled = 0;
}

/* A variance in bins: neighbours exchange, as often as that takes. */
static void spread(float *belief, double variance)
{
    uint32_t rounds = (uint32_t)(variance / 0.5) + 1;
    float part = (float)(variance / rounds / 2);

    for (uint32_t r = 0; r < rounds; r++) {
        float before = belief[0];

        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
            float here = belief[i], after = i + 1 < PACING_LEVEL_BINS ? belief[i + 1] : here;
            belief[i] = here + part * (before + after - 2 * here);
            before = here;
        }
    }
}

static void jump(struct pacing_level *l, uint32_t k, double chance)
{
    float sum = 0;

    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
        sum += l->belief[k][i];
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
        l->belief[k][i] += (float)chance * ((float)l->usual[i] * sum - l->belief[k][i]);
}

/* Some of each belief goes over to the other ideas. */
static void exchange(struct pacing_level *l, float part)
{
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        float sum = 0;
        for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
            sum += l->belief[k][i];
        for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
            l->belief[k][i] += part * (sum / PACING_LEVEL_IDEAS - l->belief[k][i]);
    }
}

static void remember(struct pacing_level *l, double part)
{
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
            sum += (double)l->belief[k][i];
        l->usual[i] += part * (sum - l->usual[i]);
    }
}

void pacing_level_pass(struct pacing_level *l, double seconds)
{
    l->passed_s += seconds;
    if (l->passed_s < STEP_S)
        return;
    double step = fmin(l->passed_s, STEPS_MOST);
    l->passed_s = 0;
    scale(l);
    remember(l, step / USUAL_S);
    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++) {
        spread(l->belief[k], ideas[k].drift * step / (SPACING * SPACING));
        jump(l, k, fmin(ideas[k].jumps * step, 0.5));
    }
    exchange(l, (float)(step / SWITCH_S));
}

void pacing_level_see(struct pacing_level *l, double a, double b)
{
    float from = (float)a, by = (float)b;

    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++)
            l->belief[k][i] *= from + by * l->share[i];
    if (++l->unscaled >= SCALE_EVERY)
        scale(l);
}

void pacing_level_guess(struct pacing_level *l, double hit)
{
    double mean = pacing_level_get(l).mean;
    double miss = (1 - hit) / (1 - mean);

    pacing_level_see(l, miss, hit / mean - miss);
}

void pacing_level_day(struct pacing_level *l)
{
    scale(l);
    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++) {
        spread(l->belief[k], NIGHT_SPREAD * NIGHT_SPREAD / (SPACING * SPACING));
        jump(l, k, NIGHT_JUMP);
    }
    l->passed_s = 0;
}

struct pacing_estimate pacing_level_get(const struct pacing_level *l)
{
    float sum = 0, mean = 0, square = 0;

    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
            float part = l->belief[k][i] * l->share[i];
            sum += l->belief[k][i];
            mean += part;
            square += part * l->share[i];
        }
    double m = (double)(mean / sum);
    double variance = fmax((double)(square / sum) - m * m, 1e-7);
    return (struct pacing_estimate){m, m * (1 - m) / variance};
}

void pacing_level_sum(const struct pacing_level *l, struct pacing_level_sum *out)
{
    *out = (struct pacing_level_sum){0};
    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
            out->idea[k] += (double)l->belief[k][i];
            out->share[i] += (double)l->belief[k][i];
        }
}

bool pacing_level_believe(struct pacing_level *l, const struct pacing_level_sum *sum)
{
    double ideas_sum = 0, shares = 0, usual = 0;

    for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
        ideas_sum += sum->idea[k];
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        shares += sum->share[i];
        usual += l->usual[i];
    }
    if (!(ideas_sum > 0.01 && shares > 0.01 && usual > 0.01))
        return false;
    for (uint32_t i = 0; i < PACING_LEVEL_BINS; i++) {
        l->usual[i] /= usual;
        for (uint32_t k = 0; k < PACING_LEVEL_IDEAS; k++)
            l->belief[k][i] = (float)(sum->idea[k] / ideas_sum * sum->share[i] / shares);
    }
    scale(l);
    return true;
}
