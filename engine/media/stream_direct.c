/* The socket of RTCP as a direct descriptor: it stands in the ring's table, behind the places of
 * the RTP sockets, and its number among the process's descriptors is given back, so that ten
 * thousand legs need ten thousand descriptors and not twenty. A leg that leaves its worker takes a
 * number for the journey (FIXED_FD_INSTALL, Linux 6.8); where the kernel cannot, sockets keep
 * theirs. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "media/stream.h"

#define OP_FIXED_FD_INSTALL 54        /* not in the headers of every system that builds this */
#define DIRECT              INT32_MAX /* in rtcp_fd: there is a socket, and it has no number */

static uint32_t place(const struct stream *s)
{
    return s->worker->max_legs + s->index;
}

bool stream_direct_possible(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool there = probe && io_uring_opcode_supported(probe, OP_FIXED_FD_INSTALL);

    io_uring_free_probe(probe);
    return there;
}

void stream_direct_take(struct stream *s)
{
    int fd = s->rtcp_fd;

    if (fd < 0 || s->rtcp_direct || !s->worker->direct ||
        io_uring_register_files_update(&s->worker->loop.ring, place(s), &fd, 1) != 1)
        return;
    close(fd);
    s->rtcp_fd = DIRECT;
    s->rtcp_direct = true;
}

int stream_direct_place(const struct stream *s)
{
    return (int)place(s);
}

static void forget(struct stream *s)
{
    int none = -1;

    io_uring_register_files_update(&s->worker->loop.ring, place(s), &none, 1);
    s->rtcp_direct = false;
}

static void installed(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct stream *s = container_of(op, struct stream, rtcp_op);

    (void)cqe_flags;
    forget(s);
    s->rtcp_armed = false;
    s->rtcp_fd = res >= 0 ? res : -1;
    if (res < 0) /* no number left: its reports go by RTP's port from now on */
        log_warn("media", "a leg loses its RTCP socket as it moves; raise ulimit -n",
                 "error=\"%s\"", strerror(-res));
    stream_finish(s);
}

bool stream_direct_give(struct stream *s)
{
    if (!s->rtcp_direct)
        return true;
    s->rtcp_op.done = installed;
    struct io_uring_sqe *sqe = loop_sqe(&s->worker->loop, &s->rtcp_op);

    s->rtcp_armed = true;
    io_uring_prep_rw(OP_FIXED_FD_INSTALL, sqe, (int)place(s), NULL, 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE;
    return false;
}

void stream_direct_close(struct stream *s)
{
    if (s->rtcp_direct)
        forget(s);
    else if (s->rtcp_fd >= 0)
        close(s->rtcp_fd);
    s->rtcp_fd = -1;
}

void stream_direct_send(struct stream *s, const uint8_t *p, uint32_t n, const struct addr *to)
{
    struct worker *w = s->worker;
    struct letter {
        struct msghdr msg;
        struct iovec iov;
        struct addr to;
        uint8_t bytes[];
    } *l = worker_arena(w, (uint32_t)sizeof(*l) + n);

    memcpy(l->bytes, p, n);
    l->to = *to;
    l->iov = (struct iovec){l->bytes, n};
    l->msg = (struct msghdr){
        .msg_name = &l->to, .msg_namelen = addr_len(to), .msg_iov = &l->iov, .msg_iovlen = 1};
    struct io_uring_sqe *sqe = loop_sqe(&w->loop, &w->send_op);

    w->loop.inflight--; /* success posts no completion: see worker.c, send_failed */
    io_uring_prep_sendmsg(sqe, (int)place(s), &l->msg, MSG_DONTWAIT);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_FIXED_FILE;
}
