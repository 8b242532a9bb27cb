/* The lines of lists: their order, turns by shares, and places that are kept while a lead is away
 * without having been called. */
#include <criterion/criterion.h>

#include "base/rng.h"
#include "queue/import.h"
#include "queue/look.h"
#include "queue/stop.h"

#include "fixture.h"

#define HOUR_MS 3600000u

static void wait_added(void)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(queue, on_done, &got)), OK, "%s", queue_error(queue));
}

/* Leads LIST-0, LIST-1 … */
static void add_list(const char *list, uint32_t n, enum queue_order order, int32_t priority)
{
    for (uint32_t i = 0; i < n; i++) {
        char id[64];
        const struct queue_lead lead = {
            .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%s-%u", list, i)),
            .numbers = {{SLICE("+12025550100")}},
            .priority = priority,
            .list = slice_cstr(list),
            .order = order};
        enum err e;

        while ((e = queue_add(queue, &lead)) == ERR_AGAIN)
            loop_turn(&loop, 1000);
        cr_assert_eq(e, OK);
    }
    wait_added();
}

static void expect(const char *const *ids, uint32_t n)
{
    cr_assert_eq(got.e, OK);
    cr_assert_eq(got.n, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_str_eq(got.task[i].id, ids[i], "place %u", i);
}

#define EXPECT(...)                                                                                \
    expect((const char *const[]){__VA_ARGS__},                                                     \
           sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *))

static uint32_t place_in_list(const struct queue_task *t)
{
    return (uint32_t)atoi(strchr(t->id, '-') + 1);
}

/* Of each list never more than a lead beside its part of all that were given out, however large the
 * claims, and each list in its order. */
Test(lines, take_turns_by_their_shares, .init = setup, .fini = teardown)
{
    static const struct queue_share shares[] = {{"warm", 5}, {"cold", 2}, {"rest", 1}};
    uint32_t given[3] = {0}, all = 0;
    struct rng rng;

    rng_seed(&rng, 5);
    add_list("warm", 500, QUEUE_AS_ADDED, 0);
    add_list("cold", 200, QUEUE_NEWEST, 0);
    add_list("rest", 100, QUEUE_AS_ADDED, 0);
    queue_set_shares(queue, shares, 3);
    while (all < 800) {
        cr_assert_eq(claim(queue, 1 + (uint32_t)rng_below(&rng, 60)), OK);
        cr_assert_gt(got.n, 0);
        for (uint32_t i = 0; i < got.n; i++, all++) {
            uint32_t of = got.task[i].id[0] == 'w' ? 0 : got.task[i].id[0] == 'c' ? 1 : 2;
            uint32_t turn = of == 1 ? 199 - given[of] : given[of];

            cr_assert_eq(place_in_list(&got.task[i]), turn, "%s out of turn", got.task[i].id);
            given[of]++;
            for (uint32_t k = 0; k < 3; k++) {
                double part = (double)(all + 1) * shares[k].share / 8;

                cr_assert(given[k] > part - 2 && given[k] < part + 2, "%s: %u of %u",
                          shares[k].list, given[k], all + 1);
            }
        }
    }
    cr_assert_eq(counts(queue)->due, 0);
}

Test(lines, keep_priority_and_order_within_a_list, .init = setup, .fini = teardown)
{
    char first[10][QUEUE_ID_MAX + 1];
    uint32_t in_order = 0;

    add_list("n", 3, QUEUE_NEWEST, 0);
    const struct queue_lead urgent = {.id = SLICE("n-urgent"),
                                      .numbers = {{SLICE("+12025550100")}},
                                      .priority = 1,
                                      .list = SLICE("n"),
                                      .order = QUEUE_NEWEST};
    cr_assert_eq(queue_add(queue, &urgent), OK);
    wait_added();
    add_list("n2", 2, QUEUE_NEWEST, 0);
    const struct queue_share one[] = {{"n2", 0}};

    queue_set_shares(queue, one, 1);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("n-urgent", "n-2", "n-1", "n-0");
    cr_assert_eq(counts(queue)->due, 2,
                 "those of a list with share 0 are there, and not given out");
    queue_set_shares(queue, NULL, 0);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("n2-1", "n2-0");

    add_list("r", 10, QUEUE_RANDOM, 0);
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 10);
    for (uint32_t i = 0; i < 10; i++) {
        strcpy(first[i], got.task[i].id);
        in_order += place_in_list(&got.task[i]) == i;
    }
    cr_assert_lt(in_order, 10);
    fresh_answer();
    cr_assert_eq(wait_for(queue_forget(queue, on_done, &got)), OK);
    add_list("r", 10, QUEUE_RANDOM, 0);
    cr_assert_eq(claim(queue, 10), OK);
    for (uint32_t i = 0; i < 10; i++)
        cr_assert_str_eq(got.task[i].id, first[i], "the same chance in every run");
}

