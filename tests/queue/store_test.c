/* store.* of scripts against a real redis-server, also one that dies in the middle. */
#include "../flow/fake_call.h"

#include "fixture.h"
#include "queue/store.h"

static struct bench *bench;
static struct store *store;

static void on_store(void *arg, bool up, const char *why)
{
    on_state(arg, up, why);
}

static void open_all(void)
{
    static struct bench b;

    bench = &b;
    start_server();
    memset(&b, 0, sizeof b);
    cr_assert_eq(loop_init(&loop, NULL), OK);
    const struct store_config config = {
        .loop = &loop, .url = redis_server_url(server), .on_state = on_store};
    is_up = false;
    cr_assert_eq(store_open(&store, &config), OK);
    cr_assert(turn_until(&is_up), "%s", store_error(store));
    const struct flow_config flows = {
        .loop = &loop, .simulator = true, .cpu_ms = 2000, .store = store_for_flows(store)};
    cr_assert_eq(flow_runtime_open(&b.rt, &flows), OK);
}

static void close_all(void)
{
    flow_runtime_close(bench->rt);
    store_close(store);
    loop_fini(&loop);
    redis_server_close(server);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct run {
    struct call call;
    struct flow *flow;
    bool ended;
    struct flow_report report;
};

static void on_run_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct run *r = arg;

    (void)c;
    r->report = *report;
    r->ended = true;
}

static void start_leg(struct run *r, const char *body, uint64_t leg)
{
    char text[8192], why[FLOW_TEXT_MAX] = "";
    struct flow_script *script;

    snprintf(text, sizeof text,
             "return callee { truth = \"human\", run = function(call)\n%s\nend }", body);
    cr_assert_eq(flow_script_load_text(bench->rt, "t.lua", slice_cstr(text), &script, why), OK,
                 "%s", why);
    memset(r, 0, sizeof *r);
    r->call.loop = &loop;
    r->call.start_us = clock_us(loop.clock);
    struct flow_start start = {
        .script = script, .call = &r->call, .leg = leg, .on_end = on_run_end, .arg = r};
    cr_assert_eq(flow_start(bench->rt, &start, &r->flow), OK);
}

static void ended_well(struct run *r, uint32_t checks)
{
    cr_assert(turn_until(&r->ended), "the script still runs; it said: %s", r->call.said);
    cr_assert_str_eq(r->report.error, "");
    cr_assert_eq(r->report.checks_failed, 0u, "%s", r->report.failed[0]);
    cr_assert_eq(r->report.checks_passed, checks);
}

static void fine(const char *body, uint32_t checks)
{
    static struct run r;

    start_leg(&r, body, 1);
    ended_well(&r, checks);
}

/* The error names the script's line and says `part`. */
static void refused(const char *body, int line, const char *part)
{
    static struct run r;
    char at[32];

    start_leg(&r, body, 1);
    cr_assert(turn_until(&r.ended));
    snprintf(at, sizeof at, "t.lua:%d:", line + 1);
    cr_assert(strstr(r.report.error, at), "no \"%s\" in: %s", at, r.report.error);
    cr_assert(strstr(r.report.error, part), "no \"%s\" in: %s", part, r.report.error);
}

TestSuite(store, .init = open_all, .fini = close_all);

Test(store, values_come_back_as_they_went)
{
    fine("check(store.get('none') == nil)\n"
         "check(select('#', store.get('none')) == 1, 'nothing is one nil')\n"
         "check(store.put('pin', '0042') == true)\n"
         "check(store.get('pin') == '0042', store.get('pin'))\n"
         "store.put('n', 17) check(store.get('n') == '17')\n"
         "store.put('t', { name = 'Ann', lines = { { code = '00117', n = 3 }, { code = '07260' } "
         "},\n"
         "  paid = true, sum = 12.5, nothing = {} })\n"
         "local t = store.get('t')\n"
         "check(t.name == 'Ann' and t.lines[1].code == '00117' and t.lines[1].n == 3)\n"
         "check(#t.lines == 2 and t.paid == true and t.sum == 12.5 and #t.nothing == 0)\n"
         "for _, text in ipairs { '{', '[1,2]', '\"x\"', '{\"a\":1}', 'a\"b', '', 'ж\\n\\t', "
         "'\\\\' } do\n"
         "  store.put('x', text) check(store.get('x') == text, text)\n"
         "end",
         15);
}

