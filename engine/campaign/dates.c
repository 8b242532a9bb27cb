#include "campaign/dates.h"

#include <stdio.h>

#include "campaign/ledger.h"

enum campaign_phase campaign_phase(const struct campaign *c, uint64_t wall_ms)
{
    if (wall_ms < c->starts_wall_ms)
        return CAMPAIGN_AHEAD;
    return c->ends_wall_ms && wall_ms >= c->ends_wall_ms ? CAMPAIGN_OVER : CAMPAIGN_OPEN;
}

const char *campaign_phase_text(const struct campaign *c, uint64_t wall_ms, char text[96])
{
    enum campaign_phase phase = campaign_phase(c, wall_ms);
    struct zone_local l;

    text[0] = '\0';
    if (phase == CAMPAIGN_OPEN)
        return text;
    zone_to_local(c->zone, phase == CAMPAIGN_AHEAD ? c->starts_wall_ms : c->ends_wall_ms, &l);
    snprintf(text, 96, "%s %04d-%02u-%02u %02u:%02u (%.40s)",
             phase == CAMPAIGN_AHEAD ? "begins" : "is over since", l.year, l.month, l.day,
             l.day_ms / 3600000, l.day_ms / 60000 % 60, zone_name(c->zone));
    return text;
}

static bool two_digits(struct slice s, uint32_t most, uint32_t *out)
{
    uint64_t n;

    if (s.len != 2 || slice_u64(s, most, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

enum err campaign_instant(const struct zone *zone, struct slice text, bool end, uint64_t *wall_ms)
{
    struct slice date, time, hours, minutes;
    uint32_t hour = 0, minute = 0;
    uint64_t month, day, year;
    int32_t number; /* of the day; only to see that there is such a day */
    bool timed = slice_cut(slice_trim(text), ' ', &date, &time);

    if (ledger_date_parse(date, &number) || slice_u64(slice_of(date.p, 4), 9999, &year) ||
        slice_u64(slice_of(date.p + 5, 2), 12, &month) ||
        slice_u64(slice_of(date.p + 8, 2), 31, &day))
        return ERR_INVALID;
    if (timed && (!slice_cut(slice_trim(time), ':', &hours, &minutes) ||
                  !two_digits(hours, 23, &hour) || !two_digits(minutes, 59, &minute)))
        return ERR_INVALID;
    *wall_ms =
        zone_from_local(zone, (int32_t)year, (int32_t)month, (int32_t)day + (end && !timed ? 1 : 0),
                        (hour * 60 + minute) * 60000);
    return OK;
}
