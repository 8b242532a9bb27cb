/* Power spectra of two windows of 256 samples at once. Bin k is at k × 31.25 Hz. */
#ifndef PEAL_DSP_FFT_H
#define PEAL_DSP_FFT_H

#include <stdint.h>

#define FFT_N      256
#define FFT_POWERS (FFT_N / 2 + 5) /* bins 0…128, to whole vectors */

/* Squared magnitude of bins 1…128 of both windows under a Hann window; bin 0 is set to 0. */
void fft_powers(const int16_t *early, const int16_t *late, float a[FFT_POWERS],
                float b[FFT_POWERS]);

#endif
