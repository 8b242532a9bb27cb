/* One call's own doing: dialling, answering, hanging up, and what can be asked of it. What the far
 * side does to it is in signalling.c (SIP) and audio.c (media). */
#include "call/internal.h"
#include "call/line_inner.h"

#include <stdio.h>

#include "base/log.h"
#include "sip/uri.h"

#define SIP_PORT             5060
#define SIPS_PORT            5061
#define RING_TIMEOUT_MAX_MS  180000 /* RFC 3261 16.6 item 11, timer C */
#define Q850_NORMAL_CLEARING 16

uint32_t call_ms(const struct call *c, uint64_t us)
{
    return us > c->start_us ? (uint32_t)((us - c->start_us) / 1000) : 0;
}

uint32_t call_now_ms(const struct call *c)
{
    return call_ms(c, clock_us(c->env->loop->clock));
}

void call_mark_once(struct call *c, enum call_mark m, uint32_t at_ms)
{
    if (c->record.at_ms[m] == CALL_TIME_NONE)
        c->record.at_ms[m] = at_ms;
    call_record_marks(c);
}

void call_tell(struct call *c, const struct call_event *e)
{
    if (c->handler && !c->released)
        c->handler(c->arg, c, e);
}

void call_close_leg(struct call *c)
{
    if (!c->leg || c->leg_closing)
        return;
    c->leg_closing = true;
    media_unbridge(c->leg);
    media_leg_close(c->leg);
}

/* ---- dialling ---- */

static void on_ring_limit(struct timer *t)
{
    struct call *c = container_of(t, struct call, ring_timer);
    struct evidence e = {.kind = EVIDENCE_TIMER, .early = true};

    e.start_ms = e.end_ms = call_now_ms(c);
    e.confidence = 1;
    call_record_add(&c->record, &e);
    call_hangup(c, 0);
}

/* Where the INVITE goes, and over what. */
static enum err find_path(const struct call_dial *dial, struct sip_path *out)
{
    struct slice transport = SLICE_NONE;
    struct sip_uri uri;
    enum err e = sip_uri_parse(slice_cstr(dial->to_uri), &uri);

    if (e == OK && !dial->tcp && !dial->tls)
        sip_uri_param(&uri, SLICE("transport"), &transport);
    out->sips = e == OK && uri.scheme == SIP_SCHEME_SIPS;
    out->tls = dial->tls || out->sips || slice_ieq(transport, SLICE("tls"));
    out->tcp = dial->tcp || out->tls || slice_ieq(transport, SLICE("tcp"));
    out->addr = dial->via;
    out->home = dial->place;
    if (addr_is_set(&dial->via))
        return OK;
    if (e != OK)
        return e;
    return addr_from_host(uri.host,
                          uri.port   ? uri.port
                          : out->tls ? SIPS_PORT
                                     : SIP_PORT,
                          &out->addr);
}

static enum err send_invite(struct call *c, const struct call_dial *dial, const struct sip_path *to)
{
    char from[320], text[SDP_TEXT_MAX];
    struct buf from_buf = buf_on(from, sizeof(from) - 1), sdp = buf_on(text, sizeof(text));
    struct sip_invite invite = {
        .request_uri = dial->to_uri,
        .from_uri = from,
        .from_display = dial->from_display,
        .contact_user = CALL_CONTACT_USER,
        .asserted = dial->asserted,
        .headers = dial->headers,
        .call_id = dial->call_id,
        .auth_user = dial->auth_user,
        .auth_password = dial->auth_password,
        .nat = call_nat_policy(dial->nat),
        .keep_alive_ms = dial->keep_alive_ms,
        .redirects = dial->redirects,
        .redirect_same_user = true,
    };
    enum err e = OK;

    invite.to = *to;

    buf_puts(&from_buf, "sip:");
    if (dial->from_user) {
        sip_user_write_escaped(&from_buf, slice_cstr(dial->from_user));
        buf_putc(&from_buf, '@');
    }
    buf_puts(&from_buf, dial->from_host ? dial->from_host : sip_ua_host(c->env->ua, to));
    from[from_buf.len] = '\0';
    if (e == OK)
        e = buf_end(&from_buf);
    if (e == OK && !dial->late_offer) {
        e = sdp_write_offer(&c->sdp, &sdp);
        invite.sdp = buf_slice(&sdp);
    }
    if (e == OK)
        e = sip_invite(c->env->ua, &invite, call_on_sip, c, &c->session);
    return e;
}

