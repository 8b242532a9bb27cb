/* http.* of scripts against a web service that is slow, huge or broken, and hosts that may not be
 * asked. */
#include <unistd.h>

#include "flow/fake_call.h"
#include "io/http.h"
#include "io/process.h"

static char folder[64], allow[64];
static unsigned port;
static pid_t server;
static struct bench b;

static void setup(void)
{
    char path[96], script[512];
    const char *source = getenv("PEAL_SOURCE");

    strcpy(folder, "/tmp/peal-http-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/port", folder);
    snprintf(script, sizeof script, "%s/tests/flow/http_server.py", source ? source : ".");
    const char *const argv[] = {"python3", script, path, NULL};
    cr_assert_eq(process_start(&server, argv, NULL), OK);
    FILE *f = NULL;
    for (int i = 0; i < 60000 && !f; i++) {
        cr_assert(process_running(server), "the server did not start: run from the sources' "
                                           "folder, or set PEAL_SOURCE");
        usleep(1000);
        f = fopen(path, "r");
    }
    cr_assert_not_null(f);
    cr_assert_eq(fscanf(f, "%u", &port), 1);
    fclose(f);
    unlink(path);
    snprintf(allow, sizeof allow, "127.0.0.1:%u, 127.0.0.2:1, *.example.invalid", port);
    memset(&b, 0, sizeof b);
    cr_assert_eq(loop_init(&b.loop, NULL), OK);
    const struct flow_config config = {
        .loop = &b.loop, .simulator = true, .cpu_ms = 2000, .http_allow = allow};
    cr_assert_eq(flow_runtime_open(&b.rt, &config), OK);
}

static void teardown(void)
{
    bench_close(&b);
    process_stop(server, 1000);
    rmdir(folder);
}

TestSuite(http, .init = setup, .fini = teardown);

/* Runs a body in which %s stands for the server's URL. */
static void run(const char *body)
{
    char text[8192], why[FLOW_TEXT_MAX] = "";
    struct flow_script *script;

    snprintf(text, sizeof text,
             "local url = 'http://127.0.0.1:%u' return callee { truth = \"human\", "
             "run = function(call)\n%s\nend }",
             port, body);
    cr_assert_eq(flow_script_load_text(b.rt, "t.lua", slice_cstr(text), &script, why), OK, "%s",
                 why);
    memset(&b.call, 0, sizeof b.call);
    b.call.loop = &b.loop;
    b.call.start_us = clock_us(b.loop.clock);
    b.ended = false;
    struct flow_start start = {
        .script = script, .call = &b.call, .leg = 1, .on_end = bench_on_end, .arg = &b};
    cr_assert_eq(flow_start(b.rt, &start, &b.flow), OK);
}

static void until_ended(void)
{
    for (int i = 0; i < 60000 && !b.ended; i++)
        loop_turn(&b.loop, 1000);
    cr_assert(b.ended);
}

static void fine(const char *body, uint32_t checks)
{
    run(body);
    until_ended();
    cr_assert_str_eq(b.report.error, "");
    cr_assert_eq(b.report.checks_failed, 0u, "%s", b.report.failed[0]);
    cr_assert_eq(b.report.checks_passed, checks);
}

Test(http, tables_go_out_and_come_back_as_json)
{
    fine("local a = http.get(url .. '/echo?x=1&y=%20z')\n"
         "check(a.status == 200 and a.ok == true and a.body.method == 'GET')\n"
         "check(a.body.path == '/echo?x=1&y=%20z' and a.body.body == '')\n"
         "a = http.post(url .. '/echo', { number = '+1', seq = 3, list = { 1, 2 } },\n"
         "  { headers = { ['X-Key'] = 'secret' } })\n"
         "check(a.body.method == 'POST' and a.body.type == 'application/json')\n"
         "check(a.body.body == '{\"list\":[1,2],\"number\":\"+1\",\"seq\":3}', a.body.body)\n"
         "check(a.body.key == 'secret')\n"
         "a = http.put(url .. '/echo', 'words', { type = 'text/x-words' })\n"
         "check(a.body.method == 'PUT' and a.body.body == 'words')\n"
         "check(a.body.type == 'text/x-words')\n"
         "a = http.post(url .. '/echo')\n"
         "check(a.body.method == 'POST' and a.body.body == '')\n"
         "a = http.get(url .. '/text') check(a.body == 'plain words')\n"
         "a = http.get(url .. '/empty') check(a.status == 204 and a.ok and a.body == nil)\n"
         "a = http.get(url .. '/error')\n"
         "check(a.status == 503 and not a.ok and a.body.why == 'closed')\n"
         "a = http.get(url .. '/redirect') check(a.status == 302 and not a.ok, 'not followed')\n"
         "a = http.get(url .. '/long') check(#a.body == 65536)",
         13);
}

