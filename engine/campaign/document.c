/* libcyaml reads the text into the caller's structs; its complaints become sentences with line
 * numbers and accepted keys. */
#include "campaign/document.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAMES_MAX      8
#define ALLOCATIONS_MAX 65536

struct frame { /* of libcyaml's backtrace, innermost first */
    char field[48];
    unsigned line, column;
};

struct document {
    const char *path;
    struct slice text;
    const struct cyaml_schema_value *root;
    void *data;
    /* This reading's allocations in order, and the one that is to fail (0: none). */
    void **allocations;
    uint32_t allocation_count, fail_at;
    char complaint[256];
    struct frame frames[FRAMES_MAX];
    uint32_t frame_count;
};

/* libcyaml's allocator: counts, remembers, and fails on request. */
static void *track(void *arg, void *p, size_t bytes)
{
    struct document *s = arg;

    if (bytes == 0) {
        free(p);
        return NULL;
    }
    if (s->allocation_count == ALLOCATIONS_MAX || s->allocation_count + 1 == s->fail_at)
        return NULL;
    p = realloc(p, bytes);
    s->allocations[s->allocation_count++] = p;
    return p;
}

static void hear_frame(struct document *s, const char *line)
{
    struct frame *f = &s->frames[s->frame_count];
    const char *quote = strchr(line, '\''), *at = strstr(line, "(line: ");

    if (s->frame_count == FRAMES_MAX || !at)
        return;
    *f = (struct frame){0};
    if (strstr(line, "mapping field") && quote)
        snprintf(f->field, sizeof(f->field), "%.*s", (int)strcspn(quote + 1, "'"), quote + 1);
    if (sscanf(at, "(line: %u, column: %u)", &f->line, &f->column) == 2)
        s->frame_count++;
}

static void hear(cyaml_log_t level, void *arg, const char *fmt, va_list args)
{
    struct document *s = arg;
    char line[512];

    (void)level;
    vsnprintf(line, sizeof(line), fmt, args);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "  in ", 5) == 0)
        hear_frame(s, line);
    else if (!s->complaint[0])
        snprintf(s->complaint, sizeof(s->complaint), "%.200s",
                 strncmp(line, "Load: ", 6) == 0 ? line + 6 : line);
}

static cyaml_err_t load(struct document *s, void **out)
{
    const cyaml_config_t config = {.log_fn = hear,
                                   .log_ctx = s,
                                   .mem_fn = track,
                                   .mem_ctx = s,
                                   .log_level = CYAML_LOG_ERROR,
                                   .flags = CYAML_CFG_NO_ALIAS};

    s->allocation_count = 0;
    s->complaint[0] = '\0';
    s->frame_count = 0;
    *out = NULL;
    return cyaml_load_data((const uint8_t *)s->text.p, s->text.len, &config, s->root,
                           (cyaml_data_t **)out, NULL);
}

static void release(struct document *s, void *data)
{
    const cyaml_config_t config = {
        .mem_fn = track, .mem_ctx = s, .log_level = CYAML_LOG_ERROR, .log_fn = hear, .log_ctx = s};

    cyaml_free(&config, s->root, data, 0);
}

/* The keys of a value that is a mapping, or a list of mappings; NULL: it is neither. */
static const cyaml_schema_field_t *fields_in(const cyaml_schema_value_t *v)
{
    if (v->type == CYAML_SEQUENCE)
        v = v->sequence.entry;
    return v->type == CYAML_MAPPING ? v->mapping.fields : NULL;
}

/* Those of the mapping of this name, wherever it is in the document; "": the outermost. */
static const cyaml_schema_field_t *fields_of(const cyaml_schema_field_t *fields, const char *name)
{
    if (!name[0])
        return fields;
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        const cyaml_schema_field_t *inner = fields_in(&f->value);
        if (inner && strcmp(f->key, name) == 0)
            return inner;
    }
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        const cyaml_schema_field_t *inner = fields_in(&f->value);
        const cyaml_schema_field_t *found = inner ? fields_of(inner, name) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* libcyaml places an unknown key at the value before it: look for the key itself from there. */
static uint32_t line_of_key(const struct document *s, const char *key, uint32_t from_line)
{
    const char *p = s->text.p, *end = p + s->text.len;
    size_t len = strlen(key);
    uint32_t line = 1;

    for (; p < end; p++) {
        if (*p == '\n')
            line++;
        if (line < from_line || (size_t)(end - p) <= len || memcmp(p, key, len) != 0)
            continue;
        bool starts = p == s->text.p || strchr(" \t\n{,-\"'", p[-1]);
        const char *after = p + len;
        while (after < end && (*after == ' ' || *after == '"' || *after == '\''))
            after++;
        if (starts && after < end && *after == ':')
            return line;
    }
    return from_line;
}

