/* Two real windows go through one complex transform of 256 points as its real and imaginary part,
 * and are taken apart by symmetry.
 *
 * The points are a matrix of 16 × 16: columns are transformed, turned by their twiddles, transposed
 * and transformed again, which leaves the bins in order. Every step is the same for all columns
 * side by side, so there is no step that vectors do not fill: eight columns here, all sixteen in
 * fft_512.c. Each number goes through the same operations in every build. */
#include "dsp/fft_inner.h"

#include "dsp/num.h"

#define LANES 8

typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int16_t s8 __attribute__((vector_size(16), aligned(2), may_alias));

typedef v8 fft_vec;
#include "dsp/fft_sixteen.h"

_Alignas(64) float fft_hann[FFT_N];
_Alignas(64) float fft_twiddle_re[FFT_N], fft_twiddle_im[FFT_N];

__attribute__((constructor)) static void tables_fill(void)
{
    for (int i = 0; i < FFT_N; i++) {
        double turns = 2 * NUM_PI / FFT_N;
        fft_hann[i] = (float)(0.5 - 0.5 * num_cos(turns * i));
        fft_twiddle_re[i] = (float)num_cos(turns * (i / SIDE) * (i % SIDE));
        fft_twiddle_im[i] = (float)-num_sin(turns * (i / SIDE) * (i % SIDE));
    }
}

/* Not functions: without AVX a vector of this size cannot be returned. */
#define LOAD(p)     (*(const v8 *)(const void *)(p))
#define LOAD4(p)    (*(const v4 *)(const void *)(p))
#define STORE(p, v) (*(v8 *)(void *)(p) = (v))
#define WHOLE(p)    __builtin_convertvector(*(const s8 *)(const void *)(p), v8)

/* Four rows of p, from column k on, into four rows of to: shuffles of eight lanes would be taken to
 * pieces where there is no AVX. */
