/* Powers are not negative, so their bits compare as they do; whole numbers' maxima may be sought in
 * any order, and so by vectors. */
#include "dsp/bins.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/wide.h"

#define BINS (BIN_LAST + 1)
#define NEAR 3 /* bins within which a peak has no other beside it */
_Static_assert(BINS == 4 * 32 && BIN_FIRST == 2, "whole vectors, but for two bins");

static int32_t too_near[2 * BINS]; /* −1 around the middle */

__attribute__((constructor)) static void tables_fill(void)
{
    for (int d = -NEAR; d <= NEAR; d++)
        too_near[BINS + d] = -1;
}

static int first_of(const int32_t *bits, int32_t most)
{
    int k = BIN_FIRST;
    while (bits[k] != most)
        k++;
    return k;
}

/* Sum and strongest of the bins looked at; the order of adding is fixed. */
static void total_portable(const float *p, struct bins_most *m)
{
    float lane[16];
    int32_t bits[BINS], most = 0;
    memcpy(bits, p, sizeof bits);
    for (int i = 0; i < 16; i++)
        lane[i] = i < BIN_FIRST ? 0 : p[i];
    for (int k = 16; k <= BIN_LAST; k += 16)
        for (int i = 0; i < 16; i++)
            lane[i] += p[k + i];
    for (int i = 0; i < 8; i++)
        lane[i] += lane[i + 8];
    for (int i = 0; i < 4; i++)
        lane[i] += lane[i + 4];
    m->sum = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    for (int k = BIN_FIRST; k < BINS; k++)
        most = bits[k] > most ? bits[k] : most;
    m->bin = first_of(bits, most);
}

static void second_portable(const float *p, int k1, int *bin)
{
    int32_t bits[BINS + 1], peak[BINS], most = -1;
    memcpy(bits, p, sizeof bits);
    for (int k = 0; k < BINS; k++) {
        bool is = k >= BIN_FIRST && bits[k] >= bits[k - 1] && bits[k] >= bits[k + 1] &&
                  !too_near[BINS + k - k1];
        peak[k] = is ? bits[k] : -1;
        most = peak[k] > most ? peak[k] : most;
    }
    *bin = most < 0 ? 0 : first_of(peak, most);
}

#ifdef __x86_64__
WIDE_AVX2 static inline __m256i eight(const void *p)
{
    return _mm256_loadu_si256(p);
}

WIDE_AVX2 static inline int32_t most_of(__m256i v)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

/* Which of 32 are the most, a bit each. */
WIDE_AVX2 static inline uint32_t which_are(const int32_t *bits, __m256i most)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i is[4];
    for (int i = 0; i < 4; i++)
        is[i] = _mm256_cmpeq_epi32(eight(bits + 8 * i), most);
    __m256i low = _mm256_packs_epi32(is[0], is[1]), high = _mm256_packs_epi32(is[2], is[3]);
    __m256i all = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    return (uint32_t)_mm256_movemask_epi8(all);
}

WIDE_AVX2 static inline int first_of_avx2(const int32_t *bits, int32_t most)
{
    const __m256i m = _mm256_set1_epi32(most);
    uint64_t low = (which_are(bits, m) & ~UINT32_C(3)) | (uint64_t)which_are(bits + 32, m) << 32;
    uint64_t high = which_are(bits + 64, m) | (uint64_t)which_are(bits + 96, m) << 32;
    return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high);
}

WIDE_AVX2 static void total_avx2(const float *p, struct bins_most *m)
{
    __m256 low = _mm256_blend_ps(_mm256_loadu_ps(p), _mm256_setzero_ps(), 3);
    __m256 high = _mm256_loadu_ps(p + 8);
    __m256i most = _mm256_max_epi32(_mm256_castps_si256(low), _mm256_castps_si256(high));
    for (int k = 16; k < BINS; k += 16) {
        __m256 a = _mm256_loadu_ps(p + k), b = _mm256_loadu_ps(p + k + 8);
        low = _mm256_add_ps(low, a);
        high = _mm256_add_ps(high, b);
        most = _mm256_max_epi32(most,
                                _mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
    }
    __m256 sum = _mm256_add_ps(low, high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    m->sum = _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    m->bin = first_of_avx2((const int32_t *)p, most_of(most));
}

WIDE_AVX2 static void second_avx2(const float *p, int k1, int *bin)
{
    const int32_t *bits = (const int32_t *)p, *out = too_near + BINS - k1;
    _Alignas(32) int32_t peak[BINS];
    __m256i most = _mm256_set1_epi32(-1);
    __m256i no = _mm256_setr_epi32(-1, -1, 0, 0, 0, 0, 0, 0);
    for (int k = 0; k < BINS; k += 8) {
        __m256i at = eight(bits + k);
        no = _mm256_or_si256(no, _mm256_cmpgt_epi32(eight(bits + k - 1), at));
        no = _mm256_or_si256(no, _mm256_cmpgt_epi32(eight(bits + k + 1), at));
        at = _mm256_or_si256(_mm256_or_si256(no, eight(out + k)), at); /* −1, or its bits */
        _mm256_store_si256((void *)(peak + k), at);
        most = _mm256_max_epi32(most, at);
        no = _mm256_setzero_si256();
    }
    int32_t of_peak = most_of(most);
    *bin = of_peak < 0 ? 0 : first_of_avx2(peak, of_peak);
}
#endif

struct bins_most bins_total(const float *p)
{
    struct bins_most m;
    WIDE_PICK(total)(p, &m);
    return m;
}

int bins_second(const float *p, int k1)
{
    int bin;
    WIDE_PICK(second)(p, k1, &bin);
    return bin;
}
