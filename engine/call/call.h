/* One call: a SIP dialog and a media leg under one roof, with what was heard on it.
 *
 * Both sides of the wire use it: the dialer's attempts and agent legs, flows, and the simulator's
 * callees, callers and agents. Control thread only. The owner gets events through one handler,
 * which may be changed while the call lives (dialer → flow → dialer). After CALL_EV_ENDED no
 * further event comes; the owner then calls call_release, which frees the call. */
#ifndef PEAL_CALL_CALL_H
#define PEAL_CALL_CALL_H

#include "base/rng.h"
#include "call/record.h"
#include "dsp/dsp.h"
#include "io/addr.h"
#include "io/loop.h"
#include "sip/codecs.h"

#define CALL_CONTACT_USER "peal"
/* What a call may still have queued for the far side is the leg's bound, LEG_QUEUE_MAX. */

struct sip_ua;
struct media;
struct tls_config;
struct call;
struct call_env;
struct call_line;
struct sound_cache;
struct media_impair;
struct media_record;
struct sip_meddle;

/* Encryption of the audio, its keys in the session description (RFC 4568). */
enum call_srtp {
    CALL_SRTP_OFF,
    CALL_SRTP_OFFERED, /* keys beside RTP/AVP: a far side that does not know them is heard, too */
    CALL_SRTP_REQUIRED /* RTP/SAVP, or the call is refused */
};

#define CALL_MKI_MAX      4
#define CALL_REKEY_MS_MIN 1000
#define CALL_REKEY_MS_MAX 86400000

/* A far side behind a NAT: requests go to where its messages come from. */
enum call_nat {
    CALL_NAT_AUTO, /* when it says a private address and comes from another */
    CALL_NAT_YES,
    CALL_NAT_NO
};

enum call_state {
    CALL_STATE_IDLE,     /* made, nothing sent or answered yet (incoming: INVITE has come) */
    CALL_STATE_DIALLING, /* INVITE sent */
    CALL_STATE_RINGING,  /* 18x seen (or sent) */
    CALL_STATE_UP,       /* answered */
    CALL_STATE_ENDING,
    CALL_STATE_ENDED
};

enum call_event_kind {
    CALL_EV_PROGRESS, /* outgoing: provisional response; code 100…199 */
    CALL_EV_ANSWERED, /* outgoing: 200 with usable SDP; incoming: ACK has come */
    CALL_EV_MEDIA,    /* the first RTP packet has come (again after a change of far end) */
    CALL_EV_HEARD,    /* heard: one dsp event other than DSP_DTMF; times are since the leg began */
    CALL_EV_DTMF,     /* digit, whether RFC 4733, in band or INFO; one key is told once */
    CALL_EV_PLAYED,   /* what call_play/tone/silence/send_dtmf queued is done; cookie */
    CALL_EV_RECORDED, /* recording is closed; seconds, err */
    CALL_EV_HOLD,     /* far side put us on hold (on true) or took us back */
    CALL_EV_REFER,    /* far side asks us to call refer_to; it was answered with code */
    CALL_EV_REFERRED, /* code: how the far side answered our call_refer */
    CALL_EV_NOTIFIED, /* code: what it tells of that; from 200 on it is over */
    CALL_EV_BRIDGED,  /* first packet of the peer reached this call */
    CALL_EV_ENDED     /* code: SIP status of the failure, 0 after answer; q850; by */
};

struct call_event {
    enum call_event_kind kind;
    uint16_t code, q850;
    enum call_ender by;
    char digit;
    bool on;
    enum err err;
    uint32_t cookie;
    double seconds;
    const struct dsp_event *heard;
    struct slice refer_to; /* valid during the event */
};
typedef void call_handler_fn(void *arg, struct call *c, const struct call_event *e);

/* An address of ours that calls leave from and come to: of another family, or another interface. A
 * call to a family that its place is not of leaves by the first place that is. */
