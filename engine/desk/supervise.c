/* Who is with which agent. An agent's leg comes and goes, the supervisor stays: at each change of
 * the agent's state they are put where they belong again. */
#include "desk/supervise.h"

#include <string.h>

#include "base/log.h"
#include "io/loop.h"

#define SUPERVISE_TRIES  3
#define SUPERVISE_KEY_MS 30000
#define Q850_REJECTED    21

enum part { PART_LISTENS, PART_WHISPERS, PART_JOINS };

void supervise_init(struct supervision *s, struct loop *loop, const struct desk *desk,
                    const char *pin)
{
    *s = (struct supervision){.loop = loop, .desk = desk};
    slice_copy(slice_cstr(pin), s->pin, sizeof(s->pin));
}

static struct supervisor *free_place(struct supervision *all)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (!all->place[i].call)
            return &all->place[i];
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
        log_warn("desk", "a supervisor cannot be with the agent now", "agent=%s error=%s",
                 agent_name(s->agent), err_name(e));
}

static bool pin_is_right(const struct supervisor *s)
{
    const char *pin = s->all->pin;

    return strlen(pin) == s->typed_count && memcmp(pin, s->typed, s->typed_count) == 0;
}

static void pin_typed(struct supervisor *s)
{
    bool right = pin_is_right(s);

    s->typed_count = 0;
    if (right) {
        loop_timer_stop(s->all->loop, &s->timer);
        s->known = true;
        log_info("desk", "a supervisor is with an agent", "agent=%s caller=%.*s",
                 agent_name(s->agent), SLICE_ARG(call_caller_number(s->call)));
        be_there(s);
    } else if (++s->tries == SUPERVISE_TRIES) {
        log_warn("desk", "a caller does not know the supervisors' PIN", "caller=%.*s",
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
        loop_timer_stop(s->all->loop, &s->timer);
        s->call = NULL;
        call_release(c);
    }
}

void supervise_take(struct supervision *all, struct call *c, bool open)
{
    struct agent *agent = desk_find(all->desk, call_called_number(c));
    struct supervisor *s = free_place(all);

    if (!all->pin[0] || !agent || !s || !open) {
        call_reject(c, !all->pin[0] ? 480 : !agent ? 404 : s ? 480 : 486, NULL, 0);
        call_release(c);
        return;
    }
    *s = (struct supervisor){.all = all, .call = c, .agent = agent};
    timer_init(&s->timer);
    call_set_handler(c, on_call, s);
    call_keep_keys(c); /* they are for us */
    if (call_answer(c) != OK) {
        s->call = NULL;
        call_release(c);
        return;
    }
    loop_timer(all->loop, &s->timer, SUPERVISE_KEY_MS, on_no_pin);
}

void supervise_agent(struct supervision *all, const struct agent *a)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (all->place[i].call && all->place[i].agent == a)
            be_there(&all->place[i]);
}

void supervise_end(struct supervision *all)
{
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        if (all->place[i].call)
            call_hangup(all->place[i].call, 0);
}
