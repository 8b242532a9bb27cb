/* From YAML to struct population: one table of keys, each with its kind, bounds and place. The
 * default is read first by the same code, so what a file leaves out is there. The first thing that
 * is wrong ends the reading. */
#include "simulate/population.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/file.h"
#include "io/yaml_file.h"

#define WEIGHT_MAX   100.0
#define FRACTION_MAX 9 /* digits after the point */

enum kind { SHARE, NUMBER, DURATION, HOURS, WEEKDAYS, ZONE, SHIFTS };

struct field {
    const char *section, *key;
    enum kind kind;
    size_t at;
    uint32_t min, max; /* DURATION: ms; NUMBER: whole */
};

#define AT(member) offsetof(struct population, member)
static const struct field fields[] = {
    {"numbers", "vacant", SHARE, AT(numbers.vacant), 0, 0},
    {"numbers", "fax", SHARE, AT(numbers.fax), 0, 0},
    {"numbers", "machine", SHARE, AT(numbers.machine), 0, 0},
    {"numbers", "readiness", NUMBER, AT(numbers.readiness), 0, 10},
    {"state", "lasts", DURATION, AT(state.lasts_ms), 1000, 86400000},
    {"state", "busy", SHARE, AT(state.busy), 0, 0},
    {"state", "unreachable", SHARE, AT(state.unreachable), 0, 0},
    {"answer", "share", SHARE, AT(answer.share), 0, 0},
    {"answer", "hours", HOURS, AT(answer.hours), 0, 0},
    {"answer", "weekdays", WEEKDAYS, AT(answer.weekdays), 0, 0},
    {"call", "delay", DURATION, AT(call.delay_ms), 100, 30000},
    {"call", "delay_cv", NUMBER, AT(call.delay_cv), 0, 5},
    {"call", "ring", DURATION, AT(call.ring_ms), 500, 120000},
    {"call", "ring_cv", NUMBER, AT(call.ring_cv), 0, 5},
    {"call", "rejected", SHARE, AT(call.rejected), 0, 0},
    {"call", "congestion", SHARE, AT(call.congestion), 0, 0},
    {"machines", "after", DURATION, AT(machines.after_ms), 500, 120000},
    {"machines", "after_cv", NUMBER, AT(machines.after_cv), 0, 5},
    {"machines", "at_once", SHARE, AT(machines.at_once), 0, 0},
    {"machines", "greeting", DURATION, AT(machines.greeting_ms), 500, 120000},
    {"machines", "greeting_cv", NUMBER, AT(machines.greeting_cv), 0, 5},
    {"machines", "beep", SHARE, AT(machines.beep), 0, 0},
    {"verdict", "human", DURATION, AT(verdict.human_ms), 100, 30000},
    {"verdict", "human_cv", NUMBER, AT(verdict.human_cv), 0, 5},
    {"verdict", "machine", DURATION, AT(verdict.machine_ms), 100, 30000},
    {"verdict", "machine_cv", NUMBER, AT(verdict.machine_cv), 0, 5},
    {"verdict", "human_as_machine", SHARE, AT(verdict.human_as_machine), 0, 0},
    {"verdict", "machine_as_human", SHARE, AT(verdict.machine_as_human), 0, 0},
    {"verdict", "unsure", SHARE, AT(verdict.unsure), 0, 0},
    {"talk", "length", DURATION, AT(talk.length_ms), 1000, 86400000},
    {"talk", "cv", NUMBER, AT(talk.cv), 0, 5},
    {"talk", "patience", DURATION, AT(talk.patience_ms), 100, 3600000},
    {"talk", "machine", DURATION, AT(talk.machine_ms), 100, 3600000},
    {"wrap_up", "length", DURATION, AT(wrap_up.length_ms), 0, 86400000},
    {"wrap_up", "cv", NUMBER, AT(wrap_up.cv), 0, 5},
    {"agents", "zone", ZONE, AT(agents.zone), 0, 0},
    {"agents", "shifts", SHIFTS, AT(agents.shifts), 0, 0},
    {"agents", "break_every", DURATION, AT(agents.break_every_ms), 60000, 864000000},
    {"agents", "break_length", DURATION, AT(agents.break_length_ms), 0, 86400000},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct reader {
    struct yaml_file file;
    struct population *population;
};

#define fail(r, ...) yaml_file_refuse(&(r)->file, __VA_ARGS__)

/* NULL, and a complaint, where it is no single value. */
static const char *text_of(struct reader *r, const struct field *f, const yaml_node_t *n)
{
    const char *text = yaml_file_scalar(n);

    if (!text)
        fail(r, n, "%s: %s: a single value is expected here", f->section, f->key);
    return text;
}

/* A plain decimal number off the head of *p. */
static bool take_number(const char **p, double *out)
{
    double v = 0, unit = 1;
    uint32_t digits = 0;

    for (; **p >= '0' && **p <= '9' && digits < 9; digits++)
        v = v * 10 + (*(*p)++ - '0');
    if (digits == 0)
        return false;
    if (**p == '.' && (*p)[1] >= '0' && (*p)[1] <= '9') {
        (*p)++;
        for (digits = 0; **p >= '0' && **p <= '9' && digits < FRACTION_MAX; digits++)
            v += (*(*p)++ - '0') * (unit /= 10);
    }
    *out = v;
    return true;
}

static void read_share(struct reader *r, const struct field *f, const yaml_node_t *n,
                       const char *text, double *out)
{
    const char *p = text;
    double v;

    if (take_number(&p, &v) && p[0] == '%' && p[1] == '\0' && v <= 100)
        *out = v / 100;
    else
        fail(r, n, "%s: %s: '%.40s' is not accepted; accepted: 0%% to 100%%, as in 4%% or 0.5%%",
             f->section, f->key, text);
}

static void read_number(struct reader *r, const struct field *f, const yaml_node_t *n,
                        const char *text, double *out)
{
    const char *p = text;
    double v;

    if (take_number(&p, &v) && *p == '\0' && v >= f->min && v <= f->max)
        *out = v;
    else
        fail(r, n, "%s: %s: '%.40s' is not accepted; accepted: a number, %u to %u, as in 0.5",
             f->section, f->key, text, f->min, f->max);
}

static void read_duration(struct reader *r, const struct field *f, const yaml_node_t *n,
                          const char *text, uint32_t *out)
{
    uint32_t ms = 0;

    if (campaign_duration(slice_cstr(text), f->max, &ms) == OK && ms >= f->min)
        *out = ms;
    else
        fail(r, n,
             "%s: %s: '%.40s' is not accepted; accepted: a duration from %u ms to %u s, as in "
             "500ms, 25s, 5m, 1h30m",
             f->section, f->key, text, f->min, f->max / 1000);
}

static int weekday_of(struct slice word)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    for (int i = 0; i < 7; i++)
        if (slice_eq(word, slice_cstr(days[i])))
            return i;
    return -1;
}

