/* One question of a script as one command; one reply as one answer. */
#include "queue/store.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "queue/redis.h"

#define WORDS_MAX  9
#define NUMBER_CAP 24
#define FULL_KEY   (STORE_PREFIX_MAX + STORE_KEY_MAX + 8)

/* What one command of Redis does not do in one step. */
static const char library[] =
    "#!lua name=peal_store\n"
    "local function put(keys, args)\n"
    "  local value, ttl, only, expected = args[1], tonumber(args[2]), args[3], args[4]\n"
    "  if only == 'same' then\n"
    "    if redis.call('GET', keys[1]) ~= expected then return 0 end\n"
    "  elseif only ~= '' and (redis.call('EXISTS', keys[1]) == 1) ~= (only == 'old') then\n"
    "    return 0\n"
    "  end\n"
    "  if ttl > 0 then redis.call('SET', keys[1], value, 'PX', ttl)\n"
    "  else redis.call('SET', keys[1], value) end\n"
    "  return 1\n"
    "end\n"
    "local function expire_first(key, ttl)\n"
    "  if ttl > 0 and redis.call('PTTL', key) == -1 then redis.call('PEXPIRE', key, ttl) end\n"
    "end\n"
    "local function add(keys, args)\n"
    "  local sum = redis.call('INCRBY', keys[1], args[1])\n"
    "  expire_first(keys[1], tonumber(args[2]))\n"
    "  return sum\n"
    "end\n"
    "local function push(keys, args)\n"
    "  local max = tonumber(args[2])\n"
    "  if max > 0 and redis.call('LLEN', keys[1]) >= max then return false end\n"
    "  local n = redis.call('RPUSH', keys[1], args[1])\n"
    "  expire_first(keys[1], tonumber(args[3]))\n"
    "  return n\n"
    "end\n"
    "local function take(keys)\n"
    "  if redis.call('TYPE', keys[1]).ok == 'list' then return redis.call('LPOP', keys[1]) end\n"
    "  return redis.call('GETDEL', keys[1])\n"
    "end\n"
    "local function unlock(keys, args)\n"
    "  if redis.call('GET', keys[1]) ~= args[1] then return 0 end\n"
    "  return redis.call('DEL', keys[1])\n"
    "end\n"
    "local function lock(keys, args)\n"
    "  local has = redis.call('GET', keys[1])\n"
    "  if has and has ~= args[1] then return 0 end\n"
    "  redis.call('SET', keys[1], args[1], 'PX', args[2])\n"
    "  return 1\n"
    "end\n"
    "redis.register_function('peal_put', put)\n"
    "redis.register_function('peal_add', add)\n"
    "redis.register_function('peal_push', push)\n"
    "redis.register_function('peal_take', take)\n"
    "redis.register_function('peal_lock', lock)\n"
    "redis.register_function('peal_unlock', unlock)\n";

struct store {
    struct redis *redis;
    char prefix[STORE_PREFIX_MAX + 1];
    char *prepare;
    struct flow_store for_flows;
    struct pool questions;
    void (*on_state)(void *arg, bool up, const char *why);
    void *arg;
};

struct question {
    struct store *store;
    enum store_op op;
    flow_answer_fn *answered;
    void *arg;
};

/* ---- answers ---- */

static enum err err_of(const char *text)
{
    if (strstr(text, "WRONGTYPE") || strstr(text, "not an integer"))
        return ERR_INVALID;
    if (strstr(text, "overflow"))
        return ERR_TOO_LONG;
    return ERR_IO;
}

static void read_list(const redisReply *reply, struct slice *items, struct flow_answer *a)
{
    a->kind = ANSWER_LIST;
    a->items = items;
    for (size_t i = 0; i < reply->elements && a->count < STORE_ITEMS_MAX; i++)
        if (reply->element[i]->type == REDIS_REPLY_STRING)
            items[a->count++] = slice_of(reply->element[i]->str, reply->element[i]->len);
}

static void on_reply(void *arg, const struct redisReply *reply)
{
    struct question *asked = arg, q = *asked;
    struct slice items[STORE_ITEMS_MAX];
    struct flow_answer a = {.err = ERR_CLOSED,
                            .why = "the connection to Redis was lost; whether "
                                   "it was done is not known"};

    pool_put(&q.store->questions, asked);
    if (reply)
        a = (struct flow_answer){0};
    if (reply)
        switch (reply->type) {
        case REDIS_REPLY_ERROR:
            a.err = err_of(reply->str);
            a.why = reply->str;
            break;
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            a.kind = ANSWER_TEXT;
            a.text = slice_of(reply->str, reply->len);
            break;
        case REDIS_REPLY_INTEGER:
            a.kind = ANSWER_NUMBER;
            a.number = reply->integer;
            break;
        case REDIS_REPLY_ARRAY:
            read_list(reply, items, &a);
            break;
        default:
            break;
        }
    q.answered(q.arg, &a);
}

/* ---- questions ---- */

struct words {
    struct slice w[WORDS_MAX];
    uint32_t n;
    char number[3][NUMBER_CAP];
    uint32_t numbers;
};

static void word(struct words *c, struct slice s)
{
    c->w[c->n++] = s;
}

