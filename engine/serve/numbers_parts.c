/* The parts of NUMBERS.yaml that flows put calls through by: trunk, agents (with who
 * supervises them), zone and hours. */
#include <stdio.h>
#include <stdlib.h>

#include "flow/speech.h"
#include "serve/numbers_inner.h"

#define WRAP_UP_MS_MAX 3600000

#define FIELDS_OF(table) (table), sizeof(table) / sizeof((table)[0])
#define TRUNK(member)    (offsetof(struct numbers, trunk.member) - offsetof(struct numbers, trunk))

static void read_short(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_copy(r, where, n, place, sizeof r->out->trunk.user);
}

static void read_tls_name(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    numbers_copy(r, where, n, place, sizeof r->out->trunk.tls_name);
}

static const struct numbers_field trunk_fields[] = {
    {.name = "address", .read = numbers_read_addr, .at = TRUNK(address)},
    {.name = "tcp", .read = numbers_read_yes, .at = TRUNK(tcp)},
    {.name = "tls", .read = numbers_read_yes, .at = TRUNK(tls)},
    {.name = "tls_name", .read = read_tls_name, .at = TRUNK(tls_name)},
    {.name = "srtp", .read = numbers_read_srtp, .at = TRUNK(srtp)},
    {.name = "user", .read = read_short, .at = TRUNK(user)},
    {.name = "password", .read = read_short, .at = TRUNK(password)},
    {.name = "codecs", .read = numbers_read_codecs, .at = TRUNK(codecs)},
};

void numbers_read_trunk(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    numbers_mapping(r, where, n, FIELDS_OF(trunk_fields), place);
    if (!r->file.failed && !addr_is_set(&r->out->trunk.address))
        numbers_fail(r, n, "%s: it needs address:, as in 127.0.0.1:5070", where);
}

void numbers_read_speech(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    char *command = place;

    numbers_copy(r, where, n, command, NUMBERS_VALUE_MAX);
    if (!r->file.failed && (!strstr(command, "{file}") || !strstr(command, "{text}")))
        numbers_fail(r, n,
                     "%s: a command is expected here that has {file} and {text}, as in "
                     "\"espeak-ng -v {lang} -w {file} -- {text}\"",
                     where);
}

void numbers_read_processes(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    numbers_u32(r, where, n, 1, SPEECH_THREADS_MAX, place);
}

void numbers_read_ahead(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    bool ahead = true;

    (void)place;
    numbers_read_yes(r, where, n, &ahead);
    r->out->speech_on_demand = !ahead;
}

void numbers_read_http(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_copy(r, where, n, place, NUMBERS_HTTP_MAX);
}

/* ---- agents ---- */

static void read_agent_name(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    numbers_name(r, where, n, place, NUMBERS_NAME_MAX);
}

static void read_uri(struct numbers_reader *r, const char *where, const yaml_node_t *n, void *place)
{
    char *uri = place;

    numbers_copy(r, where, n, uri, NUMBERS_VALUE_MAX);
    if (!r->file.failed && (strncmp(uri, "sip:", 4) != 0 || strpbrk(uri, "<>\" ")))
        numbers_fail(r, n,
                     "%s: '%.60s' is not accepted; accepted: an address such as "
                     "sip:reception@127.0.0.1:5080",
                     where, uri);
}

static void read_wrap_up(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    numbers_duration(r, where, n, WRAP_UP_MS_MAX, place);
}

static void read_groups(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    uint32_t *set = place;

    if (!numbers_is_sequence(r, where, n))
        return;
    for (const yaml_node_item_t *i = n->data.sequence.items.start;
         i < n->data.sequence.items.top && !r->file.failed; i++) {
        const yaml_node_t *item = yaml_file_node(&r->file, *i);
        char name[AGENT_GROUP_NAME_MAX] = "";

        numbers_name(r, where, item, name, sizeof name);
        uint8_t group = r->file.failed ? 0 : agent_groups_add(&r->out->groups, name);

        if (!r->file.failed && !group)
            numbers_fail(r, item, "%s: accepted: %d groups at most", where, AGENT_GROUPS_MAX);
        *set |= 1u << group;
    }
}

static const struct numbers_field agent_fields[] = {
    {.name = "name", .read = read_agent_name, .at = offsetof(struct numbers_agent, name)},
    {.name = "uri", .read = read_uri, .at = offsetof(struct numbers_agent, uri)},
    {.name = "wrap_up", .read = read_wrap_up, .at = offsetof(struct numbers_agent, wrap_up_ms)},
    {.name = "codecs", .read = numbers_read_codecs, .at = offsetof(struct numbers_agent, codecs)},
    {.name = "groups", .read = read_groups, .at = offsetof(struct numbers_agent, groups)},
};

