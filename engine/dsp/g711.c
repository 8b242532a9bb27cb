/* G.711: 8-bit µ-law and A-law to and from linear samples at 16-bit scale.
 *
 * Decoding is one table of 256 values a law, written out of the Recommendation's formula when the
 * program starts; with AVX2 it is the formula itself, for sixteen codes at once, with AVX-512
 * for 32. Encoding finds the segment with a count of leading zeros, so it needs no large table in
 * the cache; with AVX2 by the magnitude's two nibbles, for sixteen samples at once. Pure functions;
 * any thread. */
#include "dsp/dsp.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dsp/wide.h"

#define ULAW_BIAS 0x84 /* 33 at 14 bits */
#define ULAW_CLIP 32635

static int16_t ulaw_linear[256];
static int16_t alaw_linear[256];

static int16_t ulaw_expand(uint8_t code)
{
    unsigned u = (uint8_t)~code;
    int magnitude = (int)((((u & 0x0fu) << 3) + ULAW_BIAS) << ((u >> 4) & 7u)) - ULAW_BIAS;
    return (int16_t)((u & 0x80u) ? -magnitude : magnitude);
}

static int16_t alaw_expand(uint8_t code)
{
    unsigned a = code ^ 0x55u;
    unsigned segment = (a >> 4) & 7u;
    int magnitude = (int)((a & 0x0fu) << 4) + 8;
    if (segment)
        magnitude = (magnitude + 0x100) << (segment - 1);
    return (int16_t)((a & 0x80u) ? magnitude : -magnitude);
}

__attribute__((constructor)) static void tables_fill(void)
{
    for (unsigned i = 0; i < 256; i++) {
        ulaw_linear[i] = ulaw_expand((uint8_t)i);
        alaw_linear[i] = alaw_expand((uint8_t)i);
    }
}

static uint8_t ulaw_compress(int16_t sample)
{
    unsigned sign = 0;
    int magnitude = sample;
    if (magnitude < 0) {
        magnitude = -magnitude;
        sign = 0x80;
    }
    if (magnitude > ULAW_CLIP)
        magnitude = ULAW_CLIP;
    unsigned biased = (unsigned)magnitude + ULAW_BIAS;
    unsigned segment = 24u - (unsigned)__builtin_clz(biased); /* bit 7 is the lowest top bit */
    unsigned mantissa = (biased >> (segment + 3)) & 0x0fu;
    return (uint8_t) ~(sign | segment << 4 | mantissa);
}

static uint8_t alaw_compress(int16_t sample)
{
    unsigned sign = 0x80;
    int magnitude = sample;
    if (magnitude < 0) {
        magnitude = -magnitude - 1; /* −1…−16 is the first negative step, as 0…15 the positive */
        sign = 0;
    }
    unsigned m = (unsigned)magnitude >> 4;
    unsigned segment = 0;
    if (m > 0x0f) {
        segment = 28u - (unsigned)__builtin_clz(m); /* 16…31 is segment one */
        m >>= segment - 1;
    }
    return (uint8_t)((sign | segment << 4 | (m & 0x0fu)) ^ 0x55u);
}

static void ulaw_portable(const uint8_t *in, int16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_linear[in[i]];
}

static void alaw_portable(const uint8_t *in, int16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_linear[in[i]];
}

static void to_ulaw_portable(const int16_t *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_compress(in[i]);
}

static void to_alaw_portable(const int16_t *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_compress(in[i]);
}

#ifdef __x86_64__
/* For each of sixteen codes the entry of its segment, bits 4 to 6. */
WIDE_AVX2 static inline __m128i by_segment(__m128i code, __m128i entries)
{
    __m128i high = _mm_and_si128(_mm_srli_epi16(code, 4), _mm_set1_epi8(7));
    return _mm_shuffle_epi8(entries, high);
}

/* Magnitudes with the sign of signs, where there is one. */
WIDE_AVX2 static inline void store_signed(int16_t *out, __m256i magnitude, __m256i signs)
{
    signs = _mm256_or_si256(signs, _mm256_set1_epi16(1));
    _mm256_storeu_si256((void *)out, _mm256_sign_epi16(magnitude, signs));
}