#define CALL_PLACES_MAX 8
struct call_place {
    struct addr sip, sip_advertised; /* advertised: in Via and Contact; unset: sip */
    struct addr tls;                 /* where TLS is listened for; unset: sip's host, any port */
    struct addr media, media_advertised; /* ports ignored; media unset: sip's host */
    uint16_t port_min, port_max;         /* 0: as the first place */
};

#define CALL_PORTS_MAX 32
struct call_ports { /* media ports for some calls */
    uint8_t place;
    uint16_t min, max;
};

struct call_env_config {
    struct loop *loop;
    /* The first place. */
    struct addr sip_local;      /* UDP, and TCP on the same port when tcp is set */
    struct addr sip_advertised; /* in Via and Contact; unset: sip_local */
    struct addr media_advertised;
    const struct call_place *places; /* further ones, 1, 2 … */
    uint32_t place_count;            /* CALL_PLACES_MAX - 1 at most */
    const struct call_ports *ports;  /* ranges of call_dial.ports, 1, 2 … */
    uint32_t ports_count;
    enum call_nat nat;            /* of incoming calls */
    uint32_t media_alive_ms;      /* media_config.keep_alive_ms */
    uint8_t sip_dscp, media_dscp; /* marks (io/mark.h); 0: none */
    bool tcp;
    const char *user_agent;                  /* NULL: "Peal/VERSION" */
    struct addr media_local;                 /* port ignored */
    uint16_t media_port_min, media_port_max; /* RTP on even ports */
    uint32_t media_workers;                  /* 0: cores - 1, at least 1 */
    bool media_shared; /* audio with engines that say so, too, by one socket (media/shared.h): one
                          worker, and at the first place, where its media is not advertised */
    uint32_t max_calls;
    const struct tls_config *tls; /* io/tls.h: SIP over TLS; NULL: none */
    struct addr tls_local;    /* where it is listened for, given a certificate; unset: sip_local's
                                 host, any port */
    enum call_srtp srtp;      /* of incoming calls, and at least of outgoing ones */
    struct sdp_codecs codecs; /* by preference, of calls that have no list of their own; none:
                                 A-law, then µ-law, and answers go by the far end's order */
    bool refuses_clear_keys; /* of SRTP, where the signalling is not TLS: offered ones are left out,
                                required ones are a refusal */
    uint8_t srtp_mki;        /* bytes of MKI in our packets, CALL_MKI_MAX at most; 0: none */
    uint32_t rekey_ms;       /* other keys so often, by re-INVITE; 0: never */
    uint64_t srtp_lifetime;  /* packets by one key of ours (told to far sides), then another by
                                re-INVITE; 0: 2^48 */
    bool libsrtp2;           /* of media_config */
    const char *tone_plan;   /* default plan of detectors */
    const struct prints *prints;  /* known recordings (dsp/prints.h), lives as long as the
                                     environment; NULL: none */
    const struct call_line *line; /* calls on a modelled line (call/line.h) instead of SIP and
                                     media, whose members here are then not used; NULL: real */
    /* Incoming INVITEs; NULL: refused with 480. Called with the call in CALL_STATE_IDLE: set a
     * handler and answer in any of the ways below, now or later. */
    void (*incoming)(void *arg, struct call *c);
    void *arg;
};

enum err call_env_open(struct call_env **out, const struct call_env_config *config);
/* Hangs up every call, as call_hangup. Their owners get their events as the ends come. */
void call_env_hangup_all(struct call_env *env);
/* Forgets what still lives, at once: end the calls first when the far sides should know. */
void call_env_close(struct call_env *env);
struct loop *call_env_loop(struct call_env *env);
struct sip_ua *call_env_ua(struct call_env *env);   /* NULL: the line is modelled */
struct media *call_env_media(struct call_env *env); /* likewise */
struct sound_cache *call_env_sounds(struct call_env *env);
const char *call_env_host(const struct call_env *env); /* own "host:port", as URIs want it */
uint32_t call_env_count(const struct call_env *env);   /* calls alive */
uint32_t call_env_peak(const struct call_env *env);

