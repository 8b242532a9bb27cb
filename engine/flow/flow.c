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

void flow_forget(struct flow *f)
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
    flow_forget(f);
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
                rt->trace, slice_cstr(call_record_of(f->call)->call_id), call_is_outgoing(f->call));
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

void flow_finish_soon(struct flow *f)
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

/* The rest of the flow's life, without the call: a coroutine again, of call:afterwards' function.
 * False: there is none. */
static bool begin_afterwards(struct flow *f)
{
    if (f->afterwards_ref == LUA_NOREF || f->after)
        return false;
    f->after = true;
    f->over = f->out_of_memory = f->raised_failed = false;
    f->doom = DOOM_NONE;
    lua_pushcfunction(f->co, flow_after_main);
    lua_rawgeti(f->co, LUA_REGISTRYINDEX, f->afterwards_ref);
    lua_pushstring(f->co, flow_outcome_name(f->report.outcome));
    loop_timer(f->rt->loop, &f->limit, AFTERWARDS_S * UINT64_C(1000), flow_on_limit);
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
        flow_forget(f);
    if (f->ended || f->keep_call || f->told) {
        flow_finish_soon(f);
    } else {
        f->by_script = true;
        f->running = goes_on;    /* begins below, whatever the call tells from inside */
        call_hangup(f->call, 0); /* CALL_EV_ENDED follows in any state, and with it on_finish */
        f->running = false;
    }
    if (goes_on)
        flow_resume(f, 2);
}

/* ---- resuming ---- */

static void on_poke(struct timer *t);

void flow_resume(struct flow *f, int args)
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
        flow_resume(f, 0);
}

static void on_poke(struct timer *t)
{
    flow_wake(container_of(t, struct flow, poke));
}

void flow_on_limit(struct timer *t)
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
