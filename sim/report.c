/* The report of a run. Here: JUnit XML, a test case for each group of the suite, so that a CI
 * server shows what failed and why. */
#include "sim/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FAILURES_SHOWN 20 /* calls of one group */

static void put_escaped(FILE *f, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        switch (c) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(c < 0x20 && c != '\n' && c != '\t' ? ' ' : c, f);
        }
    }
}

/* What went wrong in the calls of a group, a line each. */
static void put_failures(FILE *f, const struct outcome *o, uint32_t group)
{
    uint32_t shown = 0;

    for (uint32_t i = 0; i < o->calls && shown < FAILURES_SHOWN; i++) {
        const struct outcome_call *c = &o->call[i];
        if (c->group != group)
            continue;
        for (uint32_t k = 0; k < c->failed_count; k++) {
            put_escaped(f, c->failed[k]);
            fputc('\n', f);
            shown++;
        }
        if (c->error[0]) {
            put_escaped(f, c->error);
            fputc('\n', f);
            shown++;
        } else if (!c->succeeded && !c->failed_count) {
            put_escaped(f, c->number);
            fprintf(f, ": %s, SIP %u\n", flow_outcome_name(c->outcome), c->code);
            shown++;
        }
    }
}

static void put_group(FILE *f, const struct outcome *o, uint32_t i)
{
    const struct outcome_group *g = &o->group[i];

    fputs("  <testcase classname=\"", f);
    put_escaped(f, o->suite);
    fputs("\" name=\"", f);
    put_escaped(f, g->name);
    fprintf(f, "\" time=\"%.3f\"", o->seconds);
    if (g->passed) {
        fputs("/>\n", f);
        return;
    }
    fprintf(f, ">\n    <failure message=\"%llu of %llu calls succeeded\">\n",
            (unsigned long long)g->succeeded,
            (unsigned long long)(g->answering ? g->calls : g->planned));
    put_failures(f, o, i);
    fputs("    </failure>\n  </testcase>\n", f);
}

static int write_junit(const struct outcome *o, const char *path)
{
    uint32_t failures = 0;
    FILE *f = fopen(path, "we");

    for (uint32_t i = 0; i < o->groups; i++)
        failures += !o->group[i].passed;
    if (f) {
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", f);
        put_escaped(f, o->suite);
        fprintf(f, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" time=\"%.3f\">\n", o->groups,
                failures, o->lateness.valid ? 0u : 1u, o->seconds);
        for (uint32_t i = 0; i < o->groups; i++)
            put_group(f, o, i);
        if (!o->lateness.valid) {
            fputs("  <system-err>RUN INVALID: ", f);
            put_escaped(f, o->lateness.why);
            fputs("</system-err>\n", f);
        }
        fputs("</testsuite>\n", f);
    }
    bool bad = f && ferror(f);
    if (f && fclose(f) == 0 && !bad)
        return SIM_PASS;
    fprintf(stderr, "%s: --junit %s: %s\n", o->program, path, strerror(errno));
    return SIM_CONFIG;
}

int report_write(const struct outcome *o, const struct report_files *files)
{
    return files->junit ? write_junit(o, files->junit) : SIM_PASS;
}
