/* The task queue against a real redis-server. */
#include "fixture.h"

static void add_one(const char *id, int32_t priority, uint64_t due_wall_ms, const char *status)
{
    const struct queue_lead lead = {.id = slice_cstr(id),
                                    .numbers = {{SLICE("+38600100199")}},
                                    .priority = priority,
                                    .due_wall_ms = due_wall_ms,
                                    .status = slice_cstr(status)};

    cr_assert_eq(queue_add(queue, &lead), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK);
}

Test(queue, the_whole_way_of_a_task, .init = setup, .fini = teardown)
{
    struct queue_task t;

    add_leads(queue, "lead-", 3);
    cr_assert_eq(counts(queue)->due, 3);
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 1);
    t = got.task[0];
    cr_assert_str_eq(t.id, "lead-0");
    cr_assert_str_eq(queue_task_number(&t), "+15555550100");
    cr_assert_str_eq(t.name, "Somebody");
    cr_assert_str_eq(t.zone, "Europe/Ljubljana");
    cr_assert_str_eq(t.fields, "{\"city\":\"Ptuj\"}");
    cr_assert_eq(t.tries, 0);
    cr_assert_eq(t.avoid_trunk, QUEUE_NO_TRUNK);
    cr_assert_eq(counts(queue)->leased, 1);

    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(counts(queue)->attempts, 1);
    uint64_t again = wall_ms() + 400;

    cr_assert_eq(complete(queue, &t,
                          &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                     .attempt = 1,
                                                     .retry_wall_ms = again,
                                                     .charged = true,
                                                     .avoid_trunk = 2,
                                                     .record = SLICE("{}")}),
                 OK);
    cr_assert_eq(counts(queue)->waiting, 1);
    cr_assert_eq(got.counts.next_due_wall_ms, again);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 2, "the one that waits was given out too early");
    struct queue_task others[2] = {got.task[0], got.task[1]};

    cr_assert_eq(finish(queue, &others[0], 0, "not_dialled"), OK);
    cr_assert_eq(finish(queue, &others[1], 0, "not_dialled"), OK);

    for (int i = 0; i < 2000 && (claim(queue, 10) || got.n == 0); i++)
        loop_turn(&loop, 1000);
    cr_assert_geq(wall_ms(), again);
    cr_assert_eq(got.n, 1);
    t = got.task[0];
    cr_assert_str_eq(t.id, "lead-0");
    cr_assert_eq(t.tries, 1);
    cr_assert_eq(t.charged, 1);
    cr_assert_eq(t.avoid_trunk, 2);
    cr_assert_eq(attempt(queue, &t, 2), OK);
    cr_assert_eq(finish(queue, &t, 2, "reached"), OK);

    const struct queue_counts *c = counts(queue);

    cr_assert_eq(c->total, 3);
    cr_assert_eq(c->finished, 3);
    cr_assert_eq(c->attempts, 2);
    cr_assert_eq(c->statuses, 2);
    for (uint32_t i = 0; i < 2; i++)
        cr_assert_eq(c->status[i].count, strcmp(c->status[i].name, "reached") ? 2 : 1);
}

Test(queue, adding_again_changes_nothing, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 1200);
    cr_assert_eq(queue_add_stats_of(queue)->added, 1200);
    cr_assert_eq(claim(queue, 5), OK);
    struct queue_task t = got.task[0];

    cr_assert_eq(finish(queue, &t, 0, "reached"), OK);
    add_leads(queue, "a", 1300);
    cr_assert_eq(queue_add_stats_of(queue)->added, 1300);
    cr_assert_eq(queue_add_stats_of(queue)->duplicates, 1200);
    cr_assert_eq(counts(queue)->total, 1300);
    cr_assert_eq(got.counts.leased, 4);
    cr_assert_eq(got.counts.finished, 1);
}

Test(queue, one_id_twice_in_a_batch_is_one_task, .init = setup, .fini = teardown)
{
    const struct queue_lead lead = {.id = SLICE("twin"), .numbers = {{SLICE("+38600100100")}}};

    cr_assert_eq(queue_add(queue, &lead), OK);
    cr_assert_eq(queue_add(queue, &lead), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK);
    cr_assert_eq(counts(queue)->total, 1);
    cr_assert_eq(queue_add_stats_of(queue)->duplicates, 1);
}

