/* The modelled side of a call: what stands where the session and the leg of a real one would be. It
 * speaks to the call in the words of those two, so that nothing above can tell the difference. */
#include "call/line.h"

#include <stdlib.h>

#include "base/rng.h"
#include "call/line_inner.h"

enum err line_open(struct call_env *env, const struct call_line *line)
{
    env->line = line;
    rng_seed_stream(&env->rng, line->seed, SLICE("call ids"), 0);
    return sound_cache_open(&env->sounds, 0);
}

void line_close(struct call_env *env)
{
    if (env->sounds)
        sound_cache_close(env->sounds);
}

enum err line_new(struct call *c)
{
    struct line *k = calloc(1, sizeof(*k));

    if (!k)
        return ERR_NOMEM;
    k->call = c;
    k->up = true;
    timer_init(&k->playing);
    timer_init(&k->stopped);
    timer_init(&k->meeting);
    c->line = k;
    c->remote_set = true; /* there is no SDP to wait for */
    return OK;
}

void line_free(struct call *c)
{
    struct line *k = c->line;
    struct loop *loop = c->env->loop;

    if (!k)
        return;
    line_unbridge(k);
    loop_timer_stop(loop, &k->playing);
    loop_timer_stop(loop, &k->stopped);
    loop_timer_stop(loop, &k->meeting);
    c->env->line->freed(c->env->line->arg, c);
    free(k);
    c->line = NULL;
}

void line_dialled(struct call *c, const struct call_dial *dial)
{
    const struct call_line *line = c->env->line;

    if (dial->call_id)
        slice_copy(slice_cstr(dial->call_id), c->record.call_id, sizeof(c->record.call_id));
    else
        call_new_id(c->env, c->record.call_id, sizeof(c->record.call_id));
    line->dialled(line->arg, c, dial, &c->line->own);
}

void line_hung_up(struct call *c)
{
    line_unbridge(c->line);
    line_stop_playing(c->line);
    if (c->line->up)
        c->env->line->hung_up(c->env->line->arg, c);
}

/* ---- playing ---- */

static void play_next(struct line *k);

static void tell_played(struct line *k, uint32_t cookie, enum err err)
{
    struct media_event e = {.kind = MEDIA_EV_PLAYED, .cookie = cookie, .err = err};

    if (cookie) /* 0 asks for no word */
        call_on_media(k->call, NULL, &e);
}

static void on_played(struct timer *t)
{
    struct line *k = container_of(t, struct line, playing);
    uint32_t cookie = k->queue[0].cookie;

    k->queued--;
    memmove(k->queue, k->queue + 1, k->queued * sizeof(k->queue[0]));
    if (k->queued)
        play_next(k);
    tell_played(k, cookie, OK);
}

static void play_next(struct line *k)
{
    if (!k->queue[0].endless)
        loop_timer(k->call->env->loop, &k->playing, k->queue[0].ms, on_played);
}

enum err line_play(struct line *k, uint32_t ms, bool endless, uint32_t cookie)
{
    if (k->queued == LEG_QUEUE_MAX)
        return ERR_FULL;
    const struct call_line *line = k->call->env->line;

    k->queue[k->queued++] = (struct line_sound){ms, cookie, endless};
    line->plays(line->arg, k->call, ms);
    if (k->queued == 1)
        play_next(k);
    return OK;
}

/* As with a real leg, what was stopped is told from the loop, not from inside. */
static void on_stopped(struct timer *t)
{
    struct line *k = container_of(t, struct line, stopped);

    while (k->cancelled_count) {
        uint32_t cookie = k->cancelled[0];

        k->cancelled_count--;
        memmove(k->cancelled, k->cancelled + 1, k->cancelled_count * sizeof(k->cancelled[0]));
        tell_played(k, cookie, ERR_CANCELLED);
    }
}

void line_stop_playing(struct line *k)
{
    if (!k->queued)
        return;
    loop_timer_stop(k->call->env->loop, &k->playing);
    for (uint32_t i = 0; i < k->queued && k->cancelled_count < LEG_QUEUE_MAX; i++)
        k->cancelled[k->cancelled_count++] = k->queue[i].cookie;
    k->queued = 0;
    loop_timer(k->call->env->loop, &k->stopped, 1, on_stopped);
}

/* ---- bridging ---- */

static void on_met(struct timer *t)
{
    struct line *k = container_of(t, struct line, meeting);
    struct media_event e = {.kind = MEDIA_EV_BRIDGED};

    call_on_media(k->call, NULL, &e);
}

enum err line_bridge(struct line *a, struct line *b)
{
    const struct call_line *line = a->call->env->line;
    struct loop *loop = a->call->env->loop;

    line_unbridge(a);
    line_unbridge(b);
    line_stop_playing(a);
    line_stop_playing(b);
    a->peer = b;
    b->peer = a;
    loop_timer(loop, &a->meeting, LINE_BRIDGE_MS, on_met);
    loop_timer(loop, &b->meeting, LINE_BRIDGE_MS, on_met);
    line->bridged(line->arg, a->call, b->call);
    return OK;
}

void line_unbridge(struct line *k)
{
    struct line *peer = k->peer;

    if (!peer)
        return;
    k->peer = peer->peer = NULL;
    loop_timer_stop(k->call->env->loop, &k->meeting);
    loop_timer_stop(k->call->env->loop, &peer->meeting);
}

/* ---- what the far side does ---- */

void *call_line_own(const struct call *c)
{
    return c->line ? c->line->own : NULL;
}

void call_line_progress(struct call *c, uint16_t code)
{
    struct sip_event e = {.kind = SIP_EV_PROGRESS, .code = code};

    call_on_sip(c, NULL, &e);
}

void call_line_answer(struct call *c)
{
    struct sip_event e = {.kind = SIP_EV_ANSWERED, .code = 200};

    call_on_sip(c, NULL, &e);
}

void call_line_rtp(struct call *c)
{
    struct media_event e = {.kind = MEDIA_EV_FIRST_RTP};

    e.at_us = clock_us(c->env->loop->clock);
    call_on_media(c, NULL, &e);
}

void call_line_heard(struct call *c, const struct dsp_event *heard)
{
    struct media_event e = {.kind = MEDIA_EV_HEARD, .heard = *heard};

    if (c->state <= CALL_STATE_UP)
        call_on_media(c, NULL, &e);
}

void call_line_key(struct call *c, char digit)
{
    struct media_event e = {.kind = MEDIA_EV_DTMF, .digit = digit};

    call_on_media(c, NULL, &e);
}

void call_line_end(struct call *c, uint16_t code, uint16_t q850, enum call_ender by)
{
    struct sip_event e = {.kind = SIP_EV_ENDED, .code = code, .q850 = q850};

    e.by = by == ENDED_BY_US ? SIP_BY_US : by == ENDED_BY_CALLEE ? SIP_BY_FAR_SIDE : SIP_BY_NETWORK;
    line_unbridge(c->line);
    line_stop_playing(c->line);
    loop_timer_stop(c->env->loop, &c->line->stopped);
    c->line->up = false;
    call_on_sip(c, NULL, &e);
}
