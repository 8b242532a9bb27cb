/* Call scripts: memory of an instance, cost of a resume, calls a second with a script of five
 * steps, ten thousand instances at once, and what a script that runs away costs the others.
 *
 * The calls are those of the product on a modelled line (call/line.h) and a virtual clock: SIP and
 * media cost nothing here, the call layer, timers and events are in. Peer: a bare coroutine of the
 * same Lua that does nothing but yield, resumed from C. */
#include "bench/bench.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "call/line.h"
#include "flow/flow.h"

#define INSTANCES    10000
#define SCRIPT_BYTES 4096 /* what an instance may take of script memory */

static const char five_steps[] = "return flow { run = function(call)\n"
                                 "  call:wait_answer { limit = 60 }\n"
                                 "  local key = call:menu { keys = '12', wait = 60 }\n"
                                 "  local code = call:digits { min = 4, max = 4, wait = 60 }\n"
                                 "  call:tone(440, 0.2)\n"
                                 "  if key == '1' and code == '4711' then call:mark('done') end\n"
                                 "  call:hangup()\n"
                                 "end }\n";
static const char keys_forever[] = "return flow { run = function(call)\n"
                                   "  call:wait_answer { limit = 60 }\n"
                                   "  while true do call:digits { max = 1, wait = 600 } end\n"
                                   "end }\n";
/* Each waits for a key first, so that the loop is held by nothing else. */
#define RUNAWAY(body)                                                                              \
    "return flow { run = function(call) call:wait_answer { limit = 60 }\n"                         \
    "call:digits { max = 1, wait = 600 }\n" body " end }\n"
static const struct {
    const char *name, *script;
} runaways[] = {
    {"an endless loop", RUNAWAY("while true do end")},
    {"an endless loop under pcall", RUNAWAY("while true do pcall(function() while true do end end) "
                                            "end")},
    {"a string that doubles", RUNAWAY("local s = 'x' while true do s = s .. s end")},
    {"strings without end", RUNAWAY("while true do local s = ('x'):rep(60000) end")},
    {"a table without end", RUNAWAY("local t = {} while true do t[#t + 1] = {} end")},
    {"a pathological pattern", RUNAWAY("local s = ('a'):rep(30000):find(('a*'):rep(30) .. 'b')")},
    {"pathological patterns under pcall",
     RUNAWAY("while true do pcall(string.find, ('a'):rep(3000), '.-.-.-b') end")},
    {"sorting without end", RUNAWAY("local t = {} for i = 1, 5000 do t[i] = i % 7 end "
                                    "while true do table.sort(t) end")},
    {"inserting in front without end", RUNAWAY("local t = {} for i = 1, 5000 do t[i] = i end "
                                               "while true do table.insert(t, 1, 0) end")},
};
#define TICK_MS 20.0

/* One call and the modelled far side, which ends it a moment after it was hung up. */
struct player {
    struct stage *stage;
    struct call *call;
    struct timer bye;
    bool ended;
};

struct stage {
    struct clock clock;
    struct loop loop;
    struct call_env *env;
    struct flow_runtime *rt;
    struct call_line line;
    struct player *players;
    uint32_t capacity, dialling;
    uint64_t ended, marked, failed;
};

static void *need(void *p)
{
    if (!p) {
        fputs("peal-bench: no memory\n", stderr);
        exit(1);
    }
    return p;
}

static void must(enum err e, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "peal-bench: %s: %s\n", what, err_name(e));
    exit(1);
}

/* ---- the far side ---- */

static void on_dialled(void *arg, struct call *c, const struct call_dial *dial, void **own)
{
    struct stage *s = arg;

    (void)c, (void)dial;
    *own = &s->players[s->dialling];
}

static void on_bye(struct timer *t)
{
    call_line_end(container_of(t, struct player, bye)->call, 0, 16, ENDED_BY_US);
}

static void on_hung_up(void *arg, struct call *c)
{
    struct player *p = call_line_own(c);

    (void)arg;
    loop_timer(&p->stage->loop, &p->bye, 0, on_bye);
}

