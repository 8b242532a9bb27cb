/* Inside of the user agent: what its files share. Nobody outside sip/ includes this.
 *
 *   home.c       our addresses
 *   transport.c  sockets                 ua.c      dispatch, what lies outside calls
 *   transaction.c, client.c, server.c    RFC 3261 17 with RFC 6026
 *   dialog.c     tags, targets, routes   session.c, uac.c, redirect.c, uas.c, reoffer.c, prack.c,
 *                                       info.c, refer.c, refresh.c, nat.c, alive.c
 *
 * A message is parsed into ua->in and handled to its end before the next one. Requests and
 * responses of ours are written into ua->out and copied into a pooled buffer only where a timer may
 * have to send them again. */
#ifndef PEAL_SIP_CORE_H
#define PEAL_SIP_CORE_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/rng.h"
#include "io/wheel.h"
#include "sip/message.h"
#include "sip/session.h"
#include "sip/ua.h"
#include "sip/write.h"

#define SIP_ID_LEN      16 /* tags, and what makes branches and Call-IDs unique: 64 bits in hex */
#define SIP_BRANCH_LEN  (7 + SIP_ID_LEN)
#define SIP_BUF_CLASSES 4
#define SIP_MIN_SE_S    90  /* RFC 4028 5 */
#define SIP_TRYING_MS   200 /* 100 when the owner said nothing for so long (RFC 3261 17.2.1) */
#define SIP_TARGETS_MAX 12  /* of redirections, in all */

#define SIP_ALLOW_TEXT "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"

/* ---- pooled text ---- */

struct sip_buf {
    uint32_t len;
    uint8_t class;
    char data[];
};

static inline struct slice sip_buf_slice(const struct sip_buf *b)
{
    return b ? slice_of(b->data, b->len) : SLICE_NONE;
}

/* ---- transactions ---- */

enum sip_tx_kind { SIP_TX_INVITE_CLIENT, SIP_TX_CLIENT, SIP_TX_INVITE_SERVER, SIP_TX_SERVER };

enum sip_tx_state {
    SIP_TX_CALLING, /* clients: nothing heard yet ("trying" of non-INVITE) */
    SIP_TX_TRYING,  /* servers: nothing answered yet */
    SIP_TX_PROCEEDING,
    SIP_TX_COMPLETED,
    SIP_TX_CONFIRMED,
    SIP_TX_ACCEPTED
};

struct sip_tx;
/* Clients: each response (m), or status 408 (timers B, F) and 503 (wire) without one. */
typedef void sip_tx_fn(struct sip_tx *tx, uint16_t status, const struct sip_msg *m);

struct sip_tx {
    /* What is touched when it is found, and when it is forgotten, lies together. */
    struct hash_node node;
    uint64_t check;          /* a second hash of the key, by another seed */
    struct list_node linger; /* in ua->lingering once it only waits for retransmissions */
    uint16_t status;         /* last response of a server */
    uint8_t kind, state, method;
    bool failed;            /* the wire refused: 503 by the limit timer */
    bool moved;             /* a long request on TCP that would else be on UDP */
    bool plain;             /* a final response that is made again from the request */
    struct timer limit;     /* B, D, F, H, I, J, K, L, M */
    struct timer resend;    /* A, E, G */
    struct list_node owned; /* in its owner's list; unlinked: nobody cares any more */
    struct sip_ua *ua;
    struct sip_buf *text; /* the request of a client, the last response of a server, the ACK of a
                             completed INVITE client */
    sip_tx_fn *heard;
    void *arg;
    struct list *owner; /* for requests sent again */
    struct sip_path path;
    uint32_t interval_ms;
    uint32_t cookie; /* the owner's */
};

/* ---- dialogs ---- */

struct sip_dialog {
    struct list_node of_session;
    struct sip_ua *ua;
    const struct sip_path *peer; /* where to send when the next hop has no numeric address */
    struct slice call_id, local, remote; /* From and To values as we write them, tags included */
    struct slice local_tag, remote_tag;
    struct slice target;  /* URI for the next request */
    struct slice routes;  /* as a comma list in the order of our requests; may be empty */
    struct sip_buf *more; /* where the texts are when they outgrow text[] */
    uint32_t local_cseq, remote_cseq;
    uint32_t rseq_seen; /* last RSeq taken on it, 0: none */
    uint16_t index;
    bool has_remote_cseq;
    char text[400];
};

