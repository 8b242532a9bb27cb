/* The head of an HTTP/1.1 request (RFC 9112, section 3 and 5), read strictly: what two servers
 * might read in two ways is refused. Pure; texts are borrowed from the bytes given. */
#ifndef PEAL_IO_HTTP_REQUEST_H
#define PEAL_IO_HTTP_REQUEST_H

#include "base/slice.h"

#define HTTP_REQUEST_FIELDS_MAX 64

struct http_request {
    struct slice method, path, query; /* query: what is after "?" */
    /* Fields of the head, empty when they are not there: */
    struct slice host, authorization, type, origin;
    struct slice body; /* whole, from http_server.h */
};

struct http_head {
    uint64_t body_bytes; /* Content-Length */
    bool waits;          /* sends its body when it is told to (Expect: 100-continue) */
};

/* An answer to what is no request: its status line and a sentence. */
struct http_refusal {
    const char *status, *sentence;
};

/* bytes: from the request line to the empty line, both included. NULL: out and head are filled. */
const struct http_refusal *http_request_read(struct slice bytes, struct http_request *out,
                                             struct http_head *head);

/* The value of `name` in a query ("a=1&b=x%20y"), unescaped ("+" is a blank). ERR_NOT_FOUND;
 * ERR_TOO_LONG; ERR_INVALID: an escape that is none, or a control character. */
enum err http_query_value(struct slice query, const char *name, char *dst, size_t cap);
/* The same of one part of a path; "+" stays. */
enum err http_unescape(struct slice text, char *dst, size_t cap);
/* The name of the query's first value that is not in `known` (until NULL); empty: there is none. */
struct slice http_query_unknown(struct slice query, const char *const *known);

#endif
