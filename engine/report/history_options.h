/* A history's filter as texts say it: options of commands, values of a query. */
#ifndef PEAL_REPORT_HISTORY_OPTIONS_H
#define PEAL_REPORT_HISTORY_OPTIONS_H

#include "report/history.h"

/* Each may be NULL. */
struct history_options {
    const char *from, *to, *zone, *kind, *result, *delivery, *shortest, *longest;
    struct history_filter filter; /* lead, number, client, agent, campaign, disposition */
    bool
        no_one_zone; /* the campaigns of the records have none in common, and none was named: UTC */
};

/* Reads the texts into the filter and opens the zone of its dates, to be closed. ERR_INVALID:
 * *which
 * ("from", "min-duration") is the text that is wrong, error (HISTORY_ERROR_MAX) says why. */
enum err history_options_read(struct history_options *o, const char *const *folders, uint32_t n,
                              struct zone **zone, const char **which, char *error);

#endif
