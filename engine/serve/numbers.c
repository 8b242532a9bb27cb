/* Numbers as they are compared and found; the file read from disk. */
#include "serve/numbers_inner.h"

#include <errno.h>
#include <stdio.h>
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
    FILE *f = fopen(path, "re");

    if (!f) {
        snprintf(error, NUMBERS_ERROR_MAX, "%.300s: %s", path, strerror(errno));
        return ERR_NOT_FOUND;
    }
    char *text = malloc(NUMBERS_FILE_MAX + 1);
    size_t len = text ? fread(text, 1, NUMBERS_FILE_MAX + 1, f) : 0;
    bool failed = ferror(f) != 0;
    enum err e = OK;

    fclose(f);
    if (!text || failed || len > NUMBERS_FILE_MAX) {
        e = !text ? ERR_NOMEM : failed ? ERR_IO : ERR_TOO_LONG;
        snprintf(error, NUMBERS_ERROR_MAX, "%.300s: %s", path,
                 !text    ? "no memory to read it"
                 : failed ? "cannot be read"
                          : "longer than 4 MiB");
    } else {
        e = numbers_parse(out, path, slice_of(text, len), error);
    }
    free(text);
    return e;
}