Test(http, what_goes_wrong_has_a_name)
{
    fine("local function outcome(path, name, options)\n"
         "  local a, why, sentence = http.get(url .. path, options)\n"
         "  check(a == nil and why == name and #sentence > 10,\n"
         "    path .. ': ' .. tostring(why) .. ' ' .. tostring(sentence))\n"
         "end\n"
         "outcome('/slow', 'timeout', { limit = 0.1 })\n"
         "outcome('/drip', 'timeout', { limit = 0.2 })\n"
         "outcome('/huge', 'too_long')\n"
         "outcome('/huge-head', 'too_long')\n"
         "outcome('/broken', 'unavailable')\n"
         "outcome('/nothing', 'unavailable')\n"
         "outcome('/garbage', 'wrong_type')\n"
         "outcome('/not-json', 'wrong_type')\n"
         "url = 'http://127.0.0.2:1'\n"
         "outcome('/', 'unavailable')",
         9);
    cr_assert_eq(flow_runtime_stats(b.rt)->http_failed, 9u);
    cr_assert_eq(flow_runtime_stats(b.rt)->asking, 0u);
}

static void refused(const char *body, int line, const char *part)
{
    char at[32];

    run(body);
    until_ended();
    snprintf(at, sizeof at, "t.lua:%d:", line + 1);
    cr_assert(strstr(b.report.error, at), "no \"%s\" in: %s", at, b.report.error);
    cr_assert(strstr(b.report.error, part), "no \"%s\" in: %s", part, b.report.error);
}

Test(http, only_allowed_hosts_are_asked)
{
    refused("http.get('http://example.com/')", 1, "may not be asked");
    refused("http.get('http://127.0.0.1:1/')", 1, "may not be asked");
    refused("http.get('http://localhost/')", 1, "may not be asked");
    refused("http.get('http://[::1]/')", 1, "may not be asked");
    refused("http.get('http://2130706433/')", 1, "may not be asked");
    refused("http.get('http://a.example.invalid@127.0.0.1:1/')", 1, "may not be asked");
    refused("http.get('http://user@a.example.invalid/')", 1, "may not be asked");
    refused("http.get('http://example.invalid/')", 1, "may not be asked");
    refused("http.get('http://badexample.invalid/')", 1, "may not be asked");
    refused("http.get('file:///etc/passwd')", 1, "cannot be asked");
    refused("http.get('gopher://a.example.invalid/')", 1, "may not be asked");
    refused("http.get('rubbish')", 1, "cannot be asked");
    refused("http.get('')", 1, "cannot be asked");
    refused("http.get(url .. '/' .. ('x'):rep(2000))", 1, "cannot be asked");
    refused("http.get(url, { headers = { ['X\\r\\nY'] = 'z' } })", 1, "cannot be asked");
    refused("http.get(url, { headers = { X = 'a\\r\\nY: b' } })", 1, "cannot be asked");
    refused("http.get(url, { headers = { Host = 'x' } })", 1, "cannot be asked");
    refused("http.get(url, { headers = { 'x' } })", 1, "by name");
    refused("http.post(url, { function() end })", 1, "cannot be written as JSON");
    refused("http.post(url, 'x', { type = 'a\\nb' })", 1, "no media type");
    refused("http.get(url, { limt = 3 })", 1, "no option 'limt'");
    cr_assert_eq(flow_runtime_stats(b.rt)->http_asked, 0u);
}

/* An allowed name that stands for this machine is still refused: only the list opens that. */
Test(http, a_name_that_stands_for_this_machine_is_refused)
{
    struct http *h;
    struct http_answer got = {0};
    extern void keep_answer(void *arg, const struct http_answer *a);

    cr_assert_eq(http_open(&h, &(struct http_config){.loop = &b.loop, .allow = "*.localhost"}), OK);
    cr_assert_eq(http_ask(h, &(struct http_ask){.method = "GET", .url = "http://x.localhost/"},
                          keep_answer, &got),
                 OK);
    for (int i = 0; i < 60000 && !got.why[0]; i++)
        loop_turn(&b.loop, 1000);
    cr_assert_eq(got.err, ERR_REFUSED, "%s: %s", err_name(got.err), got.why);
    http_close(h);
}

