/* The connection to a sentinel is a plain one of redis.c. It is let go of from a timer, for it may
 * not be closed from inside its own news. */
#include "queue/redis_sentinel.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/redis_reply.h"

struct redis_sentinel {
    struct loop *loop;
    const struct redis_target *target;
    struct redis *link;
    struct timer step, limit;
    uint32_t at, tried; /* which sentinel; how many were asked for this question */
    sentinel_fn *fn;    /* NULL: no question */
    void *arg;
    bool answered;
    struct redis_host master;
    char why[REDIS_ERROR_MAX];
};

static void step_fire(struct timer *t);
static void limit_fire(struct timer *t);

/* To the next sentinel, or with the answer to who asked; in the loop's next turn. */
static void move_on(struct redis_sentinel *s)
{
    loop_timer_stop(s->loop, &s->limit);
    if (!timer_running(&s->step))
        loop_timer(s->loop, &s->step, 0, step_fire);
}

static void give_up_on(struct redis_sentinel *s, const char *what)
{
    const struct redis_host *h = &s->target->hosts[s->at];

    snprintf(s->why, sizeof(s->why), "the sentinel at %s:%u %.120s", h->host, h->port, what);
    move_on(s);
}

static void on_answer(void *arg, const struct redisReply *reply)
{
    struct redis_sentinel *s = arg;
    char what[160];

    if (!s->fn || s->answered || timer_running(&s->step))
        return;
    if (!reply) {
        give_up_on(s, "was lost");
    } else if (reply_is_nil(reply)) {
        snprintf(what, sizeof(what), "knows no master named \"%.60s\"", s->target->master);
        give_up_on(s, what);
    } else if (!reply_read_host(reply, &s->master)) {
        give_up_on(s, "gave an answer that makes no sense; is it a sentinel?");
    } else {
        s->answered = true;
        move_on(s);
    }
}

static void on_state(void *arg, bool up, const char *why)
{
    struct redis_sentinel *s = arg;
    const struct slice argv[] = {SLICE("SENTINEL"), SLICE("GET-MASTER-ADDR-BY-NAME"),
                                 slice_cstr(s->target->master)};

    (void)why;
    if (!s->fn || s->answered || timer_running(&s->step))
        return;
    if (!up || redis_command(s->link, on_answer, s, 3, argv) != OK)
        give_up_on(s, "cannot be reached");
}

static void limit_fire(struct timer *t)
{
    give_up_on(container_of(t, struct redis_sentinel, limit), "does not answer");
}

static void ask_one(struct redis_sentinel *s)
{
    char url[REDIS_URL_MAX];
    const struct redis_config config = {.loop = s->loop,
                                        .url = url,
                                        .password = s->target->sentinel_password,
                                        .on_state = on_state,
                                        .quiet = true,
                                        .arg = s};

    redis_host_url(&s->target->hosts[s->at], url, sizeof(url));
    s->tried++;
    if (redis_open(&s->link, &config) != OK)
        give_up_on(s, "cannot be asked: no memory");
    else
        loop_timer(s->loop, &s->limit, SENTINEL_ANSWER_MS, limit_fire);
}

static void step_fire(struct timer *t)
{
    struct redis_sentinel *s = container_of(t, struct redis_sentinel, step);
    sentinel_fn *fn = s->fn;

    redis_close(s->link);
    s->link = NULL;
    if (s->answered) {
        s->fn = NULL;
        fn(s->arg, OK, &s->master, "");
    } else if (s->tried < s->target->host_count) {
        s->at = s->tried ? (s->at + 1) % s->target->host_count : s->at;
        ask_one(s);
    } else {
        s->fn = NULL;
        fn(s->arg, ERR_CLOSED, NULL, s->why);
    }
}

enum err sentinel_open(struct redis_sentinel **out, struct loop *loop,
                       const struct redis_target *target)
{
    struct redis_sentinel *s = calloc(1, sizeof(*s));

    *out = s;
    if (!s)
        return ERR_NOMEM;
    s->loop = loop;
    s->target = target;
    timer_init(&s->step);
    timer_init(&s->limit);
    return OK;
}

void sentinel_close(struct redis_sentinel *s)
{
    if (!s)
        return;
    s->fn = NULL;
    loop_timer_stop(s->loop, &s->step);
    loop_timer_stop(s->loop, &s->limit);
    redis_close(s->link);
    free(s);
}

void sentinel_ask(struct redis_sentinel *s, sentinel_fn *fn, void *arg)
{
    if (s->fn)
        return;
    s->fn = fn;
    s->arg = arg;
    s->tried = 0;
    s->answered = false;
    s->why[0] = 0;
    loop_timer(s->loop, &s->step, 0, step_fire);
}

bool sentinel_asking(const struct redis_sentinel *s)
{
    return s->fn != NULL;
}
