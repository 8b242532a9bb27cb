/* Where a lead is: the zones it may be in and its region, and what calling rules hold for it
 * there. Plain data that borrows; pure functions but for reading, which opens zones. */
#ifndef PEAL_CAMPAIGN_PLACE_H
#define PEAL_CAMPAIGN_PLACE_H

#include "campaign/file.h"

#define PLACE_LIMITS_MAX CAMPAIGN_LIMITS_MAX

struct place {
    const struct zone *zones[CALENDAR_ZONES_MAX]; /* all it may be in */
    uint32_t zone_count;                          /* 0: not known */
    char region[CALLING_REGION_MAX];              /* "" for none */
};

/* zone_text: a zone, or candidates parted by '|'; names of no zone are left out. fields: the lead's
 * custom fields (JSON), of which `region` counts. */
void place_read(struct place *p, struct slice zone_text, struct slice fields,
                struct zone_cache *zones);

/* Where its number may be, when the lead itself names no zone: as the campaign's rules say of its
 * prefix (calling_number; the exceptions' first), else by the numbering plan (number_zones), one
 * zone of each clock. Likewise its region. campaign: NULL, the numbering plan alone. A number that
 * may be nearly anywhere of a large country's code says nothing: it stays unknown, and the
 * campaign's own zones hold. */
#define PLACE_ANYWHERE 20 /* zones: more than these say nothing */
void place_of_number(struct place *p, const struct campaign *c, const char *e164,
                     struct zone_cache *zones, uint64_t now_wall_ms);
/* What those rules say of it; NULL: nothing. *by: whose rules they are, for sentences. */
const struct calling_number *place_exception(const struct campaign *c, const char *e164,
                                             const char **by);

/* The zone whose clock is shown and whose "next day" is meant: the lead's first, else the
 * campaign's. place may be NULL in all of these: nothing is known. */
const struct zone *place_zone(const struct campaign *c, const struct place *p);

/* The hours of campaign, rules and region in every zone it may be in. Without a known zone these
 * are the campaign's `zones`, else those of its rules, else its own zone. */
void place_calendar(const struct campaign *c, const struct place *p, struct calendar *out);

/* How many calls its number may get: at most `calls` since then, all campaigns together. */
struct place_limit {
    uint64_t since_wall_ms;
    uint64_t until_wall_ms; /* its day, week or month ends then; 0: it rolls */
    uint32_t calls;
    const char *whose; /* for sentences */
    struct calling_limit limit;
};
uint32_t place_limits(const struct campaign *c, const struct place *p, uint64_t now_wall_ms,
                      struct place_limit out[PLACE_LIMITS_MAX]);

/* How long a number is left alone after an abandoned call; 0: not at all. */
uint32_t place_lock_out_ms(const struct campaign *c, const struct place *p);

/* "1 call a day", "7 calls in 7d". */
void place_limit_text(const struct calling_limit *l, char *dst, size_t cap);

#endif
