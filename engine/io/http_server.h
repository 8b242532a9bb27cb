/* A small HTTP/1.1 server for people and programs beside a run: one request a connection, answered
 * by its owner, at once or later. On loopback unless told otherwise.
 *
 * Bounds, each with its counter: HTTP_SERVER_CLIENTS_MAX connections at once (HTTP_SERVER_SURPLUS
 * further ones are told 503, those beyond are closed), HTTP_SERVER_HEAD_MAX bytes of a head (431),
 * body_max of a body (413), HTTP_SERVER_REQUEST_MS until a request is whole (408). After its answer
 * a connection is read from, and what comes is dropped, until the far side closes it or
 * HTTP_SERVER_LINGER_MS are over: closing at once would lose the answer. Owning thread only. */
#ifndef PEAL_IO_HTTP_SERVER_H
#define PEAL_IO_HTTP_SERVER_H

#include "io/http_request.h"
#include "io/loop.h"

#define HTTP_SERVER_CLIENTS_MAX 64
#define HTTP_SERVER_SURPLUS     192
#define HTTP_SERVER_HEAD_MAX    8192
#define HTTP_SERVER_BODY_MAX    (8u * 1024 * 1024) /* body_max at most */
#define HTTP_SERVER_REPLY_MAX   (1000u * 1024)     /* bytes of an answer's body */
#define HTTP_SERVER_REQUEST_MS  10000
#define HTTP_SERVER_LINGER_MS   2000
#define HTTP_SERVER_ERROR_MAX   160

struct http_server;
struct http_client;

/* What is asked is borrowed until it is answered; the client is good until then, or until `gone`.
 */
typedef void http_server_fn(void *arg, struct http_client *to, const struct http_request *r);

struct http_server_config {
    struct loop *loop;
    const char *address; /* "127.0.0.1:8070", "[::1]:0"; port 0: any */
    bool anywhere;       /* addresses that are not of loopback are accepted, too */
    uint32_t body_max;   /* 0: no bodies */
    http_server_fn *fn;
    /* The far side left before it was answered; may be NULL for who answers at once. */
    void (*gone)(void *arg, struct http_client *who);
    void *arg;
};

struct http_server_counts {
    uint64_t connections, requests;
    uint64_t surplus, closed; /* told 503; closed without a word */
    uint64_t too_large, malformed, too_slow;
    uint64_t left; /* before they were answered */
    uint32_t now;  /* connections being served */
};

/* ERR_INVALID: no such address, or not of loopback; ERR_EXISTS, ERR_REFUSED, ERR_IO: it cannot be
 * listened on; error (HTTP_SERVER_ERROR_MAX) has a sentence. */
enum err http_server_open(struct http_server **out, const struct http_server_config *config,
                          char *error);
void http_server_close(struct http_server *s);               /* NULL is fine */
const char *http_server_listen(const struct http_server *s); /* with the real port */
struct http_server_counts http_server_counts(const struct http_server *s);

/* Once for each request. status: "200 OK"; type: of the body. A body that is too long for the
 * connection becomes 500. */
void http_server_reply(struct http_client *to, const char *status, const char *type,
                       struct slice body);
/* {"error": sentence} */
void http_server_refuse(struct http_client *to, const char *status, const char *sentence);
/* The bytes that the request's texts lie in are the caller's from now on, to be freed: good also
 * when the far side leaves. */
char *http_server_take(struct http_client *to);
/* Before the answer: a field of its head, "Allow: GET"; borrowed until then. */
void http_server_field(struct http_client *to, const char *field);

/* "127.0.0.1:8070": only this machine can reach it. */
bool http_server_is_loopback(const char *address);

#endif
