/* The coordinator of the meeting in Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/crowd_inner.h"

#define BEGIN_MS    500   /* from the last one's being ready to the beginning */
#define PRESENCE_MS 100   /* between looks who is there */
#define GONE_MS     1000  /* without a connection, before a process counts as gone */
#define SILENT_MS   30000 /* connected and without a sign: its machine is gone, or it hangs */

static uint64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum err forget(struct crowd *c, char *error)
{
    static const char *const all[] = {"meeting", "joined", "callees", "ready",  "begin",
                                      "steer",   "done",   "results", "present"};
    char k[CROWD_KEY_MAX];
    enum err e = OK;

    for (size_t i = 0; i < sizeof all / sizeof *all && e == OK; i++)
        e = crowd_ask_ok(c->redis, error, "DEL %s", crowd_key(c, all[i], k));
    return e;
}

enum err crowd_open(struct crowd **out, const struct crowd_config *config, uint32_t parts,
                    char *error)
{
    char text[80];
    struct crowd *c;
    enum err e = crowd_start(&c, config, error);

    if (e != OK)
        return e;
    c->parts = parts;
    c->x = 1;
    snprintf(text, sizeof text, "%u %llu %llu", parts, (unsigned long long)config->seed,
             (unsigned long long)config->suite);
    e = forget(c, error);
    if (e == OK)
        e = crowd_put(c, "meeting", text, error);
    if (e != OK) {
        crowd_close(c);
        return e;
    }
    *out = c;
    return OK;
}

enum err crowd_gather(struct crowd *c, uint32_t *ready, bool *begun, char *error)
{
    char k[CROWD_KEY_MAX], text[CROWD_TEXT_MAX];
    enum err e = crowd_fetch(c->redis, crowd_key(c, "ready", k), text, sizeof text, error);

    *begun = false;
    *ready = e == OK ? (uint32_t)strtoul(text, NULL, 10) : 0;
    if (e == ERR_NOT_FOUND || (e == OK && *ready < c->parts))
        return OK;
    snprintf(text, sizeof text, "%llu", (unsigned long long)(wall_ms() + BEGIN_MS));
    if (e == OK)
        e = crowd_put(c, "begin", text, error);
    *begun = e == OK;
    return e;
}

static enum err tell(struct crowd *c, char *error)
{
    char text[64];

    snprintf(text, sizeof text, "%u %u %u %u", (unsigned)(c->x * 1000 + 0.5), c->is_paused,
             c->is_stopped, c->lost_count);
    return crowd_put(c, "steer", text, error);
}

enum err crowd_steer(struct crowd *c, double x, bool paused, bool stop, char *error)
{
    c->x = x;
    c->is_paused = paused;
    c->is_stopped |= stop;
    return tell(c, error);
}

/* ---- who is there ---- */

/* What each says of itself. */
static enum err read_presence(struct crowd *c, uint64_t now_ms, char *error)
{
    char k[CROWD_KEY_MAX];
    redisReply *reply = crowd_ask(c->redis, error, "HGETALL %s", crowd_key(c, "present", k));

    if (!reply)
        return ERR_IO;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        unsigned long part = strtoul(reply->element[i]->str, NULL, 10);
        struct crowd_presence *p = &c->presence[part < c->parts ? part : 0];
        const char *text = reply->element[i + 1]->str;
        if (part >= c->parts || strcmp(p->text, text) == 0)
            continue;
        snprintf(p->text, sizeof p->text, "%s", text);
        p->changed_ms = now_ms;
        p->known = true;
    }
    freeReplyObject(reply);
    return OK;
}

/* Whether "id=N " stands at the beginning of a line of CLIENT LIST. */
static bool is_listed(const char *list, const char *present)
{
    char wanted[CROWD_PRESENT + 8];
    const char *at = list;

    snprintf(wanted, sizeof wanted, "id=%.*s ", (int)strcspn(present, ":"), present);
    while ((at = strstr(at, wanted)) && at != list && at[-1] != '\n')
        at++;
    return at != NULL;
}

enum err crowd_lost(struct crowd *c, uint32_t *part, char *error)
{
    uint64_t now_ms = crowd_steady_ms();

    if (now_ms < c->looked_ms + PRESENCE_MS)
        return ERR_NOT_FOUND;
    c->looked_ms = now_ms;
    redisReply *list = NULL;
    enum err e = read_presence(c, now_ms, error);
    if (e == OK && !(list = crowd_ask(c->redis, error, "CLIENT LIST TYPE normal")))
        e = ERR_IO;
    for (uint32_t i = 0; e == OK && i < c->parts; i++) {
        struct crowd_presence *p = &c->presence[i];
        if (!p->known || p->ended || p->lost)
            continue;
        if (is_listed(list->str, p->text))
            p->gone_ms = 0;
        else if (!p->gone_ms)
            p->gone_ms = now_ms;
        p->lost =
            (p->gone_ms && now_ms >= p->gone_ms + GONE_MS) || now_ms >= p->changed_ms + SILENT_MS;
        if (!p->lost)
            continue;
        *part = i;
        freeReplyObject(list);
        return OK;
    }
    if (list)
        freeReplyObject(list);
    return e == OK ? ERR_NOT_FOUND : e;
}

enum err crowd_go_on(struct crowd *c, bool begun, char *error)
{
    char k[CROWD_KEY_MAX];

    if (!begun)
        return crowd_put(c, "begin", CROWD_GIVEN_UP, error);
    c->lost_count++;
    enum err e = crowd_ask_ok(c->redis, error, "INCR %s", crowd_key(c, "done", k));
    return e == OK ? tell(c, error) : e;
}

/* ---- results ---- */

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
        !number(&text, &groups) || groups > CROWD_GROUPS_MAX || part >= CROWD_PARTS_MAX)
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
    char k[CROWD_KEY_MAX];
    redisReply *reply = crowd_ask(c->redis, error, "LPOP %s", crowd_key(c, "results", k));

    if (!reply)
        return ERR_IO;
    enum err e = reply->type != REDIS_REPLY_STRING ? ERR_NOT_FOUND
                 : read_result(reply->str, out)
                     ? OK
                     : crowd_refuse(error, ERR_INVALID, "Redis: a result that is none of ours");
    freeReplyObject(reply);
    if (e == OK)
        c->presence[out->part].ended = true;
    return e;
}

enum err crowd_end(struct crowd *c, char *error)
{
    return forget(c, error);
}
