#include "io/bufring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT 16

static struct loop loop;
static struct bufring buffers;
static uint16_t held[COUNT];
static uint32_t held_count, got, starved;
static bool ended;

static void received(struct loop_op *op, int32_t res, uint32_t flags)
{
    (void)op;
    if (!(flags & IORING_CQE_F_MORE))
        ended = true;
    if (res == -ENOBUFS)
        starved++;
    if (!(flags & IORING_CQE_F_BUFFER))
        return;
    uint16_t id = bufring_id(flags);

    cr_assert_lt(id, buffers.count);
    for (uint32_t i = 0; i < held_count; i++)
        cr_assert_neq(held[i], id, "buffer %u given out twice", id);
    cr_assert_eq(atoi(bufring_at(&buffers, id)), (int)got, "datagrams out of order");
    got++;
    held[held_count++] = id;
}

static void arm(struct loop_op *op, int fd)
{
    struct io_uring_sqe *sqe = loop_sqe(&loop, op);

    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffers.group;
    ended = false;
}

/* All buffers held: the kernel says ENOBUFS and ends the multishot; put back, it goes on, and many
 * times around the ring nothing is given out twice, lost or out of order. */
Test(bufring, starves_and_recovers)
{
    struct loop_op op = {received};
    int fds[2], sent = 0;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(bufring_init(&buffers, &loop, loop_buffer_group(&loop), COUNT, 64), OK);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    arm(&op, fds[0]);
    for (int turn = 0; turn < 20000 && got < 1000; turn++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%d", sent) + 1;

        while (sent < 1000 && send(fds[1], text, (size_t)len, 0) == len)
            len = snprintf(text, sizeof(text), "%d", ++sent) + 1;
        loop_turn(&loop, 1000);
        if (!ended)
            continue;
        while (held_count)
            bufring_put(&buffers, held[--held_count]);
        arm(&op, fds[0]);
    }
    cr_assert_eq(got, 1000);
    cr_assert_gt(starved, 10);
    loop_cancel(&loop, &op);
    while (!ended)
        loop_turn(&loop, 1000);
    bufring_fini(&buffers);
    close(fds[0]);
    close(fds[1]);
    loop_fini(&loop);
}

Test(bufring, a_group_in_use_is_named)
{
    struct bufring second;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(bufring_init(&buffers, &loop, 5, COUNT, 64), OK);
    cr_assert_eq(bufring_init(&second, &loop, 5, COUNT, 64), ERR_EXISTS);
    bufring_fini(&buffers);
    cr_assert_eq(bufring_init(&second, &loop, 5, COUNT, 64), OK, "the group was not given back");
    bufring_fini(&second);
    loop_fini(&loop);
}
