/* Is a share of calls too large? Of the last ALARM_WINDOW of them, with hysteresis: on at
 * ALARM_ON_PERCENT, off again below ALARM_OFF_PERCENT, and nothing is said of fewer than
 * ALARM_CALLS_MIN. For calls whose audio goes one way only, or is silent, of one trunk. Pure. */
#ifndef PEAL_MEDIA_ALARM_H
#define PEAL_MEDIA_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#define ALARM_WINDOW      64
#define ALARM_CALLS_MIN   10
#define ALARM_ON_PERCENT  25
#define ALARM_OFF_PERCENT 10

struct media_alarm {
    uint64_t bad;   /* bit i: the call `i` before the last one */
    uint32_t calls; /* in the window */
    bool on;
    uint64_t bad_calls, raised; /* of all time */
};

/* One more call. True: the alarm was raised, or is over. */
bool media_alarm_take(struct media_alarm *a, bool bad);
uint32_t media_alarm_percent(const struct media_alarm *a);

#endif
