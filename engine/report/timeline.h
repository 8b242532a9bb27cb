/* Calls in the air over time, out of the attempts' own stamps. Private to the room. */
#ifndef PEAL_REPORT_TIMELINE_H
#define PEAL_REPORT_TIMELINE_H

#include "report/summary.h"

struct timeline_call { /* wall-clock milliseconds; 0: did not happen */
    uint64_t invite, answered, connected, end;
};

struct timeline {
    struct timeline_call *calls;
    uint64_t count, capacity;
};

enum err timeline_add(struct timeline *t, const struct timeline_call *c);
void timeline_fini(struct timeline *t);
/* Fills s->over_time, peak_concurrent and first/last. */
enum err timeline_sum(struct timeline *t, struct summary *s);

#endif