void keep_answer(void *arg, const struct http_answer *a)
{
    *(struct http_answer *)arg = *a;
}

static void count_answer(void *arg, const struct http_answer *a)
{
    uint32_t *counts = arg;

    counts[a->err == OK]++;
}

Test(http, questions_at_once_are_bounded_and_all_are_answered)
{
    struct http *h;
    char url[64];
    uint32_t counts[2] = {0}, asked = 0;

    snprintf(url, sizeof url, "http://127.0.0.1:%u/text", port);
    cr_assert_eq(
        http_open(&h, &(struct http_config){.loop = &b.loop, .allow = allow, .at_once = 8}), OK);
    for (int i = 0; i < 60000 && counts[1] < 200; i++) {
        const struct http_ask ask = {.method = "GET", .url = url, .limit_ms = 60000};
        enum err e;
        while (asked < 200 && (e = http_ask(h, &ask, count_answer, counts)) == OK)
            asked++;
        cr_assert(asked == 200 || e == ERR_FULL);
        cr_assert_leq(http_stats(h)->under_way, 8u);
        loop_turn(&b.loop, 1000);
    }
    cr_assert_eq(counts[1], 200u);
    cr_assert_eq(counts[0], 0u);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/slow", port);
    const struct http_ask slow = {.method = "GET", .url = url, .limit_ms = 60000};
    for (int i = 0; i < 3; i++)
        cr_assert_eq(http_ask(h, &slow, count_answer, counts), OK);
    for (int i = 0; i < 20; i++)
        loop_turn(&b.loop, 1000);
    http_close(h); /* with three under way */
    cr_assert_eq(counts[0], 3u);
}

Test(http, a_call_that_ends_leaves_its_question)
{
    run("call:finally(function()\n"
        "  check(http.post(url .. '/echo', { a = 1 }) == true)\n"
        "  check(http.post(url .. '/error', { a = 1 }) == true)\n"
        "end)\n"
        "http.get(url .. '/slow', { limit = 60 })");
    for (int i = 0; i < 20; i++)
        loop_turn(&b.loop, 1000);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    until_ended();
    cr_assert_eq(b.report.outcome, FLOW_HANGUP);
    cr_assert_eq(b.report.checks_passed, 2u, "%s", b.report.failed[0]);
    for (int i = 0; i < 60000 && flow_runtime_stats(b.rt)->asking > 1; i++)
        loop_turn(&b.loop, 1000); /* the two posts may be answered in either order */
    cr_assert_eq(flow_runtime_stats(b.rt)->asking, 1u, "the slow one");
    cr_assert_eq(flow_runtime_stats(b.rt)->http_lost, 1u, "the 503 only");
}

Test(http_allow, lists)
{
    static const struct {
        const char *allow, *host;
        uint16_t port;
        bool yes;
    } rows[] = {
        {"a.example", "a.example", 443, true},
        {"a.example", "A.Example", 80, true},
        {"a.example", "b.example", 80, false},
        {"a.example:8080", "a.example", 8080, true},
        {"a.example:8080", "a.example", 80, false},
        {" , b.example ,a.example", "a.example", 80, true},
        {"*.example", "a.example", 80, true},
        {"*.example", "a.b.example", 80, true},
        {"*.example", "example", 80, false},
        {"*.example", ".example", 80, false},
        {"*.example", "aexample", 80, false},
        {"[::1]:80", "::1", 80, true},
        {"[::1]:80", "::1", 81, false},
        {"[::1]", "::1", 81, true},
        {"", "a.example", 80, false},
        {NULL, "a.example", 80, false},
        {"*", "a.example", 80, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(http_allows(rows[i].allow, rows[i].host, rows[i].port), rows[i].yes,
                     "%s %s:%u", rows[i].allow, rows[i].host, rows[i].port);
    struct http *h;
    struct loop loop = {0};
    static const char *const bad[] = {"a:0", "a:x", "a:70000", ":80", "http://a", "[::1", "[::1]x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(http_open(&h, &(struct http_config){.loop = &loop, .allow = bad[i]}),
                     ERR_INVALID, "%s", bad[i]);
}