/* ---- sessions ---- */

enum sip_phase {
    SIP_PHASE_INVITING, /* out: no final yet. in: not answered yet */
    SIP_PHASE_ANSWERED, /* out: 2xx, ACK waits for our answer. in: 200 sent, no ACK yet */
    SIP_PHASE_UP,
    SIP_PHASE_ENDING, /* BYE or CANCEL sent, or refused: what comes last is awaited */
    SIP_PHASE_ENDED
};

enum sip_carrier { /* what carries an open offer */
                   SIP_BY_NONE,
                   SIP_BY_INVITE,
                   SIP_BY_1XX,
                   SIP_BY_2XX,
                   SIP_BY_REINVITE,
                   SIP_BY_UPDATE,
                   SIP_BY_PRACK
};

struct sip_session {
    struct hash_node node; /* in ua->sessions by Call-ID and local tag */
    struct sip_ua *ua;
    sip_session_fn *handler;
    void *arg;
    struct list_node all;
    struct list txs;     /* transactions that report to us */
    struct list dialogs; /* the first is `first`; forks follow */
    struct sip_dialog first;
    struct sip_dialog *chosen; /* the one that was answered (out), or the only one (in) */
    struct sip_path peer;      /* out: where the INVITE went; in: where it came from */
    uint8_t phase;
    uint8_t offer_out, offer_in;           /* enum sip_carrier of the open offer each way */
    bool incoming, answered, answer_known; /* answer_known: the INVITE's offer has its answer */
    bool ended, released, ending_wanted;
    bool defies_cancel, cancel_defied;  /* sip_session_defy_cancel; a CANCEL has come */
    bool defies_ack;                    /* sip_session_defy_ack */
    bool listed, late_offer, limit_hit; /* late_offer: the INVITE had no SDP */
    bool provisional_seen, wants_timer, cancel_wanted, cancel_sent, no_100rel, redirect_same_user;
    uint8_t busy; /* depth of handler calls */
    uint8_t forks;
    uint8_t auth_tries;
    uint8_t redirects_left, redirects_known;
    uint32_t peer_allow, peer_supported, peer_required;
    struct sip_dialog *latest; /* the early dialog that was heard last */
    struct sip_tx *invite_tx;  /* initial INVITE, then the re-INVITE of ours; NULL when done */
    uint32_t invite_cseq;
    struct sip_buf *contact_user;
    struct sip_buf *credentials;      /* "user\0password" */
    struct sip_buf *authorized;       /* our INVITE, when its ACK must repeat its credentials */
    struct sip_buf *sdp;              /* what we last said, for refreshes and 491 retries */
    struct sip_buf *redirect_targets; /* URIs still to be tried, one a line */
    uint64_t redirect_hash[SIP_TARGETS_MAX]; /* of all that were ever on that list */
    struct timer timer; /* end of waiting: answer limit, CANCEL without a final, end event */
    /* what ENDED will say */
    uint16_t end_code, end_q850;
    uint8_t end_by;
    struct sip_buf *end_text; /* reason to send with BYE or CANCEL: header value */

    /* incoming INVITE or re-INVITE / UPDATE / PRACK whose answer waits for the owner */
    struct sip_buf *invite;  /* the first INVITE, raw, until release */
    struct sip_buf *request; /* the one with an open offer */
    struct sip_tx *request_tx;
    struct sip_path request_path;
    struct sip_tx *server_tx; /* of the INVITE or re-INVITE in progress */
    struct sip_buf *answer;   /* our 2xx, until its ACK */
    struct sip_path answer_path;
    struct timer resend; /* of our 2xx or reliable 1xx */
    uint32_t resend_ms, resend_spent_ms;

