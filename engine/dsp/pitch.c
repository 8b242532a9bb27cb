/* Pitch: autocorrelation of the last 64 ms at 2 kHz, in whole numbers.
 *
 * Sums of four samples are scaled so that they fit 13 bits with their sign: then 96 products fit 32
 * bits, one instruction multiplies and adds sixteen pairs, and the order of adding does not matter. */
#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/num.h"
#include "dsp/spectrum.h"
#include "dsp/wide.h"

#define SLOW_SAMPLES (HISTORY_SAMPLES / 4) /* at 2 kHz */
#define LAG_MIN      5
#define LAG_MAX      32
#define LAGS         (LAG_MAX - LAG_MIN + 1)
#define LAG_WINDOW   (SLOW_SAMPLES - LAG_MAX)
#define SLOW_MAX     4096
#define PITCH_NEARLY 0.8f
_Static_assert((int64_t)SLOW_MAX * SLOW_MAX * LAG_WINDOW < INT32_MAX, "sums fit 32 bits");
_Static_assert(LAGS % 4 == 0, "four lags at a time");

/* Pitch of the shortest lag that is a peak nearly as strong as the strongest: longer ones are its
 * multiples. The peak lies between the lags. */
static int16_t pitch_of(const float square[LAG_MAX + 1], float best)
{
    int lag = LAG_MIN + 1;
    while (lag < LAG_MAX - 1 && !(square[lag] >= PITCH_NEARLY * best &&
                                  square[lag] >= square[lag - 1] && square[lag] >= square[lag + 1]))
        lag++;
    float bend = square[lag - 1] - 2 * square[lag] + square[lag + 1];
    float off = bend < 0 ? 0.5f * (square[lag - 1] - square[lag + 1]) / bend : 0;
    off = off > 0.5f ? 0.5f : off < -0.5f ? -0.5f : off;
    return (int16_t)(120 * (5 - num_log2((float)lag + off)));
}

/* Sums of four samples of n; n is a multiple of 32. */
static void slow_portable(const int16_t *x, int32_t *slow, unsigned n)
{
    for (unsigned i = 0; i < n / 4; i++)
        slow[i] = x[4 * i] + x[4 * i + 1] + x[4 * i + 2] + x[4 * i + 3];
}

/* Centred and scaled to SLOW_MAX at most. */
WIDE_BODY scale_body(const int32_t *slow, int16_t *scaled)
{
    int32_t total = 0, most = 1;
    for (unsigned i = 0; i < SLOW_SAMPLES; i++)
        total += slow[i];
    int32_t mean = total / SLOW_SAMPLES;
    for (unsigned i = 0; i < SLOW_SAMPLES; i++) {
        int32_t v = slow[i] - mean;
        most |= v < 0 ? -v : v;
    }
    int bits = 32 - __builtin_clz((unsigned)most), drop = bits > 12 ? bits - 12 : 0;
    int32_t half = drop ? 1 << (drop - 1) : 0;
    for (unsigned i = 0; i < SLOW_SAMPLES; i++)
        scaled[i] = (int16_t)((slow[i] - mean + half) >> drop);
}

WIDE_BUILD(scale, (const int32_t *slow, int16_t *scaled), (slow, scaled))

/* r[k]: sum over the window of s[i] · s[i + LAG_MIN + k]. */
static void correlate_portable(const int16_t *s, int32_t r[LAGS])
{
    for (unsigned k = 0; k < LAGS; k++) {
        int32_t sum = 0;
        for (unsigned i = 0; i < LAG_WINDOW; i++)
            sum += s[i] * s[i + LAG_MIN + k];
        r[k] = sum;
    }
}

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2")))

AVX2 static void slow_avx2(const int16_t *x, int32_t *slow, unsigned n)
{
    const __m256i ones = _mm256_set1_epi16(1);
    for (unsigned i = 0; i < n; i += 32) {
        __m256i a = _mm256_madd_epi16(_mm256_loadu_si256((const void *)(x + i)), ones);
        __m256i b = _mm256_madd_epi16(_mm256_loadu_si256((const void *)(x + i + 16)), ones);
        __m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8);
        _mm256_storeu_si256((void *)(slow + i / 4), sums);
    }
}

