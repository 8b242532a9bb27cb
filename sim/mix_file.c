/* Reading a mix. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/document.h"
#include "sim/mix_inner.h"

#define LASTS_MIN_S 1.0
#define TIME_MAX_S  (366 * 86400.0)

static uint32_t need_scenario(struct document *d, const yaml_node_t *n, struct mix *m)
{
    const yaml_node_t *at = document_need(d, n, "scenario", "the name of a script, such as busy");
    const char *name = at ? document_scalar(d, at, "scenario") : NULL;

    if (!name)
        return UINT32_MAX;
    if (!*name || strlen(name) > 127)
        document_refuse(d, at, "scenario: a name of 1 to 127 characters");
    uint32_t i = document_ok(d) ? mix_entry_of(m, name) : UINT32_MAX;
    if (document_ok(d) && i == UINT32_MAX)
        document_refuse(d, at, "more than %d scenarios", MIX_SCENARIOS_MAX);
    return i;
}

/* A short text into an array; refused where it does not fit. */
static void take_text(struct document *d, const yaml_node_t *map, const char *key, char *out,
                      size_t cap)
{
    const char *text = document_text(d, map, key, NULL);

    if (text && slice_copy(slice_cstr(text), out, cap) != OK)
        document_refuse(d, document_get(d, map, key), "%s: %zu characters at most", key, cap - 1);
}

static void read_weighted(struct document *d, const yaml_node_t *n, struct mix *m)
{
    static const char *const keys[] = {"scenario", "weight", "per_attempt", NULL};
    uint32_t before = m->entries;
    char *end;

    document_only(d, n, keys);
    uint32_t i = need_scenario(d, n, m);
    const yaml_node_t *at = document_need(d, n, "weight", "how often, beside the others");
    const char *text = at ? document_scalar(d, at, "weight") : NULL;
    bool per_attempt = document_bool(d, n, "per_attempt", false);
    if (!text || !document_ok(d))
        return;
    double weight = strtod(text, &end);
    if (end == text || *end || !(weight >= 0 && weight <= 1e9))
        document_refuse(d, at, "the weight of %s is '%.40s': a number from 0 to 1e9",
                        m->entry[i].scenario, text);
    if (i < before)
        document_refuse(d, n, "%s is there twice", m->entry[i].scenario);
    if (!document_ok(d))
        return;
    m->entry[i].weight = weight;
    m->entry[i].per_attempt = per_attempt;
    m->weight[per_attempt] += weight;
}

static void read_scenarios(struct document *d, const yaml_node_t *root, struct mix *m)
{
    const yaml_node_t *n, *list = document_need(d, root, "scenarios", "who answers, with weights");

    for (uint32_t i = 0; (n = document_item(d, list, i, "scenarios")); i++)
        read_weighted(d, n, m);
    if (document_ok(d) && !(m->weight[0] + m->weight[1] > 0))
        document_refuse(d, list, "scenarios: the weights add up to nothing");
}

static void read_rule(struct document *d, const yaml_node_t *n, struct mix *m)
{
    static const char *const keys[] = {"number", "prefix", "scenario", NULL};
    struct mix_rule *r = &m->rules[m->rule_count];
    char digits[64];

    document_only(d, n, keys);
    const char *number = document_text(d, n, "number", NULL);
    const char *prefix = document_text(d, n, "prefix", NULL), *text = number ? number : prefix;
    if (document_ok(d) && (!text || (number && prefix)))
        document_refuse(d, n, "an item of numbers has either number or prefix");
    if (document_ok(d) && (!*text || strlen(text) > 63))
        document_refuse(d, n, "%s: 1 to 63 characters", number ? "number" : "prefix");
    r->is_prefix = prefix != NULL;
    r->entry = need_scenario(d, n, m);
    if (!document_ok(d))
        return;
    slice_copy(mix_normalize(slice_cstr(text), digits, sizeof digits), r->digits, sizeof r->digits);
    m->rule_count++;
}

static void read_numbers(struct document *d, const yaml_node_t *list, struct mix *m)
{
    const yaml_node_t *n;
    uint32_t count = 0;

    while (document_item(d, list, count, "numbers"))
        count++;
    m->rules = calloc(count + 1, sizeof *m->rules);
    if (!m->rules)
        document_refuse(d, list, "numbers: no memory");
    for (uint32_t i = 0; i < count && (n = document_item(d, list, i, "numbers")); i++)
        read_rule(d, n, m);
    if (document_ok(d))
        mix_sort_rules(m);
}

static void read_spells(struct document *d, const yaml_node_t *list, struct mix *m)
{
    static const char *const keys[] = {"scenario", "share", "lasts", NULL};
    const yaml_node_t *n;

    for (uint32_t i = 0; (n = document_item(d, list, i, "spells")); i++) {
        if (i == MIX_SPELLS_MAX)
            document_refuse(d, n, "more than %d spells", MIX_SPELLS_MAX);
        document_only(d, n, keys);
        document_need(d, n, "share", "percent of all time");
        document_need(d, n, "lasts", "seconds on average");
        struct mix_spell s = {
            .entry = need_scenario(d, n, m),
            .share = document_number(d, n, "share", 0, 0.01, 99) / 100,
            .lasts = document_number(d, n, "lasts", 1, LASTS_MIN_S, TIME_MAX_S),
        };
        if (!document_ok(d))
            return;
        m->spell[m->spells++] = s;
        m->spells_share += s.share;
        m->spells_often += s.share / s.lasts;
    }
    if (m->spells_share > 0.99)
        document_refuse(d, list,
                        "spells: the shares add up to %g %%: 99 at most, the rest is when "
                        "a number can be reached",
                        m->spells_share * 100);
}