    /* reliable provisionals of ours (RFC 3262 3) */
    uint32_t rseq;            /* last used */
    struct sip_buf *reliable; /* unacknowledged one */
    struct sip_buf *queued_sdp;
    uint16_t queued_code; /* waits for that PRACK: 1xx or 200 */
    bool queued_reliable;
    uint32_t reliable_cseq;

    /* our open offer */
    struct timer retry; /* 491 */
    uint32_t retry_cookie;
    bool retry_update;
    struct sip_dialog *prack_dialog;
    uint32_t prack_rseq; /* of the reliable offer that waits for our answer */
    bool wants_offer;    /* the re-INVITE had none: we owe it */
    struct sip_buf *ack; /* ACK with an answer, for repeated 2xx */

    /* RFC 4028 */
    struct timer refresh;
    uint32_t expires_s, min_se_s;
    bool we_refresh;

    uint8_t nat;        /* enum sip_nat */
    struct timer alive; /* alive.c */
    uint32_t alive_ms;
    bool alive_waits;

    /* refer.c */
    bool refers;         /* we have asked */
    uint16_t refer_code; /* of our answers; 0: REFER is not known */
    uint32_t refer_cseq; /* of the one we accepted last; 0: none */
};

/* ---- the user agent ---- */

struct sip_home {
    struct addr local;
    char host[ADDR_TEXT_MAX];     /* with brackets and port: sent-by and Contact */
    char domain[ADDR_TEXT_MAX];   /* host alone, for Call-IDs */
    char tls_host[ADDR_TEXT_MAX]; /* sent-by over TLS, where another port is listened on */
    struct slice sent_by;         /* host */
};

struct sip_known { /* the last list of one header, and what it meant */
    char text[200];
    uint32_t len, bits;
};

struct sip_ua {
    struct wheel *wheel;
    const struct clock *clock;
    const struct sip_wire *wire;
    void *wire_arg;
    struct sip_transport_state *transport; /* NULL on a wire of the caller's */
    struct sip_trace *trace;               /* NULL: messages are not noted */
    struct sip_home homes[SIP_HOMES_MAX];
    uint8_t nhomes;
    bool tcp, tls;
    uint8_t nat; /* enum sip_nat, of incoming calls */
    uint32_t t1_ms, t2_ms, t4_ms;
    void (*incoming)(void *arg, struct sip_session *s);
    void *arg;

    struct hash_seed seed, seed2, id_seed;
    uint64_t id_count;
    struct rng rng;
    struct hash_table txs, sessions;
    struct pool tx_pool, session_pool, dialog_pool, buf_pool[SIP_BUF_CLASSES];
    struct list all_sessions, lingering, pings, registrations;
    struct pool ping_pool, registration_pool;

    char agent[96];

    struct sip_session *in_of; /* its INVITE is what ua->in holds */
    struct sip_session *aux_of;
    struct sip_known known_allow, known_supported;
    struct sip_ua_stats stats;
    struct sip_meddler *meddler; /* NULL until somebody is to misbehave */
    struct sip_msg in, aux, own; /* received; an INVITE parsed anew; a request of our own */
    char out[SIP_UA_MESSAGE_MAX];
};

static inline uint64_t sip_now_ms(const struct sip_ua *ua)
{
    return ua->wheel->now_ms;
}

/* ua.c */
struct sip_buf *sip_buf_of(struct sip_ua *ua, struct slice text); /* NULL: full, counted */
void sip_buf_drop(struct sip_ua *ua, struct sip_buf **b);         /* and sets it NULL */
void sip_new_id(struct sip_ua *ua, char id[SIP_ID_LEN]);
void sip_new_branch(struct sip_ua *ua, char branch[SIP_BRANCH_LEN]);
void sip_write_common(struct sip_ua *ua, struct buf *b); /* User-Agent */
/* Answers without state; extra header lines may be empty. */
void sip_reply_stateless(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *req,
                         unsigned status, struct slice reason, struct slice headers);
struct sip_path sip_reply_path(const struct sip_msg *req, const struct sip_path *from);
/* Of a call: keeps its messages in order. Two calls may have the same. */
uint32_t sip_flow_of(struct slice call_id);
enum err sip_send(struct sip_ua *ua, const struct sip_path *to, struct slice text);
void sip_write_contact(struct sip_ua *ua, struct buf *b, struct slice user,
                       const struct sip_path *way);
