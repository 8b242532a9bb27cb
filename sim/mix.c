/* Loading a mix and drawing from it. */
#include "sim/mix.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

struct file_scenario {
    char *scenario;
    double weight;
    bool per_attempt;
};

struct file_number {
    char *number, *prefix, *scenario;
};

struct file_agents {
    char *prefix, *scenario;
};

struct file_setting {
    char *name, *value;
};

struct file {
    struct file_scenario *scenarios;
    unsigned scenarios_count;
    struct file_number *numbers;
    unsigned numbers_count;
    struct file_agents *agents;
    struct file_setting *settings;
    unsigned settings_count;
};

static const cyaml_schema_field_t scenario_fields[] = {
    CYAML_FIELD_STRING_PTR("scenario", CYAML_FLAG_POINTER, struct file_scenario, scenario, 1, 128),
    CYAML_FIELD_FLOAT("weight", CYAML_FLAG_DEFAULT, struct file_scenario, weight),
    CYAML_FIELD_BOOL("per_attempt", CYAML_FLAG_OPTIONAL, struct file_scenario, per_attempt),
    CYAML_FIELD_END};
static const cyaml_schema_value_t scenario_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_scenario, scenario_fields)};

static const cyaml_schema_field_t number_fields[] = {
    CYAML_FIELD_STRING_PTR("number", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_number,
                           number, 1, 63),
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_number,
                           prefix, 1, 63),
    CYAML_FIELD_STRING_PTR("scenario", CYAML_FLAG_POINTER, struct file_number, scenario, 1, 128),
    CYAML_FIELD_END};
static const cyaml_schema_value_t number_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_number, number_fields)};

static const cyaml_schema_field_t agents_fields[] = {
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER, struct file_agents, prefix, 1, 63),
    CYAML_FIELD_STRING_PTR("scenario", CYAML_FLAG_POINTER, struct file_agents, scenario, 1, 128),
    CYAML_FIELD_END};

static const cyaml_schema_field_t setting_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct file_setting, name, 1, 47),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct file_setting, value, 0, 127),
    CYAML_FIELD_END};
static const cyaml_schema_value_t setting_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_setting, setting_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("scenarios", CYAML_FLAG_POINTER, struct file, scenarios, &scenario_schema,
                         1, MIX_SCENARIOS_MAX),
    CYAML_FIELD_SEQUENCE("numbers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file, numbers,
                         &number_schema, 0, MIX_NUMBERS_MAX),
    CYAML_FIELD_MAPPING_PTR("agents", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file, agents,
                            agents_fields),
    CYAML_FIELD_SEQUENCE("settings", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file,
                         settings, &setting_schema, 0, MIX_SETTINGS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, file_fields)};

struct entry {
    char *scenario;
    double weight;
    bool per_attempt;
};

struct rule {
    char digits[64];
    bool is_prefix;
    uint32_t entry;
};

struct mix {
    struct entry entry[MIX_SCENARIOS_MAX];
    uint32_t entries;
    double weight[2]; /* of lasting entries, of per-attempt entries */
    struct rule *rules;
    uint32_t rule_count;
    char agent_prefix[64], agent_scenario[136];
    char setting_name[MIX_SETTINGS_MAX][48], setting_value[MIX_SETTINGS_MAX][128];
    uint32_t settings;
};

/* What libcyaml says, most useful line first; its own buffer is the caller's. */
struct messages {
    char *error;
    const char *name;
    size_t at;
};

static void collect(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct messages *m = ctx;

    if (level < CYAML_LOG_ERROR || m->at >= MIX_ERROR_MAX - 2)
        return;
    if (m->at == 0)
        m->at += (size_t)snprintf(m->error, MIX_ERROR_MAX, "%.100s: ", m->name);
    int n = vsnprintf(m->error + m->at, MIX_ERROR_MAX - m->at, fmt, args);
    m->at = n < 0 ? m->at : m->at + (size_t)n;
    if (m->at > MIX_ERROR_MAX - 1)
        m->at = MIX_ERROR_MAX - 1;
    while (m->at && (m->error[m->at - 1] == '\n' || m->error[m->at - 1] == ' '))
        m->at--;
    m->at += (size_t)snprintf(m->error + m->at, MIX_ERROR_MAX - m->at, " ");
}

struct slice mix_normalize(struct slice number, char *dst, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < number.len && n < cap; i++)
        if (number.p[i] >= '0' && number.p[i] <= '9')
            dst[n++] = number.p[i];
        else if (!strchr("+ -()./", number.p[i]))
            return number;
    return n ? slice_of(dst, n) : number;
}

/* ---- building ---- */

