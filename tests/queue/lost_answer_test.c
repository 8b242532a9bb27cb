/* Redis did it, and the answer was lost: a proxy between us and redis-server lets the command pass
 * and cuts the connection instead of bringing the answer. Each operation must come out as if it had
 * been done once. */
#include "fixture.h"

#include "io/tcp.h"

static struct tcp_listener *listener;
static struct tcp *client, *upstream;
static bool cut_next;
static int cuts;

static void drop_both(void)
{
    tcp_close(client);
    tcp_close(upstream);
    client = upstream = NULL;
}

static int64_t from_client(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg, (void)t;
    if (upstream)
        cr_assert_eq(tcp_send(upstream, slice_of(data, len)), OK);
    return len;
}

static int64_t from_redis(void *arg, struct tcp *t, char *data, uint32_t len)
{
    (void)arg, (void)t;
    if (cut_next) {
        cut_next = false;
        cuts++;
        drop_both();
    } else if (client) {
        cr_assert_eq(tcp_send(client, slice_of(data, len)), OK);
    }
    return len;
}

static void closed(void *arg, struct tcp *t, enum err why)
{
    (void)arg, (void)why;
    if (t == client)
        client = NULL;
    if (t == upstream)
        upstream = NULL;
    drop_both();
}

static const struct tcp_handler client_side = {from_client, NULL, closed};
static const struct tcp_handler redis_side = {from_redis, NULL, closed};

static void accepted(void *arg, struct tcp *t)
{
    (void)arg;
    drop_both();
    client = t;
    tcp_set_handler(t, &client_side, NULL);
    cr_assert_eq(
        tcp_connect_unix(&upstream, &loop, redis_server_url(server) + 5, &redis_side, NULL), OK);
}

static const struct tcp_listener_handler listening = {accepted};

static void proxy_setup(void)
{
    static char url[64];
    struct addr local;

    start_server();
    cr_assert_eq(loop_init(&loop, NULL), OK);
    addr_parse(SLICE("127.0.0.1:0"), 0, &local);
    cr_assert_eq(tcp_listen(&listener, &loop, &local, &listening, NULL), OK);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%u", addr_port(tcp_listener_local(listener)));
    const struct queue_config config = {
        .loop = &loop, .url = url, .campaign = "c", .engine = "e", .on_state = on_state};

    cr_assert_eq(queue_open(&queue, &config), OK);
    cr_assert(turn_until(&is_up));
}

static void proxy_teardown(void)
{
    queue_close(queue);
    queue = NULL;
    drop_both();
    tcp_unlisten(listener);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
    redis_server_close(server);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void back_up(void)
{
    for (int i = 0; i < 10000 && !queue_up(queue); i++)
        loop_turn(&loop, 1000);
    cr_assert(queue_up(queue));
}

Test(lost_answer, of_a_claim_comes_with_the_next, .init = proxy_setup, .fini = proxy_teardown)
{
    add_leads(queue, "p", 10);
    cut_next = true;
    cr_assert_eq(claim(queue, 4), ERR_CLOSED);
    cr_assert_eq(cuts, 1);
    back_up();
    cr_assert_eq(counts(queue)->leased, 4, "the claim was not done at all");
    cr_assert_eq(claim(queue, 2), OK);
    cr_assert_eq(got.n, 4, "not the tasks of the lost answer");
    cr_assert_str_eq(got.task[0].id, "p0");
    struct queue_task t = got.task[0];

    cr_assert_eq(attempt(queue, &t, 1), OK, "their tokens do not hold");
    cr_assert_eq(claim(queue, 3), OK);
    cr_assert_eq(got.n, 3);
    cr_assert_str_eq(got.task[0].id, "p4");
    cr_assert_eq(counts(queue)->leased, 7);
}

Test(lost_answer, of_an_attempt_is_not_a_second_attempt, .init = proxy_setup,
     .fini = proxy_teardown)
{
    add_leads(queue, "p", 1);
    cr_assert_eq(claim(queue, 1), OK);
    struct queue_task t = got.task[0];

    cut_next = true;
    cr_assert_eq(attempt(queue, &t, 1), ERR_CLOSED);
    back_up();
    cr_assert_eq(counts(queue)->attempts, 1);
    cr_assert_eq(attempt(queue, &t, 1), OK);
    cr_assert_eq(counts(queue)->attempts, 1);
}

Test(lost_answer, of_a_completion_is_asked_for_again, .init = proxy_setup, .fini = proxy_teardown)
{
    add_leads(queue, "p", 2);
    cr_assert_eq(claim(queue, 2), OK);
    struct queue_task t = got.task[0];

    cr_assert_eq(attempt(queue, &t, 1), OK);
    cut_next = true;
    cr_assert_eq(finish(queue, &t, 1, "reached"), OK);
    cr_assert_eq(cuts, 1);
    cr_assert_eq(counts(queue)->finished, 1);
    cr_assert_eq(got.counts.status[0].count, 1, "counted twice");
}

Test(lost_answer, of_added_leads_is_asked_for_again, .init = proxy_setup, .fini = proxy_teardown)
{
    cut_next = true;
    add_leads(queue, "p", 3000);
    cr_assert_eq(cuts, 1);
    cr_assert_eq(counts(queue)->total, 3000);
    const struct queue_add_stats *s = queue_add_stats_of(queue);

    cr_assert_eq(s->added + s->duplicates, 3000);
    cr_assert_eq(s->failed, 0);
    cr_assert_eq(got.counts.due, 3000);
}
