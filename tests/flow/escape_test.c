/* What a script may try: to get out of its sandbox, to spend what is not its own, to outlive its
 * end, or to bring the others down. After each attempt the same runtime serves a decent script. */
#include "flow/fake_call.h"

/* What an attempt may come to. */
enum end { FINE, ENDS, RUNS_OUT, TOO_MUCH };

struct attempt {
    const char *body;
    enum end end;
    const char *says; /* part of its error; NULL: any */
};

static void decent_still_runs(struct bench *b, const char *after)
{
    bench_body(b, "local t = {} for i = 1, 100 do t[i] = ('x'):rep(i) end check(#t[100] == 100)");
    bench_pass(b, 3);
    cr_assert(b->ended, "%s", after);
    cr_assert_str_eq(b->report.error, "", "after %s: %s", after, b->report.error);
    cr_assert_eq(b->report.checks_passed, 1u);
}

static void try_all(const struct attempt *a, size_t n)
{
    struct bench b;

    bench_open(&b);
    for (size_t i = 0; i < n; i++) {
        const char *error = b.report.error;
        bench_body(&b, a[i].body);
        bench_pass(&b, 3);
        cr_assert(b.ended, "it still runs: %s", a[i].body);
        switch (a[i].end) {
        case FINE:
            cr_assert_str_eq(error, "", "%s: %s", a[i].body, error);
            cr_assert_eq(b.report.checks_failed, 0u, "%s: %s", a[i].body, b.report.failed[0]);
            break;
        case ENDS:
            cr_assert_neq(b.report.outcome, FLOW_DONE, "%s", a[i].body);
            cr_assert(strstr(error, "t.lua"), "%s: %s", a[i].body, error);
            break;
        case RUNS_OUT:
            cr_assert(strstr(error, "without waiting"), "%s: %s", a[i].body, error);
            break;
        case TOO_MUCH:
            cr_assert(strstr(error, "memory") || strstr(error, "longer than"), "%s: %s", a[i].body,
                      error);
            break;
        }
        if (a[i].says)
            cr_assert(strstr(error, a[i].says), "%s: no \"%s\" in: %s", a[i].body, a[i].says,
                      error);
        decent_still_runs(&b, a[i].body);
        /* It got no more than its budget: what one charge may go beyond it is bounded. */
        cr_assert_leq(flow_runtime_stats(b.rt)->most_spent, 500000u + 1100000u, "%s: %llu",
                      a[i].body, (unsigned long long)flow_runtime_stats(b.rt)->most_spent);
    }
    bench_close(&b);
}

#define TRY(...)                                                                                   \
    static const struct attempt attempts[] = {__VA_ARGS__};                                        \
    try_all(attempts, sizeof attempts / sizeof *attempts)

Test(escape, out_by_the_libraries)
{
    TRY({"os.execute('true')", ENDS, "global 'os'"}, {"io.open('/etc/passwd')", ENDS, "'io'"},
        {"require 'os'", ENDS, "'require'"}, {"load('return 1')()", ENDS, "'load'"},
        {"loadstring('return 1')", ENDS, "'loadstring'"}, {"dofile('/etc/passwd')", ENDS, NULL},
        {"debug.getregistry()", ENDS, "'debug'"}, {"debug.sethook()", ENDS, NULL},
        {"package.loaded.os.exit()", ENDS, "'package'"}, {"coroutine.wrap(print)()", ENDS, NULL},
        {"collectgarbage('stop')", ENDS, NULL}, {"rawset(_G, 'x', 1)", ENDS, "'rawset'"},
        {"next({})", ENDS, "'next'"}, {"xpcall(print, print)", ENDS, "'xpcall'"},
        {"string.dump(print)", ENDS, "'dump'"}, {"('x'):dump()", ENDS, "'dump'"},
        {"string.pack('i4', 1)", ENDS, "'pack'"}, {"('%p'):format(print)", ENDS, "%p"},
        {"math.randomseed(1)", ENDS, "'randomseed'"},
        {"for k in pairs(_G) do check(k == '_G', k) end", FINE, NULL},
        {"check(_G.string.rep and not _G.io and not _ENV.os)", FINE, NULL},
        {"local e <const> = _ENV check(e._ENV == nil and e._G == e)", FINE, NULL});
}

