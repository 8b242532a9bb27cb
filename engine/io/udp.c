/* The endpoint and its receiving half; the sending one is io/udp_send.c.
 *
 * One multishot recvmsg: what arrives comes with its sender's address in a buffer of the ring, is
 * handed out and put back before the next. With UDP_GRO the kernel gives a train of datagrams (one
 * sender, one length, the last may be shorter) at once with their length, and it is cut up here:
 * that takes buffers for the longest train there can be, 64 KiB, of which only what arrives is ever
 * touched. */
#include "io/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/bufring.h"
#include "io/mark.h"
#include "io/udp_send.h"

/* The kernel takes them in turn, so few of them stay in the cache: 64 give 15 % more messages than
 * 512. It receives 32 at most before we put them back; the rest waits in the socket. */
#define RECEIVE_BUFFERS 64
#define SOCKET_BUFFER   (8 * 1024 * 1024)
#define NAME_MAX_BYTES  32 /* of a sockaddr_in6, and what keeps the control messages aligned */
#define CONTROL_BYTES   CMSG_SPACE(sizeof(int))
#define HEADER_BYTES    (sizeof(struct io_uring_recvmsg_out) + NAME_MAX_BYTES + CONTROL_BYTES)
#define TRAIN_MAX_BYTES 65536
/* One byte more than is accepted tells a datagram that is too long, one is for the NUL; the kernel
 * is not told of the last. Multiple of 64 keeps buffers apart in the cache. */
#define BUFFER_BYTES(payload) ((uint32_t)((HEADER_BYTES + (payload) + 2 + 63) / 64 * 64))

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
    struct udp_sender sender;
    bool receiving, closing;
    struct udp_stats stats;
};

static void release(struct udp *u)
{
    if (!u->closing || u->receiving || u->sender.flying)
        return;
    loop_timer_stop(u->loop, &u->rearm);
    if (u->fd >= 0)
        close(u->fd);
    bufring_fini(&u->buffers);
    udp_sender_fini(&u->sender);
    free(u);
}

static void on_landed(struct udp_sender *s)
{
    release(container_of(s, struct udp, sender));
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

/* The length of a train's datagrams; the whole when it is no train. */
static uint32_t segment_of(struct udp *u, struct io_uring_recvmsg_out *out, uint32_t len)
{
    struct cmsghdr *c = io_uring_recvmsg_cmsg_firsthdr(out, &u->recv_msg);
    int segment = 0;

    for (; c; c = io_uring_recvmsg_cmsg_nexthdr(out, &u->recv_msg, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO &&
            c->cmsg_len >= CMSG_LEN(sizeof(segment)))
            memcpy(&segment, CMSG_DATA(c), sizeof(segment));
    return segment > 0 && (uint32_t)segment < len ? (uint32_t)segment : len;
}

static void deliver_one(struct udp *u, const struct addr *from, char *data, uint32_t len)
{
    char after = data[len]; /* the first byte of the next one */

    if (len > UDP_RECEIVE_MAX) {
        u->stats.truncated++;
        return;
    }
    data[len] = 0;
    u->stats.received++;
    u->recv(u->arg, from, data, len);
    data[len] = after;
}

static void deliver(struct udp *u, char *buffer, int32_t res)
{
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer, res, &u->recv_msg);
    struct sockaddr_storage name;
    struct addr from;

    if (!out || u->closing)
        return;
    uint32_t len = (uint32_t)res - (uint32_t)HEADER_BYTES, segment, done = 0;

    u->stats.receive_calls++;
    if (out->flags & MSG_TRUNC) {
        u->stats.truncated++;
        return;
    }
    memcpy(&name, io_uring_recvmsg_name(out), NAME_MAX_BYTES);
    addr_from_sockaddr((struct sockaddr *)&name, &from);
    segment = segment_of(u, out, len);
    do {
        uint32_t n = len - done < segment ? len - done : segment;

        deliver_one(u, &from, buffer + HEADER_BYTES + done, n);
        done += n;
    } while (done < len && !u->closing);
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
    const int on = 1;
    enum err e;

    assert(addr_is_set(local) && recv);
    struct udp *u = calloc(1, sizeof(*u));

    if (!u)
        return ERR_NOMEM;
    *u = (struct udp){.loop = l, .fd = -1, .recv = recv, .arg = arg, .closing = true};
    u->recv_op.done = receive_done;
    u->recv_msg.msg_namelen = NAME_MAX_BYTES;
    u->recv_msg.msg_controllen = CONTROL_BYTES;
    timer_init(&u->rearm);
    if ((e = socket_open(u, local)))
        goto fail;
    bool trains = setsockopt(u->fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0;
    uint32_t bytes = BUFFER_BYTES(trains ? TRAIN_MAX_BYTES : UDP_RECEIVE_MAX);

    do
        e = bufring_init(&u->buffers, l, loop_buffer_group(l), RECEIVE_BUFFERS, bytes);
    while (e == ERR_EXISTS);
    if (!e)
        e = udp_sender_init(&u->sender, l, u->fd, local->sa.sa_family, &u->stats, on_landed);
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

void udp_mark(struct udp *u, uint8_t dscp)
{
    mark_socket(u->fd, u->local.sa.sa_family, dscp);
}

void udp_close(struct udp *u)
{
    if (!u)
        return;
    udp_sender_close(&u->sender);
    u->closing = true;
    if (u->receiving)
        loop_cancel(u->loop, &u->recv_op);
    release(u);
}

const struct addr *udp_local(const struct udp *u)
{
    return &u->local;
}

enum err udp_send(struct udp *u, const struct addr *to, uint32_t flow, struct slice data)
{
    return udp_sender_send(&u->sender, to, flow, data);
}

void udp_flush(struct udp *u)
{
    udp_sender_flush(&u->sender);
}

const struct udp_stats *udp_stats(const struct udp *u)
{
    return &u->stats;
}
