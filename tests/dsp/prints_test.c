/* Known recordings against a library of hundreds made of speech-like sound: any 1.5 s of any of
 * them, faster and slower, through both laws, loss and noise; none where none is; and the library
 * and its file themselves. The babble's bands are all about as loud, so noise at 20 dB does to it
 * what noise at 10 dB does to speech; speech itself is in the last test. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "dsp/prints.h"
#include "dsp/tape.h"

#define RECORDINGS 240
#define SECONDS    5
#define TRIALS     120

static struct tape tape_of[RECORDINGS];

/* One sound of 50 to 180 ms: three resonances anywhere, driven by pulses or by hiss. */
static void phone(struct tape *t)
{
    size_t n = (size_t)(TAPE_PER_MS * (115 + 65 * tape_random(t)));
    float *at = tape_more(t, (double)n / TAPE_PER_MS);
    bool hiss = tape_random(t) > 0.6;
    double pitch = 150 + 70 * tape_random(t), phase = 0, loud = pow(10, 0.2 * tape_random(t));
    double r[3], c[3], gain[3], y[3][2] = {{0}};
    for (int k = 0; k < 3; k++) {
        double f = 350 + 900 * k + 400 * tape_random(t);
        r[k] = exp(-3.14159 * (90 + 40 * k) / 8000);
        c[k] = 2 * r[k] * cos(6.2831853 * f / 8000);
        gain[k] = pow(10, -0.35 * k + 0.4 * tape_random(t));
    }
    for (size_t i = 0; i < n; i++) {
        double source = (hiss ? 0.5 : 0.05) * tape_random(t), out = 0;
        phase += pitch / 8000;
        if (phase >= 1) {
            phase -= 1;
            source += hiss ? 0 : 3;
        }
        for (int k = 0; k < 3; k++) {
            double v = source + c[k] * y[k][0] - r[k] * r[k] * y[k][1];
            y[k][1] = y[k][0];
            y[k][0] = v;
            out += gain[k] * v * (1 - r[k]);
        }
        double edge = 80;
        double rise = (double)i < edge ? (double)i / edge : 1;
        double fall = (double)(n - i) < edge ? (double)(n - i) / edge : 1;
        at[i] = (float)(out * rise * fall * loud);
    }
}

/* Talk at −20 dBm0 of words of two to six sounds with short pauses between. */
static void speech(struct tape *t, uint32_t seed, unsigned seconds)
{
    tape_open(t, seed);
    while (tape_ms(t) < seconds * 1000) {
        for (int k = (int)(4 + 2 * tape_random(t)); k > 0; k--)
            phone(t);
        tape_silence(t, 60 + 50 * tape_random(t));
    }
    t->n = (size_t)seconds * 8000;
    double sum = 1;
    for (size_t i = 0; i < t->n; i++)
        sum += (double)t->s[i] * (double)t->s[i];
    double scale = pow(10, (-20 + 84.02) / 20) / sqrt(sum / (double)t->n);
    for (size_t i = 0; i < t->n; i++)
        t->s[i] = fmaxf(-32000, fminf(32000, t->s[i] * (float)scale));
}

static enum err put_as(struct prints *p, const struct tape *t, const char *id, const char *result,
                       char *error)
{
    static int16_t pcm[120 * 8000];
    struct prints_info info = {.language = "en"};
    snprintf(info.id, sizeof info.id, "%s", id);
    snprintf(info.result, sizeof info.result, "%s", result);
    for (size_t i = 0; i < t->n; i++)
        pcm[i] = (int16_t)lrintf(t->s[i]);
    return prints_add(p, &info, pcm, t->n, error);
}

static enum err put(struct prints *p, const struct tape *t, const char *id, char *error)
{
    return put_as(p, t, id, "vacant", error);
}

static struct prints *library(unsigned n)
{
    struct prints *p;
    char error[PRINTS_ERROR_MAX];
    cr_assert_eq(prints_open(&p), OK);
    for (unsigned i = 0; i < n; i++) {
        char id[16];
        speech(&tape_of[i], 1000 + i, SECONDS);
        snprintf(id, sizeof id, "r%u", i);
        cr_assert_eq(put(p, &tape_of[i], id, error), OK, "%s", error);
    }
    cr_assert_eq(prints_index(p), OK);
    return p;
}

static void library_close(struct prints *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        tape_close(&tape_of[i]);
    prints_close(p);
}

