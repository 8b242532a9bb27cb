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
uint32_t abandonment_clock(const struct call_record *r)
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
    uint32_t start = abandonment_clock(r), agent = r->at_ms[MARK_AGENT_HEARD];

    if (r->abandoned_strict)
        return ABANDONMENT_ABANDONED;
    if (r->by_flow) /* it was what they were called for, also when they asked it for an agent */
        return ABANDONMENT_NOT_LIVE;
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

int32_t abandonment_day_of(const struct zone *zone, uint64_t wall_ms)
{
    struct zone_local t;

    zone_to_local(zone, wall_ms, &t);
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

void abandonment_restore(struct abandonment *a, const struct abandonment_day *day)
{
    struct abandonment_day *d = bucket_of(a, day->day);

    a->live += day->live;
    a->abandoned += day->abandoned;
    a->callee_left += day->callee_left;
    if (!d)
        return;
    d->live += day->live;
    d->abandoned += day->abandoned;
    d->messages += day->messages;
    d->late += day->late;
    d->callee_left += day->callee_left;
    d->false_ppm += day->false_ppm;
}

void abandonment_clear_days(struct abandonment *a)
{
    for (uint32_t i = 0; i < ABANDONMENT_DAYS; i++)
        a->days[i] = (struct abandonment_day){0};
}

enum abandonment_verdict abandonment_add(struct abandonment *a, const struct call_record *r,
                                         uint64_t wall_ms)
{
    enum abandonment_verdict v = abandonment_judge(r, a->limit_ms);

    assert(a->zone);
    if (v == ABANDONMENT_NOT_LIVE)
        return v;
    const struct abandonment_day day = {.day = abandonment_day_of(a->zone, wall_ms),
                                        .live = v != ABANDONMENT_LEFT,
                                        .abandoned = v == ABANDONMENT_ABANDONED,
                                        .callee_left = v == ABANDONMENT_LEFT};
    abandonment_restore(a, &day);
    return v;
}

const struct abandonment_day *abandonment_day_at(const struct abandonment *a, int32_t day)
{
    static const struct abandonment_day none;
    const struct abandonment_day *d = &a->days[(uint32_t)day % ABANDONMENT_DAYS];

    return d->day == day ? d : &none;
}

/* ---- shares ---- */

static double percent(double part, double whole)
{
    return whole > 0 ? 100.0 * part / whole : 0.0;
}

/* With the people taken for machines: they are live answers, and abandoned. */
static void sum_days(const struct abandonment *a, int32_t last, int32_t count, double *live,
                     double *abandoned)
{
    *live = *abandoned = 0;
    for (int32_t day = last; day > last - count; day--) {
        const struct abandonment_day *d = abandonment_day_at(a, day);
        double taken = (double)d->false_ppm / 1e6;

        *live += d->live + taken;
        *abandoned += d->abandoned + taken;
    }
}

double abandonment_day_percent(const struct abandonment *a, uint64_t wall_ms)
{
    double live, abandoned;

    sum_days(a, abandonment_day_of(a->zone, wall_ms), 1, &live, &abandoned);
    return percent(abandoned, live);
}

double abandonment_30d_percent(const struct abandonment *a, uint64_t wall_ms)
{
    double live, abandoned;

    sum_days(a, abandonment_day_of(a->zone, wall_ms), ABANDONMENT_DAYS, &live, &abandoned);
    return percent(abandoned, live);
}

double abandonment_total_percent(const struct abandonment *a)
{
    return percent((double)a->abandoned, (double)a->live);
}

/* Answers of a day, the latest counting most; days without any do not count. */
static double typical_day(const struct abandonment *a, int32_t today)
{
    double typical = 0;

    for (int32_t day = today - ABANDONMENT_DAYS + 1; day < today; day++) {
        double live = abandonment_day_at(a, day)->live;

        if (live > 0)
            typical = typical > 0 ? typical * 0.7 + live * 0.3 : live;
    }
    return typical;
}

void abandonment_account(const struct abandonment *a, const struct abandonment *own,
                         uint64_t wall_ms, struct pacing_account *out)
{
    int32_t today = abandonment_day_of(a->zone, wall_ms);
    double own_live, own_abandoned;

    *out = (struct pacing_account){.day_typical = typical_day(a, today)};
    for (int32_t n = 0; n < PACING_AHEAD; n++)
        sum_days(a, today, ABANDONMENT_DAYS - n, &out->days[n].live, &out->days[n].abandoned);
    sum_days(a, today, 1, &out->day_live, &out->day_abandoned);
    sum_days(own, today, 1, &own_live, &own_abandoned);
    out->day_live = out->day_live > own_live ? out->day_live - own_live : 0;
    out->day_abandoned =
        out->day_abandoned > own_abandoned ? out->day_abandoned - own_abandoned : 0;
}
