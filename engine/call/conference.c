/* Calls with each other: three and more in one conversation, supervisors and coaches, and holding
 * with music. What media does is in media/mix.h; hold is a re-INVITE (RFC 3264 8.4). */
#include "call/internal.h"

#include "base/log.h"
#include "call/line_inner.h"
#include "media/mix.h"

static bool has_audio(const struct call *c)
{
    return c->leg && !c->leg_closing;
}

static enum err join(struct call *c, struct call *with, enum mix_role role)
{
    if (c->line || with->line)
        return ERR_UNSUPPORTED; /* a modelled line has two ends */
    if (!has_audio(c) || !has_audio(with))
        return ERR_STATE;
    return media_mix_join(c->leg, with->leg, role);
}

enum err call_conference(struct call *c, struct call *with)
{
    return join(c, with, MIX_TALKS);
}

enum err call_listen(struct call *c, struct call *with)
{
    return join(c, with, MIX_LISTENS);
}

enum err call_whisper(struct call *c, struct call *with)
{
    return join(c, with, MIX_COACHES);
}

unsigned call_together(const struct call *c)
{
    if (c->line)
        return c->line->peer ? 2 : 0;
    return has_audio(c) ? media_mix_members(c->leg) : 0;
}

enum err call_gain(struct call *c, int gain_db, bool agc)
{
    if (c->line)
        return OK;
    return has_audio(c) ? media_leg_gain(c->leg, gain_db, agc) : ERR_STATE;
}

enum err call_keep_keys(struct call *c)
{
    return has_audio(c) ? media_leg_keys_across(c->leg, MEDIA_KEYS_KEEP) : ERR_STATE;
}

enum err call_prompt(struct call *c, const struct sound *s, bool loop, uint32_t cookie)
{
    if (c->line)
        return line_play(c->line, sound_ms(s), loop, cookie);
    return has_audio(c) ? media_leg_play_over(c->leg, s, loop, cookie) : ERR_STATE;
}

/* ---- hold ---- */

static enum err offer_hold(struct call *c)
{
    char text[SDP_TEXT_MAX];
    struct buf b = buf_on(text, sizeof(text));
    enum sdp_dir was = c->sdp.dir;

    c->sdp.dir = c->hold_wanted ? SDP_SENDONLY : SDP_SENDRECV;
    enum err e = sdp_write_offer(&c->sdp, &b);
    if (e == OK)
        e = sip_session_offer(c->session, buf_slice(&b));
    if (e != OK) {
        c->sdp.dir = was;
        return e;
    }
    c->hold_offered = true;
    return OK;
}

enum err call_hold(struct call *c, bool on)
{
    if (c->line)
        return c->line->up ? OK : ERR_STATE;
    if (!c->session || c->state != CALL_STATE_UP)
        return ERR_STATE;
    if (c->hold_wanted == on)
        return OK;
    c->hold_wanted = on;
    if (c->hold_offered)
        return OK; /* when the far side has answered the last one */
    enum err e = offer_hold(c);

    if (e != OK)
        c->hold_wanted = !on;
    return e;
}

void call_hold_settled(struct call *c, bool taken)
{
    bool held = c->sdp.dir == SDP_SENDONLY;

    if (!c->hold_offered)
        return;
    c->hold_offered = false;
    if (!taken) { /* it stays as it was, and so do we */
        c->sdp.dir = held ? SDP_SENDRECV : SDP_SENDONLY;
        c->hold_wanted = !held;
    } else if (held != c->hold_wanted && offer_hold(c) != OK) {
        c->hold_wanted = held;
        log_warn("call", "the far side could not be told of the end of a hold, or of its begin",
                 "call_id=%s", c->record.call_id);
    }
}

enum err call_park(struct call *c, const struct sound *music)
{
    call_unbridge(c);
    call_stop_audio(c);
    enum err e = call_hold(c, true);

    if (e == OK && music)
        e = call_play(c, music, true, 0);
    return e;
}

enum err call_unpark(struct call *c, struct call *with)
{
    call_stop_audio(c);
    enum err e = call_hold(c, false);

    if (e != OK || !with)
        return e;
    return call_together(with) ? call_conference(c, with) : call_bridge(c, with);
}
