/* What the files of the report share; nobody else includes it. */
#ifndef PEAL_SIM_REPORT_PARTS_H
#define PEAL_SIM_REPORT_PARTS_H

#include <stdio.h>

#include "base/json.h"
#include "sim/figures.h"

struct report {
    const struct outcome *outcome;
    const struct figures *figures;
    const char *dir;
    uint32_t *order; /* indices of calls by group, leg and attempt: the same in every run */
    uint32_t count;
};

static inline const struct outcome_call *report_call(const struct report *r, uint32_t i)
{
    return &r->outcome->call[r->order[i]];
}

/* Each writes one file; false with the reason on stderr. */
bool report_junit(const struct report *r, const char *path);
bool report_csv(const struct report *r, const char *path);
bool report_json(const struct report *r, const char *path);
bool report_html(const struct report *r, const char *path);

/* Closes f (NULL: it could not be opened); false and a sentence where the file is not whole. */
bool report_close(const struct outcome *o, const char *path, FILE *f);
/* Why a call without failed checks counts as failed: "refused with 486", "timeout"; "" when it does
 * not. */
void report_why(const struct outcome_call *c, char *dst, size_t cap);
/* A script's error that is not one of its failed checks already told. */
bool report_error_is_new(const struct outcome_call *c);
/* The number called, without scheme and host. Returns dst. */
const char *report_number(const struct outcome_call *c, char *dst, size_t cap);
const char *report_ender(enum call_ender by); /* "this side", "far side", "network", "nobody" */

/* report_data.c: the figures as members of the object that is open. `all`: with ladders, waveforms
 * and the scripts' lines as the HTML page wants them. */
void report_data(const struct report *r, struct json *j, bool all);

#endif
