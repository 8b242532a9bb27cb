/* A window of bits. */
#include "media/alarm.h"

uint32_t media_alarm_percent(const struct media_alarm *a)
{
    return a->calls ? (uint32_t)__builtin_popcountll(a->bad) * 100 / a->calls : 0;
}

bool media_alarm_take(struct media_alarm *a, bool bad)
{
    bool was = a->on;

    a->bad = a->bad << 1 | bad;
    a->calls += a->calls < ALARM_WINDOW;
    a->bad_calls += bad;
    uint32_t percent = media_alarm_percent(a);

    if (!a->on && a->calls >= ALARM_CALLS_MIN && percent >= ALARM_ON_PERCENT)
        a->on = true;
    else if (a->on && percent < ALARM_OFF_PERCENT)
        a->on = false;
    a->raised += a->on && !was;
    return a->on != was;
}
