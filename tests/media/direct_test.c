/* RTCP's sockets in the rings' tables: how many descriptors legs take, and that RTCP goes on over a
 * move between workers. Where the kernel cannot, sockets keep their numbers; then only the second
 * test says something. */
#include <criterion/criterion.h>
#include <dirent.h>

#include "media/rtcp.h"
#include "tests/media/media_kit.h"

#define LEGS 48

bool stream_direct_possible(struct io_uring *ring);

static uint32_t descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint32_t n = 0;

    cr_assert(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Until the workers have taken what they were given. */
static uint32_t settled(struct kit *k, uint32_t wanted)
{
    uint64_t limit = kit_now_ms() + KIT_LIMIT_MS;

    while (descriptors() != wanted && kit_now_ms() < limit)
        loop_turn(&k->loop, 5000);
    return descriptors();
}

Test(direct, a_leg_takes_one_descriptor_and_gives_it_back)
{
    struct heard_leg leg[LEGS];
    struct kit k;

    for (uint32_t workers = 1; workers <= 2; workers++) {
        kit_open(&k, workers);
        if (!stream_direct_possible(&k.loop.ring)) {
            kit_close(&k);
            cr_skip("this kernel keeps numbers");
        }
        uint32_t before = descriptors();

        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < LEGS; i++)
                kit_leg(&k, &leg[i], false);
            cr_expect_eq(settled(&k, before + LEGS), before + LEGS, "one each");
            for (int i = 0; i < LEGS; i++)
                media_leg_close(leg[i].leg);
            for (int i = 0; i < LEGS; i++)
                cr_assert(kit_until(&k, &leg[i].closed, 1, KIT_LIMIT_MS));
            cr_expect_eq(descriptors(), before);
        }
        kit_close(&k);
    }
}

static int far_socket(struct addr *at)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*at);

    addr_from_host(slice_cstr("127.0.0.1"), 0, at);
    cr_assert(fd >= 0 && bind(fd, &at->sa, addr_len(at)) == 0 &&
              getsockname(fd, &at->sa, &len) == 0);
    return fd;
}

/* A report that says BYE, sent from where it should be. */
static bool bye_came(int fd, uint16_t from_port)
{
    uint8_t p[512];
    struct addr from;
    struct rtcp_packet in;

    for (;;) {
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, p, sizeof(p), MSG_DONTWAIT, &from.sa, &len);

        if (n < 0)
            return false;
        cr_assert_eq(rtcp_parse(p, (size_t)n, 0, &in), OK);
        cr_expect_eq(addr_port(&from), from_port, "by RTCP's own socket");
        if (in.bye)
            return true;
    }
}

Test(direct, reports_go_on_after_a_move_between_workers)
{
    struct heard_leg a, b;
    struct media_metrics m;
    struct addr rtcp[2];
    struct kit k;
    int fd[2] = {far_socket(&rtcp[0]), far_socket(&rtcp[1])};
    struct heard_leg *legs[2] = {&a, &b};
    uint16_t port[2];

    kit_open(&k, 2);
    kit_leg(&k, &a, false);
    kit_leg(&k, &b, false);
    for (int i = 0; i < 2; i++) {
        struct media_remote r = kit_remote(media_leg_local(legs[!i]->leg), MEDIA_PCMU);

        r.rtcp = rtcp[i];
        port[i] = media_leg_port(legs[i]->leg);
        cr_assert_eq(media_leg_set_remote(legs[i]->leg, &r), OK);
    }
    cr_assert(kit_until(&k, &a.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert(kit_until(&k, &b.first_rtp, 1, KIT_LIMIT_MS));
    cr_assert_eq(media_bridge(a.leg, b.leg), OK);
    cr_assert(kit_until(&k, &a.bridged, 1, KIT_LIMIT_MS));
    media_metrics(k.media, &m);
    cr_assert_eq(m.moves, 1, "they were on two workers");
    kit_close_pair(&k, &a, &b);
    for (int i = 0; i < 2; i++) {
        cr_expect(bye_came(fd[i], (uint16_t)(port[i] + 1)), "leg %d", i);
        close(fd[i]);
    }
    kit_close(&k);
}
