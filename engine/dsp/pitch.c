/* Pitch: autocorrelation of the last 64 ms at 2 kHz, in whole numbers.
 *
 * Means of four samples are scaled so that they fit 13 bits with their sign: then 96 products fit
 * 32 bits, one instruction multiplies and adds sixteen pairs, and the order of adding does not
 * matter. Of G.711 no bit is lost in the means: its samples are multiples of four. */
#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/num.h"
#include "dsp/spectrum.h"
#include "dsp/wide.h"

#define SLOW_SAMPLES (HISTORY_SAMPLES / 4) /* at 2 kHz */
#define PIECE        HISTORY_PIECE
#define PIECES       HISTORY_PIECES
#define LAG_MIN      5
#define LAG_MAX      32
#define LAGS         (LAG_MAX - LAG_MIN + 1)
#define LAGS_FILLED  32 /* to whole vectors */
#define LAG_WINDOW   (SLOW_SAMPLES - LAG_MAX)
#define SLOW_BITS    12
#define PITCH_NEARLY 0.8f
_Static_assert((INT64_C(1) << (2 * SLOW_BITS)) * LAG_WINDOW < INT32_MAX, "sums fit 32 bits");
_Static_assert(LAGS % 4 == 0 && LAGS < LAGS_FILLED && PIECES % 2 == 0 && LAG_WINDOW % 32 == 0,
               "whole vectors");

/* What to multiply by, over 2^15, so that the largest of values of that many bits has SLOW_BITS;
 * 0: nothing. */
static inline int scale_of(unsigned most)
{
    int bits = most ? 32 - __builtin_clz(most) : 0;
    return bits > SLOW_BITS ? 1 << (15 - (bits - SLOW_BITS)) : 0;
}

/* Means of four samples, centred and scaled. */
static void slow_portable(const int16_t *const piece[PIECES], int16_t slow[SLOW_SAMPLES])
{
    int total = 0;
    unsigned most = 0;
    for (unsigned i = 0; i < SLOW_SAMPLES; i++) {
        const int16_t *x = piece[4 * i / PIECE] + 4 * i % PIECE;
        slow[i] = (int16_t)((x[0] + x[1] + x[2] + x[3]) >> 2);
        total += slow[i];
    }
    int mean = total >> 7;
    for (unsigned i = 0; i < SLOW_SAMPLES; i++) {
        int v = slow[i] - mean;
        slow[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
        most |= (unsigned)(slow[i] < 0 ? -slow[i] : slow[i]);
    }
    int scale = scale_of(most);
    for (unsigned i = 0; scale && i < SLOW_SAMPLES; i++)
        slow[i] = (int16_t)((slow[i] * scale + 0x4000) >> 15);
}

/* Of the window at lag 0, and at LAG_MIN + k. */
struct energies {
    int32_t own, shifted[LAGS_FILLED];
};

static void energies_portable(const int16_t *s, struct energies *e)
{
    int32_t running = 0;
    e->own = 0;
    for (unsigned i = 0; i < LAG_WINDOW; i++)
        e->own += s[i] * s[i];
    for (unsigned i = LAG_MIN; i < LAG_MIN + LAG_WINDOW; i++)
        running += s[i] * s[i];
    for (unsigned k = 0; k < LAGS; k++) {
        const int16_t *at = s + LAG_MIN + k;
        e->shifted[k] = running;
        running += at[LAG_WINDOW] * at[LAG_WINDOW] - at[0] * at[0];
    }
}

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
WIDE_AVX2 static inline __m256i load(const int16_t *x)
{
    return _mm256_loadu_si256((const void *)x);
}

/* Eight means of a piece, those of its lower half first in each half of the vector. */
WIDE_AVX2 static inline __m256i means(const int16_t *x)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i low = _mm256_madd_epi16(load(x), ones), high = _mm256_madd_epi16(load(x + 16), ones);
    return _mm256_srai_epi32(_mm256_hadd_epi32(low, high), 2);
}

WIDE_AVX2 static inline int sum_of(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

WIDE_AVX2 static inline int32_t most_of(__m256i v)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

WIDE_AVX2 static inline unsigned all_bits(__m256i v)
{
    __m128i s = _mm_or_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_or_si128(s, _mm_shuffle_epi32(s, 0x4e));
    unsigned bits = (unsigned)_mm_cvtsi128_si32(_mm_or_si128(s, _mm_shuffle_epi32(s, 0xb1)));
    return (bits | bits >> 16) & 0xffff;
}

WIDE_AVX2 static void slow_avx2(const int16_t *const piece[PIECES], int16_t slow[SLOW_SAMPLES])
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i v[PIECES / 2], total = _mm256_setzero_si256(), most = total;
    for (unsigned i = 0; i < PIECES / 2; i++) {
        v[i] = _mm256_packs_epi32(means(piece[2 * i]), means(piece[2 * i + 1]));
        total = _mm256_add_epi32(total, _mm256_madd_epi16(v[i], ones));
    }
    __m256i mean = _mm256_set1_epi16((int16_t)(sum_of(total) >> 7));
    for (unsigned i = 0; i < PIECES / 2; i++) {
        v[i] = _mm256_permutevar8x32_epi32(_mm256_subs_epi16(v[i], mean), order);
        most = _mm256_or_si256(most, _mm256_abs_epi16(v[i]));
    }
    int scale = scale_of(all_bits(most));
    for (unsigned i = 0; i < PIECES / 2; i++) {
        if (scale)
            v[i] = _mm256_mulhrs_epi16(v[i], _mm256_set1_epi16((int16_t)scale));
        _mm256_storeu_si256((void *)(slow + 16 * i), v[i]);
    }
}

