/* The queue on one Redis: tasks claimed, completed and due again, per second, by 1, 2 and 4
 * engines, with 1,000 to 1,000,000 leads waiting. Each engine is a thread with a loop and a
 * connection of its own, claims 100 at a time and completes each by itself, as engines do; the next
 * claim leaves before the completions are answered. All leads are ones whose time has come, as most
 * calls of a campaign are retries: each goes to the end when it is completed, so all are touched.
 * What redis-server spends on one, in CPU time, hardly depends on what else the machine does.
 *
 * The peer is redis-benchmark on the same server: fencing tokens make the functions themselves
 * impossible for it, so it runs the very commands that they run inside Redis, as plain commands of
 * the same shape (keys, fields, sizes, ids), pipelined by 100 (those of a whole claim by 10) on as
 * many connections, each for itself; the peer's rate is that of the whole round, 1 / Σ (count /
 * rate). What a claim of 100 does once counts as a hundredth. Server: the private one of `peal run`
 * (append-only file, synced before every answer). --leads N: not beyond so many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "queue/queue.h"
#include "queue/redis.h"

#define AT_ONCE     100 /* tasks of a claim */
#define OPEN_MAX    200 /* completions under way of one engine */
#define ENGINES_MAX 4
#define TURN_US     2000
#define LIMIT_S     600
#define RAW_COUNT   20000

struct queue_run {
    struct bench *bench;
    char folder[64];
    struct redis_server *server;
    uint32_t leads;
    char campaign[32];
    double cpu_us; /* of redis-server, a round of the last rate() */
};

struct engine {
    struct queue_run *run;
    pthread_t thread;
    char name[32];
    struct loop loop;
    struct queue *queue;
    bool up, claiming, attempts, failed;
    uint32_t open;
    uint64_t done, counted; /* counted: in the time measured */
    double seconds, took;   /* how long to work, and how long it was */
    char why[200];
    pthread_barrier_t *all_there;
};

/* ---- one engine ---- */

static void on_state(void *arg, bool up, const char *why)
{
    struct engine *e = arg;

    (void)why;
    e->up = up;
}

static bool engine_open(struct engine *e)
{
    uint64_t until = bench_now_us() + 30000000;

    if (loop_init(&e->loop, NULL))
        return false;
    const struct queue_config config = {.loop = &e->loop,
                                        .url = redis_server_url(e->run->server),
                                        .campaign = e->run->campaign,
                                        .engine = e->name,
                                        .on_state = on_state,
                                        .arg = e};

    if (queue_open(&e->queue, &config))
        return false;
    while (!e->up && bench_now_us() < until)
        loop_turn(&e->loop, TURN_US);
    return e->up;
}

static void engine_close(struct engine *e)
{
    queue_close(e->queue);
    loop_fini(&e->loop);
}

static void on_completed(void *arg, enum err err)
{
    struct engine *e = arg;

    e->open--;
    e->done++;
    e->failed |= err != OK && err != ERR_CANCELLED;
}

static void complete(struct engine *e, const struct queue_task *t, uint32_t attempt)
{
    const struct queue_completion c = {
        .outcome = QUEUE_RELEASE,
        .attempt = attempt,
        .avoid_trunk = QUEUE_NO_TRUNK,
        .record = attempt ? SLICE("{\"result\":\"busy\"}") : SLICE_NONE,
    };

    e->failed |= queue_complete(e->queue, t, &c, on_completed, e) != OK;
}

struct recorded {
    struct engine *engine;
    struct queue_task task;
};

static void on_recorded(void *arg, enum err err)
{
    struct recorded *r = arg;

    r->engine->failed |= err != OK && err != ERR_CANCELLED;
    if (err == OK)
        complete(r->engine, &r->task, r->task.tries + 1);
    free(r);
}

