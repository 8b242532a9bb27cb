/* The sets made here: digits, network tones, special information tones, fax and beeps, at the
 * corners the standards name. Cadences are those published for each country, told again here so
 * that the judge does not take them from the judged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/accuracy.h"
#include "tests/dsp/tape.h"

#define DIGITS_A_FILE 50
#define DIGITS        1000 /* a condition */
#define CALLS         60   /* of a kind, plan and condition */
#define TAIL_MS       2000

struct piece {
    struct tape tape;
    struct acc_label label[ACC_LABELS_MAX];
    uint32_t labels;
    struct rng r;
};

static struct piece *piece_open(const struct acc *a, const char *name, uint64_t number)
{
    struct piece *p = calloc(1, sizeof(*p));

    if (!p)
        abort();
    rng_seed_stream(&p->r, a->seed, slice_cstr(name), number);
    tape_open(&p->tape, (uint32_t)rng_u64(&p->r));
    tape_silence(&p->tape, rng_uniform(&p->r, 300, 700));
    return p;
}

static void piece_label(struct piece *p, enum acc_kind kind, uint32_t start_ms, const char *detail)
{
    struct acc_label *l = &p->label[p->labels++];

    *l = (struct acc_label){.kind = kind, .start_ms = start_ms, .end_ms = tape_ms(&p->tape)};
    snprintf(l->detail, sizeof(l->detail), "%s", detail);
}

static void piece_judge(struct acc *a, struct acc_condition *c, const struct acc_line *line,
                        struct piece *p, const char *plan, const char *file)
{
    struct acc_sound s = {.file = file,
                          .plan = plan,
                          .s = p->tape.s,
                          .n = p->tape.n,
                          .label = p->label,
                          .labels = p->labels,
                          .seed = rng_u64(&p->r),
                          .tail_ms = TAIL_MS};

    if (!acc_judge(a, c, line, &s))
        abort();
    tape_close(&p->tape);
    free(p);
}

static uint32_t scaled(const struct acc *a, uint32_t n)
{
    uint32_t v = (uint32_t)(n * a->scale);

    return v ? v : 1;
}

/* ---- digits ---- */

struct digits {
    const char *name;
    double off_percent[2]; /* both tones, each up or down by so much: from-to */
    double on_ms[2], off_ms[2];
    double level_dbm0[2]; /* of the stronger tone */
    double twist_db[2];   /* high group over low group */
    bool rejected;
    struct acc_line line;
};

static const struct digits digit_cases[] = {
    {"50/50 ms, nominal", {0, 0}, {50, 50}, {50, 50}, {-25, -3}, {0, 0}, false, {.name = "plain"}},
    {"off ±1.5 %, 50 ms",
     {1.5, 1.5},
     {50, 50},
     {50, 50},
     {-10, -10},
     {0, 0},
     false,
     {.name = "plain"}},
    {"off ±1.8 %, 40 ms",
     {1.8, 1.8},
     {40, 40},
     {40, 40},
     {-10, -10},
     {0, 0},
     false,
     {.name = "plain"}},
    {"twist +4 dB", {0, 0}, {50, 50}, {50, 50}, {-10, -10}, {4, 4}, false, {.name = "plain"}},
    {"twist -8 dB", {0, 0}, {50, 50}, {50, 50}, {-10, -10}, {-8, -8}, false, {.name = "plain"}},
    {"-36 dBm0", {0, 0}, {50, 50}, {50, 50}, {-36, -36}, {0, 0}, false, {.name = "plain"}},
    {"SNR 15 dB, 50 ms",
     {0, 0},
     {50, 50},
     {50, 50},
     {-10, -10},
     {0, 0},
     false,
     {.name = "snr", .snr_db = 15}},
    {"all corners together",
     {0, 1.8},
     {40, 60},
     {40, 80},
     {-30, -3},
     {-8, 4},
     false,
     {.name = "snr", .snr_db = 15}},
    {"all corners, A-law",
     {0, 1.8},
     {40, 60},
     {40, 80},
     {-30, -3},
     {-8, 4},
     false,
     {.name = "snr-alaw", .snr_db = 15, .alaw = true}},
    {"3 % loss, 100 ms",
     {0, 1.5},
     {100, 100},
     {100, 100},
     {-20, -6},
     {-4, 4},
     false,
     {.name = "loss", .loss = 0.03}},
    {"3 % loss in bursts, 100 ms",
     {0, 1.5},
     {100, 100},
     {100, 100},
     {-20, -6},
     {-4, 4},
     false,
     {.name = "bursts", .loss = 0.03, .burst = 2.5}},
    {"echo of our speech, 100 ms",
     {0, 1},
     {100, 100},
     {100, 100},
     {-15, -6},
     {-3, 3},
     false,
     {.name = "echo", .echo_db = 22}},
    {"clipped at -6 dBm0",
     {0, 1},
     {60, 60},
     {60, 60},
     {-3, -1},
     {-3, 3},
     false,
     {.name = "clip", .clip_dbm0 = -3}},
    {"rejected: off 3.5 %",
     {3.5, 3.5},
     {50, 100},
     {50, 50},
     {-10, -10},
     {0, 0},
     true,
     {.name = "plain"}},
    {"rejected: 23 ms", {0, 0}, {23, 23}, {60, 60}, {-25, -3}, {0, 0}, true, {.name = "plain"}},
    {"rejected: -55 dBm0", {0, 0}, {50, 50}, {50, 50}, {-55, -55}, {0, 0}, true, {.name = "plain"}},
};

