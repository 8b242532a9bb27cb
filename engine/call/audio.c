/* A call's audio: its media leg pointed at the far end, what is played and heard on it. */
#include "call/internal.h"

#include <stdio.h>

#include "call/line_inner.h"
#include "dsp/prints.h"
#include "media/packets.h"

#define SAME_KEY_US 600000 /* a key held for 100 ms, told by two ways through a jitter buffer */

static enum media_codec codec_of(enum sdp_codec codec)
{
    switch (codec) {
    case SDP_CODEC_PCMA:
        return MEDIA_PCMA;
    case SDP_CODEC_G722:
        return MEDIA_G722;
    case SDP_CODEC_OPUS:
        return MEDIA_OPUS;
    case SDP_CODEC_L16:
        return MEDIA_L16_8;
    case SDP_CODEC_L16_WIDE:
        return MEDIA_L16_16;
    case SDP_CODEC_PCMU:
    case SDP_CODEC_RAW: /* opaque: nothing is decoded */
    case SDP_CODEC_NONE:
    case SDP_CODEC_COUNT:
        break;
    }
    return MEDIA_PCMU;
}

enum err call_point_leg(struct call *c, const struct sdp_negotiated *n)
{
    struct media_remote remote = {
        .codec = codec_of(n->codec),
        .opaque = n->codec == SDP_CODEC_RAW,
        .payload_type = n->pt_send,
        .receive_pt = n->pt_recv,
        .receive_event_pt = n->te_recv == SDP_PT_NONE ? LEG_NO_PAYLOAD_TYPE : n->te_recv,
        .event_khz = (uint8_t)(n->te_hz / 1000),
        .wishes = {.fec = n->opus.fec,
                   .dtx = n->opus.dtx,
                   .constant = n->opus.constant,
                   .playback_hz = n->opus.playback_hz,
                   .bits_per_s = n->opus.bits_per_s},
        .event_pt = n->te_send == SDP_PT_NONE ? LEG_NO_PAYLOAD_TYPE : n->te_send,
        .ptime_ms = (uint8_t)(n->ptime_ms > LEG_PTIME_MAX_MS ? LEG_PTIME_MAX_MS : n->ptime_ms),
        .direction = (uint8_t)n->dir, /* both count 1 as sending, 2 as receiving */
    };
    enum err e = addr_from_host(n->host, n->port, &remote.rtp);

    if (!c->leg || c->leg_closing)
        return ERR_STATE;
    if (e != OK)
        return e;
    if (n->rtcp_port && addr_from_host(n->rtcp_host, n->rtcp_port, &remote.rtcp) != OK)
        remote.rtcp = (struct addr){0};
    if (n->shared_port && addr_from_host(n->host, n->shared_port, &remote.shared) == OK)
        remote.shared_number = n->shared_number;
    if (n->is_held != c->held) {
        struct call_event out = {.kind = CALL_EV_HOLD, .on = n->is_held};

        c->held = n->is_held;
        if (c->state == CALL_STATE_UP)
            call_tell(c, &out);
    }
    e = call_secure_leg(c, n);
    if (e == OK)
        e = media_leg_set_remote(c->leg, &remote);
    if (e == OK) {
        c->remote_set = true;
        c->codec = n->codec;
        slice_copy(sdp_codec_name(n->codec), c->record.media.codec, sizeof(c->record.media.codec));
        c->remote = remote.rtp;
    }
    return e;
}

/* ---- what the leg tells ---- */

static void on_first_rtp(struct call *c, const struct media_event *e)
{
    struct call_event out = {.kind = CALL_EV_MEDIA};
    uint32_t at = call_ms(c, e->at_us);
    struct evidence evidence = {.kind = EVIDENCE_MEDIA, .confidence = 1};

    evidence.early = c->record.at_ms[MARK_ANSWERED] == CALL_TIME_NONE;
    evidence.start_ms = evidence.end_ms = at;
    c->rtp_seen = true;
    call_mark_once(c, evidence.early ? MARK_EARLY_MEDIA : MARK_FIRST_RTP, at);
    call_record_add(&c->record, &evidence);
    call_tell(c, &out);
}

static uint32_t since_invite(const struct call *c, uint32_t leg_ms)
{
    return call_ms(c, c->leg_start_us + (uint64_t)leg_ms * 1000);
}

static void mark_heard(struct call *c, const struct dsp_event *d, const struct evidence *e)
{
    if (e->early) {
        if (d->kind == DSP_RINGBACK)
            call_mark_once(c, MARK_RINGING, e->start_ms);
        return;
    }
    switch ((enum dsp_kind)d->kind) {
    case DSP_SPEECH_START:
        call_mark_once(c, MARK_SPEECH_ON, e->start_ms);
        break;
    case DSP_SPEECH_END:
        if (c->record.at_ms[MARK_VERDICT] == CALL_TIME_NONE)
            c->record.at_ms[MARK_GREETING_END] = e->end_ms;
        break;
    case DSP_VERDICT:
        call_mark_once(c, MARK_VERDICT, e->end_ms);
        break;
    case DSP_BEEP:
        c->record.beep_ms = e->end_ms;
        break;
    default:
        break;
    }
}

