/* `peal-bench accuracy`: which sets are judged, under which lines, and what is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/accuracy.h"
#include "bench/bench.h"

int bench_accuracy(struct bench *b);
int bench_accuracy_command(int argc, char **argv);

static const char help[] =
    "usage: peal-bench accuracy [--set SET] [--json FILE] [--seed N] [--scale X] [--mistakes "
    "FILE]\n"
    "       peal-bench accuracy --dir WAVDIR --labels FILE.csv [--plan NAME] [--json FILE]\n"
    "\n"
    "Plays labelled sounds into the engine's detectors and counts hits, misses, false events and\n"
    "delays by kind, with Wilson's intervals of 95 %.\n"
    "\n"
    "  --set SET         dtmf, tones, sit, fax, modem, beep (made here), amd, talkoff, prints (made\n"
    "                    by tools/corpus), or all (default)\n"
    "  --corpus DIR      where tools/corpus put its sets (default out/corpus)\n"
    "  --dir WAVDIR      judge this folder of WAV files instead, one condition: the line is µ-law\n"
    "  --labels FILE     its labels, CSV: file,kind,start_ms,end_ms,detail (a header is skipped)\n"
    "  --plan NAME       tone plan of files whose labels name none in detail (default us)\n"
    "  --law LAW         alaw, with --dir\n"
    "  --json FILE       one JSON array, an object for each set, condition and kind\n"
    "  --mistakes FILE   CSV of every miss, false event and wrong verdict\n"
    "  --seed N          of sounds and lines (default 1)\n"
    "  --scale X         so many times the number of trials of the sets made here (default 1)\n"
    "\n"
    "Kinds: dtmf, ring, busy, reorder, dial, sit, cng, ced, modem, preamble, clipping, echo,\n"
    "known (set prints only), beep, speech, music; human, machine, screener, announcement.\n"
    "\n"
    "How events and labels meet\n"
    "  - An event hits a label of its kind when the two overlap within 100 ms either side. A "
    "label\n"
    "    without hit is a miss; an event that overlaps no label of its kind is false.\n"
    "  - dtmf: the digit (detail) must be the same; one event a label: a second is false and\n"
    "    counted as doubled. beep and sit: one event a label, too. Other tones are said once a\n"
    "    cycle: further events within the label count for nothing.\n"
    "  - sit: detail ic, vc, ro, nc, ro_intra … or itu asks for the category, told apart; ced:\n"
    "    detail ans, ans_pr, ansam or ansam_pr.\n"
    "  - human, machine, screener, announcement are of a whole file, the first such label counts:\n"
    "    a hit when the first verdict is that; another verdict is a miss of it and, where it is\n"
    "    one of the four, false of what was said. unsure, silent and none are misses only. The\n"
    "    call is answered at the label's start; its end is the end of the first utterance.\n"
    "  - speech is hit when a talk spurt overlaps it; speech outside labels is not judged. music\n"
    "    has no hits; files of music are a condition of their own. Both are there for what is\n"
    "    falsely heard in them.\n"
    "  - known: 1.5 s from anywhere in a recording of the library; naming another one is right where\n"
    "    the samples heard are in it, too. false: of trials, those in which another is named.\n"
    "  - A beep in a file labelled machine and without a beep label is not judged.\n"
    "  - In the set talkoff each file is heard while the one before it is what we say, which does\n"
    "    not come back: echo told of it is false.\n"
    "  - Delays: dtmf, tones, cng, ced and verdicts from the label's start, sit and beep from its\n"
    "    end, to the end of the 20 ms block in which it was said. JSON has both.\n"
    "  - False events an hour are of all sound judged in that condition. After each file the line\n"
    "    stays open and quiet (2 s; 6 s with labels). end_ms of 0 means the file's end. Of stereo\n"
    "    files channel 1 is heard; rates other than 8 kHz are converted.\n"
    "\n"
    "Exit code: 0; 1 when files could not be read or written; 2 for wrong arguments. How good the\n"
    "figures are does not change it.\n"
    "\n"
    "examples:\n"
    "  peal-bench accuracy --set dtmf\n"
    "  tools/corpus && peal-bench accuracy --json out/accuracy.json\n"
    "  peal-bench accuracy --dir calls --labels calls/labels.csv --plan ru --mistakes wrong.csv\n";

static const struct acc_line amd_lines[] = {
    {.name = "as recorded, µ-law"},
    {.name = "A-law, noise -48 dBm0", .alaw = true, .noise_dbm0 = -48},
    {.name = "3 % loss", .loss = 0.03},
    {.name = "3 % loss in bursts", .loss = 0.03, .burst = 2.5},
    {.name = "-12 dB", .gain_db = -12},
    {.name = "clipped", .gain_db = 12, .clip_dbm0 = -9},
    {.name = "echo of our speech", .echo_db = 32},
    {.name = "3-7 s of digital zero first", .zero_ms = {3000, 7000}},
    {.name = "1-3 s of comfort noise first", .comfort_ms = {1000, 3000}},
};

static const struct acc_line talkoff_lines[] = {
    {.name = "as recorded, µ-law"},
    {.name = "A-law, 3 % loss", .alaw = true, .loss = 0.03},
};

static struct acc acc;

struct options {
    const char *set, *dir, *labels, *json, *mistakes, *corpus;
    bool alaw;
};

struct acc_condition *acc_condition(struct acc *a, const char *set, const char *name)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (strcmp(a->at[i].set, set) == 0 && strcmp(a->at[i].name, name) == 0)
            return &a->at[i];
    if (a->n == ACC_CONDITIONS_MAX) {
        fprintf(stderr, "peal-bench: more than %d conditions; \"%s\" is left out\n",
                ACC_CONDITIONS_MAX, name);
        return NULL;
    }
    struct acc_condition *c = &a->at[a->n++];

    snprintf(c->set, sizeof(c->set), "%s", set);
    snprintf(c->name, sizeof(c->name), "%s", name);
    return c;
}

static void acc_free(struct acc *a)
{
    for (uint32_t i = 0; i < a->n; i++)
        for (unsigned k = 0; k < ACC_KINDS; k++) {
            free(a->at[i].tally[k].from_start_ms);
            free(a->at[i].tally[k].from_end_ms);
        }
    a->n = 0;
}

static const char *const synthetic[] = {"dtmf", "tones", "sit", "fax", "modem", "beep"};

static bool wanted(const struct options *o, const char *name)
{
    return strcmp(o->set, "all") == 0 || strcmp(o->set, name) == 0;
}

static bool corpus_set(const struct options *o, const char *name, const struct acc_line *lines,
                       size_t count)
{
    char dir[4000], labels[4096];
    struct stat st;

    if (!wanted(o, name))
        return true;
    snprintf(dir, sizeof(dir), "%s/%s", o->corpus, name);
    snprintf(labels, sizeof(labels), "%s/labels.csv", dir);
    if (stat(labels, &st) != 0) {
        fprintf(stderr, "peal-bench: %s is not there; tools/corpus --set %s %s makes it\n", labels,
                name, o->corpus);
        return false;
    }
    fprintf(stderr, "accuracy: %s\n", name);
    acc.talk_over = strcmp(name, "talkoff") == 0;
    return acc_folder(&acc, name, dir, labels, lines, count);
}

static bool run_sets(const struct options *o)
{
    bool ok = true;

    for (size_t i = 0; i < sizeof(synthetic) / sizeof(synthetic[0]); i++)
        if (wanted(o, synthetic[i])) {
            fprintf(stderr, "accuracy: %s\n", synthetic[i]);
            acc_synthetic_set(&acc, synthetic[i]);
        }
    ok = corpus_set(o, "amd", amd_lines, sizeof(amd_lines) / sizeof(amd_lines[0])) && ok;
    ok =
        corpus_set(o, "talkoff", talkoff_lines, sizeof(talkoff_lines) / sizeof(talkoff_lines[0])) &&
        ok;
    if (wanted(o, "prints")) {
        fprintf(stderr, "accuracy: prints\n");
        ok = acc_prints_set(&acc, o->corpus) && ok;
    }
    return ok;
}

static bool run_folder(const struct options *o)
{
    struct acc_line line = {.name = o->alaw ? "A-law" : "µ-law", .alaw = o->alaw};

    return acc_folder(&acc, "folder", o->dir, o->labels, &line, 1);
}

static int wrong(const char *what, const char *arg)
{
    fprintf(stderr, "peal-bench: accuracy: %s \"%s\"; peal-bench accuracy --help tells more\n",
            what, arg);
    return 2;
}

static int check(const struct options *o)
{
    bool known = wanted(o, "amd") || wanted(o, "talkoff") || wanted(o, "prints");

    for (size_t i = 0; i < sizeof(synthetic) / sizeof(synthetic[0]); i++)
        known = known || wanted(o, synthetic[i]);
    if (!known)
        return wrong("there is no set", o->set);
    if (!o->dir != !o->labels)
        return wrong("--dir and --labels belong together; only one was given:",
                     o->dir ? o->dir : o->labels);
    if (!dsp_plan_find(acc.plan))
        return wrong("there is no tone plan", acc.plan);
    if (!(acc.scale > 0 && acc.scale <= 100))
        return wrong("--scale takes a number above 0 and up to 100, not", "");
    return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name, **value;
    } texts[] = {{"--set", &o->set},          {"--dir", &o->dir},    {"--labels", &o->labels},
                 {"--json", &o->json},        {"--plan", &acc.plan}, {"--corpus", &o->corpus},
                 {"--mistakes", &o->mistakes}};
    const size_t count = sizeof(texts) / sizeof(texts[0]);

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        while (k < count && strcmp(argv[i], texts[k].name) != 0)
            k++;
        bool number = strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--scale") == 0;
        bool law = strcmp(argv[i], "--law") == 0;

        if (k == count && !number && !law)
            return wrong("unknown option", argv[i]);
        if (i + 1 == argc)
            return wrong("a value is missing after", argv[i]);
        const char *option = argv[i], *value = argv[++i];

        if (k < count)
            *texts[k].value = value;
        else if (law && strcmp(value, "alaw") != 0 && strcmp(value, "ulaw") != 0)
            return wrong("--law is ulaw or alaw, not", value);
        else if (law)
            o->alaw = strcmp(value, "alaw") == 0;
        else if (strcmp(option, "--seed") == 0)
            acc.seed = strtoull(value, NULL, 10);
        else
            acc.scale = strtod(value, NULL);
    }
    return check(o);
}

static FILE *open_out(const char *path)
{
    FILE *f = path ? fopen(path, "w") : NULL;

    if (path && !f)
        fprintf(stderr, "peal-bench: cannot write %s: %s\n", path, strerror(errno));
    return f;
}

int bench_accuracy_command(int argc, char **argv)
{
    struct options o = {.set = "all", .corpus = "out/corpus"};

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
    acc = (struct acc){.seed = 1, .plan = "us", .scale = 1};
    int code = parse(argc, argv, &o);

    if (code)
        return code;
    FILE *json = open_out(o.json);

    acc.mistakes = open_out(o.mistakes);
    if ((o.json && !json) || (o.mistakes && !acc.mistakes)) {
        if (json)
            fclose(json);
        return 2;
    }
    if (acc.mistakes)
        fputs("set,condition,file,what,kind,start_ms,end_ms,detail\n", acc.mistakes);
    bool ok = o.dir ? run_folder(&o) : run_sets(&o);

    acc_print(&acc);
    if (json && (!acc_write_json(&acc, json) || fclose(json) != 0)) {
        fprintf(stderr, "peal-bench: %s could not be written whole\n", o.json);
        ok = false;
    }
    if (acc.mistakes && fclose(acc.mistakes) != 0) {
        fprintf(stderr, "peal-bench: %s could not be written whole\n", o.mistakes);
        ok = false;
    }
    acc_free(&acc);
    return ok ? 0 : 1;
}

/* As one of all benches: the sets made here, a tenth of their size, a row a kind. */
int bench_accuracy(struct bench *b)
{
    acc = (struct acc){.seed = 1, .plan = "us", .scale = 0.1};
    for (size_t i = 0; i < sizeof(synthetic) / sizeof(synthetic[0]); i++)
        acc_synthetic_set(&acc, synthetic[i]);
    for (uint32_t i = 0; i < acc.n; i++)
        for (unsigned k = 0; k < ACC_SPEECH; k++) {
            const struct acc_tally *t = &acc.at[i].tally[k];
            char name[BENCH_TEXT_MAX];

            if (t->labels == 0)
                continue;
            snprintf(name, sizeof(name), "%s, %s", acc.at[i].name, acc_kind_name((enum acc_kind)k));
            bench_add(b, "accuracy", name, 100.0 * t->hits / t->labels, "% hit", BENCH_HIGHER);
        }
    acc_free(&acc);
    return 0;
}