/* A piece of another tape, at another speed. */
static void piece(struct tape *t, const struct tape *of, double from_ms, double ms, double speed)
{
    float *at = tape_more(t, ms);
    size_t n = (size_t)(ms * TAPE_PER_MS + 0.5);
    for (size_t i = 0; i < n; i++) {
        double x = from_ms * TAPE_PER_MS + (double)i * speed;
        size_t k = (size_t)x;
        float part = (float)(x - (double)k);
        if (k + 1 < of->n)
            at[i] += of->s[k] * (1 - part) + of->s[k + 1] * part;
    }
}

struct known {
    unsigned count;
    uint16_t index[8], offset[8];
    uint32_t start_ms[8], end_ms[8];
    float confidence[8];
};

/* Plays a tape; loss: share of blocks lost, repeated as concealment does. */
static struct known hear(const struct prints *p, struct tape *t, bool alaw, double loss,
                         enum dsp_phase phase)
{
    static struct prints_leg leg;
    static struct dsp_state state;
    struct dsp_amd_config amd;
    struct known k = {0};
    int16_t block[DSP_BLOCK_SAMPLES] = {0};
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    prints_leg_init(&leg, p);
    dsp_state_prints(&state, &leg);
    dsp_state_phase(&state, phase);
    for (size_t at = 0; at < t->n; at += DSP_BLOCK_SAMPLES) {
        bool lost = (tape_random(t) + 1) / 2 < loss;
        if (!lost)
            line_block(t, at, alaw, block);
        struct dsp_block b = {.state = &state, .samples = block, .flags = lost ? DSP_FLAG_LOST : 0};
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        size_t n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n; i++)
            if (out[i].kind == DSP_KNOWN && k.count < 8) {
                k.index[k.count] = out[i].freq_hz[0];
                k.offset[k.count] = out[i].freq_hz[1];
                k.start_ms[k.count] = out[i].start_ms;
                k.end_ms[k.count] = out[i].end_ms;
                k.confidence[k.count++] = out[i].confidence;
            }
    }
    return k;
}

struct condition {
    char name[24];
    double speed, noise_dbm0, loss;
    bool alaw;
    enum dsp_phase phase;
};

/* 1.5 s from anywhere, after a while of a quiet line and before another. */
static void condition_holds(const struct prints *p, const struct condition *c)
{
    unsigned hits = 0, wrong = 0;
    for (unsigned i = 0; i < TRIALS; i++) {
        unsigned r = i * 7919 % RECORDINGS;
        struct tape t;
        tape_open(&t, 77 + i);
        tape_silence(&t, 500 + 20 * (tape_random(&t) + 1));
        double from_ms = (tape_random(&t) + 1) / 2 * (SECONDS * 1000 - 1500);
        uint32_t began = tape_ms(&t);
        piece(&t, &tape_of[r], from_ms, 1500, c->speed);
        uint32_t ended = tape_ms(&t);
        tape_silence(&t, 300);
        tape_noise(&t, c->noise_dbm0, 0);
        struct known k = hear(p, &t, c->alaw, c->loss, c->phase);
        tape_close(&t);
        bool hit = k.count && k.index[0] == r;
        hits += hit;
        wrong += k.count > hit;
        if (!hit)
            continue;
        double offset = from_ms + (k.end_ms[0] - began) * c->speed;
        cr_assert_leq(fabs(k.offset[0] * 10.0 - offset), 60, "%s: offset %u ms for %.0f", c->name,
                      k.offset[0] * 10u, offset);
        cr_assert_leq(k.end_ms[0], ended + 100, "%s: said at %u of %u", c->name, k.end_ms[0],
                      ended);
        cr_assert_lt(k.start_ms[0], k.end_ms[0]);
        cr_assert_gt(k.confidence[0], 0.8f);
    }
    cr_assert_geq(hits * 100, TRIALS * 95, "%s: %u of %u recognised", c->name, hits, TRIALS);
    cr_assert_eq(wrong, 0, "%s: %u others named", c->name, wrong);
}

Test(prints, a_second_and_a_half_is_enough)
{
    static const struct condition conditions[] = {
        {"clean", 1, -70, 0, false, DSP_EARLY},
        {"a-law, answered", 1, -70, 0, true, DSP_ANSWERED},
        {"faster", 1.01, -70, 0, false, DSP_EARLY},
        {"slower", 0.99, -70, 0, true, DSP_EARLY},
        {"loss", 1, -70, 0.03, false, DSP_ANSWERED},
        {"noise", 1, -40, 0, false, DSP_EARLY},
        {"all, faster", 1.01, -40, 0.03, true, DSP_EARLY},
        {"all, slower", 0.99, -40, 0.03, false, DSP_EARLY},
    };
    struct prints *p = library(RECORDINGS);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        condition_holds(p, &conditions[i]);
    library_close(p, RECORDINGS);
}

