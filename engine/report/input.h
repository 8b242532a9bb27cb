/* Reading JSON for the report: jansson behind small questions that need no checks by the asker.
 *
 * A value is borrowed from its document; input_free frees the document (the value input_parse or
 * input_load gave). Every question may be asked of NULL and of a value of another kind: the answer
 * is then "nothing" (0, NULL, false). */
#ifndef PEAL_REPORT_INPUT_H
#define PEAL_REPORT_INPUT_H

#include "base/slice.h"

struct input; /* a JSON value */

/* NULL when it is no JSON object. */
struct input *input_parse(struct slice text);
/* ERR_NOT_FOUND, ERR_INVALID with a sentence in error. */
enum err input_load(struct input **out, const char *path, char *error, size_t cap);
void input_free(struct input *document);

const struct input *input_get(const struct input *object, const char *name);
size_t input_count(const struct input *array);
const struct input *input_at(const struct input *array, size_t i);

bool input_is_number(const struct input *v);
bool input_is_bool(const struct input *v);
uint64_t input_u64(const struct input *v); /* negative: 0 */
double input_num(const struct input *v);
bool input_bool(const struct input *v);
const char *input_text(const struct input *v); /* NULL: no string */

/* Calls fn for each line of a file that is a JSON object; counts what is none. A last line without
 * a newline is torn when it is no object. ERR_NOT_FOUND, ERR_IO; lines beyond max bytes are bad. */
struct input_lines {
    uint64_t lines, torn, bad;
};
typedef void input_line_fn(void *arg, const struct input *object, struct slice line);
enum err input_each_line(const char *path, size_t max, input_line_fn *fn, void *arg,
                         struct input_lines *counts);

#endif