Test(escape, out_by_metatables)
{
    TRY({"getmetatable('').__index.rep = 1", ENDS, NULL},
        {"getmetatable('').__index = {}", ENDS, NULL}, {"setmetatable('', {})", ENDS, NULL},
        {"setmetatable(_G, {})", ENDS, "protected"},
        {"setmetatable(string, {})", ENDS, "protected"},
        {"setmetatable(store, {})", ENDS, "protected"},
        {"getmetatable(_G).__index = nil", ENDS, NULL},
        {"getmetatable(call).__index = nil", ENDS, NULL},
        {"setmetatable({}, { __gc = print })", ENDS, "__gc"},
        {"local m = {} local t = setmetatable({}, m) m.__gc = function() while true do end end\n"
         "t = nil for i = 1, 20000 do local x = {} end",
         FINE, NULL},
        {"local m = setmetatable({}, { __index = function() return function() end end })\n"
         "local t = setmetatable({}, m)",
         ENDS, NULL},
        {"string.rep = nil", ENDS, "cannot be set"}, {"store.get = nil", ENDS, "cannot be set"},
        {"http.get = nil", ENDS, "cannot be set"}, {"read.number = nil", ENDS, "cannot be set"},
        {"rawequal = nil check(rawequal ~= nil or rawequal == nil)", FINE, NULL},
        {"local t = setmetatable({}, { __metatable = 1 }) check(getmetatable(t) == 1)", FINE, NULL},
        {"local t = {} t.__index = t setmetatable(t, t) local x = t.x", ENDS, "loop"},
        {"local t = setmetatable({}, { __name = ('x'):rep(60000) }) local x = t < t", ENDS, NULL},
        {"local t = setmetatable({}, { __tostring = function() return t end }) tostring(t)", ENDS,
         NULL});
}

Test(escape, memory_by_strings)
{
    TRY({"local s = ('x'):rep(1 << 40)", TOO_MUCH, NULL},
        {"local s = ('x'):rep(1 << 62, 'yy')", TOO_MUCH, NULL},
        {"local s = (''):rep(1 << 62, 'y')", TOO_MUCH, NULL},
        {"check((''):rep(1 << 62) == '')", FINE, NULL},
        {"check(('x'):rep(-1) == '' and ('x'):rep(math.mininteger) == '')", FINE, NULL},
        {"local s = ('a'):rep(60000):gsub('a', ('b'):rep(60000))", TOO_MUCH, NULL},
        {"local s = ('a'):rep(60000):gsub('', '%0%0%0%0')", FINE, NULL},
        {"local s = ('a'):rep(60000):gsub('.*', '%0%0')", TOO_MUCH, NULL},
        {"local s = ('a'):rep(60000):gsub('.', { a = ('b'):rep(100) })", TOO_MUCH, NULL},
        {"local s = ('%99999d'):format(1)", ENDS, NULL},
        {"local s = ('%.99999f'):format(1)", ENDS, NULL},
        {"local s = ('%99.99f'):format(1e308)", FINE, NULL},
        {"local s = ('%s'):rep(3):format(('x'):rep(30000), ('x'):rep(30000), ('x'):rep(30000))",
         TOO_MUCH, NULL},
        {"local s = ('%q'):format(('\\0'):rep(60000))", TOO_MUCH, NULL},
        {"local s = ('%q'):format(('\\n'):rep(60000))", TOO_MUCH, NULL},
        {"local s = ('x'):rep(60000) .. ('x'):rep(60000)", TOO_MUCH, NULL},
        {"local t = { ('x'):rep(60000):byte(1, -1) }", ENDS, NULL},
        {"local t = { utf8.codepoint(('x'):rep(60000), 1, -1) }", ENDS, NULL},
        {"local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end", ENDS, NULL},
        {"for i = 1, 1e9 do _G['k' .. i] = i end", TOO_MUCH, NULL},
        {"local t = {} for i = 1, 1e9 do t = { t } end", TOO_MUCH, NULL},
        {"local t = {} for i = 1, 1e9 do local j = i t[i] = function() return j end end", TOO_MUCH,
         NULL},
        {"local t = {} t[1e15] = 1 t[1 << 60] = 2 check(#t == 0 or #t > 0)", FINE, NULL},
        {"table.unpack({}, 1, 1e9)", ENDS, "too many"},
        {"local t = {} for i = 1, 190 do t[i] = 300 end local s = utf8.char(table.unpack(t))", FINE,
         NULL},
        {"local t = {} for i = 1, 1e6 do t[#t + 1] = '12345678' end table.concat(t)", TOO_MUCH,
         NULL},
        {"store.put('k', { ('x'):rep(60000), ('x'):rep(60000) })", ENDS, "longer than"},
        {"call:answer() call:say(('x'):rep(60000))", ENDS, "at most"});
}

