/* redis-server is killed again and again while leads are added, claimed, attempted and completed.
 * What was acknowledged must be there, and in the end every task is done with one attempt. */
#include "fixture.h"

#include "base/rng.h"

#define LEADS   6000
#define WORKERS 64
#define KILLS   4

enum step { IDLE, ATTEMPTING, COMPLETING };

static struct worker {
    enum step step;
    bool asked;
    struct queue_task task;
} workers[WORKERS];

static uint32_t added, attempts_acked, completed, claim_losses, attempt_losses;
static bool adding_done, seen_done[LEADS];

static void all_added(void *arg, enum err e)
{
    (void)arg;
    cr_assert_eq(e, OK, "%s", queue_error(queue));
    adding_done = true;
}

static void give_leads(void)
{
    for (int burst = 0; burst < 200 && added < LEADS; burst++) {
        char id[16];
        const struct queue_lead lead = {
            .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%u", added)),
            .numbers = {{SLICE("+38600100123")}}};

        if (queue_add(queue, &lead) != OK)
            return;
        if (++added == LEADS)
            cr_assert_eq(queue_add_finish(queue, all_added, NULL), OK);
    }
}

static bool claiming;
static void on_claimed(void *arg, enum err e, const struct queue_task *tasks, uint32_t n)
{
    (void)arg;
    claiming = false;
    claim_losses += e != OK;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t w = 0;

        while (w < WORKERS && workers[w].step != IDLE)
            w++;
        cr_assert_lt(w, WORKERS, "more tasks than asked for");
        cr_assert_eq(tasks[i].tries, 0, "task %s came again", tasks[i].id);
        workers[w] = (struct worker){ATTEMPTING, false, tasks[i]};
    }
}

static void on_attempted(void *arg, enum err e)
{
    struct worker *w = arg;

    w->asked = false;
    if (e) { /* not known whether it is recorded: asked again with the same number */
        cr_assert_eq(e, ERR_CLOSED, "%s", err_name(e));
        attempt_losses++;
        return;
    }
    attempts_acked++;
    w->step = COMPLETING;
}

static void on_completed(void *arg, enum err e)
{
    struct worker *w = arg;
    int id = atoi(w->task.id);

    cr_assert_eq(e, OK, "%s", err_name(e));
    cr_assert(!seen_done[id]);
    seen_done[id] = true;
    completed++;
    w->step = IDLE;
}

static void work(void)
{
    uint32_t idle = 0;

    for (uint32_t i = 0; i < WORKERS; i++) {
        struct worker *w = &workers[i];

        idle += w->step == IDLE;
        if (w->asked || w->step == IDLE)
            continue;
        if (w->step == ATTEMPTING) {
            w->asked = queue_attempt(queue, &w->task, 1, SLICE("c"), on_attempted, w) == OK;
        } else {
            const struct queue_completion c = {.outcome = QUEUE_FINISH,
                                               .attempt = 1,
                                               .status = SLICE("reached"),
                                               .avoid_trunk = QUEUE_NO_TRUNK,
                                               .record = SLICE("{}")};

            cr_assert_eq(queue_complete(queue, &w->task, &c, on_completed, w), OK);
            w->asked = true;
        }
    }
    if (!claiming && idle >= 16)
        claiming = queue_claim(queue, 16, on_claimed, NULL) == OK;
}

Test(queue_crash, nothing_acknowledged_is_lost, .init = setup, .fini = teardown)
{
    struct rng rng;
    uint32_t kills = 0, next_kill = 200;

    rng_seed(&rng, 42);
    for (int turn = 0; turn < 300000 && completed < LEADS; turn++) {
        if (queue_up(queue) || added < LEADS)
            give_leads();
        work();
        loop_turn(&loop, 1000);
        if (kills < KILLS && completed > next_kill && redis_server_pid(server) > 0) {
            cr_assert_eq(kill(redis_server_pid(server), SIGKILL), 0);
            kills++;
            next_kill = completed + 400 + rng_below(&rng, 600);
        }
    }
    cr_assert_eq(kills, KILLS);
    cr_assert_geq(downs, KILLS);
    cr_assert_eq(completed, LEADS, "%u of %u completed", completed, LEADS);
    cr_assert(adding_done);
    const struct queue_counts *c = counts(queue);

    cr_assert_eq(c->total, LEADS);
    cr_assert_eq(c->finished, LEADS);
    cr_assert_eq(c->leased, 0, "tasks forgotten in leases");
    cr_assert_eq(c->attempts, LEADS, "attempts on record: %lu", c->attempts);
    cr_assert_eq(attempts_acked, LEADS);
    cr_assert_gt(claim_losses + attempt_losses, 0, "the kills never hit a request under way");
}

