/* One call under a script: a coroutine that is resumed whenever something happened on its call or a
 * limit ran out. The verb under way looks for itself whether that is what it waited for.
 *
 * Life: flow_start resumes it at once → it waits, is resumed … → it returns or raises → finally →
 * the call is hung up (unless kept) → CALL_EV_ENDED → on_end from a timer of its own, so never from
 * inside another function of ours. A resume is never nested in a resume of the same flow: what
 * happens meanwhile is noted and looked at afterwards. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/host.h"
#include "flow/ops.h"
#include "sip/trace.h"

#define POKES_MAX    16 /* resumes in a row without waiting for the loop */
#define AFTERWARDS_S 3600

uint32_t verb_age_ms(const struct flow *f)
{
    return f->report.ended_ms != CALL_TIME_NONE ? f->report.ended_ms : call_age_ms(f->call);
}

void flow_add_mark(struct flow *f, const char *name, uint32_t at_ms)
{
    struct flow_report *r = &f->report;

    if (r->marks_count == FLOW_MARKS_MAX) {
        r->marks_dropped++;
        return;
    }
    struct flow_mark *m = &r->marks[r->marks_count++];
    snprintf(m->name, sizeof m->name, "%s", name);
    m->at_ms = at_ms;
}

void flow_add_failed(struct flow *f, const char *text)
{
    struct flow_report *r = &f->report;

    if (r->checks_failed < FLOW_CHECKS_MAX)
        snprintf(r->failed[r->checks_failed], sizeof r->failed[0], "%s", text);
    r->checks_failed++;
}

/* ---- the end ---- */

static void forget(struct flow *f)
{
    struct flow_runtime *rt = f->rt;

    loop_timer_stop(rt->loop, &f->timer);
    loop_timer_stop(rt->loop, &f->limit);
    loop_timer_stop(rt->loop, &f->poke);
    op_forget(f);
    luaL_unref(rt->L, LUA_REGISTRYINDEX, f->co_ref);
    luaL_unref(rt->L, LUA_REGISTRYINDEX, f->finally_ref);
    luaL_unref(rt->L, LUA_REGISTRYINDEX, f->afterwards_ref);
    luaL_unref(rt->L, LUA_REGISTRYINDEX, f->call_ref);
    f->co = NULL;
    f->co_ref = f->finally_ref = f->afterwards_ref = f->call_ref = LUA_NOREF;
    account_close(f->account);
    f->account = NULL;
}

void flow_drop(struct flow *f)
{
    if (f->call && !f->ended)
        call_set_handler(f->call, NULL, NULL);
    loop_timer_stop(f->rt->loop, &f->end);
    line_forget(f);
    store_release(f, false);
    forget(f);
    list_remove(&f->node);
    pool_put(&f->rt->flows, f);
}

static void on_finish(struct timer *t)
{
    struct flow *f = container_of(t, struct flow, end);
    struct flow_runtime *rt = f->rt;

    f->finishing = false;
    if (!f->told) {
        f->told = true;
        f->report.call_ended = f->ended;
        if (rt->trace)
            f->report.trace = sip_trace_find(
                rt->trace, slice_cstr(call_record_of(f->call)->call_id),
                call_is_outgoing(f->call));
        rt->stats.ended[f->report.outcome]++;
        if (f->on_end)
            f->on_end(f->arg, f->call, &f->report);
        f->call = NULL;
    }
    if (!f->over)
        return; /* call:afterwards goes on */
    list_remove(&f->node);
    pool_put(&rt->flows, f);
}

static void finish_soon(struct flow *f)
{
    if (f->finishing)
        return;
    f->finishing = true;
    loop_timer(f->rt->loop, &f->end, 0, on_finish);
}

static enum flow_outcome outcome_of(struct flow *f, int status)
{
    if (status == LUA_OK)
        return FLOW_DONE;
    switch (f->doom) {
    case DOOM_HANGUP:
        return f->by_script ? FLOW_DONE : FLOW_HANGUP;
    case DOOM_STOPPED:
        return FLOW_STOPPED;
    case DOOM_LIMIT:
        return FLOW_TIMEOUT;
    case DOOM_BUDGET:
    case DOOM_MEMORY:
        return FLOW_ERROR;
    case DOOM_NONE:
        break;
    }
    return f->raised_failed ? FLOW_FAILED : FLOW_ERROR;
}

