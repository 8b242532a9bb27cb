/* The strict account: thirty day buckets in the campaign's zone, reused in turn. */
#include "campaign/abandonment.h"

#include <assert.h>

#include "campaign/zone_data.h"

void abandonment_init(struct abandonment *a, const struct zone *zone, uint32_t limit_ms)
{
    *a = (struct abandonment){.zone = zone, .limit_ms = limit_ms};
}

/* When the clock starts: the end of the callee's first greeting; without one (nothing was said, or
 * the verdict came first) the verdict, else the answer. */
static uint32_t clock_starts(const struct call_record *r)
{
    if (r->at_ms[MARK_GREETING_END] != CALL_TIME_NONE)
        return r->at_ms[MARK_GREETING_END];
    if (r->at_ms[MARK_VERDICT] != CALL_TIME_NONE)
        return r->at_ms[MARK_VERDICT];
    return r->at_ms[MARK_ANSWERED];
}

static bool later_than(uint32_t at_ms, uint32_t start_ms, uint32_t limit_ms)
{
    return at_ms != CALL_TIME_NONE && start_ms != CALL_TIME_NONE && at_ms > start_ms &&
           at_ms - start_ms > limit_ms;
}

enum abandonment_verdict abandonment_judge(const struct call_record *r, uint32_t limit_ms)
{
    uint32_t start = clock_starts(r), agent = r->at_ms[MARK_AGENT_HEARD];

    if (r->abandoned_strict)
        return ABANDONMENT_ABANDONED;
    switch (r->delivery) {
    case DELIVERY_ABANDONED:
    case DELIVERY_MESSAGE_PLAYED:
        return ABANDONMENT_ABANDONED;
    case DELIVERY_CONNECTED:
    case DELIVERY_TRANSFERRED:
        return later_than(agent, start, limit_ms) ? ABANDONMENT_ABANDONED : ABANDONMENT_SERVED;
    case DELIVERY_AGENT_FAILED:
        return agent == CALL_TIME_NONE || later_than(agent, start, limit_ms) ? ABANDONMENT_ABANDONED
                                                                             : ABANDONMENT_SERVED;
    case DELIVERY_CALLEE_LEFT:
        /* "Before the limit" is what excuses us; a callee who waited longer was abandoned. */
        return later_than(r->at_ms[MARK_END], start, limit_ms) ? ABANDONMENT_ABANDONED
                                                               : ABANDONMENT_LEFT;
    case DELIVERY_NONE:
        if (!result_is_live(r->result))
            return ABANDONMENT_NOT_LIVE;
        return r->ended_by == ENDED_BY_US ? ABANDONMENT_ABANDONED : ABANDONMENT_LEFT;
    default: /* a message or a flow was what they were called for */
        return ABANDONMENT_NOT_LIVE;
    }
}

static int32_t day_of(const struct abandonment *a, uint64_t wall_ms)
{
    struct zone_local t;

    zone_to_local(a->zone, wall_ms, &t);
    return (int32_t)zone_days(t.year, t.month, t.day);
}

/* The bucket of a day; NULL when the day is older than what the bucket holds now. */
static struct abandonment_day *bucket_of(struct abandonment *a, int32_t day)
{
    struct abandonment_day *d = &a->days[(uint32_t)day % ABANDONMENT_DAYS];

    if (d->day > day)
        return NULL;
    if (d->day != day)
        *d = (struct abandonment_day){.day = day};
    return d;
}

static void account(struct abandonment *a, int32_t day, uint32_t live, uint32_t abandoned,
                    uint32_t left)
{
    struct abandonment_day *d = bucket_of(a, day);

    a->live += live;
    a->abandoned += abandoned;
    a->callee_left += left;
    if (d) {
        d->live += live;
        d->abandoned += abandoned;
        d->callee_left += left;
    }
}

enum abandonment_verdict abandonment_add(struct abandonment *a, const struct call_record *r,
                                         uint64_t wall_ms)
{
    enum abandonment_verdict v = abandonment_judge(r, a->limit_ms);

    assert(a->zone);
    if (v != ABANDONMENT_NOT_LIVE)
        account(a, day_of(a, wall_ms), v != ABANDONMENT_LEFT, v == ABANDONMENT_ABANDONED,
                v == ABANDONMENT_LEFT);
    return v;
}

void abandonment_restore(struct abandonment *a, const struct abandonment_day *day)
{
    account(a, day->day, day->live, day->abandoned, day->callee_left);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

double abandonment_day_percent(const struct abandonment *a, uint64_t wall_ms)
{
    int32_t day = day_of(a, wall_ms);
    const struct abandonment_day *d = &a->days[(uint32_t)day % ABANDONMENT_DAYS];

    return d->day == day ? percent(d->abandoned, d->live) : 0.0;
}

double abandonment_30d_percent(const struct abandonment *a, uint64_t wall_ms)
{
    int32_t today = day_of(a, wall_ms);
    uint64_t live = 0, abandoned = 0;

    for (uint32_t i = 0; i < ABANDONMENT_DAYS; i++) {
        const struct abandonment_day *d = &a->days[i];
        if (d->day <= today && d->day > today - ABANDONMENT_DAYS) {
            live += d->live;
            abandoned += d->abandoned;
        }
    }
    return percent(abandoned, live);
}

double abandonment_total_percent(const struct abandonment *a)
{
    return percent(a->abandoned, a->live);
}
