/* Correlation by folding: a cosine about a half block's middle is even and a sine odd, so samples
 * that lie alike either side of it are added for the one and subtracted for the other first, which
 * leaves half of the products. All of it is in whole numbers, so exact in any order, and every
 * build gives the same. Samples lose their lowest bit, which those of G.711 have not.
 *
 * A unit is two neighbouring sums and their two differences; one instruction multiplies it by a
 * tone's two cosines and two sines. */
#include "dsp/screen.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/dsp.h"
#include "dsp/num.h"
#include "dsp/wide.h"

#define FOLDED (SCREEN_HALF / 2)
#define UNITS  (FOLDED / 2)
#define FAX    (SCREEN_BANK - SCREEN_DTMF)
#define WHOLE  1600 /* FOLDED products of it and a sum fit 32 bits */
#define SCALE  (4.0f / ((float)WHOLE * WHOLE))

const float screen_hz[SCREEN_BANK] = {697, 770, 852, 941, 1209, 1336, 1477, 1633, 1100, 2100};

struct unit {
    int16_t sum[2], difference[2];
};
/* A unit of each half block. */
struct both {
    struct unit half[2];
};
static _Alignas(64) struct unit bank[UNITS][SCREEN_DTMF]; /* cosines and sines */
static _Alignas(64) struct both fax_bank[FAX][UNITS];     /* the same for either half */

__attribute__((constructor)) static void tables_fill(void)
{
    for (int m = 0; m < FOLDED; m++)
        for (int k = 0; k < SCREEN_BANK; k++) {
            double a = 2 * NUM_PI * (double)screen_hz[k] * (m + 0.5) / DSP_RATE_HZ;
            struct unit *u =
                k < SCREEN_DTMF ? &bank[m / 2][k] : &fax_bank[k - SCREEN_DTMF][m / 2].half[0];
            u->sum[m % 2] = (int16_t)(WHOLE * num_cos(a));
            u->difference[m % 2] = (int16_t)(WHOLE * num_sin(a));
        }
    for (int k = 0; k < FAX; k++)
        for (int u = 0; u < UNITS; u++)
            fax_bank[k][u].half[1] = fax_bank[k][u].half[0];
}

/* Of sums of products, a cosine's and a sine's for each tone. */
static void squares(const int32_t *sum, unsigned tones, float *power)
{
    for (unsigned k = 0; k < tones; k++) {
        float c = (float)sum[2 * k], s = (float)sum[2 * k + 1];
        power[k] = SCALE * (c * c + s * s);
    }
}

#ifdef __x86_64__
static inline __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

static void fold_portable(const int16_t *x, struct unit *folded)
{
    for (int j = 0; j < FOLDED; j += 8) {
        __m128i after = _mm_srai_epi16(load(x + FOLDED + j), 1);
        __m128i before = _mm_srai_epi16(load(x + FOLDED - 8 - j), 1);
        before = _mm_shufflehi_epi16(_mm_shufflelo_epi16(before, 0x1b), 0x1b);
        before = _mm_shuffle_epi32(before, 0x4e);
        __m128i sum = _mm_add_epi16(after, before), difference = _mm_sub_epi16(after, before);
        _mm_storeu_si128((void *)(folded + j / 2), _mm_unpacklo_epi32(sum, difference));
        _mm_storeu_si128((void *)(folded + j / 2 + 2), _mm_unpackhi_epi32(sum, difference));
    }
}

static inline __m128i unit_of(const struct unit *u)
{
    int64_t bits;
    memcpy(&bits, u, sizeof bits);
    return _mm_set1_epi64x(bits);
}

static void fax_portable(const struct unit folded[UNITS], float power[FAX])
{
    __m128i acc = _mm_setzero_si128();
    int32_t sum[2 * FAX];
    for (unsigned u = 0; u < UNITS; u++) {
        __m128i row = _mm_unpacklo_epi64(load(&fax_bank[0][u]), load(&fax_bank[1][u]));
        acc = _mm_add_epi32(acc, _mm_madd_epi16(unit_of(&folded[u]), row));
    }
    memcpy(sum, &acc, sizeof acc);
    squares(sum, FAX, power);
}

