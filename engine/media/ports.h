/* Pairs of UDP ports for legs: RTP even, RTCP the next odd one (RFC 3550 section 11), each bound
 * as it is given out, in no order that could be guessed. A pair that was given back is used again
 * last, so that late packets of an ended call do not meet a new one. Control thread only. */
#ifndef PEAL_MEDIA_PORTS_H
#define PEAL_MEDIA_PORTS_H

#include "io/addr.h"

#define PORTS_TRIES_MAX 256 /* pairs found taken by others until we give up */

struct ports {
    uint16_t *free; /* ring of even ports */
    uint32_t capacity, head, count;
    uint8_t dscp;            /* mark of its sockets (io/mark.h); 0: none */
    uint64_t refused, taken; /* no pair left; a port somebody else holds */
};

/* ERR_INVALID: no even port in the range with its odd neighbour. */
enum err ports_init(struct ports *p, uint16_t min, uint16_t max);
void ports_fini(struct ports *p);

struct port_pair {
    struct addr local;
    int rtp, rtcp; /* sockets; rtcp -1 when muxed */
    struct ports *owner;
};
/* Binds at local's address. ERR_FULL; ERR_IO with errno (EADDRNOTAVAIL, EMFILE…). */
enum err ports_get(struct ports *p, const struct addr *local, bool mux, struct port_pair *out);
void ports_put(const struct port_pair *pair); /* to its owner; closes the sockets */

#endif
