/* Known recordings by call:listen: which one it was, only the one that is meant, and no library. */
#include "dsp/prints.h"
#include "flow/fake_call.h"

static struct prints *library;

/* A second and a half of tones that no other recording has. */
static void add(const char *id, const char *result, uint32_t dice)
{
    static int16_t pcm[12000];
    struct prints_info info = {.language = "en"};
    char error[PRINTS_ERROR_MAX];
    int32_t phase[3] = {0}, step[3] = {0};

    for (size_t i = 0; i < sizeof pcm / sizeof *pcm; i++) {
        int32_t sum = 0;
        for (int k = 0; k < 3; k++) {
            if (i % 800 == 0) {
                dice = dice * 1664525u + 1013904223u;
                step[k] = 2500 + (int32_t)(dice >> 18);
            }
            phase[k] = (phase[k] + step[k]) & 0xffff;
            sum += phase[k] < 0x8000 ? 3000 : -3000;
        }
        pcm[i] = (int16_t)sum;
    }
    snprintf(info.id, sizeof info.id, "%s", id);
    snprintf(info.result, sizeof info.result, "%s", result);
    cr_assert_eq(prints_add(library, &info, pcm, sizeof pcm / sizeof *pcm, error), OK, "%s", error);
}

static void open_listening(struct bench *b, const char *body)
{
    cr_assert_eq(prints_open(&library), OK);
    add("vacant-1", "vacant", 1);
    add("moved-1", "changed", 2);
    cr_assert_eq(prints_index(library), OK);
    bench_open_with(b,
                    (struct flow_config){.simulator = true, .cpu_ms = 2000, .recordings = library});
    bench_body(b, body);
}

static void close_listening(struct bench *b)
{
    bench_close(b);
    prints_close(library);
}

static void hear(struct bench *b, enum dsp_kind kind, uint16_t index)
{
    struct dsp_event d = {
        .kind = (uint8_t)kind, .freq_hz = {index}, .start_ms = 500, .end_ms = 2000};

    fake_tell(&b->call, (struct call_event){.kind = CALL_EV_HEARD, .heard = &d});
}

static void well(struct bench *b, uint32_t checks)
{
    bench_pass(b, 3);
    cr_assert(b->ended, "the script still runs; it said: %s", b->call.said);
    cr_assert_str_eq(b->report.error, "");
    cr_assert_eq(b->report.checks_failed, 0u, "%s", b->report.failed[0]);
    cr_assert_eq(b->report.checks_passed, checks);
}

Test(listen, a_recording_is_told_by_id_and_result)
{
    struct bench b;

    open_listening(&b, "call:answer()\n"
                       "local kind, what = call:listen { 'recording', 'beep' }\n"
                       "check(kind == 'recording' and what.id == 'moved-1', what.id)\n"
                       "check(what.result == 'changed' and what.language == 'en')\n"
                       "check(what.start == 0.5 and what.finish == 2 and not what.frequency)\n"
                       "check(call:listen { 'beep', 'recording' } == 'beep')");
    hear(&b, DSP_SPEECH_START, 1);
    hear(&b, DSP_KNOWN, 1);
    hear(&b, DSP_BEEP, 1000);
    well(&b, 4);
    close_listening(&b);
}

Test(listen, only_the_recording_that_is_meant)
{
    struct bench b;

    open_listening(&b, "call:answer()\n"
                       "local kind, what = call:listen { 'recording', id = 'vacant-1' }\n"
                       "check(kind == 'recording' and what.id == 'vacant-1')\n"
                       "kind, what = call:listen { 'recording', id = 'vacant-1', limit = 2 }\n"
                       "check(kind == nil and what == 'timeout')");
    hear(&b, DSP_KNOWN, 1);
    hear(&b, DSP_KNOWN, 0);
    hear(&b, DSP_KNOWN, 1);
    bench_pass(&b, 2005);
    well(&b, 2);
    close_listening(&b);
}

static void fails(const char *body, const char *error)
{
    struct bench b;

    open_listening(&b, body);
    bench_pass(&b, 3);
    cr_assert(b.ended);
    cr_assert_str_eq(b.report.error, error);
    close_listening(&b);
}

Test(listen, what_cannot_be_listened_for)
{
    struct bench b;

    fails("call:answer()\ncall:listen { 'recording', id = 'none' }",
          "t.lua:3: listen: the library has no recording 'none'");
    fails("call:answer()\ncall:listen { 'beep', id = 'vacant-1' }",
          "t.lua:3: id is for call:listen { \"recording\", … }");
    bench_open(&b);
    bench_body(&b, "call:answer()\ncall:listen { 'recording' }");
    bench_pass(&b, 3);
    cr_assert_str_eq(b.report.error, "t.lua:3: listen: no recordings are known here: it needs a "
                                     "library (`prints`)");
    bench_close(&b);
}
