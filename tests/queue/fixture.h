/* A private redis-server in a folder of its own, a loop and a queue on it, for the tests here. */
#ifndef PEAL_TESTS_QUEUE_FIXTURE_H
#define PEAL_TESTS_QUEUE_FIXTURE_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue/queue.h"
#include "queue/redis.h"

static char folder[64];
static struct redis_server *server;
static struct loop loop;
static struct queue *queue;
static bool is_up;
static int ups, downs;

static inline void on_state(void *arg, bool up, const char *why)
{
    (void)arg;
    is_up = up;
    *(up ? &ups : &downs) += 1;
    if (!up)
        cr_assert_gt(strlen(why), 10, "no sentence: \"%s\"", why);
}

/* Turns the loop until *flag is true; false when 20 s were not enough. */
static inline bool turn_until(const bool *flag)
{
    for (int i = 0; i < 20000 && !*flag; i++)
        loop_turn(&loop, 1000);
    return *flag;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void start_server(void)
{
    char error[REDIS_SERVER_ERROR_MAX];

    if (!folder[0]) {
        strcpy(folder, "/tmp/peal-queue-XXXXXX");
        cr_assert_not_null(mkdtemp(folder));
    }
    cr_assert_eq(redis_server_open(&server, folder, error), OK, "%s", error);
}

static inline struct queue *open_queue(const char *engine, uint32_t lease_ms)
{
    struct queue *q;
    const struct queue_config config = {.loop = &loop,
                                        .url = redis_server_url(server),
                                        .server = server,
                                        .campaign = "spring offer {1}",
                                        .engine = engine,
                                        .lease_ms = lease_ms,
                                        .on_state = on_state};

    is_up = false;
    cr_assert_eq(queue_open(&q, &config), OK);
    cr_assert(turn_until(&is_up), "%s", queue_error(q));
    return q;
}

static inline void setup(void)
{
    start_server();
    cr_assert_eq(loop_init(&loop, NULL), OK);
    queue = open_queue("engine-1", 60000);
}

static inline void teardown(void)
{
    queue_close(queue);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0, "operations left in flight");
    redis_server_close(server);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the asynchronous calls, waited for ------------------------------------------------------- */

struct answer {
    bool came;
    enum err e;
    struct queue_task task[QUEUE_CLAIM_MAX];
    uint32_t n, put_back;
    struct queue_lease lost[QUEUE_RENEW_MAX];
    struct queue_counts counts;
};
static struct answer got;

static inline void on_done(void *arg, enum err e)
{
    struct answer *a = arg;

    a->came = true;
    a->e = e;
}

static inline void on_tasks(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    struct answer *a = arg;

    memcpy(a->task, tasks, n * sizeof(*tasks));
    a->n = n;
    on_done(a, e);
}

static inline void on_reclaimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n,
                                uint32_t put_back)
{
    got.put_back = put_back;
    on_tasks(arg, e, tasks, n);
}

static inline void on_renewed(void *arg, enum err e, const struct queue_lease *lost, uint32_t n)
{
    memcpy(got.lost, lost, n * sizeof(*lost));
    got.n = n;
    on_done(arg, e);
}

static inline void on_counts(void *arg, enum err e, const struct queue_counts *counts)
{
    got.counts = *counts;
    on_done(arg, e);
}

static inline void fresh_answer(void)
{
    got.came = false;
    got.n = got.put_back = 0;
}

static inline enum err wait_for(enum err asked)
{
    if (asked)
        return asked;
    cr_assert(turn_until(&got.came), "no answer came");
    return got.e;
}

static inline enum err claim(struct queue *q, uint32_t max)
{
    fresh_answer();
    return wait_for(queue_claim(q, max, on_tasks, &got));
}

static inline enum err attempt(struct queue *q, const struct queue_task *t, uint32_t number)
{
    fresh_answer();
    return wait_for(queue_attempt(q, t, number, SLICE("call-1@test.invalid"), on_done, &got));
}

static inline enum err complete(struct queue *q, const struct queue_task *t,
                                const struct queue_completion *c)
{
    fresh_answer();
    return wait_for(queue_complete(q, t, c, on_done, &got));
}

static inline enum err finish(struct queue *q, const struct queue_task *t, uint32_t number,
                              const char *status)
{
    return complete(q, t,
                    &(struct queue_completion){.outcome = QUEUE_FINISH,
                                               .attempt = number,
                                               .status = slice_cstr(status),
                                               .charged = true,
                                               .avoid_trunk = QUEUE_NO_TRUNK,
                                               .record = SLICE("{\"result\":\"busy\"}")});
}

static inline enum err reclaim(struct queue *q, bool own)
{
    fresh_answer();
    return wait_for(queue_reclaim(q, own, on_reclaimed, &got));
}

static inline const struct queue_counts *counts(struct queue *q)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_count(q, on_counts, &got)), OK, "%s", queue_error(q));
    const struct queue_counts *c = &got.counts;

    cr_assert_eq(c->total, c->due + c->waiting + c->leased + c->finished,
                 "the books: %lu %lu %lu %lu %lu", c->total, c->due, c->waiting, c->leased,
                 c->finished);
    return c;
}

static inline uint64_t wall_ms(void)
{
    return clock_wall_ms(loop.clock);
}

/* Adds leads named PREFIX0 … and waits for the acknowledgement. */
static inline void add_leads(struct queue *q, const char *prefix, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char id[64], number[32];
        const struct queue_lead lead = {
            .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%s%u", prefix, i)),
            .numbers = {{slice_of(
                number, (size_t)snprintf(number, sizeof(number), "+1555555%04u", 100 + i % 100))}},
            .name = SLICE("Somebody"),
            .zone = SLICE("Europe/Ljubljana"),
            .fields = SLICE("{\"city\":\"Ptuj\"}")};
        enum err e;

        while ((e = queue_add(q, &lead)) == ERR_AGAIN)
            loop_turn(&loop, 1000);
        cr_assert_eq(e, OK);
    }
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(q, on_done, &got)), OK, "%s", queue_error(q));
}

#endif