static void powers_portable(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    for (unsigned h = 0; h < 2; h++) {
        struct unit folded[UNITS];
        __m128i acc[SCREEN_DTMF / 2] = {_mm_setzero_si128()};
        int32_t sum[2 * SCREEN_DTMF];
        fold_portable(block + h * SCREEN_HALF, folded);
        for (unsigned u = 0; u < UNITS; u++)
            for (unsigned k = 0; k < SCREEN_DTMF / 2; k++)
                acc[k] = _mm_add_epi32(acc[k],
                                       _mm_madd_epi16(unit_of(&folded[u]), load(&bank[u][2 * k])));
        memcpy(sum, acc, sizeof acc);
        squares(sum, SCREEN_DTMF, power[h]);
        if (fax)
            fax_portable(folded, power[h] + SCREEN_DTMF);
    }
}

WIDE_AVX2 static inline __m256i load_both(const int16_t *x)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(x)), load(x + SCREEN_HALF), 1);
}

/* Both halves at once, a half in each half of a vector. */
WIDE_AVX2 static inline void fold_avx2(const int16_t *x, struct both folded[UNITS])
{
    const __m256i turn = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1));
    for (int j = 0; j < FOLDED; j += 8) {
        __m256i after = _mm256_srai_epi16(load_both(x + FOLDED + j), 1);
        __m256i before = _mm256_srai_epi16(load_both(x + FOLDED - 8 - j), 1);
        before = _mm256_shuffle_epi8(before, turn);
        __m256i sum = _mm256_add_epi16(after, before);
        __m256i difference = _mm256_sub_epi16(after, before);
        __m256i low = _mm256_unpacklo_epi32(sum, difference);
        __m256i high = _mm256_unpackhi_epi32(sum, difference);
        _mm256_store_si256((void *)(folded + j / 2), _mm256_permute4x64_epi64(low, 0xd8));
        _mm256_store_si256((void *)(folded + j / 2 + 2), _mm256_permute4x64_epi64(high, 0xd8));
    }
}

WIDE_AVX2 static inline __m128i halves_added(__m256i v)
{
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

/* Each half with each of the two fax tones. */
WIDE_AVX2 static inline void fax_avx2(const struct both folded[UNITS], float power[2][SCREEN_BANK])
{
    __m256i acc[FAX] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (unsigned u = 0; u < UNITS; u += 2) {
        __m256i two = _mm256_load_si256((const void *)&folded[u]);
        for (unsigned k = 0; k < FAX; k++) {
            __m256i row = _mm256_load_si256((const void *)&fax_bank[k][u]);
            acc[k] = _mm256_add_epi32(acc[k], _mm256_madd_epi16(two, row));
        }
    }
    __m128 one = _mm_cvtepi32_ps(halves_added(acc[0])), two = _mm_cvtepi32_ps(halves_added(acc[1]));
    __m128 p = _mm_hadd_ps(_mm_mul_ps(one, one), _mm_mul_ps(two, two)); /* by tone, then half */
    p = _mm_mul_ps(_mm_shuffle_ps(p, p, 0xd8), _mm_set1_ps(SCALE));
    _mm_storel_pi((void *)&power[0][SCREEN_DTMF], p);
    _mm_storeh_pi((void *)&power[1][SCREEN_DTMF], p);
}

/* squares() of the eight tones of DTMF, four in each vector. */
WIDE_AVX2 static inline void squares_avx2(__m256i rows, __m256i cols, float *power)
{
    __m256 r = _mm256_cvtepi32_ps(rows), c = _mm256_cvtepi32_ps(cols);
    __m256 p = _mm256_hadd_ps(_mm256_mul_ps(r, r), _mm256_mul_ps(c, c));
    p = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(p), 0xd8));
    _mm256_storeu_ps(power, _mm256_mul_ps(p, _mm256_set1_ps(SCALE)));
}

WIDE_AVX2 static inline __m256i broadcast(const struct unit *u)
{
    int64_t bits;
    memcpy(&bits, u, sizeof bits);
    return _mm256_set1_epi64x(bits);
}

