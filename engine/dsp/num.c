/* Polynomials and a table instead of libm; see num.h. */
#include "dsp/num.h"

#include <string.h>

#include "dsp/wide.h"

#define LEVEL_NONE_DDB (-990)
/* A sine that reaches A-law's largest value (32256) is +3.14 dBm0: 10 lg(32256² / 2) − 3.14. */
#define ZERO_DBM0_DDB 840.2f

#define LOG_BITS  6 /* of the mantissa that choose the chord */
#define LOG_PARTS (1u << LOG_BITS)
#define LOG_SHIFT (23 - LOG_BITS)

/* The logarithm between two neighbours is their chord, raised by half of what it is too low. */
static struct chord {
    float at, slope; /* at its lower end; for a step of the mantissa's other bits */
} chords[LOG_PARTS];

/* lg2 m = 2/ln 2 · artanh((m−1)/(m+1)), 1 <= m <= 2. */
static double log2_of(double m)
{
    double t = (m - 1) / (m + 1), sum = 0, power = t;
    for (int k = 1; k < 40; k += 2, power *= t * t)
        sum += power / k;
    return sum * 2 / 0.69314718055994531;
}

__attribute__((constructor)) static void chords_fill(void)
{
    for (unsigned i = 0; i < LOG_PARTS; i++) {
        double m = 1 + (double)i / LOG_PARTS, width = 1.0 / LOG_PARTS;
        double from = log2_of(m), to = log2_of(m + width);
        double low = log2_of(m + width / 2) - (from + to) / 2;
        chords[i].at = (float)(from + low / 2);
        chords[i].slope = (float)((to - from) / (1u << LOG_SHIFT));
    }
}

float num_log2(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const struct chord *c = &chords[bits >> LOG_SHIFT & (LOG_PARTS - 1)];
    float part = (float)(int)(bits & ((1u << LOG_SHIFT) - 1));
    return (float)((int)(bits >> 23) - 127) + (c->at + c->slope * part);
}

float num_atan2(float y, float x)
{
    float ax = x < 0 ? -x : x;
    float ay = y < 0 ? -y : y;
    float big = ax > ay ? ax : ay;
    if (big <= 0)
        return 0;
    float t = (ax > ay ? ay : ax) / big;
    float t2 = t * t;
    float a = t * (0.9998660f +
                   t2 * (-0.3302995f + t2 * (0.1801410f + t2 * (-0.0851330f + t2 * 0.0208351f))));
    if (ay > ax)
        a = (float)(NUM_PI / 2) - a;
    if (x < 0)
        a = (float)NUM_PI - a;
    return y < 0 ? -a : a;
}

double num_sin(double x)
{
    double turns = x / (2 * NUM_PI);
    turns -= (double)(long long)turns;
    if (turns > 0.5)
        turns -= 1;
    if (turns < -0.5)
        turns += 1;
    if (turns > 0.25)
        turns = 0.5 - turns;
    if (turns < -0.25)
        turns = -0.5 - turns;
    double a = turns * 2 * NUM_PI;
    double a2 = a * a;
    double term = a;
    double sum = a;
    for (int k = 1; k < 10; k++) {
        term *= -a2 / (double)((2 * k) * (2 * k + 1));
        sum += term;
    }
    return sum;
}

double num_cos(double x)
{
    return num_sin(x + NUM_PI / 2);
}

int16_t num_level_ddb(float mean_square)
{
    if (mean_square < 0.0625f)
        return LEVEL_NONE_DDB;
    float ddb = 30.10299957f * num_log2(mean_square) - ZERO_DBM0_DDB;
    return (int16_t)(ddb < 0 ? ddb - 0.5f : ddb + 0.5f);
}

float num_power(int16_t level_ddb)
{
    /* 10^(x/100) = e^(x·ln 10/100), by halving the argument until the series is short. */
    double e = ((double)level_ddb + (double)ZERO_DBM0_DDB) * 0.023025850929940457 / 64;
    double sum = 1 + e * (1 + e / 2 * (1 + e / 3 * (1 + e / 4 * (1 + e / 5 * (1 + e / 6)))));
    for (int i = 0; i < 6; i++)
        sum *= sum;
    return (float)sum;
}

/* In sixteen bits, of which a vector holds most. */
WIDE_BODY near_top_body(const int16_t *x, unsigned n, unsigned *count)
{
    uint16_t top = 0, near_top = 0;
    for (unsigned i = 0; i < n; i++) {
        uint16_t v = (uint16_t)(x[i] < 0 ? -x[i] : x[i]);
        top = v > top ? v : top;
    }
    uint16_t least = (uint16_t)((19 * top + 19) / 20);
    for (unsigned i = 0; i < n; i++) {
        uint16_t v = (uint16_t)(x[i] < 0 ? -x[i] : x[i]);
        near_top = (uint16_t)(near_top + (v >= least));
    }
    *count = near_top;
}

WIDE_BUILD(near_top, (const int16_t *x, unsigned n, unsigned *count), (x, n, count))

unsigned num_near_top(const int16_t *x, unsigned n)
{
    unsigned count;
    WIDE_PICK(near_top)(x, n, &count);
    return count;
}
