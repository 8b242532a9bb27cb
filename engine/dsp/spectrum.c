/* Spectra: two 32 ms looks a block by one complex FFT, a 64 ms view of a narrow band, and pitch.
 *
 * The two real windows go through one 256-point transform as its real and imaginary part and are
 * taken apart by symmetry. The transform is Stockham's with radix four, four lanes at a time; the
 * vectors are the compiler's own, so every machine computes the same. */
#include "dsp/spectrum.h"

#include <math.h>
#include <string.h>

#include "dsp/num.h"
#include "dsp/prints_inner.h"

#define N                 LOOK_SAMPLES
#define BIN_HZ            ((float)DSP_RATE_HZ / N)
#define BIN_FIRST         2 /* below is direct current and mains */
#define BIN_LAST          127
#define POWERS            (N / 2 + 5) /* bins 0…128, to whole vectors */
#define GATE_POWER        4000.0f     /* −48 dBm0: quieter tones are not looked for */
#define HANN_SQUARES      96.0f       /* sum of the squared window */
#define LOBE_SHARE_MIN    0.80f
#define CLUSTER_SHARE_MIN 0.85f
#define CLUSTER_TOP_HZ    700.0f
#define SECOND_MIN        0.06f /* −12 dB: weaker partners are not a pair */
#define FINE_SECOND_MIN   0.10f

#define FINE_N      HISTORY_SAMPLES
#define FINE_BIN_HZ ((float)DSP_RATE_HZ / FINE_N)
#define FINE_PIECES 16
#define FINE_PIECE  (FINE_N / FINE_PIECES)
#define FINE_REACH  6

typedef float v4 __attribute__((vector_size(16)));
typedef int i4 __attribute__((vector_size(16)));

static _Alignas(16) float hann[N];
static _Alignas(16) float turn_re[N], turn_im[N];                 /* e^(−2πik/N) */
static _Alignas(16) float first_re[3][N / 4], first_im[3][N / 4]; /* its powers, first stage */
static _Alignas(16) float fine_hann[FINE_N], fine_cos[FINE_N], fine_sin[FINE_N];
static float fine_droop[FINE_REACH + 1];

__attribute__((constructor)) static void tables_fill(void)
{
    for (int i = 0; i < N; i++) {
        double a = 2 * NUM_PI * i / N;
        hann[i] = (float)(0.5 - 0.5 * num_cos(a));
        turn_re[i] = (float)num_cos(a);
        turn_im[i] = (float)-num_sin(a);
    }
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < N / 4; p++) {
            first_re[k][p] = turn_re[p * (k + 1)];
            first_im[k][p] = turn_im[p * (k + 1)];
        }
    for (int i = 0; i < FINE_N; i++) {
        double a = 2 * NUM_PI * i / FINE_N;
        fine_hann[i] = (float)(0.5 - 0.5 * num_cos(a));
        fine_cos[i] = (float)num_cos(a);
        fine_sin[i] = (float)num_sin(a);
    }
    for (int d = 0; d <= FINE_REACH; d++) {
        double x = NUM_PI * d / FINE_PIECES;
        double sinc = d ? num_sin(x) / x : 1;
        fine_droop[d] = (float)(1 / (sinc * sinc));
    }
}

static inline v4 load(const float *p)
{
    v4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, v4 v)
{
    memcpy(p, &v, sizeof v);
}

static inline v4 splat(float f)
{
    return (v4){f, f, f, f};
}

static inline void turn(v4 *re, v4 *im, v4 wr, v4 wi)
{
    v4 r = *re * wr - *im * wi;
    *im = *re * wi + *im * wr;
    *re = r;
}

/* Four points' transform in place, in order. */
static inline void butterfly(v4 re[4], v4 im[4])
{
    v4 sr = re[0] + re[2], si = im[0] + im[2];
    v4 dr = re[0] - re[2], di = im[0] - im[2];
    v4 tr = re[1] + re[3], ti = im[1] + im[3];
    v4 ur = re[1] - re[3], ui = im[1] - im[3];
    re[0] = sr + tr, im[0] = si + ti;
    re[1] = dr + ui, im[1] = di - ur;
    re[2] = sr - tr, im[2] = si - ti;
    re[3] = dr - ui, im[3] = di + ur;
}

static inline void store_transposed(float *p, const v4 v[4])
{
    v4 a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    v4 b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    v4 c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    v4 d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    store(p, __builtin_shufflevector(a, b, 0, 1, 4, 5));
    store(p + 4, __builtin_shufflevector(a, b, 2, 3, 6, 7));
    store(p + 8, __builtin_shufflevector(c, d, 0, 1, 4, 5));
    store(p + 12, __builtin_shufflevector(c, d, 2, 3, 6, 7));
}

