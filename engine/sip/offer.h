/* Offer and answer (RFC 3264) for one audio stream: what we have, what the peer wrote, what holds
 * now. Medias other than the one audio stream are refused at their place with port 0, and stay at
 * their place in later offers of ours. Embedded in a session; owning thread only. */
#ifndef PEAL_SIP_OFFER_H
#define PEAL_SIP_OFFER_H

#include "sip/codecs.h"
#include "sip/fmtp.h"
#include "sip/sdes.h"
#include "sip/sdp.h"

#define SDP_HOST_MAX 64   /* text of an address and the NUL */
#define SDP_TEXT_MAX 4096 /* enough for any offer or answer of ours */

/* Encryption of the audio, keys by SDES (sdes.h). */
enum sdp_srtp {
    SDP_SRTP_OFF,
    SDP_SRTP_OFFERED, /* RTP/AVP with keys: a peer that knows them uses them, another hears us too
                       */
    SDP_SRTP_REQUIRED /* RTP/SAVP, or no audio */
};

/* A place in the m-line order that is not our audio. */
struct sdp_slot {
    char kind[16], proto[24], format[32];
};

/* A payload that is only passed on: its description is all that is known of it. */
struct sdp_raw {
    char name[24], fmtp[200]; /* fmtp "": none */
    uint32_t rate_hz;
    uint8_t channels, pt;
};

struct sdp_session {
    /* Ours: set by the owner, may change between offers. */
    char host[SDP_HOST_MAX];               /* NUL-terminated address, no brackets */
    uint16_t port;                         /* RTP */
    uint16_t rtcp_port;                    /* 0 or port + 1: not written; else a=rtcp */
    bool rtcp_mux;                         /* offered, and accepted when offered */
    enum sdp_codec codecs[SDP_CODECS_MAX]; /* by preference */
    uint8_t ncodecs;
    bool own_order; /* answers take the first of ours that the peer has, not its first */
    struct sdp_raw raw;
    uint8_t te_pt;      /* telephone-event of our offers; SDP_PT_NONE: do not speak it */
    uint8_t te_opus_pt; /* … at 48 kHz, offered with Opus */
    uint16_t ptime_ms;  /* 0: not written */
    enum sdp_dir dir;   /* what we want: sendonly or inactive to hold the peer */
    uint16_t
        shared_port; /* a=x-peal-shared: of the socket that legs share, and the number of ours; */
    uint32_t shared_number; /* 0: not offered, and a peer's is not taken */
    enum sdp_srtp srtp; /* set before the first offer or answer; sdp_session_srtp draws the keys */
    /* Kept by this module. */
    struct sdes_key keys[SDES_SUITES]; /* ours; the same for the life of the session */
    uint8_t
        own_pts[SDP_CODEC_COUNT]; /* of dynamic types that an answer of ours took over; else 0 */
    uint8_t suite;                /* that holds and is offered again alone; SDES_SUITES: all */
    uint64_t session_id, version;
    uint64_t last_hash; /* of what was last written, origin left out; 0: nothing yet */
    uint8_t nslots, audio_slot;
    struct sdp_slot slots[SDP_MEDIA_MAX];
};

struct sdp_negotiated {
    bool active; /* an audio stream holds; false: all medias were refused */
    enum sdp_codec codec;
    uint8_t pt_send, pt_recv; /* payload type that the peer expects, that we expect */
    uint8_t te_send, te_recv; /* telephone-event likewise; SDP_PT_NONE when not agreed */
    uint32_t te_hz;           /* its clock */
    struct fmtp_opus opus;    /* the peer's wishes, when that is the codec */
    struct slice host;        /* the peer's RTP, borrows from its SDP */
    bool is_ip6;
    uint16_t port;
    struct slice rtcp_host;
    uint16_t rtcp_port;
    bool rtcp_mux;
    uint16_t shared_port; /* of the peer's shared socket, at `host`; 0: not agreed */
    uint32_t shared_number;
    enum sdp_dir dir;       /* ours: SENDONLY = we send only */
    bool is_held;           /* the peer put us on hold (it sends only, is inactive, or c=0.0.0.0) */
    uint16_t ptime_ms;      /* to send with: the peer's wish, else ours, else 20 */
    bool secure;            /* SRTP, with these keys */
    struct sdes_key ours;   /* we seal with it */
    struct sdes_key theirs; /* the peer does */
    uint16_t media;         /* index of the stream among the peer's medias */
    const char *why;        /* when not active: a sentence without its full stop */
};

