/* Spectra: two 32 ms looks a block by one FFT, and a 64 ms view of a narrow band. The
 * vectors are the compiler's own, so every machine computes the same. */
#include "dsp/spectrum.h"

#include <math.h>
#include <string.h>

#include "dsp/bins.h"
#include "dsp/fft.h"
#include "dsp/num.h"
#include "dsp/prints_inner.h"
#include "dsp/wide.h"

#define N                 FFT_N
#define BIN_HZ            ((float)DSP_RATE_HZ / N)
#define GATE_POWER        4000.0f /* −48 dBm0: quieter tones are not looked for */
#define HANN_SQUARES      96.0f   /* sum of the squared window */
#define LOBE_SHARE_MIN    0.80f
#define CUT_SHARE_MIN     0.64f /* of a pair whose tops are cut: two thirds are left of it at worst */
#define CUT_SECOND_MIN    0.5f  /* and of its weaker tone, of the stronger */
#define CUT_NEAR_TOP      0.45f /* of samples within 5 % of the highest */
#define CLUSTER_SHARE_MIN 0.85f
#define CLUSTER_TOP_HZ    700.0f
#define SECOND_MIN        0.06f /* −12 dB: weaker partners are not a pair */
#define FINE_SECOND_MIN   0.10f
#define INLINE            static inline __attribute__((always_inline))
_Static_assert(FFT_N == LOOK_SAMPLES && FFT_POWERS == SPECTRUM_BINS, "a look is one transform");

#define FINE_N      HISTORY_SAMPLES
#define FINE_BIN_HZ ((float)DSP_RATE_HZ / FINE_N)
#define FINE_PIECES HISTORY_PIECES
#define FINE_PIECE  HISTORY_PIECE
#define FINE_BINS   64 /* to 1000 Hz; clusters are below */
#define FINE_REACH  6

#define BEATS          5 /* 24 … 32 Hz */
#define BEAT_LANES     8
#define BEAT_FIRST_HZ  24.0f
#define BEAT_STEP_HZ   2.0f
#define BEAT_SLOTS     24    /* 120 ms, three beats */
#define BEAT_BACK      6     /* slots left out: the tone may be over for so long unnoticed */
#define BEAT_MISSING   0xffu /* blocks that must be there */
#define BEAT_DEPTH_MIN 0.22f /* of the energy; two equal tones give 0.5, other sound little */

typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int16_t s8 __attribute__((vector_size(16), aligned(2), may_alias));
typedef int32_t v4i __attribute__((vector_size(16)));

static _Alignas(32) float fine_hann[FINE_N];
static _Alignas(32) float fine_cos[FINE_BINS][FINE_PIECE], fine_sin[FINE_BINS][FINE_PIECE];
static _Alignas(32) float piece_cos[FINE_PIECES][FINE_PIECES], piece_sin[FINE_PIECES][FINE_PIECES];
static float fine_droop[FINE_REACH + 1];
static _Alignas(32) float beat_cos[BEAT_SLOTS][BEAT_LANES], beat_sin[BEAT_SLOTS][BEAT_LANES];

