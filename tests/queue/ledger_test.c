/* The ledger against a real redis-server: entered once whatever is repeated, sums as the entries,
 * old buckets dropped, everything kept through a crash. */
#include "fixture.h"

#include "base/rng.h"
#include "queue/ledger.h"

static struct queue_ledger sums;
static uint32_t added, refused;

static void on_added(void *arg, enum err e, uint32_t n, uint32_t old)
{
    added = n;
    refused = old;
    on_done(arg, e);
}

static void on_sums(void *arg, enum err e, const struct queue_ledger *l)
{
    sums = *l;
    on_done(arg, e);
}

static struct queue_ledger_entry an_entry(const char *id, int32_t day, const char *counts)
{
    return (struct queue_ledger_entry){.id = slice_cstr(id),
                                       .text = slice_cstr(id),
                                       .bucket = day,
                                       .day = day,
                                       .counts = counts,
                                       .false_ppm = strchr(counts, 'l') ? 10101 : 0,
                                       .at_wall_ms = (uint64_t)day * 86400000};
}

static enum err enter(struct queue *q, const struct queue_ledger_entry *entries, uint32_t n)
{
    fresh_answer();
    return wait_for(queue_ledger_add(q, entries, n, on_added, &got));
}

static void enter_one(const char *id, int32_t day, const char *counts)
{
    struct queue_ledger_entry e = an_entry(id, day, counts);

    cr_assert_eq(enter(queue, &e, 1), OK, "%s", queue_error(queue));
}

static const struct queue_ledger *ask(struct queue *q, int32_t first, uint32_t days)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_ledger_sums(q, first, days, on_sums, &got)), OK, "%s",
                 queue_error(q));
    return &sums;
}

#define MOST 20000
static struct {
    uint64_t place;
    char text[32];
} found[MOST];
static uint32_t found_n;
static uint64_t next_cursor;

static void on_texts(void *arg, enum err e, const struct queue_ledger_text *texts, uint32_t n,
                     uint64_t next)
{
    for (uint32_t i = 0; i < n && found_n < MOST; i++) {
        found[found_n].place = texts[i].place;
        slice_copy(texts[i].text, found[found_n++].text, sizeof(found[0].text));
    }
    next_cursor = next;
    on_done(arg, e);
}

/* All entries of a bucket; those told twice once. */
static uint32_t read_bucket(int32_t bucket)
{
    uint32_t kept = 0;

    found_n = 0;
    next_cursor = 0;
    do {
        fresh_answer();
        cr_assert_eq(wait_for(queue_ledger_read(queue, bucket, next_cursor, on_texts, &got)), OK);
    } while (next_cursor);
    for (uint32_t i = 0; i < found_n; i++) {
        uint32_t k = 0;

        while (k < kept && found[k].place != found[i].place)
            k++;
        if (k == kept)
            found[kept++] = found[i];
    }
    return kept;
}

static int32_t buckets[LEDGER_BUCKETS_MAX];
static uint32_t bucket_n;

static void on_buckets(void *arg, enum err e, const int32_t *b, uint32_t n)
{
    memcpy(buckets, b, n * sizeof(*b));
    bucket_n = n;
    on_done(arg, e);
}

static uint32_t list_buckets(void)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_ledger_buckets(queue, on_buckets, &got)), OK);
    return bucket_n;
}

static void cut(int32_t first)
{
    fresh_answer();
    cr_assert_eq(wait_for(queue_ledger_cut(queue, first, on_done, &got)), OK);
}

Test(ledger, an_empty_one_says_so, .init = setup, .fini = teardown)
{
    const struct queue_ledger *l = ask(queue, 20000, 30);

    cr_expect_eq(l->entries, 0);
    cr_expect_gt(l->first, l->last);
    cr_expect_eq(l->days, 0);
    cr_expect_eq(l->cut, INT32_MIN);
    cr_expect_eq(l->last_wall_ms, 0);
    cr_expect_eq(list_buckets(), 0);
    cr_expect_eq(read_bucket(20000), 0);
}

