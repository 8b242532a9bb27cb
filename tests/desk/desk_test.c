/* Agents' states against a call layer played by this test: it defines the few call_ functions that
 * desk/ uses, so legs answer, fail and vanish exactly when a test says so. */
#include "desk/desk.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define LEGS_MAX 64

struct call {
    call_handler_fn *handler;
    void *arg;
    char uri[256];
    struct call *bridged;
    bool hung_up, released, listened; /* listened: somebody else is with it */
    bool held;
    const struct sound *music;
};

static struct loop loop;
static struct clock fake_clock;
static struct call legs[LEGS_MAX];
static unsigned leg_count;
static enum err dial_error;

struct loop *call_env_loop(struct call_env *env)
{
    (void)env;
    return &loop;
}

enum err call_dial(struct call_env *env, const struct call_dial *dial, call_handler_fn *handler,
                   void *arg, struct call **out)
{
    (void)env;
    if (dial_error != OK)
        return dial_error;
    cr_assert_lt(leg_count, (unsigned)LEGS_MAX);
    struct call *c = &legs[leg_count++];
    *c = (struct call){.handler = handler, .arg = arg};
    strcpy(c->uri, dial->to_uri);
    *out = c;
    return OK;
}

void call_release(struct call *c)
{
    c->released = true;
}

void call_hangup(struct call *c, uint16_t q850)
{
    (void)q850;
    c->hung_up = true;
}

void call_detect(struct call *c, enum dsp_phase phase)
{
    (void)c;
    (void)phase;
}

enum err call_bridge(struct call *a, struct call *b)
{
    a->bridged = b;
    b->bridged = a;
    return OK;
}

void call_unbridge(struct call *c)
{
    if (c->bridged)
        c->bridged->bridged = NULL;
    c->bridged = NULL;
}

unsigned call_together(const struct call *c)
{
    return (c->bridged ? 2u : 0u) + (c->listened ? (c->bridged ? 1u : 2u) : 0u);
}

enum err call_conference(struct call *c, struct call *with)
{
    cr_assert(with->listened, "only into a conversation that is there");
    return call_bridge(c, with);
}

enum err call_park(struct call *c, const struct sound *music)
{
    call_unbridge(c);
    c->held = true;
    c->music = music;
    return OK;
}

enum err call_unpark(struct call *c, struct call *with)
{
    c->held = false;
    return call_bridge(c, with);
}

/* ---- what the desk told ---- */

static unsigned states, talks_ended;
static bool last_by_agent;
static struct call *last_callee;

static void on_state(void *arg, struct agent *a, enum agent_state was)
{
    (void)arg;
    cr_assert_neq(agent_state(a), was);
    states++;
}

static void on_talk_ended(void *arg, struct agent *a, struct call *callee, bool by_agent)
{
    (void)arg;
    (void)a;
    talks_ended++;
    last_by_agent = by_agent;
    last_callee = callee;
}

static unsigned keys;
static char last_key;

static void on_key(void *arg, struct agent *a, char digit)
{
    (void)arg;
    (void)a;
    keys++;
    last_key = digit;
}

static struct desk *desk;

static void setup(void)
{
    static const struct desk_handler handler = {on_state, on_talk_ended, on_key};
    struct loop_config config = {.clock = &fake_clock};

    clock_init_virtual(&fake_clock, 1000000, 0);
    cr_assert_eq(loop_init(&loop, &config), OK);
    leg_count = states = talks_ended = 0;
    dial_error = OK;
    cr_assert_eq(desk_open(&desk, NULL, &handler, NULL), OK);
}

static void teardown(void)
{
    desk_close(desk);
    loop_fini(&loop);
}

static struct agent *add(const char *name, uint32_t wrap_up_ms)
{
    struct desk_agent_config config = {
        .name = name, .uri = "sip:agent@127.0.0.1:5070", .wrap_up_ms = wrap_up_ms};
    struct agent *a;

    cr_assert_eq(desk_add(desk, &config, &a), OK);
    return a;
}

static void tell(struct call *c, enum call_event_kind kind)
{
    struct call_event e = {.kind = kind};

    c->handler(c->arg, c, &e);
}

static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        clock_advance_us(&fake_clock, 1000);
        loop_turn(&loop, 0);
    }
}

TestSuite(desk, .init = setup, .fini = teardown);

Test(desk, a_leg_that_answers_makes_the_agent_ready)
{
    struct agent *a = add("ana", 100);

    cr_expect_eq(agent_state(a), AGENT_OFFLINE);
    desk_start(desk);
    cr_expect_eq(agent_state(a), AGENT_CALLING);
    cr_expect_null(desk_longest_ready(desk, AGENT_GROUP_ANY));
    tell(&legs[0], CALL_EV_ANSWERED);
    cr_expect_eq(agent_state(a), AGENT_READY);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), a);
}

