/* Strict reading of YAML over libyaml's documents. */
#include "sim/document.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err document_load_text(struct document *d, const char *path, struct slice text, char *error)
{
    d->fingerprint = UINT64_C(14695981039346656037); /* FNV-1a, 64 bits */
    for (uint32_t i = 0; i < text.len; i++)
        d->fingerprint = (d->fingerprint ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return yaml_file_parse(&d->file, path, text, error, DOCUMENT_ERROR_MAX);
}

enum err document_load(struct document *d, const char *path, char *error)
{
    size_t len;
    enum err e;

    *d = (struct document){.file = {.path = path, .error = error, .failed = true}};
    char *text = yaml_file_read(path, DOCUMENT_FILE_MAX, &len, error, DOCUMENT_ERROR_MAX, &e);
    if (text)
        e = document_load_text(d, path, slice_of(text, len), error);
    free(text);
    return e == OK || e == ERR_NOT_FOUND ? e : ERR_INVALID;
}

void document_close(struct document *d)
{
    yaml_file_close(&d->file);
}

bool document_ok(const struct document *d)
{
    return !d->file.failed;
}

static bool is_map(struct document *d, const yaml_node_t *n, const char *what)
{
    if (d->file.failed || !n)
        return false;
    if (n->type == YAML_MAPPING_NODE)
        return true;
    document_refuse(d, n, "%s: keys and values are expected here ('key: value')", what);
    return false;
}

const yaml_node_t *document_root(struct document *d)
{
    const yaml_node_t *root = d->file.failed ? NULL : yaml_file_root(&d->file);

    if (!root)
        document_refuse(d, NULL, "the file is empty");
    return is_map(d, root, "the file") ? root : NULL;
}

static const yaml_node_t *node(struct document *d, int index)
{
    return yaml_file_node(&d->file, index);
}

static const char *key_of(struct document *d, const yaml_node_pair_t *p)
{
    const yaml_node_t *k = node(d, p->key);

    return k->type == YAML_SCALAR_NODE ? (const char *)k->data.scalar.value : "(no text)";
}

static void refuse_key(struct document *d, const yaml_node_t *at, const char *key,
                       const char *const keys[])
{
    char list[DOCUMENT_ERROR_MAX] = "";
    size_t n = 0;

    for (const char *const *k = keys; *k && n < sizeof list; k++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", k == keys ? "" : ", ", *k);
    document_refuse(d, at, "unknown key '%.60s'; accepted: %s", key, list);
}

void document_only(struct document *d, const yaml_node_t *map, const char *const keys[])
{
    if (!is_map(d, map, "this"))
        return;
    if (map->data.mapping.pairs.top - map->data.mapping.pairs.start > DOCUMENT_KEYS_MAX)
        document_refuse(d, map, "more than %d keys", DOCUMENT_KEYS_MAX);
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !d->file.failed && p < map->data.mapping.pairs.top; p++) {
        const char *key = key_of(d, p);
        bool known = false;
        for (const char *const *k = keys; *k && !known; k++)
            known = strcmp(*k, key) == 0;
        if (!known)
            refuse_key(d, node(d, p->key), key, keys);
        for (const yaml_node_pair_t *q = map->data.mapping.pairs.start; q < p; q++)
            if (strcmp(key_of(d, q), key) == 0)
                document_refuse(d, node(d, p->key), "the key '%.60s' was given before", key);
    }
}

const yaml_node_t *document_get(struct document *d, const yaml_node_t *map, const char *key)
{
    if (!is_map(d, map, key))
        return NULL;
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++)
        if (strcmp(key_of(d, p), key) == 0)
            return node(d, p->value);
    return NULL;
}

const yaml_node_t *document_need(struct document *d, const yaml_node_t *map, const char *key,
                                 const char *why)
{
    const yaml_node_t *n = document_get(d, map, key);

    if (!n)
        document_refuse(d, map, "%s: is missing: %s", key, why);
    return n;
}

const char *document_scalar(struct document *d, const yaml_node_t *n, const char *what)
{
    if (d->file.failed || !n)
        return NULL;
    const char *text = yaml_file_scalar(n);

    if (!text)
        document_refuse(d, n, "%s: a single value is expected here", what);
    return text;
}

const char *document_text(struct document *d, const yaml_node_t *map, const char *key,
                          const char *otherwise)
{
    const yaml_node_t *n = document_get(d, map, key);
    const char *text = n ? document_scalar(d, n, key) : NULL;

    return text ? text : otherwise;
}

double document_number(struct document *d, const yaml_node_t *map, const char *key,
                       double otherwise, double lo, double hi)
{
    const yaml_node_t *n = document_get(d, map, key);
    const char *text = n ? document_scalar(d, n, key) : NULL;
    char *end;

    if (!text)
        return otherwise;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= lo && v <= hi)) {
        document_refuse(d, n, "%s is '%.40s': it must be a number from %g to %g", key, text, lo,
                        hi);
        return otherwise;
    }
    return v;
}

uint64_t document_whole(struct document *d, const yaml_node_t *map, const char *key,
                        uint64_t otherwise, uint64_t lo, uint64_t hi)
{
    const yaml_node_t *n = document_get(d, map, key);
    const char *text = n ? document_scalar(d, n, key) : NULL;
    uint64_t v;

    if (!text)
        return otherwise;
    if (slice_u64(slice_cstr(text), hi, &v) != OK || v < lo) {
        document_refuse(d, n, "%s is '%.40s': it must be a whole number from %llu to %llu", key,
                        text, (unsigned long long)lo, (unsigned long long)hi);
        return otherwise;
    }
    return v;
}

bool document_bool(struct document *d, const yaml_node_t *map, const char *key, bool otherwise)
{
    const yaml_node_t *n = document_get(d, map, key);
    const char *text = n ? document_scalar(d, n, key) : NULL;

    if (!text)
        return otherwise;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return text[0] == 't';
    document_refuse(d, n, "%s is '%.40s': it must be true or false", key, text);
    return otherwise;
}

const yaml_node_t *document_item(struct document *d, const yaml_node_t *list, uint32_t i,
                                 const char *what)
{
    if (d->file.failed || !list)
        return NULL;
    if (list->type != YAML_SEQUENCE_NODE) {
        document_refuse(d, list, "%s: a list is expected here (lines that begin with '- ')", what);
        return NULL;
    }
    const yaml_node_item_t *item = list->data.sequence.items.start + i;
    if (item >= list->data.sequence.items.top)
        return NULL;
    if (i == DOCUMENT_ITEMS_MAX) {
        document_refuse(d, list, "%s: more than %d items", what, DOCUMENT_ITEMS_MAX);
        return NULL;
    }
    return node(d, *item);
}

const yaml_node_t *document_pair(struct document *d, const yaml_node_t *map, uint32_t i,
                                 const char **key)
{
    if (!is_map(d, map, "this"))
        return NULL;
    const yaml_node_pair_t *p = map->data.mapping.pairs.start + i;
    if (p >= map->data.mapping.pairs.top)
        return NULL;
    *key = key_of(d, p);
    return node(d, p->value);
}