Test(lines, who_comes_late_does_not_make_up, .init = setup, .fini = teardown)
{
    uint32_t late = 0;

    add_list("a", 300, QUEUE_AS_ADDED, 0);
    for (uint32_t i = 0; i < 10; i++)
        cr_assert_eq(claim(queue, 20), OK);
    add_list("b", 100, QUEUE_AS_ADDED, 0);
    cr_assert_eq(claim(queue, 20), OK);
    for (uint32_t i = 0; i < got.n; i++)
        late += got.task[i].id[0] == 'b';
    cr_assert(late >= 9 && late <= 11, "%u of 20", late);
}

/* A campaign that is started at night: each lead is claimed, found outside its window, put off. In
 * the morning the order is what it would have been. */
Test(lines, a_night_costs_nobody_their_turn)
{
    const struct loop_config config = {.clock = &(struct clock){0}};
    struct clock *clock = config.clock;
    uint32_t seen = 0;

    start_server();
    clock_init_virtual(clock, 0, UINT64_C(1769990400000));
    cr_assert_eq(loop_init(&loop, &config), OK);
    queue = open_queue("engine-1", 24 * HOUR_MS);
    add_list("x", 400, QUEUE_NEWEST, 0);
    add_list("y", 400, QUEUE_AS_ADDED, 3);
    for (;;) {
        cr_assert_eq(claim(queue, 7), OK);
        if (got.n == 0)
            break;
        uint32_t n = got.n;
        struct queue_task tasks[7];

        memcpy(tasks, got.task, n * sizeof(tasks[0]));
        for (uint32_t i = 0; i < n; i++, seen++) {
            const struct queue_completion later = {.outcome = QUEUE_RETRY,
                                                   .retry_wall_ms = wall_ms() + HOUR_MS,
                                                   .avoid_trunk = QUEUE_NO_TRUNK};
            cr_assert_eq(complete(queue, &tasks[i], &later), OK);
        }
    }
    cr_assert_eq(seen, 800);
    cr_assert_eq(counts(queue)->waiting, 800);
    clock_advance_us(clock, (HOUR_MS + 1000) * UINT64_C(1000));
    loop_turn(&loop, 0);
    for (uint32_t i = 0; i < 400; i++) {
        char x[16], y[16];

        snprintf(x, sizeof(x), "x-%u", 399 - i);
        snprintf(y, sizeof(y), "y-%u", i);
        cr_assert_eq(claim(queue, 2), OK);
        cr_assert_eq(got.n, 2);
        bool x_first = got.task[0].id[0] == 'x';

        cr_assert_str_eq(got.task[x_first ? 0 : 1].id, x);
        cr_assert_str_eq(got.task[x_first ? 1 : 0].id, y);
    }
    teardown();
}

Test(lines, what_is_given_back_has_its_place_again, .init = setup, .fini = teardown)
{
    const struct queue_completion back = {.outcome = QUEUE_RELEASE, .avoid_trunk = QUEUE_NO_TRUNK};
    struct queue_task second, called;

    add_list("g", 4, QUEUE_AS_ADDED, 0);
    cr_assert_eq(claim(queue, 3), OK);
    second = got.task[1];
    called = got.task[2];
    cr_assert_eq(complete(queue, &second, &back), OK);
    cr_assert_eq(complete(queue, &second, &back), OK, "said again");
    cr_assert_eq(counts(queue)->due, 2);
    /* Who was called is not new any more: their time decides. */
    cr_assert_eq(attempt(queue, &called, 1), OK);
    const struct queue_completion busy = {.outcome = QUEUE_RETRY,
                                          .attempt = 1,
                                          .charged = true,
                                          .retry_wall_ms = wall_ms(),
                                          .avoid_trunk = QUEUE_NO_TRUNK};
    cr_assert_eq(complete(queue, &called, &busy), OK);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("g-2", "g-1", "g-3");
}

static struct queue_stands looked;

static void on_look(void *arg, enum err e, const struct queue_stands *t)
{
    cr_assert_not_null(t);
    looked = *t;
    on_done(arg, e);
}

static void look(const char *id)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_look(queue, slice_cstr(id), on_look, &got)), OK);
}

static void on_stopped(void *arg, enum err e, enum queue_stopped what)
{
    (void)what;
    on_done(arg, e);
}

