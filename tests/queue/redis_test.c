/* URLs, and the connection against a server of ours that behaves badly. */
#include "fixture.h"

#include "io/tcp.h"

Test(redis_url, reads)
{
    struct redis_target t;
    char error[REDIS_ERROR_MAX];

    cr_assert_eq(redis_parse_url(SLICE("unix:/run/redis.sock"), &t, error), OK);
    cr_assert(t.is_unix);
    cr_assert_str_eq(t.path, "/run/redis.sock");
    cr_assert_eq(redis_parse_url(SLICE("unix:///run/a%20b?db=3&password=p%40ss"), &t, error), OK);
    cr_assert_str_eq(t.path, "/run/a b");
    cr_assert_eq(t.db, 3);
    cr_assert_str_eq(t.password, "p@ss");
    cr_assert_eq(redis_parse_url(SLICE("redis://127.0.0.1"), &t, error), OK);
    cr_assert(!t.is_unix);
    cr_assert_eq(t.port, 6379);
    cr_assert_eq(redis_parse_url(SLICE("redis://user:a@b:c@[::1]:7000/15"), &t, error), OK);
    cr_assert_str_eq(t.user, "user");
    cr_assert_str_eq(t.password, "a@b:c");
    cr_assert_str_eq(t.host, "::1");
    cr_assert_eq(t.port, 7000);
    cr_assert_eq(t.db, 15);
    cr_assert_eq(redis_parse_url(SLICE("redis://:secret@localhost:6380"), &t, error), OK);
    cr_assert_str_eq(t.user, "");
    cr_assert_str_eq(t.password, "secret");
    cr_assert_str_eq(t.host, "127.0.0.1");
}

Test(redis_url, refuses_with_a_sentence)
{
    static const char *const bads[] = {
        "",
        "127.0.0.1:6379",
        "http://127.0.0.1",
        "unix:relative",
        "unix:",
        "unix:/a?wrong=1",
        "unix:/a?db=x",
        "unix:/a%zz",
        "unix:/a%0",
        "unix:/a%00b",
        "redis://",
        "redis://example.invalid",
        "redis://127.0.0.1:0",
        "redis://127.0.0.1:70000",
        "redis://127.0.0.1:",
        "redis://127.0.0.1/db",
        "redis://127.0.0.1/99999999",
        "redis://[::1",
        "redis://[::1]6379",
    };
    struct redis_target t;
    char error[REDIS_ERROR_MAX];

    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        cr_assert_eq(redis_parse_url(slice_cstr(bads[i]), &t, error), ERR_INVALID, "took %s",
                     bads[i]);
        cr_assert_not_null(strstr(error, "write unix:/path"), "no advice: %s", error);
    }
}

Test(redis_url, errors_show_no_password)
{
    struct redis_target t;
    char error[REDIS_ERROR_MAX];

    cr_assert_eq(redis_parse_url(SLICE("redis://user:secret@example.invalid"), &t, error),
                 ERR_INVALID);
    cr_assert_null(strstr(error, "secret"), "%s", error);
    cr_assert_eq(redis_parse_url(SLICE("unix:/a?password=secret&x=1"), &t, error), ERR_INVALID);
    cr_assert_null(strstr(error, "secret"), "%s", error);
    cr_assert_not_null(strstr(error, "unix:/a…"), "%s", error);
}

/* --- a server that answers what we tell it ---------------------------------------------------- */

static struct tcp_listener *listener;
static struct tcp *peer;
static const char *reply_to_first, *reply_to_rest; /* NULL: silence */
static int commands;

/* Bytes of the first whole command of data; 0: more must come. */
static uint32_t command_len(const char *data, uint32_t len)
{
    const char *p = data, *end = data + len;
    long words = 1, size = 0;

    for (long i = 0; i <= words; i++) { /* *WORDS, then $SIZE and the word itself, each with CRLF */
        const char *line = memchr(p, '\n', (size_t)(end - p));

        if (!line)
            return 0;
        *(i ? &size : &words) = strtol(p + 1, NULL, 10);
        p = line + 1;
        if (i && end - p < size + 2)
            return 0;
        p += i ? size + 2 : 0;
    }
    return (uint32_t)(p - data);
}

