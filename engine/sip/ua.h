/* A SIP user agent: one local address, every call and registration that goes through it.
 *
 * The ua owns the pools (sessions, dialogs, transactions, message buffers), all of a size fixed at
 * the start: nothing is allocated per message, and what finds a pool full is refused with 503 and
 * counted. Calls are struct sip_session (sip/session.h), registrations sip/register.h.
 *
 * The wire is behind an ops struct: sip_ua_open() puts it on UDP and TCP of a loop, and
 * sip_ua_open_on() on whatever a test gives, with a wheel and a virtual clock. One thread: the
 * loop's. Handlers are called from received messages and timers, never from inside an API call. */
#ifndef PEAL_SIP_UA_H
#define PEAL_SIP_UA_H

#include "base/clock.h"
#include "base/slice.h"
#include "io/addr.h"
#include "io/wheel.h"

/* Larger requests go over TCP when the ua has it (RFC 3261 18.1.1). */
#define SIP_UDP_REQUEST_MAX 1300
/* No message of ours or theirs is longer; longer ones are refused and counted. */
#define SIP_UA_MESSAGE_MAX 8192

struct loop;
struct tls_config;
struct sip_ua;
struct sip_session;

/* Where a message goes, or came from. */
struct sip_path {
    struct addr addr;
    bool tcp;      /* a stream */
    bool tls;      /* of TLS; tcp is set too */
    uint8_t home;  /* which of our addresses it leaves from, or came to; see sip_ua_config.more */
    bool accepted; /* of a connection that the far side opened: once gone, it cannot be called so */
    bool symmetric; /* within a dialog, whatever a Contact says (nat.c) */
    bool sips;      /* the far side was called, or called us, by a sips: URI */
    uint32_t flow;  /* messages of one flow (a call) stay in order on their way; 0: none */
};

struct sip_wire {
    /* Copies data. An error here ends the transaction as a transport failure. */
    enum err (*send)(void *arg, const struct sip_path *to, struct slice data);
    /* Whether there is a connection to there; NULL: always. */
    bool (*alive)(void *arg, const struct sip_path *to);
};

/* Whether requests within a dialog go to where its messages come from, instead of to the Contact.
 */
enum sip_nat {
    SIP_NAT_AUTO, /* when the Contact is private and the source is not */
    SIP_NAT_YES,
    SIP_NAT_NO
};

#define SIP_HOMES_MAX 8

struct sip_home_config {
    struct addr local, advertised, tls_local; /* as the members of sip_ua_config */
};

struct sip_ua_config {
    struct addr local;      /* UDP, and TCP on the same port when tcp is set; port 0: any */
    struct addr advertised; /* in Via and Contact; port 0: local's; unset: local, then one
                               address */
    /* Further addresses, homes 1, 2 … of a path; the above is home 0. SIP_HOMES_MAX in all. A path
     * to another family than its home's leaves by the first home of that family. */
    const struct sip_home_config *more;
    uint32_t more_count;
    enum sip_nat nat;             /* of incoming calls */
    uint8_t dscp;                 /* mark of what is sent (io/mark.h); 0: none */
    bool tcp;                     /* listen on TCP, and move long requests there */
    const struct tls_config *tls; /* io/tls.h: SIP over TLS (RFC 3261 26.3.1), NULL: none. With a
                                     certificate of our own it is listened for, too */
    struct addr tls_local;        /* … here; unset: local's host, any port */
    const char *user_agent;       /* User-Agent and Server; NULL: "Peal" */
    uint32_t max_sessions;        /* calls alive at once; 0: 4096 */
    uint32_t max_transactions;    /* 0: 16 × max_sessions. They outlive calls by up to 64 × T1 */
    uint32_t t1_ms, t2_ms, t4_ms; /* 0: 500, 4000, 5000 (RFC 3261 table 4) */
    uint64_t seed;                /* of tags, branches, Call-IDs; 0: the system's random source */
    /* A new INVITE; set the session's handler (sip_session_set_handler) and answer it, now or
     * later. NULL: INVITEs are refused with 480. Here, and only here, the answering calls may be
     * made from inside the ua's own call. */
    void (*incoming)(void *arg, struct sip_session *s);
    void *arg;
};

