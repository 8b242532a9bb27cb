/* A call as SIP sees it: INVITE, its early dialogs, the one dialog that is answered, its end.
 *
 * Both directions, one handle. Everything that happens is told by one handler, called only from
 * received messages and timers; no event comes from inside a call below. After SIP_EV_ENDED
 * (exactly one) no further event comes and the owner calls sip_session_release. Slices and messages
 * in an event are valid during the event only.
 *
 * Offer/answer (RFC 3264) is kept in order here, the SDP text itself is the owner's: an offer in an
 * event must be answered by sip_session_answer (or _refuse) exactly once.
 * RFC 3261, 3262 (PRACK), 3311 (UPDATE), 3326 (Reason), 4028 (session timers), 6026. */
#ifndef PEAL_SIP_SESSION_H
#define PEAL_SIP_SESSION_H

#include "sip/ua.h"

#define SIP_FORKS_MAX     8 /* early dialogs of one INVITE; further ones are counted and not told */
#define SIP_REDIRECTS_MAX 5

struct sip_msg;

enum sip_ender { SIP_BY_US, SIP_BY_FAR_SIDE, SIP_BY_NETWORK };

enum sip_event_kind {
    SIP_EV_PROGRESS,  /* out: 1xx (100 too): code, sdp, fork, reliable. sdp_is_offer (reliable, late
                         offer): answer it, the answer goes in the PRACK */
    SIP_EV_ANSWERED,  /* out: 2xx. sdp_is_offer (late offer): sip_session_answer sends the ACK with
                         it; otherwise the ACK has been sent */
    SIP_EV_CONFIRMED, /* in: the ACK of our 2xx has come; sdp when it answers our late offer */
    SIP_EV_OFFER,     /* re-INVITE, UPDATE or PRACK with an offer (or a re-INVITE without SDP:
                         wants_offer, give the offer with sip_session_answer) */
    SIP_EV_ANSWER,    /* the answer to our sip_session_offer, or to our reliable offer (in PRACK) */
    SIP_EV_OFFER_REFUSED,  /* our sip_session_offer was refused with code; the session goes on as
                              before. 491 is retried inside and is not told */
    SIP_EV_DIGIT,          /* a key in an INFO: digit */
    SIP_EV_REFER,          /* the far side asks us to call refer_to; answered with code already */
    SIP_EV_REFER_ANSWERED, /* code: the answer to our sip_session_refer */
    SIP_EV_NOTIFIED,       /* code: how what we asked for goes; from 200 on it is over */
    SIP_EV_ENDED           /* code, reason, by, q850, retry_after_s, contact */
};

struct sip_event {
    enum sip_event_kind kind;
    uint16_t code; /* PROGRESS, ANSWERED, OFFER_REFUSED: status. ENDED: final status of a call
                      never answered (408 timeout, 487 cancelled, 503 not sent…), 0 after
                      answer by BYE; after answer by failure 408 (dialog or session timer dead)
                      or 481 */
    struct slice reason_phrase; /* of the status line */
    struct slice sdp;           /* empty: none */
    bool sdp_is_offer, wants_offer, reliable;
    uint32_t fork;         /* which early dialog, 0… */
    struct slice fork_tag; /* its To tag, "" in a 100 */
    enum sip_ender by;
    char digit;                /* 0…9 * # A…D */
    uint16_t q850;             /* cause of a Reason header with protocol Q.850; 0: none */
    struct slice reason_text;  /* text of that header */
    uint32_t retry_after_s;    /* 0: none said */
    struct slice contact;      /* 3xx: URI of the first Contact */
    struct slice refer_to;     /* a URI, as it came */
    const struct sip_msg *msg; /* NULL when a timer or the wire is behind the event */
};
typedef void sip_session_fn(void *arg, struct sip_session *s, const struct sip_event *e);

struct sip_invite {
    const char *request_uri;  /* "sip:number@host:port" */
    struct sip_path to;       /* where it is sent (trunk, outbound proxy) */
    const char *to_uri;       /* To; NULL: request_uri */
    const char *from_uri;     /* "sip:caller@host" */
    const char *from_display; /* NULL: none */
    const char *call_id;      /* of the owner's making, unique in the world; NULL: made here */
    const char *contact_user; /* NULL: none */
    const char *asserted;     /* P-Asserted-Identity URI; NULL: none */
    const char *headers;      /* further "Name: value\r\n" lines; NULL: none */
    const char *route;        /* preloaded Route value "<sip:proxy;lr>"; NULL: none */
    const char *auth_user, *auth_password; /* digest; NULL: a challenge ends the call */
    struct slice sdp;                      /* the offer; empty: late offer */
    uint32_t session_expires_s; /* RFC 4028; 0: none asked for, but the far side's is kept to */
    uint32_t answer_limit_ms;   /* then CANCEL, ENDED 408 by us; 0: none (the owner's own timer) */
    uint8_t redirects;          /* Contacts of 3xx that are gone to, SIP_REDIRECTS_MAX at most; 0:
                                   a 3xx ends the call */
    bool redirect_same_user;    /* go to no other number than was called */
    enum sip_nat nat;
    uint32_t keep_alive_ms; /* OPTIONS within the call so often; 0: none */
    bool no_100rel;         /* do not offer reliable provisionals */
    bool require_100rel;    /* Require them */
};

