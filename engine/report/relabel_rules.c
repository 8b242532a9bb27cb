/* Rules of one's own for labels, from a YAML file. */
#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "dsp/dsp.h"
#include "report/relabel.h"

struct reader {
    yaml_document_t document;
    const char *path;
    struct relabel_rules *rules;
    char *error;
    enum err e;
};

static void fail(struct reader *r, const yaml_node_t *at, const char *what, const char *accepted)
{
    if (!r->e)
        snprintf(r->error, HISTORY_ERROR_MAX, "%.160s:%zu: %.60s; accepted: %.240s", r->path,
                 at ? at->start_mark.line + 1 : 1, what, accepted);
    r->e = ERR_INVALID;
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
         p < table->data.mapping.pairs.top && !r->e; p++)
        set_rule(r, text_of(name), yaml_document_get_node(&r->document, p->key),
                 yaml_document_get_node(&r->document, p->value));
}

static void read_root(struct reader *r)
{
    yaml_node_t *root = yaml_document_get_root_node(&r->document);

    if (!root || root->type != YAML_MAPPING_NODE) {
        fail(r, root, "no rules", "mappings sip, q850, sit, known");
        return;
    }
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
         p < root->data.mapping.pairs.top && !r->e; p++)
        read_table(r, yaml_document_get_node(&r->document, p->key),
                   yaml_document_get_node(&r->document, p->value));
}

static enum err parse(struct reader *r, struct slice text)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return ERR_NOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.len);
    if (yaml_parser_load(&parser, &r->document)) {
        read_root(r);
        yaml_document_delete(&r->document);
    } else {
        snprintf(r->error, HISTORY_ERROR_MAX, "%.160s:%zu: no YAML: %.120s", r->path,
                 parser.problem_mark.line + 1, parser.problem ? parser.problem : "");
        r->e = ERR_INVALID;
    }
    yaml_parser_delete(&parser);
    return r->e;
}

enum err relabel_rules_load(struct relabel_rules *rules, const char *path, char *error)
{
    struct reader r = {.path = path, .rules = rules, .error = error};
    FILE *f = fopen(path, "re");
    size_t n;

    *rules = (struct relabel_rules){0};
    if (!f) {
        snprintf(error, HISTORY_ERROR_MAX, "%.200s: cannot be opened: %.60s", path,
                 strerror(errno));
        return ERR_IO;
    }
    rules->text = malloc(RELABEL_TEXT_MAX);
    n = rules->text ? fread(rules->text, 1, RELABEL_TEXT_MAX, f) : 0;
    fclose(f);
    if (n == RELABEL_TEXT_MAX || !rules->text) {
        snprintf(error, HISTORY_ERROR_MAX, "%.200s: longer than 64 KiB", path);
        relabel_rules_free(rules);
        return ERR_TOO_LONG;
    }
    rules->text[n] = 0;
    enum err e = parse(&r, slice_of(rules->text, n));
    if (e)
        relabel_rules_free(rules);
    return e;
}

void relabel_rules_free(struct relabel_rules *r)
{
    free(r->text);
    r->text = NULL;
}
