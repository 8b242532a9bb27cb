#include "io/udp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST 4000

static struct loop loop;
static struct udp *client, *server;
static uint32_t received, expected, in_air;
static bool seen[BURST * 8];
static struct timer limit;

static void out_of_time(struct timer *t)
{
    (void)t;
    loop_stop(&loop);
}

static void echo(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg;
    cr_assert_eq(data[len], 0, "no NUL after the datagram");
    cr_assert_eq(udp_send(server, from, 0, slice_of(data, len)), OK);
}

static void send_number(uint32_t number)
{
    char text[600];
    int len = snprintf(text, sizeof(text), "%u %*s", number, (int)(number % 500), "");

    cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(text, (size_t)len)), OK);
}

static uint32_t next_number;
static void count(void *arg, const struct addr *from, char *data, uint32_t len)
{
    uint32_t number = (uint32_t)strtoul(data, NULL, 10);

    (void)arg;
    cr_assert(addr_eq(from, udp_local(server)));
    cr_assert_eq(len, strlen(data));
    cr_assert_lt(number, expected);
    cr_assert(!seen[number], "datagram %u came twice", number);
    seen[number] = true;
    received++;
    in_air--;
    if (received == expected) {
        loop_stop(&loop);
        return;
    }
    while (next_number < expected && in_air < 1000) { /* paced: a window, as a protocol would */
        send_number(next_number++);
        in_air++;
    }
}

static void pair(const char *host, udp_recv_fn *client_recv, udp_recv_fn *server_recv)
{
    struct addr local;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(addr_from_host(slice_cstr(host), 0, &local), OK);
    cr_assert_eq(udp_open(&client, &loop, &local, client_recv, NULL), OK);
    cr_assert_eq(udp_open(&server, &loop, &local, server_recv, NULL), OK);
    timer_init(&limit);
    loop_timer(&loop, &limit, 20000, out_of_time);
}

static void unpair(void)
{
    loop_timer_stop(&loop, &limit);
    udp_close(client);
    udp_close(server);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
}

static void echo_windowed(const char *host)
{
    pair(host, count, echo);
    expected = BURST * 8;
    received = 0;
    for (next_number = 0; next_number < 1000; next_number++) {
        send_number(next_number);
        in_air++;
    }
    loop_run(&loop);
    cr_assert_eq(received, expected, "%u of %u echoed", received, expected);
    cr_assert_eq(udp_stats(server)->sent, expected);
    cr_assert_eq(udp_stats(server)->send_failed + udp_stats(server)->send_refused, 0);
    unpair();
}

Test(udp, echoes_thousands_without_loss_ipv4)
{
    echo_windowed("127.0.0.1");
}
Test(udp, echoes_thousands_without_loss_ipv6)
{
    echo_windowed("::1");
}

/* One burst larger than the ring of receive buffers: the multishot receive runs out of buffers and
 * must be armed again, with nothing lost that the socket held. */
static void swallow(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg, (void)from, (void)data, (void)len;
    if (++received == expected)
        loop_stop(&loop);
}

Test(udp, a_burst_larger_than_the_buffers_arrives_whole)
{
    pair("127.0.0.1", swallow, swallow);
    expected = BURST;
    received = 0;
    for (uint32_t i = 0; i < BURST; i++)
        send_number(i);
    loop_run(&loop);
    uint64_t arrived = udp_stats(server)->received;

    cr_assert_eq(arrived, BURST, "%lu of %d, starved %lu times", arrived, BURST,
                 udp_stats(server)->starved);
    unpair();
}

Test(udp, a_full_send_pool_refuses_and_counts)
{
    uint32_t refused = 0;
    enum err e;

    pair("127.0.0.1", swallow, swallow);
    expected = UINT32_MAX;
    for (int i = 0; i < 50000 && !refused; i++) {
        e = udp_send(client, udp_local(server), 0, SLICE("x"));
        refused += e != OK;
        if (e)
            cr_assert_eq(e, ERR_FULL);
    }
    cr_assert_eq(refused, 1);
    cr_assert_eq(udp_stats(client)->send_refused, 1);
    for (int i = 0; i < 100; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(udp_send(client, udp_local(server), 0, SLICE("x")), OK, "the pool did not recover");
    unpair();
}

static uint32_t last_len;
static void measure(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg, (void)from, (void)data;
    last_len = len;
    loop_stop(&loop);
}

Test(udp, sizes_up_to_the_maximum)
{
    static char big[UDP_DATAGRAM_MAX + 1];
    const uint32_t sizes[] = {0, 1, 2032, 2033, UDP_RECEIVE_MAX};

    pair("127.0.0.1", swallow, measure);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        last_len = UINT32_MAX;
        cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(big, sizes[i])), OK);
        loop_run(&loop);
        cr_assert_eq(last_len, sizes[i]);
    }
    cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(big, sizeof(big))), ERR_TOO_LONG);
    /* Longer than we receive: dropped whole, never handed out cut. */
    cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(big, UDP_RECEIVE_MAX + 1)), OK);
    cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(big, UDP_DATAGRAM_MAX)), OK);
    cr_assert_eq(udp_send(client, udp_local(server), 0, slice_of(big, 7)), OK);
    loop_run(&loop);
    cr_assert_eq(last_len, 7);
    cr_assert_eq(udp_stats(server)->truncated, 2);
    unpair();
}

static void close_self(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg, (void)from, (void)data, (void)len;
    received++;
    udp_close(server);
    server = NULL;
}

Test(udp, may_be_closed_from_its_own_callback)
{
    pair("127.0.0.1", swallow, close_self);
    received = 0;
    for (uint32_t i = 0; i < 100; i++)
        send_number(i);
    for (int i = 0; i < 50; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(received, 1, "%u callbacks after the close", received - 1);
    unpair();
}

Test(udp, an_address_in_use_is_named)
{
    struct udp *third;

    pair("127.0.0.1", swallow, swallow);
    cr_assert_eq(udp_open(&third, &loop, udp_local(server), swallow, NULL), ERR_EXISTS);
    unpair();
}

Test(udp, a_datagram_to_the_wrong_family_is_counted)
{
    struct addr v6;

    pair("127.0.0.1", swallow, swallow);
    addr_parse(SLICE("[::1]:9"), 0, &v6);
    cr_assert_eq(udp_send(client, &v6, 0, SLICE("x")), OK);
    for (int i = 0; i < 100 && !udp_stats(client)->send_failed; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(udp_stats(client)->send_failed, 1);
    unpair();
}
