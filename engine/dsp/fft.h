/* Power spectra of two windows of 256 samples at once. Bin k is at k × 31.25 Hz. */
#ifndef PEAL_DSP_FFT_H
#define PEAL_DSP_FFT_H

#include <stdint.h>

#define FFT_N      256
#define FFT_POWERS (FFT_N / 2 + 5) /* bins 0…128, to whole vectors */

/* 336 samples in rows of sixteen: one row and then two blocks of ten, as a leg's history holds
 * them. The early window is the first 256 of them, the late one the last. */
#define FFT_ROW 16
struct fft_samples {
    const int16_t *row, *block, *newest;
};

/* Squared magnitude of bins 1…128 of both windows under a Hann window; bin 0 is set to 0. */
void fft_powers(const struct fft_samples *x, float early[FFT_POWERS], float late[FFT_POWERS]);

#endif
