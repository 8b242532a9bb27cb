/* Notes of a lead beside a real redis-server: comments are never rewritten, a priority changes once
 * an attempt, and what is claimed next has it all. */
#include "queue/note.h"

#include "fixture.h"

static char lines[8][QUEUE_COMMENT_MAX + 1];
static uint32_t line_count;

static void on_comments(void *arg, enum err e, const struct slice *given, uint32_t n)
{
    (void)arg;
    got.e = e;
    got.came = true;
    line_count = n;
    for (uint32_t i = 0; i < n && i < 8; i++)
        slice_copy(given[i], lines[i], sizeof(lines[i]));
}

static enum err note(const char *id, const struct queue_note *n)
{
    fresh_answer();
    return wait_for(queue_note(queue, slice_cstr(id), n, on_done, &got));
}

/* Due again at once. */
static enum err again(const struct queue_task *t, uint32_t number)
{
    return complete(queue, t,
                    &(struct queue_completion){.outcome = QUEUE_RETRY,
                                               .attempt = number,
                                               .retry_wall_ms = 1,
                                               .charged = true,
                                               .avoid_trunk = QUEUE_NO_TRUNK});
}

static enum err comments(const char *id)
{
    fresh_answer();
    return wait_for(queue_comments(queue, slice_cstr(id), on_comments, NULL));
}

Test(note, comments_are_appended_and_never_rewritten, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 2);
    cr_assert_eq(
        note("a0", &(struct queue_note){.attempt = 0, .comment = SLICE("30/03 no number")}), OK);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    cr_assert_str_eq(t.id, "a0");
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(note("a0", &(struct queue_note){.attempt = 1, .comment = SLICE("31/03 busy")}),
                 OK);
    cr_assert_eq(note("a0", &(struct queue_note){.attempt = 1, .comment = SLICE("01/04 forged")}),
                 OK);
    cr_assert_eq(comments("a0"), OK);
    cr_assert_eq(line_count, 2);
    cr_expect_str_eq(lines[0], "30/03 no number");
    cr_expect_str_eq(lines[1], "31/03 busy");
    cr_assert_eq(comments("a1"), OK);
    cr_expect_eq(line_count, 0);
}

Test(note, what_is_claimed_next_has_it, .init = setup, .fini = teardown)
{
    add_leads(queue, "a", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];
    const struct queue_note n = {
        .attempt = 1, .priority = 7, .caller_id = SLICE("+12025550100"), .mark = SLICE("late")};
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(note("a0", &n), OK);
    cr_assert_eq(note("a0", &n), OK, "asked again: once an attempt");
    cr_assert_eq(again(&t, 1), OK);
    cr_assert_eq(claim(queue, 1), OK);
    cr_assert_eq(got.n, 1);
    t = got.task[0];
    cr_expect_eq(t.priority, 7);
    cr_expect_str_eq(t.avoid_caller_id, "+12025550100");
    cr_assert_eq(attempt(queue, &t, 2), OK);
    cr_assert_eq(note("a0", &(struct queue_note){.attempt = 2, .priority = -3}), OK);
    cr_assert_eq(again(&t, 2), OK);
    cr_assert_eq(claim(queue, 1), OK);
    cr_expect_eq(got.task[0].priority, 4);
    cr_expect_str_eq(got.task[0].avoid_caller_id, "", "any may be shown again");
}
