/* The figures of a run from calls made up: what is counted where, and from when. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "sim/figures.h"
#include "sip/trace.h"

static struct outcome_call call_of(uint64_t intended_us, uint64_t late_us, uint32_t answered_ms,
                                   uint16_t code, uint32_t end_ms)
{
    struct outcome_call c = {.kind = FLOW_KIND_CALLER,
                             .intended_us = intended_us,
                             .started_us = intended_us + late_us,
                             .code = code,
                             .succeeded = code == 0,
                             .error = ""};

    for (int m = 0; m < MARK_COUNT; m++)
        c.at_ms[m] = CALL_TIME_NONE;
    c.at_ms[MARK_ANSWERED] = answered_ms;
    c.at_ms[MARK_END] = end_ms;
    return c;
}

static struct figures *figures_of(struct outcome_call *calls, uint32_t n)
{
    struct outcome o = {.call = calls, .calls = n};
    struct figures *f = malloc(sizeof *f);

    cr_assert(f);
    figures_make(f, &o);
    return f;
}

static bool near(double a, double b, double by)
{
    return a > b - by && a < b + by;
}

Test(figures, a_late_start_counts_against_the_figures)
{
    struct outcome_call calls[] = {
        call_of(0, 0, 300, 0, 1000),
        call_of(1000000, 700000, 300, 0, 1000), /* its INVITE left 0.7 s late */
        call_of(2000000, 50000, CALL_TIME_NONE, 486, 200),
    };
    struct figures *f = figures_of(calls, 3);

    cr_assert_eq(figures_setup_us(&calls[0]), 300000u);
    cr_assert_eq(figures_setup_us(&calls[1]), 1000000u);
    cr_assert_eq(figures_setup_us(&calls[2]), 250000u);
    cr_assert_eq(f->answered_us.max, 1000000u);
    cr_assert_eq(f->start_late_us.max, 700000u);
    cr_assert_eq(f->answered, 2u);
    cr_assert_eq(f->slice[1].late_max_us, 700000u);
    cr_assert_eq(f->slice[1].setup_p95_us, 1000000u);
    cr_assert_eq(f->slice[1].intended, 1u);
    cr_assert_eq(f->slice[2].failed, 1u);
    cr_assert_eq(f->slice[1].succeeded, 1u, "the first ended in second 1");
    free(f);
}

/* Of RFC 6076 4.6 to 4.9: 2 established, 1 declined, 1 ineffective, 1 redirected, 1 else. */
Test(figures, the_ratios_of_rfc_6076)
{
    struct outcome_call calls[] = {
        call_of(0, 0, 300, 0, 1000),
        call_of(0, 0, 300, 0, 1000),
        call_of(0, 0, CALL_TIME_NONE, 486, 100),
        call_of(0, 0, CALL_TIME_NONE, 503, 100),
        call_of(0, 0, CALL_TIME_NONE, 302, 100),
        call_of(0, 0, CALL_TIME_NONE, 404, 100),
        call_of(0, 0, 300, 0, 1000),
    };
    calls[0].sip = (struct sip_times){.sign_us = 20000,
                                      .final_us = 300000,
                                      .bye_us = 1300000,
                                      .bye_answered_us = 1305000,
                                      .bye_sent = true};
    calls[1].sip = calls[0].sip;
    calls[1].sip.bye_answered_us = 0; /* nobody answered our BYE */
    calls[2].sip.final_us = 100000;
    calls[6].kind = FLOW_KIND_CALLEE; /* the other side's session is not ours */
    struct figures *f = figures_of(calls, 7);
    const struct figures_rfc6076 *r = &f->rfc6076;

    cr_assert_eq(r->attempts, 6u);
    cr_assert(near(r->ser, 40, 1e-9), "2 of 5, %f", r->ser);
    cr_assert(near(r->seer, 60, 1e-9), "3 of 5, %f", r->seer);
    cr_assert(near(r->isa, 100.0 / 6, 1e-9), "%f", r->isa);
    cr_assert(near(r->scr, 100.0 / 6, 1e-9), "only one was completed, %f", r->scr);
    cr_assert_eq(r->disconnects_failed, 1u);
    cr_assert_eq(r->srd_us.count, 2u);
    cr_assert_eq(r->srd_us.max, 20000u);
    cr_assert_eq(r->srd_failed_us.max, 100000u);
    cr_assert_eq(r->sdd_us.count, 1u);
    cr_assert_eq(r->sdd_us.max, 5000u);
    cr_assert_eq(r->sdt_us.max, 1000000u);
    free(f);
}

