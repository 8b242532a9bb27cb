/* JUnit XML, in the form that CI servers read (Jenkins' and GitLab's common part): a testsuite for
 * each group of the suite, a testcase for each call with the checks that failed in it, and before
 * them the generator's health. A group with more calls than CASES_MAX names its failed ones first
 * and sums up the rest in one testcase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/report_parts.h"

#define CASES_MAX 1000 /* of one group */

static void put(FILE *f, const char *s)
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
        case '\n':
            fputs("&#10;", f);
            break;
        default: /* XML 1.0 knows no other control characters */
            fputc(c < 0x20 && c != '\t' ? ' ' : c, f);
        }
    }
}

static void attribute(FILE *f, const char *name, const char *value)
{
    fprintf(f, " %s=\"", name);
    put(f, value);
    fputc('"', f);
}

static void put_text(FILE *f, const char *line)
{
    put(f, line);
    fputc('\n', f);
}

static double seconds_of(const struct outcome_call *c)
{
    return c->at_ms[MARK_END] == CALL_TIME_NONE ? 0 : c->at_ms[MARK_END] / 1000.0;
}

/* Script and line of "path:12: sentence". */
static void put_place(FILE *f, const char *text)
{
    for (const char *p = strchr(text, ':'); p; p = strchr(p + 1, ':')) {
        char *end, path[256];
        unsigned long line = strtoul(p + 1, &end, 10);
        if (end == p + 1 || *end != ':')
            continue;
        snprintf(path, sizeof path, "%.*s", (int)(p - text < 255 ? p - text : 255), text);
        attribute(f, "file", path);
        fprintf(f, " line=\"%lu\"", line);
        return;
    }
}

static const char *first_failure(const struct outcome_call *c, char *dst, size_t cap)
{
    if (c->failed_count)
        return c->failed[0];
    if (c->error[0])
        return c->error;
    report_why(c, dst, cap);
    return dst;
}

static void put_call(FILE *f, const struct outcome *o, const struct outcome_call *c)
{
    char name[200], why[200], number[64];
    bool failed = figures_call_failed(c);

    snprintf(name, sizeof name, "%s %llu: %s", c->name, (unsigned long long)c->leg,
             report_number(c, number, sizeof number));
    fputs("    <testcase", f);
    attribute(f, "classname", o->group[c->group].name);
    attribute(f, "name", name);
    fprintf(f, " time=\"%.3f\"", seconds_of(c));
    if (!failed) {
        fputs("/>\n", f);
        return;
    }
    const char *first = first_failure(c, why, sizeof why);
    put_place(f, first);
    fputs(">\n      <failure", f);
    attribute(f, "type", c->failed_count ? "check" : c->error[0] ? "script" : "call");
    attribute(f, "message", first);
    fputc('>', f);
    for (uint32_t i = 0; i < c->failed_count; i++)
        put_text(f, c->failed[i]);
    if (c->checks_failed > c->failed_count)
        fprintf(f, "and %u more checks\n", c->checks_failed - c->failed_count);
    if (report_error_is_new(c))
        put_text(f, c->error);
    fprintf(f, "Call-ID ");
    put_text(f, c->call_id);
    fputs("</failure>\n    </testcase>\n", f);
}

struct counts {
    uint64_t tests, failures;
};

/* Passed and failed cases of a group: its calls, and one for what it demands of them together. */
static struct counts count_group(const struct report *r, uint32_t group)
{
    const struct outcome_group *g = &r->outcome->group[group];
    struct counts n = {1, 0};

    for (uint32_t i = 0; i < r->count; i++) {
        const struct outcome_call *c = report_call(r, i);
        if (c->group != group)
            continue;
        n.tests++;
        n.failures += figures_call_failed(c);
    }
    n.failures += !g->passed;
    return n;
}

static void put_calls(FILE *f, const struct report *r, uint32_t group, uint64_t tests)
{
    bool all = tests <= CASES_MAX;
    uint64_t shown = 0, rest = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct outcome_call *c = report_call(r, i);
        if (c->group != group)
            continue;
        if (!all && (!figures_call_failed(c) || shown >= CASES_MAX)) {
            rest++;
            continue;
        }
        shown++;
        put_call(f, r->outcome, c);
    }
    if (rest)
        fprintf(f,
                "    <testcase classname=\"calls\" name=\"%llu further calls, see "
                "calls.csv\" time=\"0\"/>\n",
                (unsigned long long)rest);
}

