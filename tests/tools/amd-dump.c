/* amd-dump: plays the answers of a plan into the detectors, for training and judging the verdict.
 *
 *   amd-dump features|verdicts [--rules] [--config INITIAL,GREETING,AFTER,TOTAL,DROP,AGENT]
 *            < PLAN > ROWS
 *
 * A plan has one answer a line, fields separated by tabs: number, machine (0 or 1), seed, noise in
 * dBm0 (0: none), noise colour 0…2, law (u, a), loss in per mille, echo in dB (0: none), gain in
 * dB, then its parts:
 *   s:FILE:GAIN:SPEED  a clip (raw, 8 kHz, 16 bits)     z:MS  digital zero, no noise under it
 *   o:FILE:GAIN:SPEED  the same, without going on       g:MS  pause
 *   b:FILE:GAIN:MS     the clip from MS on, repeated, under all from here to the end
 *   x                  that background ends here        e     the first utterance ends here
 *   t:HZ:HZ:DBM0:MS    a tone or pair
 * features: rows of number, machine, time since answer, features, each 100 ms from the first word
 * (each 500 ms after two seconds of silence), for 12 s. verdicts: number, machine, verdict, when,
 * end of the first utterance, confidence. Exit code 1 when a clip cannot be read, 2 for wrong use.
 */
#include <errno.h>

#include "../dsp/tape.h"
#include "dsp/amd_features.h"
#include "dsp/state.h"

#define LINE_MAX_BYTES 16384
#define CLIP_MAX       (120 * DSP_RATE_HZ)
#define BEFORE_MAX     64
#define ROWS_UNTIL_MS  12000
#define LATE_GAP_MS    2000

struct answer {
    long number, machine, seed, loss;
    double noise_db, echo_db, gain_db;
    int colour;
    bool alaw;
    uint32_t zero_until_ms, utterance_end_ms;
    struct tape tape;
};

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "amd-dump: %s: %s\n", what, detail);
    exit(1);
}

static size_t clip_load(const char *path, int16_t *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail(path, strerror(errno));
    size_t n = fread(out, sizeof *out, CLIP_MAX, f);
    fclose(f);
    return n;
}

static double decibel(double db)
{
    return pow(10, db / 20);
}

/* The clip at another speed, pitch and all. */
static size_t clip_at(const char *path, double gain_db, double speed, float *out)
{
    static int16_t clip[CLIP_MAX];
    size_t n = clip_load(path, clip);
    size_t length = n > 1 ? (size_t)((double)(n - 1) / speed) : 0;
    double gain = decibel(gain_db);
    for (size_t i = 0; i < length && i < 2 * CLIP_MAX; i++) {
        double at = (double)i * speed;
        size_t k = (size_t)at;
        double part = at - (double)k;
        out[i] = (float)(gain * ((1 - part) * clip[k] + part * clip[k + 1 < n ? k + 1 : k]));
    }
    return length;
}

static void add_at(struct tape *t, size_t from, const float *x, size_t n)
{
    if (from + n > t->n) {
        size_t was = t->n;
        tape_more(t, (double)(from + n - was) / TAPE_PER_MS + 1);
        t->n = from + n;
    }
    for (size_t i = 0; i < n; i++)
        t->s[from + i] += x[i];
}

struct background {
    char path[512];
    double gain_db, offset_ms;
    size_t from, until; /* until 0: the end */
};

static void lay_under(struct tape *t, const struct background *b)
{
    static int16_t clip[CLIP_MAX];
    size_t n = clip_load(b->path, clip);
    double gain = decibel(b->gain_db);
    size_t at = (size_t)(b->offset_ms * TAPE_PER_MS);
    size_t until = b->until ? b->until : t->n;
    for (size_t i = b->from; n && i < until; i++, at++)
        t->s[i] += (float)(gain * clip[at % n]);
}

