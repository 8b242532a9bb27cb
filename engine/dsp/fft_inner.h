/* What the builds of the transform share. Private to the FFT's files. */
#ifndef PEAL_DSP_FFT_INNER_H
#define PEAL_DSP_FFT_INNER_H

#include "dsp/fft.h"
#include "dsp/wide.h"

extern float fft_hann[FFT_N];
extern float fft_twiddle_re[FFT_N], fft_twiddle_im[FFT_N]; /* [k][b]: e^(−2πi·kb/256) */

#ifdef __x86_64__
WIDE_AVX512 void fft_powers_512(const struct fft_samples *x, float *a, float *b);
#endif

#endif
