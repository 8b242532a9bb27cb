/* Reading a script word by word. */
#include "sim/lint.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX  512
#define TEXT_MAX   256
#define GROUPS_MAX 8

enum kind { END, NAME, STRING, NUMBER, SIGN };

struct word {
    enum kind kind;
    struct slice text; /* of a string: what is between the quotes */
    uint32_t line;
};

struct lint {
    const struct flow_runtime *rt;
    const struct flow_script *script;
    lint_fn *report;
    void *arg;
    const char *at, *end;
    uint32_t line;
    struct word before2, before, now, next, next2;
    struct slice names[NAMES_MAX]; /* defined in the file */
    uint32_t name_count;
    char groups[GROUPS_MAX][16]; /* "store" */
    uint32_t group_count;
    bool look; /* second reading: names are known */
    struct slice call;
};

static void say(struct lint *l, uint32_t line, enum lint_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void say(struct lint *l, uint32_t line, enum lint_level level, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->report(l->arg, line, level, text);
}

/* ---- words ---- */

/* "[==[" at p: how many characters, or 0. */
static size_t long_open(const struct lint *l, const char *p)
{
    const char *q = p + 1;

    if (p >= l->end || *p != '[')
        return 0;
    while (q < l->end && *q == '=')
        q++;
    return q < l->end && *q == '[' ? (size_t)(q - p) + 1 : 0;
}

static void skip_long(struct lint *l, size_t open)
{
    char close[64] = "]";
    size_t n = open < sizeof close ? open : sizeof close - 1;

    memset(close + 1, '=', n - 2);
    close[n - 1] = ']';
    l->at += open;
    while (l->at < l->end) {
        if ((size_t)(l->end - l->at) >= n && memcmp(l->at, close, n) == 0) {
            l->at += n;
            return;
        }
        l->line += *l->at++ == '\n';
    }
}

static void skip_blanks(struct lint *l)
{
    while (l->at < l->end) {
        if (isspace((unsigned char)*l->at)) {
            l->line += *l->at++ == '\n';
        } else if (l->end - l->at > 1 && l->at[0] == '-' && l->at[1] == '-') {
            size_t open = long_open(l, l->at + 2);
            l->at += 2;
            if (open)
                skip_long(l, open);
            else
                while (l->at < l->end && *l->at != '\n')
                    l->at++;
        } else {
            return;
        }
    }
}

static struct word read_word(struct lint *l)
{
    skip_blanks(l);
    const char *start = l->at;
    struct word w = {.line = l->line};
    if (start >= l->end)
        return w;
    size_t open = long_open(l, start);
    if (open) {
        skip_long(l, open);
        w.kind = STRING;
        return w;
    }
    if (*start == '"' || *start == '\'') {
        l->at++;
        while (l->at < l->end && *l->at != *start && *l->at != '\n')
            l->at += *l->at == '\\' && l->end - l->at > 1 ? 2 : 1;
        w.kind = STRING;
        w.text = slice_of(start + 1, (size_t)(l->at - start - 1));
        l->at += l->at < l->end;
        return w;
    }
    if (isalpha((unsigned char)*start) || *start == '_') {
        while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '_'))
            l->at++;
        w.kind = NAME;
    } else if (isdigit((unsigned char)*start)) {
        while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '.'))
            l->at++;
        w.kind = NUMBER;
    } else {
        l->at++;
        w.kind = SIGN;
    }
    w.text = slice_of(start, (size_t)(l->at - start));
    return w;
}

static void advance(struct lint *l)
{
    l->before2 = l->before;
    l->before = l->now;
    l->now = l->next;
    l->next = l->next2;
    l->next2 = read_word(l);
}

static void rewind_to(struct lint *l, struct slice text)
{
    l->at = text.p;
    l->end = text.p + text.len;
    l->line = 1;
    l->before2 = l->before = (struct word){0};
    l->now = read_word(l);
    l->next = read_word(l);
    l->next2 = read_word(l);
}

static bool is(struct word w, const char *text)
{
    return (w.kind == NAME || w.kind == SIGN) && slice_eq(w.text, slice_cstr(text));
}

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
    if (l->name_count < NAMES_MAX && !known(l, name))
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
    if (known(l, group) || l->group_count == GROUPS_MAX ||
        slice_copy(group, l->groups[l->group_count], sizeof l->groups[0]) != OK)
        return;
    define(l, slice_cstr(l->groups[l->group_count++]));
}

