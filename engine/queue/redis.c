/* One Redis over all its connections: greeting, silence, trying again, and what was asked of a
 * connection that is gone. */
#include "queue/redis.h"

#include <assert.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/pool.h"
#include "queue/redis_cluster.h"
#include "queue/redis_link.h"
#include "queue/redis_reply.h"
#include "queue/redis_sentinel.h"

#define WATCH_MS    500
#define COMMAND_MAX 8192 /* of redis_command, formatted on the stack */

struct pending {
    struct redis *owner;
    redis_reply_fn *fn;
    void *arg;
};

struct redis {
    struct loop *loop;
    struct redis_config config;
    struct redis_target target;
    char url[REDIS_URL_MAX];
    struct redis_cluster *cluster;   /* all else here is unused then */
    struct redis_sentinel *sentinel; /* who names the server to connect to; NULL: the URL does */
    struct redis_host master;        /* as they named it last */
    struct timer check;              /* do they still? */
    uint64_t masters, unconfirmed_until_ms;
    struct redis_link *link;
    struct loop_hook hook;
    struct timer again, watch;
    struct pool pending;
    uint32_t greetings; /* answers of the opening commands still to come */
    bool up, closing, free_later, told;
    struct clock clock; /* a real one: a server may be slow also in simulated time */
    uint64_t delay_ms, last_reply_ms;
    char error[REDIS_ERROR_MAX];
    struct redis_stats stats;
};

static void connect_fire(struct timer *t);
static void check_fire(struct timer *t);

static void set_error(struct redis *r, const char *what, const char *detail)
{
    if (!r->error[0])
        snprintf(r->error, sizeof(r->error), "Redis at %.120s: %s%s%.80s", r->url, what,
                 detail[0] ? ": " : "", detail);
}

/* Once a turn. */
static void flush(struct loop_hook *h)
{
    struct redis *r = container_of(h, struct redis, hook);

    if (r->link)
        link_flush(r->link);
}

static void gone_fire(struct timer *t)
{
    struct redis *r = container_of(t, struct redis, again);

    set_error(r, "the connection was lost", "");
    if (!r->told) {
        r->told = true;
        if (!r->config.quiet)
            log_warn("queue", r->error, "retry_ms=%llu", (unsigned long long)r->delay_ms);
        if (r->config.on_state)
            r->config.on_state(r->config.arg, false, r->error);
    }
    loop_timer(r->loop, &r->again, r->delay_ms, connect_fire);
    r->delay_ms = r->delay_ms * 2 < REDIS_RETRY_MAX_MS ? r->delay_ms * 2 : REDIS_RETRY_MAX_MS;
}

static void redis_free(struct redis *r)
{
    sentinel_close(r->sentinel);
    pool_fini(&r->pending);
    free(r);
}

/* From inside hiredis: the rest of the work waits for the next turn, outside. */
static void gone(void *arg, const char *what, const char *why)
{
    struct redis *r = arg;

    set_error(r, what, why);
    r->link = NULL;
    r->up = false;
    r->stats.lost++;
    loop_timer_stop(r->loop, &r->watch);
    loop_timer_stop(r->loop, &r->check);
    if (!r->closing)
        loop_timer(r->loop, &r->again, 0, gone_fire);
    else if (r->free_later)
        redis_free(r);
}

static void give_up(struct redis *r, const char *what, const char *detail)
{
    set_error(r, what, detail);
    r->up = false;
    if (r->link)
        link_drop(r->link);
}

static const char not_the_master[] = "is not the master now; the sentinels are asked again";

/* A master that is cut off from its sentinels goes on taking what will be lost. */
static void on_checked(void *arg, enum err e, const struct redis_host *master, const char *why)
{
    struct redis *r = arg;

    (void)why;
    if (e == OK && r->link && !redis_host_eq(master, &r->master))
        give_up(r, "another server is the master now", "");
    else if (r->link)
        loop_timer(r->loop, &r->check, SENTINEL_CHECK_MS, check_fire);
}

static void check_fire(struct timer *t)
{
    struct redis *r = container_of(t, struct redis, check);

    sentinel_ask(r->sentinel, on_checked, r);
}

