/* What a script cannot do: reach outside, disturb other calls, or run away. */
#include "flow/fake_call.h"

/* Runs a body that must raise; the error names the script and its line, and says `part`. */
static void refused(const char *body, int line, const char *part)
{
    struct bench b;
    char at[32];

    bench_open(&b);
    bench_body(&b, body);
    bench_pass(&b, 3);
    cr_assert(b.ended, "the call of this script has not ended: %s", body);
    snprintf(at, sizeof at, "t.lua:%d:", line + 1);
    cr_assert(strstr(b.report.error, at), "no \"%s\" in: %s", at, b.report.error);
    cr_assert(strstr(b.report.error, part), "no \"%s\" in: %s", part, b.report.error);
    cr_assert(b.report.outcome == FLOW_ERROR || b.report.outcome == FLOW_FAILED);
    bench_close(&b);
}

/* Runs a body whose checks must all pass. */
static void fine(const char *body, uint32_t checks)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, body);
    bench_pass(&b, 3);
    cr_assert(b.ended);
    cr_assert_str_eq(b.report.error, "");
    cr_assert_eq(b.report.checks_failed, 0u, "%s", b.report.failed[0]);
    cr_assert_eq(b.report.checks_passed, checks);
    bench_close(&b);
}

Test(sandbox, has_no_way_out)
{
    fine(
        "for _, name in ipairs { 'io', 'os', 'package', 'debug', 'require', 'load', 'loadstring',\n"
        "  'dofile', 'loadfile', 'collectgarbage', 'rawset', 'coroutine', 'next', 'xpcall' } do\n"
        "  check(_G[name] == nil, name)\n"
        "end\n"
        "check(string.dump == nil and string.pack == nil and math.random == nil, 'library')\n"
        "check(getmetatable('') == false and getmetatable(string) == false, 'metatables')\n"
        "check(getmetatable(call) == false and getmetatable(_G) == false, 'metatables')",
        17);
}

Test(sandbox, shared_tables_are_read_only)
{
    refused("string.rep = nil", 1, "cannot be set");
    refused("\n\nmath.pi = 3", 3, "cannot be set");
    refused("call.number = '1'", 1, "index a peal.call");
    refused("setmetatable({}, { __gc = function() end })", 1, "__gc");
}

Test(sandbox, calls_share_no_globals_and_no_upvalues)
{
    struct bench b;
    const char *script = "local seen = 0\n"
                         "return callee { truth = 'human', run = function(call)\n"
                         "  seen = seen + 1\n"
                         "  leak = (leak or 0) + 1\n"
                         "  check(seen == 1 and leak == 1, 'shared: ' .. seen .. ' ' .. leak)\n"
                         "end }";

    bench_open(&b);
    for (int i = 0; i < 3; i++) {
        bench_start(&b, script);
        bench_pass(&b, 3);
        cr_assert(b.ended);
        cr_assert_eq(b.report.checks_passed, 1u, "%s%s", b.report.failed[0], b.report.error);
    }
    bench_close(&b);
}

Test(sandbox, compiled_chunks_and_other_files_are_refused)
{
    struct bench b;
    struct flow_script *s;
    char why[FLOW_TEXT_MAX];

    bench_open(&b);
    cr_assert_eq(flow_script_load_text(b.rt, "x.lua", SLICE("\x1bLuaT\0"), &s, why), ERR_INVALID);
    cr_assert(strstr(why, "only text"), "%s", why);
    cr_assert_eq(flow_script_load_text(b.rt, "x.lua", SLICE("return 3"), &s, why), ERR_INVALID);
    cr_assert(strstr(why, "return callee"), "%s", why);
    cr_assert_eq(flow_script_load_text(b.rt, "x.lua", SLICE("\n\nlocal = 3"), &s, why),
                 ERR_INVALID);
    cr_assert(strstr(why, "x.lua:3:"), "%s", why);
    cr_assert_eq(flow_script_load_text(b.rt, "x.lua", SLICE("while true do end"), &s, why),
                 ERR_INVALID);
    cr_assert(strstr(why, "too long"), "%s", why);
    cr_assert_eq(flow_script_load(b.rt, "/nonexistent/x.lua", &s, why), ERR_NOT_FOUND);
    cr_assert_eq(flow_script_load_text(b.rt, "x.lua",
                                       SLICE("return callee { truth = 'humane', run = print }"), &s,
                                       why),
                 ERR_INVALID);
    cr_assert(strstr(why, "no result 'humane'") && strstr(why, "human_silent"), "%s", why);
    bench_close(&b);
}