static void on_tasks(void *arg, enum err err, const struct queue_task *tasks, uint32_t n)
{
    struct engine *e = arg;

    e->claiming = false;
    e->failed |= err != OK && err != ERR_CANCELLED;
    for (uint32_t i = 0; i < n; i++) {
        e->open++;
        if (!e->attempts) {
            complete(e, &tasks[i], 0);
            continue;
        }
        struct recorded *r = malloc(sizeof(*r));

        if (!r)
            abort();
        *r = (struct recorded){e, tasks[i]};
        e->failed |= queue_attempt(e->queue, &r->task, r->task.tries + 1,
                                   SLICE("0123456789abcdef@127.0.0.1"), on_recorded, r) != OK;
    }
}

static void until_done(struct engine *e, double seconds)
{
    uint64_t start = bench_now_us(), end = start + (uint64_t)(seconds * 1e6);

    while (!e->failed && bench_now_us() < end) {
        if (!e->claiming && e->open + AT_ONCE <= OPEN_MAX)
            e->claiming = queue_claim(e->queue, AT_ONCE, on_tasks, e) == OK;
        loop_turn(&e->loop, TURN_US);
    }
    e->took = (double)(bench_now_us() - start) / 1e6;
    e->counted = e->done;
    end = bench_now_us() + 30000000;
    while ((e->open || e->claiming) && !e->failed && bench_now_us() < end)
        loop_turn(&e->loop, TURN_US);
    e->failed |= e->open > 0;
}

/* A loop belongs to the thread that made it. All begin when all are connected. */
static void *work(void *arg)
{
    struct engine *e = arg;

    e->failed = !engine_open(e);
    pthread_barrier_wait(e->all_there);
    if (!e->failed)
        until_done(e, e->seconds);
    if (e->failed && e->queue)
        snprintf(e->why, sizeof(e->why), "%.180s", queue_error(e->queue));
    engine_close(e);
    return NULL;
}

/* ---- the server ---- */

static char *ask(struct queue_run *run, const char *const argv[])
{
    struct bench_child child;
    struct bench_result r = {0};

    if (!bench_child_start(&child, argv, NULL, -1))
        return NULL;
    bench_child_wait(&child, LIMIT_S, &r);
    if (r.ended && r.exit_code == 0)
        return r.output;
    bench_fail(run->bench, "queue: %s: %s", argv[0], r.output ? r.output : "no output");
    bench_result_free(&r);
    return NULL;
}

static const char *socket_of(const struct queue_run *run)
{
    return redis_server_url(run->server) + strlen("unix:");
}

static double info(struct queue_run *run, const char *section, const char *name)
{
    const char *const argv[] = {"redis-cli", "-s", socket_of(run), "INFO", section, NULL};
    char *text = ask(run, argv), *at = text ? strstr(text, name) : NULL;
    double value = at ? strtod(at + strlen(name), NULL) : 0;

    free(text);
    return value;
}

static double memory(struct queue_run *run)
{
    return info(run, "memory", "used_memory:");
}

static double server_cpu_us(struct queue_run *run)
{
    return (info(run, "cpu", "used_cpu_user:") + info(run, "cpu", "used_cpu_sys:")) * 1e6;
}

/* From the line of first calls to those whose time has come. */
static bool make_due(struct queue_run *run)
{
    char fresh[64], due[64];

    snprintf(fresh, sizeof(fresh), "{%s}:fresh", run->campaign);
    snprintf(due, sizeof(due), "{%s}:due", run->campaign);
    const char *const move[] = {"redis-cli", "-s",  socket_of(run), "ZUNIONSTORE", due,
                                "1",         fresh, "WEIGHTS",      "0",           NULL};
    const char *const drop[] = {"redis-cli", "-s", socket_of(run), "DEL", fresh, NULL};
    char *moved = ask(run, move), *dropped = moved ? ask(run, drop) : NULL;
    bool ok = dropped && strtoul(moved, NULL, 10) == run->leads;

    free(moved);
    free(dropped);
    if (!ok)
        bench_fail(run->bench, "queue: the leads could not be made due");
    return ok;
}

