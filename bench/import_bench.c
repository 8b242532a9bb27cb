/* Filling the queue: leads from a CSV file, read, checked and put into a private redis-server
 * (every answer after fsync), until all are acknowledged. The peer is `redis-cli --pipe` with the
 * same payloads as plain commands (HSETNX and ZADD for each lead), once with the same settings and
 * once with appendfsync off, which is the best it can do. Then what working on a full queue costs:
 * claims, and attempts with their completions, many under way at once.
 * A million leads; with --seconds below 1 only 50,000, for a quick look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "bench/own_queue.h"
#include "campaign/leads.h"
#include "queue/redis.h"
#include "queue/task.h"

#define LEADS_FULL    1000000
#define LEADS_QUICK   50000
#define BATCH_AT_ONCE 200 /* tasks worked on at once */
#define TURN_US       5000
#define LIMIT_S       600

struct import_run {
    struct bench *bench;
    uint32_t leads;
    char csv[96], pipe[96];
    struct own_queue own;
    bool done, failed;
    struct queue_task *tasks;
    uint32_t task_count, answers;
};

static void on_done(void *arg, enum err e)
{
    struct import_run *run = arg;

    run->done = true;
    run->failed |= e != OK;
}

static bool write_csv(const struct import_run *run)
{
    FILE *f = fopen(run->csv, "w");

    if (!f)
        return false;
    fputs("id,number,name,zone,city,account,offer\n", f);
    for (uint32_t i = 0; i < run->leads; i++)
        fprintf(
            f, "ext-%u,+1%03u55501%02u,Somebody Else,America/New_York,\"New York, NY\",%u,spring\n",
            i, 202 + i % 5, i % 100, i);
    return fclose(f) == 0;
}

static void put_command(FILE *f, uint32_t argc, const struct slice *argv)
{
    char text[TASK_PAYLOAD_MAX + 200];
    size_t n = redis_format(text, sizeof(text), argc, argv);

    fwrite(text, 1, n, f);
}

static struct queue_lead queue_lead_of(const struct lead *lead)
{
    return (struct queue_lead){.id = slice_cstr(lead->id),
                               .numbers = {{slice_cstr(lead->numbers[0].number), SLICE_NONE}},
                               .name = lead->name,
                               .zone = lead->zone,
                               .fields = lead->fields,
                               .priority = lead->priority};
}

/* The same leads as commands for redis-cli. */
static bool write_pipe(const struct import_run *run)
{
    char error[LEADS_REASON_MAX], order[16], payload[TASK_PAYLOAD_MAX];
    struct leads *leads;
    struct lead lead;
    uint32_t n = 0;
    FILE *f = fopen(run->pipe, "w");

    if (!f)
        return false;
    if (leads_open(&leads, run->csv, number_country_find(SLICE("us")), error)) {
        fclose(f);
        return false;
    }
    while (leads_next(leads, &lead) == OK) {
        const struct queue_lead q = queue_lead_of(&lead);
        struct buf b = buf_on(payload, sizeof(payload));
        struct slice score = slice_of(order, (size_t)snprintf(order, sizeof(order), "%u", n++));

        task_pack(&q, &b);
        put_command(f, 4,
                    (struct slice[]){SLICE("HSETNX"), SLICE("{b}:tasks"), q.id, buf_slice(&b)});
        put_command(f, 5,
                    (struct slice[]){SLICE("ZADD"), SLICE("{b}:fresh"), SLICE("NX"), score, q.id});
    }
    leads_close(leads);
    return fclose(f) == 0 && n == run->leads;
}

