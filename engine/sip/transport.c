/* The wire of a user agent on real sockets: one UDP endpoint, and with tcp a listener on the same
 * port and connections to where requests go, one a destination, used again in both directions.
 * Responses go back over the connection their request came by, which is found by its far end.
 *
 * Connections beyond CONNECTIONS_MAX close the one that was idle longest. */
#include <stdlib.h>

#include "io/loop.h"
#include "io/tcp.h"
#include "io/udp.h"
#include "sip/core.h"

#define CONNECTIONS_MAX 2048

struct connection {
    struct hash_node node;
    struct list_node used; /* least recently used first */
    struct sip_transport_state *owner;
    struct tcp *tcp;
    struct addr remote;
    struct sip_framer framer;
};

struct sip_transport_state {
    struct sip_ua *ua;
    struct loop *loop;
    struct udp *udp;
    struct tcp_listener *listener;
    struct pool pool;
    struct hash_table by_remote;
    struct list used;
};

static uint64_t remote_hash(const struct sip_transport_state *t, const struct addr *a)
{
    return hash_bytes(t->ua->seed, &a->in6, addr_len(a));
}

static bool same_remote(const struct hash_node *n, const void *key)
{
    return addr_eq(&container_of(n, struct connection, node)->remote, key);
}

static struct connection *find(struct sip_transport_state *t, const struct addr *remote)
{
    struct hash_node *n = hash_find(&t->by_remote, remote_hash(t, remote), same_remote, remote);

    return n ? container_of(n, struct connection, node) : NULL;
}

static void forget(struct connection *c)
{
    hash_remove(&c->owner->by_remote, &c->node);
    list_remove(&c->used);
    pool_put(&c->owner->pool, c);
}

static void touch(struct connection *c)
{
    list_remove(&c->used);
    list_push_back(&c->owner->used, &c->used);
}

static int64_t on_bytes(void *arg, struct tcp *tcp, char *data, uint32_t len)
{
    struct connection *c = arg;
    struct sip_ua *ua = c->owner->ua;
    struct sip_path from = {.addr = c->remote, .tcp = true};
    uint32_t done = 0;

    touch(c);
    while (done < len) {
        struct sip_frame f = sip_frame(&c->framer, data + done, len - done, SIP_UA_MESSAGE_MAX);
        if (f.kind == SIP_FRAME_MORE)
            break;
        if (f.kind == SIP_FRAME_BAD) {
            ua->stats.malformed++;
            log_warn("sip", "the stream of a peer is no SIP; its connection is closed", "why=%s",
                     f.what ? f.what : "unknown");
            return -1;
        }
        if (f.kind == SIP_FRAME_PING)
            tcp_send(tcp, SLICE("\r\n"));
        else if (f.kind == SIP_FRAME_MESSAGE)
            sip_ua_receive(ua, &from, data + done, f.len);
        done += f.len;
    }
    return done;
}

static void on_closed(void *arg, struct tcp *tcp, enum err why)
{
    struct connection *c = arg;
    struct sip_ua *ua = c->owner->ua;
    struct sip_path to = {.addr = c->remote, .tcp = true};

    (void)tcp;
    (void)why;
    forget(c);
    sip_ua_wire_failed(ua, &to);
}

static const struct tcp_handler connection_handler = {.received = on_bytes, .closed = on_closed};

static struct connection *make(struct sip_transport_state *t, const struct addr *remote)
{
    struct connection *c;

    if (t->pool.used == t->pool.capacity) {
        struct connection *oldest = container_of(list_first(&t->used), struct connection, used);
        tcp_close(oldest->tcp);
        forget(oldest);
    }
    c = pool_get(&t->pool);
    if (!c)
        return NULL;
    c->owner = t;
    c->remote = *remote;
    list_node_init(&c->used);
    if (hash_insert(&t->by_remote, &c->node, remote_hash(t, remote)) != OK) {
        pool_put(&t->pool, c);
        return NULL;
    }
    list_push_back(&t->used, &c->used);
    return c;
}

static void on_accepted(void *arg, struct tcp *tcp)
{
    struct connection *c = make(arg, tcp_remote(tcp));

    if (!c) {
        tcp_close(tcp);
        return;
    }
    c->tcp = tcp;
    tcp_set_handler(tcp, &connection_handler, c);
}

static enum err send_tcp(struct sip_transport_state *t, const struct addr *to, struct slice data)
{
    struct connection *c = find(t, to);
    enum err e;

    if (!c) {
        c = make(t, to);
        if (!c)
            return ERR_FULL;
        e = tcp_connect(&c->tcp, t->loop, to, &connection_handler, c);
        if (e != OK) {
            forget(c);
            return e;
        }
    }
    touch(c);
    return tcp_send(c->tcp, data);
}

static enum err wire_send(void *arg, const struct sip_path *to, struct slice data)
{
    struct sip_transport_state *t = arg;

    return to->tcp ? send_tcp(t, &to->addr, data) : udp_send(t->udp, &to->addr, to->flow, data);
}

static const struct sip_wire sockets = {.send = wire_send};

static void on_datagram(void *arg, const struct addr *from, char *data, uint32_t len)
{
    struct sip_transport_state *t = arg;
    struct sip_path path = {.addr = *from};

    sip_ua_receive(t->ua, &path, data, len);
}

void sip_transport_close(struct sip_transport_state *t)
{
    if (!t)
        return;
    list_each(n, tmp, &t->used)
    {
        struct connection *c = container_of(n, struct connection, used);
        tcp_close(c->tcp);
        forget(c);
    }
    if (t->listener)
        tcp_unlisten(t->listener);
    if (t->udp)
        udp_close(t->udp);
    hash_table_fini(&t->by_remote);
    pool_fini(&t->pool);
    free(t);
}

uint64_t sip_transport_calls(const struct sip_transport_state *t)
{
    return udp_stats(t->udp)->send_calls;
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

/* With port 0 the system chooses one for UDP; TCP must get the same. */
static enum err open_sockets(struct sip_transport_state *t, struct addr *local, bool tcp)
{
    enum err e = udp_open(&t->udp, t->loop, local, on_datagram, t);

    if (e != OK)
        return e;
    *local = *udp_local(t->udp);
    return tcp ? tcp_listen(&t->listener, t->loop, local, &listener_handler, t) : OK;
}

enum err sip_ua_open(struct sip_ua **out, struct loop *l, const struct sip_ua_config *config)
{
    struct sip_transport_state *t = calloc(1, sizeof *t);
    struct sip_ua_config c = *config;
    bool any_port = !addr_port(&config->local);
    enum err e = ERR_NOMEM;

    if (!t)
        return ERR_NOMEM;
    t->loop = l;
    list_init(&t->used);
    if (pool_init(&t->pool, sizeof(struct connection), CONNECTIONS_MAX) != OK ||
        hash_table_init(&t->by_remote, CONNECTIONS_MAX) != OK)
        goto fail;
    for (int tries = 0; tries < 16; tries++) {
        c.local = config->local;
        e = open_sockets(t, &c.local, c.tcp);
        if (e == OK || !any_port || !t->udp)
            break;
        udp_close(t->udp);
        t->udp = NULL;
    }
    if (e != OK)
        goto fail;
    e = sip_ua_open_on(out, &l->wheel, l->clock, &sockets, t, &c);
    if (e != OK)
        goto fail;
    t->ua = *out;
    t->ua->transport = t;
    return OK;
fail:
    sip_transport_close(t);
    return e;
}
