/* The server asked over real connections of the same loop; time is moved by hand. */
#include "io/http_server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/tcp.h"

#define TURNS 2000

static struct clock the_clock;
static struct loop loop;
static struct http_server *server;

/* What was asked last, and whom to answer when `later`. */
static struct {
    uint32_t times, gone;
    char method[16], path[64], query[64];
    char *body;
    uint32_t body_len;
    struct http_client *to;
    bool later;
} asked;

struct peer {
    struct tcp *tcp;
    char text[4096];
    uint32_t len;
    bool closed;
};

static int64_t on_received(void *arg, struct tcp *t, char *data, uint32_t len)
{
    struct peer *p = arg;

    (void)t;
    cr_assert_lt(p->len + len, sizeof(p->text));
    memcpy(p->text + p->len, data, len);
    p->len += len;
    p->text[p->len] = '\0';
    return len;
}

static void on_closed(void *arg, struct tcp *t, enum err why)
{
    (void)t;
    (void)why;
    ((struct peer *)arg)->closed = true;
}

static const struct tcp_handler handler = {.received = on_received, .closed = on_closed};

static void on_request(void *arg, struct http_client *to, const struct http_request *r)
{
    (void)arg;
    asked.times++;
    slice_copy(r->method, asked.method, sizeof(asked.method));
    slice_copy(r->path, asked.path, sizeof(asked.path));
    slice_copy(r->query, asked.query, sizeof(asked.query));
    free(asked.body);
    asked.body = malloc(r->body.len + 1);
    memcpy(asked.body, r->body.p, r->body.len);
    asked.body_len = r->body.len;
    asked.to = to;
    if (!asked.later)
        http_server_reply(to, "200 OK", "text/plain", SLICE("yes\n"));
}

static void on_gone(void *arg, struct http_client *who)
{
    (void)arg;
    cr_assert_eq(who, asked.to);
    asked.gone++;
}

static void open_all(uint32_t body_max)
{
    char error[HTTP_SERVER_ERROR_MAX] = "";

    memset(&asked, 0, sizeof(asked));
    clock_init_virtual(&the_clock, 1000000, 0);
    cr_assert_eq(loop_init(&loop, &(struct loop_config){.clock = &the_clock}), OK);
    const struct http_server_config config = {.loop = &loop,
                                              .address = "127.0.0.1:0",
                                              .body_max = body_max,
                                              .fn = on_request,
                                              .gone = on_gone};
    cr_assert_eq(http_server_open(&server, &config, error), OK, "%s", error);
}

static void close_all(void)
{
    http_server_close(server);
    free(asked.body);
    clock_init_real(&the_clock); /* loop_fini waits by it */
    loop_fini(&loop);
}

static void turns(void)
{
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 1000);
}

static struct peer *dial(void)
{
    struct peer *p = calloc(1, sizeof(*p));
    struct addr at;

    cr_assert_eq(addr_parse(slice_cstr(http_server_listen(server)), 0, &at), OK);
    cr_assert_eq(tcp_connect(&p->tcp, &loop, &at, &handler, p), OK);
    return p;
}

static void hang_up(struct peer *p)
{
    if (!p->closed)
        tcp_close(p->tcp);
    turns();
    free(p);
}

static void say(struct peer *p, const char *text)
{
    cr_assert_eq(tcp_send(p->tcp, slice_cstr(text)), OK);
}