WIDE_AVX2 static void powers_avx2(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    _Alignas(32) struct both folded[UNITS];
    __m256i a[2], b[2];
    a[0] = a[1] = b[0] = b[1] = _mm256_setzero_si256();
    fold_avx2(block, folded);
    for (unsigned u = 0; u < UNITS; u++) {
        __m256i one = broadcast(&folded[u].half[0]), two = broadcast(&folded[u].half[1]);
        for (unsigned k = 0; k < 2; k++) {
            __m256i row = _mm256_load_si256((const void *)&bank[u][4 * k]);
            a[k] = _mm256_add_epi32(a[k], _mm256_madd_epi16(one, row));
            b[k] = _mm256_add_epi32(b[k], _mm256_madd_epi16(two, row));
        }
    }
    squares_avx2(a[0], a[1], power[0]);
    squares_avx2(b[0], b[1], power[1]);
    if (fax)
        fax_avx2(folded, power);
}

WIDE_AVX512 static inline __m512i broadcast_512(const struct unit *u)
{
    int64_t bits;
    memcpy(&bits, u, sizeof bits);
    return _mm512_set1_epi64(bits);
}

WIDE_AVX512 static inline void squares_avx512(__m512i sums, float *power)
{
    squares_avx2(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1), power);
}

#define CHAINS 4 /* an addition waits for the one before it: of these there are several */
_Static_assert(UNITS % CHAINS == 0, "whole chains");

WIDE_AVX512 static void powers_avx512(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    _Alignas(32) struct both folded[UNITS];
    __m512i a[CHAINS], b[CHAINS];
    for (unsigned k = 0; k < CHAINS; k++)
        a[k] = b[k] = _mm512_setzero_si512();
    fold_avx2(block, folded);
    for (unsigned u = 0; u < UNITS; u += CHAINS)
        for (unsigned k = 0; k < CHAINS; k++) {
            __m512i row = _mm512_load_si512((const void *)bank[u + k]);
            a[k] = _mm512_dpwssd_epi32(a[k], broadcast_512(&folded[u + k].half[0]), row);
            b[k] = _mm512_dpwssd_epi32(b[k], broadcast_512(&folded[u + k].half[1]), row);
        }
    for (unsigned k = CHAINS / 2; k; k /= 2)
        for (unsigned i = 0; i < k; i++) {
            a[i] = _mm512_add_epi32(a[i], a[i + k]);
            b[i] = _mm512_add_epi32(b[i], b[i + k]);
        }
    squares_avx512(a[0], power[0]);
    squares_avx512(b[0], power[1]);
    if (fax)
        fax_avx2(folded, power);
}
#else
static void correlate_unit(struct unit folded, const struct unit *tone, int32_t sum[2])
{
    for (unsigned i = 0; i < 2; i++) {
        sum[0] += folded.sum[i] * tone->sum[i];
        sum[1] += folded.difference[i] * tone->difference[i];
    }
}

static void powers_portable(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    int32_t sum[2][2 * SCREEN_BANK] = {{0}};
    for (unsigned h = 0; h < 2; h++) {
        for (unsigned u = 0; u < UNITS; u++) {
            const int16_t *middle = block + h * SCREEN_HALF + FOLDED;
            struct unit folded;
            for (unsigned i = 0; i < 2; i++) {
                int after = middle[2 * u + i] >> 1, before = middle[-1 - (int)(2 * u + i)] >> 1;
                folded.sum[i] = (int16_t)(after + before);
                folded.difference[i] = (int16_t)(after - before);
            }
            for (unsigned k = 0; k < SCREEN_DTMF; k++)
                correlate_unit(folded, &bank[u][k], &sum[h][2 * k]);
            for (unsigned k = 0; fax && k < FAX; k++)
                correlate_unit(folded, &fax_bank[k][u].half[0], &sum[h][2 * (SCREEN_DTMF + k)]);
        }
        squares(sum[h], fax ? SCREEN_BANK : SCREEN_DTMF, power[h]);
    }
}
#endif

void screen_powers(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    WIDE_PICK_3(powers)(block, fax, power);
}