Test(prints, nothing_is_known_in_other_sound)
{
    struct prints *p = library(RECORDINGS);
    struct tape t;
    speech(&t, 5, 300);
    struct known k = hear(p, &t, false, 0, DSP_ANSWERED);
    cr_assert_eq(k.count, 0, "recording %u in other speech", k.index[0]);
    tape_close(&t);
    tape_open(&t, 6);
    for (unsigned i = 0; i < 20; i++) {
        tape_pair(&t, 440, -19, 480, -19, 2000);
        tape_silence(&t, 1000);
        tape_tone(&t, 1000, -10, 500);
        tape_pair(&t, 697, -10, 1209, -10, 100);
    }
    tape_silence(&t, 20000);
    tape_noise(&t, -35, 0);
    k = hear(p, &t, true, 0.03, DSP_EARLY);
    cr_assert_eq(k.count, 0, "recording %u in tones and noise", k.index[0]);
    tape_close(&t);
    library_close(p, RECORDINGS);
}

/* "temporarily …" and "temporarily …": the same first two seconds. */
static struct prints *siblings(struct tape t[3], const char *const result[3])
{
    struct prints *p;
    struct tape head;
    char error[PRINTS_ERROR_MAX];
    cr_assert_eq(prints_open(&p), OK);
    speech(&head, 50, 2);
    for (unsigned i = 0; i < 3; i++) {
        char id[8] = {(char)('a' + i)};
        struct tape tail;
        tape_open(&t[i], i);
        speech(&tail, 60 + i, 2);
        piece(&t[i], &head, 0, 2000, 1);
        piece(&t[i], &tail, 0, 2000, 1);
        tape_close(&tail);
        cr_assert_eq(put_as(p, &t[i], id, result[i], error), OK, "%s", error);
    }
    tape_close(&head);
    cr_assert_eq(prints_index(p), OK);
    return p;
}

static void siblings_close(struct prints *p, struct tape t[3])
{
    for (unsigned i = 0; i < 3; i++)
        tape_close(&t[i]);
    prints_close(p);
}

Test(prints, siblings_are_told_apart)
{
    static const char *const results[] = {"unreachable", "vacant", "busy"};
    struct tape t[3];
    struct prints *p = siblings(t, results);
    char error[PRINTS_ERROR_MAX];
    for (unsigned i = 0; i < 3; i++) {
        struct known k = hear(p, &t[i], false, 0, DSP_EARLY);
        cr_assert_eq(k.count, 1, "%u named", k.count);
        cr_assert_eq(k.index[0], i);
        cr_assert_gt(k.end_ms[0], 2000, "named at %u, where all are alike", k.end_ms[0]);
        cr_assert_gt(k.confidence[0], 0.8f);
    }
    /* Of two that are one, the first, but not for sure. */
    cr_assert_eq(put(p, &t[0], "again", error), OK);
    cr_assert_eq(prints_index(p), OK);
    struct known k = hear(p, &t[0], false, 0, DSP_EARLY);
    cr_assert_geq(k.count, 1);
    cr_assert(k.index[0] == 0 || k.index[0] == 3);
    cr_assert_leq(k.confidence[0], 0.5f);
    siblings_close(p, t);
}

/* What they mean is known in the head already; which one it was is told when it shows. */
Test(prints, siblings_of_one_result_are_said_at_once)
{
    static const char *const results[] = {"vacant", "vacant", "vacant"};
    struct tape t[3];
    struct prints *p = siblings(t, results);
    for (unsigned i = 0; i < 3; i++) {
        struct known k = hear(p, &t[i], false, 0, DSP_EARLY);
        cr_assert_geq(k.count, 1);
        cr_assert_lt(k.end_ms[0], 1700, "named at %u", k.end_ms[0]);
        cr_assert_leq(k.confidence[0], 0.5f);
        cr_assert_eq(k.index[k.count - 1], i, "the last one named is %u", k.index[k.count - 1]);
    }
    siblings_close(p, t);
}

