/* Windows are spans of local clock time by weekday. Whether an instant is inside is asked of the
 * clock on the wall; the next opening or closing is searched among the few instants of each day at
 * which the answer can change: the spans' edges (twice in the hour that autumn repeats) and the
 * zone's own change. */
#include "campaign/window.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS      86400000u
#define SEARCH_DAYS 9 /* a week, the present day, and one that a change may skip */

static const char *const weekday_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static enum err parse_weekday(struct slice s, uint8_t *out)
{
    for (uint8_t d = 0; d < 7; d++) {
        if (slice_ieq(s, slice_cstr(weekday_names[d]))) {
            *out = d;
            return OK;
        }
    }
    return ERR_INVALID;
}

/* "09:00" or "9:30", up to "24:00". */
static enum err parse_time(struct slice s, uint32_t *out_ms)
{
    struct slice hour, minute;
    uint64_t h, m;

    if (!slice_cut(s, ':', &hour, &minute) || hour.len > 2 || minute.len != 2 ||
        slice_u64(hour, 24, &h) || slice_u64(minute, 59, &m) || (h == 24 && m != 0))
        return ERR_INVALID;
    *out_ms = (uint32_t)(h * 3600 + m * 60) * 1000;
    return OK;
}

static enum err parse_days(struct slice s, uint8_t *first, uint8_t *last)
{
    struct slice from, to;

    if (slice_ieq(s, SLICE("holidays"))) {
        *first = *last = WINDOW_HOLIDAY;
        return OK;
    }
    if (slice_ieq(s, SLICE("daily"))) {
        *first = 0;
        *last = 6;
        return OK;
    }
    if (!slice_cut(s, '-', &from, &to))
        to = from;
    if (parse_weekday(slice_trim(from), first) || parse_weekday(slice_trim(to), last))
        return ERR_INVALID;
    return OK;
}

static enum err add_span(struct windows *w, uint8_t weekday, uint32_t start_ms, uint32_t end_ms)
{
    if (start_ms == end_ms)
        return OK;
    if (w->count == WINDOW_SPANS_MAX)
        return ERR_FULL;
    w->spans[w->count++] = (struct window_span){weekday, start_ms, end_ms};
    return OK;
}

static int compare_spans(const void *a, const void *b)
{
    const struct window_span *x = a, *y = b;

    if (x->weekday != y->weekday)
        return x->weekday < y->weekday ? -1 : 1;
    return x->start_ms < y->start_ms ? -1 : x->start_ms > y->start_ms;
}

static void merge_spans(struct windows *w)
{
    uint32_t kept = 0;

    qsort(w->spans, w->count, sizeof(w->spans[0]), compare_spans);
    for (uint32_t i = 0; i < w->count; i++) {
        struct window_span *last = kept ? &w->spans[kept - 1] : NULL, *s = &w->spans[i];
        if (last && last->weekday == s->weekday && s->start_ms <= last->end_ms) {
            if (s->end_ms > last->end_ms)
                last->end_ms = s->end_ms;
        } else {
            w->spans[kept++] = *s;
        }
    }
    w->count = kept;
}

/* "mon-fri 09:00-21:00" */
static enum err parse_item(struct windows *w, struct slice item)
{
    struct slice days, hours, from, to;
    uint8_t first, last;
    uint32_t start, end;

    if (!slice_cut(item, ' ', &days, &hours) || parse_days(days, &first, &last) ||
        !slice_cut(slice_trim(hours), '-', &from, &to) || parse_time(slice_trim(from), &start) ||
        parse_time(slice_trim(to), &end) || start == end || start == DAY_MS)
        return ERR_INVALID;
    if (first == WINDOW_HOLIDAY)
        return start < end ? add_span(w, first, start, end) : ERR_INVALID;
    for (uint8_t d = first;; d = (uint8_t)((d + 1) % 7)) {
        enum err e;
        if (start < end) {
            e = add_span(w, d, start, end);
        } else { /* over midnight */
            e = add_span(w, d, start, DAY_MS);
            if (!e)
                e = add_span(w, (uint8_t)((d + 1) % 7), 0, end);
        }
        if (e)
            return e;
        if (d == last)
            return OK;
    }
}

