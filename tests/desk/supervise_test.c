/* Supervisors, against agents and a call layer played by this test: it defines the few functions
 * that supervise.c uses. What is heard is checked end to end (tests/e2e/supervise_e2e.py). */
#include "desk/supervise.h"

#include <string.h>

#include <criterion/criterion.h>

struct agent {
    const char *name;
    struct call *leg;
};

struct call {
    call_handler_fn *handler;
    void *arg;
    const char *called;
    enum call_state state;
    int rejected;
    bool answered, hung_up, released, keeps_keys;
    struct call *with; /* whom it was put beside last */
    char how;          /* l, w or c */
    unsigned puts;
};

static struct clock fake_clock;
static struct loop loop;
static struct agent agent;
static struct call leg;
static struct supervision all;

struct agent *desk_find(const struct desk *d, struct slice name)
{
    (void)d;
    return slice_eq(name, slice_cstr(agent.name)) ? &agent : NULL;
}

const char *agent_name(const struct agent *a)
{
    return a->name;
}

struct call *agent_leg(const struct agent *a)
{
    return a->leg;
}

enum call_state call_state(const struct call *c)
{
    return c->state;
}

struct slice call_called_number(const struct call *c)
{
    return slice_cstr(c->called);
}

struct slice call_caller_number(const struct call *c)
{
    (void)c;
    return SLICE("boss");
}

void call_set_handler(struct call *c, call_handler_fn *handler, void *arg)
{
    c->handler = handler;
    c->arg = arg;
}

enum err call_keep_keys(struct call *c)
{
    c->keeps_keys = true;
    return OK;
}

enum err call_answer(struct call *c)
{
    c->answered = true;
    return OK;
}

enum err call_reject(struct call *c, uint16_t code, const char *reason, uint16_t q850)
{
    (void)reason;
    (void)q850;
    c->rejected = code;
    return OK;
}

void call_hangup(struct call *c, uint16_t q850)
{
    (void)q850;
    c->hung_up = true;
}

void call_release(struct call *c)
{
    c->released = true;
}

static enum err put(struct call *c, struct call *with, char how)
{
    c->with = with;
    c->how = how;
    c->puts++;
    return OK;
}

enum err call_listen(struct call *c, struct call *to)
{
    return put(c, to, 'l');
}

enum err call_whisper(struct call *c, struct call *to)
{
    return put(c, to, 'w');
}

enum err call_conference(struct call *c, struct call *with)
{
    return put(c, with, 'c');
}

static void setup(void)
{
    struct loop_config config = {.clock = &fake_clock};

    clock_init_virtual(&fake_clock, 1000000, 0);
    cr_assert_eq(loop_init(&loop, &config), OK);
    leg = (struct call){.state = CALL_STATE_UP};
    agent = (struct agent){.name = "ana", .leg = &leg};
    supervise_init(&all, &loop, NULL, "4921");
}

static void teardown(void)
{
    loop_fini(&loop);
}

static void take(struct call *c)
{
    *c = (struct call){.called = "ana", .state = CALL_STATE_UP};
    supervise_take(&all, c, true);
}

static void keys(struct call *c, const char *digits)
{
    for (; *digits; digits++) {
        struct call_event e = {.kind = CALL_EV_DTMF, .digit = *digits};

        c->handler(c->arg, c, &e);
    }
}

static void end(struct call *c)
{
    struct call_event e = {.kind = CALL_EV_ENDED};

    c->handler(c->arg, c, &e);
}

static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += 10) {
        clock_advance_us(&fake_clock, 10000);
        loop_turn(&loop, 0);
    }
}

TestSuite(supervise, .init = setup, .fini = teardown);

Test(supervise, nobody_is_beside_an_agent_without_the_pin)
{
    struct call c;

    take(&c);
    cr_assert(c.answered && c.keeps_keys);
    keys(&c, "3");
    cr_expect_eq(c.puts, 0);
    keys(&c, "#492#49211#");
    cr_expect_eq(c.puts, 0);
    cr_expect(c.hung_up, "three wrong ones");
    end(&c);
    cr_expect(c.released);
    take(&c);
    keys(&c, "4921");
    pass(29000);
    cr_expect(!c.hung_up && c.puts == 0);
    pass(2000);
    cr_expect(c.hung_up, "half a minute without an end of the PIN");
}

Test(supervise, listens_then_whispers_then_joins)
{
    struct call c;

    take(&c);
    keys(&c, "4921#");
    cr_expect(c.with == &leg && c.how == 'l');
    keys(&c, "2");
    cr_expect(c.with == &leg && c.how == 'w');
    keys(&c, "3");
    cr_expect(c.with == &leg && c.how == 'c');
    keys(&c, "1");
    cr_expect(c.with == &leg && c.how == 'l');
    cr_expect_eq(c.puts, 4);
    keys(&c, "45*#");
    cr_expect_eq(c.puts, 4, "other keys mean nothing");
    pass(40000);
    cr_expect_not(c.hung_up);
}

Test(supervise, goes_along_when_the_agent_has_another_leg)
{
    struct call c, other = {.state = CALL_STATE_UP};
    struct agent stranger = {.name = "bob"};

    agent.leg = NULL;
    take(&c);
    keys(&c, "4921#2");
    cr_expect_eq(c.puts, 0, "the agent is away");
    agent.leg = &other;
    supervise_agent(&all, &stranger);
    cr_expect_eq(c.puts, 0);
    supervise_agent(&all, &agent);
    cr_expect(c.with == &other && c.how == 'w');
}

Test(supervise, who_is_refused)
{
    struct call c, many[SUPERVISORS_MAX];

    c = (struct call){.called = "nobody"};
    supervise_take(&all, &c, true);
    cr_expect(c.rejected == 404 && c.released);
    c = (struct call){.called = "ana"};
    supervise_take(&all, &c, false);
    cr_expect(c.rejected == 480 && c.released, "the engine leaves");
    for (uint32_t i = 0; i < SUPERVISORS_MAX; i++)
        take(&many[i]);
    take(&c);
    cr_expect(c.rejected == 486 && c.released && !c.answered);
    end(&many[3]);
    take(&c);
    cr_expect(c.answered, "a place is free again");
    supervise_end(&all);
    cr_expect(c.hung_up && many[0].hung_up);
    supervise_init(&all, &loop, NULL, "");
    take(&c);
    cr_expect(c.rejected == 480, "without a PIN in the file nobody is answered");
}
