/* Keys and HTTP. What is not understood gets 400, 404 or 405. */
#include "sim/steer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "io/http_server.h"
#include "sim/tempo.h"

#define BODY_MAX 8192
#define STEP     1.25
#define TYPE     "application/json"

struct steer {
    struct loop *loop;
    const struct steer_handler *handler;
    void *arg;
    double x;
    bool paused, keys, raw, reading;
    struct termios terminal; /* as it was */
    struct loop_op op;
    char key;
    struct http_server *server; /* NULL: no HTTP */
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

static bool read_rate(struct slice query, double *x)
{
    char text[24], *end;

    if (!slice_starts(query, SLICE("x=")) ||
        slice_copy(slice_from(query, 2), text, sizeof text) != OK)
        return false;
    *x = strtod(text, &end);
    return end != text && !*end && *x >= TEMPO_RATE_MIN && *x <= TEMPO_RATE_MAX;
}

static void on_request(void *arg, struct http_client *to, const struct http_request *r)
{
    struct steer *s = arg;
    double x;

    if (slice_eq(r->path, SLICE("/status"))) {
        http_server_reply(to, "200 OK", TYPE, status(s));
        return;
    }
    bool rate = slice_eq(r->path, SLICE("/rate")), pause = slice_eq(r->path, SLICE("/pause")),
         resume = slice_eq(r->path, SLICE("/resume")), stop = slice_eq(r->path, SLICE("/stop"));
    if (!rate && !pause && !resume && !stop) {
        http_server_refuse(to, "404 Not Found",
                           "known: /status, /pause, /resume, /rate?x=2, /stop");
        return;
    }
    if (!slice_eq(r->method, SLICE("POST"))) {
        http_server_field(to, "Allow: POST");
        http_server_refuse(to, "405 Method Not Allowed",
                           "what changes the run is asked for by POST");
        return;
    }
    if (rate && !read_rate(r->query, &x)) {
        http_server_refuse(to, "400 Bad Request",
                           "write /rate?x=N, times the plan's own rate, 0.01 to 100");
        return;
    }
    if (stop)
        s->handler->stop(s->arg);
    else
        set(s, rate ? x : s->x, rate ? s->paused : pause);
    http_server_reply(to, "200 OK", TYPE, status(s));
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
    const struct http_server_config http = {
        .loop = l, .address = config->address, .fn = on_request, .arg = s};
    enum err e = config->address ? http_server_open(&s->server, &http, error) : OK;
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
    http_server_close(s->server);
    free(s);
}

const char *steer_listen(const struct steer *s)
{
    return s && s->server ? http_server_listen(s->server) : NULL;
}
