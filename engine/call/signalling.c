/* What SIP tells a call: progress, answers, offers, its end; and the SDP that goes with them. */
#include "call/internal.h"

#include "base/log.h"

static enum sdp_srtp policy_of(enum call_srtp srtp)
{
    switch (srtp) {
    case CALL_SRTP_OFFERED:
        return SDP_SRTP_OFFERED;
    case CALL_SRTP_REQUIRED:
        return SDP_SRTP_REQUIRED;
    case CALL_SRTP_OFF:
        break;
    }
    return SDP_SRTP_OFF;
}

void call_sdp_init(struct call *c, enum call_srtp srtp)
{
    char host[ADDR_TEXT_MAX];
    const struct addr *told = places_told(&c->env->places, c->place);

    addr_format_host(told ? told : media_leg_local(c->leg), host, sizeof(host));
    /* Always of 19 digits: INVITEs of one length leave together (io/udp_send.h). */
    sdp_session_init(&c->sdp, slice_cstr(host), media_leg_port(c->leg),
                     rng_u64(&c->env->rng) >> 2 | UINT64_C(1) << 62);
    struct media_shared shared;

    if (!told && media_leg_shared(c->leg, &shared))
        sdp_session_shared(&c->sdp, shared.port, shared.number);
    sdp_session_codecs(&c->sdp, &c->env->codecs);
    srtp = call_srtp_here(c, srtp > c->env->srtp ? srtp : c->env->srtp);
    sdp_session_srtp(&c->sdp, policy_of(srtp));
    sdp_session_mki(&c->sdp, c->env->srtp_mki);
    sdp_session_lifetime(&c->sdp, c->env->srtp_lifetime);
}

enum err call_answer_offer(struct call *c, struct slice offer, char *text, struct slice *answer)
{
    struct buf b = buf_on(text, SDP_TEXT_MAX);
    struct sdp_negotiated n = {0};
    struct sdp parsed;
    enum err e = sdp_parse(offer, &parsed);

    if (e == OK && c->keys_refused) {
        call_note_refused_keys(c);
        e = ERR_REFUSED;
    }
    if (e == OK)
        e = sdp_answer(&c->sdp, &parsed, &b, &n);
    if (e == OK)
        e = call_point_leg(c, &n);
    sdp_negotiated_forget(&n);
    *answer = buf_slice(&b);
    return e;
}

static enum err apply_answer(struct call *c, struct slice text)
{
    struct sdp_negotiated n = {0};
    struct sdp parsed;
    enum err e = sdp_parse(text, &parsed);

    if (e == OK)
        e = sdp_apply_answer(&c->sdp, &parsed, &n);
    if (e == OK)
        e = call_point_leg(c, &n);
    sdp_negotiated_forget(&n);
    return e;
}

static void keep_code(struct call *c, uint16_t code, uint16_t q850)
{
    struct evidence e = {.kind = EVIDENCE_SIP, .code = code, .confidence = 1};
    const struct call_record *r = &c->record;

    e.early = r->at_ms[MARK_ANSWERED] == CALL_TIME_NONE;
    e.start_ms = e.end_ms = call_now_ms(c);
    for (uint32_t i = 0; i < r->evidence_count; i++)
        if (r->evidence[i].kind == EVIDENCE_SIP && r->evidence[i].code == code)
            code = 0;
    if (code)
        call_record_add(&c->record, &e);
    if (q850) {
        e.kind = EVIDENCE_Q850;
        e.code = q850;
        call_record_add(&c->record, &e);
    }
}

static void on_progress(struct call *c, const struct sip_event *e)
{
    struct call_event out = {.kind = CALL_EV_PROGRESS, .code = e->code};
    uint32_t now = call_now_ms(c);
    char text[SDP_TEXT_MAX];
    struct slice answer;

    call_mark_once(c, MARK_FIRST_1XX, now);
    if (e->code >= 180) {
        keep_code(c, e->code, e->q850);
        if (c->state == CALL_STATE_DIALLING)
            c->state = CALL_STATE_RINGING;
    }
    if (e->code == 180)
        call_mark_once(c, MARK_RINGING, now);
    if (e->sdp.len && e->sdp_is_offer) {
        if (call_answer_offer(c, e->sdp, text, &answer) == OK)
            sip_session_answer(c->session, answer);
        else
            sip_session_refuse(c->session, 488);
    } else if (e->sdp.len && apply_answer(c, e->sdp) == OK && c->detect) {
        media_leg_phase(c->leg, DSP_EARLY);
    }
    call_tell(c, &out);
}

/* The 200 of an outgoing call. False: its SDP is of no use and the call is being ended. */
static bool take_answer(struct call *c, const struct sip_event *e)
{
    char text[SDP_TEXT_MAX];
    struct slice answer;

    if (e->sdp.len && e->sdp_is_offer) {
        if (call_answer_offer(c, e->sdp, text, &answer) != OK) {
            sip_session_refuse(c->session, 488);
            return false;
        }
        sip_session_answer(c->session, answer);
        return true;
    }
    if (e->sdp.len)
        return apply_answer(c, e->sdp) == OK;
    return c->remote_set; /* it came with a reliable provisional */
}

