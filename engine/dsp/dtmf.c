/* DTMF (ITU-T Q.23, Q.24).
 *
 * Screen: each 10 ms is correlated with the eight frequencies. Two halves in a row with the same
 * strongest pair are fitted: over their 20 ms each tone's frequency comes from the turn of its
 * phase between three overlapping windows, and its power from that exact frequency. A pair whose
 * frequencies, twist and share of the energy are right is a digit once its energy, summed over the
 * 5 ms slots, is worth 31.5 ms (40 must be taken, 23 must not). It stays the same digit over gaps
 * of up to 25 ms and over flagged loss.
 *
 * Speech and music meet those limits for 30 ms now and then, but with a tenth of their energy
 * elsewhere; so one fit of a digit must be nearly pure, which 15 dB of noise leaves it. Clipping
 * does not, but shows in flat tops, which voices through G.711 do not have. */
#include "dsp/dtmf.h"

#include <math.h>
#include <string.h>

#include "dsp/fit.h"
#include "dsp/num.h"

#define HALF    SCREEN_HALF
#define NO_CODE 0xff

#define GATE_POWER      10000.0f /* −44 dBm0 for both tones: −36 each with 8 dB of twist, and room */
#define SCREEN_SHARE    0.45f
#define SCREEN_TWIST    0.02f /* −17 dB: the screen's windows leak */
#define FAX_SHARE       0.6f
#define FIT_SHARE       0.87f   /* of each fit: edges and clipping cost a tenth */
#define PURE_SHARE      0.945f  /* of the best one; 15 dB of noise leaves 0.96 to 0.98 */
#define FLAT_SHARE      0.15f   /* of samples within 5 % of the highest; two tones have 1 to 6 % */
#define OFF_NOMINAL_MAX 0.0205f /* ±1.8 % and 0.2 % of our error; ±3.5 % is refused */
#define COL_ABOVE_MAX   4.0f    /* 6 dB; Q.24 wants 4 */
#define COL_BELOW_MAX   8.9f    /* 9.5 dB; Q.24 wants 8 */
#define SPREAD_MAX      1.4f    /* 1.5 dB between two fits */
#define DRIFT_MAX       0.010f  /* of the frequency, the same */
#define EDGE_SHARE      0.3f
#define HEARD_MIN_MS    31.5f
#define FITS_MIN        2
#define RELEASE_MS      25

static const char digits[] = "123A456B789C*0#D";

static unsigned strongest(const float *p, unsigned from, unsigned to)
{
    unsigned best = from;
    for (unsigned k = from + 1; k < to; k++)
        best = p[k] > p[best] ? k : best;
    return best;
}

static float most_of_four(const float *p)
{
    float a = p[0] > p[1] ? p[0] : p[1], b = p[2] > p[3] ? p[2] : p[3];
    return a > b ? a : b;
}

/* The pair the half block could be, row × 4 + column, or NO_CODE. */
static uint8_t screen(const float power[SCREEN_BANK], float energy)
{
    float row = most_of_four(power), col = most_of_four(power + 4), sum = row + col;
    float weak = row < col ? row : col;
    if (energy < GATE_POWER * HALF || sum < SCREEN_SHARE * energy * HALF / 2 ||
        weak < SCREEN_TWIST * sum)
        return NO_CODE;
    return (uint8_t)(strongest(power, 0, 4) * 4 + strongest(power, 4, 8) - 4);
}

static bool near_nominal(const struct tone_fit *t, unsigned k)
{
    return fabsf(t->f_hz - screen_hz[k]) <= OFF_NOMINAL_MAX * screen_hz[k];
}

struct pair_fit {
    struct tone_fit row, col;
    float share;
};

/* Fits the pair to 20 ms of samples; false when it is not a digit's. */
static bool fit_pair(const int16_t *x, uint8_t code, struct pair_fit *f)
{
    unsigned row = code / 4u, col = 4u + code % 4u;
    f->row = fit_tone(x, row);
    f->col = fit_tone(x, col);
    float total = fit_energy(x);
    f->share = total > 0 ? (f->row.power + f->col.power) / total : 0;
    return f->share >= FIT_SHARE && f->share <= 1.1f && near_nominal(&f->row, row) &&
           near_nominal(&f->col, col) && f->col.power <= COL_ABOVE_MAX * f->row.power &&
           f->row.power <= COL_BELOW_MAX * f->col.power;
}

/* The 20 ms that end with that half of the last block, in copy where they do not lie in a row. */
static const int16_t *fit_samples(const struct leg *l, unsigned half, int16_t copy[FIT_SAMPLES])
{
    if (half == 1)
        return history_block(l, 0);
    memcpy(copy, history_block(l, 1) + HALF, HALF * sizeof *copy);
    memcpy(copy + HALF, history_block(l, 0), HALF * sizeof *copy);
    return copy;
}

static bool fit_half(const struct leg *l, unsigned half, uint8_t code, struct pair_fit *f)
{
    int16_t copy[FIT_SAMPLES];
    return fit_pair(fit_samples(l, half, copy), code, f);
}

/* Whether the tops of those samples are cut off. */
static bool flat_topped(const struct leg *l, unsigned half)
{
    int16_t copy[FIT_SAMPLES];
    unsigned near_top = num_near_top(fit_samples(l, half, copy), FIT_SAMPLES);
    return (float)near_top >= FLAT_SHARE * FIT_SAMPLES;
}