/* Parameters up to the ")"; l->now is what follows "function". */
static void define_parameters(struct lint *l, bool run)
{
    while (l->now.kind != END && !is(l->now, "("))
        advance(l);
    advance(l);
    if (run && l->now.kind == NAME)
        l->call = l->now.text;
    for (; l->now.kind != END && !is(l->now, ")"); advance(l))
        if (l->now.kind == NAME)
            define(l, l->now.text);
}

/* First reading: what the file itself defines. Scopes are not told apart. */
static void collect(struct lint *l)
{
    for (; l->now.kind != END; advance(l)) {
        if (is(l->now, "local") || is(l->now, "for")) {
            for (advance(l); l->now.kind == NAME || is(l->now, ",") || is(l->now, "<");
                 advance(l)) {
                if (is(l->now, "function"))
                    break;
                define(l, l->now.text);
            }
        }
        if (is(l->now, "function")) {
            bool run = is(l->before, "=") && is(l->before2, "run");
            advance(l);
            if (l->now.kind == NAME)
                define(l, l->now.text);
            define_parameters(l, run);
        } else if (l->now.kind == NAME && is(l->next, "=") && !is(l->next2, "=")) {
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
        say(l, l->now.line, LINT_ERROR, "there is no '" SLICE_FMT "." SLICE_FMT "'",
            SLICE_ARG(search.group), SLICE_ARG(search.name));
}

static bool ends(struct slice s, const char *ending)
{
    uint32_t n = (uint32_t)strlen(ending);

    return s.len > n && memcmp(s.p + s.len - n, ending, n) == 0;
}

/* Every text that reads like the name of a sound file must be one. */
static void check_file(struct lint *l, struct word file)
{
    char path[256];

    if (!ends(file.text, ".wav") && !ends(file.text, ".ulaw") && !ends(file.text, ".alaw") &&
        !ends(file.text, ".sln"))
        return;
    if (flow_sounds_count(l->rt) == 0 || slice_copy(file.text, path, sizeof path) != OK)
        return;
    if (!flow_sounds_has(l->rt, path))
        say(l, file.line, LINT_ERROR, "there is no sound file '%s' in the audio folder", path);
}

static void check_folder(struct lint *l, struct word folder)
{
    char path[256];

    if (folder.kind != STRING || flow_sounds_count(l->rt) == 0 ||
        slice_copy(folder.text, path, sizeof path) != OK)
        return;
    if (!flow_sounds_has_folder(l->rt, path))
        say(l, folder.line, LINT_ERROR, "there are no sound files in the audio folder's %s/", path);
}

/* The "{ … }" that begins at l->at's words `now`, `next`…: a copy of the reader looks through it.
 */
static bool has_key(const struct lint *l, const char *const keys[])
{
    struct lint copy = *l;
    int depth = 0;

    for (; copy.now.kind != END; advance(&copy)) {
        if (is(copy.now, "{"))
            depth++;
        if (is(copy.now, "}") && --depth == 0)
            return false;
        for (const char *const *k = keys; depth == 1 && *k; k++)
            if (is(copy.now, *k) && is(copy.next, "="))
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

    advance(&copy);
    while (copy.now.kind == NAME && is(copy.next, "=") && copy.next2.kind == NUMBER) {
        char text[32];
        if (slice_copy(copy.next2.text, text, sizeof text) != OK)
            return;
        sum += strtod(text, NULL);
        count++;
        for (int i = 0; i < 3; i++)
            advance(&copy);
        if (is(copy.now, ",") || is(copy.now, ";"))
            advance(&copy);
    }
    if (count == 0 || !is(copy.now, "}"))
        return;
    if (sum <= 0)
        say(&copy, l->now.line, LINT_ERROR, "the weights add up to nothing");
    else if ((sum > 0.9 && sum < 1.1 && fabs(sum - 1) > 1e-6) ||
             (sum > 90 && sum < 110 && fabs(sum - 100) > 1e-6))
        say(&copy, l->now.line, LINT_WARNING, "the weights add up to %g, not to %d", sum,
            sum > 2 ? 100 : 1);
}

/* A name without a dot is a prompt's. */
static void check_prompt(struct lint *l, struct word w)
{
    char name[128], missing[32];

    if (w.kind != STRING || !l->script || slice_find(w.text, '.') >= 0 ||
        slice_copy(w.text, name, sizeof name) != OK)
        return;
    flow_script_prompt_missing(l->rt, l->script, name, missing, sizeof missing);
    if (missing[0])
        say(l, w.line, LINT_ERROR,
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

    while (table.now.kind != END && !is(table.now, ")") && !is(table.now, "{"))
        advance(&table);
    if (is(table.now, "{") && has_key(&table, loop) && !has_key(&table, ends_it))
        say(l, l->now.line, LINT_ERROR,
            "call:play with loop has no limit: give limit, or background = true");
}

/* What a verb needs and was not given. */
static void check_needs(struct lint *l)
{
    static const char *const keys[] = {"keys", NULL};
    struct lint table = *l;
    bool empty = is(l->next, "(") && is(l->next2, ")");

    if ((is(l->now, "wait") || is(l->now, "wait_hangup") || is(l->now, "silence")) && empty)
        say(l, l->now.line, LINT_ERROR, "call:" SLICE_FMT " needs a time in seconds",
            SLICE_ARG(l->now.text));
    if (is(l->now, "wait_answer") && empty)
        say(l, l->now.line, LINT_WARNING,
            "call:wait_answer has no limit of its own: the default holds");
    advance(&table);
    if (is(l->now, "menu") && is(l->next, "{") && !has_key(&table, keys))
        say(l, l->now.line, LINT_ERROR, "call:menu needs keys: those that it takes");
    if (is(l->now, "play"))
        check_loop(l);
}

/* l->now is the verb's name in `call:name`. */
static void check_verb(struct lint *l)
{
    static const char *const limits[] = {"limit", "max", NULL};
    struct verb_search search = {.name = l->now.text};

    flow_each_verb(true, match_verb, &search);
    if (!search.found) {
        say(l, l->now.line, LINT_ERROR, "the call has no verb '" SLICE_FMT "'",
            SLICE_ARG(l->now.text));
        return;
    }
    check_needs(l);
    if ((is(l->now, "listen") || is(l->now, "record")) && is(l->next, "{")) {
        struct lint table = *l;
        advance(&table);
        if (!has_key(&table, limits))
            say(l, l->now.line, LINT_WARNING,
                "call:" SLICE_FMT " has no limit of its own: the default holds",
                SLICE_ARG(l->now.text));
    }
}

static bool starts_call(struct word w)
{
    return is(w, "(") || is(w, "{") || w.kind == STRING;
}

static void check_name(struct lint *l)
{
    if (!starts_call(l->next))
        return;
    if (is(l->now, "pick"))
        check_folder(l, is(l->next, "(") ? l->next2 : l->next);
    if (is(l->now, "choose") && is(l->next, "{")) {
        struct lint table = *l;
        advance(&table);
        check_weights(&table);
    }
    if (!known(l, l->now.text))
        say(l, l->now.line, LINT_ERROR, "nothing is called '" SLICE_FMT "' here",
            SLICE_ARG(l->now.text));
}

static void check(struct lint *l)
{
    for (; l->now.kind != END; advance(l)) {
        if (l->now.kind == STRING) {
            check_file(l, l->now);
            bool option =
                is(l->before, "=") && (is(l->before2, "prompt") || is(l->before2, "wrong"));
            bool played = is(l->before, "play") || (is(l->before, "(") && is(l->before2, "play"));
            if ((option || played) && !is(l->next, ".")) /* ".." puts the name together */
                check_prompt(l, l->now);
        }
        if (l->now.kind != NAME)
            continue;
        if (is(l->before, ":") && l->before2.kind == NAME && slice_eq(l->before2.text, l->call))
            check_verb(l);
        else if (is(l->before, ".") && l->before2.kind == NAME)
            check_member(l);
        else if (!is(l->before, ".") && !is(l->before, ":"))
            check_name(l);
    }
}

void lint_script(const struct flow_runtime *rt, const struct flow_script *script, struct slice text,
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
    rewind_to(l, text);
    collect(l);
    rewind_to(l, text);
    check(l);
    free(l);
}
