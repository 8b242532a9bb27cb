/* Keys and HTTP. One request a connection; what is not understood gets 400, 404 or 405. */
#include "sim/steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "io/tcp.h"
#include "sim/tempo.h"

#define CLIENTS_MAX 16
#define REQUEST_MAX 4096
#define BODY_MAX    8192
#define STEP        1.25

struct client {
    struct steer *steer;
    struct tcp *tcp;
};

struct steer {
    struct loop *loop;
    const struct steer_handler *handler;
    void *arg;
    double x;
    bool paused, keys, raw, reading;
    struct termios terminal; /* as it was */
    struct loop_op op;
    char key;
    struct tcp_listener *listener;
    struct client client[CLIENTS_MAX];
    char listen[ADDR_TEXT_MAX];
    char body[BODY_MAX];
};

static void set(struct steer *s, double x, bool paused)
{
    x = x < TEMPO_RATE_MIN ? TEMPO_RATE_MIN : x > TEMPO_RATE_MAX ? TEMPO_RATE_MAX : x;
    s->x = x;
    s->paused = paused;
    s->handler->tempo(s->arg, x, paused);
}

void steer_note(struct steer *s, double x, bool paused)
{
    if (s) {
        s->x = x;
        s->paused = paused;
    }
}

static struct slice status(struct steer *s)
{
    struct buf b = buf_on(s->body, sizeof s->body);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_num(&j, "rate", s->x);
    json_bool(&j, "paused", s->paused);
    s->handler->status(s->arg, &j);
    json_end(&j);
    buf_putc(&b, '\n');
    return buf_slice(&b);
}

/* ---- keys ---- */

static void arm_keys(struct steer *s)
{
    s->reading = true;
    io_uring_prep_read(loop_sqe(s->loop, &s->op), STDIN_FILENO, &s->key, 1, 0);
}

static void on_key(struct steer *s, char key)
{
    switch (key) {
    case ' ':
    case 'p':
        set(s, s->x, !s->paused);
        break;
    case '+':
        set(s, s->x * STEP, s->paused);
        break;
    case '-':
        set(s, s->x / STEP, s->paused);
        break;
    case '=':
        set(s, 1, s->paused);
        break;
    case 'q':
        s->handler->stop(s->arg);
        break;
    case 's':
        break;
    default:
        return;
    }
    struct slice text = status(s);
    fwrite(text.p, 1, text.len, stdout);
    fflush(stdout);
}

static void on_read(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct steer *s = container_of(op, struct steer, op);

    (void)cqe_flags;
    s->reading = false;
    if (res != 1 || !s->keys)
        return; /* the end of input, or ours */
    on_key(s, s->key);
    arm_keys(s);
}

static void open_keys(struct steer *s)
{
    struct termios raw;

    s->keys = true;
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &s->terminal) == 0) {
        raw = s->terminal;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    arm_keys(s);
}

static void close_keys(struct steer *s)
{
    s->keys = false;
    if (s->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &s->terminal);
    if (s->reading) {
        loop_cancel(s->loop, &s->op);
        for (int i = 0; i < 100 && s->reading; i++)
            loop_turn(s->loop, 1000);
    }
}

/* ---- HTTP ---- */

static void reply(struct tcp *t, const char *code, struct slice body)
{
    char head[200];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %u\r\n"
                     "Connection: close\r\n\r\n",
                     code, body.len);

    tcp_send(t, slice_of(head, (size_t)n));
    tcp_send(t, body);
}

static void complain(struct steer *s, struct tcp *t, const char *code, const char *text)
{
    struct buf b = buf_on(s->body, sizeof s->body);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_cstr(&j, "error", text);
    json_end(&j);
    buf_putc(&b, '\n');
    reply(t, code, buf_slice(&b));
}

static bool read_rate(struct slice query, double *x)
{
    char text[24], *end;

    if (!slice_starts(query, SLICE("x=")) ||
        slice_copy(slice_from(query, 2), text, sizeof text) != OK)
        return false;
    *x = strtod(text, &end);
    return end != text && !*end && *x >= TEMPO_RATE_MIN && *x <= TEMPO_RATE_MAX;
}