static int hour_of(struct slice word)
{
    uint64_t hour;

    return slice_u64(word, 23, &hour) == OK ? (int)hour : -1;
}

/* "0-6 0.1, 7 0.5": places and their weights. What is not named keeps its weight. */
static void read_weights(struct reader *r, const struct field *f, const yaml_node_t *n,
                         const char *text, int (*place_of)(struct slice), double *out)
{
    struct slice rest = slice_cstr(text), item;

    while (rest.len) {
        struct slice places, weight, from, to;
        char number[24];
        const char *p = number;
        double v = 0;

        slice_cut(rest, ',', &item, &rest);
        item = slice_trim(item);
        slice_cut(item, ' ', &places, &weight);
        if (!slice_cut(places, '-', &from, &to))
            to = from;
        int first = place_of(from), last = place_of(to);
        if (first < 0 || last < first || slice_copy(slice_trim(weight), number, sizeof(number)) ||
            !take_number(&p, &v) || *p || v > WEIGHT_MAX) {
            fail(r, n, "%s: %s: '%.*s' is not accepted; accepted: %s", f->section, f->key,
                 (int)(item.len < 40 ? item.len : 40), item.p,
                 f->kind == HOURS
                     ? "hours and their weight up to 100, as in 9-11 0.8, 12 1"
                     : "weekdays and their weight up to 100, as in mon-fri 1, sat 0.5");
            return;
        }
        for (int i = first; i <= last; i++)
            out[i] = v;
    }
}

