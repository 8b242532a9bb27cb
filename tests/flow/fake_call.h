/* A call layer for tests of the flow room: no SIP, no media. It writes down what a script asked of
 * its call as one line of text, and events are given by the test. Define nothing else of call.h
 * beside it. One header with definitions: each test program includes it once. */
#ifndef PEAL_TESTS_FLOW_FAKE_CALL_H
#define PEAL_TESTS_FLOW_FAKE_CALL_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "call/call.h"
#include "flow/flow.h"
#include "media/leg.h"
#include "media/packets.h"
#include "media/sound.h"
#include "sip/meddle.h"

struct call {
    call_handler_fn *handler;
    void *arg;
    enum call_state state;
    bool outgoing, hold_end; /* hold_end: hanging up is not told at once */
    uint64_t start_us;
    struct loop *loop;
    char said[2048]; /* "answer; play 1600; hangup 0; " */
    uint32_t cookies[64];
    uint32_t queued, reported;
    enum err next; /* what the next asking gives */
    struct call_record record;
};

static inline void fake_say(struct call *c, const char *fmt, ...)
{
    size_t at = strlen(c->said);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->said + at, sizeof c->said - at, fmt, ap);
    va_end(ap);
    at = strlen(c->said);
    snprintf(c->said + at, sizeof c->said - at, "; ");
}

static inline enum err fake_take(struct call *c)
{
    enum err e = c->next;

    c->next = OK;
    return e;
}

static inline void fake_tell(struct call *c, struct call_event e)
{
    if (c->handler)
        c->handler(c->arg, c, &e);
}

static inline void fake_end(struct call *c, uint16_t code, enum call_ender by)
{
    c->state = CALL_STATE_ENDED;
    fake_tell(c, (struct call_event){.kind = CALL_EV_ENDED, .code = code, .q850 = 16, .by = by});
}

/* The oldest queued item is done. */
static inline void fake_played(struct call *c)
{
    cr_assert_lt(c->reported, c->queued, "nothing is being played");
    fake_tell(
        c, (struct call_event){.kind = CALL_EV_PLAYED, .cookie = c->cookies[c->reported++ % 64]});
}

static inline void fake_key(struct call *c, char digit)
{
    fake_tell(c, (struct call_event){.kind = CALL_EV_DTMF, .digit = digit});
}

static inline void fake_heard(struct call *c, enum dsp_kind kind, uint32_t start_ms,
                              uint32_t end_ms)
{
    struct dsp_event d = {.kind = (uint8_t)kind, .start_ms = start_ms, .end_ms = end_ms};

    fake_tell(c, (struct call_event){.kind = CALL_EV_HEARD, .heard = &d});
}

void call_set_handler(struct call *c, call_handler_fn *handler, void *arg)
{
    c->handler = handler;
    c->arg = arg;
}
struct slice call_called_number(const struct call *c)
{
    (void)c;
    return SLICE("+12025550101");
}
struct slice call_caller_number(const struct call *c)
{
    (void)c;
    return SLICE("+12025550199");
}
struct slice call_header(const struct call *c, const char *name)
{
    (void)c;
    return strcmp(name, "Subject") == 0 ? SLICE("parcel") : SLICE_NONE;
}
enum err call_ring(struct call *c, uint16_t code)
{
    fake_say(c, "ring %u", code);
    return fake_take(c);
}
enum err call_progress(struct call *c)
{
    fake_say(c, "progress");
    return fake_take(c);
}
enum err call_answer(struct call *c)
{
    fake_say(c, "answer");
    enum err e = fake_take(c);
    if (e == OK) {
        c->state = CALL_STATE_UP;
        fake_tell(c, (struct call_event){.kind = CALL_EV_ANSWERED});
    }
    return e;
}
enum err call_reject(struct call *c, uint16_t code, const char *reason, uint16_t q850)
{
    fake_say(c, "reject %u %s %u", code, reason ? reason : "-", q850);
    enum err e = fake_take(c);
    if (e == OK)
        fake_end(c, code, ENDED_BY_US);
    return e;
}
void call_hangup(struct call *c, uint16_t q850)
{
    fake_say(c, "hangup %u", q850);
    if (!c->hold_end && c->state != CALL_STATE_ENDED)
        fake_end(c, 0, ENDED_BY_US);
}
enum err call_hold(struct call *c, bool on)
{
    fake_say(c, "hold %d", on);
    return fake_take(c);
}
enum err call_defy_ack(struct call *c)
{
    fake_say(c, "defy ack");
    return OK;
}
enum err call_refer(struct call *c, struct slice to)
{
    fake_say(c, "refer " SLICE_FMT, SLICE_ARG(to));
    return fake_take(c);
}
enum err call_take_refers(struct call *c, uint16_t code)
{
    fake_say(c, "take refers %u", code);
    return fake_take(c);
}
enum err call_notify(struct call *c, uint16_t code)
{
    fake_say(c, "notify %u", code);
    return fake_take(c);
}
enum err call_refuse_offer(struct call *c, uint32_t nth, uint16_t code)
{
    fake_say(c, "refuse offer %u %u", nth, code);
    return fake_take(c);
}
enum err call_set_codecs(struct call *c, const struct sdp_codecs *codecs)
{
    fake_say(c, "%u codecs, %u first", codecs->n, codecs->list[0]);
    return OK;
}

