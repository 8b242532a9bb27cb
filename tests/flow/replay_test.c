/* Verbs of captured calls, against a call layer that writes down what it was asked. */
#include <sys/stat.h>
#include <unistd.h>

#include "flow/fake_call.h"

static void whole(struct bench *b)
{
    bench_pass(b, 3);
    cr_assert(b->ended, "the script still runs; it said: %s", b->call.said);
    cr_assert_str_eq(b->report.error, "");
}

static void fails(const char *body, const char *part)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, body);
    bench_pass(&b, 3);
    cr_assert(b.ended && strstr(b.report.error, "t.lua:2: "), "%s: %s", body, b.report.error);
    cr_assert(strstr(b.report.error, part), "no \"%s\" in: %s", part, b.report.error);
    bench_close(&b);
}

Test(replay, wait_until_counts_from_the_invite)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:wait(0.7)\n"
                   "call:wait_until(2)\n"
                   "call:ring()\n"
                   "call:wait_until(1)\n" /* long past */
                   "call:ring(0, 182)");
    bench_pass(&b, 1990);
    assert_said(&b, "");
    bench_pass(&b, 15);
    cr_assert(strstr(b.call.said, "ring 180; ring 182; "), "%s", b.call.said);
    whole(&b);
    bench_close(&b);
}

Test(replay, hold_payload_and_hush_reach_the_call)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:payload('opus/48000/2', 'useinbandfec=1')\n"
                   "call:payload('PCMU/8000')\n"
                   "call:codecs('g722, PCMA')\n"
                   "call:hush(true)\n"
                   "call:hold()\n"
                   "call:hold(false)");
    cr_assert(
        strstr(b.call.said,
               "payload opus/48000/2 useinbandfec=1; payload PCMU/8000/1 -; 2 codecs, 3 first; "
               "hush 1; hold 1; hold 0; "),
        "%s", b.call.said);
    whole(&b);
    bench_close(&b);
}

Test(replay, what_is_wrong_is_said_with_its_line)
{
    fails("call:payload('opus')", "a payload is written NAME/RATE or NAME/RATE/CHANNELS");
    fails("call:payload('opus/0/2')", "not 'opus/0/2'");
    fails("call:codecs('pcma, g729')", "there is no codec 'g729'");
    fails("call:codecs('')", "there is no codec ''");
    fails("call:answer() call:play_packets('x.rtpdump')", "no audio folder is configured");
    fails("call:play_packets('x.rtpdump')", "there is no audio yet");
    fails("call:hush(1)", "boolean expected");
}

Test(replay, packets_are_played_from_the_audio_folder_only)
{
    static const uint8_t dump[] = "#!rtpplay1.0 0.0.0.0/0\n0123456789abcdef"
                                  "\0\x16\0\x0e\0\0\x03\xe8"
                                  "\x80\0\0\1\0\0\0\0\0\0\0\1ab";
    char root[] = "/tmp/peal-flow-XXXXXX", path[64];
    struct sound_cache *cache;
    struct bench b;

    cr_assert(mkdtemp(root));
    snprintf(path, sizeof path, "%s/x.rtpdump", root);
    FILE *f = fopen(path, "w");
    fwrite(dump, 1, sizeof dump - 1, f);
    fclose(f);
    cr_assert_eq(sound_cache_open(&cache, 0), OK);
    bench_open_with(
        &b, (struct flow_config){
                .seed = 7, .simulator = true, .cpu_ms = 2000, .audio_root = root, .sounds = cache});
    bench_body(&b, "call:answer()\n"
                   "check(not pcall(call.play_packets, call, '../x.rtpdump'))\n"
                   "check(not pcall(call.play_packets, call, 'y.rtpdump'))\n"
                   "call:play_packets('x.rtpdump', { background = true, clock = 16000 })\n"
                   "check(call:play_packets('x.rtpdump') == 'done')\n"
                   "call:hangup()");
    cr_assert(strstr(b.call.said, "packets 1000 16000; packets 1000 8000; "), "%s", b.call.said);
    fake_played(&b.call);
    bench_pass(&b, 3);
    cr_assert_not(b.ended, "the second one is still being sent");
    fake_played(&b.call);
    whole(&b);
    cr_assert_eq(b.report.checks_passed, 3u);
    bench_close(&b);
    sound_cache_close(cache);
    unlink(path);
    rmdir(root);
}

/* ---- transfers and refusals ---- */

static void asks(struct bench *b, enum call_event_kind kind, uint16_t code, const char *to)
{
    fake_tell(&b->call,
              (struct call_event){.kind = kind, .code = code, .refer_to = slice_cstr(to)});
}

Test(replay, refer_returns_what_became_of_it)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "check(call:refer('sip:300@pbx') == 200)\n"
                   "local nothing, why, code = call:refer('sip:301@pbx')\n"
                   "check(nothing == nil and why == 'refused' and code == 603)\n"
                   "nothing, why = call:refer('sip:302@pbx', { limit = 0.5 })\n"
                   "check(nothing == nil and why == 'timeout')\n"
                   "call:refer('sip:303@pbx', { limit = 0 })");
    asks(&b, CALL_EV_REFERRED, 202, "");
    asks(&b, CALL_EV_NOTIFIED, 100, "");
    bench_pass(&b, 100);
    assert_said(&b, "refer sip:300@pbx; ");
    asks(&b, CALL_EV_NOTIFIED, 200, "");
    bench_pass(&b, 2);
    asks(&b, CALL_EV_REFERRED, 603, "");
    bench_pass(&b, 600);
    cr_assert(strstr(b.call.said, "refer sip:301@pbx; refer sip:302@pbx; refer sip:303@pbx; "),
              "%s", b.call.said);
    whole(&b);
    cr_assert_eq(b.report.checks_passed, 3u);
    bench_close(&b);
}

Test(replay, a_refer_of_the_far_side_is_answered_and_told_of)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:refuse_offer(488, 2)\n"
                   "call:take_refer()\n"
                   "check(call:wait_refer(5) == 'sip:300@pbx')\n"
                   "call:notify(180)\n"
                   "call:take_refer(603)\n"
                   "local nothing, why = call:wait_refer(1)\n"
                   "check(nothing == nil and why == 'timeout')");
    bench_pass(&b, 100);
    assert_said(&b, "refuse offer 2 488; take refers 202; ");
    asks(&b, CALL_EV_REFER, 202, "sip:300@pbx");
    bench_pass(&b, 1100);
    cr_assert(strstr(b.call.said, "notify 180; take refers 603; "), "%s", b.call.said);
    whole(&b);
    cr_assert_eq(b.report.checks_passed, 2u);
    bench_close(&b);
}

Test(replay, an_answer_need_not_wait_for_its_ack)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "check(call:answer { ack = false })\ncall:hangup(31)");
    cr_assert(strstr(b.call.said, "answer; detect talk; defy ack; hangup 31; "), "%s", b.call.said);
    bench_close(&b);
    fails("call:refuse_offer(200)", "it is no such SIP code");
    fails("call:take_refer(180)", "it is no such SIP code");
    fails("call:answer { wait = false }", "wait");
}
