/* Numbers as they are compared and found; the file read from disk. */
#include "serve/numbers_inner.h"

#include <stdlib.h>

/* Digits alone where it is a number as people write one, else the text itself. */
enum err numbers_key(struct slice number, char *dst, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < number.len; i++) {
        char c = number.p[i];

        if (c >= '0' && c <= '9') {
            if (n + 1 >= cap)
                return ERR_TOO_LONG;
            dst[n++] = c;
        } else if (!c || !strchr("+ -()./", c)) {
            return slice_copy(number, dst, cap);
        }
    }
    dst[n] = '\0';
    return n ? OK : slice_copy(number, dst, cap);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct numbers_line *)a)->key, ((const struct numbers_line *)b)->key);
}

void numbers_sort(struct numbers *n)
{
    if (n->count)
        qsort(n->line, n->count, sizeof *n->line, by_key);
}

const struct numbers_line *numbers_find(const struct numbers *n, struct slice number)
{
    struct numbers_line key;

    if (!n->count || numbers_key(number, key.key, sizeof key.key) != OK)
        return NULL;
    return bsearch(&key, n->line, n->count, sizeof *n->line, by_key);
}

void numbers_free(struct numbers *n)
{
    if (!n)
        return;
    zone_close(n->zone);
    seal_key_wipe(&n->record.key);
    free(n->agent);
    free(n->line);
    free(n);
}

enum err numbers_load(struct numbers **out, const char *path, char *error)
{
    size_t len;
    enum err e;
    char *text = yaml_file_read(path, NUMBERS_FILE_MAX, &len, error, NUMBERS_ERROR_MAX, &e);

    if (text)
        e = numbers_parse(out, path, slice_of(text, len), error);
    free(text);
    return e;
}
