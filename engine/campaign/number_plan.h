/* What the world's numbering plans say of a number in E.164: whether it can be one, and in which
 * time zones it may be. Both walk a table digit by digit (number_tables.h). Pure functions.
 *
 * A number is possible when a country's plan has numbers of its beginning and length; whether it is
 * in service, nobody knows but the network. The plans are those of the build's
 * python3-phonenumbers. */
#ifndef PEAL_CAMPAIGN_NUMBER_PLAN_H
#define PEAL_CAMPAIGN_NUMBER_PLAN_H

#include "base/slice.h"

#define NUMBER_ZONES_MAX                                                                           \
    48 /* of a number; the numbers of +1 that are nowhere in particular have 42 */

/* e164 with its "+". ERR_INVALID with *why (a phrase; may be NULL): no country's code begins so, no
 * number of that country begins so, it is too short or too long. */
enum err number_plan_check(const char *e164, const char **why);

/* The zones in which the number's owner may be, by the longest prefix that tells: one for most
 * fixed lines, several for mobile numbers of large countries or a prefix on a border; the names are
 * static. 0: nothing is known of it. */
uint32_t number_zones(const char *e164, const char *names[NUMBER_ZONES_MAX]);

#endif
