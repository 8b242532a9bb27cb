/* Command lines: a table of options, filled in from argv, with the help written from the same
 * table. "--name value" and "--name=value"; what is wrong is said in one sentence on stderr. */
#ifndef PEAL_SIM_OPTIONS_H
#define PEAL_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG };

struct option_row {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for it in the help: "FILE.jsonl"; NULL: a flag */
    const char *help;
    enum option_kind kind;
    union {
        const char **text;
        uint64_t *number;
        bool *flag;
    };
    uint64_t max; /* of a number */
    bool required;
};

struct options {
    const char *program, *does; /* "peal-sim serve", what it is for */
    const char *arguments;      /* "FILE…" or NULL: none are taken */
    const char *examples;
    const struct option_row *rows;
    uint32_t count;
};

#define OPTIONS_GO_ON (-1)

/* OPTIONS_GO_ON, or what to exit with: help was asked for and shown, or something is wrong and
 * said. What is no option is kept, in order, at the front of argv from index 1; *arguments of them.
 */
int options_parse(const struct options *o, int argc, char **argv, int *arguments);
void options_help(const struct options *o, FILE *out);

/* "20000-20999". */
bool options_port_range(const char *text, uint16_t *lo, uint16_t *hi);

#endif
