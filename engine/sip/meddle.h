/* Misbehaviour on purpose, for simulators: messages of a call that are lost, ignored, repeated,
 * late or bloated between the transactions, which know nothing of it, and the wire. So a
 * retransmission of a lost message is a message of its own, and is lost as well while the rule
 * lasts.
 *
 * Rules belong to a Call-ID, not to a session: they may be given before the INVITE, and hold for
 * what is sent after the call's end. Bounded: SIP_MEDDLE_CALLS_MAX calls (the one whose rules were
 * given first is forgotten), SIP_MEDDLE_RULES_MAX rules each, SIP_MEDDLE_LATE_MAX messages that
 * wait. Nothing of this is there until the first rule is. The ua's thread. */
#ifndef PEAL_SIP_MEDDLE_H
#define PEAL_SIP_MEDDLE_H

#include "sip/ua.h"

#define SIP_MEDDLE_CALLS_MAX    4096
#define SIP_MEDDLE_RULES_MAX    12
#define SIP_MEDDLE_LATE_MAX     4096
#define SIP_MEDDLE_BYTES_MAX    60000 /* of padding */
#define SIP_MEDDLE_COPIES_MAX   100
#define SIP_MEDDLE_DELAY_MAX_MS 3600000
#define SIP_MEDDLE_WHAT_MAX     24
#define SIP_MEDDLE_HEADER_MAX   160

enum sip_meddle_kind {
    SIP_MEDDLE_LOSE,   /* of ours: it does not leave */
    SIP_MEDDLE_IGNORE, /* of theirs: it does not arrive */
    SIP_MEDDLE_REPEAT, /* of ours: amount further copies at once */
    SIP_MEDDLE_DELAY,  /* of ours: amount milliseconds late */
    SIP_MEDDLE_PAD,    /* of ours: with headers of amount bytes */
    SIP_MEDDLE_HEADER  /* of ours: with one further header */
};

struct sip_meddle {
    enum sip_meddle_kind kind;
    /* Which messages: "INVITE" (a request), "200" (a response), "1xx" (of a class), "200/BYE" (the
     * response to a method), "*" (every one). */
    char what[SIP_MEDDLE_WHAT_MAX];
    uint32_t times; /* so many messages, then no more; 0: all of them */
    uint32_t amount;
    char header[SIP_MEDDLE_HEADER_MAX]; /* SIP_MEDDLE_HEADER: "Name: value" */
};

/* The kinds as scripts and files name them: {name} = what, and for the amount {amount} = number,
 * which is counted in 1 / unit. */
struct sip_meddle_deed {
    const char *name, *amount; /* amount NULL: none is taken */
    enum sip_meddle_kind kind;
    double otherwise, most, unit;
};
#define SIP_MEDDLE_DEEDS 5
extern const struct sip_meddle_deed sip_meddle_deeds[SIP_MEDDLE_DEEDS];

/* Whether `what` is one of these and the amount within its bound. */
bool sip_meddle_valid(const struct sip_meddle *rule);
/* ERR_INVALID: `what` is none of these, or the amount is beyond its bound; ERR_FULL; ERR_NOMEM. */
enum err sip_meddle_add(struct sip_ua *ua, struct slice call_id, const struct sip_meddle *rule);

struct sip_meddle_stats {
    uint64_t lost, ignored, repeated, delayed, padded, headed;
    uint64_t refused; /* no room: the message went on its way as it was */
};
const struct sip_meddle_stats *sip_meddle_stats(const struct sip_ua *ua);

#endif