/* Everything while Redis is away: named at once, or kept for later. */
Test(queue_crash, away_is_told_and_completions_wait, .init = setup, .fini = teardown)
{
    add_leads(queue, "k", 2);
    cr_assert_eq(claim(queue, 2), OK);
    struct queue_task a = got.task[0], b = got.task[1];

    cr_assert_eq(attempt(queue, &a, 1), OK);
    cr_assert_eq(kill(redis_server_pid(server), SIGKILL), 0);
    for (int i = 0; i < 5000 && downs == 0; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(downs, 1);
    cr_assert(!queue_up(queue));
    cr_assert_neq(strlen(queue_error(queue)), 0);
    cr_assert_eq(queue_claim(queue, 1, on_tasks, &got), ERR_CLOSED);
    cr_assert_eq(queue_attempt(queue, &b, 1, SLICE("c"), on_done, &got), ERR_CLOSED);
    cr_assert_eq(queue_count(queue, on_counts, &got), ERR_CLOSED);
    const struct queue_lead lead = {.id = SLICE("while-away"),
                                    .numbers = {{SLICE("+38600100100")}}};

    cr_assert_eq(queue_add(queue, &lead), OK);
    cr_assert_eq(queue_add_finish(queue, NULL, NULL), OK);
    cr_assert(!queue_idle(queue));
    cr_assert_eq(finish(queue, &a, 1, "reached"), OK, "a completion waits for Redis");
    cr_assert_eq(finish(queue, &b, 0, "reached"), OK);
    for (int i = 0; i < 5000 && !queue_idle(queue); i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(counts(queue)->total, 3);
    cr_assert_eq(got.counts.finished, 2);
}

static int rooms;
static void on_room(void *arg)
{
    (void)arg;
    rooms++;
}

static enum err add_number(uint32_t number)
{
    char id[16];
    const struct queue_lead lead = {
        .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%u", number)),
        .numbers = {{SLICE("+38600100100")}}};

    return queue_add(queue, &lead);
}

Test(queue_crash, the_pipeline_is_bounded_and_says_when_there_is_room, .init = setup,
     .fini = teardown)
{
    uint32_t n = 0;
    enum err e;

    queue_add_on_room(queue, on_room, NULL);
    cr_assert_eq(kill(redis_server_pid(server), SIGSTOP), 0);
    while ((e = add_number(n)) == OK && n < 1000000) {
        n++;
        if (n % 100 == 0)
            loop_turn(&loop, 0);
    }
    cr_assert_eq(e, ERR_AGAIN);
    cr_assert_lt(n, 100000, "%u leads taken while nothing is acknowledged", n);
    cr_assert_eq(rooms, 0);
    cr_assert_eq(kill(redis_server_pid(server), SIGCONT), 0);
    for (int i = 0; i < 10000 && rooms == 0; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(rooms, 1);
    cr_assert_eq(add_number(n++), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK);
    cr_assert_eq(counts(queue)->total, n);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t median_claim_us(void)
{
    uint64_t us[101];

    for (int i = 0; i < 101; i++) {
        uint64_t start = clock_us(loop.clock);

        cr_assert_eq(claim(queue, 8), OK);
        cr_assert_eq(got.n, 8);
        us[i] = clock_us(loop.clock) - start;
    }
    qsort(us, 101, sizeof(us[0]), by_size);
    return us[50];
}

Test(queue_crash, a_claim_costs_the_same_among_100000, .init = setup, .fini = teardown)
{
    add_leads(queue, "few", 1000);
    uint64_t few = median_claim_us();

    add_leads(queue, "many", 100000);
    uint64_t many = median_claim_us();

    cr_assert_lt(many, few * 3 + 2000, "a claim: %lu us among 1,000, %lu us among 100,000", few,
                 many);
}