static void on_bridged(void *arg, struct call *a, struct call *b)
{
    (void)arg, (void)a, (void)b;
}

static void on_plays(void *arg, struct call *c, uint32_t ms)
{
    (void)arg, (void)c, (void)ms;
}

static void on_freed(void *arg, struct call *c)
{
    struct player *p = call_line_own(c);

    (void)arg;
    loop_timer_stop(&p->stage->loop, &p->bye);
}

/* ---- the stage ---- */

static void stage_open(struct stage *s, uint32_t capacity)
{
    memset(s, 0, sizeof *s);
    s->capacity = capacity;
    s->players = need(calloc(capacity, sizeof *s->players));
    clock_init_virtual(&s->clock, 1000000, 1700000000000);
    must(loop_init(&s->loop, &(struct loop_config){.entries = 64, .clock = &s->clock}), "loop");
    s->line = (struct call_line){.seed = 1,
                                 .arg = s,
                                 .dialled = on_dialled,
                                 .hung_up = on_hung_up,
                                 .bridged = on_bridged,
                                 .plays = on_plays,
                                 .freed = on_freed};
    const struct call_env_config env = {
        .loop = &s->loop, .line = &s->line, .max_calls = capacity, .media_workers = 1};
    must(call_env_open(&s->env, &env), "calls");
    const struct flow_config flows = {.loop = &s->loop, .max_flows = capacity, .cpu_ms = 10000};
    must(flow_runtime_open(&s->rt, &flows), "scripts");
}

static void stage_close(struct stage *s)
{
    flow_runtime_close(s->rt);
    call_env_close(s->env);
    loop_fini(&s->loop);
    free(s->players);
}

static struct flow_script *load(struct stage *s, const char *name, const char *text)
{
    struct flow_script *script;
    char why[FLOW_TEXT_MAX] = "";

    if (flow_script_load_text(s->rt, name, slice_cstr(text), &script, why) != OK) {
        fprintf(stderr, "peal-bench: %s\n", why);
        exit(1);
    }
    return script;
}

static void on_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct player *p = arg;

    p->stage->ended++;
    p->stage->marked += report->marks_count == 1;
    p->stage->failed += report->outcome != FLOW_DONE;
    p->ended = true;
    call_release(c);
}

static void dial(struct stage *s, uint32_t i)
{
    static const struct call_dial to = {.to_uri = "sip:12025550100@127.0.0.1", .from_user = "100"};
    struct player *p = &s->players[i];

    *p = (struct player){.stage = s};
    timer_init(&p->bye);
    s->dialling = i;
    must(call_dial(s->env, &to, NULL, NULL, &p->call), "dial");
}

static void start(struct stage *s, uint32_t i, const struct flow_script *script)
{
    const struct flow_start f = {.script = script,
                                 .call = s->players[i].call,
                                 .leg = i,
                                 .on_end = on_end,
                                 .arg = &s->players[i]};

    must(flow_start(s->rt, &f, NULL), "start a script");
}

static void pass(struct stage *s, uint32_t ms)
{
    clock_advance_us(&s->clock, ms * UINT64_C(1000));
    loop_turn(&s->loop, 0);
}

static void key(struct stage *s, uint32_t i, char digit)
{
    if (!s->players[i].ended)
        call_line_key(s->players[i].call, digit);
}

/* ---- memory ---- */

static size_t heap(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#else
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
#endif
}

static int forever(lua_State *L)
{
    return lua_yield(L, 0);
}

/* The smallest thing that can be resumed, by Lua's own allocator. */
static double bare_bytes(void)
{
    lua_State *L = need(luaL_newstate());
    size_t before = heap();

    lua_createtable(L, INSTANCES, 0);
    for (int i = 1; i <= INSTANCES; i++) {
        lua_State *co = lua_newthread(L);
        int results;
        lua_rawseti(L, -2, i);
        lua_pushcfunction(co, forever);
        lua_resume(co, NULL, 0, &results);
    }
    size_t after = heap();
    lua_close(L);
    return (double)(after - before) / INSTANCES;
}