static void stage_first(const float *xr, const float *xi, float *yr, float *yi)
{
    for (int p = 0; p < N / 4; p += 4) {
        v4 re[4], im[4];
        for (int k = 0; k < 4; k++) {
            re[k] = load(xr + p + k * N / 4);
            im[k] = load(xi + p + k * N / 4);
        }
        butterfly(re, im);
        for (int k = 1; k < 4; k++)
            turn(&re[k], &im[k], load(first_re[k - 1] + p), load(first_im[k - 1] + p));
        store_transposed(yr + 4 * p, re);
        store_transposed(yi + 4 * p, im);
    }
}

static void stage_next(const float *xr, const float *xi, float *yr, float *yi, int step)
{
    int groups = N / (4 * step);
    for (int p = 0; p < groups; p++) {
        v4 wr[4], wi[4];
        for (int k = 1; k < 4; k++) {
            wr[k] = splat(turn_re[p * step * k]);
            wi[k] = splat(turn_im[p * step * k]);
        }
        for (int q = 0; q < step; q += 4) {
            v4 re[4], im[4];
            for (int k = 0; k < 4; k++) {
                re[k] = load(xr + q + step * (p + k * groups));
                im[k] = load(xi + q + step * (p + k * groups));
            }
            butterfly(re, im);
            for (int k = 1; k < 4; k++)
                turn(&re[k], &im[k], wr[k], wi[k]);
            for (int k = 0; k < 4; k++) {
                store(yr + q + step * (4 * p + k), re[k]);
                store(yi + q + step * (4 * p + k), im[k]);
            }
        }
    }
}

/* Power of both windows' bins 0…128; a is the earlier window. */
static void powers(const int16_t *early, const int16_t *late, float *a, float *b)
{
    _Alignas(16) float xr[N], xi[N], yr[N], yi[N];
    for (int i = 0; i < N; i++) {
        xr[i] = (float)early[i] * hann[i];
        xi[i] = (float)late[i] * hann[i];
    }
    stage_first(xr, xi, yr, yi);
    stage_next(yr, yi, xr, xi, 4);
    stage_next(xr, xi, yr, yi, 16);
    stage_next(yr, yi, xr, xi, 64);
    v4 quarter = splat(0.25f);
    for (int k = 1; k <= N / 2; k += 4) { /* bins k…k+3 with their mirrors; past N / 2 unused */
        v4 re = load(xr + k), im = load(xi + k);
        v4 mr = load(xr + N - k - 3), mi = load(xi + N - k - 3);
        mr = __builtin_shufflevector(mr, mr, 3, 2, 1, 0);
        mi = __builtin_shufflevector(mi, mi, 3, 2, 1, 0);
        v4 ar = re + mr, ai = im - mi, br = im + mi, bi = mr - re;
        store(a + k, quarter * (ar * ar + ai * ai));
        store(b + k, quarter * (br * br + bi * bi));
    }
    a[0] = b[0] = 0;
}

static float sum_between(const float *p, int from, int to)
{
    float sum = 0;
    from = from < BIN_FIRST ? BIN_FIRST : from;
    to = to > BIN_LAST ? BIN_LAST : to;
    for (int k = from; k <= to; k++)
        sum += p[k];
    return sum;
}

/* Where between the bins a Hann window's single peak lies, in bins from k. */
static float peak_offset(float before, float at, float after)
{
    bool up = after > before;
    float ratio = sqrtf((up ? after : before) / at);
    float offset = (2 * ratio - 1) / (ratio + 1);
    return up ? offset : -offset;
}

static float peak_hz(const float *p, int k)
{
    return ((float)k + peak_offset(p[k - 1], p[k], p[k + 1])) * BIN_HZ;
}

/* The second strongest peak at least four bins from k1; 0 when there is none. */
static int second_peak(const float *p, int k1)
{
    int best = 0;
    for (int k = BIN_FIRST; k <= BIN_LAST; k++) {
        if (k > k1 - 4 && k < k1 + 4)
            continue;
        if (p[k] >= p[k - 1] && p[k] >= p[k + 1] && (!best || p[k] > p[best]))
            best = k;
    }
    return best;
}

static bool look_pair(const float *p, int k1, float total, struct look *look)
{
    int k2 = second_peak(p, k1);
    if (!k2)
        return false;
    float one = sum_between(p, k1 - 2, k1 + 2);
    int from = k2 - 2 > k1 + 2 || k2 < k1 ? k2 - 2 : k1 + 3;
    int to = k2 + 2 < k1 - 2 || k2 > k1 ? k2 + 2 : k1 - 3;
    float two = sum_between(p, from, to);
    if (one + two < LOBE_SHARE_MIN * total || two < SECOND_MIN * one)
        return false;
    float f1 = peak_hz(p, k1), f2 = peak_hz(p, k2);
    look->tones = 2;
    look->share = (one + two) / total;
    look->f_hz[0] = f1 < f2 ? f1 : f2;
    look->f_hz[1] = f1 < f2 ? f2 : f1;
    look->centre_hz = look->f_hz[0];
    return true;
}

