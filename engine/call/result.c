/* From evidence to one label. Two tables (Q.850 causes, SIP codes) and two short orders of
 * precedence, one for calls that were answered and one for those that were not. */
#include "call/result.h"

#include "call/record.h"
#include "dsp/dsp.h"

/* A far end that answers and clears within this time said nothing to be judged. */
#define DROPPED_WITHIN_MS 1000
/* 480 this soon, without ringing, means that the network knew at once (RESULTS, 480). */
#define UNREACHABLE_WITHIN_MS 2000

static const char *const result_labels[RESULT_COUNT] = {
    [RESULT_NONE] = "none",
    [RESULT_DNC] = "dnc",
    [RESULT_OUT_OF_WINDOW] = "out_of_window",
    [RESULT_ATTEMPTS_SPENT] = "attempts_spent",
    [RESULT_INVALID_NUMBER] = "invalid_number",
    [RESULT_MISSING_NUMBER] = "missing_number",
    [RESULT_OWN_NUMBER] = "own_number",
    [RESULT_EXPIRED] = "expired",
    [RESULT_CANCELLED] = "cancelled",
    [RESULT_NO_TRUNK] = "no_trunk",
    [RESULT_VACANT] = "vacant",
    [RESULT_CHANGED] = "changed",
    [RESULT_BUSY] = "busy",
    [RESULT_NO_ANSWER] = "no_answer",
    [RESULT_UNREACHABLE] = "unreachable",
    [RESULT_REJECTED] = "rejected",
    [RESULT_CONGESTION] = "congestion",
    [RESULT_OUR_FAULT] = "our_fault",
    [RESULT_SILENT_LINE] = "silent_line",
    [RESULT_DROPPED] = "dropped",
    [RESULT_HUMAN] = "human",
    [RESULT_HUMAN_SILENT] = "human_silent",
    [RESULT_MACHINE] = "machine",
    [RESULT_MAILBOX_FULL] = "mailbox_full",
    [RESULT_IVR] = "ivr",
    [RESULT_SCREENER] = "screener",
    [RESULT_FAX] = "fax",
    [RESULT_MODEM] = "modem",
    [RESULT_ANNOUNCEMENT] = "announcement",
    [RESULT_SIT] = "sit",
    [RESULT_FALSE_ANSWER] = "false_answer",
    [RESULT_DEAD_AIR] = "dead_air",
    [RESULT_NO_MEDIA] = "no_media",
    [RESULT_HUNG_UP_EARLY] = "hung_up_early",
    [RESULT_UNKNOWN] = "unknown",
};

static const char *const delivery_labels[DELIVERY_COUNT] = {
    [DELIVERY_NONE] = "none",
    [DELIVERY_CONNECTED] = "connected",
    [DELIVERY_ABANDONED] = "abandoned",
    [DELIVERY_MESSAGE_PLAYED] = "message_played",
    [DELIVERY_CALLEE_LEFT] = "callee_left",
    [DELIVERY_AGENT_FAILED] = "agent_failed",
    [DELIVERY_MESSAGE_LEFT] = "message_left",
    [DELIVERY_FLOW] = "flow",
    [DELIVERY_TRANSFERRED] = "transferred",
};

const char *result_name(enum result r)
{
    return (unsigned)r < RESULT_COUNT ? result_labels[r] : "unknown";
}

const char *delivery_name(enum delivery d)
{
    return (unsigned)d < DELIVERY_COUNT ? delivery_labels[d] : "none";
}