/* Squares of eight samples. */
WIDE_AVX2 static inline __m256i squares(const int16_t *s)
{
    __m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)s));
    return _mm256_madd_epi16(v, v);
}

WIDE_AVX2 static inline __m256i lag_256(const __m256i w[LAG_WINDOW / 16], const int16_t *s)
{
    __m256i sum = _mm256_madd_epi16(w[0], load(s));
    for (unsigned i = 1; i < LAG_WINDOW / 16; i++)
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w[i], load(s + 16 * i)));
    return sum;
}

WIDE_AVX2 static void energies_avx2(const int16_t *s, struct energies *e)
{
    const __m256i last = _mm256_set1_epi32(7);
    __m256i own = _mm256_setzero_si256(), before = own;
    for (unsigned i = 0; i < LAG_WINDOW; i += 16) {
        __m256i v = load(s + i), w = load(s + LAG_MIN - 1 + i);
        own = _mm256_add_epi32(own, _mm256_madd_epi16(v, v));
        before = _mm256_add_epi32(before, _mm256_madd_epi16(w, w));
    }
    e->own = sum_of(own);
    __m256i running = _mm256_set1_epi32(sum_of(before)); /* at LAG_MIN − 1 */
    for (unsigned k = 0; k < LAGS; k += 8) {
        const int16_t *at = s + LAG_MIN - 1 + k;
        __m256i v = _mm256_sub_epi32(squares(at + LAG_WINDOW), squares(at));
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4)); /* each with those before it */
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        __m256i low = _mm256_shuffle_epi32(_mm256_permute2x128_si256(v, v, 0x08), 0xff);
        running = _mm256_add_epi32(running, _mm256_add_epi32(v, low));
        _mm256_storeu_si256((void *)(e->shifted + k), running);
        running = _mm256_permutevar8x32_epi32(running, last);
    }
}

