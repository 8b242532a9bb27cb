/* One leg: the audio of one call, an RTP and an RTCP socket and what is done with them.
 *
 * Life: media_leg_open binds the sockets at once, so that SDP can be written from media_leg_local;
 * media_leg_set_remote, when the far end is known, starts receiving and sending: 20 ms packets of
 * silence until something is played, the peer of a bridge speaks, or the leg is muted. After
 * media_leg_close no event comes but MEDIA_EV_RECORDED (if a recording was open) and then
 * MEDIA_EV_CLOSED, with which the pointer ends; the port pair is free again from then on.
 *
 * What is played is a queue (LEG_QUEUE_MAX items): sounds, tones, silences and DTMF, one after the
 * other; every item ends in exactly one MEDIA_EV_PLAYED with its cookie. A cookie of 0 asks for
 * no event. Control thread only; no event is delivered from inside these functions. */
#ifndef PEAL_MEDIA_LEG_H
#define PEAL_MEDIA_LEG_H

#include "base/slice.h"
#include "dsp/dsp.h"
#include "media/codec.h"
#include "media/media.h"
#include "media/quality.h"
#include "media/record.h"
#include "media/srtp.h"
#include "media/xr.h"

#define LEG_QUEUE_MAX       16
#define LEG_DIGITS_MAX      32
#define LEG_PTIME_MAX_MS    60
#define LEG_RTP_TIMEOUT_MS  5000
#define LEG_NO_PAYLOAD_TYPE 0xff

struct media_leg;
struct packets; /* captured RTP, media/packets.h */

struct leg_stats {
    uint64_t received, sent, relayed;    /* RTP packets; relayed ones are in sent too */
    uint64_t received_bytes, sent_bytes; /* payload */
    uint64_t lost;                       /* by sequence numbers (RFC 3550 A.3), never negative */
    uint64_t late;                       /* came after their turn to be played */
    uint64_t duplicate;
    uint64_t rejected;  /* from a foreign source */
    uint64_t invalid;   /* not RTP, or an unknown payload type */
    uint64_t discarded; /* too far ahead for the jitter buffer */
    uint64_t concealed; /* 20 ms blocks */
    uint64_t recovered; /* gaps that the redundancy in Opus told of */
    uint64_t forged;    /* SRTP whose tag is wrong, or no SRTP at all; RTCP too */
    uint64_t replayed;  /* SRTP that was here before, or is older than the window; RTCP too */
    uint64_t unsealed;  /* not sent: the key's stream for it is used up */
    uint64_t send_failed;
    uint64_t kept_alive; /* packets that only kept a NAT's way open; in sent, too */
    uint64_t made_lost, made_duplicate, made_reordered; /* by media_leg_impair, on their way out */
    uint32_t jitter_us;                                 /* RFC 3550 interarrival jitter */
    uint32_t rtt_us;                                    /* last, by RTCP; 0: unknown */
    uint32_t far_jitter_us;                             /* as the far end reports it */
    uint32_t far_lost;
    uint32_t playout_delay_ms;      /* jitter buffer's present target */
    struct quality_figures quality; /* of what came in */
    struct xr_voip far_xr;          /* the far end's last word on what we send, RFC 3611 */
    bool has_far_xr;
    bool shared;         /* they went by the shared socket, at least for a time */
    struct addr latched; /* where packets really come from */
};

enum media_event_kind {
    MEDIA_EV_FIRST_RTP,   /* first valid packet (again after media_leg_set_remote with a new end) */
    MEDIA_EV_HEARD,       /* heard: any detector event but DSP_DTMF */
    MEDIA_EV_DTMF,        /* digit: RFC 4733 or in band, one event a key */
    MEDIA_EV_PLAYED,      /* cookie; err ERR_CANCELLED when stopped, ERR_FULL when refused */
    MEDIA_EV_RECORDED,    /* seconds, err, sys_errno, lost_bytes; ERR_TIMEOUT: the leg is closed and
                             the disk still has not taken it all */
    MEDIA_EV_RTP_TIMEOUT, /* nothing for LEG_RTP_TIMEOUT_MS although expected; once a gap */
    MEDIA_EV_BRIDGED,     /* first packet from the peer (the mix) was sent to this leg's far end */
    MEDIA_EV_KEY_WORN,    /* a key of SRTP is near its end: give another (secure.h) */
    MEDIA_EV_CLOSED       /* last: stats */
};

