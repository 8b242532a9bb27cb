/* One recv in flight into the connection's own buffer (grown up to TCP_RECEIVE_MAX), one send in
 * flight from a buffer that is not written to meanwhile: what is sent during it gathers in a second
 * buffer, and the two change places. So a burst of small messages becomes one system call, and no
 * message costs an allocation once the buffers have grown.
 *
 * A connection is freed when it is closed and the kernel has let go of all its ops. */
#include "io/tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "io/mark.h"

#define RECEIVE_FIRST   4096
#define SEND_FIRST      4096
#define LINGER_MS       2000 /* how long tcp_close lets what was sent before go out */
#define ACCEPT_AGAIN_MS 100
#define BACKLOG         1024

struct send_buffer {
    char *p;
    uint32_t len, cap;
};

enum tcp_state { TCP_CONNECTING, TCP_OPEN, TCP_FLUSHING, TCP_DEAD };

struct tcp {
    struct loop *loop;
    int fd;
    enum tcp_state state;
    enum err why; /* for closed(), while TCP_FLUSHING */
    bool silent;  /* the owner closed it: no callbacks */
    bool calling; /* inside a callback of the owner */
    uint32_t pending;
    struct addr local, remote;
    struct sockaddr_un remote_unix;
    const struct tcp_handler *handler;
    void *arg;
    struct loop_op connect_op, recv_op, send_op;
    bool receiving, sending;
    char *in;
    uint32_t in_len, in_cap;
    struct send_buffer going, next; /* going: in flight from going_at on */
    uint32_t going_at;
    struct timer linger;
};

struct tcp_listener {
    struct loop *loop;
    int fd;
    bool accepting, closing;
    struct addr local;
    const struct tcp_listener_handler *handler;
    void *arg;
    struct loop_op op;
    struct timer again;
};

static void maybe_free(struct tcp *t)
{
    if (t->state != TCP_DEAD || t->pending || t->calling)
        return;
    loop_timer_stop(t->loop, &t->linger);
    if (t->fd >= 0)
        close(t->fd);
    free(t->in);
    free(t->going.p);
    free(t->next.p);
    free(t);
}

/* The end: tells the owner (unless it closed by itself) and has the kernel give up what runs. */
static void die(struct tcp *t, enum err why)
{
    if (t->state == TCP_DEAD)
        return;
    bool tell = !t->silent && t->handler && t->handler->closed;

    if (t->state == TCP_CONNECTING)
        loop_cancel(t->loop, &t->connect_op);
    if (t->receiving)
        loop_cancel(t->loop, &t->recv_op);
    if (t->sending)
        loop_cancel(t->loop, &t->send_op);
    t->state = TCP_DEAD;
    loop_timer_stop(t->loop, &t->linger);
    if (t->fd >= 0)
        shutdown(t->fd, SHUT_RDWR);
    if (tell) {
        bool outer = t->calling;

        t->calling = true;
        t->handler->closed(t->arg, t, why);
        t->calling = outer;
    }
    maybe_free(t);
}

static void linger_fire(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, linger);

    die(t, t->why ? t->why : ERR_TIMEOUT);
}

/* No more input; what was sent still goes out, for a limited time. */
static void finish(struct tcp *t, enum err why)
{
    if (t->state == TCP_FLUSHING) {
        return;
    }
    if (t->state != TCP_OPEN || (!t->sending && t->next.len == 0)) {
        die(t, why);
        return;
    }
    t->state = TCP_FLUSHING;
    t->why = why;
    if (t->receiving)
        loop_cancel(t->loop, &t->recv_op);
    loop_timer(t->loop, &t->linger, LINGER_MS, linger_fire);
}

static enum err from_errno(int e)
{
    switch (e) {
    case ECONNREFUSED:
    case EACCES:
        return ERR_REFUSED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return ERR_CLOSED;
    case ENOENT:
        return ERR_NOT_FOUND;
    case ECANCELED:
        return ERR_CANCELLED;
    default:
        return ERR_IO;
    }
}