static void put_group(FILE *f, const struct report *r, uint32_t group)
{
    const struct outcome *o = r->outcome;
    const struct outcome_group *g = &o->group[group];
    struct counts n = count_group(r, group);
    uint64_t wanted = g->answering ? g->calls : g->planned;

    fputs("  <testsuite", f);
    attribute(f, "name", g->name);
    fprintf(f, " tests=\"%llu\" failures=\"%llu\" errors=\"0\" skipped=\"0\" time=\"%.3f\">\n",
            (unsigned long long)n.tests, (unsigned long long)n.failures, o->seconds);
    fputs("    <testcase", f);
    attribute(f, "classname", g->name);
    attribute(f, "name", "all calls together");
    if (g->file)
        attribute(f, "file", g->file);
    fprintf(f, " line=\"%u\" time=\"%.3f\"", g->line, o->seconds);
    if (g->passed) {
        fputs("/>\n", f);
    } else {
        fprintf(f, ">\n      <failure type=\"group\" message=\"%llu of %llu calls succeeded",
                (unsigned long long)g->succeeded, (unsigned long long)wanted);
        if (!g->answering)
            fprintf(f, ", at least %.1f %% must", g->min_success);
        fputs("\"/>\n    </testcase>\n", f);
    }
    put_calls(f, r, group, n.tests);
    fputs("  </testsuite>\n", f);
}

/* First of all: whether the rest means anything. */
static void put_health(FILE *f, const struct outcome *o)
{
    const struct lateness_result *l = &o->lateness;

    fprintf(f,
            "  <testsuite name=\"generator\" tests=\"1\" failures=\"0\" errors=\"%u\" "
            "skipped=\"0\" time=\"%.3f\">\n    <testcase classname=\"generator\" "
            "name=\"kept its own plan\" time=\"%.3f\"",
            l->valid ? 0u : 1u, o->seconds, o->seconds);
    if (l->valid) {
        fputs("/>\n", f);
    } else {
        fputs(">\n      <error type=\"invalid\"", f);
        attribute(f, "message", l->why);
        fputs(">RUN INVALID: the figures of this run mean nothing</error>\n    </testcase>\n", f);
    }
    fputs("  </testsuite>\n", f);
}

/* Groups tell what they did not meet themselves: those sentences begin with their place. */
static bool is_of_group(const struct outcome *o, const char *error)
{
    char place[300];

    for (uint32_t i = 0; i < o->groups; i++) {
        snprintf(place, sizeof place, "%s:%u: ", o->group[i].file, o->group[i].line);
        if (strncmp(error, place, strlen(place)) == 0)
            return true;
    }
    return false;
}

/* What concerns the run as a whole, as that a signal stopped it. */
static uint32_t count_demands(const struct outcome *o)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->errors; i++)
        n += !is_of_group(o, o->error[i]);
    return n;
}

static void put_demands(FILE *f, const struct outcome *o)
{
    uint32_t count = count_demands(o);

    if (!count)
        return;
    fprintf(f,
            "  <testsuite name=\"suite\" tests=\"%u\" failures=\"%u\" errors=\"0\" "
            "skipped=\"0\" time=\"%.3f\">\n",
            count, count, o->seconds);
    for (uint32_t i = 0; i < o->errors; i++) {
        if (is_of_group(o, o->error[i]))
            continue;
        fprintf(f,
                "    <testcase classname=\"suite\" name=\"run %u\" time=\"0\">\n"
                "      <failure type=\"suite\"",
                i + 1);
        attribute(f, "message", o->error[i]);
        fputs("/>\n    </testcase>\n", f);
    }
    fputs("  </testsuite>\n", f);
}

bool report_junit(const struct report *r, const char *path)
{
    const struct outcome *o = r->outcome;
    uint64_t failures = count_demands(o), tests = 1 + failures;
    time_t began = (time_t)(o->started_wall_ms / 1000);
    struct tm utc;
    char stamp[32] = "";
    FILE *f = fopen(path, "we");

    if (!f)
        return report_close(o, path, f);
    for (uint32_t i = 0; i < o->groups; i++) {
        struct counts n = count_group(r, i);
        tests += n.tests;
        failures += n.failures;
    }
    if (gmtime_r(&began, &utc))
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
    attribute(f, "name", o->suite);
    fprintf(f, " tests=\"%llu\" failures=\"%llu\" errors=\"%u\" time=\"%.3f\" timestamp=\"%s\">\n",
            (unsigned long long)tests, (unsigned long long)failures, o->lateness.valid ? 0u : 1u,
            o->seconds, stamp);
    put_health(f, o);
    put_demands(f, o);
    for (uint32_t i = 0; i < o->groups; i++)
        put_group(f, r, i);
    fputs("</testsuites>\n", f);
    return report_close(o, path, f);
}