Test(store, conditions_and_expiry)
{
    fine("check(store.put('a', 1, { only = 'old' }) == false)\n"
         "check(store.put('a', 1, { only = 'new' }) == true)\n"
         "check(store.put('a', 2, { only = 'new' }) == false)\n"
         "check(store.put('a', 3, { same = 2 }) == false and store.get('a') == '1')\n"
         "check(store.put('a', 3, { same = 1 }) == true and store.get('a') == '3')\n"
         "check(store.put('short', 'x', { ttl = 0.03 }) == true)\n"
         "call:wait(0.1)\n"
         "check(store.get('short') == nil, 'it has not ended')\n"
         "store.put('t', { 1, 2 }) check(store.put('t', 'y', { same = { 1, 2 } }) == true)\n"
         "check(store.remove('t') == 1 and store.remove('t') == 0 and store.get('t') == nil)",
         9);
}

Test(store, sums_and_lists)
{
    fine("check(store.add('n') == 1 and store.add('n', 41) == 42 and store.add('n', -2) == 40)\n"
         "check(store.push('l', 'a') == 1 and store.push('l', { b = 1 }) == 2)\n"
         "check(store.push('l', 'c', { max = 3 }) == 3)\n"
         "local n, why = store.push('l', 'd', { max = 3 })\n"
         "check(n == nil and why == 'full')\n"
         "local l = store.list('l')\n"
         "check(#l == 3 and l[1] == 'a' and l[2].b == 1 and l[3] == 'c')\n"
         "check(#store.list('l', { max = 2 }) == 2 and #store.list('none') == 0)\n"
         "check(store.remove('l', { b = 1 }) == 1)\n"
         "check(store.take('l') == 'a' and store.take('l') == 'c' and store.take('l') == nil)\n"
         "store.put('v', 'once') check(store.take('v') == 'once' and store.get('v') == nil)\n"
         "store.put('v', 'text')\n"
         "local a, b, c = store.push('v', 1) check(a == nil and b == 'wrong_type', b)\n"
         "a, b, c = store.add('v') check(a == nil and b == 'wrong_type', b)\n"
         "check(type(c) == 'string' and #c > 10, 'a sentence')\n"
         "store.push('q', 1) a, b = store.get('q') check(b == 'wrong_type')",
         13);
}

/* Two hundred calls at once add to one number and take from one list: nothing is lost or given out
 * twice. */
Test(store, operations_of_many_calls_are_atomic)
{
    enum { CALLS = 200 };
    static struct run r[CALLS], last;

    fine("for i = 1, 200 do store.push('jobs', i) end", 0);
    for (uint64_t i = 0; i < CALLS; i++)
        start_leg(&r[i],
                  "local job = store.take('jobs')\n"
                  "check(store.put('done:' .. job, 1, { only = 'new' }) == true, 'twice')\n"
                  "check(store.add('sum', tonumber(job)) > 0)",
                  i);
    for (int i = 0; i < CALLS; i++)
        ended_well(&r[i], 2);
    start_leg(&last, "check(store.get('sum') == '20100' and store.take('jobs') == nil)", 1);
    ended_well(&last, 1);
}

Test(store, one_call_at_a_time_has_the_lock)
{
    enum { CALLS = 20 };
    static struct run r[CALLS];

    for (uint64_t i = 0; i < CALLS; i++)
        start_leg(&r[i],
                  "check(store.lock('l', { ttl = 60, wait = 50 }) == true)\n"
                  "local n = tonumber(store.get('n') or 0)\n"
                  "call:wait(0.002)\n"
                  "store.put('n', n + 1)\n"
                  "check(store.unlock('l') == true)",
                  i);
    for (int i = 0; i < CALLS; i++)
        ended_well(&r[i], 2);
    fine("check(store.get('n') == '20', store.get('n'))\n"
         "check(store.unlock('l') == false)",
         2);
}

Test(store, locks_end_with_their_call_and_by_their_time)
{
    static struct run first, second;

    start_leg(&first, "check(store.lock('l', { ttl = 600 }))\ncall:mark('has')\ncall:wait(60)", 1);
    while (store_in_flight(store))
        loop_turn(&loop, 1000);
    start_leg(&second,
              "local got, why = store.lock('l')\n"
              "check(got == nil and why == 'locked', why)\n"
              "check(store.unlock('l') == false, 'it is not its own')\n"
              "check(store.lock('l', { wait = 50 }) == true)",
              2);
    while (store_in_flight(store))
        loop_turn(&loop, 1000);
    fake_end(&first.call, 0, ENDED_BY_CALLEE); /* it hangs up and never unlocks */
    ended_well(&first, 1);
    ended_well(&second, 3);
    fine("check(store.lock('s', { ttl = 0.02 }))\n"
         "call:wait(0.1)\n"
         "check(store.unlock('s') == false, 'it is over')",
         2);
}

