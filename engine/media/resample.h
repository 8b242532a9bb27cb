/* Between 16 kHz and 8 kHz, by one half-band filter of 51 taps, every second of which is nothing:
 * flat within 0.02 dB to 3.4 kHz, 60 dB down from 4.6 kHz on (what would fold back, or what would
 * be mirrored up). The delay is 26 samples of 16 kHz either way. Whole numbers, so every
 * machine makes the same samples. Pure; one thread a state; a state of zeros is a fresh one. */
#ifndef PEAL_MEDIA_RESAMPLE_H
#define PEAL_MEDIA_RESAMPLE_H

#include <stdint.h>

#define RESAMPLE_MAX 320 /* samples of 16 kHz at once */

struct resample_down { /* 16 → 8 kHz */
    int16_t before[51];
};
struct resample_up { /* 8 → 16 kHz */
    int16_t before[25];
};

/* samples: of 16 kHz, even, at most RESAMPLE_MAX. */
void resample_down(struct resample_down *r, const int16_t *in, uint32_t samples, int16_t *out);
/* samples: of 8 kHz, at most RESAMPLE_MAX / 2; makes twice as many. */
void resample_up(struct resample_up *r, const int16_t *in, uint32_t samples, int16_t *out);

#endif
