/* What scripts keep between calls: store.* (flow/store.h). Numbers and texts are stored as they
 * read and come back as texts; a table is stored as JSON and comes back as a table. So that every
 * text comes back as it went, one that begins like JSON is stored as a JSON string. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "flow/ops.h"

#define LIMIT_S    5.0
#define DAY_S      86400.0
#define LOCK_TTL_S 30.0
#define LOCK_AGAIN 0.05 /* seconds between two tries at a lock that is another's */

const char *store_op_name(enum store_op op)
{
    static const char *const names[] = {"get",  "put",    "add",  "push",  "take",
                                        "list", "remove", "lock", "unlock"};

    return names[op];
}

/* ---- values ---- */

static bool looks_like_json(struct slice s)
{
    return s.len > 0 && strchr("{[\"", s.p[0]) && s.p[0];
}

static void push_value(lua_State *L, struct slice s)
{
    if (!looks_like_json(s) || !lua_from_json(L, s))
        lua_pushlstring(L, s.p ? s.p : "", s.len);
}

/* The value at index, as it is stored. Texts stay on the stack; others are in the scratch. */
static struct slice value_of(lua_State *L, struct flow *f, int index)
{
    size_t len;

    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING: {
        const char *s = lua_tolstring(L, index, &len);
        if (len > STORE_VALUE_MAX)
            luaL_error(L, "a value is at most %d bytes", STORE_VALUE_MAX);
        if (!looks_like_json(slice_of(s, len)))
            return slice_of(s, len);
        return lua_to_json(L, f->rt, index);
    }
    case LUA_TTABLE:
        return lua_to_json(L, f->rt, index);
    default:
        luaL_error(L, "a stored value is a text, a number or a table, not a %s",
                   luaL_typename(L, index));
    }
    return SLICE_NONE;
}

static struct slice key_of(lua_State *L)
{
    size_t len;
    const char *s = luaL_checklstring(L, 1, &len);

    if (len == 0 || len > STORE_KEY_MAX)
        luaL_error(L, "a key has 1 to %d bytes, this has %d", STORE_KEY_MAX, (int)len);
    return slice_of(s, len);
}

static uint64_t ttl_of(lua_State *L, int index, double otherwise)
{
    double s = opt_number(L, index, "ttl", otherwise, 0, 3650 * DAY_S);

    if (s > 0 && s < 0.001)
        luaL_error(L, "ttl is in seconds, at least 0.001");
    return (uint64_t)(s * 1000 + 0.5);
}

/* ---- asking ---- */

/* Locks carry who has them: this engine's runtime and this call. */
static struct slice token_of(const struct flow_runtime *rt, uint64_t leg, char text[64])
{
    int n = snprintf(text, 64, "%016llx-%llu", (unsigned long long)rt->store_token,
                     (unsigned long long)leg);

    return slice_of(text, (size_t)n);
}

static void on_dropped(struct flow_op *op, const struct flow_answer *a)
{
    if (a->err == OK)
        return;
    op->rt->stats.store_lost++;
    log_warn("flow", "what a script that had ended wanted to store may be lost",
             "leg=%llu key=\"%s\" why=%s", (unsigned long long)op->leg, op->key, err_name(a->err));
}

/* A lock that came when its call had gone is given back. */
static void on_late_lock(struct flow_op *op, const struct flow_answer *a)
{
    const struct flow_store *store = op->rt->store;
    char token[64];
    struct store_ask ask = {
        .op = STORE_UNLOCK, .key = slice_cstr(op->key), .token = token_of(op->rt, op->leg, token)};

    if (a->err != OK || a->number != 1)
        return;
    struct flow_op *again = ops_spare(op->rt);
    if (again && store->ask(store->arg, &ask, op_answered, again) != OK)
        op_cancel(again);
}

/* ---- locks that a call has, given back at its end ---- */

struct held_lock {
    struct held_lock *next;
    char key[STORE_KEY_MAX + 1];
};

/* Without memory for it, the lock still ends by its ttl. */
static void hold(struct flow *f, struct slice key)
{
    struct held_lock *h = malloc(sizeof *h);

    if (!h)
        return;
    slice_copy(key, h->key, sizeof h->key);
    h->next = f->locks;
    f->locks = h;
}

