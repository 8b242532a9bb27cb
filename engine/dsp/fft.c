/* Two real windows go through one complex transform of 256 points as its real and imaginary part,
 * and are taken apart by symmetry.
 *
 * The points are a matrix of 16 × 16: columns are transformed, turned by their twiddles, transposed
 * and transformed again, which leaves the bins in order. Every step is the same for eight columns
 * side by side, so there is no step that vectors do not fill. */
#include "dsp/fft.h"

#include <string.h>

#include "dsp/num.h"
#include "dsp/wide.h"

#define SIDE  16
#define LANES 8

typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));

static _Alignas(32) float hann[FFT_N];
static _Alignas(32) float twiddle_re[FFT_N], twiddle_im[FFT_N]; /* [k][b]: e^(−2πi·kb/256) */

__attribute__((constructor)) static void tables_fill(void)
{
    for (int i = 0; i < FFT_N; i++) {
        double turn = 2 * NUM_PI / FFT_N;
        hann[i] = (float)(0.5 - 0.5 * num_cos(turn * i));
        twiddle_re[i] = (float)num_cos(turn * (i / SIDE) * (i % SIDE));
        twiddle_im[i] = (float)-num_sin(turn * (i / SIDE) * (i % SIDE));
    }
}

/* Not functions: without AVX a vector of this size cannot be returned. */
#define LOAD(p)     (*(const v8 *)(const void *)(p))
#define STORE(p, v) (*(v8 *)(void *)(p) = (v))

#define INLINE static inline __attribute__((always_inline))

/* e^(−2πi·k/16) for k = 1, 2, 3); the others follow by symmetry. */
#define C1 0.92387953251128674f
#define C2 0.70710678118654752f
#define C3 0.38268343236508977f

INLINE void turn(v8 *re, v8 *im, float wr, float wi)
{
    v8 r = *re * wr - *im * wi;
    *im = *re * wi + *im * wr;
    *re = r;
}

/* Four points' transform in place, in order; they lie step apart. */
INLINE void four(v8 *re, v8 *im, int step)
{
    v8 sr = re[0] + re[2 * step], si = im[0] + im[2 * step];
    v8 dr = re[0] - re[2 * step], di = im[0] - im[2 * step];
    v8 tr = re[step] + re[3 * step], ti = im[step] + im[3 * step];
    v8 ur = re[step] - re[3 * step], ui = im[step] - im[3 * step];
    re[0] = sr + tr, im[0] = si + ti;
    re[step] = dr + ui, im[step] = di - ur;
    re[2 * step] = sr - tr, im[2 * step] = si - ti;
    re[3 * step] = dr - ui, im[3 * step] = di + ur;
}

/* Sixteen points' transform; output k1 + 4·k2 is left at 4·k1 + k2. */
INLINE void sixteen(v8 re[SIDE], v8 im[SIDE])
{
    for (int i = 0; i < 4; i++)
        four(re + i, im + i, 4);
    turn(&re[5], &im[5], C1, -C3);
    turn(&re[6], &im[6], C2, -C2);
    turn(&re[7], &im[7], C3, -C1);
    turn(&re[9], &im[9], C2, -C2);
    turn(&re[10], &im[10], 0, -1);
    turn(&re[11], &im[11], -C2, -C2);
    turn(&re[13], &im[13], C3, -C1);
    turn(&re[14], &im[14], -C2, -C2);
    turn(&re[15], &im[15], -C1, C3);
    for (int i = 0; i < 4; i++)
        four(re + 4 * i, im + 4 * i, 1);
}

/* Where output k of sixteen() lies. */
INLINE int place(int k)
{
    return k % 4 * 4 + k / 4;
}

/* Four rows of p, from column k on, into four rows of to: shuffles of eight lanes would be taken to
 * pieces where there is no AVX. */