/* Sum and strongest of the bins looked at, in four lanes; the order of adding is fixed. */
static float sum_and_strongest(const float *p, int *strongest)
{
    v4 sum = {0, 0, p[2], p[3]};
    v4 most = sum;
    for (int k = 4; k <= BIN_LAST; k += 4) {
        v4 v = load(p + k);
        sum += v;
        i4 above = v > most;
        most = (v4)(((i4)v & above) | ((i4)most & ~above));
    }
    float best = most[0];
    for (int i = 1; i < 4; i++)
        best = most[i] > best ? most[i] : best;
    int k = BIN_FIRST;
    while (k < BIN_LAST && p[k] < best)
        k++;
    *strongest = k;
    return sum[0] + sum[1] + sum[2] + sum[3];
}

static void look_at(const float *p, struct look *look)
{
    *look = (struct look){0};
    int k1;
    float total = sum_and_strongest(p, &k1);
    look->power = total * 2 / (N * HANN_SQUARES);
    if (look->power < GATE_POWER)
        return;
    float lobe = sum_between(p, k1 - 2, k1 + 2);
    look->lobe_share = lobe / total;
    if (look->lobe_share < 0.3f)
        return; /* neither one tone nor two */
    float f = peak_hz(p, k1);
    float dense = sum_between(p, k1 - 4, k1 + 4);
    if (look->lobe_share < LOBE_SHARE_MIN && look_pair(p, k1, total, look))
        return;
    if (f < CLUSTER_TOP_HZ && dense >= CLUSTER_SHARE_MIN * total) {
        float moment = 0;
        for (int k = k1 - 4 < BIN_FIRST ? BIN_FIRST : k1 - 4; k <= k1 + 4; k++)
            moment += p[k] * (float)k;
        *look = (struct look){.f_hz = {f, 0},
                              .centre_hz = moment / dense * BIN_HZ,
                              .share = dense / total,
                              .lobe_share = look->lobe_share,
                              .power = look->power,
                              .tones = 1,
                              .cluster = true};
        return;
    }
    if (look->lobe_share < LOBE_SHARE_MIN)
        return;
    look->tones = 1;
    look->share = look->lobe_share;
    look->f_hz[0] = look->centre_hz = f;
}

/* Whether both windows lie in slots that the gate would refuse anyway. */
static bool all_quiet(const struct leg *l)
{
    for (unsigned i = 0; i <= (N + DSP_BLOCK_SAMPLES / 2) / SLOT_SAMPLES; i++)
        if (slot_back(l, i) >= GATE_POWER)
            return false;
    return true;
}

void spectrum_powers(const int16_t *early, const int16_t *late, float early_power[SPECTRUM_BINS],
                     float late_power[SPECTRUM_BINS])
{
    powers(early, late, early_power, late_power);
}

void spectrum_look(const struct leg *l, struct look looks[LOOKS_PER_BLOCK])
{
    if (all_quiet(l)) {
        if (l->prints)
            prints_hear(l->prints, NULL, NULL);
        looks[0] = looks[1] = (struct look){0};
        return;
    }
    float early[POWERS], late[POWERS];
    const int16_t *end = l->history + HISTORY_SAMPLES;
    powers(end - DSP_BLOCK_SAMPLES / 2 - N, end - N, early, late);
    if (l->prints)
        prints_hear(l->prints, early, late);
    look_at(early, &looks[0]);
    look_at(late, &looks[1]);
}

/* The band around bin k0 moved to zero and summed by pieces of 4 ms. */
static void fine_pieces(const int16_t *x, unsigned k0, float *re, float *im)
{
    unsigned phase = 0;
    for (unsigned b = 0; b < FINE_PIECES; b++) {
        float r = 0, i = 0;
        for (unsigned m = 0; m < FINE_PIECE; m++) {
            unsigned n = b * FINE_PIECE + m;
            float v = (float)x[n] * fine_hann[n];
            r += v * fine_cos[phase];
            i -= v * fine_sin[phase];
            phase = (phase + k0) % FINE_N;
        }
        re[b] = r;
        im[b] = i;
    }
}