static void part_add(struct answer *a, char *part, size_t *at, struct background *under)
{
    static float clip[2 * CLIP_MAX];
    struct tape *t = &a->tape;
    char path[512] = "";
    double v[4] = {0};
    if (part[0] == 's' || part[0] == 'o') {
        if (sscanf(part + 2, "%511[^:]:%lf:%lf", path, &v[0], &v[1]) != 3)
            fail("bad part", part);
        size_t n = clip_at(path, v[0], v[1], clip);
        add_at(t, *at, clip, n);
        *at += part[0] == 's' ? n : 0;
    } else if (part[0] == 'b') {
        if (sscanf(part + 2, "%511[^:]:%lf:%lf", under->path, &under->gain_db, &under->offset_ms) !=
            3)
            fail("bad part", part);
        under->from = *at;
    } else if (part[0] == 't') {
        if (sscanf(part + 2, "%lf:%lf:%lf:%lf", &v[0], &v[1], &v[2], &v[3]) != 4)
            fail("bad part", part);
        t->n = t->n > *at ? *at : t->n;
        tape_silence(t, (double)(*at - t->n) / TAPE_PER_MS);
        tape_pair(t, v[0], v[2], v[1], v[2], v[3]);
        *at = t->n;
    } else if (part[0] == 'x') {
        under->until = *at;
    } else if (part[0] == 'e') {
        a->utterance_end_ms = (uint32_t)(*at / TAPE_PER_MS);
    } else {
        *at += (size_t)(strtod(part + 2, NULL) * TAPE_PER_MS);
        if (part[0] == 'z')
            a->zero_until_ms = (uint32_t)(*at / TAPE_PER_MS);
    }
    if (t->n < *at)
        tape_silence(t, (double)(*at - t->n) / TAPE_PER_MS);
}

/* White, falling by 3 to 6 dB an octave, or low hum and hiss. */
static void noise_add(struct answer *a)
{
    struct tape *t = &a->tape;
    double amplitude = tape_peak(a->noise_db) / sqrt(2.0) * sqrt(3.0);
    double low = 0;
    for (size_t i = (size_t)a->zero_until_ms * TAPE_PER_MS; i < t->n; i++) {
        double white = tape_random(t);
        double keep = a->colour == 1 ? 0.8 : 0.95;
        low = keep * low + (1 - keep) * white;
        double v = a->colour == 0   ? white
                   : a->colour == 1 ? 3 * low
                                    : 5 * low + 0.3 * sin((double)i * 0.0393) + 0.2 * white;
        t->s[i] += (float)(amplitude * v);
    }
}

static void echo_add(struct answer *a)
{
    struct tape *t = &a->tape;
    size_t delay = (size_t)(40 + a->seed % 120) * TAPE_PER_MS;
    float gain = (float)decibel(a->echo_db);
    for (size_t i = t->n; i-- > delay;)
        t->s[i] += gain * t->s[i - delay];
}

static void answer_build(struct answer *a, char *line)
{
    char *fields[10 + BEFORE_MAX];
    unsigned n = 0;
    for (char *at = strtok(line, "\t\n"); at && n < 9 + BEFORE_MAX; at = strtok(NULL, "\t\n"))
        fields[n++] = at;
    if (n < 10)
        fail("a line of too few fields", n ? fields[0] : "empty");
    *a = (struct answer){.number = strtol(fields[0], NULL, 10),
                         .machine = strtol(fields[1], NULL, 10),
                         .seed = strtol(fields[2], NULL, 10),
                         .noise_db = strtod(fields[3], NULL),
                         .colour = atoi(fields[4]),
                         .alaw = fields[5][0] == 'a',
                         .loss = strtol(fields[6], NULL, 10),
                         .echo_db = strtod(fields[7], NULL),
                         .gain_db = strtod(fields[8], NULL)};
    tape_open(&a->tape, (uint32_t)a->seed);
    struct background under = {.path = ""};
    size_t at = 0;
    for (unsigned i = 9; i < n; i++)
        part_add(a, fields[i], &at, &under);
    if (under.path[0])
        lay_under(&a->tape, &under);
    float gain = (float)decibel(a->gain_db);
    for (size_t i = 0; i < a->tape.n; i++)
        a->tape.s[i] *= gain;
    if (a->echo_db < 0)
        echo_add(a);
    if (a->noise_db < 0)
        noise_add(a);
}

