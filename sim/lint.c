/* What the words of a script say. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "media/sound.h"
#include "sim/lint_inner.h"

/* ---- names ---- */

static bool known(const struct lint *l, struct slice name)
{
    for (uint32_t i = 0; i < l->name_count; i++)
        if (slice_eq(l->names[i], name))
            return true;
    return false;
}

static void define(struct lint *l, struct slice name)
{
    if (l->name_count < LINT_NAMES_MAX && !known(l, name))
        l->names[l->name_count++] = name;
}

/* "exp", and "store" of "store.get". Names without a group stay where they are. */
static void define_word(void *arg, const char *name)
{
    if (strncmp(name, "call:", 5) == 0)
        return;
    struct lint *l = arg;
    const char *dot = strchr(name, '.');
    if (!dot) {
        define(l, slice_cstr(name));
        return;
    }
    struct slice group = slice_of(name, (size_t)(dot - name));
    if (known(l, group) || l->group_count == LINT_GROUPS_MAX ||
        slice_copy(group, l->groups[l->group_count], sizeof l->groups[0]) != OK)
        return;
    define(l, slice_cstr(l->groups[l->group_count++]));
}

/* Parameters up to the ")"; l->now is what follows "function". */
static void define_parameters(struct lint *l, bool run)
{
    while (l->now.kind != LINT_END && !lint_is(l->now, "("))
        lint_advance(l);
    lint_advance(l);
    if (run && l->now.kind == LINT_NAME)
        l->call = l->now.text;
    for (; l->now.kind != LINT_END && !lint_is(l->now, ")"); lint_advance(l))
        if (l->now.kind == LINT_NAME)
            define(l, l->now.text);
}

/* First reading: what the file itself defines. Scopes are not told apart. */
static void collect(struct lint *l)
{
    for (; l->now.kind != LINT_END; lint_advance(l)) {
        if (lint_is(l->now, "local") || lint_is(l->now, "for")) {
            for (lint_advance(l);
                 l->now.kind == LINT_NAME || lint_is(l->now, ",") || lint_is(l->now, "<");
                 lint_advance(l)) {
                if (lint_is(l->now, "function"))
                    break;
                define(l, l->now.text);
            }
        }
        if (lint_is(l->now, "function")) {
            bool run = lint_is(l->before, "=") && lint_is(l->before2, "run");
            lint_advance(l);
            if (l->now.kind == LINT_NAME)
                define(l, l->now.text);
            define_parameters(l, run);
        } else if (l->now.kind == LINT_NAME && lint_is(l->next, "=") && !lint_is(l->next2, "=")) {
            define(l, l->now.text); /* a global, or a field: no difference here */
        }
    }
}

/* ---- checks ---- */

struct verb_search {
    struct slice group; /* "store" */
    struct slice name;
    bool group_found, found;
};

static void match_verb(void *arg, const char *name)
{
    struct verb_search *s = arg;

    if (strncmp(name, "call:", 5) == 0 && slice_eq(s->name, slice_cstr(name + 5)))
        s->found = true;
}

static void match_member(void *arg, const char *name)
{
    struct verb_search *s = arg;
    const char *dot = strchr(name, '.');

    if (!dot || !slice_eq(s->group, slice_of(name, (size_t)(dot - name))))
        return;
    s->group_found = true;
    if (slice_eq(s->name, slice_cstr(dot + 1)))
        s->found = true;
}

/* l->now is `get` of `store.get`. */
static void check_member(struct lint *l)
{
    struct verb_search search = {.group = l->before2.text, .name = l->now.text};

    flow_each_verb(true, match_member, &search);
    if (search.group_found && !search.found)
        lint_say(l, l->now.line, LINT_ERROR, "there is no '" SLICE_FMT "." SLICE_FMT "'",
                 SLICE_ARG(search.group), SLICE_ARG(search.name));
}

static bool ends(struct slice s, const char *ending)
{
    uint32_t n = (uint32_t)strlen(ending);

    return s.len > n && memcmp(s.p + s.len - n, ending, n) == 0;
}

/* Every text that reads like the name of a sound file must be one. */
static void check_file(struct lint *l, struct lint_word file)
{
    char path[256], why[SOUND_ERROR_MAX];

    if (!ends(file.text, ".wav") && !ends(file.text, ".ulaw") && !ends(file.text, ".alaw") &&
        !ends(file.text, ".sln"))
        return;
    if (flow_sounds_count(l->rt) == 0 || slice_copy(file.text, path, sizeof path) != OK)
        return;
    if (!flow_sounds_has(l->rt, path))
        lint_say(l, file.line, LINT_ERROR, "there is no sound file '%s' in the audio folder", path);
    else if (flow_sound_load(l->rt, path, why) != OK)
        lint_say(l, file.line, LINT_ERROR, "%s", why);
}

