/* jansson behind small questions; and JSON Lines, read by whole lines. */
#include "report/input.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const json_t *json_of(const struct input *v)
{
    return (const json_t *)(const void *)v;
}

static struct input *input_of(json_t *v)
{
    return (struct input *)(void *)v;
}

struct input *input_parse(struct slice text)
{
    json_t *v = json_loadb(text.p, text.len, 0, NULL);

    if (v && !json_is_object(v)) {
        json_decref(v);
        v = NULL;
    }
    return input_of(v);
}

enum err input_load(struct input **out, const char *path, char *error, size_t cap)
{
    json_error_t what = {.line = 1, .text = "it is no object"};
    FILE *f = fopen(path, "re");

    *out = NULL;
    if (!f) {
        snprintf(error, cap, "%.160s: cannot be opened: %.60s", path, strerror(errno));
        return ERR_NOT_FOUND;
    }
    json_t *v = json_loadf(f, 0, &what);
    fclose(f);
    if (!json_is_object(v)) {
        snprintf(error, cap, "%.120s:%d: no JSON object: %.80s", path, what.line, what.text);
        json_decref(v);
        return ERR_INVALID;
    }
    *out = input_of(v);
    return OK;
}

void input_free(struct input *document)
{
    json_decref((json_t *)(void *)document);
}

const struct input *input_get(const struct input *object, const char *name)
{
    return input_of(json_object_get(json_of(object), name));
}

size_t input_count(const struct input *array)
{
    return json_array_size(json_of(array));
}

const struct input *input_at(const struct input *array, size_t i)
{
    return input_of(json_array_get(json_of(array), i));
}

bool input_is_number(const struct input *v)
{
    return json_is_number(json_of(v));
}

bool input_is_bool(const struct input *v)
{
    return json_is_boolean(json_of(v));
}

uint64_t input_u64(const struct input *v)
{
    json_int_t n = json_integer_value(json_of(v));

    if (json_is_real(json_of(v))) {
        double d = json_real_value(json_of(v));
        return d > 0 && d < 1e18 ? (uint64_t)d : 0;
    }
    return n > 0 ? (uint64_t)n : 0;
}

double input_num(const struct input *v)
{
    return json_number_value(json_of(v));
}

bool input_bool(const struct input *v)
{
    return json_is_true(json_of(v));
}

const char *input_text(const struct input *v)
{
    return json_string_value(json_of(v));
}

static void one_line(struct slice line, bool whole, input_line_fn *fn, void *arg,
                     struct input_lines *counts)
{
    if (slice_trim(line).len == 0)
        return;
    struct input *object = input_parse(line);
    if (object) {
        counts->lines++;
        fn(arg, object, line);
        input_free(object);
    } else if (whole) {
        counts->bad++;
    } else {
        counts->torn++;
    }
}

enum err input_each_line(const char *path, size_t max, input_line_fn *fn, void *arg,
                         struct input_lines *counts)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    *counts = (struct input_lines){0};
    if (!f)
        return ERR_NOT_FOUND;
    while ((n = getline(&line, &cap, f)) > 0) {
        bool whole = line[n - 1] == '\n';
        if ((size_t)n > max)
            counts->bad++;
        else
            one_line(slice_of(line, (size_t)n - whole), whole, fn, arg, counts);
    }
    enum err e = ferror(f) ? ERR_IO : OK;
    free(line);
    fclose(f);
    return e;
}
