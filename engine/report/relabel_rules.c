/* Rules of one's own for labels, from a YAML file. */
#include <stdlib.h>

#include "dsp/dsp.h"
#include "io/yaml_file.h"
#include "report/relabel.h"

struct reader {
    struct yaml_file file;
    struct relabel_rules *rules;
};

static void fail(struct reader *r, const yaml_node_t *at, const char *what, const char *accepted)
{
    yaml_file_refuse(&r->file, at, "%.60s; accepted: %.240s", what, accepted);
}

static const char *text_of(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static void set_code(struct reader *r, const yaml_node_t *key, uint8_t *table, uint32_t least,
                     uint32_t most, enum result result)
{
    char accepted[64];
    uint32_t code;

    snprintf(accepted, sizeof(accepted), "codes from %u to %u", least, most);
    if (slice_u32(slice_cstr(text_of(key)), &code) != OK || code < least || code > most)
        fail(r, key, "no code", accepted);
    else
        table[code] = (uint8_t)result;
}

static void set_sit(struct reader *r, const yaml_node_t *key, enum result result)
{
    for (int s = SIT_NONE + 1; s < SIT_COUNT && s < RESULT_SIT_MAX; s++)
        if (strcmp(dsp_sit_name((enum dsp_sit)s), text_of(key)) == 0) {
            r->rules->codes.sit[s] = (uint8_t)result;
            return;
        }
    fail(r, key, "no category of SIT",
         "ic, vc, ro_intra, ro_inter, nc_intra, nc_inter, reserved_1, reserved_2, itu");
}

static void set_known(struct reader *r, const yaml_node_t *key, enum result result)
{
    struct relabel_rules *rules = r->rules;

    if (rules->known_count == RELABEL_KNOWN_MAX) {
        fail(r, key, "too many recordings", "64 at most");
        return;
    }
    if (!text_of(key)[0] ||
        slice_copy(slice_cstr(text_of(key)), rules->known[rules->known_count].id,
                   sizeof(rules->known[0].id)))
        fail(r, key, "no id of a recording", "those of peal prints list");
    else
        rules->known[rules->known_count++].result = result;
}

static void set_rule(struct reader *r, const char *table, const yaml_node_t *key,
                     const yaml_node_t *value)
{
    enum result result;

    if (result_parse(slice_cstr(text_of(value)), &result) != OK || result < RESULT_VACANT)
        fail(r, value, "no result of a call", strstr(result_names(), "vacant"));
    else if (strcmp(table, "sip") == 0)
        set_code(r, key, r->rules->codes.sip, 300, RESULT_SIP_MAX - 1, result);
    else if (strcmp(table, "q850") == 0)
        set_code(r, key, r->rules->codes.q850, 1, RESULT_Q850_MAX - 1, result);
    else if (strcmp(table, "sit") == 0)
        set_sit(r, key, result);
    else if (strcmp(table, "known") == 0)
        set_known(r, key, result);
    else
        fail(r, key, "no table of rules", "sip, q850, sit, known");
}

static void read_table(struct reader *r, const yaml_node_t *name, const yaml_node_t *table)
{
    if (table->type != YAML_MAPPING_NODE) {
        fail(r, table, "no mapping", "code: result");
        return;
    }
    for (yaml_node_pair_t *p = table->data.mapping.pairs.start;
         p < table->data.mapping.pairs.top && !r->file.failed; p++)
        set_rule(r, text_of(name), yaml_file_node(&r->file, p->key),
                 yaml_file_node(&r->file, p->value));
}

static void read_root(struct reader *r)
{
    const yaml_node_t *root = yaml_file_root(&r->file);

    if (!root || root->type != YAML_MAPPING_NODE) {
        fail(r, root, "no rules", "mappings sip, q850, sit, known");
        return;
    }
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
         p < root->data.mapping.pairs.top && !r->file.failed; p++)
        read_table(r, yaml_file_node(&r->file, p->key), yaml_file_node(&r->file, p->value));
}

enum err relabel_rules_load(struct relabel_rules *rules, const char *path, char *error)
{
    struct reader r = {.rules = rules};
    size_t len;
    enum err e;

    *rules = (struct relabel_rules){
        .text = yaml_file_read(path, RELABEL_TEXT_MAX, &len, error, HISTORY_ERROR_MAX, &e)};
    if (!rules->text)
        return e;
    e = yaml_file_parse(&r.file, path, slice_of(rules->text, len), error, HISTORY_ERROR_MAX);
    if (e == OK) {
        read_root(&r);
        e = r.file.failed ? ERR_INVALID : OK;
    }
    yaml_file_close(&r.file);
    if (e)
        relabel_rules_free(rules);
    return e;
}

void relabel_rules_free(struct relabel_rules *r)
{
    free(r->text);
    r->text = NULL;
}
