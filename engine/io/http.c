/* libcurl tells which descriptors it waits for and when it wants to be called again; one poll
 * operation for each of them, one timer. A poll operation outlives its socket by its last
 * completion, so it is an object of its own. */
#include "io/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "io/http_inner.h"

struct http {
    struct loop *loop;
    CURLM *multi;
    char *allow, user_agent[64];
    uint32_t at_once;
    struct http_stats stats;
    struct timer timer;
    struct list questions, watches;
};

struct watch {
    struct loop_op op;
    struct list_node node; /* in http->watches while libcurl waits for it */
    struct http *h;        /* NULL: libcurl does not wait for it any more */
    int fd;
    short wants, armed; /* armed: what the operation under way polls for; 0: none is */
};

struct question {
    struct list_node node;
    struct http *h;
    CURL *easy;
    CURLU *url;
    struct curl_slist *headers;
    http_done_fn *done;
    void *arg;
    bool loopback; /* the list names an address of this machine */
    bool refused_address, too_long;
    size_t head_bytes, body_len;
    char error[CURL_ERROR_SIZE];
    char *sent, *body;
};

/* ---- descriptors ---- */

static void look_for_answers(struct http *h);

static void arm(struct watch *w)
{
    struct io_uring_sqe *sqe = loop_sqe(w->h->loop, &w->op);

    io_uring_prep_poll_add(sqe, w->fd, (unsigned)w->wants);
    w->armed = w->wants;
}

static void on_ready(struct loop_op *op, int32_t res, uint32_t flags)
{
    struct watch *w = container_of(op, struct watch, op);
    int running, happened = 0;

    (void)flags;
    w->armed = 0;
    if (!w->h) {
        free(w);
        return;
    }
    struct http *h = w->h;
    if (res >= 0 || res == -ECANCELED) {
        if (res > 0 && res & (POLLIN | POLLHUP | POLLERR))
            happened |= CURL_CSELECT_IN;
        if (res > 0 && res & (POLLOUT | POLLERR))
            happened |= CURL_CSELECT_OUT;
    } else {
        happened = CURL_CSELECT_ERR;
    }
    if (happened) {
        /* The watch may be given up inside: then it is freed here, for no operation is under way.
         */
        w->armed = -1;
        curl_multi_socket_action(h->multi, w->fd, happened, &running);
        w->armed = 0;
        if (!w->h) {
            free(w);
            look_for_answers(h);
            return;
        }
    }
    if (w->wants && !w->armed)
        arm(w);
    if (happened)
        look_for_answers(h);
}

static void give_up(struct watch *w)
{
    struct http *h = w->h;

    list_remove(&w->node);
    w->h = NULL;
    if (w->armed > 0)
        loop_cancel(h->loop, &w->op);
    else if (w->armed == 0)
        free(w);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http *h = arg;
    struct watch *w = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (!w)
            return 0;
        curl_multi_assign(h->multi, fd, NULL);
        give_up(w);
        return 0;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return -1;
        w->h = h;
        w->fd = fd;
        w->op.done = on_ready;
        list_push_back(&h->watches, &w->node);
        curl_multi_assign(h->multi, fd, w);
    }
    w->wants = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (w->armed == 0)
        arm(w);
    else if (w->armed > 0 && w->armed != w->wants)
        loop_cancel(h->loop, &w->op); /* its completion arms it anew */
    return 0;
}

static void on_time(struct timer *t)
{
    struct http *h = container_of(t, struct http, timer);
    int running;

    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_answers(h);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct http *h = arg;

    (void)multi;
    if (ms < 0)
        loop_timer_stop(h->loop, &h->timer);
    else
        loop_timer(h->loop, &h->timer, (uint64_t)ms, on_time);
    return 0;
}

/* ---- one question ---- */

static void free_question(struct question *q)
{
    list_remove(&q->node);
    if (q->easy)
        curl_easy_cleanup(q->easy);
    curl_url_cleanup(q->url);
    curl_slist_free_all(q->headers);
    free(q->sent);
    free(q->body);
    free(q);
}

static bool of_this_machine(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        uint32_t ip = ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr);
        return ip >> 24 == 127 || ip >> 24 == 0 || ip >> 16 == 0xa9fe; /* link-local, too */
    }
    if (a->sa_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(ip) || IN6_IS_ADDR_V4COMPAT(ip))
            return ip->s6_addr[12] == 127 || ip->s6_addr[12] == 0 ||
                   (ip->s6_addr[12] == 0xa9 && ip->s6_addr[13] == 0xfe) ||
                   IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_UNSPECIFIED(ip);
        return IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_LINKLOCAL(ip);
    }
    return true;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct question *q = arg;

    (void)purpose;
    if (!q->loopback && of_this_machine(&a->addr)) {
        q->refused_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct question *q = arg;
    size_t bytes = size * n;

    if (q->body_len + bytes > HTTP_BODY_MAX) {
        q->too_long = true;
        return 0;
    }
    if (!q->body)
        q->body = malloc(HTTP_BODY_MAX);
    if (!q->body)
        return 0;
    memcpy(q->body + q->body_len, p, bytes);
    q->body_len += bytes;
    return bytes;
}

