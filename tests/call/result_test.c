/* Results from evidence: each row of the tables, and who wins when they disagree. */
#include "call/record.h"
#include "dsp/dsp.h"

#include <criterion/criterion.h>

static struct call_record unanswered(uint16_t code, uint16_t q850)
{
    struct call_record r;

    call_record_init(&r);
    r.sip_code = code;
    r.q850 = q850;
    r.at_ms[MARK_FIRST_1XX] = 20;
    r.at_ms[MARK_END] = 9000;
    r.ended_by = ENDED_BY_CALLEE;
    return r;
}

static struct call_record answered(void)
{
    struct call_record r;

    call_record_init(&r);
    r.at_ms[MARK_FIRST_1XX] = 20;
    r.at_ms[MARK_RINGING] = 30;
    r.at_ms[MARK_ANSWERED] = 4000;
    r.at_ms[MARK_END] = 20000;
    r.ended_by = ENDED_BY_US;
    return r;
}

static void heard(struct call_record *r, bool early, enum dsp_kind kind, uint8_t detail)
{
    struct evidence e = {.kind = EVIDENCE_HEARD, .code = (uint16_t)kind, .detail = detail};

    e.early = early;
    call_record_add(r, &e);
}

static void verdict(struct call_record *r, enum dsp_verdict v)
{
    struct evidence e = {.kind = EVIDENCE_VERDICT, .code = (uint16_t)v};

    call_record_add(r, &e);
}

static void rtp(struct call_record *r)
{
    r->at_ms[MARK_FIRST_RTP] = 4010;
}

#define expect_result(r, want)                                                                     \
    cr_expect_eq(result_decide(r), want, "got %s, wanted %s", result_name(result_decide(r)),       \
                 result_name(want))

/* A known recording says more than tones, a generic code or how it sounds; a Reason says most. */
Test(result, a_known_recording_decides)
{
    struct call_record r = unanswered(480, 0);

    heard(&r, true, DSP_SIT, SIT_NC_INTRA);
    heard(&r, true, DSP_SPEECH_START, 0);
    heard(&r, true, DSP_KNOWN, RESULT_VACANT);
    expect_result(&r, RESULT_VACANT);
    r.cancelled = true;
    r.sip_code = 487;
    expect_result(&r, RESULT_VACANT);
    r.q850 = 20;
    expect_result(&r, RESULT_UNREACHABLE);

    r = unanswered(404, 0);
    heard(&r, true, DSP_KNOWN, RESULT_UNREACHABLE);
    expect_result(&r, RESULT_VACANT);

    r = answered();
    rtp(&r);
    heard(&r, true, DSP_KNOWN, RESULT_BUSY); /* before the answer: the network's */
    verdict(&r, VERDICT_MACHINE);
    expect_result(&r, RESULT_MACHINE);
    heard(&r, false, DSP_KNOWN, RESULT_UNREACHABLE);
    expect_result(&r, RESULT_UNREACHABLE);
}

Test(result, names_round_trip)
{
    for (int i = 0; i < RESULT_COUNT; i++) {
        enum result r = RESULT_COUNT;

        cr_expect_eq(result_parse(slice_cstr(result_name((enum result)i)), &r), OK);
        cr_expect_eq((int)r, i);
        if (i != RESULT_NONE)
            cr_expect_not_null(strstr(result_names(), result_name((enum result)i)));
    }
    enum result r;
    cr_expect_eq(result_parse(SLICE("humans"), &r), ERR_NOT_FOUND);
    cr_expect_str_eq(result_name((enum result)999), "unknown");
}

