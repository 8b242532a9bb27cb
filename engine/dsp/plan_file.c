/* From the text of a tone plan (YAML, docs/TONE-PLANS.md) to struct dsp_plan. The first thing that
 * is wrong ends the reading, with file, line and what is accepted. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "dsp/plan.h"

#define HZ_MIN            200
#define HZ_MAX            3500
#define LENGTH_MIN_MS     80 /* shorter tones and pauses are not told apart from gaps of packets */
#define LENGTH_MAX_MS     5000
#define STRETCH_MAX       30
#define STRETCH_DEFAULT   15
#define LEVEL_MIN_DBM0    (-60)
#define LEVEL_MAX_DBM0    10
#define LEVEL_MIN_DEFAULT (-500) /* quieter tones are not looked for */
#define LEVEL_MAX_DEFAULT 70     /* no sound is louder */

struct reader {
    yaml_document_t doc;
    const char *path;
    char *error;
    bool failed;
    struct dsp_plan *plan;
    uint32_t stretch_percent;
    int16_t level_min_ddb, level_max_ddb; /* of tones that say nothing of it */
};

__attribute__((format(printf, 3, 4))) static void fail(struct reader *r, const yaml_node_t *at,
                                                       const char *fmt, ...)
{
    va_list args;
    if (r->failed)
        return;
    r->failed = true;
    int n = snprintf(r->error, DSP_PLAN_ERROR_MAX, "%.200s:%zu: ", r->path,
                     at ? at->start_mark.line + 1 : 1);
    va_start(args, fmt);
    vsnprintf(r->error + n, (size_t)(DSP_PLAN_ERROR_MAX - n), fmt, args);
    va_end(args);
}

static yaml_node_t *node(struct reader *r, int index)
{
    return yaml_document_get_node(&r->doc, index);
}

/* ---- single values ---- */

/* NULL, and a complaint, where it is none. */
static const char *text_of(struct reader *r, const char *key, const yaml_node_t *n)
{
    if (n->type == YAML_SCALAR_NODE &&
        strlen((const char *)n->data.scalar.value) == n->data.scalar.length)
        return (const char *)n->data.scalar.value;
    fail(r, n, "%s: a single value is expected here", key);
    return NULL;
}

/* A whole number off the head of *p, in tenths where tenths are accepted. */
static bool take_number(const char **p, bool tenths, int32_t *out)
{
    bool negative = **p == '-';
    int32_t v = 0;
    unsigned digits = 0;
    *p += negative;
    for (; **p >= '0' && **p <= '9' && digits < 6; digits++)
        v = v * 10 + (*(*p)++ - '0');
    if (!digits)
        return false;
    if (tenths) {
        v *= 10;
        if ((*p)[0] == '.' && (*p)[1] >= '0' && (*p)[1] <= '9') {
            v += (*p)[1] - '0';
            *p += 2;
        }
    }
    *out = negative ? -v : v;
    return true;
}

/* "300" or "300..400". */
static bool take_range(struct reader *r, const char *key, const yaml_node_t *n, int32_t min,
                       int32_t max, int32_t out[2])
{
    const char *text = text_of(r, key, n), *p = text;
    if (!text)
        return false;
    bool ok = take_number(&p, false, &out[0]);
    out[1] = out[0];
    if (ok && p[0] == '.' && p[1] == '.') {
        p += 2;
        ok = take_number(&p, false, &out[1]);
    }
    if (ok && !*p && out[0] >= min && out[1] <= max && out[0] <= out[1])
        return true;
    fail(r, n,
         "%s: '%.40s' is not accepted; accepted: a whole number, %d to %d, or two as in %d..%d",
         key, text, min, max, min, max);
    return false;
}

static bool take_u32(struct reader *r, const char *key, const yaml_node_t *n, uint32_t min,
                     uint32_t max, uint32_t *out)
{
    const char *text = text_of(r, key, n), *p = text;
    int32_t v;
    if (!text)
        return false;
    if (take_number(&p, false, &v) && !*p && v >= (int32_t)min && v <= (int32_t)max) {
        *out = (uint32_t)v;
        return true;
    }
    fail(r, n, "%s: '%.40s' is not accepted; accepted: a whole number, %u to %u", key, text, min,
         max);
    return false;
}

