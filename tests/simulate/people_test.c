/* Fates: of the seed, the number and the instant alone; shares and weights as the population says. */
#include "simulate/people.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "simulate/staff.h"

#define NOON UINT64_C(1772470800000) /* Monday 2 March 2026, 12:00 in New York */
#define HOUR UINT64_C(3600000)
#define MANY 20000

static struct population population;
static struct zone *zone;
static struct people *people;

static void open_with(const char *yaml)
{
    char error[POPULATION_ERROR_MAX];

    cr_assert_eq(population_parse(&population, "t.yaml", slice_cstr(yaml), error), OK, "%s", error);
    cr_assert_eq(zone_open(&zone, SLICE("America/New_York")), OK);
    cr_assert_eq(people_open(&people, &population, zone, 1), OK);
}

static void teardown(void)
{
    people_close(people);
    zone_close(zone);
}

static struct fate fate_of(uint32_t number, uint64_t wall_ms)
{
    struct fate f;
    char text[24];

    snprintf(text, sizeof(text), "+1202555%u", number);
    people_fate(people, slice_cstr(text), wall_ms, &f);
    return f;
}

static double share_of(enum fate_kind kind, uint64_t wall_ms)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < MANY; i++)
        n += fate_of(i, wall_ms).kind == kind;
    return (double)n / MANY;
}

/* Four standard errors of a share. */
static void expect_share(double share, double p, const char *what)
{
    cr_expect_lt(fabs(share - p), 4 * sqrt(p * (1 - p) / MANY), "%s: %.4f instead of %.4f", what,
                 share, p);
}

Test(people, shares_are_those_of_the_population, .fini = teardown)
{
    open_with("numbers: { vacant: 10%, fax: 0%, readiness: 0 }\n"
              "state: { busy: 20%, unreachable: 10% }\n"
              "call: { congestion: 0%, rejected: 0% }\n"
              "answer: { share: 50%, hours: \"0-23 0.5, 12 1\", weekdays: \"mon-sun 1, sat 0.2\" }\n");
    /* 12 in "0-23 0.5, 12 1" is named last and wins. */
    expect_share(share_of(FATE_VACANT, NOON), 0.1, "vacant");
    expect_share(share_of(FATE_BUSY, NOON), 0.9 * 0.2, "busy");
    expect_share(share_of(FATE_HUMAN, NOON), 0.9 * 0.7 * 0.5, "human at noon");
    expect_share(share_of(FATE_HUMAN, NOON + HOUR), 0.9 * 0.7 * 0.25, "human at one");
    expect_share(share_of(FATE_HUMAN, NOON + 5 * 24 * HOUR), 0.9 * 0.7 * 0.1, "human on Saturday");
}

Test(people, a_number_stays_what_it_is_and_is_busy_for_a_while, .fini = teardown)
{
    uint32_t busy = 0, busy_at_once = 0, busy_later = 0;

    open_with("state: { lasts: 20m, busy: 30% }\ncall: { congestion: 0% }\n");
    for (uint32_t i = 0; i < 4000; i++) {
        enum fate_kind now = fate_of(i, NOON).kind;

        if (now == FATE_VACANT)
            cr_expect_eq(fate_of(i, NOON + 50 * HOUR).kind, FATE_VACANT);
        if (now != FATE_BUSY)
            continue;
        busy++;
        busy_at_once += fate_of(i, NOON + 30000).kind == FATE_BUSY;
        busy_later += fate_of(i, NOON + 2 * HOUR).kind == FATE_BUSY;
    }
    cr_expect_gt(busy, 800);
    cr_expect_gt(busy_at_once, busy * 9 / 10);
    cr_expect_lt(busy_later, busy / 2);
}

Test(people, the_same_question_has_the_same_answer_and_another_seed_another, .fini = teardown)
{
    struct people *other;
    uint32_t differ = 0;

    open_with("");
    cr_assert_eq(people_open(&other, &population, zone, 2), OK);
    for (uint32_t i = 0; i < 200; i++) {
        struct fate a = fate_of(i, NOON), b, c;
        char text[24];

        fate_of(i + 1, NOON); /* what else is called does not matter */
        b = fate_of(i, NOON);
        cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
        snprintf(text, sizeof(text), "+1202555%u", i);
        people_fate(other, slice_cstr(text), NOON, &c);
        differ += memcmp(&a, &c, sizeof(a)) != 0;
    }
    cr_expect_gt(differ, 190);
    people_close(other);
}

Test(people, hours_are_those_where_the_callee_lives, .fini = teardown)
{
    uint32_t answered = 0;
    struct zone *west;

    open_with("numbers: { vacant: 0%, fax: 0%, readiness: 0 }\n"
              "state: { busy: 0%, unreachable: 0% }\ncall: { congestion: 0%, rejected: 0% }\n"
              "answer: { share: 100%, hours: \"0-23 0, 9 1\", weekdays: mon-sun 1 }\n");
    cr_assert_eq(zone_open(&west, SLICE("America/Los_Angeles")), OK);
    for (uint32_t i = 0; i < 100; i++) {
        char text[24];

        snprintf(text, sizeof(text), "+1202555%u", i);
        if (i % 2)
            cr_assert_eq(people_lives(people, slice_cstr(text), west), OK);
        bool human = fate_of(i, NOON).kind == FATE_HUMAN; /* 09:00 in Los Angeles */
        cr_expect_eq(human, i % 2 == 1);
        answered += human;
    }
    cr_expect_eq(answered, 50);
    zone_close(west);
}

Test(people, agents_come_for_their_shift_and_take_breaks, .fini = teardown)
{
    struct staff staff;
    uint64_t leaves = 0, day = NOON - 12 * HOUR;

    open_with("agents: { shifts: [ \"mon-fri 09:00-13:00\", \"mon-fri 13:00-17:00\" ],\n"
              "          break_every: 1h, break_length: 10m }\n");
    cr_assert_eq(staff_init(&staff, &population, zone, 2, 1), OK);
    cr_expect(!staff_comes(&staff, 0, day + 8 * HOUR, &leaves));
    cr_expect(!staff_comes(&staff, 1, day + 9 * HOUR, &leaves));
    cr_expect(staff_comes(&staff, 0, day + 9 * HOUR, &leaves));
    cr_expect_gt(leaves, day + 9 * HOUR);
    cr_expect_leq(leaves, day + 13 * HOUR);
    staff_left(&staff, 0, leaves);
    if (leaves < day + 13 * HOUR) /* a break */
        cr_expect(!staff_comes(&staff, 0, leaves + 1, &leaves));
    cr_expect(!staff_comes(&staff, 0, day + 13 * HOUR, &leaves), "the shift is over");
    cr_expect(staff_comes(&staff, 1, day + 13 * HOUR, &leaves));
    staff_fini(&staff);
}
