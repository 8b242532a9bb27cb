/* What one script may use between two waits: instructions (the same count on every machine) and,
 * as a second line, processor time of the thread (so that a machine that stalls the process fails
 * nobody). When either is spent the call is doomed: every further verb, hook and pcall raises. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "flow/inner.h"

const char flow_unwind_mark = 'u';

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void budget_refill(struct flow *f)
{
    f->budget = f->rt->instructions;
    f->cpu_limit_ns =
        0; /* set at the first look: that is a system call, and most resumes are short */
    f->hooks = 0;
    f->collections = 0;
}

_Noreturn void flow_unwind(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&flow_unwind_mark);
    lua_error(L);
    __builtin_unreachable();
}

void flow_blame(lua_State *L, const char *path, const char *what, char *error)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0)
            continue;
        snprintf(error, FLOW_TEXT_MAX, "%s:%d: %s", ar.short_src, ar.currentline, what);
        return;
    }
    snprintf(error, FLOW_TEXT_MAX, "%s: %s", path, what);
}

/* Says what was overspent, at the line that runs, and unwinds. */
static _Noreturn void spent(lua_State *L, struct flow *f, const char *what)
{
    if (f->doom == DOOM_NONE)
        f->doom = DOOM_BUDGET;
    if (!f->report.error[0])
        flow_blame(L, f->script->path, what, f->report.error);
    /* From here on every instruction raises: a `<close>` handler that has handlers of its own,
     * twice over, would else take for ever to unwind. */
    lua_sethook(L, budget_hook, LUA_MASKCOUNT, 1);
    flow_unwind(L);
}

static _Noreturn void spent_why(lua_State *L, struct flow *f)
{
    if (f->doom == DOOM_MEMORY)
        spent(L, f, FLOW_MEMORY_TEXT);
    spent(L, f, "the script ran too long without waiting: put a verb that waits into its loop");
}

struct flow_runtime *runtime_of(lua_State *L)
{
    void *rt;

    lua_getallocf(L, &rt);
    return rt;
}

/* While a script is only being declared there is no call whose budget it could be. */
static void charge_declaration(lua_State *L, uint64_t units)
{
    struct flow_runtime *rt = runtime_of(L);

    if (!rt->declaring)
        return;
    rt->declare_budget -= units > INT32_MAX ? INT32_MAX : (int64_t)units;
    if (rt->declare_budget <= 0) {
        lua_sethook(L, budget_hook, LUA_MASKCOUNT, 1); /* as in spent() */
        luaL_error(L, "the declaration of the script runs too long");
    }
}

void budget_hook(lua_State *L, lua_Debug *ar)
{
    struct flow *f = flow_of(L);

    (void)ar;
    if (!f) {
        charge_declaration(L, FLOW_HOOK_EVERY);
        return;
    }
    f->budget -= FLOW_HOOK_EVERY;
    if (f->budget <= 0 || f->doom == DOOM_MEMORY || f->doom == DOOM_BUDGET)
        spent_why(L, f);
    if (++f->hooks % FLOW_CPU_LOOK != 0)
        return;
    uint64_t now = cpu_ns();
    if (f->cpu_limit_ns == 0)
        f->cpu_limit_ns = now + f->rt->cpu_ns;
    else if (now > f->cpu_limit_ns)
        spent_why(L, f);
}

void budget_charge(lua_State *L, uint64_t units)
{
    struct flow *f = flow_of(L);

    if (!f) {
        charge_declaration(L, units);
        return;
    }
    f->budget -= units > INT32_MAX ? INT32_MAX : (int64_t)units;
    if (f->budget <= 0)
        spent_why(L, f);
}

_Noreturn void flow_fail(lua_State *L, const char *fmt, ...)
{
    char text[FLOW_TEXT_MAX];
    va_list ap;
    struct flow *f = flow_of(L);

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (f)
        f->raised_failed = true;
    luaL_error(L, "%s", text);
    __builtin_unreachable();
}
