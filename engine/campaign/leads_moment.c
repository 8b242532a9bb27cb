/* When a lead expires or is to be called back: an instant ("2026-12-31T18:00:00Z", "2026-12-31 18:00
 * +02:00"), a time of some clock on the wall ("2026-12-31T18:00"), or a date (RFC 3339's forms,
 * seconds and "T" as one likes). */
#include "campaign/leads_internal.h"
#include "campaign/zone.h"
#include "campaign/zone_data.h"

#define DAY_MS 86400000u

static bool take_number(struct slice *s, uint32_t digits, uint32_t low, uint32_t high,
                        uint32_t *out)
{
    uint64_t v;

    if (s->len < digits || slice_u64(slice_of(s->p, digits), high, &v) || v < low)
        return false;
    *s = slice_from(*s, digits);
    *out = (uint32_t)v;
    return true;
}

static bool take(struct slice *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    *s = slice_from(*s, 1);
    return true;
}

static bool take_time(struct slice *s, struct lead_moment *out)
{
    uint32_t h, m, sec = 0, fraction;

    if (!take_number(s, 2, 0, 24, &h) || !take(s, ':') || !take_number(s, 2, 0, 59, &m))
        return false;
    if (take(s, ':')) {
        if (!take_number(s, 2, 0, 60, &sec))
            return false;
        if (take(s, '.'))
            while (take_number(s, 1, 0, 9, &fraction))
                ; /* a part of a second says nothing here */
    }
    out->day_ms = ((h * 60 + m) * 60 + sec) * 1000;
    return out->day_ms <= DAY_MS;
}

static bool take_offset(struct slice *s, struct lead_moment *out)
{
    uint32_t h, m;
    int32_t sign = take(s, '-') ? -1 : 1;

    if (sign > 0 && (take(s, 'Z') || take(s, 'z'))) {
        out->has_offset = true;
        return true;
    }
    if (sign > 0 && !take(s, '+'))
        return false;
    if (!take_number(s, 2, 0, 15, &h))
        return false;
    take(s, ':');
    if (!take_number(s, 2, 0, 59, &m))
        return false;
    out->has_offset = true;
    out->offset_s = sign * (int32_t)(h * 3600 + m * 60);
    return true;
}

enum err leads_read_moment(struct slice text, struct lead_moment *out)
{
    uint32_t year, month, day;
    int64_t back_year;
    uint8_t back_month, back_day;
    struct lead_moment x = {.there = true, .day_ms = DAY_MS};

    if (!take_number(&text, 4, 1970, 9999, &year) || !take(&text, '-') ||
        !take_number(&text, 2, 1, 12, &month) || !take(&text, '-') ||
        !take_number(&text, 2, 1, 31, &day))
        return ERR_INVALID;
    x.year = (int32_t)year;
    x.month = (uint8_t)month;
    x.day = (uint8_t)day;
    zone_civil(zone_days(x.year, x.month, x.day), &back_year, &back_month, &back_day);
    if (back_day != x.day) /* 31 February */
        return ERR_INVALID;
    if (text.len == 0) {
        *out = x;
        return OK;
    }
    if ((!take(&text, 'T') && !take(&text, 't') && !take(&text, ' ')) || !take_time(&text, &x))
        return ERR_INVALID;
    text = slice_trim(text);
    if (text.len && (!take_offset(&text, &x) || text.len))
        return ERR_INVALID;
    *out = x;
    return OK;
}

static uint64_t moment_ms(const struct lead_moment *m, const struct zone *zone, bool end)
{
    int64_t s;

    if (!m->there)
        return 0;
    if (!m->has_offset && m->day_ms == DAY_MS)
        return zone_from_local(zone, m->year, m->month, m->day + (end ? 1 : 0), 0);
    if (!m->has_offset)
        return zone_from_local(zone, m->year, m->month, m->day, m->day_ms);
    s = zone_days(m->year, m->month, m->day) * 86400 + m->day_ms / 1000 - m->offset_s;
    return s > 0 ? (uint64_t)s * 1000 : 1; /* 0 would mean none */
}

uint64_t lead_from_ms(const struct lead_moment *m, const struct zone *zone)
{
    return moment_ms(m, zone, false);
}

uint64_t lead_until_ms(const struct lead_moment *m, const struct zone *zone)
{
    return moment_ms(m, zone, true);
}