/* Ten thousand at once, each where the five-step script waits for its second key. */
static void bench_memory(struct bench *b)
{
    struct stage s;

    stage_open(&s, INSTANCES);
    struct flow_script *script = load(&s, "five.lua", five_steps);
    for (uint32_t i = 0; i < INSTANCES; i++)
        dial(&s, i);
    size_t heap_before = heap(), lua_before = flow_runtime_stats(s.rt)->memory_bytes;
    for (uint32_t i = 0; i < INSTANCES; i++)
        start(&s, i, script);
    for (uint32_t i = 0; i < INSTANCES; i++)
        call_line_answer(s.players[i].call);
    for (uint32_t i = 0; i < INSTANCES; i++) {
        key(&s, i, '1');
        key(&s, i, '4');
    }
    const struct flow_stats *stats = flow_runtime_stats(s.rt);
    double lua = (double)(stats->memory_bytes - lua_before) / INSTANCES;
    double all = (double)(heap() - heap_before) / INSTANCES;
    if (stats->running != INSTANCES)
        bench_fail(b, "scripts: %u of %d instances run", stats->running, INSTANCES);
    bench_add(b, "scripts", "Lua's bytes a call, 10,000 at once", lua, "bytes", BENCH_LOWER);
    bench_add_peer(b, "scripts", "script memory a call (heap), 10,000 at once", all, "bytes",
                   BENCH_LOWER, "bare Lua coroutine", bare_bytes());
    bench_add(b, "scripts", "a call's own record beside it (pool)", (double)stats->flow_bytes,
              "bytes", BENCH_LOWER);
    if (lua > SCRIPT_BYTES || all > SCRIPT_BYTES)
        bench_fail(b, "scripts: an instance takes more than %d bytes", SCRIPT_BYTES);
    for (int k = 0; k < 3; k++)
        for (uint32_t i = 0; i < INSTANCES; i++)
            key(&s, i, "711"[k]);
    for (int k = 0; k < 3; k++)
        pass(&s, 300);
    if (s.ended != INSTANCES || s.marked != INSTANCES || s.failed)
        bench_fail(b, "scripts: of %d instances %llu ended, %llu took the last step, %llu failed",
                   INSTANCES, (unsigned long long)s.ended, (unsigned long long)s.marked,
                   (unsigned long long)s.failed);
    stage_close(&s);
}

/* ---- speed ---- */

static double bare_resume_ns(const struct bench *b)
{
    static const char text[] = "local yield = ... while true do yield() end";
    lua_State *L = need(luaL_newstate()), *co = lua_newthread(L);
    uint64_t n = 0, begin, end;
    int results;

    if (luaL_loadstring(co, text) != LUA_OK)
        exit(1);
    lua_pushcfunction(co, forever);
    lua_resume(co, NULL, 1, &results);
    begin = bench_thread_cpu_us();
    do {
        for (int i = 0; i < 1000; i++) {
            lua_pop(co, results);
            lua_resume(co, NULL, 0, &results);
        }
        n += 1000;
        end = bench_thread_cpu_us();
    } while (end - begin < (uint64_t)(b->seconds * 1e6 / 4));
    lua_close(L);
    return (double)(end - begin) * 1000 / (double)n;
}

/* A key on each of so many calls in turn: an event of the call, a resume, a verb that ends and one
 * that begins. */
static void bench_resume(struct bench *b, uint32_t calls, double peer)
{
    struct stage s;
    char name[BENCH_TEXT_MAX];
    uint64_t n = 0, begin, end;

    stage_open(&s, calls);
    struct flow_script *script = load(&s, "keys.lua", keys_forever);
    for (uint32_t i = 0; i < calls; i++) {
        dial(&s, i);
        start(&s, i, script);
        call_line_answer(s.players[i].call);
    }
    begin = bench_thread_cpu_us();
    do {
        for (uint32_t i = 0; i < calls; i++)
            key(&s, i, '1');
        n += calls;
        end = bench_thread_cpu_us();
    } while (end - begin < (uint64_t)(b->seconds * 1e6 / 4));
    snprintf(name, sizeof name, "a key: event, resume, next verb; %u calls", calls);
    bench_add_peer(b, "scripts", name, (double)(end - begin) * 1000 / (double)n, "ns", BENCH_LOWER,
                   "bare lua_resume and yield", peer);
    if (s.ended)
        bench_fail(b, "scripts: %llu of the calls ended", (unsigned long long)s.ended);
    flow_stop_all(s.rt);
    pass(&s, 1);
    pass(&s, 1);
    stage_close(&s);
}