/* Two of one sound and two results, in a library where no difference comes: no waiting for it. */
Test(prints, twins_do_not_wait_for_each_other)
{
    struct prints *p = library(2);
    char error[PRINTS_ERROR_MAX];
    struct prints_twin twin[4];
    cr_assert_eq(put_as(p, &tape_of[1], "again", "busy", error), OK, "%s", error);
    cr_assert_eq(prints_index(p), OK);
    struct known k = hear(p, &tape_of[1], false, 0, DSP_EARLY);
    cr_assert_geq(k.count, 1);
    cr_assert_lt(k.end_ms[0], 1600, "named at %u", k.end_ms[0]);
    cr_assert_leq(k.confidence[0], 0.5f);
    cr_assert_eq(prints_twins(p, 0, twin, 4), 0);
    cr_assert_eq(prints_twins(p, 2, twin, 4), 1);
    cr_assert_eq(twin[0].index, 1);
    cr_assert_geq(twin[0].ms, SECONDS * 1000 - 100);
    library_close(p, 2);
}

/* A second and a half of one in the middle of another, and where; less is none. */
Test(prints, twins_are_found_where_they_are_alike)
{
    struct tape t[3], of;
    struct prints *p;
    struct prints_twin twin[4];
    char error[PRINTS_ERROR_MAX];
    cr_assert_eq(prints_open(&p), OK);
    speech(&of, 70, 5);
    cr_assert_eq(put(p, &of, "whole", error), OK, "%s", error);
    for (unsigned i = 0; i < 2; i++) {
        char id[8] = {(char)('a' + i)};
        speech(&t[i], 80 + i, 1);
        piece(&t[i], &of, 2000, i ? 1000 : 2200, 1);
        cr_assert_eq(put(p, &t[i], id, error), OK, "%s", error);
    }
    cr_assert_eq(prints_index(p), OK);
    cr_assert_eq(prints_twins(p, 0, twin, 4), 1);
    cr_assert_eq(twin[0].index, 1);
    cr_assert(twin[0].from_ms >= 1700 && twin[0].from_ms <= 2300, "from %u", twin[0].from_ms);
    cr_assert_eq(twin[0].from_ms - twin[0].there_ms, 1000);
    cr_assert(twin[0].ms >= 1500 && twin[0].ms <= 2600, "%u ms", twin[0].ms);
    cr_assert_eq(prints_twins(p, 2, twin, 4), 0);
    for (unsigned i = 0; i < 2; i++)
        tape_close(&t[i]);
    tape_close(&of);
    prints_close(p);
}

Test(prints, says_it_once_and_the_next_one_too)
{
    struct prints *p = library(3);
    struct tape t;
    tape_open(&t, 9);
    piece(&t, &tape_of[1], 0, SECONDS * 1000, 1);
    tape_silence(&t, 400);
    piece(&t, &tape_of[1], 0, SECONDS * 1000, 1);
    piece(&t, &tape_of[2], 0, SECONDS * 1000, 1);
    struct known k = hear(p, &t, false, 0, DSP_EARLY);
    cr_assert_eq(k.count, 2, "%u named", k.count);
    cr_assert_eq(k.index[0], 1);
    cr_assert_eq(k.index[1], 2);
    k = hear(p, &t, false, 0, DSP_TALK);
    cr_assert_eq(k.count, 0, "named in talk");
    tape_close(&t);
    library_close(p, 3);
}

/* What began before the answer does not count after it. */
Test(prints, answer_begins_anew)
{
    static struct prints_leg leg;
    static struct dsp_state state;
    struct prints *p = library(2);
    struct dsp_amd_config amd;
    unsigned at_block[3] = {0}, count = 0;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    prints_leg_init(&leg, p);
    dsp_state_prints(&state, &leg);
    dsp_state_phase(&state, DSP_EARLY);
    for (unsigned n = 0; n < SECONDS * 50; n++) {
        int16_t block[DSP_BLOCK_SAMPLES];
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        line_block(&tape_of[0], n * (size_t)DSP_BLOCK_SAMPLES, false, block);
        struct dsp_block b = {.state = &state, .samples = block};
        if (n == 150)
            dsp_state_phase(&state, DSP_ANSWERED);
        size_t events = dsp_process(&b, 1, out);
        for (size_t i = 0; i < events; i++)
            if (out[i].kind == DSP_KNOWN && count < 3)
                at_block[count++] = n;
    }
    cr_assert_eq(count, 2, "%u named", count);
    cr_assert_lt(at_block[0], 100);
    cr_assert(at_block[1] > 150 + 40 && at_block[1] < 150 + 85, "at block %u", at_block[1]);
    library_close(p, 2);
}

