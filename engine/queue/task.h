/* A task's payload as it lies in Redis: numbers, name, zone, priority, expiry and custom fields, in
 * this order, parted by 0x1f; the fields come last and may hold anything. Numbers are parted by
 * commas, each with its kind after a space when it has one: "+12025550123 mobile,+12025550124".
 * Readable by people
 * (`redis-cli HGET {campaign}:tasks ID`) and parsed without allocation. */
#ifndef PEAL_QUEUE_TASK_H
#define PEAL_QUEUE_TASK_H

#include "base/buf.h"
#include "queue/queue.h"

#define TASK_SEPARATOR '\x1f'
#define TASK_PAYLOAD_MAX                                                                           \
    (QUEUE_NUMBERS_MAX * (QUEUE_NUMBER_MAX + QUEUE_KIND_MAX + 2) + QUEUE_NAME_MAX +                \
     QUEUE_ZONE_MAX + QUEUE_FIELDS_MAX + 48)

/* Appends; control characters in texts become spaces. ERR_TOO_LONG: a text beyond its maximum (out
 * is not touched). ERR_INVALID: an empty id, control characters in id or numbers, a space or
 * comma in a number or kind. */
enum err task_pack(const struct queue_lead *lead, struct buf *out);
/* Fills numbers … fields of *out; ERR_INVALID when it is not of this form. */
enum err task_unpack(struct slice payload, struct queue_task *out);

#endif
