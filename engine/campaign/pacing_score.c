/* Logistic regression on one-hot features, one step a call. */
#include "campaign/pacing_score.h"

#include <math.h>
#include <string.h>

#define FEATURES     7
#define STEP         0.25
#define PULL         2e-4 /* towards 0, each time a value is seen */
#define SLOW_STEP    0.002
#define SHARE_MEMORY 2000.0
#define LOSS_MEMORY  2000.0
#define SPEAKS_SEEN  500
#define SPEAKS_LIVE  50
#define SPEAKS_GAIN  0.003 /* nats a call */
#define MOST         6.0   /* log-odds */

/* Where the weights of each feature begin; unknown values have none. */
enum { HOUR = 0, WEEKDAY = 24, ATTEMPT = 31, BEFORE = 39, LIST = 46, REGION = 62, LINE = 94 };

static double chance_of(double odds)
{
    return 1 / (1 + exp(-fmin(fmax(odds, -MOST), MOST)));
}

static double odds_of(double chance)
{
    return log(chance / (1 - chance));
}

static uint32_t features_of(const struct pacing_lead *l, uint8_t *out)
{
    uint32_t n = 0;

    out[n++] = (uint8_t)(HOUR + l->hour % 24);
    out[n++] = (uint8_t)(WEEKDAY + l->weekday % 7);
    if (l->attempt)
        out[n++] = (uint8_t)(ATTEMPT + (l->attempt < 8 ? l->attempt : 8) - 1);
    out[n++] = (uint8_t)(BEFORE + l->before % PACING_BEFORE_COUNT);
    if (l->list)
        out[n++] = (uint8_t)(LIST + l->list % 16);
    if (l->region)
        out[n++] = (uint8_t)(REGION + l->region % 32);
    if (l->line)
        out[n++] = (uint8_t)(LINE + l->line % 8);
    return n;
}

void pacing_scores_init(struct pacing_scores *s)
{
    memset(s, 0, sizeof(*s));
    s->share = 0.2;
    s->base = odds_of(s->share);
    s->slope = 1;
}

static double sum_of(const struct pacing_scores *s, const uint8_t *feature, uint32_t n)
{
    double sum = s->base;

    for (uint32_t i = 0; i < n; i++)
        sum += s->weight[feature[i]];
    return sum;
}

static double calibrated(const struct pacing_scores *s, double sum)
{
    return chance_of(s->base + s->shift + s->slope * (sum - s->base));
}

static double loss(double chance, bool live)
{
    return -log(fmax(live ? chance : 1 - chance, 1e-6));
}

void pacing_scores_learn(struct pacing_scores *s, const struct pacing_lead *lead, bool live)
{
    uint8_t feature[FEATURES];
    uint32_t n = features_of(lead, feature);
    double sum = sum_of(s, feature, n), own = calibrated(s, sum);
    double keep = 1 - 1 / fmin(LOSS_MEMORY, (double)s->seen + 2);

    s->own_loss = s->own_loss * keep + loss(own, live) * (1 - keep);
    s->base_loss = s->base_loss * keep + loss(s->share, live) * (1 - keep);
    double error = live - chance_of(sum);
    for (uint32_t i = 0; i < n; i++) {
        double *w = &s->weight[feature[i]], *q = &s->square[feature[i]];

        *q += error * error;
        *w += STEP * error / (1 + sqrt(*q)) - PULL * *w;
    }
    double off = live - own;
    s->shift += SLOW_STEP * off;
    s->slope = fmin(fmax(s->slope + SLOW_STEP * off * (sum - s->base), 0.2), 2);
    double memory = fmin(SHARE_MEMORY, (double)s->seen + 20);
    s->share += (live - s->share) / memory;
    s->base = odds_of(fmin(fmax(s->share, 0.002), 0.998));
    s->seen++;
    s->live += live;
}

bool pacing_scores_speak(const struct pacing_scores *s)
{
    return s->seen >= SPEAKS_SEEN && s->live >= SPEAKS_LIVE &&
           s->own_loss + SPEAKS_GAIN < s->base_loss;
}

double pacing_score_guess(const struct pacing_scores *s, const struct pacing_lead *lead)
{
    uint8_t feature[FEATURES];
    uint32_t n = features_of(lead, feature);

    return calibrated(s, sum_of(s, feature, n));
}

float pacing_score(const struct pacing_scores *s, const struct pacing_lead *lead)
{
    return pacing_scores_speak(s) ? (float)pacing_score_guess(s, lead) : 0;
}
