/* Legs at several addresses: their ports, their marks, IPv6, and a bridge between the two families.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>

#include "media_kit.h"

#define OWN_PORTS 8

static struct media_range ranges[2];

/* Range 0 at 127.0.0.1, 1 at ::1, 2 eight ports of 127.0.0.1. */
static void open_ranges(struct kit *k)
{
    uint16_t base = (uint16_t)(20000 + (uint32_t)getpid() % 90 * 400);

    cr_assert_eq(addr_from_host(SLICE("::1"), 0, &ranges[0].local), OK);
    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, &ranges[1].local), OK);
    ranges[0].port_min = base;
    ranges[0].port_max = (uint16_t)(base + 399);
    ranges[1].port_min = (uint16_t)(base + 392);
    ranges[1].port_max = (uint16_t)(base + 391 + OWN_PORTS);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool there = bind(fd, &ranges[0].local.sa, addr_len(&ranges[0].local)) == 0;

    close(fd);
    if (!there)
        cr_skip("there is no IPv6");
    kit_open_as(k, (struct media_config){.workers = 1,
                                         .max_legs = 32,
                                         .port_min = base,
                                         .port_max = (uint16_t)(base + 391),
                                         .ranges = ranges,
                                         .range_count = 2,
                                         .dscp = 46});
}

static enum err leg_in(struct kit *k, struct heard_leg *h, uint8_t range)
{
    struct media_leg_params p = {.range = range};

    memset(h, 0, sizeof(*h));
    return media_leg_open(k->media, &p, kit_on_event, h, &h->leg);
}

Test(range, ports_of_a_range_are_its_own)
{
    struct heard_leg legs[OWN_PORTS], other;
    uint32_t open = 0;
    struct kit k;

    open_ranges(&k);
    while (open < OWN_PORTS && leg_in(&k, &legs[open], 2) == OK) {
        uint16_t port = media_leg_port(legs[open].leg);

        cr_expect(port >= ranges[1].port_min && port < ranges[1].port_max, "port %u", port);
        open++;
    }
    cr_expect(open >= 1 && open <= OWN_PORTS / 2, "%u pairs of %u ports", open, OWN_PORTS);
    cr_assert_eq(leg_in(&k, &other, 0), OK, "the others have theirs");
    cr_expect_lt(media_leg_port(other.leg), ranges[1].port_min);
    for (uint32_t i = 0; i < open; i++)
        kit_close_leg(&k, &legs[i]);
    cr_assert_eq(leg_in(&k, &legs[0], 2), OK, "what was given back is there again");
    kit_close_leg(&k, &legs[0]);
    kit_close_leg(&k, &other);
    kit_close(&k);
}

static void mark_wanted(int fd, int family)
{
    const int on = 1;

    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
    else
        setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
}

/* The mark of the next datagram, -1: none. */
static int mark_of(int fd)
{
    char bytes[400], control[256];
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    int v = -1;

    if (recvmsg(fd, &m, MSG_DONTWAIT) < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP)
            v = *CMSG_DATA(c) >> 2;
        else
            memcpy(&v, CMSG_DATA(c), sizeof(v)), v >>= 2;
    }
    return v;
}

static void far_talk(const char *host, uint8_t range, int family)
{
    struct kit_source far_end;
    struct heard_leg h;
    struct kit k;
    int mark = -1;

    open_ranges(&k);
    kit_source_of(&far_end, host, family);
    mark_wanted(far_end.fd, family);
    cr_assert_eq(leg_in(&k, &h, range), OK);
    struct media_remote r = kit_remote(&far_end.addr, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
    for (int i = 0; i < 500 && (mark < 0 || !h.first_rtp); i++) {
        kit_say(&far_end, media_leg_local(h.leg));
        kit_run_ms(&k, 20);
        int seen = mark_of(far_end.fd);

        mark = seen >= 0 ? seen : mark;
    }
    cr_expect_eq(mark, 46, "%d", mark);
    cr_expect_eq(h.first_rtp, 1);
    kit_close_leg(&k, &h);
    cr_expect(addr_eq(&h.stats.latched, &far_end.addr));
    kit_close(&k);
    close(far_end.fd);
}

Test(range, packets_are_marked_over_ipv4)
{
    far_talk("127.0.0.1", 0, AF_INET);
}
Test(range, packets_are_marked_over_ipv6)
{
    far_talk("::1", 1, AF_INET6);
}

Test(range, a_bridge_joins_the_families)
{
    struct kit_source four, six;
    struct heard_leg a, b;
    struct kit k;
    uint8_t got[400];
    ssize_t n = -1;

    open_ranges(&k);
    kit_source_of(&four, "127.0.0.1", AF_INET);
    kit_source_of(&six, "::1", AF_INET6);
    cr_assert_eq(leg_in(&k, &a, 0), OK);
    cr_assert_eq(leg_in(&k, &b, 1), OK);
    struct media_remote to_a = kit_remote(&four.addr, MEDIA_PCMU);
    struct media_remote to_b = kit_remote(&six.addr, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(a.leg, &to_a), OK);
    cr_assert_eq(media_leg_set_remote(b.leg, &to_b), OK);
    cr_assert_eq(media_bridge(a.leg, b.leg), OK);
    bool heard = false;

    for (int i = 0; i < 500 && !heard; i++) {
        kit_say(&four, media_leg_local(a.leg)); /* 0x55: no silence of ours */
        kit_run_ms(&k, 20);
        while ((n = recv(six.fd, got, sizeof(got), MSG_DONTWAIT)) > 0)
            heard = heard || (n == 172 && got[12] == 0x55 && got[171] == 0x55);
    }
    cr_expect(heard, "what IPv4 says does not reach IPv6");
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
    close(four.fd);
    close(six.fd);
}

Test(range, a_far_end_of_another_family_is_refused)
{
    struct kit_source six;
    struct heard_leg h;
    struct kit k;

    open_ranges(&k);
    kit_source_of(&six, "::1", AF_INET6);
    cr_assert_eq(leg_in(&k, &h, 0), OK);
    struct media_remote r = kit_remote(&six.addr, MEDIA_PCMU);

    cr_expect_eq(media_leg_set_remote(h.leg, &r), ERR_UNSUPPORTED);
    kit_close_leg(&k, &h);
    kit_close(&k);
    close(six.fd);
}