/* From the INVITE to the end of the record, a thousand calls in the air. */
static void bench_calls(struct bench *b)
{
    enum { WAVE = 1000 };
    struct stage s;
    uint64_t n = 0, begin, end;

    stage_open(&s, WAVE);
    struct flow_script *script = load(&s, "five.lua", five_steps);
    begin = bench_thread_cpu_us();
    do {
        for (uint32_t i = 0; i < WAVE; i++) {
            dial(&s, i);
            start(&s, i, script);
        }
        for (uint32_t i = 0; i < WAVE; i++)
            call_line_answer(s.players[i].call);
        for (const char *k = "14711"; *k; k++) {
            pass(&s, 100);
            for (uint32_t i = 0; i < WAVE; i++)
                key(&s, i, *k);
        }
        for (int k = 0; k < 3; k++)
            pass(&s, 300);
        n += WAVE;
        end = bench_thread_cpu_us();
    } while (end - begin < (uint64_t)(b->seconds * 1e6 / 2));
    if (s.ended != n || s.marked != n || s.failed)
        bench_fail(b, "scripts: of %llu calls %llu ended, %llu took the last step, %llu failed",
                   (unsigned long long)n, (unsigned long long)s.ended, (unsigned long long)s.marked,
                   (unsigned long long)s.failed);
    bench_add(b, "scripts", "calls with a script of five steps",
              (double)n * 1e6 / (double)(end - begin), "calls/s", BENCH_HIGHER);
    stage_close(&s);
}

/* ---- a script that runs away ---- */

/* How long the loop is held by one that never waits until it is stopped. More than one tick of a
 * leg (20 ms) would be too long; a tick is CPU time here, since a busy machine may take any time.
 */
static void bench_runaway(struct bench *b, size_t which)
{
    struct stage s;
    uint64_t n = 0, spent = 0;
    char name[BENCH_TEXT_MAX];

    stage_open(&s, 1);
    struct flow_script *script = load(&s, "runaway.lua", runaways[which].script);
    do {
        dial(&s, 0);
        start(&s, 0, script);
        call_line_answer(s.players[0].call);
        uint64_t begin = bench_thread_cpu_us();
        key(&s, 0, '1');
        spent += bench_thread_cpu_us() - begin;
        pass(&s, 1);
        pass(&s, 1);
        n++;
    } while (spent < (uint64_t)(b->seconds * 1e6 / 20));
    if (s.failed != n)
        bench_fail(b, "scripts: of %llu runaways (%s) %llu were stopped", (unsigned long long)n,
                   runaways[which].name, (unsigned long long)s.failed);
    double ms = (double)spent / (double)n / 1000;
    snprintf(name, sizeof name, "%s, until it is stopped", runaways[which].name);
    bench_add(b, "scripts", name, ms, "ms", BENCH_LOWER);
    if (ms > TICK_MS)
        bench_fail(b, "scripts: %s holds the loop for more than a tick", runaways[which].name);
    stage_close(&s);
}

int bench_scripts(struct bench *b)
{
    bench_pin(0);
    bench_memory(b);
    double peer = bare_resume_ns(b);
    bench_resume(b, 1, peer);
    bench_resume(b, 1000, peer);
    bench_resume(b, INSTANCES, peer);
    bench_calls(b);
    enum log_level was = log_level_now();
    log_set_level(LOG_OFF); /* each is told otherwise */
    for (size_t i = 0; i < sizeof runaways / sizeof *runaways; i++)
        bench_runaway(b, i);
    log_set_level(was);
    return 0;
}
