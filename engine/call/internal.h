/* What the files of this room share: the call and its environment. Not for other rooms. */
#ifndef PEAL_CALL_INTERNAL_H
#define PEAL_CALL_INTERNAL_H

#include "base/list.h"
#include "base/pool.h"
#include "call/call.h"
#include "media/leg.h"
#include "media/media.h"
#include "sip/offer.h"
#include "sip/session.h"
#include "sip/ua.h"

struct call_places {                               /* place.c */
    struct sip_home_config homes[CALL_PLACES_MAX]; /* of the places but the first */
    struct addr told[CALL_PLACES_MAX];             /* in SDP; unset: where the leg is */
    struct media_range ranges[CALL_PLACES_MAX + CALL_PORTS_MAX]; /* likewise but the first's */
    uint8_t place_of[CALL_PORTS_MAX];
    uint32_t count, range_count, ports_count;
};

#define CLEAR_PEERS_MAX 64 /* whose keys in clear are not told again */

struct call_env {
    struct loop *loop;
    struct sip_ua *ua;
    struct media *media;
    struct sound_cache *sounds;   /* media's, or of a modelled line */
    const struct call_line *line; /* NULL: SIP and media, both there */
    struct pool calls;
    struct list live;
    const struct dsp_plan *plan;
    const struct prints *prints; /* NULL: none */
    struct call_places places;
    char sip_host[ADDR_TEXT_MAX]; /* "127.0.0.1:5060" as URIs want it, of the first place */
    void (*incoming)(void *arg, struct call *c);
    void *arg;
    struct call_env_stats stats;
    struct rng rng;
    enum call_srtp srtp;
    bool tls, refuses_clear_keys;
    uint8_t srtp_mki;
    uint32_t rekey_ms; /* 0: never */
    uint64_t srtp_lifetime;
    struct addr clear_peer[CLEAR_PEERS_MAX];
    uint32_t clear_peers; /* ever */
    struct sdp_codecs codecs;
};

struct call {
    struct list_node node; /* in env->live */
    struct call_env *env;
    struct sip_session *session; /* NULL once it has ended and been released */
    struct media_leg *leg;       /* NULL once it is closed */
    struct line *line;           /* instead of both where the line is modelled (line.c) */
    bool leg_closing;
    bool clear;        /* the signalling is not TLS */
    bool keys_refused; /* encryption is required, and may not be */
    uint8_t place;     /* the leg's */
    call_handler_fn *handler;
    void *arg;
    enum call_state state;
    char last_digit; /* key last told, who told it and when: see call_digit */
    bool last_digit_by_info;
    uint64_t last_digit_us;
    bool hold_wanted, hold_offered; /* by us; an offer that says so waits for its answer */
    enum sdp_codec codec;           /* that was agreed on last */
    bool outgoing, detect, released, remote_set, held, answer_sent, rtp_seen;
    uint64_t start_us;     /* INVITE sent or received */
    uint64_t leg_start_us; /* the leg's time zero */
    struct sdp_session sdp;
    struct addr remote; /* the far end's RTP as last agreed */
    struct timer ring_timer, rekey_timer;
    struct call_event ended; /* told once session and leg are both gone */
    uint32_t marks_noted;    /* in the recording's index, bits of enum call_mark */
    bool masked;
    uint32_t refusals;
    struct call_refusal { /* of an offer that is to come */
        uint32_t nth;
        uint16_t code;
    } refusal[CALL_REFUSALS_MAX];
    struct call_record record;
};

/* place.c */
enum sip_nat call_nat_policy(enum call_nat nat);
enum err places_read(struct call_places *to, const struct call_env_config *c);
/* The media's range for a leg at that place; ports: of call_env_config.ports, from 1; 0: any. */
uint8_t places_range(const struct call_places *p, uint8_t place, uint8_t ports);
const struct addr *places_told(const struct call_places *p, uint8_t place); /* NULL: the leg's */

/* env.c */
struct call_made {
    bool outgoing, detect;
    const struct dsp_plan *plan;      /* NULL: the environment's */
    const struct dsp_amd_config *amd; /* NULL: defaults */
    uint8_t place, ports;             /* see struct call_dial */
    bool tls;                         /* its signalling goes over TLS */
};
struct call *call_new(struct call_env *env, const struct call_made *made);
/* Tells CALL_EV_ENDED (or frees, when already released) once nothing of the call is left. */
void call_finish_if_gone(struct call *c);
void call_free(struct call *c);

/* call.c */
uint32_t call_ms(const struct call *c, uint64_t us); /* monotonic µs → ms since the INVITE */
uint32_t call_now_ms(const struct call *c);
void call_mark_once(struct call *c, enum call_mark m, uint32_t at_ms);
void call_tell(struct call *c, const struct call_event *e);
void call_close_leg(struct call *c);

/* A key by RTP or in band, or by INFO. Gateways send one key both ways: it is told once. */
void call_digit(struct call *c, char digit, bool by_info);

/* signalling.c */
void call_on_sip(void *arg, struct sip_session *s, const struct sip_event *e);
/* Writes the answer to an offer into text (SDP_TEXT_MAX) and points the leg to the far end. */
enum err call_answer_offer(struct call *c, struct slice offer, char *text, struct slice *answer);
void call_sdp_init(struct call *c, enum call_srtp srtp);
/* payload.c: codecs of the call that is dialled, by the environment's list, its own, and the
 * other's. */
void call_choose_codecs(struct call *c, const struct call_dial *dial);

/* misbehave.c: an offer has come: the code to refuse it with; 0: none. */
uint16_t call_refusal_now(struct call *c);

/* refer.c */
void call_on_refer(struct call *c, const struct sip_event *e);

/* audio.c */
void call_on_media(void *arg, struct media_leg *leg, const struct media_event *e);
enum err call_point_leg(struct call *c, const struct sdp_negotiated *n);

/* conference.c: the far side has answered an offer of ours, or refused it. */
void call_hold_settled(struct call *c, bool taken);

/* recording.c */
void call_record_key(struct call *c, char digit);
void call_recorded(struct call *c, const struct media_event *e);

/* keys.c: gives the leg the keys that were agreed on, or none. */
enum err call_secure_leg(struct call *c, const struct sdp_negotiated *n);
/* What of `wanted` may be, on the way the call goes. */
enum call_srtp call_srtp_here(struct call *c, enum call_srtp wanted);
void call_note_refused_keys(struct call *c);
void call_rekey_start(struct call *c);
void call_rekey(struct call *c); /* offers other keys now, if it can be done */

#endif
