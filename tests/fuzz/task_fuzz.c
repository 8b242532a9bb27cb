/* Any bytes as the payload of a task, and as the URL of a Redis: whatever is taken is within its
 * bounds, and a payload packed again is the same. */
#include <stdlib.h>
#include <string.h>

#include "queue/redis.h"
#include "queue/task.h"

static void payload(struct slice s)
{
    static struct queue_task t;
    char text[TASK_PAYLOAD_MAX];
    struct buf b = buf_on(text, sizeof(text));

    if (task_unpack(s, &t))
        return;
    struct queue_lead lead = {.id = SLICE("id"),
                              .name = slice_cstr(t.name),
                              .zone = slice_cstr(t.zone),
                              .fields = slice_cstr(t.fields),
                              .priority = t.priority,
                              .expires_wall_ms = t.expires_wall_ms};
    for (uint32_t i = 0; i < t.number_count; i++) {
        lead.numbers[i].number = slice_cstr(t.numbers[i].number);
        lead.numbers[i].kind = slice_cstr(t.numbers[i].kind);
    }
    static struct queue_task again;

    if (task_pack(&lead, &b) || task_unpack(buf_slice(&b), &again) ||
        t.number_count != again.number_count ||
        memcmp(t.numbers, again.numbers, sizeof(t.numbers)) || strcmp(t.name, again.name) ||
        strcmp(t.zone, again.zone) || strcmp(t.fields, again.fields) ||
        t.priority != again.priority || t.expires_wall_ms != again.expires_wall_ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* its own block, so that ASan sees one byte too far */
    struct redis_target target;
    char error[REDIS_ERROR_MAX];

    memcpy(copy, data, size);
    payload(slice_of(copy, size));
    if (redis_parse_url(slice_of(copy, size), &target, error) && !error[0])
        abort();
    free(copy);
    return 0;
}
