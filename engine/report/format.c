/* A call record as one line of JSON: readable names, times in milliseconds since the INVITE, what
 * did not happen left out. campaign, lead and attempt come first: record_line_key counts on it. */
#include "base/clock.h"
#include "base/json.h"
#include "dsp/dsp.h"
#include "report/records.h"
#include "report/store.h"

static void put_text(struct json *j, const char *name, const char *text)
{
    if (text[0])
        json_cstr(j, name, text);
}

static void put_time(struct json *j, const char *name, uint32_t ms)
{
    if (ms != CALL_TIME_NONE)
        json_u64(j, name, ms);
}

static void put_wall(struct json *j, const char *name, const char *name_ms, uint64_t wall_ms)
{
    char text[32];

    if (!wall_ms)
        return;
    clock_format_utc(wall_ms, text, sizeof(text));
    json_cstr(j, name, text);
    json_u64(j, name_ms, wall_ms);
}

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {"sip", "q850", "heard", "verdict", "media", "timer"};

    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

/* What the code of a piece of evidence means; NULL where the number itself is the fact. */
static const char *meaning(const struct evidence *e)
{
    static const char *const media[] = {"first_rtp", "rtp_stopped", "never_any"};
    static const char *const timer[] = {"ring", "analysis", "answer_delay"};

    switch (e->kind) {
    case EVIDENCE_HEARD:
        return dsp_kind_name((enum dsp_kind)e->code);
    case EVIDENCE_VERDICT:
        return dsp_verdict_name((enum dsp_verdict)e->code);
    case EVIDENCE_MEDIA:
        return e->code < 3 ? media[e->code] : "?";
    case EVIDENCE_TIMER:
        return e->code < 3 ? timer[e->code] : "?";
    default:
        return NULL;
    }
}

/* Which recording of the library, as it was called when the call was made. */
static void put_known(struct json *j, const struct call_record *r, const struct evidence *e)
{
    if (r->known_id[0] && r->known_index == e->freq_hz[0])
        json_cstr(j, "id", r->known_id);
    else
        json_u64(j, "recording", e->freq_hz[0]);
    json_cstr(j, "result", result_name((enum result)e->detail));
    json_u64(j, "offset_ms", e->freq_hz[1] * 10u);
}

static void put_detail(struct json *j, const struct call_record *r, const struct evidence *e)
{
    char digit[2] = {(char)e->detail, '\0'};

    if (e->kind == EVIDENCE_VERDICT && (e->freq_hz[0] || e->freq_hz[1])) {
        json_u64(j, "speech_ms", e->freq_hz[0]);
        json_u64(j, "silence_ms", e->freq_hz[1]);
    }
    if (e->kind != EVIDENCE_HEARD)
        return;
    if (e->code == DSP_SIT)
        json_cstr(j, "sit", dsp_sit_name((enum dsp_sit)e->detail));
    else if (e->code == DSP_CED)
        json_cstr(j, "answer", dsp_answer_name((enum dsp_answer)e->detail));
    else if (e->code == DSP_DTMF)
        json_cstr(j, "digit", digit);
    else if (e->code == DSP_VERDICT)
        json_cstr(j, "verdict", dsp_verdict_name((enum dsp_verdict)e->detail));
    else if (e->code == DSP_KNOWN)
        put_known(j, r, e);
    else if (e->code == DSP_CLIPPING || e->code == DSP_NOISE || e->code == DSP_ONE_WAY)
        json_cstr(j, "detail", dsp_detail_name((enum dsp_kind)e->code, e->detail));
    if (e->code == DSP_ECHO) {
        json_u64(j, "delay_ms", e->freq_hz[0]);
        json_u64(j, "down_db", e->freq_hz[1]);
        return;
    }
    if (e->freq_hz[0] && e->code != DSP_KNOWN) {
        json_begin_array(j, "hz");
        json_u64(j, NULL, e->freq_hz[0]);
        if (e->freq_hz[1])
            json_u64(j, NULL, e->freq_hz[1]);
        json_end(j);
    }
    if (e->level_ddb)
        json_num(j, "dbm0", e->level_ddb / 10.0);
}

static void put_evidence(struct json *j, const struct call_record *r, const struct evidence *e)
{
    const char *what = meaning(e);

    json_begin_object(j, NULL);
    json_cstr(j, "kind", kind_name(e->kind));
    if (what)
        json_cstr(j, "what", what);
    else
        json_u64(j, "code", e->code);
    put_time(j, "at", e->start_ms);
    if (e->end_ms != e->start_ms)
        put_time(j, "until", e->end_ms);
    put_detail(j, r, e);
    if (e->confidence > 0)
        json_num(j, "confidence", (double)(int)(e->confidence * 1000 + 0.5f) / 1000.0);
    if (e->early)
        json_bool(j, "early", true);
    json_end(j);
}

/* Estimated by the E-model, never measured: hence the name. */
static void put_quality(struct json *j, const struct call_media_stats *m)
{
    if (m->mos_hundredths) {
        json_num(j, "mos_estimated", m->mos_hundredths / 100.0);
        json_cstr(j, "mos_scale", m->mos_is_wide ? "wideband" : "narrowband");
    }
    if (m->rtp_discarded)
        json_u64(j, "discarded", m->rtp_discarded);
    if (m->burst_ms) {
        json_u64(j, "burst_ms", m->burst_ms);
        json_num(j, "burst_density", (double)(m->burst_density * 1000 / 256) / 1000.0);
        json_u64(j, "gap_ms", m->gap_ms);
    }
    if (m->far_mos_hundredths)
        json_num(j, "far_mos_estimated", m->far_mos_hundredths / 100.0);
    if (m->far_loss_rate)
        json_num(j, "far_loss", (double)(m->far_loss_rate * 1000 / 256) / 1000.0);
}

