/* The wire of a user agent on real sockets: for each of its homes one UDP endpoint, and with tcp a
 * listener on the same port; and connections to where requests go, one a destination, used again in
 * both directions. Responses go back over the connection their request came by, which is found by
 * its far end.
 *
 * TLS has a listener of its own, on another port, and connections of its own. A far side that does
 * not prove who it is is told to nobody but the log: what was to be sent there fails.
 *
 * Connections beyond CONNECTIONS_MAX close the one that was idle longest. */
#include <stdlib.h>

#include "io/loop.h"
#include "io/tcp.h"
#include "io/tls.h"
#include "io/udp.h"
#include "sip/core.h"

#define CONNECTIONS_MAX 2048
#define TLS_NAMES_MAX   64

struct connection {
    struct hash_node node;
    struct list_node used; /* least recently used first */
    struct sip_transport_state *owner;
    struct tcp *tcp; /* one of them */
    struct tls *tls;
    struct sip_path path;
    struct sip_framer framer;
};

struct door { /* of one home */
    struct sip_transport_state *owner;
    uint8_t home;
    struct udp *udp;
    struct tcp_listener *listener, *tls_listener;
};

struct sip_transport_state {
    struct sip_ua *ua;
    struct loop *loop;
    struct door doors[SIP_HOMES_MAX];
    uint32_t ndoors;
    uint8_t dscp;
    struct tls_context *tls;
    struct {
        struct addr server;
        const char *name;
    } names[TLS_NAMES_MAX];
    uint32_t nnames;
    struct pool pool;
    struct hash_table by_remote;
    struct list used;
};

static uint64_t remote_hash(const struct sip_transport_state *t, const struct sip_path *to)
{
    return hash_bytes(t->ua->seed, &to->addr.in6, addr_len(&to->addr));
}

static bool same_remote(const struct hash_node *n, const void *key)
{
    const struct sip_path *have = &container_of(n, struct connection, node)->path, *want = key;

    return have->tls == want->tls && have->home == want->home && addr_eq(&have->addr, &want->addr);
}

static struct connection *find(struct sip_transport_state *t, const struct sip_path *to)
{
    struct hash_node *n = hash_find(&t->by_remote, remote_hash(t, to), same_remote, to);

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

static enum err say(struct connection *c, struct slice data)
{
    return c->tls ? tls_send(c->tls, data) : tcp_send(c->tcp, data);
}

static void hang_up(struct connection *c)
{
    tls_close(c->tls);
    tcp_close(c->tcp);
}

static int64_t take(struct connection *c, char *data, uint32_t len)
{
    struct sip_ua *ua = c->owner->ua;
    struct sip_path from = c->path;
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
            say(c, SLICE("\r\n"));
        else if (f.kind == SIP_FRAME_MESSAGE)
            sip_ua_receive(ua, &from, data + done, f.len);
        done += f.len;
    }
    return done;
}

static int64_t on_bytes(void *arg, struct tcp *tcp, char *data, uint32_t len)
{
    (void)tcp;
    return take(arg, data, len);
}

static int64_t on_clear(void *arg, struct tls *tls, char *data, uint32_t len)
{
    (void)tls;
    return take(arg, data, len);
}

static void gone(struct connection *c)
{
    struct sip_ua *ua = c->owner->ua;
    struct sip_path to = c->path;

    forget(c);
    sip_ua_wire_failed(ua, &to);
}

static void on_closed(void *arg, struct tcp *tcp, enum err why)
{
    (void)tcp;
    (void)why;
    gone(arg);
}

static void on_tls_closed(void *arg, struct tls *tls, enum err why)
{
    struct connection *c = arg;
    char text[ADDR_TEXT_MAX];

    if (tls_why(tls)[0]) {
        c->owner->ua->stats.tls_refused += why == ERR_AUTH;
        log_warn("sip", "a TLS connection ended", "peer=%s why=\"%s\"",
                 addr_format(&c->path.addr, text, sizeof text), tls_why(tls));
    }
    gone(c);
}

static const struct tcp_handler connection_handler = {.received = on_bytes, .closed = on_closed};
static const struct tls_handler tls_connection_handler = {.received = on_clear,
                                                          .closed = on_tls_closed};

static struct connection *make(struct sip_transport_state *t, const struct sip_path *to)
{
    struct connection *c;

