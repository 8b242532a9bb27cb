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
#include "sim/sim.h"
#include "sim/suite.h"

#define PROGRAM "peal-sim check"

struct checker {
    struct loop loop;
    struct sound_cache *sounds;
    struct flow_runtime *rt;
    const char *path;
    char folder[256]; /* of scenarios, for mixes */
    uint32_t files, warnings, errors;
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

static void check_scenario(struct checker *c, const char *name)
{
    char path[512], text[600];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s%s.lua", c->folder, strchr(name, '/') ? "" : "callees/",
             name);
    if (stat(path, &st) == 0)
        return;
    snprintf(text, sizeof text, "there is no script %s", path);
    report(c, 0, LINT_ERROR, text);
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

static void check_file(struct checker *c, uint32_t line, const char *path)
{
    char text[600];
    struct stat st;

    if (!path || (stat(path, &st) == 0 && S_ISREG(st.st_mode)))
        return;
    snprintf(text, sizeof text, "there is no file %s", path);
    report(c, line, LINT_ERROR, text);
}

/* The suite itself; its mix, by the suite's own folder of scenarios; and the files of callers. */
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
    for (uint32_t i = 0; i < s->caller_groups; i++) {
        check_file(c, s->callers[i].line, s->callers[i].scenario);
        check_file(c, s->callers[i].line, s->callers[i].data);
    }
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
    if (c->rt)
        flow_runtime_close(c->rt);
    if (c->sounds)
        sound_cache_close(c->sounds);
    free(c);
    return rc;
}