static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
    struct question *q = arg;

    (void)p;
    q->head_bytes += size * n;
    if (q->head_bytes > HTTP_HEADERS_MAX) {
        q->too_long = true;
        return 0;
    }
    return size * n;
}

static enum err err_of(const struct question *q, CURLcode code)
{
    if (q->refused_address)
        return ERR_REFUSED;
    if (q->too_long)
        return ERR_TOO_LONG;
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return ERR_CLOSED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

static void say_why(struct http_answer *a, const struct question *q, CURLcode code)
{
    const char *text = q->error[0] ? q->error : curl_easy_strerror(code);

    if (a->err == ERR_REFUSED)
        text = "the name stands for an address of this machine, which the list does not allow";
    else if (a->err == ERR_TOO_LONG)
        text = "the answer is longer than allowed";
    snprintf(a->why, sizeof a->why, "%.*s", HTTP_WHY_MAX - 1, text);
}

static void finish(struct question *q, CURLcode code)
{
    struct http *h = q->h;
    struct http_answer a = {.err = err_of(q, code)};
    http_done_fn *done = q->done;
    void *arg = q->arg;
    char *type = NULL;
    long status = 0;

    curl_multi_remove_handle(h->multi, q->easy);
    h->stats.under_way--;
    if (a.err == OK) {
        curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(q->easy, CURLINFO_CONTENT_TYPE, &type);
        a.status = (uint32_t)status;
        a.body = slice_of(q->body, q->body_len);
        a.type = slice_cstr(type);
        h->stats.answered++;
    } else {
        say_why(&a, q, code);
        h->stats.failed++;
    }
    done(arg, &a);
    free_question(q);
}

static void look_for_answers(struct http *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct question *q = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&q);
        finish(q, code);
    }
}

/* ---- asking ---- */

static bool header_fits(const struct http_header *x)
{
    static const char *const reserved[] = {"host", "content-length", "transfer-encoding",
                                           "connection", "expect"};

    if (!*x->name || strlen(x->name) > 64 || strlen(x->value) > 1000)
        return false;
    for (const char *p = x->name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *p))
            return false;
    for (const char *p = x->value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (slice_ieq(slice_cstr(x->name), slice_cstr(reserved[i])))
            return false;
    return true;
}

static bool add_header(struct question *q, const char *name, const char *value)
{
    char line[1100];

    /* libcurl sends a header without a value only when it ends with a semicolon. */
    snprintf(line, sizeof line, *value ? "%s: %s" : "%s;", name, value);
    struct curl_slist *more = curl_slist_append(q->headers, line);
    if (more)
        q->headers = more;
    return more != NULL;
}

static enum err add_headers(struct question *q, const struct http_ask *ask)
{
    if (ask->header_count > HTTP_SENT_HEADERS)
        return ERR_TOO_LONG;
    if (!add_header(q, "Accept", "application/json, text/*;q=0.5") ||
        !add_header(q, "Expect", "")) /* not waited for: no 100 Continue */
        return ERR_NOMEM;
    if (ask->body.p && !add_header(q, "Content-Type", ask->type ? ask->type : "text/plain"))
        return ERR_NOMEM;
    for (uint32_t i = 0; i < ask->header_count; i++) {
        if (!header_fits(&ask->headers[i]))
            return ERR_INVALID;
        if (!add_header(q, ask->headers[i].name, ask->headers[i].value))
            return ERR_NOMEM;
    }
    return OK;
}

/* Read once and asked as read, so that nobody reads it in another way. */
static enum err read_url(struct http *h, struct question *q, const char *url)
{
    char *host = NULL, *port = NULL, *scheme = NULL, *user = NULL, name[256] = "";
    uint32_t number = 0;
    enum err e = ERR_INVALID;

