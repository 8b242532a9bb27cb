/* Packet captures: the frames of a pcap (both byte orders, µs and ns) or pcapng file, in the order
 * of the file. What they hold is read by media/net.h.
 *
 * A pure reader over the file's bytes: nothing is copied or allocated, lengths that lie end the
 * file. Any thread. */
#ifndef PEAL_MEDIA_CAPTURE_H
#define PEAL_MEDIA_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CAPTURE_INTERFACES_MAX 16 /* of one pcapng section; packets of further ones are skipped */

struct capture_end {
    uint8_t ip[16]; /* IPv4 in the first four bytes */
    uint8_t family; /* 4 or 6 */
    uint16_t port;
};

struct capture_link {
    uint32_t type; /* LINKTYPE_… of tcpdump.org */
    uint64_t units_a_second;
};

struct capture {
    const uint8_t *p;
    size_t len, at;
    bool is_ng, swapped;
    struct capture_link link[CAPTURE_INTERFACES_MAX];
    uint32_t links;
    uint64_t packets;
    const char *fault; /* why the file was not read to its end, a sentence without its full stop;
                          after packet number `packets`. NULL: it was */
};

struct capture_frame {
    uint64_t number;     /* in the file, from 1 */
    uint64_t at_us;      /* since 1970; 0 where the file does not say (simple packets of pcapng) */
    uint32_t link;       /* LINKTYPE_… of tcpdump.org */
    bool cut;            /* the capture kept less than there was on the wire */
    const uint8_t *data; /* inside the file */
    size_t len;
};

/* ERR_INVALID: neither pcap nor pcapng. */
enum err capture_open(struct capture *c, const uint8_t *p, size_t len);
/* False at the end of the file, or where it stops making sense. */
bool capture_next_frame(struct capture *c, struct capture_frame *out);

/* Is it one of the two, by its first bytes? */
bool capture_is(const uint8_t *p, size_t len);

#endif