static double between(struct rng *r, const double range[2])
{
    return rng_uniform(r, range[0], range[1]);
}

static double shifted(struct rng *r, double f, const double percent[2])
{
    double by = between(r, percent) / 100;

    return f * (rng_below(r, 2) ? 1 + by : 1 - by);
}

/* level: of the stronger tone, the same for a whole file, so that its SNR is each digit's. */
static void put_digit(struct piece *p, const struct digits *d, double level)
{
    static const char keys[] = "123A456B789C*0#D";
    static const double low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
    unsigned key = rng_below(&p->r, 16);
    double twist = between(&p->r, d->twist_db);
    double l = shifted(&p->r, low[key / 4], d->off_percent);
    double h = shifted(&p->r, high[key % 4], d->off_percent);
    uint32_t start_ms = tape_ms(&p->tape);
    char detail[2] = {keys[key], 0};

    tape_pair(&p->tape, l, twist > 0 ? level - twist : level, h, twist > 0 ? level : level + twist,
              between(&p->r, d->on_ms));
    if (!d->rejected)
        piece_label(p, ACC_DTMF, start_ms, detail);
    tape_silence(&p->tape, between(&p->r, d->off_ms));
}

static void dtmf_set(struct acc *a)
{
    for (size_t k = 0; k < sizeof(digit_cases) / sizeof(digit_cases[0]); k++) {
        const struct digits *d = &digit_cases[k];
        struct acc_condition *c = acc_condition(a, "dtmf", d->name);

        for (uint32_t i = 0; c && i < scaled(a, DIGITS) / DIGITS_A_FILE + 1; i++) {
            struct piece *p = piece_open(a, d->name, i);

            double level = between(&p->r, d->level_dbm0);

            for (int n = 0; n < DIGITS_A_FILE; n++)
                put_digit(p, d, level);
            c->tally[ACC_DTMF].trials += d->rejected ? DIGITS_A_FILE : 0;
            piece_judge(a, c, &d->line, p, "us", d->name);
        }
    }
}

/* ---- network tones ---- */

struct cadence {
    const char *plan;
    enum acc_kind kind;
    double f[2];
    double s[4]; /* on, off, on, off; seconds */
};