static void put_media(struct json *j, const struct call_media_stats *m)
{
    json_begin_object(j, "media");
    json_u64(j, "received", m->rtp_received);
    json_u64(j, "sent", m->rtp_sent);
    json_u64(j, "lost", m->rtp_lost);
    json_u64(j, "late", m->rtp_late);
    json_u64(j, "rejected", m->rtp_rejected);
    if (m->shared)
        json_bool(j, "shared", true);
    put_text(j, "codec", m->codec);
    put_text(j, "srtp", m->srtp);
    if (m->srtp_forged)
        json_u64(j, "srtp_forged", m->srtp_forged);
    if (m->srtp_replayed)
        json_u64(j, "srtp_replayed", m->srtp_replayed);
    if (m->jitter_us)
        json_u64(j, "jitter_us", m->jitter_us);
    if (m->rtt_us)
        json_u64(j, "rtt_us", m->rtt_us);
    put_quality(j, m);
    json_end(j);
}

static void put_who(struct json *j, const struct call_record *r)
{
    json_cstr(j, "campaign", r->campaign);
    json_cstr(j, "lead", r->lead);
    json_u64(j, "attempt", r->attempt);
    json_cstr(j, "number", r->number);
    put_text(j, "number_kind", r->number_kind);
    if (r->number_place)
        json_u64(j, "number_place", r->number_place);
    json_cstr(j, "call_id", r->call_id);
    put_text(j, "caller_id", r->caller_id);
    put_text(j, "trunk", r->trunk);
    put_text(j, "agent", r->agent);
    put_text(j, "group", r->group);
    json_cstr(j, "result", result_name(r->result));
    json_cstr(j, "delivery", delivery_name(r->delivery));
    put_text(j, "outcome", r->outcome);
    put_text(j, "mark", r->mark);
    put_text(j, "comment", r->comment);
    if (r->confidence > 0)
        json_num(j, "confidence", (double)(int)(r->confidence * 1000 + 0.5f) / 1000.0);
    if (r->score > 0)
        json_num(j, "score", (double)(int)(r->score * 1000 + 0.5f) / 1000.0);
}

static void put_outcome(struct json *j, const struct call_record *r)
{
    if (r->sip_code)
        json_u64(j, "sip_code", r->sip_code);
    put_text(j, "sip_reason", r->sip_reason);
    if (r->q850)
        json_u64(j, "q850", r->q850);
    if (r->ended_by != ENDED_BY_NOBODY)
        json_cstr(j, "ended_by", call_ender_name(r->ended_by));
    json_bool(j, "cancelled", r->cancelled);
    put_time(j, "answer_to_agent_ms", r->answer_to_agent_ms);
    json_bool(j, "abandoned", r->abandoned_strict);
    if (r->by_flow)
        json_bool(j, "by_flow", true);
    if (r->beep_ms)
        json_u64(j, "beep_ms", r->beep_ms);
    put_text(j, "recording", r->recording);
    put_text(j, "recording_error", r->recording_error);
    if (r->recording_lost_bytes)
        json_u64(j, "recording_lost_bytes", r->recording_lost_bytes);
}

enum err records_format(const struct call_record *r, char *dst, size_t cap, size_t *len)
{
    struct buf b = buf_on(dst, cap);
    struct json j;
    uint32_t count = r->evidence_count < CALL_EVIDENCE_MAX ? r->evidence_count : CALL_EVIDENCE_MAX;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    put_who(&j, r);
    put_wall(&j, "claimed", "claimed_ms", r->claimed_wall_ms);
    put_wall(&j, "invite", "invite_ms", r->invite_wall_ms);
    json_begin_object(&j, "times");
    for (int m = 0; m < MARK_COUNT; m++)
        put_time(&j, call_mark_name((enum call_mark)m), r->at_ms[m]);
    json_end(&j);
    put_outcome(&j, r);
    put_media(&j, &r->media);
    json_begin_array(&j, "evidence");
    for (uint32_t i = 0; i < count; i++)
        put_evidence(&j, r, &r->evidence[i]);
    json_end(&j);
    if (r->evidence_dropped)
        json_u64(&j, "evidence_dropped", r->evidence_dropped);
    json_end(&j);
    *len = b.len;
    return buf_end(&b);
}

/* The text of the JSON string at the head of *s, escapes kept; *s moves past its closing quote. */
static bool take_string(struct slice *s, struct slice *out)
{
    for (uint32_t i = 0; i < s->len; i++) {
        if (s->p[i] == '\\') {
            i++;
        } else if (s->p[i] == '"') {
            *out = slice_of(s->p, i);
            *s = slice_from(*s, i + 1);
            return true;
        }
    }
    return false;
}

static bool take_literal(struct slice *s, struct slice literal)
{
    if (!slice_starts(*s, literal))
        return false;
    *s = slice_from(*s, literal.len);
    return true;
}

bool record_line_key(struct slice line, struct slice *campaign, struct slice *lead,
                     uint32_t *attempt)
{
    struct slice rest = line, number, tail;

    if (!take_literal(&rest, SLICE("{\"campaign\":\"")) || !take_string(&rest, campaign) ||
        !take_literal(&rest, SLICE(",\"lead\":\"")) || !take_string(&rest, lead) ||
        !take_literal(&rest, SLICE(",\"attempt\":")))
        return false;
    slice_cut(rest, ',', &number, &tail);
    return line.p[line.len - 1] == '}' && slice_u32(number, attempt) == OK;
}
