/* hiredis calls our hooks when it wants to read or write; we answer with poll operations of the
 * ring. Writes are tried once a turn, so all commands of a turn leave in one system call, and only
 * what did not fit waits for POLLOUT.
 *
 * hiredis frees its context whenever a connection ends, also from inside its own calls; our side of
 * it lives until the kernel has let go of its polls. */
#include "queue/redis_link.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct redis_link {
    struct redis_link_owner told;
    bool ended;            /* hiredis has freed its side */
    bool cannot;           /* connect */
    const char *complaint; /* of ours, which ended it; NULL: none */
    struct loop *loop;
    redisAsyncContext *ac;
    const redisReplyObjectFunctions *make; /* hiredis' own, which make_* below stand before */
    struct loop_op read_op, write_op;
    bool reading, writing; /* a poll is in the kernel */
    bool want_read, want_write;
};

static void link_free(struct redis_link *k)
{
    if (k->ended && !k->reading && !k->writing)
        free(k);
}

/* hiredis aborts the program on an answer nobody asked for. Its reader makes each answer through
 * these; refusing to make one ends the connection instead. */
static bool asked(const redisReadTask *task)
{
    struct redis_link *k = task->privdata;

    if (task->parent || k->ac->replies.head)
        return true;
    k->complaint = "gave an answer to no question; is it a Redis?";
    return false;
}

static void *make_string(const redisReadTask *task, char *p, size_t len)
{
    /* An error to no question is how a server says that it is full: hiredis takes that one. */
    bool take = task->type == REDIS_REPLY_ERROR || asked(task);

    return take ? ((struct redis_link *)task->privdata)->make->createString(task, p, len) : NULL;
}

static void *make_array(const redisReadTask *task, int elements)
{
    return asked(task) ? ((struct redis_link *)task->privdata)->make->createArray(task, elements)
                       : NULL;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    return asked(task) ? ((struct redis_link *)task->privdata)->make->createInteger(task, value)
                       : NULL;
}

static void *make_nil(const redisReadTask *task)
{
    return asked(task) ? ((struct redis_link *)task->privdata)->make->createNil(task) : NULL;
}

static void guard_reader(struct redis_link *k)
{
    static redisReplyObjectFunctions guarded = {.createString = make_string,
                                                .createArray = make_array,
                                                .createInteger = make_integer,
                                                .createNil = make_nil,
                                                .freeObject = freeReplyObject};

    k->make = k->ac->c.reader->fn;
    k->ac->c.reader->fn = &guarded;
    k->ac->c.reader->privdata = k;
}

static void poll_read(struct redis_link *k)
{
    if (k->reading || !k->want_read)
        return;
    io_uring_prep_poll_add(loop_sqe(k->loop, &k->read_op), k->ac->c.fd, POLLIN);
    k->reading = true;
}

static void poll_write(struct redis_link *k)
{
    if (k->writing || !k->want_write)
        return;
    io_uring_prep_poll_add(loop_sqe(k->loop, &k->write_op), k->ac->c.fd, POLLOUT);
    k->writing = true;
}

static void read_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct redis_link *k = container_of(op, struct redis_link, read_op);

    (void)res, (void)cqe_flags;
    if (!k->ended)
        redisAsyncHandleRead(k->ac); /* may end the connection: k->ended then */
    k->reading = false;
    if (!k->ended)
        poll_read(k);
    else
        link_free(k);
}

static void write_now(struct redis_link *k)
{
    k->want_write = false;
    redisAsyncHandleWrite(k->ac);
}

static void write_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct redis_link *k = container_of(op, struct redis_link, write_op);

    (void)res, (void)cqe_flags;
    if (!k->ended)
        write_now(k);
    k->writing = false;
    if (!k->ended)
        poll_write(k);
    else
        link_free(k);
}

static void add_read(void *arg)
{
    struct redis_link *k = arg;

    k->want_read = true;
    poll_read(k);
}

static void del_read(void *arg)
{
    ((struct redis_link *)arg)->want_read = false;
}
static void add_write(void *arg)
{
    ((struct redis_link *)arg)->want_write = true;
}
static void del_write(void *arg)
{
    ((struct redis_link *)arg)->want_write = false;
}

void link_flush(struct redis_link *k)
{
    if (!k->want_write || k->writing)
        return;
    k->writing = true; /* keeps k alive through the call */
    if (k->ac->c.flags & REDIS_CONNECTED)
        write_now(k);
    k->writing = false;
    if (k->ended)
        link_free(k);
    else
        poll_write(k);
}

static void cleanup(void *arg)
{
    struct redis_link *k = arg;
    const char *what = k->complaint ? k->complaint
                       : k->cannot  ? "cannot connect"
                                    : "the connection was lost";
    const char *why = !k->complaint && k->ac->err && k->ac->errstr ? k->ac->errstr : "";

    k->ended = true;
    k->ac->data = NULL;
    if (k->reading)
        loop_cancel(k->loop, &k->read_op);
    if (k->writing)
        loop_cancel(k->loop, &k->write_op);
    k->told.gone(k->told.owner, what, why);
    link_free(k);
}

static void on_connected(const redisAsyncContext *ac, int status)
{
    struct redis_link *k = ac->ev.data;

    if (status == REDIS_OK)
        k->told.connected(k->told.owner);
    else
        k->cannot = true;
}

struct redis_link *link_open(struct loop *loop, const struct redis_target *to,
                             const struct redis_link_owner *owner, char *why)
{
    struct redis_link *k = calloc(1, sizeof(*k));
    redisAsyncContext *ac = !k            ? NULL
                            : to->is_unix ? redisAsyncConnectUnix(to->path)
                                          : redisAsyncConnect(to->host, to->port);

    if (!ac || ac->err) {
        snprintf(why, REDIS_ERROR_MAX, "%s", ac && ac->errstr ? ac->errstr : "out of memory");
        if (ac)
            redisAsyncFree(ac);
        free(k);
        return NULL;
    }
    *k = (struct redis_link){.told = *owner, .loop = loop, .ac = ac};
    k->read_op.done = read_done;
    k->write_op.done = write_done;
    guard_reader(k);
    ac->data = owner->owner;
    ac->ev.data = k;
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.cleanup = cleanup;
    redisAsyncSetConnectCallback(ac, on_connected); /* asks for POLLOUT */
    return k;
}

struct redisAsyncContext *link_context(struct redis_link *k)
{
    return k->ac;
}

void link_drop(struct redis_link *k)
{
    redisAsyncFree(k->ac);
}

size_t link_unsent(const struct redis_link *k)
{
    return sdslen(k->ac->c.obuf);
}
