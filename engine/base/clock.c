/* Clocks, real and virtual, and the one way a time is written for people and records. */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define YEAR_10000_MS UINT64_C(253402300800000)

void clock_init_real(struct clock *c)
{
    *c = (struct clock){0};
}

void clock_init_virtual(struct clock *c, uint64_t now_us, uint64_t wall_ms_at0)
{
    *c = (struct clock){.is_virtual = true, .now_us = now_us, .wall_ms_at0 = wall_ms_at0};
}

uint64_t clock_us(const struct clock *c)
{
    struct timespec t;

    if (c->is_virtual)
        return c->now_us;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_wall_ms(const struct clock *c)
{
    struct timespec t;

    if (c->is_virtual)
        return c->wall_ms_at0 + c->now_us / 1000;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void clock_advance_us(struct clock *c, uint64_t us)
{
    assert(c->is_virtual);
    c->now_us += us;
}

struct date {
    unsigned year, month, day;
};

/* Days since 1970-01-01 to a Gregorian date, counting years from 1 March so that the leap day is
 * the last of its year (the method of H. Hinnant's chrono notes). */
static struct date date_of(uint64_t days)
{
    uint64_t from_0 = days + 719468, era = from_0 / 146097;
    unsigned doe = (unsigned)(from_0 % 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned from_march = (5 * doy + 2) / 153;
    struct date d;

    d.day = doy - (153 * from_march + 2) / 5 + 1;
    d.month = from_march < 10 ? from_march + 3 : from_march - 9;
    d.year = (unsigned)(era * 400) + yoe + (d.month <= 2);
    return d;
}

void clock_format_utc(uint64_t wall_ms, char *dst, size_t cap)
{
    char text[64];
    unsigned ms, s;
    struct date d;

    assert(cap >= 25);
    if (wall_ms >= YEAR_10000_MS)
        wall_ms = YEAR_10000_MS - 1;
    d = date_of(wall_ms / 86400000);
    ms = (unsigned)(wall_ms % 1000);
    s = (unsigned)(wall_ms / 1000 % 86400);
    snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year, d.month, d.day,
             s / 3600, s / 60 % 60, s % 60, ms);
    snprintf(dst, cap, "%.24s", text);
}