Test(queue, order_is_due_then_priority_then_adding, .init = setup, .fini = teardown)
{
    static const char *const wanted[] = {"late-urgent", "late",   "late-minor", "urgent",
                                         "first",       "second", "minor"};
    uint64_t now = wall_ms();

    add_one("first", 0, 0, "");
    add_one("minor", -5, 0, "");
    add_one("second", 0, 0, "");
    add_one("urgent", 900000, 0, "");
    add_one("late-minor", -7, now - 1000, "");
    add_one("late", 0, now - 1000, "");
    add_one("late-urgent", 7, now - 1000, "");
    add_one("tomorrow", 1000000, now + 86400000, "");
    add_one("unusable", 0, 0, "invalid");
    cr_assert_eq(claim(queue, 100), OK);
    cr_assert_eq(got.n, 7);
    for (int i = 0; i < 7; i++)
        cr_assert_str_eq(got.task[i].id, wanted[i]);
    cr_assert_eq(got.task[3].priority, 900000);
    const struct queue_counts *c = counts(queue);

    cr_assert_eq(c->waiting, 1);
    cr_assert_eq(c->next_due_wall_ms, now + 86400000);
    cr_assert_eq(c->finished, 1);
    cr_assert_str_eq(c->status[0].name, "invalid");
}

Test(queue, repeats_are_answered_and_stale_tokens_refused, .init = setup, .fini = teardown)
{
    struct queue_task t, old;

    add_leads(queue, "x", 1);
    cr_assert_eq(claim(queue, 1), OK);
    t = old = got.task[0];
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(counts(queue)->attempts, 1, "a repeated attempt was counted twice");
    cr_assert_eq(attempt(queue, &t, 2), ERR_STATE, "a second attempt while one is open");
    cr_assert_eq(finish(queue, &t, 0, "reached"), ERR_STATE, "done with an attempt open");
    const struct queue_completion back = {
        .outcome = QUEUE_RELEASE, .attempt = 1, .avoid_trunk = QUEUE_NO_TRUNK};

    cr_assert_eq(complete(queue, &t, &back), OK);
    cr_assert_eq(complete(queue, &t, &back), OK, "a repeated completion");
    cr_assert_eq(counts(queue)->due, 1);
    cr_assert_eq(attempt(queue, &t, 2), ERR_REFUSED, "the lease was given back");

    cr_assert_eq(claim(queue, 1), OK);
    t = got.task[0];
    cr_assert_gt(t.token, old.token);
    cr_assert_eq(t.charged, 0);
    cr_assert_eq(attempt(queue, &old, 2), ERR_REFUSED);
    cr_assert_eq(attempt(queue, &t, 1), ERR_STATE, "an attempt number comes once");
    cr_assert_eq(attempt(queue, &t, 2), OK);
    cr_assert_eq(finish(queue, &old, 2, "reached"), ERR_REFUSED);
    cr_assert_eq(finish(queue, &t, 2, "reached"), OK);
    cr_assert_eq(finish(queue, &t, 2, "reached"), OK);
    cr_assert_eq(counts(queue)->finished, 1);
    cr_assert_eq(got.counts.status[0].count, 1);
    struct queue_task nobody = t;

    strcpy(nobody.id, "nobody");
    cr_assert_eq(finish(queue, &nobody, 0, "reached"), ERR_NOT_FOUND);
}

/* Leases by a clock that stands still between the steps: a machine that is busy for longer than a
 * lease cannot make one run out here. */
static void open_on_a_clock(struct clock *clock)
{
    const struct loop_config config = {.clock = clock};

    start_server();
    clock_init_virtual(clock, 0, UINT64_C(1769990400000));
    cr_assert_eq(loop_init(&loop, &config), OK);
}

static void pass(struct clock *clock, uint64_t ms)
{
    clock_advance_us(clock, ms * 1000);
    loop_turn(&loop, 0);
}

