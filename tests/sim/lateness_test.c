/* When a generator says of itself that it was late. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sim/lateness.h"

/* A run of `calls` calls, each late by so much, on a loop and calls of its own. */
static struct lateness_result judged(uint32_t calls, uint64_t late_us, uint64_t limit_ms)
{
    struct call_env *env = NULL;
    struct lateness_result out;
    static struct lateness l;
    struct loop loop;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    struct call_env_config config = {.loop = &loop, .max_calls = 4, .media_workers = 1};
    cr_assert_eq(addr_parse(SLICE("127.0.0.1:0"), 0, &config.sip_local), OK);
    config.media_local = config.sip_local;
    cr_assert_eq(call_env_open(&env, &config), OK);
    lateness_start(&l, &loop, env);
    for (uint32_t i = 0; i < calls; i++)
        lateness_plan(&l, late_us);
    lateness_judge(&l, limit_ms, &out);
    call_env_close(env);
    loop_fini(&loop);
    return out;
}

Test(lateness, invites_that_leave_late_make_the_run_invalid)
{
    /* An hour: more than a busy machine delays a tick by. */
    struct lateness_result late = judged(LATENESS_PLAN_MIN, UINT64_C(3600000000), 600000);

    cr_assert_not(late.valid);
    cr_assert(strstr(late.why, "in its plan of calls, the limit is 600000 ms"), "%s", late.why);
    cr_assert_geq(late.plan_p99_ms, 3600000);
    cr_assert(judged(LATENESS_PLAN_MIN, 1000, 600000).valid);
    cr_assert(judged(LATENESS_PLAN_MIN - 1, UINT64_C(3600000000), 600000).valid,
              "a few calls' p99 is one call's luck");
}
