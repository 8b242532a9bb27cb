/* A tone is turned back by its nominal frequency; what still turns, between three windows that
 * overlap, is how far off it is. Turned back by that as well, it stands still, and its sum is its
 * power. Eight samples go side by side; the order of adding is fixed. */
#include "dsp/fit.h"

#include "dsp/dsp.h"
#include "dsp/num.h"
#include "dsp/wide.h"

#define HALF  SCREEN_HALF
#define PARTS 3
#define LANES 8

typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef int16_t s8 __attribute__((vector_size(16), aligned(2), may_alias));

/* Per tone: e^(iωn) of its nominal frequency. */
static _Alignas(32) float tone_re[SCREEN_DTMF][FIT_SAMPLES], tone_im[SCREEN_DTMF][FIT_SAMPLES];
static _Alignas(32) float hann_fit[FIT_SAMPLES], hann_part[HALF];

__attribute__((constructor)) static void tables_fill(void)
{
    for (int n = 0; n < FIT_SAMPLES; n++) {
        for (int k = 0; k < SCREEN_DTMF; k++) {
            double a = 2 * NUM_PI * (double)screen_hz[k] * n / DSP_RATE_HZ;
            tone_re[k][n] = (float)num_cos(a);
            tone_im[k][n] = (float)num_sin(a);
        }
        hann_fit[n] = (float)(0.5 - 0.5 * num_cos(2 * NUM_PI * (n + 0.5) / FIT_SAMPLES));
    }
    for (int n = 0; n < HALF; n++)
        hann_part[n] = (float)(0.5 - 0.5 * num_cos(2 * NUM_PI * (n + 0.5) / HALF));
}

/* Not functions: without AVX a vector of this size cannot be passed. */
#define LOAD(p)     (*(const v8 *)(const void *)(p))
#define STORE(p, v) (*(v8 *)(void *)(p) = (v))
#define WHOLE(p)    __builtin_convertvector(*(const s8 *)(const void *)(p), v8)
#define SUM(v)      ((((v)[0] + (v)[4]) + ((v)[1] + (v)[5])) + (((v)[2] + (v)[6]) + ((v)[3] + (v)[7])))

/* Samples times e^(−iωn), and their sums under three windows. */
struct turned_back {
    _Alignas(32) float re[FIT_SAMPLES], im[FIT_SAMPLES];
    float part_re[PARTS], part_im[PARTS];
};

WIDE_BODY back_body(const int16_t *x, unsigned k, struct turned_back *t)
{
    for (unsigned n = 0; n < FIT_SAMPLES; n += LANES) {
        v8 v = WHOLE(x + n);
        STORE(t->re + n, v * LOAD(tone_re[k] + n));
        STORE(t->im + n, -v * LOAD(tone_im[k] + n));
    }
    for (unsigned part = 0; part < PARTS; part++) {
        v8 re = {0}, im = {0};
        for (unsigned n = 0; n < HALF; n += LANES) {
            v8 window = LOAD(hann_part + n);
            re += window * LOAD(t->re + part * HALF / 2 + n);
            im += window * LOAD(t->im + part * HALF / 2 + n);
        }
        t->part_re[part] = SUM(re);
        t->part_im[part] = SUM(im);
    }
}

WIDE_BUILD(back, (const int16_t *x, unsigned k, struct turned_back *t), (x, k, t))

/* The squared sum, turned back by a further step a sample. */
WIDE_BODY still_body(const struct turned_back *t, float step, float *square)
{
    /* cos and sin of the step by their series: it is below 0.04. */
    float dr = 1 - step * step / 2, di = -(step - step * step * step / 6), r = 1, i = 0;
    v8 cr, ci, sr = {0}, si = {0};
    for (int n = 0; n < LANES; n++) {
        cr[n] = r;
        ci[n] = i;
        float next = r * dr - i * di;
        i = r * di + i * dr;
        r = next;
    }
    for (unsigned n = 0; n < FIT_SAMPLES; n += LANES) {
        v8 window = LOAD(hann_fit + n), re = LOAD(t->re + n), im = LOAD(t->im + n);
        sr += window * (re * cr - im * ci);
        si += window * (re * ci + im * cr);
        v8 next = cr * r - ci * i;
        ci = cr * i + ci * r;
        cr = next;
    }
    float re = SUM(sr), im = SUM(si);
    *square = re * re + im * im;
}

WIDE_BUILD(still, (const struct turned_back *t, float step, float *square), (t, step, square))

WIDE_BODY energy_body(const int16_t *x, float *energy)
{
    v8 sum = {0};
    for (unsigned n = 0; n < FIT_SAMPLES; n += LANES) {
        v8 v = LOAD(hann_fit + n) * WHOLE(x + n);
        sum += v * v;
    }
    *energy = SUM(sum) / (FIT_SAMPLES * 0.375f);
}

WIDE_BUILD(energy, (const int16_t *x, float *energy), (x, energy))

/* How far part b has turned from part a. */
static float turned(const struct turned_back *t, unsigned b, unsigned a)
{
    return num_atan2(t->part_im[b] * t->part_re[a] - t->part_re[b] * t->part_im[a],
                     t->part_re[b] * t->part_re[a] + t->part_im[b] * t->part_im[a]);
}

struct tone_fit fit_tone(const int16_t x[FIT_SAMPLES], unsigned k)
{
    struct turned_back t;
    float square;
    WIDE_PICK(back)(x, k, &t);
    /* Phase over 5 ms is unambiguous to ±100 Hz, over 10 ms twice as exact. */
    float coarse = turned(&t, 1, 0) + turned(&t, 2, 1), fine = turned(&t, 2, 0);
    if (coarse - fine > (float)NUM_PI)
        fine += (float)(2 * NUM_PI);
    else if (fine - coarse > (float)NUM_PI)
        fine -= (float)(2 * NUM_PI);
    float step = fine / HALF; /* radians a sample off the nominal */
    WIDE_PICK(still)(&t, step, &square);
    float amplitude2 = 4 * square / (FIT_SAMPLES * FIT_SAMPLES / 4);
    return (struct tone_fit){screen_hz[k] + step * (float)(DSP_RATE_HZ / (2 * NUM_PI)),
                             amplitude2 / 2};
}

float fit_energy(const int16_t x[FIT_SAMPLES])
{
    float energy;
    WIDE_PICK(energy)(x, &energy);
    return energy;
}