Test(prints, refuses_what_cannot_be_recognised)
{
    struct prints *p;
    struct tape t;
    char error[PRINTS_ERROR_MAX];
    cr_assert_eq(prints_open(&p), OK);
    tape_open(&t, 1);
    tape_silence(&t, 3000);
    cr_assert_eq(put(p, &t, "silence", error), ERR_INVALID);
    cr_assert(strstr(error, "'silence'"), "%s", error);
    tape_tone(&t, 1000, -10, 5000);
    cr_assert_eq(put(p, &t, "tone", error), ERR_INVALID);
    tape_close(&t);
    speech(&t, 3, 3);
    cr_assert_eq(put(p, &t, "no/such:name", error), ERR_INVALID);
    cr_assert_eq(put(p, &t, "", error), ERR_INVALID);
    cr_assert_eq(put(p, &t, "good", error), OK);
    cr_assert_eq(put(p, &t, "good", error), ERR_EXISTS);
    t.n = 900 * TAPE_PER_MS;
    cr_assert_eq(put(p, &t, "short", error), ERR_INVALID);
    tape_close(&t);
    speech(&t, 4, 65);
    cr_assert_eq(put(p, &t, "long", error), OK);
    cr_assert_eq(prints_info_of(p, 1)->ms, PRINTS_MS_MAX);
    tape_close(&t);
    cr_assert_eq(prints_remove(p, "none"), ERR_NOT_FOUND);
    cr_assert_eq(prints_remove(p, "good"), OK);
    cr_assert_eq(prints_count(p), 1);
    cr_assert_str_eq(prints_info_of(p, 0)->id, "long");
    prints_close(p);
}

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/prints_test.%d.%s", (int)getpid(), name);
    return path;
}

Test(prints, a_file_brings_the_library_back)
{
    struct prints *p = library(20), *q = NULL;
    char error[PRINTS_ERROR_MAX] = "";
    const char *path = path_of("lib");
    cr_assert_eq(prints_load(&q, path, error), ERR_NOT_FOUND);
    cr_assert(strstr(error, path), "%s", error);
    cr_assert_eq(prints_save(p, path, error), OK, "%s", error);
    cr_assert_eq(prints_load(&q, path, error), OK, "%s", error);
    cr_assert_eq(prints_count(q), 20);
    cr_assert_str_eq(prints_info_of(q, 7)->id, "r7");
    cr_assert_str_eq(prints_info_of(q, 7)->result, "vacant");
    cr_assert_str_eq(prints_info_of(q, 7)->language, "en");
    cr_assert_eq(prints_info_of(q, 7)->ms, SECONDS * 1000);
    cr_assert_eq(prints_size_of(q).keys, prints_size_of(p).keys);
    struct known k = hear(q, &tape_of[7], false, 0, DSP_EARLY);
    cr_assert_eq(k.count, 1);
    cr_assert_eq(k.index[0], 7);
    prints_close(q);
    unlink(path);
    cr_assert_eq(prints_save(p, "/nonexistent/folder/lib", error), ERR_IO);
    library_close(p, 20);
}

Test(prints, a_damaged_file_is_refused)
{
    static uint8_t bytes[1 << 16];
    struct prints *p = library(1), *q = NULL;
    char error[PRINTS_ERROR_MAX] = "";
    const char *path = path_of("damaged");
    cr_assert_eq(prints_save(p, path, error), OK, "%s", error);
    FILE *f = fopen(path, "rb");
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    unlink(path);
    for (size_t cut = 0; cut < len; cut += 97)
        cr_assert_neq(prints_parse(&q, bytes, cut, "cut", error), OK, "cut at %zu", cut);
    bytes[len / 2] ^= 1;
    cr_assert_eq(prints_parse(&q, bytes, len, "turned", error), ERR_INVALID);
    cr_assert(strstr(error, "damaged"), "%s", error);
    bytes[len / 2] ^= 1;
    bytes[8] = 9;
    cr_assert_eq(prints_parse(&q, bytes, len, "newer", error), ERR_UNSUPPORTED);
    bytes[8] = 1;
    cr_assert_eq(prints_parse(&q, bytes, len, "whole", error), OK, "%s", error);
    prints_close(q);
    library_close(p, 1);
}

/* Real prompts, where the Debian package is installed: any 1.5 s of one, at 10 dB of noise,
 * 3 % loss and three speeds. */