struct media_event {
    enum media_event_kind kind;
    uint64_t at_us; /* monotonic, when it happened on the worker */
    char digit;
    enum err err;
    int sys_errno;
    uint32_t cookie;
    double seconds;
    uint64_t lost_bytes;
    struct dsp_event heard;        /* start_ms, end_ms: since media_leg_open; leg: 0 */
    const struct leg_stats *stats; /* MEDIA_EV_CLOSED only */
};
typedef void media_handler_fn(void *arg, struct media_leg *leg, const struct media_event *e);

struct media_leg_params {
    bool detect;                      /* detector state is made; phase DSP_OFF at first */
    const struct dsp_plan *plan;      /* NULL: "us" */
    const struct dsp_amd_config *amd; /* NULL: dsp_amd_defaults; copied */
    const struct addr *local;         /* NULL: the range's; port ignored */
    uint8_t range;                    /* of media_config.ranges, from 1; 0: the default */
    bool rtcp_mux;                    /* no socket for RTCP: it shares RTP's port (RFC 5761) */
};

/* ERR_FULL: no leg or no port pair left (counted); ERR_IO: socket refused, errno tells. In
 * MEDIA_EV_CLOSED the leg is freed already: its pointer may be compared, not used. */
enum err media_leg_open(struct media *m, const struct media_leg_params *params,
                        media_handler_fn *handler, void *arg, struct media_leg **out);
void media_leg_set_handler(struct media_leg *l, media_handler_fn *handler, void *arg);
void media_leg_close(struct media_leg *l);

uint16_t media_leg_port(const struct media_leg *l); /* RTP; RTCP is the next unless muxed */
const struct addr *media_leg_local(const struct media_leg *l);

/* Where far ends that know how may send this leg's packets instead, with which SSRC
 * (media_config.shared). False: it has its own socket only. */
struct media_shared {
    uint16_t port; /* at the leg's address */
    uint32_t number;
};
bool media_leg_shared(const struct media_leg *l, struct media_shared *out);

enum media_direction { MEDIA_INACTIVE = 0, MEDIA_SEND = 1, MEDIA_RECEIVE = 2, MEDIA_SENDRECV = 3 };

struct media_remote {
    struct addr rtp;            /* as SDP says; packets may come from elsewhere, see leg latching */
    struct addr rtcp;           /* unset: RTP's port + 1, or RTP's with rtcp_mux */
    enum media_codec codec;     /* sent; both G.711 laws are understood on receipt */
    uint8_t payload_type;       /* of the codec */
    uint8_t receive_pt;         /* our number, which the far end sends by; 0: the same */
    uint8_t event_pt;           /* telephone-event, LEG_NO_PAYLOAD_TYPE: none */
    uint8_t receive_event_pt;   /* likewise; 0: the same */
    uint8_t event_khz;          /* its clock; 0: 8 */
    uint8_t ptime_ms;           /* of what we send: 10…LEG_PTIME_MAX_MS in tens; 0: 20 */
    uint8_t direction;          /* enum media_direction, ours */
    struct codec_wishes wishes; /* of the far end, for Opus */
    struct addr shared;         /* the far end's shared socket: all packets go there, with this as
                                   their SSRC, and come from there to ours; unset: own sockets.
                                   Only where media_leg_shared holds */
    uint32_t shared_number;
    bool opaque; /* the payload is neither law: it is counted, and only captured packets are sent */
};
/* May be called again (re-INVITE, answer after early media). ERR_UNSUPPORTED: the far end is of
 * another family than the leg, or the leg has no shared socket. */
enum err media_leg_set_remote(struct media_leg *l, const struct media_remote *remote);

/* From now on packets are SRTP: `out` seals what this leg sends, `in` opens what comes; both NULL:
 * plain RTP. Whoever agreed on the keys (SDES, DTLS-SRTP) calls this before media_leg_set_remote
 * that goes with them. The same two again change nothing: counters and windows go on. After a
 * change, what was sealed by the keys before is taken for two more seconds. The keys are copied
 * and wiped with the leg. ERR_INVALID, ERR_NOMEM; ERR_FULL: changed faster than the worker
 * follows; ERR_STATE: closing. */
enum err media_leg_set_keys(struct media_leg *l, const struct srtp_key *out,
                            const struct srtp_key *in);
bool media_leg_is_secure(const struct media_leg *l);

