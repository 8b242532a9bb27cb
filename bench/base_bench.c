/* The ground: hash table, timer wheel and rings, by size. What matters is that cost does not grow
 * with the number of calls in the air beyond what memory itself costs (caches get colder): each
 * figure is given at several sizes. Peers: glibc's hsearch_r over the same text keys, and a ring of
 * the same messages under a mutex. */
#include "bench/bench.h"

#include <inttypes.h>
#include <sched.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hist.h"
#include "base/list.h"
#include "base/ring.h"
#include "base/rng.h"
#include "io/wheel.h"

#define BATCH    1024 /* operations between two looks at the clock */
#define KEY_SIZE 40   /* of a Call-ID: 16 random bytes in hexadecimal and a host */

static const uint32_t sizes[] = {1000, 10000, 100000, 1000000};

static void case_name(char *dst, const char *what, uint32_t n)
{
    snprintf(dst, BENCH_TEXT_MAX, "%s, %" PRIu32, what, n);
}

static void *need(void *p)
{
    if (!p) {
        fputs("peal-bench: no memory\n", stderr);
        exit(1);
    }
    return p;
}

/* Runs `batch` (BATCH operations a call) for the time asked; nanoseconds an operation. */
static double time_of(const struct bench *b, void (*batch)(void *), void *arg)
{
    uint64_t start, end, batches = 0, wanted = (uint64_t)(b->seconds * 1e6 / 4);

    for (int i = 0; i < 16; i++)
        batch(arg);
    start = bench_thread_cpu_us();
    do {
        batch(arg);
        batches++;
        end = bench_thread_cpu_us();
    } while (end - start < wanted);
    return (double)(end - start) * 1000 / ((double)batches * BATCH);
}

/* Hash table. */

struct call_entry {
    struct hash_node node;
    char key[KEY_SIZE];
};

struct table_case {
    struct hash_table table;
    struct hsearch_data peer;
    struct hash_seed seed;
    struct call_entry *entry;
    uint32_t n;
    struct rng rng;
};

static bool match(const struct hash_node *n, const void *key)
{
    return strcmp(container_of(n, const struct call_entry, node)->key, key) == 0;
}

static uint64_t hash_key(const struct table_case *c, const char *key)
{
    return hash_slice(c->seed, slice_cstr(key));
}

static void find_batch(void *arg)
{
    struct table_case *c = arg;

    for (int i = 0; i < BATCH; i++) {
        const char *key = c->entry[rng_below(&c->rng, c->n)].key;

        bench_keep((uintptr_t)hash_find(&c->table, hash_key(c, key), match, key));
    }
}

static void peer_find_batch(void *arg)
{
    struct table_case *c = arg;

    for (int i = 0; i < BATCH; i++) {
        ENTRY *found = NULL;

        hsearch_r((ENTRY){.key = c->entry[rng_below(&c->rng, c->n)].key}, FIND, &found, &c->peer);
        bench_keep((uintptr_t)found);
    }
}

