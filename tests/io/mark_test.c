/* DSCP marks as the far socket sees them, and their names. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/mark.h"
#include "io/tcp.h"
#include "io/udp.h"

static int code_of(const char *text)
{
    uint8_t dscp = 200;

    return mark_parse(slice_cstr(text), &dscp) == OK ? dscp : -1;
}

Test(mark, names_and_numbers)
{
    cr_expect_eq(code_of("ef"), 46);
    cr_expect_eq(code_of("EF"), 46);
    cr_expect_eq(code_of("cs3"), 24);
    cr_expect_eq(code_of("cs7"), 56);
    cr_expect_eq(code_of("af31"), 26);
    cr_expect_eq(code_of("AF43"), 38);
    cr_expect_eq(code_of("voice-admit"), 44);
    cr_expect_eq(code_of("default"), 0);
    cr_expect_eq(code_of("0"), 0);
    cr_expect_eq(code_of("63"), 63);
}

Test(mark, what_is_none)
{
    const char *wrong[] = {"",     "64",   "-1",  "cs8", "cs", "cs33",
                           "af14", "af51", "af3", "efx", "4 6"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        cr_expect_eq(code_of(wrong[i]), -1, "'%s'", wrong[i]);
}

static void no_message(void *arg, const struct addr *from, char *data, uint32_t len)
{
    (void)arg, (void)from, (void)data, (void)len;
}

/* The mark of the next datagram, or -1. */
static int mark_seen(int fd)
{
    char byte[64], control[256];
    struct iovec iov = {byte, sizeof(byte)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};

    if (recvmsg(fd, &m, MSG_DONTWAIT) < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
            return *CMSG_DATA(c) >> 2;
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int v;

            memcpy(&v, CMSG_DATA(c), sizeof(v));
            return v >> 2;
        }
    }
    return -2;
}

static void datagrams(const char *host)
{
    const int on = 1;
    struct addr here, far_end;
    socklen_t len = sizeof(far_end.in6);
    struct loop loop;
    struct udp *u;
    int mark = -1;

    cr_assert_eq(addr_from_host(slice_cstr(host), 0, &here), OK);
    int fd = socket(here.sa.sa_family, SOCK_DGRAM, 0);
    if (bind(fd, &here.sa, addr_len(&here)))
        cr_skip("%s is not there", host);
    getsockname(fd, &far_end.sa, &len);
    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
    if (here.sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(udp_open(&u, &loop, &here, no_message, NULL), OK);
    udp_mark(u, 26);
    cr_assert_eq(udp_send(u, &far_end, 0, SLICE("hello")), OK);
    for (int i = 0; i < 1000 && mark == -1; i++) {
        loop_turn(&loop, 5000);
        mark = mark_seen(fd);
    }
    cr_expect_eq(mark, 26, "%s: %d", host, mark);
    udp_close(u);
    for (int i = 0; i < 10; i++)
        loop_turn(&loop, 1000);
    loop_fini(&loop);
    close(fd);
}

Test(mark, datagrams_over_ipv4)
{
    datagrams("127.0.0.1");
}
Test(mark, datagrams_over_ipv6)
{
    datagrams("::1");
}

/* ---- connections ---- */

struct door {
    struct tcp *tcp;
    uint32_t accepted, closed;
};

static int64_t no_bytes(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg, (void)t, (void)data;
    return len;
}

static void gone(void *arg, struct tcp *t, enum err why)
{
    struct door *d = arg;

    (void)t, (void)why;
    d->closed++;
}
static const struct tcp_handler quiet = {.received = no_bytes, .closed = gone};

static void accepted(void *arg, struct tcp *t)
{
    struct door *d = arg;

    d->tcp = t;
    d->accepted++;
    tcp_set_handler(t, &quiet, d);
}

Test(mark, a_connection_leaves_from_the_address_it_is_told)
{
    static const struct tcp_listener_handler handler = {.accepted = accepted};
    struct tcp_from from = {.dscp = 24};
    struct door door = {0}, client = {0};
    struct tcp_listener *listener;
    struct addr here;
    struct loop loop;

    cr_assert_eq(addr_parse(SLICE("127.0.0.1:0"), 0, &here), OK);
    cr_assert_eq(addr_parse(SLICE("127.0.0.77:5060"), 0, &from.host), OK);
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(tcp_listen(&listener, &loop, &here, &handler, &door), OK);
    cr_assert_eq(
        tcp_connect_from(&client.tcp, &loop, tcp_listener_local(listener), &from, &quiet, &client),
        OK);
    for (int i = 0; i < 1000 && !door.accepted; i++)
        loop_turn(&loop, 5000);
    cr_assert_eq(door.accepted, 1);
    cr_expect(addr_eq_host(tcp_remote(door.tcp), &from.host));
    cr_expect_neq(addr_port(tcp_remote(door.tcp)), 5060, "the port is the system's");
    tcp_close(client.tcp);
    tcp_close(door.tcp);
    tcp_unlisten(listener);
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 1000);
    loop_fini(&loop);
}
