/* What every block is asked first: the energies of its four slots, and whether it is digital zero.
 * Sums of squares are exact, so every build gives the same. */
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/num.h"
#include "dsp/state.h"
#include "dsp/wide.h"

#define ZERO_STEP_MAX 16 /* A-law's idle value is 8 */

struct sums {
    float mean[SLOTS_PER_BLOCK]; /* of squares */
    bool flat;                   /* all samples are the same */
};

/* Sums of the low and of the high 16 bits of squares are exact as floats, and so is all but the
 * last rounding. */
static void sums_portable(const int16_t *x, int16_t *to, struct sums *s)
{
    int differs = 0;
    for (unsigned slot = 0; slot < SLOTS_PER_BLOCK; slot++) {
        uint32_t low = 0, high = 0;
        for (unsigned i = 0; i < SLOT_SAMPLES; i++) {
            int v = x[slot * SLOT_SAMPLES + i];
            low += (uint32_t)(v * v) & 0xffff;
            high += (uint32_t)(v * v) >> 16;
            differs |= v ^ x[0];
        }
        s->mean[slot] = ((float)high * 65536 + (float)low) / SLOT_SAMPLES;
    }
    s->flat = !differs;
    memcpy(to, x, DSP_BLOCK_SAMPLES * sizeof *x);
}

#ifdef __x86_64__
/* Copies a slot's eight samples and the next one's, and returns them. */
WIDE_AVX2 static inline __m256i take_both(const int16_t *x, int16_t *to)
{
    __m128i one = _mm_loadu_si128((const void *)x);
    __m128i next = _mm_loadu_si128((const void *)(x + SLOT_SAMPLES));
    _mm_storeu_si128((void *)to, one);
    _mm_storeu_si128((void *)(to + SLOT_SAMPLES), next);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(one), next, 1);
}

WIDE_AVX2 static void sums_avx2(const int16_t *x, int16_t *to, struct sums *s)
{
    const __m256i low = _mm256_set1_epi32(0xffff), first = _mm256_set1_epi16(x[0]);
    const __m256i even = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i same = _mm256_set1_epi8(-1), lows[2], highs[2];
    lows[0] = lows[1] = highs[0] = highs[1] = _mm256_setzero_si256();
#pragma GCC unroll 1 /* unrolled, its vectors do not fit the registers */
    for (unsigned i = 0; i < SLOT_SAMPLES; i += 8)
        for (unsigned pair = 0; pair < 2; pair++) {
            unsigned at = i + 2 * SLOT_SAMPLES * pair;
            __m256i v = take_both(x + at, to + at), square = _mm256_madd_epi16(v, v);
            same = _mm256_and_si256(same, _mm256_cmpeq_epi16(v, first));
            lows[pair] = _mm256_add_epi32(lows[pair], _mm256_and_si256(square, low));
            highs[pair] = _mm256_add_epi32(highs[pair], _mm256_srli_epi32(square, 16));
        }
    /* Low sums of slots 0 and 2, high ones of 0 and 2, then those of 1 and 3. */
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(lows[0], lows[1]),
                                     _mm256_hadd_epi32(highs[0], highs[1]));
    __m256 in_order = _mm256_cvtepi32_ps(_mm256_permutevar8x32_epi32(sums, even));
    __m128 high = _mm_mul_ps(_mm256_extractf128_ps(in_order, 1), _mm_set1_ps(65536));
    __m128 sum = _mm_add_ps(high, _mm256_castps256_ps128(in_order));
    _mm_storeu_ps(s->mean, _mm_div_ps(sum, _mm_set1_ps(SLOT_SAMPLES)));
    s->flat = _mm256_movemask_epi8(same) == -1;
}
#endif

static void energy_portable(const int16_t *x, float *energy)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++)
        sum += x[i] * x[i];
    *energy = (float)sum;
}

