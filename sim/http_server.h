/* A small HTTP/1.1 server on loopback, for people and tools beside a run: one request a connection,
 * no bodies read. What is asked is given to its owner, who answers at once; what is no request gets
 * the connection closed. At most HTTP_SERVER_CLIENTS_MAX at once, further ones are closed; a head
 * longer than HTTP_SERVER_HEAD_MAX closes its connection. Control thread only. */
#ifndef PEAL_SIM_HTTP_SERVER_H
#define PEAL_SIM_HTTP_SERVER_H

#include "base/slice.h"
#include "io/loop.h"

#define HTTP_SERVER_CLIENTS_MAX 16
#define HTTP_SERVER_HEAD_MAX    8192
#define HTTP_SERVER_ERROR_MAX   160

struct http_server;
struct http_client;

struct http_request {
    struct slice method, path, query; /* query: what is after "?" */
};

/* Answers by http_server_reply, once. */
typedef void http_server_fn(void *arg, struct http_client *to, const struct http_request *r);
/* status: "200 OK"; type: of the body. */
void http_server_reply(struct http_client *to, const char *status, const char *type,
                       struct slice body);

/* address: "127.0.0.1:8070", "[::1]:0"; port 0: any. ERR_INVALID: no address of loopback; ERR_IO:
 * it cannot be listened on; error (HTTP_SERVER_ERROR_MAX) has a sentence. */
enum err http_server_open(struct http_server **out, struct loop *l, const char *address,
                          http_server_fn *fn, void *arg, char *error);
void http_server_close(struct http_server *s);               /* NULL is fine */
const char *http_server_listen(const struct http_server *s); /* with the real port */

#endif