static enum err refuse(char *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum err refuse(char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(error, MIX_ERROR_MAX, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

/* The entry of that name, made with weight 0 when only a number uses it. UINT32_MAX: no room. */
static uint32_t entry_of(struct mix *m, const char *scenario)
{
    for (uint32_t i = 0; i < m->entries; i++)
        if (strcmp(m->entry[i].scenario, scenario) == 0)
            return i;
    if (m->entries == MIX_SCENARIOS_MAX)
        return UINT32_MAX;
    struct entry *e = &m->entry[m->entries];
    e->scenario = strdup(scenario);
    return e->scenario ? m->entries++ : UINT32_MAX;
}

static enum err add_weighted(struct mix *m, const char *name, const struct file_scenario *s,
                             char *error)
{
    uint32_t before = m->entries, i = entry_of(m, s->scenario);

    if (!(s->weight >= 0) || !isfinite(s->weight) || s->weight > 1e9)
        return refuse(error, "%.100s: the weight of %s must be a number from 0 to 1e9", name,
                      s->scenario);
    if (i == UINT32_MAX)
        return ERR_FULL;
    if (i < before)
        return refuse(error, "%.100s: %s is named twice; give it one weight", name, s->scenario);
    m->entry[i].weight = s->weight;
    m->entry[i].per_attempt = s->per_attempt;
    m->weight[s->per_attempt] += s->weight;
    return OK;
}

static enum err add_rule(struct mix *m, const char *name, const struct file_number *n, char *error)
{
    const char *text = n->number ? n->number : n->prefix;
    struct rule *r = &m->rules[m->rule_count];
    char digits[64];

    if (!text || (n->number && n->prefix))
        return refuse(error, "%.100s: an item of numbers has either number or prefix (scenario %s)",
                      name, n->scenario);
    r->is_prefix = n->prefix != NULL;
    r->entry = entry_of(m, n->scenario);
    if (r->entry == UINT32_MAX)
        return refuse(error, "%.100s: more than %d scenarios", name, MIX_SCENARIOS_MAX);
    slice_copy(mix_normalize(slice_cstr(text), digits, sizeof digits), r->digits, sizeof r->digits);
    m->rule_count++;
    return OK;
}

/* Whole numbers first, then prefixes, longest first; so the first match is the best. */
static int rule_order(const void *pa, const void *pb)
{
    const struct rule *a = pa, *b = pb;

    if (a->is_prefix != b->is_prefix)
        return a->is_prefix - b->is_prefix;
    size_t la = strlen(a->digits), lb = strlen(b->digits);
    return (la < lb) - (la > lb);
}

static enum err build(struct mix *m, const char *name, const struct file *f, char *error)
{
    enum err e = OK;

    for (unsigned i = 0; i < f->scenarios_count && e == OK; i++)
        e = add_weighted(m, name, &f->scenarios[i], error);
    if (e == OK && !(m->weight[0] + m->weight[1] > 0))
        return refuse(error, "%.100s: the weights add up to nothing", name);
    m->rules = calloc(f->numbers_count + 1, sizeof *m->rules);
    if (!m->rules)
        return ERR_NOMEM;
    for (unsigned i = 0; i < f->numbers_count && e == OK; i++)
        e = add_rule(m, name, &f->numbers[i], error);
    if (e != OK)
        return e;
    qsort(m->rules, m->rule_count, sizeof *m->rules, rule_order);
    snprintf(m->agent_prefix, sizeof m->agent_prefix, "%s",
             f->agents ? f->agents->prefix : "agent-");
    snprintf(m->agent_scenario, sizeof m->agent_scenario, "%s",
             f->agents ? f->agents->scenario : "agents/agent");
    for (unsigned i = 0; i < f->settings_count; i++, m->settings++) {
        snprintf(m->setting_name[i], sizeof m->setting_name[i], "%s", f->settings[i].name);
        snprintf(m->setting_value[i], sizeof m->setting_value[i], "%s", f->settings[i].value);
    }
    return OK;
}

enum err mix_load_text(struct mix **out, const char *name, struct slice text, char *error)
{
    struct messages messages = {error, name, 0};
    const cyaml_config_t config = {
        .log_fn = collect, .log_ctx = &messages, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
    struct file *f = NULL;

    error[0] = '\0';
    if (slice_trim(text).len == 0)
        return refuse(error, "%.100s: the file is empty; it needs scenarios: with weights", name);
    cyaml_err_t ce = cyaml_load_data((const uint8_t *)text.p, text.len, &config, &file_schema,
                                     (cyaml_data_t **)&f, NULL);
    if (ce != CYAML_OK || !f) {
        if (!error[0])
            refuse(error, "%.100s: %s", name, cyaml_strerror(ce));
        return ERR_INVALID;
    }
    struct mix *m = calloc(1, sizeof *m);
    enum err e = m ? build(m, name, f, error) : ERR_NOMEM;
    cyaml_free(&config, &file_schema, f, 0);
    if (e != OK) {
        mix_free(m);
        return e;
    }
    *out = m;
    return OK;
}

enum err mix_load(struct mix **out, const char *path, char *error)
{
    FILE *file = fopen(path, "re");

    if (!file) {
        refuse(error, "%.200s: %s", path, strerror(errno));
        return ERR_NOT_FOUND;
    }
    char *text = malloc(MIX_FILE_MAX + 1);
    size_t len = text ? fread(text, 1, MIX_FILE_MAX + 1, file) : 0;
    fclose(file);
    enum err e = !text                ? ERR_NOMEM
                 : len > MIX_FILE_MAX ? refuse(error, "%.200s: longer than 4 MiB", path)
                                      : mix_load_text(out, path, slice_of(text, len), error);
    free(text);
    return e;
}

enum err mix_equal(struct mix **out, const char *const scenarios[], uint32_t count)
{
    char error[MIX_ERROR_MAX];
    struct file_scenario *list = calloc(count + 1, sizeof *list);
    struct mix *m = calloc(1, sizeof *m);
    enum err e = list && m ? OK : ERR_NOMEM;

    if (e == OK) {
        for (uint32_t i = 0; i < count; i++) {
            char *name = (char *)(uintptr_t)scenarios[i]; /* only read */
            list[i] = (struct file_scenario){.scenario = name, .weight = 1};
        }
        e = build(m, "scenarios", &(struct file){.scenarios = list, .scenarios_count = count},
                  error);
    }
    free(list);
    if (e != OK) {
        mix_free(m);
        return e;
    }
    *out = m;
    return OK;
}

void mix_free(struct mix *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->entries; i++)
        free(m->entry[i].scenario);
    free(m->rules);
    free(m);
}

/* ---- looking ---- */

uint32_t mix_scenario_count(const struct mix *m)
{
    return m->entries;
}

const char *mix_scenario(const struct mix *m, uint32_t i)
{
    return m->entry[i].scenario;
}

double mix_weight(const struct mix *m, uint32_t i)
{
    return m->entry[i].weight;
}

bool mix_per_attempt(const struct mix *m, uint32_t i)
{
    return m->entry[i].per_attempt;
}

const char *mix_agent_prefix(const struct mix *m)
{
    return m->agent_prefix;
}

const char *mix_agent_scenario(const struct mix *m)
{
    return m->agent_scenario;
}

uint32_t mix_setting_count(const struct mix *m)
{
    return m->settings;
}

void mix_setting(const struct mix *m, uint32_t i, const char **name, const char **value)
{
    *name = m->setting_name[i];
    *value = m->setting_value[i];
}

uint32_t mix_settings(const struct mix *m, struct flow_field *out)
{
    for (uint32_t i = 0; i < m->settings; i++)
        out[i] = (struct flow_field){m->setting_name[i], m->setting_value[i]};
    return m->settings;
}

/* ---- drawing ---- */

static uint32_t draw_among(const struct mix *m, bool per_attempt, double at)
{
    uint32_t last = 0;
    double sum = 0;

    for (uint32_t i = 0; i < m->entries; i++) {
        if (m->entry[i].per_attempt != per_attempt || m->entry[i].weight <= 0)
            continue;
        sum += m->entry[i].weight;
        last = i;
        if (at < sum)
            return i;
    }
    return last; /* rounding at the very end */
}

uint32_t mix_draw(const struct mix *m, uint64_t seed, struct slice number, uint32_t attempt)
{
    char digits[64];
    struct slice who = mix_normalize(number, digits, sizeof digits);
    struct rng rng;

    for (uint32_t i = 0; i < m->rule_count; i++) {
        const struct rule *r = &m->rules[i];
        struct slice rule = slice_cstr(r->digits);
        if (r->is_prefix ? slice_starts(who, rule) : slice_eq(who, rule))
            return r->entry;
    }
    double total = m->weight[0] + m->weight[1];
    rng_seed_stream(&rng, seed, who, attempt);
    double at = rng_unit(&rng) * total;
    if (at < m->weight[1])
        return draw_among(m, true, at);
    rng_seed_stream(&rng, seed, who, 0); /* attempts count from 1: 0 is the person's own */
    return draw_among(m, false, rng_unit(&rng) * m->weight[0]);
}
