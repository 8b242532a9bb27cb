/* The set prints: are known recordings named from 1.5 s of them, and nothing else?
 *
 * The library is every prompt of the corpus' folder prints. A trial is 1.5 s from anywhere in one
 * of them, after a second of a quiet line and before 0.4 s of it; every second trial is answered.
 * Two prompts of a library may be one sound: naming the other one is right when the very samples
 * that were heard until then are in it, at the place that was said (their waveforms agree by
 * SAME_WAVE), which is judged from the prompts, not from what the recogniser keeps of them. The
 * same words said once more are another recording.
 *
 * Not to be named: prompts of the same speakers left out of the library, and the other voices of
 * the corpus' folder talkoff. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/accuracy.h"
#include "dsp/prints.h"
#include "media/recording.h"

#define PROMPTS_MAX 1024
#define PROMPT_MS   2000 /* shorter ones are no announcements */
#define TRIALS      1000 /* a condition */
#define BEFORE_MS   1000
#define HEARD_MS    1500
#define AFTER_MS    400
#define QUIET_DBM0  (-70.0)
#define SAME_WAVE   0.9f
#define SLIP_MS     60 /* the place said may be so far off */
#define LEFT_OUT    5  /* each fifth, where some are */
#define TAPS        16
#define MS          (DSP_RATE_HZ / 1000)

struct prompt {
    char name[PRINTS_ID_MAX];
    int16_t *pcm;
    size_t n;
};

struct prompts {
    struct prompt at[PROMPTS_MAX];
    uint32_t n;
    struct prints *library;
    uint16_t of_library[PROMPTS_MAX]; /* its recording → prompt */
    struct prints_leg leg;
};

struct trial {
    struct prompts *p;
    uint32_t prompt, from_ms;
    double speed;
    bool right;
    uint32_t right_at_ms, wrong;
    char named[PRINTS_ID_MAX]; /* the first wrong one */
};

static const struct speed_line {
    struct acc_line line;
    double speed;
} lines[] = {
    {{.name = "µ-law"}, 1},
    {{.name = "A-law", .alaw = true}, 1},
    {{.name = "1 % faster"}, 1.01},
    {{.name = "1 % slower"}, 0.99},
    {{.name = "3 % loss", .loss = 0.03}, 1},
    {{.name = "SNR 10 dB", .snr_db = 10}, 1},
    {{.name = "SNR 10 dB, 3 % loss, µ-law", .snr_db = 10, .loss = 0.03}, 1},
    {{.name = "SNR 10 dB, 3 % loss, A-law, 1 % faster", .alaw = true, .snr_db = 10, .loss = 0.03},
     1.01},
    {{.name = "SNR 10 dB, 3 % loss, µ-law, 1 % slower", .snr_db = 10, .loss = 0.03}, 0.99},
};

