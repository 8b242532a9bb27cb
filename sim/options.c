/* Reading a command line by a table. */
#include "sim/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

void options_help(const struct options *o, FILE *out)
{
    fprintf(out, "%s: %s\n\nusage: %s [OPTIONS]%s%s\n\n", o->program, o->does, o->program,
            o->arguments ? " " : "", o->arguments ? o->arguments : "");
    for (uint32_t i = 0; i < o->count; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->rows[i].name, o->rows[i].value ? " " : "",
                 o->rows[i].value ? o->rows[i].value : "");
        fprintf(out, "  %-26s %s%s\n", left, o->rows[i].help,
                o->rows[i].required ? " (required)" : "");
    }
    fprintf(out, "\nexamples:\n%s", o->examples);
}

static bool read_number(const struct options *o, const struct option_row *row, const char *text)
{
    char *end;

    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || (row->max && v > row->max)) {
        fprintf(stderr, "%s: --%s is '%s': it must be a whole number", o->program, row->name, text);
        if (row->max)
            fprintf(stderr, " up to %llu", (unsigned long long)row->max);
        fputc('\n', stderr);
        return false;
    }
    *row->number = v;
    return true;
}

static const struct option_row *find(const struct options *o, const char *name, size_t len)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (strlen(o->rows[i].name) == len && strncmp(o->rows[i].name, name, len) == 0)
            return &o->rows[i];
    return NULL;
}

/* One option at argv[*i]; false when something is wrong. */
static bool take(const struct options *o, int argc, char **argv, int *i, bool *seen)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_row *row = find(o, name, len);

    if (!row) {
        fprintf(stderr, "%s: there is no option '%s'; see %s --help\n", o->program, argv[*i],
                o->program);
        return false;
    }
    seen[row - o->rows] = true;
    if (row->kind == OPTION_FLAG) {
        if (equals)
            fprintf(stderr, "%s: --%s takes no value\n", o->program, row->name);
        *row->flag = true;
        return !equals;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value || !*value) {
        fprintf(stderr, "%s: --%s needs a value: --%s %s\n", o->program, row->name, row->name,
                row->value);
        return false;
    }
    if (row->kind == OPTION_NUMBER)
        return read_number(o, row, value);
    *row->text = value;
    return true;
}

int options_parse(const struct options *o, int argc, char **argv, int *arguments)
{
    bool seen[64] = {false};

    *arguments = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help(o, stdout);
            return SIM_PASS;
        }
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!take(o, argc, argv, &i, seen))
                return SIM_CONFIG;
            continue;
        }
        if (!o->arguments) {
            fprintf(stderr, "%s: '%s' is not understood; see %s --help\n", o->program, argv[i],
                    o->program);
            return SIM_CONFIG;
        }
        argv[++*arguments] = argv[i];
    }
    for (uint32_t i = 0; i < o->count; i++)
        if (o->rows[i].required && !seen[i]) {
            fprintf(stderr, "%s: --%s %s is missing: %s\n", o->program, o->rows[i].name,
                    o->rows[i].value, o->rows[i].help);
            return SIM_CONFIG;
        }
    return OPTIONS_GO_ON;
}

bool options_port_range(const char *text, uint16_t *lo, uint16_t *hi)
{
    char *end;
    unsigned long a = strtoul(text, &end, 10), b;

    if (*text < '0' || *text > '9' || *end != '-' || end[1] < '0' || end[1] > '9')
        return false;
    b = strtoul(end + 1, &end, 10);
    if (*end || a < 1024 || b > 65535 || b < a + 1)
        return false;
    *lo = (uint16_t)a;
    *hi = (uint16_t)b;
    return true;
}