static void serve(struct steer *s, struct tcp *t, struct slice method, struct slice target)
{
    struct slice path, query;
    bool post = slice_eq(method, SLICE("POST"));
    double x;

    slice_cut(target, '?', &path, &query);
    if (slice_eq(path, SLICE("/status"))) {
        reply(t, "200 OK", status(s));
        return;
    }
    bool rate = slice_eq(path, SLICE("/rate")), pause = slice_eq(path, SLICE("/pause")),
         resume = slice_eq(path, SLICE("/resume")), stop = slice_eq(path, SLICE("/stop"));
    if (!rate && !pause && !resume && !stop) {
        complain(s, t, "404 Not Found", "known: /status, /pause, /resume, /rate?x=2, /stop");
        return;
    }
    if (!post) {
        complain(s, t, "405 Method Not Allowed", "what changes the run is asked for by POST");
        return;
    }
    if (rate && !read_rate(query, &x)) {
        complain(s, t, "400 Bad Request",
                 "write /rate?x=N, times the plan's own rate, 0.01 to 100");
        return;
    }
    if (stop)
        s->handler->stop(s->arg);
    else
        set(s, rate ? x : s->x, rate ? s->paused : pause);
    reply(t, "200 OK", status(s));
}

static int64_t on_bytes(void *arg, struct tcp *t, char *data, uint32_t len)
{
    struct client *c = arg;
    struct slice text = slice_of(data, len), line, method, rest, target;

    if (!memmem(data, len, "\r\n\r\n", 4))
        return len < REQUEST_MAX ? 0 : -1;
    slice_cut(text, '\r', &line, &rest);
    slice_cut(line, ' ', &method, &rest);
    slice_cut(rest, ' ', &target, &rest);
    serve(c->steer, t, method, target);
    return len;
}

static void on_closed(void *arg, struct tcp *t, enum err why)
{
    (void)t;
    (void)why;
    ((struct client *)arg)->tcp = NULL;
}

static const struct tcp_handler client_handler = {.received = on_bytes, .closed = on_closed};

static void on_accepted(void *arg, struct tcp *t)
{
    struct steer *s = arg;

    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        if (!s->client[i].tcp) {
            s->client[i] = (struct client){s, t};
            tcp_set_handler(t, &client_handler, &s->client[i]);
            return;
        }
    tcp_close(t);
}

static const struct tcp_listener_handler listener_handler = {.accepted = on_accepted};

static bool is_loopback(const struct addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

static enum err open_http(struct steer *s, const char *address, char *error)
{
    struct addr a;

    if (addr_parse(slice_cstr(address), 0, &a) != OK || !is_loopback(&a)) {
        snprintf(error, 160, "%.60s: an address of loopback and a port, such as 127.0.0.1:8070",
                 address);
        return ERR_INVALID;
    }
    enum err e = tcp_listen(&s->listener, s->loop, &a, &listener_handler, s);
    if (e == OK)
        addr_format(tcp_listener_local(s->listener), s->listen, sizeof s->listen);
    else
        snprintf(error, 160, "%.60s: %s", address, e == ERR_IO ? strerror(errno) : err_name(e));
    return e;
}

/* ---- life ---- */

enum err steer_open(struct steer **out, struct loop *l, const struct steer_config *config,
                    char *error)
{
    *out = NULL;
    if (!config->address && !config->keys)
        return OK;
    struct steer *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(error, 160, "no memory");
        return ERR_NOMEM;
    }
    s->loop = l;
    s->handler = config->handler;
    s->arg = config->arg;
    s->x = 1;
    s->op.done = on_read;
    enum err e = config->address ? open_http(s, config->address, error) : OK;
    if (e != OK) {
        free(s);
        return e;
    }
    if (config->keys)
        open_keys(s);
    *out = s;
    return OK;
}

void steer_close(struct steer *s)
{
    if (!s)
        return;
    close_keys(s);
    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        if (s->client[i].tcp)
            tcp_close(s->client[i].tcp);
    if (s->listener)
        tcp_unlisten(s->listener);
    free(s);
}

const char *steer_listen(const struct steer *s)
{
    return s && s->listener ? s->listen : NULL;
}
