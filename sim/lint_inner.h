/* A script that is looked over, as the files of the checker share it: lint_words.c (its words),
 * lint.c (what they say), lint_options.c (option tables whose values are written out). Private to
 * them. */
#ifndef PEAL_SIM_LINT_INNER_H
#define PEAL_SIM_LINT_INNER_H

#include "sim/lint.h"

#define LINT_NAMES_MAX  512
#define LINT_TEXT_MAX   256
#define LINT_GROUPS_MAX 8

enum lint_kind { LINT_END, LINT_NAME, LINT_STRING, LINT_NUMBER, LINT_SIGN };

struct lint_word {
    enum lint_kind kind;
    struct slice text; /* of a string: what is between the quotes */
    uint32_t line;
};

struct lint {
    struct flow_runtime *rt;
    const struct flow_script *script;
    lint_fn *report;
    void *arg;
    const char *at, *end;
    uint32_t line;
    struct lint_word before2, before, now, next, next2;
    struct slice names[LINT_NAMES_MAX]; /* defined in the file */
    uint32_t name_count;
    char groups[LINT_GROUPS_MAX][16]; /* "store" */
    uint32_t group_count;
    bool look; /* second reading: names are known */
    struct slice call;
};

void lint_say(struct lint *l, uint32_t line, enum lint_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* To the next word; to the beginning of a text. */
void lint_advance(struct lint *l);
void lint_rewind(struct lint *l, struct slice text);
bool lint_is(struct lint_word w, const char *text); /* a name or a sign */

/* l->now is the name of a verb of the call. */
void lint_options(struct lint *l);

#endif
