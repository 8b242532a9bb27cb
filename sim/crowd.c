/* A process of the meeting in Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crowd_inner.h"

#define LOOK_US  20000
#define STEER_US 100000
#define BEAT     10 /* looks */

/* As fetch, but waits until somebody has put it there. */
static enum err await(redisContext *r, const char *k, char *dst, size_t cap, const char *what,
                      char *error)
{
    uint64_t until = crowd_steady_ms() + CROWD_WAIT_S * 1000;
    enum err e;

    while ((e = crowd_fetch(r, k, dst, cap, error)) == ERR_NOT_FOUND) {
        if (crowd_steady_ms() >= until)
            return crowd_refuse(error, ERR_TIMEOUT, "waited %d s for %s", CROWD_WAIT_S, what);
        crowd_pause_us(LOOK_US);
    }
    return e;
}

static enum err take_place(struct crowd *c, const struct crowd_config *config, char *error)
{
    char k[CROWD_KEY_MAX], text[CROWD_TEXT_MAX];
    unsigned long long seed, suite;
    unsigned parts;

    enum err e = await(c->redis, crowd_key(c, "meeting", k), text, sizeof text,
                       "`peal-sim coordinate` to open the run", error);
    if (e != OK)
        return e;
    if (sscanf(text, "%u %llu %llu", &parts, &seed, &suite) != 3 || parts < 1 ||
        parts > CROWD_PARTS_MAX)
        return crowd_refuse(error, ERR_INVALID, "Redis: the run %s is none of ours", c->name);
    if (seed != config->seed || suite != config->suite)
        return crowd_refuse(error, ERR_INVALID,
                            "the coordinator of %s plays another suite or seed (its seed is %llu)",
                            c->name, seed);
    redisReply *reply = crowd_ask(c->redis, error, "INCR %s", crowd_key(c, "joined", k));
    if (!reply)
        return ERR_IO;
    c->part = (uint32_t)reply->integer - 1;
    c->parts = parts;
    bool room = reply->integer >= 1 && reply->integer <= parts;
    freeReplyObject(reply);
    return room ? OK
                : crowd_refuse(error, ERR_FULL, "all %u places of the run %s are taken", parts,
                               c->name);
}

/* Says that we are there, by the connection that ends with us. A beat tells one that hangs. */
static enum err present(struct crowd *c, unsigned beat, char *error)
{
    char k[CROWD_KEY_MAX];
    redisReply *reply = crowd_ask(c->look, error, "CLIENT ID");

    if (!reply)
        return ERR_IO;
    long long id = reply->integer;
    freeReplyObject(reply);
    return crowd_ask_ok(c->look, error, "HSET %s %u %lld:%u", crowd_key(c, "present", k), c->part,
                        id, beat);
}

/* Says that our callers are done, once, and hears whether all are. */
static void look_done(struct crowd *c, bool *said)
{
    char k[CROWD_KEY_MAX], text[64], error[CROWD_ERROR_MAX];

    crowd_key(c, "done", k);
    if (!*said)
        *said = crowd_ask_ok(c->look, error, "INCR %s", k) == OK;
    if (*said && crowd_fetch(c->look, k, text, sizeof text, error) == OK &&
        strtoul(text, NULL, 10) >= c->parts)
        atomic_store(&c->all_done, true);
}

/* Writes what it finds where the loop looks. A Redis that does not answer changes nothing. */
static void *look(void *arg)
{
    struct crowd *c = arg;
    char k[CROWD_KEY_MAX], text[CROWD_TEXT_MAX], last[CROWD_TEXT_MAX] = "", error[CROWD_ERROR_MAX];
    unsigned milli, paused, stop, lost, looks = 0, beats = 0;
    bool said = false;

    crowd_key(c, "steer", k);
    while (!atomic_load(&c->ended)) {
        crowd_pause_us(STEER_US);
        if (c->look->err) {
            looks = 0; /* another connection: it is said at once */
            if (redisReconnect(c->look) != REDIS_OK)
                continue;
        }
        if (looks++ % BEAT == 0)
            present(c, ++beats, error);
        if (atomic_load(&c->done) && !atomic_load(&c->all_done))
            look_done(c, &said);
        if (crowd_fetch(c->look, k, text, sizeof text, error) != OK || strcmp(text, last) == 0 ||
            sscanf(text, "%u %u %u %u", &milli, &paused, &stop, &lost) != 4)
            continue;
        memcpy(last, text, sizeof last);
        atomic_store(&c->milli, milli);
        atomic_store(&c->paused, paused != 0);
        atomic_store(&c->stop, stop != 0);
        atomic_store(&c->lost, lost);
        atomic_store(&c->changed, true);
    }
    return NULL;
}

enum err crowd_join(struct crowd **out, const struct crowd_config *config, const char *address,
                    char *error)
{
    char k[CROWD_KEY_MAX];
    struct crowd *c;
    enum err e = crowd_start(&c, config, error);

    if (e != OK)
        return e;
    e = take_place(c, config, error);
    if (e == OK)
        e = crowd_dial(&c->look, config->url, error);
    if (e == OK)
        e = present(c, 0, error);
    if (e == OK && c->part == 0)
        e = crowd_put(c, "callees", address, error);
    if (e == OK)
        e = await(c->redis, crowd_key(c, "callees", k), c->callees, sizeof c->callees,
                  "the first process to answer", error);
    if (e == OK && (c->looking = pthread_create(&c->thread, NULL, look, c) == 0) == false)
        e = crowd_refuse(error, ERR_NOMEM, "no thread to look how the run is steered");
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

enum err crowd_ready(struct crowd *c, uint64_t *begin_wall_ms, char *error)
{
    char k[CROWD_KEY_MAX], text[CROWD_TEXT_MAX];
    enum err e = crowd_ask_ok(c->redis, error, "INCR %s", crowd_key(c, "ready", k));

    if (e == OK)
        e = await(c->redis, crowd_key(c, "begin", k), text, sizeof text, "the other processes",
                  error);
    if (e != OK)
        return e;
    if (strcmp(text, CROWD_GIVEN_UP) == 0)
        return crowd_refuse(error, ERR_CLOSED, "another process was gone before the beginning");
    *begin_wall_ms = strtoull(text, NULL, 10);
    return OK;
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

uint32_t crowd_lost_parts(const struct crowd *c)
{
    return atomic_load(&c->lost);
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
    char k[CROWD_KEY_MAX], text[CROWD_TEXT_MAX + 128];
    int n = snprintf(text, sizeof text, "%u %d %llu %u", c->part, r->code,
                     (unsigned long long)r->answered_calls, r->groups);

    for (uint32_t i = 0; i < r->groups && n < CROWD_TEXT_MAX; i++) {
        const struct crowd_group *g = &r->group[i];
        n += snprintf(text + n, sizeof text - (size_t)n, " %llu %llu %llu %llu %llu",
                      (unsigned long long)g->planned, (unsigned long long)g->started,
                      (unsigned long long)g->succeeded, (unsigned long long)g->failed,
                      (unsigned long long)g->not_started);
    }
    enum err e = crowd_ask_ok(c->redis, error, "RPUSH %s %s", crowd_key(c, "results", k), text);
    return e == OK ? crowd_ask_ok(c->redis, error, "EXPIRE %s %d", k, CROWD_EXPIRE_S) : e;
}
