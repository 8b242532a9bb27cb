/* A UDP endpoint with many peers (SIP): multishot recvmsg into provided buffers, sends batched into
 * the loop's next submit. Media legs have their own, connected sockets (media/). */
#ifndef PEAL_IO_UDP_H
#define PEAL_IO_UDP_H

#include "io/addr.h"
#include "io/loop.h"

#define UDP_DATAGRAM_MAX 65507
#define UDP_RECEIVE_MAX 8192 /* larger datagrams are dropped and counted in `truncated` */

struct udp;
/* data is valid only during the call and has 1 writable NUL byte after it. */
typedef void udp_recv_fn(void *arg, const struct addr *from, char *data, uint32_t len);

struct udp_stats {
    uint64_t received, sent, truncated, starved, send_failed, send_refused;
};

/* local port 0: the system chooses; udp_local tells. Listens on what `local` says, nothing else. */
enum err udp_open(struct udp **out, struct loop *l, const struct addr *local, udp_recv_fn *recv,
                  void *arg);
void udp_close(struct udp *u); /* frees once the kernel has let go of it; no callbacks after */
const struct addr *udp_local(const struct udp *u);

/* Copies data; ERR_FULL when the send pool is exhausted (counted), ERR_TOO_LONG. */
enum err udp_send(struct udp *u, const struct addr *to, struct slice data);
const struct udp_stats *udp_stats(const struct udp *u);

#endif