/* Rounds a second of all engines together; negative when it failed. */
static double rate(struct queue_run *run, uint32_t engines, bool attempts, double seconds)
{
    static struct engine engine[ENGINES_MAX];
    pthread_barrier_t all_there;
    double sum = 0, done = 0, cpu_us = server_cpu_us(run);

    memset(engine, 0, sizeof(engine));
    pthread_barrier_init(&all_there, NULL, engines);
    for (uint32_t i = 0; i < engines; i++) {
        engine[i].run = run;
        engine[i].attempts = attempts;
        engine[i].seconds = seconds;
        engine[i].all_there = &all_there;
        snprintf(engine[i].name, sizeof(engine[i].name), "engine-%u", i);
        if (pthread_create(&engine[i].thread, NULL, work, &engine[i]) != 0)
            abort(); /* the others wait at the barrier */
    }
    for (uint32_t i = 0; i < engines; i++) {
        pthread_join(engine[i].thread, NULL);
        sum = engine[i].failed || sum < 0 ? -1 : sum + (double)engine[i].counted / engine[i].took;
        if (engine[i].failed)
            bench_fail(run->bench, "queue: %s failed: %s", engine[i].name, engine[i].why);
        done += (double)engine[i].done;
    }
    run->cpu_us = done > 0 ? (server_cpu_us(run) - cpu_us) / done : 0;
    pthread_barrier_destroy(&all_there);
    return sum;
}

/* Leads with ids as redis-benchmark makes them; the bytes of ids and payloads of all, or 0. */
static double fill(struct queue_run *run)
{
    struct engine e = {.run = run, .name = "filler"};
    double own = 0;
    bool ok = engine_open(&e);

    for (uint32_t i = 0; ok && i < run->leads; i++) {
        char id[16], number[20];
        const struct queue_lead lead = {
            .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%012u", i)),
            .numbers = {{slice_of(number, (size_t)snprintf(number, sizeof(number), "+1202555%04u",
                                                           100 + i % 100)),
                         SLICE("mobile")}},
            .name = SLICE("Somebody Else"),
            .zone = SLICE("America/New_York"),
            .fields = SLICE("{\"city\":\"New York, NY\",\"offer\":\"spring\"}"),
        };
        enum err err;

        /* separators, priority, expiry: 7 bytes */
        own += lead.id.len + lead.numbers[0].number.len + 1 + lead.numbers[0].kind.len +
               lead.name.len + lead.zone.len + lead.fields.len + 7;
        while ((err = queue_add(e.queue, &lead)) == ERR_AGAIN)
            loop_turn(&e.loop, TURN_US);
        ok = err == OK;
    }
    e.open = 1;
    ok = ok && queue_add_finish(e.queue, on_completed, &e) == OK;
    for (uint64_t end = bench_now_us() + (uint64_t)LIMIT_S * 1000000;
         ok && e.open && bench_now_us() < end;)
        loop_turn(&e.loop, TURN_US);
    ok = ok && !e.open && !e.failed && queue_add_stats_of(e.queue)->added == run->leads;
    if (!ok)
        bench_fail(run->bench, "queue: the leads could not be added: %s", queue_error(e.queue));
    engine_close(&e);
    return ok ? own : 0;
}

/* ---- the peer ---- */

/* A command of functions.c's claim and complete; %k: the key, "{campaign}"; %i: an id of a lead;
 * %I: a hundred of them; %S: a hundred with a score; %N: as long as a claim is noted. Once for each
 * task, or for a claim of a hundred. */
struct raw_command {
    const char *text;
    bool of_claim;
};
static const struct raw_command raw_commands[] = {
    {"HGET %k:claims engine", true},
    {"ZRANGEBYSCORE %k:due -inf (9999999999999 LIMIT 0 100", true},
    {"ZREM %k:due %I", true},
    {"HINCRBY %k:meta token 100", true},
    {"HMGET %k:tasks %I", true},
    {"ZADD %k:leased %S", true},
    {"HSET %k:claims engine %N", true},
    {"HMGET %k:s:%i in tries", false},
    {"HSET %k:s:%i st leased tok __rand_int__ eng engine-0#01234567", false},
    {"HMGET %k:s:%i tries charged trunk open at prio cid", false},
    {"HMGET %k:s:%i st tok open last tries in", false},
    {"ZREM %k:leased %i", false},
    {"HDEL %k:s:%i open eng tok", false},
    {"HSET %k:s:%i last 0:__rand_int__ trunk -1", false},
    {"HSET %k:s:%i st due", false},
    {"ZADD %k:due 1900000000000.5 %i", false},
};
#define RAW_COMMANDS (sizeof(raw_commands) / sizeof(raw_commands[0]))
#define WORDS_MAX    256

