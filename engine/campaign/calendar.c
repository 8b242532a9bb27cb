/* A part that is closed says when it opens next; nothing before that can do, so the search goes on
 * from there until no part moves it. */
#include "campaign/calendar.h"

#include <stdio.h>

#define DAY_MS     UINT64_C(86400000)
#define ROUNDS_MAX 100000

enum err calendar_add(struct calendar *c, const struct calendar_part *part)
{
    if (c->count == CALENDAR_PARTS_MAX)
        return ERR_FULL;
    c->parts[c->count++] = *part;
    return OK;
}

/* The holiday hours, put on this weekday. */
static void hours_of_holiday(const struct windows *w, uint8_t weekday, struct windows *out)
{
    *out = (struct windows){0};
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->spans[i].weekday == WINDOW_HOLIDAY)
            out->spans[out->count++] =
                (struct window_span){weekday, w->spans[i].start_ms, w->spans[i].end_ms};
    }
}

static const struct holiday *holiday_of(const struct calendar_part *p, const struct zone_local *t)
{
    return holidays_find(p->holidays, t->year, t->month, t->day);
}

static bool same_date(const struct zone_local *a, const struct zone_local *b)
{
    return a->year == b->year && a->month == b->month && a->day == b->day;
}

/* The next midnight after wall_ms. Where a change of the clock repeats midnight, the earlier one
 * may be past already. */
static uint64_t next_day(const struct zone *z, const struct zone_local *t, uint64_t wall_ms)
{
    uint64_t at[2];

    for (int32_t ahead = 1; ahead <= 3; ahead++) {
        uint32_t n = zone_instants(z, t->year, t->month, t->day + ahead, 0, at);
        for (uint32_t i = 0; i < n; i++) {
            if (at[i] > wall_ms)
                return at[i];
        }
    }
    return wall_ms + DAY_MS;
}

static bool part_open_at(const struct calendar_part *p, uint64_t wall_ms)
{
    struct zone_local t;
    struct windows special;

    if (!p->holidays)
        return windows_open_at(p->windows, p->zone, wall_ms);
    zone_to_local(p->zone, wall_ms, &t);
    if (!holiday_of(p, &t))
        return windows_open_at(p->windows, p->zone, wall_ms);
    hours_of_holiday(p->windows, t.weekday, &special);
    return windows_open_at(&special, p->zone, wall_ms);
}

static uint64_t part_next(const struct calendar_part *p, uint64_t wall_ms)
{
    uint64_t t = wall_ms, end = wall_ms + CALENDAR_SEARCH_DAYS * DAY_MS;
    struct zone_local now, then;
    struct windows special;

    if (!p->holidays)
        return windows_next(p->windows, p->zone, wall_ms);
    while (t < end) { /* a date at a time, for each may be a holiday */
        zone_to_local(p->zone, t, &now);
        const struct windows *w = p->windows;
        if (holiday_of(p, &now)) {
            hours_of_holiday(p->windows, now.weekday, &special);
            w = &special;
        }
        uint64_t at = windows_next(w, p->zone, t), midnight = next_day(p->zone, &now, t);
        if (at < midnight) {
            zone_to_local(p->zone, at, &then);
            if (same_date(&now, &then))
                return at;
            t = at; /* the clock went back over midnight */
        } else {
            t = midnight;
        }
    }
    return WINDOW_NEVER;
}

bool calendar_open_at(const struct calendar *c, uint64_t wall_ms)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (!part_open_at(&c->parts[i], wall_ms))
            return false;
    }
    return true;
}

uint64_t calendar_next(const struct calendar *c, uint64_t wall_ms)
{
    uint64_t t = wall_ms, end = wall_ms + CALENDAR_SEARCH_DAYS * DAY_MS;

    for (uint32_t round = 0; round < ROUNDS_MAX && t < end; round++) {
        uint64_t before = t;
        for (uint32_t i = 0; i < c->count; i++) {
            t = part_next(&c->parts[i], t);
            if (t == WINDOW_NEVER)
                return WINDOW_NEVER;
        }
        if (t == before)
            return t;
    }
    return WINDOW_NEVER;
}

void calendar_why(const struct calendar *c, uint64_t wall_ms, char *dst, size_t cap)
{
    dst[0] = '\0';
    for (uint32_t i = 0; i < c->count; i++) {
        const struct calendar_part *p = &c->parts[i];
        struct zone_local t;

        if (part_open_at(p, wall_ms))
            continue;
        zone_to_local(p->zone, wall_ms, &t);
        const struct holiday *h = holiday_of(p, &t);
        snprintf(dst, cap, "it is %02u:%02u on %04d-%02u-%02u in %s%s%s, outside the hours of %s",
                 (unsigned)(t.day_ms / 3600000), (unsigned)(t.day_ms / 60000 % 60), (int)t.year,
                 t.month, t.day, zone_name(p->zone), h ? ", a holiday: " : "",
                 h ? (h->name[0] ? h->name : "no name") : "", p->whose);
        return;
    }
}
