/* Signals read through the ring. */
#include "sim/stop.h"

#include <signal.h>
#include <unistd.h>

static void arm(struct stop *s)
{
    io_uring_prep_read(loop_sqe(s->loop, &s->op), s->fd, &s->info, sizeof s->info, 0);
}

static void on_read(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct stop *s = container_of(op, struct stop, op);

    (void)cqe_flags;
    if (res == -ECANCELED || s->fd < 0)
        return;
    if (res == (int32_t)sizeof s->info)
        s->on_signal(s->arg, ++s->count);
    arm(s);
}

enum err stop_init(struct stop *s, struct loop *l, void (*on_signal)(void *arg, uint32_t count),
                   void *arg)
{
    sigset_t set;

    *s = (struct stop){.loop = l, .op = {on_read}, .on_signal = on_signal, .arg = arg};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_IO;
    s->fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->fd < 0)
        return ERR_IO;
    arm(s);
    return OK;
}

void stop_fini(struct stop *s)
{
    if (s->fd < 0)
        return;
    loop_cancel(s->loop, &s->op);
    loop_turn(s->loop, 1000);
    close(s->fd);
    s->fd = -1;
}
