/* Arrival laws. */
#include "sim/law.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX  100000.0
#define ERROR_MAX 128

static bool read_rate(const char *text, double *out)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text)
        return false;
    if (strcmp(end, "/m") == 0)
        v /= 60;
    else if (strcmp(end, "/s") != 0 && *end)
        return false;
    *out = v;
    return v > 0 && v <= RATE_MAX;
}

static bool read_ramp(const char *text, double *from, double *to)
{
    char *end;

    *from = strtod(text, &end);
    if (end == text || *end != '-')
        return false;
    text = end + 1;
    *to = strtod(text, &end);
    return end != text && (*end == '\0' || strcmp(end, "/s") == 0) && *from >= 0 && *to >= 0 &&
           *from + *to > 0 && *from <= RATE_MAX && *to <= RATE_MAX;
}

enum err law_parse(struct law *l, const char *rate, const char *law, uint64_t calls, uint64_t seed,
                   char *error)
{
    *l = (struct law){.calls = calls};
    rng_seed_stream(&l->rng, seed, SLICE("arrivals"), 0);
    if (law && strncmp(law, "ramp:", 5) == 0) {
        l->kind = LAW_RAMP;
        if (read_ramp(law + 5, &l->rate, &l->to))
            return OK;
        snprintf(error, ERROR_MAX, "--law %.40s: write ramp:FROM-TO in calls a second", law);
        return ERR_INVALID;
    }
    if (law && strcmp(law, "constant") != 0 && strcmp(law, "poisson") != 0) {
        snprintf(error, ERROR_MAX, "--law %.40s: it must be constant, poisson or ramp:FROM-TO",
                 law);
        return ERR_INVALID;
    }
    l->kind = law && strcmp(law, "poisson") == 0 ? LAW_POISSON : LAW_CONSTANT;
    if (rate && read_rate(rate, &l->rate))
        return OK;
    snprintf(error, ERROR_MAX, "--rate %.40s: write calls a second, such as 50/s, up to %.0f/s",
             rate ? rate : "(missing)", RATE_MAX);
    return ERR_INVALID;
}

/* When the n-th call is due while the rate goes from a to b evenly in time: with T = 2N / (a + b),
 * n = a t + (b - a) t² / 2T. */
static double ramp_at(const struct law *l, double n)
{
    double a = l->rate, b = l->to, total = 2.0 * (double)l->calls / (a + b), k = (b - a) / total;

    if (fabs(k) < 1e-9)
        return n / a;
    return (sqrt(a * a + 2 * k * n) - a) / k;
}

uint64_t law_next(struct law *l)
{
    double at = l->at_s;

    if (l->next == l->calls)
        return UINT64_MAX;
    l->next++;
    switch (l->kind) {
    case LAW_CONSTANT:
        l->at_s = (double)l->next / l->rate;
        break;
    case LAW_POISSON:
        l->at_s += rng_exp(&l->rng, 1 / l->rate);
        break;
    case LAW_RAMP:
        l->at_s = ramp_at(l, (double)l->next);
        break;
    }
    return (uint64_t)(at * 1e6);
}