/* The whole answer: its head, and as much as that tells. */
static bool is_whole(const struct peer *p)
{
    const char *end = strstr(p->text, "\r\n\r\n"), *length = strstr(p->text, "Content-Length: ");

    return end && (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void hear(struct peer *p, const char *status)
{
    for (int i = 0; i < TURNS && !is_whole(p); i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(strncmp(p->text, "HTTP/1.1 ", 9), 0, "'%s'", p->text);
    cr_assert_eq(strncmp(p->text + 9, status, strlen(status)), 0, "%s: '%s'", status, p->text);
}

#define GET "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"

Test(http_server, a_request_byte_by_byte_and_its_answer)
{
    static const char text[] =
        "POST /leads?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";

    open_all(100);
    struct peer *p = dial();
    for (const char *c = text; *c; c++) {
        say(p, (char[]){*c, '\0'});
        loop_turn(&loop, 1000);
        loop_turn(&loop, 1000);
    }
    hear(p, "200 OK\r\n");
    cr_assert(strstr(p->text, "Content-Length: 4\r\n") && strstr(p->text, "\r\n\r\nyes\n"));
    cr_assert_str_eq(asked.method, "POST");
    cr_assert_str_eq(asked.path, "/leads");
    cr_assert_str_eq(asked.query, "x=1");
    cr_assert_eq(asked.body_len, 3);
    cr_assert_eq(memcmp(asked.body, "abc", 3), 0);
    say(p, GET); /* one request a connection: what follows is dropped */
    turns();
    cr_assert_eq(asked.times, 1);
    /* The far side leaves it to us to close: so it is, after a while. */
    cr_assert_not(p->closed);
    clock_advance_us(&the_clock, HTTP_SERVER_LINGER_MS * 1000 + 1000);
    turns();
    cr_assert(p->closed);
    cr_assert_eq(http_server_counts(server).now, 0);
    hang_up(p);
    close_all();
}

Test(http_server, a_large_body_comes_whole)
{
    const uint32_t size = 3 * 1024 * 1024;
    char *body = malloc(size);

    open_all(size);
    memset(body, 'x', size);
    struct peer *p = dial();
    say(p, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3145728\r\n\r\n");
    hear(p, "100 Continue\r\n");
    p->len = 0;
    p->text[0] = '\0';
    for (uint32_t at = 0; at < size; at += 65536) {
        while (tcp_send(p->tcp, slice_of(body + at, 65536)) == ERR_FULL)
            loop_turn(&loop, 1000);
        loop_turn(&loop, 0);
    }
    hear(p, "200 OK\r\n");
    cr_assert_eq(asked.body_len, size);
    cr_assert_eq(memcmp(asked.body, body, size), 0);
    hang_up(p);
    free(body);
    close_all();
}

Test(http_server, what_is_too_large_or_no_request_is_refused)
{
    static const struct {
        const char *text, *status;
    } all[] = {{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", "413"},
               {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "411"},
               {"nonsense\r\n\r\n", "400"}};
    char *head = malloc(HTTP_SERVER_HEAD_MAX + 100);

    open_all(10);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct peer *p = dial();
        say(p, all[i].text);
        hear(p, all[i].status);
        cr_assert(strstr(p->text, "{\"error\":\""), "%s", p->text);
        hang_up(p);
    }
    memset(head, 'a', HTTP_SERVER_HEAD_MAX + 99);
    head[HTTP_SERVER_HEAD_MAX + 99] = '\0';
    struct peer *p = dial();
    say(p, head);
    hear(p, "431");
    hang_up(p);
    struct http_server_counts n = http_server_counts(server);
    cr_assert_eq(n.too_large, 2);
    cr_assert_eq(n.malformed, 2);
    cr_assert_eq(n.requests, 0);
    cr_assert_eq(asked.times, 0);
    free(head);
    close_all();
}

Test(http_server, half_a_request_has_its_time)
{
    open_all(10);
    struct peer *p = dial();
    say(p, "GET / HT");
    turns();
    clock_advance_us(&the_clock, (HTTP_SERVER_REQUEST_MS - 1) * 1000);
    say(p, "TP"); /* a byte now and then gains no time */
    turns();
    cr_assert_eq(p->len, 0);
    clock_advance_us(&the_clock, 2000);
    turns();
    hear(p, "408");
    cr_assert_eq(http_server_counts(server).too_slow, 1);
    hang_up(p);
    close_all();
}

Test(http_server, surplus_connections_are_told_and_the_rest_is_closed)
{
    enum { ALL = HTTP_SERVER_CLIENTS_MAX + HTTP_SERVER_SURPLUS + 4 };
    static struct peer *peer[ALL];

    open_all(10);
    for (int i = 0; i < ALL; i++) {
        peer[i] = dial();
        loop_turn(&loop, 1000);
        loop_turn(&loop, 1000);
    }
    turns();
    struct http_server_counts n = http_server_counts(server);
    cr_assert_eq(n.now, HTTP_SERVER_CLIENTS_MAX);
    cr_assert_eq(n.surplus, HTTP_SERVER_SURPLUS);
    cr_assert_eq(n.closed, 4);
    hear(peer[HTTP_SERVER_CLIENTS_MAX], "503");
    cr_assert(strstr(peer[HTTP_SERVER_CLIENTS_MAX]->text, "Retry-After: 1\r\n"));
    say(peer[3], GET); /* those that are served, are */
    hear(peer[3], "200");
    hang_up(peer[3]);
    peer[3] = dial(); /* and make room */
    say(peer[3], GET);
    hear(peer[3], "200");
    for (int i = 0; i < ALL; i++)
        hang_up(peer[i]);
    close_all();
}

Test(http_server, answers_may_come_later_and_whoever_left_is_told)
{
    open_all(10);
    asked.later = true;
    struct peer *p = dial();
    say(p, GET);
    turns();
    cr_assert_eq(asked.times, 1);
    clock_advance_us(&the_clock, 2ull * HTTP_SERVER_REQUEST_MS * 1000);
    turns();
    cr_assert_eq(p->len, 0); /* waiting for us is not its fault */
    http_server_field(asked.to, "Allow: GET");
    http_server_refuse(asked.to, "405 Method Not Allowed", "\"no\"");
    hear(p, "405");
    cr_assert(strstr(p->text, "\r\nAllow: GET\r\n") &&
              strstr(p->text, "{\"error\":\"\\\"no\\\"\"}"));
    cr_assert_eq(asked.gone, 0);
    hang_up(p);
    p = dial();
    say(p, GET);
    turns();
    hang_up(p);
    cr_assert_eq(asked.gone, 1);
    cr_assert_eq(http_server_counts(server).left, 1);
    close_all();
}

Test(http_server, other_addresses_only_when_told)
{
    char error[HTTP_SERVER_ERROR_MAX] = "";
    struct http_server_config config = {
        .loop = &loop, .address = "0.0.0.0:0", .fn = on_request, .gone = on_gone};
    struct http_server *s = NULL;

    open_all(10);
    cr_assert_eq(http_server_open(&s, &config, error), ERR_INVALID);
    cr_assert(strstr(error, "127.0.0.1:8070"));
    config.anywhere = true;
    cr_assert_eq(http_server_open(&s, &config, error), OK);
    http_server_close(s);
    config.address = http_server_listen(server);
    cr_assert_eq(http_server_open(&s, &config, error), ERR_EXISTS);
    cr_assert(strstr(error, "another program does"));
    cr_assert(http_server_is_loopback("[::1]:1"));
    cr_assert_not(http_server_is_loopback("192.0.2.1:80"));
    close_all();
}
