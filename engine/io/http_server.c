/* See http_server.h. RFC 9112, as far as it goes. */
#include "io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "io/tcp.h"

#define CLIENTS (HTTP_SERVER_CLIENTS_MAX + HTTP_SERVER_SURPLUS)

_Static_assert(HTTP_SERVER_REPLY_MAX + 1024 <= TCP_SEND_MAX, "an answer is sent in one piece");
_Static_assert(HTTP_SERVER_HEAD_MAX < TCP_RECEIVE_MAX, "a head is looked at in one piece");

enum stage { CLIENT_FREE, CLIENT_HEAD, CLIENT_BODY, CLIENT_ASKED, CLIENT_ANSWERED };

struct http_client {
    struct http_server *server;
    struct tcp *tcp;
    enum stage stage;
    bool surplus;
    struct timer limit;
    char *text; /* the request, when its head is whole */
    uint32_t len, whole;
    uint32_t head_len;
    const char *field;
};

struct http_server {
    struct http_server_config config;
    struct tcp_listener *listener;
    struct http_server_counts counts;
    char listen[ADDR_TEXT_MAX];
    struct http_client client[CLIENTS];
};

static struct loop *loop_of(const struct http_client *c)
{
    return c->server->config.loop;
}

static void let_go(struct http_client *c)
{
    struct http_server *s = c->server;
    bool asked = c->stage == CLIENT_ASKED;

    loop_timer_stop(loop_of(c), &c->limit);
    free(c->text);
    if (!c->surplus)
        s->counts.now--;
    c->text = NULL;
    c->tcp = NULL;
    c->stage = CLIENT_FREE;
    if (asked) {
        s->counts.left++;
        if (s->config.gone)
            s->config.gone(s->config.arg, c);
    }
}

static void on_linger(struct timer *t)
{
    struct http_client *c = container_of(t, struct http_client, limit);

    tcp_close(c->tcp);
    let_go(c);
}

/* ---- answers ---- */

char *http_server_take(struct http_client *to)
{
    char *text = to->text;

    to->text = NULL;
    return text;
}

void http_server_field(struct http_client *to, const char *field)
{
    to->field = field;
}

void http_server_reply(struct http_client *to, const char *status, const char *type,
                       struct slice body)
{
    char head[512];

    if (to->stage == CLIENT_FREE || to->stage == CLIENT_ANSWERED)
        return;
    if (body.len > HTTP_SERVER_REPLY_MAX) {
        status = "500 Internal Server Error";
        type = "application/json";
        body = SLICE("{\"error\":\"the answer is too long\"}\n");
    }
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %.60s\r\nContent-Type: %.100s\r\nContent-Length: %u\r\n"
                     "Cache-Control: no-store\r\n%.200s%sConnection: close\r\n\r\n",
                     status, type, body.len, to->field ? to->field : "", to->field ? "\r\n" : "");

    to->stage = CLIENT_ANSWERED;
    to->field = NULL;
    if (tcp_send(to->tcp, slice_of(head, (size_t)n)) == OK && body.len)
        tcp_send(to->tcp, body);
    free(to->text);
    to->text = NULL;
    loop_timer(loop_of(to), &to->limit, HTTP_SERVER_LINGER_MS, on_linger);
}

void http_server_refuse(struct http_client *to, const char *status, const char *sentence)
{
    char text[1024];
    struct buf b = buf_on(text, sizeof text);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "error", sentence);
    json_end(&j);
    buf_putc(&b, '\n');
    http_server_reply(to, status, "application/json",
                      buf_end(&b) == OK ? buf_slice(&b) : SLICE("{\"error\":\"\"}\n"));
}

/* ---- requests ---- */

static void on_slow(struct timer *t)
{
    struct http_client *c = container_of(t, struct http_client, limit);

    c->server->counts.too_slow++;
    http_server_refuse(c, "408 Request Timeout", "the request was not whole within 10 seconds");
}

static void give(struct http_client *c)
{
    struct http_server *s = c->server;
    struct http_request r;
    struct http_head head;

    /* Read again: its texts lie in our own copy now. */
    if (http_request_read(slice_of(c->text, c->head_len), &r, &head) != NULL)
        return;
    r.body = slice_of(c->text + c->head_len, c->whole - c->head_len);
    loop_timer_stop(s->config.loop, &c->limit);
    c->stage = CLIENT_ASKED;
    s->counts.requests++;
    s->config.fn(s->config.arg, c, &r);
}

static void refuse_body(struct http_client *c)
{
    char text[120];

    c->server->counts.too_large++;
    if (c->server->config.body_max)
        snprintf(text, sizeof text, "the body may have %u bytes at most; send it in parts",
                 c->server->config.body_max);
    else
        snprintf(text, sizeof text, "no body is taken here");
    http_server_refuse(c, "413 Content Too Large", text);
}