Test(escape, time_by_loops)
{
    TRY({"while true do end", RUNS_OUT, NULL}, {"::again:: goto again", RUNS_OUT, NULL},
        {"for i = 1, math.huge do end", RUNS_OUT, NULL}, {"for i = 1, 2, 0 do end", ENDS, "step"},
        {"repeat until false", RUNS_OUT, NULL},
        {"local function f() return f() end f()", RUNS_OUT, NULL},
        {"while true do pcall(error) end", RUNS_OUT, NULL},
        {"local function f() while true do pcall(f) end end f()", ENDS, NULL},
        {"while true do pcall(pcall, error) end", RUNS_OUT, NULL},
        {"while true do local ok = pcall(function() while true do end end) end", RUNS_OUT, NULL},
        {"local x <close> = setmetatable({}, { __close = function() while true do end end })", ENDS,
         "without waiting"},
        {"local function f() local x <close> = setmetatable({}, { __close = f }) "
         "while true do end end f()",
         RUNS_OUT, NULL},
        {"local t = setmetatable({}, {})\n"
         "local function f() local x <close> = t local y <close> = t while true do end end\n"
         "getmetatable(t).__close = f f()",
         RUNS_OUT, NULL},
        {"call:finally(function() while true do pcall(error) end end)", RUNS_OUT, NULL},
        {"call:finally(function() call:finally(print) end)", ENDS, "finally"},
        {"while true do call:mark('m') end", RUNS_OUT, NULL},
        {"while true do call:log('x') end", RUNS_OUT, NULL},
        {"while true do print('x') end", RUNS_OUT, NULL},
        {"while true do pcall(call.wait, call, -1) end", RUNS_OUT, NULL},
        {"while true do pcall(store.get, 'x') end", RUNS_OUT, NULL},
        {"while true do pcall(http.get, 'http://x') end", RUNS_OUT, NULL},
        {"while true do read.number(123456789) end", RUNS_OUT, NULL},
        {"call:answer() while true do pcall(call.say, call, '') end", RUNS_OUT, NULL});
}

