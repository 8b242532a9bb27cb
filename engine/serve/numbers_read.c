/* NUMBERS.yaml as a whole: its keys, what each needs, and what must hold between them. */
#include <stdio.h>
#include <stdlib.h>

#include "serve/numbers_inner.h"

#include "io/mark.h"
#include "media/admission.h"

#define CALLS_DEFAULT    1000
#define CALLS_MAX        20000
#define DRAIN_MS_DEFAULT 30000
#define DRAIN_MS_MAX     3600000
#define FULL_DEFAULT     503

#define FIELDS_OF(table) (table), sizeof(table) / sizeof((table)[0])

/* ---- parts ---- */

void numbers_read_addr(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_addr(r, where, n, 5060, place);
}

void numbers_read_yes(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_bool(r, where, n, place);
}

/* ---- one number ---- */

static void read_number(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    struct numbers_line *line = place;

    numbers_copy(r, where, n, line->number, sizeof line->number);
    if (!r->file.failed &&
        (!line->number[0] || strpbrk(line->number, "@<>\";?&=") ||
         numbers_key(slice_cstr(line->number), line->key, sizeof line->key) != OK))
        numbers_fail(r, n,
                     "%s: '%.40s' is not accepted; accepted: a number or a user's name, as in "
                     "\"+38600100200\"",
                     where, line->number);
}

static void read_flow(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_path(r, where, n, place, NUMBERS_PATH_MAX);
}

static void read_language(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    numbers_name(r, where, n, place, NUMBERS_NAME_MAX);
}

static void read_line_calls(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    numbers_u32(r, where, n, 1, CALLS_MAX, place);
}

static void read_full(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    const char *text = numbers_text(r, where, n);
    uint16_t *out = place;

    if (!text)
        return;
    if (strcmp(text, "486") == 0 || strcmp(text, "503") == 0)
        *out = text[0] == '4' ? 486 : 503;
    else
        numbers_fail(r, n,
                     "%s: '%.40s' is not accepted; accepted: 486 (busy here), 503 (service "
                     "unavailable)",
                     where, text);
}

static void read_with(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    struct numbers_line *line = place;

    if (n->type != YAML_MAPPING_NODE) {
        numbers_fail(r, n, "%s: names with values are expected here, as in { period: \"7\" }",
                     where);
        return;
    }
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
         p < n->data.mapping.pairs.top && !r->file.failed; p++) {
        const yaml_node_t *key = yaml_file_node(&r->file, p->key);

        if (line->with_count == NUMBERS_WITH_MAX) {
            numbers_fail(r, key, "%s: accepted: %d values at most", where, NUMBERS_WITH_MAX);
            return;
        }
        struct numbers_with *w = &line->with[line->with_count++];
        numbers_name(r, where, key, w->name, sizeof w->name);
        if (!r->file.failed)
            numbers_copy(r, where, yaml_file_node(&r->file, p->value), w->value, sizeof w->value);
        for (uint32_t i = 0; i + 1 < line->with_count && !r->file.failed; i++)
            if (strcmp(line->with[i].name, w->name) == 0)
                numbers_fail(r, key, "%s: '%s' stands here twice", where, w->name);
        if (!r->file.failed && (strcmp(w->name, "language") == 0 || strcmp(w->name, "number") == 0))
            numbers_fail(r, key, "%s: %s is a key of the number itself", where, w->name);
    }
}

static const struct numbers_field line_fields[] = {
    {.name = "number", .read = read_number},
    {.name = "flow", .read = read_flow, .at = offsetof(struct numbers_line, flow)},
    {.name = "language", .read = read_language, .at = offsetof(struct numbers_line, language)},
    {.name = "calls", .read = read_line_calls, .at = offsetof(struct numbers_line, calls)},
    {.name = "full", .read = read_full, .at = offsetof(struct numbers_line, full)},
    {.name = "with", .read = read_with},
};

static void read_line(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      struct numbers_line *line, bool has_number)
{
    *line =
        (struct numbers_line){.full = FULL_DEFAULT, .file_line = (uint32_t)n->start_mark.line + 1};
    const size_t left_out = has_number ? 0 : 1; /* the key `number` is the first */

    numbers_mapping(r, where, n, line_fields + left_out,
                    sizeof line_fields / sizeof line_fields[0] - left_out, line);
    if (!r->file.failed && has_number && !line->number[0])
        numbers_fail(r, n, "%s: it needs number:, as in \"+38600100200\"", where);
    if (!r->file.failed && !line->flow[0])
        numbers_fail(r, n, "%s: it needs flow:, the script that answers", where);
}

/* "404", or a mapping as of a number. */
static void read_unknown(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    const char *text = n->type == YAML_SCALAR_NODE ? numbers_text(r, where, n) : NULL;

    (void)place;
    if (text && strcmp(text, "404") == 0)
        return;
    if (n->type != YAML_MAPPING_NODE) {
        numbers_fail(r, n, "%s: accepted: 404, or { flow: FILE.lua } as of a number", where);
        return;
    }
    read_line(r, where, n, &r->out->unknown, false);
    r->out->has_unknown = true;
}

static void read_numbers(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    struct numbers *out = r->out;

    (void)place;
    if (!numbers_is_sequence(r, where, n))
        return;
    size_t count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (count > NUMBERS_MAX) {
        numbers_fail(r, n, "%s: %zu numbers; accepted: %d at most", where, count, NUMBERS_MAX);
        return;
    }
    out->line = calloc(count + 1, sizeof *out->line);
    if (!out->line) {
        numbers_fail(r, n, "%s: no memory for %zu numbers", where, count);
        return;
    }
    for (; out->count < count && !r->file.failed; out->count++)
        read_line(r, where, yaml_file_node(&r->file, n->data.sequence.items.start[out->count]),
                  &out->line[out->count], true);
}

