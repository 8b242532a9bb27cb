/* What a campaign promises, checked against the call records alone: no counter of the engine is
 * asked. Which hours hold for a lead is read from the campaign and its rules as the dialer reads it
 * (campaign/place.h); what the clock showed there comes from the C library, not from
 * campaign/zone.h. */
#ifndef PEAL_SIMULATE_PROMISES_H
#define PEAL_SIMULATE_PROMISES_H

#include "simulate/roll.h"

#define PROMISES_ERROR_MAX 512

struct promises {
    uint64_t attempts; /* records of dialled calls */
    uint64_t outside;  /* began outside the hours of the campaign, or of a rule that holds
                        * for their lead, where the lead may be */
    uint64_t beyond;   /* more than the campaign's attempts, or after a delivery */
    uint64_t doubled;  /* a number of an attempt twice, or two calls of a lead at one time */
    uint64_t lost;     /* leads of the file that no count has, attempts whose record is missing,
                        * records of leads that the file does not have */
    char example[PROMISES_ERROR_MAX]; /* the first that is broken, as a sentence; "" for none */
};

/* known: leads that the queue has at the end, finished or not. error: PROMISES_ERROR_MAX bytes. */
enum err promises_check(struct promises *out, const struct campaign *campaign, struct roll *roll,
                        const char *calls_path, uint64_t known, char *error);
bool promises_kept(const struct promises *p);

#endif