Test(escape, time_by_patterns_and_tables)
{
    TRY({"('a'):rep(30000):find(('a*'):rep(30) .. 'b')", ENDS, "too long"},
        {"('a'):rep(30000):match(('a-'):rep(30) .. 'b')", ENDS, "too long"},
        {"('x'):rep(60000):gsub('.-b', 'c')", ENDS, NULL},
        {"('('):rep(60000):find('%b()')", ENDS, NULL},
        {"while true do pcall(string.find, ('a'):rep(3000), '.-.-.-b') end", RUNS_OUT, NULL},
        {"while true do ('a'):rep(60000):find('b', 1, true) end", RUNS_OUT, NULL},
        {"while true do local s = ('a'):rep(60000):upper() end", RUNS_OUT, NULL},
        {"while true do local s = ('a'):rep(60000):reverse() end", RUNS_OUT, NULL},
        {"('x'):gsub('x', function() while true do end end)", RUNS_OUT, NULL},
        {"for w in ('x '):rep(30000):gmatch('%a') do while true do end end", RUNS_OUT, NULL},
        {"local t = {} for i = 1, 5000 do t[i] = i % 7 end while true do table.sort(t) end",
         RUNS_OUT, NULL},
        {"table.sort({ 3, 2, 1 }, function() while true do end end)", RUNS_OUT, NULL},
        {"local t = {} for i = 1, 5000 do t[i] = i end\n"
         "while true do table.insert(t, 1, table.remove(t)) end",
         RUNS_OUT, NULL},
        {"local t = {} for i = 1, 5000 do t[i] = i end while true do pairs(t) end", ENDS, NULL},
        {"local t = {} for i = 1, 5000 do t[i] = '1234567' end while true do table.concat(t) end",
         RUNS_OUT, NULL},
        {"local t = {} for i = 1, 5000 do t[i] = i end while true do pcall(store.put, 'k', t) end",
         RUNS_OUT, NULL},
        {"local s = ('é'):rep(30000) while true do utf8.len(s) end", RUNS_OUT, NULL},
        {"local s = ('x'):rep(60000) while true do s:byte(59000, 59100) end", RUNS_OUT, NULL});
}

Test(escape, the_stack)
{
    TRY({"local function f() return 1 + f() end f()", ENDS, NULL},
        {"local function f() return (('x'):gsub('x', f)) end f()", ENDS, NULL},
        {"local function f() table.sort({ 1, 2 }, f) end f()", ENDS, NULL},
        {"local function f() return pcall(f) end f()", FINE, NULL},
        {"local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end\n"
         "local x = t.x",
         ENDS, NULL},
        {"local t = setmetatable({}, {}) getmetatable(t).__tostring = tostring tostring(t)", ENDS,
         NULL},
        {"local t = {} t.t = t store.put('k', t)", ENDS, "nested"},
        {"local t = { 'x' } t[1] = t call:answer() call:play(t)", ENDS, NULL},
        {"local p = ('('):rep(200) ('x'):find(p .. 'x' .. (')'):rep(200))", ENDS, NULL},
        {"('x'):rep(60000):find(('x?'):rep(20000) .. 'y')", ENDS, NULL},
        {"('x'):rep(500):find(('(x)'):rep(40))", ENDS, "captures"});
}

/* Errors that are objects, and the mark of the runtime's own unwinding in a script's hands. */
Test(escape, error_objects)
{
    TRY({"error()", ENDS, "nil"}, {"error({})", ENDS, "table"},
        {"error(setmetatable({}, { __tostring = function() while true do end end }))", ENDS,
         "table"},
        {"error(function() end)", ENDS, "function"}, {"error(call)", ENDS, NULL},
        {"error('t.lua:7: forged', 0)", ENDS, "forged"}, {"error(('x'):rep(60000))", ENDS, NULL},
        {"local ok, e = pcall(error, { 1 }) check(not ok and e[1] == 1)", FINE, NULL},
        {"local kept\n"
         "local x <close> = setmetatable({}, { __close = function(_, e) kept = e end })\n"
         "call:finally(function() check(type(kept) == 'userdata' or kept == nil) end)\n"
         "while true do end",
         RUNS_OUT, NULL},
        {"local kept\n"
         "call:finally(function() error(kept) end)\n"
         "local x <close> = setmetatable({}, { __close = function(_, e) kept = e end })\n"
         "while true do end",
         RUNS_OUT, NULL},
        {"assert(false)", ENDS, NULL}, {"assert(nil, {})", ENDS, "table"});
}