static const struct cadence cadences[] = {
    {"us", ACC_RING, {440, 480}, {2, 4}},
    {"us", ACC_BUSY, {480, 620}, {.5, .5}},
    {"us", ACC_REORDER, {480, 620}, {.25, .25}},
    {"gb", ACC_RING, {400, 450}, {.4, .2, .4, 2}},
    {"gb", ACC_BUSY, {400, 0}, {.375, .375}},
    {"gb", ACC_REORDER, {400, 0}, {.4, .35, .225, .525}},
    {"ru", ACC_RING, {425, 0}, {.8, 3.2}},
    {"ru", ACC_RING, {425, 0}, {1, 4}},
    {"ru", ACC_BUSY, {425, 0}, {.4, .4}},
    {"ru", ACC_BUSY, {425, 0}, {.35, .35}},
    {"ru", ACC_REORDER, {425, 0}, {.175, .175}},
    {"cz", ACC_RING, {425, 0}, {1, 4}},
    {"cz", ACC_BUSY, {425, 0}, {.33, .33}},
    {"cz", ACC_REORDER, {425, 0}, {.165, .165}},
    {"si", ACC_RING, {425, 0}, {1, 4}},
    {"si", ACC_BUSY, {425, 0}, {.5, .5}},
    {"si", ACC_REORDER, {425, 0}, {.2, .2}},
    {"de", ACC_RING, {425, 0}, {1, 4}},
    {"de", ACC_BUSY, {425, 0}, {.48, .48}},
    {"de", ACC_REORDER, {425, 0}, {.24, .24}},
    {"at", ACC_RING, {420, 0}, {1, 5}},
    {"at", ACC_BUSY, {420, 0}, {.4, .4}},
    {"at", ACC_REORDER, {420, 0}, {.2, .2}},
    {"fr", ACC_RING, {440, 0}, {1.5, 3.5}},
    {"fr", ACC_BUSY, {440, 0}, {.5, .5}},
    {"fr", ACC_REORDER, {440, 0}, {.25, .25}},
    {"itu", ACC_RING, {425, 0}, {1, 4}},
    {"itu", ACC_BUSY, {425, 0}, {.5, .5}},
    {"itu", ACC_REORDER, {425, 0}, {.2, .2}},
};

const struct acc_line acc_tone_lines[ACC_TONE_LINES] = {
    {.name = "plain"},
    {.name = "±1.5 %"},
    {.name = "±1.5 %, A-law, -12 dB", .alaw = true, .gain_db = -12},
    {.name = "±1.5 %, SNR 15 dB", .snr_db = 15},
    {.name = "±1.5 %, 3 % loss", .loss = 0.03},
    {.name = "±1.5 %, 3 % loss in bursts", .loss = 0.03, .burst = 2.5},
    {.name = "±1.5 %, SNR 15 dB, 3 % loss", .loss = 0.03, .snr_db = 15},
    {.name = "±1.5 %, echo of our speech", .echo_db = 30},
    {.name = "±1.5 %, clipped", .gain_db = 10, .clip_dbm0 = -12},
};
#define tone_lines acc_tone_lines
#define TONE_LINES ACC_TONE_LINES

static double off_nominal(struct piece *p, const struct acc_line *l)
{
    return l == tone_lines ? 1 : 1 + rng_uniform(&p->r, -0.015, 0.015);
}

static void put_cadence(struct piece *p, const struct cadence *c, const struct acc_line *line)
{
    double f1 = c->f[0] * off_nominal(p, line), f2 = c->f[1] * off_nominal(p, line);
    double level = rng_uniform(&p->r, -28, -12), total = 0;
    double least = c->kind == ACC_RING ? 2.2 : 3; /* cycles */
    uint32_t start_ms;

    for (int i = 0; i < 4; i++)
        total += c->s[i];
    /* A call is often joined within a cycle. */
    if (rng_below(&p->r, 2))
        tape_silence(&p->tape, c->s[1] * 1000 * rng_unit(&p->r));
    start_ms = tape_ms(&p->tape);
    for (double done = 0; done < least * total || done < 3; done += total)
        for (int i = 0; i < 4; i += 2) {
            if (c->s[i] > 0)
                tape_pair(&p->tape, f1, level, f2, level, c->s[i] * 1000);
            tape_silence(&p->tape, c->s[i + 1] * 1000);
        }
    piece_label(p, c->kind, start_ms, c->plan);
}

static void tones_set(struct acc *a)
{
    for (size_t k = 0; k < TONE_LINES; k++) {
        struct acc_condition *c = acc_condition(a, "tones", tone_lines[k].name);

        for (size_t t = 0; c && t < sizeof(cadences) / sizeof(cadences[0]); t++)
            for (uint32_t i = 0; i < scaled(a, CALLS / 3); i++) {
                struct piece *p = piece_open(a, tone_lines[k].name, t * 1000 + i);
                char file[32];

                put_cadence(p, &cadences[t], &tone_lines[k]);
                snprintf(file, sizeof(file), "%s %s", cadences[t].plan,
                         acc_kind_name(cadences[t].kind));
                piece_judge(a, c, &tone_lines[k], p, cadences[t].plan, file);
            }
    }
}

