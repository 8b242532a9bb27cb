/* Tasks looked at without taking them, on a real redis-server. */
#include "fixture.h"

#include "queue/look.h"

#define LEADS 2000

static struct queue_stands stands;
static bool found;
static uint32_t seen[LEADS], each_stands[4], n_seen;
static uint64_t next;
static struct {
    char name[32];
    uint64_t n;
} results[16];
static uint32_t n_results;
static char texts[8][64];
static uint32_t n_attempts, n_open;

static void on_look(void *arg, enum err e, const struct queue_stands *t)
{
    found = t != NULL;
    if (t)
        stands = *t;
    on_done(arg, e);
}

static void on_each(void *arg, const struct queue_stands *t)
{
    unsigned number;

    (void)arg;
    cr_assert_eq(sscanf(t->task.id, "lead%u", &number), 1);
    cr_assert_lt(number, LEADS);
    seen[number]++;
    each_stands[t->stands]++;
    n_seen++;
}

static void on_chunk(void *arg, enum err e, uint64_t from)
{
    next = from;
    on_done(arg, e);
}

static void on_result(void *arg, struct slice result, uint64_t n)
{
    (void)arg;
    for (uint32_t i = 0; i < n_results; i++)
        if (slice_eq(result, slice_cstr(results[i].name))) {
            results[i].n += n;
            return;
        }
    slice_copy(result, results[n_results].name, sizeof(results[0].name));
    results[n_results++].n = n;
}

static void on_attempts(void *arg, enum err e, const struct queue_attempt_text *a, uint32_t n)
{
    n_attempts = n;
    for (uint32_t i = 0; i < n; i++) {
        n_open += a[i].open;
        slice_copy(a[i].text, texts[a[i].number], sizeof(texts[0]));
    }
    on_done(arg, e);
}

static const struct queue_stands *look(const char *id)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_look(queue, slice_cstr(id), on_look, &got)), OK);
    return found ? &stands : NULL;
}

Test(look, a_task_at_each_stage, .init = setup, .fini = teardown)
{
    add_leads(queue, "lead", 3);
    cr_expect_null(look("nobody"));
    cr_assert_not_null(look("lead2"));
    cr_expect_eq(stands.stands, TASK_FRESH);
    cr_expect_eq(stands.ahead, 2);
    cr_expect_str_eq(queue_task_number(&stands.task), "+15555550102");
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task task = got.task[0];

    look("lead0");
    cr_expect_eq(stands.stands, TASK_LEASED);
    cr_expect_str_eq(stands.engine, "engine-1");
    cr_expect_gt(stands.lease_wall_ms, wall_ms());
    cr_expect_eq(stands.task.open_attempt, 0);
    cr_assert_eq(attempt(queue, &task, 1), OK);
    look("lead0");
    cr_expect_eq(stands.task.open_attempt, 1);
    fresh_answer();
    cr_assert_eq(wait_for(queue_attempts(queue, SLICE("lead0"), on_attempts, &got)), OK);
    cr_expect_eq(n_attempts, 1);
    cr_expect_eq(n_open, 1);

    const uint64_t due = wall_ms() + 3600000;
    cr_assert_eq(complete(queue, &task,
                          &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                     .attempt = 1,
                                                     .retry_wall_ms = due,
                                                     .charged = true,
                                                     .avoid_trunk = QUEUE_NO_TRUNK,
                                                     .record = SLICE("{\"result\":\"busy\"}")}),
                 OK);
    look("lead0");
    cr_expect_eq(stands.stands, TASK_WAITS);
    cr_expect_eq(stands.due_wall_ms, due);
    cr_expect_eq(stands.task.charged, 1);
    n_open = 0;
    fresh_answer();
    cr_assert_eq(wait_for(queue_attempts(queue, SLICE("lead0"), on_attempts, &got)), OK);
    cr_expect_eq(n_open, 0);
    cr_expect_str_eq(texts[1], "{\"result\":\"busy\"}");

    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(finish(queue, &got.task[0], 0, "reached"), OK);
    look("lead1");
    cr_expect_eq(stands.stands, TASK_DONE);
    cr_expect_str_eq(stands.status, "reached");
    look("lead2");
    cr_expect_eq(stands.ahead, 0);
    cr_expect_eq(counts(queue)->total, 3, "looking changes nothing");
}

Test(look, every_task_in_chunks, .init = setup, .fini = teardown)
{
    uint32_t chunks = 0;

    add_leads(queue, "lead", LEADS);
    cr_assert_eq(claim(queue, 100), OK);
    struct queue_task task = got.task[7];

    cr_assert_eq(finish(queue, &task, 0, "reached"), OK);
    do {
        fresh_answer();
        cr_assert_eq(wait_for(queue_scan(queue, next, on_each, on_chunk, &got)), OK);
        chunks++;
    } while (next && chunks < LEADS);
    cr_expect_gt(chunks, 3, "not all at once");
    for (uint32_t i = 0; i < LEADS; i++)
        cr_expect_geq(seen[i], 1, "lead%u", i);
    if (n_seen == LEADS) { /* none was told twice */
        cr_expect_eq(each_stands[TASK_LEASED], 99);
        cr_expect_eq(each_stands[TASK_DONE], 1);
        cr_expect_eq(each_stands[TASK_FRESH], LEADS - 100);
    }
}

Test(look, those_of_a_number, .init = setup, .fini = teardown)
{
    add_leads(queue, "lead", 250); /* numbers end in 0100 … 0199: three or two of each */
    do {
        fresh_answer();
        cr_assert_eq(
            wait_for(queue_find(queue, SLICE("+15555550107"), next, on_each, on_chunk, &got)), OK);
    } while (next);
    cr_expect_eq(seen[7] && seen[107] && seen[207], true);
    cr_expect_eq(n_seen, 3);
    n_seen = 0;
    do { /* the beginning of a number is not the number */
        fresh_answer();
        cr_assert_eq(
            wait_for(queue_find(queue, SLICE("+1555555010"), next, on_each, on_chunk, &got)), OK);
    } while (next);
    cr_expect_eq(n_seen, 0);
}

Test(look, attempts_by_result, .init = setup, .fini = teardown)
{
    add_leads(queue, "lead", 3);
    cr_assert_eq(claim(queue, 3), OK);
    struct queue_task task[3];

    memcpy(task, got.task, sizeof(task));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(attempt(queue, &task[i], 1), OK);
    cr_assert_eq(finish(queue, &task[0], 1, "not_reached"), OK);
    cr_assert_eq(finish(queue, &task[1], 1, "not_reached"), OK);
    do {
        fresh_answer();
        cr_assert_eq(wait_for(queue_results(queue, next, on_result, on_chunk, &got)), OK);
    } while (next);
    cr_assert_eq(n_results, 2);
    for (uint32_t i = 0; i < 2; i++)
        cr_expect_eq(results[i].n, strcmp(results[i].name, "busy") == 0 ? 2 : 1, "%s %lu",
                     results[i].name, results[i].n);
}
