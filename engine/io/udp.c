/* Receives: one multishot recvmsg; each datagram arrives with its sender's address in a buffer of
 * the ring, is handed out and put back before the next. Sends: a datagram is copied into a slot of
 * a fixed pool and becomes an SQE at once; the loop's next submit carries all of them. A slot is
 * free again when its completion comes, so a full socket buffer makes the pool run out (ERR_FULL)
 * instead of losing what was accepted. */
#include "io/udp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "io/bufring.h"

/* The kernel takes them in turn, so few of them stay in the cache: 64 give 15 % more messages than
 * 512. It receives 32 at most before we put them back; the rest waits in the socket. */
#define RECEIVE_BUFFERS 64
#define SOCKET_BUFFER   (8 * 1024 * 1024)
#define SMALL_MAX       2032 /* most SIP messages */
#define SMALL_SLOTS     4096
#define LARGE_SLOTS     32
#define NAME_MAX_BYTES  sizeof(struct sockaddr_in6)
#define HEADER_BYTES    (sizeof(struct io_uring_recvmsg_out) + NAME_MAX_BYTES)
/* One byte more than is accepted tells a datagram that is too long, one is for the NUL; the kernel
 * is not told of the last. Multiple of 64 keeps buffers apart in the cache. */
#define BUFFER_BYTES ((HEADER_BYTES + UDP_RECEIVE_MAX + 2 + 63) / 64 * 64)

struct send_slot {
    struct loop_op op;
    struct udp *udp;
    struct send_slot *next_free;
    struct addr to;
    char data[];
};

struct send_pool {
    unsigned char *mem;
    size_t bytes, slot_bytes;
    uint32_t slots, touched; /* slots never used yet are not on the free list: no page is touched */
    struct send_slot *free;
};

struct udp {
    struct loop *loop;
    int fd;
    struct addr local;
    udp_recv_fn *recv;
    void *arg;
    struct loop_op recv_op;
    struct timer rearm; /* after an error that would otherwise repeat at once */
    struct msghdr recv_msg;
    struct bufring buffers;
    struct send_pool small, large;
    uint32_t sending;
    bool receiving, closing;
    struct udp_stats stats;
};

static enum err pool_open(struct send_pool *p, uint32_t data_max, uint32_t slots)
{
    p->slot_bytes = (sizeof(struct send_slot) + data_max + 63) / 64 * 64;
    p->slots = slots;
    p->bytes = p->slot_bytes * slots;
    p->mem = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p->mem == MAP_FAILED)
        p->mem = NULL;
    return p->mem ? OK : ERR_NOMEM;
}

static void pool_close(struct send_pool *p)
{
    if (p->mem)
        munmap(p->mem, p->bytes);
}

static struct send_slot *pool_take(struct send_pool *p)
{
    struct send_slot *s = p->free;

    if (s)
        p->free = s->next_free;
    else if (p->touched < p->slots)
        s = (struct send_slot *)(void *)(p->mem + p->slot_bytes * p->touched++);
    return s;
}

static void release(struct udp *u)
{
    if (!u->closing || u->receiving || u->sending)
        return;
    loop_timer_stop(u->loop, &u->rearm);
    if (u->fd >= 0)
        close(u->fd);
    bufring_fini(&u->buffers);
    pool_close(&u->small);
    pool_close(&u->large);
    free(u);
}

static void receive_arm(struct udp *u)
{
    struct io_uring_sqe *sqe = loop_sqe(u->loop, &u->recv_op);

    io_uring_prep_recvmsg_multishot(sqe, u->fd, &u->recv_msg, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = u->buffers.group;
    u->receiving = true;
}

static void rearm_fire(struct timer *t)
{
    struct udp *u = container_of(t, struct udp, rearm);

    if (!u->closing && !u->receiving)
        receive_arm(u);
}

static void deliver(struct udp *u, char *buffer, int32_t res)
{
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer, res, &u->recv_msg);
    struct sockaddr_storage name;
    struct addr from;

    if (!out || u->closing)
        return;
    uint32_t len = (uint32_t)res - (uint32_t)HEADER_BYTES;

    if ((out->flags & MSG_TRUNC) || len > UDP_RECEIVE_MAX) {
        u->stats.truncated++;
        return;
    }
    memcpy(&name, io_uring_recvmsg_name(out), NAME_MAX_BYTES);
    addr_from_sockaddr((struct sockaddr *)&name, &from);
    char *data = buffer + HEADER_BYTES;

    data[len] = 0;
    u->stats.received++;
    u->recv(u->arg, &from, data, len);
}

