/* The world's numbers as tables, made at build time by tools/make-number-tables from the metadata
 * of Debian's python3-phonenumbers. number_plan.c and number.c read them.
 *
 * An automaton is walked from its start by the digits of E.164 (without "+"); state 0 is nowhere.
 * number_plan_value is 1 where a number of some country's plan may end. number_zone_value is 0, or
 * 1 + the place in number_zone_set_at of the zones told by the digits so far; the longest prefix
 * with a value rules. A set is its size and then places in number_zone_names. */
#ifndef PEAL_CAMPAIGN_NUMBER_TABLES_H
#define PEAL_CAMPAIGN_NUMBER_TABLES_H

#include "campaign/number.h"

extern const uint16_t number_plan_next[][10], number_plan_value[], number_plan_start;
extern const uint16_t number_zone_next[][10], number_zone_value[], number_zone_start;
extern const char *const number_zone_names[]; /* NULL ends */
extern const uint16_t number_zone_sets[], number_zone_set_at[];
extern const struct number_country number_countries[]; /* by iso */
extern const uint32_t number_country_count;

#endif