/* Sends an INVITE. Params are copied. ERR_FULL: a pool is full; ERR_TOO_LONG; ERR_IO.
 * *out is set on OK; the owner must release it after SIP_EV_ENDED. */
enum err sip_invite(struct sip_ua *ua, const struct sip_invite *params, sip_session_fn *handler,
                    void *arg, struct sip_session **out);

void sip_session_set_handler(struct sip_session *s, sip_session_fn *handler, void *arg);
void *sip_session_arg(const struct sip_session *s);

/* Incoming, before the final answer. */

/* code 101…199. sdp may be empty. With reliable, it is sent by RFC 3262 where the peer supports it
 * (always where the peer requires it); a second reliable one waits its turn until PRACK has come.
 * An SDP in it is the answer to the INVITE's offer, or an offer when there was none (then it must
 * be reliable, else ERR_STATE). */
enum err sip_session_progress(struct sip_session *s, uint16_t code, struct slice sdp,
                              bool reliable);
/* 200. sdp: the answer, or our offer when the INVITE had none; may be empty when a reliable
 * provisional carried it already. With a reliable provisional still unacknowledged, the 200 waits
 * for its PRACK. */
enum err sip_session_accept(struct sip_session *s, struct slice sdp);
/* code 300…699. reason NULL: the standard phrase. q850 0: none. headers: extra lines or NULL.
 * SIP_EV_ENDED (by us) follows at once from a timer; the transaction layer waits for the ACK. */
enum err sip_session_reject(struct sip_session *s, uint16_t code, const char *reason, uint16_t q850,
                            const char *headers);

/* Offer and answer within the call. */

/* Re-INVITE, or UPDATE before the answer (the far side must have allowed UPDATE). ERR_STATE: an
 * offer is open already, or there is no dialog to send it in. */
enum err sip_session_offer(struct sip_session *s, struct slice sdp);
/* Answers the offer of the last event that carried one. ERR_STATE: none is open. */
enum err sip_session_answer(struct sip_session *s, struct slice sdp);
/* Refuses it (488 usually). Of a 2xx's late offer: ACK, then BYE. */
enum err sip_session_refuse(struct sip_session *s, uint16_t code);

/* Asking somebody to call somebody (RFC 3515). */

/* Asks the far side to call `to`, a URI. ERR_STATE: not up; ERR_INVALID: no URI. */
enum err sip_session_refer(struct sip_session *s, struct slice to);
/* How REFERs of the far side are answered from now on; 0: not known (405), as at first. */
void sip_session_take_refers(struct sip_session *s, uint16_t code);
/* Tells it how the call that it asked for last goes. ERR_STATE: it asked for none. */
enum err sip_session_notify(struct sip_session *s, uint16_t code);
/* The status that a NOTIFY's message/sipfrag tells; 0: none. */
uint16_t sip_fragment_code(const struct sip_msg *m);

/* Ends the call in any state the right way: CANCEL (once a provisional has come), BYE, or a refusal
 * with 480/486 by q850. SIP_EV_ENDED follows, at the latest after 64 × T1. q850 0: no Reason
 * header. text NULL: none. */
void sip_session_end(struct sip_session *s, uint16_t q850, const char *text);
/* Misbehaviour on purpose, for simulators (see also sip/meddle.h). */

/* From now on a CANCEL of this incoming INVITE gets its 200 and ends nothing. ERR_STATE: outgoing,
 * or answered. */
enum err sip_session_defy_cancel(struct sip_session *s);
bool sip_session_cancel_defied(const struct sip_session *s); /* one has come */
/* From now on a BYE of ours does not wait for the ACK of our 2xx (which RFC 3261 15 forbids). */
void sip_session_defy_ack(struct sip_session *s);
/* Sends a response to the INVITE that came, in whatever state, and changes nothing: the
 * transaction knows nothing of it. No SDP. tag empty: ours. ERR_STATE: outgoing; ERR_TOO_LONG. */
enum err sip_session_respond(struct sip_session *s, uint16_t code, struct slice phrase,
                             struct slice tag);

/* Gives the session back. After SIP_EV_ENDED; earlier, it ends the call as sip_session_end and no
 * event comes any more. */
void sip_session_release(struct sip_session *s);

struct slice sip_session_call_id(const struct sip_session *s);
bool sip_session_is_incoming(const struct sip_session *s);
bool sip_session_is_answered(const struct sip_session *s);
/* Where the peer is: the source of its INVITE, or where ours went. */
const struct sip_path *sip_session_peer(const struct sip_session *s);
/* The INVITE that came, until release; parsed anew into one place of the ua's, so it is valid only
 * until the next call of any function of sip/. NULL on outgoing sessions. */
const struct sip_msg *sip_session_invite(struct sip_session *s);
/* Value of a header of that INVITE, by full name; empty: none or outgoing. Valid as the session. */
struct slice sip_session_header(struct sip_session *s, const char *name);
/* Users of the request URI and of From in that INVITE; of To and From in ours. Valid as the
 * session. */
struct slice sip_session_called_user(struct sip_session *s);
struct slice sip_session_caller_user(struct sip_session *s);
/* SDP offer of that INVITE; empty: late offer. Valid as the session. */
struct slice sip_session_invite_sdp(struct sip_session *s);
struct sip_ua *sip_session_ua(const struct sip_session *s);

#endif
