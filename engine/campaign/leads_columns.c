/* Names of columns: a base (number, phone, kind), then nothing, a number, or a kind's name. */
#include "campaign/leads_columns.h"

#include <ctype.h>
#include <stdio.h>

/* The kinds that may stand in a column's name; any other word makes the column a custom field, so
 * that `number_of_children` is one. */
static const char *const kinds[] = {"mobile", "home", "work", "fixed", "voip", "other"};

static bool starts(struct slice s, const char *with)
{
    return s.len >= strlen(with) && slice_ieq(slice_of(s.p, strlen(with)), slice_cstr(with));
}

/* "", "2", "_2", "_mobile" after the base. */
static bool read_tail(struct slice tail, struct column *out)
{
    struct slice word = tail.len && tail.p[0] == '_' ? slice_from(tail, 1) : tail;

    out->which = 1;
    if (tail.len == 0)
        return true;
    if (word.len == 1 && word.p[0] >= '1' && word.p[0] <= '0' + LEADS_NUMBERS_MAX) {
        out->which = (uint8_t)(word.p[0] - '0');
        return true;
    }
    if (out->kind != COLUMN_NUMBER || word.len == tail.len)
        return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_ieq(word, slice_cstr(kinds[i]))) {
            out->of = kinds[i];
            out->which = 0;
            return true;
        }
    return false;
}

void column_find(struct slice name, struct column *out)
{
    static const struct {
        const char *name;
        enum column_kind kind;
    } bases[] = {{"number", COLUMN_NUMBER}, {"phone", COLUMN_NUMBER}, {"kind", COLUMN_KIND}},
      known[] = {{"id", COLUMN_ID},     {"external_id", COLUMN_ID},    {"name", COLUMN_NAME},
                 {"zone", COLUMN_ZONE}, {"priority", COLUMN_PRIORITY}, {"expires", COLUMN_EXPIRES},
                 {"call_back", COLUMN_CALL_BACK}};

    *out = (struct column){.name = out->name};
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        out->kind = bases[i].kind;
        if (starts(name, bases[i].name) &&
            read_tail(slice_from(name, (uint32_t)strlen(bases[i].name)), out))
            return;
    }
    out->which = 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (slice_ieq(name, slice_cstr(known[i].name))) {
            out->kind = known[i].kind;
            return;
        }
    out->kind = name.len ? COLUMN_FIELD : COLUMN_IGNORED;
}

static bool same(const struct column *a, const struct column *b)
{
    if (a->kind != b->kind || a->kind == COLUMN_IGNORED)
        return false;
    if (a->kind == COLUMN_FIELD)
        return strcmp(a->name, b->name) == 0;
    return a->which == b->which && a->of == b->of;
}

/* The place of the number that a column of kinds speaks of; ERR_NOT_FOUND. */
static enum err find_slot(struct column *kind, const struct column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].kind == COLUMN_NUMBER && columns[i].which == kind->which) {
            kind->slot = columns[i].slot;
            return OK;
        }
    return ERR_NOT_FOUND;
}

enum err columns_finish(struct column *columns, uint32_t count, char reason[LEADS_REASON_MAX])
{
    uint32_t numbers = 0;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++)
            if (same(&columns[k], &columns[i])) {
                snprintf(reason, LEADS_REASON_MAX, "columns %u and %u are both '%.40s'", k + 1,
                         i + 1, columns[i].name);
                return ERR_INVALID;
            }
        if (columns[i].kind != COLUMN_NUMBER)
            continue;
        if (numbers == LEADS_NUMBERS_MAX) {
            snprintf(reason, LEADS_REASON_MAX, "it has more than %u columns of numbers",
                     LEADS_NUMBERS_MAX);
            return ERR_INVALID;
        }
        columns[i].slot = (uint8_t)numbers++;
    }
    if (numbers == 0) {
        snprintf(reason, LEADS_REASON_MAX,
                 "there is no column named 'number' (or 'phone') among its %u columns", count);
        return ERR_INVALID;
    }
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].kind == COLUMN_KIND && find_slot(&columns[i], columns, count) != OK) {
            snprintf(reason, LEADS_REASON_MAX, "column '%.40s' tells the kind of no number",
                     columns[i].name);
            return ERR_INVALID;
        }
    return OK;
}

enum err columns_kind_word(struct slice text, char dst[LEADS_KIND_MAX + 1])
{
    if (text.len > LEADS_KIND_MAX)
        return ERR_INVALID;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (!isalnum(c) && !strchr("-_. ", c))
            return ERR_INVALID;
        dst[i] = c == ' ' ? '_' : (char)tolower(c);
    }
    dst[text.len] = '\0';
    return OK;
}