enum err call_dial(struct call_env *env, const struct call_dial *dial, call_handler_fn *handler,
                   void *arg, struct call **out)
{
    const struct dsp_plan *plan = dial->tone_plan ? dsp_plan_find(dial->tone_plan) : NULL;
    uint32_t limit_ms = dial->ring_timeout_ms;
    struct sip_path to = {0};
    struct call *c;
    enum err e;

    if (dial->tone_plan && !plan)
        return ERR_NOT_FOUND;
    if (!env->line) {
        e = find_path(dial, &to);
        if (e == OK && to.tls && !env->tls) {
            log_warn("call", "a call over TLS needs `tls`, which is not set up", "to=%s",
                     dial->to_uri);
            e = ERR_UNSUPPORTED;
        }
        if (e != OK)
            return e;
        to.home = sip_ua_home_for(env->ua, &to);
    }
    c = call_new(env, &(struct call_made){.outgoing = true,
                                          .detect = dial->detect,
                                          .plan = plan,
                                          .amd = dial->amd,
                                          .place = to.home,
                                          .tls = to.tls,
                                          .ports = dial->ports});
    if (!c)
        return ERR_FULL;
    if (!env->line && dial->srtp > env->srtp)
        call_sdp_init(c, dial->srtp);
    if (c->keys_refused) {
        log_warn(
            "call",
            "a call is not made: its audio must be encrypted, and its keys would go in clear (no "
            "TLS), which `clear_keys: refused` forbids",
            "to=%s", dial->to_uri);
        env->stats.clear_keys_refused++;
        c->released = true;
        call_close_leg(c);
        return ERR_REFUSED;
    }
    if (!env->line)
        call_choose_codecs(c, dial);
    c->state = CALL_STATE_DIALLING;
    c->start_us = clock_us(env->loop->clock);
    c->record.invite_wall_ms = clock_wall_ms(env->loop->clock);
    if (env->line)
        line_dialled(c, dial);
    e = dial->payload && !env->line ? call_set_payload(c, dial->payload) : OK;
    if (e == OK)
        e = env->line ? OK : send_invite(c, dial, &to);
    if (e != OK) {
        c->session = NULL;
        c->released = true;
        call_close_leg(c);
        return e;
    }
    env->stats.dialled++;
    c->handler = handler;
    c->arg = arg;
    if (c->session)
        slice_copy(sip_session_call_id(c->session), c->record.call_id, sizeof(c->record.call_id));
    if (limit_ms == 0 || limit_ms > RING_TIMEOUT_MAX_MS)
        limit_ms = RING_TIMEOUT_MAX_MS;
    loop_timer(env->loop, &c->ring_timer, limit_ms, on_ring_limit);
    *out = c;
    return OK;
}

void call_new_id(struct call_env *env, char *dst, size_t cap)
{
    unsigned long long high = rng_u64(&env->rng), low = rng_u64(&env->rng);

    snprintf(dst, cap, "%016llx%016llx", high, low);
}

void call_set_handler(struct call *c, call_handler_fn *handler, void *arg)
{
    c->handler = handler;
    c->arg = arg;
}

void call_release(struct call *c)
{
    if (c->state == CALL_STATE_ENDED) {
        call_free(c);
        return;
    }
    c->released = true;
    call_hangup(c, 0);
}

/* ---- answering ---- */

enum err call_ring(struct call *c, uint16_t code)
{
    enum err e = c->session && !c->outgoing ? OK : ERR_STATE;

    if (e == OK)
        e = sip_session_progress(c->session, code, SLICE_NONE, false);
    if (e == OK) {
        c->state = CALL_STATE_RINGING;
        call_mark_once(c, MARK_RINGING, call_now_ms(c));
    }
    return e;
}

/* Our SDP for a 183 or 200: the answer to the INVITE's offer, or an offer when there was none. */
static enum err own_sdp(struct call *c, char *text, struct slice *out)
{
    struct slice offer = sip_session_invite_sdp(c->session);
    struct buf b = buf_on(text, SDP_TEXT_MAX);
    enum err e;

