/* Which law of a file holds where, and since when calls count. */
#include "campaign/calling_read.h"

#include <stdlib.h>

void calling_free(struct calling_rules *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->region_count; i++) {
        free(r->regions[i].names);
        free(r->regions[i].law.holidays);
    }
    free(r->regions);
    calling_numbers_free(r);
    for (uint32_t i = 0; i < r->zone_count; i++)
        zone_close(r->zones[i]);
    free(r->law.holidays);
    free(r);
}

const struct calling_law *calling_in(const struct calling_rules *r, struct slice region)
{
    region = slice_trim(region);
    for (uint32_t i = 0; r && region.len && i < r->region_count; i++) {
        struct slice rest = slice_cstr(r->regions[i].names), name;
        bool more = true;

        while (more) {
            more = slice_cut(rest, ',', &name, &rest);
            if (slice_ieq(slice_trim(name), region))
                return &r->regions[i].law;
        }
    }
    return NULL;
}

uint32_t calling_limits_most(const struct calling_rules *r)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < r->region_count; i++) {
        if (r->regions[i].law.limits.count > most)
            most = r->regions[i].law.limits.count;
    }
    return r->law.limits.count + most;
}

/* Of the period that now lies in, and the one `ahead` of it. */
static uint64_t start_of(enum calling_span per, const struct zone *z, uint64_t now_wall_ms,
                         int32_t ahead)
{
    struct zone_local t;

    zone_to_local(z, now_wall_ms, &t);
    if (per == CALLING_MONTH)
        return zone_from_local(z, t.year, t.month + ahead, 1, 0);
    if (per == CALLING_WEEK)
        return zone_from_local(z, t.year, t.month, t.day - t.weekday + 7 * ahead, 0);
    return zone_from_local(z, t.year, t.month, t.day + ahead, 0);
}

void calling_period(const struct calling_limit *l, const struct zone *const *zones, uint32_t count,
                    uint64_t now_wall_ms, uint64_t *since_wall_ms, uint64_t *until_wall_ms)
{
    *since_wall_ms = now_wall_ms;
    *until_wall_ms = 0;
    if (l->per == CALLING_ROLLING)
        *since_wall_ms = now_wall_ms > l->rolling_ms ? now_wall_ms - l->rolling_ms : 0;
    for (uint32_t i = 0; l->per != CALLING_ROLLING && i < count; i++) {
        uint64_t since = start_of(l->per, zones[i], now_wall_ms, 0);
        uint64_t until = start_of(l->per, zones[i], now_wall_ms, 1);

        if (since < *since_wall_ms)
            *since_wall_ms = since;
        if (until > *until_wall_ms)
            *until_wall_ms = until;
    }
}
