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

enum err task_pack(const struct queue_lead *lead, struct buf *out)
{
    int64_t priority = lead->priority;

    if (lead->id.len > QUEUE_ID_MAX || lead->number.len > QUEUE_NUMBER_MAX ||
        lead->name.len > QUEUE_NAME_MAX || lead->zone.len > QUEUE_ZONE_MAX ||
        lead->fields.len > QUEUE_FIELDS_MAX || lead->status.len > QUEUE_STATUS_MAX)
        return ERR_TOO_LONG;
    if (lead->id.len == 0 || has_control(lead->id) || has_control(lead->number) ||
        has_control(lead->status) ||
        (lead->fields.len && memchr(lead->fields.p, 0, lead->fields.len)))
        return ERR_INVALID;
    put_text(out, lead->number);
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

    if (take_text(&rest, out->number, sizeof(out->number)) ||
        take_text(&rest, out->name, sizeof(out->name)) ||
        take_text(&rest, out->zone, sizeof(out->zone)) || take_priority(&rest, &out->priority))
        return ERR_INVALID;
    if (!slice_cut(rest, TASK_SEPARATOR, &expires, &rest) ||
        slice_u64(expires, UINT64_MAX, &out->expires_wall_ms))
        return ERR_INVALID;
    if (rest.len && memchr(rest.p, 0, rest.len))
        return ERR_INVALID;
    return slice_copy(rest, out->fields, sizeof(out->fields)) ? ERR_INVALID : OK;
}
