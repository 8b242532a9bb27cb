/* ITU-T G.722 at 64 kbit/s: 16 kHz samples, two of them in a byte. A mirror filter halves the band,
 * each half is ADPCM with its own predictor: six bits for 0…4 kHz, two for 4…8 kHz. Integer
 * arithmetic in the Recommendation's widths, so the bits are those of every other implementation
 * (spandsp is the oracle of the tests). Names of blocks and tables are the Recommendation's.
 *
 * On the wire (RFC 3551 4.5.2) the clock counts 8,000 a second, one for each byte, though the
 * samples are 16,000. The delay of coder and decoder together is 22 samples. Pure; one thread a
 * state. */
#ifndef PEAL_MEDIA_G722_H
#define PEAL_MEDIA_G722_H

#include <stdint.h>

struct g722_band {
    int32_t s, sp, sz;  /* predicted: the sum, by poles, by zeros */
    int32_t r[3], p[3]; /* reconstructed and partly reconstructed, newest first */
    int32_t a[3], b[7]; /* coefficients of poles (1, 2) and zeros (1…6) */
    int32_t d[7];       /* quantised differences */
    int32_t nb, det;    /* logarithmic and linear scale of the quantiser */
};

struct g722 { /* one direction */
    struct g722_band low, high;
    int32_t x[24]; /* of the mirror filter */
};

void g722_init(struct g722 *g);
/* samples: even; makes samples / 2 bytes. */
void g722_to_bytes(struct g722 *g, const int16_t *pcm, uint32_t samples, uint8_t *out);
/* Makes 2 * bytes samples. */
void g722_to_samples(struct g722 *g, const uint8_t *in, uint32_t bytes, int16_t *pcm);

#endif