#define PROMPTS "/usr/share/asterisk/sounds/en_US_f_Allison"

static bool load(const char *path, struct tape *t)
{
    static int16_t pcm[30 * 8000];
    unsigned char head[44];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool plain = fread(head, 1, 44, f) == 44 && (head[24] | head[25] << 8) == 8000;
    size_t n = plain ? fread(pcm, 2, sizeof pcm / 2, f) : 0;
    fclose(f);
    float *at = tape_more(t, (double)n / TAPE_PER_MS);
    double sum = 1;
    for (size_t i = 0; i < n; i++) {
        at[i] = pcm[i];
        sum += (double)at[i] * (double)at[i];
    }
    double scale = pow(10, (-20 + 84.02) / 20) / sqrt(sum / (double)(n + 1));
    for (size_t i = 0; i < n; i++)
        at[i] *= (float)scale;
    return n > 3 * 8000;
}

Test(prints, prompts_in_noise)
{
    static const char *const names[] = {
        "agent-user",     "conf-getconfno",      "conf-hasjoin", "demo-echotest",
        "demo-nogo",      "demo-thanks",         "dir-intro",    "invalid",
        "privacy-prompt", "queue-thankyou",      "vm-intro",     "vm-options",
        "ss-noservice",   "pbx-invalid",         "vm-theperson", "queue-youarenext",
        "tt-weasels",     "an-error-has-occured"};
    enum { NAMES = sizeof names / sizeof *names };
    struct prints *p;
    struct tape t[NAMES] = {0};
    unsigned n = 0, hits = 0, wrong = 0, tried = 0;
    char error[PRINTS_ERROR_MAX], path[256];
    cr_assert_eq(prints_open(&p), OK);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, PROMPTS "/%s.wav", names[i]);
        tape_open(&t[n], i);
        if (load(path, &t[n]) && put(p, &t[n], names[i], error) == OK)
            n++;
        else
            tape_close(&t[n]);
    }
    if (n < 6) {
        for (unsigned i = 0; i < n; i++)
            tape_close(&t[i]);
        prints_close(p);
        cr_skip_test("asterisk-core-sounds-en-wav is not installed");
    }
    cr_assert_eq(prints_index(p), OK);
    for (unsigned i = 0; i < 12 * n; i++) {
        const struct tape *of = &t[i % n];
        struct tape s;
        tape_open(&s, 500 + i);
        tape_silence(&s, 400 + 10 * tape_random(&s));
        piece(&s, of, (tape_random(&s) + 1) / 2 * (tape_ms(of) - 1500), 1500,
              1 + 0.01 * (i % 3) - 0.01);
        tape_silence(&s, 300);
        tape_noise(&s, -30, 0);
        struct known k = hear(p, &s, i & 1, 0.03, DSP_EARLY);
        tape_close(&s);
        tried++;
        hits += k.count && k.index[0] == i % n;
        wrong += k.count && k.index[0] != i % n;
    }
    for (unsigned i = 0; i < n; i++)
        tape_close(&t[i]);
    prints_close(p);
    cr_assert_geq(hits * 100, tried * 95, "%u of %u recognised", hits, tried);
    cr_assert_eq(wrong, 0, "%u others named", wrong);
}

/* The cost of a block grows with equal keys, not with recordings, and is bounded. */
Test(prints, work_is_bounded)
{
    static struct prints_leg leg;
    static struct dsp_state state;
    struct prints *p = library(RECORDINGS);
    struct dsp_amd_config amd;
    struct tape t;
    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("us"), &amd);
    prints_leg_init(&leg, p);
    dsp_state_prints(&state, &leg);
    dsp_state_phase(&state, DSP_EARLY);
    speech(&t, 12, 60);
    for (size_t at = 0; at < t.n; at += DSP_BLOCK_SAMPLES) {
        int16_t block[DSP_BLOCK_SAMPLES];
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        line_block(&t, at, false, block);
        struct dsp_block b = {.state = &state, .samples = block};
        dsp_process(&b, 1, out);
    }
    struct prints_work w = prints_leg_work(&leg);
    cr_assert_eq(w.blocks, 3000);
    cr_assert(w.candidates > 0 && w.candidates < 256 * w.blocks, "%.1f candidates a block",
              (double)w.candidates / (double)w.blocks);
    cr_assert_lt(w.comparisons, 2 * w.blocks);
    tape_close(&t);
    library_close(p, RECORDINGS);
}
