/* Answering Prometheus. */
#include "sim/prometheus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tcp.h"

#define REQUEST_MAX 8192

struct client {
    struct prometheus *owner;
    struct tcp *tcp; /* NULL: free */
};

struct prometheus {
    struct tcp_listener *listener;
    prometheus_page_fn *page;
    void *arg;
    char listen[ADDR_TEXT_MAX];
    struct client client[PROMETHEUS_CLIENTS_MAX];
    char text[PROMETHEUS_PAGE_MAX];
};

/* ---- one request ---- */

static void reply(struct tcp *tcp, const char *status, struct slice body)
{
    char head[200];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                     "Content-Length: %u\r\nConnection: close\r\n\r\n",
                     status, body.len);

    if (tcp_send(tcp, slice_of(head, (size_t)n)) == OK && body.len)
        tcp_send(tcp, body);
}

static void answer(struct prometheus *p, struct tcp *tcp, struct slice request)
{
    struct buf b = buf_on(p->text, sizeof p->text);

    if (!slice_starts(request, SLICE("GET "))) {
        reply(tcp, "405 Method Not Allowed", SLICE("GET /metrics\n"));
        return;
    }
    if (!slice_starts(request, SLICE("GET /metrics")) && !slice_starts(request, SLICE("GET / "))) {
        reply(tcp, "404 Not Found", SLICE("the metrics are at /metrics\n"));
        return;
    }
    p->page(p->arg, &b);
    if (buf_end(&b) == OK)
        reply(tcp, "200 OK", buf_slice(&b));
    else
        reply(tcp, "500 Internal Server Error", SLICE("the page is too long\n"));
}

/* The whole head is needed, nothing of it but its first line is used. The far side closes. */
static int64_t on_bytes(void *arg, struct tcp *tcp, char *data, uint32_t len)
{
    struct client *c = arg;

    if (!memmem(data, len, "\r\n\r\n", 4))
        return len > REQUEST_MAX ? -1 : 0;
    answer(c->owner, tcp, slice_of(data, len));
    return len;
}

static void on_closed(void *arg, struct tcp *tcp, enum err why)
{
    struct client *c = arg;

    (void)tcp;
    (void)why;
    c->tcp = NULL;
}

static const struct tcp_handler handler = {.received = on_bytes, .closed = on_closed};

static void on_accepted(void *arg, struct tcp *tcp)
{
    struct prometheus *p = arg;

    for (int i = 0; i < PROMETHEUS_CLIENTS_MAX; i++)
        if (!p->client[i].tcp) {
            p->client[i] = (struct client){p, tcp};
            tcp_set_handler(tcp, &handler, &p->client[i]);
            return;
        }
    tcp_close(tcp);
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

/* ---- open and close ---- */

static bool is_loopback(const struct addr *a)
{
    char host[ADDR_TEXT_MAX];

    addr_format_host(a, host, sizeof host);
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

enum err prometheus_open(struct prometheus **out, struct loop *l, const char *address,
                         prometheus_page_fn *page, void *arg, char *error)
{
    struct addr at = {0};

    if (addr_parse(slice_cstr(address), 0, &at) != OK || !is_loopback(&at)) {
        snprintf(error, 160,
                 "%.60s: it must be an address of this machine alone, such as 127.0.0.1:9464",
                 address);
        return ERR_INVALID;
    }
    struct prometheus *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->page = page;
    p->arg = arg;
    enum err e = tcp_listen(&p->listener, l, &at, &listener_handler, p);
    if (e != OK) {
        snprintf(error, 160, "%.60s cannot be listened on (%s): is the port taken?", address,
                 err_name(e));
        free(p);
        return e;
    }
    addr_format(tcp_listener_local(p->listener), p->listen, sizeof p->listen);
    *out = p;
    return OK;
}

void prometheus_close(struct prometheus *p)
{
    if (!p)
        return;
    tcp_unlisten(p->listener);
    for (int i = 0; i < PROMETHEUS_CLIENTS_MAX; i++)
        if (p->client[i].tcp)
            tcp_close(p->client[i].tcp);
    free(p);
}

const char *prometheus_listen(const struct prometheus *p)
{
    return p->listen;
}

/* ---- the page ---- */

void prometheus_metric(struct buf *b, const char *name, const char *kind, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

void prometheus_value(struct buf *b, const char *name, const char *labels, double value)
{
    if (labels)
        buf_printf(b, "%s{%s} %.9g\n", name, labels, value);
    else
        buf_printf(b, "%s %.9g\n", name, value);
}

void prometheus_summary(struct buf *b, const char *name, const char *help, const struct hist *us)
{
    static const double quantiles[] = {0.5, 0.95, 0.99};

    prometheus_metric(b, name, "summary", help);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        buf_printf(b, "%s{quantile=\"%g\"} %.6f\n", name, quantiles[i],
                   (double)hist_quantile(us, quantiles[i]) / 1e6);
    buf_printf(b, "%s_sum %.6f\n%s_count %llu\n", name, (double)us->sum / 1e6, name,
               (unsigned long long)us->count);
}
