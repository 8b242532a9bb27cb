/* Verbs against a call layer that writes down what it was asked: what each does, what it waits for,
 * and how it ends when a limit runs out or the far side hangs up. */
#include <sys/stat.h>
#include <unistd.h>

#include "flow/fake_call.h"

static void done(struct bench *b, enum flow_outcome outcome, uint32_t checks)
{
    bench_pass(b, 3);
    cr_assert(b->ended, "the script still runs; it said: %s", b->call.said);
    cr_assert_str_eq(b->report.error, "");
    cr_assert_eq(b->report.outcome, outcome, "%s", flow_outcome_name(b->report.outcome));
    cr_assert_eq(b->report.checks_failed, 0u, "%s", b->report.failed[0]);
    cr_assert_eq(b->report.checks_passed, checks);
}

Test(verbs, a_machine_greets_beeps_and_records)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:ring(2)\n"
                   "call:answer()\n"
                   "call:tone(1000, 0.4)\n"
                   "call:mark('beep')\n"
                   "local m = call:record { max = 60 }\n"
                   "check(m.outcome == 'hangup', m.outcome)\n"
                   "check(m.seconds > 3.9 and m.seconds < 4.1, m.seconds)\n"
                   "check(m.speech == 2.5, m.speech)");
    assert_said(&b, "ring 180; ");
    bench_pass(&b, 1990);
    assert_said(&b, "ring 180; ");
    bench_pass(&b, 20);
    assert_said(&b, "ring 180; answer; detect talk; tone 1000+0 -100 400/0 400; ");
    bench_pass(&b, 400);
    fake_played(&b.call);
    fake_heard(&b.call, DSP_SPEECH_START, 3000, 3000);
    bench_pass(&b, 4000);
    fake_heard(&b.call, DSP_SPEECH_END, 3000, 5500);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    done(&b, FLOW_DONE, 3);
    cr_assert_eq(b.report.marks_count, 1u);
    cr_assert_str_eq(b.report.marks[0].name, "beep");
    cr_assert(b.report.marks[0].at_ms >= 2400 && b.report.marks[0].at_ms <= 2420);
    cr_assert_str_eq(b.report.truth, "human");
    cr_assert_eq(b.report.by, ENDED_BY_CALLEE);
    cr_assert(b.report.answered_ms >= 2000 && b.report.answered_ms <= 2012);
    bench_close(&b);
}

Test(verbs, a_hang_up_unwinds_and_finally_runs_once)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:finally(function(outcome)\n"
                   "  call:mark('finally ' .. outcome)\n"
                   "  check(call.ended)\n"
                   "  check(not pcall(call.wait, call, 1))\n"
                   "end)\n"
                   "call:answer()\n"
                   "pcall(function() call:wait(60) end)\n"
                   "call:mark('must not come here')");
    bench_pass(&b, 500);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    done(&b, FLOW_HANGUP, 2);
    cr_assert_eq(b.report.marks_count, 1u);
    cr_assert_str_eq(b.report.marks[0].name, "finally hangup");
    bench_close(&b);
}

Test(verbs, a_script_that_returns_hangs_up)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:finally(function(outcome) call:mark(outcome) end) call:answer()");
    assert_said(&b, "answer; detect talk; hangup 0; ");
    done(&b, FLOW_DONE, 0);
    cr_assert_str_eq(b.report.marks[0].name, "done");
    cr_assert(b.report.call_ended);
    bench_close(&b);
}

Test(verbs, on_end_waits_for_the_calls_end)
{
    struct bench b;

    bench_open(&b);
    b.call.hold_end = true;
    bench_body(&b, "call:answer()");
    b.call.hold_end = true;
    bench_close(&b);

    bench_open(&b);
    bench_body(&b, "call:wait(0.1) call:answer()");
    b.call.hold_end = true;
    bench_pass(&b, 300);
    cr_assert_not(b.ended);
    fake_end(&b.call, 0, ENDED_BY_US);
    done(&b, FLOW_DONE, 0);
    bench_close(&b);
}

