/* libcyaml's schema of a campaign file and the translation of its complaints into sentences with
 * line numbers and accepted keys. */
#include "campaign/schema.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX        1024 /* bytes of one value */
#define FRAMES_MAX      8
#define ALLOCATIONS_MAX 65536

struct frame { /* of libcyaml's backtrace, innermost first */
    char field[48];
    unsigned line, column;
};

struct schema {
    const char *path;
    struct slice text;
    struct raw_campaign *raw;
    cyaml_schema_field_t on[RESULT_COUNT + 1], results[RESULT_COUNT + 1], top[24];
    cyaml_schema_value_t root;
    /* This reading's allocations in order, and the one that is to fail (0: none). */
    void **allocations;
    uint32_t allocation_count, fail_at;
    char complaint[256];
    struct frame frames[FRAMES_MAX];
    uint32_t frame_count;
};

#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, TEXT_MAX)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};

static const cyaml_schema_field_t trunk_fields[] = {
    TEXT("name", struct raw_trunk, name),
    TEXT("address", struct raw_trunk, address),
    TEXT("transport", struct raw_trunk, transport),
    TEXT("register", struct raw_trunk, registers),
    TEXT("user", struct raw_trunk, user),
    TEXT("password", struct raw_trunk, password),
    TEXT("password_file", struct raw_trunk, password_file),
    CYAML_FIELD_SEQUENCE("caller_ids", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_trunk,
                         caller_ids, &text_value, 0, CAMPAIGN_CALLER_IDS_MAX),
    TEXT("max_calls", struct raw_trunk, max_calls),
    TEXT("calls_per_second", struct raw_trunk, calls_per_second),
    TEXT("redirects", struct raw_trunk, redirects),
    CYAML_FIELD_END};
static const cyaml_schema_value_t trunk_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_trunk, trunk_fields)};

static const cyaml_schema_field_t agent_fields[] = {
    TEXT("name", struct raw_agent, name),       TEXT("uri", struct raw_agent, uri),
    TEXT("count", struct raw_agent, count),     TEXT("first", struct raw_agent, first),
    TEXT("wrap_up", struct raw_agent, wrap_up), CYAML_FIELD_END};
static const cyaml_schema_value_t agent_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_agent, agent_fields)};

static const cyaml_schema_field_t rule_fields[] = {
    TEXT("after", struct raw_rule, after), TEXT("attempts", struct raw_rule, attempts),
    TEXT("next", struct raw_rule, next), TEXT("finish", struct raw_rule, finish), CYAML_FIELD_END};

#define TEXT_AT(yaml_key, offset)                                                                  \
    {                                                                                              \
        .key = (yaml_key), .data_offset = (uint32_t)(offset), .value = {                           \
            .type = CYAML_STRING,                                                                  \
            .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                                     \
            .data_size = sizeof(char *),                                                           \
            .string = {0, TEXT_MAX}                                                                \
        }                                                                                          \
    }
#define PART(yaml_key, member) TEXT_AT(yaml_key, offsetof(struct raw_campaign, member))
/* Of a mapping inside struct raw_campaign: offsets count from the start of that part. */
#define SUB(yaml_key, part, member)                                                                \
    TEXT_AT(yaml_key,                                                                              \
            offsetof(struct raw_campaign, part.member) - offsetof(struct raw_campaign, part))

static const cyaml_schema_field_t analysis_fields[] = {
    SUB("initial_silence", analysis, initial_silence), SUB("greeting", analysis, greeting),
    SUB("after_greeting", analysis, after_greeting), SUB("total", analysis, total),
    CYAML_FIELD_END};
static const cyaml_schema_field_t pacing_fields[] = {
    SUB("mode", pacing, mode),
    SUB("ratio", pacing, ratio),
    SUB("calls_per_second", pacing, calls_per_second),
    SUB("concurrent", pacing, concurrent),
    SUB("daily", pacing, daily),
    SUB("false_machines", pacing, false_machines),
    SUB("hang_up_at", pacing, hang_up_at),
    SUB("preview_time", pacing, preview_time),
    SUB("skip_for", pacing, skip_for),
    CYAML_FIELD_END};
