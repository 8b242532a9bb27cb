/* Calling windows: at which local hours of which weekdays a lead may be called.
 *
 *   any
 *   mon-fri 09:00-21:00, sat 10:00-18:00
 *   daily 09:00-13:00, daily 15:00-20:00
 *   fri 22:00-02:00                         (runs into Saturday)
 *   mon-fri 09:00-21:00, holidays 10:00-14:00
 *
 * Which dates are holidays a calendar knows (calendar.h); asked here, their hours do not count.
 *
 * Hours are those the wall clock shows in the zone asked about, so a day with a DST change simply
 * has an hour less or more inside. The end is exclusive. Plain data; pure functions. */
#ifndef PEAL_CAMPAIGN_WINDOW_H
#define PEAL_CAMPAIGN_WINDOW_H

#include "campaign/zone.h"

#define WINDOW_SPANS_MAX 64 /* of a week */
#define WINDOW_NEVER     UINT64_MAX
#define WINDOW_HOLIDAY   7 /* as a weekday: the hours of holidays */

struct window_span {
    uint8_t weekday;           /* 0 Monday … 6 Sunday, or WINDOW_HOLIDAY */
    uint32_t start_ms, end_ms; /* of the day; end exclusive, at most 24 h */
};

struct windows {
    bool any; /* always open */
    uint32_t count;
    struct window_span spans[WINDOW_SPANS_MAX]; /* ordered, not overlapping */
};

/* why (cap bytes) gets a sentence on failure. */
enum err windows_parse(struct slice text, struct windows *out, char *why, size_t cap);

bool windows_open_at(const struct windows *w, const struct zone *z, uint64_t wall_ms);
/* The first instant from wall_ms on (itself included) that is inside; WINDOW_NEVER when none is. */
uint64_t windows_next(const struct windows *w, const struct zone *z, uint64_t wall_ms);
/* The first instant after wall_ms that is outside; WINDOW_NEVER for `any`. */
uint64_t windows_closes(const struct windows *w, const struct zone *z, uint64_t wall_ms);

#endif
