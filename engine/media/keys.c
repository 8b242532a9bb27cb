/* See keys.h. */
#include "media/keys.h"

#include <string.h>

#include "media/stream.h"

#define KEY_MS    100
#define KEY_GAP   60
#define EVENT_END 3   /* RFC 4733 section 2.5.1.4 */
#define SHORTEST  320 /* samples of an event, at least: ends that come at once are no key */
#define LONGEST   0xffff

static bool takes_events(const struct stream *s)
{
    return s->remote.event_pt != LEG_NO_PAYLOAD_TYPE;
}

static void queue_key(struct stream *to, char digit, bool in_band)
{
    struct player_item key = {.kind = PLAYER_DTMF, .internal = true};

    key.dtmf = (struct player_dtmf){
        .count = 1, .in_band = in_band, .on_ms = KEY_MS, .gap_ms = KEY_GAP, .digits = {digit}};
    player_add(&to->hearing->player, &key);
}

/* What is played to the listener is not interrupted by others' keys, other keys are awaited. */
static bool plays_else(const struct stream *to)
{
    const struct player *p = &to->hearing->player;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct player_item *item = &p->queue[(p->head + i) % PLAYER_QUEUE_MAX];

        if (item->kind != PLAYER_DTMF || !item->internal)
            return true;
    }
    return false;
}

static void pass(struct stream *to, struct stream *s, char digit, bool by_event)
{
    bool relays = s->peer == to && !to->from_pcm && stream_passes_events(s, to);

    if (!to->hearing)
        return;
    if (by_event && takes_events(to)) {
        if (!relays)
            to->hearing->pass =
                (struct key_pass){.from = s, .digit = digit, .ts = s->hearing->keys.ts};
    } else if (by_event != takes_events(to) && !plays_else(to)) {
        queue_key(to, digit, by_event);
        if (!by_event)
            s->tone_passed = true;
        mixer_settle(to);
    }
}

void keys_began(struct stream *s, char digit, bool by_event)
{
    if (s->keys_across == MEDIA_KEYS_KEEP)
        return;
    if (!by_event && s->hearing->keys.seen)
        return; /* it sends events, too: those are passed */
    if (s->peer) {
        pass(s->peer, s, digit, by_event);
        return;
    }
    for (uint32_t i = 0; s->mix && i < s->mix->count; i++) {
        struct stream *to = s->mix->seat[i].stream;

        if (to != s && mixer_talks(s) && mixer_hears(to, s))
            pass(to, s, digit, by_event);
    }
    if (s->tone_passed)
        mixer_hush(s);
}

bool keys_silence(const struct stream *s)
{
    if (!s->peer && !s->mix)
        return false;
    return s->tone_passed || event_under_way(&s->hearing->keys, s->worker->loop.now_us);
}

enum player_said keys_say(struct stream *s, enum player_said said, struct player_block *b)
{
    struct key_pass *k = &s->hearing->pass;

    if (!k->digit || said == PLAYER_EVENT)
        return said;
    struct event_receiver *r = k->from ? &k->from->hearing->keys : NULL;
    bool held = r && r->ts == k->ts && event_under_way(r, s->worker->loop.now_us);

    memset(b->pcm, 0, sizeof(b->pcm));
    b->digit = k->digit;
    b->first = k->duration == 0;
    if (!k->ends && k->duration <= LONGEST - STREAM_BLOCK)
        k->duration += STREAM_BLOCK;
    b->duration = k->duration;
    b->last = k->ends || (!held && k->duration >= SHORTEST);
    k->ends = (uint8_t)(k->ends + b->last);
    if (k->ends == EVENT_END || !takes_events(s))
        *k = (struct key_pass){0};
    return PLAYER_EVENT;
}

bool keys_play(const struct stream *s)
{
    const struct player *p = &s->hearing->player;

    return p->count && p->queue[p->head].kind == PLAYER_DTMF && p->queue[p->head].internal;
}

void keys_forget(struct stream *listener, const struct stream *s)
{
    if (listener->hearing && listener->hearing->pass.from == s)
        listener->hearing->pass.from = NULL;
}
