/* peal-sim check: scripts, mixes and suites are looked over before any call. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flow/flow.h"
#include "media/sound.h"
#include "sim/lint.h"
#include "sim/mix.h"
#include "sim/options.h"
#include "sim/rows.h"
#include "sim/sim.h"
#include "sim/suite.h"

#define PROGRAM  "peal-sim check"
#define SEEN_MAX 512 /* scripts that suites and mixes name; each is looked into once */

struct checker {
    struct loop loop;
    struct sound_cache *sounds;
    struct flow_runtime *rt;
    const char *path;
    char folder[256]; /* of scenarios, for mixes */
    uint32_t files, warnings, errors;
    char *seen[SEEN_MAX];
    uint32_t seen_count;
};

static void report(void *arg, uint32_t line, enum lint_level level, const char *text)
{
    struct checker *c = arg;

    printf("%s:%u: %s: %s\n", c->path, line, level == LINT_ERROR ? "error" : "warning", text);
    if (level == LINT_ERROR)
        c->errors++;
    else
        c->warnings++;
}

static char *read_file(const char *path, size_t most, size_t *len)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(most + 1) : NULL;

    if (text)
        *len = fread(text, 1, most, f);
    if (f)
        fclose(f);
    return text;
}

static int check_script(struct checker *c)
{
    char why[FLOW_TEXT_MAX];
    struct flow_script *script;
    size_t len = 0;
    enum err e = flow_script_load(c->rt, c->path, &script, why);

    if (e != OK) {
        printf("%s%s\n", strncmp(why, c->path, strlen(c->path)) == 0 ? "" : "error: ", why);
        c->errors++;
        return e == ERR_NOT_FOUND || e == ERR_IO ? SIM_CONFIG : SIM_PASS;
    }
    char *text = read_file(c->path, FLOW_SCRIPT_MAX, &len);
    if (!text) {
        fprintf(stderr, PROGRAM ": %s: %s\n", c->path, strerror(errno));
        return SIM_CONFIG;
    }
    lint_script(c->rt, script, slice_of(text, len), report, c);
    free(text);
    return SIM_PASS;
}

/* A script that a suite or a mix names: its faults are told with its own lines. */
static void check_named(struct checker *c, uint32_t line, const char *path)
{
    const char *namer = c->path;
    char text[600];
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(text, sizeof text, "there is no script %s", path);
        report(c, line, LINT_ERROR, text);
        return;
    }
    for (uint32_t i = 0; i < c->seen_count; i++)
        if (strcmp(c->seen[i], path) == 0)
            return;
    if (c->seen_count < SEEN_MAX && (c->seen[c->seen_count] = strdup(path)))
        c->seen_count++;
    c->path = path;
    check_script(c);
    c->path = namer;
}

static void check_scenario(struct checker *c, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s%s.lua", c->folder, strchr(name, '/') ? "" : "callees/",
             name);
    check_named(c, 0, path);
}

static int check_mix(struct checker *c)
{
    char error[MIX_ERROR_MAX], text[128];
    struct mix *m;
    double sum = 0;
    enum err e = mix_load(&m, c->path, error);

    if (e != OK) {
        printf("%s\n", error);
        c->errors++;
        return e == ERR_NOT_FOUND ? SIM_CONFIG : SIM_PASS;
    }
    for (uint32_t i = 0; i < mix_scenario_count(m); i++) {
        check_scenario(c, mix_scenario(m, i));
        sum += mix_weight(m, i);
    }
    check_scenario(c, mix_agent_scenario(m));
    bool near = (sum > 0.9 && sum < 1.1) || (sum > 90 && sum < 110);
    double whole = sum > 2 ? 100 : 1;
    if (near && fabs(sum - whole) > 1e-6) {
        snprintf(text, sizeof text, "the weights add up to %g, not to %g", sum, whole);
        report(c, 0, LINT_WARNING, text);
    }
    mix_free(m);
    return SIM_PASS;
}

/* Names in braces that are neither n, nor callees, nor a column of the group's data. */
static void check_fields(struct checker *c, uint32_t line, const char *text,
                         const struct rows *rows)
{
    const struct flow_field *row = rows ? rows_at(rows, 0) : NULL;
    char said[600];

    for (const char *p = text; (p = strchr(p, '{')); p++) {
        struct slice name = slice_of(p + 1, strcspn(p + 1, "}"));
        bool known = slice_eq(name, SLICE("n")) || slice_eq(name, SLICE("callees"));

        for (uint32_t i = 0; row && i < rows_columns(rows); i++)
            known |= slice_eq(name, slice_cstr(row[i].name));
        if (known)
            continue;
        snprintf(said, sizeof said, "'%.200s': " SLICE_FMT " is %s", text, SLICE_ARG(name),
                 rows ? "no column of its data" : "nothing: there is no data to take it from");
        report(c, line, LINT_ERROR, said);
    }
}

