/* What a process and the coordinator have in common: asking Redis. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "sim/crowd_inner.h"

#define ANSWER_S 5 /* of Redis */

enum err crowd_refuse(char *error, enum err e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(error, CROWD_ERROR_MAX, fmt, ap);
    va_end(ap);
    return e;
}

void crowd_pause_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

uint64_t crowd_steady_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum err crowd_dial(redisContext **out, const char *url, char *error)
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
            return crowd_refuse(error, ERR_INVALID, "--redis %.100s: write redis://HOST:PORT/DB",
                                url);
        r = redisConnectWithTimeout(host, port, limit);
    } else {
        return crowd_refuse(error, ERR_INVALID,
                            "--redis %.100s: write redis://HOST[:PORT][/DB] or unix:/PATH", url);
    }
    if (!r || r->err) {
        crowd_refuse(error, ERR_IO, "--redis %.100s: %.100s", url, r ? r->errstr : "no memory");
        if (r)
            redisFree(r);
        return ERR_IO;
    }
    redisSetTimeout(r, limit);
    redisReply *chosen = db ? redisCommand(r, "SELECT %d", db) : NULL;
    if (db && (!chosen || chosen->type == REDIS_REPLY_ERROR)) {
        crowd_refuse(error, ERR_IO, "--redis %.100s: there is no database %d", url, db);
        freeReplyObject(chosen);
        redisFree(r);
        return ERR_IO;
    }
    freeReplyObject(chosen);
    *out = r;
    return OK;
}

const char *crowd_key(const struct crowd *c, const char *what, char *dst)
{
    snprintf(dst, CROWD_KEY_MAX, "peal-sim:{%s}:%s", c->name, what);
    return dst;
}

redisReply *crowd_ask(redisContext *r, char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    redisReply *reply = redisvCommand(r, fmt, ap);
    va_end(ap);
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    crowd_refuse(error, ERR_IO, "Redis: %.150s", reply ? reply->str : r->errstr);
    if (reply)
        freeReplyObject(reply);
    return NULL;
}

enum err crowd_ask_ok(redisContext *r, char *error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    redisReply *reply = redisvCommand(r, fmt, ap);
    va_end(ap);
    enum err e = reply && reply->type != REDIS_REPLY_ERROR
                     ? OK
                     : crowd_refuse(error, ERR_IO, "Redis: %.150s", reply ? reply->str : r->errstr);
    if (reply)
        freeReplyObject(reply);
    return e;
}

enum err crowd_put(struct crowd *c, const char *what, const char *text, char *error)
{
    char k[CROWD_KEY_MAX];

    return crowd_ask_ok(c->redis, error, "SET %s %s EX %d", crowd_key(c, what, k), text,
                        CROWD_EXPIRE_S);
}

enum err crowd_fetch(redisContext *r, const char *k, char *dst, size_t cap, char *error)
{
    redisReply *reply = crowd_ask(r, error, "GET %s", k);

    if (!reply)
        return ERR_IO;
    enum err e = reply->type == REDIS_REPLY_STRING ? OK : ERR_NOT_FOUND;
    if (e == OK)
        snprintf(dst, cap, "%s", reply->str);
    freeReplyObject(reply);
    return e;
}

enum err crowd_start(struct crowd **out, const struct crowd_config *config, char *error)
{
    struct crowd *c = calloc(1, sizeof *c);

    if (!c)
        return crowd_refuse(error, ERR_NOMEM, "no memory");
    if ((size_t)snprintf(c->name, sizeof c->name, "%s", config->name) >= sizeof c->name ||
        !c->name[0] || strpbrk(c->name, "{} \t")) {
        free(c);
        return crowd_refuse(error, ERR_INVALID,
                            "--run: a name of 1 to 79 characters without spaces");
    }
    enum err e = crowd_dial(&c->redis, config->url, error);
    if (e != OK) {
        free(c);
        return e;
    }
    *out = c;
    return OK;
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
