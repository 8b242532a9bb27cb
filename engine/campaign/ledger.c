/* Entries made from records, written, read, and shown. */
#include "campaign/ledger.h"

#include <math.h>

#define SEPARATOR '\x1f'

const char *ledger_what_name(enum ledger_what w)
{
    static const char *const names[LEDGER_WHATS] = {"connected", "connected_late", "abandoned",
                                                    "message", "callee_left"};

    return (unsigned)w < LEDGER_WHATS ? names[w] : "?";
}

const char *ledger_counts_of(enum ledger_what w)
{
    static const char *const counts[LEDGER_WHATS] = {"l", "lat", "la", "lam", "e"};

    return (unsigned)w < LEDGER_WHATS ? counts[w] : "";
}

/* ---- from a record ---- */

static enum ledger_what what_of(const struct call_record *r, enum abandonment_verdict v)
{
    if (v == ABANDONMENT_LEFT)
        return LEDGER_LEFT;
    if (v == ABANDONMENT_SERVED)
        return LEDGER_CONNECTED;
    if (r->delivery == DELIVERY_MESSAGE_PLAYED)
        return LEDGER_MESSAGE;
    return r->at_ms[MARK_AGENT_HEARD] != CALL_TIME_NONE ? LEDGER_LATE : LEDGER_ABANDONED;
}

/* When nobody was to be waited for any longer. */
static uint32_t given_up_at(const struct call_record *r)
{
    for (uint32_t i = 0; i < r->evidence_count && i < CALL_EVIDENCE_MAX; i++)
        if (r->evidence[i].kind == EVIDENCE_TIMER && r->evidence[i].code == 2)
            return r->evidence[i].start_ms;
    return CALL_TIME_NONE;
}

static uint32_t waited(const struct call_record *r, enum ledger_what what)
{
    uint32_t from = abandonment_clock(r), to = r->at_ms[MARK_END];

    if (what == LEDGER_CONNECTED || what == LEDGER_LATE)
        to = r->at_ms[MARK_AGENT_HEARD];
    else if (what == LEDGER_MESSAGE)
        to = given_up_at(r);
    if (from == CALL_TIME_NONE || to == CALL_TIME_NONE)
        return CALL_TIME_NONE;
    return to > from ? to - from : 0;
}

bool ledger_entry_of(const struct call_record *r, uint32_t limit_ms, double false_machines,
                     struct slice engine, struct ledger_entry *out)
{
    enum abandonment_verdict v = abandonment_judge(r, limit_ms);
    uint32_t answered = r->at_ms[MARK_ANSWERED];
    double taken = fmin(fmax(false_machines / 100.0, 0), 0.5);

    if (v == ABANDONMENT_NOT_LIVE || !r->call_id[0])
        return false;
    *out = (struct ledger_entry){
        .answered_wall_ms = r->invite_wall_ms + (answered == CALL_TIME_NONE ? 0 : answered),
        .what = what_of(r, v),
        .attempt = r->attempt,
    };
    out->waited_ms = waited(r, out->what);
    if (out->what != LEDGER_LEFT)
        out->false_ppm = (uint32_t)(1e6 * taken / (1 - taken) + 0.5);
    slice_copy(slice_cstr(r->call_id), out->call_id, sizeof(out->call_id));
    slice_copy(slice_cstr(r->lead), out->lead, sizeof(out->lead));
    slice_copy(slice_cstr(r->number), out->number, sizeof(out->number));
    slice_copy(engine, out->engine, sizeof(out->engine));
    return true;
}

/* ---- as text ---- */

static void put_number(struct buf *out, uint64_t n)
{
    buf_u64(out, n);
    buf_putc(out, SEPARATOR);
}

/* Nothing in a text may look like a separator. */
static void put_text(struct buf *out, const char *text, bool last)
{
    for (; *text; text++)
        buf_putc(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    if (!last)
        buf_putc(out, SEPARATOR);
}

enum err ledger_pack(const struct ledger_entry *e, struct buf *out)
{
    put_number(out, e->answered_wall_ms);
    put_text(out, ledger_what_name(e->what), false);
    if (e->waited_ms == CALL_TIME_NONE)
        put_text(out, "-", false);
    else
        put_number(out, e->waited_ms);
    put_number(out, e->false_ppm);
    put_number(out, e->attempt);
    put_text(out, e->call_id, false);
    put_text(out, e->lead, false);
    put_text(out, e->number, false);
    put_text(out, e->engine, true);
    return buf_end(out);
}

static bool take(struct slice *rest, struct slice *out)
{
    if (!slice_cut(*rest, SEPARATOR, out, rest))
        return false;
    for (uint32_t i = 0; i < out->len; i++)
        if ((unsigned char)out->p[i] < 0x20)
            return false;
    return true;
}

static bool take_text(struct slice *rest, char *dst, size_t cap)
{
    struct slice text;

    return take(rest, &text) && !memchr(text.p, 0, text.len) && slice_copy(text, dst, cap) == OK;
}

static bool take_u32(struct slice *rest, uint32_t *out)
{
    struct slice text;

    return take(rest, &text) && slice_u32(text, out) == OK;
}

static bool take_what(struct slice *rest, enum ledger_what *out)
{
    struct slice text;

    if (!take(rest, &text))
        return false;
    for (int w = 0; w < LEDGER_WHATS; w++)
        if (slice_eq(text, slice_cstr(ledger_what_name((enum ledger_what)w)))) {
            *out = (enum ledger_what)w;
            return true;
        }
    return false;
}

static bool take_waited(struct slice *rest, uint32_t *out)
{
    struct slice text;

    if (!take(rest, &text))
        return false;
    *out = CALL_TIME_NONE;
    return slice_eq(text, SLICE("-")) || slice_u32(text, out) == OK;
}

enum err ledger_unpack(struct slice text, struct ledger_entry *out)
{
    struct slice rest = text, when, engine;

    *out = (struct ledger_entry){0};
    /* Years beyond 9999 would be none of ours, and their dates no dates. */
    if (!take(&rest, &when) || slice_u64(when, UINT64_C(253402300799999), &out->answered_wall_ms) ||
        !take_what(&rest, &out->what) || !take_waited(&rest, &out->waited_ms) ||
        !take_u32(&rest, &out->false_ppm) || !take_u32(&rest, &out->attempt) ||
        !take_text(&rest, out->call_id, sizeof(out->call_id)) ||
        !take_text(&rest, out->lead, sizeof(out->lead)) ||
        !take_text(&rest, out->number, sizeof(out->number)))
        return ERR_INVALID;
    engine = rest;
    for (uint32_t i = 0; i < engine.len; i++)
        if ((unsigned char)engine.p[i] < 0x20)
            return ERR_INVALID;
    return slice_copy(engine, out->engine, sizeof(out->engine)) ? ERR_INVALID : OK;
}
