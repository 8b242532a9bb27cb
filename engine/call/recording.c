/* Recording of a call: its leg does it; here are what the index is told, and the call's record. */
#include <stdio.h>

#include "call/internal.h"
#include "media/record.h"

static bool usable(const struct call *c)
{
    return c->leg && !c->leg_closing;
}

/* Marks that the index does not have yet. The end of the first greeting moves while it lasts; who
 * wants it finds it in the call's record. The index has an end of its own, which tells that it is
 * whole. */
void call_record_marks(struct call *c)
{
    if (!usable(c) || !media_leg_is_recording(c->leg))
        return;
    for (uint32_t m = 0; m < MARK_COUNT; m++) {
        uint32_t at_ms = c->record.at_ms[m];

        if (m == MARK_GREETING_END || m == MARK_END || at_ms == CALL_TIME_NONE ||
            c->marks_noted & 1u << m)
            continue;
        c->marks_noted |= 1u << m;
        media_leg_record_mark(c->leg, c->start_us + (uint64_t)at_ms * 1000,
                              call_mark_name((enum call_mark)m), "");
    }
}

enum err call_record_start(struct call *c, const struct media_record *how)
{
    struct media_record mine = *how;
    struct slice id = call_id(c);
    char text[160];

    if (c->line)
        return OK; /* there is nothing to be heard, and no file is made */
    if (!usable(c))
        return ERR_STATE;
    if (slice_copy(id, text, sizeof(text)) == OK)
        mine.call_id = text;
    enum err e = media_leg_record(c->leg, &mine);
    if (e)
        return e;
    slice_copy(slice_cstr(how->path), c->record.recording, sizeof(c->record.recording));
    c->marks_noted = 0;
    call_record_marks(c);
    return OK;
}

void call_record_stop(struct call *c)
{
    if (usable(c))
        media_leg_record_stop(c->leg);
}

enum err call_record_arm(struct call *c, uint32_t prebuffer_ms)
{
    if (c->line)
        return OK;
    return usable(c) ? media_leg_record_arm(c->leg, prebuffer_ms) : ERR_STATE;
}

void call_record_mask(struct call *c, bool on)
{
    c->masked = on;
    if (usable(c))
        media_leg_record_mask(c->leg, on);
}

bool call_record_is_masked(const struct call *c)
{
    return c->masked;
}

void call_record_note(struct call *c, const char *event, const char *detail)
{
    if (usable(c))
        media_leg_record_mark(c->leg, clock_us(c->env->loop->clock), event, detail);
}

/* A key that is card data stands nowhere. */
void call_record_key(struct call *c, char digit)
{
    const char text[] = {digit, 0};

    if (!c->masked)
        call_record_note(c, "key", text);
}

void call_recorded(struct call *c, const struct media_event *e)
{
    if (e->err == OK)
        return;
    slice_copy(slice_cstr(err_name(e->err)), c->record.recording_error,
               sizeof(c->record.recording_error));
    c->record.recording_lost_bytes = e->lost_bytes;
}
