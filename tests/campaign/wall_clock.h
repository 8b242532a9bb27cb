/* The clock on the wall of 11 zones from 2024 to the end of 2032, taken from the C library once, a
 * quarter of an hour at a time: what zones and windows are judged by that were not written here.
 * Since 2007 each change of each of these clocks falls on a quarter of an hour. */
#ifndef PEAL_TESTS_CAMPAIGN_WALL_CLOCK_H
#define PEAL_TESTS_CAMPAIGN_WALL_CLOCK_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define WALL_ZONES   11
#define WALL_FROM_S  INT64_C(1704067200) /* 2024-01-01 UTC */
#define WALL_TO_S    INT64_C(1988150400) /* 2033-01-01 UTC */
#define WALL_STEP_S  900
#define WALL_STEP_MS (WALL_STEP_S * UINT64_C(1000))
#define WALL_STEPS   ((WALL_TO_S - WALL_FROM_S) / WALL_STEP_S)

static const char *const wall_zones[WALL_ZONES] = {
    "Europe/Ljubljana", "Europe/Moscow",       "America/New_York",  "America/St_Johns",
    "America/Havana",   "America/Santiago",    "Africa/Casablanca", "Asia/Kolkata",
    "Pacific/Apia",     "Australia/Lord_Howe", "Pacific/Chatham"};
static int16_t wall_offset_min[WALL_ZONES][WALL_STEPS];

static inline void wall_open(void)
{
    for (int z = 0; z < WALL_ZONES; z++) {
        setenv("TZ", wall_zones[z], 1);
        tzset();
        for (int64_t i = 0; i < WALL_STEPS; i++) {
            time_t at = WALL_FROM_S + i * WALL_STEP_S;
            struct tm t;

            localtime_r(&at, &t);
            wall_offset_min[z][i] = (int16_t)(t.tm_gmtoff / 60);
        }
    }
}

/* Seconds since 1970 as that clock shows them: local / 86400 is its date, the rest its time. */
static inline int64_t wall_local_s(int zone, uint64_t wall_ms)
{
    int64_t s = (int64_t)(wall_ms / 1000);

    cr_assert(s >= WALL_FROM_S && s < WALL_TO_S, "beyond the table: %lld", (long long)s);
    return s + wall_offset_min[zone][(s - WALL_FROM_S) / WALL_STEP_S] * 60;
}

static inline uint64_t wall_next_step(uint64_t wall_ms)
{
    return (wall_ms / WALL_STEP_MS + 1) * WALL_STEP_MS;
}

/* The first instant after now at which the clock has come to that time, `days` dates later. */
static inline uint64_t wall_later_day(int zone, uint64_t now_ms, uint32_t days, uint32_t day_s)
{
    int64_t want = (wall_local_s(zone, now_ms) / 86400 + days) * 86400 + day_s;
    uint64_t t = wall_next_step(now_ms);

    while (wall_local_s(zone, t) < want)
        t += WALL_STEP_MS;
    return t;
}

/* Which day, week (from Monday) or month it is. */
static inline int64_t wall_day(int64_t local_s)
{
    return local_s / 86400;
}

static inline int64_t wall_week(int64_t local_s)
{
    return (local_s / 86400 + 3) / 7; /* 1970-01-01 was a Thursday */
}

static inline int64_t wall_month(int64_t local_s)
{
    time_t at = local_s;
    struct tm t;

    gmtime_r(&at, &t);
    return t.tm_year * 12 + t.tm_mon;
}

#endif
