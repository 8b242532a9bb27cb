/* Supervisors: people who listen to an agent's conversations, speak to the agent alone, or join.
 * They call this engine under the agent's name (sip:agent-3@HOST), key the campaign's PIN and #,
 * and are with that agent from then on, from call to call, until they hang up:
 *
 *   1 listen: hears both, is heard by nobody      2 whisper: the agent alone hears them
 *   3 join: all hear each other                   other keys mean nothing
 *
 * Bounds: SUPERVISORS_MAX at once; SUPERVISE_TRIES wrong PINs, or SUPERVISE_KEY_MS without one,
 * end the call. Without a PIN in the campaign nobody is answered. Control thread only. */
#include "dialer/internal.h"

#include <string.h>

#include "base/log.h"

#define SUPERVISE_TRIES  3
#define SUPERVISE_KEY_MS 30000
#define Q850_REJECTED    21

enum part { PART_LISTENS, PART_WHISPERS, PART_JOINS };

static struct supervisor *place_for(struct dialer *d)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (!d->supervisors[i].call)
            return &d->supervisors[i];
    return NULL;
}

static struct agent *agent_called(const struct dialer *d, struct slice name)
{
    for (uint32_t i = 0; i < d->agent_count; i++)
        if (slice_eq(name, slice_cstr(agent_name(d->agents[i].agent))))
            return d->agents[i].agent;
    return NULL;
}

/* The agent's leg may be another one than before, or away: then it is tried again when it is back.
 */
static void be_there(struct supervisor *s)
{
    struct call *leg = agent_leg(s->agent);
    enum err e = ERR_STATE;

    if (!s->known || !leg || call_state(leg) != CALL_STATE_UP)
        return;
    switch ((enum part)s->part) {
    case PART_LISTENS:
        e = call_listen(s->call, leg);
        break;
    case PART_WHISPERS:
        e = call_whisper(s->call, leg);
        break;
    case PART_JOINS:
        e = call_conference(s->call, leg);
        break;
    }
    if (e != OK)
        log_warn("dialer", "a supervisor cannot be with the agent now", "agent=%s error=%s",
                 agent_name(s->agent), err_name(e));
}

static bool pin_is_right(const struct supervisor *s)
{
    const char *pin = s->dialer->campaign->supervision.pin;

    return strlen(pin) == s->typed_count && memcmp(pin, s->typed, s->typed_count) == 0;
}

static void pin_typed(struct supervisor *s)
{
    bool right = pin_is_right(s);

    s->typed_count = 0;
    if (right) {
        loop_timer_stop(s->dialer->loop, &s->timer);
        s->known = true;
        log_info("dialer", "a supervisor is with an agent", "agent=%s caller=%.*s",
                 agent_name(s->agent), SLICE_ARG(call_caller_number(s->call)));
        be_there(s);
    } else if (++s->tries == SUPERVISE_TRIES) {
        log_warn("dialer", "a caller does not know the supervisors' PIN", "caller=%.*s",
                 SLICE_ARG(call_caller_number(s->call)));
        call_hangup(s->call, Q850_REJECTED);
    }
}

static void on_key(struct supervisor *s, char digit)
{
    if (!s->known && digit == '#') {
        pin_typed(s);
    } else if (!s->known) {
        if (s->typed_count < sizeof(s->typed))
            s->typed[s->typed_count++] = digit;
    } else if (digit >= '1' && digit <= '3') {
        s->part = (uint8_t)(digit - '1');
        be_there(s);
    }
}

static void on_no_pin(struct timer *t)
{
    call_hangup(container_of(t, struct supervisor, timer)->call, Q850_REJECTED);
}

static void on_call(void *arg, struct call *c, const struct call_event *e)
{
    struct supervisor *s = arg;

    if (e->kind == CALL_EV_DTMF) {
        on_key(s, e->digit);
    } else if (e->kind == CALL_EV_ENDED) {
        loop_timer_stop(s->dialer->loop, &s->timer);
        s->call = NULL;
        call_release(c);
    }
}

void supervise_incoming(void *arg, struct call *c)
{
    struct dialer *d = arg;
    struct agent *agent = agent_called(d, call_called_number(c));
    struct supervisor *s = place_for(d);

    if (!d->campaign->supervision.pin[0] || !agent || !s || d->stage != DIALER_RUNNING) {
        call_reject(c,
                    !d->campaign->supervision.pin[0] ? 480
                    : !agent                         ? 404
                    : s                              ? 480
                                                     : 486,
                    NULL, 0);
        call_release(c);
        return;
    }
    *s = (struct supervisor){.dialer = d, .call = c, .agent = agent};
    timer_init(&s->timer);
    call_set_handler(c, on_call, s);
    call_keep_keys(c); /* they are for us */
    if (call_answer(c) != OK) {
        s->call = NULL;
        call_release(c);
        return;
    }
    loop_timer(d->loop, &s->timer, SUPERVISE_KEY_MS, on_no_pin);
}

void supervise_agent(struct dialer *d, const struct agent *a)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (d->supervisors[i].call && d->supervisors[i].agent == a)
            be_there(&d->supervisors[i]);
}

void supervise_end(struct dialer *d)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (d->supervisors[i].call)
            call_hangup(d->supervisors[i].call, 0);
}
