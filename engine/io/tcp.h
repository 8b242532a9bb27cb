/* TCP connections and listeners on the loop. Receives into a growing but bounded buffer per
 * connection: the owner takes whole messages from its front (framing is the owner's). Sends are
 * queued, bounded by TCP_SEND_MAX bytes a connection. */
#ifndef PEAL_IO_TCP_H
#define PEAL_IO_TCP_H

#include "io/addr.h"
#include "io/loop.h"

#define TCP_RECEIVE_MAX (256 * 1024)
#define TCP_SEND_MAX    (1024 * 1024)

struct tcp;
struct tcp_listener;

struct tcp_handler {
    /* The whole unconsumed input; returns how many bytes were consumed (0: wait for more), or a
     * negative number to have the connection closed (ERR_INVALID). */
    int64_t (*received)(void *arg, struct tcp *t, char *data, uint32_t len);
    void (*connected)(void *arg, struct tcp *t);
    /* Last callback; t is freed after it. OK: orderly end by the far side. */
    void (*closed)(void *arg, struct tcp *t, enum err why);
};

struct tcp_listener_handler {
    /* Set the connection's handler with tcp_set_handler inside the call, or tcp_close it. */
    void (*accepted)(void *arg, struct tcp *t);
};

enum err tcp_listen(struct tcp_listener **out, struct loop *l, const struct addr *local,
                    const struct tcp_listener_handler *handler, void *arg);
void tcp_unlisten(struct tcp_listener *ln);
const struct addr *tcp_listener_local(const struct tcp_listener *ln);
/* What it accepts from now on is marked so (io/mark.h). */
void tcp_listener_mark(struct tcp_listener *ln, uint8_t dscp);

enum err tcp_connect(struct tcp **out, struct loop *l, const struct addr *to,
                     const struct tcp_handler *handler, void *arg);
/* The same from an address of our own (port ignored; NULL: the system's choice), marked so. */
struct tcp_from {
    struct addr host;
    uint8_t dscp; /* io/mark.h */
};
enum err tcp_connect_from(struct tcp **out, struct loop *l, const struct addr *to,
                          const struct tcp_from *from, const struct tcp_handler *handler,
                          void *arg);
/* Over a Unix socket (private redis-server, control sockets). */
enum err tcp_connect_unix(struct tcp **out, struct loop *l, const char *path,
                          const struct tcp_handler *handler, void *arg);
void tcp_set_handler(struct tcp *t, const struct tcp_handler *handler, void *arg);
enum err tcp_send(struct tcp *t, struct slice data); /* copies; ERR_FULL, ERR_CLOSED */
void tcp_close(struct tcp *t);                       /* no callback follows */
const struct addr *tcp_remote(const struct tcp *t);
const struct addr *tcp_local(const struct tcp *t);

#endif
