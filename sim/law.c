/* Arrival laws. The n-th of evenly spaced calls comes when n calls are expected; of a Poisson
 * process, when a sum of n exponential numbers is: the same inverse of one curve serves both. */
#include "sim/law.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rows.h"

#define STEP_MAX_S 604800.0
#define SPEED_MAX  3600.0
#define HOURS_MAX  LAW_PIECES_MAX
#define ENDLESS_S  1e9 /* 31 years */
#define LAW_FORMS                                                                                  \
    "constant, poisson, ramp:FROM-TO, steps:RATExSECONDS,… or hours:FILE.csv, the last three "   \
    "also "                                                                                        \
    "after poisson:"

static enum err refuse(char *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum err refuse(char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(error, LAW_ERROR_MAX, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

/* What misses a whole number of calls by rounding alone is that number. */
static void add(struct law *l, double seconds, double from, double to)
{
    double calls = seconds * (from + to) / 2, whole = nearbyint(calls);

    if (fabs(calls - whole) <= 1e-9 * (1 + whole))
        calls = whole;
    l->piece[l->pieces++] = (struct law_piece){seconds, from, to, calls};
}

static bool read_rate(const char *text, double *out)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text)
        return false;
    if (strcmp(end, "/m") == 0)
        v /= 60;
    else if (strcmp(end, "/s") != 0 && *end)
        return false;
    *out = v;
    return v > 0 && v <= LAW_RATE_MAX;
}

static enum err take_rate(struct law *l, const struct law_spec *spec, char *error)
{
    double rate;

    if (!spec->rate || !read_rate(spec->rate, &rate))
        return refuse(error, "--rate %.40s: write calls a second, such as 50/s, up to %.0f/s",
                      spec->rate ? spec->rate : "(missing)", LAW_RATE_MAX);
    l->endless = true;
    add(l, ENDLESS_S, rate, rate);
    return spec->calls ? OK
                       : refuse(error, "calls: how many? %s has no end of its own",
                                l->poisson ? "poisson" : "constant");
}

static bool in_rates(double v)
{
    return v >= 0 && v <= LAW_RATE_MAX;
}

/* With T = 2N / (a + b) seconds, N calls come while the rate goes from a to b. */
static enum err take_ramp(struct law *l, const struct law_spec *spec, const char *text, char *error)
{
    char *end;
    double from = strtod(text, &end), to = -1;

    if (end != text && *end == '-') {
        text = end + 1;
        to = strtod(text, &end);
    }
    if (end == text || (*end && strcmp(end, "/s") != 0) || !in_rates(from) || !in_rates(to) ||
        from + to <= 0)
        return refuse(error, "--law %.40s: write ramp:FROM-TO in calls a second", spec->law);
    if (!spec->calls)
        return refuse(error, "calls: how many? A ramp goes over so many");
    add(l, 2.0 * (double)spec->calls / (from + to), from, to);
    return OK;
}

/* A plain number off the head of *p; -1: there is none. Not strtod alone, to which "0x2" is one
 * number. */
static double take_number(const char **p)
{
    char digits[24];
    size_t n = strspn(*p, "0123456789.");

    if (n == 0 || n >= sizeof digits)
        return -1;
    memcpy(digits, *p, n);
    digits[n] = '\0';
    *p += n;
    return strtod(digits, NULL);
}

/* "10x30,50x60" */
static enum err take_steps(struct law *l, const struct law_spec *spec, const char *text,
                           char *error)
{
    for (const char *p = text;; p++) {
        double rate = take_number(&p), seconds = *p == 'x' ? (p++, take_number(&p)) : -1;
        if (!in_rates(rate) || !(seconds > 0 && seconds <= STEP_MAX_S) || (*p && *p != ','))
            return refuse(error,
                          "--law %.80s: write steps:RATExSECONDS,RATExSECONDS… in calls a second",
                          spec->law);
        if (l->pieces == LAW_PIECES_MAX)
            return refuse(error, "--law steps: more than %d of them", LAW_PIECES_MAX);
        add(l, seconds, rate, rate);
        if (!*p)
            return OK;
    }
}

/* "9" or "09:00" → 9; -1: neither. */
static int read_hour(const char *text)
{
    char *end;
    long v = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || (*end && strcmp(end, ":00") != 0) || v > HOURS_MAX)
        return -1;
    return (int)v;
}

