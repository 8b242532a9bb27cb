/* What becomes of a task after an attempt: tried again at an instant inside the calling window, or
 * finished with a status. The campaign's `results:` table decides; the house's defaults follow the
 * "next" column of the results' page. Pure functions of their arguments, so a week can be played
 * on a virtual clock. */
#ifndef PEAL_CAMPAIGN_RULES_H
#define PEAL_CAMPAIGN_RULES_H

#include "campaign/place.h"

/* Uncharged failures (our_fault, no_trunk) are tried again, but not for ever. */
#define RULES_TRIES_PER_ATTEMPT 10

/* A lead that is refused without a call (its number is on a list, or none) uses up no attempt, so
 * nothing but time holds it: the same number is not looked at again before this. */
#define RULES_REFUSED_AGAIN_MS 600000

#define RULES_COMMENT_MAX (RETRY_COMMENT_MAX + 64) /* with its date and a label */

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
    struct slice label;   /* of the known recording heard last; "" for none */
    struct slice outcome; /* what an agent or a flow chose; "" for none */
    uint32_t attempt; /* charged attempts of this lead so far, this one included (rules_charged) */
    uint32_t tries;   /* all INVITEs for it, charged or not, this one included */
    uint64_t now_wall_ms;
    uint64_t expires_wall_ms;         /* 0: never */
    const struct place *place;        /* of the lead; NULL: not known */
    uint32_t number_at, number_count; /* which of the lead's numbers it was; 0, 0: the only one */
};

struct rules_decision {
    bool finish;
    char status[CAMPAIGN_STATUS_MAX]; /* when finish */
    uint64_t retry_wall_ms;           /* when not; inside the window, later than now */
    bool other_trunk;                 /* prefer another trunk */
    bool other_caller_id;             /* show another number than this time */
    uint32_t next_number;             /* place of the number to dial */
    int32_t priority;                 /* what the lead's priority changes by */
    char mark[RETRY_MARK_MAX];        /* for the lead, "": none */
    char comment[RULES_COMMENT_MAX];  /* a dated line for the lead, "": none */
    bool charged;                     /* this attempt counts */
    const char *reason;               /* a phrase for people and logs; static */
};

/* Refused without a call: do-not-call, a number of our own, an invalid one, none. */
bool rules_is_refusal(enum result r);

void rules_decide(const struct campaign *c, const struct rules_input *in,
                  struct rules_decision *out);

/* Does this attempt count? By the campaign's rule, else as the result says. */
bool rules_charged(const struct campaign *c, enum result result, struct slice label,
                   struct slice outcome);

/* May this lead be dialled now? RESULT_NONE: yes; else why not (out_of_window, attempts_spent,
 * expired), and *when is the next instant to look again (WINDOW_NEVER: never). */
enum result rules_may_dial(const struct campaign *c, const struct place *place,
                           uint32_t attempts_made, uint64_t expires_wall_ms, uint64_t now_wall_ms,
                           uint64_t *when);

/* A delivery after which the lead needs no further attempt: not an agent's call that turned out to
 * be a machine's, where machines are meant for neither agents nor flows. */
bool rules_delivered(const struct campaign *c, enum result result, enum delivery d);

/* The house's rule for a result, before the campaign's own words. */
void rules_default(enum result r, struct campaign_rule *out);

#endif