WIDE_AVX2 static void ulaw_avx2(const uint8_t *in, int16_t *out, size_t n)
{
    const __m128i powers = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i bias = _mm256_set1_epi16(ULAW_BIAS);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m128i u = _mm_xor_si128(_mm_loadu_si128((const void *)(in + i)), _mm_set1_epi8(-1));
        __m256i power = _mm256_cvtepu8_epi16(by_segment(u, powers));
        __m256i step = _mm256_cvtepu8_epi16(_mm_and_si128(u, _mm_set1_epi8(0x0f)));
        __m256i m = _mm256_mullo_epi16(_mm256_add_epi16(_mm256_slli_epi16(step, 3), bias), power);
        store_signed(out + i, _mm256_sub_epi16(m, bias), _mm256_cvtepi8_epi16(u));
    }
    ulaw_portable(in + i, out + i, n - i);
}

WIDE_AVX2 static void alaw_avx2(const uint8_t *in, int16_t *out, size_t n)
{
    const __m128i powers = _mm_setr_epi8(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i tops = _mm_setr_epi8(0, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m128i a = _mm_xor_si128(_mm_loadu_si128((const void *)(in + i)), _mm_set1_epi8(0x55));
        __m128i step = _mm_or_si128(_mm_and_si128(a, _mm_set1_epi8(0x0f)), by_segment(a, tops));
        __m256i power = _mm256_cvtepu8_epi16(by_segment(a, powers));
        __m256i m = _mm256_slli_epi16(_mm256_cvtepu8_epi16(step), 4);
        m = _mm256_mullo_epi16(_mm256_add_epi16(m, _mm256_set1_epi16(8)), power);
        __m128i positive = _mm_xor_si128(a, _mm_set1_epi8(-1));
        store_signed(out + i, m, _mm256_cvtepi8_epi16(positive));
    }
    alaw_portable(in + i, out + i, n - i);
}

WIDE_AVX512 static inline __m512i low_bits(__m512i v, int mask)
{
    return _mm512_and_si512(v, _mm512_set1_epi16((int16_t)mask));
}

WIDE_AVX512 static void ulaw_avx512(const uint8_t *in, int16_t *out, size_t n)
{
    const __m512i bias = _mm512_set1_epi16(ULAW_BIAS);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i u = _mm256_loadu_si256((const void *)(in + i));
        u = _mm256_xor_si256(u, _mm256_set1_epi8(-1));
        __m512i code = _mm512_cvtepu8_epi16(u), segment = low_bits(_mm512_srli_epi16(code, 4), 7);
        __m512i m = _mm512_add_epi16(_mm512_slli_epi16(low_bits(code, 0x0f), 3), bias);
        m = _mm512_sub_epi16(_mm512_sllv_epi16(m, segment), bias);
        m = _mm512_mask_sub_epi16(m, _mm256_movepi8_mask(u), _mm512_setzero_si512(), m);
        _mm512_storeu_si512((void *)(out + i), m);
    }
    ulaw_portable(in + i, out + i, n - i);
}

WIDE_AVX512 static void alaw_avx512(const uint8_t *in, int16_t *out, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i a = _mm256_loadu_si256((const void *)(in + i));
        a = _mm256_xor_si256(a, _mm256_set1_epi8(0x55));
        __m512i code = _mm512_cvtepu8_epi16(a), segment = low_bits(_mm512_srli_epi16(code, 4), 7);
        __m512i m = _mm512_slli_epi16(low_bits(code, 0x0f), 4);
        m = _mm512_add_epi16(m, _mm512_set1_epi16(8));
        __mmask32 upper = _mm512_test_epi16_mask(segment, segment);
        m = _mm512_mask_add_epi16(m, upper, m, _mm512_set1_epi16(0x100));
        m = _mm512_sllv_epi16(m, _mm512_subs_epu16(segment, _mm512_set1_epi16(1)));
        m = _mm512_mask_sub_epi16(m, ~_mm256_movepi8_mask(a), _mm512_setzero_si512(), m);
        _mm512_storeu_si512((void *)(out + i), m);
    }
    alaw_portable(in + i, out + i, n - i);
}

