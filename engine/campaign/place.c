/* A lead's place decides which rules hold for it; the strictest of them count. */
#include "campaign/place.h"

#include <stdio.h>

#include "campaign/fields.h"
#include "campaign/number_plan.h"

void place_read(struct place *p, struct slice zone_text, struct slice fields,
                struct zone_cache *zones)
{
    struct slice rest = zone_text, name;
    bool more = true;

    *p = (struct place){0};
    while (more && zone_text.len) {
        more = slice_cut(rest, '|', &name, &rest);
        const struct zone *z = zone_cache_get(zones, slice_trim(name));
        if (z && p->zone_count < CALENDAR_ZONES_MAX)
            p->zones[p->zone_count++] = z;
    }
    fields_text(fields, "region", p->region, sizeof(p->region));
}

/* Zones of one clock now and half a year on hold the same hours. */
static bool same_clock(const struct zone *a, const struct zone *b, int64_t now_s)
{
    const int64_t half_year_s = 183 * 86400;

    return zone_offset_s(a, now_s, NULL) == zone_offset_s(b, now_s, NULL) &&
           zone_offset_s(a, now_s + half_year_s, NULL) ==
               zone_offset_s(b, now_s + half_year_s, NULL);
}

/* The law of the place, and the house's own exceptions: both hold. */
#define RULES 2
static const struct calling_rules *rules_of(const struct campaign *c, uint32_t i)
{
    return i ? c->exceptions : c->calling;
}

const struct calling_number *place_exception(const struct campaign *c, const char *e164,
                                             const char **by)
{
    for (uint32_t i = RULES; i-- > 0;) {
        const struct calling_number *n = calling_number(rules_of(c, i), e164);

        if (n) {
            *by = rules_of(c, i)->name;
            return n;
        }
    }
    return NULL;
}

void place_of_number(struct place *p, const struct campaign *c, const char *e164,
                     struct zone_cache *zones, uint64_t now_wall_ms)
{
    const char *names[NUMBER_ZONES_MAX], *by;
    const struct calling_number *exception = c ? place_exception(c, e164, &by) : NULL;
    uint32_t n = number_zones(e164, names);

    if (exception && !p->region[0])
        memcpy(p->region, exception->region, sizeof(p->region));
    if (exception && p->zone_count == 0)
        for (; p->zone_count < exception->zone_count; p->zone_count++)
            p->zones[p->zone_count] = exception->zones[p->zone_count];
    if (p->zone_count || n > PLACE_ANYWHERE)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const struct zone *z = zone_cache_get(zones, slice_cstr(names[i]));
        bool there = z == NULL;

        for (uint32_t k = 0; k < p->zone_count && !there; k++)
            there = same_clock(p->zones[k], z, (int64_t)(now_wall_ms / 1000));
        if (there)
            continue;
        if (p->zone_count == CALENDAR_ZONES_MAX) { /* some would be left out: not known */
            p->zone_count = 0;
            return;
        }
        p->zones[p->zone_count++] = z;
    }
}

const struct zone *place_zone(const struct campaign *c, const struct place *p)
{
    return p && p->zone_count ? p->zones[0] : c->zone;
}

/* All zones it may be in; never none. */
static uint32_t candidates(const struct campaign *c, const struct place *p,
                           const struct zone *out[CALENDAR_ZONES_MAX])
{
    uint32_t n = 0;

    if (p && p->zone_count) {
        memcpy(out, p->zones, p->zone_count * sizeof(out[0]));
        return p->zone_count;
    }
    for (; n < c->zone_candidate_count; n++)
        out[n] = c->zone_candidates[n];
    for (uint32_t i = 0; i < RULES && n == 0; i++) {
        const struct calling_rules *r = rules_of(c, i);

        for (; r && n < r->zone_count; n++)
            out[n] = r->zones[n];
    }
    if (n == 0)
        out[n++] = c->zone;
    return n;
}

static const struct calling_law *law_of_region(const struct calling_rules *r, const struct place *p)
{
    return p && r ? calling_in(r, slice_cstr(p->region)) : NULL;
}

static void add(struct calendar *out, const struct windows *w, const struct holidays *h,
                const struct zone *z, const char *whose)
{
    const struct calendar_part part = {w, h, z, whose};

    if (!w->any || h)
        calendar_add(out, &part); /* has room for five of each zone */
}

void place_calendar(const struct campaign *c, const struct place *p, struct calendar *out)
{
    const struct zone *zones[CALENDAR_ZONES_MAX];
    uint32_t n = candidates(c, p, zones);

    out->count = 0;
    for (uint32_t i = 0; i < n; i++) {
        add(out, &c->windows, c->holidays, zones[i], "the campaign");
        for (uint32_t k = 0; k < RULES; k++) {
            const struct calling_rules *r = rules_of(c, k);
            const struct calling_law *region = law_of_region(r, p);

            if (r)
                add(out, &r->law.windows, r->law.holidays, zones[i], r->name);
            if (region)
                add(out, &region->windows, region->holidays, zones[i], p->region);
        }
    }
}

static uint32_t add_limits(const struct calling_limits *from, const char *whose,
                           const struct zone *const *zones, uint32_t zone_count, uint64_t now,
                           struct place_limit *out, uint32_t n)
{
    for (uint32_t i = 0; i < from->count && n < PLACE_LIMITS_MAX; i++) {
        const struct calling_limit *l = &from->list[i];
        struct place_limit *to = &out[n++];

        *to = (struct place_limit){.calls = l->calls, .whose = whose, .limit = *l};
        calling_period(l, zones, zone_count, now, &to->since_wall_ms, &to->until_wall_ms);
    }
    return n;
}

uint32_t place_limits(const struct campaign *c, const struct place *p, uint64_t now_wall_ms,
                      struct place_limit out[PLACE_LIMITS_MAX])
{
    const struct zone *zones[CALENDAR_ZONES_MAX];
    uint32_t zone_count = candidates(c, p, zones), n = 0;

    n = add_limits(&c->number_limits, "the campaign", zones, zone_count, now_wall_ms, out, n);
    for (uint32_t i = 0; i < RULES; i++) {
        const struct calling_rules *r = rules_of(c, i);
        const struct calling_law *region = law_of_region(r, p);

        if (r)
            n = add_limits(&r->law.limits, r->name, zones, zone_count, now_wall_ms, out, n);
        if (region)
            n = add_limits(&region->limits, p->region, zones, zone_count, now_wall_ms, out, n);
    }
    return n;
}

uint32_t place_lock_out_ms(const struct campaign *c, const struct place *p)
{
    uint32_t ms = c->abandonment.lock_out_ms;

    for (uint32_t i = 0; i < RULES; i++) {
        const struct calling_rules *r = rules_of(c, i);
        const struct calling_law *region = law_of_region(r, p);

        if (r && r->law.lock_out_ms > ms)
            ms = r->law.lock_out_ms;
        if (region && region->lock_out_ms > ms)
            ms = region->lock_out_ms;
    }
    return ms;
}

void place_limit_text(const struct calling_limit *l, char *dst, size_t cap)
{
    static const char *const spans[] = {"", "a day", "a week", "a month"};
    char length[24] = "";

    if (l->per == CALLING_ROLLING)
        campaign_duration_text(l->rolling_ms, length, sizeof(length));
    snprintf(dst, cap, "%u call%s %s%s", l->calls, l->calls == 1 ? "" : "s",
             l->per == CALLING_ROLLING ? "in " : spans[l->per], length);
}
