/* Expectations: what meets them, what does not, and the sentence that then stands in the report. */
#include "flow/fake_call.h"
#include "flow/lines.h"
#include "sip/trace.h"

static void done(struct bench *b, enum flow_outcome outcome, uint32_t passed, uint32_t failed)
{
    bench_pass(b, 3);
    cr_assert(b->ended, "the script still runs; it said: %s", b->call.said);
    cr_assert_str_eq(b->report.error, "");
    cr_assert_eq(b->report.outcome, outcome, "%s", flow_outcome_name(b->report.outcome));
    cr_assert_eq(b->report.checks_failed, failed, "%s", b->report.failed[0]);
    cr_assert_eq(b->report.checks_passed, passed);
}

static void heard(struct bench *b, struct dsp_event e)
{
    fake_tell(&b->call, (struct call_event){.kind = CALL_EV_HEARD, .heard = &e});
}

/* ---- what is heard ---- */

Test(expect, speech_of_a_length_and_a_level)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "local ok, at = call:hears_speech { within = 5 }\n"
                   "check(ok and at > 0.4 and at < 0.6, at)\n"
                   "check(call:hears_speech { within = 3, at_least = 1, level_min = -30 })");
    bench_pass(&b, 500);
    heard(&b, (struct dsp_event){.kind = DSP_SPEECH_START, .start_ms = 480, .end_ms = 480});
    heard(&b, (struct dsp_event){
                  .kind = DSP_SPEECH_END, .start_ms = 480, .end_ms = 900, .level_ddb = -200});
    bench_pass(&b, 3);
    cr_assert_not(b.ended, "0.4 s is not a second");
    heard(&b, (struct dsp_event){
                  .kind = DSP_SPEECH_END, .start_ms = 1000, .end_ms = 2200, .level_ddb = -301});
    bench_pass(&b, 3);
    cr_assert_not(b.ended, "-30.1 dBm0 is too quiet");
    heard(&b, (struct dsp_event){
                  .kind = DSP_SPEECH_END, .start_ms = 2400, .end_ms = 3400, .level_ddb = -300});
    done(&b, FLOW_DONE, 2, 0);
    bench_close(&b);
}

Test(expect, a_tone_by_frequency_and_what_came_instead)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:hears_tone(1000, { within = 2 }))\n"
                   "check(call:hears_tone(1000, { within = 2, level_max = -20 }))");
    heard(&b, (struct dsp_event){.kind = DSP_BEEP, .freq_hz = {1004, 0}, .level_ddb = -100});
    heard(&b, (struct dsp_event){
                  .kind = DSP_BEEP, .freq_hz = {1400, 0}, .start_ms = 300, .end_ms = 500});
    heard(&b, (struct dsp_event){.kind = DSP_BEEP,
                                 .freq_hz = {1000, 0},
                                 .level_ddb = -190,
                                 .start_ms = 700,
                                 .end_ms = 1100});
    bench_pass(&b, 2005);
    done(&b, FLOW_DONE, 1, 1);
    cr_assert_str_eq(b.report.failed[0],
                     "t.lua:4: a tone of 1000 Hz, only louder than expected within 2.0 s; heard: "
                     "beep 0.3-0.5 s, beep 0.7-1.1 s");
    bench_close(&b);
}

Test(expect, a_hang_up_is_not_what_was_expected)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:hears_silence(2))\n"
                   "call:mark('must not come here: a verb that acts')\n"
                   "call:wait(1)\n"
                   "call:mark('nor here')");
    heard(&b, (struct dsp_event){.kind = DSP_SILENCE, .start_ms = 0, .end_ms = 1000});
    bench_pass(&b, 1200);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    done(&b, FLOW_HANGUP, 0, 1);
    cr_assert_str_eq(b.report.failed[0], "t.lua:3: silence of 2.0 s was not heard before the call "
                                         "ended at 1.2 s; heard: silence 0.0-1.0 s");
    cr_assert_eq(b.report.marks_count, 1u);
    bench_close(&b);
}

