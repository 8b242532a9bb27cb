/* The worker's side of a leg: sockets, what is known of the far end, and the audio both ways.
 *
 * Two parts: `struct stream` is all an idle leg needs; `struct hearing` (jitter buffer,
 * concealment, player, detectors) comes with the first remote address. Both come from pools of the
 * control thread; ownership passes to a worker with COMMAND_OPEN or COMMAND_ADOPT and back with
 * MEDIA_EV_CLOSED or MESSAGE_LEFT.
 *
 * Latching: packets are taken from where SDP said, or from another source that sends
 * STREAM_PROBATION packets in order of one SSRC while nothing comes from SDP's (one address: a
 * NAT's other port; another address: only after STREAM_PATIENCE_US). Then the socket is connected,
 * and the kernel drops everybody else. After STREAM_SILENT_US without a packet it listens to all
 * again, but only the same SSRC or SDP's address may move the latch. A stream on the shared socket
 * (shared.h) has no latch and does not read its own. */
#ifndef PEAL_MEDIA_STREAM_H
#define PEAL_MEDIA_STREAM_H

#include "media/coding.h"
#include "media/event.h"
#include "media/jitter.h"
#include "media/keys.h"
#include "media/mixer.h"
#include "media/plc.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/seam.h"
#include "media/secure.h"
#include "media/tape.h"
#include "media/worker.h"

#define STREAM_BLOCK       160
#define STREAM_PROBATION   4
#define STREAM_PATIENCE_US 400000
#define STREAM_SILENT_US   600000
#define STREAM_NO_BUFFER   UINT16_MAX
#define STREAM_MISSED_MAX  10 /* rounds that are made up for after a move */
#define STREAM_PACKED_MAX  (LEG_PTIME_MAX_MS * 8 + STREAM_BLOCK)

struct packet_sending {    /* send_packets.c: of the player's first item */
    struct list_node node; /* in the worker's timed ones */
    bool listed, under_way;
    uint32_t at; /* packets that are gone */
    uint64_t begin_us;
    uint32_t ts; /* of the item's first packet */
    uint16_t seq;
};

struct hearing {
    struct stream *stream;
    struct packet_sending sending;
    struct plc plc;
    struct player player;
    struct tape *tape; /* NULL: nothing is recorded or remembered */
    struct event_receiver keys;
    struct key_pass pass;       /* of a bridge: the event that is being made for our far end */
    int16_t sent[STREAM_BLOCK]; /* what we said in this slot, while recording */
    uint8_t sent_db;            /* its level for the detectors, while the player plays */
    uint8_t packed[STREAM_PACKED_MAX]; /* audio waiting for a packet's length (ptime not 20 ms) */
    uint32_t packed_len, packed_ts;
    uint64_t blocks;           /* given to the detectors */
    struct prints_leg *prints; /* NULL: known recordings are not listened for */
    struct jitter jitter;
    struct dsp_state dsp;
};

enum stream_end { STREAM_STAYS, STREAM_LEAVES, STREAM_CLOSES };

struct candidate { /* a source on probation */
    struct addr from;
    uint32_t ssrc;
    uint16_t seq;
    uint8_t run;
};

struct stream {
    /* Given by the control thread before COMMAND_OPEN. */
    uint32_t index, generation;
    int rtp_fd, rtcp_fd; /* rtcp -1: muxed; the worker's from COMMAND_OPEN on */
    bool detect;
    const struct dsp_plan *plan;
    struct dsp_amd_config amd;
    uint64_t opened_us;
    uint32_t shared_number;  /* of what comes by the shared socket; 0: nothing may */
    struct hearing *hearing; /* NULL until the first COMMAND_REMOTE */

    /* Receiving. */
    struct worker *worker;
    struct list_node node; /* of the worker's streams */
    struct loop_op rtp_op, rtcp_op;
    bool rtp_armed, rtcp_armed;
    bool rtp_waits;   /* the armed receive stays until it is cancelled, see stream_arm */
    uint8_t read_run; /* packets of the present read */
    bool fixed;       /* the RTP socket is in the ring's table, at our index */
    bool rtcp_direct; /* RTCP's is there only, see stream_direct.c */
    bool has_remote, latched, connected, first_told, timed_out, listening, rx_alaw;
    bool comfort; /* the last packet was comfort noise (RFC 3389): what is missing now is no loss */
    struct media_remote remote;
    struct coding *rx;             /* of what comes; NULL: G.711 */
    uint8_t own_pt, own_event_pt;  /* what the far end calls the codec, and events */
    struct addr far_rtp, far_rtcp; /* where we send */
    struct candidate candidate;
    uint64_t remote_us, last_rtp_us;
    uint64_t read_us; /* when the RTP socket was last read empty: what came later is not older */
    uint64_t lost_before; /* of SSRCs that are gone */
    struct rtp_source source;
    struct quality quality;