/* The head, up to and with its empty line. */
static void take_head(struct http_client *c, struct slice bytes)
{
    const struct http_server_config *config = &c->server->config;
    struct http_request r;
    struct http_head head;
    const struct http_refusal *no = http_request_read(bytes, &r, &head);

    if (no) {
        c->server->counts.malformed++;
        http_server_refuse(c, no->status, no->sentence);
        return;
    }
    if (head.body_bytes > config->body_max) {
        refuse_body(c);
        return;
    }
    c->head_len = c->len = bytes.len;
    c->whole = bytes.len + (uint32_t)head.body_bytes;
    c->text = malloc(c->whole);
    if (!c->text) {
        http_server_refuse(c, "503 Service Unavailable", "no memory");
        return;
    }
    memcpy(c->text, bytes.p, bytes.len);
    c->stage = CLIENT_BODY;
    if (head.waits && head.body_bytes)
        tcp_send(c->tcp, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

static int64_t on_bytes(void *arg, struct tcp *t, char *data, uint32_t len)
{
    struct http_client *c = arg;
    uint32_t used = 0;

    (void)t;
    if (c->stage == CLIENT_HEAD) {
        const char *end = memmem(data, len, "\r\n\r\n", 4);
        uint32_t head = end ? (uint32_t)(end - data) + 4 : len;

        if (head > HTTP_SERVER_HEAD_MAX) {
            c->server->counts.too_large++;
            http_server_refuse(c, "431 Request Header Fields Too Large",
                               "the head may have 8192 bytes at most");
            return len;
        }
        if (!end)
            return 0;
        take_head(c, slice_of(data, head));
        used = head;
    }
    if (c->stage == CLIENT_BODY) {
        uint32_t n = c->whole - c->len, there = len - used;

        n = n < there ? n : there;
        memcpy(c->text + c->len, data + used, n);
        c->len += n;
        if (c->len == c->whole)
            give(c);
    }
    return len; /* what follows a request is dropped */
}

static void on_closed(void *arg, struct tcp *t, enum err why)
{
    (void)t;
    (void)why;
    let_go(arg);
}

static const struct tcp_handler client_handler = {.received = on_bytes, .closed = on_closed};

static struct http_client *free_client(struct http_server *s)
{
    for (uint32_t i = 0; i < CLIENTS; i++)
        if (s->client[i].stage == CLIENT_FREE)
            return &s->client[i];
    return NULL;
}

static void on_accepted(void *arg, struct tcp *t)
{
    struct http_server *s = arg;
    struct http_client *c = free_client(s);

    s->counts.connections++;
    if (!c) {
        s->counts.closed++;
        tcp_close(t);
        return;
    }
    *c = (struct http_client){.server = s, .tcp = t, .stage = CLIENT_HEAD};
    timer_init(&c->limit);
    tcp_set_handler(t, &client_handler, c);
    c->surplus = s->counts.now >= HTTP_SERVER_CLIENTS_MAX;
    if (c->surplus) {
        s->counts.surplus++;
        http_server_field(c, "Retry-After: 1");
        http_server_refuse(c, "503 Service Unavailable",
                           "64 connections are being served already; ask again");
        return;
    }
    s->counts.now++;
    loop_timer(s->config.loop, &c->limit, HTTP_SERVER_REQUEST_MS, on_slow);
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

/* ---- life ---- */

static bool is_loopback(const struct addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool http_server_is_loopback(const char *address)
{
    struct addr at = {0};

    return addr_parse(slice_cstr(address), 0, &at) == OK && is_loopback(&at);
}

static enum err read_address(const struct http_server_config *config, struct addr *at, char *error)
{
    if (addr_parse(slice_cstr(config->address), 0, at) != OK)
        snprintf(error, HTTP_SERVER_ERROR_MAX,
                 "%.60s: it must be an address of this machine %ssuch as 127.0.0.1:8070",
                 config->address, config->anywhere ? "" : "alone, ");
    else if (!config->anywhere && !is_loopback(at))
        snprintf(error, HTTP_SERVER_ERROR_MAX,
                 "%.60s: it must be an address of this machine alone, such as 127.0.0.1:8070",
                 config->address);
    else
        return OK;
    return ERR_INVALID;
}

enum err http_server_open(struct http_server **out, const struct http_server_config *config,
                          char *error)
{
    struct addr at = {0};
    enum err e = read_address(config, &at, error);

    if (e != OK)
        return e;
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(error, HTTP_SERVER_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    s->config = *config;
    if (s->config.body_max > HTTP_SERVER_BODY_MAX)
        s->config.body_max = HTTP_SERVER_BODY_MAX;
    e = tcp_listen(&s->listener, config->loop, &at, &listener_handler, s);
    if (e != OK) {
        snprintf(error, HTTP_SERVER_ERROR_MAX, "%.60s cannot be listened on: %s", config->address,
                 e == ERR_EXISTS ? "another program does"
                 : e == ERR_IO   ? strerror(errno)
                                 : err_name(e));
        free(s);
        return e;
    }
    addr_format(tcp_listener_local(s->listener), s->listen, sizeof s->listen);
    *out = s;
    return OK;
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    tcp_unlisten(s->listener);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct http_client *c = &s->client[i];

        if (c->stage == CLIENT_FREE)
            continue;
        loop_timer_stop(s->config.loop, &c->limit);
        tcp_close(c->tcp);
        free(c->text);
    }
    free(s);
}

const char *http_server_listen(const struct http_server *s)
{
    return s->listen;
}

struct http_server_counts http_server_counts(const struct http_server *s)
{
    return s->counts;
}
