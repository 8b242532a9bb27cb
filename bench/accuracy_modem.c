/* The set modem: answer tones of V.25, V.8 and Bell with their marks, and the preamble of a fax
 * machine's answer (T.30: flags of V.21), at the corners the standards name. spandsp's detectors
 * hear the same samples, each only what it is made for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/accuracy.h"
#include "tests/dsp/tape.h"
#ifdef PEAL_HAVE_SPANDSP
#include <spandsp.h>
#endif

#define SOUNDS  60 /* of a kind and condition */
#define TAIL_MS 1500

static const struct sound {
    const char *name; /* of an answer tone: as dsp_answer_name has it */
    enum acc_kind kind;
    double hz, off_hz;
    bool turned, modulated;
} sounds[] = {
    {"ans", ACC_CED, 2100, 15, false, false},    {"ans_pr", ACC_CED, 2100, 15, true, false},
    {"ansam", ACC_CED, 2100, 15, false, true},   {"ansam_pr", ACC_CED, 2100, 15, true, true},
    {"bell", ACC_MODEM, 2225, 15, false, false}, {"preamble", ACC_PREAMBLE, 0, 12, false, false},
};
#define KINDS (sizeof(sounds) / sizeof(sounds[0]))

/* V.25: turned over every 450 ms ± 25; V.8: 15 Hz ± 0.1, a fifth ± 1 %. */
static void put_answer(struct tape *t, const struct sound *s, struct rng *r, bool off)
{
    double hz = s->hz + (off ? rng_uniform(r, -s->off_hz, s->off_hz) : 0);
    double between = off ? rng_uniform(r, 425, 475) : 450,
           am = off ? rng_uniform(r, 14.9, 15.1) : 15;
    double depth = off ? rng_uniform(r, 0.19, 0.21) : 0.2,
           peak = tape_peak(rng_uniform(r, -30, -8));
    uint32_t ms = (uint32_t)rng_uniform(r, 2600, 4000);
    float *at = tape_more(t, ms);

    for (size_t i = 0; i < (size_t)ms * TAPE_PER_MS; i++) {
        double s_at = (double)i / 8000;
        double v = peak * sin(2 * M_PI * hz * s_at);

        if (s->turned && (uint32_t)(s_at * 1000 / between) % 2)
            v = -v;
        at[i] = (float)(s->modulated ? v * (1 + depth * sin(2 * M_PI * am * s_at)) : v);
    }
}

/* 300 bit/s, 1650 Hz for a one: a second ± 15 % of flags, then what a frame may be. */
static void put_preamble(struct tape *t, const struct sound *s, struct rng *r, bool off,
                         uint32_t *flags_end_ms)
{
    double by = off ? rng_uniform(r, -s->off_hz, s->off_hz) : 0, phase = 0;
    double peak = tape_peak(rng_uniform(r, -30, -8));
    size_t flags = (size_t)(off ? rng_uniform(r, 32, 43) : 37) * 8, bits = flags + 260;
    size_t n = bits * 8000 / 300;
    float *at = tape_more(t, (double)n / TAPE_PER_MS);
    uint32_t from_ms = tape_ms(t) - (uint32_t)(n / TAPE_PER_MS);
    bool one = false;

    for (size_t i = 0, last = SIZE_MAX; i < n; i++) {
        size_t bit = i * 300 / 8000;

        if (bit != last)
            one = bit < flags ? bit % 8 != 0 && bit % 8 != 7 : rng_below(r, 2);
        last = bit;
        phase += 2 * M_PI * ((one ? 1650 : 1850) + by) / 8000;
        at[i] = (float)(peak * sin(phase));
    }
    *flags_end_ms = from_ms + (uint32_t)(flags * 1000 / 300);
}

#ifdef PEAL_HAVE_SPANDSP
static const int peer_tones[KINDS] = {
    MODEM_CONNECT_TONES_ANS,      MODEM_CONNECT_TONES_ANS_PR,   MODEM_CONNECT_TONES_ANSAM,
    MODEM_CONNECT_TONES_ANSAM_PR, MODEM_CONNECT_TONES_BELL_ANS, MODEM_CONNECT_TONES_FAX_PREAMBLE,
};