static void number(struct words *c, int64_t v)
{
    char *text = c->number[c->numbers++];

    word(c, slice_of(text, (size_t)snprintf(text, NUMBER_CAP, "%lld", (long long)v)));
}

static void function(struct words *c, const char *name, struct slice key)
{
    word(c, SLICE("FCALL"));
    word(c, slice_cstr(name));
    word(c, SLICE("1"));
    word(c, key);
}

static void say(struct words *c, const struct store_ask *ask, struct slice key)
{
    static const char *const only[] = {"", "new", "old", "same"};

    switch (ask->op) {
    case STORE_GET:
        word(c, SLICE("GET"));
        word(c, key);
        break;
    case STORE_PUT:
        function(c, "peal_put", key);
        word(c, ask->value);
        number(c, (int64_t)ask->ttl_ms);
        word(c, slice_cstr(only[ask->only]));
        word(c, ask->expected);
        break;
    case STORE_ADD:
        function(c, "peal_add", key);
        number(c, ask->by);
        number(c, (int64_t)ask->ttl_ms);
        break;
    case STORE_PUSH:
        function(c, "peal_push", key);
        word(c, ask->value);
        number(c, ask->max);
        number(c, (int64_t)ask->ttl_ms);
        break;
    case STORE_TAKE:
        function(c, "peal_take", key);
        break;
    case STORE_LIST:
        word(c, SLICE("LRANGE"));
        word(c, key);
        number(c, 0);
        number(c, ask->max && ask->max < STORE_ITEMS_MAX ? ask->max - 1 : STORE_ITEMS_MAX - 1);
        break;
    case STORE_REMOVE:
        word(c, ask->value.p ? SLICE("LREM") : SLICE("DEL"));
        word(c, key);
        if (ask->value.p) {
            number(c, 0);
            word(c, ask->value);
        }
        break;
    case STORE_LOCK:
        function(c, "peal_lock", key);
        word(c, ask->token);
        number(c, (int64_t)ask->ttl_ms);
        break;
    case STORE_UNLOCK:
        function(c, "peal_unlock", key);
        word(c, ask->token);
        break;
    }
}

static enum err ask_redis(void *arg, const struct store_ask *ask, flow_answer_fn *answered,
                          void *answered_arg)
{
    struct store *s = arg;
    struct words c = {.n = 0};
    char key[FULL_KEY];
    bool lock = ask->op == STORE_LOCK || ask->op == STORE_UNLOCK;
    int n = snprintf(key, sizeof key, "%s%s" SLICE_FMT, s->prefix, lock ? "lock:" : "",
                     SLICE_ARG(ask->key));

    if (ask->key.len > STORE_KEY_MAX || ask->value.len > STORE_VALUE_MAX)
        return ERR_TOO_LONG;
    struct question *q = pool_get(&s->questions);
    if (!q)
        return ERR_FULL;
    *q = (struct question){s, ask->op, answered, answered_arg};
    say(&c, ask, slice_of(key, (size_t)n));
    enum err e = redis_command(s->redis, on_reply, q, c.n, c.w);
    if (e != OK)
        pool_put(&s->questions, q);
    return e;
}

/* ---- open and close ---- */

static void on_state(void *arg, bool up, const char *why)
{
    struct store *s = arg;

    if (s->on_state)
        s->on_state(s->arg, up, why);
}

static bool prepare(struct store *s, struct slice *out)
{
    const struct slice argv[] = {SLICE("FUNCTION"), SLICE("LOAD"), SLICE("REPLACE"),
                                 SLICE(library)};
    size_t n = redis_format(NULL, 0, 4, argv);

    s->prepare = malloc(n);
    if (!s->prepare)
        return false;
    redis_format(s->prepare, n, 4, argv);
    *out = slice_of(s->prepare, n);
    return true;
}

enum err store_open(struct store **out, const struct store_config *config)
{
    const char *prefix = config->prefix ? config->prefix : STORE_PREFIX_DEFAULT;
    struct store *s = calloc(1, sizeof *s);
    struct redis_config redis = {
        .loop = config->loop, .url = config->url, .on_state = on_state, .arg = s};
    enum err e = s ? slice_copy(slice_cstr(prefix), s->prefix, sizeof s->prefix) : ERR_NOMEM;

    if (e != OK) {
        free(s);
        return e == ERR_TOO_LONG ? ERR_INVALID : e;
    }
    s->on_state = config->on_state;
    s->arg = config->arg;
    s->for_flows = (struct flow_store){s, ask_redis};
    e = pool_init(&s->questions, sizeof(struct question), STORE_IN_FLIGHT_MAX);
    if (e == OK && !prepare(s, &redis.prepare))
        e = ERR_NOMEM;
    if (e == OK)
        e = redis_open(&s->redis, &redis);
    if (e != OK) {
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    redis_close(s->redis);
    pool_fini(&s->questions);
    free(s->prepare);
    free(s);
}

const struct flow_store *store_for_flows(const struct store *s)
{
    return &s->for_flows;
}

bool store_up(const struct store *s)
{
    return redis_up(s->redis);
}

const char *store_error(const struct store *s)
{
    return redis_error(s->redis);
}

uint32_t store_in_flight(const struct store *s)
{
    return s->questions.used;
}