Test(queue, leases_run_out_and_are_found)
{
    struct clock clock;

    open_on_a_clock(&clock);
    struct queue *dying = open_queue("engine-1", 150);
    struct queue_task open_task, idle_task;

    queue = open_queue("engine-2", 60000);
    add_leads(queue, "y", 2);
    cr_assert_eq(claim(dying, 2), OK);
    open_task = got.task[0];
    idle_task = got.task[1];
    cr_assert_eq(attempt(dying, &open_task, 1), OK);
    cr_assert_eq(reclaim(queue, false), OK);
    cr_assert_eq(got.n + got.put_back, 0, "a living lease was taken");

    pass(&clock, 149);
    cr_assert_eq(reclaim(queue, false), OK);
    cr_assert_eq(got.n + got.put_back, 0, "a living lease was taken");
    pass(&clock, 1);
    cr_assert_eq(reclaim(queue, false), OK);
    cr_assert_eq(got.put_back, 1);
    cr_assert_eq(got.n, 1);
    struct queue_task taken = got.task[0];

    cr_assert_str_eq(taken.id, open_task.id);
    cr_assert_eq(taken.open_attempt, 1);
    cr_assert_eq(taken.tries, 1);
    cr_assert_str_eq(taken.open_engine, "engine-1");
    cr_assert_str_eq(taken.open_call_id, "call-1@test.invalid");
    cr_assert_leq(taken.open_wall_ms, wall_ms());
    cr_assert_geq(taken.open_wall_ms, wall_ms() - 20000);
    /* The one thought dead comes back: it is refused. */
    cr_assert_eq(attempt(dying, &idle_task, 1), ERR_REFUSED);
    cr_assert_eq(finish(dying, &open_task, 1, "reached"), ERR_REFUSED);
    /* The open attempt is closed as unknown and tried again: with the next number only. */
    cr_assert_eq(complete(queue, &taken,
                          &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                     .attempt = 1,
                                                     .charged = true,
                                                     .avoid_trunk = QUEUE_NO_TRUNK,
                                                     .record = SLICE("{\"result\":\"unknown\"}")}),
                 OK);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 2);
    for (uint32_t i = 0; i < 2; i++)
        if (strcmp(got.task[i].id, open_task.id) == 0) {
            struct queue_task t = got.task[i];

            cr_assert_eq(t.charged, 1);
            cr_assert_eq(attempt(queue, &t, 1), ERR_STATE);
            cr_assert_eq(attempt(queue, &t, 2), OK);
            break;
        }
    cr_assert_eq(counts(queue)->attempts, 2);
    queue_close(dying);
    teardown();
}

Test(queue, renewal_keeps_a_lease_and_tells_what_is_lost)
{
    struct clock clock;
    struct queue *other;
    struct queue_lease leases[3];

    open_on_a_clock(&clock);
    queue = open_queue("engine-1", 400);
    other = open_queue("engine-2", 60000);
    add_leads(queue, "z", 3);
    cr_assert_eq(claim(queue, 3), OK);
    for (int i = 0; i < 3; i++) {
        strcpy(leases[i].id, got.task[i].id);
        leases[i].token = got.task[i].token;
    }
    struct queue_task second = got.task[1];

    cr_assert_eq(finish(queue, &second, 0, "reached"), OK);
    for (int i = 0; i < 10; i++) { /* ten times as long as a lease */
        pass(&clock, 399);
        fresh_answer();
        cr_assert_eq(wait_for(queue_renew(queue, leases, 3, on_renewed, &got)), OK);
        cr_assert_eq(got.n, 1);
        cr_assert_str_eq(got.lost[0].id, second.id);
        cr_assert_eq(got.lost[0].token, second.token);
        cr_assert_eq(reclaim(other, false), OK);
        cr_assert_eq(got.put_back, 0, "a renewed lease was taken");
    }
    cr_assert_eq(counts(queue)->leased, 2);
    pass(&clock, 400);
    cr_assert_eq(reclaim(other, false), OK);
    cr_assert_eq(got.put_back, 2, "what is not renewed any more runs out");
    queue_close(other);
    teardown();
}

Test(queue, an_engine_that_starts_again_finds_its_own, .init = setup, .fini = teardown)
{
    add_leads(queue, "w", 4);
    cr_assert_eq(claim(queue, 3), OK);
    struct queue_task t = got.task[0];

    cr_assert_eq(attempt(queue, &t, 1), OK);
    struct queue *other = open_queue("engine-2", 60000);

    cr_assert_eq(reclaim(other, true), OK);
    cr_assert_eq(got.n + got.put_back, 0, "took what belongs to another engine");
    queue_close(queue); /* as if it had died: nothing is given back */
    queue = open_queue("engine-1", 60000);
    cr_assert_eq(reclaim(queue, true), OK);
    cr_assert_eq(got.put_back, 2);
    cr_assert_eq(got.n, 1);
    cr_assert_str_eq(got.task[0].id, t.id);
    struct queue_task mine = got.task[0];

    cr_assert_eq(reclaim(queue, true), OK);
    cr_assert_eq(got.n + got.put_back, 0, "took its own again");
    cr_assert_eq(finish(queue, &mine, 1, "unknown"), OK);
    queue_close(other);
}