static void check_callers(struct checker *c, const struct suite_callers *k)
{
    char error[ROWS_ERROR_MAX];
    struct rows *rows = NULL;

    check_named(c, k->line, k->scenario);
    if (k->data && rows_load(&rows, k->data, error) != OK) {
        report(c, k->line, LINT_ERROR, error);
        return;
    }
    check_fields(c, k->line, k->to, rows);
    check_fields(c, k->line, k->from, rows);
    rows_free(rows);
}

/* The suite itself; its mix, by the suite's own folder of scenarios; and all that callers name. */
static int check_suite(struct checker *c)
{
    const struct suite_options options = {0};
    char error[SUITE_ERROR_MAX];
    const char *path = c->path;
    struct suite *s;
    int rc = SIM_PASS;

    if (suite_load(&s, path, &options, error) != OK) {
        printf("%s\n", error);
        c->errors++;
        return SIM_PASS;
    }
    for (uint32_t i = 0; i < s->caller_groups; i++)
        check_callers(c, &s->callers[i]);
    if (s->mix) {
        char before[sizeof c->folder];
        memcpy(before, c->folder, sizeof before);
        snprintf(c->folder, sizeof c->folder, "%s", s->scenarios);
        c->path = s->mix;
        rc = check_mix(c);
        memcpy(c->folder, before, sizeof before);
        c->path = path;
    }
    suite_free(s);
    return rc;
}

static int check_yaml(struct checker *c)
{
    size_t len = 0;
    char *text = read_file(c->path, MIX_FILE_MAX, &len);
    bool suite = text && suite_is_one(slice_of(text, len));

    free(text);
    return suite ? check_suite(c) : check_mix(c);
}

static int check_one(struct checker *c, const char *path)
{
    size_t len = strlen(path);

    c->path = path;
    c->files++;
    if (len > 4 && strcmp(path + len - 4, ".lua") == 0)
        return check_script(c);
    if ((len > 5 && strcmp(path + len - 5, ".yaml") == 0) ||
        (len > 4 && strcmp(path + len - 4, ".yml") == 0))
        return check_yaml(c);
    fprintf(stderr, PROGRAM ": %s: only scripts (.lua), mixes and suites (.yaml) can be checked\n",
            path);
    return SIM_CONFIG;
}

static int open_checker(struct checker *c, const char *audio)
{
    struct stat st;
    struct flow_config config = {.loop = &c->loop, .simulator = true, .audio_root = audio};

    if (!audio && stat("out/audio", &st) == 0)
        config.audio_root = "out/audio";
    if (sound_cache_open(&c->sounds, 0) != OK)
        return SIM_CONFIG;
    config.sounds = c->sounds;
    if (flow_runtime_open(&c->rt, &config) == OK)
        return SIM_PASS;
    fprintf(stderr, PROGRAM ": --audio %s is no folder that can be read\n",
            config.audio_root ? config.audio_root : "");
    return SIM_CONFIG;
}

static int check_all(struct checker *c, char **paths, int count)
{
    int rc = SIM_PASS;

    for (int i = 1; i <= count; i++) {
        int one = check_one(c, paths[i]);
        if (one > rc)
            rc = one;
    }
    printf("%u files, %u errors, %u warnings%s\n", c->files, c->errors, c->warnings,
           flow_sounds_count(c->rt) ? "" : " (no audio folder: sound files were not looked for)");
    if (rc == SIM_PASS && c->errors)
        rc = SIM_FAILED;
    return rc;
}

int sim_check(int argc, char **argv)
{
    const char *audio = NULL, *scenarios = "scenarios";
    const struct option_row rows[] = {
        {"audio", "DIR", "sound files (out/audio)", OPTION_TEXT, {.text = &audio}, 0, false},
        {"scenarios",
         "DIR",
         "where a mix finds its scripts (scenarios)",
         OPTION_TEXT,
         {.text = &scenarios},
         0,
         false},
    };
    const struct options options = {
        PROGRAM,
        "faults in scripts, mixes and suites, before any call; exit code 1 when there are errors",
        "FILE…",
        "  peal-sim check scenarios/callees/*.lua scenarios/mixes/demo.yaml\n"
        "  peal-sim check scenarios/suites/self.yaml\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int count;
    int code = options_parse(&options, argc, argv, &count);

    if (code != OPTIONS_GO_ON)
        return code;
    if (count == 0) {
        fprintf(stderr, PROGRAM ": which files? " PROGRAM " FILE…\n");
        return SIM_CONFIG;
    }
    struct checker *c = calloc(1, sizeof *c);
    if (!c)
        return SIM_CONFIG;
    snprintf(c->folder, sizeof c->folder, "%s", scenarios);
    int rc = open_checker(c, audio);
    if (rc == SIM_PASS)
        rc = check_all(c, argv, count);
    for (uint32_t i = 0; i < c->seen_count; i++)
        free(c->seen[i]);
    if (c->rt)
        flow_runtime_close(c->rt);
    if (c->sounds)
        sound_cache_close(c->sounds);
    free(c);
    return rc;
}
