/* One attempt as a JSON object: labels, times both local and in milliseconds, and the evidence as
 * it is stored. */
#include "base/json.h"
#include "report/history_out.h"

static void put_text(struct json *j, const char *name, struct slice s)
{
    if (s.len)
        json_str(j, name, s);
}

static void put_ms(struct json *j, const char *name, uint32_t ms)
{
    if (ms != CALL_TIME_NONE)
        json_u64(j, name, ms);
}

static void put_when(struct json *j, const struct history_row *r, const struct zone *zone)
{
    char time[24], offset[8], both[40];

    history_local_time(r->wall_ms, zone, time, offset);
    time[10] = 'T';
    snprintf(both, sizeof(both), "%s.%03u%s", time, (unsigned)(r->wall_ms % 1000), offset);
    json_cstr(j, "time", both);
    json_u64(j, "time_ms", r->wall_ms);
}

static void put_outcome(struct json *j, const struct history_row *r)
{
    json_cstr(j, "kind", history_kind_name(r->kind));
    json_str(j, "result", r->label);
    put_text(j, "first_result", r->before);
    json_cstr(j, "delivery", delivery_name(r->delivery));
    put_text(j, "disposition", r->disposition);
    put_text(j, "agent", r->agent);
    put_text(j, "group", r->group);
    put_ms(j, "ring_ms", history_ring_ms(r));
    put_ms(j, "duration_ms", history_duration_ms(r));
    put_ms(j, "talk_ms", history_talk_ms(r));
    put_ms(j, "handling_ms", history_handling_ms(r));
    put_ms(j, "answer_to_agent_ms", r->answer_to_agent_ms);
    json_bool(j, "abandoned", r->abandoned);
    put_text(j, "ended_by", r->ended_by);
    if (r->sip_code)
        json_u64(j, "sip_code", r->sip_code);
    put_text(j, "sip_reason", r->sip_reason);
    if (r->q850)
        json_u64(j, "q850", r->q850);
    if (r->confidence > 0)
        json_num(j, "confidence", r->confidence);
}

enum err history_json_row(const struct history_row *r, const struct zone *zone, char *dst,
                          size_t cap, size_t *len)
{
    struct buf b = buf_on(dst, cap);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    put_when(&j, r, zone);
    json_str(&j, "campaign", r->campaign);
    json_str(&j, "lead", r->lead);
    json_u64(&j, "attempt", r->attempt);
    json_str(&j, "number", r->number);
    put_outcome(&j, r);
    put_text(&j, "trunk", r->trunk);
    put_text(&j, "caller_id", r->caller_id);
    put_text(&j, "recording", r->recording);
    json_str(&j, "call_id", r->call_id);
    json_begin_object(&j, "times");
    for (int m = 0; m < MARK_COUNT; m++)
        put_ms(&j, call_mark_name((enum call_mark)m), r->at_ms[m]);
    json_end(&j);
    if (r->evidence.len && r->evidence.p[0] == '[') { /* JSON as it is */
        buf_puts(&b, ",\"evidence\":");
        buf_put(&b, r->evidence);
    }
    json_end(&j);
    *len = b.len;
    return buf_end(&b);
}