/* Metamethods that run while C has the floor: an operator's, a library's, a verb's options. */
Test(escape, metamethods_that_run_away)
{
    TRY({"local t = setmetatable({}, { __concat = function() while true do end end }) t = t .. t",
         RUNS_OUT, NULL},
        {"local t = setmetatable({}, { __eq = function() while true do end end })\n"
         "local x = t == setmetatable({}, getmetatable(t))",
         RUNS_OUT, NULL},
        {"local t = setmetatable({}, { __len = function() while true do end end }) t = #t",
         RUNS_OUT, NULL},
        {"local t = setmetatable({}, { __len = function() return 1 << 40 end }) table.sort(t)",
         FINE, NULL},
        {"local t = setmetatable({}, { __len = function() return math.maxinteger end })\n"
         "table.insert(t, 1)",
         FINE, NULL},
        {"local t = setmetatable({}, { __index = function() while true do end end })\n"
         "table.concat(t, '', 1, 9)",
         ENDS, NULL},
        {"local t = setmetatable({}, { __newindex = function() while true do end end }) t.x = 1",
         RUNS_OUT, NULL},
        {"local t = setmetatable({}, { __call = function(f) return f(f) end }) t()", RUNS_OUT,
         NULL},
        {"local t = setmetatable({}, { __lt = function() call:wait(1) end })\n"
         "table.sort({ t, t, t })",
         ENDS, NULL},
        {"local o = setmetatable({}, { __index = function() while true do end end })\n"
         "call:wait_answer(o)",
         ENDS, NULL},
        {"local w = setmetatable({}, { __index = function() call:wait(1) end })\n"
         "call:answer() call:say('{x}', { with = w })",
         ENDS, NULL},
        {"local w = setmetatable({}, { __index = function() while true do end end })\n"
         "call:answer() call:say('{x}', { with = w })",
         ENDS, NULL},
        {"local t = setmetatable({}, { __pairs = function() while true do end end })\n"
         "for k in pairs(t) do end",
         FINE, NULL},
        {"local t = setmetatable({}, { __mode = 'kv' }) for i = 1, 2000 do t[{}] = {} end", FINE,
         NULL});
}

/* What one call does to what it sees is not there for the next; addresses are not shown. */
Test(escape, what_is_left_for_the_next_call)
{
    TRY({"pcall(function() string.upper = function() return 'poison' end end)", FINE, NULL},
        {"check(('x'):upper() == 'X' and string.upper('y') == 'Y')", FINE, NULL},
        {"tostring = function() return 'poison' end print = nil type = nil", FINE, NULL},
        {"check(tostring(1) == '1' and type(1) == 'number' and print)", FINE, NULL},
        {"pcall(function() getmetatable('').__index = function() return 'poison' end end)", FINE,
         NULL},
        {"check(('x').upper == string.upper and ('x').none == nil)", FINE, NULL},
        {"call.row.left = 'poison'", FINE, NULL}, {"check(call.row.left == nil)", FINE, NULL},
        {"math.left = nil", ENDS, "cannot be set"}, {"utf8.char = nil", ENDS, "cannot be set"},
        {"table.left = 1", ENDS, "cannot be set"},
        {"for _, x in ipairs { print, {}, call, string.rep, function() end } do\n"
         "  check(not tostring(x):find('0x', 1, true), tostring(x))\n"
         "  check(not ('%s'):format(x):find('0x', 1, true))\n"
         "end",
         FINE, NULL},
        {"local ok, e = pcall(function() return {} < {} end) check(not e:find('0x', 1, true), e)",
         FINE, NULL});
}

