/* Answering Prometheus. */
#include "sim/prometheus.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/http_server.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"

struct prometheus {
    struct http_server *server;
    prometheus_page_fn *page;
    void *arg;
    char text[PROMETHEUS_PAGE_MAX];
};

static void on_request(void *arg, struct http_client *to, const struct http_request *r)
{
    struct prometheus *p = arg;
    struct buf b = buf_on(p->text, sizeof p->text);

    if (!slice_eq(r->method, SLICE("GET"))) {
        http_server_field(to, "Allow: GET");
        http_server_reply(to, "405 Method Not Allowed", TYPE, SLICE("GET /metrics\n"));
        return;
    }
    if (!slice_eq(r->path, SLICE("/metrics")) && !slice_eq(r->path, SLICE("/"))) {
        http_server_reply(to, "404 Not Found", TYPE, SLICE("the metrics are at /metrics\n"));
        return;
    }
    p->page(p->arg, &b);
    if (buf_end(&b) == OK)
        http_server_reply(to, "200 OK", TYPE, buf_slice(&b));
    else
        http_server_reply(to, "500 Internal Server Error", TYPE, SLICE("the page is too long\n"));
}

enum err prometheus_open(struct prometheus **out, struct loop *l, const char *address,
                         prometheus_page_fn *page, void *arg, char *error)
{
    struct prometheus *p = calloc(1, sizeof *p);

    if (!p) {
        snprintf(error, HTTP_SERVER_ERROR_MAX, "no memory");
        return ERR_NOMEM;
    }
    p->page = page;
    p->arg = arg;
    const struct http_server_config http = {
        .loop = l, .address = address, .fn = on_request, .arg = p};
    enum err e = http_server_open(&p->server, &http, error);
    if (e != OK) {
        free(p);
        return e;
    }
    *out = p;
    return OK;
}

void prometheus_close(struct prometheus *p)
{
    if (!p)
        return;
    http_server_close(p->server);
    free(p);
}

const char *prometheus_listen(const struct prometheus *p)
{
    return http_server_listen(p->server);
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
