/* A campaign that runs may change in what is looked up at each decision: pacing, windows and
 * calling rules, results and attempts, limits, caller ids, dates. What its engines were built from
 * stays: where trunks are, who the agents are, sounds, addresses. Pure functions. */
#ifndef PEAL_CAMPAIGN_CHANGE_H
#define PEAL_CAMPAIGN_CHANGE_H

#include "campaign/file.h"

/* ERR_REFUSED, with a sentence in why (CAMPAIGN_ERROR_MAX bytes): the first thing of `next` that a
 * running campaign cannot take. */
enum err campaign_may_become(const struct campaign *now, const struct campaign *next, char *why);

/* What is different in what may change, as "pacing is predictive now; windows; attempts 3"; "" for
 * nothing. */
void campaign_changes(const struct campaign *now, const struct campaign *next, char *text,
                      size_t cap);

/* May one of them be open where the other is closed? Holidays and calling rules were read anew and
 * are not compared: with any, yes. */
bool campaign_hours_change(const struct campaign *now, const struct campaign *next);

#endif