static void receive_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct udp *u = container_of(op, struct udp, recv_op);

    if (cqe_flags & IORING_CQE_F_BUFFER) {
        uint16_t id = bufring_id(cqe_flags);

        if (res >= 0)
            deliver(u, bufring_at(&u->buffers, id), res);
        bufring_put(&u->buffers, id);
    }
    /* Only now: until here a udp_close from the receiver's callback must not free u. */
    if (!(cqe_flags & IORING_CQE_F_MORE))
        u->receiving = false;
    if (res == -ENOBUFS)
        u->stats.starved++, u->buffers.starved++;
    if (u->closing) {
        release(u);
    } else if (!u->receiving) {
        if (res >= 0 || res == -ENOBUFS || res == -EINTR || res == -EAGAIN)
            receive_arm(u);
        else
            loop_timer(u->loop, &u->rearm, 10, rearm_fire);
    }
}

static void send_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct send_slot *s = container_of(op, struct send_slot, op);
    struct udp *u = s->udp;
    /* The pool is told by the address, so a slot need not remember it. */
    bool small =
        (unsigned char *)s >= u->small.mem && (unsigned char *)s < u->small.mem + u->small.bytes;
    struct send_pool *p = small ? &u->small : &u->large;

    (void)cqe_flags;
    s->next_free = p->free;
    p->free = s;
    u->sending--;
    if (res < 0)
        u->stats.send_failed++;
    else
        u->stats.sent++;
    if (u->closing)
        release(u);
}

/* The larger of what is asked and what the limits of an ordinary user allow. */
static void grow_buffers(int fd)
{
    const int bytes = SOCKET_BUFFER;
    int got = 0;
    socklen_t len = sizeof(got);

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) == 0 && got < SOCKET_BUFFER)
        log_info("io", "bursts may be lost in a small socket buffer; raise net.core.rmem_max",
                 "wanted=%d got=%d", SOCKET_BUFFER, got);
}

static enum err socket_open(struct udp *u, const struct addr *local)
{
    char text[ADDR_TEXT_MAX];
    const int on = 1;
    socklen_t len = sizeof(u->local);

    u->fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        goto fail;
    grow_buffers(u->fd);
    if (local->sa.sa_family == AF_INET6)
        setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(u->fd, &local->sa, addr_len(local)) || getsockname(u->fd, &u->local.sa, &len))
        goto fail;
    return OK;
fail:
    log_error("io", "cannot listen on UDP address", "address=%s error=\"%s\"",
              addr_format(local, text, sizeof(text)), strerror(errno));
    return errno == EADDRINUSE ? ERR_EXISTS : errno == EACCES ? ERR_REFUSED : ERR_IO;
}

enum err udp_open(struct udp **out, struct loop *l, const struct addr *local, udp_recv_fn *recv,
                  void *arg)
{
    enum err e;

    assert(addr_is_set(local) && recv);
    struct udp *u = calloc(1, sizeof(*u));

    if (!u)
        return ERR_NOMEM;
    *u = (struct udp){.loop = l, .fd = -1, .recv = recv, .arg = arg, .closing = true};
    u->recv_op.done = receive_done;
    u->recv_msg.msg_namelen = NAME_MAX_BYTES;
    timer_init(&u->rearm);
    if ((e = socket_open(u, local)) || (e = pool_open(&u->small, SMALL_MAX, SMALL_SLOTS)) ||
        (e = pool_open(&u->large, UDP_DATAGRAM_MAX, LARGE_SLOTS)))
        goto fail;
    do
        e = bufring_init(&u->buffers, l, loop_buffer_group(l), RECEIVE_BUFFERS, BUFFER_BYTES);
    while (e == ERR_EXISTS);
    if (e)
        goto fail;
    u->closing = false;
    receive_arm(u);
    *out = u;
    return OK;
fail:
    release(u);
    return e;
}

void udp_close(struct udp *u)
{
    if (!u)
        return;
    u->closing = true;
    if (u->receiving)
        loop_cancel(u->loop, &u->recv_op);
    release(u);
}

const struct addr *udp_local(const struct udp *u)
{
    return &u->local;
}

enum err udp_send(struct udp *u, const struct addr *to, struct slice data)
{
    if (data.len > UDP_DATAGRAM_MAX)
        return ERR_TOO_LONG;
    struct send_slot *s = pool_take(data.len <= SMALL_MAX ? &u->small : &u->large);

    if (!s) {
        u->stats.send_refused++;
        return ERR_FULL;
    }
    s->op.done = send_done;
    s->udp = u;
    s->to = *to;
    if (data.len)
        memcpy(s->data, data.p, data.len);
    struct io_uring_sqe *sqe = loop_sqe(u->loop, &s->op);

    io_uring_prep_send(sqe, u->fd, s->data, data.len, 0);
    io_uring_prep_send_set_addr(sqe, &s->to.sa, (uint16_t)addr_len(&s->to));
    u->sending++;
    return OK;
}

const struct udp_stats *udp_stats(const struct udp *u)
{
    return &u->stats;
}
