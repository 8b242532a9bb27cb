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
    uint64_t slot[SLOTS_PER_BLOCK]; /* of squares */
    bool flat;                      /* all samples are the same */
};

static void sums_portable(const int16_t *x, struct sums *s)
{
    int differs = 0;
    for (unsigned slot = 0; slot < SLOTS_PER_BLOCK; slot++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < SLOT_SAMPLES; i++) {
            int v = x[slot * SLOT_SAMPLES + i];
            sum += (uint32_t)(v * v);
            differs |= v ^ x[0];
        }
        s->slot[slot] = sum;
    }
    s->flat = !differs;
}

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2")))

/* Eight samples of a slot and of the next one. */
AVX2 static inline __m256i load_both(const int16_t *x)
{
    __m128i one = _mm_loadu_si128((const void *)x);
    __m128i next = _mm_loadu_si128((const void *)(x + SLOT_SAMPLES));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(one), next, 1);
}

/* A square of two samples needs 32 bits, so its low and high halves are summed apart. */
AVX2 static void sums_avx2(const int16_t *x, struct sums *s)
{
    const __m256i low = _mm256_set1_epi32(0xffff), first = _mm256_set1_epi16(x[0]);
    __m256i same = _mm256_set1_epi8(-1), sum[2][2];
    for (unsigned pair = 0; pair < 2; pair++) {
        __m256i lows = _mm256_setzero_si256(), highs = lows;
        for (unsigned i = 0; i < SLOT_SAMPLES; i += 8) {
            __m256i v = load_both(x + 2 * SLOT_SAMPLES * pair + i);
            __m256i square = _mm256_madd_epi16(v, v);
            same = _mm256_and_si256(same, _mm256_cmpeq_epi16(v, first));
            lows = _mm256_add_epi32(lows, _mm256_and_si256(square, low));
            highs = _mm256_add_epi32(highs, _mm256_srli_epi32(square, 16));
        }
        sum[0][pair] = lows;
        sum[1][pair] = highs;
    }
    _Alignas(32) uint32_t r[8]; /* low of slots 0, 2; high of 0, 2; low of 1, 3; high of 1, 3 */
    __m256i lows = _mm256_hadd_epi32(sum[0][0], sum[0][1]);
    __m256i highs = _mm256_hadd_epi32(sum[1][0], sum[1][1]);
    _mm256_store_si256((void *)r, _mm256_hadd_epi32(lows, highs));
    for (unsigned slot = 0; slot < SLOTS_PER_BLOCK; slot++) {
        unsigned at = slot % 2 * 4 + slot / 2;
        s->slot[slot] = r[at] + ((uint64_t)r[at + 2] << 16);
    }
    s->flat = _mm256_movemask_epi8(same) == -1;
}
#endif

void history_add(struct leg *l, const int16_t *x)
{
    struct sums s;
    float total = 0;
    l->newest = (uint8_t)((l->newest + 1) % HISTORY_BLOCKS);
    memcpy(l->history[l->newest], x, sizeof l->history[0]);
    WIDE_PICK(sums)(x, &s);
    for (unsigned slot = 0; slot < SLOTS_PER_BLOCK; slot++) {
        float mean = (float)(int64_t)s.slot[slot] / SLOT_SAMPLES;
        l->slot[l->slot_count++ % SLOT_RING] = mean;
        total += mean;
    }
    l->zero = s.flat && x[0] <= ZERO_STEP_MAX && x[0] >= -ZERO_STEP_MAX;
    l->level_ddb = l->zero ? -990 : num_level_ddb(total / SLOTS_PER_BLOCK);
}
