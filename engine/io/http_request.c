/* See http_request.h. Obsolete line folding, bare line ends, a length told twice and bodies in
 * chunks are refused, as RFC 9112 lets a server do. */
#include "io/http_request.h"

#define METHOD_MAX 16

static const struct http_refusal
    malformed = {"400 Bad Request", "that is no HTTP request"},
    folded = {"400 Bad Request", "a field of the head is not on one line"},
    fields = {"431 Request Header Fields Too Large", "the head has more than 64 fields"},
    version = {"505 HTTP Version Not Supported", "HTTP/1.1 and HTTP/1.0 are spoken here"},
    no_host = {"400 Bad Request", "exactly one Host is needed"},
    length = {"400 Bad Request", "Content-Length is one number"},
    chunked = {"411 Length Required", "send the body with a Content-Length, not in chunks"},
    expects = {"417 Expectation Failed", "only 100-continue may be expected"};

/* RFC 9110, 5.6.2 */
static bool is_token(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return s.len > 0;
}

static bool is_text(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool is_target(struct slice s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.len > 0 && s.p[0] == '/';
}

/* Up to "\r\n", which is taken off; false: there is none, or a CR or LF alone. */
static bool take_line(struct slice *rest, struct slice *line)
{
    int32_t at = slice_find(*rest, '\r');

    if (at < 0 || (uint32_t)at + 1 >= rest->len || rest->p[at + 1] != '\n')
        return false;
    *line = slice_of(rest->p, (size_t)at);
    *rest = slice_from(*rest, (uint32_t)at + 2);
    return slice_find(*line, '\n') < 0;
}

static const struct http_refusal *read_first(struct slice line, struct http_request *out,
                                             bool *first_version)
{
    struct slice target, rest;

    if (!slice_cut(line, ' ', &out->method, &rest) || !slice_cut(rest, ' ', &target, &rest) ||
        !is_token(out->method) || out->method.len > METHOD_MAX || !is_target(target))
        return &malformed;
    if (!slice_eq(rest, SLICE("HTTP/1.1")) && !slice_eq(rest, SLICE("HTTP/1.0")))
        return slice_starts(rest, SLICE("HTTP/")) ? &version : &malformed;
    *first_version = slice_eq(rest, SLICE("HTTP/1.0"));
    slice_cut(target, '?', &out->path, &out->query);
    return NULL;
}

struct seen {
    uint32_t hosts, lengths;
};

static const struct http_refusal *read_field(struct slice name, struct slice value,
                                             struct http_request *out, struct http_head *head,
                                             struct seen *seen)
{
    if (slice_ieq(name, SLICE("host"))) {
        out->host = value;
        seen->hosts++;
    } else if (slice_ieq(name, SLICE("authorization"))) {
        out->authorization = value;
    } else if (slice_ieq(name, SLICE("content-type"))) {
        out->type = value;
    } else if (slice_ieq(name, SLICE("origin"))) {
        out->origin = value;
    } else if (slice_ieq(name, SLICE("transfer-encoding"))) {
        return &chunked;
    } else if (slice_ieq(name, SLICE("content-length"))) {
        if (seen->lengths++ || slice_u64(value, UINT64_MAX, &head->body_bytes) != OK)
            return &length;
    } else if (slice_ieq(name, SLICE("expect"))) {
        if (!slice_ieq(value, SLICE("100-continue")))
            return &expects;
        head->waits = true;
    }
    return NULL;
}

const struct http_refusal *http_request_read(struct slice bytes, struct http_request *out,
                                             struct http_head *head)
{
    struct slice line, name, value;
    struct seen seen = {0};
    bool first_version = false;

    *out = (struct http_request){0};
    *head = (struct http_head){0};
    if (!take_line(&bytes, &line))
        return &malformed;
    const struct http_refusal *r = read_first(line, out, &first_version);

    for (uint32_t n = 0; !r; n++) {
        if (!take_line(&bytes, &line))
            return &malformed;
        if (line.len == 0)
            break;
        if (n == HTTP_REQUEST_FIELDS_MAX)
            return &fields;
        if (line.p[0] == ' ' || line.p[0] == '\t')
            return &folded;
        if (!slice_cut(line, ':', &name, &value) || !is_token(name) || !is_text(value))
            return &malformed;
        r = read_field(name, slice_trim(value), out, head, &seen);
    }
    if (!r && seen.hosts != 1 && !(first_version && seen.hosts == 0))
        return &no_host;
    return r;
}

/* ---- queries ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err unescape(struct slice text, bool form, char *dst, size_t cap)
{
    size_t n = 0;

    if (cap)
        dst[0] = '\0';
    for (uint32_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.p[i];

        if (c == '%') {
            if (i + 2 >= text.len || hex(text.p[i + 1]) < 0 || hex(text.p[i + 2]) < 0)
                return ERR_INVALID;
            c = hex(text.p[i + 1]) * 16 + hex(text.p[i + 2]);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f)
            return ERR_INVALID;
        if (n + 1 >= cap)
            return ERR_TOO_LONG;
        dst[n++] = (char)c;
    }
    if (n >= cap)
        return ERR_TOO_LONG;
    dst[n] = '\0';
    return OK;
}

enum err http_unescape(struct slice text, char *dst, size_t cap)
{
    enum err e = unescape(text, false, dst, cap);

    if (e != OK && cap)
        dst[0] = '\0';
    return e;
}

enum err http_query_value(struct slice query, const char *name, char *dst, size_t cap)
{
    struct slice one, key, value;

    while (query.len) {
        slice_cut(query, '&', &one, &query);
        slice_cut(one, '=', &key, &value);
        if (!slice_eq(key, slice_cstr(name)))
            continue;
        enum err e = unescape(value, true, dst, cap);

        if (e != OK && cap)
            dst[0] = '\0';
        return e;
    }
    if (cap)
        dst[0] = '\0';
    return ERR_NOT_FOUND;
}

struct slice http_query_unknown(struct slice query, const char *const *known)
{
    struct slice one, key, value;

    while (query.len) {
        uint32_t i = 0;

        slice_cut(query, '&', &one, &query);
        slice_cut(one, '=', &key, &value);
        while (known[i] && !slice_eq(key, slice_cstr(known[i])))
            i++;
        if (!known[i] && key.len)
            return key;
    }
    return SLICE_NONE;
}