/* The error object is on top of f->co. */
static void keep_error(struct flow *f, int status)
{
    bool fault = f->doom == DOOM_NONE || f->doom == DOOM_BUDGET || f->doom == DOOM_MEMORY;
    char *error = f->report.error;

    if (status == LUA_OK || !fault || error[0])
        return;
    if (f->out_of_memory)
        snprintf(error, FLOW_TEXT_MAX, "%s", f->memory_error);
    else if (lua_type(f->co, -1) == LUA_TSTRING && !strchr(lua_tostring(f->co, -1), ':'))
        snprintf(error, FLOW_TEXT_MAX, "%s: %s", f->script->path, lua_tostring(f->co, -1));
    else if (lua_type(f->co, -1) == LUA_TSTRING)
        snprintf(error, FLOW_TEXT_MAX, "%s", lua_tostring(f->co, -1));
    else
        snprintf(error, FLOW_TEXT_MAX, "%s: the script raised a %s", f->script->path,
                 luaL_typename(f->co, -1));
    lines_fail_error(f, error);
}

static void run_finally(struct flow *f)
{
    if (f->finally_ref == LUA_NOREF)
        return;
    bool had_error = f->report.error[0];
    f->doom = DOOM_NONE;
    budget_refill(f);
    lua_sethook(f->co, budget_hook, LUA_MASKCOUNT, FLOW_HOOK_EVERY);
    lua_rawgeti(f->co, LUA_REGISTRYINDEX, f->finally_ref);
    lua_pushstring(f->co, flow_outcome_name(f->report.outcome));
    int status = lua_pcall(f->co, 1, 0, 0);
    if (status == LUA_OK || had_error)
        return;
    keep_error(f, status); /* what overspent has said so itself */
    f->report.outcome = FLOW_ERROR;
}

static void resume(struct flow *f, int args);
static int after_main(lua_State *L);
static void on_script_limit(struct timer *t);

/* The rest of the flow's life, without the call: a coroutine again, of call:afterwards' function.
 * False: there is none. */
static bool begin_afterwards(struct flow *f)
{
    if (f->afterwards_ref == LUA_NOREF || f->after)
        return false;
    f->after = true;
    f->over = f->out_of_memory = f->raised_failed = false;
    f->doom = DOOM_NONE;
    lua_pushcfunction(f->co, after_main);
    lua_rawgeti(f->co, LUA_REGISTRYINDEX, f->afterwards_ref);
    lua_pushstring(f->co, flow_outcome_name(f->report.outcome));
    loop_timer(f->rt->loop, &f->limit, AFTERWARDS_S * UINT64_C(1000), on_script_limit);
    return true;
}

/* What the call's own script came to stays; an error of what ran afterwards is said, too. */
static void keep_outcome(struct flow *f, int status)
{
    if (!f->after)
        f->report.outcome = outcome_of(f, status);
    keep_error(f, status);
}

static void script_over(struct flow *f, int status)
{
    struct flow_runtime *rt = f->rt;
    struct flow *was = rt->current;

    f->over = true;
    loop_timer_stop(rt->loop, &f->timer);
    loop_timer_stop(rt->loop, &f->limit);
    keep_outcome(f, status);
    f->running = true;
    rt->current = f;
    lua_resetthread(f->co); /* closes what the script left open; its stack is empty after */
    lua_settop(f->co, 0);
    op_forget(f);
    line_forget(f);
    if (!f->after)
        run_finally(f);
    store_release(f, true);
    rt->current = was;
    f->running = false;
    if (f->report.error[0])
        log_warn("flow", "a script ended with an error", "leg=%llu outcome=%s error=\"%s\"",
                 (unsigned long long)f->leg, flow_outcome_name(f->report.outcome), f->report.error);
    bool goes_on = begin_afterwards(f);
    if (!goes_on)
        forget(f);
    if (f->ended || f->keep_call || f->told) {
        finish_soon(f);
    } else {
        f->by_script = true;
        f->running = goes_on;    /* begins below, whatever the call tells from inside */
        call_hangup(f->call, 0); /* CALL_EV_ENDED follows in any state, and with it on_finish */
        f->running = false;
    }
    if (goes_on)
        resume(f, 2);
}

/* ---- resuming ---- */

static void on_poke(struct timer *t);