/* What finally asks for is sent, though nobody waits. */
Test(store, a_caller_who_hung_up_leaves_what_finally_stores)
{
    static struct run r;

    start_leg(&r,
              "call:finally(function(outcome)\n"
              "  check(store.push('missed', { outcome = outcome }) == true)\n"
              "  check(not pcall(store.get, 'missed'))\n"
              "end)\n"
              "call:wait(60)",
              1);
    fake_end(&r.call, 0, ENDED_BY_CALLEE);
    ended_well(&r, 2);
    fine("check(store.take('missed').outcome == 'hangup')", 1);
}

Test(store, what_is_wrong_is_said_on_its_line)
{
    refused("\nstore.get('')", 2, "1 to 200 bytes");
    refused("store.put(('k'):rep(201), 1)", 1, "1 to 200 bytes");
    refused("store.put('k', function() end)", 1, "not a function");
    refused("store.put('k', { [true] = 1 })", 1, "boolean");
    refused("local t = {} t.t = t store.put('k', t)", 1, "nested deeper");
    refused("store.put('k', { 0/0 })", 1, "not finite");
    refused("local t = {}\nfor i = 1, 40 do t[i] = ('x'):rep(2000) end\nstore.put('k', t)", 3,
            "longer than 65536");
    refused("store.put('k', 1, { tll = 3 })", 1, "no option 'tll'");
    refused("store.gett('k')", 1, "gett");
    refused("store.get = nil", 1, "cannot be set");
    refused("store.lock('k', { ttl = 0 })", 1, "needs a ttl");
}

/* The server dies while a call waits: the script is told by name and goes on, and when the server
 * is back the next call finds it. */
Test(store, redis_dies_in_the_middle)
{
    static struct run r, again;
    pid_t pid = redis_server_pid(server);

    fine("check(store.put('kept', 'yes') == true)", 1);
    kill(pid, SIGSTOP); /* it takes the question and never answers */
    start_leg(&r,
              "local ok, why = store.put('k', 1, { limit = 0.05 })\n"
              "check(ok == nil and why == 'timeout', why)\n"
              "ok, why = store.get('kept', { limit = 60 })\n"
              "check(ok == nil and why == 'unavailable', why)\n"
              "local began = call:age()\n"
              "ok, why = store.get('kept', { limit = 60 })\n"
              "check(ok == nil and why == 'unavailable' and call:age() - began < 30, why)",
              1);
    for (int i = 0; i < 20000 && store_in_flight(store) < 2; i++)
        loop_turn(&loop, 1000);
    cr_assert_eq(store_in_flight(store), 2u, "both questions are with Redis");
    is_up = false;
    kill(pid, SIGKILL);
    ended_well(&r, 3);
    cr_assert_eq(store_in_flight(store), 0u);
    cr_assert_eq(flow_runtime_stats(bench->rt)->asking, 0u);
    for (int i = 0; i < 20000 && !is_up; i++) {
        redis_server_revive(server);
        loop_turn(&loop, 1000);
    }
    cr_assert(is_up);
    start_leg(&again, "check(store.get('kept') == 'yes')", 1);
    ended_well(&again, 1);
}

/* Closing with questions under way leaves nothing behind, whichever goes first. */
Test(store, closing_with_questions_under_way)
{
    static struct run r[3];

    kill(redis_server_pid(server), SIGSTOP);
    for (uint64_t i = 0; i < 3; i++)
        start_leg(&r[i], "store.get('x', { limit = 60 })", i);
    loop_turn(&loop, 1000);
    cr_assert_eq(flow_runtime_stats(bench->rt)->asking, 3u);
    fake_end(&r[0].call, 0, ENDED_BY_CALLEE);
    cr_assert(turn_until(&r[0].ended));
    cr_assert_eq(r[0].report.outcome, FLOW_HANGUP);
    flow_runtime_close(bench->rt);
    cr_assert_eq(store_in_flight(store), 3u);
    store_close(store);
    store = NULL;
    kill(redis_server_pid(server), SIGCONT);
    const struct flow_config flows = {.loop = &loop, .simulator = true};
    cr_assert_eq(flow_runtime_open(&bench->rt, &flows), OK);
    refused("store.get('x')", 1, "no store is configured");
}
