/* What becomes of a task after an attempt: tried again at an instant inside the calling window, or
 * finished with a status. The campaign's `results:` table decides; the house's defaults follow the
 * "next" column of the results' page. Pure functions of their arguments, so a week can be played
 * on a virtual clock. */
#ifndef PEAL_CAMPAIGN_RULES_H
#define PEAL_CAMPAIGN_RULES_H

#include "campaign/place.h"

/* Uncharged failures (our_fault, no_trunk) are tried again, but not for ever. */
#define RULES_TRIES_PER_ATTEMPT 10

/* Statuses of the defaults. */
#define STATUS_REACHED     "reached"     /* a person was connected, or the flow/message was done */
#define STATUS_NOT_REACHED "not_reached" /* attempts are spent */
#define STATUS_INVALID     "invalid"     /* the number will never work */
#define STATUS_REFUSED     "refused"     /* the line refuses us */
#define STATUS_NOT_DIALLED "not_dialled" /* dnc, expired, cancelled… */
#define STATUS_FAILED      "failed"      /* our own fault too often */

struct rules_input {
    enum result result;
    enum delivery delivery;
    uint32_t attempt; /* charged attempts of this lead so far, this one included */
    uint32_t tries;   /* all INVITEs for it, charged or not, this one included */
    uint64_t now_wall_ms;
    uint64_t expires_wall_ms; /* 0: never */
    const struct place *place; /* of the lead; NULL: not known */
};

struct rules_decision {
    bool finish;
    char status[CAMPAIGN_STATUS_MAX]; /* when finish */
    uint64_t retry_wall_ms;           /* when not; inside the window, later than now */
    bool other_trunk;                 /* prefer another trunk */
    bool charged;                     /* this attempt counts */
    const char *reason;               /* a phrase for people and logs; static */
};

void rules_decide(const struct campaign *c, const struct rules_input *in,
                  struct rules_decision *out);

/* May this lead be dialled now? RESULT_NONE: yes; else why not (out_of_window, attempts_spent,
 * expired), and *when is the next instant to look again (WINDOW_NEVER: never). */
enum result rules_may_dial(const struct campaign *c, const struct place *place,
                           uint32_t attempts_made, uint64_t expires_wall_ms, uint64_t now_wall_ms,
                           uint64_t *when);

/* A delivery after which the lead needs no further attempt. */
bool rules_delivered(enum delivery d);

/* The house's rule for a result, before the campaign's own words. */
void rules_default(enum result r, struct campaign_rule *out);

#endif