static void resume(struct flow *f, int args)
{
    struct flow_runtime *rt = f->rt;

    if (f->running) {
        f->poked = true;
        return;
    }
    for (int i = 0; i < POKES_MAX; i++) {
        struct flow *was = rt->current;
        int results = 0;

        f->running = true;
        f->poked = false;
        rt->current = f;
        budget_refill(f);
        lines_resume(f);
        int status = lua_resume(f->co, NULL, args, &results);
        rt->current = was;
        f->running = false;
        int64_t spent = (int64_t)rt->instructions - f->budget;
        if (spent > (int64_t)rt->stats.most_spent)
            rt->stats.most_spent = (uint64_t)spent;
        if (status != LUA_YIELD) {
            script_over(f, status);
            return;
        }
        lua_pop(f->co, results);
        lines_wait(f);
        args = 0;
        if (!f->poked)
            return;
    }
    loop_timer(rt->loop, &f->poke, 0, on_poke); /* the others' turn first */
}

void flow_wake(struct flow *f)
{
    if (!f->over)
        resume(f, 0);
}

static void on_poke(struct timer *t)
{
    flow_wake(container_of(t, struct flow, poke));
}

static void on_verb_limit(struct timer *t)
{
    struct flow *f = container_of(t, struct flow, timer);

    f->timed_out = true;
    flow_wake(f);
}

static void on_script_limit(struct timer *t)
{
    struct flow *f = container_of(t, struct flow, limit);

    if (f->doom == DOOM_NONE)
        f->doom = DOOM_LIMIT;
    flow_wake(f);
}

void flow_stop(struct flow *f)
{
    if (f->over)
        return;
    if (f->doom == DOOM_NONE)
        f->doom = DOOM_STOPPED;
    flow_wake(f);
}

void flow_stop_all(struct flow_runtime *rt)
{
    /* Ended flows leave the list only from their timers, so it holds still here. */
    list_each(n, next, &rt->running)
    {
        flow_stop(container_of(n, struct flow, node));
    }
}

/* ---- events of the call ---- */

static void on_key(struct flow *f, char digit)
{
    if (f->keys_count == FLOW_KEYS_MAX) {
        f->keys_dropped++;
        return;
    }
    f->keys[f->keys_count++] = digit;
}

static void on_heard(struct flow *f, const struct dsp_event *e)
{
    struct flow_report *r = &f->report;

    f->heard = *e;
    f->heard_seq++;
    if (e->kind == DSP_SPEECH_START)
        f->speaking = true;
    if (e->kind == DSP_SPEECH_END) {
        f->speaking = false;
        f->speech_s += (e->end_ms - e->start_ms) / 1000.0;
    }
    struct flow_heard *last = r->heard_count ? &r->heard[r->heard_count - 1] : NULL;
    if (last && last->kind == e->kind && last->start_ms == e->start_ms) {
        last->end_ms = e->end_ms; /* silence is told again as it grows */
        return;
    }
    if (r->heard_count == FLOW_HEARD_MAX) {
        r->heard_dropped++;
        return;
    }
    r->heard[r->heard_count++] = (struct flow_heard){e->kind, e->detail, e->start_ms, e->end_ms};
}

static void on_ended(struct flow *f, const struct call_event *e)
{
    f->ended = true;
    f->report.ended_ms = call_mark_at(f->call, MARK_END);
    if (f->report.ended_ms == CALL_TIME_NONE)
        f->report.ended_ms = call_age_ms(f->call);
    f->report.code = e->code;
    f->report.q850 = e->q850;
    f->report.by = e->by;
    if (f->doom == DOOM_NONE && !f->over && !f->after)
        f->doom = DOOM_HANGUP;
}

static void on_call(void *arg, struct call *c, const struct call_event *e)
{
    struct flow *f = arg;

    (void)c;
    switch (e->kind) {
    case CALL_EV_ANSWERED:
        f->answered = true;
        f->report.answered_ms = call_age_ms(f->call);
        /* The full set only while a verb listens, or where an answer is being judged. */
        if ((f->rt->simulator || !call_is_outgoing(f->call)) && !f->hearing)
            call_detect(f->call, DSP_TALK);
        break;
    case CALL_EV_MEDIA:
        f->media = true;
        break;
    case CALL_EV_DTMF:
        on_key(f, e->digit);
        break;
    case CALL_EV_HEARD:
        on_heard(f, e->heard);
        break;
    case CALL_EV_PLAYED:
        if (e->cookie > f->played)
            f->played = e->cookie;
        f->played_cancelled = e->err == ERR_CANCELLED;
        break;
    case CALL_EV_RECORDED:
        f->recorded = true;
        f->recorded_s = e->seconds;
        break;
    case CALL_EV_BRIDGED:
        if (f->agent_here && f->rt->host->agent_heard)
            f->rt->host->agent_heard(f->rt->host->arg, f);
        break;
    case CALL_EV_PROGRESS:
    case CALL_EV_HOLD:
        break;
    case CALL_EV_ENDED:
        on_ended(f, e);
        break;
    }
    if (f->ended && (f->over || f->after))
        finish_soon(f);
    if (!f->over)
        flow_wake(f);
}

