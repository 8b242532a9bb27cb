/* The calls of a capture, as their SIP tells them: one entry a Call-ID, what each side did and
 * when, where its RTP was to go and what its payload types mean; then the RTP itself, by sender.
 *
 * Sides are told by tags, not by addresses, so a capture beside a proxy, where each message is seen
 * on both of its hops, gives each message once (the copy seen first). Everything repeated is
 * counted and left out: the timers of the replay repeat by themselves.
 *
 * Bounds: IMPORT_*_MAX; what was refused is counted. One thread. Slices lie in the arena. */
#ifndef PEAL_SIM_IMPORT_CALLS_H
#define PEAL_SIM_IMPORT_CALLS_H

#include "base/hash.h"
#include "sim/import_stream.h"
#include "sip/sdp.h"

#define IMPORT_CALLS_MAX   8000
#define IMPORT_EVENTS_MAX  256     /* of one call */
#define IMPORT_FORMATS_MAX 24      /* of one side */
#define IMPORT_PLACES_MAX  65536   /* addresses that SDP named */
#define IMPORT_SOURCES_MAX 8       /* SSRCs of one side */
#define IMPORT_PACKETS_MAX 8000000 /* RTP packets kept, of all calls */
#define IMPORT_TEXT_MAX    (256u * 1024 * 1024)
#define IMPORT_T1_US       500000  /* RFC 3261 17.1.1.1 */
#define IMPORT_LATE_US     2000000 /* RTP after the end of its call that still counts as its own */

enum import_side { IMPORT_CALLER, IMPORT_CALLEE };

enum import_kind {
    IMPORT_INVITE,
    IMPORT_PROVISIONAL, /* code, sdp */
    IMPORT_ANSWER,      /* code */
    IMPORT_ACK,
    IMPORT_REFUSAL, /* code, phrase, q850 */
    IMPORT_CANCEL,
    IMPORT_BYE,  /* side, q850 */
    IMPORT_HOLD, /* these three: code, when the other side refused it */
    IMPORT_RESUME,
    IMPORT_OFFER,        /* a re-INVITE or UPDATE that changes neither */
    IMPORT_DIGIT,        /* by INFO */
    IMPORT_REFER,        /* phrase: the URI to be called */
    IMPORT_REFER_ANSWER, /* code */
    IMPORT_NOTIFY        /* code, of the call that was asked for */
};

struct import_event {
    uint64_t at_us, packet;
    uint8_t kind, side; /* whose doing it is */
    char digit;
    bool sdp;
    uint16_t code, q850;
    struct slice phrase;
};

struct import_format {
    uint8_t pt, channels;
    uint32_t rate_hz;
    struct slice name, fmtp;
};

struct import_rtp {
    uint64_t at_us;
    const uint8_t *packet; /* the whole RTP packet */
    const uint8_t *payload;
    uint32_t timestamp, ssrc;
    uint16_t seq, len, payload_len;
    uint8_t pt;
    bool marker;
};

struct import_source {
    uint32_t ssrc;
    struct capture_end from, to;
};

/* What one side sent. */
struct import_track {
    struct import_rtp *rtp;
    uint32_t count, capacity, sources;
    struct import_source source[IMPORT_SOURCES_MAX];
    uint64_t other_hop, twice, after_end, refused;
};

enum import_outcome { IMPORT_CUT, IMPORT_ANSWERED, IMPORT_FAILED, IMPORT_CANCELLED };

struct import_call {
    struct hash_node node;
    struct slice id, number, caller, tag[2];
    uint64_t packet, invite_us, answer_us, end_us, last_us; /* 0: not seen */
    uint32_t cseq, cseq_seen[2], offer_cseq[2], refer_cseq[2];
    uint16_t code; /* final status of the INVITE */
    enum import_outcome outcome;
    bool tcp, late_offer, srtp, other_media, held[2], challenged;
    bool asked_for_ack, no_ack; /* its 200 was repeated; it ended before the ACK came */
    uint64_t srtp_packet, repeated, events_refused;
    struct import_event *event;
    uint32_t events, events_capacity;
    struct import_format format[2][IMPORT_FORMATS_MAX]; /* as each side's SDP says */
    uint32_t formats[2];
    uint16_t ptime_ms[2];
    struct import_track track[2];
};

struct import_place {
    struct capture_end end;
    uint64_t from_us;
    struct import_call *call;
    uint8_t side; /* whose address it is */
};

struct import_counts {
    uint64_t sip, sip_broken, first_sip_broken, no_call, calls_refused, places_refused, sdp_broken,
        first_sdp_broken;
    uint64_t rtp, rtp_orphans, first_orphan, rtcp, rtp_refused;
    char sip_fault[96]; /* of the first broken message */
};

struct import_calls {
    struct arena arena;
    struct hash_table by_id;
    struct import_call *call[IMPORT_CALLS_MAX]; /* in order of their INVITEs */
    uint32_t count;
    struct import_place *place;
    uint32_t places, places_capacity;
    bool sorted;
    struct import_counts counts;
};

enum err import_calls_init(struct import_calls *c);
void import_calls_free(struct import_calls *c);

/* One message; data may be changed. */
void import_sip(struct import_calls *c, const struct net_packet *p, char *data, size_t len);
/* Takes what a side's description says (import_sdp.c); false: there is none, or it is broken. */
struct sip_msg;
bool import_sdp(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                enum import_side side, struct slice body, enum sdp_dir *dir);
struct slice import_sdp_of(const struct sip_msg *m); /* SLICE_NONE: it has none */
/* After the last message: outcomes and ends. */
void import_sip_done(struct import_calls *c);
/* A datagram that may be RTP of one of the calls (import_rtp.c). After import_sip_done. */
void import_rtp(struct import_calls *c, const struct net_packet *p);
/* The track's packets in order of time. */
void import_rtp_done(struct import_calls *c);

/* The meaning of a payload type that `side` sends: by the other side's SDP, which is where it is
 * agreed, else by its own. False: neither names it. */
bool import_format_of(const struct import_call *c, enum import_side side, uint8_t pt,
                      struct import_format *out);

/* Between import_calls.c and import_within.c. NULL: no room, counted. */
struct import_event *import_add_event(struct import_call *k, const struct net_packet *p,
                                      enum import_kind kind, enum import_side side);
enum import_side import_side_of(const struct import_call *k, struct slice from_tag);
/* A request within a call, and a response to one. */
void import_within(struct import_calls *c, struct import_call *k, const struct net_packet *p,
                   const struct sip_msg *m);
void import_within_answered(struct import_calls *c, struct import_call *k,
                            const struct net_packet *p, const struct sip_msg *m);

/* Whether an offer that was refused with this is made again by itself. */
bool import_offer_comes_again(uint16_t code);

/* The first of a kind, by that side; NULL: none. */
const struct import_event *import_find(const struct import_call *c, enum import_kind kind,
                                       enum import_side side);

#endif