struct peer {
    size_t kind; /* of the sound */
    bool heard, right;
};

static void peer_hears(void *arg, int tone, int level, int delay)
{
    struct peer *p = arg;

    (void)level;
    (void)delay;
    p->right |= tone == peer_tones[p->kind];
    p->heard |= tone == peer_tones[p->kind];
    for (size_t k = 0; k < 4 && p->kind < 4; k++)
        p->heard |= tone == peer_tones[k];
}

static void peer_listen(void *arg, const int16_t *pcm, size_t n)
{
    struct peer *p = arg;
    int asked = p->kind < 4 ? MODEM_CONNECT_TONES_ANS_PR : peer_tones[p->kind];
    modem_connect_tones_rx_state_t *rx = modem_connect_tones_rx_init(NULL, asked, peer_hears, p);

    for (size_t i = 0; rx && i + DSP_BLOCK_SAMPLES <= n; i += DSP_BLOCK_SAMPLES)
        modem_connect_tones_rx(rx, pcm + i, DSP_BLOCK_SAMPLES);
    if (rx)
        modem_connect_tones_rx_free(rx);
}

static void judge(struct acc *a, struct acc_condition *c, const struct acc_line *line,
                  struct acc_sound *s, size_t kind)
{
    struct acc_tally *t = &c->tally[sounds[kind].kind];
    struct peer p = {.kind = kind};

    a->peer = peer_listen;
    a->peer_arg = &p;
    if (!acc_judge(a, c, line, s))
        abort();
    a->peer = NULL;
    t->peer_asked = true;
    t->peer_hits += p.heard;
    t->peer_detail_right += p.right;
}
#else
static void judge(struct acc *a, struct acc_condition *c, const struct acc_line *line,
                  struct acc_sound *s, size_t kind)
{
    (void)kind;
    if (!acc_judge(a, c, line, s))
        abort();
}
#endif

static void run(struct acc *a, struct acc_condition *c, const struct acc_line *line, size_t kind,
                uint32_t number)
{
    const struct sound *s = &sounds[kind];
    bool off = line != acc_tone_lines;
    struct acc_label label = {.kind = s->kind};
    struct tape t;
    struct rng r;

    rng_seed_stream(&r, a->seed, slice_cstr(line->name), 900000 + kind * 1000 + number);
    tape_open(&t, (uint32_t)rng_u64(&r));
    tape_silence(&t, rng_uniform(&r, 300, 700));
    label.start_ms = tape_ms(&t);
    if (s->kind == ACC_PREAMBLE) {
        put_preamble(&t, s, &r, off, &label.end_ms);
    } else {
        put_answer(&t, s, &r, off);
        label.end_ms = tape_ms(&t);
    }
    if (s->kind == ACC_CED)
        snprintf(label.detail, sizeof(label.detail), "%s", s->name);
    tape_silence(&t, 300);
    struct acc_sound sound = {.file = s->name,
                              .plan = "us",
                              .s = t.s,
                              .n = t.n,
                              .label = &label,
                              .labels = 1,
                              .seed = rng_u64(&r),
                              .tail_ms = TAIL_MS};
    judge(a, c, line, &sound, kind);
    tape_close(&t);
}

void acc_modem_set(struct acc *a)
{
    uint32_t each = SOUNDS * a->scale >= 1 ? (uint32_t)(SOUNDS * a->scale) : 1;

    for (size_t k = 0; k < ACC_TONE_LINES; k++) {
        struct acc_condition *c = acc_condition(a, "modem", acc_tone_lines[k].name);

        for (size_t kind = 0; c && kind < KINDS; kind++)
            for (uint32_t i = 0; i < each; i++)
                run(a, c, &acc_tone_lines[k], kind, i);
    }
}