/* Seconds from opening the CSV to the last acknowledgement; negative when it failed. */
static double import_csv(struct import_run *run)
{
    char error[LEADS_REASON_MAX];
    struct leads *leads;
    struct lead lead;
    uint64_t start_us = bench_now_us();
    enum err e;

    if (leads_open(&leads, run->csv, number_country_find(SLICE("us")), error)) {
        bench_fail(run->bench, "import: %s", error);
        return -1;
    }
    while ((e = leads_next(leads, &lead)) == OK) {
        const struct queue_lead q = queue_lead_of(&lead);

        while ((e = queue_add(run->own.queue, &q)) == ERR_AGAIN)
            loop_turn(&run->own.loop, TURN_US);
        if (e)
            break;
    }
    leads_close(leads);
    run->done = false;
    queue_add_finish(run->own.queue, on_done, run);
    if (e != ERR_CLOSED || !own_queue_until(&run->own, &run->done) || run->failed) {
        bench_fail(run->bench, "import: not all leads were taken (%s): %s", err_name(e),
                   queue_error(run->own.queue));
        return -1;
    }
    return (double)(bench_now_us() - start_us) / 1e6;
}

static bool shell(struct import_run *run, const char *command, double *wall_s)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct bench_child child;
    struct bench_result result = {0};

    if (!bench_child_start(&child, argv, NULL, -1))
        return false;
    bench_child_wait(&child, LIMIT_S, &result);
    bool ok = result.ended && result.exit_code == 0 && strstr(result.output, "errors: 0");

    if (!ok)
        bench_fail(run->bench, "import: %s: %s", command,
                   result.output ? result.output : "no output");
    *wall_s = result.wall_s;
    bench_result_free(&result);
    return ok;
}

/* redis-cli --pipe into a server of its own; fsync "always" or "no". */
static double pipe_seconds(struct import_run *run, const char *fsync)
{
    char command[400], folder[96], error[REDIS_SERVER_ERROR_MAX];
    struct redis_server *server;
    double wall_s = -1;

    snprintf(folder, sizeof(folder), "%s/pipe-%s", run->own.folder, fsync);
    if (redis_server_open(&server, folder, error)) {
        bench_fail(run->bench, "import: %s", error);
        return -1;
    }
    const char *socket = redis_server_url(server) + strlen("unix:");

    snprintf(command, sizeof(command),
             "redis-cli -s %s CONFIG SET appendfsync %s >/dev/null && echo errors: 0", socket,
             fsync);
    if (shell(run, command, &wall_s)) {
        snprintf(command, sizeof(command), "redis-cli -s %s --pipe < %s", socket, run->pipe);
        if (!shell(run, command, &wall_s))
            wall_s = -1;
    }
    redis_server_close(server);
    return wall_s;
}

/* ---- working ---- */

static void on_tasks(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    struct import_run *run = arg;

    memcpy(run->tasks, tasks, n * sizeof(*tasks));
    run->task_count = n;
    on_done(run, e);
}

static bool claim(struct import_run *run, uint32_t n)
{
    run->done = false;
    return queue_claim(run->own.queue, n, on_tasks, run) == OK &&
           own_queue_until(&run->own, &run->done) && run->task_count == n;
}

static void on_answer(void *arg, enum err e)
{
    struct import_run *run = arg;

    run->failed |= e != OK;
    if (++run->answers == run->task_count)
        run->done = true;
}

static bool attempt_and_complete(struct import_run *run)
{
    const struct queue_completion c = {
        .outcome = QUEUE_FINISH,
        .attempt = 1,
        .status = SLICE("reached"),
        .charged = true,
        .avoid_trunk = QUEUE_NO_TRUNK,
        .record = SLICE("{\"result\":\"human\",\"delivery\":\"connected\",\"talk_ms\":31000}")};

    run->done = false;
    run->answers = 0;
    for (uint32_t i = 0; i < run->task_count; i++)
        queue_attempt(run->own.queue, &run->tasks[i], 1, SLICE("0123456789abcdef@127.0.0.1"),
                      on_answer, run);
    if (!own_queue_until(&run->own, &run->done))
        return false;
    run->done = false;
    run->answers = 0;
    for (uint32_t i = 0; i < run->task_count; i++)
        queue_complete(run->own.queue, &run->tasks[i], &c, on_answer, run);
    return own_queue_until(&run->own, &run->done) && !run->failed;
}