Test(ledger, keeps_each_answer_once_and_the_sums_of_days, .init = setup, .fini = teardown)
{
    enter_one("a", 20001, "l");
    cr_expect_eq(added, 1);
    enter_one("b", 20001, "la");
    enter_one("c", 20001, "lam");
    enter_one("d", 20001, "lat");
    enter_one("e", 20001, "e");
    enter_one("f", 20003, "l");
    enter_one("b", 20001, "la");
    cr_expect_eq(added, 0, "it is there");
    const struct queue_ledger *l = ask(queue, 19990, 30);

    cr_expect_eq(l->entries, 6);
    cr_expect_eq(l->first, 20001);
    cr_expect_eq(l->last, 20003);
    cr_assert_eq(l->days, 2, "days with none are left out");
    cr_expect_eq(l->day[0].day, 20001);
    cr_expect_eq(l->day[0].live, 4);
    cr_expect_eq(l->day[0].abandoned, 3);
    cr_expect_eq(l->day[0].messages, 1);
    cr_expect_eq(l->day[0].late, 1);
    cr_expect_eq(l->day[0].callee_left, 1);
    cr_expect_eq(l->day[0].false_ppm, 4 * 10101);
    cr_expect_eq(l->day[1].live, 1);
    cr_expect_eq(l->last_wall_ms, UINT64_C(20003) * 86400000);
    cr_expect_eq(ask(queue, 20002, 1)->days, 0);
    cr_expect_eq(ask(queue, 20002, 2)->days, 1);
    cr_expect_eq(read_bucket(20001), 5);
    cr_expect_eq(list_buckets(), 2);
    cr_expect_eq(buckets[0], 20001);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < 5; i++)
        seen |= UINT64_C(1) << found[i].place;
    cr_expect_eq(seen, 0x3e, "places 1 to 5: %lx", seen);
}

Test(ledger, refuses_what_makes_no_entry, .init = setup, .fini = teardown)
{
    struct queue_ledger_entry e = an_entry("a", 20000, "x");

    cr_expect_eq(queue_ledger_add(queue, &e, 1, on_added, &got), ERR_TOO_LONG);
    e = an_entry("", 20000, "l");
    cr_expect_eq(queue_ledger_add(queue, &e, 1, on_added, &got), ERR_TOO_LONG);
    cr_expect_eq(queue_ledger_add(queue, &e, 0, on_added, &got), ERR_INVALID);
    cr_expect_eq(queue_ledger_add(queue, &e, LEDGER_ADD_MAX + 1, on_added, &got), ERR_INVALID);
    cr_expect_eq(queue_ledger_sums(queue, 0, LEDGER_DAYS_MAX + 1, on_sums, &got), ERR_INVALID);
    cr_expect(queue_idle(queue), "a refused one left a request behind");
}

/* A completion brings its entry, also from an engine that has lost the task to another. */
Test(ledger, an_entry_comes_with_its_completion_whoever_has_the_lease, .init = setup,
     .fini = teardown)
{
    struct queue_ledger_entry entry = an_entry("call-1", 20000, "la");
    struct queue_completion c = {.outcome = QUEUE_FINISH,
                                 .attempt = 1,
                                 .status = SLICE("reached"),
                                 .avoid_trunk = QUEUE_NO_TRUNK,
                                 .ledger = &entry};
    struct queue *other = open_queue("engine-2", 1);

    add_leads(other, "p", 1);
    cr_assert_eq(claim(other, 1), OK);
    struct queue_task old = got.task[0], taken;
    cr_assert_eq(attempt(other, &old, 1), OK);
    do
        cr_assert_eq(reclaim(queue, false), OK);
    while (got.n == 0);
    taken = got.task[0];
    cr_assert_eq(finish(queue, &taken, 1, "unknown"), OK);
    cr_expect_eq(ask(queue, 20000, 1)->days, 0);
    cr_expect_eq(complete(other, &old, &c), ERR_REFUSED, "the task is another's");
    cr_assert_eq(ask(queue, 20000, 1)->days, 1, "the person was there all the same");
    cr_expect_eq(sums.day[0].abandoned, 1);
    cr_expect_eq(complete(other, &old, &c), ERR_REFUSED);
    cr_expect_eq(ask(queue, 20000, 1)->day[0].abandoned, 1, "once");
    cr_expect_eq(ask(other, 20000, 1)->last_wall_ms, entry.at_wall_ms);
    cr_expect_eq(ask(queue, 20000, 1)->last_wall_ms, 0, "engine-1 entered none");
    queue_close(other);
}

