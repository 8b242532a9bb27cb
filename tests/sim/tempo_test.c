/* Plan time against real time: holding and hurrying, and what instants mean then. */
#include <criterion/criterion.h>

#include "sim/tempo.h"

Test(tempo, at_its_own_rate_a_plan_is_real_time)
{
    struct tempo t;

    tempo_init(&t, 1000000);
    cr_assert_eq(tempo_due(&t, 0), 1000000u);
    cr_assert_eq(tempo_due(&t, 2500000), 3500000u);
}

Test(tempo, changes_bend_what_is_still_to_come)
{
    struct tempo t;

    tempo_init(&t, 1000000);
    tempo_set(&t, 3000000, 4, false); /* two seconds of the plan are over */
    cr_assert_eq(tempo_due(&t, 2000000), 3000000u);
    cr_assert_eq(tempo_due(&t, 6000000), 4000000u);
    tempo_set(&t, 4000000, 0.5, false); /* six are */
    cr_assert_eq(tempo_due(&t, 7000000), 6000000u);
}

Test(tempo, nothing_is_due_while_it_is_held)
{
    struct tempo t;

    tempo_init(&t, 1000000);
    tempo_set(&t, 2000000, 1, true);
    cr_assert_eq(tempo_due(&t, 0), UINT64_MAX);
    cr_assert_eq(tempo_due(&t, 5000000), UINT64_MAX);
    tempo_set(&t, 7000000, 1, true); /* the rate may change meanwhile */
    tempo_set(&t, 9000000, 1, false);
    /* What was due before is due when it goes on; the rest is as far away as it was. */
    cr_assert_eq(tempo_due(&t, 500000), 9000000u);
    cr_assert_eq(tempo_due(&t, 2000000), 10000000u);
}

Test(tempo, it_may_be_held_before_it_begins)
{
    struct tempo t;

    tempo_init(&t, 5000000);
    tempo_set(&t, 1000000, 2, true);
    tempo_set(&t, 8000000, 2, false);
    cr_assert_eq(tempo_due(&t, 0), 8000000u);
    cr_assert_eq(tempo_due(&t, 1000000), 8500000u);
}