/* A call ends and another begins: one leaves, one enters. */
static void turnover_batch(void *arg)
{
    struct table_case *c = arg;

    for (int i = 0; i < BATCH; i++) {
        struct call_entry *e = &c->entry[rng_below(&c->rng, c->n)];

        hash_remove(&c->table, &e->node);
        bench_keep((uint64_t)hash_insert(&c->table, &e->node, hash_key(c, e->key)));
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Fills both tables; the histogram gets the time of every single insert of ours. */
static void fill(struct table_case *c, struct hist *insert_ns)
{
    hist_reset(insert_ns);
    c->seed = hash_process_seed();
    rng_seed(&c->rng, c->n);
    c->entry = need(calloc(c->n, sizeof(*c->entry)));
    if (hash_table_init(&c->table, c->n) != OK || !hcreate_r((size_t)c->n * 2, &c->peer))
        need(NULL);
    for (uint32_t i = 0; i < c->n; i++) {
        struct call_entry *e = &c->entry[i];
        ENTRY *stored;
        uint64_t start;

        snprintf(e->key, sizeof(e->key), "%016" PRIx64 "%016" PRIx64 "@h.test", rng_u64(&c->rng),
                 rng_u64(&c->rng));
        hsearch_r((ENTRY){.key = e->key, .data = e}, ENTER, &stored, &c->peer);
        start = now_ns();
        hash_insert(&c->table, &e->node, hash_key(c, e->key));
        hist_add(insert_ns, now_ns() - start);
    }
}

static void bench_table(struct bench *b, uint32_t n)
{
    static struct table_case c;
    static struct hist insert_ns;
    char name[BENCH_TEXT_MAX];
    double ours;

    c = (struct table_case){.n = n};
    fill(&c, &insert_ns);
    ours = time_of(b, find_batch, &c);
    case_name(name, "hash find by Call-ID", n);
    bench_add_peer(b, "base", name, ours, "ns", BENCH_LOWER, "hsearch_r",
                   time_of(b, peer_find_batch, &c));
    case_name(name, "hash remove and insert", n);
    bench_add(b, "base", name, time_of(b, turnover_batch, &c), "ns", BENCH_LOWER);
    case_name(name, "hash insert while growing, p99.99", n);
    bench_add(b, "base", name, (double)hist_quantile(&insert_ns, 0.9999), "ns", BENCH_LOWER);
    hash_table_fini(&c.table);
    hdestroy_r(&c.peer);
    free(c.entry);
}

/* Timer wheel. */

struct wheel_case {
    struct wheel wheel;
    struct timer *timer;
    uint32_t n;
    struct rng rng;
};

static struct wheel_case *firing; /* timers restart themselves on the wheel they fired from */

/* The times of SIP: T1 to 64 T1, and ring times. */
static uint64_t delay(struct rng *r)
{
    return 500 + rng_below(r, 60000);
}

static void restart(struct timer *t)
{
    timer_start(&firing->wheel, t, delay(&firing->rng), restart);
}

static void start_batch(void *arg)
{
    struct wheel_case *c = arg;

    for (int i = 0; i < BATCH; i++) {
        struct timer *t = &c->timer[rng_below(&c->rng, c->n)];

        timer_stop(&c->wheel, t);
        timer_start(&c->wheel, t, delay(&c->rng), restart);
    }
}

/* Each timer that fires starts again, so the wheel stays as full as it was. */
static double fire_cost(const struct bench *b, struct wheel_case *c)
{
    uint64_t start = bench_thread_cpu_us(), end, fired = 0;

    do {
        for (int i = 0; i < 100; i++)
            fired += wheel_advance(&c->wheel, c->wheel.now_ms + 1);
        end = bench_thread_cpu_us();
    } while (end - start < (uint64_t)(b->seconds * 1e6 / 4) || fired < c->n);
    return (double)(end - start) * 1000 / (double)fired;
}

static void bench_wheel(struct bench *b, uint32_t n)
{
    static struct wheel_case c;
    char name[BENCH_TEXT_MAX];

    c.n = n;
    c.timer = need(calloc(n, sizeof(*c.timer)));
    rng_seed(&c.rng, n);
    wheel_init(&c.wheel, 1000);
    firing = &c;
    for (uint32_t i = 0; i < n; i++) {
        timer_init(&c.timer[i]);
        timer_start(&c.wheel, &c.timer[i], delay(&c.rng), restart);
    }
    case_name(name, "timer stop and start", n);
    bench_add(b, "base", name, time_of(b, start_batch, &c), "ns", BENCH_LOWER);
    case_name(name, "timer fires and starts again", n);
    bench_add(b, "base", name, fire_cost(b, &c), "ns", BENCH_LOWER);
    free(c.timer);
}

/* Rings: two threads, two cores where there are two; messages of a cache line. */

#define RING_CAPACITY 1024

struct message {
    uint64_t word[8];
};

/* The peer: the same ring under a mutex. */
struct locked_ring {
    pthread_mutex_t lock;
    struct message cell[RING_CAPACITY];
    uint32_t head, tail;
};

static struct ring_spsc spsc;
static struct ring_mpsc mpsc;
static struct locked_ring locked = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool spsc_push(const struct message *m)
{
    return ring_spsc_push(&spsc, m);
}
static bool spsc_pop(struct message *m)
{
    return ring_spsc_pop(&spsc, m);
}
static bool mpsc_push(const struct message *m)
{
    return ring_mpsc_push(&mpsc, m);
}
static bool mpsc_pop(struct message *m)
{
    return ring_mpsc_pop(&mpsc, m);
}

static bool locked_push(const struct message *m)
{
    bool room;

    pthread_mutex_lock(&locked.lock);
    room = locked.tail - locked.head < RING_CAPACITY;
    if (room)
        locked.cell[locked.tail++ % RING_CAPACITY] = *m;
    pthread_mutex_unlock(&locked.lock);
    return room;
}

static bool locked_pop(struct message *m)
{
    bool any;

    pthread_mutex_lock(&locked.lock);
    any = locked.tail != locked.head;
    if (any)
        *m = locked.cell[locked.head++ % RING_CAPACITY];
    pthread_mutex_unlock(&locked.lock);
    return any;
}

struct flow {
    bool (*push)(const struct message *m);
    bool (*pop)(struct message *m);
    atomic_bool stop;
};

static void *produce(void *arg)
{
    struct flow *f = arg;
    struct message m = {{0}};

    bench_pin(1);
    while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
        if (f->push(&m))
            m.word[0]++;
        else
            sched_yield();
    }
    return NULL;
}

static double flow_rate(struct bench *b, bool (*push)(const struct message *m),
                        bool (*pop)(struct message *m))
{
    struct flow f = {.push = push, .pop = pop};
    uint64_t got = 0, lost = 0, start, end;
    struct message m;
    pthread_t thread;

    if (pthread_create(&thread, NULL, produce, &f) != 0)
        need(NULL);
    while (!pop(&m)) /* the measure begins once the other thread runs */
        sched_yield();
    got = m.word[0] + 1;
    uint64_t first = got;

    start = bench_now_us();
    do {
        for (int i = 0; i < BATCH; i++) {
            if (!pop(&m)) {
                sched_yield();
                continue;
            }
            lost += m.word[0] != got;
            got = m.word[0] + 1;
        }
        end = bench_now_us();
    } while (end - start < (uint64_t)(b->seconds * 1e6 / 2) || got == first);
    atomic_store(&f.stop, true);
    pthread_join(thread, NULL);
    if (lost)
        bench_fail(b, "base: a ring lost or repeated messages %" PRIu64 " times", lost);
    return (double)(got - first) * 1e6 / (double)(end - start);
}

static void bench_rings(struct bench *b)
{
    double peer = flow_rate(b, locked_push, locked_pop);

    if (ring_spsc_init(&spsc, sizeof(struct message), RING_CAPACITY) != OK ||
        ring_mpsc_init(&mpsc, sizeof(struct message), RING_CAPACITY) != OK)
        need(NULL);
    bench_add_peer(b, "base", "spsc ring, 64-byte messages", flow_rate(b, spsc_push, spsc_pop),
                   "messages/s", BENCH_HIGHER, "ring under a mutex", peer);
    bench_add_peer(b, "base", "mpsc ring, 64-byte messages", flow_rate(b, mpsc_push, mpsc_pop),
                   "messages/s", BENCH_HIGHER, "ring under a mutex", peer);
    ring_spsc_fini(&spsc);
    ring_mpsc_fini(&mpsc);
}

int bench_base(struct bench *b)
{
    bench_pin(0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        bench_table(b, sizes[i]);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        bench_wheel(b, sizes[i]);
    bench_rings(b);
    return 0;
}