/* Items of a list that has from..to of them; a single value is a list of one where one is enough.
 */
static unsigned list_of(struct reader *r, const char *key, yaml_node_t *n, unsigned from,
                        unsigned to, yaml_node_t *item[])
{
    if (n->type == YAML_SEQUENCE_NODE) {
        yaml_node_item_t *at = n->data.sequence.items.start, *top = n->data.sequence.items.top;
        unsigned count = (unsigned)(top - at);
        if (count >= from && count <= to) {
            for (unsigned i = 0; i < count; i++)
                item[i] = node(r, at[i]);
            return count;
        }
    } else if (from == 1) {
        item[0] = n;
        return 1;
    }
    if (from == to)
        fail(r, n, "%s: a list of %u is expected here ('[a, b]')", key, to);
    else
        fail(r, n, "%s: a list of %u to %u is expected here ('[a, b]')", key, from, to);
    return 0;
}

/* ---- mappings ---- */

struct key {
    const char *name;
    void (*read)(struct reader *r, const char *key, yaml_node_t *value, void *into);
    bool needed;
};

static void name_keys(char *out, size_t cap, const struct key *keys, unsigned count)
{
    size_t n = 0;
    for (unsigned i = 0; i < count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? ", " : "", keys[i].name);
}

static void read_mapping(struct reader *r, const char *what, yaml_node_t *n, const struct key *keys,
                         unsigned count, void *into)
{
    char accepted[256];
    uint32_t seen = 0;
    name_keys(accepted, sizeof accepted, keys, count);
    if (n->type != YAML_MAPPING_NODE) {
        fail(r, n, "%s: keys and values are expected here ('key: value'); accepted: %s", what,
             accepted);
        return;
    }
    yaml_node_pair_t *top = n->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < top && !r->failed; p++) {
        const yaml_node_t *key = node(r, p->key);
        const char *name = text_of(r, what, key);
        unsigned i = 0;
        while (name && i < count && strcmp(keys[i].name, name) != 0)
            i++;
        if (!name)
            return;
        if (i == count)
            fail(r, key, "unknown key '%.40s' in %s; accepted: %s", name, what, accepted);
        else if (seen >> i & 1u)
            fail(r, key, "%s: '%s' was given before", what, name);
        else
            keys[i].read(r, keys[i].name, node(r, p->value), into);
        seen |= 1u << i;
    }
    for (unsigned i = 0; i < count && !r->failed; i++)
        if (keys[i].needed && !(seen >> i & 1u))
            fail(r, n, "%s: '%s' is missing", what, keys[i].name);
}

#define READ_MAPPING(r, what, n, keys, into)                                                       \
    read_mapping(r, what, n, keys, sizeof(keys) / sizeof((keys)[0]), into)

/* ---- a tone ---- */

static void read_kind(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    static const uint8_t kinds[] = {DSP_RINGBACK, DSP_BUSY, DSP_REORDER, DSP_DIAL_TONE,
                                    DSP_UNOBTAINABLE};
    const char *text = text_of(r, key, n);
    struct plan_tone *t = into;
    for (unsigned i = 0; text && i < sizeof kinds; i++)
        if (strcmp(text, dsp_kind_name((enum dsp_kind)kinds[i])) == 0)
            t->kind = kinds[i];
    if (text && strcmp(text, "congestion") == 0)
        t->kind = DSP_REORDER;
    if (text && t->kind == DSP_NONE)
        fail(r, n,
             "%s: '%.40s' is not accepted; accepted: ringback, busy, reorder (or congestion), "
             "dial_tone, unobtainable",
             key, text);
}