Test(verbs, keep_call_leaves_the_call_to_the_host)
{
    struct bench b;
    struct flow_script *script;
    char why[FLOW_TEXT_MAX];

    bench_open(&b);
    cr_assert_eq(flow_script_load_text(
                     b.rt, "k.lua", SLICE("return flow { run = function(call) call:wait(1) end }"),
                     &script, why),
                 OK);
    b.call.loop = &b.loop;
    b.call.state = CALL_STATE_UP;
    struct flow_start start = {
        .script = script, .call = &b.call, .keep_call = true, .on_end = bench_on_end, .arg = &b};
    cr_assert_eq(flow_start(b.rt, &start, NULL), OK);
    bench_pass(&b, 1010);
    cr_assert(b.ended);
    cr_assert_not(b.report.call_ended);
    assert_said(&b, "");
    bench_close(&b);
}

Test(verbs, refusals_and_provisional_codes)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:ring(0.5, 183)\ncall:reject(486, 'Busy Here', 17)\nexpect(call.ended)");
    bench_pass(&b, 600);
    assert_said(&b, "ring 183; reject 486 Busy Here 17; ");
    done(&b, FLOW_DONE, 1);
    cr_assert_eq(b.report.code, 486);
    cr_assert_eq(b.report.by, ENDED_BY_US);
    bench_close(&b);
}

Test(verbs, what_cannot_be_done_fails_with_its_line)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:wait(0.1)\ncall:ring(1)");
    b.call.next = ERR_STATE;
    bench_pass(&b, 200);
    cr_assert(b.ended);
    cr_assert_eq(b.report.outcome, FLOW_FAILED);
    cr_assert_str_eq(b.report.error, "t.lua:3: call:ring: the call cannot ring now (state)");

    bench_body(&b, "call:tone(1000, 1)");
    bench_pass(&b, 5);
    cr_assert_eq(b.report.outcome, FLOW_FAILED);
    cr_assert(strstr(b.report.error, "t.lua:2: there is no audio yet"), "%s", b.report.error);

    bench_body(&b, "call:answer()\nexpect(1 == 2, 'sums')");
    bench_pass(&b, 5);
    cr_assert_eq(b.report.outcome, FLOW_FAILED);
    cr_assert_str_eq(b.report.error, "t.lua:3: sums");
    cr_assert_eq(b.report.checks_failed, 1u);

    bench_body(&b, "call:listen { 'speech', limt = 3 }");
    bench_pass(&b, 5);
    cr_assert_eq(b.report.outcome, FLOW_ERROR);
    cr_assert(strstr(b.report.error, "t.lua:2: there is no option 'limt' here; accepted: limit"),
              "%s", b.report.error);

    bench_body(&b, "call:wait(0/0)");
    bench_pass(&b, 5);
    cr_assert(strstr(b.report.error, "t.lua:2:"), "%s", b.report.error);
    bench_close(&b);
}

Test(verbs, digits_end_by_count_stop_key_and_time)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:digits { max = 4 } == '1234')\n"
                   "check(call:digits { max = 9 } == '77')\n"
                   "check(call:digits { max = 9, between = 2 } == '5')\n"
                   "local d, why, got = call:digits { min = 3, max = 9, between = 1 }\n"
                   "check(d == nil and why == 'timeout' and got == '12', tostring(why))\n"
                   "d, why = call:digits { wait = 2 }\n"
                   "check(d == nil and why == 'timeout')\n"
                   "d, why = call:digits { min = 2 }\n"
                   "check(d == nil and why == 'short')");
    for (const char *k = "123477#5"; *k; k++) /* the later keys are pressed ahead */
        fake_key(&b.call, *k);
    bench_pass(&b, 2005);
    fake_key(&b.call, '1');
    fake_key(&b.call, '2');
    bench_pass(&b, 1005);
    bench_pass(&b, 2005);
    fake_key(&b.call, '9');
    fake_key(&b.call, '#');
    done(&b, FLOW_DONE, 6);
    bench_close(&b);
}

