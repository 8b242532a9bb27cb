/* The record of a call attempt: names and the bounded list of evidence. */
#include "call/record.h"

#include <string.h>

static const char *const mark_names[MARK_COUNT] = {
    [MARK_FIRST_1XX] = "first_1xx",
    [MARK_RINGING] = "ringing",
    [MARK_EARLY_MEDIA] = "early_media",
    [MARK_ANSWERED] = "answered",
    [MARK_FIRST_RTP] = "first_rtp",
    [MARK_SPEECH_ON] = "speech_on",
    [MARK_GREETING_END] = "greeting_end",
    [MARK_VERDICT] = "verdict",
    [MARK_CONNECT] = "connect",
    [MARK_AGENT_HEARD] = "agent_heard",
    [MARK_END] = "end",
};

const char *call_mark_name(enum call_mark m)
{
    return m < MARK_COUNT ? mark_names[m] : "unknown";
}

const char *call_ender_name(enum call_ender e)
{
    switch (e) {
    case ENDED_BY_US:
        return "us";
    case ENDED_BY_CALLEE:
        return "callee";
    case ENDED_BY_NETWORK:
        return "network";
    case ENDED_BY_NOBODY:
        break;
    }
    return "nobody";
}

void call_record_init(struct call_record *r)
{
    memset(r, 0, sizeof(*r));
    for (unsigned i = 0; i < MARK_COUNT; i++)
        r->at_ms[i] = CALL_TIME_NONE;
    r->answer_to_agent_ms = CALL_TIME_NONE;
}

void call_record_add(struct call_record *r, const struct evidence *e)
{
    if (r->evidence_count == CALL_EVIDENCE_MAX) {
        r->evidence_dropped++;
        return;
    }
    r->evidence[r->evidence_count++] = *e;
}