/* The first Via of a request of ours. */
void sip_write_own_via(struct sip_ua *ua, struct buf *b, const struct sip_path *way,
                       struct slice branch);
/* home.c */
enum err sip_homes_init(struct sip_ua *ua, const struct sip_ua_config *config);
uint8_t sip_home_index(const struct sip_ua *ua, const struct sip_path *way);
const struct sip_home *sip_home_of(const struct sip_ua *ua, const struct sip_path *way);
struct slice sip_home_name(const struct sip_ua *ua, const struct sip_path *way); /* host:port */
/* meddle.c, with a meddler only. true: the message has been taken care of. */
bool sip_meddle_out(struct sip_ua *ua, const struct sip_path *to, struct slice text);
bool sip_meddle_in(struct sip_ua *ua, const struct sip_msg *m);
void sip_meddle_close(struct sip_ua *ua);

/* transaction.c: the table and what all four kinds share */
struct sip_tx_key {
    uint64_t hash, check;
};
struct sip_tx_key sip_client_key(const struct sip_ua *ua, uint8_t method, struct slice branch);
/* method: of m, or INVITE to find what an ACK or CANCEL is about (RFC 3261 17.2.3, 9.2). */
struct sip_tx_key sip_server_key(const struct sip_ua *ua, uint8_t method, const struct sip_msg *m);
/* NULL: full, counted. */
struct sip_tx *sip_tx_new(struct sip_ua *ua, enum sip_tx_kind kind, uint8_t method,
                          const struct sip_tx_key *key, const struct sip_path *path);
struct sip_tx *sip_tx_find(struct sip_ua *ua, const struct sip_tx_key *key);
void sip_tx_end(struct sip_tx *tx);
void sip_tx_disown(struct sip_tx *tx);
/* Only retransmissions can still come: ends after ms, or earlier when room is needed. */
void sip_tx_linger(struct sip_tx *tx, uint32_t ms);
void sip_tx_resend(struct sip_tx *tx);

/* client.c */
/* Takes what is in b (a request that begins with our Via of this branch). The transaction reports
 * to heard(arg) and is linked into owner. NULL: err says why (FULL, TOO_LONG). A wire that refuses
 * is reported as 503 from a timer. */
struct sip_tx *sip_client_start(struct sip_ua *ua, enum sip_method method,
                                const char branch[SIP_BRANCH_LEN], const struct sip_path *to,
                                struct buf *b, sip_tx_fn *heard, void *arg, struct list *owner,
                                enum err *why);
void sip_client_response(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m);
void sip_client_wire_failed(struct sip_ua *ua, const struct sip_path *to);
/* The same request again with credentials for the challenge in m: new CSeq and branch, the same
 * owner. cseq: last used, counted up. NULL: no (more) credentials to try. */
struct sip_tx *sip_client_authorize(struct sip_tx *tx, const struct sip_msg *m, struct slice user,
                                    struct slice password, uint32_t *cseq);
/* The request of tx again with changes: further headers, and these ids left out. */
struct sip_tx *sip_client_again(struct sip_tx *tx, uint32_t *cseq, struct slice headers,
                                const uint8_t *without, size_t nwithout);

/* The same request to another Request-URI by another way, without credentials. */
struct sip_tx *sip_client_elsewhere(struct sip_tx *tx, uint32_t *cseq, struct slice uri,
                                    const struct sip_path *path);

/* server.c */
struct sip_tx *sip_server_new(struct sip_ua *ua, const struct sip_path *from,
                              const struct sip_msg *m);
void sip_server_request(struct sip_tx *tx, const struct sip_msg *m); /* a retransmission or ACK */
/* A response of ours goes out and is kept as the state wants it. */
void sip_server_send(struct sip_tx *tx, uint16_t status, struct slice text);
/* A final answer with no more than a status. */
void sip_server_plain(struct sip_tx *tx, const struct sip_msg *req, uint16_t status,
                      struct slice to_tag);

