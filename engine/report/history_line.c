/* A line of the journal as the history's JSON: the same object that `peal
 * history --json` gives of the attempt, made without SQLite. */
#include "report/history_out.h"
#include "report/input.h"

static struct slice text_of(const struct input *o, const char *name)
{
    const char *text = input_text(input_get(o, name));

    return slice_cstr(text ? text : "");
}

static uint32_t u32_of(const struct input *o, const char *name)
{
    uint64_t v = input_u64(input_get(o, name));

    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static uint32_t time_of(const struct input *o, const char *name)
{
    return input_is_number(input_get(o, name)) ? u32_of(o, name) : CALL_TIME_NONE;
}

/* The array as it stands: no text in a record holds an unescaped quote, so its
 * key is found. */
static struct slice evidence_of(struct slice line)
{
    static const char key[] = ",\"evidence\":[";
    const char *p = line.len ? memmem(line.p, line.len, key, sizeof(key) - 1) : NULL;
    bool inside = false;
    int depth = 0;

    if (!p)
        return SLICE_NONE;
    const char *from = p + sizeof(key) - 2, *end = line.p + line.len;

    for (p = from; p < end; p++) {
        if (inside && *p == '\\')
            p++;
        else if (*p == '"')
            inside = !inside;
        else if (!inside && (*p == '[' || *p == '{'))
            depth++;
        else if (!inside && (*p == ']' || *p == '}') && --depth == 0)
            return slice_of(from, (size_t)(p - from) + 1);
    }
    return SLICE_NONE;
}

static void read_line(const struct input *o, struct slice line, struct history_row *r)
{
    const struct input *times = input_get(o, "times");

    *r = (struct history_row){
        .campaign = text_of(o, "campaign"),
        .lead = text_of(o, "lead"),
        .number = text_of(o, "number"),
        .call_id = text_of(o, "call_id"),
        .caller_id = text_of(o, "caller_id"),
        .trunk = text_of(o, "trunk"),
        .agent = text_of(o, "agent"),
        .group = text_of(o, "group"),
        .sip_reason = text_of(o, "sip_reason"),
        .ended_by = text_of(o, "ended_by"),
        .recording = text_of(o, "recording"),
        .recording_error = text_of(o, "recording_error"),
        .evidence = evidence_of(line),
        .label = text_of(o, "result"),
        .attempt = u32_of(o, "attempt"),
        .sip_code = u32_of(o, "sip_code"),
        .q850 = u32_of(o, "q850"),
        .wall_ms = input_u64(input_get(o, "invite_ms")),
        .answer_to_agent_ms = time_of(o, "answer_to_agent_ms"),
        .confidence = input_num(input_get(o, "confidence")),
        .abandoned = input_bool(input_get(o, "abandoned")),
        .cancelled = input_bool(input_get(o, "cancelled")),
    };
    if (!r->wall_ms)
        r->wall_ms = input_u64(input_get(o, "claimed_ms"));
    for (int m = 0; m < MARK_COUNT; m++)
        r->at_ms[m] = time_of(times, call_mark_name((enum call_mark)m));
    if (result_parse(r->label, &r->result) != OK)
        r->result = RESULT_UNKNOWN;
    if (delivery_parse(text_of(o, "delivery"), &r->delivery) != OK)
        r->delivery = DELIVERY_NONE;
    r->kind = history_kind_of(r->result);
}

enum err history_json_line(struct slice line, const struct zone *zone, char *dst, size_t cap,
                           size_t *len)
{
    struct history_row row;
    struct input *o = input_parse(line);

    if (!o)
        return ERR_INVALID;
    read_line(o, line, &row);
    enum err e =
        row.lead.len && row.label.len ? history_json_row(&row, zone, dst, cap, len) : ERR_INVALID;

    input_free(o);
    return e;
}