/* Captured packets, likewise. */
static void check_packets(struct lint *l, struct lint_word file)
{
    char path[256], why[256];

    if (ends(file.text, ".rtpdump") && flow_has_folder(l->rt) &&
        slice_copy(file.text, path, sizeof path) == OK && flow_packets_load(l->rt, path, why) != OK)
        lint_say(l, file.line, LINT_ERROR, "packets '%s': %s", path, why);
}

static void check_folder(struct lint *l, struct lint_word folder)
{
    char path[256];

    if (folder.kind != LINT_STRING || flow_sounds_count(l->rt) == 0 ||
        slice_copy(folder.text, path, sizeof path) != OK)
        return;
    if (!flow_sounds_has_folder(l->rt, path))
        lint_say(l, folder.line, LINT_ERROR, "there are no sound files in the audio folder's %s/",
                 path);
}

/* The "{ … }" that begins at l->at's words `now`, `next`…: a copy of the reader looks through it.
 */
static bool has_key(const struct lint *l, const char *const keys[])
{
    struct lint copy = *l;
    int depth = 0;

    for (; copy.now.kind != LINT_END; lint_advance(&copy)) {
        if (lint_is(copy.now, "{"))
            depth++;
        if (lint_is(copy.now, "}") && --depth == 0)
            return false;
        for (const char *const *k = keys; depth == 1 && *k; k++)
            if (lint_is(copy.now, *k) && lint_is(copy.next, "="))
                return true;
    }
    return true; /* no end: Lua would have said */
}

/* choose { name = number, … }: the sum, when all of it is literal. */
static void check_weights(const struct lint *l)
{
    struct lint copy = *l;
    double sum = 0;
    uint32_t count = 0;

    lint_advance(&copy);
    while (copy.now.kind == LINT_NAME && lint_is(copy.next, "=") &&
           copy.next2.kind == LINT_NUMBER) {
        char text[32];
        if (slice_copy(copy.next2.text, text, sizeof text) != OK)
            return;
        sum += strtod(text, NULL);
        count++;
        for (int i = 0; i < 3; i++)
            lint_advance(&copy);
        if (lint_is(copy.now, ",") || lint_is(copy.now, ";"))
            lint_advance(&copy);
    }
    if (count == 0 || !lint_is(copy.now, "}"))
        return;
    if (sum <= 0)
        lint_say(&copy, l->now.line, LINT_ERROR, "the weights add up to nothing");
    else if ((sum > 0.9 && sum < 1.1 && fabs(sum - 1) > 1e-6) ||
             (sum > 90 && sum < 110 && fabs(sum - 100) > 1e-6))
        lint_say(&copy, l->now.line, LINT_WARNING, "the weights add up to %g, not to %d", sum,
                 sum > 2 ? 100 : 1);
}

/* A name without a dot is a prompt's. */
static void check_prompt(struct lint *l, struct lint_word w)
{
    char name[128], missing[32];

    if (w.kind != LINT_STRING || !l->script || slice_find(w.text, '.') >= 0 ||
        slice_copy(w.text, name, sizeof name) != OK)
        return;
    flow_script_prompt_missing(l->rt, l->script, name, missing, sizeof missing);
    if (missing[0])
        lint_say(
            l, w.line, LINT_ERROR,
            "prompt '%s' has neither a file prompts/%s.LANG.wav nor a text in the script's prompts "
            "for: %s",
            name, name, missing);
}

/* call:play("…", { loop = true }) that nothing would end. */
static void check_loop(struct lint *l)
{
    static const char *const loop[] = {"loop", NULL}, *const ends_it[] = {"limit", "background",
                                                                          NULL};
    struct lint table = *l;

    while (table.now.kind != LINT_END && !lint_is(table.now, ")") && !lint_is(table.now, "{"))
        lint_advance(&table);
    if (lint_is(table.now, "{") && has_key(&table, loop) && !has_key(&table, ends_it))
        lint_say(l, l->now.line, LINT_ERROR,
                 "call:play with loop has no limit: give limit, or background = true");
}