/* Where the digit began: back over slots with its energy, one gap of 10 ms allowed. */
static uint32_t digit_start(const struct leg *l, uint32_t end_ms, float power)
{
    uint32_t back = (l->now_ms - end_ms) / SLOT_MS;
    uint32_t last = back;
    for (uint32_t i = back, gap = 0; i < SLOT_RING && gap <= 2; i++) {
        bool loud = slot_back(l, i) >= EDGE_SHARE * power;
        gap = loud ? 0 : gap + 1;
        last = loud ? i : last;
    }
    uint32_t length = (last + 1) * SLOT_MS;
    return l->now_ms > length ? l->now_ms - length : 0;
}

/* The digit's length so far, weighted by energy, so that slots it fills in part count in part. */
static float digit_heard_ms(const struct leg *l, uint32_t end_ms)
{
    const struct dtmf_track *d = &l->dtmf;
    float heard = 0;
    uint32_t from = (l->now_ms - end_ms) / SLOT_MS;
    uint32_t to = (l->now_ms - d->start_ms) / SLOT_MS;
    for (uint32_t i = from; i < to && i < SLOT_RING; i++) {
        float part = slot_back(l, i) / d->power;
        heard += (part < 1 ? part : 1) * SLOT_MS;
    }
    return heard;
}

static void digit_begin(struct leg *l, uint8_t code, const struct pair_fit *f, uint32_t end_ms)
{
    float power = f->row.power + f->col.power;
    l->dtmf = (struct dtmf_track){.start_ms = digit_start(l, end_ms, power),
                                  .last_ms = end_ms,
                                  .power = power,
                                  .best_share = f->share,
                                  .f_hz = {f->row.f_hz, f->col.f_hz},
                                  .code = code,
                                  .prev_code = code,
                                  .fits = 1,
                                  .on = true};
}

static void digit_report(struct leg *l, uint32_t end_ms, struct sink *s)
{
    struct dtmf_track *d = &l->dtmf;
    d->reported = true;
    struct dsp_event *e =
        sink_add(s, DSP_DTMF, (unsigned char)digits[d->code], d->start_ms, end_ms);
    if (!e)
        return;
    e->confidence = d->best_share >= PURE_SHARE ? 0.98f : 0.9f;
    e->level_ddb = num_level_ddb(d->power);
    e->freq_hz[0] = (uint16_t)(d->f_hz[0] + 0.5f);
    e->freq_hz[1] = (uint16_t)(d->f_hz[1] + 0.5f);
}

/* A half block while a digit is under way. */
static void digit_go_on(struct leg *l, uint8_t code, unsigned half, uint32_t end_ms, struct sink *s)
{
    struct dtmf_track *d = &l->dtmf;
    if (code != d->code) {
        bool other = code != NO_CODE && code == d->prev_code;
        d->on = !other && end_ms - d->last_ms < RELEASE_MS;
        return;
    }
    d->last_ms = end_ms;
    if (d->reported)
        return;
    struct pair_fit f;
    if (d->prev_code == code && fit_half(l, half, code, &f)) {
        float power = f.row.power + f.col.power;
        bool same = power < SPREAD_MAX * d->power && d->power < SPREAD_MAX * power &&
                    fabsf(f.row.f_hz - d->f_hz[0]) < DRIFT_MAX * f.row.f_hz &&
                    fabsf(f.col.f_hz - d->f_hz[1]) < DRIFT_MAX * f.col.f_hz;
        if (!same) {
            digit_begin(l, code, &f, end_ms);
            return;
        }
        d->fits++;
        d->best_share = f.share > d->best_share ? f.share : d->best_share;
    }
    if (d->fits >= FITS_MIN && digit_heard_ms(l, end_ms) >= HEARD_MIN_MS &&
        (d->best_share >= PURE_SHARE || flat_topped(l, half)))
        digit_report(l, end_ms, s);
}

static void half_run(struct leg *l, unsigned half, uint8_t code, uint32_t end_ms, struct sink *s)
{
    struct dtmf_track *d = &l->dtmf;
    struct pair_fit f;
    if (d->on)
        digit_go_on(l, code, half, end_ms, s);
    if (!d->on && code != NO_CODE && code == d->prev_code && fit_half(l, half, code, &f))
        digit_begin(l, code, &f, end_ms);
    d->prev_code = code;
}

bool dtmf_run(struct leg *l, bool lost, bool muted, struct sink *s)
{
    struct dtmf_track *d = &l->dtmf;
    if (muted) {
        *d = (struct dtmf_track){.prev_code = NO_CODE};
        return false;
    }
    if (lost) {
        /* What sounded goes on sounding; the halves around the loss do not touch. */
        d->last_ms = d->on ? l->now_ms : d->last_ms;
        d->prev_code = NO_CODE;
        return false;
    }
    float power[2][SCREEN_BANK], energy[2];
    for (unsigned h = 0; h < 2; h++)
        energy[h] = (slot_back(l, 3 - 2 * h) + slot_back(l, 2 - 2 * h)) * SLOT_SAMPLES;
    bool fax_wanted = l->phase == DSP_TALK; /* elsewhere fax tones are listened for anyway */
    bool fax = false, loud = energy[0] >= GATE_POWER * HALF || energy[1] >= GATE_POWER * HALF;
    if (loud)
        screen_powers(history_block(l, 0), fax_wanted, power);
    else if (!d->on && d->prev_code == NO_CODE)
        return false;
    for (unsigned h = 0; h < 2; h++) {
        uint8_t code = NO_CODE;
        if (energy[h] >= GATE_POWER * HALF) {
            const float *p = power[h];
            code = screen(p, energy[h]);
            if (fax_wanted)
                fax |= (p[SCREEN_CNG] > p[SCREEN_CED] ? p[SCREEN_CNG] : p[SCREEN_CED]) >
                       FAX_SHARE * energy[h] * HALF / 2;
        }
        half_run(l, h, code, l->now_ms - (h ? 0 : DSP_BLOCK_MS / 2), s);
    }
    return fax;
}
