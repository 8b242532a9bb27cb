/* Calls put through by scripts, against a call layer that writes down what it was asked: dialling
 * and how it fails, the bridge, hold, agents, and what runs after the call. */
#include "flow/fake_call.h"

#include "flow/host.h"

struct house {
    struct bench b;
    struct flow_host host;
    uint32_t legs_begun, legs_over, wanted, dropped;
    bool no_room, no_agents;
    struct flow *wants;
    char group[32];
};

static void *leg_begins(void *arg, struct flow *f, const char *to, const char *shown)
{
    struct house *h = arg;

    (void)f;
    cr_assert_str_eq(to, "+12025550102");
    cr_assert_str_eq(shown, "+12025550199");
    h->legs_begun++;
    return h->no_room ? NULL : h;
}

static void leg_over(void *arg, void *token, struct call *leg)
{
    struct house *h = arg;

    cr_assert_eq(token, h);
    cr_assert(leg == NULL || leg == &fake_far);
    h->legs_over++;
}

static enum err agent_want(void *arg, struct flow *f, struct slice group)
{
    struct house *h = arg;

    h->wanted++;
    h->wants = f;
    slice_copy(group, h->group, sizeof h->group);
    if (slice_eq(group, SLICE("nobody")))
        return ERR_INVALID;
    return h->no_agents ? ERR_NOT_FOUND : OK;
}

static void agent_drop(void *arg, struct flow *f)
{
    struct house *h = arg;

    cr_assert_eq(f, h->wants);
    h->dropped++;
}

static enum err is_open(void *arg, struct flow *f, const char *name, bool *open)
{
    (void)arg;
    (void)f;
    *open = strcmp(name, "day") == 0;
    return *open || strcmp(name, "night") == 0 ? OK : ERR_NOT_FOUND;
}

static void open_house(struct house *h, const char *body)
{
    memset(h, 0, sizeof *h);
    h->host = (struct flow_host){.arg = h,
                                 .leg_begins = leg_begins,
                                 .leg_over = leg_over,
                                 .agent_want = agent_want,
                                 .agent_drop = agent_drop,
                                 .is_open = is_open};
    addr_parse(SLICE("127.0.0.1:5070"), 5060, &h->host.trunk);
    bench_open_with(
        &h->b,
        (struct flow_config){
            .seed = 7, .simulator = true, .cpu_ms = 2000, .record_dir = "tapes", .host = &h->host});
    bench_body(&h->b, body);
}

static void answer_far(void)
{
    fake_far.state = CALL_STATE_UP;
    fake_tell(&fake_far, (struct call_event){.kind = CALL_EV_ANSWERED});
}

static bool said(const struct call *c, const char *text)
{
    return strstr(c->said, text) != NULL;
}

static void done(struct house *h, enum flow_outcome outcome, uint32_t checks)
{
    bench_pass(&h->b, 3);
    cr_assert(h->b.ended, "the script still runs; it said: %s", h->b.call.said);
    cr_assert_str_eq(h->b.report.error, "");
    cr_assert_eq(h->b.report.outcome, outcome);
    cr_assert_eq(h->b.report.checks_failed, 0u, "%s", h->b.report.failed[0]);
    cr_assert_eq(h->b.report.checks_passed, checks);
    cr_assert_eq(h->legs_begun, h->legs_over);
    bench_close(&h->b);
}

#define DIAL                                                                                       \
    "local ok, why, code = call:dial('+12025550102', { caller = '+12025550199', ring = 20 })\n"

Test(line, a_leg_is_dialled_and_bridged)
{
    struct house h;

    open_house(&h, "call:answer()\n" DIAL "check(ok == true)\n"
                   "check(call:bridge { record = true } == 'far')");
    cr_assert(said(&h.b.call, "dial sip:+12025550102@127.0.0.1:5070 from +12025550199 asserted "
                              "sip:+12025550199@127.0.0.1:5060 ring 20000; "));
    cr_assert(said(&h.b.call, "tone 440+480"), "ringback: %s", h.b.call.said);
    bench_pass(&h.b, 500);
    cr_assert_not(said(&h.b.call, "bridge"));
    answer_far();
    cr_assert(said(&h.b.call, "record tapes/t-"), "%s", h.b.call.said);
    cr_assert(said(&h.b.call, "bridge; "));
    bench_pass(&h.b, 5000);
    fake_end(&fake_far, 0, ENDED_BY_CALLEE);
    cr_assert(said(&fake_far, "release"));
    done(&h, FLOW_DONE, 2);
}

