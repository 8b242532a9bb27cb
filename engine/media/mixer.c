/* See mixer.h. Who hears whom is decided when a block is summed, so a change of parts holds from
 * the listener's next slot on; the seam takes the step out of it. */
#include "media/mixer.h"

#include <string.h>

#include "media/stream.h"

#define SAID_STALE_US 60000 /* a member that has not spoken for so long is silent */

static struct mix_seat *seat_of(const struct stream *s)
{
    struct mix *x = s->mix;

    for (uint32_t i = 0; i < x->count; i++)
        if (x->seat[i].stream == s)
            return &x->seat[i];
    return NULL; /* not reached: a stream's mix has a seat for it */
}

bool mixer_mixes(const struct stream *s)
{
    return s->mix && !s->mix->relays;
}

static bool may_hear(const struct mix_seat *listener, const struct mix_seat *other)
{
    if (listener == other || other->role == MIX_LISTENS)
        return false;
    return other->role == MIX_TALKS || other->coached == listener->stream;
}

bool mixer_hears(const struct stream *listener, const struct stream *s)
{
    if (!s->mix || listener->mix != s->mix)
        return s->peer == listener;
    return may_hear(seat_of(listener), seat_of(s));
}

bool mixer_talks(const struct stream *s)
{
    return s->mix && seat_of(s)->role == MIX_TALKS;
}

bool mixer_wants(const struct stream *s)
{
    const struct mix_seat *mine;

    if (!mixer_mixes(s))
        return false;
    mine = seat_of(s);
    for (uint32_t i = 0; i < s->mix->count; i++)
        if (may_hear(&s->mix->seat[i], mine))
            return true;
    return false;
}

/* ---- relay or mix ---- */

bool mixer_needless(const struct stream *s)
{
    return level_is_plain(&s->level) && s->keys_across != MEDIA_KEYS_CLEAN;
}

static bool is_plain(const struct mix_seat *seat)
{
    const struct stream *s = seat->stream;

    return seat->role == MIX_TALKS && mixer_needless(s) &&
           (!s->hearing || player_idle(&s->hearing->player) || keys_play(s));
}

static void listen_anew(struct mix *x)
{
    for (uint32_t i = 0; i < x->count; i++) {
        x->seat[i].stream->seam.due = true;
        stream_listen(x->seat[i].stream);
    }
}

static void begin_relay(struct stream *s, struct stream *peer)
{
    s->peer = peer;
    s->relaying = s->from_pcm = false;
    if (s->slot != WORKER_SLOTS)
        stream_arm(s);
}

static void end_relay(struct stream *s)
{
    s->peer = NULL;
    s->relaying = s->from_pcm = false;
    stream_wait_over(s);
}

static void set_relay(struct mix *x, bool on)
{
    struct stream *a = x->seat[0].stream, *b = x->seat[1].stream;

    if (x->relays == on)
        return;
    x->relays = on;
    if (on) {
        begin_relay(a, b);
        begin_relay(b, a);
    } else {
        end_relay(a);
        end_relay(b);
    }
    for (uint32_t i = 0; i < x->count; i++)
        x->seat[i].said_us = 0;
    listen_anew(x);
}

static void settle(struct mix *x)
{
    set_relay(x, x->count == 2 && is_plain(&x->seat[0]) && is_plain(&x->seat[1]));
}

void mixer_settle(struct stream *s)
{
    if (s->mix)
        settle(s->mix);
}

/* ---- coming and going ---- */

static void sit_down(struct mix *x, struct stream *s, enum mix_role role)
{
    x->seat[x->count++] = (struct mix_seat){.stream = s, .role = (uint8_t)role};
    s->mix = x;
    s->bridged_told = false;
}

/* A mix around a stream that is in none, with its peer. NULL: the pool is empty, which as many
 * places as half the legs prevent. */
static struct mix *begin(struct stream *s)
{
    struct mix *x = pool_get(&s->worker->mixes);
    struct stream *peer = s->peer;

    if (!x)
        return NULL;
    x->relays = peer != NULL;
    sit_down(x, s, MIX_TALKS);
    if (peer)
        sit_down(x, peer, MIX_TALKS);
    return x;
}