/* What a verb needs and was not given. */
static void check_needs(struct lint *l)
{
    static const char *const keys[] = {"keys", NULL};
    struct lint table = *l;
    bool empty = lint_is(l->next, "(") && lint_is(l->next2, ")");

    if ((lint_is(l->now, "wait") || lint_is(l->now, "wait_hangup") || lint_is(l->now, "silence")) &&
        empty)
        lint_say(l, l->now.line, LINT_ERROR, "call:" SLICE_FMT " needs a time in seconds",
                 SLICE_ARG(l->now.text));
    if (lint_is(l->now, "wait_answer") && empty)
        lint_say(l, l->now.line, LINT_WARNING,
                 "call:wait_answer has no limit of its own: the default holds");
    lint_advance(&table);
    if (lint_is(l->now, "menu") && lint_is(l->next, "{") && !has_key(&table, keys))
        lint_say(l, l->now.line, LINT_ERROR, "call:menu needs keys: those that it takes");
    if (lint_is(l->now, "play"))
        check_loop(l);
}

/* l->now is the verb's name in `call:name`. */
static void check_verb(struct lint *l)
{
    static const char *const limits[] = {"limit", "max", NULL};
    struct verb_search search = {.name = l->now.text};

    flow_each_verb(true, match_verb, &search);
    if (!search.found) {
        lint_say(l, l->now.line, LINT_ERROR, "the call has no verb '" SLICE_FMT "'",
                 SLICE_ARG(l->now.text));
        return;
    }
    check_needs(l);
    lint_options(l);
    if ((lint_is(l->now, "listen") || lint_is(l->now, "record")) && lint_is(l->next, "{")) {
        struct lint table = *l;
        lint_advance(&table);
        if (!has_key(&table, limits))
            lint_say(l, l->now.line, LINT_WARNING,
                     "call:" SLICE_FMT " has no limit of its own: the default holds",
                     SLICE_ARG(l->now.text));
    }
}

static bool starts_call(struct lint_word w)
{
    return lint_is(w, "(") || lint_is(w, "{") || w.kind == LINT_STRING;
}

static void check_name(struct lint *l)
{
    if (!starts_call(l->next))
        return;
    if (lint_is(l->now, "pick"))
        check_folder(l, lint_is(l->next, "(") ? l->next2 : l->next);
    if (lint_is(l->now, "choose") && lint_is(l->next, "{")) {
        struct lint table = *l;
        lint_advance(&table);
        check_weights(&table);
    }
    if (!known(l, l->now.text))
        lint_say(l, l->now.line, LINT_ERROR, "nothing is called '" SLICE_FMT "' here",
                 SLICE_ARG(l->now.text));
}

static void check(struct lint *l)
{
    for (; l->now.kind != LINT_END; lint_advance(l)) {
        if (l->now.kind == LINT_STRING) {
            check_file(l, l->now);
            check_packets(l, l->now);
            bool option = lint_is(l->before, "=") &&
                          (lint_is(l->before2, "prompt") || lint_is(l->before2, "wrong"));
            bool played = lint_is(l->before, "play") ||
                          (lint_is(l->before, "(") && lint_is(l->before2, "play"));
            if ((option || played) && !lint_is(l->next, ".")) /* ".." puts the name together */
                check_prompt(l, l->now);
        }
        if (l->now.kind != LINT_NAME)
            continue;
        if (lint_is(l->before, ":") && l->before2.kind == LINT_NAME &&
            slice_eq(l->before2.text, l->call))
            check_verb(l);
        else if (lint_is(l->before, ".") && l->before2.kind == LINT_NAME)
            check_member(l);
        else if (!lint_is(l->before, ".") && !lint_is(l->before, ":"))
            check_name(l);
    }
}

void lint_script(struct flow_runtime *rt, const struct flow_script *script, struct slice text,
                 lint_fn *report, void *arg)
{
    /* Lua's own words that may stand before "(" or "{", and the library that scripts have. */
    static const char *const given[] = {
        "and",      "or",     "not",      "return",       "if",           "elseif",   "while",
        "until",    "in",     "do",       "then",         "else",         "function", "local",
        "for",      "end",    "break",    "goto",         "repeat",       "true",     "false",
        "nil",      "assert", "error",    "getmetatable", "setmetatable", "ipairs",   "pairs",
        "pcall",    "print",  "rawequal", "rawget",       "rawlen",       "select",   "tonumber",
        "tostring", "type",   "string",   "table",        "math",         "utf8",     "_G",
        NULL};
    struct lint *l = calloc(1, sizeof *l);

    if (!l)
        return;
    *l = (struct lint){
        .rt = rt, .script = script, .report = report, .arg = arg, .call = SLICE("call")};
    for (const char *const *g = given; *g; g++)
        define(l, slice_cstr(*g));
    flow_each_verb(true, define_word, l);
    lint_rewind(l, text);
    collect(l);
    lint_rewind(l, text);
    check(l);
    free(l);
}
