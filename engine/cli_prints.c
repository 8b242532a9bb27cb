/* `peal prints`: the library of known recordings: add, list, test, remove. A library is small and
 * read whole; each change writes it whole and renames it into place. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "call/result.h"
#include "dsp/dsp.h"
#include "dsp/prints.h"
#include "media/sound.h"

static const char help[] =
    "usage: peal prints add LIB FILE.wav --id ID --result LABEL [--language xx]\n"
    "       peal prints list LIB\n"
    "       peal prints test LIB FILE.wav [--json]\n"
    "       peal prints remove LIB ID\n"
    "\n"
    "A library of known recordings: announcements of networks, greetings of mailboxes. A campaign\n"
    "that names it (prints: LIB) recognises them by sound, before and after answer, and takes the\n"
    "result of a call from them. add makes the library when it is not there; at least a second of\n"
    "speech is needed, of long files the first minute is kept. LABEL is a result such as vacant,\n"
    "unreachable, busy, machine, announcement. test plays a file as a line would hear it and says\n"
    "what is recognised, when, and where in the recording; exit code 1 when nothing is. Both say\n"
    "which recordings of the library hold 1.5 s of the same sound as that one (twins): from that\n"
    "while a line may be named as either, so they should mean the same result.\n"
    "\n"
    "examples:\n"
    "  peal prints add lib.prints off.wav --id ru-switched-off --result unreachable --language ru\n"
    "  peal prints test lib.prints call-recording.wav\n";

#define TWINS_SAID 16

struct arguments {
    const char *verb, *lib, *third, *id, *result, *language;
    bool json;
};

static int failed(const char *error)
{
    fprintf(stderr, "peal prints: %s\n", error);
    return EXIT_FAILED;
}

/* The samples of a file, copied, because the cache goes. NULL: error is set. */
static int16_t *load_samples(const char *path, size_t *samples, char *error)
{
    struct sound_cache *cache;
    const struct sound *sound;
    int16_t *pcm = NULL;

    if (sound_cache_open(&cache, 0) != OK) {
        snprintf(error, SOUND_ERROR_MAX, "no memory for sounds");
        return NULL;
    }
    if (sound_load(cache, path, &sound, error) == OK) {
        *samples = sound->samples;
        pcm = malloc((size_t)sound->samples * sizeof(*pcm));
        if (pcm)
            memcpy(pcm, sound->pcm, (size_t)sound->samples * sizeof(*pcm));
        else
            snprintf(error, SOUND_ERROR_MAX, "%.120s: no memory for it", path);
        sound_unref(sound);
    }
    sound_cache_close(cache);
    return pcm;
}

static bool set_name(char *dst, size_t cap, const char *text)
{
    size_t len = strlen(text);

    if (len >= cap)
        return false;
    memcpy(dst, text, len + 1);
    return true;
}

/* Other recordings that hold the same sound. */
static void say_twins(FILE *f, const struct prints *p, uint32_t index)
{
    struct prints_twin twin[TWINS_SAID];
    const struct prints_info *one = prints_info_of(p, index);
    uint32_t n = prints_twins(p, index, twin, TWINS_SAID);

    for (uint32_t i = 0; i < n; i++) {
        const struct prints_info *other = prints_info_of(p, twin[i].index);

        fprintf(f, "%s: twin of %s: %.1f s are the same, from %.2f s on (there %.2f s)%s\n",
                one->id, other->id, twin[i].ms / 1000.0, twin[i].from_ms / 1000.0,
                twin[i].there_ms / 1000.0,
                strcmp(one->result, other->result) == 0 ? ""
                                                        : "; their results differ, and the sound "
                                                          "cannot tell which is meant");
    }
    if (n == TWINS_SAID)
        fprintf(f, "%s: there may be more twins than these %d\n", one->id, TWINS_SAID);
}