/* Silence is told again as it grows; one line of evidence a stretch is enough. */
static bool replaces_last(const struct call_record *r, const struct evidence *e)
{
    if (r->evidence_count == 0)
        return false;
    const struct evidence *last = &r->evidence[r->evidence_count - 1];
    return last->kind == e->kind && last->code == e->code && last->start_ms == e->start_ms &&
           last->early == e->early;
}

/* A known recording: its label decides, so it is kept in the evidence, and its id beside. */
static void note_known(struct call *c, struct evidence *e)
{
    const struct prints_info *info = prints_info_of(c->env->prints, e->freq_hz[0]);
    enum result label;

    if (!info)
        return;
    if (result_parse(slice_cstr(info->result), &label) != OK)
        label = RESULT_ANNOUNCEMENT;
    e->detail = (uint8_t)label;
    c->record.known_index = e->freq_hz[0];
    snprintf(c->record.known_id, sizeof(c->record.known_id), "%s", info->id);
}

static void on_heard(struct call *c, const struct dsp_event *d)
{
    uint32_t answered = c->record.at_ms[MARK_ANSWERED];
    struct evidence e = {
        .kind = d->kind == DSP_VERDICT ? EVIDENCE_VERDICT : EVIDENCE_HEARD,
        .code = d->kind == DSP_VERDICT ? d->detail : d->kind,
        .detail = d->detail,
        .freq_hz = {d->freq_hz[0], d->freq_hz[1]},
        .level_ddb = d->level_ddb,
        .confidence = d->confidence,
        .start_ms = since_invite(c, d->start_ms),
        .end_ms = since_invite(c, d->end_ms),
    };
    struct call_event out = {.kind = CALL_EV_HEARD, .heard = d};

    /* What began before the 200 and is told after it was the network's, not the callee's. A stretch
     * of silence counts by its end: it may have begun with the leg. */
    bool stretch = d->kind == DSP_SILENCE || d->kind == DSP_DEAD_AIR;
    e.early = answered == CALL_TIME_NONE || (stretch ? e.end_ms : e.start_ms) < answered;
    if (d->kind == DSP_VERDICT)
        e.early = false;
    if (d->kind == DSP_KNOWN && c->env->prints)
        note_known(c, &e);
    mark_heard(c, d, &e);
    if (replaces_last(&c->record, &e))
        c->record.evidence[c->record.evidence_count - 1] = e;
    else
        call_record_add(&c->record, &e);
    call_tell(c, &out);
}

static void take_quality(const struct leg_stats *s, struct call_media_stats *out)
{
    const struct quality_figures *q = &s->quality;

    out->mos_hundredths = q->mos_cq_hundredths;
    out->mos_is_wide = q->is_wide;
    out->burst_ms = q->burst_ms;
    out->gap_ms = q->gap_ms;
    out->burst_density = q->burst_density;
    out->rtp_discarded = q->discarded;
    if (s->has_far_xr) {
        out->far_mos_hundredths =
            s->far_xr.mos_cq <= 50 ? (uint16_t)(s->far_xr.mos_cq * 10) : 0; /* 127: unknown */
        out->far_loss_rate = s->far_xr.loss_rate;
    }
}

static void on_closed(struct call *c, const struct leg_stats *s)
{
    struct call_media_stats *out = &c->record.media;

    out->rtp_received = s->received;
    out->rtp_sent = s->sent;
    out->rtp_lost = s->lost;
    out->rtp_late = s->late;
    out->made_lost = s->made_lost;
    out->made_duplicate = s->made_duplicate;
    out->made_reordered = s->made_reordered;
    out->rtp_rejected = s->rejected;
    out->shared = s->shared;
    out->srtp_forged = s->forged;
    out->srtp_replayed = s->replayed;
    out->jitter_us = s->jitter_us;
    out->rtt_us = s->rtt_us;
    take_quality(s, out);
    c->leg = NULL;
    call_finish_if_gone(c);
}

void call_digit(struct call *c, char digit, bool by_info)
{
    struct call_event out = {.kind = CALL_EV_DTMF, .digit = digit};
    uint64_t now = clock_us(c->env->loop->clock);
    bool again = digit == c->last_digit && by_info != c->last_digit_by_info &&
                 now - c->last_digit_us < SAME_KEY_US;

    c->last_digit = again ? 0 : digit; /* the next press of the key is a new one, by either way */
    c->last_digit_by_info = by_info;
    c->last_digit_us = now;
    if (again)
        return;
    call_record_key(c, digit);
    call_tell(c, &out);
}

