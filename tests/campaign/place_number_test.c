/* Where a lead without a zone of its own may be, by its number. */
#include <criterion/criterion.h>

#include "campaign/place.h"

#define NOW_MS 1800000000000u

static struct zone_cache *zones;

static void open_zones(void)
{
    cr_assert_eq(zone_cache_open(&zones), OK);
}

static void close_zones(void)
{
    zone_cache_close(zones);
}

static struct place place_for(const char *zone, const char *number)
{
    struct place p;

    place_read(&p, slice_cstr(zone), SLICE_NONE, zones);
    place_of_number(&p, NULL, number, zones, NOW_MS);
    return p;
}

Test(place_number, one_zone_several_and_its_own, .init = open_zones, .fini = close_zones)
{
    struct place p = place_for("", "+12025550101");

    cr_assert_eq(p.zone_count, 1);
    cr_expect_str_eq(zone_name(p.zones[0]), "America/New_York");
    p = place_for("", "+12082990123");
    cr_assert_eq(p.zone_count, 2, "a prefix on a border");
    p = place_for("Asia/Tokyo", "+12025550101");
    cr_assert_eq(p.zone_count, 1);
    cr_expect_str_eq(zone_name(p.zones[0]), "Asia/Tokyo", "what the lead says goes before");
}

Test(place_number, a_mobile_number_of_a_large_country, .init = open_zones, .fini = close_zones)
{
    struct place p = place_for("", "+79161234567");

    cr_assert_geq(p.zone_count, 10, "each clock of Russia: %u", p.zone_count);
    for (uint32_t i = 0; i < p.zone_count; i++)
        for (uint32_t k = 0; k < i; k++)
            cr_expect_neq(zone_offset_s(p.zones[i], NOW_MS / 1000, NULL),
                          zone_offset_s(p.zones[k], NOW_MS / 1000, NULL), "one of each clock");
}

Test(place_number, nothing_is_known, .init = open_zones, .fini = close_zones)
{
    cr_expect_eq(place_for("", "+18005550123").zone_count, 0, "freephone says nothing");
    cr_expect_eq(place_for("", "+99912345678").zone_count, 0);
    cr_expect_eq(place_for("", "").zone_count, 0);
}