/* ---- special information tones ---- */

static const struct {
    const char *name;
    double f[3], ms[3];
} sits[] = {
    {"ic", {913.8, 1370.6, 1776.7}, {274, 274, 380}},
    {"vc", {985.2, 1370.6, 1776.7}, {380, 274, 380}},
    {"ro_intra", {913.8, 1428.5, 1776.7}, {274, 380, 380}},
    {"ro_inter", {985.2, 1370.6, 1776.7}, {274, 380, 380}},
    {"nc_intra", {985.2, 1428.5, 1776.7}, {380, 380, 380}},
    {"nc_inter", {913.8, 1370.6, 1776.7}, {380, 380, 380}},
    {"itu", {950, 1400, 1800}, {330, 330, 330}},
};

static void sit_set(struct acc *a)
{
    for (size_t k = 0; k < TONE_LINES; k++) {
        const struct acc_line *line = &tone_lines[k];
        struct acc_condition *c = acc_condition(a, "sit", line->name);

        for (size_t t = 0; c && t < sizeof(sits) / sizeof(sits[0]); t++)
            for (uint32_t i = 0; i < scaled(a, CALLS); i++) {
                struct piece *p = piece_open(a, line->name, t * 1000 + i + 500000);
                bool itu = strcmp(sits[t].name, "itu") == 0;
                uint32_t start_ms = tape_ms(&p->tape);
                double level = rng_uniform(&p->r, -26, -14);

                for (int n = 0; n < 3; n++) {
                    tape_tone(&p->tape, sits[t].f[n] * off_nominal(p, line),
                              level + rng_uniform(&p->r, -1.5, 1.5), sits[t].ms[n]);
                    tape_silence(&p->tape, itu && n < 2 ? rng_uniform(&p->r, 0, 30) : 2);
                }
                piece_label(p, ACC_SIT, start_ms, sits[t].name);
                piece_judge(a, c, line, p, "us", sits[t].name);
            }
    }
}

/* ---- fax ---- */

static void put_cng(struct piece *p, const struct acc_line *line)
{
    double f = line == tone_lines ? 1100 : 1100 + rng_uniform(&p->r, -38, 38); /* T.30: ±38 Hz */
    double level = rng_uniform(&p->r, -30, -8);
    uint32_t start_ms = tape_ms(&p->tape);

    for (int i = 0; i < 3; i++) {
        tape_tone(&p->tape, f, level, 500 * rng_uniform(&p->r, 0.85, 1.15));
        tape_silence(&p->tape, 3000 * rng_uniform(&p->r, 0.85, 1.15));
    }
    piece_label(p, ACC_CNG, start_ms, "");
}

/* 2100 Hz, plain or as ANSam: phase turned every 450 ms, 15 Hz amplitude modulation of 20 %. */
static void put_ced(struct piece *p, const struct acc_line *line, bool ansam)
{
    double f = line == tone_lines ? 2100 : 2100 + rng_uniform(&p->r, -15, 15);
    double peak = tape_peak(rng_uniform(&p->r, -30, -8));
    uint32_t start_ms = tape_ms(&p->tape), ms = (uint32_t)rng_uniform(&p->r, 2600, 4000);
    float *at = tape_more(&p->tape, ms);

    for (size_t i = 0; i < (size_t)ms * TAPE_PER_MS; i++) {
        double t = (double)i / 8000, turned = ansam && (i / 3600) % 2 ? -1 : 1;
        double am = ansam ? 1 + 0.2 * sin(2 * M_PI * 15 * t) : 1;

        at[i] = (float)(turned * am * peak * sin(2 * M_PI * f * t));
    }
    piece_label(p, ACC_CED, start_ms, ansam ? "ansam_pr" : "");
    tape_silence(&p->tape, 500);
}

static void fax_set(struct acc *a)
{
    for (size_t k = 0; k < TONE_LINES; k++) {
        struct acc_condition *c = acc_condition(a, "fax", tone_lines[k].name);

        for (uint32_t i = 0; c && i < scaled(a, 3 * CALLS); i++) {
            struct piece *p = piece_open(a, tone_lines[k].name, i + 800000);

            if (i % 2)
                put_cng(p, &tone_lines[k]);
            else
                put_ced(p, &tone_lines[k], i % 4 == 0);
            piece_judge(a, c, &tone_lines[k], p, "us", i % 2 ? "cng" : i % 4 ? "ced" : "ced ansam");
        }
    }
}