/* ---- start ---- */

/* The error goes on to the resume; only its kind is kept. */
static int main_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status == LUA_OK || status == LUA_YIELD)
        return 0;
    flow_of(L)->out_of_memory = status == LUA_ERRMEM;
    return lua_error(L);
}

static int run_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* Arguments: call, chunk, environment. */
static int flow_run(lua_State *L)
{
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "run");
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 0, 0, run_k);
    return 0;
}

/* Puts the script's line before a message that has none: some of Lua's own, and error(…, 0). */
static int locate(lua_State *L)
{
    const struct flow *f = flow_of(L);
    lua_Debug ar;

    if (lua_type(L, 1) != LUA_TSTRING || f->doom != DOOM_NONE)
        return 1;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0)
            continue;
        const char *text = lua_tostring(L, 1);
        size_t len = strlen(ar.short_src);
        if (strncmp(text, ar.short_src, len) != 0 || text[len] != ':')
            lua_pushfstring(L, "%s:%d: %s", ar.short_src, ar.currentline, text);
        return 1;
    }
    return 1;
}

/* Arguments: call, chunk, environment. The script runs under a pcall because that is what lets
 * hooks work again after an error raised in a hook: without it, a script's own `<close>` handlers
 * would run unwatched. */
static int flow_main(lua_State *L)
{
    lua_pushcfunction(L, locate);
    lua_insert(L, 1);
    lua_pushcfunction(L, flow_run);
    lua_insert(L, 2);
    return main_done(L, lua_pcallk(L, 3, 0, 1, 0, main_done), 0);
}

/* Arguments: function, outcome. */
static int after_main(lua_State *L)
{
    return main_done(L, lua_pcallk(L, 1, 0, 0, 0, main_done), 0);
}

static void push_row(lua_State *L, const struct flow_start *start)
{
    lua_createtable(L, 0, (int)start->row_count);
    for (uint32_t i = 0; i < start->row_count; i++) {
        lua_pushstring(L, start->row[i].value);
        lua_setfield(L, -2, start->row[i].name);
    }
}

struct preparation {
    struct flow *f;
    const struct flow_start *start;
};

/* Makes the coroutine with its first arguments on its stack. In protected mode. */
static int prepare(lua_State *L)
{
    struct preparation *p = lua_touserdata(L, 1);
    struct flow *f = p->f;

    f->co = lua_newthread(L);
    *(struct flow **)lua_getextraspace(f->co) = f;
    f->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_sethook(f->co, budget_hook, LUA_MASKCOUNT, FLOW_HOOK_EVERY);
    lua_pushcfunction(f->co, flow_main);
    struct flow **self = lua_newuserdatauv(f->co, sizeof *self, 1);
    *self = f;
    luaL_setmetatable(f->co, FLOW_CALL_TYPE);
    push_row(f->co, p->start);
    lua_setiuservalue(f->co, -2, 1);
    lua_pushvalue(f->co, -1);
    f->call_ref = luaL_ref(f->co, LUA_REGISTRYINDEX);
    lua_rawgeti(f->co, LUA_REGISTRYINDEX, f->script->chunk_ref);
    sandbox_push_env(f->rt, f->co);
    return 0;
}

static enum err make_coroutine(struct flow *f, const struct flow_start *start)
{
    struct flow_runtime *rt = f->rt;
    struct preparation p = {f, start};
    struct flow *was = rt->current;

    budget_refill(f);
    rt->current = f;
    lua_pushcfunction(rt->L, prepare);
    lua_pushlightuserdata(rt->L, &p);
    int status = lua_pcall(rt->L, 1, 0, 0);
    rt->current = was;
    lua_settop(rt->L, 0);
    return status == LUA_OK ? OK : ERR_NOMEM;
}

