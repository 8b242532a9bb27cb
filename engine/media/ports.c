/* The ring of free pairs; a pair somebody else holds goes to its end and is tried again later. */
#include "media/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rng.h"
#include "io/mark.h"

#define RECEIVE_BYTES (256 * 1024) /* the kernel doubles it, within net.core.rmem_max */

/* Any order: a stretch of the range that another program holds must not meet us in a row, and
 * nobody shall guess the next pair. */
static void shuffle(uint16_t *ports, uint32_t count)
{
    struct rng rng;
    uint64_t seed;

    rng_system(&seed, sizeof(seed));
    rng_seed(&rng, seed);
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = rng_below(&rng, i);
        uint16_t port = ports[i - 1];

        ports[i - 1] = ports[k];
        ports[k] = port;
    }
}

enum err ports_init(struct ports *p, uint16_t min, uint16_t max)
{
    uint32_t first = (min + 1u) & ~1u;

    *p = (struct ports){0};
    if (min == 0 || first + 1 > max)
        return ERR_INVALID;
    p->capacity = (max - first + 1) / 2;
    p->free = malloc(p->capacity * sizeof(*p->free));
    if (!p->free)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->capacity; i++)
        p->free[i] = (uint16_t)(first + 2 * i);
    shuffle(p->free, p->capacity);
    p->count = p->capacity;
    return OK;
}

void ports_fini(struct ports *p)
{
    free(p->free);
    *p = (struct ports){0};
}

static int open_bound(const struct addr *local, uint8_t dscp)
{
    int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;

    if (fd >= 0 && local->sa.sa_family == AF_INET6) /* its IPv4 port is another leg's */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (fd >= 0 && dscp)
        mark_socket(fd, local->sa.sa_family, dscp);
    if (fd >= 0 && bind(fd, &local->sa, addr_len(local)) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* RTP is read once in 20 ms (worker.h): datagrams bear the time when they came, and the kernel keeps
 * a burst of large ones meanwhile. Where that is refused, the time of reading and the system's
 * default have to do. */
static void wait_for_reader(int fd)
{
    const int on = 1, bytes = RECEIVE_BYTES;

    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static bool open_pair(struct port_pair *pair, uint16_t port, bool mux, uint8_t dscp)
{
    pair->rtcp = -1;
    addr_set_port(&pair->local, port);
    pair->rtp = open_bound(&pair->local, dscp);
    if (pair->rtp < 0)
        return false;
    wait_for_reader(pair->rtp);
    if (!mux) {
        struct addr rtcp = pair->local;

        addr_set_port(&rtcp, (uint16_t)(port + 1));
        pair->rtcp = open_bound(&rtcp, dscp);
        if (pair->rtcp < 0) {
            int saved = errno;

            close(pair->rtp);
            errno = saved;
            return false;
        }
    }
    return true;
}

static void give_back(struct ports *p, uint16_t port)
{
    p->free[(p->head + p->count) % p->capacity] = port;
    p->count++;
}

enum err ports_get(struct ports *p, const struct addr *local, bool mux, struct port_pair *out)
{
    uint32_t tries = p->count < PORTS_TRIES_MAX ? p->count : PORTS_TRIES_MAX;

    out->local = *local;
    out->owner = p;
    for (uint32_t i = 0; i < tries; i++) {
        uint16_t port = p->free[p->head];

        p->head = (p->head + 1) % p->capacity;
        p->count--;
        if (open_pair(out, port, mux, p->dscp))
            return OK;
        give_back(p, port);
        if (errno != EADDRINUSE && errno != EACCES) {
            p->refused++;
            return ERR_IO;
        }
        p->taken++;
    }
    p->refused++;
    return ERR_FULL;
}

void ports_put(const struct port_pair *pair)
{
    close(pair->rtp);
    if (pair->rtcp >= 0)
        close(pair->rtcp);
    give_back(pair->owner, addr_port(&pair->local));
}