/* ---- beeps ---- */

static const struct beeps {
    const char *name;
    double f[2], ms[2];
    double glide_hz; /* over the beep */
    bool twice;
    struct acc_line line;
} beep_cases[] = {
    {"600-2000 Hz", {600, 2000}, {70, 1500}, 0, false, {.name = "plain"}},
    {"2000-3400 Hz", {2000, 3400}, {70, 1500}, 0, false, {.name = "plain"}},
    {"200-390 Hz", {200, 390}, {100, 1500}, 0, false, {.name = "plain"}},
    {"glide of 60 Hz", {600, 2000}, {200, 800}, 60, false, {.name = "plain"}},
    {"double beep", {600, 2000}, {100, 300}, 0, true, {.name = "plain"}},
    {"A-law, -12 dB",
     {600, 2000},
     {70, 1500},
     0,
     false,
     {.name = "a", .alaw = true, .gain_db = -12}},
    {"SNR 15 dB", {600, 2000}, {70, 1500}, 0, false, {.name = "snr", .snr_db = 15}},
    {"3 % loss", {600, 2000}, {70, 1500}, 0, false, {.name = "loss", .loss = 0.03}},
    {"3 % loss in bursts",
     {600, 2000},
     {70, 1500},
     0,
     false,
     {.name = "bursts", .loss = 0.03, .burst = 2.5}},
    {"clipped",
     {600, 2000},
     {70, 1500},
     0,
     false,
     {.name = "clip", .gain_db = 8, .clip_dbm0 = -12}},
};

static void put_tone(struct piece *p, double f, double glide_hz, double level, double ms)
{
    float *at = tape_more(&p->tape, ms);
    size_t n = (size_t)(ms * TAPE_PER_MS);
    double phase = 0;

    for (size_t i = 0; i < n; i++) {
        double edge = i < 24 ? (double)i / 24 : n - i < 24 ? (double)(n - i) / 24 : 1;

        phase += 2 * M_PI * (f + glide_hz * ((double)i / (double)n - 0.5)) / 8000;
        at[i] = (float)(edge * tape_peak(level) * sin(phase));
    }
}

static void put_beep(struct piece *p, const struct beeps *b)
{
    double f = between(&p->r, b->f), level = rng_uniform(&p->r, -26, -8);
    uint32_t start_ms;

    tape_speech(&p->tape, -20, rng_uniform(&p->r, 1500, 4000));
    tape_silence(&p->tape, rng_uniform(&p->r, 150, 900));
    start_ms = tape_ms(&p->tape);
    put_tone(p, f, b->glide_hz, level, between(&p->r, b->ms));
    if (b->twice) {
        piece_label(p, ACC_BEEP, start_ms, "");
        tape_silence(&p->tape, rng_uniform(&p->r, 80, 200));
        start_ms = tape_ms(&p->tape);
        put_tone(p, f, 0, level, between(&p->r, b->ms));
    }
    piece_label(p, ACC_BEEP, start_ms, "");
    tape_silence(&p->tape, 300);
    tape_noise(&p->tape, -60, 0);
}

static void beep_set(struct acc *a)
{
    for (size_t k = 0; k < sizeof(beep_cases) / sizeof(beep_cases[0]); k++) {
        const struct beeps *b = &beep_cases[k];
        struct acc_condition *c = acc_condition(a, "beep", b->name);

        for (uint32_t i = 0; c && i < scaled(a, 300); i++) {
            struct piece *p = piece_open(a, b->name, i);

            put_beep(p, b);
            piece_judge(a, c, &b->line, p, "us", b->name);
        }
    }
}

bool acc_synthetic_set(struct acc *a, const char *name)
{
    static const struct {
        const char *name;
        void (*run)(struct acc *a);
    } sets[] = {{"dtmf", dtmf_set}, {"tones", tones_set},     {"sit", sit_set},
                {"fax", fax_set},   {"modem", acc_modem_set}, {"beep", beep_set}};

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (strcmp(sets[i].name, name) == 0) {
            sets[i].run(a);
            return true;
        }
    return false;
}
