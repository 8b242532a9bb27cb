/* Single values of NUMBERS.yaml, each read strictly: what is not accepted is said with file, line
 * and what would be. */
#include <ctype.h>
#include <stdio.h>

#include "campaign/file.h"
#include "serve/numbers_inner.h"

const char *numbers_text(struct numbers_reader *r, const char *where, const yaml_node_t *n)
{
    const char *text = yaml_file_scalar(n);

    if (!text)
        numbers_fail(r, n, "%s: a single value is expected here", where);
    return text;
}

void numbers_copy(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap)
{
    const char *text = numbers_text(r, where, n);

    if (!text)
        return;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            numbers_fail(r, n, "%s: control characters are not accepted", where);
            return;
        }
    if (slice_copy(slice_cstr(text), dst, cap) != OK)
        numbers_fail(r, n, "%s: too long; accepted: %zu bytes at most", where, cap - 1);
}

void numbers_name(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap)
{
    numbers_copy(r, where, n, dst, cap);
    if (r->file.failed)
        return;
    for (const char *p = dst; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
            dst[0] = '\0';
    if (!dst[0] || dst[0] == '.' || dst[0] == '-')
        numbers_fail(r, n, "%s: accepted: letters, digits, '_', '-' and '.', as in order-line",
                     where);
}

void numbers_path(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap)
{
    char text[NUMBERS_PATH_MAX] = "";

    numbers_copy(r, where, n, text, sizeof text);
    if (r->file.failed)
        return;
    bool own = text[0] == '/' || !r->out->folder[0];
    int len = snprintf(dst, cap, "%s%s%s", own ? "" : r->out->folder, own ? "" : "/", text);
    if (!text[0] || len < 0 || (size_t)len >= cap)
        numbers_fail(r, n, "%s: a path of at most %zu bytes is expected here", where, cap - 1);
}

void numbers_addr(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                  uint16_t default_port, struct addr *out)
{
    const char *text = numbers_text(r, where, n);

    if (text && addr_parse(slice_cstr(text), default_port, out) != OK)
        numbers_fail(r, n,
                     "%s: '%.60s' is not accepted; accepted: a numeric address%s, as in "
                     "127.0.0.1%s or [::1]%s",
                     where, text, default_port ? " and a port" : "", default_port ? ":5060" : "",
                     default_port ? ":5060" : "");
}

void numbers_bool(struct numbers_reader *r, const char *where, const yaml_node_t *n, bool *out)
{
    const char *text = numbers_text(r, where, n);

    if (!text)
        return;
    if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
        *out = true;
    else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
        *out = false;
    else
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: yes, no", where, text);
}

void numbers_u32(struct numbers_reader *r, const char *where, const yaml_node_t *n, uint32_t min,
                 uint32_t max, uint32_t *out)
{
    const char *text = numbers_text(r, where, n);
    uint64_t v;

    if (!text)
        return;
    if (slice_u64(slice_cstr(text), max, &v) != OK || v < min)
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: a whole number, %u to %u", where,
                     text, min, max);
    else
        *out = (uint32_t)v;
}

void numbers_duration(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      uint32_t max_ms, uint32_t *out_ms)
{
    const char *text = numbers_text(r, where, n);
    char longest[24];

    if (!text || campaign_duration(slice_cstr(text), max_ms, out_ms) == OK)
        return;
    campaign_duration_text(max_ms, longest, sizeof longest);
    numbers_fail(r, n,
                 "%s: '%.40s' is not accepted; accepted: a duration of at most %s, as in 500ms, "
                 "25s, 5m",
                 where, text, longest);
}

/* ---- mappings ---- */

static void say_accepted(const struct numbers_field *fields, size_t count, char *dst, size_t cap)
{
    size_t n = 0;

    dst[0] = '\0';
    for (size_t i = 0; i < count && n < cap; i++)
        n += (size_t)snprintf(dst + n, cap - n, "%s%s", i ? ", " : "", fields[i].name);
}

void numbers_mapping(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                     const struct numbers_field *fields, size_t count, void *place)
{
    char accepted[400], key_where[128];
    uint64_t seen = 0;

    say_accepted(fields, count, accepted, sizeof accepted);
    if (n->type != YAML_MAPPING_NODE) {
        numbers_fail(r, n, "%s: keys with values are expected here; accepted: %s", where, accepted);
        return;
    }
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
         p < n->data.mapping.pairs.top && !r->file.failed; p++) {
        const yaml_node_t *key = yaml_file_node(&r->file, p->key);
        const char *name = numbers_text(r, where, key);
        size_t i = 0;

        while (name && i < count && strcmp(fields[i].name, name) != 0)
            i++;
        if (!name)
            return;
        if (i == count) {
            numbers_fail(r, key, "%s%s'%.40s' is not known; accepted: %s", where,
                         where[0] ? ": " : "", name, accepted);
            return;
        }
        if (seen & UINT64_C(1) << i) {
            numbers_fail(r, key, "%s%s'%s' stands here twice", where, where[0] ? ": " : "", name);
            return;
        }
        seen |= UINT64_C(1) << i;
        snprintf(key_where, sizeof key_where, "%.60s%s%s", where, where[0] ? ": " : "", name);
        fields[i].read(r, key_where, yaml_file_node(&r->file, p->value),
                       (char *)place + fields[i].at);
    }
}

bool numbers_is_sequence(struct numbers_reader *r, const char *where, const yaml_node_t *n)
{
    if (n->type == YAML_SEQUENCE_NODE)
        return true;
    numbers_fail(r, n, "%s: a list is expected here, each item after a '-'", where);
    return false;
}
