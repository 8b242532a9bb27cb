/* See replay.h. */
#include "sim/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mix.h"

#define DIGITS_MAX 64
#define PT_OFFERED 96

static const char *field(const struct replay_list *l, uint32_t row, const char *name)
{
    const struct flow_field *f = rows_at(l->rows, row);

    for (uint32_t i = 0; i < rows_columns(l->rows); i++)
        if (strcmp(f[i].name, name) == 0)
            return f[i].value;
    return NULL;
}

static bool number_of(const char *text, double *out)
{
    char *end;

    if (!text || !*text) {
        *out = REPLAY_NONE;
        return text != NULL;
    }
    *out = strtod(text, &end);
    return *end == '\0' && *out >= 0 && *out < 1e7;
}

/* "opus/48000/2" */
static bool payload_of(struct replay_call *k, const char *text, const char *fmtp)
{
    struct slice name, rate, channels;
    uint32_t n = 1;

    if (!text || !*text)
        return true;
    if (!slice_cut(slice_cstr(text), '/', &name, &rate) ||
        slice_copy(name, k->payload_name, sizeof k->payload_name) != OK)
        return false;
    slice_cut(rate, '/', &rate, &channels);
    if (slice_u32(rate, &k->payload.rate_hz) != OK ||
        (channels.len && slice_u32(channels, &n) != OK) || n == 0 || n > 8)
        return false;
    k->payload.name = k->payload_name;
    k->payload.channels = (uint8_t)n;
    k->payload.pt = PT_OFFERED;
    k->payload.fmtp = fmtp && *fmtp ? fmtp : NULL;
    return true;
}

static const char *read_row(struct replay_list *l, uint32_t row)
{
    struct replay_call *k = &l->call[row];
    const char *outcome = field(l, row, "outcome"), *transport = field(l, row, "transport"),
               *late = field(l, row, "late_offer");
    double code;

    k->name = field(l, row, "call");
    k->number = field(l, row, "number");
    k->caller = field(l, row, "caller");
    k->ended_by = field(l, row, "ended_by");
    if (!k->name || !*k->name || !k->number || !k->caller || !k->ended_by || !outcome)
        return "columns call, number, caller, outcome and ended_by are needed, and a name in each "
               "row";
    if (!number_of(field(l, row, "start_s"), &k->start_s) || k->start_s < 0)
        return "start_s is no time";
    if (!number_of(field(l, row, "ring_s"), &k->ring_s) ||
        !number_of(field(l, row, "answer_s"), &k->answer_s) ||
        !number_of(field(l, row, "end_s"), &k->end_s))
        return "ring_s, answer_s or end_s is no time";
    if (!number_of(field(l, row, "code"), &code) || code > 699)
        return "code is no SIP status";
    if (!payload_of(k, field(l, row, "payload"), field(l, row, "fmtp")))
        return "payload is not written NAME/RATE/CHANNELS";
    k->code = code > 0 ? (uint16_t)code : 0;
    k->cancelled = strcmp(outcome, "cancelled") == 0;
    k->cut = strcmp(outcome, "cut") == 0;
    k->tcp = transport && strcmp(transport, "tcp") == 0;
    k->late_offer = late && strcmp(late, "yes") == 0;
    return NULL;
}

enum err replay_list_load(struct replay_list *l, const char *dir, char *error)
{
    char path[512], why[ROWS_ERROR_MAX];

    memset(l, 0, sizeof *l);
    if ((size_t)snprintf(path, sizeof path, "%s/calls.csv", dir) >= sizeof path) {
        snprintf(error, REPLAY_ERROR_MAX, "%.200s: the path is too long", dir);
        return ERR_TOO_LONG;
    }
    enum err e = rows_load(&l->rows, path, why);

    if (e != OK) {
        snprintf(error, REPLAY_ERROR_MAX, "%s (is it the folder of an import?)", why);
        return e;
    }
    l->count = rows_count(l->rows);
    if (l->count == 0 || l->count > REPLAY_CALLS_MAX) {
        snprintf(error, REPLAY_ERROR_MAX, "%.200s: %u calls, from 1 to %d can be replayed", path,
                 l->count, REPLAY_CALLS_MAX);
        return ERR_INVALID;
    }
    l->call = calloc(l->count, sizeof *l->call);
    for (uint32_t i = 0; i < l->count; i++) {
        const char *wrong = l->call ? read_row(l, i) : "there is no memory for it";

        if (wrong) {
            snprintf(error, REPLAY_ERROR_MAX, "%.200s: row %u: %s", path, i + 1, wrong);
            return ERR_INVALID;
        }
    }
    return OK;
}

void replay_list_free(struct replay_list *l)
{
    rows_free(l->rows);
    free(l->call);
    memset(l, 0, sizeof *l);
}

struct replay_call *replay_list_answer(struct replay_list *l, struct slice number)
{
    char wanted[DIGITS_MAX], have[DIGITS_MAX];
    struct slice want = mix_normalize(number, wanted, sizeof wanted);
    struct replay_call *found = NULL;

    for (uint32_t i = 0; i < l->count; i++) {
        struct replay_call *k = &l->call[i];

        if ((!found || k->answered < found->answered) &&
            (slice_eq(slice_cstr(k->number), number) ||
             (number.len && (number.p[0] == '+' || (number.p[0] >= '0' && number.p[0] <= '9')) &&
              slice_eq(mix_normalize(slice_cstr(k->number), have, sizeof have), want))))
            found = k;
    }
    if (found)
        found->answered++;
    return found;
}

/* ---- how it went ---- */

static double mark_s(struct call *c, enum call_mark m)
{
    uint32_t ms = call_mark_at(c, m);

    return ms == CALL_TIME_NONE ? REPLAY_NONE : ms / 1000.0;
}

static void distance(struct replay_result *out, const char *what, double captured, double now)
{
    if (captured < 0 || now < 0)
        return;
    double ms = fabs(now - captured) * 1000;

    if (ms > out->worst_ms) {
        out->worst_ms = ms;
        out->worst_of = what;
    }
}

void replay_judge(const struct replay_call *k, enum replay_side side, bool script_failed,
                  struct replay_result *out)
{
    bool answered = out->answer_s >= 0;

    out->worst_ms = 0;
    out->worst_of = "";
    if (k->cut) /* how it went on is not known */
        out->same = !script_failed && answered == (k->answer_s >= 0);
    else
        out->same = !script_failed && answered == (k->answer_s >= 0) &&
                    (answered || k->cancelled || out->code == k->code);
    if (side == REPLAY_CALLER)
        distance(out, "ringing", k->ring_s, out->ring_s);
    distance(out, "answer", k->answer_s, out->answer_s);
    if (!k->cut)
        distance(out, "end", k->end_s, out->end_s);
}

void replay_compare(const struct replay_call *k, enum replay_side side, struct call *c,
                    const struct flow_report *r, struct replay_result *out)
{
    bool failed = r->outcome == FLOW_ERROR || r->outcome == FLOW_FAILED ||
                  r->outcome == FLOW_TIMEOUT || r->checks_failed;

    *out = (struct replay_result){
        .ring_s = side == REPLAY_CALLER ? mark_s(c, MARK_RINGING) : REPLAY_NONE,
        .answer_s = mark_s(c, MARK_ANSWERED),
        .end_s = mark_s(c, MARK_END),
    };
    if (side == REPLAY_CALLEE && r->accepted_ms != CALL_TIME_NONE) /* as the capture has it */
        out->answer_s = r->accepted_ms / 1000.0;
    out->code = out->answer_s >= 0 ? 200 : r->code;
    replay_judge(k, side, failed, out);
}