static void greeting(redisAsyncContext *ac, void *reply_void, void *arg)
{
    const redisReply *reply = reply_void;
    struct redis *r = ac->data;

    if (!reply || !r || r->closing || r->error[0])
        return;
    r->last_reply_ms = clock_ms(&r->clock);
    if (reply->type == REDIS_REPLY_ERROR) {
        if (strstr(reply->str, "unknown command"))
            give_up(r, "is too old; Redis 7 or later is needed", reply->str);
        else
            give_up(r, arg, reply->str);
        return;
    }
    if (arg == not_the_master && !reply_is_master(reply)) {
        give_up(r, arg, "");
        return;
    }
    if (--r->greetings)
        return;
    r->up = true;
    if (r->sentinel)
        loop_timer(r->loop, &r->check, SENTINEL_CHECK_MS, check_fire);
    r->told = false;
    r->delay_ms = REDIS_RETRY_FIRST_MS;
    r->stats.connects++;
    if (r->config.on_state)
        r->config.on_state(r->config.arg, true, "");
}

static void greet(struct redis *r, const char *on_error, struct slice resp)
{
    if (redisAsyncFormattedCommand(link_context(r->link), greeting, (void *)(uintptr_t)on_error,
                                   resp.p, resp.len) == REDIS_OK)
        r->greetings++;
}

static void greet_words(struct redis *r, const char *on_error, uint32_t argc,
                        const struct slice *argv)
{
    char text[512];
    size_t n = redis_format(text, sizeof(text), argc, argv);

    assert(n <= sizeof(text));
    greet(r, on_error, slice_of(text, n));
}

static void connected(void *arg)
{
    struct redis *r = arg;
    const struct redis_target *t = &r->target;
    char db[12];

    r->greetings = 0;
    r->last_reply_ms = clock_ms(&r->clock);
    if (t->user[0])
        greet_words(r, "refuses the user and password", 3,
                    (struct slice[]){SLICE("AUTH"), slice_cstr(t->user), slice_cstr(t->password)});
    else if (t->password[0])
        greet_words(r, "refuses the password", 2,
                    (struct slice[]){SLICE("AUTH"), slice_cstr(t->password)});
    if (t->db) {
        snprintf(db, sizeof(db), "%u", t->db);
        greet_words(r, "refuses the database", 2,
                    (struct slice[]){SLICE("SELECT"), slice_cstr(db)});
    }
    if (r->sentinel)
        greet_words(r, not_the_master, 1, (struct slice[]){SLICE("ROLE")});
    if (r->config.prepare.len)
        greet(r, "is not ready", r->config.prepare);
    else
        greet_words(r, "is not ready", 1, (struct slice[]){SLICE("PING")});
}

/* An answer that never comes must not hold the dialler for ever. */
static void watch_fire(struct timer *timer)
{
    struct redis *r = container_of(timer, struct redis, watch);
    bool waiting = r->pending.used || r->greetings || !r->up;

    if (waiting && clock_ms(&r->clock) - r->last_reply_ms > REDIS_SILENT_MS) {
        give_up(r, "no answer for 5 seconds; is it blocked or unreachable?", "");
        return;
    }
    loop_timer(r->loop, &r->watch, WATCH_MS, watch_fire);
}

static void connect_now(struct redis *r)
{
    const struct redis_link_owner us = {.owner = r, .connected = connected, .gone = gone};
    char why[REDIS_ERROR_MAX];

    r->link = link_open(r->loop, &r->target, &us, why);
    if (!r->link) {
        set_error(r, "cannot connect", why);
        loop_timer(r->loop, &r->again, 0, gone_fire);
        return;
    }
    r->last_reply_ms = clock_ms(&r->clock);
    loop_timer(r->loop, &r->watch, WATCH_MS, watch_fire);
}

static void on_named(void *arg, enum err e, const struct redis_host *master, const char *why)
{
    struct redis *r = arg;

    if (r->closing)
        return;
    if (e != OK) {
        set_error(r, "no master", why);
        loop_timer(r->loop, &r->again, 0, gone_fire);
        return;
    }
    if (!redis_host_eq(&r->master, master))
        r->masters++;
    r->master = *master;
    memcpy(r->target.host, master->host, sizeof(r->target.host));
    r->target.port = master->port;
    snprintf(r->url, sizeof(r->url), "%s:%u (master %s)", master->host, master->port,
             r->target.master);
    connect_now(r);
}