    if (t->pool.used == t->pool.capacity) {
        struct connection *oldest = container_of(list_first(&t->used), struct connection, used);
        hang_up(oldest);
        forget(oldest);
    }
    c = pool_get(&t->pool);
    if (!c)
        return NULL;
    c->owner = t;
    c->path = (struct sip_path){.addr = to->addr, .tcp = true, .tls = to->tls, .home = to->home};
    list_node_init(&c->used);
    if (hash_insert(&t->by_remote, &c->node, remote_hash(t, to)) != OK) {
        pool_put(&t->pool, c);
        return NULL;
    }
    list_push_back(&t->used, &c->used);
    return c;
}

static void on_accepted(void *arg, struct tcp *tcp)
{
    struct door *d = arg;
    struct connection *c =
        make(d->owner, &(struct sip_path){.addr = *tcp_remote(tcp), .home = d->home});

    if (!c) {
        tcp_close(tcp);
        return;
    }
    c->tcp = tcp;
    c->path.accepted = true;
    tcp_set_handler(tcp, &connection_handler, c);
}

static void on_tls_accepted(void *arg, struct tcp *tcp)
{
    struct door *d = arg;
    struct sip_transport_state *t = d->owner;
    struct connection *c =
        make(t, &(struct sip_path){.addr = *tcp_remote(tcp), .tls = true, .home = d->home});

    if (!c) {
        tcp_close(tcp);
    } else if (tls_accept(&c->tls, t->loop, tcp, t->tls, &tls_connection_handler, c) != OK) {
        forget(c);
        tcp_close(tcp);
    } else {
        c->path.accepted = true;
    }
}

static const char *name_of(const struct sip_transport_state *t, const struct addr *server)
{
    for (uint32_t i = 0; i < t->nnames; i++)
        if (addr_eq(&t->names[i].server, server))
            return t->names[i].name;
    return NULL;
}

static enum err connect_to(struct sip_transport_state *t, struct connection *c)
{
    const struct addr *to = &c->path.addr;
    struct tcp_from from = {.dscp = t->dscp};

    if (c->path.home < t->ua->nhomes)
        from.host = t->ua->homes[c->path.home].local;
    if (!c->path.tls)
        return tcp_connect_from(&c->tcp, t->loop, to, &from, &connection_handler, c);
    if (!t->tls)
        return ERR_UNSUPPORTED;
    return tls_connect(&c->tls, t->loop, to, &from, t->tls, name_of(t, to), &tls_connection_handler,
                       c);
}

static enum err send_stream(struct sip_transport_state *t, const struct sip_path *to,
                            struct slice data)
{
    struct connection *c = find(t, to);
    enum err e;

    if (!c) {
        c = make(t, to);
        if (!c)
            return ERR_FULL;
        e = connect_to(t, c);
        if (e != OK) {
            forget(c);
            return e;
        }
    }
    touch(c);
    return say(c, data);
}

static enum err wire_send(void *arg, const struct sip_path *to, struct slice data)
{
    struct sip_transport_state *t = arg;
    struct sip_path way = *to;

    way.home = sip_home_index(t->ua, to);
    if (to->tcp)
        return send_stream(t, &way, data);
    return udp_send(t->doors[way.home].udp, &to->addr, to->flow, data);
}

static bool wire_alive(void *arg, const struct sip_path *to)
{
    struct sip_transport_state *t = arg;
    struct sip_path way = *to;

    way.home = sip_home_index(t->ua, to);
    return !to->tcp || find(t, &way);
}

static const struct sip_wire sockets = {.send = wire_send, .alive = wire_alive};

static void on_datagram(void *arg, const struct addr *from, char *data, uint32_t len)
{
    struct door *d = arg;
    struct sip_path path = {.addr = *from, .home = d->home};

    sip_ua_receive(d->owner->ua, &path, data, len);
}

void sip_transport_close(struct sip_transport_state *t)
{
    if (!t)
        return;
    list_each(n, tmp, &t->used)
    {
        struct connection *c = container_of(n, struct connection, used);
        hang_up(c);
        forget(c);
    }
    for (uint32_t i = 0; i < t->ndoors; i++) {
        tcp_unlisten(t->doors[i].tls_listener);
        tcp_unlisten(t->doors[i].listener);
        udp_close(t->doors[i].udp);
    }
    tls_context_close(t->tls);
    hash_table_fini(&t->by_remote);
    pool_fini(&t->pool);
    free(t);
}

uint64_t sip_transport_calls(const struct sip_transport_state *t)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < t->ndoors; i++)
        n += udp_stats(t->doors[i].udp)->send_calls;
    return n;
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

static void say_taken(const struct addr *local, enum err e)
{
    char text[ADDR_TEXT_MAX];

    if (e == ERR_EXISTS)
        log_error("sip", "cannot listen on TCP address", "address=%s error=\"it is in use\"",
                  addr_format(local, text, sizeof(text)));
}