enum err windows_parse(struct slice text, struct windows *out, char *why, size_t cap)
{
    *out = (struct windows){0};
    if (slice_ieq(slice_trim(text), SLICE("any"))) {
        out->any = true;
        return OK;
    }
    struct slice rest = text;
    bool more = true;
    while (more) {
        struct slice item;
        more = slice_cut(rest, ',', &item, &rest);
        item = slice_trim(item);
        enum err e = parse_item(out, item);
        if (e == ERR_FULL) {
            snprintf(why, cap, "more than %u spans a week", WINDOW_SPANS_MAX);
            return e;
        }
        if (e) {
            snprintf(why, cap,
                     "'" SLICE_FMT "' is no calling window; accepted: any, or days and hours such "
                     "as 'mon-fri 09:00-21:00', 'sat 10:00-18:00', 'daily 09:00-20:00', 'holidays "
                     "10:00-14:00'",
                     SLICE_ARG(slice_of(item.p, item.len < 80 ? item.len : 80)));
            return e;
        }
    }
    merge_spans(out);
    return OK;
}

bool windows_open_at(const struct windows *w, const struct zone *z, uint64_t wall_ms)
{
    struct zone_local t;

    if (w->any)
        return true;
    zone_to_local(z, wall_ms, &t);
    for (uint32_t i = 0; i < w->count; i++) {
        const struct window_span *s = &w->spans[i];
        if (s->weekday == t.weekday && t.day_ms >= s->start_ms && t.day_ms < s->end_ms)
            return true;
    }
    return false;
}

/* The first instant of the zone's change in (from, to], or 0. */
static uint64_t offset_change(const struct zone *z, uint64_t from, uint64_t to)
{
    int64_t low = (int64_t)(from / 1000), high = (int64_t)(to / 1000);
    int32_t before = zone_offset_s(z, low, NULL);

    if (zone_offset_s(z, high, NULL) == before)
        return 0;
    while (high - low > 1) {
        int64_t mid = low + (high - low) / 2;
        if (zone_offset_s(z, mid, NULL) == before)
            low = mid;
        else
            high = mid;
    }
    return (uint64_t)high * 1000;
}

/* The earliest instant >= from on this local date where the windows' state is `open`. */
static uint64_t search_day(const struct windows *w, const struct zone *z,
                           const struct zone_local *base, int32_t ahead, uint64_t from, bool open)
{
    uint64_t best = WINDOW_NEVER, at[2];
    int32_t day = base->day + ahead;
    uint8_t weekday = (uint8_t)((base->weekday + ahead) % 7);

    for (uint32_t i = 0; i < w->count; i++) {
        if (w->spans[i].weekday != weekday)
            continue;
        uint32_t edge = open ? w->spans[i].start_ms : w->spans[i].end_ms;
        uint32_t n = zone_instants(z, base->year, base->month, day, edge, at);
        for (uint32_t k = 0; k < n; k++) {
            if (at[k] >= from && at[k] < best && windows_open_at(w, z, at[k]) == open)
                best = at[k];
        }
    }
    uint64_t start = zone_from_local(z, base->year, base->month, day, 0);
    uint64_t change =
        offset_change(z, start, zone_from_local(z, base->year, base->month, day + 1, 0));
    if (change >= from && change && change < best && windows_open_at(w, z, change) == open)
        best = change;
    return best;
}

static uint64_t search(const struct windows *w, const struct zone *z, uint64_t from, bool open)
{
    struct zone_local base;

    if (windows_open_at(w, z, from) == open)
        return from;
    zone_to_local(z, from, &base);
    for (int32_t ahead = 0; ahead < SEARCH_DAYS; ahead++) {
        uint64_t at = search_day(w, z, &base, ahead, from, open);
        if (at != WINDOW_NEVER)
            return at;
    }
    return WINDOW_NEVER;
}

uint64_t windows_next(const struct windows *w, const struct zone *z, uint64_t wall_ms)
{
    return search(w, z, wall_ms, true);
}

uint64_t windows_closes(const struct windows *w, const struct zone *z, uint64_t wall_ms)
{
    return w->any ? WINDOW_NEVER : search(w, z, wall_ms, false);
}