/* The block as a lossy line brings it: lost ones are repeated, once, then zero. */
static uint8_t block_at(struct answer *a, size_t at, bool *bad, unsigned *run, int16_t *block)
{
    double chance = (tape_random(&a->tape) + 1) / 2;
    *bad = *bad ? chance < 0.4 : chance < 0.0006 * (double)a->loss;
    if (!*bad) {
        *run = 0;
        line_block(&a->tape, at, a->alaw, block);
        return 0;
    }
    if (++*run > 2)
        memset(block, 0, DSP_BLOCK_SAMPLES * sizeof *block);
    return DSP_FLAG_LOST;
}

static void row_print(const struct answer *a, const struct leg *l)
{
    int16_t f[AMD_FEATURE_COUNT];
    amd_features_get(l, l->amd.real_ms, f);
    printf("%ld,%ld,%u", a->number, a->machine, l->now_ms);
    for (unsigned i = 0; i < AMD_FEATURE_COUNT; i++)
        printf(",%d", f[i]);
    putchar('\n');
}

static bool row_is_due(const struct leg *l)
{
    uint32_t gap = amd_front_gap(&l->features.front, l->now_ms);
    uint32_t period = gap > LATE_GAP_MS ? 500 : 100;
    return l->features.bursts && l->now_ms - l->features.first_ms <= ROWS_UNTIL_MS &&
           (l->now_ms - l->amd.clock_ms) % period == 0;
}

static void answer_play(struct answer *a, const struct dsp_amd_config *config, bool features)
{
    static struct dsp_state state;
    dsp_state_init(&state, dsp_plan_find("us"), config);
    dsp_state_phase(&state, DSP_ANSWERED);
    const struct leg *l = (const struct leg *)(const void *)state.opaque;
    int16_t block[DSP_BLOCK_SAMPLES] = {0};
    bool bad = false, said = false;
    unsigned run = 0;
    for (size_t at = 0; at < a->tape.n && !said; at += DSP_BLOCK_SAMPLES) {
        uint8_t flags = block_at(a, at, &bad, &run, block);
        struct dsp_block b = {.state = &state, .samples = block, .flags = flags};
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        size_t n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n; i++)
            if (out[i].kind == DSP_VERDICT) {
                said = true;
                if (!features)
                    printf("%ld,%ld,%s,%u,%u,%.4f\n", a->number, a->machine,
                           dsp_verdict_name((enum dsp_verdict)out[i].detail), l->now_ms,
                           a->utterance_end_ms, (double)out[i].confidence);
            }
        if (features && !said && row_is_due(l))
            row_print(a, l);
    }
    if (!said && !features)
        printf("%ld,%ld,none,%u,%u,0\n", a->number, a->machine, l->now_ms, a->utterance_end_ms);
}

static int usage(void)
{
    fputs("usage: amd-dump features|verdicts [--rules|--model]\n"
          "                [--config INITIAL,GREETING,AFTER,TOTAL,DROP,AGENT] < PLAN\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static char line[LINE_MAX_BYTES];
    struct dsp_amd_config c;
    dsp_amd_defaults(&c);
    if (argc < 2 || (strcmp(argv[1], "features") != 0 && strcmp(argv[1], "verdicts") != 0))
        return usage();
    bool features = argv[1][0] == 'f';
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--rules") == 0)
            c.mode = DSP_AMD_RULES;
        else if (strcmp(argv[i], "--model") == 0)
            c.mode = DSP_AMD_MODEL;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc &&
                 sscanf(argv[++i], "%hu,%hu,%hu,%hu,%hu,%hu", &c.initial_silence_ms, &c.greeting_ms,
                        &c.after_greeting_ms, &c.total_ms, &c.drop_cost_s, &c.agent_cost_s) == 6)
            continue;
        else
            return usage();
    }
    if (features) /* limits out of reach: nothing but a beep ends an answer */
        c = (struct dsp_amd_config){.initial_silence_ms = 60000,
                                    .greeting_ms = 60000,
                                    .after_greeting_ms = 60000,
                                    .total_ms = 60000,
                                    .mode = DSP_AMD_RULES,
                                    .drop_cost_s = 1,
                                    .agent_cost_s = 1};
    while (fgets(line, sizeof line, stdin)) {
        struct answer a;
        answer_build(&a, line);
        answer_play(&a, &c, features);
        tape_close(&a.tape);
    }
    return 0;
}