static void let_go(struct flow *f, struct slice key)
{
    for (struct held_lock **at = &f->locks; *at; at = &(*at)->next)
        if (slice_eq(slice_cstr((*at)->key), key)) {
            struct held_lock *h = *at;
            *at = h->next;
            free(h);
            return;
        }
}

static enum err send_ask(struct flow *f, const struct store_ask *ask, bool waits);

void store_release(struct flow *f, bool tell)
{
    char token[64];

    while (f->locks) {
        struct held_lock *h = f->locks;
        struct store_ask ask = {
            .op = STORE_UNLOCK, .key = slice_cstr(h->key), .token = token_of(f->rt, f->leg, token)};
        f->locks = h->next;
        if (tell)
            send_ask(f, &ask, false);
        free(h);
    }
}

static int answer_of(lua_State *L, struct flow *f, enum store_op op);
static int lock_again(lua_State *L, struct flow *f);

static int store_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    enum store_op op = (enum store_op)ctx;

    (void)status;
    verb_check(L, f);
    if (f->answer)
        return answer_of(L, f, op);
    if (!f->timed_out)
        return verb_wait(L, ctx, store_k);
    if (!f->op) /* a lock that is tried again */
        return lock_again(L, f);
    op_forget(f);
    verb_done(f);
    f->rt->stats.store_failed++;
    return verb_refused(L, ERR_TIMEOUT, NULL);
}

