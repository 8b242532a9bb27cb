/* Trains: equal datagrams of a turn leave and arrive together, and nobody can tell but by the
 * number of calls to the kernel. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/udp.h"

#define FLOWS 40
#define STEPS 30

static struct loop loop;
static struct udp *client, *server, *other;
static uint32_t received, expected, next_of[FLOWS];
static struct timer limit;

static void out_of_time(struct timer *t)
{
    (void)t;
    loop_stop(&loop);
}

static void setup(const char *host, udp_recv_fn *server_recv)
{
    struct addr local;

    received = 0;
    memset(next_of, 0, sizeof(next_of));
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(addr_from_host(slice_cstr(host), 0, &local), OK);
    cr_assert_eq(udp_open(&client, &loop, &local, server_recv, NULL), OK);
    cr_assert_eq(udp_open(&server, &loop, &local, server_recv, NULL), OK);
    cr_assert_eq(udp_open(&other, &loop, &local, server_recv, NULL), OK);
    timer_init(&limit);
    loop_timer(&loop, &limit, 30000, out_of_time);
}

static void teardown(void)
{
    loop_timer_stop(&loop, &limit);
    udp_close(client);
    udp_close(server);
    udp_close(other);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
}

/* "flow step" filled up to len with a pattern, checked whole. */
static uint32_t write_step(char *text, uint32_t flow, uint32_t step, uint32_t len)
{
    int n = snprintf(text, len, "%u %u ", flow, step);

    for (uint32_t i = (uint32_t)n; i < len; i++)
        text[i] = (char)('a' + (flow + step + i) % 26);
    return len;
}

static void check_step(void *arg, const struct addr *from, char *data, uint32_t len)
{
    char wanted[2048], *end;
    uint32_t flow = (uint32_t)strtoul(data, &end, 10), step = (uint32_t)strtoul(end, NULL, 10);

    (void)arg;
    cr_assert(addr_eq(from, udp_local(client)));
    cr_assert_lt(flow, FLOWS);
    cr_assert_eq(data[len], 0, "no NUL after the datagram");
    cr_assert_eq(step, next_of[flow], "flow %u: %u came when %u was due", flow, step,
                 next_of[flow]);
    next_of[flow]++;
    write_step(wanted, flow, step, len);
    cr_assert_arr_eq(data, wanted, len, "the text of flow %u step %u is not what was sent", flow,
                     step);
    if (++received == expected)
        loop_stop(&loop);
}

static void send_step(struct udp *to, uint32_t flow, uint32_t step, uint32_t len)
{
    char text[2048];

    cr_assert_eq(udp_send(client, udp_local(to), flow + 1,
                          slice_of(text, write_step(text, flow, step, len))),
                 OK);
}

/* As calls do it: two datagrams of different kinds each, at once. */
static void send_pairs(void)
{
    expected = FLOWS * 2;
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        send_step(server, flow, 0, 300);
        send_step(server, flow, 1, 450);
    }
}

static void pairs_ride_in_trains(const char *host)
{
    setup(host, check_step);
    send_pairs();
    loop_run(&loop);
    cr_assert_eq(received, expected, "%u of %u arrived", received, expected);
    loop_turn(&loop, 0);
    cr_assert_eq(udp_stats(client)->sent, expected);
    cr_assert_eq(udp_stats(client)->send_calls, 2, "%lu calls for two kinds of datagrams",
                 udp_stats(client)->send_calls);
    cr_assert_leq(udp_stats(server)->receive_calls, 4, "%lu calls to receive two trains",
                  udp_stats(server)->receive_calls);
    teardown();
}

Test(train, pairs_ride_in_trains_ipv4)
{
    pairs_ride_in_trains("127.0.0.1");
}
Test(train, pairs_ride_in_trains_ipv6)
{
    pairs_ride_in_trains("::1");
}

/* Lengths that change from step to step, in another way in each flow, and many turns' worth at
 * once: whatever trains come of it, each flow arrives in order. */
Test(train, flows_keep_their_order)
{
    uint32_t seed = 1;

    setup("127.0.0.1", check_step);
    expected = FLOWS * STEPS;
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t flow = 0; flow < FLOWS; flow++) {
            seed = seed * 1103515245 + 12345;
            send_step(server, flow, step, 100 + 100 * (seed >> 16) % 500);
        }
    loop_run(&loop);
    cr_assert_eq(received, expected, "%u of %u arrived", received, expected);
    cr_assert_lt(udp_stats(client)->send_calls, expected / 2, "no trains: %lu calls",
                 udp_stats(client)->send_calls);
    teardown();
}

static uint32_t at_other;
static void count_other(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg, (void)from, (void)data;
    cr_assert_eq(len, 200);
    at_other++;
    if (++received == expected)
        loop_stop(&loop);
}

