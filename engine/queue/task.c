#include "queue/task.h"

#include <string.h>

static bool has_control(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static void put_text(struct buf *out, struct slice s)
{
    size_t at = out->len;

    buf_put(out, s);
    for (; at < out->len; at++)
        if ((unsigned char)out->p[at] < 0x20)
            out->p[at] = ' ';
    buf_putc(out, TASK_SEPARATOR);
}

/* Spaces and commas part numbers and kinds from each other. */
static bool is_word(struct slice s)
{
    return !has_control(s) &&
           (s.len == 0 || (!memchr(s.p, ' ', s.len) && !memchr(s.p, ',', s.len)));
}

static enum err check_numbers(const struct queue_lead *lead)
{
    for (uint32_t i = 0; i < QUEUE_NUMBERS_MAX && lead->numbers[i].number.len; i++) {
        if (lead->numbers[i].number.len > QUEUE_NUMBER_MAX ||
            lead->numbers[i].kind.len > QUEUE_KIND_MAX)
            return ERR_TOO_LONG;
        if (!is_word(lead->numbers[i].number) || !is_word(lead->numbers[i].kind))
            return ERR_INVALID;
    }
    return OK;
}

static void put_numbers(struct buf *out, const struct queue_lead *lead)
{
    for (uint32_t i = 0; i < QUEUE_NUMBERS_MAX && lead->numbers[i].number.len; i++) {
        if (i)
            buf_putc(out, ',');
        buf_put(out, lead->numbers[i].number);
        if (lead->numbers[i].kind.len) {
            buf_putc(out, ' ');
            buf_put(out, lead->numbers[i].kind);
        }
    }
    buf_putc(out, TASK_SEPARATOR);
}

enum err task_pack(const struct queue_lead *lead, struct buf *out)
{
    int64_t priority = lead->priority;
    enum err e = check_numbers(lead);

    if (e)
        return e;
    if (lead->id.len > QUEUE_ID_MAX || lead->name.len > QUEUE_NAME_MAX ||
        lead->zone.len > QUEUE_ZONE_MAX || lead->fields.len > QUEUE_FIELDS_MAX ||
        lead->status.len > QUEUE_STATUS_MAX || lead->list.len > QUEUE_LIST_MAX)
        return ERR_TOO_LONG;
    if (has_control(lead->list) || (lead->list.len && memchr(lead->list.p, ' ', lead->list.len)))
        return ERR_INVALID;
    if (lead->id.len == 0 || has_control(lead->id) || has_control(lead->status) ||
        (lead->fields.len && memchr(lead->fields.p, 0, lead->fields.len)))
        return ERR_INVALID;
    put_numbers(out, lead);
    put_text(out, lead->name);
    put_text(out, lead->zone);
    if (priority < 0)
        buf_putc(out, '-');
    buf_u64(out, (uint64_t)(priority < 0 ? -priority : priority));
    buf_putc(out, TASK_SEPARATOR);
    buf_u64(out, lead->expires_wall_ms);
    buf_putc(out, TASK_SEPARATOR);
    buf_put(out, lead->fields);
    return OK;
}

/* The text up to the next separator, into dst as a C string. */
static enum err take_text(struct slice *rest, char *dst, size_t cap)
{
    struct slice one;

    if (!slice_cut(*rest, TASK_SEPARATOR, &one, rest) || has_control(one))
        return ERR_INVALID;
    return slice_copy(one, dst, cap) ? ERR_INVALID : OK;
}

static enum err take_numbers(struct slice *rest, struct queue_task *out)
{
    struct slice list, one, number, kind;
    bool more = true;

    out->number_count = out->number_at = 0;
    if (!slice_cut(*rest, TASK_SEPARATOR, &list, rest) || has_control(list))
        return ERR_INVALID;
    memset(out->numbers, 0, sizeof(out->numbers));
    while (more && list.len) {
        struct queue_number *n = &out->numbers[out->number_count];

        more = slice_cut(list, ',', &one, &list);
        slice_cut(one, ' ', &number, &kind);
        if (out->number_count == QUEUE_NUMBERS_MAX || number.len == 0 || !is_word(kind) ||
            slice_copy(number, n->number, sizeof(n->number)) ||
            slice_copy(kind, n->kind, sizeof(n->kind)) || (more && list.len == 0))
            return ERR_INVALID;
        out->number_count++;
    }
    return OK;
}

static enum err take_priority(struct slice *rest, int32_t *out)
{
    struct slice one;
    uint64_t size;
    bool negative;

    if (!slice_cut(*rest, TASK_SEPARATOR, &one, rest))
        return ERR_INVALID;
    negative = one.len && one.p[0] == '-';
    if (slice_u64(slice_from(one, negative), (uint64_t)INT32_MAX + negative, &size))
        return ERR_INVALID;
    *out = (int32_t)(negative ? -(int64_t)size : (int64_t)size);
    return OK;
}

enum err task_unpack(struct slice payload, struct queue_task *out)
{
    struct slice rest = payload, expires;

    if (take_numbers(&rest, out) || take_text(&rest, out->name, sizeof(out->name)) ||
        take_text(&rest, out->zone, sizeof(out->zone)) || take_priority(&rest, &out->priority))
        return ERR_INVALID;
    if (!slice_cut(rest, TASK_SEPARATOR, &expires, &rest) ||
        slice_u64(expires, UINT64_MAX, &out->expires_wall_ms))
        return ERR_INVALID;
    if (rest.len && memchr(rest.p, 0, rest.len))
        return ERR_INVALID;
    return slice_copy(rest, out->fields, sizeof(out->fields)) ? ERR_INVALID : OK;
}
