/* A call on a modelled line: the events its owner gets, and the record it leaves. */
#include "call/line.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct clock virtual_clock;
static struct loop loop;
static struct call_env *env;
static struct call *calls[4];
static char told[1024]; /* what the owners heard, in order */
static uint32_t freed, played_ms;

static void on_event(void *arg, struct call *c, const struct call_event *e)
{
    static const char *const names[] = {
        [CALL_EV_PROGRESS] = "progress", [CALL_EV_ANSWERED] = "answered", [CALL_EV_MEDIA] = "media",
        [CALL_EV_HEARD] = "heard",       [CALL_EV_DTMF] = "key",          [CALL_EV_PLAYED] = "played",
        [CALL_EV_BRIDGED] = "bridged",   [CALL_EV_ENDED] = "ended",
    };
    size_t n = strlen(told);

    (void)c;
    snprintf(told + n, sizeof(told) - n, "%s%s:%s@%u", n ? " " : "", (const char *)arg,
             names[e->kind], call_age_ms(c));
    if (e->kind == CALL_EV_PROGRESS)
        snprintf(told + strlen(told), 8, "=%u", e->code);
    if (e->kind == CALL_EV_PLAYED)
        snprintf(told + strlen(told), 8, "=%u%s", e->cookie, e->err ? "!" : "");
}

static void dialled(void *arg, struct call *c, const struct call_dial *dial, void **own)
{
    (void)arg, (void)dial;
    *own = c;
}

/* The far side takes its time to hear of it. */
static struct timer end_timer;
static struct call *ending;
static void on_end(struct timer *t)
{
    (void)t;
    call_line_end(ending, call_record_of(ending)->cancelled ? 487 : 0, 0, ENDED_BY_US);
}

static void hung_up(void *arg, struct call *c)
{
    (void)arg;
    cr_assert_eq(call_line_own(c), c);
    ending = c;
    loop_timer(&loop, &end_timer, 30, on_end);
}

static void bridged(void *arg, struct call *a, struct call *b)
{
    (void)arg, (void)a, (void)b;
}

static void plays(void *arg, struct call *c, uint32_t ms)
{
    (void)arg, (void)c;
    played_ms += ms;
}

static void on_freed(void *arg, struct call *c)
{
    (void)arg, (void)c;
    freed++;
}

static const struct call_line line = {
    .seed = 7, .dialled = dialled, .hung_up = hung_up, .bridged = bridged, .plays = plays,
    .freed = on_freed};

static bool settled(void *arg)
{
    (void)arg;
    return true;
}

static struct timer until;
static void on_until(struct timer *t)
{
    (void)t;
    loop_stop(&loop);
}

static void run_ms(uint32_t ms)
{
    loop_timer(&loop, &until, ms, on_until);
    loop_run(&loop);
}

static void setup(void)
{
    const struct loop_config config = {.clock = &virtual_clock};
    const struct call_env_config e = {.loop = &loop, .line = &line, .max_calls = 4};

    clock_init_virtual(&virtual_clock, 1000000, 1772409600000);
    cr_assert_eq(loop_init(&loop, &config), OK);
    loop_set_virtual(&loop, settled, NULL);
    timer_init(&until);
    timer_init(&end_timer);
    cr_assert_eq(call_env_open(&env, &e), OK);
    told[0] = '\0';
    freed = played_ms = 0;
}

static void teardown(void)
{
    call_env_close(env);
    loop_set_virtual(&loop, NULL, NULL);
    loop_fini(&loop);
}

static void dial(uint32_t i, const char *name)
{
    const struct call_dial d = {
        .to_uri = "sip:+12025550111@192.0.2.1", .detect = true, .ring_timeout_ms = 20000};

    cr_assert_eq(call_dial(env, &d, on_event, (void *)(uintptr_t)name, &calls[i]), OK);
}

static void hear(struct call *c, enum dsp_kind kind, uint8_t detail, uint32_t start_ms)
{
    const struct dsp_event e = {.kind = (uint8_t)kind,
                                .detail = detail,
                                .confidence = 1,
                                .start_ms = start_ms,
                                .end_ms = call_age_ms(c)};

    call_line_heard(c, &e);
}

