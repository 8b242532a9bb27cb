/* See http_server.h. RFC 9112, as far as it goes. */
#include "sim/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tcp.h"

struct http_client {
    struct http_server *server;
    struct tcp *tcp; /* NULL: free */
};

struct http_server {
    struct tcp_listener *listener;
    http_server_fn *fn;
    void *arg;
    char listen[ADDR_TEXT_MAX];
    struct http_client client[HTTP_SERVER_CLIENTS_MAX];
};

void http_server_reply(struct http_client *to, const char *status, const char *type,
                       struct slice body)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %u\r\n"
                     "Connection: close\r\n\r\n",
                     status, type, body.len);

    if (to->tcp && tcp_send(to->tcp, slice_of(head, (size_t)n)) == OK && body.len)
        tcp_send(to->tcp, body);
}

/* The whole head is needed, nothing of it but its first line is used. The far side closes. */
static int64_t on_bytes(void *arg, struct tcp *t, char *data, uint32_t len)
{
    struct http_client *c = arg;
    struct http_request r;
    struct slice line, rest, target;

    (void)t;
    if (!memmem(data, len, "\r\n\r\n", 4))
        return len > HTTP_SERVER_HEAD_MAX ? -1 : 0;
    slice_cut(slice_of(data, len), '\r', &line, &rest);
    if (!slice_cut(line, ' ', &r.method, &rest) || !slice_cut(rest, ' ', &target, &rest) ||
        !slice_starts(rest, SLICE("HTTP/1.")))
        return -1;
    slice_cut(target, '?', &r.path, &r.query);
    c->server->fn(c->server->arg, c, &r);
    return len;
}

static void on_closed(void *arg, struct tcp *t, enum err why)
{
    (void)t;
    (void)why;
    ((struct http_client *)arg)->tcp = NULL;
}

static const struct tcp_handler client_handler = {.received = on_bytes, .closed = on_closed};

static void on_accepted(void *arg, struct tcp *t)
{
    struct http_server *s = arg;

    for (uint32_t i = 0; i < HTTP_SERVER_CLIENTS_MAX; i++)
        if (!s->client[i].tcp) {
            s->client[i] = (struct http_client){s, t};
            tcp_set_handler(t, &client_handler, &s->client[i]);
            return;
        }
    tcp_close(t);
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

static bool is_loopback(const struct addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

enum err http_server_open(struct http_server **out, struct loop *l, const char *address,
                          http_server_fn *fn, void *arg, char *error)
{
    struct addr at = {0};

    if (addr_parse(slice_cstr(address), 0, &at) != OK || !is_loopback(&at)) {
        snprintf(error, HTTP_SERVER_ERROR_MAX,
                 "%.60s: it must be an address of this machine alone, such as 127.0.0.1:8070",
                 address);
        return ERR_INVALID;
    }
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(error, HTTP_SERVER_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    s->fn = fn;
    s->arg = arg;
    enum err e = tcp_listen(&s->listener, l, &at, &listener_handler, s);
    if (e != OK) {
        snprintf(error, HTTP_SERVER_ERROR_MAX, "%.60s cannot be listened on: %s", address,
                 e == ERR_IO ? strerror(errno) : err_name(e));
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
    for (uint32_t i = 0; i < HTTP_SERVER_CLIENTS_MAX; i++)
        if (s->client[i].tcp)
            tcp_close(s->client[i].tcp);
    free(s);
}

const char *http_server_listen(const struct http_server *s)
{
    return s->listen;
}
