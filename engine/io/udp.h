/* A UDP endpoint with many peers (SIP): multishot recvmsg into provided buffers; what a turn of the
 * loop sends leaves at its end, equal datagrams to one peer in trains (UDP GSO), and trains are
 * received as such (UDP GRO). Media legs have their own, connected sockets (media/), but for those
 * that share one (media/shared.h). */
#ifndef PEAL_IO_UDP_H
#define PEAL_IO_UDP_H

#include "io/addr.h"
#include "io/loop.h"

#define UDP_DATAGRAM_MAX 65507
#define UDP_RECEIVE_MAX  8192 /* larger datagrams are dropped and counted in `truncated` */

struct udp;
/* data is valid only during the call and has 1 writable NUL byte after it. */
typedef void udp_recv_fn(void *arg, const struct addr *from, char *data, uint32_t len);

struct udp_stats {
    uint64_t received, sent, truncated, starved, send_failed, send_refused; /* datagrams */
    uint64_t receive_calls, send_calls; /* operations of the kernel's that carried them */
};

/* local port 0: the system chooses; udp_local tells. Listens on what `local` says, nothing else. */
enum err udp_open(struct udp **out, struct loop *l, const struct addr *local, udp_recv_fn *recv,
                  void *arg);
void udp_mark(struct udp *u, uint8_t dscp); /* of what is sent from now on (io/mark.h) */
void udp_close(struct udp *u); /* frees once the kernel has let go of it; no callbacks after */
const struct addr *udp_local(const struct udp *u);

/* Copies data; ERR_FULL when the send pool is exhausted (counted), ERR_TOO_LONG. Datagrams of one
 * flow to one peer leave in the order of these calls; others, and those of flow 0, may overtake one
 * another within a turn. */
enum err udp_send(struct udp *u, const struct addr *to, uint32_t flow, struct slice data);
/* What was given to udp_send leaves with the next submission, and not with the turn's end. */
void udp_flush(struct udp *u);
const struct udp_stats *udp_stats(const struct udp *u);

#endif
