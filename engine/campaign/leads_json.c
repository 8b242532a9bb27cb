/* A line of JSON Lines to a lead: an object whose keys mean what CSV's columns do, in any order.
 * `numbers` may be an array of texts or of objects with `number` and `kind`. Other keys are the
 * custom fields, with whatever values they have. Texts are lent by the document until the next. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "campaign/leads_internal.h"

void leads_free_json(struct leads *l)
{
    json_decref(l->document);
    l->document = NULL;
}

/* A text, or a whole number written out into digits; false: neither. null is "". */
static bool text_of(const json_t *v, char digits[24], struct slice *out)
{
    *out = SLICE_NONE;
    if (json_is_string(v))
        *out = slice_of(json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        *out = slice_of(digits,
                        (size_t)snprintf(digits, 24, "%" PRId64, (int64_t)json_integer_value(v)));
    else
        return json_is_null(v);
    return true;
}

static bool has_nul(struct slice s)
{
    return s.len && memchr(s.p, 0, s.len);
}

static enum err read_value(struct leads *l, struct column *c, const json_t *v, struct lead *out)
{
    char digits[24], *keep = c->kind == COLUMN_NUMBER ? l->digits[c->slot] : digits;
    struct slice text;

    if (!text_of(v, keep, &text))
        return leads_reject(l, "'%.40s' is neither a text nor a whole number", c->name);
    if (has_nul(text))
        return leads_reject(l, "'%.40s' has a NUL character", c->name);
    return leads_read_cell(l, c, text, out);
}

/* One of `numbers`: "…" or {"number": …, "kind": …}. */
static enum err read_listed(struct leads *l, const json_t *v, uint32_t slot, struct lead *out)
{
    struct column number = {.kind = COLUMN_NUMBER,
                            .slot = (uint8_t)slot,
                            .name = (char *)"numbers"},
                  kind = {.kind = COLUMN_KIND, .slot = (uint8_t)slot, .name = (char *)"kind"};
    const json_t *word = NULL;

    if (json_is_object(v)) {
        word = json_object_get(v, "kind");
        v = json_object_get(v, "number");
    }
    enum err e = read_value(l, &number, v ? v : json_null(), out);

    return !e && word ? read_value(l, &kind, word, out) : e;
}

static enum err too_many(struct leads *l)
{
    return leads_reject(l, "it has more than %u numbers", LEADS_NUMBERS_MAX);
}

/* Keys in their order: numbers get their slots, all else its value; kinds wait for the numbers. */
static enum err read_keys(struct leads *l, json_t *object, uint8_t slot_of[], struct lead *out)
{
    uint32_t slots = 0;
    const char *key;
    json_t *v;
    enum err e = OK;

    json_object_foreach(object, key, v)
    {
        struct column c = {.name = (char *)key};

        if (slice_ieq(slice_cstr(key), SLICE("numbers"))) {
            if (!json_is_array(v))
                return leads_reject(l, "'numbers' is no list");
            for (size_t i = 0; !e && i < json_array_size(v); i++)
                e = slots == LEADS_NUMBERS_MAX ? too_many(l)
                                               : read_listed(l, json_array_get(v, i), slots++, out);
            if (e)
                return e;
            continue;
        }
        column_find(slice_cstr(key), &c);
        if (c.kind == COLUMN_KIND || c.kind == COLUMN_FIELD || c.kind == COLUMN_IGNORED)
            continue;
        if (c.kind == COLUMN_NUMBER) {
            if (slots == LEADS_NUMBERS_MAX)
                return too_many(l);
            c.slot = (uint8_t)slots++;
            slot_of[c.which] = (uint8_t)(c.slot + 1);
        }
        if ((e = read_value(l, &c, v, out)))
            return e;
    }
    return OK;
}

static enum err read_kinds(struct leads *l, json_t *object, const uint8_t slot_of[],
                           struct lead *out)
{
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        struct column c = {.name = (char *)key};
        enum err e;

        column_find(slice_cstr(key), &c);
        if (c.kind != COLUMN_KIND)
            continue;
        if (slot_of[c.which] == 0)
            return leads_reject(l, "'%.40s' tells the kind of no number", key);
        c.slot = (uint8_t)(slot_of[c.which] - 1);
        if ((e = read_value(l, &c, v, out)))
            return e;
    }
    return OK;
}

/* What is no part of the lead itself, as it stands. */
static enum err write_fields(struct leads *l, json_t *object, struct lead *out)
{
    const char *key;
    void *next;
    json_t *v;

    json_object_foreach_safe(object, next, key, v)
    {
        struct column c = {.name = (char *)key};

        column_find(slice_cstr(key), &c);
        if (c.kind != COLUMN_FIELD || slice_ieq(slice_cstr(key), SLICE("numbers")))
            json_object_del(object, key);
    }
    size_t n = json_dumpb(object, l->fields, FIELDS_JSON_MAX, JSON_COMPACT);

    if (n == 0 || n > FIELDS_JSON_MAX)
        return leads_reject(l, "its fields are too long");
    out->fields = slice_of(l->fields, n);
    return OK;
}

enum err leads_read_json(struct leads *l, struct lead *out)
{
    uint8_t slot_of[LEADS_NUMBERS_MAX + 1] = {0};
    json_error_t error;
    enum err e;

    leads_free_json(l);
    json_t *object = json_loadb(l->csv.raw.p, l->csv.raw.len, JSON_REJECT_DUPLICATES, &error);

    l->document = object;
    if (!json_is_object(object))
        return leads_reject(l, "it is no JSON object%s%.120s", object ? "" : ": ",
                            object ? "" : error.text);
    memset(l->cells, 0, sizeof(l->cells));
    if ((e = read_keys(l, object, slot_of, out)) || (e = read_kinds(l, object, slot_of, out)))
        return e;
    leads_take_numbers(l, out);
    /* The lead's texts are lent by the values that write_fields takes away. */
    json_t *fields = json_copy(object);

    e = fields ? write_fields(l, fields, out) : ERR_NOMEM;
    json_decref(fields);
    return e;
}