static int64_t on_command(void *arg, struct tcp *t, char *data, uint32_t len)
{
    uint32_t used = 0, n;

    (void)arg;
    while (used < len && (n = command_len(data + used, len - used))) {
        const char *reply = commands++ ? reply_to_rest : reply_to_first;

        if (reply)
            cr_assert_eq(tcp_send(t, slice_cstr(reply)), OK);
        used += n;
    }
    return used;
}

static void on_peer_closed(void *arg, struct tcp *t, enum err why)
{
    (void)arg, (void)why;
    if (peer == t)
        peer = NULL;
}

static const struct tcp_handler peer_handler = {on_command, NULL, on_peer_closed};

static void on_accept(void *arg, struct tcp *t)
{
    (void)arg;
    peer = t;
    commands = 0;
    tcp_set_handler(t, &peer_handler, NULL);
}

static const struct tcp_listener_handler listener_handler = {on_accept};
static char url[64];

static void fake_setup(void)
{
    struct addr local;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    addr_parse(SLICE("127.0.0.1:0"), 0, &local);
    cr_assert_eq(tcp_listen(&listener, &loop, &local, &listener_handler, NULL), OK);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%u", addr_port(tcp_listener_local(listener)));
}

static void fake_teardown(void)
{
    tcp_close(peer);
    tcp_unlisten(listener);
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
}

static char last_why[REDIS_ERROR_MAX];
static void note_state(void *arg, bool up, const char *why)
{
    (void)arg;
    is_up = up;
    *(up ? &ups : &downs) += 1;
    if (!up)
        snprintf(last_why, sizeof(last_why), "%s", why);
}

static struct redis *connect_to(const char *to)
{
    struct redis *r;
    const struct redis_config config = {.loop = &loop, .url = to, .on_state = note_state};

    cr_assert_eq(redis_open(&r, &config), OK);
    return r;
}