static void read_hz(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_tone *t = into;
    yaml_node_t *item[2];
    unsigned count = list_of(r, key, n, 1, 2, item);
    uint32_t f[2] = {0, 0};
    for (unsigned i = 0; i < count; i++)
        if (!take_u32(r, key, item[i], HZ_MIN, HZ_MAX, &f[i]))
            return;
    if (count == 2 && f[0] == f[1])
        fail(r, n, "%s: two different frequencies are expected, or one alone", key);
    bool turned = count == 2 && f[0] > f[1];
    t->freq_hz[0] = (uint16_t)f[turned];
    t->freq_hz[1] = (uint16_t)f[!turned];
}

/* Kept as written; stretched when the whole plan has been read. */
static void read_cadence(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_tone *t = into;
    yaml_node_t *item[PLAN_STEPS_MAX];
    int32_t ms[2];
    if (n->type == YAML_SCALAR_NODE) {
        const char *text = text_of(r, key, n);
        if (text && strcmp(text, "steady") != 0)
            fail(r, n,
                 "%s: '%.40s' is not accepted; accepted: steady, or a list of milliseconds "
                 "[on, off] or [on, off, on, off]",
                 key, text);
        return;
    }
    unsigned count = list_of(r, key, n, 2, PLAN_STEPS_MAX, item);
    if (count == 3)
        fail(r, n, "%s: a pause is missing; accepted: [on, off] or [on, off, on, off]", key);
    for (unsigned i = 0; i < count; i++)
        if (take_range(r, key, item[i], LENGTH_MIN_MS, LENGTH_MAX_MS, ms))
            t->step[i] = (struct plan_range){(uint16_t)ms[0], (uint16_t)ms[1]};
    t->steps = (uint8_t)count;
}

static void read_tone_level(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_tone *t = into;
    int32_t dbm0[2];
    if (!take_range(r, key, n, LEVEL_MIN_DBM0, LEVEL_MAX_DBM0, dbm0))
        return;
    t->level_min_ddb = (int16_t)(dbm0[0] * 10);
    t->level_max_ddb = (int16_t)(dbm0[1] * 10);
}

static const struct key tone_keys[] = {{"kind", read_kind, true},
                                       {"hz", read_hz, true},
                                       {"cadence", read_cadence, true},
                                       {"level_dbm0", read_tone_level, false}};

static void read_tones(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    yaml_node_t *item[PLAN_TONES_MAX];
    (void)into;
    if (n->type != YAML_SEQUENCE_NODE) {
        fail(r, n, "%s: a list is expected here (lines that begin with '- kind: ')", key);
        return;
    }
    unsigned count = list_of(r, key, n, 1, PLAN_TONES_MAX, item);
    for (unsigned i = 0; i < count && !r->failed; i++)
        READ_MAPPING(r, "a tone", item[i], tone_keys, &r->plan->tone[i]);
}

/* ---- special information tones ---- */

static void read_sit_hz(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_sit *s = into;
    yaml_node_t *item[3];
    int32_t hz[2];
    unsigned count = list_of(r, key, n, 3, 3, item);
    for (unsigned i = 0; i < count && take_range(r, key, item[i], HZ_MIN, HZ_MAX, hz); i++) {
        s->hz_min[i] = (uint16_t)hz[0];
        s->hz_max[i] = (uint16_t)hz[1];
        if (i && s->hz_min[i] <= s->hz_max[i - 1])
            fail(r, item[i], "%s: three ranges that rise and do not overlap are expected", key);
    }
}

static void read_sit_length(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_sit *s = into;
    int32_t ms[2];
    if (take_range(r, key, n, LENGTH_MIN_MS, LENGTH_MAX_MS, ms))
        s->length = (struct plan_range){(uint16_t)ms[0], (uint16_t)ms[1]};
}

static void read_sit_gap(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    uint32_t ms;
    if (take_u32(r, key, n, 0, 200, &ms))
        ((struct plan_sit *)into)->gap_ms = (uint16_t)ms;
}

static void read_sit_long(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    uint32_t ms;
    if (take_u32(r, key, n, LENGTH_MIN_MS, LENGTH_MAX_MS, &ms))
        ((struct plan_sit *)into)->long_ms = (uint16_t)ms;
}