INLINE void transpose_four(const float *p, float *to)
{
    v4 a = LOAD4(p), b = LOAD4(p + LANES), c = LOAD4(p + 2 * LANES), d = LOAD4(p + 3 * LANES);
    v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
       ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    v4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
       cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(v4 *)(void *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(v4 *)(void *)(to + SIDE) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(v4 *)(void *)(to + 2 * SIDE) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(v4 *)(void *)(to + 3 * SIDE) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

INLINE void transpose_by_four(const float *rows, float *to)
{
    for (int k = 0; k < LANES; k += 4)
        for (int c = 0; c < LANES; c += 4)
            transpose_four(rows + LANES * k + c, to + SIDE * c + k);
}

/* Eight rows of eight. */
INLINE void transpose_eight(const float *rows, float *to)
{
    v8 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        v8 a = LOAD(rows + LANES * i), b = LOAD(rows + LANES * (i + 1));
        t[i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            u[i + 2 * k] =
                __builtin_shufflevector(t[i + k], t[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * k + 1] =
                __builtin_shufflevector(t[i + k], t[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; k++) {
        STORE(to + SIDE * k, __builtin_shufflevector(u[k], u[k + 4], 0, 1, 2, 3, 8, 9, 10, 11));
        STORE(to + SIDE * (k + 4),
              __builtin_shufflevector(u[k], u[k + 4], 4, 5, 6, 7, 12, 13, 14, 15));
    }
}

/* Columns at to at + 7 of the samples: transformed, turned, and stored as rows. */
INLINE void first_pass(const struct fft_samples *x, int at, float *yr, float *yi,
                       void transpose(const float *, float *))
{
    v8 re[SIDE], im[SIDE];
    _Alignas(32) float rows_re[SIDE * LANES], rows_im[SIDE * LANES];
#define TAKE(p, i) (WHOLE((p) + at) * LOAD(fft_hann + SIDE * (i) + at))
    TAKE_WINDOWS(x, re, im, TAKE);
#undef TAKE
    sixteen(re, im);
    STORE(rows_re, re[0]);
    STORE(rows_im, im[0]);
    for (int k = 1; k < SIDE; k++) {
        v8 r = re[place(k)], i = im[place(k)];
        v8 wr = LOAD(fft_twiddle_re + SIDE * k + at), wi = LOAD(fft_twiddle_im + SIDE * k + at);
        STORE(rows_re + LANES * k, r * wr - i * wi);
        STORE(rows_im + LANES * k, r * wi + i * wr);
    }
    for (int k = 0; k < SIDE; k += LANES) {
        transpose(rows_re + LANES * k, yr + SIDE * at + k);
        transpose(rows_im + LANES * k, yi + SIDE * at + k);
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

/* Bins k to k + 3 with their mirrors. */
INLINE void part_four(const float *xr, const float *xi, int k, float *a, float *b)
{
    v4 re = LOAD4(xr + k), im = LOAD4(xi + k);
    v4 mr = LOAD4(xr + FFT_N - k - 3), mi = LOAD4(xi + FFT_N - k - 3);
    mr = __builtin_shufflevector(mr, mr, 3, 2, 1, 0);
    mi = __builtin_shufflevector(mi, mi, 3, 2, 1, 0);
    v4 ar = re + mr, ai = im - mi, br = im + mi, bi = mr - re;
    *(v4 *)(void *)(a + k) = 0.25f * (ar * ar + ai * ai);
    *(v4 *)(void *)(b + k) = 0.25f * (br * br + bi * bi);
}

INLINE void part_by_four(const float *xr, const float *xi, int k, float *a, float *b)
{
    part_four(xr, xi, k, a, b);
    part_four(xr, xi, k + 4, a, b);
}

INLINE void part_eight(const float *xr, const float *xi, int k, float *a, float *b)
{
    v8 re = LOAD(xr + k), im = LOAD(xi + k);
    v8 mr = LOAD(xr + FFT_N - k - 7), mi = LOAD(xi + FFT_N - k - 7);
    mr = __builtin_shufflevector(mr, mr, 7, 6, 5, 4, 3, 2, 1, 0);
    mi = __builtin_shufflevector(mi, mi, 7, 6, 5, 4, 3, 2, 1, 0);
    v8 ar = re + mr, ai = im - mi, br = im + mi, bi = mr - re;
    STORE(a + k, 0.25f * (ar * ar + ai * ai));
    STORE(b + k, 0.25f * (br * br + bi * bi));
}

INLINE void powers_body(const struct fft_samples *x, float *a, float *b,
                        void transpose(const float *, float *),
                        void part(const float *, const float *, int, float *, float *))
{
    _Alignas(32) float xr[FFT_N + 1], xi[FFT_N + 1], yr[FFT_N], yi[FFT_N];
    for (int at = 0; at < SIDE; at += LANES)
        first_pass(x, at, yr, yi, transpose);
    for (int at = 0; at < SIDE; at += LANES)
        second_pass(yr, yi, at, xr, xi);
    xr[FFT_N] = xr[0];
    xi[FFT_N] = xi[0];
    for (int k = 0; k < FFT_N / 2; k += LANES)
        part(xr, xi, k, a, b);
    a[FFT_N / 2] = xr[FFT_N / 2] * xr[FFT_N / 2];
    b[FFT_N / 2] = xi[FFT_N / 2] * xi[FFT_N / 2];
    a[0] = b[0] = 0;
}

static void powers_portable(const struct fft_samples *x, float *a, float *b)
{
    powers_body(x, a, b, transpose_by_four, part_by_four);
}

#ifdef __x86_64__
WIDE_AVX2 static void powers_avx2(const struct fft_samples *x, float *a, float *b)
{
    powers_body(x, a, b, transpose_eight, part_eight);
}

#define powers_avx512 fft_powers_512
#endif

void fft_powers(const struct fft_samples *x, float early[FFT_POWERS], float late[FFT_POWERS])
{
    WIDE_PICK_3(powers)(x, early, late);
}