Test(sandbox, a_loop_without_waiting_is_stopped_at_its_line)
{
    refused("local n = 0\nwhile true do\n  n = n + 1\nend", 3, "without waiting");
    refused("local function f() return f() end\nf()", 1, "without waiting");
}

Test(sandbox, pcall_does_not_save_a_runaway)
{
    refused("while true do\n pcall(function() while true do end end)\nend", 2, "without waiting");
}

/* Handlers that run while a script is being unwound are watched like the script itself. */
Test(sandbox, close_handlers_and_finally_are_bounded)
{
    refused("local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
            "while true do end",
            2, "without waiting");
    refused("local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
            "table.sort({ 1, 2 }, function() while true do end end)",
            2, "without waiting");
    refused("call:finally(function() while true do end end)\nwhile true do end", 2,
            "without waiting");
    refused("call:finally(function()\n while true do end end)", 2, "without waiting");
    refused("local t = setmetatable({}, { __index = function() while true do end end })\n"
            "for _, v in ipairs(t) do end",
            1, "without waiting");
}

Test(sandbox, pcall_catches_ordinary_errors)
{
    fine("local ok, why = pcall(function() error('boom') end)\n"
         "check(not ok and why == 't.lua:2: boom', tostring(why))\n"
         "local a, b, c = pcall(function(...) return ... end, 1, 2)\n"
         "check(a == true and b == 1 and c == 2)",
         2);
}

Test(sandbox, memory_is_limited_by_call)
{
    refused("local t = {}\nwhile true do t[#t + 1] = { 1, 2, 3, 4, 5, 6, 7, 8 } end", 2, "memory");
    refused(
        "local t = {}\nwhile true do pcall(function() while true do t[#t + 1] = {} end end) end", 2,
        "memory");
}

Test(sandbox, memory_of_one_call_is_not_anothers)
{
    struct bench b;

    bench_open(&b);
    for (int i = 0; i < 40; i++) { /* together far above one call's share */
        bench_body(&b, "local t = {}\n"
                       "for i = 1, 8000 do t[i] = { i } end\n"
                       "check(#t == 8000)");
        bench_pass(&b, 3);
        cr_assert(b.ended);
        cr_assert_str_eq(b.report.error, "");
    }
    bench_close(&b);
}

Test(sandbox, strings_are_bounded)
{
    refused("local s = ('x'):rep(1e9)", 1, "longer than 65536");
    refused("local s = ('xy'):rep(30000, ',')", 1, "longer than 65536");
    refused("local s = ('x'):rep(60000):gsub('.', 'yyy')", 1, "longer than 65536");
    refused("local t = {} for i = 1, 30 do t[i] = ('x'):rep(6000) end\nlocal s = table.concat(t)",
            2, "longer than 65536");
    refused("local s = 'x'\nwhile true do s = s .. s end", 2, "memory");
}

Test(sandbox, costly_patterns_are_stopped)
{
    refused("local s = ('a'):rep(30000)\nlocal x = s:find(('a*'):rep(20) .. 'b')", 2, "too long");
    refused("local s = ('a'):rep(3000)\nfor i = 1, 1e9 do pcall(string.find, s, '.-.-b') end", 2,
            "without waiting");
}

Test(sandbox, string_functions_do_as_the_library_does)
{
    fine("check(('hello world'):find('o w') == 5)\n"
         "check(select('#', ('key=value'):match('(%w+)=(%w+)')) == 2)\n"
         "check(('key=value'):match('^(%w+)=') == 'key')\n"
         "check(('abc'):gsub('%w', '%0%0') == 'aabbcc')\n"
         "check(('hello'):gsub('', '-') == '-h-e-l-l-o-')\n"
         "check(('abc'):gsub('b', { b = 'X' }) == 'aXc')\n"
         "check(('abc'):gsub('.', function(c) if c == 'b' then return 'Y' end end) == 'aYc')\n"
         "check(select(2, ('aaa'):gsub('a', 'b', 2)) == 2)\n"
         "local n = 0 for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do n = n + tonumber(v) end\n"
         "check(n == 3)\n"
         "check(('x'):rep(3, ',') == 'x,x,x')\n"
         "check(('%5.2f|%s|%d'):format(3.14159, 'a', 7) == ' 3.14|a|7')\n"
         "check(('a.b'):find('.', 1, true) == 2 and ('a+b'):find('+', 1, true) == 2)\n"
         "check(('abc'):find('b', -1) == nil and ('abc'):find('c', -1) == 3)\n"
         "check(('THE (quick) fox'):find('%((%a+)%)') == 5)\n"
         "check(('x'):upper() == 'X' and ('abc'):sub(2) == 'bc' and #'abc' == 3)",
         15);
}

