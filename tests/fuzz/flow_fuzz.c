/* Arbitrary text as a script: loading it says yes or no, within bounds, and leaves the runtime fit
 * for the next. What loads is also run, on a call that refuses everything it is asked. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "flow/flow.h"
#include "media/leg.h"
#include "sip/meddle.h"

/* The call layer, as far as scripts reach it. */
struct call {
    call_handler_fn *handler;
    void *arg;
    struct call_record record;
};

void call_set_handler(struct call *c, call_handler_fn *handler, void *arg)
{
    c->handler = handler;
    c->arg = arg;
}
void call_hangup(struct call *c, uint16_t q850)
{
    struct call_event e = {.kind = CALL_EV_ENDED, .q850 = q850, .by = ENDED_BY_US};

    if (c->handler)
        c->handler(c->arg, c, &e);
}
#define SAYS_NO(name, ...)                                                                         \
    enum err name(__VA_ARGS__)                                                                     \
    {                                                                                              \
        return ERR_STATE;                                                                          \
    }
#define DOES_NOTHING(name, ...)                                                                    \
    void name(__VA_ARGS__) {}
#pragma GCC diagnostic ignored "-Wunused-parameter"
SAYS_NO(call_ring, struct call *c, uint16_t code)
SAYS_NO(call_progress, struct call *c)
SAYS_NO(call_reject, struct call *c, uint16_t code, const char *reason, uint16_t q850)
SAYS_NO(call_play, struct call *c, const struct sound *s, bool loop, uint32_t cookie)
SAYS_NO(call_play_tone, struct call *c, const struct call_tone *t, uint32_t cookie)
SAYS_NO(call_play_silence, struct call *c, uint32_t ms, uint32_t cookie)
SAYS_NO(call_send_dtmf, struct call *c, struct slice digits, bool in_band, uint32_t on_ms,
        uint32_t gap_ms, uint32_t cookie)
SAYS_NO(call_play_packets, struct call *c, const struct packets *p, uint32_t clock_hz,
        uint32_t cookie)
SAYS_NO(call_set_payload, struct call *c, const struct call_payload *p)
SAYS_NO(call_set_codecs, struct call *c, const struct sdp_codecs *codecs)
SAYS_NO(call_hold, struct call *c, bool on)
DOES_NOTHING(call_hush, struct call *c, bool on)
SAYS_NO(call_record_start, struct call *c, const struct media_record *how)
SAYS_NO(call_impair, struct call *c, const struct media_impair *i)
SAYS_NO(call_meddle, struct call *c, const struct sip_meddle *r)
SAYS_NO(call_defy_cancel, struct call *c)
SAYS_NO(call_defy_ack, struct call *c)
SAYS_NO(call_refuse_offer, struct call *c, uint32_t nth, uint16_t code)
SAYS_NO(call_refer, struct call *c, struct slice to)
SAYS_NO(call_take_refers, struct call *c, uint16_t code)
SAYS_NO(call_notify, struct call *c, uint16_t code)
SAYS_NO(call_respond, struct call *c, uint16_t code, const char *phrase, const char *tag)
SAYS_NO(call_dial, struct call_env *env, const struct call_dial *dial, call_handler_fn *handler,
        void *arg, struct call **out)
SAYS_NO(call_bridge, struct call *a, struct call *b)
DOES_NOTHING(call_unbridge, struct call *c)
DOES_NOTHING(call_release, struct call *c)
DOES_NOTHING(call_stop_audio, struct call *c)
DOES_NOTHING(call_mute, struct call *c, bool on)
DOES_NOTHING(call_detect, struct call *c, enum dsp_phase phase)
DOES_NOTHING(call_want_beep, struct call *c, bool wanted)
DOES_NOTHING(call_record_stop, struct call *c)
DOES_NOTHING(call_record_mask, struct call *c, bool on)
struct call_env *call_env_of(const struct call *c)
{
    return NULL;
}
const char *call_env_host(const struct call_env *env)
{
    return "127.0.0.1";
}
enum err call_answer(struct call *c)
{
    return OK; /* and no ACK comes: the verb waits */
}
struct slice call_called_number(const struct call *c)
{
    return SLICE("12025550101");
}
struct slice call_caller_number(const struct call *c)
{
    return SLICE("12025550199");
}
struct slice call_header(const struct call *c, const char *name)
{
    return SLICE_NONE;
}
enum call_state call_state(const struct call *c)
{
    return CALL_STATE_IDLE;
}
bool call_is_outgoing(const struct call *c)
{
    return false;
}
bool call_cancel_defied(const struct call *c)
{
    return false;
}
uint32_t call_age_ms(const struct call *c)
{
    return 0;
}
uint32_t call_mark_at(const struct call *c, enum call_mark m)
{
    return CALL_TIME_NONE;
}
struct call_record *call_record_of(struct call *c)
{
    return &c->record;
}

static void on_end(void *arg, struct call *c, const struct flow_report *report)
{
    *(bool *)arg = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct clock clock;
    static struct loop loop;
    static bool ready;
    struct flow_runtime *rt;
    struct flow_script *script;
    struct flow_config config = {.loop = &loop,
                                 .simulator = true,
                                 .instructions = 20000,
                                 .cpu_ms = 1000,
                                 .memory_bytes = 256 * 1024,
                                 .max_flows = 1};
    char why[FLOW_TEXT_MAX] = "";

    if (!ready) {
        log_set_level(LOG_OFF);
        clock_init_virtual(&clock, 0, 0);
        if (loop_init(&loop, &(struct loop_config){.entries = 8, .clock = &clock}) != OK)
            abort();
        ready = true;
    }
    if (flow_runtime_open(&rt, &config) != OK)
        abort();
    enum err e =
        flow_script_load_text(rt, "fuzz.lua", slice_of((const char *)data, size), &script, why);
    if (e != OK && !why[0])
        abort();
    if (e == OK) {
        struct call call = {0};
        bool ended = false;
        struct flow *f;
        struct flow_start start = {
            .script = script, .call = &call, .on_end = on_end, .arg = &ended};
        if (flow_start(rt, &start, &f) != OK)
            abort();
        for (int i = 0; i < 50 && !ended; i++) {
            clock_advance_us(&clock, 1000000);
            loop_turn(&loop, 0);
        }
        if (!ended)
            flow_stop(f);
        clock_advance_us(&clock, 5000);
        loop_turn(&loop, 0);
        if (!ended)
            abort();
    }
    flow_runtime_close(rt);
    return 0;
}
