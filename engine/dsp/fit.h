/* Frequency and power of a DTMF tone in 20 ms. Private to the room. */
#ifndef PEAL_DSP_FIT_H
#define PEAL_DSP_FIT_H

#include <stdint.h>

#include "dsp/screen.h"

#define FIT_SAMPLES (2 * SCREEN_HALF)

struct tone_fit {
    float f_hz;
    float power; /* mean square of this tone */
};

/* The tone near screen_hz[k], k < SCREEN_DTMF. */
struct tone_fit fit_tone(const int16_t x[FIT_SAMPLES], unsigned k);
/* Mean square of the samples, weighted as fit_tone weights them. */
float fit_energy(const int16_t x[FIT_SAMPLES]);

#endif