Test(queue, two_engines_never_share_a_task, .init = setup, .fini = teardown)
{
    static bool given[3000];
    struct queue *engines[2] = {queue, open_queue("engine-2", 60000)};
    uint32_t total = 0;

    add_leads(queue, "", 3000);
    for (int round = 0; total < 3000 && round < 200; round++) {
        cr_assert_eq(claim(engines[round % 2], 37), OK);
        for (uint32_t i = 0; i < got.n; i++) {
            int id = atoi(got.task[i].id);

            cr_assert(!given[id], "task %d was given out twice", id);
            given[id] = true;
            total++;
        }
    }
    cr_assert_eq(total, 3000);
    queue_close(engines[1]);
}

/* A simulated week: the time of due tasks and leases is the engine's virtual clock. */
Test(queue, virtual_time_rules_due_and_leases)
{
    struct clock clock;
    const struct loop_config config = {.clock = &clock};
    const uint64_t monday = UINT64_C(1769990400000), day = 86400000;

    start_server();
    clock_init_virtual(&clock, 0, monday);
    cr_assert_eq(loop_init(&loop, &config), OK);
    struct queue_config queue_config = {.loop = &loop,
                                        .url = redis_server_url(server),
                                        .campaign = "week",
                                        .engine = "engine-1",
                                        .on_state = on_state};

    cr_assert_eq(queue_open(&queue, &queue_config), OK);
    for (int i = 0; i < 5000 && !is_up; i++) {
        clock_advance_us(&clock, 1000);
        loop_turn(&loop, 1000);
    }
    add_one("wednesday", 0, monday + 2 * day, "");
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 0);
    clock_advance_us(&clock, 2 * day * 1000);
    loop_turn(&loop, 0);
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 1);
    cr_assert_eq(reclaim(queue, false), OK);
    cr_assert_eq(got.put_back, 0);
    clock_advance_us(&clock, 61000 * 1000);
    loop_turn(&loop, 0);
    cr_assert_eq(reclaim(queue, false), OK);
    cr_assert_eq(got.put_back, 1);
    teardown();
}

Test(queue, a_wrong_configuration_is_refused)
{
    struct queue_config config = {
        .loop = &loop, .url = "redis://127.0.0.1", .campaign = "c", .engine = "e"};

    cr_assert_eq(loop_init(&loop, NULL), OK);
    config.campaign = "";
    cr_assert_eq(queue_open(&queue, &config), ERR_INVALID);
    config.campaign = "c";
    config.engine = "";
    cr_assert_eq(queue_open(&queue, &config), ERR_INVALID);
    config.engine = "e";
    config.url = "ftp://127.0.0.1";
    cr_assert_eq(queue_open(&queue, &config), ERR_INVALID);
    loop_fini(&loop);
}

Test(queue, misuse_is_refused_by_name, .init = setup, .fini = teardown)
{
    static char big[QUEUE_FIELDS_MAX + 2];
    struct queue_lead lead = {.id = SLICE("a"), .numbers = {{SLICE("+38600100100")}}};
    struct queue_task t = {.id = "a", .token = 1};

    memset(big, 'x', sizeof(big) - 1);
    cr_assert_eq(queue_claim(queue, 0, on_tasks, &got), ERR_INVALID);
    cr_assert_eq(queue_claim(queue, QUEUE_CLAIM_MAX + 1, on_tasks, &got), ERR_INVALID);
    cr_assert_eq(queue_attempt(queue, &t, 0, SLICE("c"), on_done, &got), ERR_INVALID);
    cr_assert_eq(queue_attempt(queue, &t, 1, slice_cstr(big), on_done, &got), ERR_TOO_LONG);
    cr_assert_eq(finish(queue, &t, 0, ""), ERR_INVALID);
    lead.fields = slice_cstr(big);
    cr_assert_eq(queue_add(queue, &lead), ERR_TOO_LONG);
    lead.fields = SLICE_NONE;
    lead.id = SLICE_NONE;
    cr_assert_eq(queue_add(queue, &lead), ERR_INVALID);
    lead.id = SLICE("two\nlines");
    cr_assert_eq(queue_add(queue, &lead), ERR_INVALID);
    fresh_answer();
    cr_assert_eq(queue_claim(queue, 1, on_tasks, &got), OK);
    cr_assert_eq(queue_claim(queue, 1, on_tasks, &got), ERR_STATE, "two claims at once");
    cr_assert_eq(wait_for(OK), OK);
}