/* Counters since the start; gauges marked so. */
struct sip_ua_stats {
    uint64_t received, sent;                          /* messages */
    uint64_t datagram_calls;                          /* to the kernel that sent them, on UDP */
    uint64_t retransmitted;                           /* by our timers */
    uint64_t absorbed;                                /* retransmissions by the far side */
    uint64_t malformed;                               /* dropped or answered 400 */
    uint64_t unmatched_responses, unmatched_requests; /* no transaction; no dialog (481) */
    uint64_t stray_acks;
    uint64_t timeouts; /* timers B, F, H and 2xx without ACK */
    uint64_t send_failed;
    uint64_t refused_sessions, refused_transactions, refused_buffers; /* a pool was full */
    uint64_t refused_dialogs; /* forks beyond SIP_FORKS_MAX or the pool: not told */
    uint64_t reclaimed;       /* finished transactions forgotten early to make room */
    uint64_t too_long;        /* messages beyond SIP_UA_MESSAGE_MAX, dialogs beyond their room */
    uint64_t forks;           /* early dialogs beyond the first */
    uint64_t late_2xx;        /* 2xx of a fork we did not want: ACK and BYE */
    uint64_t moved_to_tcp;
    uint64_t tls_refused; /* connections whose far side did not prove who it is, or refused us */
    uint64_t auth_retries;
    uint64_t keep_alives;       /* sent: OPTIONS in calls, CRLFs to registrars */
    uint64_t nat_moves;         /* calls whose far side came from another port than before */
    uint64_t redirected;        /* INVITEs sent on to a Contact of a 3xx */
    uint64_t handled_elsewhere; /* OPTIONS answered, 405, 501 */
    uint64_t sessions_made;
    uint32_t sessions, transactions, dialogs, buffers; /* gauges: in use now */
};

/* Sockets of our own on the loop. */
enum err sip_ua_open(struct sip_ua **out, struct loop *l, const struct sip_ua_config *config);
/* On a wheel, clock and wire of the caller's, which must outlive the ua. The caller advances the
 * wheel and hands in what arrives. */
enum err sip_ua_open_on(struct sip_ua **out, struct wheel *wheel, const struct clock *clock,
                        const struct sip_wire *wire, void *wire_arg,
                        const struct sip_ua_config *config);
/* Forgets everything that lives; nothing is sent and no handler called. End the calls first when
 * the far sides should know. */
void sip_ua_close(struct sip_ua *ua);

/* One whole message from the wire. data is only read during the call and may be written to. */
void sip_ua_receive(struct sip_ua *ua, const struct sip_path *from, char *data, uint32_t len);
/* The wire could not deliver to `to` (connection refused or lost): its requests still waiting for
 * an answer end as 503 by the network (RFC 3261 17.1.4, 8.1.3.1). */
void sip_ua_wire_failed(struct sip_ua *ua, const struct sip_path *to);

/* The server at this address must show a certificate of this name, which it is told (SNI); without
 * it, one of its address. name stays the caller's. ERR_FULL, ERR_STATE: no TLS. */
enum err sip_ua_tls_name(struct sip_ua *ua, const struct addr *server, const char *name);
const struct addr *sip_ua_tls_local(const struct sip_ua *ua); /* NULL: not listened for */

const struct addr *sip_ua_local(const struct sip_ua *ua); /* home 0, with the port that was given */
const struct addr *sip_ua_home(const struct sip_ua *ua, uint8_t home); /* NULL: there is none */
uint8_t sip_ua_home_for(const struct sip_ua *ua,
                        const struct sip_path *way); /* that it leaves by */
const char *sip_ua_host(const struct sip_ua *ua,
                        const struct sip_path *way); /* … as URIs want it */
const struct sip_ua_stats *sip_ua_stats(struct sip_ua *ua);

/* Asks whether somebody is there (OPTIONS outside a call). code: the final status, 408 on silence,
 * 503 when it could not be sent. ERR_FULL: no transaction left. */
typedef void sip_ping_fn(void *arg, uint16_t code);
enum err sip_ua_ping(struct sip_ua *ua, const struct sip_path *to, const char *request_uri,
                     sip_ping_fn *done, void *arg);

#endif
