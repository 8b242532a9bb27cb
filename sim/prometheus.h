/* A page of metrics for Prometheus while a run goes on (text format 0.0.4), over HTTP on loopback
 * (io/http_server.h). Whoever runs it gives the text; a page longer than PROMETHEUS_PAGE_MAX is
 * refused with 500. Control thread only. */
#ifndef PEAL_SIM_PROMETHEUS_H
#define PEAL_SIM_PROMETHEUS_H

#include "base/buf.h"
#include "base/hist.h"
#include "io/loop.h"

#define PROMETHEUS_PAGE_MAX 32768

struct prometheus;
typedef void prometheus_page_fn(void *arg, struct buf *page);

/* address: "127.0.0.1:9100", "[::1]:0"; port 0: any. ERR_INVALID with a sentence in `error` (160
 * bytes): no address of loopback; ERR_IO: it cannot be listened on. */
enum err prometheus_open(struct prometheus **out, struct loop *l, const char *address,
                         prometheus_page_fn *page, void *arg, char *error);
void prometheus_close(struct prometheus *p);               /* NULL is fine */
const char *prometheus_listen(const struct prometheus *p); /* with the real port */

/* Lines of a page. kind: "counter", "gauge". */
void prometheus_metric(struct buf *b, const char *name, const char *kind, const char *help);
void prometheus_value(struct buf *b, const char *name, const char *labels, double value);
/* A summary in seconds of a histogram in µs: quantiles 0.5, 0.95, 0.99, its sum and count. */
void prometheus_summary(struct buf *b, const char *name, const char *help, const struct hist *us);

#endif
