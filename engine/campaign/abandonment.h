/* The abandonment account of a campaign, strict: of the live answers that were to get a person, how
 * many had none within the limit, counted from the end of the callee's first greeting. Kept per
 * calendar day of the campaign's zone and over a rolling 30 days.
 *
 * Callees who hang up before the limit are neither abandoned nor in the base (leaving them out of
 * the base makes the share higher, never lower). A safe-harbour message counts as abandoned.
 * Plain data, fixed size; owning thread only. */
#ifndef PEAL_CAMPAIGN_ABANDONMENT_H
#define PEAL_CAMPAIGN_ABANDONMENT_H

#include "call/record.h"
#include "campaign/pacing_budget.h"
#include "campaign/zone.h"

#define ABANDONMENT_DAYS 30

struct abandonment_day {
    int32_t day;              /* since 1970-01-01 in the zone; 0 with live 0: unused */
    uint32_t live, abandoned; /* abandoned ones are live ones, too */
    uint32_t messages, late;  /* of those abandoned: heard our message; agent too late */
    uint32_t callee_left;     /* before the limit: neither live nor abandoned */
    uint64_t false_ppm;       /* live answers taken for machines, estimated, millionths */
};

struct abandonment {
    const struct zone *zone;
    uint32_t limit_ms;
    struct abandonment_day days[ABANDONMENT_DAYS];
    uint64_t live, abandoned, callee_left; /* since the start */
};

enum abandonment_verdict {
    ABANDONMENT_NOT_LIVE,
    ABANDONMENT_SERVED,
    ABANDONMENT_LEFT,
    ABANDONMENT_ABANDONED
};

void abandonment_init(struct abandonment *a, const struct zone *zone, uint32_t limit_ms);

/* How one attempt counts, by its record alone. */
enum abandonment_verdict abandonment_judge(const struct call_record *r, uint32_t limit_ms);
enum abandonment_verdict abandonment_add(struct abandonment *a, const struct call_record *r,
                                         uint64_t wall_ms);
/* When the clock of the limit starts, ms since the INVITE; CALL_TIME_NONE: never answered. */
uint32_t abandonment_clock(const struct call_record *r);
/* Adds to a day what was counted elsewhere (other engines, earlier runs). */
void abandonment_restore(struct abandonment *a, const struct abandonment_day *day);
/* Forgets the days, not what was counted since the start. */
void abandonment_clear_days(struct abandonment *a);
int32_t abandonment_day_of(const struct zone *zone, uint64_t wall_ms);
const struct abandonment_day *abandonment_day_at(const struct abandonment *a, int32_t day);

/* The account the pacing budget keeps to. own: what this engine's budget has been told itself and
 * is in `a` as well (it counts its own answers earlier than any account). */
void abandonment_account(const struct abandonment *a, const struct abandonment *own,
                         uint64_t wall_ms, struct pacing_account *out);

/* Shares in percent; 0 when there was no live answer. */
double abandonment_day_percent(const struct abandonment *a, uint64_t wall_ms);
double abandonment_30d_percent(const struct abandonment *a, uint64_t wall_ms);
double abandonment_total_percent(const struct abandonment *a);

#endif