Test(result, sip_codes)
{
    static const struct {
        uint16_t code;
        enum result want;
    } rows[] = {
        {404, RESULT_VACANT},     {484, RESULT_VACANT},      {604, RESULT_VACANT},
        {410, RESULT_CHANGED},    {302, RESULT_CHANGED},     {486, RESULT_BUSY},
        {600, RESULT_BUSY},       {502, RESULT_UNREACHABLE}, {403, RESULT_REJECTED},
        {603, RESULT_REJECTED},   {607, RESULT_REJECTED},    {608, RESULT_REJECTED},
        {500, RESULT_CONGESTION}, {503, RESULT_CONGESTION},  {504, RESULT_CONGESTION},
        {400, RESULT_OUR_FAULT},  {401, RESULT_OUR_FAULT},   {407, RESULT_OUR_FAULT},
        {415, RESULT_OUR_FAULT},  {420, RESULT_OUR_FAULT},   {488, RESULT_OUR_FAULT},
        {501, RESULT_OUR_FAULT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call_record r = unanswered(rows[i].code, 0);

        cr_expect_eq(result_decide(&r), rows[i].want, "%u gave %s", rows[i].code,
                     result_name(result_decide(&r)));
    }
}

Test(result, reason_header_wins_over_the_sip_code)
{
    static const struct {
        uint16_t code, q850;
        enum result want;
    } rows[] = {
        {503, 1, RESULT_VACANT},      {480, 17, RESULT_BUSY},        {503, 17, RESULT_BUSY},
        {480, 18, RESULT_NO_ANSWER},  {480, 20, RESULT_UNREACHABLE}, {404, 21, RESULT_REJECTED},
        {404, 34, RESULT_CONGESTION}, {480, 22, RESULT_CHANGED},     {480, 27, RESULT_UNREACHABLE},
        {503, 88, RESULT_OUR_FAULT},  {486, 16, RESULT_BUSY},        {404, 31, RESULT_VACANT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call_record r = unanswered(rows[i].code, rows[i].q850);

        cr_expect_eq(result_decide(&r), rows[i].want, "%u/%u gave %s", rows[i].code, rows[i].q850,
                     result_name(result_decide(&r)));
    }
}

Test(result, code_480_by_cause_then_sound_then_time)
{
    struct call_record r = unanswered(480, 0);

    r.at_ms[MARK_END] = 1500;
    expect_result(&r, RESULT_UNREACHABLE);
    r.at_ms[MARK_RINGING] = 300;
    expect_result(&r, RESULT_NO_ANSWER);
    heard(&r, true, DSP_BUSY, 0);
    expect_result(&r, RESULT_BUSY);
    r.q850 = 20;
    expect_result(&r, RESULT_UNREACHABLE);
}

Test(result, own_cancel_is_judged_by_the_ringing)
{
    struct call_record r = unanswered(487, 0);

    r.cancelled = true;
    expect_result(&r, RESULT_SILENT_LINE);
    heard(&r, true, DSP_RINGBACK, 0);
    expect_result(&r, RESULT_NO_ANSWER);

    r = unanswered(487, 0);
    r.cancelled = true;
    r.at_ms[MARK_RINGING] = 200;
    expect_result(&r, RESULT_NO_ANSWER);

    r = unanswered(487, 0);
    r.cancelled = true;
    heard(&r, true, DSP_BUSY, 0);
    expect_result(&r, RESULT_BUSY);
    r = unanswered(487, 0);
    r.cancelled = true;
    heard(&r, true, DSP_SIT, SIT_VC);
    expect_result(&r, RESULT_VACANT);
}

Test(result, early_tones_explain_generic_codes_only)
{
    struct call_record r = unanswered(503, 0);

    heard(&r, true, DSP_SIT, SIT_IC);
    expect_result(&r, RESULT_VACANT);
    r = unanswered(404, 0);
    heard(&r, true, DSP_REORDER, 0);
    expect_result(&r, RESULT_VACANT);
    r = unanswered(480, 0);
    heard(&r, true, DSP_SIT, SIT_NC_INTER);
    expect_result(&r, RESULT_CONGESTION);
}

Test(result, a_trunk_that_never_speaks_charges_nobody)
{
    struct call_record r = unanswered(408, 0);

    r.at_ms[MARK_FIRST_1XX] = CALL_TIME_NONE;
    r.ended_by = ENDED_BY_NETWORK;
    expect_result(&r, RESULT_NO_TRUNK);
    cr_expect(!result_is_charged(result_decide(&r)));
    r.ended_by = ENDED_BY_US; /* we gave up first */
    r.cancelled = true;
    expect_result(&r, RESULT_NO_TRUNK);
    r.cancelled = false;
    r.ended_by = ENDED_BY_NETWORK;
    r.at_ms[MARK_FIRST_1XX] = 30; /* it spoke: now the code counts */
    expect_result(&r, RESULT_NO_ANSWER);
}

Test(result, answered_calls)
{
    struct call_record r = answered();

    rtp(&r);
    heard(&r, false, DSP_SPEECH_START, 0);
    verdict(&r, VERDICT_HUMAN);
    expect_result(&r, RESULT_HUMAN);

    r = answered();
    verdict(&r, VERDICT_MACHINE);
    expect_result(&r, RESULT_MACHINE);

    r = answered();
    rtp(&r);
    verdict(&r, VERDICT_SILENT);
    expect_result(&r, RESULT_HUMAN_SILENT);
    heard(&r, false, DSP_DEAD_AIR, 0);
    expect_result(&r, RESULT_DEAD_AIR);

    r = answered();
    verdict(&r, VERDICT_SILENT);
    expect_result(&r, RESULT_NO_MEDIA);

    r = answered();
    heard(&r, false, DSP_CED, 0);
    expect_result(&r, RESULT_FAX);

    r = answered();
    heard(&r, false, DSP_RINGBACK, 0);
    expect_result(&r, RESULT_FALSE_ANSWER);
    verdict(&r, VERDICT_HUMAN); /* picked up after the carrier's own 200 */
    expect_result(&r, RESULT_HUMAN);

    r = answered();
    rtp(&r);
    heard(&r, false, DSP_BEEP, 0);
    expect_result(&r, RESULT_MACHINE);
}

Test(result, what_was_heard_before_the_answer_does_not_judge_the_callee)
{
    struct call_record r = answered();

    heard(&r, true, DSP_RINGBACK, 0);
    rtp(&r);
    verdict(&r, VERDICT_HUMAN);
    expect_result(&r, RESULT_HUMAN);
    r = answered();
    heard(&r, true, DSP_BUSY, 0);
    verdict(&r, VERDICT_MACHINE);
    expect_result(&r, RESULT_MACHINE);
}

Test(result, hang_up_during_analysis)
{
    struct call_record r = answered();

    r.ended_by = ENDED_BY_CALLEE;
    r.at_ms[MARK_END] = 4300;
    expect_result(&r, RESULT_DROPPED);
    r.at_ms[MARK_END] = 6500;
    expect_result(&r, RESULT_HUNG_UP_EARLY);
    r.at_ms[MARK_END] = 4600;
    heard(&r, false, DSP_SPEECH_START, 0);
    expect_result(&r, RESULT_HUNG_UP_EARLY);
}

Test(result, charged_and_live)
{
    cr_expect(result_is_live(RESULT_HUMAN));
    cr_expect(!result_is_live(RESULT_MACHINE));
    cr_expect(result_is_charged(RESULT_BUSY));
    cr_expect(!result_is_charged(RESULT_OUR_FAULT));
    cr_expect(!result_is_charged(RESULT_DNC));
}

Test(record, evidence_is_bounded_and_counted)
{
    struct call_record r;
    struct evidence e = {.kind = EVIDENCE_HEARD};

    call_record_init(&r);
    for (int i = 0; i < CALL_EVIDENCE_MAX + 7; i++)
        call_record_add(&r, &e);
    cr_expect_eq(r.evidence_count, (uint32_t)CALL_EVIDENCE_MAX);
    cr_expect_eq(r.evidence_dropped, 7u);
}

Test(result, a_number_unobtainable_tone_is_a_vacant_number)
{
    struct call_record r = unanswered(480, 0);

    heard(&r, true, DSP_UNOBTAINABLE, 0);
    expect_result(&r, RESULT_VACANT);
    r = answered();
    heard(&r, false, DSP_UNOBTAINABLE, 0);
    verdict(&r, VERDICT_SILENT);
    expect_result(&r, RESULT_FALSE_ANSWER);
}

Test(result, fax_machines_and_modems_are_told_by_their_answer)
{
    static const struct {
        enum dsp_kind kind;
        uint8_t detail;
        enum result result;
    } rows[] = {{DSP_CED, ANSWER_ANS, RESULT_FAX},   {DSP_CED, ANSWER_ANS_PR, RESULT_MODEM},
                {DSP_CED, ANSWER_ANSAM, RESULT_FAX}, {DSP_CED, ANSWER_ANSAM_PR, RESULT_FAX},
                {DSP_PREAMBLE, 0, RESULT_FAX},       {DSP_MODEM, 0, RESULT_MODEM}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int early = 0; early < 2; early++) {
            struct call_record r = early ? unanswered(480, 0) : answered();

            heard(&r, early, rows[i].kind, rows[i].detail);
            expect_result(&r, rows[i].result);
        }
    struct call_record r = answered();
    heard(&r, false, DSP_CED, ANSWER_ANS_PR);
    heard(&r, false, DSP_PREAMBLE, 0);
    expect_result(&r, RESULT_FAX);
}

Test(result, rules_of_ones_own_stand_before_the_built_in_ones)
{
    struct result_rules rules = {0};

    rules.sip[603] = RESULT_CONGESTION;
    rules.sip[480] = RESULT_UNREACHABLE;
    rules.sip[499] = RESULT_BUSY; /* one that no built-in rule knows */
    rules.q850[21] = RESULT_BUSY;
    rules.sit[SIT_VC] = RESULT_CONGESTION;
    struct call_record r = unanswered(603, 0);
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_CONGESTION);
    heard(&r, true, DSP_BUSY, 0); /* what was heard still says more than this code */
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_BUSY);
    r = unanswered(480, 0);
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_UNREACHABLE);
    r = unanswered(499, 0);
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_BUSY);
    r = unanswered(603, 21);
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_BUSY, "the cause wins over the code");
    for (int early = 0; early < 2; early++) {
        r = early ? unanswered(480, 0) : answered();
        heard(&r, early, DSP_SIT, SIT_VC);
        cr_expect_eq(result_decide_by(&rules, &r), RESULT_CONGESTION);
        expect_result(&r, early ? RESULT_VACANT : RESULT_SIT);
    }
    r = unanswered(404, 0);
    cr_expect_eq(result_decide_by(&rules, &r), RESULT_VACANT, "others stay as they are");
    r = unanswered(65535, 65535);
    cr_expect_eq(result_decide_by(&rules, &r), result_decide(&r));
}