static int add(const struct arguments *a)
{
    char error[SOUND_ERROR_MAX > PRINTS_ERROR_MAX ? SOUND_ERROR_MAX : PRINTS_ERROR_MAX] = "";
    struct prints_info info = {0};
    struct prints *p = NULL;
    enum result label;
    size_t samples = 0;
    int16_t *pcm = NULL;
    enum err e;

    if (!a->third || !a->id || !a->result)
        return cli_missing("prints", !a->third ? "FILE.wav" : !a->id ? "--id" : "--result");
    if (result_parse(slice_cstr(a->result), &label) != OK || label <= RESULT_NO_TRUNK) {
        fprintf(stderr,
                "peal prints: '%s' is no result a recording can give; choose one of vacant, "
                "changed, busy, no_answer, unreachable, rejected, congestion, machine, "
                "mailbox_full, ivr, screener, announcement\n",
                a->result);
        return EXIT_USAGE;
    }
    if (!set_name(info.id, sizeof(info.id), a->id) ||
        !set_name(info.result, sizeof(info.result), a->result) ||
        !set_name(info.language, sizeof(info.language), a->language ? a->language : "")) {
        fprintf(stderr, "peal prints: the id may have %d characters, the language %d\n",
                PRINTS_ID_MAX - 1, PRINTS_LANGUAGE_MAX - 1);
        return EXIT_USAGE;
    }
    e = prints_load(&p, a->lib, error);
    if (e == ERR_NOT_FOUND)
        e = prints_open(&p);
    if (e == OK && !(pcm = load_samples(a->third, &samples, error)))
        e = ERR_INVALID;
    if (e == OK)
        e = prints_add(p, &info, pcm, samples, error);
    if (e == OK)
        e = prints_save(p, a->lib, error);
    if (e == OK && prints_index(p) == OK)
        say_twins(stderr, p, prints_count(p) - 1);
    if (e == OK)
        printf("%s: %.1f s added to %s, which holds %u now\n", info.id,
               prints_info_of(p, prints_count(p) - 1)->ms / 1000.0, a->lib, prints_count(p));
    free(pcm);
    prints_close(p);
    return e == OK ? EXIT_DONE : failed(error);
}

static int list(const struct arguments *a)
{
    char error[PRINTS_ERROR_MAX] = "";
    struct prints *p;

    if (prints_load(&p, a->lib, error) != OK)
        return failed(error);
    printf("%-36s %-14s %-8s %8s %6s\n", "id", "result", "language", "seconds", "solid");
    for (uint32_t i = 0; i < prints_count(p); i++) {
        const struct prints_info *r = prints_info_of(p, i);

        printf("%-36s %-14s %-8s %8.1f %5u%%\n", r->id, r->result,
               r->language[0] ? r->language : "-", r->ms / 1000.0, r->solid);
    }
    prints_close(p);
    return EXIT_DONE;
}

static int remove_one(const struct arguments *a)
{
    char error[PRINTS_ERROR_MAX] = "";
    struct prints *p;
    enum err e;

    if (!a->third)
        return cli_missing("prints", "ID");
    if (prints_load(&p, a->lib, error) != OK)
        return failed(error);
    e = prints_remove(p, a->third);
    if (e != OK)
        snprintf(error, sizeof(error), "%.100s holds no recording '%.60s'; list it to see the ids",
                 a->lib, a->third);
    else
        e = prints_save(p, a->lib, error);
    if (e == OK)
        printf("%s: removed from %s, which holds %u now\n", a->third, a->lib, prints_count(p));
    prints_close(p);
    return e == OK ? EXIT_DONE : failed(error);
}

static void say(const struct prints *p, const struct dsp_event *e, bool json)
{
    const struct prints_info *r = prints_info_of(p, e->freq_hz[0]);
    double offset = e->freq_hz[1] * PRINTS_FRAME_MS / 1000.0;
    char line[512];
    struct buf b = buf_on(line, sizeof(line));
    struct json j;

    if (!json) {
        printf("%7.2f s  %s (%s%s%s), %.2f s into it, heard from %.2f s on, confidence %.2f\n",
               e->end_ms / 1000.0, r->id, r->result, r->language[0] ? ", " : "", r->language,
               offset, e->start_ms / 1000.0, (double)e->confidence);
        return;
    }
    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "id", r->id);
    json_cstr(&j, "result", r->result);
    json_cstr(&j, "language", r->language);
    json_u64(&j, "at_ms", e->end_ms);
    json_u64(&j, "start_ms", e->start_ms);
    json_u64(&j, "offset_ms", (uint64_t)e->freq_hz[1] * PRINTS_FRAME_MS);
    json_num(&j, "confidence", (double)e->confidence);
    json_end(&j);
    printf("%.*s\n", (int)b.len, line);
}