    if (strlen(url) > HTTP_URL_MAX)
        return ERR_TOO_LONG;
    q->url = curl_url();
    if (!q->url)
        return ERR_NOMEM;
    if (curl_url_set(q->url, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(q->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(q->url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(q->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        slice_u32(slice_cstr(port), &number) != OK || number > 65535)
        goto out;
    size_t len = strlen(host);
    if (len >= sizeof name)
        goto out;
    snprintf(name, sizeof name, "%s", host);
    if (len > 2 && host[0] == '[') /* as the list has it */
        snprintf(name, sizeof name, "%.*s", (int)len - 2, host + 1);
    bool has_user = curl_url_get(q->url, CURLUPART_USER, &user, 0) == CURLUE_OK;
    bool web = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    e = web && !has_user && http_allows(h->allow, name, (uint16_t)number) ? OK : ERR_REFUSED;
    struct in_addr a4;
    struct in6_addr a6;
    q->loopback = strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &a4) == 1 ||
                  inet_pton(AF_INET6, name, &a6) == 1;
out:
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_free(user);
    return e;
}

static bool set_options(struct question *q, const struct http_ask *ask)
{
    CURL *c = q->easy;
    CURLcode bad = CURLE_OK;

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (bad == CURLE_OK)                                                                       \
            bad = curl_easy_setopt(c, option, value);                                              \
    } while (0)
    SET(CURLOPT_CURLU, q->url);
    SET(CURLOPT_PRIVATE, (char *)q);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_TIMEOUT_MS, (long)(ask->limit_ms ? ask->limit_ms : 5000));
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(ask->limit_ms ? ask->limit_ms : 5000));
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, q);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, q);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, q);
    SET(CURLOPT_ERRORBUFFER, q->error);
    SET(CURLOPT_HTTPHEADER, q->headers);
    SET(CURLOPT_USERAGENT, q->h->user_agent);
    SET(CURLOPT_CUSTOMREQUEST, ask->method);
    if (ask->body.p) {
        SET(CURLOPT_POSTFIELDSIZE, (long)ask->body.len);
        SET(CURLOPT_POSTFIELDS, q->sent);
    }
#undef SET
    return bad == CURLE_OK;
}

enum err http_ask(struct http *h, const struct http_ask *ask, http_done_fn *done, void *arg)
{
    if (h->stats.under_way >= h->at_once) {
        h->stats.refused++;
        return ERR_FULL;
    }
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return ERR_NOMEM;
    list_node_init(&q->node);
    q->h = h;
    q->done = done;
    q->arg = arg;
    enum err e = read_url(h, q, ask->url);
    if (e == OK)
        e = add_headers(q, ask);
    if (e == OK && ask->body.p) {
        q->sent = malloc(ask->body.len + 1u);
        if (q->sent)
            memcpy(q->sent, ask->body.p, ask->body.len);
        else
            e = ERR_NOMEM;
    }
    if (e == OK && !(q->easy = curl_easy_init()))
        e = ERR_NOMEM;
    if (e == OK && !set_options(q, ask))
        e = ERR_INVALID;
    if (e == OK && curl_multi_add_handle(h->multi, q->easy) != CURLM_OK)
        e = ERR_NOMEM;
    if (e != OK) {
        h->stats.refused++;
        free_question(q);
        return e;
    }
    list_push_back(&h->questions, &q->node);
    h->stats.under_way++;
    h->stats.asked++;
    return OK;
}

/* ---- open and close ---- */

enum err http_open(struct http **out, const struct http_config *config)
{
    char wrong[128];
    static bool ready;

    if (!http_allow_valid(config->allow, wrong, sizeof wrong)) {
        log_error("io",
                  "the list of HTTP hosts cannot be read: write host, host:port or *.domain, "
                  "parted by commas",
                  "entry=\"%s\"", wrong);
        return ERR_INVALID;
    }
    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return ERR_NOMEM;
    ready = true;
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->loop = config->loop;
    h->at_once = config->at_once ? config->at_once : HTTP_AT_ONCE;
    if (h->at_once > HTTP_AT_ONCE_MAX)
        h->at_once = HTTP_AT_ONCE_MAX;
    snprintf(h->user_agent, sizeof h->user_agent, "%s",
             config->user_agent ? config->user_agent : "Peal");
    h->allow = strdup(config->allow ? config->allow : "");
    h->multi = curl_multi_init();
    timer_init(&h->timer);
    list_init(&h->questions);
    list_init(&h->watches);
    if (!h->allow || !h->multi) {
        if (h->multi)
            curl_multi_cleanup(h->multi);
        free(h->allow);
        free(h);
        return ERR_NOMEM;
    }
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->at_once);
    *out = h;
    return OK;
}

void http_close(struct http *h)
{
    struct http_answer a = {.err = ERR_CLOSED, .why = "the HTTP client was closed"};

    if (!h)
        return;
    list_each(n, next, &h->questions)
    {
        struct question *q = container_of(n, struct question, node);
        curl_multi_remove_handle(h->multi, q->easy);
        q->done(q->arg, &a);
        free_question(q);
    }
    curl_multi_cleanup(h->multi); /* closes kept connections, and gives up their watches */
    list_each(n, next, &h->watches)
    {
        give_up(container_of(n, struct watch, node));
    }
    loop_timer_stop(h->loop, &h->timer);
    free(h->allow);
    free(h);
}

const struct http_stats *http_stats(const struct http *h)
{
    return &h->stats;
}