enum err result_parse(struct slice name, enum result *out)
{
    for (unsigned i = 0; i < RESULT_COUNT; i++)
        if (slice_eq(name, slice_cstr(result_labels[i]))) {
            *out = (enum result)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

enum err delivery_parse(struct slice name, enum delivery *out)
{
    for (unsigned i = 0; i < DELIVERY_COUNT; i++)
        if (slice_eq(name, slice_cstr(delivery_labels[i]))) {
            *out = (enum delivery)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

const char *result_names(void)
{
    return "dnc, out_of_window, attempts_spent, invalid_number, missing_number, own_number, "
           "expired, cancelled, no_trunk, vacant, changed, busy, no_answer, unreachable, rejected, "
           "congestion, our_fault, silent_line, dropped, human, human_silent, machine, "
           "mailbox_full, ivr, screener, fax, modem, announcement, sit, false_answer, dead_air, "
           "no_media, hung_up_early, unknown";
}

bool result_is_charged(enum result r)
{
    return r > RESULT_NO_TRUNK && r != RESULT_OUR_FAULT;
}

bool result_is_live(enum result r)
{
    return r == RESULT_HUMAN || r == RESULT_HUMAN_SILENT;
}

struct code_rule {
    uint16_t code;
    uint8_t result; /* enum result */
    bool generic;   /* what was heard on the line says more than this code */
};

/* ITU-T Q.850 causes. 16 (normal clearing) and 31 (normal, unspecified) tell nothing. */
static const struct code_rule q850_rules[] = {
    {1, RESULT_VACANT, 0},       {2, RESULT_VACANT, 0},      {3, RESULT_VACANT, 0},
    {17, RESULT_BUSY, 0},        {18, RESULT_NO_ANSWER, 0},  {19, RESULT_NO_ANSWER, 0},
    {20, RESULT_UNREACHABLE, 0}, {21, RESULT_REJECTED, 0},   {22, RESULT_CHANGED, 0},
    {27, RESULT_UNREACHABLE, 0}, {28, RESULT_VACANT, 0},     {34, RESULT_CONGESTION, 0},
    {38, RESULT_CONGESTION, 0},  {41, RESULT_CONGESTION, 0}, {42, RESULT_CONGESTION, 0},
    {47, RESULT_CONGESTION, 0},  {58, RESULT_OUR_FAULT, 0},  {65, RESULT_OUR_FAULT, 0},
    {79, RESULT_OUR_FAULT, 0},   {88, RESULT_OUR_FAULT, 0},
};

static const struct code_rule sip_rules[] = {
    {404, RESULT_VACANT, 0},      {484, RESULT_VACANT, 0},     {604, RESULT_VACANT, 0},
    {410, RESULT_CHANGED, 0},     {486, RESULT_BUSY, 0},       {600, RESULT_BUSY, 0},
    {408, RESULT_NO_ANSWER, 1},   {480, RESULT_NO_ANSWER, 1},  {487, RESULT_NO_ANSWER, 1},
    {502, RESULT_UNREACHABLE, 1}, {403, RESULT_REJECTED, 1},   {603, RESULT_REJECTED, 1},
    {607, RESULT_REJECTED, 0},    {608, RESULT_REJECTED, 0},   {500, RESULT_CONGESTION, 1},
    {503, RESULT_CONGESTION, 1},  {504, RESULT_CONGESTION, 1}, {400, RESULT_OUR_FAULT, 0},
    {401, RESULT_OUR_FAULT, 0},   {407, RESULT_OUR_FAULT, 0},  {415, RESULT_OUR_FAULT, 0},
    {420, RESULT_OUR_FAULT, 0},   {488, RESULT_OUR_FAULT, 0},  {501, RESULT_OUR_FAULT, 0},
};

static const struct code_rule *rule_for(const struct code_rule *rules, size_t n, uint16_t code)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].code == code)
            return &rules[i];
    return NULL;
}

#define RULE(rules, code) rule_for(rules, sizeof(rules) / sizeof((rules)[0]), code)

/* The built-in rule, with another result where `other` has one; false: there is none. */
static bool pick(const struct code_rule *built_in, uint8_t other, struct code_rule *out)
{
    *out = built_in ? *built_in : (struct code_rule){0};
    if (other)
        out->result = other;
    return built_in || other;
}

static uint8_t other_sip(const struct result_rules *rules, uint16_t code)
{
    return rules && code < RESULT_SIP_MAX ? rules->sip[code] : 0;
}

static uint8_t other_q850(const struct result_rules *rules, uint16_t code)
{
    return rules && code < RESULT_Q850_MAX ? rules->q850[code] : 0;
}

/* What the detectors heard, as a set. */
struct heard {
    bool ringback, busy, reorder, unobtainable, fax, modem, beep, speech, dead_air;
    uint8_t sit;
    enum result known; /* label of the last known recording, RESULT_NONE: none */
    enum dsp_verdict verdict;
};

static void heard_add(struct heard *h, const struct evidence *e)
{
    if (e->kind == EVIDENCE_VERDICT)
        h->verdict = (enum dsp_verdict)e->code;
    if (e->kind != EVIDENCE_HEARD)
        return;
    switch ((enum dsp_kind)e->code) {
    case DSP_RINGBACK:
        h->ringback = true;
        break;
    case DSP_BUSY:
        h->busy = true;
        break;
    case DSP_REORDER:
        h->reorder = true;
        break;
    case DSP_UNOBTAINABLE:
        h->unobtainable = true;
        break;
    case DSP_SIT:
        h->sit = e->detail;
        break;
    case DSP_CNG:
    case DSP_PREAMBLE:
        h->fax = true;
        break;
    case DSP_CED: /* with V.8's modulation it may be either; fax machines are the more by far */
        h->fax = h->fax || e->detail != ANSWER_ANS_PR;
        h->modem = h->modem || e->detail == ANSWER_ANS_PR;
        break;
    case DSP_MODEM:
        h->modem = true;
        break;
    case DSP_BEEP:
        h->beep = true;
        break;
    case DSP_SPEECH_START:
    case DSP_SPEECH_END:
        h->speech = true;
        break;
    case DSP_DEAD_AIR:
        h->dead_air = true;
        break;
    case DSP_KNOWN:
        h->known = e->detail < RESULT_COUNT ? (enum result)e->detail : RESULT_ANNOUNCEMENT;
        break;
    default:
        break;
    }
}

static struct heard heard_of(const struct call_record *r, bool early)
{
    struct heard h = {0};