/* dialog.c */
void sip_dialog_init(struct sip_dialog *d, struct sip_ua *ua, const struct sip_path *peer);
void sip_dialog_fini(struct sip_dialog *d);
/* Takes the texts of `from` (slices of anywhere, of d itself too) as copies. ERR_TOO_LONG. */
enum err sip_dialog_keep(struct sip_dialog *d, const struct sip_dialog *from);
/* UAC: what a 1xx or 2xx with a To tag says (RFC 3261 12.1.2). */
enum err sip_dialog_from_response(struct sip_dialog *d, const struct sip_msg *m);
/* UAS (12.1.1). tag: ours. */
enum err sip_dialog_from_request(struct sip_dialog *d, const struct sip_msg *m, struct slice tag);
/* Target refresh by the Contact of m (12.2). */
enum err sip_dialog_retarget(struct sip_dialog *d, const struct sip_msg *m);
struct sip_path sip_dialog_path(const struct sip_dialog *d);
/* Head of a request within d: start line, Via, Route, Max-Forwards, From, To, Call-ID, CSeq and
 * User-Agent. */
void sip_dialog_write(struct sip_dialog *d, struct buf *b, enum sip_method method, uint32_t cseq,
                      const char branch[SIP_BRANCH_LEN], const struct sip_path *way);
/* Whether a request with this CSeq is in order; remembers it (RFC 3261 12.2.2). */
bool sip_dialog_in_order(struct sip_dialog *d, uint32_t cseq);

/* session.c */
struct sip_session *sip_session_new(struct sip_ua *ua); /* NULL: full, counted */
enum err sip_session_list(struct sip_session *s);       /* into the table, once it has its names */
struct sip_session *sip_session_find(struct sip_ua *ua, struct slice call_id, struct slice tag);
void sip_session_free(struct sip_session *s);
struct sip_dialog *sip_session_dialog(struct sip_session *s, struct slice remote_tag);
/* False: s is gone (its owner released it). */
bool sip_session_tell(struct sip_session *s, struct sip_event *e);
/* Stops everything and tells the end; s may be gone afterwards. m may be NULL. */
void sip_session_finish(struct sip_session *s, uint16_t code, enum sip_ender by,
                        const struct sip_msg *m);
/* The same from inside an API call: told by a timer. */
void sip_session_finish_later(struct sip_session *s, uint16_t code, enum sip_ender by);
void sip_session_bye(struct sip_session *s);
/* Ends an answered call that broke: BYE, and ENDED with this code once that is done with. */
void sip_session_break(struct sip_session *s, uint16_t code, enum sip_ender by);
/* Answers a request within s. headers: further lines, or empty. */
void sip_session_reply(struct sip_ua *ua, struct sip_tx *tx, const struct sip_msg *m,
                       uint16_t status, struct slice headers);
void sip_session_request(struct sip_session *s, const struct sip_path *from,
                         const struct sip_msg *m);
void sip_session_learn(struct sip_session *s, const struct sip_msg *m); /* Allow, Supported */
struct slice sip_session_user(const struct sip_session *s, struct slice *password);
/* Keeps the last session description of ours. */
void sip_session_said(struct sip_session *s, struct slice sdp);
struct slice sip_sdp_of(const struct sip_msg *m); /* the body when it is SDP, else empty */
/* Contact, Allow, Supported: what refreshes a target says. */
void sip_write_target(struct sip_session *s, struct buf *b, const struct sip_path *way);
void sip_write_sdp(struct buf *b, struct slice sdp); /* ends the message */
/* Sends what is in b by a new client transaction that reports to s. */
struct sip_tx *sip_session_send(struct sip_session *s, enum sip_method method,
                                const char branch[SIP_BRANCH_LEN], const struct sip_path *to,
                                struct buf *b, sip_tx_fn *heard, enum err *why);
/* Answers 401 and 407 with our credentials. True: a new request is out. */
bool sip_session_authorized(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                            uint32_t *cseq, struct sip_tx **again);

