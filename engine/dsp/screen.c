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
static _Alignas(64) struct unit bank[UNITS][SCREEN_DTMF]; /* cosines and sines */
static _Alignas(16) struct unit fax_bank[UNITS][FAX];

/* A half's sums of products: a cosine's and a sine's for each tone. */
struct sums {
    _Alignas(64) int32_t dtmf[2 * SCREEN_DTMF];
    int32_t fax[2 * FAX];
};

__attribute__((constructor)) static void tables_fill(void)
{
    for (int m = 0; m < FOLDED; m++)
        for (int k = 0; k < SCREEN_BANK; k++) {
            double a = 2 * NUM_PI * (double)screen_hz[k] * (m + 0.5) / DSP_RATE_HZ;
            struct unit *u = k < SCREEN_DTMF ? &bank[m / 2][k] : &fax_bank[m / 2][k - SCREEN_DTMF];
            u->sum[m % 2] = (int16_t)(WHOLE * num_cos(a));
            u->difference[m % 2] = (int16_t)(WHOLE * num_sin(a));
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

static void correlate_fax(const struct unit folded[UNITS], struct sums *s)
{
    __m128i acc = _mm_setzero_si128();
    for (unsigned u = 0; u < UNITS; u++)
        acc = _mm_add_epi32(acc, _mm_madd_epi16(unit_of(&folded[u]), load(fax_bank[u])));
    memcpy(s->fax, &acc, sizeof acc);
}

static void correlate_portable(const int16_t *block, bool fax, struct sums sums[2])
{
    for (unsigned h = 0; h < 2; h++) {
        struct unit folded[UNITS];
        __m128i acc[SCREEN_DTMF / 2] = {_mm_setzero_si128()};
        fold_portable(block + h * SCREEN_HALF, folded);
        for (unsigned u = 0; u < UNITS; u++)
            for (unsigned k = 0; k < SCREEN_DTMF / 2; k++)
                acc[k] = _mm_add_epi32(acc[k],
                                       _mm_madd_epi16(unit_of(&folded[u]), load(&bank[u][2 * k])));
        memcpy(sums[h].dtmf, acc, sizeof acc);
        if (fax)
            correlate_fax(folded, &sums[h]);
    }
}

WIDE_AVX2 static inline __m256i load_both(const int16_t *x)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(x)), load(x + SCREEN_HALF), 1);
}

/* A unit of each half block. */
struct both {
    struct unit half[2];
};

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

/* Each half with each of the two fax tones. */
WIDE_AVX2 static inline void correlate_fax_avx2(const struct both folded[UNITS],
                                                struct sums sums[2])
{
    __m256i acc = _mm256_setzero_si256();
    for (unsigned u = 0; u < UNITS; u++) {
        __m256i units = _mm256_broadcastsi128_si256(load(&folded[u]));
        __m256i row = _mm256_permute4x64_epi64(_mm256_castsi128_si256(load(fax_bank[u])), 0x50);
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(units, row));
    }
    _Alignas(32) int32_t r[8]; /* tone 0 of both halves, tone 1 of both */
    _mm256_store_si256((void *)r, acc);
    for (unsigned h = 0; h < 2; h++)
        for (unsigned k = 0; k < FAX; k++)
            memcpy(&sums[h].fax[2 * k], &r[4 * k + 2 * h], 2 * sizeof *r);
}

WIDE_AVX2 static inline __m256i broadcast(const struct unit *u)
{
    int64_t bits;
    memcpy(&bits, u, sizeof bits);
    return _mm256_set1_epi64x(bits);
}

WIDE_AVX2 static void correlate_avx2(const int16_t *block, bool fax, struct sums sums[2])
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
    memcpy(sums[0].dtmf, a, sizeof a);
    memcpy(sums[1].dtmf, b, sizeof b);
    if (fax)
        correlate_fax_avx2(folded, sums);
}

WIDE_AVX512 static inline __m512i broadcast_512(const struct unit *u)
{
    int64_t bits;
    memcpy(&bits, u, sizeof bits);
    return _mm512_set1_epi64(bits);
}

WIDE_AVX512 static void correlate_avx512(const int16_t *block, bool fax, struct sums sums[2])
{
    _Alignas(32) struct both folded[UNITS];
    __m512i a = _mm512_setzero_si512(), b = a;
    fold_avx2(block, folded);
    for (unsigned u = 0; u < UNITS; u++) {
        __m512i row = _mm512_load_si512((const void *)bank[u]);
        a = _mm512_dpwssd_epi32(a, broadcast_512(&folded[u].half[0]), row);
        b = _mm512_dpwssd_epi32(b, broadcast_512(&folded[u].half[1]), row);
    }
    _mm512_store_si512((void *)sums[0].dtmf, a);
    _mm512_store_si512((void *)sums[1].dtmf, b);
    if (fax)
        correlate_fax_avx2(folded, sums);
}
#else
static void correlate_unit(struct unit folded, const struct unit *tone, int32_t sum[2])
{
    for (unsigned i = 0; i < 2; i++) {
        sum[0] += folded.sum[i] * tone->sum[i];
        sum[1] += folded.difference[i] * tone->difference[i];
    }
}

static void correlate_portable(const int16_t *block, bool fax, struct sums sums[2])
{
    memset(sums, 0, 2 * sizeof *sums);
    for (unsigned h = 0; h < 2; h++)
        for (unsigned u = 0; u < UNITS; u++) {
            const int16_t *middle = block + h * SCREEN_HALF + FOLDED;
            struct unit folded;
            for (unsigned i = 0; i < 2; i++) {
                int after = middle[2 * u + i] >> 1, before = middle[-1 - (int)(2 * u + i)] >> 1;
                folded.sum[i] = (int16_t)(after + before);
                folded.difference[i] = (int16_t)(after - before);
            }
            for (unsigned k = 0; k < SCREEN_DTMF; k++)
                correlate_unit(folded, &bank[u][k], &sums[h].dtmf[2 * k]);
            for (unsigned k = 0; fax && k < FAX; k++)
                correlate_unit(folded, &fax_bank[u][k], &sums[h].fax[2 * k]);
        }
}
#endif

static void squares(const int32_t *sum, unsigned tones, float *power)
{
    for (unsigned k = 0; k < tones; k++) {
        float c = (float)sum[2 * k], s = (float)sum[2 * k + 1];
        power[k] = SCALE * (c * c + s * s);
    }
}

void screen_powers(const int16_t *block, bool fax, float power[2][SCREEN_BANK])
{
    struct sums sums[2];
    WIDE_PICK_3(correlate)(block, fax, sums);
    for (unsigned h = 0; h < 2; h++) {
        squares(sums[h].dtmf, SCREEN_DTMF, power[h]);
        if (fax)
            squares(sums[h].fax, FAX, power[h] + SCREEN_DTMF);
    }
}