/* With port 0 the system chooses one for UDP; TCP must get the same. */
static enum err open_sockets(struct door *d, struct addr *local, bool tcp)
{
    struct sip_transport_state *t = d->owner;
    const struct addr wanted = *local;
    enum err e = ERR_EXISTS;

    for (int tries = 0; tries < 16; tries++) {
        *local = wanted;
        e = udp_open(&d->udp, t->loop, local, on_datagram, d);
        if (e != OK)
            return e;
        *local = *udp_local(d->udp);
        e = tcp ? tcp_listen(&d->listener, t->loop, local, &listener_handler, d) : OK;
        if (e == OK || addr_port(&wanted))
            break;
        udp_close(d->udp);
        d->udp = NULL;
    }
    if (e != OK) {
        say_taken(local, e);
        return e;
    }
    if (t->dscp)
        udp_mark(d->udp, t->dscp);
    if (t->dscp && d->listener)
        tcp_listener_mark(d->listener, t->dscp);
    return OK;
}

static const struct tcp_listener_handler tls_listener_handler = {.accepted = on_tls_accepted};

static enum err listen_tls(struct door *d, const struct addr *local, struct addr *tls_local)
{
    enum err e;

    if (!addr_is_set(tls_local)) {
        *tls_local = *local;
        addr_set_port(tls_local, 0);
    }
    e = tcp_listen(&d->tls_listener, d->owner->loop, tls_local, &tls_listener_handler, d);
    if (e != OK) {
        say_taken(tls_local, e);
        return e;
    }
    *tls_local = *tcp_listener_local(d->tls_listener);
    if (d->owner->dscp)
        tcp_listener_mark(d->tls_listener, d->owner->dscp);
    return OK;
}

static enum err open_tls(struct sip_transport_state *t, const struct tls_config *config)
{
    char why[TLS_WHY_MAX];
    enum err e = config ? tls_context_open(&t->tls, config, why) : OK;

    if (e != OK)
        log_error("sip", "TLS cannot be used", "why=\"%s\"", why);
    return e;
}

/* What the homes say of themselves follows what was opened. */
static enum err open_door(struct sip_transport_state *t, bool tcp, struct addr *local,
                          struct addr *tls_local)
{
    struct door *d = &t->doors[t->ndoors];
    enum err e;

    d->owner = t;
    d->home = (uint8_t)t->ndoors++;
    e = open_sockets(d, local, tcp);
    if (e == OK && t->tls && tls_context_can_serve(t->tls))
        e = listen_tls(d, local, tls_local);
    return e;
}

enum err sip_ua_tls_name(struct sip_ua *ua, const struct addr *server, const char *name)
{
    struct sip_transport_state *t = ua->transport;

    if (!t || !t->tls)
        return ERR_STATE;
    for (uint32_t i = 0; i < t->nnames; i++) {
        if (addr_eq(&t->names[i].server, server)) {
            t->names[i].name = name;
            return OK;
        }
    }
    if (t->nnames == TLS_NAMES_MAX)
        return ERR_FULL;
    t->names[t->nnames].server = *server;
    t->names[t->nnames++].name = name;
    return OK;
}

const struct addr *sip_ua_tls_local(const struct sip_ua *ua)
{
    const struct sip_transport_state *t = ua->transport;

    return t && t->doors[0].tls_listener ? tcp_listener_local(t->doors[0].tls_listener) : NULL;
}

enum err sip_ua_open(struct sip_ua **out, struct loop *l, const struct sip_ua_config *config)
{
    struct sip_transport_state *t = calloc(1, sizeof *t);
    struct sip_home_config more[SIP_HOMES_MAX];
    struct sip_ua_config c = *config;
    enum err e = ERR_NOMEM;

    if (!t)
        return ERR_NOMEM;
    t->loop = l;
    t->dscp = config->dscp;
    list_init(&t->used);
    if (pool_init(&t->pool, sizeof(struct connection), CONNECTIONS_MAX) != OK ||
        hash_table_init(&t->by_remote, CONNECTIONS_MAX) != OK)
        goto fail;
    e = c.more_count < SIP_HOMES_MAX ? open_tls(t, c.tls) : ERR_INVALID;
    if (e == OK)
        e = open_door(t, c.tcp, &c.local, &c.tls_local);
    for (uint32_t i = 0; i < c.more_count && e == OK; i++) {
        more[i] = c.more[i];
        e = open_door(t, c.tcp, &more[i].local, &more[i].tls_local);
    }
    c.more = more;
    if (e == OK)
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
