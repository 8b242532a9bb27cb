/* Sixteen points' transform of as many columns as `fft_vec` has lanes; see fft.c. To be included
 * with fft_vec, a vector of floats, defined. Private to the FFT's files. */
#ifndef PEAL_DSP_FFT_SIXTEEN_H
#define PEAL_DSP_FFT_SIXTEEN_H

#define SIDE 16

#define INLINE static inline __attribute__((always_inline))

/* e^(−2πi·k/16) for k = 1, 2, 3; the others follow by symmetry. */
#define C1 0.92387953251128674f
#define C2 0.70710678118654752f
#define C3 0.38268343236508977f

INLINE void turn(fft_vec *re, fft_vec *im, float wr, float wi)
{
    fft_vec r = *re * wr - *im * wi;
    *im = *re * wi + *im * wr;
    *re = r;
}

/* By e^(−πi/2). */
INLINE void turn_quarter(fft_vec *re, fft_vec *im)
{
    fft_vec r = *im;
    *im = -*re;
    *re = r;
}

/* By e^(−πi/4), and by e^(−3πi/4). */
INLINE void turn_eighth(fft_vec *re, fft_vec *im)
{
    fft_vec r = (*re + *im) * C2;
    *im = (*im - *re) * C2;
    *re = r;
}

INLINE void turn_three_eighths(fft_vec *re, fft_vec *im)
{
    fft_vec r = (*im - *re) * C2;
    *im = (*re + *im) * -C2;
    *re = r;
}

/* Four points' transform in place, in order; they lie step apart. */
INLINE void four(fft_vec *re, fft_vec *im, int step)
{
    fft_vec sr = re[0] + re[2 * step], si = im[0] + im[2 * step];
    fft_vec dr = re[0] - re[2 * step], di = im[0] - im[2 * step];
    fft_vec tr = re[step] + re[3 * step], ti = im[step] + im[3 * step];
    fft_vec ur = re[step] - re[3 * step], ui = im[step] - im[3 * step];
    re[0] = sr + tr, im[0] = si + ti;
    re[step] = dr + ui, im[step] = di - ur;
    re[2 * step] = sr - tr, im[2 * step] = si - ti;
    re[3 * step] = dr - ui, im[3 * step] = di + ur;
}

/* Sixteen points' transform; output k1 + 4·k2 is left at 4·k1 + k2. */
INLINE void sixteen(fft_vec re[SIDE], fft_vec im[SIDE])
{
    for (int i = 0; i < 4; i++)
        four(re + i, im + i, 4);
    turn(&re[5], &im[5], C1, -C3);
    turn_eighth(&re[6], &im[6]);
    turn(&re[7], &im[7], C3, -C1);
    turn_eighth(&re[9], &im[9]);
    turn_quarter(&re[10], &im[10]);
    turn_three_eighths(&re[11], &im[11]);
    turn(&re[13], &im[13], C3, -C1);
    turn_three_eighths(&re[14], &im[14]);
    turn(&re[15], &im[15], -C1, C3);
    for (int i = 0; i < 4; i++)
        four(re + 4 * i, im + 4 * i, 1);
}

/* Both windows of the samples, a row at a time: TAKE is the row at a pointer, under its part of the
 * Hann window. Loops whose bounds are fixed, so that rows are at fixed places. */
#define TAKE_WINDOWS(x, re, im, TAKE)                                                              \
    do {                                                                                           \
        re[0] = TAKE(x->row, 0);                                                                   \
        for (int i = 1; i < 11; i++)                                                               \
            re[i] = TAKE(x->block + FFT_ROW * (i - 1), i);                                         \
        for (int i = 11; i < SIDE; i++)                                                            \
            re[i] = TAKE(x->newest + FFT_ROW * (i - 11), i);                                       \
        for (int i = 0; i < 6; i++)                                                                \
            im[i] = TAKE(x->block + FFT_ROW * (i + 4), i);                                         \
        for (int i = 6; i < SIDE; i++)                                                             \
            im[i] = TAKE(x->newest + FFT_ROW * (i - 6), i);                                        \
    } while (0)

/* Where output k of sixteen() lies. */
INLINE int place(int k)
{
    return k % 4 * 4 + k / 4;
}

#endif
