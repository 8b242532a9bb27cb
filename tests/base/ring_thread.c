/* Rings between real threads, also under the thread sanitizer: every message arrives whole, once
 * and in its producer's order, and what was refused is exactly what was counted. The rings are
 * small, so full and empty are met all the time. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/ring.h"
#include "base/rng.h"

#define PRODUCERS    4
#define PER_PRODUCER 50000u
#define CAPACITY     64

struct message {
    uint32_t producer, number;
    uint64_t payload[3], check;
};

static struct ring_mpsc mpsc;
static struct ring_spsc spsc;

static uint64_t check_of(const struct message *m)
{
    return hash_bytes((struct hash_seed){3, 4}, m, offsetof(struct message, check));
}

static struct message make(uint32_t producer, uint32_t number, struct rng *r)
{
    struct message m = {.producer = producer, .number = number};

    for (int i = 0; i < 3; i++)
        m.payload[i] = rng_u64(r);
    m.check = check_of(&m);
    return m;
}

#define require(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct producer {
    pthread_t thread;
    uint32_t id;
    uint64_t refused;
};

static void *produce_mpsc(void *arg)
{
    struct producer *p = arg;
    struct rng r;

    rng_seed_stream(&r, 1, SLICE("mpsc"), p->id);
    for (uint32_t i = 0; i < PER_PRODUCER; i++) {
        struct message m = make(p->id, i, &r);

        while (!ring_mpsc_push(&mpsc, &m)) {
            p->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static void *produce_spsc(void *arg)
{
    struct producer *p = arg;
    struct rng r;

    rng_seed_stream(&r, 1, SLICE("spsc"), p->id);
    for (uint32_t i = 0; i < PER_PRODUCER; i++) {
        struct message m = make(p->id, i, &r);

        while (!ring_spsc_push(&spsc, &m)) {
            p->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static void take(const struct message *m, uint32_t *next, uint32_t producers)
{
    require(m->producer < producers);
    require(m->check == check_of(m));
    require(m->number == next[m->producer]);
    next[m->producer]++;
}

static void run_mpsc(void)
{
    struct producer p[PRODUCERS] = {0};
    uint32_t next[PRODUCERS] = {0}, total = 0;
    uint64_t refused = 0;
    struct message m;

    require(ring_mpsc_init(&mpsc, sizeof(struct message), CAPACITY) == OK);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        p[i].id = i;
        require(pthread_create(&p[i].thread, NULL, produce_mpsc, &p[i]) == 0);
    }
    while (atomic_load(&mpsc.refused) == 0)
        sched_yield(); /* nothing is taken before the ring was full once */
    while (total < PRODUCERS * PER_PRODUCER) {
        if (!ring_mpsc_pop(&mpsc, &m)) {
            sched_yield();
            continue;
        }
        take(&m, next, PRODUCERS);
        total++;
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(p[i].thread, NULL);
        require(next[i] == PER_PRODUCER);
        refused += p[i].refused;
    }
    require(!ring_mpsc_pop(&mpsc, &m));
    require(atomic_load(&mpsc.refused) == refused);
    printf("mpsc: %u messages, %llu refusals met and counted\n", total,
           (unsigned long long)refused);
    ring_mpsc_fini(&mpsc);
}

static void run_spsc(void)
{
    struct producer p = {0};
    uint32_t next[1] = {0};
    struct message m;

    require(ring_spsc_init(&spsc, sizeof(struct message), CAPACITY) == OK);
    require(pthread_create(&p.thread, NULL, produce_spsc, &p) == 0);
    while (atomic_load(&spsc.refused) == 0)
        sched_yield();
    while (next[0] < PER_PRODUCER) {
        if (ring_spsc_pop(&spsc, &m))
            take(&m, next, 1);
        else
            sched_yield();
    }
    pthread_join(p.thread, NULL);
    require(!ring_spsc_pop(&spsc, &m));
    require(atomic_load(&spsc.refused) == p.refused);
    printf("spsc: %u messages, %llu refusals met and counted\n", next[0],
           (unsigned long long)p.refused);
    ring_spsc_fini(&spsc);
}

/* Producers race for the last places of a ring that nobody empties: exactly the capacity gets in.
 */
static void *push_some(void *arg)
{
    uint64_t *pushed = arg;
    struct message m = {0};

    for (int i = 0; i < CAPACITY; i++)
        *pushed += ring_mpsc_push(&mpsc, &m);
    return NULL;
}

static void run_full(void)
{
    pthread_t thread[PRODUCERS];
    uint64_t pushed[PRODUCERS] = {0}, sum = 0;

    require(ring_mpsc_init(&mpsc, sizeof(struct message), CAPACITY) == OK);
    for (int i = 0; i < PRODUCERS; i++)
        require(pthread_create(&thread[i], NULL, push_some, &pushed[i]) == 0);
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(thread[i], NULL);
        sum += pushed[i];
    }
    require(sum == CAPACITY);
    require(atomic_load(&mpsc.refused) == (PRODUCERS - 1) * CAPACITY);
    ring_mpsc_fini(&mpsc);
}

int main(void)
{
    run_mpsc();
    run_spsc();
    for (int i = 0; i < 50; i++)
        run_full();
    return 0;
}