/* ---- the prompts ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct prompt *)a)->name, ((const struct prompt *)b)->name);
}

static bool load_prompt(struct prompts *p, const char *dir, const char *file)
{
    char path[8192], message[RECORDING_ERROR_MAX];
    struct recording rec;
    struct prompt *to = &p->at[p->n];
    size_t name = strcspn(file, ".");

    if (name == 0 || name >= sizeof(to->name) || strcmp(file + name, ".wav") != 0)
        return true;
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    if (recording_load(&rec, path, 0, message) != OK) {
        fprintf(stderr, "peal-bench: %s\n", message);
        return false;
    }
    *to = (struct prompt){.n = (size_t)rec.length_ms * MS};
    memcpy(to->name, file, name);
    to->pcm = malloc(to->n * sizeof(*to->pcm));
    if (to->pcm)
        memcpy(to->pcm, rec.pcm, to->n * sizeof(*to->pcm));
    recording_free(&rec);
    if (to->pcm && to->n >= (size_t)PROMPT_MS * MS)
        p->n++;
    else
        free(to->pcm);
    return to->pcm != NULL;
}

static bool load_prompts(struct prompts *p, const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool ok = d != NULL;

    if (!d)
        fprintf(stderr, "peal-bench: %s: %s; tools/corpus --set prints makes it\n", dir,
                strerror(errno));
    while (ok && (e = readdir(d)) != NULL && p->n < PROMPTS_MAX)
        ok = load_prompt(p, dir, e->d_name);
    if (d)
        closedir(d);
    if (ok && p->n < LEFT_OUT) {
        fprintf(stderr, "peal-bench: %s holds %u prompts of two seconds; that is no library\n", dir,
                p->n);
        return false;
    }
    qsort(p->at, p->n, sizeof(p->at[0]), by_name);
    return ok;
}

/* Of all prompts, or but for each fifth. */
static bool make_library(struct prompts *p, bool whole)
{
    char error[PRINTS_ERROR_MAX] = "no memory";
    enum err e = OK;

    prints_close(p->library);
    p->library = NULL;
    e = prints_open(&p->library);
    for (uint32_t i = 0; i < p->n && e == OK; i++) {
        struct prints_info info = {.result = "announcement"};

        if (!whole && i % LEFT_OUT == 0)
            continue;
        memcpy(info.id, p->at[i].name, sizeof(info.id));
        p->of_library[prints_count(p->library)] = (uint16_t)i;
        e = prints_add(p->library, &info, p->at[i].pcm, p->at[i].n, error);
        if (e == ERR_INVALID) { /* little sound in it: the library says so to everybody */
            fprintf(stderr, "peal-bench: left out: %s\n", error);
            e = OK;
        }
    }
    if (e == OK)
        e = prints_index(p->library);
    if (e != OK)
        fprintf(stderr, "peal-bench: the library of prompts: %s\n", error);
    return e == OK;
}

static void prompts_free(struct prompts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        free(p->at[i].pcm);
    prints_close(p->library);
    free(p);
}

/* ---- a trial ---- */

/* A sample between samples: sinc in a Hann window. */
static float between(const struct prompt *p, double x)
{
    long at = lrint(floor(x));
    double sum = 0;

    for (long k = at - TAPS / 2 + 1; k <= at + TAPS / 2; k++) {
        double d = x - (double)k;
        double sinc = fabs(d) < 1e-9 ? 1 : sin(M_PI * d) / (M_PI * d);

        if (k >= 0 && (size_t)k < p->n)
            sum += p->pcm[k] * sinc * (0.5 + 0.5 * cos(2 * M_PI * d / TAPS));
    }
    return (float)sum;
}

