/* Pairs of ports beside other programs that hold some of the same range. */
#include "media/ports.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 400
#define HELD  (PORTS_TRIES_MAX + 40) /* in a row, more than are tried for one leg */

struct fixture {
    struct ports ports;
    struct addr local;
    int held[HELD];
    uint16_t first;
};

static int hold(struct addr a, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    addr_set_port(&a, port);
    if (bind(fd, &a.sa, addr_len(&a)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Each test has an address of its own: they run at the same time. */
static void setup(struct fixture *f, struct slice address)
{
    cr_assert_eq(addr_parse(address, 0, &f->local), OK);
    f->first = 12000;
    for (int i = 0; i < HELD; i++) {
        f->held[i] = hold(f->local, (uint16_t)(f->first + 2 * i));
        cr_assert_geq(f->held[i], 0, "another program holds port %d", f->first + 2 * i);
    }
    cr_assert_eq(ports_init(&f->ports, f->first, (uint16_t)(f->first + 2 * PAIRS - 1)), OK);
}

static void teardown(struct fixture *f)
{
    ports_fini(&f->ports);
    for (int i = 0; i < HELD; i++)
        close(f->held[i]);
}

Test(ports, many_taken_in_a_row_do_not_refuse_a_leg)
{
    struct fixture f;
    struct port_pair pair;

    setup(&f, SLICE("127.0.12.1:0"));
    cr_assert_eq(ports_get(&f.ports, &f.local, false, &pair), OK);
    cr_expect_geq(addr_port(&pair.local), f.first + 2 * HELD);
    cr_expect_eq(f.ports.refused, 0);
    ports_put(&pair);
    cr_expect_eq(f.ports.count, PAIRS);
    teardown(&f);
}

Test(ports, every_pair_is_given_once_and_then_none)
{
    struct fixture f;
    struct port_pair pair[PAIRS], more;
    uint32_t got = 0;
    bool seen[PAIRS] = {false};

    setup(&f, SLICE("127.0.12.2:0"));
    for (int i = 0; i < PAIRS && got < PAIRS - HELD; i++)
        got += ports_get(&f.ports, &f.local, false, &pair[got]) == OK;
    cr_assert_eq(got, PAIRS - HELD);
    for (uint32_t i = 0; i < got; i++) {
        uint32_t n = (addr_port(&pair[i].local) - f.first) / 2u;

        cr_assert(n < PAIRS && addr_port(&pair[i].local) % 2 == 0);
        cr_expect(!seen[n], "pair %u was given twice", n);
        seen[n] = true;
    }
    cr_expect_eq(ports_get(&f.ports, &f.local, false, &more), ERR_FULL);
    while (got)
        ports_put(&pair[--got]);
    teardown(&f);
}
