/* The sending half of a UDP endpoint (io/udp.h).
 *
 * What one turn of the loop sends is gathered and leaves at its end. Datagrams of one length to one
 * peer ride together, as a train: one sendmsg with UDP_SEGMENT, which the kernel carries as one
 * packet as far as it can and cuts up where it must. A kernel or a path that does not do it is
 * found out by the error of the first train, sent again one by one, and remembered.
 *
 * Order: trains bring datagrams before others that were sent earlier. Those of one flow (a number
 * of the caller's, as one call) to one peer keep theirs; 0 is no flow. */
#ifndef PEAL_IO_UDP_SEND_H
#define PEAL_IO_UDP_SEND_H

#include "io/udp.h"

struct send_slot;

struct send_pool {
    unsigned char *mem;
    size_t bytes, slot_bytes;
    uint32_t slots, touched; /* slots never used yet are not on the free list: no page is touched */
    void *free;
};

struct udp_sender {
    struct loop *loop;
    struct udp_stats *stats;
    int fd;
    uint16_t family;
    struct loop_hook at_turn_end;
    struct send_pool small, large, trains;
    struct send_slot *first, *last;       /* gathered in this turn, in the order of udp_send */
    uint32_t gathered, flying;            /* datagrams; operations the kernel has */
    uint32_t train_segment_max;           /* longest datagram that rides in trains; 0: none does */
    void (*landed)(struct udp_sender *s); /* after each operation's end */
};

/* Pools for an open socket. On failure udp_sender_fini gives back what was got. */
enum err udp_sender_init(struct udp_sender *s, struct loop *l, int fd, uint16_t family,
                         struct udp_stats *stats, void (*landed)(struct udp_sender *s));
enum err udp_sender_send(struct udp_sender *s, const struct addr *to, uint32_t flow,
                         struct slice data);
void udp_sender_flush(struct udp_sender *s); /* plans what is gathered; the caller submits */
/* Sends what is gathered, and gathers no more. */
void udp_sender_close(struct udp_sender *s);
void udp_sender_fini(struct udp_sender *s); /* once nothing flies */

#endif