static bool grow(char **p, uint32_t *cap, uint32_t first, uint32_t needed, uint32_t max)
{
    uint32_t wanted = *cap ? *cap : first;

    if (needed <= *cap)
        return true;
    if (needed > max)
        return false;
    while (wanted < needed)
        wanted *= 2;
    if (wanted > max)
        wanted = max;
    char *bigger = realloc(*p, wanted);

    if (!bigger)
        return false;
    *p = bigger;
    *cap = wanted;
    return true;
}

static void receive_arm(struct tcp *t)
{
    if (t->in_len == t->in_cap &&
        !grow(&t->in, &t->in_cap, RECEIVE_FIRST, t->in_len + 1, TCP_RECEIVE_MAX)) {
        die(t, ERR_TOO_LONG);
        return;
    }
    io_uring_prep_recv(loop_sqe(t->loop, &t->recv_op), t->fd, t->in + t->in_len,
                       t->in_cap - t->in_len, 0);
    t->receiving = true;
    t->pending++;
}

/* Lets the owner take whole messages off the front; false when the connection is no more. */
static bool hand_out(struct tcp *t)
{
    int64_t used = t->handler->received(t->arg, t, t->in, t->in_len);

    if (t->state != TCP_OPEN)
        return false;
    if (used < 0) {
        finish(t, ERR_INVALID);
        return false;
    }
    assert(used <= t->in_len);
    t->in_len -= (uint32_t)used;
    if (t->in_len && used)
        memmove(t->in, t->in + used, t->in_len);
    return true;
}

static void recv_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct tcp *t = container_of(op, struct tcp, recv_op);

    (void)cqe_flags;
    t->receiving = false;
    t->pending--;
    if (t->state != TCP_OPEN) {
        maybe_free(t);
        return;
    }
    t->calling = true;
    if (res == 0) {
        finish(t, OK);
    } else if (res < 0 && res != -EINTR && res != -EAGAIN) {
        die(t, from_errno(-res));
    } else {
        t->in_len += res > 0 ? (uint32_t)res : 0;
        if (res < 0 || hand_out(t))
            receive_arm(t);
    }
    t->calling = false;
    maybe_free(t);
}

static void send_arm(struct tcp *t)
{
    io_uring_prep_send(loop_sqe(t->loop, &t->send_op), t->fd, t->going.p + t->going_at,
                       t->going.len - t->going_at, MSG_NOSIGNAL);
    if (!t->sending)
        t->pending++;
    t->sending = true;
}

static void send_next(struct tcp *t)
{
    struct send_buffer swap = t->going;

    t->going = t->next;
    t->next = swap;
    t->next.len = 0;
    t->going_at = 0;
    send_arm(t);
}

static void send_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct tcp *t = container_of(op, struct tcp, send_op);

    (void)cqe_flags;
    t->sending = false;
    t->pending--;
    if (t->state == TCP_DEAD) {
        maybe_free(t);
        return;
    }
    if (res < 0 && res != -EINTR && res != -EAGAIN) {
        die(t, t->state == TCP_FLUSHING && t->why ? t->why : from_errno(-res));
        return;
    }
    t->going_at += res > 0 ? (uint32_t)res : 0;
    if (t->going_at < t->going.len)
        send_arm(t);
    else if (t->next.len)
        send_next(t);
    else if (t->state == TCP_FLUSHING)
        die(t, t->why);
}

static void read_names(struct tcp *t)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);

    memset(&name, 0, sizeof(name));
    if (getsockname(t->fd, (struct sockaddr *)&name, &len) == 0)
        addr_from_sockaddr((struct sockaddr *)&name, &t->local);
    len = sizeof(name);
    memset(&name, 0, sizeof(name));
    if (getpeername(t->fd, (struct sockaddr *)&name, &len) == 0 && name.ss_family != AF_UNIX)
        addr_from_sockaddr((struct sockaddr *)&name, &t->remote);
}