Test(expect, one_way_by_the_detector_by_no_packets_and_not)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:one_way { within = 1 })\n"
                   "check(call:one_way { within = 1 })\n"
                   "check(call:one_way { within = 1 })\n"
                   "check(call:one_way { within = 1 })");
    heard(&b, (struct dsp_event){.kind = DSP_ONE_WAY, .detail = 1});
    bench_pass(&b, 1005); /* no packet at all */
    fake_tell(&b.call, (struct call_event){.kind = CALL_EV_MEDIA});
    heard(&b, (struct dsp_event){.kind = DSP_SPEECH_START});
    bench_pass(&b, 1005); /* packets, and no sound of ours */
    done(&b, FLOW_DONE, 2, 2);
    cr_assert_str_eq(b.report.failed[0],
                     "t.lua:5: audio came from the far side: it is not one way");
    bench_close(&b);
}

Test(expect, a_recording_needs_a_library)
{
    struct bench b;

    bench_open(&b);
    bench_body(&b, "call:answer()\ncall:hears('ivr/001.wav')");
    bench_pass(&b, 3);
    cr_assert(b.ended);
    cr_assert_eq(b.report.outcome, FLOW_FAILED);
    cr_assert_str_eq(b.report.error, "t.lua:3: hears ivr/001.wav: recordings are not listened for "
                                     "in this run");
    bench_close(&b);
}

/* ---- SIP ---- */

struct wire {
    struct bench b;
    struct sip_trace *trace;
};

static void note(struct wire *w, bool out, const char *start, const char *cseq)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "%s\r\nFrom: <sip:+12025550100@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: id\r\n"
                     "CSeq: %s\r\nP-Asserted-Identity: <sip:+12025550100@x>\r\n\r\n",
                     start, cseq);
    sip_trace_note(w->trace, clock_us(&w->b.clock), out, slice_of(text, (size_t)n));
}

static void wire_open(struct wire *w, const char *body)
{
    char text[2048];

    cr_assert_eq(sip_trace_open(&w->trace, 4), OK);
    bench_open_with(&w->b, (struct flow_config){
                               .seed = 7, .simulator = true, .cpu_ms = 2000, .trace = w->trace});
    snprintf(text, sizeof text, "call:wait(0.01)\n%s", body);
    bench_body(&w->b, text);
    w->b.call.outgoing = true;
    snprintf(w->b.call.record.call_id, sizeof w->b.call.record.call_id, "id");
    note(w, true, "INVITE sip:b@y SIP/2.0", "1 INVITE");
}

static void wire_close(struct wire *w)
{
    bench_close(&w->b);
    sip_trace_close(w->trace);
}

Test(expect, messages_in_time_after_each_other_and_counted)
{
    struct wire w;

    wire_open(&w, "check(call:got(180, { within = 0.5 }))\n"
                  "check(call:got('2xx', { within = 0.2, after = 180 }))\n"
                  "check(call:got('ACK', { sent = true }))\n"
                  "check(call:got(180, { count = 2 }))\n"
                  "check(call:got(180, { within = 0.1 }))\n"
                  "check(call:got('BYE', { within = 1 }))");
    bench_pass(&w.b, 300);
    note(&w, false, "SIP/2.0 180 Ringing", "1 INVITE");
    note(&w, false, "SIP/2.0 180 Ringing", "1 INVITE"); /* again: counts once */
    bench_pass(&w.b, 100);
    note(&w, false, "SIP/2.0 200 OK", "1 INVITE");
    note(&w, true, "ACK sip:b@y SIP/2.0", "1 ACK");
    bench_pass(&w.b, 700);
    done(&w.b, FLOW_DONE, 3, 3);
    cr_assert_str_eq(w.b.report.failed[0], "t.lua:6: 180 was not received 2 times; came: 180, 200");
    cr_assert_str_eq(w.b.report.failed[1],
                     "t.lua:7: 180 was received after 0.300 s, expected within 0.100 s; came: 180, "
                     "200");
    cr_assert_str_eq(w.b.report.failed[2], "t.lua:8: BYE was not received in time; came: 180, 200");
    wire_close(&w);
}

