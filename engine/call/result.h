/* The closed list of what became of a call attempt, and the rules that decide it from evidence.
 * A result is one label; what it rests on is kept beside it (call/record.h) so that stored calls
 * can be judged again by other rules. */
#ifndef PEAL_CALL_RESULT_H
#define PEAL_CALL_RESULT_H

#include <stdbool.h>

#include "base/slice.h"

enum result {
    RESULT_NONE, /* not decided yet */
    /* Not dialled: no attempt is charged. */
    RESULT_DNC,
    RESULT_OUT_OF_WINDOW,
    RESULT_ATTEMPTS_SPENT,
    RESULT_INVALID_NUMBER,
    RESULT_MISSING_NUMBER,
    RESULT_OWN_NUMBER,
    RESULT_EXPIRED,
    RESULT_CANCELLED,
    RESULT_NO_TRUNK,
    /* From the network. */
    RESULT_VACANT,
    RESULT_CHANGED,
    RESULT_BUSY,
    RESULT_NO_ANSWER,
    RESULT_UNREACHABLE,
    RESULT_REJECTED,
    RESULT_CONGESTION,
    RESULT_OUR_FAULT,
    RESULT_SILENT_LINE,
    RESULT_DROPPED,
    /* After answer, or in early media. */
    RESULT_HUMAN,
    RESULT_HUMAN_SILENT,
    RESULT_MACHINE,
    RESULT_MAILBOX_FULL,
    RESULT_IVR,
    RESULT_SCREENER,
    RESULT_FAX,
    RESULT_MODEM,
    RESULT_ANNOUNCEMENT,
    RESULT_SIT,
    RESULT_FALSE_ANSWER,
    RESULT_DEAD_AIR,
    RESULT_NO_MEDIA,
    RESULT_HUNG_UP_EARLY,
    RESULT_UNKNOWN,
    RESULT_COUNT
};

/* What happened to a live (or left-alone) answer. */
enum delivery {
    DELIVERY_NONE,
    DELIVERY_CONNECTED,      /* an agent heard them */
    DELIVERY_ABANDONED,      /* no agent within the limit */
    DELIVERY_MESSAGE_PLAYED, /* safe-harbour message (counts as abandoned) */
    DELIVERY_CALLEE_LEFT,    /* hung up before the limit: not an abandonment */
    DELIVERY_AGENT_FAILED,
    DELIVERY_MESSAGE_LEFT, /* after the beep */
    DELIVERY_FLOW,
    DELIVERY_TRANSFERRED,
    DELIVERY_COUNT
};

const char *result_name(enum result r);     /* "no_answer"; never NULL */
const char *delivery_name(enum delivery d); /* "connected"; "none" for DELIVERY_NONE */
/* ERR_NOT_FOUND when there is no such label. */
enum err result_parse(struct slice name, enum result *out);
enum err delivery_parse(struct slice name, enum delivery *out);
/* All labels, comma-separated, for error messages. */
const char *result_names(void);

bool result_is_charged(enum result r); /* counts as an attempt (not "not dialled", not our_fault) */
bool result_is_live(enum result r);    /* a live person answered: human, human_silent */

/* Rules that stand before the built-in ones, by code; RESULT_NONE (0) leaves it to those. */
#define RESULT_SIP_MAX  700
#define RESULT_Q850_MAX 128
#define RESULT_SIT_MAX  16
struct result_rules {
    uint8_t sip[RESULT_SIP_MAX], q850[RESULT_Q850_MAX];
    uint8_t sit[RESULT_SIT_MAX]; /* by enum dsp_sit */
};

struct call_record;
/* Decides the result of an ended or judged attempt from its evidence (RESULTS: Reason header wins
 * over SIP code; 480 by cause, then by what was heard, then by time). */
enum result result_decide(const struct call_record *r);
enum result result_decide_by(const struct result_rules *rules, const struct call_record *r);

#endif