Test(verbs, listening)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "local kind, at = call:listen { 'speech', 'beep', limit = 5 }\n"
                   "check(kind == 'speech' and at.start == 1.25, tostring(kind))\n"
                   "kind = call:listen { 'silence', silence = 3, limit = 10 }\n"
                   "check(kind == 'silence')\n"
                   "kind, at = call:listen { 'tone', limit = 10 }\n"
                   "check(kind == 'busy')\n"
                   "kind, at = call:listen { 'speech', limit = 1 }\n"
                   "check(kind == nil and at == 'timeout')");
    fake_heard(&b.call, DSP_SILENCE, 0, 1000);
    fake_heard(&b.call, DSP_SPEECH_START, 1250, 1250);
    fake_heard(&b.call, DSP_SILENCE, 2000, 4000);
    fake_heard(&b.call, DSP_SILENCE, 2000, 5000);
    fake_heard(&b.call, DSP_SPEECH_START, 5250, 5250);
    fake_heard(&b.call, DSP_BUSY, 6000, 7000);
    bench_pass(&b, 1010);
    done(&b, FLOW_DONE, 4);
    assert_said(
        &b, "answer; detect talk; detect answered; beep 1; beep 0; detect talk; detect answered; "
            "detect talk; detect answered; detect talk; detect answered; detect talk; "
            "hangup 0; ");
    cr_assert_eq(b.report.heard_count, 5u);
    bench_close(&b);
}

Test(verbs, dead_air_is_silence_too)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:listen { 'silence', silence = 2, limit = 9 } == 'dead_air')\n"
                   "check(call:listen { 'dead_air', limit = 1 } == nil)\n"
                   "local m = call:record { limit = 60, silence = 5 }\n"
                   "check(m.outcome == 'silence', m.outcome)\n"
                   "m = call:record { limit = 3, silence = 5, stop = '#' }\n"
                   "check(m.outcome == 'limit', m.outcome)\n"
                   "m = call:record { limit = 3, stop = '#' }\n"
                   "check(m.outcome == 'key', m.outcome)");
    fake_heard(&b.call, DSP_DEAD_AIR, 0, 1000);
    fake_heard(&b.call, DSP_DEAD_AIR, 0, 2000);
    fake_heard(&b.call, DSP_SILENCE, 2000, 5000);
    bench_pass(&b, 1010);
    fake_heard(&b.call, DSP_DEAD_AIR, 6000, 9000);
    fake_heard(&b.call, DSP_DEAD_AIR, 6000, 11000);
    bench_pass(&b, 3010);
    fake_key(&b.call, '#');
    done(&b, FLOW_DONE, 5);
    cr_assert_eq(b.report.heard_count, 3u);
    cr_assert_eq(b.report.heard[2].end_ms, 11000u);
    bench_close(&b);
}

Test(verbs, tones_and_keys_out)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:progress()\n"
                   "call:tone('busy', 3)\n"
                   "call:tone({ 350, 440 }, 1, { level = -13 })\n"
                   "call:answer()\n"
                   "call:sit('ic')\n"
                   "call:silence(1.5)\n"
                   "call:send_dtmf('12#', { in_band = true, on = 0.08 })\n"
                   "call:mute(true)\n"
                   "check(call:header('Subject') == 'parcel' and call:header('X') == nil)\n"
                   "check(call.number == '+12025550101' and call.caller == '+12025550199')\n"
                   "check(call.attempt == 1 and call.leg == 1 and next_is == nil)");
    for (int i = 0; i < 7; i++)
        fake_played(&b.call);
    done(&b, FLOW_DONE, 3);
    assert_said(&b, "progress; tone 480+620 -240 500/500 3000; tone 350+440 -130 1000/0 1000; "
                    "answer; detect talk; tone 914+0 -140 274/0 274; tone 1371+0 -140 274/0 274; "
                    "tone 1777+0 -140 380/0 380; silence 1500; dtmf 12# in band 80/100; mute 1; "
                    "hangup 0; ");
    bench_close(&b);
}

Test(verbs, a_bad_network_and_a_bad_peer)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b,
               "call:impair { loss = 20, burst = 4, delay = 0.05, jitter = 0.02, drift = -80 }\n"
               "call:misbehave { lose = '200/INVITE', times = 2 }\n"
               "call:misbehave { late = 'ACK', by = 0.3, times = 0 }\n"
               "call:misbehave { bloat = '1xx' }\n"
               "call:respond(299, 'Odd', 'fork')\n"
               "check(not pcall(call.impair, call, { loss = 90, burst = 2 }))\n"
               "check(not pcall(call.misbehave, call, { lose = 'ringing' }))\n"
               "check(not pcall(call.misbehave, call, { lose = '200', late = '180' }))\n"
               "check(not pcall(call.misbehave, call, { double = '200', copies = 0 }))\n"
               "local ok, why = call:defy_cancel(0.1)\n"
               "check(ok == nil and why == 'timeout')");
    bench_pass(&b, 400);
    done(&b, FLOW_DONE, 5);
    assert_said(&b, "impair loss=0.2 burst=4 delay=50 jitter=20 drift=-80; "
                    "meddle 0 200/INVITE times=2 amount=0; meddle 3 ACK times=0 amount=300; "
                    "meddle 4 1xx times=1 amount=4000; respond 299 'Odd' 'fork'; "
                    "meddle 0 ringing times=1 amount=0; meddle 2 200 times=1 amount=0; defy; "
                    "hangup 0; ");
    bench_close(&b);
}

