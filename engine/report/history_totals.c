/* Sums over a history, and its rows as cells. */
#include "report/history_out.h"

static void add_time(uint64_t *sum, uint32_t ms)
{
    *sum += ms == CALL_TIME_NONE ? 0 : ms;
}

void history_totals_add(struct history_totals *t, const struct history_row *r)
{
    bool answered = r->at_ms[MARK_ANSWERED] != CALL_TIME_NONE;

    t->calls++;
    t->dialled += r->kind != HISTORY_NOT_DIALLED;
    t->answered += answered;
    t->humans += r->kind == HISTORY_HUMAN;
    t->connected += r->at_ms[MARK_AGENT_HEARD] != CALL_TIME_NONE;
    t->abandoned += r->abandoned;
    t->kinds[r->kind]++;
    t->results[r->result]++;
    t->deliveries[r->delivery]++;
    t->judged_again += r->before.len && !slice_eq(r->before, r->label);
    add_time(&t->duration_ms, history_duration_ms(r));
    add_time(&t->talk_ms, history_talk_ms(r));
    add_time(&t->handling_ms, history_handling_ms(r));
    if (answered)
        t->ring_ms += history_ring_ms(r);
    t->rang += answered;
    if (!t->first_wall_ms)
        t->first_wall_ms = r->wall_ms;
    t->last_wall_ms = r->wall_ms;
}

static double mean_s(uint64_t sum_ms, uint64_t n)
{
    return n ? (double)sum_ms / (double)n / 1000 : 0;
}

uint32_t history_figures(const struct history_totals *t, struct history_figure *out)
{
    const struct history_figure all[] = {
        {"calls", (double)t->calls, false},
        {"dialled", (double)t->dialled, false},
        {"answered", (double)t->answered, false},
        {"humans", (double)t->humans, false},
        {"connected", (double)t->connected, false},
        {"abandoned", (double)t->abandoned, false},
        {"judged_again", (double)t->judged_again, false},
        {"duration_s", (double)t->duration_ms / 1000, true},
        {"talk_s", (double)t->talk_ms / 1000, true},
        {"average_talk_s", mean_s(t->talk_ms, t->connected), true},
        {"average_handling_s", mean_s(t->handling_ms, t->connected), true},
        {"average_ring_s", mean_s(t->ring_ms, t->rang), true},
    };
    uint32_t n = sizeof(all) / sizeof(all[0]);

    for (uint32_t i = 0; i < n; i++)
        out[i] = all[i];
    return n;
}

void history_local_time(uint64_t wall_ms, const struct zone *zone, char dst[24], char offset[8])
{
    struct zone_local l;

    zone_to_local(zone, wall_ms, &l);
    uint32_t s = l.day_ms / 1000;
    uint32_t minutes = (uint32_t)(l.offset_s < 0 ? -l.offset_s : l.offset_s) / 60;
    snprintf(dst, 24, "%04d-%02u-%02u %02u:%02u:%02u", l.year % 10000, l.month % 100u, l.day % 100u,
             s / 3600 % 100, s / 60 % 60, s % 60);
    snprintf(offset, 8, "%c%02u:%02u", l.offset_s < 0 ? '-' : '+', minutes / 60 % 100,
             minutes % 60);
}

/* --- cells --- */

const char *const history_columns[HISTORY_COLUMNS] = {
    "time",      "utc_offset", "campaign",     "lead",       "attempt",     "number",
    "kind",      "result",     "first_result", "delivery",   "disposition", "agent",
    "group",     "ring_s",     "duration_s",   "talk_s",     "handling_s",  "answer_to_agent_s",
    "abandoned", "ended_by",   "sip_code",     "sip_reason", "q850",        "confidence",
    "trunk",     "caller_id",  "recording",    "call_id"};

static struct history_cell text(struct slice s)
{
    return (struct history_cell){.kind = s.len ? HISTORY_TEXT : HISTORY_EMPTY, .text = s};
}

static struct history_cell label(const char *s)
{
    return text(slice_cstr(s));
}

static struct history_cell quoted(struct slice s)
{
    return (struct history_cell){.kind = s.len ? HISTORY_QUOTED : HISTORY_EMPTY, .text = s};
}

static struct history_cell seconds(uint32_t ms)
{
    return (struct history_cell){.kind = ms == CALL_TIME_NONE ? HISTORY_EMPTY : HISTORY_SECONDS,
                                 .number = ms / 1000.0};
}

static struct history_cell number(double n, bool there)
{
    return (struct history_cell){.kind = there ? HISTORY_NUMBER : HISTORY_EMPTY, .number = n};
}

void history_cells(const struct history_row *r, const struct zone *zone,
                   struct history_cell out[HISTORY_COLUMNS], char offset[8])
{
    char time[24];
    uint32_t n = 0;

    history_local_time(r->wall_ms, zone, time, offset);
    out[n++] = (struct history_cell){.kind = HISTORY_WHEN, .wall_ms = r->wall_ms};
    out[n++] = label(offset);
    out[n++] = quoted(r->campaign);
    out[n++] = quoted(r->lead);
    out[n++] = number(r->attempt, true);
    out[n++] = quoted(r->number);
    out[n++] = label(history_kind_name(r->kind));
    out[n++] = text(r->label);
    out[n++] = text(r->before.len ? r->before : r->label);
    out[n++] = label(delivery_name(r->delivery));
    out[n++] = quoted(r->disposition);
    out[n++] = quoted(r->agent);
    out[n++] = quoted(r->group);
    out[n++] = seconds(history_ring_ms(r));
    out[n++] = seconds(history_duration_ms(r));
    out[n++] = seconds(history_talk_ms(r));
    out[n++] = seconds(history_handling_ms(r));
    out[n++] = seconds(r->answer_to_agent_ms);
    out[n++] = number(r->abandoned, true);
    out[n++] = text(r->ended_by);
    out[n++] = number(r->sip_code, r->sip_code != 0);
    out[n++] = quoted(r->sip_reason);
    out[n++] = number(r->q850, r->q850 != 0);
    out[n++] = number(r->confidence, r->confidence > 0);
    out[n++] = quoted(r->trunk);
    out[n++] = quoted(r->caller_id);
    out[n++] = quoted(r->recording);
    out[n++] = quoted(r->call_id);
}

bool history_is_formula(struct slice s)
{
    if (!s.len || !s.p[0] || !strchr("=+-@\t\r\n", s.p[0]))
        return false;
    if (s.p[0] != '+' || s.len < 2)
        return true;
    for (uint32_t i = 1; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return true;
    return false;
}