/* Whether n samples of a are in b at that place: their best correlation near it. */
static bool same_wave(const struct prompt *a, long from, const struct prompt *b, long place, long n)
{
    for (long slip = -SLIP_MS * MS; slip <= SLIP_MS * MS; slip++) {
        float ab = 0, aa = 0, bb = 0;

        for (long i = 0; i < n; i++) {
            long j = place + slip + i;
            float x = from + i < (long)a->n ? a->pcm[from + i] : 0;
            float y = j >= 0 && j < (long)b->n ? b->pcm[j] : 0;

            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        if (ab > SAME_WAVE * sqrtf(aa * bb))
            return true;
    }
    return false;
}

static void on_heard(void *arg, const struct dsp_event *e, uint32_t at_ms)
{
    struct trial *t = arg;

    if (e->kind != DSP_KNOWN)
        return;
    uint32_t named = t->p->of_library[e->freq_hz[0]];
    double heard_ms = at_ms > BEFORE_MS ? at_ms - BEFORE_MS : 0;
    long played = lrint(heard_ms < HEARD_MS ? heard_ms : HEARD_MS) * MS;
    long place = lrint(e->freq_hz[1] * 10.0 - heard_ms * t->speed) * MS;
    bool right = named == t->prompt || same_wave(&t->p->at[t->prompt], (long)t->from_ms * MS,
                                                 &t->p->at[named], place, played);

    if (right && !t->right) {
        t->right = true;
        t->right_at_ms = at_ms;
    } else if (!right && t->wrong++ == 0) {
        memcpy(t->named, t->p->at[named].name, sizeof(t->named));
    }
}

/* Plays the trial's 1.5 s down the line. */
static bool play(const struct acc *a, const struct acc_line *line, struct trial *t, uint64_t number,
                 struct rng *r)
{
    const struct prompt *p = &t->p->at[t->prompt];
    size_t n = (size_t)(BEFORE_MS + HEARD_MS + AFTER_MS) * MS;
    double quiet = pow(10, (QUIET_DBM0 + 84.02) / 20) * sqrt(3);
    struct acc_sound s = {.s = malloc(n * sizeof(float)), .n = n};
    struct recording rec;
    uint32_t lead_ms;

    if (!s.s)
        return false;
    t->from_ms = rng_below(r, (uint32_t)(p->n / MS) - HEARD_MS + 1);
    for (size_t i = 0; i < n; i++) {
        s.s[i] = (float)(quiet * rng_uniform(r, -1, 1));
        if (i >= (size_t)BEFORE_MS * MS && i < (size_t)(BEFORE_MS + HEARD_MS) * MS)
            s.s[i] += between(p, (double)t->from_ms * MS +
                                     (double)(i - (size_t)BEFORE_MS * MS) * t->speed);
    }
    bool ok = acc_line_record(&rec, line, &s, r, &lead_ms);

    free(s.s);
    if (!ok)
        return false;
    prints_leg_init(&t->p->leg, t->p->library);
    recording_hear(&rec,
                   &(struct recording_line){.plan = dsp_plan_find(a->plan),
                                            .answered_ms = number % 2 ? 0 : RECORDING_NEVER,
                                            .prints = &t->p->leg},
                   on_heard, NULL, t);
    recording_free(&rec);
    return true;
}

static void mistake(struct acc *a, const struct acc_condition *c, const struct trial *t,
                    const char *what)
{
    if (a->mistakes)
        fprintf(a->mistakes, "%s,%s,%s,%s,known,%u,%u,%s\n", c->set, c->name,
                t->p->at[t->prompt].name, what, t->from_ms, t->from_ms + HEARD_MS, t->named);
}

/* left_out: prompts that are not in the library are played; all that is named but a twin is wrong.
 */
static bool condition(struct acc *a, struct prompts *p, const struct acc_line *line, double speed,
                      bool left_out)
{
    struct acc_condition *c =
        acc_condition(a, "prints", left_out ? "not in the library" : line->name);
    uint32_t trials = (uint32_t)(TRIALS * a->scale + 0.5);

    for (uint32_t i = 0; c && i < trials; i++) {
        struct trial t = {.p = p, .speed = speed};
        struct rng r;

        rng_seed_stream(&r, a->seed, slice_cstr("prints"), i);
        t.prompt = rng_below(&r, p->n);
        if (left_out)
            t.prompt -= t.prompt % LEFT_OUT;
        if (!play(a, line, &t, i, &r))
            return false;
        struct acc_tally *k = &c->tally[ACC_KNOWN];

        if (!left_out)
            k->labels++;
        k->trials++;
        k->wrong += t.wrong != 0;
        c->hours += (BEFORE_MS + HEARD_MS + AFTER_MS) / 3.6e6;
        if (t.wrong)
            mistake(a, c, &t, "false");
        if (left_out)
            continue;
        k->hits += t.right;
        if (t.right)
            acc_delay(k, (float)t.right_at_ms - BEFORE_MS,
                      (float)t.right_at_ms - BEFORE_MS - HEARD_MS);
        else
            mistake(a, c, &t, "miss");
    }
    return c != NULL;
}

/* ---- other speech ---- */

struct talk {
    struct prompts *p;
    struct acc *a;
    struct acc_condition *c;
    const char *file;
};

static void on_talk(void *arg, const struct dsp_event *e, uint32_t at_ms)
{
    struct talk *t = arg;

    if (e->kind != DSP_KNOWN)
        return;
    t->c->tally[ACC_KNOWN].wrong++;
    if (t->a->mistakes)
        fprintf(t->a->mistakes, "%s,%s,%s,false,known,%u,%u,%s\n", t->c->set, t->c->name, t->file,
                e->start_ms, at_ms, t->p->at[t->p->of_library[e->freq_hz[0]]].name);
}

/* Files of talkoff that are made of the library's own prompts are none of it. */
static bool is_other(const char *file)
{
    return strncmp(file, "asterisk-core-sounds-en", 23) != 0 &&
           strncmp(file, "asterisk-core-sounds-es", 23) != 0;
}

static bool talk_file(struct talk *t, const char *dir, const struct acc_line *line, uint64_t number)
{
    char path[8192], message[RECORDING_ERROR_MAX];
    struct recording rec, heard;
    struct acc_sound s = {0};
    struct rng r;
    uint32_t lead_ms;

    snprintf(path, sizeof(path), "%s/%s", dir, t->file);
    if (recording_load(&rec, path, 0, message) != OK) {
        fprintf(stderr, "peal-bench: %s\n", message);
        return false;
    }
    s.n = (size_t)rec.length_ms * MS;
    s.s = malloc((s.n ? s.n : 1) * sizeof(*s.s));
    for (size_t i = 0; s.s && i < s.n; i++)
        s.s[i] = rec.pcm[i];
    recording_free(&rec);
    rng_seed_stream(&r, t->a->seed, slice_cstr("prints talk"), number);
    bool ok = s.s && acc_line_record(&heard, line, &s, &r, &lead_ms);

    free(s.s);
    if (!ok)
        return false;
    prints_leg_init(&t->p->leg, t->p->library);
    recording_hear(&heard,
                   &(struct recording_line){.plan = dsp_plan_find(t->a->plan),
                                            .answered_ms = number % 2 ? 0 : RECORDING_NEVER,
                                            .prints = &t->p->leg},
                   on_talk, NULL, t);
    t->c->hours += heard.blocks * (double)DSP_BLOCK_MS / 3.6e6;
    t->c->files++;
    recording_free(&heard);
    return true;
}

static bool talk(struct acc *a, struct prompts *p, const char *dir, const struct acc_line *line)
{
    char name[ACC_NAME_MAX];
    struct dirent **list = NULL;
    int n = scandir(dir, &list, NULL, alphasort);
    bool ok = n >= 0;

    snprintf(name, sizeof(name), "other speech and music, %.30s", line->name);
    struct talk t = {.p = p, .a = a, .c = acc_condition(a, "prints", name)};

    if (n < 0)
        fprintf(stderr, "peal-bench: %s: %s; tools/corpus --set talkoff makes it\n", dir,
                strerror(errno));
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(list[i]->d_name, '.');

        t.file = list[i]->d_name;
        if (ok && t.c && dot && strcmp(dot, ".wav") == 0 && is_other(t.file))
            ok = talk_file(&t, dir, line, (uint64_t)i);
        free(list[i]);
    }
    free(list);
    if (t.c)
        t.c->tally[ACC_KNOWN].heard = true;
    return ok && t.c;
}

bool acc_prints_set(struct acc *a, const char *corpus)
{
    static const struct acc_line talk_lines[] = {
        {.name = "µ-law"}, {.name = "A-law, 3 % loss", .alaw = true, .loss = 0.03}};
    char prompts[4096], talkoff[4096];
    struct prompts *p = calloc(1, sizeof(*p));

    if (!p)
        return false;
    snprintf(prompts, sizeof(prompts), "%.4000s/prints", corpus);
    snprintf(talkoff, sizeof(talkoff), "%.4000s/talkoff", corpus);
    bool ok = load_prompts(p, prompts) && make_library(p, true);

    for (size_t i = 0; ok && i < sizeof(lines) / sizeof(lines[0]); i++)
        ok = condition(a, p, &lines[i].line, lines[i].speed, false);
    for (size_t i = 0; ok && i < sizeof(talk_lines) / sizeof(talk_lines[0]); i++)
        ok = talk(a, p, talkoff, &talk_lines[i]);
    ok = ok && make_library(p, false) && condition(a, p, &lines[0].line, 1, true);
    prompts_free(p);
    return ok;
}