static void fill(struct flow *f, const struct flow_start *start)
{
    enum call_state state = call_state(start->call);

    f->call = start->call;
    f->script = start->script;
    f->leg = start->leg;
    f->attempt = start->attempt;
    f->on_end = start->on_end;
    f->arg = start->arg;
    f->keep_call = start->keep_call;
    f->lang = f->script->lang;
    f->co_ref = f->finally_ref = f->afterwards_ref = f->call_ref = LUA_NOREF;
    timer_init(&f->timer);
    timer_init(&f->limit);
    timer_init(&f->end);
    timer_init(&f->poke);
    flow_rng(f->rt, slice_cstr(f->script->name), f->leg, &f->rng);
    f->report.script = f->script;
    f->report.answered_ms = f->report.ended_ms = CALL_TIME_NONE;
    snprintf(f->report.truth, sizeof f->report.truth, "%s", f->script->truth);
    f->answered = state == CALL_STATE_UP;
    if (f->answered)
        f->report.answered_ms = call_mark_at(f->call, MARK_ANSWERED);
    if (slice_copy(call_called_number(f->call), f->number, sizeof f->number) != OK ||
        slice_copy(call_caller_number(f->call), f->caller, sizeof f->caller) != OK)
        log_warn("flow", "a number is too long for a script and is shown empty", "leg=%llu",
                 (unsigned long long)f->leg);
}

/* Both sides, for the report, of so many calls at once. A call that cannot be recorded is none the
 * worse. */
static void keep_audio(struct flow *f)
{
    struct flow_runtime *rt = f->rt;
    char path[384];

    if (!rt->audio_kept_dir[0] || rt->audio_kept == FLOW_AUDIO_KEPT)
        return;
    snprintf(path, sizeof path, "%s/%s-%llu-%u.wav", rt->audio_kept_dir, f->script->name,
             (unsigned long long)f->leg, ++rt->audio_files);
    f->report.audio_kept = call_record_start(f->call, path, true) == OK;
    rt->audio_kept += f->report.audio_kept;
}

void flow_audio_dropped(struct flow_runtime *rt)
{
    if (rt->audio_kept)
        rt->audio_kept--;
}

enum err flow_start(struct flow_runtime *rt, const struct flow_start *start, struct flow **out)
{
    struct flow *f = pool_get(&rt->flows);

    if (!f) {
        rt->stats.refused++;
        return ERR_FULL;
    }
    f->rt = rt;
    list_push_back(&rt->running, &f->node);
    fill(f, start);
    f->account = account_open(rt->memory_bytes);
    if (!f->account || make_coroutine(f, start) != OK) {
        rt->stats.refused++;
        forget(f);
        list_remove(&f->node);
        pool_put(&rt->flows, f);
        return ERR_NOMEM;
    }
    rt->stats.started++;
    if (out)
        *out = f;
    call_set_handler(f->call, on_call, f);
    keep_audio(f);
    loop_timer(rt->loop, &f->limit, (uint64_t)(f->script->limit_s * 1000), on_script_limit);
    resume(f, 3);
    return OK;
}

struct call *flow_call(const struct flow *f)
{
    return f->call;
}

void *flow_arg(const struct flow *f)
{
    return f->arg;
}

/* ---- what verbs share ---- */

struct flow *verb_flow(lua_State *L)
{
    struct flow *f = flow_of(L);

    luaL_checkudata(L, 1, FLOW_CALL_TYPE);
    return f;
}

struct flow *verb_begin(lua_State *L)
{
    struct flow *f = verb_flow(L);

    if (f->over || f->after)
        luaL_error(L, "call:%s runs after the script: it cannot act on the call",
                   f->after ? "afterwards" : "finally");
    verb_check(L, f);
    return f;
}

void verb_check(lua_State *L, struct flow *f)
{
    if (f->doom != DOOM_NONE)
        flow_unwind(L);
}

void verb_limit(struct flow *f, double seconds)
{
    f->timed_out = false;
    loop_timer(f->rt->loop, &f->timer, (uint64_t)(seconds * 1000 + 0.5), on_verb_limit);
}

void verb_done(struct flow *f)
{
    f->timed_out = false;
    loop_timer_stop(f->rt->loop, &f->timer);
}

int verb_wait(lua_State *L, lua_KContext ctx, lua_KFunction k)
{
    return lua_yieldk(L, 0, ctx, k);
}

int verb_outcome(lua_State *L, const char *outcome)
{
    lua_pushnil(L);
    lua_pushstring(L, outcome);
    return 2;
}