Test(expect, codes_and_headers_after_the_end)
{
    struct wire w;

    wire_open(&w, "call:wait_hangup(5)\n"
                  "check(call:got_code(486))\n"
                  "check(call:got_code('5xx'))\n"
                  "check(call:got_header('INVITE', 'p-asserted-identity', '+12025550100'))\n"
                  "check(call:got_header(486, 'P-Asserted-Identity', '+12025550199'))\n"
                  "check(call:got_header(486, 'Reason', 'Q.850'))\n"
                  "check(call:message_header('INVITE', 'To') == '<sip:b@y>')\n"
                  "check(#call:messages() == 2 and call:messages()[2].code == 486)");
    note(&w, false, "SIP/2.0 486 Busy Here", "1 INVITE");
    bench_pass(&w.b, 20);
    fake_end(&w.b.call, 486, ENDED_BY_CALLEE);
    done(&w.b, FLOW_DONE, 4, 3);
    cr_assert_str_eq(w.b.report.failed[0],
                     "t.lua:5: the final code is 486, expected 5xx; came: 486");
    cr_assert_str_eq(w.b.report.failed[1],
                     "t.lua:7: P-Asserted-Identity of the 486 is '<sip:+12025550100@x>', expected "
                     "'+12025550199' in it");
    cr_assert_str_eq(w.b.report.failed[2],
                     "t.lua:8: the 486 has no Reason, expected 'Q.850' in it");
    wire_close(&w);
}

Test(expect, a_message_that_does_not_exist_is_a_fault_of_the_script)
{
    struct wire w;

    wire_open(&w, "call:got('BYYE')");
    bench_pass(&w.b, 20);
    cr_assert(w.b.ended);
    cr_assert_eq(w.b.report.outcome, FLOW_ERROR);
    cr_assert(strstr(w.b.report.error, "t.lua:3: 'BYYE' is no SIP message"), "%s",
              w.b.report.error);
    wire_close(&w);
}

/* ---- lines ---- */

Test(lines, reached_waited_failed_and_hung_up)
{
    struct bench b;
    uint32_t count = 0;

    bench_open(&b);
    bench_body(&b, "call:answer()\n"
                   "for i = 1, 3 do call:wait(0.1) end\n"
                   "check(false)\n"
                   "local n = 1 + 1\n"
                   "call:wait(10)");
    bench_pass(&b, 500);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    done(&b, FLOW_HANGUP, 0, 1);
    const struct flow_line *l = flow_script_lines(b.report.script, &count);
    cr_assert_eq(count, 7u, "%u lines", count);
    cr_assert_eq(l[2].reached, 3u);
    cr_assert(l[2].waited_us >= 300000 && l[2].waited_us <= 306000, "%llu",
              (unsigned long long)l[2].waited_us);
    cr_assert_eq(l[2].failed + l[2].hangups, 0u);
    cr_assert_eq(l[3].reached, 1u);
    cr_assert_eq(l[3].failed, 1u);
    cr_assert_eq(l[4].reached, 0u, "nothing happens there but arithmetic");
    cr_assert_eq(l[5].reached, 1u);
    cr_assert_eq(l[5].hangups, 1u);
    cr_assert(l[5].waited_us >= 195000 && l[5].waited_us <= 205000);
    bench_close(&b);
}

Test(lines, a_verb_that_fails_and_a_fault_count_on_their_line)
{
    struct bench b;
    uint32_t count = 0;

    bench_open(&b);
    bench_body(&b, "call:wait(0.01)\ncall:ring(1)");
    b.call.next = ERR_STATE;
    bench_pass(&b, 20);
    cr_assert(b.ended);
    cr_assert_eq(b.report.outcome, FLOW_FAILED);
    cr_assert_eq(flow_script_lines(b.report.script, &count)[2].failed, 1u);
    bench_close(&b);

    bench_open(&b);
    bench_body(&b, "local t\nexpect(true)\nlocal x = t.y");
    bench_pass(&b, 20);
    cr_assert_eq(b.report.outcome, FLOW_ERROR);
    cr_assert_eq(flow_script_lines(b.report.script, &count)[3].failed, 1u);
    cr_assert_eq(flow_script_lines(b.report.script, &count)[2].failed, 0u);
    bench_close(&b);
}
