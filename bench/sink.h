/* A far end that belongs to nobody: it answers every INVITE at once, naming one of its own ports
 * for audio, sends no audio, and notes when each RTP packet arrived by the kernel's stamp. What two
 * generators sent is so judged by the same clock, which is neither one's. A thread of its own, on
 * one core; it looks once a millisecond, which costs little and blurs nothing, since the stamps are
 * made when packets arrive.
 *
 * A stream is a port of the sender, one of ours, and an SSRC. Of each packet in the measured time:
 * its spacing (from the packet before, against 20 ms for each step of the sequence number) and its
 * offset on the stream's own timetable (against the packet of it that was earliest). Control
 * thread: everything here. */
#ifndef PEAL_BENCH_SINK_H
#define PEAL_BENCH_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"

#define SINK_STREAMS_MAX 65536
#define SINK_PACKETS_MAX 2000000 /* in the measured time; more are counted and not judged */
#define SINK_FAR_OFF_US  19000   /* nearly a packet's time: two come together, or a gap of two */

struct sink;

struct sink_figures {
    double seconds;
    uint64_t packets, streams; /* heard in the measured time */
    uint64_t missing;          /* by sequence numbers */
    uint64_t far_off;          /* spacings SINK_FAR_OFF_US and more from 20 ms */
    uint64_t calls_ended;      /* BYEs */
    uint64_t overrun;          /* that our own sockets dropped: the figures are worth nothing */
    struct hist spacing_us, offset_us;
};

struct sink *sink_open(uint32_t core);       /* NULL: no memory or no sockets */
uint16_t sink_port(const struct sink *s);    /* for SIP, of 127.0.0.1 */
uint64_t sink_streams(const struct sink *s); /* begun so far */
void sink_begin(struct sink *s);
void sink_end(struct sink *s, struct sink_figures *f);
void sink_close(struct sink *s); /* NULL is fine */

#endif