static int column(const struct rows *r, const char *name)
{
    const struct flow_field *row = rows_at(r, 0);

    for (uint32_t i = 0; i < rows_columns(r); i++)
        if (strcmp(row[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* One row of the file; hours that are left out have no calls. */
static bool take_hour(struct law *l, const char *hour, const char *calls, int *last, double speed)
{
    char *end;
    int h = read_hour(hour);
    double n = strtod(calls, &end), rate = n / 3600 * speed;

    if (h < 0 || (*last >= 0 && h <= *last) || end == calls || *end || !in_rates(rate))
        return false;
    for (; *last >= 0 && *last + 1 < h; ++*last)
        if (l->pieces < LAW_PIECES_MAX)
            add(l, 3600 / speed, 0, 0);
    *last = h;
    if (l->pieces == LAW_PIECES_MAX)
        return false;
    add(l, 3600 / speed, rate, rate);
    return true;
}

static enum err read_hours(struct law *l, const char *path, double speed, char *error)
{
    char why[ROWS_ERROR_MAX];
    struct rows *r;
    int last = -1;

    if (rows_load(&r, path, why) != OK)
        return refuse(error, "--law hours: %s", why);
    int hour = column(r, "hour"), calls = column(r, "calls");
    enum err e = hour >= 0 && calls >= 0 ? OK
                                         : refuse(error,
                                                  "--law hours: %.150s needs the columns hour and "
                                                  "calls",
                                                  path);
    for (uint32_t i = 0; e == OK && i < rows_count(r); i++) {
        const struct flow_field *row = rows_at(r, i);
        if (!take_hour(l, row[hour].value, row[calls].value, &last, speed))
            e = refuse(error,
                       "--law hours: %.120s:%u: hour '%.20s' with '%.20s' calls: hours rise, calls "
                       "are a number, %d rows at most",
                       path, i + 2, row[hour].value, row[calls].value, LAW_PIECES_MAX);
    }
    rows_free(r);
    return e;
}

static enum err take_hours(struct law *l, const struct law_spec *spec, const char *text,
                           char *error)
{
    const char *at = strrchr(text, '@'), *folder = spec->folder ? spec->folder : "";
    char path[600], *end = NULL;
    double speed = at ? strtod(at + 1, &end) : 1;

    if (at && (end == at + 1 || *end || !(speed >= 1 && speed <= SPEED_MAX)))
        return refuse(error, "--law %.80s: what follows @ is how much faster than life, 1 to %.0f",
                      spec->law, SPEED_MAX);
    snprintf(path, sizeof path, "%s%s%.*s", text[0] == '/' ? "" : folder,
             text[0] == '/' || !folder[0] ? "" : "/", at ? (int)(at - text) : (int)strlen(text),
             text);
    return read_hours(l, path, speed, error);
}

enum err law_parse(struct law *l, const struct law_spec *spec, char *error)
{
    const char *text = spec->law ? spec->law : "constant";
    enum err e;

    *l = (struct law){.calls = spec->calls};
    rng_seed_stream(&l->rng, spec->seed, spec->name.len ? spec->name : SLICE("arrivals"), 0);
    if (strcmp(text, "poisson") == 0)
        text = "poisson:constant";
    if (strncmp(text, "poisson:", 8) == 0) {
        l->poisson = true;
        text += 8;
    }
    if (strcmp(text, "constant") == 0)
        e = take_rate(l, spec, error);
    else if (strncmp(text, "ramp:", 5) == 0)
        e = take_ramp(l, spec, text + 5, error);
    else if (strncmp(text, "steps:", 6) == 0)
        e = take_steps(l, spec, text + 6, error);
    else if (strncmp(text, "hours:", 6) == 0)
        e = take_hours(l, spec, text + 6, error);
    else
        e = refuse(error, "--law %.40s: it must be " LAW_FORMS, spec->law);
    if (!l->calls)
        l->calls = UINT64_MAX;
    return e;
}

/* Seconds into a piece at which n calls are expected: n = a t + (b - a) t² / 2T, solved for t in
 * the form that loses nothing where a and b are near. */
static double solve(const struct law_piece *p, double n)
{
    double bend = 2 * (p->to - p->from) / p->seconds * n, square = p->from * p->from + bend;
    double below = p->from + sqrt(square > 0 ? square : 0);

    return below > 0 ? 2 * n / below : 0;
}

uint64_t law_next(struct law *l)
{
    if (l->next == l->calls)
        return UINT64_MAX;
    while (l->at < l->pieces && l->expected >= l->before_calls + l->piece[l->at].calls) {
        l->before_calls += l->piece[l->at].calls;
        l->before_s += l->piece[l->at].seconds;
        l->at++;
    }
    if (l->at == l->pieces) {
        l->next = l->calls;
        return UINT64_MAX;
    }
    double at = l->before_s + solve(&l->piece[l->at], l->expected - l->before_calls);
    l->next++;
    l->expected = l->poisson ? l->expected + rng_exp(&l->rng, 1) : (double)l->next;
    return (uint64_t)(at * 1e6);
}

uint64_t law_count(const struct law *l, uint64_t until_us, uint64_t most)
{
    struct law copy = *l;
    uint64_t n = 0;

    while (n < most && law_next(&copy) < until_us)
        n++;
    return n;
}