/* The sums of four vectors. */
WIDE_AVX2 static inline __m128i four_sums(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

WIDE_AVX2 static void correlate_avx2(const int16_t *s, int32_t r[LAGS])
{
    __m256i w[LAG_WINDOW / 16];
    for (unsigned i = 0; i < LAG_WINDOW / 16; i++)
        w[i] = load(s + 16 * i);
    for (unsigned k = 0; k < LAGS; k += 4) {
        const int16_t *at = s + LAG_MIN + k;
        _mm_storeu_si128((void *)(r + k), four_sums(lag_256(w, at), lag_256(w, at + 1),
                                                    lag_256(w, at + 2), lag_256(w, at + 3)));
    }
}

WIDE_AVX512 static inline __m256i lag_512(const __m512i w[LAG_WINDOW / 32], const int16_t *s)
{
    __m512i sum = _mm512_setzero_si512();
    for (unsigned i = 0; i < LAG_WINDOW / 32; i++)
        sum = _mm512_dpwssd_epi32(sum, w[i], _mm512_loadu_si512((const void *)(s + 32 * i)));
    return _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
}

WIDE_AVX512 static void correlate_avx512(const int16_t *s, int32_t r[LAGS])
{
    __m512i w[LAG_WINDOW / 32];
    for (unsigned i = 0; i < LAG_WINDOW / 32; i++)
        w[i] = _mm512_loadu_si512((const void *)(s + 32 * i));
    for (unsigned k = 0; k < LAGS; k += 4) {
        const int16_t *at = s + LAG_MIN + k;
        _mm_storeu_si128((void *)(r + k), four_sums(lag_512(w, at), lag_512(w, at + 1),
                                                    lag_512(w, at + 2), lag_512(w, at + 3)));
    }
}
#endif

/* The strongest of squared normalised autocorrelations r² / (energy · shifted energy), and the
 * shortest lag that is a peak nearly as strong: longer ones are its multiples. */
struct peak {
    float strongest, before, at, after;
    int lag;
};

static void peak_take(const float *square, int at, struct peak *p)
{
    p->lag = LAG_MIN + at;
    p->before = square[at - 1];
    p->at = square[at];
    p->after = square[at + 1];
}

/* Squares are not negative, so their bits compare as they do. */
static void peak_portable(const int32_t r[LAGS_FILLED], const struct energies *e, struct peak *p)
{
    float square[LAGS], nearly;
    for (unsigned k = 0; k < LAGS; k++) {
        float scale = (float)e->own * (float)e->shifted[k], v = (float)(r[k] > 0 ? r[k] : 0);
        square[k] = v * v / (scale > 0 ? scale : 1);
    }
    int32_t bits[LAGS], most = 0, enough;
    memcpy(bits, square, sizeof bits);
    for (unsigned k = 0; k < LAGS; k++)
        most = bits[k] > most ? bits[k] : most;
    memcpy(&p->strongest, &most, sizeof most);
    nearly = PITCH_NEARLY * p->strongest;
    memcpy(&enough, &nearly, sizeof enough);
    int at = 1;
    while (at < LAGS - 2 &&
           (bits[at] < enough || bits[at] < bits[at - 1] || bits[at] < bits[at + 1]))
        at++;
    peak_take(square, at, p);
}

#ifdef __x86_64__
/* r is 0 beyond the last lag, and so are the squares. */
WIDE_AVX2 static void peak_avx2(const int32_t r[LAGS_FILLED], const struct energies *e,
                                struct peak *p)
{
    const __m256 own = _mm256_set1_ps((float)e->own), zero = _mm256_setzero_ps();
    _Alignas(32) float room[8 + LAGS_FILLED + 8], *square = room + 8, nearly;
    __m256i most = _mm256_setzero_si256();
    for (unsigned k = 0; k < LAGS_FILLED; k += 8) {
        __m256i v =
            _mm256_max_epi32(_mm256_load_si256((const void *)(r + k)), _mm256_setzero_si256());
        __m256i shifted = _mm256_loadu_si256((const void *)(e->shifted + k));
        __m256 scale = _mm256_mul_ps(own, _mm256_cvtepi32_ps(shifted)), w = _mm256_cvtepi32_ps(v);
        __m256 above = _mm256_cmp_ps(scale, zero, _CMP_GT_OQ);
        scale = _mm256_blendv_ps(_mm256_set1_ps(1), scale, above);
        w = _mm256_div_ps(_mm256_mul_ps(w, w), scale);
        _mm256_store_ps(square + k, w);
        most = _mm256_max_epi32(most, _mm256_castps_si256(w));
    }
    square[-1] = square[LAGS_FILLED] = 0;
    int32_t strongest = most_of(most), enough;
    memcpy(&p->strongest, &strongest, sizeof strongest);
    nearly = PITCH_NEARLY * p->strongest;
    memcpy(&enough, &nearly, sizeof enough);
    uint32_t not = 0;
    for (unsigned k = 0; k < LAGS_FILLED; k += 8) {
        __m256i at = _mm256_load_si256((const void *)(square + k));
        __m256i before = _mm256_loadu_si256((const void *)(square + k - 1));
        __m256i after = _mm256_loadu_si256((const void *)(square + k + 1));
        __m256i no = _mm256_or_si256(_mm256_cmpgt_epi32(before, at), _mm256_cmpgt_epi32(after, at));
        no = _mm256_or_si256(no, _mm256_cmpgt_epi32(_mm256_set1_epi32(enough), at));
        not |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(no)) << k;
    }
    /* Not the first lag nor the last two; the one before the last stands for none. */
    uint32_t peaks = (~not &((1u << (LAGS - 2)) - 2)) | 1u << (LAGS - 2);
    peak_take(square, __builtin_ctz(peaks), p);
}
#endif

float spectrum_voiced(const struct leg *l, int16_t *pitch)
{
    _Alignas(64) int16_t slow[SLOW_SAMPLES + 4]; /* the last ones fill a vector */
    _Alignas(32) int32_t r[LAGS_FILLED];
    struct energies e;
    struct peak p;
    const int16_t *piece[PIECES];
    history_pieces(l, piece);
    memset(slow + SLOW_SAMPLES, 0, 4 * sizeof *slow);
    memset(r + LAGS, 0, sizeof r - LAGS * sizeof *r);
    WIDE_PICK(slow)(piece, slow);
    WIDE_PICK_3(correlate)(slow, r);
    WIDE_PICK(energies)(slow, &e);
    WIDE_PICK(peak)(r, &e, &p);
    float bend = p.before - 2 * p.at + p.after; /* the peak lies between the lags */
    float off = bend < 0 ? 0.5f * (p.before - p.after) / bend : 0;
    off = off > 0.5f ? 0.5f : off < -0.5f ? -0.5f : off;
    *pitch = (int16_t)(120 * (5 - num_log2((float)p.lag + off)));
    return sqrtf(p.strongest);
}