static void read_zone(struct reader *r, const struct field *f, const yaml_node_t *n,
                      const char *text, char *out)
{
    struct zone *zone = NULL;

    if (strlen(text) < ZONE_NAME_MAX && zone_open(&zone, slice_cstr(text)) == OK)
        snprintf(out, ZONE_NAME_MAX, "%s", text);
    else
        fail(r, n,
             "%s: %s: '%.40s' is no time zone of this system; accepted: a name such as "
             "Europe/Ljubljana or UTC",
             f->section, f->key, text);
    zone_close(zone);
}

static void read_shift(struct reader *r, const struct field *f, const yaml_node_t *n)
{
    struct population *p = r->population;
    const char *text = text_of(r, f, n);
    char why[POPULATION_ERROR_MAX / 2] = "";

    if (!text)
        return;
    if (p->agents.shift_count == POPULATION_SHIFTS_MAX)
        fail(r, n, "%s: %s: accepted: %d shifts at most", f->section, f->key,
             POPULATION_SHIFTS_MAX);
    else if (windows_parse(slice_cstr(text), &p->agents.shifts[p->agents.shift_count], why,
                           sizeof(why)) != OK)
        fail(r, n, "%s: %s: %s", f->section, f->key, why);
    else
        p->agents.shift_count++;
}

static void read_shifts(struct reader *r, const struct field *f, const yaml_node_t *n)
{
    r->population->agents.shift_count = 0;
    if (n->type != YAML_SEQUENCE_NODE) {
        read_shift(r, f, n);
        return;
    }
    for (const yaml_node_item_t *i = n->data.sequence.items.start;
         i < n->data.sequence.items.top && !r->file.failed; i++)
        read_shift(r, f, yaml_file_node(&r->file, *i));
    if (!r->file.failed && r->population->agents.shift_count == 0)
        fail(r, n, "%s: %s: accepted: at least one shift, as in \"mon-fri 09:00-17:00\"",
             f->section, f->key);
}

static void read_value(struct reader *r, const struct field *f, const yaml_node_t *n)
{
    void *place = (char *)r->population + f->at;
    const char *text = f->kind == SHIFTS ? "" : text_of(r, f, n);

    if (!text)
        return;
    switch (f->kind) {
    case SHARE:
        read_share(r, f, n, text, place);
        break;
    case NUMBER:
        read_number(r, f, n, text, place);
        break;
    case DURATION:
        read_duration(r, f, n, text, place);
        break;
    case HOURS:
        read_weights(r, f, n, text, hour_of, place);
        break;
    case WEEKDAYS:
        read_weights(r, f, n, text, weekday_of, place);
        break;
    case ZONE:
        read_zone(r, f, n, text, place);
        break;
    case SHIFTS:
        read_shifts(r, f, n);
        break;
    }
}

/* The names that are accepted there, for a complaint: sections (NULL) or the keys of one. */
static void say_accepted(const char *section, char *dst, size_t cap)
{
    const char *last = "";
    size_t n = 0;

    dst[0] = '\0';
    for (size_t i = 0; i < FIELDS && n < cap; i++) {
        const char *name = section ? fields[i].key : fields[i].section;

        if ((section && strcmp(fields[i].section, section) != 0) || strcmp(name, last) == 0)
            continue;
        n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? ", " : "", name);
        last = name;
    }
}

