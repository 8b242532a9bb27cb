#include "io/tcp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rng.h"

static struct loop loop;
static struct tcp_listener *listener;
static struct tcp *served, *client;
static struct timer limit;
static bool timed_out;

struct peer { /* what one end saw */
    int connected, closed;
    enum err why;
    uint64_t bytes, messages;
};
static struct peer at_server, at_client;

static void out_of_time(struct timer *t)
{
    (void)t;
    timed_out = true;
    loop_stop(&loop);
}

static void on_connected(void *arg, struct tcp *t)
{
    (void)t;
    ((struct peer *)arg)->connected++;
}

static void on_closed(void *arg, struct tcp *t, enum err why)
{
    struct peer *p = arg;

    p->closed++;
    p->why = why;
    if (t == served)
        served = NULL;
    if (t == client)
        client = NULL;
    loop_stop(&loop);
}

/* Frames: a 4-byte length, then that many bytes, each equal to the low byte of the length. */
static int64_t on_frames(void *arg, struct tcp *t, char *data, uint32_t len)
{
    struct peer *p = arg;
    uint32_t at = 0, size;

    (void)t;
    while (len - at >= sizeof(size)) {
        memcpy(&size, data + at, sizeof(size));
        if (size > 100000)
            return -1;
        if (len - at - sizeof(size) < size)
            break;
        for (uint32_t i = 0; i < size; i++)
            cr_assert_eq((unsigned char)data[at + 4 + i], (unsigned char)size);
        p->messages++;
        p->bytes += size;
        at += 4 + size;
    }
    return at;
}

static int64_t on_echo(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg;
    cr_assert_eq(tcp_send(t, slice_of(data, len)), OK);
    return len;
}

static int64_t on_nothing(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg, (void)t, (void)data, (void)len;
    return 0;
}

static const struct tcp_handler frames = {on_frames, on_connected, on_closed};
static const struct tcp_handler echoing = {on_echo, on_connected, on_closed};
static const struct tcp_handler stubborn = {on_nothing, on_connected, on_closed};
static const struct tcp_handler *server_handler;

static void accepted(void *arg, struct tcp *t)
{
    (void)arg;
    served = t;
    if (server_handler)
        tcp_set_handler(t, server_handler, &at_server);
    else
        tcp_close(t);
}
static const struct tcp_listener_handler listening = {accepted};

static void open_pair(const char *host, const struct tcp_handler *for_server,
                      const struct tcp_handler *for_client)
{
    struct addr local;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    timer_init(&limit);
    loop_timer(&loop, &limit, 20000, out_of_time);
    addr_from_host(slice_cstr(host), 0, &local);
    server_handler = for_server;
    cr_assert_eq(tcp_listen(&listener, &loop, &local, &listening, NULL), OK);
    cr_assert_eq(tcp_connect(&client, &loop, tcp_listener_local(listener), for_client, &at_client),
                 OK);
}

static void close_pair(void)
{
    cr_assert(!timed_out, "the limit of time ran out");
    loop_timer_stop(&loop, &limit);
    tcp_close(client);
    tcp_close(served);
    tcp_unlisten(listener);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
}

static void turn_until(const uint64_t *value, uint64_t wanted)
{
    while (*value < wanted && !timed_out)
        loop_turn(&loop, 100000);
}

static void frame_out(struct tcp *t, uint32_t size)
{
    static char text[100004];

    memcpy(text, &size, sizeof(size));
    memset(text + 4, (int)(size & 0xff), size);
    enum err e;

    while ((e = tcp_send(t, slice_of(text, size + 4))) == ERR_FULL && !timed_out)
        loop_turn(&loop, 1000);
    cr_assert_eq(e, OK);
}

static void framing(const char *host)
{
    struct rng rng;
    uint64_t bytes = 0;

    open_pair(host, &frames, &frames);
    rng_seed(&rng, 5);
    for (int i = 0; i < 3000; i++) { /* sent before the connection is up, too */
        uint32_t size = rng_below(&rng, 20) ? rng_below(&rng, 1500) : rng_below(&rng, 100000);

        frame_out(client, size);
        bytes += size;
    }
    turn_until(&at_server.messages, 3000);
    cr_assert_eq(at_server.messages, 3000);
    cr_assert_eq(at_server.bytes, bytes);
    cr_assert_eq(at_client.connected, 1);
    cr_assert(addr_eq(tcp_remote(client), tcp_listener_local(listener)));
    cr_assert(addr_eq(tcp_local(client), tcp_remote(served)));
    close_pair();
}

Test(tcp, frames_survive_ipv4)
{
    framing("127.0.0.1");
}
Test(tcp, frames_survive_ipv6)
{
    framing("::1");
}