Test(lines, are_known_to_whoever_moves_a_lead, .init = setup, .fini = teardown)
{
    add_list("p", 3, QUEUE_AS_ADDED, 0);
    look("p-2");
    cr_assert_eq(looked.stands, TASK_FRESH);
    cr_assert_str_eq(looked.list, "p");
    cr_assert_eq(looked.ahead, 2);

    const struct queue_lead other = {
        .id = SLICE("p-1"), .numbers = {{SLICE("+12025550101")}}, .list = SLICE("q")};
    queue_add_updates(queue, true);
    cr_assert_eq(queue_add(queue, &other), OK);
    wait_added();
    look("p-1");
    cr_assert_str_eq(looked.list, "q");
    look("p-2");
    cr_assert_eq(looked.ahead, 1);

    fresh_answer();
    cr_assert_eq(wait_for(queue_stop(queue, SLICE("p-0"), SLICE("paid"), on_stopped, &got)), OK);
    const struct queue_share only_p[] = {{"q", 0}};

    queue_set_shares(queue, only_p, 1);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("p-2");
    const struct queue_lead bad[] = {
        {.id = SLICE("b"), .numbers = {{SLICE("+12025550101")}}, .list = SLICE("two words")},
        {.id = SLICE("b"),
         .numbers = {{SLICE("+12025550101")}},
         .list = SLICE("a-name-of-more-than-thirty-one-bytes")}};
    cr_assert_eq(queue_add(queue, &bad[0]), ERR_INVALID);
    cr_assert_eq(queue_add(queue, &bad[1]), ERR_TOO_LONG);
}

static void retry_at_once(const struct queue_task *t)
{
    cr_assert_eq(attempt(queue, t, 1), OK);
    cr_assert_eq(complete(queue, t,
                          &(struct queue_completion){.outcome = QUEUE_RETRY,
                                                     .attempt = 1,
                                                     .retry_wall_ms = wall_ms() - 1000,
                                                     .avoid_trunk = QUEUE_NO_TRUNK}),
                 OK);
}

/* Leads of a list whose people have nobody to go to: neither new ones nor due ones are given out,
 * they are in nobody's way, nothing is lost, and they are first when the list is held no more. */
Test(lines, a_held_list_waits_and_is_in_nobodys_way, .init = setup, .fini = teardown)
{
    struct queue_share shares[] = {{"sales", 1}, {"english", QUEUE_HELD}};
    struct queue_task some[4];
    const struct queue_lead called_back = {.id = SLICE("back"),
                                           .numbers = {{SLICE("+12025550100")}},
                                           .fields = SLICE("{\"list\":\"english\"}"),
                                           .list = SLICE("english"),
                                           .due_wall_ms = wall_ms() - 5000};

    for (uint32_t i = 0; i < 4; i++) {
        const char *list = i < 3 ? "english" : "sales";
        char id[32], fields[64];
        const struct queue_lead lead = {
            .id = slice_of(id, (size_t)snprintf(id, sizeof(id), "%s-%u", list, i)),
            .numbers = {{SLICE("+12025550100")}},
            .fields = slice_of(fields, (size_t)snprintf(fields, sizeof(fields),
                                                        "{\"a\":\"b\", \"list\": \"%s\"}", list)),
            .list = slice_cstr(list)};

        cr_assert_eq(queue_add(queue, &lead), OK);
    }
    cr_assert_eq(queue_add(queue, &called_back), OK);
    wait_added();
    queue_set_shares(queue, shares, 2);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("sales-3");
    retry_at_once(&got.task[0]);

    shares[1].share = 1; /* who was held is first; three are called, to be called again at once */
    queue_set_shares(queue, shares, 2);
    cr_assert_eq(claim(queue, 4), OK);
    EXPECT("back", "sales-3", "english-0", "english-1");
    memcpy(some, got.task, sizeof(some));
    cr_assert_eq(finish(queue, &some[1], 0, "done"), OK);
    for (uint32_t i = 0; i < 4; i++)
        if (i != 1)
            retry_at_once(&some[i]);

    shares[1].share = QUEUE_HELD;
    queue_set_shares(queue, shares, 2);
    add_list("sales", 2, QUEUE_AS_ADDED, 0);
    cr_assert_eq(claim(queue, 1), OK);
    EXPECT("sales-0");
    cr_assert_eq(counts(queue)->due, 5, "three due, one new, and one of the other list");
    cr_assert_eq(counts(queue)->waiting, 0);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("sales-1");
    const struct queue_task sold = got.task[0];
    cr_assert_eq(claim(queue, 10), OK);
    cr_assert_eq(got.n, 0);

    fresh_answer(); /* one is stopped meanwhile */
    cr_assert_eq(wait_for(queue_stop(queue, SLICE("english-0"), SLICE("paid"), on_stopped, &got)),
                 OK);
    shares[1].share = 0; /* no new ones; those due, all the same, before others that are due */
    queue_set_shares(queue, shares, 2);
    retry_at_once(&sold);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("back", "english-1", "sales-1");
    cr_assert_eq(got.task[0].tries, 1);
    const struct queue_task held = got.task[1];
    cr_assert_eq(complete(queue, &held,
                          &(struct queue_completion){.outcome = QUEUE_RELEASE,
                                                     .avoid_trunk = QUEUE_NO_TRUNK}),
                 OK);
    cr_assert_eq(claim(queue, 10), OK);
    EXPECT("english-1");
    cr_assert_eq(counts(queue)->leased, 4);
    cr_assert_eq(counts(queue)->due, 1, "the new one");
}
