/* The preamble of T.30: a second of HDLC flags (01111110) at 300 bit/s in V.21's channel 2, 1650 Hz
 * for a one and 1850 Hz for a nought, before what a fax machine says of itself.
 *
 * A flag is 20 ms of the one and 6.7 ms of the other. The last bit's length is correlated with
 * both, sample by sample, and where the stronger changes, the run is measured: eight flags in a row
 * that are right, in a signal that is little else, are a preamble. Nothing else on a line keeps
 * this time. Looks are asked first, so in speech the work is seldom done. */
#include "dsp/num.h"
#include "dsp/tones.h"

#define BIT         27                /* samples, 26.67 */
#define TURN        DSP_BLOCK_SAMPLES /* samples in which both turn whole times */
#define ONES        160               /* six bits */
#define NOUGHTS     53                /* two */
#define ONES_OFF    24
#define NOUGHTS_OFF 16
#define CLEAR       0.25f /* of both: how much stronger one must be to change over */
#define SHARE_MIN   0.6f  /* of the energy, mean of a block; changes over cost a fifth */
#define FLAGS_MIN   8
#define FLAG_MS     27
#define HZ_MIN      1580.0f
#define HZ_MAX      1920.0f
#define FORGET_MS   500

static float table[2][2][TURN]; /* one, nought; cosine, sine */

__attribute__((constructor)) static void tables_fill(void)
{
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < TURN; i++) {
            double a = 2 * NUM_PI * (k ? 1850 : 1650) * i / DSP_RATE_HZ;
            table[k][0][i] = (float)num_cos(a);
            table[k][1][i] = (float)num_sin(a);
        }
}

static bool within(unsigned run, unsigned nominal, unsigned off)
{
    return run + off >= nominal && run <= nominal + off;
}

/* The stronger changed. */
static void change(struct preamble_track *p, uint32_t now_ms)
{
    bool right = p->nought ? within(p->run, NOUGHTS, NOUGHTS_OFF) : within(p->run, ONES, ONES_OFF);
    if (!right && !p->cut)
        p->flags = 0;
    else if (p->nought && right && !p->cut) {
        p->flags = (uint8_t)(p->flags + (p->flags < UINT8_MAX));
        p->last_ms = now_ms;
    }
    p->cut = false;
    p->nought = !p->nought;
    p->run = 0;
}

struct sliding {
    float re[2], im[2], energy;
};

static void slide(struct sliding *s, const int16_t *x, int n, float sign)
{
    unsigned at = (unsigned)(n + TURN) % TURN;
    float v = sign * (float)x[n];
    for (unsigned k = 0; k < 2; k++) {
        s->re[k] += v * table[k][0][at];
        s->im[k] += v * table[k][1][at];
    }
    s->energy += v * (float)x[n];
}

/* Share of the energy that is in the stronger of the two, all over the block. */
static float listen(struct preamble_track *p, const int16_t *x, uint32_t now_ms)
{
    struct sliding s = {{0}, {0}, 0};
    float in = 0, all = 0;
    for (int n = -BIT; n < 0; n++)
        slide(&s, x, n, 1);
    for (int n = 0; n < DSP_BLOCK_SAMPLES; n++) {
        slide(&s, x, n, 1);
        slide(&s, x, n - BIT, -1);
        float one = s.re[0] * s.re[0] + s.im[0] * s.im[0];
        float nought = s.re[1] * s.re[1] + s.im[1] * s.im[1];
        float ahead = p->nought ? one - nought : nought - one;
        p->run = (uint16_t)(p->run + (p->run < UINT16_MAX));
        if (ahead > CLEAR * (one + nought))
            change(p, now_ms);
        in += one > nought ? one : nought;
        all += s.energy;
    }
    return all > 0 ? in * 2 / (BIT * all) : 0;
}

static bool in_band(const struct look *k)
{
    return (k->f_hz[0] >= HZ_MIN && k->f_hz[0] <= HZ_MAX) ||
           (k->f_hz[1] >= HZ_MIN && k->f_hz[1] <= HZ_MAX);
}

void preamble_run(struct leg *l, const struct look *k, struct sink *s)
{
    struct preamble_track *p = &l->fax.preamble;
    if (l->missing_bits & 3u) { /* what ran goes on, of unknown length */
        p->cut = true;
        return;
    }
    if (!p->flags && !(k && in_band(k)))
        return;
    int16_t x[BIT + DSP_BLOCK_SAMPLES];
    history_last(l, x, BIT + DSP_BLOCK_SAMPLES);
    if (listen(p, x + BIT, l->now_ms) < SHARE_MIN) {
        p->flags = 0;
        return;
    }
    if (p->flags < FLAGS_MIN || (p->said_ms && l->now_ms - p->said_ms < FORGET_MS)) {
        p->said_ms = p->flags >= FLAGS_MIN ? l->now_ms : p->said_ms;
        return;
    }
    p->said_ms = l->now_ms;
    uint32_t length = (uint32_t)p->flags * FLAG_MS;
    struct dsp_event *e =
        sink_add(s, DSP_PREAMBLE, 0, l->now_ms > length ? l->now_ms - length : 0, l->now_ms);
    if (!e)
        return;
    e->confidence = 0.97f;
    e->level_ddb = num_level_ddb(l->power);
    e->freq_hz[0] = 1650;
    e->freq_hz[1] = 1850;
}