enum err call_set_payload(struct call *c, const struct call_payload *p)
{
    fake_say(c, "payload %s/%u/%u %s", p->name, p->rate_hz, p->channels, p->fmtp ? p->fmtp : "-");
    return fake_take(c);
}
void call_hush(struct call *c, bool on)
{
    fake_say(c, "hush %d", on);
}
static inline enum err fake_queue(struct call *c, uint32_t cookie)
{
    enum err e = fake_take(c);

    if (e == OK)
        c->cookies[c->queued++ % 64] = cookie;
    return e;
}
enum err call_play(struct call *c, const struct sound *s, bool loop, uint32_t cookie)
{
    fake_say(c, "play %u%s", sound_ms(s), loop ? " loop" : "");
    return fake_queue(c, cookie);
}
enum err call_play_packets(struct call *c, const struct packets *p, uint32_t clock_hz,
                           uint32_t cookie)
{
    fake_say(c, "packets %u %u", packets_ms(p), clock_hz);
    return fake_queue(c, cookie);
}
enum err call_play_tone(struct call *c, const struct call_tone *t, uint32_t cookie)
{
    fake_say(c, "tone %u+%u %d %u/%u %u", t->freq_hz[0], t->freq_hz[1], t->level_ddb, t->on_ms,
             t->off_ms, t->total_ms);
    return fake_queue(c, cookie);
}
enum err call_play_silence(struct call *c, uint32_t ms, uint32_t cookie)
{
    fake_say(c, "silence %u", ms);
    return fake_queue(c, cookie);
}
enum err call_send_dtmf(struct call *c, struct slice digits, bool in_band, uint32_t on_ms,
                        uint32_t gap_ms, uint32_t cookie)
{
    fake_say(c, "dtmf " SLICE_FMT "%s %u/%u", SLICE_ARG(digits), in_band ? " in band" : "", on_ms,
             gap_ms);
    return fake_queue(c, cookie);
}
void call_stop_audio(struct call *c)
{
    fake_say(c, "stop");
    while (c->reported < c->queued)
        fake_tell(c, (struct call_event){.kind = CALL_EV_PLAYED,
                                         .err = ERR_CANCELLED,
                                         .cookie = c->cookies[c->reported++ % 64]});
}
void call_mute(struct call *c, bool on)
{
    fake_say(c, "mute %d", on);
}
enum err call_impair(struct call *c, const struct media_impair *i)
{
    fake_say(c, "impair loss=%g burst=%g delay=%u jitter=%u drift=%d", i->loss, i->burst,
             i->delay_ms, i->jitter_ms, i->drift_ppm);
    return OK;
}
enum err call_meddle(struct call *c, const struct sip_meddle *r)
{
    fake_say(c, "meddle %d %s times=%u amount=%u%s", r->kind, r->what, r->times, r->amount,
             r->header);
    return sip_meddle_valid(r) ? OK : ERR_INVALID;
}
enum err call_defy_cancel(struct call *c)
{
    fake_say(c, "defy");
    return OK;
}
bool call_cancel_defied(const struct call *c)
{
    (void)c;
    return false;
}
enum err call_respond(struct call *c, uint16_t code, const char *phrase, const char *tag)
{
    fake_say(c, "respond %u '%s' '%s'", code, phrase, tag);
    return OK;
}
void call_detect(struct call *c, enum dsp_phase phase)
{
    static const char *const names[] = {"off", "early", "answered", "talk"};

    fake_say(c, "detect %s", names[phase]);
}
void call_want_beep(struct call *c, bool wanted)
{
    fake_say(c, "beep %d", wanted);
}
enum err call_record_start(struct call *c, const struct media_record *how)
{
    fake_say(c, "record %s", how->path);
    snprintf(c->record.recording, sizeof c->record.recording, "%s", how->path);
    return fake_take(c);
}
void call_record_stop(struct call *c)
{
    fake_say(c, "record stop");
}
void call_record_mask(struct call *c, bool on)
{
    fake_say(c, "record mask %d", on);
}
enum call_state call_state(const struct call *c)
{
    return c->state;
}
bool call_is_outgoing(const struct call *c)
{
    return c->outgoing;
}
uint32_t call_age_ms(const struct call *c)
{
    return (uint32_t)((clock_us(c->loop->clock) - c->start_us) / 1000);
}
uint32_t call_mark_at(const struct call *c, enum call_mark m)
{
    (void)c;
    (void)m;
    return CALL_TIME_NONE;
}
struct call_record *call_record_of(struct call *c)
{
    return &c->record;
}

