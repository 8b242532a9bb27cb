/* Questions to web services: http.* (io/http.h). A table goes out and comes back as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/ops.h"
#include "io/http.h"

#define LIMIT_S 5.0

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct flow_op *op = arg;
    const struct flow_answer a = {.err = answer->err,
                                  .why = answer->why,
                                  .kind = ANSWER_TEXT,
                                  .text = answer->body,
                                  .items = &answer->type,
                                  .count = 1,
                                  .number = answer->status};

    op_answered(op, &a);
}

static void on_dropped(struct flow_op *op, const struct flow_answer *a)
{
    if (a->err == OK && a->number < 400)
        return;
    op->rt->stats.http_lost++;
    log_warn("flow", "what a script that had ended sent by HTTP was not taken",
             "leg=%llu url=\"%s\" status=%lld why=%s", (unsigned long long)op->leg, op->key,
             (long long)a->number, err_name(a->err));
}

static bool contains(struct slice s, const char *part)
{
    return s.len && memmem(s.p, s.len, part, strlen(part)) != NULL;
}

static int answer_of(lua_State *L, struct flow *f)
{
    const struct flow_answer *a = f->answer;

    f->answer = NULL;
    verb_done(f);
    if (a->err != OK) {
        f->rt->stats.http_failed++;
        return verb_refused(L, a->err, a->why);
    }
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, a->number);
    lua_setfield(L, -2, "status");
    lua_pushboolean(L, a->number >= 200 && a->number < 300);
    lua_setfield(L, -2, "ok");
    bool json = a->count && contains(a->items[0], "json");
    if (a->text.len > 0) {
        if (!json)
            lua_pushlstring(L, a->text.p, a->text.len);
        else if (!lua_from_json(L, a->text)) {
            f->rt->stats.http_failed++;
            return verb_refused(L, ERR_INVALID, "the answer says that it is JSON and is not");
        }
        lua_setfield(L, -2, "body");
    }
    return 1;
}

static int http_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    if (f->answer)
        return answer_of(L, f);
    if (!f->timed_out)
        return verb_wait(L, ctx, http_k);
    op_forget(f);
    verb_done(f);
    f->rt->stats.http_failed++;
    return verb_refused(L, ERR_TIMEOUT, NULL);
}

/* The options' headers = { Name = value }; the values stay in the table. */
static uint32_t headers_of(lua_State *L, int index, struct http_header *headers)
{
    uint32_t n = 0;

    if (!lua_istable(L, index) || lua_getfield(L, index, "headers") == LUA_TNIL)
        return 0;
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "headers are texts by name: { [\"X-Key\"] = \"…\" }");
        if (n == HTTP_SENT_HEADERS)
            luaL_error(L, "at most %d headers can be sent", HTTP_SENT_HEADERS);
        headers[n++] = (struct http_header){lua_tostring(L, -2), lua_tostring(L, -1)};
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return n;
}

static int ask_http(lua_State *L, const char *method, int options)
{
    struct http_header headers[HTTP_SENT_HEADERS];
    bool waits;
    struct flow *f = verb_outside(L, &waits);
    struct http_ask ask = {.method = method, .url = luaL_checkstring(L, 1), .headers = headers};
    size_t len;

    ask.header_count = headers_of(L, options, headers);
    double limit = opt_number(L, options, "limit", LIMIT_S, 0.001, 60);
    ask.limit_ms = (uint32_t)(limit * 1000 + 0.5);
    if (options == 3) {
        ask.type = opt_string(L, options, "type", NULL);
        if (ask.type && (strlen(ask.type) > 100 || strpbrk(ask.type, "\r\n")))
            return luaL_error(L, "type is no media type");
        if (lua_istable(L, 2)) {
            ask.body = lua_to_json(L, f->rt, 2);
            ask.type = ask.type ? ask.type : "application/json";
        } else if (!lua_isnil(L, 2)) {
            ask.body.p = luaL_checklstring(L, 2, &len);
            ask.body.len = (uint32_t)len;
            ask.type = ask.type ? ask.type : "text/plain; charset=utf-8";
        } else {
            ask.body = SLICE("");
        }
    }
    if (!f->rt->http)
        flow_fail(L, "http: no host may be asked here: allow some in the configuration");
    struct flow_op *op = op_begin(f, waits);
    if (op) {
        op->leg = f->leg;
        snprintf(op->key, sizeof op->key, "%.150s", ask.url);
        op->late = waits ? NULL : on_dropped;
    }
    enum err e = op ? http_ask(f->rt->http, &ask, on_answer, op) : ERR_FULL;
    if (op && e != OK)
        op_cancel(op);
    if (e == ERR_REFUSED)
        flow_fail(L, "http: '%.100s' may not be asked: its host is not in the list of allowed ones",
                  ask.url);
    if (e == ERR_INVALID || e == ERR_TOO_LONG) {
        char shown[100];
        snprintf(shown, sizeof shown, "%s", ask.url);
        return luaL_error(L, "http: '%s' with these headers cannot be asked", shown);
    }
    if (e != OK) {
        f->rt->stats.http_failed++;
        return verb_refused(L, e, NULL);
    }
    f->rt->stats.http_asked++;
    if (!waits) {
        lua_pushboolean(L, true);
        return 1;
    }
    verb_limit(f, limit + 1); /* the question has its own */
    return http_k(L, LUA_OK, 0);
}

/*@both http.get(url [, { headers = { Name = value }, limit = 5 }])
 * Asks a web service that the configuration allows. Returns { status, ok (a status of 200 to 299),
 * body (a table where the answer is JSON, else a text, at most 64 KiB; nil when empty) }. When
 * there is no answer: nil, an outcome and a sentence: "timeout" (after `limit` seconds),
 * "unavailable" (not reached, or broken off), "too_long", "wrong_type" (no HTTP, or no JSON where
 * it was said to be), "refused" (the name stands for an address of this machine), "busy", "failed".
 * Redirections are not followed. A host that is not allowed is an error on the script's line.
 */
static int verb_get(lua_State *L)
{
    static const char *const options[] = {"headers", "limit", NULL};

    lua_settop(L, 2);
    opt_only(L, 2, options);
    return ask_http(L, "GET", 2);
}

/*@both http.post(url [, body [, { headers = { Name = value }, type = text, limit = 5 }]])
 * As http.get, with a body: a table goes out as JSON, a text as it stands (`type`: text/plain, when
 * not given). In call:finally it is sent without waiting for the answer.
 */
static int verb_post(lua_State *L)
{
    static const char *const options[] = {"headers", "type", "limit", NULL};

    lua_settop(L, 3);
    opt_only(L, 3, options);
    return ask_http(L, "POST", 3);
}

/*@both http.put(url [, body [, { headers = { Name = value }, type = text, limit = 5 }]])
 * As http.post, with the method PUT.
 */
static int verb_put(lua_State *L)
{
    static const char *const options[] = {"headers", "type", "limit", NULL};

    lua_settop(L, 3);
    opt_only(L, 3, options);
    return ask_http(L, "PUT", 3);
}

const struct verb verbs_http[] = {
    {"get", verb_get, VERB_BOTH},
    {"post", verb_post, VERB_BOTH},
    {"put", verb_put, VERB_BOTH},
    {NULL, NULL, VERB_BOTH},
};
