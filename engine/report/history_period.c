/* The ends of a period as people write them. */
#include "report/history.h"

static bool digits(struct slice *s, uint32_t n, uint32_t *out)
{
    *out = 0;
    if (s->len < n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        *out = *out * 10 + (uint32_t)(s->p[i] - '0');
    }
    *s = slice_from(*s, n);
    return true;
}

static bool mark(struct slice *s, const char *any)
{
    if (!s->len || !s->p[0] || !strchr(any, s->p[0]))
        return false;
    *s = slice_from(*s, 1);
    return true;
}

struct local_time {
    uint32_t year, month, day, ms; /* ms: of the day */
    bool date_only;
};

static bool take_date(struct slice *s, struct local_time *t)
{
    static const uint8_t lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (!digits(s, 4, &t->year) || !mark(s, "-") || !digits(s, 2, &t->month) || !mark(s, "-") ||
        !digits(s, 2, &t->day))
        return false;
    bool leap = (t->year % 4 == 0 && t->year % 100 != 0) || t->year % 400 == 0;

    return t->year >= 1970 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= lengths[t->month - 1] && (t->month != 2 || t->day < 29 || leap);
}

static bool take_time(struct slice *s, struct local_time *t)
{
    uint32_t hour, minute, second = 0, ms = 0;

    if (!digits(s, 2, &hour) || !mark(s, ":") || !digits(s, 2, &minute))
        return false;
    if (mark(s, ":")) {
        if (!digits(s, 2, &second) || (mark(s, ".") && !digits(s, 3, &ms)))
            return false;
    }
    t->ms = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    return hour < 24 && minute < 60 && second < 60;
}

static bool take_offset(struct slice *s, int64_t *offset_ms)
{
    bool west = s->p[0] == '-';
    uint32_t hours, minutes;

    mark(s, "+-");
    if (!digits(s, 2, &hours) || (mark(s, ":"), !digits(s, 2, &minutes)) || hours > 14 ||
        minutes > 59)
        return false;
    *offset_ms = (int64_t)(hours * 60 + minutes) * 60000 * (west ? -1 : 1);
    return true;
}

/* The last of two in the hour that autumn repeats is meant by the end of a period. */
static uint64_t instant_in(const struct zone *zone, const struct local_time *t, bool last)
{
    uint64_t at[2];
    uint32_t n =
        zone_instants(zone, (int32_t)t->year, (int32_t)t->month, (int32_t)t->day, t->ms, at);

    return at[last ? n - 1 : 0];
}

static enum err in_named_zone(struct slice name, const struct local_time *t, bool end,
                              uint64_t *out_ms)
{
    struct zone *zone;

    if (zone_open(&zone, name) != OK)
        return ERR_NOT_FOUND;
    *out_ms = instant_in(zone, t, end);
    zone_close(zone);
    return OK;
}

static enum err read_instant(struct slice s, const struct zone *zone, bool end, uint64_t *out_ms)
{
    struct local_time t = {.date_only = true};
    int64_t offset_ms = 0;

    if (!take_date(&s, &t))
        return ERR_INVALID;
    if (mark(&s, "T ")) {
        if (!take_time(&s, &t))
            return ERR_INVALID;
        t.date_only = false;
    }
    if (t.date_only && end)
        t.day++; /* normalised by the zone */
    if (s.len == 0) {
        *out_ms = instant_in(zone, &t, end && !t.date_only);
        return OK;
    }
    if (s.p[0] == '[' && s.p[s.len - 1] == ']')
        return in_named_zone(slice_of(s.p + 1, s.len - 2), &t, end && !t.date_only, out_ms);
    if (t.date_only || (!mark(&s, "Zz") && (!strchr("+-", s.p[0]) || !take_offset(&s, &offset_ms))))
        return ERR_INVALID;
    struct zone *utc;
    if (s.len || zone_open(&utc, SLICE("UTC")) != OK)
        return ERR_INVALID;
    *out_ms = (uint64_t)((int64_t)instant_in(utc, &t, false) - offset_ms);
    zone_close(utc);
    return OK;
}

enum err history_instant(const char *text, const struct zone *zone, bool end, uint64_t *out_ms,
                         char *error)
{
    enum err e = read_instant(slice_trim(slice_cstr(text)), zone, end, out_ms);

    if (e == ERR_NOT_FOUND)
        snprintf(error, HISTORY_ERROR_MAX, "'%.60s': there is no such time zone", text);
    else if (e)
        snprintf(
            error, HISTORY_ERROR_MAX,
            "'%.60s' is neither a date nor an instant; accepted: 2026-03-30, 2026-03-30T09:00, "
            "2026-03-30T09:00:00Z, 2026-03-30T09:00+02:00, 2026-03-30T09:00[Europe/Berlin]",
            text);
    return e ? ERR_INVALID : OK;
}
