/* The network layers of a capture: from the frames of a file to whole UDP datagrams and TCP
 * segments. Ethernet (VLAN tags), Linux cooked (both versions), raw IP and loopback links; IPv4 and
 * IPv6, fragments put together again. Everything else is counted by what it was.
 *
 * Data lies in the file, or, of what came in fragments, in copies that live until net_close: at
 * most NET_COPIES_MAX bytes. At most NET_PARTIAL_MAX datagrams wait for fragments, each for
 * NET_PARTIAL_US of the capture's time. One thread. */
#ifndef PEAL_MEDIA_NET_H
#define PEAL_MEDIA_NET_H

#include "base/arena.h"
#include "media/capture.h"

#define NET_COPIES_MAX  (64u * 1024 * 1024)
#define NET_PARTIAL_MAX 64
#define NET_PARTIAL_US  30000000u

struct net_packet {
    uint64_t number, at_us; /* of the last fragment */
    struct capture_end from, to;
    const uint8_t *data;
    size_t len;
    bool tcp;
    bool syn, fin, rst;
    uint32_t seq;
};

struct net_counts {
    uint64_t frames, udp, tcp;
    uint64_t fragments;    /* frames that held one */
    uint64_t incomplete;   /* datagrams whose other fragments never came */
    uint64_t cut;          /* the capture kept only their beginning (tcpdump -s) */
    uint64_t other;        /* neither UDP nor TCP over IP */
    uint64_t broken;       /* lengths that do not add up */
    uint64_t strange_link; /* of links that are not known here */
    uint64_t refused;      /* no room for fragments */
    uint64_t first_broken, first_cut, first_strange_link; /* packet numbers; 0: none */
};

struct net_partial;
struct net {
    struct capture capture;
    struct arena copies;
    struct net_partial *partial[NET_PARTIAL_MAX];
    struct net_counts count;
};

/* ERR_INVALID: neither pcap nor pcapng. The bytes must outlive the net. */
enum err net_open(struct net *n, const uint8_t *p, size_t len);
void net_close(struct net *n);
/* False at the end; n->capture.fault then says whether the file was whole. */
bool net_next(struct net *n, struct net_packet *out);

/* "127.0.0.1:5060"; cap at least 64. */
const char *net_end_format(const struct capture_end *e, char *dst, size_t cap);
static inline bool net_end_eq(const struct capture_end *a, const struct capture_end *b)
{
    return a->family == b->family && a->port == b->port &&
           __builtin_memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

#endif