__attribute__((constructor)) static void tables_fill(void)
{
    float cosine[FINE_N], sine[FINE_N];
    for (int i = 0; i < FINE_N; i++) {
        double a = 2 * NUM_PI * i / FINE_N;
        fine_hann[i] = (float)(0.5 - 0.5 * num_cos(a));
        cosine[i] = (float)num_cos(a);
        sine[i] = (float)num_sin(a);
    }
    for (int i = 0; i < FINE_BINS * FINE_PIECE; i++) {
        int k = i / FINE_PIECE, m = i % FINE_PIECE;
        fine_cos[k][m] = cosine[k * m % FINE_N];
        fine_sin[k][m] = sine[k * m % FINE_N];
    }
    for (int i = 0; i < FINE_PIECES * FINE_PIECES; i++) {
        int b = i / FINE_PIECES, j = i % FINE_PIECES;
        piece_cos[b][j] = cosine[b * j * FINE_PIECE % FINE_N];
        piece_sin[b][j] = sine[b * j * FINE_PIECE % FINE_N];
    }
    for (int b = 0; b < BEATS; b++)
        for (int i = 0; i < BEAT_SLOTS; i++) {
            double a = 2 * NUM_PI * (double)(BEAT_FIRST_HZ + BEAT_STEP_HZ * (float)b) * i * SLOT_MS;
            beat_cos[i][b] = (float)num_cos(a / 1000);
            beat_sin[i][b] = (float)num_sin(a / 1000);
        }
    for (int d = 0; d <= FINE_REACH; d++) {
        double x = NUM_PI * d / FINE_PIECES;
        double sinc = d ? num_sin(x) / x : 1;
        fine_droop[d] = (float)(1 / (sinc * sinc));
    }
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

/* Of a peak's own bins, k − 2 to k + 2: without a loop wherever there is one of them in each. */
INLINE float lobe_of(const float *p, int k)
{
    if (k - 2 < BIN_FIRST || k + 2 > BIN_LAST)
        return sum_between(p, k - 2, k + 2);
    return (((p[k - 2] + p[k - 1]) + p[k]) + p[k + 1]) + p[k + 2];
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

/* What a look is taken at: powers of the window that began so many samples before the last one. */
struct spectrum {
    _Alignas(64) float below[16]; /* so that bin 0 has one before it, which bins_second reads */
    float power[FFT_POWERS];
    const struct leg *leg;
    unsigned back;
};

static bool is_cut(const struct spectrum *w)
{
    int16_t x[N + DSP_BLOCK_SAMPLES / 2];
    history_last(w->leg, x, w->back);
    return (float)num_near_top(x, N) >= CUT_NEAR_TOP * N;
}

static bool look_pair(const struct spectrum *w, int k1, float total, float one, struct look *look)
{
    const float *p = w->power;
    int k2 = bins_second(p, k1);
    if (!k2)
        return false;
    float two = k2 == k1 + 4   ? sum_between(p, k1 + 3, k2 + 2)
                : k2 == k1 - 4 ? sum_between(p, k2 - 2, k1 - 3)
                               : lobe_of(p, k2);
    if (one + two < CUT_SHARE_MIN * total || two < SECOND_MIN * one)
        return false;
    if (one + two < LOBE_SHARE_MIN * total && (two < CUT_SECOND_MIN * one || !is_cut(w)))
        return false;
    float f1 = peak_hz(p, k1), f2 = peak_hz(p, k2);
    look->tones = 2;
    look->share = (one + two) / total;
    look->f_hz[0] = f1 < f2 ? f1 : f2;
    look->f_hz[1] = f1 < f2 ? f2 : f1;
    look->centre_hz = look->f_hz[0];
    return true;
}

static void look_at(const struct spectrum *w, struct look *look)
{
    const float *p = w->power;
    *look = (struct look){0};
    struct bins_most most = bins_total(p);
    int k1 = most.bin;
    float total = most.sum;
    look->power = total * 2 / (N * HANN_SQUARES);
    if (look->power < GATE_POWER)
        return;
    float lobe = lobe_of(p, k1);
    look->lobe_share = lobe / total;
    if (look->lobe_share < 0.3f)
        return; /* neither one tone nor two */
    if (look->lobe_share < LOBE_SHARE_MIN && look_pair(w, k1, total, lobe, look))
        return;
    float f = peak_hz(p, k1);
    float dense = sum_between(p, k1 - 4, k1 + 4);
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
    look->f_hz[0] = look->centre_hz = f;
    if (look->lobe_share < LOBE_SHARE_MIN)
        return; /* not a tone by itself, but perhaps one that goes on */
    look->tones = 1;
    look->share = look->lobe_share;
}

/* Whether both windows lie in slots that the gate would refuse anyway: those of the last two blocks
 * and the newest of the one before. A block's slots lie side by side in the ring. */
static bool all_quiet(const struct leg *l)
{
    _Static_assert((N + DSP_BLOCK_SAMPLES / 2) / SLOT_SAMPLES == 2 * SLOTS_PER_BLOCK, "of slots");
    const v4 *a = (const v4 *)&l->slot[(l->slot_count - SLOTS_PER_BLOCK) % SLOT_RING];
    const v4 *b = (const v4 *)&l->slot[(l->slot_count - 2 * SLOTS_PER_BLOCK) % SLOT_RING];
    v4i loud = (*a >= GATE_POWER) | (*b >= GATE_POWER);
    return !(loud[0] | loud[1] | loud[2] | loud[3]) &&
           slot_back(l, 2 * SLOTS_PER_BLOCK) < GATE_POWER;
}

void spectrum_powers(const int16_t *x, float early[SPECTRUM_BINS], float late[SPECTRUM_BINS])
{
    const struct fft_samples s = {x, x + FFT_ROW, x + FFT_ROW + DSP_BLOCK_SAMPLES};
    fft_powers(&s, early, late);
}

bool spectrum_look(const struct leg *l, bool idle, struct look looks[LOOKS_PER_BLOCK])
{
    _Static_assert(N + DSP_BLOCK_SAMPLES / 2 == FFT_ROW + 2 * DSP_BLOCK_SAMPLES, "both windows");
    if (all_quiet(l)) {
        if (l->prints)
            prints_hear(l->prints, NULL, NULL);
        return false;
    }
    struct spectrum early, late;
    const struct fft_samples x = {history_block(l, 2) + DSP_BLOCK_SAMPLES - FFT_ROW,
                                  history_block(l, 1), history_block(l, 0)};
    fft_powers(&x, early.power, late.power);
    if (l->prints)
        prints_hear(l->prints, early.power, late.power);
    early.leg = late.leg = l;
    early.below[15] = late.below[15] = 0;
    early.back = N + DSP_BLOCK_SAMPLES / 2;
    late.back = N;
    look_at(&late, &looks[1]);
    if (idle && !looks[1].tones)
        looks[0] = (struct look){0};
    else
        look_at(&early, &looks[0]);
    return true;
}

/* Powers of the bins k0 + 8 … k0 + 23 (modulo 16: each bin of the band has a place of its own).
 *
 * The band around bin k0 is moved to zero and summed by pieces of 4 ms; a piece holds whole turns
 * of the sixteenth bin, so each piece is turned by the same 32 values, and what a piece is ahead of
 * the one before belongs to the transform of the sixteen sums. */
WIDE_BODY fine_body(const int16_t *const piece[FINE_PIECES], unsigned k0, float *power)
{
    v8 sum_re[2] = {{0}}, sum_im[2] = {{0}};
    for (unsigned b = 0; b < FINE_PIECES; b++) {
        v8 r = {0}, i = {0}; /* the order of adding is fixed */
        for (unsigned m = 0; m < FINE_PIECE; m += 8) {
            v8 v = __builtin_convertvector(*(const s8 *)(const void *)(piece[b] + m), v8) *
                   *(const v8 *)(fine_hann + b * FINE_PIECE + m);
            r += v * *(const v8 *)(fine_cos[k0] + m);
            i -= v * *(const v8 *)(fine_sin[k0] + m);
        }
        v4 low_r = __builtin_shufflevector(r, r, 0, 1, 2, 3);
        v4 low_i = __builtin_shufflevector(i, i, 0, 1, 2, 3);
        low_r += __builtin_shufflevector(r, r, 4, 5, 6, 7);
        low_i += __builtin_shufflevector(i, i, 4, 5, 6, 7);
        v4 both = __builtin_shufflevector(low_r, low_i, 0, 2, 4, 6) +
                  __builtin_shufflevector(low_r, low_i, 1, 3, 5, 7);
        float re = both[0] + both[1], im = both[2] + both[3];
        for (unsigned j = 0; j < 2; j++) {
            v8 pc = *(const v8 *)(piece_cos[b] + 8 * j), ps = *(const v8 *)(piece_sin[b] + 8 * j);
            sum_re[j] += re * pc + im * ps;
            sum_im[j] += im * pc - re * ps;
        }
    }
    for (unsigned j = 0; j < 2; j++)
        *(v8 *)(power + 8 * j) = sum_re[j] * sum_re[j] + sum_im[j] * sum_im[j];
}

WIDE_BUILD(fine, (const int16_t *const piece[FINE_PIECES], unsigned k0, float *power),
           (piece, k0, power))

/* How much of each beat is in the slots' energies: a beat a lane. */
WIDE_BODY beat_body(const float *energy, float *square)
{
    v8 re = {0}, im = {0};
    for (unsigned i = 0; i < BEAT_SLOTS; i++) {
        re += energy[i] * *(const v8 *)beat_cos[i];
        im += energy[i] * *(const v8 *)beat_sin[i];
    }
    *(v8 *)square = re * re + im * im;
}

WIDE_BUILD(beat, (const float *energy, float *square), (energy, square))

bool spectrum_beats(const struct leg *l, float centre_hz, float f_hz[2])
{
    float mean = 0, strongest = 0, half_hz = 0, energy[BEAT_SLOTS], square[BEAT_LANES];
    if (l->missing_bits & BEAT_MISSING)
        return false;
    for (unsigned i = 0; i < BEAT_SLOTS; i++) {
        energy[i] = slot_back(l, BEAT_BACK + i);
        mean += energy[i] / BEAT_SLOTS;
    }
    for (unsigned i = 0; i < BEAT_SLOTS; i++)
        energy[i] -= mean;
    WIDE_PICK(beat)(energy, square);
    for (unsigned b = 0; b < BEATS; b++) {
        if (square[b] <= strongest)
            continue;
        strongest = square[b];
        half_hz = (BEAT_FIRST_HZ + BEAT_STEP_HZ * (float)b) / 2;
    }
    float least = BEAT_DEPTH_MIN * BEAT_SLOTS * mean;
    if (strongest < least * least)
        return false;
    f_hz[0] = centre_hz - half_hz;
    f_hz[1] = centre_hz + half_hz;
    return true;
}

unsigned spectrum_fine(const struct leg *l, float centre_hz, float f_hz[2])
{
    float power[FINE_PIECES], p[2 * FINE_REACH + 1];
    unsigned k0 = (unsigned)(centre_hz / FINE_BIN_HZ + 0.5f);
    const int16_t *piece[FINE_PIECES];
    k0 = k0 < FINE_BINS ? k0 : FINE_BINS - 1;
    history_pieces(l, piece);
    WIDE_PICK(fine)(piece, k0, power);
    int best = 1;
    for (int d = 0; d <= 2 * FINE_REACH; d++) {
        int from_centre = d < FINE_REACH ? FINE_REACH - d : d - FINE_REACH;
        p[d] = power[(k0 + (unsigned)d - FINE_REACH) % FINE_PIECES] * fine_droop[from_centre];
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
