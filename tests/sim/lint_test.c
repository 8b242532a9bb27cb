/* What the checker of scripts finds, and what it must not find. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sim/lint.h"

struct found {
    char text[2048];
};

static void keep(void *arg, uint32_t line, enum lint_level level, const char *text)
{
    struct found *f = arg;
    size_t at = strlen(f->text);

    snprintf(f->text + at, sizeof f->text - at, "%u%c %s\n", line, level == LINT_ERROR ? 'E' : 'W',
             text);
}

static void finds(const char *script, const char *expected)
{
    struct found f = {""};
    struct loop loop = {0};
    struct flow_runtime *rt;

    cr_assert_eq(flow_runtime_open(&rt, &(struct flow_config){.loop = &loop, .simulator = true}),
                 OK);
    struct flow_script *loaded = NULL;
    char why[FLOW_TEXT_MAX];
    flow_script_load_text(rt, "t.lua", slice_cstr(script), &loaded, why); /* some cannot be */
    lint_script(rt, loaded, slice_cstr(script), keep, &f);
    cr_assert_str_eq(f.text, expected, "found:\n%s", f.text);
    flow_runtime_close(rt);
}

Test(lint, good_scripts_are_left_alone)
{
    finds("-- call:nonsense() in a comment, and --[[ call:nonsense()\n]] here\n"
          "local function helper(x, ...) return x:upper() .. string.format('%s', ...) end\n"
          "local text = [[ call:nonsense() ]] .. 'call:nonsense()'\n"
          "limit_of_mine = 3\n"
          "return callee { truth = 'human', run = function(c)\n"
          "  local list, other = { f = function() end }, tostring(helper(text))\n"
          "  for k, v in pairs(list) do v() end\n"
          "  c:answer() c:listen { 'speech', limit = limit_of_mine }\n"
          "  local kind = choose { red = 60, blue = 40 }\n"
          "  local t = setmetatable({}, { __index = function(t, k) return k end })\n"
          "  t:anything() list.f() (function() end)() store.put('k', store.get 'k')\n"
          "end }\n",
          "");
}

Test(lint, faults_have_their_lines)
{
    finds("return callee { truth = 'human', run = function(line)\n"
          "  line:anser()\n"
          "  line:listen { 'speech' }\n"
          "  line:record { silence = 3, stop = '#', more = { limit = 3 } }\n"
          "  chose { a = 1 }\n"
          "  choose { a = 0, b = 0 }\n"
          "  choose { a = 0.5, b = 0.49 }\n"
          "  foo.bar() line.number:gsub('x', 'y') undefined 'text'\n"
          "  store.gett('k')\n"
          "end }\n",
          "2E the call has no verb 'anser'\n"
          "3W call:listen has no limit of its own: the default holds\n"
          "4W call:record has no limit of its own: the default holds\n"
          "5E nothing is called 'chose' here\n"
          "6E the weights add up to nothing\n"
          "7W the weights add up to 0.99, not to 1\n"
          "8E nothing is called 'undefined' here\n"
          "9E there is no 'store.gett'\n");
}

Test(lint, waits_without_an_end_and_needs)
{
    finds("return callee { truth = 'human', run = function(call)\n"
          "  call:wait()\n"
          "  call:wait_hangup() call:wait(3)\n"
          "  call:wait_answer()\n"
          "  call:menu { prompt = 'a.wav', wait = 3 }\n"
          "  call:play('a.wav', { loop = true })\n"
          "  call:play('a.wav', { loop = true, limit = 3 })\n"
          "  call:play('a.wav', { loop = true, background = true })\n"
          "  call:menu { keys = '12', more = { prompt = 'b.wav' } }\n"
          "end }\n",
          "2E call:wait needs a time in seconds\n"
          "3E call:wait_hangup needs a time in seconds\n"
          "4W call:wait_answer has no limit of its own: the default holds\n"
          "5E call:menu needs keys: those that it takes\n"
          "6E call:play with loop has no limit: give limit, or background = true\n");
}

Test(lint, prompts_in_all_languages_of_the_script)
{
    finds("return flow { language = 'sl', prompts = {\n"
          "  main = { en = 'a', sl = 'b' }, half = { sl = 'c' } }, run = function(call)\n"
          "  call:play('main') call:play 'main'\n"
          "  call:play('half')\n"
          "  call:menu { prompt = 'main', keys = '1',\n"
          "    wrong = 'nowhere' }\n"
          "  call:play('ma' .. x) call:menu { prompt = 'x' .. y, keys = '1' }\n"
          "  call:digits { prompt = 'half', max = 3 } call:digits { prompt = { say = 'x' } }\n"
          "end }\n",
          "4E prompt 'half' has neither a file prompts/half.LANG.wav nor a text in the script's "
          "prompts for: en\n"
          "6E prompt 'nowhere' has neither a file prompts/nowhere.LANG.wav nor a text in the "
          "script's prompts for: en, sl\n"
          "8E prompt 'half' has neither a file prompts/half.LANG.wav nor a text in the script's "
          "prompts for: en\n");
}

Test(lint, unfinished_texts_do_no_harm)
{
    finds("'unfinished", "");
    finds("--[[ unfinished", "");
    finds("[==[ unfinished ]=]", "");
    finds("\"a\\", "");
    finds("function", "");
    finds("local", "");
    finds("run = function(", "");
    finds("", "");
}

Test(lint, what_goes_wrong_on_purpose_must_be_possible)
{
    finds("return callee { truth = 'human', run = function(call)\n"
          "  call:impair { loss = 3, burst = 2, jitter = 0.03, drift = -200 }\n"
          "  call:impair { los = 3 } call:impair {}\n"
          "  call:impair { loss = 120 } call:impair { loss = 3, delay = 2 }\n"
          "  call:impair({ loss = 50, burst = 1,\n"
          "    jitter = -1 })\n"
          "  call:impair { loss = call:age() * 100, delay = math.max(1, 2) }\n"
          "  call:impair { loss = 50 }\n"
          "  call:impair { loss = 75, burst = 2 }\n"
          "  call:misbehave { lose = '200', times = 2 } call:misbehave { late = 'BYE', by = 1 }\n"
          "  call:misbehave { lose = 'HELLO?' }\n"
          "  call:misbehave { lose = '200', ignore = 'ACK' }\n"
          "  call:misbehave { times = 3 } call:misbehave { bloat = 'INVITE', bytes = 90000 }\n"
          "  call:payload('opus/48000/2') call:payload('G722/8000')\n"
          "  call:payload('opus') call:payload 'L16/0'\n"
          "end }\n",
          "3E call:impair has no option 'los'\n"
          "4E call:impair: loss is from 0 to 100, not 120\n"
          "4E call:impair: delay is from 0 to 1, not 2\n"
          "6E call:impair: jitter is from 0 to 0.5, not -1\n"
          "9E call:impair: a loss of 75 % needs bursts of at least 3 packets\n"
          "11E call:misbehave: 'HELLO?' is no message: write INVITE, 200, 1xx, 200/BYE or *\n"
          "12E call:misbehave does one thing at a time: lose, ignore, double, late or bloat\n"
          "13E call:misbehave does one thing at a time: lose, ignore, double, late or bloat\n"
          "13E call:misbehave: bytes is from 0 to 60000, not 90000\n"
          "15E call:payload: write NAME/RATE or NAME/RATE/CHANNELS, not 'opus'\n"
          "15E call:payload: write NAME/RATE or NAME/RATE/CHANNELS, not 'L16/0'\n");
}