static void set_options(int fd)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* we batch by ourselves */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void connect_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct tcp *t = container_of(op, struct tcp, connect_op);

    (void)cqe_flags;
    t->pending--;
    if (t->state != TCP_CONNECTING) {
        maybe_free(t);
        return;
    }
    if (res < 0) {
        t->state = TCP_OPEN; /* nothing of connecting is left to cancel */
        die(t, from_errno(-res));
        return;
    }
    t->state = TCP_OPEN;
    read_names(t);
    t->calling = true;
    if (t->handler->connected)
        t->handler->connected(t->arg, t);
    if (t->state == TCP_OPEN && t->next.len && !t->sending)
        send_next(t);
    if (t->state == TCP_OPEN)
        receive_arm(t);
    t->calling = false;
    maybe_free(t);
}

static struct tcp *tcp_new(struct loop *l, int fd, enum tcp_state state)
{
    struct tcp *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->loop = l;
    t->fd = fd;
    t->state = state;
    t->connect_op.done = connect_done;
    t->recv_op.done = recv_done;
    t->send_op.done = send_done;
    timer_init(&t->linger);
    return t;
}

/* Bound to our address, the port is left to connect(): many connections may share it. */
static bool leave_from(int fd, int family, const struct tcp_from *from)
{
    struct addr host = from->host;
    const int on = 1;

    if (from->dscp)
        mark_socket(fd, (uint16_t)family, from->dscp);
    if (!addr_is_set(&host) || addr_is_any(&host))
        return true;
    addr_set_port(&host, 0);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, &host.sa, addr_len(&host)) == 0;
}

static enum err connect_start(struct tcp **out, struct loop *l, int family,
                              const struct sockaddr *to, socklen_t len, const struct tcp_from *from,
                              const struct tcp_handler *handler, void *arg)
{
    assert(handler && handler->received);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_IO;
    if (from && !leave_from(fd, family, from)) {
        close(fd);
        return ERR_IO;
    }
    struct tcp *t = tcp_new(l, fd, TCP_CONNECTING);

    if (!t) {
        close(fd);
        return ERR_NOMEM;
    }
    if (family == AF_UNIX)
        memcpy(&t->remote_unix, to, len);
    else
        addr_from_sockaddr(to, &t->remote);
    set_options(fd);
    tcp_set_handler(t, handler, arg);
    const struct sockaddr *kept =
        family == AF_UNIX ? (struct sockaddr *)&t->remote_unix : &t->remote.sa;

    io_uring_prep_connect(loop_sqe(l, &t->connect_op), fd, kept, len);
    t->pending++;
    *out = t;
    return OK;
}

enum err tcp_connect(struct tcp **out, struct loop *l, const struct addr *to,
                     const struct tcp_handler *handler, void *arg)
{
    return tcp_connect_from(out, l, to, NULL, handler, arg);
}

enum err tcp_connect_from(struct tcp **out, struct loop *l, const struct addr *to,
                          const struct tcp_from *from, const struct tcp_handler *handler, void *arg)
{
    return connect_start(out, l, to->sa.sa_family, &to->sa, addr_len(to), from, handler, arg);
}

enum err tcp_connect_unix(struct tcp **out, struct loop *l, const char *path,
                          const struct tcp_handler *handler, void *arg)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(name.sun_path))
        return ERR_TOO_LONG;
    memcpy(name.sun_path, path, strlen(path) + 1);
    return connect_start(out, l, AF_UNIX, (struct sockaddr *)&name, sizeof(name), NULL, handler,
                         arg);
}

void tcp_set_handler(struct tcp *t, const struct tcp_handler *handler, void *arg)
{
    t->handler = handler;
    t->arg = arg;
}

enum err tcp_send(struct tcp *t, struct slice data)
{
    if (t->state == TCP_DEAD || t->state == TCP_FLUSHING)
        return ERR_CLOSED;
    if (data.len == 0)
        return OK;
    uint32_t waiting = t->sending ? t->going.len - t->going_at : 0;

    if (data.len > TCP_SEND_MAX || waiting + t->next.len > TCP_SEND_MAX - data.len)
        return ERR_FULL;
    if (!grow(&t->next.p, &t->next.cap, SEND_FIRST, t->next.len + data.len, TCP_SEND_MAX))
        return ERR_NOMEM;
    memcpy(t->next.p + t->next.len, data.p, data.len);
    t->next.len += data.len;
    if (t->state == TCP_OPEN && !t->sending)
        send_next(t);
    return OK;
}

