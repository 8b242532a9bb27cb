/* The tables of the world's numbers: walks against the package they are made of, borders by hand.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/rng.h"
#include "campaign/number_plan.h"
#include "campaign/number_tables.h"
#include "campaign/zone.h"

static void possible(const char *number)
{
    const char *why = "";

    cr_expect_eq(number_plan_check(number, &why), OK, "%s: %s", number, why);
}

static void impossible(const char *number, const char *says)
{
    const char *why = "";

    cr_expect_eq(number_plan_check(number, &why), ERR_INVALID, "%s", number);
    cr_expect(strstr(why, says), "%s: wanted '%s' in: %s", number, says, why);
}

Test(number_plan, what_plans_have)
{
    possible("+12025550123");
    possible("+447700900123");
    possible("+33639980100");
    possible("+493023125000");
    possible("+61491570156");
    possible("+80012345678"); /* international freephone */
    impossible("+11025550123", "begins like this");
    impossible("+1202555012", "too few");
    impossible("+120255501234", "too many");
    impossible("+38600100100", "begins like this");
    impossible("+420001234567", "begins like this");
    impossible("+2100000000", "no country has this code");
    impossible("+99912345678", "no country has this code");
    impossible("+", "too few");
    impossible("", "E.164");
    impossible("12025550123", "E.164");
    impossible("+1202555x123", "E.164");
}

/* The zones as one text, in the order of their names. */
static const char *zones_of(const char *number)
{
    static char text[4096];
    const char *names[NUMBER_ZONES_MAX];
    uint32_t n = number_zones(number, names);
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", names[i]);
    return text;
}

Test(number_plan, zones_by_the_longest_prefix)
{
    cr_expect_str_eq(zones_of("+12025550123"), "America/New_York");
    cr_expect_str_eq(zones_of("+12082990123"), "America/Boise America/Los_Angeles");
    cr_expect_str_eq(zones_of("+12082015555"), "America/Denver", "an exception inside a region");
    cr_expect_str_eq(zones_of("+493023125000"), "Europe/Berlin");
    cr_expect_str_eq(zones_of("+99912345678"), "");
    cr_expect_str_eq(zones_of(""), "");
    cr_expect_str_eq(zones_of("+34612345678"), "Atlantic/Canary Europe/Madrid", "mobile");
    const char *names[NUMBER_ZONES_MAX];

    cr_expect_gt(number_zones("+18005550123", names), 30, "freephone may be anywhere");
    cr_expect_gt(number_zones("+79161234567", names), 8, "a Russian mobile number");
}

/* Every zone named is one that the system has, so that none is lost at dial time. */
Test(number_plan, zones_are_those_of_tzdata)
{
    uint32_t most = 0;

    for (uint32_t i = 0; number_zone_names[i]; i++) {
        struct zone *z = NULL;

        cr_expect_eq(zone_open(&z, slice_cstr(number_zone_names[i])), OK, "%s",
                     number_zone_names[i]);
        zone_close(z);
        most = i;
    }
    cr_expect_gt(most, 200);
}

Test(number_plan, countries)
{
    cr_expect_gt(number_country_count, 230);
    for (uint32_t i = 0; i < number_country_count; i++) {
        const struct number_country *c = &number_countries[i];
        struct zone *z = NULL;

        cr_expect_eq(number_country_find(slice_cstr(c->iso)), c);
        cr_expect(c->lengths && c->code[0] && c->international[0], "%s", c->iso);
        if (c->zone[0])
            cr_expect_eq(zone_open(&z, slice_cstr(c->zone)), OK, "%s %s", c->iso, c->zone);
        zone_close(z);
    }
    cr_expect_str_eq(number_country_find(SLICE("GB"))->zone, "Europe/London");
    cr_expect_str_eq(number_country_find(SLICE("au"))->zone, "", "Australia has several");
    cr_expect_null(number_country_find(SLICE("xx")));
}

/* Whatever the digits: a longer number has the zones of its longest telling prefix, and what the
 * plan takes has a country. */
Test(number_plan, any_digits)
{
    struct rng rng;
    uint32_t taken = 0;

    rng_seed(&rng, 5);
    for (int round = 0; round < 300000; round++) {
        char number[20] = "+";
        const char *names[NUMBER_ZONES_MAX], *shorter[NUMBER_ZONES_MAX], *why = NULL;
        int len = (int)rng_below(&rng, 17);

        for (int i = 0; i < len; i++)
            number[1 + i] = (char)('0' + rng_below(&rng, 10));
        number[1 + len] = '\0';
        uint32_t n = number_zones(number, names);
        bool ok = number_plan_check(number, &why) == OK;

        cr_assert(n <= NUMBER_ZONES_MAX && (ok || why));
        taken += ok;
        if (ok)
            cr_assert(len >= 5 && len <= 17, "%s", number);
        if (len > 8) { /* no prefix that tells is longer */
            number[9] = '\0';
            cr_assert_eq(number_zones(number, shorter), n, "%s", number);
            cr_assert(n == 0 || shorter[0] == names[0]);
        }
    }
    cr_expect_gt(taken, 3000);
}
