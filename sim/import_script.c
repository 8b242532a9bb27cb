/* One side of a captured call as a script: what it did, when, in the words of docs/FLOWS.md.
 *
 * Until the answer times are since the INVITE; after it, since the answer, so that a far side that
 * answers at another moment than the captured one does not shift what follows. */
#include <stdlib.h>
#include <string.h>

#include "sim/import_write.h"

#define MOMENTS_MAX   (IMPORT_EVENTS_MAX + IMPORT_STRETCHES_MAX + IMPORT_KEYS_MAX)
#define PATIENCE_S    30.0 /* beyond what the capture took, before a script gives up */
#define WAIT_SHORT_US 2000 /* not worth a line */
#define KEY_SHORT_MS  20
#define OFFERS_MAX    16 /* of which one may be refused */

enum moment_kind { MOMENT_EVENT, MOMENT_STRETCH, MOMENT_KEY };

struct moment {
    uint64_t at_us;
    enum moment_kind kind;
    uint32_t at; /* index of its kind */
};

struct writer {
    struct buf *b;
    const struct import_call *c;
    enum import_side side;
    const struct import_media *media;
    const char *name;
    uint64_t at_us; /* how far the script has come */
    bool up, progressed, held, over;
    uint32_t moments;
    struct moment moment[MOMENTS_MAX];
};

static const char *side_name(enum import_side side)
{
    return side == IMPORT_CALLER ? "caller" : "callee";
}

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static double since(uint64_t from_us, uint64_t us)
{
    return us > from_us ? seconds(us - from_us) : 0;
}

static void put_plain(struct buf *b, struct slice s) /* inside a comment, and inside quotes */
{
    for (uint32_t i = 0; i < s.len; i++)
        buf_putc(b,
                 s.p[i] >= ' ' && s.p[i] < 127 && s.p[i] != '"' && s.p[i] != '\\' ? s.p[i] : '?');
}

static bool of_side(const struct import_event *e, enum import_side side)
{
    switch ((enum import_kind)e->kind) {
    case IMPORT_INVITE:
    case IMPORT_ACK:
        return false;
    default:
        return e->side == side;
    }
}