static void work(struct import_run *run)
{
    uint64_t start_us = bench_now_us(), claim_us = 0, work_us = 0;
    uint32_t rounds = 0;
    double wanted_s = run->bench->seconds < 5 ? run->bench->seconds : 5;

    while ((double)(bench_now_us() - start_us) < wanted_s * 1e6 &&
           (rounds + 2) * BATCH_AT_ONCE < run->leads) {
        uint64_t at_us = bench_now_us();

        if (!claim(run, BATCH_AT_ONCE)) {
            bench_fail(run->bench, "import: a claim failed: %s", queue_error(run->own.queue));
            return;
        }
        claim_us += bench_now_us() - at_us;
        at_us = bench_now_us();
        if (!attempt_and_complete(run)) {
            bench_fail(run->bench, "import: an attempt failed: %s", queue_error(run->own.queue));
            return;
        }
        work_us += bench_now_us() - at_us;
        rounds++;
    }
    double tasks = (double)rounds * BATCH_AT_ONCE;

    bench_add(run->bench, "import", "claims from the full queue, 200 a time",
              tasks * 1e6 / (double)claim_us, "tasks/s", BENCH_HIGHER);
    bench_add(run->bench, "import", "attempt and completion, 200 under way",
              tasks * 1e6 / (double)work_us, "tasks/s", BENCH_HIGHER);
}

static void import_and_work(struct import_run *run, double pipe_s, double pipe_best_s)
{
    char name[BENCH_TEXT_MAX];
    double first_s, again_s;

    if (!own_queue_open(&run->own, "queue"))
        return;
    bench_note("import: %u leads from CSV", run->leads);
    first_s = import_csv(run);
    snprintf(name, sizeof(name), "%u leads from CSV", run->leads);
    if (first_s > 0 && pipe_s > 0)
        bench_add_peer(run->bench, "import", name, first_s, "s", BENCH_LOWER, "redis-cli --pipe",
                       pipe_s);
    if (first_s > 0 && pipe_best_s > 0)
        bench_add_peer(run->bench, "import", name, first_s, "s", BENCH_LOWER,
                       "redis-cli --pipe, no fsync", pipe_best_s);
    if (queue_add_stats_of(run->own.queue)->added != run->leads)
        bench_fail(run->bench, "import: %llu of %u leads were added",
                   (unsigned long long)queue_add_stats_of(run->own.queue)->added, run->leads);
    again_s = first_s > 0 ? import_csv(run) : -1;
    if (again_s > 0)
        bench_add(run->bench, "import", "the same file again, nothing to add", again_s, "s",
                  BENCH_LOWER);
    if (first_s > 0)
        work(run);
    own_queue_close(&run->own);
}

int bench_import(struct bench *b)
{
    static struct import_run run;

    run = (struct import_run){.bench = b, .leads = b->seconds < 1 ? LEADS_QUICK : LEADS_FULL};
    if (!own_queue_begin(&run.own, b, "import"))
        return 1;
    run.tasks = calloc(QUEUE_CLAIM_MAX, sizeof(*run.tasks));
    if (!run.tasks)
        abort();
    snprintf(run.csv, sizeof(run.csv), "%s/leads.csv", run.own.folder);
    snprintf(run.pipe, sizeof(run.pipe), "%s/leads.resp", run.own.folder);
    bench_note("import: writing %u leads", run.leads);
    if (write_csv(&run) && write_pipe(&run)) {
        bench_note("import: redis-cli --pipe");
        double pipe_s = pipe_seconds(&run, "always"), best_s = pipe_seconds(&run, "no");

        import_and_work(&run, pipe_s, best_s);
    } else {
        bench_fail(b, "import: cannot write the leads to %s", run.own.folder);
    }
    own_queue_end(&run.own);
    free(run.tasks);
    return 0;
}
