/* Cells to a lead: numbers to E.164 and their plan, ids, priorities. */
#include <stdarg.h>
#include <stdio.h>

#include "campaign/leads_internal.h"
#include "campaign/number_plan.h"

enum err leads_reject(struct leads *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(l->reason, sizeof(l->reason), fmt, args);
    va_end(args);
    return ERR_INVALID;
}

static enum err read_priority(struct leads *l, struct slice text, int32_t *out)
{
    uint64_t v = 0;
    bool minus = text.len && text.p[0] == '-';

    if (text.len && slice_u64(minus ? slice_from(text, 1) : text, 1000000000, &v))
        return leads_reject(l, "the priority '" SLICE_FMT "' is no whole number",
                            SLICE_ARG(slice_of(text.p, text.len < 40 ? text.len : 40)));
    *out = minus ? -(int32_t)v : (int32_t)v;
    return OK;
}

static enum err read_id(struct leads *l, struct slice text, char *dst)
{
    for (uint32_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return leads_reject(l, "the id has control characters");
    }
    if (slice_copy(text, dst, LEADS_ID_MAX + 1))
        return leads_reject(l, "the id is longer than %u bytes", LEADS_ID_MAX);
    return OK;
}

static enum err read_moment(struct leads *l, struct slice text, struct lead_moment *out)
{
    if (!text.len || leads_read_moment(text, out) == OK)
        return OK;
    return leads_reject(l,
                        "'" SLICE_FMT "' is neither a date (2026-12-31) nor an instant "
                        "(2026-12-31T18:00:00Z)",
                        SLICE_ARG(slice_of(text.p, text.len < 40 ? text.len : 40)));
}

enum err leads_read_cell(struct leads *l, const struct column *c, struct slice text,
                         struct lead *out)
{
    struct slice trimmed = slice_trim(text);

    if (text.len > LEADS_FIELD_MAX)
        return leads_reject(l, "column '%.40s' is longer than %u bytes", c->name, LEADS_FIELD_MAX);
    switch (c->kind) {
    case COLUMN_NUMBER:
        l->cells[c->slot].number = trimmed;
        if (c->of)
            strcpy(l->cells[c->slot].kind, c->of);
        return OK;
    case COLUMN_KIND:
        if (columns_kind_word(trimmed, l->cells[c->slot].kind) != OK)
            return leads_reject(l, "column '%.40s' has no word of %u letters at most", c->name,
                                LEADS_KIND_MAX);
        return OK;
    case COLUMN_ID:
        return read_id(l, trimmed, out->id);
    case COLUMN_NAME:
        out->name = trimmed;
        return OK;
    case COLUMN_ZONE:
        out->zone = trimmed;
        return OK;
    case COLUMN_PRIORITY:
        return read_priority(l, trimmed, &out->priority);
    case COLUMN_EXPIRES:
        return read_moment(l, trimmed, &out->expires);
    case COLUMN_CALL_BACK:
        return read_moment(l, trimmed, &out->call_back);
    case COLUMN_FIELD:
    case COLUMN_IGNORED:
        return OK;
    }
    return OK;
}

/* Keeps the number, unless the lead has it already; a bad one is told of, the first by name. */
static void take_number(struct leads *l, uint32_t slot, struct lead *out)
{
    struct lead_number *n = &out->numbers[out->number_count];
    const char *why;
    enum err e = number_normalise(l->cells[slot].number, l->home, n->number, &why);

    if (e == ERR_NOT_FOUND)
        return;
    if (e == OK)
        e = number_plan_check(n->number, &why);
    if (!out->number_text.len)
        out->number_text = l->cells[slot].number;
    if (e) {
        if (out->bad_numbers++ == 0) {
            out->bad_text = l->cells[slot].number;
            out->why = why;
        }
        return;
    }
    for (uint32_t i = 0; i < out->number_count; i++)
        if (strcmp(out->numbers[i].number, n->number) == 0)
            return;
    memcpy(n->kind, l->cells[slot].kind, sizeof(n->kind));
    out->number_count++;
}

void leads_take_numbers(struct leads *l, struct lead *out)
{
    for (uint32_t i = 0; i < LEADS_NUMBERS_MAX; i++)
        take_number(l, i, out);
    if (out->number_count) {
        l->stats.bad_numbers += out->bad_numbers;
    } else if (out->bad_numbers) {
        out->result = RESULT_INVALID_NUMBER;
        l->stats.invalid_number++;
    } else {
        out->result = RESULT_MISSING_NUMBER;
        l->stats.missing_number++;
    }
    if (out->id[0])
        return;
    if (out->number_count)
        memcpy(out->id, out->numbers[0].number, sizeof(out->numbers[0].number));
    else
        snprintf(out->id, sizeof(out->id), "line-%llu", (unsigned long long)out->line);
}
