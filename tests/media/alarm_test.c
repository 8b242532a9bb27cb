/* An alarm of a trunk: a share of its last calls, with hysteresis. */
#include <criterion/criterion.h>

#include "media/alarm.h"

Test(alarm, nothing_is_said_of_few_calls)
{
    struct media_alarm a = {0};

    for (int i = 1; i < ALARM_CALLS_MIN; i++)
        cr_assert_not(media_alarm_take(&a, true));
    cr_assert(media_alarm_take(&a, true));
    cr_assert(a.on);
    cr_assert_eq(a.raised, 1);
    cr_assert_eq(media_alarm_percent(&a), 100);
}

Test(alarm, hysteresis)
{
    struct media_alarm a = {0};
    uint32_t calls = 0;

    for (int i = 0; i < ALARM_WINDOW; i++)
        cr_assert_not(media_alarm_take(&a, false));
    for (; calls < ALARM_WINDOW && !a.on; calls++)
        media_alarm_take(&a, true);
    cr_assert_eq(calls, ALARM_WINDOW / 4, "a quarter of the window");
    for (int i = 0; i < 1000; i++)
        cr_assert_not(media_alarm_take(&a, i % 6 == 0), "17 %% keep it up");
    for (calls = 0; a.on && calls < 2 * ALARM_WINDOW; calls++)
        media_alarm_take(&a, false);
    cr_assert_not(a.on);
    cr_assert_eq(a.raised, 1);
    for (int i = 0; i < 1000; i++)
        cr_assert_not(media_alarm_take(&a, i % 6 == 0), "nor do they raise it");
}