Test(queue, a_spoilt_task_is_finished_not_given_out, .init = setup, .fini = teardown)
{
    char command[200];

    add_leads(queue, "s", 3);
    snprintf(command, sizeof(command),
             "redis-cli -s %s HSET '{spring%%20offer%%20%%7b1%%7d}:tasks' s1 rubbish >/dev/null",
             redis_server_url(server) + 5);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 2);
    for (int i = 0; i < 2000 && counts(queue)->finished == 0; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(got.counts.finished, 1);
    cr_assert_str_eq(got.counts.status[0].name, "malformed");
}

Test(queue, functions_that_were_flushed_come_back, .init = setup, .fini = teardown)
{
    char command[200];

    add_leads(queue, "f", 1);
    snprintf(command, sizeof(command), "redis-cli -s %s FUNCTION FLUSH >/dev/null",
             redis_server_url(server) + 5);
    cr_assert_eq(system(command), 0);
    is_up = true;
    cr_assert_eq(claim(queue, 1), ERR_IO);
    for (int i = 0; i < 5000 && !(queue_up(queue) && ups > 1); i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 1);
}

Test(queue, forget_leaves_nothing, .init = setup, .fini = teardown)
{
    add_leads(queue, "g", 50);
    cr_assert_eq(claim(queue, 10), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_forget(queue, on_done, &got)), OK);
    cr_assert_eq(counts(queue)->total, 0);
    cr_assert_eq(got.counts.leased, 0);
}

Test(queue, close_answers_what_is_under_way)
{
    start_server();
    cr_assert_eq(loop_init(&loop, NULL), OK);
    queue = open_queue("engine-1", 1000);
    struct queue *closing = open_queue("engine-2", 1000);

    add_leads(queue, "h", 1);
    fresh_answer();
    cr_assert_eq(queue_claim(closing, 1, on_tasks, &got), OK);
    queue_close(closing);
    cr_assert(got.came);
    cr_assert_eq(got.e, ERR_CANCELLED);
    teardown();
}

/* --- several numbers -------------------------------------------------------------------------- */

Test(queue, which_number_is_next_is_kept, .init = setup, .fini = teardown)
{
    const struct queue_lead lead = {.id = SLICE("three"),
                                    .numbers = {{SLICE("+38600100101"), SLICE("mobile")},
                                                {SLICE("+38600100102"), SLICE_NONE},
                                                {SLICE("+38600100103"), SLICE("work")}}};
    struct queue_completion c = {.outcome = QUEUE_RETRY, .avoid_trunk = QUEUE_NO_TRUNK};
    struct queue_task t;

    cr_assert_eq(queue_add(queue, &lead), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK);
    cr_assert_eq(claim(queue, 1), OK);
    t = got.task[0];
    cr_assert_eq(t.number_count, 3);
    cr_assert_str_eq(queue_task_number(&t), "+38600100101");
    cr_assert_eq(attempt(queue, &t, 1), OK);
    c.attempt = 1;
    c.next_number = 4;
    cr_assert_eq(queue_complete(queue, &t, &c, NULL, NULL), ERR_INVALID, "there is no fourth");
    c.next_number = 3;
    cr_assert_eq(complete(queue, &t, &c), OK);
    cr_assert_eq(claim(queue, 1), OK);
    t = got.task[0];
    cr_assert_eq(t.number_at, 2);
    cr_assert_str_eq(queue_task_number(&t), "+38600100103");
    c = (struct queue_completion){.outcome = QUEUE_RELEASE, .avoid_trunk = QUEUE_NO_TRUNK};
    cr_assert_eq(complete(queue, &t, &c), OK);
    cr_assert_eq(claim(queue, 1), OK);
    t = got.task[0];
    cr_assert_eq(t.number_at, 2, "given back: the same number");

    t.number_at = 1; /* the engine chooses another at the last moment, and is lost */
    cr_assert_eq(attempt(queue, &t, 2), OK);
    queue_close(queue);
    queue = open_queue("engine-1", 60000);
    cr_assert_eq(reclaim(queue, true), OK);
    cr_assert_eq(got.n, 1);
    cr_assert_eq(got.task[0].open_attempt, 2);
    cr_assert_eq(got.task[0].number_at, 1);
    cr_assert_str_eq(got.task[0].open_number, "+38600100102");
}