void numbers_read_agents(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    struct numbers *out = r->out;

    (void)place;
    if (!numbers_is_sequence(r, where, n))
        return;
    size_t count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (count > NUMBERS_AGENTS_MAX) {
        numbers_fail(r, n, "%s: %zu agents; accepted: %d at most", where, count,
                     NUMBERS_AGENTS_MAX);
        return;
    }
    out->agent = calloc(count + 1, sizeof *out->agent);
    if (!out->agent) {
        numbers_fail(r, n, "%s: no memory for %zu agents", where, count);
        return;
    }
    for (; out->agent_count < count && !r->file.failed; out->agent_count++) {
        const yaml_node_t *item =
            yaml_file_node(&r->file, n->data.sequence.items.start[out->agent_count]);
        struct numbers_agent *a = &out->agent[out->agent_count];

        numbers_mapping(r, where, item, FIELDS_OF(agent_fields), a);
        if (!r->file.failed && (!a->name[0] || !a->uri[0]))
            numbers_fail(r, item, "%s: each needs name: and uri:", where);
    }
}

static void read_pin(struct numbers_reader *r, const char *where, const yaml_node_t *n, void *place)
{
    char *pin = place;

    numbers_copy(r, where, n, pin, sizeof r->out->supervision_pin);
    size_t len = strlen(pin);

    if (!r->file.failed && (len < 4 || strspn(pin, "0123456789") != len))
        numbers_fail(r, n, "%s: '%s' is not accepted; accepted: 4 to 16 digits, in quotes", where,
                     pin);
}

static void read_hold_key(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    const char *text = numbers_text(r, where, n);

    if (text && strlen(text) == 1 && strchr("0123456789*#", text[0]))
        *(char *)place = text[0];
    else if (text)
        numbers_fail(r, n, "%s: '%.20s' is not accepted; accepted: one key, 0-9 * #, in quotes",
                     where, text);
}

static void read_music(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_path(r, where, n, place, NUMBERS_PATH_MAX);
}

static const struct numbers_field hold_fields[] = {
    {.name = "key", .read = read_hold_key, .at = offsetof(struct numbers, hold.key)},
    {.name = "music", .read = read_music, .at = offsetof(struct numbers, hold.music)},
};

void numbers_read_hold(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_mapping(r, where, n, FIELDS_OF(hold_fields), place);
    if (!r->file.failed && !r->out->hold.key)
        numbers_fail(r, n, "%s: it needs key:, the agent's, as in \"*\"", where);
}

static const struct numbers_field supervision_fields[] = {
    {.name = "pin", .read = read_pin, .at = offsetof(struct numbers, supervision_pin)},
};

void numbers_read_supervision(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                              void *place)
{
    (void)place;
    numbers_mapping(r, where, n, FIELDS_OF(supervision_fields), r->out);
}

/* ---- hours ---- */

void numbers_read_zone(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    const char *text = numbers_text(r, where, n);
    struct zone *zone = NULL;

    (void)place;
    if (!text)
        return;
    if (zone_open(&zone, slice_cstr(text)) != OK) {
        numbers_fail(r, n,
                     "%s: '%.40s' is no time zone of this system; accepted: a name such as "
                     "Europe/Ljubljana or UTC",
                     where, text);
        return;
    }
    zone_close(r->out->zone);
    r->out->zone = zone;
}

void numbers_read_hours(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    char why[NUMBERS_ERROR_MAX / 2] = "";

    (void)place;
    if (n->type != YAML_MAPPING_NODE) {
        numbers_fail(r, n,
                     "%s: names with windows are expected here, as in { operator: \"mon-fri "
                     "08:00-16:00\" }",
                     where);
        return;
    }
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
         p < n->data.mapping.pairs.top && !r->file.failed; p++) {
        const yaml_node_t *key = yaml_file_node(&r->file, p->key);
        const yaml_node_t *value = yaml_file_node(&r->file, p->value);
        struct numbers_hours *h = &r->out->hours[r->out->hours_count];

        if (r->out->hours_count == NUMBERS_HOURS_MAX) {
            numbers_fail(r, key, "%s: accepted: %d at most", where, NUMBERS_HOURS_MAX);
            return;
        }
        numbers_name(r, where, key, h->name, sizeof h->name);
        const char *text = r->file.failed ? NULL : numbers_text(r, where, value);
        if (text && windows_parse(slice_cstr(text), &h->windows, why, sizeof why) != OK)
            numbers_fail(r, value, "%s: %s: %s", where, h->name, why);
        r->out->hours_count++;
    }
}