Test(line, an_answered_call_leaves_the_record_of_a_real_one, .init = setup, .fini = teardown)
{
    dial(0, "a");
    run_ms(1500);
    call_line_progress(calls[0], 180);
    run_ms(4500);
    call_line_answer(calls[0]);
    run_ms(20);
    call_line_rtp(calls[0]);
    hear(calls[0], DSP_SPEECH_START, 0, 6020);
    run_ms(900);
    hear(calls[0], DSP_SPEECH_END, 0, 6020);
    run_ms(600);
    hear(calls[0], DSP_VERDICT, VERDICT_HUMAN, 6020);
    run_ms(1000);
    call_hangup(calls[0], 0);
    run_ms(100);
    cr_assert_str_eq(told, "a:progress@1500=180 a:answered@6000 a:media@6020 a:heard@6020 "
                           "a:heard@6920 a:heard@7520 a:ended@8550");
    const struct call_record *r = call_record_of(calls[0]);
    cr_expect_eq(result_decide(r), RESULT_HUMAN);
    cr_expect_eq(r->at_ms[MARK_RINGING], 1500);
    cr_expect_eq(r->at_ms[MARK_ANSWERED], 6000);
    cr_expect_eq(r->at_ms[MARK_GREETING_END], 6920);
    cr_expect_eq(r->at_ms[MARK_END], 8520);
    cr_expect_eq(r->ended_by, ENDED_BY_US);
    cr_expect_eq(r->invite_wall_ms, 1772409600000 + 1000);
    cr_expect_eq(freed, 0);
    call_release(calls[0]);
    cr_expect_eq(freed, 1);
}

Test(line, the_ring_limit_is_the_calls_own, .init = setup, .fini = teardown)
{
    dial(0, "a");
    run_ms(1000);
    call_line_progress(calls[0], 180);
    run_ms(30000);
    cr_assert_str_eq(told, "a:progress@1000=180 a:ended@20030");
    cr_expect_eq(result_decide(call_record_of(calls[0])), RESULT_NO_ANSWER);
    cr_expect(call_record_of(calls[0])->cancelled);
    call_release(calls[0]);
}

Test(line, a_refusal_is_judged_by_its_code, .init = setup, .fini = teardown)
{
    dial(0, "a");
    run_ms(500);
    call_line_end(calls[0], 486, 17, ENDED_BY_NETWORK);
    cr_assert_str_eq(told, "a:ended@500");
    cr_expect_eq(result_decide(call_record_of(calls[0])), RESULT_BUSY);
    call_release(calls[0]);
}

Test(line, bridged_calls_hear_each_other_and_playing_takes_its_time, .init = setup,
     .fini = teardown)
{
    dial(0, "a");
    dial(1, "b");
    call_line_answer(calls[0]);
    call_line_answer(calls[1]);
    cr_assert_eq(call_play_silence(calls[0], 300, 5), OK);
    cr_assert_eq(call_play_silence(calls[0], 200, 6), OK);
    run_ms(400);
    cr_expect_eq(played_ms, 500);
    cr_assert_eq(call_bridge(calls[0], calls[1]), OK); /* stops what is still played */
    run_ms(100);
    cr_assert_str_eq(told, "a:answered@0 b:answered@0 a:played@300=5 a:played@401=6! "
                           "a:bridged@440 b:bridged@440");
    call_line_end(calls[1], 0, 0, ENDED_BY_CALLEE);
    cr_assert_neq(call_bridge(calls[0], calls[1]), OK);
    call_release(calls[1]);
    call_release(calls[0]);
    run_ms(100);
    cr_expect_eq(freed, 2);
    cr_expect_eq(call_env_count(env), 0);
}

Test(line, the_same_seed_gives_the_same_ids, .init = setup, .fini = teardown)
{
    char first[CALL_ID_MAX], again[CALL_ID_MAX];

    call_new_id(env, first, sizeof(first));
    call_env_close(env);
    setup();
    call_new_id(env, again, sizeof(again));
    cr_expect_str_eq(first, again);
}