void tcp_close(struct tcp *t)
{
    if (!t)
        return;
    t->silent = true;
    finish(t, OK);
}

const struct addr *tcp_remote(const struct tcp *t)
{
    return &t->remote;
}

const struct addr *tcp_local(const struct tcp *t)
{
    return &t->local;
}

static void listener_free(struct tcp_listener *ln)
{
    if (!ln->closing || ln->accepting)
        return;
    loop_timer_stop(ln->loop, &ln->again);
    close(ln->fd);
    free(ln);
}

static void accept_arm(struct tcp_listener *ln)
{
    io_uring_prep_multishot_accept(loop_sqe(ln->loop, &ln->op), ln->fd, NULL, NULL, SOCK_CLOEXEC);
    ln->accepting = true;
}

static void accept_again(struct timer *timer)
{
    struct tcp_listener *ln = container_of(timer, struct tcp_listener, again);

    if (!ln->closing && !ln->accepting)
        accept_arm(ln);
}

static void accept_one(struct tcp_listener *ln, int fd)
{
    struct tcp *t = ln->closing ? NULL : tcp_new(ln->loop, fd, TCP_OPEN);

    if (!t) {
        close(fd);
        return;
    }
    set_options(fd);
    read_names(t);
    t->calling = true;
    ln->handler->accepted(ln->arg, t);
    if (t->state == TCP_OPEN) {
        assert(t->handler && t->handler->received);
        receive_arm(t);
    }
    t->calling = false;
    maybe_free(t);
}

static void accept_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct tcp_listener *ln = container_of(op, struct tcp_listener, op);
    char text[ADDR_TEXT_MAX];

    if (res >= 0)
        accept_one(ln, res);
    if (cqe_flags & IORING_CQE_F_MORE)
        return;
    ln->accepting = false;
    if (ln->closing) {
        listener_free(ln);
        return;
    }
    if (res >= 0) {
        accept_arm(ln);
        return;
    }
    log_warn("io", "cannot accept a connection; trying again", "address=%s error=\"%s\"",
             addr_format(&ln->local, text, sizeof(text)), strerror(-res));
    loop_timer(ln->loop, &ln->again, ACCEPT_AGAIN_MS, accept_again);
}

enum err tcp_listen(struct tcp_listener **out, struct loop *l, const struct addr *local,
                    const struct tcp_listener_handler *handler, void *arg)
{
    struct tcp_listener *ln = calloc(1, sizeof(*ln));
    socklen_t len = sizeof(ln->local);
    char text[ADDR_TEXT_MAX];
    const int on = 1;

    if (!ln)
        return ERR_NOMEM;
    *ln = (struct tcp_listener){.loop = l, .handler = handler, .arg = arg};
    ln->op.done = accept_done;
    timer_init(&ln->again);
    ln->fd = socket(local->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ln->fd < 0)
        goto fail;
    setsockopt(ln->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (local->sa.sa_family == AF_INET6)
        setsockopt(ln->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(ln->fd, &local->sa, addr_len(local)) || listen(ln->fd, BACKLOG) ||
        getsockname(ln->fd, &ln->local.sa, &len))
        goto fail;
    accept_arm(ln);
    *out = ln;
    return OK;
fail:;
    int e = errno;

    if (e != EADDRINUSE) /* which the caller may know another address for */
        log_error("io", "cannot listen on TCP address", "address=%s error=\"%s\"",
                  addr_format(local, text, sizeof(text)), strerror(e));
    if (ln->fd >= 0)
        close(ln->fd);
    free(ln);
    return e == EADDRINUSE ? ERR_EXISTS : e == EACCES ? ERR_REFUSED : ERR_IO;
}

void tcp_unlisten(struct tcp_listener *ln)
{
    if (!ln)
        return;
    ln->closing = true;
    if (ln->accepting)
        loop_cancel(ln->loop, &ln->op);
    listener_free(ln);
}

void tcp_listener_mark(struct tcp_listener *ln, uint8_t dscp)
{
    mark_socket(ln->fd, ln->local.sa.sa_family, dscp); /* accepted ones inherit it */
}

const struct addr *tcp_listener_local(const struct tcp_listener *ln)
{
    return &ln->local;
}
