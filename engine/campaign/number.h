/* Telephone numbers as people write them, brought to E.164 ("+" and 7 to 15 digits, ITU-T E.164).
 *
 * Spaces, dots, hyphens, slashes and parentheses are ignored; a leading "+", the country's
 * international prefix (00, 011, 810) or its national prefix (0, 8, 1) is understood. Lengths are
 * checked against the default country's plan where the number belongs to it, and against E.164
 * otherwise; whether a plan has such a number at all, number_plan_check tells. Nothing is guessed:
 * what does not fit is refused with the reason. Pure functions. */
#ifndef PEAL_CAMPAIGN_NUMBER_H
#define PEAL_CAMPAIGN_NUMBER_H

#include "base/slice.h"

#define NUMBER_E164_MAX 17 /* "+", 15 digits and the NUL */

struct number_country {
    const char *iso;           /* "us", lower case */
    const char *code;          /* "1" */
    const char *national;      /* national (trunk) prefix, "" when there is none */
    const char *international; /* international prefix, "00" */
    const char *tone_plan;     /* the plan of its networks (dsp_plan_find) */
    const char *zone;          /* the time zone of most of it; "" when it has several */
    uint32_t lengths;          /* of the national significant number: bit n for n digits */
};

/* By ISO 3166 code ("gb", any case); NULL when there is no such country. */
const struct number_country *number_country_find(struct slice iso);
/* What is accepted, for error messages. */
const char *number_country_names(void);

/* ERR_NOT_FOUND: empty (or only separators). ERR_INVALID, ERR_TOO_LONG: malformed. *why (may be
 * NULL) gets a short phrase such as "too few digits" on failure; dst is "" then. */
enum err number_normalise(struct slice text, const struct number_country *home,
                          char dst[NUMBER_E164_MAX], const char **why);

#endif