Test(sandbox, order_is_fixed)
{
    fine("local t = { b = 1, a = 2, [10] = 3, [2] = 4, [true] = 5, c = 6, [1.5] = 7 }\n"
         "local keys = {}\n"
         "for k in pairs(t) do keys[#keys + 1] = tostring(k) end\n"
         "check(table.concat(keys, ' ') == '1.5 2 10 a b c true', table.concat(keys, ' '))\n"
         "local s = { { 3, 'x' }, { 1, 'a' }, { 3, 'y' }, { 1, 'b' }, { 2, 'm' } }\n"
         "table.sort(s, function(p, q) return p[1] < q[1] end)\n"
         "local out = ''\n"
         "for _, p in ipairs(s) do out = out .. p[2] end\n"
         "check(out == 'abmxy', out)\n"
         "local n = {} for i = 1, 500 do n[i] = (i * 7919) % 1009 end\n"
         "table.sort(n)\n"
         "local sorted = true for i = 2, #n do sorted = sorted and n[i - 1] <= n[i] end\n"
         "check(sorted)\n"
         "check(tostring({}) == 'table' and tostring(print) == 'function')\n"
         "local q = { 1, 2, 3 } table.insert(q, 2, 9) check(table.concat(q, ',') == '1,9,2,3')\n"
         "check(table.remove(q, 1) == 1 and table.remove(q) == 3 and #q == 2)\n"
         "for k in pairs(q) do q[k] = nil end check(#q == 0)",
         7);
    refused("for k in pairs { [{}] = 1 } do end", 1, "no fixed place");
    refused("local s = ('%p'):format({})", 1, "%p");
}

Test(sandbox, dice_depend_on_seed_script_and_leg_only)
{
    struct bench b[2];
    const char *body = "local t = {}\n"
                       "for i = 1, 8 do t[i] = ('%.6f'):format(uniform(0, 1)) end\n"
                       "t[9] = choose { 'a', 'b', 'c' }\n"
                       "t[10] = choose { red = 1, green = 2, blue = 3 }\n"
                       "check(false, table.concat(t, ' '))";

    for (int i = 0; i < 2; i++) {
        bench_open(&b[i]);
        if (i == 1) /* another call before must change nothing */
            bench_body(&b[i], "for i = 1, 100 do uniform(0, 1) end"), bench_pass(&b[i], 3);
        bench_body(&b[i], body);
        bench_pass(&b[i], 3);
        cr_assert(b[i].ended);
    }
    cr_assert_str_eq(b[0].report.failed[0], b[1].report.failed[0]);
    cr_assert_gt(strlen(b[0].report.failed[0]), 60u);
    bench_close(&b[0]);
    bench_close(&b[1]);
}

Test(sandbox, laws_have_their_means)
{
    fine("local e, n, l, u, hits = 0, 0, 0, 0, 0\n"
         "local c = { red = 0, blue = 0 }\n"
         "for i = 1, 4000 do\n"
         "  e = e + exp(9) / 4000 n = n + normal(5, 2) / 4000 l = l + lognormal(12, 0.8) / 4000\n"
         "  u = u + uniform(2, 4) / 4000 if chance(0.25) then hits = hits + 1 end\n"
         "  local k = choose { red = 3, blue = 1 } c[k] = c[k] + 1\n"
         "  local x = exp(9, { min = 2, max = 28 }) assert(x >= 2 and x <= 28)\n"
         "end\n"
         "check(e > 8.4 and e < 9.6, 'exp ' .. e) check(n > 4.8 and n < 5.2, 'normal ' .. n)\n"
         "check(l > 11 and l < 13, 'lognormal ' .. l) check(u > 2.95 and u < 3.05, 'uniform ' .. "
         "u)\n"
         "check(hits > 880 and hits < 1120, 'chance ' .. hits)\n"
         "check(c.red > 2850 and c.red < 3150, 'choose ' .. c.red)",
         6);
}

Test(sandbox, engine_flows_have_no_simulator_verbs)
{
    struct bench b;

    bench_open_with(&b, (struct flow_config){.seed = 7});
    bench_start(&b, "return flow { run = function(call)\n  call:ring(3)\nend }");
    bench_pass(&b, 3);
    cr_assert(b.ended);
    cr_assert(strstr(b.report.error, "t.lua:2: the call has no verb 'ring'"), "%s", b.report.error);
    bench_close(&b);
}