/* The command's words; texts live in `room`. */
static uint32_t words_of(const struct queue_run *run, const char *text, char *room, size_t cap,
                         const char **argv)
{
    char word[128], *at = room;
    uint32_t n = 0;

    while (sscanf(text, "%127s", word) == 1) {
        const char *mark = strchr(word, '%');
        bool scores = mark && mark[1] == 'S', many = scores || (mark && mark[1] == 'I');

        for (uint32_t i = 0; i < (many ? AT_ONCE : 1); i++) {
            if (scores) {
                argv[n++] = "1900000000000";
            }
            argv[n++] = at;
            size_t left = cap - (size_t)(at - room);

            if (many || (mark && mark[1] == 'i'))
                at += snprintf(at, left, "%.*s__rand_int__%s", (int)(mark - word), word, mark + 2);
            else if (mark && mark[1] == 'N')
                at += snprintf(at, left, "%02000d", 0);
            else if (mark)
                at += snprintf(at, left, "{%s}%s", run->campaign, mark + 2);
            else
                at += snprintf(at, left, "%s", word);
            /* "{campaign}:s:%i" has two marks */
            char *second = strstr(argv[n - 1], "%i");

            if (second)
                at = second + snprintf(second, cap - (size_t)(second - room), "__rand_int__");
            at++;
        }
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    return n;
}

/* Commands a second of redis-benchmark; negative when it failed. */
static double raw_rate(struct queue_run *run, const struct raw_command *c, uint32_t connections)
{
    static char room[65536];
    const char *argv[WORDS_MAX + 32];
    char count[16], clients[16], range[16];
    uint32_t n = 0;

    snprintf(count, sizeof(count), "%u", c->of_claim ? RAW_COUNT / 20 : RAW_COUNT);
    snprintf(clients, sizeof(clients), "%u", connections);
    snprintf(range, sizeof(range), "%u", run->leads);
    const char *const first[] = {
        "redis-benchmark",          "-s", socket_of(run), "-n",   count, "-c", clients, "-P",
        c->of_claim ? "10" : "100", "-r", range,          "--csv"};

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        argv[n++] = first[i];
    n += words_of(run, c->text, room, sizeof(room), argv + n);
    argv[n] = NULL;
    char *text = ask(run, argv);
    /* "test","rps",…\n"HGET …","123456.7",… */
    char *row = text ? strchr(text, '\n') : NULL, *at = row ? strstr(row, "\",\"") : NULL;
    double rps = at ? strtod(at + 3, NULL) : -1;

    if (text && rps <= 0)
        bench_fail(run->bench, "queue: redis-benchmark says: %s", text);
    free(text);
    return rps;
}

static double raw_round(struct queue_run *run, uint32_t connections)
{
    double seconds = 0;

    for (size_t i = 0; i < RAW_COMMANDS; i++) {
        double rps = raw_rate(run, &raw_commands[i], connections);

        if (rps <= 0)
            return -1;
        seconds += (raw_commands[i].of_claim ? 1.0 / AT_ONCE : 1.0) / rps;
    }
    return 1 / seconds;
}

/* ---- all of it ---- */

static void row(struct queue_run *run, uint32_t engines, double ours)
{
    char name[BENCH_TEXT_MAX];
    double raw = ours > 0 ? raw_round(run, engines) : -1;

    snprintf(name, sizeof(name), "claim + complete, %u engine%s, %u leads", engines,
             engines > 1 ? "s" : "", run->leads);
    if (raw > 0)
        bench_add_peer(run->bench, "queue", name, ours, "tasks/s", BENCH_HIGHER,
                       "redis-benchmark, the same commands", raw);
}

/* Rounds a second of one engine, and what one costs redis-server. */
static double one_size(struct queue_run *run, double *cpu_us)
{
    static const uint32_t counts[] = {1, 2, 4};
    double ours[3], least = 0, empty, filled, own, started = (double)bench_now_us();
    char folder[96], name[BENCH_TEXT_MAX], error[REDIS_SERVER_ERROR_MAX];

    snprintf(folder, sizeof(folder), "%s/%u", run->folder, run->leads);
    snprintf(run->campaign, sizeof(run->campaign), "bench-%u", run->leads);
    if (redis_server_open(&run->server, folder, error)) {
        bench_fail(run->bench, "queue: %s", error);
        return -1;
    }
    empty = memory(run);
    own = fill(run);
    filled = memory(run);
    bench_note("queue: %u leads added in %.1f s", run->leads,
               ((double)bench_now_us() - started) / 1e6);
    if (own > 0) {
        snprintf(name, sizeof(name), "memory of a lead beyond its own bytes, %u leads", run->leads);
        bench_add(run->bench, "queue", name, (filled - empty - own) / run->leads, "bytes",
                  BENCH_LOWER);
    }
    if (own > 0 && !make_due(run))
        own = 0;
    for (uint32_t i = 0; i < 3 && own > 0; i++) {
        ours[i] = rate(run, counts[i], false, run->bench->seconds);
        *cpu_us = i ? *cpu_us : run->cpu_us;
    }
    if (own > 0) {
        snprintf(name, sizeof(name), "CPU of redis-server for one, 1 engine, %u leads", run->leads);
        bench_add(run->bench, "queue", name, *cpu_us, "us", BENCH_LOWER);
        least = ours[0];
        snprintf(name, sizeof(name), "the same with attempts recorded, 1 engine, %u leads",
                 run->leads);
        double attempts = rate(run, 1, true, run->bench->seconds);

        if (attempts > 0)
            bench_add(run->bench, "queue", name, attempts, "tasks/s", BENCH_HIGHER);
        double worked = memory(run);

        snprintf(name, sizeof(name), "memory after all that, a lead of %u", run->leads);
        bench_add(run->bench, "queue", name, (worked - empty - own) / run->leads, "bytes",
                  BENCH_LOWER);
    }
    for (uint32_t i = 0; i < 3 && own > 0; i++) /* last: it leaves the books in disorder */
        row(run, counts[i], ours[i]);
    redis_server_close(run->server);
    run->server = NULL;
    return least;
}

int bench_queue(struct bench *b)
{
    static struct queue_run run;
    const char *text = bench_option(b, "leads");
    uint32_t most = text ? (uint32_t)strtoul(text, NULL, 10) : b->seconds < 1 ? 10000 : 1000000;
    double slowest = 0, fastest = 0, dearest = 0, cheapest = 0, cpu_us = 0;
    char command[96], path[256];

    run = (struct queue_run){.bench = b};
    strcpy(run.folder, "/tmp/peal-bench-XXXXXX");
    if (!bench_find("redis-benchmark", path, sizeof(path)) || !mkdtemp(run.folder)) {
        bench_fail(b,
                   "queue: redis-benchmark (package redis-tools) or a folder in /tmp is missing");
        return 1;
    }
    for (run.leads = 1000; run.leads <= most && b->failures == 0; run.leads *= 10) {
        double r = one_size(&run, &cpu_us);

        slowest = slowest == 0 || r < slowest ? r : slowest;
        fastest = r > fastest ? r : fastest;
        cheapest = cheapest == 0 || cpu_us < cheapest ? cpu_us : cheapest;
        dearest = cpu_us > dearest ? cpu_us : dearest;
    }
    if (b->failures == 0) {
        bench_add(b, "queue", "slowest size over fastest, 1 engine", slowest / fastest, "",
                  BENCH_HIGHER);
        bench_add(b, "queue", "dearest size over cheapest, CPU of redis-server", dearest / cheapest,
                  "", BENCH_LOWER);
    }
    snprintf(command, sizeof(command), "rm -rf %s", run.folder);
    return system(command) == 0 && b->failures == 0 ? 0 : 1;
}