Test(tcp, a_stalled_reader_makes_send_refuse)
{
    static char block[65536];
    uint64_t taken = 0;
    enum err e = OK;

    open_pair("127.0.0.1", &stubborn, &frames);
    /* Nobody turns the server's side beyond its buffer, so the queue fills. */
    while (e == OK && taken < 64 * 1024 * 1024) {
        e = tcp_send(client, slice_of(block, sizeof(block)));
        taken += e ? 0 : sizeof(block);
    }
    cr_assert_eq(e, ERR_FULL);
    cr_assert_leq(taken, TCP_SEND_MAX);
    /* And a server that consumes nothing is not allowed to keep more than TCP_RECEIVE_MAX. */
    while (!at_server.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(at_server.why, ERR_TOO_LONG);
    close_pair();
}

Test(tcp, a_negative_answer_closes_as_invalid)
{
    uint32_t absurd = 0xffffffff;

    open_pair("127.0.0.1", &frames, &frames);
    cr_assert_eq(tcp_send(client, slice_of((char *)&absurd, 4)), OK);
    loop_run(&loop);
    cr_assert_eq(at_server.closed, 1);
    cr_assert_eq(at_server.why, ERR_INVALID);
    while (!at_client.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert(at_client.why == OK || at_client.why == ERR_CLOSED);
    close_pair();
}

/* The far side says all it has and shuts its half: what we answered still reaches it. */
Test(tcp, half_close_still_gets_its_answer)
{
    static char block[200000], back[200000];
    struct addr local;
    size_t got = 0;
    ssize_t n;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    timer_init(&limit);
    loop_timer(&loop, &limit, 20000, out_of_time);
    addr_from_host(SLICE("127.0.0.1"), 0, &local);
    server_handler = &echoing;
    cr_assert_eq(tcp_listen(&listener, &loop, &local, &listening, NULL), OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const struct addr *to = tcp_listener_local(listener);

    cr_assert(connect(fd, &to->sa, addr_len(to)) == 0 || errno == EINPROGRESS);
    memset(block, 'z', sizeof(block));
    for (size_t sent = 0; sent < sizeof(block) && !timed_out; loop_turn(&loop, 1000)) {
        n = send(fd, block + sent, sizeof(block) - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    }
    shutdown(fd, SHUT_WR);
    do {
        n = recv(fd, back + got, sizeof(back) - got, 0);
        got += n > 0 ? (size_t)n : 0;
        loop_turn(&loop, 1000);
    } while ((n > 0 || (n < 0 && errno == EAGAIN)) && !timed_out);
    cr_assert_eq(got, sizeof(back), "%zu of %zu bytes came back", got, sizeof(back));
    cr_assert_eq(memcmp(block, back, sizeof(back)), 0);
    cr_assert_eq(at_server.closed, 1);
    cr_assert_eq(at_server.why, OK);
    close(fd);
    client = NULL;
    close_pair();
}

Test(tcp, nobody_there_is_refused)
{
    struct addr nowhere;

    open_pair("127.0.0.1", &frames, &frames);
    nowhere = *tcp_listener_local(listener);
    while (!at_client.connected && !timed_out)
        loop_turn(&loop, 10000);
    tcp_unlisten(listener);
    for (int i = 0; i < 5; i++)
        loop_turn(&loop, 1000);
    struct peer third = {0};
    struct tcp *t;

    cr_assert_eq(tcp_connect(&t, &loop, &nowhere, &frames, &third), OK);
    while (!third.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(third.why, ERR_REFUSED);
    cr_assert_eq(third.connected, 0);
    listener = NULL;
    close_pair();
}

Test(tcp, close_by_the_owner_delivers_what_was_sent_and_calls_nothing)
{
    open_pair("127.0.0.1", &frames, &frames);
    while (!at_client.connected && !timed_out)
        loop_turn(&loop, 10000);
    for (int i = 0; i < 50; i++)
        frame_out(client, 1000);
    tcp_close(client);
    client = NULL;
    while (!at_server.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(at_server.messages, 50);
    cr_assert_eq(at_server.why, OK);
    cr_assert_eq(at_client.closed, 0);
    close_pair();
}

Test(tcp, an_accepted_connection_may_be_closed_at_once)
{
    open_pair("127.0.0.1", NULL, &frames);
    while (!at_client.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(at_client.closed, 1);
    served = NULL;
    close_pair();
}

static int64_t close_inside(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg, (void)data;
    tcp_close(t);
    served = NULL;
    return len;
}
static const struct tcp_handler closing = {close_inside, on_connected, on_closed};

Test(tcp, may_be_closed_from_its_own_callback)
{
    open_pair("127.0.0.1", &closing, &frames);
    frame_out(client, 10);
    while (!at_client.closed && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(at_server.closed, 0);
    cr_assert_eq(at_client.closed, 1);
    close_pair();
}

Test(tcp, unix_sockets)
{
    char path[] = "/tmp/peal-tcp-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char got[16] = "";

    cr_assert_not_null(mkdtemp(path));
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", path);
    cr_assert_eq(loop_init(&loop, NULL), OK);
    timer_init(&limit);
    loop_timer(&loop, &limit, 20000, out_of_time);

    cr_assert_eq(tcp_connect_unix(&client, &loop, name.sun_path, &frames, &at_client), OK);
    loop_run(&loop);
    cr_assert_eq(at_client.why, ERR_NOT_FOUND);

    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(tcp_connect_unix(&client, &loop, name.sun_path, &frames, &at_client), OK);
    cr_assert_eq(tcp_send(client, SLICE("hello")), OK);
    while (!at_client.connected && !timed_out)
        loop_turn(&loop, 10000);
    int peer = accept(fd, NULL, NULL);

    for (int i = 0; i < 5; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(recv(peer, got, sizeof(got) - 1, 0), 5);
    cr_assert_str_eq(got, "hello");
    close(peer);
    while (client && !timed_out)
        loop_turn(&loop, 10000);
    cr_assert_eq(at_client.why, OK);
    close(fd);
    unlink(name.sun_path);
    rmdir(path);
    loop_timer_stop(&loop, &limit);
    loop_fini(&loop);
}

Test(tcp, a_path_too_long_is_named)
{
    char path[300];

    memset(path, 'p', sizeof(path));
    path[sizeof(path) - 1] = 0;
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(tcp_connect_unix(&client, &loop, path, &frames, NULL), ERR_TOO_LONG);
    loop_fini(&loop);
}