static void connect_fire(struct timer *timer)
{
    struct redis *r = container_of(timer, struct redis, again);

    if (r->config.before_connect)
        r->config.before_connect(r->config.arg);
    r->error[0] = 0;
    if (r->sentinel)
        sentinel_ask(r->sentinel, on_named, r);
    else
        connect_now(r);
}

/* The URL as it may be shown: it may hold a password. */
static void name_of(struct redis *r)
{
    const struct redis_target *t = &r->target;

    if (t->kind == REDIS_SENTINELS)
        snprintf(r->url, sizeof(r->url), "%s:%u and other sentinels, master %s", t->hosts[0].host,
                 t->hosts[0].port, t->master);
    else if (t->is_unix)
        snprintf(r->url, sizeof(r->url), "unix:%s", t->path);
    else
        snprintf(r->url, sizeof(r->url), "%s:%u", t->host, t->port);
}

static enum err open_kind(struct redis *r)
{
    const struct redis_config *c = &r->config;
    struct redis_target *t = &r->target;

    if (c->user && c->user[0])
        slice_copy(slice_cstr(c->user), t->user, sizeof(t->user));
    if (c->password && c->password[0])
        slice_copy(slice_cstr(c->password), t->password, sizeof(t->password));
    if (t->kind == REDIS_CLUSTER)
        return cluster_open(&r->cluster, c, t);
    if (t->kind == REDIS_SENTINELS)
        return sentinel_open(&r->sentinel, r->loop, t);
    return OK;
}

enum err redis_open(struct redis **out, const struct redis_config *config)
{
    struct redis *r = calloc(1, sizeof(*r));
    enum err e;

    if (!r)
        return ERR_NOMEM;
    r->loop = config->loop;
    r->config = *config;
    r->delay_ms = REDIS_RETRY_FIRST_MS;
    r->hook.run = flush;
    clock_init_real(&r->clock);
    e = redis_parse_url(slice_cstr(config->url), &r->target, r->error);
    if (e) {
        log_error("queue", r->error, "%s", "");
        goto fail;
    }
    name_of(r);
    if ((e = open_kind(r)))
        goto fail;
    if (r->cluster) {
        *out = r;
        return OK;
    }
    if ((e = pool_init(&r->pending, sizeof(struct pending), REDIS_IN_FLIGHT_MAX)))
        goto fail;
    /* hiredis writes without MSG_NOSIGNAL: a server that dies must not take us along. */
    signal(SIGPIPE, SIG_IGN);
    timer_init(&r->again);
    timer_init(&r->watch);
    timer_init(&r->check);
    loop_hook_add(r->loop, &r->hook);
    loop_timer(r->loop, &r->again, 0, connect_fire);
    *out = r;
    return OK;
fail:
    sentinel_close(r->sentinel);
    free(r);
    return e;
}

void redis_close(struct redis *r)
{
    if (!r)
        return;
    if (r->cluster) {
        cluster_close(r->cluster);
        free(r);
        return;
    }
    r->closing = true;
    r->up = false;
    loop_timer_stop(r->loop, &r->check);
    loop_hook_remove(&r->hook);
    loop_timer_stop(r->loop, &r->again);
    if (r->link)
        link_drop(r->link);
    loop_timer_stop(r->loop, &r->watch);
    if (r->link) /* inside a callback of hiredis, which frees its side after it */
        r->free_later = true;
    else
        redis_free(r);
}

void redis_reconnect(struct redis *r, const char *why)
{
    if (r->cluster)
        cluster_reconnect(r->cluster, why);
    else if (r->link && !r->closing)
        give_up(r, why, "");
}

