/* HTTP questions on the loop: libcurl's multi interface over poll operations of our ring. Only
 * hosts of an allow-list are asked, redirections are not followed, environment's proxies are not
 * used, and an address of this machine is spoken to only where the list names it (a name that
 * resolves to one is refused). Everything is bounded: time, bytes of headers and body, questions at
 * once. Names are resolved on libcurl's own threads. Loop thread only. */
#ifndef PEAL_IO_HTTP_H
#define PEAL_IO_HTTP_H

#include "base/slice.h"
#include "io/loop.h"

#define HTTP_AT_ONCE_MAX  256
#define HTTP_AT_ONCE      64          /* unless configured */
#define HTTP_BODY_MAX     (64 * 1024) /* of an answer */
#define HTTP_HEADERS_MAX  (16 * 1024) /* bytes of an answer's head */
#define HTTP_URL_MAX      2000
#define HTTP_ALLOW_MAX    32 /* entries of the list */
#define HTTP_WHY_MAX      200
#define HTTP_SENT_HEADERS 12

struct http;

struct http_config {
    struct loop *loop;
    /* Hosts that may be asked: "hooks.example.com, *.example.org, 127.0.0.1:8080". Without a port:
     * any. "*." stands for one label or more. NULL or "": none. */
    const char *allow;
    uint32_t at_once;
    const char *user_agent; /* NULL: "Peal" */
};

struct http_header {
    const char *name, *value;
};

struct http_ask {
    const char *method, *url; /* "GET", "POST"… */
    struct slice body;        /* p NULL: none */
    const char *type;         /* Content-Type of the body */
    const struct http_header *headers;
    uint32_t header_count;
    uint32_t limit_ms; /* of the whole */
};

/* Valid during the callback only. */
struct http_answer {
    /* OK: there is an answer, whatever its status. ERR_TIMEOUT; ERR_CLOSED: not reached, or broken
     * off; ERR_TOO_LONG; ERR_REFUSED: an address of this machine; ERR_INVALID: no HTTP; ERR_IO. */
    enum err err;
    char why[HTTP_WHY_MAX]; /* a sentence, when err is not OK */
    uint32_t status;
    struct slice body, type;
};
typedef void http_done_fn(void *arg, const struct http_answer *answer);

struct http_stats {
    uint64_t asked, answered, failed, refused;
    uint32_t under_way;
};

/* ERR_INVALID: the list cannot be read (logged). */
enum err http_open(struct http **out, const struct http_config *config);
/* Who still waits is told ERR_CLOSED. h may be NULL. */
void http_close(struct http *h);
const struct http_stats *http_stats(const struct http *h);

/* Everything is copied. done is never called from inside. ERR_REFUSED: the host is not in the list
 * or the URL is not http(s) or has a user in it; ERR_INVALID: no URL, or a header that cannot be
 * sent; ERR_TOO_LONG; ERR_FULL; ERR_NOMEM. */
enum err http_ask(struct http *h, const struct http_ask *ask, http_done_fn *done, void *arg);

/* Is it "host", "host:port" or "*.domain" of the list? Pure. */
bool http_allows(const char *allow, const char *host, uint16_t port);

#endif