static void explain_unknown_key(struct document *s, const char *key, char *error)
{
    const char *mapping = "";
    size_t n;

    for (uint32_t i = 0; i < s->frame_count && !mapping[0]; i++)
        mapping = s->frames[i].field;
    uint32_t line = line_of_key(s, key, s->frame_count ? s->frames[0].line : 1);
    n = (size_t)snprintf(error, CAMPAIGN_ERROR_MAX,
                         "%s:%u: unknown key '%.60s'%s%s; accepted:", s->path, line, key,
                         mapping[0] ? " in " : "", mapping);
    const cyaml_schema_field_t *accepted = fields_of(fields_in(s->root), mapping);
    for (const cyaml_schema_field_t *f = accepted; f && f->key; f++) {
        if (n < CAMPAIGN_ERROR_MAX)
            n += (size_t)snprintf(error + n, CAMPAIGN_ERROR_MAX - n, "%s%s",
                                  error[n - 1] == ':' ? " " : ", ", f->key);
    }
}

/* What stands there is of another shape than the key takes. */
static const char *expected(const char *complaint)
{
    if (strstr(complaint, "Expecting STRING"))
        return "a single value is expected here";
    if (strstr(complaint, "Expecting MAPPING"))
        return "keys and values are expected here ('key: value')";
    if (strstr(complaint, "Expecting SEQUENCE"))
        return "a list is expected here ('[a, b]', or lines that begin with '- ')";
    if (strstr(complaint, "Excessive entries"))
        return "the list is too long";
    if (strstr(complaint, "already seen"))
        return "this key was given before";
    if (strstr(complaint, "STRING length"))
        return "the value is too long (1024 bytes at most)";
    return NULL;
}

static void explain(struct document *s, cyaml_err_t e, char *error)
{
    uint32_t line = s->frame_count ? s->frames[0].line : 0;
    const char *shape = expected(s->complaint), *field = "";

    if (strncmp(s->complaint, "Unexpected key: ", 16) == 0) {
        char key[256];
        snprintf(key, sizeof(key), "%s", s->complaint + 16);
        explain_unknown_key(s, key, error);
        return;
    }
    if (strncmp(s->complaint, "libyaml: ", 9) == 0) {
        /* Only the last good place is known; what is wrong stands there or just below. */
        snprintf(error, CAMPAIGN_ERROR_MAX,
                 "%s:%u: here or just below the YAML breaks off: %s (look for a quote or bracket "
                 "that is not closed, a tab, or a wrong indentation)",
                 s->path, line ? line : 1, s->complaint + 9);
        return;
    }
    for (uint32_t i = 0; i < s->frame_count && !field[0]; i++)
        field = s->frames[i].field;
    snprintf(error, CAMPAIGN_ERROR_MAX, "%s:%u: %s%s%s%s", s->path, line ? line : 1,
             field[0] ? field : "", field[0] ? ": " : "",
             shape             ? shape
             : s->complaint[0] ? s->complaint
                               : cyaml_strerror(e),
             e == CYAML_ERR_ALIAS ? "; anchors and aliases are not used in these files" : "");
}

enum err document_read(struct document **out, const char *path, struct slice text,
                       const struct cyaml_schema_value *root, const char *empty, char *error)
{
    struct document *s = calloc(1, sizeof(*s));

    *out = s;
    if (s)
        s->allocations = malloc(ALLOCATIONS_MAX * sizeof(*s->allocations));
    if (!s || !s->allocations) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%s: no memory", path);
        return ERR_NOMEM;
    }
    s->path = path;
    s->text = text;
    s->root = root;
    cyaml_err_t e = load(s, &s->data);
    if (e == CYAML_OK && !s->data) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%s:1: the file is empty; %s", path, empty);
        return ERR_INVALID;
    }
    if (e != CYAML_OK) {
        explain(s, e, error);
        return ERR_INVALID;
    }
    return OK;
}

void document_close(struct document *s)
{
    if (!s)
        return;
    if (s->data)
        release(s, s->data);
    free(s->allocations);
    free(s);
}

const void *document_data(const struct document *s)
{
    return s->data;
}

uint32_t document_line(struct document *s, const char *value)
{
    void *again;
    uint32_t ordinal = 0;

    for (uint32_t i = 0; i < s->allocation_count; i++) {
        if (s->allocations[i] == value)
            ordinal = i + 1; /* the last one: an address may have been used before */
    }
    if (!value || ordinal == 0)
        return 0;
    uint32_t count = s->allocation_count;
    void **kept = s->allocations;
    s->allocations = malloc(ALLOCATIONS_MAX * sizeof(*s->allocations));
    if (!s->allocations) {
        s->allocations = kept;
        return 0;
    }
    s->fail_at = ordinal;
    cyaml_err_t e = load(s, &again);
    if (e == CYAML_OK)
        release(s, again);
    s->fail_at = 0;
    free(s->allocations);
    s->allocations = kept;
    s->allocation_count = count;
    return s->frame_count ? s->frames[0].line : 0;
}
