/* A tree asks five of its nodes, one after the other. AVX-512 asks all 31 at once instead, since it
 * finds 32 features for 32 nodes in one step and their answers are a word; then it walks through
 * the words of sixteen trees. Whole numbers: the same sum in every build. */
#include "dsp/amd_trees.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/wide.h"

#define INNER    AMD_TREES_INNER
#define LEAVES   AMD_TREES_LEAVES
#define ABREAST  16 /* trees that are walked through together */
#define FEATURES 64 /* to whole vectors */
_Static_assert(INNER == 31 && LEAVES == 32, "a tree's nodes are a word's bits");
_Static_assert(AMD_FEATURE_COUNT <= FEATURES, "two vectors hold the features");
_Static_assert(AMD_TREES_MAX % ABREAST == 0, "whole vectors");

static void score_portable(const struct amd_trees *m, const int16_t *features, int32_t *score)
{
    int32_t sum = 0;
    for (unsigned t = 0; t < m->count; t += 4) { /* four at a time: none waits for another */
        unsigned at[4] = {0};
        for (unsigned d = 0; d < AMD_TREES_DEPTH; d++)
            for (unsigned k = 0; k < 4; k++) {
                unsigned node = (t + k) * INNER + at[k];
                at[k] = 2 * at[k] + 1 + (features[m->feature[node]] > m->threshold[node]);
            }
        for (unsigned k = 0; k < 4; k++)
            sum += m->leaf[(t + k) * LEAVES + at[k] - INNER];
    }
    *score = sum;
}

#ifdef __x86_64__
#define score_avx2 score_portable

/* Each node's answer, a word a tree. */
WIDE_AVX512 static inline void ask_all(const struct amd_trees *m, const int16_t *features,
                                       uint32_t *above)
{
    int16_t all[FEATURES] = {0};
    memcpy(all, features, AMD_FEATURE_COUNT * sizeof *all);
    __m512i low = _mm512_loadu_si512(all), high = _mm512_loadu_si512(all + FEATURES / 2);
    const __mmask32 nodes = (1u << INNER) - 1;
    for (unsigned t = 0; t < m->count; t++) {
        __m256i which = _mm256_maskz_loadu_epi8(nodes, m->feature + t * INNER);
        __m512i threshold = _mm512_maskz_loadu_epi16(nodes, m->threshold + t * INNER);
        __m512i value = _mm512_permutex2var_epi16(low, _mm512_cvtepu8_epi16(which), high);
        above[t] = _mm512_cmpgt_epi16_mask(value, threshold);
    }
}

WIDE_AVX512 static void score_avx512(const struct amd_trees *m, const int16_t *features,
                                     int32_t *score)
{
    uint32_t above[AMD_TREES_MAX];
    const __m512i one = _mm512_set1_epi32(1);
    int32_t sum = 0;
    ask_all(m, features, above);
    for (unsigned t = m->count; t % ABREAST; t++)
        above[t] = 0;
    for (unsigned t = 0; t < m->count; t += ABREAST) {
        uint32_t at_of[ABREAST];
        __m512i word = _mm512_loadu_si512(above + t), at = _mm512_setzero_si512();
        for (unsigned d = 0; d < AMD_TREES_DEPTH; d++) {
            __m512i is = _mm512_and_si512(_mm512_srlv_epi32(word, at), one);
            at = _mm512_add_epi32(_mm512_add_epi32(at, at), _mm512_add_epi32(is, one));
        }
        _mm512_storeu_si512(at_of, at);
        for (unsigned k = 0; k < ABREAST && t + k < m->count; k++)
            sum += m->leaf[(t + k) * LEAVES + at_of[k] - INNER];
    }
    *score = sum;
}
#endif

int32_t amd_trees_score(const struct amd_trees *t, const int16_t features[AMD_FEATURE_COUNT])
{
    int32_t score;
    WIDE_PICK_3(score)(t, features, &score);
    return score;
}