struct call_env_stats {
    uint64_t dialled, incoming;
    uint64_t refused_full;  /* no room for another call, leg or port pair */
    uint64_t refused_media; /* an offer without audio that we can speak: 488 */
    uint64_t clear_keys;    /* calls whose keys of SRTP went without TLS */
    uint64_t clear_keys_refused;
    uint64_t rekeyed;
    uint64_t answered_unusable; /* a 200 whose SDP cannot be used */
};
const struct call_env_stats *call_env_stats(const struct call_env *env);

/* What the audio is made of. PCMU and PCMA at 8000 Hz: that law is preferred. Any other is offered
 * and accepted alone and not decoded: only captured packets (call_play_packets) can be sent. */
struct call_payload {
    const char *name; /* as in a=rtpmap: "opus" */
    uint32_t rate_hz;
    uint8_t channels;
    uint8_t pt;       /* of our offers, 96…127; answers take the offer's */
    const char *fmtp; /* parameters of a=fmtp; NULL: none */
};

struct call_dial {
    const char *to_uri;       /* request URI: "sip:number@host:port" */
    struct addr via;          /* where to send it (trunk, outbound proxy); unset: from the URI */
    bool tcp, tls;            /* neither: by the URI's transport parameter, else UDP */
    const char *from_user;    /* caller id shown */
    const char *from_display; /* NULL: none */
    const char *from_host;    /* NULL: own address */
    const char *asserted;     /* P-Asserted-Identity URI, NULL: none */
    const char *auth_user, *auth_password; /* digest, NULL: none */
    const char *headers;                   /* extra "Name: value\r\n" lines, NULL: none */
    const char *call_id;                   /* from call_new_id; NULL: made by SIP */
    uint32_t ring_timeout_ms;              /* then CANCEL; 0: 180 s (RFC 3261 timer C) */
    const struct dsp_amd_config *amd;      /* NULL: defaults */
    const char *tone_plan;                 /* NULL: the environment's */
    bool detect;                           /* run detectors (early media, answer analysis) */
    bool late_offer;                       /* INVITE without SDP */
    enum call_srtp srtp;                   /* at least this */
    const struct call_payload *payload;    /* of the audio; NULL: A-law, then µ-law */
    enum call_nat nat;
    uint32_t keep_alive_ms; /* OPTIONS within the call so often: a far side that is gone ends it,
                               and its NAT keeps the way open; 0: none */
    uint8_t place;          /* that it leaves by; 0: the first of the right family */
    uint8_t
        ports; /* of call_env_config.ports, from 1, when they are that place's; 0: the place's */
    const struct sdp_codecs *codecs; /* by preference; NULL: the environment's */
    const struct call *alike; /* it will be bridged with that one: its codec comes first if it is
                                 among ours, so that nothing need be coded anew; NULL: none */
    uint8_t redirects;        /* Contacts of 3xx that are tried, of the same number only; 0: none */
};

/* Sends the INVITE. No event comes from inside this call. */
enum err call_dial(struct call_env *env, const struct call_dial *dial, call_handler_fn *handler,
                   void *arg, struct call **out);

/* A Call-ID that no call has had, for owners who must write it down before they dial. cap at least
 * CALL_ID_MAX. */
#define CALL_ID_MAX 128
void call_new_id(struct call_env *env, char *dst, size_t cap);

void call_set_handler(struct call *c, call_handler_fn *handler, void *arg);
/* Gives the call back after CALL_EV_ENDED; earlier, it hangs up and no further event comes. */
void call_release(struct call *c);