static void add(struct writer *w, uint64_t at_us, enum moment_kind kind, uint32_t at)
{
    if (w->moments < MOMENTS_MAX)
        w->moment[w->moments++] = (struct moment){at_us, kind, at};
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void collect(struct writer *w)
{
    for (uint32_t i = 0; i < w->c->events; i++)
        if (of_side(&w->c->event[i], w->side))
            add(w, w->c->event[i].at_us, MOMENT_EVENT, i);
    for (uint32_t i = 0; w->media && i < w->media->stretches; i++)
        if (w->media->stretch[i].packets)
            add(w, w->media->stretch[i].from_us, MOMENT_STRETCH, i);
    for (uint32_t i = 0; w->media && i < w->media->keys; i++)
        if (w->media->key[i].digit)
            add(w, w->media->key[i].at_us, MOMENT_KEY, i);
    qsort(w->moment, w->moments, sizeof *w->moment, by_time);
}

/* ---- lines ---- */

static void wait_until(struct writer *w, uint64_t at_us)
{
    if (at_us <= w->at_us + WAIT_SHORT_US)
        return;
    if (w->up)
        buf_printf(w->b, "    call:wait_until(up + %.3f)\n", since(w->c->answer_us, at_us));
    else
        buf_printf(w->b, "    call:wait_until(%.3f)\n", since(w->c->invite_us, at_us));
    w->at_us = at_us;
}

/* The next moment of this script after `at`, for the length of ringing. */
static uint64_t next_us(const struct writer *w, uint32_t at)
{
    return at + 1 < w->moments ? w->moment[at + 1].at_us : w->moment[at].at_us;
}

static void provisional(struct writer *w, const struct import_event *e, uint64_t next)
{
    if (e->sdp) {
        if (e->code != 183)
            buf_printf(w->b, "    -- %u with SDP in the capture\n", e->code);
        if (!w->progressed)
            buf_puts(w->b, "    call:progress() -- 183, early media\n");
        w->progressed = true;
        return;
    }
    if (e->code < 180 || e->code > 183) {
        buf_printf(w->b, "    -- %u in the capture\n", e->code);
        return;
    }
    if (next > e->at_us + WAIT_SHORT_US) {
        buf_printf(w->b, "    call:ring(%.3f%s", since(e->at_us, next), e->code == 180 ? "" : ", ");
        w->at_us = next;
    } else {
        buf_puts(w->b, e->code == 180 ? "    call:ring(" : "    call:ring(0, ");
    }
    if (e->code != 180)
        buf_u64(w->b, e->code);
    buf_puts(w->b, ")\n");
}

static void refuse(struct writer *w, const struct import_event *e)
{
    if (w->c->outcome == IMPORT_CANCELLED) { /* the 487 is the answer to the CANCEL */
        buf_printf(w->b, "    call:wait_hangup(%.3f) -- the caller gives up\n",
                   since(w->at_us, e->at_us) + PATIENCE_S);
    } else {
        buf_printf(w->b, "    call:reject(%u, \"", e->code);
        put_plain(w->b, e->phrase);
        buf_puts(w->b, "\"");
        if (e->q850 && e->q850 < 128)
            buf_printf(w->b, ", %u", e->q850);
        buf_puts(w->b, ")\n");
    }
    w->over = true;
}

static void hang_up(struct writer *w, const struct import_event *e)
{
    buf_puts(w->b, "    call:hangup(");
    if (e->q850 && e->q850 < 128)
        buf_u64(w->b, e->q850);
    buf_puts(w->b, ")\n");
    w->over = true;
}

static void begin_up(struct writer *w)
{
    buf_puts(w->b, "    local up = call:age()\n");
    w->up = true;
}

/* A re-INVITE or UPDATE. Those that are refused for a reason that passes are made again by the
 * stack itself, as they were in the capture. */
static void offer(struct writer *w, const struct import_event *e)
{
    bool on = e->kind == IMPORT_HOLD || (e->kind == IMPORT_OFFER && w->held);

    if (import_offer_comes_again(e->code)) {
        buf_printf(w->b, "    -- a re-INVITE or UPDATE was refused with %u, to come again\n",
                   e->code);
        return;
    }
    buf_printf(w->b, "    %scall:hold(%s)", w->up ? "" : "-- ", on ? "true" : "false");
    if (e->kind == IMPORT_OFFER) /* a refresh, or an address that moved */
        buf_puts(w->b, " -- a re-INVITE or UPDATE that changes nothing");
    if (e->code)
        buf_printf(w->b, "%s refused with %u", e->kind == IMPORT_OFFER ? "," : " --", e->code);
    else
        w->held = on;
    buf_putc(w->b, '\n');
}

/* ---- transfers ---- */

static void refer(struct writer *w, const struct import_event *e)
{
    if (e->phrase.len == 0 || !w->up) {
        buf_puts(w->b, "    -- a REFER in the capture that leads nowhere\n");
        return;
    }
    buf_puts(w->b, "    call:refer(\"");
    put_plain(w->b, e->phrase);
    buf_puts(w->b, "\", { limit = 0 })\n");
}

static const struct import_event *next_refer_answer(const struct writer *w,
                                                    const struct import_event *after)
{
    const struct import_event *end = w->c->event + w->c->events;

    for (const struct import_event *e = after ? after + 1 : w->c->event; e < end; e++)
        if (e->kind == IMPORT_REFER_ANSWER && e->side == w->side)
            return e;
    return NULL;
}

/* The stack answers by itself: here the script makes sure that the REFER has come, before it tells
 * of it. */
static void refer_answer(struct writer *w, const struct import_event *e)
{
    const struct import_event *next = next_refer_answer(w, e);

    buf_printf(w->b, "    call:wait_refer(%.3f) -- answered with %u\n", PATIENCE_S, e->code);
    if (next && next->code != e->code)
        buf_printf(w->b, "    call:take_refer(%u)\n", next->code);
}

static void event(struct writer *w, const struct import_event *e, uint64_t next)
{
    switch ((enum import_kind)e->kind) {
    case IMPORT_PROVISIONAL:
        provisional(w, e, next);
        break;
    case IMPORT_ANSWER:
        begin_up(w);
        buf_puts(w->b, w->c->no_ack ? "    call:answer { ack = false }\n" : "    call:answer()\n");
        break;
    case IMPORT_REFUSAL:
        refuse(w, e);
        break;
    case IMPORT_CANCEL:
    case IMPORT_BYE:
        hang_up(w, e);
        break;
    case IMPORT_HOLD:
    case IMPORT_RESUME:
    case IMPORT_OFFER:
        offer(w, e);
        break;
    case IMPORT_DIGIT:
        buf_printf(w->b, "    call:send_dtmf(\"%c\") -- by INFO in the capture\n", e->digit);
        break;
    case IMPORT_REFER:
        refer(w, e);
        break;
    case IMPORT_REFER_ANSWER:
        refer_answer(w, e);
        break;
    case IMPORT_NOTIFY:
        buf_printf(w->b, "    call:notify(%u)\n", e->code);
        break;
    case IMPORT_INVITE:
    case IMPORT_ACK:
        break;
    }
}

static void stretch(struct writer *w, uint32_t i)
{
    const struct import_stretch *s = &w->media->stretch[i];

    buf_printf(w->b, "    call:play_packets(\"media/%s-%s-%u.rtpdump\", { ", w->name,
               side_name(w->side), i + 1);
    if (w->media->format.rate_hz != 8000)
        buf_printf(w->b, "clock = %u, ", w->media->format.rate_hz);
    buf_printf(w->b, "background = true }) -- %.1f s, %u packets\n", since(s->from_us, s->to_us),
               s->packets);
}

static void key(struct writer *w, const struct import_key *k)
{
    uint32_t on_ms = k->on_ms < KEY_SHORT_MS ? KEY_SHORT_MS : k->on_ms > 5000 ? 5000 : k->on_ms;

    buf_printf(w->b, "    call:send_dtmf(\"%c\", { on = %.3f, gap = 0.02 })\n", k->digit,
               on_ms / 1000.0);
    w->at_us += on_ms * UINT64_C(1000);
}

/* ---- the script ---- */

static void head(struct writer *w, const struct import_out *o)
{
    const struct import_call *c = w->c;
    static const char *const ends[] = {"the capture ends before the call", "answered", "refused",
                                       "given up by the caller"};

    buf_printf(w->b, "-- %s, the %s's side: ", w->name, side_name(w->side));
    put_plain(w->b, c->caller);
    buf_puts(w->b, " calls ");
    put_plain(w->b, c->number);
    buf_puts(w->b, ".\n-- ");
    put_plain(w->b, slice_cstr(o->source));
    buf_printf(w->b, ", packet %llu, %.3f s after its first call; %s",
               (unsigned long long)c->packet, since(o->zero_us, c->invite_us), ends[c->outcome]);
    if (c->code)
        buf_printf(w->b, " (%u)", c->code);
    buf_puts(w->b, ".\n");
    if (c->srtp)
        buf_printf(w->b,
                   "-- Its audio is encrypted (SRTP, packet %llu) and left out: silence instead.\n",
                   (unsigned long long)c->srtp_packet);
    if (c->other_media)
        buf_puts(w->b, "-- Video and other medias beside the first audio are left out.\n");
}

static bool sends(const struct writer *w)
{
    return w->media && (w->media->stretches || w->media->keys);
}

/* What the engine should find out, as far as signalling alone tells it. What answered is for a
 * person to say, who listens to the WAV beside it. */
static const char *truth_of(const struct import_call *c)
{
    if (c->outcome == IMPORT_CANCELLED)
        return "no_answer";
    switch (c->code) {
    case 486:
    case 600:
        return "busy";
    case 404:
    case 410:
    case 484:
    case 604:
        return "vacant";
    case 408:
    case 480:
        return "no_answer";
    case 403:
    case 603:
    case 607:
        return "rejected";
    default:
        return c->code >= 500 && c->code < 600 ? "congestion" : "unknown";
    }
}

/* How this side answers what the other will ask: said before it can come. */
static void prepare(struct writer *w)
{
    const struct import_call *c = w->c;
    const struct import_event *first = next_refer_answer(w, NULL),
                              *ack = import_find(c, IMPORT_ACK, IMPORT_CALLER);
    uint32_t nth = 0;

    for (uint32_t i = 0; i < c->events && c->answer_us; i++) {
        const struct import_event *e = &c->event[i];

        if (e->side == w->side || e->at_us < c->answer_us || import_offer_comes_again(e->code) ||
            (e->kind != IMPORT_HOLD && e->kind != IMPORT_RESUME && e->kind != IMPORT_OFFER))
            continue;
        nth++;
        if (e->code && nth <= OFFERS_MAX)
            buf_printf(w->b, "    call:refuse_offer(%u, %u)\n", e->code, nth);
    }
    if (first)
        buf_printf(w->b, "    call:take_refer(%u)\n", first->code);
    if (!c->no_ack || w->side != IMPORT_CALLER)
        return;
    if (ack)
        buf_printf(w->b, "    call:misbehave { late = \"ACK\", by = %.3f, times = 0 }",
                   since(c->answer_us, ack->at_us));
    else
        buf_puts(w->b, "    call:misbehave { lose = \"ACK\", times = 0 }");
    buf_puts(w->b, " -- BYE came first\n");
}

static void open_script(struct writer *w)
{
    const struct import_media *m = w->media;

    buf_printf(w->b, "return %s {\n", side_name(w->side));
    if (w->side == IMPORT_CALLEE) {
        const char *truth = truth_of(w->c);

        buf_printf(w->b, "  truth = \"%s\",%s\n", truth,
                   strcmp(truth, "unknown") == 0 ? " -- say here what it was: human, machine…"
                                                 : "");
    }
    buf_puts(w->b, "  run = function(call)\n");
    if (m && m->format.name.len && w->side == IMPORT_CALLEE) {
        buf_puts(w->b, "    call:payload(\"");
        put_plain(w->b, m->format.name);
        buf_printf(w->b, "/%u/%u\"", m->format.rate_hz, m->format.channels);
        if (m->format.fmtp.len) {
            buf_puts(w->b, ", \"");
            put_plain(w->b, m->format.fmtp);
            buf_putc(w->b, '"');
        }
        buf_puts(w->b, ")\n");
    }
    if (sends(w))
        buf_puts(w->b, "    call:hush(true) -- no packets but those of the capture\n");
    else if (!w->c->srtp && w->c->answer_us)
        buf_puts(w->b, "    call:mute(true) -- it never sent a packet\n");
    prepare(w);
}

/* How a caller comes to the answer, or to the end without one. */
static void caller_waits(struct writer *w)
{
    const struct import_call *c = w->c;

    if (c->outcome == IMPORT_CANCELLED)
        return;
    uint64_t until_us = c->answer_us ? c->answer_us : c->end_us ? c->end_us : c->last_us;

    buf_printf(w->b, "    if not call:wait_answer { limit = %.3f } then\n      return\n    end\n",
               since(c->invite_us, until_us) + PATIENCE_S);
    w->at_us = until_us;
    if (c->answer_us)
        begin_up(w);
}

static void close_script(struct writer *w)
{
    const struct import_call *c = w->c;

    if (!w->over) {
        uint64_t end_us = c->end_us ? c->end_us : c->last_us;

        buf_printf(w->b, "    call:wait_hangup(%.3f)", since(w->at_us, end_us) + PATIENCE_S);
        if (c->answer_us && !c->end_us)
            buf_puts(w->b, " -- the capture ends before the call");
        buf_putc(w->b, '\n');
    }
    buf_puts(w->b, "  end,\n}\n");
}

enum err import_script(struct buf *b, const struct import_out *o, uint32_t index,
                       const struct import_call *c, enum import_side side,
                       const struct import_media *media)
{
    char name[IMPORT_NAME_MAX];
    static struct writer writer; /* large; one thread */
    struct writer *w = &writer;
    bool waited = side == IMPORT_CALLEE;

    import_name(index, name);
    *w = (struct writer){.b = b, .c = c, .side = side, .media = media, .name = name};
    w->at_us = c->invite_us;
    collect(w);
    head(w, o);
    open_script(w);
    for (uint32_t i = 0; i < w->moments && !w->over; i++) {
        const struct moment *m = &w->moment[i];

        /* What a caller does before the answer (early audio, giving up) stands before its wait. */
        if (!waited && (c->answer_us == 0 ? m->kind == MOMENT_EVENT : m->at_us >= c->answer_us)) {
            waited = true;
            caller_waits(w);
        }
        wait_until(w, m->at_us);
        if (m->kind == MOMENT_EVENT)
            event(w, &c->event[m->at], next_us(w, i));
        else if (m->kind == MOMENT_STRETCH)
            stretch(w, m->at);
        else
            key(w, &media->key[m->at]);
    }
    if (!waited)
        caller_waits(w);
    close_script(w);
    return buf_end(b);
}