static void on_answered(struct call *c, const struct sip_event *e)
{
    struct call_event out = {.kind = CALL_EV_ANSWERED, .code = e->code};
    uint32_t now = call_now_ms(c);

    loop_timer_stop(c->env->loop, &c->ring_timer);
    call_mark_once(c, MARK_FIRST_1XX, now);
    if (c->state == CALL_STATE_ENDING)
        return; /* hung up while the 200 was on its way: the session sends ACK and BYE */
    keep_code(c, e->code, 0);
    if (!take_answer(c, e)) {
        c->env->stats.answered_unusable++;
        c->record.sip_code = 488;
        call_hangup(c, 88);
        return;
    }
    c->record.sip_code = e->code;
    c->state = CALL_STATE_UP;
    call_mark_once(c, MARK_ANSWERED, now);
    if (c->rtp_seen) /* early media goes on as the answered audio */
        call_mark_once(c, MARK_FIRST_RTP, now);
    call_detect(c, DSP_ANSWERED);
    call_tell(c, &out);
}

static void on_confirmed(struct call *c, const struct sip_event *e)
{
    struct call_event out = {.kind = CALL_EV_ANSWERED};

    if (e->sdp.len && apply_answer(c, e->sdp) != OK) {
        c->env->stats.answered_unusable++;
        call_hangup(c, 88);
        return;
    }
    if (c->state >= CALL_STATE_UP)
        return;
    c->state = CALL_STATE_UP;
    call_mark_once(c, MARK_ANSWERED, call_now_ms(c));
    if (c->detect)
        media_leg_phase(c->leg, DSP_ANSWERED);
    call_tell(c, &out);
}

static void on_offer(struct call *c, const struct sip_event *e)
{
    char text[SDP_TEXT_MAX];
    struct buf b = buf_on(text, sizeof(text));
    struct slice answer;
    uint16_t refusal = call_refusal_now(c);
    enum err err;

    if (refusal) {
        sip_session_refuse(c->session, refusal);
        return;
    }
    if (e->wants_offer) {
        err = sdp_write_offer(&c->sdp, &b);
        answer = buf_slice(&b);
    } else {
        err = call_answer_offer(c, e->sdp, text, &answer);
    }
    if (err == OK) {
        sip_session_answer(c->session, answer);
    } else {
        c->env->stats.refused_media++;
        sip_session_refuse(c->session, 488);
    }
}

static enum call_ender ender_of(enum sip_ender by)
{
    switch (by) {
    case SIP_BY_US:
        return ENDED_BY_US;
    case SIP_BY_FAR_SIDE:
        return ENDED_BY_CALLEE;
    case SIP_BY_NETWORK:
        break;
    }
    return ENDED_BY_NETWORK;
}

static void on_ended(struct call *c, const struct sip_event *e)
{
    struct call_record *r = &c->record;

    call_mark_once(c, MARK_END, call_now_ms(c));
    if (r->ended_by == ENDED_BY_NOBODY)
        r->ended_by = ender_of(e->by);
    if (r->sip_code == 0)
        r->sip_code = e->code;
    if (r->q850 == 0)
        r->q850 = e->q850;
    slice_copy(slice_of(e->reason_phrase.p, e->reason_phrase.len < sizeof(r->sip_reason)
                                                ? e->reason_phrase.len
                                                : sizeof(r->sip_reason) - 1),
               r->sip_reason, sizeof(r->sip_reason));
    keep_code(c, e->code, e->q850);
    c->ended = (struct call_event){
        .kind = CALL_EV_ENDED, .code = e->code, .q850 = e->q850, .by = r->ended_by};
    if (c->session)
        sip_session_release(c->session);
    c->session = NULL;
    if (c->state != CALL_STATE_ENDED)
        c->state = CALL_STATE_ENDING;
    call_close_leg(c);
    call_finish_if_gone(c);
}

void call_on_sip(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct call *c = arg;

    (void)s;
    switch (e->kind) {
    case SIP_EV_PROGRESS:
        on_progress(c, e);
        break;
    case SIP_EV_ANSWERED:
        on_answered(c, e);
        break;
    case SIP_EV_CONFIRMED:
        on_confirmed(c, e);
        break;
    case SIP_EV_OFFER:
        on_offer(c, e);
        break;
    case SIP_EV_ANSWER:
        if (e->sdp.len && apply_answer(c, e->sdp) != OK)
            log_warn("call", "the far side's answer to our offer cannot be used", "call_id=%s",
                     c->record.call_id);
        call_hold_settled(c, true);
        break;
    case SIP_EV_OFFER_REFUSED:
        log_info("call", "the far side refused our offer", "call_id=%s code=%u", c->record.call_id,
                 e->code);
        call_hold_settled(c, false);
        break;
    case SIP_EV_DIGIT:
        call_digit(c, e->digit, true);
        break;
    case SIP_EV_REFER:
    case SIP_EV_REFER_ANSWERED:
    case SIP_EV_NOTIFIED:
        call_on_refer(c, e);
        break;
    case SIP_EV_ENDED:
        on_ended(c, e);
        break;
    }
}