Test(line, a_recording_is_masked_on_both_legs)
{
    struct house h;

    open_house(&h, "call:record_resume()\ncall:answer()\n" DIAL "check(ok == true)\n"
                   "call:record_pause()\ncall:wait(1)\ncall:record_resume()\n");
    cr_assert(said(&h.b.call, "record mask 0"), "harmless before there is anything: %s",
              h.b.call.said);
    bench_pass(&h.b, 500);
    answer_far();
    cr_assert(said(&h.b.call, "record mask 1"), "%s", h.b.call.said);
    cr_assert(said(&fake_far, "record mask 1"), "%s", fake_far.said);
    cr_assert_not(said(&fake_far, "record mask 0"));
    bench_pass(&h.b, 1500);
    cr_assert(said(&fake_far, "record mask 0"), "%s", fake_far.said);
    done(&h, FLOW_DONE, 1);
}

Test(line, the_caller_hangs_up_while_it_rings)
{
    struct house h;

    open_house(&h, "call:answer()\n" DIAL "check(not ok and why == 'hangup', why)\ncall:wait(1)");
    bench_pass(&h.b, 100);
    fake_end(&h.b.call, 0, ENDED_BY_CALLEE);
    cr_assert(said(&fake_far, "hangup 0"), "%s", fake_far.said);
    cr_assert_eq(h.legs_over, 1u, "its record is written though the script is over");
    done(&h, FLOW_HANGUP, 1);
}

Test(line, the_caller_hangs_up_on_the_bridge)
{
    struct house h;

    open_house(&h, "call:answer()\n" DIAL "check(call:bridge() == 'hangup')");
    answer_far();
    fake_end(&h.b.call, 0, ENDED_BY_CALLEE);
    cr_assert(said(&fake_far, "hangup 0"));
    done(&h, FLOW_DONE, 1);
}

Test(line, a_refusal_has_its_label_and_code)
{
    struct house h;

    open_house(&h, "call:answer()\n" DIAL "check(not ok and why == 'busy', why)\n"
                   "check(code == 486)\n"
                   "check(not pcall(call.bridge, call))");
    fake_far.record.sip_code = 486;
    call_record_add(&fake_far.record, &(struct evidence){.kind = EVIDENCE_SIP, .code = 486});
    fake_end(&fake_far, 486, ENDED_BY_NETWORK);
    cr_assert(said(&h.b.call, "stop"), "ringback ends: %s", h.b.call.said);
    done(&h, FLOW_DONE, 3);
}

Test(line, no_room_for_a_leg)
{
    struct house h;

    open_house(&h, "call:wait(0.1)\ncall:answer()\n" DIAL);
    h.no_room = true;
    bench_pass(&h.b, 110);
    cr_assert(h.b.ended || h.b.call.state == CALL_STATE_ENDED);
    bench_pass(&h.b, 3);
    cr_assert_eq(h.b.report.outcome, FLOW_FAILED);
    cr_assert(strstr(h.b.report.error, "cannot be called now"), "%s", h.b.report.error);
    bench_close(&h.b);
}

Test(line, what_is_no_number_is_not_dialled)
{
    struct house h;

    open_house(&h, "call:answer()\n"
                   "for _, to in ipairs { '', '+', 'a@b', '1;2', '12 34', '1\\r\\nVia: x' } do\n"
                   "  check(not pcall(call.dial, call, to, { caller = '+12025550199' }), to)\n"
                   "end\n"
                   "check(not pcall(call.dial, call, '12', { caller = 'x@y' }))");
    cr_assert_not(said(&h.b.call, "dial"));
    done(&h, FLOW_DONE, 7);
}

Test(line, a_key_takes_the_far_side_on_hold_and_back)
{
    struct house h;

    open_house(&h, "call:answer()\n" DIAL "check(call:bridge { stop = '*' } == 'key')\n"
                   "check(call:hold { leg = 'far' })\ncall:wait(1)\n"
                   "check(call:hold(false, { leg = 'far' }))\n"
                   "check(call:bridge() == 'far')");
    answer_far();
    fake_key(&h.b.call, '5');
    fake_key(&h.b.call, '*');
    cr_assert(said(&fake_far, "hold 1; "), "%s", fake_far.said);
    bench_pass(&h.b, 1010);
    cr_assert(said(&fake_far, "hold 0; "));
    fake_end(&fake_far, 0, ENDED_BY_CALLEE);
    done(&h, FLOW_DONE, 4);
}

Test(line, what_cannot_be_held)
{
    struct house h;

    open_house(&h, "call:answer()\n"
                   "check(not pcall(call.hold, call, true, { leg = 'far' }))\n"
                   "check(not pcall(call.hold, call, { leg = 'other' }))\n"
                   "check(not pcall(call.hold, call, { music = 'none.wav' }))\n"
                   "check(not pcall(call.hold, call, { loud = true }))\n" DIAL "call:wait(1)\n"
                   "local ok, why = call:hold { leg = 'far' }\n"
                   "check(ok == nil and why == 'hangup')");
    answer_far();
    fake_end(&fake_far, 0, ENDED_BY_CALLEE);
    cr_assert_not(said(&h.b.call, "hold"), "%s", h.b.call.said);
    bench_pass(&h.b, 1010);
    done(&h, FLOW_DONE, 5);
}