/* Once each. */
static void say_twins_once(const struct prints *p, uint32_t index)
{
    static bool said[PRINTS_RECORDINGS_MAX];

    if (!said[index])
        say_twins(stderr, p, index);
    said[index] = true;
}

/* Through the detectors as a call before answer would, with half a second of silence after. */
static uint32_t play(const struct prints *p, const int16_t *pcm, size_t samples, bool json)
{
    static struct prints_leg leg;
    static struct dsp_state state;
    struct dsp_amd_config amd;
    uint32_t found = 0;

    dsp_amd_defaults(&amd);
    dsp_state_init(&state, dsp_plan_find("itu"), &amd);
    prints_leg_init(&leg, p);
    dsp_state_prints(&state, &leg);
    dsp_state_phase(&state, DSP_EARLY);
    for (size_t at = 0; at < samples + DSP_RATE_HZ / 2; at += DSP_BLOCK_SAMPLES) {
        int16_t block[DSP_BLOCK_SAMPLES] = {0};
        struct dsp_event out[DSP_EVENTS_PER_LEG_MAX];
        struct dsp_block b = {.state = &state, .samples = block};
        size_t left = at < samples ? samples - at : 0;
        size_t n;

        memcpy(block, pcm + (left ? at : 0),
               (left < DSP_BLOCK_SAMPLES ? left : DSP_BLOCK_SAMPLES) * sizeof(*block));
        n = dsp_process(&b, 1, out);
        for (size_t i = 0; i < n; i++)
            if (out[i].kind == DSP_KNOWN) {
                say(p, &out[i], json);
                say_twins_once(p, out[i].freq_hz[0]);
                found++;
            }
    }
    return found;
}

static int test(const struct arguments *a)
{
    char error[SOUND_ERROR_MAX > PRINTS_ERROR_MAX ? SOUND_ERROR_MAX : PRINTS_ERROR_MAX] = "";
    struct prints *p = NULL;
    size_t samples = 0;
    int16_t *pcm;
    uint32_t found;

    if (!a->third)
        return cli_missing("prints", "FILE.wav");
    if (prints_load(&p, a->lib, error) != OK) {
        failed(error);
        return EXIT_USAGE;
    }
    pcm = load_samples(a->third, &samples, error);
    if (!pcm) {
        prints_close(p);
        failed(error);
        return EXIT_USAGE;
    }
    found = play(p, pcm, samples, a->json);
    if (!found && !a->json)
        printf("nothing of %s is in %s\n", a->third, a->lib);
    free(pcm);
    prints_close(p);
    return found ? EXIT_DONE : EXIT_FAILED;
}

/* A value of an option, or NULL and a message. */
static const char *value(int argc, char **argv, int *i)
{
    if (*i + 1 < argc)
        return argv[++*i];
    cli_missing("prints", argv[*i]);
    return NULL;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    const char **place[] = {&a->verb, &a->lib, &a->third};
    unsigned n = 0;

    for (int i = 1; i < argc; i++) {
        const char **option = strcmp(argv[i], "--id") == 0         ? &a->id
                              : strcmp(argv[i], "--result") == 0   ? &a->result
                              : strcmp(argv[i], "--language") == 0 ? &a->language
                                                                   : NULL;
        if (option) {
            *option = value(argc, argv, &i);
            if (!*option)
                return false;
        } else if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
        } else if (argv[i][0] != '-' && n < 3) {
            *place[n++] = argv[i];
        } else {
            cli_unknown("prints", argv[i]);
            return false;
        }
    }
    return true;
}

int cli_prints(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct arguments *a);
    } verbs[] = {{"add", add}, {"list", list}, {"test", test}, {"remove", remove_one}};
    struct arguments a = {0};

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (!read_arguments(argc, argv, &a))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (a.verb && strcmp(a.verb, verbs[i].name) == 0)
            return a.lib ? verbs[i].run(&a) : cli_missing("prints", "LIB");
    return cli_unknown("prints", a.verb ? a.verb : argv[1]);
}
