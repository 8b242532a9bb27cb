/* The door for new calls: closed by seconds that are late in a row or by slots left out, opened by
 * a longer good time; and the figures it is judged by, from workers that run. */
#include <criterion/criterion.h>
#include <string.h>

#include "media/admission.h"
#include "media/window.h"
#include "tests/media/media_kit.h"

#define LIMIT_US 20000

static bool seconds(struct admission *a, uint32_t n, uint64_t late_us)
{
    bool changed = false;

    for (uint32_t i = 0; i < n; i++)
        changed |= admission_judge(a, late_us, 0);
    return changed;
}

Test(admission, closes_after_late_seconds_in_a_row_only)
{
    struct admission a;

    admission_init(&a, LIMIT_US);
    for (int i = 0; i < 10; i++) {
        cr_assert_not(seconds(&a, ADMISSION_BAD_S - 1, LIMIT_US + 1), "too few of them");
        cr_assert_not(seconds(&a, 1, LIMIT_US), "the limit itself is in time");
    }
    cr_assert_not(a.closed);
    cr_assert(seconds(&a, ADMISSION_BAD_S, LIMIT_US + 1));
    cr_assert(a.closed);
    cr_assert_eq(a.closed_times, 1);
}

Test(admission, opens_below_half_the_limit_and_does_not_swing)
{
    struct admission a;

    admission_init(&a, LIMIT_US);
    seconds(&a, ADMISSION_BAD_S, LIMIT_US * 2);
    cr_assert_not(seconds(&a, 100, LIMIT_US / 2 + 1), "between the two limits nothing changes");
    cr_assert_not(seconds(&a, ADMISSION_GOOD_S - 1, 100));
    cr_assert_not(seconds(&a, 1, LIMIT_US), "one late second and the good ones begin anew");
    cr_assert_not(seconds(&a, ADMISSION_GOOD_S - 1, 100));
    cr_assert(a.closed);
    cr_assert(seconds(&a, 1, LIMIT_US / 2));
    cr_assert_not(a.closed);
    cr_assert_eq(a.closed_s, 100 + 2 * ADMISSION_GOOD_S);
    cr_assert_not(seconds(&a, 100, LIMIT_US / 2 + 1), "nor when it is open");
    cr_assert_eq(a.closed_times, 1);
}

Test(admission, a_slot_left_out_closes_at_once)
{
    struct admission a;

    admission_init(&a, LIMIT_US);
    cr_assert(admission_judge(&a, 0, 1));
    cr_assert(a.closed);
    for (int i = 0; i < 50; i++)
        cr_assert_not(admission_judge(&a, 0, 1), "nor does it open while they are left out");
}

Test(admission, another_limit_holds_from_then_on)
{
    struct admission a;

    admission_init(&a, LIMIT_US);
    admission_judge(&a, 0, 1);
    cr_assert(a.closed);
    admission_set_limit(&a, 0);
    cr_assert_not(a.closed, "none opens it");
    admission_set_limit(&a, LIMIT_US / 2);
    for (int i = 0; i < ADMISSION_BAD_S; i++)
        admission_judge(&a, LIMIT_US, 0);
    cr_assert(a.closed, "late by the new one");
}

Test(admission, says_why_while_it_is_closed)
{
    char text[ADMISSION_TEXT_MAX];
    struct admission a;

    admission_init(&a, LIMIT_US);
    cr_assert_str_empty(admission_why(&a, text));
    seconds(&a, ADMISSION_BAD_S, 31500);
    cr_assert(strstr(admission_why(&a, text), "31.5 ms"), "%s", text);
    cr_assert(strstr(text, "20.0 ms"), "%s", text);
    admission_judge(&a, 31500, 7);
    cr_assert(strstr(admission_why(&a, text), "7 slots were left out"), "%s", text);
}

Test(admission, without_a_limit_everybody_is_admitted)
{
    struct admission a;

    admission_init(&a, 0);
    for (int i = 0; i < 50; i++)
        cr_assert_not(admission_judge(&a, UINT64_MAX, 100));
    cr_assert_not(a.closed);
}

/* At 120 % and more: the limit is so small that no thread that sleeps can keep it, so the workers'
 * real figures must close the door. */
Test(admission, workers_that_are_late_close_it)
{
    struct media_remote r = {
        .codec = MEDIA_PCMU, .event_pt = LEG_NO_PAYLOAD_TYPE, .direction = MEDIA_SENDRECV};
    struct media_lateness late = {0};
    struct media_window *w;
    struct media_leg *leg;
    struct admission a;
    struct kit k;

    kit_open(&k, 1);
    admission_init(&a, 1);
    cr_assert_eq(media_window_open(&w, k.media), OK);
    media_window_take(w, &late, NULL);
    cr_assert_eq(late.slots, 0, "nothing runs yet");
    cr_assert_eq(media_leg_open(k.media, NULL, NULL, NULL, &leg), OK);
    r.rtp = *media_leg_local(leg); /* it speaks to itself */
    cr_assert_eq(media_leg_set_remote(leg, &r), OK);

    uint64_t limit = kit_now_ms() + KIT_LIMIT_MS;
    while (!a.closed && kit_now_ms() < limit) {
        /* a "second" is one in which enough slots were worked on */
        for (late.slots = 0; late.slots < WINDOW_SLOTS_MIN && kit_now_ms() < limit;) {
            loop_turn(&k.loop, 300000);
            media_window_take(w, &late, NULL);
        }
        admission_judge(&a, late.late_us, late.skipped);
    }
    cr_assert(a.closed);
    media_window_close(w);
    kit_close(&k);
}
