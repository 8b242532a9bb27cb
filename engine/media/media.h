/* Media: the workers that carry audio, seen from the control thread.
 *
 * media_open starts worker threads, each with an io_uring loop of its own. A leg (media/leg.h)
 * lives on one worker. Commands go down and events come up through bounded rings (one pair a
 * worker); events are dispatched on the control thread, between turns of its loop, to the handler
 * of their leg. Nothing here blocks but media_open and media_close (thread start and join).
 *
 * Bounds: max_legs legs, the port range, the rings. What was refused is counted in media_metrics.
 * All functions: control thread only. */
#ifndef PEAL_MEDIA_MEDIA_H
#define PEAL_MEDIA_MEDIA_H

#include "base/hist.h"
#include "io/addr.h"
#include "io/loop.h"
#include "media/sound.h"

struct media;

#define MEDIA_WORKERS_MAX  64
#define MEDIA_ARCHIVES_MAX 8

struct prints; /* a library of known recordings, dsp/prints.h */

#define MEDIA_RANGES_MAX 48

struct media_range {   /* of ports at an address of ours; two may overlap, a taken port is passed by
                        */
    struct addr local; /* port ignored */
    uint16_t port_min, port_max; /* 0: 20000…39999 */
};

struct media_config {
    struct loop *loop; /* the control thread's */
    uint32_t workers;  /* 0: cores - 1, at least 1; one where sockets are shared */
    uint32_t pin_from; /* 0: threads are not pinned; n: worker i on core n - 1 + i */
    bool realtime;     /* workers run as SCHED_RR 1, where permitted: audio in time also on
                          a busy machine. Needs a core left for the control thread */
    struct addr local; /* default address of legs, port ignored; unset: 127.0.0.1 */
    uint16_t port_min, port_max;      /* RTP on even ports, RTCP on the next; 0: 20000…39999 */
    const struct media_range *ranges; /* further ones, 1, 2 … of media_leg_params.range */
    uint32_t range_count;             /* MEDIA_RANGES_MAX - 1 at most */
    uint32_t keep_alive_ms;           /* a leg that sends nothing for so long sends a sign of life
                                         (RFC 6263); 0: none */
    bool shared;                      /* legs at `local` may share one socket with a far end
                                         (media/shared.h); with one worker only */
    bool libsrtp2;                    /* SRTP by it, instead of by ours (media/srtp.h) */
    uint8_t dscp;                     /* mark of RTP and RTCP (io/mark.h); 0: none */
    uint32_t max_legs;                /* 0: 1024 */
    size_t sound_bytes_max;           /* of the sound cache; 0: its default */
    uint32_t archives;                /* threads that write recordings; 0: one for each worker */
    const struct prints *prints; /* legs that detect listen for them; NULL: none. Must be indexed
                                    and live as long as the media */
    bool count_foreign;          /* sockets stay unconnected, so that datagrams from foreign sources
                                    are seen and counted, at ~13 % more cycles a send; false: the
                                    kernel drops them once a leg has found its far end */
};

/* ERR_INVALID (port ranges), ERR_UNSUPPORTED (libsrtp2 is not there; shared with more than one
 * worker), ERR_NOMEM, ERR_IO (threads, rings, the shared socket), ERR_FULL (no port for it). */
enum err media_open(struct media **out, const struct media_config *config);
/* Ends what still lives without further events, joins the workers, closes every socket. Not from
 * inside an event handler. */
void media_close(struct media *m);

/* Sounds shared by all legs of this media. */
struct sound_cache *media_sounds(struct media *m);

/* Every worker's counters added up, at most half a second old. */
struct media_metrics {
    uint32_t legs, legs_peak;
    uint64_t legs_opened, legs_refused, ports_refused;
    uint32_t ports_free; /* pairs */
    uint64_t rtp_received, rtp_sent, rtp_relayed, rtp_invalid, rtp_rejected, rtcp_received,
        rtcp_sent, rtcp_invalid;
    uint64_t send_failed, receive_starved; /* kernel refused a send; ring of buffers ran dry */
    uint64_t srtp_forged, srtp_replayed, srtp_unsealed; /* see struct leg_stats */
    uint64_t shared_received, shared_sent; /* packets by the shared socket, of both kinds */
    uint64_t concealed, late, discarded;   /* 20 ms blocks; packets; packets beyond the buffer */
    uint64_t ticks, ticks_skipped;         /* slots of 1 ms; skipped: the worker fell behind */
    uint64_t commands_refused, events_dropped;
    uint64_t moves;                                /* legs that changed worker */
    uint64_t recordings, recordings_failed;        /* ended; of them not whole */
    uint64_t recorded_bytes, recording_lost_bytes; /* on the disk; of audio, lost */
    uint64_t recording_blocks_lost; /* of 20 ms, because the writing thread was behind */
    uint64_t recording_cpu_us;      /* of the threads that write them */
    uint32_t recordings_open, recording_complexity; /* of Opus, just now */
    uint64_t cpu_us;                                /* of the workers' threads */
    uint64_t at_us;                                 /* when a worker last told, steady clock */
    struct hist tick_late_us;                       /* start of a slot's work after its deadline */
    struct hist tick_work_us;                       /* length of a slot's work */
};
void media_metrics(struct media *m, struct media_metrics *out);
/* Begins the two histograms anew (benches, after warm-up). */
void media_metrics_restart(struct media *m);

/* User-space bytes of one leg while idle (opened, nothing received or wanted) and active
 * (detectors, jitter buffer, concealment, player), without a recording. */
size_t media_leg_bytes_idle(void);
size_t media_leg_bytes_active(void);

#endif
