#include "bench/own_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_US 5000
#define LIMIT_S 600

static void on_state(void *arg, bool up, const char *why)
{
    struct own_queue *q = arg;

    q->up = up;
    if (!up)
        bench_note("%s: %s", q->what, why);
}

bool own_queue_begin(struct own_queue *q, struct bench *b, const char *what)
{
    *q = (struct own_queue){.bench = b, .what = what, .folder = "/tmp/peal-bench-XXXXXX"};
    if (mkdtemp(q->folder) && loop_init(&q->loop, NULL) == OK)
        return true;
    bench_fail(b, "%s: no folder in /tmp, or no io_uring", what);
    rmdir(q->folder);
    return false;
}

void own_queue_end(struct own_queue *q)
{
    char command[96];

    loop_fini(&q->loop);
    snprintf(command, sizeof(command), "rm -rf %s", q->folder);
    if (system(command) != 0)
        bench_fail(q->bench, "%s: cannot delete %s", q->what, q->folder);
}

bool own_queue_until(struct own_queue *q, const bool *flag)
{
    uint64_t end_us = bench_now_us() + (uint64_t)LIMIT_S * 1000000;

    while (!*flag && bench_now_us() < end_us)
        loop_turn(&q->loop, TURN_US);
    return *flag;
}

bool own_queue_open(struct own_queue *q, const char *folder)
{
    char path[96], error[REDIS_SERVER_ERROR_MAX];

    snprintf(path, sizeof(path), "%s/%s", q->folder, folder);
    if (redis_server_open(&q->server, path, error)) {
        bench_fail(q->bench, "%s: %s", q->what, error);
        return false;
    }
    const struct queue_config config = {.loop = &q->loop,
                                        .url = redis_server_url(q->server),
                                        .server = q->server,
                                        .campaign = "bench",
                                        .engine = "bench",
                                        .on_state = on_state,
                                        .arg = q};

    q->up = false;
    if (queue_open(&q->queue, &config) == OK && own_queue_until(q, &q->up))
        return true;
    bench_fail(q->bench, "%s: the queue does not come up", q->what);
    return false;
}

void own_queue_close(struct own_queue *q)
{
    queue_close(q->queue);
    redis_server_close(q->server);
    q->queue = NULL;
    q->server = NULL;
}