    /* Sending. */
    uint8_t slot; /* WORKER_SLOTS: none */
    uint8_t slot_was;
    bool adopted; /* just now: rounds that passed on the way are made up for */
    uint32_t slot_at;
    uint32_t slot_ts; /* stream_now_ts of the last slot */
    bool muted, marker, event_active;
    bool hushed;           /* silence is not sent for want of something to play */
    uint64_t last_sent_us; /* of captured packets and whole slots */
    uint8_t phase;         /* enum dsp_phase */
    uint8_t event_code;
    uint16_t seq;
    bool shared;       /* it sends and receives by the shared socket */
    uint32_t own_ssrc; /* by its own socket */
    uint32_t ssrc, ts_base, last_ts, event_ts, event_duration;
    uint32_t sent_octets;
    uint32_t ticks;    /* of a block, by the clock of the codec that is sent */
    struct coding *tx; /* of the codec that is sent; NULL: G.711 */
    uint8_t far_loss_percent, complexity;
    struct impair *impair; /* NULL: what is sent leaves as it is */

    /* Signs of life, alive.c. */
    uint64_t alive_us, alive_due_us, alive_sent; /* alive_us 0: none */

    /* Bridge. */
    struct stream *peer;
    bool bridged_told, relaying, from_pcm;
    uint32_t relay_ssrc, relay_ts_off;
    uint16_t relay_seq_off;
    struct mix *mix;    /* conversation it is in, see mixer.h */
    struct level level; /* of what its far end says, for others */
    struct seam seam;
    uint8_t keys_across; /* enum media_keys */
    bool tone_passed;    /* an in-band key was passed as an event, and sounds still */

    /* SRTP; NULL: plain. */
    struct secure *out, *in, *in_before;
    uint64_t in_before_until_us;

    /* RTCP. */
    uint64_t rtcp_due_us, far_sr_us;
    uint32_t far_sr_mid;

    enum stream_end end;
    struct leg_stats stats;
};

/* Carries out a command addressed to a stream. */
void stream_command(struct worker *w, const struct command *c);

/* A slot's work: sending, and then listening (blocks go to the worker's batch). */
void stream_send_slot(struct stream *s);
void stream_hear_slot(struct stream *s);
/* Sends what the detectors heard. */
void stream_heard(struct stream *s, const struct dsp_event *e);

/* Cache lines wanted soon; each relies on the one before it having been asked for earlier. */
static inline void stream_fetch_lines(const void *p, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64)
        __builtin_prefetch((const char *)p + at, 1);
}

static inline void stream_fetch(const struct stream *s)
{
    stream_fetch_lines(s, sizeof(*s));
}

/* Session keys: what comes is opened with, what goes is sealed with. */
static inline void stream_fetch_key(const struct srtp *key)
{
    stream_fetch_lines(key, offsetof(struct srtp, source) + sizeof(struct srtp_source));
}

static inline void stream_fetch_player(const struct stream *s)
{
    const struct player *p = &s->hearing->player;

    stream_fetch_lines(p, offsetof(struct player, queue) + sizeof(struct player_item));
    __builtin_prefetch(&s->hearing->tape);
    if (s->out)
        stream_fetch_key(&s->out->srtp);
}

static inline void stream_fetch_jitter(const struct stream *s)
{
    stream_fetch_lines(&s->hearing->jitter, offsetof(struct jitter, present));
    __builtin_prefetch(&s->hearing->plc.at, 1);
}

/* Where a packet's audio will be stored. */
static inline void stream_fetch_place(const struct stream *s, uint32_t timestamp)
{
    const struct jitter *j = &s->hearing->jitter;
    uint32_t at = timestamp & (JITTER_SAMPLES - 1);

    __builtin_prefetch(&j->present[at / 64], 1);
    stream_fetch_lines(j->data + at, STREAM_BLOCK);
}

static inline void stream_fetch_audio(const struct stream *s)
{
    const struct jitter *j = &s->hearing->jitter;
    const struct plc *plc = &s->hearing->plc;
    uint32_t at = j->play_ts & (JITTER_SAMPLES - 1);

    __builtin_prefetch(&j->present[at / 64], 1);
    stream_fetch_lines(j->data + at, STREAM_BLOCK + 63);
    stream_fetch_lines(plc->block[(plc->at + 1) % 3], sizeof(plc->block[0]));
}

/* Between the files of this room: */
/* receive.c: starts receiving, if it is not under way. Of a bridged stream RTP is waited for, else
 * what has come is read, once; so this is called in every slot. */
