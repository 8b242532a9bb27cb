/* peal-bench media, the rows of a relay: legs bridged in pairs, each packet of one sent on to the
 * far end of the other, beside a bare io_uring relay of the same packets and, where it is
 * installed, rtpengine, all in the same run on the same core. Two more only pass packets on: by the
 * legs' own sockets, and by one that all legs share with the generator (media/shared.h). */
#ifndef PEAL_BENCH_MEDIA_RELAY_H
#define PEAL_BENCH_MEDIA_RELAY_H

#include "bench/bench.h"
#include "media/srtp.h"

struct relay_options {
    uint32_t legs, rounds, workers;
    bool detect;
    bool opus;  /* recordings, else WAV */
    bool alone; /* one of these was asked for by name: no other rows */
    enum srtp_suite suite;
};

/* --record, --detect, --workers; false: one is wrong, which is said. */
bool relay_options_read(struct bench *b, struct relay_options *out);
void bench_media_relay(struct bench *b, const struct relay_options *o);

#endif