    if (c->keys_refused && !offer.len) {
        call_note_refused_keys(c);
        return ERR_REFUSED;
    }

    if (offer.len)
        return call_answer_offer(c, offer, text, out);
    e = sdp_write_offer(&c->sdp, &b);
    *out = buf_slice(&b);
    return e;
}

static enum err refuse_media(struct call *c)
{
    c->env->stats.refused_media++;
    sip_session_reject(c->session, 488, NULL, 88, NULL);
    return ERR_UNSUPPORTED;
}

enum err call_progress(struct call *c)
{
    char text[SDP_TEXT_MAX];
    struct slice sdp;

    if (!c->session || c->outgoing || c->state > CALL_STATE_RINGING)
        return ERR_STATE;
    if (sip_session_invite_sdp(c->session).len == 0)
        return sip_session_progress(c->session, 183, SLICE_NONE, false);
    if (own_sdp(c, text, &sdp) != OK)
        return refuse_media(c);
    enum err e = sip_session_progress(c->session, 183, sdp, true);
    if (e == OK)
        c->state = CALL_STATE_RINGING;
    return e;
}

enum err call_answer(struct call *c)
{
    char text[SDP_TEXT_MAX];
    struct slice sdp;

    if (!c->session || c->outgoing || c->answer_sent)
        return ERR_STATE;
    if (own_sdp(c, text, &sdp) != OK)
        return refuse_media(c);
    enum err e = sip_session_accept(c->session, sdp);
    if (e == OK)
        c->answer_sent = true;
    return e;
}

enum err call_reject(struct call *c, uint16_t code, const char *reason, uint16_t q850)
{
    if (!c->session || c->outgoing || c->answer_sent)
        return ERR_STATE;
    enum err e = sip_session_reject(c->session, code, reason, q850, NULL);
    if (e == OK)
        c->state = CALL_STATE_ENDING;
    return e;
}

enum err call_reject_for_now(struct call *c, uint32_t retry_after_s, uint16_t q850)
{
    char header[40];

    if (!c->session || c->outgoing || c->answer_sent)
        return ERR_STATE;
    snprintf(header, sizeof(header), "Retry-After: %u\r\n", retry_after_s);
    enum err e = sip_session_reject(c->session, 503, NULL, q850, header);
    if (e == OK)
        c->state = CALL_STATE_ENDING;
    return e;
}

void call_hangup(struct call *c, uint16_t q850)
{
    if (c->state == CALL_STATE_ENDED)
        return;
    if (c->state != CALL_STATE_ENDING) {
        if (c->outgoing && c->state != CALL_STATE_UP)
            c->record.cancelled = true;
        c->state = CALL_STATE_ENDING;
        call_mark_once(c, MARK_END, call_now_ms(c));
        if (c->record.ended_by == ENDED_BY_NOBODY)
            c->record.ended_by = ENDED_BY_US;
        if (c->session)
            sip_session_end(c->session, q850 ? q850 : Q850_NORMAL_CLEARING, NULL);
        if (c->line)
            line_hung_up(c);
    }
    call_close_leg(c);
}

/* ---- looking ---- */

struct slice call_called_number(const struct call *c)
{
    return c->session ? sip_session_called_user(c->session) : SLICE_NONE;
}

struct slice call_caller_number(const struct call *c)
{
    return c->session ? sip_session_caller_user(c->session) : SLICE_NONE;
}

struct slice call_header(const struct call *c, const char *name)
{
    return c->session ? sip_session_header(c->session, name) : SLICE_NONE;
}

enum call_state call_state(const struct call *c)
{
    return c->state;
}

bool call_is_outgoing(const struct call *c)
{
    return c->outgoing;
}

struct call_env *call_env_of(const struct call *c)
{
    return c->env;
}

struct slice call_id(const struct call *c)
{
    return slice_cstr(c->record.call_id);
}

uint32_t call_age_ms(const struct call *c)
{
    return call_now_ms(c);
}

uint32_t call_mark_at(const struct call *c, enum call_mark m)
{
    return c->record.at_ms[m];
}

struct call_record *call_record_of(struct call *c)
{
    return &c->record;
}

void *call_arg(const struct call *c)
{
    return c->arg;
}