/* ---- the whole ---- */

static void read_name(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_name(r, where, n, place, sizeof r->out->name);
}

static void read_calls(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_u32(r, where, n, 1, CALLS_MAX, place);
}

static void read_drain(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_duration(r, where, n, DRAIN_MS_MAX, place);
}

static const struct numbers_field file_fields[] = {
    {.name = "name", .read = read_name, .at = offsetof(struct numbers, name)},
    {.name = "sip", .read = numbers_read_sip},
    {.name = "media", .read = numbers_read_media},
    {.name = "tls", .read = numbers_read_tls},
    {.name = "codecs", .read = numbers_read_codecs, .at = offsetof(struct numbers, codecs)},
    {.name = "calls", .read = read_calls, .at = offsetof(struct numbers, calls)},
    {.name = "audio", .read = read_flow, .at = offsetof(struct numbers, audio)},
    {.name = "prints", .read = read_flow, .at = offsetof(struct numbers, prints)},
    {.name = "trunk", .read = numbers_read_trunk, .at = offsetof(struct numbers, trunk)},
    {.name = "agents", .read = numbers_read_agents},
    {.name = "hold", .read = numbers_read_hold},
    {.name = "supervision", .read = numbers_read_supervision},
    {.name = "zone", .read = numbers_read_zone},
    {.name = "hours", .read = numbers_read_hours},
    {.name = "speech", .read = numbers_read_speech, .at = offsetof(struct numbers, speech)},
    {.name = "speech_processes",
     .read = numbers_read_processes,
     .at = offsetof(struct numbers, speech_processes)},
    {.name = "speech_ahead", .read = numbers_read_ahead},
    {.name = "http", .read = numbers_read_http, .at = offsetof(struct numbers, http)},
    {.name = "recording", .read = numbers_read_recording, .at = offsetof(struct numbers, record)},
    {.name = "drain", .read = read_drain, .at = offsetof(struct numbers, drain_ms)},
    {.name = "unknown", .read = read_unknown},
    {.name = "numbers", .read = read_numbers},
};

static void check_whole(struct numbers_reader *r, const yaml_node_t *root)
{
    struct numbers *out = r->out;

    if (!r->file.failed && !out->name[0])
        numbers_fail(r, root, "it needs name:, under which records are kept, as in order-line");
    if (!r->file.failed && out->count == 0 && !out->has_unknown)
        numbers_fail(r, root,
                     "it answers no number: it needs numbers:, each with number: and "
                     "flow:");
    if (!r->file.failed && out->supervision_pin[0] && out->agent_count == 0)
        numbers_fail(r, root, "supervision: it is of agents, and the file has none");
    if (!r->file.failed && out->hold.key && out->agent_count == 0)
        numbers_fail(r, root, "hold: it is of agents, and the file has none");
    numbers_sort(out);
    for (uint32_t i = 1; i < out->count && !r->file.failed; i++)
        if (strcmp(out->line[i].key, out->line[i - 1].key) == 0) {
            uint32_t a = out->line[i - 1].file_line, b = out->line[i].file_line;

            r->file.failed = true;
            snprintf(r->file.error, r->file.error_max,
                     "%.200s:%u: the number %s stands in line %u, too", r->file.path, a > b ? a : b,
                     out->line[i].number, a > b ? b : a);
        }
}

static void read_document(struct numbers_reader *r)
{
    const yaml_node_t *root = yaml_file_root(&r->file);

    if (!root) {
        numbers_fail(r, NULL, "the file is empty; it needs name: and numbers:");
        return;
    }
    numbers_mapping(r, "", root, FIELDS_OF(file_fields), r->out);
    numbers_check_network(r, root);
    check_whole(r, root);
}

static void set_defaults(struct numbers *n, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash && (size_t)(slash - path) < sizeof n->folder)
        slice_copy(slice_of(path, (size_t)(slash - path)), n->folder, sizeof n->folder);
    addr_parse(SLICE("127.0.0.1:5060"), 5060, &n->sip);
    n->sip_dscp = MARK_DSCP_CALLS;
    n->media_dscp = MARK_DSCP_VOICE;
    n->media_alive_ms = 15000; /* RFC 6263 6 */
    n->late_limit_ms = ADMISSION_LIMIT_MS;
    n->media_port_min = 30000;
    n->media_port_max = 39999;
    zone_open(&n->zone, SLICE("UTC"));
    n->calls = CALLS_DEFAULT;
    n->drain_ms = DRAIN_MS_DEFAULT;
}

enum err numbers_parse(struct numbers **out, const char *path, struct slice text, char *error)
{
    struct numbers_reader r = {.out = calloc(1, sizeof *r.out)};

    if (!r.out) {
        snprintf(error, NUMBERS_ERROR_MAX, "%.200s:1: no memory", path);
        return ERR_NOMEM;
    }
    set_defaults(r.out, path);
    enum err e = yaml_file_parse(&r.file, path, text, error, NUMBERS_ERROR_MAX);
    if (e == OK) {
        read_document(&r);
        e = r.file.failed ? ERR_INVALID : OK;
    }
    yaml_file_close(&r.file);
    if (e == OK)
        *out = r.out;
    else
        numbers_free(r.out);
    return e;
}