Test(ledger, old_buckets_are_dropped_and_their_sums_stay, .init = setup, .fini = teardown)
{
    for (int32_t day = 20000; day < 20010; day++) {
        char id[16];

        snprintf(id, sizeof(id), "x%d", day);
        enter_one(id, day, "la");
    }
    cut(20006);
    cr_expect_eq(list_buckets(), 4);
    cr_expect_eq(buckets[0], 20006);
    cr_expect_eq(read_bucket(20005), 0);
    cr_expect_eq(read_bucket(20006), 1);
    cr_expect_eq(ask(queue, 20000, 30)->days, 10, "sums stay");
    cr_expect_eq(sums.cut, 20006);
    enter_one("x20003", 20003, "la");
    cr_expect_eq(refused, 1, "whether it was there nobody knows");
    cr_expect_eq(added, 0);
    cr_expect_eq(ask(queue, 20003, 1)->day[0].live, 1, "not counted again");
    cut(20002);
    cr_expect_eq(ask(queue, 20000, 30)->cut, 20006, "never back");
}

Test(ledger, forgetting_the_tasks_leaves_it, .init = setup, .fini = teardown)
{
    enter_one("a", 20000, "l");
    fresh_answer();
    cr_assert_eq(wait_for(queue_forget(queue, on_done, &got)), OK);
    cr_expect_eq(ask(queue, 20000, 1)->days, 1);
}

/* A thousand and more: read in parts, all of them. */
Test(ledger, a_busy_day_is_read_whole, .init = setup, .fini = teardown)
{
    static char ids[6000][16];
    struct queue_ledger_entry entries[LEDGER_ADD_MAX];

    for (uint32_t i = 0; i < 6000; i++)
        snprintf(ids[i], sizeof(ids[i]), "call-%u", i);
    for (uint32_t i = 0; i < 6000; i += LEDGER_ADD_MAX) {
        for (uint32_t k = 0; k < LEDGER_ADD_MAX; k++)
            entries[k] = an_entry(ids[i + k], 20000, i % 400 ? "l" : "la");
        cr_assert_eq(enter(queue, entries, LEDGER_ADD_MAX), OK);
        cr_assert_eq(added, LEDGER_ADD_MAX);
    }
    cr_expect_eq(ask(queue, 20000, 1)->day[0].live, 6000);
    cr_expect_eq(sums.day[0].abandoned, 3000);
    cr_expect_eq(read_bucket(20000), 6000);
}

/* redis-server is killed while entries are given, and all are given twice over. */
Test(ledger, through_crashes_every_answer_is_there_once, .init = setup, .fini = teardown)
{
    struct rng rng;
    uint32_t given = 0, kills = 0, next_kill = 300;
    char id[16];

    rng_seed(&rng, 7);
    for (int turn = 0; turn < 100000 && (given < 4000 || !queue_idle(queue)); turn++) {
        while (given < 4000 && queue_up(queue) && rng_below(&rng, 8)) {
            struct queue_ledger_entry e = an_entry(id, 20000 + (int32_t)(given / 2 % 3), "la");

            snprintf(id, sizeof(id), "c%u", given / 2); /* each one twice */
            e.id = e.text = slice_cstr(id);
            if (queue_ledger_add(queue, &e, 1, NULL, NULL) == OK)
                given++;
        }
        loop_turn(&loop, 200);
        if (kills < 3 && given > next_kill && redis_server_pid(server) > 0) {
            cr_assert_eq(kill(redis_server_pid(server), SIGKILL), 0);
            kills++;
            next_kill = given + 300 + rng_below(&rng, 600);
        }
    }
    cr_assert_eq(given, 4000);
    cr_assert(queue_idle(queue), "entries were never acknowledged");
    cr_assert_eq(kills, 3);
    for (int i = 0; i < 20000 && !queue_up(queue); i++)
        loop_turn(&loop, 1000);
    const struct queue_ledger *l = ask(queue, 20000, 3);

    cr_assert_eq(l->days, 3);
    cr_expect_eq(l->day[0].live + l->day[1].live + l->day[2].live, 2000);
    cr_expect_eq(l->entries, 2000);
    cr_expect_eq(read_bucket(20000), l->day[0].live);
}
