/* Attempts for the report's tests. */
#ifndef PEAL_TESTS_REPORT_ATTEMPT_H
#define PEAL_TESTS_REPORT_ATTEMPT_H

#include <stdio.h>

#include "call/record.h"
#include "dsp/dsp.h"

#define ATTEMPT_T0 UINT64_C(1774868400000)

static inline struct call_record attempt_make(uint32_t lead, uint32_t attempt, enum result result)
{
    struct call_record r;

    call_record_init(&r);
    snprintf(r.campaign, sizeof(r.campaign), "test");
    snprintf(r.lead, sizeof(r.lead), "lead-%u", lead);
    snprintf(r.number, sizeof(r.number), "+1202555%04u", 100 + lead % 100);
    snprintf(r.call_id, sizeof(r.call_id), "call-%u-%u@127.0.0.1", lead, attempt);
    snprintf(r.trunk, sizeof(r.trunk), "carrier");
    r.attempt = attempt;
    r.claimed_wall_ms = ATTEMPT_T0 + lead * 100;
    r.invite_wall_ms = r.claimed_wall_ms + 5;
    r.result = result;
    r.at_ms[MARK_FIRST_1XX] = 10;
    r.at_ms[MARK_END] = 1000;
    r.ended_by = ENDED_BY_NETWORK;
    call_record_add(
        &r, &(struct evidence){
                .kind = EVIDENCE_SIP, .code = 100, .start_ms = 10, .end_ms = 10, .early = true});
    return r;
}

static inline struct call_record attempt_human(uint32_t lead, uint32_t attempt, uint32_t wait_ms)
{
    struct call_record r = attempt_make(lead, attempt, RESULT_HUMAN);

    r.delivery = DELIVERY_CONNECTED;
    r.at_ms[MARK_RINGING] = 500;
    r.at_ms[MARK_ANSWERED] = 3000;
    r.at_ms[MARK_GREETING_END] = 4000;
    r.at_ms[MARK_VERDICT] = 4600;
    r.at_ms[MARK_CONNECT] = 4600;
    r.at_ms[MARK_AGENT_HEARD] = 4600 + wait_ms;
    r.at_ms[MARK_END] = 30000;
    r.answer_to_agent_ms = 1600 + wait_ms;
    r.ended_by = ENDED_BY_CALLEE;
    snprintf(r.agent, sizeof(r.agent), "agent-1");
    r.media.rtp_received = 1300;
    return r;
}

#endif