Test(desk, who_is_ready_the_longest_is_first)
{
    struct agent *a = add("a", 10), *b = add("b", 10), *c = add("c", 10);
    struct call callee = {0};

    desk_start(desk);
    tell(&legs[1], CALL_EV_ANSWERED);
    tell(&legs[0], CALL_EV_ANSWERED);
    tell(&legs[2], CALL_EV_ANSWERED);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), b);
    cr_assert_eq(desk_connect(desk, b, &callee), OK);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), a);
    desk_callee_left(desk, b);
    pass(20);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), a);
    cr_assert_eq(desk_connect(desk, a, &callee), OK);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), c, "b comes after c now");
}

Test(desk, who_is_held_is_not_found_and_their_keys_are_told)
{
    struct agent *a = add("a", 10), *b = add("b", 10);
    struct call_event key = {.kind = CALL_EV_DTMF, .digit = '1'};
    struct call callee = {0};

    keys = 0;
    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    tell(&legs[1], CALL_EV_ANSWERED);
    desk_hold(desk, a, true);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), b);
    desk_hold(desk, b, true);
    cr_expect_null(desk_longest_ready(desk, AGENT_GROUP_ANY));
    legs[0].handler(legs[0].arg, &legs[0], &key);
    cr_expect_eq(keys, 1u);
    cr_expect_eq(last_key, '1');
    cr_assert_eq(desk_connect(desk, a, &callee), OK, "held for this call");
    legs[0].handler(legs[0].arg, &legs[0], &key);
    cr_expect_eq(keys, 1u, "keys in a talk are the talk's");
    desk_hold(desk, b, false);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), b);
    desk_callee_left(desk, a);
    pass(12);
    cr_assert_eq(desk_connect(desk, b, &callee), OK);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), a,
                 "after a talk nobody is held any more");
}

Test(desk, callee_leaves_leg_stays_and_wrap_up_runs)
{
    struct agent *a = add("a", 50);
    struct call callee = {0};

    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    cr_assert_eq(desk_connect(desk, a, &callee), OK);
    cr_expect_eq(agent_state(a), AGENT_TALKING);
    cr_expect_eq(legs[0].bridged, &callee);
    desk_callee_left(desk, a);
    cr_expect_null(legs[0].bridged);
    cr_expect_eq(agent_state(a), AGENT_WRAP_UP);
    cr_expect_eq(talks_ended, 1u);
    cr_expect_not(last_by_agent);
    pass(48);
    cr_expect_eq(agent_state(a), AGENT_WRAP_UP);
    pass(4);
    cr_expect_eq(agent_state(a), AGENT_READY);
    cr_expect_eq(leg_count, 1u, "the same leg serves the next talk");
}

Test(desk, agent_hangs_up_and_is_called_again_after_wrap_up)
{
    struct agent *a = add("a", 50);
    struct call callee = {0};

    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    cr_assert_eq(desk_connect(desk, a, &callee), OK);
    tell(&legs[0], CALL_EV_ENDED);
    cr_expect(legs[0].released);
    cr_expect(last_by_agent);
    cr_expect_eq(last_callee, &callee);
    cr_expect_eq(agent_state(a), AGENT_WRAP_UP);
    cr_expect_eq(leg_count, 1u, "not called during wrap-up");
    pass(52);
    cr_expect_eq(agent_state(a), AGENT_CALLING);
    cr_expect_eq(leg_count, 2u);
    tell(&legs[1], CALL_EV_ANSWERED);
    cr_expect_eq(agent_state(a), AGENT_READY);
}

Test(desk, failures_are_tried_again_with_growing_pauses)
{
    struct agent *a = add("a", 50);

    desk_start(desk);
    tell(&legs[0], CALL_EV_ENDED);
    cr_expect_eq(agent_state(a), AGENT_OFFLINE);
    pass(DESK_RETRY_MIN_MS - 2);
    cr_expect_eq(leg_count, 1u);
    pass(4);
    cr_expect_eq(leg_count, 2u);
    tell(&legs[1], CALL_EV_ENDED);
    pass(2 * DESK_RETRY_MIN_MS - 2);
    cr_expect_eq(leg_count, 2u);
    pass(4);
    cr_expect_eq(leg_count, 3u);
    tell(&legs[2], CALL_EV_ANSWERED);
    tell(&legs[2], CALL_EV_ENDED); /* left while idle: the pause starts small again */
    pass(DESK_RETRY_MIN_MS + 2);
    cr_expect_eq(leg_count, 4u);
}

Test(desk, a_leg_that_cannot_be_started_is_tried_again)
{
    struct agent *a = add("a", 50);

    dial_error = ERR_FULL;
    desk_start(desk);
    cr_expect_eq(agent_state(a), AGENT_OFFLINE);
    dial_error = OK;
    pass(DESK_RETRY_MIN_MS + 2);
    cr_expect_eq(agent_state(a), AGENT_CALLING);
}