static void turn_while_down(int wanted_downs, int max_ms)
{
    for (int i = 0; i < max_ms && downs < wanted_downs; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(downs, wanted_downs, "not told that it is away: %s", last_why);
}

Test(redis, nobody_there_is_told_once_and_tried_again)
{
    fake_setup();
    tcp_unlisten(listener);
    listener = NULL;
    for (int i = 0; i < 5; i++)
        loop_turn(&loop, 1000);
    struct redis *r = connect_to(url);

    turn_while_down(1, 5000);
    cr_assert_not_null(strstr(last_why, "Connection refused"), "%s", last_why);
    for (int i = 0; i < 400; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(downs, 1);
    cr_assert_eq(redis_send(r, SLICE("*1\r\n$4\r\nPING\r\n"), NULL, NULL), ERR_CLOSED);
    redis_close(r);
    fake_teardown();
}

Test(redis, a_refusal_is_told_in_its_words, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = "-NOAUTH Authentication required.\r\n";
    struct redis *r = connect_to(url);

    turn_while_down(1, 5000);
    cr_assert_not_null(strstr(last_why, "NOAUTH Authentication required"), "%s", last_why);
    cr_assert_eq(ups, 0);
    redis_close(r);
}

Test(redis, an_old_redis_is_named, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = "-ERR unknown command `FUNCTION`, with args beginning with: `LOAD`, \r\n";
    struct redis *r = connect_to(url);

    turn_while_down(1, 5000);
    cr_assert_not_null(strstr(last_why, "Redis 7 or later is needed"), "%s", last_why);
    redis_close(r);
}

Test(redis, garbage_ends_the_connection_not_us, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct redis *r = connect_to(url);

    turn_while_down(1, 5000);
    cr_assert_not_null(strstr(last_why, "Protocol error"), "%s", last_why);
    redis_close(r);
}

Test(redis, silence_is_given_up, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = NULL;
    struct redis *r = connect_to(url);
    uint64_t start = clock_ms(loop.clock);

    turn_while_down(1, 20000);
    cr_assert_not_null(strstr(last_why, "no answer"), "%s", last_why);
    cr_assert_geq(clock_ms(loop.clock) - start, REDIS_SILENT_MS);
    redis_close(r);
}

static int nulls, reals;
static void on_reply(void *arg, const struct redisReply *reply)
{
    (void)arg;
    *(reply ? &reals : &nulls) += 1;
}

Test(redis, what_was_under_way_is_told_when_the_connection_ends, .init = fake_setup,
     .fini = fake_teardown)
{
    reply_to_first = "+PONG\r\n";
    reply_to_rest = NULL;
    struct redis *r = connect_to(url);

    cr_assert(turn_until(&is_up));
    for (int i = 0; i < 10; i++)
        cr_assert_eq(redis_command(r, on_reply, NULL, 1, (struct slice[]){SLICE("PING")}), OK);
    for (int i = 0; i < 10; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(redis_in_flight(r), 10);
    tcp_close(peer);
    peer = NULL;
    turn_while_down(1, 5000);
    cr_assert_eq(nulls, 10);
    cr_assert_eq(redis_in_flight(r), 0);
    is_up = false;
    cr_assert(turn_until(&is_up), "did not connect again");
    cr_assert_eq(redis_command(r, on_reply, NULL, 1, (struct slice[]){SLICE("PING")}), OK);
    redis_close(r);
    cr_assert_eq(nulls, 11, "close did not tell");
}

Test(redis, too_much_under_way_is_refused_and_counted, .init = fake_setup, .fini = fake_teardown)
{
    static char large[1024 * 1024];
    enum err e = OK;
    int sent = 0;

    reply_to_first = "+PONG\r\n";
    reply_to_rest = NULL;
    struct redis *r = connect_to(url);

    cr_assert(turn_until(&is_up));
    memset(large, 'x', sizeof(large));
    while (e == OK && sent < 100) {
        e = redis_command(r, on_reply, NULL, 2,
                          (struct slice[]){SLICE("ECHO"), slice_of(large, sizeof(large))});
        sent++;
    }
    cr_assert_eq(e, ERR_FULL);
    cr_assert_leq(sent, REDIS_UNSENT_MAX / (int)sizeof(large) + 1);
    cr_assert_eq(redis_stats_of(r)->refused, 1);
    redis_close(r);
}

Test(redis, answers_to_no_question_end_the_connection_not_us, .init = fake_setup,
     .fini = fake_teardown)
{
    static const char *const unasked[] = {"+OK\r\n", ":1\r\n", "$-1\r\n", "*2\r\n:1\r\n:2\r\n"};

    reply_to_first = "+PONG\r\n";
    struct redis *r = connect_to(url);

    for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++) {
        is_up = false;
        cr_assert(turn_until(&is_up));
        cr_assert_eq(tcp_send(peer, slice_cstr(unasked[i])), OK);
        turn_while_down((int)i + 1, 5000);
        cr_assert_not_null(strstr(last_why, "to no question"), "%s", last_why);
    }
    redis_close(r);
}

static struct redis *closing;
static void close_inside(void *arg, const struct redisReply *reply)
{
    (void)arg;
    if (reply)
        redis_close(closing);
}

Test(redis, may_be_closed_from_a_reply, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = reply_to_rest = "+PONG\r\n";
    closing = connect_to(url);
    cr_assert(turn_until(&is_up));
    redis_command(closing, close_inside, NULL, 1, (struct slice[]){SLICE("PING")});
    redis_command(closing, on_reply, NULL, 1, (struct slice[]){SLICE("PING")});
    for (int i = 0; i < 50; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(nulls + reals, 1);
}

/* Answers of a form that no function of ours gives. */
static const char *const odd[] = {
    ":5\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    "*2\r\n:0\r\n*1\r\n:7\r\n",
    "*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
    "*1\r\n*8\r\n$0\r\n\r\n$1\r\n1\r\n:0\r\n:0\r\n:0\r\n$0\r\n\r\n:0\r\n$0\r\n\r\n",
    "*1\r\n*8\r\n$1\r\na\r\n$3\r\n-12\r\n:0\r\n:0\r\n:0\r\n$0\r\n\r\n:0\r\n$0\r\n\r\n",
    "*1\r\n:9999999999\r\n",
    "*3\r\n:3\r\n:2\r\n:1\r\n",
    "*11\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n",
    "-ERR something unheard of\r\n",
};

Test(redis, odd_answers_are_errors_of_the_queue, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = "$4\r\npeal\r\n";
    const struct queue_config config = {
        .loop = &loop, .url = url, .campaign = "c", .engine = "e", .on_state = note_state};
    struct queue_task t = {.id = "a", .token = 1};
    struct queue_lease lease = {.id = "a", .token = 1};
    struct queue *q;

    cr_assert_eq(queue_open(&q, &config), OK);
    cr_assert(turn_until(&is_up));
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        reply_to_rest = odd[i];
        cr_assert_eq(claim(q, 1), ERR_IO, "claim took %s", odd[i]);
        cr_assert_eq(attempt(q, &t, 1), ERR_IO, "attempt took %s", odd[i]);
        cr_assert_eq(finish(q, &t, 1, "x"), ERR_IO, "complete took %s", odd[i]);
        cr_assert_eq(reclaim(q, false), ERR_IO, "reclaim took %s", odd[i]);
        fresh_answer();
        cr_assert_eq(wait_for(queue_renew(q, &lease, 1, on_renewed, &got)), ERR_IO, "renew took %s",
                     odd[i]);
        fresh_answer();
        enum err e = wait_for(queue_count(q, on_counts, &got));

        cr_assert_eq(e, ERR_IO, "count took %s", odd[i]);
        cr_assert_neq(strlen(queue_error(q)), 0);
    }
    const struct queue_lead lead = {.id = SLICE("a"), .numbers = {{SLICE("1")}}};

    reply_to_rest = "+OK\r\n";
    cr_assert_eq(queue_add(q, &lead), OK);
    fresh_answer();
    cr_assert_eq(wait_for(queue_add_finish(q, on_done, &got)), ERR_IO);
    cr_assert_eq(queue_add_stats_of(q)->failed, 1);
    queue_close(q);
}

/* A full disk of Redis: completions are kept and asked again, nothing is dropped. */
Test(redis, a_passing_refusal_keeps_the_completion, .init = fake_setup, .fini = fake_teardown)
{
    reply_to_first = "$4\r\npeal\r\n";
    reply_to_rest = "-MISCONF Errors writing to the AOF file: No space left on device\r\n";
    const struct queue_config config = {
        .loop = &loop, .url = url, .campaign = "c", .engine = "e", .on_state = note_state};
    struct queue_task t = {.id = "a", .token = 1};
    struct queue *q;

    cr_assert_eq(queue_open(&q, &config), OK);
    cr_assert(turn_until(&is_up));
    cr_assert_eq(attempt(q, &t, 1), ERR_IO);
    cr_assert_not_null(strstr(queue_error(q), "No space left"), "%s", queue_error(q));
    fresh_answer();
    const struct queue_completion c = {.outcome = QUEUE_RELEASE, .avoid_trunk = QUEUE_NO_TRUNK};

    cr_assert_eq(queue_complete(q, &t, &c, on_done, &got), OK);
    for (int i = 0; i < 50; i++)
        loop_turn(&loop, 1000);
    cr_assert(!got.came);
    cr_assert(!queue_idle(q));
    reply_to_rest = "+OK\r\n";
    cr_assert_eq(wait_for(OK), OK);
    cr_assert(queue_idle(q));
    queue_close(q);
}