/* Arguments at the ends of what a number can be, and patterns that are none. */
Test(escape, numbers_and_patterns_at_their_ends)
{
    TRY({"for i = math.maxinteger - 1, math.maxinteger do end", FINE, NULL},
        {"for i = math.mininteger, math.mininteger + 1 do end", FINE, NULL},
        {"check(('x'):sub(math.mininteger, math.maxinteger) == 'x')", FINE, NULL},
        {"check(('x'):byte(math.maxinteger) == nil)", FINE, NULL}, {"select(-1e9, 1)", ENDS, NULL},
        {"select(0, 1)", ENDS, NULL}, {"local x = 1 // 0", ENDS, "zero"},
        {"local x = 1 % 0", ENDS, NULL},
        {"check(math.mininteger // -1 == math.mininteger)", FINE, NULL},
        {"local x = 1 << 1e9 check(x == 0)", FINE, NULL}, {"utf8.char(1 << 40)", ENDS, NULL},
        {"utf8.codepoint('\\xff')", ENDS, "UTF"},
        {"table.unpack({}, math.mininteger, math.maxinteger)", ENDS, "too many"},
        {"table.concat({}, 'x', 1, math.maxinteger)", ENDS, NULL},
        {"('x'):find('[a')", ENDS, "malformed"}, {"('x'):find('%')", ENDS, "malformed"},
        {"('x'):find('(x')", ENDS, "unfinished"}, {"('x'):find('%f')", ENDS, "missing"},
        {"('x'):gsub('x', '%9')", ENDS, NULL}, {"('x'):find('x', math.mininteger)", FINE, NULL},
        {"call:wait(0/0)", ENDS, NULL}, {"call:wait(math.huge)", ENDS, NULL},
        {"call:wait(-1)", ENDS, NULL}, {"call:answer() call:tone(1e9, 1)", ENDS, NULL},
        {"call:answer() call:tone({ 0/0 }, 1)", ENDS, NULL},
        {"read.number(1 << 62)", ENDS, "large"}, {"read.amount(1e300, 'EUR')", ENDS, "large"},
        {"call:digits { max = 1e18 }", ENDS, NULL},
        {"call:menu { keys = ('1'):rep(1000) }", ENDS, "keys"});
}

/* Verbs where they cannot wait, and on what is no call. */
Test(escape, verbs_in_the_wrong_place)
{
    TRY({"table.sort({ 1, 2 }, function() call:wait(1) return true end)", ENDS, "yield"},
        {"('x'):gsub('x', function() call:wait(1) end)", ENDS, "yield"},
        {"local t = setmetatable({}, { __index = function() call:wait(0.001) end }) "
         "local x = ('%s'):format(t.x)",
         FINE, NULL},
        {"call.wait({}, 1)", ENDS, "peal.call"}, {"call.wait(nil, 1)", ENDS, "peal.call"},
        {"call.wait('x', 1)", ENDS, "peal.call"}, {"call.answer(store)", ENDS, "peal.call"},
        {"call:nonsense()", ENDS, "no verb"}, {"call.ended = false", ENDS, NULL},
        {"call[{}] = 1", ENDS, NULL}, {"local x = call[{}]", ENDS, NULL}, {"call()", ENDS, NULL},
        {"local x = #call", ENDS, NULL}, {"local x = call .. ''", ENDS, NULL},
        {"for k in pairs(call) do end", ENDS, NULL},
        {"callee { truth = 'human', run = function() end }", FINE, NULL},
        {"flow { run = function() end, prompts = { x = 1 } }", FINE, NULL});
}

/* While a script is only being declared, too: nothing of it may last or grow for ever. */
Test(escape, declarations)
{
    static const char *const texts[] = {
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local x <close> = setmetatable({}, { __close = function() while true do end end })",
        "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(60000) .. i end",
        "local t = {} for i = 1, 1e9 do pcall(function() t[i] = ('x'):rep(60000) .. i end) end",
        ("local t = setmetatable({}, {}) local function f() local x <close> = t local y <close> = "
         "t "
         "while true do end end getmetatable(t).__close = f f()"),
        "for i = 1, 1e9 do pcall(string.find, ('a'):rep(3000), '.-.-.-b') end",
        "for i = 1, 1e9 do pcall(string.rep, 'x', 60000) end",
        "local t = {} for i = 1, 9000 do t[i] = i end for i = 1, 1e9 do table.sort(t) end",
        "store.get('x')",
        "http.get('http://127.0.0.1/')",
        "exp(3)",
        "check(true)",
        "local function f() return 1 + f() end f()",
        "error({})",
        "return setmetatable({}, { __index = function() while true do end end })",
        "return flow { run = setmetatable({}, { __call = function() end }) }",
        "return flow { run = print, limit = 0/0 }",
        "return flow { run = print, limit = -1 }",
        "return flow(flow)",
        "return 1, 2",
    };
    struct bench b;
    struct flow_script *script;
    char why[FLOW_TEXT_MAX];

    bench_open(&b);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        why[0] = '\0';
        enum err e = flow_script_load_text(b.rt, "d.lua", slice_cstr(texts[i]), &script, why);
        cr_assert(e == ERR_INVALID || e == ERR_NOMEM, "it was taken: %s", texts[i]);
        cr_assert(why[0], "%s", texts[i]);
        decent_still_runs(&b, texts[i]);
    }
    bench_close(&b);
}

