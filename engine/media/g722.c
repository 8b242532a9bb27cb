/* Blocks are named as in ITU-T G.722 clause 6 (1L … 6L the low band, 1H … 5H the high one). */
#include "media/g722.h"

#include <string.h>

#define QUANTL_LEVELS 30

static const int32_t q6[QUANTL_LEVELS] = {
    0,   35,  72,  110, 150,  190,  233,  276,  323,  370,  422,  473,  530,  587,  650,
    714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
static const int32_t qm2[4] = {-7408, -1616, 7408, 1616};
static const int32_t qm4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int32_t qm6[64] = {
    -136,   -136,   -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280,
    -11192, -10232, -9360, -8576, -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,
    -4008,  -3576,  -3168, -2776, -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,
    21904,  19008,  16704, 14984, 13512,  12280,  11192,  10232,  9360,   8576,   7856,
    7192,   6576,   6000,  5456,  4944,   4464,   4008,   3576,   3168,   2776,   2400,
    2032,   1688,   1360,  1040,  728,    432,    136,    -432,   -136};
static const int32_t wl[8] = {-60, -30, 58, 172, 334, 538, 1198, 3042}, wh[3] = {0, -214, 798};
static const uint8_t rl42[16] = {0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0};
static const uint8_t rh2[4] = {2, 1, 2, 1};
static const int32_t ilb[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};
static const int32_t qmf[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

static inline int32_t limit(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

static inline int32_t sat16(int32_t v)
{
    return limit(v, -32768, 32767);
}

void g722_init(struct g722 *g)
{
    memset(g, 0, sizeof *g);
    g->low.det = 32;
    g->high.det = 8;
}

/* UPPOL2 and UPPOL1: the poles' coefficients after the difference whose parts are p. */
static void adapt_poles(struct g722_band *g)
{
    int32_t s0 = g->p[0] >> 15, s1 = g->p[1] >> 15, s2 = g->p[2] >> 15;
    int32_t four_a1 = sat16(g->a[1] * 4);
    int32_t w = s0 == s1 ? -four_a1 : four_a1;

    w = w > 32767 ? 32767 : w;
    int32_t a2 =
        limit((w >> 7) + (s0 == s2 ? 128 : -128) + ((g->a[2] * 32512) >> 15), -12288, 12288);
    int32_t most = sat16(15360 - a2);
    int32_t a1 = sat16((s0 == s1 ? 192 : -192) + ((g->a[1] * 32640) >> 15));

    g->a[1] = limit(a1, -most, most);
    g->a[2] = a2;
}

/* UPZERO, with DELAYA of the differences. */
static void adapt_zeros(struct g722_band *g, int32_t d)
{
    int32_t step = d == 0 ? 0 : 128, sign = d >> 15;

    for (int i = 6; i > 0; i--) {
        int32_t w = g->d[i] >> 15 == sign ? step : -step;

        g->b[i] = sat16(w + ((g->b[i] * 32640) >> 15));
    }
    for (int i = 6; i > 1; i--)
        g->d[i] = g->d[i - 1];
    g->d[1] = d;
}

/* Block 4: what is learned of a quantised difference, and what comes next by it. */
static void predict(struct g722_band *g, int32_t d)
{
    g->r[0] = sat16(g->s + d);  /* RECONS */
    g->p[0] = sat16(g->sz + d); /* PARREC */
    adapt_poles(g);
    adapt_zeros(g, d);
    for (int i = 2; i > 0; i--) { /* DELAYA */
        g->r[i] = g->r[i - 1];
        g->p[i] = g->p[i - 1];
    }
    g->sp = sat16(((g->a[1] * sat16(2 * g->r[1])) >> 15) + ((g->a[2] * sat16(2 * g->r[2])) >> 15));
    g->sz = 0;
    for (int i = 6; i > 0; i--)
        g->sz += (g->b[i] * sat16(2 * g->d[i])) >> 15;
    g->sz = sat16(g->sz);
    g->s = sat16(g->sp + g->sz);
}

/* LOGSCL and SCALEL, LOGSCH and SCALEH: the quantiser's next scale. */
static void scale(struct g722_band *g, int32_t change, int32_t most, int32_t shift)
{
    g->nb = limit(((g->nb * 127) >> 7) + change, 0, most);

    int32_t mantissa = ilb[(g->nb >> 6) & 31], right = shift - (g->nb >> 11);

    g->det = (right < 0 ? mantissa << -right : mantissa >> right) * 4;
}

static void step_low(struct g722_band *g, uint32_t four_bits)
{
    int32_t d = (g->det * qm4[four_bits]) >> 15; /* INVQAL */

    scale(g, wl[rl42[four_bits]], 18432, 8);
    predict(g, d);
}

static void step_high(struct g722_band *g, uint32_t two_bits)
{
    int32_t d = (g->det * qm2[two_bits]) >> 15; /* INVQAH */

    scale(g, wh[rh2[two_bits]], 22528, 10);
    predict(g, d);
}

static uint32_t quantise_low(struct g722_band *g, int32_t x)
{
    int32_t e = sat16(x - g->s), size = e >= 0 ? e : -(e + 1); /* SUBTRA, QUANTL */
    uint32_t i = 1, code;

    while (i < QUANTL_LEVELS && size >= (q6[i] * g->det) >> 12)
        i++;
    if (e >= 0)
        code = 62 - i;
    else
        code = i < 3 ? 64 - i : 34 - i;
    step_low(g, code >> 2);
    return code;
}

static uint32_t quantise_high(struct g722_band *g, int32_t x)
{
    int32_t e = sat16(x - g->s), size = e >= 0 ? e : -(e + 1);
    uint32_t large = size >= (564 * g->det) >> 12, code = (e >= 0 ? 3u : 1u) - large;

    step_high(g, code);
    return code;
}

void g722_to_bytes(struct g722 *g, const int16_t *pcm, uint32_t samples, uint8_t *out)
{
    for (uint32_t n = 0; n + 1 < samples; n += 2) {
        int32_t odd = 0, even = 0;

        memmove(g->x, g->x + 2, 22 * sizeof(*g->x));
        g->x[22] = pcm[n];
        g->x[23] = pcm[n + 1];
        for (int i = 0; i < 12; i++) {
            odd += g->x[2 * i] * qmf[i];
            even += g->x[2 * i + 1] * qmf[11 - i];
        }
        uint32_t low = quantise_low(&g->low, (even + odd) >> 14);
        uint32_t high = quantise_high(&g->high, (even - odd) >> 14);

        *out++ = (uint8_t)(high << 6 | low);
    }
}

void g722_to_samples(struct g722 *g, const uint8_t *in, uint32_t bytes, int16_t *pcm)
{
    for (uint32_t n = 0; n < bytes; n++) {
        uint32_t low = in[n] & 63u, high = in[n] >> 6;
        int32_t rlow = limit(g->low.s + ((g->low.det * qm6[low]) >> 15), -16384, 16383);
        int32_t rhigh = limit(g->high.s + ((g->high.det * qm2[high]) >> 15), -16384, 16383);
        int32_t first = 0, second = 0;

        step_low(&g->low, low >> 2);
        step_high(&g->high, high);
        memmove(g->x, g->x + 2, 22 * sizeof(*g->x));
        g->x[22] = rlow + rhigh;
        g->x[23] = rlow - rhigh;
        for (int i = 0; i < 12; i++) {
            second += g->x[2 * i] * qmf[i];
            first += g->x[2 * i + 1] * qmf[11 - i];
        }
        *pcm++ = (int16_t)sat16(first >> 11);
        *pcm++ = (int16_t)sat16(second >> 11);
    }
}