void call_on_media(void *arg, struct media_leg *leg, const struct media_event *e)
{
    struct call *c = arg;
    struct call_event out = {.err = e->err, .cookie = e->cookie, .seconds = e->seconds};

    (void)leg;
    switch (e->kind) {
    case MEDIA_EV_FIRST_RTP:
        on_first_rtp(c, e);
        break;
    case MEDIA_EV_HEARD:
        on_heard(c, &e->heard);
        break;
    case MEDIA_EV_DTMF:
        call_digit(c, e->digit, false);
        break;
    case MEDIA_EV_PLAYED:
        out.kind = CALL_EV_PLAYED;
        call_tell(c, &out);
        break;
    case MEDIA_EV_RECORDED:
        out.kind = CALL_EV_RECORDED;
        call_recorded(c, e);
        call_tell(c, &out);
        break;
    case MEDIA_EV_RTP_TIMEOUT: {
        struct evidence silent = {.kind = EVIDENCE_MEDIA, .confidence = 1};

        silent.code = c->rtp_seen ? 1 : 2;
        silent.start_ms = silent.end_ms = call_now_ms(c);
        call_record_add(&c->record, &silent);
        break;
    }
    case MEDIA_EV_BRIDGED:
        out.kind = CALL_EV_BRIDGED;
        call_tell(c, &out);
        break;
    case MEDIA_EV_KEY_WORN:
        call_rekey(c);
        break;
    case MEDIA_EV_CLOSED:
        on_closed(c, e->stats);
        break;
    }
}

/* ---- what the owner asks of it ---- */

static enum err usable(const struct call *c)
{
    return c->leg && !c->leg_closing ? OK : ERR_STATE;
}

enum err call_play(struct call *c, const struct sound *s, bool loop, uint32_t cookie)
{
    if (c->line)
        return line_play(c->line, sound_ms(s), loop, cookie);
    return usable(c) == OK ? media_leg_play(c->leg, s, loop, cookie) : ERR_STATE;
}

enum err call_play_tone(struct call *c, const struct call_tone *t, uint32_t cookie)
{
    struct media_tone tone = {
        .freq_hz = {t->freq_hz[0], t->freq_hz[1]},
        .level_ddb = t->level_ddb,
        .on_ms = t->on_ms,
        .off_ms = t->off_ms,
        .total_ms = t->total_ms,
    };

    if (c->line)
        return line_play(c->line, t->total_ms ? t->total_ms : t->on_ms + t->off_ms, false, cookie);
    return usable(c) == OK ? media_leg_tone(c->leg, &tone, cookie) : ERR_STATE;
}

enum err call_play_silence(struct call *c, uint32_t ms, uint32_t cookie)
{
    if (c->line)
        return line_play(c->line, ms, false, cookie);
    return usable(c) == OK ? media_leg_silence(c->leg, ms, cookie) : ERR_STATE;
}

enum err call_play_packets(struct call *c, const struct packets *p, uint32_t clock_hz,
                           uint32_t cookie)
{
    if (c->line)
        return line_play(c->line, packets_ms(p), false, cookie);
    return usable(c) == OK ? media_leg_play_packets(c->leg, p, clock_hz, cookie) : ERR_STATE;
}

enum err call_send_dtmf(struct call *c, struct slice digits, bool in_band, uint32_t on_ms,
                        uint32_t gap_ms, uint32_t cookie)
{
    if (c->line)
        return line_play(c->line, (uint32_t)digits.len * (on_ms + gap_ms), false, cookie);
    return usable(c) == OK ? media_leg_dtmf(c->leg, digits, in_band, on_ms, gap_ms, cookie)
                           : ERR_STATE;
}

void call_stop_audio(struct call *c)
{
    if (c->line)
        line_stop_playing(c->line);
    if (usable(c) == OK)
        media_leg_stop(c->leg);
}

void call_mute(struct call *c, bool on)
{
    if (usable(c) == OK)
        media_leg_mute(c->leg, on);
}

enum err call_impair(struct call *c, const struct media_impair *impair)
{
    return usable(c) == OK ? media_leg_impair(c->leg, impair) : ERR_STATE;
}

void call_hush(struct call *c, bool on)
{
    if (usable(c) == OK)
        media_leg_hush(c->leg, on);
}

void call_detect(struct call *c, enum dsp_phase phase)
{
    if (usable(c) == OK && c->detect)
        media_leg_phase(c->leg, phase);
}

void call_want_beep(struct call *c, bool wanted)
{
    if (usable(c) == OK && c->detect)
        media_leg_want_beep(c->leg, wanted);
}

enum err call_bridge(struct call *a, struct call *b)
{
    if (a->line && b->line)
        return a->line->up && b->line->up ? line_bridge(a->line, b->line) : ERR_STATE;
    if (usable(a) != OK || usable(b) != OK)
        return ERR_STATE;
    return media_bridge(a->leg, b->leg);
}

void call_unbridge(struct call *c)
{
    if (c->line)
        line_unbridge(c->line);
    if (usable(c) == OK)
        media_unbridge(c->leg);
}
