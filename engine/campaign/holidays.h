/* Days on which the hours of the week do not hold, from a file of one day a line:
 *
 *   # public holidays
 *   12-25       Christmas Day          every year
 *   2026-04-06  Easter Monday          that year only
 *
 * 02-29 comes in leap years only. Whose calendar it is says who uses it: dates are those of the
 * callee's own zone. Immutable once read. */
#ifndef PEAL_CAMPAIGN_HOLIDAYS_H
#define PEAL_CAMPAIGN_HOLIDAYS_H

#include "base/slice.h"

#define HOLIDAYS_MAX      2048 /* lines of a file */
#define HOLIDAYS_FILE_MAX (256 * 1024)
#define HOLIDAY_NAME_MAX  64

struct holiday {
    int32_t year; /* 0: every year */
    uint8_t month, day;
    char name[HOLIDAY_NAME_MAX]; /* "" when the file gives none; cut to fit */
};

struct holidays {
    uint32_t count;
    struct holiday days[]; /* ordered by month and day */
};

/* error (CAMPAIGN_ERROR_MAX bytes) gets "FILE:LINE: what is wrong; what is accepted". Free with
 * free(). */
enum err holidays_parse(struct holidays **out, const char *path, struct slice text, char *error);
enum err holidays_load(struct holidays **out, const char *path, char *error);

/* NULL: this date is none, or h is NULL. */
const struct holiday *holidays_find(const struct holidays *h, int32_t year, uint8_t month,
                                    uint8_t day);

#endif