static int answer_of(lua_State *L, struct flow *f, enum store_op op)
{
    const struct flow_answer *a = f->answer;

    f->answer = NULL;
    if (op == STORE_LOCK && a->err == OK && a->number == 0 &&
        f->at.began_ms > (double)loop_now_ms(f->rt->loop)) {
        verb_limit(f, LOCK_AGAIN);
        return verb_wait(L, op, store_k);
    }
    verb_done(f);
    if (a->err != OK) {
        f->rt->stats.store_failed++;
        return verb_refused(L, a->err, a->why);
    }
    switch (op) {
    case STORE_LOCK:
        if (a->number != 1)
            return verb_outcome(L, "locked");
        hold(f, key_of(L));
        lua_pushboolean(L, true);
        return 1;
    case STORE_PUT:
    case STORE_UNLOCK:
        lua_pushboolean(L, a->number == 1);
        return 1;
    case STORE_PUSH:
        if (a->kind == ANSWER_NOTHING)
            return verb_outcome(L, "full");
        break;
    default:
        break;
    }
    switch (a->kind) {
    case ANSWER_NUMBER:
        lua_pushinteger(L, a->number);
        return 1;
    case ANSWER_TEXT:
        push_value(L, a->text);
        return 1;
    case ANSWER_LIST:
        lua_createtable(L, (int)a->count, 0);
        for (uint32_t i = 0; i < a->count; i++) {
            budget_charge(L, 8);
            push_value(L, a->items[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        return 1;
    case ANSWER_NOTHING:
        break;
    }
    lua_pushnil(L);
    return 1;
}

static enum err send_ask(struct flow *f, const struct store_ask *ask, bool waits)
{
    const struct flow_store *store = f->rt->store;
    struct flow_op *op = op_begin(f, waits);

    if (!op)
        return ERR_FULL;
    op->leg = f->leg;
    if (slice_copy(ask->key, op->key, sizeof op->key) != OK)
        op->key[0] = '\0';
    op->late = ask->op == STORE_LOCK ? on_late_lock : waits ? NULL : on_dropped;
    enum err e = store->ask(store->arg, ask, op_answered, op);
    if (e != OK)
        op_cancel(op);
    else
        f->rt->stats.store_asked++;
    return e;
}

static int ask_store(lua_State *L, struct flow *f, const struct store_ask *ask, bool waits,
                     double limit)
{
    if (!f->rt->store)
        flow_fail(L, "store.%s: no store is configured here", store_op_name(ask->op));
    if (!waits && (ask->op == STORE_GET || ask->op == STORE_TAKE || ask->op == STORE_LIST ||
                   ask->op == STORE_LOCK))
        return luaL_error(L, "call:finally cannot wait for store.%s", store_op_name(ask->op));
    enum err e = send_ask(f, ask, waits);
    if (e != OK) {
        f->rt->stats.store_failed++;
        return verb_refused(L, e, NULL);
    }
    if (!waits) {
        lua_pushboolean(L, true);
        return 1;
    }
    verb_limit(f, limit);
    return store_k(L, LUA_OK, ask->op);
}

static double limit_of(lua_State *L, int index)
{
    return opt_number(L, index, "limit", LIMIT_S, 0.001, 60);
}

/* ---- verbs ---- */

/*@both store.get(key [, { limit = 5 }])
 * What is stored under a key (1 to 200 bytes): a text, or the table that was stored; nil when there
 * is nothing. All of store.* waits for its answer `limit` seconds and returns nil, an outcome and a
 * sentence when there is none: "timeout" (whether it was done is not known), "unavailable" (Redis
 * is away), "busy" (too much is under way), "wrong_type" (a list where a value is asked for),
 * "failed". What one call does is one step for all calls and engines. In call:finally put, add,
 * push, remove and unlock are sent without waiting.
 */
static int verb_get(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);

    opt_only(L, 2, options);
    return ask_store(L, f, &(struct store_ask){.op = STORE_GET, .key = key_of(L)}, waits,
                     limit_of(L, 2));
}

/*@both store.put(key, value [, { ttl = s, only = "new"|"old", same = value, limit = 5 }])
 * Stores a text, a number (it comes back as a text) or a table (as JSON; at most 64 KiB) for `ttl`
 * seconds, or for good. only = "new": when there is nothing yet; "old": when there is something;
 * `same`: when what is there is that. Returns true, or false when the condition did not hold.
 */
static int verb_put(lua_State *L)
{
    static const char *const options[] = {"ttl", "only", "same", "limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct store_ask ask = {.op = STORE_PUT, .key = key_of(L)};

    luaL_checkany(L, 2);
    lua_settop(L, 3);
    opt_only(L, 3, options);
    ask.ttl_ms = ttl_of(L, 3, 0);
    double limit = limit_of(L, 3);
    const char *only = opt_string(L, 3, "only", "");
    if (strcmp(only, "new") == 0)
        ask.only = STORE_IF_NEW;
    else if (strcmp(only, "old") == 0)
        ask.only = STORE_IF_OLD;
    else if (*only)
        return luaL_error(L, "only is '%s': it must be new or old", only);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "same") != LUA_TNIL) {
        ask.only = STORE_IF_SAME;
        struct slice same = value_of(L, f, 4);
        lua_pushlstring(L, same.p ? same.p : "", same.len); /* the scratch is used again below */
        size_t len;
        ask.expected.p = lua_tolstring(L, -1, &len);
        ask.expected.len = (uint32_t)len;
    }
    ask.value = value_of(L, f, 2);
    return ask_store(L, f, &ask, waits, limit);
}

/*@both store.add(key [, number [, { ttl = s, limit = 5 }]])
 * Adds a whole number (1 when not given; it may be negative) to what is stored, 0 when nothing is,
 * and returns the sum. `ttl` holds from the first addition on.
 */
static int verb_add(lua_State *L)
{
    static const char *const options[] = {"ttl", "limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct store_ask ask = {.op = STORE_ADD, .key = key_of(L), .by = luaL_optinteger(L, 2, 1)};

    opt_only(L, 3, options);
    ask.ttl_ms = ttl_of(L, 3, 0);
    return ask_store(L, f, &ask, waits, limit_of(L, 3));
}

/*@both store.push(key, value [, { max = n, ttl = s, limit = 5 }])
 * Puts a value at the end of a list and returns its length; nil and "full" when it has `max` items.
 * `ttl` holds from the first item on.
 */
static int verb_push(lua_State *L)
{
    static const char *const options[] = {"max", "ttl", "limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct store_ask ask = {.op = STORE_PUSH, .key = key_of(L)};

    luaL_checkany(L, 2);
    lua_settop(L, 3);
    opt_only(L, 3, options);
    ask.max = (uint32_t)opt_number(L, 3, "max", 0, 0, 1e9);
    ask.ttl_ms = ttl_of(L, 3, 0);
    double limit = limit_of(L, 3);
    ask.value = value_of(L, f, 2);
    return ask_store(L, f, &ask, waits, limit);
}

/*@both store.take(key [, { limit = 5 }])
 * Gives out a value and removes it in one step, so that nobody else gets it too; of a list, its
 * oldest item. nil when there is nothing.
 */
static int verb_take(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);

    opt_only(L, 2, options);
    return ask_store(L, f, &(struct store_ask){.op = STORE_TAKE, .key = key_of(L)}, waits,
                     limit_of(L, 2));
}

/*@both store.list(key [, { max = 100, limit = 5 }])
 * The items of a list, oldest first, at most `max` (up to 1000); an empty table when there is none.
 */
static int verb_list(lua_State *L)
{
    static const char *const options[] = {"max", "limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct store_ask ask = {.op = STORE_LIST, .key = key_of(L)};

    opt_only(L, 2, options);
    ask.max = (uint32_t)opt_number(L, 2, "max", 100, 1, STORE_ITEMS_MAX);
    return ask_store(L, f, &ask, waits, limit_of(L, 2));
}

/*@both store.remove(key [, value [, { limit = 5 }]])
 * Removes what is stored under a key; with a value, the items of the list that are equal to it.
 * Returns how many went.
 */
static int verb_remove(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct store_ask ask = {.op = STORE_REMOVE, .key = key_of(L)};

    lua_settop(L, 3);
    opt_only(L, 3, options);
    double limit = limit_of(L, 3);
    if (!lua_isnil(L, 2)) {
        ask.value = value_of(L, f, 2);
        if (!ask.value.p)
            ask.value.p = "";
    }
    return ask_store(L, f, &ask, waits, limit);
}

/*@both store.lock(key [, { ttl = 30, wait = 0, limit = 5 }])
 * Takes a lock that one call has at a time, in all engines: true, or nil and "locked" when it is
 * still another's after `wait` seconds. It is free again by store.unlock, `ttl` seconds after it
 * was taken, and when a lock that came too late is not wanted any more. What is stored under the
 * same key is not touched.
 */
static int verb_lock(lua_State *L)
{
    static const char *const options[] = {"ttl", "wait", "limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    char token[64];

    lua_settop(L, 2);
    opt_only(L, 2, options);
    struct store_ask ask = {.op = STORE_LOCK,
                            .key = key_of(L),
                            .token = token_of(f->rt, f->leg, token),
                            .ttl_ms = ttl_of(L, 2, LOCK_TTL_S)};
    if (ask.ttl_ms == 0)
        return luaL_error(L, "a lock needs a ttl: it must end even if this engine does");
    double wait = opt_number(L, 2, "wait", 0, 0, 3600), limit = limit_of(L, 2);
    f->at.began_ms = (double)(loop_now_ms(f->rt->loop) + (uint64_t)(wait * 1000));
    return ask_store(L, f, &ask, waits, limit);
}

/* The key and the options are still on the stack. */
static int lock_again(lua_State *L, struct flow *f)
{
    char token[64];
    struct store_ask ask = {.op = STORE_LOCK,
                            .key = key_of(L),
                            .token = token_of(f->rt, f->leg, token),
                            .ttl_ms = ttl_of(L, 2, LOCK_TTL_S)};

    return ask_store(L, f, &ask, true, limit_of(L, 2));
}

/*@both store.unlock(key [, { limit = 5 }])
 * Gives a lock back. Returns true, or false when it was not this call's (any more).
 */
static int verb_unlock(lua_State *L)
{
    static const char *const options[] = {"limit", NULL};
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    char token[64];

    opt_only(L, 2, options);
    struct store_ask ask = {
        .op = STORE_UNLOCK, .key = key_of(L), .token = token_of(f->rt, f->leg, token)};
    let_go(f, ask.key);
    return ask_store(L, f, &ask, waits, limit_of(L, 2));
}

const struct verb verbs_store[] = {
    {"get", verb_get, VERB_BOTH},       {"put", verb_put, VERB_BOTH},
    {"add", verb_add, VERB_BOTH},       {"push", verb_push, VERB_BOTH},
    {"take", verb_take, VERB_BOTH},     {"list", verb_list, VERB_BOTH},
    {"remove", verb_remove, VERB_BOTH}, {"lock", verb_lock, VERB_BOTH},
    {"unlock", verb_unlock, VERB_BOTH}, {NULL, NULL, VERB_BOTH},
};