static const cyaml_schema_field_t abandonment_fields[] = {
    SUB("limit", abandonment, limit), SUB("message", abandonment, message),
    SUB("cap", abandonment, cap), SUB("keep_days", abandonment, keep_days), CYAML_FIELD_END};
static const cyaml_schema_field_t recording_fields[] = {
    SUB("mode", recording, mode), SUB("dir", recording, dir), CYAML_FIELD_END};
static const cyaml_schema_field_t sip_fields[] = {SUB("address", sip, address),
                                                  SUB("tcp", sip, tcp), CYAML_FIELD_END};
static const cyaml_schema_field_t media_fields[] = {
    SUB("address", media, address), SUB("ports", media, ports), SUB("workers", media, workers),
    CYAML_FIELD_END};

#define MAPPING(key, member, list)                                                                 \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, struct raw_campaign, member, list)
#define SEQUENCE(key, member, entry, max)                                                          \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_campaign,       \
                         member, entry, 0, max)

bool schema_treatable(enum result r)
{
    return r >= RESULT_HUMAN && r < RESULT_COUNT && r != RESULT_HUNG_UP_EARLY;
}

/* The keys of `on:` and `results:` are the closed list of results, so they are made from it. */
static void make_result_fields(struct schema *s)
{
    uint32_t on = 0, rules = 0;

    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++) {
        const char *name = result_name((enum result)i);
        if (schema_treatable((enum result)i))
            s->on[on++] =
                (cyaml_schema_field_t){.key = name,
                                       .data_offset = (uint32_t)((size_t)i * sizeof(char *)),
                                       .value = {.type = CYAML_STRING,
                                                 .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                                 .data_size = sizeof(char *),
                                                 .string = {0, TEXT_MAX}}};
        s->results[rules++] =
            (cyaml_schema_field_t){.key = name,
                                   .data_offset = (uint32_t)((size_t)i * sizeof(struct raw_rule)),
                                   .value = {.type = CYAML_MAPPING,
                                             .flags = CYAML_FLAG_OPTIONAL,
                                             .data_size = sizeof(struct raw_rule),
                                             .mapping = {rule_fields}}};
    }
}

static void make_schema(struct schema *s)
{
    make_result_fields(s);
    const cyaml_schema_field_t top[] = {
        PART("name", name),
        PART("country", country),
        PART("tone_plan", tone_plan),
        PART("prints", prints),
        PART("zone", zone),
        PART("windows", windows),
        PART("leads", leads),
        PART("ring_timeout", ring_timeout),
        PART("attempts", attempts),
        PART("drain", drain),
        PART("max_calls", max_calls),
        SEQUENCE("caller_ids", caller_ids, &text_value, CAMPAIGN_CALLER_IDS_MAX),
        SEQUENCE("trunks", trunks, &trunk_value, CAMPAIGN_TRUNKS_MAX),
        SEQUENCE("agents", agents, &agent_value, CAMPAIGN_AGENTS_MAX),
        MAPPING("analysis", analysis, analysis_fields),
        MAPPING("pacing", pacing, pacing_fields),
        MAPPING("abandonment", abandonment, abandonment_fields),
        MAPPING("recording", recording, recording_fields),
        MAPPING("sip", sip, sip_fields),
        MAPPING("media", media, media_fields),
        MAPPING("on", on, s->on),
        MAPPING("results", results, s->results),
        CYAML_FIELD_END};
    _Static_assert(sizeof(top) <= sizeof(s->top), "struct schema has room for all fields");
    memcpy(s->top, top, sizeof(top));
    s->root = (cyaml_schema_value_t){
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_campaign, s->top)};
}