bool redis_up(const struct redis *r)
{
    return r->cluster ? cluster_up(r->cluster) : r->up;
}
const char *redis_error(const struct redis *r)
{
    if (r->cluster)
        return cluster_error(r->cluster);
    return r->up ? "" : r->error;
}
const struct redis_stats *redis_stats_of(const struct redis *r)
{
    return r->cluster ? cluster_stats(r->cluster) : &r->stats;
}
uint32_t redis_in_flight(const struct redis *r)
{
    return r->cluster ? cluster_in_flight(r->cluster) : r->pending.used;
}
bool redis_replicated(const struct redis *r)
{
    return r->target.kind != REDIS_ONE;
}
uint64_t redis_masters(const struct redis *r)
{
    return r->cluster ? cluster_masters(r->cluster) : r->masters;
}

static void replied(redisAsyncContext *ac, void *reply, void *arg)
{
    struct pending *p = arg, copy = *p;
    struct redis *r = copy.owner;

    (void)ac;
    pool_put(&r->pending, p);
    if (reply && r->sentinel && reply_is_error(reply, "READONLY")) {
        /* It was not done, and will not be here: as if the connection had been lost before. */
        reply = NULL;
        give_up(r, not_the_master, "");
    }
    if (reply) {
        r->stats.replies++;
        r->last_reply_ms = clock_ms(&r->clock);
    } else {
        r->up = false; /* the connection is ending: nothing may be sent from this callback */
    }
    if (copy.fn)
        copy.fn(copy.arg, reply);
}

enum err redis_send(struct redis *r, struct slice resp, redis_reply_fn *fn, void *arg)
{
    if (r->cluster)
        return cluster_send(r->cluster, resp, fn, arg);
    if (!r->up || !r->link)
        return ERR_CLOSED;
    struct pending *p = NULL;

    if (link_unsent(r->link) + resp.len <= REDIS_UNSENT_MAX)
        p = pool_get(&r->pending);
    if (!p) {
        r->stats.refused++;
        return ERR_FULL;
    }
    if (r->pending.used == 1) /* silence counts from the first question */
        r->last_reply_ms = clock_ms(&r->clock);
    *p = (struct pending){r, fn, arg};
    if (redisAsyncFormattedCommand(link_context(r->link), replied, p, resp.p, resp.len) !=
        REDIS_OK) {
        pool_put(&r->pending, p);
        return ERR_CLOSED;
    }
    r->stats.commands++;
    return OK;
}

enum err redis_command(struct redis *r, redis_reply_fn *fn, void *arg, uint32_t argc,
                       const struct slice *argv)
{
    char small[COMMAND_MAX];
    size_t n = redis_format(small, sizeof(small), argc, argv);

    if (n <= sizeof(small))
        return redis_send(r, slice_of(small, n), fn, arg);
    char *large = malloc(n);

    if (!large)
        return ERR_NOMEM;
    redis_format(large, n, argc, argv);
    enum err e = redis_send(r, slice_of(large, n), fn, arg);

    free(large);
    return e;
}

/* WAIT answers with the number of replicas; none: it is not asked again for a while. */
struct confirming {
    struct redis *owner;
    redis_reply_fn *fn;
    void *arg;
};

static void confirmed(void *arg, const struct redisReply *reply)
{
    struct confirming *c = arg, copy = *c;

    free(c);
    if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0) {
        copy.owner->unconfirmed_until_ms = clock_ms(&copy.owner->clock) + REDIS_CONFIRM_AGAIN_MS;
        log_warn("queue", "no replica of Redis keeps up; a fail-over now may lose what is recorded",
                 "%s", "");
    }
    copy.fn(copy.arg, reply);
}

enum err redis_confirm(struct redis *r, struct slice key, redis_reply_fn *fn, void *arg)
{
    const struct slice argv[] = {SLICE("WAIT"), SLICE("1"), SLICE("200")};
    char text[64];

    _Static_assert(REDIS_CONFIRM_MS == 200, "as it is written here");
    if (!redis_replicated(r) || clock_ms(&r->clock) < r->unconfirmed_until_ms)
        return ERR_UNSUPPORTED;
    struct confirming *c = malloc(sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    *c = (struct confirming){r, fn, arg};
    size_t n = redis_format(text, sizeof(text), 3, argv);
    enum err e = r->cluster ? cluster_send_to(r->cluster, key, slice_of(text, n), confirmed, c)
                            : redis_send(r, slice_of(text, n), confirmed, c);
    if (e)
        free(c);
    return e;
}