Test(verbs, a_header_of_the_scripts_own)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:add_header('X-Ticket', '42')\n"
                   "call:add_header('Subject', 'parcel', { to = '180', times = 1 })\n"
                   "check(not pcall(call.add_header, call, 'X Y', '1'))\n"
                   "check(not pcall(call.add_header, call, 'X', 'a\\r\\nVia: b'))\n"
                   "check(not pcall(call.add_header, call, 'X', ('x'):rep(200)))\n"
                   "check(not pcall(call.add_header, call, '', 'x'))\n"
                   "check(not pcall(call.add_header, call, 'X', 'x', { to = 'ringing' }))");
    done(&b, FLOW_DONE, 5);
    cr_assert(strstr(b.call.said, "meddle 5 * times=0 amount=0X-Ticket: 42; "
                                  "meddle 5 180 times=1 amount=0Subject: parcel; "),
              "%s", b.call.said);
    bench_close(&b);
}

Test(verbs, a_stuck_player_times_out)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "local how, why = call:tone(1000, 2)\n"
                   "check(how == nil and why == 'timeout')");
    bench_pass(&b, 6990);
    cr_assert_not(b.ended);
    bench_pass(&b, 20);
    done(&b, FLOW_DONE, 1);
    bench_close(&b);
}

Test(verbs, the_scripts_own_limit_ends_the_call)
{
    struct bench b;

    bench_open(&b);
    bench_start(&b, "return callee { truth = 'human', limit = 2, run = function(call)\n"
                    "call:answer() while true do call:wait(0.3) end end }");
    bench_pass(&b, 2010);
    done(&b, FLOW_TIMEOUT, 0);
    bench_close(&b);
}

Test(verbs, the_host_can_stop_a_script)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer() call:wait(100)");
    flow_stop(b.flow);
    done(&b, FLOW_STOPPED, 0);
    bench_close(&b);
}

/* ---- with sound files ---- */

static void write_wav(const char *path, uint32_t samples)
{
    unsigned char h[44] =
        "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data";
    uint32_t bytes = samples * 2, riff = 36 + bytes;
    FILE *f = fopen(path, "wb");

    cr_assert_not_null(f);
    memcpy(h + 4, &riff, 4);
    memcpy(h + 40, &bytes, 4);
    fwrite(h, 1, 44, f);
    for (uint32_t i = 0; i < samples; i++)
        fwrite((int16_t[]){(int16_t)(i * 37 % 2000)}, 2, 1, f);
    fclose(f);
}

struct folder {
    char root[64], path[3][96];
    struct sound_cache *cache;
};

static void folder_make(struct folder *d)
{
    static const char *const names[] = {"a/001.wav", "a/002.wav", "main.wav"};
    char sub[80];

    strcpy(d->root, "/tmp/peal-verbs-XXXXXX");
    cr_assert_not_null(mkdtemp(d->root));
    snprintf(sub, sizeof sub, "%s/a", d->root);
    cr_assert_eq(mkdir(sub, 0700), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(d->path[i], sizeof d->path[i], "%s/%s", d->root, names[i]);
        write_wav(d->path[i], i == 2 ? 16000 : 8000);
    }
    cr_assert_eq(sound_cache_open(&d->cache, 0), OK);
}

static void folder_remove(struct folder *d)
{
    char sub[80];

    sound_cache_close(d->cache);
    for (int i = 0; i < 3; i++)
        unlink(d->path[i]);
    snprintf(sub, sizeof sub, "%s/a", d->root);
    rmdir(sub);
    rmdir(d->root);
}

static void open_with_sounds(struct bench *b, struct folder *d)
{
    folder_make(d);
    bench_open_with(b, (struct flow_config){.seed = 7,
                                            .simulator = true,
                                            .cpu_ms = 2000,
                                            .audio_root = d->root,
                                            .sounds = d->cache,
                                            .preload = true});
    cr_assert_eq(flow_sounds_count(b->rt), 3u);
}