void stream_arm(struct stream *s);
void stream_disarm(struct stream *s);
/* A packet that came by the shared socket, in the worker's arena with room for a trailer. */
void stream_take_shared(struct stream *s, const struct addr *from, uint8_t *p, uint32_t len);
void stream_read(struct stream *s);      /* what has come, now; not from inside a callback */
void stream_wait_over(struct stream *s); /* it is bridged no more */
void stream_ahead(struct loop_op *op, enum loop_ahead ahead); /* for loop_set_ahead */
void stream_fix(struct stream *s, bool in); /* in or out of the ring's table of files */
/* stream_direct.c */
bool stream_direct_possible(struct io_uring *ring);
void stream_direct_take(struct stream *s);       /* RTCP's socket into the ring's table */
int stream_direct_place(const struct stream *s); /* of it there */
/* It gets a number again, for another worker; false: stream_finish is called again when it has. */
bool stream_direct_give(struct stream *s);
void stream_direct_close(struct stream *s);
void stream_direct_send(struct stream *s, const uint8_t *p, uint32_t n, const struct addr *to);
void stream_remote_changed(struct stream *s); /* receive.c: forgets the latch */
void stream_check_silence(struct stream *s);
bool stream_wants_pcm(const struct stream *s);
void stream_listen(struct stream *s); /* starts or stops the jitter buffer */
/* relay.c: hands a packet on to the peer. true: its buffer is held until it is sent.
 * STREAM_NO_BUFFER: it is in the arena, as of stream_take_shared. */
bool stream_relay(struct stream *from, const struct rtp_packet *p, uint8_t *payload, bool is_event,
                  uint16_t buffer);
void stream_send(struct stream *s, uint8_t payload_type, bool marker, uint32_t ts,
                 const uint8_t *payload, uint32_t n); /* send.c */
/* p must stay until the submission is over. */
void stream_send_bytes(struct stream *s, const uint8_t *p, uint32_t n);
void stream_push_bytes(struct stream *s, const uint8_t *p, uint32_t n); /* without counting it */
void stream_bridge_told(struct stream *s);
uint32_t stream_rounds_missed(const struct stream *s); /* since its last slot */
void stream_collect(struct stream *s); /* moves the jitter buffer's counters into the statistics */
uint32_t stream_now_ts(const struct stream *s);
uint32_t stream_delay_ms(const struct stream *s); /* from mouth to ear, estimated */
void stream_rtcp_slot(struct stream *s);          /* stream_rtcp.c */
void stream_rtcp_take(struct stream *s, const uint8_t *p, size_t len, uint64_t arrived_us);
void stream_rtcp_bye(struct stream *s);
void stream_tell(struct stream *s, enum media_event_kind kind);
void stream_play_ended(struct stream *s, const struct player_item *item, enum err err);
void stream_finish(struct stream *s); /* tells when a leaving or closing stream is free */
bool stream_sends(const struct stream *s);
void stream_alive_slot(struct stream *s);         /* alive.c */
uint8_t stream_lost(struct stream *s, bool gone); /* hear.c: flags of a block that did not come */
/* stream_coding.c: legs whose codec is not G.711. */
void stream_set_codec(struct stream *s, struct coding *c); /* after s->remote has changed */
/* What comes is of that coder from now on (NULL: G.711, of that law). */
void stream_source(struct stream *s, struct coding *c, bool alaw);
void stream_forget_heard(struct stream *s); /* what comes next has nothing to do with it */
bool stream_coded_take(struct stream *s, const struct rtp_packet *p, uint64_t arrived_us);
uint8_t stream_coded_hear(struct stream *s, bool gone); /* a block; its flags for the detectors */
void stream_coded_collect(struct stream *s);
void stream_coded_say(struct stream *s, uint32_t ts, const int16_t *pcm, const int16_t *wide);
const int16_t *stream_wide(const struct stream *s); /* the peer's block at 16 kHz; NULL: none */
void stream_far_loss(struct stream *s, uint32_t fraction); /* in 256ths, as the far end reports */
uint32_t stream_clock_khz(const struct stream *s);         /* of what comes */
/* Are what one hears and what another says of one codec, so that packets pass as they are? */
bool stream_passes(const struct stream *from, const struct stream *to);
/* Likewise packets of RFC 4733: not where clocks differ. */
bool stream_passes_events(const struct stream *from, const struct stream *to);
/* send_packets.c */
static inline bool stream_on_packets(const struct stream *s)
{
    return player_on_packets(&s->hearing->player);
}
void stream_packets_begin(struct stream *s, uint64_t at_us); /* harmless when begun */
void stream_packets_stop(struct stream *s);                  /* harmless when there are none */
void stream_packets_adopted(struct stream *s);

#endif
