/* Heads of requests, each before a page that cannot be read. */
#include "io/http_request.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "guard.h"

static struct http_request request;
static struct http_head head;

static const char *status_of(const char *text)
{
    size_t n = strlen(text);
    const struct http_refusal *r =
        http_request_read(slice_of(guard_place(text, n), n), &request, &head);

    return r ? r->status : "";
}

#define IS(slice, text) cr_assert(slice_eq(slice, SLICE(text)), SLICE_FMT, SLICE_ARG(slice))

Test(http_request, a_whole_one)
{
    cr_assert_str_eq(status_of("POST /v1/leads?a=1&b=x%20y HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"
                               "content-TYPE:\tapplication/json \r\nAuthorization: Bearer abc\r\n"
                               "Content-Length: 17\r\nExpect: 100-continue\r\nX: \xc3\xa9\r\n\r\n"),
                     "");
    IS(request.method, "POST");
    IS(request.path, "/v1/leads");
    IS(request.query, "a=1&b=x%20y");
    IS(request.host, "127.0.0.1:80");
    IS(request.type, "application/json");
    IS(request.authorization, "Bearer abc");
    cr_assert_eq(request.origin.len, 0);
    cr_assert_eq(head.body_bytes, 17);
    cr_assert(head.waits);
}

Test(http_request, of_the_first_version_without_a_host)
{
    cr_assert_str_eq(status_of("GET / HTTP/1.0\r\n\r\n"), "");
    cr_assert_eq(head.body_bytes, 0);
}

Test(http_request, what_is_refused)
{
    static const struct {
        const char *text, *status;
    } all[] = {
        {"", "400"},
        {"\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"}, /* no Host */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a", "400"},
        {"GET / HTTP/1.1\nHost: a\n\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\n more\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", "400"},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
        {"GET / FTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "411"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n", "417"},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        cr_assert(strncmp(status_of(all[i].text), all[i].status, 3) == 0, "%s: %s", all[i].text,
                  status_of(all[i].text));
}

Test(http_request, so_many_fields_and_no_more)
{
    char text[4096];
    size_t n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");

    for (int i = 1; i < HTTP_REQUEST_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "X: %d\r\n", i);
    snprintf(text + n, sizeof(text) - n, "\r\n");
    cr_assert_str_eq(status_of(text), "");
    snprintf(text + n, sizeof(text) - n, "X: more\r\n\r\n");
    cr_assert_eq(strncmp(status_of(text), "431", 3), 0);
}

Test(http_request, values_of_a_query)
{
    static const char *const known[] = {"a", "b", NULL};
    char value[8];

    cr_assert_eq(http_query_value(SLICE("a=1&b=x%20y+z"), "b", value, sizeof(value)), OK);
    cr_assert_str_eq(value, "x y z");
    cr_assert_eq(http_query_value(SLICE("a=1"), "b", value, sizeof(value)), ERR_NOT_FOUND);
    cr_assert_eq(http_query_value(SLICE("aa=1&a"), "a", value, sizeof(value)), OK);
    cr_assert_str_eq(value, "");
    cr_assert_eq(http_query_value(SLICE("a=1234567"), "a", value, sizeof(value)), OK);
    cr_assert_eq(http_query_value(SLICE("a=12345678"), "a", value, sizeof(value)), ERR_TOO_LONG);
    cr_assert_str_eq(value, "");
    cr_assert_eq(http_query_value(SLICE("a=%4"), "a", value, sizeof(value)), ERR_INVALID);
    cr_assert_eq(http_query_value(SLICE("a=%00"), "a", value, sizeof(value)), ERR_INVALID);
    cr_assert_eq(http_unescape(SLICE("%2B1+2"), value, sizeof(value)), OK);
    cr_assert_str_eq(value, "+1+2");
    IS(http_query_unknown(SLICE("a=1&c=2&b"), known), "c");
    cr_assert_eq(http_query_unknown(SLICE("b=&a=1&"), known).len, 0);
}
