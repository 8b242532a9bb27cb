/* G.711: 8-bit µ-law and A-law to and from linear samples at 16-bit scale.
 *
 * Decoding is one table of 256 values a law, written out of the Recommendation's formula when the
 * program starts; with AVX2 it is the formula itself, for sixteen codes at once. Encoding finds the
 * segment with a count of leading zeros, so it needs no large table in the cache. Pure functions;
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
#endif

void dsp_ulaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    WIDE_PICK(ulaw)(in, out, n);
}

void dsp_alaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    WIDE_PICK(alaw)(in, out, n);
}

void dsp_ulaw_encode(const int16_t *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_compress(in[i]);
}

void dsp_alaw_encode(const int16_t *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_compress(in[i]);
}