    for (uint32_t i = 0; i < r->evidence_count; i++)
        if (r->evidence[i].early == early)
            heard_add(&h, &r->evidence[i]);
    return h;
}

/* Before the answer its category says what is meant; after it, only rules of one's own do. */
static enum result sit_result(const struct result_rules *rules, uint8_t category, bool early)
{
    if (rules && category < RESULT_SIT_MAX && rules->sit[category])
        return (enum result)rules->sit[category];
    if (!early)
        return RESULT_SIT;
    switch ((enum dsp_sit)category) {
    case SIT_IC:
    case SIT_VC:
        return RESULT_VACANT;
    case SIT_RO_INTRA:
    case SIT_RO_INTER:
    case SIT_NC_INTRA:
    case SIT_NC_INTER:
        return RESULT_CONGESTION;
    default:
        return RESULT_SIT;
    }
}

/* RESULT_NONE: the line said nothing that decides. */
static enum result early_audio_result(const struct result_rules *rules, const struct heard *h)
{
    if (h->known != RESULT_NONE)
        return h->known;
    if (h->sit)
        return sit_result(rules, h->sit, true);
    if (h->busy)
        return RESULT_BUSY;
    if (h->reorder)
        return RESULT_CONGESTION;
    if (h->unobtainable)
        return RESULT_VACANT;
    if (h->fax || h->modem)
        return h->fax ? RESULT_FAX : RESULT_MODEM;
    return RESULT_NONE;
}

static bool rang(const struct call_record *r, const struct heard *h)
{
    return r->at_ms[MARK_RINGING] != CALL_TIME_NONE || h->ringback;
}

/* We gave up, or the far side only said "not now": ringing tells an absent person from a dead line.
 */
static enum result unanswered_by_ring(const struct call_record *r, const struct heard *h)
{
    if (rang(r, h))
        return RESULT_NO_ANSWER;
    if (h->speech)
        return RESULT_ANNOUNCEMENT;
    return RESULT_SILENT_LINE;
}

static enum result decide_480(const struct call_record *r, const struct heard *h)
{
    if (h->speech)
        return RESULT_ANNOUNCEMENT;
    if (!rang(r, h) && r->at_ms[MARK_END] != CALL_TIME_NONE &&
        r->at_ms[MARK_END] <= UNREACHABLE_WITHIN_MS)
        return RESULT_UNREACHABLE;
    return RESULT_NO_ANSWER;
}

/* Nothing at all came back: the trunk is down, and nobody was dialled. */
static bool trunk_silent(const struct call_record *r)
{
    return r->at_ms[MARK_FIRST_1XX] == CALL_TIME_NONE &&
           (r->ended_by == ENDED_BY_NETWORK || r->cancelled);
}

static enum result decide_unanswered(const struct result_rules *rules, const struct call_record *r)
{
    struct heard h = heard_of(r, true);
    enum result audio = early_audio_result(rules, &h);
    uint8_t other = other_sip(rules, r->sip_code);
    struct code_rule rule;