/* Incoming calls; the two numbers, of both kinds. */
struct slice call_called_number(const struct call *c);            /* user part of the request URI */
struct slice call_caller_number(const struct call *c);            /* user part of From */
struct slice call_header(const struct call *c, const char *name); /* of the INVITE; empty: none */
enum err call_ring(struct call *c, uint16_t code); /* 180, 181, 182 or 183 without media */
enum err call_progress(struct call *c);            /* 183 with SDP: audio flows before answer */
enum err call_answer(struct call *c);
/* Incoming calls, before call_progress and call_answer. ERR_STATE, ERR_TOO_LONG, ERR_INVALID. */
enum err call_set_payload(struct call *c, const struct call_payload *p);
/* Codecs by preference instead of the environment's, likewise. ERR_STATE. */
enum err call_set_codecs(struct call *c, const struct sdp_codecs *codecs);
enum err call_reject(struct call *c, uint16_t code, const char *reason, uint16_t q850);
/* 503: there is no room just now, there may be in so many seconds. */
enum err call_reject_for_now(struct call *c, uint32_t retry_after_s, uint16_t q850);

/* Ends a call in any state the right way (CANCEL, BYE or a refusal). q850 0: normal clearing. */
void call_hangup(struct call *c, uint16_t q850);

/* Audio out. Queued one after the other on the leg; each ends with CALL_EV_PLAYED and its cookie
 * (also when stopped, then err is ERR_CANCELLED). */
struct sound; /* a loaded recording, media/sound.h */
struct call_tone {
    uint16_t freq_hz[2];    /* second may be 0 */
    int16_t level_ddb;      /* dBm0 × 10, of each */
    uint32_t on_ms, off_ms; /* off_ms 0 and on_ms: one burst */
    uint32_t total_ms;      /* 0: one cycle */
};
/* What is heard while somebody is called: the North American ringback (Telcordia GR-506). */
struct call_tone call_ringback(uint32_t total_ms);
enum err call_play(struct call *c, const struct sound *s, bool loop, uint32_t cookie);
enum err call_play_tone(struct call *c, const struct call_tone *t, uint32_t cookie);
enum err call_play_silence(struct call *c, uint32_t ms, uint32_t cookie);
struct packets; /* captured RTP, media/packets.h */
enum err call_play_packets(struct call *c, const struct packets *p, uint32_t clock_hz,
                           uint32_t cookie);
enum err call_send_dtmf(struct call *c, struct slice digits, bool in_band, uint32_t on_ms,
                        uint32_t gap_ms, uint32_t cookie);
void call_stop_audio(struct call *c); /* drops the queue; pending cookies are reported cancelled */
void call_mute(struct call *c, bool on); /* on: no RTP is sent at all (a line with no media) */
void call_hush(struct call *c, bool on); /* on: none while nothing is played */

/* Misbehaving on purpose, for simulators. ERR_STATE where the call is not such a one. */
enum err call_impair(struct call *c, const struct media_impair *impair); /* media/leg.h */
enum err call_meddle(struct call *c, const struct sip_meddle *rule);     /* sip/meddle.h */
/* As above for a call that is not dialled yet, by the Call-ID it will have. */
enum err call_meddle_before(struct call_env *env, const char *call_id,
                            const struct sip_meddle *rule);
/* An incoming call that is not answered: its CANCEL will be taken and not followed. */
enum err call_defy_cancel(struct call *c);
bool call_cancel_defied(const struct call *c); /* it has come */
/* A response to the INVITE that came, in any state and without changing it. phrase, tag "": the
 * standard one, ours. */
enum err call_respond(struct call *c, uint16_t code, const char *phrase, const char *tag);

/* BYE may leave before the ACK of our 200 has come: call_answer, then call_hangup. */
enum err call_defy_ack(struct call *c);
/* The nth offer within the call (re-INVITE, UPDATE; 1: the next) is refused. ERR_FULL: more than
 * CALL_REFUSALS_MAX wait. */
#define CALL_REFUSALS_MAX 16
enum err call_refuse_offer(struct call *c, uint32_t nth, uint16_t code);

