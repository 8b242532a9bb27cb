/* G.711: 8-bit µ-law and A-law to and from linear samples at 16-bit scale.
 *
 * Decoding is one table of 256 values a law, written out of the Recommendation's formula when the
 * program starts. Encoding finds the segment with a count of leading zeros, so it needs no large
 * table in the cache. Pure functions; any thread. */
#include "dsp/dsp.h"

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

void dsp_ulaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_linear[in[i]];
}

void dsp_alaw_decode(const uint8_t *in, int16_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_linear[in[i]];
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