Test(verbs, files_are_played_and_cut_short)
{
    struct bench b;
    struct folder d;

    open_with_sounds(&b, &d);
    bench_body(&b, "call:answer()\n"
                   "check(call:play(pick('a')) == 'done')\n"
                   "check(call:play('main.wav', { barge = 'key' }) == 'key')\n"
                   "check(call:digits { max = 1 } == '4')\n"
                   "check(call:play('main.wav', { barge = 'speech' }) == 'speech')\n"
                   "call:play('main.wav', { loop = true, background = true })\n"
                   "call:wait(0.2)\n"
                   "call:stop()");
    fake_played(&b.call);
    fake_key(&b.call, '4');
    bench_pass(&b, 10);
    fake_heard(&b.call, DSP_SPEECH_START, 1, 1);
    bench_pass(&b, 210);
    done(&b, FLOW_DONE, 4);
    assert_said(&b, "answer; detect talk; play 1000; play 2000; stop; play 2000; detect answered; "
                    "stop; detect talk; play 2000 loop; stop; hangup 0; ");

    bench_body(&b, "call:answer()\ncall:play('../../../etc/passwd')");
    bench_pass(&b, 5);
    cr_assert(strstr(b.report.error, "t.lua:3: play ../../../etc/passwd: there is no file"), "%s",
              b.report.error);
    bench_body(&b, "call:answer()\ncall:play(pick('nowhere'))");
    bench_pass(&b, 5);
    cr_assert(strstr(b.report.error, "t.lua:3: pick: there are no sound files"), "%s",
              b.report.error);
    bench_close(&b);
    folder_remove(&d);
}

Test(verbs, menus_ask_again)
{
    struct bench b;
    struct folder d;

    open_with_sounds(&b, &d);
    bench_body(&b, "call:answer()\n"
                   "local menu = { prompt = 'main.wav', keys = '12', wait = 3, again = 1,\n"
                   "               wrong = 'a/001.wav' }\n"
                   "check(call:menu(menu) == '2')\n"
                   "local k, why = call:menu(menu)\n"
                   "check(k == nil and why == 'timeout')");
    fake_key(&b.call, '7'); /* wrong, then right */
    bench_pass(&b, 10);
    fake_key(&b.call, '2');
    bench_pass(&b, 4990); /* the prompt's 2 s and 3 s of waiting */
    fake_played(&b.call);
    bench_pass(&b, 20);
    bench_pass(&b, 5020);
    done(&b, FLOW_DONE, 2);
    assert_said(&b, "answer; detect talk; play 2000; stop; play 1000; play 2000; stop; play 2000; "
                    "stop; play 2000; stop; hangup 0; ");
    bench_close(&b);
    folder_remove(&d);
}

Test(verbs, many_calls_at_once)
{
    enum { CALLS = 500 };
    struct bench b;
    struct flow_script *script;
    char why[FLOW_TEXT_MAX];

    bench_open_with(
        &b, (struct flow_config){.seed = 1, .simulator = true, .max_flows = CALLS, .cpu_ms = 2000});
    cr_assert_eq(flow_script_load_text(
                     b.rt, "m.lua",
                     SLICE("return callee { truth = 'human', run = function(call)\n"
                           "call:answer() call:wait(uniform(0.1, 0.5)) check(call.leg >= 0) end }"),
                     &script, why),
                 OK, "%s", why);
    struct call *calls = calloc(CALLS + 1, sizeof *calls);
    for (uint32_t i = 0; i <= CALLS; i++) {
        calls[i].loop = &b.loop;
        struct flow_start start = {.script = script, .call = &calls[i], .leg = i};
        cr_assert_eq(flow_start(b.rt, &start, NULL), i < CALLS ? OK : ERR_FULL);
    }
    bench_pass(&b, 600);
    const struct flow_stats *s = flow_runtime_stats(b.rt);
    cr_assert_eq(s->running, 0u);
    cr_assert_eq(s->peak, (uint32_t)CALLS);
    cr_assert_eq(s->ended[FLOW_DONE], (uint64_t)CALLS);
    cr_assert_eq(s->refused, 1u);
    bench_close(&b);
    free(calls);
}