/* Transfers by the far side (REFER, RFC 3515). Whom a REFER leads to is the owner's: nothing is
 * dialled here. */
enum err call_refer(struct call *c, struct slice to);     /* asks it to call a URI; ERR_INVALID */
enum err call_take_refers(struct call *c, uint16_t code); /* how its own are answered; 0: 405 */
enum err call_notify(struct call *c, uint16_t code);      /* how what it asked for goes */

/* Listening. */
void call_detect(struct call *c, enum dsp_phase phase);
void call_want_beep(struct call *c, bool wanted);

/* Recording (media/record.h; left: far side, right: what we send or the bridged peer). The call's
 * Call-ID stands in the index, and so do its marks, its keys and what the owner adds. */
enum err call_record_start(struct call *c, const struct media_record *how);
void call_record_stop(struct call *c); /* CALL_EV_RECORDED follows */
/* From now on the latest of the call is remembered, for the recording that may begin later. */
enum err call_record_arm(struct call *c, uint32_t prebuffer_ms);
/* Both sides are silence in the recording while it is on, and keys are not noted. */
void call_record_mask(struct call *c, bool on);
bool call_record_is_masked(const struct call *c);
void call_record_note(struct call *c, const char *event, const char *detail);
void call_record_marks(struct call *c); /* after marks were set in the record by others */

/* Two calls hear each other from now on; each one's own playing stops. */
enum err call_bridge(struct call *a, struct call *b);
void call_unbridge(struct call *c); /* both sides; harmless when not bridged */

/* More than two. c comes into the conversation that `with` is in (bridged, in a conference, or
 * alone so far); in it already, c's part changes at once. What a call of a conference plays is
 * heard by its far side over the others. c leaves by call_unbridge or with its end; two who are
 * left are bridged as before. ERR_STATE: c is in another conversation, or one of them has no audio;
 * ERR_FULL: more than MIX_MEMBERS_MAX (media/mix.h); ERR_UNSUPPORTED: on a modelled line. */
enum err call_conference(struct call *c, struct call *with); /* all hear each other */
enum err call_listen(struct call *c, struct call *with);     /* c hears all, nobody hears c */
enum err call_whisper(struct call *c, struct call *with);    /* c hears all, `with` alone hears c */
unsigned call_together(const struct call *c); /* how many are in c's conversation; 0: none */
/* The keys of c's far side are for c's owner: they are not passed on to whom it talks to. */
enum err call_keep_keys(struct call *c);
/* As call_play, but the far side hears it over whom it talks to, instead of in their place. */
enum err call_prompt(struct call *c, const struct sound *s, bool loop, uint32_t cookie);
/* How loud the others hear c's far side; with agc it is brought to the usual level (media/mix.h).
 */
enum err call_gain(struct call *c, int gain_db, bool agc);

/* Hold by re-INVITE (sendonly) and back. Changed again before the far side has answered: told when
 * it has. A far side that refuses it leaves all as it was. */
enum err call_hold(struct call *c, bool on);
/* c leaves its conversation and is held; it hears `music` in a loop (NULL: nothing). And back: with
 * whom c talks then (into their conversation, when they are in one), or NULL. */
enum err call_park(struct call *c, const struct sound *music);
enum err call_unpark(struct call *c, struct call *with);

/* Looking. */
enum call_state call_state(const struct call *c);
bool call_is_outgoing(const struct call *c);
struct call_env *call_env_of(const struct call *c);
struct slice call_id(const struct call *c); /* SIP Call-ID */
uint32_t call_age_ms(const struct call *c); /* since INVITE was sent or received */
uint32_t call_mark_at(const struct call *c, enum call_mark m); /* CALL_TIME_NONE: not yet */
/* The evidence so far; the dialer adds who-and-what and the final result to its own copy. */
struct call_record *call_record_of(struct call *c);
void *call_arg(const struct call *c); /* of the present handler */

#endif