unsigned spectrum_fine(const struct leg *l, float centre_hz, float f_hz[2])
{
    float re[FINE_PIECES], im[FINE_PIECES], p[2 * FINE_REACH + 1];
    unsigned k0 = (unsigned)(centre_hz / FINE_BIN_HZ + 0.5f);
    fine_pieces(l->history, k0, re, im);
    int best = 1;
    for (int d = 0; d <= 2 * FINE_REACH; d++) {
        float sr = 0, si = 0;
        for (int b = 0; b < FINE_PIECES; b++) {
            int a = (b * (d - FINE_REACH) * FINE_PIECE) & (FINE_N - 1);
            sr += re[b] * fine_cos[a] + im[b] * fine_sin[a];
            si += im[b] * fine_cos[a] - re[b] * fine_sin[a];
        }
        int from_centre = d < FINE_REACH ? FINE_REACH - d : d - FINE_REACH;
        p[d] = (sr * sr + si * si) * fine_droop[from_centre];
        best = d < 2 * FINE_REACH && d > 0 && p[d] > p[best] ? d : best;
    }
    int second = 0;
    for (int d = 1; d < 2 * FINE_REACH; d++)
        if ((d < best - 1 || d > best + 1) && p[d] >= p[d - 1] && p[d] >= p[d + 1] &&
            (!second || p[d] > p[second]))
            second = d;
    bool pair = second && p[second] > FINE_SECOND_MIN * p[best];
    float at[2];
    for (int i = 0; i < (pair ? 2 : 1); i++) {
        int d = i ? second : best;
        float offset = p[d] > 0 ? peak_offset(p[d - 1], p[d], p[d + 1]) : 0;
        at[i] = ((float)((int)k0 + d - FINE_REACH) + offset) * FINE_BIN_HZ;
    }
    f_hz[0] = pair && at[1] < at[0] ? at[1] : at[0];
    f_hz[1] = !pair ? 0 : at[1] < at[0] ? at[0] : at[1];
    return pair ? 2 : 1;
}

#define SLOW_SAMPLES (HISTORY_SAMPLES / 4) /* at 2 kHz */
#define LAG_MIN      5
#define LAG_MAX      32
#define LAG_WINDOW   (SLOW_SAMPLES - LAG_MAX)
#define PITCH_NEARLY 0.8f

/* Pitch of the shortest lag that is a peak nearly as strong as the strongest: longer ones are its
 * multiples. The peak lies between the lags. */
static int16_t pitch_of(const float square[LAG_MAX + 1], float best)
{
    int lag = LAG_MIN + 1;
    while (lag < LAG_MAX - 1 &&
           !(square[lag] >= PITCH_NEARLY * best && square[lag] >= square[lag - 1] &&
             square[lag] >= square[lag + 1]))
        lag++;
    float bend = square[lag - 1] - 2 * square[lag] + square[lag + 1];
    float off = bend < 0 ? 0.5f * (square[lag - 1] - square[lag + 1]) / bend : 0;
    off = off > 0.5f ? 0.5f : off < -0.5f ? -0.5f : off;
    return (int16_t)(120 * (5 - num_log2((float)lag + off)));
}

float spectrum_voiced(const struct leg *l, int16_t *pitch)
{
    _Alignas(16) float slow[SLOW_SAMPLES];
    float mean = 0;
    for (int i = 0; i < SLOW_SAMPLES; i++) {
        const int16_t *x = l->history + 4 * i;
        slow[i] = (float)(x[0] + x[1] + x[2] + x[3]);
        mean += slow[i];
    }
    mean /= SLOW_SAMPLES;
    float energy = 0;
    for (int i = 0; i < SLOW_SAMPLES; i++) {
        slow[i] -= mean;
        energy += i < LAG_WINDOW ? slow[i] * slow[i] : 0;
    }
    float squares[LAG_MAX + 1];
    float best = 0;
    float shifted = energy;
    for (int i = 0; i < LAG_MIN; i++)
        shifted += slow[LAG_WINDOW + i] * slow[LAG_WINDOW + i] - slow[i] * slow[i];
    for (int lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        v4 acc = {0};
        for (int i = 0; i < LAG_WINDOW; i += 4)
            acc += load(slow + i) * load(slow + lag + i);
        float r = acc[0] + acc[1] + acc[2] + acc[3];
        /* r² / (energy · shifted), kept squared until the end. */
        float scale = energy * shifted;
        float square = r > 0 && scale > 0 ? r * r / scale : 0;
        squares[lag] = square;
        best = square > best ? square : best;
        if (lag < LAG_MAX)
            shifted += slow[LAG_WINDOW + lag] * slow[LAG_WINDOW + lag] - slow[lag] * slow[lag];
    }
    *pitch = pitch_of(squares, best);
    return sqrtf(best);
}