static void read_two_hz(struct reader *r, const char *key, yaml_node_t *n, int32_t min,
                        float out[2])
{
    yaml_node_t *item[2];
    unsigned count = list_of(r, key, n, 2, 2, item);
    for (unsigned i = 0; i < count; i++) {
        const char *text = text_of(r, key, item[i]), *p = text;
        int32_t tenths;
        if (!text)
            return;
        if (!take_number(&p, true, &tenths) || *p || tenths < min * 10 || tenths > HZ_MAX * 10) {
            fail(r, item[i],
                 "%s: '%.40s' is not accepted; accepted: a number, %d to %d, to a tenth", key, text,
                 min, HZ_MAX);
            return;
        }
        out[i] = (float)tenths / 10;
    }
}

static void read_sit_low(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    read_two_hz(r, key, n, HZ_MIN, ((struct plan_sit *)into)->low_hz);
}

static void read_sit_high(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    read_two_hz(r, key, n, HZ_MIN, ((struct plan_sit *)into)->high_hz);
}

static void read_sit_within(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    read_two_hz(r, key, n, 1, ((struct plan_sit *)into)->within_hz);
}

/* Two letters of a pair of allowed ones. */
static void read_letters(struct reader *r, const char *key, const yaml_node_t *n, const char *of,
                         char out[2])
{
    const char *text = text_of(r, key, n);
    if (!text)
        return;
    if (strlen(text) == 2 && strchr(of, text[0]) && strchr(of, text[1]))
        memcpy(out, text, 2);
    else
        fail(r, n, "%s: '%.40s' is not accepted; accepted: two letters, each %c or %c", key, text,
             of[0], of[1]);
}

static void read_category(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_sit *s = into;
    yaml_node_t *item[2];
    unsigned at = 0, sit = SIT_NONE + 1;
    while (strcmp(dsp_sit_name((enum dsp_sit)sit), key) != 0)
        sit++;
    while (s->category[at].sit != SIT_NONE)
        at++;
    if (!list_of(r, key, n, 2, 2, item))
        return;
    s->category[at].sit = (uint8_t)sit;
    read_letters(r, key, item[0], "SL", s->category[at].length);
    read_letters(r, key, item[1], "LH", s->category[at].pitch);
}

static const struct key category_keys[] = {
    {"ic", read_category, false},         {"vc", read_category, false},
    {"ro_intra", read_category, false},   {"ro_inter", read_category, false},
    {"nc_intra", read_category, false},   {"nc_inter", read_category, false},
    {"reserved_1", read_category, false}, {"reserved_2", read_category, false},
};

static void read_categories(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    struct plan_sit *s = into;
    memset(s->category, 0, sizeof s->category);
    READ_MAPPING(r, key, n, category_keys, s);
}

static const struct key sit_keys[] = {
    {"hz", read_sit_hz, false},        {"length", read_sit_length, false},
    {"gap", read_sit_gap, false},      {"low_hz", read_sit_low, false},
    {"high_hz", read_sit_high, false}, {"within_hz", read_sit_within, false},
    {"long", read_sit_long, false},    {"categories", read_categories, false},
};

static void read_sit(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    (void)into;
    READ_MAPPING(r, key, n, sit_keys, &r->plan->sit);
}

/* ---- the plan ---- */