struct call_env *call_env_of(const struct call *c)
{
    return (struct call_env *)(uintptr_t)c; /* only handed on */
}
const char *call_env_host(const struct call_env *env)
{
    (void)env;
    return "127.0.0.1:5060";
}

/* The leg that a script dials: one at a time. */
static struct call fake_far;

enum err call_dial(struct call_env *env, const struct call_dial *dial, call_handler_fn *handler,
                   void *arg, struct call **out)
{
    struct call *by = (struct call *)env;
    enum err e = fake_take(by);

    fake_say(by, "dial %s from %s asserted %s ring %u", dial->to_uri, dial->from_user,
             dial->asserted, dial->ring_timeout_ms);
    if (e != OK)
        return e;
    fake_far = (struct call){.handler = handler, .arg = arg, .loop = by->loop, .outgoing = true};
    call_record_init(&fake_far.record);
    *out = &fake_far;
    return OK;
}
enum err call_bridge(struct call *a, struct call *b)
{
    fake_say(a, "bridge");
    fake_say(b, "bridge");
    return OK;
}
void call_unbridge(struct call *c)
{
    fake_say(c, "unbridge");
}
void call_release(struct call *c)
{
    fake_say(c, "release");
}

/* ---- a bench: loop on a virtual clock, runtime, one call ---- */

struct bench {
    struct clock clock;
    struct loop loop;
    struct flow_runtime *rt;
    struct call call;
    struct flow *flow;
    bool ended;
    struct flow_report report;
};

static inline void bench_on_end(void *arg, struct call *c, const struct flow_report *report)
{
    struct bench *b = arg;

    (void)c;
    cr_assert_not(b->ended, "on_end came twice");
    b->ended = true;
    b->report = *report;
}

static inline void bench_open_with(struct bench *b, struct flow_config config)
{
    memset(b, 0, sizeof *b);
    clock_init_virtual(&b->clock, 1000000, 1700000000000u);
    cr_assert_eq(loop_init(&b->loop, &(struct loop_config){.entries = 8, .clock = &b->clock}), OK);
    config.loop = &b->loop;
    cr_assert_eq(flow_runtime_open(&b->rt, &config), OK);
}

static inline void bench_open(struct bench *b)
{
    bench_open_with(b, (struct flow_config){.seed = 7, .simulator = true, .cpu_ms = 2000});
}

static inline void bench_close(struct bench *b)
{
    flow_runtime_close(b->rt);
    loop_fini(&b->loop);
}

/* Moves the virtual clock in steps of 1 ms and turns the loop. */
static inline void bench_pass(struct bench *b, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        clock_advance_us(&b->clock, 1000);
        loop_turn(&b->loop, 0);
    }
}

static inline void bench_start(struct bench *b, const char *text)
{
    char why[FLOW_TEXT_MAX] = "";
    struct flow_script *script = NULL;

    cr_assert_eq(flow_script_load_text(b->rt, "t.lua", slice_cstr(text), &script, why), OK, "%s",
                 why);
    memset(&b->call, 0, sizeof b->call);
    b->call.loop = &b->loop;
    b->call.start_us = clock_us(&b->clock);
    b->ended = false;
    struct flow_start start = {.script = script,
                               .call = &b->call,
                               .leg = 1,
                               .attempt = 1,
                               .on_end = bench_on_end,
                               .arg = b};
    cr_assert_eq(flow_start(b->rt, &start, &b->flow), OK);
}

/* A caller's script over `body`, on an answered call. */
static inline void bench_body(struct bench *b, const char *body)
{
    char text[8192];

    snprintf(text, sizeof text,
             "return callee { truth = \"human\", run = function(call)\n%s\nend }", body);
    bench_start(b, text);
}

#define assert_said(b, text) cr_assert_str_eq((b)->call.said, (text))

#endif