AVX2 static inline __m256i one_lag(const __m256i w[LAG_WINDOW / 16], const int16_t *s)
{
    __m256i sum = _mm256_madd_epi16(w[0], _mm256_loadu_si256((const void *)s));
    for (unsigned i = 1; i < LAG_WINDOW / 16; i++)
        sum = _mm256_add_epi32(
            sum, _mm256_madd_epi16(w[i], _mm256_loadu_si256((const void *)(s + 16 * i))));
    return sum;
}

AVX2 static void correlate_avx2(const int16_t *s, int32_t r[LAGS])
{
    __m256i w[LAG_WINDOW / 16];
    for (unsigned i = 0; i < LAG_WINDOW / 16; i++)
        w[i] = _mm256_loadu_si256((const void *)(s + 16 * i));
    for (unsigned k = 0; k < LAGS; k += 4) {
        const int16_t *at = s + LAG_MIN + k;
        __m256i a = _mm256_hadd_epi32(one_lag(w, at), one_lag(w, at + 1));
        __m256i b = _mm256_hadd_epi32(one_lag(w, at + 2), one_lag(w, at + 3));
        __m256i sum = _mm256_hadd_epi32(a, b);
        _mm_storeu_si128((void *)(r + k), _mm_add_epi32(_mm256_castsi256_si128(sum),
                                                        _mm256_extracti128_si256(sum, 1)));
    }
}
#endif

/* Squared normalised autocorrelation r² / (energy · shifted energy) at each lag. */
WIDE_BODY normalise_body(const int16_t *s, const int32_t r[LAGS], float square[LAGS])
{
    int32_t energy = 0, more[LAG_MAX], shifted[LAGS];
    for (unsigned i = 0; i < LAG_WINDOW; i++)
        energy += s[i] * s[i];
    for (unsigned i = 0; i < LAG_MAX; i++)
        more[i] = s[LAG_WINDOW + i] * s[LAG_WINDOW + i] - s[i] * s[i];
    int32_t running = energy;
    for (unsigned i = 0; i < LAG_MIN - 1; i++)
        running += more[i];
    for (unsigned k = 0; k < LAGS; k++) {
        running += more[k + LAG_MIN - 1];
        shifted[k] = running;
    }
    for (unsigned k = 0; k < LAGS; k++) {
        float scale = (float)energy * (float)shifted[k], v = (float)(r[k] > 0 ? r[k] : 0);
        square[k] = v * v / (scale > 0 ? scale : 1);
    }
}

WIDE_BUILD(normalise, (const int16_t *s, const int32_t r[LAGS], float square[LAGS]), (s, r, square))

float spectrum_voiced(const struct leg *l, int16_t *pitch)
{
    _Alignas(32) int32_t slow[SLOW_SAMPLES], r[LAGS];
    _Alignas(32) int16_t scaled[SLOW_SAMPLES];
    float square[LAG_MAX + 1] = {0}, best = 0;
    const unsigned first = HISTORY_SAMPLES - 3 * DSP_BLOCK_SAMPLES;
    WIDE_PICK(slow)(history_block(l, 3) + DSP_BLOCK_SAMPLES - first, slow, first);
    for (unsigned b = 0; b < 3; b++)
        WIDE_PICK(slow)(history_block(l, 2 - b), slow + (first + b * DSP_BLOCK_SAMPLES) / 4,
                        DSP_BLOCK_SAMPLES);
    WIDE_PICK(scale)(slow, scaled);
    WIDE_PICK(correlate)(scaled, r);
    WIDE_PICK(normalise)(scaled, r, square + LAG_MIN);
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++)
        best = square[lag] > best ? square[lag] : best;
    *pitch = pitch_of(square, best);
    return sqrtf(best);
}