/* See history_tilt; x[-1] is before. */
static void tilt_portable(const int16_t *x, int before, struct tilt *t)
{
    int64_t energy = 0, change = 0;
    int last = before / 4;
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i++) {
        int v = x[i] / 4, d = v - last;
        energy += v * v;
        change += d * d;
        last = v;
    }
    t->energy = (float)energy;
    t->change = (float)change;
}

#ifdef __x86_64__
struct wide_sum {
    __m256i low, high;
};

WIDE_AVX2 static inline void add_squares(struct wide_sum *s, __m256i v)
{
    __m256i square = _mm256_madd_epi16(v, v);
    s->low = _mm256_add_epi32(s->low, _mm256_and_si256(square, _mm256_set1_epi32(0xffff)));
    s->high = _mm256_add_epi32(s->high, _mm256_srli_epi32(square, 16));
}

WIDE_AVX2 static void energy_avx2(const int16_t *x, float *energy)
{
    struct wide_sum sum = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i += 16)
        add_squares(&sum, _mm256_loadu_si256((const void *)(x + i)));
    _Alignas(32) uint32_t r[8];
    __m256i sums = _mm256_hadd_epi32(sum.low, sum.high);
    _mm256_store_si256((void *)r, sums); /* low, low, high, high, and their other halves */
    uint64_t low = (uint64_t)r[0] + r[1] + r[4] + r[5], high = (uint64_t)r[2] + r[3] + r[6] + r[7];
    *energy = (float)(int64_t)(low + (high << 16));
}

/* A quarter, rounded towards zero. */
WIDE_AVX2 static inline __m256i quarter(const int16_t *x)
{
    __m256i v = _mm256_loadu_si256((const void *)x);
    __m256i up = _mm256_srli_epi16(_mm256_srai_epi16(v, 15), 14);
    return _mm256_srai_epi16(_mm256_add_epi16(v, up), 2);
}

WIDE_AVX2 static void tilt_avx2(const int16_t *x, int before, struct tilt *t)
{
    struct wide_sum energy = {_mm256_setzero_si256(), _mm256_setzero_si256()}, change = energy;
    int16_t shifted[17]; /* the first sixteen and the one before them */
    shifted[0] = (int16_t)before;
    memcpy(shifted + 1, x, 16 * sizeof *x);
    for (unsigned i = 0; i < DSP_BLOCK_SAMPLES; i += 16) {
        __m256i v = quarter(x + i), last = quarter(i ? x + i - 1 : shifted);
        add_squares(&energy, v);
        add_squares(&change, _mm256_sub_epi16(v, last));
    }
    _Alignas(32) uint32_t r[8];
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(energy.low, change.low),
                                     _mm256_hadd_epi32(energy.high, change.high));
    _mm256_store_si256((void *)r, sums); /* each has its other half four places on */
    t->energy = (float)(r[2] + r[6]) * 65536 + (float)(r[0] + r[4]);
    t->change = (float)(r[3] + r[7]) * 65536 + (float)(r[1] + r[5]);
}
#endif

struct tilt history_tilt(const struct leg *l)
{
    struct tilt t;
    WIDE_PICK(tilt)(history_block(l, 0), history_block(l, 1)[DSP_BLOCK_SAMPLES - 1], &t);
    return t;
}

float history_energy(const int16_t *x)
{
    float energy;
    WIDE_PICK(energy)(x, &energy);
    return energy;
}

void history_add(struct leg *l, const int16_t *x)
{
    struct sums s;
    l->newest = (uint8_t)((l->newest + 1) % HISTORY_BLOCKS);
    WIDE_PICK(sums)(x, l->history[l->newest], &s);
    memcpy(&l->slot[l->slot_count % SLOT_RING], s.mean, sizeof s.mean);
    l->slot_count += SLOTS_PER_BLOCK;
    l->zero = s.flat && x[0] <= ZERO_STEP_MAX && x[0] >= -ZERO_STEP_MAX;
    float total = (s.mean[0] + s.mean[2]) + (s.mean[1] + s.mean[3]);
    l->power = l->zero ? 0 : total / SLOTS_PER_BLOCK;
}