Test(figures, nothing_to_divide_by_is_said)
{
    struct figures *f = figures_of(NULL, 0);

    cr_assert_lt(f->rfc6076.ser, 0);
    cr_assert_lt(f->rfc6076.scr, 0);
    cr_assert_eq(f->media.loss_percent, 0);
    free(f);
}

Test(figures, estimated_mos_is_of_calls_that_were_heard)
{
    struct call_media_stats clean = {.rtp_received = 1000, .mos_hundredths = 440};
    struct call_media_stats none = {.rtp_sent = 1000, .mos_hundredths = 440};
    struct call_media_stats unknown = {.rtp_received = 1000};

    cr_assert(near(figures_mos(&clean), 4.40, 1e-9), "%f", figures_mos(&clean));
    cr_assert_eq(figures_mos(&none), 0);
    cr_assert_eq(figures_mos(&unknown), 0, "of a payload that is not understood");
}

Test(worst, failed_ones_first_and_then_the_slowest)
{
    struct worst w = {0};
    bool gone[30] = {false};

    for (uint32_t i = 0; i < 30; i++) {
        struct outcome_call c = call_of(0, 0, 100 + i, 0, 1000);
        c.checks_failed = i == 3 || i == 17;
        c.succeeded = !c.checks_failed;
        uint32_t out = worst_offer(&w, i, &c, NULL);
        cr_assert_eq(out == WORST_NONE, i < WORST_MAX);
        if (out == WORST_NONE)
            continue;
        cr_assert(out <= i && !gone[out], "call %u is out, once", out);
        gone[out] = true;
        cr_assert_not(worst_has(&w, out));
    }
    for (uint32_t i = 0; i < 30; i++)
        cr_assert_eq(gone[i], !worst_has(&w, i), "call %u", i);
    struct outcome_call callee = call_of(0, 0, 100, 0, 1000);
    callee.kind = FLOW_KIND_CALLEE; /* one that is well is never of interest */
    cr_assert_eq(worst_offer(&w, 30, &callee, NULL), 30u);
    worst_sort(&w);
    cr_assert_eq(w.count, (uint32_t)WORST_MAX);
    cr_assert_eq(w.call[0].call, 3u);
    cr_assert_eq(w.call[1].call, 17u);
    for (uint32_t i = 2; i < WORST_MAX; i++)
        cr_assert_eq(w.call[i].call, 31 - i, "place %u has call %u", i, w.call[i].call);
    cr_assert(worst_has(&w, 29) && !worst_has(&w, 0));
    worst_fini(&w);
}

static void add(struct trace_call *t, uint64_t at_us, bool out, uint8_t method, uint16_t status)
{
    t->message[t->count++] =
        (struct trace_message){.at_us = at_us, .out = out, .method = method, .status = status};
}

Test(sip_times, of_a_call_with_credentials_and_a_bye)
{
    struct trace_call *t = calloc(1, sizeof *t);
    struct sip_times s;

    add(t, 1000, true, SIP_INVITE, 0);
    add(t, 2000, false, SIP_INVITE, 100);
    add(t, 3000, false, SIP_INVITE, 407);
    add(t, 3500, true, SIP_INVITE, 0);
    add(t, 9000, false, SIP_INVITE, 180);
    add(t, 21000, false, SIP_INVITE, 200);
    add(t, 61000, true, SIP_BYE, 0);
    add(t, 561000, true, SIP_BYE, 0); /* again */
    add(t, 571000, false, SIP_BYE, 200);
    sip_times_read(&s, t);
    cr_assert_eq(s.sign_us, 8000u, "100 and 407 say nothing of the callee");
    cr_assert_eq(s.final_us, 20000u);
    cr_assert_eq(s.bye_us, 60000u, "from its first sending");
    cr_assert_eq(s.bye_answered_us, 570000u);
    cr_assert(s.bye_sent);
    sip_times_read(&s, NULL);
    cr_assert_eq(s.final_us, 0u);
    free(t);
}