static const char *name_of(const yaml_node_t *key)
{
    return key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "(no name)";
}

static void read_section(struct reader *r, const yaml_node_t *key, const yaml_node_t *n)
{
    const char *section = name_of(key);
    char accepted[256];

    say_accepted(section, accepted, sizeof(accepted));
    if (!accepted[0]) {
        say_accepted(NULL, accepted, sizeof(accepted));
        fail(r, key, "'%.40s' is not known; accepted: %s", section, accepted);
        return;
    }
    if (n->type != YAML_MAPPING_NODE) {
        fail(r, n, "%s: keys with values are expected here; accepted: %s", section, accepted);
        return;
    }
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
         p < n->data.mapping.pairs.top && !r->file.failed; p++) {
        const yaml_node_t *k = yaml_file_node(&r->file, p->key);
        const struct field *f = NULL;

        for (size_t i = 0; i < FIELDS && !f; i++)
            if (strcmp(fields[i].section, section) == 0 && strcmp(fields[i].key, name_of(k)) == 0)
                f = &fields[i];
        if (f)
            read_value(r, f, yaml_file_node(&r->file, p->value));
        else
            fail(r, k, "%s: '%.40s' is not known; accepted: %s", section, name_of(k), accepted);
    }
}

/* Shares that exclude each other must leave something. */
static void check(struct reader *r)
{
    const struct population *p = r->population;

    if (r->file.failed)
        return;
    if (p->numbers.vacant + p->numbers.fax > 1)
        fail(r, NULL, "numbers: vacant and fax are more than 100%% together");
    else if (p->state.busy + p->state.unreachable > 1)
        fail(r, NULL, "state: busy and unreachable are more than 100%% together");
    else if (p->call.rejected + p->call.congestion > 1)
        fail(r, NULL, "call: rejected and congestion are more than 100%% together");
    else if (p->verdict.unsure + p->verdict.human_as_machine > 1 ||
             p->verdict.unsure + p->verdict.machine_as_human > 1)
        fail(r, NULL, "verdict: unsure and the errors are more than 100%% together");
}

static void read_document(struct reader *r)
{
    const yaml_node_t *root = yaml_file_root(&r->file);

    if (!root) /* an empty file: the default */
        return;
    if (root->type != YAML_MAPPING_NODE) {
        char accepted[256];

        say_accepted(NULL, accepted, sizeof(accepted));
        fail(r, root, "sections are expected here; accepted: %s", accepted);
        return;
    }
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start;
         p < root->data.mapping.pairs.top && !r->file.failed; p++)
        read_section(r, yaml_file_node(&r->file, p->key), yaml_file_node(&r->file, p->value));
    check(r);
}

static enum err read_over(struct population *p, const char *path, struct slice text, char *error)
{
    struct reader r = {.population = p};
    enum err e = yaml_file_parse(&r.file, path, text, error, POPULATION_ERROR_MAX);

    if (e == OK) {
        read_document(&r);
        e = r.file.failed ? ERR_INVALID : OK;
    }
    yaml_file_close(&r.file);
    return e;
}

enum err population_parse(struct population *out, const char *path, struct slice text, char *error)
{
    *out = (struct population){0};
    error[0] = '\0';
    enum err e = read_over(out, "population.yaml (built in)", population_default(), error);

    return e == OK ? read_over(out, path, text, error) : e;
}

enum err population_load(struct population *out, const char *path, char *error)
{
    size_t len;
    enum err e;

    if (!path)
        return population_parse(out, "", SLICE(""), error);
    char *text = yaml_file_read(path, POPULATION_FILE_MAX, &len, error, POPULATION_ERROR_MAX, &e);
    if (text)
        e = population_parse(out, path, slice_of(text, len), error);
    free(text);
    return e;
}