Test(desk, stop_hangs_up_idle_legs_and_lets_talks_end)
{
    struct agent *a = add("a", 30), *b = add("b", 30);
    struct call callee = {0};

    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    tell(&legs[1], CALL_EV_ANSWERED);
    cr_assert_eq(desk_connect(desk, a, &callee), OK);
    desk_stop(desk);
    cr_expect_not(legs[0].hung_up);
    cr_expect(legs[1].hung_up);
    cr_expect_eq(agent_state(b), AGENT_OFFLINE);
    cr_expect_not(desk_is_idle(desk));
    tell(&legs[1], CALL_EV_ENDED);
    desk_callee_left(desk, a);
    cr_expect(legs[0].hung_up);
    tell(&legs[0], CALL_EV_ENDED);
    cr_expect(desk_is_idle(desk));
    pass(100);
    cr_expect_eq(leg_count, 2u, "nobody is called any more");
}

Test(desk, counts_follow_the_states)
{
    add("a", 10);
    add("b", 10);
    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    struct desk_counts n = desk_counts(desk);
    cr_expect_eq(n.total, 2u);
    cr_expect_eq(n.by_state[AGENT_READY], 1u);
    cr_expect_eq(n.by_state[AGENT_CALLING], 1u);
}

Test(desk, a_callee_is_parked_with_music_and_taken_back)
{
    struct agent *a = add("a", 50);
    struct call callee = {0};
    const struct sound *music = (const struct sound *)(const void *)&loop; /* a name, no more */

    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    cr_expect_eq(desk_park(a, true, music), ERR_STATE, "nobody to hold");
    cr_assert_eq(desk_connect(desk, a, &callee), OK);
    cr_expect_eq(desk_park(a, true, music), OK);
    cr_expect(desk_is_parked(a) && callee.held && callee.music == music && !callee.bridged);
    cr_expect_eq(agent_state(a), AGENT_TALKING);
    cr_expect_eq(desk_park(a, false, music), OK);
    cr_expect(!desk_is_parked(a) && !callee.held && callee.bridged == &legs[0]);
    desk_park(a, true, music);
    desk_callee_left(desk, a);
    cr_expect_not(desk_is_parked(a), "who is held and hangs up is held no more");
    cr_expect_eq(agent_state(a), AGENT_WRAP_UP);
}

Test(desk, who_listens_to_an_agent_stays_from_call_to_call)
{
    struct agent *a = add("a", 50);
    struct call callee = {0};

    desk_start(desk);
    tell(&legs[0], CALL_EV_ANSWERED);
    legs[0].listened = true;
    cr_assert_eq(desk_connect(desk, a, &callee), OK, "the callee joins the two");
    cr_expect_eq(callee.bridged, &legs[0]);
    desk_callee_left(desk, a);
    cr_expect_null(callee.bridged);
}

Test(desk, who_is_asked_for_by_group_is_in_it_and_of_those_counted_for_it_first)
{
    enum { SALES = 1, ENGLISH = 2 };
    static const uint32_t groups[] = {1u << SALES, 1u << SALES | 1u << ENGLISH, 1u << SALES, 0};
    struct agent *a[4];
    struct call callee = {0};

    for (uint32_t i = 0; i < 4; i++) {
        const struct desk_agent_config config = {
            .name = "x", .uri = "sip:x@127.0.0.1", .wrap_up_ms = 10, .groups = groups[i]};

        cr_assert_eq(desk_add(desk, &config, &a[i]), OK);
    }
    desk_start(desk);
    cr_expect_null(desk_longest_ready(desk, SALES));
    for (uint32_t i = 4; i-- > 0;)
        tell(&legs[i], CALL_EV_ANSWERED);
    cr_expect_eq(desk_longest_ready(desk, AGENT_GROUP_ANY), a[3], "the longest of all");
    cr_expect_eq(desk_longest_ready(desk, SALES), a[2], "the longest of the group");
    cr_expect_eq(desk_longest_ready(desk, ENGLISH), a[1], "of two groups");
    cr_expect_null(desk_longest_ready(desk, 3), "nobody is in it");
    desk_count_for(a[0], SALES);
    desk_count_for(a[1], ENGLISH);
    cr_expect_eq(desk_longest_ready(desk, SALES), a[0], "who counts for it goes first");
    cr_assert_eq(desk_connect(desk, a[0], &callee), OK);
    cr_assert_eq(desk_connect(desk, a[2], &callee), OK);
    cr_expect_eq(desk_longest_ready(desk, SALES), a[1], "else who counts for another");
    cr_assert_eq(desk_connect(desk, a[1], &callee), OK);
    cr_expect_null(desk_longest_ready(desk, SALES), "and nobody of no group");
}