Test(train, peers_are_kept_apart)
{
    setup("127.0.0.1", count_other);
    at_other = 0;
    expected = 100;
    for (uint32_t i = 0; i < 50; i++) {
        send_step(server, i % FLOWS, 0, 200);
        send_step(other, i % FLOWS, 0, 200);
    }
    loop_run(&loop);
    cr_assert_eq(udp_stats(server)->received, 50);
    cr_assert_eq(udp_stats(other)->received, 50);
    teardown();
}

static int plain_socket(struct addr *a)
{
    struct timeval wait = {.tv_sec = 20};
    socklen_t len = sizeof(*a);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, a), OK);
    cr_assert_eq(bind(fd, &a->sa, addr_len(a)), 0);
    cr_assert_eq(getsockname(fd, &a->sa, &len), 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    return fd;
}

/* A socket that knows nothing of trains receives datagrams. */
Test(train, a_plain_socket_gets_each_datagram)
{
    char text[2048], wanted[2048];
    struct addr a;
    int fd;

    setup("127.0.0.1", check_step);
    fd = plain_socket(&a);
    for (uint32_t step = 0; step < STEPS; step++)
        cr_assert_eq(udp_send(client, &a, 1, slice_of(text, write_step(text, 0, step, 400))), OK);
    loop_turn(&loop, 0);
    for (uint32_t step = 0; step < STEPS; step++) {
        cr_assert_eq(recv(fd, text, sizeof(text), 0), 400);
        write_step(wanted, 0, step, 400);
        cr_assert_arr_eq(text, wanted, 400, "step %u", step);
    }
    cr_assert_eq(udp_stats(client)->send_calls, 1);
    close(fd);
    teardown();
}

/* The descriptor of u: the one whose address is u's. */
static int fd_of(struct udp *u)
{
    for (int fd = 3; fd < 256; fd++) {
        struct addr a = {0};
        socklen_t len = sizeof(a);

        if (getsockname(fd, &a.sa, &len) == 0 && addr_eq(&a, udp_local(u)))
            return fd;
    }
    return -1;
}

/* Linux refuses segments on a socket that sends no checksums with EINVAL, as it does where a
 * segment does not fit the path. */
Test(train, a_path_that_takes_no_trains_gets_single_datagrams)
{
    const int on = 1;
    uint64_t calls;

    setup("127.0.0.1", check_step);
    cr_assert_eq(setsockopt(fd_of(client), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    expected = 50;
    for (uint32_t step = 0; step < 50; step++)
        send_step(server, 0, step, 300);
    loop_run(&loop);
    cr_assert_eq(received, expected, "%u of %u arrived", received, expected);
    calls = udp_stats(client)->send_calls;
    cr_assert_gt(calls, 50, "the train was not refused");
    received = 0;
    for (uint32_t step = 50; step < 100; step++)
        send_step(server, 0, step, 300);
    loop_run(&loop);
    cr_assert_eq(received, expected, "%u of %u arrived", received, expected);
    cr_assert_eq(udp_stats(client)->send_calls, calls + 50, "it was not remembered");
    for (int i = 0; i < 100 && udp_stats(client)->sent < 100; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(udp_stats(client)->sent, 100);
    cr_assert_eq(udp_stats(client)->send_failed, 0);
    teardown();
}

Test(train, an_error_counts_for_each_datagram)
{
    struct addr nowhere; /* port 0 cannot be sent to: EINVAL at once, for a train and for one */

    setup("127.0.0.1", check_step);
    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, &nowhere), OK);
    for (uint32_t i = 0; i < 30; i++)
        cr_assert_eq(udp_send(client, &nowhere, 0, SLICE("to nobody")), OK);
    for (int i = 0; i < 1000 && udp_stats(client)->send_failed < 30; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(udp_stats(client)->send_failed, 30);
    cr_assert_eq(udp_stats(client)->sent, 0);
    uint64_t calls = udp_stats(client)->send_calls;

    /* It was no fault of trains: they go on. */
    send_pairs();
    loop_run(&loop);
    cr_assert_eq(received, expected);
    cr_assert_eq(udp_stats(client)->send_calls, calls + 2);
    teardown();
}

Test(train, what_was_sent_before_a_close_goes_out)
{
    char text[2048];
    struct addr a;
    int fd;

    setup("127.0.0.1", check_step);
    fd = plain_socket(&a);
    for (uint32_t step = 0; step < STEPS; step++)
        cr_assert_eq(udp_send(client, &a, 1, slice_of(text, write_step(text, 0, step, 400))), OK);
    udp_close(client);
    client = NULL;
    loop_turn(&loop, 0);
    for (uint32_t step = 0; step < STEPS; step++)
        cr_assert_eq(recv(fd, text, sizeof(text), 0), 400, "step %u", step);
    close(fd);
    teardown();
}