INLINE void transpose_four(const float *p, float *to)
{
    v4 a = *(const v4 *)(const void *)p, b = *(const v4 *)(const void *)(p + LANES);
    v4 c = *(const v4 *)(const void *)(p + 2 * LANES),
       d = *(const v4 *)(const void *)(p + 3 * LANES);
    v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
       ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    v4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
       cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(v4 *)(void *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(v4 *)(void *)(to + SIDE) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(v4 *)(void *)(to + 2 * SIDE) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(v4 *)(void *)(to + 3 * SIDE) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

/* Columns at to at + 7 of the samples: transformed, turned, and stored as rows. */
INLINE void first_pass(const float *xr, const float *xi, int at, float *yr, float *yi)
{
    v8 re[SIDE], im[SIDE];
    float rows_re[SIDE * LANES], rows_im[SIDE * LANES];
    for (int i = 0; i < SIDE; i++) {
        re[i] = LOAD(xr + SIDE * i + at);
        im[i] = LOAD(xi + SIDE * i + at);
    }
    sixteen(re, im);
    for (int k = 0; k < SIDE; k++) {
        v8 r = re[place(k)], i = im[place(k)];
        v8 wr = LOAD(twiddle_re + SIDE * k + at), wi = LOAD(twiddle_im + SIDE * k + at);
        STORE(rows_re + LANES * k, r * wr - i * wi);
        STORE(rows_im + LANES * k, r * wi + i * wr);
    }
    for (int k = 0; k < SIDE; k += 4)
        for (int c = 0; c < LANES; c += 4) {
            transpose_four(rows_re + LANES * k + c, yr + SIDE * (at + c) + k);
            transpose_four(rows_im + LANES * k + c, yi + SIDE * (at + c) + k);
        }
}

INLINE void second_pass(const float *yr, const float *yi, int at, float *xr, float *xi)
{
    v8 re[SIDE], im[SIDE];
    for (int i = 0; i < SIDE; i++) {
        re[i] = LOAD(yr + SIDE * i + at);
        im[i] = LOAD(yi + SIDE * i + at);
    }
    sixteen(re, im);
    for (int k = 0; k < SIDE; k++) {
        STORE(xr + SIDE * k + at, re[place(k)]);
        STORE(xi + SIDE * k + at, im[place(k)]);
    }
}

WIDE_BODY powers_body(const int16_t *early, const int16_t *late, float *a, float *b)
{
    _Alignas(32) float xr[FFT_N + 1], xi[FFT_N + 1], yr[FFT_N], yi[FFT_N];
    for (int i = 0; i < FFT_N; i++) {
        xr[i] = (float)early[i] * hann[i];
        xi[i] = (float)late[i] * hann[i];
    }
    for (int at = 0; at < SIDE; at += LANES)
        first_pass(xr, xi, at, yr, yi);
    for (int at = 0; at < SIDE; at += LANES)
        second_pass(yr, yi, at, xr, xi);
    xr[FFT_N] = xr[0];
    xi[FFT_N] = xi[0];
    for (int k = 0; k <= FFT_N / 2; k += 4) { /* bins k…k+3 with their mirrors */
        v4 re = *(const v4 *)(const void *)(xr + k), im = *(const v4 *)(const void *)(xi + k);
        v4 mr = *(const v4 *)(const void *)(xr + FFT_N - k - 3);
        v4 mi = *(const v4 *)(const void *)(xi + FFT_N - k - 3);
        mr = __builtin_shufflevector(mr, mr, 3, 2, 1, 0);
        mi = __builtin_shufflevector(mi, mi, 3, 2, 1, 0);
        v4 ar = re + mr, ai = im - mi, br = im + mi, bi = mr - re;
        *(v4 *)(void *)(a + k) = 0.25f * (ar * ar + ai * ai);
        *(v4 *)(void *)(b + k) = 0.25f * (br * br + bi * bi);
    }
    a[0] = b[0] = 0;
}

WIDE_BUILD(powers, (const int16_t *early, const int16_t *late, float *a, float *b),
           (early, late, a, b))

void fft_powers(const int16_t *early, const int16_t *late, float a[FFT_POWERS], float b[FFT_POWERS])
{
    WIDE_PICK(powers)(early, late, a, b);
}
