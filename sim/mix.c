/* Drawing from a mix. Each question about a number has a stream of dice of its own, so that the
 * answers do not depend on which were asked before. */
#include "sim/mix.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "sim/mix_inner.h"

#define STREAM_PERSON 0                   /* attempts count from 1 */
#define STREAM_SPELLS (UINT64_C(1) << 40) /* beyond any attempt */
#define SPELLS_LOOKED 1000000             /* in one number's history; a week of short ones */

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

uint32_t mix_entry_of(struct mix *m, const char *scenario)
{
    for (uint32_t i = 0; i < m->entries; i++)
        if (strcmp(m->entry[i].scenario, scenario) == 0)
            return i;
    if (m->entries == MIX_SCENARIOS_MAX)
        return UINT32_MAX;
    struct mix_entry *e = &m->entry[m->entries];
    e->scenario = strdup(scenario);
    return e->scenario ? m->entries++ : UINT32_MAX;
}

/* Whole numbers first, then prefixes, longest first; so the first match is the best. */
static int rule_order(const void *pa, const void *pb)
{
    const struct mix_rule *a = pa, *b = pb;

    if (a->is_prefix != b->is_prefix)
        return a->is_prefix - b->is_prefix;
    size_t la = strlen(a->digits), lb = strlen(b->digits);
    return (la < lb) - (la > lb);
}

void mix_sort_rules(struct mix *m)
{
    qsort(m->rules, m->rule_count, sizeof *m->rules, rule_order);
}

enum err mix_equal(struct mix **out, const char *const scenarios[], uint32_t count)
{
    struct mix *m = calloc(1, sizeof *m);

    if (!m)
        return ERR_NOMEM;
    m->speed = 1;
    snprintf(m->agent_prefix, sizeof m->agent_prefix, "agent-");
    snprintf(m->agent_scenario, sizeof m->agent_scenario, "agents/agent");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = mix_entry_of(m, scenarios[i]);
        if (at == UINT32_MAX) {
            mix_free(m);
            return ERR_NOMEM;
        }
        m->entry[at].weight = 1;
        m->weight[0] += 1;
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

const struct wrongs *mix_wrongs(const struct mix *m)
{
    return &m->wrongs;
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

/* One spell of those there are: by the time they take (often false), or by how often they come. */
static const struct mix_spell *draw_spell(const struct mix *m, double at, bool often)
{
    double sum = 0;

    for (uint32_t i = 0; i < m->spells; i++) {
        sum += often ? m->spell[i].share / m->spell[i].lasts : m->spell[i].share;
        if (at < sum)
            return &m->spell[i];
    }
    return &m->spell[m->spells - 1];
}

/* What the number is in at that time; NULL: nothing, it can be reached. Free and not free take
 * turns. A spell of a kind comes as often as its share of time and its length ask, which also says
 * how long a number is free between: both exponential, so that the history may begin anywhere. */
static const struct mix_spell *spell_at(const struct mix *m, uint64_t seed, struct slice who,
                                        double at_s)
{
    double free_s = (1 - m->spells_share) / m->spells_often, until = 0, u;
    const struct mix_spell *in;
    struct rng rng;

    rng_seed_stream(&rng, seed, who, STREAM_SPELLS);
    u = rng_unit(&rng);
    in = u < m->spells_share ? draw_spell(m, u, false) : NULL;
    for (uint32_t i = 0; i < SPELLS_LOOKED; i++) {
        until += rng_exp(&rng, in ? in->lasts : free_s);
        if (until > at_s)
            break;
        in = in ? NULL : draw_spell(m, rng_unit(&rng) * m->spells_often, true);
    }
    return in;
}

/* Of the moment, between its points in a straight line. */
static double answer_rate(const struct mix *m, double at_s)
{
    const struct mix_point *p = m->point;

    if (at_s <= p[0].at_s)
        return p[0].rate;
    for (uint32_t i = 1; i < m->points; i++)
        if (at_s < p[i].at_s)
            return p[i - 1].rate + (p[i].rate - p[i - 1].rate) * (at_s - p[i - 1].at_s) /
                                       (p[i].at_s - p[i - 1].at_s);
    return p[m->points - 1].rate;
}

/* True: an obstacle stands in the way of this attempt, *entry. */
static bool obstacle(const struct mix *m, uint64_t seed, struct slice who, uint32_t attempt,
                     double at_s, uint32_t *entry)
{
    double total = m->weight[0] + m->weight[1], share = m->weight[1];
    struct rng rng;

    rng_seed_stream(&rng, seed, who, attempt);
    double at = rng_unit(&rng) * total;
    if (m->points)
        share = (1 - answer_rate(m, at_s)) * total;
    if (at >= share)
        return false;
    *entry = draw_among(m, true, m->points ? at / share * m->weight[1] : at);
    return true;
}

uint32_t mix_draw(const struct mix *m, uint64_t seed, struct slice number, uint32_t attempt,
                  double at_s)
{
    char digits[64];
    struct slice who = mix_normalize(number, digits, sizeof digits);
    struct rng rng;
    uint32_t entry;

    for (uint32_t i = 0; i < m->rule_count; i++) {
        const struct mix_rule *r = &m->rules[i];
        struct slice rule = slice_cstr(r->digits);
        if (r->is_prefix ? slice_starts(who, rule) : slice_eq(who, rule))
            return r->entry;
    }
    at_s *= m->speed;
    const struct mix_spell *in = m->spells ? spell_at(m, seed, who, at_s) : NULL;
    if (in)
        return in->entry;
    if (obstacle(m, seed, who, attempt, at_s, &entry))
        return entry;
    rng_seed_stream(&rng, seed, who, STREAM_PERSON);
    return draw_among(m, false, rng_unit(&rng) * m->weight[0]);
}