/* PCMA and PCMU (A-law first), telephone-event 101, 20 ms, sendrecv. host is copied. */
enum err sdp_session_init(struct sdp_session *s, struct slice host, uint16_t port,
                          uint64_t session_id);

/* The codecs from now on, by preference, which then counts in answers too; none: as it was.
 * ERR_STATE: a raw payload is set. */
enum err sdp_session_codecs(struct sdp_session *s, const struct sdp_codecs *codecs);
/* Puts that one before the others, when it is among ours. */
void sdp_session_prefer(struct sdp_session *s, enum sdp_codec codec);

/* a=x-peal-shared:HOST PORT SHARED-PORT NUMBER, an attribute of the media that others ignore
 * (RFC 8866 section 5.13): packets may go to SHARED-PORT instead of PORT, with NUMBER as their
 * SSRC. HOST and PORT repeat c= and m=: when somebody between has put himself there, it does not
 * hold. An offer with it is answered with it by who shares a socket, too. */
void sdp_session_shared(struct sdp_session *s, uint16_t port, uint32_t number);

/* Turns encryption on or off and draws keys of our own. Before the first offer or answer. */
void sdp_session_srtp(struct sdp_session *s, enum sdp_srtp srtp);
/* Their packets carry an MKI of so many bytes (4 at most; 0: none) from the next offer or answer
 * on. */
void sdp_session_mki(struct sdp_session *s, uint8_t bytes);
/* They are good for so many packets, which far sides are told; 0: as many as a key can be. From the
 * next offer or answer on. */
void sdp_session_lifetime(struct sdp_session *s, uint64_t packets);
/* Other keys of ours, from the next offer on: that offer begins them. */
void sdp_session_rekey(struct sdp_session *s);
/* Wipes keys. */
void sdp_session_forget(struct sdp_session *s);
void sdp_negotiated_forget(struct sdp_negotiated *n);
/* From now on one codec only, named so in a=rtpmap and not known here. ERR_TOO_LONG; ERR_INVALID:
 * an empty name, a rate of 0, a payload type that is not dynamic. */
enum err sdp_session_raw(struct sdp_session *s, struct slice name, uint32_t rate_hz,
                         uint8_t channels, uint8_t pt, struct slice fmtp);

/* Our offer. The version of o= goes up by one when anything else differs from what was last
 * written (RFC 3264 8). ERR_INVALID when there is no codec, ERR_TOO_LONG when it does not fit. */
enum err sdp_write_offer(struct sdp_session *s, struct buf *out);

/* The peer offers: decides, fills *n and writes the answer. ERR_UNSUPPORTED when no media is usable
 * (answer 488; out then holds nothing, n->why says why, *s is unchanged). The answer names one
 * codec: the peer's first that is among ours, as the offerer's order is its preference (RFC
 * 3264 6.1); with own_order our first that is among the peer's. */
enum err sdp_answer(struct sdp_session *s, const struct sdp *offer, struct buf *out,
                    struct sdp_negotiated *n);

/* The peer answers our last offer. ERR_INVALID: not an answer to it (number or kind of medias);
 * ERR_UNSUPPORTED: it refused the audio or took no codec of ours. n->why says what. */
enum err sdp_apply_answer(struct sdp_session *s, const struct sdp *answer,
                          struct sdp_negotiated *n);

#endif