/* libcyaml's allocator: counts, remembers, and fails on request. */
static void *track(void *arg, void *p, size_t bytes)
{
    struct schema *s = arg;

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

static void hear_frame(struct schema *s, const char *line)
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
    struct schema *s = arg;
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

static cyaml_err_t load(struct schema *s, struct raw_campaign **out)
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
    return cyaml_load_data((const uint8_t *)s->text.p, s->text.len, &config, &s->root,
                           (cyaml_data_t **)out, NULL);
}

static void release(struct schema *s, struct raw_campaign *raw)
{
    const cyaml_config_t config = {
        .mem_fn = track, .mem_ctx = s, .log_level = CYAML_LOG_ERROR, .log_fn = hear, .log_ctx = s};

    cyaml_free(&config, &s->root, raw, 0);
}

static const cyaml_schema_field_t *fields_of(const struct schema *s, const char *mapping)
{
    static const struct {
        const char *name;
        const cyaml_schema_field_t *fields;
    } parts[] = {{"trunks", trunk_fields},
                 {"agents", agent_fields},
                 {"analysis", analysis_fields},
                 {"pacing", pacing_fields},
                 {"recording", recording_fields},
                 {"abandonment", abandonment_fields},
                 {"sip", sip_fields},
                 {"media", media_fields}};
    enum result unused;

    if (!mapping[0])
        return s->top;
    if (strcmp(mapping, "on") == 0)
        return s->on;
    if (strcmp(mapping, "results") == 0)
        return s->results;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(mapping, parts[i].name) == 0)
            return parts[i].fields;
    }
    return result_parse(slice_cstr(mapping), &unused) == OK ? rule_fields : s->top;
}

/* libcyaml places an unknown key at the value before it: look for the key itself from there. */
static uint32_t line_of_key(const struct schema *s, const char *key, uint32_t from_line)
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

static void explain_unknown_key(struct schema *s, const char *key, char *error)
{
    const char *mapping = "";
    size_t n;

    for (uint32_t i = 0; i < s->frame_count && !mapping[0]; i++)
        mapping = s->frames[i].field;
    uint32_t line = line_of_key(s, key, s->frame_count ? s->frames[0].line : 1);
    n = (size_t)snprintf(error, CAMPAIGN_ERROR_MAX,
                         "%s:%u: unknown key '%.60s'%s%s; accepted:", s->path, line, key,
                         mapping[0] ? " in " : "", mapping);
    for (const cyaml_schema_field_t *f = fields_of(s, mapping); f->key; f++) {
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

static void explain(struct schema *s, cyaml_err_t e, char *error)
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
             e == CYAML_ERR_ALIAS ? "; anchors and aliases are not used in campaign files" : "");
}

enum err schema_read(struct schema **out, const char *path, struct slice text, char *error)
{
    struct schema *s = calloc(1, sizeof(*s));

    *out = s;
    if (s)
        s->allocations = malloc(ALLOCATIONS_MAX * sizeof(*s->allocations));
    if (!s || !s->allocations) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%s: no memory", path);
        return ERR_NOMEM;
    }
    s->path = path;
    s->text = text;
    make_schema(s);
    cyaml_err_t e = load(s, &s->raw);
    if (e == CYAML_OK && !s->raw) {
        snprintf(error, CAMPAIGN_ERROR_MAX,
                 "%s:1: the file is empty; a campaign needs a name and a trunk", path);
        return ERR_INVALID;
    }
    if (e != CYAML_OK) {
        explain(s, e, error);
        return ERR_INVALID;
    }
    return OK;
}

void schema_close(struct schema *s)
{
    if (!s)
        return;
    if (s->raw)
        release(s, s->raw);
    free(s->allocations);
    free(s);
}

const struct raw_campaign *schema_raw(const struct schema *s)
{
    return s->raw;
}

uint32_t schema_line(struct schema *s, const char *value)
{
    struct raw_campaign *again;
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