    if (pick(RULE(q850_rules, r->q850), other_q850(rules, r->q850), &rule))
        return (enum result)rule.result;
    if (trunk_silent(r))
        return RESULT_NO_TRUNK;
    bool known = pick(RULE(sip_rules, r->sip_code), other, &rule);
    if (audio != RESULT_NONE && (!known || rule.generic))
        return audio;
    if (r->cancelled)
        return unanswered_by_ring(r, &h);
    if (r->sip_code == 480 && !other)
        return decide_480(r, &h);
    if (known)
        return (enum result)rule.result;
    if (r->sip_code >= 300 && r->sip_code < 400)
        return RESULT_CHANGED;
    if (r->sip_code >= 500 && r->sip_code < 600)
        return RESULT_CONGESTION;
    if (r->sip_code >= 400 && r->sip_code < 500)
        return RESULT_OUR_FAULT;
    return r->sip_code >= 600 ? RESULT_REJECTED : RESULT_DROPPED;
}

static enum result decide_silence(const struct call_record *r, const struct heard *h)
{
    if (r->at_ms[MARK_FIRST_RTP] == CALL_TIME_NONE)
        return RESULT_NO_MEDIA;
    return h->dead_air ? RESULT_DEAD_AIR : RESULT_HUMAN_SILENT;
}

static enum result decide_undecided(const struct call_record *r, const struct heard *h)
{
    uint32_t answered = r->at_ms[MARK_ANSWERED], end = r->at_ms[MARK_END];

    if (r->ended_by == ENDED_BY_CALLEE || r->ended_by == ENDED_BY_NETWORK) {
        if (!h->speech && end != CALL_TIME_NONE && end - answered < DROPPED_WITHIN_MS)
            return RESULT_DROPPED;
        return RESULT_HUNG_UP_EARLY;
    }
    return h->speech ? RESULT_UNKNOWN : decide_silence(r, h);
}

static enum result decide_answered(const struct result_rules *rules, const struct call_record *r)
{
    struct heard h = heard_of(r, false);

    /* The recording itself says more than the tones before it or how it sounds. */
    if (h.known != RESULT_NONE)
        return h.known;
    if (h.sit)
        return sit_result(rules, h.sit, false);
    if (h.fax || h.modem)
        return h.fax ? RESULT_FAX : RESULT_MODEM;
    /* Ringing or busy after the 200 is a carrier's false answer, unless a person came on after. */
    if ((h.ringback || h.busy || h.reorder || h.unobtainable) && h.verdict != VERDICT_HUMAN)
        return RESULT_FALSE_ANSWER;
    switch (h.verdict) {
    case VERDICT_HUMAN:
        return RESULT_HUMAN;
    case VERDICT_MACHINE:
        return RESULT_MACHINE;
    case VERDICT_SILENT:
        return h.beep ? RESULT_MACHINE : decide_silence(r, &h);
    case VERDICT_UNSURE:
        return h.beep ? RESULT_MACHINE : RESULT_UNKNOWN;
    default:
        break;
    }
    if (h.beep)
        return RESULT_MACHINE;
    return decide_undecided(r, &h);
}

enum result result_decide_by(const struct result_rules *rules, const struct call_record *r)
{
    if (r->at_ms[MARK_ANSWERED] != CALL_TIME_NONE)
        return decide_answered(rules, r);
    return decide_unanswered(rules, r);
}

enum result result_decide(const struct call_record *r)
{
    return result_decide_by(NULL, r);
}
