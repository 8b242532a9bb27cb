/* The jitter buffer of a leg whose codec must be decoded packet by packet, in order: packets are
 * kept as they came, by timestamp. The delay follows the jitter by the rules of jitter.h; here a
 * packet is taken out whole, and the owner, who has decoded samples not played yet, says how many.
 *
 * Times are in ticks of the codec's RTP clock. Bounds: JITTER_PACKETS held, of JITTER_PACKET_BYTES
 * each. Pure: the caller brings the clock. One thread. */
#ifndef PEAL_MEDIA_JITTER_PACKETS_H
#define PEAL_MEDIA_JITTER_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#define JITTER_PACKETS      40   /* 400 ms in packets of 10 */
#define JITTER_PACKET_BYTES 1024 /* more is longer than what workers receive */

struct jitter_packet {
    bool held;
    uint16_t seq, len;
    uint32_t timestamp, ticks;
    uint8_t payload[JITTER_PACKET_BYTES];
};

struct jitter_packets {
    uint32_t clock_khz;
    bool started, playing, took; /* took: last_seq is that of what was last taken out */
    uint8_t late_run;
    uint16_t last_seq;
    uint32_t next_ts;  /* to be decoded next */
    uint32_t base;     /* least transit time seen */
    uint32_t creep_q8; /* by which base is let up, × 256 */
    uint32_t peak_q8;  /* decaying peak of delay above base, × 256 */
    uint64_t late, discarded, resyncs;
    struct jitter_packet packet[JITTER_PACKETS];
};

/* Forgets all packets; its counters go on. */
void jitter_packets_init(struct jitter_packets *j, uint32_t clock_khz);
/* A packet of `ticks` (above 0), come at `arrival` (ticks of the receiver's clock). */
void jitter_packets_put(struct jitter_packets *j, uint16_t seq, uint32_t timestamp, uint32_t ticks,
                        const uint8_t *payload, uint32_t len, uint32_t arrival);

/* Begins to play when it is time; false: not yet, or nothing has come. */
bool jitter_packets_play(struct jitter_packets *j, uint32_t now);
/* How far what is played lags behind what would be right, in ticks: above 0 it could be played
 * sooner. ahead: decoded and not played yet. */
int32_t jitter_packets_excess(const struct jitter_packets *j, uint32_t now, uint32_t ahead);
/* Present target of the delay. */
uint32_t jitter_packets_target(const struct jitter_packets *j);

/* The next packet in time. *gap: ticks between next_ts and its beginning, below 0 when a part of it
 * is over already. *lost: packets before it are missing, else the sender paused. NULL: none. */
const struct jitter_packet *jitter_packets_next(struct jitter_packets *j, int32_t *gap, bool *lost);
/* It was decoded; the pointer ends. */
void jitter_packets_taken(struct jitter_packets *j, const struct jitter_packet *p);
/* So many ticks were invented. */
void jitter_packets_pass(struct jitter_packets *j, uint32_t ticks);

#endif
