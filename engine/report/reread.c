/* From a stored row back to the record that was judged. Names are found by asking for the name of
 * each value, so they are those of records_format whatever it calls them. */
#include "base/buf.h"
#include "dsp/dsp.h"
#include "report/input.h"
#include "report/records.h"
#include "report/relabel.h"

static const char lost[] = "the engine was lost during the call";

static bool is(const struct input *object, const char *name, const char *word)
{
    const char *text = input_text(input_get(object, name));

    return text && strcmp(text, word) == 0;
}

/* -1: none has that name */
static int by_name(const char *text, int count, const char *(*name)(int))
{
    for (int i = 0; text && i < count; i++)
        if (strcmp(name(i), text) == 0)
            return i;
    return -1;
}

static const char *kind_at(int i)
{
    return dsp_kind_name((enum dsp_kind)i);
}

static const char *verdict_at(int i)
{
    return dsp_verdict_name((enum dsp_verdict)i);
}

static const char *sit_at(int i)
{
    return dsp_sit_name((enum dsp_sit)i);
}

static const char *answer_at(int i)
{
    return dsp_answer_name((enum dsp_answer)i);
}

static const char *text_at(const struct input *e, const char *name)
{
    return input_text(input_get(e, name));
}

static uint8_t known_result(const struct input *e, const struct relabel_rules *rules)
{
    const char *id = text_at(e, "id"), *label = text_at(e, "result");
    enum result r = RESULT_ANNOUNCEMENT;

    for (uint32_t i = 0; id && i < rules->known_count; i++)
        if (strcmp(rules->known[i].id, id) == 0)
            return (uint8_t)rules->known[i].result;
    if (!label || result_parse(slice_cstr(label), &r) != OK)
        r = RESULT_ANNOUNCEMENT;
    return (uint8_t)r;
}

static bool read_heard(const struct input *in, const struct relabel_rules *rules,
                       struct evidence *e)
{
    int code = by_name(text_at(in, "what"), DSP_KIND_COUNT, kind_at), detail = 0;

    if (code < 0)
        return false;
    e->kind = EVIDENCE_HEARD;
    e->code = (uint16_t)code;
    if (code == DSP_SIT)
        detail = by_name(text_at(in, "sit"), SIT_COUNT, sit_at);
    else if (code == DSP_CED)
        detail = by_name(text_at(in, "answer"), ANSWER_COUNT, answer_at);
    else if (code == DSP_KNOWN)
        detail = known_result(in, rules);
    e->detail = (uint8_t)(detail < 0 ? 0 : detail);
    return true;
}

/* False: of a kind on which no result rests (or of a newer Peal). */
static bool read_evidence(const struct input *in, const struct relabel_rules *rules,
                          struct evidence *e)
{
    *e = (struct evidence){.early = input_bool(input_get(in, "early"))};
    e->start_ms = e->end_ms = (uint32_t)input_u64(input_get(in, "at"));
    if (input_get(in, "until"))
        e->end_ms = (uint32_t)input_u64(input_get(in, "until"));
    if (is(in, "kind", "heard"))
        return read_heard(in, rules, e);
    if (is(in, "kind", "verdict")) {
        int verdict = by_name(text_at(in, "what"), VERDICT_COUNT, verdict_at);

        e->kind = EVIDENCE_VERDICT;
        e->code = (uint16_t)(verdict < 0 ? 0 : verdict);
        return verdict >= 0;
    }
    if (is(in, "kind", "timer") && is(in, "what", "analysis")) {
        e->kind = EVIDENCE_TIMER;
        e->code = 1;
        return true;
    }
    return false;
}

/* What ends the analysis of an answered call (dialer/attempt.c): later evidence came too late. */
static bool decides(const struct evidence *e)
{
    if (e->early)
        return false;
    if (e->kind != EVIDENCE_HEARD)
        return true;
    switch ((enum dsp_kind)e->code) {
    case DSP_CED:
    case DSP_CNG:
    case DSP_SIT:
    case DSP_BUSY:
    case DSP_REORDER:
    case DSP_MODEM:
    case DSP_PREAMBLE:
    case DSP_UNOBTAINABLE:
    case DSP_KNOWN:
        return true;
    default:
        return false;
    }
}

/* As it was when the analysis ended: the call went on, and nobody had ended it. */
static void cut(struct call_record *out, const struct evidence *last)
{
    uint32_t at =
        out->at_ms[MARK_VERDICT] != CALL_TIME_NONE ? out->at_ms[MARK_VERDICT] : last->end_ms;

    out->at_ms[MARK_END] = CALL_TIME_NONE;
    out->ended_by = ENDED_BY_NOBODY;
    if (out->at_ms[MARK_FIRST_RTP] != CALL_TIME_NONE && out->at_ms[MARK_FIRST_RTP] > at)
        out->at_ms[MARK_FIRST_RTP] = CALL_TIME_NONE;
}

static void read_all(const struct input *list, const struct relabel_rules *rules,
                     struct call_record *out)
{
    for (size_t i = 0; i < input_count(list); i++) {
        struct evidence e;

        if (!read_evidence(input_at(list, i), rules, &e))
            continue;
        call_record_add(out, &e);
        if (out->at_ms[MARK_ANSWERED] != CALL_TIME_NONE && decides(&e)) {
            cut(out, &e);
            return;
        }
    }
}

static bool was_decided(const struct history_row *row)
{
    if (row->kind == HISTORY_NOT_DIALLED && row->result != RESULT_NO_TRUNK)
        return false;
    if (slice_eq(row->sip_reason, slice_cstr(lost)))
        return false;
    /* On record, but no INVITE left: the engine said so, no evidence did. */
    return row->sip_code || row->at_ms[MARK_END] != CALL_TIME_NONE;
}

static enum call_ender ender_of(struct slice name)
{
    for (int e = ENDED_BY_US; e <= ENDED_BY_NETWORK; e++)
        if (slice_eq(name, slice_cstr(call_ender_name((enum call_ender)e))))
            return (enum call_ender)e;
    return ENDED_BY_NOBODY;
}

bool reread_record(const struct history_row *row, const struct relabel_rules *rules,
                   struct call_record *out)
{
    char text[RECORDS_LINE_MAX + 16];
    struct buf b = buf_on(text, sizeof(text));

    if (!was_decided(row))
        return false;
    call_record_init(out);
    memcpy(out->at_ms, row->at_ms, sizeof(out->at_ms));
    out->sip_code = (uint16_t)row->sip_code;
    out->q850 = (uint16_t)row->q850;
    out->cancelled = row->cancelled;
    out->ended_by = ender_of(row->ended_by);
    buf_puts(&b, "{\"e\":");
    if (row->evidence.len)
        buf_put(&b, row->evidence);
    else
        buf_puts(&b, "[]");
    buf_putc(&b, '}');
    struct input *document = buf_end(&b) == OK ? input_parse(buf_slice(&b)) : NULL;
    if (!document)
        return false;
    read_all(input_get(document, "e"), rules, out);
    input_free(document);
    return true;
}