Test(line, an_agent_takes_the_call)
{
    struct house h;

    open_house(&h, "call:answer()\n"
                   "local how, who = call:transfer('agent', { ring = 10 })\n"
                   "check(how == 'far' and who == 'anna', how)\n"
                   "how, who = call:transfer('agent', { ring = 10 })\n"
                   "check(how == nil and who == 'timeout', who)");
    bench_pass(&h.b, 5000);
    flow_agent_joined(h.wants, "anna");
    bench_pass(&h.b, 60000);
    cr_assert_eq(h.wanted, 1u);
    flow_agent_left(h.wants);
    cr_assert_eq(h.wanted, 2u);
    cr_assert_eq(h.dropped, 0u, "who has left needs no word");
    bench_pass(&h.b, 10010);
    cr_assert_eq(h.dropped, 1u);
    done(&h, FLOW_DONE, 2);
}

Test(line, an_agent_of_a_group)
{
    struct house h;

    open_house(&h, "call:answer()\n"
                   "call:transfer('agent sales', { ring = 1 })\n"
                   "check(not pcall(call.transfer, call, 'agent nobody'))\n"
                   "call:transfer('agent', { ring = 1 })");
    cr_expect_str_eq(h.group, "sales");
    bench_pass(&h.b, 1010);
    cr_assert_eq(h.wanted, 3u);
    cr_expect_str_eq(h.group, "", "anybody");
    bench_pass(&h.b, 1010);
    done(&h, FLOW_DONE, 1);
}

Test(line, a_caller_who_leaves_an_agent)
{
    struct house h;

    open_house(&h, "call:answer()\n"
                   "check(call:transfer('agent') == 'hangup')\ncall:wait(1)");
    flow_agent_joined(h.wants, "anna");
    fake_end(&h.b.call, 0, ENDED_BY_CALLEE);
    cr_assert_eq(h.dropped, 1u, "the desk is told");
    done(&h, FLOW_HANGUP, 1);
}

Test(line, no_agents_and_hours)
{
    struct house h;

    open_house(&h, "call:wait(0.1)\ncall:answer()\n"
                   "local how, why = call:transfer('agent')\n"
                   "check(how == nil and why == 'no_agents', why)\n"
                   "check(call:is_open('day') == true)\ncheck(call:is_open('night') == false)\n"
                   "check(not pcall(call.is_open, call, 'noon'))");
    h.no_agents = true;
    bench_pass(&h.b, 110);
    done(&h, FLOW_DONE, 4);
}

Test(line, afterwards_goes_on_without_the_call)
{
    struct house h;

    open_house(&h, "call:finally(function() call:mark('finally') end)\n"
                   "call:afterwards(function(how)\n"
                   "  check(how == 'hangup', how)\n"
                   "  check(not pcall(call.wait, call, 1))\n"
                   "  call:pause(30)\n"
                   "  check(call.ended)\n"
                   "  call:mark('late')\n"
                   "end)\n"
                   "call:answer()\ncall:wait(60)");
    bench_pass(&h.b, 100);
    fake_end(&h.b.call, 0, ENDED_BY_CALLEE);
    bench_pass(&h.b, 5);
    cr_assert(h.b.ended, "the host has its call back at once");
    cr_assert_eq(h.b.report.outcome, FLOW_HANGUP);
    cr_assert_eq(h.b.report.checks_passed, 2u);
    cr_assert_eq(flow_runtime_stats(h.b.rt)->running, 1u);
    bench_pass(&h.b, 29900);
    cr_assert_eq(flow_runtime_stats(h.b.rt)->running, 1u);
    bench_pass(&h.b, 110);
    cr_assert_eq(flow_runtime_stats(h.b.rt)->running, 0u);
    bench_close(&h.b);
}

Test(line, afterwards_of_a_script_that_returns)
{
    struct house h;

    open_house(&h, "call:afterwards(function(how) check(how == 'done', how) end)\ncall:answer()");
    done(&h, FLOW_DONE, 1);
}

Test(line, afterwards_is_stopped_with_its_runtime)
{
    struct house h;

    open_house(&h, "call:afterwards(function() call:pause(3000) end)\ncall:answer()");
    bench_pass(&h.b, 10);
    cr_assert(h.b.ended);
    flow_stop_all(h.b.rt);
    bench_pass(&h.b, 3);
    cr_assert_eq(flow_runtime_stats(h.b.rt)->running, 0u);
    bench_close(&h.b);
}
