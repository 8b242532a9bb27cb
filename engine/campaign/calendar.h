/* When a lead may be called: inside the hours of every rule that holds for it, in every zone it may
 * be in. Where its zone is not known, all candidates are parts, so the strictest wins at each
 * instant. On a holiday a part's hours of the week give way to its `holidays` hours (none: closed).
 * Plain data that borrows; pure functions. */
#ifndef PEAL_CAMPAIGN_CALENDAR_H
#define PEAL_CAMPAIGN_CALENDAR_H

#include "campaign/holidays.h"
#include "campaign/window.h"

#define CALENDAR_ZONES_MAX   12
#define CALENDAR_PARTS_MAX   (5 * CALENDAR_ZONES_MAX) /* campaign, rules, exceptions, regions */
#define CALENDAR_SEARCH_DAYS 800

struct calendar_part {
    const struct windows *windows;
    const struct holidays *holidays; /* NULL: none */
    const struct zone *zone;
    const char *whose; /* "the campaign", "us-federal": for sentences */
};

struct calendar {
    uint32_t count; /* 0: always open */
    struct calendar_part parts[CALENDAR_PARTS_MAX];
};

/* Beyond CALENDAR_PARTS_MAX, ERR_FULL: the calendar is left as it was. */
enum err calendar_add(struct calendar *c, const struct calendar_part *part);

bool calendar_open_at(const struct calendar *c, uint64_t wall_ms);
/* The first instant from wall_ms on that is inside all parts; WINDOW_NEVER when there is none in
 * CALENDAR_SEARCH_DAYS. */
uint64_t calendar_next(const struct calendar *c, uint64_t wall_ms);
/* Why it is closed then, as a sentence without its full stop; "" when it is open. */
void calendar_why(const struct calendar *c, uint64_t wall_ms, char *dst, size_t cap);

#endif
