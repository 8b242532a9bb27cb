/* The transform of fft.c with all sixteen columns in one vector, for AVX-512: the matrix stays in
 * registers but for what does not fit. */
#include "dsp/fft_inner.h"

#ifdef __x86_64__
#include <immintrin.h>

typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef v16 fft_vec;
#include "dsp/fft_sixteen.h"

#define LOAD(p)     (*(const v16 *)(const void *)(p))
#define STORE(p, v) (*(v16 *)(void *)(p) = (v16)(v))
#define INLINE_512  WIDE_AVX512 static inline __attribute__((always_inline))

/* Whole samples under the window. */
INLINE_512 v16 windowed(const int16_t *x, v16 window)
{
    __m256i whole = _mm256_loadu_si256((const void *)x);
    return (v16)_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(whole)) * window;
}

/* Rows become columns: pairs, then quarters of a vector, then the quarters' places. */
INLINE_512 void transpose(v16 row[SIDE])
{
    __m512 t[SIDE], u[SIDE];
    for (int i = 0; i < SIDE; i += 2) {
        t[i] = _mm512_unpacklo_ps((__m512)row[i], (__m512)row[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps((__m512)row[i], (__m512)row[i + 1]);
    }
    for (int i = 0; i < SIDE; i += 4)
        for (int k = 0; k < 2; k++) {
            __m512d a = _mm512_castps_pd(t[i + k]), b = _mm512_castps_pd(t[i + k + 2]);
            u[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            u[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    for (int c = 0; c < 4; c++) {
        __m512 even = _mm512_shuffle_f32x4(u[c], u[c + 4], 0x88);
        __m512 odd = _mm512_shuffle_f32x4(u[c], u[c + 4], 0xdd);
        __m512 even2 = _mm512_shuffle_f32x4(u[c + 8], u[c + 12], 0x88);
        __m512 odd2 = _mm512_shuffle_f32x4(u[c + 8], u[c + 12], 0xdd);
        row[c] = (v16)_mm512_shuffle_f32x4(even, even2, 0x88);
        row[c + 4] = (v16)_mm512_shuffle_f32x4(odd, odd2, 0x88);
        row[c + 8] = (v16)_mm512_shuffle_f32x4(even, even2, 0xdd);
        row[c + 12] = (v16)_mm512_shuffle_f32x4(odd, odd2, 0xdd);
    }
}

/* Bins k to k + 15 with their mirrors. */
INLINE_512 void part(const float *xr, const float *xi, int k, float *a, float *b)
{
    const __m512i back = _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    v16 re = LOAD(xr + k), im = LOAD(xi + k);
    v16 mr = (v16)_mm512_permutexvar_ps(back, _mm512_loadu_ps(xr + FFT_N - k - 15));
    v16 mi = (v16)_mm512_permutexvar_ps(back, _mm512_loadu_ps(xi + FFT_N - k - 15));
    v16 ar = re + mr, ai = im - mi, br = im + mi, bi = mr - re;
    STORE(a + k, 0.25f * (ar * ar + ai * ai));
    STORE(b + k, 0.25f * (br * br + bi * bi));
}

void fft_powers_512(const struct fft_samples *x, float *a, float *b)
{
    _Alignas(64) float xr[FFT_N + 1], xi[FFT_N + 1];
    v16 re[SIDE], im[SIDE], yr[SIDE], yi[SIDE];
#define TAKE(p, i) windowed(p, LOAD(fft_hann + SIDE * (i)))
    TAKE_WINDOWS(x, re, im, TAKE);
#undef TAKE
    sixteen(re, im);
    yr[0] = re[0], yi[0] = im[0];
    for (int k = 1; k < SIDE; k++) {
        v16 r = re[place(k)], i = im[place(k)];
        v16 wr = LOAD(fft_twiddle_re + SIDE * k), wi = LOAD(fft_twiddle_im + SIDE * k);
        yr[k] = r * wr - i * wi;
        yi[k] = r * wi + i * wr;
    }
    transpose(yr);
    transpose(yi);
    sixteen(yr, yi);
    for (int k = 0; k < SIDE; k++) {
        STORE(xr + SIDE * k, yr[place(k)]);
        STORE(xi + SIDE * k, yi[place(k)]);
    }
    xr[FFT_N] = xr[0];
    xi[FFT_N] = xi[0];
    for (int k = 0; k < FFT_N / 2; k += SIDE)
        part(xr, xi, k, a, b);
    a[FFT_N / 2] = xr[FFT_N / 2] * xr[FFT_N / 2];
    b[FFT_N / 2] = xi[FFT_N / 2] * xi[FFT_N / 2];
    a[0] = b[0] = 0;
}
#endif