/* Playing. ERR_FULL: LEG_QUEUE_MAX items wait; ERR_INVALID. */
enum err media_leg_play(struct media_leg *l, const struct sound *s, bool loop, uint32_t cookie);
/* As above; while bridged, the peer is heard too, under it. */
enum err media_leg_play_over(struct media_leg *l, const struct sound *s, bool loop,
                             uint32_t cookie);
struct media_tone {
    uint16_t freq_hz[2];    /* second may be 0 */
    int16_t level_ddb;      /* dBm0 × 10, of each frequency */
    uint32_t on_ms, off_ms; /* off_ms 0: continuous while it lasts */
    uint32_t total_ms;      /* 0: one cycle */
};
enum err media_leg_tone(struct media_leg *l, const struct media_tone *t, uint32_t cookie);
/* Sends captured packets by their own clock and milliseconds. From then on the leg is hushed. */
enum err media_leg_play_packets(struct media_leg *l, const struct packets *p, uint32_t clock_hz,
                                uint32_t cookie);
enum err media_leg_silence(struct media_leg *l, uint32_t ms, uint32_t cookie);
/* digits: 0-9 * # A-D, at most LEG_DIGITS_MAX. RFC 4733 unless in_band, or the far end takes none.
 */
enum err media_leg_dtmf(struct media_leg *l, struct slice digits, bool in_band, uint32_t on_ms,
                        uint32_t gap_ms, uint32_t cookie);
void media_leg_stop(struct media_leg *l);          /* empties the queue; items end cancelled */
void media_leg_mute(struct media_leg *l, bool on); /* on: no RTP leaves at all */
void media_leg_hush(struct media_leg *l, bool on); /* on: no silence while nothing is played */

/* A bad network on what leaves (media/impair.h), for simulators. */
struct media_impair {
    uint64_t seed;
    double loss;                  /* share of the packets, 0…1 */
    double burst;                 /* packets of a burst on average; below 1: lost one by one */
    uint32_t delay_ms, jitter_ms; /* of all; at most so much more, evenly, in order */
    double reorder;               /* share that is held back reorder_ms */
    uint32_t reorder_ms;
    double duplicate;  /* share that comes twice */
    int32_t drift_ppm; /* of the sender's clock; above 0: too fast */
};
/* Whether bursts of that length can lose that share: a good packet is between any two of them. */
bool media_impair_possible(const struct media_impair *config);
/* All zero: ends it. ERR_INVALID: not possible; ERR_STATE: closing; ERR_NOMEM. */
enum err media_leg_impair(struct media_leg *l, const struct media_impair *config);

/* Listening (needs params.detect). */
void media_leg_phase(struct media_leg *l, enum dsp_phase phase);
void media_leg_want_beep(struct media_leg *l, bool wanted);

/* Recording (media/record.h says how). A disk that fails or is slow costs the recording, never the
 * call; how much, MEDIA_EV_RECORDED tells. A leg takes its recording along to another worker.
 * ERR_STATE: one is running, or the leg closes; ERR_TOO_LONG: the path; ERR_FULL: as many
 * recordings as legs are waiting for the disk; ERR_NOMEM, ERR_IO: no thread to write them. */
enum err media_leg_record(struct media_leg *l, const struct media_record *how);
void media_leg_record_stop(struct media_leg *l); /* MEDIA_EV_RECORDED follows */
/* From now on the leg remembers its latest prebuffer_ms (RECORD_PREBUFFER_MAX_MS at most), with
 * which its next recording begins. Costs 33 kB a second, once there is audio. ERR_STATE: it
 * remembers already, or records. */
enum err media_leg_record_arm(struct media_leg *l, uint32_t prebuffer_ms);
/* Both sides are silence in the recording (and in what is remembered for one) while it is on. */
void media_leg_record_mask(struct media_leg *l, bool on);
/* A line for the recording's index: what happened, when by the steady clock. Harmless without one.
 */
void media_leg_record_mark(struct media_leg *l, uint64_t at_us, const char *event,
                           const char *detail);
bool media_leg_is_recording(const struct media_leg *l);

/* From now on each hears the other; items queued on either are cancelled first (ones queued later
 * are heard instead of the peer). Legs of different workers: one moves to the other's.
 * ERR_STATE: one is bridged already, or closing. */
enum err media_bridge(struct media_leg *a, struct media_leg *b);
void media_unbridge(struct media_leg *l); /* both sides, or out of a mix; harmless otherwise */

#endif
