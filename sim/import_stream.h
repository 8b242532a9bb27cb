/* SIP over TCP in a capture: the bytes of each direction of a connection in their order, cut into
 * messages. Segments that come twice are left out, those that come early wait; where some are
 * missing for good, the stream goes on at the next segment that begins with a SIP message.
 *
 * Bounds: STREAMS_MAX directions at once (the one that was silent longest makes room),
 * STREAM_BYTES_MAX of one message, STREAM_EARLY_MAX segments that wait. One thread. */
#ifndef PEAL_SIM_IMPORT_STREAM_H
#define PEAL_SIM_IMPORT_STREAM_H

#include "media/net.h"
#include "sip/message.h"

#define STREAMS_MAX      256
#define STREAM_BYTES_MAX (2u * SIP_MESSAGE_MAX)
#define STREAM_EARLY_MAX 32

struct stream_counts {
    uint64_t segments, not_sip, tls, again, early, gaps, evicted, bad;
    uint64_t first_gap; /* packet number; 0: none */
};

struct tcp_stream;
struct streams {
    struct tcp_stream *stream[STREAMS_MAX];
    struct stream_counts count;
};

/* Called for each message; `p` may be changed by the parser. */
typedef void stream_message_fn(void *arg, const struct net_packet *p, char *data, size_t len);

void streams_init(struct streams *s);
void streams_free(struct streams *s);
void streams_take(struct streams *s, const struct net_packet *p, stream_message_fn *fn, void *arg);

/* Does it begin with the first line of a SIP message, as far as it is there? */
bool sip_begins(const uint8_t *p, size_t len);

#endif