/* Source that is hard on the compiler. */
Test(escape, source)
{
    static const struct {
        const char *before, *again, *after;
        int times;
    } texts[] = {
        {"return ", "(", "1", 100000},    {"return ", "{", "", 100000},
        {"x = ", "-", "1", 100000},       {"x = ", "not ", "1", 60000},
        {"", "do ", "", 80000},           {"", "if x then ", "", 25000},
        {"x = ", "a.", "b", 100000},      {"x = ", "a..", "b", 80000},
        {"x = ", "2^", "2", 100000},      {"", "local a ", "", 30000},
        {"", "function f() ", "", 19000}, {"return '", "\\", "'", 200000},
        {"--[", "=", "[", 200000},        {"x = ", "f'", "'", 100000},
        {"", "::a:: ", "", 40000},        {"", "goto a ", "", 30000},
    };
    struct bench b;
    struct flow_script *script;
    char why[FLOW_TEXT_MAX], *text = malloc(FLOW_SCRIPT_MAX + 64);

    bench_open(&b);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = (size_t)sprintf(text, "%s", texts[i].before), one = strlen(texts[i].again);
        for (int k = 0; k < texts[i].times && n + one < FLOW_SCRIPT_MAX; k++, n += one)
            memcpy(text + n, texts[i].again, one);
        n += (size_t)sprintf(text + n, "%s", texts[i].after);
        why[0] = '\0';
        enum err e = flow_script_load_text(b.rt, "s.lua", slice_of(text, n), &script, why);
        cr_assert(e == ERR_INVALID || e == ERR_NOMEM, "%s%s… was taken", texts[i].before,
                  texts[i].again);
        cr_assert(why[0]);
        decent_still_runs(&b, texts[i].again);
    }
    free(text);
    bench_close(&b);
}

/* A leg that speaks every 20 ms, and beside it scripts that run away: each is stopped inside of one
 * turn, and the leg's next tick is the next turn, not one later. */
Test(escape, a_runaway_takes_no_tick_from_another_leg)
{
    static const char *const bodies[] = {
        "while true do end",
        "local s = 'x' while true do s = s .. s end",
        "('a'):rep(30000):find(('a*'):rep(30) .. 'b')",
        "while true do pcall(function() while true do end end) end",
        "local t = {} while true do t[#t + 1] = {} end",
    };
    struct bench b;
    struct flow_script *speaker;
    struct call leg = {0};
    char why[FLOW_TEXT_MAX];
    uint32_t spoken = 0;

    bench_open(&b);
    leg.loop = &b.loop;
    cr_assert_eq(
        flow_script_load_text(b.rt, "leg.lua",
                              SLICE("return flow { run = function(call) call:answer()\n"
                                    "while true do call:silence(0.02) call:wait(0.02) end end }"),
                              &speaker, why),
        OK, "%s", why);
    cr_assert_eq(flow_start(b.rt, &(struct flow_start){.script = speaker, .call = &leg}, NULL), OK);
    for (int tick = 0; tick < 50; tick++) {
        cr_assert_eq(leg.queued, spoken + 1, "tick %d", tick);
        fake_played(&leg);
        if (tick % 10 == 3) {
            bench_body(&b, bodies[tick / 10]);
            cr_assert_eq(b.report.outcome, FLOW_DONE);
        }
        memset(&b.report, 0, sizeof b.report);
        clock_advance_us(&b.clock, 20000);
        loop_turn(&b.loop, 0);
        spoken++;
        leg.said[0] = '\0';
        if (tick % 10 == 3) {
            bench_pass(&b, 0);
            cr_assert(b.ended, "%s", bodies[tick / 10]);
            cr_assert_eq(b.report.outcome, FLOW_ERROR, "%s", bodies[tick / 10]);
        }
    }
    bench_close(&b);
}