static void read_name(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    const char *text = text_of(r, key, n);
    size_t len = text ? strlen(text) : 0;
    (void)into;
    if (!text)
        return;
    if (len == 0 || len >= sizeof r->plan->name ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
        fail(r, n, "%s: '%.40s' is not accepted; accepted: 1 to %zu of a-z, 0-9, '_' and '-'", key,
             text, sizeof r->plan->name - 1);
    else
        memcpy(r->plan->name, text, len);
}

static void read_title(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    const char *text = text_of(r, key, n);
    size_t len = text ? strlen(text) : 0;
    bool plain = true;
    (void)into;
    if (!text)
        return;
    for (size_t i = 0; i < len; i++)
        plain = plain && (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    if (!plain || len >= sizeof r->plan->title)
        fail(r, n, "%s: accepted: up to %zu bytes without control characters", key,
             sizeof r->plan->title - 1);
    else
        memcpy(r->plan->title, text, len);
}

static void read_stretch(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    (void)into;
    take_u32(r, key, n, 0, STRETCH_MAX, &r->stretch_percent);
}

static void read_level(struct reader *r, const char *key, yaml_node_t *n, void *into)
{
    int32_t dbm0[2];
    (void)into;
    if (!take_range(r, key, n, LEVEL_MIN_DBM0, LEVEL_MAX_DBM0, dbm0))
        return;
    r->level_min_ddb = (int16_t)(dbm0[0] * 10);
    r->level_max_ddb = (int16_t)(dbm0[1] * 10);
}

static const struct key plan_keys[] = {
    {"name", read_name, true},
    {"title", read_title, false},
    {"stretch_percent", read_stretch, false},
    {"level_dbm0", read_level, false},
    {"tones", read_tones, true},
    {"sit", read_sit, false},
};

/* What needs the whole plan: lengths stretched, levels that a tone did not give. */
static void finish(struct reader *r)
{
    for (struct plan_tone *t = r->plan->tone; t->kind != DSP_NONE; t++) {
        for (unsigned i = 0; i < t->steps; i++) {
            t->step[i].min_ms = (uint16_t)(t->step[i].min_ms * (100 - r->stretch_percent) / 100);
            t->step[i].max_ms = (uint16_t)(t->step[i].max_ms * (100 + r->stretch_percent) / 100);
        }
        if (!t->level_min_ddb && !t->level_max_ddb) {
            t->level_min_ddb = r->level_min_ddb;
            t->level_max_ddb = r->level_max_ddb;
        }
    }
}

static void read_plan(struct reader *r, const struct dsp_plan *defaults)
{
    yaml_node_t *root = yaml_document_get_root_node(&r->doc);
    if (!root) {
        fail(r, NULL, "the file is empty; a tone plan needs a name and tones");
        return;
    }
    if (defaults)
        memcpy(&r->plan->sit, &defaults->sit, sizeof r->plan->sit);
    READ_MAPPING(r, "the plan", root, plan_keys, NULL);
    if (!r->failed && !defaults && r->plan->sit.length.max_ms == 0)
        fail(r, root, "the plan: 'sit' is missing");
    if (!r->failed)
        finish(r);
}

static void explain(struct reader *r, const yaml_parser_t *p)
{
    bool scan = p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR;
    snprintf(r->error, DSP_PLAN_ERROR_MAX,
             "%.200s:%zu: the YAML breaks off: %.100s (look for a quote or bracket that is not "
             "closed, a tab, or a wrong indentation)",
             r->path, (scan ? p->problem_mark.line : 0) + 1,
             p->problem ? p->problem : "it cannot be read");
    r->failed = true;
}

enum err plan_parse(struct dsp_plan *out, const char *path, const char *text, size_t len,
                    const struct dsp_plan *defaults, char error[DSP_PLAN_ERROR_MAX])
{
    struct reader r = {.path = path,
                       .error = error,
                       .plan = out,
                       .stretch_percent = STRETCH_DEFAULT,
                       .level_min_ddb = LEVEL_MIN_DEFAULT,
                       .level_max_ddb = LEVEL_MAX_DEFAULT};
    yaml_parser_t parser;
    memset(out, 0, sizeof *out); /* with its padding: plans are compared */
    error[0] = 0;
    if (!yaml_parser_initialize(&parser)) {
        snprintf(error, DSP_PLAN_ERROR_MAX, "%.200s:1: no memory", path);
        return ERR_NOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(&parser, &r.doc)) {
        explain(&r, &parser);
    } else {
        read_plan(&r, defaults);
        yaml_document_delete(&r.doc);
    }
    yaml_parser_delete(&parser);
    return r.failed ? ERR_INVALID : OK;
}