/* uac.c */
void sip_late_2xx(struct sip_ua *ua, const struct sip_path *path, const struct sip_msg *m);
bool sip_repeat_ack(struct sip_ua *ua, const struct sip_msg *m);
void sip_uac_cancel(struct sip_session *s);
void sip_uac_ack(struct sip_session *s, struct slice sdp);

/* redirect.c */
/* Once s->first has its names. */
void sip_redirect_init(struct sip_session *s, const struct sip_invite *p);
/* The INVITE of tx, refused with status (m NULL: nobody answered), goes to the next
 * target. NULL: there is none, or it is not wanted. */
struct sip_tx *sip_redirect(struct sip_session *s, struct sip_tx *tx, uint16_t status,
                            const struct sip_msg *m);

/* uas.c */
void sip_uas_invite(struct sip_ua *ua, const struct sip_path *from, const struct sip_msg *m);
void sip_uas_cancelled(struct sip_session *s, const struct sip_msg *cancel);
void sip_uas_ack(struct sip_session *s, const struct sip_msg *m);
/* Whether m is the ACK that our 2xx waits for. */
bool sip_uas_awaits(const struct sip_session *s, const struct sip_msg *m);
void sip_uas_refuse(struct sip_session *s, uint16_t code, const char *reason, uint16_t q850,
                    const char *headers);
/* 2xx to an INVITE or re-INVITE: sent, and repeated until its ACK. */
enum err sip_uas_send_2xx(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *req,
                          struct slice sdp);
const struct sip_msg *sip_uas_parsed(struct sip_session *s); /* the INVITE */
/* 100 unless something else was sent in the meantime. */
void sip_uas_trying_later(struct sip_session *s);
/* What waited for the PRACK goes out. */
void sip_uas_flush(struct sip_session *s);

/* prack.c */
enum err sip_prack_send(struct sip_session *s, struct sip_dialog *d, uint32_t rseq,
                        struct slice sdp);
enum err sip_reliable_send(struct sip_session *s, uint16_t code, struct slice sdp);
void sip_prack_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m);
void sip_reliable_stop(struct sip_session *s);

/* reoffer.c */
void sip_reinvite_received(struct sip_session *s, struct sip_dialog *d, struct sip_tx *tx,
                           const struct sip_msg *m);
void sip_update_received(struct sip_session *s, struct sip_dialog *d, struct sip_tx *tx,
                         const struct sip_msg *m);
enum err sip_refresh_send(struct sip_session *s); /* an offer of what we said last, or UPDATE */
/* Keeps the request of an open offer. False: no room; refused with 500. */
bool sip_hold_request(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m,
                      enum sip_carrier carrier);
void sip_drop_request(struct sip_session *s, uint16_t status); /* answers it; 0: forgets it */

/* info.c */
void sip_info_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m);

/* refer.c */
void sip_refer_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m);
void sip_notify_received(struct sip_session *s, struct sip_tx *tx, const struct sip_msg *m);

/* nat.c */
/* By a message with the far side's Contact: whether s->peer is symmetric. */
void sip_nat_judge(struct sip_session *s, const struct sip_msg *m);
/* A request within the call came from there. */
void sip_nat_follow(struct sip_session *s, const struct sip_path *from);

/* alive.c */
void sip_alive_start(struct sip_session *s, uint32_t interval_ms);

/* refresh.c: RFC 4028 */
void sip_refresh_from_2xx(struct sip_session *s, const struct sip_msg *m, bool asked);
/* Whether the interval asked for is too short: to be answered 422. */
bool sip_refresh_too_short(const struct sip_msg *m);
void sip_refresh_from_request(struct sip_session *s, const struct sip_msg *m);
void sip_refresh_write_request(struct sip_session *s, struct buf *b);
void sip_refresh_write_response(struct sip_session *s, struct buf *b);
void sip_refresh_start(struct sip_session *s);

/* transport.c */
void sip_transport_close(struct sip_transport_state *t);
uint64_t sip_transport_calls(const struct sip_transport_state *t); /* that sent datagrams */

/* register.c */
void sip_register_close(struct sip_ua *ua);
uint32_t sip_registration_size(void);

#endif