static void read_answer_rate(struct document *d, const yaml_node_t *list, struct mix *m)
{
    static const char *const keys[] = {"at", "percent", NULL};
    const yaml_node_t *n;

    for (uint32_t i = 0; (n = document_item(d, list, i, "answer_rate")); i++) {
        if (i == MIX_POINTS_MAX)
            document_refuse(d, n, "more than %d points of answer_rate", MIX_POINTS_MAX);
        document_only(d, n, keys);
        document_need(d, n, "at", "seconds since the beginning");
        document_need(d, n, "percent", "of attempts that nothing stands in the way of");
        struct mix_point p = {document_number(d, n, "at", 0, 0, TIME_MAX_S),
                              document_number(d, n, "percent", 0, 0, 100) / 100};
        if (document_ok(d) && i && p.at_s <= m->point[i - 1].at_s)
            document_refuse(d, n, "at: %g is not after the point before", p.at_s);
        if (!document_ok(d))
            return;
        m->point[m->points++] = p;
    }
    if (document_ok(d) && m->points && !(m->weight[0] > 0 && m->weight[1] > 0))
        document_refuse(d, list,
                        "answer_rate: needs scenarios of both kinds: those with per_attempt "
                        "stand in the way of the others");
}

static void read_agents(struct document *d, const yaml_node_t *n, struct mix *m)
{
    static const char *const keys[] = {"prefix", "scenario", NULL};

    snprintf(m->agent_prefix, sizeof m->agent_prefix, "agent-");
    snprintf(m->agent_scenario, sizeof m->agent_scenario, "agents/agent");
    if (!n)
        return;
    document_only(d, n, keys);
    document_need(d, n, "prefix", "what agents' names begin with");
    document_need(d, n, "scenario", "a script, such as agents/agent");
    take_text(d, n, "prefix", m->agent_prefix, sizeof m->agent_prefix);
    take_text(d, n, "scenario", m->agent_scenario, sizeof m->agent_scenario);
    if (document_ok(d) && (!m->agent_prefix[0] || !m->agent_scenario[0]))
        document_refuse(d, n, "agents: prefix and scenario cannot be empty");
}

static void read_settings(struct document *d, const yaml_node_t *list, struct mix *m)
{
    static const char *const keys[] = {"name", "value", NULL};
    const yaml_node_t *n;

    for (uint32_t i = 0; (n = document_item(d, list, i, "settings")); i++) {
        if (i == MIX_SETTINGS_MAX) {
            document_refuse(d, n, "more than %d settings", MIX_SETTINGS_MAX);
            return;
        }
        document_only(d, n, keys);
        document_need(d, n, "name", "what scripts call it");
        document_need(d, n, "value", "what scripts get");
        take_text(d, n, "name", m->setting_name[i], sizeof m->setting_name[i]);
        take_text(d, n, "value", m->setting_value[i], sizeof m->setting_value[i]);
        if (document_ok(d))
            m->settings++;
    }
}

static void read_all(struct document *d, struct mix *m)
{
    static const char *const keys[] = {"scenarios",   "numbers", "agents", "settings",  "spells",
                                       "answer_rate", "speed",   "impair", "misbehave", NULL};
    const yaml_node_t *root = document_root(d);

    document_only(d, root, keys);
    read_scenarios(d, root, m);
    read_numbers(d, document_get(d, root, "numbers"), m);
    read_spells(d, document_get(d, root, "spells"), m);
    read_answer_rate(d, document_get(d, root, "answer_rate"), m);
    read_agents(d, document_get(d, root, "agents"), m);
    read_settings(d, document_get(d, root, "settings"), m);
    wrongs_read(d, document_get(d, root, "impair"), document_get(d, root, "misbehave"), &m->wrongs);
    m->speed = document_number(d, root, "speed", 1, 0.001, 100000);
}

static enum err build(struct mix **out, struct document *d)
{
    struct mix *m = calloc(1, sizeof *m);

    if (!m)
        return ERR_NOMEM;
    read_all(d, m);
    if (document_ok(d)) {
        *out = m;
        return OK;
    }
    mix_free(m);
    return ERR_INVALID;
}

enum err mix_load_text(struct mix **out, const char *name, struct slice text, char *error)
{
    struct document d;
    enum err e = document_load_text(&d, name, text, error);

    if (e == OK)
        e = build(out, &d);
    document_close(&d);
    return e;
}

enum err mix_load(struct mix **out, const char *path, char *error)
{
    struct document d;
    enum err e = document_load(&d, path, error);

    if (e == OK)
        e = build(out, &d);
    document_close(&d);
    return e;
}