void mixer_join(struct stream *s, struct stream *with, enum mix_role role)
{
    struct mix *x = with->mix ? with->mix : begin(with);

    if (!x || s->mix || x->count == MIX_SEATS)
        return; /* the control thread counts the seats too */
    if (x->relays)
        set_relay(x, false);
    sit_down(x, s, role);
    settle(x);
    listen_anew(x);
}

void mixer_role(struct stream *s, enum mix_role role, struct stream *coached)
{
    mixer_of_pair(s);
    if (!s->mix)
        return;
    struct mix_seat *seat = seat_of(s);

    seat->role = (uint8_t)role;
    seat->coached = role == MIX_COACHES ? coached : NULL;
    settle(s->mix);
    listen_anew(s->mix);
}

static void stand_up(struct mix *x, struct stream *s)
{
    *seat_of(s) = x->seat[x->count - 1];
    x->count--;
    s->mix = NULL;
    s->marker = s->seam.due = true;
    stream_listen(s);
}

void mixer_leave(struct stream *s)
{
    struct mix *x = s->mix;

    if (!x)
        return;
    set_relay(x, false);
    stand_up(x, s);
    for (uint32_t i = 0; i < x->count; i++)
        if (x->seat[i].coached == s) {
            x->seat[i].coached = NULL;
            x->seat[i].role = MIX_LISTENS;
        }
    for (uint32_t i = 0; i < x->count; i++) {
        keys_forget(x->seat[i].stream, s);
        keys_forget(s, x->seat[i].stream);
    }
    if (x->count < 2) {
        if (x->count)
            stand_up(x, x->seat[0].stream);
        pool_put(&s->worker->mixes, x);
        return;
    }
    settle(x);
    listen_anew(x);
}

void mixer_of_pair(struct stream *s)
{
    if (s->peer && !s->mix && begin(s))
        settle(s->mix);
}

/* ---- the voices ---- */

/* The new block waits, the oldest one is said. */
static void hold_back(struct mix_seat *seat)
{
    int16_t *oldest = seat->held[seat->held_at], block[LEVEL_BLOCK];

    memcpy(block, oldest, sizeof(block));
    memcpy(oldest, seat->said, sizeof(block));
    memcpy(seat->said, block, sizeof(block));
    seat->held_at = (uint8_t)((seat->held_at + 1) % MIX_HELD);
}

void mixer_hush(struct stream *s)
{
    if (mixer_mixes(s) && s->keys_across == MEDIA_KEYS_CLEAN)
        memset(seat_of(s)->held, 0, sizeof(seat_of(s)->held));
}

void mixer_heard(struct stream *s, const int16_t *pcm)
{
    static const int16_t silence[LEVEL_BLOCK];
    struct mix_seat *seat = seat_of(s);

    if (keys_silence(s))
        pcm = silence;
    if (level_is_plain(&s->level) && !s->level.set)
        memcpy(seat->said, pcm, sizeof(seat->said));
    else
        level_apply(&s->level, pcm, seat->said);
    if (s->keys_across == MEDIA_KEYS_CLEAN)
        hold_back(seat);
    seat->said_us = s->worker->slot_us;
}

void mixer_say(struct stream *s, int16_t *pcm)
{
    struct mix *x = s->mix;
    struct mix_seat *mine = seat_of(s);
    int32_t sum[LEVEL_BLOCK];
    uint64_t now_us = s->worker->slot_us;
    bool spoken = false;

    for (uint32_t i = 0; i < LEVEL_BLOCK; i++)
        sum[i] = pcm[i];
    for (uint32_t k = 0; k < x->count; k++) {
        const struct mix_seat *other = &x->seat[k];

        if (!may_hear(mine, other) || !other->said_us || now_us - other->said_us > SAID_STALE_US)
            continue;
        for (uint32_t i = 0; i < LEVEL_BLOCK; i++)
            sum[i] += other->said[i];
        spoken = true;
    }
    limiter_apply(&mine->limiter, sum, pcm);
    if (spoken && stream_sends(s))
        stream_bridge_told(s);
}
