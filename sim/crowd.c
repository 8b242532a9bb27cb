/* The meeting in Redis. */
#include "sim/crowd.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define EXPIRE_S    86400
#define ANSWER_S    5 /* of Redis */
#define LOOK_US     20000
#define STEER_US    100000
#define BEGIN_MS    500 /* from the last one's being ready to the beginning */
#define KEY_MAX     160
#define ADDRESS_MAX 80
#define TEXT_MAX    4096

struct crowd {
    redisContext *redis;
    char name[80], callees[ADDRESS_MAX];
    uint32_t part, parts;
    /* The thread that looks how to steer: it writes, the loop reads. */
    pthread_t thread;
    bool looking;
    redisContext *look;
    _Atomic bool ended, changed, paused, stop, done, all_done;
    _Atomic uint32_t milli; /* x × 1000 */
};

static enum err refuse(char *error, enum err e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum err refuse(char *error, enum err e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(error, CROWD_ERROR_MAX, fmt, ap);
    va_end(ap);
    return e;
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static uint64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t steady_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

/* ---- Redis ---- */

static enum err dial(redisContext **out, const char *url, char *error)
{
    const struct timeval limit = {.tv_sec = ANSWER_S};
    char host[128];
    int port = 6379, db = 0, n = 0;
    redisContext *r = NULL;

    if (strncmp(url, "unix:", 5) == 0)
        r = redisConnectUnixWithTimeout(url + 5, limit);
    else if (sscanf(url, "redis://%127[^:/]%n", host, &n) == 1) {
        const char *rest = url + n;
        if (*rest == ':')
            port = (int)strtol(rest + 1, (char **)&rest, 10);
        if (*rest == '/' && rest[1])
            db = (int)strtol(rest + 1, (char **)&rest, 10);
        if ((*rest && strcmp(rest, "/") != 0) || port < 1 || port > 65535)
            return refuse(error, ERR_INVALID, "--redis %.100s: write redis://HOST:PORT/DB", url);
        r = redisConnectWithTimeout(host, port, limit);
    } else {
        return refuse(error, ERR_INVALID,
                      "--redis %.100s: write redis://HOST[:PORT][/DB] or unix:/PATH", url);
    }
    if (!r || r->err) {
        refuse(error, ERR_IO, "--redis %.100s: %.100s", url, r ? r->errstr : "no memory");
        if (r)
            redisFree(r);
        return ERR_IO;
    }
    redisSetTimeout(r, limit);
    redisReply *chosen = db ? redisCommand(r, "SELECT %d", db) : NULL;
    if (db && (!chosen || chosen->type == REDIS_REPLY_ERROR)) {
        refuse(error, ERR_IO, "--redis %.100s: there is no database %d", url, db);
        freeReplyObject(chosen);
        redisFree(r);
        return ERR_IO;
    }
    freeReplyObject(chosen);
    *out = r;
    return OK;
}

static const char *key(const struct crowd *c, const char *what, char *dst)
{
    snprintf(dst, KEY_MAX, "peal-sim:{%s}:%s", c->name, what);
    return dst;
}

/* NULL: Redis does not answer, or refuses; error says so. */
static redisReply *ask(redisContext *r, char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    redisReply *reply = redisvCommand(r, fmt, ap);
    va_end(ap);
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    refuse(error, ERR_IO, "Redis: %.150s", reply ? reply->str : r->errstr);
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

static enum err ask_ok(redisContext *r, char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    redisReply *reply = redisvCommand(r, fmt, ap);
    va_end(ap);
    enum err e = reply && reply->type != REDIS_REPLY_ERROR
                     ? OK
                     : refuse(error, ERR_IO, "Redis: %.150s", reply ? reply->str : r->errstr);
    if (reply)
        freeReplyObject(reply);
    return e;
}

static enum err put(struct crowd *c, const char *what, const char *text, char *error)
{
    char k[KEY_MAX];

    return ask_ok(c->redis, error, "SET %s %s EX %d", key(c, what, k), text, EXPIRE_S);
}

/* A text under a key: OK, ERR_NOT_FOUND while there is none, ERR_IO. */
static enum err fetch(redisContext *r, const char *k, char *dst, size_t cap, char *error)
{
    redisReply *reply = ask(r, error, "GET %s", k);

    if (!reply)
        return ERR_IO;
    enum err e = reply->type == REDIS_REPLY_STRING ? OK : ERR_NOT_FOUND;
    if (e == OK)
        snprintf(dst, cap, "%s", reply->str);
    freeReplyObject(reply);
    return e;
}

/* As fetch, but waits until somebody has put it there. */
static enum err await(redisContext *r, const char *k, char *dst, size_t cap, const char *what,
                      char *error)
{
    uint64_t until = steady_s() + CROWD_WAIT_S;
    enum err e;

    while ((e = fetch(r, k, dst, cap, error)) == ERR_NOT_FOUND) {
        if (steady_s() >= until)
            return refuse(error, ERR_TIMEOUT, "waited %d s for %s", CROWD_WAIT_S, what);
        pause_us(LOOK_US);
    }
    return e;
}

static enum err start(struct crowd **out, const struct crowd_config *config, char *error)
{
    struct crowd *c = calloc(1, sizeof *c);

    if (!c)
        return refuse(error, ERR_NOMEM, "no memory");
    if ((size_t)snprintf(c->name, sizeof c->name, "%s", config->name) >= sizeof c->name ||
        !c->name[0] || strpbrk(c->name, "{} \t")) {
        free(c);
        return refuse(error, ERR_INVALID, "--run: a name of 1 to 79 characters without spaces");
    }
    enum err e = dial(&c->redis, config->url, error);
    if (e != OK) {
        free(c);
        return e;
    }
    *out = c;
    return OK;
}

/* ---- a process ---- */

static enum err take_place(struct crowd *c, const struct crowd_config *config, char *error)
{
    char k[KEY_MAX], text[TEXT_MAX];
    unsigned long long seed, suite;
    unsigned parts;

    enum err e = await(c->redis, key(c, "meeting", k), text, sizeof text,
                       "`peal-sim coordinate` to open the run", error);
    if (e != OK)
        return e;
    if (sscanf(text, "%u %llu %llu", &parts, &seed, &suite) != 3 || parts < 1 ||
        parts > CROWD_PARTS_MAX)
        return refuse(error, ERR_INVALID, "Redis: the run %s is none of ours", c->name);
    if (seed != config->seed || suite != config->suite)
        return refuse(error, ERR_INVALID,
                      "the coordinator of %s plays another suite or seed (its seed is %llu)",
                      c->name, seed);
    redisReply *reply = ask(c->redis, error, "INCR %s", key(c, "joined", k));
    if (!reply)
        return ERR_IO;
    c->part = (uint32_t)reply->integer - 1;
    c->parts = parts;
    bool room = reply->integer >= 1 && reply->integer <= parts;
    freeReplyObject(reply);
    return room ? OK
                : refuse(error, ERR_FULL, "all %u places of the run %s are taken", parts, c->name);
}

enum err crowd_join(struct crowd **out, const struct crowd_config *config, const char *address,
                    char *error)
{
    char k[KEY_MAX];
    struct crowd *c;
    enum err e = start(&c, config, error);

    if (e != OK)
        return e;
    e = take_place(c, config, error);
    if (e == OK && c->part == 0)
        e = put(c, "callees", address, error);
    if (e == OK)
        e = await(c->redis, key(c, "callees", k), c->callees, sizeof c->callees,
                  "the first process to answer", error);
    if (e == OK)
        e = dial(&c->look, config->url, error);
    if (e != OK) {
        crowd_close(c);
        return e;
    }
    *out = c;
    return OK;
}

uint32_t crowd_part(const struct crowd *c)
{
    return c->part;
}

uint32_t crowd_parts(const struct crowd *c)
{
    return c->parts;
}

const char *crowd_callees(const struct crowd *c)
{
    return c->callees;
}

/* Says that our callers are done, once, and hears whether all are. */
static void look_done(struct crowd *c, bool *said)
{
    char k[KEY_MAX], text[64], error[CROWD_ERROR_MAX];

    key(c, "done", k);
    if (!*said)
        *said = ask_ok(c->look, error, "INCR %s", k) == OK;
    if (*said && fetch(c->look, k, text, sizeof text, error) == OK &&
        strtoul(text, NULL, 10) >= c->parts)
        atomic_store(&c->all_done, true);
}

/* Writes what it finds where the loop looks. A Redis that does not answer changes nothing. */
static void *look(void *arg)
{
    struct crowd *c = arg;
    char k[KEY_MAX], text[TEXT_MAX], last[TEXT_MAX] = "", error[CROWD_ERROR_MAX];
    unsigned milli, paused, stop;
    bool said = false;

    key(c, "steer", k);
    while (!atomic_load(&c->ended)) {
        pause_us(STEER_US);
        if (atomic_load(&c->done) && !atomic_load(&c->all_done))
            look_done(c, &said);
        if (c->look->err || fetch(c->look, k, text, sizeof text, error) != OK ||
            strcmp(text, last) == 0 || sscanf(text, "%u %u %u", &milli, &paused, &stop) != 3)
            continue;
        memcpy(last, text, sizeof last);
        atomic_store(&c->milli, milli);
        atomic_store(&c->paused, paused != 0);
        atomic_store(&c->stop, stop != 0);
        atomic_store(&c->changed, true);
    }
    return NULL;
}

enum err crowd_ready(struct crowd *c, uint64_t *begin_wall_ms, char *error)
{
    char k[KEY_MAX], text[TEXT_MAX];
    enum err e = ask_ok(c->redis, error, "INCR %s", key(c, "ready", k));

    if (e == OK)
        e = await(c->redis, key(c, "begin", k), text, sizeof text, "the other processes", error);
    if (e != OK)
        return e;
    *begin_wall_ms = strtoull(text, NULL, 10);
    c->looking = pthread_create(&c->thread, NULL, look, c) == 0;
    return c->looking ? OK : refuse(error, ERR_NOMEM, "no thread to look how the run is steered");
}

bool crowd_steered(struct crowd *c, double *x, bool *paused, bool *stop)
{
    if (!c || !atomic_exchange(&c->changed, false))
        return false;
    *x = atomic_load(&c->milli) / 1000.0;
    *paused = atomic_load(&c->paused);
    *stop = atomic_load(&c->stop);
    return true;
}

void crowd_done(struct crowd *c)
{
    atomic_store(&c->done, true);
}

bool crowd_all_done(const struct crowd *c)
{
    return atomic_load(&c->all_done);
}

enum err crowd_leave(struct crowd *c, const struct crowd_result *r, char *error)
{
    char k[KEY_MAX], text[TEXT_MAX + 128];
    int n = snprintf(text, sizeof text, "%u %d %llu %u", c->part, r->code,
                     (unsigned long long)r->answered_calls, r->groups);

    for (uint32_t i = 0; i < r->groups && n < TEXT_MAX; i++) {
        const struct crowd_group *g = &r->group[i];
        n += snprintf(text + n, sizeof text - (size_t)n, " %llu %llu %llu %llu %llu",
                      (unsigned long long)g->planned, (unsigned long long)g->started,
                      (unsigned long long)g->succeeded, (unsigned long long)g->failed,
                      (unsigned long long)g->not_started);
    }
    enum err e = ask_ok(c->redis, error, "RPUSH %s %s", key(c, "results", k), text);
    return e == OK ? ask_ok(c->redis, error, "EXPIRE %s %d", k, EXPIRE_S) : e;
}

void crowd_close(struct crowd *c)
{
    if (!c)
        return;
    atomic_store(&c->ended, true);
    if (c->looking)
        pthread_join(c->thread, NULL);
    if (c->look)
        redisFree(c->look);
    if (c->redis)
        redisFree(c->redis);
    free(c);
}

/* ---- the coordinator ---- */

static enum err forget(struct crowd *c, char *error)
{
    static const char *const all[] = {"meeting", "joined", "callees", "ready",
                                      "begin",   "steer",  "done",    "results"};
    char k[KEY_MAX];
    enum err e = OK;

    for (size_t i = 0; i < sizeof all / sizeof *all && e == OK; i++)
        e = ask_ok(c->redis, error, "DEL %s", key(c, all[i], k));
    return e;
}

enum err crowd_open(struct crowd **out, const struct crowd_config *config, uint32_t parts,
                    char *error)
{
    char text[80];
    struct crowd *c;
    enum err e = start(&c, config, error);

    if (e != OK)
        return e;
    c->parts = parts;
    snprintf(text, sizeof text, "%u %llu %llu", parts, (unsigned long long)config->seed,
             (unsigned long long)config->suite);
    e = forget(c, error);
    if (e == OK)
        e = put(c, "meeting", text, error);
    if (e != OK) {
        crowd_close(c);
        return e;
    }
    *out = c;
    return OK;
}

enum err crowd_gather(struct crowd *c, uint32_t *ready, bool *begun, char *error)
{
    char k[KEY_MAX], text[TEXT_MAX];
    enum err e = fetch(c->redis, key(c, "ready", k), text, sizeof text, error);

    *begun = false;
    *ready = e == OK ? (uint32_t)strtoul(text, NULL, 10) : 0;
    if (e == ERR_NOT_FOUND || (e == OK && *ready < c->parts))
        return OK;
    snprintf(text, sizeof text, "%llu", (unsigned long long)(wall_ms() + BEGIN_MS));
    if (e == OK)
        e = put(c, "begin", text, error);
    *begun = e == OK;
    return e;
}

enum err crowd_steer(struct crowd *c, double x, bool paused, bool stop, char *error)
{
    char text[64];

    snprintf(text, sizeof text, "%u %u %u", (unsigned)(x * 1000 + 0.5), paused, stop);
    return put(c, "steer", text, error);
}

static bool number(const char **p, uint64_t *out)
{
    char *end;

    *out = strtoull(*p, &end, 10);
    bool ok = end != *p;
    *p = end;
    return ok;
}

static bool read_result(const char *text, struct crowd_result *r)
{
    uint64_t part, code, groups;

    if (!number(&text, &part) || !number(&text, &code) || !number(&text, &r->answered_calls) ||
        !number(&text, &groups) || groups > CROWD_GROUPS_MAX)
        return false;
    r->part = (uint32_t)part;
    r->code = (int)code;
    r->groups = (uint32_t)groups;
    for (uint32_t i = 0; i < r->groups; i++) {
        struct crowd_group *g = &r->group[i];
        if (!number(&text, &g->planned) || !number(&text, &g->started) ||
            !number(&text, &g->succeeded) || !number(&text, &g->failed) ||
            !number(&text, &g->not_started))
            return false;
    }
    return true;
}

enum err crowd_take(struct crowd *c, struct crowd_result *out, char *error)
{
    char k[KEY_MAX];
    redisReply *reply = ask(c->redis, error, "LPOP %s", key(c, "results", k));

    if (!reply)
        return ERR_IO;
    enum err e = reply->type != REDIS_REPLY_STRING ? ERR_NOT_FOUND
                 : read_result(reply->str, out)
                     ? OK
                     : refuse(error, ERR_INVALID, "Redis: a result that is none of ours");
    freeReplyObject(reply);
    return e;
}

enum err crowd_end(struct crowd *c, char *error)
{
    return forget(c, error);
}
