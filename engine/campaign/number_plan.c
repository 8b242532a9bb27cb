/* Walks through the automatons of number_tables.h. */
#include "campaign/number_plan.h"

#include "campaign/number_tables.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum err refuse(const char **why, const char *phrase)
{
    if (why)
        *why = phrase;
    return ERR_INVALID;
}

static bool is_code(const char *digits, uint32_t len)
{
    for (uint32_t i = 0; i < number_country_count; i++)
        if (strlen(number_countries[i].code) == len &&
            memcmp(number_countries[i].code, digits, len) == 0)
            return true;
    return false;
}

/* Where a walk ended early: in a country's code, or among its numbers. */
static const char *begins_wrongly(const char *digits, uint32_t walked)
{
    for (uint32_t len = 1; len <= 3 && len <= walked; len++)
        if (is_code(digits, len))
            return "no number of its country begins like this";
    return "no country has this code";
}

enum err number_plan_check(const char *e164, const char **why)
{
    uint16_t at = number_plan_start;
    uint32_t i = 0;

    if (e164[0] != '+')
        return refuse(why, "it is not in E.164");
    for (e164++; is_digit(e164[i]); i++) {
        uint16_t next = number_plan_next[at][e164[i] - '0'];

        if (next == 0)
            return refuse(why, number_plan_value[at] ? "too many digits" : begins_wrongly(e164, i));
        at = next;
    }
    if (e164[i])
        return refuse(why, "it is not in E.164");
    return number_plan_value[at] ? OK : refuse(why, "too few digits");
}

uint32_t number_zones(const char *e164, const char *names[NUMBER_ZONES_MAX])
{
    uint16_t at = number_zone_start, best = 0;

    if (e164[0] == '+')
        e164++;
    for (; at && is_digit(*e164); e164++) {
        at = number_zone_next[at][*e164 - '0'];
        if (number_zone_value[at])
            best = number_zone_value[at];
    }
    const uint16_t *set = &number_zone_sets[number_zone_set_at[best]];
    uint32_t n = set[0] < NUMBER_ZONES_MAX ? set[0] : NUMBER_ZONES_MAX;

    for (uint32_t i = 0; i < n; i++)
        names[i] = number_zone_names[set[1 + i]];
    return n;
}