/* For each value below 16 its entry in the low byte; in the high one the table's first. */
WIDE_AVX2 static inline __m256i entry(__m128i table, __m256i value)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), value);
}

/* Segments of values below 256: by the high nibble, where it is not 0. */
WIDE_AVX2 static inline __m256i segment_of(__m256i value, __m128i low, __m128i high)
{
    __m256i nibble = _mm256_and_si256(value, _mm256_set1_epi16(0x0f));
    __m256i by_low = entry(low, nibble);
    __m256i by_high = entry(high, _mm256_srli_epi16(value, 4));
    return _mm256_max_epi16(by_low, by_high);
}

/* Sign, segment and the four bits that the magnitude, shifted by the segment, ends with. shifts:
 * for each segment a power of two; over 2^10 it is that shift. */
WIDE_AVX2 static inline __m128i codes_of(__m256i sign, __m256i segment, __m256i magnitude,
                                         __m128i shifts)
{
    __m256i shift = entry(shifts, segment);
    shift = _mm256_slli_epi16(_mm256_and_si256(shift, _mm256_set1_epi16(0xff)), 6);
    __m256i mantissa =
        _mm256_and_si256(_mm256_mulhi_epu16(magnitude, shift), _mm256_set1_epi16(0x0f));
    __m256i code = _mm256_or_si256(_mm256_or_si256(sign, _mm256_slli_epi16(segment, 4)), mantissa);
    return _mm_packus_epi16(_mm256_castsi256_si128(code), _mm256_extracti128_si256(code, 1));
}

WIDE_AVX2 static void to_ulaw_avx2(const int16_t *in, uint8_t *out, size_t n)
{
    const __m128i low = _mm_setr_epi8(0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m128i high = _mm_setr_epi8(0, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7);
    const __m128i shifts = _mm_setr_epi8((char)128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i v = _mm256_loadu_si256((const void *)(in + i));
        __m256i m = _mm256_min_epu16(_mm256_abs_epi16(v), _mm256_set1_epi16(ULAW_CLIP));
        m = _mm256_add_epi16(m, _mm256_set1_epi16(ULAW_BIAS));
        __m256i segment = segment_of(_mm256_srli_epi16(m, 7), low, high);
        __m256i sign = _mm256_and_si256(_mm256_srai_epi16(v, 15), _mm256_set1_epi16(0x80));
        __m128i code = codes_of(sign, segment, m, shifts);
        _mm_storeu_si128((void *)(out + i), _mm_xor_si128(code, _mm_set1_epi8(-1)));
    }
    to_ulaw_portable(in + i, out + i, n - i);
}

WIDE_AVX2 static void to_alaw_avx2(const int16_t *in, uint8_t *out, size_t n)
{
    const __m128i low = _mm_setr_epi8(0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4);
    const __m128i high = _mm_setr_epi8(0, 5, 6, 6, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i shifts = _mm_setr_epi8(64, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i v = _mm256_loadu_si256((const void *)(in + i)), negative = _mm256_srai_epi16(v, 15);
        __m256i m = _mm256_xor_si256(v, negative);
        __m256i segment = segment_of(_mm256_srli_epi16(m, 8), low, high);
        __m256i sign = _mm256_andnot_si256(negative, _mm256_set1_epi16(0x80));
        __m128i code = codes_of(sign, segment, m, shifts);
        _mm_storeu_si128((void *)(out + i), _mm_xor_si128(code, _mm_set1_epi8(0x55)));
    }
    to_alaw_portable(in + i, out + i, n - i);
}
#endif

void dsp_ulaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    WIDE_PICK_3(ulaw)(in, out, n);
}

void dsp_alaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    WIDE_PICK_3(alaw)(in, out, n);
}

void dsp_ulaw_encode(const int16_t *in, uint8_t *out, size_t n)
{
    WIDE_PICK(to_ulaw)(in, out, n);
}

void dsp_alaw_encode(const int16_t *in, uint8_t *out, size_t n)
{
    WIDE_PICK(to_alaw)(in, out, n);
}
